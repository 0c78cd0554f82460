//go:build linux

package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// room is a folder in which only so much can be written.
type room struct {
	dir string
	// limit runs a command in it while there are so many KiB left; 0 for as many as it wants.
	limit func(t *testing.T, kib int, cmd *exec.Cmd) ran
	// full is what a command says that meets the limit.
	full string
}

// rooms are the ways to run out of room: a small file system where this user
// may mount one, and a limit on the size of a file, which every user can set.
func rooms(t *testing.T) map[string]room {
	t.Helper()
	all := map[string]room{}
	all["file size"] = room{t.TempDir(), func(t *testing.T, kib int, cmd *exec.Cmd) ran {
		t.Helper()
		if kib > 0 {
			// In POSIX the unit of ulimit -f is 512 bytes, in bash unless it is called sh 1024.
			args := append([]string{"-c", `ulimit -f "$1" && shift && exec "$@"`, "sh", strconv.Itoa(2 * kib)}, cmd.Args...)
			limited := exec.CommandContext(t.Context(), "/bin/sh", args...)
			limited.Env, limited.Stdin = cmd.Env, cmd.Stdin
			cmd = limited
		}
		return ranFrom(t, cmd)
	}, "may not grow"}
	dir := t.TempDir()
	if err := syscall.Mount("sarhad", dir, "tmpfs", 0, "size=1g"); err != nil {
		t.Logf("no file system may be mounted here (%v), so only a limit on the size of files is tried", err)
		return all
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	all["file system"] = room{dir, func(t *testing.T, kib int, cmd *exec.Cmd) ran {
		t.Helper()
		if kib == 0 {
			kib = 1 << 20
		}
		if err := syscall.Mount("sarhad", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dk", kib)); err != nil {
			t.Fatal(err)
		}
		r := ranFrom(t, cmd)
		if err := syscall.Mount("sarhad", dir, "tmpfs", syscall.MS_REMOUNT, "size=1g"); err != nil {
			t.Fatal(err)
		}
		return r
	}, "disk is full"}
	return all
}

func fresh(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	for _, n := range names {
		err = errors.Join(err, os.RemoveAll(n))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A disk that fills up during a load, wherever that is: it is said, the store
// is sound and has what was there before, and with more room the same command
// ends with the right rows.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	file, first, base, whole := generated(t, dir), filepath.Join(dir, "first.csv"), filepath.Join(dir, "base.gpkg"), filepath.Join(dir, "whole.gpkg")
	if err := os.WriteFile(first, []byte("id,date,district,fatalities\n1,2009-01-01,Khyber,3\n2,2009-01-02,Kurram,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "--store", base, "-q", "--dataset", "first", first)
	copyFile(t, base, whole)
	load := func(store string, more ...string) []string {
		return append([]string{"import", "--store", store, "-q", "--json", "--dataset", "list", file}, more...)
	}
	must(t, load(whole)...)
	before, want := storeHash(t, base), storeHash(t, whole)
	info, err := os.Stat(base)
	if err != nil {
		t.Fatal(err)
	}
	least := int(info.Size() / 1024)
	for name, in := range rooms(t) {
		for _, strict := range []bool{false, true} {
			met := 0
			steps := []int{20, 400, 5000, 9000, 13_000, 17_000}
			if strict {
				steps = []int{400, 5000}
			}
			for _, more := range steps {
				fresh(t, in.dir)
				store := filepath.Join(in.dir, "s.gpkg")
				copyFile(t, base, store)
				args := load(store)
				if strict {
					args = load(store, "--strict")
				}
				what := fmt.Sprintf("%s, %d KiB left, strict %v", name, more, strict)
				r := in.limit(t, least+more, program(t.Context(), t, args...))
				if r.code == exitOK {
					if storeHash(t, store) != want {
						t.Errorf("%s: it says it is done, and the rows are others", what)
					}
					continue
				}
				met++
				if r.code != exitFailed || !strings.Contains(r.said, in.full) || strings.Contains(r.said, "goroutine") {
					t.Errorf("%s: exit %d, says %q, want %q", what, r.code, r.said, in.full)
				}
				if got := asked(t, store, "PRAGMA integrity_check"); got != "ok" {
					t.Errorf("%s: %s", what, got)
				}
				if got := asked(t, store, "SELECT group_concat(source_id || coalesce(fatalities_best, '')) FROM incidents WHERE dataset = 'first'"); got != "13,2" {
					t.Errorf("%s: of what was there before is left %q", what, got)
				}
				if got := asked(t, store, "SELECT count(*) FROM incidents"); strict && got != "2" {
					t.Errorf("%s: all or nothing left %s rows", what, got)
				}
				if r := in.limit(t, 0, program(t.Context(), t, args...)); r.code != exitOK {
					t.Errorf("%s: with room again: exit %d, %s", what, r.code, r.said)
				}
				sound(t, store)
				if storeHash(t, store) != want {
					t.Errorf("%s: with room again the rows are others", what)
				}
			}
			t.Logf("%s, strict %v: %d loads met a full disk", name, strict, met)
			if met < 2 {
				t.Errorf("%s: only %d loads met a full disk", name, met)
			}
		}
		fresh(t, in.dir)
		store := filepath.Join(in.dir, "s.gpkg")
		if r := in.limit(t, 60, program(t.Context(), t, load(store)...)); r.code != exitFailed || !strings.Contains(r.said, in.full) {
			t.Errorf("%s: no room for a new store: exit %d, %s", name, r.code, r.said)
		}
		if r := in.limit(t, 0, program(t.Context(), t, "import", "--store", store, "-q", "--dataset", "first", first)); r.code != exitOK || storeHash(t, store) != before {
			t.Errorf("%s: the new store with room: exit %d, %s", name, r.code, r.said)
		}
	}
}

// No room for an undo, a removal, a backup, the report, the refused rows or what is unpacked:
// it is said, and nothing that was there is spoilt.
func TestFullDiskElsewhere(t *testing.T) {
	dir := t.TempDir()
	file, base := generated(t, dir), filepath.Join(dir, "base.gpkg")
	must(t, "import", "--store", base, "-q", file)
	before := storeHash(t, base)
	info, err := os.Stat(base)
	if err != nil {
		t.Fatal(err)
	}
	size := int(info.Size() / 1024)
	bad := filepath.Join(dir, "bad.csv")
	var rows strings.Builder
	rows.WriteString("id,date,district,notes\n")
	for i := range 50_000 {
		fmt.Fprintf(&rows, "%d,2009-02-31,Khyber,%s\n", i, strings.Repeat("x", 400))
	}
	rows.WriteString("good,2009-02-01,Khyber,\n")
	if err := os.WriteFile(bad, []byte(rows.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "in.csv", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, in := range rooms(t) {
		fails := func(what string, kib int, cmd *exec.Cmd, says string) {
			t.Helper()
			r := in.limit(t, kib, cmd)
			if r.code != exitFailed || !strings.Contains(r.said, says) || strings.Contains(r.said, "goroutine") {
				t.Errorf("%s, %s: exit %d, says %q, want %q", name, what, r.code, r.said, says)
			}
		}
		run := func(args ...string) *exec.Cmd { return program(t.Context(), t, args...) }
		store := filepath.Join(in.dir, "s.gpkg")
		copyFile(t, base, store)
		little := size + 64 // the limit on the size of files is for the log alone, which begins empty
		if name == "file size" {
			little = 40
		}
		fails("undo", little, run("undo", "--store", store, "1"), in.full)
		fails("remove", little, run("datasets", "remove", "--store", store, "synthetic"), in.full)
		sound(t, store)
		if storeHash(t, store) != before {
			t.Errorf("%s: an undo without room changed rows", name)
		}
		must(t, "undo", "--store", store, "1")
		sound(t, store)
		if got := asked(t, store, "SELECT count(*) FROM incidents"); got != "0" {
			t.Errorf("%s: %s rows after the undo", name, got)
		}
		fresh(t, in.dir)

		copied := filepath.Join(in.dir, "copy.gpkg")
		fails("backup", size/2, run("backup", "--store", base, copied), in.full)
		if _, err := os.Stat(copied); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: half a backup stayed (%v)", name, err)
		}

		rejects, report := filepath.Join(in.dir, "rejects.csv"), filepath.Join(in.dir, "report.json")
		for _, f := range []string{rejects, report} {
			if err := os.WriteFile(f, []byte("older"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		other := filepath.Join(dir, "other "+name+".gpkg")
		copyFile(t, base, other)
		little, says := 64, "no space left"
		if name == "file size" { // which is for the store, too
			little, says = size+100, "file too large"
		}
		fails("rejects", little, run("import", "--store", other, "-q", "--rejects", rejects, bad), says)
		if name != "file size" {
			fails("report", little, run("import", "--store", other, "-q", "--report", report, bad), says)
		}
		for _, f := range []string{rejects, report} {
			if text, err := os.ReadFile(f); err != nil || string(text) != "older" {
				t.Errorf("%s: %s was spoilt: %.20q, %v", name, f, text, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(in.dir, ".sarhad*")); len(left) > 0 {
			t.Errorf("%s: %s stayed", name, left)
		}
		sound(t, other)
		fresh(t, in.dir)

		cmd := run("import", "--store", other, "-q", "--dataset", "piped", "-")
		cmd.Env = append(cmd.Env, "TMPDIR="+in.dir)
		cmd.Stdin = bytes.NewReader(packed.Bytes())
		fails("unpacking", 256, cmd, says)
		if left, _ := filepath.Glob(filepath.Join(in.dir, "*")); len(left) > 0 {
			t.Errorf("%s: %s stayed", name, left)
		}
	}
}
