package geo

import (
	"math"

	"github.com/paulmach/orb"
)

// Span is a time, in days since 1970-01-01: from the day From until before the day Until. NoDay stands for an open or
// unknown end. The zero Span is all time.
type Span struct{ From, Until int32 }

// NoDay is the end of a Span that has none, and the day of a question that has none.
const NoDay = math.MinInt32

// Holds says whether a day is in the span.
func (s Span) Holds(day int32) bool {
	return s == Span{} || (s.From == NoDay || s.From <= day) && (s.Until == NoDay || day < s.Until)
}

// Name is one name of a place in one language.
type Name struct {
	// Text is the name as it is written.
	Text string
	// Lang is a BCP 47 tag, "en", "ur", "ps" or "prs"; "" where the source does not say.
	Lang string
	// Source says where the name is from: "GeoNames", "geoBoundaries", "Sarhad", or a file or dataset of the user's.
	Source string
	// Dates is when it was in use, the zero Span where that is not known.
	Dates Span
}

// Subunit is an administrative unit below the units: a tehsil of Khyber Pakhtunkhwa or Balochistan, or a district of Afghanistan.
type Subunit struct {
	// ID is the slug of the unit with one of its own, "pk-kp-khyber-landi-kotal" or "af-nan-muhmand-dara".
	ID string
	// Name is the English name, Kind "tehsil" or "district", Unit the ID of the unit that holds it.
	Name, Kind, Unit string
	// Names are further names and spellings.
	Names []Name
	// Label is a point inside it, lon, lat, CRS84.
	Label orb.Point
	// Geometry is the polygon in lon, lat, CRS84; it lies within that of the unit, to about 250 m.
	Geometry orb.MultiPolygon
}

// Place is a named place that is no administrative unit: a town, a quarter, a valley, the land of a tribe, a pass.
type Place struct {
	// ID tells places apart: "gn-1162634" is number 1162634 of GeoNames. Name is the usual English name.
	ID, Name string
	// Kind is "settlement", "locality" (a quarter, post, camp or crossroads), "area" (a valley, the land of a tribe: it has no
	// one point), "pass", or "learned" (a name that incidents of a dataset were placed under).
	Kind string
	// Units are the IDs of the units that it lies in, several where it lies on a line or where sources differ; nil leaves it to Point.
	Units []string
	// Subunit is the ID of the subunit that holds it, "" if not known.
	Subunit string
	// Point is its position in lon, lat (CRS84), if HasPoint is true, and AccuracyKM how far off that may be, 0 if not said.
	Point      orb.Point
	HasPoint   bool
	AccuracyKM float64
	// Population is the number of people, 0 if not known; of two towns of one name it puts the larger first and decides nothing.
	Population int
	// Names are further names and spellings; Source says where Name and Point are from.
	Names  []Name
	Source string
	// Count is the number of incidents that a learned name rests on, 0 for all others.
	Count int
}

// Former is an administrative unit that is no more, or what a unit of today was before a part of it became one of its own.
type Former struct {
	// ID is a slug: "pk-kp-south-waziristan", or "pk-ba-lasbela-until-2022" for a unit that goes on in smaller limits.
	ID string
	// Name is the English name of its day, Kind "agency", "district", "frontier_region" or "province".
	Name, Kind string
	// Country is an ISO 3166-1 alpha-2 code, Province the English name of today's province that holds it.
	Country, Province string
	// Dates is when it was; Uncertain is true where a date is not sure to the day.
	Dates     Span
	Uncertain bool
	// Units are the IDs of the units of today that cover it. Part is true where it was only a part of them, such as the
	// Frontier Region Bannu in today's district of Bannu.
	Units []string
	Part  bool
	// Now is the ID of the unit of today that goes by its name, "" if none does.
	Now string
	// Names are its names and spellings beside Name that belong to no other unit.
	Names []Name
	// Source says where the dates are from, Note what a reader should know.
	Source, Note string
}

// Sources is what a geocoder is made of. All but Index may be empty; what names a unit that the index does not have loses that part.
type Sources struct {
	Index       *Index
	Subunits    []Subunit
	Places      []Place
	Crossings   []Crossing
	Ambiguities []Ambiguity
	Formers     []Former
	Border      *Border
}
