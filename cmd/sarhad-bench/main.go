// Command sarhad-bench measures Sarhad against limits of the same machine in
// the same run: loading against bare prepared inserts, answers against a bare
// handler that holds ready-made features in memory, points in polygons against a plain loop. Only the
// ratios mean something; absolute figures move with the machine.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"sarhad/data/bundle"
	"sarhad/data/gpkg"
	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/geo"
	"sarhad/incident"
)

func main() {
	rows := flag.Int("rows", 1_000_000, "synthetic incidents")
	seconds := flag.Float64("seconds", 5, "seconds for each run of answers")
	rounds := flag.Int("rounds", 3, "rounds, the median ratio counts")
	only := flag.String("only", "", "run only load, answers, growth, whileloading, points, geocoding, database or replicas; the last three run only if they are named")
	sizes := flag.String("sizes", "100000,1000000", "stores of how many incidents growth compares; 10000000 takes long and 9 GB")
	keep := flag.String("keep", "", "make the stores of growth in this folder and use those that are there")
	verbose := flag.Bool("v", false, "list what geocoding got wrong")
	store := flag.String("store", "", "ask this store of generated incidents instead of loading one")
	profile := flag.String("cpuprofile", "", "write a CPU profile")
	child := flag.String("serve", "", "what a process that the program starts by itself serves")
	soaking := flag.String("soak", "", "ask this built program a mixed load beside loads for -minutes")
	minutes := flag.Float64("minutes", 30, "minutes for -soak")
	on := flag.String("on", "database", "what -soak keeps the incidents in: file, or database, a PostgreSQL with two standbys that it starts")
	flag.Parse()
	if *soaking != "" {
		if err := soak(*soaking, *rows, *minutes, *on); err != nil {
			fmt.Fprintln(os.Stderr, "sarhad-bench:", err)
			os.Exit(1)
		}
		return
	}
	if *child != "" {
		if err := serveChild(*child, *store, *rows); err != nil {
			fmt.Fprintln(os.Stderr, "sarhad-bench:", err)
			os.Exit(1)
		}
		return
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			fmt.Fprintln(os.Stderr, "sarhad-bench:", err)
			os.Exit(1)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			fmt.Fprintln(os.Stderr, "sarhad-bench:", err)
			os.Exit(1)
		}
		defer pprof.StopCPUProfile()
	}
	if *only == "geocoding" {
		if err := geocoding(*verbose); err != nil {
			fmt.Fprintln(os.Stderr, "sarhad-bench:", err)
			os.Exit(1)
		}
		return
	}
	if part := map[string]func(int, float64, int) error{"database": besidePgbench, "replicas": oneAndTwo}[*only]; part != nil {
		if err := part(*rows, *seconds, *rounds); err != nil {
			fmt.Fprintln(os.Stderr, "sarhad-bench:", err)
			os.Exit(1)
		}
		return
	}
	counts, err := sizesOf(*sizes)
	if err == nil {
		err = run(*rows, *seconds, *rounds, *only, *store, *keep, counts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sarhad-bench:", err)
		os.Exit(1)
	}
}

func run(rows int, seconds float64, rounds int, only, ready, keep string, sizes []int) error {
	dir, err := os.MkdirTemp("", "sarhad-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%d rows, %d rounds, %s, %d cores, %s\n", rows, rounds, runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly))
	world, err := newWorld()
	if err != nil {
		return err
	}
	if only == "" || only == "points" {
		points(world, rounds)
	}
	if only == "points" {
		return nil
	}
	if only == "" || only == "growth" {
		if keep == "" {
			keep = dir
		}
		if err := growth(world, keep, sizes, seconds, rounds); err != nil || only == "growth" {
			return err
		}
	}
	store := ready
	if store == "" {
		store = filepath.Join(dir, "bench.gpkg")
		file := filepath.Join(dir, "incidents.csv")
		if err := generate(file, rows, 1); err != nil {
			return err
		}
		if err := load(world, file, dir, store, rounds, only == "" || only == "load"); err != nil || only == "load" {
			return err
		}
	}
	if only == "" || only == "answers" {
		if err := answers(store, seconds, rounds); err != nil {
			return err
		}
	}
	if only == "" || only == "whileloading" {
		return whileLoading(world, store, dir, seconds)
	}
	return nil
}

func generate(file string, rows int, seed uint64) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(source.Generate(f, rows, seed), f.Close())
}

// world is the bundled places and what is built on them.
type world struct {
	units     []geo.Unit
	line      orb.LineString
	border    *geo.Border
	crossings []geo.Crossing
	index     *geo.Index
	locator   ingest.Locator
}

func newWorld() (*world, error) {
	units, err1 := bundle.Units()
	line, err2 := bundle.Border()
	crossings, err3 := bundle.Crossings()
	ambiguities, err4 := bundle.Ambiguities()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	index, err := geo.NewIndex(units)
	if err != nil {
		return nil, err
	}
	border, err := geo.NewBorder(line)
	if err != nil {
		return nil, err
	}
	geocoder, err := geo.NewGeocoder(geo.Sources{Index: index, Crossings: crossings, Ambiguities: ambiguities, Border: border})
	if err != nil {
		return nil, err
	}
	return &world{units, line, border, crossings, index, ingest.NewLocator(geocoder, nil)}, nil
}

func (w *world) open(path string) (*gpkg.Store, error) {
	return gpkg.Open(context.Background(), path, gpkg.Options{Units: w.units, Border: w.line, Crossings: w.crossings, Now: time.Now})
}

func report(what string, ours, limit []float64, unit, target string) {
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = ours[i] / limit[i]
	}
	fmt.Printf("%-34s ours %12.0f %-10s limit %12.0f  ratio %.2f (%.2f to %.2f)  wanted %s\n",
		what, median(ours), unit, median(limit), median(ratios), slices.Min(ratios), slices.Max(ratios), target)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// points compares the grid with the plain loop over boxes and rings.
func points(w *world, rounds int) {
	const n, naiveN = 6_000_000, 150_000
	rng := rand.New(rand.NewPCG(1, 2))
	at := make([]orb.Point, n)
	for i := range at {
		at[i] = orb.Point{60.5 + rng.Float64()*16.5, 24.5 + rng.Float64()*14}
	}
	bounds := make([]orb.Bound, len(w.units))
	for i, u := range w.units {
		bounds[i] = u.Geometry.Bound()
	}
	naive := func(p orb.Point) int {
		for i, b := range bounds {
			if b.Contains(p) && planar.MultiPolygonContains(w.units[i].Geometry, p) {
				return i
			}
		}
		return -1
	}
	var ours, limit []float64
	found := 0
	for range rounds {
		start := time.Now()
		for _, p := range at {
			if w.index.Locate(p) >= 0 {
				found++
			}
		}
		ours = append(ours, n/time.Since(start).Seconds())
		start = time.Now()
		for _, p := range at[:naiveN] {
			if naive(p) >= 0 {
				found++
			}
		}
		limit = append(limit, naiveN/time.Since(start).Seconds())
	}
	report("point in polygon, 1 core", ours, limit, "points/s", "3,000,000 points/s")
}

// load compares a whole import with bare prepared inserts of the same rows.
func load(w *world, file, dir, store string, rounds int, compare bool) error {
	if !compare {
		rounds = 1
	}
	var ours, limit []float64
	for i := range rounds {
		if compare {
			rate, err := bareInsert(file, filepath.Join(dir, "bare.db"))
			if err != nil {
				return fmt.Errorf("bare inserts: %w", err)
			}
			limit = append(limit, rate)
		}
		path := store
		if i > 0 {
			path = filepath.Join(dir, "again.gpkg")
		}
		start := time.Now()
		rep, err := w.ingest(path, file, "")
		if err != nil {
			return err
		}
		ours = append(ours, float64(rep.New)/time.Since(start).Seconds())
		for _, ext := range []string{"", "-wal", "-shm"} {
			if i > 0 {
				os.Remove(path + ext)
			}
			os.Remove(filepath.Join(dir, "bare.db"+ext))
		}
	}
	if compare {
		report("load, geocoded, indexed", ours, limit, "rows/s", "0.33")
	}
	return nil
}

// ingest loads a file as sarhad import does, into a dataset that is named after the layout if dataset is "".
func (w *world) ingest(store, file, dataset string) (rep ingest.Report, err error) {
	st, err := w.open(store)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	return w.ingestInto(st, file, dataset)
}

// ingestInto does the same with a store that is open.
func (w *world) ingestInto(st incident.Store, file, dataset string) (rep ingest.Report, err error) {
	f, err := os.Open(file)
	if err != nil {
		return rep, err
	}
	defer f.Close()
	src, err := source.Open(f, source.Options{Format: "auto", File: "incidents.csv", Dataset: dataset})
	if err != nil {
		return rep, err
	}
	return ingest.Run(context.Background(), ingest.Options{Source: src, File: "incidents.csv", Store: st, Locator: w.locator})
}

func bareInsert(file, path string) (float64, error) {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"pragma journal_mode=wal", "pragma synchronous=normal",
		"create table incidents(id integer primary key, event_date text, event_type text, actor text, fatalities int, latitude real, longitude real, notes text)"} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return 0, err
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	start := time.Now()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	st, err := tx.PrepareContext(ctx, "insert into incidents values(?,?,?,?,?,?,?,?)")
	if err != nil {
		return 0, err
	}
	defer st.Close()
	r := csv.NewReader(bufio.NewReaderSize(f, 1<<20))
	r.ReuseRecord = true
	if _, err := r.Read(); err != nil {
		return 0, err
	}
	n := 0
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		n++
		deaths, _ := strconv.ParseInt(rec[4], 10, 64)
		lat, _ := strconv.ParseFloat(rec[5], 64)
		lon, _ := strconv.ParseFloat(rec[6], 64)
		if _, err := st.ExecContext(ctx, n, rec[1], rec[2], rec[3], deaths, lat, lon, rec[7]); err != nil {
			return 0, err
		}
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func count(addr, path string) (int, error) {
	resp, err := http.Get((&url.URL{Scheme: "http", Host: addr}).String() + path) //nolint:noctx // a bench on loopback
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var fc struct{ Features []json.RawMessage }
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", path, resp.Status)
	}
	err = json.NewDecoder(resp.Body).Decode(&fc)
	return len(fc.Features), err
}

// pace is what came of asking for a while.
type pace struct {
	rate, bytes float64         // answers and bytes of bodies a second
	took        []time.Duration // of each answer, sorted
}

// at is the time within which a share of the answers came, in milliseconds.
func (p *pace) at(share float64) float64 {
	if len(p.took) == 0 {
		return math.NaN()
	}
	return p.took[min(int(share*float64(len(p.took))), len(p.took)-1)].Seconds() * 1000
}

// hammer asks for the paths over 16 kept connections for some seconds, or until
// done is closed if that is not nil. It writes requests by hand, since a full
// client would take more of the two cores than the servers.
func hammer(addr string, paths []string, seconds float64, done <-chan struct{}) (pace, error) {
	const connections = 16
	if done == nil {
		end := make(chan struct{})
		defer time.AfterFunc(time.Duration(seconds*float64(time.Second)), func() { close(end) }).Stop()
		done = end
	}
	var mu sync.Mutex
	var all pace
	var size int64
	var failed error
	var wg sync.WaitGroup
	start := time.Now()
	for c := range connections {
		wg.Go(func() {
			took, n, err := askOn(addr, paths, c*4, done)
			mu.Lock()
			defer mu.Unlock()
			all.took = append(all.took, took...)
			size += n
			if failed == nil {
				failed = err
			}
		})
	}
	wg.Wait()
	s := time.Since(start).Seconds()
	all.rate, all.bytes = float64(len(all.took))/s, float64(size)/s
	slices.Sort(all.took)
	return all, failed
}

// askOn asks on one connection for one path after the other until done is closed.
func askOn(addr string, paths []string, from int, done <-chan struct{}) (took []time.Duration, size int64, err error) {
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	r := bufio.NewReaderSize(conn, 64<<10)
	for i := from; ; i++ {
		select {
		case <-done:
			return took, size, nil
		default:
		}
		began := time.Now()
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", paths[i%len(paths)], addr); err != nil {
			return took, size, err
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return took, size, err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return took, size, err
		}
		if resp.StatusCode != http.StatusOK {
			return took, size, errors.New(resp.Status)
		}
		took = append(took, time.Since(began))
		size += n
	}
}
