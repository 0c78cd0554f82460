package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sarhad/data/storetest"
)

// served is a feature as the test reads it, to filter it in the simplest way.
type served struct {
	Geometry *struct{ Coordinates json.RawMessage }
	// Properties of the collections that are compared.
	Properties struct {
		FID        int
		ID         string
		Name       string
		Detail     string
		Start_date string
		District   *string
	}
}

// everything reads a collection page by page.
func everything(t *testing.T, base, collection string) []served {
	t.Helper()
	var all []served
	next := base + "/collections/" + collection + "/items?limit=700"
	for next != "" {
		var page struct {
			Features []served
			Links    []struct{ Rel, Href string }
		}
		get(t, next, &page)
		all = append(all, page.Features...)
		next = ""
		for _, l := range page.Links {
			if l.Rel == "next" {
				next = l.Href
			}
		}
	}
	return all
}

// ogr reads a collection with GDAL and gives one field of its features, sorted.
func ogr(t *testing.T, base, collection, field string, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ogr2ogr", append([]string{"-f", "CSV", "/vsistdout/", "OAPIF:" + base, collection, "-oo", "PAGE_SIZE=500"}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || strings.Contains(said.String(), "ERROR") {
		t.Fatalf("ogr2ogr %s %v: %v\n%s", collection, args, err, said.String())
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("ogr2ogr %s %v gives no table: %v", collection, args, err)
	}
	at := slices.Index(rows[0], field)
	if at < 0 {
		t.Fatalf("ogr2ogr %s has no field %s: %v", collection, field, rows[0])
	}
	var values []string
	for _, r := range rows[1:] {
		values = append(values, r[at])
	}
	slices.Sort(values)
	return values
}

// GDAL reads the collections over HTTP, all of them and by box and time, and
// gets what a filter of everything gives.
func TestGDALReadsTheAPI(t *testing.T) {
	storetest.NeedGDAL(t, "ogr2ogr", "ogrinfo")
	dir := t.TempDir()
	store, file := filepath.Join(dir, "s.gpkg"), filepath.Join(dir, "g.csv")
	must(t, "generate", "--rows", "3000", "--seed", "6", "-o", file)
	must(t, "import", "--store", store, "--quiet", file)
	base := serve(t, "--store", store, "--no-demo")
	all := everything(t, base, "incidents")
	if len(all) != 3000 {
		t.Fatalf("the server gives %d incidents", len(all))
	}

	info, err := exec.CommandContext(t.Context(), "ogrinfo", "-ro", "-so", "OAPIF:"+base, "incidents").CombinedOutput()
	if err != nil || !strings.Contains(string(info), "Feature Count: 3000") || !strings.Contains(string(info), "Geometry: Point") {
		t.Errorf("ogrinfo: %v\n%s", err, info)
	}

	type question struct {
		name  string
		args  []string
		match func(f *served, lon, lat float64, point bool) bool
	}
	day := func(f *served) string { return f.Properties.Start_date }
	box := func(w, s, e, n float64) []string {
		return []string{"-spat", fmt.Sprint(w), fmt.Sprint(s), fmt.Sprint(e), fmt.Sprint(n)}
	}
	for _, q := range []question{
		{"everything", nil, func(*served, float64, float64, bool) bool { return true }},
		{"a box", box(70, 33, 71, 34), func(_ *served, lon, lat float64, point bool) bool {
			return point && lon >= 70 && lon <= 71 && lat >= 33 && lat <= 34
		}},
		{"an empty box", box(0, 0, 1, 1), func(*served, float64, float64, bool) bool { return false }},
		{"from a day", []string{"-where", "start_date >= '2015/01/01'"}, func(f *served, _, _ float64, _ bool) bool { return day(f) >= "2015-01-01" }},
		{"a year", []string{"-where", "start_date >= '2014/01/01' AND start_date <= '2014/12/31'"}, func(f *served, _, _ float64, _ bool) bool {
			return day(f) >= "2014-01-01" && day(f) <= "2014-12-31"
		}},
		{"a box and a time", append(box(68, 31, 72, 35), "-where", "start_date >= '2012/06/15' AND start_date <= '2019/03/01'"), func(f *served, lon, lat float64, point bool) bool {
			return point && lon >= 68 && lon <= 72 && lat >= 31 && lat <= 35 && day(f) >= "2012-06-15" && day(f) <= "2019-03-01"
		}},
		{"a district", []string{"-where", "district = 'Kurram'"}, func(f *served, _, _ float64, _ bool) bool {
			return f.Properties.District != nil && *f.Properties.District == "Kurram"
		}},
	} {
		t.Run(q.name, func(t *testing.T) {
			want := []string{}
			for i := range all {
				var at []float64
				if g := all[i].Geometry; g != nil {
					if err := json.Unmarshal(g.Coordinates, &at); err != nil {
						t.Fatal(err)
					}
				} else {
					at = []float64{0, 0}
				}
				if q.match(&all[i], at[0], at[1], all[i].Geometry != nil) {
					want = append(want, strconv.Itoa(all[i].Properties.FID))
				}
			}
			slices.Sort(want)
			got := ogr(t, base, "incidents", "fid", q.args...)
			if !slices.Equal(got, want) && len(got)+len(want) > 0 {
				t.Errorf("GDAL reads %d, a filter of everything gives %d", len(got), len(want))
			}
			t.Logf("%d incidents", len(want))
		})
	}

	for collection, field := range map[string]string{"units": "name", "border": "detail", "crossings": "name", "periods": "name"} {
		want := []string{}
		for _, f := range everything(t, base, collection) {
			want = append(want, map[string]string{"name": f.Properties.Name, "detail": f.Properties.Detail}[field])
		}
		slices.Sort(want)
		if got := ogr(t, base, collection, field); !slices.Equal(got, want) {
			t.Errorf("GDAL reads of %s %v, want %v", collection, got, want)
		}
	}
}
