package incident

import (
	"crypto/sha256"
	"encoding/base32"

	"github.com/paulmach/orb"
)

// Figure is a reported number of people. The zero value means that no number
// was reported, which is not the same as a reported 0.
type Figure struct {
	N     int
	Known bool
}

// Known returns a reported figure.
func Known(n int) Figure { return Figure{N: n, Known: true} }

// Incident is one event as one dataset tells it.
type Incident struct {
	// FID is the row number in the store that holds the incident; 0 before it is stored.
	FID int64
	// ID is the public identifier, stable across reloads and stores; see [ID].
	ID string
	// Dataset and SourceID together are the key that a reload finds the incident by.
	Dataset, SourceID string

	// Start and End are the first and last day, both closed, local to the country.
	Start, End Day
	// Time is the time of day with its offset, "15:04:05+05:00"; "" if not known.
	Time string
	// TimePrecision says how well the dates are known.
	TimePrecision TimePrecision

	// EventType and SubEventType are ACLED's terms; "" where the source does not say.
	EventType    EventType
	SubEventType SubEventType
	// EventTypeText is the word of the source where it is none of ACLED's terms.
	EventTypeText string
	// EventClass groups incidents coarsely; "" if not said.
	EventClass EventClass
	// TypeOfViolence is UCDP's code, 0 if not said.
	TypeOfViolence TypeOfViolence

	// Actor1 and Actor2 are the sides as the source names them. Their order says
	// nothing about who attacked.
	Actor1, Actor2 string
	// AssocActors are further actors named with either side.
	AssocActors []string
	// Dyad is UCDP's name of the pair.
	Dyad string

	// Low, Best and High are the reported deaths: the source's lowest, best and
	// highest estimate.
	Low, Best, High Figure
	// DeathsA, DeathsB, DeathsCivilians and DeathsUnknown split the best estimate.
	DeathsA, DeathsB, DeathsCivilians, DeathsUnknown Figure

	// Country is "PK" or "AF", "" for neither or not known.
	Country string
	// Province and District are English names of the place as it was resolved.
	Province, District string
	// UnitID is the unit that the incident was placed in, "" if it could not be:
	// a unit of today, or a former one where only that is known ("South
	// Waziristan" of 2009, which is two units today).
	UnitID string
	// UnitThen is the former unit that held the whole of UnitID on the day Start,
	// and DistrictThen its name; "" if the unit was what it is, or is a former one.
	UnitThen, DistrictThen string
	// Subunit is the tehsil or Afghan district that it was in, "" if not known.
	Subunit string
	// PCode is the OCHA P-code of UnitID, "" if it has none.
	PCode string
	// Candidates are the units that an ambiguous name may mean.
	Candidates []string
	// LocationName is the name of the place; LocationText are the source's words.
	LocationName, LocationText string
	// LocationPrecision says how well the place is known.
	LocationPrecision LocationPrecision
	// LocationPrecisionCode is the source's own code, as written.
	LocationPrecisionCode string
	// Point is the label point, lon, lat in CRS84: the source's coordinates or a
	// point inside the unit. It is meaningful only if HasPoint is true. A label
	// point is not a claim that the incident happened there; Place is.
	Point    orb.Point
	HasPoint bool
	// Place is what is really known of where it was.
	Place Place
	// Border is the distance to the border line.
	Border BorderDistance

	// Verification says how far the report was checked.
	Verification Verification
	// Clarity is UCDP's event_clarity, as written.
	Clarity string
	// Claims are figures as each side gave them. They are never added or averaged.
	Claims []Claim
	// Sources are the publications that the record rests on.
	Sources []Source
	// Summary is a neutral description.
	Summary string

	// Warnings are the codes of doubts found on loading, such as "district_mismatch".
	Warnings []string
	// File and Line say where the record was read: the name of the file without
	// its folder, and the line on which it starts (for GeoJSON the number of the
	// feature), both counted from 1.
	File string
	Line int
	// Synthetic marks generated incidents, which describe nothing that happened.
	Synthetic bool
}

// ID derives the public identifier of an incident from its key: the letter "i"
// and 64 bits of a SHA-256 in lower-case base 32. Among a million incidents the
// chance of any two sharing one is below 1 in 30 million.
func ID(dataset, sourceID string) string {
	buf := make([]byte, 0, 96)
	buf = append(append(append(buf, dataset...), 0), sourceID...)
	sum := sha256.Sum256(buf)
	var out [14]byte
	out[0] = 'i'
	idAlphabet.Encode(out[1:], sum[:8])
	return string(out[:])
}

var idAlphabet = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// Place is what is known of where an incident was, which is often not a point.
type Place struct {
	// Kind says what sort of place is known; "" counts as PlaceNone.
	Kind PlaceKind
	// RadiusM is the radius in metres of a circle around the label point.
	RadiusM float64
	// Units are the units of PlaceUnits, all of them of today.
	Units []string
}

// PlaceKind is a sort of place.
type PlaceKind string

// The sorts of places.
const (
	PlacePoint    PlaceKind = "point"    // the label point itself
	PlaceCircle   PlaceKind = "circle"   // within RadiusM of the label point
	PlaceSubunit  PlaceKind = "subunit"  // somewhere in the tehsil or Afghan district
	PlaceUnit     PlaceKind = "unit"     // somewhere in the unit
	PlaceUnits    PlaceKind = "units"    // somewhere in one or several of Units
	PlaceProvince PlaceKind = "province" // somewhere in the province
	PlaceBorder   PlaceKind = "border"   // somewhere along the border line
	PlaceCountry  PlaceKind = "country"  // somewhere in the country
	PlaceNone     PlaceKind = "none"     // not known, or not a place on the map
)

// PlaceKinds lists the sorts of places in a fixed order.
var PlaceKinds = []PlaceKind{PlacePoint, PlaceCircle, PlaceSubunit, PlaceUnit, PlaceUnits, PlaceProvince, PlaceBorder, PlaceCountry, PlaceNone}

// BorderDistance is the distance to the Afghanistan–Pakistan border line as a
// range, as far as the precision of the place allows.
type BorderDistance struct {
	// Known is false where no distance can be given.
	Known bool
	// MinKM and MaxKM bound the distance in kilometres; neither is negative.
	MinKM, MaxKM float64
	// Side is where the incident lies as a matter of geometry, not of sovereignty.
	Side BorderSide
}

// Claim is one figure as one party or observer gave it.
type Claim struct {
	// Quantity is what is counted ("killed", "wounded"), About who.
	Quantity, About string
	// Low, Best and High are the figures as given.
	Low, Best, High Figure
	// Qualifier is a word such as "over", "about" or "at_least"; "" for an exact figure.
	Qualifier string
	// Claimant is who said it; ClaimantRole is "party", "official", "monitor" or "press".
	Claimant, ClaimantRole string
	// Source is the index into the incident's sources, -1 if none is given.
	Source int
	// Quote are the claimant's words in Language (BCP 47).
	Quote, Language string
}

// Source is a publication.
type Source struct {
	// Publisher, Title and URL name it; any may be "".
	Publisher, Title, URL string
	// Date is the day of publication as written in the source, "" if not given.
	Date string
	// Language is a BCP 47 tag.
	Language string
	// IsParty is true if the publisher is a party to the incident.
	IsParty bool
}
