package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"

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
	spec, err := newColumnSpec(testUnits, testFormers)
	if err != nil {
		t.Fatal(err)
	}
	i, ok := spec.unit["pk-kp-upper-agency"]
	if !ok || int(i) != len(testUnits) || spec.units[i] != "pk-kp-upper-agency" || slices.Contains(spec.units, "pk-fata") {
		t.Errorf("%v %v", i, spec.units)
	}
	b := newBlock(1)
	b.add(&spec, nil, &incident.Incident{UnitID: "pk-kp-upper-agency", Place: incident.Place{Kind: incident.PlaceSubunit}})
	if b.unit[0] != i || incident.PlaceKinds[b.place[0]] != incident.PlaceSubunit {
		t.Errorf("unit %d, place %d", b.unit[0], b.place[0])
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
	spec, err := newColumnSpec(testUnits, pastFormers)
	if err != nil || !slices.Contains(spec.units, "af-old") || slices.Contains(spec.units, "pk-areas") {
		t.Errorf("the columns name %v, %v", spec.units, err)
	}
}
