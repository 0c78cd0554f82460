package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// Reversed is what is known of a point.
type Reversed struct {
	// Unit is the place in Units of the index of the unit that holds the point, -1 if none does.
	Unit int
	// Subunit is the ID of the tehsil or Afghan district, "" if none is known there.
	Subunit string
	// Then is the ID of the former unit that held the point on the day asked for, "" if none did.
	Then string
	// BorderKM is the distance to the border line in kilometres, NaN without a border. Side is the country in which the
	// point lies, "PK" or "AF", "" for neither: geometry, not sovereignty.
	BorderKM float64
	Side     string
	// Crossing is the nearest crossing or pass, CrossingKM its distance in kilometres; nil and 0 where none is known.
	Crossing   *Crossing
	CrossingKM float64
	// Place is the nearest settlement, PlaceKM its distance in kilometres; nil and 0 where none lies within 50 km.
	Place   *Place
	PlaceKM float64
}

// nearbyKM is how far away a settlement may be to be named beside a point.
const nearbyKM = 50.0

// Reverse says where a point (lon, lat, CRS84) lies, on a day in days since 1970-01-01 or NoDay. For a point that is not on
// earth all is unknown.
func (g *Geocoder) Reverse(p orb.Point, day int32) Reversed {
	r := Reversed{Unit: -1, BorderKM: math.NaN()}
	if !usable(p) {
		return r
	}
	if r.Unit = g.index.Locate(p); r.Unit >= 0 {
		r.Side = g.index.units[r.Unit].Country
		r.Subunit = g.SubunitAt(p, r.Unit)
		r.Then = g.Then(g.index.units[r.Unit].ID, day)
	}
	if g.border != nil {
		r.BorderKM = g.border.DistanceKM(p)
	}
	for i := range g.names.crossings {
		c := &g.names.crossings[i]
		if d := haversineKM(p, c.Point); r.Crossing == nil || d < r.CrossingKM {
			r.Crossing, r.CrossingKM = c, d
		}
	}
	for i := range g.places {
		pl := &g.places[i]
		if pl.Kind != "settlement" || !pl.HasPoint || math.Abs(pl.Point[1]-p[1]) > 0.5 {
			continue
		}
		if d := haversineKM(p, pl.Point); d <= nearbyKM && (r.Place == nil || d < r.PlaceKM) {
			r.Place, r.PlaceKM = pl, d
		}
	}
	return r
}
