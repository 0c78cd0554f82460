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
	aggregateParams  = append([]string{"by", "units_on", "f"}, filterParams...)
	aggregateKeys    = words(incident.Keys)
)

const (
	// maxKeys is how many keys an aggregate takes.
	maxKeys = 3
	// maxPeriods is how many periods are filled in: a century of days.
	maxPeriods = 40_000
)

func (s *server) getAggregates(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	c.Response().Header().Add("Vary", "Accept")
	known := aggregateParams
	if s.Geocoder == nil {
		known = slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == "units_on" })
	}
	p, err := readParams(r, known)
	if err != nil {
		return err
	}
	f, err := p.format(r, aggregateFormats)
	if err != nil {
		return err
	}
	by, err := p.by()
	if err != nil {
		return err
	}
	unitsOn, err := s.unitsOn(p, by)
	if err != nil {
		return err
	}
	snap, sel, err := s.selected(ctx, p)
	if err != nil {
		return err
	}
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	media := f.media
	if media == mediaCSV {
		media += "; charset=utf-8; header=present"
		c.Response().Header().Set("Content-Disposition", `attachment; filename="sarhad-aggregates.csv"`)
	}
	c.Response().Header()["Content-Type"] = []string{media}
	if r.Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	groups, err := s.Reader.Aggregate(ctx, incident.AggregateQuery{By: by, Filter: sel.filter})
	if err != nil {
		return err
	}
	if at := slices.Index(by, incident.KeyUnit); at >= 0 && s.Geocoder != nil {
		groups = underUnits(s.Geocoder(), groups, at, unitsOn)
	}
	if len(by) == 1 && by[0].IsTime() {
		w, ok := snap.extent(sel.datasets)
		w.from, w.to = max(w.from, sel.window.from), min(w.to, sel.window.to)
		if groups, err = fillPeriods(by[0], groups, w, ok); err != nil {
			return err
		}
	}
	if f.media == mediaCSV {
		return s.writeGroupsCSV(c, by, groups)
	}
	return s.writeGroupsJSON(c, by, groups, s.itemLinks(r, p, f, aggregateFormats))
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

// underUnits counts groups under the units of a day. The key at a place of each is that of a unit; groups that meet are
// added up. What lay in no one unit of that day stays a group of its own.
func underUnits(g *geo.Geocoder, groups []incident.Group, at int, day int32) []incident.Group {
	moved := false
	for i := range groups {
		keys := groups[i].Keys
		if keys[at] == nil {
			continue
		}
		if under := g.Under(*keys[at], day); under != *keys[at] {
			keys = slices.Clone(keys)
			keys[at] = &under
			groups[i].Keys, moved = keys, true
		}
	}
	if !moved {
		return groups
	}
	slices.SortFunc(groups, func(a, b incident.Group) int { return incident.CompareKeys(a.Keys, b.Keys) })
	out := groups[:1]
	for _, g := range groups[1:] {
		last := &out[len(out)-1]
		if incident.CompareKeys(last.Keys, g.Keys) != 0 {
			out = append(out, g)
			continue
		}
		last.Count += g.Count
		last.Low.Add(g.Low)
		last.Best.Add(g.Best)
		last.High.Add(g.High)
		last.UnknownFatalities += g.UnknownFatalities
	}
	return out
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

func (s *server) writeGroupsJSON(c echo.Context, by []incident.Key, groups []incident.Group, links []link) error {
	st := newStream(c)
	defer st.close()
	st.b = append(st.b, `{"by":`...)
	st.b = appendTexts(st.b, words(by))
	st.b = append(st.b, `,"rows":[`...)
	for i := range groups {
		g := &groups[i]
		if i > 0 {
			st.b = append(st.b, ',')
		}
		st.b = append(st.b, '\n', '{')
		for j, k := range by {
			st.b = append(st.b, '"')
			st.b = append(st.b, k...)
			st.b = append(st.b, '"', ':')
			switch v := g.Keys[j]; {
			case v == nil:
				st.b = append(st.b, "null"...)
			case k == incident.KeyTypeOfViolence: // a number, as in features
				n, err := strconv.Atoi(*v)
				if err != nil {
					return incident.Errorf(incident.CodeInternal, "type_of_violence %q is not a number", *v)
				}
				st.b = strconv.AppendInt(st.b, int64(n), 10)
			default:
				st.b = appendText(st.b, *v)
			}
			st.b = append(st.b, ',')
		}
		st.b = append(st.b, `"count":`...)
		st.b = strconv.AppendInt(st.b, int64(g.Count), 10)
		st.b = append(st.b, `,"fatalities_low":`...)
		st.b = appendFigure(st.b, g.Low)
		st.b = append(st.b, `,"fatalities_best":`...)
		st.b = appendFigure(st.b, g.Best)
		st.b = append(st.b, `,"fatalities_high":`...)
		st.b = appendFigure(st.b, g.High)
		st.b = append(st.b, `,"fatalities_unknown":`...)
		st.b = strconv.AppendInt(st.b, int64(g.UnknownFatalities), 10)
		st.b = append(st.b, '}')
		if err := st.spill(); err != nil {
			return err
		}
	}
	st.b = append(st.b, "\n],"...)
	st.b = append(appendLinks(st.b, links), "}\n"...)
	return st.flush()
}

func (s *server) writeGroupsCSV(c echo.Context, by []incident.Key, groups []incident.Group) error {
	w := csv.NewWriter(c.Response())
	w.UseCRLF = true // RFC 4180
	row := append(words(by), "count", "fatalities_low", "fatalities_best", "fatalities_high", "fatalities_unknown")
	if err := w.Write(row); err != nil {
		return err
	}
	figure := func(f incident.Figure) string {
		if !f.Known {
			return ""
		}
		return strconv.Itoa(f.N)
	}
	for i := range groups {
		g := &groups[i]
		row = row[:0]
		for _, v := range g.Keys {
			if v == nil {
				row = append(row, "")
			} else {
				row = append(row, harmless(*v))
			}
		}
		row = append(row, strconv.Itoa(g.Count), figure(g.Low), figure(g.Best), figure(g.High), strconv.Itoa(g.UnknownFatalities))
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// harmless puts an apostrophe before a text that a spreadsheet would run as a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
