package gpkg_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

var (
	square  = orb.MultiPolygon{{{{70, 33}, {71, 33}, {71, 34}, {70, 34}, {70, 33}}}}
	options = gpkg.Options{
		Units:     []geo.Unit{{ID: "pk-kp-kurram", Name: "Kurram", Kind: "district", Country: "PK", Geometry: square, Label: orb.Point{70.5, 33.5}}},
		Border:    orb.LineString{{61, 29}, {66, 31}, {71, 36}},
		Crossings: []geo.Crossing{{Name: "Torkham", Point: orb.Point{71.09, 34.12}}, {Name: "Chaman", Point: orb.Point{66.45, 30.92}}},
		Now:       func() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) },
	}
	plain = incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "plain.csv", Layout: "table"}
)

func closeStore(t testing.TB, s *gpkg.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// query runs one statement of another program on a file.
func query(t testing.TB, path, q string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var v any
	if err := db.QueryRow(q).Scan(&v); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%s: %v", q, err)
	}
	return fmt.Sprint(v)
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gpkg")
	s := open(t, path, options)
	if !s.Created() {
		t.Error("a new store does not say so")
	}
	all := storetest.Plain(1500, 1)
	storetest.Load(t, s, plain, 500, all)
	// After a load the file alone is whole.
	if st, err := os.Stat(path + "-wal"); err == nil && st.Size() > 0 {
		t.Errorf("after a load the log has %d bytes", st.Size())
	}
	if _, err := os.Stat(path + "-load"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock file stayed: %v", err)
	}
	change, err := s.Change(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	closeStore(t, s) // a second time does nothing
	if _, err := s.Count(t.Context(), nil); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("a closed store answers with %v", err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after closing there is a log: %v", err)
	}

	more := options
	more.Crossings = more.Crossings[:1]
	s = open(t, path, more)
	defer closeStore(t, s)
	if s.Created() {
		t.Error("a store that was there says it is new")
	}
	if n, err := s.Count(t.Context(), nil); n != 1500 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if c, err := s.Change(t.Context()); c != change || err != nil {
		t.Errorf("opening moved the change number from %d to %d, %v", change, c, err)
	}
	if n := query(t, path, "SELECT count(*) FROM crossings"); n != "1" {
		t.Errorf("crossings that changed: %s", n)
	}
	if got := query(t, path, "SELECT state || rows_new || started FROM imports"); got != "done15002026-11-22T10:00:00.000Z" {
		t.Errorf("the record of the import: %s", got)
	}
}

// A store of the first version opens with its rows, a reload of what it holds changes nothing, and it takes what is new.
func TestFirstVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.gpkg")
	all := storetest.Plain(300, 7)
	all[9].Warnings = []string{"district_mismatch"}
	s := open(t, path, options)
	storetest.Load(t, s, plain, 100, all)
	want := storetest.List(t, s, incident.Query{})
	closeStore(t, s)
	for _, c := range []string{"unit_then", "district_then", "subunit_id"} {
		query(t, path, "ALTER TABLE incidents DROP COLUMN "+c)
	}
	for _, q := range []string{
		"DROP TABLE versions", "DELETE FROM gpkg_contents WHERE table_name = 'versions'",
		"DROP TABLE links", "DROP TABLE clusters", "DROP TABLE journal", "DELETE FROM gpkg_contents WHERE table_name IN ('links', 'clusters', 'journal')", "DELETE FROM meta WHERE key IN ('linked', 'journal_since')",
		"DROP TABLE tokens", "DROP TABLE audit", "DELETE FROM gpkg_contents WHERE table_name = 'audit'", "ALTER TABLE datasets DROP COLUMN delay_hours", "ALTER TABLE datasets DROP COLUMN blur",
		"ALTER TABLE imports DROP COLUMN hash", "ALTER TABLE imports DROP COLUMN mapping", "ALTER TABLE imports DROP COLUMN who", "ALTER TABLE imports DROP COLUMN rows_gone",
		"ALTER TABLE datasets DROP COLUMN version", "ALTER TABLE datasets DROP COLUMN accessed", "ALTER TABLE datasets DROP COLUMN public_set",
	} {
		query(t, path, q)
	}
	query(t, path, "DELETE FROM migrations WHERE version > 1")

	if _, err := gpkg.Open(t.Context(), path, gpkg.Options{ReadOnly: true}); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("read as it is: %v", err)
	}
	s = open(t, path, options)
	defer closeStore(t, s)
	if got := storetest.List(t, s, incident.Query{}); !reflect.DeepEqual(got, want) {
		t.Error("the rows are not what they were")
	}
	all[0].UnitThen, all[0].DistrictThen, all[1].Subunit = "pk-kp-khyber-agency", "Khyber Agency", "pk-kp-khyber-landi-kotal"
	if r := storetest.Load(t, s, plain, 100, all); r.Changed != 2 || r.Unchanged != 298 {
		t.Errorf("%+v", r)
	}
	got := storetest.List(t, s, incident.Query{Filter: incident.Compare{Property: "unit_then", Op: incident.Eq, Value: incident.TextValue("pk-kp-khyber-agency")}})
	if len(got) != 1 || got[0].DistrictThen != "Khyber Agency" {
		t.Errorf("%+v", got)
	}
}

func TestRefusesWhatIsNoStore(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	other := filepath.Join(dir, "other.db")
	query(t, other, "CREATE TABLE t (a); SELECT 1")
	othergpkg := filepath.Join(dir, "other.gpkg")
	query(t, othergpkg, "PRAGMA application_id = 1196444487")
	query(t, othergpkg, "CREATE TABLE gpkg_contents (a)")
	newer := filepath.Join(dir, "newer.gpkg")
	closeStore(t, open(t, newer, gpkg.Options{}))
	query(t, newer, "INSERT INTO migrations VALUES (99, 'x', '')")
	for _, c := range []struct {
		path string
		code incident.Code
	}{
		{write("text.csv", bytes.Repeat([]byte("id,date\n"), 300)), incident.CodeInvalid},
		{write("short", []byte("x")), incident.CodeInvalid},
		{other, incident.CodeInvalid},
		{othergpkg, incident.CodeInvalid},
		{dir, incident.CodeInvalid},
		{newer, incident.CodeUnavailable},
		{filepath.Join(dir, "no", "such", "folder.gpkg"), incident.CodeUnavailable},
	} {
		before, _ := os.ReadFile(c.path)
		for _, opt := range []gpkg.Options{{}, options} {
			s, err := gpkg.Open(t.Context(), c.path, opt)
			if incident.CodeOf(err) != c.code {
				t.Errorf("%s: %v, want %s", c.path, err, c.code)
			}
			if s != nil {
				t.Errorf("%s gave a store", c.path)
			}
		}
		if after, _ := os.ReadFile(c.path); !bytes.Equal(before, after) {
			t.Errorf("%s was altered", c.path)
		}
	}
	if _, err := gpkg.Open(t.Context(), filepath.Join(dir, "none.gpkg"), gpkg.Options{ReadOnly: true}); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("reading a store that is not there: %v", err)
	}
	if have, want, err := gpkg.MigrationStatus(t.Context(), newer); have != 99 || want == 0 || err != nil {
		t.Errorf("status of a newer store: %d, %d, %v", have, want, err)
	}
	if have, _, err := gpkg.MigrationStatus(t.Context(), filepath.Join(dir, "none.gpkg")); have != 0 || err != nil {
		t.Errorf("status of no store: %d, %v", have, err)
	}
	// An empty file becomes a store.
	s := open(t, write("empty.gpkg", nil), gpkg.Options{})
	if !s.Created() {
		t.Error("an empty file was not made a store")
	}
	closeStore(t, s)
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gpkg")
	s := open(t, path, options)
	storetest.Load(t, s, plain, 500, storetest.Plain(100, 1))
	closeStore(t, s)
	r := open(t, path, gpkg.Options{ReadOnly: true})
	defer closeStore(t, r)
	if n, err := r.Count(t.Context(), nil); n != 100 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := r.Begin(t.Context(), plain); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("a load into a read-only store: %v", err)
	}
	if _, err := r.RemoveDataset(t.Context(), "plain"); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("removing from a read-only store: %v", err)
	}
	if _, err := r.Undo(t.Context(), 1); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("undoing in a read-only store: %v", err)
	}
	if list, err := r.Imports(t.Context(), "plain"); len(list) != 1 || list[0].New != 100 || list[0].Ended.IsZero() || err != nil {
		t.Errorf("imports of a read-only store: %+v, %v", list, err)
	}
}

// Two stores on one file stand for two processes: the locks between processes
// hold between two openings of a file.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gpkg")
	opt := gpkg.Options{BusyTimeout: 150 * time.Millisecond}
	a, b := open(t, path, opt), open(t, path, opt)
	defer closeStore(t, a)
	defer closeStore(t, b)
	all := storetest.Plain(3000, 1)
	l, err := a.Begin(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	before, err := b.Change(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put(t.Context(), all[:2000]); err != nil {
		t.Fatal(err)
	}
	if after, err := b.Change(t.Context()); after <= before || err != nil {
		t.Errorf("the other process sees change %d after %d, %v", after, before, err)
	}
	for _, s := range []*gpkg.Store{a, b} {
		start := time.Now()
		if _, err := s.Begin(t.Context(), plain); incident.CodeOf(err) != incident.CodeUnavailable {
			t.Errorf("a second load: %v", err)
		}
		if d := time.Since(start); d < 100*time.Millisecond || d > 3*time.Second {
			t.Errorf("a second load waited %v", d)
		}
		if _, err := s.RemoveDataset(t.Context(), "plain"); incident.CodeOf(err) != incident.CodeUnavailable {
			t.Errorf("removing during a load: %v", err)
		}
		if _, err := s.Undo(t.Context(), l.ID()); incident.CodeOf(err) != incident.CodeConflict {
			t.Errorf("undoing a load that runs: %v", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Begin(ctx, plain); !errors.Is(err, context.Canceled) {
		t.Errorf("a load that nobody waits for: %v", err)
	}
	// A process that opens the store during a load leaves its unfinished work alone.
	c := open(t, path, opt)
	if n, err := c.Count(t.Context(), nil); n != 2000 || err != nil {
		t.Errorf("a third process counts %d, %v", n, err)
	}
	closeStore(t, c)
	if _, err := l.Put(t.Context(), all[2000:]); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	storetest.Load(t, b, plain, 1000, all) // now it is the other's turn
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "a.gpkg"), options)
	defer closeStore(t, s)
	storetest.Load(t, s, plain, 500, storetest.Plain(300, 1))
	copied := filepath.Join(dir, "copy.gpkg")
	if err := os.Chmod(s.Path(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	is, err1 := os.Stat(s.Path())
	got, err2 := os.Stat(copied)
	if err := errors.Join(err1, err2); err != nil || got.Mode() != is.Mode() {
		t.Errorf("the copy may be used by others than the store: %v, %v, %v", got.Mode(), is.Mode(), err)
	}
	if err := s.Backup(t.Context(), copied); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("a backup over a file: %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "no", "folder.gpkg")); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("a backup to nowhere: %v", err)
	}
	b := open(t, copied, gpkg.Options{})
	defer closeStore(t, b)
	if n, err := b.Count(t.Context(), incident.During{From: 0, To: incident.MaxDay}); n != 300 || err != nil {
		t.Errorf("the copy counts %d, %v", n, err)
	}
	for _, q := range []string{"PRAGMA application_id", "PRAGMA user_version", "PRAGMA integrity_check"} {
		if a, b := query(t, s.Path(), q), query(t, copied, q); a != b {
			t.Errorf("%s: %s in the store, %s in the copy", q, a, b)
		}
	}
}

const killEnv = "SARHAD_TEST_LOAD_AND_DIE"

// TestKilledLoad starts this test again as a process that loads, kills it in
// the middle, and looks at what it left.
func TestKilledLoad(t *testing.T) {
	const rows, batch = 30_000, 500
	if path := os.Getenv(killEnv); path != "" {
		s := open(t, path, gpkg.Options{})
		storetest.Load(t, s, plain, batch, storetest.Plain(rows, 1))
		return
	}
	all := storetest.Plain(rows, 1)
	for _, pause := range []time.Duration{0, 100 * time.Millisecond} {
		path := filepath.Join(t.TempDir(), "a.gpkg")
		closeStore(t, open(t, path, gpkg.Options{}))
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKilledLoad$")
		cmd.Env = append(os.Environ(), killEnv+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		watch := open(t, path, gpkg.Options{ReadOnly: true})
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			if n, err := watch.Count(t.Context(), nil); err != nil {
				t.Fatal(err)
			} else if n > 0 {
				break
			}
		}
		time.Sleep(pause)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		closeStore(t, watch)

		s := open(t, path, gpkg.Options{})
		n, err := s.Count(t.Context(), incident.During{From: 0, To: incident.MaxDay})
		if err != nil || n == 0 || n%batch != 0 {
			t.Errorf("after kill -9 there are %d incidents, %v", n, err)
		}
		if total, err := s.Count(t.Context(), nil); total != n || err != nil {
			t.Errorf("after kill -9 the sums say %d, the rows %d, %v", total, n, err)
		}
		if n := query(t, path, "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'incidents'"); n != "3" {
			t.Errorf("%s indexes after kill -9", n)
		}
		r := storetest.Load(t, s, plain, batch, all)
		if r != (incident.PutResult{New: rows - n, Unchanged: n}) {
			t.Errorf("the same file again: %+v, with %d there before", r, n)
		}
		if total := query(t, path, "SELECT count(*) FROM incidents"); total != fmt.Sprint(rows) {
			t.Errorf("%s incidents in the end", total)
		}
		if ok := query(t, path, "PRAGMA integrity_check"); ok != "ok" {
			t.Errorf("integrity_check: %s", ok)
		}
		if got := query(t, path, "SELECT group_concat(state) FROM imports"); got != "failed,done" {
			t.Errorf("records of imports: %s", got)
		}
		// What the killed load left is undone like any other; what came later stays.
		if r, err := s.Undo(t.Context(), 1); err != nil || r != (incident.UndoResult{Removed: n}) {
			t.Errorf("undoing the killed load: %+v, %v", r, err)
		}
		if left, err := s.Count(t.Context(), nil); left != rows-n || err != nil {
			t.Errorf("after that there are %d, %v", left, err)
		}
		t.Logf("killed after %d rows", n)
		closeStore(t, s)
	}
}

// Undoing most of a large store drops the indexes and builds them again.
func TestUndoLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gpkg")
	s := open(t, path, options)
	defer closeStore(t, s)
	all := storetest.Plain(14_000, 1)
	storetest.Load(t, s, plain, 1000, all[:2000])
	want := storetest.List(t, s, incident.Query{})
	next := slices.Clone(all)
	for i := range next[:100] {
		next[i].Summary = "changed"
	}
	storetest.Load(t, s, plain, 1000, next)
	r, err := s.Undo(t.Context(), 2)
	if err != nil || r != (incident.UndoResult{Restored: 100, Removed: 12_000}) {
		t.Errorf("%+v, %v", r, err)
	}
	if got := storetest.List(t, s, incident.Query{}); !reflect.DeepEqual(got, want) {
		t.Error("the rows are not what they were")
	}
	if n := query(t, path, "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'incidents'"); n != "3" {
		t.Errorf("%s indexes", n)
	}
	if n := query(t, path, "SELECT count(*) FROM versions"); n != "0" {
		t.Errorf("%s versions are left", n)
	}
}

// TestOGR lets GDAL read the file: its reader is stricter than ours.
func TestOGR(t *testing.T) {
	storetest.NeedGDAL(t, "ogrinfo")
	path := filepath.Join(t.TempDir(), "a.gpkg")
	s := open(t, path, options)
	all := storetest.Plain(2000, 1)
	all[5].HasPoint, all[5].Point = false, orb.Point{}
	all[6].Claims = []incident.Claim{{Quantity: "killed", Source: -1}}
	bound := orb.Bound{Min: all[0].Point, Max: all[0].Point}
	for _, in := range all {
		if in.HasPoint {
			bound = bound.Extend(in.Point)
		}
	}
	storetest.Load(t, s, plain, 500, all)
	closeStore(t, s)
	run := func(args ...string) string {
		cmd := exec.Command("ogrinfo", args...)
		var out, warnings bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &warnings
		if err := cmd.Run(); err != nil || warnings.Len() > 0 {
			t.Errorf("ogrinfo %v: %v\n%s", args, err, warnings.String())
		}
		return out.String()
	}
	summary := run("-al", "-so", path)
	var layers []string
	for part := range strings.SplitSeq(summary, "\nLayer name: ") {
		lines := strings.Split(part, "\n")
		if strings.Contains(part, "Geometry: None") || !strings.Contains(part, "Feature Count") {
			continue
		}
		l := lines[0]
		for _, line := range lines {
			if strings.HasPrefix(line, "Geometry: ") || strings.HasPrefix(line, "Feature Count: ") || strings.HasPrefix(line, "Extent: ") {
				l += "; " + line
			}
		}
		layers = append(layers, l)
	}
	slices.Sort(layers)
	want := []string{
		"border; Geometry: Line String; Feature Count: 1; Extent: (61.000000, 29.000000) - (71.000000, 36.000000)",
		"crossings; Geometry: Point; Feature Count: 2; Extent: (66.450000, 30.920000) - (71.090000, 34.120000)",
		fmt.Sprintf("incidents; Geometry: Point; Feature Count: 2000; Extent: (%.6f, %.6f) - (%.6f, %.6f)", bound.Min[0], bound.Min[1], bound.Max[0], bound.Max[1]),
		"units; Geometry: Multi Polygon; Feature Count: 1; Extent: (70.000000, 33.000000) - (71.000000, 34.000000)",
	}
	if !slices.Equal(layers, want) {
		t.Errorf("layers:\n%s\nwant:\n%s", strings.Join(layers, "\n"), strings.Join(want, "\n"))
	}
	// Every value of every layer, too: a date or time of a wrong form makes a warning.
	run("-al", path)
	one := run(path, "incidents", "-fid", "1")
	for _, w := range []string{"start_date (Date) = " + strings.ReplaceAll(all[0].Start.String(), "-", "/"), "synthetic (Integer(Boolean)) = 1", "POINT (" + fmt.Sprint(all[0].Point[0])[:7]} {
		if !strings.Contains(one, w) {
			t.Errorf("feature 1 lacks %q:\n%s", w, one)
		}
	}
	if got := run(path, "incidents", "-where", "start_date >= '2010-01-01' AND fid = 6"); strings.Contains(got, "POINT (") {
		t.Errorf("an incident without a point has one:\n%s", got)
	}
}

// A store keeps its secret when it is opened again, also to be read, and no two stores have the same.
func TestSecret(t *testing.T) {
	secret := func(path string, opt gpkg.Options) string {
		t.Helper()
		s := open(t, path, opt)
		defer closeStore(t, s)
		b, err := s.Secret(t.Context())
		if err != nil || len(b) != 16 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		return string(b)
	}
	a, b := filepath.Join(t.TempDir(), "a.gpkg"), filepath.Join(t.TempDir(), "b.gpkg")
	first := secret(a, options)
	if again := secret(a, gpkg.Options{ReadOnly: true}); again != first {
		t.Error("it is another one when the store is opened again")
	}
	if secret(b, options) == first {
		t.Error("two stores have the same")
	}
	// A store of the version before gets one.
	query(t, a, "DELETE FROM meta WHERE key = 'secret'")
	query(t, a, "DELETE FROM migrations WHERE version = 7")
	if after := secret(a, options); after == first {
		t.Error("a new secret is the old one")
	}
}
