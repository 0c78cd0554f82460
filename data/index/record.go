package index

import (
	"encoding/binary"
	"math"
	"unsafe"

	"sarhad/incident"
)

// An incident is stored as one row of the columns, its places in three tables
// of what many incidents have in common, and a record of the rest. Any filter on
// what is in a table is evaluated once for each entry instead of once for each
// row. A record
// begins with the length of what follows and a set of bits that says which
// fields are there, in the order of the constants.

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
	hasID = 1 << iota
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
	hasSummary
	hasWarnings
	hasFile
	hasLine
)

// writer appends the pieces of a record.
type writer struct {
	b   []byte
	has uint64
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

func (w *writer) float(f float64) {
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(f))
}

func (w *writer) figure(f incident.Figure) {
	known := uint64(0)
	if f.Known {
		known = 1
	}
	w.number(known)
	w.b = binary.AppendVarint(w.b, int64(f.N))
}

func (w *writer) optText(bit uint64, s string) {
	if s != "" {
		w.has |= bit
		w.text(s)
	}
}

func (w *writer) optTexts(bit uint64, list []string) {
	if len(list) > 0 {
		w.has |= bit
		w.texts(list)
	}
}

func (w *writer) optFigure(bit uint64, f incident.Figure) {
	if f.Known {
		w.has |= bit
		w.b = binary.AppendVarint(w.b, int64(f.N))
	}
}

func (w *writer) optFloat(bit uint64, f float64) {
	if f != 0 {
		w.has |= bit
		w.float(f)
	}
}

// appendRecord appends what the columns and tables do not hold.
func appendRecord(b []byte, in *incident.Incident, w *writer) []byte {
	w.b, w.has = w.b[:0], 0
	w.optText(hasID, in.ID)
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
	if len(in.Claims) > 0 {
		w.has |= hasClaims
		w.number(uint64(len(in.Claims)))
		for i := range in.Claims {
			c := &in.Claims[i]
			w.texts([]string{c.Quantity, c.About, c.Qualifier, c.Claimant, c.ClaimantRole, c.Quote, c.Language})
			w.figure(c.Low)
			w.figure(c.Best)
			w.figure(c.High)
			w.b = binary.AppendVarint(w.b, int64(c.Source))
		}
	}
	if len(in.Sources) > 0 {
		w.has |= hasSources
		w.number(uint64(len(in.Sources)))
		for i := range in.Sources {
			s := &in.Sources[i]
			party := ""
			if s.IsParty {
				party = "1"
			}
			w.texts([]string{s.Publisher, s.Title, s.URL, s.Date, s.Language, party})
		}
	}
	w.optText(hasSummary, in.Summary)
	w.optTexts(hasWarnings, in.Warnings)
	w.optText(hasFile, in.File)
	if in.Line != 0 {
		w.has |= hasLine
		w.b = binary.AppendVarint(w.b, int64(in.Line))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(w.b)))
	b = binary.LittleEndian.AppendUint32(b, uint32(w.has))
	return append(b, w.b...)
}

// recordHead is the size of what stands before the fields of a record.
const recordHead = 8

// reader takes a record apart. Its texts are parts of s.
type reader struct{ s string }

func (r *reader) number() uint64 {
	// Written out, since binary.Uvarint takes bytes and most numbers are short.
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
	r.s = r.s[8:]
	return math.Float64frombits(binary.LittleEndian.Uint64(b[:]))
}

func (r *reader) figure() incident.Figure {
	known := r.number() == 1
	return incident.Figure{N: int(r.signed()), Known: known}
}

func (r *reader) known() incident.Figure { return incident.Known(int(r.signed())) }

// read fills in the fields of a record; the others have to be zero.
func (r *reader) read(has uint32, in *incident.Incident) {
	for ; has != 0; has &= has - 1 {
		switch has & -has {
		case hasID:
			in.ID = r.text()
		case hasSourceID:
			in.SourceID = r.text()
		case hasTime:
			in.Time = r.text()
		case hasEventTypeText:
			in.EventTypeText = r.text()
		case hasDeathsA:
			in.DeathsA = r.known()
		case hasDeathsB:
			in.DeathsB = r.known()
		case hasDeathsCivilians:
			in.DeathsCivilians = r.known()
		case hasDeathsUnknown:
			in.DeathsUnknown = r.known()
		case hasCandidates:
			in.Candidates = r.texts()
		case hasLocationName:
			in.LocationName = r.text()
		case hasLocationText:
			in.LocationText = r.text()
		case hasPrecisionCode:
			in.LocationPrecisionCode = r.text()
		case hasRadius:
			in.Place.RadiusM = r.float()
		case hasUnits:
			in.Place.Units = r.texts()
		case hasMaxKM:
			in.Border.MaxKM = r.float()
		case hasClarity:
			in.Clarity = r.text()
		case hasClaims:
			in.Claims = make([]incident.Claim, r.number())
			for i := range in.Claims {
				t := r.texts()
				in.Claims[i] = incident.Claim{Quantity: t[0], About: t[1], Qualifier: t[2], Claimant: t[3], ClaimantRole: t[4], Quote: t[5], Language: t[6],
					Low: r.figure(), Best: r.figure(), High: r.figure(), Source: int(r.signed())}
			}
		case hasSources:
			in.Sources = make([]incident.Source, r.number())
			for i := range in.Sources {
				t := r.texts()
				in.Sources[i] = incident.Source{Publisher: t[0], Title: t[1], URL: t[2], Date: t[3], Language: t[4], IsParty: t[5] != ""}
			}
		case hasSummary:
			in.Summary = r.text()
		case hasWarnings:
			in.Warnings = r.texts()
		case hasFile:
			in.File = r.text()
		case hasLine:
			in.Line = int(r.signed())
		}
	}
}

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
