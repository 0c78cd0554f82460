package index

import (
	"bytes"
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// loaded is a store with incidents; which have words in common and last for one or several days.
func loaded(t *testing.T, n int) *gpkg.Store {
	t.Helper()
	st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "s.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	storetest.Load(t, st, incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "a.csv", Layout: "table"}, 1000, storetest.Plain(n, 5))
	return st
}

// However many portions the records are sorted in, the file is the same.
func TestPortionsGiveTheSameFile(t *testing.T) {
	st := loaded(t, 2500)
	write := func(portions int) []byte {
		t.Helper()
		path := filepath.Join(t.TempDir(), "x")
		v, err := newSaver(path)
		if err != nil {
			t.Fatal(err)
		}
		defer v.discard()
		v.portions = portions
		for in, err := range st.Incidents(t.Context(), incident.Query{}) {
			if err == nil {
				err = v.add(in)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := v.finish(stamp{Change: 3}); err != nil {
			t.Fatal(err)
		}
		if portions < portionSize && len(v.runs) < 10 {
			t.Fatalf("%d portions of %d bytes", len(v.runs), portions)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(write(portionSize), write(10_000)) {
		t.Error("many portions give another file than one")
	}
}

// A segment from a file has the columns of one that was made in memory.
func TestSavedIsAsBuilt(t *testing.T) {
	st := loaded(t, 2500)
	b := newBuilder()
	for in, err := range st.Incidents(t.Context(), incident.Query{}) {
		if err == nil {
			err = b.add(in)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := b.finish()
	x := New(st, Options{File: filepath.Join(t.TempDir(), "x")})
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := x.view.Load().base
	if got.mapped == nil {
		t.Fatal("the index is not in a file")
	}
	for _, c := range []struct {
		name      string
		got, want []byte
	}{
		{"start", bytesOf(got.start), bytesOf(want.start)}, {"end", bytesOf(got.end), bytesOf(want.end)}, {"fid", bytesOf(got.fid), bytesOf(want.fid)},
		{"lon", bytesOf(got.lon), bytesOf(want.lon)}, {"lat", bytesOf(got.lat), bytesOf(want.lat)}, {"cell", bytesOf(got.cell), bytesOf(want.cell)},
		{"kind", bytesOf(got.kind), bytesOf(want.kind)}, {"place", bytesOf(got.place), bytesOf(want.place)}, {"party", bytesOf(got.party), bytesOf(want.party)},
		{"low", bytesOf(got.low), bytesOf(want.low)}, {"best", bytesOf(got.best), bytesOf(want.best)}, {"high", bytesOf(got.high), bytesOf(want.high)},
		{"border", bytesOf(got.border), bytesOf(want.border)}, {"byFID", bytesOf(got.byFID), bytesOf(want.byFID)},
		{"long", bytesOf(got.long), bytesOf(want.long)}, {"longAt", bytesOf(got.longAt[:]), bytesOf(want.longAt[:])},
		{"words", got.words.text, want.words.text}, {"lists", got.words.lists, want.words.lists}, {"ends", bytesOf(got.words.ends), bytesOf(want.words.ends)},
	} {
		if len(c.want) == 0 || !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: %d bytes are not those of the %d in memory", c.name, len(c.got), len(c.want))
		}
	}
	for row := range want.start {
		if !bytes.Equal(got.record(uint32(row)), want.record(uint32(row))) {
			t.Fatalf("the record of row %d is another", row)
		}
	}
	if got.grid != want.grid {
		t.Errorf("the grid is %v, want %v", got.grid, want.grid)
	}
}

// Whoever writes the index at the same time writes a file of its own, and one takes the other's if it is there first.
func TestSavedAtTheSameTime(t *testing.T) {
	st := loaded(t, 500)
	path := filepath.Join(t.TempDir(), "x")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := Save(t.Context(), st, path); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	x := New(st, Options{File: path})
	x.view.Store(&view{change: -1, base: newBuilder().finish()}) // one that has to be made anew
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := x.Size(); n != 500 {
		t.Errorf("the index holds %d incidents, want 500", n)
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(before, now) {
		t.Errorf("the file of the present state was not taken: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// What a killed process left is removed once nobody can be writing it any more.
func TestLeftOverFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	old, young := filepath.Join(filepath.Dir(path), ".x-1"), filepath.Join(filepath.Dir(path), ".x-2")
	for _, f := range []string{old, young} {
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-2 * leftOver)
	if err := os.Chtimes(old, then, then); err != nil {
		t.Fatal(err)
	}
	if err := Save(context.Background(), loaded(t, 10), path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !os.IsNotExist(err) {
		t.Error("an old file was left")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("a file that may be in use was removed")
	}
}

// slowReader is a store that takes its time to give all incidents once it is held.
type slowReader struct {
	*gpkg.Store
	held atomic.Bool
	free chan struct{}
}

func (r *slowReader) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	if r.held.Load() {
		select {
		case <-r.free:
		case <-ctx.Done():
		}
	}
	return r.Store.Incidents(ctx, q)
}

// After a load that is too large to be fresh nobody waits until it is read: the store answers.
func TestStoreAnswersAfterLargeLoad(t *testing.T) {
	st := loaded(t, 300)
	base := &slowReader{Store: st, free: make(chan struct{})}
	x := New(base, Options{File: filepath.Join(t.TempDir(), "x"), MostNew: 100})
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { x.Follow(ctx, func(err error) { t.Log(err) }) })
	defer following.Wait()
	defer stop()
	base.held.Store(true)
	storetest.Load(t, st, incident.Import{Dataset: incident.Dataset{Name: "more"}, File: "b.csv", Layout: "table"}, 100, more(200))
	want, err := st.Change(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); x.Ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the index still answers for the state before the load")
		}
	}
	if got, err := x.Change(t.Context()); got != want || err != nil {
		t.Errorf("Change is %d, %v, want %d", got, err, want)
	}
	close(base.free)
	for end := time.Now().Add(10 * time.Second); !x.Ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the index was not made anew")
		}
	}
	if n, fresh := x.Size(); n != 500 || fresh != 0 {
		t.Errorf("the index holds %d incidents and %d fresh ones, want 500 and none", n, fresh)
	}
}

// more are incidents of a dataset of their own.
func more(n int) []incident.Incident {
	list := storetest.Plain(n, 6)
	for i := range list {
		list[i].Dataset = "more"
	}
	return list
}

// The index holds what the store holds, so no more people may read it.
func TestReadByWhoMayReadTheStore(t *testing.T) {
	st := loaded(t, 20)
	for _, mode := range []os.FileMode{0o600, 0o640, 0o644} {
		if err := os.Chmod(st.Path(), mode); err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]os.FileMode{st.Path() + "-index": mode, filepath.Join(t.TempDir(), "elsewhere"): 0o600} {
			_ = os.Remove(file) // one of the present state stays as it is
			if err := Save(t.Context(), st, file); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(file)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("of a store with mode %o the index has %v, %v, want %o", mode, info.Mode(), err, want)
			}
		}
	}
}
