package ingest

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"sarhad/data/source"
	"sarhad/geo"
	"sarhad/incident"
)

// weigh writes down the doubts of a match, and takes the unit out of it where
// the named unit and the point lie so far apart that neither is believed; torn
// is true then, and the candidates are both.
func (l *geoLocator) weigh(row *source.Row, m *geo.Match, doubts *[]source.Issue) (torn bool) {
	in := &row.Incident
	away := 0.0
	swapped := slices.ContainsFunc(m.Warnings, func(w geo.Warning) bool { return w.Code == geo.WarnSwappedCoordinates })
	for _, w := range m.Warnings {
		if w.KM > 0 && (swapped || slices.ContainsFunc(*doubts, func(d source.Issue) bool { return d.Code == geo.WarnOutsideRegion })) {
			continue // of a point that is known to be wrong the distance says nothing more
		}
		switch w.Code {
		case geo.WarnDistrictMismatch:
			if at := l.index.Locate(in.Point); at >= 0 && l.names(row, l.index.Units()[at].ID) {
				continue // the admin names hold the point; the name of a place narrows them to a part beside it
			}
			away = w.KM
		case geo.WarnCountryMismatch:
			if w.KM > 0 && l.index.Locate(in.Point) < 0 { // units may be missing here, of a country that is there
				w.Detail = fmt.Sprintf("the coordinates lie %.1f km outside the units of that country that are known here", w.KM)
			}
		case geo.WarnSwappedCoordinates:
			if u := l.exchanged(row); u >= 0 {
				w.Detail += ", and then in " + l.index.Units()[u].Name + ", which is named"
			}
		}
		doubt(row, doubts, "", stated(row), w.Code, w.Detail)
	}
	if away == 0 {
		return false
	}
	if at := l.index.Locate(in.Point); at >= 0 && l.otherCountry(row, l.index.Units()[at].Country) {
		doubt(row, doubts, "", stated(row), geo.WarnCountryMismatch, "the coordinates lie in "+l.index.Units()[at].Name+", in the other country")
	}
	if u := l.exchanged(row); u >= 0 {
		doubt(row, doubts, "", stated(row), geo.WarnSwappedCoordinates, "only with longitude and latitude exchanged the point lies in "+l.index.Units()[u].Name+", which is named")
	}
	if away <= geo.ContradictionKM || m.Status != geo.StatusAmbiguous {
		return false
	}
	m.Name = cmp.Or(row.Adm2, row.Adm1)
	return true
}

// weighPoint says whether the point of a row is known to be wrong, since it lies in none of the units, nor beside one
// as far as its precision reaches. Then the names alone decide, and the coordinates remain as they are given. It writes that
// down where the geocoder, which looks at the box around all units, has not.
func (l *geoLocator) weighPoint(row *source.Row, m *geo.Match, doubts *[]source.Issue) bool {
	if !l.astray(row, m, doubts) {
		return false
	}
	if m.UnitID == "" { // what the names alone know
		by := l.g.Geocode(l.request(row))
		for _, w := range by.Warnings {
			if !slices.Contains(m.Warnings, w) {
				m.Warnings = append(slices.Clip(m.Warnings), w)
			}
		}
		by.Warnings, by.Point, by.HasPoint = m.Warnings, row.Incident.Point, true
		*m = by
	}
	return true
}

func (l *geoLocator) astray(row *source.Row, m *geo.Match, doubts *[]source.Issue) bool {
	in := &row.Incident
	p := in.Point
	if !in.HasPoint || p == (orb.Point{}) || !(math.Abs(p[0]) <= 180 && math.Abs(p[1]) <= 90) || l.index.Locate(p) >= 0 {
		return false
	}
	for _, w := range m.Warnings {
		if w.Code == geo.WarnSwappedCoordinates || w.Code == geo.WarnOutsideRegion {
			return true
		}
	}
	limit := geo.ToleranceKM
	switch in.LocationPrecision {
	case incident.LocVicinity:
		limit = vicinityKM
	case incident.LocExact, incident.LocNear, incident.LocSettlement, incident.LocTehsil, incident.LocDistrict:
	default:
		return false // what is so coarse is no place
	}
	const named = 100.0 // kilometres within which the nearest unit is worth naming
	nearest, km := l.index.Nearest(p, named)
	if km <= limit {
		return false
	}
	if region := l.g.Region(); !region.Contains(p) && region.Contains(orb.Point{p[1], p[0]}) { // of a row whose unit was given the geocoder was not asked
		doubt(row, doubts, "", stated(row), geo.WarnSwappedCoordinates, fmt.Sprintf("longitude %g, latitude %g lies in the region only if the two are exchanged", p[0], p[1]))
		return true
	}
	reason := "the coordinates lie in none of the units that are known here"
	if nearest >= 0 {
		reason += fmt.Sprintf("; the nearest is %s, %.1f km away", l.index.Units()[nearest].Name, km)
	}
	doubt(row, doubts, "", stated(row), geo.WarnOutsideRegion, reason)
	return true
}

// otherCountry says whether a row names a country, or units of one, and not the country given.
func (l *geoLocator) otherCountry(row *source.Row, country string) bool {
	if row.Incident.Country != "" {
		return row.Incident.Country != country
	}
	named := l.namedUnits(row)
	for _, id := range named {
		i, ok := l.index.ByID(id)
		if f, was := l.g.Former(id); ok && l.index.Units()[i].Country == country || was && f.Country == country {
			return false
		}
	}
	return len(named) > 0
}

// namedUnits are the IDs of the units that the words of a row may mean, its
// coordinates left aside; the name of a place only where the admin names leave none.
func (l *geoLocator) namedUnits(row *source.Row) []string {
	r := l.request(row)
	if ids := l.named(row, geo.Request{Country: r.Country, Adm1: r.Adm1, Adm2: r.Adm2}); len(ids) > 0 {
		return ids
	}
	return l.named(row, r)
}

// named are the IDs of the units that a request of names may mean on the day of a row.
func (l *geoLocator) named(row *source.Row, r geo.Request) []string {
	r.Day, r.HasDay = int32(row.Incident.Start), true
	m := l.g.Geocode(r)
	if m.UnitID != "" {
		return []string{m.UnitID}
	}
	return candidates(&m)
}

// exchanged is the named unit in which the point of a row lies if its longitude and latitude are exchanged, -1 if none.
func (l *geoLocator) exchanged(row *source.Row) int {
	p := orb.Point{row.Incident.Point[1], row.Incident.Point[0]}
	at := l.index.Locate(p)
	if at < 0 {
		return -1
	}
	for _, id := range l.namedUnits(row) {
		if l.g.Covers(id, l.index.Units()[at].ID) {
			return at
		}
	}
	return -1
}

// labelKM is how near to a label point a point is taken for it.
const labelKM = 0.1

// label is a point that stands for a unit, a province or a country on maps and in tables.
type label struct {
	point orb.Point
	// of names what it stands for, level is how well a place is known of which only that is.
	of    string
	level incident.LocationPrecision
	// country and province are set for what is larger than a unit, province only for a province.
	country, province string
}

// labels are the label points by cells of a hundredth of a degree; one near an edge is in the cells on both sides.
type labels struct {
	cells map[[2]int16][]label
	// some has a bit for each cell with labels, shared with other cells: nearly every point is told from it to be none.
	some [512]uint64
}

// countryLabels are the points of two tables that are in wide use, the CIA's and Google's.
var countryLabels = []label{
	{orb.Point{70, 30}, "Pakistan", incident.LocCountry, "PK", ""}, {orb.Point{69.345116, 30.375321}, "Pakistan", incident.LocCountry, "PK", ""},
	{orb.Point{65, 33}, "Afghanistan", incident.LocCountry, "AF", ""}, {orb.Point{67.709953, 33.93911}, "Afghanistan", incident.LocCountry, "AF", ""},
}

// newLabels are the label points and middles of units, the middles of provinces and those of the two countries.
func newLabels(units []geo.Unit) *labels {
	all := &labels{cells: map[[2]int16][]label{}}
	for _, c := range countryLabels {
		all.add(c)
	}
	type sum struct {
		x, y, area float64
		country    string
	}
	provinces := map[string]sum{}
	for i := range units {
		u := &units[i]
		level := incident.LocDistrict
		if u.Kind != "district" {
			level = incident.LocProvince
		}
		all.add(label{point: u.Label, of: u.Name, level: level})
		c, area := planar.CentroidArea(u.Geometry)
		if !(area > 0) {
			continue
		}
		all.add(label{point: c, of: u.Name, level: level})
		if u.Kind == "district" && u.Province != "" {
			p := provinces[u.Province]
			provinces[u.Province] = sum{p.x + c[0]*area, p.y + c[1]*area, p.area + area, u.Country}
		}
	}
	for name, p := range provinces {
		all.add(label{orb.Point{p.x / p.area, p.y / p.area}, name, incident.LocProvince, p.country, name})
	}
	return all
}

func cellOf(p orb.Point) [2]int16 {
	return [2]int16{int16(math.Floor(p[0] * 100)), int16(math.Floor(p[1] * 100))}
}

func bitOf(c [2]int16) (word int, mask uint64) {
	h := uint32(uint16(c[0]))*0x9e3779b1 ^ uint32(uint16(c[1]))*0x85ebca77
	return int(h >> 23), 1 << (h >> 17 & 63)
}

func (l *labels) add(x label) {
	const reach = 0.0013 // degrees, more than labelKM of latitude and of longitude up to 45 degrees
	var seen [][2]int16
	for _, dx := range []float64{-reach, reach} {
		for _, dy := range []float64{-reach, reach} {
			c := cellOf(orb.Point{x.point[0] + dx, x.point[1] + dy})
			if slices.Contains(seen, c) {
				continue
			}
			seen = append(seen, c)
			l.cells[c] = append(l.cells[c], x)
			word, mask := bitOf(c)
			l.some[word] |= mask
		}
	}
}

// at is the label at a point, nil if there is none.
func (l *labels) at(p orb.Point) *label {
	c := cellOf(p)
	if word, mask := bitOf(c); l.some[word]&mask == 0 {
		return nil
	}
	near := l.cells[c]
	for i := range near {
		if flatKM(near[i].point, p) <= labelKM {
			return &near[i]
		}
	}
	return nil
}

// flatKM is the distance of two points that are near each other, in kilometres.
func flatKM(a, b orb.Point) float64 {
	const perDegree = 111.195
	return perDegree * math.Hypot((a[0]-b[0])*math.Cos((a[1]+b[1])/2*math.Pi/180), a[1]-b[1])
}

// checkLabel warns of a point that is the label of something large. If the
// source does not say how good its coordinates are, the place is no better
// known than what the point stands for; a source that does say so is believed.
// It gives the label if that is of something larger than a unit: then the point
// decides nothing that names say better.
func (l *geoLocator) checkLabel(row *source.Row, doubts *[]source.Issue) *label {
	in := &row.Incident
	at := l.labels.at(in.Point)
	if at == nil {
		return nil
	}
	reason := "the coordinates are the middle or the label point of " + at.of
	if row.PrecisionAssumed {
		in.LocationPrecision = at.level
		reason += ", and stand for all of it"
	} else {
		reason += fmt.Sprintf(", and the source says that they are %s", in.LocationPrecision)
	}
	doubt(row, doubts, "", stated(row), WarnLabelCoordinates, reason)
	if !row.PrecisionAssumed || at.country == "" {
		return nil
	}
	in.LocationPrecision = incident.LocDistrict // at best; find says how well the names know it
	return at
}

// fallBack adds to a match of names alone what a label stands for, and the coordinates that the source gave.
func (x *label) fallBack(m *geo.Match, p orb.Point) {
	m.Point, m.HasPoint = p, true
	if m.UnitID != "" || m.Status == geo.StatusAmbiguous {
		return
	}
	switch {
	case m.Country != "" && m.Country != x.country || m.Province != "": // which the names know
	case x.province != "":
		m.Country, m.Province, m.Name, m.Precision = x.country, x.province, x.of, string(incident.LocProvince)
	case m.Country == "":
		m.Country, m.Name, m.Precision = x.country, x.of, string(incident.LocCountry)
	}
}
