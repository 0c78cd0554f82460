package api

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"
	orbmvt "github.com/paulmach/orb/encoding/mvt"

	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

const tilesURL = "/collections/incidents/tiles/WebMercatorQuad"

func init() {
	openapi3filter.RegisterBodyDecoder(mediaMVT, openapi3filter.FileBodyDecoder)
	openapi3filter.RegisterBodyDecoder(mediaTileJSON, openapi3filter.JSONBodyDecoder)
	scenarios = append(scenarios, tileScenarios...)
}

var tileScenarios = []scenario{
	{name: "tilesets", url: "/collections/incidents/tiles?datetime=2009-01-01/..", golden: true, media: mediaJSON},
	{name: "tilesets-units", url: "/collections/units/tiles", has: []string{`"http://sarhad.test/collections/units/tiles/WebMercatorQuad"`}},
	{name: "tilesets-f", url: "/collections/units/tiles?f=tilejson", status: 400, has: []string{`"allowed":["json"]`}},
	{name: "tilesets-crossings", url: "/collections/crossings/tiles", status: 404, has: []string{`"allowed":["incidents","units","border"]`}},
	{name: "tilesets-none", url: "/collections/none/tiles", status: 404},
	{name: "tileset", url: tilesURL + "?country=PK", golden: true, media: mediaJSON},
	{name: "tileset-units", url: "/collections/units/tiles/WebMercatorQuad", golden: true},
	{name: "tileset-border", url: "/collections/border/tiles/WebMercatorQuad", has: []string{`"geometryDimension":1`}},
	{name: "tileset-filter-units", url: "/collections/units/tiles/WebMercatorQuad?country=PK", status: 400},
	{name: "tileset-filter-wrong", url: tilesURL + "?f=tilejson&country=IN", status: 400, has: []string{`"parameter":"country"`}},
	{name: "tileset-406", url: tilesURL, header: map[string]string{"Accept": "image/png"}, status: 406},
	{name: "tilejson", url: tilesURL + "?f=tilejson&country=PK&datetime=2009-01-01/..", golden: true, media: mediaTileJSON},
	{name: "tilejson-accept", url: "/collections/border/tiles/WebMercatorQuad", header: map[string]string{"Accept": mediaTileJSON}, media: mediaTileJSON, has: []string{`"tilejson":"3.0.0"`}},
	{name: "tilejson-public", url: tilesURL + "?f=tilejson", has: []string{`"https://example.org/sarhad/collections/incidents/tiles/WebMercatorQuad/{z}/{y}/{x}"`},
		change: func(c *Config) { c.PublicURL = "https://example.org/sarhad/" }},
	{name: "tilejson-no-units", url: tilesURL + "?f=tilejson", has: []string{`"bounds":[-180,-85.0511287798066,180,85.0511287798066]`},
		change: func(c *Config) { c.Units = nil; c.Geocoder = nil }},
	{name: "tile-matrix-sets", url: "/tileMatrixSets", golden: true},
	{name: "tile-matrix-set", url: "/tileMatrixSets/WebMercatorQuad", golden: true},
	{name: "tile-matrix-set-none", url: "/tileMatrixSets/WorldCRS84Quad", status: 404},
	{name: "tile", url: tilesURL + "/7/51/89", media: mediaMVT, has: []string{"incidents", "badges", "2009-03-01", "exact"}, hasNot: []string{"acled", "clusters"}},
	{name: "tile-low", url: tilesURL + "/0/0/0", media: mediaMVT, has: []string{"clusters", "badges", "border"}, hasNot: []string{"incidents", "acled"}},
	{name: "tile-f", url: tilesURL + "/0/0/0?f=mvt", media: mediaMVT},
	{name: "tile-accept", url: tilesURL + "/0/0/0", header: map[string]string{"Accept": "image/webp,*/*"}, media: mediaMVT},
	{name: "tile-f-wrong", url: tilesURL + "/0/0/0?f=json", status: 400, has: []string{`"allowed":["mvt"]`}},
	{name: "tile-filtered", url: tilesURL + "/7/51/89?datetime=2009-03-01&country=PK", has: []string{"2009-03-01"}, hasNot: []string{"2009-12-31", "badges"}},
	{name: "tile-cql2", url: tilesURL + "/7/51/89?filter=fatalities_best%3D2", has: []string{"2009-03-01"}, hasNot: []string{"badges"}},
	{name: "tile-cql2-wrong", url: tilesURL + "/7/51/89?filter=colour%3D2", status: 400, has: []string{`"parameter":"filter"`}},
	{name: "tile-bbox", url: tilesURL + "/7/51/89?bbox=70,33,71,34", has: []string{"pk-kp-kurram"}, hasNot: []string{"2009-03-01"}},
	{name: "tile-empty", url: tilesURL + "/7/0/0", status: 204},
	{name: "tile-empty-filter", url: tilesURL + "/0/0/0?datetime=1900-01-01", status: 204},
	{name: "tile-parameter", url: tilesURL + "/7/51/89?colour=red", status: 400, has: []string{`"parameter":"colour"`}},
	{name: "tile-limit", url: tilesURL + "/7/51/89?limit=1", status: 400},
	{name: "tile-wrong-filter", url: tilesURL + "/7/51/89?datetime=soon", status: 400, has: []string{`"parameter":"datetime"`}},
	{name: "tile-outside-row", url: tilesURL + "/7/128/0", status: 404, has: []string{"from 0 to 127"}},
	{name: "tile-outside-col", url: tilesURL + "/7/0/128", status: 404},
	{name: "tile-outside-z", url: tilesURL + "/23/0/0", status: 404},
	{name: "tile-negative", url: tilesURL + "/7/-1/0", status: 404},
	{name: "tile-huge", url: tilesURL + "/7/99999999999999999999/0", status: 404},
	{name: "tile-word", url: tilesURL + "/7/x/0", status: 400, has: []string{`"parameter":"row"`}},
	{name: "tile-fraction", url: tilesURL + "/7/1.0/0", status: 400},
	{name: "tile-leading-zero", url: tilesURL + "/07/1/0", status: 400, has: []string{`"parameter":"z"`}},
	{name: "tile-scheme", url: "/collections/incidents/tiles/WorldCRS84Quad/0/0/0", status: 404},
	{name: "tile-crossings", url: "/collections/crossings/tiles/WebMercatorQuad/0/0/0", status: 404},
	{name: "tile-post", method: "POST", url: tilesURL + "/0/0/0", status: 405},
	{name: "tile-units", url: "/collections/units/tiles/WebMercatorQuad/7/51/89", media: mediaMVT, has: []string{"pk-kp-kurram", "Khyber Pakhtunkhwa"}, hasNot: []string{"af-hel"}},
	{name: "tile-units-empty", url: "/collections/units/tiles/WebMercatorQuad/7/0/0", status: 204},
	{name: "tile-units-parameter", url: "/collections/units/tiles/WebMercatorQuad/7/51/89?country=PK", status: 400},
	{name: "tile-border", url: "/collections/border/tiles/WebMercatorQuad/7/51/89", has: []string{"fine", "Durand"}, hasNot: []string{"coarse"}},
	{name: "tile-border-low", url: "/collections/border/tiles/WebMercatorQuad/3/3/5", has: []string{"coarse"}, hasNot: []string{"fine"}},
	{name: "tile-border-empty", url: "/collections/border/tiles/WebMercatorQuad/7/0/0", status: 204},
	{name: "tile-border-none", url: "/collections/border/tiles/WebMercatorQuad/0/0/0", status: 204, change: func(c *Config) { c.Border = nil }},
	{name: "tile-no-places", url: tilesURL + "/0/0/0", has: []string{"clusters"}, hasNot: []string{"badges"},
		change: func(c *Config) { c.Units, c.Border, c.Geocoder = nil, nil, nil }},
}

// tileFeature is a feature as read back.
type tileFeature struct {
	id    uint64
	props map[string]any
	kind  int
	paths [][]gridPoint
}

// readTileBytes reads a tile by the book, as far as we write it, and refuses
// what the standard does not allow.
func readTileBytes(t testing.TB, b []byte) map[string][]tileFeature {
	t.Helper()
	out := map[string][]tileFeature{}
	eachField(t, b, func(field int, _ uint64, layer []byte) {
		if field != 3 {
			t.Fatalf("a tile has field %d", field)
		}
		var name string
		var keys []string
		var values []any
		var features [][]byte
		version, extent := uint64(0), uint64(0)
		eachField(t, layer, func(field int, n uint64, part []byte) {
			switch field {
			case 1:
				name = string(part)
			case 2:
				features = append(features, part)
			case 3:
				keys = append(keys, string(part))
			case 4:
				eachField(t, part, func(field int, n uint64, text []byte) {
					switch field {
					case 1:
						values = append(values, string(text))
					case 5:
						values = append(values, int(n))
					case 7:
						values = append(values, n == 1)
					default:
						t.Fatalf("a value has field %d", field)
					}
				})
			case 5:
				extent = n
			case 15:
				version = n
			default:
				t.Fatalf("a layer has field %d", field)
			}
		})
		if version != 2 || extent != tileExtent || name == "" || len(features) == 0 {
			t.Fatalf("layer %q has version %d, extent %d and %d features", name, version, extent, len(features))
		}
		if _, twice := out[name]; twice {
			t.Fatalf("layer %s is there twice", name)
		}
		seen := map[any]bool{}
		for _, v := range values {
			if seen[v] {
				t.Errorf("layer %s has the value %v twice", name, v)
			}
			seen[v] = true
		}
		for _, part := range features {
			f := tileFeature{props: map[string]any{}}
			eachField(t, part, func(field int, n uint64, packed []byte) {
				switch field {
				case 1:
					f.id = n
				case 2:
					tags := packedInts(t, packed)
					for i := 0; i+1 < len(tags); i += 2 {
						f.props[keys[tags[i]]] = values[tags[i+1]]
					}
					if len(f.props)*2 != len(tags) {
						t.Errorf("tags are %v", tags)
					}
				case 3:
					f.kind = int(n)
				case 4:
					f.paths = readPaths(t, packedInts(t, packed), f.kind)
				}
			})
			out[name] = append(out[name], f)
		}
	})
	readsAsOrb(t, b, out)
	return out
}

// readsAsOrb holds a tile that was read to how orb reads it.
func readsAsOrb(t testing.TB, b []byte, read map[string][]tileFeature) {
	t.Helper()
	layers, err := orbmvt.Unmarshal(b)
	if err != nil {
		t.Fatalf("orb cannot read the tile: %v", err)
	}
	if len(layers) != len(read) {
		t.Fatalf("orb reads %d layers, we %d", len(layers), len(read))
	}
	for _, layer := range layers {
		ours := read[layer.Name]
		if len(layer.Features) != len(ours) {
			t.Fatalf("layer %s: orb reads %d features, we %d", layer.Name, len(layer.Features), len(ours))
		}
		for i, f := range layer.Features {
			// What orb reads: numbers of properties as float64, rings with their first point again at the end.
			props, points := map[string]any{}, []gridPoint{}
			for k, v := range ours[i].props {
				if n, ok := v.(int); ok {
					v = float64(n)
				}
				props[k] = v
			}
			for _, path := range ours[i].paths {
				points = append(points, path...)
				if ours[i].kind == mvtPolygon {
					points = append(points, path[0])
				}
			}
			var theirs []gridPoint
			for _, p := range pointsOf(f.Geometry) {
				theirs = append(theirs, gridPoint{int(p[0]), int(p[1])})
			}
			id := any(nil)
			if ours[i].id != 0 {
				id = float64(ours[i].id)
			}
			if diff := cmp.Diff(props, map[string]any(f.Properties)); diff != "" || !slices.Equal(points, theirs) || f.ID != id {
				t.Fatalf("layer %s, feature %d: orb reads id %v, %v; we %v, %v; %s", layer.Name, i, f.ID, theirs, id, points, diff)
			}
		}
	}
}

// pointsOf lists the points of a geometry.
func pointsOf(g orb.Geometry) (out []orb.Point) {
	switch g := g.(type) {
	case orb.Point:
		return []orb.Point{g}
	case orb.LineString:
		return g
	case orb.MultiPoint:
		return g
	case orb.MultiLineString:
		for _, l := range g {
			out = append(out, l...)
		}
	case orb.Polygon:
		for _, r := range g {
			out = append(out, r...)
		}
	case orb.MultiPolygon:
		for _, p := range g {
			out = append(out, pointsOf(p)...)
		}
	}
	return out
}

func eachField(t testing.TB, b []byte, do func(field int, n uint64, part []byte)) {
	t.Helper()
	next := func() uint64 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			t.Fatal("a number is cut off")
		}
		b = b[k:]
		return v
	}
	for len(b) > 0 {
		tag := next()
		n := next()
		switch tag & 7 {
		case 0:
			do(int(tag>>3), n, nil)
		case 2:
			if n > uint64(len(b)) {
				t.Fatal("a part is cut off")
			}
			do(int(tag>>3), 0, b[:n])
			b = b[n:]
		default:
			t.Fatalf("wire type %d", tag&7)
		}
	}
}

func packedInts(t testing.TB, b []byte) (out []int) {
	for len(b) > 0 {
		v, k := binary.Uvarint(b)
		if k <= 0 {
			t.Fatal("a number is cut off")
		}
		out, b = append(out, int(v)), b[k:]
	}
	return out
}

func readPaths(t testing.TB, g []int, kind int) (paths [][]gridPoint) {
	t.Helper()
	var pen gridPoint
	for i := 0; i < len(g); {
		command, count := g[i]&7, g[i]>>3
		i++
		if command == 7 {
			if kind != mvtPolygon || count != 1 || len(paths[len(paths)-1]) < 3 {
				t.Fatalf("a path is closed in %v", g)
			}
			continue
		}
		if command == 1 {
			paths = append(paths, nil)
			if count != 1 {
				t.Fatalf("the pen is moved %d times", count)
			}
		}
		for range count {
			dx, dy := int(uint(g[i])>>1)^-(g[i]&1), int(uint(g[i+1])>>1)^-(g[i+1]&1)
			if command == 2 && dx == 0 && dy == 0 {
				t.Fatal("a line goes nowhere")
			}
			pen = gridPoint{pen.x + dx, pen.y + dy}
			last := len(paths) - 1
			paths[last] = append(paths[last], pen)
			i += 2
		}
	}
	return paths
}

// worldOf makes random incidents, some of them on the very edges of tiles.
func worldOf(rng *rand.Rand, n int) *memory {
	m := &memory{datasets: []incident.DatasetInfo{{Dataset: incident.Dataset{Name: "a"}}, {Dataset: incident.Dataset{Name: "b"}},
		{Dataset: incident.Dataset{Name: "kept", AggregatesOnly: true}}}}
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	figure := func() incident.Figure {
		switch rng.IntN(4) {
		case 0:
			return incident.Figure{}
		case 1:
			return incident.Known(rng.IntN(100_000))
		}
		return incident.Known(rng.IntN(12))
	}
	for i := range n {
		start := day("2009-01-01") + incident.Day(rng.IntN(400))
		in := incident.Incident{FID: int64(i + 1), ID: fmt.Sprint("i", i), Dataset: pick("a", "b", "b", "kept"), Start: start, End: start + incident.Day(max(0, rng.IntN(8)-4)),
			EventType: incident.EventType(pick("", string(incident.Battles), string(incident.Riots))), TypeOfViolence: incident.TypeOfViolence(rng.IntN(4)),
			LocationPrecision: incident.LocationPrecisions[rng.IntN(len(incident.LocationPrecisions))], Verification: incident.Verifications[rng.IntN(len(incident.Verifications))],
			Synthetic: rng.IntN(2) == 0, Low: figure(), Best: figure(), High: figure(), Place: incident.Place{Kind: incident.PlaceKinds[rng.IntN(len(incident.PlaceKinds))]}}
		if rng.IntN(2) == 0 {
			in.Place.Kind = incident.PlacePoint
		}
		if rng.IntN(10) > 0 {
			in.Point, in.HasPoint = orb.Point{62 + 12*rng.Float64(), 27 + 10*rng.Float64()}, true
			if rng.IntN(4) == 0 { // edges of columns and rows of zoom 12
				in.Point[0] = math.Floor((in.Point[0]+180)/360*4096)/4096*360 - 180
				row := math.Floor((1 - math.Asinh(math.Tan(in.Point[1]*math.Pi/180))/math.Pi) / 2 * 4096)
				in.Point[1] = math.Atan(math.Sinh(math.Pi*(1-2*row/4096))) * 180 / math.Pi
			}
		}
		switch u := testUnits[rng.IntN(len(testUnits))]; rng.IntN(5) {
		case 0:
		case 1:
			in.Country = u.Country
		case 2:
			in.Country, in.Province = u.Country, u.Province
		default:
			in.Country, in.Province, in.UnitID = u.Country, u.Province, pick(u.ID, u.ID, u.ID, "pk-kp-upper-agency", "xx-unknown")
			in.Subunit = pick("", "pk-kp-khyber-landi-kotal", "xx-unknown")
		}
		m.rows = append(m.rows, in)
	}
	m.change.Store(1)
	return m
}

func tileBody(t testing.TB, h http.Handler, address string) map[string][]tileFeature {
	t.Helper()
	rec := do(h, http.MethodGet, address, nil)
	if rec.Code == http.StatusNoContent {
		if rec.Body.Len() > 0 {
			t.Fatal("204 has a body")
		}
		return nil
	}
	if rec.Code != http.StatusOK {
		t.Fatalf("%s gives %d: %s", address, rec.Code, rec.Body)
	}
	return readTileBytes(t, rec.Body.Bytes())
}

// naiveTally adds up incidents as the properties of a cluster or badge.
func naiveTally(list []*incident.Incident) map[string]any {
	props := map[string]any{"count": len(list), "fatalities_unknown": 0}
	for _, in := range list {
		if !in.Best.Known {
			props["fatalities_unknown"] = props["fatalities_unknown"].(int) + 1
		}
		for name, f := range map[string]incident.Figure{"fatalities_low": in.Low, "fatalities_best": in.Best, "fatalities_high": in.High} {
			if f.Known {
				n, _ := props[name].(int)
				props[name] = n + f.N
			}
		}
	}
	return props
}

// naiveBadge says what the badge of an incident says of its place, and where it stands; nil for none.
func naiveBadge(in *incident.Incident) (map[string]any, orb.Point) {
	props := map[string]any{"place_kind": string(in.Place.Kind)}
	border := func() (map[string]any, orb.Point) {
		props["name"] = "Afghanistan–Pakistan border (Durand Line)"
		return props, orb.Point{} // compared elsewhere
	}
	var point orb.Point
	switch in.Place.Kind {
	case incident.PlacePoint, incident.PlaceCircle, incident.PlaceNone:
		return nil, point
	case incident.PlaceBorder:
		return border()
	}
	coarse := in.Place.Kind == incident.PlaceProvince || in.Place.Kind == incident.PlaceCountry
	if in.Place.Kind == incident.PlaceSubunit && in.Subunit == "pk-kp-khyber-landi-kotal" {
		for k, v := range map[string]any{"unit_id": "pk-kp-khyber", "subunit_id": in.Subunit, "name": "Landi Kotal", "province": "Khyber Pakhtunkhwa", "country": "PK"} {
			props[k] = v
		}
		return props, orb.Point{71.2, 34.2}
	}
	if !coarse && in.UnitID == "pk-kp-upper-agency" {
		for k, v := range map[string]any{"unit_id": in.UnitID, "name": "Upper Agency", "province": "Khyber Pakhtunkhwa", "country": "PK"} {
			props[k] = v
		}
		return props, orb.Point{70.5, 33.5}
	}
	for _, u := range testUnits {
		if !coarse && u.ID == in.UnitID {
			for k, v := range map[string]any{"unit_id": u.ID, "name": u.Name, "province": u.Province, "country": u.Country} {
				props[k] = v
			}
			return props, u.Label
		}
	}
	// The middles of the squares of testUnits, or the label point that is nearest to them.
	if in.Province != "" && in.Place.Kind != incident.PlaceCountry {
		props["province"], props["name"], props["country"] = in.Province, in.Province, in.Country
		return props, map[string]orb.Point{"Khyber Pakhtunkhwa": {71, 34}, "Balochistan": {63.5, 28.5}, "Helmand": {63.5, 31.5}, "Paktika": {68.5, 32.5}}[in.Province]
	}
	switch in.Country {
	case "PK":
		props["country"], props["name"] = "PK", "Pakistan"
		return props, orb.Point{70.5, 33.5}
	case "AF":
		props["country"], props["name"] = "AF", "Afghanistan"
		return props, orb.Point{63.5, 31.5}
	}
	if in.Place.Kind == incident.PlaceUnits {
		return border()
	}
	return nil, point
}

// Every incident at a point is once in the tiles of a zoom, where and as the
// incidents themselves say; clusters and badges add up.
func TestTilesAgreeWithTheIncidents(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := worldOf(rng, 400)
		h := mustHandler(t, testConfig(m))
		query := []string{"", "?datetime=2009-03-01/2009-06-30", "?country=PK", "?dataset=b,kept&bbox=63,28,70,34", "?min_fatalities=3", "?verification=disputed"}[seed%6]
		s := mustServer(t, testConfig(m))
		values, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
		if err != nil {
			t.Fatal(err)
		}
		p := params{}
		for k := range values {
			p[k] = values.Get(k)
		}
		snap, sel, err := s.selected(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		outside := map[uint64]*incident.Incident{}
		points, badges := map[uint64]*incident.Incident{}, map[string][]*incident.Incident{}
		for i := range m.rows {
			in := &m.rows[i]
			if !incident.Matches(sel.filter, in) || contains(snap.withheld, in.Dataset) {
				continue
			}
			if in.HasPoint && (in.Place.Kind == incident.PlacePoint || in.Place.Kind == incident.PlaceCircle) {
				points[uint64(in.FID)] = in
			}
			if in.HasPoint && (in.Place.Kind == incident.PlaceNone || in.Place.Kind == "") {
				outside[uint64(in.FID)] = in
			}
			if about, _ := naiveBadge(in); about != nil {
				text, _ := json.Marshal(about)
				badges[string(text)] = append(badges[string(text)], in)
			}
		}
		if len(points) == 0 || len(badges) == 0 {
			t.Fatalf("seed %d: nothing to compare", seed)
		}
		for _, z := range []int{0, 3, 6, 7, 8, 9} {
			n := float64(int(1) << z)
			rowOf := func(lat float64) float64 {
				return (1 - math.Asinh(math.Tan(lat*math.Pi/180))/math.Pi) / 2 * n
			}
			seen, counted, found := map[uint64]bool{}, 0, map[string]bool{}
			for row := int(rowOf(37)); row <= int(rowOf(27)); row++ {
				for col := int((62 + 180) / 360.0 * n); col <= int((74+180)/360.0*n); col++ {
					address := fmt.Sprintf("%s/%d/%d/%d", tilesURL, z, row, col)
					layers := tileBody(t, h, address+query)
					for name := range layers {
						if name != "badges" && (name == "incidents" || name == "unplaced") != (z >= 7) {
							t.Errorf("%s has the layer %s", address, name)
						}
					}
					for _, f := range layers["unplaced"] {
						in := outside[f.id]
						if in == nil || seen[f.id] {
							t.Fatalf("seed %d: incident %d without a place is in %s, seen %v", seed, f.id, address, seen[f.id])
						}
						seen[f.id] = true
						if d := cmp.Diff(naiveProps(in), f.props); d != "" {
							t.Errorf("incident %d differs (-want +got):\n%s", f.id, d)
						}
					}
					for _, f := range layers["incidents"] {
						in := points[f.id]
						if in == nil || seen[f.id] {
							t.Fatalf("seed %d: incident %d is in %s, seen %v", seed, f.id, address, seen[f.id])
						}
						seen[f.id] = true
						if d := cmp.Diff(naiveProps(in), f.props); d != "" {
							t.Errorf("incident %d differs (-want +got):\n%s", f.id, d)
						}
						at := f.paths[0][0]
						x, y := ((in.Point[0]+180)/360*n-float64(col))*4096, (rowOf(in.Point[1])-float64(row))*4096
						if f.kind != mvtPoint || at.x < 0 || at.x > 4095 || at.y < 0 || at.y > 4095 || math.Abs(float64(at.x)-x) > 1.001 || math.Abs(float64(at.y)-y) > 1.001 {
							t.Errorf("incident %d is at %v, want %v %v", f.id, at, x, y)
						}
					}
					for _, f := range layers["clusters"] {
						at := f.paths[0][0]
						var list []*incident.Incident
						for _, in := range points {
							x, y := (in.Point[0]+180)/360*n-float64(col), rowOf(in.Point[1])-float64(row)
							if math.Floor(x*8) == float64(at.x/512) && math.Floor(y*8) == float64(at.y/512) {
								list = append(list, in)
							}
						}
						want := naiveTally(list)
						for _, in := range list {
							if in.EventType != "" {
								n, _ := want[string(in.EventType)].(int)
								want[string(in.EventType)] = n + 1
							}
						}
						if d := cmp.Diff(want, f.props); d != "" {
							t.Errorf("seed %d: cluster at %v of %s differs (-want +got):\n%s", seed, at, address, d)
						}
						counted += f.props["count"].(int)
					}
					for _, f := range layers["badges"] {
						about, got := map[string]any{}, map[string]any{}
						for k, v := range f.props {
							if slices.Contains(tallyKeys, k) {
								got[k] = v
							} else {
								about[k] = v
							}
						}
						text, _ := json.Marshal(about)
						list := badges[string(text)]
						if len(list) == 0 || found[string(text)] {
							t.Fatalf("seed %d: badge %s is in %s, found %v", seed, text, address, found[string(text)])
						}
						found[string(text)] = true
						if d := cmp.Diff(naiveTally(list), got); d != "" {
							t.Errorf("seed %d: badge %s differs (-want +got):\n%s", seed, text, d)
						}
						if _, p := naiveBadge(list[0]); p != (orb.Point{}) {
							at := f.paths[0][0]
							x, y := ((p[0]+180)/360*n-float64(col))*4096, (rowOf(p[1])-float64(row))*4096
							if math.Abs(float64(at.x)-x) > 1.001 || math.Abs(float64(at.y)-y) > 1.001 {
								t.Errorf("badge %s is at %v, want %v %v", text, at, x, y)
							}
						}
					}
				}
			}
			if z >= 7 && len(seen) != len(points)+len(outside) || z < 7 && counted != len(points) {
				t.Errorf("seed %d, zoom %d: %d and %d of %d incidents", seed, z, len(seen), counted, len(points))
			}
			if len(found) != len(badges) {
				t.Errorf("seed %d, zoom %d: %d of %d badges", seed, z, len(found), len(badges))
			}
		}
	}
}

// naiveProps are what a tile says of an incident.
func naiveProps(in *incident.Incident) map[string]any {
	props := map[string]any{"start_date": in.Start.String(), "end_date": in.End.String(), "location_precision": string(in.LocationPrecision),
		"place_kind": string(in.Place.Kind), "dataset": in.Dataset, "verification": string(in.Verification), "synthetic": in.Synthetic}
	if in.EventType != "" {
		props["event_type"] = string(in.EventType)
	}
	if in.TypeOfViolence != 0 {
		props["type_of_violence"] = int(in.TypeOfViolence)
	}
	for name, f := range map[string]incident.Figure{"fatalities_low": in.Low, "fatalities_best": in.Best, "fatalities_high": in.High} {
		if f.Known {
			props[name] = f.N
		}
	}
	return props
}

// The middle of the border is on it, and what may be in both countries stands there.
func TestBorderBadge(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	n := 0
	for _, f := range tileBody(t, h, tilesURL+"/0/0/0")["badges"] {
		if k := f.props["place_kind"]; k != "border" && k != "units" {
			continue
		}
		n++
		at := f.paths[0][0]
		// Halfway along the fine line of the fixture, near 66.4 east, 31.2 north.
		if at.x < 2750 || at.x > 2820 || at.y < 1660 || at.y > 1680 || f.props["unit_id"] != nil || f.props["country"] != nil {
			t.Errorf("badge %v is at %v", f.props, at)
		}
	}
	if n != 2 {
		t.Errorf("there are %d badges at the border", n)
	}
}

func TestTilesOfUnits(t *testing.T) {
	c := testConfig(testStore())
	// A square with a hole, wound the other way round, and one too small to be seen.
	c.Units = append(slices.Clone(testUnits[:1]), geo.Unit{ID: "hole", Name: "Hole", Country: "PK", Province: "P",
		Geometry: orb.MultiPolygon{{{{65, 30}, {65, 31}, {66, 31}, {66, 30}, {65, 30}}, {{65.4, 30.4}, {65.6, 30.4}, {65.6, 30.6}, {65.4, 30.6}, {65.4, 30.4}}}}},
		geo.Unit{ID: "speck", Name: "Speck", Country: "PK", Province: "P", Geometry: square(67, 30, 1e-7)})
	h := mustHandler(t, c)
	area := func(p []gridPoint) int { return gridArea(p) }
	layers := tileBody(t, h, "/collections/units/tiles/WebMercatorQuad/5/13/21")
	var ids []string
	for _, f := range layers["units"] {
		ids = append(ids, f.props["unit_id"].(string))
		for i, p := range f.paths {
			if (area(p) > 0) != (i == 0) {
				t.Errorf("ring %d of %v has the area %d", i, f.props, area(p))
			}
		}
		if f.props["unit_id"] == "hole" && len(f.paths) != 2 {
			t.Errorf("the hole has %d rings", len(f.paths))
		}
	}
	if want := []string{"hole"}; !slices.Equal(ids, want) {
		t.Errorf("units are %v, want %v", ids, want)
	}
	// Within a unit the tile is all of it, with its margin; within the hole there is nothing.
	at := func(p orb.Point) []tileFeature {
		x, y := mercator(p)
		return tileBody(t, h, fmt.Sprintf("/collections/units/tiles/WebMercatorQuad/14/%d/%d", int(y*(1<<14)), int(x*(1<<14))))["units"]
	}
	inside := at(orb.Point{65.2, 30.2})
	if len(inside) != 1 || len(inside[0].paths) != 1 || area(inside[0].paths[0]) != 2*(tileExtent+2*tileMargin)*(tileExtent+2*tileMargin) {
		t.Errorf("a tile within a unit is %v", inside)
	}
	if got := at(orb.Point{65.5, 30.5}); got != nil {
		t.Errorf("a tile within a hole is %v", got)
	}
}

func TestTileHeaders(t *testing.T) {
	m := testStore()
	h := mustHandler(t, testConfig(m))
	for _, address := range []string{tilesURL + "/7/51/89?datetime=2009-01-01/..", tilesURL + "/7/0/0", "/collections/units/tiles/WebMercatorQuad/7/51/89", tilesURL + "?f=tilejson"} {
		rec := do(h, http.MethodGet, address, nil)
		tag := rec.Header().Get("ETag")
		if tag == "" || rec.Header().Get("Cache-Control") != "no-cache" || rec.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: headers are %v", address, rec.Header())
		}
		if again := do(h, http.MethodGet, address, map[string]string{"If-None-Match": tag}); again.Code != http.StatusNotModified {
			t.Errorf("%s: asked again gives %d", address, again.Code)
		}
		if rec.Code == http.StatusOK {
			packed := do(h, http.MethodGet, tilesURL+"?f=json", map[string]string{"Accept-Encoding": "gzip"})
			if packed.Header().Get("Content-Encoding") != "gzip" {
				t.Errorf("%s: the answer is not packed", address)
			}
		}
		m.change.Add(1)
		if later := do(h, http.MethodGet, address, map[string]string{"If-None-Match": tag}); later.Code == http.StatusNotModified {
			t.Errorf("%s: a change is not seen", address)
		}
	}
	one, two := do(h, http.MethodGet, tilesURL+"/7/51/89?country=PK", nil), do(h, http.MethodGet, tilesURL+"/7/51/89", nil)
	if one.Header().Get("ETag") == two.Header().Get("ETag") {
		t.Error("two filters have one ETag")
	}
}

// Badges of a filter are counted once for a change number, and again after a change.
func TestBadgesAreKept(t *testing.T) {
	m := testStore()
	h := mustHandler(t, testConfig(m))
	count := func(col int) int64 {
		before := m.reads.Load()
		tileBody(t, h, fmt.Sprintf("%s/7/51/%d", tilesURL, col))
		return m.reads.Load() - before
	}
	if n := count(89); n != 2 {
		t.Errorf("the first tile reads %d times", n)
	}
	if n := count(89); n != 1 {
		t.Errorf("the second tile reads %d times", n)
	}
	if n := count(2); n != 1 { // no badge can stand there
		t.Errorf("a tile far away reads %d times", n)
	}
	m.rows = append(m.rows, incident.Incident{FID: 99, ID: "new", Dataset: "ged", Start: 1, End: 1, Country: "PK", Province: "Khyber Pakhtunkhwa", UnitID: "pk-kp-kurram",
		Place: incident.Place{Kind: incident.PlaceUnit}})
	m.change.Add(1)
	for _, f := range tileBody(t, h, tilesURL+"/7/51/89")["badges"] {
		if f.props["place_kind"] == "unit" && f.props["count"] != 2 {
			t.Errorf("after a change the badge is %v", f.props)
		}
	}
}

func TestTileErrors(t *testing.T) {
	m := testStore()
	m.failAt = 1
	if rec := do(mustHandler(t, testConfig(m)), http.MethodGet, tilesURL+"/0/0/0", nil); rec.Code != http.StatusInternalServerError || strings.Contains(rec.Body.String(), "secret") {
		t.Errorf("a broken store gives %d: %s", rec.Code, rec.Body)
	}
	s := mustServer(t, testConfig(&rowsReader{memory: testStore(), n: maxTileFeatures + 1, point: orb.Point{71.1, 34.1}}))
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	rec := do(h, http.MethodGet, tilesURL+"/7/51/89", nil)
	if rec.Code != http.StatusRequestEntityTooLarge || !strings.Contains(rec.Body.String(), "higher zoom") {
		t.Errorf("a tile of too much gives %d: %.200s", rec.Code, rec.Body)
	}
	if rec := do(h, http.MethodGet, tilesURL+"/6/25/44", nil); rec.Code != http.StatusOK {
		t.Errorf("clusters of much give %d", rec.Code)
	}
	// A client that is gone stops the work soon.
	ctx, cancel := context.WithCancel(t.Context())
	read := &rowsReader{memory: testStore(), n: 1 << 30, point: orb.Point{71.1, 34.1}, onRow: func(i int) {
		if i == 5000 {
			cancel()
		}
	}}
	s = mustServer(t, testConfig(read))
	snap, sel, err := s.selected(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, z := range []int{0, 7} {
		if err := s.incidentTile(ctx, newMVT(), snap, sel, tile{z: z}); !errors.Is(err, context.Canceled) || read.given > 8000 {
			t.Errorf("given up after %d rows: %v", read.given, err)
		}
	}
}

// rowsReader gives the same row again and again.
type rowsReader struct {
	*memory
	n, given int
	point    orb.Point
	onRow    func(int)
}

func (r *rowsReader) Rows(_ context.Context, _ incident.Filter, do func(*incident.Row) bool) error {
	row := incident.Row{Point: r.point, HasPoint: true, Kind: &incident.RowKind{PlaceKind: incident.PlacePoint}, Place: &incident.RowPlace{}}
	for i := range r.n {
		row.FID = int64(i + 1)
		r.given = i + 1
		if r.onRow != nil {
			r.onRow(r.given)
		}
		if !do(&row) {
			return nil
		}
	}
	return nil
}

// A tile as text, so that a change of what is in it shows.
func TestTileGolden(t *testing.T) {
	for _, open := range testStores {
		h := mustHandler(t, testConfig(open(t)))
		for name, address := range map[string]string{"tile-incidents": tilesURL + "/7/51/89", "tile-clusters": tilesURL + "/4/6/11",
			"tile-units": "/collections/units/tiles/WebMercatorQuad/7/51/89", "tile-border": "/collections/border/tiles/WebMercatorQuad/7/51/89"} {
			layers := tileBody(t, h, address)
			var b strings.Builder
			fmt.Fprintf(&b, "%s\n", address)
			var names []string
			for layer := range layers {
				names = append(names, layer)
			}
			slices.Sort(names)
			for _, layer := range names {
				fmt.Fprintf(&b, "\n%s\n", layer)
				for _, f := range layers[layer] {
					props, err := json.Marshal(f.props)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintf(&b, "id %d type %d %v %s\n", f.id, f.kind, f.paths, props)
				}
			}
			golden(t, name, b.String())
		}
	}
}

// GDAL reads the same points where the incidents are.
func TestGDALReadsTiles(t *testing.T) {
	storetest.NeedGDAL(t, "ogr2ogr", "ogrinfo")
	if out, err := exec.Command("ogrinfo", "--formats").CombinedOutput(); err != nil || !bytes.Contains(out, []byte("MVT")) {
		t.Fatalf("GDAL has no MVT driver: %v", err)
	}
	m := worldOf(rand.New(rand.NewPCG(7, 7)), 300)
	h := mustHandler(t, testConfig(m))
	read := func(address, layer string) (features []struct {
		ID         int64          `json:"id"`
		Properties map[string]any `json:"properties"`
		Geometry   struct {
			Type        string          `json:"type"`
			Coordinates json.RawMessage `json:"coordinates"`
		} `json:"geometry"`
	}) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "tile.mvt")
		if err := os.WriteFile(file, do(h, http.MethodGet, address, nil).Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		part := strings.Split(address, "/")
		n := len(part)
		out, err := exec.Command("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", file, layer, "-t_srs", "EPSG:4326", "-lco", "RFC7946=YES", "-oo", "CLIP=NO",
			"-oo", "Z="+part[n-3], "-oo", "Y="+part[n-2], "-oo", "X="+part[n-1]).Output()
		if err != nil {
			t.Fatalf("ogr2ogr: %v", err)
		}
		var got struct{ Features json.RawMessage }
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got.Features, &features); err != nil {
			t.Fatal(err)
		}
		return features
	}
	found := 0
	for _, f := range read(tilesURL+"/7/52/88", "incidents") {
		in := m.rows[int(f.Properties["mvt_id"].(float64))-1]
		var p orb.Point
		if err := json.Unmarshal(f.Geometry.Coordinates, &p); err != nil {
			t.Fatal(err)
		}
		found++
		delete(f.Properties, "mvt_id")
		for k, v := range f.Properties {
			if v == nil { // not there
				delete(f.Properties, k)
			}
			if n, ok := v.(float64); ok {
				f.Properties[k] = int(n)
			}
		}
		if math.Abs(p[0]-in.Point[0]) > 0.001 || math.Abs(p[1]-in.Point[1]) > 0.001 {
			t.Errorf("GDAL has incident %d at %v, it is at %v", in.FID, p, in.Point)
		}
		if d := cmp.Diff(naiveProps(&in), f.Properties); d != "" {
			t.Errorf("GDAL reads incident %d otherwise (-want +got):\n%s", in.FID, d)
		}
	}
	x := m.rows
	want := 0
	for i := range x {
		if newGrid(tile{7, 52, 88}).contains(x[i].Point) && x[i].HasPoint && x[i].Dataset != "kept" && (x[i].Place.Kind == incident.PlacePoint || x[i].Place.Kind == incident.PlaceCircle) {
			want++
		}
	}
	if found != want || want == 0 {
		t.Errorf("GDAL reads %d incidents of %d", found, want)
	}
	units := read("/collections/units/tiles/WebMercatorQuad/7/51/89", "units")
	if len(units) != 2 || !strings.HasSuffix(units[0].Geometry.Type, "Polygon") {
		t.Errorf("GDAL reads the units %v", units)
	}
}

// Whatever stands in the address, the answer is a tile, 204, 400 or 404.
func FuzzTileAddress(f *testing.F) {
	for _, seed := range [][3]string{{"7", "51", "89"}, {"-1", "0", "0"}, {"-0", "0", "0"}, {"22", "4194303", "4194303"}, {"٧", "0", "0"}, {"1e1", "+1", "0x1"}, {"0", "0", "18446744073709551616"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, z, row, col string) {
		got, err := readTile(z, row, col)
		if err == nil {
			if got.z > maxTileZoom || got.row >= 1<<got.z || got.col >= 1<<got.z || got.z < 0 || got.row < 0 || got.col < 0 {
				t.Errorf("%q %q %q is the tile %v", z, row, col, got)
			}
			if strconv.Itoa(got.z) != z || strconv.Itoa(got.row) != row || strconv.Itoa(got.col) != col {
				t.Errorf("%q %q %q has another address too", z, row, col)
			}
			b := got.bound(0)
			if !(b.Min[0] < b.Max[0] && b.Min[1] < b.Max[1]) {
				t.Errorf("the tile %v has the bound %v", got, b)
			}
			return
		}
		if p := newProblem(err); p.Status != http.StatusBadRequest && p.Status != http.StatusNotFound {
			t.Errorf("%q %q %q gives %d", z, row, col, p.Status)
		}
	})
}

// Each point of the world is in one tile of a zoom.
func TestEachPointIsInOneTile(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 20_000 {
		z := rng.IntN(maxTileZoom + 1)
		p := orb.Point{rng.Float64()*360 - 180, rng.Float64()*170 - 85}
		if rng.IntN(3) == 0 { // on an edge
			p[0] = math.Round((p[0]+180)/360*float64(int(1)<<z))/float64(int(1)<<z)*360 - 180
		}
		if rng.IntN(3) == 0 {
			_, y := mercator(p)
			p[1] = math.Atan(math.Sinh(math.Pi*(1-2*math.Floor(y*float64(int(1)<<z))/float64(int(1)<<z)))) * 180 / math.Pi
		}
		x, y := mercator(p)
		n := 0
		side := int(1) << z
		for _, dr := range []int{-1, 0, 1} {
			for _, dc := range []int{-1, 0, 1} {
				at := tile{z, int(y*float64(side)) + dr, int(x*float64(side)) + dc}
				if at.row < 0 || at.col < 0 || at.row >= side || at.col >= side {
					continue
				}
				if g := newGrid(at); g.contains(p) {
					n++
					if !at.bound(0).Contains(p) {
						t.Fatalf("%v is in %v, but not in its bound %v", p, at, at.bound(0))
					}
					want, gx := at.scale(x, y), orb.Point{}
					gx[0], gx[1] = g.at(p)
					if math.Abs(gx[0]*tileExtent-want[0]) > 1e-3 || math.Abs(gx[1]*tileExtent-want[1]) > 1e-3 {
						t.Fatalf("%v is at %v of %v, want %v", p, gx, at, want)
					}
				}
			}
		}
		if n != 1 {
			t.Fatalf("%v is in %d tiles of zoom %d", p, n, z)
		}
	}
	for _, p := range []orb.Point{{0, 89}, {0, -90}, {0, 90}, {math.NaN(), 0}} {
		if newGrid(tile{}).contains(p) {
			t.Errorf("%v is in the world", p)
		}
	}
}

func TestKeptForgetsTheOldest(t *testing.T) {
	k := kept[int]{most: 10}
	for i := range 6 {
		k.get(strconv.Itoa(i), 3, func() int { return i })
		k.find("0")
	}
	for i, want := range []bool{true, false, false, false, true, true} {
		if v, ok := k.find(strconv.Itoa(i)); ok != want || ok && v != i {
			t.Errorf("%d is kept: %v", i, ok)
		}
	}
	k.get("large", 11, func() int { return 0 })
	if len(k.byKey) != 0 || k.order.Len() != 0 || k.size != 0 {
		t.Errorf("after one too large %d are kept with the size %d", len(k.byKey), k.size)
	}
}

// The tile of the design's measure: 1,254 incidents of a year.
func BenchmarkTile(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	world := worldOf(rng, 1254)
	reader := &columnReader{memory: world}
	kindsOf := slices.Clone(world.rows[:80])
	for i := range world.rows {
		in, like := &world.rows[i], &kindsOf[rng.IntN(80)]
		in.EventType, in.TypeOfViolence, in.LocationPrecision, in.Verification, in.Synthetic, in.Dataset = like.EventType, like.TypeOfViolence, like.LocationPrecision, like.Verification, like.Synthetic, "b"
		in.Place.Kind, in.HasPoint = incident.PlacePoint, true
		in.Point = orb.Point{70.4 + 2*rng.Float64(), 33 + rng.Float64()}
	}
	slices.SortFunc(world.rows, func(a, b incident.Incident) int { return int(a.Start - b.Start) })
	kinds, places := map[incident.RowKind]*incident.RowKind{}, map[incident.RowPlace]*incident.RowPlace{}
	for i := range world.rows {
		in := &world.rows[i]
		kind, place := incident.RowKindOf(in), incident.RowPlaceOf(in)
		if kinds[kind] == nil {
			kinds[kind] = &kind
		}
		if places[place] == nil {
			places[place] = &place
		}
		reader.rows = append(reader.rows, incident.Row{FID: in.FID, Start: in.Start, End: in.End, Point: in.Point, HasPoint: true, Low: in.Low, Best: in.Best, High: in.High, Kind: kinds[kind], Place: places[place]})
	}
	s := mustServer(b, testConfig(reader))
	snap, sel, err := s.selected(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	var size, features int
	b.ReportAllocs()
	for b.Loop() {
		m := newMVT()
		if err := s.incidentTile(b.Context(), m, snap, sel, tile{7, 51, 89}); err != nil {
			b.Fatal(err)
		}
		size = len(m.b)
		if features == 0 {
			features = len(readTileBytes(b, m.b)["incidents"])
		}
		m.free()
	}
	b.ReportMetric(float64(size), "bytes/tile")
	b.ReportMetric(float64(features), "features/tile")
}

// columnReader has its rows ready.
type columnReader struct {
	*memory
	rows []incident.Row
}

func (r *columnReader) Rows(_ context.Context, _ incident.Filter, do func(*incident.Row) bool) error {
	var row incident.Row
	for i := range r.rows {
		row = r.rows[i]
		if !do(&row) {
			return nil
		}
	}
	return nil
}
