package index

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"

	"sarhad/incident"
)

// The figures that are added up.
const (
	best = iota
	low
	high
)

// sums are those of one group.
type sums struct {
	sum   [3]int64
	known [3]int32 // how many figures are in each sum
	count int32
}

// figures are the columns that have figures, in their order.
func (s *segment) figures() [][]int32 {
	if !s.bounds {
		return [][]int32{best: s.best}
	}
	return [][]int32{best: s.best, low: s.low, high: s.high}
}

// add adds a row.
func (g *sums) add(s *segment, row uint32) {
	g.count++
	for i, of := range s.figures() {
		if n := of[row]; n != unknownFigure {
			g.sum[i] += s.number(n)
			g.known[i]++
		}
	}
}

func (g *sums) merge(o *sums) {
	g.count += o.count
	for i := range g.sum {
		g.sum[i] += o.sum[i]
		g.known[i] += o.known[i]
	}
}

func (g *sums) group() incident.Group {
	figure := func(i int) incident.Figure { return incident.Figure{N: int(g.sum[i]), Known: g.known[i] > 0} }
	unknown := func(i int) int { return int(g.count - g.known[i]) }
	return incident.Group{Count: int(g.count), Low: figure(low), Best: figure(best), High: figure(high),
		UnknownFatalities: unknown(best), UnknownLow: unknown(low), UnknownHigh: unknown(high)}
}

// tally holds the sums of all groups: in a slice where there cannot be many, in a map where they are few among many.
type tally struct {
	dense []sums
	rare  map[uint64]*sums
	// strides say for each key how far its values are apart in the number of a group. In a slice the groups of one
	// period stand together; in a map the numbers are in the order of the answer.
	strides []uint64
}

// maxDense is how many groups are given a place before it is known whether they occur: 40 bytes each.
const maxDense = 1 << 18

func newTally(keys []*keyer, size uint64) *tally {
	t := &tally{strides: make([]uint64, len(keys))}
	order := make([]int, len(keys)) // from the key whose values are closest together
	for i := range order {
		order[i] = len(keys) - 1 - i
	}
	if size <= maxDense {
		t.dense = make([]sums, size)
		slices.SortStableFunc(order, func(a, b int) int {
			return cmp.Compare(tableOf(keys[a].key)&fromColumns, tableOf(keys[b].key)&fromColumns)
		})
	} else {
		t.rare = map[uint64]*sums{}
	}
	stride := uint64(1)
	for _, i := range order {
		t.strides[i] = stride
		stride *= uint64(keys[i].size())
	}
	return t
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

// part is what an aggregate counts in one segment.
type part struct {
	s      *segment
	p      *plan
	lo, hi int // the rows in the days
	before []uint32
	skip   rowSet // rows that are not to be counted; nil for none
	numberer
}

// Aggregate implements [incident.Reader].
func (x *Index) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	v := x.current()
	if v == nil || !canGroup(q.By) {
		return x.base.Aggregate(ctx, q) // which has the words for what is wrong
	}
	defer runtime.KeepAlive(v)
	var doubles *clusters
	if q.Distinct {
		var err error
		if doubles, err = x.clusters(ctx, v); err != nil {
			return nil, err
		}
		if doubles == nil {
			return x.base.Aggregate(ctx, q)
		}
	}
	segments := v.segments()
	parts := make([]part, len(segments))
	first, last := incident.MaxDay, incident.MinDay
	for i, s := range segments {
		p := part{s: s, p: s.plan(q.Filter)}
		p.lo, p.hi, p.before = p.p.window()
		if p.lo < p.hi {
			first, last = min(first, incident.Day(s.start[p.lo])), max(last, incident.Day(s.start[p.hi-1]))
		}
		for _, row := range p.before {
			first, last = min(first, incident.Day(s.start[row])), max(last, incident.Day(s.start[row]))
		}
		if i == 0 && v.deadRows > 0 {
			p.skip = v.dead
		}
		if doubles != nil {
			p.skip = doubles.skip[i]
		}
		parts[i] = p
	}
	if first > last {
		return nil, ctx.Err()
	}
	keys := make([]*keyer, len(q.By))
	size := uint64(1)
	for i, k := range q.By {
		keys[i] = v.keyer(&q, k, first, last)
		size *= uint64(keys[i].size())
	}
	t := newTally(keys, size)
	for i := range parts {
		parts[i].numberer = newNumberer(segments[i], i, keys, t.strides)
		if err := v.tally(ctx, i, &parts[i], t); err != nil {
			return nil, err
		}
	}
	if doubles != nil {
		if err := doubles.tally(ctx, parts, t); err != nil {
			return nil, err
		}
	}
	return t.groups(keys)
}

// tally counts the matching rows of a segment.
func (v *view) tally(ctx context.Context, seg int, c *part, t *tally) error {
	if t.dense != nil && c.sides == nil && !c.p.hasBox && len(c.p.tests) == 0 {
		for _, row := range c.before {
			if !c.skip.has(row) && c.p.matches(row) {
				t.at(c.of(row)).add(c.s, row)
			}
		}
		return t.countRange(ctx, c)
	}
	var full error
	err := v.each(ctx, seg, c.p, c.lo, c.hi, c.before, func(rows []uint32) {
		for _, row := range rows {
			if !c.skip.has(row) {
				c.groupsOf(row, func(g uint64) { t.at(g).add(c.s, row) })
			}
		}
		if len(t.rare) > incident.MaxGroups {
			full = errGroups
		}
	})
	return cmp.Or(full, err)
}

// numberer gives the number of the group of a row: what its entries of the
// tables and its day add up to.
type numberer struct {
	s           *segment
	kind, place []uint64    // nil for no key of the table
	sides       [][2]uint32 // of the key of actors: its numbers for each entry, which count side times
	side        uint64
	times       []timeKey
	next        int32 // the first day that has another number than base
	base        uint64
	day         int32 // the last day, if known, that base and next are of
	known       bool
}

// timeKey is a key of time whose numbers count so many times.
type timeKey struct {
	*keyer
	by uint64
}

// newNumberer numbers the rows of a segment by keys.
func newNumberer(s *segment, seg int, keys []*keyer, strides []uint64) numberer {
	n := numberer{s: s}
	for i, y := range keys {
		switch tableOf(y.key) {
		case fromKind:
			n.kind = added(n.kind, y.codes[seg], strides[i])
		case fromPlace:
			n.place = added(n.place, y.codes[seg], strides[i])
		case fromParty:
			n.sides, n.side = y.sides[seg], strides[i]
		default:
			n.times = append(n.times, timeKey{y, strides[i]})
		}
	}
	return n
}

// setDay sets base and next for a day.
func (n *numberer) setDay(d int32) {
	n.day, n.base, n.next, n.known = d, 0, 1<<31-1, true
	for _, k := range n.times {
		at := periodOf(k.key, incident.Day(d))
		n.base += uint64(at-k.first) * k.by
		n.next = min(n.next, int32(firstDay(k.key, at+1)))
	}
}

// of is the number of a row, without that of its sides.
func (n *numberer) of(row uint32) uint64 {
	if d := n.s.start[row]; !n.known || d < n.day || d >= n.next {
		n.setDay(d)
	}
	g := n.base
	if n.kind != nil {
		g += n.kind[n.s.kind[row]]
	}
	if n.place != nil {
		g += n.place[n.s.place[row]]
	}
	return g
}

// groupsOf calls do with each group that a row counts in.
func (n *numberer) groupsOf(row uint32, do func(uint64)) {
	g := n.of(row)
	if n.sides == nil {
		do(g)
		return
	}
	pair := n.sides[n.s.party[row]]
	if do(g + uint64(pair[0])*n.side); pair[1] != noSide {
		do(g + uint64(pair[1])*n.side)
	}
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
	n := len(t.rare)
	for i := range t.dense {
		if t.dense[i].count > 0 {
			n++
		}
	}
	if n > incident.MaxGroups {
		return nil, errGroups
	}
	out := make([]incident.Group, 0, n)
	values := make([]*string, n*len(keys)) // one piece of memory for all
	at := make([]int, len(keys))           // which value of each key
	give := func(g *sums) {
		out = append(out, g.group())
		own := values[:len(keys):len(keys)]
		values = values[len(keys):]
		for k, y := range keys {
			own[k] = y.value(at[k])
		}
		out[len(out)-1].Keys = own
	}
	for _, n := range slices.Sorted(maps.Keys(t.rare)) {
		for k, y := range keys {
			at[k] = int(n / t.strides[k] % uint64(y.size()))
		}
		give(t.rare[n])
	}
	var walk func(k int, n uint64)
	walk = func(k int, n uint64) {
		for at[k] = range keys[k].size() {
			switch {
			case k+1 < len(keys):
				walk(k+1, n)
			case t.dense[n].count > 0:
				give(&t.dense[n])
			}
			n += t.strides[k]
		}
	}
	if t.dense != nil {
		walk(0, 0)
	}
	return out, nil
}
