package api

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who asks for at least a change gets it when it is there, waits for it, or is told to come again.
func TestAtLeast(t *testing.T) {
	m := testStore() // at change 42
	s := mustServer(t, testConfig(m))
	s.changePatience = 50 * time.Millisecond
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(value string, status int) http.Header {
		t.Helper()
		rec := do(h, http.MethodGet, incidentsURL, map[string]string{atLeastHeader: value})
		if rec.Code != status {
			t.Errorf("%s: %s gives %d, want %d: %.300s", atLeastHeader, value, rec.Code, status, rec.Body.String())
		}
		if status >= 400 && rec.Header().Get("Content-Type") != mediaProblem {
			t.Errorf("%s: %s gives %s", atLeastHeader, value, rec.Header().Get("Content-Type"))
		}
		return rec.Header()
	}
	for _, value := range []string{"", "x", "-1", "42.0", "99999999999999999999"} {
		ask(value, http.StatusBadRequest)
	}
	for _, value := range []string{"0", "42"} {
		if got := ask(value, http.StatusOK).Get(changeHeader); got != "42" {
			t.Errorf("%s is %q", changeHeader, got)
		}
	}
	head := ask("43", http.StatusServiceUnavailable)
	if head.Get("Retry-After") == "" || head.Get("Cache-Control") != "no-store" {
		t.Errorf("a change that does not come: %v", head)
	}
	s.changePatience = 10 * time.Second
	timer := time.AfterFunc(30*time.Millisecond, func() { m.change.Store(43) })
	defer timer.Stop()
	if got := ask("43", http.StatusOK).Get(changeHeader); got != "43" {
		t.Errorf("after the wait %s is %q", changeHeader, got)
	}
	for _, address := range []string{incidentsURL, "/datasets", "/aggregates?by=unit", "/collections/incidents/columns", incidentsURL + "/1"} {
		rec := do(h, http.MethodGet, address, nil)
		if rec.Header().Get(changeHeader) != "43" || !strings.Contains(rec.Header().Get("Access-Control-Expose-Headers"), changeHeader) {
			t.Errorf("%s: %v", address, rec.Header())
		}
	}
}
