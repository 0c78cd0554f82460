package bundle

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/paulmach/orb"
)

// feature is one feature of an embedded GeoJSON file.
type feature struct {
	ID         string `json:"id"`
	Properties struct {
		Name  string    `json:"name"`
		Kind  string    `json:"kind"`
		Unit  string    `json:"unit"`
		Label orb.Point `json:"label"`
		Names []string  `json:"names"`
	} `json:"properties"`
	// geometry is the JSON of the geometry, with what follows it.
	geometry []byte
}

// features calls read for each feature of the named file. The files are written by build/, one feature a line with its
// geometry last, and are read as such: half of the time in which the program starts would go into general decoding.
func features(name string, read func(feature) error) error {
	body, ok := bytes.CutPrefix(mustRead(name), []byte(`{"type":"FeatureCollection","features":[`))
	if !ok {
		return fmt.Errorf("read bundled %s: not a feature collection", name)
	}
	n := 0
	for line := range bytes.Lines(body) {
		line = bytes.Trim(line, ",\n")
		if len(line) == 0 || string(line) == "]}" {
			continue
		}
		n++
		head, geometry, ok := bytes.Cut(line, []byte(`,"geometry":`))
		if !ok {
			return fmt.Errorf("read bundled %s, feature %d: no geometry", name, n)
		}
		var f feature
		if err := json.Unmarshal(append(head[:len(head):len(head)], '}'), &f); err != nil {
			return fmt.Errorf("read bundled %s, feature %d: %w", name, n, err)
		}
		f.geometry = geometry
		if err := read(f); err != nil {
			return fmt.Errorf("read bundled %s, feature %s: %w", name, f.ID, err)
		}
	}
	return nil
}

func (f feature) multiPolygon() (orb.MultiPolygon, error) {
	c, err := f.coordinates("MultiPolygon")
	if err != nil {
		return nil, err
	}
	var out orb.MultiPolygon
	for more := c.open(); more; more = c.next() {
		var polygon orb.Polygon
		for more := c.open(); more; more = c.next() {
			polygon = append(polygon, orb.Ring(c.points()))
		}
		out = append(out, polygon)
	}
	return out, c.err
}

func (f feature) lineString() (orb.LineString, error) {
	c, err := f.coordinates("LineString")
	if err != nil {
		return nil, err
	}
	return orb.LineString(c.points()), c.err
}

// coordinates begins to read the coordinates of a geometry of the wanted type.
func (f feature) coordinates(wantType string) (*coordinates, error) {
	text, ok := bytes.CutPrefix(f.geometry, []byte(`{"type":"`+wantType+`","coordinates":`))
	if !ok {
		return nil, fmt.Errorf("its geometry is no %s", wantType)
	}
	return &coordinates{text: text, spare: make([]orb.Point, 0, bytes.Count(text, []byte("],["))+1)}, nil
}

// coordinates reads nested JSON arrays of numbers without spaces and exponents. After the first error it reads nothing.
type coordinates struct {
	text []byte
	at   int
	err  error
	// spare is the memory of all points, cut into the rings.
	spare []orb.Point
}

// take says whether b comes next, and steps over it.
func (c *coordinates) take(b byte) bool {
	if c.err == nil && c.at < len(c.text) && c.text[c.at] == b {
		c.at++
		return true
	}
	return false
}

func (c *coordinates) fail() bool {
	if c.err == nil {
		c.err = fmt.Errorf("read coordinates: byte %d is not what was to follow", c.at)
	}
	return false
}

// open steps into an array that is not empty, next to its next member or out of it.
func (c *coordinates) open() bool { return c.take('[') || c.fail() }

func (c *coordinates) next() bool { return c.take(',') || !c.take(']') && c.fail() }

func (c *coordinates) points() []orb.Point {
	from := len(c.spare)
	for more := c.open(); more; more = c.next() {
		if !c.open() {
			break
		}
		lon := c.number()
		if !c.take(',') {
			c.fail()
			break
		}
		c.spare = append(c.spare, orb.Point{lon, c.number()})
		if !c.take(']') {
			c.fail()
		}
	}
	return c.spare[from:len(c.spare):len(c.spare)]
}

// powers are those of ten by which a whole number of up to 15 digits is divided without an error but the last rounding.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

const maxDigits = 15

func (c *coordinates) number() float64 {
	negative := c.take('-')
	var whole int64
	digits, decimals, point := 0, 0, false
	for ; c.err == nil && c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case b >= '0' && b <= '9':
			whole = whole*10 + int64(b-'0')
			digits++
			if point {
				decimals++
			}
			continue
		case b == '.' && !point && digits > 0:
			point = true
			continue
		}
		break
	}
	if digits == 0 || digits > maxDigits || decimals >= len(powers) {
		c.fail()
		return 0
	}
	v := float64(whole) / powers[decimals]
	if negative {
		return -v
	}
	return v
}
