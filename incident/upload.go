package incident

import (
	"context"
	"io"
	"iter"
	"time"
)

// Upload says how a file that was sent to a server is to be loaded. What is
// empty is found out as sarhad import finds it out.
type Upload struct {
	// File is the name of the file without its folder, Format the layout it is
	// read as, "" or "auto" to find out, Dataset the name of its dataset,
	// Mapping the mapping as YAML.
	File, Format, Dataset, Mapping string
	// Who is the user on whose behalf it is loaded, "" if not known.
	Who string
	// Replace says that the file is the whole dataset, Strict that one refused
	// row keeps all out, DryRun that nothing is stored.
	Replace, Strict, DryRun bool
	// Publication is the least that everybody has to do without, from before the first row is stored.
	Publication Publication
}

// JobState says how far an upload came.
type JobState string

// The states of uploads. An upload goes from waiting to running and then to one of the others.
const (
	// JobWaiting is an upload that waits for the loads before it.
	JobWaiting JobState = "waiting"
	// JobRunning is one that is being loaded.
	JobRunning JobState = "running"
	// JobDone is one whose rows are in the store, but for those that were
	// refused, or a dry run that came to its end.
	JobDone JobState = "done"
	// JobFailed is one of which nothing is in the store; Problem says why.
	JobFailed JobState = "failed"
	// JobUndone is one that was called off or taken back.
	JobUndone JobState = "undone"
)

// Ended reports whether nothing more happens by itself.
func (s JobState) Ended() bool { return s != JobWaiting && s != JobRunning }

// Job is an upload and what became of it, or the load of a command line, of
// which only the record is known.
type Job struct {
	// ID names the upload: letters and digits that cannot be guessed; for the
	// load of a command line the number of its import.
	ID string
	Upload
	State JobState
	// ImportID is the number of the record of the import, 0 before it began.
	ImportID int64
	// Ahead is the number of loads that have to end first, while it waits.
	Ahead int
	// Rows are stored or refused so far; Bytes were read of TotalBytes, which is
	// 0 where nobody knows.
	Rows, Bytes, TotalBytes int64
	// Received, Started and Ended are moments in UTC, zero if they are to come.
	Received, Started, Ended time.Time
	// Report is the report as JSON, with the first refused rows and doubts, ""
	// before the end.
	Report string
	// Problem says why it failed, in words for the user, "" if it did not.
	Problem string
	// Rejects is true if refused rows can be fetched.
	Rejects bool
}

// Loader takes uploads and loads them one after the other. All methods are safe
// for concurrent use. An id is that of a [Job] or the number of an import; all
// methods that take one fail with CodeNotFound if there is none such.
type Loader interface {
	// Submit keeps a file and puts it at the end of the queue. It returns when
	// the file was received whole; of one that was not, nothing is left. It fails
	// with CodeTooLarge for more than MaxUpload bytes, with CodeInvalid for a
	// mapping, format or name that cannot be used, with CodeUnavailable if there is no room.
	Submit(ctx context.Context, u Upload, body io.Reader) (Job, error)
	// MaxUpload is the greatest number of bytes that a file may have.
	MaxUpload() int64
	// Jobs lists uploads and imports, newest first, without their reports.
	Jobs(ctx context.Context) ([]Job, error)
	// Job gives one.
	Job(ctx context.Context, id string) (Job, error)
	// Watch gives the job as it is now and then whenever it changed, at most ten
	// times a second, until it has ended; without report.
	Watch(ctx context.Context, id string) iter.Seq2[Job, error]
	// Rejects opens the refused rows as CSV. It fails with CodeNotFound if none
	// were refused or they are not kept any more.
	Rejects(ctx context.Context, id string) (io.ReadCloser, error)
	// Cancel calls off what waits or runs, so that nothing of it is stored, and
	// undoes what was done; see [Writer.Undo]. It returns when that has happened.
	// It fails with CodeConflict for one that was undone or of which nothing is stored.
	Cancel(ctx context.Context, id string) (UndoResult, error)
}
