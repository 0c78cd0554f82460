package api

import (
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/paulmach/orb"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

func square(x, y, size float64) orb.MultiPolygon {
	return orb.MultiPolygon{{{{x, y}, {x + size, y}, {x + size, y + size}, {x, y + size}, {x, y}}}}
}

var testUnits = []geo.Unit{
	{ID: "pk-kp-kurram", Name: "Kurram", Kind: "district", Country: "PK", Province: "Khyber Pakhtunkhwa", PCode: "PK514", NameUR: "کرم", Label: orb.Point{70.5, 33.5}, AreaKM2: 3380, Geometry: square(70, 33, 1)},
	{ID: "pk-kp-khyber", Name: "Khyber", Kind: "district", Country: "PK", Province: "Khyber Pakhtunkhwa", PCode: "PK512", Label: orb.Point{71.5, 34.5}, AreaKM2: 2576, Geometry: square(71, 34, 1)},
	{ID: "pk-ba-chagai", Name: "Chagai", Kind: "district", Country: "PK", Province: "Balochistan", Label: orb.Point{63.5, 28.5}, Geometry: square(63, 28, 1)},
	{ID: "af-hel", Name: "Helmand", Kind: "province", Country: "AF", Province: "Helmand", ISO: "AF-HEL", NamePS: "هلمند", Label: orb.Point{63.5, 31.5}, AreaKM2: 58584, Geometry: square(63, 31, 1)},
	{ID: "af-pka", Name: "Paktika", Kind: "province", Country: "AF", Province: "Paktika", Label: orb.Point{68.5, 32.5}, Geometry: square(68, 32, 1)},
}

func day(s string) incident.Day {
	d, err := incident.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

const hostile = "</script><script>alert(1)</script> \u2028\u2029 \"quoted\" \\ \x00\x1f\x7f & '=1+1' \U0001F4A5 سرحد"

// testIncidents are few, but every kind of place and every doubt is among them.
func testIncidents() []incident.Incident {
	list := []incident.Incident{
		{Dataset: "ged", SourceID: "59553", Start: day("2009-03-01"), End: day("2009-03-01"), TimePrecision: incident.TimeDay,
			EventType: incident.Battles, SubEventType: "Armed clash", EventClass: incident.ClassKinetic, TypeOfViolence: 1,
			Actor1: "Government of Pakistan", Actor2: "TTP", AssocActors: []string{"Frontier Corps"}, Dyad: "Government of Pakistan - TTP",
			Low: incident.Known(1), Best: incident.Known(2), High: incident.Known(4), DeathsCivilians: incident.Known(0),
			Country: "PK", Province: "Khyber Pakhtunkhwa", District: "Khyber", UnitID: "pk-kp-khyber", PCode: "PK512",
			LocationName: "Torkham", LocationText: "Torkham crossing", LocationPrecision: incident.LocExact, LocationPrecisionCode: "1",
			Point: orb.Point{71.1, 34.1}, HasPoint: true, Place: incident.Place{Kind: incident.PlacePoint},
			Border: incident.BorderDistance{Known: true, MinKM: 0, MaxKM: 2.1, Side: incident.SidePK}, Verification: incident.Corroborated, Clarity: "1",
			Sources: []incident.Source{{Publisher: "Dawn", Title: "Clash at Torkham", Date: "2009-03-02", Language: "en"}},
			Summary: "An exchange of fire was reported.", Warnings: []string{"district_mismatch"}, File: "ged.csv", Line: 4102},
		{Dataset: "ged", SourceID: "2", Start: day("2009-12-31"), End: day("2010-01-02"), TimePrecision: incident.TimeDays2_6,
			EventType: incident.Explosions, EventClass: incident.ClassKinetic, TypeOfViolence: 3, Actor1: "TTP", Actor2: "Civilians", Best: incident.Known(0),
			Country: "PK", Province: "Khyber Pakhtunkhwa", District: "Kurram", UnitID: "pk-kp-kurram", LocationPrecision: incident.LocVicinity,
			Point: orb.Point{70.25, 33.75}, HasPoint: true, Place: incident.Place{Kind: incident.PlaceCircle, RadiusM: 25000},
			Border: incident.BorderDistance{Known: true, MinKM: 5, MaxKM: 55.25, Side: incident.SidePK}, Verification: incident.Unverified, File: "ged.csv", Line: 2},
		{Dataset: "ged", SourceID: "3", Start: day("2009-06-01"), End: day("2009-06-30"), TimePrecision: incident.TimeMonth,
			EventType: incident.Battles, TypeOfViolence: 1, Actor1: "TTP", Low: incident.Known(70000), Best: incident.Known(70000), High: incident.Known(70000),
			Country: "PK", Province: "Khyber Pakhtunkhwa", District: "Kurram", UnitID: "pk-kp-kurram", LocationPrecision: incident.LocDistrict,
			Point: orb.Point{70.5, 33.5}, HasPoint: true, Place: incident.Place{Kind: incident.PlaceUnit}, Verification: incident.Unverified},
		{Dataset: "demo", SourceID: "13-chagai", Start: day("2025-10-11"), End: day("2025-10-12"), TimePrecision: incident.TimeDay,
			EventType: incident.Battles, Actor1: "Pakistan", Actor2: "Afghan Taliban authorities", LocationName: "Bahram Chah",
			LocationPrecision: incident.LocSettlement, Place: incident.Place{Kind: incident.PlaceUnits, Units: []string{"pk-ba-chagai", "af-hel"}},
			Candidates: []string{"pk-ba-chagai", "af-hel"}, Verification: incident.Disputed, Border: incident.BorderDistance{Side: incident.SideStraddles},
			Claims: []incident.Claim{{Quantity: "killed", About: "militants", Low: incident.Known(200), Qualifier: "over", Claimant: "Pakistan's military",
				ClaimantRole: "party", Source: 0, Quote: "over 200", Language: "en"},
				{Quantity: "killed", About: "soldiers", Best: incident.Known(58), Claimant: "Afghan Taliban spokesman", ClaimantRole: "party", Source: -1}},
			Sources: []incident.Source{{Publisher: "ISPR", URL: "https://example.org/1", IsParty: true}}, Summary: "Firing along the border."},
		{Dataset: "demo", SourceID: "3", Start: day("2025-10-12"), End: day("2025-10-12"), TimePrecision: incident.TimeDay, EventType: incident.Battles,
			LocationPrecision: incident.LocLine, Place: incident.Place{Kind: incident.PlaceBorder}, Verification: incident.Disputed,
			Border: incident.BorderDistance{Known: true, MinKM: 0, MaxKM: 0, Side: incident.SideStraddles}},
		{Dataset: "demo", SourceID: "4", Start: day("2025-10-13"), End: day("2025-10-13"), TimePrecision: incident.TimeDay, EventType: incident.Explosions,
			Country: "AF", LocationPrecision: incident.LocCountry, Place: incident.Place{Kind: incident.PlaceCountry}, Verification: incident.Unverified},
		{Dataset: "demo", SourceID: "5", Start: day("2025-10-17"), End: day("2025-10-17"), Time: "18:00:00+05:00", TimePrecision: incident.TimeExact,
			EventClass: incident.ClassDiplomatic, EventTypeText: "ceasefire", LocationPrecision: incident.LocNone, Verification: incident.Confirmed},
		{Dataset: "demo", SourceID: "17", Start: day("2025-10-01"), End: day("2025-10-31"), TimePrecision: incident.TimeMonth,
			Country: "PK", Province: "Khyber Pakhtunkhwa", LocationPrecision: incident.LocProvince, Place: incident.Place{Kind: incident.PlaceProvince},
			Summary: hostile, Actor1: hostile, Verification: incident.Unverified},
		{Dataset: "acled", SourceID: "PAK1", Start: day("2020-05-05"), End: day("2020-05-05"), TimePrecision: incident.TimeDay, EventType: incident.Protests,
			SubEventType: "Peaceful protest", Country: "AF", Province: "Paktika", District: "Paktika", UnitID: "af-pka", LocationPrecision: incident.LocSettlement,
			Point: orb.Point{68.123456, 32.9}, HasPoint: true, Place: incident.Place{Kind: incident.PlacePoint}, Best: incident.Known(1), Summary: "withheld by its terms"},
	}
	for i := range list {
		list[i].FID = int64(i + 1)
		list[i].ID = incident.ID(list[i].Dataset, list[i].SourceID)
	}
	return list
}

func testStore() *memory {
	m := &memory{rows: testIncidents(), datasets: []incident.DatasetInfo{
		{Dataset: incident.Dataset{Name: "acled", Title: "ACLED", Terms: "no single rows", AggregatesOnly: true}, Coverage: []incident.Coverage{{Country: "AF", From: day("2020-05-05"), To: day("2020-05-05")}}},
		{Dataset: incident.Dataset{Name: "demo", Title: "Demo", Sample: true}},
		{Dataset: incident.Dataset{Name: "ged", Title: "UCDP GED", Licence: "CC BY 4.0", Attribution: "UCDP"}, Coverage: []incident.Coverage{{Country: "PK", From: day("2009-03-01"), To: day("2010-01-02")}}},
	}}
	m.change.Store(42)
	return m
}

// testStores are the stores that every scenario runs against; the answers are the same.
var testStores = map[string]func(t testing.TB) incident.Reader{
	"slice": func(testing.TB) incident.Reader { return testStore() },
	"gpkg": func(t testing.TB) incident.Reader {
		st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "test.gpkg"), gpkg.Options{Units: testUnits})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return fill(t, st)
	},
	"naive": func(t testing.TB) incident.Reader { return fill(t, storetest.NewNaive()) },
}

// fillOrder is the order of the datasets by the numbers of their first incidents.
var fillOrder = []string{"ged", "demo", "acled"}

// fill loads the incidents of testStore in their order.
func fill(t testing.TB, st incident.Store) incident.Reader {
	t.Helper()
	datasets := testStore().datasets
	for _, name := range fillOrder {
		info := datasets[slices.IndexFunc(datasets, func(d incident.DatasetInfo) bool { return d.Name == name })].Dataset
		load, err := st.Begin(t.Context(), incident.Import{Dataset: info})
		if err != nil {
			t.Fatal(err)
		}
		var batch []incident.Incident
		for _, in := range testIncidents() {
			if in.Dataset == info.Name {
				in.FID = 0
				batch = append(batch, in)
			}
		}
		if _, err := load.Put(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if err := load.Finish(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

// testFormers are an agency that two units of today cover, a part of one of them, and a province.
var testFormers = []geo.Former{
	{ID: "pk-kp-upper-agency", Name: "Upper Agency", Kind: "agency", Country: "PK", Province: "Khyber Pakhtunkhwa",
		Dates: geo.Span{From: geo.NoDay, Until: int32(day("2010-07-01"))}, Uncertain: true, Units: []string{"pk-kp-kurram", "pk-kp-khyber"}, Source: "test"},
	{ID: "pk-kp-fr-kurram", Name: "Frontier Region Kurram", Kind: "frontier_region", Country: "PK", Province: "Khyber Pakhtunkhwa",
		Dates: geo.Span{From: geo.NoDay, Until: int32(day("2018-06-01"))}, Units: []string{"pk-kp-kurram"}, Part: true, Note: "its limits are not drawn"},
	{ID: "pk-ba-old-chagai", Name: "Old Chagai", Kind: "district", Country: "PK", Province: "Balochistan",
		Dates: geo.Span{From: int32(day("1990-01-01")), Until: int32(day("1996-01-01"))}, Units: []string{"pk-ba-chagai"}},
	{ID: "pk-ba-older-chagai", Name: "Older Chagai", Kind: "district", Country: "PK", Province: "Balochistan",
		Dates: geo.Span{From: int32(day("1980-01-01")), Until: int32(day("1990-01-01"))}, Units: []string{"pk-ba-chagai"}},
	{ID: "pk-fata", Name: "Federally Administered Tribal Areas", Kind: "province", Country: "PK", Province: "Khyber Pakhtunkhwa",
		Dates: geo.Span{From: geo.NoDay, Until: int32(day("2018-06-01"))}, Units: []string{"pk-kp-kurram", "pk-kp-khyber"}},
}

var testCrossings = []geo.Crossing{{Name: "Torkham", Variants: []string{"Torkhum", "طورخم"}, Names: []geo.Name{{Text: "طورخم", Lang: "ur"}}, Point: orb.Point{71.09, 34.12}, AccuracyKM: 0.5, PKDistrict: "Khyber", AFProvince: "Nangarhar"},
	{Name: "Angoor Adda", Point: orb.Point{69.3, 32.5}, AccuracyKM: 2, Note: "also Angur Ada"}}

// testGeocoder knows the units, one subunit and one town.
func testGeocoder() *geo.Geocoder {
	index, err := geo.NewIndex(testUnits)
	if err != nil {
		panic(err)
	}
	border, err := geo.NewBorder(orb.LineString{{60.9, 29.8}, {66.5, 31.25}, {71.1, 34.1}})
	if err != nil {
		panic(err)
	}
	g, err := geo.NewGeocoder(geo.Sources{Index: index, Border: border, Crossings: testCrossings, Formers: testFormers,
		Subunits:    []geo.Subunit{{ID: "pk-kp-khyber-landi-kotal", Name: "Landi Kotal", Kind: "tehsil", Unit: "pk-kp-khyber", Label: orb.Point{71.2, 34.2}, Geometry: square(71, 34, 0.5)}},
		Places:      []geo.Place{{ID: "gn-1", Name: "Parachinar", Kind: "settlement", Point: orb.Point{70.1, 33.9}, HasPoint: true, Units: []string{"pk-kp-kurram"}}},
		Ambiguities: []geo.Ambiguity{{Names: []string{"Bahram Chah"}, Candidates: []string{"pk-ba-chagai", "af-hel"}, Note: "a village on both sides"}}})
	if err != nil {
		panic(err)
	}
	return g
}

var testGeocoderOnce = sync.OnceValue(testGeocoder)

func testConfig(r incident.Reader) Config {
	line := orb.LineString{{60.9, 29.8}, {66.5, 31.25}, {71.1, 34.1}}
	return Config{
		Geocoder: testGeocoderOnce, PlacesAttribution: "Places: test",
		Reader: r, Units: testUnits,
		Border: []BorderLine{{Detail: DetailCoarse, Line: orb.LineString{line[0], line[2]}, Name: "Afghanistan–Pakistan border (Durand Line)", Source: "test 1"},
			{Detail: DetailFine, Line: line, Name: "Afghanistan–Pakistan border (Durand Line)", Source: "test 1"}},
		Crossings: testCrossings,
		Periods: []incident.Period{{ID: "ceasefire-2025", Kind: "ceasefire", Name: "Ceasefire", Start: day("2025-10-19"), Parties: []string{"Pakistan", "Afghan Taliban authorities"},
			Sources: []incident.Source{{Publisher: "Qatar MFA", Date: "2025-10-19"}}},
			{ID: "doha", Kind: "talks", Name: "Talks in Doha", Start: day("2025-10-18"), End: day("2025-10-19"), HasEnd: true, Note: "Qatar hosts."}},
		Attribution: "Boundaries: test", BorderNote: "Boundaries and names shown do not imply endorsement or acceptance.",
		Page: fstest.MapFS{
			"index.html":               {Data: []byte("<!doctype html><title>Sarhad</title>")},
			"assets/index-abc123.js":   {Data: []byte("console.log('page')")},
			"assets/index-abc123.css":  {Data: []byte("body{}")},
			"assets/pre-abc.js":        {Data: []byte("packed()")},
			"assets/pre-abc.js.gz":     {Data: []byte("PACKED")},
			"assets/fonts/inter.woff2": {Data: []byte("font")},
			"secret.txt":               {Data: []byte("not an asset")},
		},
		BaseLayer: &BaseLayer{URL: "https://{s}.tile.example.org/{z}/{x}/{y}.png", Attribution: "© Example"},
		Version:   "test", Now: func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) },
	}
}

func mustServer(t testing.TB, c Config) *server {
	t.Helper()
	s, err := newServer(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
