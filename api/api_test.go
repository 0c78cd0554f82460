package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/incident"
)

func mustHandler(t testing.TB, c Config) http.Handler {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

type featureCollection struct {
	Features []struct {
		ID       string
		Geometry *struct {
			Type        string
			Coordinates any
		}
		Properties map[string]any
	}
	NumberMatched, NumberReturned int
	Links                         []link
}

func (f featureCollection) link(rel string) string {
	for _, l := range f.Links {
		if l.Rel == rel {
			return l.Href
		}
	}
	return ""
}

func fetch(t testing.TB, h http.Handler, address string) featureCollection {
	t.Helper()
	rec := do(h, http.MethodGet, address, nil)
	var f featureCollection
	if err := json.Unmarshal(rec.Body.Bytes(), &f); err != nil || rec.Code != http.StatusOK {
		t.Fatalf("%s gives %d, %v: %s", address, rec.Code, err, cut(rec.Body.String()))
	}
	if len(f.Features) != f.NumberReturned {
		t.Errorf("%s: numberReturned is %d, features are %d", address, f.NumberReturned, len(f.Features))
	}
	return f
}

func TestEveryRouteIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	s := mustServer(t, testConfig(testStore()))
	for _, r := range s.routes {
		if !strings.Contains(string(doc), r.template()+"`") && !strings.Contains(string(doc), r.template()+"?") {
			t.Errorf("docs/api.md does not name %s", r.template())
		}
		if r.method != http.MethodGet && !strings.Contains(string(doc), "`"+r.method+" "+r.template()+"`") {
			t.Errorf("docs/api.md does not name %s %s", r.method, r.template())
		}
	}
	for _, name := range slices.Concat(incidentItemParams, placeItemParams, versionParams, aggregateParams, compareParams, geocodeParams, reverseParams, uploadParams) {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/api.md does not name the parameter %s", name)
		}
	}
}

// Every method of every route is in the OpenAPI document, and no other.
func TestOpenAPIHasEveryMethod(t *testing.T) {
	s := mustServer(t, testConfig(testStore()))
	var doc struct {
		Paths map[string]map[string]any
	}
	if err := json.Unmarshal(s.openapi, &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, r := range s.routes {
		path := r.template()
		if strings.Contains(path, "/collections/{id}") { // there one path for each collection
			path = strings.Replace(path, "{id}", "units", 1)
		}
		want[strings.ToLower(r.method)+" "+strings.Replace(path, "*", "{file}", 1)] = true
	}
	for path, item := range doc.Paths {
		for method := range item {
			key := method + " " + path
			if !want[key] && !strings.Contains(path, "/collections/") {
				t.Errorf("the document has %s, the routes do not", key)
			}
			delete(want, key)
		}
	}
	for key := range want {
		t.Errorf("the document does not have %s", key)
	}
}

func TestOpenAPIHasNoOutsideReference(t *testing.T) {
	s := mustServer(t, testConfig(testStore()))
	for part := range strings.SplitSeq(string(s.openapi), `"$ref":"`) {
		if strings.HasPrefix(part, "http") {
			t.Errorf("outside reference: %.80s", part)
		}
	}
	rec := do(mustHandler(t, testConfig(testStore())), http.MethodGet, "/api", nil)
	if rec.Code != 200 || strings.Contains(rec.Body.String(), "sarhad-server-url") || !strings.Contains(rec.Body.String(), `"url":"http://sarhad.test"`) {
		t.Errorf("/api gives %d: %s", rec.Code, cut(rec.Body.String()))
	}
}

func TestPagesHoldEveryIncidentOnce(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	for _, sort := range []string{"", "&sortby=start_date", "&sortby=-start_date"} {
		for _, limit := range []int{1, 3, 7, 8, 100} {
			next := fmt.Sprintf("%s?limit=%d&verification=unverified,disputed,confirmed,corroborated%s", incidentsURL, limit, sort)
			seen := map[string]int{}
			var days []string
			for pages := 0; next != ""; pages++ {
				if pages > 10 {
					t.Fatal("the pages do not end")
				}
				f := fetch(t, h, next)
				if f.NumberMatched != 8 {
					t.Errorf("%s: numberMatched is %d", next, f.NumberMatched)
				}
				for _, ft := range f.Features {
					seen[ft.ID]++
					days = append(days, ft.Properties["start_date"].(string))
				}
				next = strings.TrimPrefix(f.link("next"), "http://sarhad.test")
			}
			if len(seen) != 8 || len(days) != 8 {
				t.Errorf("limit %d%s: %d features, %d different", limit, sort, len(days), len(seen))
			}
			if sort == "&sortby=-start_date" {
				slices.Reverse(days)
			}
			if sort != "" && !slices.IsSorted(days) {
				t.Errorf("%s: %v", sort, days)
			}
		}
	}
	next, n := "/collections/units/items?limit=2", 0
	for next != "" {
		f := fetch(t, h, next)
		n += len(f.Features)
		next = strings.TrimPrefix(f.link("next"), "http://sarhad.test")
	}
	if n != len(testUnits) {
		t.Errorf("the pages of units hold %d", n)
	}
}

func TestCountIsAskedOnlyWhenNeeded(t *testing.T) {
	m := testStore()
	h := mustHandler(t, testConfig(m))
	fetch(t, h, incidentsURL)
	if n := m.counts.Load(); n != 0 {
		t.Errorf("a page that is not full asked for %d counts", n)
	}
	for range 3 {
		fetch(t, h, incidentsURL+"?limit=2")
		fetch(t, h, incidentsURL+"?limit=3")
	}
	if n := m.counts.Load(); n != 1 {
		t.Errorf("one filter was counted %d times", n)
	}
	m.change.Add(1)
	fetch(t, h, incidentsURL+"?limit=2")
	if n := m.counts.Load(); n != 2 {
		t.Errorf("after a change there were %d counts", n)
	}
}

func TestETags(t *testing.T) {
	m := testStore()
	h := mustHandler(t, testConfig(m))
	for _, address := range []string{"/?f=json", "/", "/api", "/conformance", "/collections", "/collections/units", "/collections/incidents/queryables", "/collections/units/schema", "/collections?f=html", incidentsURL + "?limit=2", incidentsURL + "?f=html", incidentsURL + "?sortby=-country", incidentsURL + "/1",
		"/collections/units/items", "/collections/units/items/af-hel", "/collections/incidents/columns", "/aggregates?by=unit", "/datasets"} {
		first := do(h, http.MethodGet, address, nil)
		tag := first.Header().Get("ETag")
		if len(tag) < 10 || tag[0] != '"' {
			t.Errorf("%s has the ETag %s", address, tag)
		}
		for _, held := range []string{tag, "W/" + tag, `"other", ` + tag, "*", strings.TrimSuffix(tag, `"`) + `-gzip"`} {
			again := do(h, http.MethodGet, address, map[string]string{"If-None-Match": held})
			if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s with If-None-Match %s gives %d", address, held, again.Code)
			}
		}
		if again := do(h, http.MethodGet, address, map[string]string{"If-None-Match": `"other"`}); again.Code != http.StatusOK {
			t.Errorf("%s with another tag gives %d", address, again.Code)
		}
		if cc := first.Header().Get("Cache-Control"); cc != "no-cache" {
			t.Errorf("%s has Cache-Control %q", address, cc)
		}
		m.change.Add(1)
		changed := do(h, http.MethodGet, address, map[string]string{"If-None-Match": tag})
		if address != "/" && changed.Code != http.StatusOK {
			t.Errorf("%s after a change gives %d", address, changed.Code)
		}
	}
	a := do(h, http.MethodGet, incidentsURL+"?limit=2", nil).Header().Get("ETag")
	for _, other := range []string{incidentsURL + "?limit=3", incidentsURL + "?limit=2&f=jsonfg", "/collections/units/items?limit=2"} {
		if b := do(h, http.MethodGet, other, nil).Header().Get("ETag"); a == b {
			t.Errorf("%s shares its ETag", other)
		}
	}
	c := testConfig(m)
	c.StoreID = "another"
	if b := do(mustHandler(t, c), http.MethodGet, incidentsURL+"?limit=2", nil).Header().Get("ETag"); a == b {
		t.Error("another store shares its ETags")
	}
}

func TestCompression(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	for _, address := range []string{incidentsURL, "/collections/incidents/columns", "/api"} {
		whole := do(h, http.MethodGet, address, nil)
		packed := do(h, http.MethodGet, address, map[string]string{"Accept-Encoding": "gzip"})
		if packed.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(packed.Header().Get("Vary"), "Accept-Encoding") {
			t.Fatalf("%s is not compressed: %v", address, packed.Header())
		}
		r, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(body, whole.Body.Bytes()) {
			t.Errorf("%s unpacks to something else (%v)", address, err)
		}
		tag := packed.Header().Get("ETag")
		if tag == whole.Header().Get("ETag") {
			t.Errorf("%s has one strong ETag for two bodies", address)
		}
		if again := do(h, http.MethodGet, address, map[string]string{"If-None-Match": tag, "Accept-Encoding": "gzip"}); again.Code != 304 || again.Header().Get("ETag") != tag {
			t.Errorf("%s with its tag gives %d and %s", address, again.Code, again.Header().Get("ETag"))
		}
	}
	pre := do(h, http.MethodGet, "/assets/pre-abc.js", map[string]string{"Accept-Encoding": "gzip"})
	if pre.Body.String() != "PACKED" || pre.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("a file packed beforehand gives %q, %v", pre.Body, pre.Header())
	}
	c := testConfig(testStore())
	long := strings.Repeat("<p>all the same</p>", 1000)
	c.Page = fstest.MapFS{"index.html": {Data: []byte(long)}, "assets/a.js": {Data: []byte(long)}, "assets/a.png": {Data: []byte(long)}}
	built := mustHandler(t, c)
	for address, packs := range map[string]bool{"/": true, "/assets/a.js": true, "/assets/a.png": false} {
		for accept, takes := range map[string]bool{"gzip, br": true, "gzip;q=0, identity": false, "": false} {
			for range 2 {
				rec := do(built, http.MethodGet, address, map[string]string{"Accept-Encoding": accept, "Accept": "text/html"})
				if got := rec.Header().Get("Content-Encoding") == "gzip"; got != (packs && takes) || rec.Code != http.StatusOK {
					t.Errorf("%s for %q gives %d, packed: %v", address, accept, rec.Code, got)
				} else if got && rec.Body.Len() > 500 {
					t.Errorf("%s is packed to %d bytes", address, rec.Body.Len())
				}
			}
		}
	}
	first := do(built, http.MethodGet, "/", map[string]string{"Accept-Encoding": "gzip", "Accept": "text/html"})
	if again := do(built, http.MethodGet, "/", map[string]string{"Accept-Encoding": "gzip", "Accept": "text/html", "If-None-Match": first.Header().Get("ETag")}); again.Code != http.StatusNotModified {
		t.Errorf("the packed page with its tag %s gives %d", first.Header().Get("ETag"), again.Code)
	}
	if plain := do(h, http.MethodGet, "/assets/pre-abc.js", nil); plain.Body.String() != "packed()" {
		t.Errorf("the same for others gives %q", plain.Body)
	}
}

func TestHeaders(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	page := do(h, http.MethodGet, "/", map[string]string{"Accept": "text/html"}).Header()
	csp := page.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "img-src 'self' data: https://*.tile.example.org;", "connect-src 'self'", "base-uri 'none'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("%q is not in the policy %q", part, csp)
		}
	}
	if page.Get("Access-Control-Allow-Origin") != "" || page.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers of the page: %v", page)
	}
	if cc := do(h, http.MethodGet, "/assets/index-abc123.js", nil).Header().Get("Cache-Control"); !strings.Contains(cc, "immutable") {
		t.Errorf("Cache-Control of an asset is %q", cc)
	}
	for _, address := range []string{incidentsURL, "/?f=json", "/nothing", incidentsURL + "?x=1"} {
		want := "*"
		if o := do(h, http.MethodGet, address, nil).Header().Get("Access-Control-Allow-Origin"); o != want {
			t.Errorf("%s allows the origin %q", address, o)
		}
	}
	pre := do(h, http.MethodOptions, incidentsURL, map[string]string{"Origin": "https://example.org", "Access-Control-Request-Method": "GET"})
	if pre.Code != http.StatusNoContent || pre.Header().Get("Access-Control-Allow-Methods") != "GET, HEAD, OPTIONS" {
		t.Errorf("OPTIONS gives %d, %v", pre.Code, pre.Header())
	}
	if a := do(h, http.MethodPost, "/datasets", nil).Header().Get("Allow"); a != "GET, HEAD, OPTIONS" {
		t.Errorf("405 has Allow %q", a)
	}
}

func TestBaseLayerPolicy(t *testing.T) {
	for address, want := range map[string]string{
		"https://tile.example.org/{z}/{x}/{y}.png":            " https://tile.example.org;",
		"http://127.0.0.1:8081/{z}/{x}/{y}.png":               " http://127.0.0.1:8081;",
		"https://tiles{s}.example.org:444/{z}/{x}/{y}.png":    " https://*.example.org:444;",
		"https://{s}.a.example.org/{z}":                       " https://*.a.example.org;",
		"javascript:alert(1)":                                 "",
		"https://{s}/x":                                       "",
		"https://example.org;script-src *//{z}":               "",
		"/tiles/{z}":                                          "",
		"https://user:secret@example.org/{z}/{x}/{y}.png":     "",
		"https://a.org 'unsafe-inline' https://b.org/{z}/{x}": "",
	} {
		csp, err := contentSecurityPolicy(&BaseLayer{URL: address})
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken: %s", address, csp)
			}
		} else if err != nil || !strings.Contains(csp, want) {
			t.Errorf("%s gives %q, %v", address, csp, err)
		}
	}
}

func TestConfigThatCannotWork(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no reader":  func(c *Config) { c.Reader = nil },
		"public URL": func(c *Config) { c.PublicURL = "example.org" },
		"base layer": func(c *Config) { c.BaseLayer.URL = "ftp://x/" },
		"page":       func(c *Config) { c.Page = os.DirFS(t.TempDir()) },
	} {
		c := testConfig(testStore())
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := New(Config{Reader: testStore()}); err != nil {
		t.Errorf("a reader alone is not enough: %v", err)
	}
}

func TestFaultsShowNoInternals(t *testing.T) {
	for name, m := range map[string]*memory{"error": {failAt: 1}, "panic": {panics: true}} {
		m.rows, m.datasets = testIncidents(), testStore().datasets
		var log bytes.Buffer
		c := testConfig(m)
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		rec := do(mustHandler(t, c), http.MethodGet, incidentsURL, nil)
		if rec.Code != 500 || rec.Header().Get("Content-Type") != mediaProblem || rec.Header().Get("ETag") != "" {
			t.Errorf("%s gives %d, %v", name, rec.Code, rec.Header())
		}
		for _, secret := range []string{"secret", "disk", "goroutine", ".go:"} {
			if strings.Contains(rec.Body.String(), secret) {
				t.Errorf("%s shows %q: %s", name, secret, rec.Body)
			}
		}
		if !strings.Contains(log.String(), "secret") {
			t.Errorf("%s is not in the log: %s", name, log.String())
		}
	}
	c := testConfig(testStore())
	c.Ready = func(context.Context) error { return errors.New("the password is 1234") }
	rec := do(mustHandler(t, c), http.MethodGet, "/readyz", nil)
	if rec.Code != 503 || strings.Contains(rec.Body.String(), "1234") {
		t.Errorf("not ready gives %d: %s", rec.Code, rec.Body)
	}
}

// many makes a store of n incidents with summaries of some bytes.
func many(n, bytes int) *memory {
	m := testStore()
	m.rows = nil
	text := strings.Repeat("x", bytes)
	for i := range n {
		in := testIncidents()[0]
		in.FID, in.ID = int64(i+1), "i"+strconv.Itoa(i)
		in.Start = incident.Day(15000 + i%3000)
		in.End = in.Start
		in.Summary = text
		m.rows = append(m.rows, in)
	}
	return m
}

func TestAnAnswerThatFailsIsCutShort(t *testing.T) {
	m := many(5000, 100)
	h := mustHandler(t, testConfig(m))
	server := httptest.NewUnstartedServer(h)
	server.Config = NewServer(h, Limits{})
	server.Start()
	defer server.Close()
	resp, err := http.Get(server.URL + incidentsURL + "?limit=5000") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	var f featureCollection
	if err := json.NewDecoder(resp.Body).Decode(&f); err != nil || len(f.Features) != 5000 {
		t.Fatalf("the whole answer has %d features, %v", len(f.Features), err)
	}
	_ = resp.Body.Close()
	m.failAt = 4000
	m.change.Add(1)
	for _, encoding := range []string{"identity", "gzip"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+incidentsURL+"?limit=5000", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // nothing at all had left the server
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil {
			t.Errorf("%s: %d bytes look like a whole answer", encoding, len(body))
		}
	}
}

// discard is a client that reads and forgets.
type discard struct {
	h http.Header
	n int
}

func (d *discard) Header() http.Header         { return d.h }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(b []byte) (int, error) { d.n += len(b); return len(b), nil }

func TestMemoryDoesNotGrowWithTheAnswer(t *testing.T) {
	m := many(10_000, 10)
	big := strings.Repeat("سرحد <b> ", 1000) // 13 kB each, 130 MB in all
	for i := range m.rows {
		m.rows[i].Summary = big
	}
	h := mustHandler(t, testConfig(m))
	var peak uint64
	m.onRow = func(n int) {
		if n%2500 == 0 {
			var s runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&s)
			peak = max(peak, s.HeapInuse)
		}
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := &discard{h: http.Header{}}
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, incidentsURL+"?limit=10000", nil))
	if w.n < 100_000_000 {
		t.Fatalf("the answer has only %d bytes", w.n)
	}
	if peak > before.HeapInuse+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapInuse, peak)
	}
}

func TestACancelledRequestStops(t *testing.T) {
	m := many(5000, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var last atomic.Int64
	m.onRow = func(n int) {
		last.Store(int64(n))
		if n == 100 {
			cancel()
		}
	}
	h := mustHandler(t, testConfig(m))
	func() {
		defer func() { _ = recover() }() // net/http catches what cuts an answer short
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, incidentsURL+"?limit=5000", nil))
	}()
	if last.Load() > 101 {
		t.Errorf("%d rows were read after the client had gone", last.Load())
	}
}

func TestPeriodsAreBounded(t *testing.T) {
	m := testStore()
	m.rows[0].Start, m.rows[0].End = day("1800-01-01"), day("1800-01-01")
	h := mustHandler(t, testConfig(m))
	if rec := do(h, http.MethodGet, "/aggregates?by=day", nil); rec.Code != 400 || !strings.Contains(rec.Body.String(), "40000") {
		t.Errorf("two centuries of days give %d: %s", rec.Code, cut(rec.Body.String()))
	}
	if rec := do(h, http.MethodGet, "/aggregates?by=month", nil); rec.Code != 200 {
		t.Errorf("two centuries of months give %d", rec.Code)
	}
}

func TestTextIsWhatEncodingJSONReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		b := appendText(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		want, err := json.Marshal(s) // which replaces bytes that are no UTF-8 as well
		if err != nil {
			t.Fatal(err)
		}
		var w string
		if err := json.Unmarshal(want, &w); err != nil {
			t.Fatal(err)
		}
		if got != w || bytes.ContainsAny(b, "<>\u2028\u2029\n") {
			t.Fatalf("%q for %q", b, s)
		}
	})
}

func TestFloatIsTheShortest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.OneOf(rapid.Float64(), rapid.Custom(func(t *rapid.T) float64 {
			return float64(rapid.Int64Range(-1e15, 1e15).Draw(t, "n")) / math.Pow10(rapid.IntRange(0, 9).Draw(t, "d"))
		})).Draw(t, "f")
		b := string(appendFloat(nil, f))
		got, err := strconv.ParseFloat(b, 64)
		if err != nil || got != f {
			t.Fatalf("%v is written %s", f, b)
		}
		if plain := strconv.FormatFloat(f, 'f', -1, 64); math.Abs(f) >= 1e-6 && math.Abs(f) < 1e21 && f != 0 && b != plain {
			t.Fatalf("%s, want %s", b, plain)
		}
	})
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if b := string(appendFloat(nil, f)); b != "null" {
			t.Errorf("%v is written %s", f, b)
		}
	}
}

func TestCircleIsRound(t *testing.T) {
	for _, c := range []orb.Point{{70.25, 33.75}, {63, 28}, {0, 0}} {
		var g struct {
			Type        string
			Coordinates [][]orb.Point
		}
		if err := json.Unmarshal(appendCircle(nil, c, 25000), &g); err != nil {
			t.Fatal(err)
		}
		ring := g.Coordinates[0]
		if len(ring) != circleVertices+1 || ring[0] != ring[circleVertices] || orb.Ring(ring).Orientation() != orb.CCW {
			t.Errorf("%d corners, closed %v", len(ring), ring[0] == ring[len(ring)-1])
		}
		for _, p := range ring {
			rad := math.Pi / 180
			h := math.Pow(math.Sin((p[1]-c[1])*rad/2), 2) + math.Cos(p[1]*rad)*math.Cos(c[1]*rad)*math.Pow(math.Sin((p[0]-c[0])*rad/2), 2)
			if d := 2 * earthRadius * math.Asin(math.Sqrt(h)); math.Abs(d-25000) > 1 {
				t.Errorf("a corner is %v m away", d)
			}
		}
	}
}

func TestServerHasLimits(t *testing.T) {
	s := NewServer(http.NotFoundHandler(), Limits{})
	if s.ReadHeaderTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("%+v", s)
	}
	server := httptest.NewUnstartedServer(mustHandler(t, testConfig(testStore())))
	server.Config.MaxHeaderBytes = s.MaxHeaderBytes
	server.Start()
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+incidentsURL+"?q="+strings.Repeat("x", 200_000), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode < 400 || resp.StatusCode > 499 {
		t.Errorf("a long address gives %d", resp.StatusCode)
	}
}

// TestRandomRequests asks what nobody would: no answer may be a 5xx, and each
// must fit the OpenAPI document.
func TestRandomRequests(t *testing.T) {
	for name, open := range testStores {
		t.Run(name, func(t *testing.T) { askAnything(t, open(t)) })
	}
}

func askAnything(t *testing.T, store incident.Reader) {
	s := mustServer(t, testConfig(store))
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	check := newChecker(t, s)
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	paths := []string{"/", "/api", "/conformance", "/collections", "/collections/units", "/collections/x", incidentsURL, incidentsURL, incidentsURL + "/1", incidentsURL + "/999",
		"/collections/units/items", "/collections/periods/items", "/collections/crossings/items/torkham", columnsURL, "/aggregates", "/aggregates", "/datasets", "/healthz", "/readyz", "/collections/border/items", "/geocode", "/geocode?q=Torkham", "/reverse", "/reverse?lon=71&lat=34", "/x"}
	names := slices.Concat(incidentItemParams, []string{"by", "x", "BBOX", "f", "%00", "limit", "q", "date", "near", "lang", "complete", "lon", "lat"})
	values := []string{"", "1", "-1", "0", "10000", "1e999", "NaN", "..", "../..", "/", "2009-01-01", "2009-01-01/2025-12-31", "2025-01-01/..", "9999-12-31", "0001-01-01/9999-12-31",
		"2009-01-01T00:00:00Z/..", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00/..", "70,33,71,34", "170,-10,-170,10", "1,2,3", "1,2,3,4,5,6", "-1e308,-90,1e308,90", "pk-kp-kurram", "pk-kp-kurram,af-hel", "Battles", "none",
		"Khyber Pakhtunkhwa", "PK", "AF", "ged", "demo", "unit", "unit,month", "month", "day", "type_of_violence,week", "json", "csv", "jsonfg", "html", "start_date", "-start_date", "confirmed,unverified",
		"exact", "%", "_", "'; drop table incidents; --", "\u202e\u0000", "\xff", "سرحد", strings.Repeat("a", 500), strings.Repeat("a,", 4000), "AAAAAAAAAAACAAA5EQ", "<script>", "a&b=c", "{}", "9223372036854775808"}
	accepts := []string{"", "*/*", "text/html", "application/json", "image/png", "application/geo+json;q=0.1", ";;;,,q=", "text/csv"}
	ok := 0
	for range 6000 {
		q := url.Values{}
		for range rnd.IntN(4) {
			q.Add(names[rnd.IntN(len(names))], values[rnd.IntN(len(values))])
		}
		address := pick(paths...)
		if len(q) > 0 {
			joint := "?"
			if strings.Contains(address, "?") {
				joint = "&"
			}
			address += joint + q.Encode()
		}
		if rnd.IntN(20) == 0 {
			address += "&" + pick("%zz", ";", "&&&", "=", "a=%f")
			if !strings.Contains(address, "?") {
				address = strings.Replace(address, "&", "?", 1)
			}
		}
		method := pick("GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE")
		rec := do(h, method, address, map[string]string{"Accept": pick(accepts...), "If-None-Match": pick("", `"x"`, "*", `W/`, `,,"`)})
		if rec.Code >= 500 {
			t.Fatalf("%s %s gives %d: %s", method, address, rec.Code, rec.Body)
		}
		if rec.Code == 200 {
			ok++
		}
		if method == "GET" && rec.Code != 304 {
			check.answer(t, method, address, rec)
		}
	}
	if ok < 300 {
		t.Errorf("only %d of the requests were right, so little was tried", ok)
	}
}

// endless gives one incident again and again, so that only the API is measured.
type endless struct {
	*memory
	n  int
	in incident.Incident
}

func endlessStore(n int) *endless {
	return &endless{memory: testStore(), n: n, in: testIncidents()[0]}
}

func (e *endless) Incidents(context.Context, incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		for i := range e.n {
			e.in.FID = int64(i)
			if !yield(&e.in, nil) {
				return
			}
		}
	}
}

func (e *endless) Count(context.Context, incident.Filter) (int, error) { return e.n, nil }

func BenchmarkItems(b *testing.B) {
	for _, n := range []int{182, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m := endlessStore(n)
			h := mustHandler(b, testConfig(m))
			w := &discard{h: http.Header{}}
			r := httptest.NewRequest(http.MethodGet, incidentsURL+"?limit=10000&bbox=70,33,72,35&datetime=2009-01-01/2009-12-31", nil)
			b.ReportAllocs()
			for b.Loop() {
				w.n = 0
				clear(w.h)
				h.ServeHTTP(w, r)
			}
			b.SetBytes(int64(w.n))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/feature")
		})
	}
}

func BenchmarkFeature(b *testing.B) {
	in := testIncidents()[0]
	p := newPlaces(nil, nil, nil, testConfig(testStore()).Crossings)
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendFeature(buf[:0], &in, p)
	}
	b.SetBytes(int64(len(buf)))
}

// A range that begins before our calendar is merely wider than the data.
func TestYearZeroIsNoError(t *testing.T) {
	m, err := parseMoment(paramDatetime, "0000-01-01", true)
	if err != nil || !m.isDay || m.day != incident.MinDay {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := parseMoment(paramDatetime, "0000-13-01", true); err == nil {
		t.Error("a month 13 was taken")
	}
}
