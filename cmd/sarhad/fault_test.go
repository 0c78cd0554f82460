//go:build linux

package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sarhad/api"
	"sarhad/data/gpkg"
	"sarhad/data/postgis/pgtest"
	"sarhad/incident"
)

// The fault suite: each test is one way in which clients, files, the machine or the database fail, tried on the program as
// it is built. These are in other files: TestKilledAnywhere, TestKilledReload, TestKilledUndo and TestKilledRevert (kill -9
// while loading), TestFullDisk and TestFullDiskElsewhere (a full disk), TestStoreThatCannotBeUsed (read-only, locked,
// damaged, of another version), TestPipes, TestSlowReadersOfPackages, and in api TestConnectionsGiveWay and TestRateLimit.

// process is a server in a process of its own.
type process struct {
	t             *testing.T
	base, metrics string
	cmd           *exec.Cmd
	mu            sync.Mutex
	text          bytes.Buffer
	ended         chan struct{}
}

var metricsAt = regexp.MustCompile(`Metrics are at (http://[^\s"]+)`)

// begin starts a command that serves, and waits until it says where.
func begin(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, cmd: cmd, ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	check(t, err, cmd.Start())
	listening := make(chan struct{})
	go func() {
		defer close(p.ended)
		open := sync.OnceFunc(func() { close(listening) })
		defer open()
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			line := lines.Text()
			p.mu.Lock()
			fmt.Fprintln(&p.text, line)
			if m := servedAt.FindStringSubmatch(line); m != nil && p.base == "" {
				p.base = "http://" + m[1]
			}
			if m := metricsAt.FindStringSubmatch(line); m != nil {
				p.metrics = m[1]
				p.mu.Unlock()
				open() // it is said last
				continue
			}
			p.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
	})
	<-listening
	if p.base == "" {
		t.Fatalf("the server did not say where it listens: %s", p.said())
	}
	return p
}

// running starts a server of a store.
func running(t *testing.T, store string, args ...string) *process {
	t.Helper()
	return begin(t, program(context.Background(), t, serveArgs(store, args...)...))
}

func serveArgs(store string, args ...string) []string {
	return append([]string{"serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--store", store, "--no-demo"}, args...)
}

// under starts it under a limit of the shell, such as ulimit -n 60.
func under(t *testing.T, limit, store string, args ...string) *process {
	t.Helper()
	inner := program(t.Context(), t, serveArgs(store, args...)...)
	cmd := exec.CommandContext(context.Background(), "/bin/sh", append([]string{"-c", limit + ` && exec "$@"`, "sh"}, inner.Args...)...)
	cmd.Env = inner.Env
	return begin(t, cmd)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.cmd.Wait() // it was killed
	p.cmd = nil
}

// stopped waits for a server that was told to stop, and gives its exit code.
func (p *process) stopped() int {
	<-p.ended
	_ = p.cmd.Wait()
	code := p.cmd.ProcessState.ExitCode()
	p.cmd = nil
	return code
}

func (p *process) address() string { return strings.TrimPrefix(p.base, "http://") }

// status asks for a path and gives the status and the body.
func (p *process) status(path string) (int, string) {
	p.t.Helper()
	resp, err := http.Get(p.base + path)
	if err != nil {
		p.t.Errorf("%s: %v\n%s", path, err, p.said())
		return 0, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Errorf("%s: %v", path, err)
	}
	return resp.StatusCode, string(body)
}

// well fails unless the server answers everything as it should.
func (p *process) well() {
	p.t.Helper()
	for _, path := range []string{"/healthz", "/readyz", "/datasets", "/aggregates?by=year", "/collections/incidents/items?limit=5"} {
		if status, body := p.status(path); status != http.StatusOK {
			p.t.Errorf("%s: %d %.300s", path, status, body)
		}
	}
}

// metric gives a counter or a gauge.
func (p *process) metric(name string) float64 {
	p.t.Helper()
	resp, err := http.Get(p.metrics)
	check(p.t, err)
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			v, err := strconv.ParseFloat(value, 64)
			check(p.t, err)
			return v
		}
	}
	p.t.Fatalf("there is no metric %s", name)
	return 0
}

// eventually waits for what comes by itself, but not for ever.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for range 1000 {
		if yes() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("it does not come: %s", what)
}

func (p *process) dial() net.Conn {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.address())
	check(p.t, err)
	p.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// say sends bytes over a connection of their own and gives the status of the answer, 0 if it ends without one.
func (p *process) say(text string) int {
	p.t.Helper()
	conn := p.dial()
	go func() { _, _ = io.WriteString(conn, text) }() // the server may stop reading
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// loadedStore makes a store with generated incidents.
func loadedStore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	store := filepath.Join(dir, "s.gpkg")
	must(t, "import", "--store", store, "-q", generated(t, dir))
	return store
}

// hard is a filter that the store works on for much longer than a test takes.
func hard() string {
	var b strings.Builder
	for i := range 600 {
		fmt.Fprintf(&b, "summary LIKE '%%a%%e%%i%%o%%%d%%x%%z' OR ", i)
	}
	return "/aggregates?by=year&filter=" + url.QueryEscape(b.String()+"summary LIKE '%q%q%q%q%'")
}

const inFlight = "sarhad_http_requests_in_flight"

// Faults of clients, all on one server with short times.
func TestFaultClients(t *testing.T) {
	store := loadedStore(t)
	p := running(t, store, "--header-timeout", "500ms", "--read-timeout", "1s", "--write-timeout", "2s", "--answer-timeout", "1s", "--max-upload", "1MB", "--access-log", "--log-format", "json",
		"--write-token", testToken)
	eventually(t, "the index", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
	// drip sends a text again and again until the server lets go.
	drip := func(conn net.Conn, text string) {
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	post := "POST /imports?format=table HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + testToken + "\r\n"
	kinds := []struct {
		name string
		run  func(t *testing.T)
	}{
		{"SlowHeader", func(*testing.T) {
			conn := p.dial()
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n")
			go drip(conn, "X-A: b\r\n")
			_, _ = io.Copy(io.Discard, conn) // ends, or the test does not
		}},
		{"SlowBody", func(t *testing.T) {
			conn := p.dial()
			_, _ = io.WriteString(conn, post+"Content-Length: 100000\r\n\r\n")
			go drip(conn, "x")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || resp.StatusCode != http.StatusRequestTimeout {
				t.Errorf("%v, %v", resp, err)
			}
		}},
		{"SlowReader", func(t *testing.T) {
			conn := p.dial()
			check(t, conn.(*net.TCPConn).SetReadBuffer(4096))
			_, _ = io.WriteString(conn, "GET /collections/incidents/items?f=csv HTTP/1.1\r\nHost: a\r\n\r\n")
			_, err := io.ReadFull(conn, make([]byte, 100))
			check(t, err)
			eventually(t, "the end of what nobody reads", func() bool { return p.metric(inFlight) == 0 })
		}},
		{"HugeHeader", func(t *testing.T) {
			if got := p.say("GET / HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("x", 1<<20) + "\r\n\r\n"); got != http.StatusRequestHeaderFieldsTooLarge && got != 0 {
				t.Error(got)
			}
		}},
		{"HugeURL", func(t *testing.T) {
			if got := p.say("GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: a\r\n\r\n"); got != http.StatusRequestHeaderFieldsTooLarge && got != 0 {
				t.Error(got)
			}
			if got, _ := p.status("/" + strings.Repeat("x", 60_000)); got != http.StatusNotFound {
				t.Error(got)
			}
		}},
		{"HugeBody", func(t *testing.T) {
			if got := p.say(post + "Content-Length: 99999999999\r\n\r\n"); got != http.StatusRequestEntityTooLarge {
				t.Error(got)
			}
			if got := p.say(post + "Transfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("x", 2<<20) + "\r\n0\r\n\r\n"); got != http.StatusRequestEntityTooLarge {
				t.Errorf("in chunks: %d", got)
			}
		}},
		{"BrokenUpload", func(t *testing.T) {
			conn := p.dial()
			_, _ = io.WriteString(conn, post+"Content-Length: 1000\r\n\r\nid,event_date\n1,2024")
			check(t, conn.(*net.TCPConn).SetLinger(0), conn.Close()) // a reset
			eventually(t, "the end of an upload that broke off", func() bool { return p.metric(inFlight) == 0 })
		}},
		{"NotHTTP", func(t *testing.T) {
			for _, text := range []string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x00\x00\x00\x00\r\n\r\n", "SSH-2.0-x\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET  /  HTTP/1.1\r\n\r\n",
				"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "POST /imports HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"} {
				if got := p.say(text); got != 0 && (got < 400 || got == http.StatusInternalServerError) {
					t.Errorf("%q: %d", text, got)
				}
			}
		}},
		{"AnswerTooLong", func(t *testing.T) {
			status, body := p.status(hard())
			if status != http.StatusServiceUnavailable || !strings.Contains(body, "took too long") {
				t.Errorf("%d %s", status, body)
			}
			eventually(t, "the end of the work", func() bool { return p.metric(inFlight) == 0 })
		}},
		{"ResetWhileReading", func(t *testing.T) {
			for range 20 {
				conn := p.dial()
				_, _ = io.WriteString(conn, "GET /collections/incidents/items?limit=10000 HTTP/1.1\r\nHost: a\r\n\r\n")
				_, err := io.ReadFull(conn, make([]byte, 10))
				check(t, err, conn.(*net.TCPConn).SetLinger(0), conn.Close())
			}
			eventually(t, "the end of all answers", func() bool { return p.metric(inFlight) == 0 })
		}},
		{"ManyConnections", func(t *testing.T) {
			const many = 2000 // twice as many as there may be
			held := make([]net.Conn, 0, many)
			defer func() {
				for _, conn := range held {
					_ = conn.Close()
				}
			}()
			for i := range many {
				conn, err := net.Dial("tcp", p.address())
				check(t, err)
				held = append(held, conn)
				if i%2 == 0 {
					_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n") // and no more
				}
				if i%250 == 249 {
					p.well()
				}
			}
			if open := p.metric("process_open_fds"); open > 1200 {
				t.Errorf("%v files are open", open)
			}
		}},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			whole := p.t
			p.t = t
			defer func() { p.t = whole }()
			kind.run(t)
			p.well()
		})
	}
	if n := p.metric("sarhad_http_panics_total"); n != 0 {
		t.Errorf("%v panics", n)
	}
	check(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if code := p.stopped(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	said := p.said()
	for _, private := range []string{"LIKE", testToken} {
		if strings.Contains(said, private) {
			t.Errorf("%q is in the log", private)
		}
	}
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "{") {
			t.Errorf("no JSON in the log: %s", line)
		}
	}
	sound(t, store)
}

// A request that its client gives up ends its work in the store at once: in all connections together nothing runs any more.
func TestFaultCancelled(t *testing.T) {
	p := running(t, loadedStore(t), "--no-index", "--max-costly", "3", "--answer-timeout", "9m", "--write-timeout", "10m")
	for range 3 {
		ctx, giveUp := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for range 3 {
			clients.Go(func() {
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+hard(), nil)
				if err != nil {
					t.Error(err)
					return
				}
				if resp, err := http.DefaultClient.Do(r); err == nil {
					_ = resp.Body.Close()
					t.Errorf("the question was not hard: %s", resp.Status)
				}
			})
		}
		eventually(t, "three running questions", func() bool { return p.metric(inFlight) == 3 })
		giveUp()
		clients.Wait()
		eventually(t, "no running question", func() bool { return p.metric(inFlight) == 0 })
	}
	p.well()
}

// What runs when SIGTERM comes is answered to its end; meanwhile the server says that it is not ready, and afterwards nobody
// gets in.
func TestFaultSigterm(t *testing.T) {
	p := running(t, loadedStore(t), "--drain", "3s")
	conn := p.dial()
	_, _ = io.WriteString(conn, "GET /collections/incidents/items?f=geojsonseq HTTP/1.1\r\nHost: a\r\n\r\n")
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	check(t, err)
	check(t, p.cmd.Process.Signal(syscall.SIGTERM))
	eventually(t, "not ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusServiceUnavailable })
	if status, _ := p.status("/datasets"); status != http.StatusOK {
		t.Errorf("while it drains: %d", status)
	}
	eventually(t, "nobody gets in", func() bool {
		c, err := net.Dial("tcp", p.address())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	body, err := io.ReadAll(resp.Body)
	if n := bytes.Count(body, []byte{0x1e}); err != nil || n != crashRows {
		t.Errorf("%d incidents of a running answer, %v", n, err)
	}
	if code := p.stopped(); code != exitOK {
		t.Errorf("exit code %d: %s", code, p.said())
	}
}

// A server that is killed while it takes files and answers leaves a sound store, and what it acknowledged is there.
func TestFaultKilledWhileServing(t *testing.T) {
	dir := t.TempDir()
	store := filepath.Join(dir, "s.gpkg")
	u := startUploader(t, store)
	id := u.send("format=table&dataset=kept", []byte("id,event_date,district\n1,2024-01-01,Khyber\n2,2024-01-02,Kurram\n")).ID
	u.done(id)
	text, err := os.ReadFile(generated(t, dir))
	check(t, err)
	late := u.send("format=table&dataset=late", text).ID // acknowledged, and perhaps at work
	check(t, u.cmd.Process.Kill())
	<-u.ended
	_ = u.cmd.Wait() // it was killed
	u.cmd = nil
	again := startUploader(t, store)
	again.done(late)
	if n := again.counts(); n["kept"] != 2 || n["late"] != crashRows {
		t.Errorf("after the kill: %v", n)
	}
	again.stop()
	sound(t, store)
}

// An index file that is damaged, cut short, empty, of another store or a folder changes no answer.
func TestFaultIndexFile(t *testing.T) {
	store, other := loadedStore(t), loadedStore(t)
	must(t, "undo", "--store", other, "1")
	question := "/aggregates?by=unit,event_type&f=csv" // no links, which have the port
	p := running(t, store, "--no-index")
	_, want := p.status(question)
	p.kill()
	file := store + "-index"
	whole, err := os.ReadFile(file)
	check(t, err) // the import saved it
	foreign, err := os.ReadFile(other + "-index")
	check(t, err)
	noise := bytes.Clone(whole)
	for i := len(noise) / 3; i < len(noise)/2; i++ {
		noise[i] ^= 0x5a
	}
	for name, content := range map[string][]byte{"Corrupt": noise, "CutShort": whole[:len(whole)/2], "Empty": {}, "OfAnotherStore": foreign, "NoIndexAtAll": bytes.Repeat([]byte("sarhad"), 10_000), "Folder": nil} {
		t.Run(name, func(t *testing.T) {
			check(t, os.RemoveAll(file))
			if content == nil {
				check(t, os.Mkdir(file, 0o700))
			} else {
				check(t, os.WriteFile(file, content, 0o600))
			}
			p := running(t, store)
			eventually(t, "ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
			if _, got := p.status(question); got != want {
				t.Errorf("the answer is another: %.500s", got)
			}
			p.kill()
		})
	}
}

// No room for the index: the server says so, is ready, and answers from memory or from the store.
func TestFaultNoRoomForIndex(t *testing.T) {
	store := loadedStore(t)
	check(t, os.Remove(store+"-index"))
	p := under(t, "ulimit -f 128", store) // 64 or 128 kB
	eventually(t, "ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
	p.well()
	check(t, p.cmd.Process.Signal(syscall.SIGTERM))
	_ = p.stopped() // closing writes, too
	sound(t, store)
}

// More clients than file descriptors: some wait or are turned away, and afterwards all is well.
func TestFaultNoFileDescriptors(t *testing.T) {
	p := under(t, "ulimit -n 60", loadedStore(t))
	eventually(t, "ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
	http.DefaultClient.CloseIdleConnections()
	var held []net.Conn
	for range 150 {
		conn, err := net.Dial("tcp", p.address())
		check(t, err)
		_, _ = io.WriteString(conn, "GET /collections/incidents/items?limit=1000&q=road HTTP/1.1\r\nHost: a\r\n\r\n")
		held = append(held, conn)
	}
	for _, conn := range held {
		_ = conn.Close()
	}
	eventually(t, "answers again", func() bool {
		resp, err := http.Get(p.base + "/healthz")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
	p.well()
}

// A store that is moved away, replaced and put back under a running server: it is not ready, writes nothing, and mixes
// nothing; put back, it is ready again.
func TestFaultStoreMoved(t *testing.T) {
	store := loadedStore(t)
	away := store + ".away"
	p := running(t, store, "--no-index")
	p.well()
	notReady := func(when string) {
		t.Helper()
		if status, body := p.status("/readyz"); status != http.StatusServiceUnavailable || strings.Contains(body, store) {
			t.Errorf("%s: %d %s", when, status, body)
		}
		if status, _ := p.status("/healthz"); status != http.StatusOK {
			t.Errorf("%s it is not alive: %d", when, status)
		}
		if status, body := p.status("/collections/incidents/items?limit=1"); status != http.StatusOK && status != http.StatusServiceUnavailable || status == http.StatusOK && !strings.Contains(body, fmt.Sprintf(`"numberMatched":%d`, crashRows)) {
			t.Errorf("%s: %d %.300s", when, status, body)
		}
	}
	check(t, os.Rename(store, away))
	notReady("moved away")
	copyFile(t, "../../data/source/testdata/ged.csv", store)
	notReady("replaced by what is no store")
	check(t, os.Remove(store), os.Rename(away, store))
	p.well()
	check(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if code := p.stopped(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	sound(t, store)
}

// Damaged pages of the store: who asks gets an answer or a problem without internals, and the server lives.
func TestFaultCorruptPages(t *testing.T) {
	store := loadedStore(t)
	text, err := os.ReadFile(store)
	check(t, err)
	for i := len(text) / 2; i < len(text)*9/10; i++ {
		text[i] ^= 0x5a
	}
	check(t, os.WriteFile(store, text, 0o600))
	cmd := program(context.Background(), t, serveArgs(store, "--no-index")...)
	p := begin(t, cmd)
	met := 0
	for _, path := range []string{"/collections/incidents/items?limit=10000", "/aggregates?by=unit", "/collections/incidents/items?q=road", "/collections/incidents/items?f=csv"} {
		resp, err := http.Get(p.base + path)
		if err != nil {
			met++ // the answer was cut short
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			met++
			continue
		}
		if resp.StatusCode == http.StatusOK {
			continue
		}
		met++
		if resp.Header.Get("Content-Type") != "application/problem+json" || strings.Contains(string(body), "goroutine") || strings.Contains(string(body), store) || strings.Contains(string(body), "SQL") {
			t.Errorf("%s: %d %.300s", path, resp.StatusCode, body)
		}
	}
	if status, _ := p.status("/healthz"); status != http.StatusOK || met == 0 {
		t.Errorf("alive %d, %d answers met the damage", status, met)
	}
	r := ranFrom(t, program(t.Context(), t, "backup", "--store", store, store+".copy"))
	if _, err := os.Stat(store + ".copy"); r.code != exitFailed || err == nil || !strings.Contains(r.said, "damaged") {
		t.Errorf("a backup of a damaged store: exit %d, %v, %s", r.code, err, r.said)
	}
}

// Two servers on one store answer the same, and both show what one of them loads.
func TestFaultSecondServer(t *testing.T) {
	store := loadedStore(t)
	first, second := running(t, store), running(t, store)
	eventually(t, "ready", func() bool { status, _ := second.status("/readyz"); return status == http.StatusOK })
	must(t, "undo", "--store", store, "1")
	for _, p := range []*process{first, second} {
		eventually(t, "the change", func() bool {
			_, body := p.status("/collections/incidents/items?limit=1")
			return strings.Contains(body, `"numberMatched":0`)
		})
	}
	first.kill()
	second.well()
	sound(t, store)
}

// Files that are damaged inside their packing leave nothing, and the next one is loaded.
func TestFaultBadUploads(t *testing.T) {
	store := filepath.Join(t.TempDir(), "s.gpkg")
	u := startUploader(t, store)
	rows := []byte("id,event_date,district\n1,2024-01-01,Khyber\n2,2024-01-02,Kurram\n")
	var gz, zipped bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, err := w.Write(bytes.Repeat(rows, 1000))
	check(t, err, w.Close())
	z := zip.NewWriter(&zipped)
	f, err := z.Create("list.csv")
	check(t, err)
	_, err = f.Write(bytes.Repeat(rows, 1000))
	check(t, err, z.Close())
	for name, body := range map[string][]byte{
		"GzipCut": gz.Bytes()[:gz.Len()-9], "GzipNoise": append(bytes.Clone(gz.Bytes()[:20]), bytes.Repeat([]byte{0xff}, 500)...),
		"ZipCut": zipped.Bytes()[:zipped.Len()-30], "ZipNoise": append([]byte("PK\x03\x04"), bytes.Repeat([]byte{0xfe}, 500)...),
	} {
		t.Run(name, func(t *testing.T) {
			u.in(t)
			if j := u.end(u.send("format=table&dataset=bad", body).ID); j.State != "failed" || j.Problem == nil || strings.Contains(*j.Problem, "/") {
				t.Errorf("%s, %s", j.State, str(j.Problem))
			}
			if n := u.counts(); n["bad"] != 0 {
				t.Errorf("%v", n)
			}
		})
	}
	u.done(u.send("format=table&dataset=good", rows).ID)
	u.stop()
	sound(t, store)
}

// broken is a store that panics when it is counted.
type broken struct{ incident.Reader }

func (broken) Aggregate(context.Context, incident.AggregateQuery) ([]incident.Group, error) {
	panic("a fault of ours")
}

// Faults inside the program: a panic costs one answer, and a clock that jumps costs none.
func TestFaultInside(t *testing.T) {
	st, err := gpkg.Open(t.Context(), loadedStore(t), gpkg.Options{})
	check(t, err)
	defer st.Close()
	var mu sync.Mutex
	var jump time.Duration
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(jump)
	}
	var log bytes.Buffer
	limits := api.Limits{Rate: 1e6}
	h, err := api.New(api.Config{Reader: broken{st}, Limits: limits, Now: now, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	check(t, err)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = api.NewServer(h, limits)
	srv.Start()
	defer srv.Close()
	p := &process{t: t, base: srv.URL}
	t.Run("Panic", func(t *testing.T) {
		for range 3 {
			if status, body := p.status("/aggregates?by=year"); status != http.StatusInternalServerError || strings.Contains(body, "fault of ours") {
				t.Errorf("%d %s", status, body)
			}
			if status, _ := p.status("/collections/incidents/items?limit=1"); status != http.StatusOK {
				t.Errorf("after a panic: %d", status)
			}
		}
	})
	t.Run("ClockJump", func(t *testing.T) {
		for _, by := range []time.Duration{-10 * 365 * 24 * time.Hour, 0, 100 * 365 * 24 * time.Hour, -time.Second, 0} {
			mu.Lock()
			jump = by
			mu.Unlock()
			for _, path := range []string{"/collections/incidents/items?limit=1", "/datasets", "/healthz"} {
				if status, body := p.status(path); status != http.StatusOK {
					t.Errorf("%v, %s: %d %s", by, path, status, body)
				}
			}
		}
	})
}

// A database that goes away: problems that say to try again, never a fault of ours or a hang, and when it is back so are the
// answers.
func TestFaultDatabaseGone(t *testing.T) {
	db := pgtest.Need(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "list.csv")
	check(t, os.WriteFile(file, []byte("id,event_date,district\n1,2024-01-01,Khyber\n2,2024-01-02,Kurram\n"), 0o600))
	must(t, "import", "--store", db.URI(), "-q", file)
	p := running(t, db.URI(), "--index-dir", dir)
	eventually(t, "ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
	db.Halt()
	for _, path := range []string{"/readyz", "/collections/incidents/items?limit=1", "/aggregates?by=year", "/datasets", "/collections/incidents/items?q=road"} {
		if status, body := p.status(path); status != http.StatusOK && status != http.StatusServiceUnavailable || path == "/readyz" && status == http.StatusOK || strings.Contains(body, "postgres") {
			t.Errorf("%s without a database: %d %.300s", path, status, body)
		}
	}
	if status, _ := p.status("/healthz"); status != http.StatusOK {
		t.Errorf("not alive: %d", status)
	}
	check(t, db.Run())
	eventually(t, "ready again", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
	must(t, "undo", "--store", db.URI(), "1")
	eventually(t, "the change", func() bool {
		_, body := p.status("/collections/incidents/items?limit=1")
		return strings.Contains(body, `"numberMatched":0`)
	})
	p.well()
}

// A backup is put back only where no server uses the store, whole or not at all, and the index of the old state goes.
func TestFaultRestore(t *testing.T) {
	store := loadedStore(t)
	dir := filepath.Dir(store)
	backup, bad := filepath.Join(dir, "copy.gpkg"), filepath.Join(dir, "bad.gpkg")
	p := running(t, store)
	must(t, "backup", "--store", store, backup) // while it is served
	want := storeHash(t, backup)
	refused := func(says string, args ...string) {
		t.Helper()
		r := ranFrom(t, program(t.Context(), t, append([]string{"restore"}, args...)...))
		if r.code != exitFailed || !strings.Contains(r.said, says) {
			t.Errorf("restore %v: exit %d, %s, want %q", args, r.code, r.said, says)
		}
	}
	must(t, "undo", "--store", store, "1")
	refused("exists already", backup, "--store", store)
	refused("open in another process", backup, "--store", store, "--force")
	check(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if code := p.stopped(); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	before := storeHash(t, store)
	text, err := os.ReadFile(backup)
	check(t, err)
	for i := len(text) / 2; i < len(text)*3/4; i++ {
		text[i] ^= 0x5a
	}
	check(t, os.WriteFile(bad, text, 0o600))
	refused("damaged", bad, "--store", store, "--force")
	check(t, os.WriteFile(bad, text[:len(text)/3], 0o600))
	refused("damaged", bad, "--store", store, "--force")
	refused("no SQLite database", "../../data/source/testdata/ged.csv", "--store", store, "--force")
	refused("no backup", filepath.Join(dir, "none.gpkg"), "--store", store, "--force")
	refused("itself", store, "--store", store, "--force")
	if storeHash(t, store) != before {
		t.Fatal("a restore that was refused changed the store")
	}
	must(t, "restore", backup, "--store", store, "--force")
	if _, err := os.Stat(store + "-index"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the index of the old state is still there: %v", err)
	}
	sound(t, store)
	if storeHash(t, store) != want || storeHash(t, backup) != want {
		t.Error("the restored store has other rows")
	}
	// Over a store that is beyond help, and where there is none.
	check(t, os.WriteFile(store, text, 0o600))
	must(t, "restore", backup, "--store", store, "--force")
	fresh := filepath.Join(dir, "new.gpkg")
	must(t, "restore", backup, "--store", fresh)
	for _, s := range []string{store, fresh} {
		if storeHash(t, s) != want {
			t.Errorf("%s has other rows", s)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*restore*")); len(left) > 0 {
		t.Errorf("%s stayed", left)
	}
	p = running(t, store)
	eventually(t, "ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
	p.well()
}
