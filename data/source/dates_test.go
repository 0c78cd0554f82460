package source

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sarhad/incident"
)

// said writes what a date was read as, or the code of its problem.
func said(s span, p *problem) string {
	if p != nil {
		return p.code
	}
	out := s.String()
	if s.precision != "" {
		out += " " + string(s.precision)
	}
	if clock := s.local("PK"); clock != "" {
		out += " " + clock
	}
	if s.weekday != "" {
		out += " !"
	}
	return out
}

// What is read without a mapping, and what is refused.
func TestDateForms(t *testing.T) {
	for text, want := range map[string]string{
		// Days.
		"2025-10-12": "2025-10-12", "2025/10/12": "2025-10-12", "2025.10.12": "2025-10-12", "2025 10 12": "2025-10-12", "20251012": "2025-10-12",
		"12.10.2025": CodeAmbiguousDate, "25.10.2025": "2025-10-25", "10/25/2025": "2025-10-25", "25 10 2025": "2025-10-25",
		"Sunday-November 19-1995": "1995-11-19", "Sunday, 19 November 1995": "1995-11-19", "19-Nov-1995": "1995-11-19",
		"Nov 19, 1995": "1995-11-19", "nov. 19, 1995": "1995-11-19", "November 19th, 1995": "1995-11-19", "19th of November 1995": "1995-11-19",
		"19 November 1995": "1995-11-19", "19November1995": "1995-11-19", "1995 Nov 19": "1995-11-19", "1995-Nov-19": "1995-11-19",
		"NOVEMBER 19 - 1995": "1995-11-19", "12. Oct 2025": "2025-10-12", "19 Nov 1995 (Sunday)": "1995-11-19", "1 Sept 2020": "2020-09-01",
		"2025–10–12": "2025-10-12", "12\u00a0Oct\u00a02025": "2025-10-12", "\u200f2025-10-12\u200e": "2025-10-12", "Tues 14 Oct 2025": "2025-10-14",
		// A day of the week settles what could be read both ways, and may contradict.
		"Sunday 04/05/2025": "2025-05-04", "Sat 04/05/2025": "2025-04-05", "Monday 04/05/2025": CodeAmbiguousDate, "Monday-November 19-1995": "1995-11-19 !",
		// Months and years.
		"2025-10": "2025-10-01/2025-10-31 month", "10/2025": "2025-10-01/2025-10-31 month", "October 2025": "2025-10-01/2025-10-31 month",
		"Feb 2024": "2024-02-01/2024-02-29 month", "2024 Feb": "2024-02-01/2024-02-29 month", "2025": "2025-01-01/2025-12-31 year",
		"2025.10": CodeBadDate, "10.2025": CodeBadDate, "2024-25": CodeBadDate, "2025-00": CodeBadDate, "2025-10-00": CodeBadDate, "20251000": CodeBadDate, "0/2025": CodeBadDate,
		// Ranges.
		"12-14 Oct 2025": "2025-10-12/2025-10-14", "12 – 14 October 2025": "2025-10-12/2025-10-14", "Oct 12-14, 2025": "2025-10-12/2025-10-14",
		"2025-10-12/2025-10-14": "2025-10-12/2025-10-14", "2025-10-12 - 2025-10-14": "2025-10-12/2025-10-14", "2025/10/12-2025/10/14": "2025-10-12/2025-10-14",
		"2025-10-12 to 2025-10-14": "2025-10-12/2025-10-14", "Oct 30 - Nov 2, 2025": "2025-10-30/2025-11-02", "30 Oct - 2 Nov 2025": "2025-10-30/2025-11-02",
		"30 Dec 2024 - 2 Jan 2025": "2024-12-30/2025-01-02", "Dec 30, 2024 to Jan 2, 2025": "2024-12-30/2025-01-02",
		"12/10/2025 - 14/10/2025": "2025-10-12/2025-10-14", "3/5/2025 - 5/5/2025": CodeAmbiguousDate, "12-14/10/2025": "2025-10-12/2025-10-14",
		"12.-14.10.2025": "2025-10-12/2025-10-14", "Oct-Dec 2025": "2025-10-01/2025-12-31", "October 2025 - January 2026": "2025-10-01/2026-01-31",
		"2025-10/2025-12": "2025-10-01/2025-12-31", "2024-2025": "2024-01-01/2025-12-31", "Sunday 12 - Tuesday 14 Oct 2025": "2025-10-12/2025-10-14",
		"14-12 Oct 2025": CodeEndBeforeStart, "Nov 2 - Oct 30, 2025": CodeEndBeforeStart, "12-31 Feb 2025": CodeBadDate, "12-12 Oct 2025": "2025-10-12",
		"2025-10-12T10:00:00Z/2025-10-12T23:00:00Z": "2025-10-12 15:00:00+05:00",
		// Times.
		"Nov 19, 1995 14:30": "1995-11-19 14:30:00+05:00", "19/11/1995 2:30 PM": "1995-11-19 14:30:00+05:00", "19/11/1995 12:05 a.m.": "1995-11-19 00:05:00+05:00",
		"19 Nov 1995, 9:05 hrs": "1995-11-19 09:05:00+05:00", "Sunday 19 Nov 1995 14:30:00 UTC": "1995-11-19 19:30:00+05:00", "19/11/1995 13:30 PM": CodeBadDate,
		// Other scripts.
		"۱۲ اکتوبر ۲۰۲۵": "2025-10-12", "12 اکتوبر 2025ء": "2025-10-12", "اتوار 12 اکتوبر 2025": "2025-10-12", "١٢/١٣/٢٠٢٥": "2025-12-13", "۲۰۲۵-۱۰-۱۲": "2025-10-12",
		"۵ مئی ۲۰۲۵": "2025-05-05", "۵ مې ۲۰۲۵": "2025-05-05", "جنوري ۲۰۲۵": "2025-01-01/2025-01-31 month", "۲ سپتمبر ۲۰۲۱": "2021-09-02", "१२ Oct २०२५": "2025-10-12",
		"12 تا 14 اکتوبر 2025": "2025-10-12/2025-10-14", "یک\u200cشنبه ۱۲ اکتبر ۲۰۲۵": "2025-10-12", "۲۵/۱۰/۲۰۲۵": "2025-10-25",
		// What is refused.
		"31/02/2025": CodeBadDate, "February 30, 2025": CodeBadDate, "2025-02-29": CodeBadDate, "31-Feb-2025": CodeBadDate, "13/13/2025": CodeBadDate,
		"19-Nov-95": CodeBadDate, "Nov 95": CodeBadDate, "25/12/95": CodeBadDate, "12 Oct": CodeBadDate, "Sunday": CodeBadDate, "45942": CodeBadDate,
		"1899-12-31": CodeDateOutOfRange, "19 Nov 1899": CodeDateOutOfRange, "2100-01-01": CodeDateOutOfRange, "1 Jan 2100": CodeDateOutOfRange, "2025-10-12/2100-10-14": CodeDateOutOfRange,
		"about October 2025": CodeBadDate, "Oct 2025?": CodeBadDate, "": CodeBadDate, "-": CodeBadDate, "NaN": CodeBadDate, "12-10": CodeBadDate, "2025--10--12": CodeBadDate,
		"12 and 14 Oct 2025": CodeBadDate, "12,14 Oct 2025": CodeBadDate, "2025-10-12/14": CodeBadDate, "2025/10-12": CodeBadDate, "to 12 Oct 2025": CodeBadDate,
		"1404/07/20": CodeBadDate, "20 Mizan 1404": CodeBadDate, "۱۴۰۴/۰۷/۲۰": CodeBadDate, "1404": CodeBadDate, "سنبله ۱۴۰۴": CodeBadDate,
	} {
		if got := said(readDate(text, dateRule{})); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// What a mapping can say of a column of dates.
func TestDateRules(t *testing.T) {
	for _, c := range []struct {
		rule       dateRule
		text, want string
	}{
		{dateRule{order: orderDMY}, "04/05/2025", "2025-05-04"}, {dateRule{order: orderMDY}, "04/05/2025", "2025-04-05"},
		{dateRule{order: orderDMY}, "12/25/2025", CodeBadDate}, {dateRule{order: orderMDY}, "25/12/2025", CodeBadDate},
		{dateRule{order: orderDMY}, "3/5/2025 - 5/5/2025", "2025-05-03/2025-05-05"}, {dateRule{order: orderMDY}, "3/5/2025 - 5/5/2025", "2025-03-05/2025-05-05"},
		{dateRule{order: orderDMY}, "۰۴/۰۵/۲۰۲۵", "2025-05-04"}, {dateRule{order: orderDMY}, "4 5 2025", "2025-05-04"},
		{dateRule{century: 1930}, "19-Nov-95", "1995-11-19"}, {dateRule{century: 1930}, "19-Nov-29", "2029-11-19"}, {dateRule{century: 1930}, "Nov 19, 30", "1930-11-19"},
		{dateRule{century: 1930}, "25/12/95", "1995-12-25"}, {dateRule{century: 1930}, "04/05/95", CodeAmbiguousDate}, {dateRule{century: 1930, order: orderMDY}, "04/05/95", "1995-04-05"},
		{dateRule{century: 2000}, "Nov 95", "2095-11-01/2095-11-30 month"}, {dateRule{century: 2000}, "Nov 12", CodeBadDate},
		{dateRule{serial: true}, "45942", "2025-10-12"}, {dateRule{serial: true}, "45942.75", "2025-10-12 18:00:00+05:00"}, {dateRule{serial: true}, "45942.0", "2025-10-12"},
		{dateRule{serial: true}, "2025", "2025-01-01/2025-12-31 year"}, {dateRule{serial: true}, "2025-10-12", "2025-10-12"}, {dateRule{serial: true}, "73051", CodeBadDate},
		{dateRule{serial: true}, "25569", "1970-01-01"}, {dateRule{serial: true}, "-45942", CodeBadDate},
		{dateRule{solar: true}, "1404/07/20", "2025-10-12"}, {dateRule{solar: true}, "۱۴۰۴/۰۷/۲۰", "2025-10-12"}, {dateRule{solar: true}, "20 Mizan 1404", "2025-10-12"},
		{dateRule{solar: true}, "۲۰ میزان ۱۴۰۴", "2025-10-12"}, {dateRule{solar: true}, "24 Asad 1400", "2021-08-15"}, {dateRule{solar: true}, "7 Saur 1357", "1978-04-27"},
		{dateRule{solar: true}, "1404/07", "2025-09-23/2025-10-22 month"}, {dateRule{solar: true}, "1403", "2024-03-20/2025-03-20 year"}, {dateRule{solar: true}, "1403/12/30", "2025-03-20"},
		{dateRule{solar: true}, "1404/12/30", CodeBadDate}, {dateRule{solar: true}, "1404/07/31", CodeBadDate}, {dateRule{solar: true}, "2025-10-12", "2025-10-12"},
		{dateRule{solar: true}, "20 Mizan 2025", CodeBadDate}, {dateRule{solar: true}, "04/05/1404", CodeAmbiguousDate}, {dateRule{solar: true, order: orderDMY}, "20/07/1404", "2025-10-12"},
		{dateRule{solar: true}, "1404/07/20 ه.ش", "2025-10-12"}, {dateRule{solar: true}, "1404/07/20 - 1404/07/22", "2025-10-12/2025-10-14"}, {dateRule{solar: true}, "1270/01/01", CodeDateOutOfRange},
	} {
		if got := said(readDate(c.text, c.rule)); got != c.want {
			t.Errorf("%s with %+v: got %s, want %s", c.text, c.rule, got, c.want)
		}
	}
	if _, p := readDate("1404/07/20", dateRule{}); p == nil || !strings.Contains(p.reason, "Solar Hijri") || !strings.Contains(p.reason, "1404") {
		t.Errorf("the calendar is not named: %+v", p)
	}
}

// Days that are known in both calendars: equinoxes of leap and other years and public days.
func TestSolarHijri(t *testing.T) {
	for text, want := range map[[3]int]string{
		{1357, 2, 7}: "1978-04-27", {1357, 11, 22}: "1979-02-11", {1370, 1, 1}: "1991-03-21", {1375, 12, 30}: "1997-03-20",
		{1376, 1, 1}: "1997-03-21", {1379, 12, 30}: "2001-03-20", {1380, 6, 20}: "2001-09-11", {1387, 12, 30}: "2009-03-20", {1391, 12, 30}: "2013-03-20",
		{1395, 12, 30}: "2017-03-20", {1399, 12, 30}: "2021-03-20", {1400, 1, 1}: "2021-03-21", {1400, 5, 24}: "2021-08-15", {1403, 1, 1}: "2024-03-20",
		{1403, 12, 30}: "2025-03-20", {1404, 1, 1}: "2025-03-21", {1404, 7, 20}: "2025-10-12", {1408, 12, 30}: "2030-03-20",
	} {
		if !solarExists(text[0], text[1], text[2]) {
			t.Errorf("%v does not exist", text)
		} else if got := dayOfSolar(text[0], text[1], text[2]); got.String() != want {
			t.Errorf("%v: got %v, want %s", text, got, want)
		}
	}
	// Each day follows the one before.
	want := dayOfSolar(1278, 1, 1)
	for y := 1278; y <= 1472; y++ {
		for m := 1; m <= 12; m++ {
			for d := 1; solarExists(y, m, d); d++ {
				if got := dayOfSolar(y, m, d); got != want {
					t.Fatalf("%d-%d-%d is day %d and not %d", y, m, d, got, want)
				}
				want++
			}
		}
	}
}

// printDate writes a day in each form that is read.
func printDate(form int, day incident.Day) string {
	y, month, d := day.Date()
	m := int(month)
	name := months[m-1]
	full := strings.ToUpper(name[:1]) + name[1:]
	weekday := weekdays[(int(day)+3)%7+0]
	switch form {
	case 0:
		return day.String()
	case 1:
		return fmt.Sprintf("%d/%d/%d", y, m, d)
	case 2:
		return fmt.Sprintf("%02d.%02d.%d", d, m, y)
	case 3:
		return fmt.Sprintf("%s-%s %d-%d", weekday, full, d, y)
	case 4:
		return fmt.Sprintf("%d-%s-%d", d, full[:3], y)
	case 5:
		return fmt.Sprintf("%s %d, %d", full[:3], d, y)
	case 6:
		return fmt.Sprintf("%d %s %d", d, full, y)
	case 7:
		return fmt.Sprintf("%04d%02d%02d", y, m, d)
	case 8:
		return persian(fmt.Sprintf("%d/%d/%d", d, m, y))
	case 9:
		return persian(fmt.Sprintf("%d %s %d", d, strings.Fields(monthNames[0])[m-1], y))
	case 10:
		return persian(fmt.Sprintf("%d %s %d", d, strings.Fields(monthNames[2])[m-1], y))
	case 11:
		return fmt.Sprintf("%d %s %d 14:30", d, full, y)
	case 12:
		return fmt.Sprint(int(day - incident.NewDay(1899, 12, 30)))
	case 13:
		return fmt.Sprintf("%s, %d %s %d", weekday[:3], d, strings.Fields(monthNames[3])[m-1], y)
	case 14:
		return fmt.Sprintf("%d-%s-%02d", d, full[:3], y%100)
	}
	return fmt.Sprintf("%s - %s", printDate(form-15, day), printDate(form-15, day))
}

func persian(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return '۰' + c - '0'
		}
		return c
	}, s)
}

// Every day, printed in each form, is read as the same day.
func TestDatesReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := incident.Day(rapid.Int32Range(int32(incident.NewDay(1970, 1, 1)), int32(incident.NewDay(2069, 12, 31))).Draw(t, "day"))
		form := rapid.IntRange(0, 15+10).Draw(t, "form")
		text := printDate(form, day)
		s, p := readDate(text, dateRule{order: orderDMY, serial: true, century: 1970})
		if p != nil || s.day != day || s.last != day || s.weekday != "" || s.precision != "" {
			t.Fatalf("%s is read as %s, not %v", text, said(s, p), day)
		}
		// A Solar Hijri date is the day that lies as far behind the new year.
		y := rapid.IntRange(1280, 1470).Draw(t, "year")
		m, d := rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 29).Draw(t, "day of the month")
		s, p = readDate(persian(fmt.Sprintf("%d/%02d/%d", y, m, d)), dateRule{solar: true})
		if p != nil || s.day != dayOfSolar(y, m, d) {
			t.Fatalf("%d/%d/%d: %s", y, m, d, said(s, p))
		}
		names := strings.Fields(solarMonthNames[rapid.IntRange(0, len(solarMonthNames)-1).Draw(t, "language")])
		s, p = readDate(fmt.Sprintf("%d %s %d", d, names[m-1], y), dateRule{solar: true})
		if p != nil || s.day != dayOfSolar(y, m, d) {
			t.Fatalf("%d %s %d: %s", d, names[m-1], y, said(s, p))
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2025-10-12", "Sunday-November 19-1995", "12-14 Oct 2025", "1404/07/20", "45942.5", "2025-10-12T10:00:00Z/2025-10-13T10:00:00Z", "۱۲ اکتوبر ۲۰۲۵", "12/10-14/10/2025"} {
		f.Add(s, byte(0))
		f.Add(s, byte(0xff))
	}
	f.Fuzz(func(t *testing.T, s string, b byte) {
		r := dateRule{order: dateOrder(b % 3), serial: b&4 != 0, solar: b&8 != 0}
		if b&16 != 0 {
			r.century = 1950
		}
		got, p := readDate(s, r)
		switch {
		case p != nil && (p.code == "" || p.reason == ""):
			t.Fatalf("%q: a problem without words", s)
		case p == nil && (got.day < firstDay || got.last < got.day || got.last > lastDay):
			t.Fatalf("%q: %s", s, got)
		}
	})
}
