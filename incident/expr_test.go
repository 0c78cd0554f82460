package incident

import (
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func TestArithmetic(t *testing.T) {
	in := &Incident{Best: Known(7), Actor1: "x"}
	lit := func(n float64) Expr { return Literal{NumberValue(n)} }
	for _, c := range []struct {
		op   Calculation
		a, b Expr
		want float64 // NaN for null
	}{
		{Plus, Field{"fatalities_best"}, lit(2), 9}, {Minus, lit(2), lit(5), -3}, {Times, lit(2), lit(5), 10}, {Over, lit(7), lit(2), 3.5},
		{Div, lit(7), lit(2), 3}, {Div, lit(-7), lit(2), -3}, {Modulo, lit(-7), lit(2), -1}, {Power, lit(2), lit(10), 1024},
		{Over, lit(1), lit(0), math.NaN()}, {Modulo, lit(1), lit(0), math.NaN()}, {Power, lit(-8), lit(0.5), math.NaN()}, {Power, lit(10), lit(400), math.NaN()},
		{Plus, Field{"fatalities_low"}, lit(1), math.NaN()}, {Plus, Field{"actor1"}, lit(1), math.NaN()}, {Plus, Field{"nothing"}, lit(1), math.NaN()},
	} {
		v := Arithmetic{c.op, c.a, c.b}.Eval(in)
		if v.Null != math.IsNaN(c.want) || !v.Null && v.Number != c.want {
			t.Errorf("%v %s %v = %+v, want %v", c.a, c.op, c.b, v, c.want)
		}
	}
}

func TestExprsKeepThreeValues(t *testing.T) {
	in := &Incident{Actor1: "Ab%c", Actor2: "Ab%c", Best: Known(3), High: Known(4), Country: "AF", Start: 10, End: 12, AssocActors: []string{"x", "y", "x"}}
	low, best, high := Field{"fatalities_low"}, Field{"fatalities_best"}, Field{"fatalities_high"}
	a1, unit := Field{"actor1"}, Field{"unit_id"}
	text := func(s string) Expr { return Literal{Value{Kind: Text, Text: s}} }
	lists := func(s ...string) List {
		l := ListLiteral{}
		for _, s := range s {
			l.Of = append(l.Of, text(s))
		}
		return l
	}
	assoc := ListField{"assoc_actors"}
	lower := Folded{a1, strings.ToLower}
	day := int64(10) * 86400
	for _, c := range []struct {
		name string
		f    Filter
		want Truth
	}{
		{"less", CompareExprs{best, Lt, high}, True},
		{"not more", CompareExprs{best, Ge, high}, False},
		{"with null", CompareExprs{low, Lt, high}, Unknown},
		{"text with number", CompareExprs{a1, Eq, best}, Unknown},
		{"same text", CompareExprs{a1, Eq, Field{"actor2"}}, True},
		{"folded", CompareExprs{lower, Eq, text("ab%c")}, True},
		{"folded null", CompareExprs{Folded{unit, strings.ToLower}, Eq, text("")}, Unknown},
		{"empty text", Compare{"actor1", Ne, Value{Kind: Text}}, True},
		{"in texts", InTexts{lower, []string{"q", "ab%c"}}, True},
		{"not in texts", InTexts{lower, []string{"q"}}, False},
		{"null in texts", InTexts{unit, []string{"q"}}, Unknown},
		{"escaped", LikeExpr{a1, `Ab\%_`}, True},
		{"escaped and other", LikeExpr{a1, `A\b\_c`}, False},
		{"escaped at the end", LikeExpr{text(`a\`), `a\`}, True},
		{"not escaped", LikeExpr{a1, `%\c`}, True},
		{"like null", LikeExpr{unit, `%`}, Unknown},
		{"is null", IsNullExpr{Arithmetic{Plus, low, best}}, True},
		{"is not null", IsNullExpr{Arithmetic{Plus, high, best}}, False},
		{"is unknown", IsUnknown{CompareExprs{low, Lt, high}}, True},
		{"is known", IsUnknown{CompareExprs{best, Lt, high}}, False},
		{"starts in the local day", CompareInstant{"start_date", Eq, day - OffsetAF}, True},
		{"starts after the day before", CompareInstant{"start_date", Gt, day - OffsetAF - 1}, True},
		{"ends before", CompareInstant{"end_date", Lt, day + 3*86400 - OffsetAF}, True},
		{"ends not before", CompareInstant{"end_date", Lt, day + 3*86400 - OffsetAF - 1}, False},
		{"no date", CompareInstant{"actor1", Eq, 0}, Unknown},
		{"far instant", CompareInstant{"start_date", Lt, math.MaxInt64}, True},
		{"same set", CompareLists{assoc, SetEquals, lists("y", "x", "y")}, True},
		{"larger set", CompareLists{assoc, SetEquals, lists("y", "x", "z")}, False},
		{"contains", CompareLists{assoc, SetContains, lists("y")}, True},
		{"contains nothing", CompareLists{assoc, SetContains, lists()}, True},
		{"contained", CompareLists{assoc, SetContainedBy, lists("y", "x", "z")}, True},
		{"not contained", CompareLists{assoc, SetContainedBy, lists("y")}, False},
		{"overlaps", CompareLists{assoc, SetOverlaps, lists("q", "y")}, True},
		{"empty overlaps", CompareLists{ListField{"warnings"}, SetOverlaps, lists("q")}, False},
		{"empty sets", CompareLists{ListField{"warnings"}, SetEquals, lists()}, True},
		{"null in a set", CompareLists{assoc, SetOverlaps, ListLiteral{[]Expr{unit}}}, Unknown},
		{"unknown list", CompareLists{ListField{"nothing"}, SetEquals, lists()}, Unknown},
		{"no point", Spatial{Disjoint, NewShape(orb.Point{1, 1})}, Unknown},
		{"has no point", NoPoint{}, True},
	} {
		if got := c.f.Match(in); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// foreign is a filter, an expression and a list that this package does not know.
type foreign struct {
	Filter
	Expr
	List
}

func TestUses(t *testing.T) {
	low, actor, lit := Field{"fatalities_low"}, Field{"actor1"}, Literal{NumberValue(1)}
	for _, c := range []struct {
		f    Filter
		want string // "…" at the end for what may look at anything
	}{
		{nil, ""},
		{And{}, ""},
		{And{Compare{Property: "dataset"}, Or{In{Property: "unit_id"}, Not{IsNull{"summary"}}}, IsUnknown{Like{Property: "actor1"}}}, "dataset unit_id summary actor1"},
		{During{}, "start_date end_date"},
		{DuringInstants{}, "start_date end_date country"},
		{CompareInstant{Property: "end_date"}, "end_date country"},
		{Or{Box{}, Spatial{}, NoPoint{}}, "geometry geometry geometry"},
		{NearBorder{}, "border_km_min"},
		{ActorHas{}, "actor1 actor2 assoc_actors"},
		{TextHas{}, "summary location_name location_text actor1 actor2"},
		{CompareExprs{Arithmetic{Plus, low, lit}, Lt, Folded{actor, nil}}, "fatalities_low actor1"},
		{And{InTexts{Of: actor}, LikeExpr{Of: low}, IsNullExpr{lit}}, "actor1 fatalities_low"},
		{CompareLists{ListField{"warnings"}, SetEquals, ListLiteral{[]Expr{lit, actor}}}, "warnings actor1"},
		{foreign{}, "…"},
		{And{NoPoint{}, Not{foreign{}}, Box{}}, "geometry …"},
		{CompareExprs{low, Eq, foreign{}}, "fatalities_low …"},
		{IsNullExpr{}, "…"},
		{CompareLists{ListLiteral{}, SetEquals, foreign{}}, "…"},
	} {
		var uses []string
		if !Uses(c.f, func(_ Filter, p Property) bool { uses = append(uses, string(p)); return true }) {
			uses = append(uses, "…")
		}
		if got := strings.Join(uses, " "); got != c.want {
			t.Errorf("%#v looks at %q, want %q", c.f, got, c.want)
		}
	}
	var seen []Filter
	if Uses(And{Not{During{}}, NoPoint{}}, func(f Filter, p Property) bool { seen = append(seen, f); return p != "end_date" }) {
		t.Error("it goes on after the end")
	}
	if !slices.Equal(seen, []Filter{During{}, During{}}) {
		t.Errorf("%v look at something", seen)
	}
}

// The matrices of DE-9IM of a point with each sort of shape.
func TestShapes(t *testing.T) {
	square := orb.Polygon{{{0, 0}, {10, 0}, {10, 10}, {0, 10}, {0, 0}}, {{4, 4}, {4, 6}, {6, 6}, {6, 4}, {4, 4}}}
	path := orb.LineString{{0, 0}, {5, 5}, {10, 0}}
	closed := orb.LineString{{0, 0}, {5, 5}, {10, 0}, {0, 0}}
	for _, c := range []struct {
		name string
		s    *Shape
		p    orb.Point
		want Location
	}{
		{"point", NewShape(orb.Point{1, 2}), orb.Point{1, 2}, Inside},
		{"beside the point", NewShape(orb.Point{1, 2}), orb.Point{1, 2.0000000001}, Outside},
		{"points", NewShape(orb.MultiPoint{{1, 2}, {3, 4}}), orb.Point{3, 4}, Inside},
		{"polygon", NewShape(square), orb.Point{1, 1}, Inside},
		{"edge", NewShape(square), orb.Point{10, 3}, OnBoundary},
		{"corner", NewShape(square), orb.Point{10, 10}, OnBoundary},
		{"hole", NewShape(square), orb.Point{5, 5}, Outside},
		{"edge of the hole", NewShape(square), orb.Point{5, 4}, OnBoundary},
		{"beside a corner of the hole", NewShape(square), orb.Point{3, 4}, Inside},
		{"line", NewShape(path), orb.Point{2, 2}, Inside},
		{"bend", NewShape(path), orb.Point{5, 5}, Inside},
		{"end", NewShape(path), orb.Point{10, 0}, OnBoundary},
		{"beside the line", NewShape(path), orb.Point{2, 2.000000000000001}, Outside},
		{"closed line", NewShape(closed), orb.Point{0, 0}, Inside},
		{"lines that meet", NewShape(orb.MultiLineString{{{0, 0}, {1, 1}}, {{1, 1}, {2, 0}}}), orb.Point{1, 1}, Inside},
		{"three lines that meet", NewShape(orb.MultiLineString{{{0, 0}, {1, 1}}, {{1, 1}, {2, 0}}, {{1, 1}, {2, 2}}}), orb.Point{1, 1}, OnBoundary},
		{"areas that touch", NewShape(orb.MultiPolygon{square, {{{10, 10}, {20, 10}, {20, 20}, {10, 10}}}}), orb.Point{10, 10}, OnBoundary},
		{"second area", NewShape(orb.MultiPolygon{square, {{{10, 10}, {20, 10}, {20, 20}, {10, 10}}}}), orb.Point{15, 12}, Inside},
		{"area before line", NewShape(orb.Collection{square, orb.LineString{{10, 3}, {12, 3}, {-1, 3}}}), orb.Point{10, 3}, OnBoundary},
		{"line before point", NewShape(orb.Collection{path, orb.Point{10, 0}}), orb.Point{10, 0}, OnBoundary},
		{"ring that is not closed", NewShape(orb.Polygon{{{0, 0}, {10, 0}, {10, 10}}}), orb.Point{5, 5}, OnBoundary},
		{"box", NewBoxShape(orb.Bound{Min: orb.Point{1, 1}, Max: orb.Point{2, 2}}), orb.Point{1.5, 1.5}, Inside},
		{"edge of the box", NewBoxShape(orb.Bound{Min: orb.Point{1, 1}, Max: orb.Point{2, 2}}), orb.Point{1.5, 2}, OnBoundary},
		{"box without area", NewBoxShape(orb.Bound{Min: orb.Point{1, 1}, Max: orb.Point{2, 1}}), orb.Point{1.5, 1}, Inside},
		{"its end", NewBoxShape(orb.Bound{Min: orb.Point{1, 1}, Max: orb.Point{2, 1}}), orb.Point{2, 1}, OnBoundary},
		{"box across the antimeridian", NewBoxShape(orb.Bound{Min: orb.Point{170, 1}, Max: orb.Point{-170, 2}}), orb.Point{180, 1.5}, Inside},
		{"its edge", NewBoxShape(orb.Bound{Min: orb.Point{170, 1}, Max: orb.Point{-170, 2}}), orb.Point{-170, 1.5}, OnBoundary},
		{"beside it", NewBoxShape(orb.Bound{Min: orb.Point{170, 1}, Max: orb.Point{-170, 2}}), orb.Point{0, 1.5}, Outside},
	} {
		if got := c.s.Locate(c.p); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	in := &Incident{HasPoint: true, Point: orb.Point{1, 2}}
	for _, c := range []struct {
		g    orb.Geometry
		want string // which relations are true
	}{
		{orb.Point{1, 2}, "intersects equals within contains"},
		{orb.MultiPoint{{1, 2}, {1, 2}}, "intersects equals within contains"},
		{orb.MultiPoint{{1, 2}, {3, 4}}, "intersects within"},
		{orb.LineString{{1, 2}, {3, 4}}, "intersects touches"},
		{orb.LineString{{0, 1}, {2, 3}}, "intersects within"},
		{orb.Polygon{{{1, 0}, {3, 0}, {1, 4}, {1, 0}}}, "intersects touches"},
		{orb.Point{2, 1}, "disjoint"},
	} {
		var is []string
		for _, r := range []Relation{Intersects, Disjoint, Equals, Touches, Crosses, Within, Contains, Overlaps} {
			if (Spatial{r, NewShape(c.g)}).Match(in) == True {
				is = append(is, string(r))
			}
		}
		if got := strings.Join(is, " "); got != c.want {
			t.Errorf("%v: %s, want %s", c.g, got, c.want)
		}
	}
}

// A polygon of many edges gives what exact arithmetic on every edge gives.
func TestLocateIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coordinate := rapid.OneOf(rapid.Map(rapid.IntRange(0, 12), func(i int) float64 { return float64(i) / 10 }), rapid.Float64Range(0, 1.2))
		position := rapid.Custom(func(t *rapid.T) orb.Point {
			return orb.Point{coordinate.Draw(t, "x"), coordinate.Draw(t, "y")}
		})
		ring := orb.Ring(rapid.SliceOfN(position, 3, 40).Draw(t, "ring"))
		ring = append(ring, ring[0])
		p := position.Draw(t, "point")
		if rapid.Bool().Draw(t, "on an edge") { // as near as can be
			i := rapid.IntRange(0, len(ring)-2).Draw(t, "edge")
			f := rapid.Float64Range(0, 1).Draw(t, "part")
			p = orb.Point{ring[i][0] + f*(ring[i+1][0]-ring[i][0]), ring[i][1] + f*(ring[i+1][1]-ring[i][1])}
		}
		e := newEdges([]orb.Ring{ring})
		if got, want := e.locate(p), locateSlowly(ring, p); got != want {
			t.Fatalf("%v lies %v, want %v", p, got, want)
		}
	})
}

func locateSlowly(ring orb.Ring, p orb.Point) Location {
	rat := func(f float64) *big.Rat { return new(big.Rat).SetFloat64(f) }
	x, y := rat(p[0]), rat(p[1])
	odd := false
	for i := 1; i < len(ring); i++ {
		ax, ay, bx, by := rat(ring[i-1][0]), rat(ring[i-1][1]), rat(ring[i][0]), rat(ring[i][1])
		cross := new(big.Rat).Sub(
			new(big.Rat).Mul(new(big.Rat).Sub(bx, ax), new(big.Rat).Sub(y, ay)),
			new(big.Rat).Mul(new(big.Rat).Sub(by, ay), new(big.Rat).Sub(x, ax)))
		between := func(a, b, v *big.Rat) bool {
			return a.Cmp(v) <= 0 && v.Cmp(b) <= 0 || b.Cmp(v) <= 0 && v.Cmp(a) <= 0
		}
		if cross.Sign() == 0 && between(ax, bx, x) && between(ay, by, y) {
			return OnBoundary
		}
		switch {
		case ay.Cmp(y) <= 0 && by.Cmp(y) > 0 && cross.Sign() > 0, by.Cmp(y) <= 0 && ay.Cmp(y) > 0 && cross.Sign() < 0:
			odd = !odd
		}
	}
	if odd {
		return Inside
	}
	return Outside
}

func TestListsHaveTheirNames(t *testing.T) {
	in := &Incident{AssocActors: []string{"assoc_actors"}, Candidates: []string{"candidates"}, Warnings: []string{"warnings"}, Place: Place{Units: []string{"place_units"}}}
	for _, l := range Lists() {
		if got, ok := LookupList(l.Name); !ok || got.Get(in)[0] != string(l.Name) {
			t.Errorf("%s is not found", l.Name)
		}
		if _, ok := LookupProperty(l.Name); ok {
			t.Errorf("%s is a list and a property", l.Name)
		}
	}
}
