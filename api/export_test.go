package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"

	"sarhad/data/export"
	"sarhad/geo"
	"sarhad/incident"
)

// plainExport writes the ids of incidents and what it was told, one a line.
func plainExport(_ context.Context, w io.Writer, info ExportInfo, incidents iter.Seq2[*incident.Incident, error]) error {
	var names []string
	for _, d := range info.Datasets {
		names = append(names, d.Name)
	}
	fmt.Fprintf(w, "%v %v %v %s\n", names, info.Withheld, info.HXL, info.Address)
	for in, err := range incidents {
		if err != nil {
			return err
		}
		fmt.Fprintln(w, in.Dataset, in.SourceID)
	}
	return nil
}

func exporting(c *Config) {
	c.Exports = []ExportFormat{
		{Name: "csv", Media: "text/csv; charset=utf-8", Extension: "csv", HXL: true, Write: plainExport},
		{Name: "gpkg", Media: "application/geopackage+sqlite3", Extension: "gpkg", Changing: true, Write: plainExport},
		{Name: "big", Media: "application/x-big", Extension: "big", Changing: true, Write: func(_ context.Context, w io.Writer, _ ExportInfo, _ iter.Seq2[*incident.Incident, error]) error {
			_, err := w.Write(bytes.Repeat([]byte("ab"), 10_000))
			return err
		}},
	}
}

func TestExports(t *testing.T) {
	c := testConfig(testStore())
	exporting(&c)
	s := mustServer(t, c)
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, u string, head ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, u, nil)
		for i := 0; i+1 < len(head); i += 2 {
			r.Header.Set(head[i], head[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := ask("GET", incidentsURL+"?f=csv&hxl=1")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "[demo ged] [acled] true http://") || strings.Count(w.Body.String(), "\n") != 9 || strings.Contains(w.Body.String(), "acled PAK1") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	openapi3filter.RegisterBodyDecoder("application/geopackage+sqlite3", openapi3filter.FileBodyDecoder)
	check := newChecker(t, s)
	for _, u := range []string{"?f=csv&hxl=1", "?f=gpkg", "?f=csv&hxl=2"} {
		check.answer(t, "GET", incidentsURL+u, ask("GET", incidentsURL+u))
	}
	for name, want := range map[string]string{"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": `attachment; filename="sarhad-incidents.csv"`,
		withheldHeader: "acled", "Link": `rel="describedby"`, "Etag": `"`, "Access-Control-Expose-Headers": "Content-Disposition"} {
		if got := w.Header().Get(name); !strings.Contains(got, want) {
			t.Errorf("%s is %q, want %s", name, got, want)
		}
	}
	if again := ask("GET", incidentsURL+"?f=csv&hxl=1", "If-None-Match", w.Header().Get("Etag")); again.Code != 304 {
		t.Errorf("asked again: %d", again.Code)
	}
	if head := ask("HEAD", incidentsURL+"?f=csv&hxl=1"); head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Etag") != w.Header().Get("Etag") || head.Header().Get("Content-Disposition") == "" {
		t.Errorf("HEAD: %d %v", head.Code, head.Header())
	}
	weak := ask("GET", incidentsURL+"?f=gpkg&dataset=ged&datetime=2009-01-01/..")
	if tag := weak.Header().Get("Etag"); !strings.HasPrefix(tag, `W/"`) || ask("GET", incidentsURL+"?f=gpkg&dataset=ged&datetime=2009-01-01/..", "If-None-Match", tag).Code != 304 {
		t.Errorf("tag %s", tag)
	}
	if got := weak.Header().Get("Content-Disposition"); got != `attachment; filename="sarhad-incidents-ged-2009-01-01-open.gpkg"` {
		t.Error(got)
	}
	if got := weak.Header().Get(withheldHeader); got != "" { // it was not asked for
		t.Error(got)
	}
	packed := ask("GET", incidentsURL+"?f=big", "Accept-Encoding", "gzip")
	if tag := packed.Header().Get("Etag"); packed.Header().Get("Content-Encoding") != "gzip" || !strings.HasPrefix(tag, `W/"`) ||
		ask("GET", incidentsURL+"?f=big", "Accept-Encoding", "gzip", "If-None-Match", tag).Code != http.StatusNotModified {
		t.Errorf("compressed: %v", packed.Header())
	}
	if got := ask("GET", incidentsURL+"?f=csv&limit=2").Body.String(); strings.Count(got, "\n") != 3 {
		t.Errorf("with a limit: %s", got)
	}
	if got := ask("GET", incidentsURL, "Accept", "text/csv").Header().Get("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Errorf("Accept: text/csv gets %s", got)
	}
	for _, u := range []string{"?hxl=1", "?f=gpkg&hxl=1", "?f=csv&hxl=yes", "?f=kml", "?f=csv&limit=0", "?f=csv&x=1", "?f=csv&dataset=none"} {
		w := ask("GET", incidentsURL+u)
		if w.Code != 400 || w.Header().Get("Content-Disposition") != "" || w.Header().Get("Content-Type") != mediaProblem {
			t.Errorf("%s: %d %v", u, w.Code, w.Header())
		}
	}
	if w := ask("GET", incidentsURL+"/1?f=csv"); w.Code != 400 {
		t.Errorf("a single item as CSV: %d", w.Code)
	}
	var page struct{ Links []link }
	if err := json.Unmarshal(ask("GET", incidentsURL+"?limit=2&dataset=ged").Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(fmt.Sprint(page.Links), "dataset=ged&f=gpkg all of it") && !strings.Contains(fmt.Sprint(page.Links), "/items?dataset=ged&f=gpkg}") {
		t.Errorf("no link to the export: %v", page.Links)
	}
	if !bytes.Contains(s.openapi, []byte(`"application/geopackage+sqlite3"`)) {
		t.Error("the OpenAPI document does not know the export")
	}
}

// What fails before anything is sent is a problem; later the connection breaks.
func TestExportsFail(t *testing.T) {
	for _, late := range []bool{false, true} {
		c := testConfig(testStore())
		c.Exports = []ExportFormat{{Name: "csv", Media: "text/csv", Extension: "csv", Write: func(_ context.Context, w io.Writer, _ ExportInfo, _ iter.Seq2[*incident.Incident, error]) error {
			if late {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 1<<20))
			}
			return errors.New("secret")
		}}}
		h, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(h)
		res, err := http.Get(srv.URL + incidentsURL + "?f=csv")
		if err != nil && late {
			srv.Close()
			continue // not even the head was out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		srv.Close()
		switch {
		case late && err == nil:
			t.Errorf("a broken export ended as if it were whole: %d bytes", len(body))
		case !late && (res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Disposition") != "" || res.Header.Get("Link") != "" || strings.Contains(string(body), "secret")):
			t.Errorf("%d %v %s", res.StatusCode, res.Header, body)
		}
	}
}

// Parameters mean for Select what they mean for the interface.
func TestSelect(t *testing.T) {
	m := testStore()
	c := Config{Reader: m, Units: testUnits}
	count := func(query string, all bool) (n int, sel Selection) {
		t.Helper()
		v, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		sel, err = Select(t.Context(), c, v, all)
		if err != nil {
			t.Fatal(query, err)
		}
		for range m.Incidents(t.Context(), incident.Query{Filter: sel.Filter}) {
			n++
		}
		return n, sel
	}
	if n, sel := count("", false); n != 8 || fmt.Sprint(sel.Withheld) != "[acled]" || len(sel.Datasets) != 2 {
		t.Error(n, sel)
	}
	if n, sel := count("", true); n != 9 || sel.Withheld != nil || len(sel.Datasets) != 3 || !sel.Datasets[0].AggregatesOnly {
		t.Error(n, sel)
	}
	if n, _ := count("dataset=ged&unit=pk-kp-kurram&datetime=2009-06-30/..", false); n != 2 {
		t.Error(n)
	}
	for _, q := range []string{"unit=x", "limit=3", "datetime=yesterday", "f=csv", "bbox=1"} {
		v, _ := url.ParseQuery(q)
		_, err := Select(t.Context(), c, v, false)
		var e *incident.Error
		if !errors.As(err, &e) || e.Code != incident.CodeInvalid || e.Parameter == "" {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestFeatureEncoder(t *testing.T) {
	in := testIncidents()[0]
	b := FeatureEncoder([]geo.Crossing{{Name: "Torkham", Point: in.Point}})(nil, &in)
	var f struct {
		ID         string
		Properties map[string]any
	}
	if err := json.Unmarshal(b, &f); err != nil || f.ID != in.ID || f.Properties["crossing"] != "Torkham" {
		t.Errorf("%v %s", err, b)
	}
}

// A client that goes away ends the work for it.
func TestExportsStop(t *testing.T) {
	ended := make(chan error, 1)
	c := testConfig(testStore())
	c.Exports = []ExportFormat{{Name: "csv", Media: "text/csv", Extension: "csv", Write: func(ctx context.Context, w io.Writer, _ ExportInfo, _ iter.Seq2[*incident.Incident, error]) (err error) {
		defer func() { ended <- err }()
		noise := make([]byte, 1<<16)
		for i := range noise {
			noise[i] = byte(i * i >> 3)
		}
		for {
			if _, err := w.Write(noise); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}}}
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	res, err := http.Get(srv.URL + incidentsURL + "?f=csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it ended as if all had been sent")
		}
	case <-time.After(20 * time.Second):
		t.Error("the work goes on for nobody")
	}
}

// TestGeoJSONInOnePiece holds that the export has every incident, beyond what a page takes, fits the OpenAPI document, and
// leaves the pages of the same media type as they are.
func TestGeoJSONInOnePiece(t *testing.T) {
	m := testStore()
	row := m.rows[0]
	for n := range 2 * maxLimit {
		row.FID, row.SourceID = int64(100+n), fmt.Sprint("more", n)
		row.ID = incident.ID(row.Dataset, row.SourceID)
		m.rows = append(m.rows, row)
	}
	c := testConfig(m)
	encode := FeatureEncoder(nil)
	c.Exports = []ExportFormat{{Name: "geojsonall", Media: mediaGeoJSON, Extension: "geojson", Write: func(_ context.Context, w io.Writer, info ExportInfo, in iter.Seq2[*incident.Incident, error]) error {
		return export.GeoJSON(w, export.Info(info), encode, in)
	}}}
	s := mustServer(t, c)
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	check := newChecker(t, s)
	for _, sc := range []struct {
		query, accept string
		features      int
		has           string
	}{
		{"?f=geojsonall", "", 2*maxLimit + 8, `"withheld":["acled"]`},
		{"?f=geojsonall&unit=pk-kp-kurram", "", 2, `"numberReturned":2}`},
		{"?limit=10001", "", maxLimit, `"rel":"next"`},
		{"?limit=3", "application/geo+json", 3, `"numberMatched":`},
	} {
		rec := do(h, http.MethodGet, incidentsURL+sc.query, map[string]string{"Accept": sc.accept})
		if n := strings.Count(rec.Body.String(), `"type":"Feature"`); rec.Code != http.StatusOK || n != sc.features || !strings.Contains(rec.Body.String(), sc.has) || rec.Header().Get("Content-Type") != mediaGeoJSON {
			t.Errorf("%s gives %d with %d features: %v", sc.query, rec.Code, n, rec.Header())
		}
		if sc.features < maxLimit { // to check more takes long
			check.answer(t, http.MethodGet, incidentsURL+sc.query, rec)
		}
	}
}
