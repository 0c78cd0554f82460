package upload

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"sarhad/data/gpkg"
	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/incident"
)

// house is a store with a queue of uploads.
type house struct {
	*Queue
	t     *testing.T
	dir   string
	store *gpkg.Store
	stop  func() // ends Run and waits for it
}

func openStore(t *testing.T, dir string) *gpkg.Store {
	t.Helper()
	st, err := gpkg.Open(t.Context(), filepath.Join(dir, "s.gpkg"), gpkg.Options{BusyTimeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// open opens what lies in a folder, without running it.
func open(t *testing.T, dir string, change func(*Options)) *house {
	t.Helper()
	h := &house{t: t, dir: dir, store: openStore(t, dir), stop: func() {}}
	opt := Options{Dir: filepath.Join(dir, "spool"), Store: h.store, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&opt)
	}
	var err error
	if h.Queue, err = Open(t.Context(), opt); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func (h *house) run() *house {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { h.Run(ctx) })
	h.stop = func() { cancel(); wg.Wait() }
	h.t.Cleanup(h.stop)
	return h
}

func (h *house) submit(u incident.Upload, body string) incident.Job {
	h.t.Helper()
	j, err := h.Submit(h.t.Context(), u, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	return j
}

// await waits for a state of a job.
func (h *house) await(id string, want ...incident.JobState) incident.Job {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	for j, err := range h.Watch(ctx, id) {
		if err != nil {
			h.t.Fatalf("watch %s: %v", id, err)
		}
		if slices.Contains(want, j.State) {
			break
		}
	}
	j, err := h.Job(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	if !slices.Contains(want, j.State) {
		h.t.Fatalf("the job is %s, not %s: %+v", j.State, want, j)
	}
	return j
}

func (h *house) done(id string) incident.Job {
	h.t.Helper()
	return h.await(id, incident.JobDone)
}

func (h *house) count() int {
	h.t.Helper()
	n, err := h.store.Count(h.t.Context(), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// files lists the spool but for its lock.
func (h *house) files() (names []string) {
	h.t.Helper()
	all, err := os.ReadDir(filepath.Join(h.dir, "spool"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.t.Fatal(err)
	}
	for _, f := range all {
		if f.Name() != lockName {
			names = append(names, f.Name())
		}
	}
	return names
}

func (h *house) code(err error, want incident.Code, words string) {
	h.t.Helper()
	if incident.CodeOf(err) != want || !strings.Contains(fmt.Sprint(err), words) {
		h.t.Errorf("want %s with %q, got %v", want, words, err)
	}
}

func synthetic(t *testing.T, rows int) string {
	t.Helper()
	var b strings.Builder
	if err := source.Generate(&b, rows, 3); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// gate holds the row of a number until it is opened, so that a load stands still.
type gate struct {
	at      int
	n       int
	reached chan struct{}
	open    chan struct{}
}

func newGate(at int) *gate {
	return &gate{at: at, reached: make(chan struct{}, 1), open: make(chan struct{})}
}

func (g *gate) locator(string) ingest.Locator { g.n = 0; return g }

func (g *gate) Locate(*source.Row) []source.Issue {
	if g.n++; g.n == g.at {
		select {
		case g.reached <- struct{}{}:
		default:
		}
		<-g.open
	}
	return nil
}

// standing gives a house in which a load stands still with one batch stored.
func standing(t *testing.T, u incident.Upload) (*house, *gate, incident.Job) {
	t.Helper()
	g := newGate(15_000)
	h := open(t, t.TempDir(), func(o *Options) { o.Locator = g.locator }).run()
	t.Cleanup(sync.OnceFunc(func() {
		select {
		case <-g.open:
		default:
			close(g.open)
		}
	}))
	j := h.submit(u, synthetic(t, 20_000))
	<-g.reached
	for job, err := range h.Watch(t.Context(), j.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if job.Rows > 0 || job.State.Ended() {
			j = job
			break
		}
	}
	if j.State != incident.JobRunning || j.ImportID != 1 && !u.DryRun || j.Rows != 10_000 || j.Bytes == 0 || j.Started.IsZero() {
		t.Fatalf("a load at work: %+v", j)
	}
	return h, g, j
}

func TestLoad(t *testing.T) {
	h := open(t, t.TempDir(), nil)
	if _, err := os.Stat(filepath.Join(h.dir, "spool")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder is there before the first upload: %v", err)
	}
	text, err := os.ReadFile("../source/testdata/ged.csv")
	if err != nil {
		t.Fatal(err)
	}
	j := h.submit(incident.Upload{File: `C:\files\ged.csv`, Who: "ann"}, string(text))
	if j.State != incident.JobWaiting || j.File != "ged.csv" || j.TotalBytes != int64(len(text)) || j.Received.IsZero() || j.ImportID != 0 || j.Ahead != 0 {
		t.Errorf("%+v", j)
	}
	second := h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\nb,nonsense\n")
	if second.Ahead != 1 {
		t.Errorf("the second has %d ahead", second.Ahead)
	}
	if info, err := os.Stat(filepath.Join(h.dir, "spool")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	h.run()
	h.done(second.ID)
	j = h.done(j.ID)
	var report ingest.Detail
	if err := json.Unmarshal([]byte(j.Report), &report); err != nil {
		t.Fatal(err)
	}
	if j.ImportID != 1 || j.Format != "ged" || j.Dataset != "ged" || j.Rows != int64(report.Read) || j.Bytes != j.TotalBytes || j.Problem != "" || report.File != "ged.csv" || !report.Stored || report.New != 3 || h.count() != 4 {
		t.Errorf("%+v\n%+v", j, report)
	}
	record, err := h.store.Import(t.Context(), 1)
	if err != nil || record.Who != "ann" || record.File != "ged.csv" || record.Hash == "" {
		t.Errorf("%+v %v", record, err)
	}
	byNumber, err := h.Job(t.Context(), "1")
	if err != nil || byNumber != j {
		t.Errorf("by number: %+v %v", byNumber, err)
	}

	second = h.done(second.ID)
	if second.ImportID != 2 || second.Rows != 2 || !second.Rejects {
		t.Errorf("%+v", second)
	}
	r, err := h.Rejects(t.Context(), "2")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "x.csv" || rows[1][1] != "3" || rows[1][4] != "bad_date" {
		t.Errorf("%q %v", rows, err)
	}
	_, err = h.Rejects(t.Context(), "1")
	if j.Rejects {
		t.Errorf("refused rows of a good file: %+v", j)
	}
	h.code(err, incident.CodeNotFound, "refused")
	for _, name := range h.files() {
		if strings.HasSuffix(name, extUpload) || strings.HasSuffix(name, extPart) {
			t.Errorf("%s is left", name)
		}
	}

	// Newest first, the loads of the command line among them, all without reports.
	src, err := source.Open(strings.NewReader("id,date\nc,2020-01-01\n"), source.Options{File: "cli.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ingest.Run(t.Context(), ingest.Options{Source: src, Store: h.store, File: "cli.csv", Who: "bob"}); err != nil {
		t.Fatal(err)
	}
	jobs, err := h.Jobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, j := range jobs {
		list = append(list, fmt.Sprint(j.File, " ", j.State, " ", j.ImportID, " ", j.Rows, " ", len(j.Report)))
	}
	if want := []string{"cli.csv done 3 1 0", "x.csv done 2 2 0", fmt.Sprintf("ged.csv done 1 %d 0", j.Rows)}; !slices.Equal(list, want) {
		t.Errorf("%q", list)
	}
	cli, err := h.Job(t.Context(), "3")
	if err != nil || cli.ID != "3" || cli.Who != "bob" || !strings.Contains(cli.Report, `"file":"cli.csv"`) || !strings.Contains(cli.Report, `"rejects":[]`) {
		t.Errorf("%+v %v", cli, err)
	}
	if r, err := h.Cancel(t.Context(), "3"); err != nil || r.Removed != 1 {
		t.Errorf("%+v %v", r, err)
	}
	for _, id := range []string{"4", "-1", "+1", "", "x", "../x", "u"} {
		_, err := h.Job(t.Context(), id)
		h.code(err, incident.CodeNotFound, "")
		_, err = h.Cancel(t.Context(), id)
		h.code(err, incident.CodeNotFound, "")
		_, err = h.Rejects(t.Context(), id)
		h.code(err, incident.CodeNotFound, "")
	}
}

func TestWays(t *testing.T) {
	h := open(t, t.TempDir(), nil).run()
	three := "id,date\na,2020-01-01\nb,2020-01-02\nc,2020-01-03\n"
	j := h.done(h.submit(incident.Upload{File: "x.csv", DryRun: true}, three).ID)
	if h.count() != 0 || j.ImportID != 0 || !strings.Contains(j.Report, `"new":3`) || !strings.Contains(j.Report, `"stored":false`) {
		t.Errorf("dry run: %+v", j)
	}
	_, err := h.Cancel(t.Context(), j.ID)
	h.code(err, incident.CodeConflict, "dry run")

	j = h.await(h.submit(incident.Upload{File: "x.csv", Strict: true}, three+"d,31/02/2020\n").ID, incident.JobFailed)
	if h.count() != 0 || j.ImportID != 0 || !j.Rejects || j.Problem != "1 of 4 rows are refused and strict was asked for: nothing was stored." || !strings.Contains(j.Report, `"rejected":1`) {
		t.Errorf("strict: %+v", j)
	}
	_, err = h.Cancel(t.Context(), j.ID)
	h.code(err, incident.CodeConflict, "Nothing")

	j = h.done(h.submit(incident.Upload{File: "x.csv", Strict: true}, three).ID)
	if h.count() != 3 || j.ImportID != 1 {
		t.Errorf("strict: %+v", j)
	}
	j = h.done(h.submit(incident.Upload{File: "y.csv", Dataset: "x", Replace: true}, "id,date\na,2020-01-01\nb,2020-01-09\n").ID)
	if h.count() != 2 || !strings.Contains(j.Report, `"gone":1`) || !strings.Contains(j.Report, `"changed":1`) {
		t.Errorf("replace: %+v", j)
	}
	if r, err := h.Cancel(t.Context(), j.ID); err != nil || r != (incident.UndoResult{Restored: 2}) || h.count() != 3 {
		t.Errorf("undo: %+v %v", r, err)
	}
	if j, err = h.Job(t.Context(), j.ID); err != nil || j.State != incident.JobUndone {
		t.Errorf("undone: %+v %v", j, err)
	}
	_, err = h.Cancel(t.Context(), j.ID)
	h.code(err, incident.CodeConflict, "undone before")

	// What the command line undoes is undone here too.
	if _, err := h.store.Undo(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	jobs, err := h.Jobs(t.Context())
	if err != nil || len(jobs) != 4 || jobs[1].State != incident.JobUndone || jobs[1].ImportID != 1 {
		t.Errorf("%+v %v", jobs, err)
	}

	urdu, err := os.ReadFile("../source/testdata/mapped_urdu.csv")
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := os.ReadFile("../source/testdata/mapped_urdu.yml")
	if err != nil {
		t.Fatal(err)
	}
	j = h.done(h.submit(incident.Upload{File: "urdu.csv", Mapping: string(mapping)}, string(urdu)).ID)
	if record, err := h.store.Import(t.Context(), j.ImportID); err != nil || record.Mapping != string(mapping) || record.New == 0 {
		t.Errorf("%+v %v", record, err)
	}
}

// Every broken file gives what it gives on the command line.
func TestBrokenFiles(t *testing.T) {
	dir := "../source/testdata/broken"
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, t.TempDir(), nil)
	ids := map[string]string{}
	for _, line := range lines[1:] {
		body, err := os.ReadFile(filepath.Join(dir, line[0]))
		if err != nil {
			continue // made when the corpus is run
		}
		j, err := h.Submit(t.Context(), incident.Upload{File: line[0], Dataset: line[0]}, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		ids[line[0]] = j.ID
	}
	if len(ids) < 60 {
		t.Errorf("%d files", len(ids))
	}
	h.run()
	for _, line := range lines[1:] {
		id := ids[line[0]]
		if id == "" {
			continue
		}
		stored := 0
		j := h.await(id, incident.JobDone, incident.JobFailed)
		sets, err := h.store.Datasets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range sets {
			if d.Name == line[0] {
				stored = d.Count
			}
		}
		if line[3] != "" {
			if j.State != incident.JobFailed || stored != 0 || j.Problem == "" || j.Rejects && j.Report == "" || !strings.HasSuffix(j.Problem, ".") || strings.Contains(j.Problem, h.dir) {
				t.Errorf("%s: %s, %d rows are stored, %q", line[0], j.State, stored, j.Problem)
			}
			continue
		}
		var report ingest.Detail
		if err := json.Unmarshal([]byte(j.Report), &report); err != nil {
			t.Fatalf("%s: %v", line[0], err)
		}
		want, _ := strconv.Atoi(line[1])
		if j.State != incident.JobDone || report.New+report.Unchanged != want || report.New != stored || j.Rejects != (line[2] != "") || len(report.Report.Rejects) > 0 {
			t.Errorf("%s: %d rows are stored, %+v", line[0], stored, j)
		}
	}
}

func TestSubmitRefuses(t *testing.T) {
	h := open(t, t.TempDir(), func(o *Options) { o.MaxBytes = 3 << 19 })
	unread := iotest.ErrReader(errors.New("it was read"))
	for _, c := range []struct {
		u     incident.Upload
		param string
	}{
		{incident.Upload{Format: "shapefile"}, "format"},
		{incident.Upload{Mapping: "fields: ["}, "mapping"},
		{incident.Upload{Mapping: "fields: {}"}, "mapping"},
		{incident.Upload{Mapping: "no-such-key: 1"}, "mapping"},
		{incident.Upload{Mapping: "fields: {date: d}\ndataset: {accessed: yesterday}"}, "mapping"},
		{incident.Upload{Mapping: "fields: {date: d}\n" + strings.Repeat("#", 1<<20)}, "mapping"},
		{incident.Upload{Dataset: "a,b"}, "dataset"},
		{incident.Upload{Dataset: " a"}, "dataset"},
		{incident.Upload{Dataset: "a\nb"}, "dataset"},
		{incident.Upload{Dataset: "a\xff"}, "dataset"},
		{incident.Upload{Dataset: strings.Repeat("a", 201)}, "dataset"},
	} {
		_, err := h.Submit(t.Context(), c.u, unread)
		var said *incident.Error
		if !errors.As(err, &said) || said.Code != incident.CodeInvalid || said.Parameter != c.param {
			t.Errorf("%+v: %v", c.u, err)
		} else if strings.Count(said.Message, "cannot be read") > 1 || strings.HasSuffix(said.Message, "..") {
			t.Errorf("%+v: it is said twice: %s", c.u, said.Message)
		}
	}
	if _, err := os.Stat(filepath.Join(h.dir, "spool")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused upload made the spool: %v", err)
	}

	_, err := h.Submit(t.Context(), incident.Upload{}, bytes.NewReader(make([]byte, 3<<19+1)))
	h.code(err, incident.CodeTooLarge, "1.5 MiB")
	_, err = h.Submit(t.Context(), incident.Upload{}, io.MultiReader(strings.NewReader("id,date\n"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	h.code(err, incident.CodeInvalid, "broke off")
	_, err = h.Submit(t.Context(), incident.Upload{}, iotest.ErrReader(incident.Errorf(incident.CodeTooLarge, "too much")))
	h.code(err, incident.CodeTooLarge, "too much")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = h.Submit(ctx, incident.Upload{}, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if files := h.files(); len(files) > 0 {
		t.Errorf("%q is left", files)
	}
	if got := h.submit(incident.Upload{File: "a/b\\\x00 .\n"}, string(make([]byte, 3<<19))); got.File != "upload" {
		t.Errorf("%q", got.File)
	}
	for range maxWaiting - 1 {
		h.submit(incident.Upload{}, "")
	}
	_, err = h.Submit(t.Context(), incident.Upload{}, unread)
	h.code(err, incident.CodeUnavailable, "100 uploads")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = h.Submit(t.Context(), incident.Upload{}, unread)
	h.code(err, incident.CodeUnavailable, "stopped")
}

func TestSpoolErrors(t *testing.T) {
	err := spoolError("keep the upload", &os.PathError{Op: "write", Path: "/secret", Err: syscall.ENOSPC})
	var said *incident.Error
	if !errors.As(err, &said) || said.Code != incident.CodeUnavailable || said.Message != "The disk of the server is full; the upload was not kept." {
		t.Errorf("%v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "spool"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: filepath.Join(dir, "spool", "uploads")}); err == nil || incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("a file where the spool should be: %v", err)
	}
}

// Two that come at once are both right, though one of them is slow.
func TestTwoAtOnce(t *testing.T) {
	h := open(t, t.TempDir(), nil).run()
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			var b strings.Builder
			b.WriteString("id,date\n")
			for k := range 500 {
				fmt.Fprintf(&b, "%d,2020-01-01\n", i*500+k)
			}
			j, err := h.Submit(t.Context(), incident.Upload{File: "x.csv"}, iotest.HalfReader(strings.NewReader(b.String())))
			if err != nil {
				t.Error(err)
			}
			ids[i] = j.ID
		})
	}
	wg.Wait()
	imports := map[int64]bool{}
	for _, id := range ids {
		j := h.done(id)
		imports[j.ImportID] = true
		if j.Rows != 500 || !strings.Contains(j.Report, `"new":500`) {
			t.Errorf("%+v", j)
		}
	}
	if h.count() != 4000 || len(imports) != 8 {
		t.Errorf("%d rows, %d imports", h.count(), len(imports))
	}
}

func TestCancel(t *testing.T) {
	for _, u := range []incident.Upload{{File: "x.csv"}, {File: "x.csv", Strict: true}, {File: "x.csv", DryRun: true}} {
		h, g, j := standing(t, u)
		waiting := h.submit(incident.Upload{File: "y.csv"}, "id,date\na,2020-01-01\n")
		if waiting.Ahead != 1 {
			t.Errorf("%+v", waiting)
		}
		if r, err := h.Cancel(t.Context(), waiting.ID); err != nil || r != (incident.UndoResult{}) {
			t.Errorf("waiting: %+v %v", r, err)
		}
		if r, err := h.Cancel(t.Context(), j.ID); err != nil || r != (incident.UndoResult{}) {
			t.Errorf("running: %+v %v", r, err)
		}
		if n := h.count(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		for _, id := range []string{j.ID, waiting.ID} {
			if got := h.await(id, incident.JobUndone); got.Ended.IsZero() || got.Report != "" || got.Rejects {
				t.Errorf("%+v", got)
			}
			_, err := h.Cancel(t.Context(), id)
			h.code(err, incident.CodeConflict, "before")
		}
		for _, name := range h.files() {
			if !strings.HasSuffix(name, extNote) {
				t.Errorf("%s is left", name)
			}
		}
		close(g.open)
		g.at = 0
		if j := h.done(h.submit(incident.Upload{File: "z.csv"}, "id,date\na,2020-01-01\n").ID); j.Rows != 1 || h.count() != 1 {
			t.Errorf("the next: %+v", j)
		}
		h.stop()
	}
}

// A server that stops takes the load back, and the next one begins it anew.
func TestStop(t *testing.T) {
	h, g, j := standing(t, incident.Upload{File: "x.csv"})
	second := h.submit(incident.Upload{File: "y.csv"}, "id,date\na,2020-01-01\n")
	h.stop()
	close(g.open)
	if n := h.count(); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if j, err := h.Job(t.Context(), j.ID); err != nil || j.State != incident.JobWaiting || j.Rows != 0 {
		t.Errorf("%+v %v", j, err)
	}
	if err := errors.Join(h.Close(), h.store.Close()); err != nil {
		t.Fatal(err)
	}
	h = open(t, h.dir, nil).run()
	first := h.done(j.ID)
	if second = h.done(second.ID); first.ImportID != 2 || second.ImportID != 3 || h.count() != 20_001 {
		t.Errorf("%+v\n%+v\n%d rows", first, second, h.count())
	}
	// The load that was stopped belongs to the upload.
	if old, err := h.Job(t.Context(), "1"); err != nil || old.ID != j.ID {
		t.Errorf("%+v %v", old, err)
	}
	if jobs, err := h.Jobs(t.Context()); err != nil || len(jobs) != 2 {
		t.Errorf("%+v %v", jobs, err)
	}
}

// copyTree copies a folder as it is on the disk, as a machine leaves it that loses its power.
func copyTree(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestKilled(t *testing.T) {
	for name, u := range map[string]incident.Upload{"batches": {File: "x.csv"}, "one transaction": {File: "x.csv", Strict: true}, "dry run": {File: "x.csv", DryRun: true}} {
		t.Run(name, func(t *testing.T) {
			h, _, j := standing(t, u)
			second := h.submit(incident.Upload{File: "y.csv"}, "id,date\na,2020-01-01\n")
			if err := os.WriteFile(filepath.Join(h.dir, "spool", newID()+extPart), []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(h.dir, "spool", newID()+extUpload), []byte("never answered"), 0o600); err != nil {
				t.Fatal(err)
			}
			after := open(t, copyTree(t, h.dir), nil)
			if j, err := after.Job(t.Context(), j.ID); err != nil || j.State != incident.JobWaiting {
				t.Errorf("%+v %v", j, err)
			}
			if u.Strict {
				// A load of another, which gets the number that the dead one had.
				src, err := source.Open(strings.NewReader("id,date\nother,2020-01-01\n"), source.Options{File: "x.csv", Dataset: "other"})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := ingest.Run(t.Context(), ingest.Options{Source: src, Store: after.store, File: "x.csv", Hash: func() string { return "another" }}); err != nil {
					t.Fatal(err)
				}
			}
			after.run()
			first := after.done(j.ID)
			second = after.done(second.ID)
			want := 20_001
			if u.DryRun {
				want = 1
			} else if u.Strict {
				want = 20_002
			}
			if n := after.count(); n != want || first.Rows != 20_000 || !strings.Contains(first.Report, `"new":20000`) || second.Rows != 1 {
				t.Errorf("%d rows\n%+v\n%+v", n, first, second)
			}
			for _, name := range after.files() {
				if strings.HasSuffix(name, extPart) || strings.HasSuffix(name, extUpload) {
					t.Errorf("%s is left", name)
				}
			}
			if u.DryRun {
				return
			}
			if r, err := after.Cancel(t.Context(), j.ID); err != nil || r.Removed != 20_000 {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
}

// A load that came to its end before the kill is done, though nobody wrote that down.
func TestKilledAtTheEnd(t *testing.T) {
	for _, off := range []bool{false, true} {
		h := open(t, t.TempDir(), nil)
		j := h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\nb,nonsense\n")
		dir := filepath.Join(h.dir, "spool")
		body, err := os.ReadFile(filepath.Join(dir, j.ID+extUpload))
		if err != nil {
			t.Fatal(err)
		}
		h.run()
		h.done(j.ID)
		h.stop()
		h.mu.Lock()
		e := h.entries[j.ID]
		e.State, e.Ended, e.CalledOff = incident.JobRunning, time.Time{}, off
		err = h.save(&e.note)
		h.mu.Unlock()
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, j.ID+extUpload), body, 0o600), os.Remove(filepath.Join(dir, j.ID+extReport)), h.Close())
		if err != nil {
			t.Fatal(err)
		}
		h = open(t, h.dir, nil).run()
		if off {
			if h.await(j.ID, incident.JobUndone); h.count() != 0 {
				t.Errorf("called off, and %d rows are left", h.count())
			}
			continue
		}
		got := h.done(j.ID)
		if got.ImportID != 1 || got.Rows != 2 || !got.Rejects || !strings.Contains(got.Report, `"stored":true`) || h.count() != 1 {
			t.Errorf("%+v", got)
		}
		if r, err := h.Rejects(t.Context(), j.ID); err != nil {
			t.Error(err)
		} else {
			r.Close()
		}
	}
}

// A load of another process is waited for.
func TestBusyStore(t *testing.T) {
	h := open(t, t.TempDir(), nil)
	other := openStore(t, h.dir)
	load, err := other.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "other"}, File: "other.csv"})
	if err != nil {
		t.Fatal(err)
	}
	h.run()
	j := h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n")
	called := h.submit(incident.Upload{File: "y.csv"}, "id,date\na,2020-01-01\n")
	time.Sleep(1500 * time.Millisecond)
	if got, err := h.Job(t.Context(), j.ID); err != nil || got.State != incident.JobWaiting || got.Ahead != 1 || got.Problem != "" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := h.Cancel(t.Context(), called.ID); err != nil {
		t.Error(err)
	}
	if got, err := h.Job(t.Context(), "1"); err != nil || got.State != incident.JobRunning || got.File != "other.csv" {
		t.Errorf("the other: %+v %v", got, err)
	}
	if err := load.Finish(t.Context(), "{}"); err != nil {
		t.Fatal(err)
	}
	if got := h.done(j.ID); got.ImportID != 2 || h.count() != 1 {
		t.Errorf("%+v", got)
	}
}

// What is wrong with the store is said, and the queue goes on.
func TestBrokenStore(t *testing.T) {
	full := &incident.Error{Code: incident.CodeUnavailable, Message: "The disk is full.", Err: errors.New("write /secret")}
	broken := &brokenStore{}
	h := open(t, t.TempDir(), func(o *Options) { broken.Store = o.Store; o.Store = broken })
	h.run()
	for _, c := range []struct {
		what string
		err  error
		want string
	}{{"begin", full, "The disk is full."}, {"put", full, "The disk is full."}, {"finish", full, "The disk is full."},
		{"put", errors.New("at /secret"), "The load met a fault of the program, which the log of the server describes; nothing was stored."},
		{"put", syscall.ENOSPC, "The disk of the server is full; nothing was stored."}} {
		broken.fails(c.what, c.err)
		j := h.await(h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n").ID, incident.JobFailed)
		if j.Problem != c.want || h.count() != 0 {
			t.Errorf("%s: %q, %d rows", c.what, j.Problem, h.count())
		}
	}
	broken.fails("", nil)
	h.done(h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n").ID)
}

// brokenStore fails where it is told to.
type brokenStore struct {
	incident.Store
	mu   sync.Mutex
	what string
	err  error
}

type brokenLoad struct {
	incident.Load
	s *brokenStore
}

func (s *brokenStore) fails(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what, s.err = what, err
}

func (s *brokenStore) at(what string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(s.what, what) {
		return s.err
	}
	return nil
}

func (s *brokenStore) Begin(ctx context.Context, imp incident.Import) (incident.Load, error) {
	if err := s.at("begin"); err != nil {
		return nil, err
	}
	l, err := s.Store.Begin(ctx, imp)
	return &brokenLoad{l, s}, err
}

func (l *brokenLoad) Put(ctx context.Context, batch []incident.Incident) (incident.PutResult, error) {
	if err := l.s.at("put"); err != nil {
		return incident.PutResult{}, err
	}
	return l.Load.Put(ctx, batch)
}

// Finish fails as a load does whose batches are there for good.
func (l *brokenLoad) Finish(ctx context.Context, report string) error {
	if err := l.s.at("finish"); err != nil {
		return errors.Join(err, l.Abort())
	}
	return l.Load.Finish(ctx, report)
}

func (s *brokenStore) Undo(ctx context.Context, id int64) (incident.UndoResult, error) {
	if err := s.at("undo"); err != nil {
		return incident.UndoResult{}, err
	}
	return s.Store.Undo(ctx, id)
}

// Of a failed load that cannot be taken back the cause and the number stay
// known, also after a restart, and it is taken back when that is possible, or by hand.
func TestStays(t *testing.T) {
	full := &incident.Error{Code: incident.CodeUnavailable, Message: "The disk is full.", Err: errors.New("write /secret")}
	dir, broken := t.TempDir(), &brokenStore{}
	start := func() *house {
		return open(t, dir, func(o *Options) { broken.Store = o.Store; o.Store = broken })
	}
	broken.fails("finish undo", full)
	h := start().run()
	j := h.await(h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n").ID, incident.JobFailed)
	stays := func(j incident.Job) {
		t.Helper()
		if !strings.HasPrefix(j.Problem, "The disk is full. A part of its rows is still in the store") || j.ImportID != 1 {
			t.Errorf("%+v", j)
		}
	}
	stays(j)
	if h.count() != 1 {
		t.Fatalf("%d rows", h.count())
	}
	h.stop()
	if err := errors.Join(h.Close(), h.store.Close()); err != nil {
		t.Fatal(err)
	}
	h = start()
	again, err := h.Job(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	stays(again)
	broken.fails("", nil)
	if r, err := h.Cancel(t.Context(), j.ID); err != nil || r.Removed != 1 || h.count() != 0 {
		t.Errorf("by hand: %+v %v", r, err)
	}
	if got, err := h.Job(t.Context(), j.ID); err != nil || got.Problem != "The disk is full." || got.ImportID != 1 {
		t.Errorf("%+v %v", got, err)
	}

	// By itself.
	broken.fails("finish undo", full)
	h.run()
	j = h.await(h.submit(incident.Upload{File: "y.csv"}, "id,date\na,2020-01-01\n").ID, incident.JobFailed)
	broken.fails("", nil)
	for range 100 {
		if again, err = h.Job(t.Context(), j.ID); err != nil || again.Problem == "The disk is full." {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if again.Problem != "The disk is full." || again.State != incident.JobFailed || h.count() != 0 {
		t.Errorf("by itself: %+v %v, %d rows", again, err, h.count())
	}
}

// The end of a load that nobody could write down: the next process undoes it, and says which it was.
func TestEndNotWritten(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil)
	load, err := h.store.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "x"}, File: "x.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load.Put(t.Context(), []incident.Incident{{ID: incident.ID("x", "a"), Dataset: "x", SourceID: "a"}}); err != nil {
		t.Fatal(err)
	}
	if err := load.Abort(); err != nil {
		t.Fatal(err)
	}
	j := h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n")
	e := h.entries[j.ID]
	e.State, e.Import, e.Imports = incident.JobRunning, load.ID(), []int64{load.ID()}
	if err := h.save(&e.note); err != nil {
		t.Fatal(err)
	}
	h.remove(j.ID, extUpload)
	if err := errors.Join(h.Close(), h.store.Close()); err != nil {
		t.Fatal(err)
	}
	h = open(t, dir, nil).run()
	got := h.await(j.ID, incident.JobFailed)
	if got.ImportID != load.ID() || !strings.Contains(got.Problem, "nothing of it is stored. Send the file again.") || h.count() != 0 {
		t.Errorf("%+v, %d rows", got, h.count())
	}
}

// What has ended is undone when another load lets it, which is waited for.
func TestUndoWaits(t *testing.T) {
	h := open(t, t.TempDir(), nil).run()
	j := h.done(h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n").ID)
	other := openStore(t, h.dir)
	load, err := other.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "other"}, File: "other.csv"})
	if err != nil {
		t.Fatal(err)
	}
	h.patience = 300 * time.Millisecond
	if _, err := h.Cancel(t.Context(), j.ID); !errors.Is(err, incident.ErrBusy) || incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("impatient: %v", err)
	}
	h.patience = undoPatience
	time.AfterFunc(500*time.Millisecond, func() { _ = load.Finish(context.Background(), "{}") })
	if r, err := h.Cancel(t.Context(), j.ID); err != nil || r.Removed != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

// Mended rows go where their file went, and problems speak of fields of a form.
func TestMendedUpload(t *testing.T) {
	h := open(t, t.TempDir(), nil).run()
	const mapping = "dates: dmy\nfields:\n  date: {column: Tag}\n"
	first := h.done(h.submit(incident.Upload{File: "f.csv", Dataset: "foo", Mapping: mapping}, "Tag,Text\n1.2.2025,a\n32.1.2025,b\n").ID)
	rejects, err := h.Rejects(t.Context(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer rejects.Close()
	text, err := io.ReadAll(rejects)
	if err != nil {
		t.Fatal(err)
	}
	j := h.done(h.submit(incident.Upload{File: "r.csv"}, strings.ReplaceAll(string(text), ",32.1.2025,b", ",3.2.2025,b")).ID)
	if j.Dataset != "foo" || !strings.Contains(j.Report, `"origin":{"import":1,"file":"f.csv","dataset":"foo","mapped":true}`) || h.count() != 2 {
		t.Errorf("%+v", j)
	}
	if !strings.Contains(j.Report, `"unread":["Text"]`) {
		t.Error(j.Report)
	}
	h.done(h.submit(incident.Upload{File: "f.csv", Dataset: "bar", Mapping: mapping}, "Tag,Text\n32.1.2025,b\n").ID)
	j = h.await(h.submit(incident.Upload{File: "r.csv"}, string(text)).ID, incident.JobFailed)
	if strings.Contains(j.Problem, "--") || !strings.Contains(j.Problem, "(bar, foo): say which one with the field dataset.") {
		t.Error(j.Problem)
	}
}

// A fault of the program fails one upload and no more.
func TestFault(t *testing.T) {
	faulty := true
	h := open(t, t.TempDir(), func(o *Options) {
		o.Locator = func(string) ingest.Locator {
			if faulty {
				faulty = false
				panic("a fault")
			}
			return nil
		}
	}).run()
	j := h.await(h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n").ID, incident.JobFailed)
	if strings.Contains(j.Problem, "fault") && strings.Contains(j.Problem, "goroutine") || j.Problem == "" {
		t.Errorf("%q", j.Problem)
	}
	h.done(h.submit(incident.Upload{File: "x.csv"}, "id,date\na,2020-01-01\n").ID)
}

// One process works with a spool; others look until it has ended.
func TestTwoProcesses(t *testing.T) {
	h, g, j := standing(t, incident.Upload{File: "x.csv"})
	waiting := h.submit(incident.Upload{File: "y.csv"}, "id,date\na,2020-01-01\n")
	other := open(t, h.dir, nil).run()
	_, err := other.Submit(t.Context(), incident.Upload{File: "z.csv"}, strings.NewReader("id,date\nb,2020-01-01\n"))
	other.code(err, incident.CodeUnavailable, "Another server")
	_, err = other.Cancel(t.Context(), waiting.ID)
	other.code(err, incident.CodeUnavailable, "Another server")
	if jobs, err := other.Jobs(t.Context()); err != nil || len(jobs) != 2 || jobs[0].Ahead != 1 || jobs[1].State != incident.JobRunning {
		t.Errorf("%+v %v", jobs, err)
	}
	close(g.open)
	if got := other.done(j.ID); got.Rows != 20_000 || got.Report == "" {
		t.Errorf("%+v", got)
	}
	h.done(waiting.ID)
	h.stop()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	other.done(other.submit(incident.Upload{File: "z.csv"}, "id,date\nb,2020-01-01\n").ID)
	if jobs, err := other.Jobs(t.Context()); err != nil || len(jobs) != 3 || other.count() != 20_002 {
		t.Errorf("%+v %v", jobs, err)
	}
}

// Watch ends with its context, tells what it saw, and holds nobody up.
func TestWatch(t *testing.T) {
	h, g, j := standing(t, incident.Upload{File: "x.csv"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	states := 0
	for job, err := range h.Watch(ctx, j.ID) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			break
		}
		if states++; job.Report != "" {
			t.Error("with a report")
		}
		cancel()
	}
	if states != 1 {
		t.Errorf("%d states of a load that stands still", states)
	}
	// One who does not come back for the next state.
	var last incident.Job
	begun := time.Now()
	states = 0
	for job, err := range h.Watch(t.Context(), j.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if states == 0 {
			close(g.open)
			for !last.State.Ended() || last.State == "" {
				if last, err = h.Job(t.Context(), j.ID); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		states++
		last = job
	}
	if last.State != incident.JobDone || states > int(time.Since(begun)/watchEvery)+2 {
		t.Errorf("%d states in %s, the last %+v", states, time.Since(begun), last)
	}
	for _, err := range h.Watch(t.Context(), "99") {
		h.code(err, incident.CodeNotFound, "")
	}
}

// Of many uploads the last hundred are kept, the records of all.
func TestOld(t *testing.T) {
	h := open(t, t.TempDir(), nil).run()
	var ids []string
	for i := range maxEnded + 3 {
		ids = append(ids, h.submit(incident.Upload{File: "x.csv"}, fmt.Sprintf("id,date\n%d,2020-01-01\n", i)).ID)
		if i%20 == 19 {
			h.done(ids[i])
		}
	}
	h.done(ids[len(ids)-1])
	if n := len(h.files()); n != 2*maxEnded {
		t.Errorf("%d files", n)
	}
	_, err := h.Job(t.Context(), ids[0])
	h.code(err, incident.CodeNotFound, "")
	if j, err := h.Job(t.Context(), "1"); err != nil || j.ID != "1" || j.Rows != 1 {
		t.Errorf("%+v %v", j, err)
	}
	if jobs, err := h.Jobs(t.Context()); err != nil || len(jobs) != maxEnded+3 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

func TestInWords(t *testing.T) {
	for n, want := range map[int64]string{2e9: "2 GB", 2 << 30: "2 GiB", 3 << 29: "1.5 GiB", 15e5: "1.5 MB", 100 << 20: "100 MiB", 1e5: "100 kB", 10 << 10: "10 KiB", 1234567: "1234567 bytes"} {
		if got := inWords(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// behind answers from a state that is older than the store until it is let go.
type behind struct {
	incident.Reader
	asked chan struct{} // gets one of each question until let is closed
	let   chan struct{}
}

func (b behind) Change(ctx context.Context) (int64, error) {
	select {
	case <-b.let:
		return b.Reader.Change(ctx)
	case b.asked <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// TestShown: an upload is done when answers have it, and the next one waits as long.
func TestShown(t *testing.T) {
	b := behind{asked: make(chan struct{}), let: make(chan struct{})}
	h := open(t, t.TempDir(), func(o *Options) { b.Reader = o.Store; o.Shows = b }).run()
	first := h.submit(incident.Upload{File: "a.csv", Dataset: "a"}, synthetic(t, 5))
	second := h.submit(incident.Upload{File: "b.csv", Dataset: "b"}, synthetic(t, 5))
	<-b.asked
	for id, want := range map[string]incident.JobState{first.ID: incident.JobRunning, second.ID: incident.JobWaiting} {
		if j, err := h.Job(t.Context(), id); err != nil || j.State != want {
			t.Errorf("%s is %s, not %s (%v)", j.File, j.State, want, err)
		}
	}
	close(b.let)
	h.done(first.ID)
	h.done(second.ID)
	if n := h.count(); n != 10 {
		t.Errorf("%d incidents", n)
	}
}
