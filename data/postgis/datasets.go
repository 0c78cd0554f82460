package postgis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"

	"sarhad/incident"
)

// Datasets implements [incident.Reader]. The answer is kept until the change
// number grows, since it is asked for every few seconds.
func (s *Store) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	infos, err := s.datasetInfos(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the datasets: %w", domainError(ctx, err))
	}
	infos = slices.Clone(infos)
	for i := range infos {
		infos[i].Coverage = slices.Clone(infos[i].Coverage)
	}
	return infos, nil
}

// datasetInfos gives the kept list; it must not be changed.
func (s *Store) datasetInfos(ctx context.Context) (infos []incident.DatasetInfo, err error) {
	change, err := changeNumber(ctx, s.pool)
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
	rows, err := s.pool.Query(ctx, `SELECT d.name, d.title, d.licence, d.attribution, d.terms, d.version, d.accessed, d.aggregates_only, d.synthetic, d.sample,
		coalesce(p.country, ''), coalesce(p.unit_id, ''), coalesce(p.incidents, 0), p.first_start - date '1970-01-01', p.last_end - date '1970-01-01', p.min_x, p.min_y, p.max_x, p.max_y, d.delay_hours, d.blur
		FROM datasets AS d LEFT JOIN dataset_places AS p ON p.dataset = d.name AND p.incidents > 0
		ORDER BY d.name, p.country, p.unit_id`)
	if err != nil {
		return nil, err
	}
	infos = nil
	var places []incident.DatasetPlace
	done := func() {
		if n := len(infos); n > 0 {
			infos[n-1].Sum(places)
		}
		places = places[:0]
	}
	var d incident.Dataset
	var texts [7]*string
	var p incident.DatasetPlace
	var first, last *int32
	var box [4]*float64
	var delay int64
	var blur *string
	_, err = pgx.ForEachRow(rows, []any{&texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &texts[5], &texts[6], &d.AggregatesOnly, &d.Synthetic, &d.Sample,
		&p.Country, &p.Unit, &p.Count, &first, &last, &box[0], &box[1], &box[2], &box[3], &delay, &blur}, func() error {
		d.Publication = incident.Publication{Delay: time.Duration(delay) * time.Hour, Blur: incident.Blur(shown(blur))}
		for i, to := range []*string{&d.Name, &d.Title, &d.Licence, &d.Attribution, &d.Terms, &d.Version, &d.Accessed} {
			*to = shown(texts[i])
		}
		if len(infos) == 0 || infos[len(infos)-1].Name != d.Name {
			done()
			infos = append(infos, incident.DatasetInfo{Dataset: d})
		}
		if p.Count == 0 {
			return nil
		}
		q := p
		q.Country, q.Unit = show.Replace(p.Country), show.Replace(p.Unit)
		q.First, q.Last = incident.Day(*first), incident.Day(*last)
		if q.HasBound = box[0] != nil; q.HasBound {
			q.Bound = orb.Bound{Min: orb.Point{*box[0], *box[1]}, Max: orb.Point{*box[2], *box[3]}}
		}
		places = append(places, q)
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
