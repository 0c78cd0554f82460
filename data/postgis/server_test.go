package postgis_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/ewkb"

	"sarhad/data/index"
	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// sql opens a connection that sees the tables of a schema.
func sql(t testing.TB, schema string) *pgx.Conn {
	t.Helper()
	pgtest.Check(t, serverErr)
	c, err := pgx.Connect(t.Context(), server.URI()+"&search_path="+schema+",public")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func value[T any](t testing.TB, c *pgx.Conn, query string, args ...any) (v T) {
	t.Helper()
	if err := c.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func exec(t testing.TB, c *pgx.Conn, query string, args ...any) {
	t.Helper()
	if _, err := c.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func plain(name string) incident.Import {
	return incident.Import{Dataset: incident.Dataset{Name: name}, File: "a.csv", Layout: "table"}
}

func begin(t testing.TB, s incident.Store, imp incident.Import, batches ...[]incident.Incident) incident.Load {
	t.Helper()
	l, err := s.Begin(t.Context(), imp)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if _, err := l.Put(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func count(t testing.TB, s incident.Reader) int {
	t.Helper()
	n, err := s.Count(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantCode reports an error without the code, or with a message that lacks some words.
func wantCode(t testing.TB, err error, code incident.Code, words string) {
	t.Helper()
	if incident.CodeOf(err) != code || err != nil && !strings.Contains(err.Error(), words) {
		t.Errorf("error %v, want %s with %q", err, code, words)
	}
}

func TestMigrations(t *testing.T) {
	schema := newSchema()
	first := open(t, postgis.Options{Schema: schema})
	if !first.Created() {
		t.Error("a new store says that it was there")
	}
	storetest.Load(t, first, plain("plain"), 100, storetest.Plain(10, 1))
	have, want, err := postgis.MigrationStatus(t.Context(), server.URI(), postgis.Options{Schema: schema})
	if err != nil || have != want || want == 0 {
		t.Errorf("status %d of %d, %v", have, want, err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := open(t, postgis.Options{Schema: schema})
	defer second.Close()
	if second.Created() || count(t, second) != 10 {
		t.Errorf("opened again: created %v, %d incidents", second.Created(), count(t, second))
	}

	// Many at once, one of which makes the tables.
	schema = newSchema()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := postgis.Open(t.Context(), server.URI(), postgis.Options{Schema: schema})
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	wg.Wait()
	c := sql(t, schema)
	if n := value[int](t, c, "SELECT count(*) FROM migrations"); n != want {
		t.Errorf("%d migrations are written down, want %d", n, want)
	}

	exec(t, c, "INSERT INTO migrations VALUES (99, 'from the future', now())")
	for _, readOnly := range []bool{false, true} {
		_, err = postgis.Open(t.Context(), server.URI(), postgis.Options{Schema: schema, ReadOnly: readOnly})
		wantCode(t, err, incident.CodeUnavailable, "newer Sarhad (version 99")
	}
}

func TestRefused(t *testing.T) {
	ctx := t.Context()
	foreign, empty := newSchema(), newSchema()
	c := sql(t, foreign)
	exec(t, c, "CREATE SCHEMA "+foreign)
	exec(t, c, "CREATE TABLE accounts (n int)")
	old := newSchema()
	exec(t, c, "CREATE SCHEMA "+old)
	exec(t, c, "CREATE TABLE "+old+".migrations (version int)")
	for _, r := range []struct {
		name, uri string
		opt       postgis.Options
		code      incident.Code
		words     string
	}{
		{"tables of another program", server.URI(), postgis.Options{Schema: foreign}, incident.CodeInvalid, "another program"},
		{"nothing to read", server.URI(), postgis.Options{Schema: empty, ReadOnly: true}, incident.CodeNotFound, "no store"},
		{"too old to read", server.URI(), postgis.Options{Schema: old, ReadOnly: true}, incident.CodeNotFound, "no store"},
		{"a schema that breaks out", server.URI(), postgis.Options{Schema: `x"; DROP SCHEMA public; --`}, incident.CodeInvalid, "cannot be the schema"},
		{"no address", "postgres://user:secret@host:port/", postgis.Options{}, incident.CodeInvalid, "address"},
		{"nobody there", "postgres://u@127.0.0.1:1/x?connect_timeout=2", postgis.Options{}, incident.CodeUnavailable, "cannot be reached"},
		{"no such database", strings.Replace(server.URI(), "/postgres?", "/nothing?", 1), postgis.Options{}, incident.CodeUnavailable, "no such database"},
	} {
		s, err := postgis.Open(ctx, r.uri, r.opt)
		if err == nil {
			_ = s.Close()
		}
		if wantCode(t, err, r.code, r.words); err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in %v", r.name, err)
		}
	}
	schema := newSchema()
	s := open(t, postgis.Options{Schema: schema})
	storetest.Load(t, s, plain("plain"), 100, storetest.Plain(10, 1))
	reader := open(t, postgis.Options{Schema: schema, ReadOnly: true})
	if count(t, reader) != 10 {
		t.Error("a reader reads something else")
	}
	_, err := reader.Begin(ctx, plain("plain"))
	wantCode(t, err, incident.CodeUnavailable, "read-only")
	for _, st := range []*postgis.Store{s, reader} {
		if err := errors.Join(st.Close(), st.Close()); err != nil {
			t.Error(err)
		}
		_, err = st.Count(ctx, nil)
		wantCode(t, err, incident.CodeUnavailable, "closed")
	}
	_, err = s.Begin(ctx, plain("plain"))
	wantCode(t, err, incident.CodeUnavailable, "closed")
}

// kill ends the connection of the load that is running.
func kill(t *testing.T, c *pgx.Conn) {
	t.Helper()
	n := value[int](t, c, "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted")
	if n != 1 {
		t.Fatalf("killed %d connections that hold a lock", n)
	}
}

// A load whose connection or process dies leaves whole batches, and the next one makes up the rest.
func TestKilledLoad(t *testing.T) {
	schema := newSchema()
	s := open(t, postgis.Options{Schema: schema})
	defer s.Close()
	all := storetest.Plain(300, 1)
	for i := range all {
		all[i].Synthetic = false
	}
	other := slices.Clone(all[:50])
	for i := range other {
		other[i].Dataset, other[i].ID = "other", incident.ID("other", other[i].SourceID)
	}
	storetest.Load(t, s, plain("other"), 100, other)
	c := sql(t, schema)
	for _, atomic := range []bool{true, false} {
		imp := plain("plain")
		imp.Atomic = atomic
		before := count(t, s)
		changed := slices.Clone(all[:100])
		l := begin(t, s, imp, all[:100])
		if !atomic {
			changed[7].Start, changed[7].End = changed[7].Start-9000, changed[7].Start-9000
			changed[7].Point = orb.Point{10, 10}
			if _, err := l.Put(t.Context(), changed); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Put(t.Context(), all[:100]); err != nil { // back again: the sums are too wide now
				t.Fatal(err)
			}
		}
		kill(t, c)
		_, err := l.Put(t.Context(), all[100:200])
		wantCode(t, err, incident.CodeUnavailable, "")
		_, err = l.Put(t.Context(), all[100:200])
		wantCode(t, err, incident.CodeUnavailable, "")
		wantCode(t, l.Finish(t.Context(), "{}"), incident.CodeUnavailable, "")
		if n := count(t, s) - before; atomic && n != 0 || !atomic && n != 100 {
			t.Errorf("atomic %v: %d incidents are there", atomic, n)
		}
	}
	if links, err := s.Links(t.Context(), other[1].ID); err != nil || len(links) != 0 {
		t.Errorf("links before they were found anew: %v, %v", links, err)
	}
	info, err := s.Import(t.Context(), 2)
	if err != nil || info.State != incident.ImportRunning {
		t.Errorf("the record of the killed load: %+v, %v", info, err)
	}
	again := open(t, postgis.Options{Schema: schema})
	defer again.Close()
	if info, err = s.Import(t.Context(), 2); err != nil || info.State != incident.ImportFailed || info.New != 100 {
		t.Errorf("after the store was opened again: %+v, %v", info, err)
	}
	sets, err := s.Datasets(t.Context())
	if err != nil || len(sets) != 2 || sets[1].Bound.Min[0] < 50 || sets[1].First < 10000 {
		t.Errorf("the sums are still too wide: %+v, %v", sets, err)
	}
	if links, err := s.Links(t.Context(), other[1].ID); err != nil || len(links) != 1 {
		t.Errorf("links: %v, %v", links, err)
	}
	if r := storetest.Load(t, s, plain("plain"), 100, all); r != (incident.PutResult{New: 200, Unchanged: 100}) {
		t.Errorf("the load after it: %+v", r)
	}

	// One that is killed while it is reverted is reverted by the next.
	l := begin(t, s, plain("third"), withDataset(all[:100], "third"))
	exec(t, c, "UPDATE state SET reverting = $1", l.ID())
	kill(t, c)
	if err := l.Abort(); err != nil {
		t.Errorf("Abort takes a new connection: %v", err)
	}
	if n := count(t, s); n != 350 {
		t.Errorf("%d incidents, want 350", n)
	}
	// And one that lost its connection can be reverted itself.
	l = begin(t, s, plain("third"), withDataset(all[:100], "third"))
	kill(t, c)
	if err := l.Revert(t.Context()); err != nil || count(t, s) != 350 {
		t.Errorf("Revert takes a new connection: %v, %d incidents", err, count(t, s))
	}
}

func withDataset(all []incident.Incident, name string) []incident.Incident {
	all = slices.Clone(all)
	for i := range all {
		all[i].Dataset, all[i].ID = name, incident.ID(name, all[i].SourceID)
	}
	return all
}

// Two stores stand for two processes: one load at a time.
func TestConcurrentLoads(t *testing.T) {
	schema := newSchema()
	a := open(t, postgis.Options{Schema: schema})
	defer a.Close()
	b := open(t, postgis.Options{Schema: schema, BusyTimeout: 50 * time.Millisecond})
	defer b.Close()
	patient := open(t, postgis.Options{Schema: schema, BusyTimeout: time.Minute})
	defer patient.Close()
	all := storetest.Plain(200, 1)
	l := begin(t, a, plain("plain"), all[:100])
	for what, do := range map[string]func() error{
		"Begin":         func() error { _, err := b.Begin(t.Context(), plain("plain")); return err },
		"RemoveDataset": func() error { _, err := b.RemoveDataset(t.Context(), "plain"); return err },
		"SetDataset":    func() error { return b.SetDataset(t.Context(), "plain", incident.DatasetChange{}) },
	} {
		if err := do(); !errors.Is(err, incident.ErrBusy) {
			t.Errorf("%s while another store loads: %v", what, err)
		}
	}
	_, err := b.Undo(t.Context(), l.ID())
	wantCode(t, err, incident.CodeConflict, "running")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := patient.Begin(ctx, plain("plain")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a load that is not waited for any more: %v", err)
	}
	done := make(chan error)
	go func() {
		l, err := patient.Begin(t.Context(), plain("plain"))
		if err == nil {
			_, err = l.Put(t.Context(), all)
			err = errors.Join(err, l.Finish(t.Context(), "{}"))
		}
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if err := l.Finish(t.Context(), "{}"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("a load that waits its turn: %v", err)
	}
	if n := count(t, b); n != 200 {
		t.Errorf("%d incidents", n)
	}
}

// A batch whose context ends is gone, and the load goes on.
func TestCancelledPut(t *testing.T) {
	s := open(t, postgis.Options{})
	defer s.Close()
	all := storetest.Plain(20_000, 1)
	l := begin(t, s, plain("plain"), all[:100])
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := l.Put(ctx, all); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a Put that is cut off: %v", err)
	}
	if _, err := l.Put(t.Context(), all[100:200]); err != nil {
		t.Fatalf("the next Put: %v", err)
	}
	if err := l.Finish(t.Context(), "{}"); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s); n != 200 {
		t.Errorf("%d incidents, want 200", n)
	}
}

// A walk that is left early stops on the server too and gives its connection back.
func TestLeftEarly(t *testing.T) {
	s := open(t, postgis.Options{})
	defer s.Close()
	storetest.Load(t, s, plain("plain"), 20_000, storetest.Plain(20_000, 1))
	for range 40 { // more often than there are connections
		n := 0
		for _, err := range s.Incidents(t.Context(), incident.Query{Order: incident.ByStartRev}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 3 {
				break
			}
		}
	}
	if n := count(t, s); n != 20_000 {
		t.Errorf("%d incidents", n)
	}
}

func TestServerLostAndBack(t *testing.T) {
	own := pgtest.Need(t)
	s, err := postgis.Open(t.Context(), own.URI(), postgis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.Load(t, s, plain("plain"), 100, storetest.Plain(100, 1))
	l := begin(t, s, plain("more"), withDataset(storetest.Plain(10, 2), "more"))
	waited := make(chan error, 1)
	go func() {
		_, err := s.Wait(t.Context(), 1<<40)
		waited <- err
	}()
	time.Sleep(50 * time.Millisecond)
	own.Halt()
	wantCode(t, <-waited, incident.CodeUnavailable, "")
	_, err = s.Count(t.Context(), nil)
	wantCode(t, err, incident.CodeUnavailable, "")
	_, err = s.Begin(t.Context(), plain("plain"))
	wantCode(t, err, incident.CodeUnavailable, "")
	if err := l.Abort(); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("Abort without a server: %v", err)
	}
	if err := own.Run(); err != nil {
		t.Fatal(err)
	}
	for range 2 * 16 { // every connection of the pool
		if n := count(t, s); n != 110 {
			t.Fatalf("after the server came back: %d incidents", n)
		}
	}
	if r := storetest.Load(t, s, plain("plain"), 100, storetest.Plain(110, 1)); r != (incident.PutResult{New: 10, Unchanged: 100}) {
		t.Errorf("a load after it: %+v", r)
	}
}

// What is written is a point of EWKB to PostGIS and to another reader.
// Whatever is asked first after all connections were ended is answered, and what was being written is not repeated.
func TestBrokenConnections(t *testing.T) {
	schema := newSchema()
	s := open(t, postgis.Options{Schema: schema})
	defer s.Close()
	storetest.Load(t, s, plain("plain"), 100, storetest.Plain(300, 1))
	c := sql(t, schema)
	id := storetest.List(t, s, incident.Query{Limit: 1})[0].ID
	var q incident.Query
	ended := 0
	for _, ask := range []struct {
		what string
		do   func() error
	}{
		{"Count", func() error { _, err := s.Count(t.Context(), nil); return err }},
		{"Count of some", func() error {
			_, err := s.Count(t.Context(), incident.In{Property: "country", Values: []string{"PK"}})
			return err
		}},
		{"Change", func() error { _, err := s.Change(t.Context()); return err }},
		{"Incident", func() error { _, err := s.Incident(t.Context(), id); return err }},
		{"Incidents", func() error { storetest.List(t, s, q); return nil }},
		{"Versions", func() error { _, err := s.Versions(t.Context(), id); return err }},
		{"Links", func() error { _, err := s.Links(t.Context(), id); return err }},
		{"Imports", func() error { _, err := s.Imports(t.Context(), ""); return err }},
		{"Datasets", func() error { _, err := s.Datasets(t.Context()); return err }},
		{"Aggregate", func() error {
			_, err := s.Aggregate(t.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyCountry}})
			return err
		}},
		{"Clusters", func() error { _, _, err := s.Clusters(t.Context()); return err }},
		{"Identity", func() error { _, err := s.Identity(t.Context()); return err }},
	} {
		var all sync.WaitGroup
		for range 8 { // so that several wait in the pool, each with its statement prepared
			all.Go(func() {
				if err := ask.do(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		ended += value[int](t, c, "SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity WHERE application_name = 'sarhad' AND pid <> pg_backend_pid()")
		if err := ask.do(); err != nil {
			t.Errorf("%s after the connections were ended: %v", ask.what, err)
		}
	}
	if ended < 12 {
		t.Errorf("only %d connections were ended", ended)
	}
	l := begin(t, s, plain("plain"), storetest.Plain(310, 1))
	exec(t, c, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sarhad' AND pid <> pg_backend_pid()")
	if err := l.Finish(t.Context(), "{}"); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("a load whose connection was ended: %v", err)
	}
}

func TestGeometry(t *testing.T) {
	schema := newSchema()
	s := open(t, postgis.Options{Schema: schema})
	defer s.Close()
	in := storetest.Plain(2, 1)
	in[0].Point = orb.Point{70.123456789012345, 33.9}
	in[1].HasPoint, in[1].Point = false, orb.Point{}
	storetest.Load(t, s, plain("plain"), 2, in)
	c := sql(t, schema)
	if got := value[string](t, c, "SELECT ST_AsText(geom) || ' ' || ST_SRID(geom) FROM incidents WHERE fid = 1"); got != "POINT(70.12345678901235 33.9) 4326" {
		t.Errorf("as text: %s", got)
	}
	g, err := ewkb.Unmarshal(value[[]byte](t, c, "SELECT ST_AsEWKB(geom) FROM incidents WHERE fid = 1"))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := g.(*geom.Point); !ok || p.SRID() != 4326 || p.Layout() != geom.XY || p.X() != in[0].Point[0] || p.Y() != in[0].Point[1] {
		t.Errorf("as EWKB: %#v", g)
	}
	if !value[bool](t, c, "SELECT geom IS NULL FROM incidents WHERE fid = 2") {
		t.Error("no point is a geometry")
	}
}

// The characters that PostgreSQL cannot hold, and those that stand in for them.
func TestOddTexts(t *testing.T) {
	s := open(t, postgis.Options{})
	defer s.Close()
	oracle := storetest.NewNaive()
	var all []incident.Incident
	texts := []string{"\x00", "\x01", "\x02", "\x03", "\x04", "\x01\x02\x02", "\x00\x02", "\x02\x02", "a", "a\x00", "a\x01", "a\x01b", "\x00a", "a%_\\b", "İ", "ß", "Σς"}
	for i, text := range texts {
		in := incident.Incident{Dataset: "odd", SourceID: fmt.Sprint(i), Start: 1, End: 1, Summary: text, Actor1: text, AssocActors: []string{text, ""}}
		in.ID = incident.ID("odd", in.SourceID)
		all = append(all, in)
	}
	storetest.Load(t, s, plain("odd"), 100, all)
	storetest.Load(t, oracle, plain("odd"), 100, all)
	for _, text := range append(texts, "\xff", "a\xffb", "") {
		filters := []incident.Filter{incident.TextHas{Words: text}, incident.ActorHas{Words: text}, incident.In{Property: "summary", Values: []string{text}},
			incident.Not{Of: incident.In{Property: "summary", Values: []string{text}}},
			incident.CompareLists{Left: incident.ListField{Property: "assoc_actors"}, Op: incident.SetOverlaps, Right: incident.ListLiteral{Of: []incident.Expr{incident.Literal{Value: incident.TextValue(text)}}}}}
		for _, pattern := range []string{text, "%" + text, text + "%", "%" + text + "%", "_" + text, "_", "\\" + text} {
			filters = append(filters, incident.Like{Property: "summary", Pattern: pattern}, incident.Not{Of: incident.LikeExpr{Of: incident.Field{Property: "actor1"}, Pattern: pattern}})
		}
		for _, op := range []incident.Op{incident.Lt, incident.Le, incident.Eq, incident.Ne} {
			filters = append(filters, incident.Compare{Property: "summary", Op: op, Value: incident.TextValue(text)})
		}
		for _, f := range filters {
			if d := cmp.Diff(storetest.List(t, oracle, incident.Query{Filter: f}), storetest.List(t, s, incident.Query{Filter: f}), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("%#v (-oracle +store):\n%s", f, d)
			}
		}
	}
	bad := all[0]
	bad.Summary = "a\xffb"
	l := begin(t, s, plain("odd"))
	_, err := l.Put(t.Context(), []incident.Incident{bad})
	wantCode(t, err, incident.CodeInvalid, "no UTF-8 (summary)")
	if err := l.Abort(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"\xff", "\x00"} {
		_, err = s.Incident(t.Context(), id)
		wantCode(t, err, incident.CodeNotFound, "")
		_, err = s.Versions(t.Context(), id)
		wantCode(t, err, incident.CodeNotFound, "")
		_, err = s.Links(t.Context(), id)
		wantCode(t, err, incident.CodeNotFound, "")
	}
}

// Changes of one process are told to another, and say what they touched.
func TestWaitAndJournal(t *testing.T) {
	schema := newSchema()
	writer := open(t, postgis.Options{Schema: schema})
	defer writer.Close()
	s := open(t, postgis.Options{Schema: schema, ReadOnly: true})
	defer s.Close()
	if n, err := s.Wait(t.Context(), -1); err != nil || n != 0 {
		t.Errorf("what has happened already: %d, %v", n, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, err := s.Wait(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nothing happened: %v", err)
	}
	if d := time.Since(begun); d > 3*time.Second {
		t.Errorf("it waits for %v after the end of its context", d)
	}
	told := make(chan int64)
	go func() {
		n, err := s.Wait(t.Context(), 0)
		if err != nil {
			t.Error(err)
		}
		told <- n
	}()
	time.Sleep(20 * time.Millisecond)
	all := storetest.Plain(100, 1)
	storetest.Load(t, writer, plain("plain"), 50, all)
	if n := <-told; n < 1 {
		t.Errorf("told of change %d", n)
	}
	before, err := writer.Change(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commits := writer.Commits()
	all[60].Summary = "changed"
	storetest.Load(t, writer, plain("plain"), 100, all[55:])
	if writer.Commits() == commits || s.Commits() != 0 {
		t.Errorf("commits %d after %d, %d of a reader", writer.Commits(), commits, s.Commits())
	}
	waiting := make(chan error)
	go func() {
		_, err := s.Wait(t.Context(), 1<<40)
		waiting <- err
	}()
	time.Sleep(50 * time.Millisecond)
	defer func() { // Close ends it
		_ = s.Close()
		wantCode(t, <-waiting, incident.CodeUnavailable, "")
	}()
	ranges, known, err := s.Touched(t.Context(), before)
	if err != nil || !known || !cmp.Equal(incident.JoinFIDs(ranges, 1), []incident.FIDRange{{From: 61, To: 61}}) {
		t.Errorf("touched %v, %v, %v", ranges, known, err)
	}
	for _, since := range []int64{-1, 1 << 40} {
		if _, known, err := s.Touched(t.Context(), since); known || err != nil {
			t.Errorf("since %d: known %v, %v", since, known, err)
		}
	}
}

// The index beside a store follows this one as it does the embedded one.
func TestIndex(t *testing.T) {
	s := open(t, postgis.Options{})
	defer s.Close()
	all := storetest.Plain(500, 1)
	storetest.Load(t, s, plain("plain"), 500, all[:400])
	x := index.New(s, index.Options{})
	query := incident.Query{Filter: incident.During{From: 12000, To: 16000}, Order: incident.ByStart}
	for step := range 3 {
		if err := x.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(storetest.List(t, s, query), storetest.List(t, x, query), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("step %d (-store +index):\n%s", step, d)
		}
		switch step {
		case 0:
			all[3].Summary = "changed"
			storetest.Load(t, s, plain("plain"), 500, all)
		case 1:
			if _, err := s.Undo(t.Context(), 2); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Windows, boxes and pages are answered from the indexes that are there for them.
func TestPlan(t *testing.T) {
	schema := newSchema()
	s := open(t, postgis.Options{Schema: schema})
	defer s.Close()
	storetest.Load(t, s, plain("plain"), 20_000, storetest.Plain(20_000, 1)) // which tells the planner
	c := sql(t, schema)
	days := incident.During{From: 15000, To: 15060}
	box := incident.Box{Bound: orb.Bound{Min: orb.Point{70, 30}, Max: orb.Point{70.2, 30.2}}}
	for _, p := range []struct {
		name   string
		filter incident.Filter
		uses   []string
	}{
		{"window", incident.And{days, box}, []string{"incidents_start", "incidents_long"}},
		{"days", days, []string{"incidents_start", "incidents_long"}},
		{"box", box, []string{"incidents_geom"}},
		{"oldest", nil, []string{"incidents_start"}},
		{"words", incident.TextHas{Words: "nothing of the sort"}, nil},
	} {
		query, args, err := postgis.PageSQL(p.filter)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := c.Query(t.Context(), "EXPLAIN "+query, append([]any{pgx.QueryExecModeExec}, args...)...)
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		plan := strings.Join(lines, "\n")
		for _, name := range p.uses {
			if !strings.Contains(plan, name) {
				t.Errorf("%s does without %s:\n%s", p.name, name, plan)
			}
		}
		if len(p.uses) > 0 && strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s looks at all rows:\n%s", p.name, plan)
		}
	}
}

func BenchmarkStore(b *testing.B) {
	storetest.Bench(b, func(b *testing.B) incident.Store { return open(b, postgis.Options{}) })
}
