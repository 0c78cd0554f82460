package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"

	"sarhad/data/export"
	"sarhad/data/gpkg"
	"sarhad/incident"
)

// realExports are those of data/export.
func realExports(c *Config) {
	type incidents = iter.Seq2[*incident.Incident, error]
	encode := FeatureEncoder(c.Crossings)
	c.Exports = []ExportFormat{
		{Name: "csv", Media: "text/csv; charset=utf-8", Extension: "csv", HXL: true, Write: func(_ context.Context, w io.Writer, info ExportInfo, list incidents) error {
			return export.CSV(w, export.Info(info), list)
		}},
		{Name: "geojsonall", Media: mediaGeoJSON, Extension: "geojson", Write: func(_ context.Context, w io.Writer, info ExportInfo, list incidents) error {
			return export.GeoJSON(w, export.Info(info), encode, list)
		}},
		{Name: "kml", Media: "application/vnd.google-earth.kml+xml", Extension: "kml", Write: func(_ context.Context, w io.Writer, info ExportInfo, list incidents) error {
			return export.KML(w, export.Info(info), list)
		}},
	}
}

// fuzzHead writes the head of a request as it is sent.
func fuzzHead(method, target string, header map[string]string) string {
	head := method + " " + target + " HTTP/1.1\nHost: sarhad.test\n"
	for k, v := range header {
		head += k + ": " + v + "\n"
	}
	return head
}

// fuzzRequest reads what a client sent as net/http does, nil for what net/http refuses before it gets here.
func fuzzRequest(head string, body []byte) *http.Request {
	if lower := strings.ToLower(head); len(body) > 0 && !strings.Contains(lower, "\ncontent-length") && !strings.Contains(lower, "\ntransfer-encoding") {
		head = strings.TrimRight(head, "\r\n") + fmt.Sprintf("\nContent-Length: %d\n", len(body))
	}
	r, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(strings.TrimRight(head, "\r\n")+"\r\n\r\n"), bytes.NewReader(body))))
	if err != nil || r.ProtoMajor != 1 || r.URL == nil || r.RequestURI == "*" || len(head) > maxHeaderBytes {
		return nil
	}
	if strings.ContainsFunc(r.Host, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"\/<>?#@{}|^`+"`", c) }) {
		return nil
	}
	for _, values := range r.Header {
		if strings.ContainsFunc(strings.Join(values, ""), func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return nil
		}
	}
	r.RemoteAddr = "192.0.2.1:1234"
	return r
}

// FuzzHTTP sends whatever a client can send to the handler of all routes over a
// real store: nothing panics, nothing is a fault of the server, every refusal is a
// problem in JSON, and what is answered is as our OpenAPI document says.
func FuzzHTTP(f *testing.F) {
	st, err := gpkg.Open(f.Context(), filepath.Join(f.TempDir(), "test.gpkg"), gpkg.Options{Units: testUnits})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = st.Close() })
	c := testConfig(fill(f, st))
	l := newLoader()
	c.Loader, c.WriteToken, c.Tokens = l, testToken, newTokens()
	realExports(&c)
	s := mustServer(f, c)
	s.changePatience, s.answerTurns.wait = time.Millisecond, time.Minute
	h, err := s.handler()
	if err != nil {
		f.Fatal(err)
	}
	check := newChecker(f, s)
	openapi3filter.RegisterBodyDecoder("application/vnd.google-earth.kml+xml", openapi3filter.FileBodyDecoder)

	for _, sc := range scenarios {
		method := sc.method
		if method == "" {
			method = http.MethodGet
		}
		if len(sc.url) < 2000 { // of long ones the fuzzer makes none that are new
			f.Add(fuzzHead(method, sc.url, sc.header), []byte(nil))
		}
	}
	for _, r := range s.routes {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, "X"} {
			f.Add(fuzzHead(method, exampleOf(r.path, incidentsID), map[string]string{"Authorization": bearer, "Accept-Encoding": "gzip, zstd;q=0.5", "If-None-Match": `W/"a", "b"`}), []byte("x"))
		}
	}
	f.Add(fuzzHead(http.MethodPost, "/imports?file=a.csv&dataset=x&dry_run=true", map[string]string{"Authorization": bearer, "Content-Type": "text/csv"}), []byte("id,date\n1,2009-01-01\n"))
	f.Add(fuzzHead(http.MethodPost, "/imports", map[string]string{"Authorization": bearer, "Content-Type": `multipart/form-data; boundary=b`}),
		[]byte("--b\r\nContent-Disposition: form-data; name=\"dataset\"\r\n\r\nlist\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nid,date\r\n--b--\r\n"))
	f.Add(fuzzHead(http.MethodPost, "/imports", map[string]string{"Authorization": bearer, "Transfer-Encoding": "chunked"}), []byte("3\r\nabc\r\n0\r\n\r\n"))
	f.Add(fuzzHead(http.MethodGet, "/datasets", map[string]string{atLeastHeader: "99", requestIDHeader: "a-b", "X-Forwarded-For": "1.2.3.4"}), []byte(nil))
	f.Add(fuzzHead(http.MethodGet, "http://other.test/collections//items/../%2e/%2f%zz?a=%&b;c", nil), []byte(nil))

	f.Fuzz(func(t *testing.T, head string, body []byte) {
		r := fuzzRequest(head, body)
		if r == nil {
			return
		}
		address, method := r.URL.RequestURI(), r.Method
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		l.taken, l.bytes, l.canceled = nil, nil, nil
		if rec.Code >= 500 && (rec.Code != http.StatusServiceUnavailable || r.Header[atLeastHeader] == nil) {
			t.Fatalf("%d: %s", rec.Code, cut(rec.Body.String()))
		}
		media := rec.Header().Get("Content-Type")
		if rec.Code >= 400 {
			var p problem
			if media != mediaProblem {
				t.Errorf("%d is %q", rec.Code, media)
			} else if err := json.Unmarshal(rec.Body.Bytes(), &p); method != http.MethodHead && (err != nil || p.Status != rec.Code || p.Title == "" || p.Detail == "") {
				t.Errorf("%d: %v: %s", rec.Code, err, cut(rec.Body.String()))
			}
		}
		plain := rec.Header().Get("Content-Encoding") == ""
		if plain && strings.Contains(media, "json") && !strings.Contains(media, "json-seq") && rec.Body.Len() > 0 && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("the answer is not JSON: %s", cut(rec.Body.String()))
		}
		if rec.Header().Get(requestIDHeader) == "" {
			t.Error("the answer has no id")
		}
		if plain && (method == http.MethodGet || method == http.MethodPost || method == http.MethodDelete) && strings.HasPrefix(address, "/") && rec.Code < 300 {
			check.answer(t, method, address, rec)
		}
	})
}
