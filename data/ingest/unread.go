package ingest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"sarhad/data/source"
	"sarhad/incident"
)

// WarnUnreadColumn is a heading that nothing was read from and that looks like
// what no row of the file has: figures or coordinates. It is about the file, so
// it stands in the report and not in the incidents.
const WarnUnreadColumn = "unread_column"

// Words in headings, and words that a heading is, of figures and of coordinates.
var (
	figureParts = []string{"kill", "dead", "death", "died", "casualt", "fatal", "victim", "martyr", "کشته", "ہلاک", "شہید", "شهید", "مړه", "وژل"}
	pointParts  = []string{"latitud", "longitud", "coordinat", "عرض البلد", "طول البلد"}
	pointWords  = []string{"lat", "lats", "lon", "lng", "long", "latlon", "latlng", "latlong", "lonlat", "coord", "coords", "gps", "geopoint", "x", "y"}
)

// unset says what no row of a file has.
type unset struct{ figures, points bool }

func (u *unset) see(in *incident.Incident) {
	if in.HasPoint {
		u.points = false
	}
	if in.Low.Known || in.Best.Known || in.High.Known {
		u.figures = false
	}
}

// doubts are the headings that may hold what is not set.
func (u *unset) doubts(unread []string) (out []source.Issue) {
	for _, h := range unread {
		var what string
		switch {
		case u.figures && heads(h, figureParts, nil):
			what = "deaths"
		case u.points && heads(h, pointParts, pointWords):
			what = "coordinates"
		default:
			continue
		}
		out = append(out, source.Issue{Column: kept(h, 200), Code: WarnUnreadColumn,
			Reason: fmt.Sprintf("nothing was read from the column %q, and no row has %s: a mapping says what a column means", kept(h, 60), what)})
	}
	return out[:min(len(out), MaxRejectsInReport)]
}

// heads reports whether a heading has one of the parts in it or one of the words.
func heads(heading string, parts, words []string) bool {
	h := strings.ToLower(heading)
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(h, p) }) ||
		slices.ContainsFunc(strings.FieldsFunc(h, func(r rune) bool { return !unicode.IsLetter(r) }), func(w string) bool { return slices.Contains(words, w) })
}
