// Package replicas answers questions about a store from the read replicas of its database.
//
// # Goals
//
// Any number of copies that follow one primary look like one reader: what was
// seen once is never unseen, a copy that fails or lags behind is left out until
// it is back, and without any copy the primary answers. What may be shown is
// asked of the primary: a copy that does not have its rules yet is left out too.
//
// # Non-goals
//
// It writes nothing, and makes no copies: the database does that by itself.
package replicas

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"sarhad/incident"
)

// Source is a store that can be the primary or a copy.
type Source interface {
	incident.Journal
	incident.Clusterer
	incident.Waiter
	incident.SecretKeeper
}

// Copy is a read replica.
type Copy struct {
	Source
	// Name is what it is called in the log, without a password.
	Name string
}

// Reader reads from copies in turn. It implements [Source] and is safe for concurrent use.
type Reader struct {
	primary Source
	log     *slog.Logger
	copies  []*state
	turn    atomic.Uint64
	floor   atomic.Int64 // the greatest change number that was given out, or that a copy must have for its rules to be those of the primary

	mu    sync.Mutex
	moved chan struct{} // closed when a copy moves on, comes or goes
}

// state is what is known of a copy.
type state struct {
	Copy
	change atomic.Int64 // that it has replayed
	up     atomic.Bool
}

var _ Source = (*Reader)(nil)

const (
	// probeEvery is how often a copy of which nothing is heard is asked whether it is there, and probeTime how long it has to answer.
	probeEvery, probeTime = time.Second, 2 * time.Second
	// rulesEvery is how often the primary is asked whether its rules changed. They hold within a second.
	rulesEvery = 500 * time.Millisecond
)

// New makes a reader. Until [Reader.Run] has heard of a copy, the primary answers.
func New(primary Source, copies []Copy, log *slog.Logger) *Reader {
	r := &Reader{primary: primary, log: log, moved: make(chan struct{})}
	for _, c := range copies {
		r.copies = append(r.copies, &state{Copy: c})
	}
	return r
}

// Run follows the copies until its context ends, as soon as the rules of the primary are known.
func (r *Reader) Run(ctx context.Context) {
	var last rules
	for !r.learn(ctx, &last) {
		if !pause(ctx, rulesEvery) {
			return
		}
	}
	var all sync.WaitGroup
	all.Go(func() {
		for pause(ctx, rulesEvery) {
			r.learn(ctx, &last)
		}
	})
	for _, c := range r.copies {
		all.Go(func() { r.follow(ctx, c) })
	}
	all.Wait()
}

// pause reports false if the context ends meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// rules are what the primary says of the datasets that not all is to be seen of, by their names.
type rules struct {
	change int64 // of the primary when they were read, or before
	by     map[string]rule
}

// rule is what says how much of a dataset is seen.
type rule struct {
	incident.Publication
	aggregatesOnly bool
}

// learn asks the primary for its rules. Where they are not those of before, no copy is asked until it has them. A
// primary that does not answer changes nothing: the last rules hold.
func (r *Reader) learn(ctx context.Context, last *rules) (known bool) {
	change, err := limited(ctx, probeTime, r.primary.Change)
	if err != nil {
		return false
	}
	if last.by != nil && change == last.change {
		return true
	}
	list, err := limited(ctx, probeTime, r.primary.Datasets)
	if err != nil {
		return false
	}
	by := make(map[string]rule, len(list))
	for i := range list {
		if is := (rule{list[i].Publication, list[i].AggregatesOnly}); is != (rule{}) {
			by[list[i].Name] = is
		}
	}
	if last.by == nil || !maps.Equal(by, last.by) {
		// Asked again, since the list may be newer than the number that was read before it.
		after, err := limited(ctx, probeTime, r.primary.Change)
		if err != nil {
			return false
		}
		r.raise(after)
		r.tell()
	}
	*last = rules{change, by}
	return true
}

// raise lets no copy answer that does not have a change, and gives the least that one must have.
func (r *Reader) raise(change int64) int64 {
	for {
		floor := r.floor.Load()
		if change <= floor {
			return floor
		}
		if r.floor.CompareAndSwap(floor, change) {
			return change
		}
	}
}

func (r *Reader) follow(ctx context.Context, c *state) {
	was := true // so that the first failure is told
	for ctx.Err() == nil {
		after := int64(-1)
		if c.up.Load() {
			after = c.change.Load()
		}
		change, err := limited(ctx, probeEvery, func(ctx context.Context) (int64, error) { return c.Wait(ctx, after) })
		if errors.Is(err, context.DeadlineExceeded) {
			change, err = limited(ctx, probeTime, c.Change)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			r.heard(c, change)
		} else {
			r.lost(c)
		}
		if up := err == nil; up != was {
			if was = up; up {
				r.log.Info("a read replica answers again", "replica", c.Name, "change", change)
			} else {
				r.log.Warn("a read replica does not answer; the others do", "replica", c.Name, "error", err)
			}
		}
		if err != nil {
			pause(ctx, probeEvery)
		}
	}
}

func limited[T any](ctx context.Context, most time.Duration, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return do(ctx)
}

func (r *Reader) heard(c *state, change int64) {
	if c.up.Load() && c.change.Load() == change {
		return
	}
	c.change.Store(change)
	c.up.Store(true)
	r.tell()
}

func (r *Reader) lost(c *state) {
	if c.up.Swap(false) {
		r.tell()
	}
}

// tell wakes those who wait.
func (r *Reader) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.moved)
	r.moved = make(chan struct{})
}

// pick gives the next copy that is up and has all that was ever shown, nil if there is none.
func (r *Reader) pick() *state {
	floor, n := r.floor.Load(), uint64(len(r.copies))
	start := r.turn.Add(1)
	for i := range n {
		if c := r.copies[(start+i)%n]; c.up.Load() && c.change.Load() >= floor {
			return c
		}
	}
	return nil
}

// failed reports whether a copy failed in such a way that another may answer, and leaves it out then.
func (r *Reader) failed(ctx context.Context, c *state, err error) bool {
	if c == nil || err == nil || ctx.Err() != nil || incident.CodeOf(err) != incident.CodeUnavailable {
		return false
	}
	r.lost(c)
	return true
}

// ask puts a question to a copy, to the next one if that fails, and at last to the primary.
func ask[T any](ctx context.Context, r *Reader, question func(Source) (T, error)) (T, error) {
	for range r.copies {
		c := r.pick()
		if c == nil {
			break
		}
		if v, err := question(c); !r.failed(ctx, c, err) {
			return v, err
		}
	}
	return question(r.primary)
}

// Change implements [incident.Reader]: what the copy has that is ahead of the others. It never shrinks.
func (r *Reader) Change(ctx context.Context) (int64, error) {
	now := int64(-1)
	for _, c := range r.copies {
		if c.up.Load() {
			now = max(now, c.change.Load())
		}
	}
	if now < r.floor.Load() { // no copy has what was shown
		var err error
		if now, err = r.primary.Change(ctx); err != nil {
			return 0, err
		}
	}
	return r.raise(now), nil
}

// Wait implements [incident.Waiter].
func (r *Reader) Wait(ctx context.Context, after int64) (int64, error) {
	for {
		r.mu.Lock()
		moved := r.moved
		r.mu.Unlock()
		change, err := r.Change(ctx)
		if err != nil || change > after {
			return change, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-moved:
		case <-time.After(probeEvery): // without any copy nobody tells
		}
	}
}

// Commits implements [incident.Journal]: it counts what this process has written to the primary.
func (r *Reader) Commits() int64 { return r.primary.Commits() }

// Incidents implements [incident.Reader]. A copy that fails after it gave something ends the sequence.
func (r *Reader) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		from := func(s Source, c *state) (again bool) {
			given := false
			for in, err := range s.Incidents(ctx, q) {
				if r.failed(ctx, c, err) && !given {
					return true
				}
				given = true
				if !yield(in, err) {
					return false
				}
			}
			return false
		}
		for range r.copies {
			c := r.pick()
			if c == nil {
				break
			}
			if !from(c, c) {
				return
			}
		}
		from(r.primary, nil)
	}
}

// Incident implements [incident.Reader].
func (r *Reader) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	return ask(ctx, r, func(s Source) (*incident.Incident, error) { return s.Incident(ctx, id) })
}

// Count implements [incident.Reader].
func (r *Reader) Count(ctx context.Context, f incident.Filter) (int, error) {
	return ask(ctx, r, func(s Source) (int, error) { return s.Count(ctx, f) })
}

// Aggregate implements [incident.Reader].
func (r *Reader) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	return ask(ctx, r, func(s Source) ([]incident.Group, error) { return s.Aggregate(ctx, q) })
}

// Datasets implements [incident.Reader].
func (r *Reader) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	return ask(ctx, r, func(s Source) ([]incident.DatasetInfo, error) { return s.Datasets(ctx) })
}

// Imports implements [incident.Reader].
func (r *Reader) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	return ask(ctx, r, func(s Source) ([]incident.ImportInfo, error) { return s.Imports(ctx, dataset) })
}

// Import implements [incident.Reader].
func (r *Reader) Import(ctx context.Context, id int64) (incident.ImportInfo, error) {
	return ask(ctx, r, func(s Source) (incident.ImportInfo, error) { return s.Import(ctx, id) })
}

// Secret implements [incident.SecretKeeper]; a copy has that of the primary.
func (r *Reader) Secret(ctx context.Context) ([]byte, error) {
	return ask(ctx, r, func(s Source) ([]byte, error) { return s.Secret(ctx) })
}

// Versions implements [incident.Reader].
func (r *Reader) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	return ask(ctx, r, func(s Source) ([]incident.Version, error) { return s.Versions(ctx, id) })
}

// Links implements [incident.Reader].
func (r *Reader) Links(ctx context.Context, id string) ([]incident.Link, error) {
	return ask(ctx, r, func(s Source) ([]incident.Link, error) { return s.Links(ctx, id) })
}

// Touched implements [incident.Journal].
func (r *Reader) Touched(ctx context.Context, since int64) ([]incident.FIDRange, bool, error) {
	type touched struct {
		ranges []incident.FIDRange
		known  bool
	}
	t, err := ask(ctx, r, func(s Source) (t touched, err error) {
		t.ranges, t.known, err = s.Touched(ctx, since)
		return t, err
	})
	return t.ranges, t.known, err
}

// Clusters implements [incident.Clusterer].
func (r *Reader) Clusters(ctx context.Context) (int64, []incident.Member, error) {
	type clusters struct {
		change  int64
		members []incident.Member
	}
	c, err := ask(ctx, r, func(s Source) (c clusters, err error) {
		c.change, c.members, err = s.Clusters(ctx)
		return c, err
	})
	return c.change, c.members, err
}

// Up is the number of copies that answer.
func (r *Reader) Up() (n int) {
	for _, c := range r.copies {
		if c.up.Load() {
			n++
		}
	}
	return n
}
