package cql2

import (
	"time"

	"sarhad/incident"
)

// end is an end of a time: a property, a day, an instant or open.
type end struct {
	property incident.Property // "" for none
	isDay    bool
	at       time.Time // of a day or an instant
	open     int       // -1 before all times, 1 after all, 0 for neither
}

// isTime reports whether a part is a day or an instant, also as a property.
func isTime(n *node) bool {
	if n.op == opProperty {
		p, ok := incident.LookupProperty(incident.Property(n.name))
		return ok && p.Kind == incident.Date
	}
	return n.op == opDate || n.op == opTimestamp
}

func endOf(n *node) end {
	if n.op == opProperty {
		return end{property: incident.Property(n.name)}
	}
	return end{isDay: n.op == opDate, at: n.at}
}

// endsOf gives the ends of an interval, or twice a day or an instant.
func endsOf(n *node) (from, to end) {
	if n.op != opInterval {
		return endOf(n), endOf(n)
	}
	from, to = endOf(n.args[0]), endOf(n.args[1])
	if n.args[0].op == opOpen {
		from = end{open: -1}
	}
	if n.args[1].op == opOpen {
		to = end{open: 1}
	}
	return from, to
}

// compareEnds compares two times. A day of an incident is compared with an
// instant as [incident.CompareInstant] has it.
func compareEnds(a end, op incident.Op, b end, ctx context) incident.Filter {
	switch {
	case a.open != 0 || b.open != 0:
		return decided(incident.CompareExprs{Left: rank(a.open), Op: op, Right: rank(b.open)})
	case a.property != "" && b.property != "":
		return incident.CompareExprs{Left: incident.Field{Property: a.property}, Op: op, Right: incident.Field{Property: b.property}}
	case a.property == "" && b.property == "":
		return decided(incident.CompareExprs{Left: rank(a.at.Compare(b.at)), Op: op, Right: rank(0)})
	case a.property == "":
		a, op, b = b, turned[op], a
	}
	var f incident.Filter
	var least, most incident.Day // the days of b
	if b.isDay {
		f = incident.Compare{Property: a.property, Op: op, Value: incident.DateValue(dayOf(b.at))}
		least, most = dayOf(b.at), dayOf(b.at)
	} else {
		f = incident.CompareInstant{Property: a.property, Op: op, At: b.at.Unix()} // days begin on whole seconds
		pk, af := incident.LocalDay(b.at.Unix())
		least, most = min(pk, af), max(pk, af)
	}
	if ctx != whole {
		return f
	}
	// Every incident lasts from its start to its end: what holds for one of
	// both bounds the days in which an incident can lie.
	d := incident.During{From: incident.MinDay, To: incident.MaxDay}
	switch op {
	case incident.Lt, incident.Le:
		d.To = most
	case incident.Gt, incident.Ge:
		d.From = least
	case incident.Eq:
		d.From, d.To = least, most
	default:
		return f
	}
	return incident.And{d, f}
}

func rank(n int) incident.Expr { return incident.Literal{Value: incident.NumberValue(float64(n))} }

// temporal makes a filter of a function that compares two times. Both ends of
// an interval belong to it, and a day or an instant is one of which both are the same.
func temporal(n *node, ctx context) incident.Filter {
	a1, a2 := endsOf(n.args[0])
	b1, b2 := endsOf(n.args[1])
	and := func(parts ...incident.Filter) incident.Filter { return incident.And(parts) }
	is := func(a end, op incident.Op, b end) incident.Filter { return compareEnds(a, op, b, ctx) }
	switch n.op {
	case "t_after":
		return is(a1, incident.Gt, b2)
	case "t_before":
		return is(a2, incident.Lt, b1)
	case "t_intersects":
		if f, ok := during(a1, a2, b1, b2); ok {
			return f
		}
		return and(is(a1, incident.Le, b2), is(a2, incident.Ge, b1))
	case "t_disjoint":
		if f, ok := during(a1, a2, b1, b2); ok {
			return incident.Not{Of: f}
		}
		ctx = ctx.within("or")
		return incident.Or{is(a1, incident.Gt, b2), is(a2, incident.Lt, b1)}
	case "t_equals":
		return and(is(a1, incident.Eq, b1), is(a2, incident.Eq, b2))
	case "t_contains":
		return and(is(a1, incident.Lt, b1), is(a2, incident.Gt, b2))
	case "t_during":
		return and(is(a1, incident.Gt, b1), is(a2, incident.Lt, b2))
	case "t_finishedBy":
		return and(is(a1, incident.Lt, b1), is(a2, incident.Eq, b2))
	case "t_finishes":
		return and(is(a1, incident.Gt, b1), is(a2, incident.Eq, b2))
	case "t_meets":
		return is(a2, incident.Eq, b1)
	case "t_metBy":
		return is(a1, incident.Eq, b2)
	case "t_overlaps":
		return and(is(a1, incident.Lt, b1), is(a2, incident.Gt, b1), is(a2, incident.Lt, b2))
	case "t_overlappedBy":
		return and(is(a1, incident.Gt, b1), is(a1, incident.Lt, b2), is(a2, incident.Gt, b2))
	case "t_startedBy":
		return and(is(a1, incident.Eq, b1), is(a2, incident.Gt, b2))
	}
	return and(is(a1, incident.Eq, b1), is(a2, incident.Lt, b2)) // t_starts
}

// during makes the node that indexes know of the days of an incident that meet a fixed time.
func during(a1, a2, b1, b2 end) (incident.Filter, bool) {
	lasts := func(from, to end) bool { return from.property == "start_date" && to.property == "end_date" }
	if lasts(b1, b2) {
		a1, a2, b1, b2 = b1, b2, a1, a2
	}
	if !lasts(a1, a2) || b1.property != "" || b2.property != "" {
		return nil, false
	}
	days := incident.During{From: incident.MinDay, To: incident.MaxDay}
	instants := incident.DuringInstants{From: incident.MinInstant, To: incident.MaxInstant}
	if b1.open == 0 {
		days.From, instants.From = dayOf(b1.at), b1.at.Unix()
	}
	if b2.open == 0 {
		days.To, instants.To = dayOf(b2.at), b2.at.Unix()
	}
	if b1.isDay || b2.isDay || b1.open != 0 && b2.open != 0 {
		return days, true
	}
	return instants, true
}
