package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestLandingForPrograms: only who names HTML, as browsers do, gets the map.
func TestLandingForPrograms(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	for accept, want := range map[string]string{
		"":                                       mediaJSON, // no header
		"*/*":                                    mediaJSON,
		"text/*":                                 mediaJSON,
		"application/xml":                        mediaJSON,
		"image/png":                              mediaJSON,
		"text/html;q=0, */*":                     mediaJSON,
		"application/json, */*;q=0.1":            mediaJSON,
		"text/html;q=0.8, application/json":      mediaJSON,
		"application/json;q=x, text/html;q=0.1":  mediaHTML,
		"application/json;q=0.5,text/html;q=0.5": mediaHTML,
		"application/xhtml+xml":                  mediaHTML,
		"text/html":                              mediaHTML,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": mediaHTML,
	} {
		header := map[string]string{"Accept": accept}
		if accept == "" {
			header = nil
		}
		r := do(h, http.MethodGet, "/", header)
		if got := r.Header().Get("Content-Type"); r.Code != http.StatusOK || bareMedia(got) != want || !strings.Contains(strings.Join(r.Header().Values("Vary"), ","), "Accept") {
			t.Errorf("Accept %q gets %d %s, varying with %q; want %s", accept, r.Code, got, r.Header().Values("Vary"), want)
		}
	}
	if r := do(h, http.MethodGet, "/?f=json", map[string]string{"Accept": "text/html"}); r.Header().Get("Content-Type") != mediaJSON {
		t.Error("f is not above Accept")
	}
	// A link that somebody shares, and who previews it.
	if r := do(h, http.MethodGet, "/?event_type=Battles&map=33,70,7", map[string]string{"Accept": "*/*"}); r.Code != http.StatusOK || bareMedia(r.Header().Get("Content-Type")) != mediaHTML {
		t.Errorf("a link of the page gets %d %s", r.Code, r.Header().Get("Content-Type"))
	}
}

// TestEscapedPaths: what is escaped without need is the same address; an escaped slash parts nothing.
func TestEscapedPaths(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	id := testIncidents()[0].ID
	for escaped, plain := range map[string]string{
		"/collections/%69ncidents/items?limit=1":           incidentsURL + "?limit=1",
		"/%63ollections":                                   "/collections",
		incidentsURL + "/i%" + hexOf(id[1]) + id[2:]:       incidentsURL + "/" + id,
		"/collections/units/items/pk%2Dkp%2dkurram":        "/collections/units/items/pk-kp-kurram",
		"/assets/index%2Dabc123.js":                        "/assets/index-abc123.js",
		"/collections/units/tiles/WebMercatorQuad/%30/0/0": "/collections/units/tiles/WebMercatorQuad/0/0/0",
	} {
		a, b := do(h, http.MethodGet, escaped, nil), do(h, http.MethodGet, plain, nil)
		if a.Code != http.StatusOK || a.Body.String() != b.Body.String() || a.Header().Get("ETag") != b.Header().Get("ETag") {
			t.Errorf("%s gives %d and %s, %s gives %d and %s", escaped, a.Code, a.Header().Get("ETag"), plain, b.Code, b.Header().Get("ETag"))
		}
	}
	for _, address := range []string{"/collections%2Fincidents", "/collections/incidents%2fitems", "/collections/%69ncidents%2Fitems", incidentsURL + "/1%2F", "/assets%2Findex-abc123.js",
		"/assets/%2e%2e/secret.txt", "/assets/%2e%2e%2fsecret.txt", "/assets/..%5csecret.txt", "/collections/%2e%2e/collections", incidentsURL + "/%2531", incidentsURL + "/%00"} {
		if r := do(h, http.MethodGet, address, nil); r.Code != http.StatusNotFound {
			t.Errorf("%s gives %d", address, r.Code)
		}
	}
	if r := do(h, http.MethodGet, "/%69mports", nil); r.Code != http.StatusForbidden || r.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("imports escaped give %d to any site", r.Code)
	}
}

func hexOf(c byte) string { return fmt.Sprintf("%02X", c) }

// TestHeadHasTheLinksOfGet: also that to the next page.
func TestHeadHasTheLinksOfGet(t *testing.T) {
	small, large := mustHandler(t, testConfig(testStore())), mustHandler(t, testConfig(many(2000, 500)))
	for _, address := range []string{incidentsURL + "?limit=2", incidentsURL, incidentsURL + "?f=html&limit=2", incidentsURL + "?sortby=summary&limit=2", incidentsURL + "?limit=1500",
		"/collections/units/items?limit=2", "/collections/units/items?limit=2&f=html", "/collections/units/items"} {
		for _, h := range []http.Handler{small, large} {
			get, head := do(h, http.MethodGet, address, nil), do(h, http.MethodHead, address, nil)
			if head.Code != http.StatusOK || head.Body.Len() > 0 {
				t.Errorf("HEAD of %s gives %d with %d bytes", address, head.Code, head.Body.Len())
			}
			for _, name := range []string{"Link", "Content-Length", "ETag", "Content-Type", "Content-Crs"} {
				if g, h := get.Header().Get(name), head.Header().Get(name); g != h || name == "Link" && g == "" {
					t.Errorf("HEAD of %s has %s %q, GET %q", address, name, h, g)
				}
			}
		}
	}
	if link := do(small, http.MethodHead, incidentsURL+"?limit=2", nil).Header().Get("Link"); !strings.Contains(link, `rel="next"`) {
		t.Errorf("there is no next page in %s", link)
	}
}

// TestOtherSitesSeeTheHeaders of every answer with data.
func TestOtherSitesSeeTheHeaders(t *testing.T) {
	c := testConfig(testStore())
	exporting(&c)
	h := mustHandler(t, c)
	for _, address := range []string{"/?f=json", "/collections", incidentsURL, incidentsURL + "/1", incidentsURL + "?f=csv", "/collections/incidents/columns", tilesURL + "/0/0/0", "/aggregates?by=unit",
		"/aggregates?by=actor", "/datasets", "/geocode?q=Torkham", "/nothing"} {
		exposed := do(h, http.MethodGet, address, nil).Header()["Access-Control-Expose-Headers"]
		for _, name := range []string{"ETag", "Link", "Content-Crs", "Content-Disposition", "Sarhad-Withheld", "Location"} {
			if !strings.Contains(strings.Join(exposed, ", ")+",", name+",") || len(exposed) != 1 {
				t.Errorf("%s exposes %q, without %s", address, exposed, name)
			}
		}
	}
}

// TestAnswersNameWhatIsWithheld in a header, whatever their format.
func TestAnswersNameWhatIsWithheld(t *testing.T) {
	c := testConfig(testStore())
	exporting(&c)
	h := mustHandler(t, c)
	for _, address := range []string{incidentsURL + "?", incidentsURL + "?f=html&", incidentsURL + "?f=csv&", "/collections/incidents/columns?", tilesURL + "/0/0/0?"} {
		for query, want := range map[string]string{"": "acled", "dataset=acled": "acled", "dataset=ged,demo": "", "dataset=acled,ged": "acled"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r := do(h, method, address+query, nil)
				if got := r.Header().Get("Sarhad-Withheld"); r.Code >= 300 || got != want {
					t.Errorf("%s %s gives %d and leaves out %q, want %q", method, address+query, r.Code, got, want)
				}
			}
		}
	}
	if r := do(h, http.MethodGet, incidentsURL+"?colour=red", nil); r.Header().Get("Sarhad-Withheld") != "" {
		t.Error("a problem leaves datasets out")
	}
}

// TestOpenAPIRefusesEmptyTexts, as the server does.
func TestOpenAPIRefusesEmptyTexts(t *testing.T) {
	type schema struct {
		Type, Format, Pattern string
		Enum                  []any
		MinLength             int
		Items                 *schema
	}
	type parameter struct {
		Name, In string
		Schema   schema
	}
	var doc struct {
		Paths      map[string]map[string]struct{ Parameters []parameter }
		Components struct{ Parameters map[string]parameter }
	}
	if err := json.Unmarshal(mustServer(t, testConfig(testStore())).openapi, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	check := func(where string, p parameter) {
		n++
		s := p.Schema
		if s.Type == "array" {
			s = *s.Items
		}
		if p.In == "query" && s.Type == "string" && s.Format == "" && s.Pattern == "" && s.Enum == nil && s.MinLength < 1 {
			t.Errorf("%s: %s may be empty", where, p.Name)
		}
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			for _, p := range op.Parameters {
				check(method+" "+path, p)
			}
		}
	}
	for _, p := range doc.Components.Parameters {
		check("components", p)
	}
	if n < 50 {
		t.Errorf("only %d parameters were looked at", n)
	}
}

// TestLongFiltersFit: what docs/api.md promises of a filter, in a script of which each letter is six signs in an address.
func TestLongFiltersFit(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = NewServer(mustHandler(t, testConfig(testStore())), Limits{})
	server.Start()
	defer server.Close()
	for letters, want := range map[int]int{16_300: http.StatusOK, 16_400: http.StatusBadRequest, 60_000: http.StatusRequestHeaderFieldsTooLarge} {
		filter := "actor1 <> '" + strings.Repeat("س", letters) + "'"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+incidentsURL+"?limit=1&filter="+url.QueryEscape(filter), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Cookie", strings.Repeat("x", 8000))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("a filter of %d letters gives %d, want %d", letters, resp.StatusCode, want)
		}
	}
}
