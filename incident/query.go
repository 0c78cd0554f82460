package incident

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"
)

// Order is the order in which a store gives incidents. Ties are broken by FID
// in the same direction, so that every order is total.
type Order int

// The orders.
const (
	ByFID      Order = iota // as stored
	ByStart                 // oldest first
	ByStartRev              // newest first
)

// Cursor is a place in an ordered list: the last incident of a page.
type Cursor struct {
	FID   int64
	Start Day // only for the orders by start
}

// Query asks for incidents.
type Query struct {
	// Filter chooses them; nil chooses all.
	Filter Filter
	// Order sorts them.
	Order Order
	// After leaves out everything up to and with a cursor; nil starts at the beginning.
	After *Cursor
	// Limit is the most that are given; 0 is no limit.
	Limit int
	// Fields names what the asker will look at, as GeoJSON writes it (also what
	// cannot be filtered on, such as "sources"); nil is everything. It is a hint:
	// a reader may leave what is not named zero or fill it all the same. ID, FID,
	// Start, Point and HasPoint are always there.
	Fields []Property
	// Borrow, if it is not nil, says that the asker keeps nothing of an incident,
	// not even a text, beyond the next step, as one does that writes each down at
	// once. A reader may then lend its own memory, and tell in it what it knows
	// of the incident at hand.
	Borrow *Lent
}

// Lent is what a reader that lends its memory may tell of the incident at hand.
type Lent struct {
	// Plain says that id and summary are plain, see [IsPlain]; false says nothing.
	Plain bool
	// Common says that what many incidents share is plain: the texts of [RowKind]
	// and [RowPlace], of the actors and of the dyad; false says nothing.
	Common bool
	// Position is the point as two shortest decimals, lon before lat and a comma
	// between; "" says nothing.
	Position string
}

// IsPlain reports whether a text is of printable ASCII without the signs that
// JSON or HTML escape (" \ < > & '), so that it can be copied as it is.
func IsPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == '\'' {
			return false
		}
	}
	return true
}

// Less reports whether a comes before b in the order of the query.
func (o Order) Less(a, b Cursor) bool {
	switch o {
	case ByStart:
		return a.Start < b.Start || a.Start == b.Start && a.FID < b.FID
	case ByStartRev:
		return a.Start > b.Start || a.Start == b.Start && a.FID > b.FID
	}
	return a.FID < b.FID
}

// Key is what aggregates are grouped by.
type Key string

// The keys.
const (
	KeyUnit           Key = "unit"
	KeyProvince       Key = "province"
	KeyCountry        Key = "country"
	KeyDataset        Key = "dataset"
	KeyEventType      Key = "event_type"
	KeySubEventType   Key = "sub_event_type"
	KeyTypeOfViolence Key = "type_of_violence"
	KeyPrecision      Key = "precision"
	KeyVerification   Key = "verification"
	// KeyActor is a side by its name: an incident counts under each of its two.
	KeyActor Key = "actor"
	KeyDay   Key = "day"
	KeyWeek  Key = "week"
	KeyMonth Key = "month"
	KeyYear  Key = "year"
)

// Keys lists the keys.
var Keys = []Key{KeyUnit, KeyProvince, KeyCountry, KeyDataset, KeyEventType, KeySubEventType, KeyTypeOfViolence, KeyPrecision, KeyVerification, KeyActor, KeyDay, KeyWeek, KeyMonth, KeyYear}

// IsTime reports whether the key is a period.
func (k Key) IsTime() bool { return k == KeyDay || k == KeyWeek || k == KeyMonth || k == KeyYear }

// PeriodOf names the period of a time key that a day lies in: "2009-03-01",
// "2009-W09" (ISO 8601), "2009-03", "2009".
func PeriodOf(k Key, d Day) string {
	switch k {
	case KeyDay:
		return d.String()
	case KeyWeek:
		y, w := d.Time().ISOWeek()
		return fmt.Sprintf("%04d-W%02d", y, w)
	case KeyMonth:
		return d.String()[:7]
	default:
		return d.String()[:4]
	}
}

// NextPeriod returns the first day of the period after the one that d lies in.
func NextPeriod(k Key, d Day) Day {
	y, m, _ := d.Date()
	switch k {
	case KeyDay:
		return d + 1
	case KeyWeek:
		sinceMonday := (int(d.Time().Weekday()) + 6) % 7
		return d + Day(7-sinceMonday)
	case KeyMonth:
		return NewDay(y, m+1, 1)
	default:
		return NewDay(y+1, time.January, 1)
	}
}

// MaxGroups is the most groups that an aggregate gives: more is a question for
// the incidents themselves, and would grow with the data in memory.
const MaxGroups = 200_000

// CheckKeys reports keys that counts cannot be grouped by: none, more than three,
// unknown ones, and one given twice. It fails with CodeInvalid.
func CheckKeys(by []Key) error {
	if len(by) < 1 || len(by) > 3 {
		return Errorf(CodeInvalid, "Counts are grouped by one to three keys, not %d.", len(by))
	}
	for i, k := range by {
		if !slices.Contains(Keys, k) {
			e := Errorf(CodeInvalid, "Counts cannot be grouped by %q.", k)
			for _, a := range Keys {
				e.Allowed = append(e.Allowed, string(a))
			}
			return e
		}
		if slices.Contains(by[:i], k) {
			return Errorf(CodeInvalid, "Counts cannot be grouped by %q twice.", k)
		}
	}
	return nil
}

// AggregateQuery asks for counts.
type AggregateQuery struct {
	// By are one to three keys.
	By []Key
	// Filter chooses the incidents; nil chooses all.
	Filter Filter
	// Under, if it is not nil, gives for the ID of a unit the one that it is
	// counted under.
	Under func(unit string) string
	// Distinct counts of each cluster of likely duplicates only one incident in
	// each group: of those of the cluster that the filter is true for and that
	// fall into the group, the one that is [Better] than the others. Its figures are
	// the ones added up.
	Distinct bool
}

// EachKeys calls do with the values of the keys for every group that an incident
// counts in: one, or with [KeyActor] one for each side. keys is overwritten.
func (q *AggregateQuery) EachKeys(in *Incident, keys []*string, do func()) {
	actor := -1
	for i, k := range q.By {
		if k == KeyActor {
			actor = i
			continue
		}
		keys[i] = q.KeyOf(k, in)
	}
	if actor < 0 {
		do()
		return
	}
	for _, name := range ActorsOf(in) {
		keys[actor] = name
		do()
	}
}

// ActorsOf gives the names of the two sides, each once; a single nil if neither has a name.
func ActorsOf(in *Incident) []*string {
	var names []*string
	for _, name := range []string{in.Actor1, in.Actor2} {
		if name != "" && (len(names) == 0 || *names[0] != name) {
			names = append(names, &name)
		}
	}
	if names == nil {
		return []*string{nil}
	}
	return names
}

// KeyOf returns the value of a key of the query for an incident, nil if it has
// none. [KeyActor] has no single one; see [AggregateQuery.EachKeys].
func (q *AggregateQuery) KeyOf(k Key, in *Incident) *string {
	v := KeyOf(k, in)
	if k == KeyUnit && v != nil && q.Under != nil {
		under := q.Under(*v)
		return &under
	}
	return v
}

// Group is one row of an aggregate.
type Group struct {
	// Keys are the values of the query's keys in order; nil for incidents that have none.
	Keys []*string
	// Count is the number of incidents.
	Count int
	// Low, Best and High are sums of the figures that were reported; a sum of
	// nothing but unreported figures is not known.
	Low, Best, High Figure
	// UnknownFatalities is the number of incidents without a best figure,
	// UnknownLow and UnknownHigh of those without a low and a high one: each
	// sum is over the others, so the three may be over different incidents.
	UnknownFatalities, UnknownLow, UnknownHigh int
}

// KeyOf returns the value of a key for an incident, nil if it has none.
func KeyOf(k Key, in *Incident) *string {
	var s string
	switch k {
	case KeyUnit:
		s = in.UnitID
	case KeyProvince:
		s = in.Province
	case KeyCountry:
		s = in.Country
	case KeyDataset:
		s = in.Dataset
	case KeyEventType:
		s = string(in.EventType)
	case KeySubEventType:
		s = string(in.SubEventType)
	case KeyTypeOfViolence:
		if in.TypeOfViolence != 0 {
			s = fmt.Sprint(int(in.TypeOfViolence))
		}
	case KeyPrecision:
		s = string(in.LocationPrecision)
	case KeyVerification:
		s = string(in.Verification)
	default:
		s = PeriodOf(k, in.Start)
	}
	if s == "" {
		return nil
	}
	return &s
}

// CompareKeys orders the keys of groups as Aggregate does: by the first that differs, null before all else.
func CompareKeys(a, b []*string) int {
	return slices.CompareFunc(a, b, func(x, y *string) int {
		switch {
		case x == nil && y == nil:
			return 0
		case x == nil:
			return -1
		case y == nil:
			return 1
		}
		return strings.Compare(*x, *y)
	})
}

// Add counts one incident into the group.
func (g *Group) Add(in *Incident) {
	g.Count++
	g.Low.Add(in.Low)
	g.Best.Add(in.Best)
	g.High.Add(in.High)
	for _, f := range [...]struct {
		known   bool
		unknown *int
	}{{in.Best.Known, &g.UnknownFatalities}, {in.Low.Known, &g.UnknownLow}, {in.High.Known, &g.UnknownHigh}} {
		if !f.known {
			*f.unknown++
		}
	}
}

// Add adds a figure to a sum; what is not reported adds nothing.
func (f *Figure) Add(g Figure) {
	if g.Known {
		f.N += g.N
		f.Known = true
	}
}

// Dataset describes where incidents come from and on what terms.
type Dataset struct {
	// Name is the key; Title is for readers.
	Name, Title string
	// Licence, Attribution and Terms are "" if not known.
	Licence, Attribution, Terms string
	// Version is how the publisher calls what was loaded, Accessed the day on
	// which it was fetched, YYYY-MM-DD; "" if not known.
	Version, Accessed string
	// AggregatesOnly is true if single incidents may not be republished.
	AggregatesOnly bool
	// Synthetic marks generated incidents; Sample a choice of reports that is no
	// full record, in which a zero means nothing.
	Synthetic, Sample bool
	// Publication is how much of it everybody sees. A load sets it for a dataset
	// that is new; later only [Writer.SetDataset] changes it.
	Publication
}

// DatasetInfo is a dataset with what is loaded of it.
type DatasetInfo struct {
	Dataset
	// Count is the number of incidents.
	Count int
	// First and Last are the first start and the last end; meaningless if Count is 0.
	First, Last Day
	// Bound is the extent of the label points in lon, lat, CRS84; meaningful if HasBound.
	Bound    orb.Bound
	HasBound bool
	// Coverage says where and when an absence means "none reported".
	Coverage []Coverage
}

// Coverage is a country or a unit with the days for which a dataset covers it.
type Coverage struct {
	Country, Unit string // one of the two
	From, To      Day
}

// Reader is what a store promises to those who ask. All methods are safe for
// concurrent use and stop soon after their context ends.
type Reader interface {
	// Incidents gives the incidents of a query in its order. The incident is
	// valid until the next step and must not be kept. An error ends the sequence.
	Incidents(ctx context.Context, q Query) iter.Seq2[*Incident, error]
	// Incident gives one incident by its ID or, written in digits, its FID.
	// It fails with CodeNotFound.
	Incident(ctx context.Context, id string) (*Incident, error)
	// Count gives the number of incidents that a filter is true for.
	Count(ctx context.Context, f Filter) (int, error)
	// Aggregate gives one group for each combination of keys that occurs,
	// sorted by the keys in order, null first. It fails with CodeInvalid for
	// unknown keys or more than three, with CodeTooLarge beyond [MaxGroups].
	Aggregate(ctx context.Context, q AggregateQuery) ([]Group, error)
	// Datasets lists what is loaded, by name.
	Datasets(ctx context.Context) ([]DatasetInfo, error)
	// Change gives the change number of the store: it grows with every
	// committed change and never otherwise.
	Change(ctx context.Context) (int64, error)
	// Imports lists the records of loads, newest first, of one dataset or, for "", of all.
	Imports(ctx context.Context, dataset string) ([]ImportInfo, error)
	// Import gives one record. It fails with CodeNotFound.
	Import(ctx context.Context, id int64) (ImportInfo, error)
	// Versions gives the history of an incident by its ID or, written in
	// digits, a FID it has or had, newest first. It fails with CodeNotFound
	// for an incident that never was, or whose imports were all undone.
	Versions(ctx context.Context, id string) ([]Version, error)
	// Links gives what is likely the same event in other datasets, by the names
	// of the datasets, at most one incident of each. id is an ID or, written in digits, a FID. Links are found
	// anew at the end of each load; until then they are those of before. It
	// fails with CodeNotFound for an incident that is not there.
	Links(ctx context.Context, id string) ([]Link, error)
}

// PutResult counts what a batch did. The three sum up to the batch.
type PutResult struct{ New, Changed, Unchanged int }

// Add adds another result.
func (r *PutResult) Add(o PutResult) {
	r.New += o.New
	r.Changed += o.Changed
	r.Unchanged += o.Unchanged
}

// Load is a running load.
type Load interface {
	// ID is the number of the record of the import.
	ID() int64
	// Put stores a batch in one transaction (or, in an atomic load, in the one
	// transaction of the load). An incident whose ID is stored is changed, its
	// old version being kept, or, if nothing but its file and line differ, left
	// unchanged. One that was taken away and comes again is new, with a new FID
	// and its old history. Put keeps nothing of the slice.
	Put(ctx context.Context, batch []Incident) (PutResult, error)
	// Sweep takes away the incidents of the dataset that no batch of this load
	// had, in one transaction, and returns how many. Their versions are kept.
	// It is called once, between the last Put and Finish, and fails with
	// CodeInvalid in a load without [Import.Replace].
	Sweep(ctx context.Context) (int, error)
	// Finish ends the load: the record of the import is written, what was put
	// off (indexes) is made up, and readers see everything. report is kept with the record.
	Finish(ctx context.Context, report string) error
	// Abort ends the load after an error or for a dry run. In an atomic load
	// nothing is left of it; else the batches that were put stay.
	Abort() error
	// Revert ends the load because its file cannot be trusted: what the batches
	// did is undone as [Writer.Undo] does it. It does nothing after the end of the load.
	Revert(ctx context.Context) error
}

// Writer is what a store promises to those who load. One load runs at a time;
// a second waits for it or fails with CodeUnavailable.
type Writer interface {
	// Begin starts a load.
	Begin(ctx context.Context, imp Import) (Load, error)
	// RemoveDataset deletes a dataset with its incidents and all their versions
	// and returns how many incidents there were. Its imports count as undone. It
	// fails with CodeNotFound.
	RemoveDataset(ctx context.Context, name string) (int, error)
	// SetDataset changes what is said of a dataset. It fails with CodeNotFound.
	SetDataset(ctx context.Context, name string, change DatasetChange) error
	// Undo takes an import back in one transaction: incidents that it wrote
	// last have the version before it again, or go if they were new; those that
	// it took away come back; what a later import did since stays, and no longer
	// knows of the undone version. A dataset goes with its last incident if no
	// other import of it was finished. It fails with CodeNotFound for an unknown
	// import and with CodeConflict for one that is running or was undone.
	Undo(ctx context.Context, importID int64) (UndoResult, error)
}

// Store is a reader and a writer in one.
type Store interface {
	Reader
	Writer
	Close() error
}
