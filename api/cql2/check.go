package cql2

import (
	"slices"

	"sarhad/incident"
)

// kind is the kind of value that a part of a filter has.
type kind int

const (
	kindText kind = iota
	kindNumber
	kindBoolean
	kindDate
	kindTimestamp
	kindInterval
	kindGeometry
	kindList
)

// String names the kind in messages.
func (k kind) String() string {
	return [...]string{"a text", "a number", "a condition", "a day", "an instant", "an interval", "a geometry", "a list"}[k]
}

// PropertyNames lists the properties that a filter may name.
func PropertyNames() []string {
	var names []string
	for _, p := range incident.Properties() {
		names = append(names, string(p.Name))
	}
	for _, l := range incident.Lists() {
		names = append(names, string(l.Name))
	}
	names = append(names, string(incident.Geometry))
	slices.Sort(names)
	return names
}

// check finds the kind of a part and refuses what does not go together.
func (b *builder) check(n *node) (kind, error) {
	switch n.op {
	case opText:
		return kindText, nil
	case opNumber:
		return kindNumber, nil
	case opBoolean:
		return kindBoolean, nil
	case opDate:
		return kindDate, nil
	case opTimestamp:
		return kindTimestamp, nil
	case opBBox, opGeometry:
		return kindGeometry, nil
	case opProperty:
		return b.checkProperty(n)
	case opInterval:
		return kindInterval, b.checkInterval(n)
	case opList:
		return kindList, b.all(n.args, kindText, "An element of an array")
	case "and", "or", "not":
		return kindBoolean, b.all(n.args, kindBoolean, "An operand of "+operations[n.op].word)
	case "casei", "accenti":
		return kindText, b.all(n.args, kindText, operations[n.op].word)
	case "+", "-", "*", "/", "%", "div", "^":
		return kindNumber, b.all(n.args, kindNumber, "An operand of "+n.op)
	case "isNull":
		_, err := b.check(n.args[0])
		return kindBoolean, err
	case "like":
		if err := b.all(n.args, kindText, "An operand of LIKE"); err != nil {
			return 0, err
		}
		p := n.args[1]
		for p.op == "casei" || p.op == "accenti" {
			p = p.args[0]
		}
		if p.op != opText {
			return 0, b.wrong(p.off, "The pattern of LIKE is a text in single quotes.")
		}
		if len(p.name) > MaxPattern {
			return 0, b.wrong(p.off, "The pattern of LIKE is longer than %d bytes.", MaxPattern)
		}
		return kindBoolean, nil
	case "between":
		return kindBoolean, b.comparable(n.args, "BETWEEN", kindNumber, kindDate, kindTimestamp)
	case "in":
		return kindBoolean, b.comparable(append([]*node{n.args[0]}, n.args[1].args...), "IN", kindText, kindNumber, kindBoolean, kindDate, kindTimestamp)
	}
	switch {
	case isComparison(n.op):
		return kindBoolean, b.comparable(n.args, n.op, kindText, kindNumber, kindBoolean, kindDate, kindTimestamp)
	case slices.Contains(spatialOps, n.op):
		return kindBoolean, b.checkSpatial(n)
	case slices.Contains(arrayOps, n.op):
		return kindBoolean, b.all(n.args, kindList, "An argument of "+operations[n.op].word)
	}
	return kindBoolean, b.checkTemporal(n)
}

// condition checks a whole filter.
func (b *builder) condition(n *node) error {
	return b.all([]*node{n}, kindBoolean, "A filter")
}

// all checks that parts have a kind.
func (b *builder) all(parts []*node, want kind, what string) error {
	for _, p := range parts {
		got, err := b.check(p)
		if err != nil {
			return err
		}
		if got != want {
			return b.wrong(p.off, "%s is %s; this is %s.", what, want, got)
		}
	}
	return nil
}

func (b *builder) checkProperty(n *node) (kind, error) {
	name := incident.Property(n.name)
	if name == incident.Geometry {
		return kindGeometry, nil
	}
	if _, ok := incident.LookupList(name); ok {
		return kindList, nil
	}
	if p, ok := incident.LookupProperty(name); ok {
		return map[incident.Kind]kind{incident.Text: kindText, incident.Integer: kindNumber, incident.Number: kindNumber,
			incident.Date: kindDate, incident.Boolean: kindBoolean}[p.Kind], nil
	}
	err := b.wrong(n.off, "There is no property %s; a text stands in single quotes.", quote(n.name))
	err.Allowed = PropertyNames()
	return 0, err
}

// comparable checks that values can be compared with the first of them.
func (b *builder) comparable(parts []*node, what string, kinds ...kind) error {
	var firstKind kind
	var literal kind // of the times that are no property
	seen := false
	for i, p := range parts {
		k, err := b.check(p)
		if err != nil {
			return err
		}
		if !slices.Contains(kinds, k) {
			hint := ""
			switch k {
			case kindGeometry:
				hint = "; geometries are compared by S_INTERSECTS and its like"
			case kindList:
				hint = "; lists are compared by A_CONTAINS and its like"
			case kindInterval:
				hint = "; intervals are compared by T_INTERSECTS and its like"
			}
			return b.wrong(p.off, "%s does not take %s%s.", what, k, hint)
		}
		if k == kindBoolean && p.op != opBoolean && p.op != opProperty {
			return b.wrong(p.off, "A condition is not compared with another; it stands by itself, or after NOT.")
		}
		isTime := k == kindDate || k == kindTimestamp
		switch {
		case i == 0:
			firstKind = k
		case k != firstKind && (!isTime || firstKind != kindDate && firstKind != kindTimestamp):
			hint := ""
			if firstKind == kindDate && k == kindText {
				hint = "; a day is written DATE('2021-08-15')"
			}
			return b.wrong(p.off, "%s cannot be compared with %s%s.", capital(k.String()), firstKind, hint)
		}
		if isTime && p.op != opProperty {
			if seen && literal != k {
				return b.wrong(p.off, "A day and an instant cannot stand in one comparison.")
			}
			literal, seen = k, true
		}
	}
	return nil
}

func capital(s string) string { return upper(s[:1]) + s[1:] }

func (b *builder) checkInterval(n *node) error {
	for _, end := range n.args {
		if end.op == opProperty {
			k, err := b.checkProperty(end)
			if err != nil {
				return err
			}
			if k != kindDate {
				return b.wrong(end.off, "An end of INTERVAL is a day; the property %s is %s.", end.name, k)
			}
		}
	}
	from, to := n.args[0], n.args[1]
	switch {
	case from.op == opDate && to.op == opTimestamp || from.op == opTimestamp && to.op == opDate:
		return b.wrong(to.off, "Both ends of INTERVAL are days or both are instants.")
	case from.op == to.op && !from.at.IsZero() && from.at.After(to.at):
		return b.wrong(to.off, "The interval ends before it begins.")
	}
	return nil
}

func (b *builder) checkTemporal(n *node) error {
	word := operations[n.op].word
	literal := ""
	for _, a := range n.args {
		k, err := b.check(a)
		if err != nil {
			return err
		}
		ends := []*node{a}
		switch {
		case k == kindInterval:
			ends = a.args
		case k != kindDate && k != kindTimestamp:
			return b.wrong(a.off, "%s compares times; this is %s.", word, k)
		case slices.Contains(intervalOps, n.op):
			return b.wrong(a.off, "%s compares intervals; this is %s. Write INTERVAL with it at both ends.", word, k)
		}
		for _, e := range ends {
			if e.op != opDate && e.op != opTimestamp {
				continue
			}
			if literal != "" && literal != e.op {
				return b.wrong(e.off, "A day and an instant cannot stand in one comparison.")
			}
			literal = e.op
		}
	}
	return nil
}

func (b *builder) checkSpatial(n *node) error {
	known := false
	for _, a := range n.args {
		k, err := b.check(a)
		if err != nil {
			return err
		}
		if k != kindGeometry {
			return b.wrong(a.off, "%s compares geometries; this is %s.", operations[n.op].word, k)
		}
		known = known || a.op == opProperty || isPoint(a)
	}
	if !known {
		return b.wrong(n.off, "One argument of %s must be the property geometry or a POINT.", operations[n.op].word)
	}
	return nil
}
