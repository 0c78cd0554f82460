package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"sarhad/api"
	"sarhad/data/bundle"
	"sarhad/data/ingest"
	"sarhad/data/publish"
	"sarhad/data/source"
	"sarhad/frontend"
	"sarhad/geo"
	"sarhad/incident"
)

type serveCmd struct {
	storeFlag
	placesFlag
	uploadFlag
	indexFlag
	limitFlag
	watchFlag
	readFlag
	publishFlag
	Closed          []string `help:"Layers that only holders of a token with the scope read see: incidents, units, border, crossings, periods; with commas between, or repeated." placeholder:"LAYER"`
	Listen          string   `help:"Address to listen on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	NoDemo          bool     `help:"Do not load the demo into a new store."`
	Synthetic       int      `help:"Add this many made-up incidents, labelled as synthetic everywhere." placeholder:"N"`
	TileURL         string   `help:"Raster base layer under the map, a URL with {z}, {x} and {y}; none unless given. Browsers then ask that host." placeholder:"URL"`
	TileAttribution string   `help:"Attribution of the base layer." placeholder:"TEXT"`
}

// Run implements the command.
func (c *serveCmd) Run(e *env) error {
	if c.Synthetic < 0 {
		fmt.Fprintln(e.stderr, "sarhad: --synthetic takes a number that is not negative")
		return exitError(exitUsage)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		fmt.Fprintf(e.stderr, "sarhad: --listen takes HOST:PORT, for example 127.0.0.1:8080: %v\n", err)
		return exitError(exitUsage)
	}
	for _, layer := range c.Closed {
		if !slices.Contains(api.ClosableLayers, layer) {
			fmt.Fprintf(e.stderr, "sarhad: --closed takes %s, not %q\n", strings.Join(api.ClosableLayers, ", "), layer)
			return exitError(exitUsage)
		}
	}
	if err := c.readRules(); err != nil {
		return usage(e, err)
	}
	if err := c.check(addressOf(c.Store)); err != nil {
		fmt.Fprintln(e.stderr, "sarhad:", err)
		return exitError(exitUsage)
	}
	limits, err := c.limits(c.Listen)
	if err = errors.Join(err, c.checkWatch()); err != nil {
		fmt.Fprintln(e.stderr, "sarhad:", err)
		return exitError(exitUsage)
	}
	e.log = c.logger(e.stderr, e.log)
	if os.Getenv("GOGC") == "" {
		// What lives long is little, what an answer takes is much: at the usual
		// setting the collector would run at every hundredth answer.
		debug.SetGCPercent(200)
	}
	// The address is taken first: a port in use should not cost a load.
	ln, err := (&net.ListenConfig{}).Listen(e.ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	defer ln.Close()
	metrics, err := c.listenMetrics(e.ctx)
	if err != nil {
		return err
	}
	defer metrics.close()
	known, err := c.read(e.stderr)
	if err != nil {
		return err
	}
	locator := ingest.NewLocator(known.geocoder, nil)
	st, err := known.open(e, addressOf(c.Store), false)
	if err != nil {
		return err
	}
	defer func() {
		if err := st.Close(); err != nil {
			e.log.Error("the store was not closed cleanly", "error", err)
		}
	}()
	if st.Created() && !c.NoDemo {
		if _, err := loadDemo(e.ctx, st, locator); err != nil {
			return err
		}
	}
	reader, endReading, err := c.openReader(e, st)
	if err != nil {
		return err
	}
	defer endReading()
	live := newLiveGeocoder(known.geocoder)
	// What is asked is answered from what everybody sees; the index is made of that too.
	view := c.view(reader, known)
	x := c.openIndex(view, addressOf(c.Store))
	if x != nil {
		view = x
	}
	taken, err := c.startUploads(e, st, view, known)
	if err != nil {
		return err
	}
	endUploads := func() {
		if err := taken.end(); err != nil {
			e.log.Error("the uploads were not closed cleanly", "error", err)
		}
	}
	defer endUploads()
	ready := &readiness{store: reader, index: x, closing: e.ctx.Done()}
	public := publish.New(view, time.Now)
	cfg, err := c.config(e, st, public, publish.NewWhole(view, reader), known, live, taken.loader())
	if err != nil {
		return err
	}
	cfg.Ready, cfg.Limits, cfg.Metrics = ready.check, limits, metrics.registerer()
	handler, err := api.New(cfg)
	if err != nil {
		return err
	}
	if metrics != nil {
		metrics.registry.MustRegister(newStoreMetrics(cfg.Reader, x, e.log))
		go metrics.serve(e.log) // close ends it
	}

	ctx, stop := context.WithCancel(e.ctx)
	var followed sync.WaitGroup
	if !slices.Contains(c.Closed, "incidents") { // what they teach would be seen at /geocode
		followed.Go(func() { live.follow(ctx, public, e.log, learnEvery) })
	}
	followed.Go(known.warmUp)
	if x != nil {
		followed.Go(func() { followStore(ctx, x, e.log, ready) })
	}
	defer func() { // the store must outlive what reads it
		stop()
		followed.Wait()
	}()
	loaded := make(chan error, 1)
	go func() { loaded <- c.loadSynthetic(ctx, e, st, locator) }()

	srv := api.NewServer(handler, limits)
	srv.ErrorLog = slog.NewLogLogger(e.log.Handler(), slog.LevelWarn)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	c.say(e, "Sarhad serves %s at http://%s (stop with Ctrl-C)", addressOf(c.Store), ln.Addr())
	if metrics != nil {
		c.say(e, "Metrics are at http://%s/metrics", metrics.ln.Addr())
	}
	if taken != nil {
		c.say(e, "Files of up to %d bytes are taken at /imports from those who show a token that allows it", c.MaxUpload)
	}

	for {
		select {
		case err := <-loaded:
			if err != nil && ctx.Err() == nil {
				e.log.Error("the synthetic incidents were not loaded", "error", err)
			}
			loaded = nil
		case err := <-served:
			if !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve: %w", err)
			}
			return nil
		case <-e.ctx.Done():
			time.Sleep(c.Drain) // it goes on answering, and says that it is not ready
			stop()
			grace, cancel := context.WithTimeout(context.Background(), stopGrace)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- srv.Shutdown(grace) }() // nothing new comes in from here on
			if loaded != nil {
				if err := <-loaded; err != nil && !errors.Is(err, context.Canceled) { // the store must outlive the load
					e.log.Error("the synthetic incidents were not loaded", "error", err)
				}
			}
			endUploads() // those who wait for one have their streams ended already
			if err := <-ended; err != nil {
				_ = srv.Close()
				return fmt.Errorf("stop the server: %w", err)
			}
			return nil
		}
	}
}

// stopGrace is how long running answers may take when the server stops.
const stopGrace = 30 * time.Second

// warmUp makes what the geocoder makes when it is first asked about a point, so that nobody waits for it. Geocoders that
// know more names share it.
func (p *places) warmUp() {
	if len(p.units) > 0 {
		p.geocoder.Reverse(p.units[0].Label, geo.NoDay)
	}
}

func (c *serveCmd) config(e *env, st store, public, whole incident.Reader, known *places, live *liveGeocoder, loader incident.Loader) (api.Config, error) {
	var none api.Config
	coarse, err := bundle.BorderCoarse()
	if err != nil {
		return none, fmt.Errorf("read the bundled border line: %w", err)
	}
	periods, err := bundle.Periods()
	if err != nil {
		return none, fmt.Errorf("read the bundled periods: %w", err)
	}
	id, err := identity(e.ctx, st)
	if err != nil {
		return none, err
	}
	cfg := api.Config{
		Reader: public, Full: whole, Units: known.units, Crossings: known.crossings, Periods: periods,
		Border: []api.BorderLine{
			{Detail: "coarse", Line: coarse, Name: bundle.BorderName, Source: bundle.BorderSource},
			{Detail: "fine", Line: known.line, Name: bundle.BorderName, Source: bundle.BorderSource},
		},
		Geocoder:    live.get,
		Exports:     exportFormats(known.crossings),
		Attribution: known.attribution, PlacesAttribution: known.names, BorderNote: bundle.BorderNote,
		Page: frontend.Dist(), PublicURL: c.PublicURL, Version: version, Logger: e.log, AccessLog: c.AccessLog, Now: time.Now,
		StoreID: id, Written: st.Change,
		Tokens: st, Closed: c.Closed,
		Loader: loader, WriteToken: c.WriteToken, Closing: e.ctx.Done(),
	}
	if c.TileURL != "" {
		cfg.BaseLayer = &api.BaseLayer{URL: c.TileURL, Attribution: c.TileAttribution}
	}
	return cfg, nil
}

// syntheticDataset is what the generated incidents belong to.
const syntheticDataset = "synthetic"

// loadSynthetic generates incidents and loads them as a file would be, unless
// the store holds just so many already.
func (c *serveCmd) loadSynthetic(ctx context.Context, e *env, st incident.Store, locator ingest.Locator) error {
	if c.Synthetic == 0 {
		return nil
	}
	sets, err := st.Datasets(ctx)
	if err != nil {
		return err
	}
	for _, d := range sets {
		if d.Name == syntheticDataset && d.Count == c.Synthetic {
			return nil
		}
	}
	pr, pw := io.Pipe()
	defer pr.Close() // ends the generator if the load stops early
	go func() { pw.CloseWithError(source.Generate(pw, c.Synthetic, 1)) }()
	src, err := source.Open(pr, source.Options{Format: "table", File: "synthetic.csv", Dataset: syntheticDataset})
	if err != nil {
		return err
	}
	report, err := ingest.Run(ctx, ingest.Options{
		Source: src, File: "synthetic.csv", Store: st, Locator: locator,
		Progress: ingest.NewPrinter(e.stderr, isTerminal(e.stderr), false).Print,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%d synthetic incidents are loaded; remove them with: sarhad datasets remove %s\n", report.New+report.Changed+report.Unchanged, syntheticDataset)
	return nil
}
