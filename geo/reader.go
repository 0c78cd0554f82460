package geo

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/paulmach/orb"
)

// reading is what the names of a request mean together. It is shared and never changed.
type reading struct {
	unit       int   // -1: none or not decided
	units      []int // all that are possible, rising; nil: not known by unit
	former     int   // the former unit that is meant, of which units are the parts; -1: none
	area       *Area
	country    string
	province   string
	name       string
	precision  string
	subunit    string
	then       string // a former unit that the names give: "FR Bannu"
	place      string // the name of the place, where one is known
	candidates []Candidate
	warnings   []Warning

	point          orb.Point // of the place
	hasPoint       bool
	pointPrecision string

	foreign string // the country as written, where it is none of the region
}

var unread = reading{unit: -1, former: -1, precision: "none"}

// known says whether the names say anything about where it was.
func (rd *reading) known() bool { return rd.units != nil || rd.area != nil || rd.country != "" }

// allows says whether the names leave a unit possible.
func (rd *reading) allows(units []Unit, unit int) bool {
	switch {
	case rd.units != nil:
		_, ok := slices.BinarySearch(rd.units, unit)
		return ok
	case rd.area != nil:
		return rd.area.holds(unit)
	case rd.country != "":
		return units[unit].Country == rd.country
	}
	return true
}

type readingKey struct {
	country, adm1, adm2, place, text string
	epoch                            int
}

const (
	// maxReadings is how many readings are kept: an incident file has a few thousand different names at most. When the
	// table is full it begins anew, so that endless different input cannot fill the memory.
	maxReadings = 1 << 13
	// maxReadingBytes is the length from which on a reading is not kept: it will not come again.
	maxReadingBytes = 256
)

func (g *Geocoder) reading(k readingKey) *reading {
	g.mu.RLock()
	rd := g.readings[k]
	g.mu.RUnlock()
	if rd != nil {
		return rd
	}
	rd = g.read(k)
	if len(k.country)+len(k.adm1)+len(k.adm2)+len(k.place)+len(k.text) > maxReadingBytes {
		return rd
	}
	// Copied, since the strings may be small parts of large records.
	k = readingKey{strings.Clone(k.country), strings.Clone(k.adm1), strings.Clone(k.adm2), strings.Clone(k.place), strings.Clone(k.text), k.epoch}
	g.mu.Lock()
	if len(g.readings) >= maxReadings {
		clear(g.readings)
	}
	g.readings[k] = rd
	g.mu.Unlock()
	return rd
}

// reader collects what the names of one request say.
type reader struct {
	g         *Geocoder
	n         *Names
	rd        reading
	country   string
	area      *Area
	day       int32 // NoDay where none is known
	cands     []Candidate
	units     []int  // of cands, same order
	former    int    // the former unit of which units are the parts, -1 if none
	torn      bool   // the names contradict each other: no unit may be chosen
	strangers [2]int // names in place and text that no list knows
	words     [2]int // words in them
	open      bool   // a text of several places: the names that are left are readings, not a place
}

// read reads the names from the largest to the smallest.
func (g *Geocoder) read(k readingKey) *reading {
	q := &reader{g: g, n: g.names, rd: unread, day: g.dayOf(k.epoch), former: -1}
	if k.country != "" {
		country, foreign := g.readCountry(k.country)
		if foreign {
			q.rd.foreign = k.country
			return &q.rd // names of another country are not ours to guess
		}
		q.country = country
	}
	if k.adm1 != "" {
		q.first(k.adm1)
	}
	if k.adm2 != "" {
		q.second(k.adm2)
	}
	if k.place != "" || k.text != "" {
		q.phrases(k.place, k.text)
	}
	return q.finish()
}

// readCountry reads a country; one that names both countries says nothing, one that names none is foreign.
func (g *Geocoder) readCountry(s string) (code string, foreign bool) {
	if sense := g.names.Lookup(s); sense.Kind == SenseCountry {
		return sense.Country, false
	}
	if len(s) > maxNameBytes {
		return "", true
	}
	f := key(Fold(s))
	if f == "" || strings.Contains(f, "pakistan") && strings.Contains(f, "afghanistan") {
		return "", false
	}
	for _, code := range countryCodes {
		if name := key(Fold(countryName(code))); distance(f, name, 1) <= 1 {
			return code, false // "Afganistan"
		}
	}
	return "", true
}

func (q *reader) scope(units []int) *scope {
	return &scope{country: q.country, units: units, day: q.day}
}

// first takes the first-level name in.
func (q *reader) first(field string) {
	anyCountry := &scope{day: q.day}
	s := q.n.lookup(field, anyCountry)
	if s.Kind == "" {
		s = q.n.adminLike(field, anyCountry)
	}
	switch s.Kind {
	case SenseCountry:
		if q.country == "" {
			q.country = s.Country
		}
	case SenseArea:
		if q.country != "" && q.country != s.Country {
			q.warn("%q is not in %s", field, countryName(q.country))
			return
		}
		q.country, q.area = s.Country, s.Area
		if q.day == NoDay && s.Area.Until != NoDay {
			q.day = s.Area.Until - 1 // who writes of the tribal areas writes of their time
		}
	case SenseUnit, SenseAmbiguous, SenseFormer:
		in := q.n.lookup(field, q.scope(nil))
		if in.Kind == "" {
			in = q.n.adminLike(field, q.scope(nil))
		}
		if len(in.Units) > 0 && in.Kind != SenseSubunit {
			q.take("adm1", field, in)
		} else if len(s.Units) > 0 {
			q.warn("%q is not in %s", field, countryName(q.country))
		} else {
			q.rd.name, q.rd.precision = s.Name, "region"
		}
	}
}

// second takes the second-level name in, within what the first one left.
func (q *reader) second(field string) {
	if len(q.units) > 0 {
		q.within(field)
		return
	}
	scopes := []*scope{q.scope(nil)}
	if q.area != nil {
		// A former territory does not bind: "FATA" was also written of districts beside it.
		scopes = []*scope{q.scope(q.area.Units), q.scope(q.province().Units), q.scope(nil)}
	}
	for i, sc := range scopes {
		s := q.admin(field, sc)
		switch s.Kind {
		case "":
			continue
		case SenseCountry:
			if q.country == "" {
				q.country = s.Country
			}
			return
		case SenseArea:
			if (q.country == "" || q.country == s.Country) && (q.area == nil || q.area.Province == s.Area.Province) {
				q.country, q.area = s.Country, s.Area
			}
			return
		}
		if len(s.Units) == 0 {
			q.rd.name, q.rd.precision = s.Name, "region"
			return
		}
		if i == 2 {
			if s.Kind == SenseSubunit || s.Score < 0.8 {
				return // a small place far away, or a guess
			}
			q.warn("%q is not in %s", field, q.area.Name)
			q.torn = true
		}
		q.take("adm2", field, s)
		return
	}
	if s := q.n.lookup(field, &scope{day: q.day}); q.country != "" && len(s.Units) > 0 && !s.local() {
		q.warn("%q is not in %s", field, countryName(q.country))
	}
}

// admin is the sense of a name in a column of districts: the names of seats and towns are not looked up there, since many
// towns share their names with districts elsewhere.
func (q *reader) admin(field string, sc *scope) Sense {
	s := q.n.lookup(field, sc)
	switch s.Kind {
	case SenseCrossing, SenseSeat, SenseSubunit, SensePlace:
		if s = q.n.subunitsOf(s, sc); s.Kind != "" {
			return s
		}
	}
	if s.Kind == "" {
		s = q.n.adminLike(field, sc)
	}
	return s
}

// subunitsOf leaves only the subunits of a local sense.
func (n *Names) subunitsOf(s Sense, sc *scope) Sense {
	out := noSense
	for _, e := range s.entries {
		if e.kind != isSubunit || !n.allows(sc, n.within[e.ref]) {
			continue
		}
		out.entries = append(out.entries, e)
		out.Units = insert(out.Units, n.within[e.ref])
	}
	if out.Units == nil {
		return noSense
	}
	out.Kind, out.Name, out.Score, out.How = SenseSubunit, n.nameOf(out.entries[0]), s.Score, s.How
	if s.Default >= 0 || len(out.Units) == 1 {
		out.Default = out.Units[0]
	}
	if len(s.Units) < len(out.Units) { // brackets narrowed it
		out.Units, out.Default = s.Units, s.Default
	}
	return out
}

// adminLike reads the name of an admin unit that is not listed as the one from which it differs least.
func (n *Names) adminLike(field string, sc *scope) Sense {
	if len(field) > maxNameBytes {
		return noSense
	}
	words := strings.Fields(Fold(field))
	words = slices.DeleteFunc(words, func(w string) bool { return genericWord(w) })
	k := strings.Join(words, "")
	keys, letters := n.similar(k)
	found := noSense
	for _, local := range []bool{false, true} { // units before what lies in them
		for _, other := range keys {
			s, ok := n.sense(other, sc)
			if !ok || s.local() != local {
				continue
			}
			if local {
				if s = n.subunitsOf(s, sc); s.Kind == "" {
					continue
				}
			}
			if found.Kind != "" && (len(found.Units) != 1 || !slices.Equal(found.Units, s.Units)) {
				return noSense // two names that it may be
			}
			found = s
		}
		if found.Kind != "" {
			break
		}
	}
	if found.Kind != "" {
		found.Score *= 0.8
		found.How = fmt.Sprintf("read as %q, %d of %d letters differ", found.Name, max(1, letters), len(k))
	}
	return found
}

// within takes a second-level name in where the first level is already one or several units.
func (q *reader) within(field string) {
	s := q.admin(field, q.scope(sorted(q.units)))
	if len(s.Units) > 0 {
		q.keep("adm2", field, s)
		return
	}
	s = q.admin(field, q.scope(nil))
	if len(s.Units) == 0 || s.Kind == SenseSubunit {
		return // a district that is not in our list
	}
	if len(q.units) == 1 && q.g.index.units[q.units[0]].Kind != "district" {
		// The unit is the province, and districts elsewhere share names: in Afghanistan that is common and no contradiction.
		if u := q.g.index.units[q.units[0]]; u.Country == "PK" && s.Score > 0.95 {
			q.warn("%q is not in %s", field, u.Name)
		}
		return
	}
	q.warn("%q is not in %s", field, q.g.index.units[q.units[0]].Name)
	q.add("adm2", field, s, s.Units)
	q.torn = true
}

func sorted(units []int) []int {
	out := slices.Clone(units)
	slices.Sort(out)
	return slices.Compact(out)
}

// province is the whole province of the area.
func (q *reader) province() *Area {
	for _, a := range q.n.areas {
		if a.Name == q.area.Province {
			return a
		}
	}
	return q.area
}

// take makes the units of a sense the candidates, its default alone if it has one.
func (q *reader) take(label, field string, s Sense) {
	q.cands, q.units, q.former = nil, nil, -1
	units := s.Units
	if s.Default >= 0 {
		units = []int{s.Default}
	}
	if s.Kind == SenseFormer {
		q.former = s.Former
	}
	q.add(label, field, s, units)
}

// add adds units to the candidates.
func (q *reader) add(label, field string, s Sense, units []int) {
	for _, u := range units {
		c := q.g.candidate(u, s.Score/float64(len(units)), q.why(label+" "+quote(field), s, u))
		c.Field, c.Span = label, [2]int{0, len(field)}
		q.detail(&c, adminOnly(s), u)
		if len(units) == 1 && s.narrowed {
			switch {
			case q.area != nil:
				c.Reasons = append(c.Reasons, q.area.Name+" leaves only this one")
			case q.country != "":
				c.Reasons = append(c.Reasons, countryName(q.country)+" leaves only this one")
			}
		}
		if s.Note != "" {
			c.Reasons = append(c.Reasons, s.Note)
		}
		q.cands, q.units = append(q.cands, c), append(q.units, u)
	}
}

// why says why a sense speaks for a unit.
func (q *reader) why(what string, s Sense, unit int) string {
	name := q.g.index.units[unit].Name
	var out string
	switch s.Kind {
	case SenseFormer:
		f := &q.n.formers[s.Former]
		out = fmt.Sprintf("%s is %s, which covered %s", what, f.Name, name)
		if f.Part {
			out = fmt.Sprintf("%s is %s, a part of %s", what, f.Name, name)
		}
	case SenseAmbiguous:
		out = what + " names " + name
		if len(s.Units) > 1 {
			out = what + " may be " + name
		}
	case SenseUnit:
		out = what + " names " + name
	case SenseArea, SenseCountry:
		out = what + " holds " + name
	default:
		e, ok := q.n.entryIn(s, unit)
		if !ok {
			return what + " is in " + name
		}
		switch e.kind {
		case isCrossing:
			out = what + " is a crossing of " + name
		case isSeat:
			out = what + " is the seat of " + name
		case isSubunit:
			sub := &q.n.subunits[e.ref]
			out = fmt.Sprintf("%s is the %s %s of %s", what, sub.Kind, sub.Name, name)
			if key(Fold(q.n.listed[e.name].Text)) != key(Fold(sub.Name)) {
				out = fmt.Sprintf("%s is listed under the %s %s of %s", what, sub.Kind, sub.Name, name)
			}
		case isPlace:
			p := &q.n.places[e.ref]
			out = fmt.Sprintf("%s is %s in %s (%s)", what, p.Name, name, p.Source)
			if p.Kind == "area" && len(p.Units) > 1 {
				out = fmt.Sprintf("%s is %s, which reaches into %s (%s)", what, p.Name, name, p.Source)
			}
			if p.Kind == "learned" {
				out = fmt.Sprintf("%s lies in %s by %s", what, name, p.Source)
			}
		}
	}
	if s.How != "" {
		out += " (" + s.How + ")"
	}
	return out
}

// entryIn is the likeliest of the local entries of a sense that lies in a unit.
func (n *Names) entryIn(s Sense, unit int) (entry, bool) {
	var best entry
	found := false
	for _, e := range s.entries {
		if !slices.Contains(n.unitsOf(e), unit) {
			continue
		}
		if !found || rank(n, e, s.town) < rank(n, best, s.town) {
			best, found = e, true
		}
	}
	return best, found
}

// rank puts the entries of a name in the order in which they are meant: what goes by the name itself before what it is only listed for;
// among these a crossing, then what is larger and so surer, the tehsil before the town in it. Where a town is spoken of, it comes first.
func rank(n *Names, e entry, town bool) int {
	name := key(Fold(n.nameOf(e)))
	as := key(Fold(n.listed[e.name].Text))
	own := name == as || skeleton(name) != "" && skeleton(name) == skeleton(as)
	var r int
	switch {
	case e.kind == isPlace && town && n.places[e.ref].HasPoint:
		return 0
	case e.kind == isCrossing:
		r = 1
	case e.kind == isSubunit && !town:
		r = 2
	case e.kind == isPlace && n.places[e.ref].HasPoint && n.places[e.ref].Kind != "learned":
		r = 3
	case e.kind == isPlace && n.places[e.ref].HasPoint:
		r = 4
	case e.kind == isSubunit:
		r = 5
	case e.kind == isPlace:
		r = 6
	default:
		r = 7
	}
	if !own {
		r += 10
	}
	return r
}

// detail fills in what a local name says beyond the unit.
func (q *reader) detail(c *Candidate, s Sense, unit int) {
	c.Kind = "unit"
	if s.Kind == SenseFormer {
		c.Kind = "former"
	}
	e, ok := q.n.entryIn(s, unit)
	if !ok {
		return
	}
	switch e.kind {
	case isCrossing:
		x := &q.n.crossings[e.ref]
		c.Kind, c.Place, c.Point, c.HasPoint, c.Precision = "crossing", x.Name, x.Point, true, pointPrecision(x.AccuracyKM)
	case isSeat:
		c.Place = q.n.nameOf(e)
	case isSubunit:
		sub := &q.n.subunits[e.ref]
		c.Kind, c.Place, c.Subunit, c.Precision = "subunit", sub.Name, sub.ID, "tehsil"
		if sub.Kind == "district" {
			c.Precision = "district"
		}
	case isPlace:
		p := &q.n.places[e.ref]
		c.Kind, c.Place = p.Kind, p.Name
		in := ""
		if len(p.Units) < 2 {
			in = p.Subunit
		}
		for _, other := range s.entries { // the tehsil may be listed under the name of its town
			if in == "" && other.kind == isSubunit && q.n.within[other.ref] == unit {
				in = q.n.subunits[other.ref].ID
			}
		}
		if in != "" {
			c.Subunit, c.Precision = in, subunitPrecision(unitPrecision(&q.g.index.units[unit]))
		}
		if p.HasPoint {
			c.Point, c.HasPoint = p.Point, true
			c.Precision = "settlement"
			if p.Kind != "settlement" {
				c.Precision = pointPrecision(p.AccuracyKM)
			}
		}
	}
}

// adminOnly leaves of a sense what a column of admin names can mean: no crossing, and so no position.
func adminOnly(s Sense) Sense {
	s.entries = slices.DeleteFunc(slices.Clone(s.entries), func(e entry) bool { return e.kind != isSubunit })
	return s
}

// pointPrecision is the word for a position that is off by so many kilometres.
func pointPrecision(km float64) string {
	if km > 5 {
		return "vicinity_25km"
	}
	return "near"
}

// keep leaves only the candidates that a sense names too.
func (q *reader) keep(label, field string, s Sense) {
	both := slices.DeleteFunc(slices.Clone(s.Units), func(u int) bool { return !slices.Contains(q.units, u) })
	if len(both) == 0 {
		return
	}
	q.narrow(both, label, len(field), func(u int) (string, Sense) { return q.why(label+" "+quote(field), s, u), s })
}

// narrow leaves only some of the candidates, with a reason and a detail for each from the whole of a field.
func (q *reader) narrow(units []int, label string, length int, why func(unit int) (string, Sense)) {
	was := len(q.units)
	var cands []Candidate
	var left []int
	for i, u := range q.units {
		if !slices.Contains(units, u) {
			continue
		}
		c := q.cands[i]
		if len(units) < was {
			c.Score = min(1, c.Score*float64(was)/float64(len(units)))
		}
		reason, s := why(u)
		c.Reasons = append(slices.Clip(c.Reasons), reason)
		if c.Place == "" && c.Subunit == "" {
			q.detail(&c, adminOnly(s), u)
			c.Field, c.Span = label, [2]int{0, length}
		}
		cands, left = append(cands, c), append(left, u)
	}
	if len(left) < was {
		q.former = -1
	}
	q.cands, q.units = cands, left
}

func (q *reader) warn(format string, args ...any) {
	q.rd.warnings = append(q.rd.warnings, Warning{Code: WarnAdminMismatch, Detail: fmt.Sprintf(format, args...)})
}

// finish turns what was collected into a reading.
func (q *reader) finish() *reading {
	rd := &q.rd
	rd.country, rd.area = q.country, q.area
	switch {
	case len(q.units) > 0:
		rd.units = sorted(q.units)
		slices.SortStableFunc(q.cands, func(a, b Candidate) int { return cmp.Compare(b.Score, a.Score) })
		rd.candidates = q.cands
		first := &q.g.index.units[rd.units[0]]
		country, province, names := first.Country, first.Province, []string{}
		rd.precision = "district"
		for _, u := range rd.units {
			unit := &q.g.index.units[u]
			if unit.Country != country {
				country = q.country
			}
			if unit.Province != province {
				province = ""
			}
			rd.precision = coarser(rd.precision, unitPrecision(unit))
			names = append(names, unit.Name)
		}
		rd.country, rd.province = country, province
		switch {
		case q.area == nil:
		case !q.torn:
			rd.province = cmp.Or(province, q.area.Province)
		case province != q.area.Province:
			rd.province = "" // one name says this province, the other that
		}
		rd.name = strings.Join(names, " or ")
		if len(rd.units) == 1 && !q.torn {
			rd.unit = rd.units[0]
			q.placed(rd)
		} else if q.former >= 0 && !q.torn {
			q.was(rd, q.former)
		} else if p := q.common(); p != nil {
			rd.point, rd.hasPoint, rd.pointPrecision, rd.name = p.Point, true, p.Precision, p.Place
		}
	case q.area != nil:
		rd.province, rd.precision = q.area.Province, q.area.Precision
		rd.name = q.area.Name
	case q.country != "":
		if rd.precision == "none" || rd.precision == "line" && rd.name == "" {
			rd.precision, rd.name = "country", countryName(q.country)
		}
	}
	return rd
}

// placed says what is known of the place beyond its one unit.
func (q *reader) placed(rd *reading) {
	c := &rd.candidates[0]
	rd.place, rd.subunit = c.Place, c.Subunit
	switch {
	case c.HasPoint:
		rd.point, rd.hasPoint, rd.pointPrecision = c.Point, true, c.Precision
	case c.Kind == "subunit" || c.Subunit != "":
		rd.precision = c.Precision
	case c.Place == "" && q.former < 0:
		// The name of a unit that was larger on that day, or of a part of one that was apart.
		if i := q.g.history.then(q.g.index.units[rd.unit].ID, q.day); i >= 0 && len(q.n.covers[i]) > 1 && q.n.formers[i].Now == q.g.index.units[rd.unit].ID {
			q.was(rd, i)
		}
	}
	if q.former >= 0 {
		rd.then = q.n.formers[q.former].ID
	}
}

// was says that a former unit is meant.
func (q *reader) was(rd *reading, former int) {
	f := &q.n.formers[former]
	rd.unit, rd.former, rd.units, rd.name, rd.precision = -1, former, q.n.covers[former], f.Name, "district"
	c := Candidate{UnitID: f.ID, Name: f.Name, Kind: "former", Precision: "district", Score: rd.candidates[0].Score,
		Field: rd.candidates[0].Field, Span: rd.candidates[0].Span}
	for _, k := range rd.candidates {
		for _, reason := range k.Reasons {
			because(&c, reason)
		}
		c.Score = max(c.Score, k.Score)
	}
	c.Reasons = slices.Compact(c.Reasons)
	if f.Source != "" {
		c.Reasons = append(c.Reasons, "its days are those of: "+f.Source)
	}
	c.Score = min(1, c.Score*float64(max(1, len(rd.candidates))))
	rd.candidates = []Candidate{c}
	if f.Kind == "province" {
		rd.precision = "province"
	}
}

// common is the position on which all candidates agree: that of a crossing, of which only the side is open.
func (q *reader) common() *Candidate {
	if q.torn || q.open || len(q.cands) == 0 || !q.cands[0].HasPoint {
		return nil
	}
	for _, c := range q.cands[1:] {
		if !c.HasPoint || c.Point != q.cands[0].Point {
			return nil
		}
	}
	return &q.cands[0]
}
