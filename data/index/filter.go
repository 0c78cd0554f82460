package index

import (
	"math"
	"slices"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// plan is a filter taken apart for one segment. A row matches if it lies in the
// days and the box, if its entries of the tables are marked, and if all tests are true.
type plan struct {
	s        *segment
	hasDays  bool
	from, to incident.Day
	hasBox   bool
	box      orb.Bound
	kinds    []bool // nil for all
	places   []bool
	parties  []bool
	tests    []test
	scratch  incident.Incident // of the tests; a plan serves one goroutine
	decoded  uint32            // the row that stands in scratch whole, plus 1
	whole    *shape
}

// test gives the truth of a part of a filter for a row.
type test func(row uint32) incident.Truth

// source is where a filter finds what it looks at.
type source uint

const (
	fromKind source = 1 << iota
	fromPlace
	fromParty
	fromColumns // the days, the figures, the point, the least distance
	fromRecord
)

var propertySource = map[incident.Property]source{
	"dataset": fromKind, "time_precision": fromKind, "event_type": fromKind, "sub_event_type": fromKind, "event_class": fromKind,
	"type_of_violence": fromKind, "location_precision": fromKind, "border_side": fromKind, "verification": fromKind,
	"country": fromPlace, "province": fromPlace, "district": fromPlace, "unit_id": fromPlace, "unit_then": fromPlace, "district_then": fromPlace,
	"subunit_id": fromPlace, "actor1": fromParty, "actor2": fromParty,
	"start_date": fromColumns, "end_date": fromColumns, "fatalities_low": fromColumns, "fatalities_best": fromColumns,
	"fatalities_high": fromColumns, "border_km_min": fromColumns | fromKind,
}

func ofProperty(p incident.Property) source {
	if s, ok := propertySource[p]; ok {
		return s
	}
	if _, known := incident.LookupProperty(p); !known {
		return fromKind // it is null or unknown for every incident
	}
	return fromRecord
}

// sourceOf says what a filter looks at; what is not known here looks at the whole incident.
func sourceOf(f incident.Filter) source {
	all := func(fs []incident.Filter) (s source) {
		for _, p := range fs {
			s |= sourceOf(p)
		}
		return s
	}
	switch f := f.(type) {
	case incident.And:
		return all(f)
	case incident.Or:
		return all(f)
	case incident.Not:
		return sourceOf(f.Of)
	case incident.Compare:
		return ofProperty(f.Property)
	case incident.In:
		return ofProperty(f.Property)
	case incident.IsNull:
		return ofProperty(f.Property)
	case incident.Like:
		return ofProperty(f.Property)
	case incident.During, incident.Box:
		return fromColumns
	case incident.DuringInstants:
		return fromColumns | fromPlace
	case incident.NearBorder:
		return fromColumns | fromKind
	case incident.ActorHas:
		return fromParty
	}
	return fromRecord
}

// plan takes a filter apart.
func (s *segment) plan(f incident.Filter) *plan {
	p := &plan{s: s, from: math.MinInt32, to: math.MaxInt32, whole: everything()}
	p.take(f)
	return p
}

// take adds a part that has to be true.
func (p *plan) take(f incident.Filter) {
	switch f := f.(type) {
	case nil:
		return
	case incident.And:
		for _, part := range f {
			p.take(part)
		}
		return
	case incident.During:
		p.within(f.From, f.To)
		return
	case incident.DuringInstants:
		// The days are those of the instants in any zone; the zone is tested below.
		day := func(t int64) incident.Day { return incident.Day(max(min(t/86400, math.MaxInt32-2), math.MinInt32+2)) }
		p.within(day(f.From)-2, day(f.To)+2)
	case incident.Box:
		b := f.Bound
		if !p.hasBox {
			p.hasBox, p.box = true, b
			return
		}
	}
	switch sourceOf(f) {
	case fromKind:
		mark(&p.kinds, p.kindTruths(f))
	case fromPlace:
		mark(&p.places, p.placeTruths(f))
	case fromParty:
		mark(&p.parties, p.partyTruths(f))
	default:
		p.tests = append(p.tests, p.test(f))
		return
	}
}

// within narrows the days. Two windows are one, even where they do not meet:
// what matches both is what lasts from the one to the other.
func (p *plan) within(from, to incident.Day) {
	p.hasDays = true
	p.from, p.to = max(p.from, from), min(p.to, to)
}

// mark keeps the entries that are true.
func mark(marks *[]bool, truths []incident.Truth) {
	if *marks == nil {
		*marks = make([]bool, len(truths))
		for i := range *marks {
			(*marks)[i] = true
		}
	}
	for i, t := range truths {
		(*marks)[i] = (*marks)[i] && t == incident.True
	}
}

// truths evaluates a filter for each entry of a table.
func truths[T any](table []T, put func(*T, *incident.Incident), f incident.Filter) []incident.Truth {
	out := make([]incident.Truth, len(table))
	var in incident.Incident
	for i := range table {
		put(&table[i], &in)
		out[i] = f.Match(&in)
	}
	return out
}

func (p *plan) kindTruths(f incident.Filter) []incident.Truth {
	return truths(p.s.kinds, (*incident.RowKind).Put, f)
}
func (p *plan) placeTruths(f incident.Filter) []incident.Truth {
	return truths(p.s.places, (*incident.RowPlace).Put, f)
}
func (p *plan) partyTruths(f incident.Filter) []incident.Truth {
	return truths(p.s.parties, (*party).put, f)
}

// test makes a filter a function of a row.
func (p *plan) test(f incident.Filter) test {
	s := p.s
	switch sourceOf(f) {
	case fromKind:
		t := p.kindTruths(f)
		return func(row uint32) incident.Truth { return t[s.kind[row]] }
	case fromPlace:
		t := p.placeTruths(f)
		return func(row uint32) incident.Truth { return t[s.place[row]] }
	case fromParty:
		t := p.partyTruths(f)
		return func(row uint32) incident.Truth { return t[s.party[row]] }
	}
	switch f := f.(type) {
	case incident.And:
		parts := p.testsOf(f)
		return func(row uint32) incident.Truth {
			t := incident.True
			for _, part := range parts {
				if t = min(t, part(row)); t == incident.False {
					break
				}
			}
			return t
		}
	case incident.Or:
		parts := p.testsOf(f)
		return func(row uint32) incident.Truth {
			t := incident.False
			for _, part := range parts {
				if t = max(t, part(row)); t == incident.True {
					break
				}
			}
			return t
		}
	case incident.Not:
		of := p.test(f.Of)
		return func(row uint32) incident.Truth { return incident.True - of(row) }
	case incident.Compare:
		if t := p.figureTest(f); t != nil {
			return t
		}
	case incident.TextHas:
		set := s.textHas(f.Words)
		return func(row uint32) incident.Truth {
			if set == nil || set.has(row) {
				return incident.True
			}
			return incident.False
		}
	case incident.NearBorder:
		return func(row uint32) incident.Truth {
			switch km := s.border[row]; {
			case !s.kinds[s.kind[row]].BorderKnown:
				return incident.Unknown
			case km <= f.KM:
				return incident.True
			}
			return incident.False
		}
	}
	if sourceOf(f)&^(fromColumns|fromKind|fromPlace) == 0 {
		return func(row uint32) incident.Truth {
			p.columns(row)
			return f.Match(&p.scratch)
		}
	}
	return func(row uint32) incident.Truth {
		if p.decoded != row+1 {
			s.incident(row, &p.scratch, p.whole)
			p.decoded = row + 1
		}
		return f.Match(&p.scratch)
	}
}

func (p *plan) testsOf(fs []incident.Filter) []test {
	out := make([]test, len(fs))
	for i, f := range fs {
		out[i] = p.test(f)
	}
	return out
}

// columns puts what the columns hold of a row into scratch.
func (p *plan) columns(row uint32) {
	s, in := p.s, &p.scratch
	p.decoded = 0
	in.Start, in.End = incident.Day(s.start[row]), incident.Day(s.end[row])
	in.Low, in.Best, in.High = s.figure(s.low[row]), s.figure(s.best[row]), s.figure(s.high[row])
	in.Point, in.HasPoint = orb.Point{s.lon[row], s.lat[row]}, s.lon[row] == s.lon[row]
	in.Country = s.places[s.place[row]].Country
	in.Border.Known, in.Border.MinKM = s.kinds[s.kind[row]].BorderKnown, s.border[row]
}

// figureTest compares a column of figures with a number; nil for anything else.
func (p *plan) figureTest(f incident.Compare) test {
	var column []int32
	switch f.Property {
	case "fatalities_low":
		column = p.s.low
	case "fatalities_best":
		column = p.s.best
	case "fatalities_high":
		column = p.s.high
	default:
		return nil
	}
	v := f.Value.Number
	numeric := f.Value.Kind == incident.Integer || f.Value.Kind == incident.Number || f.Value.Kind == incident.Boolean
	if !numeric || f.Value.Null || math.IsNaN(v) {
		return nil
	}
	var holds func(n float64) bool
	switch f.Op {
	case incident.Eq:
		holds = func(n float64) bool { return n == v }
	case incident.Ne:
		holds = func(n float64) bool { return n != v }
	case incident.Lt:
		holds = func(n float64) bool { return n < v }
	case incident.Le:
		holds = func(n float64) bool { return n <= v }
	case incident.Gt:
		holds = func(n float64) bool { return n > v }
	case incident.Ge:
		holds = func(n float64) bool { return n >= v }
	default:
		return nil
	}
	return func(row uint32) incident.Truth {
		n := column[row]
		switch {
		case n == unknownFigure:
			return incident.Unknown
		case holds(float64(p.s.number(n))):
			return incident.True
		}
		return incident.False
	}
}

// matches tests everything but the days.
func (p *plan) matches(row uint32) bool {
	s := p.s
	if p.hasBox { // NaN, which is in no box, fails every comparison
		if x, y := s.lon[row], s.lat[row]; !(x >= p.box.Min[0] && x <= p.box.Max[0] && y >= p.box.Min[1] && y <= p.box.Max[1]) {
			return false
		}
	}
	return p.matchesInBox(row)
}

func (p *plan) matchesInBox(row uint32) bool {
	s := p.s
	if p.kinds != nil && !p.kinds[s.kind[row]] || p.places != nil && !p.places[s.place[row]] || p.parties != nil && !p.parties[s.party[row]] {
		return false
	}
	for _, t := range p.tests {
		if t(row) != incident.True {
			return false
		}
	}
	return true
}

// free reports whether nothing but days and box is tested.
func (p *plan) free() bool {
	return p.kinds == nil && p.places == nil && p.parties == nil && len(p.tests) == 0
}

// window gives the rows that the days leave.
func (p *plan) window() (lo, hi int, before []uint32) {
	if !p.hasDays {
		return 0, p.s.rows(), nil
	}
	return p.s.window(p.from, p.to)
}

// collect appends the rows of a list that match.
func (p *plan) collect(rows []uint32, among []uint32) []uint32 {
	for _, row := range among {
		if p.matches(row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// collectRange appends the rows from lo to hi that match, in their order.
func (p *plan) collectRange(rows []uint32, lo, hi int) []uint32 {
	free := p.free()
	if !p.hasBox {
		if free {
			rows = slices.Grow(rows, hi-lo)
		}
		for row := lo; row < hi; row++ {
			if free || p.matchesInBox(uint32(row)) {
				rows = append(rows, uint32(row))
			}
		}
		return rows
	}
	lon, lat := p.s.lon[lo:hi], p.s.lat[lo:hi]
	lat = lat[:len(lon)]
	for i, x := range lon { // NaN fails both comparisons
		if x >= p.box.Min[0] && x <= p.box.Max[0] {
			if y := lat[i]; y >= p.box.Min[1] && y <= p.box.Max[1] {
				if row := uint32(lo + i); free || p.matchesInBox(row) {
					rows = append(rows, row)
				}
			}
		}
	}
	return rows
}
