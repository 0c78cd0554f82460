package cql2

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// foldCase gives the same text for all spellings of a text that differ in
// upper and lower case only.
func foldCase(s string) string {
	if ascii(s) {
		return strings.ToLower(s)
	}
	// Folding may take composed letters apart and leave letters that compose.
	return norm.NFC.String(cases.Fold().String(norm.NFD.String(s)))
}

// accents are the signs that are put on letters: those of Latin, Greek and
// Cyrillic letters, and the vowel signs, hamza and madda of Arabic ones. Signs
// that make another letter in other scripts (as in Devanagari and Japanese) stay.
var accents = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036F, Stride: 1}, {Lo: 0x064B, Hi: 0x065F, Stride: 1}, {Lo: 0x0670, Hi: 0x0670, Stride: 1},
	{Lo: 0x1AB0, Hi: 0x1AFF, Stride: 1}, {Lo: 0x1DC0, Hi: 0x1DFF, Stride: 1}, {Lo: 0x20D0, Hi: 0x20FF, Stride: 1}, {Lo: 0xFE20, Hi: 0xFE2F, Stride: 1},
}}

// plainLetters are letters with a stroke, which Unicode does not take apart.
var plainLetters = strings.NewReplacer("ø", "o", "Ø", "O", "ł", "l", "Ł", "L", "đ", "d", "Đ", "D", "ħ", "h", "Ħ", "H", "ı", "i")

// foldAccents leaves the accents of a text out.
func foldAccents(s string) string {
	if ascii(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unicode.Is(accents, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
	return norm.NFC.String(plainLetters.Replace(s))
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
