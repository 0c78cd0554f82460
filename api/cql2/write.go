package cql2

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"
)

// appendNumber writes a number as both encodings read it.
func appendNumber(b []byte, f float64) []byte { return strconv.AppendFloat(b, f, 'G', -1, 64) }

// appendTime writes a day, an instant or an open end of an interval.
func appendTime(b []byte, n *node) []byte {
	switch n.op {
	case opDate:
		return n.at.AppendFormat(b, time.DateOnly)
	case opTimestamp:
		return n.at.AppendFormat(b, time.RFC3339Nano)
	}
	return append(b, ".."...)
}

// The strengths of operators that calculate.
const (
	strengthSum     = 5
	strengthProduct = 6
	strengthPower   = 7
)

// strength orders operations by how close they bind; a value and a function bind closest.
func strength(n *node) int {
	switch n.op {
	case "or":
		return 1
	case "and":
		return 2
	case "not":
		if isNegated(n) {
			return 4
		}
		return 3
	case "like", "between", "in", "isNull":
		return 4
	case "+", "-":
		return strengthSum
	case "*", "/", "%", "div":
		return strengthProduct
	case "^":
		return strengthPower
	}
	if isComparison(n.op) {
		return 4
	}
	return 8
}

// isNegated reports whether a NOT is written within the predicate that it negates.
func isNegated(n *node) bool {
	return n.op == "not" && slices.Contains([]string{"like", "between", "in", "isNull"}, n.args[0].op)
}

// appendText writes a node in the text encoding, with no more brackets than it needs.
func appendText(b []byte, n *node) []byte {
	switch n.op {
	case opText:
		return appendQuoted(b, n.name)
	case opNumber:
		return appendNumber(b, n.num)
	case opBoolean:
		return append(b, upper(strconv.FormatBool(n.truth))...)
	case opProperty:
		return appendName(b, n.name)
	case opDate, opTimestamp:
		b = append(append(b, upper(n.op)...), "('"...)
		return append(appendTime(b, n), "')"...)
	case opInterval:
		b = append(b, "INTERVAL("...)
		for i, e := range n.args {
			if i > 0 {
				b = append(b, ", "...)
			}
			if e.op == opProperty {
				b = appendName(b, e.name)
			} else {
				b = append(appendTime(append(b, '\''), e), '\'')
			}
		}
		return append(b, ')')
	case opBBox:
		c := n.geom.(orb.MultiPoint)
		return appendParts(append(b, "BBOX"...), []float64{c[0][0], c[0][1], c[1][0], c[1][1]}, appendNumber)
	case opGeometry:
		return appendWKT(b, n.geom)
	case opList:
		return appendParts(b, n.args, appendText)
	case "and", "or":
		for i, a := range n.args {
			if i > 0 {
				b = append(append(append(b, ' '), upper(n.op)...), ' ')
			}
			b = appendOperand(b, a, strength(n)+1)
		}
		return b
	case "not":
		if isNegated(n) {
			return appendPredicate(b, n.args[0], true)
		}
		return appendOperand(append(b, "NOT "...), n.args[0], 8)
	case "like", "between", "in", "isNull":
		return appendPredicate(b, n, false)
	}
	s := strength(n)
	switch s {
	case 8:
		return appendParts(append(b, operations[n.op].word...), n.args, appendText)
	case 4: // its operands are calculations
		b = appendOperand(b, n.args[0], 5)
		b = append(append(append(b, ' '), n.op...), ' ')
		return appendOperand(b, n.args[1], 5)
	}
	left := s
	if n.op == "^" {
		left = s + 1
	}
	b = appendOperand(b, n.args[0], left)
	b = append(append(append(b, ' '), n.op...), ' ')
	return appendOperand(b, n.args[1], s+1)
}

// appendOperand writes an operand, in brackets if it binds less close than it must.
func appendOperand(b []byte, n *node, least int) []byte {
	if strength(n) < least {
		return append(appendText(append(b, '('), n), ')')
	}
	return appendText(b, n)
}

func appendPredicate(b []byte, n *node, negated bool) []byte {
	b = appendOperand(b, n.args[0], 5)
	not := ""
	if negated {
		not = "NOT "
	}
	if n.op == "isNull" {
		return append(b, " IS "+not+"NULL"...)
	}
	b = append(b, " "+not+operations[n.op].word+" "...)
	b = appendOperand(b, n.args[1], 5)
	if n.op == "between" {
		b = appendOperand(append(b, " AND "...), n.args[2], 5)
	}
	return b
}

// appendParts writes parts in brackets.
func appendParts[T any](b []byte, parts []T, part func([]byte, T) []byte) []byte {
	b = append(b, '(')
	for i, p := range parts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = part(b, p)
	}
	return append(b, ')')
}

// appendQuoted writes a text. After a backslash a quote is written with a
// backslash of its own, as the first one would take the first of two quotes.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '\'')
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'' && i > 0 && s[i-1] == '\\':
			b = append(b, `\'`...)
		case s[i] == '\'':
			b = append(b, "''"...)
		default:
			b = append(b, s[i])
		}
	}
	return append(b, '\'')
}

// appendName writes the name of a property, in quotes if it would be read as something else.
func appendName(b []byte, name string) []byte {
	bare := !slices.Contains(reserved, upper(name))
	for i, r := range name {
		bare = bare && (startsName(r) || i > 0 && inName(r))
	}
	if bare {
		return append(b, name...)
	}
	return append(append(append(b, '"'), strings.ReplaceAll(name, `"`, "")...), '"')
}

func appendWKT(b []byte, g orb.Geometry) []byte {
	b = append(b, upper(g.GeoJSONType())...)
	position := func(b []byte, p orb.Point) []byte {
		return appendNumber(append(appendNumber(b, p[0]), ' '), p[1])
	}
	line := func(b []byte, l orb.LineString) []byte { return appendParts(b, l, position) }
	ring := func(b []byte, l orb.Ring) []byte { return appendParts(b, l, position) }
	polygon := func(b []byte, p orb.Polygon) []byte { return appendParts(b, p, ring) }
	switch g := g.(type) {
	case orb.Point:
		return appendParts(b, []orb.Point{g}, position)
	case orb.LineString:
		return line(b, g)
	case orb.Polygon:
		return polygon(b, g)
	case orb.MultiPoint:
		return appendParts(b, g, func(b []byte, p orb.Point) []byte { return append(position(append(b, '('), p), ')') })
	case orb.MultiLineString:
		return appendParts(b, g, line)
	case orb.MultiPolygon:
		return appendParts(b, g, polygon)
	case orb.Collection:
		return appendParts(b, g, appendWKT)
	}
	return b
}
