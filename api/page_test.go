package api

import (
	"net/http"
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
