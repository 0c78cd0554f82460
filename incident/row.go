package incident

import (
	"cmp"
	"context"
	"slices"

	"github.com/paulmach/orb"
)

// Row is what maps and counts need of an incident: far less than an
// [Incident], so that a reader that keeps it in columns gives millions of rows
// a second.
type Row struct {
	// FID, Start, End, Point and HasPoint are those of the [Incident].
	FID        int64
	Start, End Day
	Point      orb.Point
	HasPoint   bool
	// Low, Best and High are the reported deaths.
	Low, Best, High Figure
	// Kind and Place are shared by many rows and never changed: one pointer
	// means one value, as long as the sequence that gave it goes on.
	Kind  *RowKind
	Place *RowPlace
}

// RowKind is what sort of incident it is and how well it is known.
type RowKind struct {
	Dataset           string
	TimePrecision     TimePrecision
	EventType         EventType
	SubEventType      SubEventType
	EventClass        EventClass
	TypeOfViolence    TypeOfViolence
	LocationPrecision LocationPrecision
	PlaceKind         PlaceKind
	BorderSide        BorderSide
	BorderKnown       bool
	Verification      Verification
	Synthetic         bool
}

// RowPlace is where an incident was placed, in names and ids.
type RowPlace struct{ Country, Province, District, UnitID, UnitThen, DistrictThen, Subunit, PCode string }

// RowKindOf takes the kind out of an incident.
func RowKindOf(in *Incident) RowKind {
	return RowKind{in.Dataset, in.TimePrecision, in.EventType, in.SubEventType, in.EventClass, in.TypeOfViolence, in.LocationPrecision, in.Place.Kind,
		in.Border.Side, in.Border.Known, in.Verification, in.Synthetic}
}

// Put writes the kind into an incident.
func (k *RowKind) Put(in *Incident) {
	in.Dataset, in.TimePrecision, in.EventType, in.SubEventType, in.EventClass = k.Dataset, k.TimePrecision, k.EventType, k.SubEventType, k.EventClass
	in.TypeOfViolence, in.LocationPrecision, in.Place.Kind, in.Border.Side, in.Border.Known = k.TypeOfViolence, k.LocationPrecision, k.PlaceKind, k.BorderSide, k.BorderKnown
	in.Verification, in.Synthetic = k.Verification, k.Synthetic
}

// RowPlaceOf takes the place out of an incident.
func RowPlaceOf(in *Incident) RowPlace {
	return RowPlace{in.Country, in.Province, in.District, in.UnitID, in.UnitThen, in.DistrictThen, in.Subunit, in.PCode}
}

// Put writes the place into an incident.
func (p *RowPlace) Put(in *Incident) {
	in.Country, in.Province, in.District, in.UnitID = p.Country, p.Province, p.District, p.UnitID
	in.UnitThen, in.DistrictThen, in.Subunit, in.PCode = p.UnitThen, p.DistrictThen, p.Subunit, p.PCode
}

// RowReader is a reader that gives rows faster than incidents.
type RowReader interface {
	Reader
	// Rows calls do for each incident that a filter is true for, in the order of
	// [ByStart], until do returns false. The row is overwritten by the next one.
	Rows(ctx context.Context, f Filter, do func(*Row) bool) error
}

// Rows asks any reader for rows; see [RowReader.Rows].
func Rows(ctx context.Context, r Reader, f Filter, do func(*Row) bool) error {
	if fast, ok := r.(RowReader); ok {
		return fast.Rows(ctx, f, do)
	}
	kinds, places := map[RowKind]*RowKind{}, map[RowPlace]*RowPlace{}
	var row Row
	for in, err := range r.Incidents(ctx, Query{Filter: f, Order: ByStart}) {
		if err != nil {
			return err
		}
		row = Row{FID: in.FID, Start: in.Start, End: in.End, Point: in.Point, HasPoint: in.HasPoint, Low: in.Low, Best: in.Best, High: in.High,
			Kind: shared(kinds, RowKindOf(in)), Place: shared(places, RowPlaceOf(in))}
		if !do(&row) {
			return nil
		}
	}
	return nil
}

func shared[T comparable](known map[T]*T, v T) *T {
	p := known[v]
	if p == nil {
		p = &v
		known[v] = p
	}
	return p
}

// FIDRange is a range of row numbers of a store, closed at both ends.
type FIDRange struct{ From, To int64 }

// JoinFIDs sorts ranges and puts together those that overlap or whose ends are
// at most so many numbers apart: with 1 those that meet. It reuses the slice.
func JoinFIDs(ranges []FIDRange, gap int64) []FIDRange {
	slices.SortFunc(ranges, func(a, b FIDRange) int { return cmp.Compare(a.From, b.From) })
	out := ranges[:0]
	for _, r := range ranges {
		if n := len(out); n > 0 && r.From <= out[n-1].To+gap {
			out[n-1].To = max(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}

// TouchedFIDs collects the row numbers that a transaction adds, changes or
// removes, for the journal of a store. The zero value is empty.
type TouchedFIDs []FIDRange

const (
	// A range takes in rows that nobody touched where that saves a range.
	closeFIDs = 16
	// maxRanges is how many ranges one change may have in a journal.
	maxRanges = 2000
	// KeptChanges is how many changes a journal goes back.
	KeptChanges = 2000
)

// Add adds a row.
func (t *TouchedFIDs) Add(fid int64) {
	if n := len(*t); n > 0 {
		if r := &(*t)[n-1]; fid >= r.From && fid <= r.To+closeFIDs {
			r.To = max(r.To, fid)
			return
		}
	}
	*t = append(*t, FIDRange{From: fid, To: fid})
}

// Ranges puts together what is close, the farther the more ranges there are. It reuses the slice.
func (t TouchedFIDs) Ranges() []FIDRange {
	for gap := int64(closeFIDs); ; gap *= 4 {
		if t = JoinFIDs(t, gap); len(t) <= maxRanges {
			return t
		}
	}
}

// Journal is a reader that knows what changed, so that who keeps a copy need not read everything again.
type Journal interface {
	Reader
	// Touched gives the ranges of row numbers that changes after a change number
	// may have added, changed or removed, in any order; they may be wider than
	// that. known is false if the store does not know that far back.
	Touched(ctx context.Context, since int64) (ranges []FIDRange, known bool, err error)
	// Commits counts what this process has written, at no cost: while it stays
	// as it is, only another process can have changed anything.
	Commits() int64
}

// SecretKeeper is a store that keeps a secret of its own, which no answer, export or log has.
type SecretKeeper interface {
	// Secret gives 16 random bytes that were drawn when the tables of the store
	// were made or brought up to date, and that never change. A copy of the
	// incidents has another; a backup or a replica has the same.
	Secret(ctx context.Context) ([]byte, error)
}

// Waiter is a reader that is told of changes, so that who keeps a copy need not ask all the time.
type Waiter interface {
	Reader
	// Wait returns as soon as the change number is greater than a number, at once
	// if it is, and gives it. It fails with CodeUnavailable when nothing can be
	// heard of the store; whoever waits asks again after a while.
	Wait(ctx context.Context, after int64) (change int64, err error)
}

// StoreChanger is a reader whose change number also grows without the store, as
// that of one that shows more every day.
type StoreChanger interface {
	Reader
	// StoreChange gives the change number of the store up to which answers go.
	StoreChange(ctx context.Context) (int64, error)
}

// StoreChange gives the change number of the store that a reader has reached. It fails as [Reader.Change] does.
func StoreChange(ctx context.Context, r Reader) (int64, error) {
	if s, ok := r.(StoreChanger); ok {
		return s.StoreChange(ctx)
	}
	return r.Change(ctx)
}

// Clusterer is a reader that gives all clusters of likely duplicates at once,
// so that who keeps a copy can count them; see [AggregateQuery.Distinct].
type Clusterer interface {
	Reader
	// Clusters gives the incidents that are in a cluster, in any order, and the
	// change number that they are of.
	Clusters(ctx context.Context) (change int64, members []Member, err error)
}
