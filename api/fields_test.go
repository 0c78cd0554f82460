package api

import (
	"context"
	"html"
	"iter"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarhad/incident"
)

// fieldCopies say what of an incident each name of a hint stands for.
var fieldCopies = map[incident.Property]func(to, from *incident.Incident){
	"fid": func(_, _ *incident.Incident) {}, "id": func(_, _ *incident.Incident) {}, "start_date": func(_, _ *incident.Incident) {},
	"dataset":         func(to, from *incident.Incident) { to.Dataset = from.Dataset },
	"source_id":       func(to, from *incident.Incident) { to.SourceID = from.SourceID },
	"end_date":        func(to, from *incident.Incident) { to.End = from.End },
	"time":            func(to, from *incident.Incident) { to.Time = from.Time },
	"time_precision":  func(to, from *incident.Incident) { to.TimePrecision = from.TimePrecision },
	"event_type":      func(to, from *incident.Incident) { to.EventType = from.EventType },
	"sub_event_type":  func(to, from *incident.Incident) { to.SubEventType = from.SubEventType },
	"event_type_text": func(to, from *incident.Incident) { to.EventTypeText = from.EventTypeText },
	"event_class":     func(to, from *incident.Incident) { to.EventClass = from.EventClass },
	"type_of_violence": func(to, from *incident.Incident) {
		to.TypeOfViolence = from.TypeOfViolence
	},
	"actor1":           func(to, from *incident.Incident) { to.Actor1 = from.Actor1 },
	"actor2":           func(to, from *incident.Incident) { to.Actor2 = from.Actor2 },
	"assoc_actors":     func(to, from *incident.Incident) { to.AssocActors = from.AssocActors },
	"dyad":             func(to, from *incident.Incident) { to.Dyad = from.Dyad },
	"fatalities_low":   func(to, from *incident.Incident) { to.Low = from.Low },
	"fatalities_best":  func(to, from *incident.Incident) { to.Best = from.Best },
	"fatalities_high":  func(to, from *incident.Incident) { to.High = from.High },
	"deaths_a":         func(to, from *incident.Incident) { to.DeathsA = from.DeathsA },
	"deaths_b":         func(to, from *incident.Incident) { to.DeathsB = from.DeathsB },
	"deaths_civilians": func(to, from *incident.Incident) { to.DeathsCivilians = from.DeathsCivilians },
	"deaths_unknown":   func(to, from *incident.Incident) { to.DeathsUnknown = from.DeathsUnknown },
	"country":          func(to, from *incident.Incident) { to.Country = from.Country },
	"province":         func(to, from *incident.Incident) { to.Province = from.Province },
	"district":         func(to, from *incident.Incident) { to.District = from.District },
	"unit_id":          func(to, from *incident.Incident) { to.UnitID = from.UnitID },
	"unit_then":        func(to, from *incident.Incident) { to.UnitThen = from.UnitThen },
	"district_then":    func(to, from *incident.Incident) { to.DistrictThen = from.DistrictThen },
	"subunit_id":       func(to, from *incident.Incident) { to.Subunit = from.Subunit },
	"pcode":            func(to, from *incident.Incident) { to.PCode = from.PCode },
	"location_name":    func(to, from *incident.Incident) { to.LocationName = from.LocationName },
	"location_text":    func(to, from *incident.Incident) { to.LocationText = from.LocationText },
	"location_precision": func(to, from *incident.Incident) {
		to.LocationPrecision = from.LocationPrecision
	},
	"location_precision_code": func(to, from *incident.Incident) { to.LocationPrecisionCode = from.LocationPrecisionCode },
	"place_kind":              func(to, from *incident.Incident) { to.Place.Kind = from.Place.Kind },
	"place_units":             func(to, from *incident.Incident) { to.Place.Units = from.Place.Units },
	"place_radius_m":          func(to, from *incident.Incident) { to.Place.RadiusM = from.Place.RadiusM },
	"border_km_min": func(to, from *incident.Incident) {
		to.Border.Known, to.Border.MinKM = from.Border.Known, from.Border.MinKM
	},
	"border_km_max": func(to, from *incident.Incident) {
		to.Border.Known, to.Border.MaxKM = from.Border.Known, from.Border.MaxKM
	},
	"border_side":   func(to, from *incident.Incident) { to.Border.Side = from.Border.Side },
	"verification":  func(to, from *incident.Incident) { to.Verification = from.Verification },
	"event_clarity": func(to, from *incident.Incident) { to.Clarity = from.Clarity },
	"claims":        func(to, from *incident.Incident) { to.Claims = from.Claims },
	"sources":       func(to, from *incident.Incident) { to.Sources = from.Sources },
	"summary":       func(to, from *incident.Incident) { to.Summary = from.Summary },
	"warnings":      func(to, from *incident.Incident) { to.Warnings = from.Warnings },
	"candidates":    func(to, from *incident.Incident) { to.Candidates = from.Candidates },
	"file":          func(to, from *incident.Incident) { to.File = from.File },
	"line":          func(to, from *incident.Incident) { to.Line = from.Line },
	"synthetic":     func(to, from *incident.Incident) { to.Synthetic = from.Synthetic },
}

// sparing is a store that gives nothing but what a hint asks for.
type sparing struct {
	*memory
	t testing.TB
}

func (s *sparing) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	all := s.memory.Incidents(ctx, q)
	if q.Fields == nil {
		return all
	}
	return func(yield func(*incident.Incident, error) bool) {
		for in, err := range all {
			if err != nil {
				yield(nil, err)
				return
			}
			few := incident.Incident{ID: in.ID, FID: in.FID, Start: in.Start, End: incident.MinDay, Point: in.Point, HasPoint: in.HasPoint}
			for _, name := range q.Fields {
				copyField := fieldCopies[name]
				if copyField == nil {
					s.t.Fatalf("a hint names %s, which no incident has", name)
				}
				copyField(&few, in)
			}
			if !yield(&few, nil) {
				return
			}
		}
	}
}

// A store that leaves out what it may leave out gives the same answers.
func TestHintsAskForEnough(t *testing.T) {
	m := testStore()
	in := &m.rows[0] // something in every field
	in.Time, in.EventTypeText, in.UnitThen, in.DistrictThen, in.Subunit, in.Synthetic = "10:00:00+05:00", "firing", "pk-kp-upper-agency", "Upper Agency", "pk-kp-khyber-landi-kotal", true
	in.DeathsA, in.DeathsB, in.DeathsUnknown, in.Candidates = incident.Known(1), incident.Known(2), incident.Known(3), []string{"pk-kp-khyber"}
	in.Claims = m.rows[3].Claims
	whole, few := mustHandler(t, testConfig(m)), mustHandler(t, testConfig(&sparing{m, t}))
	questions := []string{"f=html", "f=html&sortby=-country,summary", "properties=id&skipGeometry=true"}
	for _, name := range memberNames {
		questions = append(questions, "properties="+name, "f=jsonfg&properties="+name)
	}
	for _, name := range sortable {
		questions = append(questions, "limit=5&properties=fid&sortby=-"+name)
	}
	for _, q := range questions {
		a, b := do(whole, http.MethodGet, incidentsURL+"?"+q, nil), do(few, http.MethodGet, incidentsURL+"?"+q, nil)
		if a.Code != http.StatusOK || a.Body.String() != b.Body.String() {
			t.Errorf("%s gives %d and\n%s\nwith fewer fields %d and\n%s", q, a.Code, cut(a.Body.String()), b.Code, cut(b.Body.String()))
		}
	}
}

// Chosen properties are those of the whole feature.
func TestChosenPropertiesAreTheSame(t *testing.T) {
	h := mustHandler(t, testConfig(testStore()))
	all := fetch(t, h, incidentsURL)
	for _, name := range memberNames {
		for i, f := range fetch(t, h, incidentsURL+"?properties="+name).Features {
			want, ok := all.Features[i].Properties[name]
			got, there := f.Properties[name]
			if !ok || !there || len(f.Properties) != 1 || f.ID != all.Features[i].ID || !cmp.Equal(got, want) {
				t.Errorf("%s of %s is %v, want %v", name, f.ID, f.Properties, want)
			}
		}
	}
}

// What a reader calls plain needs no escape in JSON or HTML.
func TestPlainTextIsTakenAsItIs(t *testing.T) {
	for c := range 256 {
		text := "a" + string([]byte{byte(c)}) + "b"
		if !incident.IsPlain(text) {
			continue
		}
		if got := string(appendText(nil, text)); got != `"`+text+`"` || html.EscapeString(text) != text {
			t.Errorf("byte %#x is plain and written as %s", c, got)
		}
	}
	if incident.IsPlain("a<b") || incident.IsPlain("é") || !incident.IsPlain("") {
		t.Error("plain is what needs no escape")
	}
}
