package source

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"

	"sarhad/incident"
)

// decoder turns the fields of one record after the other into incidents.
type decoder struct {
	layout  *layout
	dataset incident.Dataset
	file    string
	// dates are the rules for the columns of the first and of the last day.
	dates [2]dateRule
	// mapped is true if there is a mapping. Without one nothing needs to ask for
	// what only a mapping says, which counts at a million rows.
	mapped bool
	// loose says of which fields numbers are read in every form.
	loose [numFields]bool
	// lonFirst is the order in a column that holds both coordinates.
	lonFirst bool
	// joined are the further columns of a field and what stands between them.
	joined [numFields]*joined
	// stated are the fields of dataset that the file or the mapping gives; the
	// others are defaults of the layout and the name.
	stated incident.Dataset
	// republished is true if a mapping says that single rows may be.
	republished bool
	// named is true if the user named the dataset, whatever its rows say.
	named bool
	// cols are the indices of the fields in raw, -1 for those that do not occur.
	cols [numFields]int
	// columns name the fields of raw.
	columns []string
	// beside is how many of them, at the end, are not the source's own.
	beside int
	// constants and values come from a mapping; they are empty without one.
	constants [numFields]string
	values    [numFields]map[string]string

	// own gives the value of a column of an export of ours, "" for one that is
	// not there; it is nil for every other file.
	own func(name string) string
	// several is that of the options.
	several *Several

	sorted   []heading // the columns, for the hash of a row without an id
	identity []byte

	raw   []string
	whole []byte // the record as it stands, where raw is not all of it; nil for a table
	row   Row
	seed  maphash.Seed
	seen  seenSet
}

func newDecoder(l *layout, opt Options) *decoder {
	d := &decoder{layout: l, dataset: l.dataset, file: opt.File, several: opt.Several, seed: maphash.MakeSeed()}
	d.dates[0].order, d.dates[1].order = l.dates, l.dates
	for i := range d.cols {
		d.cols[i] = -1
	}
	return d
}

// get gives the value of a field without the blanks around it.
func (d *decoder) get(f field) string {
	i := d.cols[f]
	if i < 0 {
		return d.constants[f]
	}
	s := d.raw[i]
	if d.own == nil || !verbatim[f] {
		s = trim(s)
	}
	if !d.mapped {
		return s
	}
	if j := d.joined[f]; j != nil {
		s = j.text(d.raw)
	}
	if m := d.values[f]; m != nil {
		if v, ok := m[s]; ok {
			return v
		}
	}
	return s
}

// joined are columns that make up one field.
type joined struct {
	columns []int
	sep     string
	// gaps keeps the separators of empty columns, without which two ids may be the same.
	gaps bool
}

func (j *joined) text(raw []string) string {
	parts := make([]string, 0, len(j.columns))
	filled := false
	for _, i := range j.columns {
		s := trim(raw[i])
		filled = filled || s != ""
		if s != "" || j.gaps {
			parts = append(parts, s)
		}
	}
	if !filled {
		return ""
	}
	return strings.Join(parts, j.sep)
}

// gap reports whether an empty column stands before one that is not.
func (j *joined) gap(raw []string) bool {
	empty := false
	for _, i := range j.columns {
		s := trim(raw[i])
		if empty && s != "" {
			return true
		}
		empty = empty || s == ""
	}
	return false
}

// columnOf names the column of a field.
func (d *decoder) columnOf(f field) string {
	if i := d.cols[f]; i >= 0 {
		return d.columns[i]
	}
	if n := d.layout.names[f]; len(n) > 0 {
		return n[0]
	}
	return ""
}

func excerpt(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:197], "") + "…"
	}
	return s
}

// warn adds a warning to the row and its code to the incident.
func (d *decoder) warn(f field, value, code, reason string) {
	d.row.Issues = append(d.row.Issues, Issue{Line: d.row.Line, Column: d.columnOf(f), Value: excerpt(value), Code: code, Reason: reason})
	if !slices.Contains(d.row.Incident.Warnings, code) {
		d.row.Incident.Warnings = append(d.row.Incident.Warnings, code)
	}
}

// refuse refuses the row for the value of a field.
func (d *decoder) refuse(f field, p *problem) {
	d.refuseValue(f, d.get(f), p)
}

func (d *decoder) refuseValue(f field, value string, p *problem) {
	d.reject(Issue{Column: d.columnOf(f), Value: value, Code: p.code, Reason: p.reason})
}

func (d *decoder) reject(is Issue) {
	is.Line = d.row.Line
	is.Value = excerpt(shown(is.Value))
	if d.row.Rejected == nil {
		d.row.Rejected = &is
		return
	}
	d.row.Issues = append(d.row.Issues, is)
}

// begin starts a row.
func (d *decoder) begin(line int, raw []string) {
	d.row = Row{}
	d.row.Line, d.row.Raw = line, raw
	d.raw = raw
}

// decode fills the row from raw. identity is what a record without an id is
// recognised by.
func (d *decoder) decode(identity func() []byte) {
	in := &d.row.Incident
	in.Dataset, in.File, in.Line = d.dataset.Name, d.file, d.row.Line
	if s := d.get(fDataset); s != "" && s != d.dataset.Name && !d.named {
		d.refuse(fDataset, &problem{CodeOtherDataset, fmt.Sprintf("the file is loaded as dataset %q; name a dataset to load all rows as one (--dataset)", d.dataset.Name)})
	}

	d.row.Country, d.row.Adm1, d.row.Adm2 = d.get(fCountry), d.get(fAdm1), d.get(fAdm2)
	if d.row.Adm1 != "" {
		d.row.Adm1Column = d.columnOf(fAdm1)
	}
	if d.row.Adm2 != "" {
		d.row.Adm2Column = d.columnOf(fAdm2)
	}
	in.Country = countryCode(d.row.Country)
	if d.row.Country == "" {
		in.Country = countryCode(d.get(fISO))
		d.row.Country = in.Country
	}

	d.statedWarnings(in)
	d.readDates(in)
	d.types(in)
	in.Actor1, in.Actor2, in.Dyad = d.get(fActor1), d.get(fActor2), d.get(fDyad)
	d.list(&in.AssocActors, fAssoc1)
	d.list(&in.AssocActors, fAssoc2)
	d.figures(in)
	d.place(in)
	if d.own != nil {
		d.ownPlace(in)
	}

	in.Clarity, in.Summary = d.get(fClarity), d.get(fSummary)
	in.Verification = word(d, fVerification, incident.Verifications, incident.Unverified)
	d.sources(in)
	if s := d.get(fClaims); s != "" {
		d.claims(in, s)
	}
	if s := d.get(fSynthetic); s != "" {
		b, p := parseBool(s)
		if p != nil {
			d.refuse(fSynthetic, p)
		}
		in.Synthetic = b
	}
	in.Synthetic = in.Synthetic || d.dataset.Synthetic && d.own == nil

	in.SourceID = d.get(fID)
	hashed := in.SourceID == ""
	if hashed {
		sum := sha256.Sum256(identity())
		in.SourceID = "sha256:" + hex.EncodeToString(sum[:16])
	}
	if d.row.Rejected != nil {
		return // its id may come again: the mended row
	}
	in.ID = incident.ID(in.Dataset, in.SourceID)
	idHash := maphash.String(d.seed, in.SourceID)
	content := uint32(idHash) // of a row without an id both are the same
	if !hashed {
		content = uint32(d.contentHash())
	}
	first, there := d.seen.add(idHash, content, d.row.Line)
	switch {
	case !there:
	case first.content == content:
		// Only in the report: the incident is the one that the first row is, to the last field.
		d.row.Issues = append(d.row.Issues, Issue{Line: d.row.Line, Column: d.columnOf(fID), Value: excerpt(d.get(fID)), Code: WarnDuplicateRow,
			Reason: fmt.Sprintf("the same stands in %s %d; it is counted once", d.where(), first.line)})
	default:
		d.refuseValue(fID, in.SourceID, &problem{CodeDuplicateID, fmt.Sprintf("%s %d has the same id and other content; the first one holds", d.where(), first.line)})
	}
}

// where is what the number of a row counts.
func (d *decoder) where() string {
	if d.whole != nil {
		return "feature"
	}
	return "line"
}

// contentHash is a hash of the record as it stands in the file.
func (d *decoder) contentHash() uint64 {
	var h maphash.Hash
	h.SetSeed(d.seed)
	if d.whole != nil {
		_, _ = h.Write(d.whole) // never fails
		return h.Sum64()
	}
	for _, s := range d.raw {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0x1f)
	}
	return h.Sum64()
}

// rowIdentity joins the fields that are filled for the hash of a row without an
// id: each with its heading, in the order of the headings, so that neither the
// order of the columns nor one that is empty makes another row of it.
func (d *decoder) rowIdentity() []byte {
	if len(d.sorted) != len(d.columns) {
		d.sorted = d.sorted[:0]
		for i, c := range d.columns {
			d.sorted = append(d.sorted, heading{fold(c), i})
		}
		slices.SortFunc(d.sorted, func(a, b heading) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.column, b.column)) })
	}
	b := d.identity[:0]
	for _, h := range d.sorted {
		if s := trim(d.raw[h.column]); s != "" {
			b = append(append(b, h.name...), 0x1e)
			b = append(append(b, s...), 0x1f)
		}
	}
	d.identity = b
	return b
}

// heading is a column by its folded name.
type heading struct {
	name   string
	column int
}

// word reads a word of one of our vocabularies; "" gives the fallback.
func word[T ~string](d *decoder, f field, words []T, fallback T) T {
	s := d.get(f)
	switch {
	case s == "" && d.own != nil:
		return ""
	case s == "":
		return fallback
	}
	if slices.Contains(words, T(s)) {
		return T(s)
	}
	if w := T(strings.ToLower(s)); slices.Contains(words, w) {
		return w
	}
	d.refuse(f, &problem{CodeBadValue, fmt.Sprintf("it is none of the words known here: %v", words)})
	return fallback
}

// date reads the date of a column; ok is false if it refused the row.
func (d *decoder) date(f field, country string) (sp span, ok bool) {
	if sp, ok := d.ownDate(f); ok {
		return sp, true
	}
	s := d.get(f)
	if j := d.joined[f]; j != nil && j.gap(d.raw) {
		d.refuse(f, &problem{CodeBadDate, "one of the columns that make up the date is empty, and one behind it is not"})
		return sp, false
	}
	rule := &d.dates[min(f-fStart, 1)]
	if t, p := parseDate(s, rule.order); p == nil && !rule.serial {
		return span{dateTime: t, last: t.day}, true
	}
	sp, p := readDate(s, *rule)
	if p != nil {
		if _, serial := serialDate(s); serial && !rule.serial && p.code == CodeBadDate {
			p = &problem{p.code, p.reason + "; if it is a day as spreadsheets count them, say so in a mapping (read: excel)"}
		}
		d.refuse(f, p)
		return sp, false
	}
	if sp.weekday != "" {
		d.warn(f, s, WarnWeekday, sp.weekday)
	}
	return sp, true
}

func (d *decoder) readDates(in *incident.Incident) {
	if d.get(fStart) == "" {
		d.refuse(fStart, &problem{CodeMissingDate, "the row has no date"})
		return
	}
	start, ok := d.date(fStart, in.Country)
	if !ok {
		return
	}
	oneDay := start.last == start.day && start.until == nil
	in.Time = start.local(in.Country)
	in.Start, in.End = start.day, start.last
	if start.until != nil {
		start.until.local(in.Country)
		in.End = start.until.day
	} else if oneDay {
		in.End = in.Start // which the clock may have moved
	}
	precision := start.precision
	if s := d.get(fEnd); s != "" {
		end, ok := d.date(fEnd, in.Country)
		if !ok {
			return
		}
		if last := end.last; last == end.day {
			end.local(in.Country)
			end.last = end.day
		}
		if end.last < in.Start {
			d.refuse(fEnd, &problem{CodeEndBeforeStart, fmt.Sprintf("it ends before it starts (%s)", in.Start)})
			return
		}
		if !oneDay && precision == "" && end.last != in.End {
			d.refuse(fEnd, &problem{CodeBadDate, fmt.Sprintf("the date of the row is a range of its own, which ends on %s", in.End)})
			return
		}
		if end.last != in.End {
			in.End, precision = end.last, ""
		}
	}
	s := d.get(fTime)
	if s != "" {
		t := dateTime{seconds: -1}
		if !t.clock(s) && !t.clock12(s) {
			d.refuse(fTime, &problem{CodeBadDate, "it is not a time such as 14:30:00+05:00"})
		} else if t.hasOffset && len(s) == len("15:04:05+05:00") && (t.offset == incident.OffsetPK || t.offset == incident.OffsetAF) {
			in.Time = s // the form in which we write it
		} else {
			t.day = in.Start
			in.Time = t.local(in.Country)
			if in.Time != "" && t.day != in.Start && in.Start == in.End {
				in.Start, in.End = t.day, t.day
			}
		}
	}

	switch s = d.get(fTimePrecision); {
	case s == "" && d.own != nil:
	case s == "" && precision != "":
		in.TimePrecision = precision
	case s == "" && in.Start != in.End:
		in.TimePrecision = incident.TimeRange
	case s == "" && in.Time != "":
		in.TimePrecision = incident.TimeExact
	case s == "":
		in.TimePrecision = incident.TimeDay
	case d.layout.timePrecision != nil:
		w, ok := d.layout.timePrecision[s]
		if !ok {
			d.refuse(fTimePrecision, &problem{CodeBadValue, "it is none of the codes of the codebook"})
		}
		in.TimePrecision = w
	default:
		in.TimePrecision = word(d, fTimePrecision, incident.TimePrecisions, incident.TimeUnknown)
	}
	if rank := slices.Index(incident.TimePrecisions, precision); precision != "" && slices.Index(incident.TimePrecisions, in.TimePrecision) < rank {
		in.TimePrecision = precision // a month is no day, whatever is claimed
	}
}

func (d *decoder) types(in *incident.Incident) {
	if s := d.get(fTypeOfViolence); s != "" {
		switch s {
		case "1", "2", "3":
			in.TypeOfViolence = incident.TypeOfViolence(s[0] - '0')
		default:
			d.refuse(fTypeOfViolence, &problem{CodeBadValue, "it is none of UCDP's codes 1, 2, 3"})
		}
		// Only one-sided violence says what it was; a state-based event may be
		// a battle, a bombing or an air strike.
		if in.TypeOfViolence == 3 && d.layout == gedLayout {
			in.EventType = incident.Civilians
		}
	}
	if s := d.get(fEventType); s != "" {
		t, ok := incident.ParseEventType(s)
		if !ok && d.layout.eventTypes != nil {
			var l legacyType
			l, ok = d.layout.eventTypes[strings.ToLower(s)]
			t, in.SubEventType = l.event, l.sub
			in.EventTypeText = s
		}
		in.EventType = t
		if !ok {
			in.EventTypeText = s
			d.warn(fEventType, s, WarnUnknownEventType, "it is none of ACLED's event types; the words are kept")
		}
	}
	if s := d.get(fSubEventType); s != "" {
		sub, of, ok := incident.ParseSubEventType(s)
		switch {
		case !ok:
			if in.EventTypeText == "" {
				in.EventTypeText = s
			}
			d.warn(fSubEventType, s, WarnUnknownSubEventType, "it is none of ACLED's sub-event types; the words are kept")
		case in.EventType == "" && d.own == nil:
			in.SubEventType, in.EventType = sub, of // each belongs to one event type
		case d.own != nil:
			in.SubEventType = sub // whatever was doubted has been
		case in.EventType != of:
			in.SubEventType = sub
			d.warn(fSubEventType, s, WarnTypesDisagree, fmt.Sprintf("it belongs to %q, not to %q", of, in.EventType))
		default:
			in.SubEventType = sub
		}
	}
	if in.EventTypeText == "" && d.cols[fEventTypeText] >= 0 {
		in.EventTypeText = d.get(fEventTypeText)
	}
	in.EventClass = incident.ClassOf(in.EventType)
	if d.layout == gedLayout {
		in.EventClass = incident.ClassKinetic // UCDP counts nothing but the use of armed force
	}
	if d.cols[fEventClass] >= 0 || d.constants[fEventClass] != "" {
		in.EventClass = word(d, fEventClass, incident.EventClasses, in.EventClass)
	}
}

func (d *decoder) figure(f field) incident.Figure {
	s := d.get(f)
	if s == "" {
		return incident.Figure{}
	}
	n, p := parseFigure(s)
	if p != nil {
		d.refuse(f, p)
	}
	return n
}

// quantity reads a field of which the mapping may say that its numbers come in
// every form. What is more than a number becomes a claim with the words of the source.
func (d *decoder) quantity(in *incident.Incident, f field, about string) quantity {
	s := d.get(f)
	if !d.loose[f] {
		return quantity{best: d.figure(f)}
	}
	q, p := parseQuantity(s)
	if p != nil {
		d.refuse(f, p)
		return quantity{}
	}
	if !q.exact() && (f != fBest || q.qualifier != "") {
		in.Claims = append(in.Claims, incident.Claim{Quantity: "killed", About: about, Low: q.low, Best: q.best, High: q.high, Qualifier: q.qualifier, Source: -1, Quote: s})
	}
	return q
}

// wounded makes a claim of the number of wounded, of which an incident has no figure.
func (d *decoder) wounded(in *incident.Incident) {
	s := d.get(fWounded)
	if s == "" {
		return
	}
	var q quantity
	var p *problem
	if d.loose[fWounded] {
		q, p = parseQuantity(s)
	} else {
		q.best, p = parseFigure(s)
	}
	if p != nil {
		d.refuse(fWounded, p)
	}
	if q.low.Known || q.best.Known || q.high.Known {
		in.Claims = append(in.Claims, incident.Claim{Quantity: "wounded", Low: q.low, Best: q.best, High: q.high, Qualifier: q.qualifier, Source: -1, Quote: s})
	}
}

// bound reads the column of the low or the high estimate. about 30 is 30 there, a
// bound in the direction of the column that bound; anything else is no bound.
func (d *decoder) bound(in *incident.Incident, f field) incident.Figure {
	q := d.quantity(in, f, "")
	switch {
	case q.best.Known:
		return q.best
	case f == fLow && q.low.Known && !q.high.Known:
		return q.low
	case f == fHigh && q.high.Known && !q.low.Known:
		return q.high
	case q.low.Known || q.high.Known:
		d.refuse(f, &problem{CodeBadNumber, "it is no single number, and the column holds one end of a range"})
	}
	return incident.Figure{}
}

func (d *decoder) figures(in *incident.Incident) {
	if d.mapped {
		d.quantities(in)
	} else {
		in.Low, in.Best, in.High = d.figure(fLow), d.figure(fBest), d.figure(fHigh)
		in.DeathsA, in.DeathsB = d.figure(fDeathsA), d.figure(fDeathsB)
		in.DeathsCivilians, in.DeathsUnknown = d.figure(fDeathsCivilians), d.figure(fDeathsUnknown)
	}
	switch {
	case in.Low.Known && in.Best.Known && in.Low.N > in.Best.N:
		d.warn(fLow, d.get(fLow), WarnLowAboveBest, fmt.Sprintf("the low estimate is above the best, %d", in.Best.N))
	case in.High.Known && in.Best.Known && in.Best.N > in.High.N:
		d.warn(fBest, d.get(fBest), WarnLowAboveBest, fmt.Sprintf("the best estimate is above the high, %d", in.High.N))
	case in.Low.Known && in.High.Known && in.Low.N > in.High.N:
		d.warn(fLow, d.get(fLow), WarnLowAboveBest, fmt.Sprintf("the low estimate is above the high, %d", in.High.N))
	}
}

// quantities reads the numbers of people in whatever form the mapping allows.
func (d *decoder) quantities(in *incident.Incident) {
	in.Low, in.High = d.bound(in, fLow), d.bound(in, fHigh)
	best := d.quantity(in, fBest, "")
	in.Best = best.best
	if !in.Low.Known {
		in.Low = best.low
	}
	if !in.High.Known {
		in.High = best.high
	}
	in.DeathsA, in.DeathsB = d.quantity(in, fDeathsA, cmp.Or(in.Actor1, "side a")).best, d.quantity(in, fDeathsB, cmp.Or(in.Actor2, "side b")).best
	d.wounded(in)
	in.DeathsCivilians, in.DeathsUnknown = d.quantity(in, fDeathsCivilians, "civilians").best, d.quantity(in, fDeathsUnknown, "unknown").best
}

func (d *decoder) coordinate(f field, s string, limit float64, name string) (float64, *problem) {
	if d.loose[f] {
		return parseLooseCoordinate(s, limit, name)
	}
	return parseCoordinate(s, limit, name)
}

func (d *decoder) place(in *incident.Incident) {
	in.LocationName, in.LocationText = d.get(fLocationName), d.get(fLocationText)
	lat, lon := d.get(fLat), d.get(fLon)
	if d.loose[fLat] && isMissing(lat) {
		lat = ""
	}
	if d.loose[fLon] && isMissing(lon) {
		lon = ""
	}
	pair := ""
	if d.mapped || d.cols[fPoint] >= 0 {
		pair = d.get(fPoint)
	}
	switch {
	case pair != "" && (!d.loose[fPoint] || !isMissing(pair)):
		x, y, p := parsePoint(pair, d.lonFirst, d.loose[fPoint])
		if p != nil {
			d.refuse(fPoint, p)
			break
		}
		in.Point, in.HasPoint = [2]float64{x, y}, true
	case lat == "" && lon == "":
	case lat == "":
		d.refuse(fLat, &problem{CodeIncompleteCoordinate, "there is a longitude and no latitude"})
	case lon == "":
		d.refuse(fLon, &problem{CodeIncompleteCoordinate, "there is a latitude and no longitude"})
	default:
		y, p := d.coordinate(fLat, lat, 90, "latitude")
		if p != nil {
			d.refuse(fLat, p)
		}
		x, q := d.coordinate(fLon, lon, 180, "longitude")
		if q != nil {
			d.refuse(fLon, q)
		}
		if p == nil && q == nil {
			in.Point, in.HasPoint = [2]float64{x, y}, true
		}
	}

	code := d.get(fPrecision)
	switch {
	case code == "" && d.own != nil:
	case code == "" && in.HasPoint:
		// A point is given, and not how good it is: it may be the house or the
		// middle of the town. "near" claims no more than that.
		in.LocationPrecision, d.row.PrecisionAssumed = incident.LocNear, true
	case code == "":
	case d.layout.precision != nil:
		w, ok := d.layout.precision[code]
		if !ok {
			d.refuse(fPrecision, &problem{CodeBadValue, "it is none of the codes of the codebook"})
		}
		in.LocationPrecision, in.LocationPrecisionCode = w, code
	default:
		in.LocationPrecision = word(d, fPrecision, incident.LocationPrecisions, incident.LocNone)
	}
	if d.layout != tableLayout {
		return
	}
	if s := d.get(fPrecisionCode); s != "" {
		in.LocationPrecisionCode = s
	}
	in.UnitID, in.Subunit, in.UnitThen = d.get(fUnitID), d.get(fSubunit), d.get(fUnitThen)
	if s := d.get(fPlaceKind); s != "" {
		in.Place.Kind = word(d, fPlaceKind, incident.PlaceKinds, incident.PlaceNone)
		if side := incident.BorderSide(d.get(fBorderSide)); slices.Contains(borderSides, side) {
			in.Border.Side = side // which the names and the point together said
		}
	}
	d.list(&in.Place.Units, fPlaceUnits)
	d.list(&in.Candidates, fCandidates)
	if s := d.get(fPlaceRadius); s != "" {
		r, err := strconv.ParseFloat(s, 64)
		if err != nil || !(r > 0 && r < 1e7 || r == 0 && d.own != nil) {
			d.refuse(fPlaceRadius, &problem{CodeBadNumber, "it is not a radius in metres"})
		}
		in.Place.RadiusM = r
	}
}

// statedWarnings takes the warnings of a record that was placed before, such as
// one of our own GeoJSON: what they speak of is not in the record any more.
func (d *decoder) statedWarnings(in *incident.Incident) {
	s := d.get(fWarnings)
	if s == "" || d.get(fPlaceKind) == "" && d.get(fUnitID) == "" {
		return
	}
	var l []string
	if s[0] != '[' {
		l = strings.Split(s, ";")
	} else if json.Unmarshal([]byte(s), &l) != nil {
		return // a column of another's
	}
	for _, w := range l {
		if w = trim(w); isCode(w) && !slices.Contains(in.Warnings, w) {
			in.Warnings = append(in.Warnings, w)
		}
	}
}

// isCode reports whether a text has the form of the codes of warnings.
func isCode(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 40
}

var borderSides = []incident.BorderSide{incident.SidePK, incident.SideAF, incident.SideStraddles}

// list adds a list, written in JSON or joined by semicolons.
func (d *decoder) list(to *[]string, f field) {
	s := d.get(f)
	if s == "" {
		return
	}
	if d.own != nil {
		l, ok := ownList(s)
		if !ok {
			d.refuse(f, &problem{CodeBadValue, "it is not a list of texts"})
		}
		*to = append(*to, l...)
		return
	}
	if s[0] == '[' {
		var l []string
		if err := json.Unmarshal([]byte(s), &l); err == nil {
			for _, v := range l {
				if v = trim(v); v != "" {
					*to = append(*to, v)
				}
			}
			return
		} else if d.layout == tableLayout {
			d.refuse(f, &problem{CodeBadValue, "it is not a list of texts"})
			return
		}
	}
	for v := range strings.SplitSeq(s, ";") {
		if v = trim(v); v != "" {
			*to = append(*to, v)
		}
	}
}

func (d *decoder) sources(in *incident.Incident) {
	if s := d.get(fSources); s != "" {
		d.jsonSources(in, s)
		return
	}
	if d.layout == gedLayout {
		d.gedSources(in)
		return
	}
	if s := d.get(fSourceOffice); s != "" {
		for v := range strings.SplitSeq(s, ";") {
			if v = trim(v); v != "" {
				in.Sources = append(in.Sources, incident.Source{Publisher: v})
			}
		}
	}
}

// gedSources reads UCDP's columns of sources. Since 2013 each holds as many
// parts as there are sources, joined by semicolons, which also occur within
// headlines; the citations in source_article are quoted and settle those cases.
// Before, only a citation in words is given, which becomes the title.
func (d *decoder) gedSources(in *incident.Incident) {
	article, office, date, headline := d.get(fSourceArticle), d.get(fSourceOffice), d.get(fSourceDate), d.get(fSourceHeadline)
	in.Summary = headline
	if office == "" && date == "" && headline == "" {
		if article != "" {
			in.Sources = []incident.Source{{Title: strings.Join(strings.Fields(article), " ")}}
		}
		return
	}
	offices, dates, titles := strings.Split(office, ";"), strings.Split(date, ";"), strings.Split(headline, ";")
	n := len(dates)
	if len(offices) != n {
		in.Sources = []incident.Source{{Publisher: office, Date: date, Title: headline}}
		return
	}
	in.Sources = make([]incident.Source, n)
	cited := strings.Split(strings.Trim(article, `"`), `";"`)
	for i := range in.Sources {
		s := &in.Sources[i]
		s.Publisher, s.Date = trim(offices[i]), trim(dates[i])
		prefix := offices[i] + "," + dates[i] + ","
		switch {
		case len(titles) == n:
			s.Title = trim(titles[i])
		case n == 1:
			s.Title = headline
		case len(cited) == n && strings.HasPrefix(cited[i], prefix):
			s.Title = trim(cited[i][len(prefix):])
		}
	}
}

type jsonSource struct {
	Publisher, Title, URL, Date, Language string
	IsParty                               bool `json:"is_party"`
}

func (d *decoder) jsonSources(in *incident.Incident, s string) {
	if s[0] != '[' { // names in a table
		for v := range strings.SplitSeq(s, ";") {
			if v = trim(v); v != "" {
				in.Sources = append(in.Sources, incident.Source{Publisher: v})
			}
		}
		return
	}
	var l []jsonSource
	if err := json.Unmarshal([]byte(s), &l); err != nil {
		d.refuse(fSources, &problem{CodeBadValue, "it is not a list of sources as the data model describes them"})
		return
	}
	for _, v := range l {
		in.Sources = append(in.Sources, incident.Source(v))
	}
}

type jsonClaim struct {
	Quantity, About string
	Low, Best, High *int
	Qualifier       string
	Claimant        string
	ClaimantRole    string `json:"claimant_role"`
	Source          *int
	Quote, Language string
}

func (d *decoder) claims(in *incident.Incident, s string) {
	var l []jsonClaim
	if err := json.Unmarshal([]byte(s), &l); err != nil {
		d.refuse(fClaims, &problem{CodeBadValue, "it is not a list of claims as the data model describes them"})
		return
	}
	for i, v := range l {
		c := incident.Claim{Quantity: v.Quantity, About: v.About, Qualifier: v.Qualifier, Claimant: v.Claimant,
			ClaimantRole: v.ClaimantRole, Quote: v.Quote, Language: v.Language, Source: -1}
		for _, f := range []struct {
			from *int
			to   *incident.Figure
		}{{v.Low, &c.Low}, {v.Best, &c.Best}, {v.High, &c.High}} {
			if f.from == nil {
				continue
			}
			if *f.from < 0 {
				d.refuse(fClaims, &problem{CodeBadNumber, fmt.Sprintf("a figure of claim %d is below 0", i+1)})
				return
			}
			*f.to = incident.Known(*f.from)
		}
		if v.Source != nil && *v.Source != -1 {
			if *v.Source < 0 || *v.Source >= len(in.Sources) {
				d.refuse(fClaims, &problem{CodeBadValue, fmt.Sprintf("claim %d names source %d, and there are %d (counted from 0)", i+1, *v.Source, len(in.Sources))})
				return
			}
			c.Source = *v.Source
		}
		in.Claims = append(in.Claims, c)
	}
}

// seenSet holds the hashes of ids, each with that of the content and the line of
// its first record, in bounded memory: it takes no new ones after 3 million, in 64 MiB.
type seenSet struct {
	slots []seen
	n     int
}

// seen is the first record of an id; a free place has the id 0.
type seen struct {
	id            uint64
	content, line uint32
}

const maxSeen = 3 << 20

// add gives the first record of an id, and adds this one if there is none.
func (s *seenSet) add(id uint64, content uint32, line int) (first seen, there bool) {
	if id == 0 {
		id = 1
	}
	if s.n*4 >= len(s.slots)*3 && s.n < maxSeen {
		old := s.slots
		s.slots = make([]seen, max(1024, 2*len(old)))
		for _, o := range old {
			if o.id != 0 {
				*s.find(o.id) = o
			}
		}
	}
	at := s.find(id)
	if at.id == id {
		return *at, true
	}
	if s.n < maxSeen {
		*at = seen{id, content, uint32(min(line, math.MaxUint32))}
		s.n++
	}
	return seen{}, false
}

// find gives the place of an id, or the free one where it belongs.
func (s *seenSet) find(id uint64) *seen {
	mask := len(s.slots) - 1
	i := int(id) & mask
	for s.slots[i].id != 0 && s.slots[i].id != id {
		i = (i + 1) & mask
	}
	return &s.slots[i]
}
