//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ran is what became of a command.
type ran struct {
	code      int
	out, said string
}

func ranFrom(t *testing.T, cmd *exec.Cmd) ran {
	t.Helper()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{cmd.ProcessState.ExitCode(), out.String(), said.String()}
}

// must runs a command that has to succeed and gives its standard output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	r := ranFrom(t, program(t.Context(), t, args...))
	if r.code != exitOK {
		t.Fatalf("sarhad %s: exit %d\n%s", strings.Join(args, " "), r.code, r.said)
	}
	return r.out
}

// asked asks another program's question of a store without opening it as one.
func asked(t *testing.T, store, question string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+store+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var answer sql.NullString
	if err := db.QueryRow(question).Scan(&answer); err != nil && !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%s: %v", question, err)
	}
	return answer.String
}

// storeHash is the SHA-256 of all incidents of a store sorted by id, but for
// what says which load brought them: the number of the row, the import, the
// file and the line in it.
func storeHash(t *testing.T, store string) string {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+store+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var columns string
	if err := db.QueryRow(`SELECT group_concat('quote(' || name || ')', '||'',''||') FROM pragma_table_info('incidents')
		WHERE name NOT IN ('fid', 'import_id', 'file', 'line')`).Scan(&columns); err != nil {
		t.Fatal(err)
	}
	rows, err := db.Query("SELECT " + columns + " FROM incidents ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	h := sha256.New()
	for rows.Next() {
		var row sql.RawBytes
		if err := rows.Scan(&row); err != nil {
			t.Fatal(err)
		}
		h.Write(row)
		h.Write([]byte{'\n'})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sound fails unless the file of a store is whole in itself: pages and
// indexes, one row for each id, sums that agree with the rows.
func sound(t *testing.T, store string) {
	t.Helper()
	for question, want := range map[string]string{
		"PRAGMA integrity_check":                              "ok",
		"SELECT count(*) - count(DISTINCT id) FROM incidents": "0",
		"SELECT coalesce(sum(incidents), 0) - (SELECT count(*) FROM incidents) FROM dataset_places": "0",
		"SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'incidents'":        "3",
		"SELECT count(*) FROM imports WHERE state = 'running'":                                      "0",
		"SELECT count(*) FROM imports WHERE finished IS NULL":                                       "0",
	} {
		if got := asked(t, store, question); got != want {
			t.Errorf("%s: %s, want %s", question, got, want)
		}
	}
}

// kill starts a command and kills it after a while, or as soon as at says so
// where that is not nil. It reports whether the command was still at work.
func kill(t *testing.T, after time.Duration, at func() bool, args ...string) bool {
	t.Helper()
	cmd := program(t.Context(), t, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		due := time.Since(start) >= after
		if at != nil {
			due = at()
		}
		if due {
			_ = cmd.Process.Kill() // it may have ended by itself
			<-ended
			return !cmd.ProcessState.Exited()
		}
		wait := 500 * time.Microsecond // between two looks
		if at == nil {
			wait = after - time.Since(start)
		}
		select {
		case <-ended:
			if at != nil && cmd.ProcessState.ExitCode() < 0 {
				t.Fatalf("it died by itself: %s", said.String())
			}
			return false
		case <-time.After(wait):
		}
	}
}

// when is true as soon as a question to a store that may not be there yet gives 1.
func when(store, question string) func() bool {
	var db *sql.DB
	return func() bool {
		if db == nil {
			if _, err := os.Stat(store); err != nil {
				return false
			}
			db, _ = sql.Open("sqlite3", "file:"+store+"?mode=ro")
		}
		var yes int
		if err := db.QueryRow(question).Scan(&yes); err != nil || yes != 1 { // it is not a store yet
			return false
		}
		_ = db.Close()
		return true
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// moments are spread at random over a time, one in each of n equal parts.
func moments(n int, total time.Duration, seed uint64) []time.Duration {
	rng := rand.New(rand.NewPCG(seed, 5))
	list := make([]time.Duration, n)
	for i := range list {
		list[i] = time.Duration((float64(i) + rng.Float64()) / float64(n) * float64(total))
	}
	return list
}

const crashRows = 24_000

// generated writes the file that these tests load.
func generated(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "in.csv")
	must(t, "generate", "--rows", strconv.Itoa(crashRows), "--seed", "3", "-o", file)
	return file
}

// timed runs a command that has to succeed and says how long it took.
func timed(t *testing.T, args ...string) time.Duration {
	t.Helper()
	start := time.Now()
	must(t, args...)
	return time.Since(start)
}

// Wherever a load is killed, the same command afterwards ends with exactly the right rows.
func TestKilledAnywhere(t *testing.T) {
	dir := t.TempDir()
	file, whole := generated(t, dir), filepath.Join(dir, "whole.gpkg")
	load := func(store string) []string { return []string{"import", "--store", store, "-q", "--json", file} }
	took := min(timed(t, load(filepath.Join(dir, "first.gpkg"))...), timed(t, load(whole)...))
	want := storeHash(t, whole)
	states := map[string]int{}
	check := func(name string, after time.Duration, at func(store string) func() bool) {
		t.Run(name, func(t *testing.T) {
			store := filepath.Join(t.TempDir(), "s.gpkg")
			var look func() bool
			if at != nil {
				look = at(store)
			}
			kill(t, after, look, load(store)...)
			state := "no store"
			_, making := os.Stat(store + "-journal") // while the tables are being made; who only reads cannot take that back
			if info, err := os.Stat(store); err == nil && info.Size() > 0 && making != nil && asked(t, store, "SELECT count(*) FROM sqlite_master WHERE name = 'imports'") == "1" {
				state = asked(t, store, "SELECT coalesce((SELECT state || ' ' || rows_new FROM imports), 'before it began')")
				if got := asked(t, store, "SELECT coalesce((SELECT rows_new FROM imports), 0) - count(*) FROM incidents"); got != "0" {
					t.Errorf("the record is off by %s rows", got)
				}
				if got := asked(t, store, "PRAGMA integrity_check"); got != "ok" {
					t.Errorf("right after the kill: %s", got)
				}
			}
			states[state]++
			out := must(t, load(store)...)
			if !strings.Contains(out, fmt.Sprintf(`"read":%d`, crashRows)) || !strings.Contains(out, `"changed":0`) || !strings.Contains(out, `"rejected":0`) {
				t.Errorf("the load after the kill (%s): %s", state, out)
			}
			sound(t, store)
			if got := asked(t, store, "SELECT count(*) FROM incidents"); got != strconv.Itoa(crashRows) {
				t.Errorf("killed in state %q: %s rows", state, got)
			}
			if storeHash(t, store) != want {
				t.Errorf("killed in state %q: the rows are not those of a load that nobody disturbed", state)
			}
			if got := asked(t, store, "SELECT group_concat(state) FROM (SELECT state FROM imports ORDER BY fid)"); got != "done" && got != "failed,done" && got != "done,done" {
				t.Errorf("records of imports: %s", got)
			}
		})
	}
	for i, after := range moments(20, took, 1) {
		check(fmt.Sprint("moment", i), after, nil)
	}
	check("begun", 0, func(store string) func() bool { return when(store, "SELECT count(*) FROM imports") })
	check("first batch", 0, func(store string) func() bool { return when(store, "SELECT rows_new > 0 FROM imports") })
	check("indexes", 0, func(store string) func() bool {
		return when(store, fmt.Sprintf("SELECT rows_new = %d FROM imports", crashRows))
	})
	t.Logf("the load takes %v; killed in %v", took, states)
	if len(states) < 4 {
		t.Errorf("the kills met only the states %v", states)
	}
}

// A reload that changes rows and takes some away, killed anywhere, goes on;
// undoing its parts gives back what was there before.
func TestKilledReload(t *testing.T) {
	dir := t.TempDir()
	file, base := generated(t, dir), filepath.Join(dir, "base.gpkg")
	must(t, "import", "--store", base, "-q", "--dataset", "list", file)
	before := storeHash(t, base)
	next := filepath.Join(dir, "next.csv")
	in, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(in), "\n")
	changed, gone := 0, 0
	for i := 1; i < len(lines)-1; i++ {
		switch {
		case i%5 == 0:
			lines[i] = strings.Replace(lines[i], "Synthetic: ", "Synthetic again: ", 1)
			changed++
		case i%7 == 0:
			lines[i] = ""
			gone++
		}
	}
	if err := os.WriteFile(next, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, replace := range []bool{false, true} {
		load := func(store string) []string {
			args := []string{"import", "--store", store, "-q", "--json", "--dataset", "list", next}
			if replace {
				args = append(args, "--replace-dataset")
			}
			return args
		}
		whole := filepath.Join(dir, fmt.Sprint("whole", replace, ".gpkg"))
		copyFile(t, base, whole)
		took := timed(t, load(whole)...)
		want, rows := storeHash(t, whole), crashRows
		if want == before {
			t.Fatal("the reload changes nothing")
		}
		if replace {
			rows -= gone
		}
		for i, after := range moments(3, took, 2) {
			t.Run(fmt.Sprint("replace=", replace, " moment", i), func(t *testing.T) {
				store := filepath.Join(t.TempDir(), "s.gpkg")
				copyFile(t, base, store)
				t.Log("at work: ", kill(t, after, nil, load(store)...))
				must(t, load(store)...)
				sound(t, store)
				if got := asked(t, store, "SELECT count(*) FROM incidents"); got != strconv.Itoa(rows) {
					t.Errorf("%s rows, want %d", got, rows)
				}
				if storeHash(t, store) != want {
					t.Error("the rows are not those of a reload that nobody disturbed")
				}
				if got := asked(t, store, "SELECT sum(rows_changed) FROM imports WHERE fid > 1"); got != strconv.Itoa(changed) {
					t.Errorf("the records have %s changed rows, want %d", got, changed)
				}
				for id := range strings.SplitSeq(asked(t, store, "SELECT group_concat(fid) FROM imports WHERE fid > 1"), ",") {
					must(t, "undo", "--store", store, id)
				}
				sound(t, store)
				if storeHash(t, store) != before {
					t.Error("after the undo the rows are not what they were before")
				}
			})
		}
	}
}

// An undo that is killed was done wholly or not at all, and can be asked for again.
func TestKilledUndo(t *testing.T) {
	dir := t.TempDir()
	file, base := generated(t, dir), filepath.Join(dir, "base.gpkg")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(dir, "first.csv")
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(first, []byte(strings.ReplaceAll(strings.Join(lines[:12_000], ""), "Synthetic: ", "First: ")), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "--store", base, "-q", "--dataset", "list", first)
	undone := storeHash(t, base)
	must(t, "import", "--store", base, "-q", "--dataset", "list", file)
	loaded := storeHash(t, base)
	whole := filepath.Join(dir, "whole.gpkg")
	copyFile(t, base, whole)
	took := timed(t, "undo", "--store", whole, "2")
	if storeHash(t, whole) != undone {
		t.Fatal("the undo does not give back what was there")
	}
	for i, after := range moments(4, took, 3) {
		store := filepath.Join(dir, fmt.Sprint("s", i, ".gpkg"))
		copyFile(t, base, store)
		kill(t, after, nil, "undo", "--store", store, "2")
		state, hash := asked(t, store, "SELECT state FROM imports WHERE fid = 2"), storeHash(t, store)
		if want := map[string]string{"done": loaded, "undone": undone}[state]; hash != want {
			t.Errorf("moment %d: the import is %s and the rows are others", i, state)
		}
		r := ranFrom(t, program(t.Context(), t, "undo", "--store", store, "2"))
		if again := state == "undone"; again != (r.code == exitFailed) || again && !strings.Contains(r.said, "undone before") {
			t.Errorf("moment %d: the undo of an import that is %s: exit %d, %s", i, state, r.code, r.said)
		}
		sound(t, store)
		if storeHash(t, store) != undone {
			t.Errorf("moment %d: after the second undo the rows are others", i)
		}
	}
}

// Of a file that is broken at its end nothing stays, also if the process is
// killed while it takes back what it has stored.
func TestKilledRevert(t *testing.T) {
	dir := t.TempDir()
	file, base := generated(t, dir), filepath.Join(dir, "base.gpkg")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, cut := filepath.Join(dir, "first.csv"), filepath.Join(dir, "cut.csv.gz")
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(first, []byte(strings.ReplaceAll(strings.Join(lines[:4000], ""), "Synthetic: ", "First: ")), 0o600); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, packed.Bytes()[:packed.Len()-9], 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "--store", base, "-q", "--dataset", "list", first)
	want := storeHash(t, base)
	load := func(store string) []string {
		return []string{"import", "--store", store, "-q", "--dataset", "list", cut}
	}
	for i, question := range []string{
		"SELECT count(*) FROM meta WHERE key = 'revert'",
		"SELECT count(*) FROM imports WHERE fid = 2 AND state = 'failed'",
	} {
		store := filepath.Join(dir, fmt.Sprint("s", i, ".gpkg"))
		copyFile(t, base, store)
		atWork := kill(t, 0, when(store, question), load(store)...)
		left := asked(t, store, "SELECT count(*) FROM incidents")
		t.Logf("at work: %v, with %s rows", atWork, left)
		if i == 0 && left == "3999" {
			t.Log("it was reverted before the kill")
		}
		must(t, "datasets", "--store", store) // whoever opens the store next ends it
		sound(t, store)
		if storeHash(t, store) != want {
			t.Errorf("after a kill at %q rows of the broken file are left", question)
		}
		if got := asked(t, store, "SELECT state || rows_new || rows_changed FROM imports WHERE fid = 2"); got != "failed00" {
			t.Errorf("the record of the broken file: %s", got)
		}
		if r := ranFrom(t, program(t.Context(), t, load(store)...)); r.code != exitFailed {
			t.Errorf("the broken file again: exit %d, %s", r.code, r.said)
		}
		if storeHash(t, store) != want {
			t.Error("after the broken file again there are other rows")
		}
	}
}
