package index

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// cornerPoints gives the edges of tiles and what lies just beside them, and beyond all of them.
func cornerPoints() (lons, lats []float64) {
	around := func(v float64) []float64 { return []float64{math.Nextafter(v, -360), v, math.Nextafter(v, 360)} }
	for i := range tileSide {
		lons = append(lons, around(float64(i)*(360.0/tileSide)-180)...)
		lats = append(lats, around(tileEdges[i])...)
	}
	return append(lons, 180, -180), append(lats, -90, 90, -tileEdges[0])
}

func TestTilesFollowCoordinates(t *testing.T) {
	lons, lats := cornerPoints()
	slices.Sort(lons)
	for i, lon := range lons {
		if i > 0 && tileColumn(lon) < tileColumn(lons[i-1]) || tileColumn(lon) < 0 || tileColumn(lon) >= tileSide {
			t.Errorf("%v is in column %d, what is west of it in %d", lon, tileColumn(lon), tileColumn(lons[max(0, i-1)]))
		}
	}
	slices.Sort(lats)
	for i, lat := range lats {
		if i > 0 && tileRow(lat) > tileRow(lats[i-1]) || tileRow(lat) < 0 || tileRow(lat) >= tileSide {
			t.Errorf("%v is in row %d, what is south of it in %d", lat, tileRow(lat), tileRow(lats[max(0, i-1)]))
		}
	}
	for i := range tileSide {
		west, north := float64(i)*(360.0/tileSide)-180, tileEdges[i]
		if tileColumn(west) != i || i > 0 && tileColumn(math.Nextafter(west, -180)) != i-1 {
			t.Errorf("column %d does not begin at %v", i, west)
		}
		if tileRow(north) != i || i > 0 && tileRow(math.Nextafter(north, 90)) != i-1 {
			t.Errorf("row %d does not begin at %v", i, north)
		}
	}
	for _, infinite := range []float64{math.Inf(1), math.Inf(-1), math.NaN(), 1e300} {
		if c, r := tileColumn(infinite), tileRow(infinite); c < 0 || c >= tileSide || r < 0 || r >= tileSide {
			t.Errorf("%v is in column %d, row %d", infinite, c, r)
		}
	}
}

// TestSmallBoxes asks for boxes over long times, which are answered from the
// lists of tiles, and compares with a look at every row.
func TestSmallBoxes(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	lons, lats := cornerPoints()
	point := func() orb.Point {
		if rng.IntN(2) == 0 { // 66 to 70.3° east, 32 to 36° north lie in four tiles
			return orb.Point{66 + 4.3*rng.Float64(), 32 + 4*rng.Float64()}
		}
		return orb.Point{lons[(66+180)*3*tileSide/360+rng.IntN(9)], lats[3*(tileRow(34)+rng.IntN(3)-1)+rng.IntN(3)]}
	}
	var all []incident.Incident
	for i := range 6000 {
		in := incident.Incident{FID: int64(i + 1), Dataset: "d", Start: incident.Day(rng.IntN(300)), Best: incident.Known(rng.IntN(9)), LocationPrecision: "exact"}
		in.End = in.Start
		if rng.IntN(20) == 0 {
			in.End += incident.Day(rng.IntN(400))
		}
		if rng.IntN(10) > 0 {
			in.Point, in.HasPoint = point(), true
		}
		all = append(all, in)
	}
	segmentOf := func(list []incident.Incident) *segment {
		b := newBuilder()
		for i := range list {
			if err := b.add(&list[i]); err != nil {
				t.Fatal(err)
			}
		}
		return b.finish()
	}
	v := &view{base: segmentOf(all[:5000]), dead: make(rowSet, (5000+63)/64), fresh: segmentOf(all[5000:])}
	dead := map[int64]bool{}
	for range 500 {
		row := uint32(rng.IntN(5000))
		v.dead[row>>6] |= 1 << (row & 63)
		dead[v.base.fid[row]] = true
	}
	v.deadRows = len(dead)
	x := New(nil, Options{})
	x.view.Store(v)

	listed := 0
	for range 400 {
		a, b := point(), point()
		box := incident.Box{Bound: orb.Bound{Min: orb.Point{min(a[0], b[0]), min(a[1], b[1])}, Max: orb.Point{max(a[0], b[0]), max(a[1], b[1])}}}
		if rng.IntN(8) == 0 {
			box.Bound.Min, box.Bound.Max = box.Bound.Max, box.Bound.Min
		}
		f := incident.And{box}
		if rng.IntN(2) == 0 {
			from := incident.Day(rng.IntN(300))
			f = append(f, incident.During{From: from, To: from + incident.Day(rng.IntN(200))})
		}
		if rng.IntN(3) == 0 {
			f = append(f, incident.Compare{Property: "fatalities_best", Op: incident.Gt, Value: incident.NumberValue(4)})
		}
		if _, _, ok := v.base.plan(f).near(0, v.base.rows()); ok {
			listed++
		}
		for _, order := range []incident.Order{incident.ByFID, incident.ByStart, incident.ByStartRev} {
			q := incident.Query{Filter: f, Order: order, Limit: rng.IntN(3) * 40}
			var want []incident.Cursor
			for i := range all {
				if in := &all[i]; !dead[in.FID] && f.Match(in) == incident.True {
					want = append(want, incident.Cursor{FID: in.FID, Start: in.Start})
				}
			}
			slices.SortFunc(want, func(a, b incident.Cursor) int {
				if order.Less(a, b) {
					return -1
				}
				return 1
			})
			if n, err := x.Count(context.Background(), f); err != nil || n != len(want) {
				t.Fatalf("%v: counted %d, %v, want %d", f, n, err, len(want))
			}
			if len(want) > 2 && rng.IntN(3) == 0 {
				at := want[rng.IntN(len(want))]
				q.After = &at
				for len(want) > 0 && !order.Less(at, want[0]) {
					want = want[1:]
				}
			}
			if q.Limit > 0 {
				want = want[:min(q.Limit, len(want))]
			}
			var got []incident.Cursor
			for in, err := range x.Incidents(context.Background(), q) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, incident.Cursor{FID: in.FID, Start: in.Start})
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: got %d, want %d", q, len(got), len(want))
			}
		}
	}
	if listed < 100 {
		t.Errorf("only %d boxes were answered from lists", listed)
	}
}
