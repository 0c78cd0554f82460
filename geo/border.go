package geo

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// Border is a border line, prepared for distances. It is read-only and safe for concurrent use. It knows nothing of
// sides or sovereignty: it is one named line, and which version of it that is, its owner says.
type Border struct {
	line orb.LineString
	tree segmentTree
	// near holds for each cell of a grid around the line a segment that is nearest to its middle, to begin with. That
	// takes a distance from 1.3 to 0.85 µs, which a load asks for once a row, and costs about 12 ms when it is made.
	near          []int32
	cells         orb.Bound
	columns, rows int
}

// cellDegrees is the size of a cell, aroundDegrees how far the grid reaches beyond the line: over the whole region.
const cellDegrees, aroundDegrees = 0.2, 6.0

// NewBorder prepares a line of at least two points in lon, lat (CRS84), which it copies. It fails for a shorter line
// and for coordinates that are not on earth.
func NewBorder(line orb.LineString) (*Border, error) {
	if len(line) < 2 {
		return nil, errors.New("prepare border: the line has less than two points")
	}
	for i, p := range line {
		if !usable(p) {
			return nil, fmt.Errorf("prepare border: point %d is not a longitude and a latitude: %v", i, p)
		}
	}
	b := &Border{line: slices.Clone(line)}
	segments := make([]segment, 0, len(line)-1)
	for i := 1; i < len(line); i++ {
		segments = append(segments, segment{line[i-1][0], line[i-1][1], line[i][0], line[i][1]})
	}
	b.tree = newSegmentTree(segments)
	b.cells = b.line.Bound().Pad(aroundDegrees)
	b.columns = int((b.cells.Max[0]-b.cells.Min[0])/cellDegrees) + 1
	b.rows = int((b.cells.Max[1]-b.cells.Min[1])/cellDegrees) + 1
	if b.columns*b.rows > maxCells {
		return b, nil // a line around the world needs no short cut
	}
	near := make([]int32, 0, b.columns*b.rows)
	for y := range b.rows {
		at := -1
		for x := range b.columns {
			middle := orb.Point{b.cells.Min[0] + (float64(x)+0.5)*cellDegrees, b.cells.Min[1] + (float64(y)+0.5)*cellDegrees}
			at, _ = b.tree.nearestFrom(middle, math.MaxFloat64, at)
			near = append(near, int32(at))
		}
	}
	b.near = near
	return b, nil
}

const maxCells = 100_000

// nearest is the segment nearest to a point; see segmentTree.nearest.
func (b *Border) nearest(p orb.Point) (at int, share float64) {
	first := -1
	if b.near != nil && b.cells.Contains(p) {
		first = int(b.near[int((p[1]-b.cells.Min[1])/cellDegrees)*b.columns+int((p[0]-b.cells.Min[0])/cellDegrees)])
	}
	return b.tree.nearestFrom(p, math.MaxFloat64, first)
}

// DistanceKM is the distance from a point (lon, lat, CRS84) to the line in kilometres, never negative, good to about
// 1 %. It is +Inf for a point that is not on earth.
func (b *Border) DistanceKM(p orb.Point) float64 {
	if !usable(p) {
		return math.Inf(1)
	}
	at, share := b.nearest(p)
	return haversineKM(p, b.tree.along(at, share))
}

// Nearest is the point of the line (lon, lat, CRS84) that is nearest to p, and its distance in kilometres. For a point
// that is not on earth it is the point itself and +Inf.
func (b *Border) Nearest(p orb.Point) (orb.Point, float64) {
	if !usable(p) {
		return p, math.Inf(1)
	}
	at, share := b.nearest(p)
	q := b.tree.along(at, share)
	return q, haversineKM(p, q)
}

// Stretch is the part of the line between the points of it that are nearest to from and to, in that direction
// (lon, lat, CRS84). It always has two points or more, the same one twice where both ends meet; it is nil for points
// that are not on earth.
func (b *Border) Stretch(from, to orb.Point) orb.LineString {
	if !usable(from) || !usable(to) {
		return nil
	}
	i, s := b.nearest(from)
	j, t := b.nearest(to)
	back := i > j || i == j && s > t
	if back {
		i, s, j, t = j, t, i, s
	}
	out := orb.LineString{b.tree.along(i, s)}
	for k := i + 1; k <= j; k++ {
		if p := b.line[k]; p != out[len(out)-1] {
			out = append(out, p)
		}
	}
	if end := b.tree.along(j, t); end != out[len(out)-1] || len(out) == 1 {
		out = append(out, end)
	}
	if back {
		slices.Reverse(out)
	}
	return out
}
