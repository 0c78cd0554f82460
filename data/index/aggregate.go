package index

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
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
	// sides gives for the key of actors the numbers of each entry, one or two.
	sides [][][]uint32
	// first and periods are the range of a key of time; names are made when they are asked for.
	first, periods int
	names          map[int]*string
}

// tableOf says where the values of a key are.
func tableOf(k incident.Key) source {
	switch {
	case k.IsTime():
		return fromColumns
	case k == incident.KeyActor:
		return fromParty
	case k == incident.KeyUnit || k == incident.KeyProvince || k == incident.KeyCountry:
		return fromPlace
	}
	return fromKind
}

// valuesOf gives the values of a key for each entry of a table, a nil for none.
func valuesOf[T any](table []T, put func(*T, *incident.Incident), value func(*incident.Incident) []*string) [][]*string {
	out := make([][]*string, len(table))
	var in incident.Incident
	for i := range table {
		put(&table[i], &in)
		out[i] = value(&in)
	}
	return out
}

// newKeyer numbers the values of a key; the days bound the starts that are counted.
func newKeyer(q *incident.AggregateQuery, k incident.Key, segments []*segment, first, last incident.Day) *keyer {
	value := func(in *incident.Incident) []*string { return []*string{q.KeyOf(k, in)} }
	if k.IsTime() {
		from := periodOf(k, first)
		return &keyer{key: k, first: from, periods: max(periodOf(k, last)-from+1, 0), names: map[int]*string{}}
	}
	y := &keyer{key: k, values: []*string{nil}}
	var entries [][][]*string // of each segment, of each entry: its values
	known := map[string]*string{}
	for _, s := range segments {
		var v [][]*string
		switch tableOf(k) {
		case fromPlace:
			v = valuesOf(s.places, (*incident.RowPlace).Put, value)
		case fromParty:
			v = valuesOf(s.parties, (*party).put, incident.ActorsOf)
		default:
			v = valuesOf(s.kinds, (*incident.RowKind).Put, value)
		}
		entries = append(entries, v)
		for _, of := range v {
			for _, t := range of {
				if t != nil {
					known[*t] = t
				}
			}
		}
	}
	number := map[string]uint32{}
	for _, text := range slices.Sorted(maps.Keys(known)) {
		number[text] = uint32(len(y.values))
		y.values = append(y.values, known[text])
	}
	for _, v := range entries {
		codes, sides := make([]uint32, len(v)), make([][]uint32, len(v))
		for i, of := range v {
			for _, t := range of {
				code := uint32(0)
				if t != nil {
					code = number[*t]
				}
				codes[i], sides[i] = code, append(sides[i], code)
			}
		}
		y.codes, y.sides = append(y.codes, codes), append(y.sides, sides)
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
	if n := s.best[row]; n != unknownFigure {
		g.best += s.number(n)
		g.bestKnown++
	}
	g.addBounds(s, row)
}

// addBounds adds the lowest and the highest figure.
func (g *sums) addBounds(s *segment, row uint32) {
	if n := s.low[row]; n != unknownFigure {
		g.low += s.number(n)
		g.lowKnown++
	}
	if n := s.high[row]; n != unknownFigure {
		g.high += s.number(n)
		g.highKnown++
	}
}

func (g *sums) merge(o *sums) {
	g.count += o.count
	g.low, g.best, g.high = g.low+o.low, g.best+o.best, g.high+o.high
	g.lowKnown, g.bestKnown, g.highKnown = g.lowKnown+o.lowKnown, g.bestKnown+o.bestKnown, g.highKnown+o.highKnown
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
		n := numberer{s: s}
		stride := size
		for _, y := range keys {
			stride /= uint64(y.size())
			by := stride
			switch tableOf(y.key) {
			case fromKind:
				n.kind = added(n.kind, y.codes[i], by)
			case fromPlace:
				n.place = added(n.place, y.codes[i], by)
			case fromParty:
				n.sides, n.side = y.sides[i], by
			default:
				n.times = append(n.times, func(d incident.Day) uint64 { return uint64(periodOf(y.key, d)-y.first) * by })
			}
		}
		if err := v.tally(ctx, i, parts[i].p, parts[i].lo, parts[i].hi, parts[i].before, n, t); err != nil {
			return nil, err
		}
	}
	return t.groups(keys)
}

// tally counts the matching rows of a segment.
func (v *view) tally(ctx context.Context, seg int, p *plan, lo, hi int, before []uint32, n numberer, t *tally) error {
	dead := v.dead
	if seg > 0 || v.deadRows == 0 {
		dead = nil
	}
	if p.free() && !p.hasBox && t.dense != nil && n.sides == nil {
		// Most questions have only days: their rows stand one after the other, and
		// each core takes a part of them.
		for _, row := range before {
			if !dead.has(row) {
				t.at(n.of(row)).add(p.s, row)
			}
		}
		return t.countRange(ctx, lo, hi, n, dead)
	}
	var full error
	err := v.each(ctx, seg, p, lo, hi, before, func(rows []uint32) {
		for _, row := range rows {
			g := n.of(row)
			if n.sides == nil {
				t.at(g).add(p.s, row)
				continue
			}
			for _, side := range n.sides[p.s.party[row]] {
				t.at(g+uint64(side)*n.side).add(p.s, row)
			}
		}
		if len(t.rare) > incident.MaxGroups {
			full = errGroups
		}
	})
	return cmp.Or(full, err)
}

// minShare is the least number of rows for which another core is worth the trouble.
const minShare = 1 << 16

func (t *tally) countRange(ctx context.Context, lo, hi int, n numberer, dead rowSet) error {
	shares := max(1, min(runtime.GOMAXPROCS(0), (hi-lo)/minShare))
	if shares == 1 {
		return t.count(ctx, lo, hi, n, dead)
	}
	parts := make([]*tally, shares)
	errs := make([]error, shares)
	var wg sync.WaitGroup
	for i := range shares {
		parts[i] = &tally{dense: make([]sums, len(t.dense))}
		from, to := lo+(hi-lo)*i/shares, lo+(hi-lo)*(i+1)/shares
		wg.Go(func() { errs[i] = parts[i].count(ctx, from, to, n, dead) })
	}
	wg.Wait()
	for _, part := range parts {
		for i := range part.dense {
			if part.dense[i].count > 0 {
				t.dense[i].merge(&part.dense[i])
			}
		}
	}
	return errors.Join(errs...)
}

// count counts rows that stand one after the other; n is its own copy. It is
// the loop that all of a million rows go through, so nothing is asked twice:
// figures that no row has are left out, and tables that no key needs give 0.
func (t *tally) count(ctx context.Context, lo, hi int, n numberer, dead rowSet) error {
	s := n.s
	kinds, places := n.kind, n.place
	if kinds == nil {
		kinds = make([]uint64, len(s.kinds))
	}
	if places == nil {
		places = make([]uint64, len(s.places))
	}
	for lo < hi {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(lo+checkEvery, hi)
		starts, bests := s.start[lo:end], s.best[lo:end]
		kind, place := s.kind[lo:end][:len(starts)], s.place[lo:end][:len(starts)]
		bests = bests[:len(starts)]
		for i, d := range starts {
			if dead != nil && dead.has(uint32(lo+i)) {
				continue
			}
			if d != n.day || !n.known {
				n.setDay(d)
			}
			g := &t.dense[n.ofDay+kinds[kind[i]]+places[place[i]]]
			g.count++
			if b := bests[i]; b >= leastFigure {
				g.best += int64(b)
				g.bestKnown++
			} else if b != unknownFigure {
				g.best += s.number(b)
				g.bestKnown++
			}
			if s.bounds {
				g.addBounds(s, uint32(lo+i))
			}
		}
		lo = end
	}
	return nil
}

// numberer gives the number of the group of a row: what its entries of the
// tables and its day add up to.
type numberer struct {
	s           *segment
	kind, place []uint64   // nil for no key of the table
	sides       [][]uint32 // of the key of actors: its numbers for each entry, which count side times
	side        uint64
	times       []func(incident.Day) uint64
	day         int32 // the last day, whose number is ofDay
	ofDay       uint64
	known       bool
}

func (n *numberer) setDay(d int32) {
	n.day, n.ofDay, n.known = d, 0, true
	for _, of := range n.times {
		n.ofDay += of(incident.Day(d))
	}
}

func (n *numberer) of(row uint32) uint64 {
	if d := n.s.start[row]; d != n.day || !n.known {
		n.setDay(d)
	}
	g := n.ofDay
	if n.kind != nil {
		g += n.kind[n.s.kind[row]]
	}
	if n.place != nil {
		g += n.place[n.s.place[row]]
	}
	return g
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
