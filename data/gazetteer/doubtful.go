package gazetteer

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"sarhad/geo"
)

const (
	// keptDoubts is how many doubts about a file are written down.
	keptDoubts = 20
	// maxPairs is how many pairs of edges of a file are looked at for crossings, and how many edges for overlaps: seconds, for a file that is made to take long.
	maxPairs = 100_000_000
)

// doubtful says which features cross themselves, and which lie in another, by their label points. In either case it is not
// told in which unit some points lie, and one of the possible ones is taken.
func doubtful(features []feature, descriptions []described, units []geo.Unit) []string {
	var out []string
	more := 0
	say := func(format string, args ...any) {
		if len(out) < keptDoubts {
			out = append(out, fmt.Sprintf(format, args...))
		} else {
			more++
		}
	}
	pairs := maxPairs
	bounds, edges := make([]orb.Bound, len(units)), make([]int, len(units))
	for i := range units {
		bounds[i] = units[i].Geometry.Bound()
		for _, poly := range units[i].Geometry {
			for _, ring := range poly {
				edges[i] += len(ring)
			}
		}
		if p, ok := selfCrossing(units[i].Geometry, &pairs); ok {
			say("%s crosses itself near %.3f, %.3f", features[i].label(&descriptions[i]), p[0], p[1])
		}
	}
	left := maxPairs
	for i := range units {
		for j := range units {
			if i == j || left < 0 || !bounds[j].Contains(units[i].Label) {
				continue
			}
			left -= edges[j]
			if planar.MultiPolygonContains(units[j].Geometry, units[i].Label) {
				say("%s and %s overlap", features[i].label(&descriptions[i]), features[j].label(&descriptions[j]))
			}
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("and %d more", more))
	}
	return out
}

// selfCrossing is a place near which two edges of a polygon cross. Edges that merely touch do not. It looks at no more
// pairs of edges than are left, and takes those from pairs.
func selfCrossing(mp orb.MultiPolygon, pairs *int) (orb.Point, bool) {
	type line struct{ a, b orb.Point }
	var lines []line
	for _, poly := range mp {
		for _, ring := range poly {
			for i := 1; i < len(ring); i++ {
				a, b := ring[i-1], ring[i]
				if b[0] < a[0] {
					a, b = b, a
				}
				lines = append(lines, line{a, b})
			}
		}
	}
	slices.SortFunc(lines, func(s, t line) int { return cmp.Compare(s.a[0], t.a[0]) })
	side := func(s line, p orb.Point) float64 {
		return (s.b[0]-s.a[0])*(p[1]-s.a[1]) - (s.b[1]-s.a[1])*(p[0]-s.a[0])
	}
	var open []line // those that the sweep from west to east is within
	for _, s := range lines {
		kept := open[:0]
		for _, t := range open {
			if t.b[0] < s.a[0] {
				continue
			}
			kept = append(kept, t)
			if *pairs--; *pairs < 0 {
				return orb.Point{}, false
			}
			if max(s.a[1], s.b[1]) < min(t.a[1], t.b[1]) || min(s.a[1], s.b[1]) > max(t.a[1], t.b[1]) {
				continue
			}
			if side(s, t.a)*side(s, t.b) < 0 && side(t, s.a)*side(t, s.b) < 0 {
				return s.a, true
			}
		}
		open = append(kept, s)
	}
	return orb.Point{}, false
}
