package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/incident"
)

// told returns an incident of a dataset as a source tells it: a battle in
// Kurram on the first day, with 3 dead, at a point of the town.
func told(dataset, id string, change func(*incident.Incident)) incident.Incident {
	in := incident.Incident{Dataset: dataset, SourceID: id, ID: incident.ID(dataset, id), Start: firstDay, End: firstDay, TimePrecision: incident.TimeDay,
		EventType: incident.Battles, Country: "PK", UnitID: "pk-kp-kurram", LocationPrecision: incident.LocSettlement, Point: orb.Point{70.1, 33.9}, HasPoint: true,
		Best: incident.Known(3)}
	if change != nil {
		change(&in)
	}
	return in
}

func testLinks(t *testing.T, open func(*testing.T) incident.Store) {
	const day = incident.Day(1)
	for _, c := range []struct {
		name   string
		change func(a, b *incident.Incident)
		want   []incident.LinkReason // nil for no link
		days   int
		km     float64 // -1 for not known
	}{
		{"all the same", func(a, b *incident.Incident) {}, []incident.LinkReason{"same_day", "same_unit", "within_5_km", "same_event_type", "same_fatalities"}, 0, 0},
		{"a day apart", func(a, b *incident.Incident) { b.Start, b.End = b.Start+day, b.End+day }, []incident.LinkReason{"day_apart", "same_unit", "within_5_km", "same_event_type", "same_fatalities"}, 1, 0},
		{"two days apart", func(a, b *incident.Incident) { b.Start, b.End = b.Start+2*day, b.End+2*day }, nil, 0, 0},
		{"two days each, one after the other", func(a, b *incident.Incident) { a.End++; b.Start, b.End = b.Start+2*day, b.End+3*day },
			[]incident.LinkReason{"day_apart", "same_unit", "within_5_km", "same_event_type", "same_fatalities"}, 1, 0},
		{"three days", func(a, b *incident.Incident) { b.End += 2 }, nil, 0, 0},
		{"some day of a month", func(a, b *incident.Incident) { b.TimePrecision = incident.TimeMonth }, nil, 0, 0},
		{"another type", func(a, b *incident.Incident) { b.EventType = incident.Protests }, nil, 0, 0},
		{"no type", func(a, b *incident.Incident) { a.EventType, b.EventType = "", "" }, nil, 0, 0},
		{"the type of violence", func(a, b *incident.Incident) {
			a.TypeOfViolence, b.TypeOfViolence, b.EventType, b.Best = 2, 2, "", incident.Figure{}
		},
			[]incident.LinkReason{"same_day", "same_unit", "within_5_km", "same_type_of_violence"}, 0, 0},
		{"a battle and state-based violence", func(a, b *incident.Incident) { a.EventType, a.TypeOfViolence = "", 1 },
			[]incident.LinkReason{"same_day", "same_unit", "within_5_km", "compatible_type", "same_fatalities"}, 0, 0},
		{"a battle and non-state violence", func(a, b *incident.Incident) { b.EventType, b.TypeOfViolence = "", 2 },
			[]incident.LinkReason{"same_day", "same_unit", "within_5_km", "compatible_type", "same_fatalities"}, 0, 0},
		{"a bomb and one-sided violence", func(a, b *incident.Incident) {
			a.EventType, a.TypeOfViolence, b.EventType = incident.Civilians, 3, incident.Explosions
		}, []incident.LinkReason{"same_day", "same_unit", "within_5_km", "compatible_type", "same_fatalities"}, 0, 0},
		{"a battle and one-sided violence", func(a, b *incident.Incident) { a.EventType, a.TypeOfViolence = "", 3 }, nil, 0, 0},
		{"an attack on civilians and state-based violence", func(a, b *incident.Incident) {
			a.EventType, a.TypeOfViolence, b.EventType = "", 1, incident.Civilians
		}, nil, 0, 0},
		{"both types of violence, and they differ", func(a, b *incident.Incident) {
			a.EventType, a.TypeOfViolence, b.TypeOfViolence = "", 1, 2
		}, nil, 0, 0},
		{"a protest and state-based violence", func(a, b *incident.Incident) {
			a.EventType, a.TypeOfViolence, b.EventType = "", 1, incident.Protests
		}, nil, 0, 0},
		{"zero is no figure in common", func(a, b *incident.Incident) { a.Best, b.Best = incident.Known(0), incident.Known(0) }, []incident.LinkReason{"same_day", "same_unit", "within_5_km", "same_event_type"}, 0, 0},
		{"a word of the sides", func(a, b *incident.Incident) {
			a.Actor1, b.Actor2 = "Military Forces of Pakistan", "TTP: Tehreek-i-Taliban Pakistan"
			a.Actor2 = "ttp"
		}, []incident.LinkReason{"same_day", "same_unit", "within_5_km", "same_event_type", "same_fatalities", "shared_actor"}, 0, 0},
		{"a dull word", func(a, b *incident.Incident) {
			a.Actor1, b.Actor2 = "Government of Pakistan", "Military Forces of Pakistan"
		},
			[]incident.LinkReason{"same_day", "same_unit", "within_5_km", "same_event_type", "same_fatalities"}, 0, 0},
		{"near, across a border of units", func(a, b *incident.Incident) { b.UnitID, b.Point[0] = "pk-kp-hangu", 70.15 }, []incident.LinkReason{"same_day", "within_5_km", "same_event_type", "same_fatalities"}, 0, 4.61},
		{"without units", func(a, b *incident.Incident) { a.UnitID, b.UnitID = "", "" }, []incident.LinkReason{"same_day", "within_5_km", "same_event_type", "same_fatalities"}, 0, 0},
		{"20 km apart in one unit", func(a, b *incident.Incident) { b.Point[0] += 0.2 }, []incident.LinkReason{"same_day", "same_unit", "same_event_type", "same_fatalities"}, 0, 18.46},
		{"20 km apart, another unit", func(a, b *incident.Incident) { b.UnitID = "pk-kp-hangu"; b.Point[0] += 0.2 }, nil, 0, 0},
		{"30 km apart in one unit", func(a, b *incident.Incident) { b.Point[0] += 0.33 }, nil, 0, 0},
		{"one known to the district", func(a, b *incident.Incident) { b.LocationPrecision, b.Point[0] = incident.LocDistrict, 71 },
			[]incident.LinkReason{"same_day", "same_unit", "same_event_type", "same_fatalities"}, 0, -1},
		{"one without a point", func(a, b *incident.Incident) { a.HasPoint, a.Point = false, orb.Point{} }, []incident.LinkReason{"same_day", "same_unit", "same_event_type", "same_fatalities"}, 0, -1},
		{"known to the province", func(a, b *incident.Incident) {
			a.Country, b.Country, a.UnitID, b.UnitID, b.LocationPrecision = "AF", "AF", "af-hel", "af-hel", incident.LocProvince
		}, nil, 0, 0},
		{"districts of an Afghan province", func(a, b *incident.Incident) {
			a.Country, b.Country, a.UnitID, b.UnitID, b.LocationPrecision = "AF", "AF", "af-hel", "af-hel", incident.LocDistrict
			a.Subunit, b.Subunit = "af-hel-sangin", "af-hel-garmser"
		}, nil, 0, 0},
		{"tehsils of a district", func(a, b *incident.Incident) {
			b.LocationPrecision = incident.LocTehsil
			a.Subunit, b.Subunit = "x", "y"
		},
			[]incident.LinkReason{"same_day", "same_unit", "same_event_type", "same_fatalities"}, 0, -1},
		{"a synthetic one", func(a, b *incident.Incident) { b.Synthetic = true }, nil, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := opened(t, open)
			a, b := told("acled", "1", nil), told("ged", "1", nil)
			c.change(&a, &b)
			Load(t, s, imp("acled"), 10, []incident.Incident{a})
			Load(t, s, imp("ged"), 10, []incident.Incident{b})
			for id, other := range map[string]string{a.ID: b.ID, b.ID: a.ID} {
				got := must(s.Links(t.Context(), id))(t)
				if c.want == nil {
					if len(got) > 0 {
						t.Fatalf("linked: %+v", got)
					}
					continue
				}
				if len(got) != 1 || got[0].ID != other || got[0].Days != c.days || !slices.Equal(got[0].Reasons, c.want) {
					t.Fatalf("got %+v, want %v, %d days", got, c.want, c.days)
				}
				if km := got[0].KM; km.Known != (c.km >= 0) || km.Known && (km.KM < c.km-0.01 || km.KM > c.km+0.01) {
					t.Errorf("distance %+v, want %v", km, c.km)
				}
				if in := must(s.Incident(t.Context(), fmt.Sprint(got[0].FID)))(t); in.ID != other || got[0].Dataset != in.Dataset {
					t.Errorf("link to %+v, which is %s of %s", got[0], in.ID, in.Dataset)
				}
			}
		})
	}

	s := opened(t, open)
	if _, err := s.Links(t.Context(), "nothing"); incident.CodeOf(err) != incident.CodeNotFound {
		t.Errorf("links of nothing: %v", err)
	}
	// Two of one dataset are never the same event, and each has one partner at most.
	Load(t, s, imp("acled"), 10, []incident.Incident{told("acled", "1", nil), told("acled", "2", func(in *incident.Incident) { in.Best = incident.Known(9) })})
	partners := func(id string) (out []string) {
		for _, l := range must(s.Links(t.Context(), id))(t) {
			out = append(out, l.ID)
		}
		return out
	}
	one, two, ged := incident.ID("acled", "1"), incident.ID("acled", "2"), incident.ID("ged", "1")
	if p := partners(one); p != nil {
		t.Errorf("linked within a dataset: %v", p)
	}
	before := must(s.Change(t.Context()))(t)
	Load(t, s, imp("ged"), 10, []incident.Incident{told("ged", "1", func(in *incident.Incident) { in.Best = incident.Known(9) })})
	if p := partners(ged); !slices.Equal(p, []string{two}) || partners(one) != nil {
		t.Errorf("the same figure decides: %v", p)
	}
	after := must(s.Change(t.Context()))(t)
	if after <= before {
		t.Error("the change number did not grow")
	}
	Load(t, s, imp("ged"), 10, []incident.Incident{told("ged", "1", func(in *incident.Incident) { in.Best = incident.Known(9) })})
	if again := must(s.Change(t.Context()))(t); again != after {
		t.Error("the change number grew without a change")
	}
	Load(t, s, imp("ged"), 10, []incident.Incident{told("ged", "1", nil)})
	if p := partners(ged); !slices.Equal(p, []string{one}) {
		t.Errorf("after a change: %v", p)
	}
	// A third dataset is linked with both.
	Load(t, s, imp("list"), 10, []incident.Incident{told("list", "1", nil)})
	if p := partners(incident.ID("list", "1")); !slices.Equal(p, []string{one, ged}) {
		t.Errorf("three datasets: %v", p)
	}
	// A sample is linked with nothing, also when a dataset becomes one.
	sample := imp("list")
	sample.Dataset.Sample = true
	Load(t, s, sample, 10, nil)
	if p := partners(incident.ID("list", "1")); p != nil {
		t.Errorf("a sample: %v", p)
	}
	if _, err := s.Undo(t.Context(), must(s.Imports(t.Context(), "ged"))(t)[0].ID); err != nil {
		t.Fatal(err)
	}
	if p := partners(ged); !slices.Equal(p, []string{two}) {
		t.Errorf("after undo: %v", p)
	}
	must(s.RemoveDataset(t.Context(), "ged"))(t)
	if p := partners(two); p != nil {
		t.Errorf("after the dataset was removed: %v", p)
	}
}

func testDistinct(t *testing.T, open func(*testing.T) incident.Store) {
	s := opened(t, open)
	Load(t, s, imp("acled"), 10, []incident.Incident{
		told("acled", "1", func(in *incident.Incident) { in.Best, in.Low = incident.Figure{}, incident.Known(2) }),
		told("acled", "2", func(in *incident.Incident) { in.Start, in.End = in.Start+90, in.End+90 })})
	Load(t, s, imp("ged"), 10, []incident.Incident{
		told("ged", "1", func(in *incident.Incident) { in.LocationPrecision = incident.LocDistrict; in.Best = incident.Known(5) })})
	str := func(s string) *string { return &s }
	units := incident.AggregateQuery{By: []incident.Key{incident.KeyUnit}, Distinct: true}
	sets := incident.AggregateQuery{By: []incident.Key{incident.KeyDataset}, Distinct: true}
	for _, c := range []struct {
		name string
		q    incident.AggregateQuery
		want []incident.Group
	}{
		{"the one with a figure counts", units, []incident.Group{{Keys: []*string{str("pk-kp-kurram")}, Count: 2, Best: incident.Known(8), UnknownLow: 2, UnknownHigh: 2}}},
		{"in each group one", sets, []incident.Group{
			{Keys: []*string{str("acled")}, Count: 2, Low: incident.Known(2), Best: incident.Known(3), UnknownFatalities: 1, UnknownLow: 1, UnknownHigh: 2},
			{Keys: []*string{str("ged")}, Count: 1, Best: incident.Known(5), UnknownLow: 1, UnknownHigh: 1}}},
		{"of those that the filter lets through", incident.AggregateQuery{By: units.By, Distinct: true, Filter: incident.IsNull{Property: "fatalities_best"}},
			[]incident.Group{{Keys: []*string{str("pk-kp-kurram")}, Count: 1, Low: incident.Known(2), UnknownFatalities: 1, UnknownHigh: 1}}},
		{"without it all", incident.AggregateQuery{By: units.By}, []incident.Group{{Keys: []*string{str("pk-kp-kurram")}, Count: 3, Low: incident.Known(2), Best: incident.Known(8), UnknownFatalities: 1, UnknownLow: 2, UnknownHigh: 3}}},
		{"under another unit", incident.AggregateQuery{By: units.By, Distinct: true, Under: func(u string) string { return "then-" + u }},
			[]incident.Group{{Keys: []*string{str("then-pk-kp-kurram")}, Count: 2, Best: incident.Known(8), UnknownLow: 2, UnknownHigh: 2}}},
	} {
		if d := cmp.Diff(c.want, must(s.Aggregate(t.Context(), c.q))(t), equal); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// smallWorld draws incidents of a dataset so close to each other that many may be the same.
func smallWorld(r *rand.Rand, dataset string, n int) []incident.Incident {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var out []incident.Incident
	for range n {
		id := fmt.Sprint(r.IntN(60))
		in := told(dataset, id, func(in *incident.Incident) {
			in.Start = firstDay + incident.Day(r.IntN(8))
			in.End = in.Start + incident.Day(max(0, r.IntN(6)-3))
			in.EventType = incident.EventType(pick("", "Battles", "Battles", "Protests"))
			in.TypeOfViolence = incident.TypeOfViolence(r.IntN(3))
			in.Country = pick("PK", "AF", "AF")
			in.UnitID, in.Subunit = pick("", "u", "u", "v"), pick("", "", "s", "t")
			in.LocationPrecision = incident.LocationPrecisions[r.IntN(7)]
			in.Point = orb.Point{70 + 0.4*r.Float64(), 33 + 0.3*r.Float64()}
			if r.IntN(8) == 0 {
				in.Point = orb.Point{179.99, 60}
			}
			if r.IntN(8) == 0 {
				in.Point = orb.Point{-179.98, 60.01}
			}
			in.HasPoint = r.IntN(6) > 0
			in.Best = incident.Figure{N: r.IntN(3), Known: r.IntN(3) > 0}
			if !in.Best.Known {
				in.Best.N = 0
			}
			in.Low = in.Best
			in.Actor1, in.Actor2 = pick("", "Taliban", "Police of Kurram", "Taliban\x1fin pieces"), pick("", "ISKP (Khorasan)", "Afghan Taliban", "the 10 TTP")
			in.TimePrecision = incident.TimePrecision(pick("day", "day", "", "month"))
		})
		if !slices.ContainsFunc(out, func(o incident.Incident) bool { return o.ID == in.ID }) {
			out = append(out, in)
		}
	}
	return out
}

// linksByID lists all links of a store. Row numbers are replaced by what they stand for.
func linksByID(t testing.TB, s incident.Store) map[string][]incident.Link {
	t.Helper()
	ids, out := map[int64]string{}, map[string][]incident.Link{}
	for _, in := range List(t, s, incident.Query{}) {
		ids[in.FID] = in.ID
	}
	for fid, id := range ids {
		links := must(s.Links(t.Context(), fmt.Sprint(fid)))(t)
		for i := range links {
			if ids[links[i].FID] != links[i].ID {
				t.Errorf("link to number %d, which is not %s", links[i].FID, links[i].ID)
			}
			links[i].FID = 0
		}
		if links != nil {
			out[id] = links
		}
	}
	return out
}

var nearly = cmp.Options{equal, cmpopts.EquateApprox(0, 1e-6)}

// testRandomLinks compares the links of random small worlds with the oracle,
// and counts with and without likely duplicates.
func testRandomLinks(t *testing.T, open func(*testing.T) incident.Store) {
	sets := []string{"acled", "ged", "list", "sample"}
	found := 0
	for seed := range 8 {
		r := rand.New(rand.NewPCG(uint64(seed), 3))
		s, oracle := opened(t, open), NewNaive()
		var done []int64
		for step := range 10 {
			what := fmt.Sprintf("seed %d, step %d", seed, step)
			name := sets[r.IntN(len(sets))]
			switch n := r.IntN(8); {
			case n == 0:
				_, errA := oracle.RemoveDataset(t.Context(), name)
				_, errB := s.RemoveDataset(t.Context(), name)
				if incident.CodeOf(errA) != incident.CodeOf(errB) {
					t.Fatalf("%s: %v, want %v", what, errB, errA)
				}
			case n <= 2 && len(done) > 0:
				id := done[r.IntN(len(done))]
				_, errA := oracle.Undo(t.Context(), id)
				_, errB := s.Undo(t.Context(), id)
				if incident.CodeOf(errA) != incident.CodeOf(errB) {
					t.Fatalf("%s: %v, want %v", what, errB, errA)
				}
			default:
				im := imp(name)
				im.Replace, im.Atomic, im.Dataset.Sample = n == 3, n == 4, name == "sample"
				batch := smallWorld(r, name, 40)
				for _, st := range []incident.Store{oracle, s} {
					l, _, _ := put(t, st, im, batch)
					if n != 5 {
						finish(t, l, "{}")
					} else if err := l.Abort(); err != nil { // what was put stays
						t.Fatal(err)
					}
				}
				done = append(done, must(oracle.Imports(t.Context(), ""))(t)[0].ID)
			}
			want := linksByID(t, oracle)
			found += len(want)
			if d := cmp.Diff(want, linksByID(t, s), nearly); d != "" {
				t.Fatalf("%s: links (-oracle +store):\n%s", what, d)
			}
			for _, by := range [][]incident.Key{{incident.KeyUnit}, {incident.KeyDataset, incident.KeyDay}, {incident.KeyTypeOfViolence}, {incident.KeyCountry, incident.KeyPrecision, incident.KeyMonth}} {
				q := incident.AggregateQuery{By: by, Distinct: true}
				if step%2 == 0 {
					q.Under = func(u string) string { return u[:1] + "-of-then" }
				}
				if d := cmp.Diff(must(oracle.Aggregate(t.Context(), q))(t), must(s.Aggregate(t.Context(), q))(t), equal); d != "" {
					t.Fatalf("%s: distinct by %v (-oracle +store):\n%s", what, by, d)
				}
			}
		}
		rapid.Check(t, func(rt *rapid.T) {
			q := incident.AggregateQuery{Distinct: true, Filter: Filters(2).Draw(rt, "filter")}
			switch rapid.IntRange(0, 3).Draw(rt, "sort of filter") {
			case 0:
				q.Filter = incident.During{From: firstDay + incident.Day(rapid.IntRange(0, 5).Draw(rt, "from")), To: firstDay + incident.Day(rapid.IntRange(3, 9).Draw(rt, "to"))}
			case 1:
				q.Filter = oddSource{}
			}
			q.By = rapid.SliceOfNDistinct(rapid.SampledFrom(incident.Keys), 1, 3, rapid.ID[incident.Key]).Draw(rt, "by")
			if d := cmp.Diff(must(oracle.Aggregate(t.Context(), q))(t), must(s.Aggregate(t.Context(), q))(t), equal); d != "" {
				rt.Fatalf("%+v (-oracle +store):\n%s", q, d)
			}
		})
		// The same incidents in another order, and so with other numbers.
		other := opened(t, open)
		all := List(t, s, incident.Query{})
		slices.Reverse(all)
		for _, name := range slices.Backward(sets) {
			im := imp(name)
			im.Dataset.Sample = name == "sample"
			Load(t, other, im, 7, slices.DeleteFunc(slices.Clone(all), func(in incident.Incident) bool { return in.Dataset != name }))
		}
		if d := cmp.Diff(linksByID(t, s), linksByID(t, other), nearly); d != "" {
			t.Fatalf("seed %d, loaded in another order (-first +second):\n%s", seed, d)
		}
	}
	if found < 500 {
		t.Errorf("the worlds have only %d links", found)
	}
}

// oddSource is a filter that no store knows and that does not ask for row numbers.
type oddSource struct{}

func (oddSource) Match(in *incident.Incident) incident.Truth {
	if in.ID[13]%2 == 1 {
		return incident.True
	}
	return incident.False
}
