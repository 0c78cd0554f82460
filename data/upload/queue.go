package upload

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"time"

	"sarhad/data/ingest"
	"sarhad/incident"
)

// DefaultMaxBytes is the greatest size of an upload where nothing else is said: 2 GiB.
const DefaultMaxBytes = 2 << 30

// Options says where uploads go.
type Options struct {
	// Dir is the spool. It is made, for its owner only, when the first upload comes.
	Dir string
	// Store is what is loaded into; it must be open for writing. It outlives the queue.
	Store incident.Store
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
	opt Options
}

var _ incident.Loader = (*Queue)(nil)

// Open returns the queue of a spool with what an earlier process left in it. A
// spool that does not exist is an empty one. Where another process works with
// it, uploads are listed but not taken: Submit then fails with CodeUnavailable,
// until that process has ended. It fails if the spool cannot be read.
func Open(ctx context.Context, opt Options) (*Queue, error) {
	return &Queue{opt: opt}, nil
}

// Run loads what waits and what comes until the context ends. It returns when
// the load at hand has been taken back; that upload waits for the next Run. It
// must not be called twice at a time.
func (q *Queue) Run(ctx context.Context) {}

// Close lets go of the spool. Nothing is taken after it. It is called when Run has returned.
func (q *Queue) Close() error { return nil }

// MaxUpload implements [incident.Loader].
func (q *Queue) MaxUpload() int64 { return q.opt.MaxBytes }

// Submit implements [incident.Loader].
func (q *Queue) Submit(ctx context.Context, u incident.Upload, body io.Reader) (incident.Job, error) {
	return incident.Job{}, incident.Errorf(incident.CodeUnavailable, "Not yet.")
}

// Jobs implements [incident.Loader].
func (q *Queue) Jobs(ctx context.Context) ([]incident.Job, error) { return nil, nil }

// Job implements [incident.Loader].
func (q *Queue) Job(ctx context.Context, id string) (incident.Job, error) {
	return incident.Job{}, incident.Errorf(incident.CodeNotFound, "There is no import %q.", id)
}

// Watch implements [incident.Loader].
func (q *Queue) Watch(ctx context.Context, id string) iter.Seq2[incident.Job, error] {
	return func(yield func(incident.Job, error) bool) { yield(q.Job(ctx, id)) }
}

// Rejects implements [incident.Loader].
func (q *Queue) Rejects(ctx context.Context, id string) (io.ReadCloser, error) {
	return nil, incident.Errorf(incident.CodeNotFound, "There is no import %q.", id)
}

// Cancel implements [incident.Loader].
func (q *Queue) Cancel(ctx context.Context, id string) (incident.UndoResult, error) {
	return incident.UndoResult{}, incident.Errorf(incident.CodeNotFound, "There is no import %q.", id)
}
