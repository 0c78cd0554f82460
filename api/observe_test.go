package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests are counted by the template of their route: whatever a client writes, no more labels come.
func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := testConfig(testStore())
	c.Metrics = reg
	h := mustHandler(t, c)
	before := len(gathered(t, reg))
	for _, url := range []string{incidentsURL + "?q=secret", incidentsURL + "?limit=no", "/collections/units/items/pk-kp-khyber", "/collections/units/items/pk-kp-kurram",
		"/collections/nothing-like-it/items", "/no/such/route", "/../../etc/passwd", "/assets/none", "/healthz"} {
		do(h, http.MethodGet, url, nil)
	}
	do(h, "BREW", "/healthz", nil)
	got := gathered(t, reg)
	if len(got) != before {
		t.Errorf("%d series have become %d", before, len(got))
	}
	for name, want := range map[string]float64{
		`sarhad_http_requests_total{class="2xx",route="/collections/{id}/items"}`:       1,
		`sarhad_http_requests_total{class="4xx",route="/collections/{id}/items"}`:       2,
		`sarhad_http_requests_total{class="2xx",route="/collections/{id}/items/{fid}"}`: 2,
		`sarhad_http_requests_total{class="4xx",route="none"}`:                          2,
		`sarhad_http_requests_total{class="2xx",route="/healthz"}`:                      1,
		`sarhad_http_requests_total{class="4xx",route="/healthz"}`:                      1,
		`sarhad_http_request_seconds{route="/collections/{id}/items"}`:                  3,
		`sarhad_http_requests_in_flight`:                                                0,
		`sarhad_http_panics_total`:                                                      0,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if got[`sarhad_http_response_bytes_total{route="/collections/{id}/items"}`] < 1000 {
		t.Error("bytes are not counted")
	}
	if _, err := New(c); err == nil {
		t.Error("metrics that are registered already give no error")
	}
}

// A panic is answered with 500 that says nothing of it, counted, and logged under the id that the client got.
func TestPanics(t *testing.T) {
	var log bytes.Buffer
	reg := prometheus.NewRegistry()
	c := testConfig(&memory{panics: true})
	c.Metrics, c.Logger = reg, slog.New(slog.NewJSONHandler(&log, nil))
	rec := do(mustHandler(t, c), http.MethodGet, incidentsURL+"?q=private", map[string]string{requestIDHeader: "proxy-1.2_3"})
	if rec.Code != http.StatusInternalServerError || rec.Header().Get(requestIDHeader) != "proxy-1.2_3" || strings.Contains(rec.Body.String(), "secret of the store") {
		t.Errorf("%d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	var line struct{ Level, Request, Error string }
	if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Request != "proxy-1.2_3" || line.Level != "ERROR" || !strings.Contains(line.Error, "secret of the store") {
		t.Errorf("%v: %s", err, log.String())
	}
	if strings.Contains(log.String(), "private") {
		t.Errorf("the query is in the log: %s", log.String())
	}
	if n := gathered(t, reg)["sarhad_http_panics_total"]; n != 1 {
		t.Errorf("%v panics are counted", n)
	}
}

// Each request has an id, one that is not well-formed is not taken, and the access log has no personal data.
func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	c := testConfig(testStore())
	c.AccessLog, c.Logger = true, slog.New(slog.NewJSONHandler(&log, nil))
	h := mustHandler(t, c)
	made := regexp.MustCompile(`^[0-9a-f]{16}$`)
	seen := map[string]bool{}
	for _, given := range []string{"", "", "has spaces", "line\nbreak", strings.Repeat("x", 65), "ünicode", `a"b`} {
		req := httptest.NewRequest(http.MethodGet, incidentsURL+"?q=torkham&actor=somebody", nil)
		req.RemoteAddr = "192.0.2.77:4711"
		req.Header.Set("User-Agent", "agent/1")
		if given != "" {
			req.Header[requestIDHeader] = []string{given}
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		id := rec.Header().Get(requestIDHeader)
		if !made.MatchString(id) || seen[id] {
			t.Errorf("given %q: the id is %q", given, id)
		}
		seen[id] = true
		var line struct {
			Msg, Request, Method, Route string
			Status                      int
			Bytes                       int64
			Seconds                     *float64
		}
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Request != id || line.Method != http.MethodGet || line.Route != "/collections/{id}/items" || line.Status != 200 || line.Bytes == 0 || line.Seconds == nil {
			t.Errorf("%v: %s", err, log.String())
		}
		for _, private := range []string{"192.0.2", "4711", "torkham", "somebody", "agent"} {
			if strings.Contains(log.String(), private) {
				t.Errorf("%q is in the log: %s", private, log.String())
			}
		}
		log.Reset()
	}
	do(h, "BREW", "/no/such?token=1234", nil)
	if text := log.String(); !strings.Contains(text, `"route":"none"`) || !strings.Contains(text, `"method":"other"`) || strings.Contains(text, "1234") || strings.Contains(text, "such") {
		t.Error(text)
	}
}
