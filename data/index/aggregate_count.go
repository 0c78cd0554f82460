package index

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"

	"sarhad/incident"
)

// counter counts rows that stand one after the other, many at once: first
// their groups, then each column of figures. A filter that marks entries of
// tables costs next to nothing more: what is not marked is in no group.
type counter struct {
	part
	tables []table
	some   bool // not all rows count
}

// table gives what the entries of a table add to the number of a group.
type table struct {
	of   []uint32 // the column of entries
	adds []uint32
}

const (
	// batch is how many rows are counted at once: what is known of them has room in the nearest memory.
	batch = 1024
	// noGroup is added by what does not count. Two of them and a group are less than 1<<32.
	noGroup = 1 << 30
	// minShare is the least number of rows for which another core is worth the trouble.
	minShare = 1 << 15
)

func newCounter(c *part) *counter {
	n := &counter{part: *c}
	for _, t := range []struct {
		of    []uint32
		adds  []uint64
		marks []bool
		size  int
	}{{n.s.kind, n.kind, n.p.kinds, len(n.s.kinds)}, {n.s.place, n.place, n.p.places, len(n.s.places)}} {
		if t.adds == nil && t.marks == nil {
			continue
		}
		adds := make([]uint32, t.size)
		for i := range adds {
			if t.adds != nil {
				adds[i] = uint32(t.adds[i])
			}
			if t.marks != nil && !t.marks[i] {
				adds[i] = noGroup
			}
		}
		n.tables = append(n.tables, table{t.of, adds})
		n.some = n.some || t.marks != nil
	}
	n.some = n.some || n.skip != nil
	return n
}

// countRows counts the rows from first to end of a part; each core takes a share of them.
func (t *tally) countRows(ctx context.Context, c *part, first, end int) error {
	if first >= end {
		return ctx.Err()
	}
	n := newCounter(c)
	shares := max(1, min(runtime.GOMAXPROCS(0), (end-first)/minShare))
	tallies := make([]*tally, shares)
	errs := make([]error, shares)
	var wg sync.WaitGroup
	from := first
	for i := range shares {
		to := first + (end-first)*(i+1)/shares
		tallies[i] = t
		switch {
		case len(c.times) == 0 && i > 0:
			tallies[i] = &tally{dense: make([]sums, len(t.dense))}
		case len(c.times) > 0 && to < end: // a group ends with its period, so both write to the same tally
			c.setDay(c.s.start[to-1])
			to = min(c.s.from(incident.Day(c.next)), end)
		}
		lo, own := from, *n
		share := func() { errs[i] = tallies[i].count(ctx, &own, lo, to) }
		if from = to; i == shares-1 {
			share()
		} else {
			wg.Go(share)
		}
	}
	wg.Wait()
	for _, own := range tallies {
		if own != t {
			for i := range own.dense {
				t.dense[i].merge(&own.dense[i])
			}
		}
	}
	return errors.Join(errs...)
}

// count counts the rows from lo to hi. The counter is its own.
func (t *tally) count(ctx context.Context, c *counter, lo, hi int) error {
	var groups, rows [batch]uint32
	var gathered [batch]int32
	figures := c.s.figures()
	for asked := lo; lo < hi; {
		if lo >= asked {
			if err := ctx.Err(); err != nil {
				return err
			}
			asked = lo + c.p.portion()
		}
		// The groups of one period stand together, and so do its rows.
		end := c.periodEnd(lo, min(hi, asked))
		dense := t.dense[c.base:]
		for ; lo < end && !c.some && len(c.tables) <= 1; lo = end {
			if len(c.tables) == 0 {
				dense[0].addRange(c.s, lo, end)
				continue
			}
			for i, column := range figures {
				addEntries(dense, c.tables[0].of[lo:end], c.tables[0].adds, column[lo:end], c.s, i)
			}
		}
		for ; lo < end; lo += batch {
			to := min(lo+batch, end)
			in := groups[:to-lo]
			c.number(in, lo)
			if c.some {
				in = in[:keep(in, &rows)]
			}
			for i, column := range figures {
				column = column[lo:to]
				if c.some {
					for i, row := range rows[:len(in)] {
						gathered[i] = column[row]
					}
					column = gathered[:len(in)]
				}
				addFigures(dense, in, column, c.s, i)
			}
		}
		lo = end
	}
	return nil
}

// periodEnd is the end of the rows up to hi that have the times of the first, whose base it sets.
func (c *counter) periodEnd(lo, hi int) int {
	if len(c.times) == 0 {
		return hi
	}
	c.setDay(c.s.start[lo])
	// Most periods are short beside the rest of the rows.
	step := 64
	for lo+step < hi && c.s.start[lo+step] < c.next {
		lo, step = lo+step, 2*step
	}
	end, _ := slices.BinarySearch(c.s.start[lo:min(lo+step, hi)], c.next)
	return lo + end
}

// number gives the number of the group of each row from lo on, within its period.
func (c *counter) number(groups []uint32, lo int) {
	clear(groups)
	for _, t := range c.tables {
		for i, entry := range t.of[lo:][:len(groups)] {
			groups[i] += t.adds[entry]
		}
	}
	if c.skip != nil {
		for i := range groups {
			if c.skip.has(uint32(lo + i)) {
				groups[i] = noGroup
			}
		}
	}
}

// keep leaves of the numbers of groups those of rows that count, and says which rows they are of.
func keep(groups []uint32, rows *[batch]uint32) int {
	kept := 0
	for i, g := range groups {
		groups[kept], rows[kept&(batch-1)] = g, uint32(i)
		if g < noGroup {
			kept++
		}
	}
	return kept
}

// addFigures adds a column of figures to groups, the first of the columns with the count.
func addFigures(dense []sums, groups []uint32, column []int32, s *segment, which int) {
	column = column[:len(groups)]
	one := counts(which)
	for i, g := range groups {
		to := &dense[g]
		to.count += one
		to.addFigure(s, column[i], which)
	}
}

// addEntries is addFigures where a row is in the group that is that of its entry of a table.
func addEntries(dense []sums, entries, groups []uint32, column []int32, s *segment, which int) {
	column = column[:len(entries)]
	one := counts(which)
	for i, entry := range entries {
		to := &dense[groups[entry]]
		to.count += one
		to.addFigure(s, column[i], which)
	}
}

// counts is what a row adds to the count with a column.
func counts(which int) int32 {
	if which == best {
		return 1
	}
	return 0
}

// Large figures lie between these.
const (
	firstLarge = largeFigure - math.MinInt32 + 1<<31
	endLarge   = leastFigure + 1<<32
)

// addFigure adds a figure without asking whether it is known, which nobody could foretell.
func (g *sums) addFigure(s *segment, f int32, which int) {
	known := int32(0)
	if f >= leastFigure {
		known = 1
	}
	g.sum[which] += int64(f & -known)
	g.known[which] += known
	if uint32(f)-firstLarge < endLarge-firstLarge { // a large one
		g.sum[which] += s.number(f)
		g.known[which]++
	}
}

// addRange adds all rows from lo to hi.
func (g *sums) addRange(s *segment, lo, hi int) {
	g.count += int32(hi - lo)
	for i, of := range s.figures() {
		sum, known := int64(0), int32(0)
		for _, f := range of[lo:hi] {
			if f != unknownFigure {
				sum += s.number(f)
				known++
			}
		}
		g.sum[i] += sum
		g.known[i] += known
	}
}
