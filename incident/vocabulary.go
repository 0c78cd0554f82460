package incident

import (
	"slices"
	"strings"
)

// TimePrecision says how well the dates of an incident are known.
type TimePrecision string

// The words of TimePrecision.
const (
	TimeExact   TimePrecision = "exact_time"
	TimeDay     TimePrecision = "day"
	TimeDays2_6 TimePrecision = "days_2_6"
	TimeWeek    TimePrecision = "week"
	TimeMonth   TimePrecision = "month"
	TimeYear    TimePrecision = "year"
	TimeRange   TimePrecision = "range"
	TimeUnknown TimePrecision = "unknown"
)

// TimePrecisions lists the words from the finest to the coarsest.
var TimePrecisions = []TimePrecision{TimeExact, TimeDay, TimeDays2_6, TimeWeek, TimeMonth, TimeYear, TimeRange, TimeUnknown}

// Coarse reports whether the day itself is not known: week, month, year, range or unknown.
func (p TimePrecision) Coarse() bool {
	switch p {
	case TimeWeek, TimeMonth, TimeYear, TimeRange, TimeUnknown:
		return true
	}
	return false
}

// ACLEDTimePrecision reads ACLED's time_precision (codebook: 1 day, 2 week, 3 month).
var ACLEDTimePrecision = map[string]TimePrecision{"1": TimeDay, "2": TimeWeek, "3": TimeMonth}

// GEDTimePrecision reads UCDP GED's date_prec (codebook: 1 day, 2 two to six days, 3 week, 4 month, 5 year).
var GEDTimePrecision = map[string]TimePrecision{"1": TimeDay, "2": TimeDays2_6, "3": TimeWeek, "4": TimeMonth, "5": TimeYear}

// LocationPrecision says how well the place of an incident is known.
type LocationPrecision string

// The words of LocationPrecision.
const (
	LocExact      LocationPrecision = "exact"
	LocNear       LocationPrecision = "near"
	LocSettlement LocationPrecision = "settlement"
	LocVicinity   LocationPrecision = "vicinity_25km"
	LocTehsil     LocationPrecision = "tehsil"
	LocDistrict   LocationPrecision = "district"
	LocProvince   LocationPrecision = "province"
	LocLine       LocationPrecision = "line"
	LocRegion     LocationPrecision = "region"
	LocCountry    LocationPrecision = "country"
	LocNone       LocationPrecision = "none"
)

// LocationPrecisions lists the words from the finest to the coarsest.
var LocationPrecisions = []LocationPrecision{LocExact, LocNear, LocSettlement, LocVicinity, LocTehsil, LocDistrict, LocProvince, LocLine, LocRegion, LocCountry, LocNone}

// IsPoint reports whether a point may be drawn for a place known so well.
func (p LocationPrecision) IsPoint() bool {
	switch p {
	case LocExact, LocNear, LocSettlement, LocVicinity:
		return true
	}
	return false
}

// ACLEDLocationPrecision reads ACLED's geo_precision (codebook: 1 the town, 2
// near a town or a part of a region, 3 a larger region, coded to its capital).
var ACLEDLocationPrecision = map[string]LocationPrecision{"1": LocSettlement, "2": LocNear, "3": LocRegion}

// GEDLocationPrecision reads UCDP GED's where_prec (codebook: 1 exact, 2 within
// about 25 km, 3 second-order and 4 first-order unit, 5 linear or fuzzy, 6
// country, 7 sea or air).
var GEDLocationPrecision = map[string]LocationPrecision{"1": LocExact, "2": LocVicinity, "3": LocDistrict, "4": LocProvince, "5": LocLine, "6": LocCountry, "7": LocNone}

// EventType is one of ACLED's six event types, written as ACLED writes it.
type EventType string

// The event types.
const (
	Battles    EventType = "Battles"
	Explosions EventType = "Explosions/Remote violence"
	Civilians  EventType = "Violence against civilians"
	Protests   EventType = "Protests"
	Riots      EventType = "Riots"
	Strategic  EventType = "Strategic developments"
)

// EventTypes lists ACLED's event types in the order of its codebook.
var EventTypes = []EventType{Battles, Explosions, Civilians, Protests, Riots, Strategic}

// SubEventType is one of ACLED's 25 sub-event types.
type SubEventType string

// SubEventTypes lists the sub-event types of each event type in the order of ACLED's codebook.
var SubEventTypes = map[EventType][]SubEventType{
	Battles:    {"Government regains territory", "Non-state actor overtakes territory", "Armed clash"},
	Explosions: {"Chemical weapon", "Air/drone strike", "Suicide bomb", "Shelling/artillery/missile attack", "Remote explosive/landmine/IED", "Grenade"},
	Civilians:  {"Sexual violence", "Attack", "Abduction/forced disappearance"},
	Protests:   {"Peaceful protest", "Protest with intervention", "Excessive force against protesters"},
	Riots:      {"Violent demonstration", "Mob violence"},
	Strategic: {"Agreement", "Arrests", "Change to group/activity", "Disrupted weapons use", "Headquarters or base established",
		"Looting/property destruction", "Non-violent transfer of territory", "Other"},
}

var (
	eventTypeByFold = map[string]EventType{}
	subTypeByFold   = map[string]subOf{}
)

type subOf struct {
	sub SubEventType
	of  EventType
}

func foldTerm(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }

func init() {
	for _, t := range EventTypes {
		eventTypeByFold[foldTerm(string(t))] = t
		for _, s := range SubEventTypes[t] {
			subTypeByFold[foldTerm(string(s))] = subOf{s, t}
		}
	}
	// Spellings met in ACLED's own files of other years.
	eventTypeByFold["explosions / remote violence"] = Explosions
	subTypeByFold["excessive force against protestors"] = subOf{"Excessive force against protesters", Protests}
}

// ParseEventType reads an event type without regard to case. ok is false for a
// word that is not one of ACLED's.
func ParseEventType(s string) (t EventType, ok bool) {
	if t = EventType(s); slices.Contains(EventTypes, t) { // the usual case allocates nothing
		return t, true
	}
	t, ok = eventTypeByFold[foldTerm(s)]
	return t, ok
}

// ParseSubEventType reads a sub-event type without regard to case and returns
// the event type that it belongs to.
func ParseSubEventType(s string) (sub SubEventType, of EventType, ok bool) {
	v, ok := subTypeByFold[foldTerm(s)]
	return v.sub, v.of, ok
}

// EventClass groups incidents coarsely.
type EventClass string

// The event classes.
const (
	ClassKinetic       EventClass = "kinetic"
	ClassDemonstration EventClass = "demonstration"
	ClassStrategic     EventClass = "strategic"
	ClassDiplomatic    EventClass = "diplomatic"
	ClassClosure       EventClass = "closure"
	ClassContext       EventClass = "context"
)

// EventClasses lists the event classes.
var EventClasses = []EventClass{ClassKinetic, ClassDemonstration, ClassStrategic, ClassDiplomatic, ClassClosure, ClassContext}

// ClassOf returns the class that follows from an event type, "" from none.
func ClassOf(t EventType) EventClass {
	switch t {
	case Battles, Explosions, Civilians:
		return ClassKinetic
	case Protests, Riots:
		return ClassDemonstration
	case Strategic:
		return ClassStrategic
	}
	return ""
}

// TypeOfViolence is UCDP's code: 1 state-based, 2 non-state, 3 one-sided; 0 if not said.
type TypeOfViolence int

// Name returns UCDP's word for the code, "" for 0.
func (t TypeOfViolence) Name() string {
	switch t {
	case 1:
		return "state-based"
	case 2:
		return "non-state"
	case 3:
		return "one-sided"
	}
	return ""
}

// Verification says how far a report was checked.
type Verification string

// The words of Verification.
const (
	Unverified   Verification = "unverified"
	Corroborated Verification = "corroborated"
	Confirmed    Verification = "confirmed"
	Disputed     Verification = "disputed"
	Refuted      Verification = "refuted"
	Unverifiable Verification = "unverifiable"
)

// Verifications lists the words.
var Verifications = []Verification{Unverified, Corroborated, Confirmed, Disputed, Refuted, Unverifiable}

// BorderSide says on which side of the border line an incident lies, as geometry.
type BorderSide string

// The sides.
const (
	SidePK        BorderSide = "PK"
	SideAF        BorderSide = "AF"
	SideStraddles BorderSide = "straddles"
	SideUnknown   BorderSide = "unknown"
)

// Countries lists the codes that Country takes.
var Countries = []string{"PK", "AF"}
