package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"unsafe"

	"sarhad/incident"
)

// The file of a segment: the records, the columns, the tables, and at the end a
// trailer that says where they are and of what state of the store they are.
// Columns are written as they lie in memory, so a file belongs to machines of
// one byte order; on any other it is not recognised and made anew. The file is
// only a copy of what the store holds: it may be deleted at any time.

// fileMagic changes whenever the layout or the meaning of the file does.
const fileMagic = "SRHDIX04"

// byteOrder reads differently on a machine of the other byte order.
const byteOrder = 0x0102030405060708

// The parts, in the order of the trailer.
const (
	partRecords = iota
	partStart
	partEnd
	partFID
	partLon
	partLat
	partCell
	partKind
	partPlace
	partParty
	partLow
	partBest
	partHigh
	partBorder
	partOffset
	partByFID
	partLong
	partLongAt
	partTileRows
	partTileAt
	partWords
	partWordAt
	partLists
	partListEnd
	partTables
	partCount
)

// stamp says of which state of which store a file is.
type stamp struct {
	// Change is the change number, Store a digest of what else tells states apart.
	Change int64
	Store  [32]byte
}

type trailer struct {
	Order  uint64
	Rows   uint64
	Stamp  stamp
	Grid   grid
	Parts  [partCount][2]uint64
	Tables uint32 // checksum of the tables
	Sum    uint32 // checksum of what stands before it in the trailer
	Magic  [8]byte
}

var trailerSize = binary.Size(trailer{})

// errNoIndex says that a file is missing, of another state or broken: it has to be made anew.
var errNoIndex = errors.New("no index of this state")

// openFile maps a file. It fails with errNoIndex unless the file is whole.
func openFile(path string) (*segment, stamp, error) {
	m, err := mapFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, stamp{}, errNoIndex
	}
	if err != nil {
		return nil, stamp{}, fmt.Errorf("map the file of the index: %w", err)
	}
	b := m.bytes
	if len(b) < trailerSize {
		return nil, stamp{}, errNoIndex
	}
	end := b[len(b)-trailerSize:]
	var t trailer
	if _, err := binary.Decode(end, binary.LittleEndian, &t); err != nil {
		return nil, stamp{}, errNoIndex
	}
	native := binary.NativeEndian.Uint64(end)
	if string(t.Magic[:]) != fileMagic || t.Order != byteOrder || native != byteOrder || t.Sum != crc32.ChecksumIEEE(end[:len(end)-12]) {
		return nil, stamp{}, errNoIndex
	}
	at := uint64(0)
	for _, p := range t.Parts { // the parts stand one after the other and fill the file
		if p[0] < at || p[0]-at > 7 || p[1] > uint64(len(b)-trailerSize)-p[0] {
			return nil, stamp{}, errNoIndex
		}
		at = p[0] + p[1]
	}
	raw := func(part int) []byte { p := t.Parts[part]; return b[p[0] : p[0]+p[1]] }
	if at != uint64(len(b)-trailerSize) || crc32.ChecksumIEEE(raw(partTables)) != t.Tables {
		return nil, stamp{}, errNoIndex
	}
	s := &segment{mapped: m, records: raw(partRecords), words: &words{text: raw(partWords), lists: raw(partLists)}, grid: t.Grid}
	ok := column(&s.start, raw(partStart), t.Rows) && column(&s.end, raw(partEnd), t.Rows) && column(&s.fid, raw(partFID), t.Rows) &&
		column(&s.lon, raw(partLon), t.Rows) && column(&s.lat, raw(partLat), t.Rows) && column(&s.cell, raw(partCell), t.Rows) && column(&s.kind, raw(partKind), t.Rows) &&
		column(&s.place, raw(partPlace), t.Rows) && column(&s.party, raw(partParty), t.Rows) && column(&s.low, raw(partLow), t.Rows) &&
		column(&s.best, raw(partBest), t.Rows) && column(&s.high, raw(partHigh), t.Rows) && column(&s.border, raw(partBorder), t.Rows) &&
		column(&s.offset, raw(partOffset), t.Rows) && column(&s.byFID, raw(partByFID), t.Rows) &&
		column(&s.long, raw(partLong), t.Parts[partLong][1]/4) &&
		column(&s.byTile.rows, raw(partTileRows), t.Parts[partTileRows][1]/4) && column(&s.byTile.at, raw(partTileAt), allTiles+1) &&
		column(&s.words.at, raw(partWordAt), t.Parts[partWordAt][1]/8) && column(&s.words.ends, raw(partListEnd), t.Parts[partWordAt][1]/8)
	if len(raw(partLongAt)) != len(bytesOf(s.longAt[:])) || !ok {
		return nil, stamp{}, errNoIndex
	}
	copy(bytesOf(s.longAt[:]), raw(partLongAt))
	if !readTables(string(raw(partTables)), s) {
		return nil, stamp{}, errNoIndex
	}
	s.lookOver()
	return s, t.Stamp, nil
}

// bytesOf gives the memory of a column.
func bytesOf[T int | uint16 | int32 | int64 | uint32 | uint64 | float64](s []T) []byte {
	var v T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(v)))
}

// stringOf sees bytes that are never changed as a text.
func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// column lets a column stand on mapped memory, which begins at a multiple of 8.
func column[T uint16 | int32 | int64 | uint32 | uint64 | float64](to *[]T, b []byte, rows uint64) bool {
	var v T
	if uint64(len(b)) != rows*uint64(unsafe.Sizeof(v)) {
		return false
	}
	if rows > 0 {
		*to = unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), rows)
	}
	return true
}

func appendTables(b []byte, s *segment) []byte {
	w := writer{b: b}
	w.number(uint64(len(s.kinds)))
	flag := func(v bool) string {
		if v {
			return "1"
		}
		return ""
	}
	for _, k := range s.kinds {
		w.texts([]string{k.Dataset, string(k.TimePrecision), string(k.EventType), string(k.SubEventType), string(k.EventClass), string(k.LocationPrecision),
			string(k.PlaceKind), string(k.BorderSide), string(k.Verification), flag(k.BorderKnown), flag(k.Synthetic)})
		w.b = binary.AppendVarint(w.b, int64(k.TypeOfViolence))
	}
	w.number(uint64(len(s.places)))
	for _, p := range s.places {
		w.texts([]string{p.Country, p.Province, p.District, p.UnitID, p.UnitThen, p.DistrictThen, p.Subunit, p.PCode})
	}
	w.number(uint64(len(s.parties)))
	for _, p := range s.parties {
		w.texts([]string{p.actor1, p.actor2, p.assoc, p.dyad})
	}
	w.number(uint64(len(s.large)))
	for _, n := range s.large {
		w.b = binary.AppendVarint(w.b, n)
	}
	return w.b
}

// readTables reads what appendTables wrote; text must be no part of a mapped file.
func readTables(text string, s *segment) bool {
	r := reader{s: text}
	s.kinds = make([]incident.RowKind, r.number())
	for i := range s.kinds {
		t := r.texts()
		s.kinds[i] = newKind(t, r.signed())
	}
	s.places = make([]incident.RowPlace, r.number())
	for i := range s.places {
		t := r.texts()
		s.places[i] = incident.RowPlace{Country: t[0], Province: t[1], District: t[2], UnitID: t[3], UnitThen: t[4], DistrictThen: t[5], Subunit: t[6], PCode: t[7]}
	}
	s.parties = make([]party, r.number())
	for i := range s.parties {
		t := r.texts()
		s.parties[i] = party{t[0], t[1], t[2], t[3]}
	}
	s.large = make([]int64, r.number())
	for i := range s.large {
		s.large[i] = r.signed()
	}
	return r.s == ""
}
