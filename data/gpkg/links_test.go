package gpkg_test

import (
	"path/filepath"
	"slices"
	"testing"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// twoSets are two datasets that tell the same n incidents, each on a day of its own.
func twoSets(n int) (a, b []incident.Incident) {
	a = storetest.Plain(n, 5)
	for i := range a {
		a[i].Synthetic = false
		a[i].End, a[i].TimePrecision = a[i].Start, incident.TimeDay
	}
	b = slices.Clone(a)
	for i := range b {
		b[i].Dataset = "other"
		b[i].ID = incident.ID("other", b[i].SourceID)
	}
	return a, b
}

func importOf(name string) incident.Import {
	return incident.Import{Dataset: incident.Dataset{Name: name}, File: name + ".csv"}
}

// A store that was written before there were links has them when it is opened.
func TestOlderStoreIsLinked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.gpkg")
	a, b := twoSets(50)
	s := open(t, path, options)
	storetest.Load(t, s, importOf("plain"), 100, a)
	storetest.Load(t, s, importOf("other"), 100, b)
	change, err := s.Change(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	links, clusters := query(t, path, "SELECT group_concat(a_fid || '-' || b_fid || reasons) FROM links"), query(t, path, "SELECT count(*) FROM clusters")
	if n := query(t, path, "SELECT count(*) FROM links"); n != "50" || clusters != "100" {
		t.Fatalf("%s links, %s in clusters", n, clusters)
	}
	for _, q := range []string{"DELETE FROM links", "DELETE FROM clusters", "DELETE FROM meta WHERE key = 'linked'"} {
		query(t, path, q)
	}
	s = open(t, path, options)
	if after, err := s.Change(t.Context()); err != nil || after <= change {
		t.Errorf("the change number went from %d to %d with the links, %v", change, after, err)
	}
	closeStore(t, s)
	if got := query(t, path, "SELECT group_concat(a_fid || '-' || b_fid || reasons) FROM links"); got != links {
		t.Errorf("links %s, want %s", got, links)
	}
}

// What a load that was killed has changed is linked when the store is opened again.
func TestKilledLoadIsLinked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.gpkg")
	a, b := twoSets(50)
	s := open(t, path, options)
	storetest.Load(t, s, importOf("plain"), 100, a)
	storetest.Load(t, s, importOf("other"), 100, b)
	for i := range b {
		b[i].EventType = incident.Strategic
		if i%2 == 0 {
			b[i].Start, b[i].End = b[i].Start+400_000, b[i].End+400_000
		}
	}
	l, err := s.Begin(t.Context(), importOf("other"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s) // as if the process had died
	if err := l.Abort(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, options)
	defer closeStore(t, s)
	got, err := s.Links(t.Context(), a[0].ID)
	if err != nil || len(got) != 0 {
		t.Errorf("a link to what was moved away: %+v, %v", got, err)
	}
	if n := query(t, path, "SELECT count(*) FROM links AS l JOIN incidents AS x ON x.fid = l.a_fid JOIN incidents AS y ON y.fid = l.b_fid WHERE abs(julianday(x.start_date) - julianday(y.start_date)) > 1"); n != "0" {
		t.Errorf("%s links are not true any more", n)
	}
}

// BenchmarkLinks loads a second dataset of half a million rows that tells the same as the first.
func BenchmarkLinks(b *testing.B) {
	x, y := twoSets(500_000)
	s, err := gpkg.Open(b.Context(), filepath.Join(b.TempDir(), "s.gpkg"), options)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	storetest.Load(b, s, importOf("plain"), 5000, x)
	l, err := s.Begin(b.Context(), importOf("other"))
	if err != nil {
		b.Fatal(err)
	}
	for batch := range slices.Chunk(y, 5000) {
		if _, err := l.Put(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	if err := l.Finish(b.Context(), "{}"); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	links, err := s.Links(b.Context(), x[0].ID)
	if err != nil || len(links) != 1 {
		b.Errorf("%+v, %v", links, err)
	}
	for _, distinct := range []bool{false, true} {
		b.Run(map[bool]string{false: "Aggregate", true: "AggregateDistinct"}[distinct], func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Aggregate(b.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyUnit, incident.KeyMonth}, Distinct: distinct}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
