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
)

// Radii in kilometres around the label point within which an incident lies, by
// precision. A point that is exact or near has none, but closer than
// borderToleranceKM to the border its side is not told: the line is not drawn better.
const (
	vicinityKM        = 25.0
	settlementKM      = 2.5
	borderToleranceKM = 0.1
)

// geoLocator is a [Locator] that asks package geo.
type geoLocator struct {
	g      *geo.Geocoder
	index  *geo.Index
	border *geo.Border
	ranges []unitRange
	more   func() *geo.Geocoder // g with the learned names, made when it is first needed; nil without any
}

// unitRange is the distance of the parts of a unit from the border.
type unitRange struct {
	once     sync.Once
	min, max float64
}

// NewLocator returns a locator that asks a geocoder. Distances to the border
// are given if the geocoder has a border. It is safe for concurrent use.
//
// learned gives names of places that incidents taught, or nil. It is called at
// most once, when the first row comes that has words for its place, no
// coordinates, and no unit that the geocoder knows from the words; such a row
// is placed by a learned name at best near its point and gets [WarnLearnedPlace].
func NewLocator(g *geo.Geocoder, learned func() []geo.Place) Locator {
	l := &geoLocator{g: g, index: g.Index(), border: g.Border(), ranges: make([]unitRange, len(g.Index().Units()))}
	if learned != nil {
		l.more = sync.OnceValue(func() *geo.Geocoder {
			places := learned()
			if len(places) == 0 {
				return nil
			}
			return g.With(places)
		})
	}
	return l
}

// Locate implements [Locator].
func (l *geoLocator) Locate(row *source.Row) []source.Issue {
	in := &row.Incident
	var doubts []source.Issue
	l.checkUnits(row, &doubts)
	var side incident.BorderSide // as far as words settle it
	unit := in.UnitID
	if in.Place.Kind != "" {
		side = in.Border.Side
		l.given(row, &doubts)
	} else {
		l.find(row, &doubts)
	}
	if side == "" && in.UnitID != "" && (unit == in.UnitID || l.names(row, in.UnitID)) {
		side = incident.BorderSide(in.Country)
	}
	in.Border = l.distance(in, side)
	return doubts
}

// names reports whether the admin names of a row stand for a unit.
func (l *geoLocator) names(row *source.Row, unit string) bool {
	if row.Adm1 == "" && row.Adm2 == "" {
		return false
	}
	return l.g.Geocode(geo.Request{Country: row.Country, Adm1: row.Adm1, Adm2: row.Adm2}).UnitID == unit
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
		if _, ok := l.index.ByID(id); ok {
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

func (l *geoLocator) leave(in *incident.Incident) {
	in.UnitID, in.PCode, in.Province, in.District = "", "", "", ""
}

// given takes a place as the file states it.
func (l *geoLocator) given(row *source.Row, doubts *[]source.Issue) {
	in := &row.Incident
	p := &in.Place
	if p.Kind == incident.PlaceUnits {
		switch {
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
		if p.Kind != incident.PlaceUnit && !named {
			in.HasPoint, in.Point = false, orb.Point{}
		}
	} else if row.Adm1 != "" {
		m := l.g.Geocode(geo.Request{Country: row.Country, Adm1: row.Adm1})
		in.Province = m.Province
	}
	if p.Kind == incident.PlaceProvince && in.Province == "" {
		p.Kind = incident.PlaceNone
	}
	if p.Kind == incident.PlaceCountry && in.Country == "" {
		p.Kind = incident.PlaceNone
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
	if km := l.index.DistanceKM(unit, in.Point); km > geo.ToleranceKM {
		doubt(row, doubts, "unit_id", in.UnitID, geo.WarnDistrictMismatch, fmt.Sprintf("the coordinates lie %.1f km outside %s", km, l.index.Units()[unit].Name))
	}
}

// find places an incident by its coordinates and names.
func (l *geoLocator) find(row *source.Row, doubts *[]source.Issue) {
	in := &row.Incident
	var m geo.Match
	if unit, ok := l.index.ByID(in.UnitID); ok {
		// The file names the unit: what remains is how well the place is known.
		u := &l.index.Units()[unit]
		m = geo.Match{Unit: unit, Country: u.Country, Province: u.Province, Name: u.Name, Point: in.Point, HasPoint: in.HasPoint, Precision: string(in.LocationPrecision)}
		if in.HasPoint && in.LocationPrecision.IsPoint() {
			l.checkDistance(row, unit, doubts)
		}
		if !in.HasPoint && (in.LocationPrecision == "" || in.LocationPrecision.IsPoint()) {
			m.Precision = string(incident.LocDistrict)
		}
	} else {
		r := geo.Request{Country: row.Country, Adm1: row.Adm1, Adm2: row.Adm2, Place: in.LocationName, Text: in.LocationText,
			Day: int32(in.Start), HasDay: true, Point: in.Point, HasPoint: in.HasPoint, Precision: string(in.LocationPrecision)}
		m = l.g.Geocode(r)
		if l.more != nil && m.UnitID == "" && !m.HasPoint && (r.Place != "" || r.Text != "") {
			m = l.recall(row, &r, m, doubts)
		}
	}
	for _, w := range m.Warnings {
		doubt(row, doubts, "", stated(row), w.Code, w.Detail)
	}
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
	switch in.LocationPrecision {
	case incident.LocLine, incident.LocRegion, incident.LocCountry: // the source's word stands, whatever names add
	default:
		in.LocationPrecision = incident.LocationPrecision(m.Precision)
	}
	if in.LocationPrecision.IsPoint() && !in.HasPoint {
		in.LocationPrecision = incident.LocDistrict
	}
	if in.UnitID == "" {
		in.Candidates = nil
	}
	l.leave(in)
	in.Place = incident.Place{}

	switch prec := in.LocationPrecision; prec {
	case incident.LocExact, incident.LocNear, incident.LocSettlement, incident.LocVicinity:
		in.Place.Kind = incident.PlacePoint
		if prec == incident.LocVicinity {
			in.Place = incident.Place{Kind: incident.PlaceCircle, RadiusM: vicinityKM * 1000}
		}
		if m.Unit >= 0 {
			l.enter(in, m.Unit)
		} else {
			in.Province = m.Province
		}
	case incident.LocTehsil, incident.LocDistrict:
		l.within(in, &m, m.Unit)
	case incident.LocProvince:
		// The provinces of Afghanistan are units; a district is more than a source knows that names its province.
		unit := m.Unit
		if unit >= 0 && l.index.Units()[unit].Kind == "district" {
			unit = -1
		}
		l.within(in, &m, unit)
	case incident.LocLine:
		// UCDP's code 5 is any line or fuzzy area: a road, the line of control, a valley.
		if in.LocationPrecisionCode == "" || namesBorder(in) {
			if m.Unit >= 0 {
				l.enter(in, m.Unit)
				in.Point, in.HasPoint = m.Point, m.HasPoint
			}
			in.Place = incident.Place{Kind: incident.PlaceBorder}
			ambiguous = false
			break
		}
		l.within(in, &m, m.Unit)
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
		for _, c := range m.Candidates {
			in.Candidates = append(in.Candidates, c.UnitID)
		}
		isPoint := in.Place.Kind == incident.PlacePoint || in.Place.Kind == incident.PlaceCircle
		if len(in.Candidates) == 1 {
			// The names contradict each other, of which there is a warning: neither is believed.
			if !isPoint && in.Place.Kind != incident.PlaceProvince {
				in.LocationPrecision = precisionOf(in.Place.Kind)
			}
			return
		}
		if !isPoint {
			in.Place = incident.Place{Kind: incident.PlaceUnits, Units: slices.Clone(in.Candidates)}
		}
		doubt(row, doubts, "", stated(row), WarnAmbiguousName, "the name may stand for "+strings.Join(in.Candidates, ", "))
	}
}

// recall asks again with the learned names where the others left no unit. The
// source's word for a place that is no unit (a line, a country) stands.
func (l *geoLocator) recall(row *source.Row, r *geo.Request, m geo.Match, doubts *[]source.Issue) geo.Match {
	switch incident.LocationPrecision(r.Precision) {
	case incident.LocLine, incident.LocRegion, incident.LocCountry, incident.LocNone:
		return m
	}
	g := l.more()
	if g == nil {
		return m
	}
	again := g.Geocode(*r)
	if again.UnitID == "" && (again.Status != geo.StatusAmbiguous || m.Status == geo.StatusAmbiguous) {
		return m
	}
	switch incident.LocationPrecision(again.Precision) {
	case incident.LocExact, incident.LocSettlement: // where others were is not where this one was
		again.Precision = string(incident.LocNear)
	}
	reason := "the place is known only from incidents of a dataset"
	if len(again.Candidates) > 0 && len(again.Candidates[0].Reasons) > 0 {
		reason += ": " + strings.Join(again.Candidates[0].Reasons, "; ")
	}
	doubt(row, doubts, "", stated(row), WarnLearnedPlace, reason)
	return again
}

// checkNames warns of admin names that say nothing here.
func (l *geoLocator) checkNames(row *source.Row, m *geo.Match, doubts *[]source.Issue) {
	if row.Adm1 == "" && row.Adm2 == "" || row.Country != "" && row.Incident.Country == "" {
		return // names of another country are not ours to know
	}
	names := l.g.Names()
	units := l.index.Units()
	known := func(s geo.Sense) bool {
		switch s.Kind {
		case geo.SenseUnit, geo.SenseAmbiguous:
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
		if !finer {
			doubt(row, doubts, row.Adm2Column, row.Adm2, WarnUnknownName, "there is no district or unit of this name here; nothing follows from it")
		}
	case row.Adm2 == "" && m.Unit < 0 && row.Adm1 != "" && !known(one):
		doubt(row, doubts, row.Adm1Column, row.Adm1, WarnUnknownName, "there is no province or unit of this name here; nothing follows from it")
	}
}

// within says that the incident was somewhere in a unit, else in the province or the country.
func (l *geoLocator) within(in *incident.Incident, m *geo.Match, unit int) {
	in.Province = m.Province
	switch {
	case unit >= 0:
		l.enter(in, unit)
		in.Place.Kind = incident.PlaceUnit
	case m.Province != "":
		in.Place.Kind = incident.PlaceProvince
	case in.Country != "":
		in.Place.Kind = incident.PlaceCountry
	default:
		in.Place.Kind = incident.PlaceNone
	}
	if unit < 0 && in.Place.Kind != incident.PlaceProvince && in.LocationPrecision != incident.LocLine && len(m.Candidates) == 0 {
		in.LocationPrecision = precisionOf(in.Place.Kind) // no more than this is known
	}
}

// namesBorder reports whether the words of the place speak of the border of the two countries.
func namesBorder(in *incident.Incident) bool {
	s := in.LocationName
	if s == "" {
		s = in.LocationText
	}
	s = strings.ToLower(s)
	return strings.Contains(s, "durand") || strings.Contains(s, "border") && strings.Contains(s, "afghan")
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
// side is what names say of the side, "" if nothing: a circle may reach over the
// line although it is known on which side of it the incident was.
func (l *geoLocator) distance(in *incident.Incident, side incident.BorderSide) incident.BorderDistance {
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
		if in.Place.Kind == incident.PlacePoint && in.LocationPrecision == incident.LocSettlement {
			r = settlementKM
		}
		b := incident.BorderDistance{Known: true, MinKM: round(max(0, d-r)), MaxKM: round(d + r), Side: incident.SideUnknown}
		switch {
		case d < max(r, borderToleranceKM) && side != "":
			b.Side = side
		case d < max(r, borderToleranceKM):
			b.Side = incident.SideStraddles
		case in.UnitID != "":
			b.Side = incident.BorderSide(in.Country)
		}
		return b
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
		r.once.Do(func() { r.min, r.max = l.measure(&l.index.Units()[i]) })
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

// measure is the least and the largest distance of the vertices of a unit from
// the border; a unit that touches the line has 0.
func (l *geoLocator) measure(u *geo.Unit) (least, most float64) {
	least = math.Inf(1)
	for _, poly := range u.Geometry {
		for _, ring := range poly {
			for _, p := range ring {
				d := l.border.DistanceKM(p)
				least, most = min(least, d), max(most, d)
			}
		}
	}
	if least < borderToleranceKM {
		least = 0
	}
	return least, most
}
