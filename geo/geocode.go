package geo

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/paulmach/orb"
)

// ToleranceKM is how far a point may lie outside the unit that is named with it before that is a disagreement, in kilometres:
// the polygons were simplified and drawn by different hands, and are not better than this.
const ToleranceKM = 2.0

// ContradictionKM is how far a precise point may lie outside the unit that is named with it for either to be believed, in
// kilometres. Beyond it both remain as candidates: a wrong coordinate is as likely as a wrong name.
const ContradictionKM = 50.0

// Status says whether a place was found.
type Status string

const (
	// StatusPlaced means that one unit is known, of today or of its day.
	StatusPlaced Status = "placed"
	// StatusAmbiguous means that several units are possible, or that the names contradict each other; see the candidates.
	StatusAmbiguous Status = "ambiguous"
	// StatusUnknown means that no unit is known; a country, a province or a point may be.
	StatusUnknown Status = "unknown"
)

// The codes of warnings. Nothing is moved because of any of them.
const (
	// WarnDistrictMismatch is a point that lies farther than ToleranceKM outside the unit or province that is named with it.
	WarnDistrictMismatch = "district_mismatch"
	// WarnCountryMismatch is the same for the country.
	WarnCountryMismatch = "country_mismatch"
	// WarnAdminMismatch means names that contradict each other, such as a district of another province.
	WarnAdminMismatch = "admin_mismatch"
	// WarnTextCut is a text of which only the beginning was read.
	WarnTextCut = "text_cut"
	// WarnZeroCoordinates is longitude 0, latitude 0: a blank that became a number. Such a point is not used.
	WarnZeroCoordinates = "zero_coordinates"
	// WarnSwappedCoordinates is a point outside the region that would lie inside it with longitude and latitude exchanged.
	WarnSwappedCoordinates = "swapped_coordinates"
	// WarnOutsideRegion is a point outside the box of both countries and half a degree around it (a load also says so of points
	// within the box that lie in none of the units).
	WarnOutsideRegion = "outside_region"
	// WarnInvalidCoordinates is a point that is not on earth (NaN, latitude 91…). Such a point is not used.
	WarnInvalidCoordinates = "invalid_coordinates"
)

// Request is what is known of a place. Every field may be empty.
type Request struct {
	// Country is a name or an ISO code, Adm1 a province, Adm2 a district, as the source writes them. The names of a
	// country outside the region are not looked up.
	Country, Adm1, Adm2 string
	// Place is the name of a place, Text a phrase or a paragraph. Names are found in both; those of Place come first.
	Place, Text string
	// Day is when it happened, in days since 1970-01-01, if HasDay is true. It says whether a unit still held what was cut out of it later.
	Day    int32
	HasDay bool
	// Point is lon, lat (CRS84) if HasPoint is true.
	Point    orb.Point
	HasPoint bool
	// Near is where the question is asked from, lon, lat (CRS84), if HasNear is true: of several candidates the nearest is taken.
	Near    orb.Point
	HasNear bool
	// Precision is what the source says of its place: exact, near, settlement, vicinity_25km, tehsil, district, province,
	// line, region, country or none; "" if it says nothing, which for a point counts as exact. From district on, a point
	// is taken for a label of something larger, and the names decide.
	Precision string
}

// Candidate is a unit that may be meant.
type Candidate struct {
	// UnitID and Name are those of the unit; Precision is "district" or, for units that are provinces, "province".
	UnitID, Name, Precision string
	// Kind says what the words stand for: "unit", "subunit", "former", "crossing", or a kind of Place; Place is its name,
	// "" for the unit itself.
	Kind, Place string
	// Subunit is the ID of the tehsil or Afghan district, "" if not known.
	Subunit string
	// Point is the position of the place (lon, lat, CRS84) if HasPoint is true.
	Point    orb.Point
	HasPoint bool
	// Score is between 0 and 1, to put candidates in order; it is not a probability.
	Score float64
	// Reasons are sentences for readers: which words or coordinates speak for it.
	Reasons []string
	// Field says on which field of the request it rests most, "adm1", "adm2", "place" or "text", and Span on which part of
	// that, as byte offsets from and to; "" and 0, 0 for a point.
	Field string
	Span  [2]int
}

// Warning is a doubt about a place.
type Warning struct {
	// Code is one of the Warn constants, Detail a sentence for readers.
	Code, Detail string
	// KM is the distance in kilometres of which the warning speaks, 0 where it speaks of none.
	KM float64
}

// Match is the answer to a Request. Its slices are shared with other answers: read them, do not change them.
type Match struct {
	// Status is StatusPlaced exactly when UnitID is not "".
	Status Status
	// Unit is the place in Units of the index, -1 if no unit is known.
	Unit int
	// UnitID is the slug of the unit, or that of a former unit, of which Unit is -1 and Units are the IDs of the units of
	// today that cover it; "" without one. Units is nil for a unit of today.
	UnitID string
	Units  []string
	// Subunit is the ID of the tehsil or Afghan district in which it was, "" if not known.
	Subunit string
	// Then is the ID of the former unit (an agency, a larger district) that the unit was on the day of the request, "" if
	// none was or no day is given.
	Then string
	// Name is that of the unit, or of the crossing, province or country that is known instead; "" if nothing is.
	Name string
	// Precision is how well the place is known, in the words of Request; "none" if not at all.
	Precision string
	// Point is, where HasPoint is true, a known position in lon, lat (CRS84): the source's own, never moved, or that of a
	// crossing. Where HasPoint is false it is the label point of the unit, which says nothing about where in the unit it
	// was, or 0, 0 without a unit.
	Point    orb.Point
	HasPoint bool
	// Country is "PK" or "AF", and Province the English name of the province, "" if not known; both may be known without a unit.
	Country, Province string
	// Candidates are the units that the names allow, the best first; nil where only a point was asked about.
	Candidates []Candidate
	// Warnings are the doubts, nil if there are none.
	Warnings []Warning
}

// Geocoder places incidents: points by the polygon that holds them, names by the table of names, both together with a
// warning where they disagree. It is safe for concurrent use.
type Geocoder struct {
	index  *Index
	names  *Names
	border *Border
	region orb.Bound
	epochs []int32 // the days on which a former unit began or ended, rising

	history  *history
	places   []Place
	subunits []Subunit
	below    func() *Index // of the subunits, made when it is first asked for

	mu       sync.RWMutex
	readings map[readingKey]*reading
}

// NewGeocoder makes a geocoder. It fails without an index.
func NewGeocoder(from Sources) (*Geocoder, error) {
	x, border := from.Index, from.Border
	if x == nil {
		return nil, errors.New("make geocoder: no index of units")
	}
	from.Formers = slices.DeleteFunc(slices.Clone(from.Formers), func(f Former) bool {
		return !slices.ContainsFunc(f.Units, func(id string) bool { _, ok := x.ByID(id); return ok })
	})
	g := &Geocoder{index: x, names: NewNames(from), border: border, readings: map[readingKey]*reading{}}
	g.history, g.places, g.subunits = newHistory(from.Formers), from.Places, from.Subunits
	g.below = sync.OnceValue(g.indexSubunits)
	g.region = x.Bound()
	if !g.region.IsEmpty() {
		g.region = g.region.Pad(0.5)
	}
	for _, f := range from.Formers {
		for _, day := range []int32{f.Dates.From, f.Dates.Until} {
			if at, found := slices.BinarySearch(g.epochs, day); day != NoDay && !found {
				g.epochs = slices.Insert(g.epochs, at, day)
			}
		}
	}
	return g, nil
}

// Index is the index of units that the geocoder was made with.
func (g *Geocoder) Index() *Index { return g.index }

// Names is the table of names of the geocoder.
func (g *Geocoder) Names() *Names { return g.names }

// Border is the border line that the geocoder was made with, nil if none.
func (g *Geocoder) Border() *Border { return g.border }

// Crossings are the crossings and passes of the border, in the order given. They are shared: read them, do not change them.
func (g *Geocoder) Crossings() []Crossing { return g.names.crossings }

// Subunits are the tehsils and Afghan districts, in the order given.
func (g *Geocoder) Subunits() []Subunit { return g.subunits }

// Places are the named places, in the order given, with those that With added at the end.
func (g *Geocoder) Places() []Place { return g.places }

// With is a geocoder that knows more places, such as those of a user's gazetteer or names learned from incidents. The
// geocoder itself stays as it is; both share what is large.
func (g *Geocoder) With(places []Place) *Geocoder {
	names := g.names.with(g.index, places)
	return &Geocoder{index: g.index, names: names, border: g.border, region: g.region, epochs: g.epochs,
		history: g.history, places: names.places, subunits: g.subunits, below: g.below, readings: map[readingKey]*reading{}}
}

// indexSubunits makes the index of subunits; nil without any, or if one of them cannot be indexed.
func (g *Geocoder) indexSubunits() *Index {
	units := make([]Unit, len(g.subunits))
	for i, s := range g.subunits {
		units[i] = Unit{ID: s.ID, Geometry: s.Geometry, Label: s.Label}
	}
	x, err := NewIndex(units)
	if err != nil || len(units) == 0 {
		return nil
	}
	return x
}

// SubunitAt is the ID of the subunit of a unit (a place in Units of the index) that holds a point (lon, lat, CRS84) or lies at
// most a kilometre beside it, "" if none does.
func (g *Geocoder) SubunitAt(p orb.Point, unit int) string {
	x := g.below()
	if x == nil {
		return ""
	}
	id := g.index.units[unit].ID
	if i := x.Locate(p); i >= 0 && g.subunits[i].Unit == id {
		return g.subunits[i].ID
	}
	// The edges of subunits are thinner than those of the units: beside them the nearest one counts.
	nearest, km := "", subunitKM
	for i := range g.subunits {
		if g.subunits[i].Unit != id {
			continue
		}
		if d := x.trees[i].distanceKM(p, km); d < km {
			nearest, km = g.subunits[i].ID, d
		}
	}
	return nearest
}

// subunitKM is how far beside all subunits of its unit a point may lie to be counted to the nearest, in kilometres.
const subunitKM = 1.0

// Region is the box (lon, lat, CRS84) outside which a point gets WarnOutsideRegion: that of all units and half a degree around it.
func (g *Geocoder) Region() orb.Bound { return g.region }

// parted is the former unit by which a point in one unit agrees with the name of another that was larger once; nil if there is
// none. Without a day the name may be an old one.
func (g *Geocoder) parted(from, to int, r *Request) *Former {
	n := g.names
	for i := range n.formers {
		f := &n.formers[i]
		if !f.Part && f.Now == g.index.units[from].ID && slices.Contains(n.covers[i], to) && (!r.HasDay || f.Dates.Holds(r.Day)) {
			return f
		}
	}
	return nil
}

// coarseness orders the words of precision; 0 are those that tell a point within a district.
func coarseness(word string) int {
	switch word {
	case "district":
		return 1
	case "province":
		return 2
	case "line":
		return 3
	case "region":
		return 4
	case "country":
		return 5
	case "none":
		return 6
	}
	return 0
}

func coarser(a, b string) string {
	if coarseness(a) > coarseness(b) {
		return a
	}
	return b
}

// Geocode places one request. The empty request is unknown with precision "none".
func (g *Geocoder) Geocode(r Request) Match {
	m := Match{Status: StatusUnknown, Unit: -1, Precision: "none"}
	hasPoint := r.HasPoint
	if hasPoint {
		switch {
		case !usable(r.Point):
			m.warn(WarnInvalidCoordinates, 0, "the coordinates are not a longitude and a latitude and were not used")
			hasPoint = false
		case r.Point == orb.Point{}:
			m.warn(WarnZeroCoordinates, 0, "the coordinates 0, 0 were not used")
			hasPoint = false
		}
	}
	epoch := g.epoch(&r)
	admin, rd := &unread, &unread
	if r.Country != "" || r.Adm1 != "" || r.Adm2 != "" {
		admin = g.reading(readingKey{country: r.Country, adm1: r.Adm1, adm2: r.Adm2, epoch: epoch})
		rd = admin
	}
	// Where admin names and a point are there, the name of the place can add nothing.
	if (r.Place != "" || r.Text != "") && (rd.unit < 0 || !hasPoint) {
		rd = g.reading(readingKey{r.Country, r.Adm1, r.Adm2, r.Place, r.Text, epoch})
	}
	m.Warnings = append(m.Warnings, rd.warnings...)
	if hasPoint {
		m.Point, m.HasPoint = r.Point, true
		if !admin.known() && admin.foreign == "" {
			admin = rd
		}
		g.byPoint(&m, admin, rd, &r)
	} else {
		g.byName(&m, rd, r.Precision)
	}
	if m.Status == StatusAmbiguous && r.HasNear && usable(r.Near) {
		g.nearest(&m, r.Near)
	}
	if m.Unit >= 0 && r.HasDay {
		m.Then = cmp.Or(m.Then, g.Then(m.UnitID, r.Day))
	}
	return m
}

// nearest decides between candidates by the place that the question is asked from.
func (g *Geocoder) nearest(m *Match, near orb.Point) {
	best, km, tied := -1, math.Inf(1), false
	for i, c := range m.Candidates {
		u, ok := g.index.ByID(c.UnitID)
		if !ok {
			continue
		}
		d := g.index.DistanceKM(u, near)
		if c.HasPoint {
			d = haversineKM(c.Point, near)
		}
		if d < km {
			best, km, tied = i, d, false
		} else if d == km {
			tied = true
		}
	}
	if best < 0 || tied {
		return
	}
	c := m.Candidates[best]
	c.Reasons = append(slices.Clip(c.Reasons), "it is the nearest to the place that the question is asked from")
	m.Candidates = append([]Candidate{c}, slices.Delete(slices.Clone(m.Candidates), best, best+1)...)
	u, _ := g.index.ByID(c.UnitID)
	if !m.HasPoint && c.HasPoint {
		m.Point, m.HasPoint = c.Point, true
	}
	g.place(m, u)
	m.Precision, m.Subunit = c.Precision, c.Subunit
	if c.Place != "" {
		m.Name = c.Place
	}
}

// epoch is the number of the time between two changes of the units in which a request falls, 0 for one without a day.
func (g *Geocoder) epoch(r *Request) int {
	if !r.HasDay {
		return 0
	}
	at, found := slices.BinarySearch(g.epochs, r.Day)
	if found {
		at++
	}
	return at + 1
}

// dayOf is a day of an epoch.
func (g *Geocoder) dayOf(epoch int) int32 {
	switch {
	case epoch == 0 || len(g.epochs) == 0:
		return NoDay
	case epoch == 1:
		return g.epochs[0] - 1
	}
	return g.epochs[epoch-2]
}

func (m *Match) warn(code string, km float64, format string, args ...any) {
	m.Warnings = append(m.Warnings, Warning{Code: code, KM: km, Detail: fmt.Sprintf(format, args...)})
}

// place puts the match into a unit.
func (g *Geocoder) place(m *Match, unit int) {
	u := &g.index.units[unit]
	m.Status, m.Unit, m.UnitID, m.Name, m.Country, m.Province = StatusPlaced, unit, u.ID, u.Name, u.Country, u.Province
	if !m.HasPoint {
		m.Point = u.Label
	}
}

// byName is the answer that the names alone give. A point is already in the match, if there is one.
func (g *Geocoder) byName(m *Match, rd *reading, precision string) {
	m.Candidates = rd.candidates
	m.Name, m.Country, m.Province = rd.name, rd.country, rd.province
	m.Precision = coarser(precision, rd.precision)
	if rd.hasPoint && !m.HasPoint {
		m.Point, m.HasPoint = rd.point, true
		m.Precision = coarser(precision, rd.pointPrecision)
	}
	switch {
	case rd.unit >= 0:
		g.place(m, rd.unit)
		m.Subunit, m.Then = rd.subunit, rd.then
		if rd.place != "" {
			m.Name = rd.place
		}
	case rd.former >= 0:
		f := &g.names.formers[rd.former]
		m.Status, m.UnitID, m.Name = StatusPlaced, f.ID, f.Name
		for _, u := range rd.units {
			m.Units = append(m.Units, g.index.units[u].ID)
		}
	case len(rd.candidates) > 0:
		m.Status = StatusAmbiguous
	}
}

// byPoint weighs the point of the match against the names: a precise one against those of the columns of admin names, where
// these say anything, since a text also names what is near by. What a coarse point leaves open all names decide.
func (g *Geocoder) byPoint(m *Match, admin, all *reading, r *Request) {
	p := m.Point
	at := g.index.Locate(p)
	off := at < 0 && !g.region.Contains(p)
	if off {
		if g.region.Contains(orb.Point{p[1], p[0]}) {
			m.warn(WarnSwappedCoordinates, 0, "longitude %g, latitude %g lies in the region only if the two are exchanged", p[0], p[1])
		} else {
			m.warn(WarnOutsideRegion, 0, "longitude %g, latitude %g lies outside the region", p[0], p[1])
		}
	}
	word := r.Precision
	if word == "" {
		word = "exact"
	}
	rd := admin
	if coarseness(word) == 1 {
		rd = all
	}
	if rd.foreign != "" && at >= 0 {
		m.warn(WarnCountryMismatch, 0, "the coordinates lie in %s, the source says %q", g.index.units[at].Name, rd.foreign)
		if coarseness(word) > 0 {
			m.Precision = word
			return
		}
	}
	agrees := at >= 0 && rd.allows(g.index.units, at)
	reason := "the coordinates lie in it"
	if !agrees && at >= 0 && rd.unit >= 0 {
		if s := g.parted(rd.unit, at, r); s != nil {
			agrees = true
			reason += "; it was a part of " + s.Name + " then"
		}
	}
	near, km := at, 0.0
	if !agrees && rd.known() {
		near, km = g.nearestAllowed(rd, p)
		if km > ToleranceKM {
			code, of := WarnDistrictMismatch, rd.name
			if rd.units == nil && rd.area == nil {
				code = WarnCountryMismatch
			}
			if !off && !math.IsInf(km, 1) { // of a point that is nowhere near one warning is enough
				m.warn(code, km, "the coordinates lie %.1f km outside %s", km, of)
			}
		}
	}

	level := coarseness(word)
	if level > 1 {
		rd = all
	}
	switch {
	case level == 0, level == 1 && rd.units == nil:
		// The point speaks for itself; of a district without a known name it is the only witness.
		switch {
		case at >= 0 && km > ContradictionKM && rd.units != nil:
			g.contradict(m, rd, at, reason)
			return
		case agrees, at >= 0 && km > ToleranceKM:
			g.place(m, at)
			m.Candidates = g.chosen(rd, at, reason)
		case near >= 0 && km <= ToleranceKM:
			g.place(m, near)
			m.Candidates = g.chosen(rd, near, fmt.Sprintf("the coordinates lie %.1f km beside it, which is within what the boundaries are good for", km))
		default:
			g.byName(m, rd, "")
			if m.Unit < 0 {
				m.Precision = word
			}
			return
		}
		m.Precision = word
	case rd.units != nil:
		// The point is the label of something as large as a district or larger: the name is what is known.
		g.byName(m, rd, word)
		if m.Unit < 0 && agrees {
			m.Candidates = g.hinted(rd, at)
		}
	case level == 2 && at >= 0 && (agrees || !rd.known()):
		u := &g.index.units[at]
		if u.Kind == "district" {
			m.Name, m.Country, m.Province, m.Precision = u.Province, u.Country, u.Province, word
			break
		}
		g.place(m, at)
		m.Precision = word
	default:
		g.byName(m, rd, word)
		if rd.known() {
			break
		}
		m.Precision = word
		if at >= 0 && level > 3 {
			m.Country = g.index.units[at].Country
			m.Name = countryName(m.Country)
		}
	}
}

// contradict is the answer where a point and the names lie too far apart for either to be believed.
func (g *Geocoder) contradict(m *Match, rd *reading, at int, reason string) {
	u := &g.index.units[at]
	m.Status, m.Candidates, m.Name = StatusAmbiguous, g.chosen(rd, at, reason), u.Name+" or "+rd.name
	m.Country, m.Province, m.Precision = u.Country, u.Province, coarser(unitPrecision(u), rd.precision)
	if rd.country != m.Country {
		m.Country = ""
	}
	if rd.province != m.Province {
		m.Province = ""
	}
	if rd.candidates == nil {
		m.Candidates = append(m.Candidates, g.candidate(at, 1, reason))
	}
}

// nearestAllowed is the nearest unit that the names allow, and its distance.
func (g *Geocoder) nearestAllowed(rd *reading, p orb.Point) (int, float64) {
	best, km := -1, math.Inf(1)
	for i := range g.index.units {
		if !rd.allows(g.index.units, i) {
			continue
		}
		if d := g.index.trees[i].distanceKM(p, km); d < km {
			best, km = i, d
		}
	}
	return best, km
}

// chosen are the candidates of the names with the one that the point decided for at the front, nil where no names were given.
func (g *Geocoder) chosen(rd *reading, unit int, reason string) []Candidate {
	if rd.candidates == nil || rd.unit == unit {
		return rd.candidates
	}
	c := g.candidate(unit, 1)
	out := []Candidate{c}
	for _, other := range rd.candidates {
		if other.UnitID == c.UnitID {
			out[0].Field, out[0].Span = other.Field, other.Span
			out[0].Reasons = append(out[0].Reasons, other.Reasons...)
			continue
		}
		out = append(out, other)
	}
	out[0].Reasons = append(out[0].Reasons, reason)
	return out
}

// hinted are the candidates, with a word about the one in which a coarse point happens to lie.
func (g *Geocoder) hinted(rd *reading, at int) []Candidate {
	out := slices.Clone(rd.candidates)
	for i := range out {
		if out[i].UnitID == g.index.units[at].ID {
			out[i].Reasons = append(slices.Clone(out[i].Reasons), "the coordinates lie in it, but stand for the whole of "+rd.name)
		}
	}
	return out
}

func (g *Geocoder) candidate(unit int, score float64, reasons ...string) Candidate {
	u := &g.index.units[unit]
	return Candidate{UnitID: u.ID, Name: u.Name, Kind: "unit", Precision: unitPrecision(u), Score: score, Reasons: reasons}
}

func unitPrecision(u *Unit) string {
	if u.Kind == "district" {
		return "district"
	}
	return "province"
}
