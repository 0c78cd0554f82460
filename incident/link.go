package incident

// Link says that two incidents of different datasets are likely the same event.
// It is a suggestion: nothing is merged because of it.
type Link struct {
	// ID, FID and Dataset are those of the other incident.
	ID      string
	FID     int64
	Dataset string
	// Reasons are why, in the order of the constants.
	Reasons []LinkReason
	// Days is the number of days between their starts, 0 or 1.
	Days int
	// KM is the distance of their points in kilometres, if both are known; else Known is false.
	KM LinkDistance
}

// LinkDistance is a distance in kilometres that may not be known.
type LinkDistance struct {
	KM    float64
	Known bool
}

// LinkReason is something that two incidents have in common.
type LinkReason string

// The reasons.
const (
	// SameDay means the same days, DayApart that one begins a day before the other.
	SameDay  LinkReason = "same_day"
	DayApart LinkReason = "day_apart"
	// SameUnit means the same district or province, Within5KM that their points are close.
	SameUnit  LinkReason = "same_unit"
	Within5KM LinkReason = "within_5_km"
	// SameEventType means the same event_type, SameViolence the same type_of_violence.
	SameEventType LinkReason = "same_event_type"
	SameViolence  LinkReason = "same_type_of_violence"
	// SameFatalities means the same best figure, which is reported and not 0.
	SameFatalities LinkReason = "same_fatalities"
)
