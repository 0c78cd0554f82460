package source

import (
	"strings"

	"sarhad/incident"
)

// quantity is a number of people as a source words it. What the words do not
// say is not filled in: "100+" has no best estimate.
type quantity struct {
	low, best, high incident.Figure
	// qualifier is a word of [incident.Claim], "" for an exact number or a range.
	qualifier string
}

// exact reports whether the words say no more than one number or nothing.
func (q *quantity) exact() bool { return q.qualifier == "" && !q.low.Known && !q.high.Known }

// The qualifiers. A bound is the number that is named: "over 100" is low 100.
const (
	qualAbout   = "about"
	qualAtLeast = "at_least"
	qualOver    = "over"
	qualAtMost  = "at_most"
	qualUnder   = "under"
)

// qualifiers are the words before a number, longest first where one begins with another.
var qualifiers = []struct{ words, qualifier string }{
	{"at least", qualAtLeast}, {"no fewer than", qualAtLeast}, {"no less than", qualAtLeast}, {"not less than", qualAtLeast}, {"minimum", qualAtLeast}, {"min.", qualAtLeast},
	{">=", qualAtLeast}, {"≥", qualAtLeast},
	{"more than", qualOver}, {"over", qualOver}, {"above", qualOver}, {">", qualOver},
	{"at most", qualAtMost}, {"up to", qualAtMost}, {"no more than", qualAtMost}, {"not more than", qualAtMost}, {"maximum", qualAtMost}, {"<=", qualAtMost}, {"≤", qualAtMost},
	{"fewer than", qualUnder}, {"less than", qualUnder}, {"under", qualUnder}, {"below", qualUnder}, {"<", qualUnder},
	{"approximately", qualAbout}, {"approx.", qualAbout}, {"approx", qualAbout}, {"about", qualAbout}, {"around", qualAbout}, {"roughly", qualAbout}, {"some", qualAbout},
	{"nearly", qualAbout}, {"almost", qualAbout}, {"circa", qualAbout}, {"ca.", qualAbout}, {"c.", qualAbout}, {"~", qualAbout}, {"≈", qualAbout}, {"±", qualAbout},
}

// missing are the words for "not reported".
var missing = map[string]bool{
	"": true, "-": true, "--": true, "---": true, "?": true, "??": true, "...": true, "…": true, ".": true, "n/a": true, "n.a.": true, "n.a": true, "na": true, "#n/a": true,
	"not available": true, "not applicable": true, "unknown": true, "unk": true, "unk.": true, "not known": true, "not reported": true, "n/r": true, "not given": true,
	"not stated": true, "no data": true, "null": true, "tbc": true, "tbd": true, "نامعلوم": true,
}

// isMissing reports whether a text is one of the ways to say that nothing is known.
func isMissing(s string) bool { return missing[foldText(s)] || missing[strings.ToLower(trim(s))] }

var errNumber = &problem{CodeBadNumber, "it is not a number of people in a form that is read (such as 12, 1,234, 100+, 13-22, about 30, a dozen, n/a)"}

// parseQuantity reads a number of people in any of the forms of docs/mappings.md.
func parseQuantity(s string) (quantity, *problem) {
	if n, used := figures(s, 9); used == len(s) && used > 0 {
		return quantity{best: incident.Known(n)}, nil
	}
	if len(s) > 100 {
		return quantity{}, errNumber
	}
	text := strings.Join(strings.Fields(foldText(s)), " ")
	switch {
	case isMissing(s) || missing[text]:
		return quantity{}, nil
	case text == "nil" || text == "none" || text == "no":
		return quantity{}, &problem{CodeBadNumber, "it may be a reported 0 or nothing reported; say which in a mapping (values: {" + trim(s) + ": \"0\"})"}
	case text == "nan" || strings.Contains(text, "inf"):
		return quantity{}, &problem{CodeBadNumber, "it is not a number"}
	}
	if n, p := parseCount(text); p != errNumber {
		return quantity{best: n}, p
	}
	if q, ok := numberRange(text); ok {
		if q.low.N > q.high.N {
			return quantity{}, &problem{CodeBadNumber, "the range goes from the larger number to the smaller"}
		}
		return q, nil
	}
	qualifier := ""
	for _, q := range qualifiers {
		if rest, ok := strings.CutPrefix(text, q.words); ok && (rest == "" || !isWordByte(rest) || !isWordByte(q.words)) {
			text, qualifier = trim(rest), q.qualifier
			break
		}
	}
	if rest, ok := strings.CutSuffix(text, "+"); ok && qualifier == "" {
		text, qualifier = trim(rest), qualAtLeast
	}
	for _, w := range []struct{ words, qualifier string }{{" or more", qualAtLeast}, {" plus", qualAtLeast}, {" or fewer", qualAtMost}, {" or less", qualAtMost}, {" approx.", qualAbout}, {" approx", qualAbout}} {
		if rest, ok := strings.CutSuffix(text, w.words); ok && qualifier == "" {
			text, qualifier = rest, w.qualifier
		}
	}
	n, p := parseCount(text)
	if p != nil || qualifier == "" {
		return quantity{}, cmpProblem(p)
	}
	q := quantity{qualifier: qualifier}
	switch qualifier {
	case qualAtLeast, qualOver:
		q.low = n
	case qualAtMost, qualUnder:
		q.high = n
	default:
		q.best = n
	}
	return q, nil
}

func cmpProblem(p *problem) *problem {
	if p == nil {
		return errNumber
	}
	return p
}

// numberRange reads "13-22", "13 to 22", "between 13 and 22".
func numberRange(text string) (quantity, bool) {
	seps := []string{" - ", "-", " to ", " تا "}
	if rest, ok := strings.CutPrefix(text, "between "); ok {
		text, seps = rest, []string{" and "}
	} else if rest, ok := strings.CutPrefix(text, "from "); ok {
		text, seps = rest, []string{" to "}
	}
	for _, sep := range seps {
		for i := 0; ; i += len(sep) { // "twenty-one-thirty": wherever both sides are numbers
			j := strings.Index(text[i:], sep)
			if j < 0 {
				break
			}
			i += j
			low, p := parseCount(trim(text[:i]))
			high, q := parseCount(trim(text[i+len(sep):]))
			if p == nil && q == nil {
				return quantity{low: low, high: high}, true
			}
		}
	}
	return quantity{}, false
}

// parseCount reads a single number: figures with or without separators of
// thousands, or English words. text is folded.
func parseCount(text string) (incident.Figure, *problem) {
	if n, ok := wordNumber(text); ok {
		return incident.Known(n), nil
	}
	if whole, zeros, ok := strings.Cut(text, "."); ok && zeros != "" && strings.Trim(zeros, "0") == "" && len(zeros) != 3 {
		text = whole // 12.0, as programs write whole numbers; 1.000 may be a thousand
	}
	text, ok := ungroup(text)
	if !ok {
		return incident.Figure{}, errNumber
	}
	n, used := figures(text, 9)
	if used < len(text) {
		return incident.Figure{}, &problem{CodeBadNumber, "it is too large to be a number of people"}
	}
	return incident.Known(n), nil
}

// ungroup takes the separators of thousands out of a number: "1,234", "1 234",
// "1'234", "1٬234", and "1,23,456" as it is written in South Asia. A full stop
// is none, since it may be a decimal point.
func ungroup(text string) (string, bool) {
	groups := strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ' ' || c == '٬' || c == '\'' || c == '’' })
	if len(groups) == 0 {
		return "", false
	}
	size := len(text)
	for i, g := range groups {
		size -= len(g)
		if strings.Trim(g, "0123456789") != "" {
			return "", false
		}
		last := i == len(groups)-1
		if i > 0 && (last && len(g) != 3 || !last && len(g) != 3 && len(g) != 2) || i == 0 && !last && len(g) > 3 {
			return "", false
		}
	}
	if len(groups) == 1 {
		return groups[0], size == 0
	}
	// The same separator each time, and one.
	sep := text[len(groups[0]) : len(text)-len(strings.TrimLeft(text[len(groups[0]):], ", ٬'’"))]
	return strings.Join(groups, ""), strings.Join(groups, sep) == text && (len(sep) == 1 || sep == "٬" || sep == "’")
}

var smallNumbers = map[string]int{
	"zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
	"fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}

var tens = map[string]int{"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}

// wordNumber reads an English number below a million: "three", "twenty-one",
// "a hundred and five", "two dozen", "half a dozen".
func wordNumber(text string) (int, bool) {
	if text == "" || !isWordByte(text) {
		return 0, false
	}
	if text == "half a dozen" {
		return 6, true
	}
	total, part := 0, 0
	// room is what a further word must lie below: after "twenty" one to nine may follow.
	room, thousands, begun := 1000, false, false
	words := strings.Fields(strings.ReplaceAll(text, "-", " "))
	for i, w := range words {
		small, isSmall := smallNumbers[w]
		ten, isTen := tens[w]
		switch {
		case (w == "a" || w == "an") && i == 0 && len(words) > 1 && (words[1] == "hundred" || words[1] == "thousand" || words[1] == "dozen"):
			part, room = 1, 1
		case isSmall && (small == 0 && len(words) == 1 || small > 0 && small < room):
			part += small
			room = 1
		case isTen && ten < room:
			part += ten
			room = 10
		case w == "hundred" && begun && part > 0 && part < 10:
			part *= 100
			room = 100
		case w == "thousand" && begun && part > 0 && !thousands:
			total, part, room, thousands = part*1000, 0, 1000, true
		case w == "dozen" && part > 0 && part < 20 && i == len(words)-1 && total == 0:
			return part * 12, true
		case w == "and" && i > 0 && i < len(words)-1 && (words[i-1] == "hundred" || words[i-1] == "thousand"):
			if words[i+1] == "and" || words[i+1] == "hundred" || words[i+1] == "thousand" {
				return 0, false
			}
		default:
			return 0, false
		}
		begun = true
	}
	return total + part, true
}
