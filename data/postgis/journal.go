package postgis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"sarhad/incident"
)

// touchAll notes the rows that a query gives.
func (w *writer) touchAll(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	if err := each(ctx, tx, sql, args, func(v [][]byte) (bool, error) {
		if fid, ok := integerOf(v[0]); ok {
			w.touched.Add(fid)
		}
		return true, nil
	}); err != nil {
		return fmt.Errorf("note what changes: %w", err)
	}
	return nil
}

// grow counts a change that readers can see, writes down what was touched and
// tells those who wait when the transaction is committed.
func (w *writer) grow(ctx context.Context, tx pgx.Tx) error {
	var now int64
	if err := tx.QueryRow(ctx, "UPDATE state SET change = change + 1, journal_since = greatest(journal_since, change + 1 - $1) RETURNING change", incident.KeptChanges).Scan(&now); err != nil {
		return fmt.Errorf("grow the change number: %w", err)
	}
	if _, err := tx.Exec(ctx, "SELECT pg_notify($1, $2)", w.s.channel(), strconv.FormatInt(now, 10)); err != nil {
		return fmt.Errorf("tell of the change: %w", err)
	}
	if len(w.touched) == 0 {
		return nil
	}
	var from, to []int64
	for _, r := range w.touched.Ranges() {
		from, to = append(from, r.From), append(to, r.To)
	}
	w.touched = w.touched[:0]
	if _, err := tx.Exec(ctx, "INSERT INTO journal (change, from_fid, to_fid) SELECT $1, * FROM unnest($2::bigint[], $3::bigint[])", now, from, to); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if _, err := tx.Exec(ctx, "DELETE FROM journal WHERE change <= $1", now-incident.KeptChanges); err != nil {
		return fmt.Errorf("shorten the journal: %w", err)
	}
	return nil
}

// Commits implements [incident.Journal].
func (s *Store) Commits() int64 { return s.commits.Load() }

// Touched implements [incident.Journal].
func (s *Store) Touched(ctx context.Context, since int64) (ranges []incident.FIDRange, known bool, err error) {
	err = s.snapshot(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT $1 BETWEEN journal_since AND change FROM state", since).Scan(&known); err != nil || !known {
			return err
		}
		return each(ctx, tx, "SELECT from_fid, to_fid FROM journal WHERE change > $1", []any{since}, func(v [][]byte) (bool, error) {
			var r incident.FIDRange
			r.From, _ = integerOf(v[0])
			r.To, _ = integerOf(v[1])
			ranges = append(ranges, r)
			return true, nil
		})
	})
	if err != nil {
		return nil, false, fmt.Errorf("read the journal: %w", domainError(ctx, err))
	}
	return ranges, known, nil
}

// channel is what a change of the store is told on, with the change number as the message.
func (s *Store) channel() string { return s.opt.Schema + "_change" }

// pollEvery is how often a replica is asked for its change number by whoever waits for one: it is told nothing.
const pollEvery = 50 * time.Millisecond

// Wait implements [incident.Waiter]. Changes of other processes and machines
// count too. The connection that it waits on is kept for the next time. On a
// replica, which is told nothing, it asks every 50 ms what has been replayed.
func (s *Store) Wait(ctx context.Context, after int64) (change int64, err error) {
	change, err = s.wait(ctx, after)
	if err != nil {
		return 0, fmt.Errorf("wait for a change: %w", domainError(ctx, err))
	}
	return change, nil
}

func (s *Store) wait(ctx context.Context, after int64) (change int64, err error) {
	l, err := s.listen(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { s.doNotListen(l) }()
	for {
		// Asked after LISTEN, so that no change falls in between.
		if change, err = changeNumber(ctx, l.c); err != nil || change > after {
			return change, err
		}
		if !l.deaf {
			if _, err := l.c.WaitForNotification(ctx); err != nil {
				return 0, err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// listener is a connection that is told of changes, or deaf: one to a replica.
type listener struct {
	*writer
	deaf bool
}

// listen gives the connection that waited last, or opens one.
func (s *Store) listen(ctx context.Context) (l listener, err error) {
	s.mu.Lock()
	l, s.idle = s.idle, listener{}
	s.mu.Unlock()
	if l.writer != nil {
		if !l.c.IsClosed() {
			return l, nil
		}
		l.release()
	}
	conf := s.conf.Copy()
	// Nothing runs on the server that could be cancelled: to wait no longer is to hang up.
	conf.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: pg.Conn()}
	}
	if l.writer, err = s.dial(ctx, conf); err != nil {
		return l, err
	}
	if err = l.c.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&l.deaf); err == nil && !l.deaf {
		_, err = l.c.Exec(ctx, "LISTEN "+quoted(s.channel()))
	}
	if err != nil {
		l.release()
	}
	return l, err
}

// doNotListen keeps a connection for the next who waits, if it is whole and none is kept.
func (s *Store) doNotListen(l listener) {
	s.mu.Lock()
	keep := s.idle.writer == nil && !l.c.IsClosed() && !s.closed.Load()
	if keep {
		s.idle = l
	}
	s.mu.Unlock()
	if !keep {
		l.release()
	}
}
