//go:build unix

package replicas_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/data/replicas"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// split is what a server has: it writes to one store and reads from the copies of it. Who wrote waits until that can be read.
type split struct {
	*replicas.Reader
	incident.TokenKeeper
	incident.Auditor
	main *postgis.Store
	end  func() error
}

func (s *split) Close() error { return s.end() }

// seen waits for what was written, whatever became of it.
func (s *split) seen() {
	ctx := context.Background() // also where that of the test has ended
	if change, err := s.main.Change(ctx); err == nil {
		_, _ = s.Wait(ctx, change-1) // it cannot fail while the primary answers
	}
}

func (s *split) Begin(ctx context.Context, imp incident.Import) (incident.Load, error) {
	defer s.seen()
	l, err := s.main.Begin(ctx, imp)
	if err != nil {
		return nil, err
	}
	return &load{l, s}, nil
}

func (s *split) RemoveDataset(ctx context.Context, name string) (int, error) {
	defer s.seen()
	return s.main.RemoveDataset(ctx, name)
}

func (s *split) SetDataset(ctx context.Context, name string, change incident.DatasetChange) error {
	defer s.seen()
	return s.main.SetDataset(ctx, name, change)
}

func (s *split) Undo(ctx context.Context, id int64) (incident.UndoResult, error) {
	defer s.seen()
	return s.main.Undo(ctx, id)
}

type load struct {
	incident.Load
	s *split
}

func (l *load) Put(ctx context.Context, batch []incident.Incident) (incident.PutResult, error) {
	defer l.s.seen()
	return l.Load.Put(ctx, batch)
}

func (l *load) Sweep(ctx context.Context) (int, error) {
	defer l.s.seen()
	return l.Load.Sweep(ctx)
}

func (l *load) Finish(ctx context.Context, report string) error {
	defer l.s.seen()
	return l.Load.Finish(ctx, report)
}

func (l *load) Abort() error {
	defer l.s.seen()
	return l.Load.Abort()
}

func (l *load) Revert(ctx context.Context) error {
	defer l.s.seen()
	return l.Load.Revert(ctx)
}

// copyOf is a copy that counts what it is asked, and of each so many questions fails one.
type copyOf struct {
	*postgis.Store
	asked *atomic.Int64
	fails int64 // 0 for never
}

var errGone = incident.Errorf(incident.CodeUnavailable, "The copy is gone.")

func (c *copyOf) broken() bool { n := c.asked.Add(1); return c.fails > 0 && n%c.fails == 0 }

func (c *copyOf) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	if c.broken() {
		return func(yield func(*incident.Incident, error) bool) { yield(nil, errGone) }
	}
	return c.Store.Incidents(ctx, q)
}

func (c *copyOf) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	if c.broken() {
		return nil, errGone
	}
	return c.Store.Incident(ctx, id)
}

func (c *copyOf) Count(ctx context.Context, f incident.Filter) (int, error) {
	if c.broken() {
		return 0, errGone
	}
	return c.Store.Count(ctx, f)
}

func (c *copyOf) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	if c.broken() {
		return nil, errGone
	}
	return c.Store.Aggregate(ctx, q)
}

func (c *copyOf) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	if c.broken() {
		return nil, errGone
	}
	return c.Store.Datasets(ctx)
}

// A store that is read from two copies, one of which fails now and then, keeps the whole contract. The copies are other
// connections to the same database, so that nothing waits for a standby; of one that lags behind see TestStandby.
func TestContract(t *testing.T) {
	server := pgtest.Need(t)
	var schemas, good, shaky atomic.Int64
	storetest.Run(t, func(t *testing.T) incident.Store {
		schema := fmt.Sprintf("contract_%d", schemas.Add(1))
		main, err := postgis.Open(t.Context(), server.URI(), postgis.Options{Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		first, second := open(t, server, postgis.Options{Schema: schema, ReadOnly: true}), open(t, server, postgis.Options{Schema: schema, ReadOnly: true})
		r := replicas.New(main, []replicas.Copy{{Source: &copyOf{first, &good, 0}, Name: "first"}, {Source: &copyOf{second, &shaky, 5}, Name: "second"}}, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		until(t, "up", func() bool { return r.Up() == 2 })
		return &split{r, main, main, main, func() error {
			stop()
			running.Wait()
			return main.Close()
		}}
	})
	t.Logf("asked of the copies: %d and %d times", good.Load(), shaky.Load())
	if good.Load() < 1000 || shaky.Load() < 100 {
		t.Errorf("the copies were asked %d and %d times: the rest went to the primary", good.Load(), shaky.Load())
	}
}
