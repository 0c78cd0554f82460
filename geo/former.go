package geo

import (
	"math"
	"slices"
)

// history is the table of former units.
type history struct {
	formers []Former
	byID    map[string]int
	terms   map[string][]term // unit of today → what it belonged to
}

// term is a time, from one day until before another, for which a unit of today lay in a former unit.
type term struct {
	from, until int32
	former      int
}

func newHistory(formers []Former) *history {
	h := &history{formers: formers, byID: make(map[string]int, len(formers)), terms: map[string][]term{}}
	for i := range formers {
		f := &formers[i]
		h.byID[f.ID] = i
		if f.Part || !f.WasUnit() {
			continue
		}
		t := term{f.Dates.From, f.Dates.Until, i}
		if f.Dates == (Span{}) {
			t.from = NoDay
		}
		if f.Dates == (Span{}) || t.until == NoDay {
			t.until = math.MaxInt32
		}
		for _, u := range f.Units {
			h.terms[u] = append(h.terms[u], t)
		}
	}
	return h
}

// WasUnit says whether it stood where units stand: false only for a province above the units, of which none goes on, such
// as the Federally Administered Tribal Areas. A former province of Afghanistan was a unit.
func (f *Former) WasUnit() bool { return f.Kind != "province" || f.Now != "" }

// then is the place of the former unit that held all of a unit of today on a day, -1 if none did.
func (h *history) then(unit string, day int32) int {
	if day == NoDay {
		return -1
	}
	for _, t := range h.terms[unit] { // at most a handful
		if t.from <= day && day < t.until {
			return t.former
		}
	}
	return -1
}

// Former is a former unit by its ID.
func (g *Geocoder) Former(id string) (Former, bool) {
	i, ok := g.history.byID[id]
	if !ok {
		return Former{}, false
	}
	return g.history.formers[i], true
}

// Formers are all former units, in the order given.
func (g *Geocoder) Formers() []Former { return g.history.formers }

// Then is the ID of the former unit that held the whole of a unit of today on a day (days since 1970-01-01), "" if the
// unit was what it is, if it was made of parts, or for NoDay. A former province above the units is never the answer;
// that of Afghanistan, where provinces are the units, is. Where the table contradicts itself the first row counts.
func (g *Geocoder) Then(unit string, day int32) string {
	if i := g.history.then(unit, day); i >= 0 {
		return g.history.formers[i].ID
	}
	return ""
}

// Under is the ID by which a unit is counted under the units of a day (days since 1970-01-01; NoDay for those of today):
// that of the unit that held all of it on that day. A former unit that lay in no one unit of that day, since it had not
// been joined yet or has been divided, stays itself: it is counted in a row of its own, never spread.
func (g *Geocoder) Under(id string, day int32) string {
	i, ok := g.history.byID[id]
	if !ok {
		return g.at(id, day)
	}
	f := &g.history.formers[i]
	if len(f.Units) == 0 || f.Part && day != NoDay && f.Dates.Holds(day) {
		return id // a part was a unit beside the one that it is a part of now
	}
	under := g.at(f.Units[0], day)
	for _, u := range f.Units[1:] {
		if g.at(u, day) != under {
			return id
		}
	}
	return under
}

// at is the ID of the unit that held all of a unit of today on a day.
func (g *Geocoder) at(unit string, day int32) string {
	if then := g.Then(unit, day); then != "" {
		return then
	}
	return unit
}

// Covers says whether a unit or former unit, given by its ID, lies wholly within another. Of a former unit that was only
// a part of units of today it is not known what lies in it, beside itself.
func (g *Geocoder) Covers(unit, id string) bool {
	if unit == id {
		return true
	}
	of := []string{unit}
	if i, ok := g.history.byID[unit]; ok {
		if g.history.formers[i].Part {
			return false
		}
		of = g.history.formers[i].Units
	}
	in := []string{id}
	if i, ok := g.history.byID[id]; ok {
		in = g.history.formers[i].Units
	}
	for _, u := range in {
		if !slices.Contains(of, u) {
			return false
		}
	}
	return len(in) > 0
}
