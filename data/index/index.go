package index

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sarhad/incident"
)

// Options say how an index is kept. The zero value keeps it in memory.
type Options struct {
	// File is where the index lies, beside the store; "" keeps it in memory.
	// A file that cannot be written is no error: then it is kept in memory too.
	File string
	// MostNew is how many incidents may have changed since the file was written
	// before it is written anew, 100,000 if it is 0.
	MostNew int
}

// Index answers for a store from columns. It is safe for concurrent use.
type Index struct {
	base incident.Reader
	opt  Options

	mu    sync.Mutex // holds refreshing
	view  atomic.Pointer[view]
	stale atomic.Bool // while everything is read again, the store answers
	wake  chan struct{}

	rebuilding         atomic.Bool  // while everything is read again, whoever answers
	following, loading atomic.Bool  // whether Follow runs, and whether a load did when it last looked
	asked              atomic.Int64 // when an answer last looked whether the store has changed, in nanoseconds
	commits            atomic.Int64 // of the store, then
	built              atomic.Int64 // commits of the store before the view was last found to be of the present state
	listening          atomic.Bool  // whether the store tells of its changes, of which told is the last
	told               atomic.Int64
	looks              atomic.Int64 // how often Follow has looked at the whole state
}

var _ incident.RowReader = (*Index)(nil)

// view is one state of the store. It is never changed.
type view struct {
	change   int64
	datasets []incident.DatasetInfo
	base     *segment
	dead     rowSet   // rows of base that are changed or gone
	deadRows int      // how many
	fresh    *segment // what came in their place or is new; nil for nothing
	keys     keyers   // those that aggregates asked for
	clusters clusterCache
}

// rowSet is a set of rows.
type rowSet []uint64

func (b rowSet) has(row uint32) bool { return int(row>>6) < len(b) && b[row>>6]&(1<<(row&63)) != 0 }

// New makes an index of what a reader holds. It is empty and passes every
// question on until [Index.Refresh] was called once.
func New(base incident.Reader, opt Options) *Index {
	if opt.MostNew == 0 {
		opt.MostNew = 100_000
	}
	return &Index{base: base, opt: opt, wake: make(chan struct{}, 1)}
}

// Ready reports whether questions are answered from the columns.
func (x *Index) Ready() bool { return x.current() != nil }

// current is the view that answers, nil if the store has to.
func (x *Index) current() *view {
	if x.stale.Load() {
		return nil
	}
	return x.view.Load()
}

// Size is the number of incidents in the columns and of those that changed since they were written.
func (x *Index) Size() (all, fresh int) {
	v := x.current()
	if v == nil {
		return 0, 0
	}
	return v.rows(), v.freshRows()
}

func (v *view) freshRows() int {
	if v.fresh == nil {
		return 0
	}
	return v.fresh.rows()
}

func (v *view) rows() int { return v.base.rows() - v.deadRows + v.freshRows() }

// segments are the parts of the view; dead belongs to the first.
func (v *view) segments() []*segment {
	if v.fresh == nil {
		return []*segment{v.base}
	}
	return []*segment{v.base, v.fresh}
}

// state is what is known of the store before its incidents are read.
type state struct {
	stamp
	datasets []incident.DatasetInfo
	loading  bool
}

// look reads the state. The digest tells states apart that share a change
// number: those of another store, or of a copy that went another way.
func (x *Index) look(ctx context.Context) (st state, err error) {
	if st.Change, err = x.base.Change(ctx); err != nil {
		return st, fmt.Errorf("read the change number: %w", err)
	}
	if st.datasets, err = x.base.Datasets(ctx); err != nil {
		return st, fmt.Errorf("read the datasets: %w", err)
	}
	imports, err := x.base.Imports(ctx, "")
	if err != nil {
		return st, fmt.Errorf("read the imports: %w", err)
	}
	h := sha256.New()
	for i := range imports {
		imp := &imports[i]
		st.loading = st.loading || imp.State == incident.ImportRunning
		_, _ = fmt.Fprintf(h, "%d %q %q %s %s %d %d %d %d\n", imp.ID, imp.Dataset, imp.File, imp.Hash, imp.Started, imp.New, imp.Changed, imp.Unchanged, imp.Gone)
	}
	for i := range st.datasets {
		d := &st.datasets[i]
		_, _ = fmt.Fprintf(h, "%q %d %d %d\n", d.Name, d.Count, d.First, d.Last)
		if d.Blur != "" { // what the reader shows of it depends on the reader, and what the store has is something else
			kind := "store"
			if k, ok := x.base.(interface {
				Kind(ctx context.Context) (string, error)
			}); ok {
				if kind, err = k.Kind(ctx); err != nil {
					return st, fmt.Errorf("read what is shown: %w", err)
				}
			}
			_, _ = fmt.Fprintf(h, "%q %q\n", d.Blur, kind)
		}
	}
	h.Sum(st.Store[:0])
	return st, nil
}

// Refresh brings the index to the present state of the store. It returns at
// once if nothing changed; readers go on in the meantime. After an error the
// index stays as it was.
func (x *Index) Refresh(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	change, err := x.base.Change(ctx)
	if err != nil {
		return fmt.Errorf("read the change number: %w", err)
	}
	if old := x.view.Load(); old != nil && old.change == change {
		x.stale.Store(false)
		return nil
	}
	st, err := x.look(ctx)
	if err != nil {
		return err
	}
	return x.refresh(ctx, &st)
}

func (x *Index) refresh(ctx context.Context, st *state) (err error) {
	var next *view
	if old := x.view.Load(); old == nil {
		next, err = x.saved(st)
	} else {
		next, err = x.update(ctx, old, st)
	}
	if err == nil && (next == nil || next.freshRows() > x.mostFresh(next.base) || next.deadRows > max(x.opt.MostNew, next.base.rows()/2)) {
		// That takes seconds for a million incidents. After a load everybody waits
		// for what it brought: the store gives it at once, if slower. While one
		// runs the store has no indexes, and what is shown is not the end anyway.
		x.stale.Store(!st.loading && x.view.Load() != nil)
		x.rebuilding.Store(true)
		next, err = x.rebuild(ctx, st)
		x.rebuilding.Store(false)
	}
	if err != nil {
		return fmt.Errorf("index the incidents: %w", err)
	}
	// What was read may be newer than the number it was read under; the journal
	// then has it again, and it is read twice.
	next.datasets = st.datasets
	x.view.Store(next)
	x.stale.Store(false)
	return nil
}

// mostFresh is how many incidents may be fresh before the file is written anew.
func (x *Index) mostFresh(base *segment) int { return max(x.opt.MostNew, base.rows()/10) }

const (
	// lookEvery is how often Follow looks whether the store has changed.
	lookEvery = 100 * time.Millisecond
	// lookAlways is the same while the store tells of its changes by itself, in case that one was not heard.
	lookAlways = 2 * time.Second
	// listenAgain is how long the store is left alone after it could not be listened to.
	listenAgain = time.Second
	// loadShare bounds the time that goes into keeping up with a running load, which shares the machine.
	loadShare = 8
)

// Follow keeps the index up to date until its context ends. failed is told
// when it cannot; it goes on trying. A store that is an [incident.Waiter] is
// listened to, and else looked at ten times a second.
func (x *Index) Follow(ctx context.Context, failed func(error)) {
	x.following.Store(true)
	defer x.following.Store(false)
	if w, ok := x.base.(incident.Waiter); ok {
		var listening sync.WaitGroup
		listening.Go(func() { x.listen(ctx, w) })
		defer listening.Wait()
	}
	var took time.Duration
	var last time.Time
	for {
		present := false
		err := func() error {
			x.mu.Lock()
			defer x.mu.Unlock()
			commits := x.baseCommits()
			change, err := x.base.Change(ctx)
			if err != nil {
				return fmt.Errorf("read the change number: %w", err)
			}
			if old := x.view.Load(); old != nil && old.change == change {
				x.stale.Store(false)
				x.built.Store(commits)
				present = true
				return nil
			}
			st, err := x.look(ctx)
			x.loading.Store(st.loading)
			x.looks.Add(1)
			if err != nil || st.loading && time.Since(last) < took*loadShare {
				return err
			}
			began := time.Now()
			if err = x.refresh(ctx, &st); err == nil {
				x.built.Store(commits)
				present = !st.loading
			}
			last = time.Now()
			took = last.Sub(began)
			return err
		}()
		wait := lookEvery
		if present && x.listening.Load() {
			wait = lookAlways
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
			wait = 50 * lookEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		case <-time.After(wait):
		}
	}
}

// listen notes what the store tells of its changes and wakes Follow.
func (x *Index) listen(ctx context.Context, w incident.Waiter) {
	defer x.listening.Store(false)
	for after := int64(-1); ; {
		change, err := w.Wait(ctx, after)
		if err == nil {
			after = change
			x.told.Store(change)
			x.listening.Store(true)
			x.wakeUp()
			continue
		}
		x.listening.Store(false) // Follow looks by itself, and says why it cannot
		select {
		case <-ctx.Done():
			return
		case <-time.After(listenAgain):
		}
	}
}

func (x *Index) wakeUp() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// baseCommits counts what this process has written to the store.
func (x *Index) baseCommits() int64 {
	if j, ok := x.base.(incident.Journal); ok {
		return j.Commits()
	}
	return 0
}

const (
	// askEvery is how often answers look at most whether another process has changed the store.
	askEvery = time.Millisecond
	// askLoading is the same while a load ran when it was last looked at: then
	// nearly every look finds a change, and costs more. It is short enough that
	// whoever starts a command and asks when it has ended sees what it did.
	askLoading = 10 * time.Millisecond
	// waitAtMost is how long an answer waits for the present state.
	waitAtMost = 500 * time.Millisecond
)

// Change implements [incident.Reader]: the change number of the answers. Who
// asks for it before anything else, as the API does, reads what was stored
// before: unless a load is running, it waits until questions are answered from
// the present state, by the columns or by the store.
func (x *Index) Change(ctx context.Context) (int64, error) {
	v := x.current()
	if v == nil {
		return x.base.Change(ctx)
	}
	if !x.following.Load() || !x.mayHaveChanged(v) {
		return v.change, nil
	}
	change, err := x.base.Change(ctx)
	if err != nil {
		return 0, err
	}
	if x.loading.Load() && v.change < change {
		// What a running load brings is shown when it has its turn, and nobody waits for that.
		running, err := x.runs(ctx)
		if err != nil {
			return 0, err
		}
		if running {
			return v.change, nil
		}
		if x.rebuilding.Load() { // since before it ended
			x.stale.Store(true)
			return change, nil
		}
	}
	looks := x.looks.Load()
	for end := time.Now().Add(waitAtMost); v != nil && v.change < change && time.Now().Before(end); v = x.current() {
		// A load began meanwhile. The first look may have begun before the change.
		if x.loading.Load() && x.looks.Load() > looks+1 {
			break
		}
		x.wakeUp()
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(askEvery):
		}
	}
	if v == nil {
		return x.base.Change(ctx)
	}
	return v.change, nil
}

// runs reports whether a load is running.
func (x *Index) runs(ctx context.Context) (bool, error) {
	imports, err := x.base.Imports(ctx, "")
	return slices.ContainsFunc(imports, func(imp incident.ImportInfo) bool { return imp.State == incident.ImportRunning }), err
}

// saved opens the file, nil if there is none of this state.
func (x *Index) saved(st *state) (*view, error) {
	if x.opt.File == "" {
		return nil, nil
	}
	s, of, err := openFile(x.opt.File)
	if errors.Is(err, errNoIndex) || err == nil && of != st.stamp {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &view{change: st.Change, base: s}, nil
}

// Save writes the index of what a reader holds to a file, unless it lies there
// already. It takes little memory, however many incidents there are.
func Save(ctx context.Context, base incident.Reader, file string) error {
	x := New(base, Options{File: file})
	st, err := x.look(ctx)
	if err == nil {
		_, err = x.save(ctx, &st)
	}
	if err != nil {
		return fmt.Errorf("save the index: %w", err)
	}
	return nil
}

// rebuild reads everything.
func (x *Index) rebuild(ctx context.Context, st *state) (*view, error) {
	if x.opt.File != "" {
		if v, err := x.save(ctx, st); !errors.Is(err, errNoFile) {
			return v, err
		}
	}
	b := newBuilder()
	size := 0
	for i := range st.datasets {
		size += st.datasets[i].Count
	}
	b.grow(size)
	for in, err := range x.base.Incidents(ctx, incident.Query{}) {
		if err == nil {
			err = b.add(in)
		}
		if err != nil {
			return nil, err
		}
	}
	return &view{change: st.Change, base: b.finish()}, nil
}

// save reads everything and writes the file. A load and a server beside it do
// so at the same time: the second takes the file of the first if that is of
// the present state, to which st is brought then. It fails with errNoFile if
// the file cannot be made.
func (x *Index) save(ctx context.Context, st *state) (*view, error) {
	out, err := newSaver(x.opt.File)
	if err != nil {
		return nil, err
	}
	defer out.discard()
	another := func() (*view, error) {
		now, err := x.look(ctx)
		if err != nil {
			return nil, err
		}
		v, err := x.saved(&now)
		if v != nil {
			*st = now
		}
		return v, err
	}
	for in, err := range x.base.Incidents(ctx, incident.Query{}) {
		if err == nil && out.rows%checkEvery == 0 {
			var v *view
			if v, err = another(); v != nil {
				return v, nil
			}
		}
		if err == nil {
			err = out.add(in)
		}
		if err != nil {
			return nil, err
		}
	}
	if v, err := another(); v != nil || err != nil {
		return v, err
	}
	s, err := out.finish(st.stamp)
	if err != nil {
		return nil, err
	}
	return &view{change: st.Change, base: s}, nil
}

// update reads what changed, nil if that is too much or not known.
func (x *Index) update(ctx context.Context, old *view, st *state) (*view, error) {
	j, ok := x.base.(incident.Journal)
	if !ok {
		return nil, nil
	}
	ranges, known, err := j.Touched(ctx, old.change)
	if err != nil || !known {
		return nil, err
	}
	ranges = incident.JoinFIDs(ranges, 1)
	next := &view{change: st.Change, base: old.base, dead: old.dead, deadRows: old.deadRows, fresh: old.fresh}
	if len(ranges) == 0 {
		return next, nil
	}
	next.dead = make(rowSet, (old.base.rows()+63)/64)
	copy(next.dead, old.dead)
	for _, r := range ranges {
		for i := old.base.firstFID(r.From); i < len(old.base.byFID); i++ {
			row := old.base.byFID[i]
			if old.base.fid[row] > r.To {
				break
			}
			if !next.dead.has(row) {
				next.dead[row>>6] |= 1 << (row & 63)
				next.deadRows++
			}
		}
	}
	// What would be fresh then is all but what stays in base. If that is too much, nobody waits until it is read.
	fresh := next.deadRows - old.base.rows()
	for i := range st.datasets {
		fresh += st.datasets[i].Count
	}
	if fresh > x.mostFresh(old.base) {
		return nil, nil
	}
	b := newBuilder()
	// What is fresh already and was not touched again goes in between, in the order of fid.
	var kept []uint32
	if old.fresh != nil {
		kept = old.fresh.byFID
	}
	var in incident.Incident
	as := everything()
	as.lent = new(incident.Lent)
	keep := func(before int64) error {
		for ; len(kept) > 0 && old.fresh.fid[kept[0]] < before; kept = kept[1:] {
			old.fresh.incident(kept[0], &in, as)
			if err := b.add(&in); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range ranges {
		if err := keep(r.From); err != nil {
			return nil, err
		}
		for len(kept) > 0 && old.fresh.fid[kept[0]] <= r.To {
			kept = kept[1:]
		}
		q := incident.Query{After: &incident.Cursor{FID: r.From - 1}}
		for in, err := range x.base.Incidents(ctx, q) {
			if err != nil {
				return nil, err
			}
			if in.FID > r.To {
				break
			}
			if err := b.add(in); err != nil {
				return nil, err
			}
			if b.rows() > 4*x.mostFresh(old.base) {
				return nil, nil // to read everything in one go is cheaper
			}
		}
	}
	if err := keep(math.MaxInt64); err != nil {
		return nil, err
	}
	next.fresh = nil
	if b.rows() > 0 {
		next.fresh = b.finish()
	}
	return next, nil
}

// firstFID is where in byFID the row numbers from fid on begin.
func (s *segment) firstFID(fid int64) int {
	i, _ := slices.BinarySearchFunc(s.byFID, fid, func(row uint32, fid int64) int { return cmp.Compare(s.fid[row], fid) })
	return i
}

// mayHaveChanged reports whether it is time to look again. Of a store that
// tells of its changes only what it told and what this process wrote counts.
func (x *Index) mayHaveChanged(v *view) bool {
	n := x.baseCommits()
	if x.listening.Load() && x.told.Load() <= v.change && n == x.built.Load() {
		return false
	}
	if x.commits.Swap(n) != n {
		return true
	}
	every := askEvery
	if x.loading.Load() {
		every = askLoading
	}
	now, last := time.Now().UnixNano(), x.asked.Load()
	return now-last >= int64(every) && x.asked.CompareAndSwap(last, now)
}

// Datasets implements [incident.Reader].
func (x *Index) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	if v := x.current(); v != nil {
		return slices.Clone(v.datasets), nil
	}
	return x.base.Datasets(ctx)
}

// Imports implements [incident.Reader].
func (x *Index) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	return x.base.Imports(ctx, dataset)
}

// Import implements [incident.Reader].
func (x *Index) Import(ctx context.Context, id int64) (incident.ImportInfo, error) {
	return x.base.Import(ctx, id)
}

// Versions implements [incident.Reader].
func (x *Index) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	return x.base.Versions(ctx, id)
}

// Links implements [incident.Reader].
func (x *Index) Links(ctx context.Context, id string) ([]incident.Link, error) {
	return x.base.Links(ctx, id)
}

// Incident implements [incident.Reader].
func (x *Index) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	v := x.current()
	fid, err := strconv.ParseInt(id, 10, 64)
	if v == nil || err != nil || strings.ContainsAny(id, "+-") {
		return x.base.Incident(ctx, id)
	}
	defer runtime.KeepAlive(v)
	for i, s := range v.segments() {
		if row, ok := s.find(fid); ok && (i > 0 || !v.dead.has(row)) {
			in := new(incident.Incident)
			s.incident(row, in, everything())
			return in, nil
		}
	}
	return nil, incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
}

// checkEvery is after how many rows a question looks whether it was given up.
const checkEvery = 1 << 16

// portion is the same for the rows that a plan tests: a filter may have a thousand terms, each of which costs a microsecond
// a row, and who gives such a question up is not to leave seconds of work behind.
func (p *plan) portion() int {
	if p.free() {
		return checkEvery
	}
	return 1 << 10
}

// Count implements [incident.Reader].
func (x *Index) Count(ctx context.Context, f incident.Filter) (int, error) {
	v := x.current()
	if v == nil {
		return x.base.Count(ctx, f)
	}
	defer runtime.KeepAlive(v)
	n := 0
	for i, s := range v.segments() {
		p := s.plan(f)
		lo, hi, before := p.window()
		if p.free() && !p.hasBox && (i > 0 || v.deadRows == 0) {
			n += hi - lo + len(before)
			continue
		}
		err := v.each(ctx, i, p, lo, hi, before, func(rows []uint32) { n += len(rows) })
		if err != nil {
			return 0, err
		}
	}
	return n, ctx.Err()
}

// each gives the matching rows of a segment in portions, those of before in no order.
func (v *view) each(ctx context.Context, seg int, p *plan, lo, hi int, before []uint32, do func(rows []uint32)) error {
	alive := func(rows []uint32) []uint32 {
		if seg > 0 || v.deadRows == 0 {
			return rows
		}
		return slices.DeleteFunc(rows, v.dead.has)
	}
	var rows []uint32
	if len(before) > 0 {
		rows = p.collect(rows[:0], before)
		do(alive(rows))
	}
	if lists, n, ok := p.near(lo, hi); ok {
		rows, err := p.collectLists(ctx, slices.Grow(rows[:0], n), lists)
		for portion := range slices.Chunk(rows, checkEvery) {
			do(alive(portion))
		}
		return err
	}
	for lo < hi {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(lo+p.portion(), hi)
		rows = p.collectRange(rows[:0], lo, end)
		do(alive(rows))
		lo = end
	}
	return nil
}

// Rows implements [incident.RowReader].
func (x *Index) Rows(ctx context.Context, f incident.Filter, do func(*incident.Row) bool) error {
	v := x.current()
	if v == nil {
		return incident.Rows(ctx, x.base, f, do)
	}
	defer runtime.KeepAlive(v)
	b := rowBatch{do: do}
	err := v.ordered(ctx, incident.Query{Filter: f, Order: incident.ByStart}, false, b.add)
	b.flush()
	return err
}

// Incidents implements [incident.Reader].
func (x *Index) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	v := x.current()
	if v == nil {
		return x.base.Incidents(ctx, q)
	}
	return func(yield func(*incident.Incident, error) bool) {
		defer runtime.KeepAlive(v)
		var in incident.Incident
		as := shapeOf(q.Fields)
		if as.lent = q.Borrow; as.lent != nil {
			as.want |= hasPosition
		}
		left, given, stopped := q.Limit, 0, false
		err := v.ordered(ctx, q, true, func(s *segment, row uint32) bool {
			if given++; given%64 == 0 && ctx.Err() != nil {
				return false
			}
			s.incident(row, &in, as)
			if stopped = !yield(&in, nil); stopped {
				return false
			}
			left--
			return left != 0
		})
		if err == nil && left != 0 && !stopped {
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// ordered gives the rows of a query in its order until give returns false.
func (v *view) ordered(ctx context.Context, q incident.Query, whole bool, give func(*segment, uint32) bool) error {
	segments := v.segments()
	fresh := []uint32(nil)
	if len(segments) > 1 {
		var err error
		if fresh, err = v.sorted(ctx, 1, segments[1].plan(q.Filter), q); err != nil {
			return err
		}
	}
	more := true
	// The fresh ones stand between those of the base.
	err := v.walk(ctx, segments[0].plan(q.Filter), q, whole, func(row uint32) bool {
		for more && len(fresh) > 0 && q.Order.Less(segments[1].cursor(fresh[0]), segments[0].cursor(row)) {
			more = give(segments[1], fresh[0])
			fresh = fresh[1:]
		}
		more = more && give(segments[0], row)
		return more
	})
	if err != nil {
		return err
	}
	for more && len(fresh) > 0 {
		more = give(segments[1], fresh[0])
		fresh = fresh[1:]
	}
	return nil
}

// sorted gives all matching rows of a segment in the order of the query and behind its cursor.
func (v *view) sorted(ctx context.Context, seg int, p *plan, q incident.Query) ([]uint32, error) {
	s := v.segments()[seg]
	lo, hi, before := p.window()
	var all []uint32
	if err := v.each(ctx, seg, p, lo, hi, before, func(rows []uint32) {
		all = slices.Grow(all, len(rows))
		if q.After == nil {
			all = append(all, rows...)
			return
		}
		for _, row := range rows {
			if q.Order.Less(*q.After, s.cursor(row)) {
				all = append(all, row)
			}
		}
	}); err != nil {
		return nil, err
	}
	switch q.Order {
	case incident.ByStart: // the order of the rows
		slices.Sort(all)
	case incident.ByStartRev:
		slices.Sort(all)
		slices.Reverse(all)
	default:
		s.sortByFID(all)
	}
	return all, nil
}

// sortByFID sorts rows. Numbers sort several times faster than rows that have
// to be looked up, so the row travels behind its fid.
func (s *segment) sortByFID(rows []uint32) {
	if len(s.byFID) == 0 || s.fid[s.byFID[0]] < 0 || s.fid[s.byFID[len(s.byFID)-1]] > math.MaxUint32 {
		slices.SortFunc(rows, func(a, b uint32) int { return cmp.Compare(s.fid[a], s.fid[b]) })
		return
	}
	room := sortRooms.Get().(*[]uint64)
	defer sortRooms.Put(room)
	*room = slices.Grow((*room)[:0], 2*len(rows))
	keys, other := (*room)[:len(rows)], (*room)[len(rows):2*len(rows)]
	for i, row := range rows {
		keys[i] = uint64(s.fid[row])<<32 | uint64(row)
	}
	sortKeys(keys, other, 32)
	for i, k := range keys {
		rows[i] = uint32(k)
	}
}

// sortRooms keeps the memory that sorting took.
var sortRooms = sync.Pool{New: func() any { return new([]uint64) }}

// walk gives the matching rows of the first segment in the order of the query
// until give returns false. A short list is collected and sorted; for a long
// one, of which perhaps only the first are wanted, all rows are looked at in
// order. whole says that who gets a row will read its record.
func (v *view) walk(ctx context.Context, p *plan, q incident.Query, whole bool, give func(uint32) bool) error {
	s := p.s
	lo, hi, before := p.window()
	const few = 1 << 14
	among := hi - lo
	_, listed, near := p.near(lo, hi)
	if near {
		among = listed
	}
	if q.Limit == 0 && (q.Order == incident.ByFID || near) || among+len(before) <= few || q.Order == incident.ByFID && among < s.rows()/8 {
		rows, err := v.sorted(ctx, 0, p, q)
		if err != nil {
			return err
		}
		for i, row := range rows {
			if whole && i%touchAhead == 0 {
				s.touch(rows[i:min(i+touchAhead, len(rows))])
			}
			if !give(row) {
				break
			}
		}
		return nil
	}
	take := func(row uint32) bool {
		return v.dead.has(row) || q.After != nil && !q.Order.Less(*q.After, s.cursor(row)) || give(row)
	}
	offer := func(row uint32) bool { return !p.matches(row) || take(row) }
	n := 0
	check := func() error {
		if n++; n%p.portion() == 0 {
			return ctx.Err()
		}
		return nil
	}
	slices.Sort(before)
	switch q.Order {
	case incident.ByStart:
		if q.After != nil {
			lo = max(lo, s.from(q.After.Start))
		}
		for _, row := range before {
			if !offer(row) {
				return nil
			}
		}
		var rows []uint32
		for portion := 1 << 8; lo < hi; portion = min(2*portion, p.portion()) { // perhaps only the first are wanted
			if err := ctx.Err(); err != nil {
				return err
			}
			end := min(lo+portion, hi)
			rows = p.collectRange(rows[:0], lo, end)
			for _, row := range rows {
				if !take(row) {
					return nil
				}
			}
			lo = end
		}
	case incident.ByStartRev:
		if q.After != nil && q.After.Start < incident.MaxDay {
			hi = min(hi, s.from(q.After.Start+1))
		}
		for row := hi - 1; row >= lo; row-- {
			if err := check(); err != nil {
				return err
			}
			if !offer(uint32(row)) {
				return nil
			}
		}
		for _, row := range slices.Backward(before) {
			if !offer(row) {
				return nil
			}
		}
	default:
		first := 0
		if q.After != nil {
			first = s.firstFID(q.After.FID + 1)
		}
		for _, row := range s.byFID[first:] {
			if err := check(); err != nil {
				return err
			}
			if p.inDays(row) && !offer(row) {
				return nil
			}
		}
	}
	return nil
}

// inDays tests the days of a row.
func (p *plan) inDays(row uint32) bool {
	return !p.hasDays || p.s.start[row] <= int32(p.to) && p.s.end[row] >= int32(p.from)
}
