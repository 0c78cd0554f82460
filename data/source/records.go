package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// maxRecord is the most bytes that a record may have.
	maxRecord = 1 << 20
	// maxSkipped is the most bytes without a line end that are passed over.
	maxSkipped = 200 << 20
)

var errEndless = fmt.Errorf("there is no line end in %d MB", maxSkipped>>20)

// records splits separated values into records as RFC 4180 says, with CRLF or
// LF (or, if nl is '\r', lone CR) between them. Other than encoding/csv it
// finds its way again after a stray quotation mark: only that record is lost.
type records struct {
	r        io.Reader
	buf      []byte
	pos, end int // buf[pos:end] is read but not used
	done     bool
	err      error // why done, nil at a regular end
	line     int   // number of the line at pos, from 1
	delim    byte
	nl       byte
	quote    byte
	// want is the number of fields of the header, 0 before it is known.
	want int
	// dateAt is the index of a field that holds a date in each record, -1 if
	// none is known. It serves to tell records from the lines of a text.
	dateAt int

	// The record that next found.
	at      int // line on which it starts
	fields  []string
	scratch []byte
	ends    []int
}

func newRecords(r io.Reader, d dialect) *records {
	return &records{r: r, buf: make([]byte, 256<<10), line: 1, delim: d.delim, nl: d.nl, quote: d.quote, dateAt: -1}
}

// recordSource gives the records of a table, whatever it is written in. The
// first is the header, or stands above it.
type recordSource interface {
	// next finds the next record. problem is nil for one whose fields were split.
	// It ends with io.EOF; another error means that the file is broken in its frame.
	next() (problem *Issue, err error)
	// record is what next found: the line, or what records are counted by, and
	// the fields. The fields are valid until the next.
	record() (line int, fields []string)
	// expect tells how many fields the header has and which holds the date, -1 if none.
	expect(fields, date int)
	// behind says how far was read, for the message of a broken frame.
	behind() string
}

func (s *records) record() (int, []string) { return s.at, s.fields }

func (s *records) expect(fields, date int) { s.want, s.dateAt = fields, date }

func (s *records) behind() string { return fmt.Sprintf("behind line %d", s.line) }

// fill reads more, keeping buf[pos:end]. It reports whether anything came.
func (s *records) fill() bool {
	if s.done {
		return false
	}
	if s.end == len(s.buf) {
		if s.pos > 0 {
			copy(s.buf, s.buf[s.pos:s.end])
			s.end -= s.pos
			s.pos = 0
		} else {
			s.buf = append(s.buf, make([]byte, len(s.buf))...)
		}
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.done = true
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
		}
		if n > 0 || s.done {
			return n > 0
		}
	}
	s.done, s.err = true, io.ErrNoProgress
	return false
}

// physical returns the number of bytes up to the next line end from offset off
// behind pos, and the same with the line end. ok is false if the line passes
// the limit of a record.
func (s *records) physical(off int) (n, with int, ok bool) {
	from := off
	for {
		if i := bytes.IndexByte(s.buf[s.pos+from:s.end], s.nl); i >= 0 {
			n = from + i - off
			return n, n + 1, n <= maxRecord
		}
		from = s.end - s.pos
		if from-off > maxRecord {
			return 0, 0, false
		}
		if !s.fill() {
			n = s.end - s.pos - off
			return n, n, true
		}
	}
}

// next finds the next record. problem is nil for one whose fields were split;
// else fields are the best that can be said of it. It ends with io.EOF, or
// with the error of the reader below.
func (s *records) next() (problem *Issue, err error) {
	for {
		n, with, ok := s.physical(0)
		if !ok {
			problem = s.tooLong()
			if errors.Is(s.err, errEndless) {
				return nil, s.err
			}
			return problem, nil
		}
		if with == 0 {
			if s.err != nil {
				return nil, s.err
			}
			return nil, io.EOF
		}
		line := s.buf[s.pos : s.pos+n]
		if s.done && s.err != nil && with == n {
			return nil, s.err // the file was cut within this line
		}
		if n > 0 && line[n-1] == '\r' && s.nl == '\n' {
			line = line[:n-1]
		}
		if len(line) == 0 || s.blank(line) {
			s.pos += with
			s.line++
			continue
		}
		s.at = s.line
		if bytes.IndexByte(line, s.quote) < 0 {
			s.split(line)
			problem = s.checkText(line)
			s.pos += with
			s.line++
		} else {
			problem, err = s.quoted(n, with)
			if err != nil {
				return nil, err
			}
		}
		if problem == nil && s.want > 0 && len(s.fields) != s.want {
			problem = wrongCount(s.fields, s.want)
		}
		return problem, nil
	}
}

// blank reports whether a line holds nothing but separators, as spreadsheets write below a table.
func (s *records) blank(line []byte) bool {
	for _, c := range line {
		if c != s.delim && c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

func wrongCount(fields []string, want int) *Issue {
	is := &Issue{Code: CodeWrongFieldCount, Reason: fmt.Sprintf("the row has %d fields, the header %d", len(fields), want)}
	if len(fields) > want {
		is.Value = fields[want]
	}
	return is
}

// split cuts a line without quotation marks into fields.
func (s *records) split(line []byte) {
	text := string(line)
	s.fields = s.fields[:0]
	for {
		i := strings.IndexByte(text, s.delim)
		if i < 0 {
			break
		}
		s.fields = append(s.fields, text[:i])
		text = text[i+1:]
	}
	s.fields = append(s.fields, text)
}

// checkText refuses what is no UTF-8 text.
func (s *records) checkText(raw []byte) *Issue {
	valid := utf8.Valid(raw)
	if valid && bytes.IndexByte(raw, 0) < 0 {
		return nil
	}
	is := &Issue{Code: CodeBadEncoding, Reason: "the row holds a NUL byte"}
	if !valid {
		is.Reason = "the row is not text in UTF-8"
	}
	for i, f := range s.fields {
		if !utf8.ValidString(f) || valid && bytes.IndexByte([]byte(f), 0) >= 0 {
			is.field, is.Value = i+1, f
			break
		}
	}
	return is
}

// quoted reads a record in which there are quotation marks. n and with are the
// lengths of its first line without and with the line end.
func (s *records) quoted(n, with int) (*Issue, error) {
	s.scratch, s.ends = s.scratch[:0], s.ends[:0]
	i := 0 // behind pos
	// peek gives the byte at i, 0 and false at the end of the file.
	peek := func() (byte, bool) {
		if s.pos+i >= s.end && !s.fill() {
			return 0, false
		}
		return s.buf[s.pos+i], true
	}
	for {
		c, ok := peek()
		if !ok {
			s.ends = append(s.ends, len(s.scratch))
			break
		}
		if c == s.quote {
			i++
			for {
				j := bytes.IndexByte(s.buf[s.pos+i:s.end], s.quote)
				if j < 0 {
					if s.end-s.pos > maxRecord {
						return s.stray(n, with, i, "a quoted field is not closed within 1 MB"), nil
					}
					// Look only at what is new the next time.
					s.scratch = append(s.scratch, s.buf[s.pos+i:s.end]...)
					i = s.end - s.pos
					if !s.fill() {
						if s.err != nil {
							return nil, s.err
						}
						return s.stray(n, with, i, "a quoted field is not closed until the end of the file"), nil
					}
					continue
				}
				s.scratch = append(s.scratch, s.buf[s.pos+i:s.pos+i+j]...)
				i += j + 1
				if c, ok = peek(); !ok || c != s.quote {
					break
				}
				s.scratch = append(s.scratch, s.quote)
				i++
			}
			if ok && c == '\r' && s.nl == '\n' {
				i++
				if c, ok = peek(); ok && c != '\n' {
					return s.stray(n, with, i, "text follows a closing quotation mark"), nil
				}
			}
			if ok && c != s.delim && c != s.nl {
				return s.stray(n, with, i, "text follows a closing quotation mark"), nil
			}
			s.ends = append(s.ends, len(s.scratch))
		} else {
			for ok && c != s.delim && c != s.nl {
				if c == s.quote {
					return s.stray(n, with, i, "a quotation mark stands within a field that is not quoted"), nil
				}
				s.scratch = append(s.scratch, c)
				i++
				c, ok = peek()
			}
			if m := len(s.scratch); (!ok || c == s.nl) && s.nl == '\n' && m > 0 && s.scratch[m-1] == '\r' {
				s.scratch = s.scratch[:m-1]
			}
			s.ends = append(s.ends, len(s.scratch))
		}
		if !ok {
			break
		}
		i++ // the delimiter or the line end
		if c == s.nl {
			break
		}
	}
	if s.done && s.err != nil && s.pos+i == s.end {
		return nil, s.err
	}
	raw := s.buf[s.pos : s.pos+i]
	if len(raw) > maxRecord {
		return s.stray(n, with, i, "the record is longer than 1 MB"), nil
	}
	lines := bytes.Count(raw[:max(len(raw)-1, 0)], []byte{s.nl}) + 1
	if lines > 1 && s.want > 0 {
		// A quotation mark that opens in one record and closes in a later one
		// swallows what is between. The lines tell: those of a text do not look like records.
		broken := len(s.ends) != s.want
		for off := with; off < i; {
			m := bytes.IndexByte(raw[off:], s.nl)
			if m < 0 {
				m = len(raw) - off
			}
			many, dated := s.recordLike(raw[off : off+m])
			if many && dated || broken && (many || dated) {
				return s.stray(n, with, i, "a quotation mark opens a field and is not closed in the row"), nil
			}
			off += m + 1
		}
	}
	text := string(s.scratch)
	s.fields = s.fields[:0]
	from := 0
	for _, e := range s.ends {
		s.fields = append(s.fields, text[from:e])
		from = e
	}
	problem := s.checkText(raw)
	s.pos += i
	s.line += lines
	return problem, nil
}

// recordLike says whether a line, cut at each delimiter, has at least as many
// fields as the header, and whether the field of the date holds a date.
func (s *records) recordLike(line []byte) (many, dated bool) {
	if s.want < 2 {
		return false, false
	}
	delims, from := 0, 0
	for i := 0; i <= len(line); i++ {
		if i == len(line) || line[i] == s.delim {
			if delims == s.dateAt && !dated {
				dated = anyDate(trim(string(bytes.Trim(line[from:i], "\"'\r"))))
			}
			if i < len(line) {
				delims++
			}
			from = i + 1
		}
	}
	return delims+1 >= s.want, dated
}

// stray refuses the record at pos, whose quotation marks do not pair up. seen is
// how far it was read. It takes the first line and those lines after it, as far as
// was read, that do not look like a record of their own.
func (s *records) stray(n, with, seen int, reason string) *Issue {
	first := bytes.TrimSuffix(s.buf[s.pos:s.pos+n], []byte{'\r'})
	problem := &Issue{Code: CodeBadQuotes, Reason: reason}
	if with < n+1 {
		problem.Reason = "a quoted field is not closed until the end of the file"
	}
	s.split(first)
	for i, f := range s.fields {
		if bytes.Count([]byte(f), []byte{s.quote})%2 == 1 {
			problem.field, problem.Value = i+1, f
			break
		}
	}
	if bad := s.checkText(first); bad != nil {
		problem = bad
	}
	s.pos += with
	s.line++
	for left := seen - with; left > 0 && s.want > 1; {
		m, w, ok := s.physical(0)
		if !ok || w == 0 {
			break
		}
		if many, dated := s.recordLike(s.buf[s.pos : s.pos+m]); many || dated {
			break
		}
		s.pos += w
		s.line++
		left -= w
	}
	return problem
}

// tooLong refuses a line that passes the limit and moves behind it.
func (s *records) tooLong() *Issue {
	s.at = s.line
	s.split(bytes.ToValidUTF8(s.buf[s.pos:s.pos+200], nil))
	for skipped := 0; ; {
		if i := bytes.IndexByte(s.buf[s.pos:s.end], s.nl); i >= 0 {
			s.pos += i + 1
			break
		}
		if skipped += s.end - s.pos; skipped > maxSkipped {
			s.done, s.err = true, errEndless
		}
		s.pos = s.end
		if !s.fill() {
			break
		}
	}
	s.line++
	return &Issue{Code: CodeTooLong, Reason: "the record is longer than 1 MB"}
}
