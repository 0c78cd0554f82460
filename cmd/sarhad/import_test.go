//go:build unix

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tried runs a command with something on standard input.
func tried(t *testing.T, stdin string, args ...string) (code int, out, said string) {
	t.Helper()
	cmd := program(t.Context(), t, args...)
	var o, s bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &o, &s
	if err := cmd.Run(); err != nil {
		if _, ok := err.(*exec.ExitError); !ok { //nolint:errorlint // Run wraps nothing
			t.Fatal(err)
		}
	}
	return cmd.ProcessState.ExitCode(), o.String(), s.String()
}

func written(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each input has a line, also one that fails, and the last line is their sum.
func TestImportLines(t *testing.T) {
	dir := t.TempDir()
	good := written(t, dir, "good.csv", "id,date,Casualties,Remarks\n1,2025-10-12,3,x\n2,2025-13-12,3,x\n")
	cut := written(t, dir, "cut.json", `[{"date":"2025-01-01"},{"date":"2025-01-02"},{"date":"x"},`)
	list := written(t, dir, "list.json", `[{"date":"2025-01-01"},{"date":"2025-01-02"},{"date":"x"}]`)
	report := filepath.Join(dir, "report.json")
	code, out, said := tried(t, "", "import", "--store", filepath.Join(dir, "s.gpkg"), "--json", "--report", report, good, cut, filepath.Join(dir, "none.csv"), list)
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	type line struct {
		Read, New, Rejected int
		Stored              bool
		File, Error         string
		Unread              []string
		Failed              *int
	}
	read := func(text string) (lines []line) {
		for l := range strings.Lines(text) {
			var x line
			if err := json.Unmarshal([]byte(l), &x); err != nil {
				t.Fatalf("%s: %v", l, err)
			}
			lines = append(lines, x)
		}
		return lines
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, lines := range [][]line{read(out), read(string(text))} {
		if len(lines) != 5 {
			t.Fatalf("%d lines: %+v", len(lines), lines)
		}
		if l := lines[0]; l.File != "good.csv" || l.Read != 2 || l.New != 1 || !l.Stored || l.Error != "" || !slices.Equal(l.Unread, []string{"Casualties", "Remarks"}) {
			t.Errorf("%+v", l)
		}
		if l := lines[1]; l.File != "cut.json" || l.Read != 0 || l.New != 0 || l.Rejected != 0 || l.Stored || !strings.Contains(l.Error, "cut") {
			t.Errorf("%+v", l)
		}
		if l := lines[2]; l.File != "none.csv" || l.Error != "no such file or directory" || l.Stored {
			t.Errorf("%+v", l)
		}
		if l := lines[4]; l.Read != 5 || l.New != 3 || l.Rejected != 2 || !l.Stored || l.Failed == nil || *l.Failed != 2 {
			t.Errorf("the sum: %+v", l)
		}
	}
	if !strings.Contains(string(text), `"unread":[],`) {
		t.Errorf("no empty list of unread columns: %s", text)
	}
	for _, want := range []string{
		"  not read: Casualties, Remarks\n", `warning: unread_column: nothing was read from the column "Casualties"`, "rejected: line 3, date ", "rejected: record 3, date ",
		": read up to record 3, then broken: the file is cut at feature 4", "unexpected EOF; nothing was stored\n", "none.csv: no such file or directory\n",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said:\n%s", want, said)
		}
	}
	if strings.Contains(said, "cut.json as ") || strings.Contains(said, "line 0") {
		t.Errorf("counts of what was not stored, or a line 0:\n%s", said)
	}
}

func TestReplaceWithRefused(t *testing.T) {
	dir := t.TempDir()
	file := written(t, dir, "f.csv", "id,date\n1,2025-10-12\n2,x\n")
	_, _, said := tried(t, "", "import", "--store", filepath.Join(dir, "s.gpkg"), "--replace-dataset", file)
	if !strings.Contains(said, "nothing was taken away, because 1 row was refused\n") || strings.Contains(said, "gone") {
		t.Error(said)
	}
}

func TestRejectsWithoutFolder(t *testing.T) {
	dir := t.TempDir()
	file, store := written(t, dir, "f.csv", "id,date\n1,2025-10-12\n"), filepath.Join(dir, "s.gpkg")
	for _, flag := range []string{"--rejects", "--report"} {
		code, _, said := tried(t, "", "import", "--store", store, flag, filepath.Join(dir, "no", "x"), file)
		if _, err := os.Stat(store); code != exitUsage || !strings.Contains(said, "there is no folder ") || !strings.HasSuffix(said, "nothing was loaded\n") || err == nil {
			t.Errorf("%d %s %v", code, said, err)
		}
	}
}

// Mended rows of --dataset and --map need neither again.
func TestMendedRows(t *testing.T) {
	dir := t.TempDir()
	store, rejects := filepath.Join(dir, "s.gpkg"), filepath.Join(dir, "r.csv")
	mapping := written(t, dir, "m.yml", "dates: dmy\nfields:\n  date: {column: Tag}\n  summary: {column: Text}\n")
	file := written(t, dir, "f.csv", "Tag,Text\n1.2.2025,a\n32.1.2025,b\n")
	if code, _, said := tried(t, "", "import", "--store", store, "--dataset", "foo", "--map", mapping, "--rejects", rejects, file); code != exitRejected {
		t.Fatal(code, said)
	}
	text, err := os.ReadFile(rejects)
	if err != nil {
		t.Fatal(err)
	}
	written(t, dir, "r.csv", strings.ReplaceAll(string(text), ",32.1.2025,b", ",3.2.2025,b"))
	code, out, said := tried(t, "", "import", "--store", store, "--json", rejects)
	if code != exitOK || !strings.Contains(out, `"new":1,`) || !strings.Contains(out, `"dataset":"foo","origin":{"import":1,"file":"f.csv","dataset":"foo","mapped":true}`) ||
		!strings.Contains(said, "rows refused of f.csv in import 1: taken into its dataset foo, read by its mapping\n") {
		t.Errorf("%d\n%s\n%s", code, out, said)
	}
}

// An export of several datasets comes back whole by standard input as well.
func TestSeveralByStdin(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "s.gpkg")
	must(t, "import", "--store", store, "-q", "--dataset", "one", written(t, dir, "f.csv", "id,date\n1,2025-10-12\n2,2025-10-13\n"))
	must(t, "import", "--store", store, "-q", "--dataset", "two", written(t, dir, "g.csv", "id,date\n1,2025-10-12\n"))
	export := must(t, "export", "--store", store, "--format", "csv")
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for _, in := range []string{export, "id,date\n1,2025-10-12\n"} {
		other := filepath.Join(dir, "other.gpkg")
		code, out, said := tried(t, in, "import", "--store", other, "--json", "-")
		if code != exitOK {
			t.Fatal(out, said)
		}
		if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
		back := must(t, "export", "--store", other, "--format", "csv")
		rows, err := csv.NewReader(strings.NewReader(back)).ReadAll()
		if err != nil || in == export && len(rows) != 4 {
			t.Errorf("%v %d rows\n%s", err, len(rows), out)
		}
	}
}
