package cql2

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/paulmach/orb"
)

// tokenKind is a sort of token.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, the name of a function or of a property
	tokenQuoted           // the name of a property in double quotes
	tokenText
	tokenNumber
	tokenSign
)

type token struct {
	kind tokenKind
	off  int
	text string // of a word, a name or a text, the sign
	word string // a word in capitals
	num  float64
}

// String says what the token is, for messages.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the filter"
	case tokenText:
		return "the text " + quote(t.text)
	case tokenNumber:
		return "the number " + strconv.FormatFloat(t.num, 'G', -1, 64)
	}
	return quote(t.text)
}

// parser reads the text encoding by recursive descent, one token ahead.
type parser struct {
	builder
	pos   int // after tok
	tok   token
	depth int
}

func readText(source string) (*node, error) {
	p := &parser{builder: builder{source: source}}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokenEnd {
		return nil, p.wrong(p.tok.off, "The filter is empty.")
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenEnd {
		if p.tok.kind == tokenSign && p.tok.text == ")" {
			return nil, p.wrong(p.tok.off, "This bracket closes nothing.")
		}
		return nil, p.wrong(p.tok.off, "AND, OR or the end of the filter is expected here, not %s.", p.tok)
	}
	return n, nil
}

// next reads a token.
func (p *parser) next() error {
	s := p.source
	for p.pos < len(s) {
		r, n := utf8.DecodeRuneInString(s[p.pos:])
		if !unicode.IsSpace(r) {
			break
		}
		p.pos += n
	}
	p.tok = token{off: p.pos}
	if p.pos == len(s) {
		return nil
	}
	r, _ := utf8.DecodeRuneInString(s[p.pos:])
	switch {
	case r == '\'':
		return p.text()
	case r == '"':
		end := strings.IndexByte(s[p.pos+1:], '"')
		if end < 0 {
			return p.wrong(p.pos, "The double quotes of this name are not closed.")
		}
		p.tok.kind, p.tok.text = tokenQuoted, s[p.pos+1:p.pos+1+end]
		p.pos += end + 2
		if p.tok.text == "" {
			return p.wrong(p.tok.off, "A name in double quotes must not be empty.")
		}
		return nil
	case r >= '0' && r <= '9' || r == '.':
		return p.number()
	case startsName(r):
		end := p.pos
		for i, r := range s[p.pos:] {
			if !inName(r) {
				break
			}
			end = p.pos + i + utf8.RuneLen(r)
		}
		p.tok.kind, p.tok.text = tokenWord, s[p.pos:end]
		p.tok.word = upper(p.tok.text)
		p.pos = end
		return nil
	}
	for _, sign := range []string{"<>", "<=", ">=", "<", ">", "=", "(", ")", ",", "+", "-", "*", "/", "%", "^"} {
		if strings.HasPrefix(s[p.pos:], sign) {
			p.tok.kind, p.tok.text = tokenSign, sign
			p.pos += len(sign)
			return nil
		}
	}
	switch {
	case strings.HasPrefix(s[p.pos:], "!="):
		return p.wrong(p.pos, "“!=” is no comparison; write <>.")
	case r == '[' || r == '{':
		return p.wrong(p.pos, "Lists stand in round brackets, as in ('a', 'b').")
	case r == '‘' || r == '’':
		return p.wrong(p.pos, "Texts stand in straight quotes, as in 'Kurram'.")
	}
	return p.wrong(p.pos, "%s is no sign of a filter.", quote(string(r)))
}

// text reads a text. Two quotes, or a backslash and a quote, stand for one; any
// other backslash stands for itself.
func (p *parser) text() error {
	s := p.source
	var b strings.Builder
	for i := p.pos + 1; i < len(s); i++ {
		switch {
		case s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'', s[i] == '\\' && i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		case s[i] == '\'':
			p.tok.kind, p.tok.text = tokenText, b.String()
			p.pos = i + 1
			return nil
		default:
			b.WriteByte(s[i])
		}
	}
	return p.wrong(p.pos, "The quotes of this text are not closed.")
}

// number reads a number without its sign.
func (p *parser) number() error {
	s, i := p.source, p.pos
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	some := digits()
	if i < len(s) && s[i] == '.' {
		i++
		some = digits() || some
	}
	if some && i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		some = digits()
	}
	if r, n := utf8.DecodeRuneInString(s[i:]); !some || n > 0 && inName(r) {
		return p.wrong(p.pos, "A number is expected here, as in 12, 0.5 or 1E3.")
	}
	f, err := strconv.ParseFloat(s[p.pos:i], 64)
	if err != nil || math.IsInf(f, 0) {
		return p.wrong(p.pos, "The number %s is too large.", quote(s[p.pos:i]))
	}
	p.tok.kind, p.tok.text, p.tok.num = tokenNumber, s[p.pos:i], f
	p.pos = i
	return nil
}

// startsName and inName are the characters of names without quotes.
func startsName(r rune) bool {
	for _, span := range [...][2]rune{{':', ':'}, {'_', '_'}, {'A', 'Z'}, {'a', 'z'}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFE},
		{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFC}, {0x10000, 0xEFFFF}} {
		if r >= span[0] && r <= span[1] {
			return !unicode.IsSpace(r)
		}
	}
	return false
}

func inName(r rune) bool {
	return startsName(r) || r == '.' || r >= '0' && r <= '9' || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

func (p *parser) isSign(sign string) bool { return p.tok.kind == tokenSign && p.tok.text == sign }
func (p *parser) isWord(word string) bool { return p.tok.kind == tokenWord && p.tok.word == word }

// expect takes a sign.
func (p *parser) expect(sign, why string) error {
	if !p.isSign(sign) {
		return p.wrong(p.tok.off, "“%s” is expected here%s, not %s.", sign, why, p.tok)
	}
	return p.next()
}

// deeper counts what is nested, also where no node is made of it. Written out,
// each operation may need brackets, so twice as much is taken as of operations.
func (p *parser) deeper(off int) error {
	if p.depth++; p.depth > 2*MaxDepth {
		return p.wrong(off, "The filter is nested too deeply; at most %d levels are taken.", MaxDepth)
	}
	return nil
}

// enter takes a token behind which something is nested.
func (p *parser) enter(off int) error {
	if err := p.deeper(off); err != nil {
		return err
	}
	return p.next()
}

func (p *parser) or() (*node, error)  { return p.chain("OR", "or", p.and) }
func (p *parser) and() (*node, error) { return p.chain("AND", "and", p.not) }

// chain reads operands that a word joins.
func (p *parser) chain(word, op string, operand func() (*node, error)) (*node, error) {
	n, err := operand()
	if err != nil || !p.isWord(word) {
		return n, err
	}
	args := []*node{n}
	for p.isWord(word) {
		if err := p.next(); err != nil {
			return nil, err
		}
		if n, err = operand(); err != nil {
			return nil, err
		}
		args = append(args, n)
	}
	return p.node(op, args[0].off, args...)
}

func (p *parser) not() (*node, error) {
	if !p.isWord("NOT") {
		return p.predicate()
	}
	off := p.tok.off
	if err := p.enter(off); err != nil {
		return nil, err
	}
	n, err := p.not()
	if err != nil {
		return nil, err
	}
	p.depth--
	return p.node("not", off, n)
}

// predicate reads a value and what is said of it, or a condition in brackets.
func (p *parser) predicate() (*node, error) {
	left, err := p.sum()
	if err != nil {
		return nil, err
	}
	n, err := p.said(left)
	if err != nil {
		return nil, err
	}
	if p.tok.kind == tokenSign && isComparison(p.tok.text) {
		return nil, p.wrong(p.tok.off, "A comparison cannot be compared again; join two comparisons with AND.")
	}
	return n, nil
}

func (p *parser) said(left *node) (*node, error) {
	if p.tok.kind == tokenSign && isComparison(p.tok.text) {
		op := p.tok.text
		if err := p.next(); err != nil {
			return nil, err
		}
		right, err := p.sum()
		if err != nil {
			return nil, err
		}
		return p.node(op, left.off, left, right)
	}
	if p.isWord("IS") {
		return p.null(left)
	}
	negated := p.isWord("NOT")
	if negated {
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	var n *node
	var err error
	switch {
	case p.isWord("LIKE"):
		n, err = p.like(left)
	case p.isWord("BETWEEN"):
		n, err = p.between(left)
	case p.isWord("IN"):
		n, err = p.in(left)
	case negated:
		return nil, p.wrong(p.tok.off, "LIKE, BETWEEN or IN is expected here, not %s.", p.tok)
	default:
		return left, nil
	}
	if err != nil || !negated {
		return n, err
	}
	return p.node("not", left.off, n)
}

func (p *parser) null(left *node) (*node, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	negated := p.isWord("NOT")
	if negated {
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	if !p.isWord("NULL") {
		return nil, p.wrong(p.tok.off, "NULL or NOT NULL is expected here, not %s.", p.tok)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	n, err := p.node("isNull", left.off, left)
	if err != nil || !negated {
		return n, err
	}
	return p.node("not", left.off, n)
}

func (p *parser) like(left *node) (*node, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	pattern, err := p.sum()
	if err != nil {
		return nil, err
	}
	return p.node("like", left.off, left, pattern)
}

func (p *parser) between(left *node) (*node, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	low, err := p.sum()
	if err != nil {
		return nil, err
	}
	if !p.isWord("AND") {
		return nil, p.wrong(p.tok.off, "AND and the upper end of BETWEEN are expected here, not %s.", p.tok)
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	high, err := p.sum()
	if err != nil {
		return nil, err
	}
	return p.node("between", left.off, left, low, high)
}

func (p *parser) in(left *node) (*node, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	list, err := p.list(" to begin a list")
	if err != nil {
		return nil, err
	}
	if len(list.args) == 0 {
		return nil, p.wrong(list.off, "The list of IN must not be empty.")
	}
	return p.node("in", left.off, left, list)
}

// list reads values in brackets.
func (p *parser) list(why string) (*node, error) {
	off := p.tok.off
	if err := p.expect("(", why); err != nil {
		return nil, err
	}
	var args []*node
	for !p.isSign(")") || len(args) > 0 {
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		if args = append(args, n); len(args) > MaxList {
			break
		}
		if !p.isSign(",") {
			break
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	n, err := p.node(opList, off, args...)
	if err != nil {
		return nil, err
	}
	return n, p.expect(")", " or “,”")
}

// sum, term and power read calculations, the loosest first.
func (p *parser) sum() (*node, error) {
	return p.operators(p.term, func() string {
		if p.isSign("+") || p.isSign("-") {
			return p.tok.text
		}
		return ""
	})
}

func (p *parser) term() (*node, error) {
	return p.operators(p.power, func() string {
		switch {
		case p.isSign("*"), p.isSign("/"), p.isSign("%"):
			return p.tok.text
		case p.isWord("DIV"):
			return "div"
		}
		return ""
	})
}

func (p *parser) operators(operand func() (*node, error), operator func() string) (*node, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for op := operator(); op != ""; op = operator() {
		if err := p.next(); err != nil {
			return nil, err
		}
		right, err := operand()
		if err != nil {
			return nil, err
		}
		if left, err = p.node(op, left.off, left, right); err != nil {
			return nil, err
		}
	}
	return left, nil
}

func (p *parser) power() (*node, error) {
	left, err := p.factor()
	if err != nil || !p.isSign("^") {
		return left, err
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	right, err := p.factor()
	if err != nil {
		return nil, err
	}
	if p.isSign("^") {
		return nil, p.wrong(p.tok.off, "A power of a power needs brackets.")
	}
	return p.node("^", left.off, left, right)
}

// factor reads a value with its sign. The sign binds closer than a power, as
// the grammar of the standard has it.
func (p *parser) factor() (*node, error) {
	off := p.tok.off
	switch {
	case p.isSign("-"):
		if err := p.enter(off); err != nil {
			return nil, err
		}
		n, err := p.factor()
		if err != nil {
			return nil, err
		}
		p.depth--
		if n.op == opNumber {
			n.num, n.off = 0-n.num, off
			return n, nil
		}
		return p.node("*", off, &node{op: opNumber, off: off, depth: 1, num: -1}, n)
	case p.isSign("+"):
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.tok.kind != tokenNumber {
			return nil, p.wrong(p.tok.off, "A number is expected after “+”, not %s.", p.tok)
		}
	case p.isSign("("):
		if err := p.enter(off); err != nil {
			return nil, err
		}
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		p.depth--
		if p.isSign(",") {
			return nil, p.wrong(off, "A list stands only after IN and in an array function such as A_CONTAINS.")
		}
		return n, p.expect(")", " to close a bracket")
	}
	return p.primary()
}

func (p *parser) primary() (*node, error) {
	t := p.tok
	n := &node{op: opText, off: t.off, depth: 1, name: t.text}
	switch t.kind {
	case tokenText:
	case tokenNumber:
		n = &node{op: opNumber, off: t.off, depth: 1, num: t.num}
	case tokenQuoted:
		n.op = opProperty
	case tokenWord:
		switch {
		case t.word == "TRUE" || t.word == "FALSE":
			n = &node{op: opBoolean, off: t.off, depth: 1, truth: t.word == "TRUE"}
		case slices.Contains(reserved, t.word):
			return nil, p.wrong(t.off, "A value or a condition is expected here, not the word %s.", t.word)
		default:
			if err := p.next(); err != nil {
				return nil, err
			}
			_, isGeometry := geometryWords[t.word]
			if p.isSign("(") || isGeometry && p.isWord("Z") {
				return p.function(t)
			}
			n.op = opProperty
			return n, nil
		}
	default:
		return nil, p.wrong(t.off, "A value or a condition is expected here, not %s.", t)
	}
	return n, p.next()
}

// function reads what stands in the brackets after a word.
func (p *parser) function(word token) (*node, error) {
	op, ok := functions[word.word]
	if !ok {
		err := p.wrong(word.off, "There is no function %s.", quote(word.text))
		for name := range functions {
			err.Allowed = append(err.Allowed, name)
		}
		slices.Sort(err.Allowed)
		return nil, err
	}
	if err := p.deeper(word.off); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if op == opGeometry {
		g := &node{op: op, off: word.off, depth: 1}
		var err error
		g.geom, err = p.geometry(word.word, g)
		return g, err
	}
	if err := p.next(); err != nil {
		return nil, err
	}
	switch op {
	case opDate, opTimestamp:
		t := p.tok
		if t.kind != tokenText {
			return nil, p.wrong(t.off, "%s takes a text in single quotes, not %s.", word.word, t)
		}
		read := p.day
		if op == opTimestamp {
			read = p.timestamp
		}
		n, err := read(t.off, t.text)
		if err != nil {
			return nil, err
		}
		n.off = word.off
		if err := p.next(); err != nil {
			return nil, err
		}
		return n, p.expect(")", " to close "+word.word)
	case opInterval:
		return p.interval(word)
	case opBBox:
		return p.bbox(word)
	}
	var args []*node
	for {
		var n *node
		var err error
		if slices.Contains(arrayOps, op) && p.isSign("(") {
			n, err = p.list("")
		} else {
			n, err = p.sum()
		}
		if err != nil {
			return nil, err
		}
		if args = append(args, n); len(args) == operations[op].args {
			break
		}
		if err := p.expect(",", " before the second argument of "+word.word); err != nil {
			return nil, err
		}
	}
	if err := p.expect(")", " to close "+word.word); err != nil {
		return nil, err
	}
	return p.node(op, word.off, args...)
}

func (p *parser) interval(word token) (*node, error) {
	var ends []*node
	for len(ends) < 2 {
		var n *node
		var err error
		switch t := p.tok; {
		case t.kind == tokenText:
			n, err = p.intervalEnd(t.off, t.text)
		case t.kind == tokenQuoted, t.kind == tokenWord && !slices.Contains(reserved, t.word):
			n = &node{op: opProperty, off: t.off, depth: 1, name: t.text}
		default:
			err = p.wrong(t.off, "An end of INTERVAL is a day or an instant in single quotes, '..' or the name of a property, not %s.", t)
		}
		if err != nil {
			return nil, err
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		if ends = append(ends, n); len(ends) == 1 {
			if err := p.expect(",", " before the end of INTERVAL"); err != nil {
				return nil, err
			}
		}
	}
	if err := p.expect(")", " to close INTERVAL"); err != nil {
		return nil, err
	}
	return p.node(opInterval, word.off, ends...)
}

func (p *parser) bbox(word token) (*node, error) {
	var v []float64
	var offs []int
	for {
		offs = append(offs, p.tok.off)
		x, err := p.coordinate()
		if err != nil {
			return nil, err
		}
		if v = append(v, x); !p.isSign(",") || len(v) == 6 {
			break
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	n, err := p.box(word.off, v, offs)
	if err != nil {
		return nil, err
	}
	return n, p.expect(")", " to close BBOX")
}

// box makes a box of four or six numbers.
func (b *builder) box(off int, v []float64, offs []int) (*node, error) {
	switch len(v) {
	case 4:
	case 6:
		if v[2] > v[5] {
			return nil, b.wrong(offs[2], "The box has its least height above its greatest.")
		}
		v, offs = []float64{v[0], v[1], v[3], v[4]}, []int{offs[0], offs[1], offs[3], offs[4]}
	default:
		return nil, b.wrong(off, "A box takes four numbers, or six with heights; it has %d.", len(v))
	}
	return &node{op: opBBox, off: off, depth: 1, geom: orb.MultiPoint{{v[0], v[1]}, {v[2], v[3]}}, offs: []int{offs[0], offs[2]}}, nil
}

// coordinate reads a number with its sign.
func (p *parser) coordinate() (float64, error) {
	sign := 1.0
	if p.isSign("-") || p.isSign("+") {
		if p.isSign("-") {
			sign = -1
		}
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	if p.tok.kind != tokenNumber {
		return 0, p.wrong(p.tok.off, "A coordinate is expected here, not %s.", p.tok)
	}
	x := p.tok.num
	return 0 + sign*x, p.next()
}

// geometry reads what follows the word of a geometry, and notes its positions in n.
func (p *parser) geometry(word string, n *node) (orb.Geometry, error) {
	if p.isWord("Z") {
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	position := func() (orb.Point, error) { return p.position(n) }
	line := func(least int, what string) func() ([]orb.Point, error) {
		return func() ([]orb.Point, error) {
			off := p.tok.off
			points, err := several(p, position)
			if err == nil {
				err = p.checkLine(off, points, least, what)
			}
			return points, err
		}
	}
	lineString := func() (orb.LineString, error) { return line(2, "line")() }
	ring := func() (orb.Ring, error) { return line(4, "ring")() }
	polygon := func() (orb.Polygon, error) { return several(p, ring) }
	inBrackets := func() (orb.Point, error) { // the brackets of a point within a MULTIPOINT are often left out
		if !p.isSign("(") {
			return position()
		}
		if err := p.next(); err != nil {
			return orb.Point{}, err
		}
		at, err := position()
		if err != nil {
			return at, err
		}
		return at, p.expect(")", " to close a point")
	}
	switch word {
	case "POINT":
		if !p.isSign("(") {
			return nil, p.expect("(", " to begin a point")
		}
		return inBrackets()
	case "LINESTRING":
		return lineString()
	case "POLYGON":
		return polygon()
	case "MULTIPOINT":
		points, err := several(p, inBrackets)
		return orb.MultiPoint(points), err
	case "MULTILINESTRING":
		lines, err := several(p, lineString)
		return orb.MultiLineString(lines), err
	case "MULTIPOLYGON":
		polygons, err := several(p, polygon)
		return orb.MultiPolygon(polygons), err
	}
	parts, err := several(p, func() (orb.Geometry, error) {
		t := p.tok
		if _, ok := geometryWords[t.word]; t.kind != tokenWord || !ok || t.word == "GEOMETRYCOLLECTION" {
			return nil, p.wrong(t.off, "A geometry that is no collection is expected here, not %s.", t)
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		return p.geometry(t.word, n)
	})
	return orb.Collection(parts), err
}

// several reads one or more parts in brackets.
func several[T any](p *parser, part func() (T, error)) ([]T, error) {
	if err := p.expect("(", " to begin a geometry"); err != nil {
		return nil, err
	}
	var parts []T
	for {
		one, err := part()
		if err != nil {
			return nil, err
		}
		if parts = append(parts, one); !p.isSign(",") {
			return parts, p.expect(")", " or “,”")
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
}

// position reads two or three coordinates, of which the third is left out.
func (p *parser) position(n *node) (at orb.Point, err error) {
	off := p.tok.off
	if at[0], err = p.coordinate(); err != nil {
		return at, err
	}
	if at[1], err = p.coordinate(); err != nil {
		return at, err
	}
	if p.tok.kind == tokenNumber || p.isSign("-") || p.isSign("+") {
		if _, err = p.coordinate(); err != nil {
			return at, err
		}
	}
	return at, p.vertex(n, off)
}

// vertex counts a position.
func (b *builder) vertex(n *node, off int) error {
	if b.vertices++; b.vertices > MaxVertices {
		return b.wrong(off, "The geometries of the filter have more than %d positions.", MaxVertices)
	}
	n.offs = append(n.offs, off)
	return nil
}

// checkLine checks a line or, if it needs four positions, a ring.
func (b *builder) checkLine(off int, points []orb.Point, least int, what string) error {
	switch {
	case len(points) < least:
		return b.wrong(off, "A %s has at least %d positions, not %d.", what, least, len(points))
	case least == 4 && points[0] != points[len(points)-1]:
		return b.wrong(off, "A ring ends where it begins.")
	case !slices.ContainsFunc(points, func(p orb.Point) bool { return p != points[0] }):
		return b.wrong(off, "This %s stays at one place.", what)
	}
	return nil
}
