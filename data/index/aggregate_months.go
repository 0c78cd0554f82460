package index

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"sarhad/incident"
)

// Most questions are for years and months under units. The sums of each calendar
// month, place by place, answer them without a look at the rows: some hundred
// cells for the thousands of rows of a month.

// months are the sums of the calendar months of a segment that have rows.
type months struct {
	rows  []int    // the first row of each, and the end of the last
	cells []int    // likewise the first of its cells
	place []uint32 // of each cell, the entry in the table of places
	sums  []sums
}

// minMonthly is from how many rows on a segment sums up its months.
const minMonthly = 1 << 15

// monthly is made when it is first asked for.
type monthly struct {
	once sync.Once
	*months
}

// monthly gives the months of a segment, nil if it is small.
func (s *segment) monthly() *months {
	if s.rows() < minMonthly {
		return nil
	}
	s.months.once.Do(func() { s.months.months = s.sumMonths() })
	return s.months.months
}

func (s *segment) sumMonths() *months {
	m := &months{}
	same := make([]uint32, len(s.places)) // a place is its own group
	for i := range same {
		same[i] = uint32(i)
	}
	of := make([]sums, len(s.places))
	c := counter{part: part{s: s, numberer: numberer{s: s, times: []timeKey{{&keyer{key: incident.KeyMonth}, 0}}}}}
	for lo := 0; lo < s.rows(); {
		end := c.periodEnd(lo, s.rows())
		for i, column := range s.figures() {
			addEntries(of, s.place[lo:end], same, column[lo:end], s, i)
		}
		m.rows, m.cells = append(m.rows, lo), append(m.cells, len(m.place))
		for i := range of {
			if of[i].count > 0 {
				m.place, m.sums = append(m.place, uint32(i)), append(m.sums, of[i])
			}
		}
		clear(of)
		lo = end
	}
	m.rows, m.cells = append(m.rows, s.rows()), append(m.cells, len(m.place))
	m.place, m.sums = slices.Clip(m.place), slices.Clip(m.sums)
	return m
}

// within gives the months from first to end whose rows all lie from lo to hi.
func (m *months) within(lo, hi int) (first, end int) {
	first, _ = slices.BinarySearch(m.rows, lo)
	end, found := slices.BinarySearch(m.rows, hi)
	if !found {
		end--
	}
	return first, end
}

// byMonths says whether the sums of months and places are enough to count a part.
func (c *part) byMonths() bool {
	return c.kind == nil && c.p.kinds == nil && c.skip == nil &&
		!slices.ContainsFunc(c.times, func(k timeKey) bool { return k.key != incident.KeyMonth && k.key != incident.KeyYear })
}

// addMonths adds months from first to end, which a part may be counted by.
func (t *tally) addMonths(c *part, m *months, first, end int) {
	for ; first < end; first++ {
		c.setDay(c.s.start[m.rows[first]])
		dense := t.dense[c.base:]
		for i := m.cells[first]; i < m.cells[first+1]; i++ {
			at := m.place[i]
			if c.p.places != nil && !c.p.places[at] {
				continue
			}
			var g uint64
			if c.place != nil {
				g = c.place[at]
			}
			dense[g].merge(&m.sums[i])
		}
	}
}

// countRange counts the rows of a part that stand one after the other.
func (t *tally) countRange(ctx context.Context, c *part) error {
	lo, hi := c.lo, c.hi
	if c.byMonths() {
		if m := c.s.monthly(); m != nil {
			if first, end := m.within(lo, hi); first < end {
				t.addMonths(c, m, first, end)
				err := t.countRows(ctx, c, lo, m.rows[first])
				return cmp.Or(err, t.countRows(ctx, c, m.rows[end], hi))
			}
		}
	}
	return t.countRows(ctx, c, lo, hi)
}
