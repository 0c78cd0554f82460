package gpkg

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/bits"
	"strings"

	"sarhad/incident"
)

// The columns that are written, in the order of the table: what is bound.
const (
	colFID = iota
	colGeom
	colID
	colStart
	colEnd
	colSpan
	colLon
	colLat
	colHash
	colDataset
	colCountry
	colUnit
	colEventType
	colSubEventType
	colEventClass
	colTypeOfViolence
	colLow
	colBest
	colHigh
	colPrecision
	colVerification
	colSynthetic
	colImport
	colLine
	colTimePrecision
	colTime
	colProvince
	colDistrict
	colPCode
	colPlaceKind
	colRadius
	colMinKM
	colMaxKM
	colSide
	colSourceID
	colActor1
	colActor2
	colAssoc
	colDyad
	colLocationName
	colLocationText
	colPrecisionCode
	colClarity
	colFile
	colSummary
	colExtra
	colUnitThen // from here on columns that later versions added, which stand at the end of the table
	colDistrictThen
	colSubunit
	columnCount
)

var columnNames = [columnCount]string{
	"fid", "geom", "id", "start_date", "end_date", "span", "lon", "lat", "content_hash", "dataset", "country", "unit_id",
	"event_type", "sub_event_type", "event_class", "type_of_violence", "fatalities_low", "fatalities_best", "fatalities_high",
	"location_precision", "verification", "synthetic", "import_id", "line", "time_precision", "time", "province", "district",
	"pcode", "place_kind", "place_radius_m", "border_km_min", "border_km_max", "border_side", "source_id", "actor1", "actor2",
	"assoc_actors", "dyad", "location_name", "location_text", "location_precision_code", "clarity", "file", "summary", "extra",
	"unit_then", "district_then", "subunit_id",
}

// The texts of a row are read as one: SQLite joins them with a separator, and
// Go cuts the whole without copying. That is one string made for a row instead
// of thirty, and half the time of a row.
const separator = "\x1f"

// texts are the columns that are joined, with the field that each fills.
var texts = []struct {
	column int
	field  func(*incident.Incident) *string
}{
	{colID, func(in *incident.Incident) *string { return &in.ID }},
	{colDataset, func(in *incident.Incident) *string { return &in.Dataset }},
	{colSourceID, func(in *incident.Incident) *string { return &in.SourceID }},
	{colTimePrecision, func(in *incident.Incident) *string { return (*string)(&in.TimePrecision) }},
	{colTime, func(in *incident.Incident) *string { return &in.Time }},
	{colEventType, func(in *incident.Incident) *string { return (*string)(&in.EventType) }},
	{colSubEventType, func(in *incident.Incident) *string { return (*string)(&in.SubEventType) }},
	{colEventClass, func(in *incident.Incident) *string { return (*string)(&in.EventClass) }},
	{colActor1, func(in *incident.Incident) *string { return &in.Actor1 }},
	{colActor2, func(in *incident.Incident) *string { return &in.Actor2 }},
	{colDyad, func(in *incident.Incident) *string { return &in.Dyad }},
	{colCountry, func(in *incident.Incident) *string { return &in.Country }},
	{colProvince, func(in *incident.Incident) *string { return &in.Province }},
	{colDistrict, func(in *incident.Incident) *string { return &in.District }},
	{colUnit, func(in *incident.Incident) *string { return &in.UnitID }},
	{colPCode, func(in *incident.Incident) *string { return &in.PCode }},
	{colLocationName, func(in *incident.Incident) *string { return &in.LocationName }},
	{colLocationText, func(in *incident.Incident) *string { return &in.LocationText }},
	{colPrecision, func(in *incident.Incident) *string { return (*string)(&in.LocationPrecision) }},
	{colPrecisionCode, func(in *incident.Incident) *string { return &in.LocationPrecisionCode }},
	{colPlaceKind, func(in *incident.Incident) *string { return (*string)(&in.Place.Kind) }},
	{colSide, func(in *incident.Incident) *string { return (*string)(&in.Border.Side) }},
	{colVerification, func(in *incident.Incident) *string { return (*string)(&in.Verification) }},
	{colClarity, func(in *incident.Incident) *string { return &in.Clarity }},
	{colSummary, func(in *incident.Incident) *string { return &in.Summary }},
	// New ones go to the end: the order is that of extra.Text, which is in files.
	{colUnitThen, func(in *incident.Incident) *string { return &in.UnitThen }},
	{colDistrictThen, func(in *incident.Incident) *string { return &in.DistrictThen }},
	{colSubunit, func(in *incident.Incident) *string { return &in.Subunit }},
}

// selectRow are the expressions that row.scan reads, of a table called i.
var selectRow = func() string {
	var b strings.Builder
	b.WriteString("i.fid, concat(i.start_date, CASE WHEN i.span IS NOT NULL THEN i.end_date END")
	for _, t := range texts {
		b.WriteString(", '" + separator + "', i." + columnNames[t.column])
	}
	// The associated actors hold line breaks and are seldom there: a column of their own costs nothing as long as it is null.
	b.WriteString("), i.assoc_actors, i.lon, i.lat, i.type_of_violence, i.fatalities_low, i.fatalities_best, i.fatalities_high, " +
		"i.place_radius_m, i.border_km_min, i.border_km_max, +i.synthetic, i.import_id, i.line, i.file, i.extra")
	return b.String()
}()

const selectRowColumns = 17

// extra is what few incidents have, kept as JSON in one column. Names are short
// since they stand in every such row.
type extra struct {
	Text            []string `json:"text,omitempty"` // all texts in base64, where one holds the separator
	EventTypeText   string   `json:"event_type_text,omitempty"`
	AssocActors     []string `json:"assoc_actors,omitempty"` // only where one holds a line break
	DeathsA         *int     `json:"deaths_a,omitempty"`
	DeathsB         *int     `json:"deaths_b,omitempty"`
	DeathsCivilians *int     `json:"deaths_civilians,omitempty"`
	DeathsUnknown   *int     `json:"deaths_unknown,omitempty"`
	Candidates      []string `json:"candidates,omitempty"`
	PlaceUnits      []string `json:"place_units,omitempty"`
	Claims          []claim  `json:"claims,omitempty"`
	Sources         []source `json:"sources,omitempty"`
	Warnings        []string `json:"warnings,omitempty"`
}

type claim struct {
	Quantity     string `json:"quantity,omitempty"`
	About        string `json:"about,omitempty"`
	Low          *int   `json:"low,omitempty"`
	Best         *int   `json:"best,omitempty"`
	High         *int   `json:"high,omitempty"`
	Qualifier    string `json:"qualifier,omitempty"`
	Claimant     string `json:"claimant,omitempty"`
	ClaimantRole string `json:"claimant_role,omitempty"`
	Source       int    `json:"source"`
	Quote        string `json:"quote,omitempty"`
	Language     string `json:"language,omitempty"`
}

type source struct {
	Publisher string `json:"publisher,omitempty"`
	Title     string `json:"title,omitempty"`
	URL       string `json:"url,omitempty"`
	Date      string `json:"date,omitempty"`
	Language  string `json:"language,omitempty"`
	IsParty   bool   `json:"is_party,omitempty"`
}

func pointer(f incident.Figure) *int {
	if !f.Known {
		return nil
	}
	return &f.N
}

func figure(p *int) incident.Figure {
	if p == nil {
		return incident.Figure{}
	}
	return incident.Known(*p)
}

// encoder writes incidents as the values of a row. It is kept over a load so
// that its buffers and the few words that occur again and again are reused.
type encoder struct {
	importID any
	file     string // of the import
	hash     []byte
	days     map[incident.Day]any
	words    map[string]any
}

func newEncoder(importID int64, file string) *encoder {
	return &encoder{importID: importID, file: file, days: map[incident.Day]any{}, words: map[string]any{}}
}

// word gives the value of a word of a vocabulary: putting a string into an
// interface allocates, and looking up one that is there does not.
func (e *encoder) word(s string) any {
	if s == "" {
		return nil
	}
	if v, ok := e.words[s]; ok {
		return v
	}
	if len(e.words) > 4096 {
		clear(e.words)
	}
	s = strings.Clone(s)
	var v any = s
	e.words[s] = v
	return v
}

func (e *encoder) day(d incident.Day) any {
	if v, ok := e.days[d]; ok {
		return v
	}
	if len(e.days) > 1<<15 {
		clear(e.days)
	}
	var v any = d.String()
	e.days[d] = v
	return v
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func number(f incident.Figure) any {
	if !f.Known {
		return nil
	}
	return int64(f.N)
}

// check refuses what the store could not give back or find again.
func check(in *incident.Incident) error {
	invalid := func(format string, args ...any) error {
		return incident.Errorf(incident.CodeInvalid, "Incident %q of dataset %q %s.", in.SourceID, in.Dataset, fmt.Sprintf(format, args...))
	}
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
	return nil
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// encode writes an incident to the values of a row, all but the FID, and
// returns the hash of its content. geom is a buffer for the point.
func (e *encoder) encode(in *incident.Incident, args []driver.NamedValue, geom []byte) (hash int64, err error) {
	set := func(col int, v any) { args[col].Value = v }
	if in.HasPoint {
		set(colGeom, appendPoint(geom[:0], in.Point))
		set(colLon, in.Point[0])
		set(colLat, in.Point[1])
	} else {
		set(colGeom, nil)
		set(colLon, nil)
		set(colLat, nil)
	}
	set(colID, text(in.ID))
	set(colStart, e.day(in.Start))
	set(colEnd, e.day(in.End))
	set(colSpan, nil)
	if in.End > in.Start {
		set(colSpan, int64(spanOf(in.Start, in.End)))
	}
	set(colDataset, e.word(in.Dataset))
	set(colCountry, e.word(in.Country))
	set(colUnit, e.word(in.UnitID))
	set(colEventType, e.word(string(in.EventType)))
	set(colSubEventType, e.word(string(in.SubEventType)))
	set(colEventClass, e.word(string(in.EventClass)))
	set(colTypeOfViolence, nil)
	if in.TypeOfViolence != 0 {
		set(colTypeOfViolence, int64(in.TypeOfViolence))
	}
	set(colLow, number(in.Low))
	set(colBest, number(in.Best))
	set(colHigh, number(in.High))
	set(colPrecision, e.word(string(in.LocationPrecision)))
	set(colVerification, e.word(string(in.Verification)))
	set(colSynthetic, int64(0))
	if in.Synthetic {
		set(colSynthetic, int64(1))
	}
	set(colImport, e.importID)
	set(colLine, nil)
	if in.Line != 0 {
		set(colLine, int64(in.Line))
	}
	set(colTimePrecision, e.word(string(in.TimePrecision)))
	set(colTime, text(in.Time))
	set(colProvince, e.word(in.Province))
	set(colDistrict, e.word(in.District))
	set(colPCode, e.word(in.PCode))
	set(colPlaceKind, e.word(string(in.Place.Kind)))
	set(colRadius, nil)
	if in.Place.RadiusM != 0 {
		set(colRadius, in.Place.RadiusM)
	}
	set(colMinKM, nil)
	set(colMaxKM, nil)
	if in.Border.Known {
		set(colMinKM, in.Border.MinKM)
		set(colMaxKM, in.Border.MaxKM)
	}
	set(colSide, e.word(string(in.Border.Side)))
	set(colSourceID, text(in.SourceID))
	set(colActor1, text(in.Actor1))
	set(colActor2, text(in.Actor2))
	set(colAssoc, nil)
	if len(in.AssocActors) > 0 {
		set(colAssoc, strings.Join(in.AssocActors, "\n"))
	}
	set(colDyad, text(in.Dyad))
	set(colLocationName, text(in.LocationName))
	set(colLocationText, text(in.LocationText))
	set(colPrecisionCode, e.word(in.LocationPrecisionCode))
	set(colClarity, e.word(in.Clarity))
	set(colFile, nil)
	if in.File != e.file {
		set(colFile, in.File)
	}
	set(colSummary, text(in.Summary))
	set(colExtra, nil)
	set(colUnitThen, e.word(in.UnitThen))
	set(colDistrictThen, e.word(in.DistrictThen))
	set(colSubunit, e.word(in.Subunit))

	// The hash is taken of what is stored, so no field can be forgotten. A null
	// adds nothing: a column added by a later version changes no hash.
	h, odd := e.hash[:0], false
	for i := range args {
		switch i {
		case colFID, colGeom, colSpan, colHash, colImport, colLine, colFile:
			continue
		}
		switch v := args[i].Value.(type) {
		case string:
			h = append(h, byte(i))
			h = binary.LittleEndian.AppendUint32(h, uint32(len(v)))
			h = append(h, v...)
			odd = odd || strings.IndexByte(v, separator[0]) >= 0
		case int64:
			h = append(h, byte(i))
			h = binary.LittleEndian.AppendUint64(h, uint64(v))
		case float64:
			h = append(h, byte(i))
			h = binary.LittleEndian.AppendUint64(h, math.Float64bits(v))
		}
	}
	if rare(in) || odd {
		x, err := encodeExtra(in, odd)
		if err != nil {
			return 0, err
		}
		if x != "" {
			set(colExtra, x)
			h = append(append(h, colExtra), x...)
		}
	}
	e.hash = h
	sum := sha256.Sum256(h)
	hash = int64(binary.LittleEndian.Uint64(sum[:8]))
	set(colHash, hash)
	return hash, nil
}

// spanOf gives the class of an incident of more than one day: the number of
// bits of its length. Incidents of class k started at most 2^k-1 days before
// they ended, so those that reach into a window are found without looking at
// all the days before it.
func spanOf(start, end incident.Day) int { return bits.Len32(uint32(end - start)) }

func rare(in *incident.Incident) bool {
	return in.EventTypeText != "" || in.DeathsA.Known || in.DeathsB.Known || in.DeathsCivilians.Known || in.DeathsUnknown.Known ||
		len(in.Candidates) > 0 || len(in.Place.Units) > 0 || len(in.Claims) > 0 || len(in.Sources) > 0 || len(in.Warnings) > 0 || len(in.AssocActors) > 0
}

func encodeExtra(in *incident.Incident, odd bool) (string, error) {
	x := extra{
		EventTypeText: in.EventTypeText,
		DeathsA:       pointer(in.DeathsA), DeathsB: pointer(in.DeathsB),
		DeathsCivilians: pointer(in.DeathsCivilians), DeathsUnknown: pointer(in.DeathsUnknown),
		Candidates: in.Candidates, PlaceUnits: in.Place.Units, Warnings: in.Warnings,
	}
	for _, a := range in.AssocActors {
		if a == "" || strings.Contains(a, "\n") {
			x.AssocActors = in.AssocActors
		}
	}
	if odd {
		odd = false
		for _, t := range texts {
			odd = odd || strings.Contains(*t.field(in), separator)
		}
	}
	if odd {
		for _, t := range texts {
			x.Text = append(x.Text, base64.StdEncoding.EncodeToString([]byte(*t.field(in))))
		}
	}
	for _, c := range in.Claims {
		x.Claims = append(x.Claims, claim{c.Quantity, c.About, pointer(c.Low), pointer(c.Best), pointer(c.High),
			c.Qualifier, c.Claimant, c.ClaimantRole, c.Source, c.Quote, c.Language})
	}
	for _, s := range in.Sources {
		x.Sources = append(x.Sources, source(s))
	}
	b, err := json.Marshal(x)
	if err != nil {
		return "", fmt.Errorf("encode the rare fields: %w", err)
	}
	if len(b) == 2 {
		return "", nil
	}
	return string(b), nil
}

// decoder reads rows to incidents.
type decoder struct {
	fileOf func(importID int64) (string, error)
	// The last import met; rows of one import stand together.
	lastImport int64
	lastFile   string
}

// scan fills an incident from the values of selectRow.
func (d *decoder) scan(v []driver.Value, in *incident.Incident) error {
	*in = incident.Incident{}
	in.FID, _ = v[0].(int64)
	all, _ := v[1].(string)
	rest := all
	for k := -1; k < len(texts); k++ {
		part := rest
		if i := strings.IndexByte(rest, separator[0]); i >= 0 {
			part, rest = rest[:i], rest[i+1:]
		}
		if k >= 0 {
			*texts[k].field(in) = part
			continue
		}
		if len(part) < 10 {
			return fmt.Errorf("read row %d: %q is no date", in.FID, part)
		}
		in.Start = dayOf(part[:10])
		in.End = in.Start
		if len(part) == 20 {
			in.End = dayOf(part[10:])
		}
	}
	assoc, hasAssoc := v[2].(string)
	if hasAssoc {
		in.AssocActors = strings.Split(assoc, "\n")
	}
	if lon, ok := v[3].(float64); ok {
		in.Point[0] = lon
		in.Point[1], in.HasPoint = v[4].(float64)
	}
	tov, _ := v[5].(int64)
	in.TypeOfViolence = incident.TypeOfViolence(tov)
	in.Low, in.Best, in.High = stored(v[6]), stored(v[7]), stored(v[8])
	in.Place.RadiusM, _ = v[9].(float64)
	if in.Border.MinKM, in.Border.Known = v[10].(float64); in.Border.Known {
		in.Border.MaxKM, _ = v[11].(float64)
	}
	in.Synthetic = v[12] == any(int64(1))
	line, _ := v[14].(int64)
	in.Line = int(line)
	if f, ok := v[15].(string); ok {
		in.File = f
	} else if id, _ := v[13].(int64); id == d.lastImport {
		in.File = d.lastFile
	} else {
		f, err := d.fileOf(id)
		if err != nil {
			return err
		}
		d.lastImport, d.lastFile, in.File = id, f, f
	}
	if x, ok := v[16].(string); ok {
		return decodeExtra(x, in)
	}
	return nil
}

func stored(v driver.Value) incident.Figure {
	n, ok := v.(int64)
	return incident.Figure{N: int(n), Known: ok}
}

// dayOf reads a day that this package wrote, YYYY-MM-DD; it trusts its form.
// The arithmetic is that of Howard Hinnant's days_from_civil, several times as
// fast as package time.
func dayOf(s string) incident.Day {
	if len(s) != 10 {
		return 0
	}
	y := int(s[0]-'0')*1000 + int(s[1]-'0')*100 + int(s[2]-'0')*10 + int(s[3]-'0')
	m := int(s[5]-'0')*10 + int(s[6]-'0')
	d := int(s[8]-'0')*10 + int(s[9]-'0')
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400 // y is never negative: the first year is 1, or 0 after the step
	yoe := y - era*400
	doy := (153*(m-3)+2)/5 + d - 1
	return incident.Day(era*146097 + yoe*365 + yoe/4 - yoe/100 + doy - 719468)
}

func decodeExtra(s string, in *incident.Incident) error {
	var x extra
	if err := json.Unmarshal([]byte(s), &x); err != nil {
		return fmt.Errorf("read the rare fields of row %d: %w", in.FID, err)
	}
	for i, t := range x.Text {
		b, err := base64.StdEncoding.DecodeString(t)
		if err != nil || i >= len(texts) {
			return fmt.Errorf("read the texts of row %d: %w", in.FID, err)
		}
		*texts[i].field(in) = string(b)
	}
	in.EventTypeText = x.EventTypeText
	if x.AssocActors != nil {
		in.AssocActors = x.AssocActors
	}
	in.DeathsA, in.DeathsB = figure(x.DeathsA), figure(x.DeathsB)
	in.DeathsCivilians, in.DeathsUnknown = figure(x.DeathsCivilians), figure(x.DeathsUnknown)
	in.Candidates, in.Place.Units, in.Warnings = x.Candidates, x.PlaceUnits, x.Warnings
	if len(x.Claims) > 0 {
		in.Claims = make([]incident.Claim, len(x.Claims))
		for i, c := range x.Claims {
			in.Claims[i] = incident.Claim{Quantity: c.Quantity, About: c.About, Low: figure(c.Low), Best: figure(c.Best), High: figure(c.High),
				Qualifier: c.Qualifier, Claimant: c.Claimant, ClaimantRole: c.ClaimantRole, Source: c.Source, Quote: c.Quote, Language: c.Language}
		}
	}
	if len(x.Sources) > 0 {
		in.Sources = make([]incident.Source, len(x.Sources))
		for i, s := range x.Sources {
			in.Sources[i] = incident.Source(s)
		}
	}
	return nil
}
