package incident

import "slices"

// Link says that two incidents of different datasets are likely the same event.
// It is a suggestion: nothing is merged because of it. [Linker] finds links and
// says what makes one.
type Link struct {
	// ID, FID and Dataset are those of the other incident.
	ID      string
	FID     int64
	Dataset string
	// Reasons are why, in the order of the constants.
	Reasons []LinkReason
	// Days is 0 if the two have a day in common, 1 if one ended on the day before the other began.
	Days int
	// KM is the distance of their points in kilometres, if both places are known to a point; else Known is false.
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
	// SameDay means a day in common, DayApart that one ended on the day before the other began.
	SameDay  LinkReason = "same_day"
	DayApart LinkReason = "day_apart"
	// SameUnit means the same district or Afghan province, Within5KM that their points are close.
	SameUnit  LinkReason = "same_unit"
	Within5KM LinkReason = "within_5_km"
	// SameEventType means the same event_type, SameViolence the same type_of_violence.
	SameEventType LinkReason = "same_event_type"
	SameViolence  LinkReason = "same_type_of_violence"
	// CompatibleType means that the type_of_violence of the one may be the event_type of the other, which has no type_of_violence.
	CompatibleType LinkReason = "compatible_type"
	// SameFatalities means the same best figure, which is reported and not 0.
	SameFatalities LinkReason = "same_fatalities"
	// SharedActor means that a word of the names of the two sides, one that says something, is in both.
	SharedActor LinkReason = "shared_actor"
)

// LinkReasons lists the reasons in their order.
var LinkReasons = []LinkReason{SameDay, DayApart, SameUnit, Within5KM, SameEventType, SameViolence, CompatibleType, SameFatalities, SharedActor}

// Better reports whether a tells more than b of an event that both are about,
// so that a is the one to count: the one with a best figure, then the one whose
// place is known more finely, then the one whose ID comes first.
func Better(a, b *Incident) bool {
	if a.Best.Known != b.Best.Known {
		return a.Best.Known
	}
	if x, y := fineness(a.LocationPrecision), fineness(b.LocationPrecision); x != y {
		return x < y
	}
	return a.ID < b.ID
}

// fineness is the place of a precision in the list, one behind the last for "".
func fineness(p LocationPrecision) int {
	for i, q := range LocationPrecisions {
		if p == q {
			return i
		}
	}
	return len(LocationPrecisions)
}

// BestOfCluster finds the incident of one cluster that counts in each group of a
// distinct count. The zero value is empty.
type BestOfCluster struct {
	groups []int
	best   []Incident
}

// Offer adds an incident to a group, given by its number. The incident is copied.
func (b *BestOfCluster) Offer(group int, in *Incident) {
	i := slices.Index(b.groups, group)
	switch {
	case i < 0:
		b.groups, b.best = append(b.groups, group), append(b.best, *in)
	case Better(in, &b.best[i]):
		b.best[i] = *in
	}
}

// Count counts the one of each group and forgets them, for the next cluster.
func (b *BestOfCluster) Count(groups []Group) {
	for i, at := range b.groups {
		groups[at].Add(&b.best[i])
	}
	b.groups, b.best = b.groups[:0], b.best[:0]
}
