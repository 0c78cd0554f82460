package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/gazetteer"
	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

// secret is what a dataset of which only counts may be shown says of its one incident beyond day, place and type.
type secret struct {
	id, text string
	point    orb.Point
	km       float64
	pcode    string
}

var secrets = []secret{
	{"PAK90001", "Xanthippe walked along Quartz Road", orb.Point{70.617283, 33.538291}, 12.3456, "PK90001"},
	{"PAK90002", "Melpomene slept under Obsidian Bridge", orb.Point{70.882739, 33.912847}, 78.9012, "PK90002"},
}

// keeping is a server of the usual datasets with one more, of which only counts may be shown, and with a geocoder that
// learns from all that is loaded.
func keeping(t *testing.T, s secret, exports bool) http.Handler {
	t.Helper()
	st := storetest.NewNaive()
	fill(t, st)
	load, err := st.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "kept", AggregatesOnly: true}})
	if err != nil {
		t.Fatal(err)
	}
	in := incident.Incident{Dataset: "kept", SourceID: s.id, ID: incident.ID("kept", s.id), Start: day("2015-05-05"), End: day("2015-05-05"),
		TimePrecision: incident.TimeDay, EventType: incident.Battles, SubEventType: "Armed clash", Country: "PK", Province: "Khyber Pakhtunkhwa",
		District: "Kurram", UnitID: "pk-kp-kurram", PCode: s.pcode, LocationPrecision: incident.LocExact, Point: s.point, HasPoint: true,
		Place: incident.Place{Kind: incident.PlacePoint}, Verification: incident.Unverified, Best: incident.Known(3),
		Border:  incident.BorderDistance{Known: true, MinKM: s.km, MaxKM: s.km + 1, Side: incident.SidePK},
		Summary: s.text, Actor1: s.text + " Brigade", Actor2: "Order of " + s.text, AssocActors: []string{s.text + " League"},
		LocationName: s.text[:9], LocationText: s.text[:9], File: s.text + ".csv", Sources: []incident.Source{{Publisher: s.text}}}
	if _, err := load.Put(t.Context(), []incident.Incident{in}); err != nil {
		t.Fatal(err)
	}
	if err := load.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	c := testConfig(st)
	if exports {
		exporting(&c)
	}
	learned, err := gazetteer.Learn(t.Context(), st, testGeocoderOnce(), "")
	if err != nil {
		t.Fatal(err)
	}
	g := testGeocoderOnce().With(learned)
	c.Geocoder = func() *geo.Geocoder { return g }
	return mustHandler(t, c)
}

// questions are conditions by which the two secrets could be told apart, each of them true of one and false of the other.
func questions() []string {
	a, b := secrets[0], secrets[1]
	var out []string
	add := func(name, value string) { out = append(out, name+"="+url.QueryEscape(value)) }
	for _, s := range secrets {
		add("q", s.text[:4])
		add("actor", s.text[:4])
		add("border_km", fmt.Sprint(s.km))
		add("bbox", fmt.Sprintf("%v,%v,%v,%v", s.point[0]-1e-4, s.point[1]-1e-4, s.point[0]+1e-4, s.point[1]+1e-4))
		add("bbox", fmt.Sprintf("70,33,%v,34", s.point[0]))
		for _, p := range incident.Properties() {
			if p.Kind == incident.Text {
				add("filter", fmt.Sprintf("%s LIKE '%s%%'", p.Name, s.text[:3]))
				add("filter", fmt.Sprintf("%s LIKE '%s%%' OR event_type = 'Battles'", p.Name, s.text[:3]))
			}
		}
		for _, f := range []string{
			"NOT (summary LIKE '" + s.text[:1] + "%') AND dataset = 'kept'",
			"source_id = '" + s.id + "'", "id = '" + incident.ID("kept", s.id) + "'", "source_id >= '" + s.id + "'",
			"CASEI(summary) LIKE CASEI('" + s.text[:5] + "%')", "CASEI(actor1) IN (CASEI('" + s.text + " Brigade'))",
			"S_INTERSECTS(geometry, POLYGON((70 33,70 34,70.7 34,70.7 33,70 33)))",
			fmt.Sprintf("S_DISJOINT(geometry, BBOX(70,33,%v,34))", s.point[0]),
			fmt.Sprintf("border_km_min * 2 <= %v", 2*s.km), "summary > '" + s.text[:2] + "'", "district = 'Kurram' AND location_name = '" + s.text[:9] + "'",
			"A_CONTAINS(assoc_actors, ('" + s.text + " League'))",
		} {
			add("filter", f)
		}
	}
	add("min_fatalities", "3")
	add("filter", fmt.Sprintf("border_km_min BETWEEN %v AND %v", a.km, a.km))
	add("filter", fmt.Sprintf("border_km_max > %v AND border_km_max < %v", a.km, b.km))
	return out
}

// everyRoute lists an address of each route without a token that could say something of an incident, with and without
// the conditions.
func everyRoute() []string {
	var out []string
	for _, q := range questions() {
		for _, path := range []string{
			"/aggregates?by=unit,day&", "/aggregates?by=dataset&dataset=kept&", "/aggregates?by=day&f=csv&", "/aggregates?by=event_type&count=distinct&",
			"/aggregates?by=unit&units_on=2009-01-01&", "/compare?by=unit&a=2015-05-05&b=2015-01-01/2015-12-31&", "/collections/incidents/items?", "/collections/incidents/items?limit=1&", "/collections/incidents/items?f=html&",
			"/collections/incidents/items?f=csv&", "/collections/incidents/items?f=gpkg&", "/collections/incidents/items?dataset=kept&",
			"/collections/incidents/items?sortby=summary&", "/collections/incidents/columns?",
			"/collections/incidents/tiles/WebMercatorQuad/6/25/44?", "/collections/incidents/tiles/WebMercatorQuad/0/0/0?",
			"/collections/incidents/tiles/WebMercatorQuad/11/820/1425?", "/collections/incidents/tiles/WebMercatorQuad?f=tilejson&",
		} {
			out = append(out, path+q)
		}
	}
	out = append(out, "/", "/?f=json", "/?f=html", "/datasets", "/collections", "/collections?f=html", "/collections/incidents", "/collections/incidents?f=html",
		"/collections/incidents/queryables", "/collections/incidents/schema", "/collections/incidents/tiles", "/collections/incidents/tiles/WebMercatorQuad",
		"/collections/incidents/tiles/WebMercatorQuad?f=tilejson", "/collections/incidents/columns", "/collections/incidents/items", "/collections/incidents/items?f=jsonfg",
		"/aggregates?by=unit,event_type,precision", "/aggregates?by=week&count=distinct", "/aggregates?by=actor", "/compare?by=actor&a=2015-05-05&b=../..", "/aggregates?by=day,actor,unit&f=csv", "/api", "/conformance", "/imports")
	for fid := range 12 {
		out = append(out, fmt.Sprintf("/collections/incidents/items/%d", fid), fmt.Sprintf("/collections/incidents/items/%d?f=html", fid),
			fmt.Sprintf("/collections/incidents/items/%d/versions", fid))
	}
	for _, s := range secrets {
		out = append(out, "/geocode?complete=true&q="+url.QueryEscape(s.text[:9]), "/geocode?q="+url.QueryEscape("in "+s.text[:9]),
			fmt.Sprintf("/reverse?lon=%v&lat=%v", s.point[0], s.point[1]))
	}
	return out
}

// TestWithheldCannotBeAskedFor holds that no answer tells two stores apart that differ only in what may not be shown.
func TestWithheldCannotBeAskedFor(t *testing.T) {
	first := keeping(t, secrets[0], true)
	second := keeping(t, secrets[1], true)
	hidden := regexp.MustCompile(`Xanthippe|Melpomene|PAK9000|PK9000|70\.6172|33\.5382|70\.8827|33\.9128|12\.345|78\.901|` + incident.ID("kept", secrets[0].id))
	refused := 0
	for _, address := range everyRoute() {
		a, b := do(first, http.MethodGet, address, nil), do(second, http.MethodGet, address, nil)
		if strings.Contains(a.Body.String(), "is wrong at") {
			t.Errorf("%s is no question: %s", address, a.Body)
		}
		if a.Code != http.StatusOK && a.Code != http.StatusNoContent {
			refused++
		}
		if a.Code != b.Code || a.Body.String() != b.Body.String() {
			t.Errorf("GET %s tells what is withheld:\n%.300s\n%.300s", address, a.Body, b.Body)
		}
		if asked, _ := url.QueryUnescape(address); !hidden.MatchString(asked) && hidden.MatchString(a.Body.String()) {
			t.Errorf("GET %s shows what is withheld: %.300s", address, a.Body)
		}
	}
	if refused > len(everyRoute())/4 {
		t.Errorf("%d of %d questions were refused", refused, len(everyRoute()))
	}
}

// TestWithheldAreCounted holds that counts at the published grain go on counting.
func TestWithheldAreCounted(t *testing.T) {
	h := keeping(t, secrets[0], false)
	check := newChecker(t, mustServer(t, testConfig(testStore())))
	get := func(query string) *httptest.ResponseRecorder {
		rec := do(h, http.MethodGet, "/aggregates?by=dataset&"+query, nil)
		check.answer(t, http.MethodGet, "/aggregates?by=dataset&"+query, rec)
		return rec
	}
	for _, query := range []string{"", "datetime=2015-05-05", "datetime=2015-05-01/..&unit=pk-kp-kurram", "province=Khyber+Pakhtunkhwa&country=PK", "event_type=Battles", "event_type=none,Battles", "sub_event_type=none,Armed+clash",
		"precision=exact&verification=unverified", "dataset=kept,ged", "count=distinct",
		"filter=" + url.QueryEscape("event_type = 'Battles' AND NOT (unit_id IN ('af-pka')) AND start_date >= DATE('2015-01-01')"),
		"filter=" + url.QueryEscape("CASEI(province) LIKE 'khyber%' AND sub_event_type IS NOT NULL AND type_of_violence IS NULL")} {
		rec := get(query)
		if !strings.Contains(rec.Body.String(), `{"dataset":"kept","count":1,`) || strings.Contains(rec.Body.String(), "withheld") || rec.Header().Get(withheldHeader) != "" {
			t.Errorf("%s does not count the dataset: %v %s", query, rec.Header(), rec.Body)
		}
	}
	for _, query := range []string{"q=road", "bbox=60,20,80,40", "min_fatalities=1", "datetime=2015-05-05T00:00:00Z", "border_km=1000", "actor=brigade",
		"filter=" + url.QueryEscape("start_date = TIMESTAMP('2015-05-05T10:00:00Z')"), "filter=" + url.QueryEscape("district = 'Kurram'")} {
		rec := get(query)
		if strings.Contains(rec.Body.String(), `"dataset":"kept"`) || !strings.Contains(rec.Body.String(), `"withheld":["acled","kept"],"note":"The terms`) || rec.Header().Get(withheldHeader) != "acled, kept" {
			t.Errorf("%s counts the dataset or does not say that it does not: %v %s", query, rec.Header(), rec.Body)
		}
	}
	if rec := get("q=road&dataset=ged"); strings.Contains(rec.Body.String(), "withheld") {
		t.Errorf("a dataset that was not asked for is said to be left out: %s", rec.Body)
	}
	if rec := get("q=road&dataset=kept"); !strings.Contains(rec.Body.String(), `"withheld":["kept"]`) || strings.Contains(rec.Body.String(), `"count":1,`) {
		t.Errorf("alone it is counted: %s", rec.Body)
	}
	if rec := do(h, http.MethodGet, "/aggregates?by=year&q=road&f=csv", nil); rec.Header().Get(withheldHeader) != "acled, kept" || strings.Contains(rec.Body.String(), "2025,") != true || !strings.Contains(rec.Header().Get("Access-Control-Expose-Headers"), withheldHeader) {
		t.Errorf("CSV: %v %s", rec.Header(), rec.Body)
	}
}

// finer is a condition that is not known to coarse.
type finer struct{ incident.Filter }

func TestCoarse(t *testing.T) {
	if !coarse(nil) || !coarse(incident.And{}) || !coarse(incident.IsUnknown{Of: incident.Not{Of: incident.In{Property: "unit_id"}}}) {
		t.Error("a coarse filter is not")
	}
	for _, f := range []incident.Filter{finer{incident.During{}}, incident.And{incident.During{}, finer{}}, incident.Or{finer{}}, incident.Not{Of: finer{}}, incident.IsUnknown{Of: finer{}},
		incident.IsNullExpr{Of: nil}, incident.CompareExprs{Left: incident.Literal{}, Right: incident.Field{Property: "summary"}}, incident.NoPoint{}, incident.Like{Property: "subunit_id"},
		incident.DuringInstants{}, incident.CompareInstant{Property: "start_date"}, incident.ActorHas{}, incident.TextHas{}, incident.NearBorder{}, incident.Box{}, incident.Spatial{},
		incident.CompareLists{Left: incident.ListField{Property: "warnings"}, Right: incident.ListLiteral{}}} {
		if coarse(f) {
			t.Errorf("%#v is called coarse", f)
		}
	}
}

func TestCoarseBound(t *testing.T) {
	for from, want := range map[orb.Bound]orb.Bound{
		{Min: orb.Point{70.61, 33.54}, Max: orb.Point{70.61, 33.54}}: {Min: orb.Point{70.5, 33.5}, Max: orb.Point{71, 34}},
		{Min: orb.Point{70, 33}, Max: orb.Point{70, 33}}:             {Min: orb.Point{70, 33}, Max: orb.Point{70.5, 33.5}},
		{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}:         {Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}},
		{Min: orb.Point{180, 90}, Max: orb.Point{180, 90}}:           {Min: orb.Point{180, 90}, Max: orb.Point{180, 90}},
	} {
		if got := coarseBound(from); got != want {
			t.Errorf("%v became %v, not %v", from, got, want)
		}
	}
}
