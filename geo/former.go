package geo

import "slices"

// history is the table of former units.
type history struct {
	formers []Former
	byID    map[string]int
	of      map[string][]int // unit of today → formers that cover it
}

func newHistory(formers []Former) *history {
	h := &history{formers: formers, byID: map[string]int{}, of: map[string][]int{}}
	for i, f := range formers {
		h.byID[f.ID] = i
		for _, u := range f.Units {
			h.of[u] = append(h.of[u], i)
		}
	}
	return h
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
// unit was what it is, if it was made of parts, or for NoDay. A former province is not a unit and never the answer.
func (g *Geocoder) Then(unit string, day int32) string {
	if day == NoDay {
		return ""
	}
	for _, i := range g.history.of[unit] {
		if f := &g.history.formers[i]; !f.Part && f.Kind != "province" && f.Dates.Holds(day) {
			return f.ID
		}
	}
	return ""
}

// Under is the ID by which a unit is counted under the units of a day (days since 1970-01-01; NoDay for those of today):
// that of the unit that held all of it on that day. A former unit that lay in no one unit of that day, since it had not
// been joined yet or has been divided, stays itself: it is counted in a row of its own, never spread.
func (g *Geocoder) Under(id string, day int32) string {
	units := []string{id}
	if f, ok := g.Former(id); ok {
		units = f.Units
	}
	if day == NoDay {
		if len(units) == 1 {
			return units[0]
		}
		return id
	}
	then := ""
	for i, u := range units {
		t := g.Then(u, day)
		if t == "" {
			t = u
		}
		if i > 0 && t != then {
			return id
		}
		then = t
	}
	return then
}

// Covers says whether all of the units of today that belong to id lie among those of a unit or former unit.
func (g *Geocoder) Covers(unit, id string) bool {
	f, ok := g.Former(unit)
	if !ok {
		return unit == id
	}
	in, ok := g.Former(id)
	if !ok {
		return slices.Contains(f.Units, id)
	}
	for _, u := range in.Units {
		if !slices.Contains(f.Units, u) {
			return false
		}
	}
	return true
}
