package cql2

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

func FuzzText(f *testing.F) {
	for _, c := range written {
		f.Add(c.text)
	}
	for _, s := range []string{"", "(((", "NOT NOT", "a.b:c = \"x", "1e", "'\\'", "S_WITHIN(geometry, POLYGON((", "DATE('", "- - -1 ^ 2 > 3", "\u1680=‘’"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) { fuzz(t, source, Text) })
}

func FuzzJSON(f *testing.F) {
	for _, c := range written {
		if x, err := Read(c.text, Text); err == nil {
			f.Add(string(x.JSON()))
		}
	}
	for _, s := range []string{"", "[[[", `{"op":`, `{"op":"=","args":[1e999,{}]}`, `{"type":"Point","coordinates":[1,2],"bbox":3}`, `{"interval":[{"property":1},".."]}`, "{\"op\":\"\\ud800\"}", `nul`, `"a":1`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) { fuzz(t, source, JSON) })
}

// fuzz reads a filter: it is refused with a place within it, or it can be
// written and read again in both encodings and told of an incident.
func fuzz(t *testing.T, source string, lang Lang) {
	filter, err := Parse(source, lang, Options{})
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(source) || e.Line < 1 || e.Column < 1 || e.Message == "" || !utf8.ValidString(e.Message) && utf8.ValidString(source) {
			t.Fatalf("%q gave %#v", source, err)
		}
		return
	}
	x, err := Read(source, lang)
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, x)
	for _, in := range []incident.Incident{{}, {HasPoint: true, Point: orb.Point{1, 1}, Actor1: "a", Best: incident.Known(1), Country: "AF"}} {
		again, err := Parse(string(x.JSON()), JSON, Options{})
		if err != nil || again.Match(&in) != filter.Match(&in) {
			t.Fatalf("%q means %v, read again %v", source, filter, again)
		}
	}
}
