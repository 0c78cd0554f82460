package index

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// segment is a set of incidents in columns, sorted by first day and then by
// row number of the store. It is never changed.
type segment struct {
	start, end []int32
	fid        []int64
	lon, lat   []float64 // NaN for none
	cell       []uint16  // of the grid
	grid       grid
	kind       []uint32 // rows of the tables below
	place      []uint32
	party      []uint32
	low        []int32 // unknownFigure for what is not reported
	best       []int32
	high       []int32
	border     []float64 // least distance in kilometres, NaN for none
	offset     []uint64  // of the record
	byFID      []uint32  // the rows in the order of fid
	// long are the rows of several days, those that last between 2^(k-1) and
	// 2^k-1 days longer than one from longAt[k] to longAt[k+1], each class by
	// start: what reaches into a window began less than 2^k days before it.
	long   []uint32
	longAt [longClasses + 1]int
	byTile tileRows

	kinds   []incident.RowKind
	places  []incident.RowPlace
	parties []party
	large   []int64 // figures that do not fit into a column
	records []byte
	words   *words

	months monthly

	// plain says of each entry of the tables whether all of its texts are plain.
	plain struct{ kinds, places, parties []bool }

	// bounds is true if any row has a lowest or a highest figure.
	bounds bool

	// mapped keeps the file while the segment is in use; nil for one in memory.
	mapped *mapping
}

const longClasses = 33

func (s *segment) rows() int { return len(s.start) }

// shape says how incidents are filled in.
type shape struct {
	want   uint32         // the fields of the record
	tables source         // the tables whose fields are wanted
	lent   *incident.Lent // texts are those of the file and live only as long as the segment; nil for copies
	texts  arena
}

// everything is the shape of an incident that its owner keeps.
func everything() *shape {
	return &shape{want: allFields, tables: fromKind | fromPlace | fromParty}
}

// incident fills in the incident of a row. in is one that this shape was filled into before, or zero.
func (s *segment) incident(row uint32, in *incident.Incident, as *shape) {
	rec := s.record(row)
	le := binary.LittleEndian
	has := le.Uint32(rec[headHas:])
	if as.want == allFields {
		*in = incident.Incident{}
	} else if gone := as.want &^ has; gone != 0 {
		clearFields(gone, in) // the others are written again, or never were
	}
	in.FID, in.Start, in.End = int64(le.Uint64(rec[headFID:])), incident.Day(le.Uint32(rec[headStart:])), incident.Day(le.Uint32(rec[headEnd:]))
	in.Low, in.Best, in.High = s.figure(int32(le.Uint32(rec[headLow:]))), s.figure(int32(le.Uint32(rec[headBest:]))), s.figure(int32(le.Uint32(rec[headHigh:])))
	in.Point[0], in.Point[1] = math.Float64frombits(le.Uint64(rec[headLon:])), math.Float64frombits(le.Uint64(rec[headLat:]))
	if in.HasPoint = in.Point[0] == in.Point[0]; !in.HasPoint {
		in.Point = orb.Point{}
	}
	if as.tables&fromKind != 0 {
		s.kinds[le.Uint32(rec[headKind:])].Put(in)
		in.Border.MinKM = 0
		if in.Border.Known {
			in.Border.MinKM = math.Float64frombits(le.Uint64(rec[headBorder:]))
		}
	}
	if as.tables&fromPlace != 0 {
		s.places[le.Uint32(rec[headPlace:])].Put(in)
	}
	if as.tables&fromParty != 0 {
		s.parties[le.Uint32(rec[headParty:])].put(in)
	}
	r := reader{stringOf(rec[recordHead:])}
	if as.lent == nil {
		r.s = as.texts.text(rec[recordHead:])
	} else {
		*as.lent = incident.Lent{Plain: has&isPlain != 0, Common: s.common(rec)}
	}
	r.read(has, as.want, in, as.lent)
}

// fill fills in what the columns hold of some rows, one column after the
// other: the reads of one column do not depend on each other, so the machine
// waits for the memory of many rows at once.
func (s *segment) fill(out []incident.Row, rows []uint32) {
	for i, row := range rows {
		out[i].FID, out[i].Start, out[i].End = s.fid[row], incident.Day(s.start[row]), incident.Day(s.end[row])
	}
	for i, row := range rows {
		r := &out[i]
		r.Point = orb.Point{s.lon[row], s.lat[row]}
		if r.HasPoint = r.Point[0] == r.Point[0]; !r.HasPoint {
			r.Point = orb.Point{}
		}
	}
	for i, row := range rows {
		out[i].Low, out[i].Best, out[i].High = s.figure(s.low[row]), s.figure(s.best[row]), s.figure(s.high[row])
	}
	for i, row := range rows {
		out[i].Kind, out[i].Place = &s.kinds[s.kind[row]], &s.places[s.place[row]]
	}
}

// cursor is the place of a row in any order.
func (s *segment) cursor(row uint32) incident.Cursor {
	return incident.Cursor{FID: s.fid[row], Start: incident.Day(s.start[row])}
}

// common reports whether all texts that a record has from the tables are plain.
func (s *segment) common(rec []byte) bool {
	le := binary.LittleEndian
	return s.plain.kinds[le.Uint32(rec[headKind:])] && s.plain.places[le.Uint32(rec[headPlace:])] && s.plain.parties[le.Uint32(rec[headParty:])]
}

// lookOver sets bounds and plain.
func (s *segment) lookOver() {
	known := func(n int32) bool { return n != unknownFigure }
	s.bounds = slices.ContainsFunc(s.low, known) || slices.ContainsFunc(s.high, known)
	s.plain.kinds = plainOf(s.kinds, func(k *incident.RowKind) bool {
		return plain(k.Dataset, string(k.TimePrecision), string(k.EventType), string(k.SubEventType), string(k.EventClass),
			string(k.LocationPrecision), string(k.PlaceKind), string(k.BorderSide), string(k.Verification))
	})
	s.plain.places = plainOf(s.places, func(p *incident.RowPlace) bool {
		return plain(p.Country, p.Province, p.District, p.UnitID, p.UnitThen, p.DistrictThen, p.Subunit, p.PCode)
	})
	s.plain.parties = plainOf(s.parties, func(p *party) bool { return plain(p.actor1, p.actor2, p.dyad) })
}

// plainOf asks each entry of a table.
func plainOf[T any](table []T, is func(*T) bool) []bool {
	list := make([]bool, len(table))
	for i := range table {
		list[i] = is(&table[i])
	}
	return list
}

func plain(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(t string) bool { return !incident.IsPlain(t) })
}

// find gives the row of a fid.
func (s *segment) find(fid int64) (uint32, bool) {
	i := s.firstFID(fid)
	if i == len(s.byFID) || s.fid[s.byFID[i]] != fid {
		return 0, false
	}
	return s.byFID[i], true
}

// from is the first row that starts on a day or later.
func (s *segment) from(d incident.Day) int {
	i, _ := slices.BinarySearch(s.start, int32(d))
	return i
}

// window gives the rows with any day in a range: those from lo to hi, and some
// that began before, in no order.
func (s *segment) window(from, to incident.Day) (lo, hi int, before []uint32) {
	if from > to { // only what contains both: look at all that lasts longer than a day
		for _, row := range s.long {
			if s.start[row] <= int32(to) && s.end[row] >= int32(from) {
				before = append(before, row)
			}
		}
		return 0, 0, before
	}
	lo, hi = s.from(from), s.rows()
	if to < math.MaxInt32 {
		hi = s.from(to + 1)
	}
	for k := range longClasses {
		class := s.long[s.longAt[k]:s.longAt[k+1]]
		if len(class) == 0 {
			continue
		}
		least := max(int64(from)-(int64(1)<<k)+1, math.MinInt32)
		at, _ := slices.BinarySearchFunc(class, int32(least), func(row uint32, d int32) int { return cmp.Compare(s.start[row], d) })
		for _, row := range class[at:] {
			if s.start[row] >= int32(from) {
				break
			}
			if s.end[row] >= int32(from) {
				before = append(before, row)
			}
		}
	}
	return lo, hi, before
}
