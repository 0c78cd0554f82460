package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sarhad/data/gpkg"
)

// asProgram makes the test binary behave as sarhad itself, for tests that need
// a process of its own.
const asProgram = "SARHAD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	testscript.Main(tests{m}, map[string]func(){"sarhad": main})
}

func TestScripts(t *testing.T) { runScripts(t, "testdata/script", true, func() string { return "" }) }

// runScripts runs the scripts of a folder. inFile says that stores are files;
// database gives each script, in PG, the beginning of the addresses of stores in a database.
func runScripts(t *testing.T, dir string, inFile bool, database func() string) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Condition: func(name string) (bool, error) {
			if name != "gpkg" {
				return false, fmt.Errorf("there is no condition %s", name)
			}
			return inFile, nil
		},
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// brokenfile FILE writes 10,000 rows of which 37 are broken.
			"brokenfile": func(ts *testscript.TestScript, neg bool, args []string) {
				rows, _ := brokenRows()
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(rows), 0o644))
			},
			// brokenrejects FILE holds a rejects file against what is broken in brokenfile.
			"brokenrejects": func(ts *testscript.TestScript, neg bool, args []string) {
				_, want := brokenRows()
				got, err := csv.NewReader(strings.NewReader(ts.ReadFile(args[0]))).ReadAll()
				ts.Check(err)
				if head := strings.Join(got[0][:6], ","); head != "file,line,column,value,code,reason" {
					ts.Fatalf("the rejects begin with %s", head)
				}
				if len(got)-1 != len(want) {
					ts.Fatalf("%d rows are named, %d are broken", len(got)-1, len(want))
				}
				for i, w := range want {
					g := got[i+1]
					if g[1] != strconv.Itoa(w.line) || g[2] != w.column || g[3] != w.value || g[4] != w.code || g[5] == "" {
						ts.Fatalf("named %q, broken is %+v", g[:6], w)
					}
				}
			},
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("PG", database())
			if _, err := exec.LookPath("ogrinfo"); err == nil {
				e.Setenv("HAVE_OGRINFO", "1")
			} else if os.Getenv("CI") != "" {
				return fmt.Errorf("GDAL is needed in CI: %w", err)
			}
			return nil
		},
	})
}

type brokenRow struct {
	line                int
	column, value, code string
}

// brokenRows makes 10,000 rows of which every 270th is broken, in turn in one
// of the ways that files are.
func brokenRows() (file string, broken []brokenRow) {
	var b strings.Builder
	b.WriteString("id,event_date,event_type,actor,fatalities,latitude,longitude,notes\n")
	kinds := []brokenRow{
		{column: "event_date", value: "2025-02-31", code: "bad_date"},
		{column: "event_date", value: "", code: "missing_date"},
		{column: "event_date", value: "04/05/2025", code: "ambiguous_date"},
		{column: "latitude", value: "91.5", code: "coordinate_out_of_range"},
		{column: "longitude", value: "71,1", code: "bad_coordinate"},
		{column: "latitude", value: "", code: "incomplete_coordinates"},
		{column: "fatalities", value: "NaN", code: "bad_number"},
		{column: "fatalities", value: "-3", code: "bad_number"},
		{column: "longitude", value: "NaN", code: "bad_coordinate"},
	}
	for i := range 10_000 {
		cells := map[string]string{"event_date": "2024-03-05", "fatalities": "2", "latitude": "34.1", "longitude": "71.1"}
		if i%270 == 100 {
			k := kinds[len(broken)%len(kinds)]
			k.line = i + 2
			cells[k.column] = k.value
			broken = append(broken, k)
		}
		fmt.Fprintf(&b, "%d,%s,Battles,Somebody,%s,%s,\"%s\",a note\n", i, cells["event_date"], cells["fatalities"], cells["latitude"], cells["longitude"])
	}
	return b.String(), broken
}

func TestBrokenRowsAreThirtySeven(t *testing.T) {
	if _, broken := brokenRows(); len(broken) != 37 {
		t.Fatalf("%d rows are broken", len(broken))
	}
}

func program(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// A load that is killed leaves whole batches and a sound store, and the same
// command makes it whole.
func TestKilledLoadGoesOn(t *testing.T) {
	const rows = 150_000
	dir := t.TempDir()
	file, store := filepath.Join(dir, "in.csv"), filepath.Join(dir, "s.gpkg")
	if out, err := program(t.Context(), t, "generate", "--rows", strconv.Itoa(rows), "--seed", "3", "-o", file).CombinedOutput(); err != nil {
		t.Fatalf("generate: %v\n%s", err, out)
	}
	for attempt, after := range []time.Duration{150 * time.Millisecond, 500 * time.Millisecond, 900 * time.Millisecond} {
		cmd := program(t.Context(), t, "import", "--store", store, "-q", file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(after) // the moment of the kill is the point of the test
		if err := cmd.Process.Kill(); err != nil {
			t.Logf("attempt %d ended before the kill: %v", attempt, err)
		}
		_ = cmd.Wait()
	}
	cmd := program(t.Context(), t, "import", "--store", store, "--json", "-q", file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the load after the kills: %v", err)
	}
	var rep struct{ Read, New, Changed, Unchanged, Rejected int }
	if err := json.Unmarshal(bytes.TrimSpace(out), &rep); err != nil {
		t.Fatalf("report %q: %v", out, err)
	}
	if rep.Read != rows || rep.New+rep.Unchanged != rows || rep.Changed+rep.Rejected != 0 {
		t.Errorf("report %+v", rep)
	}
	st, err := gpkg.Open(t.Context(), store, gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if n, err := st.Count(t.Context(), nil); err != nil || n != rows {
		t.Errorf("%d incidents, %v; want %d", n, err, rows)
	}
	db, err := sql.Open("sqlite3", "file:"+store+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("the store is not sound: %s, %v", sound, err)
	}
}

// An older store is brought up to date, and what its incidents lack until they are loaded again is said, once.
func TestOldStore(t *testing.T) {
	dir := t.TempDir()
	store, file := filepath.Join(dir, "s.gpkg"), filepath.Join(dir, "f.csv")
	if err := os.WriteFile(file, []byte("date,district\n2009-01-01,Khyber\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func() string {
		t.Helper()
		out, err := program(t.Context(), t, "import", "--store", store, file).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	const hint = "until their files are imported again"
	if out := load(); strings.Contains(out, hint) {
		t.Error(out)
	}
	db, err := sql.Open("sqlite3", "file:"+store)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"ALTER TABLE incidents DROP COLUMN unit_then", "ALTER TABLE incidents DROP COLUMN district_then", "ALTER TABLE incidents DROP COLUMN subunit_id", "DELETE FROM migrations WHERE version > 1",
		"DROP TABLE versions", "DROP TABLE links", "DROP TABLE clusters", "DROP TABLE journal", "DROP TABLE tokens", "DROP TABLE audit",
		"DELETE FROM gpkg_contents WHERE table_name IN ('versions', 'links', 'clusters', 'journal', 'audit')", "DELETE FROM meta WHERE key IN ('linked', 'journal_since')",
		"ALTER TABLE imports DROP COLUMN hash", "ALTER TABLE imports DROP COLUMN mapping", "ALTER TABLE imports DROP COLUMN who", "ALTER TABLE imports DROP COLUMN rows_gone",
		"ALTER TABLE datasets DROP COLUMN version", "ALTER TABLE datasets DROP COLUMN accessed", "ALTER TABLE datasets DROP COLUMN public_set",
		"ALTER TABLE datasets DROP COLUMN delay_hours", "ALTER TABLE datasets DROP COLUMN blur",
		"UPDATE incidents SET content_hash = content_hash + 1"} { // which knew nothing of these columns
		if _, err := db.Exec(q); err != nil {
			t.Fatal(q, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out := load(); strings.Count(out, hint) != 1 || !strings.Contains(out, "1 changed") {
		t.Error(out)
	}
	if out := load(); strings.Contains(out, hint) {
		t.Error(out)
	}
}

var servedAt = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)

// serve starts the program and returns its address.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	// The context of a test ends before its clean-up, which is to stop the server by a signal.
	cmd := program(context.Background(), t, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil && runtime.GOOS != "windows" {
			t.Errorf("the server did not stop cleanly: %v", err)
		}
	})
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if m := servedAt.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return "http://" + m[1]
		}
		t.Log(lines.Text())
	}
	t.Fatal("the server did not say where it listens")
	return ""
}

func get(t *testing.T, url string, into any) *http.Response {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("%s: %v\n%s", url, err, body)
		}
	}
	return resp
}

type datasets struct {
	Datasets []struct {
		Name              string
		Count             int
		Sample, Synthetic bool
	}
	Attribution, Border_note string
}

// The demo loads only into a new store, and goes when it is removed.
func TestServeDemo(t *testing.T) {
	store := filepath.Join(t.TempDir(), "s.gpkg")
	t.Run("new", func(t *testing.T) {
		base := serve(t, "--store", store)
		var d datasets
		get(t, base+"/datasets", &d)
		if len(d.Datasets) != 1 || d.Datasets[0].Name != "demo" || !d.Datasets[0].Sample || d.Datasets[0].Count < 16 {
			t.Errorf("datasets %+v", d)
		}
		var items struct {
			NumberMatched int
			Features      []struct {
				Geometry   any
				Properties struct {
					Location_precision, Place_kind, Source_id string
					Unit_id                                   *string
					Fatalities_best                           *int
					Claims                                    []struct{ Claimant string }
				}
			}
		}
		get(t, base+"/collections/incidents/items?limit=1000", &items)
		pins, twoSides := 0, 0
		for _, f := range items.Features {
			p := f.Properties
			if p.Place_kind == "point" {
				pins++
				if p.Location_precision != "settlement" && p.Location_precision != "exact" {
					t.Errorf("%s has a pin though its place is known only to the %s", p.Source_id, p.Location_precision)
				}
			}
			claimants := map[string]bool{}
			for _, c := range p.Claims {
				claimants[c.Claimant] = true
			}
			if len(claimants) > 1 {
				twoSides++
				if p.Fatalities_best != nil {
					t.Errorf("%s has two sides' claims and a best figure of %d", p.Source_id, *p.Fatalities_best)
				}
			}
		}
		if items.NumberMatched != len(items.Features) || twoSides == 0 {
			t.Errorf("%d matched, %d given, %d with two sides", items.NumberMatched, len(items.Features), twoSides)
		}
		t.Logf("%d demo incidents, %d at a settlement", len(items.Features), pins)
	})
	t.Run("removed", func(t *testing.T) {
		if out, err := program(t.Context(), t, "datasets", "remove", "demo", "--store", store).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var d datasets
		get(t, serve(t, "--store", store)+"/datasets", &d)
		if len(d.Datasets) != 0 {
			t.Errorf("the demo came back: %+v", d)
		}
	})
}

// A command-line import beside a running server is shown within a second.
func TestImportBesideAServer(t *testing.T) {
	dir := t.TempDir()
	store, file := filepath.Join(dir, "s.gpkg"), filepath.Join(dir, "list.csv")
	if err := os.WriteFile(file, []byte("id,event_date,latitude,longitude,fatalities\n1,2024-03-05,34.1,71.1,2\n2,2024-03-06,33.9,70.1,\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	base := serve(t, "--store", store, "--no-demo")
	before := get(t, base+"/collections/incidents/items", nil)
	if out, err := program(t.Context(), t, "import", "--store", store, "-q", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var rows struct {
		Rows []struct {
			Count              int
			Fatalities_best    *int
			Fatalities_unknown int
		}
	}
	for deadline := time.Now().Add(time.Second); ; time.Sleep(20 * time.Millisecond) {
		get(t, base+"/aggregates?by=year", &rows)
		if len(rows.Rows) == 1 && rows.Rows[0].Count == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a second: %+v", rows)
		}
	}
	if r := rows.Rows[0]; r.Fatalities_best == nil || *r.Fatalities_best != 2 || r.Fatalities_unknown != 1 {
		t.Errorf("aggregates %+v", r)
	}
	if after := get(t, base+"/collections/incidents/items", nil); after.Header.Get("ETag") == before.Header.Get("ETag") {
		t.Error("the ETag did not change with the data")
	}
}

// The figures that a right loader and a right filter give for the Pakistan file
// of UCDP GED as published on HDX.
func TestRealFile(t *testing.T) {
	file, err := filepath.Abs("../../../shared/data/ucdp_ged_pakistan_1989-2021.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Skipf("the real file is not here (%v); its twin is tested in data/source", err)
	}
	store := filepath.Join(t.TempDir(), "s.gpkg")
	for _, want := range []string{`"read":6416,"new":6416,"changed":0,"unchanged":0,"rejected":0`, `"read":6416,"new":0,"changed":0,"unchanged":6416,"rejected":0`} {
		out, err := program(t.Context(), t, "import", "--store", store, "--json", "-q", file).Output()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%v\n%s\nwant %s", err, out, want)
		}
	}
	base := serve(t, "--store", store)
	var page struct{ NumberMatched, NumberReturned int }
	get(t, base+"/collections/incidents/items?bbox=69,33,71.5,35&datetime=2009-01-01/2009-12-31&limit=1000", &page)
	if page.NumberMatched != 269 || page.NumberReturned != 269 {
		t.Errorf("items %+v, want 269", page)
	}
	var agg struct {
		Rows []struct{ Count, Fatalities_best int }
	}
	get(t, base+"/aggregates?by=year", &agg)
	count, best := 0, 0
	for _, r := range agg.Rows {
		count, best = count+r.Count, best+r.Fatalities_best
	}
	if count != 6416 || best != 43225 {
		t.Errorf("%d incidents with %d deaths, want 6416 with 43225", count, best)
	}
}
