package index

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// What the cells let through is what the coordinates say, for boxes of all
// sizes, on the edges of cells, on points, and outside.
func TestCellsMissNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, spread := range []float64{0, 1e-9, 1, 18, 360} {
		s := &segment{kinds: make([]incident.RowKind, 1)}
		for range 3000 {
			x, y := 60+rng.Float64()*spread, 24+rng.Float64()*spread/3
			if rng.IntN(5) == 0 {
				x, y = math.NaN(), math.NaN()
			}
			s.lon, s.lat = append(s.lon, x), append(s.lat, y)
		}
		s.grid = gridOf(s.lon, s.lat)
		s.cell = s.grid.cells(s.lon, s.lat)
		coordinate := func(of []float64) float64 {
			if v := of[rng.IntN(len(of))]; v == v && rng.IntN(2) == 0 {
				return v // just on a point
			}
			return of[0] + (rng.Float64()-.5)*2.5*spread
		}
		s.lon[0], s.lat[0] = 60, 24
		s.cell[0] = s.grid.cell(60, 24)
		found := 0
		for range 2000 {
			p := &plan{s: s, hasBox: true, box: orb.Bound{Min: orb.Point{coordinate(s.lon), coordinate(s.lat)}, Max: orb.Point{coordinate(s.lon), coordinate(s.lat)}}}
			got := p.collectRange(nil, 0, len(s.lon))
			var want []uint32
			for row := range s.lon {
				if p.matches(uint32(row)) {
					want = append(want, uint32(row))
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("spread %g, box %v: %d rows, want %d", spread, p.box, len(got), len(want))
			}
			found += len(want)
		}
		if found == 0 {
			t.Errorf("spread %g: no box has anything in it", spread)
		}
	}
}

func TestNoPoints(t *testing.T) {
	s := &segment{lon: []float64{math.NaN()}, lat: []float64{math.NaN()}}
	s.grid = gridOf(s.lon, s.lat)
	s.cell = s.grid.cells(s.lon, s.lat)
	p := &plan{s: s, hasBox: true, box: orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}}
	if rows := p.collectRange(nil, 0, 1); len(rows) > 0 {
		t.Errorf("no point is in %v", rows)
	}
}

func TestSortKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{0, 1, 2, 63, 64, 65, 1000, 5000} {
		for _, width := range []int{1, 8, 9, 20, 32} {
			base := rng.Uint64N(1 << 31)
			var keys []uint64
			for row := range n {
				keys = append(keys, (base+rng.Uint64N(1<<width))&math.MaxUint32<<32|uint64(row))
			}
			want := slices.Sorted(slices.Values(keys))
			if sortKeys(keys, make([]uint64, len(keys)), 32); !slices.Equal(keys, want) {
				t.Fatalf("%d keys of %d bits are not sorted", n, width)
			}
		}
	}
}
