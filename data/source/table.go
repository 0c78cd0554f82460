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
	recs *records
	skip int // leading columns that are not the source's
	// first is the record that Open looked at, to be given by the first Next.
	first *peeked
}

type peeked struct {
	line    int
	fields  []string
	problem *Issue
	err     error
}

func openTable(r io.Reader, sniff []byte, opt Options) (Reader, error) {
	delim, nl := dialect(sniff)
	recs := newRecords(r, delim, nl)
	problem, err := recs.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, refuse(opt.File, "the file is empty")
	case err != nil:
		return nil, frame(opt.File, err)
	case problem != nil:
		return nil, refuse(opt.File, "the header in line %d cannot be read: %s", recs.at, problem.Reason)
	}
	t := &tableReader{recs: recs}
	header := slices.Clone(recs.fields)
	if len(header) > len(rejectColumns) && slices.Equal(header[:len(rejectColumns)], rejectColumns) {
		t.skip = len(rejectColumns)
	}
	columns := header[t.skip:]
	names := make(map[string]int, len(columns))
	for i, h := range columns {
		columns[i] = trim(h)
		n := fold(h)
		if n == "" {
			continue
		}
		if j, ok := names[n]; ok {
			return nil, refuse(opt.File, "the header has the column %q twice (columns %d and %d)", columns[i], j+1, i+1)
		}
		names[n] = i
	}
	l, err := chooseLayout(names, columns, opt)
	if err != nil {
		return nil, err
	}
	t.decoder = newDecoder(l, opt)
	t.columns = columns
	if opt.Mapping != nil {
		if err := opt.Mapping.apply(t.decoder, names, opt.File); err != nil {
			return nil, err
		}
	} else {
		t.known(names, func(field, int) bool { return true })
	}
	if err := t.usable(opt); err != nil {
		return nil, err
	}
	recs.want = len(header)
	recs.dateAt = -1
	if i := t.cols[fStart]; i >= 0 {
		recs.dateAt = i + t.skip
	}
	t.look()
	if p := t.first; p.err == nil && isTagRow(p.fields) {
		t.look()
	}
	t.nameDataset(opt)
	return t, nil
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

// dialect finds the delimiter and the line end from the first line.
func dialect(sniff []byte) (delim, nl byte) {
	nl = '\n'
	if bytes.IndexByte(sniff, '\n') < 0 && bytes.IndexByte(sniff, '\r') >= 0 {
		nl = '\r'
	}
	var counts [256]int
	quoted := false
	for _, c := range bytes.TrimLeft(sniff, "\r\n") {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			if c == nl {
				break
			}
			counts[c]++
		}
	}
	delim = ','
	for _, c := range []byte{'\t', ';'} {
		if counts[c] > counts[delim] {
			delim = c
		}
	}
	return delim, nl
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
	case opt.Mapping != nil:
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
		return refuse(opt.File, "there is no column for the date; found: %s; expected one of: %s (or a mapping, --map)",
			list(d.columns), strings.Join(d.layout.names[fStart], ", "))
	}
	if has(fLat) != has(fLon) {
		have, lack := fLat, fLon
		if has(fLon) {
			have, lack = fLon, fLat
		}
		return refuse(opt.File, "there is a column %q and none for the other coordinate; found: %s; expected one of: %s",
			d.columnOf(have), list(d.columns), strings.Join(d.layout.names[lack], ", "))
	}
	return nil
}

// look reads a record ahead.
func (t *tableReader) look() {
	problem, err := t.recs.next()
	t.first = &peeked{line: t.recs.at, fields: slices.Clone(t.recs.fields), problem: problem, err: err}
	if err != nil {
		t.first.fields = nil
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
	p := t.first
	get := func(field) string { return "" }
	if p.err == nil && p.problem == nil && len(p.fields) == t.recs.want {
		t.raw, get = p.fields[t.skip:], t.get
	}
	t.nameBy(opt, get)
	if t.skip > 0 && opt.Dataset == "" && len(p.fields) > 0 && t.dataset.Name == Slug(opt.File) && Slug(p.fields[0]) != "" {
		t.dataset.Name = Slug(p.fields[0]) // rows refused from that file
		t.dataset.Title = p.fields[0]
	}
}

// nameBy settles the dataset; get reads the first row.
func (d *decoder) nameBy(opt Options, get func(field) string) {
	if b, p := parseBool(get(fSynthetic)); p == nil && b {
		d.dataset.Synthetic = true
		if d.dataset.Name == "" {
			d.dataset.Name, d.dataset.Title = "synthetic", "Synthetic incidents"
			d.dataset.Terms = "Generated for tests; nothing in it happened."
		}
	}
	if s := get(fDataset); s != "" && len(s) <= 100 && d.dataset.Name == "" {
		d.dataset.Name = s
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
func (t *tableReader) Layout() string { return t.layout.name }

// Dataset implements [Reader].
func (t *tableReader) Dataset() incident.Dataset { return t.dataset }

// Stated implements [Reader].
func (t *tableReader) Stated() incident.Dataset { return t.stated }

// Columns implements [Reader].
func (t *tableReader) Columns() []string { return slices.Clone(t.columns) }

// Next implements [Reader].
func (t *tableReader) Next() (*Row, error) {
	p := t.first
	if t.first = nil; p == nil {
		problem, err := t.recs.next()
		p = &peeked{t.recs.at, t.recs.fields, problem, err}
	}
	line, fields, problem, err := p.line, p.fields, p.problem, p.err
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, frame(t.file, fmt.Errorf("behind line %d: %w", t.recs.line, err))
	}
	t.begin(line, fields[min(t.skip, len(fields)):])
	if problem != nil {
		if i := problem.field - 1 - t.skip; problem.field > 0 && i >= 0 && i < len(t.columns) {
			problem.Column = t.columns[i]
		}
		for i, f := range t.row.Raw {
			if !utf8.ValidString(f) {
				t.row.Raw[i] = strings.ToValidUTF8(f, "\ufffd")
			}
		}
		t.reject(*problem)
		return &t.row, nil
	}
	t.decode(t.rowIdentity)
	if t.skip > 0 && t.row.Rejected == nil {
		t.stillDuplicate(fields[3], fields[4])
	}
	return &t.row, nil
}

// stillDuplicate refuses a row of a file of refused rows whose id was not
// mended: the row that it came after is not in that file.
func (t *tableReader) stillDuplicate(value, code string) {
	id := t.row.Incident.SourceID
	if code == CodeDuplicateID && strings.TrimPrefix(value, "'") == strings.TrimPrefix(excerpt(id), "'") {
		t.refuseValue(fID, id, &problem{CodeDuplicateID, "it still has the id of another row, which holds; give it an id of its own"})
	}
}
