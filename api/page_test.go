package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestFrames(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	for address, want := range map[string]string{
		"/":                               "frame-ancestors 'self'",
		"/?embed=1":                       "frame-ancestors *",
		"/?event_type=Riots&embed=1":      "frame-ancestors *",
		"/?embed=0":                       "frame-ancestors 'self'",
		"/?embed=1&embed=0":               "frame-ancestors 'self'",
		"/?embed=0&embed=1":               "frame-ancestors 'self'",
		"/?embed=1;embed=0":               "frame-ancestors 'self'",
		"/?embed=1&x=%zz":                 "frame-ancestors 'self'",
		"/?Embed=1":                       "frame-ancestors 'self'",
		"/assets/index-abc123.js":         "frame-ancestors 'self'",
		"/assets/index-abc123.js?embed=1": "frame-ancestors 'self'",
	} {
		r := do(h, http.MethodGet, address, map[string]string{"Accept": "text/html"})
		csp := r.Header().Get("Content-Security-Policy")
		if r.Code != http.StatusOK || !strings.HasSuffix(csp, "; "+want) || strings.Count(csp, "frame-ancestors") != 1 {
			t.Errorf("%s gives %d with the policy %q, want %q", address, r.Code, csp, want)
		}
		if !strings.Contains(csp, "frame-src 'self';") {
			t.Errorf("%s: the list for readers without JavaScript may not be in a frame: %q", address, csp)
		}
	}
}

// A link's choice holds for the plain list too, which is all there is without JavaScript.
func TestPlainLinksFollowTheLink(t *testing.T) {
	index := []byte(`<a href="./collections/incidents/items?f=html&amp;sortby=-start_date">All incidents, newest first</a><a href="./collections/units/items?limit=9">`)
	for query, want := range map[string]string{
		"":                       "",
		"map=33,70,7&tab=list":   "",
		"datetime=2025-10-01/..": "datetime=2025-10-01%2F..",
		"event_type=Battles,Riots&min_fatalities=1&q=a+%3Cb%3E": "event_type=Battles%2CRiots&amp;min_fatalities=1&amp;q=a+%3Cb%3E",
		"unit=pk-kp-kurram&country=AF":                          "filter=" + url.QueryEscape("unit_id IN ('pk-kp-kurram') OR country IN ('AF')"),
		"province=O'Hara":                                       "filter=" + url.QueryEscape("province IN ('O''Hara')"),
	} {
		link, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got := string(index)
		if asked := plainQuery(link); asked != "" {
			got = string(plainLinks(index, asked))
			if !strings.Contains(got, "The incidents of this link") {
				t.Errorf("%s: nothing says that the list is that of the link: %s", query, got)
			}
		}
		if want != "" {
			want += "&amp;"
		}
		if want = "./collections/incidents/items?" + want + "f=html"; !strings.Contains(got, want) || !strings.Contains(got, "units/items?limit=9") {
			t.Errorf("%s gives %s, not %s", query, got, want)
		}
	}
}

func TestListKeepsACommaAfterABackslash(t *testing.T) {
	for v, want := range map[string][]string{
		`a,b`:        {"a", "b"},
		`a\, b,c`:    {"a, b", "c"},
		`x\y`:        {`x\y`},
		`one\,two`:   {"one,two"},
		`a,b\,c , d`: {"a", "b,c", "d"},
	} {
		got, err := params{"dataset": v}.list("dataset")
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %q, %v, not %q", v, got, err, want)
		}
	}
	names := []string{"GED, 2025", "demo"}
	for _, v := range []string{`GED\, 2025,demo`, "GED, 2025"} {
		got, err := params{"dataset": v}.words("dataset", names)
		if err != nil || got[0] != names[0] {
			t.Errorf("%s is %q, %v", v, got, err)
		}
	}
}
