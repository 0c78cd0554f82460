package api

import (
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/api/cql2"
	"sarhad/incident"
)

// filterParams are the parameters that choose incidents.
var filterParams = []string{"bbox", "bbox-crs", paramDatetime, "unit", "province", "country", "event_type", "sub_event_type", "dataset", "actor",
	"min_fatalities", "precision", "verification", "border_km", "q", paramFilter, paramFilterLang, paramFilterCRS}

// paramDatetime is when an incident was.
const paramDatetime = "datetime"

// The parameters of filters in CQL2.
const (
	paramFilter     = "filter"
	paramFilterLang = "filter-lang"
	paramFilterCRS  = "filter-crs"
)

// maxWordsLength is how many characters q and actor have at most.
const maxWordsLength = 400

// noneWord asks for what has no value.
const noneWord = "none"

// selection is the filter of a request with what aggregates need to know of it.
type selection struct {
	filter   incident.Filter
	key      string   // the same selection has the same key
	window   window   // the days that datetime allows
	datasets []string // the datasets asked for, nil for all
}

// window is a range of days, closed at both ends.
type window struct{ from, to incident.Day }

// selected takes the snapshot that a question about incidents is answered from, and reads its filter.
func (s *server) selected(ctx context.Context, p params) (*snapshot, selection, error) {
	snap, err := s.snapshot(ctx)
	if err != nil {
		return nil, selection{}, err
	}
	sel, err := s.selection(p, snap)
	return snap, sel, err
}

// selection reads the filter of a request.
func (s *server) selection(p params, snap *snapshot) (selection, error) {
	return s.selectionOver(paramDatetime, p, snap)
}

// selectionOver reads the filter of a request whose time is in the parameter of some name.
func (s *server) selectionOver(period string, p params, snap *snapshot) (selection, error) {
	sel := selection{key: p.canonical(append([]string{period}, filterParams...)...), window: window{incident.MinDay, incident.MaxDay}}
	var and incident.And
	in := func(property incident.Property, values []string) {
		if len(values) > 0 {
			and = append(and, incident.In{Property: property, Values: values})
		}
	}

	if v, ok := p[period]; ok {
		f, w, err := parseDatetime(period, v)
		if err != nil {
			return sel, err
		}
		sel.window = w
		and = append(and, f...)
	}
	boxes, err := parseBBox(p)
	if err != nil {
		return sel, err
	}
	switch len(boxes) {
	case 1:
		and = append(and, incident.Box{Bound: boxes[0]})
	case 2:
		and = append(and, incident.Or{incident.Box{Bound: boxes[0]}, incident.Box{Bound: boxes[1]}})
	}
	var unitIDs []string
	if _, ok := p["unit"]; ok {
		unitIDs = s.unitWords()
	}
	for _, w := range []struct {
		name     string
		property incident.Property
		allowed  []string
	}{
		{"unit", "unit_id", unitIDs},
		{"province", "province", s.provinces},
		{"country", "country", incident.Countries},
		{"precision", "location_precision", locationPrecisions},
		{"verification", "verification", verifications},
		{"dataset", "dataset", snap.names},
	} {
		values, err := p.words(w.name, w.allowed)
		if err != nil {
			return sel, err
		}
		if w.name == "unit" {
			parts := s.unitParts(values)
			values = s.unitsWithin(values)
			if len(parts) > 0 {
				and = append(and, incident.Or{incident.In{Property: w.property, Values: values}, incident.In{Property: "unit_then", Values: parts}})
				continue
			}
		}
		in(w.property, values)
		if w.name == "dataset" {
			sel.datasets = values
		}
	}
	for _, w := range []struct {
		name    string // also the property
		allowed []string
	}{{"event_type", eventTypesOrNone}, {"sub_event_type", subEventTypesOrNone}} {
		types, err := p.words(w.name, w.allowed)
		if err != nil {
			return sel, err
		}
		property := incident.Property(w.name)
		i := slices.Index(types, noneWord)
		if i < 0 {
			in(property, types)
			continue
		}
		null := incident.IsNull{Property: property}
		if types = slices.Delete(types, i, i+1); len(types) == 0 {
			and = append(and, null)
		} else {
			and = append(and, incident.Or{incident.In{Property: property, Values: types}, null})
		}
	}
	if v, ok := p["min_fatalities"]; ok {
		n, err := strconv.ParseUint(v, 10, 31) // up to math.MaxInt32
		if err != nil {
			return sel, wrongParameter("min_fatalities", nil, "min_fatalities is %s; it must be a whole number from 0 to %d.", quoted(v), math.MaxInt32)
		}
		atLeast := func(property incident.Property) incident.Filter {
			return incident.Compare{Property: property, Op: incident.Ge, Value: incident.NumberValue(float64(n))}
		}
		// Of "at least 100" only the lowest figure is known.
		and = append(and, incident.Or{atLeast("fatalities_best"), incident.And{incident.IsNull{Property: "fatalities_best"}, atLeast("fatalities_low")}})
	}
	if v, ok := p["border_km"]; ok {
		km, err := parseNumber(v)
		if err != nil || km < 0 {
			return sel, wrongParameter("border_km", nil, "border_km is %s; it must be a number of kilometres from 0.", quoted(v))
		}
		and = append(and, incident.NearBorder{KM: km})
	}
	for _, name := range []string{"actor", "q"} {
		v, ok := p[name]
		if !ok {
			continue
		}
		w := strings.Join(strings.Fields(v), " ")
		if w == "" || utf8.RuneCountInString(w) > maxWordsLength {
			return sel, wrongParameter(name, nil, "%s must have one to %d characters of words.", name, maxWordsLength)
		}
		if name == "actor" {
			and = append(and, incident.ActorHas{Words: w})
		} else {
			and = append(and, incident.TextHas{Words: w})
		}
	}
	f, err := p.filter()
	if err != nil {
		return sel, err
	}
	if f != nil {
		and = append(and, f)
	}
	switch len(and) {
	case 0:
	case 1:
		sel.filter = and[0]
	default:
		sel.filter = and
	}
	return sel, nil
}

// filter reads a filter in CQL2, nil if there is none.
func (p params) filter() (incident.Filter, error) {
	source, ok := p[paramFilter]
	if !ok {
		for _, name := range []string{paramFilterLang, paramFilterCRS} {
			if _, ok := p[name]; ok {
				return nil, wrongParameter(name, nil, "%s says how filter is written; without filter it means nothing.", name)
			}
		}
		return nil, nil
	}
	lang := cql2.Text
	if v, ok := p[paramFilterLang]; ok {
		if lang = cql2.Lang(v); !slices.Contains(cql2.Langs, lang) {
			return nil, wrongParameter(paramFilterLang, words(cql2.Langs), "filter-lang does not know %s.", quoted(v))
		}
	}
	c, err := p.crs(paramFilterCRS)
	if err != nil {
		return nil, err
	}
	f, err := cql2.Parse(source, lang, cql2.Options{CRS: c.toLonLat()})
	var wrong *cql2.Error
	if errors.As(err, &wrong) {
		return nil, wrongParameter(paramFilter, wrong.Allowed, "filter is wrong at %d:%d: %s", wrong.Line, wrong.Column, wrong.Message)
	}
	return f, err
}

// unitWords are the ids of the units of today and of former ones.
func (s *server) unitWords() []string {
	if s.Geocoder == nil {
		return s.unitIDs
	}
	ids := slices.Clone(s.unitIDs)
	formers := s.Geocoder().Formers()
	for i := range formers {
		if f := &formers[i]; f.WasUnit() {
			ids = append(ids, f.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// unitsWithin adds to units those that lie wholly within them: to a former one the units of today that it covered, to
// any the former ones that it holds.
func (s *server) unitsWithin(ids []string) []string {
	if len(ids) == 0 || s.Geocoder == nil {
		return ids
	}
	g := s.Geocoder()
	formers := g.Formers()
	within := slices.Clone(ids)
	for _, id := range ids {
		if f, ok := g.Former(id); ok && !f.Part {
			within = append(within, f.Units...)
		}
		for i := range formers {
			if f := &formers[i]; f.WasUnit() && g.Covers(id, f.ID) {
				within = append(within, f.ID)
			}
		}
	}
	slices.Sort(within)
	return slices.Compact(within)
}

// unitParts are those of some units that were only a part of units of today. What is known to have been in one is placed
// in the unit of today, and has the part as the unit of its day.
func (s *server) unitParts(ids []string) []string {
	if s.Geocoder == nil {
		return nil
	}
	var parts []string
	for _, id := range ids {
		if f, ok := s.Geocoder().Former(id); ok && f.Part {
			parts = append(parts, id)
		}
	}
	return parts
}

var (
	eventTypesOrNone    = append(words(incident.EventTypes), noneWord)
	subEventTypesOrNone = append(slices.Clone(subEventTypes), noneWord)
	locationPrecisions  = words(incident.LocationPrecisions)
	verifications       = words(incident.Verifications)
)

// parseNumber reads a finite decimal number.
func parseNumber(s string) (float64, error) {
	if strings.ContainsAny(s, "xXpP_") { // ParseFloat's own dialect
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(s, 64)
	if err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
		err = strconv.ErrRange
	}
	return f, err
}

// parseBBox reads bbox: no box, one, or two where it crosses the antimeridian.
// Of six numbers the heights are ignored, since no feature has any.
func parseBBox(p params) ([]orb.Bound, error) {
	in, err := p.crs("bbox-crs")
	if err != nil {
		return nil, err
	}
	v, ok := p["bbox"]
	if !ok {
		return nil, nil
	}
	parts := strings.Split(v, ",")
	if len(parts) != 4 && len(parts) != 6 {
		return nil, wrongParameter("bbox", nil, "bbox has %d numbers; it takes four or six with heights; %s", len(parts), bboxOrder(in))
	}
	n := make([]float64, len(parts))
	for i, part := range parts {
		var err error
		if n[i], err = parseNumber(strings.TrimSpace(part)); err != nil {
			return nil, wrongParameter("bbox", nil, "bbox has %s where a number is due.", quoted(part))
		}
	}
	if len(n) == 6 {
		if n[2] > n[5] {
			return nil, wrongParameter("bbox", nil, "bbox has its least height above its greatest.")
		}
		n = []float64{n[0], n[1], n[3], n[4]}
	}
	if in != nil {
		low, high := in.inverse(orb.Point{n[0], n[1]}), in.inverse(orb.Point{n[2], n[3]})
		n = []float64{low[0], low[1], high[0], high[1]}
	}
	if n[1] > n[3] {
		return nil, wrongParameter("bbox", nil, "bbox has its least latitude above its greatest; %s", bboxOrder(in))
	}
	box := func(w, e float64) orb.Bound {
		return orb.Bound{Min: orb.Point{w, n[1]}, Max: orb.Point{e, n[3]}}
	}
	if n[0] > n[2] {
		return []orb.Bound{box(n[0], 180), box(-180, n[2])}, nil
	}
	return []orb.Bound{box(n[0], n[2])}, nil
}

// bboxOrder says in which order the numbers of bbox stand.
func bboxOrder(in *crs) string {
	switch in.name() {
	case crs4326:
		return "the order is minlat,minlon,maxlat,maxlon."
	case crs3857:
		return "the order is minx,miny,maxx,maxy in metres."
	}
	return "the order is minlon,minlat,maxlon,maxlat."
}

// moment is one end of datetime: a day, an instant, or open.
type moment struct {
	open    bool
	isDay   bool
	day     incident.Day
	instant int64 // seconds since 1970-01-01T00:00Z
}

// earliest and latest bound the moment as an instant: a local day begins first
// in Pakistan and ends last in Afghanistan.
func (m moment) earliest() int64 {
	if m.isDay {
		return int64(m.day)*86400 - incident.OffsetPK
	}
	return m.instant
}

func (m moment) latest() int64 {
	if m.isDay {
		return int64(m.day+1)*86400 - incident.OffsetAF - 1
	}
	return m.instant
}

// parseDatetime reads the parameter of some name as OGC API – Features Part 1 has datetime, with full
// dates allowed. The window is in days, a little too wide for instants.
func parseDatetime(name, v string) (incident.And, window, error) {
	all := window{incident.MinDay, incident.MaxDay}
	wrong := func(format string, args ...any) (incident.And, window, error) {
		return nil, all, wrongParameter(name, nil, name+format, args...)
	}
	fromText, toText, isRange := strings.Cut(v, "/")
	if strings.Contains(toText, "/") {
		return wrong(" has more than two ends.")
	}
	from, err := parseMoment(name, fromText, isRange)
	if err != nil {
		return nil, all, err
	}
	to := from
	if isRange {
		if to, err = parseMoment(name, toText, true); err != nil {
			return nil, all, err
		}
	}
	backwards := !from.open && !to.open && from.earliest() > to.latest()
	if from.isDay && to.isDay {
		backwards = from.day > to.day
	}
	if backwards {
		return wrong(" ends before it begins.")
	}

	days, instants := all, window{}
	hasDays, hasInstants := false, false
	i := incident.DuringInstants{From: incident.MinInstant, To: incident.MaxInstant}
	switch {
	case from.open:
	case from.isDay:
		days.from, hasDays = from.day, true
	default:
		i.From, hasInstants = from.instant, true
		instants.from = dayOf(from.instant + incident.OffsetAF)
	}
	w := days
	if !from.open && !from.isDay {
		w.from = instants.from
	}
	switch {
	case to.open:
	case to.isDay:
		days.to, hasDays = to.day, true
		w.to = to.day
	default:
		i.To, hasInstants = to.instant, true
		w.to = dayOf(to.instant + incident.OffsetPK)
	}
	var and incident.And
	if hasDays {
		and = append(and, incident.During{From: days.from, To: days.to})
	}
	if hasInstants {
		and = append(and, i)
	}
	return and, w, nil
}

func dayOf(instant int64) incident.Day {
	return incident.Day(math.Floor(float64(instant) / 86400))
}

func parseMoment(name, s string, mayBeOpen bool) (moment, error) {
	if s == ".." || s == "" {
		if !mayBeOpen {
			return moment{}, wrongParameter(name, nil, "%s is open at both ends; leave it out instead, or write ../.. where it is needed.", name)
		}
		return moment{open: true}, nil
	}
	if len(s) == len("2006-01-02T") && (s[10] == 'T' || s[10] == 't') {
		s = s[:10] // GDAL writes a day like that
	}
	if len(s) <= 10 {
		d, err := incident.ParseDay(s)
		if rest, ok := strings.CutPrefix(s, "0000-"); ok {
			// Our calendar begins with the year 1; a range that begins before is merely wider than the data.
			if _, err = incident.ParseDay("0004-" + rest); err == nil {
				d = incident.MinDay
			}
		}
		if err != nil {
			return moment{}, wrongParameter(name, nil, "%s has %s, which is not a day (YYYY-MM-DD), a date-time (RFC 3339) or \"..\".", name, quoted(s))
		}
		return moment{isDay: true, day: d}, nil
	}
	// RFC 3339 allows small letters, and a + that nobody escaped arrives as a space.
	u := strings.ToUpper(s)
	if i := strings.LastIndexByte(u, ' '); i == len(u)-len("+05:00") {
		u = u[:i] + "+" + u[i+1:]
	}
	// A leap second (RFC 3339, 5.7) counts as the second before it, the last of a day in UTC.
	leap := len(u) > len("2016-12-31T23:59:60") && u[16:19] == ":60"
	if leap {
		u = u[:16] + ":59" + u[19:]
	}
	t, err := time.Parse(time.RFC3339Nano, u)
	if leap && err == nil && t.UTC().Format("15:04") != "23:59" {
		err = strconv.ErrRange
	}
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return moment{}, wrongParameter(name, nil, "%s has %s, which is not a day (YYYY-MM-DD), a date-time (RFC 3339) or \"..\".", name, quoted(s))
	}
	// Cutting the fraction of a second off is right at both ends, since days begin and end on whole seconds.
	return moment{instant: t.Unix()}, nil
}
