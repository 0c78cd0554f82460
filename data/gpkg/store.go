package gpkg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

// Options are what a store is opened with. The zero value opens an empty store for writing.
type Options struct {
	// Units, Border and Crossings fill the fixed layers (lon, lat, CRS84). A
	// layer that is empty here stays as it is in the file.
	Units     []geo.Unit
	Border    orb.LineString
	Crossings []geo.Crossing
	// Boundaries says which set Units is. A store whose incidents were placed in another set is not opened for writing
	// with these: Open fails with CodeConflict.
	Boundaries Boundaries
	// ReadOnly opens a store that exists and never writes to it.
	ReadOnly bool
	// Unmapped reads the file piece by piece instead of mapping it: slower, and
	// what was read does not count as memory of the process.
	Unmapped bool
	// BusyTimeout is how long a locked store is waited for; 0 means 5 seconds.
	BusyTimeout time.Duration
	// Now is the clock for the records of imports; nil is time.Now.
	Now func() time.Time
}

// Store is an embedded store in one GeoPackage file. It implements
// [incident.Store] and is safe for concurrent use.
type Store struct {
	path      string
	opt       Options
	created   bool
	file      os.FileInfo // of the file that was opened
	immutable bool

	readers *pool

	wmu    sync.Mutex // holds the writer connection
	writer *conn      // nil if read-only

	loading chan struct{} // holds a token while a load runs in this process

	commits  atomic.Int64
	closed   atomic.Bool
	mu       sync.Mutex // holds what is cached
	files    map[int64]string
	datasets []incident.DatasetInfo
	dsChange int64
}

var _ incident.Store = (*Store)(nil)

// Open opens the store at a path and creates it if there is none. It brings
// an older store up to date and makes up what a killed load left undone. It
// fails with CodeUnavailable for a store of a newer version, a locked store or
// a place that may not be written, and with CodeInvalid for a file that is no
// store of Sarhad.
func Open(ctx context.Context, path string, opt Options) (*Store, error) {
	if opt.BusyTimeout == 0 {
		opt.BusyTimeout = 5 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the store: %w", err)
	}
	s := &Store{path: path, opt: opt, loading: make(chan struct{}, 1), files: map[int64]string{}, dsChange: -1}
	s.readers = newPool(keptReaders, s.openReader)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, domainError(err)), s.closeAll())
	}
	return s, nil
}

func (s *Store) start(ctx context.Context) error {
	there, empty, err := exists(s.path)
	if err != nil {
		return fileError(err)
	}
	if there && !empty {
		if err := checkHeader(s.path); err != nil {
			return err
		}
	}
	if s.opt.ReadOnly {
		return s.startReadOnly(ctx, there && !empty)
	}
	if there && !empty {
		if err := checkWritable(s.path); err != nil {
			return err
		}
	}
	if s.writer, err = openConn(s.path, "rwc", false); err != nil {
		return err
	}
	s.writer.commits = &s.commits
	if s.file, err = os.Stat(s.path); err != nil {
		return fileError(err)
	}
	// Waiting comes first: every later pragma may meet a lock.
	if err := s.writer.pragmas("busy_timeout = " + milliseconds(s.opt.BusyTimeout)); err != nil {
		return err
	}
	have, err := version(ctx, s.writer)
	if err != nil {
		return err
	}
	if err := checkVersion(have); err != nil {
		return err
	}
	// Then the journal, which is written into the file and decides what
	// synchronous means: in WAL mode NORMAL loses at most the last batches on a
	// power cut and never harms the file. The cache is that of one batch.
	if err := s.writer.pragmas("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = OFF", "cache_size = -8000",
		"journal_size_limit = 67108864"); err != nil {
		return err
	}
	if have < len(migrations) {
		if s.created, err = migrate(ctx, s.writer, s.opt.Now()); err != nil {
			return err
		}
	}
	if err := s.keepBoundaries(ctx); err != nil {
		return err
	}
	if err := s.fillLayers(ctx); err != nil {
		return err
	}
	// A load that is running in another process is at work on the indexes and
	// sums; without one, whatever is missing was left by a load that was killed.
	lock, ok, err := tryLock(s.lockPath())
	if err != nil {
		return fileError(err)
	}
	if ok {
		err = s.repair(ctx)
		if err == nil {
			err = s.linkOlder(ctx)
		}
		err = errors.Join(err, lock.release())
		if err != nil {
			return err
		}
	}
	return s.checkpoint()
}

func (s *Store) startReadOnly(ctx context.Context, there bool) error {
	if !there {
		return incident.Errorf(incident.CodeNotFound, "There is no store at %s.", s.path)
	}
	var err error
	if s.file, err = os.Stat(s.path); err != nil {
		return fileError(err)
	}
	c, err := s.openReader()
	if err == nil {
		_, err = c.integer(ctx, "SELECT count(*) FROM sqlite_master")
	}
	var se sqlite3.Error
	if errors.As(err, &se) && (se.Code == sqlite3.ErrCantOpen || se.Code == sqlite3.ErrReadonly) {
		// SQLite wants to write an index of the log beside a store in WAL mode.
		// In a folder that may not be written nobody else writes either.
		if _, walErr := os.Stat(s.path + "-wal"); errors.Is(walErr, fs.ErrNotExist) {
			if c != nil {
				_ = c.close()
			}
			s.immutable = true
			c, err = s.openReader()
		}
	}
	if err != nil {
		if c != nil {
			_ = c.close()
		}
		return err
	}
	s.readers.slots <- struct{}{}
	defer s.readers.put(c)
	have, err := version(ctx, c)
	if err != nil {
		return err
	}
	if err := checkVersion(have); err != nil {
		return err
	}
	if have < len(migrations) {
		return incident.Errorf(incident.CodeUnavailable, "The store is of version %d and has to be brought to version %d before it can be read: run sarhad migrate up.", have, len(migrations))
	}
	return nil
}

// Here fails with CodeUnavailable if the file that was opened does not lie at its place any more: it was removed, moved or
// replaced by another. What is open then still reads the old one, and what is written to it would be lost.
func (s *Store) Here() error {
	now, err := os.Stat(s.path)
	if err == nil && os.SameFile(now, s.file) {
		return nil
	}
	return &incident.Error{Code: incident.CodeUnavailable, Message: "The store was removed, moved or replaced while it was open; put it back, or start again.", Err: err}
}

func (s *Store) openReader() (*conn, error) {
	if err := s.Here(); err != nil { // one answer is never made of two files
		return nil, err
	}
	c, err := openConn(s.path, "ro", s.immutable)
	if err != nil {
		return nil, err
	}
	// The file is mapped rather than cached: pages are shared between the
	// connections and with the system, and only a small cache is private.
	// query_only comes last, as it forbids what writes.
	mapped := "mmap_size = 4294967296"
	if s.opt.Unmapped {
		mapped = "mmap_size = 0"
	}
	if err := c.pragmas("busy_timeout = "+milliseconds(s.opt.BusyTimeout), mapped, "cache_size = -2000", "query_only = ON"); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// Created reports whether Open made a new store.
func (s *Store) Created() bool { return s.created }

// Path returns the absolute path of the file.
func (s *Store) Path() string { return s.path }

// Close checkpoints the store, so that the file alone is whole, and closes it.
// A load that still runs is ended as if its process had died.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	err := s.closeAll()
	if err != nil {
		return fmt.Errorf("close the store: %w", domainError(err))
	}
	return nil
}

func (s *Store) closeAll() error {
	err := s.readers.close()
	s.wmu.Lock()
	defer s.wmu.Unlock()
	if s.writer != nil {
		err = errors.Join(err, s.writer.rollback())
		if s.closed.Load() {
			err = errors.Join(err, s.checkpoint())
		}
		err = errors.Join(err, s.writer.close())
		s.writer = nil
	}
	return err
}

// checkpoint moves the log into the file and empties it, since a file that is
// copied without its log cannot be read. Where readers of long standing keep a
// part of it, the next one does it.
func (s *Store) checkpoint() error {
	_, err := s.writer.one(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)")
	var se sqlite3.Error
	if errors.As(err, &se) && (se.Code == sqlite3.ErrBusy || se.Code == sqlite3.ErrLocked) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return nil
}

// Backup writes a compact copy of the store to a new file. It reads one
// consistent state and does not stop loads, reads the copy again and waits until the disk has it. It fails with CodeConflict if the
// file exists.
func (s *Store) Backup(ctx context.Context, path string) error {
	there, empty, err := exists(path)
	if err != nil {
		return fmt.Errorf("back up: %w", fileError(err))
	}
	if there && !empty {
		return incident.Errorf(incident.CodeConflict, "%s exists already; a backup never writes over a file.", path)
	}
	c, err := openConn(s.path, "ro", s.immutable)
	if err != nil {
		return fmt.Errorf("back up: %w", domainError(err))
	}
	if !there {
		if err := s.likeStore(path); err != nil {
			return errors.Join(fmt.Errorf("back up to %s: %w", path, fileError(err)), c.close())
		}
	}
	err = c.pragmas("busy_timeout = " + milliseconds(s.opt.BusyTimeout))
	if err == nil {
		_, err = c.one(ctx, "VACUUM INTO ?", path)
	}
	if err = errors.Join(err, c.close()); err == nil {
		err = verify(ctx, path)
	}
	if err != nil {
		_ = os.Remove(path) // half a copy is worse than none
		return fmt.Errorf("back up to %s: %w", path, domainError(err))
	}
	return nil
}

// likeStore makes an empty file that nobody may read who may not read the store: a copy holds tokens too.
func (s *Store) likeStore(path string) error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	return f.Close()
}

func (s *Store) lockPath() string { return s.path + "-load" }

// withReader lends a connection that sees one state of the store.
func (s *Store) withReader(ctx context.Context, fn func(*conn) error) error {
	c, err := s.readers.get(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(c)
	err = fn(c)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func fileError(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, errReadOnlyFS) {
		return &incident.Error{Code: incident.CodeUnavailable, Message: "The store's file or folder may not be used", Err: err}
	}
	return err
}

// checkHeader refuses a file that is no database before SQLite sees it: one of
// a few bytes it would take for empty and write over.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fileError(err)
	}
	head := make([]byte, 16)
	_, err = io.ReadFull(f, head)
	_ = f.Close() // only read
	if err != nil || string(head) != "SQLite format 3\x00" {
		return incident.Errorf(incident.CodeInvalid, "The file is not a Sarhad store: it is no SQLite database.")
	}
	return nil
}

// checkWritable finds out before SQLite does that a file may not be written:
// SQLite would open it for reading and fail much later.
func checkWritable(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return &incident.Error{Code: incident.CodeUnavailable, Message: "The store is read-only: its file may not be written.", Err: err}
	}
	return f.Close()
}
