package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sarhad/api"
	"sarhad/data/bundle"
	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/data/publish"
	"sarhad/data/replicas"
	"sarhad/incident"
)

// share is how much of one core a standby gets, so that on a small machine it, and not the server or who asks, is what is short.
const share = 0.15

// oneAndTwo compares a server that reads from one standby with one that reads from two, each held to the same share of a
// core, as machines of their own would be. The servers keep no index: every answer comes from a standby.
func oneAndTwo(rows int, seconds float64, rounds int) error {
	dir, err := os.MkdirTemp("", "sarhad-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var held []string
	defer func() { // when the standbys, whose end is deferred later, are gone
		for _, group := range held {
			_ = os.Remove(group) // empty, it harms nobody
		}
	}()
	databases, stop, err := startServers(2, func(s *pgtest.Server) error { return fill(s, dir, rows) })
	defer stop()
	if err != nil {
		return err
	}
	st, err := postgis.Open(context.Background(), databases[0].URI(), postgis.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	windows, err := smallAndWide(st)
	if err = errors.Join(err, st.Close()); err != nil {
		return err
	}
	var urls []string
	for i := range windows.small {
		urls = append(urls, windows.small[i].url(1000))
	}
	for i, s := range databases[1:] {
		group := fmt.Sprintf("/sys/fs/cgroup/cpu/sarhad-bench-%d-%d", os.Getpid(), i)
		held = append(held, group)
		if err := hold(s.Process(), group, share); err != nil {
			return fmt.Errorf("hold a standby to a share of a core (needs root and the cpu controller of cgroup version 1): %w", err)
		}
	}
	var servers []*child
	for n := 1; n < len(databases); n++ {
		addresses := []string{databases[0].URI()}
		for _, s := range databases[1 : n+1] {
			addresses = append(addresses, s.URI())
		}
		c, err := newChild("replicas", strings.Join(addresses, ","), 0)
		if err != nil {
			return err
		}
		defer c.stop()
		servers = append(servers, c)
		if _, err := hammer(c.addr, urls, 2, nil); err != nil { // connections are opened, plans are made
			return err
		}
	}
	paces := make([][]pace, len(servers))
	for range rounds {
		for i, c := range servers {
			p, err := hammer(c.addr, urls, seconds, nil)
			if err != nil {
				return err
			}
			paces[i] = append(paces[i], p)
		}
	}
	fmt.Printf("%d incidents, 1 degree, 30 days, %d connections; each standby has %.0f %% of a core: two (ours) beside one (limit)\n", rows, asking, 100*share)
	compare("two standbys beside one", paces[1], paces[0], func(p *pace) float64 { return p.rate }, "answers/s", "more than 1, at best 2")
	compare("the same, p50", paces[1], paces[0], func(p *pace) float64 { return 1000 * p.at(.5) }, "µs", "-")
	return nil
}

// hold puts a process, and the children that it makes from now on, into a new group with a limit of computing.
func hold(pid int, group string, cores float64) error {
	const period = 100_000 // microseconds
	if err := os.Mkdir(group, 0o755); err != nil {
		return err
	}
	for _, set := range []struct {
		file  string
		value int
	}{{"cpu.cfs_period_us", period}, {"cpu.cfs_quota_us", int(cores * period)}, {"cgroup.procs", pid}} {
		if err := os.WriteFile(filepath.Join(group, set.file), []byte(strconv.Itoa(set.value)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// replicaHandler answers from the standbys of a database, whose address stands before theirs with commas between.
func replicaHandler(ctx context.Context, addresses string) (h http.Handler, end func(), err error) {
	var stores []*postgis.Store
	ctx, stop := context.WithCancel(ctx)
	end = func() {
		stop()
		for _, st := range stores {
			_ = st.Close() // it was only read
		}
	}
	var copies []replicas.Copy
	for i, address := range strings.Split(addresses, ",") {
		st, err := postgis.Open(ctx, address, postgis.Options{ReadOnly: true})
		if err != nil {
			return nil, end, err
		}
		stores = append(stores, st)
		if i > 0 {
			copies = append(copies, replicas.Copy{Source: st, Name: address})
		}
	}
	r := replicas.New(stores[0], copies, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	go r.Run(ctx)
	for r.Up() < len(copies) {
		time.Sleep(10 * time.Millisecond)
	}
	h, err = storeHandler(r)
	return h, end, err
}

// storeHandler answers from a store without an index, as sarhad serve --no-index does.
func storeHandler(st incident.Reader) (http.Handler, error) {
	w, err := newWorld()
	if err != nil {
		return nil, err
	}
	view := publish.Blurred(st, incident.Publication{}, publish.Places{Units: w.units, Border: w.border})
	return api.New(api.Config{Reader: publish.New(view, time.Now), Units: w.units, Attribution: bundle.Attribution, BorderNote: bundle.BorderNote, Version: "bench", Now: time.Now})
}
