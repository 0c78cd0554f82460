package api

import (
	"math"

	"github.com/paulmach/orb"
	orbgeo "github.com/paulmach/orb/geo"

	"sarhad/geo"
	"sarhad/incident"
)

// places holds the geometries that the place of an incident may be, encoded
// once: a country is a hundred kilobytes, and a page may name it a thousand times.
type places struct {
	unit     map[string][]byte    // polygons without the outer brackets
	province map[[2]string][]byte // country, province → the same
	country  map[string][]byte
	border   []byte // a whole geometry, nil if there is none
	// subunit are the polygons of tehsils and Afghan districts, hundreds of which few are asked for: they are not encoded.
	subunit   map[string]orb.MultiPolygon
	crossings []geo.Crossing
	near      crossingGrid
}

func newPlaces(units []geo.Unit, subunits []geo.Subunit, border []BorderLine, crossings []geo.Crossing) *places {
	p := &places{unit: map[string][]byte{}, province: map[[2]string][]byte{}, country: map[string][]byte{},
		subunit: make(map[string]orb.MultiPolygon, len(subunits)), crossings: crossings, near: newCrossingGrid(crossings)}
	for i := range subunits {
		p.subunit[subunits[i].ID] = subunits[i].Geometry
	}
	join := func(to, polygons []byte) []byte {
		if len(to) > 0 && len(polygons) > 0 {
			to = append(to, ',')
		}
		return append(to, polygons...)
	}
	for i := range units {
		u := &units[i]
		polygons := appendPolygons(nil, u.Geometry)
		p.unit[u.ID] = polygons
		k := [2]string{u.Country, u.Province}
		p.province[k] = join(p.province[k], polygons)
		p.country[u.Country] = join(p.country[u.Country], polygons)
	}
	for _, l := range border {
		if p.border == nil || l.Detail == DetailFine {
			p.border = append(appendPositions([]byte(`{"type":"LineString","coordinates":`), l.Line), '}')
		}
	}
	return p
}

// appendPlace appends what is really known of where an incident was, as a
// GeoJSON geometry: null where that is nothing, or a unit that is not known here.
func (p *places) appendPlace(b []byte, in *incident.Incident) []byte {
	switch in.Place.Kind {
	case incident.PlacePoint:
		if in.HasPoint {
			b = append(b, `{"type":"Point","coordinates":`...)
			return append(appendPosition(b, in.Point), '}')
		}
	case incident.PlaceCircle:
		if in.HasPoint {
			return appendCircle(b, in.Point, in.Place.RadiusM)
		}
	case incident.PlaceSubunit:
		if m, ok := p.subunit[in.Subunit]; ok {
			return appendMulti(b, appendPolygons(nil, m))
		}
		return appendMulti(b, p.unit[in.UnitID]) // of other boundaries; it lies in the unit all the same
	case incident.PlaceUnit:
		return appendMulti(b, p.unit[in.UnitID])
	case incident.PlaceUnits:
		start, n := len(b), 0
		b = append(b, `{"type":"MultiPolygon","coordinates":[`...)
		for _, id := range in.Place.Units {
			polygons := p.unit[id]
			if len(polygons) == 0 {
				continue
			}
			if n > 0 {
				b = append(b, ',')
			}
			b = append(b, polygons...)
			n++
		}
		if n > 0 {
			return append(b, "]}"...)
		}
		b = b[:start]
	case incident.PlaceProvince:
		return appendMulti(b, p.province[[2]string{in.Country, in.Province}])
	case incident.PlaceCountry:
		return appendMulti(b, p.country[in.Country])
	case incident.PlaceBorder:
		if p.border != nil {
			return append(b, p.border...)
		}
	}
	return append(b, "null"...)
}

// nearest is the crossing or pass nearest to an incident of which a point or a
// circle is known, -1 where there is none. It is found here and not stored, so
// that it is right when crossings are added.
func (p *places) nearest(in *incident.Incident) int {
	if !in.HasPoint || in.Place.Kind != incident.PlacePoint && in.Place.Kind != incident.PlaceCircle {
		return -1
	}
	near, ok := p.near.at(in.Point)
	if ok && len(near) == 1 {
		return int(near[0])
	}
	perLon := math.Cos(in.Point[1] * math.Pi / 180)
	best, least := -1, math.Inf(1)
	try := func(i int) {
		c := &p.crossings[i].Point
		x, y := (c[0]-in.Point[0])*perLon, c[1]-in.Point[1]
		if d := x*x + y*y; d < least {
			best, least = i, d
		}
	}
	if ok {
		for _, i := range near {
			try(int(i))
		}
		return best
	}
	for i := range p.crossings {
		try(i)
	}
	return best
}

// crossingKM is the distance from a point to a crossing in kilometres, to a tenth.
func (p *places) crossingKM(from orb.Point, crossing int) float64 {
	return math.Round(orbgeo.DistanceHaversine(from, p.crossings[crossing].Point)/1000*10) / 10
}

// crossingGrid lists for each cell of the region the crossings that can be the
// nearest to a point in it: mostly one, of some dozens. Without it finding the
// nearest cost as much as the rest of a feature's numbers.
type crossingGrid struct {
	cells [][]uint16 // nil without crossings
}

// The cells of a crossingGrid, in degrees.
const (
	gridWest, gridSouth   = 58.0, 22.0
	gridCell              = 0.125
	gridColumns, gridRows = 176, 136 // to 80° E and 39° N
)

func newCrossingGrid(crossings []geo.Crossing) crossingGrid {
	if len(crossings) == 0 || len(crossings) > math.MaxUint16 {
		return crossingGrid{}
	}
	g := crossingGrid{cells: make([][]uint16, gridColumns*gridRows)}
	least := make([]float64, len(crossings)) // squares, as in within
	// span gives the least and the greatest distance between a number and those of an interval.
	span := func(v, from, to float64) (nearest, farthest float64) {
		return max(from-v, v-to, 0), max(v-from, to-v)
	}
	for cell := range g.cells {
		west, south := gridWest+float64(cell%gridColumns)*gridCell, gridSouth+float64(cell/gridColumns)*gridCell
		wide, narrow := math.Cos(south*math.Pi/180), math.Cos((south+gridCell)*math.Pi/180)
		within := math.Inf(1) // some crossing is at most so far from any point of the cell
		for i := range crossings {
			nearX, farX := span(crossings[i].Point[0], west, west+gridCell)
			nearY, farY := span(crossings[i].Point[1], south, south+gridCell)
			nearX, farX = nearX*narrow, farX*wide
			least[i] = nearX*nearX + nearY*nearY
			within = min(within, farX*farX+farY*farY)
		}
		for i, d := range least {
			if d <= within+1e-9 { // for the rounding
				g.cells[cell] = append(g.cells[cell], uint16(i))
			}
		}
	}
	return g
}

// at gives the candidates for a point; ok is false outside the grid.
func (g *crossingGrid) at(p orb.Point) (near []uint16, ok bool) {
	x, y := (p[0]-gridWest)/gridCell, (p[1]-gridSouth)/gridCell
	if g.cells == nil || !(x >= 0 && x < gridColumns && y >= 0 && y < gridRows) {
		return nil, false
	}
	return g.cells[int(y)*gridColumns+int(x)], true
}

func appendMulti(b, polygons []byte) []byte {
	if len(polygons) == 0 {
		return append(b, "null"...)
	}
	b = append(b, `{"type":"MultiPolygon","coordinates":[`...)
	return append(append(b, polygons...), "]}"...)
}

// circleVertices is how many corners stand for a circle; at 25 km the chord is
// then at most 30 m inside the arc.
const circleVertices = 64

// earthRadius is the mean radius of the earth in metres (IUGG).
const earthRadius = 6371008.8

// appendCircle appends the circle of a radius in metres around a point as a
// polygon, counter-clockwise as RFC 7946 asks.
func appendCircle(b []byte, centre orb.Point, radiusM float64) []byte {
	d := radiusM / earthRadius
	lat, lon := centre[1]*math.Pi/180, centre[0]*math.Pi/180
	b = append(b, `{"type":"Polygon","coordinates":[[`...)
	var first []byte
	for i := range circleVertices {
		az := -2 * math.Pi * float64(i) / circleVertices
		sin := math.Sin(lat)*math.Cos(d) + math.Cos(lat)*math.Sin(d)*math.Cos(az)
		lat2 := math.Asin(max(-1, min(1, sin)))
		lon2 := lon + math.Atan2(math.Sin(az)*math.Sin(d)*math.Cos(lat), math.Cos(d)-math.Sin(lat)*math.Sin(lat2))
		at := len(b)
		b = appendPosition(b, orb.Point{micro(lon2 * 180 / math.Pi), micro(lat2 * 180 / math.Pi)})
		if i == 0 {
			first = append(first, b[at:]...)
		}
		b = append(b, ',')
	}
	return append(append(b, first...), "]]}"...)
}

// micro rounds to six decimals, a tenth of a metre.
func micro(f float64) float64 { return math.Round(f*1e6) / 1e6 }

// appendTime appends the JSON-FG time of an incident.
func appendTime(b []byte, in *incident.Incident) []byte {
	if in.Start == in.End {
		b = append(b, `{"date":`...)
		return append(appendDay(b, in.Start), '}')
	}
	b = append(b, `{"interval":[`...)
	b = append(appendDay(b, in.Start), ',')
	return append(appendDay(b, in.End), "]}"...)
}
