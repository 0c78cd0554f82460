package api

import (
	"math"

	"github.com/labstack/echo/v4"

	"sarhad/geo"
)

var reverseParams = []string{"lon", "lat", "date", "f"}

// reverseResult is the answer of /reverse: what is known of a point. What is not known is null.
type reverseResult struct {
	// Status is "placed" exactly when a unit holds the point, else "unknown".
	Status      geo.Status `json:"status"`
	UnitID      *string    `json:"unit_id"`
	Name        *string    `json:"name"`
	Country     *string    `json:"country"`
	Province    *string    `json:"province"`
	SubunitID   *string    `json:"subunit_id"`
	Subunit     *string    `json:"subunit"`
	SubunitKind *string    `json:"subunit_kind"`
	// Then and ThenName are the former unit that held the point on the day asked for.
	Then     *string `json:"then"`
	ThenName *string `json:"then_name"`
	// BorderKM is the distance to the border line in kilometres, BorderSide the country that the point lies in.
	BorderKM    *float64     `json:"border_km"`
	BorderSide  *string      `json:"border_side"`
	Crossing    *nearbyPlace `json:"crossing"`
	Settlement  *nearbyPlace `json:"settlement"`
	Attribution *string      `json:"attribution"`
	Links       []link       `json:"links"`
}

// nearbyPlace is a named place with its distance in kilometres.
type nearbyPlace struct {
	Name string  `json:"name"`
	KM   float64 `json:"km"`
}

func (s *server) getReverse(c echo.Context) error {
	r := c.Request()
	p, err := s.placeParams(c, reverseParams)
	if err != nil {
		return err
	}
	for _, name := range []string{"lon", "lat"} {
		if _, ok := p[name]; !ok {
			return wrongParameter(name, nil, "%s is missing; a point is lon and lat in degrees, for example lon=71.09&lat=34.12.", name)
		}
	}
	at, err := position("lon", p["lon"], "lat", p["lat"])
	if err != nil {
		return err
	}
	day, _, err := p.day("date")
	if err != nil {
		return err
	}
	g := s.Geocoder()
	v := g.Reverse(at, day)
	a := reverseResult{Status: geo.StatusUnknown, Attribution: s.placeAttribution(), Links: s.itemLinks(r, p, formatJSON, jsonFormats)}
	if v.Unit < 0 && !g.Region().Contains(at) {
		return s.plainJSON(c, a) // how far Torkham is from Lisbon says nothing
	}
	a.BorderKM, a.BorderSide, a.SubunitID, a.Then = tenth(v.BorderKM), orNull(v.Side), orNull(v.Subunit), orNull(v.Then)
	if v.Unit >= 0 {
		u := &g.Index().Units()[v.Unit]
		a.Status = geo.StatusPlaced
		a.UnitID, a.Name, a.Country, a.Province = orNull(u.ID), orNull(u.Name), orNull(u.Country), orNull(u.Province)
	}
	if sub := subunitByID(g, v.Subunit); sub != nil {
		a.Subunit, a.SubunitKind = orNull(sub.Name), orNull(sub.Kind)
	}
	if f, ok := g.Former(v.Then); ok {
		a.ThenName = orNull(f.Name)
	}
	if v.Crossing != nil {
		a.Crossing = &nearbyPlace{v.Crossing.Name, math.Round(v.CrossingKM*10) / 10}
	}
	if v.Place != nil {
		a.Settlement = &nearbyPlace{v.Place.Name, math.Round(v.PlaceKM*10) / 10}
	}
	return s.plainJSON(c, a)
}

// tenth rounds to a tenth of a kilometre: the lines are not better than this. It is nil for no number.
func tenth(km float64) *float64 {
	return orNoNumber(math.Round(km*10) / 10)
}

// subunitByID is nil if there is none.
func subunitByID(g *geo.Geocoder, id string) *geo.Subunit {
	if id == "" {
		return nil
	}
	list := g.Subunits()
	for i := range list {
		if list[i].ID == id {
			return &list[i]
		}
	}
	return nil
}
