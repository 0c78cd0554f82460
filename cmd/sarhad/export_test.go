package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sarhad/api"
	"sarhad/data/export"
	"sarhad/data/gpkg"
	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// randomWorld are incidents of the contract of stores as files can have them:
// without NUL, with figures of people and claims that name a source there is.
func randomWorld(n int) []incident.Incident {
	var list []incident.Incident
	seen := map[string]bool{}
	gen := storetest.Incidents()
	clamp := func(f *incident.Figure) { f.N = min(f.N, 999_999_999) }
	for seed := 1; len(list) < n; seed++ {
		in := gen.Example(seed)
		in.SourceID += fmt.Sprint("-", seed)
		in.ID = incident.ID(in.Dataset, in.SourceID)
		if seen[in.ID] {
			continue
		}
		seen[in.ID] = true
		eachText(&in, func(s *string) { *s = strings.ReplaceAll(*s, "\x00", "\x01") })
		for _, f := range []*incident.Figure{&in.Low, &in.Best, &in.High, &in.DeathsA, &in.DeathsB, &in.DeathsCivilians, &in.DeathsUnknown} {
			clamp(f)
		}
		for i := range in.Claims {
			if in.Claims[i].Source >= len(in.Sources) {
				in.Claims[i].Source = -1
			}
		}
		if in.Place.Kind == "" {
			in.Place.Kind = incident.PlaceNone // both mean the same
		}
		list = append(list, in)
	}
	hostile := []string{"=cmd|' /C calc'!A0", "'=1+1", "'quoted'", "+92 300", "-", "@x", "\t=1", "\r\n", "\"", "\"\"\"", "a,b;c\td|e", "line\nline\r\nline\r", " blanks ", "\u202eمتن\u202c", "\ufeff", "null", "NULL", "0", "[]", "[1]", "{}",
		"\x01\x02\x1e\x1f\x7f", "</script>", "۱۲۳", "😀", strings.Repeat("long \"text\"\n", 20_000), ownLine()}
	for i, s := range hostile {
		in := storetest.Plain(1, uint64(i))[0]
		in.Dataset, in.SourceID = "field list", fmt.Sprint("hostile ", i, s[:min(len(s), 20)])
		in.ID = incident.ID(in.Dataset, in.SourceID)
		in.Actor1, in.Actor2, in.Summary, in.EventTypeText, in.LocationName, in.LocationText, in.Clarity = s, s+"x", s, s, s, s, s
		in.District, in.Province, in.Dyad, in.LocationPrecisionCode = s, s, s, s
		in.AssocActors, in.Candidates = []string{s, "", s}, []string{s}
		in.Sources = []incident.Source{{Publisher: s, Title: s, URL: s, Date: s, Language: s, IsParty: true}}
		in.Claims = []incident.Claim{{Quantity: s, About: s, Best: incident.Known(0), Claimant: s, Quote: s, Source: 0}, {Source: -1, Quote: s}}
		if len(s) > 100 {
			in.Sources, in.Claims, in.AssocActors, in.Candidates = nil, nil, nil, nil // a record has 1 MB at most
			in.Actor1, in.Actor2, in.LocationName, in.LocationText, in.Clarity, in.District, in.Province, in.Dyad, in.LocationPrecisionCode, in.EventTypeText = "", "", "", "", "", "", "", "", "", ""
			in.SourceID = fmt.Sprint("long ", i)
			in.ID = incident.ID(in.Dataset, in.SourceID)
		}
		list = append(list, in)
	}
	return list
}

func eachText(in *incident.Incident, do func(*string)) {
	for _, s := range []*string{&in.Actor1, &in.Actor2, &in.Dyad, &in.EventTypeText, &in.Province, &in.District, &in.PCode, &in.DistrictThen, &in.LocationName, &in.LocationText, &in.Summary} {
		do(s)
	}
	for _, l := range [][]string{in.AssocActors, in.Warnings} {
		for i := range l {
			do(&l[i])
		}
	}
	for i := range in.Claims {
		c := &in.Claims[i]
		for _, s := range []*string{&c.Quantity, &c.About, &c.Qualifier, &c.Claimant, &c.ClaimantRole, &c.Quote, &c.Language} {
			do(s)
		}
	}
	for i := range in.Sources {
		s := &in.Sources[i]
		for _, s := range []*string{&s.Publisher, &s.Title, &s.URL, &s.Date, &s.Language} {
			do(s)
		}
	}
}

func emptyStore(tb testing.TB) *gpkg.Store {
	tb.Helper()
	st, err := gpkg.Open(tb.Context(), filepath.Join(tb.TempDir(), "s.gpkg"), gpkg.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = st.Close() })
	return st
}

// sets are the datasets of the random world.
var sets = []incident.Dataset{
	{Name: "acled", Title: "ACLED", Attribution: "ACLED", Terms: "no single rows", AggregatesOnly: true},
	{Name: "field list", Title: "A \"field\" list", Licence: "CC0", Attribution: "=us", Version: "7", Accessed: "2026-01-02", Sample: true},
	{Name: "ged", Title: "GED", Licence: "CC BY 4.0", Attribution: "UCDP"},
}

func filled(tb testing.TB, list []incident.Incident) *gpkg.Store {
	tb.Helper()
	st := emptyStore(tb)
	for _, set := range sets {
		load, err := st.Begin(tb.Context(), incident.Import{Dataset: set})
		if err != nil {
			tb.Fatal(err)
		}
		var mine []incident.Incident
		for _, in := range list {
			if in.Dataset == set.Name {
				mine = append(mine, in)
			}
		}
		if _, err := load.Put(tb.Context(), mine); err != nil {
			tb.Fatal(err)
		}
		if err := load.Finish(tb.Context(), ""); err != nil {
			tb.Fatal(err)
		}
	}
	return st
}

func byID(tb testing.TB, st incident.Reader) map[string]incident.Incident {
	tb.Helper()
	m := map[string]incident.Incident{}
	for in, err := range st.Incidents(tb.Context(), incident.Query{}) {
		if err != nil {
			tb.Fatal(err)
		}
		c := *in
		c.AssocActors, c.Candidates, c.Claims, c.Sources, c.Place.Units = slices.Clone(in.AssocActors), slices.Clone(in.Candidates), slices.Clone(in.Claims), slices.Clone(in.Sources), slices.Clone(in.Place.Units)
		m[in.ID] = c
	}
	return m
}

// same compares two stores in everything but what an import writes itself.
func same(t *testing.T, got, want map[string]incident.Incident) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d incidents came back, want %d", len(got), len(want))
	}
	wrong := 0
	for id, w := range want {
		d := cmp.Diff(w, got[id], cmpopts.IgnoreFields(incident.Incident{}, "FID", "File", "Line", "Warnings"), cmpopts.EquateEmpty())
		if d != "" && wrong < 3 {
			t.Errorf("%s %s (-want +got):\n%.2000s", w.Dataset, w.SourceID, d)
			wrong++
		}
	}
}

// importAll loads a file and whatever other datasets it holds, with nothing that places incidents.
func importAll(t *testing.T, file string, st incident.Store) {
	t.Helper()
	parts := []string{""}
	for i := 0; i < len(parts); i++ {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		of := &source.Several{Want: parts[i]}
		src, err := source.Open(f, source.Options{File: file, Path: file, Several: of})
		if err != nil {
			t.Fatal(err)
		}
		r, err := ingest.Run(t.Context(), ingest.Options{Source: src, File: filepath.Base(file), Store: st})
		if err != nil || r.Rejected > 0 {
			t.Fatalf("%v: %d refused: %.1000v", err, r.Rejected, r.Rejects)
		}
		f.Close()
		if i == 0 {
			parts = append(parts, of.Others...)
		}
	}
}

// Whatever is stored comes back from every format that can carry it, to the last field.
func TestExportsComeBack(t *testing.T) {
	n := 1500
	if testing.Short() {
		n = 300
	}
	st := filled(t, randomWorld(n))
	want := byID(t, st)
	encode := api.FeatureEncoder(nil)
	info := export.Info{Datasets: sets, Note: "Note.", Address: "http://h/x"}
	tagged, marked := info, info
	tagged.HXL, marked.BOM = true, true
	type seq = iter.Seq2[*incident.Incident, error]
	for name, write := range map[string]func(w io.Writer, in seq) error{
		"a.csv":         func(w io.Writer, in seq) error { return export.CSV(w, info, in) },
		"tagged.csv":    func(w io.Writer, in seq) error { return export.CSV(w, tagged, in) },
		"marked.csv":    func(w io.Writer, in seq) error { return export.CSV(w, marked, in) },
		"a.geojson":     func(w io.Writer, in seq) error { return export.GeoJSON(w, info, encode, in) },
		"rs.geojsonseq": func(w io.Writer, in seq) error { return export.GeoJSONSeq(w, encode, true, in) },
		"nl.geojsonl":   func(w io.Writer, in seq) error { return export.GeoJSONSeq(w, encode, false, in) },
		"a.gpkg":        func(w io.Writer, in seq) error { return newPackages().send(t.Context(), w, info, in) },
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), name)
			f, err := os.Create(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(write(f, st.Incidents(t.Context(), incident.Query{})), f.Close()); err != nil {
				t.Fatal(err)
			}
			back := emptyStore(t)
			importAll(t, file, back)
			same(t, byID(t, back), want)
			if name != "a.geojson" && name != "a.gpkg" {
				return // the others say nothing of datasets but their names
			}
			got, err := back.Datasets(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if d := cmp.Diff(sets[i], got[i].Dataset); d != "" {
					t.Errorf("dataset (-want +got):\n%s", d)
				}
			}
		})
	}
}

// Texts drawn at random, not from a list, come back from a CSV.
func TestTextsComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.ReplaceAll(rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("'=+-@,;\"\r\n\t |[]{}a1\ufeff")))).Draw(t, "s"), "\x00", "")
		})
		var list []incident.Incident
		for i := range 3 {
			in := storetest.Plain(1, uint64(i))[0]
			in.Summary, in.Actor1, in.LocationName = text.Draw(rt, "summary"), text.Draw(rt, "actor"), text.Draw(rt, "place")
			in.AssocActors = rapid.SliceOfN(text, 0, 3).Draw(rt, "actors")
			list = append(list, in)
		}
		var b bytes.Buffer
		if err := export.CSV(&b, export.Info{}, func(yield func(*incident.Incident, error) bool) {
			for i := range list {
				if !yield(&list[i], nil) {
					return
				}
			}
		}); err != nil {
			rt.Fatal(err)
		}
		r, err := source.Open(&b, source.Options{File: "x.csv"})
		if err != nil {
			rt.Fatal(err)
		}
		for i := range list {
			row, err := r.Next()
			if err != nil || row.Rejected != nil {
				rt.Fatalf("%v %+v", err, row)
			}
			if d := cmp.Diff(list[i], row.Incident, cmpopts.IgnoreFields(incident.Incident{}, "FID", "File", "Line", "Warnings"), cmpopts.EquateEmpty()); d != "" {
				rt.Fatal(d)
			}
		}
	})
}

// The command writes what the command import reads: two datasets, placed by the geocoder.
func TestExportCommand(t *testing.T) {
	dir := t.TempDir()
	sarhad := func(want int, args ...string) (string, string) {
		t.Helper()
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, strings.NewReader(""), &out, &errs); code != want {
			t.Fatalf("sarhad %v: exit %d, want %d\n%s", args, code, want, errs.String())
		}
		return out.String(), errs.String()
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	table := "id,date,country,province,district,lat,lon,notes,event_type\n" +
		"1,2020-01-01,PK,Khyber Pakhtunkhwa,Dir,,,x,Battles\n2,2020-01-01,PK,Khyber Pakhtunkhwa,Xyzzy,,,=1+1,Shoot-out\n3,2020-01-01,PK,Balochistan,Kurram,,,x,\n8,2020-01-01,PK,,,33.85,70.1,x,\n" +
		"11,2009-01-01,PK,FATA,South Waziristan,,,x,\n13,2009-01-01,PK,FATA,FR Bannu,,,x,\n15,2015-01-01,AF,Nangarhar,Achin,,,x,\n6,2020-01-01,,Kandahar,,,,x,\n"
	if err := os.WriteFile(in("table.csv"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in("closed.csv"), []byte("id,date,country,district\n1,2021-02-03,PK,Kurram\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := "--store=" + in("s.gpkg")
	sarhad(0, "import", "-q", s, in("table.csv"))
	sarhad(0, "import", "-q", s, "--dataset", "acled", in("closed.csv"))
	sarhad(0, "import", "-q", s, "--dataset", "second", in("closed.csv"))
	read := func(path string) map[string]incident.Incident {
		t.Helper()
		st, err := gpkg.Open(t.Context(), path, gpkg.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		return byID(t, st)
	}
	want := read(in("s.gpkg"))
	for id, i := range want {
		if i.Dataset == "acled" {
			delete(want, id)
		}
	}
	if len(want) != 9 {
		t.Fatalf("%d incidents", len(want))
	}
	for _, format := range []string{"csv", "geojson", "geojsonseq", "gpkg"} {
		file, back := in("out."+format), in(format+".back.gpkg")
		_, said := sarhad(0, "export", s, "--format", format, "-o", file)
		if !strings.Contains(said, "9 incidents") || !strings.Contains(said, "acled") {
			t.Errorf("it says %s", said)
		}
		sarhad(0, "import", "-q", "--store="+back, file)
		same(t, read(back), want)
	}
	if left, err := filepath.Glob(in(".sarhad-export-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	for _, c := range []struct {
		lines int
		args  []string
	}{
		{10, nil}, {11, []string{"--include-withheld"}}, {2, []string{"--dataset", "second"}}, {3, []string{"--dataset", "second", "--hxl"}}, {2, []string{"--datetime", "2015-01-01"}},
		{2, []string{"--unit", "af-nan"}}, {2, []string{"--bbox=70,33.8,70.2,33.9"}}, {1, []string{"--event-type", "Riots"}}, {10, []string{"--sub-event-type", "none"}}, {1, []string{"--sub-event-type", "Armed clash"}}, {2, []string{"--q", "=1+1"}},
		{2, []string{"--filter", "dataset = 'second'"}}, {3, []string{"--filter", `{"op":"in","args":[{"property":"source_id"},["1","2"]]}`, "--dataset", "table"}},
	} {
		out, _ := sarhad(0, append([]string{"export", s, "--format", "csv"}, c.args...)...)
		if n := strings.Count(out, "\r\n"); n != c.lines {
			t.Errorf("%v: %d lines, want %d:\n%s", c.args, n, c.lines, out)
		}
	}
	before, err := os.ReadFile(in("out.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--format", "gpkg"}, {"--format", "csv", "--unit", "x"}, {"--format", "kml", "--hxl"}, {"--format", "csv", "--datetime", "then", "-o", in("out.csv")},
		{"--format", "gpkg", "-o", in("s.gpkg")}, {"--format", "xls"}, {"--format", "csv", "--filter", "dataset = "}, {"--format", "csv", "--filter", "{"}} {
		sarhad(exitUsage, append([]string{"export", s}, args...)...)
	}
	if after, err := os.ReadFile(in("out.csv")); err != nil || !bytes.Equal(before, after) {
		t.Error("a failed export changed the file")
	}
	sarhad(exitFailed, "export", "--store="+in("none.gpkg"), "--format", "csv")
	sarhad(exitFailed, "export", s, "--format", "csv", "-o", in("no/where.csv"))
}

// The server gives out the same files as the command.
func TestServedExports(t *testing.T) {
	st := filled(t, randomWorld(50))
	h, err := api.New(api.Config{Reader: st, Exports: exportFormats(nil), BorderNote: "Note."})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	want := byID(t, st)
	for id, in := range want {
		if in.Dataset == "acled" {
			delete(want, id)
		}
	}
	t.Setenv("TMPDIR", t.TempDir())
	for _, format := range []string{"csv", "geojsonall", "geojsonseq", "gpkg", "kml"} {
		res, err := http.Get(srv.URL + "/collections/incidents/items?f=" + format)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Sarhad-Withheld") != "acled" || !strings.Contains(res.Header.Get("Content-Disposition"), "."+strings.TrimSuffix(format, "all")+`"`) {
			t.Fatalf("%s: %v %d %v %.300s", format, err, res.StatusCode, res.Header, body)
		}
		if format == "kml" {
			if !bytes.Contains(body, []byte("CC BY 4.0")) || bytes.Count(body, []byte("<Placemark>")) != len(want) {
				t.Errorf("%.500s", body)
			}
			continue
		}
		file := filepath.Join(t.TempDir(), "x."+strings.TrimSuffix(format, "all"))
		if err := os.WriteFile(file, body, 0o644); err != nil {
			t.Fatal(err)
		}
		back := emptyStore(t)
		importAll(t, file, back)
		same(t, byID(t, back), want)
	}
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "sarhad-export-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := newPackages().send(ctx, io.Discard, export.Info{}, st.Incidents(ctx, incident.Query{})); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

// ownLine is a text of several lines that look like rows of an export themselves.
func ownLine() string {
	var b bytes.Buffer
	list := storetest.Plain(3, 9)
	_ = export.CSV(&b, export.Info{}, func(yield func(*incident.Incident, error) bool) {
		for i := range list {
			if !yield(&list[i], nil) {
				return
			}
		}
	})
	return b.String()
}
