//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// private is the memory that a server has for itself, in bytes.
func (p *process) private() int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	check(p.t, err)
	_, rest, _ := strings.Cut(string(text), "RssAnon:")
	var kb int
	_, err = fmt.Sscan(rest, &kb)
	check(p.t, err)
	return kb << 10
}

// Two thousand connections that are kept, all asked at the same time, round after round: each answer is right, a connection
// costs little, and the memory stays as it is.
func TestConnectionsSteady(t *testing.T) {
	const connections, rounds = 2000, 12
	p := running(t, loadedStore(t), "--max-connections", "2100", "--rate-limit", "off")
	eventually(t, "ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
	paths := []string{
		"/collections/incidents/items?limit=50&datetime=2010-01-01/2015-12-31", "/collections/incidents/tiles/WebMercatorQuad/5/22/12", "/collections", "/datasets",
		"/collections/incidents/items?limit=20&bbox=66,30,72,35&sortby=-start_date", "/geocode?q=Torkham", "/collections/incidents/items/1",
	}
	want := make([]int, len(paths))
	for i, path := range paths {
		status, body := p.status(path)
		if want[i] = len(body); status != http.StatusOK && status != http.StatusNoContent {
			t.Fatalf("%s: %d", path, status)
		}
	}
	before := p.private()
	type client struct {
		net.Conn
		r *bufio.Reader
	}
	clients := make([]client, connections)
	for i := range clients {
		conn := p.dial()
		clients[i] = client{conn, bufio.NewReader(conn)}
	}
	ask := func(c client, i int) error {
		if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", paths[i], p.address()); err != nil {
			return err
		}
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if err == nil && int(n) != want[i] {
			err = fmt.Errorf("%s: %s with %d bytes, want %d", paths[i], resp.Status, n, want[i])
		}
		return err
	}
	var memory []int
	for round := range rounds {
		var all sync.WaitGroup
		for i, c := range clients {
			all.Go(func() {
				if err := ask(c, (i+round)%len(paths)); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		all.Wait()
		if t.Failed() {
			return
		}
		memory = append(memory, p.private())
	}
	t.Logf("%d MB before, then after each round %d MB", before>>20, mb(memory))
	// Answers of all of them at once, and as much again until it is collected.
	if each := (slices.Max(memory) - before) / connections; each > 192<<10 {
		t.Errorf("a connection that is asked costs %d kB", each>>10)
	}
	// Collections come when they come; what leaks grows with every round.
	if early, late := slices.Max(memory[4:8]), slices.Min(memory[rounds-4:]); late > early+16<<20 {
		t.Errorf("the memory grew from %d to %d MB", early>>20, late>>20)
	}
	p.well()
}

func mb(sizes []int) (list []int) {
	for _, n := range sizes {
		list = append(list, n>>20)
	}
	return list
}
