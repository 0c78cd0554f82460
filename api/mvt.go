package api

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// Tiles are written by hand from rows, since a general encoder makes several
// objects of each feature and takes ten times as long. The format is Mapbox
// Vector Tile 2.1; the bytes named here are the numbers and types of its fields.
const (
	mvtTileLayer = 0x1a

	mvtLayerName    = 0x0a
	mvtLayerFeature = 0x12
	mvtLayerKey     = 0x1a
	mvtLayerValue   = 0x22
	mvtLayerExtent  = 0x28
	mvtLayerVersion = 0x78

	mvtFeatureID       = 0x08
	mvtFeatureTags     = 0x12
	mvtFeatureType     = 0x18
	mvtFeatureGeometry = 0x22

	mvtText = 0x0a
	mvtUint = 0x28
	mvtBool = 0x38

	mvtPoint   = 1
	mvtLine    = 2
	mvtPolygon = 3

	mvtMoveTo = 1 // with a count in the bits above the lowest three
	mvtLineTo = 2
	mvtClose  = 1<<3 | 7
)

// tileExtent is how many units a tile is wide and high.
const tileExtent = 4096

// mvt writes a tile: one layer after the other, in each one feature after the
// other. The maps keep values from being written twice; they and the buffers
// are used again for the next tile, so that a feature costs no allocation.
type mvt struct {
	b        []byte // the tile so far
	start    int    // where the open layer begins
	features int    // in the open layer
	keys     []string

	values []byte // of the open layer, as they will stand behind its features
	n      uint32 // how many
	texts  map[string]uint32
	uints  map[uint64]uint32
	bools  [2]uint32       // the place of a value plus one, 0 if it is not there yet
	small  [1 << 12]uint32 // the same of small numbers
	recent []uint32        // the same of days from firstDay on
	first  incident.Day    // the day that recent begins with
	days   map[incident.Day]uint32
	words  [keySynthetic][]placedWord // values of a few words, by their keys

	kinds    map[*incident.RowKind]tagSpan
	kindTags []byte // the encoded tags of the kinds, one after the other

	feature, tags int // where the lengths of the open feature and of its tags stand
}

// tagSpan is a part of mvt.kindTags.
type tagSpan struct{ from, to int }

// placedWord is a text in the table of the layer.
type placedWord struct {
	text string
	at   uint32
}

// The most days that mvt.recent, and words that one of mvt.words holds.
const (
	maxRecent = 1 << 14
	maxWords  = 16
)

// maxTileBuffer is the largest buffer that is kept for other tiles.
const maxTileBuffer = 1 << 20

var tileWriters = sync.Pool{New: func() any {
	return &mvt{texts: map[string]uint32{}, days: map[incident.Day]uint32{}, uints: map[uint64]uint32{}, kinds: map[*incident.RowKind]tagSpan{}}
}}

func newMVT() *mvt { return tileWriters.Get().(*mvt) }

// free gives the writer back; what it wrote must not be used any more.
func (m *mvt) free() {
	if cap(m.b) > maxTileBuffer || cap(m.values) > maxTileBuffer {
		return
	}
	m.reset()
	m.b, m.keys = m.b[:0], nil
	tileWriters.Put(m)
}

// reset forgets the values of a layer.
func (m *mvt) reset() {
	if m.n == 0 {
		return
	}
	clear(m.texts)
	clear(m.days)
	clear(m.uints)
	clear(m.kinds)
	clear(m.small[:])
	clear(m.recent)
	for i := range m.words {
		clear(m.words[i])
		m.words[i] = m.words[i][:0]
	}
	m.bools, m.recent = [2]uint32{}, m.recent[:0]
	m.values, m.kindTags, m.n = m.values[:0], m.kindTags[:0], 0
}

// open begins a layer. A tag names its key by the place in keys.
func (m *mvt) open(name string, keys []string) {
	m.reset()
	m.start, m.features, m.keys = len(m.b), 0, keys
	m.b = append(m.b, mvtTileLayer, 0)
	m.b = appendMVTText(m.b, mvtLayerName, name)
}

// close ends the layer, or takes it away if it has no feature.
func (m *mvt) close() {
	if m.features == 0 {
		m.b = m.b[:m.start]
		return
	}
	for _, k := range m.keys {
		m.b = appendMVTText(m.b, mvtLayerKey, k)
	}
	m.b = append(m.b, m.values...)
	m.b = append(m.b, mvtLayerExtent)
	m.b = binary.AppendUvarint(m.b, tileExtent)
	m.b = append(m.b, mvtLayerVersion, 2)
	m.b = sized(m.b, m.start+1)
}

// sized writes the length of everything behind the byte at a place, which was
// left free for it; a length that needs more bytes moves what follows.
func sized(b []byte, at int) []byte {
	n := len(b) - at - 1
	if n < 0x80 {
		b[at] = byte(n)
		return b
	}
	var length [binary.MaxVarintLen64]byte
	k := binary.PutUvarint(length[:], uint64(n))
	b = append(b, length[1:k]...)
	copy(b[at+k:], b[at+1:at+1+n])
	copy(b[at:], length[:k])
	return b
}

func appendMVTText(b []byte, field byte, s string) []byte {
	b = append(b, field)
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// text, uint, bool and day give the place of a value in the table of the layer.
func (m *mvt) text(s string) uint32 {
	i, ok := m.texts[s]
	if !ok {
		i = m.n
		m.n++
		m.texts[s] = i
		at := len(m.values) + 1
		m.values = append(m.values, mvtLayerValue, 0)
		m.values = sized(appendMVTText(m.values, mvtText, strings.ToValidUTF8(s, "\ufffd")), at)
	}
	return i
}

func (m *mvt) uint(v uint64) uint32 {
	if v < uint64(len(m.small)) {
		if m.small[v] == 0 {
			m.small[v] = m.newUint(v) + 1
		}
		return m.small[v] - 1
	}
	i, ok := m.uints[v]
	if !ok {
		i = m.newUint(v)
		m.uints[v] = i
	}
	return i
}

func (m *mvt) newUint(v uint64) uint32 {
	at := len(m.values) + 1
	m.values = append(m.values, mvtLayerValue, 0, mvtUint)
	m.values = sized(binary.AppendUvarint(m.values, v), at)
	m.n++
	return m.n - 1
}

func (m *mvt) bool(v bool) uint32 {
	i := 0
	if v {
		i = 1
	}
	if m.bools[i] == 0 {
		m.values = append(m.values, mvtLayerValue, 2, mvtBool, byte(i))
		m.n++
		m.bools[i] = m.n
	}
	return m.bools[i] - 1
}

// word does the same as text, faster for the few words of a vocabulary.
func (m *mvt) word(key int, s string) uint32 {
	for _, w := range m.words[key] {
		if w.text == s {
			return w.at
		}
	}
	at := m.text(s)
	if len(m.words[key]) < maxWords {
		m.words[key] = append(m.words[key], placedWord{s, at})
	}
	return at
}

// day is fast for days not long after the first one, since rows come in the order of their starts.
func (m *mvt) day(d incident.Day) uint32 {
	if len(m.recent) == 0 {
		m.first = d
	}
	if n := d - m.first; n >= 0 && n < maxRecent {
		if int(n) >= len(m.recent) {
			m.recent = slices.Grow(m.recent, int(n)+1-len(m.recent))[:n+1]
		}
		if m.recent[n] == 0 {
			m.recent[n] = m.newDay(d) + 1
		}
		return m.recent[n] - 1
	}
	i, ok := m.days[d]
	if !ok {
		i = m.newDay(d)
		m.days[d] = i
	}
	return i
}

func (m *mvt) newDay(d incident.Day) uint32 {
	at := len(m.values) + 1
	m.values = append(m.values, mvtLayerValue, 0, mvtText, 0)
	m.values = min(max(d, incident.MinDay), incident.MaxDay).Append(m.values)
	m.values = sized(sized(m.values, at+2), at)
	m.n++
	return m.n - 1
}

// begin opens a feature without an id; tags come next.
func (m *mvt) begin() {
	m.features++
	m.feature = len(m.b) + 1
	m.b = append(m.b, mvtLayerFeature, 0, mvtFeatureTags, 0)
	m.tags = len(m.b) - 1
}

func (m *mvt) tag(key int, value uint32) {
	m.b = append(m.b, byte(key))
	m.b = binary.AppendUvarint(m.b, uint64(value))
}

// textTag leaves out what is empty.
func (m *mvt) textTag(key int, s string) {
	if s != "" {
		m.tag(key, m.text(s))
	}
}

// figureTag leaves out what was not reported.
func (m *mvt) figureTag(key int, f incident.Figure) {
	if f.Known {
		m.tag(key, m.uint(uint64(max(0, f.N))))
	}
}

// point ends the feature as a point in units of the tile.
func (m *mvt) point(x, y int) {
	m.b = sized(m.b, m.tags)
	m.b = sized(appendMVTPoint(m.b, x, y), m.feature)
}

func appendMVTPoint(b []byte, x, y int) []byte {
	b = append(b, mvtFeatureType, mvtPoint, mvtFeatureGeometry, 0, 1<<3|mvtMoveTo)
	at := len(b) - 2
	b = binary.AppendUvarint(b, zigzag(x))
	b = binary.AppendUvarint(b, zigzag(y))
	b[at] = byte(len(b) - at - 1) // eleven at most
	return b
}

func zigzag(v int) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

// lines ends the feature as lines in units of the tile, or takes it away if
// nothing of them is left on the grid. It reports whether the feature stands.
func (m *mvt) lines(list orb.MultiLineString) bool {
	geometry := m.geometry(mvtLine)
	var at gridPoint
	for _, l := range list {
		if points := onGrid(l); len(points) >= 2 {
			m.path(points, &at)
		}
	}
	return m.end(geometry)
}

// polygons ends the feature as polygons in units of the tile, as lines does.
// What the grid makes a line or a point of is left out, and so are the holes of
// an outer ring that is.
func (m *mvt) polygons(list orb.MultiPolygon) bool {
	geometry := m.geometry(mvtPolygon)
	var at gridPoint
	for _, p := range list {
		for i, r := range p {
			points := onGrid(orb.LineString(r))
			if n := len(points); n > 1 && points[0] == points[n-1] {
				points = points[:n-1]
			}
			area := gridArea(points)
			if len(points) < 3 || area == 0 {
				if i == 0 {
					break
				}
				continue
			}
			if (area > 0) != (i == 0) { // outer rings have a positive area where y goes down
				for a, b := 0, len(points)-1; a < b; a, b = a+1, b-1 {
					points[a], points[b] = points[b], points[a]
				}
			}
			m.path(points, &at)
			m.b = append(m.b, mvtClose)
		}
	}
	return m.end(geometry)
}

// geometry begins the geometry and gives the place of its length.
func (m *mvt) geometry(kind byte) int {
	m.b = sized(m.b, m.tags)
	m.b = append(m.b, mvtFeatureType, kind, mvtFeatureGeometry, 0)
	return len(m.b) - 1
}

func (m *mvt) end(geometry int) bool {
	if len(m.b) == geometry+1 {
		m.b = m.b[:m.feature-1]
		m.features--
		return false
	}
	m.b = sized(sized(m.b, geometry), m.feature)
	return true
}

// path goes from where the pen is to the first point and on to the others.
func (m *mvt) path(points []gridPoint, at *gridPoint) {
	m.b = append(m.b, 1<<3|mvtMoveTo)
	for i, p := range points {
		if i == 1 {
			m.b = binary.AppendUvarint(m.b, uint64(len(points)-1)<<3|mvtLineTo)
		}
		m.b = binary.AppendUvarint(m.b, zigzag(p.x-at.x))
		m.b = binary.AppendUvarint(m.b, zigzag(p.y-at.y))
		*at = p
	}
}

type gridPoint struct{ x, y int }

// onGrid rounds points to whole units, each different from the one before.
func onGrid(list orb.LineString) []gridPoint {
	out := make([]gridPoint, 0, len(list))
	for _, p := range list {
		g := gridPoint{int(math.Round(p[0])), int(math.Round(p[1]))}
		if n := len(out); n == 0 || out[n-1] != g {
			out = append(out, g)
		}
	}
	return out
}

// gridArea is twice the area of a ring, positive if it turns clockwise where y goes down.
func gridArea(ring []gridPoint) int {
	area := 0
	for i, p := range ring {
		q := ring[(i+1)%len(ring)]
		area += p.x*q.y - q.x*p.y
	}
	return area
}

// The keys of the layer of incidents; incidentKeys has them in this order.
const (
	keyStart = iota
	keyEnd
	keyLow
	keyBest
	keyHigh
	keyEventType
	keyViolence
	keyPrecision
	keyPlaceKind
	keyDataset
	keyVerification
	keySynthetic
)

var incidentKeys = []string{"start_date", "end_date", "fatalities_low", "fatalities_best", "fatalities_high", "event_type", "type_of_violence",
	"location_precision", "place_kind", "dataset", "verification", "synthetic"}

// incident appends an incident as a point in units of the tile.
func (m *mvt) incident(row *incident.Row, x, y int) {
	m.features++
	kind, ok := m.kinds[row.Kind]
	if !ok {
		kind = m.addKind(row.Kind)
	}
	start := m.day(row.Start)
	end := start
	if row.End != row.Start {
		end = m.day(row.End)
	}
	b := append(m.b, mvtLayerFeature, 0)
	feature := len(b) - 1
	b = append(b, mvtFeatureID)
	b = binary.AppendUvarint(b, uint64(row.FID))
	b = append(b, mvtFeatureTags, 0)
	tags := len(b) - 1
	b = append(b, keyStart)
	b = binary.AppendUvarint(b, uint64(start))
	b = append(b, keyEnd)
	b = binary.AppendUvarint(b, uint64(end))
	for i, f := range [...]incident.Figure{row.Low, row.Best, row.High} {
		if f.Known {
			b = append(b, keyLow+byte(i))
			b = binary.AppendUvarint(b, uint64(m.uint(uint64(max(0, f.N)))))
		}
	}
	b = append(b, m.kindTags[kind.from:kind.to]...)
	b = sized(b, tags)
	m.b = sized(appendMVTPoint(b, x, y), feature)
}

// addKind encodes the tags that all incidents of a kind share.
func (m *mvt) addKind(k *incident.RowKind) tagSpan {
	span := tagSpan{from: len(m.kindTags)}
	add := func(key byte, value uint32) {
		m.kindTags = append(m.kindTags, key)
		m.kindTags = binary.AppendUvarint(m.kindTags, uint64(value))
	}
	text := func(key byte, s string) {
		if s != "" {
			add(key, m.word(int(key), s))
		}
	}
	text(keyEventType, string(k.EventType))
	if k.TypeOfViolence > 0 {
		add(keyViolence, m.uint(uint64(k.TypeOfViolence)))
	}
	text(keyPrecision, string(k.LocationPrecision))
	text(keyPlaceKind, string(k.PlaceKind))
	text(keyDataset, k.Dataset)
	text(keyVerification, string(k.Verification))
	add(keySynthetic, m.bool(k.Synthetic))
	span.to = len(m.kindTags)
	m.kinds[k] = span
	return span
}
