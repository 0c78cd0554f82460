package postgis

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"sarhad/incident"
)

// A question of its own text and values is planned for these values; plans of
// what is always asked in the same words are kept by pgx.
const planned = pgx.QueryExecModeCacheDescribe

// kept is for questions that come in few shapes and have one good plan whatever their values are: it is made once for
// each connection. For a window of some days, reading and planning the statement is more work than the answer.
const kept = pgx.QueryExecModeCacheStatement

// inBinary asks for all columns in the binary format.
var inBinary = pgx.QueryResultFormats{pgx.BinaryFormatCode}

// Incidents implements [incident.Reader].
func (s *Store) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		stopped := false
		err := walk(ctx, s.pool, q, func(in *incident.Incident) bool {
			stopped = !yield(in, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(nil, fmt.Errorf("read incidents: %w", domainError(ctx, err)))
		}
	}
}

// orders are the orders of queries in SQL.
var orders = [...]struct{ by, after string }{
	incident.ByFID:      {"i.fid", "i.fid > $fid"},
	incident.ByStart:    {"i.start_date, i.fid", "(i.start_date, i.fid) > ($start, $fid)"},
	incident.ByStartRev: {"i.start_date DESC, i.fid DESC", "(i.start_date, i.fid) < ($start, $fid)"},
}

// walk calls yield for each incident of a query until it returns false. The
// rows come as they are taken; what is not taken the server need not find.
func walk(ctx context.Context, c querier, q incident.Query, yield func(*incident.Incident) bool) error {
	ask, sql, err := statement(q)
	if err != nil || ask.never {
		return err
	}
	var in incident.Incident
	var d decoder
	n := 0
	mode := planned
	if ask.oneShape() {
		mode = kept
	}
	return eachAs(ctx, c, mode, sql, ask.args, func(v [][]byte) (bool, error) {
		if err := d.scan(v, &in); err != nil {
			return false, err
		}
		if ask.rest != nil && ask.rest.Match(&in) != incident.True {
			return true, nil
		}
		if !yield(&in) {
			return false, nil
		}
		n++
		return n != q.Limit || ask.rest == nil, nil // otherwise the server counts
	})
}

// Statement gives what [Store.Incidents] sends to the server for a query, and the values of $1 and so on, so that it can be
// explained and measured without this program. Where only Go can test a part of the filter, it finds more than that. It
// is "" where nothing can match, and fails with CodeInvalid for a filter that is nested too deeply.
func Statement(q incident.Query) (sql string, args []any, err error) {
	ask, sql, err := statement(q)
	if err != nil || ask.never {
		return "", nil, err
	}
	return sql, ask.args, nil
}

// statement writes the SQL of a query. That of a question that nothing can match is not to be asked.
func statement(q incident.Query) (*question, string, error) {
	ask, err := ask(q.Filter)
	if err != nil {
		return nil, "", err
	}
	order := orders[q.Order]
	if q.After != nil {
		after := strings.ReplaceAll(order.after, "$fid", ask.arg(q.After.FID)+"::bigint")
		if strings.Contains(after, "$start") {
			after = strings.ReplaceAll(after, "$start", ask.day(q.After.Start))
		}
		ask.where = append(ask.where, after)
	}
	sql := "SELECT " + selectRow + " FROM " + ask.sql("", "") + " ORDER BY " + order.by
	if q.Limit > 0 && ask.rest == nil {
		if ask.oneShape() {
			sql += " LIMIT " + ask.arg(int64(q.Limit))
		} else {
			sql += " LIMIT " + strconv.Itoa(q.Limit) // known to the planner
		}
	}
	return ask, sql, nil
}

// all reports whether every incident is asked for.
func (q *question) all() bool {
	return q.rest == nil && len(q.where) == 0 && q.from == everything
}

// sql writes where the incidents of a question are found: what to join them with and one more condition may be "".
func (q *question) sql(join, also string) string {
	where := q.where
	if also != "" {
		where = append(where[:len(where):len(where)], also)
	}
	if len(where) == 0 {
		return q.from + join
	}
	return q.from + join + " WHERE " + strings.Join(where, " AND ")
}

// each calls fn with the values of each row, which are valid until the next,
// until it returns false. Then the server is told to stop.
func each(ctx context.Context, c querier, sql string, args []any, fn func([][]byte) (bool, error)) error {
	return eachAs(ctx, c, planned, sql, args, fn)
}

func eachAs(ctx context.Context, c querier, mode pgx.QueryExecMode, sql string, args []any, fn func([][]byte) (bool, error)) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	rows, err := c.Query(inner, sql, append([]any{mode, inBinary}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		more, err := fn(rows.RawValues())
		if !more || err != nil {
			stop()
			return err
		}
	}
	return rows.Err()
}

// byID writes the condition on an incident named by ID or, in digits, FID; ok is false where nothing can have that name.
func byID(id, idColumn, fidColumn string) (cond string, arg any, ok bool) {
	if fid, err := strconv.ParseInt(id, 10, 64); err == nil && !strings.ContainsAny(id, "+-") {
		return fidColumn + " = $1", fid, true
	}
	return idColumn + " = $1", hide.Replace(id), utf8.ValidString(id)
}

// Incident implements [incident.Reader].
func (s *Store) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	cond, arg, ok := byID(id, "i.id", "i.fid")
	found := false
	var in incident.Incident
	if ok {
		var d decoder
		rows, err := s.pool.Query(ctx, "SELECT "+selectRow+" FROM incidents AS i WHERE "+cond, inBinary, arg)
		if err == nil {
			if rows.Next() {
				found = true
				err = d.scan(rows.RawValues(), &in)
			}
			rows.Close()
			if err == nil {
				err = rows.Err()
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read an incident: %w", domainError(ctx, err))
		}
	}
	if !found {
		return nil, incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
	}
	return &in, nil
}

// Count implements [incident.Reader].
func (s *Store) Count(ctx context.Context, f incident.Filter) (int, error) {
	n, err := s.count(ctx, f)
	if err != nil {
		return 0, fmt.Errorf("count incidents: %w", domainError(ctx, err))
	}
	return n, nil
}

func (s *Store) count(ctx context.Context, f incident.Filter) (n int, err error) {
	ask, err := ask(f)
	switch {
	case err != nil || ask.never:
	case ask.rest != nil:
		err = walk(ctx, s.pool, incident.Query{Filter: f}, func(*incident.Incident) bool { n++; return true })
	case ask.all():
		err = s.pool.QueryRow(ctx, "SELECT coalesce(sum(incidents), 0)::bigint FROM dataset_places").Scan(&n)
	default:
		err = s.pool.QueryRow(ctx, "SELECT count(*) FROM "+ask.sql("", ""), append([]any{planned}, ask.args...)...).Scan(&n)
	}
	return n, err
}

// Change implements [incident.Reader].
func (s *Store) Change(ctx context.Context) (int64, error) {
	n, err := changeNumber(ctx, s.pool)
	if err != nil {
		return 0, fmt.Errorf("read the change number: %w", domainError(ctx, err))
	}
	return n, nil
}

func changeNumber(ctx context.Context, c querier) (n int64, err error) {
	err = c.QueryRow(ctx, "SELECT change FROM state").Scan(&n)
	return n, err
}
