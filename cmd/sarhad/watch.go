package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sarhad/data/index"
	"sarhad/incident"
)

// watchFlag says how a server is seen from outside.
type watchFlag struct {
	PublicURL     string        `name:"public-url" help:"Address under which clients reach the server behind a proxy, with a path if it has one; links begin with it." placeholder:"URL"`
	MetricsListen string        `help:"Address of a listener of its own for /metrics; none unless given." placeholder:"HOST:PORT"`
	LogFormat     string        `help:"Form of the log on standard error: text or json." enum:"text,json" default:"text" placeholder:"FORMAT"`
	AccessLog     bool          `help:"Log every request: id, method, route, status, bytes and time, no address and no query."`
	Drain         time.Duration `help:"Time to go on answering, and be not ready, after a signal to stop, so that a load balancer sees it." default:"0s" placeholder:"TIME"`
}

// checkWatch refuses what cannot work.
func (f *watchFlag) checkWatch() error {
	if f.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(f.MetricsListen); err != nil {
			return fmt.Errorf("--metrics-listen takes HOST:PORT, for example 127.0.0.1:9090: %w", err)
		}
	}
	if f.PublicURL != "" {
		u, err := url.Parse(f.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return errors.New("--public-url takes an http or https address without a query, for example https://example.org/sarhad")
		}
	}
	if f.Drain < 0 {
		return errors.New("--drain takes a time that is not negative, for example 5s")
	}
	return nil
}

// logger writes the log in the form that is asked for.
func (f *watchFlag) logger(w io.Writer, otherwise *slog.Logger) *slog.Logger {
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return otherwise
}

// say tells who started the server something: in words, or as a line of the log where all lines are JSON.
func (f *watchFlag) say(e *env, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if f.LogFormat == "json" {
		e.log.Info(text)
		return
	}
	fmt.Fprintln(e.stderr, text)
}

// readiness says whether a server can answer as fast as it is meant to.
type readiness struct {
	store   incident.Reader
	index   *index.Index // nil if there is none
	indexed atomic.Bool  // whether it was ready once, or cannot be
	closing <-chan struct{}
}

// check is what /readyz asks. Once the index was ready, a time in which it is read again does not count: the store answers,
// and all replicas of a store read theirs at the same time.
func (r *readiness) check(ctx context.Context) error {
	select {
	case <-r.closing:
		return errors.New("the server is about to stop")
	default:
	}
	if h, ok := r.store.(interface{ Here() error }); ok { // a store that can go away
		if err := h.Here(); err != nil {
			return err
		}
	}
	if _, err := r.store.Change(ctx); err != nil {
		return fmt.Errorf("ask the store: %w", err)
	}
	if r.index != nil && !r.indexed.Load() {
		if !r.index.Ready() {
			return errors.New("the index is being read; the store answers meanwhile")
		}
		r.indexed.Store(true)
	}
	return nil
}

// state of the index, for its metric.
const (
	indexNone   = "none"
	indexReady  = "ready"
	indexMaking = "making"
)

// storeMetrics describes a store when it is asked.
type storeMetrics struct {
	store incident.Reader
	index *index.Index // nil if there is none
	log   *slog.Logger

	change, indexState, indexed, incidents, imports *prometheus.Desc
}

func newStoreMetrics(store incident.Reader, x *index.Index, log *slog.Logger) *storeMetrics {
	return &storeMetrics{store: store, index: x, log: log,
		change:     prometheus.NewDesc("sarhad_store_change", "Change number of the store; it grows with every committed change.", nil, nil),
		indexState: prometheus.NewDesc("sarhad_index_state", "1 for the state that the index is in: none, making, ready.", []string{"state"}, nil),
		indexed:    prometheus.NewDesc("sarhad_index_incidents", "Incidents in the index.", nil, nil),
		incidents:  prometheus.NewDesc("sarhad_store_incidents", "Incidents in the store, by dataset.", []string{"dataset"}, nil),
		imports:    prometheus.NewDesc("sarhad_imports", "Imports on record, by state.", []string{"state"}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (m *storeMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.change, m.indexState, m.indexed, m.incidents, m.imports} {
		out <- d
	}
}

// metricsTime bounds how long the store is asked for metrics.
const metricsTime = 5 * time.Second

// Collect implements [prometheus.Collector]. What the store cannot say is left out.
func (m *storeMetrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), metricsTime)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	state := indexNone
	if m.index != nil {
		state = indexMaking
		if m.index.Ready() {
			state = indexReady
		}
		n, _ := m.index.Size()
		gauge(m.indexed, float64(n))
	}
	for _, s := range []string{indexNone, indexMaking, indexReady} {
		v := 0.0
		if s == state {
			v = 1
		}
		gauge(m.indexState, v, s)
	}
	err := func() error {
		change, err := m.store.Change(ctx)
		if err != nil {
			return err
		}
		gauge(m.change, float64(change))
		sets, err := m.store.Datasets(ctx)
		if err != nil {
			return err
		}
		for i := range sets {
			gauge(m.incidents, float64(sets[i].Count), sets[i].Name)
		}
		imports, err := m.store.Imports(ctx, "")
		if err != nil {
			return err
		}
		count := map[string]int{string(incident.ImportRunning): 0}
		for i := range imports {
			count[string(imports[i].State)]++
		}
		for s, n := range count {
			gauge(m.imports, float64(n), s)
		}
		return nil
	}()
	if err != nil {
		m.log.Warn("the store could not be asked for metrics", "error", err)
	}
}

// metricsServer serves /metrics on an address of its own.
type metricsServer struct {
	registry *prometheus.Registry
	ln       net.Listener
	srv      *http.Server
}

// listenMetrics takes the address; nil if none is wanted.
func (f *watchFlag) listenMetrics(ctx context.Context) (*metricsServer, error) {
	if f.MetricsListen == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("listen on %s for metrics: %w", f.MetricsListen, err)
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "sarhad_build_info", Help: "Always 1; the version is its label.", ConstLabels: prometheus.Labels{"version": version}}, func() float64 { return 1 }))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 2 * metricsTime, ErrorHandling: promhttp.ContinueOnError}))
	return &metricsServer{reg, ln, &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10}}, nil
}

// registerer gives where others register theirs, nil if there is none.
func (m *metricsServer) registerer() prometheus.Registerer {
	if m == nil {
		return nil
	}
	return m.registry
}

// serve answers until close is called.
func (m *metricsServer) serve(log *slog.Logger) {
	if m == nil {
		return
	}
	m.srv.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	if err := m.srv.Serve(m.ln); !errors.Is(err, http.ErrServerClosed) {
		log.Error("the listener for metrics ended", "error", err)
	}
}

func (m *metricsServer) close() {
	if m != nil {
		_ = m.srv.Close()
		_ = m.ln.Close() // if it was never served
	}
}
