package upload

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/incident"
)

// DefaultMaxBytes is the greatest size of an upload where nothing else is said: 2 GB.
const DefaultMaxBytes = 2e9

const (
	// maxWaiting is how many uploads may wait or be on their way.
	maxWaiting = 100
	// maxEnded is how many are kept that have ended; of older ones the record of the import is left.
	maxEnded = 100
	// maxListed is the most that Jobs gives.
	maxListed = 200
	// watchEvery is the least time between two states that Watch gives, pollEvery
	// how often it looks at loads of other processes.
	watchEvery = 100 * time.Millisecond
	pollEvery  = 500 * time.Millisecond
	// undoPatience is how long an undo waits for another load to end, undoPause how long between two attempts.
	undoPatience = time.Minute
	undoPause    = 100 * time.Millisecond
)

// Options says where uploads go.
type Options struct {
	// Dir is the spool. It is made, for its owner only, when the first upload comes.
	Dir string
	// Store is what is loaded into; it must be open for writing. It outlives the queue.
	Store incident.Store
	// Shows is what answers from the store and may lag behind it: an upload is
	// done when this has what was loaded, or after showWait. Nil does not wait.
	Shows incident.Reader
	// Locator gives what places the incidents of a dataset; nil leaves them unplaced.
	Locator func(dataset string) ingest.Locator
	// MaxBytes is the greatest size of an upload, [DefaultMaxBytes] if it is 0.
	MaxBytes int64
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log takes what users are not told; nil discards it.
	Log *slog.Logger
}

// Queue takes uploads and loads them one after the other while Run runs. It is
// safe for concurrent use.
type Queue struct {
	opt  Options
	wake chan struct{} // holds a token if there may be something to do
	// patience is undoPatience but in tests.
	patience time.Duration

	mu        sync.Mutex // holds what follows, and the files of the spool but those on their way
	lock      *dirLock   // nil while the spool is another's or does not exist
	closed    bool
	entries   map[string]*entry
	seq       int64
	receiving int
	changed   chan struct{} // closed and made anew at every change
}

// entry is an upload of this process.
type entry struct {
	note
	// stop is set while Run has the upload at hand and stops its load; done is closed when it has no more.
	stop context.CancelFunc
	done chan struct{}
	// undone and undoErr are what became of it where it was called off too late to be stopped.
	undone  incident.UndoResult
	undoErr error
	// unsaved is true if the note could not be written as it is.
	unsaved bool
}

var _ incident.Loader = (*Queue)(nil)

// Open returns the queue of a spool with what an earlier process left in it. A
// spool that does not exist is an empty one. Where another process works with
// it, uploads are listed but not taken: Submit then fails with CodeUnavailable,
// until that process has ended. It fails if the spool cannot be read.
func Open(ctx context.Context, opt Options) (*Queue, error) {
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = DefaultMaxBytes
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{opt: opt, wake: make(chan struct{}, 1), patience: undoPatience, entries: map[string]*entry{}, changed: make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.own(false); err != nil && !errors.Is(err, errOthers) {
		return nil, fmt.Errorf("open the uploads: %w", err)
	}
	return q, ctx.Err()
}

// Close lets go of the spool. Nothing is taken after it. It is called when Run has returned.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	lock := q.lock
	q.lock = nil
	if lock == nil {
		return nil
	}
	return lock.release()
}

func (q *Queue) now() time.Time { return q.opt.Now().UTC().Round(0) }

func (q *Queue) wakeUp() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// tell lets watchers know that something changed. The caller holds the mutex.
func (q *Queue) tell() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// MaxUpload implements [incident.Loader].
func (q *Queue) MaxUpload() int64 { return q.opt.MaxBytes }

// Submit implements [incident.Loader].
func (q *Queue) Submit(ctx context.Context, u incident.Upload, body io.Reader) (incident.Job, error) {
	u, err := checked(u)
	if err != nil {
		return incident.Job{}, err
	}
	if err := q.admit(); err != nil {
		return incident.Job{}, err
	}
	defer func() {
		q.mu.Lock()
		q.receiving--
		q.mu.Unlock()
	}()
	n := note{ID: newID(), Asked: u, State: incident.JobWaiting}
	if n.Size, n.Hash, err = q.receive(ctx, n.ID, body); err != nil {
		return incident.Job{}, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.own(false); err != nil {
		q.remove(n.ID, extPart)
		return incident.Job{}, err
	}
	q.seq++
	n.Seq, n.Received = q.seq, q.now()
	if err := os.Rename(q.path(n.ID, extPart), q.path(n.ID, extUpload)); err != nil {
		q.remove(n.ID, extPart)
		return incident.Job{}, spoolError("keep the upload", err)
	}
	if err := q.save(&n); err != nil {
		q.remove(n.ID, extUpload)
		return incident.Job{}, err
	}
	q.entries[n.ID] = &entry{note: n}
	q.wakeUp()
	q.tell()
	job := n.job()
	job.Ahead = q.ahead(&n)
	return job, nil
}

// admit counts an upload that is on its way, if there is room for it.
func (q *Queue) admit() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.own(true); err != nil {
		return err
	}
	waiting := q.receiving
	for _, e := range q.entries {
		if !e.State.Ended() {
			waiting++
		}
	}
	if waiting >= maxWaiting {
		return incident.Errorf(incident.CodeUnavailable, "%d uploads are waiting already; try again when some of them have ended.", waiting)
	}
	q.receiving++
	return nil
}

// checked refuses an upload that cannot be loaded whatever its file holds.
func checked(u incident.Upload) (incident.Upload, error) {
	if u.Format == "" {
		u.Format = source.FormatAuto
	}
	if !slices.Contains(source.Formats, u.Format) {
		return u, &incident.Error{Code: incident.CodeInvalid, Message: fmt.Sprintf("There is no format %q.", u.Format), Parameter: "format", Allowed: source.Formats}
	}
	if d := u.Dataset; len(d) > 200 || !utf8.ValidString(d) || strings.TrimSpace(d) != d || strings.ContainsFunc(d, unicode.IsControl) || strings.Contains(d, ",") {
		return u, &incident.Error{Code: incident.CodeInvalid, Parameter: "dataset",
			Message: "The name of the dataset cannot be used: it has at most 200 bytes, no comma, no line break and no space at its ends."}
	}
	if len(u.Mapping) > 1<<20 {
		return u, &incident.Error{Code: incident.CodeInvalid, Message: "The mapping is larger than 1 MiB.", Parameter: "mapping"}
	}
	if _, err := mappingOf(u); err != nil {
		return u, err
	}
	if i := strings.LastIndexAny(u.File, `/\`); i >= 0 {
		u.File = u.File[i+1:]
	}
	u.File = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(u.File, ""))
	if len(u.File) > 200 { // the end tells more: it has the extension
		u.File = strings.ToValidUTF8(u.File[len(u.File)-200:], "")
	}
	if strings.Trim(u.File, " .-") == "" {
		u.File = "upload"
	}
	return u, nil
}

// mappingOf reads the mapping of an upload, nil if it has none.
func mappingOf(u incident.Upload) (*source.Mapping, error) {
	if u.Mapping == "" {
		return nil, nil
	}
	m, err := source.ReadMapping(strings.NewReader(u.Mapping))
	if err != nil {
		if said := (*incident.Error)(nil); errors.As(err, &said) {
			wrong := *said
			wrong.Parameter = "mapping" // as the field of an upload is called
			err = &wrong
		}
		return nil, err
	}
	return m, nil
}

// job is what a note says, without the report and what only the store knows.
func (n *note) job() incident.Job {
	j := incident.Job{ID: n.ID, Upload: n.Asked, State: n.State, ImportID: n.Import, Rows: n.Rows, Bytes: n.Bytes, TotalBytes: n.Size,
		Received: n.Received, Started: n.Started, Ended: n.Ended, Problem: n.Problem, Rejects: n.Rejects}
	if n.Dataset != "" {
		j.Dataset = n.Dataset
	}
	if n.Layout != "" {
		j.Format = n.Layout
	}
	if n.Random && n.State == incident.JobRunning {
		j.Bytes, j.TotalBytes = 0, 0
	}
	return j
}

// ahead counts the uploads before one that waits. The caller holds the mutex.
func (q *Queue) ahead(n *note) (count int) {
	if n.State != incident.JobWaiting {
		return 0
	}
	for _, e := range q.entries {
		if !e.State.Ended() && e.Seq < n.Seq {
			count++
		}
	}
	return count
}

// notes gives copies of all notes, in the order of arrival; of another
// process's spool they are what it wrote down.
func (q *Queue) notes() ([]*note, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.lock == nil {
		notes, _, err := q.readNotes()
		return notes, err
	}
	notes := make([]*note, 0, len(q.entries))
	for _, e := range q.entries {
		n := e.note
		notes = append(notes, &n)
	}
	slices.SortFunc(notes, func(a, b *note) int { return cmp.Compare(a.Seq, b.Seq) })
	return notes, nil
}

// seen makes a job of a note and the record of its import, nil if it has none.
func seen(n *note, all []*note, record *incident.ImportInfo) incident.Job {
	j := n.job()
	if j.State == incident.JobWaiting {
		for _, o := range all {
			if !o.State.Ended() && o.Seq < n.Seq {
				j.Ahead++
			}
		}
		if n.Blocked {
			j.Ahead++
		}
	}
	// The store has the last word: an import can be undone by another way than this one.
	if j.State == incident.JobDone && record != nil && record.State == incident.ImportUndone && n.wrote(record) {
		j.State = incident.JobUndone
	}
	return j
}

// wrote reports whether a record is of this upload, and not of another load
// that has the same number in a store that was put in the place of the one we knew.
func (n *note) wrote(record *incident.ImportInfo) bool {
	return record.File == n.Asked.File && record.Who == n.Asked.Who && (record.Hash == "" || record.Hash == n.Hash)
}

// recorded makes a job of the record of a load that was no upload.
func recorded(r *incident.ImportInfo) incident.Job {
	j := incident.Job{ID: strconv.FormatInt(r.ID, 10), ImportID: r.ID, Started: r.Started, Ended: r.Ended,
		Upload: incident.Upload{File: r.File, Format: r.Layout, Dataset: r.Dataset, Mapping: r.Mapping, Who: r.Who},
		Rows:   int64(r.New + r.Changed + r.Unchanged)}
	if report, ok := reportOf(r); ok {
		j.Rows = int64(report.Read)
		j.Replace = report.Gone != nil
	}
	switch r.State {
	case incident.ImportRunning:
		j.State = incident.JobRunning
	case incident.ImportDone:
		j.State = incident.JobDone
	case incident.ImportUndone:
		j.State = incident.JobUndone
	default:
		j.State = incident.JobFailed
		j.Problem = "The load failed; nothing of it is stored."
		if r.New+r.Changed+r.Gone > 0 {
			j.Problem = "The load was cut off; what it had stored stays until it is undone."
		}
	}
	return j
}

// reportOf reads the report of a record.
func reportOf(r *incident.ImportInfo) (report ingest.Report, ok bool) {
	if r.Report == "" || json.Unmarshal([]byte(r.Report), &report) != nil {
		return report, false
	}
	report.File, report.Layout = r.File, r.Layout
	return report, true
}

// detail is the JSON of a report, as sarhad import --report writes it.
func detail(report *ingest.Report) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(report.Detail()); err != nil {
		return "", fmt.Errorf("write the report: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// Jobs implements [incident.Loader]. It gives at most the newest 200.
func (q *Queue) Jobs(ctx context.Context) ([]incident.Job, error) {
	notes, err := q.notes()
	if err != nil {
		return nil, err
	}
	// The records are read after the notes, so that no load is missing from both.
	records, err := q.opt.Store.Imports(ctx, "")
	if err != nil {
		return nil, err
	}
	byID, uploads := map[int64]*incident.ImportInfo{}, map[int64]bool{}
	for i := range records {
		byID[records[i].ID] = &records[i]
	}
	jobs := make([]incident.Job, 0, len(notes)+len(records))
	for _, n := range notes {
		jobs = append(jobs, seen(n, notes, byID[n.Import]))
		for _, id := range n.Imports {
			uploads[id] = true
		}
	}
	for i := range records {
		if !uploads[records[i].ID] {
			jobs = append(jobs, recorded(&records[i]))
		}
	}
	when := func(j incident.Job) time.Time {
		if j.Received.IsZero() {
			return j.Started
		}
		return j.Received
	}
	slices.SortStableFunc(jobs, func(a, b incident.Job) int { return when(b).Compare(when(a)) })
	return jobs[:min(len(jobs), maxListed)], nil
}

// find looks for an upload by its id or the number of one of its imports, or
// for the record of another load.
func (q *Queue) find(ctx context.Context, id string) (n *note, all []*note, record *incident.ImportInfo, err error) {
	all, err = q.notes()
	if err != nil {
		return nil, nil, nil, err
	}
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil || strings.Trim(id, "0123456789") != "" {
		number = 0
	}
	for _, o := range all {
		if o.ID == id || number > 0 && slices.Contains(o.Imports, number) {
			n, number = o, o.Import
			break
		}
	}
	if n == nil && number == 0 {
		return nil, nil, nil, incident.Errorf(incident.CodeNotFound, "There is no import %q.", id)
	}
	// The record of a load that runs says nothing that is not known here.
	if number > 0 && (n == nil || n.State.Ended()) {
		info, err := q.opt.Store.Import(ctx, number)
		switch {
		case err == nil:
			record = &info
		case n == nil || incident.CodeOf(err) != incident.CodeNotFound:
			return nil, nil, nil, err
		}
	}
	return n, all, record, nil
}

// Job implements [incident.Loader].
func (q *Queue) Job(ctx context.Context, id string) (incident.Job, error) {
	return q.job(ctx, id, true)
}

func (q *Queue) job(ctx context.Context, id string, report bool) (incident.Job, error) {
	n, all, record, err := q.find(ctx, id)
	if err != nil {
		return incident.Job{}, err
	}
	if n == nil {
		j := recorded(record)
		if r, ok := reportOf(record); ok && report {
			j.Report, err = detail(&r)
		}
		return j, err
	}
	j := seen(n, all, record)
	if report && j.State.Ended() {
		text, err := os.ReadFile(q.path(n.ID, extReport))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return j, spoolError("read the report", err)
		}
		j.Report = string(text)
	}
	return j, nil
}

// Watch implements [incident.Loader]. Where the context ends first, its error comes last.
func (q *Queue) Watch(ctx context.Context, id string) iter.Seq2[incident.Job, error] {
	return func(yield func(incident.Job, error) bool) {
		var last incident.Job
		for {
			q.mu.Lock()
			changed := q.changed // taken before the look, so that no change falls between them
			q.mu.Unlock()
			job, err := q.job(ctx, id, false)
			if err != nil {
				yield(incident.Job{}, err)
				return
			}
			if job != last && !yield(job, nil) || job.State.Ended() {
				return
			}
			last = job
			rest, poll := time.NewTimer(watchEvery), time.NewTimer(pollEvery)
			for _, until := range []func() bool{
				func() bool { // not more often than that
					select {
					case <-rest.C:
						return true
					case <-ctx.Done():
						return false
					}
				},
				func() bool {
					select {
					case <-changed:
						return true
					case <-poll.C:
						return true
					case <-ctx.Done():
						return false
					}
				},
			} {
				if !until() {
					yield(incident.Job{}, ctx.Err())
					return
				}
			}
			rest.Stop()
			poll.Stop()
		}
	}
}

// Rejects implements [incident.Loader].
func (q *Queue) Rejects(ctx context.Context, id string) (io.ReadCloser, error) {
	n, _, _, err := q.find(ctx, id)
	if err != nil {
		return nil, err
	}
	none := incident.Errorf(incident.CodeNotFound, "Import %s has no refused rows, or they are not kept any more.", id)
	if n == nil || !n.Rejects {
		return nil, none
	}
	f, err := os.Open(q.path(n.ID, extRejects))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, none
	case err != nil:
		return nil, spoolError("read the refused rows", err)
	}
	return f, nil
}

// Cancel implements [incident.Loader].
func (q *Queue) Cancel(ctx context.Context, id string) (incident.UndoResult, error) {
	var none incident.UndoResult
	n, _, record, err := q.find(ctx, id)
	if err != nil {
		return none, err
	}
	if n == nil {
		return q.undoSoon(ctx, record.ID)
	}
	if !n.State.Ended() {
		ended, r, err := q.callOff(ctx, n.ID)
		if err != nil || !ended {
			return r, err
		}
		// It had ended in between.
		if n, _, record, err = q.find(ctx, n.ID); err != nil {
			return none, err
		}
	}
	switch {
	case n.State == incident.JobUndone:
		return none, incident.Errorf(incident.CodeConflict, "The upload of %s was called off before.", n.Asked.File)
	case n.Asked.DryRun:
		return none, incident.Errorf(incident.CodeConflict, "The upload of %s was a dry run: nothing of it is stored.", n.Asked.File)
	case record == nil || !n.wrote(record), n.State == incident.JobFailed && !holds(record):
		return none, incident.Errorf(incident.CodeConflict, "Nothing of the upload of %s is stored.", n.Asked.File)
	}
	r, err := q.undoSoon(ctx, record.ID)
	if err == nil {
		q.gone(n.ID)
	}
	return r, err
}

// undoSoon undoes an import that has ended. It waits for another load to end, but not for long.
func (q *Queue) undoSoon(ctx context.Context, id int64) (r incident.UndoResult, err error) {
	for until := time.Now().Add(q.patience); ; {
		if r, err = q.opt.Store.Undo(ctx, id); !busy(err) || time.Now().After(until) {
			return r, err
		}
		select {
		case <-time.After(undoPause):
		case <-ctx.Done():
			return r, fmt.Errorf("wait for another load: %w", ctx.Err())
		}
	}
}

// gone writes down that nothing of a failed load is in the store any more.
func (q *Queue) gone(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[id]; e != nil && q.lock != nil && e.Stays {
		e.Stays, e.Problem = false, e.Cause
		q.keep(e)
	}
}

// holds reports whether something of a load that was not finished is in the store.
func holds(r *incident.ImportInfo) bool {
	return (r.State == incident.ImportFailed || r.State == incident.ImportRunning) && r.New+r.Changed+r.Gone > 0
}

// callOff ends an upload that waits or is being loaded. ended is true if it had ended before.
func (q *Queue) callOff(ctx context.Context, id string) (ended bool, r incident.UndoResult, err error) {
	q.mu.Lock()
	e := q.entries[id]
	switch {
	case q.lock == nil:
		q.mu.Unlock()
		return false, r, errOthers
	case e == nil || e.State.Ended():
		q.mu.Unlock()
		return true, r, nil
	}
	e.CalledOff = true
	if e.stop == nil && e.Import == 0 {
		q.end(e, incident.JobUndone, "")
		q.mu.Unlock()
		return false, r, nil
	}
	if err := q.save(&e.note); err != nil {
		// It is stopped all the same; only a crash before its end would begin it anew.
		q.opt.Log.Warn("an upload that was called off was not written down", "upload", id, "error", err)
	}
	if e.stop == nil {
		// A load that was cut off is undone by Run.
		e.done = make(chan struct{})
		q.wakeUp()
	} else {
		e.stop()
	}
	done := e.done
	q.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return false, r, fmt.Errorf("wait for the load to stop: %w", ctx.Err())
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	// It may have ended by itself a moment before; one that the server stopped first is not taken up again.
	ended = e.State.Ended() && e.State != incident.JobUndone && e.undoErr == nil
	return ended, e.undone, e.undoErr
}
