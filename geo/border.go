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
}

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
	return b, nil
}

// DistanceKM is the distance from a point (lon, lat, CRS84) to the line in kilometres, never negative, good to about
// 1 %. It is +Inf for a point that is not on earth.
func (b *Border) DistanceKM(p orb.Point) float64 {
	if !usable(p) {
		return math.Inf(1)
	}
	return b.tree.distanceKM(p, math.MaxFloat64)
}

// Nearest is the point of the line (lon, lat, CRS84) that is nearest to p, and its distance in kilometres. For a point
// that is not on earth it is the point itself and +Inf.
func (b *Border) Nearest(p orb.Point) (orb.Point, float64) {
	if !usable(p) {
		return p, math.Inf(1)
	}
	at, share := b.tree.nearest(p, math.MaxFloat64)
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
	i, s := b.tree.nearest(from, math.MaxFloat64)
	j, t := b.tree.nearest(to, math.MaxFloat64)
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
