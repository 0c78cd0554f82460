package cql2

import (
	"flag"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/data/gpkg"
	"sarhad/data/index"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// writer draws filters in the text encoding that are right in all their types.
type writer struct{ t *rapid.T }

func (w writer) pick(of ...string) string { return rapid.SampledFrom(of).Draw(w.t, "one of") }
func (w writer) n(most int) int           { return rapid.IntRange(0, most).Draw(w.t, "n") }

func (w writer) condition(depth int) string {
	most := 16
	if depth == 0 {
		most = 12
	}
	switch w.n(most) {
	case 0:
		return w.pick("TRUE", "FALSE")
	case 1, 2:
		return w.text(1) + w.op() + w.text(1)
	case 3:
		return w.number(2) + w.op() + w.number(2)
	case 4:
		return w.date(w.pick("DATE", "TIMESTAMP"), true)
	case 5:
		return w.text(1) + w.not() + "LIKE " + w.pick("'%'", "'%URR%'", "CASEI('%URR%')", `'100\%%'`, "'k%'", "ACCENTI(CASEI('é%'))")
	case 6:
		return w.number(1) + w.not() + "BETWEEN " + w.number(1) + " AND " + w.number(1)
	case 7:
		if w.n(1) == 0 {
			return w.number(1) + w.not() + "IN (" + w.number(0) + ", " + w.number(1) + ")"
		}
		return w.text(1) + w.not() + "IN (" + w.text(0) + ", " + w.text(1) + "," + w.text(0) + ")"
	case 8:
		of := w.pick(w.text(1), w.number(1), "geometry", "warnings", "start_date", "("+w.condition(0)+")")
		return of + w.pick(" IS NULL", " IS NOT NULL")
	case 9, 10:
		word := w.pick("S_CONTAINS", "S_CROSSES", "S_DISJOINT", "S_EQUALS", "S_INTERSECTS", "S_INTERSECTS", "S_OVERLAPS", "S_TOUCHES", "S_WITHIN")
		args := []string{"geometry", w.geometry()}
		if w.n(2) == 0 {
			slices.Reverse(args)
		}
		return word + "(" + strings.Join(args, ", ") + ")"
	case 11:
		return w.temporal()
	case 12:
		return w.pick("A_EQUALS", "A_CONTAINS", "A_CONTAINEDBY", "A_OVERLAPS") + "(" + w.array() + ", " + w.array() + ")"
	case 13:
		return "NOT (" + w.condition(depth-1) + ")"
	case 14:
		return "(" + w.condition(depth-1) + ") OR (" + w.condition(depth-1) + ")"
	}
	parts := []string{}
	for range 2 + w.n(1) {
		parts = append(parts, "("+w.condition(depth-1)+")")
	}
	return strings.Join(parts, " AND ")
}

func (w writer) op() string  { return w.pick(" = ", " <> ", "<", " <=", "> ", ">=") }
func (w writer) not() string { return w.pick(" ", " NOT ") }

func (w writer) text(depth int) string {
	switch w.n(3 + depth) {
	case 0, 1:
		return w.pick("actor1", "\"actor2\"", "unit_id", "district", "summary", "country", "event_type", "dataset", "source_id", "location_name", "verification", "subunit_id", "border_side")
	case 2, 3:
		return w.pick("'Kurram'", "'PK'", "'AF'", "''", "'pk-kp-kurram'", "'kurram road'", `'O''Brien "q" \'`+" '", "'Battles'", "'éclair'", "'ged'", "'unverified'")
	}
	of := w.text(0)
	return w.pick("CASEI("+of+")", "ACCENTI("+of+")", "ACCENTI(CASEI("+of+"))")
}

func (w writer) number(depth int) string {
	if depth > 0 && w.n(2) == 0 {
		return "(" + w.number(depth-1) + w.pick(" + ", "-", " * ", "/", " % ", " div ", " ^ ") + w.number(depth-1) + ")"
	}
	return w.pick("fatalities_low", "fatalities_best", "fatalities_high", "type_of_violence", "border_km_min", "border_km_max", "0", "1", "-2", "7", "2.5", "1E2", "-fatalities_best")
}

func (w writer) day() string {
	return incident.Day(18000 + w.n(60)).Time().Format(time.DateOnly)
}

func (w writer) instant() string {
	return w.day() + w.pick("T00:00:00Z", "T18:59:59.5Z", "T19:00:00Z", "T19:29:59Z", "T19:30:00Z", "T23:59:59Z")
}

// date writes a comparison of days, or of days with instants.
func (w writer) date(kind string, properties bool) string {
	literal := func() string {
		if kind == "DATE" {
			return "DATE('" + w.day() + "')"
		}
		return "TIMESTAMP('" + w.instant() + "')"
	}
	value := func() string {
		if properties && w.n(2) == 0 {
			return w.pick("start_date", "end_date")
		}
		return literal()
	}
	property := w.pick("start_date", "end_date")
	switch w.n(4) {
	case 0:
		return property + w.not() + "BETWEEN " + value() + " AND " + value()
	case 1:
		return property + w.not() + "IN (" + value() + ", " + value() + ")"
	case 2:
		return literal() + w.op() + literal()
	case 3:
		return literal() + w.op() + property
	}
	return property + w.op() + value()
}

func (w writer) temporal() string {
	kind := w.pick("DATE", "TIMESTAMP")
	end := func(open string) string {
		switch w.n(5) {
		case 0:
			return open
		case 1:
			return w.pick("start_date", "end_date")
		}
		if kind == "DATE" {
			return "'" + w.day() + "'"
		}
		return "'" + w.instant() + "'"
	}
	interval := func() string {
		if w.n(2) == 0 {
			return "INTERVAL(start_date, end_date)"
		}
		from, to := end("'..'"), end("'..'")
		if strings.HasPrefix(from, "'") && strings.HasPrefix(to, "'") && !strings.Contains(from+to, "..") && from > to {
			from, to = to, from
		}
		return "INTERVAL(" + from + ", " + to + ")"
	}
	if w.n(1) == 0 {
		op := rapid.SampledFrom(intervalOps).Draw(w.t, "interval op")
		return upper(op) + "(" + interval() + ", " + interval() + ")"
	}
	value := func() string {
		switch w.n(3) {
		case 0:
			return w.pick("start_date", "end_date")
		case 1:
			if kind == "DATE" {
				return "DATE('" + w.day() + "')"
			}
			return "TIMESTAMP('" + w.instant() + "')"
		}
		return interval()
	}
	op := rapid.SampledFrom(temporalOps).Draw(w.t, "temporal op")
	return upper(op) + "(" + value() + ", " + value() + ")"
}

func (w writer) array() string {
	switch w.n(3) {
	case 0:
		return "()"
	case 1:
		return "(" + w.pick("'Kurram'", "actor1", "'pk-kp-kurram'") + ")"
	case 2:
		return "('Kurram', 'kurram road', 'pk-kp-kurram', 'af-hel')"
	}
	return w.pick("assoc_actors", "warnings", "candidates", "place_units")
}

func (w writer) position() string {
	return fmt.Sprint(60+float64(w.n(32))/2, " ", 24+float64(w.n(28))/2)
}

func (w writer) geometry() string {
	ring := func() string {
		a, b, c := w.position(), w.position(), w.position()
		for b == a {
			b = w.position()
		}
		return "(" + strings.Join([]string{a, b, c, a}, ", ") + ")"
	}
	line := func() string {
		a, b := w.position(), w.position()
		for b == a {
			b = w.position()
		}
		return "(" + strings.Join([]string{a, b, w.position()}, ",") + ")"
	}
	simple := []func() string{
		func() string { return "POINT(" + w.position() + ")" },
		func() string { return "LINESTRING" + line() },
		func() string { return "POLYGON(" + ring() + ")" },
		func() string { return "MULTIPOINT((" + w.position() + "), " + w.position() + ")" },
		func() string { return "MULTILINESTRING(" + line() + ", " + line() + ")" },
		func() string { return "MULTIPOLYGON((" + ring() + "), (" + ring() + "))" },
	}
	switch k := w.n(len(simple) + 1); {
	case k < len(simple):
		return simple[k]()
	case k == len(simple):
		return "GEOMETRYCOLLECTION(" + simple[w.n(5)]() + ", " + simple[w.n(5)]() + ")"
	}
	low := 24 + w.n(14)
	return fmt.Sprintf("BBOX(%d, %d, %d, %d)", 60+w.n(16), low, 60+w.n(16), low+w.n(6)) // also across the antimeridian
}

func filters() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return writer{t}.condition(3) })
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := filters().Draw(t, "filter")
		x, err := Read(text, Text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		roundTrip(t, x)
	})
}

// naive tells what a filter means straight from what was written, without any
// of the short ways that filters for stores take.
type naive struct {
	in *incident.Incident
}

func (e naive) truth(n *node) incident.Truth {
	is := func(b bool) incident.Truth {
		if b {
			return incident.True
		}
		return incident.False
	}
	switch n.op {
	case opBoolean:
		return is(n.truth)
	case "and":
		t := incident.True
		for _, a := range n.args {
			t = min(t, e.truth(a))
		}
		return t
	case "or":
		t := incident.False
		for _, a := range n.args {
			t = max(t, e.truth(a))
		}
		return t
	case "not":
		return incident.True - e.truth(n.args[0])
	case "isNull":
		switch a := n.args[0]; {
		case a.op == opProperty && a.name == "geometry":
			return is(!e.in.HasPoint)
		case a.op == opProperty && a.name == "warnings":
			return incident.False
		case strength(a) < 5 || operations[a.op].args == 2 && strength(a) == 8:
			return is(e.truth(a) == incident.Unknown)
		default:
			return is(e.value(a) == nil)
		}
	case "between":
		return min(e.compare(">=", n.args[0], n.args[1]), e.compare("<=", n.args[0], n.args[2]))
	case "in":
		t := incident.False
		for _, a := range n.args[1].args {
			t = max(t, e.compare("=", n.args[0], a))
		}
		return t
	case "like":
		v, p := e.value(n.args[0]), e.value(n.args[1])
		if v == nil {
			return incident.Unknown
		}
		return is(likeNaive([]rune(p.(string)), []rune(v.(string))))
	}
	switch {
	case isComparison(n.op):
		return e.compare(n.op, n.args[0], n.args[1])
	case strings.HasPrefix(n.op, "a_"):
		a, okA := e.set(n.args[0])
		b, okB := e.set(n.args[1])
		if !okA || !okB {
			return incident.Unknown
		}
		shared := 0
		for s := range a {
			if b[s] {
				shared++
			}
		}
		return is(map[string]bool{"a_equals": shared == len(a) && shared == len(b), "a_contains": shared == len(b),
			"a_containedBy": shared == len(a), "a_overlaps": shared > 0}[n.op])
	case strings.HasPrefix(n.op, "s_"):
		if !e.in.HasPoint {
			return incident.Unknown
		}
		return is(e.spatial(n))
	}
	return is(e.temporal(n))
}

func likeNaive(p, s []rune) bool {
	switch {
	case len(p) == 0:
		return len(s) == 0
	case p[0] == '%':
		return likeNaive(p[1:], s) || len(s) > 0 && likeNaive(p, s[1:])
	case p[0] == '_':
		return len(s) > 0 && likeNaive(p[1:], s[1:])
	case p[0] == '\\' && len(p) > 1:
		p = p[1:]
	}
	return len(s) > 0 && s[0] == p[0] && likeNaive(p[1:], s[1:])
}

// value is a string, a float64, a bool, or nil for null. Times are float64 days of
// the place of the incident, except where both sides are instants.
func (e naive) value(n *node) any {
	switch n.op {
	case opText:
		return n.name
	case opNumber:
		return n.num
	case opBoolean:
		return n.truth
	case opProperty:
		p, _ := incident.LookupProperty(incident.Property(n.name))
		v := p.Get(e.in)
		switch {
		case v.Null:
			return nil
		case v.Kind == incident.Text || v.Kind == incident.Date:
			return v.Text
		}
		return v.Number
	case "casei", "accenti":
		v := e.value(n.args[0])
		if v == nil {
			return nil
		}
		if n.op == "casei" {
			return foldCase(v.(string))
		}
		return foldAccents(v.(string))
	}
	a, b := e.value(n.args[0]), e.value(n.args[1])
	if a == nil || b == nil {
		return nil
	}
	x, y := a.(float64), b.(float64)
	r := map[string]float64{"+": x + y, "-": x - y, "*": x * y, "/": x / y, "%": math.Mod(x, y), "div": math.Trunc(x / y), "^": math.Pow(x, y)}[n.op]
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return nil
	}
	return r
}

func (e naive) compare(op string, a, b *node) incident.Truth {
	order := 0
	if isTime(a) || isTime(b) {
		x, y := e.span(a), e.span(b)
		if a.op == opTimestamp && b.op == opTimestamp {
			order = a.at.Compare(b.at)
		} else {
			order = int(x[0] - y[0])
		}
	} else {
		x, y := e.value(a), e.value(b)
		if x == nil || y == nil {
			return incident.Unknown
		}
		switch x := x.(type) {
		case string:
			order = strings.Compare(x, y.(string))
		case float64:
			switch y := y.(float64); {
			case x < y:
				order = -1
			case x > y:
				order = 1
			}
		}
	}
	if map[string]bool{"=": order == 0, "<>": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[op] {
		return incident.True
	}
	return incident.False
}

// span gives the first and the last local day of a time.
func (e naive) span(n *node) [2]int64 {
	zone := time.FixedZone("PK", incident.OffsetPK)
	if e.in.Country == "AF" {
		zone = time.FixedZone("AF", incident.OffsetAF)
	}
	switch n.op {
	case opInterval:
		from, to := e.span(n.args[0])[0], e.span(n.args[1])[1]
		return [2]int64{from, to}
	case opOpen:
		return [2]int64{math.MinInt32, math.MaxInt32}
	case opProperty:
		d := int64(e.in.Start)
		if n.name == "end_date" {
			d = int64(e.in.End)
		}
		return [2]int64{d, d}
	case opDate:
		return [2]int64{n.at.Unix() / 86400, n.at.Unix() / 86400}
	}
	y, m, d := n.at.In(zone).Date()
	local := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	return [2]int64{local, local}
}

// temporal has the definitions of the standard. Where only instants are
// compared they are compared as instants.
func (e naive) temporal(n *node) bool {
	a, b := e.span(n.args[0]), e.span(n.args[1])
	fixed := true
	var instants [2][2]int64
	for i, arg := range n.args {
		ends := []*node{arg, arg}
		if arg.op == opInterval {
			ends = arg.args
		}
		for k, end := range ends {
			switch end.op {
			case opOpen:
				instants[i][k] = [2]int64{math.MinInt64, math.MaxInt64}[k]
			case opTimestamp:
				instants[i][k] = end.at.UnixNano()
			default:
				fixed = false
			}
		}
	}
	if fixed {
		a, b = instants[0], instants[1]
	} else if mixed(n) {
		return e.temporalByEnds(n)
	}
	return allen(n.op, a, b)
}

// mixed reports whether a comparison of instants has a property in it: then each
// end is compared for itself, instants among themselves as instants.
func mixed(n *node) bool {
	found := map[string]bool{}
	for _, a := range n.args {
		found[a.op] = true
		for _, e := range a.args {
			found[e.op] = true
		}
	}
	return found[opProperty] && found[opTimestamp]
}

// temporalByEnds orders the ends of both times, and asks for the relation of these orders.
func (e naive) temporalByEnds(n *node) bool {
	type at struct {
		day, nano int64
		instant   bool
	}
	ends := func(arg *node) [2]at {
		parts := []*node{arg, arg}
		if arg.op == opInterval {
			parts = arg.args
		}
		var out [2]at
		for k, p := range parts {
			out[k] = at{day: e.span(p)[k]}
			if p.op == opTimestamp {
				out[k].instant, out[k].nano = true, p.at.UnixNano()
			}
		}
		return out
	}
	a, b := ends(n.args[0]), ends(n.args[1])
	order := func(x, y at) int64 {
		if x.instant && y.instant {
			return int64(time.Unix(0, x.nano).Compare(time.Unix(0, y.nano)))
		}
		return x.day - y.day
	}
	s1s2, s1e2, e1s2, e1e2 := order(a[0], b[0]), order(a[0], b[1]), order(a[1], b[0]), order(a[1], b[1])
	return allenOrders(n.op, s1s2, s1e2, e1s2, e1e2)
}

func allen(op string, a, b [2]int64) bool {
	order := func(x, y int64) int64 {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return allenOrders(op, order(a[0], b[0]), order(a[0], b[1]), order(a[1], b[0]), order(a[1], b[1]))
}

// allenOrders has the relations of OWL-Time, by the orders of start and start,
// start and end, end and start, end and end.
func allenOrders(op string, ss, se, es, ee int64) bool {
	return map[string]bool{
		"t_after": se > 0, "t_before": es < 0, "t_disjoint": se > 0 || es < 0, "t_intersects": se <= 0 && es >= 0, "t_equals": ss == 0 && ee == 0,
		"t_contains": ss < 0 && ee > 0, "t_during": ss > 0 && ee < 0, "t_finishedBy": ss < 0 && ee == 0, "t_finishes": ss > 0 && ee == 0,
		"t_meets": es == 0, "t_metBy": se == 0, "t_overlaps": ss < 0 && es > 0 && ee < 0, "t_overlappedBy": ss > 0 && se < 0 && ee > 0,
		"t_startedBy": ss == 0 && ee > 0, "t_starts": ss == 0 && ee < 0,
	}[op]
}

func (e naive) set(n *node) (map[string]bool, bool) {
	out := map[string]bool{}
	if n.op == opProperty {
		l, _ := incident.LookupList(incident.Property(n.name))
		for _, s := range l.Get(e.in) {
			out[s] = true
		}
		return out, true
	}
	for _, a := range n.args {
		v := e.value(a)
		if v == nil {
			return nil, false
		}
		out[v.(string)] = true
	}
	return out, true
}

// spatial looks the point up in the geometry part by part, with arithmetic that
// is exact on the coarse grid of the test.
func (e naive) spatial(n *node) bool {
	op, g := n.op, n.args[1]
	if g.op == opProperty {
		g = n.args[0]
		switch op {
		case "s_within":
			op = "s_contains"
		case "s_contains":
			op = "s_within"
		}
	}
	p := e.in.Point
	inside, boundary, same := locateNaive(g, p)
	switch op {
	case "s_intersects":
		return inside || boundary
	case "s_disjoint":
		return !inside && !boundary
	case "s_within":
		return inside
	case "s_touches":
		return boundary
	case "s_equals", "s_contains":
		return same
	}
	return false
}

func locateNaive(n *node, p orb.Point) (inside, boundary, same bool) {
	var areas [][]orb.Ring
	var lines []orb.LineString
	var points []orb.Point
	var collect func(g orb.Geometry)
	collect = func(g orb.Geometry) {
		switch g := g.(type) {
		case orb.Point:
			points = append(points, g)
		case orb.MultiPoint:
			points = append(points, g...)
		case orb.LineString:
			lines = append(lines, g)
		case orb.MultiLineString:
			lines = append(lines, g...)
		case orb.Polygon:
			areas = append(areas, g)
		case orb.MultiPolygon:
			for _, p := range g {
				areas = append(areas, p)
			}
		case orb.Collection:
			for _, p := range g {
				collect(p)
			}
		}
	}
	if n.op == opBBox {
		c := n.geom.(orb.MultiPoint)
		w, s, e, north := c[0][0], c[0][1], c[1][0], c[1][1]
		if w > e { // no point of the test is beyond either edge of the map
			in := (p[0] >= w || p[0] <= e) && p[1] >= s && p[1] <= north
			edge := in && (p[0] == w || p[0] == e || s != north && (p[1] == s || p[1] == north))
			return in && !edge, edge, false
		}
		switch {
		case w == e && s == north:
			points = append(points, c[0])
		case w == e || s == north:
			lines = append(lines, orb.LineString{c[0], c[1]})
		default:
			areas = append(areas, []orb.Ring{{{w, s}, {e, s}, {e, north}, {w, north}, {w, s}}})
		}
	} else {
		collect(n.geom)
	}
	on := func(a, b orb.Point) bool {
		return (b[0]-a[0])*(p[1]-a[1]) == (b[1]-a[1])*(p[0]-a[0]) &&
			min(a[0], b[0]) <= p[0] && p[0] <= max(a[0], b[0]) && min(a[1], b[1]) <= p[1] && p[1] <= max(a[1], b[1])
	}
	for _, rings := range areas {
		odd, edge := false, false
		for _, r := range rings {
			for i := 1; i < len(r); i++ {
				a, b := r[i-1], r[i]
				edge = edge || on(a, b)
				if (a[1] > p[1]) != (b[1] > p[1]) && p[0] < a[0]+(p[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
					odd = !odd
				}
			}
		}
		inside, boundary = inside || odd && !edge, boundary || edge
	}
	if inside || boundary {
		return inside, boundary && !inside, false
	}
	ends := 0
	for _, l := range lines {
		for i := 1; i < len(l); i++ {
			inside = inside || on(l[i-1], l[i])
		}
		for _, end := range []orb.Point{l[0], l[len(l)-1]} {
			if end == p {
				ends++
			}
		}
	}
	if inside {
		return ends%2 == 0, ends%2 == 1, false
	}
	inside = slices.Contains(points, p)
	same = inside && len(areas)+len(lines) == 0 && !slices.ContainsFunc(points, func(q orb.Point) bool { return q != p })
	return inside, false, same
}

// A filter means what the standard says, also where only its falsehood is asked for.
func TestMeaning(t *testing.T) {
	world := rapid.SliceOfN(storetest.Incidents(), 40, 40).Example(1)
	rapid.Check(t, func(t *rapid.T) {
		for _, text := range rapid.SliceOfN(filters(), 1, 60).Draw(t, "filters") {
			checkMeaning(t, world, text)
		}
	})
}

func checkMeaning(t *rapid.T, world []incident.Incident, text string) {
	x, err := Read(text, Text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	f, err := x.Filter(Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	negated, err := Parse("NOT ("+text+")", Text, Options{})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for i := range world {
		in := &world[i]
		want := naive{in}.truth(x.root)
		if got := incident.Matches(f, in); got != (want == incident.True) {
			t.Fatalf("%s\n is %v of %+v, want %v", x.Text(), got, *in, want)
		}
		if got := negated.Match(in); got != incident.True-want {
			t.Fatalf("NOT (%s)\n is %v of %+v, want %v", x.Text(), got, *in, incident.True-want)
		}
	}
}

var firstSeed = flag.Int("cql2.seed", 0, "the seed that TestStoresAgree begins with")

// Random filters, half of them read from text and half from JSON, choose the
// same incidents by a second reading of their tree, by looking at each, in SQL
// and by the index, in memory and in a file that is older than the last load.
func TestStoresAgree(t *testing.T) {
	cases := 10_000
	if testing.Short() {
		cases = 500
	}
	all := rapid.SliceOfNDistinct(storetest.Incidents(), 60, 60, func(in incident.Incident) string { return in.ID }).Example(7)
	before := slices.Clone(all[:45])
	for i := range before[:15] { // they will have changed
		before[i].Best, before[i].Summary, before[i].Start = incident.Known(i), "before", before[i].End
	}
	sql, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "test.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sql.Close() })
	oracle := storetest.NewNaive()
	memory, mapped := index.New(sql, index.Options{}), index.New(sql, index.Options{File: filepath.Join(t.TempDir(), "test.index")})
	load := func(what []incident.Incident, indexes ...*index.Index) {
		for _, s := range []incident.Store{sql, oracle} {
			storetest.Load(t, s, incident.Import{Dataset: incident.Dataset{Name: "ged"}, File: "a.csv", Layout: "table"}, 100, what)
		}
		for _, x := range indexes {
			if err := x.Refresh(t.Context()); err != nil || !x.Ready() {
				t.Fatalf("the index is not ready: %v", err)
			}
		}
	}
	load(before, mapped)
	load(all, memory, mapped)
	if n, fresh := mapped.Size(); n != 60 || fresh < 15 || fresh == 60 {
		t.Fatalf("of %d incidents %d are not in the file", n, fresh)
	}
	var world []*incident.Incident
	for in, err := range oracle.Incidents(t.Context(), incident.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		world = append(world, in)
	}
	readers := []struct {
		name string
		incident.Reader
	}{{"slice", oracle}, {"SQL", sql}, {"index in memory", memory}, {"index in a file", mapped}}
	for i, lang := range Langs {
		t.Run(string(lang), func(t *testing.T) {
			t.Parallel()
			some := filters()
			chosen := 0
			for seed := *firstSeed + i; seed < *firstSeed+cases; seed += len(Langs) {
				text := some.Example(seed)
				x, err := Read(text, Text)
				if err != nil {
					t.Fatalf("seed %d: %s: %v", seed, text, err)
				}
				source := text
				if lang == JSON {
					source = string(x.JSON())
				}
				f, err := Parse(source, lang, Options{})
				if err != nil {
					t.Fatalf("seed %d: %s: %v", seed, source, err)
				}
				var want []string
				for _, in := range world {
					if (naive{in}).truth(x.root) == incident.True {
						want = append(want, in.ID)
					}
				}
				for _, r := range readers {
					var got []string
					for in, err := range r.Incidents(t.Context(), incident.Query{Filter: f, Fields: []incident.Property{"id"}}) {
						if err != nil {
							t.Fatalf("seed %d, %s: %s: %v", seed, r.name, source, err)
						}
						got = append(got, in.ID)
					}
					if n, err := r.Count(t.Context(), f); err != nil || n != len(want) || !slices.Equal(got, want) {
						t.Fatalf("seed %d: %s\n%s counts %d, %v, and gives %q, want %d: %q", seed, source, r.name, n, err, got, len(want), want)
					}
				}
				if len(want) > 0 && len(want) < len(all) {
					chosen++
				}
			}
			if chosen < cases/len(Langs)/5 {
				t.Errorf("only %d of %d filters choose some incidents and leave others", chosen, cases/len(Langs))
			}
		})
	}
}
