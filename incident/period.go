package incident

// Period is a stretch of time that matters for reading the incidents: a
// ceasefire or a round of talks, with the sources that it rests on.
type Period struct {
	// ID is a slug; Kind is "ceasefire" or "talks"; Name is for readers.
	ID, Kind, Name string
	// Start and End are the first and last day, both closed. HasEnd is false
	// while no end is known.
	Start, End Day
	HasEnd     bool
	// Parties are the sides and mediators, by name.
	Parties []string
	// Sources are the publications that the dates rest on.
	Sources []Source
	// Note is a remark for readers, "" if there is none.
	Note string
}
