package geo

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"  Dera   Ismail Khan ", "dera ismail khan"},
		{"D.I. Khan", "d i khan"},
		{"Sar-e Pol", "sar e pol"},
		{"Azad Jammu & Kashmir", "azad jammu and kashmir"},
		{"A&B", "a and b"},
		{"&", "and"},
		{"Nangarhār", "nangarhar"},
		{"Wāshuk", "washuk"},
		{"Ka‘bul’s", "kabuls"},
		{"Chaman–Spin Boldak (Friendship Gate)", "chaman spin boldak friendship gate"},
		{"(Dir)", "dir"},
		{"Straße", "strasse"},
		{"ÆRØ", "aero"},
		{"ڈیرہ اسماعیل خان", Fold("ډېره اسماعیل خان")},
		{"باميان", Fold("بامیان")},
		{"كرك", Fold("کرک")},
		{"سر\u200cپل", Fold("سرپل")},
		{"کَرَک", Fold("کرک")},
		{"١٢", "12"},
		{"۱۲", "12"},
		{"\xff\xfe", ""},
		{"--", ""},
	} {
		if got := Fold(c.in); got != c.want {
			t.Errorf("Fold(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// foldLaws are what must hold for every string.
func foldLaws(t interface{ Fatalf(string, ...any) }, s string) {
	f := Fold(s)
	if again := Fold(f); again != f {
		t.Fatalf("Fold is not idempotent: %q → %q → %q", s, f, again)
	}
	if !utf8.ValidString(f) || strings.TrimSpace(f) != f || strings.Contains(f, "  ") {
		t.Fatalf("Fold(%q) = %q: not valid, or with stray spaces", s, f)
	}
}

func TestFoldLaws(t *testing.T) {
	// Every rune once, with a letter on both sides: the tables must not feed each other.
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r >= 0x20000 && r < 0xE0000 {
			r = 0xE0000 // ideographs and nothing assigned
		}
		foldLaws(t, "a"+string(r)+"b")
	}
	rapid.Check(t, func(t *rapid.T) { foldLaws(t, rapid.String().Draw(t, "s")) })
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "D.I. Khan", "ڈیرہ اسماعیل خان", "İstanbul", "\xff", "ſt", "&&", "ΐ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { foldLaws(t, s) })
}

func BenchmarkFold(b *testing.B) {
	for _, c := range []struct{ name, in string }{{"latin", "Dera Ismail Khan district"}, {"urdu", "ڈیرہ اسماعیل خان"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Fold(c.in)
			}
		})
	}
}
