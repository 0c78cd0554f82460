package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"sarhad/incident"
)

// CodeBadJSON is a record that is no JSON object, or one with a member twice.
const CodeBadJSON = "bad_json"

// item is one value of a list or one line.
type item struct {
	raw     []byte
	number  int // the line, or the number in the list from 1
	problem *Issue
}

// itemSource gives JSON values one after the other, io.EOF behind the last.
type itemSource interface {
	item() (item, error)
}

// listMembers are the members in which services wrap the list of their answer.
var listMembers = []string{"data", "Result", "result", "results", "records", "items", "events"}

// openJSON opens a FeatureCollection, a list of objects or of features, or one object a line.
func openJSON(in *input, br *bufio.Reader, sniff []byte, opt Options) (Reader, error) {
	if separator := bytes.HasPrefix(bytes.TrimLeft(sniff, " \t\r\n"), []byte{0x1e}); separator || inLines(sniff, opt.File) {
		return openItems(in, newJSONLines(br, separator), opt)
	}
	l := &limitedReader{r: br}
	l.reset()
	g := &geojsonReader{in: in, decoder: newDecoder(tableLayout, opt), limit: l, dec: json.NewDecoder(l), mapping: opt.Mapping}
	t, err := g.dec.Token()
	if err != nil {
		return nil, g.frame(err)
	}
	if t == json.Delim('[') {
		return openItems(in, &jsonList{g: g}, opt)
	}
	if t != json.Delim('{') {
		return nil, refuse(opt.File, "the file is JSON and holds no records")
	}
	var c collection
	found, err := g.members(&c)
	switch {
	case err != nil:
		return nil, err
	case c.list:
		return openItems(in, &jsonList{g: g, wrapped: true}, opt)
	case !found && c.kind == "":
		return nil, refuse(opt.File, "the file is JSON and no GeoJSON FeatureCollection, list of objects or object a line")
	case !found:
		return nil, refuse(opt.File, "the file is a GeoJSON %s; a FeatureCollection with features is read", excerpt(c.kind))
	}
	if opt.Format != FormatAuto && opt.Format != FormatGeoJSON {
		return nil, refuse(opt.File, "the file is GeoJSON, which cannot be read as %s", opt.Format)
	}
	return openGeoJSON(g, &c, opt)
}

// inLines tells one object a line from a document.
func inLines(sniff []byte, file string) bool {
	name := strings.ToLower(strings.TrimSuffix(file, ".gz"))
	if slices.Contains([]string{".ndjson", ".jsonl", ".geojsonl", ".geojsons", ".geojsonseq"}, path.Ext(name)) {
		return true
	}
	text := bytes.TrimLeft(sniff, " \t\r\n")
	if !bytes.HasPrefix(text, []byte("{")) {
		return false
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if json.Valid(first) {
		document := false
		eachMember(bytes.TrimSpace(first), func(key string, value []byte) bool {
			list := value[0] == '['
			document = document || key == "features" || list && slices.Contains(listMembers, key) || key == "type" && string(value) == `"FeatureCollection"`
			return true
		})
		return !document
	}
	// The first line may be a broken one: then the next is whole.
	second, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t\r\n"), []byte("\n"))
	return len(bytes.TrimSpace(first)) > 1 && !bytes.Contains(first, []byte(`"features"`)) && !bytes.Contains(first, []byte(`"FeatureCollection"`)) &&
		bytes.HasPrefix(second, []byte("{")) && json.Valid(second)
}

// jsonLines gives the lines of a text, or what stands between record separators (RFC 8142).
type jsonLines struct {
	lines     *records
	separator bool
	n         int
}

func newJSONLines(r io.Reader, separator bool) *jsonLines {
	nl := byte('\n')
	if separator {
		nl = 0x1e
	}
	return &jsonLines{lines: newRecords(r, dialect{0, nl, 0}), separator: separator}
}

func (j *jsonLines) item() (item, error) {
	for {
		raw, problem, err := j.lines.whole()
		if err != nil {
			return item{}, err
		}
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 {
			continue
		}
		j.n++
		it := item{raw: raw, number: j.lines.at, problem: problem}
		if j.separator {
			it.number = j.n
		}
		if problem == nil {
			it.check(false)
		}
		return it, nil
	}
}

// whole gives the next line as it is; problem is one that is too long.
func (s *records) whole() ([]byte, *Issue, error) {
	n, with, ok := s.physical(0)
	switch {
	case !ok:
		head := bytes.Clone(s.buf[s.pos : s.pos+200])
		problem := s.tooLong()
		if errors.Is(s.err, errEndless) {
			return nil, nil, s.err
		}
		return head, problem, nil
	case with == 0 && s.err != nil:
		return nil, nil, s.err
	case with == 0:
		return nil, nil, io.EOF
	case s.done && s.err != nil && with == n:
		return nil, nil, s.err // the file was cut within this line
	}
	line := s.buf[s.pos : s.pos+n]
	s.at = s.line
	s.pos += with
	s.line++
	return line, nil, nil
}

// check holds a value against what a record is. parsed is true if it is known to be valid JSON.
func (it *item) check(parsed bool) {
	it.problem = nil
	bad := func(code, reason string) {
		it.problem = &Issue{Code: code, Reason: reason, Value: string(it.raw[:min(len(it.raw), 400)])}
	}
	switch {
	case !utf8.Valid(it.raw):
		bad(CodeBadEncoding, "the row is not text in UTF-8")
	case len(it.raw) > maxRecord:
		bad(CodeTooLong, "the record is longer than 1 MB")
	case it.raw[0] != '{':
		bad(CodeBadJSON, "it is no JSON object")
	case !parsed && !json.Valid(it.raw):
		var v json.RawMessage
		err := json.Unmarshal(it.raw, &v)
		bad(CodeBadJSON, fmt.Sprintf("the JSON is broken: %v", err))
	default:
		if key := doubled(it.raw); key != "" {
			bad(CodeBadJSON, fmt.Sprintf("the member %q comes twice", excerpt(key)))
		}
	}
}

// jsonList gives the values of a list, whose [ was read.
type jsonList struct {
	g       *geojsonReader // which knows how to read the frame
	wrapped bool
}

func (j *jsonList) item() (item, error) {
	g := j.g
	g.limit.reset()
	if g.dec.More() {
		var raw json.RawMessage
		if err := g.dec.Decode(&raw); err != nil {
			return item{}, g.frame(err)
		}
		g.number++
		it := item{raw: raw, number: g.number}
		it.check(true)
		return it, nil
	}
	if j.wrapped {
		if err := g.end(); err != nil {
			return item{}, err
		}
		return item{}, io.EOF
	}
	if _, err := g.dec.Token(); err != nil { // ]
		return item{}, g.frame(err)
	}
	if err := g.nothing(); err != nil {
		return item{}, err
	}
	return item{}, io.EOF
}

// How far is read ahead to know the columns of objects.
const (
	aheadItems = 1000
	aheadBytes = 4 << 20
)

// ahead gives items that were read before, then those of its source.
type ahead struct {
	itemSource
	items []item
	err   error
}

func (a *ahead) read() {
	size := 0
	for len(a.items) < aheadItems && size < aheadBytes && a.err == nil {
		it, err := a.itemSource.item()
		if a.err = err; err == nil {
			it.raw = bytes.Clone(it.raw)
			size += len(it.raw)
			a.items = append(a.items, it)
		}
	}
}

func (a *ahead) item() (item, error) {
	if len(a.items) > 0 {
		it := a.items[0]
		a.items = a.items[1:]
		return it, nil
	}
	if a.err != nil {
		return item{}, a.err
	}
	return a.itemSource.item()
}

// openItems opens a list of objects as a table of their members, or one of features.
func openItems(in *input, src itemSource, opt Options) (Reader, error) {
	a := &ahead{itemSource: src}
	a.read()
	features, objects := false, false
	for _, it := range a.items {
		if it.problem != nil {
			continue
		}
		objects = true
		eachMember(it.raw, func(key string, value []byte) bool {
			features = features || key == "type" && string(value) == `"Feature"`
			return true
		})
		break
	}
	var of *incident.Error
	switch {
	case !objects && errors.As(a.err, &of):
		return nil, a.err // broken before the first record
	case len(a.items) == 0:
		return nil, refuse(opt.File, "the file is empty")
	case a.items[0].raw[0] == '[' && json.Valid(a.items[0].raw) && opt.Format != FormatGeoJSON:
		return openTable(in, &jsonArrays{src: a}, opt)
	case !objects:
		return nil, refuse(opt.File, "the file is JSON and holds no objects: %s", a.items[0].problem.Reason)
	case features && (opt.Format == FormatAuto || opt.Format == FormatGeoJSON):
		g := &geojsonReader{in: in, decoder: newDecoder(tableLayout, opt), items: a, mapping: opt.Mapping}
		return openGeoJSON(g, &collection{}, opt)
	case opt.Format == FormatGeoJSON:
		return nil, refuse(opt.File, "the file is JSON and no GeoJSON")
	}
	t := &jsonTable{src: a, index: map[string]int{}}
	for _, it := range a.items {
		if it.problem == nil {
			eachMember(it.raw, func(key string, _ []byte) bool {
				if _, ok := t.index[key]; !ok && len(t.header) < maxColumns {
					t.index[key] = len(t.header)
					t.header = append(t.header, key)
				}
				return true
			})
		}
	}
	if _, ok := t.index[recordColumn]; !ok && !isTagRow(t.header) {
		t.header, t.whole = append(t.header, recordColumn), true
	}
	return openTable(in, t, opt)
}

// recordColumn is a column behind those of objects, or beside those of
// features. It is empty but in a file of refused rows, where it holds the JSON
// of a record that could not be taken apart. geometryColumn does the same for a
// geometry that is no point.
const (
	recordColumn   = "record"
	geometryColumn = "geometry"
)

// maxColumns is the most members of objects that become columns.
const maxColumns = 2000

// jsonTable gives the members of objects as the fields of a table.
type jsonTable struct {
	src    *ahead
	header []string
	begun  bool
	index  map[string]int
	whole  bool // the last column is that of the record
	number int
	fields []string
}

func (t *jsonTable) record() (int, []string) { return t.number, t.fields }
func (t *jsonTable) expect(int, int)         {}
func (t *jsonTable) behind() string          { return fmt.Sprintf("behind record %d", t.number) }

func (t *jsonTable) next() (*Issue, error) {
	if !t.begun {
		t.begun, t.fields = true, slices.Clone(t.header)
		return nil, nil
	}
	it, err := t.src.item()
	if err != nil {
		return nil, err
	}
	t.number = it.number
	if it.problem != nil {
		t.fields = make([]string, len(t.header))
		if t.whole {
			t.fields[len(t.fields)-1] = string(it.raw)
		}
		return it.problem, nil
	}
	t.fields = make([]string, len(t.header))
	var problem *Issue
	eachMember(it.raw, func(key string, value []byte) bool {
		i, ok := t.index[key]
		v := plain(value)
		switch {
		case ok:
			t.fields[i] = v
		case v != "" && isKnown(key):
			problem = &Issue{Code: CodeBadJSON, Value: v, Reason: fmt.Sprintf("the member %q is in none of the first records and would be lost", excerpt(key))}
		}
		if strings.IndexByte(v, 0) >= 0 {
			problem = &Issue{Code: CodeBadEncoding, Value: v, Reason: "the row holds a NUL byte", field: i + 1}
		}
		return true
	})
	return problem, nil
}

// jsonArrays gives a list of lists, of which the first holds the headings: the
// form in which services of HXL answer.
type jsonArrays struct {
	src    *ahead
	want   int
	number int
	fields []string
}

func (t *jsonArrays) record() (int, []string) { return t.number, t.fields }
func (t *jsonArrays) expect(fields, _ int)    { t.want = fields }
func (t *jsonArrays) behind() string          { return fmt.Sprintf("behind record %d", t.number) }

func (t *jsonArrays) next() (*Issue, error) {
	for {
		it, err := t.src.item()
		if err != nil {
			return nil, err
		}
		t.number = it.number
		if it.problem != nil && it.problem.Code != CodeBadJSON {
			t.fields = []string{it.problem.Value}
			return it.problem, nil
		}
		list, ok := listOf(it.raw)
		if !ok {
			t.fields = []string{string(it.raw)}
			return &Issue{Code: CodeBadJSON, Value: string(it.raw[:min(len(it.raw), 400)]), Reason: "it is no list, as the first record is"}, nil
		}
		t.fields = make([]string, len(list))
		filled := false
		for i, v := range list {
			t.fields[i] = plain(v)
			filled = filled || t.fields[i] != ""
			if strings.IndexByte(t.fields[i], 0) >= 0 {
				return &Issue{Code: CodeBadEncoding, Value: t.fields[i], Reason: "the row holds a NUL byte", field: i + 1}, nil
			}
		}
		if !filled {
			continue
		}
		if t.want > 0 && len(t.fields) != t.want {
			return wrongCount(t.fields, t.want), nil
		}
		return nil, nil
	}
}

// listOf gives the values of a JSON list.
func listOf(raw []byte) (list []json.RawMessage, ok bool) {
	ok = raw[0] == '[' && json.Unmarshal(raw, &list) == nil
	return list, ok
}

// isKnown reports whether a name is a header of any layout.
func isKnown(name string) bool {
	name = fold(name)
	for _, l := range []*layout{tableLayout, gedLayout, acledLayout} {
		for _, names := range l.names {
			if slices.Contains(names, name) {
				return true
			}
		}
	}
	return false
}

// eachMember calls f with the members of a JSON object, which must be valid,
// until it says false. Values are without blanks around them, and never empty.
func eachMember(object []byte, f func(key string, value []byte) bool) {
	b := bytes.TrimSpace(object)
	if len(b) < 2 || b[0] != '{' {
		return
	}
	for b = skipBlank(b[1:]); len(b) > 0 && b[0] == '"'; b = skipBlank(b) {
		n := valueEnd(b)
		name := b[:n]
		b = skipBlank(b[n:])
		if len(b) == 0 || b[0] != ':' {
			return
		}
		b = skipBlank(b[1:])
		if n = valueEnd(b); n == 0 {
			return
		}
		key := string(name[1 : len(name)-1])
		if strings.IndexByte(key, '\\') >= 0 && json.Unmarshal(name, &key) != nil {
			return
		}
		if !f(key, b[:n]) {
			return
		}
		if b = skipBlank(b[n:]); len(b) > 0 && b[0] == ',' {
			b = b[1:]
		}
	}
}

func skipBlank(b []byte) []byte {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return b[i:]
}

// valueEnd gives the length of the value that valid JSON begins with.
func valueEnd(b []byte) int {
	depth, i := 0, 0
	for i < len(b) {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
			if i >= len(b) {
				return 0
			}
			i++
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ' ', '\n', '\t', '\r', ':':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			if depth == 0 {
				continue // within a number or a word
			}
		}
		if depth == 0 {
			return i
		}
	}
	return i
}

// doubled gives a member that an object, or an object in it, has twice; "" if none.
func doubled(object []byte) (twice string) {
	var few [48]string
	seen := few[:0]
	eachMember(object, func(key string, value []byte) bool {
		if slices.Contains(seen, key) {
			twice = key
		} else if value[0] == '{' {
			twice = doubled(value)
		}
		if len(seen) < 1000 {
			seen = append(seen, key)
		}
		return twice == ""
	})
	return twice
}
