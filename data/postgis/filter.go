package postgis

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// question is a filter taken apart for PostgreSQL: conditions that are tested
// there, and the rest, which is tested in Go on what they leave.
type question struct {
	compiler
	from  string   // the incidents of the range of days, called i
	where []string // of them
	rest  incident.Filter
	// never is true if nothing can match.
	never bool
	// few is true if days and a box are all that is asked for, and the days are few.
	few bool
}

// fewDays is how many days are so few that the index by start is the right one in any store: it knows the points too.
const fewDays = 31

// oneShape reports whether the statement is one of a handful whose plan is good for all values.
func (q *question) oneShape() bool { return q.few && q.rest == nil }

// everything is where all incidents are found.
const everything = "incidents AS i"

// maxDepth bounds the nesting of filters: the stack of the server is limited.
const maxDepth = 100

var errTooDeep = incident.Errorf(incident.CodeInvalid, "The filter is nested too deeply; at most %d levels are taken.", maxDepth)

// ask takes a filter apart. It fails with CodeInvalid for one nested too deeply.
func ask(f incident.Filter) (*question, error) {
	q := &question{from: everything}
	days := incident.During{From: incident.MinDay, To: incident.MaxDay}
	box, hasBox := orb.Bound{}, false
	during := func(d incident.During) { days.From, days.To = max(days.From, d.From), min(days.To, d.To) }
	inBox := func(b orb.Bound) {
		if !hasBox {
			box, hasBox = b, true
			return
		}
		box.Min = orb.Point{max(box.Min[0], b.Min[0]), max(box.Min[1], b.Min[1])}
		box.Max = orb.Point{min(box.Max[0], b.Max[0]), min(box.Max[1], b.Max[1])}
	}
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
			during(f)
			return nil
		case incident.Box:
			inBox(f.Bound)
			return nil
		case incident.DuringInstants:
			pk, af := localDays(f)
			during(incident.During{From: min(pk.From, af.From), To: max(pk.To, af.To)})
			if pk == af {
				return nil
			}
		}
		mark := len(q.args)
		sql, ok, err := q.filter(f, depth)
		if err != nil {
			return err
		}
		if ok {
			q.where = append(q.where, sql)
			return nil
		}
		q.args = q.args[:mark]
		rest = append(rest, f)
		if sql, ok := q.wider(f); ok {
			q.where = append(q.where, sql)
		}
		return nil
	}
	if err := walk(f, 0); err != nil {
		return q, err
	}
	if len(rest) > 0 {
		q.rest = rest
	}
	q.few = len(q.where) == 0 && days.From > incident.MinDay && days.From <= days.To && days.To-days.From < fewDays
	q.inDays(days)
	if hasBox {
		q.inBox(box)
	}
	return q, nil
}

// inDays adds a range of days. An incident meets it either by starting within
// it, which the index by start finds, or by starting before and lasting into
// it, which only incidents of several days can: they have an index of their own. No incident does both.
func (q *question) inDays(d incident.During) {
	switch {
	case d.From > incident.MaxDay || d.To < incident.MinDay:
		q.never = true
	case d.From <= incident.MinDay && d.To >= incident.MaxDay: // every incident there is
	case d.From > d.To: // what lasts over both
		q.where = append(q.where, q.during(d))
	case d.From <= incident.MinDay:
		q.where = append(q.where, "i.start_date <= "+q.day(d.To))
	default:
		from := q.day(d.From)
		q.from = "(SELECT * FROM incidents AS i WHERE i.start_date >= " + from + " AND i.start_date <= " + q.day(d.To) +
			" UNION ALL SELECT * FROM incidents AS i WHERE i.start_date < " + from + " AND i.end_date > i.start_date AND daterange(i.start_date, i.end_date, '[]') @> " + from + ") AS i"
	}
}

func (q *question) inBox(b orb.Bound) {
	if !(b.Min[0] <= b.Max[0] && b.Min[1] <= b.Max[1]) { // also what is no number
		q.never = true
		return
	}
	q.where = append(q.where, q.near(b), q.box(b))
}

// near is true for all points of a box and for some beside it, and answered from an index, which knows no more of a
// coordinate than 24 bits.
func (c *compiler) near(b orb.Bound) string {
	if min(b.Min[0], b.Min[1]) < -1e6 || max(b.Max[0], b.Max[1]) > 1e6 { // also what is infinite
		return "i.geom IS NOT NULL"
	}
	var corners []string
	for _, f := range []float64{b.Min[0], b.Min[1], b.Max[0], b.Max[1]} {
		corners = append(corners, c.arg(f)+"::float8")
	}
	return "i.geom && ST_MakeEnvelope(" + strings.Join(corners, ", ") + ", 4326)"
}

// box tests the coordinates as they stand; null without a point.
func (c *compiler) box(b orb.Bound) string {
	between := func(of string, low, high float64) string {
		return of + "(i.geom) BETWEEN " + c.arg(low) + "::float8 AND " + c.arg(high) + "::float8"
	}
	return between("ST_X", b.Min[0], b.Max[0]) + " AND " + between("ST_Y", b.Min[1], b.Max[1])
}

// localDays turns a range of instants into the ranges of local days that it
// touches in Pakistan and in Afghanistan: an incident matches if any of its
// days does.
func localDays(f incident.DuringInstants) (pk, af incident.During) {
	pk.From, af.From = incident.LocalDay(f.From)
	pk.To, af.To = incident.LocalDay(f.To)
	return pk, af
}

// compiler writes filters as expressions that are true, false or null in SQL
// where Match is true, false or unknown. Values are bound, never written.
type compiler struct{ args []any }

// arg binds a value and gives its name.
func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

// day binds a day; those beyond all dates are infinite.
func (c *compiler) day(d incident.Day) string {
	text := d.String()
	switch {
	case d < incident.MinDay:
		text = "-infinity"
	case d > incident.MaxDay:
		text = "infinity"
	}
	return c.arg(text) + "::text::date"
}

// text binds a text, which must be UTF-8.
func (c *compiler) text(s string) string { return c.arg(hide.Replace(s)) + "::text" }

// texts binds a list of texts, without those that no column can hold.
func (c *compiler) texts(list []string) string {
	bound := make([]string, 0, len(list))
	for _, s := range list {
		if utf8.ValidString(s) {
			bound = append(bound, hide.Replace(s))
		}
	}
	return c.arg(bound) + "::text[]"
}

const null = "NULL::boolean"

// filter writes a filter; ok is false if it cannot be said exactly.
func (c *compiler) filter(f incident.Filter, depth int) (sql string, ok bool, err error) {
	if depth > maxDepth {
		return "", false, errTooDeep
	}
	ok = true
	switch f := f.(type) {
	case incident.And:
		return c.list(f, " AND ", "true", depth)
	case incident.Or:
		return c.list(f, " OR ", "false", depth)
	case incident.Not:
		sql, ok, err = c.filter(f.Of, depth+1)
		return "(NOT " + sql + ")", ok, err
	case incident.IsUnknown:
		sql, ok, err = c.filter(f.Of, depth+1)
		return "((" + sql + ") IS NULL)", ok, err
	case incident.Compare:
		sql, ok = c.compare(f)
	case incident.In:
		sql = c.in(f)
	case incident.IsNull:
		sql = "true"
		if _, known := incident.LookupProperty(f.Property); known {
			sql = "(i." + string(f.Property) + " IS NULL)"
		}
	case incident.Like:
		sql, ok = c.like(f.Property, f.Pattern, false)
	case incident.LikeExpr:
		field, isField := f.Of.(incident.Field)
		if !isField {
			return "", false, nil
		}
		sql, ok = c.like(field.Property, f.Pattern, true)
	case incident.Box:
		sql = "(i.geom IS NOT NULL AND " + c.box(f.Bound) + ")"
		if math.IsNaN(f.Bound.Min[0]) || math.IsNaN(f.Bound.Min[1]) || math.IsNaN(f.Bound.Max[0]) || math.IsNaN(f.Bound.Max[1]) {
			sql = "false"
		}
	case incident.During:
		sql = c.during(f)
	case incident.DuringInstants:
		pk, af := localDays(f)
		sql = "CASE WHEN i.country = 'AF' THEN " + c.during(af) + " ELSE " + c.during(pk) + " END"
	case incident.ActorHas:
		sql = c.words("i.actor_words", f.Words)
	case incident.TextHas:
		sql = c.words("i.words", f.Words)
	case incident.NearBorder:
		if math.IsNaN(f.KM) { // in SQL it is larger than all numbers
			sql = unlessNull("border_km_min", false)
		} else {
			sql = "(i.border_km_min <= " + c.arg(f.KM) + "::float8)"
		}
	case incident.CompareExprs:
		sql, ok = compareProperties(f)
	case incident.CompareInstant:
		sql, ok = c.compareInstant(f)
	case incident.CompareLists:
		sql, ok = c.compareLists(f)
	case incident.NoPoint:
		sql = "(i.geom IS NULL)"
	default:
		ok = false
	}
	return sql, ok, nil
}

// wider writes a condition that is true wherever a filter that cannot be said exactly is true.
func (c *compiler) wider(f incident.Filter) (sql string, ok bool) {
	switch f := f.(type) {
	case incident.Like:
		return c.like(f.Property, strings.ReplaceAll(f.Pattern, "_", "%"), false)
	case incident.Spatial:
		b := f.Shape.Bound
		if f.Relation == incident.Disjoint || !(b.Min[0] <= b.Max[0] && b.Min[1] <= b.Max[1]) {
			return "i.geom IS NOT NULL", true
		}
		return c.near(b), true
	}
	return "", false
}

// comparisons are the operators that SQL has too.
var comparisons = []incident.Op{incident.Eq, incident.Ne, incident.Lt, incident.Le, incident.Gt, incident.Ge}

func isNumeric(k incident.Kind) bool {
	return k == incident.Integer || k == incident.Number || k == incident.Boolean
}

// column is a property as a number or a text.
func column(p incident.PropertyInfo) string {
	name := "i." + string(p.Name)
	switch {
	case p.Kind == incident.Date:
		return "to_char(" + name + `, 'YYYY-MM-DD') COLLATE "C"`
	case isNumeric(p.Kind):
		return name + "::float8"
	}
	return name
}

// compareProperties writes the comparison of two properties; any other is left to Go.
func compareProperties(f incident.CompareExprs) (sql string, ok bool) {
	left, isLeft := f.Left.(incident.Field)
	right, isRight := f.Right.(incident.Field)
	a, leftKnown := incident.LookupProperty(left.Property)
	b, rightKnown := incident.LookupProperty(right.Property)
	if !isLeft || !isRight || !leftKnown || !rightKnown || isNumeric(a.Kind) != isNumeric(b.Kind) || !slices.Contains(comparisons, f.Op) {
		return "", false
	}
	return "(" + column(a) + " " + string(f.Op) + " " + column(b) + ")", true
}

func (c *compiler) compareInstant(f incident.CompareInstant) (sql string, ok bool) {
	if f.Property != "start_date" && f.Property != "end_date" || !slices.Contains(comparisons, f.Op) {
		return "", false
	}
	pk, af := incident.LocalDay(f.At)
	compare := "i." + string(f.Property) + " " + string(f.Op) + " "
	return "CASE WHEN i.country = 'AF' THEN " + compare + c.day(af) + " ELSE " + compare + c.day(pk) + " END", true
}

func (c *compiler) during(f incident.During) string {
	return "(i.start_date <= " + c.day(f.To) + " AND i.end_date >= " + c.day(f.From) + ")"
}

func (c *compiler) list(fs []incident.Filter, op, none string, depth int) (string, bool, error) {
	if len(fs) == 0 {
		return none, true, nil
	}
	parts := make([]string, len(fs))
	for k, f := range fs {
		sql, ok, err := c.filter(f, depth+1)
		if !ok || err != nil {
			return "", ok, err
		}
		parts[k] = sql
	}
	return "(" + strings.Join(parts, op) + ")", true, nil
}

// unlessNull writes a constant truth for a property that is known.
func unlessNull(p incident.Property, truth bool) string {
	return "CASE WHEN i." + string(p) + " IS NOT NULL THEN " + strconv.FormatBool(truth) + " END"
}

func (c *compiler) compare(f incident.Compare) (sql string, ok bool) {
	p, known := incident.LookupProperty(f.Property)
	if !known || f.Value.Null || isNumeric(p.Kind) != isNumeric(f.Value.Kind) || !slices.Contains(comparisons, f.Op) {
		return null, true
	}
	op := " " + string(f.Op) + " "
	if isNumeric(p.Kind) {
		if math.IsNaN(f.Value.Number) { // before every number in Go, behind them in SQL
			return unlessNull(f.Property, f.Op == incident.Gt || f.Op == incident.Ge || f.Op == incident.Ne), true
		}
		return "(" + column(p) + op + c.arg(f.Value.Number) + "::float8)", true
	}
	if p.Kind == incident.Date {
		if d, err := incident.ParseDay(f.Value.Text); err == nil {
			return "(i." + string(f.Property) + op + c.day(d) + ")", true
		}
	}
	if !utf8.ValidString(f.Value.Text) {
		return "", false
	}
	return "(" + column(p) + op + c.text(f.Value.Text) + ")", true
}

func (c *compiler) in(f incident.In) string {
	p, known := incident.LookupProperty(f.Property)
	switch {
	case !known:
		return null
	case isNumeric(p.Kind):
		return unlessNull(f.Property, slices.Contains(f.Values, ""))
	case !slices.ContainsFunc(f.Values, utf8.ValidString): // in SQL, null among nothing is false
		return unlessNull(f.Property, false)
	}
	return "(" + column(p) + " = ANY(" + c.texts(f.Values) + "))"
}

var escapeLike = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

// like writes a pattern in which escapes have a meaning or not. One sign for
// one character is left to Go, as a character may be written as three.
func (c *compiler) like(name incident.Property, pattern string, escapes bool) (sql string, ok bool) {
	p, known := incident.LookupProperty(name)
	switch {
	case !known:
		return null, true
	case isNumeric(p.Kind) && escapes: // a number is no text
		return null, true
	case isNumeric(p.Kind): // or has none
		return unlessNull(name, incident.LikeMatch(pattern, "")), true
	case !utf8.ValidString(pattern):
		return "", false
	}
	var b strings.Builder
	escaped := false
	for _, r := range hide.Replace(pattern) {
		switch {
		case escaped:
			b.WriteString(escapeLike.Replace(string(r)))
			escaped = false
		case escapes && r == '\\':
			escaped = true
		case r == '_':
			return "", false
		case r == '%':
			b.WriteByte('%')
		default:
			b.WriteString(escapeLike.Replace(string(r)))
		}
	}
	if escaped {
		b.WriteString(`\\`)
	}
	return "(" + column(p) + " LIKE " + c.arg(b.String()) + "::text)", true
}

// words writes that all words occur in a column of small letters.
func (c *compiler) words(column, words string) string {
	parts := []string{"true"}
	for _, w := range strings.Fields(strings.ToLower(words)) {
		parts = append(parts, column+" LIKE "+c.arg("%"+escapeLike.Replace(hide.Replace(w))+"%")+"::text")
	}
	return "(" + strings.Join(parts[min(1, len(parts)-1):], " AND ") + ")"
}

// compareLists writes the comparison of a list with texts; any other is left to Go.
func (c *compiler) compareLists(f incident.CompareLists) (sql string, ok bool) {
	left, ok := c.listOf(f.Left)
	if !ok {
		return "", false
	}
	right, ok := c.listOf(f.Right)
	if !ok {
		return "", false
	}
	switch f.Op {
	case incident.SetEquals:
		return "(" + left + " @> " + right + " AND " + left + " <@ " + right + ")", true
	case incident.SetContains:
		return "(" + left + " @> " + right + ")", true
	case incident.SetContainedBy:
		return "(" + left + " <@ " + right + ")", true
	case incident.SetOverlaps:
		return "(" + left + " && " + right + ")", true
	}
	return "", false
}

func (c *compiler) listOf(l incident.List) (sql string, ok bool) {
	switch l := l.(type) {
	case incident.ListField:
		_, known := incident.LookupList(l.Property)
		return "coalesce(i." + string(l.Property) + `, '{}')`, known
	case incident.ListLiteral:
		texts := make([]string, len(l.Of))
		for i, e := range l.Of {
			v, ok := e.(incident.Literal)
			if !ok || v.Value.Null || isNumeric(v.Value.Kind) || !utf8.ValidString(v.Value.Text) {
				return "", false
			}
			texts[i] = v.Value.Text
		}
		return c.texts(texts), true
	}
	return "", false
}
