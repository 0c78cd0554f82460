//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sarhad/data/postgis/pgtest"
)

// One PostgreSQL for all tests that need one; each store has a schema of its own.
var (
	database = sync.OnceValues(pgtest.Start)
	started  atomic.Bool
	schemas  atomic.Int64
)

// tests runs the tests and then ends what they have started.
type tests struct{ m *testing.M }

func (t tests) Run() int {
	code := t.m.Run()
	if started.Load() {
		if s, err := database(); err == nil {
			s.Stop()
		}
	}
	return code
}

// newDatabase gives the address of a store that is not there yet.
func newDatabase(t testing.TB) string {
	t.Helper()
	started.Store(true)
	s, err := database()
	pgtest.Check(t, err)
	return fmt.Sprintf("%s&schema=s%d_", s.URI(), schemas.Add(1))
}

var storeFile = regexp.MustCompile(`--store (\w+)\.gpkg`)

// The scripts say the same of a store in a database, but for what they mark as of files only.
func TestScriptsOnDatabase(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"import", "undo", "replace", "rejects", "gazetteer", "boundaries", "publish"} {
		text, err := os.ReadFile(filepath.Join("testdata/script", name+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		out := storeFile.ReplaceAllString(string(text), "--store $${PG}$1")
		if out == string(text) {
			t.Errorf("%s names no store", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".txtar"), []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runScripts(t, dir, false, func() string { return newDatabase(t) })
}

// Nothing that is delayed or blurred is told of a store in a database either.
func TestNothingLeaksOfDatabase(t *testing.T) {
	t.Run("index grid:0.1", func(t *testing.T) { testLeaks(t, newDatabase(t), "grid:0.1", true) })
	t.Run("no index district", func(t *testing.T) { testLeaks(t, newDatabase(t), "district", false) })
}

// No message says the password of an address, however badly that is written.
func TestPasswordIsNeverSaid(t *testing.T) {
	for i, address := range []string{
		"postgres://user:s3cretword@127.0.0.1:1/db",
		"postgres://user:s3cret@word@127.0.0.1:1/db",
		"postgres://user:s3cret/word@127.0.0.1:1/db",
		"postgres://user:s3cret#word@127.0.0.1:1/db",
		"postgres://user:12/s3cretword@127.0.0.1/db",
		"postgres://user:s3cret%word@127.0.0.1:1/db",
		"postgres://127.0.0.1:1/db?password=s3cretword&user=u",
		"postgres://u@127.0.0.1:1/db?password=s3cretword&sslmode=no-such",
		"postgres://u@127.0.0.1:1/db?sslpassword=s3cretword&schema=No",
		"postgres:user:s3cretword@127.0.0.1",
		"postgresql://user:s3cretword@127.0.0.1:port/db",
	} {
		commands := [][]string{{"datasets"}, {"undo", "--list"}, {"backup", "x.gpkg"}, {"migrate", "status"}, {"migrate", "up"}}
		if i < 2 { // these read the places first, which takes long
			commands = append(commands, []string{"import", "nothing.csv"}, []string{"export", "--format", "csv"}, []string{"geocode", "Kech"}, []string{"serve", "--listen", "127.0.0.1:0"})
		}
		for _, args := range commands {
			var out, said strings.Builder
			code := run(t.Context(), append(args, "--store", address), strings.NewReader(""), &out, &said)
			if code == exitOK || said.Len() == 0 {
				t.Errorf("%v of %s: exit %d, %q", args, address, code, said.String())
			}
			for _, part := range []string{"s3cret", "word@", "xxxxx"} {
				if strings.Contains(said.String(), part) {
					t.Errorf("%v says %q", args, said.String())
				}
			}
		}
	}
}

// What another process loads into the database of a server is seen within a second.
func TestServeDatabase(t *testing.T) {
	dir := t.TempDir()
	store := newDatabase(t)
	file := generated(t, dir)
	base := serve(t, "--store", store, "--index-dir", dir)
	var shown struct{ NumberMatched int }
	count := func(where string) int {
		t.Helper()
		get(t, base+"/collections/incidents/items?limit=1"+where, &shown)
		return shown.NumberMatched
	}
	if count("&dataset=demo") == 0 {
		t.Error("a new store has no demo")
	}
	demo := count("")
	for _, step := range []struct {
		want int
		args []string
	}{
		{demo + crashRows, []string{"import", "-q", "--dataset", "one", file}},
		{demo, []string{"datasets", "remove", "one"}},
		{0, []string{"datasets", "remove", "demo"}},
	} {
		must(t, append(step.args, "--store", store)...)
		for end := time.Now().Add(time.Second); count("") != step.want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("a second after %v %d incidents are shown, want %d", step.args, count(""), step.want)
			}
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, "sarhad-*-index")); err != nil || len(files) != 1 {
		t.Errorf("files of the index: %v, %v", files, err)
	}
	if r := ranFrom(t, program(t.Context(), t, "serve", "--store", store, "--write-token", strings.Repeat("t", 20))); r.code != exitUsage || !strings.Contains(r.said, "--upload-dir") {
		t.Errorf("without a folder for uploads: exit %d, %s", r.code, r.said)
	}
}

// A store goes from a file to a database and back, killed on the way, and is the same.
func TestCopyThereAndBack(t *testing.T) {
	dir := t.TempDir()
	file, from, back := generated(t, dir), filepath.Join(dir, "from.gpkg"), filepath.Join(dir, "back.gpkg")
	there := newDatabase(t)
	must(t, "import", "--store", from, "-q", "--dataset", "list", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	next := filepath.Join(dir, "next.csv")
	lines := strings.SplitAfter(strings.Replace(string(text), "Synthetic: ", "Again: ", 9000), "\n")
	if err := os.WriteFile(next, []byte(strings.Join(lines[:20_000], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "import", "--store", from, "-q", "--dataset", "list", "--replace-dataset", next)
	must(t, "datasets", "set", "list", "--store", from, "--licence", "CC0", "--public", "items")
	killed := 0
	step := func(from, to string) string {
		t.Helper()
		args := []string{"copy", "-q", from, to}
		for _, after := range moments(3, 2*time.Second, 4) {
			if kill(t, after, nil, args...) {
				killed++
			}
		}
		out := strings.Split(strings.TrimSpace(must(t, args...)), "\n")
		if again := strings.Split(strings.TrimSpace(must(t, args...)), "\n"); !slices.Equal(out, again) {
			t.Errorf("the same command again says %q, before %q", again, out)
		}
		_, one, _ := strings.Cut(out[0], "content ")
		_, other, _ := strings.Cut(out[len(out)-1], "content ")
		if len(out) != 2 || len(one) != 64 || one != other {
			t.Errorf("the copy says %q", out)
		}
		return one
	}
	if a, b := step(from, there), step(there, back); a != b {
		t.Errorf("there it has content %s, back %s", a, b)
	}
	t.Logf("killed %d times", killed)
	sound(t, back)
	if storeHash(t, from) != storeHash(t, back) {
		t.Error("the rows are others")
	}
	if a, b := must(t, "undo", "--list", "--json", "--store", from), must(t, "undo", "--list", "--json", "--store", back); a != b {
		t.Errorf("the records of imports were\n%s and are\n%s", a, b)
	}
	for _, store := range []string{from, there, back} {
		if out := must(t, "undo", "--store", store, "2"); !strings.Contains(out, "restored") {
			t.Errorf("undo in %s: %s", store, out)
		}
	}
	if storeHash(t, from) != storeHash(t, back) {
		t.Error("after the undo the rows are others")
	}
	for _, args := range [][]string{{from, from}, {filepath.Join(dir, "none.gpkg"), back}} {
		if r := ranFrom(t, program(t.Context(), t, append([]string{"copy"}, args...)...)); r.code == exitOK {
			t.Errorf("copy %v: %s", args, r.out)
		}
	}
	must(t, "import", "--store", from, "-q", "--dataset", "other", next)
	if r := ranFrom(t, program(t.Context(), t, "copy", from, there)); r.code != exitFailed || !strings.Contains(r.said, "holds something already") {
		t.Errorf("to a store that holds something else: exit %d, %s", r.code, r.said)
	}
}

// A server writes to the primary and reads from a replica; who wrote can ask to read what was written, and a replica
// that dies is not missed.
func TestServeReplica(t *testing.T) {
	dir := t.TempDir()
	store := newDatabase(t)
	primary, err := database()
	if err != nil {
		t.Fatal(err)
	}
	standby, err := primary.Standby()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.Stop)
	replica := standby.URI() + store[len(primary.URI()):]
	base := serve(t, "--store", store, "--read-store", replica, "--index-dir", dir, "--no-demo")
	file := generated(t, dir)
	count := func(atLeast int64) int {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, base+"/collections/incidents/items?limit=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sarhad-At-Least", strconv.FormatInt(atLeast, 10))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var shown struct{ NumberMatched int }
		change, err := strconv.ParseInt(resp.Header.Get("Sarhad-Change"), 10, 64)
		if err != nil || change < atLeast || resp.StatusCode != http.StatusOK {
			t.Fatalf("at least %d: %s, change %d, %v", atLeast, resp.Status, change, err)
		}
		if err := json.NewDecoder(resp.Body).Decode(&shown); err != nil {
			t.Fatal(err)
		}
		return shown.NumberMatched
	}
	var loaded struct{ Change int64 }
	load := func(dataset string) {
		t.Helper()
		out := must(t, "import", "-q", "--json", "--store", store, "--dataset", dataset, file)
		if err := json.Unmarshal([]byte(out), &loaded); err != nil || loaded.Change == 0 {
			t.Fatalf("%s: %v", out, err)
		}
	}
	load("one")
	if n := count(loaded.Change); n != crashRows {
		t.Errorf("%d incidents right after the load, want %d", n, crashRows)
	}
	standby.Kill()
	if n := count(loaded.Change); n != crashRows {
		t.Errorf("%d incidents right after the replica died", n)
	}
	load("two")
	if n := count(loaded.Change); n != 2*crashRows {
		t.Errorf("%d incidents without a replica, want %d", n, 2*crashRows)
	}
	if err := standby.Run(); err != nil {
		t.Fatal(err)
	}
	load("three")
	if n := count(loaded.Change); n != 3*crashRows {
		t.Errorf("%d incidents with the replica back, want %d", n, 3*crashRows)
	}
	if r := ranFrom(t, program(t.Context(), t, "serve", "--store", filepath.Join(dir, "s.gpkg"), "--read-store", replica)); r.code != exitFailed || !strings.Contains(r.said, "no replicas") {
		t.Errorf("replicas of a file: exit %d, %s", r.code, r.said)
	}
}
