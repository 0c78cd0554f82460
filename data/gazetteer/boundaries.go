package gazetteer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/paulmach/orb"
	orbgeo "github.com/paulmach/orb/geo"
	"github.com/paulmach/orb/planar"

	"sarhad/geo"
	"sarhad/incident"
)

// The limits of a file of boundaries.
const (
	maxBoundaryBytes = 200 << 20
	maxFeatures      = 5_000
	maxVertices      = 5_000_000
)

// Boundaries are the units of a file in the place of the bundled ones.
type Boundaries struct {
	// File is the name of the file without its folder, Hash the SHA-256 of what is in it in lower-case hex.
	File, Hash string
	// Units are one for each feature, in the order of the file; polygons in lon, lat, CRS84.
	Units []geo.Unit
	// Matched is the number of features that are a bundled unit, New that of the others.
	Matched, New int
	// Left are the IDs of the bundled units that no feature is, and that are therefore no units any more.
	Left []string
	// Doubts are sentences about features that overlap or cross themselves; they are taken as they are.
	Doubts []string

	bundled int
}

// Attribution is the credit that stands in place of that of the bundled units.
func (b *Boundaries) Attribution() string {
	return "Boundaries: " + b.File + ", given by the operator"
}

// Summary says in a sentence what became of the bundled units.
func (b *Boundaries) Summary() string {
	s := fmt.Sprintf("%s: %d of %d bundled units matched, %d new, %d left out", b.File, b.Matched, b.bundled, b.New, len(b.Left))
	if n := len(b.Left); n > 0 {
		s += " (" + strings.Join(b.Left[:min(n, 5)], ", ")
		if n > 5 {
			s += ", …"
		}
		s += ")"
	}
	return s + "; the border line and the tehsils and Afghan districts are still the bundled ones"
}

// Subunits are those of a list whose unit is still there.
func (b *Boundaries) Subunits(all []geo.Subunit) []geo.Subunit {
	there := map[string]bool{}
	for i := range b.Units {
		there[b.Units[i].ID] = true
	}
	var out []geo.Subunit
	for _, s := range all {
		if there[s.Unit] {
			out = append(out, s)
		}
	}
	return out
}

// ReadBoundaries reads a GeoJSON FeatureCollection or a GeoPackage of polygons in lon, lat (CRS84, EPSG:4326) with a
// column of P-codes or names. A feature that is one of the bundled units, by id, P-code or name, keeps the ID, names, kind
// and seat of that unit and gives it a new polygon; every other feature is a unit of its own. It fails with CodeInvalid,
// naming file and feature, for anything that cannot be taken as it is, and with CodeTooLarge beyond 200 MB, 5,000
// features or 5 million vertices. No new unit gets an ID of those taken, such as former units and subunits have. The bundled
// units are not changed.
func ReadBoundaries(path string, bundled []geo.Unit, taken ...string) (*Boundaries, error) {
	name := filepath.Base(path)
	hash, head, err := inspect(path)
	if err != nil {
		return nil, fmt.Errorf("read boundaries from %s: %w", name, err)
	}
	var features []feature
	if strings.HasPrefix(head, "SQLite format 3\x00") {
		features, err = readGeoPackage(path)
	} else {
		features, err = openGeoJSON(path)
	}
	if err == nil && len(features) == 0 {
		err = incident.Errorf(incident.CodeInvalid, "there are no features in it")
	}
	if err == nil {
		var b *Boundaries
		if b, err = match(features, bundled, taken); err == nil {
			b.File, b.Hash = name, hash
			return b, nil
		}
	}
	return nil, fmt.Errorf("read boundaries from %s: %w", name, err)
}

// inspect gives the hash and the beginning of a file.
func inspect(path string) (hash, head string, err error) {
	f, info, err := openRegular(path)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	if info.Size() > maxBoundaryBytes {
		return "", "", incident.Errorf(incident.CodeTooLarge, "the file has more than %d MB; simplify it first", maxBoundaryBytes>>20)
	}
	h := sha256.New()
	start := make([]byte, 16)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", "", err
	}
	h.Write(start[:n])
	if _, err := io.Copy(h, io.LimitReader(f, maxBoundaryBytes)); err != nil {
		return "", "", err
	}
	return hex.EncodeToString(h.Sum(nil)), string(start[:n]), nil
}

// openRegular opens a file that is one: a pipe or a device may never end, or be another thing when it is opened again.
func openRegular(path string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(path) // before it is opened, since the opening of a pipe waits for a writer
	switch {
	case err != nil:
		return nil, nil, err
	case info.IsDir():
		return nil, nil, incident.Errorf(incident.CodeInvalid, "this is a folder")
	case !info.Mode().IsRegular():
		return nil, nil, incident.Errorf(incident.CodeInvalid, "this is a pipe or a device; give a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	return f, info, nil
}

// feature is one row of a file of boundaries.
type feature struct {
	number   int // counted from 1
	id       string
	values   map[string]string // by folded column name
	geometry orb.MultiPolygon
}

// The names under which columns are known, folded; the first that a feature fills counts. level2 are those of districts:
// a name from one of them is never that of a province.
var (
	idColumns       = []string{"unitid", "id", "slug"}
	pcodeColumns    = []string{"pcode", "ochapcode", "adm2pcode", "admin2pcode", "adm1pcode", "admin1pcode", "shapeiso"}
	level2Columns   = []string{"adm2en", "adm2name", "adm2nameen", "admin2name", "admin2nameen", "district", "districtname", "distname", "name2"}
	nameColumns     = []string{"name", "nameen", "shapename", "unitname"}
	level1Columns   = []string{"adm1en", "adm1name", "adm1nameen", "admin1name", "admin1nameen", "province", "provincename", "name1"}
	countryColumns  = []string{"country", "countrycode", "countryiso", "iso2", "iso3", "iso", "shapegroup", "adm0pcode", "adm0en", "adm0name", "admin0name", "gid0", "name0"}
	provinceColumns = level1Columns
)

func foldColumn(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

func (f *feature) get(columns []string) string {
	for _, c := range columns {
		if v := f.values[c]; v != "" {
			return v
		}
	}
	return ""
}

// described is what the columns of a feature say.
type described struct {
	ids                            []string
	pcode, name, province, country string
	level2                         bool // it is a district by the column of its name
}

func (f *feature) describe() described {
	d := described{pcode: strings.ToUpper(f.get(pcodeColumns)), country: countryCode(f.get(countryColumns)), province: f.get(provinceColumns)}
	for _, c := range idColumns {
		if v := f.values[c]; v != "" {
			d.ids = append(d.ids, v)
		}
	}
	if f.id != "" {
		d.ids = append(d.ids, f.id)
	}
	switch {
	case f.get(level2Columns) != "":
		d.name, d.level2 = f.get(level2Columns), true
	case f.get(nameColumns) != "":
		d.name = f.get(nameColumns)
	default:
		d.name, d.province = d.province, ""
	}
	if d.country == "" && len(d.pcode) > 2 {
		d.country = countryCode(d.pcode[:2])
	}
	return d
}

func (f *feature) label(d *described) string {
	if s := cmp.Or(d.name, d.pcode); s != "" {
		return fmt.Sprintf("feature %d (%s)", f.number, s)
	}
	return fmt.Sprintf("feature %d", f.number)
}

// countryCode is the code of one of the two countries, "" for nothing, and what is written for any other.
func countryCode(s string) string {
	switch geo.Fold(s) {
	case "pk", "pak", "pakistan", "islamic republic of pakistan":
		return "PK"
	case "af", "afg", "afghanistan", "islamic republic of afghanistan", "islamic emirate of afghanistan":
		return "AF"
	}
	return strings.TrimSpace(s)
}

// matcher knows the bundled units by what features may say of them.
type matcher struct {
	units  []geo.Unit
	byID   map[string]int
	byCode map[string]int
	byName map[string][]int
}

func newMatcher(units []geo.Unit) *matcher {
	m := &matcher{units: units, byID: map[string]int{}, byCode: map[string]int{}, byName: map[string][]int{}}
	for i := range units {
		u := &units[i]
		m.byID[u.ID] = i
		if u.PCode != "" {
			m.byCode[strings.ToUpper(u.PCode)] = i
		}
		if u.Kind != "district" && u.ISO != "" {
			m.byCode[strings.ToUpper(u.ISO)] = i
		}
		for _, n := range append([]string{u.Name}, u.Variants...) {
			if k := nameKey(n); k != "" && !slices.Contains(m.byName[k], i) {
				m.byName[k] = append(m.byName[k], i)
			}
		}
	}
	return m
}

// nameKey is a folded name without the word for what it is and without spaces.
func nameKey(s string) string {
	words := strings.Fields(geo.Fold(s))
	for len(words) > 1 {
		switch words[len(words)-1] {
		case "district", "agency", "province", "division":
			words = words[:len(words)-1]
			continue
		}
		break
	}
	return strings.Join(words, "")
}

// How far a feature may lie from the unit that its name says it is, and what share of its area it must have to be a whole
// province (its capital goes by the same name) or a unit by another name than its own.
const (
	sameNameKM = 50.0
	wholeShare = 1.0 / 3
)

// How sure it is that a feature is a unit. A variant may be the name of what was only a part of the unit, such as the
// Frontier Region of the same name.
const (
	byID = iota
	byCode
	byName
	byVariant
)

// find gives the bundled unit that a feature is and how that is known, -1 if it is none.
func (m *matcher) find(f *feature, d *described) (unit, how int) {
	for _, id := range d.ids {
		if i, ok := m.byID[id]; ok {
			return i, byID
		}
	}
	if i, ok := m.byCode[d.pcode]; ok && d.pcode != "" {
		return i, byCode
	}
	key, label := nameKey(d.name), labelPoint(f.geometry)
	var found []int
	for _, i := range m.byName[key] {
		if m.mayBe(f, d, i) {
			found = append(found, i)
		}
	}
	if len(found) > 1 { // the one that it lies in
		found = slices.DeleteFunc(found, func(i int) bool { return !planar.MultiPolygonContains(m.units[i].Geometry, label) })
	}
	if len(found) != 1 {
		return -1, byName
	}
	if nameKey(m.units[found[0]].Name) != key {
		return found[0], byVariant
	}
	return found[0], byName
}

// mayBe says whether nothing speaks against a feature being the unit of its name.
func (m *matcher) mayBe(f *feature, d *described, i int) bool {
	u := &m.units[i]
	switch {
	case d.country != "" && d.country != u.Country,
		d.level2 && u.Kind != "district",
		u.PCode != "" && len(d.pcode) > len(u.PCode) && strings.HasPrefix(d.pcode, strings.ToUpper(u.PCode)), // a part of it
		d.province != "" && u.Kind == "district" && m.isProvince(d.province, u.Country) && nameKey(d.province) != nameKey(u.Province),
		boundsKM(f.geometry.Bound(), u.Geometry.Bound()) > sameNameKM:
		return false
	}
	whole := u.Kind == "district" && nameKey(u.Name) == nameKey(d.name)
	return whole || orbgeo.Area(f.geometry) >= wholeShare*orbgeo.Area(u.Geometry)
}

// isProvince says whether a name is that of a province that bundled units of a country lie in: another name, such as
// "FATA", says nothing against a unit.
func (m *matcher) isProvince(name, country string) bool {
	k := nameKey(name)
	return slices.ContainsFunc(m.units, func(u geo.Unit) bool { return u.Country == country && nameKey(u.Province) == k })
}

// boundsKM is about how far two boxes are apart, 0 if they meet.
func boundsKM(a, b orb.Bound) float64 {
	lon := max(0, a.Min[0]-b.Max[0], b.Min[0]-a.Max[0]) * math.Cos((a.Min[1]+a.Max[1])/2*math.Pi/180)
	lat := max(0, a.Min[1]-b.Max[1], b.Min[1]-a.Max[1])
	return math.Hypot(lon, lat) * 111.2
}

// match makes the units of features.
func match(features []feature, bundled []geo.Unit, reserved []string) (*Boundaries, error) {
	m := newMatcher(bundled)
	b := &Boundaries{bundled: len(bundled)}
	ids := map[string]bool{}
	for i := range bundled {
		ids[bundled[i].ID] = true
	}
	for _, id := range reserved {
		ids[id] = true
	}
	region := boundOf(bundled)
	type claim struct {
		feature, how int
	}
	taken := map[int]claim{}
	descriptions := make([]described, len(features))
	of := make([]int, len(features)) // the bundled unit of each feature
	for i := range features {
		f := &features[i]
		d := f.describe()
		descriptions[i] = d
		if d.name == "" && d.pcode == "" && !slices.ContainsFunc(d.ids, func(id string) bool { _, ok := m.byID[id]; return ok }) {
			return nil, incident.Errorf(incident.CodeInvalid, "feature %d has neither a name nor a P-code; its columns are %s", f.number, columnsOf(f))
		}
		var how int
		if of[i], how = m.find(f, &d); of[i] < 0 {
			continue
		}
		other, dup := taken[of[i]]
		switch {
		case dup && how == byVariant && other.how < byVariant:
			of[i] = -1
			continue
		case dup && (how == byVariant || other.how < byVariant):
			u := &bundled[of[i]]
			return nil, incident.Errorf(incident.CodeInvalid, "%s and %s are both %s (%s)", features[other.feature].label(&descriptions[other.feature]), f.label(&d), u.Name, u.ID)
		case dup:
			of[other.feature] = -1
		}
		taken[of[i]] = claim{i, how}
	}
	for i := range features {
		f := &features[i]
		var u geo.Unit
		if of[i] >= 0 {
			u = bundled[of[i]]
			if km := awayKM(f.geometry, u.Label); km > elsewhereKM && taken[of[i]].how <= byCode {
				return nil, incident.Errorf(incident.CodeInvalid, "%s is %s (%s) by its id or P-code, but lies %.0f km away from it; coordinates are lon, lat: are they exchanged, or is it another unit?", f.label(&descriptions[i]), u.Name, u.ID, km)
			}
			u.Geometry = f.geometry
			if !planar.MultiPolygonContains(u.Geometry, u.Label) {
				u.Label = labelPoint(u.Geometry)
			}
			b.Matched++
		} else {
			if km := boundsKM(f.geometry.Bound(), region); km > elsewhereKM {
				return nil, incident.Errorf(incident.CodeInvalid, "%s lies %.0f km outside Pakistan and Afghanistan; coordinates are lon, lat: are they exchanged?", f.label(&descriptions[i]), km)
			}
			var err error
			if u, err = m.newUnit(f, &descriptions[i], ids); err != nil {
				return nil, err
			}
			b.New++
		}
		b.Units = append(b.Units, u)
	}
	for i := range bundled {
		if _, ok := taken[i]; !ok {
			b.Left = append(b.Left, bundled[i].ID)
		}
	}
	b.Doubts = doubtful(features, descriptions, b.Units)
	return b, nil
}

// elsewhereKM is how far from a unit, or from all of them, a feature cannot be what it says it is.
const elsewhereKM = 100.0

func boundOf(units []geo.Unit) orb.Bound {
	var b orb.Bound
	for i := range units {
		if i == 0 {
			b = units[i].Geometry.Bound()
		}
		b = b.Union(units[i].Geometry.Bound())
	}
	return b
}

// awayKM is about how far a point lies outside a polygon.
func awayKM(mp orb.MultiPolygon, p orb.Point) float64 {
	if planar.MultiPolygonContains(mp, p) {
		return 0
	}
	// With degrees of longitude as long as those of latitude there.
	narrow := math.Cos(p[1] * math.Pi / 180)
	least := math.Inf(1)
	for _, poly := range mp {
		for _, ring := range poly {
			for i := 1; i < len(ring); i++ {
				a := orb.Point{(ring[i-1][0] - p[0]) * narrow, ring[i-1][1] - p[1]}
				c := orb.Point{(ring[i][0] - p[0]) * narrow, ring[i][1] - p[1]}
				least = min(least, planar.DistanceFromSegment(a, c, orb.Point{}))
			}
		}
	}
	return least * 111.2
}

func columnsOf(f *feature) string {
	if len(f.values) == 0 {
		return "none"
	}
	names := make([]string, 0, len(f.values))
	for c := range f.values {
		names = append(names, c)
	}
	slices.Sort(names)
	return strings.Join(names[:min(len(names), 20)], ", ")
}

// newUnit makes a unit of a feature that is none of the bundled ones.
func (m *matcher) newUnit(f *feature, d *described, ids map[string]bool) (geo.Unit, error) {
	u := geo.Unit{Name: cmp.Or(d.name, d.pcode), Country: d.country, Province: d.province, PCode: d.pcode, Kind: "district",
		Geometry: f.geometry, Label: labelPoint(f.geometry)}
	holder := slices.IndexFunc(m.units, func(of geo.Unit) bool { return planar.MultiPolygonContains(of.Geometry, u.Label) })
	if u.Country == "" && holder >= 0 {
		u.Country = m.units[holder].Country
	}
	if !slices.Contains(incident.Countries, u.Country) {
		if u.Country == "" {
			return u, incident.Errorf(incident.CodeInvalid, "%s names no country, and lies in neither Pakistan nor Afghanistan; coordinates are lon, lat", f.label(d))
		}
		return u, incident.Errorf(incident.CodeInvalid, "%s is in %q; a unit is in PK or AF", f.label(d), u.Country)
	}
	if !d.level2 && u.Country == "AF" && (d.province == "" || nameKey(d.province) == nameKey(d.name)) {
		u.Kind, u.Province = "province", u.Name
	}
	for i := range m.units {
		if of := &m.units[i]; u.Province != "" && of.Country == u.Country && nameKey(of.Province) == nameKey(u.Province) {
			u.Province = of.Province // as it is written elsewhere
			break
		}
	}
	if u.Province == "" && holder >= 0 && m.units[holder].Country == u.Country {
		u.Province = m.units[holder].Province
	}
	slug := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}, geo.Fold(u.Name))
	if strings.Trim(slug, "-") == "" { // a name in another script
		slug = cmp.Or(foldColumn(d.pcode), fmt.Sprintf("unit-%d", f.number))
	}
	slug = strings.ToLower(u.Country) + "-" + slug
	u.ID = slug
	for n := 2; ids[u.ID]; n++ {
		u.ID = fmt.Sprintf("%s-%d", slug, n)
	}
	ids[u.ID] = true
	return u, nil
}

// addPolygon checks a polygon and adds it, outer rings counterclockwise and holes clockwise.
func addPolygon(mp orb.MultiPolygon, rings [][]orb.Point, vertices *int) (orb.MultiPolygon, string) {
	if len(rings) == 0 {
		return mp, "has a polygon without a ring"
	}
	poly := make(orb.Polygon, 0, len(rings))
	for i, points := range rings {
		if *vertices += len(points); *vertices > maxVertices {
			return mp, tooManyVertices
		}
		ring := orb.Ring(points)
		switch {
		case len(ring) < 4:
			return mp, fmt.Sprintf("has a ring of %d points; a closed ring has at least 4", len(ring))
		case ring[0] != ring[len(ring)-1]:
			return mp, "has a ring that is not closed: its last point is not its first"
		}
		for _, p := range ring {
			if !(math.Abs(p[0]) <= 180 && math.Abs(p[1]) <= 90) {
				return mp, fmt.Sprintf("has a point that is not on earth: lon %g, lat %g", p[0], p[1])
			}
		}
		want := orb.CCW
		if i > 0 {
			want = orb.CW
		}
		switch ring.Orientation() {
		case 0:
			return mp, "has a ring without an area"
		case want:
		default:
			ring.Reverse()
		}
		poly = append(poly, ring)
	}
	return append(mp, poly), ""
}

var tooManyVertices = fmt.Sprintf("takes the file beyond %d vertices; simplify it first", maxVertices)

// featureError is an error about a feature; a limit that was passed is told apart.
func featureError(number int, reason string) error {
	code := incident.CodeInvalid
	if reason == tooManyVertices {
		code = incident.CodeTooLarge
	}
	return incident.Errorf(code, "feature %d %s", number, reason)
}

func errTooManyFeatures() error {
	return incident.Errorf(incident.CodeTooLarge, "there are more than %d features in it", maxFeatures)
}

// labelPoint is a point inside the largest polygon: its centroid, or where that lies outside, the middle of its widest
// stretch along one of some parallels.
func labelPoint(mp orb.MultiPolygon) orb.Point {
	var poly orb.Polygon
	most := -1.0
	for _, p := range mp {
		if area := planar.Area(p); area > most {
			poly, most = p, area
		}
	}
	if len(poly) == 0 {
		return orb.Point{}
	}
	c, _ := planar.CentroidArea(poly)
	if planar.PolygonContains(poly, c) {
		return c
	}
	const lines = 16
	b := poly.Bound()
	best, width := poly[0][0], 0.0
	for i := range lines {
		y := b.Min[1] + (b.Max[1]-b.Min[1])*(float64(i)+0.5)/lines
		var xs []float64
		for _, ring := range poly {
			for j := 1; j < len(ring); j++ {
				p, q := ring[j-1], ring[j]
				if (p[1] > y) != (q[1] > y) {
					xs = append(xs, p[0]+(y-p[1])/(q[1]-p[1])*(q[0]-p[0]))
				}
			}
		}
		slices.Sort(xs)
		for j := 0; j+1 < len(xs); j += 2 {
			if w := xs[j+1] - xs[j]; w > width {
				best, width = orb.Point{(xs[j] + xs[j+1]) / 2, y}, w
			}
		}
	}
	return best
}
