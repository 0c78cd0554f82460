package index

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"sarhad/incident"
)

// builder takes incidents in the order of fid and makes a segment of them.
type builder struct {
	s       segment
	kinds   map[incident.RowKind]uint32
	places  map[incident.RowPlace]uint32
	parties map[party]uint32
	size    uint64 // of the records
	words   wordBuilder
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
	if err := b.words.add(in); err != nil {
		return err
	}
	s.offset = append(s.offset, b.size)
	b.w.fields(in)
	before := len(s.records)
	s.records = s.appendRecord(s.records, len(s.start)-1, &b.w)
	b.size += uint64(len(s.records) - before)
	return nil
}

// again empties the columns and the records, so that the next incident stands there alone; tables and words go on.
func (b *builder) again() {
	s := &b.s
	s.start, s.end, s.fid = s.start[:0], s.end[:0], s.fid[:0]
	s.lon, s.lat, s.border = s.lon[:0], s.lat[:0], s.border[:0]
	s.kind, s.place, s.party = s.kind[:0], s.place[:0], s.party[:0]
	s.low, s.best, s.high = s.low[:0], s.best[:0], s.high[:0]
	s.offset, s.records = s.offset[:0], s.records[:0]
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
	var long []uint64
	for i := range s.start {
		if s.end[i] > s.start[i] {
			long = append(long, uint64(longClass(s.start[i], s.end[i]))<<32|uint64(i))
		}
	}
	s.long, s.longAt = longRows(long)
	s.grid = gridOf(s.lon, s.lat)
	s.cell = s.grid.cells(s.lon, s.lat)
	tiles := make([]uint16, n)
	for i, lon := range s.lon {
		tiles[i] = tileOf(lon, s.lat[i])
	}
	s.byTile = listTiles(tiles)
	s.words = b.words.finish()
	s.lookOver()
	return s
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
