package publish

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/planar"

	"sarhad/geo"
	"sarhad/incident"
)

// WarnBlurred is the warning of an incident of which not everything is shown.
const WarnBlurred = "blurred"

// Places are what a blur knows of the land.
type Places struct {
	// Units are the units of today.
	Units []geo.Unit
	// Border is the line that distances are from, nil if none is known.
	Border *geo.Border
}

// blurrer blurs incidents. It is safe for concurrent use.
type blurrer struct {
	units  []unit
	byID   map[string]*unit
	border *geo.Border
	kind   string
	mu     sync.Mutex
	cells  map[cellKey]*cell
}

// unit is a unit with what follows from it.
type unit struct {
	*geo.Unit
	bound orb.Bound
	once  sync.Once
	span  incident.BorderDistance
}

type cellKey struct{ perDegree, x, y int }

// maxCells is how many cells are kept; each is some hundred bytes.
const maxCells = 100_000

// cell is what is known of a cell of the grid, whichever incident lies in it.
type cell struct {
	centre            orb.Point
	radiusM           float64 // to its farthest corner
	unit              *unit   // that holds all of it, nil if there is none such
	country, province string  // the same; "" for none
}

func newBlurrer(p Places) *blurrer {
	b := &blurrer{units: make([]unit, len(p.Units)), byID: make(map[string]*unit, len(p.Units)), border: p.Border, cells: map[cellKey]*cell{}}
	for i := range p.Units {
		u := &b.units[i]
		u.Unit, u.bound = &p.Units[i], p.Units[i].Geometry.Bound()
		b.byID[u.ID] = u
	}
	h := sha256.New()
	for i := range b.units {
		_, _ = fmt.Fprintf(h, "%q %q %v %v\n", b.units[i].ID, b.units[i].Province, b.units[i].Label, b.units[i].bound)
	}
	b.kind = fmt.Sprintf("blurred %x", h.Sum(nil))
	return b
}

// tellPlace are the warnings that are made from the true point.
var tellPlace = []string{geo.WarnOutsideRegion, geo.WarnDistrictMismatch, geo.WarnCountryMismatch, geo.WarnSwappedCoordinates, "label_coordinates"}

// blur makes of an incident what everybody sees of it. What it changes it does not share with the original.
func (b *blurrer) blur(in *incident.Incident, by incident.Blur, ids *publicIDs) {
	in.ID = ids.public(in.ID)
	in.SourceID = in.ID // by which its row could be found elsewhere
	in.File, in.Line = "", 0
	in.LocationName, in.LocationText, in.LocationPrecisionCode, in.Summary, in.Subunit = "", "", "", "", ""
	in.Claims = slices.Clone(in.Claims)
	for i := range in.Claims {
		in.Claims[i].Quote = ""
	}
	in.Sources = slices.Clone(in.Sources)
	for i := range in.Sources { // titles name places, and so do addresses
		in.Sources[i].Title, in.Sources[i].URL = "", ""
	}
	in.Warnings = slices.DeleteFunc(slices.Clone(in.Warnings), func(w string) bool { return w == WarnBlurred || slices.Contains(tellPlace, w) })
	in.Warnings = append(in.Warnings, WarnBlurred)
	grid := by.Grid()
	switch in.Place.Kind {
	case incident.PlaceUnits, incident.PlaceProvince, incident.PlaceBorder, incident.PlaceCountry:
		in.Point, in.HasPoint = orb.Point{}, false // its label may be the source's own coordinates
	case incident.PlaceSubunit, incident.PlaceUnit:
		b.toUnit(in)
	case incident.PlacePoint, incident.PlaceCircle:
		if grid > 0 && in.HasPoint {
			b.toCell(in, grid)
			return
		}
		b.toUnit(in)
	default:
		in.Candidates = nil
		if grid > 0 && in.HasPoint {
			b.toCell(in, grid)
			in.Place = incident.Place{Kind: incident.PlaceNone}
			return
		}
		in.Point, in.HasPoint = orb.Point{}, false
		in.Border = incident.BorderDistance{Side: incident.SideUnknown}
	}
}

// toUnit leaves the unit of an incident and nothing finer.
func (b *blurrer) toUnit(in *incident.Incident) {
	in.Candidates = nil
	u := b.byID[in.UnitID]
	if u == nil { // none, a former one, or one of other boundaries
		in.Point, in.HasPoint = orb.Point{}, false
		in.Border = incident.BorderDistance{Side: incident.SideUnknown}
		in.Place, in.LocationPrecision = incident.Place{Kind: incident.PlaceNone}, incident.LocNone
		if in.Country != "" {
			in.Place, in.LocationPrecision = incident.Place{Kind: incident.PlaceCountry}, incident.LocCountry
		}
		return
	}
	in.Point, in.HasPoint, in.Place = u.Label, true, incident.Place{Kind: incident.PlaceUnit}
	in.LocationPrecision = incident.LocDistrict
	if u.Country == "AF" {
		in.LocationPrecision = incident.LocProvince
	}
	in.Border = b.unitBorder(u)
}

// unitBorder spans the distances of a unit from the border: those of its
// corners, and as much more as the longest edge between two allows.
func (b *blurrer) unitBorder(u *unit) incident.BorderDistance {
	u.once.Do(func() {
		u.span = incident.BorderDistance{Side: incident.BorderSide(u.Country)}
		if b.border == nil {
			return
		}
		least, most, longest := math.Inf(1), 0.0, 0.0
		for _, polygon := range u.Geometry {
			for _, ring := range polygon {
				for i, p := range ring {
					d := b.border.DistanceKM(p)
					least, most = min(least, d), max(most, d)
					if i > 0 {
						longest = max(longest, kilometres(ring[i-1], p))
					}
				}
			}
		}
		if most > 0 && !math.IsInf(least, 1) {
			u.span.Known, u.span.MinKM, u.span.MaxKM = true, round(max(0, least-longest/2)), round(most+longest/2)
		}
	})
	return u.span
}

// toCell puts an incident into the middle of its cell.
func (b *blurrer) toCell(in *incident.Incident, degrees float64) {
	in.Candidates = nil
	c := b.cellOf(in.Point, degrees)
	radius := c.radiusM + in.Place.RadiusM
	in.Point, in.Place = c.centre, incident.Place{Kind: incident.PlaceCircle, RadiusM: radius}
	in.LocationPrecision = incident.LocVicinity
	if radius > 25_000 {
		in.LocationPrecision = incident.LocRegion
	}
	if c.unit == nil || c.unit.ID != in.UnitID {
		in.UnitID, in.UnitThen, in.DistrictThen, in.District, in.PCode = "", "", "", "", ""
	}
	if in.Province != c.province {
		in.Province = ""
	}
	if in.Country != c.country {
		in.Country = ""
	}
	in.Border = incident.BorderDistance{Side: incident.SideUnknown}
	if b.border == nil {
		return
	}
	d, r := b.border.DistanceKM(c.centre), radius/1000
	if math.IsInf(d, 0) || math.IsNaN(d) {
		return
	}
	in.Border.Known, in.Border.MinKM, in.Border.MaxKM = true, round(max(0, d-r)), round(d+r)
	switch {
	case d < r:
		in.Border.Side = incident.SideStraddles
	case in.Country != "":
		in.Border.Side = incident.BorderSide(in.Country)
	}
}

// cellOf finds the cell that a point lies in.
func (b *blurrer) cellOf(p orb.Point, degrees float64) *cell {
	n := int(math.Round(1 / degrees))
	k := cellKey{n, int(math.Floor(p[0] * float64(n))), int(math.Floor(p[1] * float64(n)))}
	b.mu.Lock()
	c := b.cells[k]
	b.mu.Unlock()
	if c != nil {
		return c
	}
	c = b.newCell(k)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.cells) >= maxCells {
		clear(b.cells)
	}
	b.cells[k] = c
	return c
}

// whole is the share of a cell that counts as all of it: outlines of neighbours leave slivers between them.
const whole = 0.999

func (b *blurrer) newCell(k cellKey) *cell {
	n := float64(k.perDegree)
	box := orb.Bound{Min: orb.Point{float64(k.x) / n, float64(k.y) / n}, Max: orb.Point{float64(k.x+1) / n, float64(k.y+1) / n}}
	c := &cell{centre: orb.Point{micro((float64(k.x) + 0.5) / n), micro((float64(k.y) + 0.5) / n)}}
	for _, corner := range []orb.Point{box.Min, box.Max, {box.Min[0], box.Max[1]}, {box.Max[0], box.Min[1]}} {
		c.radiusM = max(c.radiusM, math.Ceil(kilometres(c.centre, corner)*10)*100)
	}
	area, covered := (box.Max[0]-box.Min[0])*(box.Max[1]-box.Min[1]), 0.0
	var touched []*unit
	for i := range b.units {
		u := &b.units[i]
		if !u.bound.Intersects(box) {
			continue
		}
		if share := math.Abs(planar.Area(clip.MultiPolygon(box, u.Geometry.Clone()))); share > area*1e-9 {
			touched = append(touched, u)
			covered += share
		}
	}
	if covered < whole*area {
		return c
	}
	if len(touched) == 1 {
		c.unit = touched[0]
	}
	c.country, c.province = touched[0].Country, touched[0].Province
	for _, u := range touched[1:] {
		if u.Country != c.country {
			c.country = ""
		}
		if u.Province != c.province {
			c.province = ""
		}
	}
	return c
}

// micro rounds to six decimals.
func micro(v float64) float64 { return math.Round(v*1e6) / 1e6 }

// round keeps distances to 10 m.
func round(km float64) float64 { return math.Round(km*100) / 100 }
