package geo

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold brings the spellings of a name together: compatibility forms, letter case, accents and vowel signs are dropped;
// Arabic, Urdu, Pashto and Dari forms of one letter become one (ي ى ې ے → ی, ك ګ → ک گ, ٹ ټ → ت, ہ ھ ة → ه);
// ZWNJ, tatweel and apostrophes go; "&" becomes "and"; digits become ASCII; all other signs (hyphens, points, brackets)
// become one space, and none stands at either end. Folding twice changes nothing. "" stays "".
func Fold(s string) string {
	if folded(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	w := folder{b: &b}
	if ascii(s) {
		for i := 0; i < len(s); i++ {
			w.write(rune(s[i]))
		}
		return b.String()
	}
	// Letter case goes by way of the capitals, which brings the two small sigmas together, and decomposition comes
	// twice, since a letter of the other case can be one that may be taken apart once more.
	s = norm.NFKD.String(strings.ToLower(strings.ToUpper(norm.NFKD.String(strings.ToValidUTF8(s, " ")))))
	for _, r := range s {
		w.write(r)
	}
	return b.String()
}

// folder writes folded runes, and a space between words only once the next word begins.
type folder struct {
	b     *strings.Builder
	space bool
}

func (w *folder) write(r rune) {
	switch {
	case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
	case r >= 'A' && r <= 'Z':
		r += 'a' - 'A'
	case r == '&':
		w.word("and")
		w.space = true
		return
	case r == '\'' || r == '`' || silent[r]:
		return
	case r < utf8.RuneSelf:
		w.space = w.b.Len() > 0
		return
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) || unicode.Is(unicode.Cf, r):
		return
	default:
		if s, ok := spelled[r]; ok {
			w.put(s)
			return
		}
		if f, ok := sameLetter[r]; ok {
			r = f
		} else if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Mc, r) {
			w.space = w.b.Len() > 0
			return
		}
	}
	w.gap()
	w.b.WriteRune(r)
}

// word writes a word of its own, put a part of one.
func (w *folder) word(s string) {
	w.space = w.b.Len() > 0
	w.put(s)
}

func (w *folder) put(s string) {
	w.gap()
	w.b.WriteString(s)
}

func (w *folder) gap() {
	if w.space {
		w.b.WriteByte(' ')
		w.space = false
	}
}

// silent are signs inside a word that spellings leave out at will.
var silent = map[rune]bool{
	'’': true, '‘': true, 'ʼ': true, 'ʻ': true, 'ʿ': true, 'ʾ': true, 'ʹ': true, '´': true, // apostrophes, ain, hamza
	'ء': true, 'ـ': true, // Arabic hamza alone, tatweel
}

// spelled are Latin letters that do not decompose.
var spelled = map[rune]string{'ß': "ss", 'ø': "o", 'đ': "d", 'ł': "l", 'ı': "i", 'æ': "ae", 'œ': "oe", 'ð': "d", 'þ': "th", 'ħ': "h"}

// sameLetter are the forms of one letter in the Arabic, Urdu, Pashto and Dari alphabets, as they are after
// decomposition, and the digits. Retroflex letters become plain ones: Dari and hurried Urdu write them so.
var sameLetter = map[rune]rune{
	'ي': 'ی', 'ى': 'ی', 'ې': 'ی', 'ۍ': 'ی', 'ے': 'ی', 'ۓ': 'ی', 'ێ': 'ی',
	'ك': 'ک', 'ڪ': 'ک', 'ګ': 'گ',
	'ة': 'ه', 'ہ': 'ه', 'ھ': 'ه', 'ە': 'ه', 'ۀ': 'ه', 'ۃ': 'ه', 'ۂ': 'ه',
	'ٹ': 'ت', 'ټ': 'ت', 'ڈ': 'د', 'ډ': 'د', 'ڑ': 'ر', 'ړ': 'ر', 'ڼ': 'ن', 'ں': 'ن', 'ڻ': 'ن',
	'ٱ': 'ا', 'ۆ': 'و', 'ۇ': 'و',
	'٠': '0', '١': '1', '٢': '2', '٣': '3', '٤': '4', '٥': '5', '٦': '6', '٧': '7', '٨': '8', '٩': '9',
	'۰': '0', '۱': '1', '۲': '2', '۳': '3', '۴': '4', '۵': '5', '۶': '6', '۷': '7', '۸': '8', '۹': '9',
}

// folded says whether a string is plainly folded already: small ASCII letters and digits with single spaces between.
func folded(s string) bool {
	space := true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			space = false
		case c == ' ' && !space:
			space = true
		default:
			return false
		}
	}
	return !space || s == ""
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// key is the folded name without spaces, so that "D. I. Khan", "DI Khan" and "DIKhan" meet.
func key(folded string) string { return strings.ReplaceAll(folded, " ", "") }
