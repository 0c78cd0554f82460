package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// soakClients is how many ask at a time, soakLoad what part of the store each load brings, soakTurns how often quiet and
// loads take turns, so that other work on the machine meets both. Whoever does not come to run for
// stillFor was stopped from outside, as a machine that is suspended is: answers under way then, or in the moment after, say nothing of the server.
const (
	soakClients = 4
	soakLoad    = 20
	soakTurns   = 5
	stillFor    = 3 * time.Second
)

// soak asks the built program a mixed load for some minutes: a fifth of the time in quiet, the rest beside loads and undos that
// follow each other, in turns. It prints errors, times and the memory of the server every ten seconds, and fails if there was an error.
// The store is a file, or a database with two standbys that the server reads from.
func soak(program string, rows int, minutes float64, on string) (err error) {
	dir, err := os.MkdirTemp("", "sarhad-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, more := filepath.Join(dir, "soak.gpkg"), filepath.Join(dir, "more.csv")
	run := func(args ...string) error {
		out, err := exec.Command(program, args...).CombinedOutput() //nolint:noctx // ends by itself
		if err != nil {
			return fmt.Errorf("sarhad %s: %w: %s", args[0], err, out)
		}
		return nil
	}
	var replicas []string
	if on == "database" {
		servers, stop, err := startServers(2, nil)
		defer stop()
		if err != nil {
			return err
		}
		store = servers[0].URI()
		replicas = []string{"--index-dir", dir, "--read-store", servers[1].URI(), "--read-store", servers[2].URI()}
	} else if on != "file" {
		return fmt.Errorf("-on takes file or database, not %q", on)
	}
	first := filepath.Join(dir, "first.csv")
	if err := errors.Join(generate(first, rows, 1), generate(more, max(1000, rows/soakLoad), 2)); err != nil {
		return err
	}
	if err := run("import", "--store", store, "-q", "--dataset", "first", first); err != nil {
		return err
	}
	s := &soaked{errs: map[string]int{}}
	if err := s.start(program, store, replicas...); err != nil {
		return err
	}
	defer s.stop()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var clients sync.WaitGroup
	clients.Go(func() { s.watch(ctx) })
	for i := range soakClients {
		clients.Go(func() { s.client(ctx, rand.New(rand.NewPCG(uint64(i), 7))) })
	}
	all := time.Duration(minutes * float64(time.Minute))
	fmt.Printf("soak on a %s: %d incidents, %d clients, %v, a fifth of it quiet\n", on, rows, soakClients, all)
	var quiet, busy phased
	loads := 0
	for range soakTurns {
		s.phase("quiet", all/5/soakTurns, &quiet)
		stopLoads, loaded := make(chan struct{}), make(chan error, 1)
		go func() {
			for {
				err := run("import", "--store", store, "-q", "--dataset", "more", more)
				if err == nil {
					loads++
					err = run("undo", "--store", store, fmt.Sprint(loads+1))
				}
				select {
				case <-stopLoads:
				default:
					if err == nil {
						continue
					}
				}
				loaded <- err
				return
			}
		}()
		s.phase("loading", (all-all/5)/soakTurns, &busy)
		close(stopLoads)
		if err = <-loaded; err != nil {
			break
		}
		s.forget() // what was asked while the last load ended
	}
	stop()
	clients.Wait()
	failed := s.failed.Load()
	fmt.Printf("p50 beside %d loads and undos: %.2f times the quiet one; p99 %.2f, wanted at most 3; %d errors\n", loads, busy.at(.5)/quiet.at(.5), busy.at(.99)/quiet.at(.99), failed)
	for name, p := range map[string]*phased{"quiet": &quiet, "loading": &busy} {
		fmt.Printf("%s: %d answers, p50 %.2f ms, p99 %.2f ms\n", name, len(p.took), p.at(.5), p.at(.99))
	}
	third := len(busy.memory) / 3
	if third > 0 {
		fmt.Printf("RssAnon: quiet %.0f MB; beside loads in the first third %.0f MB, in the last %.0f MB (medians), at most %.0f MB\n", median(quiet.memory),
			median(busy.memory[:third]), median(busy.memory[len(busy.memory)-third:]), slices.Max(busy.memory))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for what, n := range s.errs {
		err = errors.Join(err, fmt.Errorf("%d times: %s", n, what))
	}
	return err
}

// soaked is the server and what came of asking it.
type soaked struct {
	cmd    *exec.Cmd
	base   string
	failed atomic.Int64

	mu   sync.Mutex
	took []float64 // milliseconds since the last look
	errs map[string]int

	stoppedAt  time.Time     // the end of the last stop, and the moment after it
	stoppedFor time.Duration // all stops
}

// watch notices when this program was stopped.
func (s *soaked) watch(ctx context.Context) {
	for last := time.Now(); ctx.Err() == nil; {
		time.Sleep(stillFor / 30)
		now := time.Now()
		if gap := now.Sub(last); gap > stillFor {
			fmt.Printf("%s stopped from outside for %.0f s\n", now.Format(time.TimeOnly), gap.Seconds())
			s.mu.Lock()
			s.stoppedAt = now.Add(time.Second)
			s.stoppedFor += gap
			s.mu.Unlock()
		}
		last = now
	}
}

func (s *soaked) stopped() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stoppedFor
}

var servesAt = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

func (s *soaked) start(program, store string, options ...string) error {
	args := append([]string{"serve", "--store", store, "--no-demo", "--listen", "127.0.0.1:0"}, options...)
	s.cmd = exec.Command(program, args...) //nolint:noctx // stop ends it
	said, err := s.cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(said)
	for s.base == "" && lines.Scan() {
		s.base = servesAt.FindString(lines.Text())
	}
	go func() {
		for lines.Scan() { // faults and warnings
			fmt.Println("server:", lines.Text())
		}
	}()
	for range 6000 {
		if resp, err := http.Get(s.base + "/readyz"); err == nil { //nolint:noctx // on loopback
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("the server does not get ready")
}

func (s *soaked) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
}

// memory is what the server has for itself, in MB.
func (s *soaked) memory() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "RssAnon:")
	var kb float64
	_, _ = fmt.Sscan(rest, &kb)
	return kb / 1024
}

// phased is what came of the turns of one kind: times in milliseconds, and the memory of the server in MB at each look.
type phased struct{ took, memory []float64 }

// at is the time within which a share of the answers came.
func (p *phased) at(share float64) float64 {
	if len(p.took) == 0 {
		return math.NaN()
	}
	slices.Sort(p.took)
	return p.took[int(share*float64(len(p.took)))]
}

// forget gives the times that were not looked at yet.
func (s *soaked) forget() []float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	took := s.took
	s.took = nil
	return took
}

// phase waits and prints a line every ten seconds, or five for a short one.
func (s *soaked) phase(name string, d time.Duration, p *phased) {
	step := min(10*time.Second, d/5)
	before := s.stopped()
	for began := time.Now(); time.Since(began)-s.stopped()+before < d; {
		time.Sleep(step)
		took := s.forget()
		slices.Sort(took)
		p.took = append(p.took, took...)
		if len(took) > 0 {
			p.memory = append(p.memory, s.memory())
			fmt.Printf("%s %-8s %6.0f s  %7d answers  p50 %7.2f ms  p99 %7.2f ms  max %7.0f ms  %d errors  RssAnon %.0f MB\n", time.Now().Format(time.TimeOnly), name,
				time.Since(began).Seconds(), len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1], s.failed.Load(), p.memory[len(p.memory)-1])
		}
	}
}

// client asks one thing after another until its context ends.
func (s *soaked) client(ctx context.Context, rng *rand.Rand) {
	for ctx.Err() == nil {
		path := mixed(rng)
		began := time.Now()
		err := s.ask(ctx, path)
		took := float64(time.Since(began).Microseconds()) / 1000
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > stillFor {
			time.Sleep(stillFor / 10) // the watch may see later than this that all was stopped
		}
		s.mu.Lock()
		if began.Before(s.stoppedAt) {
			s.mu.Unlock()
			continue
		}
		s.took = append(s.took, took)
		if err != nil {
			s.failed.Add(1)
			fmt.Printf("%s after %.0f ms: %s: %v\n", time.Now().Format(time.TimeOnly), took, path, err)
			s.errs[err.Error()]++
		}
		s.mu.Unlock()
	}
}

func (s *soaked) ask(ctx context.Context, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path, nil)
	if err != nil {
		return err
	}
	route, _, _ := strings.Cut(path, "?")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", route, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return fmt.Errorf("%s: %w", route, err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent { // an empty tile
		return fmt.Errorf("%s: %s", route, resp.Status)
	}
	return nil
}

// mixed gives an address as the page, QGIS and scripts ask for them, most often small ones.
func mixed(rng *rand.Rand) string {
	day := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(8000))
	days := "datetime=" + day.Format(time.DateOnly) + "/" + day.AddDate(0, 0, 30).Format(time.DateOnly)
	lon, lat := 66+5*rng.Float64(), 30+4*rng.Float64()
	box := fmt.Sprintf("bbox=%.3f,%.3f,%.3f,%.3f", lon, lat, lon+1, lat+1)
	unit := []string{"pk-kp-kurram", "pk-kp-khyber", "pk-ba-quetta", "pk-kp-peshawar"}[rng.IntN(4)]
	switch n := rng.IntN(100); {
	case n < 35:
		return "/collections/incidents/items?limit=1000&" + box + "&" + days
	case n < 60:
		return fmt.Sprintf("/collections/incidents/tiles/WebMercatorQuad/7/%d/%d?%s", 49+rng.IntN(5), 86+rng.IntN(5), days)
	case n < 70:
		return "/aggregates?by=month&" + box
	case n < 80:
		return "/aggregates?by=unit,event_type&" + days
	case n < 85:
		return "/collections/incidents/items?limit=100&sortby=-start_date&q=" + url.QueryEscape([]string{"road", "border", "post"}[rng.IntN(3)]) + "&" + days
	case n < 90:
		return "/collections/incidents/columns?" + days
	case n < 94:
		return "/collections/incidents/items?f=csv&unit=" + unit + "&" + days
	case n < 97:
		return "/geocode?q=Torkham"
	default:
		return "/datasets"
	}
}
