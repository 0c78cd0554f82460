package postgis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sarhad/incident"
)

// The history of an incident is a list of what imports made of it: the rows of
// versions by vid, then the row in incidents if it is there. To undo an import
// is to take its entries out of all histories: what is then the last entry of
// one is what readers see.

// The kinds of rows in versions.
const (
	opPut  = "put"  // the incident as it was, with the import that had written it
	opGone = "gone" // the import took the incident away
)

// keep copies rows that are about to be changed or taken away to versions, until the change number that comes next.
func (w *writer) keep(ctx context.Context, tx pgx.Tx, fids []int64) error {
	if _, err := tx.Exec(ctx, "INSERT INTO versions (op, until_change, "+allColumns+") SELECT 'put', (SELECT change + 1 FROM state), "+allColumns+
		" FROM incidents WHERE fid = ANY($1::bigint[])", fids); err != nil {
		return fmt.Errorf("keep versions: %w", err)
	}
	return nil
}

// Sweep implements [incident.Load].
func (l *load) Sweep(ctx context.Context) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.imp.Replace && !l.ended {
		return 0, incident.Errorf(incident.CodeInvalid, "The load does not replace its dataset.")
	}
	err = l.do(ctx, func(tx pgx.Tx) (err error) {
		n, err = l.sweep(ctx, tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take away what is gone: %w", domainError(ctx, err))
	}
	l.gone += n
	return n, nil
}

func (l *load) sweep(ctx context.Context, tx pgx.Tx) (int, error) {
	name := hide.Replace(l.imp.Dataset.Name)
	var gone []int64
	if err := each(ctx, tx, "SELECT fid FROM incidents WHERE dataset = $1 AND import_id <> $2", []any{name, l.id}, func(v [][]byte) (bool, error) {
		fid, _ := integerOf(v[0])
		if _, ok := l.seen[fid]; !ok {
			gone = append(gone, fid)
			l.w.touched.Add(fid)
		}
		return true, nil
	}); err != nil {
		return 0, fmt.Errorf("look for what is gone: %w", err)
	}
	if len(gone) == 0 {
		return 0, nil
	}
	if err := l.w.keep(ctx, tx, gone); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `WITH gone AS (DELETE FROM incidents WHERE fid = ANY($1::bigint[]) RETURNING id, dataset)
		INSERT INTO versions (op, id, dataset, import_id) SELECT 'gone', id, dataset, $2 FROM gone`, gone, l.id); err != nil {
		return 0, fmt.Errorf("take rows away: %w", err)
	}
	if err := sumUp(ctx, tx, name); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, "UPDATE imports SET rows_gone = rows_gone + $1 WHERE id = $2", len(gone), l.id); err != nil {
		return 0, fmt.Errorf("count what is gone: %w", err)
	}
	return len(gone), l.w.grow(ctx, tx)
}

// Revert implements [incident.Load].
func (l *load) Revert(ctx context.Context) error {
	if l.imp.Atomic {
		return l.Abort()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.s.closed.Load() {
		return nil
	}
	defer l.end()
	err := l.reconnect(ctx)
	if err == nil {
		// It is written down first, so that whoever begins the next load does it if this process does not come to its end.
		_, err = l.w.c.Exec(ctx, "UPDATE state SET reverting = $1", l.id)
	}
	if err == nil {
		err = l.w.tx(ctx, func(tx pgx.Tx) error { return l.w.revert(ctx, tx) })
	}
	if err != nil {
		return fmt.Errorf("undo what the load did: %w", domainError(ctx, err))
	}
	return nil
}

// revert takes back the import that is noted to be reverted, if there is one.
func (w *writer) revert(ctx context.Context, tx pgx.Tx) error {
	var id *int64
	if err := tx.QueryRow(ctx, "SELECT reverting FROM state").Scan(&id); err != nil {
		return fmt.Errorf("look for a load to revert: %w", err)
	}
	if id == nil {
		return nil
	}
	if _, err := w.takeBack(ctx, tx, *id, incident.ImportFailed); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO audit (at, action, object, result) SELECT $1, $2, 'import ' || id || ' of ' || dataset, 'taken back' FROM imports WHERE id = $3",
		w.s.opt.Now().UTC(), string(incident.AuditImportFailed), *id); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	if _, err := tx.Exec(ctx, "UPDATE imports SET finished = $1, rows_new = 0, rows_changed = 0, rows_unchanged = 0, rows_gone = 0 WHERE id = $2", w.s.opt.Now().UTC(), *id); err != nil {
		return fmt.Errorf("write the record of the import: %w", err)
	}
	if _, err := tx.Exec(ctx, "UPDATE state SET reverting = NULL"); err != nil {
		return fmt.Errorf("note that the load is reverted: %w", err)
	}
	return nil
}

// Undo implements [incident.Writer].
func (s *Store) Undo(ctx context.Context, importID int64) (incident.UndoResult, error) {
	r, err := s.undo(ctx, importID)
	if err != nil {
		return incident.UndoResult{}, fmt.Errorf("undo import %d: %w", importID, domainError(ctx, err))
	}
	return r, nil
}

func (s *Store) undo(ctx context.Context, id int64) (r incident.UndoResult, err error) {
	imp, err := s.Import(ctx, id)
	if err != nil {
		return r, err
	}
	if imp.State == incident.ImportRunning {
		free := false // a lock that is had here goes at the end of the statement
		if err := s.pool.QueryRow(ctx, "SELECT pg_try_advisory_xact_lock($1)", s.lockKey()).Scan(&free); err != nil {
			return r, err
		}
		if !free {
			return r, incident.Errorf(incident.CodeConflict, "Import %d is running; it can be undone when it has ended.", id)
		}
	}
	err = s.change(ctx, func(w *writer, tx pgx.Tx) error {
		var state string
		err := tx.QueryRow(ctx, "SELECT state FROM imports WHERE id = $1", id).Scan(&state) // again, under the lock
		if errors.Is(err, pgx.ErrNoRows) || err == nil && state == string(incident.ImportUndone) {
			return incident.Errorf(incident.CodeConflict, "Import %d was undone before.", id)
		}
		if err == nil {
			r, err = w.takeBack(ctx, tx, id, incident.ImportUndone)
		}
		if err == nil {
			err = s.audit(ctx, tx, incident.AuditOf(ctx, incident.AuditImportUndone, fmt.Sprintf("import %d of %s", id, imp.Dataset), incident.AuditUndo(r)))
		}
		return err
	})
	return r, err
}

// takeBack takes the entries of an import out of all histories.
func (w *writer) takeBack(ctx context.Context, tx pgx.Tx, id int64, state incident.ImportState) (r incident.UndoResult, err error) {
	do := func(what, sql string, args ...any) (n int) {
		if err == nil {
			tag, e := tx.Exec(ctx, sql, args...)
			if e != nil {
				err = fmt.Errorf("%s: %w", what, e)
			}
			n = int(tag.RowsAffected())
		}
		return n
	}
	count := func(sql string, args ...any) (n int) {
		if err == nil {
			err = tx.QueryRow(ctx, sql, args...).Scan(&n)
		}
		return n
	}
	rows, err := tx.Query(ctx, "SELECT dataset FROM incidents WHERE import_id = $1 UNION SELECT dataset FROM versions WHERE import_id = $1", id)
	if err != nil {
		return r, fmt.Errorf("look for what the import did: %w", err)
	}
	affected, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return r, fmt.Errorf("look for what the import did: %w", err)
	}

	// The incidents of the import that have more history than it, with the import that had the last word on each.
	do("make room", `CREATE TEMP TABLE histories (id text COLLATE "C" PRIMARY KEY, present bigint, last bigint, back bigint) ON COMMIT DROP`)
	do("find the histories", `INSERT INTO histories (id) SELECT id FROM versions WHERE import_id = $1
		UNION SELECT i.id FROM incidents AS i WHERE i.import_id = $1 AND EXISTS (SELECT 1 FROM versions AS v WHERE v.id = i.id)`, id)
	do("find the histories", "ANALYSE histories")
	do("find the histories", "UPDATE histories AS h SET present = i.import_id FROM incidents AS i WHERE i.id = h.id")
	do("find the histories", "UPDATE histories AS h SET last = coalesce(present, (SELECT v.import_id FROM versions AS v WHERE v.id = h.id ORDER BY v.vid DESC LIMIT 1))")

	do("take out its versions", "DELETE FROM versions WHERE import_id = $1", id)
	// A mark with no incident before it says nothing.
	do("drop marks", `DELETE FROM versions AS v USING histories AS h WHERE v.id = h.id AND v.op = 'gone'
		AND NOT EXISTS (SELECT 1 FROM versions AS o WHERE o.id = v.id AND o.op = 'put' AND o.vid < v.vid)`)
	do("find what comes back", `UPDATE histories AS h SET back = (SELECT CASE v.op WHEN 'put' THEN v.vid END FROM versions AS v WHERE v.id = h.id ORDER BY v.vid DESC LIMIT 1) WHERE last = $1`, id)

	if err == nil {
		err = w.touchAll(ctx, tx, "SELECT v.fid FROM versions AS v JOIN histories AS h ON v.vid = h.back")
	}
	mine := 0
	if err == nil {
		err = each(ctx, tx, "DELETE FROM incidents WHERE import_id = $1 RETURNING fid", []any{id}, func(v [][]byte) (bool, error) {
			fid, _ := integerOf(v[0])
			w.touched.Add(fid)
			mine++
			return true, nil
		})
	}
	// A version that comes back takes the number that it had.
	columns := "v." + strings.ReplaceAll(allColumns, ", ", ", v.")
	r.Restored = do("bring incidents back", "INSERT INTO incidents ("+allColumns+") SELECT "+columns+" FROM versions AS v JOIN histories AS h ON v.vid = h.back")
	do("bring incidents back", "DELETE FROM versions AS v USING histories AS h WHERE v.vid = h.back")
	r.Removed = mine - count("SELECT count(*) FROM histories WHERE back IS NOT NULL AND present IS NOT NULL")
	r.Kept = count("SELECT count(*) FROM histories WHERE last <> $1 OR back IS NULL AND present IS NULL", id)
	do("clear up", "DROP TABLE histories")

	for _, name := range affected {
		if err == nil {
			err = sumUp(ctx, tx, name)
		}
	}
	do("write the record of the import", "UPDATE imports SET state = $1 WHERE id = $2", string(state), id)
	do("remove an empty dataset", `DELETE FROM datasets AS d USING imports AS o WHERE o.id = $1 AND d.name = o.dataset
		AND NOT EXISTS (SELECT 1 FROM incidents AS i WHERE i.dataset = d.name)
		AND NOT EXISTS (SELECT 1 FROM versions AS v WHERE v.dataset = d.name)
		AND NOT EXISTS (SELECT 1 FROM imports AS m WHERE m.dataset = d.name AND m.state = 'done')`, id)
	if err == nil {
		err = w.grow(ctx, tx)
	}
	if err == nil {
		err = w.sumUpStale(ctx, tx)
	}
	if err == nil {
		err = w.relink(ctx, tx, true)
	}
	if err != nil {
		return incident.UndoResult{}, err
	}
	return r, nil
}

const importColumns = "m.id, m.dataset, m.file, m.layout, m.mapping, m.who, m.hash, m.state, m.started, m.finished, m.rows_new, m.rows_changed, m.rows_unchanged, m.rows_gone, m.report"

func (s *Store) readImports(ctx context.Context, where string, args ...any) ([]incident.ImportInfo, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+importColumns+" FROM imports AS m "+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (info incident.ImportInfo, err error) {
		var texts [8]*string
		var started time.Time
		var ended *time.Time
		err = row.Scan(&info.ID, &texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &texts[5], &texts[6], &started, &ended, &info.New, &info.Changed, &info.Unchanged, &info.Gone, &texts[7])
		for i, to := range []*string{&info.Dataset, &info.File, &info.Layout, &info.Mapping, &info.Who, &info.Hash, (*string)(&info.State), &info.Report} {
			*to = shown(texts[i])
		}
		info.Started = started.UTC()
		if ended != nil {
			info.Ended = ended.UTC()
		}
		return info, err
	})
}

// Imports implements [incident.Reader].
func (s *Store) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	infos, err := s.readImports(ctx, "WHERE $1 = '' OR m.dataset = $1 ORDER BY m.id DESC", hide.Replace(strings.ToValidUTF8(dataset, "\uFFFD")))
	if err != nil {
		return nil, fmt.Errorf("list the imports: %w", domainError(ctx, err))
	}
	return infos, nil
}

// Import implements [incident.Reader].
func (s *Store) Import(ctx context.Context, id int64) (incident.ImportInfo, error) {
	infos, err := s.readImports(ctx, "WHERE m.id = $1", id)
	if err != nil {
		return incident.ImportInfo{}, fmt.Errorf("read the record of an import: %w", domainError(ctx, err))
	}
	if len(infos) == 0 {
		return incident.ImportInfo{}, incident.Errorf(incident.CodeNotFound, "There is no import %d.", id)
	}
	return infos[0], nil
}

// Versions implements [incident.Reader].
func (s *Store) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	list, err := s.versions(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the versions of an incident: %w", domainError(ctx, err))
	}
	if len(list) == 0 {
		return nil, incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
	}
	return list, nil
}

func (s *Store) versions(ctx context.Context, id string) (list []incident.Version, err error) {
	cond, arg, ok := byID(id, "id", "fid")
	if !ok {
		return nil, nil
	}
	if strings.HasPrefix(cond, "fid") { // which it has or had
		cond = "id = (SELECT id FROM incidents WHERE fid = $1 UNION ALL SELECT id FROM versions WHERE fid = $1 LIMIT 1)"
	}
	// One statement, so that a change in between is seen wholly or not at all.
	row := strings.ReplaceAll(selectRow, "i.synthetic", "coalesce(i.synthetic, false)")
	rows, err := s.pool.Query(ctx, "SELECT 'put', NULL::bigint, i.import_id, "+row+", 9223372036854775807 AS vid FROM incidents AS i WHERE i."+cond+
		" UNION ALL SELECT i.op, i.until_change, i.import_id, "+row+", i.vid FROM versions AS i WHERE i."+cond+" ORDER BY vid DESC", inBinary, arg)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var d decoder
	var ids []int64
	for rows.Next() {
		v := rows.RawValues()
		var version incident.Version
		if string(v[0]) == opPut {
			version.Incident = new(incident.Incident)
			if err := d.scan(v[3:len(v)-1], version.Incident); err != nil {
				return nil, err
			}
		}
		version.Until, _ = integerOf(v[1])
		version.Import.ID, _ = integerOf(v[2])
		ids = append(ids, version.Import.ID)
		list = append(list, version)
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		return nil, err
	}
	infos, err := s.readImports(ctx, "WHERE m.id = ANY($1)", ids)
	for _, info := range infos {
		for i := range list {
			if list[i].Import.ID == info.ID {
				list[i].Import = info
			}
		}
	}
	return list, err
}
