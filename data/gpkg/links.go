package gpkg

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sarhad/incident"
)

// relink finds the links anew, within a transaction, if rows changed or if the
// datasets that can have links are others than the last time. With fewer than
// two of them there are none, and this costs nothing. days are those on which
// every row that changed starts, or started before; nil if that is not known.
func (s *Store) relink(ctx context.Context, rows bool, days []incident.Day) error {
	c := s.writer
	var names []string
	size := int64(0)
	if err := c.each(ctx, `SELECT d.name, sum(p.incidents) FROM datasets AS d JOIN dataset_places AS p ON p.dataset = d.name
		WHERE NOT d.synthetic AND NOT d.sample GROUP BY d.name HAVING sum(p.incidents) > 0 ORDER BY d.name`, nil, func(v []driver.Value) error {
		name, _ := v[0].(string)
		n, _ := v[1].(int64)
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
	before, err := c.one(ctx, "SELECT value FROM meta WHERE key = 'linked'")
	if err != nil {
		return fmt.Errorf("look for datasets that were linked: %w", err)
	}
	was := "" // never looked for
	if before != nil {
		was, _ = before[0].(string)
	}
	if was == set && (names == nil || !rows) {
		return nil
	}
	if was == set && days != nil {
		done, err := relinkDays(ctx, c, names, days)
		if err != nil {
			return fmt.Errorf("find links around what changed: %w", err)
		}
		if done {
			return nil
		}
	}
	if err := c.exec("INSERT INTO meta (key, value) VALUES ('linked', ?1) ON CONFLICT (key) DO UPDATE SET value = ?1", set); err != nil {
		return fmt.Errorf("note the datasets to link: %w", err)
	}
	had, err := c.integer(ctx, "SELECT count(*) FROM (SELECT 1 FROM links LIMIT 1)")
	if err != nil {
		return fmt.Errorf("look for links: %w", err)
	}
	if err := c.exec("DELETE FROM links; DELETE FROM clusters"); err != nil {
		return fmt.Errorf("clear the links: %w", err)
	}
	var pairs []incident.Pair
	if names != nil {
		var members []incident.Member
		if pairs, members, err = findLinks(ctx, c, names, int(size)); err != nil {
			return fmt.Errorf("find links: %w", err)
		}
		if err := writeLinks(c, pairs, members); err != nil {
			return fmt.Errorf("write links: %w", err)
		}
	}
	if had == 0 && len(pairs) == 0 {
		return nil
	}
	return grow(c)
}

// linkRules changes whenever other incidents are linked than before: links that were found by other rules are found anew.
const linkRules = "2 "

// linkOlder finds the links of a store that was written before there were any.
// The caller holds the lock of loads.
func (s *Store) linkOlder(ctx context.Context) error {
	n, err := s.writer.integer(ctx, "SELECT count(*) FROM meta WHERE key = 'linked'")
	if err != nil {
		return fmt.Errorf("look for datasets that were linked: %w", err)
	}
	if n > 0 {
		return nil
	}
	return s.writer.tx(func() error { return s.relink(ctx, false, nil) })
}

// linkTexts are the texts that the Linker has to know, with the field that each fills.
var linkTexts = []struct {
	column string
	field  func(*incident.Incident) *string
}{
	{"id", func(in *incident.Incident) *string { return &in.ID }},
	{"dataset", func(in *incident.Incident) *string { return &in.Dataset }},
	{"country", func(in *incident.Incident) *string { return &in.Country }},
	{"unit_id", func(in *incident.Incident) *string { return &in.UnitID }},
	{"subunit_id", func(in *incident.Incident) *string { return &in.Subunit }},
	{"event_type", func(in *incident.Incident) *string { return (*string)(&in.EventType) }},
	{"location_precision", func(in *incident.Incident) *string { return (*string)(&in.LocationPrecision) }},
	{"time_precision", func(in *incident.Incident) *string { return (*string)(&in.TimePrecision) }},
	{"actor1", func(in *incident.Incident) *string { return &in.Actor1 }},
	{"actor2", func(in *incident.Incident) *string { return &in.Actor2 }},
}

// findLinks reads what the Linker has to know. The texts come as one, as those of whole rows do; see texts.
func findLinks(ctx context.Context, c *conn, names []string, size int) ([]incident.Pair, []incident.Member, error) {
	linker := incident.NewLinker(size)
	if err := addRows(ctx, c, linker, names, nil, nil); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	pairs, members := linker.Links()
	return pairs, members, nil
}

// addRows gives a Linker the rows of some datasets. also adds a condition on i, and note is told of each row; both may be nil.
func addRows(ctx context.Context, c *conn, linker *incident.Linker, names []string, note func(*incident.Incident), also func(q *compiler)) error {
	var q compiler
	q.sql("SELECT i.fid, i.span, i.type_of_violence, i.fatalities_best, i.lon, i.lat, concat(i.start_date")
	for _, t := range linkTexts {
		q.sql(", '" + separator + "', i." + t.column)
	}
	q.sql(") FROM incidents AS i WHERE NOT i.synthetic AND (i.span IS NULL OR i.span = 1) AND i.dataset IN ")
	q.values(names)
	if also != nil {
		also(&q)
	}
	var odd []int64 // rows with a separator within a text
	err := c.each(ctx, q.b.String(), bind(q.args...), func(v []driver.Value) error {
		var in incident.Incident
		in.FID, _ = v[0].(int64)
		joined, _ := v[6].(string)
		if strings.Count(joined, separator) != len(linkTexts) {
			odd = append(odd, in.FID)
			return nil
		}
		day, rest, _ := strings.Cut(joined, separator)
		for _, t := range linkTexts {
			*t.field(&in), rest, _ = strings.Cut(rest, separator)
		}
		more, _ := v[1].(int64) // a span of 1 is one more day
		in.Start = dayOf(day)
		in.End = in.Start + incident.Day(more)
		violence, _ := v[2].(int64)
		in.TypeOfViolence, in.Best = incident.TypeOfViolence(violence), stored(v[3])
		if in.Point[0], in.HasPoint = v[4].(float64); in.HasPoint {
			in.Point[1], _ = v[5].(float64)
		}
		linker.Add(&in)
		if note != nil {
			note(&in)
		}
		return nil
	})
	if err != nil {
		return err
	}
	d := decoder{fileOf: func(int64) (string, error) { return "", nil }}
	for _, fid := range odd {
		row, err := c.one(ctx, "SELECT "+selectRow+" FROM incidents AS i WHERE i.fid = ?", fid)
		if err != nil {
			return err
		}
		var in incident.Incident
		if err := d.scan(row, &in); err != nil {
			return err
		}
		linker.Add(&in)
		if note != nil {
			note(&in)
		}
	}
	return nil
}

func writeLinks(c *conn, pairs []incident.Pair, members []incident.Member) error {
	const rows = 64
	insert := func(into string, columns, n int, value func(i int, args []any) []any) error {
		row := "(?" + strings.Repeat(", ?", columns-1) + ")"
		args := make([]any, 0, rows*columns)
		for from := 0; from < n; from += rows {
			to := min(n, from+rows)
			args = args[:0]
			for i := from; i < to; i++ {
				args = value(i, args)
			}
			if err := c.exec("INSERT INTO "+into+" VALUES "+row+strings.Repeat(", "+row, to-from-1), args...); err != nil {
				return err
			}
		}
		return nil
	}
	slices.SortFunc(pairs, func(a, b incident.Pair) int { return int(a.A - b.A) }) // so that one index grows at its end
	texts := map[*incident.LinkReason]string{}                                     // of the many that share a slice
	if err := insert("links (a_fid, b_fid, reasons, days, km)", 5, len(pairs), func(i int, args []any) []any {
		p := &pairs[i]
		first := &p.Reasons[0] // the same combination is the same slice
		if texts[first] == "" {
			texts[first] = reasonWords(p.Reasons)
		}
		km := any(nil)
		if p.KM.Known {
			km = p.KM.KM
		}
		return append(args, p.A, p.B, texts[first], p.Days, km)
	}); err != nil {
		return err
	}
	return insert("clusters (fid, cluster)", 2, len(members), func(i int, args []any) []any {
		return append(args, members[i].FID, members[i].Cluster)
	})
}

// Links implements [incident.Reader].
func (s *Store) Links(ctx context.Context, id string) ([]incident.Link, error) {
	cond, arg := "id = ?", any(id)
	if fid, err := strconv.ParseInt(id, 10, 64); err == nil && !strings.ContainsAny(id, "+-") {
		cond, arg = "fid = ?", fid
	}
	var links []incident.Link
	err := s.withReader(ctx, func(c *conn) (err error) {
		// One transaction, so that the row number and the links are of one state.
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.rollback()) }()
		row, err := c.one(ctx, "SELECT fid FROM incidents WHERE "+cond, arg)
		if err != nil {
			return err
		}
		if row == nil {
			return incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
		}
		return c.each(ctx, `SELECT i.id, i.fid, i.dataset, l.reasons, l.days, l.km FROM (
			SELECT b_fid AS other, reasons, days, km FROM links WHERE a_fid = ?1 UNION ALL SELECT a_fid, reasons, days, km FROM links WHERE b_fid = ?1) AS l
			CROSS JOIN incidents AS i ON i.fid = l.other ORDER BY i.dataset`, bind(row[0]), func(v []driver.Value) error {
			var l incident.Link
			l.ID, _ = v[0].(string)
			l.FID, _ = v[1].(int64)
			l.Dataset, _ = v[2].(string)
			words, _ := v[3].(string)
			for _, w := range strings.Fields(words) {
				l.Reasons = append(l.Reasons, incident.LinkReason(w))
			}
			days, _ := v[4].(int64)
			l.Days = int(days)
			l.KM.KM, l.KM.Known = v[5].(float64)
			links = append(links, l)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the links of an incident: %w", domainError(err))
	}
	return links, nil
}

// Clusters implements [incident.Clusterer].
func (s *Store) Clusters(ctx context.Context) (change int64, members []incident.Member, err error) {
	err = s.withReader(ctx, func(c *conn) (err error) {
		// One transaction, so that the number is that of the clusters.
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.rollback()) }()
		if change, err = changeNumber(ctx, c); err != nil {
			return err
		}
		return c.each(ctx, "SELECT fid, cluster FROM clusters", nil, func(v []driver.Value) error {
			var m incident.Member
			m.FID, _ = v[0].(int64)
			m.Cluster, _ = v[1].(int64)
			members = append(members, m)
			return nil
		})
	})
	if err != nil {
		return 0, nil, fmt.Errorf("read the clusters: %w", domainError(err))
	}
	return change, members, nil
}
