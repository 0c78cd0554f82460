package upload

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/incident"
)

const (
	// retryEvery is how often a store is asked again whose lock another process
	// has, lookEvery how often a spool that was another's.
	retryEvery = time.Second
	lookEvery  = 2 * time.Second
)

// Run loads what waits and what comes until the context ends. It returns when
// the load at hand has been taken back; that upload waits for the next Run. It
// must not be called twice at a time.
func (q *Queue) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if e, its := q.take(ctx); e != nil {
			q.work(incident.WithActor(ctx, e.Asked.Who), incident.WithActor(its, e.Asked.Who), e)
			continue
		}
		q.mend(ctx)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-tick.C:
		}
	}
}

// mend does what failed when uploads ended: it takes back what stayed of failed
// loads and writes down what could not be written, such as on a full disk.
func (q *Queue) mend(ctx context.Context) {
	q.mu.Lock()
	var stay []*entry
	for _, e := range q.entries {
		if e.State.Ended() && e.unsaved {
			q.keep(e)
		}
		if e.State == incident.JobFailed && e.Stays {
			stay = append(stay, e)
		}
	}
	q.mu.Unlock()
	for _, e := range stay {
		if ctx.Err() == nil && q.takeBack(ctx, e, 1) == nil {
			q.gone(e.ID)
			q.opt.Log.Info("a failed load was taken back", "upload", e.ID, "import", e.Import)
		}
	}
}

// take takes the oldest upload that waits, nil if there is none. Its context ends when it is called off.
func (q *Queue) take(ctx context.Context) (e *entry, its context.Context) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.own(false); err != nil {
		if !errors.Is(err, errOthers) && !q.closed {
			q.opt.Log.Warn("the uploads cannot be read", "error", err)
		}
		return nil, nil
	}
	for _, o := range q.entries {
		if o.State == incident.JobWaiting && (e == nil || o.Seq < e.Seq) {
			e = o
		}
	}
	if e == nil {
		return nil, nil
	}
	its, e.stop = context.WithCancel(ctx)
	if e.CalledOff {
		e.stop()
	}
	if e.done == nil {
		e.done = make(chan struct{})
	}
	return e, its
}

// work loads one upload and writes down what became of it. its is the upload's context, ctx that of Run.
func (q *Queue) work(ctx, its context.Context, e *entry) {
	report, err := q.attempt(its, e)
	var stays error // why something of a failed load is in the store
	if err != nil {
		attempts := 5
		if ctx.Err() != nil {
			attempts = 1 // a server that stops cannot wait long, and the next one does it
		}
		stays = q.takeBack(ctx, e, attempts)
	}
	q.mu.Lock()
	off := e.CalledOff
	q.mu.Unlock()
	var undone incident.UndoResult
	if off && err == nil && e.Import != 0 { // it was too late to be stopped
		undone, stays = q.undo(context.WithoutCancel(its), e.Import, 5)
	}
	// The server stops: the next one takes back what stays and begins anew.
	again := err != nil && !off && ctx.Err() != nil && (stays != nil || stopped(err))
	if err == nil {
		q.awaitShown(its)
	}
	q.keepReport(e, &report, off || again || err != nil && report.Read == 0)
	if stays != nil {
		q.opt.Log.Error("a load was not taken back", "upload", e.ID, "import", e.Import, "error", stays)
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	e.stop()
	e.stop = nil
	e.undone, e.undoErr = undone, stays
	switch {
	case again:
		if stays == nil {
			e.Import = 0
		}
		e.State, e.Started, e.Rows, e.Bytes = incident.JobWaiting, time.Time{}, 0, 0
		q.keep(e)
	case off && stays == nil:
		q.end(e, incident.JobUndone, "")
	case err != nil:
		q.opt.Log.Warn("an upload was not loaded", "upload", e.ID, "file", e.Asked.File, "error", err)
		why := problem(err)
		if stays != nil {
			e.Stays, e.Cause = true, why
			why = strings.TrimSuffix(strings.TrimSuffix(why, "."), "; nothing was stored") +
				". A part of its rows is still in the store: they are taken back as soon as it can be written again, or undo the import."
		}
		q.end(e, incident.JobFailed, why)
	default:
		e.Bytes = e.Size // what is not read in order is not counted while it is read
		q.opt.Log.Info("an upload was loaded", "upload", e.ID, "file", e.Asked.File, "import", e.Import, "rows", report.Read, "rejected", report.Rejected)
		q.end(e, incident.JobDone, "")
	}
}

const (
	// showWait is how long an upload is not called done because answers lack it.
	showWait = 5 * time.Second
	// showEvery is how often that is looked at.
	showEvery = 5 * time.Millisecond
)

// awaitShown waits until answers have all that was written. The next load would
// keep an index busy, and who hears that an upload is done looks for it.
func (q *Queue) awaitShown(ctx context.Context) {
	if q.opt.Shows == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, showWait)
	defer cancel()
	written, err := q.opt.Store.Change(ctx)
	for err == nil {
		var shown int64
		if shown, err = q.opt.Shows.Change(ctx); shown >= written {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(showEvery):
		}
	}
}

// keepReport keeps what a load said, or with drop nothing of it.
func (q *Queue) keepReport(e *entry, report *ingest.Report, drop bool) {
	rejects := report.Rejected > 0 && !drop
	q.change(e, func() { e.Rows, e.Rejects = int64(report.Read), rejects })
	if !rejects {
		q.remove(e.ID, extRejects)
	}
	if drop {
		return
	}
	text, err := detail(report)
	if err == nil {
		err = q.write(e.ID, extReport, []byte(text))
	}
	if err != nil {
		q.opt.Log.Error("the report of an upload was not kept", "upload", e.ID, "error", err)
	}
}

// end writes down how an upload ended. The caller holds the mutex.
func (q *Queue) end(e *entry, state incident.JobState, why string) {
	e.State, e.Problem, e.Ended = state, why, q.now()
	q.keep(e)
	q.remove(e.ID, extUpload)
	if e.unsaved { // on a full disk there is room now
		q.keep(e)
	}
	var ended []*entry
	for _, o := range q.entries {
		if o.State.Ended() {
			ended = append(ended, o)
		}
	}
	if len(ended) <= maxEnded {
		return
	}
	slices.SortFunc(ended, func(a, b *entry) int { return cmp.Or(b.Ended.Compare(a.Ended), cmp.Compare(b.Seq, a.Seq)) })
	for _, o := range ended[maxEnded:] {
		q.remove(o.ID, extNote, extReport, extRejects, extUpload)
		delete(q.entries, o.ID)
	}
}

// keep writes an upload down that Run has no more at hand. The caller holds the
// mutex. What cannot be written is tried again, or found out by the next process from the store.
func (q *Queue) keep(e *entry) {
	err, again := q.save(&e.note), e.unsaved
	if e.unsaved = err != nil; e.unsaved && !again {
		q.opt.Log.Error("the end of an upload was not written down", "upload", e.ID, "error", err)
	}
	if e.done != nil {
		close(e.done)
		e.done = nil
	}
	q.tell()
}

// change changes an upload and lets watchers know.
func (q *Queue) change(e *entry, f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f()
	q.tell()
}

// attempt loads an upload after what an earlier process left of it, and waits
// where another process has the lock of the store. A fault of the program is an error.
func (q *Queue) attempt(ctx context.Context, e *entry) (report ingest.Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	number := e.Import
	before, done, err := q.settle(ctx, e)
	if err != nil || done {
		return before, err
	}
	for {
		report, err = q.load(ctx, e)
		if errors.Is(err, errGone) && number != 0 && slices.Contains(e.Imports, number) {
			// The end of this load could not be written down; its number tells which it was.
			q.change(e, func() { e.Import = number })
			return report, incident.Errorf(incident.CodeUnavailable, "The load failed and why could not be written down, as on a full disk; nothing of it is stored. Send the file again.")
		}
		if e.Import != 0 || !busy(err) { // only Run's goroutine writes it
			return report, err
		}
		q.change(e, func() { e.Blocked = true })
		if err := pause(ctx); err != nil {
			return report, err
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-time.After(retryEvery):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// busy reports whether an error says that another load is running.
func busy(err error) bool { return errors.Is(err, incident.ErrBusy) }

// stopped reports whether an error is that of a context.
func stopped(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// flags gives the options of the command line the names that they have in a form.
var flags = strings.NewReplacer("--map", "the field mapping", "--dataset", "the field dataset")

// problem says to the user why a load failed.
func problem(err error) string {
	var said *incident.Error
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return "The disk of the server is full; nothing was stored."
	case errors.As(err, &said):
		m := flags.Replace(said.Message)
		if strings.HasSuffix(m, ".") {
			return m
		}
		return m + "."
	case stopped(err):
		return "The load was stopped."
	}
	return "The load met a fault of the program, which the log of the server describes; nothing was stored."
}

// settle looks for the load of a process that was killed: one that came to its
// end is the upload's, any other is undone, so that the upload can be loaded anew.
func (q *Queue) settle(ctx context.Context, e *entry) (report ingest.Report, done bool, err error) {
	if e.Import == 0 {
		return report, false, ctx.Err()
	}
	record, err := q.opt.Store.Import(context.WithoutCancel(ctx), e.Import)
	missing := incident.CodeOf(err) == incident.CodeNotFound
	if err != nil && !missing {
		return report, false, fmt.Errorf("look at the load that was cut off: %w", err)
	}
	// A load in one transaction leaves no record if it is killed, and its number to the next.
	earlier := e.atomic() && record.Started.Before(e.Tried.Add(-time.Second))
	ours := !missing && e.wrote(&record) && !earlier
	if ours && record.State == incident.ImportDone {
		report, ok := reportOf(&record)
		if !ok {
			report.Dataset, report.File, report.Stored = record.Dataset, record.File, true
			report.New, report.Changed, report.Unchanged = record.New, record.Changed, record.Unchanged
			report.Read = report.New + report.Changed + report.Unchanged
		}
		q.change(e, func() { e.Started = record.Started })
		return report, true, nil
	}
	for ours && record.State != incident.ImportUndone {
		_, err := q.opt.Store.Undo(context.WithoutCancel(ctx), e.Import)
		if err == nil {
			break
		}
		// Another process loads, which may not have noticed yet that this load is dead.
		if !busy(err) && incident.CodeOf(err) != incident.CodeConflict {
			return report, false, fmt.Errorf("undo the load that was cut off: %w", err)
		}
		if err := pause(ctx); err != nil {
			return report, false, err
		}
		if record, err = q.opt.Store.Import(context.WithoutCancel(ctx), e.Import); err != nil {
			return report, false, fmt.Errorf("look at the load that was cut off: %w", err)
		}
	}
	if !ours {
		q.forget(e)
	}
	q.change(e, func() { e.Import = 0 })
	return report, false, ctx.Err()
}

// undo undoes an import. Each of its attempts waits for the lock of the store as long as the store does.
func (q *Queue) undo(ctx context.Context, id int64, attempts int) (r incident.UndoResult, err error) {
	for range attempts {
		if r, err = q.opt.Store.Undo(ctx, id); !busy(err) {
			break
		}
	}
	return r, err
}

// takeBack makes sure that nothing of a failed load is in the store: where a
// load fails at its very end, its batches are there for good.
func (q *Queue) takeBack(ctx context.Context, e *entry, attempts int) error {
	switch {
	case e.Import == 0:
		return nil
	case e.atomic():
		// It was one transaction and has left no record; its number goes to another load.
		q.forget(e)
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	record, err := q.opt.Store.Import(ctx, e.Import)
	if err != nil {
		return fmt.Errorf("look at the load that failed: %w", err)
	}
	if !e.wrote(&record) || !holds(&record) {
		return nil
	}
	if _, err := q.undo(ctx, e.Import, attempts); err != nil {
		return fmt.Errorf("undo the load that failed: %w", err)
	}
	return nil
}

// forget lets go of the number of a load that left no record.
func (q *Queue) forget(e *entry) {
	q.change(e, func() {
		e.Imports = slices.DeleteFunc(slices.Clone(e.Imports), func(id int64) bool { return id == e.Import })
		e.Import = 0
	})
}

// errGone is a file that is not in the spool any more.
var errGone error = incident.Errorf(incident.CodeInternal, "The file is not on the server any more; send it again.")

// load loads an upload once.
func (q *Queue) load(ctx context.Context, e *entry) (report ingest.Report, err error) {
	mapping, err := mappingOf(e.Asked)
	if err != nil {
		return report, err
	}
	path := q.path(e.ID, extUpload)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return report, errGone
	}
	if err != nil {
		return report, spoolError("open the upload", err)
	}
	defer f.Close()
	counter := ingest.NewCounter(f)
	how := source.Options{Format: e.Asked.Format, File: e.Asked.File, Dataset: e.Asked.Dataset, Mapping: mapping, Path: path, Ended: ctx.Err}
	origin := ingest.FindOrigin(ctx, q.opt.Store, &how)
	opened, err := source.Open(counter, how)
	if err != nil {
		return report, err
	}
	src := &guarded{Reader: opened}
	defer func() {
		if e := src.Close(); e != nil && err == nil {
			q.opt.Log.Warn("an upload was not closed", "error", e)
		}
	}()
	random := outOfOrder(f)
	q.change(e, func() { e.Layout, e.Dataset, e.Random = src.Layout(), src.Dataset().Name, random })
	rejects, err := os.OpenFile(q.path(e.ID, extRejects), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return report, spoolError("keep the refused rows", err)
	}
	defer rejects.Close()
	opt := ingest.Options{
		Source: src, Origin: origin, File: e.Asked.File, Store: q.opt.Store, Strict: e.Asked.Strict, DryRun: e.Asked.DryRun, Replace: e.Asked.Replace,
		Publication: e.Asked.Publication,
		Mapping:     e.Asked.Mapping, Who: e.Asked.Who, Hash: func() string { return e.Hash }, Rejects: rejects,
		RevertOnError: true, Bytes: counter, Size: e.Size, Now: q.opt.Now,
		Progress: func(p ingest.Progress) { q.change(e, func() { e.Rows, e.Bytes = p.Rows, p.Bytes }) },
	}
	if q.opt.Locator != nil {
		opt.Locator = q.opt.Locator(src.Dataset().Name)
	}
	tried := q.now()
	opt.Started = func(id int64) (err error) {
		q.change(e, func() {
			e.State, e.Import, e.Tried, e.Started, e.Blocked = incident.JobRunning, id, tried, q.now(), false
			e.Imports = append(slices.Clone(e.Imports), id)
			err = q.save(&e.note)
		})
		return err
	}
	report, err = ingest.Run(ctx, opt)
	if err == nil && e.Asked.DryRun {
		q.forget(e)
	}
	return report, err
}

// outOfOrder reports whether a file is read here and there (zip, XLSX,
// GeoPackage), so that nobody counts how much of it was read.
func outOfOrder(f *os.File) bool {
	head := make([]byte, 16)
	n, _ := f.ReadAt(head, 0) // a file that cannot be read fails elsewhere
	return bytes.HasPrefix(head[:n], []byte("PK\x03\x04")) || bytes.HasPrefix(head[:n], []byte("SQLite format 3"))
}

// guarded keeps a reader from being closed while it reads: a load that is
// stopped does not wait for the record that is being read.
type guarded struct {
	source.Reader
	mu     sync.Mutex
	closed bool
}

var errClosed = errors.New("the upload is closed")

// Next implements [source.Reader].
func (g *guarded) Next() (*source.Row, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errClosed
	}
	return g.Reader.Next()
}

// Close implements [source.Reader].
func (g *guarded) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	return g.Reader.Close()
}
