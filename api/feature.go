package api

import (
	"math"
	"strconv"

	"sarhad/incident"
)

// member is a property of an incident's feature.
type member struct {
	name   incident.Property
	append func(b []byte, in *incident.Incident, e *encoder) []byte
	// text gives the value of one that is nothing but a text; then there is no append.
	text   func(*incident.Incident) string
	common bool
	// needs are the fields that it is made of, where that is not just the one of its name.
	needs []incident.Property
}

func textMember(name incident.Property, get func(*incident.Incident) string) member {
	return member{name: name, text: get}
}

// commonMember is a textMember whose text many incidents share, as [incident.Lent] means it.
func commonMember(name incident.Property, get func(*incident.Incident) string) member {
	return member{name: name, text: get, common: true}
}

func textsMember(name incident.Property, get func(*incident.Incident) []string) member {
	return member{name: name, append: func(b []byte, in *incident.Incident, _ *encoder) []byte { return appendTexts(b, get(in)) }}
}

func figureMember(name incident.Property, get func(*incident.Incident) incident.Figure) member {
	return member{name: name, append: func(b []byte, in *incident.Incident, _ *encoder) []byte { return appendFigure(b, get(in)) }}
}

// incidentMembers are the properties in the order in which they are written.
var incidentMembers = []member{
	{name: "fid", append: func(b []byte, in *incident.Incident, _ *encoder) []byte { return strconv.AppendInt(b, in.FID, 10) }},
	commonMember("dataset", func(in *incident.Incident) string { return in.Dataset }),
	textMember("source_id", func(in *incident.Incident) string { return in.SourceID }),
	{name: "start_date", append: func(b []byte, in *incident.Incident, e *encoder) []byte { return e.day(b, in.Start) }},
	{name: "end_date", append: func(b []byte, in *incident.Incident, e *encoder) []byte { return e.day(b, in.End) }},
	textMember("time", func(in *incident.Incident) string { return in.Time }),
	commonMember("time_precision", func(in *incident.Incident) string { return string(in.TimePrecision) }),
	commonMember("event_type", func(in *incident.Incident) string { return string(in.EventType) }),
	commonMember("sub_event_type", func(in *incident.Incident) string { return string(in.SubEventType) }),
	textMember("event_type_text", func(in *incident.Incident) string { return in.EventTypeText }),
	commonMember("event_class", func(in *incident.Incident) string { return string(in.EventClass) }),
	{name: "type_of_violence", append: func(b []byte, in *incident.Incident, _ *encoder) []byte {
		if in.TypeOfViolence == 0 {
			return append(b, "null"...)
		}
		return strconv.AppendInt(b, int64(in.TypeOfViolence), 10)
	}},
	{name: "type_of_violence_name", needs: []incident.Property{"type_of_violence"}, append: func(b []byte, in *incident.Incident, _ *encoder) []byte {
		return appendTextOrNull(b, in.TypeOfViolence.Name())
	}},
	commonMember("actor1", func(in *incident.Incident) string { return in.Actor1 }),
	commonMember("actor2", func(in *incident.Incident) string { return in.Actor2 }),
	textsMember("assoc_actors", func(in *incident.Incident) []string { return in.AssocActors }),
	commonMember("dyad", func(in *incident.Incident) string { return in.Dyad }),
	figureMember("fatalities_low", func(in *incident.Incident) incident.Figure { return in.Low }),
	figureMember("fatalities_best", func(in *incident.Incident) incident.Figure { return in.Best }),
	figureMember("fatalities_high", func(in *incident.Incident) incident.Figure { return in.High }),
	figureMember("deaths_a", func(in *incident.Incident) incident.Figure { return in.DeathsA }),
	figureMember("deaths_b", func(in *incident.Incident) incident.Figure { return in.DeathsB }),
	figureMember("deaths_civilians", func(in *incident.Incident) incident.Figure { return in.DeathsCivilians }),
	figureMember("deaths_unknown", func(in *incident.Incident) incident.Figure { return in.DeathsUnknown }),
	commonMember("country", func(in *incident.Incident) string { return in.Country }),
	commonMember("province", func(in *incident.Incident) string { return in.Province }),
	commonMember("district", func(in *incident.Incident) string { return in.District }),
	commonMember("unit_id", func(in *incident.Incident) string { return in.UnitID }),
	commonMember("unit_then", func(in *incident.Incident) string { return in.UnitThen }),
	commonMember("district_then", func(in *incident.Incident) string { return in.DistrictThen }),
	commonMember("subunit_id", func(in *incident.Incident) string { return in.Subunit }),
	commonMember("pcode", func(in *incident.Incident) string { return in.PCode }),
	textMember("location_name", func(in *incident.Incident) string { return in.LocationName }),
	textMember("location_text", func(in *incident.Incident) string { return in.LocationText }),
	commonMember("location_precision", func(in *incident.Incident) string { return string(in.LocationPrecision) }),
	textMember("location_precision_code", func(in *incident.Incident) string { return in.LocationPrecisionCode }),
	textMember("place_kind", func(in *incident.Incident) string { return string(placeKind(in)) }),
	textsMember("place_units", func(in *incident.Incident) []string { return in.Place.Units }),
	{name: "place_radius_m", needs: []incident.Property{"place_kind", "place_radius_m"}, append: func(b []byte, in *incident.Incident, _ *encoder) []byte {
		return appendFloatIf(b, in.Place.RadiusM, in.Place.Kind == incident.PlaceCircle)
	}},
	{name: "border_km_min", append: func(b []byte, in *incident.Incident, _ *encoder) []byte {
		return appendFloatIf(b, in.Border.MinKM, in.Border.Known)
	}},
	{name: "border_km_max", append: func(b []byte, in *incident.Incident, _ *encoder) []byte {
		return appendFloatIf(b, in.Border.MaxKM, in.Border.Known)
	}},
	commonMember("border_side", func(in *incident.Incident) string { return string(in.Border.Side) }),
	{name: "crossing", needs: []incident.Property{"place_kind"}, append: func(b []byte, in *incident.Incident, e *encoder) []byte {
		if i := e.nearest(in); i >= 0 {
			return appendText(b, e.places.crossings[i].Name)
		}
		return append(b, "null"...)
	}},
	{name: "crossing_km", needs: []incident.Property{"place_kind"}, append: func(b []byte, in *incident.Incident, e *encoder) []byte {
		if i := e.nearest(in); i >= 0 {
			return appendFloat(b, e.places.crossingKM(in.Point, i))
		}
		return append(b, "null"...)
	}},
	commonMember("verification", func(in *incident.Incident) string { return string(in.Verification) }),
	textMember("event_clarity", func(in *incident.Incident) string { return in.Clarity }),
	{name: "claims", append: func(b []byte, in *incident.Incident, _ *encoder) []byte { return appendClaims(b, in.Claims) }},
	{name: "sources", append: func(b []byte, in *incident.Incident, _ *encoder) []byte { return appendSources(b, in.Sources) }},
	{name: "summary", append: func(b []byte, in *incident.Incident, e *encoder) []byte {
		if e.lent.Plain && in.Summary != "" { // the longest text of most
			return append(append(append(b, '"'), in.Summary...), '"')
		}
		return appendTextOrNull(b, in.Summary)
	}},
	textsMember("warnings", func(in *incident.Incident) []string { return in.Warnings }),
	textsMember("candidates", func(in *incident.Incident) []string { return in.Candidates }),
	textMember("file", func(in *incident.Incident) string { return in.File }),
	{name: "line", append: func(b []byte, in *incident.Incident, _ *encoder) []byte {
		if in.Line > 0 {
			return strconv.AppendInt(b, int64(in.Line), 10)
		}
		return append(b, "null"...)
	}},
	{name: "synthetic", append: func(b []byte, in *incident.Incident, _ *encoder) []byte { return appendBool(b, in.Synthetic) }},
}

// step is a member with what stands before its value.
type step struct {
	before, quoted, null string // quoted is before with the quote of a text, null the whole member without a value
	text                 func(*incident.Incident) string
	append               func(b []byte, in *incident.Incident, e *encoder) []byte
	common               bool
}

func steps(members []member) []step {
	list := make([]step, len(members))
	for i, m := range members {
		before := `,"` + string(m.name) + `":`
		list[i] = step{before, before + `"`, before + "null", m.text, m.append, m.common}
	}
	return list
}

var allSteps = steps(incidentMembers)

// encoder writes incidents as features. It is made once for a request, is used
// by one goroutine, and allocates nothing for a feature.
type encoder struct {
	places *places
	steps  []step
	fields []incident.Property // what the steps look at, nil for everything
	crs    *crs                // nil for CRS84
	bare   bool                // without geometries
	fg     bool                // JSON-FG: place and time too, and geometry always in CRS84

	lent    incident.Lent // what the reader says of the incident at hand
	days    [16]dayText   // days that were written lately, by their last bits
	at      int           // the crossing of this feature, -1 if none
	atKnown bool
}

// newEncoder makes one that writes all properties.
func newEncoder(p *places) *encoder { return &encoder{places: p, steps: allSteps} }

// only leaves the properties of some names, in the usual order.
func (e *encoder) only(names []incident.Property) {
	e.steps = make([]step, 0, len(names))
	e.fields = make([]incident.Property, 0, len(names)+8)
	for i := range incidentMembers {
		m := &incidentMembers[i]
		switch {
		case !contains(names, m.name):
			continue
		case m.needs != nil:
			e.ask(m.needs...)
		default:
			e.ask(m.name)
		}
		e.steps = append(e.steps, allSteps[i])
	}
}

// ask adds fields to those that are looked at.
func (e *encoder) ask(names ...incident.Property) {
	if e.fields == nil {
		return
	}
	for _, n := range names {
		if !contains(e.fields, n) {
			e.fields = append(e.fields, n)
		}
	}
}

// dayText is a day in quotes.
type dayText struct {
	day  incident.Day
	text [12]byte // zero for none
}

// day appends a day. Those of neighbours are often the same or near, and a date costs as much as ten texts.
func (e *encoder) day(b []byte, d incident.Day) []byte {
	t := &e.days[uint32(d)%uint32(len(e.days))]
	if t.day != d || t.text[0] == 0 {
		t.day = d
		appendDay(t.text[:0], d)
	}
	return append(b, t.text[:]...)
}

func (e *encoder) nearest(in *incident.Incident) int {
	if !e.atKnown {
		e.at, e.atKnown = e.places.nearest(in), true
	}
	return e.at
}

// append appends an incident as a feature, up to but without the last brace.
func (e *encoder) append(b []byte, in *incident.Incident) []byte {
	e.atKnown = false
	b = append(b, `{"type":"Feature","id":`...)
	if e.lent.Plain {
		b = append(append(append(b, '"'), in.ID...), '"')
	} else {
		b = appendText(b, in.ID)
	}
	switch {
	case e.bare || !in.HasPoint:
		b = append(b, `,"geometry":null,"properties":`...)
	case e.crs == nil && e.lent.Position != "":
		b = append(append(append(b, `,"geometry":{"type":"Point","coordinates":[`...), e.lent.Position...), `]},"properties":`...)
	default:
		b = append(b, `,"geometry":{"type":"Point","coordinates":`...)
		p := in.Point
		if e.crs != nil && !e.fg {
			p = e.crs.forward(p)
		}
		b = appendPosition(b, p)
		b = append(b, `},"properties":`...)
	}
	at := len(b)
	for i := range e.steps {
		s := &e.steps[i]
		if s.text == nil {
			b = s.append(append(b, s.before...), in, e)
		} else if v := s.text(in); v == "" {
			b = append(b, s.null...)
		} else if s.common && e.lent.Common {
			b = append(append(append(b, s.quoted...), v...), '"')
		} else {
			b = appendText(append(b, s.before...), v)
		}
	}
	if len(b) == at {
		b = append(b, ',')
	}
	b[at] = '{' // instead of the first comma
	b = append(b, '}')
	if e.fg {
		b = e.appendPlaceAndTime(b, in)
	}
	return b
}

// appendPlaceAndTime appends what JSON-FG adds to a feature.
func (e *encoder) appendPlaceAndTime(b []byte, in *incident.Incident) []byte {
	b = append(b, `,"place":`...)
	at := len(b)
	if e.bare {
		b = append(b, "null"...)
	} else {
		b = e.places.appendPlace(b, in)
		b = e.crs.rewrite(b, at)
	}
	b = append(b, `,"time":`...)
	return appendTime(b, in)
}

// appendDuplicates appends to the properties of a feature, which have just
// been ended, what is likely the same event. Of datasets whose single incidents
// may not be shown there is nothing, and without any the property is absent.
func appendDuplicates(b []byte, links []incident.Link, withheld []string) []byte {
	n := 0
	for i := range links {
		l := &links[i]
		if contains(withheld, l.Dataset) {
			continue
		}
		if n++; n == 1 {
			b = append(b[:len(b)-1], `,"likely_duplicates":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = appendText(b, l.ID)
		b = append(b, `,"fid":`...)
		b = strconv.AppendInt(b, l.FID, 10)
		b = append(b, `,"dataset":`...)
		b = appendText(b, l.Dataset)
		b = append(b, `,"reasons":`...)
		b = appendTexts(b, words(l.Reasons))
		b = append(b, `,"distance_km":`...)
		if l.KM.Known {
			b = appendFloat(b, math.Round(l.KM.KM*10)/10)
		} else {
			b = append(b, "null"...)
		}
		b = append(b, `,"days_apart":`...)
		b = strconv.AppendInt(b, int64(l.Days), 10)
		b = append(b, '}')
	}
	if n > 0 {
		b = append(b, "]}"...)
	}
	return b
}

func placeKind(in *incident.Incident) incident.PlaceKind {
	if in.Place.Kind == "" {
		return incident.PlaceNone
	}
	return in.Place.Kind
}

func appendClaims(b []byte, claims []incident.Claim) []byte {
	b = append(b, '[')
	for i := range claims {
		c := &claims[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"quantity":`...)
		b = appendTextOrNull(b, c.Quantity)
		b = append(b, `,"about":`...)
		b = appendTextOrNull(b, c.About)
		b = append(b, `,"low":`...)
		b = appendFigure(b, c.Low)
		b = append(b, `,"best":`...)
		b = appendFigure(b, c.Best)
		b = append(b, `,"high":`...)
		b = appendFigure(b, c.High)
		b = append(b, `,"qualifier":`...)
		b = appendTextOrNull(b, c.Qualifier)
		b = append(b, `,"claimant":`...)
		b = appendTextOrNull(b, c.Claimant)
		b = append(b, `,"claimant_role":`...)
		b = appendTextOrNull(b, c.ClaimantRole)
		b = append(b, `,"source":`...)
		if c.Source >= 0 {
			b = strconv.AppendInt(b, int64(c.Source), 10)
		} else {
			b = append(b, "null"...)
		}
		b = append(b, `,"quote":`...)
		b = appendTextOrNull(b, c.Quote)
		b = append(b, `,"language":`...)
		b = appendTextOrNull(b, c.Language)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendSources(b []byte, sources []incident.Source) []byte {
	b = append(b, '[')
	for i := range sources {
		s := &sources[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"publisher":`...)
		b = appendTextOrNull(b, s.Publisher)
		b = append(b, `,"title":`...)
		b = appendTextOrNull(b, s.Title)
		b = append(b, `,"url":`...)
		b = appendTextOrNull(b, s.URL)
		b = append(b, `,"date":`...)
		b = appendTextOrNull(b, s.Date)
		b = append(b, `,"language":`...)
		b = appendTextOrNull(b, s.Language)
		b = append(b, `,"is_party":`...)
		b = appendBool(b, s.IsParty)
		b = append(b, '}')
	}
	return append(b, ']')
}
