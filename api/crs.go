package api

import (
	"bytes"
	"math"
	"strings"

	"github.com/paulmach/orb"
)

// crs is a coordinate reference system that positions are read and written in.
// A nil one is CRS84.
type crs struct {
	uri string
	// forward turns lon, lat into the coordinates of the system in the order of
	// its axes, inverse turns them back.
	forward, inverse func(orb.Point) orb.Point
}

// The coordinate reference systems, by the names that OGC gives them.
const (
	crs84   = "http://www.opengis.net/def/crs/OGC/1.3/CRS84" // longitude, latitude
	crs4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"   // latitude, longitude
	crs3857 = "http://www.opengis.net/def/crs/EPSG/0/3857"   // metres to the east and to the north (Web Mercator)
)

// crsNames lists them, the one that positions are kept in first.
var crsNames = []string{crs84, crs4326, crs3857}

var otherCRS = []*crs{
	{uri: crs4326, forward: swap, inverse: swap},
	{uri: crs3857, forward: toMercator, inverse: fromMercator},
}

func swap(p orb.Point) orb.Point { return orb.Point{p[1], p[0]} }

// mercatorRadius is the radius of the sphere of EPSG:3857 in metres; latMost
// is near enough to a pole for a finite number.
const (
	mercatorRadius = 6378137.0
	latMost        = 89.99999
)

func toMercator(p orb.Point) orb.Point {
	lat := min(max(p[1], -latMost), latMost) * math.Pi / 180
	return orb.Point{milli(p[0] * math.Pi / 180 * mercatorRadius), milli(math.Log(math.Tan(math.Pi/4+lat/2)) * mercatorRadius)}
}

// milli rounds metres to millimetres.
func milli(m float64) float64 { return math.Round(m*1000) / 1000 }

func fromMercator(p orb.Point) orb.Point {
	return orb.Point{p[0] / mercatorRadius * 180 / math.Pi, (2*math.Atan(math.Exp(p[1]/mercatorRadius)) - math.Pi/2) * 180 / math.Pi}
}

// crs reads a parameter that names a system, nil for CRS84 and without the parameter.
func (p params) crs(name string) (*crs, error) {
	v, ok := p[name]
	if !ok {
		return nil, nil
	}
	uri := v
	if strings.HasPrefix(uri, "<") && strings.HasSuffix(uri, ">") {
		uri = uri[1 : len(uri)-1]
	}
	if uri == crs84 {
		return nil, nil
	}
	for _, c := range otherCRS {
		if c.uri == uri {
			return c, nil
		}
	}
	return nil, wrongParameter(name, crsNames, "%s does not know %s.", name, quoted(v))
}

// name is the URI of the system.
func (c *crs) name() string {
	if c == nil {
		return crs84
	}
	return c.uri
}

// toLonLat turns a position of the system into lon, lat; nil for CRS84.
func (c *crs) toLonLat() func(orb.Point) orb.Point {
	if c == nil {
		return nil
	}
	return c.inverse
}

// rewrite changes the positions of the GeoJSON geometry (of this package's own
// making, or null) that begins at an offset and ends with the text.
func (c *crs) rewrite(b []byte, from int) []byte {
	if c == nil {
		return b
	}
	old := string(b[from:])
	b = b[:from]
	head, rest, ok := strings.Cut(old, `"coordinates":`)
	if !ok {
		return append(b, old...)
	}
	b = append(append(b, head...), `"coordinates":`...)
	for rest != "" {
		i := strings.IndexFunc(rest, func(r rune) bool { return r == '-' || r >= '0' && r <= '9' })
		if i < 0 {
			break
		}
		b = append(b, rest[:i]...)
		first, after, _ := strings.Cut(rest[i:], ",")
		end := strings.IndexByte(after, ']')
		if end < 0 {
			break
		}
		x, errX := parseNumber(first)
		y, errY := parseNumber(after[:end])
		if errX != nil || errY != nil { // not one of ours
			b = append(b, "null"...)
			rest = after[end:]
			continue
		}
		p := c.forward(orb.Point{x, y})
		b = appendFloat(b, p[0])
		b = append(b, ',')
		b = appendFloat(b, p[1])
		rest = after[end:]
	}
	return append(b, rest...)
}

// rewriteFeature appends an encoded feature of a fixed collection with its
// geometry in the system.
func (c *crs) rewriteFeature(b, body []byte) []byte {
	if c == nil {
		return append(b, body...)
	}
	from, to := geometryIn(body)
	b = append(b, body[:from]...)
	at := len(b)
	b = append(b, body[from:to]...)
	b = c.rewrite(b, at)
	return append(b, body[to:]...)
}

// geometryIn finds the geometry in an encoded feature, in which it stands
// before the properties.
func geometryIn(body []byte) (from, to int) {
	const name, next = `,"geometry":`, `,"properties":`
	from = bytes.Index(body, []byte(name)) + len(name)
	return from, from + bytes.Index(body[from:], []byte(next))
}

func geometryOf(body []byte) []byte {
	from, to := geometryIn(body)
	return body[from:to]
}
