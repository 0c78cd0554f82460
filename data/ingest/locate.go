package ingest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"sarhad/data/source"
	"sarhad/geo"
	"sarhad/incident"
)

// The codes of warnings that placing adds to those of package geo.
const (
	// WarnAmbiguousName is a name that belongs to several units; the incident stays unresolved with its candidates.
	WarnAmbiguousName = "ambiguous_name"
	// WarnUnknownUnit is a unit_id in the file that is no unit here; it is left out.
	WarnUnknownUnit = "unknown_unit"
	// WarnUnknownName is the name of an admin unit that is none here; it is kept
	// in the words of the place and nothing follows from it.
	WarnUnknownName = "unknown_name"
	// WarnPlaceWithoutPoint is a place_kind of point or circle without coordinates.
	WarnPlaceWithoutPoint = "place_without_point"
	// WarnLearnedPlace is a row that only a name learned from incidents of a dataset could place.
	WarnLearnedPlace = "learned_place"
	// WarnLabelCoordinates is a point, said to be a place, that is the middle or the label point of a unit, a province or a country.
	WarnLabelCoordinates = "label_coordinates"
)

// Radii in kilometres around the point within which an incident lies, by
// precision. Coordinates of a source that are exact or near have none, but closer than
// borderToleranceKM to the border their side is not told: the line is not drawn better.
// A position of the gazetteer is off by what the gazetteer says, by positionKM at least;
// one that incidents taught by learnedKM at most, for what is worse is a circle.
const (
	vicinityKM        = 25.0
	settlementKM      = 2.5
	positionKM        = 1.0
	learnedKM         = 5.0
	borderToleranceKM = 0.1
)

// geoLocator is a [Locator] that asks package geo.
type geoLocator struct {
	g        *geo.Geocoder
	index    *geo.Index
	border   *geo.Border
	ranges   []borderRange  // of the units
	subunits map[string]int // ID → place in the subunits of g
	below    []borderRange  // of the subunits
	labels   *labels
	accuracy func() map[orb.Point]float64 // of the positions that the geocoder knows, in kilometres; made when it is first needed
	more     func() *learned              // made when it is first needed; nil without any
}

// learned is a geocoder that knows learned names beside its own, and what these rest on, by name.
type learned struct {
	g     *geo.Geocoder
	rests map[string]string
}

// borderRange is the distance of the parts of a polygon from the border.
type borderRange struct {
	once     sync.Once
	min, max float64
}

// NewLocator returns a locator that asks a geocoder. Distances to the border
// are given if the geocoder has a border. It is safe for concurrent use.
//
// names gives names of places that incidents taught; it may be nil. It is called at
// most once, when the first row comes that has words for its place, no
// coordinates, and no unit that the geocoder knows from the words; such a row
// is placed by a learned name at best near its point and gets [WarnLearnedPlace].
func NewLocator(g *geo.Geocoder, names func() []geo.Place) Locator {
	units, subunits := g.Index().Units(), g.Subunits()
	l := &geoLocator{g: g, index: g.Index(), border: g.Border(), ranges: make([]borderRange, len(units)), below: make([]borderRange, len(subunits)),
		subunits: make(map[string]int, len(subunits)), labels: newLabels(units)}
	for i := range subunits {
		l.subunits[subunits[i].ID] = i
	}
	l.accuracy = sync.OnceValue(l.accuracies)
	if names != nil {
		l.more = sync.OnceValue(func() *learned {
			places := names()
			if len(places) == 0 {
				return nil
			}
			m := &learned{g.With(places), make(map[string]string, len(places))}
			for i := range places {
				p := &places[i]
				rests := fmt.Sprintf("%d incidents of %s", p.Count, p.Source)
				if before := m.rests[p.Name]; before != "" {
					rests = before + ", " + rests
				}
				m.rests[p.Name] = rests
			}
			return m
		})
	}
	return l
}

// Locate implements [Locator].
func (l *geoLocator) Locate(row *source.Row) []source.Issue {
	in := &row.Incident
	var doubts []source.Issue
	l.checkUnits(row, &doubts)
	var side incident.BorderSide // as far as the file settles it
	unit := in.UnitID
	if in.Place.Kind != "" {
		side = in.Border.Side
		l.given(row, &doubts)
	} else {
		l.find(row, &doubts)
	}
	l.nameOfDay(in)
	in.Border = l.distance(in, func() incident.BorderSide {
		if side == "" && in.UnitID != "" && (unit == in.UnitID || l.names(row, in.UnitID)) {
			return incident.BorderSide(in.Country)
		}
		return side
	})
	return doubts
}

// nameOfDay completes what is known of the former unit that the unit was on the day.
func (l *geoLocator) nameOfDay(in *incident.Incident) {
	in.DistrictThen = ""
	if in.UnitID == "" {
		in.UnitThen = ""
	}
	if in.UnitThen != "" {
		f, _ := l.g.Former(in.UnitThen)
		in.DistrictThen = f.Name
	}
}

// names reports whether the admin names of a row stand for a unit, by the name
// that it has or that it had on the day.
func (l *geoLocator) names(row *source.Row, unit string) bool {
	if row.Adm1 == "" && row.Adm2 == "" {
		return false
	}
	m := l.g.Geocode(geo.Request{Country: row.Country, Adm1: row.Adm1, Adm2: row.Adm2, Day: int32(row.Incident.Start), HasDay: true})
	return m.UnitID != "" && l.g.Covers(m.UnitID, unit)
}

func doubt(row *source.Row, doubts *[]source.Issue, column, value, code, reason string) {
	*doubts = append(*doubts, source.Issue{Line: row.Line, Column: column, Value: value, Code: code, Reason: reason})
	if !slices.Contains(row.Incident.Warnings, code) {
		row.Incident.Warnings = append(row.Incident.Warnings, code)
	}
}

// checkUnits takes out units that the file names and that do not exist.
func (l *geoLocator) checkUnits(row *source.Row, doubts *[]source.Issue) {
	in := &row.Incident
	known := func(column, id string) bool {
		if l.isUnit(id) {
			return true
		}
		doubt(row, doubts, column, id, WarnUnknownUnit, "there is no unit of this id; it was left out")
		return false
	}
	if in.UnitID != "" && !known("unit_id", in.UnitID) {
		in.UnitID = ""
	}
	for _, l := range []struct {
		column string
		ids    *[]string
	}{{"place_units", &in.Place.Units}, {"candidates", &in.Candidates}} {
		if len(*l.ids) > 0 {
			*l.ids = slices.DeleteFunc(*l.ids, func(id string) bool { return !known(l.column, id) })
		}
	}
	if in.Subunit == "" {
		return
	}
	i, ok := l.subunits[in.Subunit]
	switch {
	case !ok:
		doubt(row, doubts, "subunit_id", in.Subunit, WarnUnknownUnit, "there is no tehsil or Afghan district of this id; it was left out")
		in.Subunit = ""
	case in.UnitID == "":
		in.UnitID = l.g.Subunits()[i].Unit
	case !l.g.Covers(in.UnitID, l.g.Subunits()[i].Unit):
		doubt(row, doubts, "subunit_id", in.Subunit, WarnUnknownUnit, "it does not lie in "+in.UnitID+"; it was left out")
		in.Subunit = ""
	}
}

// isUnit says whether there is or was a unit of an ID.
func (l *geoLocator) isUnit(id string) bool {
	if _, ok := l.index.ByID(id); ok {
		return true
	}
	_, ok := l.g.Former(id)
	return ok
}

// today are the units of today of units and former ones, each once, in their order.
func (l *geoLocator) today(ids []string) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		units := []string{id}
		if f, ok := l.g.Former(id); ok {
			units = f.Units
		}
		for _, u := range units {
			if !slices.Contains(out, u) {
				out = append(out, u)
			}
		}
	}
	return out
}

// enter fills in the fields that follow from a unit.
func (l *geoLocator) enter(in *incident.Incident, unit int) {
	u := &l.index.Units()[unit]
	in.UnitID, in.PCode, in.Country, in.Province, in.District = u.ID, u.PCode, u.Country, u.Province, ""
	if u.Kind == "district" {
		in.District = u.Name
	}
	if !in.HasPoint {
		in.Point, in.HasPoint = u.Label, true
	}
}

// enterFormer does the same for a former unit, which has no label point: the
// middle of several units may lie in none of them.
func (l *geoLocator) enterFormer(in *incident.Incident, id string) {
	f, ok := l.g.Former(id)
	if !ok {
		return
	}
	in.UnitID, in.PCode, in.Country, in.Province, in.District = f.ID, "", f.Country, f.Province, f.Name
}

func (l *geoLocator) leave(in *incident.Incident) {
	in.UnitID, in.PCode, in.Province, in.District = "", "", "", ""
}

// given takes a place as the file states it.
func (l *geoLocator) given(row *source.Row, doubts *[]source.Issue) {
	in := &row.Incident
	p := &in.Place
	_, former := l.g.Former(in.UnitID)
	if len(p.Units) > 0 {
		p.Units = l.today(p.Units)
	}
	if p.Kind == incident.PlaceSubunit && in.Subunit == "" {
		p.Kind = incident.PlaceUnit
	}
	if p.Kind == incident.PlaceUnit && former {
		p.Kind, p.Units = incident.PlaceUnits, l.today([]string{in.UnitID})
	}
	if p.Kind == incident.PlaceUnits {
		switch {
		case former && len(p.Units) == 0:
			p.Units = l.today([]string{in.UnitID})
		case len(p.Units) == 0 && in.UnitID != "":
			p.Kind = incident.PlaceUnit
		case len(p.Units) == 1 && (in.UnitID == "" || in.UnitID == p.Units[0]):
			p.Kind, in.UnitID, p.Units = incident.PlaceUnit, p.Units[0], nil
		case len(p.Units) == 0:
			p.Kind = incident.PlaceNone
		}
	}
	if (p.Kind == incident.PlacePoint || p.Kind == incident.PlaceCircle) && !in.HasPoint {
		doubt(row, doubts, "place_kind", string(p.Kind), WarnPlaceWithoutPoint, "the place is a point or a circle, and no coordinates are given")
		p.Kind = incident.PlaceNone
		if in.UnitID != "" {
			p.Kind = incident.PlaceUnit
		}
	}
	if p.Kind == incident.PlaceUnit && in.UnitID == "" {
		p.Kind = incident.PlaceNone
	}
	if p.Kind == incident.PlaceCircle && p.RadiusM == 0 {
		p.RadiusM = vicinityKM * 1000
	}
	if p.Kind != incident.PlaceCircle {
		p.RadiusM = 0
	}
	if unit, ok := l.index.ByID(in.UnitID); ok {
		if p.Kind == incident.PlacePoint {
			l.checkDistance(row, unit, doubts)
		}
		named := in.HasPoint
		l.enter(in, unit)
		if p.Kind == incident.PlaceSubunit && !named {
			in.Point = l.g.Subunits()[l.subunits[in.Subunit]].Label
		} else if p.Kind != incident.PlaceUnit && !named {
			in.HasPoint, in.Point = false, orb.Point{}
		}
	} else if former {
		l.enterFormer(in, in.UnitID)
	} else if row.Adm1 != "" {
		m := l.g.Geocode(geo.Request{Country: row.Country, Adm1: row.Adm1})
		in.Province = m.Province
	}
	if p.Kind != incident.PlacePoint && p.Kind != incident.PlaceSubunit {
		in.Subunit = "" // of a place that is larger no tehsil is known
	}
	if p.Kind == incident.PlaceProvince && in.Province == "" {
		p.Kind = incident.PlaceNone
	}
	if p.Kind == incident.PlaceCountry && in.Country == "" {
		p.Kind = incident.PlaceNone
	}
	// The file may say more than the day does: a Frontier Region was a part of what is the unit today.
	if f, ok := l.g.Former(in.UnitThen); !ok || !slices.Contains(f.Units, in.UnitID) {
		in.UnitThen = l.g.Then(in.UnitID, int32(in.Start))
	}
	isPoint := p.Kind == incident.PlacePoint || p.Kind == incident.PlaceCircle
	if in.LocationPrecision == "" || in.LocationPrecision.IsPoint() && !isPoint {
		in.LocationPrecision = precisionOf(p.Kind)
	}
}

func precisionOf(k incident.PlaceKind) incident.LocationPrecision {
	switch k {
	case incident.PlacePoint:
		return incident.LocNear
	case incident.PlaceCircle:
		return incident.LocVicinity
	case incident.PlaceSubunit:
		return incident.LocTehsil
	case incident.PlaceUnit:
		return incident.LocDistrict
	case incident.PlaceUnits:
		return incident.LocRegion
	case incident.PlaceProvince:
		return incident.LocProvince
	case incident.PlaceBorder:
		return incident.LocLine
	case incident.PlaceCountry:
		return incident.LocCountry
	}
	return incident.LocNone
}

// checkDistance warns of a point that lies outside the unit that the file gives.
func (l *geoLocator) checkDistance(row *source.Row, unit int, doubts *[]source.Issue) {
	in := &row.Incident
	if km := l.index.DistanceKM(unit, in.Point); km > geo.ToleranceKM && (in.Place.Kind != "" || l.g.Region().Contains(in.Point)) { // else it is said that it lies nowhere here
		doubt(row, doubts, "unit_id", in.UnitID, geo.WarnDistrictMismatch, fmt.Sprintf("the coordinates lie %.1f km outside %s", km, l.index.Units()[unit].Name))
	}
}

// find places an incident by its coordinates and names.
func (l *geoLocator) find(row *source.Row, doubts *[]source.Issue) {
	in := &row.Incident
	var large *label
	if in.HasPoint && in.LocationPrecision.IsPoint() {
		large = l.checkLabel(row, doubts)
	}
	var m geo.Match
	if unit, ok := l.index.ByID(in.UnitID); ok {
		// The file names the unit: what remains is how well the place is known.
		u := &l.index.Units()[unit]
		m = geo.Match{Unit: unit, UnitID: u.ID, Subunit: in.Subunit, Then: l.g.Then(u.ID, int32(in.Start)), Country: u.Country, Province: u.Province, Name: u.Name,
			Point: in.Point, HasPoint: in.HasPoint, Precision: string(in.LocationPrecision)}
		if in.HasPoint && in.LocationPrecision.IsPoint() {
			l.checkDistance(row, unit, doubts)
		}
		if !in.HasPoint && (in.LocationPrecision == "" || in.LocationPrecision.IsPoint()) {
			m.Precision = string(incident.LocDistrict)
			if in.Subunit != "" {
				m.Precision = string(incident.LocTehsil)
			}
		}
	} else if f, ok := l.g.Former(in.UnitID); ok {
		m = geo.Match{Unit: -1, UnitID: f.ID, Units: f.Units, Subunit: in.Subunit, Country: f.Country, Province: f.Province, Name: f.Name,
			Point: in.Point, HasPoint: in.HasPoint, Precision: string(in.LocationPrecision)}
		if !in.HasPoint && (in.LocationPrecision == "" || in.LocationPrecision.IsPoint()) {
			m.Precision = string(incident.LocDistrict)
		}
	} else {
		r := l.request(row)
		r.Point, r.HasPoint, r.Precision = in.Point, in.HasPoint && large == nil, string(in.LocationPrecision)
		admin := !r.HasPoint && r.Place == "" && r.Text == ""
		if admin && (r.Precision == "" || in.LocationPrecision.IsPoint()) {
			r.Precision = string(incident.LocDistrict)
		}
		m = l.g.Geocode(r)
		if admin && m.HasPoint {
			// A crossing or a town of the name of a district is not where it was.
			m.HasPoint = false
			if m.Unit >= 0 {
				m.Name, m.Precision = l.index.Units()[m.Unit].Name, r.Precision
			}
		}
		if l.more != nil && m.UnitID == "" && !m.HasPoint && (r.Place != "" || r.Text != "") {
			m = l.recall(row, &r, m, doubts)
		}
		if large != nil {
			large.fallBack(&m, in.Point)
		}
	}
	astray := l.weighPoint(row, &m, doubts)
	torn := l.weigh(row, &m, doubts)
	in.UnitThen = m.Then
	l.checkNames(row, &m, doubts)
	if in.LocationName == "" && in.LocationText == "" && (row.Adm1 != "" || row.Adm2 != "") {
		in.LocationText = strings.Join(slices.DeleteFunc([]string{row.Adm2, row.Adm1}, func(s string) bool { return s == "" }), ", ")
	}
	in.Point, in.HasPoint = m.Point, m.HasPoint
	if m.Country != "" {
		in.Country = m.Country
	}
	ambiguous := m.Status == geo.StatusAmbiguous
	switch {
	case in.LocationName != "":
	case ambiguous:
		in.LocationName = cmp.Or(row.Adm2, row.Adm1) // the word of the source, not all that it may mean
	default:
		in.LocationName = m.Name
	}
	switch known := incident.LocationPrecision(m.Precision); in.LocationPrecision {
	case incident.LocLine, incident.LocRegion, incident.LocCountry: // the source's word stands, whatever names add
	case incident.LocTehsil:
		if !known.IsPoint() { // that the tehsil has a town of its name makes it no town
			in.LocationPrecision = known
		}
		if sub := l.tehsil(row, &m); sub != "" {
			m.Subunit, in.LocationPrecision = sub, incident.LocTehsil
		}
	default:
		if row.PrecisionAssumed || !finer(known, in.LocationPrecision) { // a name makes a place no better known than the source says it is
			in.LocationPrecision = known
		}
	}
	if in.LocationPrecision.IsPoint() && (!in.HasPoint || astray) {
		in.LocationPrecision = incident.LocDistrict
		if m.UnitID == "" && m.Province != "" {
			in.LocationPrecision = incident.LocProvince
		}
	}
	if in.UnitID == "" {
		in.Candidates = nil
	}
	l.leave(in)
	in.Place, in.Subunit = incident.Place{}, ""
	former := m.Unit < 0 && m.UnitID != ""

	switch prec := in.LocationPrecision; prec {
	case incident.LocExact, incident.LocNear, incident.LocSettlement, incident.LocVicinity:
		in.Place.Kind = incident.PlacePoint
		if prec == incident.LocVicinity {
			in.Place = incident.Place{Kind: incident.PlaceCircle, RadiusM: vicinityKM * 1000}
		}
		switch {
		case m.Unit >= 0:
			l.enter(in, m.Unit)
			if prec != incident.LocVicinity { // a circle reaches over the tehsils around
				in.Subunit = l.g.SubunitAt(in.Point, m.Unit)
				if in.Subunit == "" {
					in.Subunit = l.subunitOf(in.UnitID, m.Subunit)
				}
			}
		case former:
			l.enterFormer(in, m.UnitID)
		default:
			in.Province = m.Province
		}
	case incident.LocTehsil:
		l.within(in, &m, true, true)
	case incident.LocDistrict:
		// A district of Afghanistan is a subunit here, and of Pakistan a unit.
		l.within(in, &m, true, m.Unit >= 0 && l.index.Units()[m.Unit].Kind != "district")
	case incident.LocProvince:
		// The provinces of Afghanistan are units; a district is more than a source knows that names its province.
		l.within(in, &m, m.Unit >= 0 && l.index.Units()[m.Unit].Kind != "district", false)
		ambiguous = ambiguous && in.Place.Kind != incident.PlaceProvince
	case incident.LocLine:
		// UCDP's code 5 is any line or fuzzy area: a road, the line of control, a valley.
		if in.LocationPrecisionCode == "" || namesBorder(in) {
			if m.Unit >= 0 {
				l.enter(in, m.Unit)
				in.Point, in.HasPoint = m.Point, m.HasPoint
			} else if former {
				l.enterFormer(in, m.UnitID)
			}
			in.Place = incident.Place{Kind: incident.PlaceBorder}
			ambiguous = false
			break
		}
		l.within(in, &m, true, false)
	case incident.LocRegion, incident.LocCountry:
		in.Place.Kind = incident.PlaceNone
		if in.Country != "" {
			in.Place.Kind = incident.PlaceCountry
		}
		// The admin names of ACLED's coarse code are those of the capital.
		ambiguous = ambiguous && prec == incident.LocRegion && in.LocationPrecisionCode == ""
	default:
		in.LocationPrecision = incident.LocNone
		in.Place.Kind = incident.PlaceNone
		ambiguous = false
	}
	if ambiguous && len(m.Candidates) > 0 {
		in.Candidates = candidates(&m)
		isPoint := in.Place.Kind == incident.PlacePoint || in.Place.Kind == incident.PlaceCircle
		if len(in.Candidates) <= 1 {
			// The names contradict each other, of which there is a warning: neither is believed.
			if !isPoint && in.Place.Kind != incident.PlaceProvince {
				in.LocationPrecision = precisionOf(in.Place.Kind)
			}
			return
		}
		if !isPoint {
			in.Place = incident.Place{Kind: incident.PlaceUnits, Units: l.today(in.Candidates)}
		}
		if torn {
			return // of which there is a warning
		}
		doubt(row, doubts, "", stated(row), WarnAmbiguousName, "the name may stand for "+strings.Join(in.Candidates, ", "))
	}
}

// finer says whether one precision of a point says more than another; one that the source does not state says nothing.
func finer(a, b incident.LocationPrecision) bool {
	order := []incident.LocationPrecision{incident.LocExact, incident.LocSettlement, incident.LocNear, incident.LocVicinity}
	return slices.Contains(order, a) && slices.Index(order, a) < slices.Index(order, b)
}

// tehsil is the ID of the subunit of a row whose source says that the place is known to the tehsil: the one that its names
// name in the unit of the match, else the one that holds its point; "" if neither is known.
func (l *geoLocator) tehsil(row *source.Row, m *geo.Match) string {
	if m.Unit < 0 || m.Subunit != "" {
		return m.Subunit
	}
	if by := l.g.Geocode(l.request(row)); by.Unit == m.Unit && by.Subunit != "" {
		return by.Subunit
	}
	if !m.HasPoint || l.index.Locate(m.Point) != m.Unit {
		return ""
	}
	return l.g.SubunitAt(m.Point, m.Unit)
}

// request asks where a row was by all of its words.
func (l *geoLocator) request(row *source.Row) geo.Request {
	in := &row.Incident
	return geo.Request{Country: row.Country, Adm1: row.Adm1, Adm2: row.Adm2, Place: in.LocationName, Text: in.LocationText,
		Day: int32(in.Start), HasDay: true}
}

// subunitOf is the ID of a subunit if there is one and it lies in the unit, else "".
func (l *geoLocator) subunitOf(unit, id string) string {
	if id == "" {
		return ""
	}
	if i, ok := l.subunits[id]; ok && l.g.Subunits()[i].Unit == unit {
		return id
	}
	return ""
}

// candidates are the IDs of the units that a match leaves, each once.
func candidates(m *geo.Match) []string {
	var out []string
	for i := range m.Candidates {
		if id := m.Candidates[i].UnitID; id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// recall asks again with the learned names where the others left no unit. The
// source's word for a place that is no unit (a line, a country) stands.
func (l *geoLocator) recall(row *source.Row, r *geo.Request, m geo.Match, doubts *[]source.Issue) geo.Match {
	switch incident.LocationPrecision(r.Precision) {
	case incident.LocLine, incident.LocRegion, incident.LocCountry, incident.LocNone:
		return m
	}
	more := l.more()
	if more == nil {
		return m
	}
	again := more.g.Geocode(*r)
	if again.UnitID == "" && (again.Status != geo.StatusAmbiguous || m.Status == geo.StatusAmbiguous) {
		return m
	}
	switch incident.LocationPrecision(again.Precision) {
	case incident.LocExact, incident.LocSettlement: // where others were is not where this one was
		again.Precision = string(incident.LocNear)
	}
	reason := "the place is known only from incidents of a dataset"
	if len(again.Candidates) > 0 {
		c := &again.Candidates[0]
		if rests := more.rests[c.Place]; rests != "" {
			reason = "the place is known only from " + rests
		}
		if len(c.Reasons) > 0 {
			reason += ": " + strings.Join(c.Reasons, "; ")
		}
	}
	doubt(row, doubts, "", stated(row), WarnLearnedPlace, reason)
	return again
}

// checkNames warns of admin names that say nothing here.
func (l *geoLocator) checkNames(row *source.Row, m *geo.Match, doubts *[]source.Issue) {
	if row.Adm1 == "" && row.Adm2 == "" || row.Country != "" && row.Incident.Country == "" {
		return // names of another country are not ours to know
	}
	if slices.ContainsFunc(m.Warnings, func(w geo.Warning) bool { return w.Code == geo.WarnAdminMismatch }) {
		return // the name is known, elsewhere
	}
	names := l.g.Names()
	units := l.index.Units()
	known := func(s geo.Sense) bool {
		switch s.Kind {
		case geo.SenseUnit, geo.SenseAmbiguous, geo.SenseFormer, geo.SenseSubunit:
			return len(s.Units) == 0 || row.Incident.Country == "" || slices.ContainsFunc(s.Units, func(u int) bool { return units[u].Country == row.Incident.Country })
		case geo.SenseArea, geo.SenseCountry:
			return true
		}
		return false
	}
	one, two := names.Lookup(row.Adm1), names.Lookup(row.Adm2)
	// Units that are provinces have no districts here: a name within one is finer than what is known.
	finer := m.Unit >= 0 && units[m.Unit].Kind != "district" || slices.ContainsFunc(one.Units, func(u int) bool { return units[u].Kind != "district" })
	switch {
	case row.Adm2 != "" && !known(two):
		if !finer && len(l.named(row, geo.Request{Country: row.Country, Adm2: row.Adm2})) == 0 { // nor was there one on that day
			doubt(row, doubts, row.Adm2Column, row.Adm2, WarnUnknownName, "there is no district or unit of this name here; nothing follows from it")
		}
	case row.Adm2 == "" && m.Unit < 0 && row.Adm1 != "" && !known(one):
		doubt(row, doubts, row.Adm1Column, row.Adm1, WarnUnknownName, "there is no province or unit of this name here; nothing follows from it")
	}
}

// within says that the incident was somewhere in the unit of a match if unit is
// true, in the subunit if below is true and one is known; else in the province or the country.
func (l *geoLocator) within(in *incident.Incident, m *geo.Match, unit, below bool) {
	in.Province = m.Province
	known := unit && m.UnitID != ""
	sub := ""
	if below && known {
		sub = l.subunitOf(m.UnitID, m.Subunit)
	}
	switch {
	case known && m.Unit < 0:
		l.enterFormer(in, m.UnitID)
		in.Place = incident.Place{Kind: incident.PlaceUnits, Units: slices.Clone(m.Units)}
	case sub != "":
		if !in.HasPoint {
			in.Point, in.HasPoint = l.g.Subunits()[l.subunits[sub]].Label, true
		}
		l.enter(in, m.Unit)
		in.Subunit, in.Place.Kind = sub, incident.PlaceSubunit
	case known:
		l.enter(in, m.Unit)
		in.Place.Kind = incident.PlaceUnit
	case m.Province != "":
		in.Place.Kind = incident.PlaceProvince
	case in.Country != "":
		in.Place.Kind = incident.PlaceCountry
	default:
		in.Place.Kind = incident.PlaceNone
	}
	if !known && in.Place.Kind != incident.PlaceProvince && in.LocationPrecision != incident.LocLine && len(m.Candidates) == 0 {
		in.LocationPrecision = precisionOf(in.Place.Kind) // no more than this is known
	}
}

// namesBorder reports whether the words of the place speak of the border of the two countries.
func namesBorder(in *incident.Incident) bool {
	s := in.LocationName
	if s == "" {
		s = in.LocationText
	}
	return geo.NamesBorder(s)
}

// stated are the words and coordinates of the source, for a warning.
func stated(row *source.Row) string {
	var parts []string
	for _, s := range []string{row.Incident.LocationName, row.Adm2, row.Adm1, row.Country} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	s := strings.Join(parts, ", ")
	if row.Incident.HasPoint {
		s = strings.TrimSpace(fmt.Sprintf("%s (%g, %g)", s, row.Incident.Point[0], row.Incident.Point[1]))
	}
	return s
}

// distance is the distance to the border as far as the place is known.
// settled is asked where a place reaches over the line: which side names or the file say, "" if none.
func (l *geoLocator) distance(in *incident.Incident, settled func() incident.BorderSide) incident.BorderDistance {
	none := incident.BorderDistance{Side: incident.SideUnknown}
	if l.border == nil {
		return none
	}
	switch in.Place.Kind {
	case incident.PlaceBorder:
		return incident.BorderDistance{Known: true, Side: incident.SideStraddles}
	case incident.PlacePoint, incident.PlaceCircle:
		if !in.HasPoint {
			return none
		}
		d := l.border.DistanceKM(in.Point)
		if math.IsInf(d, 0) || math.IsNaN(d) {
			return none
		}
		r := in.Place.RadiusM / 1000
		if in.Place.Kind == incident.PlacePoint {
			r = l.offKM(in)
		}
		b := incident.BorderDistance{Known: true, MinKM: round(max(0, d-r)), MaxKM: round(d + r), Side: incident.SideUnknown}
		switch {
		case d < max(r, borderToleranceKM):
			b.Side = cmp.Or(settled(), incident.SideStraddles)
		case in.UnitID != "":
			b.Side = incident.BorderSide(in.Country)
		}
		return b
	case incident.PlaceSubunit:
		i, ok := l.subunits[in.Subunit]
		if !ok {
			return none
		}
		r := &l.below[i]
		r.once.Do(func() { r.min, r.max = l.measure(l.g.Subunits()[i].Geometry) })
		if math.IsInf(r.min, 1) {
			return none
		}
		return incident.BorderDistance{Known: true, MinKM: round(r.min), MaxKM: round(r.max), Side: incident.BorderSide(in.Country)}
	case incident.PlaceUnit:
		return l.unitsDistance([]string{in.UnitID})
	case incident.PlaceUnits:
		return l.unitsDistance(in.Place.Units)
	case incident.PlaceProvince:
		var ids []string
		for i := range l.index.Units() {
			if u := &l.index.Units()[i]; u.Province == in.Province && u.Country == in.Country {
				ids = append(ids, u.ID)
			}
		}
		return l.unitsDistance(ids)
	}
	return none
}

// offKM is how far from its point an incident may have been, in kilometres.
func (l *geoLocator) offKM(in *incident.Incident) float64 {
	switch {
	case in.LocationPrecision == incident.LocSettlement:
		return settlementKM
	case in.LocationPrecision != incident.LocNear:
		return 0
	case slices.Contains(in.Warnings, WarnLearnedPlace):
		return learnedKM
	}
	return l.accuracy()[in.Point]
}

// accuracies are how far off the positions of crossings and places may be. The
// same position gives the same answer when an export of ours is loaded again.
func (l *geoLocator) accuracies() map[orb.Point]float64 {
	crossings, places := l.g.Crossings(), l.g.Places()
	m := make(map[orb.Point]float64, len(crossings)+len(places))
	put := func(p orb.Point, km float64) { m[p] = max(m[p], km) }
	for i := range places {
		switch p := &places[i]; {
		case !p.HasPoint:
		case p.Kind == "settlement":
			put(p.Point, max(settlementKM, p.AccuracyKM))
		default:
			put(p.Point, max(positionKM, p.AccuracyKM))
		}
	}
	for i := range crossings {
		put(crossings[i].Point, max(positionKM, crossings[i].AccuracyKM))
	}
	return m
}

// round keeps distances to 10 m, which is more than the line is good for.
func round(km float64) float64 { return math.Round(km*100) / 100 }

// unitsDistance spans the distances of units from the border.
func (l *geoLocator) unitsDistance(ids []string) incident.BorderDistance {
	b := incident.BorderDistance{MinKM: math.Inf(1), Side: incident.SideUnknown}
	for _, id := range ids {
		i, ok := l.index.ByID(id)
		if !ok {
			continue
		}
		r := &l.ranges[i]
		r.once.Do(func() { r.min, r.max = l.measure(l.index.Units()[i].Geometry) })
		if math.IsInf(r.min, 1) {
			continue
		}
		b.MinKM, b.MaxKM = min(b.MinKM, r.min), max(b.MaxKM, r.max)
		switch side := incident.BorderSide(l.index.Units()[i].Country); {
		case !b.Known:
			b.Side = side
		case b.Side != side:
			b.Side = incident.SideStraddles
		}
		b.Known = true
	}
	if !b.Known {
		return incident.BorderDistance{Side: incident.SideUnknown}
	}
	b.MinKM, b.MaxKM = round(b.MinKM), round(b.MaxKM)
	return b
}

// measure is the least and the largest distance of the outline of a polygon
// from the border; one that touches the line has 0.
func (l *geoLocator) measure(shape orb.MultiPolygon) (least, most float64) {
	least = math.Inf(1)
	// A distance changes by no more than the way: an edge whose middle could not
	// be nearer or farther than what is known need not be halved.
	var along func(a, b orb.Point, da, db float64)
	along = func(a, b orb.Point, da, db float64) {
		long := flatKM(a, b)
		if long < 2*borderToleranceKM || (da+db-long)/2 >= least && (da+db+long)/2 <= most {
			return
		}
		m := orb.Point{(a[0] + b[0]) / 2, (a[1] + b[1]) / 2}
		d := l.border.DistanceKM(m)
		least, most = min(least, d), max(most, d)
		along(a, m, da, d)
		along(m, b, d, db)
	}
	for _, poly := range shape {
		for _, ring := range poly {
			var last float64
			for i, p := range ring {
				d := l.border.DistanceKM(p)
				least, most = min(least, d), max(most, d)
				if i > 0 {
					along(ring[i-1], p, last, d)
				}
				last = d
			}
		}
	}
	if least < borderToleranceKM {
		least = 0
	}
	return least, most
}
