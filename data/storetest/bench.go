package storetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// Rows is the number of incidents that [Bench] works on: SARHAD_BENCH_ROWS, or 100,000.
func Rows() int {
	//nolint:forbidigo // a package of tests: a benchmark cannot be told its size in another way
	if n, err := strconv.Atoi(os.Getenv("SARHAD_BENCH_ROWS")); err == nil && n > 0 {
		return n
	}
	return 100_000
}

// Windows returns 64 windows of 1° × 1° × 30 days (or so many days that about
// as many incidents match when there are fewer than a million), the first work
// of the issue on layers.
func Windows(rows int) []incident.Filter {
	days := incident.Day(30)
	if rows < 1_000_000 {
		days = incident.Day(30 * 1_000_000 / rows)
	}
	r := rand.New(rand.NewPCG(5, 5))
	hot := Plain(64, 1)
	out := make([]incident.Filter, 64)
	for i := range out {
		p := hot[i].Point
		from := 10957 + incident.Day(r.IntN(max(1, 9490-int(days))))
		out[i] = incident.And{
			incident.Box{Bound: orb.Bound{Min: orb.Point{p[0] - 0.5, p[1] - 0.5}, Max: orb.Point{p[0] + 0.5, p[1] + 0.5}}},
			incident.During{From: from, To: from + days - 1},
		}
	}
	return out
}

// Bench measures a store: loading, windows, pages, counts and aggregates over [Rows] incidents.
// open gives a new empty store; the benchmark closes it.
func Bench(b *testing.B, open func(b *testing.B) incident.Store) {
	all := Plain(Rows(), 1)
	b.Run("Load", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s := open(b)
			b.StartTimer()
			Load(b, s, imp("plain"), 10_000, all)
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.ReportMetric(float64(len(all))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	s := open(b) // its folder lasts as long as the whole
	defer func() { _ = s.Close() }()
	Load(b, s, imp("plain"), 10_000, all)
	b.Run("LoadSame", func(b *testing.B) {
		for b.Loop() {
			Load(b, s, imp("plain"), 10_000, all)
		}
		b.ReportMetric(float64(len(all))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	all = nil
	windows := Windows(Rows())
	b.Run("Windows", func(b *testing.B) {
		rows, n := 0, 0
		for b.Loop() {
			for in, err := range s.Incidents(b.Context(), incident.Query{Filter: windows[n%64], Limit: 1000}) {
				if err != nil {
					b.Fatal(err)
				}
				if in.FID > 0 {
					rows++
				}
			}
			n++
		}
		b.ReportMetric(float64(rows)/float64(n), "rows")
		b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(rows), "ns/row")
	})
	year := incident.During{From: 14610, To: 14974}
	for _, c := range []struct {
		name string
		q    incident.Query
	}{
		{"FirstPage", incident.Query{Limit: 100}},
		{"NewestPage", incident.Query{Order: incident.ByStartRev, Limit: 100}},
		{"YearPage", incident.Query{Filter: year, Limit: 100}},
		{"AlmostAllPage", incident.Query{Filter: incident.During{From: 11000, To: 20000}, Limit: 100}},
		{"UnitNewestPage", incident.Query{Filter: incident.And{incident.During{From: 11000, To: 20000}, incident.In{Property: "unit_id", Values: []string{"unit-007"}}}, Order: incident.ByStartRev, Limit: 100}},
		{"BoxPage", incident.Query{Filter: incident.Box{Bound: orb.Bound{Min: orb.Point{70, 30}, Max: orb.Point{71, 31}}}, Limit: 100}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				for _, err := range s.Incidents(b.Context(), c.q) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
	for name, f := range map[string]incident.Filter{"All": nil, "Year": year, "Type": incident.In{Property: "event_type", Values: []string{"Riots"}}} {
		b.Run("Count"+name, func(b *testing.B) {
			for b.Loop() {
				must(s.Count(b.Context(), f))(b)
			}
		})
	}
	for _, c := range []incident.AggregateQuery{
		{By: []incident.Key{incident.KeyUnit}, Filter: year},
		{By: []incident.Key{incident.KeyDay}},
		{By: []incident.Key{incident.KeyUnit, incident.KeyMonth}},
		{By: []incident.Key{incident.KeyEventType}},
	} {
		b.Run(fmt.Sprintf("Aggregate%v", c.By), func(b *testing.B) {
			for b.Loop() {
				must(s.Aggregate(b.Context(), c))(b)
			}
		})
	}
	b.Run("Datasets", func(b *testing.B) {
		for b.Loop() {
			must(s.Datasets(b.Context()))(b)
		}
	})
}
