package gpkg

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"

	"sarhad/incident"
)

var _ incident.Archive = (*Store)(nil)

// The keys in meta of the set of units, of a copy that is being made and of the secret.
const (
	boundariesKey = "boundaries"
	copyingKey    = "copying"
	secretKey     = "secret"
)

// Secret implements [incident.SecretKeeper].
func (s *Store) Secret(ctx context.Context) (secret []byte, err error) {
	var text string
	err = s.withReader(ctx, func(c *conn) (err error) {
		text, err = c.meta(ctx, secretKey)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the secret of the store: %w", domainError(err))
	}
	if secret, err = hex.DecodeString(text); err != nil || len(secret) == 0 {
		return nil, incident.Errorf(incident.CodeUnavailable, "The store has lost the secret by which it blurs.") // the cause would quote it
	}
	return secret, nil
}

// meta reads a value that the store notes of itself, "" if there is none.
func (c *conn) meta(ctx context.Context, key string) (string, error) {
	row, err := c.one(ctx, "SELECT value FROM meta WHERE key = ?", key)
	if err != nil || row == nil {
		return "", err
	}
	value, _ := row[0].(string)
	return value, nil
}

// setMeta writes one; "" takes it away.
func (c *conn) setMeta(key, value string) error {
	if value == "" {
		return c.exec("DELETE FROM meta WHERE key = ?", key)
	}
	return c.exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
}

// Holdings implements [incident.Archive].
func (s *Store) Holdings(ctx context.Context) (h incident.Holdings, err error) {
	settled := map[string]bool{}
	var change, next int64
	var boundaries string
	err = s.withReader(ctx, func(c *conn) (err error) {
		if change, err = changeNumber(ctx, c); err != nil {
			return err
		}
		if next, err = c.integer(ctx, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'incidents'), 0) + 1"); err != nil {
			return err
		}
		if boundaries, err = c.meta(ctx, boundariesKey); err != nil {
			return err
		}
		return c.each(ctx, "SELECT name FROM datasets WHERE public_set", nil, func(v []driver.Value) error {
			name, _ := v[0].(string)
			settled[name] = true
			return nil
		})
	})
	if err == nil {
		h, err = incident.HoldingsOf(ctx, s, settled)
	}
	if err != nil {
		return h, fmt.Errorf("look at what the store holds: %w", domainError(err))
	}
	h.Change, h.NextFID, h.Boundaries = change, next, boundaries
	return h, nil
}

// Entries implements [incident.Archive].
func (s *Store) Entries(ctx context.Context, past, fid int64) iter.Seq2[*incident.Entry, error] {
	return func(yield func(*incident.Entry, error) bool) {
		stopped := errors.New("no more is wanted")
		err := s.withReader(ctx, func(c *conn) (err error) {
			if err := c.exec("BEGIN"); err != nil { // one state for both
				return err
			}
			defer func() { err = errors.Join(err, c.rollback()) }()
			d := decoder{fileOf: func(id int64) (string, error) { return s.fileOf(c, id) }}
			var e incident.Entry
			read := func(v []driver.Value) error {
				n := selectRowColumns
				e = incident.Entry{}
				e.Import, _ = v[13].(int64)
				e.Number, _ = v[n].(int64)
				e.Gone = v[n+1] == any(opGone)
				e.Until, _ = v[n+2].(int64)
				if e.Gone {
					e.Incident.ID, _ = v[n+3].(string)
					e.Incident.Dataset, _ = v[n+4].(string)
				} else if err := d.scan(v, &e.Incident); err != nil {
					return err
				}
				if !yield(&e, nil) {
					return stopped
				}
				return ctx.Err()
			}
			if err := c.each(ctx, "SELECT i.incident_fid, "+selectVersion+", i.fid, i.op, i.until_change, i.id, i.dataset FROM versions AS i WHERE i.fid > ? ORDER BY i.fid", bind(past), read); err != nil {
				return err
			}
			return c.each(ctx, "SELECT i.fid, "+selectVersion+", 0, 'put', NULL, NULL, NULL FROM incidents AS i WHERE i.fid > ? ORDER BY i.fid", bind(fid), read)
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(nil, fmt.Errorf("read the histories: %w", domainError(err)))
		}
	}
}

// restore is a copy that is being made.
type restore struct {
	s        *Store
	h        incident.Holdings
	unlock   func() error
	encoders map[int64]*encoder
	files    map[int64]string
	done     [2]int64
	ended    bool
}

// Restore implements [incident.Archive].
func (s *Store) Restore(ctx context.Context, h incident.Holdings) (incident.Restore, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a copy: %w", err)
	}
	r := &restore{s: s, h: h, unlock: unlock, encoders: map[int64]*encoder{}, files: map[int64]string{}}
	for i := range h.Imports {
		r.files[h.Imports[i].ID] = h.Imports[i].File
	}
	if err := r.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("begin a copy: %w", domainError(err)), unlock())
	}
	return r, nil
}

func (r *restore) begin(ctx context.Context) error {
	s := r.s
	s.wmu.Lock()
	defer s.wmu.Unlock()
	c := s.writer
	if c == nil {
		return errClosed
	}
	if err := c.pragmas("wal_autocheckpoint = 16000", wideCache); err != nil {
		return err
	}
	return c.tx(func() error {
		mark, err := c.meta(ctx, copyingKey)
		if err != nil {
			return err
		}
		// They are built at the end, or by whoever opens the store next.
		if err := dropIndexes(c); err != nil {
			return err
		}
		if mark == "" {
			if n, err := c.integer(ctx, "SELECT (SELECT count(*) FROM imports) + (SELECT count(*) FROM datasets)"); err != nil || n > 0 {
				return errors.Join(err, incident.ErrNotACopy)
			}
			return r.head(c)
		}
		if mark != r.h.Mark() {
			return incident.Errorf(incident.CodeConflict, "The store to copy to holds a part of another store, or of this one before it changed; copy to a new one.")
		}
		row, err := c.one(ctx, "SELECT coalesce((SELECT max(fid) FROM versions), 0), coalesce((SELECT max(fid) FROM incidents), 0)")
		if err != nil {
			return err
		}
		r.done[0], _ = row[0].(int64)
		r.done[1], _ = row[1].(int64)
		return c.exec("UPDATE datasets SET stale = 1")
	})
}

// head writes what is known before the first entry.
func (r *restore) head(c *conn) error {
	for _, d := range r.h.Datasets {
		if err := c.exec(`INSERT INTO datasets (name, title, licence, attribution, terms, version, accessed, aggregates_only, public_set, synthetic, sample, delay_hours, blur, stale)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`, d.Name, text(d.Title), text(d.Licence), text(d.Attribution), text(d.Terms), text(d.Version), text(d.Accessed),
			d.AggregatesOnly, d.Settled, d.Synthetic, d.Sample, hours(d.Delay), text(string(d.Blur))); err != nil {
			return err
		}
	}
	for i := range r.h.Imports {
		m := &r.h.Imports[i]
		var ended any
		if !m.Ended.IsZero() {
			ended = timestamp(m.Ended)
		}
		if err := c.exec(`INSERT INTO imports (fid, dataset, file, layout, mapping, who, hash, state, started, finished, rows_new, rows_changed, rows_unchanged, rows_gone, report)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, m.ID, m.Dataset, text(m.File), text(m.Layout), text(m.Mapping), text(m.Who), text(m.Hash), string(m.State),
			timestamp(m.Started), ended, m.New, m.Changed, m.Unchanged, m.Gone, text(m.Report)); err != nil {
			return err
		}
	}
	// Who kept something of this store before reads everything again.
	return errors.Join(c.exec("UPDATE meta SET value = max(CAST(value AS INTEGER), ?) WHERE key = 'change'", r.h.Change),
		c.exec("UPDATE meta SET value = (SELECT value FROM meta WHERE key = 'change') WHERE key = 'journal_since'"),
		c.setMeta(boundariesKey, r.h.Boundaries), c.setMeta(copyingKey, r.h.Mark()), grow(c))
}

// Done implements [incident.Restore].
func (r *restore) Done() (past, fid int64) { return r.done[0], r.done[1] }

var insertVersion = func() string {
	names := "incident_fid"
	marks := "?, ?, ?, ?"
	for _, name := range columnNames[1:] {
		names += ", " + name
		marks += ", ?"
	}
	return "INSERT INTO versions (fid, op, until_change, " + names + ") VALUES (" + marks + ")"
}()

// Put implements [incident.Restore].
func (r *restore) Put(ctx context.Context, entries []incident.Entry) error {
	r.s.wmu.Lock()
	defer r.s.wmu.Unlock()
	c := r.s.writer
	switch {
	case r.ended:
		return errEnded
	case c == nil:
		return errClosed
	}
	err := c.tx(func() error {
		args := make([]driver.NamedValue, columnCount)
		for i := range args {
			args[i].Ordinal = i + 1
		}
		for i := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.put(c, &entries[i], args); err != nil {
				return err
			}
		}
		return grow(c)
	})
	if err != nil {
		return fmt.Errorf("copy entries: %w", domainError(err))
	}
	return nil
}

func (r *restore) put(c *conn, e *incident.Entry, args []driver.NamedValue) error {
	if e.Gone {
		return c.exec("INSERT INTO versions (fid, op, id, dataset, import_id) VALUES (?, '"+opGone+"', ?, ?, ?)", e.Number, e.Incident.ID, e.Incident.Dataset, e.Import)
	}
	if err := check(&e.Incident); err != nil {
		return err
	}
	enc := r.encoders[e.Import]
	if enc == nil {
		enc = newEncoder(e.Import, r.files[e.Import])
		r.encoders[e.Import] = enc
	}
	var geom [32]byte
	if _, err := enc.encode(&e.Incident, args, geom[:]); err != nil {
		return err
	}
	args[colFID].Value = e.Incident.FID
	if e.Number == 0 {
		c.touched.Add(e.Incident.FID)
		return c.run(insertOne, args)
	}
	var until any
	if e.Until != 0 {
		until = e.Until
	}
	values := []any{e.Number, opPut, until}
	for i := range args {
		values = append(values, args[i].Value)
	}
	return c.exec(insertVersion, values...)
}

// Finish implements [incident.Restore].
func (r *restore) Finish(ctx context.Context) error {
	r.s.wmu.Lock()
	defer r.s.wmu.Unlock()
	c := r.s.writer
	switch {
	case r.ended:
		return errEnded
	case c == nil:
		return errClosed
	}
	if err := c.tx(func() error {
		n, err := c.integer(ctx, "SELECT count(*) FROM sqlite_sequence WHERE name = 'incidents'")
		if err == nil && n == 0 {
			err = c.exec("INSERT INTO sqlite_sequence (name, seq) VALUES ('incidents', 0)")
		}
		if err == nil {
			err = c.exec("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'incidents'", r.h.NextFID-1)
		}
		if err == nil {
			err = r.s.makeUp(ctx, true)
		}
		if err == nil {
			err = r.s.relink(ctx, true, nil)
		}
		if err == nil {
			err = errors.Join(c.setMeta(copyingKey, ""), grow(c))
		}
		return err
	}); err != nil {
		return fmt.Errorf("finish the copy: %w", domainError(err))
	}
	return r.end(c)
}

// Close implements [incident.Restore].
func (r *restore) Close() error {
	r.s.wmu.Lock()
	defer r.s.wmu.Unlock()
	if r.ended {
		return nil
	}
	if r.s.writer == nil {
		r.ended = true
		return r.unlock()
	}
	return errors.Join(r.s.repair(context.Background()), r.end(r.s.writer))
}

func (r *restore) end(c *conn) error {
	r.ended = true
	return errors.Join(c.pragmas("wal_autocheckpoint = 1000", narrowCache), r.s.checkpoint(), r.unlock())
}
