package gpkg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"sarhad/incident"
)

// touched collects the rows that a transaction adds, changes or removes. What a
// transaction left here that was rolled back only makes the next one's ranges
// wider.
type touched []incident.FIDRange

const (
	// A range takes in rows that nobody touched where that saves a range.
	closeFIDs = 16
	// maxRanges is how many ranges one change may have in the journal.
	maxRanges = 2000
	// keptChanges is how many changes the journal goes back.
	keptChanges = 2000
)

func (t *touched) add(fid int64) {
	if n := len(*t); n > 0 {
		if r := &(*t)[n-1]; fid >= r.From && fid <= r.To+closeFIDs {
			r.To = max(r.To, fid)
			return
		}
	}
	*t = append(*t, incident.FIDRange{From: fid, To: fid})
}

// ranges puts together what is close, the farther the more ranges there are.
func (t touched) ranges() []incident.FIDRange {
	for gap := int64(closeFIDs); ; gap *= 4 {
		if t = incident.JoinFIDs(t, gap); len(t) <= maxRanges {
			return t
		}
	}
}

// touchAll notes the rows that a query gives in its first column.
func touchAll(ctx context.Context, c *conn, sql string, args ...any) error {
	if err := c.each(ctx, sql, bind(args...), func(v []driver.Value) error {
		if fid, ok := v[0].(int64); ok {
			c.touched.add(fid)
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
	for _, r := range c.touched.ranges() {
		if err := c.exec("INSERT INTO journal (change, from_fid, to_fid) VALUES ("+now+", ?, ?)", r.From, r.To); err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
	}
	c.touched = c.touched[:0]
	for _, sql := range []string{
		"DELETE FROM journal WHERE change <= " + now + " - ?",
		"UPDATE meta SET value = max(CAST(value AS INTEGER), " + now + " - ?) WHERE key = 'journal_since'",
	} {
		if err := c.exec(sql, keptChanges); err != nil {
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
