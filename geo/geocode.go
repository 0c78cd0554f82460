package geo

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"
)

// ToleranceKM is how far a point may lie outside the unit that is named with it before that is a disagreement, in kilometres:
// the polygons were simplified and drawn by different hands, and are not better than this.
const ToleranceKM = 2.0

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
	// WarnZeroCoordinates is longitude 0, latitude 0: a blank that became a number. Such a point is not used.
	WarnZeroCoordinates = "zero_coordinates"
	// WarnSwappedCoordinates is a point outside the region that would lie inside it with longitude and latitude exchanged.
	WarnSwappedCoordinates = "swapped_coordinates"
	// WarnOutsideRegion is a point outside the box of both countries.
	WarnOutsideRegion = "outside_region"
	// WarnInvalidCoordinates is a point that is not on earth (NaN, latitude 91…). Such a point is not used.
	WarnInvalidCoordinates = "invalid_coordinates"
)

// Request is what is known of a place. Every field may be empty.
type Request struct {
	// Country is a name or an ISO code, Adm1 a province, Adm2 a district, as the source writes them. The names of a
	// country outside the region are not looked up.
	Country, Adm1, Adm2 string
	// Place is the name of a place, Text a phrase. Only whole names are looked up in them, and Text only where Place is not known.
	Place, Text string
	// Day is when it happened, in days since 1970-01-01, if HasDay is true. It says whether a unit still held what was cut out of it later.
	Day    int32
	HasDay bool
	// Point is lon, lat (CRS84) if HasPoint is true.
	Point    orb.Point
	HasPoint bool
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
	// Span is the part of the field (of Place or Text, if these decided) that it rests on, as byte offsets from and to; 0, 0 for a point.
	Span [2]int
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
	splits []split

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
	g := &Geocoder{index: x, names: NewNames(x, from.Crossings, from.Ambiguities), border: border, readings: map[readingKey]*reading{}}
	g.history, g.places, g.subunits = newHistory(from.Formers), from.Places, from.Subunits
	g.below = sync.OnceValue(g.indexSubunits)
	g.region = x.Bound()
	if !g.region.IsEmpty() {
		g.region = g.region.Pad(0.5)
	}
	for _, p := range partings {
		from, ok := x.ByID(p.from)
		to, also := x.ByID(p.to)
		if ok && also {
			g.splits = append(g.splits, split{from, to, p.year, int32((p.year+1-1970)*365 + (p.year-1968)/4)}) // leap years as from 1972 to 2096
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

// Subunits are the tehsils and Afghan districts, in the order given.
func (g *Geocoder) Subunits() []Subunit { return g.subunits }

// Places are the named places, in the order given, with those that With added at the end.
func (g *Geocoder) Places() []Place { return g.places }

// With is a geocoder that knows more places, such as those of a user's gazetteer or names learned from incidents. The
// geocoder itself stays as it is; both share what is large.
func (g *Geocoder) With(places []Place) *Geocoder {
	w := &Geocoder{index: g.index, names: g.names, border: g.border, region: g.region, splits: g.splits,
		history: g.history, subunits: g.subunits, below: g.below, readings: map[readingKey]*reading{}}
	w.places = append(slices.Clip(g.places), places...)
	return w
}

// Complete are the places whose names begin with a string, the best first, at most limit: what a search box offers while
// somebody types. Names that are whole come before longer ones, units before towns, larger towns before smaller ones.
func (g *Geocoder) Complete(prefix string, limit int) []Candidate { return nil }

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

// subunitAt is the ID of the subunit of a unit that holds a point, "" if none does.
func (g *Geocoder) subunitAt(p orb.Point, unit int) string {
	x := g.below()
	if x == nil {
		return ""
	}
	if i := x.Locate(p); i >= 0 && g.subunits[i].Unit == g.index.units[unit].ID {
		return g.subunits[i].ID
	}
	return ""
}

// Region is the box (lon, lat, CRS84) outside which a point gets WarnOutsideRegion: that of all units and half a degree around it.
func (g *Geocoder) Region() orb.Bound { return g.region }

// partings are the units that were cut out of others lately, with the year in which that happened: until its end a point in the new
// unit agrees with the name of the old one. The years are those commonly given; none was checked against its
// notification, and none is used for anything but keeping back a warning.
var partings = []struct {
	from, to string
	year     int
}{
	{"pk-ba-chagai", "pk-ba-nushki", 2004},
	{"pk-ba-kharan", "pk-ba-washuk", 2005},
	{"pk-ba-zhob", "pk-ba-sherani", 2006},
	{"pk-ba-sibi", "pk-ba-harnai", 2007},
	{"pk-kp-mansehra", "pk-kp-torghar", 2011},
	{"pk-ba-jaffarabad", "pk-ba-sohbatpur", 2013},
	{"pk-ba-loralai", "pk-ba-duki", 2016},
	{"pk-ba-kalat", "pk-ba-surab", 2017},
	{"pk-ba-killa-abdullah", "pk-ba-chaman", 2021},
	{"pk-ba-lasbela", "pk-ba-hub", 2022},
	{"pk-ba-jaffarabad", "pk-ba-usta-muhammad", 2022},
}

// split is a parting between units of the index.
type split struct {
	from, to int
	year     int
	before   int32 // the first day after that year, in days since 1970-01-01
}

// parted is the parting by which a point in one unit agrees with the name of another; nil if there is none. Without a
// day the name may be an old one.
func (g *Geocoder) parted(from, to int, r *Request) *split {
	for i := range g.splits {
		if s := &g.splits[i]; s.from == from && s.to == to && (!r.HasDay || r.Day < s.before) {
			return s
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
	rd := &unread
	if r.Country != "" || r.Adm1 != "" || r.Adm2 != "" {
		rd = g.reading(readingKey{country: r.Country, adm1: r.Adm1, adm2: r.Adm2})
	}
	// Where admin names and a point are there, the name of the place can add nothing.
	if (r.Place != "" || r.Text != "") && (rd.unit < 0 || !hasPoint) {
		rd = g.reading(readingKey{r.Country, r.Adm1, r.Adm2, r.Place, r.Text})
	}
	m.Warnings = append(m.Warnings, rd.warnings...)
	if hasPoint {
		m.Point, m.HasPoint = r.Point, true
		g.byPoint(&m, rd, &r)
	} else {
		g.byName(&m, rd, r.Precision)
	}
	return m
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
		if rd.hasPoint {
			m.Name = rd.name
		}
	case len(rd.candidates) > 0:
		m.Status = StatusAmbiguous
	}
}

// byPoint weighs the point of the match against the names.
func (g *Geocoder) byPoint(m *Match, rd *reading, r *Request) {
	p := m.Point
	at := g.index.Locate(p)
	if at < 0 && !g.region.Contains(p) {
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
			reason += fmt.Sprintf("; it was part of %s until %d", rd.name, s.year)
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
			if !math.IsInf(km, 1) {
				m.warn(code, km, "the coordinates lie %.1f km outside %s", km, of)
			}
		}
	}

	switch level := coarseness(word); {
	case level == 0, level == 1 && rd.units == nil:
		// The point speaks for itself; of a district without a known name it is the only witness.
		switch {
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
			out[0].Span = other.Span
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
	return Candidate{UnitID: u.ID, Name: u.Name, Precision: unitPrecision(u), Score: score, Reasons: reasons}
}

func unitPrecision(u *Unit) string {
	if u.Kind == "district" {
		return "district"
	}
	return "province"
}

// reading is what the names of a request mean together. It is shared and never changed.
type reading struct {
	unit       int   // -1: none or not decided
	units      []int // all that are possible, rising; nil: not known by unit
	area       *Area
	country    string
	province   string
	name       string
	precision  string
	candidates []Candidate
	warnings   []Warning

	point          orb.Point // of a crossing
	hasPoint       bool
	pointPrecision string

	foreign string // the country as written, where it is none of the region
}

var unread = reading{unit: -1, precision: "none"}

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

type readingKey struct{ country, adm1, adm2, place, text string }

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
	k = readingKey{strings.Clone(k.country), strings.Clone(k.adm1), strings.Clone(k.adm2), strings.Clone(k.place), strings.Clone(k.text)}
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
	g       *Geocoder
	rd      reading
	country string
	area    *Area
	cands   []Candidate
	units   []int // of cands, same order
	torn    bool  // the names contradict each other: no unit may be chosen
}

// read reads the names from the largest to the smallest.
func (g *Geocoder) read(k readingKey) *reading {
	q := &reader{g: g, rd: unread}
	if k.country != "" {
		country, foreign := g.readCountry(k.country)
		if foreign {
			q.rd.foreign = k.country
			return &q.rd // names of another country are not ours to guess
		}
		q.country = country
	}
	one, two := g.names.Lookup(k.adm1), g.names.Lookup(k.adm2)
	q.first(k.adm1, one)
	q.second(k.adm2, two)
	if !q.place("place", k.place) {
		q.place("text", k.text)
	}
	return q.finish()
}

// readCountry reads a country; one that names both countries says nothing, one that names none is foreign.
func (g *Geocoder) readCountry(s string) (code string, foreign bool) {
	if sense := g.names.Lookup(s); sense.Kind == SenseCountry {
		return sense.Country, false
	}
	f := key(Fold(s))
	if f == "" || strings.Contains(f, "pakistan") && strings.Contains(f, "afghanistan") {
		return "", false
	}
	return "", true
}

// first takes the first-level name in.
func (q *reader) first(field string, s Sense) {
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
	case SenseUnit, SenseAmbiguous:
		if units := q.pick(s, nil); len(units) > 0 {
			q.take("adm1", field, s, units)
		} else if len(s.Units) > 0 {
			q.warn("%q is not in %s", field, countryName(q.country))
		} else {
			q.rd.name, q.rd.precision = s.Name, "region"
		}
	}
}

// second takes the second-level name in, within what the first one left.
func (q *reader) second(field string, s Sense) {
	switch s.Kind {
	case SenseCountry:
		if q.country == "" {
			q.country = s.Country
		}
		return
	case SenseArea:
		if len(q.units) == 0 && (q.country == "" || q.country == s.Country) && (q.area == nil || q.area.Province == s.Area.Province) {
			q.country, q.area = s.Country, s.Area
		}
		return
	case SenseUnit, SenseAmbiguous:
		if len(s.Units) == 0 {
			q.rd.name, q.rd.precision = s.Name, "region"
			return
		}
	default:
		return
	}
	if len(q.units) > 0 {
		q.within(field, s)
		return
	}
	units := q.pick(s, q.area)
	if len(units) == 0 && q.area != nil {
		// A former territory does not bind: "FATA" was also written of districts beside it.
		units = q.pick(s, q.province())
	}
	if len(units) > 0 {
		q.take("adm2", field, s, units)
		return
	}
	if q.area == nil {
		return // a district of the same name in the other country, which is not in our list
	}
	if units = q.pick(s, nil); len(units) > 0 {
		q.warn("%q is not in %s", field, q.area.Name)
		q.take("adm2", field, s, units)
		q.torn = true
	}
}

// within takes a second-level name in where the first level is already one or several units.
func (q *reader) within(field string, s Sense) {
	both := slices.DeleteFunc(slices.Clone(s.Units), func(u int) bool { return !slices.Contains(q.units, u) })
	switch {
	case len(both) > 0:
		q.keep(both, fmt.Sprintf("adm2 %q agrees", field))
	case len(q.units) == 1 && q.g.index.units[q.units[0]].Kind != "district":
		// The unit is the province, and districts elsewhere share names: in Afghanistan that is common and no contradiction.
		if u := q.g.index.units[q.units[0]]; u.Country == "PK" && s.Score > 0.95 {
			q.warn("%q is not in %s", field, u.Name)
		}
	default:
		if units := q.pick(s, nil); len(units) > 0 {
			q.warn("%q is not in %s", field, q.g.index.units[q.units[0]].Name)
			q.add("adm2", field, s, units)
			q.torn = true
		}
	}
}

// place takes the name of a place or a phrase in, and says whether it was known.
func (q *reader) place(label, field string) bool {
	if field == "" {
		return false
	}
	s := q.g.names.Lookup(field)
	if s.Kind == "" {
		return false
	}
	switch {
	case q.torn:
	case len(q.units) == 0:
		if units := q.pick(s, q.area); len(units) > 0 {
			q.take(label, field, s, units)
		} else if s.Units != nil {
			return true
		} else if s.Kind == SenseArea && q.area == nil && (q.country == "" || q.country == s.Country) {
			q.country, q.area = s.Country, s.Area
		} else if s.Kind == SenseCountry && q.country == "" {
			q.country = s.Country
		}
	case len(q.units) > 1:
		both := slices.DeleteFunc(slices.Clone(s.Units), func(u int) bool { return !slices.Contains(q.units, u) })
		if len(both) > 0 {
			q.keep(both, fmt.Sprintf("%s %q", label, field))
		}
	}
	if s.Crossing >= 0 && !q.torn {
		c := &q.g.names.crossings[s.Crossing]
		side := slices.ContainsFunc(q.units, func(u int) bool { return slices.Contains(q.g.names.sides[s.Crossing], u) })
		if side || len(q.units) == 0 && !q.rdKnown() {
			q.rd.point, q.rd.hasPoint, q.rd.pointPrecision = c.Point, true, "near"
			if c.AccuracyKM > 5 {
				q.rd.pointPrecision = "vicinity_25km"
			}
			q.rd.name = c.Name
		}
	}
	return true
}

func (q *reader) rdKnown() bool { return q.country != "" || q.area != nil }

// province is the whole province of the area.
func (q *reader) province() *Area {
	if s, ok := q.g.names.whole(q.area.Province); ok && s.Area != nil {
		return s.Area
	}
	return q.area
}

// pick are the units of a sense that country and area leave; its default alone if that is among them.
func (q *reader) pick(s Sense, area *Area) []int {
	var out []int
	for _, u := range s.Units {
		if (q.country == "" || q.g.index.units[u].Country == q.country) && (area == nil || area.holds(u)) {
			out = append(out, u)
		}
	}
	if s.Default >= 0 && slices.Contains(out, s.Default) {
		return []int{s.Default}
	}
	return out
}

// take makes units the candidates, add adds them.
func (q *reader) take(label, field string, s Sense, units []int) {
	q.cands, q.units = nil, nil
	q.add(label, field, s, units)
}

func (q *reader) add(label, field string, s Sense, units []int) {
	for _, u := range units {
		var why strings.Builder
		fmt.Fprintf(&why, "%s %q ", label, field)
		switch s.Kind {
		case SenseCrossing:
			fmt.Fprintf(&why, "is a crossing of %s", q.g.index.units[u].Name)
		case SenseSeat:
			fmt.Fprintf(&why, "is the seat of %s", q.g.index.units[u].Name)
		case SenseAmbiguous:
			if len(s.Units) > 1 {
				fmt.Fprintf(&why, "may be %s", q.g.index.units[u].Name)
				break
			}
			fallthrough
		default:
			fmt.Fprintf(&why, "names %s", q.g.index.units[u].Name)
		}
		if s.How != "" {
			why.WriteString(" (" + s.How + ")")
		}
		c := q.g.candidate(u, s.Score/float64(len(units)), why.String())
		if len(units) == 1 && len(s.Units) > 1 && s.Default != u {
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
		c.Span = [2]int{0, len(field)}
		q.cands, q.units = append(q.cands, c), append(q.units, u)
	}
}

// keep leaves only some of the candidates.
func (q *reader) keep(units []int, reason string) {
	narrowed := len(units) < len(q.units)
	var cands []Candidate
	var left []int
	for i, u := range q.units {
		if slices.Contains(units, u) {
			c := q.cands[i]
			if narrowed {
				c.Score = min(1, c.Score*float64(len(q.units))/float64(len(units)))
			}
			c.Reasons = append(c.Reasons, reason)
			cands, left = append(cands, c), append(left, u)
		}
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
		rd.units = slices.Clone(q.units)
		slices.Sort(rd.units)
		rd.units = slices.Compact(rd.units)
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
		if !rd.hasPoint {
			rd.name = strings.Join(names, " or ")
		}
		if len(rd.units) == 1 && !q.torn {
			rd.unit = rd.units[0]
		}
	case q.area != nil:
		rd.province, rd.precision = q.area.Province, q.area.Precision
		rd.name = q.area.Name
	case q.country != "":
		if rd.precision == "none" {
			rd.precision = "country"
			if !rd.hasPoint {
				rd.name = countryName(q.country)
			}
		}
	}
	if rd.hasPoint && rd.units == nil && rd.area == nil && rd.country == "" {
		rd.precision = rd.pointPrecision
	}
	return rd
}
