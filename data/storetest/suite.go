package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/incident"
)

// An empty slice and nil both say that there is none.
var equal = cmp.Options{cmpopts.EquateEmpty()}

// Run holds a store to its contract. open gives a new empty store each time;
// the suite closes it.
func Run(t *testing.T, open func(t *testing.T) incident.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, func(*testing.T) incident.Store)
	}{
		{"Empty", testEmpty},
		{"Cases", testCases},
		{"RoundTrip", testRoundTrip},
		{"Queries", testQueries},
		{"LongIncidents", testLong},
		{"Pages", testPages},
		{"PagesWhileLoading", testPagesWhileLoading},
		{"Aggregates", testAggregates},
		{"LongLists", testLongLists},
		{"OddDates", testOddDates},
		{"ForeignFilter", testForeignFilter},
		{"Upsert", testUpsert},
		{"BulkUpsert", testBulkUpsert},
		{"RandomLoads", testRandomLoads},
		{"Atomic", testAtomic},
		{"Refused", testRefused},
		{"Datasets", testDatasets},
		{"Remove", testRemove},
		{"Imports", testImports},
		{"Replace", testReplace},
		{"Revert", testRevert},
		{"SetDataset", testSetDataset},
		{"Publication", testPublication},
		{"Tokens", testTokens},
		{"Audit", testAudit},
		{"RandomUndo", testRandomUndo},
		{"Links", testLinks},
		{"Distinct", testDistinct},
		{"RandomLinks", testRandomLinks},
		{"Context", testContext},
		{"Concurrent", testConcurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open) })
	}
}

func opened(t *testing.T, open func(*testing.T) incident.Store) incident.Store {
	t.Helper()
	s := open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Load puts incidents in batches of at most size and finishes the load.
func Load(t testing.TB, s incident.Store, imp incident.Import, size int, all []incident.Incident) incident.PutResult {
	t.Helper()
	l := must(s.Begin(t.Context(), imp))(t)
	var sum incident.PutResult
	for batch := range slices.Chunk(all, size) {
		sum.Add(must(l.Put(t.Context(), batch))(t))
	}
	if err := l.Finish(t.Context(), "{}"); err != nil {
		t.Fatal(err)
	}
	return sum
}

// List reads all incidents of a query.
func List(t testing.TB, s incident.Reader, q incident.Query) []incident.Incident {
	t.Helper()
	var out []incident.Incident
	for in, err := range s.Incidents(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, clone(in))
	}
	return out
}

func imp(dataset string) incident.Import {
	return incident.Import{Dataset: incident.Dataset{Name: dataset}, File: "a.csv", Layout: "table"}
}

// batchOf draws incidents with different keys.
func batchOf(seed, least, most int) []incident.Incident {
	return rapid.SliceOfNDistinct(Incidents(), least, most, func(in incident.Incident) string { return in.ID }).Example(seed)
}

// pair opens a store and the oracle with the same random incidents in both.
func pair(t *testing.T, open func(*testing.T) incident.Store, seed, n int) (s, oracle incident.Store) {
	t.Helper()
	s, oracle = opened(t, open), NewNaive()
	all := batchOf(seed, n, n)
	Load(t, s, imp("ged"), 64, all)
	Load(t, oracle, imp("ged"), 64, all)
	return s, oracle
}

func testEmpty(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	ctx := t.Context()
	if n := must(s.Count(ctx, nil))(t); n != 0 {
		t.Errorf("an empty store counts %d", n)
	}
	if l := List(t, s, incident.Query{Order: incident.ByStartRev, Limit: 5}); len(l) != 0 {
		t.Errorf("an empty store lists %d", len(l))
	}
	if g := must(s.Aggregate(ctx, incident.AggregateQuery{By: []incident.Key{incident.KeyMonth}}))(t); len(g) != 0 {
		t.Errorf("an empty store has groups %v", g)
	}
	if d := must(s.Datasets(ctx))(t); len(d) != 0 {
		t.Errorf("an empty store has datasets %v", d)
	}
	for _, id := range []string{"1", "0", "", "i0000000000000", "-1", "99999999999999999999", "1 OR 1=1"} {
		if _, err := s.Incident(ctx, id); incident.CodeOf(err) != incident.CodeNotFound {
			t.Errorf("Incident(%q) fails with %v, want not found", id, err)
		}
	}
}

// fixed are incidents for hand-written expectations; their numbers are 1 to 6.
func fixed() []incident.Incident {
	d := func(s string) incident.Day {
		v, err := incident.ParseDay(s)
		if err != nil {
			panic(err)
		}
		return v
	}
	mk := func(n int, start, end, country, unit string, best incident.Figure, p *orb.Point) incident.Incident {
		in := incident.Incident{Dataset: "fixed", SourceID: fmt.Sprint(n), Start: d(start), End: d(end), Country: country, UnitID: unit, Best: best}
		in.ID = incident.ID(in.Dataset, in.SourceID)
		if p != nil {
			in.Point, in.HasPoint = *p, true
		}
		return in
	}
	all := []incident.Incident{
		mk(1, "2020-01-01", "2020-01-01", "PK", "pk-kp-kurram", incident.Known(0), &orb.Point{70, 34}),
		mk(2, "2020-01-31", "2020-02-02", "AF", "af-kan", incident.Figure{}, &orb.Point{66, 31}),
		mk(3, "2019-01-01", "2020-12-31", "PK", "", incident.Known(5), nil),
		mk(4, "2020-02-01", "2020-02-01", "PK", "pk-kp-kurram", incident.Known(2), &orb.Point{70.5, 34}),
		mk(5, "2021-01-03", "2021-01-04", "", "", incident.Figure{}, &orb.Point{0, 0}),
		mk(6, "2020-02-01", "2020-02-01", "AF", "af-kan", incident.Known(1), &orb.Point{66, 31}),
	}
	all[0].Actor1, all[0].AssocActors, all[0].Summary = "Armed group A", []string{"Police", "Frontier Corps"}, "Attack on a convoy near Parachinar"
	all[3].Border = incident.BorderDistance{Known: true, MinKM: 3, MaxKM: 9, Side: incident.SidePK}
	return all
}

// testCases holds a store, and the oracle too, to answers written by hand.
func testCases(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	Load(t, s, imp("fixed"), 100, fixed())
	days := func(from, to string) incident.During {
		a, _ := incident.ParseDay(from)
		b, _ := incident.ParseDay(to)
		return incident.During{From: a, To: b}
	}
	eq := func(p incident.Property, v string) incident.Filter {
		return incident.Compare{Property: p, Op: incident.Eq, Value: incident.TextValue(v)}
	}
	best := func(op incident.Op, n float64) incident.Filter {
		return incident.Compare{Property: "fatalities_best", Op: op, Value: incident.NumberValue(n)}
	}
	for _, c := range []struct {
		name   string
		filter incident.Filter
		want   []int64
	}{
		{"all", nil, []int64{1, 2, 3, 4, 5, 6}},
		{"empty and", incident.And{}, []int64{1, 2, 3, 4, 5, 6}},
		{"empty or", incident.Or{}, nil},
		{"one day, and what began before it", days("2020-02-01", "2020-02-01"), []int64{2, 3, 4, 6}},
		{"last day of a range belongs to it", days("2020-02-02", "2020-12-30"), []int64{2, 3}},
		{"wider than the data", days("0001-01-01", "9999-12-31"), []int64{1, 2, 3, 4, 5, 6}},
		{"before all", days("0001-01-01", "2018-12-31"), nil},
		{"upside down", days("2020-03-01", "2020-01-15"), []int64{3}},
		{"box, edges belong to it", incident.Box{Bound: orb.Bound{Min: orb.Point{66, 31}, Max: orb.Point{70, 34}}}, []int64{1, 2, 6}},
		{"not in a box is also what has no point", incident.Not{Of: incident.Box{Bound: orb.Bound{Min: orb.Point{66, 31}, Max: orb.Point{70, 34}}}}, []int64{3, 4, 5}},
		{"box and day", incident.And{incident.Box{Bound: orb.Bound{Min: orb.Point{60, 30}, Max: orb.Point{70, 34}}}, days("2020-02-01", "2020-02-01")}, []int64{2, 6}},
		{"zero is reported", best(incident.Le, 1), []int64{1, 6}},
		{"not of unknown is unknown", incident.Not{Of: best(incident.Le, 1)}, []int64{3, 4}},
		{"null", incident.IsNull{Property: "fatalities_best"}, []int64{2, 5}},
		{"not null", incident.Not{Of: incident.IsNull{Property: "unit_id"}}, []int64{1, 2, 4, 6}},
		{"text against a number is unknown", incident.Not{Of: incident.Compare{Property: "country", Op: incident.Eq, Value: incident.NumberValue(1)}}, nil},
		{"unknown or true", incident.Or{best(incident.Gt, 100), eq("country", "AF")}, []int64{2, 6}},
		{"in", incident.In{Property: "unit_id", Values: []string{"af-kan", "pk-kp-kurram", "x"}}, []int64{1, 2, 4, 6}},
		{"two ins", incident.And{incident.In{Property: "unit_id", Values: []string{"af-kan", "x"}}, incident.In{Property: "unit_id", Values: []string{"af-kan", "pk-kp-kurram"}}}, []int64{2, 6}},
		{"not in leaves out null", incident.Not{Of: incident.In{Property: "unit_id", Values: []string{"af-kan"}}}, []int64{1, 4}},
		{"not in nothing leaves out null", incident.Not{Of: incident.In{Property: "country", Values: nil}}, []int64{1, 2, 3, 4, 6}},
		{"like", incident.Like{Property: "unit_id", Pattern: "pk-%-kurra_"}, []int64{1, 4}},
		{"like of dates", incident.Like{Property: "start_date", Pattern: "2020-02-%"}, []int64{4, 6}},
		{"words of actors", incident.ActorHas{Words: "frontier ARMED"}, []int64{1}},
		{"words of the summary are no actors", incident.ActorHas{Words: "convoy"}, nil},
		{"words of the text", incident.TextHas{Words: "parachinar CONVOY"}, []int64{1}},
		{"no words", incident.And{incident.TextHas{}, eq("country", "AF")}, []int64{2, 6}},
		{"near the border", incident.NearBorder{KM: 3}, []int64{4}},
		{"not near is unknown without a distance", incident.Not{Of: incident.NearBorder{KM: 3}}, nil},
		// 2020-02-01 begins at 19:00 UTC the day before in Pakistan, at 19:30 in Afghanistan.
		{"instants, up to 19:29:59 UTC", incident.DuringInstants{From: 1580497999, To: 1580498999}, []int64{2, 3, 4}},
		{"instants, 19:30 UTC", incident.DuringInstants{From: 1580499000, To: 1580499000}, []int64{2, 3, 4, 6}},
		{"quotes are data", eq("country", "PK' OR '1'='1"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []int64
			for _, in := range List(t, s, incident.Query{Filter: c.filter}) {
				got = append(got, in.FID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if n := must(s.Count(t.Context(), c.filter))(t); n != len(c.want) {
				t.Errorf("Count is %d, want %d", n, len(c.want))
			}
		})
	}

	var order []int64
	for _, in := range List(t, s, incident.Query{Order: incident.ByStartRev, Limit: 4}) {
		order = append(order, in.FID)
	}
	if want := []int64{5, 6, 4, 2}; !slices.Equal(order, want) {
		t.Errorf("newest first: %v, want %v", order, want)
	}
	str := func(s string) *string { return &s }
	groups := must(s.Aggregate(t.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyUnit, incident.KeyMonth}}))(t)
	want := []incident.Group{
		{Keys: []*string{nil, str("2019-01")}, Count: 1, Best: incident.Known(5), UnknownLow: 1, UnknownHigh: 1},
		{Keys: []*string{nil, str("2021-01")}, Count: 1, UnknownFatalities: 1, UnknownLow: 1, UnknownHigh: 1},
		{Keys: []*string{str("af-kan"), str("2020-01")}, Count: 1, UnknownFatalities: 1, UnknownLow: 1, UnknownHigh: 1},
		{Keys: []*string{str("af-kan"), str("2020-02")}, Count: 1, Best: incident.Known(1), UnknownLow: 1, UnknownHigh: 1},
		{Keys: []*string{str("pk-kp-kurram"), str("2020-01")}, Count: 1, Best: incident.Known(0), UnknownLow: 1, UnknownHigh: 1},
		{Keys: []*string{str("pk-kp-kurram"), str("2020-02")}, Count: 1, Best: incident.Known(2), UnknownLow: 1, UnknownHigh: 1},
	}
	if d := cmp.Diff(want, groups, equal); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
	weeks := must(s.Aggregate(t.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyWeek}, Filter: eq("country", "")}))(t)
	if len(weeks) != 0 { // an empty text is null, and nothing equals null
		t.Errorf("groups of no country: %v", weeks)
	}
	weeks = must(s.Aggregate(t.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyWeek}, Filter: incident.IsNull{Property: "country"}}))(t)
	if d := cmp.Diff([]incident.Group{{Keys: []*string{str("2020-W53")}, Count: 1, UnknownFatalities: 1, UnknownLow: 1, UnknownHigh: 1}}, weeks, equal); d != "" {
		t.Errorf("weeks (-want +got):\n%s", d)
	}
}

func testRoundTrip(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	rapid.Check(t, func(rt *rapid.T) {
		in := Incidents().Draw(rt, "incident")
		Load(t, s, imp(in.Dataset), 1, []incident.Incident{in})
		got := must(s.Incident(t.Context(), in.ID))(t)
		if got.FID == 0 {
			rt.Fatal("no FID was given")
		}
		byFID := must(s.Incident(t.Context(), strconv.FormatInt(got.FID, 10)))(t)
		if d := cmp.Diff(got, byFID, equal); d != "" {
			rt.Fatalf("by ID and by FID differ:\n%s", d)
		}
		in.FID = got.FID
		// What differs only in file and line is unchanged and keeps those of before.
		in.File, in.Line, got.File, got.Line = "", 0, "", 0
		if d := cmp.Diff(&in, got, equal); d != "" {
			rt.Fatalf("what came back differs (-put +got):\n%s", d)
		}
	})
	// File and line of an incident that is new.
	fresh := batchOf(1, 30, 30)
	s2 := opened(t, open)
	Load(t, s2, imp("ged"), 30, fresh)
	for i := range fresh {
		fresh[i].FID = int64(i + 1)
	}
	if d := cmp.Diff(fresh, List(t, s2, incident.Query{}), equal); d != "" {
		t.Errorf("what came back differs (-put +got):\n%s", d)
	}
}

func orders() *rapid.Generator[incident.Order] {
	return rapid.SampledFrom([]incident.Order{incident.ByFID, incident.ByStart, incident.ByStartRev})
}

func testQueries(t *testing.T, open func(*testing.T) incident.Store) {
	s, oracle := pair(t, open, 7, 250)
	rapid.Check(t, func(rt *rapid.T) {
		for range 4 {
			q := incident.Query{Filter: Filters(3).Draw(rt, "filter"), Order: orders().Draw(rt, "order"), Limit: rapid.SampledFrom([]int{0, 0, 1, 10}).Draw(rt, "limit")}
			if rapid.Bool().Draw(rt, "after") {
				q.After = &incident.Cursor{FID: int64(rapid.IntRange(0, 250).Draw(rt, "fid")), Start: day().Draw(rt, "start")}
			}
			if d := cmp.Diff(List(t, oracle, q), List(t, s, q), equal); d != "" {
				rt.Fatalf("%+v (-oracle +store):\n%s", q, d)
			}
			want, got := must(oracle.Count(t.Context(), q.Filter))(t), must(s.Count(t.Context(), q.Filter))(t)
			if want != got {
				rt.Fatalf("Count(%+v) is %d, want %d", q.Filter, got, want)
			}
		}
	})
}

// testLong looks at incidents of all lengths in windows at all places.
func testLong(t *testing.T, open func(*testing.T) incident.Store) {
	s, oracle := opened(t, open), NewNaive()
	var all []incident.Incident
	for length := 1; length < 1<<13; length = length*3/2 + 1 {
		for k := range 3 {
			in := incident.Incident{Dataset: "long", SourceID: fmt.Sprint(length, "-", k), Start: firstDay - incident.Day(length*k/2)}
			in.End, in.ID = in.Start+incident.Day(length-1), incident.ID("long", fmt.Sprint(length, "-", k))
			all = append(all, in)
		}
	}
	Load(t, s, imp("long"), 7, all)
	Load(t, oracle, imp("long"), 7, all)
	rapid.Check(t, func(rt *rapid.T) {
		from := firstDay + incident.Day(rapid.IntRange(-9000, 9000).Draw(rt, "from"))
		q := incident.Query{Filter: incident.During{From: from, To: from + incident.Day(rapid.SampledFrom([]int{0, 1, 30, 4000}).Draw(rt, "days"))}, Order: orders().Draw(rt, "order")}
		if d := cmp.Diff(List(t, oracle, q), List(t, s, q), equal); d != "" {
			rt.Fatalf("%+v (-oracle +store):\n%s", q, d)
		}
	})
}

func testPages(t *testing.T, open func(*testing.T) incident.Store) {
	s, _ := pair(t, open, 11, 200)
	for _, order := range []incident.Order{incident.ByFID, incident.ByStart, incident.ByStartRev} {
		for _, f := range []incident.Filter{nil, incident.During{From: firstDay, To: firstDay + 20}, incident.In{Property: "country", Values: []string{"PK"}}} {
			whole := List(t, s, incident.Query{Filter: f, Order: order})
			var paged []incident.Incident
			var after *incident.Cursor
			for {
				page := List(t, s, incident.Query{Filter: f, Order: order, Limit: 7, After: after})
				paged = append(paged, page...)
				if len(page) < 7 {
					break
				}
				last := page[len(page)-1]
				after = &incident.Cursor{FID: last.FID, Start: last.Start}
			}
			if d := cmp.Diff(whole, paged, equal); d != "" {
				t.Errorf("order %v, filter %v: pages differ from the whole:\n%s", order, f, d)
			}
		}
	}
}

// testPagesWhileLoading turns pages while incidents are added and changed: what
// was there from the beginning and does not change comes exactly once.
func testPagesWhileLoading(t *testing.T, open func(*testing.T) incident.Store) {
	for _, order := range []incident.Order{incident.ByFID, incident.ByStart, incident.ByStartRev} {
		s := opened(t, open)
		all := Plain(400, 3)
		Load(t, s, imp("plain"), 100, all[:200])
		seen := map[string]int{}
		var after *incident.Cursor
		for page := 0; ; page++ {
			var last *incident.Cursor
			for in, err := range s.Incidents(t.Context(), incident.Query{Order: order, After: after, Limit: 10}) {
				if err != nil {
					t.Fatal(err)
				}
				seen[in.ID]++
				last = &incident.Cursor{FID: in.FID, Start: in.Start}
			}
			if last == nil {
				break
			}
			after = last
			if page < 20 {
				Load(t, s, imp("plain"), 100, all[200+10*page:210+10*page])
			}
		}
		for i := range all {
			if n := seen[all[i].ID]; n > 1 || i < 200 && n == 0 {
				t.Errorf("order %v: incident %d came %d times", order, i, n)
			}
		}
	}
}

func testAggregates(t *testing.T, open func(*testing.T) incident.Store) {
	s, oracle := pair(t, open, 5, 250)
	check := func(q incident.AggregateQuery) string {
		return cmp.Diff(must(oracle.Aggregate(t.Context(), q))(t), must(s.Aggregate(t.Context(), q))(t), equal)
	}
	// Every combination of one, two and three keys, now with a window and now without.
	during := incident.During{From: firstDay + 10, To: firstDay + 30}
	n := len(incident.Keys)
	for i := range n {
		for j := i; j < n; j++ {
			for k := j; k < n; k++ {
				by := slices.Compact([]incident.Key{incident.Keys[i], incident.Keys[j], incident.Keys[k]})
				q := incident.AggregateQuery{By: by}
				if (i+j+k)%2 == 0 {
					slices.Reverse(by)
					q.Filter = during
				}
				if d := check(q); d != "" {
					t.Fatalf("%+v (-oracle +store):\n%s", q, d)
				}
			}
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := incident.AggregateQuery{Filter: Filters(2).Draw(rt, "filter")}
		q.By = rapid.SliceOfNDistinct(rapid.SampledFrom(incident.Keys), 1, 3, rapid.ID[incident.Key]).Draw(rt, "by")
		if d := check(q); d != "" {
			rt.Fatalf("%+v (-oracle +store):\n%s", q, d)
		}
	})
	for _, by := range [][]incident.Key{nil, {"nothing"}, {"unit", "day", "week", "month"}, {"unit", "unit"}} {
		if _, err := s.Aggregate(t.Context(), incident.AggregateQuery{By: by}); incident.CodeOf(err) != incident.CodeInvalid {
			t.Errorf("by %v: %v, want invalid", by, err)
		}
	}
}

func testLongLists(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	Load(t, s, imp("plain"), 100, Plain(100, 1))
	var values []string
	var and incident.And
	for i := range 5000 {
		values = append(values, "plain"+strconv.Itoa(i))
		and = append(and, incident.Compare{Property: "country", Op: incident.Ne, Value: incident.TextValue(values[i])})
	}
	if n := must(s.Count(t.Context(), incident.In{Property: "dataset", Values: append(values, "plain")}))(t); n != 100 {
		t.Errorf("a long list finds %d", n)
	}
	if n := must(s.Count(t.Context(), incident.Not{Of: incident.In{Property: "unit_id", Values: values}}))(t); n != 100 {
		t.Errorf("not in a long list finds %d", n)
	}
	if n := must(s.Count(t.Context(), and))(t); n != 100 {
		t.Errorf("a conjunction of %d finds %d", len(and), n)
	}
	// Nested without end: an answer or a refusal, no fault.
	var deep incident.Filter = incident.IsNull{Property: "time_precision"}
	for range 10000 {
		deep = incident.Not{Of: deep}
	}
	if n, err := s.Count(t.Context(), deep); err == nil && n != 0 || err != nil && incident.CodeOf(err) != incident.CodeInvalid {
		t.Errorf("a filter of 10,000 levels: %d, %v", n, err)
	}
}

// testOddDates compares days with texts that are none.
func testOddDates(t *testing.T, open func(*testing.T) incident.Store) {
	s, oracle := opened(t, open), NewNaive()
	all := fixed()
	all[0].Start = incident.MinDay
	Load(t, s, imp("fixed"), 10, all)
	Load(t, oracle, imp("fixed"), 10, all)
	for _, text := range []string{"", "1", "0001", "2", "9e9", "x"} {
		for _, op := range []incident.Op{incident.Lt, incident.Le, incident.Gt, incident.Ge, incident.Eq, incident.Ne} {
			f := incident.Compare{Property: "start_date", Op: op, Value: incident.TextValue(text)}
			if want, got := must(oracle.Count(t.Context(), f))(t), must(s.Count(t.Context(), f))(t); got != want {
				t.Errorf("start_date %s %q finds %d, want %d", op, text, got, want)
			}
		}
	}
}

// odd is a filter that no store knows.
type odd struct{}

func (odd) Match(in *incident.Incident) incident.Truth {
	if in.FID%2 == 1 {
		return incident.True
	}
	return incident.Unknown
}

// testForeignFilter asks with a node of another package: stores fall back on Match.
func testForeignFilter(t *testing.T, open func(*testing.T) incident.Store) {
	s, oracle := pair(t, open, 2, 100)
	for _, f := range []incident.Filter{odd{}, incident.Not{Of: odd{}}, incident.And{incident.During{From: firstDay, To: firstDay + 30}, odd{}},
		incident.Or{odd{}, incident.In{Property: "country", Values: []string{"PK"}}}} {
		for _, order := range []incident.Order{incident.ByFID, incident.ByStart} {
			q := incident.Query{Filter: f, Limit: 20, Order: order}
			if d := cmp.Diff(List(t, oracle, q), List(t, s, q), equal); d != "" {
				t.Errorf("%+v:\n%s", f, d)
			}
		}
		if want, got := must(oracle.Count(t.Context(), f))(t), must(s.Count(t.Context(), f))(t); want != got {
			t.Errorf("Count(%+v) is %d, want %d", f, got, want)
		}
		a := incident.AggregateQuery{By: []incident.Key{incident.KeyCountry, incident.KeyYear}, Filter: f}
		if d := cmp.Diff(must(oracle.Aggregate(t.Context(), a))(t), must(s.Aggregate(t.Context(), a))(t), equal); d != "" {
			t.Errorf("groups of %+v:\n%s", f, d)
		}
	}
}

func testUpsert(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	change := func() int64 { return must(s.Change(t.Context()))(t) }
	all := fixed()
	before := change()
	if r := Load(t, s, imp("fixed"), 4, all); r != (incident.PutResult{New: 6}) {
		t.Fatalf("first load: %+v", r)
	}
	if c := change(); c <= before {
		t.Errorf("the change number went from %d to %d with a load", before, c)
	}
	loaded := change()
	again := fixed()
	for i := range again {
		again[i].File, again[i].Line = "other.csv", 900+i
	}
	if r := Load(t, s, imp("fixed"), 4, again); r != (incident.PutResult{Unchanged: 6}) {
		t.Fatalf("the same again: %+v", r)
	}
	if c := change(); c != loaded {
		t.Errorf("the change number went from %d to %d without a change", loaded, c)
	}
	again[1].Best = incident.Known(0) // null and 0 differ
	again[3].Summary = "Another word"
	again = append(again, incident.Incident{ID: "inew", Dataset: "fixed", SourceID: "7", Start: 1, End: 1})
	if r := Load(t, s, imp("fixed"), 100, again); r != (incident.PutResult{New: 1, Changed: 2, Unchanged: 4}) {
		t.Fatalf("with changes: %+v", r)
	}
	if c := change(); c <= loaded {
		t.Errorf("the change number went from %d to %d with changes", loaded, c)
	}
	got := List(t, s, incident.Query{})
	if len(got) != 7 || got[1].Best != incident.Known(0) || got[3].Summary != "Another word" || got[3].File != "other.csv" || got[3].FID != 4 {
		t.Errorf("after changes: %+v", got)
	}
	// The same key twice in a batch: the later one stands.
	twice := []incident.Incident{again[6], again[6]}
	twice[0].Summary, twice[1].Summary = "first", "second"
	twice[0].ID, twice[1].ID = "itwice", "itwice"
	if r := Load(t, s, imp("fixed"), 10, twice); r != (incident.PutResult{New: 1, Changed: 1}) {
		t.Errorf("twice in a batch: %+v", r)
	}
	if in := must(s.Incident(t.Context(), "itwice"))(t); in.Summary != "second" {
		t.Errorf("twice in a batch left %q", in.Summary)
	}
}

// testBulkUpsert loads more than stores put indexes off for, with repeated keys.
func testBulkUpsert(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	all := Plain(3000, 9)
	changed := slices.Clone(all[:50])
	for i := range changed {
		changed[i].Best, changed[i].UnitID = incident.Known(99), "moved"
	}
	l := must(s.Begin(t.Context(), imp("plain")))(t)
	var sum incident.PutResult
	for _, batch := range [][]incident.Incident{all[:2000], append(slices.Clone(all[1990:2010]), changed...), all[2000:], changed[:10]} {
		sum.Add(must(l.Put(t.Context(), batch))(t))
	}
	if n := must(s.Count(t.Context(), incident.In{Property: "unit_id", Values: []string{"moved"}}))(t); n != 50 {
		t.Errorf("while loading, %d are moved, want 50", n)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if want := (incident.PutResult{New: 3000, Changed: 50, Unchanged: 10 + 10 + 10}); sum != want {
		t.Errorf("sum %+v, want %+v", sum, want)
	}
	if n := must(s.Count(t.Context(), nil))(t); n != 3000 {
		t.Errorf("%d are stored, want 3000", n)
	}
	if r := Load(t, s, imp("plain"), 1000, all[50:]); r != (incident.PutResult{Unchanged: 2950}) {
		t.Errorf("again: %+v", r)
	}
}

// testRandomLoads loads random batches into a store and the oracle and compares them after each.
func testRandomLoads(t *testing.T, open func(*testing.T) incident.Store) {
	for seed := range 3 {
		s, oracle := opened(t, open), NewNaive()
		for step := range 12 {
			n := seed*100 + step
			batch := rapid.SliceOfN(Incidents(), 0, 40).Example(n)
			im := imp(someDatasets[step%3])
			im.Atomic = step%4 == 1
			im.Dataset.Sample = step%3 == 2
			switch step % 6 {
			case 4:
				name := someDatasets[seed]
				a, errA := s.RemoveDataset(t.Context(), name)
				b, errB := oracle.RemoveDataset(t.Context(), name)
				if a != b || incident.CodeOf(errA) != incident.CodeOf(errB) {
					t.Fatalf("remove: %d, %v, want %d, %v", a, errA, b, errB)
				}
			default:
				if a, b := Load(t, s, im, 9, batch), Load(t, oracle, im, 9, batch); a != b {
					t.Fatalf("load: %+v, want %+v", a, b)
				}
			}
			if d := cmp.Diff(List(t, oracle, incident.Query{}), List(t, s, incident.Query{}), equal, cmpopts.IgnoreFields(incident.Incident{}, "FID")); d != "" {
				t.Fatalf("step %d (-oracle +store):\n%s", step, d)
			}
			if d := cmp.Diff(must(oracle.Datasets(t.Context()))(t), must(s.Datasets(t.Context()))(t), equal, ignoreMeaningless); d != "" {
				t.Fatalf("datasets after step %d (-oracle +store):\n%s", step, d)
			}
		}
	}
}

// ignoreMeaningless blanks what means nothing in a dataset without incidents.
var ignoreMeaningless = cmp.Transformer("meaningful", func(d incident.DatasetInfo) struct {
	D incident.Dataset
	N int
	A [2]incident.Day
	B []float64
	C []incident.Coverage
} {
	out := struct {
		D incident.Dataset
		N int
		A [2]incident.Day
		B []float64
		C []incident.Coverage
	}{D: d.Dataset, N: d.Count, C: d.Coverage}
	if d.Count > 0 {
		out.A = [2]incident.Day{d.First, d.Last}
	}
	if d.HasBound {
		out.B = []float64{d.Bound.Min[0], d.Bound.Min[1], d.Bound.Max[0], d.Bound.Max[1]}
	}
	return out
})

func testAtomic(t *testing.T, open func(*testing.T) incident.Store) {
	for _, n := range []int{20, 2500} {
		s := opened(t, open)
		all := Plain(n, 4)
		atomic := imp("plain")
		atomic.Atomic = true
		before := must(s.Change(t.Context()))(t)
		l := must(s.Begin(t.Context(), atomic))(t)
		for batch := range slices.Chunk(all, 1000) {
			must(l.Put(t.Context(), batch))(t)
		}
		if c := must(s.Count(t.Context(), nil))(t); c != 0 {
			t.Errorf("an atomic load shows %d before its end", c)
		}
		if err := l.Abort(); err != nil {
			t.Fatal(err)
		}
		if err := l.Abort(); err != nil {
			t.Errorf("a second Abort: %v", err)
		}
		if c, d, g := must(s.Count(t.Context(), nil))(t), must(s.Datasets(t.Context()))(t), must(s.Change(t.Context()))(t); c != 0 || len(d) != 0 || g != before {
			t.Errorf("an aborted atomic load left %d incidents, datasets %v, change %d after %d", c, d, g, before)
		}
		if _, err := l.Put(t.Context(), all[:1]); incident.CodeOf(err) != incident.CodeConflict {
			t.Errorf("Put after Abort: %v", err)
		}
		Load(t, s, atomic, 1000, all)
		if c := must(s.Count(t.Context(), incident.During{From: 0, To: incident.MaxDay}))(t); c != n {
			t.Errorf("an atomic load stored %d of %d", c, n)
		}
		// Not atomic: the batches that were put stay.
		l = must(s.Begin(t.Context(), imp("more")))(t)
		more := Plain(5, 5)
		must(l.Put(t.Context(), more[:3]))(t)
		if err := l.Abort(); err != nil {
			t.Fatal(err)
		}
		if c := must(s.Count(t.Context(), nil))(t); c != n+3 {
			t.Errorf("after Abort %d are stored, want %d", c, n+3)
		}
	}
}

func testRefused(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	if _, err := s.Begin(t.Context(), incident.Import{}); incident.CodeOf(err) != incident.CodeInvalid {
		t.Errorf("a load without a dataset: %v", err)
	}
	l := must(s.Begin(t.Context(), imp("plain")))(t)
	all := Plain(3000, 6)
	must(l.Put(t.Context(), all[:1500]))(t)
	bad := slices.Clone(all[1500:1520])
	bad[10].End = bad[10].Start - 1
	if _, err := l.Put(t.Context(), bad); incident.CodeOf(err) != incident.CodeInvalid {
		t.Errorf("an incident that ends before it starts: %v", err)
	}
	if n := must(s.Count(t.Context(), nil))(t); n != 1500 {
		t.Errorf("a refused batch left %d", n-1500)
	}
	// The load goes on after a refused batch.
	if r := must(l.Put(t.Context(), all[1400:1600]))(t); r != (incident.PutResult{New: 100, Unchanged: 100}) {
		t.Errorf("after a refused batch: %+v", r)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context(), ""); incident.CodeOf(err) != incident.CodeConflict {
		t.Errorf("a second Finish: %v", err)
	}
}

func testDatasets(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	ctx := t.Context()
	im := imp("fixed")
	im.Dataset.Title, im.Dataset.Licence = "Fixed", "CC BY"
	all := fixed()
	Load(t, s, im, 10, all)
	d := must(s.Datasets(ctx))(t)
	from, to := all[2].Start, all[4].End
	want := []incident.DatasetInfo{{
		Dataset: incident.Dataset{Name: "fixed", Title: "Fixed", Licence: "CC BY"}, Count: 6, First: from, Last: to,
		Bound: orb.Bound{Max: orb.Point{70.5, 34}}, HasBound: true,
		Coverage: []incident.Coverage{{Country: "AF", From: from, To: to}, {Country: "PK", From: from, To: to}},
	}}
	if diff := cmp.Diff(want, d, equal); diff != "" {
		t.Errorf("datasets (-want +got):\n%s", diff)
	}
	// Empty fields keep what is there; a flag, once set, stays.
	before := must(s.Change(ctx))(t)
	im.Dataset = incident.Dataset{Name: "fixed", Title: "Renamed", Sample: true}
	Load(t, s, im, 10, all)
	if after := must(s.Change(ctx))(t); after <= before {
		t.Error("a new title did not grow the change number")
	}
	Load(t, s, imp("fixed"), 10, nil)
	d = must(s.Datasets(ctx))(t)
	want[0].Title, want[0].Sample = "Renamed", true
	want[0].Coverage = []incident.Coverage{{Unit: "af-kan", From: all[1].Start, To: all[1].End}, {Unit: "pk-kp-kurram", From: all[0].Start, To: all[3].End}}
	if diff := cmp.Diff(want, d, equal); diff != "" {
		t.Errorf("datasets of a sample (-want +got):\n%s", diff)
	}
	// What moves away shrinks the extent.
	all[4].HasPoint, all[4].Point = false, orb.Point{}
	all[2].Start, all[2].End = all[0].Start, all[0].Start
	Load(t, s, imp("fixed"), 10, all)
	d = must(s.Datasets(ctx))(t)
	if d[0].First != all[0].Start || d[0].Bound != (orb.Bound{Min: orb.Point{66, 31}, Max: orb.Point{70.5, 34}}) {
		t.Errorf("after a move: first %v, bound %v", d[0].First, d[0].Bound)
	}
	// A country with less than a twentieth of the placed incidents is not covered.
	many := Plain(100, 8)
	for i := range many {
		many[i].Country = "PK"
		if i < 4 {
			many[i].Country = "AF"
		}
	}
	Load(t, s, imp("plain"), 50, many)
	d = must(s.Datasets(ctx))(t)
	if len(d) != 2 || d[1].Name != "plain" || len(d[1].Coverage) != 1 || d[1].Coverage[0].Country != "PK" {
		t.Errorf("coverage: %+v", d)
	}
}

func testRemove(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	Load(t, s, imp("fixed"), 10, fixed())
	Load(t, s, imp("plain"), 100, Plain(60, 2))
	before := must(s.Change(t.Context()))(t)
	if _, err := s.RemoveDataset(t.Context(), "nothing"); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("remove what is not there: %v", err)
	}
	if n := must(s.RemoveDataset(t.Context(), "fixed"))(t); n != 6 {
		t.Errorf("removed %d, want 6", n)
	}
	if after := must(s.Change(t.Context()))(t); after <= before {
		t.Error("removing did not grow the change number")
	}
	if n := must(s.Count(t.Context(), incident.During{From: incident.MinDay, To: incident.MaxDay}))(t); n != 60 {
		t.Errorf("%d are left, want 60", n)
	}
	Load(t, s, imp("fixed"), 10, fixed())
	// A number is never given twice: links and pages of before must not show other incidents.
	if in := must(s.Incident(t.Context(), fixed()[0].ID))(t); in.FID <= 66 {
		t.Errorf("the number %d was given again", in.FID)
	}
}

func testContext(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	Load(t, s, imp("plain"), 500, Plain(500, 2))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range s.Incidents(ctx, incident.Query{}) {
		if err != nil {
			last = err
			break
		}
		if n++; n == 3 {
			cancel()
		}
	}
	if n > 400 || !errors.Is(last, context.Canceled) {
		t.Errorf("after the end of the context %d came, and then %v", n, last)
	}
	// The store goes on, also where a walk is left early, within another.
	for in, err := range s.Incidents(t.Context(), incident.Query{Limit: 5}) {
		if err != nil {
			t.Fatal(err)
		}
		for other, err := range s.Incidents(t.Context(), incident.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if other.FID == in.FID {
				break
			}
		}
	}
	if c := must(s.Count(t.Context(), nil))(t); c != 500 {
		t.Errorf("counted %d", c)
	}
}

// testConcurrent reads while it loads: every answer is one of whole batches.
func testConcurrent(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	all := Plain(6000, 12)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				n, err := s.Count(t.Context(), incident.During{From: 0, To: incident.MaxDay})
				if err != nil || n%500 != 0 {
					t.Errorf("while loading: %d, %v", n, err)
					return
				}
				listed := 0
				for _, err := range s.Incidents(t.Context(), incident.Query{}) {
					if err != nil {
						t.Error(err)
						return
					}
					listed++
				}
				if listed%500 != 0 {
					t.Errorf("while loading: %d listed", listed)
					return
				}
			}
		})
	}
	Load(t, s, imp("plain"), 500, all)
	close(stop)
	wg.Wait()
}
