package publish_test

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/data/gpkg"
	"sarhad/data/index"
	"sarhad/data/publish"
	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

func square(x, y, size float64) orb.MultiPolygon {
	return orb.MultiPolygon{{{{x, y}, {x + size, y}, {x + size, y + size}, {x, y + size}, {x, y}}}}
}

// Two districts beside each other, west and east of 70.5°, and an Afghan province west of them.
var units = []geo.Unit{
	{ID: "pk-a", Name: "A", Country: "PK", Province: "P", Label: orb.Point{70.2, 33.4}, Geometry: orb.MultiPolygon{{{{70, 33}, {70.5, 33}, {70.5, 34}, {70, 34}, {70, 33}}}}},
	{ID: "pk-b", Name: "B", Country: "PK", Province: "P", Label: orb.Point{70.8, 33.6}, Geometry: orb.MultiPolygon{{{{70.5, 33}, {71, 33}, {71, 34}, {70.5, 34}, {70.5, 33}}}}},
	{ID: "af-c", Name: "C", Country: "AF", Province: "C", Label: orb.Point{69.5, 33.5}, Geometry: square(69, 33, 1)},
}

func places(t *testing.T) publish.Places {
	t.Helper()
	border, err := geo.NewBorder(orb.LineString{{70, 32}, {70, 35}})
	if err != nil {
		t.Fatal(err)
	}
	return publish.Places{Units: units, Border: border}
}

func openStore(t *testing.T) *gpkg.Store {
	t.Helper()
	st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "s.gpkg"), gpkg.Options{Units: units})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func changeOf(t *testing.T, r incident.Reader) int64 {
	t.Helper()
	n, err := r.Change(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func incidentAt(source, unit string, lon, lat float64) incident.Incident {
	in := incident.Incident{Dataset: "d", SourceID: source, Start: 20000, End: 20001, Country: "PK", Province: "P", District: "Q", UnitID: unit, Subunit: "tehsil", PCode: "PK1",
		LocationName: "Hamlet", LocationText: "near Hamlet", LocationPrecision: incident.LocExact, LocationPrecisionCode: "1", Point: orb.Point{lon, lat}, HasPoint: true,
		Place: incident.Place{Kind: incident.PlacePoint}, Border: incident.BorderDistance{Known: true, MinKM: 1, MaxKM: 1, Side: incident.SidePK},
		Claims: []incident.Claim{{Quantity: "killed", Source: -1, Quote: "at Hamlet"}}, Sources: []incident.Source{{Publisher: "Paper", Title: "Hamlet", URL: "https://example.org/hamlet"}},
		Summary: "At Hamlet.", File: "f.csv", Line: 7, Candidates: []string{"pk-a"}}
	in.ID = incident.ID(in.Dataset, in.SourceID)
	return in
}

func load(t *testing.T, st incident.Store, p incident.Publication, all ...incident.Incident) {
	t.Helper()
	storetest.Load(t, st, incident.Import{Dataset: incident.Dataset{Name: all[0].Dataset, Publication: p}}, 100, all)
}

// What is shown of a blurred incident is the same wherever in its unit or cell it was.
func TestBlurTellsOnlyTheCell(t *testing.T) {
	for _, c := range []struct {
		blur             incident.Blur
		least            incident.Publication
		a, b             incident.Incident
		point            orb.Point
		kind             incident.PlaceKind
		unit             string
		country          string
		precision        incident.LocationPrecision
		leastKM, mostRad float64
	}{
		{blur: incident.BlurDistrict, a: incidentAt("1", "pk-a", 70.011, 33.911), b: incidentAt("1", "pk-a", 70.42, 33.02), point: orb.Point{70.2, 33.4}, kind: incident.PlaceUnit, unit: "pk-a", country: "PK", precision: incident.LocDistrict},
		{blur: "grid:0.1", a: incidentAt("1", "pk-a", 70.211, 33.311), b: incidentAt("1", "pk-a", 70.299, 33.399), point: orb.Point{70.25, 33.35}, kind: incident.PlaceCircle, unit: "pk-a", country: "PK", precision: incident.LocVicinity, mostRad: 8000},
		// A cell in two districts, or in two countries: which one is not told.
		{blur: "grid:0.2", a: incidentAt("1", "pk-a", 70.499, 33.311), b: incidentAt("1", "pk-b", 70.501, 33.399), point: orb.Point{70.5, 33.3}, kind: incident.PlaceCircle, country: "PK", precision: incident.LocVicinity, mostRad: 16000},
		{blur: "grid:1", a: incidentAt("1", "pk-a", 70.001, 33.311), b: incidentAt("1", "pk-b", 70.901, 33.9), point: orb.Point{70.5, 33.5}, kind: incident.PlaceCircle, country: "PK", precision: incident.LocRegion, mostRad: 80000},
		{least: incident.Publication{Blur: "grid:0.5"}, a: incidentAt("1", "pk-a", 70.3, 33.3), b: incidentAt("1", "pk-a", 70.1, 33.1), point: orb.Point{70.25, 33.25}, kind: incident.PlaceCircle, unit: "pk-a", country: "PK", precision: incident.LocRegion, mostRad: 40000},
	} {
		var shown []incident.Incident
		for _, in := range []incident.Incident{c.a, c.b} {
			st := openStore(t)
			load(t, st, incident.Publication{Blur: c.blur}, in)
			list := storetest.List(t, publish.Blurred(st, c.least, places(t)), incident.Query{})
			shown = append(shown, list...)
		}
		// Each store has a secret of its own.
		if shown[0].ID == shown[1].ID || shown[0].ID == c.a.ID || shown[1].ID == c.a.ID {
			t.Errorf("%s: the id tells it: %s, %s", c.blur, shown[0].ID, shown[1].ID)
		}
		if d := cmp.Diff(shown[0], shown[1], cmpopts.IgnoreFields(incident.Incident{}, "ID", "SourceID")); d != "" {
			t.Errorf("%s: one place in it is told from another:\n%s", c.blur, d)
		}
		in := &shown[0]
		if in.Point != c.point || in.Place.Kind != c.kind || in.UnitID != c.unit || in.Country != c.country || in.LocationPrecision != c.precision || in.Place.RadiusM > c.mostRad {
			t.Errorf("%s: %+v", c.blur, in)
		}
		if in.LocationName+in.LocationText+in.Summary+in.Subunit+in.File+in.Claims[0].Quote+in.Sources[0].Title+in.Sources[0].URL != "" || in.SourceID != in.ID || in.Line != 0 || in.Candidates != nil {
			t.Errorf("%s: words stay: %+v", c.blur, in)
		}
		if in.Sources[0].Publisher != "Paper" || len(in.Claims) != 1 || len(in.Warnings) != 1 || !in.Border.Known {
			t.Errorf("%s: too much is gone: %+v", c.blur, in)
		}
	}
}

// Everybody knows a blurred incident by an id that cannot be made from its row, everywhere and always the same; the true one is like one that is not there.
func TestPublicID(t *testing.T) {
	st := openStore(t)
	secret, open := incidentAt("secret", "pk-a", 70.211, 33.311), incidentAt("open", "pk-b", 70.6, 33.6)
	open.Dataset = "open"
	open.ID = incident.ID("open", "open")
	storetest.Load(t, st, incident.Import{Dataset: incident.Dataset{Name: "d", Publication: incident.Publication{Blur: "grid:0.1"}}, File: "near-hamlet.csv", Who: "N"}, 100, []incident.Incident{secret})
	storetest.Load(t, st, incident.Import{Dataset: incident.Dataset{Name: "open"}, File: "open.csv"}, 100, []incident.Incident{open})
	view := publish.Blurred(st, incident.Publication{}, places(t))
	x := index.New(view, index.Options{})
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, in := range storetest.List(t, publish.Blurred(st, incident.Publication{}, places(t)), incident.Query{}) {
		ids[in.Dataset] = in.ID
	}
	public := ids["d"]
	if ids["open"] != open.ID || public == secret.ID || public[0] == secret.ID[0] {
		t.Fatalf("the ids are %v", ids)
	}
	ctx := t.Context()
	for name, r := range map[string]incident.Reader{"view": view, "index": publish.New(x, time.Now)} {
		in, err := r.Incident(ctx, public)
		if err != nil || in.ID != public || in.SourceID != public || in.Point == secret.Point {
			t.Fatalf("%s by the public id: %+v, %v", name, in, err)
		}
		fid := strconv.FormatInt(in.FID, 10)
		for _, id := range []string{public, fid} {
			if in, err := r.Incident(ctx, id); err != nil || in.ID != public {
				t.Errorf("%s by %s: %v", name, id, err)
			}
			list, err := r.Versions(ctx, id)
			if err != nil || len(list) != 1 || list[0].Incident.ID != public || list[0].Import.File != "" || list[0].Import.Who != "" {
				t.Errorf("%s, versions of %s: %+v, %v", name, id, list, err)
			}
			if _, err := r.Links(ctx, id); err != nil {
				t.Errorf("%s, links of %s: %v", name, id, err)
			}
		}
		mangled := public[:len(public)-1] + "v" // other bits behind the last byte
		for _, id := range []string{secret.ID, mangled, public[:10], "b"} {
			_, a := r.Incident(ctx, id)
			_, b := r.Versions(ctx, id)
			_, c := r.Links(ctx, id)
			for _, err := range []error{a, b, c} {
				if incident.CodeOf(err) != incident.CodeNotFound || strings.Contains(err.Error(), secret.ID) && id != secret.ID {
					t.Errorf("%s by %s: %v", name, id, err)
				}
			}
		}
		if list, err := r.Versions(ctx, open.ID); err != nil || list[0].Import.File != "open.csv" {
			t.Errorf("%s, versions of an open one: %+v, %v", name, list, err)
		}
		for id, want := range map[string]int{public: 1, secret.ID: 0, open.ID: 1} {
			if n, err := r.Count(ctx, incident.In{Property: "id", Values: []string{id}}); err != nil || n != want {
				t.Errorf("%s counts %d of %s, %v", name, n, id, err)
			}
		}
	}
	// When the rule goes, so does the public id.
	none := incident.Blur("")
	if err := st.SetDataset(ctx, "d", incident.DatasetChange{Blur: &none}); err != nil {
		t.Fatal(err)
	}
	if in, err := view.Incident(ctx, secret.ID); err != nil || in.ID != secret.ID {
		t.Errorf("without a rule: %v", err)
	}
	if _, err := view.Incident(ctx, public); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("the public id without a rule: %v", err)
	}
}

// Of the warnings stay those that are not made from the true point.
func TestWarningsThatTell(t *testing.T) {
	for _, blur := range []incident.Blur{"grid:0.1", incident.BlurDistrict} {
		st, in := openStore(t), incidentAt("1", "pk-a", 70.211, 33.311)
		in.Warnings = []string{geo.WarnOutsideRegion, geo.WarnDistrictMismatch, "year_mismatch", geo.WarnCountryMismatch, geo.WarnSwappedCoordinates, "label_coordinates"}
		load(t, st, incident.Publication{Blur: blur}, in)
		got := storetest.List(t, publish.Blurred(st, incident.Publication{}, places(t)), incident.Query{})[0].Warnings
		if d := cmp.Diff([]string{"year_mismatch", publish.WarnBlurred}, got); d != "" {
			t.Errorf("%s: %s", blur, d)
		}
	}
}

// Every question is answered as by a store that never had the truth, by the view and by an index over it.
func TestViewIsAStoreOfBlurredIncidents(t *testing.T) {
	st, oracle := openStore(t), storetest.NewNaive()
	random := rapid.SliceOfNDistinct(storetest.Incidents(), 150, 150, func(in incident.Incident) string { return in.ID }).Example(5)
	storetest.Load(t, st, incident.Import{Dataset: incident.Dataset{Name: "ged", Publication: incident.Publication{Blur: "grid:0.5"}}}, 64, random)
	view := publish.Blurred(st, incident.Publication{}, places(t))
	blurred := storetest.List(t, view, incident.Query{})
	n := 0
	for i := range blurred {
		if slices.Contains(blurred[i].Warnings, publish.WarnBlurred) {
			n++
		}
	}
	if n < 30 {
		t.Fatalf("only %d of %d are blurred", n, len(blurred))
	}
	storetest.Load(t, oracle, incident.Import{Dataset: incident.Dataset{Name: "ged"}}, 64, blurred)
	x := index.New(view, index.Options{})
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(incident.Incident{}, "FID")}
	rapid.Check(t, func(r *rapid.T) {
		f := storetest.Filters(2).Draw(r, "filter")
		ctx := context.Background()
		want, err := oracle.Count(ctx, f)
		if err != nil {
			r.Fatal(err)
		}
		by := []incident.Key{rapid.SampledFrom(incident.Keys).Draw(r, "key")}
		groups, err := oracle.Aggregate(ctx, incident.AggregateQuery{By: by, Filter: f})
		if err != nil {
			r.Fatal(err)
		}
		for what, reader := range map[string]incident.Reader{"view": view, "index": x} {
			if n, err := reader.Count(ctx, f); err != nil || n != want {
				r.Fatalf("%s counts %d, %v; want %d for %#v", what, n, err, want, f)
			}
			got, err := reader.Aggregate(ctx, incident.AggregateQuery{By: by, Filter: f})
			if d := cmp.Diff(groups, got, equal); err != nil || d != "" {
				r.Fatalf("%s by %v: %v\n%s", what, by, err, d)
			}
			var a, b []string
			q := incident.Query{Filter: f, Order: incident.ByStartRev, Limit: 20}
			for in, err := range oracle.Incidents(ctx, q) {
				if err != nil {
					r.Fatal(err)
				}
				a = append(a, in.ID)
			}
			for in, err := range reader.Incidents(ctx, q) {
				if err != nil {
					r.Fatal(err)
				}
				b = append(b, in.ID)
			}
			if d := cmp.Diff(a, b); d != "" {
				r.Fatalf("%s lists (-want +got):\n%s", what, d)
			}
		}
	})
}

// An incident appears when its last day ended so long ago, and nothing told of it before.
func TestDelay(t *testing.T) {
	st := openStore(t)
	old, late := incidentAt("old", "pk-a", 70.1, 33.1), incidentAt("late", "pk-b", 70.9, 33.9)
	late.Start, late.End = 20009, 20010
	load(t, st, incident.Publication{Delay: 72 * time.Hour}, old, late)
	open := incidentAt("open", "pk-b", 70.6, 33.6)
	open.Dataset, open.Start, open.End = "open", 20010, 20010
	open.ID = incident.ID("open", "open")
	load(t, st, incident.Publication{}, open)
	// Day 20010 ends on 20011 at 19:30 UTC of the day before in Afghanistan, where days end last.
	appears := time.Unix(20011*86400-incident.OffsetAF, 0).Add(72 * time.Hour)
	now := appears.Add(-time.Second)
	public := publish.New(publish.Blurred(st, incident.Publication{}, places(t)), func() time.Time { return now })
	ctx := t.Context()
	check := func(want int) {
		t.Helper()
		if n, err := public.Count(ctx, nil); err != nil || n != want {
			t.Errorf("%d, %v are to be seen, want %d", n, err, want)
		}
		if list := storetest.List(t, public, incident.Query{}); len(list) != want {
			t.Errorf("%d are listed, want %d", len(list), want)
		}
		rows := 0
		if err := public.Rows(ctx, nil, func(*incident.Row) bool { rows++; return true }); err != nil || rows != want {
			t.Errorf("%d rows, %v", rows, err)
		}
		for _, ask := range []func() error{
			func() error { _, err := public.Incident(ctx, late.ID); return err },
			func() error { _, err := public.Versions(ctx, late.ID); return err },
			func() error { _, err := public.Links(ctx, late.ID); return err },
		} {
			if err := ask(); (incident.CodeOf(err) == incident.CodeNotFound) != (want == 2) {
				t.Errorf("the delayed one: %v", err)
			}
		}
	}
	check(2)
	if n, err := incident.StoreChange(ctx, public); err != nil || n != changeOf(t, st) {
		t.Errorf("the store is at change %d, %v", n, err)
	}
	infos, err := public.Datasets(ctx)
	if err != nil || infos[0].Count != 1 || infos[0].Last != 20001 || infos[0].Bound.Max != (orb.Point{70.1, 33.1}) || infos[0].Coverage[0].To != 20001 || infos[1].Count != 1 {
		t.Errorf("the datasets tell of it: %+v, %v", infos, err)
	}
	before, _ := public.Change(ctx)
	now = appears
	check(3)
	if after, _ := public.Change(ctx); after <= before {
		t.Errorf("what clients kept of before passes for new: change %d, then %d", before, after)
	}
	if infos, err := public.Datasets(ctx); err != nil || infos[0].Count != 2 || infos[0].Last != 20010 {
		t.Errorf("the datasets do not know of it: %+v, %v", infos, err)
	}
}

// The extent of a blurred dataset is that of what is shown, and an index that was saved of the store is none of the view.
func TestExtentAndSavedIndex(t *testing.T) {
	st := openStore(t)
	load(t, st, incident.Publication{Blur: "grid:0.1"}, incidentAt("1", "pk-a", 70.211, 33.311), incidentAt("2", "pk-a", 70.477, 33.722))
	file := filepath.Join(t.TempDir(), "index")
	if err := index.Save(t.Context(), st, file); err != nil {
		t.Fatal(err)
	}
	view := publish.Blurred(st, incident.Publication{}, places(t))
	x := index.New(view, index.Options{File: file})
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	public := publish.New(x, time.Now)
	for _, in := range storetest.List(t, public, incident.Query{}) {
		if in.Place.Kind != incident.PlaceCircle || in.Summary != "" {
			t.Errorf("the saved index of the store answers: %+v", in)
		}
	}
	infos, err := public.Datasets(t.Context())
	if want := (orb.Bound{Min: orb.Point{70.25, 33.35}, Max: orb.Point{70.45, 33.75}}); err != nil || infos[0].Bound != want {
		t.Errorf("the extent is %v, %v, want %v", infos[0].Bound, err, want)
	}
	// A blur that is set while an index follows reaches what it has.
	none := incident.BlurDistrict
	if err := st.SetDataset(t.Context(), "d", incident.DatasetChange{Blur: &none}); err != nil {
		t.Fatal(err)
	}
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, in := range storetest.List(t, public, incident.Query{}) {
		if in.Point != units[0].Label {
			t.Errorf("after the change it is at %v", in.Point)
		}
	}
}
