package gpkg

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"time"

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
	var places []incident.DatasetPlace
	done := func() {
		if n := len(infos); n > 0 {
			infos[n-1].Sum(places)
		}
		places = places[:0]
	}
	err = c.each(ctx, `SELECT d.name, d.title, d.licence, d.attribution, d.terms, +d.aggregates_only, +d.synthetic, +d.sample, d.version, d.accessed,
		p.country, p.unit_id, p.incidents, +p.first_start, +p.last_end, p.min_x, p.min_y, p.max_x, p.max_y, d.delay_hours, d.blur
		FROM datasets AS d LEFT JOIN dataset_places AS p ON p.dataset = d.name AND p.incidents > 0
		ORDER BY d.name, p.country, p.unit_id`, nil, func(v []driver.Value) error {
		str := func(i int) string { t, _ := v[i].(string); return t }
		if name := str(0); len(infos) == 0 || infos[len(infos)-1].Name != name {
			done()
			infos = append(infos, incident.DatasetInfo{Dataset: incident.Dataset{Name: name, Title: str(1), Licence: str(2), Attribution: str(3), Terms: str(4),
				AggregatesOnly: v[5] == any(int64(1)), Synthetic: v[6] == any(int64(1)), Sample: v[7] == any(int64(1)),
				Version: str(8), Accessed: str(9), Publication: incident.Publication{Blur: incident.Blur(str(20))}}})
			delay, _ := v[19].(int64)
			infos[len(infos)-1].Delay = time.Duration(delay) * time.Hour
		}
		n, ok := v[12].(int64)
		if !ok {
			return nil
		}
		p := incident.DatasetPlace{Country: str(10), Unit: str(11), Count: int(n), First: dayOf(str(13)), Last: dayOf(str(14))}
		if p.Bound.Min[0], p.HasBound = v[15].(float64); p.HasBound {
			p.Bound.Min[1], _ = v[16].(float64)
			p.Bound.Max[0], _ = v[17].(float64)
			p.Bound.Max[1], _ = v[18].(float64)
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

// hours is a delay as it is stored.
func hours(d time.Duration) int64 { return int64(d / time.Hour) }
