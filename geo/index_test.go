package geo

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// box is a square polygon.
func box(west, south, east, north float64) orb.MultiPolygon {
	return orb.MultiPolygon{{{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}}}}
}

// referenceFile opens a file of the reference data that is handed out beside the repository.
func referenceFile(t testing.TB, path ...string) []byte {
	t.Helper()
	name := filepath.Join(append([]string{"..", "..", "shared"}, path...)...)
	data, err := os.ReadFile(name)
	if os.IsNotExist(err) {
		t.Skipf("the reference data is not here (%s): only the hand-made units are tested", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// feature is as much of GeoJSON as the tests need.
type feature struct {
	Properties struct {
		ID string `json:"id"`
	} `json:"properties"`
	Geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

func readFeatures(t testing.TB, path ...string) []feature {
	t.Helper()
	var c struct{ Features []feature }
	if err := json.Unmarshal(referenceFile(t, path...), &c); err != nil {
		t.Fatal(err)
	}
	return c.Features
}

// referenceGeometries are the 111 polygons of the reference dissolve, by unit id.
func referenceGeometries(t testing.TB) (ids []string, byID map[string]orb.MultiPolygon) {
	t.Helper()
	byID = map[string]orb.MultiPolygon{}
	for _, f := range readFeatures(t, "reference", "units.geojson") {
		id := f.Properties.ID
		ids = append(ids, id)
		var polygon orb.Polygon
		var parts orb.MultiPolygon
		target := any(&parts)
		if f.Geometry.Type == "Polygon" {
			target = &polygon
		}
		if err := json.Unmarshal(f.Geometry.Coordinates, target); err != nil {
			t.Fatal(err)
		}
		if polygon != nil {
			parts = orb.MultiPolygon{polygon}
		}
		byID[id] = parts
	}
	return ids, byID
}

func referenceIndex(t testing.TB) *Index {
	t.Helper()
	ids, geometries := referenceGeometries(t)
	var units []Unit
	for _, id := range ids {
		units = append(units, Unit{ID: id, Name: id, Geometry: geometries[id]})
	}
	return mustIndex(t, units)
}

func mustIndex(t testing.TB, units []Unit) *Index {
	t.Helper()
	x, err := NewIndex(units)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// naive is the twin without any index: box and ring test over all units in turn.
type naive struct {
	units  []Unit
	bounds []orb.Bound
}

func newNaive(units []Unit) naive {
	n := naive{units: units}
	for _, u := range units {
		n.bounds = append(n.bounds, u.Geometry.Bound())
	}
	return n
}

func (n naive) locate(p orb.Point) int {
	for i, u := range n.units {
		if !n.bounds[i].Contains(p) {
			continue
		}
		in := false
		for _, polygon := range u.Geometry {
			for _, ring := range polygon {
				for j := 1; j < len(ring); j++ {
					if e := newEdge(ring[j-1], ring[j]); e.crossed(p) {
						in = !in
					}
				}
			}
		}
		if in {
			return i
		}
	}
	for i, u := range n.units {
		if !n.bounds[i].Contains(p) {
			continue
		}
		for _, polygon := range u.Geometry {
			for _, ring := range polygon {
				for j := 1; j < len(ring); j++ {
					if e := newEdge(ring[j-1], ring[j]); e.touches(p) {
						return i
					}
				}
			}
		}
	}
	return -1
}

func randomPoints(n int, b orb.Bound) []orb.Point {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]orb.Point, n)
	for i := range out {
		out[i] = orb.Point{b.Min[0] + r.Float64()*(b.Max[0]-b.Min[0]), b.Min[1] + r.Float64()*(b.Max[1]-b.Min[1])}
	}
	return out
}

func TestLocateByHand(t *testing.T) {
	ring := orb.MultiPolygon{{ // a square with a square hole
		{{10, 10}, {20, 10}, {20, 20}, {10, 20}, {10, 10}},
		{{13, 13}, {13, 17}, {17, 17}, {17, 13}, {13, 13}},
	}}
	x := mustIndex(t, []Unit{
		{ID: "west", Geometry: box(0, 0, 5, 5)},
		{ID: "east", Geometry: box(5, 0, 10, 5)},
		{ID: "ring", Geometry: ring},
		{ID: "island", Geometry: box(14, 14, 16, 16)},
		{ID: "open", Geometry: orb.MultiPolygon{{{{30, 0}, {34, 0}, {32, 3}}}}},
		{ID: "parts", Geometry: append(box(40, 0, 41, 1), box(43, 0, 44, 1)...)},
		{ID: "nowhere"},
		{ID: "over", Geometry: box(2, 2, 3, 3)},
	})
	for _, c := range []struct {
		lon, lat float64
		want     string
	}{
		{1, 1, "west"}, {6, 1, "east"}, {11, 11, "ring"}, {15, 15, "island"}, {13.5, 13.5, ""}, {32, 1, "open"},
		{30.2, 2.9, ""}, {40.5, .5, "parts"}, {42, .5, ""}, {43.5, .5, "parts"}, {2.5, 2.5, "west"},
		{0, 0, "west"}, {0, 5, "west"}, {0, 2.5, "west"}, {2, 5, "west"}, {10, 5, "east"}, {10, 2, "east"}, {44, 1, "parts"},
		{-1, 1, ""}, {500, 500, ""}, {math.NaN(), 1, ""}, {1, math.NaN(), ""}, {math.Inf(1), 1, ""}, {1, math.Inf(-1), ""},
	} {
		got := ""
		if i := x.Locate(orb.Point{c.lon, c.lat}); i >= 0 {
			got = x.Units()[i].ID
		}
		if got != c.want {
			t.Errorf("Locate(%v, %v) = %q, want %q", c.lon, c.lat, got, c.want)
		}
	}
	// A point of the common edge has one unit, and a whole edge of them the same one.
	for lat := 0.25; lat < 5; lat += 0.25 {
		if got := x.Locate(orb.Point{5, lat}); got != 1 {
			t.Errorf("Locate(5, %v) = %d, want the eastern unit", lat, got)
		}
	}
	if i, ok := x.ByID("ring"); !ok || i != 2 {
		t.Errorf("ByID(ring) = %d, %v", i, ok)
	}
	if _, ok := x.ByID("Ring"); ok {
		t.Error("ByID takes slugs letter by letter")
	}
}

func TestIndexRefuses(t *testing.T) {
	for name, units := range map[string][]Unit{
		"no id":     {{Name: "x"}},
		"twice":     {{ID: "x"}, {ID: "x"}},
		"not on it": {{ID: "x", Geometry: orb.MultiPolygon{{{{0, 0}, {1, 0}, {1, 91}, {0, 0}}}}}},
		"nan":       {{ID: "x", Geometry: orb.MultiPolygon{{{{0, 0}, {1, math.NaN()}, {1, 1}, {0, 0}}}}}},
	} {
		if _, err := NewIndex(units); err == nil || !strings.HasPrefix(err.Error(), "index units: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	x := mustIndex(t, nil)
	if x.Locate(orb.Point{70, 30}) != -1 || !math.IsInf(x.DistanceKM(0, orb.Point{70, 30}), 1) {
		t.Error("an empty index finds something")
	}
	if u, km := x.Nearest(orb.Point{70, 30}, 1000); u != -1 || !math.IsInf(km, 1) {
		t.Error("an empty index has something near")
	}
}

// TestLocateTwin asks the index and its naive twin the same questions, on random points and on the awkward ones: the
// vertices, points of edges, and points just beside them.
func TestLocateTwin(t *testing.T) {
	x := referenceIndex(t)
	n := newNaive(x.Units())
	points := randomPoints(60_000, x.Bound().Pad(0.5))
	r := rand.New(rand.NewPCG(3, 4))
	for _, u := range x.Units() {
		for _, polygon := range u.Geometry {
			for _, ring := range polygon {
				for j := 1; j < len(ring); j++ {
					p, q := ring[j-1], ring[j]
					points = append(points, q, orb.Point{(p[0] + q[0]) / 2, (p[1] + q[1]) / 2})
					if j%3 == 0 {
						points = append(points, orb.Point{q[0] + (r.Float64()-.5)*1e-3, q[1]}, orb.Point{q[0] + (r.Float64()-.5)*1e-9, q[1] + (r.Float64()-.5)*1e-9})
					}
				}
			}
		}
	}
	if len(points) < 100_000 {
		t.Fatalf("only %d points", len(points))
	}
	wrong, none := 0, 0
	for _, p := range points {
		got, want := x.Locate(p), n.locate(p)
		if want < 0 {
			none++
		}
		if got != want {
			if wrong++; wrong < 10 {
				t.Errorf("Locate(%v) = %d, the naive twin says %d", p, got, want)
			}
		}
	}
	t.Logf("%d points, %d outside all units, %d differences", len(points), none, wrong)
}

// TestLocateStars is the same for random stars: long edges, thin spikes, holes, overlaps, other cell sizes.
func TestLocateStars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, 0))
		scale := []float64{0.01, 1, 40}[r.IntN(3)]
		grain := []float64{0, scale / 8}[r.IntN(2)] // on a raster, many vertices share their latitude
		var units []Unit
		for range 1 + r.IntN(4) {
			u := Unit{ID: string(rune('a' + len(units)))}
			for range 1 + r.IntN(2) {
				cx, cy := r.Float64()*scale, r.Float64()*scale
				var ring orb.Ring
				for k, corners := 0, 3+r.IntN(12); k < corners; k++ {
					d, a := r.Float64()*scale, 2*math.Pi*float64(k)/float64(corners)
					p := orb.Point{cx + d*math.Cos(a), cy + d*math.Sin(a)}
					if grain > 0 {
						p = orb.Point{math.Round(p[0]/grain) * grain, math.Round(p[1]/grain) * grain}
					}
					ring = append(ring, p)
				}
				u.Geometry = append(u.Geometry, orb.Polygon{append(ring, ring[0])})
			}
			units = append(units, u)
		}
		x, err := NewIndex(units)
		if err != nil {
			t.Fatal(err)
		}
		n := newNaive(units)
		points := randomPoints(200, orb.Bound{Min: orb.Point{-scale, -scale}, Max: orb.Point{2 * scale, 2 * scale}})
		for _, u := range units {
			for _, polygon := range u.Geometry {
				points = append(points, polygon[0]...)
				for _, p := range polygon[0] {
					points = append(points, orb.Point{r.Float64() * scale, p[1]})
				}
			}
		}
		for _, p := range points {
			if got, want := x.Locate(p), n.locate(p); got != want {
				t.Fatalf("Locate(%v) = %d, the naive twin says %d\n%v", p, got, want, units)
			}
		}
	})
}

// planarKM is the plain twin of the distances: every edge, with a fine walk along it.
func planarKM(line []segment, p orb.Point) float64 {
	best := math.Inf(1)
	for _, s := range line {
		for k := 0; k <= 200; k++ {
			f := float64(k) / 200
			best = min(best, haversineKM(p, orb.Point{s.ax + (s.bx-s.ax)*f, s.ay + (s.by-s.ay)*f}))
		}
	}
	return best
}

func TestDistances(t *testing.T) {
	x := mustIndex(t, []Unit{{ID: "a", Geometry: box(70, 30, 71, 31)}, {ID: "b", Geometry: box(74, 30, 75, 31)}})
	for _, c := range []struct {
		unit int
		p    orb.Point
		km   float64
	}{
		{0, orb.Point{70.5, 30.5}, 0},
		{0, orb.Point{70.5, 32}, 111.2},  // a degree of latitude
		{0, orb.Point{72, 30.5}, 95.8},   // a degree of longitude at 30.5°
		{0, orb.Point{70.5, -60}, 10007}, // far away
		{1, orb.Point{70.5, 30.5}, 335.3},
	} {
		if got := x.DistanceKM(c.unit, c.p); math.Abs(got-c.km) > 0.01*c.km {
			t.Errorf("DistanceKM(%d, %v) = %.2f, want %.1f", c.unit, c.p, got, c.km)
		}
	}
	if u, km := x.Nearest(orb.Point{72, 30.5}, 100); u != 0 || math.Abs(km-95.8) > 1 {
		t.Errorf("Nearest = %d, %v", u, km)
	}
	if u, km := x.Nearest(orb.Point{72, 30.5}, 50); u != -1 || !math.IsInf(km, 1) {
		t.Errorf("Nearest within 50 km = %d, %v", u, km)
	}
	if u, km := x.Nearest(orb.Point{70.5, 30.5}, 0); u != 0 || km != 0 {
		t.Errorf("Nearest inside = %d, %v", u, km)
	}
}

func TestDistanceTwin(t *testing.T) {
	x := referenceIndex(t)
	r := rand.New(rand.NewPCG(5, 6))
	worst := 0.0
	for i, p := range randomPoints(40, x.Bound().Pad(3)) {
		unit := r.IntN(len(x.Units()))
		if x.Locate(p) == unit {
			continue
		}
		want := planarKM(x.trees[unit].segments, p)
		got := x.DistanceKM(unit, p)
		worst = max(worst, math.Abs(got-want)/want)
		if math.Abs(got-want) > 0.01*want {
			t.Errorf("%d: DistanceKM(%d, %v) = %v, a walk along the edges says %v", i, unit, p, got, want)
		}
	}
	t.Logf("largest difference %.3f %%", 100*worst)
	for _, p := range randomPoints(100, x.Bound().Pad(1)) {
		unit, km := x.Nearest(p, 60)
		for i := range x.Units() {
			if d := x.DistanceKM(i, p); d < km-1e-9 && d <= 60 {
				t.Errorf("Nearest(%v) = %d at %v, but %d is at %v", p, unit, km, i, d)
			}
		}
	}
}

func TestIndexReadsAtOnce(t *testing.T) {
	x := mustIndex(t, []Unit{{ID: "a", Geometry: box(70, 30, 71, 31)}, {ID: "b", Geometry: box(71, 30, 72, 31)}})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for _, p := range randomPoints(1000, x.Bound()) {
				if got := x.Locate(p); got < 0 || x.DistanceKM(1-got, p) < 0 {
					t.Errorf("Locate(%v) = %d", p, got)
				}
			}
		})
	}
	wait.Wait()
}

func TestIndexBuildsFast(t *testing.T) {
	_, geometries := referenceGeometries(t)
	var units []Unit
	for id, g := range geometries {
		units = append(units, Unit{ID: id, Geometry: g})
	}
	best := time.Hour
	for range 5 {
		start := time.Now()
		mustIndex(t, units)
		best = min(best, time.Since(start))
	}
	t.Logf("index of %d units in %v", len(units), best)
	if best > time.Second { // 100 ms is the aim; a test must not fail on a busy machine
		t.Errorf("building the index took %v", best)
	}
}

func TestLocateDoesNotAllocate(t *testing.T) {
	x := mustIndex(t, []Unit{{ID: "a", Geometry: box(70, 30, 71, 31)}})
	if n := testing.AllocsPerRun(100, func() { x.Locate(orb.Point{70.0001, 30.5}) }); n != 0 {
		t.Errorf("Locate allocates %v times", n)
	}
}

func BenchmarkLocate(b *testing.B) {
	x := referenceIndex(b)
	benchmarkPoints(b, x, x.Locate)
}

func BenchmarkLocateNaive(b *testing.B) {
	x := referenceIndex(b)
	benchmarkPoints(b, x, newNaive(x.Units()).locate)
}

func benchmarkPoints(b *testing.B, x *Index, locate func(orb.Point) int) {
	points := randomPoints(1<<16, x.Bound())
	b.ReportAllocs()
	found, i := 0, 0
	for b.Loop() {
		if locate(points[i&(1<<16-1)]) >= 0 {
			found++
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "points/s")
	if found == 0 {
		b.Error("no point lies in a unit")
	}
}

func BenchmarkNewIndex(b *testing.B) {
	units := referenceIndex(b).Units()
	for b.Loop() {
		mustIndex(b, units)
	}
}

func BenchmarkNearest(b *testing.B) {
	x := referenceIndex(b)
	benchmarkPoints(b, x, func(p orb.Point) int { u, _ := x.Nearest(p, 50); return u })
}
