package api

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"

	"sarhad/geo"
)

func TestPlaceAnswer(t *testing.T) {
	r := &geo.Request{Text: "near طورخم, Khyber", Place: "Torkham", Adm1: "خیبر", Adm2: "x"}
	from := strings.Index(r.Text, "طورخم")
	m := geo.Match{
		Status: geo.StatusPlaced, Unit: -1, UnitID: "pk-kp-south-waziristan", Units: []string{"pk-kp-lower-south-waziristan", "pk-kp-upper-south-waziristan"},
		Name: "South Waziristan", Precision: "district", Point: orb.Point{69.6, 32.3}, Country: "PK", Province: "Khyber Pakhtunkhwa",
		Candidates: []geo.Candidate{
			{UnitID: "pk-kp-khyber", Name: "Khyber", Kind: "crossing", Place: "Torkham", Point: orb.Point{71.1, 34.1}, HasPoint: true, Score: 0.5, Precision: "district",
				Reasons: []string{"a reason"}, Field: "text", Span: [2]int{from, from + len("طورخم")}},
			{UnitID: "pk-kp-khyber", Name: "Khyber", Kind: "unit", Field: "adm2", Point: orb.Point{1, 2}},
			{UnitID: "pk-kp-khyber", Name: "Khyber", Kind: "unit", Field: "text", Span: [2]int{3, 900}},
			{UnitID: "pk-kp-khyber", Name: "Khyber", Kind: "unit", Field: "adm1", Span: [2]int{0, len(r.Adm1)}},
			{UnitID: "pk-kp-khyber", Name: "Khyber", Kind: "unit", Field: "place", Span: [2]int{0, 7}},
			{UnitID: "pk-kp-khyber", Name: "Khyber", Kind: "unit", Span: [2]int{0, 1}},
		},
		Warnings: []geo.Warning{{Code: geo.WarnDistrictMismatch, Detail: "far", KM: 12.5}, {Code: geo.WarnZeroCoordinates, Detail: "zero"}, {Code: "x", KM: math.NaN()}},
	}
	b, err := json.Marshal(NewPlaceAnswer(r, m))
	if err != nil {
		t.Fatal(err)
	}
	var a map[string]any
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	if a["lon"] != nil || a["lat"] != nil {
		t.Errorf("a label point is given as a position: %v, %v", a["lon"], a["lat"])
	}
	if diff := cmp.Diff([]any{"pk-kp-lower-south-waziristan", "pk-kp-upper-south-waziristan"}, a["units"]); diff != "" {
		t.Error(diff)
	}
	c := a["candidates"].([]any)
	first, second, third := c[0].(map[string]any), c[1].(map[string]any), c[2].(map[string]any)
	if diff := cmp.Diff([]any{5., 10.}, first["span"]); diff != "" || first["lon"] != 71.1 || first["place"] != "Torkham" {
		t.Errorf("%s%v", diff, first)
	}
	if second["span"] != nil || second["lon"] != nil || second["place"] != nil || len(second["reasons"].([]any)) != 0 || third["span"] != nil {
		t.Errorf("%v %v", second, third)
	}
	for i, want := range [][]any{{"text", []any{5., 10.}}, {nil, nil}, {nil, nil}, {"adm1", []any{0., 4.}}, {"place", []any{0., 7.}}, {nil, nil}} {
		got := c[i].(map[string]any)
		if diff := cmp.Diff(want, []any{got["field"], got["span"]}); diff != "" {
			t.Errorf("candidate %d: %s", i, diff)
		}
	}
	w := a["warnings"].([]any)
	if _, has := w[1].(map[string]any)["km"]; has || w[0].(map[string]any)["km"] != 12.5 {
		t.Errorf("warnings: %v", w)
	}
	if _, has := w[2].(map[string]any)["km"]; has {
		t.Errorf("a distance that is no number is given: %v", w[2])
	}
	for precision, want := range map[string]bool{"exact": true, "near": true, "settlement": true, "vicinity_25km": true, "tehsil": false, "district": false, "province": false, "line": false, "none": false} {
		got := NewPlaceAnswer(&geo.Request{}, geo.Match{Status: geo.StatusUnknown, Unit: -1, Precision: precision, Point: orb.Point{70, 34}, HasPoint: true})
		if (got.Lon != nil) != want || (got.Lat != nil) != want {
			t.Errorf("%s: %v, %v", precision, got.Lon, got.Lat)
		}
	}
	b, err = json.Marshal(NewPlaceAnswer(&geo.Request{}, geo.Match{Status: geo.StatusUnknown, Unit: -1, Precision: "none"}))
	const unknown = `{"status":"unknown","unit_id":null,"name":null,"precision":"none","lon":null,"lat":null,"units":[],"subunit_id":null,` +
		`"then":null,"country":null,"province":null,"candidates":[],"warnings":[]}`
	if err != nil || string(b) != unknown {
		t.Errorf("nothing known is %s, %v", b, err)
	}
}

func TestNameIn(t *testing.T) {
	names := []geo.Name{{Text: "Torkham", Lang: "ur"}, {Text: "تورخم", Lang: "ps"}, {Text: "طورخم", Lang: "ur"}, {Text: "تورخام", Lang: "fa"}}
	for lang, want := range map[string]string{"ur": "طورخم", "ps": "تورخم", "prs": "تورخام", "fa": "تورخام"} {
		if got := nameIn(names, lang); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	if got := nameIn(names[1:2], "ur"); got != "تورخم" {
		t.Errorf("without an Urdu name: %q", got)
	}
	if got := nameIn(names[:1], "ur"); got != "" {
		t.Errorf("a Latin name passes for an Urdu one: %q", got)
	}
}

func TestLocalName(t *testing.T) {
	s := mustServer(t, testConfig(testStore()))
	g := testGeocoder().With([]geo.Place{{ID: "gn-3", Name: "Sadda", Kind: "settlement", Names: []geo.Name{{Text: "صده", Lang: "ps"}}}})
	for _, c := range []struct {
		of   geo.Candidate
		want string
	}{
		{geo.Candidate{UnitID: "pk-kp-kurram", Kind: "unit"}, "کرم"},
		{geo.Candidate{UnitID: "pk-kp-upper-agency", Kind: "former"}, ""},
		{geo.Candidate{UnitID: "pk-kp-khyber", Kind: "crossing", Place: "Torkham"}, "طورخم"},
		{geo.Candidate{UnitID: "pk-kp-khyber", Kind: "subunit", Place: "Landi Kotal", Subunit: "pk-kp-khyber-landi-kotal"}, ""},
		{geo.Candidate{UnitID: "pk-kp-kurram", Kind: "settlement", Place: "Sadda"}, "صده"},
		{geo.Candidate{UnitID: "none", Kind: "settlement", Place: "None"}, ""},
	} {
		if got := s.localName(g, &c.of, "ur"); got != c.want {
			t.Errorf("%v: %q, want %q", c.of, got, c.want)
		}
	}
}

// Names are learned while the server runs: every request asks for the geocoder anew.
func TestGeocoderIsAskedForAnew(t *testing.T) {
	g := testGeocoder()
	c := testConfig(testStore())
	c.Geocoder = func() *geo.Geocoder { return g }
	h := mustHandler(t, c)
	const address = "/reverse?lon=63.5&lat=31.5"
	if rec := do(h, http.MethodGet, address, nil); !strings.Contains(rec.Body.String(), `"settlement":null`) {
		t.Errorf("%s gives %s", address, rec.Body)
	}
	g = g.With([]geo.Place{{ID: "gn-2", Name: "Sangin", Kind: "settlement", Point: orb.Point{63.6, 31.5}, HasPoint: true, Units: []string{"af-hel"}}})
	rec := do(h, http.MethodGet, address, nil)
	if !strings.Contains(rec.Body.String(), `"settlement":{"name":"Sangin","km":9.5}`) {
		t.Errorf("%s gives %s", address, rec.Body)
	}
	if rec.Header().Get("ETag") != "" || rec.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("headers: %v", rec.Header())
	}
}
