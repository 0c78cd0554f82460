package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/incident"
)

// asking is how many connections ask at a time, those of [hammer].
const asking = 16

// besidePgbench compares answers that come out of a database, without the index beside it, with pgbench sending the very
// statements of the store for the same windows and throwing the rows away: first of the store alone, which makes incidents
// of the rows, then of the server, which makes GeoJSON of them.
func besidePgbench(rows int, seconds float64, rounds int) error {
	dir, err := os.MkdirTemp("", "sarhad-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pgbench, err := pgtest.Program("pgbench")
	if err != nil {
		return err
	}
	servers, stop, err := startServers(0, func(s *pgtest.Server) error { return fill(s, dir, rows) })
	defer stop()
	if err != nil {
		return err
	}
	st, err := postgis.Open(context.Background(), servers[0].URI(), postgis.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer st.Close()
	windows, err := smallAndWide(st)
	if err != nil {
		return err
	}
	ours, err := newChild("database", servers[0].URI(), 0)
	if err != nil {
		return err
	}
	defer ours.stop()
	fmt.Printf("%d incidents, %d connections, rounds of %g s in turn\n", rows, asking, seconds)
	for _, work := range []struct {
		name    string
		windows []window
		limit   int
	}{{"1 degree, 30 days", windows.small, 1000}, {"whole region, 7 days", windows.wide, 10_000}} {
		b := pgbenched{program: pgbench, dir: servers[0].Dir(), script: filepath.Join(dir, strconv.Itoa(work.limit)+".sql")}
		if err := b.write(work.windows, work.limit); err != nil {
			return err
		}
		var urls []string
		for i := range work.windows {
			urls = append(urls, work.windows[i].url(work.limit))
		}
		pids := []int{servers[0].Process(), os.Getpid(), ours.cmd.Process.Pid}
		runs := []*measured{
			{ask: func() (pace, error) { return b.run(seconds) }},
			{name: "incidents of the store", ask: func() (pace, error) { return askStore(st, work.windows, work.limit, seconds) }},
			{name: "GeoJSON of the server", ask: func() (pace, error) { return hammer(ours.addr, urls, seconds, nil) }},
		}
		for range rounds {
			for _, r := range runs {
				if err := r.round(pids); err != nil {
					return err
				}
			}
		}
		fmt.Println(work.name)
		for _, r := range runs[1:] {
			compare(r.name, r.paces, runs[0].paces, func(p *pace) float64 { return p.rate }, "answers/s", "at least 0.77")
			compare(r.name+", p50", r.paces, runs[0].paces, func(p *pace) float64 { return 1000 * p.at(.5) }, "µs", "at most 1.3")
			report(r.name+", computing", r.all, runs[0].all, "µs", "at most 1.3")
			report("  in the database", r.inDatabase, runs[0].inDatabase, "µs", "-")
		}
	}
	return nil
}

// measured is one way to ask, and what came of it in each round. Computing is what all programs that took part did for one
// answer, in microseconds: other work on the machine changes it little.
type measured struct {
	name            string
	ask             func() (pace, error)
	paces           []pace
	all, inDatabase []float64
}

// round asks for a while. pids are the database and the other programs that take part.
func (m *measured) round(pids []int) error {
	before := make([]time.Duration, len(pids))
	for i, pid := range pids {
		before[i] = computed(pid)
	}
	p, err := m.ask()
	if err != nil {
		return err
	}
	var all, db float64
	for i, pid := range pids {
		each := (computed(pid) - before[i]).Seconds() * 1e6 / float64(len(p.took))
		all += each
		if i == 0 {
			db = each
		}
	}
	m.paces, m.all, m.inDatabase = append(m.paces, p), append(m.all, all), append(m.inDatabase, db)
	return nil
}

// computed is how long a process, its children that have ended and, but of this program, those that run have been at work.
func computed(pid int) (d time.Duration) {
	const tick = 10 * time.Millisecond // as Linux counts in /proc
	add := func(fields []string) {
		for _, f := range fields {
			n, _ := strconv.Atoi(f) // the kernel writes numbers
			d += time.Duration(n) * tick
		}
	}
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, name := range all {
		text, _ := os.ReadFile(name) // it may have ended
		who, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		switch {
		case !ok || len(fields) < 15:
		case strings.HasPrefix(who, strconv.Itoa(pid)+" "):
			add(fields[11:15]) // user and system, then those of children that have ended
		case fields[1] == strconv.Itoa(pid) && pid != os.Getpid():
			add(fields[11:13])
		}
	}
	return d
}

// fill loads made-up incidents into a database.
func fill(s *pgtest.Server, dir string, rows int) (err error) {
	w, err := newWorld()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "incidents.csv")
	if err := generate(file, rows, 1); err != nil {
		return err
	}
	st, err := postgis.Open(context.Background(), s.URI(), postgis.Options{Units: w.units, Border: w.line, Crossings: w.crossings})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	began := time.Now()
	if _, err := w.ingestInto(st, file, ""); err != nil {
		return err
	}
	fmt.Printf("%-40s %.0f s\n", fmt.Sprintf("load, %d incidents", rows), time.Since(began).Seconds())
	return s.Tidy()
}

// query asks for the incidents in a window, as url does.
func (w *window) query(limit int) incident.Query {
	return incident.Query{Filter: incident.And{incident.Box{Bound: w.box}, incident.During{From: w.from, To: w.to}}, Limit: limit}
}

// askStore asks a store for some seconds.
func askStore(st *postgis.Store, windows []window, limit int, seconds float64) (all pace, err error) {
	var mu sync.Mutex
	var clients sync.WaitGroup
	began := time.Now()
	end := began.Add(time.Duration(seconds * float64(time.Second)))
	for c := range asking {
		clients.Go(func() {
			for i := c * 4; time.Now().Before(end); i++ {
				start := time.Now()
				for _, failed := range st.Incidents(context.Background(), windows[i%len(windows)].query(limit)) {
					if failed != nil {
						mu.Lock()
						err = failed
						mu.Unlock()
						return
					}
				}
				took := time.Since(start)
				mu.Lock()
				all.took = append(all.took, took)
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	all.rate = float64(len(all.took)) / time.Since(began).Seconds()
	slices.Sort(all.took)
	return all, err
}

// pgbenched runs pgbench with a script that takes one of the windows at random and binds its values to the statement.
type pgbenched struct{ program, dir, script string }

var placeholder = regexp.MustCompile(`\$(\d+)`)

func (b *pgbenched) write(windows []window, limit int) error {
	var statement string
	var values [][]string // of a placeholder, by window
	for i := range windows {
		sql, args, err := postgis.Statement(windows[i].query(limit))
		if err != nil {
			return err
		}
		if statement == "" {
			statement, values = sql, make([][]string, len(args))
		}
		if sql != statement {
			return errors.New("the windows are not asked for by one statement")
		}
		for n, arg := range args {
			text := fmt.Sprint(arg)
			if day, ok := arg.(string); ok {
				text = strings.ReplaceAll(day, "-", "") // another way to write a day; pgbench knows numbers only
			}
			values[n] = append(values[n], text)
		}
	}
	var script strings.Builder
	fmt.Fprintf(&script, "\\set i random(0, %d)\n", len(windows)-1)
	for n, of := range values {
		fmt.Fprintf(&script, "\\set v%d case", n+1)
		for i, v := range of {
			fmt.Fprintf(&script, " when :i = %d then %s", i, v)
		}
		script.WriteString(" end\n")
	}
	script.WriteString(placeholder.ReplaceAllString(statement, ":v$1") + ";\n")
	return os.WriteFile(b.script, []byte(script.String()), 0o600)
}

// run gives what pgbench made of some seconds.
func (b *pgbenched) run(seconds float64) (p pace, err error) {
	log := b.script + ".log"
	args := []string{"-n", "-M", "prepared", "-c", strconv.Itoa(asking), "-j", "2", "-T", strconv.Itoa(max(1, int(seconds))), "-l", "--log-prefix=" + log, "-h", b.dir, "-U", "sarhad", "-f", b.script, "postgres"}
	cmd := exec.Command(b.program, args...) //nolint:noctx // ends by itself
	cmd.Env = append(os.Environ(), "PGOPTIONS=-c search_path=sarhad,public")
	said, err := cmd.CombinedOutput()
	if err != nil {
		return p, fmt.Errorf("run pgbench: %w: %s", err, said)
	}
	_, rest, _ := strings.Cut(string(said), "tps = ")
	if _, err := fmt.Sscan(rest, &p.rate); err != nil {
		return p, fmt.Errorf("read what pgbench says: %w: %s", err, said)
	}
	logs, err := filepath.Glob(log + ".*")
	if err != nil {
		return p, err
	}
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err = errors.Join(err, os.Remove(name)); err != nil {
			return p, err
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 2 { // client, number, microseconds and so on
				us, err := strconv.Atoi(f[2])
				if err != nil {
					return p, fmt.Errorf("read the log of pgbench: %w", err)
				}
				p.took = append(p.took, time.Duration(us)*time.Microsecond)
			}
		}
	}
	slices.Sort(p.took)
	return p, nil
}
