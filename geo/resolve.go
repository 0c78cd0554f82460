package geo

import (
	"fmt"
	"slices"
	"strings"

	"github.com/paulmach/orb"
)

// phrases takes the name of a place and a text in. What they say narrows what the columns of admin names left; where
// these left nothing, it says by itself.
//
// Names of units, provinces and countries come first ("in Swat", "Mohmand Agency"), then those of smaller places that lie within
// them. What is only near by, an end of a road, a part of a longer name or misspelt decides only between units that
// something surer left, or where there is nothing surer at all. Names of different units stay different readings.
func (q *reader) phrases(place, text string) {
	if q.torn {
		return
	}
	sc := q.scope(nil)
	if len(q.units) > 0 {
		sc.units = sorted(q.units)
		if len(q.units) == 1 && q.former < 0 {
			q.wider(sc)
		}
	}
	var buf [16]mention
	ms := q.mentions(buf[:0], place, text, sc)
	if q.day == NoDay {
		for i := range ms {
			if a := ms[i].sense.Area; a != nil && a.Until != NoDay {
				// The text speaks of a territory of another time, so its other names are those of that time.
				q.day = a.Until - 1
				sc.day = q.day
				ms = q.mentions(buf[:0], place, text, sc)
				break
			}
		}
	}
	fields := [2]string{place, text}
	q.elsewhere(ms, fields)
	for i := range ms {
		ms[i].words = fields[ms[i].field][ms[i].span[0]:ms[i].span[1]]
	}
	for i := range ms {
		// "Ghazi Kot town": what the other field calls "Ghazi" is no more than that.
		if m := &ms[i]; m.inside || m.compound {
			for j := range ms {
				if o := &ms[j]; o.field != m.field && strings.EqualFold(o.words, m.words) && !o.admin() {
					o.inside, o.compound = true, m.compound
				}
			}
		}
	}
	r := resolver{q: q, n: q.n, ms: ms}
	r.resolve(fields)
}

// fieldNames are the fields of a request that phrases stand in.
var fieldNames = [2]string{"place", "text"}

// wider lets the names of places look beyond the one unit of the columns into what was cut out of it: sources keep counting
// "Hub" to Lasbela.
func (q *reader) wider(sc *scope) {
	for i := range q.n.formers {
		f := &q.n.formers[i]
		if !f.Part && f.Now == q.g.index.units[q.units[0]].ID {
			for _, u := range q.n.covers[i] {
				sc.units = insert(sc.units, u)
			}
		}
	}
}

// elsewhere settles names of units that contradict another name of the same text but are also those of smaller places within it: the
// "Kohistan district" of Kapisa is none of those in Pakistan.
func (q *reader) elsewhere(ms []mention, fields [2]string) {
	for i := range ms {
		m := &ms[i]
		if !m.whole() || !m.admin() || len(m.sense.Units) == 0 {
			continue
		}
		for j := range ms {
			o := &ms[j]
			if j == i || !o.whole() || !o.admin() || len(o.sense.Units) == 0 || common(m.sense.Units, o.sense.Units) != nil {
				continue
			}
			s := noSense
			es, _ := q.n.meanings(key(Fold(PlaceName(fields[m.field][m.span[0]:m.span[1]]))))
			if s.Score = 1; q.n.localSense(&s, es, &scope{country: q.country, units: o.sense.Units, day: q.day}) {
				m.sense = s
				break
			}
			// "Hub, Lasbela district": what was a part of a larger district is often still counted to it.
			after := m.field != o.field || o.from == m.to || o.from == m.to+1 && !strings.Contains(fields[m.field][m.span[1]:o.span[0]], "and")
			if after && len(o.sense.Units) == 1 && q.n.held(o.sense.Units[0], m.sense.Units) {
				o.weak = true
				break
			}
		}
	}
}

// held says whether a former unit that went by the name of a unit of today held all of some units.
func (n *Names) held(unit int, units []int) bool {
	for i := range n.formers {
		f := &n.formers[i]
		if !f.Part && f.Now == n.units[unit].ID && len(common(n.covers[i], units)) == len(units) {
			return true
		}
	}
	return false
}

// BorderName is the name by which the border line goes here.
const BorderName = "Afghanistan–Pakistan border (Durand Line)"

// NamesBorder says whether words speak of the border of the two countries, and not of one with another neighbour.
func NamesBorder(s string) bool {
	if len(s) > maxPhraseBytes {
		return false
	}
	f := Fold(s)
	if !strings.Contains(f, "border") || !strings.Contains(f, "afghan") {
		return strings.Contains(f, "durand")
	}
	for _, other := range []string{"iran", "tajik", "uzbek", "turkmen", "china", "chinese"} {
		if strings.Contains(f, other) {
			return false
		}
	}
	return true
}

// mentions finds the names in both phrases.
func (q *reader) mentions(ms []mention, place, text string, sc *scope) []mention {
	for i, s := range [2]string{place, text} {
		if len(s) > maxPhraseBytes && !slices.ContainsFunc(q.rd.warnings, func(w Warning) bool { return w.Code == WarnTextCut }) {
			q.rd.warnings = append(q.rd.warnings, Warning{Code: WarnTextCut, Detail: fmt.Sprintf("only the first %d bytes of the %s were read for names", maxPhraseBytes, fieldNames[i])})
		}
		ms, q.strangers[i], q.words[i] = q.n.mentions(ms, i, s, sc)
	}
	return ms
}

// resolver weighs the mentions of a phrase.
type resolver struct {
	q     *reader
	n     *Names
	ms    []mention
	units []int // that are left, rising; nil while nothing is said
	by    []int // the mentions that speak for them
	split bool  // place and text contradict each other, and no smaller name chooses between them
}

func (r *resolver) resolve(fields [2]string) {
	q := r.q
	r.territory()
	if len(q.units) > 0 {
		r.units = sorted(q.units)
		if part := r.part(); part != nil {
			r.units = part
		}
	}
	given := r.units
	for _, sure := range []func(*mention) bool{
		func(m *mention) bool { return m.whole() && m.admin() && m.kind != wordTehsil && m.kind != wordTown },
		func(m *mention) bool { return m.whole() && (m.kind == wordTehsil || m.kind == wordDistrict) },
		func(m *mention) bool { return m.whole() && !r.beyond(m) },
		func(m *mention) bool { return m.fuzzy == "" && m.inside && !m.weak },
		func(m *mention) bool { return m.fuzzy != "" && !m.weak && !m.inside },
		func(m *mention) bool { return m.weak && m.km == 0 },
		func(m *mention) bool { return m.weak && m.km > 0 },
		func(m *mention) bool { return m.whole() },
	} {
		r.step(sure)
	}
	if r.units == nil {
		if q.area == nil && (NamesBorder(fields[0]) || NamesBorder(fields[1])) {
			q.rd.name, q.rd.precision = BorderName, "line"
		}
		return
	}
	r.tell(given)
}

// part are the units of a name that lies only in what was cut out of the one unit of the columns, which it decides against; nil
// if there is none.
func (r *resolver) part() []int {
	if len(r.q.units) != 1 {
		return nil
	}
	unit := r.q.units[0]
	for i := range r.ms {
		if m := &r.ms[i]; m.whole() && len(m.sense.Units) > 0 && !slices.Contains(m.sense.Units, unit) && r.n.held(unit, m.sense.Units) {
			return slices.Clone(m.sense.Units)
		}
	}
	return nil
}

// territory takes in provinces, former territories and countries.
func (r *resolver) territory() {
	q := r.q
	for i := range r.ms {
		m := &r.ms[i]
		if m.weak || m.fuzzy != "" && len(m.fuzzy) < 8 {
			continue
		}
		switch m.sense.Kind {
		case SenseArea:
			if q.area == nil && (q.country == "" || q.country == m.sense.Country) && len(q.units) == 0 {
				q.area = m.sense.Area
			}
		case SenseCountry:
			if q.country == "" && q.area == nil && len(q.units) == 0 && !r.other(m.sense.Country) {
				q.country = m.sense.Country
			}
		}
	}
	if q.area != nil && q.country == "" {
		q.country = q.area.Country
	}
}

// other says whether a mention speaks of another country, as in "the Pakistan-Afghanistan border".
func (r *resolver) other(country string) bool {
	return slices.ContainsFunc(r.ms, func(m mention) bool { return m.sense.Country != "" && m.sense.Country != country })
}

// allowed are the units of a mention that the territory leaves possible.
func (r *resolver) allowed(m *mention) []int {
	q := r.q
	units := m.sense.Units
	if m.sense.Default >= 0 && m.sense.Kind == SenseAmbiguous {
		units = []int{m.sense.Default}
	}
	sc := scope{country: q.country, day: q.day}
	if q.area != nil {
		sc.units = q.province().Units
	}
	units = r.n.left(&sc, units)
	if q.area != nil && len(units) > 1 {
		var in []int
		for _, u := range units {
			if q.area.holds(u) {
				in = append(in, u)
			}
		}
		if in != nil {
			units = in
		}
	}
	return units
}

// step takes in all mentions of one degree of sureness.
func (r *resolver) step(sure func(*mention) bool) {
	fresh := r.units == nil
	var both, any []int // the units that all mentions of this step name, and those that any does
	for i := range r.ms {
		m := &r.ms[i]
		if len(m.sense.Units) == 0 || !sure(m) || slices.Contains(r.by, i) {
			continue
		}
		units := r.allowed(m)
		if len(units) == 0 || fresh && !r.enough(m, units) {
			continue
		}
		if !fresh {
			if m.called || r.split || r.q.open && (m.fuzzy != "" || m.weak) || m.km > nearKM {
				continue // neither a guess nor what is near by chooses between what is written
			}
			if left := common(r.units, units); left != nil {
				r.units = left
				r.by = append(r.by, i)
			}
			continue
		}
		r.by = append(r.by, i)
		if any == nil {
			both, any = units, units
			continue
		}
		both = common(both, units)
		for _, u := range units {
			any = insert(any, u)
		}
	}
	switch {
	case !fresh:
	case both != nil:
		r.units = both
	default:
		r.units = any // several places: all stay
		r.q.open = any != nil
		r.split = r.q.open && len(r.by) > 1 && r.ms[r.by[0]].field != r.ms[r.by[len(r.by)-1]].field
	}
}

// nearKM is how far from a place something may be to be placed in its unit.
const nearKM = 15.0

// enough says whether a mention by itself, with nothing surer beside it, may say where it was.
func (r *resolver) enough(m *mention, units []int) bool {
	switch {
	case m.km > nearKM, m.called:
		return false
	case m.fuzzy != "":
		return len(units) == 1 && m.sure && r.guessed(m, units[0])
	case m.field == 0 && m.from == 0 && m.to >= r.q.words[0]-1 && r.q.area != nil && m.fuzzy == "" && !m.weak:
		return true // all of the name of a place, within a province that is known
	case m.compound, m.admin() && m.kind == wordTehsil:
		return false // "Tehsil Momand" is not the district Mohmand
	case m.admin():
		return !m.common || m.kind == wordDistrict || r.strangers(m.field) < 2
	case m.inside:
		return r.q.area != nil && len(units) == 1
	case m.kind == wordTehsil || m.kind == wordDistrict:
		return true
	case m.common:
		return r.q.area != nil
	}
	return slices.ContainsFunc(m.sense.entries, func(e entry) bool { return r.sturdy(m, e) })
}

// focus says whether a unit is one of those that the gazetteer knows well: not the rest of Pakistan.
func (r *resolver) focus(unit int) bool { return r.q.g.index.units[unit].Kind != "context" }

// beyond says whether a mention is that of a small place in Afghanistan only, where no word speaks of Afghanistan: names of
// districts there are those of many villages on this side, which no list has.
func (r *resolver) beyond(m *mention) bool {
	return r.q.country == "" && !m.admin() && m.sense.Crossing < 0 && !slices.ContainsFunc(m.sense.Units, func(u int) bool { return r.q.g.index.units[u].Country != "AF" })
}

// sturdy says whether the name of a small place by itself says which place that is.
func (r *resolver) sturdy(m *mention, e entry) bool {
	switch e.kind {
	case isCrossing, isSeat:
		return true
	case isSubunit:
		return (r.n.subunits[e.ref].Kind == "tehsil" || len(m.words) > 4) && r.strangers(m.field) < manyStrangers
	}
	p := &r.n.places[e.ref]
	if !r.focus(r.n.lie[e.ref][0]) {
		return p.Population >= 100_000 && m.kind == wordNone // of a small town elsewhere there is one of the same name here
	}
	if !p.HasPoint && p.Kind == "settlement" && strings.HasSuffix(Fold(m.words), "abad") {
		return false // the commonest names there are
	}
	return len(m.words) > 5 && (p.HasPoint || p.Subunit != "" || len(m.words) >= 8) && r.strangers(m.field) < manyStrangers
}

// manyStrangers are so many unknown names around a known one that this is likely another place of its name.
const manyStrangers = 4

// strangers are the names in a phrase that no list knows.
func (r *resolver) strangers(field int) int { return r.q.strangers[field] }

// guessed says whether a name that is one letter off may say by itself where it was: a unit as the whole of a short field, else a
// long name of one place whose position is known, on this side of the border unless the country is said.
func (r *resolver) guessed(m *mention, unit int) bool {
	if m.admin() && r.q.words[m.field] <= 3 {
		return true
	}
	if len(m.sense.entries) > 1 {
		return false
	}
	for _, e := range m.sense.entries {
		if e.kind == isPlace && !r.n.places[e.ref].HasPoint {
			return false
		}
	}
	if r.q.area != nil && len(m.words) >= 6 {
		return true
	}
	return len(m.words) >= 8 && r.focus(unit) && (r.q.country != "" || r.q.g.index.units[unit].Country == "PK")
}

// common are the units of two rising lists, nil if there are none.
func common(a, b []int) []int {
	var out []int
	for _, u := range a {
		if _, ok := slices.BinarySearch(b, u); ok {
			out = append(out, u)
		}
	}
	return out
}

// tell makes candidates of the units that are left.
func (r *resolver) tell(given []int) {
	q := r.q
	old := map[int]Candidate{}
	for i, u := range q.units {
		old[u] = q.cands[i]
	}
	if given == nil {
		q.former = -1
	} else if len(r.units) < len(given) {
		q.former = -1
	}
	q.cands, q.units = nil, nil
	for _, u := range r.units {
		c, known := old[u]
		if !known {
			c = q.g.candidate(u, 0)
			c.Kind = "unit"
		}
		c.Reasons = slices.Clip(c.Reasons)
		for _, i := range r.by {
			m := &r.ms[i]
			if !slices.Contains(m.sense.Units, u) {
				continue
			}
			label := quote(m.words)
			if m.fuzzy != "" {
				label = fmt.Sprintf("%s, read as %s,", quote(m.words), quote(m.fuzzy))
			}
			if m.weak {
				label = "beside or on the way: " + label
			}
			because(&c, q.why(label, m.sense, u))
			if m.sense.Note != "" && len(m.sense.Units) > 1 {
				because(&c, m.sense.Note)
			}
			score := m.sense.Score
			if m.weak || m.inside {
				score *= 0.8
			}
			if score /= float64(len(r.units)); score > c.Score {
				c.Score = score
				if !known {
					c.Span, c.Field = m.span, fieldNames[m.field]
				}
			}
		}
		r.detail(&c, u)
		c.Score = min(1, c.Score)
		q.cands, q.units = append(q.cands, c), append(q.units, u)
	}
	if q.former < 0 {
		for _, i := range r.by {
			if s := r.ms[i].sense; s.Kind == SenseFormer && slices.Equal(s.Units, r.units) {
				q.former = s.Former
			}
		}
	}
}

// because adds a reason, once.
func because(c *Candidate, reason string) {
	if !slices.Contains(c.Reasons, reason) {
		c.Reasons = append(c.Reasons, reason)
	}
}

// detail says where in its unit a candidate was, as far as the names of smaller places agree on that: a place, the tehsil
// in which several lie, or nothing beyond the unit. What is near by counts only where nothing else is named.
func (r *resolver) detail(c *Candidate, unit int) {
	type named struct {
		m *mention
		d Candidate
	}
	var sure, rest []named
	for _, i := range r.by {
		m := &r.ms[i]
		if len(m.sense.entries) == 0 || !slices.Contains(m.sense.Units, unit) {
			continue
		}
		d := r.q.g.candidate(unit, 0)
		r.q.detail(&d, m.sense, unit)
		if d.Place == "" && d.Subunit == "" {
			continue
		}
		if m.whole() {
			sure = append(sure, named{m, d})
		} else {
			rest = append(rest, named{m, d})
		}
	}
	if sure == nil {
		sure = rest
	}
	if sure == nil {
		return
	}
	best := sure[0]
	subunit, agree, places := "", true, 0
	for i, x := range sure {
		if x.d.Subunit != "" {
			agree = agree && (subunit == "" || subunit == x.d.Subunit)
			subunit = x.d.Subunit
		}
		if x.d.Kind == "subunit" {
			continue
		}
		if places == 0 {
			best = sure[i]
		}
		if places == 0 || x.d.Place != best.d.Place {
			places++
		}
	}
	d := &best.d
	switch {
	case !agree:
		return // several places of one district
	case places > 1:
		if subunit == "" {
			return
		}
		d.Kind, d.Place, d.HasPoint, d.Point, d.Precision = "subunit", "", false, orb.Point{}, subunitPrecision(unitPrecision(&r.q.g.index.units[unit]))
	case places == 1 && !d.HasPoint && subunit != "":
		d.Precision = subunitPrecision(unitPrecision(&r.q.g.index.units[unit]))
	}
	c.Kind, c.Place, c.Subunit, c.Point, c.HasPoint, c.Precision = d.Kind, d.Place, subunit, d.Point, d.HasPoint, r.howNear(best.m, *d)
	c.Span, c.Field = best.m.span, fieldNames[best.m.field]
}

// subunitPrecision is the word for what is known to a subunit of a unit of the precision given.
func subunitPrecision(of string) string {
	if of == "province" {
		return "district"
	}
	return "tehsil"
}

// howNear is the precision of a place by the words around its name.
func (r *resolver) howNear(m *mention, d Candidate) string {
	switch {
	case !d.HasPoint:
		return d.Precision
	case m.km > 0:
		return "vicinity_25km"
	case m.weak || m.inside || m.fuzzy != "":
		if d.Precision == "settlement" {
			return "near"
		}
	}
	return d.Precision
}
