package gpkg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sarhad/incident"
)

// The history of an incident is a list of what imports made of it: the rows of
// versions by fid, then the row in incidents if it is there. To undo an import
// is to take its entries out of all histories: what is then the last entry of
// one is what readers see.

// The kinds of rows in versions.
const (
	opPut  = "put"  // the incident as it was, with the import that had written it
	opGone = "gone" // the import took the incident away
)

// nextChange is the change number that the transaction at hand will commit.
const nextChange = "(SELECT CAST(value AS INTEGER) + 1 FROM meta WHERE key = 'change')"

// keepVersion copies a row of incidents to versions.
var keepVersion = func() string {
	rest := strings.Join(columnNames[1:], ", ")
	return "INSERT INTO versions (op, until_change, incident_fid, " + rest + ") SELECT '" + opPut + "', " + nextChange + ", fid, " + rest + " FROM incidents WHERE fid = ?"
}()

// keep keeps the row of an incident that is about to be changed or taken away.
func keep(c *conn, fid int64) error {
	if err := c.exec(keepVersion, fid); err != nil {
		return fmt.Errorf("keep the version of row %d: %w", fid, err)
	}
	return nil
}

// rowSet is a set of row numbers.
type rowSet []uint64

func (b *rowSet) add(n int64) {
	for int(n/64) >= len(*b) {
		*b = append(*b, make([]uint64, len(*b)+1024)...)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b rowSet) has(n int64) bool { return int(n/64) < len(b) && b[n/64]&(1<<(n%64)) != 0 }

// Sweep implements [incident.Load].
func (l *load) Sweep(ctx context.Context) (int, error) {
	l.s.wmu.Lock()
	defer l.s.wmu.Unlock()
	c := l.s.writer
	switch {
	case l.ended:
		return 0, errEnded
	case c == nil:
		return 0, errClosed
	case !l.imp.Replace:
		return 0, incident.Errorf(incident.CodeInvalid, "The load does not replace its dataset.")
	case l.failed != nil:
		return 0, fmt.Errorf("sweep after a failed batch: %w", l.failed)
	}
	n := 0
	sweep := func() (err error) {
		n, err = l.sweep(ctx, c)
		return err
	}
	var err error
	if l.imp.Atomic {
		err = sweep()
		l.failed = err
	} else {
		err = c.tx(sweep)
	}
	if err != nil {
		return 0, fmt.Errorf("take away what is gone: %w", domainError(err))
	}
	l.gone += n
	return n, nil
}

func (l *load) sweep(ctx context.Context, c *conn) (int, error) {
	name := l.imp.Dataset.Name
	var gone []int64
	if err := c.each(ctx, "SELECT fid FROM incidents WHERE dataset = ? AND import_id <> ?", bind(name, l.importID), func(v []driver.Value) error {
		if fid, _ := v[0].(int64); !l.seen.has(fid) {
			gone = append(gone, fid)
		}
		return nil
	}); err != nil {
		return 0, fmt.Errorf("look for what is gone: %w", err)
	}
	if len(gone) == 0 {
		return 0, nil
	}
	for _, fid := range gone {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := keep(c, fid); err != nil {
			return 0, err
		}
		if err := c.exec("INSERT INTO versions (op, id, dataset, import_id) SELECT '"+opGone+"', id, dataset, ? FROM incidents WHERE fid = ?", l.importID, fid); err != nil {
			return 0, fmt.Errorf("mark row %d as gone: %w", fid, err)
		}
		if err := c.exec("DELETE FROM incidents WHERE fid = ?", fid); err != nil {
			return 0, fmt.Errorf("take row %d away: %w", fid, err)
		}
		c.touched.Add(fid)
	}
	l.bulk = nil // it knows rows that are gone
	l.begun = false
	if err := sumUp(c, name); err != nil {
		return 0, err
	}
	if err := c.exec("UPDATE imports SET rows_gone = rows_gone + ? WHERE fid = ?", len(gone), l.importID); err != nil {
		return 0, fmt.Errorf("count what is gone: %w", err)
	}
	return len(gone), grow(c)
}

// Revert implements [incident.Load].
func (l *load) Revert(ctx context.Context) error {
	if l.imp.Atomic {
		return l.Abort()
	}
	l.s.wmu.Lock()
	defer l.s.wmu.Unlock()
	c := l.s.writer
	if l.ended || c == nil {
		return nil
	}
	// It is written down first, so that whoever opens the store next does it if this process does not come to its end.
	err := errors.Join(c.rollback(), c.exec("INSERT OR REPLACE INTO meta (key, value) VALUES ('"+revertKey+"', ?)", l.importID),
		c.tx(func() error { return l.s.revert(ctx) }))
	if err != nil {
		err = fmt.Errorf("undo what the load did: %w", domainError(err))
	}
	return errors.Join(err, l.end(c))
}

// revertKey is the key in meta of an import that is to be reverted.
const revertKey = "revert"

// revert takes back, within a transaction, the import that is noted in meta, if there is one.
func (s *Store) revert(ctx context.Context) error {
	c := s.writer
	id, err := c.integer(ctx, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = '"+revertKey+"'")
	if err != nil || id == 0 {
		return err
	}
	if _, err := s.takeBack(ctx, c, id, incident.ImportFailed); err != nil {
		return err
	}
	if err := c.exec("INSERT INTO audit (at, action, object, result) SELECT ?, ?, 'import ' || fid || ' of ' || dataset, 'taken back' FROM imports WHERE fid = ?",
		timestamp(s.opt.Now()), string(incident.AuditImportFailed), id); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	if err := c.exec("UPDATE imports SET finished = ?, rows_new = 0, rows_changed = 0, rows_unchanged = 0, rows_gone = 0 WHERE fid = ?", timestamp(s.opt.Now()), id); err != nil {
		return fmt.Errorf("write the record of the import: %w", err)
	}
	return c.exec("DELETE FROM meta WHERE key = '" + revertKey + "'")
}

// Undo implements [incident.Writer].
func (s *Store) Undo(ctx context.Context, importID int64) (incident.UndoResult, error) {
	r, err := s.undo(ctx, importID)
	if err != nil {
		return incident.UndoResult{}, fmt.Errorf("undo import %d: %w", importID, domainError(err))
	}
	return r, nil
}

func (s *Store) undo(ctx context.Context, id int64) (r incident.UndoResult, err error) {
	imp, err := s.Import(ctx, id)
	if err != nil {
		return r, err
	}
	if imp.State == incident.ImportRunning {
		busy, err := s.loadRuns()
		if err != nil {
			return r, err
		}
		if busy {
			return r, incident.Errorf(incident.CodeConflict, "Import %d is running; it can be undone when it has ended.", id)
		}
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	s.wmu.Lock()
	defer s.wmu.Unlock()
	c := s.writer
	if c == nil {
		return r, errClosed
	}
	if err := s.repair(ctx); err != nil {
		return r, err
	}
	err = c.tx(func() (err error) {
		row, err := c.one(ctx, "SELECT state FROM imports WHERE fid = ?", id) // again, under the lock
		if err != nil {
			return err
		}
		if row == nil || row[0] == any(string(incident.ImportUndone)) {
			return incident.Errorf(incident.CodeConflict, "Import %d was undone before.", id)
		}
		if r, err = s.takeBack(ctx, c, id, incident.ImportUndone); err != nil {
			return err
		}
		return s.audit(c, incident.AuditOf(ctx, incident.AuditImportUndone, fmt.Sprintf("import %d of %s", id, imp.Dataset), incident.AuditUndo(r)))
	})
	if err != nil {
		return r, err
	}
	return r, s.checkpoint()
}

// loadRuns reports whether a load is at work here or in another process.
func (s *Store) loadRuns() (bool, error) {
	if len(s.loading) > 0 {
		return true, nil
	}
	lock, ok, err := tryLock(s.lockPath())
	if err != nil {
		return false, fileError(err)
	}
	if !ok {
		return true, nil
	}
	return false, lock.release()
}

// takeBack takes the entries of an import out of all histories, within a transaction.
func (s *Store) takeBack(ctx context.Context, c *conn, id int64, state incident.ImportState) (r incident.UndoResult, err error) {
	do := func(what, sql string, args ...any) {
		if err == nil {
			if err = c.exec(sql, args...); err != nil {
				err = fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	count := func(sql string, args ...any) (n int64) {
		if err == nil {
			n, err = c.integer(ctx, sql, args...)
		}
		return n
	}
	var affected []string
	if err := c.each(ctx, "SELECT dataset FROM incidents WHERE import_id = ?1 UNION SELECT dataset FROM versions WHERE import_id = ?1", bind(id), func(v []driver.Value) error {
		name, _ := v[0].(string)
		affected = append(affected, name)
		return nil
	}); err != nil {
		return r, fmt.Errorf("look for what the import did: %w", err)
	}
	mine := count("SELECT count(*) FROM incidents WHERE import_id = ?", id)
	all := count("SELECT count(*) FROM incidents")
	if histories := count("SELECT count(*) FROM (SELECT 1 FROM versions LIMIT 1)"); err == nil && histories > 0 {
		err = createIndexes(c) // a bulk load has dropped them
	}

	// The incidents of the import that have more history than it, with the import that had the last word on each.
	do("make room", "CREATE TEMP TABLE IF NOT EXISTS touched (id TEXT PRIMARY KEY, present INTEGER, last INTEGER, back INTEGER) WITHOUT ROWID")
	do("make room", "DELETE FROM touched")
	do("find the histories", `INSERT INTO touched (id) SELECT id FROM versions WHERE import_id = ?1
		UNION SELECT id FROM incidents WHERE import_id = ?1 AND id IN (SELECT id FROM versions)`, id)
	do("find the histories", "UPDATE touched SET present = (SELECT import_id FROM incidents AS i WHERE i.id = touched.id)")
	do("find the histories", "UPDATE touched SET last = coalesce(present, (SELECT import_id FROM versions AS v WHERE v.id = touched.id ORDER BY v.fid DESC LIMIT 1))")

	do("take out its versions", "DELETE FROM versions WHERE import_id = ?", id)
	// A mark with no incident before it says nothing.
	do("drop marks", `DELETE FROM versions WHERE op = 'gone' AND id IN (SELECT id FROM touched)
		AND NOT EXISTS (SELECT 1 FROM versions AS v WHERE v.id = versions.id AND v.op = 'put' AND v.fid < versions.fid)`)
	do("find what comes back", "UPDATE touched SET back = (SELECT CASE op WHEN 'put' THEN v.fid END FROM versions AS v WHERE v.id = touched.id ORDER BY v.fid DESC LIMIT 1) WHERE last = ?", id)

	// To take many rows out of an index one by one costs more than to build it anew.
	if err == nil && mine > bulkStore && mine*4 > all {
		err = dropIndexes(c)
	}
	if err == nil {
		err = touchAll(ctx, c, "SELECT fid FROM incidents WHERE import_id = ?1 UNION ALL SELECT incident_fid FROM versions WHERE fid IN (SELECT back FROM touched)", id)
	}
	if mine == all {
		do("remove its incidents", "DELETE FROM incidents") // without a condition SQLite drops the pages whole
	} else {
		do("remove its incidents", "DELETE FROM incidents WHERE import_id = ?", id)
	}
	rest := strings.Join(columnNames[1:], ", ")
	do("bring incidents back", "INSERT INTO incidents (fid, "+rest+") SELECT incident_fid, "+rest+" FROM versions WHERE fid IN (SELECT back FROM touched)")
	do("bring incidents back", "DELETE FROM versions WHERE fid IN (SELECT back FROM touched)")

	r.Restored = int(count("SELECT count(*) FROM touched WHERE back IS NOT NULL"))
	changed := count("SELECT count(*) FROM touched WHERE back IS NOT NULL AND present IS NOT NULL")
	r.Removed = int(mine - changed)
	r.Kept = int(count("SELECT count(*) FROM touched WHERE last <> ?1 OR back IS NULL AND present IS NULL", id))
	do("clear up", "DELETE FROM touched")

	for _, name := range affected {
		if err == nil {
			err = sumUp(c, name)
		}
	}
	do("write the record of the import", "UPDATE imports SET state = ? WHERE fid = ?", string(state), id)
	do("remove an empty dataset", `DELETE FROM datasets WHERE name = (SELECT dataset FROM imports WHERE fid = ?)
		AND NOT EXISTS (SELECT 1 FROM incidents AS i WHERE i.dataset = datasets.name)
		AND NOT EXISTS (SELECT 1 FROM versions AS v WHERE v.dataset = datasets.name)
		AND NOT EXISTS (SELECT 1 FROM imports AS m WHERE m.dataset = datasets.name AND m.state = 'done')`, id)
	if err == nil {
		err = grow(c)
	}
	if err == nil {
		err = s.makeUp(ctx, true)
	}
	if err == nil {
		err = s.relink(ctx, true, nil)
	}
	if err != nil {
		return incident.UndoResult{}, err
	}
	return r, nil
}

// sumUp makes the sums of a dataset anew.
func sumUp(c *conn, name string) error {
	if err := c.exec("DELETE FROM dataset_places WHERE dataset = ?", name); err != nil {
		return fmt.Errorf("sum up dataset %s: %w", name, err)
	}
	if err := c.exec(`INSERT INTO dataset_places (dataset, country, unit_id, incidents, first_start, last_end, min_x, min_y, max_x, max_y)
		SELECT dataset, coalesce(country, ''), coalesce(unit_id, ''), count(*), min(start_date), max(end_date), min(lon), min(lat), max(lon), max(lat)
		FROM incidents WHERE dataset = ? GROUP BY 2, 3`, name); err != nil {
		return fmt.Errorf("sum up dataset %s: %w", name, err)
	}
	return nil
}

const selectImport = "SELECT fid, dataset, file, layout, mapping, who, hash, state, strftime('%Y-%m-%dT%H:%M:%fZ', started), strftime('%Y-%m-%dT%H:%M:%fZ', finished), rows_new, rows_changed, rows_unchanged, rows_gone, report FROM imports"

func importOf(v []driver.Value) (incident.ImportInfo, error) {
	str := func(i int) string { t, _ := v[i].(string); return t }
	num := func(i int) int { n, _ := v[i].(int64); return int(n) }
	info := incident.ImportInfo{ID: int64(num(0)), Dataset: str(1), File: str(2), Layout: str(3), Mapping: str(4), Who: str(5), Hash: str(6),
		State: incident.ImportState(str(7)), New: num(10), Changed: num(11), Unchanged: num(12), Gone: num(13), Report: str(14)}
	for i, t := range []*time.Time{&info.Started, &info.Ended} {
		if s := str(8 + i); s != "" {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return info, fmt.Errorf("read the record of import %d: %w", info.ID, err)
			}
			*t = at.UTC()
		}
	}
	return info, nil
}

// Imports implements [incident.Reader].
func (s *Store) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	sql, args := selectImport+" ORDER BY fid DESC", []any(nil)
	if dataset != "" {
		sql, args = selectImport+" WHERE dataset = ? ORDER BY fid DESC", []any{dataset}
	}
	var infos []incident.ImportInfo
	err := s.withReader(ctx, func(c *conn) error {
		return c.each(ctx, sql, bind(args...), func(v []driver.Value) error {
			info, err := importOf(v)
			infos = append(infos, info)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the imports: %w", domainError(err))
	}
	return infos, nil
}

// Import implements [incident.Reader].
func (s *Store) Import(ctx context.Context, id int64) (info incident.ImportInfo, err error) {
	err = s.withReader(ctx, func(c *conn) error {
		row, err := c.one(ctx, selectImport+" WHERE fid = ?", id)
		if err != nil {
			return err
		}
		if row == nil {
			return incident.Errorf(incident.CodeNotFound, "There is no import %d.", id)
		}
		info, err = importOf(row)
		return err
	})
	if err != nil {
		return info, fmt.Errorf("read the record of an import: %w", domainError(err))
	}
	return info, nil
}

// selectVersion is selectRow of a table whose fid is another number; its first column is replaced.
var selectVersion = strings.TrimPrefix(selectRow, "i.fid, ")

// Versions implements [incident.Reader].
func (s *Store) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	var list []incident.Version
	err := s.withReader(ctx, func(c *conn) (err error) {
		// One transaction, so that a change in between is seen wholly or not at all.
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.rollback()) }()
		name := any(id)
		if fid, err := strconv.ParseInt(id, 10, 64); err == nil && !strings.ContainsAny(id, "+-") {
			row, err := c.one(ctx, "SELECT id FROM incidents WHERE fid = ?1 UNION ALL SELECT id FROM versions WHERE incident_fid = ?1", fid)
			if err != nil || row == nil {
				return err
			}
			name = row[0]
		}
		d := decoder{fileOf: func(id int64) (string, error) { return s.fileOf(c, id) }}
		read := func(v []driver.Value) error {
			n := len(v) - 3
			var version incident.Version
			version.Until, _ = v[n+1].(int64)
			version.Import.ID, _ = v[n+2].(int64)
			if v[n] == any(opPut) {
				version.Incident = new(incident.Incident)
				if err := d.scan(v[:n], version.Incident); err != nil {
					return err
				}
			}
			list = append(list, version)
			return nil
		}
		if err := c.each(ctx, "SELECT i.fid, "+selectVersion+", 'put', NULL, i.import_id FROM incidents AS i WHERE i.id = ?", bind(name), read); err != nil {
			return err
		}
		if err := c.each(ctx, "SELECT i.incident_fid, "+selectVersion+", i.op, i.until_change, i.import_id FROM versions AS i WHERE i.id = ? ORDER BY i.fid DESC", bind(name), read); err != nil {
			return err
		}
		for i := range list {
			row, err := c.one(ctx, selectImport+" WHERE fid = ?", list[i].Import.ID)
			if err != nil {
				return err
			}
			if row == nil {
				continue
			}
			if list[i].Import, err = importOf(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the versions of an incident: %w", domainError(err))
	}
	if len(list) == 0 {
		return nil, incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
	}
	return list, nil
}

// SetDataset implements [incident.Writer].
func (s *Store) SetDataset(ctx context.Context, name string, change incident.DatasetChange) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return fmt.Errorf("change a dataset: %w", err)
	}
	if err = errors.Join(s.setDataset(ctx, name, change), unlock()); err != nil {
		return fmt.Errorf("change dataset %s: %w", name, domainError(err))
	}
	return nil
}

func (s *Store) setDataset(ctx context.Context, name string, change incident.DatasetChange) error {
	if change.Accessed != nil && *change.Accessed != "" {
		if _, err := incident.ParseDay(*change.Accessed); err != nil {
			return &incident.Error{Code: incident.CodeInvalid, Message: "The day on which it was fetched is no day YYYY-MM-DD.", Parameter: "accessed", Err: err}
		}
	}
	s.wmu.Lock()
	defer s.wmu.Unlock()
	c := s.writer
	if c == nil {
		return errClosed
	}
	return c.tx(func() error {
		if n, err := c.integer(ctx, "SELECT count(*) FROM datasets WHERE name = ?", name); err != nil || n == 0 {
			return errors.Join(err, incident.Errorf(incident.CodeNotFound, "There is no dataset %q.", name))
		}
		for _, f := range []struct {
			column string
			value  *string
		}{
			{"title", change.Title}, {"licence", change.Licence}, {"attribution", change.Attribution},
			{"terms", change.Terms}, {"version", change.Version}, {"accessed", change.Accessed},
		} {
			if f.value == nil {
				continue
			}
			if err := c.exec("UPDATE datasets SET "+f.column+" = ? WHERE name = ?", text(*f.value), name); err != nil {
				return err
			}
		}
		if change.AggregatesOnly != nil {
			if err := c.exec("UPDATE datasets SET aggregates_only = ?, public_set = 1 WHERE name = ?", *change.AggregatesOnly, name); err != nil {
				return err
			}
		}
		if change.Delay != nil {
			if err := c.exec("UPDATE datasets SET delay_hours = ? WHERE name = ?", hours(*change.Delay), name); err != nil {
				return err
			}
		}
		if change.Blur != nil {
			if err := c.exec("UPDATE datasets SET blur = ? WHERE name = ?", text(string(*change.Blur)), name); err != nil {
				return err
			}
			// Everybody sees other places now: who keeps a copy of what everybody sees has to read them all.
			if err := touchAll(ctx, c, "SELECT fid FROM incidents WHERE dataset = ?", name); err != nil {
				return err
			}
		}
		if err := s.audit(c, incident.AuditOf(ctx, incident.AuditDatasetChanged, "dataset "+name, incident.AuditChange(change))); err != nil {
			return err
		}
		return grow(c)
	})
}
