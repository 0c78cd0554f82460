package index

import (
	"math"
	"math/bits"
	"slices"

	"github.com/paulmach/orb"
)

// Testing a box on coordinates reads sixteen bytes of every row of the days that
// are asked for, of which a box of one degree keeps a few in a hundred. The cell
// of a row says in two bytes nearly the same: where it lies in a grid over all
// points of the segment. Only rows in cells that the box touches are looked at.

// A cell is the column of the grid in its low byte and the row in its high byte,
// both from 1 to 255; 0 stands for a row without a point.
const cellSteps = 254

// grid says how coordinates become cells: the least, and the steps for each degree.
type grid struct{ Lon, Lat, PerLon, PerLat float64 }

// gridOf spans all points; zero if there are none.
func gridOf(lon, lat []float64) grid {
	minLon, maxLon, minLat, maxLat := math.Inf(1), math.Inf(-1), math.Inf(1), math.Inf(-1)
	for i, x := range lon {
		if x == x {
			minLon, maxLon, minLat, maxLat = min(minLon, x), max(maxLon, x), min(minLat, lat[i]), max(maxLat, lat[i])
		}
	}
	if minLon > maxLon {
		return grid{}
	}
	steps := func(from, to float64) float64 {
		if to > from {
			return cellSteps / (to - from)
		}
		return 0
	}
	return grid{minLon, minLat, steps(minLon, maxLon), steps(minLat, maxLat)}
}

// step is never less for a greater coordinate; what lies outside gets the nearest.
func step(at, from, per float64) uint8 {
	return uint8(1 + max(0, min(cellSteps, (at-from)*per)))
}

// cell is that of a point; NaN is none.
func (g grid) cell(lon, lat float64) uint16 {
	if lon != lon {
		return 0
	}
	return uint16(step(lon, g.Lon, g.PerLon)) | uint16(step(lat, g.Lat, g.PerLat))<<8
}

// cells gives the cell of each row.
func (g grid) cells(lon, lat []float64) []uint16 {
	out := make([]uint16, len(lon))
	for i, x := range lon {
		out[i] = g.cell(x, lat[i])
	}
	return out
}

// collect appends the rows of a list that match.
func (p *plan) collect(rows []uint32, among []uint32) []uint32 {
	free := p.free()
	var x, y, dx, dy uint8
	if p.hasBox {
		var ok bool
		if x, y, dx, dy, ok = p.s.grid.cellsIn(p.box); !ok {
			return rows
		}
	}
	for _, row := range among {
		if p.hasBox { // most of a list lie outside, and cells of all rows have room in nearer memory than coordinates
			c := p.s.cell[row]
			cx, cy := uint8(c)-x, uint8(c>>8)-y
			if cx > dx || cy > dy {
				continue
			}
			if free && cx != 0 && cx != dx && cy != 0 && cy != dy {
				rows = append(rows, row)
				continue
			}
		}
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
	x, y, dx, dy, ok := p.s.grid.cellsIn(p.box)
	if !ok {
		return rows
	}
	for i, c := range p.s.cell[lo:hi] {
		cx, cy := uint8(c)-x, uint8(c>>8)-y
		if cx > dx || cy > dy {
			continue
		}
		row := uint32(lo + i)
		if inside := cx != 0 && cx != dx && cy != 0 && cy != dy; inside && free || p.matches(row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// cellsIn gives the least column and row of the cells that a box touches, and
// how many more there are of each; false for a box in which nothing lies.
func (g grid) cellsIn(box orb.Bound) (x, y, dx, dy uint8, ok bool) {
	if !(box.Min[0] <= box.Max[0] && box.Min[1] <= box.Max[1]) {
		return 0, 0, 0, 0, false
	}
	x, y = step(box.Min[0], g.Lon, g.PerLon), step(box.Min[1], g.Lat, g.PerLat)
	return x, y, step(box.Max[0], g.Lon, g.PerLon) - x, step(box.Max[1], g.Lat, g.PerLat) - y, true
}

// touch reads from the memory of records that are wanted soon. The reads do not
// depend on each other, so the machine waits for all of them at once, instead of
// once for each record. What it gives back means nothing; it keeps the reads in.
//
//go:noinline
func (s *segment) touch(rows []uint32) (sum byte) {
	for _, row := range rows {
		at := s.offset[row]
		sum ^= s.records[at] ^ s.records[at+recordHead-1]
	}
	return sum
}

// touchAhead is how many records are touched at a time.
const touchAhead = 16

// sortKeys sorts numbers by their bits from one on; those below are taken along.
// From some dozens on, going over them once for each eight bits that differ is
// faster than to compare. other is room for as many.
func sortKeys(keys, other []uint64, shift int) {
	const digit, few = 8, 64
	if len(keys) < few {
		slices.Sort(keys)
		return
	}
	least, most := slices.Min(keys), slices.Max(keys)
	from, to := keys, other
	for ; shift < bits.Len64(least^most); shift += digit {
		var count [1 << digit]int32
		for _, k := range from {
			count[k>>shift&(1<<digit-1)]++
		}
		at := int32(0)
		for i, n := range count {
			count[i] = at
			at += n
		}
		for _, k := range from {
			d := k >> shift & (1<<digit - 1)
			to[count[d]] = k
			count[d]++
		}
		from, to = to, from
	}
	copy(keys, from)
}
