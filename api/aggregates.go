package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"sarhad/geo"
	"sarhad/incident"
)

const mediaCSV = "text/csv"

var (
	formatCSV        = format{names: []string{"csv"}, media: mediaCSV, accepts: []string{mediaCSV}}
	aggregateFormats = []format{formatJSON, formatCSV}
	aggregateParams  = append([]string{"by", "units_on", "count", "f"}, filterParams...)
	aggregateKeys    = words(incident.Keys)
	countWords       = []string{countAll, countDistinct}
)

const (
	// maxKeys is how many keys an aggregate takes.
	maxKeys = 3
	// maxPeriods is how many periods are filled in: a century of days.
	maxPeriods = 40_000

	// countAll counts every incident, countDistinct of likely duplicates one in each group.
	countAll, countDistinct = "all", "distinct"
)

func (s *server) getAggregates(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	c.Response().Header().Add("Vary", "Accept")
	p, f, err := s.countParams(r, aggregateParams)
	if err != nil {
		return err
	}
	by, err := p.by()
	if err != nil {
		return err
	}
	q, count, err := s.countQuery(p, by)
	if err != nil {
		return err
	}
	snap, sel, err := s.selected(ctx, p)
	if err != nil {
		return err
	}
	filters, counted, withheld := snap.counted(sel.datasets, by, sel.filter)
	nameWithheld(c.Response().Header(), withheld)
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	if countHead(c, f, "sarhad-aggregates", count) {
		return nil
	}
	q.Filter = filters[0]
	groups, err := s.Reader.Aggregate(ctx, q)
	if err != nil {
		return err
	}
	if len(by) == 1 && by[0].IsTime() {
		w, ok := snap.extent(counted)
		w.from, w.to = max(w.from, sel.window.from), min(w.to, sel.window.to)
		if groups, err = fillPeriods(by[0], groups, w, ok); err != nil {
			return err
		}
	}
	if f.media == mediaCSV {
		return s.writeGroupsCSV(c, by, groups)
	}
	return s.writeGroupsJSON(c, by, count, withheld, groups, s.itemLinks(r, p, f, aggregateFormats))
}

// countParams reads the parameters of a request for counts and the format of its answer.
func (s *server) countParams(r *http.Request, known []string) (params, format, error) {
	if s.Geocoder == nil {
		known = slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == "units_on" })
	}
	p, err := readParams(r, known)
	if err != nil {
		return nil, format{}, err
	}
	f, err := p.format(r, aggregateFormats)
	return p, f, err
}

// countQuery reads how to count by some keys, all but the filter.
func (s *server) countQuery(p params, by []incident.Key) (q incident.AggregateQuery, count string, err error) {
	unitsOn, err := s.unitsOn(p, by)
	if err != nil {
		return q, "", err
	}
	if count, err = p.countParam(); err != nil {
		return q, "", err
	}
	q = incident.AggregateQuery{By: by, Distinct: count == countDistinct}
	if s.Geocoder != nil && slices.Contains(by, incident.KeyUnit) {
		// What lay in no one unit of that day stays a group of its own.
		g := s.Geocoder()
		q.Under = func(unit string) string { return g.Under(unit, unitsOn) }
	}
	return q, count, nil
}

// countHead writes the header of an answer with counts, and reports whether that is all there is to answer.
func countHead(c echo.Context, f format, name, count string) (done bool) {
	media := f.media
	if media == mediaCSV {
		media += "; charset=utf-8; header=present"
		if count == countDistinct { // the rows do not say it
			name += "-" + countDistinct
		}
		c.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	}
	c.Response().Header()["Content-Type"] = []string{media}
	if c.Request().Method != http.MethodHead {
		return false
	}
	c.Response().WriteHeader(http.StatusOK)
	return true
}

// by reads the keys of an aggregate.
func (p params) by() ([]incident.Key, error) {
	parts, err := p.list("by")
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 || len(parts) > maxKeys {
		return nil, wrongParameter("by", aggregateKeys, "by takes one to %d keys and was given %d.", maxKeys, len(parts))
	}
	var by []incident.Key
	for _, part := range parts {
		k := incident.Key(part)
		if !slices.Contains(incident.Keys, k) {
			return nil, wrongParameter("by", aggregateKeys, "by does not know %s.", quoted(part))
		}
		if slices.Contains(by, k) {
			return nil, wrongParameter("by", aggregateKeys, "by has %s twice.", part)
		}
		by = append(by, k)
	}
	return by, nil
}

// todayWord asks for the units of today.
const todayWord = "today"

// unitsOn reads the day under whose units an aggregate counts, geo.NoDay for today.
func (s *server) unitsOn(p params, by []incident.Key) (int32, error) {
	v, ok := p["units_on"]
	if !ok {
		return geo.NoDay, nil
	}
	if !slices.Contains(by, incident.KeyUnit) {
		return 0, wrongParameter("units_on", nil, "units_on says under which units to count, so by must have unit.")
	}
	if strings.EqualFold(v, todayWord) {
		return geo.NoDay, nil
	}
	d, err := incident.ParseDay(v)
	if err != nil {
		return 0, wrongParameter("units_on", nil, "units_on is %s, which is not a day (YYYY-MM-DD) or %q.", quoted(v), todayWord)
	}
	return int32(d), nil
}

// countParam reads whether likely duplicates count once.
func (p params) countParam() (word string, err error) {
	v, ok := p["count"]
	if !ok {
		return countAll, nil
	}
	for _, word := range countWords {
		if strings.EqualFold(v, word) {
			return word, nil
		}
	}
	return "", wrongParameter("count", countWords, "count does not know %s.", quoted(v))
}

// fillPeriods adds the periods without incidents: those of the window, which
// is cut to what the datasets cover, and those between the groups.
func fillPeriods(k incident.Key, groups []incident.Group, w window, ok bool) ([]incident.Group, error) {
	var out []incident.Group
	byName := make(map[string]incident.Group, len(groups))
	for _, g := range groups {
		if g.Keys[0] == nil {
			out = append(out, g)
			continue
		}
		byName[*g.Keys[0]] = g
	}
	var first, last string
	if ok && w.from <= w.to {
		first, last = incident.PeriodOf(k, w.from), incident.PeriodOf(k, w.to)
	}
	// An incident that began before the window and lasts into it counts where it began.
	for name := range byName {
		if first == "" {
			first, last = name, name
		}
		first, last = min(first, name), max(last, name)
	}
	if first == "" {
		return out, nil
	}
	d, err := firstDay(k, first)
	if err != nil {
		return nil, fmt.Errorf("read period %q: %w", first, err)
	}
	for n := 0; ; n++ {
		name := incident.PeriodOf(k, d)
		if name > last {
			return out, nil
		}
		if n >= maxPeriods {
			return nil, wrongParameter("by", nil, "by=%s over this time would be more than %d periods; narrow datetime or take a longer period.", k, maxPeriods)
		}
		g, found := byName[name]
		if !found {
			g.Keys = []*string{&name}
		}
		out = append(out, g)
		d = incident.NextPeriod(k, d)
	}
}

// firstDay gives a day of a named period.
func firstDay(k incident.Key, name string) (incident.Day, error) {
	switch k {
	case incident.KeyDay:
		return incident.ParseDay(name)
	case incident.KeyMonth:
		return incident.ParseDay(name + "-01")
	case incident.KeyYear:
		return incident.ParseDay(name + "-01-01")
	}
	year, week, _ := strings.Cut(name, "-W")
	n, err := strconv.Atoi(week)
	if err != nil {
		return 0, err
	}
	d, err := incident.ParseDay(year + "-01-04") // always in the first ISO week
	return d + incident.Day(7*(n-1)), err
}

func (s *server) writeGroupsJSON(c echo.Context, by []incident.Key, count string, withheld []string, groups []incident.Group, links []link) error {
	st := newStream(c)
	defer st.close()
	st.b = append(st.b, `{"by":`...)
	st.b = appendTexts(st.b, words(by))
	st.b = append(append(st.b, `,"count":"`...), count...)
	st.b = append(st.b, '"')
	if len(withheld) > 0 {
		st.b = appendTexts(append(st.b, `,"withheld":`...), withheld)
		st.b = appendText(append(st.b, `,"note":`...), withheldNote)
	}
	st.b = append(st.b, `,"rows":[`...)
	for i := range groups {
		g := &groups[i]
		if i > 0 {
			st.b = append(st.b, ',')
		}
		st.b = append(st.b, '\n', '{')
		for j, k := range by {
			var err error
			if st.b, err = appendKey(st.b, k, g.Keys[j]); err != nil {
				return err
			}
			st.b = append(st.b, ',')
		}
		st.b = append(appendSums(st.b, g), '}')
		if done, err := st.spill(); done || err != nil {
			return err
		}
	}
	st.b = append(st.b, "\n],"...)
	st.b = append(appendLinks(st.b, links), "}\n"...)
	return st.flush()
}

// appendKey appends a key of a group with its value as members of an object have it.
func appendKey(b []byte, k incident.Key, v *string) ([]byte, error) {
	b = append(appendText(b, string(k)), ':')
	switch {
	case v == nil:
		return append(b, "null"...), nil
	case k == incident.KeyTypeOfViolence: // a number, as in features
		n, err := strconv.Atoi(*v)
		if err != nil {
			return b, incident.Errorf(incident.CodeInternal, "type_of_violence %q is not a number", *v)
		}
		return strconv.AppendInt(b, int64(n), 10), nil
	}
	return appendText(b, *v), nil
}

// sumNames are the columns of the sums of a group.
var sumNames = []string{"count", "fatalities_low", "fatalities_best", "fatalities_high", "fatalities_unknown", "fatalities_low_unknown", "fatalities_high_unknown"}

// appendSums appends the sums of a group as members of an object, without its braces.
func appendSums(b []byte, g *incident.Group) []byte {
	b = strconv.AppendInt(append(b, `"count":`...), int64(g.Count), 10)
	b = appendFigure(append(b, `,"fatalities_low":`...), g.Low)
	b = appendFigure(append(b, `,"fatalities_best":`...), g.Best)
	b = appendFigure(append(b, `,"fatalities_high":`...), g.High)
	b = strconv.AppendInt(append(b, `,"fatalities_unknown":`...), int64(g.UnknownFatalities), 10)
	b = strconv.AppendInt(append(b, `,"fatalities_low_unknown":`...), int64(g.UnknownLow), 10)
	return strconv.AppendInt(append(b, `,"fatalities_high_unknown":`...), int64(g.UnknownHigh), 10)
}

func (s *server) writeGroupsCSV(c echo.Context, by []incident.Key, groups []incident.Group) error {
	w := csv.NewWriter(c.Response())
	w.UseCRLF = true // RFC 4180
	row := append(words(by), sumNames...)
	if err := w.Write(row); err != nil {
		return err
	}
	for i := range groups {
		g := &groups[i]
		row = row[:0]
		for _, v := range g.Keys {
			row = append(row, keyCell(v))
		}
		row = appendSumCells(row, g)
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// keyCell is the value of a key in a table, empty for none.
func keyCell(v *string) string {
	if v == nil {
		return ""
	}
	return harmless(*v)
}

// appendSumCells appends the sums of a group in the order of sumNames; what is not known is empty.
func appendSumCells(row []string, g *incident.Group) []string {
	figure := func(f incident.Figure) string {
		if !f.Known {
			return ""
		}
		return strconv.Itoa(f.N)
	}
	return append(row, strconv.Itoa(g.Count), figure(g.Low), figure(g.Best), figure(g.High),
		strconv.Itoa(g.UnknownFatalities), strconv.Itoa(g.UnknownLow), strconv.Itoa(g.UnknownHigh))
}

// harmless puts an apostrophe before a text that a spreadsheet would run as a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
