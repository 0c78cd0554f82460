package incident

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/paulmach/orb"
)

// Linker finds the incidents of different datasets that are likely the same
// event. Two are candidates if all of this holds:
//
//   - Neither is synthetic. (Whoever adds incidents leaves out datasets that
//     are synthetic or samples.)
//   - Each lasts at most two days, its day is known (time_precision is neither
//     week, month nor year), and the days of the two lie at most one day apart.
//   - They have the same event_type or the same type_of_violence, and it is said;
//     or one has no type_of_violence, and that of the other may be its event_type:
//     state-based and non-state are Battles or Explosions/Remote violence,
//     one-sided is Violence against civilians or Explosions/Remote violence.
//   - They were in one place. Where both are known to a point (exact, near or
//     settlement), the points are at most [LinkKM] apart, or at most
//     [LinkUnitKM] and in one unit. Else both are known at least to the district
//     (exact to district) and their unit is the same; in Afghanistan, where the
//     unit is a province, they must not be in different districts if both
//     districts are known, and what is known only to the province is not compared.
//
// Points order candidates. A day in common gives 40. Points at most [LinkKM]
// apart give 40 less 4 for each whole kilometre, points further apart 5; where
// a place is no point the same unit gives 10, the same tehsil or Afghan
// district 20. The same event_type gives 10 and so does the same
// type_of_violence; types that are only compatible give 5. The same best figure above 0 gives 30, a best figure that
// one or both do not report 10. A word in common in the names of the sides gives 20.
//
// Of two datasets, the candidates are then paired: the one with the most points
// first, each incident at most once, so that a busy day in one province does
// not hang together as one event. Where points are equal, the IDs decide, which
// are the same after a reload. The pairs are the links.
//
// Incidents that are linked, directly or through others, form a cluster. A
// cluster never has two incidents of one dataset, which knows its own events
// apart: links join clusters in the order of their points, and one that would
// bring two incidents of a dataset together joins nothing.
//
// A Linker holds about 120 bytes for each incident and 100 for each link, and
// while it pairs two datasets 8 for each candidate, at most 32 of them for each
// incident of the dataset whose name comes first. Where more than 128 incidents of the other
// dataset stand in one unit on one day, or on one day in a strip of about 5 km by 10
// km beside a point, only the 128 next to it in the order of their places, types and
// figures are looked at.
type Linker struct {
	rows  []linkRow
	names map[string]int32      // of datasets, units and event types, numbered from 1
	odd   map[int64]string      // IDs that are not of the form that ID gives, by FID
	words map[string]actorWords // of names met before
}

// LinkKM and LinkUnitKM are the greatest distances in kilometres between the
// points of candidates: anywhere, and in one unit.
const (
	LinkKM     = 5.0
	LinkUnitKM = 25.0
)

const (
	maxLinkScan       = 128
	maxLinkCandidates = 32
	// maxLinkRows is how many incidents of one dataset are looked at: what fits into a candidate.
	maxLinkRows = 1 << 28
)

// actorWords are hashes of the words of a name, 0 where there are fewer.
type actorWords [3]uint32

// linkRow is an incident as the Linker keeps it.
type linkRow struct {
	fid            int64
	id             uint64 // what an ID of ours is made of, in the same order
	point          orb.Point
	words          [2]actorWords
	start          Day
	strip          int32 // of linkCell in latitude, less than all for a row without a point
	set            int32 // names of the Linker, 0 for none
	unit, subunit  int32
	event, violent int32
	best           int32 // -1 if not reported
	fits           uint8 // a bit for each type_of_violence that the event type may be
	long           bool  // two days
	pinned         bool  // known to a point
	afghan         bool
	odd            bool // the ID is in Linker.odd
}

// Pair is a link as both sides see it.
type Pair struct {
	// A and B are the FIDs, that of the dataset whose name comes first in front.
	A, B int64
	// Points say how much speaks for the link; see [Linker].
	Points int
	// Reasons, Days and KM are those of [Link].
	Reasons []LinkReason
	Days    int
	KM      LinkDistance
}

// Member is an incident of a cluster.
type Member struct {
	// FID is the incident, Cluster the smallest FID of its cluster.
	FID, Cluster int64
}

// NewLinker returns a Linker that has room for so many incidents.
func NewLinker(size int) *Linker {
	return &Linker{rows: make([]linkRow, 0, size), names: map[string]int32{}, odd: map[int64]string{}, words: map[string]actorWords{}}
}

// Add adds an incident, of which it keeps nothing. It reads FID, ID, Dataset,
// the days and their precision, the types, the best figure, country, unit and
// subunit, the point, the precision of the place, the names of the sides and Synthetic.
func (l *Linker) Add(in *Incident) {
	if in.Synthetic || in.End-in.Start > 1 || in.EventType == "" && in.TypeOfViolence == 0 {
		return
	}
	switch in.TimePrecision {
	case TimeWeek, TimeMonth, TimeYear:
		return
	}
	r := linkRow{fid: in.FID, start: in.Start, long: in.End > in.Start, best: -1, violent: int32(in.TypeOfViolence), fits: fitting[in.EventType], afghan: in.Country == "AF"}
	switch in.LocationPrecision {
	case LocExact, LocNear, LocSettlement:
		r.pinned = in.HasPoint && math.Abs(in.Point[0]) <= 180 && math.Abs(in.Point[1]) <= 90
	case LocVicinity, LocTehsil, LocDistrict:
	default:
		return
	}
	if in.UnitID == "" && !r.pinned {
		return
	}
	r.strip = math.MinInt32
	if r.pinned {
		r.point, r.strip = in.Point, int32(math.Floor(in.Point[1]/linkCell))
	}
	r.set, r.unit, r.subunit, r.event = l.name(in.Dataset), l.name(in.UnitID), l.name(in.Subunit), l.name(string(in.EventType))
	if in.Best.Known && in.Best.N >= 0 && in.Best.N <= math.MaxInt32 {
		r.best = int32(in.Best.N)
	}
	r.words = [2]actorWords{l.wordsOf(in.Actor1), l.wordsOf(in.Actor2)}
	var ok bool
	if r.id, ok = parseID(in.ID); !ok {
		r.odd, l.odd[in.FID] = true, strings.Clone(in.ID)
	}
	l.rows = append(l.rows, r)
}

// UCDP's codes of the types of violence.
const (
	stateBased TypeOfViolence = iota + 1
	nonState
	oneSided
)

// fitting are the values of type_of_violence that an event type may have, as bits.
var fitting = map[EventType]uint8{
	Battles:    1<<stateBased | 1<<nonState,
	Explosions: 1<<stateBased | 1<<nonState | 1<<oneSided,
	Civilians:  1 << oneSided,
}

// name numbers a name, 0 for "".
func (l *Linker) name(s string) int32 {
	if s == "" {
		return 0
	}
	n, ok := l.names[s]
	if !ok {
		n = int32(len(l.names)) + 1
		l.names[strings.Clone(s)] = n
	}
	return n
}

// parseID reads the 64 bits of an ID that the function ID made.
func parseID(id string) (uint64, bool) {
	var b [10]byte
	if len(id) != 14 || id[0] != 'i' {
		return 0, false
	}
	n, err := idAlphabet.Decode(b[:], []byte(id[1:]))
	if err != nil || n != 8 {
		return 0, false
	}
	v := binary.BigEndian.Uint64(b[:])
	return v, textOfID(v) == id // the last letter has a bit more than is used
}

// textOfID writes the 64 bits of an ID again.
func textOfID(v uint64) string {
	var out [14]byte
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], v)
	out[0] = 'i'
	idAlphabet.Encode(out[1:], b[:])
	return string(out[:])
}

func (l *Linker) compareIDs(a, b *linkRow) int {
	if !a.odd && !b.odd {
		return cmp.Compare(a.id, b.id) // letters of the alphabet are in order
	}
	text := func(r *linkRow) string {
		if r.odd {
			return l.odd[r.fid]
		}
		return textOfID(r.id)
	}
	return strings.Compare(text(a), text(b))
}

// dullWords stand in the names of many sides and tell none from another.
var dullWords = map[string]bool{"the": true, "and": true, "for": true, "army": true, "military": true, "police": true, "security": true, "force": true,
	"forces": true, "government": true, "state": true, "armed": true, "group": true, "groups": true, "unidentified": true, "unknown": true,
	"civilian": true, "civilians": true, "pakistan": true, "afghanistan": true}

// ActorWords gives the words by which names of sides are compared: the first
// three in small letters that have a letter, at least three characters, and
// are not such as "forces" or "Pakistan".
func ActorWords(name string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		if len(out) < len(actorWords{}) && utf8.RuneCountInString(w) >= 3 && strings.ContainsFunc(w, unicode.IsLetter) && !dullWords[w] && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

func (l *Linker) wordsOf(name string) (w actorWords) {
	if name == "" {
		return w
	}
	w, ok := l.words[name]
	if ok {
		return w
	}
	for i, word := range ActorWords(name) {
		h := fnv.New32a()
		_, _ = h.Write([]byte(word)) // never fails
		w[i] = h.Sum32() | 1         // never 0
	}
	if len(l.words) < 10_000 {
		l.words[strings.Clone(name)] = w
	}
	return w
}

// linkCell is the height in degrees of the strips that points are looked for in, a little over LinkKM.
const linkCell = 0.05

// alongside orders the rows of one day and unit, or of one day and strip, so that what is alike is near.
func alongside(a, b *linkRow) int {
	if a.strip != b.strip {
		return cmp.Compare(a.strip, b.strip)
	}
	if a.point[0] != b.point[0] {
		return cmp.Compare(a.point[0], b.point[0])
	}
	return cmp.Or(cmp.Compare(a.event, b.event), cmp.Compare(a.violent, b.violent), cmp.Compare(a.best, b.best), cmp.Compare(a.point[1], b.point[1]))
}

// linkSet is a dataset, its rows in the order of their IDs, with two indexes.
type linkSet struct {
	first         int // the place of its first row among those of all datasets
	rows          []linkRow
	units, strips []int32          // rows by day and unit, and by day and strip
	unitDays      map[Day][2]int32 // where a day begins and ends in units
	stripDays     map[Day][2]int32
}

func newLinkSet(first int, rows []linkRow) *linkSet {
	s := &linkSet{first: first, rows: rows}
	for i := range rows {
		if rows[i].unit != 0 {
			s.units = append(s.units, int32(i))
		}
		if rows[i].pinned {
			s.strips = append(s.strips, int32(i))
		}
	}
	slices.SortFunc(s.units, func(i, j int32) int {
		a, b := &rows[i], &rows[j]
		switch {
		case a.start != b.start:
			return cmp.Compare(a.start, b.start)
		case a.unit != b.unit:
			return cmp.Compare(a.unit, b.unit)
		}
		return cmp.Or(alongside(a, b), cmp.Compare(i, j))
	})
	slices.SortFunc(s.strips, func(i, j int32) int {
		a, b := &rows[i], &rows[j]
		if a.start != b.start {
			return cmp.Compare(a.start, b.start)
		}
		return cmp.Or(alongside(a, b), cmp.Compare(i, j))
	})
	s.unitDays, s.stripDays = s.days(s.units), s.days(s.strips)
	return s
}

func (s *linkSet) days(index []int32) map[Day][2]int32 {
	days := map[Day][2]int32{}
	for from := 0; from < len(index); {
		day, to := s.rows[index[from]].start, from+1
		for to < len(index) && s.rows[index[to]].start == day {
			to++
		}
		days[day] = [2]int32{int32(from), int32(to)}
		from = to
	}
	return days
}

// cut gives the part of a sorted index in which order is 0.
func (s *linkSet) cut(index []int32, order func(*linkRow) int) []int32 {
	from, _ := slices.BinarySearchFunc(index, 0, func(i int32, _ int) int { return order(&s.rows[i])*2 + 1 })
	n, _ := slices.BinarySearchFunc(index[from:], 0, func(i int32, _ int) int { return order(&s.rows[i])*2 - 1 })
	return index[from : from+n]
}

// near leaves of a part that is too long what stands next to a row.
func (s *linkSet) near(part []int32, a *linkRow) []int32 {
	if len(part) <= maxLinkScan {
		return part
	}
	at, _ := slices.BinarySearchFunc(part, a, func(i int32, a *linkRow) int { return alongside(&s.rows[i], a) })
	// Of many that are all alike the place among them follows from the ID.
	same, _ := slices.BinarySearchFunc(part[at:], a, func(i int32, a *linkRow) int {
		if alongside(&s.rows[i], a) <= 0 {
			return -1
		}
		return 1
	})
	id, _ := slices.BinarySearchFunc(part[at:at+same], a.id, func(i int32, id uint64) int { return cmp.Compare(s.rows[i].id, id) })
	from := max(0, min(at+id-maxLinkScan/2, len(part)-maxLinkScan))
	return part[from : from+maxLinkScan]
}

// likeness is what two rows have in common.
type likeness struct {
	points  int
	reasons uint // a bit for each of LinkReasons
	days    int
	km      LinkDistance
}

func (x *likeness) add(points int, reason uint) {
	x.points += points
	x.reasons |= reason
}

// The reasons as bits, in the order of LinkReasons.
const (
	bitSameDay = 1 << iota
	bitDayApart
	bitSameUnit
	bitWithin5KM
	bitEventType
	bitViolence
	bitCompatible
	bitFatalities
	bitActor
)

// compare says what two rows have in common; ok is false if they are no candidates.
func compare(a, b *linkRow) (x likeness, ok bool) {
	event, violent := a.event != 0 && a.event == b.event, a.violent != 0 && a.violent == b.violent
	compatible := !event && !violent && (a.violent == 0 && a.fits>>uint32(b.violent)&1 != 0 || b.violent == 0 && b.fits>>uint32(a.violent)&1 != 0)
	if !event && !violent && !compatible {
		return x, false
	}
	endA, endB := a.start, b.start
	if a.long {
		endA++
	}
	if b.long {
		endB++
	}
	if a.start > endB+1 || b.start > endA+1 {
		return x, false
	}
	unit := a.unit != 0 && a.unit == b.unit
	if a.pinned && b.pinned {
		if math.Abs(a.point[1]-b.point[1]) > LinkUnitKM/111 { // a degree of latitude has more kilometres
			return x, false
		}
		x.km = LinkDistance{kilometres(a.point, b.point), true}
		switch {
		case x.km.KM <= LinkKM:
			x.add(40-4*int(x.km.KM), bitWithin5KM)
		case unit && x.km.KM <= LinkUnitKM:
			x.points += 5
		default:
			return x, false
		}
	} else {
		subunit := a.subunit != 0 && a.subunit == b.subunit
		if !unit || a.afghan && b.afghan && a.subunit != 0 && b.subunit != 0 && !subunit {
			return x, false
		}
		x.points += 10
		if subunit {
			x.points += 10
		}
	}
	if unit {
		x.add(0, bitSameUnit)
	}
	if a.start <= endB && b.start <= endA {
		x.add(40, bitSameDay)
	} else {
		x.days = 1
		x.add(0, bitDayApart)
	}
	if event {
		x.add(10, bitEventType)
	}
	if violent {
		x.add(10, bitViolence)
	}
	if compatible {
		x.add(5, bitCompatible)
	}
	switch {
	case a.best > 0 && a.best == b.best:
		x.add(30, bitFatalities)
	case a.best < 0 || b.best < 0:
		x.points += 10
	}
	if sharedWord(a, b) {
		x.add(20, bitActor)
	}
	return x, true
}

func sharedWord(a, b *linkRow) bool {
	for _, side := range a.words {
		for _, w := range side {
			if w != 0 && (slices.Contains(b.words[0][:], w) || slices.Contains(b.words[1][:], w)) {
				return true
			}
		}
	}
	return false
}

// kilometres is the distance of two points on a sphere of 6371.0088 km, the mean radius of the earth (IUGG).
func kilometres(a, b orb.Point) float64 {
	const rad = math.Pi / 180
	if a == b {
		return 0
	}
	lat, lon := math.Sin((b[1]-a[1])*rad/2), math.Sin((b[0]-a[0])*rad/2)
	h := lat*lat + math.Cos(a[1]*rad)*math.Cos(b[1]*rad)*lon*lon
	return 2 * 6371.0088 * math.Asin(math.Sqrt(min(1, h)))
}

// A candidate is a number that sorts as candidates are paired: 255 less its
// points, then the rows of the two.
const rowBits = 28

// candidates appends those of row i of a in b.
func (b *linkSet) candidates(out []uint64, i int32, a *linkRow) []uint64 {
	first := len(out)
	take := func(j int32, close bool) {
		r := &b.rows[j]
		x, ok := compare(a, r)
		if ok && (x.km.Known && x.km.KM <= LinkKM) == close { // what is close is found by its point alone
			out = append(out, uint64(255-x.points)<<(2*rowBits)|uint64(i)<<rowBits|uint64(j))
		}
	}
	beside := *a // where it would be in another strip
	last := a.start + 1
	if a.long {
		last++
	}
	for day := a.start - 2; day <= last; day++ {
		if d, ok := b.unitDays[day]; ok && a.unit != 0 {
			part := b.cut(b.units[d[0]:d[1]], func(r *linkRow) int { return cmp.Compare(r.unit, a.unit) })
			for _, j := range b.near(part, a) {
				take(j, false)
			}
		}
		d, ok := b.stripDays[day]
		if !ok || !a.pinned {
			continue
		}
		// A degree of longitude is least at the side of the strips that is nearer to a pole.
		width := 360.0
		if lat := math.Abs(a.point[1]) + 2*linkCell; lat < 89 {
			width = 1.01 * LinkKM / (111 * math.Cos(lat*math.Pi/180))
		}
		for strip := a.strip - 1; strip <= a.strip+1; strip++ {
			for _, turn := range [...]float64{-360, 0, 360} { // across the antimeridian too
				beside.strip, beside.point[0] = strip, a.point[0]+turn
				west, east := beside.point[0]-width, beside.point[0]+width
				if east < -180 || west > 180 || turn != 0 && width >= 360 {
					continue
				}
				part := b.cut(b.strips[d[0]:d[1]], func(r *linkRow) int {
					if c := cmp.Compare(r.strip, strip); c != 0 {
						return c
					}
					switch {
					case r.point[0] < west:
						return -1
					case r.point[0] > east:
						return 1
					}
					return 0
				})
				for _, j := range b.near(part, &beside) {
					take(j, true)
				}
			}
		}
	}
	if mine := out[first:]; len(mine) > maxLinkCandidates {
		// Those with the most points, and of equal ones those next to it by the IDs: many that are all alike spread over each other so.
		far := func(c uint64) uint64 {
			id := b.rows[c&(1<<rowBits-1)].id
			return max(id, a.id) - min(id, a.id)
		}
		slices.SortFunc(mine, func(x, y uint64) int {
			return cmp.Or(cmp.Compare(x>>(2*rowBits), y>>(2*rowBits)), cmp.Compare(far(x), far(y)), cmp.Compare(x, y))
		})
		out = out[:first+maxLinkCandidates]
	}
	return out
}

// LinkDays is how many days apart two candidates may start: the one lasts two
// days and ends on the day before the other starts.
const LinkDays = 2

// Links gives the links, those with the most points first, and the clusters, by
// FID. The Linker is empty afterwards.
func (l *Linker) Links() ([]Pair, []Member) {
	rows := l.sorted()
	found := pairs(rows)
	return describe(rows, found), clusters(rows, found)
}

// Clusters gives the clusters, by FID, that links which are known make of the
// incidents: those of A and B of all pairs must have been added. Nothing else
// of the pairs is read. The Linker is empty afterwards.
func (l *Linker) Clusters(known []Pair) []Member {
	rows := l.sorted()
	at := make(map[int64]int, len(rows))
	for i := range rows {
		at[rows[i].fid] = i
	}
	found := make([]match, 0, len(known))
	for _, p := range known {
		a, okA := at[p.A]
		b, okB := at[p.B]
		if !okA || !okB {
			continue
		}
		x, _ := compare(&rows[a], &rows[b])
		found = append(found, match{min(a, b), max(a, b), x.points})
	}
	// The order that pairs gives.
	slices.SortFunc(found, func(x, y match) int {
		return cmp.Or(cmp.Compare(y.points, x.points), cmp.Compare(rows[x.a].set, rows[y.a].set), cmp.Compare(rows[x.b].set, rows[y.b].set),
			cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b))
	})
	return clusters(rows, found)
}

// sorted gives the rows by dataset and ID, and leaves the Linker empty.
func (l *Linker) sorted() []linkRow {
	rows := l.rows
	l.rows = nil
	// Names are numbered in their order, so that nothing hangs on the order in which incidents were added.
	rank := make([]int32, len(l.names)+1)
	for i, name := range slices.Sorted(maps.Keys(l.names)) {
		rank[l.names[name]] = int32(i) + 1
	}
	for i := range rows {
		r := &rows[i]
		r.set, r.unit, r.subunit, r.event = rank[r.set], rank[r.unit], rank[r.subunit], rank[r.event]
	}
	slices.SortFunc(rows, func(a, b linkRow) int {
		if a.set != b.set {
			return cmp.Compare(a.set, b.set)
		}
		return cmp.Or(l.compareIDs(&a, &b), cmp.Compare(a.fid, b.fid))
	})
	return rows
}

// pairs pairs sorted rows; those with the most points stand in front.
func pairs(rows []linkRow) []match {
	var sets []*linkSet
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && rows[to].set == rows[from].set {
			to++
		}
		sets = append(sets, newLinkSet(from, rows[from:min(to, from+maxLinkRows)]))
		from = to
	}
	var found []match
	for i, a := range sets {
		for _, b := range sets[i+1:] {
			found = append(found, pairUp(a, b)...)
		}
	}
	// Within the same points the order stays: by the names of the datasets, then by the IDs.
	slices.SortStableFunc(found, func(a, b match) int { return cmp.Compare(b.points, a.points) })
	return found
}

// describe says of matches what their two rows have in common.
func describe(rows []linkRow, found []match) []Pair {
	reasons := map[uint][]LinkReason{}
	out := make([]Pair, 0, len(found))
	for _, m := range found {
		a, b := &rows[m.a], &rows[m.b]
		x, _ := compare(a, b)
		if _, ok := reasons[x.reasons]; !ok {
			for set := x.reasons; set != 0; set &= set - 1 {
				reasons[x.reasons] = append(reasons[x.reasons], LinkReasons[bits.TrailingZeros(set)])
			}
		}
		out = append(out, Pair{A: a.fid, B: b.fid, Points: x.points, Reasons: reasons[x.reasons], Days: x.days, KM: x.km})
	}
	return out
}

// match is a pair by the places of the two among all rows.
type match struct{ a, b, points int }

// pairUp pairs the rows of two datasets, each at most once.
func pairUp(a, b *linkSet) []match {
	var all []uint64
	for _, i := range a.units { // by day, which keeps what is looked at together
		all = b.candidates(all, i, &a.rows[i])
	}
	for _, i := range a.strips {
		if a.rows[i].unit == 0 {
			all = b.candidates(all, i, &a.rows[i])
		}
	}
	slices.Sort(all)
	takenA, takenB := make([]bool, len(a.rows)), make([]bool, len(b.rows))
	var out []match
	for _, c := range all {
		i, j := c>>rowBits&(1<<rowBits-1), c&(1<<rowBits-1)
		if !takenA[i] && !takenB[j] {
			takenA[i], takenB[j] = true, true
			out = append(out, match{a.first + int(i), b.first + int(j), 255 - int(c>>(2*rowBits))})
		}
	}
	return out
}

// clusters joins matches, the best of which stand in front.
func clusters(rows []linkRow, matches []match) []Member {
	next := make([]int32, len(rows)) // rings of the rows that belong together
	for i := range next {
		next[i] = int32(i)
	}
	ring := func(i int, do func(j int) bool) bool {
		for j := i; ; {
			if !do(j) {
				return false
			}
			if j = int(next[j]); j == i {
				return true
			}
		}
	}
	for _, m := range matches {
		// Two rings with a dataset in common are one ring already or stay apart.
		if ring(m.a, func(i int) bool {
			return ring(m.b, func(j int) bool { return rows[i].set != rows[j].set })
		}) {
			next[m.a], next[m.b] = next[m.b], next[m.a]
		}
	}
	var out []Member
	for i := range rows {
		if int(next[i]) == i {
			continue
		}
		least := rows[i].fid
		ring(i, func(j int) bool { least = min(least, rows[j].fid); return true })
		out = append(out, Member{rows[i].fid, least})
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Compare(a.FID, b.FID) })
	return out
}
