package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/paulmach/orb"

	"sarhad/incident"
)

// oneEvent loads one event as three datasets tell it: a free one with two
// records, one known to the district, and one of which only aggregates may be given.
func oneEvent(t testing.TB, st incident.Store) {
	t.Helper()
	tell := func(name string, withheld bool, changes ...func(*incident.Incident)) {
		load, err := st.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: name, AggregatesOnly: withheld}})
		if err != nil {
			t.Fatal(err)
		}
		for i, change := range changes {
			in := incident.Incident{Dataset: name, SourceID: string(rune('a' + i)), ID: incident.ID(name, string(rune('a'+i))), Start: day("2009-03-01"), End: day("2009-03-01"),
				EventType: incident.Battles, Country: "PK", UnitID: "pk-kp-kurram", LocationPrecision: incident.LocSettlement, Point: orb.Point{70.1, 33.9}, HasPoint: true,
				Place: incident.Place{Kind: incident.PlacePoint}}
			change(&in)
			if _, err := load.Put(t.Context(), []incident.Incident{in}); err != nil {
				t.Fatal(err)
			}
		}
		if err := load.Finish(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	tell("one", false, func(in *incident.Incident) { in.Best, in.Low = incident.Known(4), incident.Known(3) },
		func(in *incident.Incident) {
			in.Start, in.End, in.Best = day("2009-08-01"), day("2009-08-01"), incident.Known(1)
		})
	tell("two", false, func(in *incident.Incident) {
		in.Start, in.End, in.Point[0] = day("2009-03-02"), day("2009-03-02"), 70.12
		in.Low = incident.Known(100) // at least 100
	})
	tell("withheld", true, func(in *incident.Incident) { in.Best = incident.Known(4) })
}

func TestLikelyDuplicates(t *testing.T) {
	for name, open := range pastStores {
		t.Run(name, func(t *testing.T) {
			st := open(t)
			oneEvent(t, st)
			s := mustServer(t, testConfig(st))
			check := newChecker(t, s)
			h, err := s.handler()
			if err != nil {
				t.Fatal(err)
			}
			get := func(url string) string {
				rec := do(h, http.MethodGet, url, nil)
				check.answer(t, http.MethodGet, url, rec)
				return rec.Body.String()
			}
			item := "/collections/incidents/items/" + incident.ID("one", "a")
			type duplicate struct {
				ID, Dataset string
				FID         int64
				Reasons     []string
				KM          *float64 `json:"distance_km"`
				Days        int      `json:"days_apart"`
			}
			var f struct {
				Properties struct {
					Duplicates []duplicate `json:"likely_duplicates"`
				}
			}
			for _, url := range []string{item, item + "?f=jsonfg"} {
				if err := json.Unmarshal([]byte(get(url)), &f); err != nil {
					t.Fatal(err)
				}
				km := 1.8
				want := []duplicate{{ID: incident.ID("two", "a"), Dataset: "two", FID: 3, Reasons: []string{"day_apart", "same_unit", "within_5_km", "same_event_type"}, KM: &km, Days: 1}}
				if d := cmp.Diff(want, f.Properties.Duplicates); d != "" {
					t.Errorf("%s (-want +got):\n%s", url, d)
				}
			}
			for _, url := range []string{item, item + "?f=jsonfg", "/collections/incidents/items/" + incident.ID("two", "a"), "/collections/incidents/items", "/collections/incidents/items/" + incident.ID("withheld", "a")} {
				if body := get(url); strings.Contains(body, incident.ID("withheld", "a")) && !strings.Contains(body, `"status":403`) {
					t.Errorf("%s names an incident that must not be shown: %s", url, body)
				}
			}
			for _, url := range []string{"/collections/incidents/items", "/collections/incidents/items/" + incident.ID("one", "b")} {
				if body := get(url); strings.Contains(body, "likely_duplicates") {
					t.Errorf("%s has likely_duplicates: %s", url, body)
				}
			}
			for url, want := range map[string]string{
				"/aggregates?by=year":                               `{"year":"2009","count":4,"fatalities_low":103,"fatalities_best":9,"fatalities_high":null,"fatalities_unknown":1,"fatalities_low_unknown":2,"fatalities_high_unknown":4}`,
				"/aggregates?by=year&count=ALL":                     `"count":"all","rows":[` + "\n" + `{"year":"2009","count":4,`,
				"/aggregates?by=year&count=distinct":                `"count":"distinct","rows":[` + "\n" + `{"year":"2009","count":2,"fatalities_low":3,"fatalities_best":5,"fatalities_high":null,"fatalities_unknown":0,"fatalities_low_unknown":1,"fatalities_high_unknown":2}`,
				"/aggregates?by=dataset&count=distinct":             `{"dataset":"withheld","count":1,`,
				"/aggregates?by=unit&units_on=today&count=distinct": `{"unit":"pk-kp-kurram","count":2,`,
				"/aggregates?by=year&count=distinct&dataset=two":    `{"year":"2009","count":1,"fatalities_low":100,"fatalities_best":null,`,
				"/aggregates?by=year&count=distinct&f=csv":          "2009,2,3,5,,0,1,2\r\n",
				"/aggregates?by=year&count=twice":                   `"parameter":"count","allowed":["all","distinct"]`,
				"/collections/incidents/items?count=distinct":       `"parameter":"count"`,
				"/collections/incidents/items?min_fatalities=100":   `"numberMatched":1,`,
				"/collections/incidents/items?min_fatalities=2":     `"numberMatched":2,`,
				"/collections/incidents/items?min_fatalities=101":   `"numberMatched":0,`,
			} {
				if body := get(url); !strings.Contains(body, want) {
					t.Errorf("%s gives %s, want %s", url, body, want)
				}
			}
		})
	}
}
