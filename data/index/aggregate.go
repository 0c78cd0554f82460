package index

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"time"

	"sarhad/incident"
)

// keyer numbers the values of one key. The numbers follow the order of the
// values, with null as the first, so that groups come out sorted.
type keyer struct {
	key incident.Key
	// values are those of a key that is in a table; codes gives for each segment the number of each of its entries.
	values []*string
	codes  [][]uint32
	// first and periods are the range of a key of time; names are made when they are asked for.
	first, periods int
	names          map[int]*string
}

// tableOf says where the values of a key are.
func tableOf(k incident.Key) source {
	switch {
	case k.IsTime():
		return fromColumns
	case k == incident.KeyUnit || k == incident.KeyProvince || k == incident.KeyCountry:
		return fromPlace
	}
	return fromKind
}

// valuesOf gives the value of a key for each entry of a table, nil for none.
func valuesOf[T any](table []T, put func(*T, *incident.Incident), value func(*incident.Incident) *string) []*string {
	out := make([]*string, len(table))
	var in incident.Incident
	for i := range table {
		put(&table[i], &in)
		out[i] = value(&in)
	}
	return out
}

// newKeyer numbers the values of a key; the days bound the starts that are counted.
func newKeyer(q *incident.AggregateQuery, k incident.Key, segments []*segment, first, last incident.Day) *keyer {
	value := func(in *incident.Incident) *string { return q.KeyOf(k, in) }
	if k.IsTime() {
		from := periodOf(k, first)
		return &keyer{key: k, first: from, periods: max(periodOf(k, last)-from+1, 0), names: map[int]*string{}}
	}
	y := &keyer{key: k, values: []*string{nil}}
	var entries [][]*string
	known := map[string]*string{}
	for _, s := range segments {
		var v []*string
		if tableOf(k) == fromPlace {
			v = valuesOf(s.places, (*incident.RowPlace).Put, value)
		} else {
			v = valuesOf(s.kinds, (*incident.RowKind).Put, value)
		}
		entries = append(entries, v)
		for _, t := range v {
			if t != nil {
				known[*t] = t
			}
		}
	}
	number := map[string]uint32{}
	for _, text := range slices.Sorted(maps.Keys(known)) {
		number[text] = uint32(len(y.values))
		y.values = append(y.values, known[text])
	}
	for _, v := range entries {
		codes := make([]uint32, len(v))
		for i, t := range v {
			if t != nil {
				codes[i] = number[*t]
			}
		}
		y.codes = append(y.codes, codes)
	}
	return y
}

func (y *keyer) size() int {
	if y.key.IsTime() {
		return y.periods
	}
	return len(y.values)
}

// value is the value of a number.
func (y *keyer) value(n int) *string {
	if !y.key.IsTime() {
		return y.values[n]
	}
	name, ok := y.names[n]
	if !ok {
		text := incident.PeriodOf(y.key, firstDay(y.key, y.first+n))
		name = &text
		y.names[n] = name
	}
	return name
}

// periodOf numbers the periods of a key of time.
func periodOf(k incident.Key, d incident.Day) int {
	y, m, _ := d.Date()
	switch k {
	case incident.KeyDay:
		return int(d)
	case incident.KeyWeek: // day -3 was a Monday
		return floorDiv(int(d)+3, 7)
	case incident.KeyMonth:
		return y*12 + int(m) - 1
	}
	return y
}

// firstDay is the first day of a numbered period.
func firstDay(k incident.Key, n int) incident.Day {
	switch k {
	case incident.KeyDay:
		return incident.Day(n)
	case incident.KeyWeek:
		return incident.Day(n*7 - 3)
	case incident.KeyMonth:
		year := floorDiv(n, 12)
		return incident.NewDay(year, time.Month(n-year*12+1), 1)
	}
	return incident.NewDay(n, time.January, 1)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// sums are those of one group.
type sums struct {
	low, best, high                       int64
	count, lowKnown, bestKnown, highKnown int32
}

func (g *sums) add(s *segment, row uint32) {
	g.count++
	if n := s.low[row]; n != unknownFigure {
		g.low += s.number(n)
		g.lowKnown++
	}
	if n := s.best[row]; n != unknownFigure {
		g.best += s.number(n)
		g.bestKnown++
	}
	if n := s.high[row]; n != unknownFigure {
		g.high += s.number(n)
		g.highKnown++
	}
}

func (g *sums) group() incident.Group {
	figure := func(sum int64, known int32) incident.Figure {
		return incident.Figure{N: int(sum), Known: known > 0}
	}
	return incident.Group{Count: int(g.count), Low: figure(g.low, g.lowKnown), Best: figure(g.best, g.bestKnown), High: figure(g.high, g.highKnown),
		UnknownFatalities: int(g.count - g.bestKnown)}
}

// tally holds the sums of all groups: in a slice where there cannot be many, in a map where they are few among many.
type tally struct {
	dense []sums
	rare  map[uint64]*sums
}

// maxDense is how many groups are given a place before it is known whether they occur: 40 bytes each.
const maxDense = 1 << 18

func newTally(size uint64) *tally {
	if size <= maxDense {
		return &tally{dense: make([]sums, size)}
	}
	return &tally{rare: map[uint64]*sums{}}
}

func (t *tally) at(n uint64) *sums {
	if t.dense != nil {
		return &t.dense[n]
	}
	g := t.rare[n]
	if g == nil {
		g = new(sums)
		t.rare[n] = g
	}
	return g
}

// Aggregate implements [incident.Reader].
func (x *Index) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	v := x.view.Load()
	if v == nil || !canGroup(q.By) || q.Distinct {
		return x.base.Aggregate(ctx, q) // which knows the links, and the words for what is wrong
	}
	defer runtime.KeepAlive(v)
	segments := v.segments()
	type part struct {
		p      *plan
		lo, hi int
		before []uint32
	}
	parts := make([]part, len(segments))
	first, last := incident.MaxDay, incident.MinDay
	for i, s := range segments {
		p := part{p: s.plan(q.Filter)}
		p.lo, p.hi, p.before = p.p.window()
		if p.lo < p.hi {
			first, last = min(first, incident.Day(s.start[p.lo])), max(last, incident.Day(s.start[p.hi-1]))
		}
		for _, row := range p.before {
			first, last = min(first, incident.Day(s.start[row])), max(last, incident.Day(s.start[row]))
		}
		parts[i] = p
	}
	if first > last {
		return nil, ctx.Err()
	}
	keys := make([]*keyer, len(q.By))
	size := uint64(1)
	for i, k := range q.By {
		keys[i] = newKeyer(&q, k, segments, first, last)
		size *= uint64(keys[i].size())
	}
	t := newTally(size)
	for i, s := range segments {
		// What an entry of a table, or a day, adds to the number of a group.
		var ofKind, ofPlace []uint64
		stride, times := size, []func(incident.Day) uint64(nil)
		for _, y := range keys {
			stride /= uint64(y.size())
			by := stride
			switch tableOf(y.key) {
			case fromKind:
				ofKind = added(ofKind, y.codes[i], by)
			case fromPlace:
				ofPlace = added(ofPlace, y.codes[i], by)
			default:
				times = append(times, func(d incident.Day) uint64 { return uint64(periodOf(y.key, d)-y.first) * by })
			}
		}
		day, ofDay := int32(0), uint64(0)
		setDay := func(d int32) {
			day, ofDay = d, 0
			for _, of := range times {
				ofDay += of(incident.Day(d))
			}
		}
		setDay(int32(first))
		p := parts[i]
		var full error
		if err := v.each(ctx, i, p.p, p.lo, p.hi, p.before, func(rows []uint32) {
			for _, row := range rows {
				if s.start[row] != day {
					setDay(s.start[row])
				}
				n := ofDay
				if ofKind != nil {
					n += ofKind[s.kind[row]]
				}
				if ofPlace != nil {
					n += ofPlace[s.place[row]]
				}
				t.at(n).add(s, row)
			}
			if len(t.rare) > incident.MaxGroups {
				full = errGroups
			}
		}); err != nil || full != nil {
			return nil, cmp.Or(full, err)
		}
	}
	return t.groups(keys)
}

var errGroups = incident.Errorf(incident.CodeTooLarge, "There are more than %d groups; ask for fewer keys, longer periods or a narrower filter.", incident.MaxGroups)

func canGroup(by []incident.Key) bool {
	for i, k := range by {
		if !slices.Contains(incident.Keys, k) || slices.Contains(by[:i], k) {
			return false
		}
	}
	return len(by) >= 1 && len(by) <= 3
}

// added adds the codes of a key, each so many times, to what the entries of a table add.
func added(to []uint64, codes []uint32, by uint64) []uint64 {
	if to == nil {
		to = make([]uint64, len(codes))
	}
	for i, c := range codes {
		to[i] += uint64(c) * by
	}
	return to
}

// groups gives the groups that occur, sorted.
func (t *tally) groups(keys []*keyer) ([]incident.Group, error) {
	var numbers []uint64
	for n := range t.dense {
		if t.dense[n].count > 0 {
			numbers = append(numbers, uint64(n))
		}
	}
	if t.dense == nil {
		numbers = slices.Sorted(maps.Keys(t.rare))
	}
	if len(numbers) > incident.MaxGroups {
		return nil, errGroups
	}
	out := make([]incident.Group, len(numbers))
	values := make([]*string, len(numbers)*len(keys)) // one piece of memory for all
	for i, n := range numbers {
		out[i] = t.at(n).group()
		own := values[i*len(keys) : (i+1)*len(keys) : (i+1)*len(keys)]
		for k := len(keys) - 1; k >= 0; k-- {
			size := uint64(keys[k].size())
			own[k] = keys[k].value(int(n % size))
			n /= size
		}
		out[i].Keys = own
	}
	return out, nil
}
