package api

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// requestIDHeader carries what tells a request from others in the log.
const requestIDHeader = "X-Request-Id"

var goodRequestID = regexp.MustCompile(`^[0-9A-Za-z._-]{1,64}$`)

// newRequestID makes an id of 16 hexadecimal digits. Nothing is protected by it.
func newRequestID() string { return fmt.Sprintf("%016x", rand.Uint64()) }

// requestID takes the id that a client or a proxy gave, if it is well-formed, else a new one.
func (s *server) requestID(r *http.Request) string {
	if given := r.Header[requestIDHeader]; len(given) == 1 && goodRequestID.MatchString(given[0]) {
		return given[0]
	}
	return s.RequestID()
}

// Why requests are refused, as the metric says it.
const (
	refusedRate   = "rate"
	refusedCostly = "costly"

	refusedConnections = "connections"
)

// metrics counts what is answered; nil counts nothing. Routes are counted by their templates, so that neither ids nor
// anything else that a client writes is in a label.
type metrics struct {
	routes   map[string]routeMetrics // by the path as echo writes it; "" for what is no route
	inFlight prometheus.Gauge
	panics   prometheus.Counter
	refused  *prometheus.CounterVec
}

type routeMetrics struct {
	classes [6]prometheus.Counter // by the first digit of the status
	took    prometheus.Observer
	bytes   prometheus.Counter
}

// noRoute is the label of requests for addresses that do not exist.
const noRoute = "none"

func newMetrics(reg prometheus.Registerer, routes []route) (*metrics, error) {
	if reg == nil {
		return nil, nil //nolint:nilnil // none is wanted
	}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sarhad_http_requests_total", Help: "Requests answered, by route and class of the status."}, []string{"route", "class"})
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sarhad_http_request_seconds", Help: "Time from the head of a request to the end of its answer.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route"})
	sent := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sarhad_http_response_bytes_total", Help: "Bytes of answers before compression."}, []string{"route"})
	m := &metrics{
		routes:   map[string]routeMetrics{},
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sarhad_http_requests_in_flight", Help: "Requests being answered."}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "sarhad_http_panics_total", Help: "Panics that were answered with 500."}),
		refused:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sarhad_http_refused_total", Help: "Requests refused by a limit: rate (429), costly (503), connections (503, of all that there may be each is being answered)."}, []string{"why"}),
	}
	for _, c := range []prometheus.Collector{requests, took, sent, m.inFlight, m.panics, m.refused} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("api: register metrics: %w", err)
		}
	}
	add := func(path, label string) {
		r := routeMetrics{took: took.WithLabelValues(label), bytes: sent.WithLabelValues(label)}
		for class := range r.classes {
			if class > 0 {
				r.classes[class] = requests.WithLabelValues(label, fmt.Sprintf("%dxx", class))
			}
		}
		m.routes[path] = r
	}
	add("", noRoute)
	for _, r := range routes {
		if _, ok := m.routes[r.path]; !ok {
			add(r.path, r.template())
		}
	}
	for _, why := range []string{refusedRate, refusedCostly, refusedConnections} {
		m.refused.WithLabelValues(why)
	}
	return m, nil
}

func (m *metrics) refuse(why string) {
	if m != nil {
		m.refused.WithLabelValues(why).Inc()
	}
}

func (m *metrics) panicked() {
	if m != nil {
		m.panics.Inc()
	}
}

// begin counts a request that is being answered; end counts its answer.
func (m *metrics) begin() {
	if m != nil {
		m.inFlight.Inc()
	}
}

func (m *metrics) end(path string, status int, bytes int64, took time.Duration) {
	if m == nil {
		return
	}
	m.inFlight.Dec()
	r, ok := m.routes[path]
	if !ok {
		r = m.routes[""]
	}
	if class := status / 100; class > 0 && class < len(r.classes) {
		r.classes[class].Inc()
	}
	r.took.Observe(took.Seconds())
	r.bytes.Add(float64(bytes))
}

// observe counts a request and writes it into the access log: neither an address nor anything of the query is in it.
// The function that it returns is called when the answer is done.
func (s *server) observe(c echo.Context) (done func()) {
	if s.metrics == nil && !s.AccessLog {
		return func() {}
	}
	began := s.Now()
	s.metrics.begin()
	return func() {
		res, took := c.Response(), s.Now().Sub(began)
		s.metrics.end(c.Path(), res.Status, res.Size, took)
		if !s.AccessLog {
			return
		}
		route := noRoute
		if _, ok := s.methods[c.Path()]; ok {
			route = templateOf(c.Path())
		}
		s.log.LogAttrs(c.Request().Context(), slog.LevelInfo, "request", slog.String("request", requestIDOf(c)), slog.String("method", knownMethod(c.Request().Method)),
			slog.String("route", route), slog.Int("status", res.Status), slog.Int64("bytes", res.Size), slog.Float64("seconds", took.Seconds()))
	}
}

func requestIDOf(c echo.Context) string { return c.Response().Header().Get(requestIDHeader) }

// knownMethod keeps what a client may make up out of the log.
func knownMethod(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodOptions, http.MethodPut, http.MethodPatch:
		return m
	}
	return "other"
}
