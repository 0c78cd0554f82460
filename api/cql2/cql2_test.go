package cql2

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"

	"sarhad/incident"
)

// written are filters as people write them, with their canonical text. Many are
// the examples of OGC 21-065r2, told of our properties.
var written = []struct{ text, want string }{
	{"actor1='x'", "actor1 = 'x'"},
	{"actor1 = 'O''Brien' or \"actor1\" = 'O\\'Brien'", "actor1 = 'O''Brien' OR actor1 = 'O''Brien'"},
	{`actor1 LIKE 'a\%b\\'c'`, `actor1 LIKE 'a\%b\\'c'`},
	{"'København' <> location_name", "'København' <> location_name"},
	{"fatalities_best>.5e1 aNd Not fatalities_low<=1.", "fatalities_best > 5 AND NOT (fatalities_low <= 1)"},
	{"fatalities_best = -0", "fatalities_best = 0"},
	{"fatalities_best = +3e+2", "fatalities_best = 300"},
	{"fatalities_best between 100.0 and 150.0", "fatalities_best BETWEEN 100 AND 150"},
	{"fatalities_best NOT BETWEEN fatalities_low AND fatalities_high+1", "fatalities_best NOT BETWEEN fatalities_low AND fatalities_high + 1"},
	{"unit_id in ('pk-kp-kurram','af-hel')", "unit_id IN ('pk-kp-kurram', 'af-hel')"},
	{"NOT (type_of_violence IN (1,2,3))", "type_of_violence NOT IN (1, 2, 3)"},
	{"type_of_violence not in (1)", "type_of_violence NOT IN (1)"},
	{"summary is not null and unit_id is null", "summary IS NOT NULL AND unit_id IS NULL"},
	{"(actor1 = 'x') IS NULL", "(actor1 = 'x') IS NULL"},
	{"geometry IS NULL OR warnings IS NOT NULL", "geometry IS NULL OR warnings IS NOT NULL"},
	{"true", "TRUE"},
	{"true = false", "TRUE = FALSE"},
	{"CASEI(location_name) IN (casei('Οδος'), CASEI('Straße'))", "CASEI(location_name) IN (CASEI('Οδος'), CASEI('Straße'))"},
	{"ACCENTI(CASEI(district)) LIKE ACCENTI(CASEI('débárquér%'))", "ACCENTI(CASEI(district)) LIKE ACCENTI(CASEI('débárquér%'))"},
	{"fatalities_high > (fatalities_low-1)", "fatalities_high > fatalities_low - 1"},
	{"1+2*3^-2 > 10 div 3 % 2 / 4", "1 + 2 * 3 ^ -2 > 10 div 3 % 2 / 4"},
	{"(1+2)*3 - (4-5) = 6/(7*8)", "(1 + 2) * 3 - (4 - 5) = 6 / (7 * 8)"},
	{"(2^3)^2 = 2^(3^2)", "(2 ^ 3) ^ 2 = 2 ^ (3 ^ 2)"},
	{"-fatalities_low ^ 2 = 4", "(-1 * fatalities_low) ^ 2 = 4"},
	{"-2 ^ 2 = 4", "-2 ^ 2 = 4"},
	{"start_date >= date('1969-07-16')", "start_date >= DATE('1969-07-16')"},
	{"end_date < TIMESTAMP('2021-08-15T06:30:00.250Z')", "end_date < TIMESTAMP('2021-08-15T06:30:00.25Z')"},
	{"T_INTERSECTS(start_date, INTERVAL('1969-07-16T05:32:00Z', '1969-07-24T16:50:35Z'))", "T_INTERSECTS(start_date, INTERVAL('1969-07-16T05:32:00Z', '1969-07-24T16:50:35Z'))"},
	{"T_DURING(INTERVAL(start_date, end_date), INTERVAL('1969-07-16', '..'))", "T_DURING(INTERVAL(start_date, end_date), INTERVAL('1969-07-16', '..'))"},
	{"S_INTERSECTS(geometry,POINT(36.319836 32.288087))", "S_INTERSECTS(geometry, POINT(36.319836 32.288087))"},
	{"S_INTERSECTS(BBOX(160.6,-55.95,-170,-25.89), geometry)", "S_INTERSECTS(BBOX(160.6, -55.95, -170, -25.89), geometry)"},
	{"S_WITHIN(geometry, bbox(60,24,-5,70,30,9000))", "S_WITHIN(geometry, BBOX(60, 24, 70, 30))"},
	{"s_crosses(geometry, LINESTRING Z (1 2 3, 4 5 6))", "S_CROSSES(geometry, LINESTRING(1 2, 4 5))"},
	{"S_TOUCHES(geometry, POLYGON((0 0,1 0,1 1,0 0),(.1 .1,.2 .1,.2 .2,.1 .1)))", "S_TOUCHES(geometry, POLYGON((0 0, 1 0, 1 1, 0 0), (0.1 0.1, 0.2 0.1, 0.2 0.2, 0.1 0.1)))"},
	{"S_EQUALS(geometry, MULTIPOINT(1 2, (3 4)))", "S_EQUALS(geometry, MULTIPOINT((1 2), (3 4)))"},
	{"S_DISJOINT(geometry, MULTILINESTRING((1 2,3 4),(5 6,7 8)))", "S_DISJOINT(geometry, MULTILINESTRING((1 2, 3 4), (5 6, 7 8)))"},
	{"S_OVERLAPS(geometry, MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5))))", "S_OVERLAPS(geometry, MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5))))"},
	{"S_CONTAINS(GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(1 2, 3 4)), geometry)", "S_CONTAINS(GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(1 2, 3 4)), geometry)"},
	{"A_CONTAINS(assoc_actors, ('layers-ca','layers-us'))", "A_CONTAINS(assoc_actors, ('layers-ca', 'layers-us'))"},
	{"a_containedby((), warnings) and A_EQUALS(candidates, place_units)", "A_CONTAINEDBY((), warnings) AND A_EQUALS(candidates, place_units)"},
	{"A_OVERLAPS(assoc_actors, (actor1))", "A_OVERLAPS(assoc_actors, (actor1))"},
	{"(actor1='a' AND actor2='b') AND (actor1='c' OR actor2='d')", "(actor1 = 'a' AND actor2 = 'b') AND (actor1 = 'c' OR actor2 = 'd')"},
	{"NOT NOT actor1 = 'a'", "NOT (NOT (actor1 = 'a'))"},
	{"((((actor1))) = (('a')))", "actor1 = 'a'"},
	{"\u00a0actor1\t=\r\n'جھڑپ'\u2003", "actor1 = 'جھڑپ'"},
	{"actor1 = ''", "actor1 = ''"},
}

func TestWritten(t *testing.T) {
	for _, c := range written {
		x, err := Read(c.text, Text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := x.Text(); got != c.want {
			t.Errorf("%s\n was read as %s\n not as      %s", c.text, got, c.want)
		}
		roundTrip(t, x)
		if _, err := x.Filter(Options{}); err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

// roundTrip writes a filter in both encodings and reads it again.
func roundTrip(t interface{ Fatalf(string, ...any) }, x *Expression) {
	again, err := Read(x.Text(), Text)
	if err != nil || again.Text() != x.Text() || string(again.JSON()) != string(x.JSON()) {
		t.Fatalf("%s is read again as %v, %v", x.Text(), again, err)
	}
	fromJSON, err := Read(string(x.JSON()), JSON)
	if err != nil || fromJSON.Text() != x.Text() || string(fromJSON.JSON()) != string(x.JSON()) {
		t.Fatalf("%s is read again as %v, %v", x.JSON(), fromJSON, err)
	}
}

// The JSON encoding is that of the standard.
func TestJSON(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"district LIKE 'Smith%'", `{"op":"like","args":[{"property":"district"},"Smith%"]}`},
		{"fatalities_best NOT IN (1,2)", `{"op":"not","args":[{"op":"in","args":[{"property":"fatalities_best"},[1,2]]}]}`},
		{"fatalities_best BETWEEN 1 AND 1e30", `{"op":"between","args":[{"property":"fatalities_best"},1,1E+30]}`},
		{"CASEI(district) = CASEI('<Ω>')", `{"op":"=","args":[{"op":"casei","args":[{"property":"district"}]},{"op":"casei","args":["<Ω>"]}]}`},
		{"district IS NULL OR TRUE", `{"op":"or","args":[{"op":"isNull","args":[{"property":"district"}]},true]}`},
		{"start_date = DATE('2020-02-29')", `{"op":"=","args":[{"property":"start_date"},{"date":"2020-02-29"}]}`},
		{"start_date = TIMESTAMP('2020-02-29T01:02:03Z')", `{"op":"=","args":[{"property":"start_date"},{"timestamp":"2020-02-29T01:02:03Z"}]}`},
		{"T_FINISHEDBY(INTERVAL(start_date, end_date), INTERVAL('..', '2020-02-29'))", `{"op":"t_finishedBy","args":[{"interval":[{"property":"start_date"},{"property":"end_date"}]},{"interval":["..","2020-02-29"]}]}`},
		{"A_CONTAINEDBY(warnings, ('a', 'b'))", `{"op":"a_containedBy","args":[{"property":"warnings"},["a","b"]]}`},
		{"S_INTERSECTS(geometry, BBOX(1, 2, 3, 4))", `{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":[1,2,3,4]}]}`},
		{"S_WITHIN(geometry, POLYGON((0 0, 1 0, 1 1, 0 0)))", `{"op":"s_within","args":[{"property":"geometry"},{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}]}`},
		{"S_WITHIN(geometry, GEOMETRYCOLLECTION(POINT(1 2)))", `{"op":"s_within","args":[{"property":"geometry"},{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}]}`},
		{"fatalities_high > fatalities_low - 1", `{"op":">","args":[{"property":"fatalities_high"},{"op":"-","args":[{"property":"fatalities_low"},1]}]}`},
	} {
		x, err := Read(c.text, Text)
		if err != nil {
			t.Fatal(c.text, err)
		}
		if d := cmp.Diff(c.want, string(x.JSON())); d != "" {
			t.Errorf("%s: %s", c.text, d)
		}
	}
	// The order of members and white space mean nothing.
	x, err := Read("\n{ \"args\" : [ {\"property\":\"actor1\"} , \"a\" ],\n \"op\":\"=\" } ", JSON)
	if err != nil || x.Text() != "actor1 = 'a'" {
		t.Errorf("%v, %v", x, err)
	}
}

func deep(open, middle, closing string, n int) string {
	return strings.Repeat(open, n) + middle + strings.Repeat(closing, n)
}

func TestErrorsHaveTheirPlace(t *testing.T) {
	polygon := "S_WITHIN(geometry, POLYGON((0 0" + strings.Repeat(",1 1", MaxVertices) + ",0 0)))"
	for _, c := range []struct {
		text, at, says string
	}{
		{"", "1:1", "empty"},
		{" \n ", "2:2", "empty"},
		{"actor1", "1:1", "a condition; this is a text"},
		{"actor1 = ", "1:10", "the end of the filter"},
		{"actor1 = 'x' actor2", "1:14", "AND, OR or the end"},
		{"actor1 = 'x')", "1:13", "closes nothing"},
		{"actor1 ==  'x'", "1:9", "not “=”"},
		{"actor1 != 'x'", "1:8", "<>"},
		{"actor1 = 'x", "1:10", "not closed"},
		{"\"actor1 = 'x'", "1:1", "not closed"},
		{"actor1 = ‘x’", "1:10", "straight quotes"},
		{"foo = 1", "1:1", "no property “foo”"},
		{"actor1 = \"x\"", "1:10", "no property “x”"},
		{"ACTOR1 = 'x'", "1:1", "no property “ACTOR1”"},
		{"actor1 = 3", "1:10", "A number cannot be compared with a text"},
		{"3 = actor1", "1:5", "A text cannot be compared with a number"},
		{"start_date = '2020-01-01'", "1:14", "DATE('2021-08-15')"},
		{"start_date = DATE('2020-02-30')", "1:19", "not a day"},
		{"start_date = DATE(\"2020-02-03\")", "1:19", "single quotes"},
		{"start_date = TIMESTAMP('2020-02-03')", "1:24", "not an instant"},
		{"start_date BETWEEN DATE('2020-02-03') AND TIMESTAMP('2020-02-03T00:00:00Z')", "1:43", "A day and an instant"},
		{"fatalities_best LIKE 'x'", "1:1", "this is a number"},
		{"actor1 LIKE actor2", "1:13", "pattern"},
		{"actor1 LIKE '" + strings.Repeat("a", MaxPattern+1) + "'", "1:13", "longer than"},
		{"actor1 BETWEEN 'a' AND 'b'", "1:1", "does not take a text"},
		{"fatalities_best BETWEEN 1 OR 2", "1:27", "AND and the upper end"},
		{"actor1 IN ()", "1:11", "empty"},
		{"actor1 IN 'x'", "1:11", "“(” is expected"},
		{"actor1 NOT = 'x'", "1:12", "LIKE, BETWEEN or IN"},
		{"actor1 IS 'x'", "1:11", "NULL or NOT NULL"},
		{"actor1 = ('a', 'b')", "1:10", "A list stands only"},
		{"actor1 = ['a']", "1:10", "round brackets"},
		{"NOT actor1", "1:5", "An operand of NOT"},
		{"actor1 + 1 > 2", "1:1", "An operand of +"},
		{"2 ^ 3 ^ 4 = 1", "1:7", "brackets"},
		{"1 < 2 < 3", "1:7", "joined two"},
		{"(1 = 1) = TRUE", "1:2", "A condition is not compared"},
		{"fatalities_best > 1e999", "1:19", "too large"},
		{"fatalities_best > 1e", "1:19", "A number is expected"},
		{"fatalities_best > 12ab", "1:19", "A number is expected"},
		{"fatalities_best > 1 AND", "1:24", "the end of the filter"},
		{"buffer(geometry, 1) = 2", "1:1", "no function"},
		{"geometry = POINT(1 2)", "1:1", "S_INTERSECTS"},
		{"assoc_actors = 'x'", "1:1", "A_CONTAINS"},
		{"S_INTERSECTS(geometry)", "1:22", "“,” is expected"},
		{"S_INTERSECTS(geometry, 'x')", "1:24", "this is a text"},
		{"S_INTERSECTS(geometry, POINT(1,2))", "1:31", "A coordinate"},
		{"S_INTERSECTS(geometry, POINT(90 180))", "1:30", "outside the world"},
		{"S_INTERSECTS(geometry, LINESTRING(1 2, 3 95))", "1:40", "outside the world"},
		{"S_INTERSECTS(geometry, BBOX(1,2,3))", "1:24", "four numbers"},
		{"S_INTERSECTS(geometry, BBOX(1,2,3,1))", "1:24", "least latitude"},
		{"S_INTERSECTS(geometry, POLYGON((0 0,1 0,1 1)))", "1:32", "at least 4"},
		{"S_INTERSECTS(geometry, POLYGON((0 0,1 0,1 1,0 1)))", "1:32", "ends where it begins"},
		{"S_INTERSECTS(geometry, LINESTRING(0 0,0 0))", "1:34", "stays at one place"},
		{"S_INTERSECTS(geometry, GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 2))))", "1:43", "no collection"},
		{"S_CROSSES(LINESTRING(1 2, 3 4), BBOX(1,2,3,4))", "1:1", "must be the property geometry or a POINT"},
		{"T_DURING(start_date, INTERVAL('..','..'))", "1:10", "compares intervals"},
		{"T_AFTER(actor1, DATE('2020-01-01'))", "1:9", "this is a text"},
		{"T_AFTER(start_date, INTERVAL('2021-01-01','2020-01-01'))", "1:43", "ends before"},
		{"T_AFTER(start_date, INTERVAL('2021-01-01','2022-01-01T00:00:00Z'))", "1:43", "Both ends"},
		{"T_AFTER(start_date, INTERVAL(actor1,'..'))", "1:30", "property actor1 is a text"},
		{"T_EQUALS(DATE('2020-01-01'), INTERVAL(start_date,'2020-01-01T00:00:00Z'))", "1:50", "A day and an instant"},
		{"A_EQUALS(warnings, 'x')", "1:20", "this is a text"},
		{"A_EQUALS(warnings, ('x', 1))", "1:26", "this is a number"},
		{"A_EQUALS(warnings, (('x'), 'y')", "1:32", "close A_EQUALS"},
		{"AND = 1", "1:1", "the word AND"},
		{"actor1 = 'x' ;", "1:14", "no sign"},
		{"actor1 = 'x'\nAND (actor2 = 'ü' OR\n\tبا = 3)", "3:2", "no property “با”"},
		{"actor1 = '\xff'", "1:11", "UTF-8"},
		{deep("(", "actor1 = 'x'", ")", 2*MaxDepth+1), "1:101", "too deeply"},
		{deep("NOT ", "actor1 = 'x'", "", MaxDepth-1), "1:1", "too deeply"},
		{deep("CASEI(", "actor1", ")", MaxDepth) + " = 'x'", "1:1", "too deeply"},
		{"1" + strings.Repeat("+1", MaxTerms) + " > 1", "1:1", "more than 1000 terms"},
		{"1" + strings.Repeat("*2", MaxTerms/2) + strings.Repeat("+1", MaxTerms/2) + " > 1", "1:1", "more than 1000 terms"},
		{strings.Repeat("1+(", MaxDepth) + "1" + strings.Repeat(")", MaxDepth) + " > 1", "1:1", "too deeply"},
		{strings.Repeat("- ", 2*MaxDepth+1) + "1 > 1", "1:201", "too deeply"},
		{"actor1 IN ('x'" + strings.Repeat(",'x'", MaxList) + ")", "1:4012", "more than 1000 values"},
		{polygon, "1:40029", "more than 10000 positions"},
		{strings.Repeat(" ", MaxBytes+1), "1:65537", "longer than"},
	} {
		_, err := Parse(c.text, Text, Options{})
		expectError(t, c.text, err, c.at, strings.Replace(c.says, "joined two", "join two", 1))
	}
	// As deep as it may be.
	for _, s := range []string{deep("(", "actor1 = 'x'", ")", 2*MaxDepth), deep("NOT ", "actor1 = 'x'", "", MaxDepth-2), deep("CASEI(", "actor1", ")", MaxDepth-2) + " = 'x'",
		"1" + strings.Repeat("+border_km_min", MaxTerms-1) + " > 1", "1" + strings.Repeat(" * border_km_min / 2", MaxTerms/2-1) + " > 1", "0 > 1" + strings.Repeat("-border_km_min+1", 60)} {
		x, err := Read(s, Text)
		if err != nil {
			t.Errorf("%.80s: %v", s, err)
			continue
		}
		roundTrip(t, x)
		if _, err := x.Filter(Options{}); err != nil {
			t.Errorf("%.80s: %v", s, err)
		}
	}
}

func expectError(t *testing.T, text string, err error, at, says string) {
	t.Helper()
	if len(text) > 80 {
		text = text[:80] + "…"
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%q gave %v", text, err)
		return
	}
	if !strings.HasPrefix(e.Error(), at+": ") || !strings.Contains(e.Message, says) {
		t.Errorf("%q gave %v, want %s … %s", text, err, at, says)
	}
	if incident.CodeOf(err) != incident.CodeInvalid {
		t.Errorf("%q has the code %q", text, incident.CodeOf(err))
	}
}

func TestErrorsOfJSON(t *testing.T) {
	for _, c := range []struct{ text, at, says string }{
		{``, "1:1", "not complete"},
		{`{"op":"=","args":[{"property":"actor1"},"x"`, "1:44", "not complete"},
		{`{"op":"=","args":[{"property":"actor1"},}]}`, "1:41", "not JSON"},
		{`{"op":"=","args":[{"property":"actor1"},"x"]} 1`, "1:47", "The end"},
		{`{"op":"==","args":[1,2]}`, "1:7", "no operation"},
		{`{"op":"=","args":[1]}`, "1:18", "takes 2 arguments, not 1"},
		{`{"op":"and","args":[true]}`, "1:20", "two or more"},
		{`{"op":"="}`, "1:1", "needs args"},
		{`{"op":"=","args":[1,2],"x":1}`, "1:28", "not known here"},
		{`{"op":"=","op":"<","args":[1,2]}`, "1:11", "there twice"},
		{`{"op":"=","args":[{"property":"foo"},2]}`, "1:19", "no property “foo”"},
		{`{"op":"=","args":[{"property":3},2]}`, "1:31", "is a text, not the number"},
		{`{"op":"=","args":[{"foo":3},2]}`, "1:19", "one of the members"},
		{`{"op":"=","args":[null,2]}`, "1:19", "not null"},
		{`{"op":"=","args":[[1],2]}`, "1:19", "not an array"},
		{`{"op":"=","args":[1e999,2]}`, "1:19", "too large"},
		{`{"op":"in","args":[{"property":"actor1"},"x"]}`, "1:42", "second argument"},
		{`{"op":"in","args":[{"property":"actor1"},[]]}`, "1:42", "one value or more"},
		{`{"op":"=","args":[{"property":"actor1"},"x\\"]}`, "1:41", "backslash"},
		{`{"op":"=","args":[{"property":"start_date"},{"date":"2020-13-01"}]}`, "1:53", "not a day"},
		{`{"op":"t_after","args":[{"property":"start_date"},{"interval":["2020-01-01"]}]}`, "1:63", "two ends"},
		{`{"op":"t_after","args":[{"property":"start_date"},{"interval":["..",3]}]}`, "1:69", "An end"},
		{`{"op":"s_within","args":[{"property":"geometry"},{"type":"Circle","coordinates":[]}]}`, "1:58", "Circle"},
		{`{"op":"s_within","args":[{"property":"geometry"},{"type":"Point"}]}`, "1:50", "coordinates"},
		{`{"op":"s_within","args":[{"property":"geometry"},{"type":"Point","coordinates":[1]}]}`, "1:80", "two or three"},
		{`{"op":"s_within","args":[{"property":"geometry"},{"type":"Polygon","coordinates":[[[1,2],[3,4],["x",6],[1,2]]]}]}`, "1:97", "A number"},
		{`{"op":"s_within","args":[{"property":"geometry"},{"type":"MultiPoint","coordinates":[]}]}`, "1:85", "is expected"},
		{`{"op":"s_within","args":[{"property":"geometry"},{"bbox":[1,2,3,4,5]}]}`, "1:50", "has 5"},
		{`3`, "1:1", "A filter is a condition"},
		{deep("[", "", "]", 3000), "1:2110", "too deeply"},
		{deep(`{"op":"not","args":[`, "true", "]}", MaxDepth), "1:1", "too deeply"},
	} {
		_, err := Parse(c.text, JSON, Options{})
		expectError(t, c.text, err, c.at, c.says)
	}
	if _, err := Parse("TRUE", "cql", Options{}); err == nil || !strings.Contains(err.Error(), "no filter language") {
		t.Errorf("an unknown language gave %v", err)
	}
}

// What stores and the index know comes out as the nodes that they know.
func TestSimpleFiltersStaySimple(t *testing.T) {
	day := func(s string) incident.Day { d, _ := incident.ParseDay(s); return d }
	text := func(s string) incident.Value { return incident.Value{Kind: incident.Text, Text: s} }
	box := incident.Box{Bound: orb.Bound{Min: orb.Point{60, 24}, Max: orb.Point{70, 30}}}
	startsIn2020 := incident.Compare{Property: "start_date", Op: "=", Value: incident.DateValue(day("2020-01-01"))}
	for _, c := range []struct {
		text string
		want incident.Filter
	}{
		{"actor1 <= 'x'", incident.Compare{Property: "actor1", Op: "<=", Value: text("x")}},
		{"7 < fatalities_best", incident.Compare{Property: "fatalities_best", Op: ">", Value: incident.NumberValue(7)}},
		{"fatalities_best > 2 * (3 + 4)", incident.Compare{Property: "fatalities_best", Op: ">", Value: incident.NumberValue(14)}},
		{"unit_id IN ('a','b')", incident.In{Property: "unit_id", Values: []string{"a", "b"}}},
		{"type_of_violence IN (1, 2)", incident.Or{incident.Compare{Property: "type_of_violence", Op: "=", Value: incident.NumberValue(1)}, incident.Compare{Property: "type_of_violence", Op: "=", Value: incident.NumberValue(2)}}},
		{"actor1 IS NULL", incident.IsNull{Property: "actor1"}},
		{"actor1 LIKE 'a%'", incident.Like{Property: "actor1", Pattern: "a%"}},
		{"actor1 LIKE 'a\\%'", incident.LikeExpr{Of: incident.Field{Property: "actor1"}, Pattern: "a\\%"}},
		{"fatalities_low = fatalities_high", incident.CompareExprs{Left: incident.Field{Property: "fatalities_low"}, Op: "=", Right: incident.Field{Property: "fatalities_high"}}},
		{"S_INTERSECTS(geometry, BBOX(60,24,70,30))", box},
		{"S_INTERSECTS(BBOX(60,24,70,30), geometry) OR actor1 IS NULL", incident.Or{box, incident.IsNull{Property: "actor1"}}},
		{"T_INTERSECTS(INTERVAL(start_date,end_date), INTERVAL('2020-01-01','..'))", incident.During{From: day("2020-01-01"), To: incident.MaxDay}},
		{"T_INTERSECTS(DATE('2020-01-01'), INTERVAL(start_date,end_date))", incident.During{From: day("2020-01-01"), To: day("2020-01-01")}},
		{"T_DISJOINT(INTERVAL(start_date,end_date), INTERVAL('..','1970-01-01T00:00:00Z'))", incident.Not{Of: incident.DuringInstants{From: incident.MinInstant, To: 0}}},
		{"T_INTERSECTS(INTERVAL(start_date,end_date), INTERVAL('..','..'))", incident.During{From: incident.MinDay, To: incident.MaxDay}},
		{"start_date = DATE('2020-01-01')", incident.And{incident.During{From: day("2020-01-01"), To: day("2020-01-01")}, startsIn2020}},
		{"NOT start_date = DATE('2020-01-01')", incident.Not{Of: startsIn2020}},
		{"'a' < 'b'", incident.And{}},
		{"1 = 2 OR TRUE", incident.Or{incident.Or{}, incident.And{}}},
		{"'København' LIKE 'K_benhavn'", incident.And{}},
		{"CASEI('Straße') = CASEI('STRASSE')", incident.And{}},
		{"ACCENTI('débárquér') = 'debarquer'", incident.And{}},
		{"TIMESTAMP('2022-04-14T14:48:46.5Z') > TIMESTAMP('2022-04-14T14:48:46.25Z')", incident.And{}},
		{"S_WITHIN(POINT(1 1), BBOX(0,0,2,2)) AND S_CONTAINS(BBOX(0,0,2,2), POINT(1 1))", incident.And{incident.And{}, incident.And{}}},
		{"geometry IS NULL", incident.NoPoint{}},
		{"warnings IS NULL", incident.Or{}},
	} {
		got, err := Parse(c.text, Text, Options{})
		if err != nil {
			t.Fatal(c.text, err)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.text, d)
		}
	}
}

// Positions are read in the reference system that is asked for.
func TestCRS(t *testing.T) {
	latLon := Options{CRS: func(p orb.Point) orb.Point { return orb.Point{p[1], p[0]} }}
	in := &incident.Incident{HasPoint: true, Point: orb.Point{65, 25}}
	for _, text := range []string{"S_INTERSECTS(geometry, BBOX(24,60,30,70))", "S_WITHIN(geometry, POLYGON((24 60,30 60,30 70,24 70,24 60)))",
		"S_EQUALS(geometry, POINT(25 65))", "S_INTERSECTS(geometry, GEOMETRYCOLLECTION(MULTILINESTRING((25 60,25 70)),MULTIPOINT((80 170)),MULTIPOLYGON(((80 1,81 1,81 2,80 1)))))",
		"S_INTERSECTS(geometry, BBOX(-90, 170, 30, 66))"} {
		f, err := Parse(text, Text, latLon)
		if err != nil || !incident.Matches(f, in) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := Parse("S_INTERSECTS(geometry, POINT(65 25)) AND S_INTERSECTS(geometry, POINT(100 25))", Text, latLon)
	expectError(t, "POINT(100 25)", err, "1:71", "outside the world")
}

func TestFolding(t *testing.T) {
	for _, pair := range [][2]string{{"Straße", "STRASSE"}, {"ΟΔΟΣ", "οδος"}, {"Kurram", "KURRAM"}, {"é", "E\u0301"}} {
		if a, b := foldCase(pair[0]), foldCase(pair[1]); a != b {
			t.Errorf("%q is folded to %q, %q to %q", pair[0], a, pair[1], b)
		}
	}
	for _, pair := range [][2]string{{"papá", "papa"}, {"København", "Kobenhavn"}, {"آب", "اب"}, {"عَرَب", "عرب"}, {"Łódź", "Lodz"}} {
		if got := foldAccents(pair[0]); got != pair[1] {
			t.Errorf("%q without accents is %q", pair[0], got)
		}
	}
	if foldAccents("が") == foldAccents("か") || foldAccents("Papa") == foldAccents("papa") {
		t.Error("what makes another letter was taken for an accent")
	}
}

// A filter that is as costly as it may be is read at once.
func TestLargestFilters(t *testing.T) {
	start := time.Now()
	for _, text := range []string{
		strings.TrimSuffix(strings.Repeat("1=1 AND ", MaxBytes/8), " AND "),
		"actor1 LIKE '" + strings.Repeat("%a", MaxPattern/2) + "'",
		strings.Repeat("(", 40) + strings.TrimSuffix(strings.Repeat("1=1 OR ", MaxBytes/8), " OR ") + strings.Repeat(")", 40),
		"S_WITHIN(geometry, POLYGON((0 0" + strings.Repeat(",1 1", MaxVertices-2) + ",0 0)))",
	} {
		f, err := Parse(text, Text, Options{})
		if err != nil {
			t.Fatalf("%.60s: %v", text, err)
		}
		f.Match(&incident.Incident{HasPoint: true, Actor1: strings.Repeat("a", 2000)})
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("it took %v", d)
	}
}
