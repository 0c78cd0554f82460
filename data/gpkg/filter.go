package gpkg

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// question is a filter taken apart for SQLite: the window can be answered from
// an index alone, the condition is tested on the rows that are left, and rest,
// of nodes that this package does not know, is tested in Go.
type question struct {
	window
	where string // of a table called i; "" for none
	args  []any
	rest  incident.Filter
	// never is true if nothing can match.
	never bool
}

// window is a range of days and a box; both are optional.
type window struct {
	hasDays  bool
	from, to incident.Day
	hasBox   bool
	box      orb.Bound
	units    []string // nil for any
}

func (w *window) empty() bool { return !w.hasDays && !w.hasBox && w.units == nil }

// maxDepth bounds the nesting of filters: SQLite's parser and its trees have limits of their own.
const maxDepth = 100

// ask takes a filter apart. It fails with CodeInvalid for one nested too deeply.
func ask(f incident.Filter) (question, error) {
	q := question{window: window{from: incident.MinDay, to: incident.MaxDay}}
	if f == nil {
		return q, nil
	}
	var parts []string
	var rest incident.And
	var walk func(f incident.Filter, depth int) error
	walk = func(f incident.Filter, depth int) error {
		if depth > maxDepth {
			return errTooDeep
		}
		switch f := f.(type) {
		case nil:
			return nil
		case incident.And:
			for _, p := range f {
				if err := walk(p, depth+1); err != nil {
					return err
				}
			}
			return nil
		case incident.During:
			q.days(f.From, f.To)
			return nil
		case incident.Box:
			q.inBox(f.Bound)
			return nil
		case incident.DuringInstants:
			pk, af := localDays(f)
			q.days(min(pk.From, af.From), max(pk.To, af.To))
			if pk == af {
				return nil
			}
		case incident.In:
			if f.Property == "unit_id" && q.units == nil && len(f.Values) > 0 && len(f.Values) <= 200 {
				q.units = f.Values
				return nil
			}
		case incident.Compare:
			if f.Property == "unit_id" && q.units == nil && f.Op == incident.Eq && f.Value.Kind == incident.Text && f.Value.Text != "" && !f.Value.Null {
				q.units = []string{f.Value.Text}
				return nil
			}
		}
		c := compiler{}
		ok, err := c.filter(f, depth)
		switch {
		case err != nil:
			return err
		case ok:
			parts = append(parts, c.b.String())
			q.args = append(q.args, c.args...)
		default:
			rest = append(rest, f)
		}
		return nil
	}
	if err := walk(f, 0); err != nil {
		return q, err
	}
	q.where = joinBalanced(parts, " AND ")
	if len(rest) > 0 {
		q.rest = rest
	}
	return q, nil
}

var errTooDeep = incident.Errorf(incident.CodeInvalid, "The filter is nested too deeply; at most %d levels are taken.", maxDepth)

func (q *question) days(from, to incident.Day) {
	q.hasDays = true
	q.from, q.to = max(q.from, from), min(q.to, to)
	if q.from > incident.MaxDay || q.to < incident.MinDay {
		q.never = true
	}
}

func (q *question) inBox(b orb.Bound) {
	for _, v := range []float64{b.Min[0], b.Min[1], b.Max[0], b.Max[1]} {
		if math.IsNaN(v) {
			q.never = true
		}
	}
	if !q.hasBox {
		q.hasBox, q.box = true, b
		return
	}
	q.box.Min = orb.Point{max(q.box.Min[0], b.Min[0]), max(q.box.Min[1], b.Min[1])}
	q.box.Max = orb.Point{min(q.box.Max[0], b.Max[0]), min(q.box.Max[1], b.Max[1])}
}

// localDays turns a range of instants into the ranges of local days that it
// touches in Pakistan and in Afghanistan: an incident matches if any of its
// days does.
func localDays(f incident.DuringInstants) (pk, af incident.During) {
	const far = 1 << 40 // seconds; beyond all years, and safe to add to
	from, to := max(min(f.From, far), -far), max(min(f.To, far), -far)
	day := func(t int64) incident.Day {
		d := t / 86400
		if t%86400 < 0 {
			d--
		}
		return incident.Day(d)
	}
	pk = incident.During{From: day(from + incident.OffsetPK), To: day(to + incident.OffsetPK)}
	af = incident.During{From: day(from + incident.OffsetAF), To: day(to + incident.OffsetAF)}
	return pk, af
}

// dayText writes a day for a comparison with the column of dates, whose
// texts sort as days do between the years 1 and 9999.
func dayText(d incident.Day) string {
	switch {
	case d < incident.MinDay:
		return ""
	case d > incident.MaxDay:
		return "a" // after every digit
	}
	return d.String()
}

// compiler writes a filter as an expression that is true, false or null in
// SQL where Match is true, false or unknown. Values are bound, never written.
type compiler struct {
	b    strings.Builder
	args []any
}

func (c *compiler) sql(s string, args ...any) {
	c.b.WriteString(s)
	c.args = append(c.args, args...)
}

// filter writes a filter; ok is false if it holds a node that is not known here.
func (c *compiler) filter(f incident.Filter, depth int) (ok bool, err error) {
	if depth > maxDepth {
		return false, errTooDeep
	}
	switch f := f.(type) {
	case incident.And:
		return c.list(f, " AND ", "1", depth)
	case incident.Or:
		return c.list(f, " OR ", "0", depth)
	case incident.Not:
		c.sql("(NOT ")
		ok, err = c.filter(f.Of, depth+1)
		c.sql(")")
		return ok, err
	case incident.Compare:
		c.compare(f)
	case incident.In:
		c.in(f)
	case incident.IsNull:
		if _, known := incident.LookupProperty(f.Property); !known {
			c.sql("1")
		} else {
			c.sql("(i." + string(f.Property) + " IS NULL)")
		}
	case incident.Like:
		c.like(f)
	case incident.Box:
		b := f.Bound
		if math.IsNaN(b.Min[0] + b.Min[1] + b.Max[0] + b.Max[1]) {
			// Infinite bounds of both signs also come here, one side at a time.
			for _, v := range []float64{b.Min[0], b.Min[1], b.Max[0], b.Max[1]} {
				if math.IsNaN(v) {
					c.sql("0")
					return true, nil
				}
			}
		}
		c.sql("(i.lon IS NOT NULL AND i.lon >= ? AND i.lon <= ? AND i.lat >= ? AND i.lat <= ?)", b.Min[0], b.Max[0], b.Min[1], b.Max[1])
	case incident.During:
		c.during(f)
	case incident.DuringInstants:
		pk, af := localDays(f)
		c.sql("CASE WHEN i.country = 'AF' THEN ")
		c.during(af)
		c.sql(" ELSE ")
		c.during(pk)
		c.sql(" END")
	case incident.ActorHas:
		c.sql("sarhad_words(concat(i.actor1, char(10), i.actor2, char(10), i.assoc_actors), ?)", f.Words)
	case incident.TextHas:
		c.sql("sarhad_words(concat(i.summary, char(10), i.location_name, char(10), i.location_text, char(10), i.actor1, char(10), i.actor2), ?)", f.Words)
	case incident.NearBorder:
		if math.IsNaN(f.KM) { // bound, it would be null and the answer unknown
			c.sql("CASE WHEN i.border_km_min IS NOT NULL THEN 0 END")
		} else {
			c.sql("(i.border_km_min <= ?)", f.KM)
		}
	case incident.CompareExprs:
		return c.compareProperties(f), nil
	case incident.CompareInstant:
		return c.compareInstant(f), nil
	case incident.NoPoint:
		c.sql("(i.lon IS NULL)")
	case incident.IsUnknown:
		c.sql("((")
		ok, err = c.filter(f.Of, depth+1)
		c.sql(") IS NULL)")
		return ok, err
	default:
		return false, nil
	}
	return true, nil
}

// comparisons are the operators that SQL has too.
var comparisons = []incident.Op{incident.Eq, incident.Ne, incident.Lt, incident.Le, incident.Gt, incident.Ge}

// compareProperties writes the comparison of two properties; any other is left to Go.
func (c *compiler) compareProperties(f incident.CompareExprs) (ok bool) {
	left, isLeft := f.Left.(incident.Field)
	right, isRight := f.Right.(incident.Field)
	a, leftKnown := incident.LookupProperty(left.Property)
	b, rightKnown := incident.LookupProperty(right.Property)
	if !isLeft || !isRight || !leftKnown || !rightKnown || isNumeric(a.Kind) != isNumeric(b.Kind) || !slices.Contains(comparisons, f.Op) {
		return false
	}
	// The sign keeps SQLite from turning one side into what the other column is declared as.
	c.sql("(+i." + string(a.Name) + " " + string(f.Op) + " +i." + string(b.Name) + ")")
	return true
}

func (c *compiler) compareInstant(f incident.CompareInstant) (ok bool) {
	if f.Property != "start_date" && f.Property != "end_date" || !slices.Contains(comparisons, f.Op) {
		return false
	}
	pk, af := incident.LocalDay(f.At)
	compare := "+i." + string(f.Property) + " " + string(f.Op) + " ?" // as a text, also beyond all dates
	c.sql("CASE WHEN i.country = 'AF' THEN "+compare+" ELSE "+compare+" END", dayText(af), dayText(pk))
	return true
}

func (c *compiler) during(f incident.During) {
	c.sql("(i.start_date <= ? AND i.end_date >= ?)", dayText(f.To), dayText(f.From))
}

func (c *compiler) list(fs []incident.Filter, op, none string, depth int) (bool, error) {
	if len(fs) == 0 {
		c.sql(none)
		return true, nil
	}
	parts := make([]string, len(fs))
	for k, f := range fs {
		sub := compiler{}
		ok, err := sub.filter(f, depth+1)
		if !ok || err != nil {
			return ok, err
		}
		parts[k] = sub.b.String()
		c.args = append(c.args, sub.args...)
	}
	c.sql("(" + joinBalanced(parts, op) + ")")
	return true, nil
}

// joinBalanced joins conditions in brackets of halves, so that a long list
// does not become a tree deeper than SQLite takes.
func joinBalanced(parts []string, op string) string {
	if len(parts) <= 8 {
		return strings.Join(parts, op)
	}
	h := len(parts) / 2
	return "(" + joinBalanced(parts[:h], op) + ")" + op + "(" + joinBalanced(parts[h:], op) + ")"
}

// unlessNull writes a constant truth for a property that is known.
func (c *compiler) unlessNull(p incident.Property, truth bool) {
	v := "0"
	if truth {
		v = "1"
	}
	c.sql("CASE WHEN i." + string(p) + " IS NOT NULL THEN " + v + " END")
}

func isNumeric(k incident.Kind) bool {
	return k == incident.Integer || k == incident.Number || k == incident.Boolean
}

func (c *compiler) compare(f incident.Compare) {
	p, known := incident.LookupProperty(f.Property)
	if !known || f.Value.Null || isNumeric(p.Kind) != isNumeric(f.Value.Kind) ||
		!slices.Contains(comparisons, f.Op) {
		c.sql("NULL")
		return
	}
	switch {
	case !isNumeric(p.Kind):
		column := "i." + string(f.Property)
		if _, err := incident.ParseDay(f.Value.Text); p.Kind == incident.Date && err != nil {
			// SQLite takes a column of dates for one of numbers: a text such as "1" would be compared as a number, before all dates.
			column = "+" + column
		}
		c.sql("("+column+" "+string(f.Op)+" ?)", f.Value.Text)
	case math.IsNaN(f.Value.Number): // before every number in Go, null in SQL
		c.unlessNull(f.Property, f.Op == incident.Gt || f.Op == incident.Ge || f.Op == incident.Ne)
	default:
		c.sql("(i."+string(f.Property)+" "+string(f.Op)+" ?)", f.Value.Number)
	}
}

func (c *compiler) in(f incident.In) {
	p, known := incident.LookupProperty(f.Property)
	switch {
	case !known:
		c.sql("NULL")
	case isNumeric(p.Kind):
		c.unlessNull(f.Property, slices.Contains(f.Values, ""))
	case len(f.Values) == 0: // in SQL, null IN () is false
		c.unlessNull(f.Property, false)
	default:
		c.sql("(i." + string(f.Property) + " IN ")
		c.values(f.Values)
		c.sql(")")
	}
}

// values writes a list: a short one value by value, a long one as one value,
// as the number of values is limited.
func (c *compiler) values(values []string) {
	if len(values) > 500 && !slices.ContainsFunc(values, func(s string) bool { return !utf8.ValidString(s) }) {
		if b, err := json.Marshal(values); err == nil {
			c.sql("(SELECT value FROM json_each(?))", string(b))
			return
		}
	}
	c.sql("(?" + strings.Repeat(", ?", len(values)-1) + ")")
	for _, v := range values {
		c.args = append(c.args, v)
	}
}

func (c *compiler) like(f incident.Like) {
	p, known := incident.LookupProperty(f.Property)
	switch {
	case !known:
		c.sql("NULL")
	case isNumeric(p.Kind): // a number has no text
		c.unlessNull(f.Property, incident.LikeMatch(f.Pattern, ""))
	default:
		c.sql("CASE WHEN i."+string(f.Property)+" IS NOT NULL THEN sarhad_like(i."+string(f.Property)+", ?) END", f.Pattern)
	}
}
