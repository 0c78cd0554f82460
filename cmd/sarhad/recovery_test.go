//go:build linux

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sarhad/data/postgis/pgtest"
)

// recovering writes small datasets through a database, one after the other, and knows which were acknowledged.
type recovering struct {
	t     *testing.T
	dir   string
	store string
	acked []string
}

// load writes one more dataset and reports whether it was acknowledged.
func (r *recovering) load() bool {
	r.t.Helper()
	name := fmt.Sprintf("d%d", len(r.acked))
	file := filepath.Join(r.dir, "list.csv")
	check(r.t, os.WriteFile(file, []byte("id,event_date,district\n"+name+",2024-01-01,Khyber\n"), 0o600))
	ok := ranFrom(r.t, program(r.t.Context(), r.t, "import", "--store", r.store, "-q", "--dataset", name, file)).code == exitOK
	if ok {
		r.acked = append(r.acked, name)
	}
	return ok
}

// all checks that a server shows every acknowledged dataset.
func (r *recovering) all(p *process) {
	r.t.Helper()
	eventually(r.t, "everything that was acknowledged", func() bool {
		status, body := p.status("/datasets")
		for _, name := range r.acked {
			if !strings.Contains(body, `"`+name+`"`) {
				return false
			}
		}
		return status == http.StatusOK
	})
}

// since gives the time since a moment; the tests print it and judge nothing by it.
func since(began time.Time) time.Duration { return time.Since(began).Round(10 * time.Millisecond) }

// A server, its database or a read replica is killed with kill -9 while files are loaded: nothing that was acknowledged is
// lost, and all goes on by itself. How long that took is printed.
func TestRecovery(t *testing.T) {
	primary, err := pgtest.StartWith(pgtest.Durable...)
	pgtest.Check(t, err)
	t.Cleanup(primary.Stop)
	r := &recovering{t: t, dir: t.TempDir(), store: primary.URI()}
	if !r.load() {
		t.Fatal("nothing can be loaded")
	}
	standby, err := primary.Standby()
	check(t, err)
	t.Cleanup(standby.Stop)
	begun := func() *process {
		t.Helper()
		p := running(t, r.store, "--read-store", standby.URI(), "--index-dir", r.dir)
		eventually(t, "ready", func() bool { status, _ := p.status("/readyz"); return status == http.StatusOK })
		return p
	}
	restart := func(s *pgtest.Server) {
		t.Helper()
		eventually(t, "a database that starts", func() bool { return s.Run() == nil })
	}
	p := begun()
	r.all(p)

	p.kill()
	if !r.load() { // needs no server
		t.Error("nothing can be loaded without a server")
	}
	restarted := time.Now()
	p = begun()
	r.all(p)
	t.Logf("kill -9 of the server: started anew, ready with all after %v", since(restarted))

	n, died := 0, make(chan time.Time, 1)
	for r.load() {
		if n++; n == 3 { // it dies while the next one loads
			go func() {
				time.Sleep(100 * time.Millisecond)
				primary.KillHard()
				died <- time.Now()
			}()
		}
	}
	began := <-died
	if status, _ := p.status("/collections/incidents/items?limit=1"); status != http.StatusOK {
		t.Errorf("without the primary: %d", status)
	}
	restarted = time.Now()
	restart(primary)
	up := since(restarted)
	eventually(t, "a load after the primary came back", r.load)
	r.all(p)
	t.Logf("kill -9 of the primary after %d loads, answers went on; it recovered in %v, the first load was in and shown %v after the start, %v after the kill",
		n, up, since(restarted), since(began))

	standby.KillHard()
	began = time.Now()
	if status, _ := p.status("/collections/incidents/items?limit=1"); status != http.StatusOK {
		t.Errorf("without the replica: %d", status)
	}
	answered := since(began)
	if !r.load() {
		t.Error("nothing can be loaded without the replica")
	}
	r.all(p)
	shown := since(began)
	restarted = time.Now()
	restart(standby)
	eventually(t, "the replica again", func() bool { return strings.Contains(p.said(), "a read replica answers again") })
	t.Logf("kill -9 of the replica: the next answer after %v, a load shown after %v; started anew, it answers again after %v", answered, shown, since(restarted))
	r.all(p)
	p.well()
}
