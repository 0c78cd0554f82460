package index

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"sarhad/incident"
)

// builder takes incidents in the order of fid and makes a segment of them.
type builder struct {
	s       segment
	kinds   map[incident.RowKind]uint32
	places  map[incident.RowPlace]uint32
	parties map[party]uint32
	out     io.Writer // takes the records; nil keeps them
	size    uint64    // of the records
	words   wordBuilder
	buf     []byte
	w       writer
}

func newBuilder() *builder {
	return &builder{kinds: map[incident.RowKind]uint32{}, places: map[incident.RowPlace]uint32{}, parties: map[party]uint32{}, words: wordBuilder{byWord: map[string]*wordList{}}}
}

// grow makes room for so many rows: columns that grow by themselves take twice the memory while they do.
func (b *builder) grow(n int) {
	s := &b.s
	s.start, s.end, s.fid = slices.Grow(s.start, n), slices.Grow(s.end, n), slices.Grow(s.fid, n)
	s.lon, s.lat, s.border = slices.Grow(s.lon, n), slices.Grow(s.lat, n), slices.Grow(s.border, n)
	s.kind, s.place, s.party = slices.Grow(s.kind, n), slices.Grow(s.place, n), slices.Grow(s.party, n)
	s.low, s.best, s.high = slices.Grow(s.low, n), slices.Grow(s.best, n), slices.Grow(s.high, n)
	s.offset = slices.Grow(s.offset, n)
}

func (b *builder) rows() int { return len(b.s.start) }

// maxRows is what a row number can say.
const maxRows = math.MaxUint32

var errFull = errors.New("more incidents than an index can hold")

// entry is the place of a value in a table.
func entry[T comparable](known map[T]uint32, list *[]T, v T) uint32 {
	n, ok := known[v]
	if !ok {
		n = uint32(len(*list))
		known[v] = n
		*list = append(*list, v)
	}
	return n
}

// add adds an incident and keeps nothing of it but texts.
func (b *builder) add(in *incident.Incident) error {
	s := &b.s
	if len(s.start) >= maxRows {
		return errFull
	}
	lon, lat, border := math.NaN(), math.NaN(), math.NaN()
	if in.HasPoint {
		lon, lat = in.Point[0], in.Point[1]
	}
	if in.Border.Known {
		border = in.Border.MinKM
	}
	s.start, s.end, s.fid = append(s.start, int32(in.Start)), append(s.end, int32(in.End)), append(s.fid, in.FID)
	s.lon, s.lat, s.border = append(s.lon, lon), append(s.lat, lat), append(s.border, border)
	s.kind = append(s.kind, entry(b.kinds, &s.kinds, incident.RowKindOf(in)))
	s.place = append(s.place, entry(b.places, &s.places, incident.RowPlaceOf(in)))
	s.party = append(s.party, entry(b.parties, &s.parties, partyOf(in)))
	s.low, s.best, s.high = append(s.low, s.rowFigure(in.Low)), append(s.best, s.rowFigure(in.Best)), append(s.high, s.rowFigure(in.High))
	b.words.add(in)
	s.offset = append(s.offset, b.size)
	b.w.fields(in)
	if b.out == nil {
		s.records = s.appendRecord(s.records, len(s.start)-1, &b.w)
		b.size = uint64(len(s.records))
		return nil
	}
	b.buf = s.appendRecord(b.buf[:0], len(s.start)-1, &b.w)
	b.size += uint64(len(b.buf))
	if _, err := b.out.Write(b.buf); err != nil {
		return fmt.Errorf("write a record: %w", err)
	}
	return nil
}

// finish sorts the rows and gives the segment. The builder is used up.
func (b *builder) finish() *segment {
	s := &b.s
	n := len(s.start)
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	if !slices.IsSortedFunc(order, s.byStart) {
		slices.SortFunc(order, s.byStart)
		s.start, s.end, s.fid = gather(s.start, order), gather(s.end, order), gather(s.fid, order)
		s.lon, s.lat, s.border = gather(s.lon, order), gather(s.lat, order), gather(s.border, order)
		s.kind, s.place, s.party = gather(s.kind, order), gather(s.place, order), gather(s.party, order)
		s.low, s.best, s.high = gather(s.low, order), gather(s.best, order), gather(s.high, order)
		s.offset = gather(s.offset, order)
		for i := range order {
			order[i] = uint32(i)
		}
	}
	s.byFID = order
	slices.SortFunc(s.byFID, func(a, b uint32) int { return cmp.Compare(s.fid[a], s.fid[b]) })
	class := func(row uint32) int { return bits.Len64(uint64(int64(s.end[row]) - int64(s.start[row]))) }
	for i := range s.start {
		if s.end[i] > s.start[i] {
			s.long = append(s.long, uint32(i))
			s.longAt[class(uint32(i))+1]++
		}
	}
	slices.SortStableFunc(s.long, func(a, b uint32) int { return cmp.Compare(class(a), class(b)) })
	for k := range longClasses {
		s.longAt[k+1] += s.longAt[k]
	}
	s.words = b.words.finish()
	s.lookForBounds()
	return s
}

// inOrder writes the records, which stand in the order of fid, in the order of
// the rows, so that those of one window lie together.
func (s *segment) inOrder(write func([]byte) error) error {
	at := uint64(0)
	offset := make([]uint64, len(s.offset)) // the old ones may be those of a builder that goes on
	for i := range s.offset {
		rec := s.record(uint32(i))
		offset[i] = at
		at += uint64(len(rec))
		if err := write(rec); err != nil {
			return err
		}
	}
	s.offset = offset
	return nil
}

func (s *segment) byStart(a, b uint32) int {
	if c := cmp.Compare(s.start[a], s.start[b]); c != 0 {
		return c
	}
	return cmp.Compare(s.fid[a], s.fid[b])
}

func gather[T any](column []T, order []uint32) []T {
	out := make([]T, len(order))
	for i, row := range order {
		out[i] = column[row]
	}
	return out
}
