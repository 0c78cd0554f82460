package incident

import "slices"

// Uses calls look with each property that a filter looks at and with the
// condition that does: a part that is not made of other filters. Lists,
// [Geometry] and location_text count as properties, and one may come several
// times. It ends with false as soon as look gives false, and for a filter with
// a node that is not known here, which may look at anything.
func Uses(f Filter, look func(condition Filter, p Property) bool) bool {
	parts := func(fs []Filter) bool {
		return !slices.ContainsFunc(fs, func(part Filter) bool { return !Uses(part, look) })
	}
	here := func(ps ...Property) bool {
		return !slices.ContainsFunc(ps, func(p Property) bool { return !look(f, p) })
	}
	switch f := f.(type) {
	case nil:
		return true
	case And:
		return parts(f)
	case Or:
		return parts(f)
	case Not:
		return Uses(f.Of, look)
	case IsUnknown:
		return Uses(f.Of, look)
	case Compare:
		return here(f.Property)
	case In:
		return here(f.Property)
	case IsNull:
		return here(f.Property)
	case Like:
		return here(f.Property)
	case During:
		return here("start_date", "end_date")
	case DuringInstants:
		return here("start_date", "end_date", "country")
	case CompareInstant:
		return here(f.Property, "country")
	case Box, Spatial, NoPoint:
		return here(Geometry)
	case NearBorder:
		return here("border_km_min")
	case ActorHas:
		return here("actor1", "actor2", "assoc_actors")
	case TextHas:
		return here("summary", "location_name", "location_text", "actor1", "actor2")
	case CompareExprs:
		return exprUses(f.Left, here) && exprUses(f.Right, here)
	case InTexts:
		return exprUses(f.Of, here)
	case LikeExpr:
		return exprUses(f.Of, here)
	case IsNullExpr:
		return exprUses(f.Of, here)
	case CompareLists:
		return listUses(f.Left, here) && listUses(f.Right, here)
	}
	return false
}

// exprUses is Uses for what has a value.
func exprUses(e Expr, here func(...Property) bool) bool {
	switch e := e.(type) {
	case Literal:
		return true
	case Field:
		return here(e.Property)
	case Folded:
		return exprUses(e.Of, here)
	case Arithmetic:
		return exprUses(e.Left, here) && exprUses(e.Right, here)
	}
	return false
}

// listUses is Uses for a list.
func listUses(l List, here func(...Property) bool) bool {
	switch l := l.(type) {
	case ListField:
		return here(l.Property)
	case ListLiteral:
		return !slices.ContainsFunc(l.Of, func(e Expr) bool { return !exprUses(e, here) })
	}
	return false
}
