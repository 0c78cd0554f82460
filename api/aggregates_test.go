package api

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

// pastFormers are an agency of two units of today until 2010 with a predecessor that held one unit more until 2000, the
// old name of one unit, and a part of one.
var pastFormers = []geo.Former{
	{ID: "pk-kp-agency", Name: "Agency", Kind: "agency", Dates: geo.Span{From: int32(day("2000-01-01")), Until: int32(day("2010-01-01"))}, Units: []string{"pk-kp-kurram", "pk-kp-khyber"}},
	{ID: "pk-kp-great-agency", Name: "Great Agency", Kind: "agency", Dates: geo.Span{From: geo.NoDay, Until: int32(day("2000-01-01"))}, Units: []string{"pk-kp-kurram", "pk-kp-khyber", "pk-ba-chagai"}},
	{ID: "af-old", Name: "Old Helmand", Kind: "province", Dates: geo.Span{From: geo.NoDay, Until: int32(day("2005-01-01"))}, Units: []string{"af-hel"}, Now: "af-hel"},
	{ID: "pk-kp-part", Name: "Part", Kind: "frontier_region", Dates: geo.Span{From: geo.NoDay, Until: int32(day("2005-01-01"))}, Units: []string{"pk-kp-kurram"}, Part: true},
	{ID: "pk-areas", Name: "Tribal Areas", Kind: "province", Dates: geo.Span{From: geo.NoDay, Until: int32(day("2010-01-01"))}, Units: []string{"pk-kp-kurram", "pk-kp-khyber"}},
}

func pastGeocoder(t testing.TB) *geo.Geocoder {
	t.Helper()
	index, err := geo.NewIndex(testUnits)
	if err != nil {
		t.Fatal(err)
	}
	g, err := geo.NewGeocoder(geo.Sources{Index: index, Formers: pastFormers})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// pastServer serves one incident of each of these, with as many dead as its place in the list, the first unknown.
func pastServer(t testing.TB, st incident.Store) http.Handler {
	t.Helper()
	load, err := st.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "past"}})
	if err != nil {
		t.Fatal(err)
	}
	var batch []incident.Incident
	for i, id := range []string{"pk-kp-kurram", "pk-kp-khyber", "pk-kp-agency", "pk-ba-chagai", "af-hel", "af-old", "pk-kp-part", ""} {
		in := incident.Incident{Dataset: "past", SourceID: string(rune('a' + i)), Start: day("2009-03-01"), End: day("2009-03-01"), Country: "PK", UnitID: id,
			Place: incident.Place{Kind: incident.PlaceUnit}, ID: incident.ID("past", string(rune('a'+i)))}
		if i > 0 {
			in.Best = incident.Known(i)
		}
		batch = append(batch, in)
	}
	if _, err := load.Put(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := load.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	c := testConfig(st)
	g := pastGeocoder(t)
	c.Geocoder = func() *geo.Geocoder { return g }
	return mustHandler(t, c)
}

var pastStores = map[string]func(t testing.TB) incident.Store{
	"gpkg": func(t testing.TB) incident.Store {
		st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "past.gpkg"), gpkg.Options{Units: testUnits})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = st.Close() })
		return st
	},
	"naive": func(testing.TB) incident.Store { return storetest.NewNaive() },
}

func TestUnitsOn(t *testing.T) {
	for name, open := range pastStores {
		h := pastServer(t, open(t))
		for _, c := range []struct{ query, want string }{
			{"by=unit", "null 1 7 0, af-hel 2 9 0, pk-ba-chagai 1 3 0, pk-kp-agency 1 2 0, pk-kp-khyber 1 1 0, pk-kp-kurram 2 6 1"},
			{"by=unit&units_on=today", "null 1 7 0, af-hel 2 9 0, pk-ba-chagai 1 3 0, pk-kp-agency 1 2 0, pk-kp-khyber 1 1 0, pk-kp-kurram 2 6 1"},
			{"by=unit&units_on=2026-01-01", "null 1 7 0, af-hel 2 9 0, pk-ba-chagai 1 3 0, pk-kp-agency 1 2 0, pk-kp-khyber 1 1 0, pk-kp-kurram 2 6 1"},
			{"by=unit&units_on=2009-12-31", "null 1 7 0, af-hel 2 9 0, pk-ba-chagai 1 3 0, pk-kp-agency 4 9 1"},
			{"by=unit&units_on=2004-12-31", "null 1 7 0, af-old 2 9 0, pk-ba-chagai 1 3 0, pk-kp-agency 3 3 1, pk-kp-part 1 6 0"},
			{"by=unit&units_on=1999-12-31", "null 1 7 0, af-old 2 9 0, pk-kp-great-agency 4 6 1, pk-kp-part 1 6 0"},
			{"by=country,unit&units_on=1999-12-31&unit=pk-kp-agency", "PK pk-kp-great-agency 3 3 1, PK pk-kp-part 1 6 0"},
		} {
			rec := do(h, http.MethodGet, "/aggregates?"+c.query, nil)
			var a struct {
				Rows []struct {
					Country string  `json:"country"`
					Unit    *string `json:"unit"`
					Count   int     `json:"count"`
					Best    *int    `json:"fatalities_best"`
					Unknown int     `json:"fatalities_unknown"`
				} `json:"rows"`
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &a); err != nil || rec.Code != http.StatusOK {
				t.Fatalf("%s: %s gives %d, %v: %s", name, c.query, rec.Code, err, rec.Body)
			}
			var got []string
			for _, r := range a.Rows {
				unit, best := "null", "null"
				if r.Unit != nil {
					unit = *r.Unit
				}
				if r.Best != nil {
					best = jsonText(t, *r.Best)
				}
				got = append(got, strings.TrimSpace(strings.Join([]string{r.Country, unit, jsonText(t, r.Count), best, jsonText(t, r.Unknown)}, " ")))
			}
			if d := cmp.Diff(c.want, strings.Join(got, ", ")); d != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, c.query, d)
			}
		}
	}
}

func jsonText(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestUnitsOnRefuses(t *testing.T) {
	h := pastServer(t, storetest.NewNaive())
	bare := testConfig(testStore())
	bare.Geocoder = nil
	none := mustHandler(t, bare)
	for _, c := range []struct {
		h          http.Handler
		query, has string
	}{
		{h, "by=month&units_on=2009-06-30", `"parameter":"units_on"`},
		{h, "by=unit&units_on=2009-02-30", `"parameter":"units_on"`},
		{h, "by=unit&units_on=yesterday", `not a day`},
		{h, "by=unit&units_on=", `"parameter":"units_on"`},
		{none, "by=unit&units_on=2009-06-30", `There is no parameter \"units_on\"`},
		{h, "by=unit&unit=pk-areas", `"parameter":"unit"`},
		{none, "by=unit&unit=pk-kp-agency", `"parameter":"unit"`},
	} {
		rec := do(c.h, http.MethodGet, "/aggregates?"+c.query, nil)
		if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), c.has) {
			t.Errorf("%s gives %d without %s: %s", c.query, rec.Code, c.has, cut(rec.Body.String()))
		}
	}
	if rec := do(h, http.MethodGet, "/collections/incidents/items?units_on=today", nil); rec.Code != http.StatusBadRequest {
		t.Errorf("items take units_on: %d", rec.Code)
	}
}

func TestUnitFilterTakesFormerUnits(t *testing.T) {
	for name, open := range pastStores {
		h := pastServer(t, open(t))
		for unit, want := range map[string]int{"pk-kp-agency": 4, "pk-kp-great-agency": 5, "PK-KP-Agency": 4, "pk-kp-part": 1, "pk-kp-khyber": 1, "pk-kp-kurram": 2, "pk-kp-khyber,pk-kp-kurram": 3, "af-old": 2, "af-hel": 2} {
			if f := fetch(t, h, "/collections/incidents/items?unit="+unit); f.NumberMatched != want {
				t.Errorf("%s: unit=%s matches %d, want %d", name, unit, f.NumberMatched, want)
			}
		}
	}
}

// Whatever the day, nothing is lost or counted twice, and rows are sorted, each key once.
func TestUnderUnitsLaws(t *testing.T) {
	g := pastGeocoder(t)
	ids := []string{"pk-kp-kurram", "pk-kp-khyber", "pk-ba-chagai", "af-hel", "pk-kp-agency", "pk-kp-great-agency", "af-old", "pk-kp-part", "elsewhere"}
	rapid.Check(t, func(rt *rapid.T) {
		m := &memory{}
		dead, unknown := 0, 0
		for range rapid.IntRange(0, 30).Draw(rt, "incidents") {
			in := incident.Incident{UnitID: rapid.SampledFrom(ids).Draw(rt, "id"), Start: day(rapid.SampledFrom([]string{"2009-01-05", "2009-02-06"}).Draw(rt, "day"))}
			if in.Best = (incident.Figure{N: rapid.IntRange(0, 9).Draw(rt, "best"), Known: rapid.Bool().Draw(rt, "known")}); in.Best.Known {
				dead += in.Best.N
			} else {
				unknown++
			}
			m.rows = append(m.rows, in)
		}
		s := rapid.SampledFrom([]string{"today", "1999-01-01", "2003-01-01", "2008-01-01", "2020-01-01"}).Draw(rt, "day")
		d := int32(geo.NoDay)
		if s != "today" {
			d = int32(day(s))
		}
		h, err := mustServer(t, Config{Reader: m, Units: testUnits, Geocoder: func() *geo.Geocoder { return g }}).handler()
		if err != nil {
			rt.Fatal(err)
		}
		var answer struct {
			Rows []struct {
				Month, Unit string
				Count       int
				Best        *int `json:"fatalities_best"`
				NoBest      int  `json:"fatalities_unknown"`
			}
		}
		rec := do(h, http.MethodGet, "/aggregates?by=month,unit&units_on="+s, nil)
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			rt.Fatalf("%v: %s", err, cut(rec.Body.String()))
		}
		count, last := len(m.rows), ""
		for _, x := range answer.Rows {
			count, unknown = count-x.Count, unknown-x.NoBest
			if x.Best != nil {
				dead -= *x.Best
			}
			if g.Under(x.Unit, d) != x.Unit {
				rt.Fatalf("%s is left", x.Unit)
			}
			if key := x.Month + " " + x.Unit; key <= last {
				rt.Fatal("the rows are not sorted")
			} else {
				last = key
			}
		}
		if count != 0 || dead != 0 || unknown != 0 {
			rt.Fatalf("lost: %d incidents, %d dead, %d unknown", count, dead, unknown)
		}
	})
}
