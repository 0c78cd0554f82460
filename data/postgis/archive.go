package postgis

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/jackc/pgx/v5"

	"sarhad/incident"
)

var _ incident.Archive = (*Store)(nil)

// Holdings implements [incident.Archive].
func (s *Store) Holdings(ctx context.Context) (h incident.Holdings, err error) {
	var boundaries *string
	var change, next int64
	settled := map[string]bool{}
	err = s.pool.QueryRow(ctx, "SELECT change, next_fid, boundaries FROM state").Scan(&change, &next, &boundaries)
	if err == nil {
		var rows pgx.Rows
		var name string
		rows, _ = s.pool.Query(ctx, "SELECT name FROM datasets WHERE public_set") // what is wrong, ForEachRow says
		_, err = pgx.ForEachRow(rows, []any{&name}, func() error {
			settled[show.Replace(name)] = true
			return nil
		})
	}
	if err == nil {
		h, err = incident.HoldingsOf(ctx, s, settled)
	}
	if err != nil {
		return h, fmt.Errorf("look at what the store holds: %w", domainError(ctx, err))
	}
	h.Change, h.NextFID, h.Boundaries = change, next, shown(boundaries)
	return h, nil
}

// Entries implements [incident.Archive].
func (s *Store) Entries(ctx context.Context, past, fid int64) iter.Seq2[*incident.Entry, error] {
	return func(yield func(*incident.Entry, error) bool) {
		stopped := false
		err := s.snapshot(ctx, func(tx pgx.Tx) error {
			var d decoder
			var e incident.Entry
			read := func(v [][]byte) (bool, error) {
				e = incident.Entry{}
				e.Number, _ = integerOf(v[0])
				e.Import, _ = integerOf(v[2])
				e.Until, _ = integerOf(v[3])
				if e.Gone = string(v[1]) == opGone; e.Gone {
					e.Incident.ID, e.Incident.Dataset = show.Replace(string(v[4])), show.Replace(string(v[5]))
				} else if err := d.scan(v[6:], &e.Incident); err != nil {
					return false, err
				}
				stopped = !yield(&e, nil)
				return !stopped, nil
			}
			row := "SELECT %s, i.import_id, %s, i.id, i.dataset, " + selectRow + " FROM %s ORDER BY 1, i.fid"
			err := each(ctx, tx, fmt.Sprintf(row, "i.vid, i.op", "i.until_change", "versions AS i WHERE i.vid > $1"), []any{past}, read)
			if err != nil || stopped {
				return err
			}
			return each(ctx, tx, fmt.Sprintf(row, "0::bigint, 'put'", "NULL::bigint", "incidents AS i WHERE i.fid > $1"), []any{fid}, read)
		})
		if err != nil && !stopped {
			yield(nil, fmt.Errorf("read the histories: %w", domainError(ctx, err)))
		}
	}
}

// restore is a copy that is being made.
type restore struct {
	s     *Store
	h     incident.Holdings
	mu    sync.Mutex // holds what is below
	w     *writer
	done  [2]int64
	ended bool
}

// Restore implements [incident.Archive].
func (s *Store) Restore(ctx context.Context, h incident.Holdings) (incident.Restore, error) {
	w, err := s.lock(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a copy: %w", domainError(ctx, err))
	}
	r := &restore{s: s, h: h, w: w}
	if err := w.tx(ctx, func(tx pgx.Tx) error { return r.begin(ctx, tx) }); err != nil {
		w.release()
		return nil, fmt.Errorf("begin a copy: %w", domainError(ctx, err))
	}
	return r, nil
}

func (r *restore) begin(ctx context.Context, tx pgx.Tx) error {
	var mark *string
	var holds bool
	if err := tx.QueryRow(ctx, "SELECT copying, EXISTS (SELECT 1 FROM imports) OR EXISTS (SELECT 1 FROM datasets) FROM state").Scan(&mark, &holds); err != nil {
		return err
	}
	switch {
	case mark == nil && holds:
		return incident.ErrNotACopy
	case mark == nil:
		return r.head(ctx, tx)
	case *mark != r.h.Mark():
		return incident.Errorf(incident.CodeConflict, "The store to copy to holds a part of another store, or of this one before it changed; copy to a new one.")
	}
	if err := tx.QueryRow(ctx, "SELECT coalesce((SELECT max(vid) FROM versions), 0), coalesce((SELECT max(fid) FROM incidents), 0)").Scan(&r.done[0], &r.done[1]); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE datasets SET stale = true")
	return err
}

// head writes what is known before the first entry.
func (r *restore) head(ctx context.Context, tx pgx.Tx) error {
	for _, d := range r.h.Datasets {
		if _, err := tx.Exec(ctx, `INSERT INTO datasets (name, title, licence, attribution, terms, version, accessed, aggregates_only, public_set, synthetic, sample, delay_hours, blur, stale)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, true)`, hide.Replace(d.Name), stored(d.Title), stored(d.Licence), stored(d.Attribution), stored(d.Terms),
			stored(d.Version), stored(d.Accessed), d.AggregatesOnly, d.Settled, d.Synthetic, d.Sample, int64(d.Delay.Hours()), stored(string(d.Blur))); err != nil {
			return err
		}
	}
	for i := range r.h.Imports {
		m := &r.h.Imports[i]
		var ended any
		if !m.Ended.IsZero() {
			ended = m.Ended.UTC()
		}
		if _, err := tx.Exec(ctx, `INSERT INTO imports (id, dataset, file, layout, mapping, who, hash, state, started, finished, rows_new, rows_changed, rows_unchanged, rows_gone, report)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`, m.ID, hide.Replace(m.Dataset), stored(m.File), stored(m.Layout), stored(m.Mapping), stored(m.Who), stored(m.Hash),
			string(m.State), m.Started.UTC(), ended, m.New, m.Changed, m.Unchanged, m.Gone, stored(m.Report)); err != nil {
			return err
		}
	}
	// Who kept something of this store before reads everything again.
	if _, err := tx.Exec(ctx, "UPDATE state SET change = greatest(change, $1), journal_since = greatest(change, $1), boundaries = $2, copying = $3",
		r.h.Change, stored(r.h.Boundaries), r.h.Mark()); err != nil {
		return err
	}
	return r.w.grow(ctx, tx)
}

// Done implements [incident.Restore].
func (r *restore) Done() (past, fid int64) { return r.done[0], r.done[1] }

// Put implements [incident.Restore].
func (r *restore) Put(ctx context.Context, entries []incident.Entry) error {
	err := r.do(ctx, func(tx pgx.Tx) error { return r.put(ctx, tx, entries) })
	if err != nil {
		return fmt.Errorf("copy entries: %w", domainError(ctx, err))
	}
	return nil
}

// do runs a step in a transaction.
func (r *restore) do(ctx context.Context, step func(tx pgx.Tx) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.ended:
		return errEnded
	case r.s.closed.Load():
		return errClosed
	case r.w.c.IsClosed():
		return errLost
	}
	return r.w.tx(ctx, step)
}

func (r *restore) put(ctx context.Context, tx pgx.Tx, entries []incident.Entry) error {
	var e encoder
	rows := make([]row, len(entries))
	var past, present []*row
	for i := range entries {
		entry := &entries[i]
		in := &entry.Incident
		if entry.Gone {
			if _, err := tx.Exec(ctx, "INSERT INTO versions (vid, op, id, dataset, import_id) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5)",
				entry.Number, opGone, hide.Replace(in.ID), hide.Replace(in.Dataset), entry.Import); err != nil {
				return err
			}
			continue
		}
		if err := check(in); err != nil {
			return err
		}
		var err error
		if rows[i], err = e.add(in); err != nil {
			return err
		}
		rows[i].fid, rows[i].importID, rows[i].number, rows[i].until = in.FID, entry.Import, entry.Number, entry.Until
		if entry.Number > 0 {
			past = append(past, &rows[i])
		} else {
			present = append(present, &rows[i])
			r.w.touched.Add(in.FID)
		}
	}
	pg := tx.Conn().PgConn()
	if len(past) > 0 {
		if _, err := pg.CopyFrom(ctx, &copyReader{e: &e, past: true, rows: past}, "COPY versions (vid, op, until_change, "+allColumns+") FROM STDIN (FORMAT binary)"); err != nil {
			return err
		}
	}
	if len(present) > 0 {
		if _, err := pg.CopyFrom(ctx, &copyReader{e: &e, rows: present}, "COPY incidents ("+allColumns+") FROM STDIN (FORMAT binary)"); err != nil {
			return err
		}
	}
	return r.w.grow(ctx, tx)
}

// Finish implements [incident.Restore].
func (r *restore) Finish(ctx context.Context) error {
	if err := r.do(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "UPDATE state SET next_fid = greatest(next_fid, $1), copying = NULL", r.h.NextFID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT setval(pg_get_serial_sequence('versions', 'vid'), (SELECT coalesce(max(vid), 0) + 1 FROM versions), false)"); err != nil {
			return err
		}
		if err := r.w.sumUpStale(ctx, tx); err != nil {
			return err
		}
		for _, table := range []string{"incidents", "versions"} {
			if _, err := tx.Exec(ctx, "ANALYSE "+table); err != nil {
				return err
			}
		}
		if err := r.w.relink(ctx, tx, true); err != nil {
			return err
		}
		return r.w.grow(ctx, tx)
	}); err != nil {
		return fmt.Errorf("finish the copy: %w", domainError(ctx, err))
	}
	return r.Close()
}

// Close implements [incident.Restore].
func (r *restore) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return nil
	}
	r.ended = true
	var err error
	if !r.s.closed.Load() && !r.w.c.IsClosed() {
		err = r.w.repair(context.Background()) // the sums of what is there
	}
	r.w.release()
	return err
}
