package incident

import (
	"cmp"
	"math"
	"slices"
)

// Expr is something that has a value for each incident. A value that is not
// reported, or that cannot be calculated, is null.
type Expr interface {
	Eval(*Incident) Value
}

// Field is the value of a property; null for one that does not exist.
type Field struct{ Property Property }

// Eval implements [Expr].
func (e Field) Eval(in *Incident) Value {
	p, ok := propertyByName[e.Property]
	if !ok {
		return Value{Null: true}
	}
	return p.Get(in)
}

// Literal is a value that is the same for every incident.
type Literal struct{ Value Value }

// Eval implements [Expr].
func (e Literal) Eval(*Incident) Value { return e.Value }

// Folded is a text in a form that brings spellings together: both sides of a
// comparison are folded in the same way. It is null for what is no text.
type Folded struct {
	Of Expr
	// By folds; it gives the same text for the same text and is safe for concurrent use.
	By func(string) string
}

// Eval implements [Expr].
func (e Folded) Eval(in *Incident) Value {
	v := e.Of.Eval(in)
	if v.Null || v.Kind != Text {
		return Value{Kind: Text, Null: true}
	}
	v.Text = e.By(v.Text)
	return v
}

// Calculation is an operation of two numbers.
type Calculation string

// The calculations.
const (
	Plus   Calculation = "+"
	Minus  Calculation = "-"
	Times  Calculation = "*"
	Over   Calculation = "/"
	Modulo Calculation = "%"   // what is left of a division, with the sign of the first number
	Div    Calculation = "div" // a division without what is left, rounded towards zero
	Power  Calculation = "^"
)

// Arithmetic calculates with two numbers. It is null if either is null or no
// number, and where the result is no finite number, as in a division by zero.
type Arithmetic struct {
	Op          Calculation
	Left, Right Expr
}

// Eval implements [Expr].
func (e Arithmetic) Eval(in *Incident) Value {
	a, b := e.Left.Eval(in), e.Right.Eval(in)
	null := Value{Kind: Number, Null: true}
	if a.Null || b.Null || !a.numeric() || !b.numeric() {
		return null
	}
	n := math.NaN()
	switch x, y := a.Number, b.Number; e.Op {
	case Plus:
		n = x + y
	case Minus:
		n = x - y
	case Times:
		n = x * y
	case Over:
		n = x / y
	case Modulo:
		n = math.Mod(x, y)
	case Div:
		n = math.Trunc(x / y)
	case Power:
		n = math.Pow(x, y)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return null
	}
	return NumberValue(n)
}

// CompareExprs compares two values; it is unknown if either is null or if one
// is a text and the other a number. A property with a literal is a [Compare].
type CompareExprs struct {
	Left  Expr
	Op    Op
	Right Expr
}

// Match implements [Filter].
func (f CompareExprs) Match(in *Incident) Truth {
	order, ok := f.Left.Eval(in).compare(f.Right.Eval(in))
	if !ok {
		return Unknown
	}
	return f.Op.holds(order)
}

// holds says whether a comparison is true of an order, which is negative, 0 or positive.
func (op Op) holds(order int) Truth {
	switch op {
	case Eq:
		return truth(order == 0)
	case Ne:
		return truth(order != 0)
	case Lt:
		return truth(order < 0)
	case Le:
		return truth(order <= 0)
	case Gt:
		return truth(order > 0)
	case Ge:
		return truth(order >= 0)
	}
	return Unknown
}

// InTexts is true if a text is one of some texts, unknown if it is null or no
// text. A property as it stands is an [In].
type InTexts struct {
	Of     Expr
	Values []string
}

// Match implements [Filter].
func (f InTexts) Match(in *Incident) Truth {
	v := f.Of.Eval(in)
	if v.Null || v.numeric() {
		return Unknown
	}
	return truth(slices.Contains(f.Values, v.Text))
}

// LikeExpr is true if a text matches a pattern of [Like] in which a backslash
// takes its meaning from the character after it. It is unknown if the text is
// null or no text.
type LikeExpr struct {
	Of      Expr
	Pattern string
}

// Match implements [Filter].
func (f LikeExpr) Match(in *Incident) Truth {
	v := f.Of.Eval(in)
	if v.Null || v.numeric() {
		return Unknown
	}
	return truth(likeEscaped(f.Pattern, v.Text))
}

// The wildcards of a pattern of which the escapes are resolved; no character has a negative number.
const (
	anyRun rune = -1
	anyOne rune = -2
)

// likeEscaped matches a pattern with escapes. A backslash at the end stands for itself.
func likeEscaped(pattern, text string) bool {
	var room [64]rune // most patterns are short
	p := room[:0]
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			p, escaped = append(p, r), false
		case r == '\\':
			escaped = true
		case r == '%':
			p = append(p, anyRun)
		case r == '_':
			p = append(p, anyOne)
		default:
			p = append(p, r)
		}
	}
	if escaped {
		p = append(p, '\\')
	}
	return wildMatch(p, text, anyRun, anyOne)
}

// IsNullExpr is true if a value is null. It is never unknown. A property as it stands is an [IsNull].
type IsNullExpr struct{ Of Expr }

// Match implements [Filter].
func (f IsNullExpr) Match(in *Incident) Truth { return truth(f.Of.Eval(in).Null) }

// IsUnknown is true if a condition is neither true nor false. It is never unknown.
type IsUnknown struct{ Of Filter }

// Match implements [Filter].
func (f IsUnknown) Match(in *Incident) Truth { return truth(f.Of.Match(in) == Unknown) }

// CompareInstant compares a day of an incident with an instant: with the local
// day in which the instant lies where the incident was, as [DuringInstants] has
// it. It is unknown for a property other than start_date and end_date.
type CompareInstant struct {
	Property Property
	Op       Op
	// At is the instant in seconds since 1970-01-01T00:00Z.
	At int64
}

// Match implements [Filter].
func (f CompareInstant) Match(in *Incident) Truth {
	var day Day
	switch f.Property {
	case "start_date":
		day = in.Start
	case "end_date":
		day = in.End
	default:
		return Unknown
	}
	pk, af := LocalDay(f.At)
	if in.Country == "AF" {
		return f.Op.holds(cmp.Compare(day, af))
	}
	return f.Op.holds(cmp.Compare(day, pk))
}

// LocalDay gives the days in Pakistan and in Afghanistan in which an instant
// lies, in seconds since 1970-01-01T00:00Z. For one beyond all years they lie
// beyond [MinDay] or [MaxDay].
func LocalDay(at int64) (pk, af Day) {
	const far = 1 << 40 // seconds; safe to add to
	at = max(min(at, far), -far)
	day := func(t int64) Day {
		d := t / 86400
		if t%86400 < 0 {
			d--
		}
		return Day(d)
	}
	return day(at + OffsetPK), day(at + OffsetAF)
}
