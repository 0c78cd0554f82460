package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// history is the answer of a history.
type history struct {
	ID       string
	Versions []struct {
		Version      int
		Action       string
		RecordedFrom time.Time  `json:"recorded_from"`
		RecordedTo   *time.Time `json:"recorded_to"`
		Import       struct{ ID int64 }
		Changes      []struct{ Property string }
		Feature      *struct{ Properties map[string]any }
	}
	NumberMatched, NumberReturned int
}

// TestVersions: a reload changes figures, place and words, another takes the incident away, a third brings it back.
func TestVersions(t *testing.T) {
	for _, name := range []string{"gpkg", "postgis", "naive"} {
		t.Run(name, func(t *testing.T) {
			st := testStores[name](t).(incident.Store)
			hasClock := name != "naive"
			reload := func(file string, replace bool, batch ...incident.Incident) {
				t.Helper()
				load, err := st.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "ged"}, File: file, Replace: replace})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := load.Put(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
				if replace {
					if _, err := load.Sweep(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if err := load.Finish(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
			}
			in, other := testIncidents()[0], testIncidents()[1]
			in.FID, other.FID = 0, 0
			in.Best, in.Low, in.Line = incident.Known(5), incident.Figure{}, 7
			in.Point, in.Place = orb.Point{71.2, 34.1}, incident.Place{Kind: incident.PlaceCircle, RadiusM: 1000}
			in.Summary, in.Warnings = hostile, nil
			reload("<img src=x onerror=alert(1)>.csv", false, in)

			s := mustServer(t, testConfig(st))
			h, err := s.handler()
			if err != nil {
				t.Fatal(err)
			}
			check := newChecker(t, s)
			url := incidentsURL + "/" + in.ID + "/versions"
			ask := func(url string) (history, string) {
				t.Helper()
				rec := do(h, http.MethodGet, url, nil)
				if rec.Code != http.StatusOK {
					t.Fatalf("%s gives %d: %s", url, rec.Code, rec.Body)
				}
				check.answer(t, http.MethodGet, url, rec)
				var got history
				if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				return got, rec.Body.String()
			}
			actions := func(got history) (out string) {
				for i, v := range got.Versions {
					if hasClock && i > 0 && (v.RecordedTo == nil || !v.RecordedTo.Equal(got.Versions[i-1].RecordedFrom)) {
						t.Errorf("version %d ends at %v, the next begins at %v", v.Version, v.RecordedTo, got.Versions[i-1].RecordedFrom)
					}
					if v.Feature == nil != (v.Action == wasRemoved) {
						t.Errorf("version %d, %s, has the feature %v", v.Version, v.Action, v.Feature)
					}
					out += fmt.Sprintf("%d %s, ", v.Version, v.Action)
				}
				return out
			}

			got, body := ask(url)
			if hasClock {
				golden(t, "versions-changed", stable(body))
			}
			if strings.Contains(body, "<") || actions(got) != "2 changed, 1 new, " || got.Versions[0].RecordedTo != nil {
				t.Errorf("history: %s", body)
			}
			tag := do(h, http.MethodGet, url, nil).Header().Get("ETag")
			if rec := do(h, http.MethodGet, url, map[string]string{"If-None-Match": tag}); tag == "" || rec.Code != http.StatusNotModified {
				t.Errorf("the same again gives %d with ETag %s", rec.Code, tag)
			}

			reload("whole.csv", true, other)
			if rec := do(h, http.MethodGet, url, map[string]string{"If-None-Match": tag}); rec.Code != http.StatusOK {
				t.Errorf("after a change the old ETag gives %d", rec.Code)
			}
			if rec := do(h, http.MethodGet, incidentsURL+"/"+in.ID, nil); rec.Code != http.StatusNotFound {
				t.Errorf("an incident that was taken away gives %d", rec.Code)
			}
			if got, body := ask(url); actions(got) != "3 removed, 2 changed, 1 new, " || strings.Contains(body, "latest-version") {
				t.Errorf("history of an incident that was taken away: %s", body)
			}

			in.Best = incident.Known(6)
			reload("again.csv", false, in)
			got, body = ask(url)
			if actions(got) != "4 new, 3 removed, 2 changed, 1 new, " || len(got.Versions[0].Changes) != 1 || got.Versions[0].Changes[0].Property != "fatalities_best" {
				t.Errorf("history of an incident that came back: %s", body)
			}
			// The number that it had leads there too.
			if byFID, _ := ask(incidentsURL + "/1/versions"); byFID.ID != in.ID || byFID.NumberMatched != 4 {
				t.Errorf("by its old number: %+v", byFID)
			}
			if got, _ = ask(url + "?limit=2"); actions(got) != "4 new, 3 removed, " || got.NumberMatched != 4 || got.NumberReturned != 2 {
				t.Errorf("two versions: %+v", got)
			}

			// An operator's word closes the history too, also that of what is gone.
			only := true
			if err := st.SetDataset(t.Context(), "ged", incident.DatasetChange{AggregatesOnly: &only}); err != nil {
				t.Fatal(err)
			}
			for _, url := range []string{url, incidentsURL + "/3/versions"} { // 3 was swept
				if rec := do(h, http.MethodGet, url, nil); rec.Code != http.StatusForbidden {
					t.Errorf("%s of a dataset of which only counts may be shown gives %d", url, rec.Code)
				}
			}
		})
	}
}
