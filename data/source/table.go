package source

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"sarhad/incident"
)

// rejectColumns stand before the columns of the source in a file of refused rows.
var rejectColumns = []string{"file", "line", "column", "value", "code", "reason"}

// RejectColumns are the columns that stand before those of the source in a
// file of refused rows. A table that begins with them is read without them, so
// that such a file can be mended and loaded again.
func RejectColumns() []string { return slices.Clone(rejectColumns) }

type tableReader struct {
	*decoder
	in     *input
	recs   recordSource
	format string // what Layout says
	skip   int    // leading columns that are not the source's
	want   int    // columns of the header, with those
	// harmless is true for an export of ours in which apostrophes stand in front of formulas.
	harmless bool
	// year is the index of the column year + 1, -1 if there is none, 0 before that is known.
	year int
	// next is the record that Open looked at, to be given by the first Next.
	next *peeked
}

type peeked struct {
	line    int
	fields  []string
	problem *Issue
	err     error
	faults  []cellFault
}

// maxTitle is the most records that are looked at to find the header.
const maxTitle = 20

// openTable finds the header, which may stand below a title or be nothing but
// HXL tags, and what its columns mean.
func openTable(in *input, recs recordSource, opt Options) (Reader, error) {
	t := &tableReader{in: in, recs: recs}
	var refused error // why the record that is most like a header is none
	most, data := 0, false
	for range maxTitle {
		if t.next == nil {
			t.recs.expect(0, -1)
			t.look()
		}
		p := t.next
		t.next = nil
		switch {
		case errors.Is(p.err, io.EOF) && refused == nil:
			return nil, refuse(opt.File, "the file is empty")
		case errors.Is(p.err, io.EOF):
			return nil, refused
		case p.err != nil:
			return nil, frame(opt.File, &placedError{recs.behind(), p.err})
		case p.problem != nil && refused == nil:
			return nil, refuse(opt.File, "the header in line %d cannot be read: %s", p.line, p.problem.Reason)
		case p.problem != nil:
			continue
		}
		filled := 0
		for _, f := range p.fields {
			if trim(f) != "" {
				filled++
			}
		}
		if refused != nil && filled <= most {
			continue // a title stands in fewer cells than the header
		}
		found, err := t.header(p, opt)
		if found {
			return t, err
		}
		if refused == nil || filled > most {
			data = holdsData(p.fields)
			refused, most = err, filled
			if data {
				refused = refuse(opt.File, "the file has no header: line %d holds data already; found: %s; put the names of the columns above it", p.line, list(p.fields))
			}
		}
		if data {
			break
		}
	}
	return nil, refused
}

// holdsData reports whether a record is one of data: a date stands in it.
func holdsData(fields []string) bool {
	for _, f := range fields {
		if _, p := parseDate(trim(f), orderNone); p == nil || p.code == CodeAmbiguousDate {
			return true
		}
	}
	return false
}

// header tries a record as the header. found is false if it is none.
func (t *tableReader) header(p *peeked, opt Options) (found bool, err error) {
	header := slices.Clone(p.fields)
	line := p.line
	t.skip = 0
	if len(header) > len(rejectColumns) && slices.Equal(header[:len(rejectColumns)], rejectColumns) {
		t.skip = len(rejectColumns)
		if err := t.origin(header, &opt); err != nil {
			return true, err
		}
	}
	columns := header[t.skip:]
	names := make(map[string]int, len(columns))
	var doubled error
	for i, h := range columns {
		columns[i] = trim(h)
		n := fold(h)
		if n == "" {
			continue
		}
		if j, ok := names[n]; ok && doubled == nil && !isTagRow(columns) {
			doubled = refuse(opt.File, "the header has the column %q twice (columns %d and %d)", columns[i], j+1, i+1)
		}
		names[n] = i
	}
	l, err := chooseLayout(names, columns, opt)
	if err != nil {
		return false, err
	}
	t.decoder = newDecoder(l, opt)
	t.columns = columns
	if j, ok := t.recs.(*jsonTable); ok && j.whole {
		t.beside = 1
	}
	if opt.Mapping != nil {
		if err := opt.Mapping.apply(t.decoder, names, opt.File); err != nil {
			return false, err
		}
	} else {
		t.known(names, func(field, int) bool { return true })
	}
	if !opt.Mapping.means() {
		t.recognise(names)
	}
	if two := t.twoFor(names, opt.Mapping); doubled == nil && two[0] != "" {
		doubled = refuse(opt.File, "two columns mean the same here: %q and %q; take one out, or say in a mapping which is which", two[0], two[1])
	}
	tags := columns
	if !isTagRow(columns) {
		// The row below may hold tags, and the header again where two files were put together.
		t.expect(len(header))
		if t.next == nil {
			t.look()
		}
		tags = nil
		if p := t.next; p.err == nil && isTagRow(p.fields) && len(p.fields) == len(header) {
			tags = p.fields[t.skip:]
		}
	}
	t.tagged(tags)
	if err := t.usable(opt); err != nil {
		if t.next != nil && t.next.problem != nil && t.next.problem.Code == CodeWrongFieldCount {
			t.next.problem = nil // this was no header to count by
		}
		return t.cols[fStart] >= 0, err // what names the date is the header, and its fault the one to tell
	}
	if doubled != nil {
		return true, doubled
	}
	if n := t.next; n != nil && n.err == nil && slices.EqualFunc(n.fields, header, func(a, b string) bool { return fold(a) == fold(b) }) {
		return true, refuse(opt.File, "the header stands twice (lines %d and %d)", line, n.line)
	}
	t.expect(len(header))
	if tags != nil {
		t.look()
	}
	t.format = l.name
	t.nameDataset(opt)
	return true, nil
}

// expect tells the records what the header says of them.
func (t *tableReader) expect(columns int) {
	t.want = columns
	date := t.cols[fStart]
	if t.own != nil {
		date = -1 // a text may well hold rows that look like ours, and no mark of it is astray
	}
	if date >= 0 {
		date += t.skip
	}
	t.recs.expect(columns, date)
}

// known finds the columns of known headers, those that free allows.
func (d *decoder) known(names map[string]int, free func(f field, column int) bool) {
	for f, candidates := range d.layout.names {
		for _, n := range candidates {
			if i, ok := names[n]; ok && free(field(f), i) {
				d.cols[f] = i
				break
			}
		}
	}
}

// twoFor gives two columns that are known for one field, where neither the
// layout nor a mapping says which of them it is.
func (t *tableReader) twoFor(names map[string]int, m *Mapping) (two [2]string) {
	if t.layout != tableLayout || t.ours() || m != nil && m.raw {
		return two
	}
	said := t.mappedColumns(m, names)
	for f, candidates := range t.layout.names {
		first := t.cols[f]
		if first < 0 || together[f] || said[first] {
			continue
		}
		for _, n := range candidates {
			if i, ok := names[n]; ok && i != first && !said[i] {
				return [2]string{t.columns[first], t.columns[i]}
			}
		}
	}
	return two
}

// mappedColumns are the columns that a mapping names.
func (d *decoder) mappedColumns(m *Mapping, names map[string]int) map[int]bool {
	said := map[int]bool{}
	if m != nil {
		for _, mf := range m.Fields {
			for _, c := range mf.headers() {
				if i, ok := names[fold(c)]; ok {
					said[i] = true
				}
			}
		}
	}
	return said
}

// recognise tells an export of ours by its header.
func (t *tableReader) recognise(names map[string]int) {
	if t.layout != tableLayout || !isOwn(func(name string) bool { _, ok := names[name]; return ok }) {
		return
	}
	t.own = func(name string) string {
		if i, ok := names[name]; ok {
			return t.raw[i]
		}
		return ""
	}
	switch t.recs.(type) {
	case *gpkgRows, *jsonTable, *jsonArrays: // which no spreadsheet opens
	default:
		t.harmless = true
	}
}

// plainly gives the fields of a row as they were before they were made harmless.
func (t *tableReader) plainly(fields []string) []string {
	if !t.harmless {
		return fields
	}
	return unharmed(fields)
}

// dialect is how a table of separated values is written.
type dialect struct{ delim, nl, quote byte }

// dialectOf finds the dialect from the first lines.
func dialectOf(sniff []byte) dialect {
	d := dialect{',', '\n', '"'}
	if bytes.IndexByte(sniff, '\n') < 0 && bytes.IndexByte(sniff, '\r') >= 0 {
		d.nl = '\r'
	}
	if text := bytes.TrimSpace(sniff); bytes.IndexByte(sniff, '"') < 0 && len(text) > 2 && text[0] == '\'' {
		if i := bytes.IndexByte(text[1:], '\''); i >= 0 && i+2 < len(text) && bytes.IndexByte([]byte(",;\t|"), text[i+2]) >= 0 {
			d.quote = '\''
		}
	}
	// Of each separator, how often it stands in each of the first lines.
	const lines = 20
	delims := []byte(",\t;|")
	var counts [4][lines]int
	n, quoted, filled := 0, false, false
	for _, c := range sniff {
		switch {
		case c == d.quote:
			quoted = !quoted
		case quoted:
		case c == d.nl:
			if filled {
				n++
			}
			filled = false
		default:
			if i := bytes.IndexByte(delims, c); i >= 0 {
				counts[i][n]++
			}
			filled = filled || c != '\r'
		}
		if n == lines {
			break
		}
	}
	n = min(n+1, lines)
	// The one that stands equally often in most lines, and often: the header and
	// the rows agree, which a title and the commas of a text do not.
	best := 0
	for i := range delims {
		score := 0
		for _, usual := range counts[i][:n] {
			agree := 0
			for _, c := range counts[i][:n] {
				if c == usual {
					agree++
				}
			}
			score = max(score, usual*agree*agree)
		}
		if score > best {
			best, d.delim = score, delims[i]
		}
	}
	return d
}

// chooseLayout tells the layout from the names of the columns.
func chooseLayout(names map[string]int, columns []string, opt Options) (*layout, error) {
	has := func(all ...string) bool {
		for _, n := range all {
			if _, ok := names[n]; !ok {
				return false
			}
		}
		return true
	}
	ged := has("date_start", "type_of_violence") || has("date_start", "where_prec") || has("date_start", "best", "side_a")
	acled := has("event_id_cnty", "event_date")
	switch {
	case opt.Mapping.means():
		if opt.Format != FormatAuto && opt.Format != FormatTable {
			return nil, refuse(opt.File, "a mapping goes with the format table, not with %s", opt.Format)
		}
		return tableLayout, nil
	case opt.Format == FormatTable:
		return tableLayout, nil
	case opt.Format == FormatGED:
		if !has("date_start") {
			return nil, refuse(opt.File, "a file of UCDP GED has a column date_start; found: %s", list(columns))
		}
		return gedLayout, nil
	case opt.Format == FormatACLED:
		if !acled {
			return nil, refuse(opt.File, "a file of ACLED has the columns event_id_cnty and event_date; found: %s", list(columns))
		}
		return acledLayout, nil
	case ged:
		return gedLayout, nil
	case acled:
		return acledLayout, nil
	}
	return tableLayout, nil
}

func list(columns []string) string {
	if len(columns) > 60 {
		columns = columns[:60]
	}
	return excerpt(strings.Join(columns, ", "))
}

// usable refuses columns from which no incident can be read.
func (d *decoder) usable(opt Options) error {
	has := func(f field) bool { return d.cols[f] >= 0 || d.constants[f] != "" }
	if !has(fStart) {
		return refuse(opt.File, "there is no column for the date; found: %s; expected one of: %s (or name it in a mapping)",
			list(d.columns[:len(d.columns)-d.beside]), strings.Join(d.layout.names[fStart], ", "))
	}
	if has(fLat) != has(fLon) {
		have, lack := fLat, fLon
		if has(fLon) {
			have, lack = fLon, fLat
		}
		return refuse(opt.File, "there is a column %q and none for the other coordinate; found: %s; expected one of: %s",
			d.columnOf(have), list(d.columns[:len(d.columns)-d.beside]), strings.Join(d.layout.names[lack], ", "))
	}
	return nil
}

// look reads a record ahead.
func (t *tableReader) look() {
	problem, err := t.recs.next()
	line, fields := t.recs.record()
	t.next = &peeked{line: line, fields: slices.Clone(fields), problem: problem, err: err, faults: slices.Clone(t.faults())}
	if err != nil {
		t.next.fields = nil
	}
}

// isTagRow recognises the row of HXL tags under a header.
func isTagRow(fields []string) bool {
	tags := 0
	for _, f := range fields {
		switch f = trim(f); {
		case strings.HasPrefix(f, "#"):
			tags++
		case f != "":
			return false
		}
	}
	return tags > 0
}

// nameDataset settles the dataset from the options, the mapping, the first row and the file.
func (t *tableReader) nameDataset(opt Options) {
	p := t.next
	get := func(field) string { return "" }
	if p.err == nil && p.problem == nil && len(p.fields) == t.want {
		t.raw, get = t.plainly(p.fields[t.skip:]), t.get
	}
	t.nameBy(opt, get)
	if t.skip > 0 && opt.Dataset == "" && len(p.fields) > 0 && t.dataset.Name == Slug(opt.File) && Slug(p.fields[0]) != "" {
		t.dataset.Name = Slug(p.fields[0]) // rows refused from that file
		t.dataset.Title = p.fields[0]
	}
}

// nameBy settles the dataset; get reads the first row.
func (d *decoder) nameBy(opt Options, get func(field) string) {
	if s := get(fDataset); s != "" && len(s) <= 100 && d.dataset.Name == "" {
		d.dataset.Name = s
	}
	if d.several != nil && d.several.Want != "" && d.own != nil {
		d.dataset.Name = d.several.Want
	}
	if b, p := parseBool(get(fSynthetic)); p == nil && b && (d.own == nil || d.stated.Name == "") {
		d.dataset.Synthetic = true
		if d.dataset.Name == "" {
			d.dataset.Name, d.dataset.Title = "synthetic", "Synthetic incidents"
			d.dataset.Terms = "Generated for tests; nothing in it happened."
		}
	}
	if d.dataset.Name == "" {
		d.dataset.Name = Slug(opt.File)
	}
	if d.dataset.Name == "" {
		d.dataset.Name = d.layout.name
	}
	if opt.Dataset != "" {
		d.dataset.Name, d.named = opt.Dataset, true
	}
	if strings.EqualFold(d.dataset.Name, acledLayout.dataset.Name) && !d.republished {
		// Whatever it was read as, it is on ACLED's terms.
		of := &acledLayout.dataset
		d.dataset.AggregatesOnly = true
		d.dataset.Title, d.dataset.Attribution = cmp.Or(d.dataset.Title, of.Title), cmp.Or(d.dataset.Attribution, of.Attribution)
		d.dataset.Terms = cmp.Or(d.dataset.Terms, of.Terms)
	}
	if d.dataset.Title == "" {
		d.dataset.Title = d.dataset.Name
	}
}

// Layout implements [Reader].
func (t *tableReader) Layout() string { return t.format }

// Dataset implements [Reader].
func (t *tableReader) Dataset() incident.Dataset { return t.dataset }

// Stated implements [Reader].
func (t *tableReader) Stated() incident.Dataset { return t.stated }

// Columns implements [Reader].
func (t *tableReader) Columns() []string { return slices.Clone(t.columns) }

// Unread implements [Reader].
func (t *tableReader) Unread() []string {
	if t.ours() {
		return nil
	}
	read := t.readColumns()
	var out []string
	for i, c := range t.columns {
		if !read[i] && c != "" && !slices.Contains(t.layout.unread, fold(c)) && !t.ofRejects(c) {
			out = append(out, c)
		}
	}
	return out
}

// ours reports whether Sarhad wrote the file, as an export or a store.
func (t *tableReader) ours() bool {
	g, ok := t.recs.(*gpkgRows)
	return t.own != nil || ok && g.extra >= 0
}

// readColumns says of which columns something is read.
func (t *tableReader) readColumns() []bool {
	read := make([]bool, len(t.columns))
	for f, i := range t.cols {
		if i >= 0 {
			read[i] = true
		}
		if j := t.joined[f]; j != nil {
			for _, i := range j.columns {
				read[i] = true
			}
		}
	}
	return read
}

// ofRejects reports whether a column is there for rows that could not be taken apart.
func (t *tableReader) ofRejects(column string) bool {
	j, ok := t.recs.(*jsonTable)
	return (ok && j.whole || t.skip > 0) && column == recordColumn || t.skip > 0 && column == geometryColumn
}

// Notes implements [Reader].
func (t *tableReader) Notes() []string { return slices.Clone(t.in.notes) }

// Next implements [Reader].
func (t *tableReader) Next() (*Row, error) {
	for {
		if row, err := t.read(); row != nil || err != nil {
			return row, err
		}
	}
}

// read gives the next row, nil for one that is passed over.
func (t *tableReader) read() (*Row, error) {
	var line int
	var fields []string
	var problem *Issue
	var err error
	var faults []cellFault
	if p := t.next; p != nil {
		line, fields, problem, err, faults, t.next = p.line, p.fields, p.problem, p.err, p.faults, nil
	} else {
		problem, err = t.recs.next()
		line, fields = t.recs.record()
		faults = t.faults()
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, t.in.end(io.EOF)
	case err != nil:
		return nil, t.in.end(frame(t.file, &placedError{t.recs.behind(), err}))
	}
	t.begin(line, fields[min(t.skip, len(fields)):])
	if problem != nil {
		if i := problem.field - 1 - t.skip; problem.field > 0 && i >= 0 && i < len(t.columns) {
			problem.Column = t.columns[i]
		}
		for i, f := range t.row.Raw {
			t.row.Raw[i] = shown(f)
		}
		t.reject(*problem)
		return &t.row, nil
	}
	t.raw = t.plainly(t.raw)
	if t.skip > 0 && !t.mended(fields[4]) {
		return &t.row, nil
	}
	if t.passesOver() {
		return nil, nil
	}
	if t.in.guessed {
		t.checkGuess(t.columns, t.raw)
	} else {
		t.checkEncoding(t.columns, t.raw)
	}
	for _, f := range faults {
		t.fault(f)
	}
	t.decode(t.rowIdentity)
	t.checkYear()
	if t.skip > 0 && t.row.Rejected == nil {
		t.stillDuplicate(fields[3], fields[4])
	}
	return &t.row, nil
}

// faults are those of the cells of the record that was found last.
func (t *tableReader) faults() []cellFault {
	if x, ok := t.recs.(*xlsxRows); ok {
		return x.faults
	}
	return nil
}

// fault refuses the row for a cell if its column is read.
func (t *tableReader) fault(f cellFault) {
	i := f.column - t.skip
	if i < 0 || i >= len(t.columns) || f.ids && t.cols[fID] != i || !f.ids && !t.readColumns()[i] {
		return
	}
	t.reject(Issue{Column: t.columns[i], Value: t.raw[i], Code: f.code, Reason: f.reason})
}

// Close implements [Reader].
func (t *tableReader) Close() error { return t.in.Close() }

// shown writes bytes that are no text so that they can be found and mended: each
// as a replacement character and its number, \xNN.
func shown(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, "%s%02x", lostByte, s[i])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// lostByte stands before the number of a byte that was no text.
const lostByte = "\ufffd\\x"

// mended looks at a row of a file of refused rows, which was refused with code:
// whether text that was none was mended, and whether JSON stands in the columns
// that are there for it. It refuses the row and reports false if not.
func (t *tableReader) mended(code string) bool {
	for i, s := range t.raw {
		if strings.Contains(s, lostByte) || code == CodeBadEncoding && strings.Contains(s, "\ufffd") {
			t.reject(Issue{Column: t.columns[i], Value: s, Code: CodeBadEncoding, Reason: "a letter that was lost is not mended: \ufffd, and what follows it as \\xNN, stand for bytes that are no text"})
			return false
		}
	}
	for _, name := range []string{recordColumn, geometryColumn} {
		i := slices.Index(t.columns, name)
		if i < 0 || trim(t.raw[i]) == "" {
			continue
		}
		// Other files may have columns of these names: what stands there counts
		// only in rows that were refused for it.
		json := strings.HasPrefix(trim(t.raw[i]), "{")
		switch code {
		case CodeBadJSON:
		case CodeBadGeometry:
			if name == recordColumn && !json {
				continue
			}
		case CodeBadEncoding, CodeBadCoordinate:
			if !json {
				continue
			}
		default:
			continue
		}
		if is := t.unfold(name, trim(t.raw[i])); is != nil {
			is.Column = name
			t.reject(*is)
			return false
		}
	}
	return true
}

// unfold puts JSON into the columns that it belongs to.
func (t *tableReader) unfold(name, text string) *Issue {
	fields := slices.Clone(t.raw)
	put := func(value string, names ...string) {
		for _, n := range names {
			if i := slices.IndexFunc(t.columns, func(c string) bool { return fold(c) == fold(n) }); i >= 0 {
				fields[i] = value
				return
			}
		}
	}
	place := func(geometry []byte) *Issue {
		lon, lat, p := position(geometry)
		if p != nil {
			return &Issue{Value: string(geometry), Code: p.code, Reason: p.reason + "; put a Point here, or nothing"}
		}
		put(lon, "longitude")
		put(lat, "latitude")
		return nil
	}
	if name == geometryColumn {
		is := place([]byte(text))
		put("", geometryColumn)
		t.raw = fields
		return is
	}
	it := item{raw: []byte(text)}
	if it.check(false); it.problem != nil {
		return it.problem
	}
	var is *Issue
	if slices.Contains(t.columns, geometryColumn) {
		f := feature{whole: it.raw}
		if f.parse(); f.wrong != nil {
			f.wrong.Value = text
			return f.wrong
		}
		for k, v := range f.Props {
			put(plain(v), k)
		}
		put(plain(f.ID), "id")
		is = place(f.Geometry)
	} else {
		eachMember(it.raw, func(key string, value []byte) bool {
			put(plain(value), key)
			return true
		})
	}
	put("", recordColumn)
	t.raw = fields
	return is
}

// stillDuplicate refuses a row of a file of refused rows whose id was not
// mended: the row that it came after is not in that file.
func (t *tableReader) stillDuplicate(value, code string) {
	id := t.row.Incident.SourceID
	if code == CodeDuplicateID && strings.TrimPrefix(value, "'") == strings.TrimPrefix(excerpt(id), "'") {
		t.refuseValue(fID, id, &problem{CodeDuplicateID, "it still has the id of another row, which holds; give it an id of its own"})
	}
}
