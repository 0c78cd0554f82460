//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const brokenDir = "../../data/source/testdata/broken"

// loaded runs an import and gives its exit code, its report and what it says.
func loaded(t *testing.T, store, dataset, file, stdin string) (code int, report struct{ Read, New, Rejected int }, said string) {
	t.Helper()
	cmd := program(t.Context(), t, "import", "--store", store, "--json", "--quiet", "--dataset", dataset, file)
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaints
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); lines[0] != "" {
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
	}
	return cmd.ProcessState.ExitCode(), report, complaints.String()
}

// Every file of the corpus by the real command: what is good is in, what is
// refused is counted, and of a file that is refused nothing stays.
func TestBrokenFiles(t *testing.T) {
	f, err := os.Open(filepath.Join(brokenDir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(t.TempDir(), "s.gpkg")
	want := map[string]int{}
	for i, l := range lines[1:] {
		file, says := l[0], l[3]
		rows, err := strconv.Atoi(l[1])
		if err != nil {
			t.Fatal(err)
		}
		rejected := len(strings.Fields(l[2]))
		dataset := fmt.Sprint("f", i)
		code, report, said := loaded(t, store, dataset, filepath.Join(brokenDir, file), "")
		switch {
		case says != "":
			if code != exitFailed || !strings.Contains(said, says) {
				t.Errorf("%s: exit %d, says %q, want %q", file, code, said, says)
			}
		case report.Rejected != rejected || report.Read < rows+rejected || code != map[bool]int{true: exitRejected}[rejected > 0]:
			t.Errorf("%s: exit %d, %+v, want %d rows and %d refused (%s)", file, code, report, rows, rejected, said)
		default:
			want[dataset] = report.New
		}
	}
	out, err := program(t.Context(), t, "datasets", "--store", store).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for i := range lines[1:] {
		dataset := fmt.Sprint("f", i)
		got := 0
		for line := range strings.Lines(string(out)) {
			if cells := strings.Fields(line); len(cells) > 1 && cells[0] == dataset {
				got, _ = strconv.Atoi(cells[1])
			}
		}
		if got != want[dataset] {
			t.Errorf("%s: %d rows are in the store, want %d", lines[1+i][0], got, want[dataset])
		}
	}
}

// A folder is none to read; a named pipe and standard input are read like a file.
func TestOddFiles(t *testing.T) {
	dir := t.TempDir()
	store, pipe := filepath.Join(dir, "s.gpkg"), filepath.Join(dir, "pipe.zip")
	if code, _, said := loaded(t, store, "folder", dir, ""); code != exitFailed || !strings.Contains(said, "folder") {
		t.Errorf("a folder: exit %d, %s", code, said)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("SKIPPED: no named pipes here: ", err)
	}
	for _, name := range []string{"one.zip", "sheet.xlsx", "crlf.csv"} {
		text, err := os.ReadFile(filepath.Join(brokenDir, name))
		if err != nil {
			t.Fatal(err)
		}
		wrote := make(chan error)
		go func() {
			w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
			if err == nil {
				_, err = w.Write(text)
				err = errors.Join(err, w.Close())
			}
			wrote <- err
		}()
		if _, report, said := loaded(t, store, "pipe-"+name, pipe, ""); report.New == 0 {
			t.Errorf("%s through a named pipe: %+v %s", name, report, said)
		}
		if err := <-wrote; err != nil {
			t.Error(err)
		}
		if _, report, said := loaded(t, store, "stdin-"+name, "-", string(text)); report.New == 0 {
			t.Errorf("%s on standard input: %+v %s", name, report, said)
		}
	}
}
