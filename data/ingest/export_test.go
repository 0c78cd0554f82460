package ingest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarhad/data/bundle"
	"sarhad/data/gpkg"
	"sarhad/data/source"
	"sarhad/incident"
)

// export writes a store as the API does, property by property (docs/api.md);
// the layers above are not ours to import.
func export(tb testing.TB, st incident.Store) string {
	tb.Helper()
	fig := func(f incident.Figure) any {
		if !f.Known {
			return nil
		}
		return f.N
	}
	word := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	var features []any
	for in, err := range st.Incidents(tb.Context(), incident.Query{}) {
		if err != nil {
			tb.Fatal(err)
		}
		p := map[string]any{
			"fid": in.FID, "dataset": in.Dataset, "source_id": in.SourceID, "start_date": in.Start.String(), "end_date": in.End.String(), "time": word(in.Time),
			"time_precision": in.TimePrecision, "event_type": word(string(in.EventType)), "sub_event_type": word(string(in.SubEventType)),
			"event_type_text": word(in.EventTypeText), "event_class": word(string(in.EventClass)), "type_of_violence": nil, "type_of_violence_name": word(in.TypeOfViolence.Name()),
			"actor1": word(in.Actor1), "actor2": word(in.Actor2), "assoc_actors": append([]string{}, in.AssocActors...), "dyad": word(in.Dyad),
			"fatalities_low": fig(in.Low), "fatalities_best": fig(in.Best), "fatalities_high": fig(in.High), "deaths_a": fig(in.DeathsA), "deaths_b": fig(in.DeathsB),
			"deaths_civilians": fig(in.DeathsCivilians), "deaths_unknown": fig(in.DeathsUnknown), "country": word(in.Country), "province": word(in.Province),
			"district": word(in.District), "unit_id": word(in.UnitID),
			"unit_then": word(in.UnitThen), "district_then": word(in.DistrictThen), "subunit_id": word(in.Subunit), "crossing": "Torkham", "crossing_km": 1.5, "pcode": word(in.PCode), "location_name": word(in.LocationName), "location_text": word(in.LocationText),
			"location_precision": in.LocationPrecision, "location_precision_code": word(in.LocationPrecisionCode), "place_kind": in.Place.Kind,
			"place_units": append([]string{}, in.Place.Units...), "place_radius_m": nil, "border_km_min": nil, "border_km_max": nil, "border_side": in.Border.Side,
			"verification": in.Verification, "event_clarity": word(in.Clarity), "summary": word(in.Summary), "warnings": append([]string{}, in.Warnings...),
			"candidates": append([]string{}, in.Candidates...), "file": in.File, "line": in.Line, "synthetic": in.Synthetic,
		}
		if in.TypeOfViolence != 0 {
			p["type_of_violence"] = in.TypeOfViolence
		}
		if in.Place.Kind == incident.PlaceCircle {
			p["place_radius_m"] = in.Place.RadiusM
		}
		if in.Border.Known {
			p["border_km_min"], p["border_km_max"] = in.Border.MinKM, in.Border.MaxKM
		}
		claims, sources := []any{}, []any{}
		for _, c := range in.Claims {
			m := map[string]any{"quantity": word(c.Quantity), "about": word(c.About), "low": fig(c.Low), "best": fig(c.Best), "high": fig(c.High), "qualifier": word(c.Qualifier),
				"claimant": word(c.Claimant), "claimant_role": word(c.ClaimantRole), "source": nil, "quote": word(c.Quote), "language": word(c.Language)}
			if c.Source >= 0 {
				m["source"] = c.Source
			}
			claims = append(claims, m)
		}
		for _, s := range in.Sources {
			sources = append(sources, map[string]any{"publisher": word(s.Publisher), "title": word(s.Title), "url": word(s.URL), "date": word(s.Date), "language": word(s.Language), "is_party": s.IsParty})
		}
		p["claims"], p["sources"] = claims, sources
		f := map[string]any{"type": "Feature", "id": in.ID, "geometry": nil, "properties": p}
		if in.HasPoint {
			f["geometry"] = map[string]any{"type": "Point", "coordinates": in.Point}
		}
		features = append(features, f)
	}
	text, err := json.Marshal(map[string]any{"type": "FeatureCollection", "features": features})
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// What was exported and comes back into the same store changes nothing, the title of the dataset included.
func TestExportComesBack(t *testing.T) {
	read := func(t *testing.T, file string) string {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil {
			t.Skipf("SKIPPED: %s is not beside this checkout", file)
		}
		return string(text)
	}
	table := "id,date,country,province,district,lat,lon,notes,event_type\n" +
		"1,2020-01-01,PK,Khyber Pakhtunkhwa,Dir,,,x,Battles\n2,2020-01-01,PK,Khyber Pakhtunkhwa,Xyzzy,,,x,Shoot-out\n3,2020-01-01,PK,Balochistan,Kurram,,,x,\n8,2020-01-01,PK,,,33.85,70.1,x,\n" +
		"11,2009-01-01,PK,FATA,South Waziristan,,,x,\n12,2009-01-01,PK,FATA,South Waziristan,32.3,69.58,x,\n13,2009-01-01,PK,FATA,FR Bannu,,,x,\n14,2009-01-01,PK,FATA,FR Bannu,33.1,70.5,x,\n" +
		"15,2015-01-01,AF,Nangarhar,Achin,,,x,\n16,2015-01-01,PK,,,30,70,x,\n17,2015-01-01,PK,,Kurram,30.3753,69.3451,x,\n18,2015-01-01,PK,,South Waziristan,25.648,62.05,x,\n19,2024-01-01,PK,,South Waziristan,,,x,\n" +
		"4,2020-01-01,PK,,Quetta,33.85,70.1,x,\n5,2020-01-01T22:30:00Z,,,,0,0,x,\n6,2020-01-01,,Kandahar,,,,x,\n7,2020-01-01,PK,Khyber Pakhtunkhwa,Kohistan,,,x,\n"
	for name, text := range map[string]func(*testing.T) string{
		"ged":   func(t *testing.T) string { return read(t, gedFile) },
		"twin":  func(t *testing.T) string { return read(t, "../source/testdata/ged.csv") },
		"acled": func(t *testing.T) string { return read(t, "../source/testdata/acled_2023.csv") },
		"table": func(*testing.T) string { return table },
		"demo":  func(*testing.T) string { return string(bundle.Demo()) },
	} {
		t.Run(name, func(t *testing.T) {
			text, locator := text(t), testLocator(t)
			st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "s.gpkg"), gpkg.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			r, err := Run(t.Context(), Options{Source: open(t, text, name+".csv"), File: name, Store: st, Locator: locator})
			if err != nil || r.New == 0 {
				t.Fatalf("%v %+v", err, r)
			}
			before, err := st.Datasets(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			again, err := Run(t.Context(), Options{Source: open(t, export(t, st), "out.geojson"), File: "out.geojson", Store: st, Locator: locator})
			if err != nil || again.Unchanged != r.New || again.Rejected != 0 || again.Dataset != r.Dataset {
				t.Errorf("%v %+v, want %d unchanged", err, again, r.New)
			}
			after, err := st.Datasets(t.Context())
			if got, want := fmt.Sprint(after), fmt.Sprint(before); err != nil || got != want {
				t.Errorf("%v: datasets %s, were %s", err, got, want)
			}
		})
	}
}

// A title that is given replaces the stored one; one made of a name or a layout does not.
func TestTitlesHold(t *testing.T) {
	st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "s.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	m, err := source.ReadMapping(strings.NewReader("dataset: {name: ged, title: Ours}\nfields: {date: day}"))
	if err != nil {
		t.Fatal(err)
	}
	twin, err := os.ReadFile("../source/testdata/ged.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text, want string
		opt        source.Options
	}{
		{"date\n2020-01-01\n", "ged||", source.Options{File: "ged.csv"}},
		{"day\n2020-01-01\n", "Ours||", source.Options{Mapping: m}},
		{"date\n2020-01-01\n", "Ours||", source.Options{File: "ged.csv"}},
		{string(twin), "Ours|CC BY 4.0|Sundberg", source.Options{File: "ged.csv"}}, // what is not there yet may come from the layout
		{`{"type":"FeatureCollection","dataset":{"name":"ged","title":"Theirs","licence":"CC0"},"features":[]}`, "Theirs|CC0|Sundberg", source.Options{}},
		{string(twin), "Theirs|CC0|Sundberg", source.Options{File: "ged.csv"}},
	} {
		src, err := source.Open(strings.NewReader(c.text), c.opt)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), Options{Source: src, Store: st}); err != nil {
			t.Fatal(err)
		}
		sets, err := st.Datasets(t.Context())
		if err != nil || len(sets) != 1 {
			t.Fatal(sets, err)
		}
		attribution, _, _ := strings.Cut(sets[0].Attribution, " ")
		if got := sets[0].Title + "|" + sets[0].Licence + "|" + attribution; got != c.want {
			t.Errorf("%.30q: %s, want %s", c.text, got, c.want)
		}
	}
}
