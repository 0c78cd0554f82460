package gpkg

import (
	"crypto/sha256"
	"encoding/binary"
)

// idSet remembers which incident stands in which row while the index of ids is
// put off: 12 bytes an incident, against about 60 of a map. Its keys are 64
// bits of a hash, so a hit has to be checked against the row.
type idSet struct {
	keys  []uint64 // 0 is a free place
	rows  []uint32 // the row number less base
	base  int64
	count int
}

// maxIDs bounds the memory of an idSet to 48 MiB. A larger load builds the
// indexes when it gets there and goes on with them.
const maxIDs = 3_000_000

func newIDSet(base int64) *idSet {
	return &idSet{keys: make([]uint64, 1<<15), rows: make([]uint32, 1<<15), base: base}
}

// keyOf hashes an ID. SHA-256 is used since IDs come from files, and a set
// that can be made to collide could be made slow.
func keyOf(id string) uint64 {
	var buf [64]byte
	sum := sha256.Sum256(append(buf[:0], id...))
	return binary.LittleEndian.Uint64(sum[:]) | 1 // never 0
}

// find gives the row of a key, 0 if there is none.
func (s *idSet) find(key uint64) int64 {
	mask := uint64(len(s.keys) - 1)
	for i := (key >> 1) & mask; s.keys[i] != 0; i = (i + 1) & mask {
		if s.keys[i] == key {
			return s.base + int64(s.rows[i])
		}
	}
	return 0
}

// add remembers a key that is not there yet.
func (s *idSet) add(key uint64, row int64) {
	if (s.count+1)*4 > len(s.keys)*3 {
		old := *s
		s.keys, s.rows = make([]uint64, 2*len(old.keys)), make([]uint32, 2*len(old.keys))
		for i, k := range old.keys {
			if k != 0 {
				s.place(k, old.rows[i])
			}
		}
	}
	s.place(key, uint32(row-s.base))
	s.count++
}

func (s *idSet) place(key uint64, row uint32) {
	mask := uint64(len(s.keys) - 1)
	i := (key >> 1) & mask
	for s.keys[i] != 0 {
		i = (i + 1) & mask
	}
	s.keys[i], s.rows[i] = key, row
}
