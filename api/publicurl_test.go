package api

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"sarhad/frontend"
)

// Behind a proxy every link begins with the public address, whether the proxy takes the path off or passes it on, and
// whatever headers a client sends.
func TestPublicURL(t *testing.T) {
	const public = "https://maps.example.org/border/sarhad"
	c := importConfig(newLoader())
	c.PublicURL = public + "/"
	h := mustHandler(t, c)
	address := regexp.MustCompile(`https?://[^\s"'<>\\]+`)
	evil := map[string]string{"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/evil", "Authorization": "Bearer " + testToken}
	for _, path := range []string{"/?f=json", "/?f=html", "/api", "/conformance?f=html", "/collections", "/collections?f=html", "/collections/incidents", "/collections/units/schema",
		incidentsURL + "?limit=2", incidentsURL + "?limit=2&f=html", incidentsURL + "/1", "/collections/units/items?limit=2", "/aggregates?by=year", "/collections/incidents/tiles",
		"/collections/incidents/tiles/WebMercatorQuad?f=tilejson", "/tileMatrixSets", "/imports", "/imports/abc"} {
		var answers []string
		for _, prefix := range []string{"", "/border/sarhad"} {
			rec := do(h, http.MethodGet, prefix+path, evil)
			if rec.Code != http.StatusOK {
				t.Errorf("%s: %d %s", prefix+path, rec.Code, rec.Body)
				continue
			}
			text := rec.Body.String() + "\n" + strings.Join(rec.Header()["Link"], "\n") + rec.Header().Get("Location")
			answers = append(answers, text)
			if strings.Contains(text, "sarhad.test") || strings.Contains(text, "evil") {
				t.Errorf("%s has an address of the request: %s", prefix+path, text)
			}
			for _, a := range address.FindAllString(text, -1) {
				if strings.Contains(a, "maps.example.org") && !strings.HasPrefix(a, public) {
					t.Errorf("%s has %s", prefix+path, a)
				}
			}
			if path != "/conformance?f=html" && path != "/collections/units/schema" && path != "/tileMatrixSets" && !strings.Contains(text, public) {
				t.Errorf("%s does not have the public address: %.300s", prefix+path, text)
			}
		}
		if len(answers) == 2 && answers[0] != answers[1] {
			t.Errorf("%s has other links when the proxy passes the path on", path)
		}
	}
	if rec := do(h, http.MethodGet, "/border/sarhad", nil); rec.Code != http.StatusPermanentRedirect || rec.Header().Get("Location") != public+"/" {
		t.Errorf("without a slash: %d %s", rec.Code, rec.Header().Get("Location"))
	}
	for _, path := range []string{"/aggregates?by=x", "/border/sarhad/aggregates?by=x"} {
		if rec := do(h, http.MethodGet, path, nil); !strings.Contains(rec.Body.String(), `"instance":"/border/sarhad/aggregates?by=x"`) {
			t.Errorf("%s: %s", path, rec.Body)
		}
	}
	for _, path := range []string{"/border/sarhadx/api", "/border/api", "/border/sarhad/border/sarhad/api"} {
		if rec := do(h, http.MethodGet, path, nil); rec.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, rec.Code)
		}
	}
	for _, wrong := range []string{"ftp://example.org", "https://", "https://example.org/?a=b", "https://example.org/#x", "example.org"} {
		c.PublicURL = wrong
		c.Metrics = nil
		if _, err := New(c); err == nil {
			t.Errorf("%q is taken for an address", wrong)
		}
	}
}

// A request for a whole address, as proxies get it, chooses neither the links nor another scheme.
func TestWholeAddress(t *testing.T) {
	c := importConfig(newLoader())
	c.PublicURL = "https://maps.example.org/sarhad"
	h := mustHandler(t, c)
	for _, address := range []string{"http://evil.test/collections", "https://evil.test/?f=json", "HTTP://evil.test/sarhad/api", "http://evil.test/aggregates?by=x", "http://evil.test" + incidentsURL + "?limit=1"} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, address, nil)) // its host is that of the address, as net/http has it
		if text := rec.Body.String() + strings.Join(rec.Header()["Link"], " "); rec.Code >= 500 || rec.Code == http.StatusNotFound || strings.Contains(text, "evil") {
			t.Errorf("%s: %d %.300s", address, rec.Code, text)
		}
	}
	for _, address := range []string{"ftp://evil.test/collections", "javascript://evil.test/api", "ws://evil.test/"} {
		if rec := do(h, http.MethodGet, address, nil); rec.Code != http.StatusBadRequest || rec.Header().Get("Content-Type") != mediaProblem || strings.Contains(rec.Body.String(), "evil") {
			t.Errorf("%s: %d %s", address, rec.Code, rec.Body)
		}
	}
}

// The page finds its parts wherever it is: it names none from the root of the host.
func TestPageIsRelative(t *testing.T) {
	c := testConfig(testStore())
	c.Page = frontend.Dist()
	rec := do(mustHandler(t, c), http.MethodGet, "/", map[string]string{"Accept": "text/html"})
	if rec.Code != http.StatusOK {
		t.Fatal(rec.Code)
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(rec.Body.String(), -1) {
		if !strings.HasPrefix(m[1], "./") && !strings.HasPrefix(m[1], "data:") && !strings.HasPrefix(m[1], "#") {
			t.Errorf("the page names %s", m[1])
		}
	}
}
