package api

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sarhad/incident"
)

// keeper keeps tokens in memory.
type keeper map[string]incident.Token

func (k keeper) AddToken(context.Context, incident.Token) error   { return nil }
func (k keeper) RevokeToken(context.Context, string) error        { return nil }
func (k keeper) Tokens(context.Context) ([]incident.Token, error) { return nil, nil }
func (k keeper) Token(_ context.Context, id string) (incident.Token, error) {
	if t, ok := k[id]; ok {
		return t, nil
	}
	return incident.Token{}, incident.Errorf(incident.CodeNotFound, "There is no token %q.", id)
}

// tokens are a token of each scope, and one of each that is none any more.
type tokens struct {
	keeper
	read, write, admin, revoked, expired string
}

func newTokens() tokens {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	t := tokens{keeper: keeper{}}
	add := func(name string, scope incident.Scope, change func(*incident.Token)) string {
		text, token := incident.NewToken(name, scope, now, time.Time{})
		change(&token)
		t.keeper[token.ID] = token
		return text
	}
	as := func(*incident.Token) {}
	t.read, t.write, t.admin = add("reader", incident.ScopeRead, as), add("loader", incident.ScopeWrite, as), add("head", incident.ScopeAdmin, as)
	t.revoked = add("", incident.ScopeAdmin, func(t *incident.Token) { t.Revoked = now })
	t.expired = add("", incident.ScopeAdmin, func(t *incident.Token) { t.Expires = now })
	return t
}

// exampleOf fills in the parameters of a route.
func exampleOf(path, collection string) string {
	path = strings.NewReplacer("/items/:fid", "/items/1", "/collections/:id", "/collections/"+collection, "/imports/:id", "/imports/abc",
		":z/:row/:col", "5/12/22", "/assets/*", "/assets/a.js").Replace(path)
	switch path {
	case "/aggregates":
		path += "?by=unit"
	case "/geocode":
		path += "?q=Kurram"
	case "/reverse":
		path += "?lon=70.5&lat=33.5"
	}
	return path
}

// Whatever route is added that is not for reading, and all of /imports, is closed without a token and with one that does not allow it.
func TestWritingIsClosed(t *testing.T) {
	tok := newTokens()
	c := importConfig(newLoader())
	c.Tokens = tok
	s, err := newServer(c)
	if err != nil {
		t.Fatal(err)
	}
	h := mustHandler(t, c)
	closed := 0
	for _, r := range s.routes {
		if r.method == http.MethodGet && !isImportsPath(r.path) {
			continue
		}
		closed++
		for what, auth := range map[string]string{"no": "", "an empty": "Bearer ", "a wrong": "Bearer 0123456789abcdef0123456789abcdef", "a Basic": "Basic " + testToken,
			"a made-up": "Bearer sarhad_00000000_" + strings.Repeat("A", 43), "another secret of a": "Bearer " + tok.admin[:16] + strings.Repeat("A", 43),
			"a cut": "Bearer " + tok.admin[:len(tok.admin)-1], "a revoked": "Bearer " + tok.revoked, "an expired": "Bearer " + tok.expired, "a read": "Bearer " + tok.read} {
			want := http.StatusUnauthorized
			if what == "a read" {
				want = http.StatusForbidden
			}
			req := httptest.NewRequest(r.method, exampleOf(r.path, incidentsID), strings.NewReader("x"))
			if auth != "" {
				req.Header.Set("Authorization", auth)
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, req)
			if rec.Code != want || !strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), realm) || rec.Header().Get("Content-Type") != mediaProblem || rec.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s with %s token: %d, %v, want %d", r.method, r.path, what, rec.Code, rec.Header(), want)
			}
		}
	}
	if closed < 6 {
		t.Errorf("only %d routes were tried", closed)
	}
	l, _ := c.Loader.(*loader)
	if len(l.taken)+len(l.canceled) > 0 {
		t.Error("something was written all the same")
	}
}

// loaderName is who the token with the scope write is.
func loaderName(t tokens) string {
	id, _ := incident.TokenID(t.write)
	token := t.keeper[id]
	return token.Who()
}

func TestWhoMayUndo(t *testing.T) {
	tok := newTokens()
	for _, c := range []struct {
		who, auth string
		status    int
	}{
		{incident.ServerToken, tok.write, http.StatusForbidden},
		{incident.ServerToken, tok.admin, http.StatusOK},
		{incident.ServerToken, testToken, http.StatusOK},
		{"HTTP client 127.0.0.1", testToken, http.StatusOK},
		{"amina", testToken, http.StatusForbidden},
		{"", tok.write, http.StatusForbidden},
		{loaderName(tok), tok.write, http.StatusOK},
		{loaderName(tok), testToken, http.StatusForbidden},
	} {
		l := newLoader()
		for i := range l.watch {
			l.watch[i].Who = c.who
		}
		conf := importConfig(l)
		conf.Tokens = tok
		h := mustHandler(t, conf)
		as := map[string]string{"Authorization": "Bearer " + c.auth}
		rec := do(h, http.MethodGet, "/imports/abc", as)
		if all := strings.Contains(rec.Body.String(), `"read":3`); rec.Code != c.status || all != (c.status == http.StatusOK) {
			t.Errorf("what %q sees of an import of %q: %d %s", c.auth, c.who, rec.Code, rec.Body)
		}
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			if rec := do(h, method, "/imports/abc/events", as); rec.Code != c.status {
				t.Errorf("%s of the events of %q for %q: %d, want %d", method, c.who, c.auth, rec.Code, c.status)
			}
		}
		rec = do(h, http.MethodGet, "/imports", as)
		if listed := strings.Contains(rec.Body.String(), `"id":"abc"`); rec.Code != http.StatusOK || listed != (c.status == http.StatusOK) ||
			strings.Contains(rec.Body.String(), "cli.csv") != (c.auth == tok.admin) {
			t.Errorf("the list for %q with an import of %q: %d %s", c.auth, c.who, rec.Code, rec.Body)
		}
		if rec := do(h, http.MethodGet, "/imports/abc/rejects", as); rec.Code != c.status {
			t.Errorf("rows of %q that were refused, for %q: %d, want %d", c.who, c.auth, rec.Code, c.status)
		}
		rec = do(h, http.MethodDelete, "/imports/abc", as)
		if rec.Code != c.status || (len(l.canceled) > 0) != (c.status == http.StatusOK) {
			t.Errorf("%q undoes an import of %q: %d, want %d", c.auth, c.who, rec.Code, c.status)
		}
		if c.status != http.StatusOK && !strings.Contains(rec.Header().Get("WWW-Authenticate"), `error="insufficient_scope", scope="admin"`) {
			t.Errorf("refused with %v", rec.Header())
		}
	}
}

// A closed layer is closed at every route that gives anything of it, and open with a token that may read.
func TestClosedLayers(t *testing.T) {
	tok := newTokens()
	for _, layer := range ClosableLayers {
		c := testConfig(testStore())
		c.Tokens, c.Closed = tok, []string{layer}
		s, err := newServer(c)
		if err != nil {
			t.Fatal(err)
		}
		h := mustHandler(t, c)
		for _, r := range s.routes {
			if r.method != http.MethodGet || isImportsPath(r.path) {
				continue
			}
			path := exampleOf(r.path, layer)
			of := strings.HasPrefix(r.path, "/collections/:id")
			closed := of || layer == incidentsID && (strings.HasPrefix(r.path, "/collections/incidents") || slices.Contains([]string{"/aggregates", "/datasets", "/compare"}, r.path)) ||
				(layer == unitsID || layer == "crossings") && (r.path == "/geocode" || r.path == "/reverse")
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				plain := do(h, method, path, nil)
				if got := plain.Code == http.StatusUnauthorized; got != closed {
					t.Errorf("%s closed: %s %s is %d", layer, method, path, plain.Code)
				}
				as := do(h, method, path, map[string]string{"Authorization": "Bearer " + tok.write})
				if got := as.Code == http.StatusForbidden; got != closed {
					t.Errorf("%s closed: %s %s is %d for who may write", layer, method, path, as.Code)
				}
				full := do(h, method, path, map[string]string{"Authorization": "Bearer " + tok.read})
				if full.Code == http.StatusUnauthorized || full.Code == http.StatusForbidden {
					t.Errorf("%s closed: %s %s is %d for who may read", layer, method, path, full.Code)
				}
				if !slices.Contains(full.Header().Values("Vary"), "Authorization") && r.path != "/assets/*" {
					t.Errorf("%s %s: Vary is %q", method, path, full.Header().Values("Vary"))
				}
				if kept := full.Header().Get("Cache-Control"); full.Code == http.StatusOK && r.data && strings.Contains(kept, "no-cache") && !strings.Contains(kept, "private") {
					t.Errorf("%s %s with a token may be kept by all: %q", method, path, kept)
				}
				if tag := full.Header().Get("ETag"); tag != "" && r.data && tag == plain.Header().Get("ETag") {
					t.Errorf("%s %s has the ETag %s for everybody and for who may read", method, path, tag)
				}
			}
		}
		for _, path := range []string{"/collections", "/collections?f=html"} {
			if body := do(h, http.MethodGet, path, nil).Body.String(); strings.Contains(body, "/collections/"+layer) {
				t.Errorf("%s closed: %s names it", layer, path)
			}
			if body := do(h, http.MethodGet, path, map[string]string{"Authorization": "Bearer " + tok.read}).Body.String(); !strings.Contains(body, "/collections/"+layer) {
				t.Errorf("%s closed: %s does not name it to who may read", layer, path)
			}
		}
	}
}

// What an incident tells of other layers goes when these are closed.
func TestClosedPlaces(t *testing.T) {
	tok := newTokens()
	c := testConfig(testStore())
	c.Tokens, c.Closed = tok, []string{unitsID, "border", "crossings"}
	h := mustHandler(t, c)
	body := do(h, http.MethodGet, "/collections/incidents/items?f=jsonfg", nil).Body.String()
	full := do(h, http.MethodGet, "/collections/incidents/items?f=jsonfg", map[string]string{"Authorization": "Bearer " + tok.read}).Body.String()
	for _, part := range []string{`"MultiPolygon"`, `"LineString"`} {
		if strings.Contains(body, part) || !strings.Contains(full, part) {
			t.Errorf("%s is in the answer for everybody: %t, for who may read: %t", part, strings.Contains(body, part), strings.Contains(full, part))
		}
	}
}

func TestWrongTokenIsSaid(t *testing.T) {
	tok := newTokens()
	c := testConfig(testStore())
	c.Tokens, c.Full = tok, testStore()
	h := mustHandler(t, c)
	wc := importConfig(newLoader())
	wc.Tokens, wc.Full = tok, testStore()
	writing := mustHandler(t, wc)
	for _, auth := range []string{tok.revoked, tok.expired, "x"} {
		rec := do(h, http.MethodGet, "/collections/incidents/items", map[string]string{"Authorization": "Bearer " + auth})
		if rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Header().Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("%d %v", rec.Code, rec.Header())
		}
	}
	for _, auths := range [][]string{{"Bearer"}, {"Bearer "}, {"bearer   "}, {""}, {"nonsense"}, {"Basic"}, {tok.admin}, {"Bearer " + tok.admin + " x"}, {"Bearer " + tok.admin, "Bearer " + tok.admin},
		{"Basic YTpi", "Bearer " + tok.admin}, {"Bearer " + tok.admin, ""}, {"Basic YTpi", "Basic YTpi"}} {
		for _, path := range []string{"/", "/collections/incidents/items", "/datasets", "/imports"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header["Authorization"] = auths
			rec := httptest.NewRecorder()
			writing.ServeHTTP(rec, r)
			if rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Header().Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("%s with %q: %d %v", path, auths, rec.Code, rec.Header())
			}
		}
	}
	for _, auth := range []string{"Basic YTpi", "Digest x"} { // of a proxy in front
		if rec := do(h, http.MethodGet, "/collections/incidents/items", map[string]string{"Authorization": auth}); rec.Code != http.StatusOK {
			t.Errorf("%s: %d", auth, rec.Code)
		}
	}
	if _, err := New(Config{Reader: testStore(), Closed: []string{"houses"}}); err == nil || !strings.Contains(fmt.Sprint(err), "incidents, units") {
		t.Errorf("a layer that is not there: %v", err)
	}
}

// gone is a database of tokens that does not answer.
type gone struct{ keeper }

func (gone) Token(context.Context, string) (incident.Token, error) {
	return incident.Token{}, incident.Errorf(incident.CodeUnavailable, "The database cannot be reached.")
}

// How the server does is told whoever asks, and without the database.
func TestProbesNeedNoToken(t *testing.T) {
	tok := newTokens()
	for what, keeps := range map[string]incident.TokenKeeper{"there": tok, "gone": gone{}} {
		c := testConfig(testStore())
		c.Tokens, c.Full, c.PublicURL = keeps, testStore(), "https://example.org/sarhad"
		h := mustHandler(t, c)
		for _, path := range []string{"/healthz", "/readyz", "/sarhad/healthz", "/health%7a"} {
			for _, auths := range [][]string{{"Bearer " + tok.admin}, {"Bearer " + tok.revoked}, {"Bearer"}, {"Bearer a", "Bearer b"}} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header["Authorization"] = auths
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				if rec.Code != http.StatusOK {
					t.Errorf("%s with %q, the tokens %s: %d %s", path, auths, what, rec.Code, rec.Body)
				}
			}
		}
	}
}

// Where nobody may write, that is the answer to any token: another one would not help.
func TestWritingIsOff(t *testing.T) {
	c := importConfig(newLoader())
	c.Tokens, c.Loader, c.WriteToken = newTokens(), nil, ""
	h := mustHandler(t, c)
	req := httptest.NewRequest(http.MethodGet, importsPath, nil)
	req.Header.Set("Authorization", "Bearer whatever-it-may-be")
	rec := httptest.NewRecorder()
	if h.ServeHTTP(rec, req); rec.Code != http.StatusForbidden || !strings.Contains(rec.Body.String(), "switched off") {
		t.Errorf("%d %s, want 403", rec.Code, rec.Body)
	}
}
