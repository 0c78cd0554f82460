package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

// caller is who asks.
type caller struct {
	// known says that a token was shown, valid or not.
	known bool
	// scope is what it allows, "" without one or where err says that it is not valid.
	scope incident.Scope
	// who names it in records; see [incident.Token.Who].
	who string
	err error
}

type callerKey struct{}

func callerOf(c echo.Context) caller {
	who, _ := c.Request().Context().Value(callerKey{}).(caller)
	return who
}

// identified finds out who asks. One credential of another scheme than Bearer
// is that of a proxy in front, and nobody's here.
func (s *server) identified(r *http.Request) *http.Request {
	who := s.callerOf(r)
	ctx := context.WithValue(r.Context(), callerKey{}, who)
	if who.who != "" {
		ctx = incident.WithActor(ctx, who.who)
	}
	return r.WithContext(ctx)
}

func (s *server) callerOf(r *http.Request) caller {
	given := r.Header["Authorization"]
	if len(given) == 0 || s.Tokens == nil && s.WriteToken == "" {
		return caller{}
	}
	wrong := caller{known: true, err: &httpError{http.StatusUnauthorized, "The token is not that of this server, or not valid any more.", nil}}
	scheme, token, ok := strings.Cut(given[0], " ")
	token = strings.TrimSpace(token)
	if len(given) > 1 || !ok || token == "" {
		wrong.err = &httpError{http.StatusUnauthorized, "The header Authorization is one time Bearer TOKEN.", nil}
		return wrong
	}
	if !strings.EqualFold(scheme, "Bearer") {
		return caller{}
	}
	if s.WriteToken != "" {
		hash := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(hash[:], s.tokenHash[:]) == 1 {
			return caller{known: true, scope: incident.ScopeWrite, who: incident.ServerToken}
		}
	}
	id, ok := incident.TokenID(token)
	if !ok || s.Tokens == nil {
		return wrong
	}
	t, err := s.Tokens.Token(r.Context(), id)
	switch {
	case incident.CodeOf(err) == incident.CodeNotFound:
		return wrong
	case err != nil:
		return caller{known: true, err: fmt.Errorf("look up a token: %w", err)}
	case !t.Matches(token) || !t.Valid(s.Now()):
		return wrong
	}
	return caller{known: true, scope: t.Scope, who: t.Who()}
}

const realm = `Bearer realm="sarhad"`

// refused turns away who may not do something: 401 without a valid token, 403 with one of another scope.
func refused(c echo.Context, scope incident.Scope) error {
	h := c.Response().Header()
	who := callerOf(c)
	switch {
	case who.err != nil:
		h["Www-Authenticate"] = []string{realm + `, error="invalid_token"`}
		return who.err
	case who.known:
		h["Www-Authenticate"] = []string{realm + `, error="insufficient_scope", scope="` + string(scope) + `"`}
		return &httpError{http.StatusForbidden, "The token does not allow this; it needs the scope " + string(scope) + " (sarhad token create).", nil}
	}
	h["Www-Authenticate"] = []string{realm}
	return &httpError{http.StatusUnauthorized, "This address needs the header Authorization: Bearer TOKEN, with a token of the scope " + string(scope) +
		" (sarhad token create) or, for writing, the one that the server was started with (--write-token or SARHAD_WRITE_TOKEN).", nil}
}

// writing lets only those through who may write. Reading what became of an
// upload needs it too: refused rows may be such that nobody else is to see.
func (s *server) writing(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header()["Cache-Control"] = []string{"no-store"}
		if s.Loader == nil || s.WriteToken == "" && s.Tokens == nil {
			return &httpError{http.StatusForbidden, "Writing is switched off; start sarhad serve with --write-token or SARHAD_WRITE_TOKEN, or after sarhad token create --scope write.", nil}
		}
		if !callerOf(c).scope.Allows(incident.ScopeWrite) {
			return refused(c, incident.ScopeWrite)
		}
		return next(c)
	}
}

// owns reports whether the caller may see all of an import and undo it: its own, or any for an admin.
func owns(c echo.Context, j *incident.Job) bool {
	who := callerOf(c)
	return who.scope.Allows(incident.ScopeAdmin) || who.who != "" && (j.Who == who.who ||
		who.who == incident.ServerToken && strings.HasPrefix(j.Who, "HTTP client ")) // as those were recorded before there were other tokens
}

// ClosableLayers are the collections that [Config.Closed] may name.
var ClosableLayers = []string{incidentsID, unitsID, "border", "crossings", "periods"}

// openPaths are those that give nothing of any layer.
var openPaths = []string{"/", "/assets/*", "/api", "/conformance", "/collections", "/tileMatrixSets", "/tileMatrixSets/" + tileMatrixSet, "/healthz", "/readyz"}

// layersOf names the layers of which a route gives data. A route that is not
// known here gives incidents: a new one is closed with them until it is said what it gives.
func layersOf(c echo.Context) []string {
	path := c.Path()
	switch {
	case slices.Contains(openPaths, path) || isImportsPath(path):
		return nil
	case strings.HasPrefix(path, "/collections/:id"):
		return []string{c.Param("id")}
	case path == "/geocode" || path == "/reverse":
		return []string{unitsID, "crossings"}
	}
	return []string{incidentsID}
}

// admitted fails for a caller with a token that is not valid, and for one who asks for a closed layer and may not see it.
func (s *server) admitted(c echo.Context) error {
	if isImportsPath(c.Path()) {
		return nil // writing says so itself, and before it that nobody may write
	}
	if callerOf(c).err != nil {
		return refused(c, incident.ScopeRead)
	}
	if len(s.Closed) == 0 || c.Request().Method == http.MethodOptions {
		return nil
	}
	for _, layer := range layersOf(c) {
		if slices.Contains(s.Closed, layer) {
			return refused(c, incident.ScopeRead)
		}
	}
	return nil
}

// open is a list without anything if its layer is closed.
func open[T any](s *server, layer string, list []T) []T {
	if slices.Contains(s.Closed, layer) {
		return nil
	}
	return list
}

// cached says how an answer may be kept: that for holders of a token by nobody but them.
func (s *server) cached(h http.Header) {
	if s.private {
		h["Cache-Control"] = []string{"private, no-cache"}
		return
	}
	h["Cache-Control"] = []string{"no-cache"}
}

// varies reports whether what is answered depends on who asks.
func (s *server) varies() bool { return s.private || s.full != nil }
