package postgis

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

// Options are what a store is opened with. The zero value opens the schema
// sarhad for writing and creates it if there is none.
type Options struct {
	// Schema is the schema of the tables; "" is the one that the address names (?schema=NAME), else sarhad. Several stores may share a database.
	Schema string
	// Units, Border and Crossings fill the fixed layers (lon, lat, CRS84), for programs that read the tables. Without
	// units the layers stay as they are.
	Units     []geo.Unit
	Border    orb.LineString
	Crossings []geo.Crossing
	// Boundaries says which set Units is. A store whose incidents were placed in another set is not opened for writing
	// with these: Open fails with CodeConflict.
	Boundaries geo.Boundaries
	// ReadOnly opens a store that exists and never writes to it, as on a replica.
	ReadOnly bool
	// BusyTimeout is how long another load is waited for; 0 means 5 seconds.
	BusyTimeout time.Duration
	// Now is the clock for the records of imports; nil is time.Now.
	Now func() time.Time
}

// Store is a store in a PostgreSQL database. It implements [incident.Store],
// [incident.Journal], [incident.Waiter] and [incident.Clusterer] and is safe for concurrent use.
type Store struct {
	opt     Options
	conf    *pgx.ConnConfig // of connections that write
	pool    readers
	created bool

	commits atomic.Int64
	closed  atomic.Bool

	mu       sync.Mutex // holds what is cached and who writes
	writers  map[*writer]bool
	idle     listener // a connection that waits for those who wait for changes
	datasets []incident.DatasetInfo
	dsChange int64
}

var (
	_ incident.Store     = (*Store)(nil)
	_ incident.Journal   = (*Store)(nil)
	_ incident.Waiter    = (*Store)(nil)
	_ incident.Clusterer = (*Store)(nil)
)

const (
	// maxConns is how many connections read at a time unless the address says
	// otherwise (pool_max_conns). Who walks through incidents may ask a second question meanwhile.
	maxConns = 16
	// cancelGrace is how long a server may take to stop a question that nobody
	// waits for any more before its connection is given up.
	cancelGrace = 5 * time.Second
	// startGrace is how long the server may take to notice that a load has died.
	startGrace = 200 * time.Millisecond
	// minServer is PostgreSQL 13, the oldest that is still in use.
	minServer = 130000
)

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Open opens the store at an address, as PostgreSQL writes them
// (postgres://user:password@host:port/database?option=value or key=value
// pairs; what is missing is taken from the PG* variables and ~/.pgpass). It
// creates the schema if there is none, brings older tables up to date and makes
// up what a load that died left undone. It fails with CodeInvalid for what is
// no address or no database that can hold a store, with CodeUnavailable for a
// store of a newer version and for a server that cannot be reached, and, if
// it is to be read only, with CodeNotFound where there is no store.
func Open(ctx context.Context, uri string, opt Options) (*Store, error) {
	if opt.BusyTimeout == 0 {
		opt.BusyTimeout = 5 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Store{opt: opt, writers: map[*writer]bool{}, dsChange: -1}
	if err := s.start(ctx, uri); err != nil {
		if s.pool.Pool != nil {
			s.pool.Close()
		}
		return nil, fmt.Errorf("open the store: %w", domainError(ctx, err))
	}
	return s, nil
}

func (s *Store) start(ctx context.Context, uri string) error {
	conf, err := parse(uri, &s.opt)
	if err != nil {
		return err
	}
	c := conf.ConnConfig
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "sarhad"
	}
	// A question that nobody waits for is stopped on the server, and its connection kept.
	c.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, DeadlineDelay: cancelGrace}
	}
	first, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return err
	}
	extensions, err := s.prepare(ctx, first)
	if err = errors.Join(err, first.Close(context.WithoutCancel(ctx))); err != nil {
		return err
	}
	c.RuntimeParams["search_path"] = quoted(s.opt.Schema) + ", " + quoted(extensions)
	s.conf = c.Copy()
	if !s.opt.ReadOnly {
		if err := s.migrate(ctx); err != nil {
			return err
		}
	}
	c.RuntimeParams["default_transaction_read_only"] = "on"
	if s.pool.Pool, err = pgxpool.NewWithConfig(ctx, conf); err != nil {
		return err
	}
	if s.opt.ReadOnly {
		return nil
	}
	// A load that is running elsewhere is at work on the sums and links; without
	// one, whatever is missing was left by a load that died.
	w, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer w.release()
	if err := w.fill(ctx); err != nil {
		return err
	}
	if err := w.lock(ctx, startGrace); err != nil {
		if errors.Is(err, incident.ErrBusy) {
			return nil
		}
		return err
	}
	return w.repair(ctx)
}

// prepare looks whether a database can hold a store and which version it has,
// adds PostGIS where it is missing and may be added, and gives the schema that PostGIS is in.
func (s *Store) prepare(ctx context.Context, c *pgx.Conn) (extensions string, err error) {
	var server int
	var encoding string
	if err := c.QueryRow(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')").Scan(&server, &encoding); err != nil {
		return "", err
	}
	if server < minServer {
		return "", incident.Errorf(incident.CodeInvalid, "The server is PostgreSQL %d; the store needs %d or newer.", server/10000, minServer/10000)
	}
	if encoding != "UTF8" {
		return "", incident.Errorf(incident.CodeInvalid, "The database is encoded in %s; create one with ENCODING 'UTF8'.", encoding)
	}
	have, err := version(ctx, c, s.opt.Schema)
	if err != nil {
		return "", err
	}
	if err := checkVersion(have); err != nil {
		return "", err
	}
	if s.opt.ReadOnly {
		switch {
		case have == 0:
			return "", incident.Errorf(incident.CodeNotFound, "There is no store in the schema %s of this database.", s.opt.Schema)
		case have < len(migrations):
			return "", incident.Errorf(incident.CodeUnavailable, "The store is of version %d and has to be brought to version %d before it can be read: run sarhad migrate up.", have, len(migrations))
		}
	} else if err := addPostGIS(ctx, c); err != nil {
		return "", err
	}
	err = c.QueryRow(ctx, "SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'").Scan(&extensions)
	return extensions, err
}

// quoted writes the name of a schema or channel.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// Created reports whether Open made a new store.
func (s *Store) Created() bool { return s.created }

// Identity tells this store from any other that was or will be at its address:
// the moment at which its tables were made. All servers of a store see the same.
func (s *Store) Identity(ctx context.Context) (string, error) {
	var made time.Time
	if err := s.pool.QueryRow(ctx, "SELECT applied FROM migrations WHERE version = 1").Scan(&made); err != nil {
		return "", fmt.Errorf("read when the store was made: %w", domainError(ctx, err))
	}
	return strconv.FormatInt(made.UnixMicro(), 36), nil
}

// Secret implements [incident.SecretKeeper].
func (s *Store) Secret(ctx context.Context) (secret []byte, err error) {
	if err = s.pool.QueryRow(ctx, "SELECT value FROM secrets WHERE name = 'ids'").Scan(&secret); err != nil {
		return nil, fmt.Errorf("read the secret of the store: %w", domainError(ctx, err))
	}
	return secret, nil
}

// Close closes all connections when the questions that are being answered have
// been. A load that still runs is ended as if its process had died.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.mu.Lock()
	for w := range s.writers {
		_ = w.c.PgConn().Conn().Close() // it may be in use, and whoever uses it lets go of it
	}
	s.mu.Unlock()
	s.pool.Close()
	return nil
}

// lockKey is the number of the advisory lock that whoever writes holds, one for each schema.
func (s *Store) lockKey() int64 { return keyOf("sarhad load " + s.opt.Schema) }

func keyOf(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return int64(h.Sum64())
}

// writer is a connection that writes. It is opened for one load or change and
// holds the lock of loads, which goes when the connection does: who has lost
// the lock cannot write any more either.
type writer struct {
	s       *Store
	c       *pgx.Conn
	touched incident.TouchedFIDs // rows of incidents that changed since the change number last grew
}

var errClosed = incident.Errorf(incident.CodeUnavailable, "The store is closed.")

// connect opens a connection that can write.
func (s *Store) connect(ctx context.Context) (*writer, error) {
	if s.opt.ReadOnly {
		return nil, incident.Errorf(incident.CodeUnavailable, "The store was opened read-only.")
	}
	return s.dial(ctx, s.conf)
}

// dial opens a connection that ends with the store.
func (s *Store) dial(ctx context.Context, conf *pgx.ConnConfig) (*writer, error) {
	if s.closed.Load() {
		return nil, errClosed
	}
	c, err := pgx.ConnectConfig(ctx, conf)
	if err != nil {
		return nil, err
	}
	w := &writer{s: s, c: c}
	s.mu.Lock()
	s.writers[w] = true
	s.mu.Unlock()
	return w, nil
}

// lock opens a connection that has the right to load. It fails with ErrBusy.
func (s *Store) lock(ctx context.Context) (*writer, error) {
	w, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.lock(ctx, s.opt.BusyTimeout); err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

// lock waits so long for the right to load. It fails with ErrBusy.
func (w *writer) lock(ctx context.Context, timeout time.Duration) error {
	_, err := w.c.Exec(ctx, fmt.Sprintf("SET lock_timeout = %d", max(1, timeout.Milliseconds())))
	if err == nil {
		_, err = w.c.Exec(ctx, "SELECT pg_advisory_lock($1)", w.s.lockKey())
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "55P03" {
		return incident.ErrBusy
	}
	if err == nil {
		_, err = w.c.Exec(ctx, "SET lock_timeout = 0")
	}
	return err
}

// release closes the connection and gives up the lock.
func (w *writer) release() {
	w.s.mu.Lock()
	delete(w.s.writers, w)
	w.s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	_ = w.c.Close(ctx) // what was to be kept is committed
}

// tx runs fn in a transaction.
func (w *writer) tx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	w.touched = w.touched[:0]
	tx, err := w.c.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback(context.WithoutCancel(ctx)) // a connection that cannot do that is lost, and its transaction with it
		return err
	}
	return w.commit(ctx, tx)
}

func (w *writer) commit(ctx context.Context, tx pgx.Tx) error {
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	w.s.commits.Add(1)
	return nil
}

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// snapshot runs fn on one state of the store.
func (s *Store) snapshot(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return s.pool.snapshot(ctx, fn)
}

// messages are what the codes of errors of the server mean for the user; a code of two signs stands for its class.
var messages = map[string]struct {
	code    incident.Code
	message string
}{
	"08":    {incident.CodeUnavailable, "The connection to the database was lost."},
	"25006": {incident.CodeUnavailable, "The database can only be read: it is a replica, or was set so; write to the primary."},
	"28":    {incident.CodeUnavailable, "The database refuses the user or the password of the store's address."},
	"3D000": {incident.CodeUnavailable, "There is no such database on the server; create it first."},
	"40":    {incident.CodeUnavailable, "The database gave up the question in favour of another one; try again."},
	"42501": {incident.CodeUnavailable, "The user of the store's address may not do this in the database."},
	"53100": {incident.CodeUnavailable, "The disk of the database is full."},
	"53":    {incident.CodeUnavailable, "The database has no room for more connections or memory; try again later."},
	"54":    {incident.CodeTooLarge, "A value or a question is too large for the store."},
	"55P03": {incident.CodeUnavailable, "The database is locked by another process; try again when it has ended."},
	"57014": {incident.CodeUnavailable, "The database stopped the question: it took too long."},
	"57":    {incident.CodeUnavailable, "The database is being stopped or started; try again in a moment."},
	"58":    {incident.CodeUnavailable, "The database failed to read or write its files."},
	"XX001": {incident.CodeInternal, "The store is damaged; restore it from a backup."},
}

// domainError gives an error of the server or of the way to it a code and words
// of the domain. What the end of the context brought about is the error of the context.
func domainError(ctx context.Context, err error) error {
	var de *incident.Error
	if err == nil || errors.As(err, &de) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		m, ok := messages[pe.Code]
		if !ok {
			m, ok = messages[pe.Code[:min(2, len(pe.Code))]]
		}
		if !ok {
			return err
		}
		return &incident.Error{Code: m.code, Message: m.message, Err: err}
	}
	var ce *pgconn.ConnectError
	switch {
	case errors.As(err, &ce):
		return &incident.Error{Code: incident.CodeUnavailable, Message: "The database cannot be reached.", Err: err}
	case strings.Contains(err.Error(), "closed pool"):
		return errClosed
	case lost(err):
		return &incident.Error{Code: incident.CodeUnavailable, Message: messages["08"].message, Err: err}
	}
	return err
}
