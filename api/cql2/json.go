package cql2

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
)

// value is a value of JSON with its place.
type value struct {
	off   int
	kind  byte // as JSON begins it: { [ " 0 t f n
	text  string
	num   float64
	items []*value
	names []string // of the items of an object
}

// member gives a member of an object, nil if it has none of that name.
func (v *value) member(name string) *value {
	if i := slices.Index(v.names, name); i >= 0 {
		return v.items[i]
	}
	return nil
}

// String says what the value is, for messages.
func (v *value) String() string {
	switch v.kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "the text " + quote(v.text)
	case '0':
		return "the number " + quote(v.text)
	case 'n':
		return "null"
	}
	return "true or false"
}

// jsonReader reads the JSON encoding.
type jsonReader struct {
	builder
	dec *json.Decoder
}

// maxNesting bounds the brackets of JSON: an operation has two, a geometry some more.
const maxNesting = 2*(MaxDepth+MaxTerms) + 8

func readJSON(source string) (*node, error) {
	r := &jsonReader{builder: builder{source: source}, dec: json.NewDecoder(strings.NewReader(source))}
	r.dec.UseNumber()
	v, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if off := r.place(); off < len(source) {
		return nil, r.wrong(off, "The end of the filter is expected here.")
	}
	return r.expr(v)
}

// place is where the next token begins.
func (r *jsonReader) place() int {
	i := int(r.dec.InputOffset())
	for i < len(r.source) && strings.IndexByte(" \t\r\n,:", r.source[i]) >= 0 {
		i++
	}
	return i
}

func (r *jsonReader) token() (json.Token, error) {
	off := r.place()
	t, err := r.dec.Token()
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return t, nil
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.wrong(len(r.source), "The JSON is not complete.")
	case errors.As(err, &syntax) && syntax.Offset > 0:
		off = max(off, int(syntax.Offset)-1)
	}
	return nil, r.wrong(off, "This is not JSON.")
}

func (r *jsonReader) value(depth int) (*value, error) {
	v := &value{off: r.place()}
	if depth > maxNesting {
		return nil, r.wrong(v.off, "The filter is nested too deeply; at most %d levels are taken.", MaxDepth)
	}
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		v.kind = byte(t)
		for r.dec.More() {
			if t == '{' {
				off := r.place()
				name, err := r.token()
				if err != nil {
					return nil, err
				}
				if slices.Contains(v.names, name.(string)) {
					return nil, r.wrong(off, "The member %s is there twice.", quote(name.(string)))
				}
				if v.names = append(v.names, name.(string)); len(v.names) > 20 {
					return nil, r.wrong(off, "The object has too many members.")
				}
			}
			item, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			v.items = append(v.items, item)
		}
		_, err = r.token() // the bracket that closes
		return v, err
	case string:
		v.kind, v.text = '"', t
	case json.Number:
		v.kind, v.text = '0', t.String()
		if v.num, err = strconv.ParseFloat(v.text, 64); err != nil || math.IsInf(v.num, 0) {
			return nil, r.wrong(v.off, "The number %s is too large.", quote(v.text))
		}
		v.num += 0 // no negative zero
		if v.num == 0 {
			v.num = 0
		}
	case bool:
		v.kind = 'f'
		if t {
			v.kind = 't'
		}
	default:
		v.kind = 'n'
	}
	return v, nil
}

// expr makes a node of a value that is no list.
func (r *jsonReader) expr(v *value) (*node, error) {
	switch v.kind {
	case '"':
		// The text encoding has no way to write it: its backslash would take the quote that closes it.
		if strings.HasSuffix(v.text, `\`) {
			return nil, r.wrong(v.off, "A text must not end with a backslash.")
		}
		return &node{op: opText, off: v.off, depth: 1, name: v.text}, nil
	case '0':
		return &node{op: opNumber, off: v.off, depth: 1, num: v.num}, nil
	case 't', 'f':
		return &node{op: opBoolean, off: v.off, depth: 1, truth: v.kind == 't'}, nil
	case '{':
		return r.object(v)
	}
	return nil, r.wrong(v.off, "A value or a condition is expected here, not %s.", v)
}

// only refuses members of an object that mean nothing.
func (r *jsonReader) only(v *value, names ...string) error {
	for i, name := range v.names {
		if !slices.Contains(names, name) {
			err := r.wrong(v.items[i].off, "The member %s is not known here.", quote(name))
			err.Allowed = names
			return err
		}
	}
	return nil
}

func (r *jsonReader) object(v *value) (*node, error) {
	if v.member("op") != nil {
		return r.operation(v)
	}
	if v.member("type") != nil {
		n := &node{op: opGeometry, off: v.off, depth: 1}
		var err error
		n.geom, err = r.geometry(v, n, false)
		return n, err
	}
	for _, name := range []string{opProperty, opDate, opTimestamp, opInterval, opBBox} {
		m := v.member(name)
		if m == nil {
			continue
		}
		if err := r.only(v, name); err != nil {
			return nil, err
		}
		switch {
		case name == opInterval:
			return r.interval(v.off, m)
		case name == opBBox:
			return r.bbox(v.off, m)
		case m.kind != '"':
			return nil, r.wrong(m.off, "The %s is a text, not %s.", name, m)
		}
		n := &node{op: opProperty, off: v.off, depth: 1, name: m.text}
		var err error
		switch name {
		case opDate:
			n, err = r.day(m.off, m.text)
		case opTimestamp:
			n, err = r.timestamp(m.off, m.text)
		}
		if err != nil {
			return nil, err
		}
		n.off = v.off
		return n, nil
	}
	err := r.wrong(v.off, "An object of a filter has one of the members op, property, date, timestamp, interval, bbox and type.")
	err.Allowed = []string{"op", opProperty, opDate, opTimestamp, opInterval, opBBox, "type"}
	return nil, err
}

func (r *jsonReader) operation(v *value) (*node, error) {
	if err := r.only(v, "op", "args"); err != nil {
		return nil, err
	}
	op, args := v.member("op"), v.member("args")
	how, ok := operations[op.text]
	switch {
	case op.kind != '"' || !ok:
		err := r.wrong(op.off, "There is no operation %s.", op)
		for name := range operations {
			err.Allowed = append(err.Allowed, name)
		}
		slices.Sort(err.Allowed)
		return nil, err
	case args == nil || args.kind != '[':
		return nil, r.wrong(v.off, "The operation %s needs args, an array.", quote(op.text))
	case how.args == 0 && len(args.items) < 2:
		return nil, r.wrong(args.off, "The operation %s takes two or more arguments, not %d.", quote(op.text), len(args.items))
	case how.args > 0 && len(args.items) != how.args:
		return nil, r.wrong(args.off, "The operation %s takes %d arguments, not %d.", quote(op.text), how.args, len(args.items))
	}
	var nodes []*node
	for i, a := range args.items {
		var n *node
		var err error
		switch inList := op.text == "in" && i == 1; {
		case inList && (a.kind != '[' || len(a.items) == 0):
			return nil, r.wrong(a.off, "The second argument of “in” is an array with one value or more, not %s.", a)
		case inList, slices.Contains(arrayOps, op.text) && a.kind == '[':
			n, err = r.list(a)
		default:
			n, err = r.expr(a)
		}
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return r.node(op.text, v.off, nodes...)
}

func (r *jsonReader) list(v *value) (*node, error) {
	var nodes []*node
	for _, item := range v.items {
		n, err := r.expr(item)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return r.node(opList, v.off, nodes...)
}

func (r *jsonReader) interval(off int, v *value) (*node, error) {
	if v.kind != '[' || len(v.items) != 2 {
		return nil, r.wrong(v.off, "An interval is an array of two ends.")
	}
	var ends []*node
	for _, e := range v.items {
		var n *node
		var err error
		switch p := e.member(opProperty); {
		case e.kind == '"':
			n, err = r.intervalEnd(e.off, e.text)
		case p != nil && p.kind == '"':
			n, err = r.object(e)
		default:
			err = r.wrong(e.off, "An end of an interval is a day or an instant as a text, \"..\" or a property, not %s.", e)
		}
		if err != nil {
			return nil, err
		}
		ends = append(ends, n)
	}
	return r.node(opInterval, off, ends...)
}

func (r *jsonReader) bbox(off int, v *value) (*node, error) {
	numbers, offs, err := r.numbers(v)
	if err != nil {
		return nil, err
	}
	return r.box(off, numbers, offs)
}

func (r *jsonReader) numbers(v *value) (numbers []float64, offs []int, err error) {
	if v.kind != '[' {
		return nil, nil, r.wrong(v.off, "An array of numbers is expected here, not %s.", v)
	}
	for _, item := range v.items {
		if item.kind != '0' {
			return nil, nil, r.wrong(item.off, "A number is expected here, not %s.", item)
		}
		numbers, offs = append(numbers, item.num), append(offs, item.off)
	}
	return numbers, offs, nil
}

// geometry reads a geometry of GeoJSON, and notes its positions in n.
func (r *jsonReader) geometry(v *value, n *node, within bool) (orb.Geometry, error) {
	kind := v.member("type")
	if v.kind != '{' || kind == nil {
		return nil, r.wrong(v.off, "A geometry is expected here, not %s.", v)
	}
	content := "coordinates"
	if kind.text == "GeometryCollection" && !within {
		content = "geometries"
	}
	if err := r.only(v, "type", content, opBBox); err != nil {
		return nil, err
	}
	c := v.member(content)
	if c == nil || c.kind != '[' {
		return nil, r.wrong(v.off, "The geometry needs the member %s, an array.", content)
	}
	position := func(v *value) (orb.Point, error) { return r.position(v, n) }
	line := func(least int, what string) func(*value) ([]orb.Point, error) {
		return func(v *value) ([]orb.Point, error) {
			points, err := each(r, v, position)
			if err == nil {
				err = r.checkLine(v.off, points, least, what)
			}
			return points, err
		}
	}
	lineString := func(v *value) (orb.LineString, error) { return line(2, "line")(v) }
	ring := func(v *value) (orb.Ring, error) { return line(4, "ring")(v) }
	polygon := func(v *value) (orb.Polygon, error) { return each(r, v, ring) }
	switch kind.text {
	case "Point":
		return position(c)
	case "LineString":
		return lineString(c)
	case "Polygon":
		return polygon(c)
	case "MultiPoint":
		points, err := each(r, c, position)
		return orb.MultiPoint(points), err
	case "MultiLineString":
		lines, err := each(r, c, lineString)
		return orb.MultiLineString(lines), err
	case "MultiPolygon":
		polygons, err := each(r, c, polygon)
		return orb.MultiPolygon(polygons), err
	case "GeometryCollection":
		if within {
			break
		}
		parts, err := each(r, c, func(v *value) (orb.Geometry, error) { return r.geometry(v, n, true) })
		return orb.Collection(parts), err
	}
	err := r.wrong(kind.off, "A geometry of the type %s cannot stand here.", kind)
	for _, name := range geometryWords {
		err.Allowed = append(err.Allowed, name)
	}
	slices.Sort(err.Allowed)
	return nil, err
}

// each reads the items of an array that has one or more.
func each[T any](r *jsonReader, v *value, item func(*value) (T, error)) ([]T, error) {
	if v.kind != '[' || len(v.items) == 0 {
		return nil, r.wrong(v.off, "An array of positions or of parts of a geometry is expected here.")
	}
	var out []T
	for _, i := range v.items {
		one, err := item(i)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (r *jsonReader) position(v *value, n *node) (orb.Point, error) {
	numbers, _, err := r.numbers(v)
	if err != nil {
		return orb.Point{}, err
	}
	if len(numbers) != 2 && len(numbers) != 3 {
		return orb.Point{}, r.wrong(v.off, "A position has two or three coordinates, not %d.", len(numbers))
	}
	return orb.Point{numbers[0], numbers[1]}, r.vertex(n, v.off)
}

// appendJSON writes a node in the JSON encoding.
func appendJSON(b []byte, n *node) []byte {
	switch n.op {
	case opText:
		return appendString(b, n.name)
	case opNumber:
		return appendNumber(b, n.num)
	case opBoolean:
		return strconv.AppendBool(b, n.truth)
	case opProperty:
		b = append(b, `{"property":`...)
		return append(appendString(b, n.name), '}')
	case opDate, opTimestamp:
		b = append(append(append(b, `{"`...), n.op...), `":"`...)
		return append(appendTime(b, n), `"}`...)
	case opInterval:
		b = append(b, `{"interval":[`...)
		for i, e := range n.args {
			if i > 0 {
				b = append(b, ',')
			}
			if e.op == opProperty {
				b = appendJSON(b, e)
			} else {
				b = append(appendTime(append(b, '"'), e), '"')
			}
		}
		return append(b, "]}"...)
	case opBBox:
		c := n.geom.(orb.MultiPoint)
		return append(appendArray(append(b, `{"bbox":`...), []float64{c[0][0], c[0][1], c[1][0], c[1][1]}, appendNumber), '}')
	case opGeometry:
		return appendGeoJSON(b, n.geom)
	case opList:
		return appendArray(b, n.args, appendJSON)
	}
	b = append(b, `{"op":`...)
	b = appendString(b, n.op)
	b = append(b, `,"args":`...)
	return append(appendArray(b, n.args, appendJSON), '}')
}

func appendArray[T any](b []byte, items []T, item func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, one := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = item(b, one)
	}
	return append(b, ']')
}

func appendString(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(b, `""`...) // a string is always written
	}
	return append(b, bytes.TrimRight(buf.Bytes(), "\n")...)
}

func appendGeoJSON(b []byte, g orb.Geometry) []byte {
	b = append(append(append(b, `{"type":"`...), g.GeoJSONType()...), `",`...)
	if c, ok := g.(orb.Collection); ok {
		return append(appendArray(append(b, `"geometries":`...), c, appendGeoJSON), '}')
	}
	b = append(b, `"coordinates":`...)
	position := func(b []byte, p orb.Point) []byte { return appendArray(b, p[:], appendNumber) }
	line := func(b []byte, l orb.LineString) []byte { return appendArray(b, l, position) }
	ring := func(b []byte, l orb.Ring) []byte { return appendArray(b, l, position) }
	polygon := func(b []byte, p orb.Polygon) []byte { return appendArray(b, p, ring) }
	switch g := g.(type) {
	case orb.Point:
		b = position(b, g)
	case orb.LineString:
		b = line(b, g)
	case orb.Polygon:
		b = polygon(b, g)
	case orb.MultiPoint:
		b = appendArray(b, g, position)
	case orb.MultiLineString:
		b = appendArray(b, g, line)
	case orb.MultiPolygon:
		b = appendArray(b, g, polygon)
	}
	return append(b, '}')
}
