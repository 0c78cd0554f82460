package api

import (
	"math"
	"unicode/utf8"

	"sarhad/geo"
)

// PlaceAnswer is what is known of a place, as JSON: the answer of /geocode and of the command `sarhad geocode`. What is not
// known is null or an empty list.
type PlaceAnswer struct {
	// Status is "placed", "ambiguous" or "unknown"; it is "placed" exactly when UnitID is not null.
	Status geo.Status `json:"status"`
	// UnitID is the ID of the unit or former unit, Name that of what is known: a unit, a crossing, a province or a country.
	UnitID *string `json:"unit_id"`
	Name   *string `json:"name"`
	// Precision is how well the place is known, "none" if not at all.
	Precision string `json:"precision"`
	// Lon and Lat are a known position in degrees (CRS84). They are null where only a unit is known: the point at which a
	// unit is labelled is not a position.
	Lon *float64 `json:"lon"`
	Lat *float64 `json:"lat"`
	// Units are the IDs of the units of today that cover a former unit; empty for a unit of today.
	Units []string `json:"units"`
	// SubunitID is the ID of the tehsil or Afghan district, Then that of the former unit that the unit was on the day asked for.
	SubunitID *string `json:"subunit_id"`
	Then      *string `json:"then"`
	// Country is "PK" or "AF", Province the English name; both may be known without a unit.
	Country  *string `json:"country"`
	Province *string `json:"province"`
	// Candidates are the readings that the words allow, the best first; Warnings the doubts.
	Candidates []PlaceCandidate `json:"candidates"`
	Warnings   []PlaceWarning   `json:"warnings"`
}

// PlaceCandidate is one reading of a name, as JSON.
type PlaceCandidate struct {
	// UnitID and Name are those of the unit.
	UnitID string `json:"unit_id"`
	Name   string `json:"name"`
	// Place is the name of the town, crossing or other place that the words stand for, null for the unit itself; Kind says
	// what that is: "unit", "subunit", "former", "crossing", "settlement", "locality", "area", "pass" or "learned".
	Place *string `json:"place"`
	Kind  string  `json:"kind"`
	// SubunitID is the ID of the tehsil or Afghan district, null if not known.
	SubunitID *string `json:"subunit_id"`
	Precision string  `json:"precision"`
	// Score is between 0 and 1, to put candidates in order; it is not a probability.
	Score float64 `json:"score"`
	// Reasons are sentences for readers.
	Reasons []string `json:"reasons"`
	// Span is the part of the text that the candidate rests on, from and to (not included), counted in Unicode code points;
	// null where it rests on no words.
	Span *[2]int `json:"span"`
	// Lon and Lat are the position of the place in degrees (CRS84), null if it has none that is known.
	Lon *float64 `json:"lon"`
	Lat *float64 `json:"lat"`
}

// PlaceWarning is a doubt about a place, as JSON.
type PlaceWarning struct {
	// Code is one of the codes of package geo, Detail a sentence for readers.
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// KM is the distance in kilometres of which the warning speaks, left out where it speaks of none.
	KM *float64 `json:"km,omitempty"`
}

// NewPlaceAnswer writes what a geocoder answered as JSON has it. field is the text that the spans of the candidates count in.
func NewPlaceAnswer(m geo.Match, field string) PlaceAnswer {
	a := PlaceAnswer{
		Status: m.Status, UnitID: orNull(m.UnitID), Name: orNull(m.Name), Precision: m.Precision, Units: m.Units,
		SubunitID: orNull(m.Subunit), Then: orNull(m.Then), Country: orNull(m.Country), Province: orNull(m.Province),
		Candidates: newPlaceCandidates(m.Candidates, field), Warnings: make([]PlaceWarning, len(m.Warnings)),
	}
	if a.Units == nil {
		a.Units = []string{}
	}
	if m.HasPoint {
		a.Lon, a.Lat = orNoNumber(m.Point[0]), orNoNumber(m.Point[1])
	}
	for i, w := range m.Warnings {
		a.Warnings[i] = PlaceWarning{Code: w.Code, Detail: w.Detail}
		if w.KM != 0 {
			a.Warnings[i].KM = orNoNumber(w.KM)
		}
	}
	return a
}

// newPlaceCandidates is never nil.
func newPlaceCandidates(list []geo.Candidate, field string) []PlaceCandidate {
	out := make([]PlaceCandidate, len(list))
	for i, c := range list {
		out[i] = PlaceCandidate{UnitID: c.UnitID, Name: c.Name, Place: orNull(c.Place), Kind: c.Kind, SubunitID: orNull(c.Subunit),
			Precision: c.Precision, Score: c.Score, Reasons: c.Reasons, Span: codePoints(field, c.Span)}
		if out[i].Reasons == nil {
			out[i].Reasons = []string{}
		}
		if c.HasPoint {
			out[i].Lon, out[i].Lat = orNoNumber(c.Point[0]), orNoNumber(c.Point[1])
		}
	}
	return out
}

// codePoints turns the byte offsets of a part of a text into those of its code points; nil for an empty part and for one
// that is not of this text.
func codePoints(text string, span [2]int) *[2]int {
	from, to := span[0], span[1]
	if from < 0 || from >= to || to > len(text) {
		return nil
	}
	start := utf8.RuneCountInString(text[:from])
	return &[2]int{start, start + utf8.RuneCountInString(text[from:to])}
}

// orNoNumber is nil for what JSON has no number for.
func orNoNumber(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
