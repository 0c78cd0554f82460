package cql2

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// Lang is an encoding of CQL2.
type Lang string

// The encodings, named as the parameter filter-lang names them.
const (
	Text Lang = "cql2-text"
	JSON Lang = "cql2-json"
)

// Langs lists the encodings.
var Langs = []Lang{Text, JSON}

// The limits of a filter. What is beyond is refused with [incident.CodeInvalid].
const (
	// MaxBytes bounds the text of a filter.
	MaxBytes = 1 << 16
	// MaxDepth bounds how deep operations may stand in one another; of brackets twice as many are taken. The operators of
	// a sum or of a product, as in 1 + 2 - 3, count once.
	MaxDepth = 50
	// MaxTerms bounds the terms of a sum or a product, with those of sums and products within it counted too.
	MaxTerms = 1_000
	// MaxVertices bounds the positions of all geometries of a filter together.
	MaxVertices = 10_000
	// MaxList bounds the values of one list of IN or of one array.
	MaxList = 1_000
	// MaxPattern bounds the bytes of a pattern of LIKE.
	MaxPattern = 1_000
)

// Options say how a filter is read. The zero value is right for coordinates in CRS84.
type Options struct {
	// CRS turns a position of a literal, its first coordinate at index 0, into
	// longitude and latitude (CRS84); nil takes positions as they are. Of three
	// coordinates the third is left out before.
	CRS func(orb.Point) orb.Point
}

// Error says what is wrong with a filter and where. It carries an
// [incident.Error] with [incident.CodeInvalid].
type Error struct {
	// Offset is the place in bytes from 0; it is the length of the filter where something is missing at its end.
	Offset int
	// Line and Column are the same place, counted from 1, columns in characters.
	Line, Column int
	// Message is a full sentence for the one who wrote the filter, without the place.
	Message string
	// Allowed lists what would have been taken in its place, nil if it cannot be listed.
	Allowed []string
}

// Error gives the place and the message.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// Unwrap gives the error as one of the domain.
func (e *Error) Unwrap() error {
	return &incident.Error{Code: incident.CodeInvalid, Message: fmt.Sprintf("The filter is wrong at %d:%d: %s", e.Line, e.Column, e.Message), Allowed: e.Allowed}
}

// wrong makes an error of a place in a filter.
func wrong(source string, offset int, format string, args ...any) *Error {
	before := source[:min(max(offset, 0), len(source))]
	line := strings.Count(before, "\n") + 1
	return &Error{Offset: len(before), Line: line, Column: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1, Message: fmt.Sprintf(format, args...)}
}

// Expression is a filter that was read.
type Expression struct {
	source string
	root   *node
}

// Read reads a filter and checks that its properties exist and that what it
// compares goes together. Its error is an *[Error].
func Read(source string, lang Lang) (*Expression, error) {
	if len(source) > MaxBytes {
		return nil, wrong(source, MaxBytes, "The filter is longer than %d bytes.", MaxBytes)
	}
	for i, r := range source {
		if _, n := utf8.DecodeRuneInString(source[i:]); r == utf8.RuneError && n == 1 {
			return nil, wrong(source, i, "The filter is not text in UTF-8.")
		}
	}
	read := readText
	switch lang {
	case Text:
	case JSON:
		read = readJSON
	default:
		err := wrong(source, 0, "There is no filter language %s.", quote(string(lang)))
		err.Allowed = []string{string(Text), string(JSON)}
		return nil, err
	}
	root, err := read(source)
	if err != nil {
		return nil, err
	}
	b := builder{source: source}
	if err := b.condition(root); err != nil {
		return nil, err
	}
	return &Expression{source: source, root: root}, nil
}

// Text writes the filter in the text encoding, in one line with no more brackets than it needs.
func (e *Expression) Text() string { return string(appendText(nil, e.root)) }

// JSON writes the filter in the JSON encoding.
func (e *Expression) JSON() []byte { return appendJSON(nil, e.root) }

// Filter gives the filter as stores take it. Its error, for a position outside
// the world, is an *[Error].
func (e *Expression) Filter(opt Options) (incident.Filter, error) {
	c := compiler{builder: builder{source: e.source}, opt: opt}
	return c.filter(e.root, whole)
}

// Parse reads a filter as stores take it. Its error is an *[Error].
func Parse(source string, lang Lang, opt Options) (incident.Filter, error) {
	e, err := Read(source, lang)
	if err != nil {
		return nil, err
	}
	return e.Filter(opt)
}
