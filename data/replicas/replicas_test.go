//go:build unix

package replicas_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"sarhad/data/index"
	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/data/publish"
	"sarhad/data/replicas"
	"sarhad/data/storetest"
	"sarhad/incident"
)

func open(t *testing.T, s *pgtest.Server, opt postgis.Options) *postgis.Store {
	t.Helper()
	st, err := postgis.Open(t.Context(), s.URI(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// until waits for something that has to come.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never %s", what)
		}
	}
}

// run sends a statement to a server.
func run(t *testing.T, s *pgtest.Server, statement string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), s.URI())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// losses counts how often a copy was left out.
type losses struct{ n atomic.Int64 }

func (l *losses) Write(b []byte) (int, error) {
	l.n.Add(1)
	return len(b), nil
}

// A stricter rule holds though the copy stands still, for an index too and for who starts meanwhile, and goes on holding
// when the primary dies.
func TestRulesOfThePrimary(t *testing.T) {
	primary := pgtest.Need(t)
	main := open(t, primary, postgis.Options{Schema: "rules"})
	all := storetest.Plain(300, 1)
	storetest.Load(t, main, incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "a.csv"}, 100, all)
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)
	second := open(t, standby, postgis.Options{Schema: "rules", ReadOnly: true})
	truth := map[string]orb.Point{}
	for i := range all {
		truth[all[i].ID] = all[i].Point
	}
	// begin starts what a server has: readers of what everybody sees, with and without an index.
	begin := func() (plain, indexed incident.Reader) {
		r := replicas.New(main, []replicas.Copy{{Source: second, Name: "second"}}, slog.New(slog.DiscardHandler))
		view := publish.Blurred(r, incident.Publication{}, publish.Places{})
		x := index.New(view, index.Options{})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		running.Go(func() { x.Follow(ctx, func(err error) { t.Log(err) }) })
		t.Cleanup(func() { stop(); running.Wait() })
		until(t, "up", func() bool { return r.Up() == 1 })
		return publish.New(view, time.Now), publish.New(x, time.Now)
	}
	// shown counts the incidents that are at their true places.
	shown := func(q incident.Reader) (n, exact int, err error) {
		for in, err := range q.Incidents(t.Context(), incident.Query{}) {
			if err != nil {
				return n, exact, err
			}
			if n++; in.HasPoint && in.Point == truth[in.ID] {
				exact++
			}
		}
		return n, exact, nil
	}
	plain, indexed := begin()
	for what, q := range map[string]incident.Reader{"the view": plain, "the index": indexed} {
		if n, exact, err := shown(q); n != len(all) || exact == 0 || err != nil {
			t.Fatalf("%s shows %d, %d of them where they were, %v", what, n, exact, err)
		}
	}

	run(t, standby, "SELECT pg_wal_replay_pause()")
	blur := incident.Blur("grid:0.5")
	if err := main.SetDataset(t.Context(), "plain", incident.DatasetChange{Blur: &blur}); err != nil {
		t.Fatal(err)
	}
	hidden := func(q incident.Reader) func() bool {
		return func() bool {
			n, exact, err := shown(q)
			return err == nil && n == len(all) && exact == 0
		}
	}
	until(t, "blurred in the view", hidden(plain))
	until(t, "blurred in the index", hidden(indexed))
	later, laterIndexed := begin()
	if !hidden(later)() || !hidden(laterIndexed)() {
		t.Error("one that started meanwhile shows the truth")
	}
	delay := 100 * 365 * 24 * time.Hour
	if err := main.SetDataset(t.Context(), "plain", incident.DatasetChange{Delay: &delay}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []incident.Reader{plain, indexed} {
		until(t, "delayed", func() bool { n, _, err := shown(q); return err == nil && n == 0 })
	}

	primary.Kill()
	for range 20 {
		for what, q := range map[string]incident.Reader{"the view": plain, "the index": indexed} {
			if n, _, _ := shown(q); n != 0 {
				t.Fatalf("%s shows %d incidents without the primary", what, n)
			}
		}
		time.Sleep(100 * time.Millisecond) // while the rules are asked for
	}
	if err := primary.Run(); err != nil {
		t.Fatal(err)
	}
	run(t, standby, "SELECT pg_wal_replay_resume()")
	until(t, "back, with its rules", func() bool { n, _, err := shown(plain); return err == nil && n == 0 })
}

// A primary and a copy that follows it by streaming: what is written to the one is read from the other, nothing seen is
// ever unseen, and each can go and come back.
func TestStandby(t *testing.T) {
	primary := pgtest.Need(t)
	main := open(t, primary, postgis.Options{})
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)
	second := open(t, standby, postgis.Options{ReadOnly: true})
	if _, err := postgis.Open(t.Context(), standby.URI(), postgis.Options{Schema: "new"}); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("a store on a replica is opened for writing: %v", err)
	}

	var lost losses
	r := replicas.New(main, []replicas.Copy{{Source: second, Name: "second"}}, slog.New(slog.NewTextHandler(&lost, &slog.HandlerOptions{Level: slog.LevelWarn})))
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	x := index.New(r, index.Options{})
	running.Go(func() { x.Follow(ctx, func(err error) { t.Log(err) }) })
	defer running.Wait()
	defer stop()
	until(t, "up", func() bool { return r.Up() == 1 })

	count := func(q incident.Reader) int {
		t.Helper()
		n, err := q.Count(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	all := storetest.Plain(4000, 1)
	load := func(upTo int) int64 {
		t.Helper()
		storetest.Load(t, main, incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "a.csv"}, 100, all[:upTo])
		n, err := main.Change(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	change := load(1000)
	if n, err := r.Wait(t.Context(), change-1); err != nil || n < change {
		t.Errorf("told of change %d, %v; want %d", n, err, change)
	}
	if count(r) != 1000 {
		t.Errorf("%d incidents", count(r))
	}
	until(t, "on the replica", func() bool { return count(second) == 1000 })
	until(t, "in the index", func() bool { return count(x) == 1000 })

	// A copy that stands still is not asked for what the others have shown.
	until(t, "up before it stands still", func() bool { return r.Up() == 1 })
	before := lost.n.Load()
	run(t, standby, "SELECT pg_wal_replay_pause()")
	change = load(1500)
	short, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	told, err := r.Wait(short, change-1)
	cancel()
	seen := count(r)
	switch {
	case lost.n.Load() > before: // on a machine so busy that it took longer than probeTime to answer, and the primary took its place
		t.Log("the replica was slow, and left out")
	case !errors.Is(err, context.DeadlineExceeded) || seen != 1000:
		t.Errorf("while the replica stands still, change %d is told, %v, and there are %d incidents", told, err, seen)
	}
	run(t, standby, "SELECT pg_wal_replay_resume()")
	if n, err := r.Wait(t.Context(), change-1); err != nil || n < change || count(r) != 1500 {
		t.Errorf("told of change %d, %v, %d incidents", n, err, count(r))
	}

	// Without the copy the primary answers, and the change number goes on from where it was.
	standby.Kill()
	if n := count(r); n != 1500 {
		t.Errorf("%d incidents right after the replica died", n)
	}
	until(t, "down", func() bool { return r.Up() == 0 })
	change = load(2000)
	if n, err := r.Change(t.Context()); err != nil || n != change {
		t.Errorf("change %d, %v; want %d", n, err, change)
	}
	until(t, "in the index without a replica", func() bool { return count(x) == 2000 })
	if err := standby.Run(); err != nil {
		t.Fatal(err)
	}
	until(t, "up again", func() bool { return r.Up() == 1 })
	if n := count(r); n != 2000 {
		t.Errorf("%d incidents from a replica that is behind", n)
	}

	// Without the primary the copy answers, and nothing that was acknowledged is lost.
	if n, err := r.Wait(t.Context(), change-1); err != nil || n < change {
		t.Errorf("told of change %d, %v", n, err)
	}
	until(t, "replayed", func() bool { n, err := second.Change(t.Context()); return err == nil && n == change })
	primary.Kill()
	for _, in := range []int{0, 1999} {
		if got, err := r.Incident(t.Context(), all[in].ID); err != nil || got.Summary != all[in].Summary {
			t.Errorf("incident %d without the primary: %v", in, err)
		}
	}
	n := 0
	for _, err := range r.Incidents(t.Context(), incident.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2000 || count(r) != 2000 || count(x) != 2000 {
		t.Errorf("without the primary %d incidents, counted %d, in the index %d", n, count(r), count(x))
	}
	if _, err := main.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "plain"}}); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("a load without a primary: %v", err)
	}
	if err := primary.Run(); err != nil {
		t.Fatal(err)
	}
	until(t, "back", func() bool { _, err := main.Change(t.Context()); return err == nil }) // the connections of before are gone
	change = load(2100)
	if n, err := r.Wait(t.Context(), change-1); err != nil || n < change || count(r) != 2100 {
		t.Errorf("after the primary came back: change %d, %v, %d incidents", n, err, count(r))
	}
	until(t, "in the index after all", func() bool { return count(x) == 2100 })
}
