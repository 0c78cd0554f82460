package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"sarhad/api"
	"sarhad/data/bundle"
	"sarhad/data/gpkg"
	"sarhad/data/index"
	"sarhad/data/postgis"
	"sarhad/incident"
)

// answers compares our server, as sarhad serve runs it, with the least that a
// server can do: features that were encoded when it started, sorted by day, and
// a handler that tests the box and copies. Each runs in a process of its own.
func answers(path string, seconds float64, rounds int) error {
	began := time.Now()
	ours, err := startChild("ours", path)
	if err != nil {
		return err
	}
	defer ours.stop()
	fmt.Printf("%-40s %.2f s until the first answer\n", "start, index made", time.Since(began).Seconds())
	if err := ours.settled(); err != nil {
		return err
	}
	ours.stop()
	began = time.Now()
	if ours, err = startChild("ours", path); err != nil {
		return err
	}
	defer ours.stop()
	fmt.Printf("%-40s %.2f s until the first answer (wanted 1), %s\n", "start, index there", time.Since(began).Seconds(), ours.memory())
	memory, err := startChild("memory", path)
	if err != nil {
		return err
	}
	defer memory.stop()

	windows, err := windowsOf(path)
	if err != nil {
		return err
	}
	const some = "&properties=start_date,event_type,actor1,fatalities_best,summary"
	for _, work := range []struct {
		name    string
		windows []window
		limit   int
	}{{"1 degree, 30 days", windows.small, 1000}, {"whole region, 7 days", windows.wide, 10_000}} {
		urls, chosen := make([]string, len(work.windows)), make([]string, len(work.windows))
		features := 0
		for i, v := range work.windows {
			urls[i] = v.url(work.limit)
			chosen[i] = urls[i] + some
			a, err := count(ours.addr, urls[i])
			if err != nil {
				return err
			}
			b, err := count(memory.addr, urls[i])
			if err != nil {
				return err
			}
			if a != b {
				return fmt.Errorf("%s: we give %d features, the bare handler %d", urls[i], a, b)
			}
			features += a
		}
		fmt.Printf("answers: %s, %d windows, %d features on average, 16 connections\n", work.name, len(urls), features/len(urls))
		servers := []struct {
			addr string
			urls []string
		}{{memory.addr, urls}, {ours.addr, urls}, {ours.addr, chosen}}
		paces := make([][]pace, len(servers))
		for range rounds {
			for i, m := range servers {
				p, err := hammer(m.addr, m.urls, seconds, nil)
				if err != nil {
					return err
				}
				paces[i] = append(paces[i], p)
			}
		}
		rate, size := func(p *pace) float64 { return p.rate }, func(p *pace) float64 { return p.bytes }
		compare("whole features", paces[1], paces[0], size, "bytes/s", "0.85")
		compare("whole features", paces[1], paces[0], rate, "answers/s", "-")
		compare("whole features, p50", paces[1], paces[0], func(p *pace) float64 { return 1000 * p.at(.5) }, "µs", "-")
		compare("whole features, p99", paces[1], paces[0], func(p *pace) float64 { return 1000 * p.at(.99) }, "µs", "at most 2")
		compare("the bare handler's properties", paces[2], paces[0], size, "bytes/s", "0.85")
		compare("the bare handler's properties", paces[2], paces[0], rate, "answers/s", "0.85")
		compare("the same, p50", paces[2], paces[0], func(p *pace) float64 { return 1000 * p.at(.5) }, "µs", "-")
		compare("the same, p99", paces[2], paces[0], func(p *pace) float64 { return 1000 * p.at(.99) }, "µs", "at most 2")
	}

	var tiles []string
	for _, t := range windows.tiles {
		tiles = append(tiles, fmt.Sprintf("/collections/incidents/tiles/WebMercatorQuad/7/%d/%d?datetime=%d-01-01/%d-12-31", t.y, t.x, t.year, t.year))
	}
	var rate, size []float64
	for range rounds {
		p, err := hammer(ours.addr, tiles, seconds, nil)
		if err != nil {
			return err
		}
		rate, size = append(rate, p.rate), append(size, p.bytes/p.rate)
	}
	fmt.Printf("%-40s %.0f tiles/s of %.0f kB (wanted 3,000)\n", "tiles z7, one year, unclustered", median(rate), median(size)/1000)

	for _, ask := range []struct{ name, url, want string }{
		{"one year by unit", "/aggregates?by=unit&datetime=%d-01-01/%[1]d-12-31", "0.5"},
		{"16 years by unit and month", "/aggregates?by=unit,month&datetime=%d-01-01/%d-12-31", "5"},
	} {
		var took, packed []float64
		for i := range 30 {
			year := windows.lastYear - i%5
			url := fmt.Sprintf(strings.Replace(ask.url, "%d-01-01/%d", "%[2]d-01-01/%[1]d", 1), year, year-15)
			if !strings.Contains(ask.url, "month") {
				url = fmt.Sprintf("/aggregates?by=unit&datetime=%d-01-01/%d-12-31", year, year)
			}
			for _, of := range []struct {
				client *http.Client
				to     *[]float64
			}{{plain, &took}, {http.DefaultClient, &packed}} {
				t, err := ours.askAs(of.client, url)
				if err != nil {
					return err
				}
				*of.to = append(*of.to, t.Seconds()*1000)
			}
		}
		fmt.Printf("%-40s %.2f ms (wanted %s), compressed %.2f ms\n", ask.name, median(took), ask.want, median(packed))
	}
	fmt.Printf("%-40s %s (wanted 200 MB)\n", "private memory after all this", ours.memory())
	return nil
}

type window struct {
	box      orb.Bound
	from, to incident.Day
}

// url asks for the incidents in a window.
func (w *window) url(limit int) string {
	return fmt.Sprintf("/collections/incidents/items?bbox=%g,%g,%g,%g&datetime=%s/%s&limit=%d", w.box.Min[0], w.box.Min[1], w.box.Max[0], w.box.Max[1], w.from, w.to, limit)
}

// compare reports one measure of runs beside the same of the limit.
func compare(what string, ours, limit []pace, of func(*pace) float64, unit, target string) {
	all := func(ps []pace) (v []float64) {
		for i := range ps {
			v = append(v, of(&ps[i]))
		}
		return v
	}
	report(what, all(ours), all(limit), unit, target)
}

type tileYear struct{ x, y, year int }

// fullest are the tiles of zoom 7 with most incidents, each with a year: 2008 for the first, and so on, 16 years in turn.
func fullest(ctx context.Context, st incident.Reader, n int) ([]tileYear, error) {
	const side = 1 << 7
	count := map[tileYear]int{}
	if err := incident.Rows(ctx, st, nil, func(r *incident.Row) bool {
		if r.HasPoint {
			y := (1 - math.Asinh(math.Tan(r.Point[1]*math.Pi/180))/math.Pi) / 2
			count[tileYear{x: int((r.Point[0] + 180) / 360 * side), y: int(y * side)}]++
		}
		return true
	}); err != nil {
		return nil, err
	}
	tiles := slices.SortedFunc(maps.Keys(count), func(a, b tileYear) int {
		return cmp.Or(count[b]-count[a], a.x-b.x, a.y-b.y)
	})
	tiles = tiles[:min(n, len(tiles))]
	for i := range tiles {
		tiles[i].year = 2008 + i%16
	}
	return tiles, nil
}

// works are the windows that are asked for: around incidents, so that none is empty.
type works struct {
	small, wide []window
	tiles       []tileYear
	lastYear    int
	all         int // incidents in the store
}

func windowsOf(path string) (works, error) {
	st, err := gpkg.Open(context.Background(), path, gpkg.Options{ReadOnly: true})
	if err != nil {
		return works{}, err
	}
	defer st.Close()
	w, err := smallAndWide(st)
	if err != nil {
		return w, err
	}
	w.tiles, err = fullest(context.Background(), st, 32)
	return w, err
}

// smallAndWide chooses windows in a store whose row numbers have no gaps.
func smallAndWide(st incident.Reader) (works, error) {
	var w works
	n, err := st.Count(context.Background(), nil)
	if err != nil {
		return w, err
	}
	w.all = n
	rng := rand.New(rand.NewPCG(7, 7))
	for len(w.small) < 64 {
		in, err := st.Incident(context.Background(), strconv.Itoa(1+rng.IntN(n)))
		if err != nil {
			return w, err
		}
		if !in.HasPoint {
			continue
		}
		year, _, _ := in.Start.Date()
		w.lastYear = max(w.lastYear, year)
		x, y := math.Trunc(in.Point[0]*100)/100, math.Trunc(in.Point[1]*100)/100
		w.small = append(w.small, window{orb.Bound{Min: orb.Point{x - .5, y - .5}, Max: orb.Point{x + .5, y + .5}}, in.Start - 15, in.Start + 14})
		if len(w.wide) < 16 {
			w.wide = append(w.wide, window{orb.Bound{Min: orb.Point{60, 24}, Max: orb.Point{78, 39}}, in.Start - 3, in.Start + 3})
		}
	}
	return w, nil
}

// child is a server in a process of its own.
type child struct {
	addr string
	cmd  *exec.Cmd
	in   io.WriteCloser
}

// startChild starts a server and waits for its first answer.
func startChild(what, store string) (*child, error) {
	c, err := newChild(what, store, 0)
	if err == nil && what == "ours" {
		_, err = c.ask("/collections/incidents/items?limit=1")
	}
	return c, err
}

// newChild starts the program once more and waits for its first line.
func newChild(what, store string, rows int) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, "-serve", what, "-store", store, "-rows", strconv.Itoa(rows))} //nolint:noctx // ends with its standard input
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", what, err)
	}
	c.addr = strings.TrimSpace(addr)
	return c, nil
}

func (c *child) stop() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}

// ask takes the time of one answer.
func (c *child) ask(path string) (time.Duration, error) { return c.askAs(plain, path) }

// plain asks for answers that are not compressed, as those of other servers were measured; [http.DefaultClient] asks for compressed ones.
var plain = &http.Client{Transport: &http.Transport{DisableCompression: true}}

func (c *child) askAs(client *http.Client, path string) (time.Duration, error) {
	began := time.Now()
	resp, err := client.Get("http://" + c.addr + path) //nolint:noctx // a bench on loopback
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return time.Since(began), err
}

// settled waits until the index is written.
func (c *child) settled() error {
	for range 6000 {
		if _, err := c.ask("/settled"); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("the index was not ready within ten minutes")
}

// memory is what the process has for itself alone.
func (c *child) memory() string {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.cmd.Process.Pid), "status"))
	if err != nil {
		return "private memory not known"
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return fmt.Sprintf("%d MB private", kb/1024)
		}
	}
	return "private memory not known"
}

// serveChild serves until its standard input ends.
func serveChild(what, path string, rows int) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var h http.Handler
	switch what {
	case "ours":
		debug.SetGCPercent(200) // as sarhad serve does
		w, err := newWorld()
		if err != nil {
			return err
		}
		st, err := w.open(path)
		if err != nil {
			return err
		}
		defer st.Close()
		x := index.New(st, index.Options{File: path + "-index"})
		done := make(chan struct{})
		go func() {
			defer close(done)
			x.Follow(ctx, func(err error) { fmt.Fprintln(os.Stderr, "sarhad-bench:", err) })
		}()
		defer func() { stop(); <-done }()
		handler, err := api.New(api.Config{Reader: x, Units: w.units, Attribution: bundle.Attribution, BorderNote: bundle.BorderNote, Version: "bench", Now: time.Now})
		if err != nil {
			return err
		}
		h = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/settled" && !x.Ready() {
				http.Error(rw, "not yet", http.StatusServiceUnavailable)
				return
			}
			if r.URL.Path == "/settled" {
				return
			}
			handler.ServeHTTP(rw, r)
		})
	case "load":
		return loadChild(path, rows)
	case "database":
		debug.SetGCPercent(200)
		st, err := postgis.Open(ctx, path, postgis.Options{ReadOnly: true})
		if err != nil {
			return err
		}
		defer st.Close()
		if h, err = storeHandler(st); err != nil {
			return err
		}
	case "replicas":
		debug.SetGCPercent(200)
		handler, end, err := replicaHandler(ctx, path)
		defer end()
		if err != nil {
			return err
		}
		h = handler
	case "memory":
		var err error
		if h, err = memoryHandler(ctx, path); err != nil {
			return err
		}
	default:
		return fmt.Errorf("there is nothing to serve called %q", what)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := api.NewServer(h, api.Limits{})
	go func() { _ = srv.Serve(ln) }()
	fmt.Println(ln.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return srv.Close()
}

// memoryHandler is the measure: short features, made at the start.
func memoryHandler(ctx context.Context, path string) (http.Handler, error) {
	st, err := gpkg.Open(ctx, path, gpkg.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	type row struct {
		day      incident.Day
		at       orb.Point
		from, to int
	}
	var rows []row
	var text []byte
	for in, err := range st.Incidents(ctx, incident.Query{Order: incident.ByStart}) {
		if err != nil {
			return nil, err
		}
		if !in.HasPoint {
			continue
		}
		quote := func(s string) {
			q, _ := json.Marshal(s)
			text = append(text, q...)
		}
		from := len(text)
		text = append(append(append(text, `{"type":"Feature","id":"`...), in.ID...), `","geometry":{"type":"Point","coordinates":[`...)
		text = strconv.AppendFloat(text, in.Point[0], 'f', -1, 64)
		text = strconv.AppendFloat(append(text, ','), in.Point[1], 'f', -1, 64)
		text = append(append(append(text, `]},"properties":{"start_date":"`...), in.Start.String()...), `","event_type":`...)
		quote(string(in.EventType))
		text = append(text, `,"actor1":`...)
		quote(in.Actor1)
		text = strconv.AppendInt(append(text, `,"fatalities_best":`...), int64(in.Best.N), 10)
		text = append(text, `,"summary":`...)
		quote(in.Summary)
		text = append(text, `}}`...)
		rows = append(rows, row{in.Start, in.Point, from, len(text)})
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		var box [4]float64
		for i, s := range strings.Split(q.Get("bbox"), ",") {
			box[i&3], _ = strconv.ParseFloat(s, 64)
		}
		first, last, _ := strings.Cut(q.Get("datetime"), "/")
		from, _ := incident.ParseDay(first)
		to, _ := incident.ParseDay(last)
		limit, _ := strconv.Atoi(q.Get("limit"))
		out := append(make([]byte, 0, 128<<10), `{"type":"FeatureCollection","features":[`...)
		i, _ := slices.BinarySearchFunc(rows, from, func(r row, d incident.Day) int { return int(r.day - d) })
		for n := 0; i < len(rows) && rows[i].day <= to && n < limit; i++ {
			if p := rows[i].at; p[0] >= box[0] && p[0] <= box[2] && p[1] >= box[1] && p[1] <= box[3] {
				if n > 0 {
					out = append(out, ',')
				}
				out = append(out, text[rows[i].from:rows[i].to]...)
				n++
			}
		}
		out = append(out, `]}`...)
		rw.Header().Set("Content-Type", "application/geo+json")
		rw.Header().Set("Content-Length", strconv.Itoa(len(out)))
		_, _ = rw.Write(out)
	}), nil
}
