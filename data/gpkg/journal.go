package gpkg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"sarhad/incident"
)

// touchAll notes the rows that a query gives in its first column.
func touchAll(ctx context.Context, c *conn, sql string, args ...any) error {
	if err := c.each(ctx, sql, bind(args...), func(v []driver.Value) error {
		if fid, ok := v[0].(int64); ok {
			c.touched.Add(fid)
		}
		return nil
	}); err != nil {
		return fmt.Errorf("note what changes: %w", err)
	}
	return nil
}

// writeJournal writes what was touched under the present change number.
func writeJournal(c *conn) error {
	if len(c.touched) == 0 {
		return nil
	}
	const now = "(SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'change')"
	for _, r := range c.touched.Ranges() {
		if err := c.exec("INSERT INTO journal (change, from_fid, to_fid) VALUES ("+now+", ?, ?)", r.From, r.To); err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
	}
	c.touched = c.touched[:0]
	for _, sql := range []string{
		"DELETE FROM journal WHERE change <= " + now + " - ?",
		"UPDATE meta SET value = max(CAST(value AS INTEGER), " + now + " - ?) WHERE key = 'journal_since'",
	} {
		if err := c.exec(sql, incident.KeptChanges); err != nil {
			return fmt.Errorf("shorten the journal: %w", err)
		}
	}
	return nil
}

// Commits implements [incident.Journal].
func (s *Store) Commits() int64 { return s.commits.Load() }

// Touched implements [incident.Journal].
func (s *Store) Touched(ctx context.Context, since int64) (ranges []incident.FIDRange, known bool, err error) {
	err = s.withReader(ctx, func(c *conn) (err error) {
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.rollback()) }()
		from, err := c.integer(ctx, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'journal_since'")
		if err != nil {
			return err
		}
		now, err := changeNumber(ctx, c)
		if known = since >= from && since <= now; err != nil || !known {
			return err
		}
		return c.each(ctx, "SELECT from_fid, to_fid FROM journal WHERE change > ?", bind(since), func(v []driver.Value) error {
			var r incident.FIDRange
			r.From, _ = v[0].(int64)
			r.To, _ = v[1].(int64)
			ranges = append(ranges, r)
			return nil
		})
	})
	if err != nil {
		return nil, false, fmt.Errorf("read the journal: %w", domainError(err))
	}
	return ranges, known, nil
}
