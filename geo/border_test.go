package geo

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func referenceBorder(t testing.TB) *Border {
	t.Helper()
	var line orb.LineString
	if err := json.Unmarshal(readFeatures(t, "reference", "border.geojson")[0].Geometry.Coordinates, &line); err != nil {
		t.Fatal(err)
	}
	b, err := NewBorder(line)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBorder(t *testing.T) {
	line := orb.LineString{{70, 30}, {71, 30}, {71, 31}, {72, 31}}
	b, err := NewBorder(line)
	if err != nil {
		t.Fatal(err)
	}
	line[0] = orb.Point{0, 0} // the line was copied
	if d := b.DistanceKM(orb.Point{70.5, 30.1}); math.Abs(d-11.12) > 0.05 {
		t.Errorf("DistanceKM = %v", d)
	}
	if d := b.DistanceKM(orb.Point{70.25, 30}); d > 1e-6 {
		t.Errorf("on the line: %v", d)
	}
	if q, d := b.Nearest(orb.Point{70.5, 29.9}); math.Abs(q[0]-70.5) > 1e-9 || q[1] != 30 || math.Abs(d-11.12) > 0.05 {
		t.Errorf("Nearest = %v, %v", q, d)
	}
	if !math.IsInf(b.DistanceKM(orb.Point{math.NaN(), 0}), 1) {
		t.Error("a point that is nowhere has a distance")
	}
	forth := b.Stretch(orb.Point{70.5, 29.9}, orb.Point{71.5, 31.1})
	want := orb.LineString{{70.5, 30}, {71, 30}, {71, 31}, {71.5, 31}}
	if len(forth) != 4 {
		t.Fatalf("Stretch = %v", forth)
	}
	back := b.Stretch(orb.Point{71.5, 31.1}, orb.Point{70.5, 29.9})
	for i := range want {
		if haversineKM(forth[i], want[i]) > 1e-3 || forth[i] != back[3-i] {
			t.Fatalf("Stretch = %v and back %v", forth, back)
		}
	}
	if same := b.Stretch(orb.Point{70.5, 29}, orb.Point{70.5, 29}); len(same) != 2 {
		t.Errorf("Stretch of one point = %v", same)
	}
	for _, bad := range []orb.LineString{nil, {{1, 1}}, {{1, 1}, {1, math.Inf(1)}}} {
		if _, err := NewBorder(bad); err == nil {
			t.Errorf("NewBorder(%v) is taken", bad)
		}
	}
}

func TestBorderTwin(t *testing.T) {
	b := referenceBorder(t)
	for _, p := range randomPoints(5, orb.Bound{Min: orb.Point{55, 20}, Max: orb.Point{82, 42}}) {
		want, got := planarKM(b.tree.segments, p), b.DistanceKM(p)
		if math.Abs(got-want) > 0.01*want {
			t.Errorf("DistanceKM(%v) = %v, a walk along the line says %v", p, got, want)
		}
	}
}

func TestBorderLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		point := rapid.Custom(func(t *rapid.T) orb.Point {
			return orb.Point{rapid.Float64Range(-180, 180).Draw(t, "lon"), rapid.Float64Range(-90, 90).Draw(t, "lat")}
		})
		b, err := NewBorder(rapid.SliceOfN(point, 2, 40).Draw(t, "line"))
		if err != nil {
			t.Fatal(err)
		}
		p := point.Draw(t, "p")
		q, d := b.Nearest(p)
		if d < 0 || math.IsNaN(d) || d != b.DistanceKM(p) || math.Abs(haversineKM(q, p)-d) > 1e-9 {
			t.Fatalf("distance %v from %v to %v", d, p, q)
		}
		if s := b.Stretch(p, b.line[0]); len(s) < 2 || s[0] != q {
			t.Fatalf("Stretch = %v", s)
		}
	})
}

func BenchmarkBorderDistance(b *testing.B) {
	border := referenceBorder(b)
	points := randomPoints(1<<12, orb.Bound{Min: orb.Point{60, 23}, Max: orb.Point{78, 39}})
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		border.DistanceKM(points[i&(1<<12-1)])
		i++
	}
}
