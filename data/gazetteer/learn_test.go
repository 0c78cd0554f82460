package gazetteer

import (
	"fmt"
	"math"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

func geocoder(t testing.TB) *geo.Geocoder {
	t.Helper()
	x, err := geo.NewIndex(bundled(t))
	if err != nil {
		t.Fatal(err)
	}
	g, err := geo.NewGeocoder(geo.Sources{Index: x})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// at is an incident that teaches the name of a place in Kurram.
func at(name string, lon, lat float64, change ...func(*incident.Incident)) incident.Incident {
	in := incident.Incident{LocationName: name, Point: orb.Point{lon, lat}, HasPoint: true, LocationPrecision: incident.LocExact, UnitID: "pk-kp-kurram",
		Place: incident.Place{Kind: incident.PlacePoint}, Start: 14000, End: 14000}
	for _, c := range change {
		c(&in)
	}
	return in
}

func unit(id string) func(*incident.Incident) {
	return func(in *incident.Incident) { in.UnitID = id }
}

func warned(code string) func(*incident.Incident) {
	return func(in *incident.Incident) { in.Warnings = []string{code} }
}

func precision(p incident.LocationPrecision) func(*incident.Incident) {
	return func(in *incident.Incident) {
		in.LocationPrecision = p
		if p == incident.LocVicinity {
			in.Place = incident.Place{Kind: incident.PlaceCircle, RadiusM: 25_000}
		}
	}
}

func load(t testing.TB, st incident.Store, set incident.Dataset, list ...incident.Incident) {
	t.Helper()
	l, err := st.Begin(t.Context(), incident.Import{Dataset: set})
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].Dataset, list[i].SourceID = set.Name, fmt.Sprint(i)
		list[i].ID = incident.ID(set.Name, list[i].SourceID)
	}
	if _, err := l.Put(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
}

func TestLearn(t *testing.T) {
	st := storetest.NewNaive()
	defer st.Close()
	load(t, st, incident.Dataset{Name: "ged"},
		at("Spera Ragha town", 70.10, 33.80), at("spera ragha", 70.12, 33.80), at("Spera-Ragha", 70.10, 33.81), at("Spera Ragha", 70.3, 33.9, precision(incident.LocVicinity)),
		at("Two Units", 70.1, 33.8), at("Two Units", 62.9, 26.1, unit("pk-ba-kech")),
		at("Wide", 69.8, 33.8), at("Wide", 70.4, 33.8),
		at("Wide And Elsewhere", 69.8, 33.8), at("Wide And Elsewhere", 70.4, 33.8), at("Wide And Elsewhere", 62.9, 26.1, unit("pk-ba-kech")),
		at("Rough", 70.1, 33.8, precision(incident.LocVicinity)),
		at("Kurram", 70.1, 33.8), at("Kurram Agency", 70.1, 33.8), at("Balochistan", 70.1, 33.8), at("Pakistan", 70.1, 33.8),
		at("Doubt One", 70.1, 33.8, warned(geo.WarnDistrictMismatch)), at("Doubt Two", 70.1, 33.8, warned("learned_place")),
		at("Doubt Three", 70.1, 33.8, warned("label_coordinates")), at("Doubt Four", 70.1, 33.8, warned("shared_coordinates")),
		at("Harmless Doubt", 70.1, 33.8, warned("unknown_event_type")),
		at("Coarse", 70.1, 33.8, precision(incident.LocDistrict)),
		at("No Unit", 70.1, 33.8, unit("")), at("Gone Unit", 70.1, 33.8, unit("pk-kp-atlantis")),
		at("Made Up", 70.1, 33.8, func(in *incident.Incident) { in.Synthetic = true }),
		at("12 34", 70.1, 33.8), at("ab", 70.1, 33.8), at("Police station", 70.1, 33.8), at("Near the border", 70.1, 33.8),
		at("", 70.1, 33.8, func(in *incident.Incident) { in.LocationText = "Tari Mangal village" }),
		at("", 70.1, 33.8, func(in *incident.Incident) { in.LocationText = "a long story of a place" }),
	)
	load(t, st, incident.Dataset{Name: "other"}, at("Spera Ragha", 70.10, 33.80), at("Only Other", 70.1, 33.8))
	load(t, st, incident.Dataset{Name: "secret", AggregatesOnly: true}, at("Only Secret", 70.1, 33.8))

	g := geocoder(t)
	got, err := Learn(t.Context(), st, g, "other")
	if err != nil {
		t.Fatal(err)
	}
	type learned struct {
		name, unit, source string
		count              int
		accuracy           float64
	}
	var have []learned
	for _, p := range got {
		if p.Kind != "learned" || !p.HasPoint || len(p.Units) != 1 || p.ID == "" {
			t.Errorf("%+v", p)
		}
		have = append(have, learned{p.Name, p.Units[0], p.Source, p.Count, p.AccuracyKM})
	}
	want := []learned{
		{"Harmless Doubt", "pk-kp-kurram", "ged (1 incident)", 1, 1},
		{"Rough", "pk-kp-kurram", "ged (1 incident)", 1, 25},
		{"Spera Ragha", "pk-kp-kurram", "ged (3 incidents)", 3, 1.9},
		{"Tari Mangal", "pk-kp-kurram", "ged (1 incident)", 1, 1},
		{"Two Units", "pk-kp-kurram", "ged (1 incident)", 1, 1},
		{"Two Units", "pk-ba-kech", "ged (1 incident)", 1, 1},
	}
	for i := range max(len(want), len(have)) {
		if i >= len(want) || i >= len(have) || have[i] != want[i] {
			t.Fatalf("learned %+v\nwant    %+v", have, want)
		}
	}
	if p := got[2].Point; math.Abs(p[0]-70.10) > 1e-9 || math.Abs(p[1]-33.80) > 1e-9 {
		t.Errorf("the median is %v", p)
	}

	// What is learned rests on no dataset of which only counts may be shown, whoever asks.
	public, err := Learn(t.Context(), st, g, "")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, p := range public {
		names[p.Name] = p.Source
	}
	if names["Only Secret"] != "" || names["Only Other"] == "" || names["Spera Ragha"] != "ged, other (4 incidents)" {
		t.Errorf("learned from all: %v", names)
	}
}

// A name of more spots than are kept is scattered, whatever came first.
func TestLearnOfANameEverywhere(t *testing.T) {
	st := storetest.NewNaive()
	defer st.Close()
	var list []incident.Incident
	for i := range 2 * maxSpots {
		list = append(list, at("Check Post", 70+float64(i%32)*0.02, 33+float64(i/32)*0.02))
	}
	load(t, st, incident.Dataset{Name: "ged"}, append(list, at("Quiet Place", 70.1, 33.8))...)
	got, err := Learn(t.Context(), st, geocoder(t), "")
	if err != nil || len(got) != 1 || got[0].Name != "Quiet Place" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A few incidents across a boundary near by make no second place; as many far away do.
func TestLearnBesideABoundary(t *testing.T) {
	for name, c := range map[string]struct {
		lon, lat float64
		beside   int
		want     int
	}{
		"few near":  {70.2, 33.8, 1, 1},
		"many near": {70.2, 33.8, 4, 2},
		"few far":   {70.6, 33.8, 1, 2},
	} {
		st := storetest.NewNaive()
		var list []incident.Incident
		for range 12 {
			list = append(list, at("Sperkai Kalay", 70.1, 33.8))
		}
		for range c.beside {
			list = append(list, at("Sperkai Kalay", c.lon, c.lat, unit("af-pia")))
		}
		load(t, st, incident.Dataset{Name: "ged"}, list...)
		got, err := Learn(t.Context(), st, geocoder(t), "")
		if err != nil || len(got) != c.want || got[0].Units[0] != "pk-kp-kurram" || got[0].Count != 12 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		st.Close()
	}
}

func TestLearnFromNothing(t *testing.T) {
	st := storetest.NewNaive()
	defer st.Close()
	if got, err := Learn(t.Context(), st, geocoder(t), ""); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}
