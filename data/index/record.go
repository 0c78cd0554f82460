package index

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"

	"sarhad/incident"
)

// An incident is stored as one row of the columns, its places in three tables
// of what many incidents have in common, and a record. Any filter on what is in
// a table is evaluated once for each entry instead of once for each row.
//
// A record holds the incident whole, since to gather it from the columns would
// wait for memory once for each of them: a head of fixed size, then the fields
// that are there, each behind its length, in the order of the constants below.

// party holds the associated actors in one text, each behind its length.
type party struct{ actor1, actor2, assoc, dyad string }

// newKind reads an entry from the texts of a file.
func newKind(t []string, violence int64) incident.RowKind {
	return incident.RowKind{Dataset: t[0], TimePrecision: incident.TimePrecision(t[1]), EventType: incident.EventType(t[2]), SubEventType: incident.SubEventType(t[3]),
		EventClass: incident.EventClass(t[4]), TypeOfViolence: incident.TypeOfViolence(violence), LocationPrecision: incident.LocationPrecision(t[5]),
		PlaceKind: incident.PlaceKind(t[6]), BorderSide: incident.BorderSide(t[7]), Verification: incident.Verification(t[8]), BorderKnown: t[9] != "", Synthetic: t[10] != ""}
}

func partyOf(in *incident.Incident) party {
	var w writer
	w.texts(in.AssocActors)
	return party{in.Actor1, in.Actor2, string(w.b), in.Dyad}
}

func (p *party) put(in *incident.Incident) {
	in.Actor1, in.Actor2, in.Dyad, in.AssocActors = p.actor1, p.actor2, p.dyad, nil
	if len(p.assoc) > 1 {
		r := reader{s: p.assoc}
		in.AssocActors = r.texts()
	}
}

const (
	hasID       = 1 << iota
	hasPosition // the point in decimals: what is written of every incident need not be worked out each time
	hasSummary  // before what is seldom asked for: to read a field is to go over those before it
	hasSourceID
	hasTime
	hasEventTypeText
	hasDeathsA
	hasDeathsB
	hasDeathsCivilians
	hasDeathsUnknown
	hasCandidates
	hasLocationName
	hasLocationText
	hasPrecisionCode
	hasRadius
	hasUnits
	hasMaxKM
	hasClarity
	hasClaims
	hasSources
	hasWarnings
	hasFile
	hasLine

	// isPlain is no field: it says that id and summary are plain.
	isPlain   = 1 << 31
	allFields = isPlain - 1
)

// The places in the head of a record. Numbers are little-endian.
const (
	headSize   = 0 // of the fields behind the head
	headHas    = 4 // which fields there are
	headFID    = 8
	headLon    = 16 // NaN for no point
	headLat    = 24
	headBorder = 32
	headStart  = 40
	headEnd    = 44
	headLow    = 48
	headBest   = 52
	headHigh   = 56
	headKind   = 60
	headPlace  = 64
	headParty  = 68
	recordHead = 72
)

// writer appends numbers, texts and the fields of a record.
type writer struct {
	b    []byte
	has  uint32
	part []byte // the field at hand
}

func (w *writer) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) text(s string) {
	w.number(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) texts(list []string) {
	w.number(uint64(len(list)))
	for _, s := range list {
		w.text(s)
	}
}

// field appends a field that is there, if it is.
func (w *writer) field(bit uint32, there bool, write func(*writer)) {
	if !there {
		return
	}
	w.has |= bit
	f := writer{b: w.part[:0]}
	write(&f)
	w.part = f.b
	w.number(uint64(len(f.b)))
	w.b = append(w.b, f.b...)
}

func (w *writer) optText(bit uint32, s string) {
	if s != "" {
		w.has |= bit
		w.text(s)
	}
}

func (w *writer) optTexts(bit uint32, list []string) {
	w.field(bit, len(list) > 0, func(w *writer) { w.texts(list) })
}

func (w *writer) optFigure(bit uint32, f incident.Figure) {
	w.field(bit, f.Known, func(w *writer) { w.b = binary.AppendVarint(w.b, int64(f.N)) })
}

func (w *writer) optFloat(bit uint32, f float64) {
	w.field(bit, f != 0, func(w *writer) { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f)) })
}

func (w *writer) figure(f incident.Figure) {
	known := uint64(0)
	if f.Known {
		known = 1
	}
	w.number(known)
	w.b = binary.AppendVarint(w.b, int64(f.N))
}

// fields writes what the head and the tables do not hold.
func (w *writer) fields(in *incident.Incident) {
	w.b, w.has = w.b[:0], 0
	w.optText(hasID, in.ID)
	if in.HasPoint && math.Abs(in.Point[0]) >= 1e-6 && math.Abs(in.Point[1]) >= 1e-6 { // less is written in other ways
		w.field(hasPosition, true, func(w *writer) {
			w.b = strconv.AppendFloat(w.b, in.Point[0], 'f', -1, 64)
			w.b = append(w.b, ',')
			w.b = strconv.AppendFloat(w.b, in.Point[1], 'f', -1, 64)
		})
	}
	w.optText(hasSummary, in.Summary)
	if incident.IsPlain(in.ID) && incident.IsPlain(in.Summary) {
		w.has |= isPlain
	}
	w.optText(hasSourceID, in.SourceID)
	w.optText(hasTime, in.Time)
	w.optText(hasEventTypeText, in.EventTypeText)
	w.optFigure(hasDeathsA, in.DeathsA)
	w.optFigure(hasDeathsB, in.DeathsB)
	w.optFigure(hasDeathsCivilians, in.DeathsCivilians)
	w.optFigure(hasDeathsUnknown, in.DeathsUnknown)
	w.optTexts(hasCandidates, in.Candidates)
	w.optText(hasLocationName, in.LocationName)
	w.optText(hasLocationText, in.LocationText)
	w.optText(hasPrecisionCode, in.LocationPrecisionCode)
	w.optFloat(hasRadius, in.Place.RadiusM)
	w.optTexts(hasUnits, in.Place.Units)
	w.optFloat(hasMaxKM, in.Border.MaxKM)
	w.optText(hasClarity, in.Clarity)
	w.field(hasClaims, len(in.Claims) > 0, func(w *writer) {
		w.number(uint64(len(in.Claims)))
		for i := range in.Claims {
			c := &in.Claims[i]
			w.texts([]string{c.Quantity, c.About, c.Qualifier, c.Claimant, c.ClaimantRole, c.Quote, c.Language})
			w.figure(c.Low)
			w.figure(c.Best)
			w.figure(c.High)
			w.b = binary.AppendVarint(w.b, int64(c.Source))
		}
	})
	w.field(hasSources, len(in.Sources) > 0, func(w *writer) {
		w.number(uint64(len(in.Sources)))
		for i := range in.Sources {
			s := &in.Sources[i]
			party := ""
			if s.IsParty {
				party = "1"
			}
			w.texts([]string{s.Publisher, s.Title, s.URL, s.Date, s.Language, party})
		}
	})
	w.optTexts(hasWarnings, in.Warnings)
	w.optText(hasFile, in.File)
	w.field(hasLine, in.Line != 0, func(w *writer) { w.b = binary.AppendVarint(w.b, int64(in.Line)) })
}

// appendRecord appends the record of a row whose columns are filled in.
func (s *segment) appendRecord(b []byte, row int, w *writer) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(w.b)))
	b = le.AppendUint32(b, w.has)
	b = le.AppendUint64(b, uint64(s.fid[row]))
	b = le.AppendUint64(b, math.Float64bits(s.lon[row]))
	b = le.AppendUint64(b, math.Float64bits(s.lat[row]))
	b = le.AppendUint64(b, math.Float64bits(s.border[row]))
	b = le.AppendUint32(b, uint32(s.start[row]))
	b = le.AppendUint32(b, uint32(s.end[row]))
	b = le.AppendUint32(b, uint32(s.low[row]))
	b = le.AppendUint32(b, uint32(s.best[row]))
	b = le.AppendUint32(b, uint32(s.high[row]))
	b = le.AppendUint32(b, s.kind[row])
	b = le.AppendUint32(b, s.place[row])
	b = le.AppendUint32(b, s.party[row])
	return append(b, w.b...)
}

// record is the record of a row, head and fields.
func (s *segment) record(row uint32) []byte {
	rec := s.records[s.offset[row]:]
	return rec[:recordSize(rec)]
}

// recordSize is the size of the record that begins here.
func recordSize(b []byte) int { return recordHead + int(binary.LittleEndian.Uint32(b[headSize:])) }

// reader takes fields apart. Its texts are parts of s.
type reader struct{ s string }

func (r *reader) number() uint64 {
	if len(r.s) > 0 && r.s[0] < 0x80 { // most are short
		n := uint64(r.s[0])
		r.s = r.s[1:]
		return n
	}
	n := uint64(0)
	for i := 0; i < len(r.s); i++ {
		c := r.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.s = r.s[i+1:]
			return n
		}
	}
	r.s = ""
	return 0
}

func (r *reader) signed() int64 {
	n := r.number()
	return int64(n>>1) ^ -int64(n&1)
}

func (r *reader) text() string {
	n := int(r.number())
	t := r.s[:n]
	r.s = r.s[n:]
	return t
}

func (r *reader) texts() []string {
	list := make([]string, r.number())
	for i := range list {
		list[i] = r.text()
	}
	return list
}

func (r *reader) float() float64 {
	var b [8]byte
	copy(b[:], r.s)
	return math.Float64frombits(binary.LittleEndian.Uint64(b[:]))
}

func (r *reader) figure() incident.Figure {
	known := r.number() == 1
	return incident.Figure{N: int(r.signed()), Known: known}
}

// read fills in those fields of a record that are wanted; the others are left
// zero. lent, if it is not nil, takes what the record says beside them.
func (r *reader) read(has, want uint32, in *incident.Incident, lent *incident.Lent) {
	for has &= upTo(want); has != 0; has &= has - 1 {
		f := reader{r.text()}
		bit := has & -has
		if bit&want == 0 {
			continue
		}
		switch bit {
		case hasID:
			in.ID = f.s
		case hasPosition:
			if lent != nil {
				lent.Position = f.s
			}
		case hasSummary:
			in.Summary = f.s
		case hasSourceID:
			in.SourceID = f.s
		case hasTime:
			in.Time = f.s
		case hasEventTypeText:
			in.EventTypeText = f.s
		case hasDeathsA:
			in.DeathsA = incident.Known(int(f.signed()))
		case hasDeathsB:
			in.DeathsB = incident.Known(int(f.signed()))
		case hasDeathsCivilians:
			in.DeathsCivilians = incident.Known(int(f.signed()))
		case hasDeathsUnknown:
			in.DeathsUnknown = incident.Known(int(f.signed()))
		case hasCandidates:
			in.Candidates = f.texts()
		case hasLocationName:
			in.LocationName = f.s
		case hasLocationText:
			in.LocationText = f.s
		case hasPrecisionCode:
			in.LocationPrecisionCode = f.s
		case hasRadius:
			in.Place.RadiusM = f.float()
		case hasUnits:
			in.Place.Units = f.texts()
		case hasMaxKM:
			in.Border.MaxKM = f.float()
		case hasClarity:
			in.Clarity = f.s
		case hasClaims:
			in.Claims = make([]incident.Claim, f.number())
			for i := range in.Claims {
				t := f.texts()
				in.Claims[i] = incident.Claim{Quantity: t[0], About: t[1], Qualifier: t[2], Claimant: t[3], ClaimantRole: t[4], Quote: t[5], Language: t[6],
					Low: f.figure(), Best: f.figure(), High: f.figure(), Source: int(f.signed())}
			}
		case hasSources:
			in.Sources = make([]incident.Source, f.number())
			for i := range in.Sources {
				t := f.texts()
				in.Sources[i] = incident.Source{Publisher: t[0], Title: t[1], URL: t[2], Date: t[3], Language: t[4], IsParty: t[5] != ""}
			}
		case hasWarnings:
			in.Warnings = f.texts()
		case hasFile:
			in.File = f.s
		case hasLine:
			in.Line = int(f.signed())
		}
	}
}

// upTo are all bits up to the highest of a set.
func upTo(set uint32) uint32 { return uint32(1)<<bits.Len32(set) - 1 }

// clearFields makes fields of a record zero.
func clearFields(fields uint32, in *incident.Incident) {
	for ; fields != 0; fields &= fields - 1 {
		switch fields & -fields {
		case hasID:
			in.ID = ""
		case hasSourceID:
			in.SourceID = ""
		case hasTime:
			in.Time = ""
		case hasEventTypeText:
			in.EventTypeText = ""
		case hasDeathsA:
			in.DeathsA = incident.Figure{}
		case hasDeathsB:
			in.DeathsB = incident.Figure{}
		case hasDeathsCivilians:
			in.DeathsCivilians = incident.Figure{}
		case hasDeathsUnknown:
			in.DeathsUnknown = incident.Figure{}
		case hasCandidates:
			in.Candidates = nil
		case hasLocationName:
			in.LocationName = ""
		case hasLocationText:
			in.LocationText = ""
		case hasPrecisionCode:
			in.LocationPrecisionCode = ""
		case hasRadius:
			in.Place.RadiusM = 0
		case hasUnits:
			in.Place.Units = nil
		case hasMaxKM:
			in.Border.MaxKM = 0
		case hasClarity:
			in.Clarity = ""
		case hasClaims:
			in.Claims = nil
		case hasSources:
			in.Sources = nil
		case hasSummary:
			in.Summary = ""
		case hasWarnings:
			in.Warnings = nil
		case hasFile:
			in.File = ""
		case hasLine:
			in.Line = 0
		}
	}
}

// shapeOf is the shape of what a query names; nil names everything.
func shapeOf(fields []incident.Property) *shape {
	as := everything()
	if fields == nil {
		return as
	}
	some := shape{want: hasID}
	for _, f := range fields {
		bit, inRecord := fieldOf[f]
		table, inTable := tablesOf[f]
		if !inRecord && !inTable {
			return as // made of what nobody knows here
		}
		some.want |= bit
		some.tables |= table
	}
	return &some
}

var fieldOf = map[incident.Property]uint32{
	"source_id": hasSourceID, "time": hasTime, "event_type_text": hasEventTypeText, "deaths_a": hasDeathsA, "deaths_b": hasDeathsB,
	"deaths_civilians": hasDeathsCivilians, "deaths_unknown": hasDeathsUnknown, "candidates": hasCandidates, "location_name": hasLocationName,
	"location_text": hasLocationText, "location_precision_code": hasPrecisionCode, "place_radius_m": hasRadius, "place_units": hasUnits,
	"border_km_max": hasMaxKM, "event_clarity": hasClarity, "claims": hasClaims, "sources": hasSources, "summary": hasSummary, "warnings": hasWarnings,
	"file": hasFile, "line": hasLine,
}

// tablesOf says which table a property needs; those of the head need none.
var tablesOf = func() map[incident.Property]source {
	m := map[incident.Property]source{"fid": 0, "id": 0, "pcode": fromPlace, "assoc_actors": fromParty, "dyad": fromParty,
		"place_radius_m": fromKind, "border_km_max": fromKind, "synthetic": fromKind, "type_of_violence_name": fromKind}
	for p, from := range propertySource {
		m[p] = from &^ fromColumns
	}
	return m
}()

// arena gives copies of bytes as texts, many from one piece of memory: a text
// outlives the mapped file that it came from, and costs no allocation of its own.
type arena struct{ free []byte }

// arenaSize is the size of a piece: that of a page of answers.
const arenaSize = 32 << 10

func (a *arena) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > len(a.free) {
		if len(b) >= arenaSize/4 {
			return string(b)
		}
		a.free = make([]byte, arenaSize)
	}
	n := copy(a.free, b)
	t := unsafe.String(&a.free[0], n) // nobody writes there again
	a.free = a.free[n:]
	return t
}

// Figures stand in columns of 32 bits. unknownFigure is one that is not
// reported; the few that do not fit are the numbers from largeFigure on, of a
// list of their own.
const (
	unknownFigure = math.MinInt32
	largeFigure   = math.MinInt32 + 1
	leastFigure   = -1 << 30
)

// rowFigure is what stands in a column for a figure.
func (s *segment) rowFigure(f incident.Figure) int32 {
	switch {
	case !f.Known:
		return unknownFigure
	case f.N >= leastFigure && f.N <= math.MaxInt32:
		return int32(f.N)
	}
	s.large = append(s.large, int64(f.N))
	return int32(largeFigure + len(s.large) - 1)
}

// figure reads a column of figures.
func (s *segment) figure(n int32) incident.Figure {
	if n == unknownFigure {
		return incident.Figure{}
	}
	return incident.Known(int(s.number(n)))
}

// number is a figure that is known.
func (s *segment) number(n int32) int64 {
	if n < leastFigure {
		return s.large[n-largeFigure]
	}
	return int64(n)
}
