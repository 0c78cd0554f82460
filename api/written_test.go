package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sarhad/data/publish"
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

// While a dataset is delayed, what everybody sees has greater change numbers than the store. The headers know only those of
// the store, so that what was written is waited for all the same.
func TestAtLeastWhileDelayed(t *testing.T) {
	m := testStore() // at change 42
	for i := range m.datasets {
		m.datasets[i].Delay = 24 * time.Hour
	}
	public := publish.New(m, func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
	if n, err := public.Change(t.Context()); err != nil || n <= 1000 {
		t.Fatalf("everybody sees change %d, %v", n, err)
	}
	c := importConfig(newLoader())
	c.Reader, c.Full, c.Written, c.Tokens = public, m, m.Change, newTokens()
	s := mustServer(t, c)
	s.changePatience = 50 * time.Millisecond
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	written := do(h, http.MethodGet, "/imports", map[string]string{"Authorization": bearer}).Header().Get(changeHeader)
	if written != "42" {
		t.Errorf("what was written is change %q", written)
	}
	for value, status := range map[string]int{"42": http.StatusOK, "43": http.StatusServiceUnavailable} {
		rec := do(h, http.MethodGet, incidentsURL, map[string]string{atLeastHeader: value})
		if told := rec.Header().Get(changeHeader); rec.Code != status || status == http.StatusOK && told != "42" {
			t.Errorf("change %s: %d, %s is %q", value, rec.Code, changeHeader, told)
		}
	}
	m.change.Store(43)
	if rec := do(h, http.MethodGet, incidentsURL, map[string]string{atLeastHeader: "43"}); rec.Code != http.StatusOK || rec.Header().Get(changeHeader) != "43" {
		t.Errorf("after it came: %d, %v", rec.Code, rec.Header())
	}
}
