package api

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/bundle"
	"sarhad/geo"
	"sarhad/incident"
)

// The place of an incident is a geometry of what is known: the tehsil, today's units of a former one.
func TestPlaceGeometry(t *testing.T) {
	g := testGeocoderOnce()
	p := newPlaces(testUnits, g.Subunits(), nil, nil)
	for name, c := range map[string]struct {
		in   incident.Incident
		want string // kind and number of polygons
	}{
		"tehsil":              {incident.Incident{UnitID: "pk-kp-khyber", Subunit: "pk-kp-khyber-landi-kotal", Place: incident.Place{Kind: incident.PlaceSubunit}}, "MultiPolygon 1"},
		"tehsil not here now": {incident.Incident{UnitID: "pk-kp-khyber", Subunit: "pk-kp-khyber-bara", Place: incident.Place{Kind: incident.PlaceSubunit}}, "MultiPolygon 1"},
		"nowhere":             {incident.Incident{UnitID: "pk-xx", Subunit: "pk-xx-y", Place: incident.Place{Kind: incident.PlaceSubunit}}, "null"},
		"former unit":         {incident.Incident{UnitID: "pk-kp-upper-agency", Place: incident.Place{Kind: incident.PlaceUnits, Units: []string{"pk-kp-kurram", "pk-kp-khyber"}}}, "MultiPolygon 2"},
	} {
		b := p.appendPlace(nil, &c.in)
		got := string(b)
		if got != "null" {
			var m struct {
				Type        string
				Coordinates [][][][2]float64
			}
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			got = fmt.Sprint(m.Type, " ", len(m.Coordinates))
			// The tehsil is half as wide as its unit, which is how they are told apart.
			if wide := m.Coordinates[0][0][1][0] - m.Coordinates[0][0][0][0]; (wide == 0.5) != (name == "tehsil") {
				t.Errorf("%s: %v", name, m.Coordinates)
			}
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestNearestCrossing(t *testing.T) {
	p := newPlaces(nil, nil, nil, testCrossings)
	for _, c := range []struct {
		in   incident.Incident
		want string
	}{
		{incident.Incident{Point: orb.Point{71.09, 34.12}, HasPoint: true, Place: incident.Place{Kind: incident.PlacePoint}}, `"crossing":"Torkham","crossing_km":0,`},
		{incident.Incident{Point: orb.Point{69.3, 32.6}, HasPoint: true, Place: incident.Place{Kind: incident.PlaceCircle}}, `"crossing":"Angoor Adda","crossing_km":11.1,`},
		{incident.Incident{Point: orb.Point{71.09, 34.12}, HasPoint: true, Place: incident.Place{Kind: incident.PlaceUnit}}, `"crossing":null,"crossing_km":null,`},
		{incident.Incident{Place: incident.Place{Kind: incident.PlacePoint}}, `"crossing":null,"crossing_km":null,`},
	} {
		if got := string(appendFeature(nil, &c.in, p)); !strings.Contains(got, c.want) {
			t.Errorf("%+v: no %s in %s", c.in.Place, c.want, got)
		}
	}
	alone := string(appendFeature(nil, &incident.Incident{Point: orb.Point{71, 34}, HasPoint: true, Place: incident.Place{Kind: incident.PlacePoint}}, newPlaces(nil, nil, nil, nil)))
	if !strings.Contains(alone, `"crossing":null`) {
		t.Error(alone)
	}
}

// Former units have numbers behind those of today; a province that was is no unit.
func TestColumnsKnowFormerUnits(t *testing.T) {
	spec := newColumnSpec(testUnits, testFormers)
	i, ok := spec.unit["pk-kp-upper-agency"]
	if !ok || i != len(testUnits) || spec.units[i] != "pk-kp-upper-agency" || slices.Contains(spec.units, "pk-fata") {
		t.Errorf("%v %v", i, spec.units)
	}
	w := newColumnWriter(&spec, 0, nil, 1)
	w.add(&incident.Incident{UnitID: "pk-kp-upper-agency", Place: incident.Place{Kind: incident.PlaceSubunit}})
	if got, want := string(w.flush(nil)[8:]), fmt.Sprintf(`"wheres":[[%d,null]],"kinds":[[null,null,null,%d,2,null,0]]`, i, len(incident.LocationPrecisions)-1); !strings.Contains(got, want) {
		t.Errorf("%q, want %s", got, want)
	}
}

// A former province of Afghanistan was a unit, and is listed for its time instead of what came of it; a province above
// the units is not.
func TestUnitsOfATime(t *testing.T) {
	g := pastGeocoder(t)
	col := unitCollection(testUnits, func() *geo.Geocoder { return g })
	for _, c := range []struct{ day, want string }{
		{"1999-12-31", "af-pka pk-kp-great-agency af-old pk-kp-part"},
		{"2004-12-31", "pk-ba-chagai af-pka pk-kp-agency af-old pk-kp-part"},
		{"2005-01-01", "pk-ba-chagai af-hel af-pka pk-kp-agency"},
		{"2010-01-01", "pk-kp-kurram pk-kp-khyber pk-ba-chagai af-hel af-pka"},
	} {
		when := &window{day(c.day), day(c.day)}
		var got []string
		for i := range col.features {
			if !col.features[i].matches(nil, when) {
				continue
			}
			for id, at := range col.index {
				if at == i {
					got = append(got, id)
				}
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.day, got, c.want)
		}
	}
	spec := newColumnSpec(testUnits, pastFormers)
	if !slices.Contains(spec.units, "af-old") || slices.Contains(spec.units, "pk-areas") {
		t.Errorf("the columns name %v", spec.units)
	}
}

// nearestOfAll is the naive twin of nearest.
func nearestOfAll(p *places, from orb.Point) int {
	perLon := math.Cos(from[1] * math.Pi / 180)
	best, least := -1, math.Inf(1)
	for i := range p.crossings {
		c := p.crossings[i].Point
		x, y := (c[0]-from[0])*perLon, c[1]-from[1]
		if d := x*x + y*y; d < least {
			best, least = i, d
		}
	}
	return best
}

func bundledPlaces(t testing.TB) *places {
	t.Helper()
	crossings, err := bundle.Crossings()
	if err != nil {
		t.Fatal(err)
	}
	// Two at one point: the first counts.
	return newPlaces(nil, nil, nil, append(crossings, crossings[0]))
}

func TestNearestCrossingTwin(t *testing.T) {
	p := bundledPlaces(t)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	check := func(at orb.Point) {
		in := incident.Incident{Point: at, HasPoint: true, Place: incident.Place{Kind: incident.PlacePoint}}
		if got, want := p.nearest(&in), nearestOfAll(p, at); got != want {
			t.Fatalf("nearest to %v is %d, want %d", at, got, want)
		}
	}
	for range 200_000 {
		check(orb.Point{57 + 25*random.Float64(), 21 + 20*random.Float64()})
	}
	for range 20_000 { // the edges of cells
		check(orb.Point{gridWest + gridCell*float64(random.IntN(180)), gridSouth + gridCell*float64(random.IntN(140))})
	}
	for _, c := range p.crossings {
		check(c.Point)
	}
	for _, at := range []orb.Point{{0, 0}, {-180, -90}, {180, 90}, {math.NaN(), 30}, {70, math.Inf(1)}} {
		check(at)
	}
}

func BenchmarkNearestCrossing(b *testing.B) {
	p := bundledPlaces(b)
	in := incident.Incident{HasPoint: true, Place: incident.Place{Kind: incident.PlacePoint}}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	points := make([]orb.Point, 4096)
	for i := range points {
		points[i] = orb.Point{62 + 11*random.Float64(), 27 + 9*random.Float64()}
	}
	sum := 0
	b.Run("grid", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			in.Point = points[i%len(points)]
			sum += p.nearest(&in)
		}
	})
	b.Run("naive", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			sum += nearestOfAll(p, points[i%len(points)])
		}
	})
	if sum < 0 {
		b.Error("no crossing was found")
	}
}

// appendFeature appends an incident as a GeoJSON feature with all properties,
// up to but without the last brace.
func appendFeature(b []byte, in *incident.Incident, p *places) []byte {
	return newEncoder(p).append(b, in)
}
