package incident

import (
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func TestDayRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Day(rapid.Int32Range(int32(MinDay), int32(MaxDay)).Draw(t, "day"))
		got, err := ParseDay(d.String())
		if err != nil || got != d {
			t.Fatalf("ParseDay(%q) = %d, %v; want %d", d.String(), got, err, d)
		}
	})
}

func TestParseDayRefuses(t *testing.T) {
	for _, s := range []string{"", "2025-02-29", "2025-02-31", "2025-13-01", "2025-00-10", "0000-01-01", "2025-1-01", "2025/01/01", "2025-01-01T00:00:00Z", "２０２５-01-01"} {
		if d, err := ParseDay(s); err == nil {
			t.Errorf("ParseDay(%q) = %v, want an error", s, d)
		}
	}
	if d, err := ParseDay("1970-01-01"); err != nil || d != 0 {
		t.Errorf("1970-01-01 is day %d, %v; want 0", d, err)
	}
	if d, err := ParseDay("2024-02-29"); err != nil || d.String() != "2024-02-29" {
		t.Errorf("a leap day became %v, %v", d, err)
	}
}

func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		key          Key
		day, in, nxt string
	}{
		{KeyDay, "2024-02-28", "2024-02-28", "2024-02-29"},
		{KeyWeek, "2024-12-30", "2025-W01", "2025-01-06"},
		{KeyWeek, "2027-01-03", "2026-W53", "2027-01-04"},
		{KeyMonth, "2024-12-31", "2024-12", "2025-01-01"},
		{KeyYear, "2024-12-31", "2024", "2025-01-01"},
	} {
		d, err := ParseDay(c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := PeriodOf(c.key, d); got != c.in {
			t.Errorf("PeriodOf(%s, %s) = %s, want %s", c.key, c.day, got, c.in)
		}
		if got := NextPeriod(c.key, d).String(); got != c.nxt {
			t.Errorf("NextPeriod(%s, %s) = %s, want %s", c.key, c.day, got, c.nxt)
		}
	}
}

// The next period begins where the name of the period changes for the first time.
func TestNextPeriodIsTheFirstDayOfAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]Key{KeyDay, KeyWeek, KeyMonth, KeyYear}).Draw(t, "key")
		d := Day(rapid.Int32Range(-10000, 40000).Draw(t, "day"))
		next := NextPeriod(key, d)
		if PeriodOf(key, next) == PeriodOf(key, d) || PeriodOf(key, next-1) != PeriodOf(key, d) {
			t.Fatalf("after %s the next %s begins on %s", d, key, next)
		}
	})
}

func TestID(t *testing.T) {
	a, b := ID("ged", "1"), ID("ged1", "")
	if len(a) != 14 || a[0] != 'i' || a == b {
		t.Errorf("IDs %q and %q", a, b)
	}
	if a != ID("ged", "1") {
		t.Error("an ID is not stable")
	}
}

func TestVocabularyReadsACLEDsTerms(t *testing.T) {
	n := 0
	for of, subs := range SubEventTypes {
		for _, s := range subs {
			n++
			sub, gotOf, ok := ParseSubEventType(" " + upper(string(s)))
			if !ok || sub != s || gotOf != of {
				t.Errorf("%q was read as %q of %q", s, sub, gotOf)
			}
		}
		if got, ok := ParseEventType(upper(string(of))); !ok || got != of {
			t.Errorf("%q was read as %q", of, got)
		}
	}
	if n != 25 {
		t.Errorf("%d sub-event types, ACLED has 25", n)
	}
	if s, _, ok := ParseSubEventType("Excessive force against protestors"); !ok || s != "Excessive force against protesters" {
		t.Errorf("the older spelling was read as %q", s)
	}
	if _, ok := ParseEventType("Riots/Protests"); ok {
		t.Error("a term that ACLED gave up was taken for a type of today")
	}
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
	}
	return string(b)
}

func TestFilterThreeValuedLogic(t *testing.T) {
	in := &Incident{Actor1: "A", Best: Known(0), Start: 10, End: 12}
	low := Compare{"fatalities_low", Ge, NumberValue(0)}
	for _, c := range []struct {
		name string
		f    Filter
		want Truth
	}{
		{"null compared", low, Unknown},
		{"not null compared", Not{low}, Unknown},
		{"and with false", And{low, Compare{"fatalities_best", Gt, NumberValue(0)}}, False},
		{"or with true", Or{low, Compare{"fatalities_best", Eq, NumberValue(0)}}, True},
		{"and with true", And{low, Compare{"fatalities_best", Eq, NumberValue(0)}}, Unknown},
		{"is null", IsNull{"fatalities_low"}, True},
		{"is not null", Not{IsNull{"fatalities_best"}}, True},
		{"text with number", Compare{"actor1", Eq, NumberValue(1)}, Unknown},
		{"in null", In{"unit_id", []string{"x"}}, Unknown},
		{"empty and", And{}, True},
		{"empty or", Or{}, False},
		{"last day", During{12, 20}, True},
		{"day after", During{13, 20}, False},
		{"first day", During{MinDay, 10}, True},
		{"no point in a box", Box{orb.Bound{Min: orb.Point{-180, -90}, Max: orb.Point{180, 90}}}, False},
		{"no distance", NearBorder{10}, Unknown},
	} {
		if got := c.f.Match(in); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if !Matches(nil, in) {
		t.Error("no filter does not match")
	}
}

// An instant is compared with the local day: 19:30Z on the day before is 00:30
// of the day in Pakistan and midnight in Afghanistan.
func TestDuringInstantsIsLocal(t *testing.T) {
	const day = 20000
	at := func(h, m int) int64 { return (day-1)*86400 + int64(h)*3600 + int64(m)*60 }
	pk, af := &Incident{Country: "PK", Start: day, End: day}, &Incident{Country: "AF", Start: day, End: day}
	for _, c := range []struct {
		h, m   int
		pk, af Truth
	}{{18, 59, False, False}, {19, 0, True, False}, {19, 29, True, False}, {19, 30, True, True}} {
		f := DuringInstants{at(c.h, c.m), at(c.h, c.m)}
		if f.Match(pk) != c.pk || f.Match(af) != c.af {
			t.Errorf("at %02d:%02dZ: PK %v, AF %v", c.h, c.m, f.Match(pk), f.Match(af))
		}
	}
	// The last instant of the day belongs to it, the next does not.
	end := DuringInstants{(day+1)*86400 - OffsetPK, MaxInstant}
	if end.Match(pk) != False {
		t.Error("the first instant of the next day matched")
	}
}

func TestLike(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{{"%", "", true}, {"a%c", "abbc", true}, {"a_c", "abbc", false}, {"_خ", "سخ", true}, {"%ab%ab%", "xabab", true}, {"", "a", false}, {"%%%a", "bbba", true}, {"%خ_x", "سخسخسx", true}, {"__", "س", false}} {
		if got := LikeMatch(c.pattern, c.text); got != c.want {
			t.Errorf("%q like %q: %v", c.text, c.pattern, got)
		}
	}
}

func TestHasWords(t *testing.T) {
	if !HasWords("Fighting near TORKHAM gate", "torkham  fight") || HasWords("Torkham", "torkham gate") || !HasWords("x", " ") {
		t.Error("words are found wrongly")
	}
}

// Every property has a value of its kind, and Not never turns unknown into true.
func TestPropertiesHaveTheirKind(t *testing.T) {
	in := &Incident{}
	for _, p := range Properties() {
		v := p.Get(in)
		if v.Kind != p.Kind {
			t.Errorf("%s has kind %v, its value %v", p.Name, p.Kind, v.Kind)
		}
		if got, ok := LookupProperty(p.Name); !ok || got.Name != p.Name {
			t.Errorf("%s is not found", p.Name)
		}
	}
}

func TestGroupSumsOnlyWhatIsReported(t *testing.T) {
	var g Group
	g.Add(&Incident{})
	if g.Best.Known || g.UnknownFatalities != 1 {
		t.Errorf("a sum of nothing reported is %+v", g)
	}
	g.Add(&Incident{Best: Known(0)})
	g.Add(&Incident{Best: Known(3)})
	g.Add(&Incident{Low: Known(7)})
	if g.Low != Known(7) || g.High.Known || g.UnknownLow != 3 || g.UnknownHigh != 4 {
		t.Errorf("the sums of bounds are %+v", g)
	}
	if g.Best != Known(3) || g.Count != 4 || g.UnknownFatalities != 2 {
		t.Errorf("the sum is %+v", g)
	}
}
