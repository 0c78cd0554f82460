package gpkg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"sarhad/data/storetest"
	"sarhad/incident"
)

var exportColumns = []ExportColumn{
	{"id", "TEXT", func(in *incident.Incident) any { return in.ID }},
	{"start_date", "DATE", func(in *incident.Incident) any { return in.Start.String() }},
	{"fatalities_best", "INTEGER", func(in *incident.Incident) any {
		if !in.Best.Known {
			return nil
		}
		return int64(in.Best.N)
	}},
	{"border_km_min", "DOUBLE", func(in *incident.Incident) any { return in.Border.MinKM }},
	{"synthetic", "BOOLEAN", func(in *incident.Incident) any { return in.Synthetic }},
}

var exportNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func given(list []incident.Incident) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		for i := range list {
			if !yield(&list[i], nil) {
				return
			}
		}
	}
}

func TestExport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd ?name#.gpkg")
	list := storetest.Plain(500, 3)
	list[7].HasPoint = false
	info := ExportInfo{Attribution: "ged: UCDP.\n", Datasets: []incident.Dataset{{Name: "plain", Title: "Plain", Version: "1", AggregatesOnly: true}}, Address: "http://h/x", Now: exportNow}
	if err := Export(t.Context(), path, exportColumns, info, given(list)); err != nil {
		t.Fatal(err)
	}
	c, err := openConn(path, "ro", false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for sql, want := range map[string]any{
		"PRAGMA application_id":                         int64(applicationID),
		"PRAGMA user_version":                           int64(userVersion),
		"PRAGMA integrity_check":                        "ok",
		"SELECT count(*) FROM pragma_foreign_key_check": int64(0),
		"SELECT count(*) FROM incidents":                int64(500),
		"SELECT count(*) FROM rtree_incidents_geom":     int64(499),
		"SELECT count(*) FROM rtree_incidents_geom WHERE rtreecheck('rtree_incidents_geom') = 'ok'": int64(499),
		"SELECT metadata FROM gpkg_metadata": "ged: UCDP.\nSource: http://h/x\n",
		"SELECT +aggregates_only FROM datasets WHERE name = 'plain' AND version = '1' AND terms IS NULL": int64(1),
		"SELECT last_change FROM gpkg_contents WHERE table_name = 'incidents'":                           exportNow,
		"SELECT count(*) FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'":                 int64(1),
		"SELECT count(*) FROM sqlite_master WHERE type = 'trigger'":                                      int64(6),
	} {
		row, err := c.one(t.Context(), sql)
		if err != nil || len(row) == 0 || fmt.Sprint(row[0]) != fmt.Sprint(want) {
			t.Errorf("%s: %v %v, want %v", sql, row, err, want)
		}
	}
	// The tree finds what lies in a box, and nothing else is found in it.
	n := 0
	for i := range list {
		if p := list[i].Point; list[i].HasPoint && p[0] >= 65 && p[0] <= 70 && p[1] >= 30 && p[1] <= 34 {
			n++
		}
	}
	got, err := c.integer(t.Context(), "SELECT count(*) FROM rtree_incidents_geom WHERE minx <= 70 AND maxx >= 65 AND miny <= 34 AND maxy >= 30")
	if err != nil || int(got) != n {
		t.Errorf("%v: %d in the box, want %d", err, got, n)
	}
	if err := Export(t.Context(), path, exportColumns, info, given(list)); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("over a file: %v", err)
	}
	if _, err := Open(t.Context(), path, Options{}); incident.CodeOf(err) != incident.CodeInvalid {
		t.Errorf("an export is no store: %v", err)
	}
}

func TestExportFails(t *testing.T) {
	dir := t.TempDir()
	list := storetest.Plain(2000, 3)
	broken := errors.New("broken")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	for name, c := range map[string]struct {
		ctx  context.Context
		path string
		want error
		seq  iter.Seq2[*incident.Incident, error]
	}{
		"a store that fails": {t.Context(), filepath.Join(dir, "a"), broken, func(yield func(*incident.Incident, error) bool) {
			for i := range list {
				if !yield(&list[i], nil) {
					t.Error("it gives up")
					return
				}
			}
			yield(nil, broken)
		}},
		"one who gives up": {ctx, filepath.Join(dir, "b"), context.Canceled, func(yield func(*incident.Incident, error) bool) {
			for i := range list {
				if i == 500 {
					stop()
				}
				if i > 1000 {
					t.Error("it goes on")
				}
				if !yield(&list[i], nil) {
					return
				}
			}
		}},
	} {
		if err := Export(c.ctx, c.path, exportColumns, ExportInfo{Now: exportNow}, c.seq); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Export(t.Context(), filepath.Join(dir, "no", "where"), exportColumns, ExportInfo{Now: exportNow}, given(nil)); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("no folder: %v", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// GDAL reads geometry, count and types, and finds nothing wrong.
func TestGDALReadsExport(t *testing.T) {
	storetest.NeedGDAL(t, "ogrinfo")
	path := filepath.Join(t.TempDir(), "x.gpkg")
	if err := Export(t.Context(), path, exportColumns, ExportInfo{Attribution: "whose it is", Now: exportNow}, given(storetest.Plain(300, 3))); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd := exec.Command("ogrinfo", "-ro", "-so", path, "incidents")
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v: %s", err, errs.String())
	}
	for _, want := range []string{"Geometry: Point", "Feature Count: 300", "start_date: Date", "fatalities_best: Integer64", "border_km_min: Real", "synthetic: Integer(Boolean)", `ID["EPSG",4326]`, "Geometry Column = geom"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	// Its own editor keeps the index right.
	cmd = exec.Command("ogrinfo", path, "-sql", "DELETE FROM incidents WHERE fid > 100")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c, err := openConn(path, "ro", false)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if n, err := c.integer(t.Context(), "SELECT count(*) FROM rtree_incidents_geom"); err != nil || n != 100 {
		t.Errorf("%d in the index after an edit, %v", n, err)
	}
}

func TestExportMemoryIsFlat(t *testing.T) {
	rows := 100_000
	if testing.Short() {
		rows = 10_000
	}
	some := storetest.Plain(1000, 1)
	var most, before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	err := Export(t.Context(), filepath.Join(t.TempDir(), "x.gpkg"), exportColumns, ExportInfo{Now: exportNow}, func(yield func(*incident.Incident, error) bool) {
		for i := range rows {
			if !yield(&some[i%len(some)], nil) {
				return
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&most)
	})
	if grown := int64(most.HeapAlloc) - int64(before.HeapAlloc); err != nil || grown > 16<<20 {
		t.Errorf("%v: the heap grows by %d bytes", err, grown)
	}
}
