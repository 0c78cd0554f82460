package incident

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"
)

// Truth is the outcome of a filter in three-valued logic: a comparison with
// something that was not reported is neither true nor false.
type Truth int8

// The truth values.
const (
	False Truth = iota
	Unknown
	True
)

func truth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Filter is a node of a filter tree. Match is the reference meaning of every
// node; stores may evaluate it otherwise but must agree.
type Filter interface {
	Match(*Incident) Truth
}

// Matches reports whether a filter is true for an incident. A nil filter matches all.
func Matches(f Filter, in *Incident) bool { return f == nil || f.Match(in) == True }

// And is true if all parts are; an empty And is true.
type And []Filter

// Match implements [Filter].
func (f And) Match(in *Incident) Truth {
	t := True
	for _, p := range f {
		t = min(t, p.Match(in))
	}
	return t
}

// Or is true if any part is; an empty Or is false.
type Or []Filter

// Match implements [Filter].
func (f Or) Match(in *Incident) Truth {
	t := False
	for _, p := range f {
		t = max(t, p.Match(in))
	}
	return t
}

// Not turns true into false and leaves unknown as it is.
type Not struct{ Of Filter }

// Match implements [Filter].
func (f Not) Match(in *Incident) Truth { return True - f.Of.Match(in) }

// Op is a comparison.
type Op string

// The comparisons.
const (
	Eq Op = "="
	Ne Op = "<>"
	Lt Op = "<"
	Le Op = "<="
	Gt Op = ">"
	Ge Op = ">="
)

// Compare compares a property with a value; it is unknown if either is null or
// if one is a text and the other a number.
type Compare struct {
	Property Property
	Op       Op
	Value    Value
}

// Match implements [Filter].
func (f Compare) Match(in *Incident) Truth {
	p, ok := propertyByName[f.Property]
	if !ok {
		return Unknown
	}
	order, ok := p.Get(in).compare(f.Value)
	if !ok {
		return Unknown
	}
	return f.Op.holds(order)
}

// In is true if a text property is one of the values, unknown if it is null.
// Null among the values is asked for with [IsNull].
type In struct {
	Property Property
	Values   []string
}

// Match implements [Filter].
func (f In) Match(in *Incident) Truth {
	p, ok := propertyByName[f.Property]
	if !ok {
		return Unknown
	}
	v := p.Get(in)
	if v.Null {
		return Unknown
	}
	return truth(slices.Contains(f.Values, v.Text))
}

// IsNull is true if the property is not reported. It is never unknown.
type IsNull struct{ Property Property }

// Match implements [Filter].
func (f IsNull) Match(in *Incident) Truth {
	p, ok := propertyByName[f.Property]
	return truth(!ok || p.Get(in).Null)
}

// Like is true if a text property matches a pattern in which % stands for any
// run of characters and _ for one; case matters. It is unknown if the property is null.
type Like struct {
	Property Property
	Pattern  string
}

// Match implements [Filter].
func (f Like) Match(in *Incident) Truth {
	p, ok := propertyByName[f.Property]
	if !ok {
		return Unknown
	}
	v := p.Get(in)
	if v.Null {
		return Unknown
	}
	return truth(LikeMatch(f.Pattern, v.Text))
}

// LikeMatch reports whether a text matches a pattern of [Like].
func LikeMatch(pattern, text string) bool { return wildMatch([]rune(pattern), text, '%', '_') }

// wildMatch matches a pattern in which one sign stands for any run of characters and another for one.
func wildMatch(pattern []rune, text string, anyRun, anyOne rune) bool {
	// Greedy with one point of return, so that the time is at most the product of the lengths.
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		r, size := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p] == anyRun:
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == anyOne || pattern[p] == r):
			p++
			t += size
		case star >= 0:
			_, size = utf8.DecodeRuneInString(text[mark:])
			mark += size
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyRun {
		p++
	}
	return p == len(pattern)
}

// Box is true if the label point lies in a box (lon, lat, CRS84; the edges
// belong to it) and false for an incident without a point.
type Box struct{ Bound orb.Bound }

// Match implements [Filter].
func (f Box) Match(in *Incident) Truth {
	return truth(in.HasPoint &&
		in.Point[0] >= f.Bound.Min[0] && in.Point[0] <= f.Bound.Max[0] &&
		in.Point[1] >= f.Bound.Min[1] && in.Point[1] <= f.Bound.Max[1])
}

// During is true if any day of the incident lies in a range of days, closed at
// both ends. [MinDay] and [MaxDay] leave an end open.
type During struct{ From, To Day }

// Match implements [Filter].
func (f During) Match(in *Incident) Truth { return truth(in.Start <= f.To && in.End >= f.From) }

// DuringInstants is true if any instant of the incident's local days lies in a
// range of instants, in seconds since 1970-01-01T00:00Z, closed at both ends.
// A day of an incident in Afghanistan is that of +04:30, any other of +05:00.
type DuringInstants struct{ From, To int64 }

// MaxInstant and MinInstant leave an end of [DuringInstants] open.
const (
	MaxInstant int64 = 1 << 60
	MinInstant int64 = -1 << 60
)

// OffsetPK and OffsetAF are the offsets of Pakistan and Afghanistan from UTC in
// seconds. Summer time, kept in Pakistan in 2002, 2008 and 2009, is left out:
// it moves the edge of a day by an hour, and no dataset says which clock it used.
const (
	OffsetPK = 5 * 3600
	OffsetAF = 4*3600 + 1800
)

// Match implements [Filter].
func (f DuringInstants) Match(in *Incident) Truth {
	offset := int64(OffsetPK)
	if in.Country == "AF" {
		offset = OffsetAF
	}
	return truth(int64(in.Start)*86400-offset <= f.To && int64(in.End+1)*86400-offset > f.From)
}

// ActorHas is true if every word occurs in the names of the actors; see [HasWords].
type ActorHas struct{ Words string }

// Match implements [Filter].
func (f ActorHas) Match(in *Incident) Truth {
	return truth(HasWords(ActorText(in.Actor1, in.Actor2, strings.Join(in.AssocActors, "\n")), f.Words))
}

// ActorText joins the names of actors to the text that [ActorHas] searches.
// assoc are the associated actors, one on each line.
func ActorText(actor1, actor2, assoc string) string { return actor1 + "\n" + actor2 + "\n" + assoc }

// TextHas is true if every word occurs in the summary, the location or the
// names of the two sides; see [HasWords].
type TextHas struct{ Words string }

// Match implements [Filter].
func (f TextHas) Match(in *Incident) Truth {
	return truth(HasWords(SearchText(in.Summary, in.LocationName, in.LocationText, in.Actor1, in.Actor2), f.Words))
}

// SearchText joins the fields that [TextHas] searches.
func SearchText(summary, locationName, locationText, actor1, actor2 string) string {
	return summary + "\n" + locationName + "\n" + locationText + "\n" + actor1 + "\n" + actor2
}

// HasWords reports whether every word of words, split at white space, occurs in
// text, also within a longer word. Upper and lower case are the same.
func HasWords(text, words string) bool {
	text = strings.ToLower(text)
	for _, w := range strings.Fields(strings.ToLower(words)) {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// NearBorder is true if the incident may lie within so many kilometres of the
// border line: if the least distance that its precision allows is not larger.
// It is unknown where no distance is known.
type NearBorder struct{ KM float64 }

// Match implements [Filter].
func (f NearBorder) Match(in *Incident) Truth {
	if !in.Border.Known {
		return Unknown
	}
	return truth(in.Border.MinKM <= f.KM)
}
