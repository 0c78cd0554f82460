package source

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// Limits of a workbook. Its parts beside the sheets and the texts are held in
// memory, so they may be small only.
const (
	maxWorkbook  = 4 << 30  // all parts unpacked
	maxOther     = 32 << 20 // parts that are neither sheet nor texts
	inMemory     = 8 << 20  // a sheet or the texts above this go through a temporary file
	maxSheetRow  = 8 << 20  // bytes of XML of one row
	maxWorkParts = 10_000
)

// xlsxRows gives the rows of a sheet. The values come from excelize; beside it
// the XML is walked for what its rows do not tell: which cells are dates, and
// whether the sheet is whole.
type xlsxRows struct {
	book     *excelize.File
	rows     *excelize.Rows
	cells    *sheetCells
	kinds    map[int]cellKind // by style
	date1904 bool
	// recalculate is true where the values of formulas are still to be worked
	// out by the program that opens the workbook: writers put 0 for them.
	recalculate bool
	faults      []cellFault
	want        int
	line        int
	fields      []string
}

// cellKind is what the number format of a cell says of its number.
type cellKind struct {
	date dateKind
	// zeros is the number of figures that are shown at least, 0 if the format says none.
	zeros int
}

// cellFault is what is wrong with a cell, which matters if its column is read.
type cellFault struct {
	column       int // from 0
	code, reason string
	ids          bool // only where the column is that of the id
}

// CodeFormulaWithoutValue is a cell with a formula that no spreadsheet program has worked out.
const CodeFormulaWithoutValue = "formula_without_value"

type dateKind uint8

const (
	noDate dateKind = iota
	aDate
	aTime
)

func openXLSX(in *input, opt Options) (recordSource, error) {
	f, size, err := in.seekable()
	if err != nil {
		return nil, err
	}
	zr, err := zip.NewReader(f, size)
	if err != nil {
		return nil, frame(in.file, err)
	}
	if err := checkParts(zr, size); err != nil {
		return nil, refuse(in.file, "the workbook is not read: %v", err)
	}
	broken := func(err error) error {
		return frame(in.file, fmt.Errorf("the workbook is broken: %w", err))
	}
	book, err := excelize.OpenFile(in.disk, excelize.Options{RawCellValue: true, UnzipSizeLimit: maxWorkbook, UnzipXMLSizeLimit: inMemory})
	if err != nil {
		return nil, broken(err)
	}
	in.onClose(book.Close)
	sheet, part, err := findSheet(in, zr, sheetName(opt))
	if err != nil {
		return nil, err
	}
	if err := checkStrings(zr); err != nil {
		return nil, broken(err)
	}
	x := &xlsxRows{book: book, kinds: map[int]cellKind{}}
	if calc, err := book.GetCalcProps(); err == nil && calc.FullCalcOnLoad != nil {
		x.recalculate = *calc.FullCalcOnLoad
	}
	if props, err := book.GetWorkbookProps(); err == nil && props.Date1904 != nil {
		x.date1904 = *props.Date1904
	}
	if x.rows, err = book.Rows(sheet); err != nil {
		return nil, broken(err)
	}
	in.onClose(x.rows.Close)
	r, err := part.Open()
	if err != nil {
		return nil, broken(err)
	}
	in.onClose(r.Close)
	x.cells = &sheetCells{r: bufio.NewReaderSize(r, 64<<10)}
	return x, nil
}

// checkParts refuses a workbook that unpacks to too much, before anything is unpacked.
func checkParts(zr *zip.Reader, size int64) error {
	if len(zr.File) > maxWorkParts {
		return fmt.Errorf("it has %d parts", len(zr.File))
	}
	var all, other uint64
	for _, e := range zr.File {
		all += e.UncompressedSize64
		name := strings.ToLower(e.Name)
		if !strings.HasPrefix(name, "xl/worksheets/sheet") && name != "xl/sharedstrings.xml" {
			other += e.UncompressedSize64
		}
		if e.UncompressedSize64 > maxWorkbook || all > maxWorkbook || other > maxOther {
			return errLarge
		}
		if e.UncompressedSize64 > ratioFrom && e.UncompressedSize64/maxRatio > e.CompressedSize64 {
			return errBomb
		}
	}
	if all > ratioFrom && all/maxRatio > uint64(size) {
		return errBomb
	}
	return nil
}

// checkStrings holds that the texts of the cells are there to their end: in
// the place of one that is not, excelize gives its number.
func checkStrings(zr *zip.Reader) error {
	e := partNamed(zr, "xl/sharedStrings.xml")
	if e == nil {
		return nil
	}
	r, err := e.Open()
	if err != nil {
		return fmt.Errorf("read the texts: %w", err)
	}
	defer func() { _ = r.Close() }() // it was only read
	s := &sheetCells{r: bufio.NewReaderSize(r, 64<<10)}
	for {
		tag, err := s.tag()
		if err != nil {
			return fmt.Errorf("read the texts: %w", err)
		}
		switch name, end := tagName(tag); {
		case name == "sst" && (end || tag[len(tag)-1] == '/'):
			return nil
		case name == "si" && end:
			s.used = 0 // the limit is for one of them
		}
	}
}

// sheetPart is a sheet of a workbook and the part in which its cells are written.
type sheetPart struct {
	name   string
	part   *zip.File // nil for a chart and the like
	hidden bool
}

// findSheet gives the name of a sheet and the part in which it is written; the
// first that is not hidden if want is "". The others that hold cells are noted.
func findSheet(in *input, zr *zip.Reader, want string) (string, *zip.File, error) {
	sheets, err := sheetsOf(zr, in.file)
	if err != nil {
		return "", nil, err
	}
	if want != "" {
		var names []string
		for _, s := range sheets {
			names = append(names, s.name)
			switch {
			case !strings.EqualFold(trim(s.name), trim(want)):
			case s.part == nil:
				return "", nil, refuse(in.file, "the sheet %q of the workbook holds no cells", s.name)
			default:
				return s.name, s.part, nil
			}
		}
		return "", nil, refuse(in.file, "the workbook has no sheet %q; there are: %s", want, excerpt(strings.Join(names, ", ")))
	}
	chosen := -1
	for i, s := range sheets {
		if s.part != nil && (chosen < 0 || sheets[chosen].hidden && !s.hidden) {
			chosen = i
		}
	}
	if chosen < 0 {
		return "", nil, refuse(in.file, "the workbook has no sheet with cells")
	}
	for i, s := range sheets {
		if i != chosen && s.part != nil && !s.hidden && holdsCells(s.part) {
			in.sheets = append(in.sheets, s.name)
		}
	}
	if len(in.sheets) > 0 {
		in.notes = append(in.notes, fmt.Sprintf("Only the sheet %q of the workbook is read; others hold cells too: %s. A mapping names the one to read (sheet: …).",
			excerpt(sheets[chosen].name), excerpt(strings.Join(in.sheets, ", "))))
	}
	return sheets[chosen].name, sheets[chosen].part, nil
}

// holdsCells reports whether a sheet has at least one row with cells.
func holdsCells(part *zip.File) bool {
	r, err := part.Open()
	if err != nil {
		return false
	}
	defer func() { _ = r.Close() }() // it was only read
	s := &sheetCells{r: bufio.NewReaderSize(r, 4<<10)}
	for range 1000 {
		if s.row() != nil {
			return false
		}
		if len(s.styles) > 0 {
			return true
		}
	}
	return false
}

// sheetsOf lists the sheets of a workbook in their order.
func sheetsOf(zr *zip.Reader, file string) ([]sheetPart, error) {
	var book struct {
		Sheets []struct {
			Name  string     `xml:"name,attr"`
			State string     `xml:"state,attr"`
			Attr  []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	var rels struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:",attr"`
		}
	}
	for name, into := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &rels} {
		e := partNamed(zr, name)
		if e == nil {
			return nil, refuse(file, "the workbook is broken: it has no part %s", name)
		}
		r, err := e.Open()
		if err == nil {
			err = errors.Join(xml.NewDecoder(io.LimitReader(r, maxOther)).Decode(into), r.Close())
		}
		if err != nil {
			return nil, frame(file, fmt.Errorf("the workbook is broken: read %s: %w", name, err))
		}
	}
	var out []sheetPart
	for _, s := range book.Sheets {
		sheet := sheetPart{name: s.Name, hidden: s.State == "hidden" || s.State == "veryHidden"}
		for _, a := range s.Attr {
			for _, r := range rels.Relationship {
				if a.Name.Local != "id" || a.Value != r.ID {
					continue
				}
				target := path.Join("xl", r.Target)
				if strings.HasPrefix(r.Target, "/") {
					target = strings.TrimPrefix(r.Target, "/")
				}
				if e := partNamed(zr, target); e != nil && strings.HasPrefix(strings.ToLower(target), "xl/worksheets/") {
					sheet.part = e
				}
			}
		}
		out = append(out, sheet)
	}
	return out, nil
}

func partNamed(zr *zip.Reader, name string) *zip.File {
	for _, e := range zr.File {
		if strings.EqualFold(strings.ReplaceAll(e.Name, `\`, "/"), name) {
			return e
		}
	}
	return nil
}

func (x *xlsxRows) record() (int, []string) { return x.line, x.fields }
func (x *xlsxRows) expect(fields, _ int)    { x.want = fields }
func (x *xlsxRows) behind() string          { return fmt.Sprintf("behind row %d", x.line) }

// next implements [recordSource].
func (x *xlsxRows) next() (*Issue, error) {
	for {
		// Our own look comes first: it ends a row that is too large before it is held as cells.
		if err := x.cells.row(); err != nil {
			return nil, err // io.EOF only behind the end of the cells
		}
		for {
			x.line++
			if !x.rows.Next() {
				return nil, fmt.Errorf("read the sheet: %w", errors.Join(x.rows.Error(), io.ErrUnexpectedEOF))
			}
			if x.line == x.cells.number {
				break
			}
			if x.line > x.cells.number {
				return nil, fmt.Errorf("row %d stands below row %d", x.cells.number, x.line-1)
			}
			if _, err := x.rows.Columns(); err != nil {
				return nil, fmt.Errorf("read the sheet: %w", err)
			}
		}
		fields, err := x.rows.Columns()
		if err != nil {
			return nil, fmt.Errorf("read the sheet: %w", err)
		}
		empty := true
		x.faults = x.faults[:0]
		for i, v := range fields {
			if v == "" {
				continue
			}
			empty = empty && trim(v) == ""
			if i < len(x.cells.styles) {
				fields[i] = x.value(v, i, x.cells.styles[i])
			}
		}
		for _, f := range x.cells.formulas {
			if f.empty || x.recalculate && f.column < len(fields) && fields[f.column] == "0" {
				empty = false
				x.faults = append(x.faults, cellFault{column: f.column, code: CodeFormulaWithoutValue,
					reason: "the cell holds a formula whose value was never worked out; open the workbook in a spreadsheet program and save it"})
			}
		}
		if empty {
			continue
		}
		x.fields = fields
		return x.check(), nil
	}
}

// check fills the row up to the header: cells that are empty at its end are not written.
func (x *xlsxRows) check() *Issue {
	size := 0
	for _, v := range x.fields {
		size += len(v)
	}
	if size > maxRecord {
		return &Issue{Code: CodeTooLong, Reason: "the record is longer than 1 MB"}
	}
	for len(x.fields) < x.want {
		x.fields = append(x.fields, "")
	}
	for x.want > 0 && len(x.fields) > x.want && trim(x.fields[len(x.fields)-1]) == "" {
		x.fields = x.fields[:len(x.fields)-1]
	}
	if x.want > 0 && len(x.fields) > x.want {
		return wrongCount(x.fields, x.want)
	}
	return nil
}

// value is the text of a cell. A number whose style is that of a date is
// written as a date, for it says nothing else, and one that is shown with zeros
// in front is written with them; any other stays as it is.
func (x *xlsxRows) value(v string, column int, style int32) string {
	if style == styleTruth {
		if v == "1" {
			return "TRUE"
		}
		return "FALSE"
	}
	if style < 0 || v[0] != '-' && v[0] != '.' && (v[0] < '0' || v[0] > '9') {
		return v // a text, or no number
	}
	kind, ok := x.kinds[int(style)]
	if !ok {
		if s, err := x.book.GetStyle(int(style)); err == nil {
			kind.date = dateStyle(s.NumFmt, s.CustomNumFmt)
			if s.CustomNumFmt != nil && len(*s.CustomNumFmt) > 1 && strings.Trim(*s.CustomNumFmt, "0") == "" {
				kind.zeros = min(len(*s.CustomNumFmt), 50)
			}
		}
		x.kinds[int(style)] = kind
	}
	serial, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil:
		return v
	case kind.date == noDate:
		if math.Abs(serial) > maxWhole {
			x.faults = append(x.faults, cellFault{column: column, code: CodeBadValue, ids: true,
				reason: "it is a number of more figures than a spreadsheet keeps, so that the last ones may be lost; write ids as text"})
		}
		v = plainNumber(v, serial)
		if len(v) < kind.zeros && serial >= 0 && strings.Trim(v, "0123456789") == "" {
			v = strings.Repeat("0", kind.zeros-len(v)) + v
		}
		return v
	case serial < 0 || serial >= 2958466: // the year 10000
		return v
	case serial < 1 && (kind.date == aTime || serial > 0):
		return clockOf(serial)
	}
	t, err := excelize.ExcelDateToTime(serial, x.date1904)
	if err != nil {
		return v
	}
	t = t.Round(time.Second)
	if serial != math.Trunc(serial) {
		return t.Format("2006-01-02 15:04:05")
	}
	return t.Format("2006-01-02")
}

// maxWhole is the largest number up to which all whole numbers can be told apart.
const maxWhole = 1 << 53

func clockOf(part float64) string {
	s := int(math.Round(part * 86400))
	return fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
}

// plainNumber writes a number as people would: the file may hold 1.2E-5, or
// 34.100000000000001 for 34.1.
func plainNumber(v string, n float64) string {
	exponent := strings.ContainsAny(v, "eE")
	if len(v) < 16 && !exponent || math.IsInf(n, 0) || math.Abs(n) >= 1e15 && (!exponent || math.Abs(n) >= 1e21) {
		return v
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// dateStyle tells dates from numbers by the number format of a cell.
func dateStyle(id int, custom *string) dateKind {
	switch {
	case custom == nil && (id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id >= 34 && id <= 36 || id >= 50 && id <= 58):
		return aDate
	case custom == nil && (id >= 18 && id <= 21 || id >= 45 && id <= 47 || id == 32 || id == 33):
		return aTime
	case custom == nil:
		return noDate
	}
	format, _, _ := strings.Cut(*custom, ";")
	kind := noDate
	for i := 0; i < len(format); i++ {
		switch c := format[i]; c {
		case '"': // words in quotation marks
			if j := strings.IndexByte(format[i+1:], '"'); j >= 0 {
				i += j + 1
			}
		case '\\', '_', '*':
			i++
		case '[': // a colour, a currency or a locale; [h] is hours
			j := strings.IndexByte(format[i:], ']')
			if j < 0 {
				return kind
			}
			if strings.Trim(strings.ToLower(format[i+1:i+j]), "hms") == "" {
				kind = max(kind, aTime)
			}
			i += j
		case 'y', 'Y', 'd', 'D':
			return aDate
		case 'h', 'H', 's', 'S':
			kind = aTime
		case 'm', 'M':
			if strings.Count(strings.ToLower(format), "m") > 2 {
				return aDate // the name of a month
			}
		case 'G', 'g':
			if strings.HasPrefix(strings.ToLower(format[i:]), "general") {
				i += len("general") - 1
			}
		}
	}
	return kind
}

// sheetCells walks the XML of a sheet for the styles of its cells.
type sheetCells struct {
	r      *bufio.Reader
	number int // of the row, from 1
	// styles are those of the numbers of the row by column, or one of the two below.
	styles   []int32
	formulas []formula
	inside   bool // within <sheetData>
	used     int  // bytes of the row
	buf      []byte
}

// What is no number has no style that matters.
const (
	styleText  = -1
	styleTruth = -2
)

// formula is a cell with one; empty if there is no value beside it.
type formula struct {
	column int // from 0
	empty  bool
}

// row reads up to the end of the next row. It ends with io.EOF at the end of
// the cells, and with io.ErrUnexpectedEOF if the sheet is cut before.
func (s *sheetCells) row() error {
	s.styles, s.formulas, s.used = s.styles[:0], s.formulas[:0], 0
	open, col := false, 0
	text := false // the cell is the text that a formula gave
	for {
		tag, err := s.tag()
		if err != nil {
			return err
		}
		name, end := tagName(tag)
		closed := len(tag) > 0 && tag[len(tag)-1] == '/'
		switch name {
		case "sheetData":
			if end || closed {
				s.inside = false
				return s.rest()
			}
			s.inside = true
		case "row":
			if end && open {
				return nil
			}
			if end || !s.inside {
				continue
			}
			s.number++
			if n, err := strconv.Atoi(string(attribute(tag, "r"))); err == nil {
				if n < s.number {
					return fmt.Errorf("row %d stands below row %d", n, s.number-1)
				}
				if n > excelize.TotalRows {
					return fmt.Errorf("row %d is beyond the last that there can be", n)
				}
				s.number = n
			}
			if open = true; closed {
				return nil
			}
		case "c":
			if end || !open {
				continue
			}
			col++
			if at := columnNumber(attribute(tag, "r")); at > 0 {
				col = at
			}
			if col > excelize.MaxColumns {
				return fmt.Errorf("row %d has more columns than there can be", s.number)
			}
			for len(s.styles) < col {
				s.styles = append(s.styles, 0)
			}
			style, _ := strconv.Atoi(string(attribute(tag, "s")))
			switch string(attribute(tag, "t")) {
			case "", "n":
				s.styles[col-1] = int32(min(max(style, 0), math.MaxInt32))
			case "b":
				s.styles[col-1] = styleTruth
			default:
				s.styles[col-1] = styleText
			}
			text = string(attribute(tag, "t")) == "str"
		case "f":
			if n := len(s.formulas); open && !end && col > 0 && (n == 0 || s.formulas[n-1].column != col-1) {
				s.formulas = append(s.formulas, formula{col - 1, true})
			}
		case "v":
			n := len(s.formulas)
			if !open || end || closed || n == 0 || s.formulas[n-1].column != col-1 {
				continue
			}
			// Nothing is a value of a text; of a number it is none.
			next, err := s.r.Peek(1)
			s.formulas[n-1].empty = !text && err == nil && next[0] == '<'
		}
	}
}

// rest holds the end of the sheet against what a whole one has.
func (s *sheetCells) rest() error {
	for {
		s.used = 0
		tag, err := s.tag()
		if err != nil {
			return err
		}
		if name, end := tagName(tag); end && name == "worksheet" {
			return io.EOF
		}
	}
}

// tag gives what stands between the next < and its >; comments and the like are passed over.
func (s *sheetCells) tag() ([]byte, error) {
	for {
		if _, err := s.until("<"); err != nil {
			return nil, err
		}
		tag, err := s.until(">")
		if err != nil {
			return nil, err
		}
		// A > may stand in a comment or CDATA, which end otherwise.
		for _, c := range []struct{ begins, ends string }{{"!--", "-->"}, {"![CDATA[", "]]>"}} {
			if bytes.HasPrefix(tag, []byte(c.begins)) && !bytes.HasSuffix(append(tag, '>'), []byte(c.ends)) {
				if _, err = s.until(c.ends); err != nil {
					return nil, err
				}
			}
		}
		if len(tag) > 0 && tag[0] != '!' && tag[0] != '?' {
			return tag, nil
		}
	}
}

// until reads up to and with a text and gives the last that stood before it.
func (s *sheetCells) until(ends string) ([]byte, error) {
	last := ends[len(ends)-1]
	s.buf = s.buf[:0]
	for {
		part, err := s.r.ReadSlice(last)
		if s.used += len(part); s.used > maxSheetRow {
			return nil, fmt.Errorf("behind row %d: %w", s.number, errTooLong)
		}
		s.buf = append(s.buf, part...)
		switch {
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case err == nil && bytes.HasSuffix(s.buf, []byte(ends)):
			return s.buf[:len(s.buf)-len(ends)], nil
		}
	}
}

// tagName gives the name of a tag without the prefix of its namespace.
func tagName(tag []byte) (name string, end bool) {
	tag, end = bytes.CutPrefix(tag, []byte("/"))
	if i := bytes.IndexAny(tag, " \t\r\n/"); i >= 0 {
		tag = tag[:i]
	}
	if i := bytes.IndexByte(tag, ':'); i >= 0 {
		tag = tag[i+1:]
	}
	return string(tag), end
}

// attribute gives the value of an attribute that holds no quotation marks.
func attribute(tag []byte, name string) []byte {
	for {
		i := bytes.Index(tag, []byte(name))
		if i < 0 {
			return nil
		}
		space := i > 0 && bytes.IndexByte([]byte(" \t\r\n"), tag[i-1]) >= 0
		tag = tag[i+len(name):]
		if rest := bytes.TrimLeft(tag, " "); space && len(rest) > 2 && rest[0] == '=' {
			rest = bytes.TrimLeft(rest[1:], " ")
			if len(rest) > 1 {
				if j := bytes.IndexByte(rest[1:], rest[0]); j >= 0 {
					return rest[1 : 1+j]
				}
			}
		}
	}
}

// columnNumber gives the column of a cell such as "AB12" from 1, 0 if it says none.
func columnNumber(cell []byte) int {
	n := 0
	for _, c := range cell {
		if c < 'A' || c > 'Z' || n > excelize.MaxColumns {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n
}

// sheetName is the sheet that the mapping names, "" for the first.
func sheetName(opt Options) string {
	if opt.Mapping == nil {
		return ""
	}
	return opt.Mapping.Sheet
}
