package cql2

import (
	"slices"
	"time"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// context says what becomes of the truth of a part of a filter, and with it
// which nodes may be used for it.
type context int

const (
	// exact wants true, false and unknown as they are.
	exact context = iota
	// positive takes unknown for false: no NOT stands above.
	positive
	// whole is positive, and the filter is false if this part is not true. Here
	// conditions that follow from others help a store to find the rows.
	whole
)

// within is the context of the operands of an operation.
func (c context) within(op string) context {
	switch {
	case op == "and":
		return c
	case op == "or" && c != exact:
		return positive
	}
	return exact
}

type compiler struct {
	builder
	opt Options
}

// always and never are the conditions that are true and false of every incident.
var (
	always incident.Filter = incident.And{}
	never  incident.Filter = incident.Or{}
)

func constant(t bool) incident.Filter {
	if t {
		return always
	}
	return never
}

// filter makes a filter of a condition that was checked.
func (c *compiler) filter(n *node, ctx context) (incident.Filter, error) {
	switch n.op {
	case opBoolean:
		return constant(n.truth), nil
	case opProperty:
		return incident.Compare{Property: incident.Property(n.name), Op: incident.Eq, Value: truthValue(true)}, nil
	case "and", "or":
		parts := make([]incident.Filter, len(n.args))
		for i, a := range n.args {
			var err error
			if parts[i], err = c.filter(a, ctx.within(n.op)); err != nil {
				return nil, err
			}
		}
		if n.op == "and" {
			return incident.And(parts), nil
		}
		return incident.Or(parts), nil
	case "not":
		of, err := c.filter(n.args[0], exact)
		if err != nil {
			return nil, err
		}
		return incident.Not{Of: of}, nil
	case "isNull":
		return c.isNull(n.args[0])
	case "like":
		return like(c.expr(n.args[0]), c.expr(n.args[1])), nil
	case "between":
		return incident.And{c.compare(n.args[0], incident.Ge, n.args[1], ctx), c.compare(n.args[0], incident.Le, n.args[2], ctx)}, nil
	case "in":
		return c.in(n.args[0], n.args[1].args, ctx), nil
	}
	switch {
	case isComparison(n.op):
		return c.compare(n.args[0], incident.Op(n.op), n.args[1], ctx), nil
	case slices.Contains(spatialOps, n.op):
		return c.spatial(n, ctx)
	case slices.Contains(arrayOps, n.op):
		return incident.CompareLists{Left: c.list(n.args[0]), Op: incident.SetOp(n.op[len("a_"):]), Right: c.list(n.args[1])}, nil
	}
	return temporal(n, ctx), nil
}

func truthValue(t bool) incident.Value {
	v := incident.Value{Kind: incident.Boolean}
	if t {
		v.Number = 1
	}
	return v
}

// expr makes an expression of a text, a number, a truth or a day. What is the
// same for every incident becomes a literal.
func (c *compiler) expr(n *node) incident.Expr {
	switch n.op {
	case opProperty:
		return incident.Field{Property: incident.Property(n.name)}
	case opText: // also an empty one is no null
		return incident.Literal{Value: incident.Value{Kind: incident.Text, Text: n.name}}
	case opNumber:
		return incident.Literal{Value: incident.NumberValue(n.num)}
	case opBoolean:
		return incident.Literal{Value: truthValue(n.truth)}
	case opDate:
		return incident.Literal{Value: incident.DateValue(dayOf(n.at))}
	case "casei":
		f := incident.Folded{Of: c.expr(n.args[0]), By: foldCase}
		return settled(f, f.Of)
	case "accenti":
		f := incident.Folded{Of: c.expr(n.args[0]), By: foldAccents}
		return settled(f, f.Of)
	}
	a := incident.Arithmetic{Op: incident.Calculation(n.op), Left: c.expr(n.args[0]), Right: c.expr(n.args[1])}
	return settled(a, a.Left, a.Right)
}

// settled calculates what depends on literals only.
func settled(e incident.Expr, of ...incident.Expr) incident.Expr {
	for _, o := range of {
		if _, ok := o.(incident.Literal); !ok {
			return e
		}
	}
	return incident.Literal{Value: e.Eval(&incident.Incident{})}
}

func dayOf(t time.Time) incident.Day {
	y, m, d := t.Date()
	return incident.NewDay(y, m, d)
}

// decided turns a condition on literals into a constant.
func decided(f incident.Filter) incident.Filter {
	switch f.Match(&incident.Incident{}) {
	case incident.True:
		return always
	case incident.False:
		return never
	}
	return f
}

func (c *compiler) isNull(n *node) (incident.Filter, error) {
	switch n.op {
	case opProperty:
		name := incident.Property(n.name)
		if name == incident.Geometry {
			return incident.NoPoint{}, nil
		}
		if _, ok := incident.LookupList(name); ok {
			return never, nil // an empty list is no null
		}
		return incident.IsNull{Property: name}, nil
	case opText, opNumber, opBoolean, opDate, opTimestamp, opInterval, opBBox, opGeometry:
		return never, nil
	case "casei", "accenti", "+", "-", "*", "/", "%", "div", "^":
		e := c.expr(n)
		if l, ok := e.(incident.Literal); ok {
			return constant(l.Value.Null), nil
		}
		return incident.IsNullExpr{Of: e}, nil
	}
	of, err := c.filter(n, exact)
	return incident.IsUnknown{Of: of}, err
}

func like(of, pattern incident.Expr) incident.Filter {
	p := pattern.(incident.Literal).Value.Text
	f := incident.LikeExpr{Of: of, Pattern: p}
	switch of := of.(type) {
	case incident.Literal:
		return decided(f)
	case incident.Field:
		if !slices.Contains([]rune(p), '\\') {
			return incident.Like{Property: of.Property, Pattern: p}
		}
	}
	return f
}

// turned is the comparison with its sides changed.
var turned = map[incident.Op]incident.Op{incident.Eq: incident.Eq, incident.Ne: incident.Ne,
	incident.Lt: incident.Gt, incident.Le: incident.Ge, incident.Gt: incident.Lt, incident.Ge: incident.Le}

func (c *compiler) compare(a *node, op incident.Op, b *node, ctx context) incident.Filter {
	if isTime(a) || isTime(b) {
		return compareEnds(endOf(a), op, endOf(b), ctx)
	}
	return compareExprs(c.expr(a), op, c.expr(b))
}

func compareExprs(left incident.Expr, op incident.Op, right incident.Expr) incident.Filter {
	l, leftFixed := left.(incident.Literal)
	r, rightFixed := right.(incident.Literal)
	f := incident.CompareExprs{Left: left, Op: op, Right: right}
	if leftFixed && rightFixed {
		return decided(f)
	}
	if p, ok := left.(incident.Field); ok && rightFixed {
		return incident.Compare{Property: p.Property, Op: op, Value: r.Value}
	}
	if p, ok := right.(incident.Field); ok && leftFixed {
		return incident.Compare{Property: p.Property, Op: turned[op], Value: l.Value}
	}
	return f
}

func (c *compiler) in(n *node, list []*node, ctx context) incident.Filter {
	ctx = ctx.within("or")
	var texts []string
	var or incident.Or
	of := incident.Expr(nil)
	if !isTime(n) {
		of = c.expr(n)
	}
	_, fixed := of.(incident.Literal)
	for _, item := range list {
		if of != nil && !fixed {
			if l, ok := c.expr(item).(incident.Literal); ok && l.Value.Kind == incident.Text {
				texts = append(texts, l.Value.Text)
				continue
			}
		}
		or = append(or, c.compare(n, incident.Eq, item, ctx))
	}
	if texts != nil {
		if p, ok := of.(incident.Field); ok {
			or = append(or, incident.In{Property: p.Property, Values: texts})
		} else {
			or = append(or, incident.InTexts{Of: of, Values: texts})
		}
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}

func (c *compiler) list(n *node) incident.List {
	if n.op == opProperty {
		return incident.ListField{Property: incident.Property(n.name)}
	}
	l := incident.ListLiteral{}
	for _, a := range n.args {
		l.Of = append(l.Of, c.expr(a))
	}
	return l
}

// relations gives the relation of a function, seen from its first and from its second argument.
var relations = map[string][2]incident.Relation{
	"s_intersects": {incident.Intersects, incident.Intersects}, "s_disjoint": {incident.Disjoint, incident.Disjoint},
	"s_equals": {incident.Equals, incident.Equals}, "s_touches": {incident.Touches, incident.Touches},
	"s_crosses": {incident.Crosses, incident.Crosses}, "s_overlaps": {incident.Overlaps, incident.Overlaps},
	"s_within": {incident.Within, incident.Contains}, "s_contains": {incident.Contains, incident.Within},
}

// isPoint reports whether a part is a single point that is written out.
func isPoint(n *node) bool {
	_, ok := n.geom.(orb.Point)
	return ok && n.op == opGeometry
}

func (c *compiler) spatial(n *node, ctx context) (incident.Filter, error) {
	a, b := n.args[0], n.args[1]
	relation := relations[n.op][0]
	if a.op != opProperty && (b.op == opProperty || !isPoint(a)) {
		a, b, relation = b, a, relations[n.op][1]
	}
	if b.op == opProperty {
		// The property with itself: the same for every point, unknown without one.
		nowhere := incident.NewShape(orb.Point{1000, 1000})
		known := incident.Spatial{Relation: incident.Disjoint, Shape: nowhere}
		if origin := (orb.Point{}); incident.NewShape(origin).Relates(relation, origin) {
			return known, nil
		}
		return incident.Not{Of: known}, nil
	}
	shape, box, err := c.shape(b)
	if err != nil {
		return nil, err
	}
	if a.op != opProperty {
		_, _, err := c.shape(a)
		if err != nil {
			return nil, err
		}
		return constant(shape.Relates(relation, c.transform(a.geom.(orb.Point)))), nil
	}
	f := incident.Spatial{Relation: relation, Shape: shape}
	if ctx == exact {
		return f, nil
	}
	switch relation {
	case incident.Intersects:
		switch {
		case box == nil:
		case box.Min[0] <= box.Max[0]:
			return incident.Box{Bound: *box}, nil
		default:
			west, east := *box, *box
			west.Max[0], east.Min[0] = 180, -180
			return incident.Or{incident.Box{Bound: west}, incident.Box{Bound: east}}, nil
		}
	case incident.Disjoint, incident.Crosses, incident.Overlaps:
		return f, nil
	}
	return incident.And{incident.Box{Bound: shape.Bound}, f}, nil
}

func (c *compiler) transform(p orb.Point) orb.Point {
	if c.opt.CRS != nil {
		return c.opt.CRS(p)
	}
	return p
}

// shape makes a shape of a geometry; box is not nil if it is one.
func (c *compiler) shape(n *node) (shape *incident.Shape, box *orb.Bound, err error) {
	at := 0
	position := func(p orb.Point) orb.Point {
		q := c.transform(p)
		if !(q[0] >= -180 && q[0] <= 180 && q[1] >= -90 && q[1] <= 90) && err == nil {
			err = c.wrong(n.offs[at], "The position lies outside the world; the order of coordinates is that of the reference system, in CRS84 longitude before latitude.")
		}
		at++
		return q
	}
	if n.op == opBBox {
		corners := n.geom.(orb.MultiPoint)
		box = &orb.Bound{Min: position(corners[0]), Max: position(corners[1])}
		if err == nil && box.Min[1] > box.Max[1] {
			err = c.wrong(n.off, "The box has its least latitude above its greatest; the order is that of the lower left and the upper right corner.")
		}
		if err != nil {
			return nil, nil, err
		}
		return incident.NewBoxShape(*box), box, nil
	}
	g := mapPositions(n.geom, position)
	if err != nil {
		return nil, nil, err
	}
	return incident.NewShape(g), nil, nil
}

// mapPositions makes a geometry of other positions, in the order in which they were read.
func mapPositions(g orb.Geometry, position func(orb.Point) orb.Point) orb.Geometry {
	points := func(ps []orb.Point) []orb.Point {
		out := make([]orb.Point, len(ps))
		for i, p := range ps {
			out[i] = position(p)
		}
		return out
	}
	polygon := func(p orb.Polygon) orb.Polygon {
		out := make(orb.Polygon, len(p))
		for i, r := range p {
			out[i] = points(r)
		}
		return out
	}
	switch g := g.(type) {
	case orb.Point:
		return position(g)
	case orb.MultiPoint:
		return orb.MultiPoint(points(g))
	case orb.LineString:
		return orb.LineString(points(g))
	case orb.MultiLineString:
		out := make(orb.MultiLineString, len(g))
		for i, l := range g {
			out[i] = points(l)
		}
		return out
	case orb.Polygon:
		return polygon(g)
	case orb.MultiPolygon:
		out := make(orb.MultiPolygon, len(g))
		for i, p := range g {
			out[i] = polygon(p)
		}
		return out
	case orb.Collection:
		out := make(orb.Collection, len(g))
		for i, p := range g {
			out[i] = mapPositions(p, position)
		}
		return out
	}
	return g
}
