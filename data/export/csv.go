package export

import (
	"bufio"
	"io"
	"iter"
	"strings"

	"sarhad/incident"
)

// CSV writes a table as RFC 4180 has it: UTF-8, CRLF, quotation marks doubled.
// The columns are those of [Columns]. What is not known is an empty field,
// which is not 0. A text that a spreadsheet might run as a formula gets an
// apostrophe in front; see [Harmless].
func CSV(w io.Writer, info Info, incidents iter.Seq2[*incident.Incident, error]) error {
	bw := bufio.NewWriterSize(w, chunk)
	if info.BOM {
		_, _ = bw.WriteString("\ufeff") // flush tells if it failed
	}
	head := make([]string, len(columns))
	tags := make([]string, len(columns))
	for i, c := range columns {
		head[i], tags[i] = c.Name, c.HXL
	}
	_, _ = bw.WriteString(strings.Join(head, ",") + "\r\n")
	if info.HXL {
		_, _ = bw.WriteString(strings.Join(tags, ",") + "\r\n")
	}
	if err := stream(bw, incidents, appendRow); err != nil {
		return err
	}
	return flush(bw)
}

func appendRow(b []byte, in *incident.Incident) []byte {
	for i := range columns {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := columns[i].Value(in).(type) {
		case string:
			b = appendField(b, Harmless(v))
		default:
			b = appendValue(b, v)
		}
	}
	return append(b, '\r', '\n')
}

// appendField appends a text, quoted where that is needed. All that may pass for
// a separator elsewhere is quoted too, so that nobody guesses another one.
func appendField(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\",;\t|\r\n'") && strings.TrimSpace(s) == s {
		return append(b, s...)
	}
	b = append(b, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		b = append(append(b, s[:i+1]...), '"')
		s = s[i+1:]
	}
	return append(append(b, s...), '"')
}

// Harmless puts an apostrophe in front of a text that a spreadsheet might run as
// a formula: one that begins with =, +, -, @, their full-width twins, a tab or a
// line end, with or without blanks or apostrophes before. [Unharm] takes it away.
func Harmless(s string) string {
	if runs(s) {
		return "'" + s
	}
	return s
}

// Unharm undoes [Harmless].
func Unharm(s string) string {
	if strings.HasPrefix(s, "'") && runs(s) {
		return s[1:]
	}
	return s
}

// runs does not look at apostrophes in front, so that a text and what Harmless
// makes of it are alike to it.
func runs(s string) bool {
	if s == "" || 'a' <= s[0]|0x20 && s[0]|0x20 <= 'z' { // nearly always, and this is asked of every text
		return false
	}
	s = strings.TrimLeft(s, "'")
	if s != "" && strings.ContainsRune("\t\r\n", rune(s[0])) {
		return true
	}
	for _, r := range strings.TrimLeft(s, " '\u00a0\ufeff") {
		return strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫", r)
	}
	return false
}
