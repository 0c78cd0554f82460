package incident

import "slices"

// List is a set of texts that each incident has; the order and repetitions mean nothing.
type List interface {
	// Texts gives them; known is false if one of them is null.
	Texts(*Incident) (texts []string, known bool)
}

// ListField is the list of a property of [Lists].
type ListField struct{ Property Property }

// Texts implements [List]; the list of a property that does not exist is not known.
func (l ListField) Texts(in *Incident) ([]string, bool) {
	p, ok := LookupList(l.Property)
	if !ok {
		return nil, false
	}
	return p.Get(in), true
}

// ListLiteral is a list of values that are texts.
type ListLiteral struct{ Of []Expr }

// Texts implements [List].
func (l ListLiteral) Texts(in *Incident) ([]string, bool) {
	texts := make([]string, len(l.Of))
	for i, e := range l.Of {
		v := e.Eval(in)
		if v.Null || v.numeric() {
			return nil, false
		}
		texts[i] = v.Text
	}
	return texts, true
}

// SetOp compares two sets.
type SetOp string

// The comparisons of sets.
const (
	SetEquals      SetOp = "equals"      // both hold the same
	SetContains    SetOp = "contains"    // the first holds all of the second
	SetContainedBy SetOp = "containedBy" // the second holds all of the first
	SetOverlaps    SetOp = "overlaps"    // one text at least is in both
)

// CompareLists compares two lists as sets; it is unknown if either is not known.
type CompareLists struct {
	Left  List
	Op    SetOp
	Right List
}

// Match implements [Filter].
func (f CompareLists) Match(in *Incident) Truth {
	a, ok := f.Left.Texts(in)
	if !ok {
		return Unknown
	}
	b, ok := f.Right.Texts(in)
	if !ok {
		return Unknown
	}
	switch f.Op {
	case SetEquals:
		return truth(holdsAll(a, b) && holdsAll(b, a))
	case SetContains:
		return truth(holdsAll(a, b))
	case SetContainedBy:
		return truth(holdsAll(b, a))
	case SetOverlaps:
		return truth(slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) }))
	}
	return Unknown
}

func holdsAll(set, all []string) bool {
	if len(set) == 0 {
		return len(all) == 0
	}
	for _, s := range all {
		if !slices.Contains(set, s) {
			return false
		}
	}
	return true
}
