package api

import (
	"math"
	"net/http"
	"slices"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// publishedGrain are the properties at which a dataset of which only counts may be shown is counted. By any other
// property counts would spell out its single incidents: whether a summary begins with "a" is a count of 0 or 1.
var publishedGrain = []incident.Property{"dataset", "start_date", "end_date", "unit_id", "unit_then", "province", "country",
	"event_type", "sub_event_type", "type_of_violence", "location_precision", "verification"}

// withheldNote says why an answer counts without some datasets.
const withheldNote = "The terms of these datasets allow only aggregates. They are counted where nothing chooses but whole days, unit, province, country, " +
	"event type, precision, verification and dataset; this question has other conditions, so they are left out."

// coarse says whether a filter looks at nothing finer than what is published of every dataset. A part that is not known
// here counts as finer, and so do instants, which tell hours of a day.
func coarse(f incident.Filter) bool {
	return incident.Uses(f, func(condition incident.Filter, p incident.Property) bool {
		switch condition.(type) {
		case incident.DuringInstants, incident.CompareInstant:
			return false
		}
		return slices.Contains(publishedGrain, p)
	})
}

// counted gives the filters by which some datasets are counted (nil for all of them), the datasets that are (nil for
// all) and the names of those that are left out, since one of the filters is finer than what may be published of them.
func (s *snapshot) counted(datasets []string, by []incident.Key, filters ...incident.Filter) (shown []incident.Filter, counted, withheld []string) {
	fine := func(f incident.Filter) bool { return !coarse(f) }
	// Who was involved is told by no count of single days and units.
	if len(s.withheld) == 0 || !slices.ContainsFunc(filters, fine) && !slices.Contains(by, incident.KeyActor) {
		return filters, datasets, nil
	}
	open, withheld := s.sources(datasets)
	if len(withheld) == 0 {
		return filters, datasets, nil
	}
	counted = make([]string, 0, len(open)) // nil would be all
	for i := range open {
		counted = append(counted, open[i].Name)
	}
	for _, f := range filters {
		shown = append(shown, s.shown(f))
	}
	return shown, counted, withheld
}

// extentDegrees is how finely the extent of a dataset is told of which single incidents may not be shown.
const extentDegrees = 0.5

// coarseBound is a box of whole steps around another, which never touches its sides on the east and the north: the box
// around a single point would be that point.
func coarseBound(b orb.Bound) orb.Bound {
	for i, most := range [...]float64{180, 90} {
		b.Min[i] = max(-most, extentDegrees*math.Floor(b.Min[i]/extentDegrees))
		b.Max[i] = min(most, extentDegrees*(math.Floor(b.Max[i]/extentDegrees)+1))
	}
	return b
}

// leftOut gives the names of the datasets of a selection whose incidents may not be given out.
func (s *snapshot) leftOut(sel selection) []string {
	if len(s.withheld) == 0 {
		return nil
	}
	_, withheld := s.sources(sel.datasets)
	return withheld
}

// nameWithheld names in a header the datasets that an answer leaves out.
func nameWithheld(h http.Header, datasets []string) {
	if len(datasets) > 0 {
		h[withheldHeader] = []string{escapedList(datasets)}
	}
}
