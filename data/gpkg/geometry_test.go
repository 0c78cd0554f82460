package gpkg

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkb"
	"github.com/twpayne/go-geom/encoding/wkbcommon"
	"pgregory.net/rapid"
)

// What we write is read back by another library than the one it is written with.
func TestGeometryBySecondOpinion(t *testing.T) {
	wkbcommon.MaxGeometryElements = [4]int{0, 100_000, 10_000, 10_000}
	degrees := func(t *rapid.T, limit float64) float64 { return rapid.Float64Range(-limit, limit).Draw(t, "degrees") }
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{degrees(t, 180), degrees(t, 90)}
		g, err := wkb.Unmarshal(appendPoint(nil, p)[8:])
		if err != nil {
			t.Fatal(err)
		}
		got, ok := g.(*geom.Point)
		if !ok || got.X() != p[0] || got.Y() != p[1] {
			t.Fatalf("%v was read as %v", p, g)
		}
		var line orb.LineString
		for range rapid.IntRange(2, 20).Draw(t, "points") {
			line = append(line, orb.Point{degrees(t, 180), degrees(t, 90)})
		}
		blob, err := geometryBlob(line)
		if err != nil {
			t.Fatal(err)
		}
		const envelope = 4 * 8
		if g, err = wkb.Unmarshal(blob[8+envelope:]); err != nil {
			t.Fatal(err)
		}
		read, ok := g.(*geom.LineString)
		if !ok || read.NumCoords() != len(line) {
			t.Fatalf("%v was read as %v", line, g)
		}
		for i, p := range line {
			if c := read.Coord(i); c.X() != p[0] || c.Y() != p[1] {
				t.Fatalf("point %d of %v was read as %v", i, line, c)
			}
		}
		b := read.Bounds()
		for i, want := range []float64{b.Min(0), b.Max(0), b.Min(1), b.Max(1)} {
			if got := math.Float64frombits(binary.LittleEndian.Uint64(blob[8+8*i:])); got != want {
				t.Fatalf("the envelope holds %v, the line %v", got, want)
			}
		}
	})
}
