package source

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sarhad/incident"
)

func (q quantity) String() string {
	f := func(f incident.Figure) string {
		if !f.Known {
			return "."
		}
		return fmt.Sprint(f.N)
	}
	return strings.TrimSpace(f(q.low) + " " + f(q.best) + " " + f(q.high) + " " + q.qualifier)
}

// Low, best and high, and the word that goes with them.
func TestQuantities(t *testing.T) {
	for text, want := range map[string]string{
		"0": ". 0 .", "13": ". 13 .", "12.0": ". 12 .", "12.": "!", "1.5": "!", "1.000": "!",
		"100+": "100 . . at_least", "100 +": "100 . . at_least", "at least 3": "3 . . at_least", "At least three": "3 . . at_least", "≥5": "5 . . at_least", "30 or more": "30 . . at_least",
		"over 100": "100 . . over", "More than 1,200": "1200 . . over", ">10": "10 . . over",
		"up to 20": ". . 20 at_most", "<20": ". . 20 under", "fewer than 20": ". . 20 under", "20 or less": ". . 20 at_most",
		"~30": ". 30 . about", "about 30": ". 30 . about", "approx. 30": ". 30 . about", "30 approx": ". 30 . about", "c. 30": ". 30 . about", "around a dozen": ". 12 . about",
		"13-22": "13 . 22", "13 – 22": "13 . 22", "13 to 22": "13 . 22", "between 13 and 22": "13 . 22", "three to five": "3 . 5", "twenty-one-thirty": "21 . 30", "5-5": "5 . 5",
		"-": ". . .", "–": ". . .", "n/a": ". . .", "N/A": ". . .", "NA": ". . .", "unknown": ". . .", "?": ". . .", "نامعلوم": ". . .", "...": ". . .", "…": ". . .", "null": ". . .",
		"three": ". 3 .", "Zero": ". 0 .", "twenty-one": ". 21 .", "one hundred and five": ". 105 .", "a hundred": ". 100 .", "a dozen": ". 12 .", "two dozen": ". 24 .",
		"half a dozen": ". 6 .", "two thousand three hundred and forty five": ". 2345 .", "nineteen hundred": "!", "five three": "!", "twenty eleven": "!", "hundred": "!", "a": "!", "and": "!", "And 0": "!", "hundred and": "!", "one hundred and": "!", "one and two": "!",
		"1,234": ". 1234 .", "1 234": ". 1234 .", "1\u00a0234": ". 1234 .", "1\u202f234": ". 1234 .", "1٬234": ". 1234 .", "1’234": ". 1234 .", "1,23,456": ". 123456 .", "12,34": "!", "1,2345": "!",
		"1,234 567": "!", ",123": "!", "1,,234": "!", "1234,567": "!", "1 2": "!", "1\u00a0000+": "1000 . . at_least",
		"۱۲": ". 12 .", "١٢": ". 12 .", "१२": ". 12 .", "۱۳-۲۲": "13 . 22", "۱۰۰+": "100 . . at_least", "１２": ". 12 .",
		"22-13": "!", "-5": "!", "5-": "!", "+5": "!", "NaN": "!", "nan": "!", "Inf": "!", "-Infinity": "!", "1e3": "!", "0x10": "!", "13/22": "!", "5 (2 civilians)": "!", "dozens": "!", "several": "!",
		"12 killed": "!", "nil": "!", "none": "!", "overtwo": "!", "about": "!", "+": "!", "99999999999": "!", "100++": "!", "over 100+": "!", "five hundred thousand million": "!", "10-20-30": "!",
	} {
		got := "!"
		if q, p := parseQuantity(text); p == nil {
			got = q.String()
		} else if p.code != CodeBadNumber || p.reason == "" {
			t.Errorf("%s: %+v", text, p)
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func inWords(n int) string {
	names := make([]string, 20)
	for w, i := range smallNumbers {
		names[i] = w
	}
	switch {
	case n < 20:
		return names[n]
	case n < 100:
		for w, i := range tens {
			if i == n/10*10 {
				if n%10 == 0 {
					return w
				}
				return w + "-" + names[n%10]
			}
		}
	case n < 1000:
		if n%100 == 0 {
			return names[n/100] + " hundred"
		}
		return names[n/100] + " hundred and " + inWords(n%100)
	}
	if n%1000 == 0 {
		return inWords(n/1000) + " thousand"
	}
	return inWords(n/1000) + " thousand " + inWords(n%1000)
}

func grouped(n int, sep string) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + sep + s[i:]
	}
	return s
}

// Every number, written in each form, is read as the same number.
func TestNumbersReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 999_999).Draw(t, "n")
		for _, text := range []string{fmt.Sprint(n), grouped(n, ","), grouped(n, " "), grouped(n, "\u00a0"), grouped(n, "٬"), persian(grouped(n, "٬")), fmt.Sprint(n, ".0"), inWords(n), "  " + inWords(n)} {
			if q, p := parseQuantity(strings.ReplaceAll(text, " .0", ".0")); p != nil || q != (quantity{best: incident.Known(n)}) {
				t.Fatalf("%q is read as %v (%+v)", text, q, p)
			}
		}
		m := n + rapid.IntRange(0, 1000).Draw(t, "more")
		for _, text := range []string{fmt.Sprintf("%d-%d", n, m), fmt.Sprintf("%s – %s", grouped(n, ","), grouped(m, ",")), persian(fmt.Sprintf("%d تا %d", n, m))} {
			if q, p := parseQuantity(text); p != nil || q != (quantity{low: incident.Known(n), high: incident.Known(m)}) {
				t.Fatalf("%q is read as %v (%+v)", text, q, p)
			}
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"100+", "13-22", "a dozen", "1,23,456", "۱۲", "between 3 and 5", "n/a", "twenty-one thousand"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, p := parseQuantity(s)
		switch {
		case p != nil && (p.code != CodeBadNumber || p.reason == ""):
			t.Fatalf("%q: %+v", s, p)
		case p == nil && (q.low.N < 0 || q.best.N < 0 || q.high.N < 0 || q.low.Known && q.high.Known && q.low.N > q.high.N):
			t.Fatalf("%q: %v", s, q)
		}
	})
}

func TestAngles(t *testing.T) {
	for text, want := range map[string]string{
		"33.69": "33.6900", "-33.69": "-33.6900", "33,69": "33.6900", "33.69N": "33.6900 N", "33.69° N": "33.6900 N", "N33.69": "33.6900 N", "71.5 W": "-71.5000 W", "33.69s": "-33.6900 S",
		`33°41'24"N`: "33.6900 N", "33°41′24″N": "33.6900 N", "33 41 24 N": "33.6900 N", "33:41:24": "33.6900", "33°41'": "33.6833", "33° 41.4' N": "33.6900 N", `N 33° 41' 24"`: "33.6900 N",
		"33°41’24.5”N": "33.6901 N", "۳۳٫۶۹": "33.6900", "۳۳°۴۱'۲۴\"N": "33.6900 N", "−33.69": "-33.6900", "33º41'24''N": "33.6900 N", "71°": "71.0000", "-71°30'": "-71.5000",
		"": "!", "-": "!", "NaN": "!", "Inf": "!", "33 41": "!", "3341": "3341.0000", "33°61'": "!", "33°41'60\"": "!", "33.5°41'": "!", "33°41.5'10\"": "!", "-33 S": "!", "N 33 N": "!",
		"33.41.24": "!", "33°41'24\"X": "!", "x": "!", "33°41'24\"5": "!", "1e400": "!",
	} {
		got := "!"
		if f, half, p := parseAngle(text); p == nil {
			got = fmt.Sprintf("%.4f", f)
			if half != 0 {
				got += " " + string(half)
			}
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	for text, name := range map[string]string{"33.69E": "latitude", "91": "latitude", "71N": "longitude", "181": "longitude"} {
		limit := map[string]float64{"latitude": 90, "longitude": 180}[name]
		if f, p := parseLooseCoordinate(text, limit, name); p == nil {
			t.Errorf("%s is read as the %s %v", text, name, f)
		}
	}
}

func TestPoints(t *testing.T) {
	for text, want := range map[string]string{
		"34.01,71.52": "71.52 34.01", "34.01, 71.52": "71.52 34.01", "(34.01, 71.52)": "71.52 34.01", "34.01 71.52": "71.52 34.01", "34.01; 71.52": "71.52 34.01", "34.01/71.52": "71.52 34.01",
		"34,01; 71,52": "71.52 34.01", "34,01 71,52": "71.52 34.01", "34,01, 71,52": "71.52 34.01", "34.01N, 71.52E": "71.52 34.01", "71.52E 34.01N": "71.52 34.01", "N34.01 E71.52": "71.52 34.01",
		`34°0'36"N 71°31'12"E`: "71.52 34.01", `34 0 36 N, 71 31 12 E`: "71.52 34.01", "POINT(71.52 34.01)": "71.52 34.01", "Point (71.52 34.01)": "71.52 34.01", "۳۴٫۰۱، ۷۱٫۵۲": "71.52 34.01", "-34.01, 71.52": "71.52 -34.01",
		"N 34 0 36, E 71 31 12": "71.52 34.01", "N 34 0 36 E 71 31 12": "71.52 34.01",
		"": CodeBadCoordinate, "34.01": CodeBadCoordinate, "34,01,71,52": CodeBadCoordinate, "34.01, 71.52, 0": CodeBadCoordinate, "34.01N, 71.52N": CodeBadCoordinate, "34.01E, 71.52": CodeBadCoordinate,
		"NaN, 71": CodeBadCoordinate, "34, Inf": CodeBadCoordinate, "91, 34": CodeCoordinateRange, "34, 181": CodeCoordinateRange, "34,01": "1 34", "a, b": CodeBadCoordinate, ",": CodeBadCoordinate,
	} {
		lon, lat, p := parsePoint(text, false, true)
		got := fmt.Sprintf("%.4g %.4g", lon, lat)
		if p != nil {
			got = p.code
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if lon, lat, p := parsePoint("71.52, 34.01", true, false); p != nil || lon != 71.52 || lat != 34.01 {
		t.Errorf("longitude first: %v %v %+v", lon, lat, p)
	}
	if _, _, p := parsePoint("34.01N, 71.52E", false, false); p == nil {
		t.Error("letters are read where the mapping does not say so")
	}
}

// A place, written in each form, is read as the same place.
func TestCoordinatesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sec := rapid.IntRange(0, 90*3600).Draw(t, "seconds")
		want := float64(sec) / 3600
		d, m, s := sec/3600, sec/60%60, sec%60
		for _, text := range []string{
			fmt.Sprintf(`%d°%02d'%02d"N`, d, m, s), fmt.Sprintf("%d %d %d N", d, m, s), fmt.Sprintf("N %d° %d′ %d″", d, m, s), fmt.Sprintf("%.8f", want), fmt.Sprintf("%.8fN", want),
			persian(fmt.Sprintf("%d:%d:%d", d, m, s)), strings.Replace(fmt.Sprintf("%.8f", want), ".", ",", 1),
		} {
			if f, p := parseLooseCoordinate(text, 90, "latitude"); p != nil || math.Abs(f-want) > 1e-7 {
				t.Fatalf("%s is read as %v (%+v), not %v", text, f, p, want)
			}
		}
	})
}

func FuzzCoordinate(f *testing.F) {
	for _, s := range []string{`33°41'24"N`, "34.01, 71.52", "POINT(71.5 34)", "N 34 0 36 E 71 31 12", "34,01; 71,52"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if lat, p := parseLooseCoordinate(s, 90, "latitude"); p == nil && !(lat >= -90 && lat <= 90) {
			t.Fatalf("%q: %v", s, lat)
		}
		for _, loose := range []bool{false, true} {
			if lon, lat, p := parsePoint(s, loose, loose); p == nil && (!(lat >= -90 && lat <= 90) || !(lon >= -180 && lon <= 180)) {
				t.Fatalf("%q: %v %v", s, lon, lat)
			}
		}
	})
}
