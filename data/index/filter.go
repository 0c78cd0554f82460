package index

import (
	"math"

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
	tests    []test
	slow     []test // those that read records; they come last
	// What the tests look at of a row, for which a plan serves one goroutine:
	columns incident.Incident   // from tables and columns
	record  incident.Incident   // from the record
	decoded uint32              // the row that stands in record, plus 1
	shape   *shape              // of record
	fields  []incident.Property // what shape has to have; nil is nothing
	whole   bool                // it has to have everything
}

// test gives the truth of a part of a filter for a row, or for an entry of a table.
type test func(row uint32) incident.Truth

// source is where a filter finds what it looks at.
type source uint

const (
	fromKind source = 1 << iota
	fromPlace
	fromParty
	fromDays
	fromFigures
	fromPoint
	fromBorder // the least distance
	fromRecord
	fromColumns = fromDays | fromFigures | fromPoint | fromBorder
)

// propertySource has what need not be read from a record.
var propertySource = map[incident.Property]source{
	"dataset": fromKind, "time_precision": fromKind, "event_type": fromKind, "sub_event_type": fromKind, "event_class": fromKind,
	"type_of_violence": fromKind, "location_precision": fromKind, "place_kind": fromKind, "border_side": fromKind, "verification": fromKind,
	"country": fromPlace, "province": fromPlace, "district": fromPlace, "unit_id": fromPlace, "unit_then": fromPlace, "district_then": fromPlace,
	"subunit_id": fromPlace, "actor1": fromParty, "actor2": fromParty, "assoc_actors": fromParty,
	"start_date": fromDays, "end_date": fromDays, "fatalities_low": fromFigures, "fatalities_best": fromFigures,
	"fatalities_high": fromFigures, "border_km_min": fromBorder | fromKind, incident.Geometry: fromPoint,
}

// sourceOf says what a filter looks at and of which properties; known is false
// for one that may look at anything. What is the same for every incident counts
// as part of a kind.
func sourceOf(f incident.Filter) (from source, fields []incident.Property, known bool) {
	known = incident.Uses(f, func(_ incident.Filter, p incident.Property) bool {
		s, ok := propertySource[p]
		if !ok {
			s = fromRecord
		}
		from |= s
		fields = append(fields, p)
		return true
	})
	switch {
	case !known:
		from = fromRecord
	case from == 0:
		from = fromKind
	}
	return from, fields, known
}

// plan takes a filter apart.
func (s *segment) plan(f incident.Filter) *plan {
	p := &plan{s: s, from: math.MinInt32, to: math.MaxInt32}
	p.take(f)
	p.tests = append(p.tests, p.slow...)
	if p.whole {
		p.shape = everything()
	} else if p.fields != nil {
		p.shape = shapeOf(p.fields)
	}
	if p.shape != nil {
		p.shape.lent = new(incident.Lent) // a test keeps nothing
	}
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
	switch from, _, _ := sourceOf(f); {
	case from == fromKind:
		mark(&p.kinds, len(p.s.kinds), p.ofKind(f))
	case from == fromPlace:
		mark(&p.places, len(p.s.places), p.ofPlace(f))
	case from&fromRecord != 0:
		p.slow = append(p.slow, p.test(f))
	default:
		p.tests = append(p.tests, p.test(f))
	}
}

// within narrows the days. Two windows are one, even where they do not meet:
// what matches both is what lasts from the one to the other.
func (p *plan) within(from, to incident.Day) {
	p.hasDays = true
	p.from, p.to = max(p.from, from), min(p.to, to)
}

// mark keeps the entries of a table that are true.
func mark(marks *[]bool, entries int, truth test) {
	if *marks == nil {
		*marks = make([]bool, entries)
		for i := range *marks {
			(*marks)[i] = true
		}
	}
	for i := range *marks {
		(*marks)[i] = (*marks)[i] && truth(uint32(i)) == incident.True
	}
}

// remembered evaluates a filter for an entry of a table when it is first asked for. There may be more entries than
// rows in a window: nearly every other incident has actors of its own.
func remembered[T any](table []T, put func(*T, *incident.Incident), f incident.Filter) test {
	known := make([]incident.Truth, len(table)) // plus 1
	var in incident.Incident
	return func(entry uint32) incident.Truth {
		if known[entry] == 0 {
			put(&table[entry], &in)
			known[entry] = f.Match(&in) + 1
		}
		return known[entry] - 1
	}
}

func (p *plan) ofKind(f incident.Filter) test {
	return remembered(p.s.kinds, (*incident.RowKind).Put, f)
}
func (p *plan) ofPlace(f incident.Filter) test {
	return remembered(p.s.places, (*incident.RowPlace).Put, f)
}
func (p *plan) ofParty(f incident.Filter) test {
	return remembered(p.s.parties, (*party).put, f)
}

// test makes a filter a function of a row.
func (p *plan) test(f incident.Filter) test {
	s := p.s
	from, fields, known := sourceOf(f)
	switch from {
	case fromKind:
		t := p.ofKind(f)
		return func(row uint32) incident.Truth { return t(s.kind[row]) }
	case fromPlace:
		t := p.ofPlace(f)
		return func(row uint32) incident.Truth { return t(s.place[row]) }
	case fromParty:
		t := p.ofParty(f)
		return func(row uint32) incident.Truth { return t(s.party[row]) }
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
	case incident.IsUnknown:
		of := p.test(f.Of)
		return func(row uint32) incident.Truth {
			if of(row) == incident.Unknown {
				return incident.True
			}
			return incident.False
		}
	case incident.Compare:
		if t := p.columnTest(f); t != nil {
			return t
		}
	case incident.CompareExprs:
		if t := p.columnsTest(f); t != nil {
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
	if from&fromRecord == 0 {
		return func(row uint32) incident.Truth {
			p.put(row, from)
			return f.Match(&p.columns)
		}
	}
	p.fields = append(p.fields, fields...)
	p.whole = p.whole || !known
	return func(row uint32) incident.Truth {
		if p.decoded != row+1 {
			s.incident(row, &p.record, p.shape)
			p.decoded = row + 1
		}
		return f.Match(&p.record)
	}
}

func (p *plan) testsOf(fs []incident.Filter) []test {
	out := make([]test, len(fs))
	for i, f := range fs {
		out[i] = p.test(f)
	}
	return out
}

// put puts what tables and columns hold of a row into columns.
func (p *plan) put(row uint32, from source) {
	s, in := p.s, &p.columns
	if from&fromKind != 0 {
		s.kinds[s.kind[row]].Put(in)
	}
	if from&fromPlace != 0 {
		s.places[s.place[row]].Put(in)
	}
	if from&fromParty != 0 {
		s.parties[s.party[row]].put(in)
	}
	if from&fromDays != 0 {
		in.Start, in.End = incident.Day(s.start[row]), incident.Day(s.end[row])
	}
	if from&fromFigures != 0 {
		in.Low, in.Best, in.High = s.figure(s.low[row]), s.figure(s.best[row]), s.figure(s.high[row])
	}
	if from&fromPoint != 0 {
		in.Point, in.HasPoint = orb.Point{s.lon[row], s.lat[row]}, s.lon[row] == s.lon[row]
	}
	if from&fromBorder != 0 {
		in.Border.MinKM = s.border[row]
	}
}

// column is that of a property: figures, or days, which sort as their texts do. It is nil for any other.
func (s *segment) column(p incident.Property) (column []int32, days bool) {
	switch p {
	case "fatalities_low":
		return s.low, false
	case "fatalities_best":
		return s.best, false
	case "fatalities_high":
		return s.high, false
	case "start_date":
		return s.start, true
	case "end_date":
		return s.end, true
	}
	return nil, false
}

// comparisons are what [incident.Op] says of two numbers.
var comparisons = map[incident.Op]func(a, b float64) bool{
	incident.Eq: func(a, b float64) bool { return a == b },
	incident.Ne: func(a, b float64) bool { return a != b },
	incident.Lt: func(a, b float64) bool { return a < b },
	incident.Le: func(a, b float64) bool { return a <= b },
	incident.Gt: func(a, b float64) bool { return a > b },
	incident.Ge: func(a, b float64) bool { return a >= b },
}

// columnTest compares a column with a value; nil for anything else.
func (p *plan) columnTest(f incident.Compare) test {
	column, days := p.s.column(f.Property)
	holds, v := comparisons[f.Op], f.Value.Number
	numeric := f.Value.Kind == incident.Integer || f.Value.Kind == incident.Number || f.Value.Kind == incident.Boolean
	if days {
		day, err := incident.ParseDay(f.Value.Text)
		if err != nil {
			return nil
		}
		v = float64(day)
	}
	if column == nil || holds == nil || numeric == days || f.Value.Null || math.IsNaN(v) {
		return nil
	}
	return func(row uint32) incident.Truth {
		n := column[row]
		switch {
		case n == unknownFigure:
			return incident.Unknown
		case holds(float64(p.s.number(n)), v):
			return incident.True
		}
		return incident.False
	}
}

// columnsTest compares two columns; nil for anything else.
func (p *plan) columnsTest(f incident.CompareExprs) test {
	left, isLeft := f.Left.(incident.Field)
	right, isRight := f.Right.(incident.Field)
	a, days := p.s.column(left.Property)
	b, daysToo := p.s.column(right.Property)
	holds := comparisons[f.Op]
	if !isLeft || !isRight || a == nil || b == nil || days != daysToo || holds == nil {
		return nil
	}
	return func(row uint32) incident.Truth {
		m, n := a[row], b[row]
		switch {
		case m == unknownFigure || n == unknownFigure:
			return incident.Unknown
		case holds(float64(p.s.number(m)), float64(p.s.number(n))):
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
	if p.kinds != nil && !p.kinds[s.kind[row]] || p.places != nil && !p.places[s.place[row]] {
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
	return p.kinds == nil && p.places == nil && len(p.tests) == 0
}

// window gives the rows that the days leave.
func (p *plan) window() (lo, hi int, before []uint32) {
	if !p.hasDays {
		return 0, p.s.rows(), nil
	}
	return p.s.window(p.from, p.to)
}
