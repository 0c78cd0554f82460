package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"sarhad/geo"
	"sarhad/incident"
)

func mustUnits(t testing.TB) []geo.Unit {
	t.Helper()
	us, err := Units()
	if err != nil {
		t.Fatal(err)
	}
	return us
}

func unitsByID(t testing.TB) map[string]geo.Unit {
	t.Helper()
	m := map[string]geo.Unit{}
	for _, u := range mustUnits(t) {
		m[u.ID] = u
	}
	return m
}

func TestUnitsAreComplete(t *testing.T) {
	count := map[string]int{}
	seen := map[string]bool{}
	for _, u := range mustUnits(t) {
		if seen[u.ID] {
			t.Errorf("%s occurs twice", u.ID)
		}
		seen[u.ID] = true
		key := u.Kind
		if u.Kind == "district" {
			key = u.Province
		}
		count[key]++
		if u.Name == "" || u.Province == "" || u.ISO == "" || u.AreaKM2 <= 0 {
			t.Errorf("%s lacks a name, province, ISO code or area", u.ID)
		}
		if want := strings.ToUpper(u.ID[:2]); u.Country != want {
			t.Errorf("%s: country %q, want %q", u.ID, u.Country, want)
		}
		if u.Country == "PK" && u.NameUR == "" || u.Country == "AF" && (u.NamePS == "" || u.NameFA == "") {
			t.Errorf("%s lacks its local names", u.ID)
		}
	}
	want := map[string]int{"Khyber Pakhtunkhwa": 36, "Balochistan": 36, "province": 34, "context": 5}
	for key, n := range want {
		if count[key] != n {
			t.Errorf("%s: %d units, want %d", key, count[key], n)
		}
	}
	if len(seen) != 111 {
		t.Errorf("%d units, want 111", len(seen))
	}
}

func TestUnitGeometry(t *testing.T) {
	for _, u := range mustUnits(t) {
		if !planar.MultiPolygonContains(u.Geometry, u.Label) {
			t.Errorf("%s: label point %v lies outside", u.ID, u.Label)
		}
		for _, polygon := range u.Geometry {
			for i, ring := range polygon {
				if len(ring) < 4 || !ring.Closed() {
					t.Fatalf("%s: a ring of %d points is not closed", u.ID, len(ring))
				}
				want := orb.CCW
				if i > 0 {
					want = orb.CW
				}
				if ring.Orientation() != want {
					t.Errorf("%s: ring %d turns the wrong way", u.ID, i)
				}
				for _, p := range ring {
					if p[0] < 60 || p[0] > 78 || p[1] < 23 || p[1] > 39 {
						t.Fatalf("%s: %v lies outside the region: latitude and longitude swapped?", u.ID, p)
					}
				}
			}
		}
	}
}

// All exterior rings turn counterclockwise, so an edge shared by two neighbours
// is walked once each way. An edge walked twice the same way means that two
// units lie on the same side of it, which is an overlap.
func TestUnitsShareEdges(t *testing.T) {
	walked := map[[2]orb.Point]string{}
	for _, u := range mustUnits(t) {
		for _, polygon := range u.Geometry {
			for _, ring := range polygon {
				for i := 1; i < len(ring); i++ {
					edge := [2]orb.Point{ring[i-1], ring[i]}
					if other, ok := walked[edge]; ok {
						t.Fatalf("%s and %s overlap at %v", other, u.ID, edge)
					}
					walked[edge] = u.ID
				}
			}
		}
	}
	border, err := Border()
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(border); i++ {
		left, right := walked[[2]orb.Point{border[i-1], border[i]}], walked[[2]orb.Point{border[i], border[i-1]}]
		if !strings.HasPrefix(left, "af-") || !strings.HasPrefix(right, "pk-") {
			t.Fatalf("border edge %d has %q on its left and %q on its right", i, left, right)
		}
	}
}

// A grid of about 11 km over the region: no point has two units, and no point
// whose four neighbours have units is in a gap.
func TestUnitsCoverWithoutOverlap(t *testing.T) {
	const step, west, south, cols, rows = 0.1, 60.513, 23.617, 180, 160
	us := mustUnits(t)
	bounds := make([]orb.Bound, len(us))
	for i, u := range us {
		bounds[i] = u.Geometry.Bound()
	}
	var at [rows][cols]bool
	for y := range rows {
		for x := range cols {
			p := orb.Point{west + step*float64(x), south + step*float64(y)}
			var in []string
			for i, u := range us {
				if bounds[i].Contains(p) && planar.MultiPolygonContains(u.Geometry, p) {
					in = append(in, u.ID)
				}
			}
			if len(in) > 1 {
				t.Errorf("%v lies in %v", p, in)
			}
			at[y][x] = len(in) > 0
		}
	}
	for y := 1; y < rows-1; y++ {
		for x := 1; x < cols-1; x++ {
			if !at[y][x] && at[y-1][x] && at[y+1][x] && at[y][x-1] && at[y][x+1] {
				t.Errorf("gap at %v, %v", west+step*float64(x), south+step*float64(y))
			}
		}
	}
}

func TestBorder(t *testing.T) {
	fine, err := Border()
	if err != nil {
		t.Fatal(err)
	}
	coarse, err := BorderCoarse()
	if err != nil {
		t.Fatal(err)
	}
	if km := lengthKM(fine); km < 2600 || km > 2700 {
		t.Errorf("the border is %.0f km long, want about 2,660", km)
	}
	if len(coarse)*5 > len(fine) {
		t.Errorf("the coarse line has %d points, the fine one %d", len(coarse), len(fine))
	}
	if fine[0] != coarse[0] || fine[len(fine)-1] != coarse[len(coarse)-1] {
		t.Error("the two lines do not share their ends")
	}
	if fine[0][0] > fine[len(fine)-1][0] {
		t.Error("the border does not run from Iran to the Wakhan")
	}
}

func lengthKM(line orb.LineString) float64 {
	const earthKM, rad = 6371.0088, math.Pi / 180
	var sum float64
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		h := math.Pow(math.Sin((b[1]-a[1])*rad/2), 2) +
			math.Cos(a[1]*rad)*math.Cos(b[1]*rad)*math.Pow(math.Sin((b[0]-a[0])*rad/2), 2)
		sum += 2 * earthKM * math.Asin(math.Sqrt(h))
	}
	return sum
}

func TestCrossings(t *testing.T) {
	cs, err := Crossings()
	if err != nil {
		t.Fatal(err)
	}
	if len(cs) != 15 {
		t.Errorf("%d crossings, want 15", len(cs))
	}
	border, err := Border()
	if err != nil {
		t.Fatal(err)
	}
	pk, af := map[string]bool{}, map[string]bool{}
	for _, u := range mustUnits(t) {
		map[string]map[string]bool{"PK": pk, "AF": af}[u.Country][u.Name] = true
	}
	for _, c := range cs {
		if !pk[c.PKDistrict] || !af[c.AFProvince] {
			t.Errorf("%s: unknown unit %q or %q", c.Name, c.PKDistrict, c.AFProvince)
		}
		if c.AccuracyKM <= 0 {
			t.Errorf("%s has no accuracy", c.Name)
		}
		// A degree is at most 111.2 km; half a kilometre is left for rounding.
		if km := planar.DistanceFrom(border, c.Point) * 111.2; km > c.AccuracyKM+0.5 {
			t.Errorf("%s lies %.1f km from the border, more than its accuracy of %.1f km", c.Name, km, c.AccuracyKM)
		}
	}
}

func TestAmbiguities(t *testing.T) {
	as, err := Ambiguities()
	if err != nil {
		t.Fatal(err)
	}
	units := unitsByID(t)
	byName := map[string]geo.Ambiguity{}
	for _, a := range as {
		for _, n := range a.Names {
			byName[n] = a
		}
		for _, id := range a.Candidates {
			if _, ok := units[id]; !ok {
				t.Errorf("%v: unknown unit %q", a.Names, id)
			}
		}
		if a.Default != "" && !slices.Contains(a.Candidates, a.Default) {
			t.Errorf("%v: default %q is not a candidate", a.Names, a.Default)
		}
	}
	if a := byName["Angur Ada"]; len(a.Candidates) != 2 || a.Default != "" {
		t.Errorf("Angur Ada: %+v, want two candidates and no default", a)
	}
	if a, ok := byName["Makran"]; !ok || len(a.Candidates) != 0 {
		t.Errorf("Makran: %+v, want no candidate", a)
	}
}

func TestPeriods(t *testing.T) {
	ps, err := Periods()
	if err != nil {
		t.Fatal(err)
	}
	if len(ps) != 4 {
		t.Errorf("%d periods, want 4", len(ps))
	}
	for i, p := range ps {
		if p.Kind != "ceasefire" && p.Kind != "talks" {
			t.Errorf("%s: kind %q", p.ID, p.Kind)
		}
		if p.ID == "" || p.Name == "" || len(p.Parties) < 2 || len(p.Sources) == 0 {
			t.Errorf("period %d lacks an id, name, two parties or a source", i)
		}
		if p.HasEnd && p.End < p.Start || i > 0 && p.Start < ps[i-1].Start {
			t.Errorf("%s is out of order", p.ID)
		}
	}
}

type demoProperties struct {
	SourceID          string   `json:"source_id"`
	Start             string   `json:"start_date"`
	End               string   `json:"end_date"`
	TimePrecision     string   `json:"time_precision"`
	EventType         *string  `json:"event_type"`
	SubEventType      *string  `json:"sub_event_type"`
	EventClass        string   `json:"event_class"`
	Actor1            *string  `json:"actor1"`
	Actor2            *string  `json:"actor2"`
	AssocActors       []string `json:"assoc_actors"`
	Low               *int     `json:"fatalities_low"`
	Best              *int     `json:"fatalities_best"`
	High              *int     `json:"fatalities_high"`
	Country           *string  `json:"country"`
	Province          *string  `json:"province"`
	UnitID            *string  `json:"unit_id"`
	LocationName      *string  `json:"location_name"`
	LocationText      *string  `json:"location_text"`
	LocationPrecision string   `json:"location_precision"`
	PlaceKind         string   `json:"place_kind"`
	PlaceUnits        []string `json:"place_units"`
	Candidates        []string `json:"candidates"`
	Verification      string   `json:"verification"`
	Summary           string   `json:"summary"`
	Claims            []struct {
		Quantity     string  `json:"quantity"`
		About        string  `json:"about"`
		Low          *int    `json:"low"`
		Best         *int    `json:"best"`
		High         *int    `json:"high"`
		Qualifier    *string `json:"qualifier"`
		Claimant     string  `json:"claimant"`
		ClaimantRole string  `json:"claimant_role"`
		Source       int     `json:"source"`
		Quote        *string `json:"quote"`
		Language     *string `json:"language"`
	} `json:"claims"`
	Sources []struct {
		Publisher *string `json:"publisher"`
		Title     string  `json:"title"`
		URL       *string `json:"url"`
		Date      *string `json:"date"`
		Language  *string `json:"language"`
		IsParty   bool    `json:"is_party"`
	} `json:"sources"`
}

type demoFeature struct {
	Geometry *struct {
		Type        string    `json:"type"`
		Coordinates orb.Point `json:"coordinates"`
	} `json:"geometry"`
	Properties demoProperties `json:"properties"`
}

func demo(t *testing.T) map[string]demoFeature {
	t.Helper()
	var fc struct {
		Type, Name, Description string
		Features                []struct {
			Type       string          `json:"type"`
			Geometry   json.RawMessage `json:"geometry"`
			Properties json.RawMessage `json:"properties"`
		} `json:"features"`
	}
	if err := json.Unmarshal(Demo(), &fc); err != nil {
		t.Fatal(err)
	}
	out := map[string]demoFeature{}
	for i, f := range fc.Features {
		var d demoFeature
		// A misspelt property would be dropped by the importer without a word.
		dec := json.NewDecoder(bytes.NewReader(f.Properties))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&d.Properties); err != nil {
			t.Fatalf("demo feature %d: %v", i, err)
		}
		if err := json.Unmarshal(f.Geometry, &d.Geometry); err != nil {
			t.Fatalf("demo feature %d: %v", i, err)
		}
		out[d.Properties.SourceID] = d
	}
	if len(out) != len(fc.Features) {
		t.Errorf("%d features with %d source ids", len(fc.Features), len(out))
	}
	return out
}

func TestDemoUsesTheVocabulary(t *testing.T) {
	units := unitsByID(t)
	for id, f := range demo(t) {
		p := f.Properties
		start, err := incident.ParseDay(p.Start)
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
		end, err := incident.ParseDay(p.End)
		if err != nil || end < start {
			t.Errorf("%s: end %s before start %s (%v)", id, p.End, p.Start, err)
		}
		if !slices.Contains(incident.TimePrecisions, incident.TimePrecision(p.TimePrecision)) {
			t.Errorf("%s: time_precision %q", id, p.TimePrecision)
		}
		if !slices.Contains(incident.LocationPrecisions, incident.LocationPrecision(p.LocationPrecision)) {
			t.Errorf("%s: location_precision %q", id, p.LocationPrecision)
		}
		if p.EventType != nil {
			terms, ok := incident.SubEventTypes[incident.EventType(*p.EventType)]
			if !ok || p.SubEventType != nil && !slices.Contains(terms, incident.SubEventType(*p.SubEventType)) {
				t.Errorf("%s: event type %s with this sub-event type is not ACLED's", id, *p.EventType)
			}
		} else if p.SubEventType != nil {
			t.Errorf("%s: a sub-event type without event type", id)
		}
		if !slices.Contains(strings.Fields("kinetic demonstration strategic diplomatic closure context"), p.EventClass) {
			t.Errorf("%s: event_class %q", id, p.EventClass)
		}
		if !slices.Contains(strings.Fields("unverified corroborated confirmed disputed refuted unverifiable"), p.Verification) {
			t.Errorf("%s: verification %q", id, p.Verification)
		}
		if !slices.Contains(strings.Fields("border country units point none"), p.PlaceKind) {
			t.Errorf("%s: place_kind %q", id, p.PlaceKind)
		}
		for _, u := range slices.Concat(p.PlaceUnits, p.Candidates) {
			if _, ok := units[u]; !ok {
				t.Errorf("%s: unknown unit %q", id, u)
			}
		}
		if len(p.Sources) == 0 {
			t.Errorf("%s has no source", id)
		}
		for _, c := range p.Claims {
			if !slices.Contains(strings.Fields("party official monitor press"), c.ClaimantRole) || c.Source < 0 || c.Source >= len(p.Sources) {
				t.Errorf("%s: claim of %s as %q from source %d", id, c.Claimant, c.ClaimantRole, c.Source)
			}
			if (c.Quote == nil) != (c.Language == nil) {
				t.Errorf("%s: a quote and its language go together", id)
			}
		}
	}
}

// No pin is invented: a point stands only where a settlement is known, and it
// lies in the unit that the feature names.
func TestDemoPinsAreKnownPlaces(t *testing.T) {
	units := unitsByID(t)
	var pins []string
	for id, f := range demo(t) {
		p := f.Properties
		if (f.Geometry != nil) != (p.PlaceKind == "point") {
			t.Errorf("%s: place_kind %q and geometry disagree", id, p.PlaceKind)
		}
		isPoint := incident.LocationPrecision(p.LocationPrecision).IsPoint()
		if (f.Geometry != nil) != isPoint {
			t.Errorf("%s: precision %q and geometry disagree", id, p.LocationPrecision)
		}
		if f.Geometry != nil {
			pins = append(pins, id)
			if u := units[*p.UnitID]; !planar.MultiPolygonContains(u.Geometry, f.Geometry.Coordinates) {
				t.Errorf("%s: its point lies outside %s", id, *p.UnitID)
			}
		}
		if len(p.Candidates) > 0 && p.UnitID != nil {
			t.Errorf("%s is ambiguous and has a unit", id)
		}
		if p.UnitID != nil {
			if u := units[*p.UnitID]; p.Country == nil || u.Country != *p.Country || p.Province == nil || u.Province != *p.Province {
				t.Errorf("%s: country and province are not those of %s", id, *p.UnitID)
			}
		}
	}
	if !slices.Equal(pins, []string{"demo-01"}) {
		t.Errorf("pins: %v, want Kabul alone", pins)
	}
}

// The figures of one side are claims, never the number of killed.
func TestDemoKeepsClaimsApart(t *testing.T) {
	d := demo(t)
	for id, f := range d {
		if p := f.Properties; p.Low != nil || p.Best != nil || p.High != nil {
			t.Errorf("%s: a figure of killed that no source independent of the sides gives", id)
		}
	}
	p := d["demo-03"].Properties
	if p.Verification != "disputed" || p.PlaceKind != "border" || p.Country != nil {
		t.Errorf("demo-03: %s, %s, %v", p.Verification, p.PlaceKind, p.Country)
	}
	claimants := map[string]int{}
	for _, c := range p.Claims {
		claimants[c.Claimant]++
	}
	if claimants["Pakistan's military"] != 2 || claimants["Afghan Taliban spokesman"] != 3 {
		t.Errorf("demo-03: claims by %v", claimants)
	}
}

func TestDemoWordsAreNeutral(t *testing.T) {
	loaded := regexp.MustCompile(`(?i)militant|terroris|martyr|regime\b`)
	for id, f := range demo(t) {
		p := f.Properties
		for _, c := range p.Claims {
			if loaded.MatchString(c.About + c.Quantity) {
				t.Errorf("%s: %q", id, c.About)
			}
			if c.Quote != nil && *c.Quote != "over 200" && *c.Quote != "dozens" {
				t.Errorf("%s: no source gives the words %q", id, *c.Quote)
			}
		}
		if loaded.MatchString(p.Summary) {
			t.Errorf("%s: %q", id, p.Summary)
		}
	}
}

// sourceRow is a row of the table in SOURCES.md: file first, hash last.
var sourceRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|.*\\| `([0-9a-f]*)` \\|$")

func TestSourcesTellTheTruth(t *testing.T) {
	doc, err := os.ReadFile("SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range sourceRow.FindAllStringSubmatch(string(doc), -1) {
		file, want := m[1], m[2]
		listed[filepath.Base(file)] = true
		data, err := os.ReadFile(filepath.FromSlash(file))
		if err != nil {
			t.Errorf("listed in SOURCES.md: %v", err)
			continue
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s: sha256 is %x, SOURCES.md says %s; run build/hashes.py", file, sum, want)
		}
	}
	for _, dir := range []string{".", filepath.FromSlash("../../frontend/src/space/data")} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			ext := filepath.Ext(e.Name())
			if e.IsDir() || ext == ".go" || ext == ".md" || ext == ".ts" {
				continue
			}
			if !listed[e.Name()] {
				t.Errorf("%s in %s is not listed in SOURCES.md", e.Name(), dir)
			}
		}
	}
}

func TestBundleIsSmall(t *testing.T) {
	const limit = 3 << 20
	total := 0
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		if _, err := w.Write(mustRead(path)); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		t.Logf("%-16s %7d bytes gzipped", path, buf.Len())
		total += buf.Len()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > limit {
		t.Errorf("the embedded data are %d bytes gzipped, limit %d", total, limit)
	}
}

// Parsing happens in every start of the program: tens of milliseconds at most.
func BenchmarkParseUnits(b *testing.B) {
	for b.Loop() {
		if _, err := parseUnits(); err != nil {
			b.Fatal(err)
		}
	}
}
