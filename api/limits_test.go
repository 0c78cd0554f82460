package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sarhad/incident"
)

// listen serves a configuration on loopback with the limits of NewServer.
func listen(t *testing.T, c Config) (address string) {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = NewServer(mustHandler(t, c), c.Limits)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// ask sends a request over a connection and gives the answer.
func ask(t *testing.T, conn net.Conn, path string) (*http.Response, error) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: sarhad.test\r\n\r\n"); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp, errors.Join(err, resp.Body.Close())
}

// Of more connections than there may be the one that waits longest gives way; one that is being answered does not.
func TestConnectionsGiveWay(t *testing.T) {
	const most = 8
	inside, goOn := make(chan struct{}, most), make(chan struct{})
	m := many(1, 10)
	m.onRow = func(int) { inside <- struct{}{}; <-goOn }
	c := testConfig(m)
	c.Limits = Limits{Connections: most}
	reg := prometheus.NewRegistry()
	c.Metrics = reg
	address := listen(t, c)
	first := dial(t, address) // says nothing
	var busy []net.Conn
	answered := make(chan error, most)
	for i := range most - 1 {
		conn := dial(t, address)
		busy = append(busy, conn)
		go func() {
			resp, err := ask(t, conn, fmt.Sprintf("%s?min_fatalities=%d", incidentsURL, i%2))
			if err == nil && resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
			answered <- err
		}()
		<-inside
	}
	second := dial(t, address)
	if _, err := first.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection that waited longest was not closed: %v", err)
	}
	if resp, err := ask(t, second, "/healthz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the one that came in its place: %v, %v", resp, err)
	}
	go func() { // all that there may be are answered now
		_, _ = io.WriteString(second, "GET "+incidentsURL+" HTTP/1.1\r\nHost: sarhad.test\r\n\r\n")
	}()
	<-inside
	resp, err := http.ReadResponse(bufio.NewReader(dial(t, address)), nil)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || resp.Header.Get("Content-Type") != mediaProblem {
		t.Errorf("one too many while all are being answered: %v, %v", resp, err)
	}
	if got := gathered(t, reg)[`sarhad_http_refused_total{why="connections"}`]; got != 1 {
		t.Errorf("%v refusals are counted", got)
	}
	close(goOn)
	for range busy {
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	if resp, err := ask(t, dial(t, address), "/healthz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %v, %v", resp, err)
	}
}

func TestRateLimit(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := testConfig(testStore())
	c.Now = func() time.Time { return now }
	c.Limits = Limits{Rate: 2, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	h := mustHandler(t, c)
	from := func(peer, forwarded, path string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.RemoteAddr = peer
		if forwarded != "" {
			req.Header.Set("X-Forwarded-For", forwarded)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		return rec
	}
	spend := func(peer, forwarded string) {
		t.Helper()
		for i := range 8 { // four seconds' worth at once
			if rec := from(peer, forwarded, "/conformance"); rec.Code != http.StatusOK {
				t.Fatalf("request %d of %s, %s: %d", i, peer, forwarded, rec.Code)
			}
		}
	}
	refused := func(peer, forwarded string, want bool) {
		t.Helper()
		if rec := from(peer, forwarded, "/conformance"); (rec.Code == http.StatusTooManyRequests) != want {
			t.Errorf("%s, %s: %d, want it refused: %v", peer, forwarded, rec.Code, want)
		}
	}
	spend("192.0.2.1:1000", "")
	rec := from("192.0.2.1:2000", "198.51.100.7", "/collections?q=1")
	var p problem
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || rec.Code != http.StatusTooManyRequests || p.Status != rec.Code || rec.Header().Get("Retry-After") != "1" || rec.Header().Get("Content-Type") != mediaProblem {
		t.Errorf("one too many: %d %v %s, %v", rec.Code, rec.Header(), rec.Body, err)
	}
	for _, probe := range []string{"/healthz", "/readyz"} {
		if rec := from("192.0.2.1:1000", "", probe); rec.Code != http.StatusOK {
			t.Errorf("%s is refused too: %d", probe, rec.Code)
		}
	}
	refused("192.0.2.2:1", "", false)
	refused("[::ffff:192.0.2.1]:1", "", true)
	now = now.Add(time.Second)
	refused("192.0.2.1:1", "", false)
	refused("192.0.2.1:1", "", false)
	refused("192.0.2.1:1", "", true)

	spend("10.1.1.1:1", "203.0.113.5")
	refused("10.1.1.1:1", "203.0.113.5", true)
	refused("10.9.9.9:1", "1.2.3.4, 203.0.113.5, 10.2.2.2", true)                         // the last that is no proxy's
	refused("10.1.1.1:1", "nonsense, 203.0.113.5", true)                                  // who wrote the rest is not known
	refused("10.1.1.1:1", "203.0.113.6", false)                                           // another
	refused("203.0.113.5:1", "203.0.113.77", true)                                        // not through a proxy
	refused("10.1.1.1:1", "203.0.113.5 , 203.0.113.8", false)                             // the first may say what it likes
	refused("10.1.1.1:1", strings.Repeat("203.0.113.200,", 1000)+" 203.0.113.201", false) // a long list
	spend("[2001:db8::1]:1", "")
	refused("[2001:db8::ffff:1]:1", "", true) // the same network
	refused("[2001:db8:0:1::1]:1", "", false)
	for i := range 2 * maxBuckets { // however many addresses there are
		a := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
		mustServerOf(t, h, a)
	}
}

func mustServerOf(t *testing.T, h http.Handler, a netip.Addr) {
	t.Helper()
	req := httptest.NewRequest(http.MethodOptions, "/api", nil)
	req.RemoteAddr = netip.AddrPortFrom(a, 1).String()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != http.StatusNoContent {
		t.Fatalf("%s: %d", a, rec.Code)
	}
}

// However many addresses ask, only so many are kept.
func TestBucketsAreBounded(t *testing.T) {
	b := newBuckets(1)
	at := time.Unix(0, 0)
	for i := range 3 * maxBuckets {
		b.take(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), at)
	}
	if n := len(b.now) + len(b.old); n > maxBuckets {
		t.Errorf("%d addresses are kept", n)
	}
	if newBuckets(0) != nil {
		t.Error("no limit keeps addresses")
	}
}

// stuck is a store whose counts wait until they are given up.
type stuck struct {
	*memory
	running sync.WaitGroup
	inside  chan struct{}
}

func (s *stuck) Aggregate(ctx context.Context, _ incident.AggregateQuery) ([]incident.Group, error) {
	s.running.Add(1)
	defer s.running.Done()
	s.inside <- struct{}{}
	<-ctx.Done()
	return nil, fmt.Errorf("stopped: %w", context.Canceled)
}

// No more than so many costly answers are made at a time; of who has to wait too long it is said, and what is given up
// makes room at once.
func TestCostlyAnswers(t *testing.T) {
	m := &stuck{memory: testStore(), inside: make(chan struct{})}
	reg := prometheus.NewRegistry()
	c := testConfig(m)
	c.Limits = Limits{Costly: 2}
	c.Metrics = reg
	s := mustServer(t, c)
	s.answerTurns.wait = time.Millisecond
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	request := func(ctx context.Context) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/aggregates?by=year", nil).WithContext(ctx))
		return rec
	}
	for range 2 {
		clients.Go(func() { request(ctx) })
		<-m.inside
	}
	if rec := request(t.Context()); rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") != "5" {
		t.Errorf("a third answer: %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	if rec := do(h, http.MethodGet, "/collections/incidents/items?limit=1", nil); rec.Code != http.StatusOK {
		t.Errorf("a page meanwhile: %d", rec.Code)
	}
	giveUp()
	clients.Wait()
	m.running.Wait() // nobody reads the store any more
	ctx, giveUp = context.WithCancel(t.Context())
	clients.Go(func() { request(ctx) })
	<-m.inside // there is room again
	giveUp()
	clients.Wait()
	if got := gathered(t, reg)[`sarhad_http_refused_total{why="costly"}`]; got != 1 {
		t.Errorf("%v refusals are counted", got)
	}
}

// An answer that takes too long ends with 503 and leaves nothing running.
func TestAnswersEnd(t *testing.T) {
	m := &stuck{memory: testStore(), inside: make(chan struct{}, 1)}
	c := testConfig(m)
	c.Limits = Limits{AnswerTimeout: 20 * time.Millisecond}
	rec := do(mustHandler(t, c), http.MethodGet, "/aggregates?by=year", nil)
	m.running.Wait()
	if rec.Code != http.StatusServiceUnavailable || !strings.Contains(rec.Body.String(), "took too long") || rec.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// A client that sends its head or its body slowly, or reads slowly, is let go.
func TestSlowClients(t *testing.T) {
	big := many(3000, 10_000)
	l := newLoader()
	c := importConfig(l)
	c.Reader = big
	c.Limits = Limits{HeaderTimeout: 100 * time.Millisecond, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 200 * time.Millisecond, AnswerTimeout: time.Minute}
	address := listen(t, c)
	drip := func(conn net.Conn, text string) {
		for {
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	t.Run("head", func(t *testing.T) {
		conn := dial(t, address)
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: sarhad.test\r\n")
		go drip(conn, "X-A: b\r\n")
		_, _ = io.Copy(io.Discard, conn) // ends, or the test never does
	})
	t.Run("body", func(t *testing.T) {
		conn := dial(t, address)
		_, _ = io.WriteString(conn, "POST /imports?format=table HTTP/1.1\r\nHost: sarhad.test\r\nAuthorization: Bearer "+c.WriteToken+"\r\nContent-Length: 900\r\n\r\n")
		go drip(conn, ".")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%v, %v", resp, err)
		}
	})
	t.Run("reader", func(t *testing.T) {
		conn := dial(t, address)
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		_, _ = io.WriteString(conn, "GET "+incidentsURL+"?limit=3000 HTTP/1.1\r\nHost: sarhad.test\r\n\r\n")
		if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for { // the server's side is gone when a write to it fails
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}()
		<-ended
	})
}

// gathered gives the counters and gauges of a registry by their names with labels.
func gathered(t *testing.T, reg prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case m.GetCounter() != nil:
				all[name] = m.GetCounter().GetValue()
			case m.GetGauge() != nil:
				all[name] = m.GetGauge().GetValue()
			case m.GetHistogram() != nil:
				all[name] = float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return all
}
