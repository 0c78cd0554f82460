package postgis

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/ewkb"

	"sarhad/incident"
)

// The columns of incidents are written in the order below: what the content
// hash is taken of, then the rest. A column that a later version adds goes to
// the end of its list; one that is null adds nothing to the hash.

// textColumns are the texts, with the field that each fills.
var textColumns = []struct {
	name  string
	field func(*incident.Incident) *string
}{
	{"id", func(in *incident.Incident) *string { return &in.ID }},
	{"dataset", func(in *incident.Incident) *string { return &in.Dataset }},
	{"source_id", func(in *incident.Incident) *string { return &in.SourceID }},
	{"country", func(in *incident.Incident) *string { return &in.Country }},
	{"unit_id", func(in *incident.Incident) *string { return &in.UnitID }},
	{"event_type", func(in *incident.Incident) *string { return (*string)(&in.EventType) }},
	{"sub_event_type", func(in *incident.Incident) *string { return (*string)(&in.SubEventType) }},
	{"event_class", func(in *incident.Incident) *string { return (*string)(&in.EventClass) }},
	{"event_type_text", func(in *incident.Incident) *string { return &in.EventTypeText }},
	{"location_precision", func(in *incident.Incident) *string { return (*string)(&in.LocationPrecision) }},
	{"location_precision_code", func(in *incident.Incident) *string { return &in.LocationPrecisionCode }},
	{"verification", func(in *incident.Incident) *string { return (*string)(&in.Verification) }},
	{"clarity", func(in *incident.Incident) *string { return &in.Clarity }},
	{"time_precision", func(in *incident.Incident) *string { return (*string)(&in.TimePrecision) }},
	{"time", func(in *incident.Incident) *string { return &in.Time }},
	{"province", func(in *incident.Incident) *string { return &in.Province }},
	{"district", func(in *incident.Incident) *string { return &in.District }},
	{"pcode", func(in *incident.Incident) *string { return &in.PCode }},
	{"unit_then", func(in *incident.Incident) *string { return &in.UnitThen }},
	{"district_then", func(in *incident.Incident) *string { return &in.DistrictThen }},
	{"subunit_id", func(in *incident.Incident) *string { return &in.Subunit }},
	{"place_kind", func(in *incident.Incident) *string { return (*string)(&in.Place.Kind) }},
	{"border_side", func(in *incident.Incident) *string { return (*string)(&in.Border.Side) }},
	{"actor1", func(in *incident.Incident) *string { return &in.Actor1 }},
	{"actor2", func(in *incident.Incident) *string { return &in.Actor2 }},
	{"dyad", func(in *incident.Incident) *string { return &in.Dyad }},
	{"location_name", func(in *incident.Incident) *string { return &in.LocationName }},
	{"location_text", func(in *incident.Incident) *string { return &in.LocationText }},
	{"summary", func(in *incident.Incident) *string { return &in.Summary }},
}

// figureColumns are the figures, with the field that each fills.
var figureColumns = []struct {
	name  string
	field func(*incident.Incident) *incident.Figure
}{
	{"fatalities_low", func(in *incident.Incident) *incident.Figure { return &in.Low }},
	{"fatalities_best", func(in *incident.Incident) *incident.Figure { return &in.Best }},
	{"fatalities_high", func(in *incident.Incident) *incident.Figure { return &in.High }},
	{"deaths_a", func(in *incident.Incident) *incident.Figure { return &in.DeathsA }},
	{"deaths_b", func(in *incident.Incident) *incident.Figure { return &in.DeathsB }},
	{"deaths_civilians", func(in *incident.Incident) *incident.Figure { return &in.DeathsCivilians }},
	{"deaths_unknown", func(in *incident.Incident) *incident.Figure { return &in.DeathsUnknown }},
}

// listColumns are the lists of texts, with the field that each fills.
var listColumns = []struct {
	name  string
	field func(*incident.Incident) *[]string
}{
	{"assoc_actors", func(in *incident.Incident) *[]string { return &in.AssocActors }},
	{"candidates", func(in *incident.Incident) *[]string { return &in.Candidates }},
	{"place_units", func(in *incident.Incident) *[]string { return &in.Place.Units }},
	{"warnings", func(in *incident.Incident) *[]string { return &in.Warnings }},
}

// allColumns are the columns of incidents as the encoder writes them, and columnCount how many there are.
var allColumns, columnCount = func() (string, int) {
	var names []string
	for _, c := range textColumns {
		names = append(names, c.name)
	}
	for _, c := range figureColumns {
		names = append(names, c.name)
	}
	for _, c := range listColumns {
		names = append(names, c.name)
	}
	names = append(names, "start_date", "end_date", "geom", "type_of_violence", "place_radius_m", "border_km_min", "border_km_max", "synthetic", "claims", "sources",
		"content_hash", "line", "file", "words", "actor_words", "import_id", "fid")
	return strings.Join(names, ", "), len(names)
}()

// selectRow are the expressions that decoder.scan reads, of a table called i; all come in the binary format.
var selectRow = func() string {
	var b strings.Builder
	b.WriteString("i.fid, i.start_date, i.end_date, ST_X(i.geom), ST_Y(i.geom), i.type_of_violence, i.place_radius_m, i.border_km_min, i.border_km_max, i.synthetic, i.line, i.claims, i.sources")
	for _, c := range figureColumns {
		b.WriteString(", i." + c.name)
	}
	for _, c := range listColumns {
		b.WriteString(", i." + c.name)
	}
	b.WriteString(", i.file")
	for _, c := range textColumns {
		b.WriteString(", i." + c.name)
	}
	return b.String()
}()

// PostgreSQL cannot hold the character 0 in a text. It and 1, 2 and 3 are
// written as 1 and two more of 2 and 3. That keeps the order of texts, and a part of
// a text is found in another written so just where it was before.
var (
	hide = strings.NewReplacer("\x00", "\x01\x02\x02", "\x01", "\x01\x02\x03", "\x02", "\x01\x03\x02", "\x03", "\x01\x03\x03")
	show = strings.NewReplacer("\x01\x02\x02", "\x00", "\x01\x02\x03", "\x01", "\x01\x03\x02", "\x02", "\x01\x03\x03", "\x03")
)

// stored writes a text as it stands in the database, nil for "". What is no UTF-8 is replaced.
func stored(s string) *string {
	if s == "" {
		return nil
	}
	s = hide.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return &s
}

// shown reads a text of the database, "" for null.
func shown(s *string) string {
	if s == nil {
		return ""
	}
	return show.Replace(*s)
}

// check refuses what the store could not give back or find again.
func check(in *incident.Incident) error {
	invalid := func(format string, args ...any) error {
		return incident.Errorf(incident.CodeInvalid, "Incident %q of dataset %q %s.", in.SourceID, in.Dataset, fmt.Sprintf(format, args...))
	}
	finite := func(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
	switch {
	case in.ID == "" || in.Dataset == "":
		return invalid("has no id or no dataset")
	case in.Start < incident.MinDay || in.End > incident.MaxDay:
		return invalid("lies outside the years 1 to 9999")
	case in.End < in.Start:
		return invalid("ends (%s) before it starts (%s)", in.End, in.Start)
	case in.HasPoint && !(finite(in.Point[0]) && finite(in.Point[1])):
		return invalid("has coordinates that are no numbers")
	case in.Border.Known && (math.IsNaN(in.Border.MinKM) || math.IsNaN(in.Border.MaxKM)) || math.IsNaN(in.Place.RadiusM):
		return invalid("has a distance that is no number")
	}
	for _, c := range textColumns {
		if !utf8.ValidString(*c.field(in)) {
			return invalid("has a text that is no UTF-8 (%s)", c.name)
		}
	}
	for _, c := range listColumns {
		for _, s := range *c.field(in) {
			if !utf8.ValidString(s) {
				return invalid("has a text that is no UTF-8 (%s)", c.name)
			}
		}
	}
	return nil
}

// claim and source are written as JSON. Names are short, since they stand in every such row.
type claim struct {
	Quantity     string          `json:"quantity,omitempty"`
	About        string          `json:"about,omitempty"`
	Low          incident.Figure `json:"low,omitzero"`
	Best         incident.Figure `json:"best,omitzero"`
	High         incident.Figure `json:"high,omitzero"`
	Qualifier    string          `json:"qualifier,omitempty"`
	Claimant     string          `json:"claimant,omitempty"`
	ClaimantRole string          `json:"claimant_role,omitempty"`
	Source       int             `json:"source"`
	Quote        string          `json:"quote,omitempty"`
	Language     string          `json:"language,omitempty"`
}

type source struct {
	Publisher string `json:"publisher,omitempty"`
	Title     string `json:"title,omitempty"`
	URL       string `json:"url,omitempty"`
	Date      string `json:"date,omitempty"`
	Language  string `json:"language,omitempty"`
	IsParty   bool   `json:"is_party,omitempty"`
}

// encoder writes incidents as rows of a binary COPY, in the order of allColumns up to content_hash.
type encoder struct {
	b      []byte // of all rows
	hash   []byte // what the hash of the row at hand is taken of
	column byte
	err    error
}

// field writes a field with its length and adds it to the hash.
func (e *encoder) field(write func([]byte) []byte) {
	at := len(e.b)
	e.b = write(append(e.b, 0, 0, 0, 0))
	binary.BigEndian.PutUint32(e.b[at:], uint32(len(e.b)-at-4))
	e.hash = append(append(e.hash, e.column), e.b[at:]...)
	e.column++
}

func (e *encoder) null() {
	e.b = append(e.b, 0xff, 0xff, 0xff, 0xff)
	e.column++
}

func (e *encoder) text(s string) {
	if s == "" {
		e.null()
		return
	}
	e.field(func(b []byte) []byte { return append(b, hide.Replace(s)...) })
}

func (e *encoder) integer(n int64, known bool) {
	if !known {
		e.null()
		return
	}
	e.field(func(b []byte) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) })
}

func (e *encoder) float(f float64, known bool) {
	if !known {
		e.null()
		return
	}
	e.field(func(b []byte) []byte { return binary.BigEndian.AppendUint64(b, math.Float64bits(f)) })
}

// dayZero is the day that PostgreSQL counts from, 2000-01-01.
const dayZero incident.Day = 10957

func (e *encoder) day(d incident.Day) {
	e.field(func(b []byte) []byte { return binary.BigEndian.AppendUint32(b, uint32(int32(d-dayZero))) })
}

// textOID is the type of the elements of a list.
const textOID = 25

func (e *encoder) list(list []string) {
	if len(list) == 0 {
		e.null()
		return
	}
	e.field(func(b []byte) []byte {
		for _, n := range []uint32{1, 0, textOID, uint32(len(list)), 1} { // dimensions, nulls, type; length and first index of the only dimension
			b = binary.BigEndian.AppendUint32(b, n)
		}
		for _, s := range list {
			s = hide.Replace(s)
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
		}
		return b
	})
}

func (e *encoder) json(v any, n int) {
	if n == 0 {
		e.null()
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		e.err = fmt.Errorf("encode claims or sources: %w", err)
	}
	e.field(func(b []byte) []byte { return append(b, text...) })
}

// srsWGS84 is the system of the coordinates, lon before lat.
const srsWGS84 = 4326

func (e *encoder) point(in *incident.Incident) {
	if !in.HasPoint {
		e.null()
		return
	}
	blob, err := ewkb.Marshal(geom.NewPointFlat(geom.XY, in.Point[:]).SetSRID(srsWGS84), ewkb.NDR)
	if err != nil {
		e.err = fmt.Errorf("encode a point: %w", err)
	}
	e.field(func(b []byte) []byte { return append(b, blob...) })
}

// row is an incident as it was encoded, and where it goes.
type row struct {
	in       *incident.Incident
	from, to int // of the fields in the buffer of the encoder
	hash     int64
	fid      int64
	importID int64
	// number and until are those of an entry of the past.
	number, until int64
}

// add encodes an incident up to its hash.
func (e *encoder) add(in *incident.Incident) (row, error) {
	r := row{in: in, from: len(e.b)}
	e.hash, e.column = e.hash[:0], 0
	for _, c := range textColumns {
		e.text(*c.field(in))
	}
	for _, c := range figureColumns {
		f := c.field(in)
		e.integer(int64(f.N), f.Known)
	}
	for _, c := range listColumns {
		e.list(*c.field(in))
	}
	e.day(in.Start)
	e.day(in.End)
	e.point(in)
	e.integer(int64(in.TypeOfViolence), in.TypeOfViolence != 0)
	e.float(in.Place.RadiusM, in.Place.RadiusM != 0)
	e.float(in.Border.MinKM, in.Border.Known)
	e.float(in.Border.MaxKM, in.Border.Known)
	e.field(func(b []byte) []byte {
		if in.Synthetic {
			return append(b, 1)
		}
		return append(b, 0)
	})
	claims, sources := make([]claim, len(in.Claims)), make([]source, len(in.Sources))
	for i, c := range in.Claims {
		claims[i] = claim(c)
	}
	for i, s := range in.Sources {
		sources[i] = source(s)
	}
	e.json(claims, len(claims))
	e.json(sources, len(sources))
	r.to = len(e.b)
	sum := sha256.Sum256(e.hash)
	r.hash = int64(binary.BigEndian.Uint64(sum[:8]))
	return r, e.err
}

// copyReader gives rows as a binary COPY.
type copyReader struct {
	e    *encoder
	past bool // into versions: its columns stand in front
	rows []*row
	next int
	b    []byte // what is to be given
	buf  []byte
}

// The beginning and the end of a binary COPY: a signature, no flags, no extension of the header; a row of -1 columns.
const copyBegin, copyEnd = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\xff\xff"

// Read implements [io.Reader].
func (r *copyReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		if r.next > len(r.rows) {
			return 0, io.EOF
		}
		r.buf = r.buf[:0]
		if r.next == 0 {
			r.buf = append(r.buf, copyBegin...)
		}
		for ; r.next < len(r.rows) && len(r.buf) < 1<<16; r.next++ {
			r.buf = r.append(r.buf, r.rows[r.next])
		}
		if r.next == len(r.rows) {
			r.buf = append(r.buf, copyEnd...)
			r.next++
		}
		r.b = r.buf
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

// append writes a row, of which the fields up to the hash are there.
func (r *copyReader) append(b []byte, row *row) []byte {
	in := row.in
	n := columnCount
	if r.past {
		n += 3
	}
	tail := encoder{b: binary.BigEndian.AppendUint16(b, uint16(n)), hash: r.e.hash[:0]}
	if r.past {
		tail.integer(row.number, true)
		tail.text(opPut)
		tail.integer(row.until, row.until != 0)
	}
	tail.b = append(tail.b, r.e.b[row.from:row.to]...)
	tail.integer(row.hash, true)
	tail.integer(int64(in.Line), in.Line != 0)
	tail.text(strings.ToValidUTF8(in.File, "\uFFFD"))
	for _, text := range []string{
		incident.SearchText(in.Summary, in.LocationName, in.LocationText, in.Actor1, in.Actor2),
		incident.ActorText(in.Actor1, in.Actor2, strings.Join(in.AssocActors, "\n")),
	} {
		tail.text(strings.ToLower(text)) // never empty, as there are line breaks
	}
	tail.integer(row.importID, true)
	tail.integer(row.fid, true)
	r.e.hash = tail.hash
	return tail.b
}

// decoder reads rows to incidents.
type decoder struct{ texts []byte }

// scan fills an incident from the values of selectRow. Its texts are parts of one string.
func (d *decoder) scan(v [][]byte, in *incident.Incident) (err error) {
	*in = incident.Incident{}
	next := func() []byte {
		b := v[0]
		v = v[1:]
		return b
	}
	in.FID, _ = integerOf(next())
	in.Start, in.End = dayOf(next()), dayOf(next())
	in.Point[0], in.HasPoint = floatOf(next())
	in.Point[1], _ = floatOf(next())
	violence, _ := integerOf(next())
	in.TypeOfViolence = incident.TypeOfViolence(violence)
	in.Place.RadiusM, _ = floatOf(next())
	in.Border.MinKM, in.Border.Known = floatOf(next())
	in.Border.MaxKM, _ = floatOf(next())
	synthetic := next()
	in.Synthetic = len(synthetic) == 1 && synthetic[0] == 1
	line, _ := integerOf(next())
	in.Line = int(line)
	if b := next(); b != nil {
		var claims []claim
		if err := json.Unmarshal(b, &claims); err != nil {
			return fmt.Errorf("read the claims of row %d: %w", in.FID, err)
		}
		for _, c := range claims {
			in.Claims = append(in.Claims, incident.Claim(c))
		}
	}
	if b := next(); b != nil {
		var sources []source
		if err := json.Unmarshal(b, &sources); err != nil {
			return fmt.Errorf("read the sources of row %d: %w", in.FID, err)
		}
		for _, s := range sources {
			in.Sources = append(in.Sources, incident.Source(s))
		}
	}
	for _, c := range figureColumns {
		*c.field(in) = figureOf(next())
	}
	for _, c := range listColumns {
		if *c.field(in), err = listOf(next()); err != nil {
			return fmt.Errorf("read %s of row %d: %w", c.name, in.FID, err)
		}
	}
	d.texts = d.texts[:0]
	for _, b := range v {
		d.texts = append(d.texts, b...)
	}
	all := string(d.texts)
	odd := strings.IndexByte(all, 1) >= 0
	cut := func() string {
		n := len(next())
		s := all[:n]
		if all = all[n:]; odd {
			s = show.Replace(s)
		}
		return s
	}
	in.File = cut()
	for _, c := range textColumns {
		*c.field(in) = cut()
	}
	return nil
}

func integerOf(b []byte) (int64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(b)), true
}

func floatOf(b []byte) (float64, bool) {
	n, ok := integerOf(b)
	return math.Float64frombits(uint64(n)), ok
}

func figureOf(b []byte) incident.Figure {
	n, ok := integerOf(b)
	return incident.Figure{N: int(n), Known: ok}
}

func dayOf(b []byte) incident.Day {
	if len(b) != 4 {
		return 0
	}
	return incident.Day(int32(binary.BigEndian.Uint32(b))) + dayZero
}

func listOf(b []byte) ([]string, error) {
	if b == nil {
		return nil, nil
	}
	number := func() int {
		if len(b) < 4 {
			return -1
		}
		n := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		return n
	}
	dimensions, _, _, length, _ := number(), number(), number(), number(), number()
	if dimensions != 1 || length < 0 {
		return nil, fmt.Errorf("a list has %d dimensions", dimensions)
	}
	list := make([]string, length)
	for i := range list {
		n := number()
		if n < 0 || n > len(b) {
			return nil, fmt.Errorf("an element of a list is cut off")
		}
		list[i] = show.Replace(string(b[:n]))
		b = b[n:]
	}
	return list, nil
}
