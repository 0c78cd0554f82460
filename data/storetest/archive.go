package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sarhad/incident"
)

// broken is an archive that gives only so many entries.
type broken struct {
	incident.Archive
	after int
}

var errBroken = errors.New("the power is gone")

func (b broken) Entries(ctx context.Context, past, fid int64) iter.Seq2[*incident.Entry, error] {
	return func(yield func(*incident.Entry, error) bool) {
		n := 0
		for e, err := range b.Archive.Entries(ctx, past, fid) {
			if n++; n > b.after {
				yield(nil, errBroken)
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// History fills a store with datasets whose incidents have a history: changed, taken away, come back, undone.
func History(t testing.TB, s incident.Store) {
	t.Helper()
	all := Plain(12_000, 7)
	load := func(imp incident.Import, batch []incident.Incident) {
		t.Helper()
		Load(t, s, imp, 4000, batch)
	}
	one := incident.Import{Dataset: incident.Dataset{Name: "plain", Title: "One", Licence: "CC0"}, File: "a.csv", Layout: "table", Who: "somebody", Mapping: "fields: {}",
		Hash: func() string { return "abc" }}
	load(one, all)
	for i := range 3000 {
		all[i*2].Summary = fmt.Sprint("changed ", i)
		all[i*2].File = "b.csv"
	}
	load(incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "b.csv", Layout: "table"}, all[:6000])
	replace := incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "c.csv", Layout: "table", Replace: true}
	sweep := func(batch []incident.Incident) {
		t.Helper()
		l, err := s.Begin(t.Context(), replace)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Put(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(t.Context(), `{"read":1}`); err != nil {
			t.Fatal(err)
		}
	}
	sweep(all[:11_500])
	sweep(all[:11_700])
	more := Plain(50, 9)
	for i := range more {
		more[i].Dataset = "more"
		more[i].ID = incident.ID("more", more[i].SourceID)
	}
	load(incident.Import{Dataset: incident.Dataset{Name: "more", AggregatesOnly: true}, File: "d.csv"}, more)
	load(incident.Import{Dataset: incident.Dataset{Name: "more"}, File: "e.csv"}, all[:0])
	if _, err := s.Undo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	public := false
	if err := s.SetDataset(t.Context(), "more", incident.DatasetChange{AggregatesOnly: &public}); err != nil {
		t.Fatal(err)
	}
}

// TestCopy copies a store with a history to another, broken off again and again, and compares all that both hold. The
// clocks of both stand still at the same moment.
func TestCopy(t *testing.T, from, to incident.Archive) {
	t.Helper()
	began := 0
	for after := 4999; ; after += 6000 {
		err := incident.Copy(t.Context(), broken{from, after}, to, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
		began++
	}
	if began < 2 {
		t.Errorf("the copy was broken off only %d times", began)
	}
	Same(t, from, to)
	if err := incident.Copy(t.Context(), from, to, nil); !errors.Is(err, incident.ErrNotACopy) {
		t.Errorf("a second copy into the same store: %v", err)
	}
	// It is a store like any other: what came last can be undone in both, and what is new has the same number.
	next := Plain(1, 99)
	next[0].Dataset, next[0].ID = "plain", incident.ID("plain", "next")
	for _, s := range []incident.Archive{from, to} {
		if _, err := s.Undo(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		Load(t, s, incident.Import{Dataset: incident.Dataset{Name: "plain"}, File: "f.csv"}, 1, slices.Clone(next))
	}
	Same(t, from, to)
}

// Same compares all that two stores hold.
func Same(t testing.TB, a, b incident.Archive) {
	t.Helper()
	x, err := incident.ContentOf(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := incident.ContentOf(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if x != y {
		t.Errorf("one store has %s, the other %s", &x, &y)
	}
	infos := func(s incident.Archive) (sets []incident.DatasetInfo, imports []incident.ImportInfo) {
		t.Helper()
		sets, err := s.Datasets(t.Context())
		if err == nil {
			imports, err = s.Imports(t.Context(), "")
		}
		if err != nil {
			t.Fatal(err)
		}
		return sets, imports
	}
	var rest [2][]any
	held := func(s incident.Archive) incident.Holdings {
		t.Helper()
		h, err := s.Holdings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		h.Change = 0 // each store counts its own
		return h
	}
	for i, s := range []incident.Archive{a, b} {
		sets, imports := infos(s)
		h := held(s)
		h.Imports = nil
		rest[i] = []any{sets, imports, h}
	}
	if d := cmp.Diff(rest[0], rest[1], cmpopts.EquateEmpty()); d != "" {
		t.Errorf("what is held besides (-one +other):\n%s", d)
	}
	entries := func(s incident.Archive) (list []incident.Entry) {
		t.Helper()
		past := true
		for e, err := range s.Entries(t.Context(), 0, 0) {
			if err != nil {
				t.Fatal(err)
			}
			if past = past && e.Number > 0; past == (e.Number == 0) {
				t.Fatal("past entries stand behind present ones")
			}
			list = append(list, *e)
			list[len(list)-1].Number = min(e.Number, 1) // gaps may be others
			list[len(list)-1].Until = 0
		}
		return list
	}
	if d := cmp.Diff(entries(a), entries(b), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the histories (-one +other):\n%.3000s", d)
	}
}
