package index_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sarhad/data/index"
	"sarhad/incident"
)

// fixed is a reader of incidents that knows their clusters and counts nothing itself.
type fixed struct {
	incident.Reader
	all     []incident.Incident
	members []incident.Member
	change  int64
	since   []incident.FIDRange // what was touched by the last change
	asked   int                 // how often counting was left to it
}

func (r *fixed) Change(context.Context) (int64, error) { return r.change, nil }
func (r *fixed) Commits() int64                        { return r.change }
func (r *fixed) Touched(context.Context, int64) ([]incident.FIDRange, bool, error) {
	return r.since, true, nil
}
func (r *fixed) Datasets(context.Context) ([]incident.DatasetInfo, error) {
	return []incident.DatasetInfo{{Dataset: incident.Dataset{Name: "a"}, Count: len(r.all)}}, nil
}
func (r *fixed) Imports(context.Context, string) ([]incident.ImportInfo, error) { return nil, nil }
func (r *fixed) Clusters(context.Context) (int64, []incident.Member, error) {
	return r.change, r.members, nil
}
func (r *fixed) Incidents(_ context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		for i := range r.all {
			if in := &r.all[i]; (q.After == nil || in.FID > q.After.FID) && !yield(in, nil) {
				return
			}
		}
	}
}
func (r *fixed) Aggregate(context.Context, incident.AggregateQuery) ([]incident.Group, error) {
	r.asked++
	return nil, nil
}

// counted is what an aggregate has to be.
func (r *fixed) counted(q incident.AggregateQuery) []incident.Group {
	type choice struct {
		cluster int64
		group   string
	}
	cluster := map[int64]int64{}
	if q.Distinct {
		for _, m := range r.members {
			cluster[m.FID] = m.Cluster
		}
	}
	groups, chosen := map[string]*incident.Group{}, map[choice]*incident.Incident{}
	keys := make([]*string, len(q.By))
	for i := range r.all {
		in := &r.all[i]
		if q.Filter != nil && q.Filter.Match(in) != incident.True {
			continue
		}
		q.EachKeys(in, keys, func() {
			id := ""
			for _, k := range keys {
				if k == nil {
					id += "-"
				} else {
					id += fmt.Sprintf("%q", *k)
				}
			}
			if groups[id] == nil {
				groups[id] = &incident.Group{Keys: slices.Clone(keys)}
			}
			if c, ok := cluster[in.FID]; !ok {
				groups[id].Add(in)
			} else if old := chosen[choice{c, id}]; old == nil || incident.Better(in, old) {
				chosen[choice{c, id}] = in
			}
		})
	}
	for c, in := range chosen {
		groups[c.group].Add(in)
	}
	var out []incident.Group
	for _, g := range groups {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b incident.Group) int { return incident.CompareKeys(a.Keys, b.Keys) })
	return out
}

func manyIncidents(r *rand.Rand, n int) []incident.Incident {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	figure := func() incident.Figure {
		switch r.IntN(40) {
		case 0:
			return incident.Known(math.MaxInt32 + r.IntN(9))
		case 1:
			return incident.Known(-3 << 30)
		case 2, 3, 4, 5, 6:
			return incident.Figure{}
		}
		return incident.Known(r.IntN(30))
	}
	first := incident.NewDay(2019, time.October, 20)
	all := make([]incident.Incident, n)
	for i := range all {
		in := &all[i]
		in.FID, in.ID, in.Dataset = int64(i+1), fmt.Sprint("a", n-i), pick("a", "b")
		in.Start = first + incident.Day(r.IntN(900))
		in.End = in.Start + incident.Day(max(0, r.IntN(100)-97))
		in.Country, in.UnitID = pick("PK", "AF"), pick("", "u1", "u2", "u3", "u4", "u5", "u6")
		in.EventType, in.Actor1, in.Actor2 = incident.EventType(pick("", "Battles", "Protests")), pick("", "x", "y"), pick("", "x", "z")
		in.LocationPrecision = incident.LocationPrecisions[r.IntN(3)]
		in.Best = figure()
		if in.Country == "AF" {
			in.Low, in.High = figure(), figure()
		}
	}
	return all
}

// Many rows are counted in batches, by several cores, and with and without what changed since: all as one by one.
func TestManyAreCountedAsOneByOne(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	r := rand.New(rand.NewPCG(1, 6))
	base := &fixed{all: manyIncidents(r, 100_000), change: 1}
	for i := range base.all {
		if i%7 == 0 {
			base.members = append(base.members, incident.Member{FID: int64(i + 1), Cluster: int64(i/40 + 1)})
		}
	}
	x := index.New(base, index.Options{})
	refresh := func() {
		t.Helper()
		if err := x.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	first := base.all[0].Start
	check := func() {
		t.Helper()
		for range 40 {
			q := incident.AggregateQuery{Distinct: r.IntN(3) == 0}
			keys := slices.Clone(incident.Keys)
			if r.IntN(2) == 0 { // what the sums of months are enough for
				keys = []incident.Key{incident.KeyUnit, incident.KeyCountry, incident.KeyProvince, incident.KeyMonth, incident.KeyYear}
			}
			r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			q.By = keys[:1+r.IntN(3)]
			from := first + incident.Day(r.IntN(900)-450)
			filters := []incident.Filter{nil, incident.During{From: from, To: from + incident.Day(r.IntN(900))},
				incident.Compare{Property: "event_type", Op: incident.Eq, Value: incident.TextValue("Battles")},
				incident.Compare{Property: "country", Op: incident.Ne, Value: incident.TextValue("PK")},
				incident.Compare{Property: "actor1", Op: incident.Eq, Value: incident.TextValue("x")},
				incident.Compare{Property: "fatalities_best", Op: incident.Gt, Value: incident.NumberValue(3)}}
			q.Filter = filters[r.IntN(len(filters))]
			if r.IntN(2) == 0 {
				q.Filter = incident.And{filters[1], filters[2+r.IntN(len(filters)-2)]}
			}
			if r.IntN(2) == 0 {
				q.Under = func(u string) string { return map[string]string{"u1": "w", "u5": "u2"}[u] + "u" }
			}
			got, err := x.Aggregate(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(base.counted(q), got); d != "" {
				t.Fatalf("%+v (-one by one +index):\n%.3000s", q, d)
			}
		}
	}
	refresh()
	check()
	// Some are other incidents now, and others are linked.
	for range 1000 {
		i := r.IntN(len(base.all))
		other := manyIncidents(r, 1)[0]
		other.FID, other.ID = base.all[i].FID, base.all[i].ID
		base.all[i] = other
		base.since = append(base.since, incident.FIDRange{From: other.FID, To: other.FID})
	}
	base.change++
	base.members = base.members[len(base.members)/2:]
	refresh()
	check()
	if base.asked > 0 {
		t.Errorf("%d times the store had to count", base.asked)
	}
}

// Clusters of another state than the view are not counted: the store counts then.
func TestDistinctOfAnotherState(t *testing.T) {
	base := &fixed{all: manyIncidents(rand.New(rand.NewPCG(1, 7)), 10), change: 1}
	x := index.New(base, index.Options{})
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	base.change++
	q := incident.AggregateQuery{By: []incident.Key{incident.KeyUnit}, Distinct: true}
	if _, err := x.Aggregate(t.Context(), q); err != nil || base.asked != 1 {
		t.Errorf("asked the store %d times, %v, want once", base.asked, err)
	}
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Aggregate(t.Context(), q); err != nil || base.asked != 1 {
		t.Errorf("after the index has it: asked the store %d times, %v, want once", base.asked, err)
	}
}
