package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// earthRadiusKM is the mean radius of the earth (IUGG R1) in kilometres.
const earthRadiusKM = 6371.0088

const radians = math.Pi / 180

// haversineKM is the great-circle distance of two points in kilometres.
func haversineKM(a, b orb.Point) float64 {
	sinLat := math.Sin((b[1] - a[1]) * radians / 2)
	sinLon := math.Sin((b[0] - a[0]) * radians / 2)
	h := sinLat*sinLat + math.Cos(a[1]*radians)*math.Cos(b[1]*radians)*sinLon*sinLon
	return 2 * earthRadiusKM * math.Asin(math.Sqrt(min(1, h)))
}

// segment is a straight piece of a line in lon, lat.
type segment struct{ ax, ay, bx, by float64 }

// segmentLeaf is how many neighbouring segments share one box: few enough that a leaf is cheap to walk, many enough
// that the boxes stay fewer than the segments.
const segmentLeaf = 8

// segmentNode is a box around a run of neighbouring segments.
type segmentNode struct {
	minX, minY, maxX, maxY float64
	// cosLat is the least cosine of a latitude inside the box: with it the distance to the box is never overestimated.
	cosLat float64
	// from and to bound the run. right is the second child (the first one follows its parent), 0 in a leaf.
	from, to, right int32
}

// segmentTree finds the segment nearest to a point. Segments that follow each other on a line lie close together, so
// boxes around halves, quarters and so on of the line are good boxes without any sorting.
type segmentTree struct {
	segments []segment
	nodes    []segmentNode
}

func newSegmentTree(segments []segment) segmentTree {
	t := segmentTree{segments: segments}
	if len(segments) > 0 {
		t.grow(0, int32(len(segments)))
	}
	return t
}

func (t *segmentTree) grow(from, to int32) {
	n := segmentNode{minX: math.Inf(1), minY: math.Inf(1), maxX: math.Inf(-1), maxY: math.Inf(-1), from: from, to: to}
	for _, s := range t.segments[from:to] {
		n.minX, n.maxX = min(n.minX, s.ax, s.bx), max(n.maxX, s.ax, s.bx)
		n.minY, n.maxY = min(n.minY, s.ay, s.by), max(n.maxY, s.ay, s.by)
	}
	n.cosLat = max(0, math.Cos(max(math.Abs(n.minY), math.Abs(n.maxY))*radians))
	at := len(t.nodes)
	t.nodes = append(t.nodes, n)
	if to-from <= segmentLeaf {
		return
	}
	middle := (from + to) / 2
	t.grow(from, middle)
	t.nodes[at].right = int32(len(t.nodes))
	t.grow(middle, to)
}

// nearest is the segment nearest to p, with the share of the way from its start to its end where it is nearest.
// Distances are compared in a local plane whose east-west scale is that of the latitude half way to the segment.
// It is -1 for an empty tree, and where nothing is nearer than within kilometres.
func (t *segmentTree) nearest(p orb.Point, within float64) (at int, share float64) {
	return t.nearestFrom(p, within, -1)
}

// Beyond farDegrees of latitude (about 28 km) a segment is near enough if no other is nearer by more than half a
// percent: to tell apart what is nearly as far costs most of the time, and no figure is given so exactly.
const farDegrees, farEnough = 0.25, 0.995

// nearestFrom is nearest with a segment to begin with, -1 for none: one that is near leaves little to look at.
func (t *segmentTree) nearestFrom(p orb.Point, within float64, first int) (at int, share float64) {
	at = -1
	if len(t.nodes) == 0 {
		return at, 0
	}
	lat := p[1] * radians
	cosP, sinP := math.Cos(lat), math.Sin(lat)
	best := within / (earthRadiusKM * radians) * 1.02 // degrees of latitude; the caller measures exactly
	best *= best
	if first >= 0 {
		if d, f := t.segments[first].distance2(p, cosP, sinP); d < best {
			best, at, share = d, first, f
		}
	}
	var stack [64]int32
	depth := 1
	for depth > 0 {
		depth--
		n := &t.nodes[stack[depth]]
		bound := best
		if bound > farDegrees*farDegrees {
			bound *= farEnough * farEnough
		}
		if n.distance2(p, cosP) >= bound {
			continue
		}
		if n.right != 0 {
			left, right := stack[depth]+1, n.right
			if t.nodes[left].distance2(p, cosP) < t.nodes[right].distance2(p, cosP) {
				left, right = right, left
			}
			stack[depth], stack[depth+1] = left, right // the nearer half is looked at first
			depth += 2
			continue
		}
		for i := n.from; i < n.to; i++ {
			if d, f := t.segments[i].distance2(p, cosP, sinP); d < best {
				best, at, share = d, int(i), f
			}
		}
	}
	return at, share
}

// distance2 is the squared distance to the segment in degrees of latitude, and the share of the way along it where it
// is nearest.
func (s *segment) distance2(p orb.Point, cosP, sinP float64) (d, share float64) {
	// The cosine half way, as a series: the exact one would cost more than all the rest.
	h := ((s.ay+s.by)/2 - p[1]) * radians / 2
	k := max(0, cosP*(1-h*h/2)-sinP*h*(1-h*h/6))
	ax, ay := (s.ax-p[0])*k, s.ay-p[1]
	dx, dy := (s.bx-s.ax)*k, s.by-s.ay
	if l := dx*dx + dy*dy; l > 0 {
		share = min(1, max(0, -(ax*dx+ay*dy)/l))
	}
	x, y := ax+share*dx, ay+share*dy
	return x*x + y*y, share
}

// distance2 is a lower bound of the squared distance to what is in the box, in degrees of latitude.
func (n *segmentNode) distance2(p orb.Point, cosP float64) float64 {
	// The cosine is concave: half way between two latitudes it is at least the mean of both.
	dx := max(n.minX-p[0], 0, p[0]-n.maxX) * (n.cosLat + cosP) / 2
	dy := max(n.minY-p[1], 0, p[1]-n.maxY)
	return dx*dx + dy*dy
}

// along is the point at a share of the way along a segment.
func (t *segmentTree) along(at int, share float64) orb.Point {
	s := t.segments[at]
	return orb.Point{s.ax + (s.bx-s.ax)*share, s.ay + (s.by-s.ay)*share}
}

// distanceKM is the distance to the nearest segment, +Inf where none is nearer than within.
func (t *segmentTree) distanceKM(p orb.Point, within float64) float64 {
	at, share := t.nearest(p, within)
	if at < 0 {
		return math.Inf(1)
	}
	return haversineKM(p, t.along(at, share))
}

// usable says whether a point has coordinates that mean a place on earth, in degrees.
func usable(p orb.Point) bool {
	return p[0] >= -180 && p[0] <= 180 && p[1] >= -90 && p[1] <= 90
}
