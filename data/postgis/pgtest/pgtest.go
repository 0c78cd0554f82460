//go:build unix

// Package pgtest starts a PostgreSQL with PostGIS for tests: a new cluster in a
// temporary directory, reached by a socket there, which ends with the test.
//
// # Goals
//
// A test needs nothing but the Debian packages postgresql-15 and
// postgresql-15-postgis-3: no service, no port, no password.
//
// # Non-goals
//
// It keeps nothing and is not safe against a power cut.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a running PostgreSQL.
type Server struct {
	dir, postgres string
	options       []string // beside those of all
	run           func(ctx context.Context, name string, args ...string) *exec.Cmd
	cmd           *exec.Cmd
	log           bytes.Buffer
	ended         chan struct{}
}

// ErrMissing is what Start fails with where PostgreSQL or PostGIS is not installed.
var ErrMissing = errors.New("PostgreSQL with PostGIS is not installed (Debian: postgresql-15 postgresql-15-postgis-3)")

// Need gives a server that ends with the test. It skips the test where
// PostgreSQL is missing; in CI, where a skipped test would go unseen, it fails it.
func Need(t testing.TB) *Server {
	t.Helper()
	s, err := Start()
	Check(t, err)
	t.Cleanup(s.Stop)
	return s
}

// Check skips or fails a test for an error of [Start].
func Check(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("CI") == "": //nolint:forbidigo // only tests call this
		t.Skipf("SKIPPED: %v", err)
	default:
		t.Fatal(err)
	}
}

// Durable are options of [StartWith] with which a crash of the server loses nothing that was acknowledged.
var Durable = []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on"}

// Start makes a cluster and starts its server. The caller stops it.
func Start() (*Server, error) { return StartWith() }

// StartWith does the same with some options, name=value, which its standbys have too.
func StartWith(options ...string) (*Server, error) {
	initdb, err := Program("initdb")
	if err != nil {
		return nil, err
	}
	s := &Server{postgres: filepath.Join(filepath.Dir(initdb), "postgres"), options: options}
	if _, err := os.Stat(filepath.Join(filepath.Dir(initdb), "../lib/postgis-3.so")); err != nil {
		return nil, ErrMissing
	}
	// Texts sort by a language here, so that a comparison that forgets to say how it is meant is noticed.
	if s.dir, err = os.MkdirTemp("", "sarhad-pg-"); err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	s.run = command
	if os.Geteuid() == 0 { // PostgreSQL does not run as root
		uid, gid, err := unprivileged()
		if err == nil {
			err = os.Chown(s.dir, uid, gid)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("find a user for PostgreSQL: %w", err), os.RemoveAll(s.dir))
		}
		s.run = func(ctx context.Context, name string, args ...string) *exec.Cmd {
			cmd := command(ctx, name, args...)
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
			return cmd
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := s.run(ctx, initdb, "--pgdata="+s.data(), "--username=sarhad", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("make a cluster: %w: %s", err, out), os.RemoveAll(s.dir))
	}
	if err := s.Run(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// Program is where a program of PostgreSQL lies. It fails with [ErrMissing].
func Program(name string) (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is right
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", ErrMissing
	}
	return filepath.EvalSymlinks(path)
}

func unprivileged() (uid, gid int, err error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return 0, 0, err
	}
	uid, err = strconv.Atoi(u.Uid)
	if err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	cmd.SysProcAttr = attributes()
	return cmd
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Dir is the folder of the socket at which it listens.
func (s *Server) Dir() string { return s.dir }

// Process is the number of its first process.
func (s *Server) Process() int { return s.cmd.Process.Pid }

// URI is the address of its database.
func (s *Server) URI() string { return "postgres://sarhad@/postgres?host=" + s.dir }

// Standby makes a copy of the cluster that follows it by streaming and can be read, and starts its server. The caller stops it.
func (s *Server) Standby() (*Server, error) {
	c := &Server{postgres: s.postgres, options: s.options, run: s.run}
	var err error
	if c.dir, err = os.MkdirTemp("", "sarhad-pg-"); err != nil {
		return nil, fmt.Errorf("make a folder for PostgreSQL: %w", err)
	}
	if info, ok := statOwner(s.dir); ok {
		if err := os.Chown(c.dir, info[0], info[1]); err != nil {
			return nil, errors.Join(fmt.Errorf("find a user for PostgreSQL: %w", err), os.RemoveAll(c.dir))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := s.run(ctx, filepath.Join(filepath.Dir(s.postgres), "pg_basebackup"), "--pgdata="+c.data(), "--host="+s.dir, "--username=sarhad",
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("copy a cluster: %w: %s", err, out), os.RemoveAll(c.dir))
	}
	if err := c.Run(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	return c, nil
}

// statOwner gives the user and the group of a folder.
func statOwner(dir string) (owner [2]int, ok bool) {
	info, err := os.Stat(dir)
	if err != nil {
		return owner, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok {
		owner = [2]int{int(st.Uid), int(st.Gid)}
	}
	return owner, ok
}

// Kill ends the server at once, as a crash does; the cluster stays.
func (s *Server) Kill() {
	_ = s.cmd.Process.Signal(syscall.SIGQUIT) // its children end with it, which they do not on SIGKILL
	<-s.ended
}

// KillHard kills the first process of the server, which can do nothing more; its children end when they notice. Until
// then [Server.Run] fails.
func (s *Server) KillHard() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// Run starts the server of the cluster, again after [Server.Halt].
func (s *Server) Run() error {
	args := []string{"-D", s.data(), "-k", s.dir, "-c", "listen_addresses="}
	for _, option := range []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100", "shared_buffers=128MB", "jit=off",
		"shared_preload_libraries=postgis-3"} { // else each connection loads it anew, which takes longer than most tests
		args = append(args, "-c", option)
	}
	for _, option := range s.options { // the last one holds
		args = append(args, "-c", option)
	}
	s.cmd = s.run(context.Background(), s.postgres, args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.ended = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // what it said is in the log
		close(s.ended)
	}()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := s.ask(10*time.Second, func(context.Context, *pgx.Conn) error { return nil })
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("start PostgreSQL: %w: %s", err, strings.TrimSpace(s.log.String()))
		default:
		}
		if time.Now().After(deadline) {
			s.Halt()
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
	}
}

func (s *Server) ask(timeout time.Duration, fn func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URI())
	if err != nil {
		return err
	}
	return errors.Join(fn(ctx, c), c.Close(ctx))
}

// Tidy does what the server would do by itself some minutes after a load: it clears up, takes new statistics and writes
// what it holds to its files.
func (s *Server) Tidy() error {
	for _, statement := range []string{"VACUUM ANALYZE", "CHECKPOINT"} { //nolint:misspell // SQL has its own
		err := s.ask(5*time.Minute, func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, statement)
			return err
		})
		if err != nil {
			return fmt.Errorf("tidy PostgreSQL: %w", err)
		}
	}
	return nil
}

// Halt ends the server, whose connections are cut; the cluster stays.
func (s *Server) Halt() {
	_ = s.cmd.Process.Signal(syscall.SIGINT) // a fast shutdown
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.ended
	}
}

// Stop ends the server and removes the cluster.
func (s *Server) Stop() {
	s.Halt()
	_ = os.RemoveAll(s.dir) // in the folder for temporary files
}
