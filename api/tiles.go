package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"

	"sarhad/incident"
)

const (
	mediaMVT = "application/vnd.mapbox-vector-tile"
	borderID = "border"
	// tileMatrixSet is the only tiling scheme; minTileZoom and maxTileZoom bound its matrices that have tiles.
	tileMatrixSet = "WebMercatorQuad"
	minTileZoom   = 0
	maxTileZoom   = 22
	// unclusteredZoom is the first zoom at which every incident is a point of its own.
	unclusteredZoom = 7
	// clusterCells is how many cells a tile has across and down in which incidents are counted below that.
	clusterCells = 8
	// maxTileFeatures is the most incidents that a tile gives.
	maxTileFeatures = 250_000
	// giveUpEvery is after how many rows a tile looks whether its client is still there.
	giveUpEvery = 1024
)

var (
	formatMVT          = format{names: []string{"mvt"}, media: mediaMVT, accepts: []string{mediaMVT}}
	incidentTileParams = append([]string{"f"}, filterParams...)
	placeTileParams    = []string{"f"}
)

// tiledCollections have tiles.
var tiledCollections = []string{incidentsID, unitsID, borderID}

// tiles is what tiles are made of besides the incidents. It is made when the first tile is asked for.
type tiles struct {
	anchors anchors
	badges  kept[*badgeSet]
	places  kept[[]byte]
	bounds  []orb.Bound // of the units
}

func newTiles(s *server) *tiles {
	t := &tiles{anchors: newAnchors(s), badges: kept[*badgeSet]{most: maxBadgeSets}, places: kept[[]byte]{most: maxPlaceTiles}}
	for i := range s.Units {
		t.bounds = append(t.bounds, s.Units[i].Geometry.Bound())
	}
	return t
}

// tile is one of WebMercatorQuad, with row 0 in the north and column 0 in the west.
type tile struct{ z, row, col int }

// side is how many tiles the world is wide and high.
func (t tile) side() float64 { return float64(uint64(1) << t.z) }

// mercator projects a longitude and a latitude to the square of the tiles, in
// which x goes from 0 in the west to 1 in the east and y from 0 in the north to
// 1 in the south. Beyond 85.06° north or south y lies outside.
func mercator(p orb.Point) (x, y float64) {
	sin := math.Sin(p[1] * math.Pi / 180)
	return (p[0] + 180) / 360, 0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)
}

// scale turns a point of the square into units of the tile, 0 to tileExtent within it.
func (t tile) scale(x, y float64) orb.Point {
	return orb.Point{(x*t.side() - float64(t.col)) * tileExtent, (y*t.side() - float64(t.row)) * tileExtent}
}

// bound is the tile in lon, lat, wider on each side by so many widths of a tile.
func (t tile) bound(margin float64) orb.Bound {
	lon := func(col float64) float64 { return col/t.side()*360 - 180 }
	lat := func(row float64) float64 { return math.Atan(math.Sinh(math.Pi*(1-2*row/t.side()))) * 180 / math.Pi }
	row, col := float64(t.row), float64(t.col)
	return orb.Bound{Min: orb.Point{lon(col - margin), lat(row + 1 + margin)}, Max: orb.Point{lon(col + 1 + margin), lat(row - margin)}}
}

// grid places points in a tile. Whether a point lies in it is decided by
// longitude and latitude alone: tiles beside each other have the same edge, to
// the last bit, so that each point is in exactly one tile of a zoom. The
// western and the northern edge belong to the tile, and 180° east to the last column.
type grid struct {
	tile
	west, south, east, north float64
	// A sine and a logarithm for each point would be a fifth of the work. Within
	// a tile of a high zoom a polynomial through a few points of the projection
	// (in Newton's form) is as good: it is wrong by less than a millionth of a unit.
	nodes, factors [6]float64
}

func newGrid(t tile) *grid {
	b := t.bound(0)
	g := &grid{tile: t, west: b.Min[0], south: b.Min[1], east: b.Max[0], north: b.Max[1]}
	if g.east == 180 {
		g.east = math.Nextafter(180, 181)
	}
	for i := range g.nodes {
		g.nodes[i] = (g.north+g.south)/2 + (g.north-g.south)/2*math.Cos((2*float64(i)+1)/(2*float64(len(g.nodes)))*math.Pi)
		_, y := mercator(orb.Point{0, g.nodes[i]})
		g.factors[i] = y*t.side() - float64(t.row)
	}
	for level := 1; level < len(g.nodes); level++ {
		for i := len(g.nodes) - 1; i >= level; i-- {
			g.factors[i] = (g.factors[i] - g.factors[i-1]) / (g.nodes[i] - g.nodes[i-level])
		}
	}
	return g
}

// box holds exactly the points that the tile contains.
func (g *grid) box() orb.Bound {
	return orb.Bound{Min: orb.Point{g.west, math.Nextafter(g.south, 90)}, Max: orb.Point{math.Nextafter(g.east, -180), g.north}}
}

func (g *grid) contains(p orb.Point) bool {
	return p[0] >= g.west && p[0] < g.east && p[1] > g.south && p[1] <= g.north
}

// at gives the place of a point that the tile contains, from 0 at its western
// and northern edge to less than 1.
func (g *grid) at(p orb.Point) (x, y float64) {
	const beforeOne = 1 - 1.0/(1<<53)
	x = (p[0]+180)/360*g.side() - float64(g.col)
	if g.z >= unclusteredZoom {
		for i := len(g.nodes) - 1; i >= 0; i-- {
			y = y*(p[1]-g.nodes[i]) + g.factors[i]
		}
	} else {
		_, y = mercator(p)
		y = y*g.side() - float64(g.row)
	}
	return max(0, min(x, beforeOne)), max(0, min(y, beforeOne))
}

// tiled finds the collection of a request about tiles.
func (s *server) tiled(c echo.Context) (*collection, error) {
	col, err := s.collection(c)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(tiledCollections, col.id) {
		return nil, &httpError{http.StatusNotFound, "The collection " + quoted(col.id) + " has no tiles; there are tiles of: " + listed(tiledCollections) + ".", tiledCollections}
	}
	return col, nil
}

// readTile reads the address of a tile.
func readTile(z, row, col string) (tile, error) {
	var t tile
	for _, part := range []struct {
		name, text string
		to         *int
		most       func() int
	}{
		{"z", z, &t.z, func() int { return maxTileZoom }},
		{"row", row, &t.row, func() int { return 1<<t.z - 1 }},
		{"col", col, &t.col, func() int { return 1<<t.z - 1 }},
	} {
		digits := strings.TrimPrefix(part.text, "-")
		if digits == "" || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) || digits != "0" && digits[0] == '0' || part.text == "-0" {
			return tile{}, wrongParameter(part.name, nil, "%s is %s in the address; it must be a whole number.", part.name, quoted(part.text))
		}
		n, err := strconv.Atoi(part.text)
		if err != nil || n < 0 || n > part.most() { // an error now only means that it is too large
			return tile{}, &httpError{http.StatusNotFound, fmt.Sprintf("There is no tile with the %s %s; it goes from 0 to %d here.", part.name, quoted(part.text), part.most()), nil}
		}
		*part.to = n
	}
	return t, nil
}

func (s *server) getTile(c echo.Context) error {
	col, err := s.tiled(c)
	if err != nil {
		return err
	}
	t, err := readTile(c.Param("z"), c.Param("row"), c.Param("col"))
	if err != nil {
		return err
	}
	r := c.Request()
	ctx := r.Context()
	known := placeTileParams
	if col.id == incidentsID {
		known = incidentTileParams
	}
	p, err := readParams(r, known)
	if err != nil {
		return err
	}
	if _, ok := p["f"]; ok { // there is only one format, given whatever Accept says
		if _, err := p.format(r, []format{formatMVT}); err != nil {
			return err
		}
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	if col.id != incidentsID {
		if s.fresh(c, snap, formatMVT, "") {
			return nil
		}
		return s.sendTile(c, s.placeTile(col.id, t))
	}
	sel, err := s.selection(p, snap)
	if err != nil {
		return err
	}
	nameWithheld(c.Response().Header(), snap.leftOut(sel))
	if s.fresh(c, snap, formatMVT, sel.key) {
		return nil
	}
	m := newMVT()
	defer m.free()
	if err := s.incidentTile(ctx, m, snap, sel, t); err != nil {
		return err
	}
	return s.sendTile(c, m.b)
}

// sendTile answers a tile, 204 for one without features.
func (s *server) sendTile(c echo.Context, body []byte) error {
	if len(body) == 0 {
		return c.NoContent(http.StatusNoContent)
	}
	c.Response().Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	return s.send(c, mediaMVT, body)
}

// incidentTile writes the layers of a tile of incidents.
func (s *server) incidentTile(ctx context.Context, m *mvt, snap *snapshot, sel selection, t tile) error {
	write := s.tilePoints
	if t.z < unclusteredZoom {
		write = s.tileClusters
	}
	g := newGrid(t)
	filter := narrowed(snap.shown(sel.filter), incident.Box{Bound: g.box()})
	if err := write(ctx, m, filter, g); err != nil {
		return err
	}
	if !s.tiles().anchors.anyIn(g) {
		return nil
	}
	list, err := s.badges(ctx, snap, sel)
	if err != nil {
		return err
	}
	writeBadges(m, list, g)
	return nil
}

// narrowed adds a condition to a filter.
func narrowed(f, more incident.Filter) incident.Filter {
	switch f := f.(type) {
	case nil:
		return more
	case incident.And:
		return append(f[:len(f):len(f)], more)
	}
	return incident.And{f, more}
}

// scan reads the rows of a filter until do returns an error.
func (s *server) scan(ctx context.Context, f incident.Filter, do func(*incident.Row) error) error {
	n := 0
	var failed error
	err := incident.Rows(ctx, s.Reader, f, func(row *incident.Row) bool {
		if n++; n%giveUpEvery == 0 {
			if failed = ctx.Err(); failed != nil {
				return false
			}
		}
		failed = do(row)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("read rows of a tile: %w", err)
	}
	return nil
}

// isPoint reports whether an incident is placed where its label point is, and
// not only somewhere in a larger place.
func isPoint(row *incident.Row) bool {
	return row.HasPoint && (row.Kind.PlaceKind == incident.PlacePoint || row.Kind.PlaceKind == incident.PlaceCircle)
}

// isUnplaced reports whether an incident has coordinates that are no place: the
// source's own, where nothing known here is.
func isUnplaced(row *incident.Row) bool {
	return row.HasPoint && (row.Kind.PlaceKind == incident.PlaceNone || row.Kind.PlaceKind == "")
}

func (s *server) tilePoints(ctx context.Context, m *mvt, f incident.Filter, g *grid) error {
	unplaced := newMVT() // both layers are written at once
	defer unplaced.free()
	m.open("incidents", incidentKeys)
	unplaced.open("unplaced", incidentKeys)
	err := s.scan(ctx, f, func(row *incident.Row) error {
		layer := m
		if isUnplaced(row) {
			layer = unplaced
		} else if !isPoint(row) {
			return nil
		}
		if !g.contains(row.Point) {
			return nil
		}
		if m.features+unplaced.features == maxTileFeatures {
			return incident.Errorf(incident.CodeTooLarge, "The tile has more than %d incidents; ask for tiles of a higher zoom, or for fewer incidents with a filter.", maxTileFeatures)
		}
		x, y := g.at(row.Point)
		layer.incident(row, int(x*tileExtent), int(y*tileExtent))
		return nil
	})
	m.close()
	unplaced.close()
	m.b = append(m.b, unplaced.b...)
	return err
}

// tally is what a cluster or a badge says of its incidents. A sum of nothing
// but figures that were not reported is not known.
type tally struct {
	count, unknown  int
	low, best, high incident.Figure
}

func (a *tally) add(row *incident.Row) {
	a.count++
	if !row.Best.Known {
		a.unknown++
	}
	sum(&a.low, row.Low)
	sum(&a.best, row.Best)
	sum(&a.high, row.High)
}

func sum(to *incident.Figure, f incident.Figure) {
	if f.Known {
		to.N, to.Known = to.N+f.N, true
	}
}

// tallyKeys are the keys of a tally, the first of its layer.
var tallyKeys = []string{"count", "fatalities_low", "fatalities_best", "fatalities_high", "fatalities_unknown"}

// clusterKeys are the keys of the layer of clusters: a tally, then how many incidents have each event type.
var clusterKeys = append(slices.Clone(tallyKeys), words(incident.EventTypes)...)

func (m *mvt) tally(a *tally) {
	m.tag(0, m.uint(uint64(a.count)))
	m.figureTag(1, a.low)
	m.figureTag(2, a.best)
	m.figureTag(3, a.high)
	m.tag(4, m.uint(uint64(a.unknown)))
}

func (s *server) tileClusters(ctx context.Context, m *mvt, f incident.Filter, g *grid) error {
	var cells [clusterCells * clusterCells]struct {
		tally
		types [6]int  // by place in incident.EventTypes
		x, y  float64 // sums
	}
	typeOf := map[*incident.RowKind]int{}
	err := s.scan(ctx, f, func(row *incident.Row) error {
		if !isPoint(row) || !g.contains(row.Point) {
			return nil
		}
		x, y := g.at(row.Point)
		cell := &cells[int(y*clusterCells)*clusterCells+int(x*clusterCells)]
		cell.add(row)
		k, known := typeOf[row.Kind]
		if !known {
			k = slices.Index(incident.EventTypes, row.Kind.EventType)
			typeOf[row.Kind] = k
		}
		if k >= 0 {
			cell.types[k]++
		}
		cell.x += x
		cell.y += y
		return nil
	})
	if err != nil {
		return err
	}
	m.open("clusters", clusterKeys)
	for i := range cells {
		if cell := &cells[i]; cell.count > 0 {
			m.begin()
			m.tally(&cell.tally)
			for k, n := range cell.types {
				if n > 0 {
					m.tag(len(tallyKeys)+k, m.uint(uint64(n)))
				}
			}
			n := float64(cell.count)
			m.point(int(cell.x/n*tileExtent), int(cell.y/n*tileExtent))
		}
	}
	m.close()
	return nil
}
