package upload

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"sarhad/incident"
)

// What lies in a spool, each beginning with the id of an upload.
const (
	extPart    = ".part"        // a file on its way
	extUpload  = ".upload"      // a file that was received whole; it goes when its load has ended
	extNote    = ".json"        // what is known of it
	extReport  = ".report.json" // the report, with refused rows and doubts
	extRejects = ".rejects.csv"
	extTemp    = ".tmp" // any of these before it is renamed
	lockName   = "lock"
)

// note is what is kept of an upload.
type note struct {
	// ID is that of the job, Seq its place in the order of arrival.
	ID  string
	Seq int64
	// Asked is what was sent with the file; Layout and Dataset are what was found, "" before.
	Asked           incident.Upload
	Layout, Dataset string
	// Random is true if the file is not read in order, so that Bytes say nothing before the end.
	Random bool
	State  incident.JobState
	// Import is the record of the load at hand or of the one that counts, 0 for
	// none; Imports are all that are or were in the store, Tried is when the load at hand was about to begin.
	Import  int64
	Imports []int64
	Tried   time.Time
	// CalledOff is set before a load is stopped, so that no restart takes it up again.
	CalledOff bool

	Size, Rows, Bytes        int64
	Hash                     string
	Received, Started, Ended time.Time
	Problem                  string
	Rejects                  bool

	// Stays is true for a failed load of which rows are still in the store; Cause is
	// the problem when they are gone. Run takes them back as soon as it can.
	Stays bool
	Cause string
	// Blocked is true while it waits for the load of another process or of a command line.
	Blocked bool `json:"-"`
}

// atomic reports whether the load is one transaction, of which a failure leaves no record.
func (n *note) atomic() bool { return n.Asked.Strict || n.Asked.DryRun }

// newID gives an id that nobody guesses and that is no number.
func newID() string { return "u" + strings.ToLower(rand.Text()) }

// isID keeps files of others out of our hands.
func isID(s string) bool {
	return len(s) > 20 && s[0] == 'u' && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func (q *Queue) path(id, ext string) string { return filepath.Join(q.opt.Dir, id+ext) }

// receive writes a body to the spool. Where it fails, nothing is left.
func (q *Queue) receive(ctx context.Context, id string, body io.Reader) (size int64, hash string, err error) {
	path := q.path(id, extPart)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, "", spoolError("keep the upload", err)
	}
	defer func() {
		if err != nil {
			_ = f.Close() // it goes
			_ = os.Remove(path)
		}
	}()
	sum := sha256.New()
	buf := make([]byte, 256<<10)
	for ended := false; !ended; {
		if err := ctx.Err(); err != nil {
			return 0, "", fmt.Errorf("receive the upload: %w", err)
		}
		n, err := body.Read(buf)
		if size += int64(n); size > q.opt.MaxBytes {
			return 0, "", tooLarge(q.opt.MaxBytes)
		}
		if _, werr := f.Write(buf[:n]); werr != nil {
			return 0, "", spoolError("keep the upload", werr)
		}
		sum.Write(buf[:n])
		ended = errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			if said := (*incident.Error)(nil); errors.As(err, &said) || ctx.Err() != nil {
				return 0, "", fmt.Errorf("receive the upload: %w", err)
			}
			return 0, "", &incident.Error{Code: incident.CodeInvalid, Message: "The upload broke off before its end; nothing of it was kept.", Err: err}
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return 0, "", spoolError("keep the upload", err)
	}
	return size, hex.EncodeToString(sum.Sum(nil)), nil
}

func tooLarge(limit int64) error {
	return incident.Errorf(incident.CodeTooLarge, "The upload is larger than the limit of %s.", inWords(limit))
}

// inWords writes a number of bytes in the unit in which it is short, as it was given.
func inWords(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GB", 1e9}, {"GiB", 1 << 30}, {"MB", 1e6}, {"MiB", 1 << 20}, {"kB", 1e3}, {"KiB", 1 << 10}} {
		if n >= u.size && n*10%u.size == 0 {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/float64(u.size)), ".0") + " " + u.name
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// write puts a file in the place of another, whole or not at all, and on the disk.
func (q *Queue) write(id, ext string, text []byte) error {
	path := q.path(id, ext)
	f, err := os.OpenFile(path+extTemp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return spoolError("keep what is known of the upload", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+extTemp, path)
	}
	if err != nil {
		_ = os.Remove(path + extTemp)
		return spoolError("keep what is known of the upload", err)
	}
	q.syncDir()
	return nil
}

// syncDir makes renames last. Where a system cannot do that, they last a little later.
func (q *Queue) syncDir() {
	if d, err := os.Open(q.opt.Dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// save keeps a note. The caller holds the mutex.
func (q *Queue) save(n *note) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("write down the upload: %w", err)
	}
	return q.write(n.ID, extNote, text)
}

// remove takes files of an upload away; what cannot be removed goes at the next start.
func (q *Queue) remove(id string, exts ...string) {
	for _, ext := range exts {
		if err := os.Remove(q.path(id, ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			q.opt.Log.Warn("a file of an upload was not removed", "error", err)
		}
	}
}

// spoolError gives an error of the file system words for the user.
func spoolError(what string, err error) error {
	message := "The server's folder for uploads may not be used."
	if errors.Is(err, syscall.ENOSPC) {
		message = "The disk of the server is full; the upload was not kept."
	}
	return &incident.Error{Code: incident.CodeUnavailable, Message: message, Err: fmt.Errorf("%s: %w", what, err)}
}

// readNotes gives the notes of a spool in the order of arrival, and the names
// of the other files. A spool that does not exist has none.
func (q *Queue) readNotes() (notes []*note, others []string, err error) {
	files, err := os.ReadDir(q.opt.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, spoolError("read the spool", err)
	}
	for _, f := range files {
		id, ext, _ := strings.Cut(f.Name(), ".")
		if !isID(id) {
			continue
		}
		if "."+ext != extNote {
			others = append(others, f.Name())
			continue
		}
		text, err := os.ReadFile(filepath.Join(q.opt.Dir, f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went in between
		}
		if err != nil {
			return nil, nil, spoolError("read the spool", err)
		}
		n := &note{}
		if err := json.Unmarshal(text, n); err != nil || n.ID != id {
			// One file that somebody spoilt must not keep the server from starting.
			q.opt.Log.Error("what is known of an upload cannot be read", "file", f.Name(), "error", err)
			continue
		}
		notes = append(notes, n)
	}
	slices.SortFunc(notes, func(a, b *note) int { return int(a.Seq - b.Seq) })
	return notes, others, nil
}

// own makes the spool this process's own, if it is not yet, and takes up what
// an earlier one left. With make, a spool that does not exist is made; without,
// it stays away. The caller holds the mutex. It fails with CodeUnavailable if another process has it.
func (q *Queue) own(make bool) error {
	if q.closed {
		return incident.Errorf(incident.CodeUnavailable, "The server is being stopped.")
	}
	if q.lock != nil {
		return nil
	}
	if make {
		if err := os.MkdirAll(q.opt.Dir, 0o700); err != nil {
			return spoolError("make the spool", err)
		}
	} else if _, err := os.Stat(q.opt.Dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, ok, err := tryLock(filepath.Join(q.opt.Dir, lockName))
	if err != nil {
		return spoolError("lock the spool", err)
	}
	if !ok {
		return errOthers
	}
	notes, others, err := q.readNotes()
	if err != nil {
		return errors.Join(err, lock.release())
	}
	q.lock = lock
	for _, n := range notes {
		q.entries[n.ID] = &entry{note: *n}
		q.seq = max(q.seq, n.Seq)
		if !n.State.Ended() {
			// The record of a load that was cut off stays known, so that it is undone first.
			e := q.entries[n.ID]
			e.State, e.Started, e.Rows, e.Bytes = incident.JobWaiting, time.Time{}, 0, 0
		}
	}
	for _, name := range others {
		id, ext, _ := strings.Cut(name, ".")
		e := q.entries[id]
		ext = "." + ext
		if e == nil || ext == extPart || strings.HasSuffix(ext, extTemp) || ext == extUpload && e.State.Ended() {
			q.remove(id, ext)
		}
	}
	q.wakeUp()
	return nil
}

// errOthers says whose the spool is.
var errOthers = incident.Errorf(incident.CodeUnavailable, "Another server takes the uploads of this store; send them there, or try again when it has ended.")
