package postgis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"sarhad/incident"
)

// manyRows is from how many rows on a load tells the planner at its end what is
// stored now: the server does so by itself only a minute later, and until then finds bad ways.
const manyRows = 10_000

// load is a running load. Since it holds the lock of loads, what is stored can
// be looked up before a batch is written: new rows and new versions go into the
// table by one COPY, and what is unchanged is not sent at all.
type load struct {
	s     *Store
	imp   incident.Import
	id    int64
	mu    sync.Mutex // holds what is below
	w     *writer
	tx    pgx.Tx // of an atomic load, else nil
	total incident.PutResult
	ended bool
	// failed is set in an atomic load that cannot go on.
	failed error
	gone   int // what Sweep took away
	// seen are rows that were put unchanged, in a load that replaces its dataset.
	seen map[int64]struct{}
}

// Begin implements [incident.Writer].
func (s *Store) Begin(ctx context.Context, imp incident.Import) (incident.Load, error) {
	if imp.Dataset.Name == "" {
		return nil, incident.Errorf(incident.CodeInvalid, "A load needs the name of its dataset.")
	}
	l := &load{s: s, imp: imp, seen: map[int64]struct{}{}}
	w, err := s.lock(ctx)
	if err == nil {
		l.w = w
		if err = l.begin(ctx); err != nil {
			w.release()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("begin a load: %w", domainError(ctx, err))
	}
	return l, nil
}

func (l *load) begin(ctx context.Context) error {
	if err := l.w.repair(ctx); err != nil {
		return err
	}
	insert := func(c pgx.Tx) error {
		if err := c.QueryRow(ctx, `INSERT INTO imports (id, dataset, file, layout, mapping, who, state, started)
			SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, 'running', $6 FROM imports RETURNING id`,
			hide.Replace(l.imp.Dataset.Name), stored(l.imp.File), stored(l.imp.Layout), stored(l.imp.Mapping), stored(l.imp.Who), l.s.opt.Now().UTC()).Scan(&l.id); err != nil {
			return fmt.Errorf("write the record of the import: %w", err)
		}
		return l.s.audit(ctx, c, incident.AuditImport(ctx, incident.AuditImportBegun, l.id, &l.imp, ""))
	}
	if !l.imp.Atomic {
		return l.w.tx(ctx, insert)
	}
	tx, err := l.w.c.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	l.tx = tx
	return insert(tx)
}

// ID implements [incident.Load].
func (l *load) ID() int64 { return l.id }

var (
	errEnded = incident.Errorf(incident.CodeConflict, "The load has ended.")
	errLost  = incident.Errorf(incident.CodeUnavailable, "The connection of the load was lost; begin the load again.")
)

// do runs a step of the load in the transaction of the load or in one of its own.
func (l *load) do(ctx context.Context, step func(tx pgx.Tx) error) error {
	switch {
	case l.ended:
		return errEnded
	case l.s.closed.Load():
		return errClosed
	case l.failed != nil:
		return fmt.Errorf("go on after a failed batch: %w", l.failed)
	case l.w.c.IsClosed():
		return errLost
	case l.tx == nil:
		return l.w.tx(ctx, step)
	}
	l.failed = step(l.tx)
	return l.failed
}

// Put implements [incident.Load].
func (l *load) Put(ctx context.Context, batch []incident.Incident) (r incident.PutResult, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var seen []int64
	err = l.do(ctx, func(tx pgx.Tx) (err error) {
		r, seen, err = l.put(ctx, tx, batch)
		return err
	})
	if err != nil {
		return incident.PutResult{}, fmt.Errorf("put a batch: %w", domainError(ctx, err))
	}
	for _, fid := range seen {
		l.seen[fid] = struct{}{}
	}
	l.total.Add(r)
	return r, nil
}

func (l *load) put(ctx context.Context, tx pgx.Tx, batch []incident.Incident) (r incident.PutResult, seen []int64, err error) {
	// Of a table that grows the planner knows too little: it would look for each batch through all rows.
	if _, err := tx.Exec(ctx, "SET LOCAL enable_seqscan = off"); err != nil {
		return r, nil, fmt.Errorf("prefer indexes: %w", err)
	}
	visible, err := l.register(ctx, tx)
	if err != nil {
		return r, nil, err
	}
	for _, rows := range rounds(batch) {
		part, same, err := l.putRound(ctx, tx, rows)
		if err != nil {
			return r, nil, err
		}
		r.Add(part)
		seen = append(seen, same...)
	}
	if visible || r.New+r.Changed > 0 {
		if err := l.w.grow(ctx, tx); err != nil {
			return r, nil, err
		}
	}
	t := l.total
	t.Add(r)
	if _, err := tx.Exec(ctx, "UPDATE imports SET rows_new = $1, rows_changed = $2, rows_unchanged = $3 WHERE id = $4", t.New, t.Changed, t.Unchanged, l.id); err != nil {
		return r, nil, fmt.Errorf("count what was put: %w", err)
	}
	return r, seen, nil
}

// rounds parts a batch so that no ID comes twice in a part: the first
// incidents of all IDs, then the second ones. Nearly always one part is all.
func rounds(batch []incident.Incident) (parts [][]*incident.Incident) {
	times := make(map[string]int, len(batch))
	for i := range batch {
		n := times[batch[i].ID]
		times[batch[i].ID]++
		if n == len(parts) {
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], &batch[i])
	}
	return parts
}

// putRound stores incidents of different IDs; seen are the numbers of those that are unchanged.
func (l *load) putRound(ctx context.Context, tx pgx.Tx, part []*incident.Incident) (r incident.PutResult, seen []int64, err error) {
	var e encoder
	rows := make([]row, len(part))
	ids := make([]string, len(part))
	at := make(map[string]int, len(part))
	for i, in := range part {
		if err := check(in); err != nil {
			return r, nil, err
		}
		if rows[i], err = e.add(in); err != nil {
			return r, nil, err
		}
		rows[i].importID = l.id
		ids[i] = hide.Replace(in.ID)
		at[ids[i]] = i
	}
	var changed []int64
	write := make([]*row, 0, len(rows))
	if err := each(ctx, tx, "SELECT i.id, i.fid, i.content_hash FROM incidents AS i WHERE i.id = ANY($1::text[])", []any{ids}, func(v [][]byte) (bool, error) {
		old := &rows[at[string(v[0])]]
		old.fid, _ = integerOf(v[1])
		if hash, _ := integerOf(v[2]); hash == old.hash {
			seen = append(seen, old.fid)
			return true, nil
		}
		changed = append(changed, old.fid)
		write = append(write, old)
		return true, nil
	}); err != nil {
		return r, nil, fmt.Errorf("look for rows: %w", err)
	}
	r = incident.PutResult{New: len(rows) - len(seen) - len(changed), Changed: len(changed), Unchanged: len(seen)}
	if !l.imp.Replace {
		seen = nil
	}
	if r.New > 0 {
		var next int64
		if err := tx.QueryRow(ctx, "UPDATE state SET next_fid = next_fid + $1 RETURNING next_fid - $1", r.New).Scan(&next); err != nil {
			return r, nil, fmt.Errorf("take numbers for rows: %w", err)
		}
		for i := range rows {
			if rows[i].fid == 0 {
				rows[i].fid = next
				next++
				write = append(write, &rows[i])
			}
		}
	}
	if len(changed) > 0 {
		if err := l.w.keep(ctx, tx, changed); err != nil {
			return r, nil, err
		}
		if err := takeOut(ctx, tx, changed); err != nil {
			return r, nil, err
		}
	}
	if len(write) == 0 {
		return r, seen, nil
	}
	if _, err := tx.Conn().PgConn().CopyFrom(ctx, &copyReader{e: &e, rows: write}, "COPY incidents ("+allColumns+") FROM STDIN (FORMAT binary)"); err != nil {
		return r, nil, fmt.Errorf("copy rows: %w", err)
	}
	fids := make([]int64, len(write))
	for i, row := range write {
		fids[i] = row.fid
		l.w.touched.Add(row.fid)
	}
	return r, seen, putIn(ctx, tx, fids)
}

// placeSums sums up incidents by dataset, country and unit.
const placeSums = `SELECT i.dataset, coalesce(i.country, ''), coalesce(i.unit_id, ''), count(*), min(i.start_date), max(i.end_date),
	min(ST_X(i.geom)), min(ST_Y(i.geom)), max(ST_X(i.geom)), max(ST_Y(i.geom)) FROM incidents AS i WHERE `

// putIn counts rows that are there now.
func putIn(ctx context.Context, tx pgx.Tx, fids []int64) error {
	_, err := tx.Exec(ctx, "INSERT INTO dataset_places AS p "+placeSums+`i.fid = ANY($1::bigint[]) GROUP BY 1, 2, 3
		ON CONFLICT (dataset, country, unit_id) DO UPDATE SET incidents = p.incidents + excluded.incidents,
		first_start = least(p.first_start, excluded.first_start), last_end = greatest(p.last_end, excluded.last_end),
		min_x = least(p.min_x, excluded.min_x), min_y = least(p.min_y, excluded.min_y),
		max_x = greatest(p.max_x, excluded.max_x), max_y = greatest(p.max_y, excluded.max_y)`, fids)
	if err != nil {
		return fmt.Errorf("count the incidents of places: %w", err)
	}
	return nil
}

// takeOut deletes rows whose new versions come at once. What they had widened
// can only be found by looking at all rows: that is put off to the end of the load.
func takeOut(ctx context.Context, tx pgx.Tx, fids []int64) error {
	_, err := tx.Exec(ctx, `WITH gone AS (DELETE FROM incidents WHERE fid = ANY($1::bigint[]) RETURNING dataset, coalesce(country, '') AS country, coalesce(unit_id, '') AS unit_id),
		counted AS (UPDATE dataset_places AS p SET incidents = p.incidents - g.n FROM (SELECT dataset, country, unit_id, count(*) AS n FROM gone GROUP BY 1, 2, 3) AS g
			WHERE p.dataset = g.dataset AND p.country = g.country AND p.unit_id = g.unit_id)
		UPDATE datasets SET stale = true WHERE NOT stale AND name IN (SELECT dataset FROM gone)`, fids)
	if err != nil {
		return fmt.Errorf("take out rows that change: %w", err)
	}
	return nil
}

// register writes the dataset of the load; visible is true if that changed anything.
func (l *load) register(ctx context.Context, tx pgx.Tx) (visible bool, err error) {
	d := l.imp.Dataset
	// Empty fields keep what is there. Nothing is written if nothing differs. What the operator said of republishing stands.
	tag, err := tx.Exec(ctx, `INSERT INTO datasets AS d (name, title, licence, attribution, terms, version, accessed, aggregates_only, synthetic, sample, delay_hours, blur) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT (name) DO UPDATE SET title = coalesce(excluded.title, d.title), licence = coalesce(excluded.licence, d.licence),
		attribution = coalesce(excluded.attribution, d.attribution), terms = coalesce(excluded.terms, d.terms),
		version = coalesce(excluded.version, d.version), accessed = coalesce(excluded.accessed, d.accessed),
		aggregates_only = CASE WHEN d.public_set THEN d.aggregates_only ELSE excluded.aggregates_only OR d.aggregates_only END,
		synthetic = excluded.synthetic OR d.synthetic, sample = excluded.sample OR d.sample
		WHERE (coalesce(excluded.title, d.title), coalesce(excluded.licence, d.licence), coalesce(excluded.attribution, d.attribution), coalesce(excluded.terms, d.terms),
			coalesce(excluded.version, d.version), coalesce(excluded.accessed, d.accessed)) IS DISTINCT FROM (d.title, d.licence, d.attribution, d.terms, d.version, d.accessed)
		OR NOT d.public_set AND excluded.aggregates_only > d.aggregates_only OR excluded.synthetic > d.synthetic OR excluded.sample > d.sample`,
		hide.Replace(d.Name), stored(d.Title), stored(d.Licence), stored(d.Attribution), stored(d.Terms), stored(d.Version), stored(d.Accessed), d.AggregatesOnly, d.Synthetic, d.Sample,
		int64(d.Delay/time.Hour), stored(string(d.Blur)))
	if err != nil {
		return false, fmt.Errorf("register the dataset: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// Finish implements [incident.Load].
func (l *load) Finish(ctx context.Context, report string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return errEnded
	}
	hash := ""
	if l.imp.Hash != nil {
		hash = l.imp.Hash()
	}
	err := l.do(ctx, func(tx pgx.Tx) error {
		visible, err := l.register(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "UPDATE imports SET state = 'done', finished = $1, hash = $2, report = $3 WHERE id = $4", l.s.opt.Now().UTC(), stored(hash), stored(report), l.id); err != nil {
			return fmt.Errorf("write the record of the import: %w", err)
		}
		if err := l.s.audit(ctx, tx, incident.AuditImport(ctx, incident.AuditImportFinished, l.id, &l.imp, incident.AuditCounts(l.total, l.gone))); err != nil {
			return err
		}
		if visible {
			if err := l.w.grow(ctx, tx); err != nil {
				return err
			}
		}
		if err := l.w.sumUpStale(ctx, tx); err != nil {
			return err
		}
		if l.total.New+l.total.Changed >= manyRows {
			if _, err := tx.Exec(ctx, "ANALYSE incidents"); err != nil {
				return fmt.Errorf("look at what is stored now: %w", err)
			}
		}
		changed := l.total.New+l.total.Changed+l.gone > 0
		return l.w.relink(ctx, tx, changed && !l.imp.Dataset.Synthetic && !l.imp.Dataset.Sample)
	})
	if err == nil && l.tx != nil {
		err = l.w.commit(ctx, l.tx)
	}
	l.end()
	if err != nil {
		// The load is over either way; what is missing is made up by the next one.
		return fmt.Errorf("finish the load: %w", domainError(ctx, err))
	}
	return nil
}

// Abort implements [incident.Load].
func (l *load) Abort() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	defer l.end()
	if l.tx != nil {
		return nil // with its connection the transaction goes
	}
	ctx := context.Background()
	err := l.reconnect(ctx)
	if err == nil {
		err = l.w.repair(ctx)
	}
	if err != nil && !errors.Is(err, incident.ErrBusy) && !l.s.closed.Load() { // who has the lock has made up what was to be done
		return fmt.Errorf("abort the load: %w", domainError(ctx, err))
	}
	return nil
}

// reconnect takes the lock again if the connection was lost.
func (l *load) reconnect(ctx context.Context) error {
	if l.w.c.Ping(ctx) == nil {
		return nil
	}
	l.w.release()
	w, err := l.s.lock(ctx)
	if err != nil {
		return err
	}
	l.w = w
	return nil
}

// end gives back what the load took.
func (l *load) end() {
	l.ended = true
	l.w.release()
	l.seen = nil
}

// repair makes up what a load left undone that died or was aborted. The caller holds the lock of loads.
func (w *writer) repair(ctx context.Context) error {
	left := false
	if err := w.c.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM imports WHERE state = 'running') OR EXISTS (SELECT 1 FROM datasets WHERE stale)
		OR EXISTS (SELECT 1 FROM state WHERE reverting IS NOT NULL)`).Scan(&left); err != nil {
		return fmt.Errorf("look for a load that was cut off: %w", err)
	}
	if !left {
		return nil
	}
	return w.tx(ctx, func(tx pgx.Tx) error {
		if err := w.revert(ctx, tx); err != nil {
			return err
		}
		now := w.s.opt.Now().UTC()
		if _, err := tx.Exec(ctx, "INSERT INTO audit (at, action, object, result) SELECT $1, $2, 'import ' || id || ' of ' || dataset, 'cut off; the batches that were put stay' FROM imports WHERE state = 'running'",
			now, string(incident.AuditImportFailed)); err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
		if _, err := tx.Exec(ctx, "UPDATE imports SET state = 'failed', finished = $1 WHERE state = 'running'", now); err != nil {
			return fmt.Errorf("close the record of a load that was cut off: %w", err)
		}
		if err := w.sumUpStale(ctx, tx); err != nil {
			return err
		}
		return w.relink(ctx, tx, true)
	})
}

// sumUpStale makes the sums of datasets with changed incidents anew.
func (w *writer) sumUpStale(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, "UPDATE datasets SET stale = false WHERE stale RETURNING name")
	if err != nil {
		return fmt.Errorf("look for datasets with changes: %w", err)
	}
	stale, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for datasets with changes: %w", err)
	}
	for _, name := range stale {
		if err := sumUp(ctx, tx, name); err != nil {
			return err
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return w.grow(ctx, tx)
}

// sumUp makes the sums of a dataset anew. The name is as it stands in the database.
func sumUp(ctx context.Context, tx pgx.Tx, name string) error {
	_, err := tx.Exec(ctx, "DELETE FROM dataset_places WHERE dataset = $1", name)
	if err == nil {
		_, err = tx.Exec(ctx, "INSERT INTO dataset_places "+placeSums+"i.dataset = $1 GROUP BY 1, 2, 3", name)
	}
	if err != nil {
		return fmt.Errorf("sum up dataset %s: %w", name, err)
	}
	return nil
}

// RemoveDataset implements [incident.Writer].
func (s *Store) RemoveDataset(ctx context.Context, name string) (n int, err error) {
	err = s.change(ctx, func(w *writer, tx pgx.Tx) (err error) {
		n, err = w.remove(ctx, tx, hide.Replace(name))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remove dataset %s: %w", name, domainError(ctx, err))
	}
	return n, nil
}

// change runs fn in a transaction under the lock of loads.
func (s *Store) change(ctx context.Context, fn func(w *writer, tx pgx.Tx) error) error {
	w, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer w.release()
	if err := w.repair(ctx); err != nil {
		return err
	}
	return w.tx(ctx, func(tx pgx.Tx) error { return fn(w, tx) })
}

func (w *writer) remove(ctx context.Context, tx pgx.Tx, name string) (n int, err error) {
	if err := known(ctx, tx, name); err != nil {
		return 0, err
	}
	if err := w.touchAll(ctx, tx, "DELETE FROM incidents WHERE dataset = $1 RETURNING fid", name); err != nil {
		return 0, err
	}
	if err := tx.QueryRow(ctx, "SELECT coalesce(sum(incidents), 0)::bigint FROM dataset_places WHERE dataset = $1", name).Scan(&n); err != nil {
		return 0, fmt.Errorf("count its incidents: %w", err)
	}
	for _, sql := range []string{"DELETE FROM dataset_places WHERE dataset = $1", "DELETE FROM datasets WHERE name = $1", "DELETE FROM versions WHERE dataset = $1", "UPDATE imports SET state = 'undone' WHERE dataset = $1"} {
		if _, err := tx.Exec(ctx, sql, name); err != nil {
			return 0, fmt.Errorf("remove what belongs to it: %w", err)
		}
	}
	if err := w.s.audit(ctx, tx, incident.AuditOf(ctx, incident.AuditDatasetRemoved, "dataset "+show.Replace(name), fmt.Sprintf("%d incidents", n))); err != nil {
		return 0, err
	}
	if err := w.grow(ctx, tx); err != nil {
		return 0, err
	}
	return n, w.relink(ctx, tx, false) // if links went with it, the datasets are others
}

// known fails with CodeNotFound for a dataset that is not there; name is as it stands in the database.
func known(ctx context.Context, tx pgx.Tx, name string) error {
	there := false
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM datasets WHERE name = $1)", name).Scan(&there); err != nil {
		return fmt.Errorf("look for the dataset: %w", err)
	}
	if !there {
		return incident.Errorf(incident.CodeNotFound, "There is no dataset %q.", show.Replace(name))
	}
	return nil
}

// SetDataset implements [incident.Writer].
func (s *Store) SetDataset(ctx context.Context, name string, change incident.DatasetChange) error {
	err := s.change(ctx, func(w *writer, tx pgx.Tx) error { return w.setDataset(ctx, tx, hide.Replace(name), change) })
	if err != nil {
		return fmt.Errorf("change dataset %s: %w", name, domainError(ctx, err))
	}
	return nil
}

func (w *writer) setDataset(ctx context.Context, tx pgx.Tx, name string, change incident.DatasetChange) error {
	if change.Accessed != nil && *change.Accessed != "" {
		if _, err := incident.ParseDay(*change.Accessed); err != nil {
			return &incident.Error{Code: incident.CodeInvalid, Message: "The day on which it was fetched is no day YYYY-MM-DD.", Parameter: "accessed", Err: err}
		}
	}
	if err := known(ctx, tx, name); err != nil {
		return err
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
		if _, err := tx.Exec(ctx, "UPDATE datasets SET "+f.column+" = $1 WHERE name = $2", stored(*f.value), name); err != nil {
			return fmt.Errorf("set its %s: %w", f.column, err)
		}
	}
	if change.AggregatesOnly != nil {
		if _, err := tx.Exec(ctx, "UPDATE datasets SET aggregates_only = $1, public_set = true WHERE name = $2", *change.AggregatesOnly, name); err != nil {
			return fmt.Errorf("set whether it is public: %w", err)
		}
	}
	if change.Delay != nil {
		if _, err := tx.Exec(ctx, "UPDATE datasets SET delay_hours = $1 WHERE name = $2", int64(*change.Delay/time.Hour), name); err != nil {
			return fmt.Errorf("set its delay: %w", err)
		}
	}
	if change.Blur != nil {
		if _, err := tx.Exec(ctx, "UPDATE datasets SET blur = $1 WHERE name = $2", stored(string(*change.Blur)), name); err != nil {
			return fmt.Errorf("set its blur: %w", err)
		}
		// Everybody sees other places now: who keeps a copy of what everybody sees has to read them all.
		if err := w.touchAll(ctx, tx, "SELECT fid FROM incidents WHERE dataset = $1", name); err != nil {
			return err
		}
	}
	if err := w.s.audit(ctx, tx, incident.AuditOf(ctx, incident.AuditDatasetChanged, "dataset "+show.Replace(name), incident.AuditChange(change))); err != nil {
		return err
	}
	return w.grow(ctx, tx)
}
