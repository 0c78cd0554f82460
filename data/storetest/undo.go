package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sarhad/incident"
)

// put starts a load, puts one batch and sweeps if asked; the caller ends it.
func put(t testing.TB, s incident.Store, im incident.Import, batch []incident.Incident) (incident.Load, incident.PutResult, int) {
	t.Helper()
	l := must(s.Begin(t.Context(), im))(t)
	r := must(l.Put(t.Context(), batch))(t)
	gone := 0
	if im.Replace {
		gone = must(l.Sweep(t.Context()))(t)
	}
	return l, r, gone
}

func finish(t testing.TB, l incident.Load, report string) int64 {
	t.Helper()
	if err := l.Finish(t.Context(), report); err != nil {
		t.Fatal(err)
	}
	return l.ID()
}

func testImports(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	ctx := t.Context()
	if list := must(s.Imports(ctx, ""))(t); len(list) != 0 {
		t.Errorf("an empty store has imports %v", list)
	}
	im := imp("fixed")
	im.Mapping, im.Who, im.Hash = "fields:\n  id: Nr\n", "amina", func() string { return "abc123" }
	all := fixed()
	l, _, _ := put(t, s, im, all)
	if r := must(s.Import(ctx, l.ID()))(t); r.State != incident.ImportRunning || r.New != 6 || !r.Ended.IsZero() {
		t.Errorf("while it runs: %+v", r)
	}
	if _, err := s.Undo(ctx, l.ID()); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("undo of a running import: %v", err)
	}
	first := finish(t, l, `{"read":6}`)
	want := incident.ImportInfo{ID: first, Dataset: "fixed", File: "a.csv", Layout: "table", Mapping: im.Mapping, Who: "amina", Hash: "abc123",
		State: incident.ImportDone, New: 6, Report: `{"read":6}`}
	noTimes := cmpopts.IgnoreFields(incident.ImportInfo{}, "Started", "Ended")
	if d := cmp.Diff(want, must(s.Import(ctx, first))(t), noTimes); d != "" {
		t.Errorf("the record (-want +got):\n%s", d)
	}
	changed := fixed()[:2]
	changed[0].Summary = "second"
	l, _, _ = put(t, s, imp("fixed"), changed)
	second := finish(t, l, "{}")
	l, _, _ = put(t, s, imp("plain"), Plain(3, 1))
	third := finish(t, l, "{}")
	var ids []int64
	for _, r := range must(s.Imports(ctx, ""))(t) {
		ids = append(ids, r.ID)
	}
	if !slices.Equal(ids, []int64{third, second, first}) {
		t.Errorf("imports %v, want the newest first", ids)
	}
	if list := must(s.Imports(ctx, "fixed"))(t); len(list) != 2 || list[0].Changed != 1 || list[0].Unchanged != 1 {
		t.Errorf("imports of one dataset: %+v", list)
	}

	id := all[0].ID
	v := must(s.Versions(ctx, id))(t)
	if len(v) != 2 || v[0].Incident.Summary != "second" || v[0].Import.ID != second || v[0].Until != 0 ||
		v[1].Incident.Summary != all[0].Summary || v[1].Import.ID != first || v[1].Until == 0 || v[1].Incident.FID != v[0].Incident.FID {
		t.Errorf("versions: %+v", v)
	}
	if byFID := must(s.Versions(ctx, fmt.Sprint(v[0].Incident.FID)))(t); len(byFID) != 2 {
		t.Errorf("versions by number: %+v", byFID)
	}
	for _, id := range []string{"nothing", "99999"} {
		if _, err := s.Versions(ctx, id); incident.CodeOf(err) != incident.CodeNotFound {
			t.Errorf("versions of %s: %v", id, err)
		}
	}
	before := must(s.Change(ctx))(t)
	// The first is undone with the second on top: the second stays.
	if r := must(s.Undo(ctx, first))(t); r != (incident.UndoResult{Removed: 5, Kept: 1}) {
		t.Errorf("undo: %+v", r)
	}
	if after := must(s.Change(ctx))(t); after <= before {
		t.Error("undo did not grow the change number")
	}
	if got := List(t, s, incident.Query{Filter: incident.In{Property: "dataset", Values: []string{"fixed"}}}); len(got) != 1 || got[0].Summary != "second" {
		t.Errorf("after undo: %+v", got)
	}
	if v := must(s.Versions(ctx, id))(t); len(v) != 1 {
		t.Errorf("the undone version is still known: %+v", v)
	}
	if _, err := s.Undo(ctx, first); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("undo twice: %v", err)
	}
	if _, err := s.Undo(ctx, 99); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("undo of nothing: %v", err)
	}
	if r := must(s.Undo(ctx, second))(t); r != (incident.UndoResult{Removed: 1}) {
		t.Errorf("undo of the second: %+v", r)
	}
	if d := must(s.Datasets(ctx))(t); len(d) != 1 || d[0].Name != "plain" {
		t.Errorf("datasets: %+v", d)
	}
	must(s.RemoveDataset(ctx, "plain"))(t)
	if _, err := s.Undo(ctx, third); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("undo of an import whose dataset was removed: %v", err)
	}
}

func testReplace(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	ctx := t.Context()
	all := Plain(2500, 3)
	Load(t, s, imp("plain"), 1000, all)
	Load(t, s, imp("fixed"), 10, fixed())
	whole := List(t, s, incident.Query{})
	l := must(s.Begin(ctx, imp("plain")))(t)
	if _, err := l.Sweep(ctx); incident.CodeOf(err) != incident.CodeInvalid {
		t.Errorf("Sweep of a load that replaces nothing: %v", err)
	}
	if err := l.Abort(); err != nil {
		t.Fatal(err)
	}
	replace := imp("plain")
	replace.Replace = true
	fewer := slices.Clone(all[:2000])
	fewer[7].Summary = "changed"
	fewer = append(fewer, Plain(1, 77)...)

	dry := replace
	dry.Atomic = true
	l, _, gone := put(t, s, dry, fewer)
	if gone != 500 {
		t.Errorf("a trial would take %d away, want 500", gone)
	}
	if err := l.Abort(); err != nil {
		t.Fatal(err)
	}
	if n := must(s.Count(ctx, nil))(t); n != 2506 {
		t.Errorf("after a trial there are %d", n)
	}
	l, r, gone := put(t, s, replace, fewer)
	if gone != 500 || r != (incident.PutResult{New: 1, Changed: 1, Unchanged: 1999}) {
		t.Errorf("replaced: %+v, %d gone", r, gone)
	}
	second := finish(t, l, "{}")
	if n, m := must(s.Count(ctx, nil))(t), must(s.Count(ctx, incident.During{From: incident.MinDay, To: incident.MaxDay}))(t); n != 2007 || m != 2007 {
		t.Errorf("after it there are %d and %d, want 2007", n, m)
	}
	if r := must(s.Import(ctx, second))(t); r.Gone != 500 {
		t.Errorf("the record: %+v", r)
	}
	lost := all[2100].ID
	if _, err := s.Incident(ctx, lost); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("what is gone is given: %v", err)
	}
	if v := must(s.Versions(ctx, lost))(t); len(v) != 2 || v[0].Incident != nil || v[0].Import.ID != second || v[1].Incident == nil {
		t.Errorf("the history of what is gone: %+v", v)
	}
	// It comes again: a new incident with its old history.
	if r := Load(t, s, imp("plain"), 10, all[2100:2101]); r != (incident.PutResult{New: 1}) {
		t.Errorf("come again: %+v", r)
	}
	if v := must(s.Versions(ctx, lost))(t); len(v) != 3 || v[0].Incident == nil || v[0].Incident.FID == v[2].Incident.FID {
		t.Errorf("the history of what came again: %+v", v)
	}
	third := must(s.Imports(ctx, ""))(t)[0].ID
	if r := must(s.Undo(ctx, third))(t); r != (incident.UndoResult{Removed: 1}) {
		t.Errorf("undo of what came again: %+v", r)
	}
	if r := must(s.Undo(ctx, second))(t); r != (incident.UndoResult{Restored: 501, Removed: 1}) {
		t.Errorf("undo of the replacement: %+v", r)
	}
	if d := cmp.Diff(whole, List(t, s, incident.Query{}), equal); d != "" {
		t.Errorf("the store is not what it was (-want +got):\n%s", d)
	}
}

func testRevert(t *testing.T, open func(*testing.T) incident.Store) {
	for _, before := range []int{0, 3, 2000} {
		s := opened(t, open)
		ctx := t.Context()
		all := Plain(2500, 5)
		if before > 0 {
			Load(t, s, imp("plain"), 1000, all[:before])
		}
		whole, sets := List(t, s, incident.Query{}), must(s.Datasets(ctx))(t)
		next := slices.Clone(all)
		next[0].Summary, next[1].Start = "changed", next[1].Start-9000
		l := must(s.Begin(ctx, imp("plain")))(t)
		for batch := range slices.Chunk(next, 1000) {
			must(l.Put(ctx, batch))(t)
		}
		if err := l.Revert(ctx); err != nil {
			t.Fatal(err)
		}
		if err := l.Revert(ctx); err != nil {
			t.Errorf("a second Revert: %v", err)
		}
		if d := cmp.Diff(whole, List(t, s, incident.Query{}), equal); d != "" {
			t.Errorf("after Revert with %d before (-want +got):\n%s", before, d)
		}
		if d := cmp.Diff(sets, must(s.Datasets(ctx))(t), equal, ignoreMeaningless); d != "" {
			t.Errorf("datasets after Revert with %d before (-want +got):\n%s", before, d)
		}
		if r := must(s.Import(ctx, l.ID()))(t); r.State != incident.ImportFailed || r.New+r.Changed != 0 {
			t.Errorf("the record: %+v", r)
		}
		if r := Load(t, s, imp("plain"), 1000, all); r != (incident.PutResult{New: 2500 - before, Unchanged: before}) {
			t.Errorf("the load after it: %+v", r)
		}
	}
}

func testSetDataset(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	ctx := t.Context()
	str := func(s string) *string { return &s }
	no, yes := false, true
	im := imp("fixed")
	im.Dataset.AggregatesOnly, im.Dataset.Version, im.Dataset.Accessed = true, "24.1", "2026-11-01"
	Load(t, s, im, 10, fixed())
	only := func() incident.Dataset { return must(s.Datasets(ctx))(t)[0].Dataset }
	if d := only(); d.Version != "24.1" || d.Accessed != "2026-11-01" || !d.AggregatesOnly {
		t.Errorf("as loaded: %+v", d)
	}
	if err := s.SetDataset(ctx, "none", incident.DatasetChange{Title: str("x")}); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("a dataset that is not there: %v", err)
	}
	before := must(s.Change(ctx))(t)
	if err := s.SetDataset(ctx, "fixed", incident.DatasetChange{Title: str("Fixed"), Version: str(""), AggregatesOnly: &no}); err != nil {
		t.Fatal(err)
	}
	if after := must(s.Change(ctx))(t); after <= before {
		t.Error("the change number did not grow")
	}
	// The next load says again what the layout says; the operator's word stands.
	im.Dataset.Version = ""
	Load(t, s, im, 10, fixed())
	if d := only(); d != (incident.Dataset{Name: "fixed", Title: "Fixed", Accessed: "2026-11-01"}) {
		t.Errorf("after it: %+v", d)
	}
	if err := s.SetDataset(ctx, "fixed", incident.DatasetChange{AggregatesOnly: &yes}); err != nil {
		t.Fatal(err)
	}
	if d := only(); !d.AggregatesOnly {
		t.Errorf("and back: %+v", d)
	}
}

// testRandomUndo does random sequences of loads, replacements, undoing and
// removing to a store and to the oracle and compares all answers after each step.
func testRandomUndo(t *testing.T, open func(*testing.T) incident.Store) {
	compare := func(t *testing.T, what string, oracle, s incident.Store) {
		t.Helper()
		ctx := t.Context()
		noFID := cmp.Options{equal, cmpopts.IgnoreFields(incident.Incident{}, "FID")}
		if d := cmp.Diff(List(t, oracle, incident.Query{}), List(t, s, incident.Query{}), noFID); d != "" {
			t.Fatalf("%s (-oracle +store):\n%s", what, d)
		}
		if d := cmp.Diff(must(oracle.Datasets(ctx))(t), must(s.Datasets(ctx))(t), equal, ignoreMeaningless); d != "" {
			t.Fatalf("%s: datasets (-oracle +store):\n%s", what, d)
		}
		if a, b := must(oracle.Count(ctx, nil))(t), must(s.Count(ctx, nil))(t); a != b {
			t.Fatalf("%s: %d are counted, want %d", what, b, a)
		}
		for _, k := range incident.Keys {
			q := incident.AggregateQuery{By: []incident.Key{k}}
			if d := cmp.Diff(must(oracle.Aggregate(ctx, q))(t), must(s.Aggregate(ctx, q))(t), equal); d != "" {
				t.Fatalf("%s: counts by %s (-oracle +store):\n%s", what, k, d)
			}
		}
		for n := range 100 {
			for _, set := range someDatasets {
				id := incident.ID(set, fmt.Sprint(n))
				a, errA := oracle.Versions(ctx, id)
				b, errB := s.Versions(ctx, id)
				if incident.CodeOf(errA) != incident.CodeOf(errB) {
					t.Fatalf("%s: versions of %s: %v, want %v", what, id, errB, errA)
				}
				if d := cmp.Diff(a, b, noFID, cmpopts.IgnoreFields(incident.Version{}, "Until"), cmp.Comparer(func(a, b incident.ImportInfo) bool { return a.ID == b.ID && a.State == b.State })); d != "" {
					t.Fatalf("%s: versions of %s (-oracle +store):\n%s", what, id, d)
				}
			}
		}
	}
	for seed := range 6 {
		s, oracle := opened(t, open), NewNaive()
		r := rand.New(rand.NewPCG(uint64(seed), 9))
		var done []int64
		for step := range 25 {
			what := fmt.Sprintf("seed %d, step %d", seed, step)
			switch n := r.IntN(20); {
			case n < 7 && len(done) > 0: // also one that was undone before
				id := done[r.IntN(len(done))]
				what += fmt.Sprintf(", undo %d", id)
				a, errA := oracle.Undo(t.Context(), id)
				b, errB := s.Undo(t.Context(), id)
				if a != b || incident.CodeOf(errA) != incident.CodeOf(errB) {
					t.Fatalf("%s: %+v, %v, want %+v, %v", what, b, errB, a, errA)
				}
			case n == 7:
				name := someDatasets[r.IntN(3)]
				what += ", remove " + name
				a, errA := oracle.RemoveDataset(t.Context(), name)
				b, errB := s.RemoveDataset(t.Context(), name)
				if a != b || incident.CodeOf(errA) != incident.CodeOf(errB) {
					t.Fatalf("%s: %d, %v, want %d, %v", what, b, errB, a, errA)
				}
			default:
				im := imp(someDatasets[r.IntN(3)])
				im.Replace, im.Atomic = n%3 == 0, n%4 == 0
				end := "finish"
				switch n {
				case 19:
					end = "revert"
				case 18:
					end = "abort"
				}
				what += fmt.Sprintf(", load %+v and %s", im, end)
				batch := rapid.SliceOfN(Incidents(), 0, 60).Example(seed*100 + step)
				a, resA, goneA := put(t, oracle, im, batch)
				b, resB, goneB := put(t, s, im, batch)
				if resA != resB || goneA != goneB {
					t.Fatalf("%s: %+v, %d gone, want %+v, %d", what, resB, goneB, resA, goneA)
				}
				for _, l := range []incident.Load{a, b} {
					var err error
					switch end {
					case "finish":
						err = l.Finish(t.Context(), "{}")
					case "revert":
						err = l.Revert(t.Context())
					default:
						err = l.Abort()
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if end == "finish" || !im.Atomic {
					if a.ID() != b.ID() {
						t.Fatalf("%s: import %d, want %d", what, b.ID(), a.ID())
					}
					done = append(done, a.ID())
				}
			}
			compare(t, what, oracle, s)
		}
	}
}
