package api

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"

	"sarhad/geo"
	"sarhad/incident"
)

// maxBadgeSets is of how many filters the badges are kept; those of one take some hundred kilobytes at most.
const maxBadgeSets = 32

// anchor is where a badge stands: the label point of a place that incidents are
// known to have been somewhere in.
type anchor struct {
	unit, subunit, name, province, country string
	point                                  orb.Point // lon, lat
}

// anchors are the anchors of all places.
type anchors struct {
	all       []*anchor
	units     map[string]*anchor // former ones too
	subunits  map[string]*anchor
	provinces map[[2]string]*anchor // country, province
	countries map[string]*anchor
	border    *anchor // nil if there is no line
}

// newAnchors takes units at their label points, former ones at that of the
// first unit of today that they covered, provinces and countries in the middle
// of their units, and the border halfway along it.
func newAnchors(s *server) anchors {
	a := anchors{units: map[string]*anchor{}, subunits: map[string]*anchor{}, provinces: map[[2]string]*anchor{}, countries: map[string]*anchor{}}
	add := func(at anchor, p orb.Point) *anchor {
		at.point = p
		a.all = append(a.all, &at)
		return &at
	}
	provinces, countries := map[[2]string][]*geo.Unit{}, map[string][]*geo.Unit{}
	labels := map[string]orb.Point{}
	for i := range s.Units {
		u := &s.Units[i]
		k := [2]string{u.Country, u.Province}
		labels[u.ID] = u.Label
		provinces[k] = append(provinces[k], u)
		countries[u.Country] = append(countries[u.Country], u)
		a.units[u.ID] = add(anchor{unit: u.ID, name: u.Name, province: u.Province, country: u.Country}, u.Label)
	}
	for k, units := range provinces {
		a.provinces[k] = add(anchor{name: k[1], province: k[1], country: k[0]}, middle(units))
	}
	for k, units := range countries {
		a.countries[k] = add(anchor{name: countryNames[k], country: k}, middle(units))
	}
	if s.Geocoder != nil {
		g := s.Geocoder() // names come and go, units do not
		formers, subunits := g.Formers(), g.Subunits()
		for i := range formers {
			f := &formers[i]
			if _, taken := a.units[f.ID]; taken {
				continue
			}
			for _, id := range f.Units {
				if p, ok := labels[id]; ok {
					a.units[f.ID] = add(anchor{unit: f.ID, name: f.Name, province: f.Province, country: f.Country}, p)
					break
				}
			}
		}
		for i := range subunits {
			sub := &subunits[i]
			at := anchor{unit: sub.Unit, subunit: sub.ID, name: sub.Name}
			if u := a.units[sub.Unit]; u != nil {
				at.province, at.country = u.province, u.country
			}
			a.subunits[sub.ID] = add(at, sub.Label)
		}
	}
	if l := s.borderLine(DetailFine); l != nil && len(l.Line) > 0 {
		a.border = add(anchor{name: l.Name}, halfway(l.Line))
	}
	return a
}

// countryNames are those of incident.Countries.
var countryNames = map[string]string{"PK": "Pakistan", "AF": "Afghanistan"}

// middle is the centroid of some units, or where that lies in none of them the
// label point of a unit that is nearest to it.
func middle(units []*geo.Unit) orb.Point {
	var centre orb.Point
	total := 0.0
	for _, u := range units {
		c, area := planar.CentroidArea(u.Geometry)
		if area > 0 {
			centre[0], centre[1], total = centre[0]+c[0]*area, centre[1]+c[1]*area, total+area
		}
	}
	if total == 0 {
		return units[0].Label
	}
	centre = orb.Point{centre[0] / total, centre[1] / total}
	best, least := units[0].Label, math.Inf(1)
	for _, u := range units {
		if u.Geometry.Bound().Contains(centre) && planar.MultiPolygonContains(u.Geometry, centre) {
			return centre
		}
		if d := planar.DistanceSquared(u.Label, centre); d < least {
			best, least = u.Label, d
		}
	}
	return best
}

// halfway is the point in the middle of a line.
func halfway(line orb.LineString) orb.Point {
	left := planar.Length(line) / 2
	for i := 1; i < len(line); i++ {
		a, b := line[i-1], line[i]
		d := planar.Distance(a, b)
		if d >= left && d > 0 {
			f := left / d
			return orb.Point{a[0] + (b[0]-a[0])*f, a[1] + (b[1]-a[1])*f}
		}
		left -= d
	}
	return line[0]
}

// anyIn reports whether a badge may stand in a tile.
func (a *anchors) anyIn(g *grid) bool {
	for _, at := range a.all {
		if g.contains(at.point) {
			return true
		}
	}
	return false
}

// of finds where the badge of an incident stands that is known to have been
// somewhere in a place: nil for other incidents, and for places that are not
// known here. Where the place itself is not known, the one around it counts.
func (a *anchors) of(kind incident.PlaceKind, p *incident.RowPlace) *anchor {
	var at *anchor
	switch kind {
	case incident.PlaceSubunit:
		if at = a.subunits[p.Subunit]; at != nil {
			return at
		}
	case incident.PlaceUnit, incident.PlaceUnits, incident.PlaceProvince, incident.PlaceCountry:
	case incident.PlaceBorder:
		return a.border
	default:
		return nil
	}
	if kind != incident.PlaceProvince && kind != incident.PlaceCountry {
		if at = a.units[p.UnitID]; at != nil {
			return at
		}
	}
	if kind != incident.PlaceCountry {
		if at = a.provinces[[2]string{p.Country, p.Province}]; at != nil {
			return at
		}
	}
	if at = a.countries[p.Country]; at == nil && kind == incident.PlaceUnits {
		return a.border // units of both countries
	}
	return at
}

// badge counts the incidents of one sort of place that share an anchor.
type badge struct {
	kind incident.PlaceKind
	at   *anchor
	tally
}

// badgeSet are the badges of a filter, the same for all tiles.
type badgeSet struct {
	turn chan struct{} // holds one: whoever comes while another counts waits for it
	list []badge
	done bool
}

// badges counts the incidents of a selection that are known only coarsely. The
// answer for one change number is kept, since each tile of a map asks for it.
func (s *server) badges(ctx context.Context, snap *snapshot, sel selection) ([]badge, error) {
	key := snap.digest + strconv.FormatInt(snap.change, 10) + "\n" + sel.key
	set := s.tiles().badges.get(key, 1, func() *badgeSet { return &badgeSet{turn: make(chan struct{}, 1)} })
	select {
	case set.turn <- struct{}{}:
		defer func() { <-set.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for badges: %w", ctx.Err())
	}
	if set.done {
		return set.list, nil
	}
	list, err := s.countBadges(ctx, snap.shown(sel.filter))
	if err != nil {
		return nil, err
	}
	if after, err := s.Reader.Change(ctx); err == nil && after == snap.change {
		set.list, set.done = list, true
	}
	return list, nil
}

func (s *server) countBadges(ctx context.Context, f incident.Filter) ([]badge, error) {
	type group struct {
		kind incident.PlaceKind
		at   *anchor
	}
	type source struct { // rows that share both are of one group
		kind  *incident.RowKind
		place *incident.RowPlace
	}
	anchors := &s.tiles().anchors
	groups, known := map[group]*badge{}, map[source]*badge{}
	err := s.scan(ctx, f, func(row *incident.Row) error {
		if k := row.Kind.PlaceKind; k == incident.PlacePoint || k == incident.PlaceCircle {
			return nil
		}
		from := source{row.Kind, row.Place}
		b, ok := known[from]
		if !ok {
			g := group{row.Kind.PlaceKind, anchors.of(row.Kind.PlaceKind, row.Place)}
			if g.at != nil {
				if b = groups[g]; b == nil {
					b = &badge{kind: g.kind, at: g.at}
					groups[g] = b
				}
			}
			known[from] = b
		}
		if b != nil {
			b.add(row)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]badge, 0, len(groups))
	for _, b := range groups {
		list = append(list, *b)
	}
	slices.SortFunc(list, func(a, b badge) int {
		return cmp.Or(slices.Index(incident.PlaceKinds, a.kind)-slices.Index(incident.PlaceKinds, b.kind),
			cmp.Compare(a.at.country, b.at.country), cmp.Compare(a.at.province, b.at.province), cmp.Compare(a.at.unit, b.at.unit), cmp.Compare(a.at.subunit, b.at.subunit))
	})
	return list, nil
}

// badgeKeys are the keys of the layer of badges.
var badgeKeys = append(slices.Clone(tallyKeys), "place_kind", "unit_id", "subunit_id", "name", "province", "country")

// writeBadges writes the badges that stand in a tile.
func writeBadges(m *mvt, list []badge, g *grid) {
	m.open("badges", badgeKeys)
	for i := range list {
		b := &list[i]
		if !g.contains(b.at.point) {
			continue
		}
		m.begin()
		m.tally(&b.tally)
		for j, s := range [...]string{string(b.kind), b.at.unit, b.at.subunit, b.at.name, b.at.province, b.at.country} {
			m.textTag(len(tallyKeys)+j, s)
		}
		x, y := g.at(b.at.point)
		m.point(int(x*tileExtent), int(y*tileExtent))
	}
	m.close()
}
