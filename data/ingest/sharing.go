package ingest

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/paulmach/orb"

	"sarhad/data/source"
	"sarhad/geo"
)

// WarnSharedCoordinates is a point that many rows of a file give under
// different names of places: the middle of something larger, or a value that
// was copied down. It is told when the file has been read, so it stands in the
// report and not in the incidents, each of which may be the right one.
const WarnSharedCoordinates = "shared_coordinates"

const (
	// sharedRows rows under sharedNames names make a point doubtful. Hundreds of rows under one name are a town that sees much.
	sharedRows, sharedNames = 50, 3
	// maxSpots is how many points are counted at a time. When there are more the rarest are forgotten, so that the counts
	// of a file with more points are at least what is said.
	maxSpots = 1 << 15
	// maxSpotNames is how many names of a point are kept, maxSpotLines how many of its rows.
	maxSpotNames, maxSpotLines = 16, 10
)

// sharing counts the points of a file that are said to be places, by a hash of the point.
type sharing map[uint64]spot

type spot struct {
	rows, line int32 // line is that of the first
	point      orb.Point
	more       *sharedBy // from the second row on: most points have but one
}

// sharedBy are the names under which rows from the second on give a point, and the first lines of these.
type sharedBy struct {
	names []string
	lines []int32
}

// add counts a row before it is placed. One that was placed before, such as of our own export, is not asked about again.
func (s sharing) add(row *source.Row) {
	in := &row.Incident
	if !in.HasPoint || !in.LocationPrecision.IsPoint() || in.Place.Kind != "" || in.Point == (orb.Point{}) {
		return
	}
	key := math.Float64bits(in.Point[0])*0x9e3779b97f4a7c15 ^ bits.RotateLeft64(math.Float64bits(in.Point[1])*0xc2b2ae3d27d4eb4f, 31)
	at, ok := s[key]
	switch {
	case !ok:
		if len(s) >= maxSpots {
			s.forget()
		}
		at.line, at.point = int32(row.Line), in.Point
	case at.point != in.Point:
		return // once in millions of files
	default:
		if at.more == nil {
			at.more = &sharedBy{}
		}
		if len(at.more.lines) < maxSpotLines-1 {
			at.more.lines = append(at.more.lines, int32(row.Line))
		}
		name := cmp.Or(in.LocationName, row.Adm2, row.Adm1)
		if name != "" && len(at.more.names) < maxSpotNames && !slices.Contains(at.more.names, name) {
			at.more.names = append(at.more.names, strings.Clone(name)) // cloned, since it may be a small part of a large record
		}
	}
	at.rows++
	s[key] = at
}

// forget drops the points with the fewest rows until half of the places are free.
func (s sharing) forget() {
	for few := int32(1); len(s) > maxSpots/2; few *= 2 {
		for p, at := range s {
			if at.rows <= few {
				delete(s, p)
			}
		}
	}
}

// doubts are the points that are shared, most rows first, and how many rows these have together.
func (s sharing) doubts() (rows int, out []source.Issue) {
	type shared struct {
		spot
		names []string
	}
	var found []shared
	for _, at := range s {
		if at.rows < sharedRows || len(at.more.names) < sharedNames {
			continue
		}
		var names, folded []string // spellings of one name are one name
		for _, n := range at.more.names {
			if f := strings.ReplaceAll(geo.Fold(n), " ", ""); !slices.Contains(folded, f) {
				names, folded = append(names, n), append(folded, f)
			}
		}
		if len(names) >= sharedNames {
			found = append(found, shared{at, names})
			rows += int(at.rows)
		}
	}
	slices.SortFunc(found, func(a, b shared) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), cmp.Compare(a.line, b.line))
	})
	for _, f := range found[:min(len(found), MaxRejectsInReport)] {
		lines := fmt.Sprint(f.line)
		for _, n := range f.more.lines {
			lines += fmt.Sprintf(", %d", n)
		}
		out = append(out, source.Issue{Line: int(f.line), Value: fmt.Sprintf("%g, %g", f.point[0], f.point[1]), Code: WarnSharedCoordinates,
			Reason: fmt.Sprintf("%d rows give this point under different names (%s): it may be the middle of something larger; the first are on the lines %s", f.rows, strings.Join(f.names[:sharedNames], "; "), lines)})
	}
	return rows, out
}
