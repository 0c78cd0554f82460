package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"sarhad/geo"
)

var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

func mustSubunits(t testing.TB) []geo.Subunit {
	t.Helper()
	ss, err := Subunits()
	if err != nil {
		t.Fatal(err)
	}
	return ss
}

func subunitsByID(t testing.TB) map[string]geo.Subunit {
	t.Helper()
	m := map[string]geo.Subunit{}
	for _, s := range mustSubunits(t) {
		m[s.ID] = s
	}
	return m
}

func TestSubunitsAreComplete(t *testing.T) {
	units := unitsByID(t)
	seen, kinds, filled := map[string]bool{}, map[string]int{}, map[string]bool{}
	for _, s := range mustSubunits(t) {
		if seen[s.ID] {
			t.Errorf("%s occurs twice", s.ID)
		}
		seen[s.ID] = true
		kinds[s.Kind]++
		filled[s.Unit] = true
		if !slug.MatchString(s.ID) || !strings.HasPrefix(s.ID, s.Unit+"-") {
			t.Errorf("%s of %s is no slug of its unit", s.ID, s.Unit)
		}
		u, ok := units[s.Unit]
		if !ok {
			t.Errorf("%s: unknown unit %q", s.ID, s.Unit)
		}
		if want := map[string]string{"PK": "tehsil", "AF": "district"}[u.Country]; s.Kind != want {
			t.Errorf("%s is a %s, want a %s", s.ID, s.Kind, want)
		}
		if s.Name == "" || strings.ToUpper(s.Name) == s.Name || strings.TrimSpace(s.Name) != s.Name || strings.ContainsAny(s.Name, "_\n") ||
			strings.Contains(s.Name, "  ") || strings.HasSuffix(s.Name, " Sub") {
			t.Errorf("%s: the name %q is not one to be shown", s.ID, s.Name)
		}
	}
	// 252 polygons of tehsils, two of which are parts of Jhal Jhao.
	if kinds["tehsil"] != 251 || kinds["district"] != 398 {
		t.Errorf("%v, want 251 tehsils and 398 districts", kinds)
	}
	for _, u := range mustUnits(t) {
		if !filled[u.ID] && u.Kind != "context" {
			t.Errorf("%s has no subunits", u.ID)
		}
	}
}

// The names that the source has under the wrong polygon, spells oddly or gave up
// with the Frontier Regions.
func TestSubunitNames(t *testing.T) {
	byID := subunitsByID(t)
	for id, want := range map[string][2]string{
		"pk-ba-nasirabad-dera-murad-jamali": {"Dera Murad Jamali", "DERA_MURAD_JAMALI"},
		"pk-ba-nushki-dak":                  {"Dak", "DAK_"},
		"pk-ba-quetta-quetta-city":          {"Quetta City", "QUETTA CITY"},
		"pk-kp-lower-dir-samarbagh-barwa":   {"Samarbagh (Barwa)", "SAMARBAGH(BARWA)"},
		"pk-kp-kohat-darra-adam-khel":       {"Darra Adam Khel", "FR KOHAT"},
		"pk-kp-karak-takht-e-nasrati":       {"Takht-e-Nasrati", "TAKHT E NASRATI"},
		"pk-kp-peshawar-peshawar-iv":        {"Peshawar IV", ""},
		"af-hel-nawa-i-barak-zayi":          {"Nawa-i-Barak Zayi", "Nawa-I- Barak Zayi"},
		"af-nan-muhmand-dara":               {"Muhmand Dara", ""},
		"af-pan-khenj-hese-awal":            {"Khenj (Hese Awal)", "Khenj (Hese- Awal)"},
	} {
		s, ok := byID[id]
		if !ok {
			t.Errorf("no subunit %s", id)
			continue
		}
		if s.Name != want[0] {
			t.Errorf("%s is called %q, want %q", id, s.Name, want[0])
		}
		if want[1] != "" && !slices.ContainsFunc(s.Names, func(n geo.Name) bool { return n.Text == want[1] && n.Source == "geoBoundaries" }) {
			t.Errorf("%s lacks the source's own name %q: %v", id, want[1], s.Names)
		}
	}
	harnai, musaKhel := orb.Point{67.93824, 30.10077}, orb.Point{69.82208, 30.85944}
	if !planar.MultiPolygonContains(byID["pk-ba-harnai-harnai"].Geometry, harnai) {
		t.Error("the town of Harnai does not lie in its tehsil")
	}
	if !planar.MultiPolygonContains(byID["pk-ba-musakhel-musa-khel"].Geometry, musaKhel) {
		t.Error("the town of Musa Khel does not lie in its tehsil")
	}
}

// A subunit lies in its unit, no two overlap, and together they fill it. Shares
// are found on a grid of points, 25 to a side of the box of each subunit.
func TestSubunitsFillTheirUnits(t *testing.T) {
	units, subunits := mustUnits(t), mustSubunits(t)
	index, err := geo.NewIndex(units)
	if err != nil {
		t.Fatal(err)
	}
	asUnits := make([]geo.Unit, len(subunits))
	for i, s := range subunits {
		asUnits[i] = geo.Unit{ID: s.ID, Geometry: s.Geometry}
	}
	below, err := geo.NewIndex(asUnits)
	if err != nil {
		t.Fatal(err)
	}
	area := map[string]float64{}
	for i, s := range subunits {
		if !planar.MultiPolygonContains(s.Geometry, s.Label) {
			t.Errorf("the label of %s lies outside it", s.ID)
		}
		if u := index.Locate(s.Label); u < 0 || units[u].ID != s.Unit {
			t.Errorf("the label of %s lies outside %s", s.ID, s.Unit)
		}
		for _, p := range s.Geometry {
			for k, r := range p {
				if !r.Closed() || (r.Orientation() == orb.CCW) != (k == 0) {
					t.Errorf("%s has a ring that is open or turns the wrong way", s.ID)
				}
			}
		}
		area[s.Unit] += planar.Area(s.Geometry)
		box := s.Geometry.Bound()
		in, own := 0, 0
		const side = 25
		for x := range side {
			for y := range side {
				p := orb.Point{
					box.Min[0] + (float64(x)+0.5)/side*(box.Max[0]-box.Min[0]),
					box.Min[1] + (float64(y)+0.5)/side*(box.Max[1]-box.Min[1]),
				}
				if below.Locate(p) != i {
					continue
				}
				in++
				if u := index.Locate(p); u >= 0 && units[u].ID == s.Unit {
					own++
				}
			}
		}
		if in == 0 || float64(own) < 0.98*float64(in) {
			t.Errorf("%s: %d of %d points lie in %s", s.ID, own, in, s.Unit)
		}
	}
	for _, u := range units {
		if u.Kind == "context" {
			continue
		}
		if share := area[u.ID] / planar.Area(u.Geometry); math.Abs(share-1) > 0.01 {
			t.Errorf("the subunits of %s are %.4f of its area", u.ID, share)
		}
	}
}

// drawnElsewhere are places that our polygons put into another unit than they
// belong to; see the known limits in SOURCES.md.
var drawnElsewhere = []string{"gn-1168288"}

func TestPlaces(t *testing.T) {
	places, err := Places()
	if err != nil {
		t.Fatal(err)
	}
	units, subunits := unitsByID(t), subunitsByID(t)
	seen, bySource := map[string]bool{}, map[string]int{}
	for _, p := range places {
		if seen[p.ID] {
			t.Errorf("%s occurs twice", p.ID)
		}
		seen[p.ID] = true
		bySource[p.Source]++
		for _, u := range p.Units {
			if _, ok := units[u]; !ok {
				t.Errorf("%s %s: unknown unit %q", p.ID, p.Name, u)
			}
		}
		if s, ok := subunits[p.Subunit]; p.Subunit != "" && (!ok || !slices.Contains(p.Units, s.Unit)) {
			t.Errorf("%s %s: the subunit %q is none of its units", p.ID, p.Name, p.Subunit)
		}
		type text struct{ lang, text string }
		texts := map[text]bool{{"en", p.Name}: true}
		for _, n := range p.Names {
			if texts[text{n.Lang, n.Text}] {
				t.Errorf("%s %s: the name %q occurs twice", p.ID, p.Name, n.Text)
			}
			texts[text{n.Lang, n.Text}] = true
		}
		if !p.HasPoint {
			if len(p.Units) == 0 {
				t.Errorf("%s %s has neither a point nor a unit", p.ID, p.Name)
			}
			continue
		}
		if p.AccuracyKM <= 0 {
			t.Errorf("%s %s has no accuracy", p.ID, p.Name)
		}
		for _, u := range p.Units {
			if km := outsideKM(units[u].Geometry, p.Point); km > 2 && !slices.Contains(drawnElsewhere, p.ID) {
				t.Errorf("%s %s lies %.1f km outside %s", p.ID, p.Name, km, u)
			}
		}
	}
	if bySource["GeoNames"] != 772 {
		t.Errorf("%d settlements of GeoNames, want 772", bySource["GeoNames"])
	}
}

// A town that GeoNames and our own list have is one place, with the names of both.
func TestPlacesAreJoined(t *testing.T) {
	known := []geo.Place{
		{ID: "gn-1", Name: "Miran Shah", Units: []string{"a"}, HasPoint: true, Names: []geo.Name{{Text: "Miram Shah", Lang: "en"}}},
		{ID: "gn-2", Name: "Twin", Units: []string{"a"}, HasPoint: true},
		{ID: "gn-3", Name: "Twin", Units: []string{"a"}, HasPoint: true},
	}
	others := []geo.Place{
		{ID: "loc-1", Name: "Miram Shah", Kind: "settlement", Units: []string{"a"}, Names: []geo.Name{{Text: "میران شاہ", Lang: "ur"}, {Text: "Miran Shah", Lang: "en"}}},
		{ID: "loc-2", Name: "Miran Shah", Kind: "settlement", Units: []string{"b"}},
		{ID: "loc-3", Name: "Miran Shah", Kind: "area", Units: []string{"a"}},
		{ID: "loc-4", Name: "Miran Shah", Kind: "settlement", Units: []string{"a", "b"}},
		{ID: "loc-5", Name: "Twin", Kind: "settlement", Units: []string{"a"}},
	}
	var ids []string
	got := joined(known, others)
	for _, p := range got {
		ids = append(ids, p.ID)
	}
	if want := []string{"gn-1", "gn-2", "gn-3", "loc-2", "loc-3", "loc-4", "loc-5"}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
	if want := []geo.Name{{Text: "Miram Shah", Lang: "en"}, {Text: "میران شاہ", Lang: "ur"}}; !slices.Equal(got[0].Names, want) {
		t.Errorf("Miran Shah is also called %v, want %v", got[0].Names, want)
	}
}

// outsideKM is how far a point lies outside a polygon, 0 within it; good to some percent.
func outsideKM(mp orb.MultiPolygon, p orb.Point) float64 {
	if planar.MultiPolygonContains(mp, p) {
		return 0
	}
	least := math.Inf(1)
	for _, polygon := range mp {
		for _, ring := range polygon {
			least = min(least, planar.DistanceFrom(orb.LineString(ring), p))
		}
	}
	return least * 111.2
}

// Names are in the script of their language, and what stands for another script
// or is a code was left out.
func TestNamesAreInTheScriptOfTheirLanguage(t *testing.T) {
	latin := regexp.MustCompile(`^[\p{Latin}\p{M}\p{N}\p{P}\p{Zs}]+$`)
	arabic := regexp.MustCompile(`^[\p{Arabic}\p{M}\p{P}\p{Zs}\x{200c}\p{N}]+$`)
	check := func(where string, names []geo.Name) {
		for _, n := range names {
			switch ok := latin.MatchString(n.Text); {
			case n.Lang == "en" && !ok, n.Lang != "en" && !arabic.MatchString(n.Text):
				t.Errorf("%s: %q is not in the script of %q", where, n.Text, n.Lang)
			case n.Source == "":
				t.Errorf("%s: %q has no source", where, n.Text)
			}
		}
	}
	places, err := Places()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]geo.Name{}
	for _, p := range places {
		names[p.ID] = p.Names
		if p.Source == "GeoNames" && !regexp.MustCompile(`^[A-Z][A-Za-z' -]+$`).MatchString(p.Name) {
			t.Errorf("%s: the name %q is not in plain English letters", p.ID, p.Name)
		}
		check(p.ID, p.Names)
	}
	has := func(id, lang, text string) bool {
		return slices.ContainsFunc(names[id], func(n geo.Name) bool { return n.Lang == lang && n.Text == text })
	}
	for _, want := range [][3]string{{"gn-1167528", "ur", "کوئٹہ"}, {"gn-1168197", "ps", "پېښور"}, {"gn-1162105", "en", "Fort Sandeman"}, {"gn-1138958", "", "کابل"}} {
		if !has(want[0], want[1], want[2]) {
			t.Errorf("%s lacks the name %q in %q: %v", want[0], want[2], want[1], names[want[0]])
		}
	}
	for _, junk := range []string{"KBL", "kabl", "ka bu er", "Кабул"} {
		if slices.ContainsFunc(names["gn-1138958"], func(n geo.Name) bool { return n.Text == junk }) {
			t.Errorf("Kabul is also called %q", junk)
		}
	}
	for _, s := range mustSubunits(t) {
		check(s.ID, s.Names)
	}
	crossings, err := Crossings()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range crossings {
		check(c.Name, c.Names)
		if len(c.Names) == 0 {
			t.Errorf("%s has no local name", c.Name)
		}
	}
}

func TestFormers(t *testing.T) {
	formers, err := Formers()
	if err != nil {
		t.Fatal(err)
	}
	if len(formers) == 0 {
		t.Fatal("no former units")
	}
	units, seen := unitsByID(t), map[string]bool{}
	for _, f := range formers {
		if _, ok := units[f.ID]; ok || seen[f.ID] || !slug.MatchString(f.ID) {
			t.Errorf("%q occurs twice, is a unit of today, or is no slug", f.ID)
		}
		seen[f.ID] = true
		if len(f.Units) == 0 {
			t.Errorf("%s covers no unit", f.ID)
		}
		for _, u := range f.Units {
			if got, ok := units[u]; !ok || got.Country != f.Country {
				t.Errorf("%s: no unit %q in %s", f.ID, u, f.Country)
			}
		}
		if _, ok := units[f.Now]; f.Now != "" && !ok {
			t.Errorf("%s: unknown unit %q", f.ID, f.Now)
		}
		if f.Dates.From != geo.NoDay && f.Dates.Until != geo.NoDay && f.Dates.From >= f.Dates.Until {
			t.Errorf("%s ends before it begins", f.ID)
		}
		if f.Source == "" || f.Name == "" {
			t.Errorf("%s has no name or no source", f.ID)
		}
	}
}

// The quick reader of features says what the general one says.
func TestFeaturesReadAsJSON(t *testing.T) {
	for _, name := range []string{"units.geojson", "subunits.geojson"} {
		var want struct {
			Features []struct {
				ID       string `json:"id"`
				Geometry struct {
					Coordinates orb.MultiPolygon `json:"coordinates"`
				} `json:"geometry"`
			} `json:"features"`
		}
		if err := json.Unmarshal(mustRead(name), &want); err != nil {
			t.Fatal(err)
		}
		n := 0
		err := features(name, func(f feature) error {
			got, err := f.multiPolygon()
			if err != nil {
				return err
			}
			if w := want.Features[n]; w.ID != f.ID || !got.Equal(w.Geometry.Coordinates) {
				t.Errorf("%s: feature %s is read differently", name, f.ID)
			}
			n++
			return nil
		})
		if err != nil || n != len(want.Features) {
			t.Errorf("%s: %d of %d features, %v", name, n, len(want.Features), err)
		}
	}
}

func TestBrokenCoordinatesAreAnError(t *testing.T) {
	whole := `{"type":"MultiPolygon","coordinates":[[[[1.5,-2],[3,4.25],[1.5,-2]]]]}}`
	if mp, err := (feature{geometry: []byte(whole)}).multiPolygon(); err != nil || fmt.Sprint(mp) != "[[[[1.5 -2] [3 4.25] [1.5 -2]]]]" {
		t.Fatalf("%v, %v", mp, err)
	}
	for i := range len(whole) - len("]}}") {
		if mp, err := (feature{geometry: []byte(whole[:i])}).multiPolygon(); err == nil {
			t.Errorf("%s is read as %v", whole[:i], mp)
		}
		if i < 36 {
			continue
		}
		odd := []byte(whole)
		odd[i] = 'x'
		if mp, err := (feature{geometry: odd}).multiPolygon(); err == nil {
			t.Errorf("%s is read as %v", odd, mp)
		}
	}
	long := bytes.Replace([]byte(whole), []byte("1.5"), []byte("1.5000000000000001"), 1)
	if _, err := (feature{geometry: long}).multiPolygon(); err == nil {
		t.Error("a number of 17 digits is read, perhaps not to its last digit")
	}
}

func TestSources(t *testing.T) {
	s, err := Sources()
	if err != nil {
		t.Fatal(err)
	}
	if s.Index == nil || s.Border == nil || len(s.Subunits) == 0 || len(s.Places) == 0 || len(s.Crossings) == 0 || len(s.Ambiguities) == 0 || len(s.Formers) == 0 {
		t.Errorf("a part is missing: %d subunits, %d places, %d crossings, %d ambiguities, %d former units",
			len(s.Subunits), len(s.Places), len(s.Crossings), len(s.Ambiguities), len(s.Formers))
	}
}

// Everything is read in every start of the program: tens of milliseconds at most.
func BenchmarkSources(b *testing.B) {
	for b.Loop() {
		us, err := parseUnits()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := geo.NewIndex(us); err != nil {
			b.Fatal(err)
		}
		lines, err := parseBorders()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := geo.NewBorder(lines.fine); err != nil {
			b.Fatal(err)
		}
		for _, parse := range []func() error{
			func() error { _, err := parseSubunits(); return err },
			func() error { _, err := parsePlaces(); return err },
			func() error { _, err := parseFormers(); return err },
			func() error { _, err := parseCrossings(); return err },
			func() error { _, err := parseAmbiguities(); return err },
		} {
			if err := parse(); err != nil {
				b.Fatal(err)
			}
		}
	}
}
