package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"sarhad/incident"
)

const (
	testToken = "0123456789abcdef"
	bearer    = "Bearer " + testToken
)

// loader keeps in memory what it is given.
type loader struct {
	mu       sync.Mutex
	most     int64
	taken    []incident.Upload
	bytes    []int64
	left     int // uploads that were begun and not taken
	watch    []incident.Job
	hold     chan struct{} // Watch waits for it before the last job
	faulty   error
	rejects  func() io.ReadCloser
	canceled []string
}

func newLoader() *loader {
	at := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	done := incident.Job{ID: "abc", Upload: incident.Upload{File: "../\u202elist\".csv\r\nX-Evil: 1.csv", Format: "table", Dataset: "list", Who: incident.ServerToken, Mapping: "secret: mapping"},
		State: incident.JobDone, ImportID: 7, Rows: 3, Bytes: 20, TotalBytes: 20, Received: at, Started: at, Ended: at.Add(time.Second),
		Report: `{"read":3,"new":2,"rejected":1,"file":"</script>"}`, Rejects: true}
	running := done
	running.State, running.Ended, running.Report, running.Rows, running.Rejects = incident.JobRunning, time.Time{}, "", 1, false
	waiting := running
	waiting.State, waiting.Started, waiting.ImportID, waiting.Ahead, waiting.Rows, waiting.Bytes = incident.JobWaiting, time.Time{}, 0, 1, 0, 0
	return &loader{most: 1000, watch: []incident.Job{waiting, running, done}, rejects: func() io.ReadCloser {
		return io.NopCloser(strings.NewReader("file,line,column,value,code,reason\nlist.csv,2,date,,missing_date,no date\n"))
	}}
}

func (l *loader) MaxUpload() int64 { return l.most }

func (l *loader) Submit(ctx context.Context, u incident.Upload, body io.Reader) (incident.Job, error) {
	if u.Format == "xyz" {
		return incident.Job{}, wrongParameter("format", []string{"auto", "table"}, "There is no format xyz.")
	}
	n, err := io.Copy(io.Discard, body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		err = l.faulty
	}
	if err != nil {
		l.left++
		return incident.Job{}, fmt.Errorf("receive: %w", errors.New(err.Error())) // the cause is hidden on purpose
	}
	l.taken, l.bytes = append(l.taken, u), append(l.bytes, n)
	return incident.Job{ID: "new1", Upload: u, State: incident.JobWaiting, Ahead: 2, TotalBytes: n, Received: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}, nil
}

func (l *loader) Jobs(context.Context) ([]incident.Job, error) {
	return append([]incident.Job{{ID: "9", Upload: incident.Upload{File: "cli.csv"}, State: incident.JobFailed, ImportID: 9, Problem: "The file breaks off.", Report: "{}"}}, l.watch[len(l.watch)-1]), l.faulty
}

func (l *loader) Job(_ context.Context, id string) (incident.Job, error) {
	if id == "9" {
		return incident.Job{ID: id, Upload: incident.Upload{Who: incident.ServerToken}, State: incident.JobFailed}, nil
	}
	for _, id2 := range []string{"abc", "7"} {
		if id == id2 {
			return l.watch[len(l.watch)-1], nil
		}
	}
	return incident.Job{}, incident.Errorf(incident.CodeNotFound, "There is no import %q.", id)
}

func (l *loader) Watch(ctx context.Context, id string) iter.Seq2[incident.Job, error] {
	return func(yield func(incident.Job, error) bool) {
		if _, err := l.Job(ctx, id); err != nil {
			yield(incident.Job{}, err)
			return
		}
		for i, j := range l.watch {
			if i == len(l.watch)-1 && l.hold != nil {
				select {
				case <-l.hold:
				case <-ctx.Done():
					yield(incident.Job{}, ctx.Err())
					return
				}
			}
			if !yield(j, nil) {
				return
			}
		}
	}
}

func (l *loader) Rejects(ctx context.Context, id string) (io.ReadCloser, error) {
	if _, err := l.Job(ctx, id); err != nil || l.rejects == nil {
		return nil, incident.Errorf(incident.CodeNotFound, "No rows were refused.")
	}
	return l.rejects(), nil
}

func (l *loader) Cancel(ctx context.Context, id string) (incident.UndoResult, error) {
	if id == "9" {
		return incident.UndoResult{}, incident.Errorf(incident.CodeConflict, "Nothing of it is stored.")
	}
	if _, err := l.Job(ctx, id); err != nil {
		return incident.UndoResult{}, err
	}
	l.canceled = append(l.canceled, id)
	return incident.UndoResult{Restored: 1, Removed: 2, Kept: 3}, nil
}

func importConfig(l *loader) Config {
	c := testConfig(testStore())
	c.Loader, c.WriteToken = l, testToken
	return c
}

// form writes a multipart body; parts are name, value in turn, the file last as "file:NAME".
func form(parts ...string) (contentType, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.SetBoundary("-----------------------------7e3"); err != nil {
		panic(err)
	}
	for i := 0; i < len(parts); i += 2 {
		head := textproto.MIMEHeader{}
		name, file, isFile := strings.Cut(parts[i], ":")
		head.Set("Content-Disposition", `form-data; name="`+name+`"`)
		if isFile {
			head.Set("Content-Disposition", `form-data; name="`+name+`"; filename="`+file+`"`)
			head.Set("Content-Type", "text/csv")
		}
		p, _ := w.CreatePart(head)
		_, _ = io.WriteString(p, parts[i+1])
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

type importScenario struct {
	name, method, url string
	auth              string // "" is the right one, "none" none
	media, body       string
	status            int
	has, hasNot       []string
	head              map[string]string // headers of the answer
	golden            bool
	taken             *incident.Upload
	change            func(*Config, *loader)
}

func asForm(sc importScenario, parts ...string) importScenario {
	sc.method = http.MethodPost
	if sc.url == "" {
		sc.url = "/imports"
	}
	sc.media, sc.body = form(parts...)
	return sc
}

const raw = "text/csv"

var importScenarios = []importScenario{
	// Who may.
	{name: "imports-off", method: "GET", url: "/imports", status: 403, golden: true, change: func(c *Config, _ *loader) { c.WriteToken = "" }},
	{name: "imports-no-loader", method: "POST", url: "/imports", body: "x", status: 403, change: func(c *Config, _ *loader) { c.Loader = nil }},
	{name: "imports-off-empty-token", method: "GET", url: "/imports", auth: "Bearer ", status: 403, change: func(c *Config, _ *loader) { c.WriteToken = "" }},
	{name: "imports-no-token", method: "GET", url: "/imports", auth: "none", status: 401, golden: true, head: map[string]string{"WWW-Authenticate": `Bearer realm="sarhad"`}},
	{name: "imports-wrong-token", method: "GET", url: "/imports", auth: "Bearer 0123456789abcdeF", status: 401, has: []string{"not that of this server"}, hasNot: []string{testToken}},
	{name: "imports-half-token", method: "GET", url: "/imports", auth: "Bearer 0123456789", status: 401},
	{name: "imports-basic", method: "GET", url: "/imports", auth: "Basic " + testToken, status: 401},
	{name: "imports-bare-token", method: "GET", url: "/imports", auth: testToken, status: 401},
	{name: "imports-small-bearer", method: "GET", url: "/imports", auth: "bearer " + testToken, status: 200},
	{name: "imports-token-in-query", method: "GET", url: "/imports?token=" + testToken, auth: "none", status: 401},
	{name: "upload-no-token", method: "POST", url: "/imports", auth: "none", media: raw, body: "x", status: 401, head: map[string]string{"Connection": "close"}},
	{name: "job-no-token", method: "GET", url: "/imports/abc", auth: "none", status: 401, hasNot: []string{"list"}},
	{name: "events-no-token", method: "GET", url: "/imports/abc/events", auth: "none", status: 401, hasNot: []string{"list"}},
	{name: "rejects-no-token", method: "GET", url: "/imports/abc/rejects", auth: "none", status: 401, hasNot: []string{"list"}},
	{name: "undo-no-token", method: "DELETE", url: "/imports/abc", auth: "none", status: 401},

	// What there is.
	{name: "imports", method: "GET", url: "/imports", status: 200, golden: true, hasNot: []string{`"read"`, "secret", "<", testToken}, head: map[string]string{"Cache-Control": "no-store"}},
	{name: "imports-f", method: "GET", url: "/imports?f=json", status: 200},
	{name: "imports-unknown", method: "GET", url: "/imports?limit=3", status: 400, has: []string{`"allowed":["f"]`}},
	{name: "imports-fault", method: "GET", url: "/imports", status: 500, hasNot: []string{"/var/lib"}, change: func(_ *Config, l *loader) { l.faulty = errors.New("open /var/lib/x") }},
	{name: "import", method: "GET", url: "/imports/abc", status: 200, golden: true, has: []string{`"report":{"read":3`, `"rel":"rejects"`}, hasNot: []string{"secret", "<"}},
	{name: "import-number", method: "GET", url: "/imports/7", status: 200},
	{name: "import-none", method: "GET", url: "/imports/8", status: 404},
	{name: "import-path", method: "GET", url: "/imports/..%2f..%2fetc", status: 404},
	{name: "import-null", method: "GET", url: "/imports/%00", status: 404},
	{name: "import-unknown", method: "GET", url: "/imports/abc?x=1", status: 400},
	{name: "import-put", method: "PUT", url: "/imports/abc", status: 405, golden: true, head: map[string]string{"Allow": "GET, HEAD, DELETE, OPTIONS"}},
	{name: "imports-delete", method: "DELETE", url: "/imports", status: 405, head: map[string]string{"Allow": "GET, HEAD, POST, OPTIONS"}},
	{name: "events", method: "GET", url: "/imports/abc/events", status: 200, golden: true, hasNot: []string{"secret", "<"}},
	{name: "events-none", method: "GET", url: "/imports/8/events", status: 404},
	{name: "rejects", method: "GET", url: "/imports/abc/rejects", status: 200, golden: true},
	{name: "rejects-none", method: "GET", url: "/imports/abc/rejects", status: 404, change: func(_ *Config, l *loader) { l.rejects = nil }},
	{name: "undo", method: "DELETE", url: "/imports/7", status: 200, golden: true},
	{name: "undo-nothing", method: "DELETE", url: "/imports/9", status: 409},
	{name: "undo-none", method: "DELETE", url: "/imports/none", status: 404},

	// The file as the body.
	{name: "upload-raw", method: "POST", url: "/imports?file=list.csv&dataset=list&mapping=date:%20Day%0Aid:%20No&replace_dataset=true&strict=false&dry_run=true&format=table", media: raw, body: "a,b\n1,2\n", status: 202, golden: true,
		head:  map[string]string{"Location": "/imports/new1"},
		taken: &incident.Upload{File: "list.csv", Dataset: "list", Mapping: "date: Day\nid: No", Replace: true, DryRun: true, Format: "table", Who: incident.ServerToken}},
	{name: "upload-curl", method: "POST", url: "/imports", media: "application/x-www-form-urlencoded", body: "a=b", status: 202, taken: &incident.Upload{File: "upload", Who: incident.ServerToken}},
	{name: "upload-no-type", method: "POST", url: "/imports", body: "a=b", status: 202},
	{name: "upload-proxy", method: "POST", url: "/imports", body: "a", status: 202, head: map[string]string{"Location": "/sarhad/imports/new1"}, has: []string{`"href":"https://example.org/sarhad/imports/new1"`},
		change: func(c *Config, _ *loader) { c.PublicURL = "https://example.org/sarhad" }},
	{name: "upload-empty", method: "POST", url: "/imports", status: 400, has: []string{"no body"}},
	{name: "upload-large", method: "POST", url: "/imports", media: raw, body: strings.Repeat("x", 1001), status: 413, golden: true, head: map[string]string{"Connection": "close"}},
	{name: "upload-just", method: "POST", url: "/imports", media: raw, body: strings.Repeat("x", 1000), status: 202},
	{name: "upload-boolean", method: "POST", url: "/imports?strict=yes", media: raw, body: "x", status: 400, has: []string{`"parameter":"strict"`, `"allowed":["true","false"]`}},
	{name: "upload-unknown", method: "POST", url: "/imports?stict=true", media: raw, body: "x", status: 400, has: []string{`"parameter":"stict"`}},
	{name: "upload-twice", method: "POST", url: "/imports?dataset=a&dataset=b", media: raw, body: "x", status: 400},
	{name: "upload-name-lines", method: "POST", url: "/imports?file=a%0d%0ab.csv", media: raw, body: "x", status: 400, has: []string{`"parameter":"file"`}},
	{name: "upload-name-null", method: "POST", url: "/imports?file=a%00b.csv", media: raw, body: "x", status: 400},
	{name: "upload-dataset-lines", method: "POST", url: "/imports?dataset=a%0ab", media: raw, body: "x", status: 400},
	{name: "upload-mapping-null", method: "POST", url: "/imports?mapping=a%00b", media: raw, body: "x", status: 400},
	{name: "upload-format", method: "POST", url: "/imports?format=xyz", media: raw, body: "x", status: 400, has: []string{`"parameter":"format"`}},
	{name: "upload-fault", method: "POST", url: "/imports", media: raw, body: "x", status: 500, hasNot: []string{"/var/lib"}, change: func(_ *Config, l *loader) { l.faulty = errors.New("write /var/lib/x") }},
	{name: "upload-mixed", method: "POST", url: "/imports", media: "multipart/mixed; boundary=x", body: "x", status: 415},
	{name: "upload-no-boundary", method: "POST", url: "/imports", media: "multipart/form-data", body: "x", status: 415},
	{name: "upload-not-a-form", method: "POST", url: "/imports", media: "multipart/form-data; boundary=x", body: "a,b\n1,2\n", status: 400},

	// The file in a form.
	asForm(importScenario{name: "form", status: 202, taken: &incident.Upload{File: "list.csv", Dataset: "list", Mapping: "date: Day\r\nid: No", Strict: true, Who: incident.ServerToken}},
		"dataset", "list", "mapping", "date: Day\r\nid: No", "strict", "true", "format", "", "file:list.csv", "a,b\n1,2\n"),
	asForm(importScenario{name: "form-query", url: "/imports?dataset=list&file=other.csv", status: 202, taken: &incident.Upload{File: "other.csv", Dataset: "list", Who: incident.ServerToken}}, "file:list.csv", "x"),
	asForm(importScenario{name: "form-both", url: "/imports?dataset=list", status: 400, has: []string{"twice"}}, "dataset", "list", "file:list.csv", "x"),
	asForm(importScenario{name: "form-twice", status: 400, has: []string{"twice"}}, "dataset", "list", "dataset", "list", "file:list.csv", "x"),
	asForm(importScenario{name: "form-after", status: 400, has: []string{"comes after the file", "dataset"}}, "file:list.csv", "x", "dataset", "list"),
	asForm(importScenario{name: "form-two-files", status: 400}, "file:list.csv", "x", "file:list2.csv", "y"),
	asForm(importScenario{name: "form-no-file", status: 400, has: []string{`"parameter":"file"`}}, "dataset", "list"),
	asForm(importScenario{name: "form-unknown", status: 400, has: []string{`"parameter":"colour"`}}, "colour", "red", "file:list.csv", "x"),
	asForm(importScenario{name: "form-long-field", status: 400, has: []string{"1024"}}, "dataset", strings.Repeat("x", 1025), "file:list.csv", "x"),
	asForm(importScenario{name: "form-long-mapping", status: 400, has: []string{`"parameter":"mapping"`}}, "mapping", strings.Repeat("x", maxMapping+1), "file:list.csv", "x"),
	asForm(importScenario{name: "form-mapping", status: 202}, "mapping", strings.Repeat("x", maxMapping), "file:list.csv", strings.Repeat("x", 1000)),
	asForm(importScenario{name: "form-large", status: 413, has: []string{"1 kB (1000 bytes)"}}, "file:list.csv", strings.Repeat("x", 1001)),
	asForm(importScenario{name: "form-path", status: 202, taken: &incident.Upload{File: "passwd", Who: incident.ServerToken}}, "file:../../etc/passwd", "x"),
	asForm(importScenario{name: "form-windows", status: 202, taken: &incident.Upload{File: "فهرست.csv", Who: incident.ServerToken}}, `file:C:\\\\Users\\\\فهرست.csv`, "x"),
	asForm(importScenario{name: "form-direction", status: 202, taken: &incident.Upload{File: "listvsc.exe", Who: incident.ServerToken}}, "file:list\u202evsc.exe", "x"),
	asForm(importScenario{name: "form-dots", status: 202, taken: &incident.Upload{File: "upload", Who: incident.ServerToken}}, "file:..", "x"),
	asForm(importScenario{name: "form-long-name", status: 400}, "file:"+strings.Repeat("x", 256), "x"),
	asForm(importScenario{name: "form-many", status: 400, has: []string{"more than 20 parts"}}, func() (parts []string) {
		for range 30 {
			parts = append(parts, "strict", "")
		}
		return append(parts, "file:x", "x")
	}()...),
	asForm(importScenario{name: "form-long-head", status: 400, has: []string{"head of a part"}}, strings.Repeat("x", maxPartHead), "1", "file:x", "x"),
	asForm(importScenario{name: "form-cut", status: 400}, "file:x", "x").with(func(sc *importScenario) { sc.body = sc.body[:len(sc.body)-10] }),
	asForm(importScenario{name: "form-null", status: 400}, "dataset", "a\x00b", "file:x", "x"),
	asForm(importScenario{name: "form-preamble", status: 400}).with(func(sc *importScenario) { sc.body = strings.Repeat("noise\r\n", 5000) + sc.body }),
}

func (sc importScenario) with(change func(*importScenario)) importScenario {
	change(&sc)
	return sc
}

func TestImportScenarios(t *testing.T) {
	check := newChecker(t, mustServer(t, importConfig(newLoader())))
	names := map[string]bool{}
	for _, sc := range importScenarios {
		t.Run(sc.name, func(t *testing.T) {
			if names[sc.name] {
				t.Fatal("the name is taken")
			}
			names[sc.name] = true
			l := newLoader()
			c := importConfig(l)
			var said bytes.Buffer
			c.Logger = slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
			if sc.change != nil {
				sc.change(&c, l)
			}
			h := mustHandler(t, c)
			ask := func(method string) *httptest.ResponseRecorder {
				var body io.Reader
				if sc.body != "" {
					body = strings.NewReader(sc.body)
				}
				r := httptest.NewRequest(method, sc.url, body)
				r.Host = "sarhad.test"
				switch sc.auth {
				case "":
					r.Header.Set("Authorization", bearer)
				case "none":
				default:
					r.Header.Set("Authorization", sc.auth)
				}
				if sc.media != "" {
					r.Header.Set("Content-Type", sc.media)
				}
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				return rec
			}
			rec := ask(sc.method)
			body := rec.Body.String()
			if rec.Code != sc.status {
				t.Fatalf("%s %s gives %d, want %d:\n%s", sc.method, sc.url, rec.Code, sc.status, cut(body))
			}
			media := rec.Header().Get("Content-Type")
			if sc.status >= 400 && media != mediaProblem {
				t.Errorf("Content-Type of an error is %q", media)
			}
			for _, part := range sc.has {
				if !strings.Contains(body, part) {
					t.Errorf("%q is not in the answer:\n%s", part, cut(body))
				}
			}
			for _, part := range sc.hasNot {
				if strings.Contains(body, part) {
					t.Errorf("%q is in the answer:\n%s", part, cut(body))
				}
			}
			for name, want := range sc.head {
				if got := rec.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if rec.Header().Get("Access-Control-Allow-Origin") != "" || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("other sites or caches may have it: %v", rec.Header())
			}
			if logged := said.String(); strings.Contains(logged, testToken) || sc.status < 500 && strings.Contains(logged, "level=ERROR") {
				t.Errorf("logged: %s", logged)
			}
			switch {
			case sc.taken != nil && (len(l.taken) != 1 || l.taken[0] != *sc.taken):
				t.Errorf("taken is %+v, want %+v", l.taken, *sc.taken)
			case sc.status != http.StatusAccepted && len(l.taken) != 0:
				t.Errorf("taken though refused: %+v", l.taken)
			}
			if sc.name != "upload-proxy" {
				check.answer(t, sc.method, sc.url, rec)
			}
			if sc.golden {
				golden(t, sc.name, fmt.Sprintf("%d %s\n\n%s", rec.Code, media, body))
			}
			if sc.method == http.MethodGet {
				if head := ask(http.MethodHead); head.Code != sc.status || head.Body.Len() > 0 || head.Header().Get("Content-Type") != media {
					t.Errorf("HEAD gives %d %s with %d bytes", head.Code, head.Header().Get("Content-Type"), head.Body.Len())
				}
			}
		})
	}
}

// Other sites are told nothing, and the methods are those of the table.
func TestImportOptions(t *testing.T) {
	h := mustHandler(t, importConfig(newLoader()))
	rec := do(h, http.MethodOptions, "/imports", map[string]string{"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"})
	if rec.Code != http.StatusNoContent || rec.Header().Get("Allow") != "GET, HEAD, POST, OPTIONS" {
		t.Errorf("OPTIONS gives %d %v", rec.Code, rec.Header())
	}
	for name := range rec.Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("OPTIONS has %s", name)
		}
	}
}

// The name of a file cannot write into the head of an answer.
func TestRejectsHeader(t *testing.T) {
	for file, want := range map[string]string{
		"list.csv": "list-rejects.csv", "list.csv.gz": "list-rejects.csv", "a\r\nX-Evil: 1.csv": "import-1-rejects.csv", `q";x=".csv`: `q";x="-rejects.csv`,
		"فهرست.xlsx": "فهرست-rejects.csv", "": "import-1-rejects.csv", "../../x.csv": "x-rejects.csv", "a\x00b": "import-1-rejects.csv", "standard input": "standard input-rejects.csv",
		"\u202efdp.csv": "fdp-rejects.csv", strings.Repeat("x", 300): "import-1-rejects.csv",
	} {
		l := newLoader()
		job := &l.watch[len(l.watch)-1]
		job.ID, job.File = "1", file
		rec := do(mustHandler(t, importConfig(l)), http.MethodGet, "/imports/7/rejects", map[string]string{"Authorization": bearer})
		disposition := rec.Header().Get("Content-Disposition")
		kind, args, err := mime.ParseMediaType(disposition)
		if err != nil || kind != "attachment" || args["filename"] != want || strings.ContainsAny(disposition, "\r\n\x00") || rec.Header().Get("X-Evil") != "" {
			t.Errorf("%q: %q, %v; want %q", file, disposition, err, want)
		}
	}
}

// served is a real server, for what only a connection shows.
func served(t *testing.T, l *loader, change func(*server, *http.Server)) (address string, said *safeBuffer) {
	t.Helper()
	said = &safeBuffer{}
	c := importConfig(l)
	c.Logger = slog.New(slog.NewTextHandler(said, nil))
	s := mustServer(t, c)
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	srv := NewServer(h, Limits{})
	srv.ErrorLog = slog.NewLogLogger(c.Logger.Handler(), slog.LevelError)
	if change != nil {
		change(s, srv)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return ln.Addr().String(), said
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	return conn
}

func head(method, path string, lines ...string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: sarhad.test\r\n" + strings.Join(append(lines, "", ""), "\r\n")
}

const authLine = "Authorization: " + bearer

// settled waits until the loader has seen an upload out, and gives its numbers.
func (l *loader) settled(t *testing.T) (taken, left int) {
	t.Helper()
	for range 500 {
		l.mu.Lock()
		taken, left = len(l.taken), l.left
		l.mu.Unlock()
		if taken+left > 0 {
			return taken, left
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the upload did not end")
	return 0, 0
}

// A connection that breaks leaves nothing and is nobody's fault.
func TestDroppedUpload(t *testing.T) {
	media, whole := form("file:x.csv", strings.Repeat("x", 500))
	for name, request := range map[string]string{
		"raw":     head("POST", "/imports", authLine, "Content-Length: 900") + "half",
		"chunked": head("POST", "/imports", authLine, "Transfer-Encoding: chunked") + "4\r\nhalf\r\n",
		"form":    head("POST", "/imports", authLine, "Content-Type: "+media, fmt.Sprintf("Content-Length: %d", len(whole))) + whole[:300],
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoader()
			address, said := served(t, l, nil)
			conn := dial(t, address)
			_, _ = io.WriteString(conn, request)
			time.Sleep(50 * time.Millisecond) // so that the server is in the midst of it
			_ = conn.Close()
			if taken, left := l.settled(t); taken != 0 || left != 1 {
				t.Errorf("%d taken, %d left", taken, left)
			}
			time.Sleep(50 * time.Millisecond)
			if said.String() != "" {
				t.Errorf("logged: %s", said)
			}
		})
	}
}

func answerOf(t *testing.T, conn net.Conn) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// What is too large, not allowed or wrong is said at once and read no further,
// and a client that sends on gets the answer all the same.
func TestRefusedBeforeTheBody(t *testing.T) {
	for name, tc := range map[string]struct {
		head   []string
		status int
	}{
		"length":        {[]string{authLine, "Content-Length: 5000000"}, 413},
		"token":         {[]string{"Authorization: Bearer wrong", "Content-Length: 5000000"}, 401},
		"token chunked": {[]string{"Transfer-Encoding: chunked"}, 401},
		"expect":        {[]string{authLine, "Content-Length: 5000000", "Expect: 100-continue"}, 413},
		"expect token":  {[]string{"Content-Length: 5", "Expect: 100-continue"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLoader()
			address, said := served(t, l, nil)
			conn := dial(t, address)
			_, _ = io.WriteString(conn, head("POST", "/imports", tc.head...))
			resp, body := answerOf(t, conn) // nothing of the body was sent
			if resp.StatusCode != tc.status || !resp.Close || resp.Header.Get("Content-Type") != mediaProblem {
				t.Errorf("%d, close %v: %s", resp.StatusCode, resp.Close, body)
			}
			if said.String() != "" || len(l.taken)+l.left > 0 {
				t.Errorf("logged: %s", said)
			}
		})
	}
	t.Run("sends on", func(t *testing.T) {
		address, _ := served(t, newLoader(), nil)
		conn := dial(t, address)
		if _, err := io.WriteString(conn, head("POST", "/imports", "Content-Length: 20000000")+strings.Repeat("x", 20_000_000)); err != nil {
			t.Fatalf("the connection was reset: %v", err)
		}
		if resp, body := answerOf(t, conn); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%d: %s", resp.StatusCode, body)
		}
		if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the connection goes on: %d, %v", n, err)
		}
	})
	t.Run("chunks without end", func(t *testing.T) {
		l := newLoader()
		address, said := served(t, l, nil)
		conn := dial(t, address)
		_, _ = io.WriteString(conn, head("POST", "/imports", authLine, "Transfer-Encoding: chunked"))
		chunk := "400\r\n" + strings.Repeat("x", 0x400) + "\r\n"
		for range 5 {
			_, _ = io.WriteString(conn, chunk)
		}
		if resp, body := answerOf(t, conn); resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, "1000 bytes") {
			t.Errorf("%d: %s", resp.StatusCode, body)
		}
		if taken, left := l.settled(t); taken != 0 || left != 1 || said.String() != "" {
			t.Errorf("%d taken, %d left; logged: %s", taken, left, said)
		}
	})
	t.Run("bad chunk", func(t *testing.T) {
		l := newLoader()
		address, said := served(t, l, nil)
		conn := dial(t, address)
		_, _ = io.WriteString(conn, head("POST", "/imports", authLine, "Transfer-Encoding: chunked")+"zz\r\n")
		if resp, body := answerOf(t, conn); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%d: %s", resp.StatusCode, body)
		}
		if taken, _ := l.settled(t); taken != 0 || said.String() != "" {
			t.Errorf("logged: %s", said)
		}
	})
}

// Expect: 100-continue is answered when all is well, and the connection is used again.
func TestExpectContinue(t *testing.T) {
	l := newLoader()
	address, _ := served(t, l, nil)
	conn := dial(t, address)
	r := bufio.NewReader(conn)
	_, _ = io.WriteString(conn, head("POST", "/imports", authLine, "Content-Length: 4", "Expect: 100-continue"))
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	_, _ = r.ReadString('\n')
	_, _ = io.WriteString(conn, "abcd"+head("GET", "/imports/abc", authLine))
	for _, want := range []int{202, 200} {
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%v, %v; want %d", resp, err, want)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
	}
}

// An upload may take longer than the time limits of the connection if bytes come, and none may stand still.
func TestSlowUpload(t *testing.T) {
	quick := func(s *server, srv *http.Server) {
		s.patience = 500 * time.Millisecond
		srv.ReadTimeout, srv.WriteTimeout = s.patience, s.patience
	}
	t.Run("slow", func(t *testing.T) {
		l := newLoader()
		address, said := served(t, l, quick)
		conn := dial(t, address)
		_, _ = io.WriteString(conn, head("POST", "/imports", authLine, "Content-Length: 300"))
		for range 15 {
			time.Sleep(100 * time.Millisecond)
			_, _ = io.WriteString(conn, strings.Repeat("x", 20))
		}
		if resp, body := answerOf(t, conn); resp.StatusCode != http.StatusAccepted || said.String() != "" {
			t.Errorf("%d: %s; logged: %s", resp.StatusCode, body, said)
		}
	})
	t.Run("still", func(t *testing.T) {
		l := newLoader()
		address, said := served(t, l, quick)
		conn := dial(t, address)
		began := time.Now()
		_, _ = io.WriteString(conn, head("POST", "/imports", authLine, "Content-Length: 15")+"x")
		resp, body := answerOf(t, conn)
		if resp.StatusCode != http.StatusRequestTimeout || !resp.Close || said.String() != "" || time.Since(began) > 5*time.Second {
			t.Errorf("%d after %v: %s; logged: %s", resp.StatusCode, time.Since(began), body, said)
		}
		if taken, _ := l.settled(t); taken != 0 {
			t.Error("half a file was taken")
		}
	})
}

// A server that stops gives an upload up at once and says so.
func TestUploadEndsWithServer(t *testing.T) {
	closing := make(chan struct{})
	l := newLoader()
	address, said := served(t, l, func(s *server, _ *http.Server) { s.Closing = closing })
	conn := dial(t, address)
	_, _ = io.WriteString(conn, head("POST", "/imports", authLine, "Content-Length: 15")+"x")
	time.Sleep(50 * time.Millisecond) // so that the server waits for the rest
	close(closing)
	began := time.Now()
	if resp, body := answerOf(t, conn); resp.StatusCode != http.StatusServiceUnavailable || time.Since(began) > time.Second {
		t.Errorf("%d after %v: %s", resp.StatusCode, time.Since(began), body)
	}
	if taken, left := l.settled(t); taken != 0 || left != 1 || said.String() != "" {
		t.Errorf("%d taken, %d left; logged: %s", taken, left, said)
	}
}

// The body is read as it comes: memory does not grow with it.
func TestUploadIsNotHeldInMemory(t *testing.T) {
	const size = 200 << 20
	l := newLoader()
	l.most = size + 1
	h := mustHandler(t, importConfig(l))
	media, whole := form("dataset", "x", "file:x.csv", "@")
	before, after, _ := strings.Cut(whole, "@")
	for _, media := range []string{raw, media} {
		body := io.LimitReader(zeros{}, size)
		if media != raw {
			body = io.MultiReader(strings.NewReader(before), body, strings.NewReader(after))
		}
		r := httptest.NewRequest(http.MethodPost, "/imports", body)
		r.Header.Set("Authorization", bearer)
		r.Header.Set("Content-Type", media)
		var m0, m1 runtime.MemStats
		runtime.ReadMemStats(&m0)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		runtime.ReadMemStats(&m1)
		if rec.Code != http.StatusAccepted || m1.TotalAlloc-m0.TotalAlloc > 4<<20 {
			t.Fatalf("%s: %d with %d bytes of memory: %s", media, rec.Code, m1.TotalAlloc-m0.TotalAlloc, rec.Body)
		}
	}
	if l.bytes[0] != size || l.bytes[1] != size {
		t.Errorf("bytes %v", l.bytes)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// Events come when something happens, also through the compression; the stream
// outlives the time limits of the connection, says that it lives, and ends.
func TestEventsStream(t *testing.T) {
	l := newLoader()
	l.hold = make(chan struct{})
	address, said := served(t, l, func(s *server, srv *http.Server) {
		s.heartbeat = 50 * time.Millisecond
		srv.ReadTimeout, srv.WriteTimeout = 200*time.Millisecond, 200*time.Millisecond
	})
	r, _ := http.NewRequest(http.MethodGet, "http://"+address+"/imports/abc/events", nil)
	r.Header.Set("Authorization", bearer)
	r.Header.Set("Accept-Encoding", "gzip, zstd")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != mediaEvents || resp.Header.Get("Content-Encoding") != "" {
		t.Fatalf("headers %v", resp.Header)
	}
	var names []string
	beats := 0
	var last map[string]any
	released := false
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		switch {
		case line == ":":
			if beats++; beats == 12 && !released { // far beyond the time limits
				released = true
				close(l.hold)
			}
		case strings.HasPrefix(line, "event: "):
			names = append(names, line[7:])
		case strings.HasPrefix(line, "data: "):
			last = nil
			if err := json.Unmarshal([]byte(line[6:]), &last); err != nil {
				t.Fatal(err)
			}
			if names[len(names)-1] == "progress" && last["report"] != nil {
				t.Error("progress has a report")
			}
		}
	}
	if fmt.Sprint(names) != "[progress progress end]" || last["state"] != "done" || last["report"] == nil || said.String() != "" {
		t.Errorf("events %v, last %v; logged: %s", names, last, said)
	}
}

// A stream ends with its listener and with the server, and neither is a fault.
func TestEventsEnd(t *testing.T) {
	closing := make(chan struct{})
	l := newLoader()
	l.hold = make(chan struct{})
	address, said := served(t, l, func(s *server, _ *http.Server) { s.Closing = closing })
	listen := func() *http.Response {
		r, _ := http.NewRequest(http.MethodGet, "http://"+address+"/imports/abc/events", nil)
		r.Header.Set("Authorization", bearer)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		return resp
	}
	_ = listen().Body.Close()
	resp := listen()
	close(closing)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || strings.Contains(string(rest), "event: end") {
		t.Errorf("%v: %s", err, rest)
	}
	if said.String() != "" {
		t.Errorf("logged: %s", said)
	}
}

// An answer may take longer than the limit for reading the request.
func TestAnswerOutlivesReadTimeout(t *testing.T) {
	l := newLoader()
	pr, pw := io.Pipe()
	l.rejects = func() io.ReadCloser { return pr }
	address, _ := served(t, l, func(_ *server, srv *http.Server) {
		srv.ReadTimeout, srv.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	})
	go func() {
		for range 10 {
			time.Sleep(50 * time.Millisecond)
			_, _ = io.WriteString(pw, strings.Repeat("x", 4096))
		}
		_ = pw.Close()
	}()
	r, _ := http.NewRequest(http.MethodGet, "http://"+address+"/imports/abc/rejects", nil)
	r.Header.Set("Authorization", bearer)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || len(body) != 40960 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}
