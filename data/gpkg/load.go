package gpkg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

const (
	// rowsPerInsert rows go into one statement: one crossing into C for all.
	rowsPerInsert = 16
	// wideCache holds the pages of the indexes that a batch writes all over.
	// narrowCache does for what is only added to, and is what each of the threads
	// takes that sort for an index.
	wideCache, narrowCache = "cache_size = -65536", "cache_size = -8000"
	// A batch of bulkBatch incidents or more into a store of at most bulkStore
	// makes a bulk load, which drops the indexes and builds them at its end.
	bulkBatch = 1000
	bulkStore = 10_000
)

var insertOne, insertMany, updateOne = func() (string, string, string) {
	row := "(?" + strings.Repeat(", ?", columnCount-1) + ")"
	into := "INSERT INTO incidents (" + strings.Join(columnNames[:], ", ") + ") VALUES "
	return into + row, into + row + strings.Repeat(", "+row, rowsPerInsert-1),
		"UPDATE incidents SET " + strings.Join(columnNames[1:], " = ?, ") + " = ? WHERE fid = ?"
}()

// load is a running load.
type load struct {
	s        *Store
	imp      incident.Import
	importID int64
	unlock   func() error
	enc      *encoder
	total    incident.PutResult
	ended    bool
	failed   error // of an atomic load, which cannot go on
	begun    bool  // a batch was put
	known    bool  // the dataset is registered
	gone     int   // what Sweep took away

	seen    rowSet  // rows that were put unchanged, in a load that replaces its dataset
	pending []int64 // the same of the batch at hand

	bulk *idSet // nil if the indexes are there
	next int64  // the next row number

	free   chan *block // the blocks that wait to be filled
	one    []driver.NamedValue
	update []driver.NamedValue

	counts map[placeKey]*count
	stale  map[string]bool
	days   map[incident.Day]bool // on which rows start or started that the load changed, up to one more than maxChangedDays
}

// block is the rows of one statement. While SQLite inserts one, the next are
// encoded on another core.
type block struct {
	rows  []incident.Incident
	args  []driver.NamedValue
	geoms [rowsPerInsert][32]byte
	hash  [rowsPerInsert]int64
	key   [rowsPerInsert]uint64
	err   error
}

// blocksAhead is how many blocks there are: enough to keep both sides busy, few enough to stay in the cache.
const blocksAhead = 4

func newBlock() *block {
	b := &block{args: make([]driver.NamedValue, rowsPerInsert*columnCount)}
	for i := range b.args {
		b.args[i].Ordinal = i + 1
	}
	return b
}

// values are the values of one row of the block.
func (b *block) values(i int) []driver.NamedValue { return b.args[i*columnCount : (i+1)*columnCount] }

type placeKey struct{ dataset, country, unit string }

// count is what a batch adds to a place and takes from it.
type count struct {
	incident.DatasetPlace
	gone int
}

// lock waits for the right to load, in this process and among processes.
func (s *Store) lock(ctx context.Context) (unlock func() error, err error) {
	if s.opt.ReadOnly {
		return nil, incident.Errorf(incident.CodeUnavailable, "The store was opened read-only.")
	}
	if err := s.Here(); err != nil {
		return nil, err
	}
	timer := time.NewTimer(s.opt.BusyTimeout)
	defer timer.Stop()
	select {
	case s.loading <- struct{}{}:
	case <-timer.C:
		return nil, incident.ErrBusy
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		l, ok, err := tryLock(s.lockPath())
		if err != nil {
			<-s.loading
			return nil, fileError(err)
		}
		if ok {
			return func() error {
				err := l.release()
				<-s.loading
				return err
			}, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-timer.C:
			<-s.loading
			return nil, incident.ErrBusy
		case <-ctx.Done():
			<-s.loading
			return nil, ctx.Err()
		}
	}
}

// Begin implements [incident.Writer].
func (s *Store) Begin(ctx context.Context, imp incident.Import) (incident.Load, error) {
	if imp.Dataset.Name == "" {
		return nil, incident.Errorf(incident.CodeInvalid, "A load needs the name of its dataset.")
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin a load: %w", err)
	}
	l := &load{s: s, imp: imp, unlock: unlock, counts: map[placeKey]*count{}, stale: map[string]bool{}, days: map[incident.Day]bool{}}
	if err := l.begin(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("begin a load: %w", domainError(err)), unlock())
	}
	return l, nil
}

func (l *load) begin(ctx context.Context) error {
	s := l.s
	s.wmu.Lock()
	defer s.wmu.Unlock()
	c := s.writer
	if c == nil {
		return errClosed
	}
	if err := s.repair(ctx); err != nil {
		return err
	}
	// A load writes every page once; to move pages from the log to the file
	// after each batch would write them twice and wait for the disk each time.
	if err := c.pragmas("wal_autocheckpoint = 16000", wideCache); err != nil {
		return err
	}
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := c.exec(`INSERT INTO imports (dataset, file, layout, mapping, who, state, started, rows_new, rows_changed, rows_unchanged) VALUES (?, ?, ?, ?, ?, 'running', ?, 0, 0, 0)`,
		l.imp.Dataset.Name, text(l.imp.File), text(l.imp.Layout), text(l.imp.Mapping), text(l.imp.Who), timestamp(s.opt.Now()))
	if err == nil {
		l.importID, err = c.integer(ctx, "SELECT last_insert_rowid()")
	}
	if err == nil {
		err = s.audit(c, incident.AuditImport(ctx, incident.AuditImportBegun, l.importID, &l.imp, ""))
	}
	if err == nil && !l.imp.Atomic {
		err = c.commit()
	}
	if err != nil {
		return errors.Join(err, c.rollback())
	}
	l.enc = newEncoder(l.importID, l.imp.File)
	l.free = make(chan *block, blocksAhead)
	for range blocksAhead {
		l.free <- newBlock()
	}
	l.one = make([]driver.NamedValue, columnCount)
	l.update = make([]driver.NamedValue, columnCount)
	return nil
}

// ID implements [incident.Load].
func (l *load) ID() int64 { return l.importID }

var errEnded = incident.Errorf(incident.CodeConflict, "The load has ended.")

// Put implements [incident.Load].
func (l *load) Put(ctx context.Context, batch []incident.Incident) (incident.PutResult, error) {
	l.s.wmu.Lock()
	defer l.s.wmu.Unlock()
	c := l.s.writer
	var r incident.PutResult
	switch {
	case l.ended:
		return r, errEnded
	case c == nil:
		return r, errClosed
	case l.failed != nil:
		return r, fmt.Errorf("put a batch after a failed one: %w", l.failed)
	}
	put := func() (err error) {
		r, err = l.put(ctx, c, batch)
		return err
	}
	var err error
	if l.imp.Atomic {
		err = put()
		l.failed = err
	} else if err = c.tx(put); err != nil {
		// The rows of the batch are gone again; what was remembered of them is not
		// true. The next batch builds the indexes and goes on with them.
		l.bulk, l.begun, l.known = nil, false, false
	}
	if err == nil {
		for _, fid := range l.pending {
			l.seen.add(fid)
		}
	}
	l.pending = l.pending[:0]
	clear(l.counts)
	clear(l.stale)
	if err != nil {
		return incident.PutResult{}, fmt.Errorf("put a batch: %w", domainError(err))
	}
	l.total.Add(r)
	return r, nil
}

func (l *load) put(ctx context.Context, c *conn, batch []incident.Incident) (r incident.PutResult, err error) {
	visible, err := l.register(ctx, c)
	if err != nil {
		return r, err
	}
	if !l.begun {
		if err := l.start(ctx, c, len(batch)); err != nil {
			return r, err
		}
		l.begun = true
	}
	if err := l.putBlocks(ctx, c, batch, &r); err != nil {
		return r, err
	}
	if err := l.writeCounts(c); err != nil {
		return r, err
	}
	if visible || r.New+r.Changed > 0 {
		if err := grow(c); err != nil {
			return r, err
		}
	}
	t := l.total
	t.Add(r)
	return r, c.exec("UPDATE imports SET rows_new = ?, rows_changed = ?, rows_unchanged = ? WHERE fid = ?", t.New, t.Changed, t.Unchanged, l.importID)
}

// grow counts a change that readers can see.
func grow(c *conn) error {
	if err := c.exec("UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'change'"); err != nil {
		return fmt.Errorf("grow the change number: %w", err)
	}
	return writeJournal(c)
}

// encode fills blocks with a batch and hands them on until it is done, fails
// or is told to stop.
func (l *load) encode(ctx context.Context, batch []incident.Incident, out chan<- *block, stop <-chan struct{}) {
	defer close(out)
	for rows := range slices.Chunk(batch, rowsPerInsert) {
		var b *block
		select {
		case b = <-l.free:
		case <-stop:
			return
		}
		b.rows, b.err = rows, ctx.Err()
		for i := range rows {
			if b.err == nil {
				b.err = check(&rows[i])
			}
			if b.err != nil {
				break
			}
			b.key[i] = keyOf(rows[i].ID)
			b.hash[i], b.err = l.enc.encode(&rows[i], b.values(i), b.geoms[i][:])
		}
		out <- b // there is room for all blocks
	}
}

func (l *load) putBlocks(ctx context.Context, c *conn, batch []incident.Incident, r *incident.PutResult) (err error) {
	out, stop := make(chan *block, blocksAhead), make(chan struct{})
	go l.encode(ctx, batch, out, stop)
	// Nothing of the batch may be in use any more when Put returns.
	defer func() {
		close(stop)
		for b := range out {
			b.rows = nil
			l.free <- b
		}
	}()
	for b := range out {
		err := b.err
		if err == nil {
			err = l.putBlock(ctx, c, b, r)
		}
		b.rows = nil
		l.free <- b
		if err != nil {
			return err
		}
	}
	return nil
}

// putBlock stores a block: all rows at once if all are new, else one by one.
func (l *load) putBlock(ctx context.Context, c *conn, b *block, r *incident.PutResult) error {
	if l.bulk != nil && l.bulk.count >= maxIDs {
		if err := l.indexed(c); err != nil {
			return err
		}
	}
	if len(b.rows) == rowsPerInsert {
		fresh, err := l.allNew(ctx, c, b)
		if err != nil {
			return err
		}
		if fresh {
			for i := range b.rows {
				l.number(b, i)
			}
			if err := c.run(insertMany, b.args); err != nil {
				return fmt.Errorf("insert rows: %w", err)
			}
			r.New += len(b.rows)
			return nil
		}
	}
	for i := range b.rows {
		old, err := l.find(ctx, c, b.rows[i].ID, b.key[i])
		switch {
		case err != nil:
			return err
		case old.fid == 0:
			l.number(b, i)
			for k, a := range b.values(i) {
				l.one[k] = driver.NamedValue{Ordinal: k + 1, Value: a.Value}
			}
			if err := c.run(insertOne, l.one); err != nil {
				return fmt.Errorf("insert a row: %w", err)
			}
			r.New++
		case old.hash == b.hash[i]:
			r.Unchanged++
			if l.imp.Replace {
				l.pending = append(l.pending, old.fid)
			}
		default:
			if err := l.change(c, &b.rows[i], b.values(i), old); err != nil {
				return err
			}
			r.Changed++
		}
	}
	return nil
}

// allNew reports whether no row of a block is stored and none comes twice in it.
// A hash in common counts as a row in common; find looks closer.
func (l *load) allNew(ctx context.Context, c *conn, b *block) (bool, error) {
	for i := range b.rows {
		if slices.Contains(b.key[:i], b.key[i]) {
			return false, nil
		}
		if l.bulk != nil {
			if l.bulk.find(b.key[i]) != 0 {
				return false, nil
			}
			continue
		}
		old, err := l.find(ctx, c, b.rows[i].ID, 0)
		if err != nil || old.fid != 0 {
			return false, err
		}
	}
	return true, nil
}

// number gives a new row its number and counts it.
func (l *load) number(b *block, i int) {
	b.values(i)[colFID].Value = l.next
	l.s.writer.touched.Add(l.next)
	l.changes(b.rows[i].Start)
	if l.bulk != nil {
		l.bulk.add(b.key[i], l.next)
	}
	l.next++
	l.at(&b.rows[i]).Merge(placeOf(&b.rows[i]))
}

// start decides at the first batch whether the load is a bulk load.
func (l *load) start(ctx context.Context, c *conn, batch int) error {
	row, err := c.one(ctx, "SELECT (SELECT sum(incidents) FROM dataset_places), (SELECT seq FROM sqlite_sequence WHERE name = 'incidents'), (SELECT min(fid) FROM incidents)")
	if err != nil {
		return fmt.Errorf("look at what is stored: %w", err)
	}
	rows, _ := row[0].(int64)
	last, _ := row[1].(int64)
	base, some := row[2].(int64)
	if !some {
		base = last + 1
	}
	l.next = last + 1
	if batch < bulkBatch || rows > bulkStore || last-base > 1<<31 {
		return l.indexed(c) // they are there but after a batch that failed
	}
	l.bulk = newIDSet(base)
	if err := c.each(ctx, "SELECT fid, id FROM incidents", nil, func(v []driver.Value) error {
		fid, _ := v[0].(int64)
		id, _ := v[1].(string)
		l.bulk.add(keyOf(id), fid)
		return nil
	}); err != nil {
		return fmt.Errorf("read the ids: %w", err)
	}
	// Rows are only added at the end of the table.
	return errors.Join(c.pragmas(narrowCache), dropIndexes(c))
}

// indexed goes on with the indexes.
func (l *load) indexed(c *conn) error {
	l.bulk = nil
	return errors.Join(createIndexes(c), c.pragmas(wideCache))
}

type oldRow struct {
	fid, hash int64
	start     incident.Day
	at        placeKey
}

const selectOld = "SELECT fid, content_hash, dataset, country, unit_id, id, +start_date FROM incidents WHERE "

// find looks for the row of an ID, all rows before being written. key is the hash of the ID.
func (l *load) find(ctx context.Context, c *conn, id string, key uint64) (old oldRow, err error) {
	sql, arg := selectOld+"id = ?", any(id)
	if l.bulk != nil {
		fid := l.bulk.find(key)
		if fid == 0 {
			return old, nil
		}
		sql, arg = selectOld+"fid = ?", fid
	}
	rows, err := c.c.QueryContext(context.Background(), sql, []driver.NamedValue{{Ordinal: 1, Value: arg}})
	if err != nil {
		return old, fmt.Errorf("look for a row: %w", err)
	}
	var v [7]driver.Value
	err = rows.Next(v[:])
	if errors.Is(err, io.EOF) {
		return old, rows.Close()
	}
	if err = errors.Join(err, rows.Close()); err != nil {
		return old, fmt.Errorf("look for a row: %w", err)
	}
	if v[5] != any(id) {
		// Two IDs of one hash, once in millions of loads: only an index can tell.
		if err := l.indexed(c); err != nil {
			return old, err
		}
		return l.find(ctx, c, id, key)
	}
	old.fid, _ = v[0].(int64)
	old.hash, _ = v[1].(int64)
	old.at.dataset, _ = v[2].(string)
	old.at.country, _ = v[3].(string)
	old.at.unit, _ = v[4].(string)
	start, _ := v[6].(string)
	old.start = dayOf(start)
	return old, nil
}

func (l *load) change(c *conn, in *incident.Incident, args []driver.NamedValue, old oldRow) error {
	for i := 1; i < columnCount; i++ {
		l.update[i-1] = driver.NamedValue{Ordinal: i, Value: args[i].Value}
	}
	l.update[columnCount-1] = driver.NamedValue{Ordinal: columnCount, Value: old.fid}
	if err := keep(c, old.fid); err != nil {
		return err
	}
	c.touched.Add(old.fid)
	l.changes(old.start)
	l.changes(in.Start)
	if err := c.run(updateOne, l.update); err != nil {
		return fmt.Errorf("change row %d: %w", old.fid, err)
	}
	l.counted(old.at).gone++
	l.at(in).Merge(placeOf(in))
	// What the old row had widened can only be found by looking at all rows: at the end.
	l.stale[old.at.dataset] = true
	l.stale[in.Dataset] = true
	return nil
}

// changes notes a day on which something changes.
func (l *load) changes(d incident.Day) {
	if len(l.days) <= maxChangedDays && !l.days[d] {
		l.days[d] = true
	}
}

// changedDays are the days on which the load changed something, nil if they are too many to tell.
func (l *load) changedDays() []incident.Day {
	if l.gone > 0 || len(l.days) > maxChangedDays {
		return nil
	}
	return slices.Collect(maps.Keys(l.days))
}

func placeOf(in *incident.Incident) incident.DatasetPlace {
	p := incident.DatasetPlace{Count: 1, First: in.Start, Last: in.End, HasBound: in.HasPoint}
	p.Bound = orb.Bound{Min: in.Point, Max: in.Point}
	return p
}

func (l *load) at(in *incident.Incident) *incident.DatasetPlace {
	return &l.counted(placeKey{in.Dataset, in.Country, in.UnitID}).DatasetPlace
}

func (l *load) counted(k placeKey) *count {
	n := l.counts[k]
	if n == nil {
		n = &count{}
		l.counts[k] = n
	}
	return n
}

// writeCounts brings dataset_places up to date with a batch.
func (l *load) writeCounts(c *conn) error {
	for k, n := range l.counts {
		if n.Count > 0 {
			var box [4]any
			if n.HasBound {
				box = [4]any{n.Bound.Min[0], n.Bound.Min[1], n.Bound.Max[0], n.Bound.Max[1]}
			}
			if err := c.exec(`INSERT INTO dataset_places (dataset, country, unit_id, incidents, first_start, last_end, min_x, min_y, max_x, max_y)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dataset, country, unit_id) DO UPDATE SET incidents = incidents + excluded.incidents,
				first_start = min(first_start, excluded.first_start), last_end = max(last_end, excluded.last_end),
				min_x = min(coalesce(min_x, excluded.min_x), coalesce(excluded.min_x, min_x)), min_y = min(coalesce(min_y, excluded.min_y), coalesce(excluded.min_y, min_y)),
				max_x = max(coalesce(max_x, excluded.max_x), coalesce(excluded.max_x, max_x)), max_y = max(coalesce(max_y, excluded.max_y), coalesce(excluded.max_y, max_y))`,
				k.dataset, k.country, k.unit, n.Count, n.First.String(), n.Last.String(), box[0], box[1], box[2], box[3]); err != nil {
				return fmt.Errorf("count the incidents of a place: %w", err)
			}
		}
		if n.gone > 0 {
			if err := c.exec("UPDATE dataset_places SET incidents = incidents - ? WHERE dataset = ? AND country = ? AND unit_id = ?", n.gone, k.dataset, k.country, k.unit); err != nil {
				return fmt.Errorf("count the incidents of a place: %w", err)
			}
		}
	}
	for name := range l.stale {
		if err := c.exec("UPDATE datasets SET stale = 1 WHERE name = ?", name); err != nil {
			return fmt.Errorf("mark a dataset: %w", err)
		}
	}
	return nil
}

// register writes the dataset of the load; visible is true if that changed anything.
func (l *load) register(ctx context.Context, c *conn) (visible bool, err error) {
	if l.known {
		return false, nil
	}
	d := l.imp.Dataset
	before, err := c.integer(ctx, "SELECT total_changes()")
	if err != nil {
		return false, err
	}
	// Empty fields keep what is there. Nothing is written if nothing differs. What the operator said of republishing stands.
	if err := c.exec(`INSERT INTO datasets (name, title, licence, attribution, terms, version, accessed, aggregates_only, synthetic, sample, delay_hours, blur, stale) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT (name) DO UPDATE SET title = coalesce(excluded.title, title), licence = coalesce(excluded.licence, licence),
		attribution = coalesce(excluded.attribution, attribution), terms = coalesce(excluded.terms, terms),
		version = coalesce(excluded.version, version), accessed = coalesce(excluded.accessed, accessed),
		aggregates_only = CASE WHEN public_set THEN aggregates_only ELSE max(excluded.aggregates_only, aggregates_only) END,
		synthetic = max(excluded.synthetic, synthetic), sample = max(excluded.sample, sample)
		WHERE coalesce(excluded.title, title) IS NOT title OR coalesce(excluded.licence, licence) IS NOT licence
		OR coalesce(excluded.attribution, attribution) IS NOT attribution OR coalesce(excluded.terms, terms) IS NOT terms
		OR coalesce(excluded.version, version) IS NOT version OR coalesce(excluded.accessed, accessed) IS NOT accessed
		OR NOT public_set AND excluded.aggregates_only > aggregates_only OR excluded.synthetic > synthetic OR excluded.sample > sample`,
		d.Name, text(d.Title), text(d.Licence), text(d.Attribution), text(d.Terms), text(d.Version), text(d.Accessed), d.AggregatesOnly, d.Synthetic, d.Sample, hours(d.Delay), text(string(d.Blur))); err != nil {
		return false, fmt.Errorf("register the dataset: %w", err)
	}
	after, err := c.integer(ctx, "SELECT total_changes()")
	l.known = err == nil
	return after > before, err
}

// Finish implements [incident.Load].
func (l *load) Finish(ctx context.Context, report string) error {
	l.s.wmu.Lock()
	defer l.s.wmu.Unlock()
	c := l.s.writer
	switch {
	case l.ended:
		return errEnded
	case c == nil:
		return errClosed
	}
	hash := ""
	if l.imp.Hash != nil {
		hash = l.imp.Hash()
	}
	finish := func() error {
		if l.failed != nil {
			return l.failed
		}
		visible, err := l.register(ctx, c)
		if err != nil {
			return err
		}
		if err := c.exec("UPDATE imports SET state = 'done', finished = ?, hash = ?, report = ? WHERE fid = ?", timestamp(l.s.opt.Now()), text(hash), text(report), l.importID); err != nil {
			return fmt.Errorf("write the record of the import: %w", err)
		}
		if err := l.s.audit(c, incident.AuditImport(ctx, incident.AuditImportFinished, l.importID, &l.imp, incident.AuditCounts(l.total, l.gone))); err != nil {
			return err
		}
		if visible {
			if err := grow(c); err != nil {
				return err
			}
		}
		changed := l.total.New+l.total.Changed+l.gone > 0
		if err := l.s.makeUp(ctx, changed); err != nil {
			return err
		}
		return l.s.relink(ctx, changed && !l.imp.Dataset.Synthetic && !l.imp.Dataset.Sample, l.changedDays())
	}
	var err error
	if !l.imp.Atomic {
		err = c.tx(finish)
	} else if err = finish(); err == nil {
		err = c.commit()
	}
	if err != nil {
		// The load is over either way; what is missing is made up by the next one.
		err = errors.Join(fmt.Errorf("finish the load: %w", domainError(err)), c.rollback())
	}
	return errors.Join(err, l.end(c))
}

// Abort implements [incident.Load].
func (l *load) Abort() error {
	l.s.wmu.Lock()
	defer l.s.wmu.Unlock()
	c := l.s.writer
	if l.ended {
		return nil
	}
	if c == nil {
		l.ended = true
		return l.unlock()
	}
	err := c.rollback()
	if !l.imp.Atomic {
		err = errors.Join(err, l.s.repair(context.Background()))
	}
	if err != nil {
		err = fmt.Errorf("abort the load: %w", domainError(err))
	}
	return errors.Join(err, l.end(c))
}

// end gives back what the load took.
func (l *load) end(c *conn) error {
	l.ended = true
	l.bulk, l.enc, l.free = nil, nil, nil
	return errors.Join(c.pragmas("wal_autocheckpoint = 1000", narrowCache, "shrink_memory"), l.s.checkpoint(), l.unlock())
}

// repair makes up what a load left undone that was killed or aborted. The caller holds the lock of loads.
func (s *Store) repair(ctx context.Context) error {
	left, err := s.writer.integer(ctx, "SELECT (SELECT count(*) FROM imports WHERE state = 'running') + (SELECT count(*) FROM datasets WHERE stale) + (SELECT count(*) FROM meta WHERE key = '"+revertKey+"') + ? - (SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name IN ("+indexNames+"))", len(indexes))
	if err != nil {
		return fmt.Errorf("look for a load that was cut off: %w", err)
	}
	if left == 0 {
		return nil
	}
	return s.writer.tx(func() error {
		if err := s.revert(ctx); err != nil {
			return err
		}
		now := timestamp(s.opt.Now())
		if err := s.writer.exec("INSERT INTO audit (at, action, object, result) SELECT ?, ?, 'import ' || fid || ' of ' || dataset, 'cut off; the batches that were put stay' FROM imports WHERE state = 'running'",
			now, string(incident.AuditImportFailed)); err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
		if err := s.writer.exec("UPDATE imports SET state = 'failed', finished = ? WHERE state = 'running'", now); err != nil {
			return fmt.Errorf("close the record of a load that was cut off: %w", err)
		}
		if err := s.makeUp(ctx, true); err != nil {
			return err
		}
		return s.relink(ctx, true, nil)
	})
}

var indexNames = func() string {
	var names []string
	for _, ix := range indexes {
		names = append(names, "'"+ix.name+"'")
	}
	return strings.Join(names, ", ")
}()

// makeUp does, within a transaction, what loads put off: indexes, the sums of
// datasets with changed incidents, and if rows changed the extent of the layer.
func (s *Store) makeUp(ctx context.Context, rows bool) error {
	c := s.writer
	if err := createIndexes(c); err != nil {
		return err
	}
	var stale []string
	if err := c.each(ctx, "SELECT name FROM datasets WHERE stale", nil, func(v []driver.Value) error {
		name, _ := v[0].(string)
		stale = append(stale, name)
		return nil
	}); err != nil {
		return fmt.Errorf("look for datasets with changes: %w", err)
	}
	for _, name := range stale {
		if err := sumUp(c, name); err != nil {
			return err
		}
	}
	if len(stale) > 0 {
		if err := c.exec("UPDATE datasets SET stale = 0"); err != nil {
			return fmt.Errorf("sum up the datasets: %w", err)
		}
		if err := grow(c); err != nil {
			return err
		}
	}
	if !rows {
		return nil
	}
	return s.writeExtent(ctx)
}

func (s *Store) writeExtent(ctx context.Context) error {
	row, err := s.writer.one(ctx, "SELECT min(min_x), min(min_y), max(max_x), max(max_y) FROM dataset_places WHERE incidents > 0")
	if err != nil {
		return fmt.Errorf("find the extent: %w", err)
	}
	var b orb.Bound
	var known bool
	if b.Min[0], known = row[0].(float64); known {
		b.Min[1], _ = row[1].(float64)
		b.Max[0], _ = row[2].(float64)
		b.Max[1], _ = row[3].(float64)
	}
	if err := s.setExtent("incidents", b, known); err != nil {
		return fmt.Errorf("write the extent: %w", err)
	}
	return nil
}

// RemoveDataset implements [incident.Writer].
func (s *Store) RemoveDataset(ctx context.Context, name string) (int, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return 0, fmt.Errorf("remove a dataset: %w", err)
	}
	n, err := s.remove(ctx, name)
	if err = errors.Join(err, unlock()); err != nil {
		return 0, fmt.Errorf("remove dataset %s: %w", name, domainError(err))
	}
	return n, nil
}

func (s *Store) remove(ctx context.Context, name string) (n int, err error) {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	c := s.writer
	if c == nil {
		return 0, errClosed
	}
	err = c.tx(func() error {
		row, err := c.one(ctx, "SELECT (SELECT count(*) FROM datasets WHERE name = ?1), coalesce((SELECT sum(incidents) FROM dataset_places WHERE dataset = ?1), 0), coalesce((SELECT sum(incidents) FROM dataset_places), 0)", name)
		if err != nil {
			return err
		}
		if row[0] == any(int64(0)) {
			return incident.Errorf(incident.CodeNotFound, "There is no dataset %q.", name)
		}
		mine, _ := row[1].(int64)
		all, _ := row[2].(int64)
		n = int(mine)
		// To take many rows out of an index one by one costs more than to build it anew.
		if mine > bulkStore && mine*4 > all {
			if err := dropIndexes(c); err != nil {
				return err
			}
		}
		if err := touchAll(ctx, c, "SELECT fid FROM incidents WHERE dataset = ?", name); err != nil {
			return err
		}
		if mine == all {
			err = c.exec("DELETE FROM incidents") // without a condition SQLite drops the pages whole
		} else {
			err = c.exec("DELETE FROM incidents WHERE dataset = ?", name)
		}
		if err != nil {
			return err
		}
		if err := c.exec("DELETE FROM dataset_places WHERE dataset = ?", name); err != nil {
			return err
		}
		for _, sql := range []string{"DELETE FROM datasets WHERE name = ?", "DELETE FROM versions WHERE dataset = ?", "UPDATE imports SET state = 'undone' WHERE dataset = ?"} {
			if err := c.exec(sql, name); err != nil {
				return err
			}
		}
		if err := s.audit(c, incident.AuditOf(ctx, incident.AuditDatasetRemoved, "dataset "+name, fmt.Sprintf("%d incidents", n))); err != nil {
			return err
		}
		if err := grow(c); err != nil {
			return err
		}
		if err := s.makeUp(ctx, true); err != nil {
			return err
		}
		return s.relink(ctx, false, nil) // if links went with it, the datasets are others
	})
	if err != nil {
		return 0, err
	}
	return n, s.checkpoint()
}
