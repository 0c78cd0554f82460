package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

// problem is the body of an error answer (RFC 9457).
type problem struct {
	Type      string   `json:"type"`
	Title     string   `json:"title"`
	Status    int      `json:"status"`
	Detail    string   `json:"detail"`
	Instance  string   `json:"instance,omitempty"`
	Parameter string   `json:"parameter,omitempty"`
	Allowed   []string `json:"allowed,omitempty"`
}

const mediaProblem = "application/problem+json"

// statusClientGone is what a request that its client gave up is logged as; nobody reads the answer.
const statusClientGone = 499

// httpError is an error that only HTTP knows: a path, a method, a media type.
type httpError struct {
	status  int
	detail  string
	allowed []string
}

func (e *httpError) Error() string { return e.detail }

// wrongParameter is the error for a parameter whose value cannot be taken.
func wrongParameter(name string, allowed []string, format string, args ...any) error {
	e := incident.Errorf(incident.CodeInvalid, format, args...)
	e.Parameter, e.Allowed = name, allowed
	return e
}

// newProblem turns an error into what the client is told. Only the words of an
// [incident.Error] and of this package reach the client; the rest is for the log.
func newProblem(err error) problem {
	var (
		domain *incident.Error
		own    *httpError
		busy   *busyError
		ofEcho *echo.HTTPError
	)
	switch {
	case errors.As(err, &own):
		return plainProblem(own.status, own.detail, own.allowed)
	case errors.As(err, &busy):
		return plainProblem(busy.status, busy.detail, nil)
	case errors.As(err, &domain):
		p := problem{Detail: domain.Message, Parameter: domain.Parameter, Allowed: domain.Allowed}
		switch domain.Code {
		case incident.CodeNotFound:
			p.Status, p.Type, p.Title = http.StatusNotFound, "urn:sarhad:problem:not-found", "Not found"
		case incident.CodeInvalid:
			p.Status, p.Type, p.Title = http.StatusBadRequest, "urn:sarhad:problem:invalid", "The request is wrong"
			if p.Parameter != "" {
				p.Type, p.Title = "urn:sarhad:problem:invalid-parameter", "A parameter is wrong"
			}
		case incident.CodeConflict:
			p.Status, p.Type, p.Title = http.StatusConflict, "urn:sarhad:problem:conflict", "The request contradicts what is stored"
		case incident.CodeTooLarge:
			p.Status, p.Type, p.Title = http.StatusRequestEntityTooLarge, "urn:sarhad:problem:too-large", "Too large"
		case incident.CodeUnavailable:
			p.Status, p.Type, p.Title = http.StatusServiceUnavailable, "urn:sarhad:problem:unavailable", "The store cannot answer now"
		default:
			return internalProblem()
		}
		return p
	case errors.As(err, &ofEcho):
		switch ofEcho.Code {
		case http.StatusNotFound:
			return plainProblem(http.StatusNotFound, "There is nothing at this address; /api describes every route.", nil)
		case http.StatusMethodNotAllowed:
			return plainProblem(http.StatusMethodNotAllowed, "This address does not take the method.", nil)
		}
		if ofEcho.Code >= 400 && ofEcho.Code < 500 {
			return plainProblem(ofEcho.Code, http.StatusText(ofEcho.Code)+".", nil)
		}
	case errors.Is(err, context.Canceled):
		return plainProblem(statusClientGone, "The request was given up.", nil)
	case errors.Is(err, context.DeadlineExceeded):
		return plainProblem(http.StatusServiceUnavailable, "The answer took too long; ask for less.", nil)
	}
	return internalProblem()
}

func plainProblem(status int, detail string, allowed []string) problem {
	title := http.StatusText(status)
	if title == "" {
		title = "Error"
	}
	return problem{Type: "about:blank", Title: title, Status: status, Detail: detail, Allowed: allowed}
}

func internalProblem() problem {
	return plainProblem(http.StatusInternalServerError, "Sarhad failed to answer. The log of the server says why.", nil)
}

// fail writes an error as the answer, and logs it if it is a fault of ours.
// Once a part of the answer is out it can only break the connection, so that
// the client does not take the part for the whole.
func (s *server) fail(err error, c echo.Context) {
	var own *httpError // what is such was put into words here and is no fault
	var busy *busyError
	known := errors.As(err, &own) || errors.As(err, &busy)
	if gone := c.Request().Context().Err(); errors.Is(gone, context.Canceled) && !known {
		err = gone // whatever the store made of it, nobody is at fault
	}
	p := newProblem(err)
	h := c.Response().Header()
	if list := s.methods[c.Path()]; p.Status == http.StatusMethodNotAllowed && len(list) > 0 {
		last := len(list) - 1
		p.Detail = "This address takes only " + strings.Join(list[:last], ", ") + " and " + list[last] + "."
		p.Allowed = list
		h.Set("Allow", strings.Join(list, ", "))
	}
	if p.Status >= 500 && !known {
		level := slog.LevelError
		if c.Path() == readyPath { // asked every few seconds, and no fault
			level = slog.LevelInfo
		}
		s.log.Log(c.Request().Context(), level, "request failed", "request", requestIDOf(c), "method", c.Request().Method, "path", c.Request().URL.Path, "error", err)
	}
	if c.Response().Committed {
		panic(http.ErrAbortHandler) // net/http's own way to cut an answer short; it is not logged
	}
	p.Instance = s.prefix + c.Request().URL.RequestURI() // as others address it, whether a proxy passes on the path of PublicURL or not
	if isImportsPath(c.Request().URL.Path) {             // a token that was put into the query by mistake is not said again
		p.Instance = s.prefix + c.Request().URL.EscapedPath()
	}
	if len(p.Instance) > 500 {
		p.Instance = p.Instance[:500]
	}
	body, err := json.Marshal(p)
	if err != nil {
		s.log.Error("problem could not be encoded", "error", err)
	}
	h.Del("ETag")
	h.Del(withheldHeader)
	h.Set("Content-Type", mediaProblem)
	h.Set("Cache-Control", "no-store")
	switch {
	case busy != nil:
		s.metrics.refuse(busy.why())
		h.Set("Retry-After", retryAfter(busy.after))
	case p.Status == http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	if hasBody(c.Request()) {
		// What is left of the body is not waited for; see linger.
		h.Set("Connection", "close")
		h.Set("Content-Length", strconv.Itoa(len(body)+1))
		h.Set(gzhttp.HeaderNoCompression, "1")
	}
	allowWrite(c)
	c.Response().WriteHeader(p.Status)
	if c.Request().Method != http.MethodHead {
		_, _ = c.Response().Write(append(body, '\n')) // the client is gone if this fails
	}
}

// quoted shows a value of the client in a message, cut to a length worth reading.
func quoted(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func listed(allowed []string) string {
	if len(allowed) == 0 {
		return "nothing"
	}
	return strings.Join(allowed, ", ")
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// The limits of linger: how long and how many bytes are still taken in.
const (
	lingerTime  = 5 * time.Second
	lingerBytes = 64 << 20
)

// linger takes in for a while what a client goes on sending after it was
// refused. A connection that is closed with bytes unread is reset, and many
// clients then lose the answer that says why.
func (s *server) linger(w http.ResponseWriter, r *http.Request) {
	if !hasBody(r) || w.Header().Get("Connection") != "close" {
		return
	}
	rc := http.NewResponseController(w)
	if rc.Flush() != nil || rc.SetReadDeadline(time.Now().Add(min(lingerTime, s.patience))) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, lingerBytes) // whatever comes of it, the connection is closed
}
