package incident

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/paulmach/orb"
)

func linkable(dataset string, n int, change func(*Incident)) Incident {
	id := fmt.Sprint(n)
	in := Incident{FID: int64(n), Dataset: dataset, SourceID: id, ID: ID(dataset, id), Start: 18000, End: 18000, EventType: Battles, Country: "PK",
		UnitID: "u", LocationPrecision: LocSettlement, Point: orb.Point{70, 34}, HasPoint: true}
	if change != nil {
		change(&in)
	}
	return in
}

func linksOf(list ...Incident) ([]Pair, []Member) {
	l := NewLinker(len(list))
	for i := range list {
		l.Add(&list[i])
	}
	return l.Links()
}

// A cluster never has two incidents of a dataset, although links lead from one to the other.
func TestClustersKeepADatasetApart(t *testing.T) {
	at := func(lon float64, best int) func(*Incident) {
		return func(in *Incident) { in.Point[0], in.Best = lon, Known(best) }
	}
	// c is close to b, b to the first of a, c has the figure of the second of a.
	pairs, members := linksOf(linkable("a", 1, at(70, 5)), linkable("a", 2, at(70.2, 7)), linkable("b", 3, at(70.01, 5)), linkable("c", 4, at(70.19, 7)))
	var got [][2]int64
	for _, p := range pairs {
		got = append(got, [2]int64{p.A, p.B})
	}
	if want := [][2]int64{{1, 3}, {2, 4}, {3, 4}}; !slices.Equal(got, want) {
		t.Errorf("links %v, want %v", got, want)
	}
	if want := []Member{{1, 1}, {2, 2}, {3, 1}, {4, 2}}; !slices.Equal(members, want) {
		t.Errorf("clusters %v, want %v", members, want)
	}
	// Without the second of a, all three are one.
	_, members = linksOf(linkable("a", 1, at(70, 5)), linkable("b", 3, at(70.01, 5)), linkable("c", 4, at(70.02, 7)))
	if want := []Member{{1, 1}, {3, 1}, {4, 1}}; !slices.Equal(members, want) {
		t.Errorf("clusters %v, want %v", members, want)
	}
}

func TestPairsGoByPoints(t *testing.T) {
	best := func(n int) func(*Incident) { return func(in *Incident) { in.Best = Known(n) } }
	pairs, _ := linksOf(linkable("a", 1, best(1)), linkable("a", 2, best(2)), linkable("b", 3, best(2)), linkable("b", 4, best(9)))
	if len(pairs) != 2 || pairs[0].A != 2 || pairs[0].B != 3 || pairs[0].Points != 120 || pairs[1].A != 1 || pairs[1].B != 4 || pairs[1].Points != 90 {
		t.Errorf("%+v", pairs)
	}
}

// Where points are equal the IDs decide, whatever the numbers, the order and the form of the IDs.
func TestTiesGoByID(t *testing.T) {
	var list []Incident
	for n := range 40 {
		in := linkable([]string{"a", "b"}[n%2], n, nil)
		if n%5 == 0 {
			in.ID = fmt.Sprint("hand-", n)
		}
		list = append(list, in)
	}
	byID := func() (out []string) {
		ids := map[int64]string{}
		for i := range list {
			list[i].FID = int64(1000 - i)
			ids[list[i].FID] = list[i].ID
		}
		pairs, _ := linksOf(list...)
		for _, p := range pairs {
			out = append(out, ids[p.A]+" "+ids[p.B])
		}
		return out
	}
	first := byID()
	var want []string // the first of one dataset with the first of the other, and so on
	var sides [2][]string
	for _, in := range list {
		side := int(in.Dataset[0] - 'a')
		sides[side] = append(sides[side], in.ID)
	}
	slices.Sort(sides[0])
	slices.Sort(sides[1])
	for i := range sides[0] {
		want = append(want, sides[0][i]+" "+sides[1][i])
	}
	if !slices.Equal(first, want) {
		t.Errorf("links\n%v, want\n%v", first, want)
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if again := byID(); !slices.Equal(again, first) {
		t.Errorf("in another order\n%v, want\n%v", again, first)
	}
}

func TestIDsAreReadInOrder(t *testing.T) {
	var ids []string
	for n := range 1000 {
		ids = append(ids, ID("a", fmt.Sprint(n)))
	}
	slices.Sort(ids)
	last := uint64(0)
	for _, id := range ids {
		v, ok := parseID(id)
		if !ok || v <= last || textOfID(v) != id {
			t.Fatalf("%s is read as %d, %v", id, v, ok)
		}
		last = v
	}
	for _, id := range []string{"", "i", "i000000000000w", "j0000000000000", "i0000000000001", "i00000000000000", "I0000000000000"} {
		if _, ok := parseID(id); ok {
			t.Errorf("%q is taken for an ID of ours", id)
		}
	}
}

func TestActorWords(t *testing.T) {
	for name, want := range map[string][]string{
		"":                                    nil,
		"Military Forces of Pakistan (2018-)": nil,
		"TTP: Tehreek-i-Taliban Pakistan":     {"ttp", "tehreek", "taliban"},
		"Taliban taliban TALIBAN":             {"taliban"},
		"تحریک طالبان پاکستان":                {"تحریک", "طالبان", "پاکستان"},
		"a bc 123 x-ray\x00 d2d":              {"ray", "d2d"},
	} {
		if got := ActorWords(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestBetter(t *testing.T) {
	list := []Incident{ // from the best
		{ID: "c", Best: Known(0), LocationPrecision: LocExact}, {ID: "a", Best: Known(1), LocationPrecision: LocProvince}, {ID: "b", Best: Known(1), LocationPrecision: LocProvince},
		{ID: "a", Best: Known(9)}, {ID: "a", LocationPrecision: LocExact}, {ID: "a", LocationPrecision: LocNone}, {ID: "a"},
	}
	for i := range list {
		for j := range list {
			if got := Better(&list[i], &list[j]); got != (i < j) {
				t.Errorf("Better(%d, %d) is %v", i, j, got)
			}
		}
	}
}

// A day with 20,000 incidents in one unit in both datasets takes a second or so, and every incident that has a twin finds it.
func TestBusyDay(t *testing.T) {
	const n = 20_000
	for _, c := range []struct {
		name string
		at   func(r *rand.Rand) orb.Point
	}{
		{"all over the district", func(r *rand.Rand) orb.Point { return orb.Point{70 + r.Float64(), 33 + r.Float64()} }},
		{"on one point", func(*rand.Rand) orb.Point { return orb.Point{70, 34} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(3, 4))
			l := NewLinker(2 * n)
			for i := range n {
				p, best := c.at(r), Known(r.IntN(50))
				for k, set := range []string{"a", "b"} {
					in := linkable(set, 2*i+k+1, func(in *Incident) { in.Point, in.Best = p, best })
					l.Add(&in)
				}
			}
			began := time.Now()
			pairs, members := l.Links()
			if len(pairs) < n*9/10 || len(members) != 2*len(pairs) {
				t.Errorf("%d pairs and %d in clusters of %d", len(pairs), len(members), n)
			}
			t.Logf("%d pairs in %v", len(pairs), time.Since(began))
		})
	}
}

// Nothing depends on the order in which incidents are added, not even where a day is too busy to look at all.
func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var list []Incident
	for n := range 3000 {
		list = append(list, linkable([]string{"c", "a", "b"}[n%3], n+1, func(in *Incident) {
			in.Start += Day(r.IntN(3))
			in.End = in.Start
			in.EventType = EventTypes[r.IntN(3)]
			in.UnitID = []string{"w", "u", ""}[r.IntN(3)]
			in.Point = orb.Point{70 + 0.1*r.Float64(), 34 + 0.1*r.Float64()}
			in.HasPoint = r.IntN(2) == 0
			in.Actor1 = []string{"", "Xyz group", "abc"}[r.IntN(3)]
		}))
	}
	pairs, members := linksOf(list...)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	again, membersAgain := linksOf(list...)
	if !reflect.DeepEqual(pairs, again) || !slices.Equal(members, membersAgain) {
		t.Error("in another order there are other links")
	}
	if len(pairs) < 1000 {
		t.Errorf("only %d pairs", len(pairs))
	}
}

// BenchmarkLinker links a million incidents in two datasets of half a million, every other of which has a twin.
func BenchmarkLinker(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r := rand.New(rand.NewPCG(7, 8))
		l := NewLinker(1_000_000)
		var in [2]Incident
		for n := range 500_000 {
			for k, set := range []string{"a", "b"} {
				if k == 1 && n%2 == 0 {
					in[1] = in[0]
				} else {
					f := r.Float64()
					h := int(120 * f * f * f)
					in[k] = Incident{Start: 10957 + Day(r.IntN(9490)), EventType: EventTypes[r.IntN(6)], UnitID: fmt.Sprint("unit-", h), LocationPrecision: LocSettlement,
						Point: orb.Point{61 + float64(h%15) + 0.3*r.NormFloat64(), 25 + float64(h%13) + 0.3*r.NormFloat64()}, HasPoint: true, Best: Known(r.IntN(12)), Actor1: fmt.Sprint("Actor number ", r.IntN(60))}
					in[k].End = in[k].Start
				}
				in[k].FID, in[k].Dataset, in[k].ID = int64(2*n+k+1), set, ID(set, fmt.Sprint(n))
				l.Add(&in[k])
			}
		}
		b.StartTimer()
		pairs, _ := l.Links()
		b.ReportMetric(float64(len(pairs)), "pairs")
	}
	b.ReportAllocs()
}
