package gpkg

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// Datasets implements [incident.Reader]. The answer is kept until the change
// number grows, since it is asked for every few seconds.
func (s *Store) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	var infos []incident.DatasetInfo
	err := s.withReader(ctx, func(c *conn) (err error) {
		infos, err = s.datasetInfos(ctx, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the datasets: %w", domainError(err))
	}
	infos = slices.Clone(infos)
	for i := range infos {
		infos[i].Coverage = slices.Clone(infos[i].Coverage)
	}
	return infos, nil
}

// datasetInfos gives the kept list; it must not be changed.
func (s *Store) datasetInfos(ctx context.Context, c *conn) (infos []incident.DatasetInfo, err error) {
	change, err := changeNumber(ctx, c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	infos, hit := s.datasets, s.dsChange == change
	s.mu.Unlock()
	if hit {
		return infos, nil
	}
	// One statement, so that it sees one state. A change between the number
	// and this makes the list newer than its number, and it is read again.
	infos = nil
	var places []place
	done := func() {
		if n := len(infos); n > 0 {
			finishInfo(&infos[n-1], places)
		}
		places = places[:0]
	}
	err = c.each(ctx, `SELECT d.name, d.title, d.licence, d.attribution, d.terms, +d.aggregates_only, +d.synthetic, +d.sample, d.version, d.accessed,
		p.country, p.unit_id, p.incidents, +p.first_start, +p.last_end, p.min_x, p.min_y, p.max_x, p.max_y
		FROM datasets AS d LEFT JOIN dataset_places AS p ON p.dataset = d.name AND p.incidents > 0
		ORDER BY d.name, p.country, p.unit_id`, nil, func(v []driver.Value) error {
		str := func(i int) string { t, _ := v[i].(string); return t }
		if name := str(0); len(infos) == 0 || infos[len(infos)-1].Name != name {
			done()
			infos = append(infos, incident.DatasetInfo{Dataset: incident.Dataset{Name: name, Title: str(1), Licence: str(2), Attribution: str(3), Terms: str(4),
				AggregatesOnly: v[5] == any(int64(1)), Synthetic: v[6] == any(int64(1)), Sample: v[7] == any(int64(1)),
				Version: str(8), Accessed: str(9)}})
		}
		n, ok := v[12].(int64)
		if !ok {
			return nil
		}
		p := place{country: str(10), unit: str(11), n: int(n), first: dayOf(str(13)), last: dayOf(str(14))}
		if p.bound.Min[0], p.hasBound = v[15].(float64); p.hasBound {
			p.bound.Min[1], _ = v[16].(float64)
			p.bound.Max[0], _ = v[17].(float64)
			p.bound.Max[1], _ = v[18].(float64)
		}
		places = append(places, p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	done()
	s.mu.Lock()
	s.datasets, s.dsChange = infos, change
	s.mu.Unlock()
	return infos, nil
}

// place is what a dataset has in one unit, or without one in one country.
type place struct {
	country, unit string
	n             int
	first, last   incident.Day
	bound         orb.Bound
	hasBound      bool
}

// merge widens a place by another.
func (p *place) merge(q place) {
	if p.n == 0 {
		n := p.n
		country, unit := p.country, p.unit
		*p = q
		p.n, p.country, p.unit = n, country, unit
	}
	p.n += q.n
	p.first, p.last = min(p.first, q.first), max(p.last, q.last)
	if q.hasBound {
		if !p.hasBound {
			p.bound, p.hasBound = q.bound, true
		}
		p.bound = p.bound.Union(q.bound)
	}
}

// coverageShare is the least share of a dataset's placed incidents that lets a
// country count as covered: GED's Pakistan file has a few incidents across the
// border, and their absence elsewhere in Afghanistan says nothing.
const coverageShare = 0.05

func finishInfo(info *incident.DatasetInfo, places []place) {
	if len(places) == 0 {
		return
	}
	var all place
	placed := 0
	countries := map[string]int{}
	units := map[string]*place{}
	for _, p := range places {
		all.merge(p)
		if p.unit == "" {
			continue
		}
		placed += p.n
		countries[p.country] += p.n
		if units[p.unit] == nil {
			units[p.unit] = &place{}
		}
		units[p.unit].merge(p)
	}
	info.Count, info.First, info.Last, info.Bound, info.HasBound = all.n, all.first, all.last, all.bound, all.hasBound
	if info.Sample {
		for unit, p := range units {
			info.Coverage = append(info.Coverage, incident.Coverage{Unit: unit, From: p.first, To: p.last})
		}
		slices.SortFunc(info.Coverage, func(a, b incident.Coverage) int { return cmp.Compare(a.Unit, b.Unit) })
		return
	}
	for country, n := range countries {
		if country != "" && float64(n) >= coverageShare*float64(placed) {
			info.Coverage = append(info.Coverage, incident.Coverage{Country: country, From: all.first, To: all.last})
		}
	}
	slices.SortFunc(info.Coverage, func(a, b incident.Coverage) int { return cmp.Compare(a.Country, b.Country) })
}
