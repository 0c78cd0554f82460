package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"
	"github.com/prometheus/client_golang/prometheus"

	"sarhad/geo"
	"sarhad/incident"
)

// The values of BorderLine.Detail.
const (
	DetailCoarse = "coarse"
	DetailFine   = "fine"
)

// BorderLine is the border at one level of detail.
type BorderLine struct {
	// Detail is DetailCoarse or DetailFine, and the id of the feature.
	Detail string
	// Line is the line in lon, lat, CRS84.
	Line orb.LineString
	// Name is for readers; Source names the origin and its version.
	Name, Source string
}

// BaseLayer is a raster base layer that the page may show below the boundaries.
type BaseLayer struct {
	// URL is the template of a tile with {z}, {x}, {y} and perhaps {s}, http or https.
	URL string
	// Attribution is the line that its terms ask for.
	Attribution string
}

// Config is what the interface is made of. Only Reader is needed.
type Config struct {
	// Reader answers every question about incidents that everybody may ask.
	Reader incident.Reader
	// Full answers those who show a token with [incident.ScopeRead]; nil is Reader.
	Full incident.Reader
	// Tokens knows the tokens; nil if there are none but WriteToken.
	Tokens incident.TokenKeeper
	// Closed names collections that only they see who show a token with [incident.ScopeRead]; see [ClosableLayers].
	Closed []string
	// Units, Border, Crossings and Periods are the places and times that stand beside the incidents.
	Units     []geo.Unit
	Border    []BorderLine
	Crossings []geo.Crossing
	Periods   []incident.Period
	// Geocoder gives what places names and points at the moment: names learned from the incidents are exchanged while the
	// server runs. It is called for each request and must not give nil. Without it the routes that need one do not exist.
	Geocoder func() *geo.Geocoder
	// Attribution names the origin of the boundaries, PlacesAttribution that of the names of places, BorderNote says what
	// the boundaries do not imply.
	Attribution, PlacesAttribution, BorderNote string
	// Exports are the formats in which the incidents of a filter are given out as a whole.
	Exports []ExportFormat
	// Page is the built page: index.html and assets/. Nil means that there is none.
	Page fs.FS
	// BaseLayer is nil for none, so that the page asks nobody but this server.
	BaseLayer *BaseLayer
	// PublicURL is how clients reach the server, for example
	// "https://example.org/sarhad"; "" takes scheme and host from each request.
	// Headers of a proxy are not believed.
	PublicURL string
	// Version is that of the build; it goes into every ETag, so that an upgrade
	// ends what clients have kept.
	Version string
	// StoreID tells this store from another that may be served at the same
	// address later; it goes into every ETag. "" is allowed.
	StoreID string
	// Logger gets faults and panics, and with AccessLog every request, with its id and route but neither the address of
	// the client nor its query. Nil is silent.
	Logger    *slog.Logger
	AccessLog bool
	// RequestID makes the id of a request that brings none; nil makes 16 random digits.
	RequestID func() string
	// Metrics gets what is counted of requests; nil counts nothing.
	Metrics prometheus.Registerer
	// Limits are those of clients; a field that is 0 has its default.
	Limits Limits
	// Now is the clock that requests are timed with; nil is time.Now.
	Now func() time.Time
	// Loader takes files over HTTP; nil if it is not to be done. WriteToken is
	// a token with [incident.ScopeWrite]; with "" and without Tokens all of /imports is refused.
	Loader     incident.Loader
	WriteToken string
	// Closing is closed when the server is about to stop, so that streams without an end of their own end. Nil is never.
	Closing <-chan struct{}
	// Written gives the change number of the store that is written to, which what answers may reach only later; nil asks Reader.
	Written func(context.Context) (int64, error)
	// Ready says whether the server can answer; nil asks the store for its change number.
	Ready func(context.Context) error
}

type server struct {
	Config
	log            *slog.Logger
	places         *places
	unitIDs        []string
	provinces      []string
	itemFormats    []format // of incidents
	collections    []*collection
	byID           map[string]*collection
	columns        columnSpec
	tiles          func() *tiles
	page           *page
	csp            string
	openapi        []byte
	routes         []route
	methods        map[string][]string // what each path of routes answers
	tokenHash      [sha256.Size]byte
	private        bool         // answers holders of a token
	full           http.Handler // answers them in place of this one; nil if they see the same
	prefix         string       // the path of PublicURL without a slash at the end, "" for none
	limits         Limits
	buckets        *buckets
	answerTurns    *turns // of costly answers
	exportTurns    *turns
	metrics        *metrics
	changePatience time.Duration // how long a request waits for a change
	patience       time.Duration // in which leastBodyRate bytes a second of an upload have to come
	heartbeat      time.Duration // how often a silent stream of events says that it lives
	snapshots      snapshots
	counts         countCache
	columnCache    columnCache
}

// New makes the handler of all routes. It fails for a configuration that cannot work.
func New(c Config) (http.Handler, error) {
	s, err := newServer(c)
	if err != nil {
		return nil, err
	}
	if c.Full != nil || len(c.Closed) > 0 {
		full := sync.OnceValues(func() (http.Handler, error) { return s.newFull(c) }) // few servers ever see a token
		s.full = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h, err := full()
			if err != nil { // of a configuration that was good enough before
				s.log.Error("what holders of tokens see could not be prepared", "error", err)
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	h, err := s.handler()
	if err != nil {
		return nil, err
	}
	return &counted{h, s.metrics}, nil
}

// newFull makes the handler for those who may see everything. It shares the
// limits and no cache with that for everybody, and its answers have other ETags.
func (s *server) newFull(c Config) (http.Handler, error) {
	if c.Full != nil {
		c.Reader = c.Full
	}
	c.Closed, c.Metrics = nil, nil
	c.StoreID += " full"
	full, err := newServer(c)
	if err != nil {
		return nil, err
	}
	full.private = true
	full.buckets, full.answerTurns, full.exportTurns, full.metrics = s.buckets, s.answerTurns, s.exportTurns, s.metrics
	return full.handler()
}

func newServer(c Config) (*server, error) {
	if c.Reader == nil {
		return nil, errors.New("api: there is no Reader")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	prefix := ""
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return nil, fmt.Errorf("api: public URL %q is not an http or https address", c.PublicURL)
		}
		c.PublicURL = strings.TrimRight(c.PublicURL, "/")
		prefix = strings.TrimRight(u.Path, "/")
	}
	s := &server{Config: c, log: c.Logger, byID: map[string]*collection{}, columnCache: columnCache{turn: make(chan struct{}, 1)},
		tokenHash: sha256.Sum256([]byte(c.WriteToken)), heartbeat: heartbeatEvery, prefix: prefix}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.RequestID == nil {
		s.RequestID = newRequestID
	}
	s.limits = c.Limits.withDefaults()
	s.changePatience = atLeastWait
	s.patience = s.limits.ReadTimeout
	s.buckets = newBuckets(s.limits.Rate)
	s.answerTurns, s.exportTurns = newTurns(s.limits.Costly, "costly answers"), newTurns(exportsPerCostly*s.limits.Costly, "exports")
	for _, layer := range c.Closed {
		if !slices.Contains(ClosableLayers, layer) {
			return nil, fmt.Errorf("api: there is no layer %q to close; there is: %s", layer, listed(ClosableLayers))
		}
	}
	var subunits []geo.Subunit
	var formers []geo.Former
	if c.Geocoder != nil {
		g := c.Geocoder() // names come and go, units do not
		subunits, formers = g.Subunits(), g.Formers()
	}
	// A place or the nearest crossing of an incident tells of other layers.
	s.places = newPlaces(open(s, unitsID, c.Units), open(s, unitsID, subunits), open(s, "border", c.Border), open(s, "crossings", c.Crossings))
	s.unitIDs, s.provinces = unitNames(c.Units)
	if err := checkExports(c.Exports); err != nil {
		return nil, err
	}
	s.itemFormats = itemFormats(c.Exports)
	s.columns = newColumnSpec(c.Units, formers)
	s.tiles = sync.OnceValue(func() *tiles { return newTiles(s) })
	for _, col := range []*collection{incidentCollection(), unitCollection(c.Units, c.Geocoder), borderCollection(c.Border),
		crossingCollection(c.Crossings), periodCollection(c.Periods)} {
		if !slices.Contains(c.Closed, col.id) {
			s.collections = append(s.collections, col)
		}
		s.byID[col.id] = col
	}
	var err error
	if s.csp, err = contentSecurityPolicy(c.BaseLayer); err != nil {
		return nil, err
	}
	if c.Page != nil {
		if s.page, err = newPage(c.Page); err != nil {
			return nil, err
		}
	}
	if s.openapi, err = s.openapiDocument(); err != nil {
		return nil, err
	}
	s.routes = s.routeTable()
	s.methods = methods(s.routes)
	if s.metrics, err = newMetrics(c.Metrics, s.routes); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *server) handler() (http.Handler, error) {
	e := echo.New()
	e.HTTPErrorHandler = s.fail
	e.Use(s.around)
	described := map[string]bool{}
	for _, r := range s.routes {
		e.Add(r.method, r.path, r.handle)
		if r.method == http.MethodGet {
			e.HEAD(r.path, r.handle)
		}
		if described[r.path] {
			continue
		}
		described[r.path] = true
		allow := strings.Join(s.methods[r.path], ", ")
		e.OPTIONS(r.path, func(c echo.Context) error {
			h := c.Response().Header()
			h.Set("Allow", allow)
			if r.data {
				h.Set("Access-Control-Allow-Methods", allow)
				headers := "Accept, If-None-Match, " + atLeastHeader
				if s.varies() {
					headers += ", Authorization"
				}
				h.Set("Access-Control-Allow-Headers", headers)
				h.Set("Access-Control-Max-Age", "86400")
			}
			return c.NoContent(http.StatusNoContent)
		})
	}
	wrap, err := gzhttp.NewWrapper(
		gzhttp.ContentTypeFilter(compressible),
		gzhttp.SuffixETag(gzipSuffix),
		// To compress costs more than to answer. On pages of features and on large counts
		// level 2 takes half the time of 5 for a tenth more bytes.
		gzhttp.CompressionLevel(2),
	)
	if err != nil {
		return nil, fmt.Errorf("api: set up compression: %w", err)
	}
	compressed := wrap(e)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.prefix != "" && r.URL.Path == s.prefix { // the page names its parts from the folder that it is in
			http.Redirect(w, r, s.PublicURL+"/", http.StatusPermanentRedirect)
			return
		}
		// Else it is known already. Probes are the same for all, and need no database to know who asks.
		if !s.private && !isProbe(s.withoutPrefix(r).URL.Path) {
			r = s.identified(r)
		}
		if who, _ := r.Context().Value(callerKey{}).(caller); s.full != nil && who.scope.Allows(incident.ScopeRead) {
			s.full.ServeHTTP(w, r)
			return
		}
		compressed.ServeHTTP(w, s.withoutPrefix(plainPath(r)))
		s.linger(w, r)
	}), nil
}

// compressible leaves out what is compressed already, and events, which are not to wait for one another.
func compressible(mediaType string) bool {
	return !strings.HasPrefix(mediaType, mediaEvents) && !strings.HasPrefix(mediaType, "image/") && !strings.HasPrefix(mediaType, "font/") || strings.HasPrefix(mediaType, "image/svg")
}

// around sets the headers that every answer has and catches panics.
func (s *server) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h["X-Content-Type-Options"] = []string{"nosniff"}
		h["Referrer-Policy"] = []string{"no-referrer"}
		if p := c.Request().URL.Path; !isPagePath(p) && !isImportsPath(p) {
			allowReading(h)
		}
		if s.varies() {
			h.Add("Vary", "Authorization")
		}
		h[requestIDHeader] = []string{s.requestID(c.Request())}
		defer s.observe(c)()
		if err := s.guarded(c, next); err != nil {
			c.Error(err) // now, so that it is known what was answered
		}
		return nil
	}
}

// guarded answers a request, unless its client asks too often, and makes errors of panics.
func (s *server) guarded(c echo.Context, next echo.HandlerFunc) (err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case http.ErrAbortHandler: //nolint:errorlint // net/http compares it like this
			panic(r)
		default:
			s.metrics.panicked()
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	if err := s.admit(c); err != nil {
		return err
	}
	if scheme := c.Request().URL.Scheme; scheme != "" && scheme != "http" && scheme != "https" { // a whole address, as proxies are asked for
		return &httpError{http.StatusBadRequest, "The address asked for is neither http nor https.", nil}
	}
	if err := s.admitted(c); err != nil {
		return err
	}
	if err := s.awaitChange(c); err != nil {
		return err
	}
	return next(c)
}

// exposedHeaders are those that programs in pages of other sites may read besides the ones that always can be.
var exposedHeaders = []string{"ETag, Link, Content-Crs, Content-Disposition, " + withheldHeader + ", Location, Retry-After, " + requestIDHeader + ", " + changeHeader}

// allowReading lets pages of any site read an answer.
func allowReading(h http.Header) {
	h["Access-Control-Allow-Origin"] = []string{"*"}
	h["Access-Control-Expose-Headers"] = exposedHeaders
}

// plainPath takes an address whose path has escapes that it does not need for the same without them, so that routes and
// ids are found however a client writes them. An escaped slash parts nothing: a path with one stays as it is.
func plainPath(r *http.Request) *http.Request {
	if raw := r.URL.RawPath; raw == "" || strings.Contains(strings.ToLower(raw), "%2f") {
		return r
	}
	plain, u := *r, *r.URL
	u.RawPath = ""
	plain.URL = &u
	return &plain
}

// withoutPrefix takes the path of PublicURL off a request: some proxies pass it on, others do not.
func (s *server) withoutPrefix(r *http.Request) *http.Request {
	rest, ok := strings.CutPrefix(r.URL.Path, s.prefix)
	if s.prefix == "" || !ok || !strings.HasPrefix(rest, "/") {
		return r
	}
	inner, u := *r, *r.URL
	u.Path = rest
	if raw, ok := strings.CutPrefix(u.RawPath, s.prefix); ok {
		u.RawPath = raw
	} else {
		u.RawPath = ""
	}
	inner.URL = &u
	return &inner
}

func isPagePath(p string) bool { return p == "/" || strings.HasPrefix(p, "/assets/") }

// base is the address that links begin with, without a slash at the end.
func (s *server) base(r *http.Request) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
