package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// How much of a text is looked at: to tell UTF-16 and the kind of file at its
// beginning, and to tell UTF-8 from Windows-1252 where the first letter beyond ASCII stands.
const (
	sniffSize  = 32 << 10
	letterSize = 64 << 10
)

// toUTF8 gives the text of an input in UTF-8, without a byte order mark. The
// encoding is told by the mark, or by the letters beyond ASCII that come
// first; where these are UTF-8, bytes further down that are not refuse their
// row and nothing else.
func toUTF8(in *input) (*bufio.Reader, error) {
	br := bufio.NewReaderSize(in.r, 2*letterSize)
	sample, err := br.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) && len(sample) == 0 {
		return nil, frame(in.file, err)
	}
	var r io.Reader
	switch {
	case bytes.HasPrefix(sample, []byte("\xef\xbb\xbf")):
		_, _ = br.Discard(3) // three bytes that were peeked at
		r = br
	case bytes.HasPrefix(sample, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(sample, []byte("\x00\x00\xfe\xff")):
		return nil, refuse(in.file, "the file is text in UTF-32; save it as UTF-8")
	case bytes.HasPrefix(sample, []byte("\xff\xfe")), bytes.HasPrefix(sample, []byte("\xfe\xff")):
		r = transform.NewReader(br, utf16.UTF16(utf16.BigEndian, utf16.ExpectBOM).NewDecoder())
	case findUTF16(sample) != nil:
		r = transform.NewReader(br, findUTF16(sample).NewDecoder())
	default:
		r = &lazyText{br: br, in: in}
	}
	return bufio.NewReaderSize(r, maxRecord), nil
}

// lazyText decides about the encoding at the first byte that is not ASCII.
type lazyText struct {
	br  *bufio.Reader
	in  *input
	out io.Reader // once it is decided
}

func (l *lazyText) Read(p []byte) (int, error) {
	if l.out != nil {
		return l.out.Read(p)
	}
	if _, err := l.br.Peek(1); err != nil {
		return 0, err
	}
	b, err := l.br.Peek(min(l.br.Buffered(), len(p)))
	if err != nil {
		return 0, err
	}
	n := 0
	for n < len(b) && b[n] < utf8.RuneSelf {
		n++
	}
	if n > 0 || len(p) == 0 {
		copy(p, b[:n])
		return l.br.Discard(n)
	}
	sample, err := l.br.Peek(letterSize)
	page, reason := codePage(sample, err != nil)
	switch {
	case reason != nil:
		return 0, refuse(l.in.file, "%v", reason)
	case page != nil:
		l.in.guessed = page == charmap.Windows1256
		l.out = transform.NewReader(l.br, page.NewDecoder())
	default:
		l.out = l.br
	}
	return l.out.Read(p)
}

// findUTF16 tells UTF-16 without a byte order mark; nil is none.
func findUTF16(sample []byte) encoding.Encoding {
	// It has a zero in every character of ASCII: commas, digits and line
	// ends are that even in a table of Urdu.
	var zeros [2]int
	for i := bytes.IndexByte(sample, 0); i >= 0 && i < len(sample); i++ {
		if sample[i] == 0 {
			zeros[i&1]++
		}
	}
	switch enough := len(sample) / 10; {
	case zeros[1] > enough && zeros[0] < zeros[1]/16:
		return utf16.UTF16(utf16.LittleEndian, utf16.IgnoreBOM)
	case zeros[0] > enough && zeros[1] < zeros[0]/16:
		return utf16.UTF16(utf16.BigEndian, utf16.IgnoreBOM)
	}
	return nil
}

// codePage tells in which code page a text is: Windows-1252, Windows-1256, or
// nil for UTF-8. whole is true if nothing follows. It fails for text in none of them.
func codePage(sample []byte, whole bool) (*charmap.Charmap, error) {
	good, bad, beside, nothing, previous := 0, 0, 0, 0, -2
	var letters []byte // beyond ASCII
	for i := 0; i < len(sample); {
		if sample[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(sample[i:])
		if r != utf8.RuneError || n > 1 {
			good++
			i += n
			continue
		}
		if !whole && len(sample)-i < utf8.UTFMax && !utf8.FullRune(sample[i:]) {
			break // cut by the end of the sample
		}
		switch sample[i] {
		case 0x81, 0x8d, 0x8f, 0x90, 0x9d: // nothing in Windows-1252
			nothing++
		}
		letters = append(letters, sample[i])
		bad++
		if previous == i-1 {
			beside++
		}
		previous = i
		i++
	}
	switch {
	case bad == 0, good >= bad:
		return nil, nil // UTF-8, with broken rows perhaps
	case bad > 3 && beside > bad/2 && arabic(letters):
		return charmap.Windows1256, nil
	case bad > 8 && (beside > bad/2 || nothing > 0):
		// Letters beyond ASCII stand alone in a language written in Windows-1252; whole words of them are another alphabet.
		return nil, errors.New("the text is neither UTF-8 nor Windows-1252 or Windows-1256, but in another alphabet's code page; save it as UTF-8 (in a spreadsheet program: CSV UTF-8)")
	case nothing > 0:
		return nil, nil
	}
	return charmap.Windows1252, nil
}

// arabic reports whether bytes are words in Windows-1256, in which Excel saves
// Arabic, Urdu and Persian: nearly all are letters of that script, and alef, the
// most frequent of all, is among them. In the places of these letters other code
// pages have accented or rarer ones, and mixed with the French ones that Windows-1256 has too.
func arabic(b []byte) bool {
	script, latin, other, alef := 0, 0, 0, 0
	for _, c := range b {
		switch r := charmap.Windows1256.DecodeByte(c); {
		case r == 'ا' || r == 'آ':
			alef++
			script++
		case unicode.Is(unicode.Arabic, r), r == '\u200c':
			script++
		case unicode.Is(unicode.Latin, r):
			latin++
		default:
			other++
		}
	}
	return script > 20*latin && script > 4*other && alef*40 > script
}

// WarnSuspiciousEncoding is text that was probably read in a wrong encoding
// before it came here: "â€™" for an apostrophe. It is kept as it stands.
const WarnSuspiciousEncoding = "suspicious_encoding"

// suspicious reports whether a text looks like UTF-8 that was read as
// Windows-1252, or lost letters on the way.
func suspicious(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < utf8.RuneSelf:
			continue
		case c == 0xc3: // U+00C0 to U+00FF: in Windows-1252 the bytes that begin a character of UTF-8
			if garbled(s[i:]) {
				return true
			}
		case c == 0xc2 && i+1 < len(s) && s[i+1] < 0xa0: // a control character that no keyboard has
			return true
		case c == 0xef && strings.HasPrefix(s[i:], "\ufffd"):
			return true
		}
	}
	return false
}

// garbled reports whether a text begins with what one character of UTF-8 becomes in Windows-1252.
func garbled(s string) bool {
	var b [utf8.UTFMax]byte
	n := 0
	for _, r := range s {
		c, ok := charmap.Windows1252.EncodeRune(r)
		if !ok || c < utf8.RuneSelf {
			break
		}
		b[n] = c
		if n++; n == len(b) {
			break
		}
	}
	if n < 2 {
		return false
	}
	r, size := utf8.DecodeRune(b[:n])
	return r != utf8.RuneError && size > 1
}

// checkGuess warns of a row whose letters were read in an encoding that the
// file does not tell but by how often they come.
func (d *decoder) checkGuess(columns []string, values []string) {
	for i, v := range values {
		if i >= len(columns) || !strings.ContainsFunc(v, func(r rune) bool { return r >= utf8.RuneSelf }) {
			continue
		}
		d.row.Issues = append(d.row.Issues, Issue{Line: d.row.Line, Column: columns[i], Value: excerpt(v), Code: WarnSuspiciousEncoding,
			Reason: "the file is not UTF-8 and was read as Windows-1256, as its letters suggest; save it as UTF-8 if they are wrong"})
		d.row.Incident.Warnings = append(d.row.Incident.Warnings, WarnSuspiciousEncoding)
		return
	}
}

// checkEncoding warns of the first column of a row that looks garbled.
func (d *decoder) checkEncoding(columns []string, values []string) {
	for i, v := range values {
		if i >= len(columns) {
			return
		}
		if !suspicious(v) {
			continue
		}
		d.row.Issues = append(d.row.Issues, Issue{Line: d.row.Line, Column: columns[i], Value: excerpt(v), Code: WarnSuspiciousEncoding,
			Reason: "it looks like text that was read in a wrong encoding and saved; it is kept as it stands"})
		d.row.Incident.Warnings = append(d.row.Incident.Warnings, WarnSuspiciousEncoding)
		return
	}
}

// describe names what a file begins with that is no table, "" if nothing speaks against one.
func describe(text []byte) string {
	low := bytes.ToLower(text[:min(len(text), 512)])
	for _, c := range []struct{ begins, what string }{
		{"<!doctype html", "a page in HTML (an error message instead of the file, perhaps)"}, {"<html", "a page in HTML (an error message instead of the file, perhaps)"},
		{"<?xml", "XML; save it as CSV or GeoJSON"}, {"<kml", "KML; save it as CSV or GeoJSON"},
	} {
		if bytes.HasPrefix(low, []byte(c.begins)) {
			return fmt.Sprint("the file is ", c.what)
		}
	}
	return ""
}
