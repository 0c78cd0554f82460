package incident

import (
	"math"
	"math/big"

	"github.com/paulmach/orb"
)

// Relation is how a point lies to a shape, in the sense of OGC Simple Features
// (the matrices of DE-9IM).
type Relation string

// The relations. A single point never crosses or overlaps anything: for either, a part of it would have to lie outside.
const (
	Intersects Relation = "intersects"
	Disjoint   Relation = "disjoint"
	Equals     Relation = "equals" // the shape is that very point
	Touches    Relation = "touches"
	Crosses    Relation = "crosses"
	Within     Relation = "within"   // in the interior of the shape
	Contains   Relation = "contains" // the shape is that very point
	Overlaps   Relation = "overlaps"
)

// Spatial tells how the label point lies to a shape; it is unknown for an
// incident without a point.
type Spatial struct {
	Relation Relation
	Shape    *Shape
}

// Match implements [Filter].
func (f Spatial) Match(in *Incident) Truth {
	if !in.HasPoint {
		return Unknown
	}
	return truth(f.Shape.Relates(f.Relation, in.Point))
}

// NoPoint is true for an incident without a label point. It is never unknown.
type NoPoint struct{}

// Match implements [Filter].
func (f NoPoint) Match(in *Incident) Truth { return truth(!in.HasPoint) }

// Relates says whether a point lies to the shape as the relation has it.
func (s *Shape) Relates(r Relation, p orb.Point) bool {
	switch r {
	case Intersects:
		return s.Locate(p) != Outside
	case Disjoint:
		return s.Locate(p) == Outside
	case Within:
		return s.Locate(p) == Inside
	case Touches:
		return s.Locate(p) == OnBoundary
	case Equals, Contains:
		return s.isPoint && s.points[p]
	}
	return false
}

// Location is where a point lies of a shape.
type Location int

// The locations.
const (
	Outside Location = iota
	OnBoundary
	Inside
)

// Shape is a geometry that points are looked up in, lon, lat in CRS84. Lines
// are straight in these coordinates. All tests are exact for the coordinates as
// they stand.
//
// The boundary of an area are its rings, that of lines the ends at which an odd
// number of them ends, and points have none. Where parts of several dimensions
// meet, an area counts before a line and a line before a point.
type Shape struct {
	// Bound is around the whole shape; from west to east it is all longitudes if the shape crosses the antimeridian.
	Bound   orb.Bound
	points  map[orb.Point]bool
	isPoint bool // nothing but one point
	lines   []edges
	ends    map[orb.Point]bool // where an odd number of lines ends
	areas   []edges
	wrap    *orb.Bound // a box that crosses the antimeridian: its west lies above its east
}

// NewShape makes a shape of a geometry. A ring that is not closed is closed; a
// line that stays where it is counts as a point.
func NewShape(g orb.Geometry) *Shape {
	s := &Shape{Bound: g.Bound(), points: map[orb.Point]bool{}, ends: map[orb.Point]bool{}}
	s.add(g)
	s.isPoint = len(s.points) == 1 && len(s.lines) == 0 && len(s.areas) == 0
	return s
}

// NewBoxShape makes a shape of a box. One whose west lies above its east crosses
// the antimeridian; one without width or height is a line or a point.
func NewBoxShape(b orb.Bound) *Shape {
	switch {
	case b.Min[0] > b.Max[0]:
		return &Shape{Bound: orb.Bound{Min: orb.Point{-180, b.Min[1]}, Max: orb.Point{180, b.Max[1]}}, wrap: &b}
	case b.Min == b.Max:
		return NewShape(b.Min)
	case b.Min[0] == b.Max[0] || b.Min[1] == b.Max[1]:
		return NewShape(orb.LineString{b.Min, b.Max})
	}
	return NewShape(b.ToPolygon())
}

func (s *Shape) add(g orb.Geometry) {
	switch g := g.(type) {
	case orb.Point:
		s.points[g] = true
	case orb.MultiPoint:
		for _, p := range g {
			s.points[p] = true
		}
	case orb.LineString:
		s.line(g)
	case orb.MultiLineString:
		for _, l := range g {
			s.line(l)
		}
	case orb.Ring:
		s.areas = append(s.areas, newEdges([]orb.Ring{g}))
	case orb.Polygon:
		s.areas = append(s.areas, newEdges(g))
	case orb.MultiPolygon:
		for _, p := range g {
			s.areas = append(s.areas, newEdges(p))
		}
	case orb.Bound:
		s.add(g.ToPolygon())
	case orb.Collection:
		for _, part := range g {
			s.add(part)
		}
	}
}

func (s *Shape) line(l orb.LineString) {
	var e edges
	for i := 1; i < len(l); i++ {
		e.add(l[i-1], l[i])
	}
	if len(e.of) == 0 {
		if len(l) > 0 {
			s.points[l[0]] = true
		}
		return
	}
	e.finish()
	s.lines = append(s.lines, e)
	for _, p := range []orb.Point{l[0], l[len(l)-1]} {
		if s.ends[p] {
			delete(s.ends, p)
		} else {
			s.ends[p] = true
		}
	}
}

// Locate says where a point lies.
func (s *Shape) Locate(p orb.Point) Location {
	if !contains(s.Bound, p) {
		return Outside
	}
	if s.wrap != nil {
		return locateInWrapped(*s.wrap, p)
	}
	loc := Outside
	for i := range s.areas {
		if l := s.areas[i].locate(p); l > loc {
			if loc = l; l == Inside {
				return Inside
			}
		}
	}
	if loc != Outside {
		return loc
	}
	for i := range s.lines {
		if s.lines[i].locate(p) == OnBoundary {
			if s.ends[p] {
				return OnBoundary
			}
			return Inside
		}
	}
	if s.points[p] {
		return Inside
	}
	return Outside
}

func contains(b orb.Bound, p orb.Point) bool {
	return p[0] >= b.Min[0] && p[0] <= b.Max[0] && p[1] >= b.Min[1] && p[1] <= b.Max[1]
}

// locateInWrapped locates a point of the right latitude in a box that crosses the antimeridian.
func locateInWrapped(b orb.Bound, p orb.Point) Location {
	flat := b.Min[1] == b.Max[1] // a line, of which only the ends are boundary
	switch {
	case p[0] < b.Min[0] && p[0] > b.Max[0]:
		return Outside
	case p[0] == b.Min[0] || p[0] == b.Max[0] || !flat && (p[1] == b.Min[1] || p[1] == b.Max[1]):
		return OnBoundary
	}
	return Inside
}

// edges are the rings of an area or the parts of a line, in strips of latitude
// so that a point is tested against those near it.
type edges struct {
	of     [][2]orb.Point
	bound  orb.Bound
	strips [][]int32
	height float64
}

func newEdges(rings []orb.Ring) edges {
	var e edges
	for _, r := range rings {
		for i := range r {
			e.add(r[i], r[(i+1)%len(r)])
		}
	}
	e.finish()
	return e
}

func (e *edges) add(a, b orb.Point) {
	if a == b {
		return
	}
	if len(e.of) == 0 {
		e.bound = orb.Bound{Min: a, Max: a}
	}
	e.bound = e.bound.Extend(a).Extend(b)
	e.of = append(e.of, [2]orb.Point{a, b})
}

// maxStrips bounds the memory: an edge may lie in all strips.
const maxStrips = 64

func (e *edges) finish() {
	n := min(maxStrips, len(e.of)/8)
	e.height = (e.bound.Max[1] - e.bound.Min[1]) / float64(n)
	if n < 2 || !(e.height > 0) || math.IsInf(e.height, 0) {
		return
	}
	e.strips = make([][]int32, n)
	for i, ab := range e.of {
		for k := e.strip(min(ab[0][1], ab[1][1])); k <= e.strip(max(ab[0][1], ab[1][1])); k++ {
			e.strips[k] = append(e.strips[k], int32(i))
		}
	}
}

// strip is the strip of a latitude. It never falls as the latitude grows, so
// that a point always finds the edges that reach its latitude.
func (e *edges) strip(lat float64) int {
	return max(0, min(len(e.strips)-1, int((lat-e.bound.Min[1])/e.height)))
}

// locate says where a point lies of what the edges enclose; a point on an edge is on the boundary.
func (e *edges) locate(p orb.Point) Location {
	if len(e.of) == 0 || !contains(e.bound, p) {
		return Outside
	}
	odd := false
	test := func(a, b orb.Point) bool {
		if min(a[1], b[1]) > p[1] || max(a[1], b[1]) < p[1] || max(a[0], b[0]) < p[0] {
			return false
		}
		side := orientation(a, b, p)
		if side == 0 && min(a[0], b[0]) <= p[0] {
			return true
		}
		// A ray to the east meets the edge, of which the upper end does not count.
		if up := b[1] > p[1]; up != (a[1] > p[1]) && up == (side > 0) {
			odd = !odd
		}
		return false
	}
	if e.strips == nil {
		for _, ab := range e.of {
			if test(ab[0], ab[1]) {
				return OnBoundary
			}
		}
	} else {
		for _, i := range e.strips[e.strip(p[1])] {
			if test(e.of[i][0], e.of[i][1]) {
				return OnBoundary
			}
		}
	}
	if odd {
		return Inside
	}
	return Outside
}

// orientation is positive if c lies to the left of the way from a to b, negative
// to the right, 0 on the line through them. It is exact.
func orientation(a, b, c orb.Point) int {
	ax, ay, bx, by := a[0]-c[0], a[1]-c[1], b[0]-c[0], b[1]-c[1]
	// The sign of a difference is exact, and so is that of a product of two.
	l, r := sign(ax)*sign(by), sign(ay)*sign(bx)
	if l != r {
		return sign(float64(l - r))
	}
	if l == 0 {
		return 0
	}
	left, right := float64(ax*by), float64(ay*bx)
	if det := left - right; math.Abs(det) > 4e-16*(math.Abs(left)+math.Abs(right))+1e-300 {
		return sign(det) // more than all roundings together
	}
	exact := func(x, y float64) *big.Rat {
		var p, q big.Rat
		p.SetFloat64(x)
		q.SetFloat64(y)
		return p.Sub(&p, &q)
	}
	x, y := exact(a[0], c[0]), exact(a[1], c[1])
	x.Mul(x, exact(b[1], c[1]))
	y.Mul(y, exact(b[0], c[0]))
	return x.Cmp(y)
}

func sign(x float64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}
