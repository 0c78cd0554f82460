package gpkg

import (
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/storetest"
	"sarhad/incident"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a.gpkg"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A window is answered from the indexes alone; only the rows that are given are read.
func TestPlansUseTheIndexAlone(t *testing.T) {
	s := newStore(t)
	days := incident.During{From: 18000, To: 18030}
	box := incident.Box{Bound: orb.Bound{Min: orb.Point{70, 33}, Max: orb.Point{71, 34}}}
	plan := func(sql string, args []any) string {
		var steps []string
		if err := s.withReader(t.Context(), func(c *conn) error {
			return c.each(t.Context(), "EXPLAIN QUERY PLAN "+sql, bind(args...), func(v []driver.Value) error {
				steps = append(steps, fmt.Sprint(v[3]))
				return nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		return strings.Join(steps, "\n")
	}
	for _, q := range []incident.Query{
		{Filter: incident.And{box, days}, Limit: 100},
		{Filter: incident.And{box, days}, Order: incident.ByStart, Limit: 100},
		{Filter: days, Order: incident.ByStartRev, Limit: 100},
		{Filter: incident.And{days, incident.In{Property: "unit_id", Values: []string{"a", "b"}}}, Limit: 100},
	} {
		a, err := ask(q.Filter)
		if err != nil {
			t.Fatal(err)
		}
		sql, args := s.rowsSQL(t.Context(), nil, &a, q, q.Limit)
		p := plan(sql, args)
		for _, want := range []string{"SEARCH i USING COVERING INDEX incidents_start (start_date>? AND start_date<?)",
			"SEARCH i USING COVERING INDEX incidents_span (span=? AND start_date>? AND start_date<?)", "SEARCH i USING INTEGER PRIMARY KEY (rowid=?)"} {
			if !strings.Contains(p, want) {
				t.Errorf("%+v lacks %q:\n%s", q, want, p)
			}
		}
	}
	a, err := ask(days)
	if err != nil {
		t.Fatal(err)
	}
	part := a.all()[0]
	p := plan(part.sql("count(*), sum(i.fatalities_best)")+" GROUP BY i.start_date, i.unit_id", part.args)
	if !strings.Contains(p, "COVERING INDEX") || strings.Contains(p, "TEMP B-TREE") {
		t.Errorf("groups by day and unit are sorted or read rows:\n%s", p)
	}
}

func TestIDSet(t *testing.T) {
	s := newIDSet(7)
	const n = 100_000
	for i := range int64(n) {
		k := keyOf(fmt.Sprint("i", i))
		if s.find(k) != 0 {
			t.Fatalf("%d is there before it was added", i)
		}
		s.add(k, i+7)
	}
	for i := range int64(n) {
		if got := s.find(keyOf(fmt.Sprint("i", i))); got != i+7 {
			t.Fatalf("%d stands in row %d", i, got)
		}
	}
}

func TestDayOf(t *testing.T) {
	for d := incident.MinDay; d <= incident.MaxDay; d += 13 {
		if got := dayOf(d.String()); got != d {
			t.Fatalf("%s is read as %d, want %d", d, got, d)
		}
	}
}

// A full disk ends a batch with a clear error, and the store goes on afterwards.
func TestFullDisk(t *testing.T) {
	s := newStore(t)
	all := storetest.Plain(5000, 1)
	l, err := s.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "plain"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put(t.Context(), all[:1000]); err != nil {
		t.Fatal(err)
	}
	pages, err := s.writer.integer(t.Context(), "PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.writer.integer(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages+20)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put(t.Context(), all[1000:]); incident.CodeOf(err) != incident.CodeUnavailable || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("a full disk: %v", err)
	}
	if n, err := s.Count(t.Context(), nil); n != 1000 || err != nil {
		t.Errorf("after a full disk: %d, %v", n, err)
	}
	if _, err := s.writer.integer(t.Context(), "PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	r, err := l.Put(t.Context(), all)
	if err != nil || r != (incident.PutResult{New: 4000, Unchanged: 1000}) {
		t.Errorf("with room again: %+v, %v", r, err)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
}

// Loads that grow beyond what the set of ids may hold go on with the indexes.
func TestBulkLoadBeyondTheSet(t *testing.T) {
	s := newStore(t)
	l, err := s.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "plain"}})
	if err != nil {
		t.Fatal(err)
	}
	all := storetest.Plain(4000, 1)
	if _, err := l.Put(t.Context(), all[:2000]); err != nil {
		t.Fatal(err)
	}
	l.(*load).bulk.count = maxIDs
	if r, err := l.Put(t.Context(), all[1000:]); err != nil || r != (incident.PutResult{New: 2000, Unchanged: 1000}) {
		t.Errorf("%+v, %v", r, err)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Count(t.Context(), incident.During{From: 0, To: incident.MaxDay}); n != 4000 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
