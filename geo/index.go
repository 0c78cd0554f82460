package geo

import (
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// Index finds the unit that holds a point. It is read-only after NewIndex and safe for concurrent use.
//
// A grid of equal cells lies over all units. A cell that no edge comes near carries its answer. A cell that edges pass
// through carries, for each unit concerned, just these edges and the parity that all the others would add to the ray
// from a point to the east. The answer is therefore exactly that of the whole polygon, not of a clipped copy of it.
type Index struct {
	units []Unit
	byID  map[string]int
	trees []segmentTree
	bound orb.Bound // of all units; empty when there is no geometry

	minX, minY, perDegree float64
	columns, rows         float64 // as floats, since they are compared with floats
	width                 int
	cells                 []int32 // ≥ 0: this unit; -1: none; else ^cell-2 is a place in edged
	edged                 []edgedCell
	parts                 []cellPart
	edges                 []edge
}

// edge is one edge of a ring, the lower end first, so that two units with a common edge get the same answer for it.
type edge struct {
	ax, ay, bx, by float64
	slope          float64 // degrees of longitude for each degree of latitude; 0 for a level edge, which no ray meets
}

func newEdge(p, q orb.Point) edge {
	if p[1] > q[1] || p[1] == q[1] && p[0] > q[0] {
		p, q = q, p
	}
	e := edge{ax: p[0], ay: p[1], bx: q[0], by: q[1]}
	if e.by > e.ay {
		e.slope = (e.bx - e.ax) / (e.by - e.ay)
	}
	return e
}

// crossed says whether the ray from p to the east meets the edge. The lower end belongs to the edge, the upper one does not.
func (e *edge) crossed(p orb.Point) bool {
	return e.ay <= p[1] && p[1] < e.by && e.ax+(p[1]-e.ay)*e.slope > p[0]
}

// touches says whether p lies exactly on the edge.
func (e *edge) touches(p orb.Point) bool {
	return p[1] >= e.ay && p[1] <= e.by && p[0] >= min(e.ax, e.bx) && p[0] <= max(e.ax, e.bx) &&
		(e.bx-e.ax)*(p[1]-e.ay) == (e.by-e.ay)*(p[0]-e.ax)
}

type edgedCell struct{ from, to int32 } // a run of parts, by unit

type cellPart struct {
	unit     int32
	from, to int32 // a run of edges
	odd      bool  // the parity of the edges that are not in the run
}

const (
	// gridCells is how many cells the grid has at most: 0.044° for the bundled units, so that one random point in
	// twelve falls in a cell with edges, and 512 kB, so that the grid stays in the second-level cache.
	gridCells = 1 << 17
	// gridSlack, in degrees, is how near an edge may come to a cell without passing through it and still be kept there:
	// far more than what rounding can move a point over the side of a cell, far less than what costs time.
	gridSlack = 1e-7
	// farEast is a longitude that is east of everything: an edge there is met by every ray.
	farEast = 1e9
)

// NewIndex prepares units. Their order stays. It keeps the geometries and does not copy them: they must not be changed
// afterwards. It fails for an empty or repeated ID, and for coordinates that are not on earth. A unit without geometry is
// allowed: it has a name, but never holds a point. Rings may be open or closed and have any direction; holes and parts are
// told apart by parity.
func NewIndex(units []Unit) (*Index, error) {
	x := &Index{units: units, byID: make(map[string]int, len(units)), trees: make([]segmentTree, len(units))}
	x.bound = orb.Bound{Min: orb.Point{math.Inf(1), math.Inf(1)}, Max: orb.Point{math.Inf(-1), math.Inf(-1)}}
	all := make([][]edge, len(units))
	for i := range units {
		u := &units[i]
		if u.ID == "" {
			return nil, fmt.Errorf("index units: unit %d (%q) has no id", i, u.Name)
		}
		if _, twice := x.byID[u.ID]; twice {
			return nil, fmt.Errorf("index units: id %q occurs twice", u.ID)
		}
		x.byID[u.ID] = i
		var segments []segment
		for _, polygon := range u.Geometry {
			for _, ring := range polygon {
				for j, q := range ring {
					if !usable(q) {
						return nil, fmt.Errorf("index units: %s has a point that is not a longitude and a latitude: %v", u.ID, q)
					}
					p := ring[(j+len(ring)-1)%len(ring)]
					if p == q {
						continue
					}
					segments = append(segments, segment{p[0], p[1], q[0], q[1]})
					all[i] = append(all[i], newEdge(p, q))
					x.bound = x.bound.Extend(q)
				}
			}
		}
		x.trees[i] = newSegmentTree(segments)
	}
	x.grid(all)
	return x, nil
}

// grid fills the cells from the edges of each unit.
func (x *Index) grid(all [][]edge) {
	if x.bound.IsEmpty() {
		return
	}
	w, h := x.bound.Max[0]-x.bound.Min[0]+2*gridSlack, x.bound.Max[1]-x.bound.Min[1]+2*gridSlack
	side := max(math.Sqrt(w*h/gridCells), w/2048, h/2048)
	x.minX, x.minY, x.perDegree = x.bound.Min[0]-gridSlack, x.bound.Min[1]-gridSlack, 1/side
	x.width = int(w/side) + 1
	rows := int(h/side) + 1
	x.columns, x.rows = float64(x.width), float64(rows)

	inside := make([]int32, x.width*rows) // the first unit that fills the cell
	for i := range inside {
		inside[i] = -1
	}
	type piece struct {
		cell int32
		cellPart
	}
	var pieces []piece
	var breaks []float64
	for unit := range all {
		byRow := rowsOf(all[unit], rows, x.minY, x.perDegree)
		for row, band := range byRow {
			if len(band) == 0 {
				continue
			}
			south, north := x.minY+float64(row)*side-gridSlack, x.minY+float64(row+1)*side+gridSlack
			spans := make([]span, len(band))
			west, east := math.Inf(1), math.Inf(-1)
			for i, e := range band {
				spans[i] = e.within(south, north)
				west, east = min(west, spans[i].west), max(east, spans[i].east)
			}
			first := max(0, int((west-gridSlack-x.minX)*x.perDegree)-1)
			last := min(x.width-1, int((east+gridSlack-x.minX)*x.perDegree)+1)
			for column := first; column <= last; column++ {
				left, right := x.minX+float64(column)*side-gridSlack, x.minX+float64(column+1)*side+gridSlack
				from := int32(len(x.edges))
				odd := false
				breaks = breaks[:0]
				for i, e := range band {
					switch s := spans[i]; {
					case s.east < left:
					case s.west <= right:
						x.edges = append(x.edges, *e)
					default: // passes east of the cell: a ray at latitude y meets it if y is between its ends
						for _, y := range [2]float64{e.ay, e.by} {
							if y >= north {
								odd = !odd
							} else if y > south {
								breaks = append(breaks, y)
							}
						}
					}
				}
				cell := int32(row*x.width + column)
				if int(from) == len(x.edges) {
					// Without an edge here the breaks cancel each other: the parity is the same all over the cell.
					slices.Sort(breaks)
					if rayParity(breaks, (south+north)/2) != odd && inside[cell] < 0 {
						inside[cell] = int32(unit)
					}
					continue
				}
				// Where a line of edges goes on from outside the cell to inside it, the parity of the outside edges
				// depends on the latitude: below the break one more is met. An edge far in the east says the same.
				slices.Sort(breaks)
				for i := 0; i < len(breaks); i++ {
					if i+1 < len(breaks) && breaks[i] == breaks[i+1] {
						i++
						continue
					}
					x.edges = append(x.edges, edge{ax: farEast, ay: -farEast, bx: farEast, by: breaks[i]})
				}
				pieces = append(pieces, piece{cell, cellPart{unit: int32(unit), from: from, to: int32(len(x.edges)), odd: odd}})
			}
		}
	}

	slices.SortStableFunc(pieces, func(a, b piece) int { return int(a.cell) - int(b.cell) })
	x.cells = inside
	for i := 0; i < len(pieces); {
		cell, from, filled := pieces[i].cell, int32(len(x.parts)), inside[pieces[i].cell]
		for ; i < len(pieces) && pieces[i].cell == cell; i++ {
			if filled >= 0 && filled < pieces[i].unit {
				x.parts = append(x.parts, cellPart{unit: filled, odd: true})
				filled = -1
			}
			x.parts = append(x.parts, pieces[i].cellPart)
		}
		if filled >= 0 {
			x.parts = append(x.parts, cellPart{unit: filled, odd: true})
		}
		x.cells[cell] = ^int32(len(x.edged)) - 1
		x.edged = append(x.edged, edgedCell{from, int32(len(x.parts))})
	}
	x.edges, x.parts, x.edged = slices.Clip(x.edges), slices.Clip(x.parts), slices.Clip(x.edged)
}

// rowsOf sorts edges into the rows of the grid that they reach.
func rowsOf(edges []edge, rows int, minY, perDegree float64) [][]*edge {
	out := make([][]*edge, rows)
	for i := range edges {
		e := &edges[i]
		first := max(0, int((e.ay-gridSlack-minY)*perDegree))
		last := min(rows-1, int((e.by+gridSlack-minY)*perDegree))
		for row := first; row <= last; row++ {
			out[row] = append(out[row], e)
		}
	}
	return out
}

type span struct{ west, east float64 }

// within is the range of longitudes of the part of the edge between two latitudes.
func (e *edge) within(south, north float64) span {
	a, b := e.ax, e.bx
	if e.ay < south {
		a = e.ax + (min(south, e.by)-e.ay)*e.slope
	}
	if e.by > north {
		b = e.ax + (max(north, e.ay)-e.ay)*e.slope
	}
	return span{min(a, b), max(a, b)}
}

func rayParity(breaks []float64, y float64) bool {
	odd := false
	for _, b := range breaks {
		if b > y {
			odd = !odd
		}
	}
	return odd
}

// Units are the units in the order given. The slice belongs to the index: read it, do not change it.
func (x *Index) Units() []Unit { return x.units }

// Bound is the box (lon, lat, CRS84) around all units; it is empty where no unit has a geometry.
func (x *Index) Bound() orb.Bound { return x.bound }

// ByID is the place in Units of the unit with this slug; false if there is none.
func (x *Index) ByID(id string) (int, bool) {
	i, ok := x.byID[id]
	return i, ok
}

// Locate is the place in Units of the unit that holds a point (lon, lat, CRS84), -1 where none does. A point on a common
// edge belongs to exactly one of its units, always the same one; a point on the outer edge belongs to a unit too. Where
// units overlap the first one has it. It does not allocate.
func (x *Index) Locate(p orb.Point) int {
	column, row := (p[0]-x.minX)*x.perDegree, (p[1]-x.minY)*x.perDegree
	if !(column >= 0 && column < x.columns && row >= 0 && row < x.rows) { // so written, it refuses NaN
		return -1
	}
	v := x.cells[int(row)*x.width+int(column)]
	if v >= -1 {
		return int(v)
	}
	cell := x.edged[^(v + 1)]
	parts := x.parts[cell.from:cell.to]
	for i := range parts {
		part := &parts[i]
		in := part.odd
		edges := x.edges[part.from:part.to]
		for j := range edges {
			if edges[j].crossed(p) {
				in = !in
			}
		}
		if in {
			return int(part.unit)
		}
	}
	// The ray rule leaves out some points of the outer edge; they belong to the unit as well.
	for i := range parts {
		edges := x.edges[parts[i].from:parts[i].to]
		for j := range edges {
			if edges[j].touches(p) {
				return int(parts[i].unit)
			}
		}
	}
	return -1
}

// DistanceKM is 0 for a point (lon, lat, CRS84) that Locate gives to the unit, else the distance in kilometres to the nearest edge
// of the unit, good to about 1 %. It is +Inf for a unit that does not exist or has no geometry, and for a point that
// is not on earth.
func (x *Index) DistanceKM(unit int, p orb.Point) float64 {
	if unit < 0 || unit >= len(x.units) || !usable(p) {
		return math.Inf(1)
	}
	if x.Locate(p) == unit {
		return 0
	}
	return x.trees[unit].distanceKM(p, math.MaxFloat64)
}

// Nearest is the unit that holds the point (lon, lat, CRS84), with 0, else the nearest unit that is not farther than maxKM
// kilometres, with its distance; -1 and +Inf when there is none.
func (x *Index) Nearest(p orb.Point, maxKM float64) (unit int, km float64) {
	if !usable(p) || !(maxKM >= 0) {
		return -1, math.Inf(1)
	}
	if unit = x.Locate(p); unit >= 0 {
		return unit, 0
	}
	km = math.Inf(1)
	for i := range x.trees {
		if d := x.trees[i].distanceKM(p, min(km, maxKM)); d < km && d <= maxKM {
			unit, km = i, d
		}
	}
	return unit, km
}
