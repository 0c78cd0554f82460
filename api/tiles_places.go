package api

import (
	"container/list"
	"fmt"
	"math"
	"sync"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/planar"
	"github.com/paulmach/orb/simplify"
)

const (
	// maxPlaceTiles is how many bytes of tiles of units and the border are kept.
	maxPlaceTiles = 8 << 20
	// tileMargin is how far lines and polygons go beyond their tile, in units of the tile, so that strokes show no edges.
	tileMargin = 64
	// tileTolerance is how far a simplified line may be from the true one, in units of the tile: a sixteenth of a pixel each.
	tileTolerance = 1
	// fineBorderZoom is the first zoom with the finer border line.
	fineBorderZoom = 7
)

var (
	unitTileKeys   = []string{"unit_id", "name", "country", "province"}
	borderTileKeys = []string{"detail", "name", "source"}
)

// borderLine is the border at a level of detail, or at another where there is none; nil if there is no line.
func (s *server) borderLine(detail string) *BorderLine {
	var l *BorderLine
	for i := range s.Border {
		if l == nil || s.Border[i].Detail == detail {
			l = &s.Border[i]
		}
	}
	return l
}

// placeTile gives a tile of units or of the border, nil for one without
// features. They never change, so those asked for last are kept.
func (s *server) placeTile(collection string, t tile) []byte {
	key := fmt.Sprintf("%s/%d/%d/%d", collection, t.z, t.row, t.col)
	if body, ok := s.tiles().places.find(key); ok {
		return body
	}
	m := newMVT()
	defer m.free()
	if collection == unitsID {
		s.unitTile(m, t)
	} else {
		s.borderTile(m, t)
	}
	body := append([]byte(nil), m.b...)
	const entry = 200 // what an entry takes besides
	return s.tiles().places.get(key, len(body)+entry, func() []byte { return body })
}

// scaled projects points to units of the tile and leaves out those that make no difference to be seen.
func (t tile) scaled(points []orb.Point) orb.LineString {
	out := make(orb.LineString, len(points))
	for i, p := range points {
		out[i] = t.scale(mercator(p))
	}
	return simplify.DouglasPeucker(tileTolerance).LineString(out)
}

var tileClip = orb.Bound{Min: orb.Point{-tileMargin, -tileMargin}, Max: orb.Point{tileExtent + tileMargin, tileExtent + tileMargin}}

// tileArea is that of tileClip.
const tileArea = (tileExtent + 2*tileMargin) * (tileExtent + 2*tileMargin)

func (s *server) unitTile(m *mvt, t tile) {
	bound := t.bound(float64(tileMargin) / tileExtent)
	m.open(unitsID, unitTileKeys)
	for i := range s.Units {
		u := &s.Units[i]
		if !s.tiles().bounds[i].Intersects(bound) {
			continue
		}
		var shape orb.MultiPolygon
		for _, p := range u.Geometry {
			var polygon orb.Polygon
			for j, r := range p {
				ring := clip.Ring(tileClip, orb.Ring(t.scaled(r)))
				if j == 0 && len(ring) == 0 { // nothing of it is here
					break
				}
				if j > 0 && math.Abs(planar.Area(ring)) >= tileArea { // all that is here is a hole
					polygon = nil
					break
				}
				if len(ring) > 0 {
					polygon = append(polygon, ring)
				}
			}
			if len(polygon) > 0 {
				shape = append(shape, polygon)
			}
		}
		if len(shape) == 0 {
			continue
		}
		m.begin()
		for j, v := range [...]string{u.ID, u.Name, u.Country, u.Province} {
			m.textTag(j, v)
		}
		m.polygons(shape)
	}
	m.close()
}

func (s *server) borderTile(m *mvt, t tile) {
	detail := DetailCoarse
	if t.z >= fineBorderZoom {
		detail = DetailFine
	}
	l := s.borderLine(detail)
	if l == nil || !l.Line.Bound().Intersects(t.bound(float64(tileMargin)/tileExtent)) {
		return
	}
	m.open(borderID, borderTileKeys)
	m.begin()
	for i, v := range [...]string{l.Detail, l.Name, l.Source} {
		m.textTag(i, v)
	}
	m.lines(clip.LineString(tileClip, t.scaled(l.Line)))
	m.close()
}

// kept keeps the values asked for last, as long as their sizes together are
// not more than most.
type kept[V any] struct {
	most  int
	mu    sync.Mutex
	size  int
	byKey map[string]*list.Element
	order list.List // the one asked for last is in front
}

type keptEntry[V any] struct {
	key   string
	value V
	size  int
}

func (k *kept[V]) find(key string) (v V, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.byKey[key]
	if !ok {
		return v, false
	}
	k.order.MoveToFront(e)
	return e.Value.(keptEntry[V]).value, true
}

// get finds a value, or keeps a new one of a size.
func (k *kept[V]) get(key string, size int, value func() V) V {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e, ok := k.byKey[key]; ok {
		k.order.MoveToFront(e)
		return e.Value.(keptEntry[V]).value
	}
	if k.byKey == nil {
		k.byKey = map[string]*list.Element{}
	}
	v := value()
	k.byKey[key] = k.order.PushFront(keptEntry[V]{key, v, size})
	for k.size += size; k.size > k.most; {
		e := k.order.Remove(k.order.Back()).(keptEntry[V])
		delete(k.byKey, e.key)
		k.size -= e.size
	}
	return v
}
