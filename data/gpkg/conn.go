package gpkg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"sarhad/incident"
)

// The driver is used without database/sql. Scanning through database/sql costs
// about 120 ns a column, and its Exec crosses into C once for each bound value;
// Rows.Next of the driver and its Query (which also runs an INSERT) cross once
// for a row. The price is a pool of our own, below, which is short.

// conn is one connection. It is used by one goroutine at a time.
type conn struct {
	c *sqlite3.SQLiteConn
	// touched are the rows of incidents that changed since the change number last grew.
	touched incident.TouchedFIDs
	// commits counts the transactions of a writer; nil for a reader.
	commits *atomic.Int64
}

// openConn opens a connection with the given mode ("ro", "rw" or "rwc").
func openConn(path, mode string, immutable bool) (*conn, error) {
	// Every Go function of a filter is registered on every connection.
	d := sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		if err := c.RegisterFunc("sarhad_like", func(text, pattern string) bool {
			return incident.LikeMatch(pattern, text)
		}, true); err != nil {
			return err
		}
		return c.RegisterFunc("sarhad_words", incident.HasWords, true)
	}}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	q := url.Values{"mode": {mode}, "_mutex": {"no"}, "_stmt_cache_size": {"64"}}
	if immutable {
		q.Set("immutable", "1")
	}
	u.RawQuery = q.Encode()
	c, err := d.Open(u.String())
	if err != nil {
		return nil, err
	}
	return &conn{c: c.(*sqlite3.SQLiteConn)}, nil
}

func (c *conn) close() error { return c.c.Close() }

// pragmas runs pragmas one after the other; their order matters.
func (c *conn) pragmas(ps ...string) error {
	for _, p := range ps {
		if _, err := c.c.Exec("PRAGMA "+p, nil); err != nil {
			return fmt.Errorf("set PRAGMA %s: %w", p, err)
		}
	}
	return nil
}

// bind numbers values as the driver wants them.
func bind(values ...any) []driver.NamedValue {
	if len(values) == 0 {
		return nil
	}
	args := make([]driver.NamedValue, len(values))
	for i, v := range values {
		switch n := v.(type) {
		case int:
			v = int64(n)
		case bool:
			v = int64(0)
			if n {
				v = int64(1)
			}
		}
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return args
}

// exec runs a statement, or without values any number of them.
func (c *conn) exec(sql string, values ...any) error {
	if len(values) == 0 {
		_, err := c.c.Exec(sql, nil)
		return err
	}
	return c.run(sql, bind(values...))
}

// run runs a statement with values that are bound in one crossing into C.
func (c *conn) run(sql string, args []driver.NamedValue) error {
	rows, err := c.c.QueryContext(context.Background(), sql, args)
	if err != nil {
		return err
	}
	return rows.Close()
}

// each calls fn for each row. The slice is reused from row to row.
func (c *conn) each(ctx context.Context, sql string, args []driver.NamedValue, fn func([]driver.Value) error) (err error) {
	rows, err := c.c.QueryContext(ctx, sql, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	dest := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(dest); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := fn(dest); err != nil {
			return err
		}
	}
}

// one gives the first row, nil if there is none.
func (c *conn) one(ctx context.Context, sql string, args ...any) ([]driver.Value, error) {
	var row []driver.Value
	err := c.each(ctx, sql, bind(args...), func(v []driver.Value) error {
		row = append([]driver.Value(nil), v...)
		return io.EOF
	})
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return row, err
}

// integer gives the first column of the first row as an integer, 0 for none or null.
func (c *conn) integer(ctx context.Context, sql string, args ...any) (int64, error) {
	row, err := c.one(ctx, sql, args...)
	if err != nil || row == nil {
		return 0, err
	}
	n, _ := row[0].(int64)
	return n, nil
}

// tx runs fn in a transaction that takes the write lock at its beginning, so
// that a lock that cannot be had is met before any work is done.
func (c *conn) tx(fn func() error) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := fn(); err != nil {
		return errors.Join(err, c.rollback())
	}
	if err := c.commit(); err != nil {
		return errors.Join(fmt.Errorf("commit: %w", err), c.rollback())
	}
	return nil
}

func (c *conn) commit() error {
	err := c.exec("COMMIT")
	if err == nil && c.commits != nil {
		c.commits.Add(1)
	}
	return err
}

// rollback ends a transaction if one is open; SQLite itself has ended it after a full disk.
func (c *conn) rollback() error {
	if c.c.AutoCommit() {
		return nil
	}
	return c.exec("ROLLBACK")
}

// pool is the readers' connections. It opens one more when all are in use,
// since someone who walks through incidents may ask a second question
// meanwhile, up to a limit that bounds memory and file descriptors.
type pool struct {
	open  func() (*conn, error)
	idle  int           // how many are kept
	slots chan struct{} // how many may be in use

	mu     sync.Mutex
	free   []*conn
	closed bool
}

const (
	maxReaders = 64
	// keptReaders stay open between questions. Closing one unmaps the file, and
	// the next has to fault its pages in again, which took a third of the time of
	// an answer when only as many as there are cores were kept.
	keptReaders = 32
)

func newPool(idle int, open func() (*conn, error)) *pool {
	return &pool{open: open, idle: idle, slots: make(chan struct{}, maxReaders)}
}

var errClosed = incident.Errorf(incident.CodeUnavailable, "The store is closed.")

func (p *pool) get(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.slots
		return nil, errClosed
	}
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := p.open()
	if err != nil {
		<-p.slots
		return nil, fmt.Errorf("open a connection for reading: %w", domainError(err))
	}
	return c, nil
}

func (p *pool) put(c *conn) {
	p.mu.Lock()
	keep := !p.closed && len(p.free) < p.idle
	if keep {
		p.free = append(p.free, c)
	}
	p.mu.Unlock()
	if !keep {
		_ = c.close() // nothing was written through it
	}
	<-p.slots
}

func (p *pool) close() error {
	p.mu.Lock()
	free := p.free
	p.free, p.closed = nil, true
	p.mu.Unlock()
	var err error
	for _, c := range free {
		err = errors.Join(err, c.close())
	}
	return err
}

const diskFull = "The disk is full."

// domainError gives an error of SQLite a code and words of the domain. Others pass.
func domainError(err error) error {
	var se sqlite3.Error
	if err == nil || !errors.As(err, &se) {
		return err
	}
	var de *incident.Error
	if errors.As(err, &de) {
		return err
	}
	code, message := incident.CodeInternal, ""
	switch se.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		code, message = incident.CodeUnavailable, "The store is locked by another process; try again when it has ended."
	case sqlite3.ErrFull:
		code, message = incident.CodeUnavailable, diskFull
	case sqlite3.ErrReadonly, sqlite3.ErrPerm:
		code, message = incident.CodeUnavailable, "The store is read-only: its file or folder may not be written."
	case sqlite3.ErrCantOpen:
		code, message = incident.CodeUnavailable, "The store cannot be opened: its folder is missing or may not be used."
	case sqlite3.ErrIoErr:
		code, message = incident.CodeUnavailable, "The disk failed to read or write."
		switch se.SystemErrno {
		case syscall.ENOSPC, syscall.EDQUOT:
			message = diskFull
		case syscall.EFBIG:
			message = "The file may not grow any more: it has met a limit on the size of files."
		}
	case sqlite3.ErrNotADB:
		code, message = incident.CodeInvalid, "The file is not a Sarhad store: it is no SQLite database."
	case sqlite3.ErrTooBig:
		code, message = incident.CodeTooLarge, "A value or a question is too large for the store."
	case sqlite3.ErrInterrupt:
		return fmt.Errorf("stopped: %w", context.Canceled)
	case sqlite3.ErrCorrupt:
		message = "The store is damaged; restore it from a backup."
	case sqlite3.ErrError:
		if strings.Contains(se.Error(), "Expression tree is too large") || strings.Contains(se.Error(), "parser stack overflow") {
			code, message = incident.CodeInvalid, "The filter is too deeply nested."
		}
	}
	if message == "" {
		return err
	}
	return &incident.Error{Code: code, Message: message, Err: err}
}

// milliseconds writes a duration for busy_timeout.
func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// exists reports whether a file is there and holds anything.
func exists(path string) (there, empty bool, err error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, true, nil
	case err != nil:
		return false, false, err
	case st.IsDir():
		return true, false, incident.Errorf(incident.CodeInvalid, "%s is a folder and not a Sarhad store.", path)
	case !st.Mode().IsRegular():
		return true, false, incident.Errorf(incident.CodeInvalid, "%s is a pipe or a device and not a Sarhad store.", path)
	}
	return true, st.Size() == 0, nil
}
