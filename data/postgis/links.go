package postgis

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sarhad/incident"
)

// linkRules changes whenever other incidents are linked than before: links that were found by other rules are found anew.
const linkRules = "1 "

// relink finds the links anew if rows changed or if the datasets that can have
// links are others than the last time. With fewer than two of them there are
// none, and this costs nothing.
func (w *writer) relink(ctx context.Context, tx pgx.Tx, rows bool) error {
	found, err := tx.Query(ctx, `SELECT d.name, sum(p.incidents)::bigint FROM datasets AS d JOIN dataset_places AS p ON p.dataset = d.name
		WHERE NOT d.synthetic AND NOT d.sample GROUP BY d.name HAVING sum(p.incidents) > 0 ORDER BY d.name`)
	if err != nil {
		return fmt.Errorf("look for datasets to link: %w", err)
	}
	var names []string
	var name string
	var n, size int64
	if _, err := pgx.ForEachRow(found, []any{&name, &n}, func() error {
		names, size = append(names, name), size+n
		return nil
	}); err != nil {
		return fmt.Errorf("look for datasets to link: %w", err)
	}
	if len(names) < 2 {
		names = nil
	}
	text, err := json.Marshal(names)
	if err != nil {
		return fmt.Errorf("name the datasets to link: %w", err)
	}
	set := linkRules + string(text)
	var was string // "" if never looked for
	if err := tx.QueryRow(ctx, "SELECT coalesce(linked, '') FROM state").Scan(&was); err != nil {
		return fmt.Errorf("look for datasets that were linked: %w", err)
	}
	if was == set && (names == nil || !rows) {
		return nil
	}
	if _, err := tx.Exec(ctx, "UPDATE state SET linked = $1", set); err != nil {
		return fmt.Errorf("note the datasets to link: %w", err)
	}
	had, err := tx.Exec(ctx, "DELETE FROM links")
	if err == nil {
		_, err = tx.Exec(ctx, "DELETE FROM clusters")
	}
	if err != nil {
		return fmt.Errorf("clear the links: %w", err)
	}
	var pairs []incident.Pair
	if names != nil {
		if pairs, err = findLinks(ctx, tx, names, int(size)); err != nil {
			return fmt.Errorf("find links: %w", err)
		}
	}
	if had.RowsAffected() == 0 && len(pairs) == 0 {
		return nil
	}
	return w.grow(ctx, tx)
}

// findLinks reads what the Linker has to know, and writes what it finds.
func findLinks(ctx context.Context, tx pgx.Tx, names []string, size int) ([]incident.Pair, error) {
	linker := incident.NewLinker(size)
	if err := each(ctx, tx, `SELECT i.fid, i.start_date, i.end_date, ST_X(i.geom), ST_Y(i.geom), i.type_of_violence, i.fatalities_best,
		i.id, i.dataset, i.country, i.unit_id, i.subunit_id, i.event_type, i.location_precision, i.time_precision, i.actor1, i.actor2
		FROM incidents AS i WHERE NOT i.synthetic AND i.end_date - i.start_date <= 1 AND i.dataset = ANY($1::text[])`, []any{names}, func(v [][]byte) (bool, error) {
		var in incident.Incident
		in.FID, _ = integerOf(v[0])
		in.Start, in.End = dayOf(v[1]), dayOf(v[2])
		in.Point[0], in.HasPoint = floatOf(v[3])
		in.Point[1], _ = floatOf(v[4])
		violence, _ := integerOf(v[5])
		in.TypeOfViolence, in.Best = incident.TypeOfViolence(violence), figureOf(v[6])
		for i, to := range []*string{&in.ID, &in.Dataset, &in.Country, &in.UnitID, &in.Subunit, (*string)(&in.EventType),
			(*string)(&in.LocationPrecision), (*string)(&in.TimePrecision), &in.Actor1, &in.Actor2} {
			*to = show.Replace(string(v[7+i]))
		}
		linker.Add(&in)
		return true, nil
	}); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pairs, members := linker.Links()
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"links"}, []string{"a_fid", "b_fid", "reasons", "days", "km"}, pgx.CopyFromSlice(len(pairs), func(i int) ([]any, error) {
		p := &pairs[i]
		words := make([]string, len(p.Reasons))
		for k, r := range p.Reasons {
			words[k] = string(r)
		}
		var km *float64
		if p.KM.Known {
			km = &p.KM.KM
		}
		return []any{p.A, p.B, strings.Join(words, " "), p.Days, km}, nil
	})); err != nil {
		return nil, fmt.Errorf("write links: %w", err)
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"clusters"}, []string{"fid", "cluster"}, pgx.CopyFromSlice(len(members), func(i int) ([]any, error) {
		return []any{members[i].FID, members[i].Cluster}, nil
	})); err != nil {
		return nil, fmt.Errorf("write clusters: %w", err)
	}
	return pairs, nil
}

// Links implements [incident.Reader].
func (s *Store) Links(ctx context.Context, id string) ([]incident.Link, error) {
	links, err := s.links(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the links of an incident: %w", domainError(ctx, err))
	}
	return links, nil
}

func (s *Store) links(ctx context.Context, id string) (links []incident.Link, err error) {
	notFound := incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
	cond, arg, ok := byID(id, "me.id", "me.fid")
	if !ok {
		return nil, notFound
	}
	// One statement, so that all is of one state: an incident without links gives a row without a link.
	rows, err := s.pool.Query(ctx, `SELECT i.id, i.fid, i.dataset, l.reasons, l.days, l.km FROM incidents AS me
		LEFT JOIN LATERAL (SELECT b_fid AS other, reasons, days, km FROM links WHERE a_fid = me.fid UNION ALL SELECT a_fid, reasons, days, km FROM links WHERE b_fid = me.fid) AS l
			JOIN incidents AS i ON i.fid = l.other ON true
		WHERE `+cond+" ORDER BY i.dataset", arg)
	if err != nil {
		return nil, err
	}
	found := false
	var other, dataset, reasons *string
	var fid *int64
	var days *int
	var km *float64
	_, err = pgx.ForEachRow(rows, []any{&other, &fid, &dataset, &reasons, &days, &km}, func() error {
		found = true
		if fid == nil {
			return nil
		}
		l := incident.Link{ID: shown(other), FID: *fid, Dataset: shown(dataset), Days: *days}
		for _, w := range strings.Fields(*reasons) {
			l.Reasons = append(l.Reasons, incident.LinkReason(w))
		}
		if km != nil {
			l.KM = incident.LinkDistance{KM: *km, Known: true}
		}
		links = append(links, l)
		return nil
	})
	if err == nil && !found {
		return nil, notFound
	}
	return links, err
}

// Clusters implements [incident.Clusterer].
func (s *Store) Clusters(ctx context.Context) (change int64, members []incident.Member, err error) {
	err = s.snapshot(ctx, func(tx pgx.Tx) (err error) {
		if change, err = changeNumber(ctx, tx); err != nil {
			return err
		}
		members, err = readClusters(ctx, tx)
		return err
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read the clusters: %w", domainError(ctx, err))
	}
	return change, members, nil
}

func readClusters(ctx context.Context, c querier) (members []incident.Member, err error) {
	err = each(ctx, c, "SELECT fid, cluster FROM clusters", nil, func(v [][]byte) (bool, error) {
		var m incident.Member
		m.FID, _ = integerOf(v[0])
		m.Cluster, _ = integerOf(v[1])
		members = append(members, m)
		return true, nil
	})
	return members, err
}
