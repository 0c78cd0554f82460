package api

import (
	"cmp"
	"encoding/csv"
	"math"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

var (
	// compareParams are those of aggregates with two periods in place of datetime.
	compareParams = append([]string{"a", "b"}, slices.DeleteFunc(slices.Clone(aggregateParams), func(name string) bool { return name == paramDatetime })...)
	// compareKeys are those of aggregates that are no periods.
	compareKeys = slices.DeleteFunc(slices.Clone(aggregateKeys), func(name string) bool { return incident.Key(name).IsTime() })
)

// period is one of the two that are compared.
type period struct {
	text   string // as it was asked for
	window window
	known  bool // false if an end is open and nothing is loaded that could close it
	groups []incident.Group
}

// days is how many days it has.
func (p *period) days() int { return int(p.window.to-p.window.from) + 1 }

// getCompare counts two periods by one key, and by how much they differ.
func (s *server) getCompare(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	c.Response().Header().Add("Vary", "Accept")
	p, f, err := s.countParams(r, compareParams)
	if err != nil {
		return err
	}
	by, err := p.compareKey()
	if err != nil {
		return err
	}
	q, count, err := s.countQuery(p, []incident.Key{by})
	if err != nil {
		return err
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	var periods [2]period
	var filters []incident.Filter
	var datasets []string
	for i, name := range [...]string{"a", "b"} {
		text, ok := p[name]
		if !ok {
			return wrongParameter(name, nil, "%s is missing: a and b are the two periods, each as datetime is written.", name)
		}
		sel, err := s.selectionOver(name, p, snap)
		if err != nil {
			return err
		}
		periods[i] = period{text: text, window: sel.window}
		filters = append(filters, sel.filter)
		datasets = sel.datasets
	}
	filters, counted, withheld := snap.counted(datasets, q.By, filters...)
	nameWithheld(c.Response().Header(), withheld)
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	if countHead(c, f, "sarhad-compare", count) {
		return nil
	}
	for i := range periods {
		q.Filter = filters[i]
		if periods[i].groups, err = s.Reader.Aggregate(ctx, q); err != nil {
			return err
		}
		periods[i].close(snap, counted)
	}
	loaded, err := s.loadedDays(p, snap, counted, q)
	if err != nil {
		return err
	}
	out := comparison{by, periods, mergeGroups(periods[0].groups, periods[1].groups), loaded}
	if f.media == mediaCSV {
		return out.writeCSV(c)
	}
	return out.writeJSON(c, count, withheld, s.itemLinks(r, p, f, aggregateFormats))
}

// compareKey reads the one key of a comparison.
func (p params) compareKey() (incident.Key, error) {
	by, err := p.by()
	switch {
	case err != nil:
		return "", err
	case len(by) > 1:
		return "", wrongParameter("by", compareKeys, "by takes one key here and was given %d.", len(by))
	case by[0].IsTime():
		return "", wrongParameter("by", compareKeys, "by does not take %s here, since a and b are the periods.", by[0])
	}
	return by[0], nil
}

// close takes for an open end the first or last day of what is loaded of some datasets.
func (p *period) close(snap *snapshot, datasets []string) {
	openFrom, openTo := p.window.from == incident.MinDay, p.window.to == incident.MaxDay
	p.known = !openFrom && !openTo
	if p.known {
		return
	}
	w, ok := snap.extent(datasets)
	if openFrom {
		p.window.from = w.from
	}
	if openTo {
		p.window.to = w.to
	}
	p.known = ok && p.window.from <= p.window.to
}

// pairOf is one row: what both periods have of one value of the key, nil for a period without incidents of it.
type pairOf struct {
	key  *string
	side [2]*incident.Group
}

// mergeGroups puts two lists, sorted by their one key, beside each other.
func mergeGroups(a, b []incident.Group) []pairOf {
	rows := make([]pairOf, 0, max(len(a), len(b)))
	for len(a) > 0 || len(b) > 0 {
		order := -1
		switch {
		case len(a) == 0:
			order = 1
		case len(b) > 0:
			order = incident.CompareKeys(a[0].Keys, b[0].Keys)
		}
		var row pairOf
		if order <= 0 {
			row.key, row.side[0], a = a[0].Keys[0], &a[0], a[1:]
		}
		if order >= 0 {
			row.key, row.side[1], b = b[0].Keys[0], &b[0], b[1:]
		}
		rows = append(rows, row)
	}
	return rows
}

// counted gives what a row has of one period: a group, and the days on which something is loaded for the row. nil
// means that nothing is, so that no count can be told; it is not 0.
func (c *comparison) counted(row *pairOf, side int) (g *incident.Group, loaded int) {
	loaded = c.loaded(row.key, c.periods[side].window)
	if g = row.side[side]; g == nil && loaded > 0 {
		g = &incident.Group{}
	}
	return g, loaded
}

// comparison is the answer.
type comparison struct {
	by      incident.Key
	periods [2]period
	rows    []pairOf
	loaded  func(key *string, w window) int
}

// changeOf is by how many incidents the second group differs from the first, and how many times as many it has; known
// is false where one of the two cannot be told, and the ratio is NaN for none in the first.
func changeOf(a, b *incident.Group) (change int, ratio float64, known bool) {
	if a == nil || b == nil {
		return 0, math.NaN(), false
	}
	ratio = math.NaN()
	if a.Count > 0 {
		ratio = math.Round(1e4*float64(b.Count)/float64(a.Count)) / 1e4
	}
	return b.Count - a.Count, ratio, true
}

func (c *comparison) writeJSON(ctx echo.Context, count string, withheld []string, links []link) error {
	st := newStream(ctx)
	defer st.close()
	st.b = appendText(append(st.b, `{"by":`...), string(c.by))
	st.b = appendText(append(st.b, `,"count":`...), count)
	if len(withheld) > 0 {
		st.b = appendTexts(append(st.b, `,"withheld":`...), withheld)
		st.b = appendText(append(st.b, `,"note":`...), withheldNote)
	}
	for i := range c.periods {
		p := &c.periods[i]
		st.b = append(append(st.b, `,"`...), "ab"[i])
		st.b = appendText(append(st.b, `":{"datetime":`...), p.text)
		if p.known {
			st.b = appendDay(append(st.b, `,"from":`...), p.window.from)
			st.b = appendDay(append(st.b, `,"to":`...), p.window.to)
			st.b = strconv.AppendInt(append(st.b, `,"days":`...), int64(p.days()), 10)
			st.b = append(st.b, '}')
		} else {
			st.b = append(st.b, `,"from":null,"to":null,"days":null}`...)
		}
	}
	st.b = append(st.b, `,"rows":[`...)
	for i := range c.rows {
		if i > 0 {
			st.b = append(st.b, ',')
		}
		row := &c.rows[i]
		var err error
		if st.b, err = appendKey(append(st.b, '\n', '{'), c.by, row.key); err != nil {
			return err
		}
		var groups [2]*incident.Group
		for side := range groups {
			g, loaded := c.counted(row, side)
			groups[side] = g
			st.b = append(append(append(st.b, `,"`...), "ab"[side]), `":{`...)
			if g != nil {
				st.b = appendSums(st.b, g)
			} else {
				for j, name := range sumNames {
					if j > 0 {
						st.b = append(st.b, ',')
					}
					st.b = append(appendText(st.b, name), ":null"...)
				}
			}
			st.b = append(strconv.AppendInt(append(st.b, `,"loaded_days":`...), int64(loaded), 10), '}')
		}
		change, ratio, known := changeOf(groups[0], groups[1])
		st.b = append(st.b, `,"change":`...)
		if known {
			st.b = strconv.AppendInt(st.b, int64(change), 10)
		} else {
			st.b = append(st.b, "null"...)
		}
		st.b = append(appendFloat(append(st.b, `,"ratio":`...), ratio), '}')
		if done, err := st.spill(); done || err != nil {
			return err
		}
	}
	st.b = append(st.b, "\n],"...)
	st.b = append(appendLinks(st.b, links), "}\n"...)
	return st.flush()
}

func (c *comparison) writeCSV(ctx echo.Context) error {
	w := csv.NewWriter(ctx.Response())
	w.UseCRLF = true // RFC 4180
	head := []string{string(c.by)}
	for _, side := range [...]string{"a_", "b_"} {
		for _, name := range sumNames {
			head = append(head, side+name)
		}
		head = append(head, side+"loaded_days")
	}
	if err := w.Write(append(head, "change", "ratio")); err != nil {
		return err
	}
	var cells []string
	for i := range c.rows {
		row := &c.rows[i]
		cells = append(cells[:0], keyCell(row.key))
		var groups [2]*incident.Group
		for side := range groups {
			g, loaded := c.counted(row, side)
			if groups[side] = g; g != nil {
				cells = appendSumCells(cells, g)
			} else {
				cells = append(cells, make([]string, len(sumNames))...)
			}
			cells = append(cells, strconv.Itoa(loaded))
		}
		change, ratio, known := changeOf(groups[0], groups[1])
		cells = append(cells, "", "")
		if known {
			cells[len(cells)-2] = strconv.Itoa(change)
		}
		if !math.IsNaN(ratio) {
			cells[len(cells)-1] = strconv.FormatFloat(ratio, 'f', -1, 64)
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// loadedDays gives what counts the days of a window on which something is loaded for a value of the key or a part of
// it, within the units, provinces and countries asked for, as the coverage of the datasets says: there an absence means
// "none reported".
func (s *server) loadedDays(p params, snap *snapshot, datasets []string, q incident.AggregateQuery) (func(key *string, w window) int, error) {
	at := s.unitPlaces()
	var spans []coveredSpan
	for i := range snap.datasets {
		d := &snap.datasets[i]
		if datasets != nil && !contains(datasets, d.Name) {
			continue
		}
		for _, c := range d.Coverage {
			if c.Unit != "" && q.Under != nil {
				c.Unit = q.Under(c.Unit)
			}
			spans = append(spans, coveredSpan{c, d.Name})
		}
	}
	slices.SortFunc(spans, func(a, b coveredSpan) int { return cmp.Compare(a.From, b.From) })
	for _, asked := range []struct {
		key     incident.Key
		allowed func() []string
	}{{incident.KeyUnit, s.unitWords}, {incident.KeyProvince, func() []string { return s.provinces }}, {incident.KeyCountry, func() []string { return incident.Countries }}} {
		if _, ok := p[string(asked.key)]; !ok {
			continue
		}
		values, err := p.words(string(asked.key), asked.allowed())
		if err != nil {
			return nil, err
		}
		spans = slices.DeleteFunc(spans, func(sp coveredSpan) bool {
			return !slices.ContainsFunc(values, func(v string) bool { return sp.holds(asked.key, v, at) })
		})
	}
	return func(key *string, w window) int {
		days, next := 0, w.from // the first day that is not counted yet
		for i := range spans {
			sp := &spans[i]
			if key != nil && !sp.holds(q.By[0], *key, at) {
				continue
			}
			if from, to := max(sp.From, next), min(sp.To, w.to); from <= to {
				days += int(to-from) + 1
				next = to + 1
			}
		}
		return days
	}, nil
}

// coveredSpan is what one dataset covers.
type coveredSpan struct {
	incident.Coverage
	dataset string
}

// holds says whether it is about a value of a key or a part of it. Keys that are neither place nor dataset have values anywhere.
func (c *coveredSpan) holds(by incident.Key, value string, at unitPlaces) bool {
	switch by {
	case incident.KeyDataset:
		return c.dataset == value
	case incident.KeyUnit:
		return c.Unit == value || c.Country != "" && c.Country == at.country[value]
	case incident.KeyCountry:
		return c.Country == value || c.Unit != "" && at.country[c.Unit] == value
	case incident.KeyProvince:
		return c.Unit != "" && at.province[c.Unit] == value || c.Country != "" && c.Country == at.provinceCountry[value]
	}
	return true
}

// unitPlaces says of units, today's and former ones, by their ids in which country and province they lie, and of
// provinces by their names in which country.
type unitPlaces struct{ country, province, provinceCountry map[string]string }

func (s *server) unitPlaces() unitPlaces {
	at := unitPlaces{map[string]string{}, map[string]string{}, map[string]string{}}
	add := func(id, country, province string) {
		at.country[id], at.province[id], at.provinceCountry[province] = country, province, country
	}
	if s.Geocoder != nil {
		for _, f := range s.Geocoder().Formers() {
			add(f.ID, f.Country, f.Province)
		}
	}
	for i := range s.Units {
		u := &s.Units[i]
		add(u.ID, u.Country, u.Province)
	}
	return at
}
