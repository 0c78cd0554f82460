package api

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// Incidents are written by hand, since encoding/json allocates for each
// optional field and is several times slower than the store that feeds it.

const hexDigits = "0123456789abcdef"

// plain marks the bytes that stand for themselves in a JSON text. The signs of
// HTML are left out, so that an answer pasted into a page stays text.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = true
	}
	for _, c := range `"\<>` {
		t[c] = false
	}
	return t
}()

// appendText appends a JSON string. Bytes that are no UTF-8 become U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	n := plainPrefix(s)
	if n == len(s) { // nearly always
		return append(append(b, s...), '"')
	}
	return appendEscaped(b, s, n)
}

// plainPrefix is how many bytes at the beginning stand for themselves. It looks
// at eight at once, which makes long texts several times faster: each term sets
// the high bit of a byte that is not ASCII, below a space, a quote, a backslash,
// or < or > (which differ in one bit).
func plainPrefix(s string) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := s[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 | uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		quote, slash, angle := x^(ones*'"'), x^(ones*'\\'), (x|ones*2)^(ones*'>')
		if (x|(x-ones*' ')|(quote-ones)|(slash-ones)|(angle-ones))&highs != 0 {
			break
		}
	}
	for i < len(s) && plain[s[i]] {
		i++
	}
	return i
}

// appendEscaped appends a text whose first bytes stand for themselves, and the closing quote.
func appendEscaped(b []byte, s string, from int) []byte {
	start := 0
	for i := from; i < len(s); {
		c := s[i]
		if plain[c] {
			i += plainPrefix(s[i:])
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + 1
		case r == 0x2028 || r == 0x2029: // line ends to JavaScript
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hexDigits[r&15])
			start = i + size
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

// appendTextOrNull appends a text, null for the empty one.
func appendTextOrNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendText(b, s)
}

// appendFloat appends the shortest decimal that reads back as the same number,
// null for what JSON cannot say.
func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	abs := math.Abs(f)
	// Up to six decimals, as coordinates and kilometres usually have, are written
	// as an integer with a point, three times faster. It is the shortest form too:
	// no two decimals of up to 15 digits share a float64.
	if abs < 1e9 {
		if v := math.Round(abs * 1e6); v/1e6 == abs {
			return appendMicro(b, f < 0, uint64(v))
		}
	}
	if abs < 1e-6 || abs >= 1e21 {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

func appendMicro(b []byte, negative bool, micro uint64) []byte {
	if negative && micro != 0 {
		b = append(b, '-')
	}
	b = strconv.AppendUint(b, micro/1e6, 10)
	rest := uint32(micro % 1e6)
	if rest == 0 {
		return b
	}
	d := [7]byte{'.'}
	for i, pair := range [3]uint32{rest / 10_000, rest / 100 % 100, rest % 100} {
		d[2*i+1], d[2*i+2] = byte('0'+pair/10), byte('0'+pair%10)
	}
	n := 7
	for d[n-1] == '0' {
		n--
	}
	return append(b, d[:n]...)
}

func appendFigure(b []byte, f incident.Figure) []byte {
	if !f.Known {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(f.N), 10)
}

func appendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

func appendDay(b []byte, d incident.Day) []byte {
	b = append(b, '"')
	b = min(max(d, incident.MinDay), incident.MaxDay).Append(b)
	return append(b, '"')
}

func appendTexts(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, s)
	}
	return append(b, ']')
}

func appendPosition(b []byte, p orb.Point) []byte {
	b = append(b, '[')
	b = appendFloat(b, p[0])
	b = append(b, ',')
	b = appendFloat(b, p[1])
	return append(b, ']')
}

func appendPositions(b []byte, ps []orb.Point) []byte {
	b = append(b, '[')
	for i, p := range ps {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPosition(b, p)
	}
	return append(b, ']')
}

// appendPolygons appends the polygons of a MultiPolygon without the outer
// brackets, so that several lists can be joined.
func appendPolygons(b []byte, m orb.MultiPolygon) []byte {
	for i, p := range m {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, r := range p {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendPositions(b, r)
		}
		b = append(b, ']')
	}
	return b
}

// link is a link of an OGC answer.
type link struct {
	Rel   string `json:"rel"`
	Type  string `json:"type,omitempty"`
	Title string `json:"title,omitempty"`
	Href  string `json:"href"`
}

func appendLinks(b []byte, links []link) []byte {
	b = append(b, `"links":[`...)
	for i, l := range links {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"rel":`...)
		b = appendText(b, l.Rel)
		if l.Type != "" {
			b = append(b, `,"type":`...)
			b = appendText(b, l.Type)
		}
		if l.Title != "" {
			b = append(b, `,"title":`...)
			b = appendText(b, l.Title)
		}
		b = append(b, `,"href":`...)
		b = appendText(b, l.Href)
		b = append(b, '}')
	}
	return append(b, ']')
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
