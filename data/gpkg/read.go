package gpkg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"sarhad/incident"
)

// Incidents implements [incident.Reader].
func (s *Store) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		stopped := false
		err := s.withReader(ctx, func(c *conn) error {
			return s.walk(ctx, c, q, func(in *incident.Incident) bool {
				stopped = !yield(in, nil)
				return !stopped
			})
		})
		if err != nil && !stopped {
			yield(nil, fmt.Errorf("read incidents: %w", domainError(err)))
		}
	}
}

// walk calls yield for each incident of a query until it returns false.
func (s *Store) walk(ctx context.Context, c *conn, q incident.Query, yield func(*incident.Incident) bool) (err error) {
	ask, err := ask(q.Filter)
	if err != nil || ask.never {
		return err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = -1
	}
	sql, args := s.rowsSQL(ctx, c, &ask, q, limit)
	rows, err := c.c.QueryContext(ctx, sql, bind(args...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var in incident.Incident
	d := decoder{fileOf: func(id int64) (string, error) { return s.fileOf(c, id) }}
	v := make([]driver.Value, selectRowColumns)
	for n := 0; ; {
		switch err := rows.Next(v); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := d.scan(v, &in); err != nil {
			return err
		}
		if ask.rest != nil && ask.rest.Match(&in) != incident.True {
			continue
		}
		if !yield(&in) {
			return nil
		}
		if n++; n == limit {
			return nil
		}
	}
}

// rowsSQL writes the query of a page of incidents. If a window or an order by
// start asks for an index, the row numbers are found and sorted in the index
// alone, and only the rows that are given are read.
func (s *Store) rowsSQL(ctx context.Context, c *conn, ask *question, q incident.Query, limit int) (string, []any) {
	where := ask.where
	sqlLimit := limit
	if ask.rest != nil {
		sqlLimit = -1 // counted in Go, after the rest of the filter
	}
	if q.Order == incident.ByFID && (ask.empty() || s.scanPays(ctx, c, ask, limit)) {
		var cond []string
		var args []any
		if q.After != nil {
			cond, args = append(cond, "i.fid > ?"), append(args, q.After.FID)
		}
		if !ask.empty() {
			w, a := ask.plain()
			cond, args = append(cond, w), append(args, a...)
		}
		if where != "" {
			cond, args = append(cond, "("+where+")"), append(args, ask.args...)
		}
		sql := "SELECT " + selectRow + " FROM incidents AS i"
		if len(cond) > 0 {
			sql += " WHERE " + strings.Join(cond, " AND ")
		}
		return sql + " ORDER BY i.fid LIMIT ?", append(args, sqlLimit)
	}

	order := [...]string{incident.ByFID: "fid", incident.ByStart: "start_date, fid", incident.ByStartRev: "start_date DESC, fid DESC"}[q.Order]
	var after []string
	var afterArgs []any
	if q.After != nil {
		switch q.Order {
		case incident.ByStart:
			after, afterArgs = []string{"(i.start_date, i.fid) > (?, ?)"}, []any{dayText(q.After.Start), q.After.FID}
		case incident.ByStartRev:
			after, afterArgs = []string{"(i.start_date, i.fid) < (?, ?)"}, []any{dayText(q.After.Start), q.After.FID}
		default:
			after, afterArgs = []string{"i.fid > ?"}, []any{q.After.FID}
		}
	}
	inner, args := union("i.fid, i.start_date", ask.parts(after, afterArgs))
	sql := "SELECT " + selectRow + " FROM (" + inner + " ORDER BY " + order + " LIMIT ?) AS w CROSS JOIN incidents AS i ON i.fid = w.fid"
	// The rows of a nested loop come in the order of its outer loop. The limit
	// inside stands even where it is none: without it SQLite may drop the order.
	if where == "" && ask.rest == nil {
		return sql, append(args, limit)
	}
	args = append(args, -1)
	if where != "" {
		sql += " WHERE " + where
		args = append(args, ask.args...)
	}
	return sql + " LIMIT ?", append(args, sqlLimit)
}

// scanPays reports whether reading the rows in their order beats the index: a
// page of a window without a box that holds a quarter of all days is full long
// before the row numbers of that window are collected and sorted.
func (s *Store) scanPays(ctx context.Context, c *conn, ask *question, limit int) bool {
	if limit < 0 || ask.hasBox || ask.units != nil {
		return false
	}
	infos, err := s.datasetInfos(ctx, c)
	if err != nil {
		return false
	}
	first, last := incident.MaxDay, incident.MinDay
	for _, d := range infos {
		if d.Count > 0 {
			first, last = min(first, d.First), max(last, d.Last)
		}
	}
	return 4*(int64(min(ask.to, last))-int64(max(ask.from, first))) >= int64(last)-int64(first)
}

// plain writes the window as a condition on rows.
func (w *window) plain() (string, []any) {
	var c compiler
	var cond []string
	add := func() {
		cond = append(cond, c.b.String())
		c.b.Reset()
	}
	if w.hasDays {
		c.during(incident.During{From: w.from, To: w.to})
		add()
	}
	rest, args := w.others()
	return strings.Join(append(cond, rest...), " AND "), append(c.args, args...)
}

// others are the conditions of the window apart from the days.
func (w *window) others() (cond []string, args []any) {
	if w.hasBox {
		cond = append(cond, "i.lon >= ? AND i.lon <= ? AND i.lat >= ? AND i.lat <= ?")
		args = append(args, w.box.Min[0], w.box.Max[0], w.box.Min[1], w.box.Max[1])
	}
	if w.units != nil {
		var c compiler
		c.sql("i.unit_id IN ")
		c.values(w.units)
		cond, args = append(cond, c.b.String()), append(args, c.args...)
	}
	return cond, args
}

// branch is one way to the rows of a window.
type branch struct {
	from, where string
	args        []any
}

// parts gives the ways to the rows of the window. An incident meets a range of
// days either by starting within it, found in the index by start, or by
// starting before and ending in or after it, which only incidents of several
// days can: those are found by the class of their length, each class a short
// range of starts. No row is on both ways. more are further conditions for both.
func (w *window) parts(more []string, moreArgs []any) []branch {
	rest, restArgs := w.others()
	rest, restArgs = append(rest, more...), append(restArgs, moreArgs...)
	b := branch{from: "incidents AS i"}
	var cond []string
	if w.hasDays {
		if w.from > incident.MinDay {
			cond, b.args = append(cond, "i.start_date >= ?"), append(b.args, dayText(w.from))
		}
		if w.to < incident.MaxDay {
			cond, b.args = append(cond, "i.start_date <= ?"), append(b.args, dayText(w.to))
		}
	}
	b.where = strings.Join(append(cond, rest...), " AND ")
	b.args = append(b.args, restArgs...)
	if !w.hasDays || w.from <= incident.MinDay {
		return []branch{b}
	}
	var from strings.Builder
	long := branch{}
	for k := 1; k <= maxSpan; k++ {
		if k > 1 {
			from.WriteString(", ")
		}
		from.WriteString("(" + strconv.Itoa(k) + ", ?)")
		long.args = append(long.args, dayText(max(incident.MinDay, w.from-1<<k+1)))
	}
	long.from = "(VALUES " + from.String() + ") AS k CROSS JOIN incidents AS i"
	long.where = strings.Join(append([]string{"i.span = k.column1", "i.start_date >= k.column2", "i.start_date < ?", "i.start_date <= ?", "i.end_date >= ?"}, rest...), " AND ")
	long.args = append(append(long.args, dayText(w.from), dayText(w.to), dayText(w.from)), restArgs...)
	return []branch{b, long}
}

// sql writes the branch as a SELECT.
func (b *branch) sql(columns string) string {
	if b.where == "" {
		return "SELECT " + columns + " FROM " + b.from
	}
	return "SELECT " + columns + " FROM " + b.from + " WHERE " + b.where
}

// union writes branches as one SELECT.
func union(columns string, parts []branch) (string, []any) {
	var sql []string
	var args []any
	for _, p := range parts {
		sql, args = append(sql, p.sql(columns)), append(args, p.args...)
	}
	return strings.Join(sql, " UNION ALL "), args
}

// maxSpan is the class of the longest incident there can be; see spanOf.
const maxSpan = 22

// fileOf gives the file of an import.
func (s *Store) fileOf(c *conn, id int64) (string, error) {
	s.mu.Lock()
	f, ok := s.files[id]
	s.mu.Unlock()
	if ok {
		return f, nil
	}
	row, err := c.one(context.Background(), "SELECT file FROM imports WHERE fid = ?", id)
	if err != nil {
		return "", fmt.Errorf("find the file of import %d: %w", id, err)
	}
	if row != nil {
		f, _ = row[0].(string)
		s.mu.Lock()
		s.files[id] = f
		s.mu.Unlock()
	}
	return f, nil
}

// Incident implements [incident.Reader].
func (s *Store) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	cond, arg := "i.id = ?", any(id)
	if fid, err := strconv.ParseInt(id, 10, 64); err == nil && !strings.ContainsAny(id, "+-") {
		cond, arg = "i.fid = ?", fid
	}
	var in *incident.Incident
	err := s.withReader(ctx, func(c *conn) error {
		row, err := c.one(ctx, "SELECT "+selectRow+" FROM incidents AS i WHERE "+cond, arg)
		if err != nil || row == nil {
			return err
		}
		in = new(incident.Incident)
		d := decoder{fileOf: func(id int64) (string, error) { return s.fileOf(c, id) }}
		return d.scan(row, in)
	})
	if err != nil {
		return nil, fmt.Errorf("read an incident: %w", domainError(err))
	}
	if in == nil {
		return nil, incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
	}
	return in, nil
}

// Count implements [incident.Reader].
func (s *Store) Count(ctx context.Context, f incident.Filter) (int, error) {
	var n int64
	err := s.withReader(ctx, func(c *conn) error {
		ask, err := ask(f)
		if err != nil || ask.never {
			return err
		}
		switch {
		case ask.rest != nil:
			return s.walk(ctx, c, incident.Query{Filter: f}, func(*incident.Incident) bool { n++; return true })
		case ask.empty() && ask.where == "":
			n, err = c.integer(ctx, "SELECT sum(incidents) FROM dataset_places")
			return err
		}
		sql, args := union("1", ask.all())
		n, err = c.integer(ctx, "SELECT count(*) FROM ("+sql+")", args...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count incidents: %w", domainError(err))
	}
	return int(n), nil
}

// all gives the ways to all rows of a question.
func (q *question) all() []branch {
	return q.parts(q.also(""))
}

// also are the conditions of a question apart from its window, with one more unless it is "".
func (q *question) also(cond string) (more []string, args []any) {
	if q.where != "" {
		more = append(more, "("+q.where+")")
	}
	if cond != "" {
		more = append(more, cond)
	}
	return more, q.args
}

// Change implements [incident.Reader].
func (s *Store) Change(ctx context.Context) (int64, error) {
	var n int64
	err := s.withReader(ctx, func(c *conn) (err error) {
		n, err = changeNumber(ctx, c)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("read the change number: %w", domainError(err))
	}
	return n, nil
}

func changeNumber(ctx context.Context, c *conn) (int64, error) {
	return c.integer(ctx, "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'change'")
}
