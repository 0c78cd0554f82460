package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// What is wrong with an upload is said without the token, wherever that was put, and of the name it is said that it is the name.
func TestWordsOfUploads(t *testing.T) {
	c := testConfig(testStore())
	c.Loader, c.WriteToken = &loader{most: 1000}, testToken
	h := mustHandler(t, c)
	rec := do(h, http.MethodGet, "/imports?token=secret-of-the-operator", nil)
	if body := rec.Body.String(); rec.Code != http.StatusUnauthorized || strings.Contains(body, "secret") || !strings.Contains(body, `"instance":"/imports"`) || !strings.Contains(body, "SARHAD_WRITE_TOKEN") {
		t.Errorf("%d %s", rec.Code, body)
	}
	for name, want := range map[string]string{strings.Repeat("n", 300): "The name of the file is longer than 255 bytes.", "a\nb.csv": "The name of the file is not a text in UTF-8 without control characters, such as line ends."} {
		r := httptest.NewRequest(http.MethodPost, "/imports?file="+url.QueryEscape(name), strings.NewReader("x"))
		r.Header.Set("Authorization", "Bearer "+testToken)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%.10q: %d %s", name, rec.Code, rec.Body)
		}
	}
}
