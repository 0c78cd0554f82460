package gpkg_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// BenchmarkStore is the suite that every store runs:
//
//	SARHAD_BENCH_ROWS=1000000 go test -run - -bench Store -benchtime 20x ./data/gpkg
func BenchmarkStore(b *testing.B) {
	n := 0
	storetest.Bench(b, func(b *testing.B) incident.Store {
		n++
		return open(b, filepath.Join(b.TempDir(), fmt.Sprint(n, ".gpkg")), gpkg.Options{})
	})
}

// bare is the measure: a prepared insert of eight columns, all rows in one
// transaction, and its window query through database/sql, as ../shared/bench/phys has them.
func bare(b testing.TB, path string, all []incident.Incident) (*sql.DB, time.Duration) {
	b.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=NORMAL")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	_, err = db.Exec("create table incidents(id integer primary key, event_date text, event_type text, actor text, fatalities int, latitude real, longitude real, notes text, day int)")
	must(err)
	dates := make([]string, len(all)) // the file has them as text
	for i := range all {
		dates[i] = all[i].Start.String()
	}
	start := time.Now()
	tx, err := db.Begin()
	must(err)
	st, err := tx.Prepare("insert into incidents(id, event_date, event_type, actor, fatalities, latitude, longitude, notes) values(?,?,?,?,?,?,?,?)")
	must(err)
	defer func() { _ = st.Close() }()
	for i := range all {
		in := &all[i]
		_, err := st.Exec(int64(i+1), dates[i], string(in.EventType), in.Actor1, int64(in.Best.N), in.Point[1], in.Point[0], in.Summary)
		must(err)
	}
	must(tx.Commit())
	return db, time.Since(start)
}

// BenchmarkLoadAgainstBare gives the time of a load into an empty store, with
// its indexes, as a multiple of the bare inserts of the same run.
//
//	SARHAD_BENCH_ROWS=1000000 go test -run - -bench AgainstBare -benchtime 1x ./data/gpkg
func BenchmarkLoadAgainstBare(b *testing.B) {
	all := storetest.Plain(storetest.Rows(), 1)
	var mine, theirs time.Duration
	var peak runtime.MemStats
	for b.Loop() {
		dir := b.TempDir()
		runtime.GC()
		db, t := bare(b, filepath.Join(dir, "bare.db"), all)
		theirs += t
		_ = db.Close()
		s := open(b, filepath.Join(dir, "s.gpkg"), gpkg.Options{})
		runtime.GC()
		start := time.Now()
		l, err := s.Begin(b.Context(), incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "plain.csv"})
		if err != nil {
			b.Fatal(err)
		}
		for i := 0; i < len(all); i += 10_000 {
			if _, err := l.Put(b.Context(), all[i:min(len(all), i+10_000)]); err != nil {
				b.Fatal(err)
			}
		}
		put := time.Since(start)
		if err := l.Finish(b.Context(), ""); err != nil {
			b.Fatal(err)
		}
		mine += time.Since(start)
		runtime.ReadMemStats(&peak)
		st, _ := os.Stat(s.Path())
		b.Logf("bare %.2f s, put %.2f s, finish %.2f s, %d MB", t.Seconds(), put.Seconds(), (time.Since(start) - put).Seconds(), st.Size()>>20)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(mine.Seconds()/theirs.Seconds(), "×bare")
	b.ReportMetric(float64(len(all))*float64(b.N)/mine.Seconds(), "rows/s")
}

// BenchmarkWindowsAgainstBare gives the time of reading windows to incidents
// as a multiple of the bare query (eight columns scanned) of the same run.
//
//	SARHAD_BENCH_ROWS=1000000 go test -run - -bench WindowsAgainstBare -benchtime 20x ./data/gpkg
func BenchmarkWindowsAgainstBare(b *testing.B) {
	rows := storetest.Rows()
	all := storetest.Plain(rows, 1)
	dir := b.TempDir()
	db, _ := bare(b, filepath.Join(dir, "bare.db"), all)
	for _, q := range []string{"update incidents set day = julianday(event_date) - 2440587.5", "create index dll on incidents(day, longitude, latitude)"} {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "bare.db")+"?mode=ro&_query_only=1&_mutex=no&_cache_size=-200000")
	if err != nil {
		b.Fatal(err)
	}
	st, err := db.Prepare("select i.id,event_date,event_type,actor,fatalities,latitude,longitude,notes from incidents i indexed by dll where i.longitude between ?1 and ?3 and i.latitude between ?2 and ?4 and i.day between ?5 and ?6 limit ?7")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	s := open(b, filepath.Join(dir, "s.gpkg"), gpkg.Options{})
	defer func() { _ = s.Close() }()
	storetest.Load(b, s, incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "plain.csv"}, 10_000, all)
	windows := storetest.Windows(rows)
	var mine, theirs time.Duration
	n, m := 0, 0
	for b.Loop() {
		start := time.Now()
		for _, w := range windows {
			box, days := w.(incident.And)[0].(incident.Box).Bound, w.(incident.And)[1].(incident.During)
			m += scanned(b, st, func(rows *sql.Rows) error {
				var id int64
				var fat int
				var lat, lon float64
				var date, typ, actor, notes string
				return rows.Scan(&id, &date, &typ, &actor, &fat, &lat, &lon, &notes)
			}, box.Min[0], box.Min[1], box.Max[0], box.Max[1], int(days.From), int(days.To), 1000)
		}
		theirs += time.Since(start)
		start = time.Now()
		for _, w := range windows {
			for _, err := range s.Incidents(b.Context(), incident.Query{Filter: w, Limit: 1000}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
		}
		mine += time.Since(start)
	}
	b.ReportMetric(mine.Seconds()/theirs.Seconds(), "×bare")
	b.ReportMetric(float64(n)/float64(64*b.N), "rows/window")
	b.ReportMetric(mine.Seconds()*1e9/float64(n), "ns/row")
	b.ReportMetric(theirs.Seconds()*1e9/float64(m), "bare-ns/row")
}

// BenchmarkIndexes compares, on the table of a store, the indexes that the
// store has with the R*Tree that the GeoPackage standard offers: time to build
// and time for 64 windows. docs/decisions/0002 has the figures.
//
//	SARHAD_BENCH_ROWS=1000000 go test -run - -bench Indexes -benchtime 5x ./data/gpkg
func BenchmarkIndexes(b *testing.B) {
	path := filepath.Join(b.TempDir(), "s.gpkg")
	s := open(b, path, gpkg.Options{})
	storetest.Load(b, s, incident.Import{Dataset: incident.Dataset{Name: "plain"}}, 10_000, storetest.Plain(storetest.Rows(), 1))
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+path+"?_cache_size=-64000")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	run := func(b *testing.B, q string) {
		if _, err := db.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	windows := storetest.Windows(storetest.Rows())
	const inWindow = "i.start_date BETWEEN ?5 AND ?6 AND i.lon BETWEEN ?1 AND ?2 AND i.lat BETWEEN ?3 AND ?4"
	for _, c := range []struct{ name, drop, build, query string }{
		{"BTree(start,lon,lat)", "DROP INDEX IF EXISTS x", "CREATE INDEX x ON incidents (start_date, lon, lat)",
			"SELECT i.fid, i.summary FROM incidents AS i INDEXED BY x WHERE " + inWindow},
		{"BTree(start,unit,lon,lat,figures)", "DROP INDEX IF EXISTS y", "CREATE INDEX y ON incidents (start_date, unit_id, lon, lat, fatalities_low, fatalities_best, fatalities_high)",
			"SELECT i.fid, i.summary FROM incidents AS i INDEXED BY y WHERE " + inWindow},
		{"RTree(lon,lat)", "DROP TABLE IF EXISTS r", "CREATE VIRTUAL TABLE r USING rtree(id, minx, maxx, miny, maxy); INSERT INTO r SELECT fid, lon, lon, lat, lat FROM incidents WHERE lon IS NOT NULL",
			"SELECT i.fid, i.summary FROM r CROSS JOIN incidents AS i ON i.fid = r.id WHERE r.maxx >= ?1 AND r.minx <= ?2 AND r.maxy >= ?3 AND r.miny <= ?4 AND " + inWindow},
	} {
		b.Run(c.name+"/Build", func(b *testing.B) {
			run(b, c.drop)
			start := time.Now()
			for n := 0; b.Loop(); n++ {
				if n == 0 {
					run(b, c.build)
					b.ReportMetric(time.Since(start).Seconds(), "s-once")
				}
			}
		})
		b.Run(c.name+"/Windows", func(b *testing.B) {
			st, err := db.Prepare(c.query)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = st.Close() }()
			n := 0
			for b.Loop() {
				for _, w := range windows {
					box, days := w.(incident.And)[0].(incident.Box).Bound, w.(incident.And)[1].(incident.During)
					n += scanned(b, st, func(*sql.Rows) error { return nil }, box.Min[0], box.Max[0], box.Min[1], box.Max[1], days.From.String(), days.To.String())
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(64*b.N), "µs/window")
			b.ReportMetric(float64(n)/float64(64*b.N), "rows/window")
		})
	}
}

// scanned runs a query and counts its rows.
func scanned(b *testing.B, st *sql.Stmt, scan func(*sql.Rows) error, args ...any) (n int) {
	b.Helper()
	rows, err := st.Query(args...)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}
