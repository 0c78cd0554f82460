//go:build unix

package main

import (
	"bytes"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asOrdinaryUser makes a command run as one who may not write where modes
// forbid it, which for root they do not.
func asOrdinaryUser(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	return cmd
}

// letIn lets every user into a folder of the test and up to it.
func letIn(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the test is about modes
			t.Fatal(err)
		}
	}
}

// snapshot has a sum of each file in a folder. Another process takes it: when
// one closes a file, all its locks on that file are gone.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, "-shm") { // where locks are kept
			return err
		}
		out, err := exec.CommandContext(t.Context(), "cksum", path).Output()
		all[path] = string(out)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A store that cannot be used: it is said why, with exit code 1, and nothing changes.
func TestStoreThatCannotBeUsed(t *testing.T) {
	top := t.TempDir()
	letIn(t, top)
	file := filepath.Join(top, "in.csv")
	if err := os.WriteFile(file, []byte("id,date,district\n1,2009-01-01,Khyber\n2,2009-01-02,Kurram\n"), 0o644); err != nil { //nolint:gosec // another user reads it
		t.Fatal(err)
	}
	good := filepath.Join(top, "good.gpkg")
	must(t, "import", "--store", good, "-q", "--dataset", "list", file)
	large := filepath.Join(top, "large.gpkg")
	must(t, "import", "--store", large, "-q", generated(t, t.TempDir()))
	// The program itself, where every user may run it.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(top, "program")
	copyFile(t, self, binary)
	for f, mode := range map[string]fs.FileMode{binary: 0o755, good: 0o644, large: 0o644} {
		if err := os.Chmod(f, mode); err != nil {
			t.Fatal(err)
		}
	}
	change := func(store, sql string) {
		t.Helper()
		if out := exchange(t, store, sql); out != nil {
			t.Fatal(out)
		}
	}
	for _, c := range []struct {
		name string
		// prepare makes the store in a folder of its own; what it returns is called in the end.
		prepare func(t *testing.T, dir, store string) func()
		says    string
		all     bool // also what only reads fails
	}{
		{"a folder that may not be written", func(t *testing.T, dir, store string) func() {
			copyFile(t, good, store)
			check(t, os.Chmod(store, 0o666), os.Chmod(dir, 0o555))
			return func() { check(t, os.Chmod(dir, 0o755)) }
		}, "may not be", true},
		{"a new store in a folder that may not be written", func(t *testing.T, dir, _ string) func() {
			check(t, os.Chmod(dir, 0o555))
			return func() { check(t, os.Chmod(dir, 0o755)) }
		}, "may not be", true},
		{"a file that may not be written", func(t *testing.T, dir, store string) func() {
			copyFile(t, good, store)
			check(t, os.Chmod(store, 0o444), os.Chmod(dir, 0o777))
			return func() {}
		}, "read-only", true},
		{"a file that may not be read", func(t *testing.T, dir, store string) func() {
			copyFile(t, good, store)
			check(t, os.Chmod(store, 0), os.Chmod(dir, 0o777))
			return func() { check(t, os.Chmod(store, 0o600)) }
		}, "may not be", true},
		{"a store locked by another program", func(t *testing.T, dir, store string) func() {
			copyFile(t, good, store)
			check(t, os.Chmod(store, 0o666), os.Chmod(dir, 0o777))
			db, err := sql.Open("sqlite3", "file:"+store)
			check(t, err)
			db.SetMaxOpenConns(1)
			for _, q := range []string{"PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "UPDATE meta SET value = value"} {
				_, err := db.Exec(q)
				check(t, err)
			}
			return func() {
				_, err := db.Exec("ROLLBACK")
				check(t, err, db.Close())
			}
		}, "locked by another process", true},
		{"a store of a newer version", func(t *testing.T, dir, store string) func() {
			copyFile(t, good, store)
			change(store, "INSERT INTO migrations VALUES (99, 'later', '')")
			check(t, os.Chmod(store, 0o666), os.Chmod(dir, 0o777))
			return func() {}
		}, "newer Sarhad", true},
		{"a folder", func(t *testing.T, dir, store string) func() {
			check(t, os.Chmod(dir, 0o777), os.Mkdir(store, 0o755))
			return func() {}
		}, "is a folder", true},
		{"a damaged store", func(t *testing.T, dir, store string) func() {
			text, err := os.ReadFile(large)
			check(t, err)
			for i := len(text) / 4; i < len(text)*3/4; i++ {
				text[i] ^= 0x5a
			}
			check(t, os.WriteFile(store, text, 0o666), os.Chmod(store, 0o666), os.Chmod(dir, 0o777))
			return func() {}
		}, "damaged", false},
		{"a store cut short", func(t *testing.T, dir, store string) func() {
			text, err := os.ReadFile(large)
			check(t, err)
			check(t, os.WriteFile(store, text[:len(text)/3], 0o666), os.Chmod(store, 0o666), os.Chmod(dir, 0o777))
			return func() {}
		}, "damaged", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			check(t, os.Mkdir(dir, 0o755))
			letIn(t, dir)
			store := filepath.Join(dir, "s.gpkg")
			end := c.prepare(t, dir, store)
			defer end()
			var before map[string]string
			if os.Getuid() == 0 || !strings.Contains(c.name, "read") {
				before = snapshot(t, dir)
			}
			for _, args := range [][]string{
				{"import", "--store", store, "-q", "--dataset", "list", "--replace-dataset", file},
				{"datasets", "--store", store},
				{"undo", "--store", store, "1"},
				{"backup", "--store", store, filepath.Join(dir, "copy.gpkg")},
			} {
				if strings.Contains(c.name, "locked") && args[0] != "import" && args[0] != "undo" {
					continue // each waits for 5 seconds
				}
				cmd := asOrdinaryUser(t, exec.CommandContext(t.Context(), binary, args...))
				cmd.Env = append(os.Environ(), asProgram+"=1")
				cmd.Dir = top
				r := ranFrom(t, cmd)
				if args[0] != "import" && !c.all && r.code == exitOK {
					continue // it met nothing of the damage
				}
				missing := args[0] != "import" && strings.Contains(r.said, "there is no store")
				if r.code != exitFailed || !strings.Contains(r.said, c.says) && !missing || strings.Contains(r.said, "goroutine") {
					t.Errorf("%s: exit %d, says %q, want %q", args[0], r.code, r.said, c.says)
				}
			}
			if before == nil || !c.all {
				return
			}
			after := snapshot(t, dir)
			for path, text := range before {
				if after[path] != text {
					t.Errorf("%s was changed", path)
				}
			}
		})
	}
}

// exchange runs one statement of another program on a store.
func exchange(t *testing.T, store, statement string) error {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+store)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// A named pipe in the place of the store is no store; as the input it is read to its end, also where it breaks off.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	store, pipe := filepath.Join(dir, "s.gpkg"), filepath.Join(dir, "pipe")
	check(t, syscall.Mkfifo(pipe, 0o600))
	file, err := os.ReadFile(generated(t, dir))
	check(t, err)
	for _, cut := range []int{len(file), bytes.LastIndexByte(file[:len(file)/2], '\n') + 1, 0} {
		wrote := make(chan error, 1)
		go func() {
			w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
			if err == nil {
				_, err = w.Write(file[:cut])
				err = errors.Join(err, w.Close())
			}
			wrote <- err
		}()
		r := ranFrom(t, program(t.Context(), t, "import", "--store", store, "-q", "--dataset", "piped", pipe))
		check(t, <-wrote)
		if ok := cut > 0; ok != (r.code == exitOK) {
			t.Errorf("%d bytes through a pipe: exit %d, %s", cut, r.code, r.said)
		}
		sound(t, store)
	}
	for _, args := range [][]string{{"import", "--store", pipe, "-q", filepath.Join(dir, "in.csv")}, {"datasets", "--store", pipe}} {
		r := ranFrom(t, program(t.Context(), t, args...))
		if r.code != exitFailed || !strings.Contains(r.said, "not a Sarhad store") {
			t.Errorf("%v: exit %d, %s", args, r.code, r.said)
		}
	}
}
