package cql2

import (
	"slices"
	"time"

	"github.com/paulmach/orb"
)

// node is a part of a filter as it was written. Its op is the name that the
// JSON encoding has for an operation, or one of the names below for a value.
type node struct {
	op    string
	off   int // where it begins, in bytes
	depth int // of itself and all below it, a sum or a product counted once
	steps int // how many operations stand in one another here, those of a sum or a product counted each
	args  []*node

	name  string // of a property; a text
	num   float64
	truth bool
	at    time.Time // a date (midnight UTC) or a timestamp
	// geom is a geometry in the coordinates in which it was written. A box is a
	// MultiPoint of its lower left and its upper right corner.
	geom orb.Geometry
	offs []int // where the positions of geom begin, in their order
}

// The ops of values.
const (
	opProperty  = "property"
	opText      = "text"
	opNumber    = "number"
	opBoolean   = "boolean"
	opDate      = "date"
	opTimestamp = "timestamp"
	opOpen      = ".." // an open end of an interval
	opInterval  = "interval"
	opBBox      = "bbox"
	opGeometry  = "geometry"
	opList      = "list"
)

// operation describes an operation.
type operation struct {
	args int    // how many arguments it takes, 0 for two or more
	word string // how the text encoding calls it
}

var operations = map[string]operation{
	"and": {0, "AND"}, "or": {0, "OR"}, "not": {1, "NOT"},
	"=": {2, "="}, "<>": {2, "<>"}, "<": {2, "<"},
	"<=": {2, "<="}, ">": {2, ">"}, ">=": {2, ">="},
	"like": {2, "LIKE"}, "between": {3, "BETWEEN"}, "in": {2, "IN"}, "isNull": {1, "IS NULL"},
	"casei": {1, "CASEI"}, "accenti": {1, "ACCENTI"},
	"+": {2, "+"}, "-": {2, "-"}, "*": {2, "*"}, "/": {2, "/"},
	"%": {2, "%"}, "div": {2, "div"}, "^": {2, "^"},
}

// The functions that compare two geometries, times or arrays.
var (
	spatialOps = []string{"s_contains", "s_crosses", "s_disjoint", "s_equals", "s_intersects", "s_overlaps", "s_touches", "s_within"}
	arrayOps   = []string{"a_containedBy", "a_contains", "a_equals", "a_overlaps"}
	// temporalOps take days, instants and intervals, intervalOps only intervals.
	temporalOps = []string{"t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"}
	intervalOps = []string{"t_contains", "t_during", "t_finishedBy", "t_finishes", "t_meets", "t_metBy", "t_overlappedBy", "t_overlaps", "t_startedBy", "t_starts"}
)

// functions gives the op of each word that stands before a bracket in the text encoding.
var functions = func() map[string]string {
	m := map[string]string{"CASEI": "casei", "ACCENTI": "accenti", "DATE": opDate, "TIMESTAMP": opTimestamp, "INTERVAL": opInterval, "BBOX": opBBox}
	for _, ops := range [][]string{spatialOps, arrayOps, temporalOps, intervalOps} {
		for _, op := range ops {
			word := upper(op)
			operations[op] = operation{2, word}
			m[word] = op
		}
	}
	for word := range geometryWords {
		m[word] = opGeometry
	}
	return m
}()

// geometryWords are the words of geometries in the text encoding, with their names in JSON.
var geometryWords = map[string]string{
	"POINT": "Point", "LINESTRING": "LineString", "POLYGON": "Polygon", "MULTIPOINT": "MultiPoint", "MULTILINESTRING": "MultiLineString",
	"MULTIPOLYGON": "MultiPolygon", "GEOMETRYCOLLECTION": "GeometryCollection",
}

// reserved are the words that are no property unless they stand in double quotes.
var reserved = []string{"AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "TRUE", "FALSE", "DIV"}

// upper puts the letters of ASCII into capitals, and leaves all others as they are.
func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

func isComparison(op string) bool {
	return slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, op)
}

// builder makes nodes within the limits.
type builder struct {
	source   string
	vertices int
}

func (b *builder) wrong(off int, format string, args ...any) *Error {
	return wrong(b.source, off, format, args...)
}

// node makes an operation.
func (b *builder) node(op string, off int, args ...*node) (*node, error) {
	n := &node{op: op, off: off, depth: 1, steps: 1, args: args}
	binds := strength(n)
	calculates := binds >= strengthSum && binds <= strengthPower
	for i, a := range args {
		n.steps = max(n.steps, a.steps+1)
		if i == 0 && (binds == strengthSum || binds == strengthProduct) && strength(a) == binds {
			n.depth = max(n.depth, a.depth)
		} else {
			n.depth = max(n.depth, a.depth+1)
		}
	}
	switch {
	case n.depth > MaxDepth:
		return nil, b.wrong(off, "The filter is nested too deeply; at most %d levels are taken.", MaxDepth)
	case calculates && n.steps >= MaxTerms:
		return nil, b.wrong(off, "The filter has a sum or a product of more than %d terms.", MaxTerms)
	}
	if op == opList && len(args) > MaxList {
		return nil, b.wrong(args[MaxList].off, "The list has more than %d values.", MaxList)
	}
	return n, nil
}

// day reads a date.
func (b *builder) day(off int, text string) (*node, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1 {
		return nil, b.wrong(off, "%s is not a day of the calendar, written YYYY-MM-DD.", quote(text))
	}
	return &node{op: opDate, off: off, depth: 1, at: t}, nil
}

// timestamp reads an instant.
func (b *builder) timestamp(off int, text string) (*node, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err == nil {
		t = t.UTC()
	}
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return nil, b.wrong(off, "%s is not an instant, written as in 2021-08-15T06:30:00Z.", quote(text))
	}
	return &node{op: opTimestamp, off: off, depth: 1, at: t}, nil
}

// intervalEnd reads an end of an interval that is written as a text.
func (b *builder) intervalEnd(off int, text string) (*node, error) {
	switch {
	case text == "..":
		return &node{op: opOpen, off: off, depth: 1}, nil
	case len(text) > len(time.DateOnly):
		return b.timestamp(off, text)
	}
	return b.day(off, text)
}

// quote writes what a user gave into a message, shortened.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return "“" + s + "”"
}
