package source

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"sarhad/incident"
)

// problem is what is wrong with a value.
type problem struct{ code, reason string }

// dateOrder says in which order a date in figures stands that does not begin with the year.
type dateOrder int

const (
	orderNone dateOrder = iota // not known: what can be read both ways is refused
	orderDMY
	orderMDY
)

// dateTime is a date as a source writes it.
type dateTime struct {
	day incident.Day
	// seconds since midnight, -1 without a time
	seconds int
	// offset from UTC in seconds, meaningful if hasOffset
	offset    int
	hasOffset bool
}

// firstDay is the earliest day that is taken.
var firstDay = incident.NewDay(1900, 1, 1)

func trim(s string) string {
	if s == "" || s[0] > ' ' && s[0] < 0x80 && s[len(s)-1] > ' ' && s[len(s)-1] < 0x80 {
		return s
	}
	return strings.TrimSpace(s)
}

// figures reads up to limit decimal digits from the start.
func figures(s string, limit int) (n, used int) {
	for used < len(s) && used < limit && s[used]-'0' <= 9 {
		n = n*10 + int(s[used]-'0')
		used++
	}
	return n, used
}

var errDate = &problem{CodeBadDate, "it is not a date in a form that is read (such as 2025-10-12)"}

// parseDate reads a date, which may be followed by a time.
func parseDate(s string, order dateOrder) (dateTime, *problem) {
	a, na := figures(s, 5)
	if na == 0 || na == len(s) || na == 3 || na == 5 {
		return dateTime{}, errDate
	}
	sep := s[na]
	rest := s[na+1:]
	if (sep == ' ' || sep == '-') && rest != "" && letter(rest[0]) && na <= 2 {
		month, used := monthName(rest)
		if month == 0 || used >= len(rest) || rest[used] != sep {
			return dateTime{}, errDate
		}
		year, ny := figures(rest[used+1:], 5)
		if ny != 4 {
			return dateTime{}, errDate
		}
		return dateAndTime(s, year, month, a, rest[used+1+ny:])
	}
	if sep != '-' && sep != '/' && sep != '.' {
		return dateTime{}, errDate
	}
	b, nb := figures(rest, 3)
	if nb < 1 || nb > 2 || nb >= len(rest) || rest[nb] != sep {
		return dateTime{}, errDate
	}
	rest = rest[nb+1:]
	if na == 4 {
		d, nd := figures(rest, 3)
		if nd < 1 || nd > 2 {
			return dateTime{}, errDate
		}
		return dateAndTime(s, a, b, d, rest[nd:])
	}
	year, ny := figures(rest, 5)
	if ny != 4 {
		return dateTime{}, errDate
	}
	rest = rest[ny:]
	switch {
	case order == orderDMY, order == orderNone && a > 12:
		return dateAndTime(s, year, b, a, rest)
	case order == orderMDY, order == orderNone && b > 12, a == b:
		return dateAndTime(s, year, a, b, rest)
	}
	return dateTime{}, &problem{CodeAmbiguousDate, fmt.Sprintf(
		"it may be %04d-%02d-%02d or %04d-%02d-%02d; say which in a mapping (dates: dmy or mdy)", year, b, a, year, a, b)}
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

var months = [12]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

// monthName reads an English month, whole or its first three letters.
func monthName(s string) (month, used int) {
	for used < len(s) && letter(s[used]) {
		used++
	}
	for i, name := range months {
		if strings.EqualFold(s[:used], name) || strings.EqualFold(s[:used], name[:3]) || used == 4 && strings.EqualFold(s[:4], "sept") && i == 8 {
			return i + 1, used
		}
	}
	return 0, used
}

// dateAndTime puts a date together with the time that follows it.
func dateAndTime(s string, year, month, day int, rest string) (dateTime, *problem) {
	t := dateTime{seconds: -1}
	if !dateExists(year, month, day) {
		return t, &problem{CodeBadDate, fmt.Sprintf("%04d-%02d-%02d does not exist in the calendar", year, month, day)}
	}
	t.day = dayOf(year, month, day)
	if t.day < firstDay {
		return t, errEarly
	}
	if t.day > lastDay {
		return t, errLate
	}
	if rest == "" {
		return t, nil
	}
	if rest[0] != ' ' && rest[0] != 'T' && rest[0] != 't' || !t.clock(strings.TrimLeft(rest[1:], " ")) {
		return t, errTime
	}
	return t, nil
}

// clock reads hh:mm[:ss[.fff]] and an offset.
func (t *dateTime) clock(s string) bool {
	h, n := figures(s, 3)
	if n != 2 || h > 23 || len(s) < 5 || s[2] != ':' {
		return false
	}
	m, n := figures(s[3:], 3)
	if n != 2 || m > 59 {
		return false
	}
	s = s[5:]
	sec := 0
	if s != "" && s[0] == ':' {
		if sec, n = figures(s[1:], 3); n != 2 || sec > 59 {
			return false
		}
		s = s[3:]
		if s != "" && s[0] == '.' {
			_, n = figures(s[1:], 9)
			if n == 0 {
				return false
			}
			s = s[1+n:]
		}
	}
	t.seconds = h*3600 + m*60 + sec
	s = strings.TrimLeft(s, " ")
	switch {
	case s == "":
		return true
	case s == "Z" || s == "z" || s == "UTC":
		t.hasOffset = true
		return true
	case s[0] == '+' || s[0] == '-':
		oh, n := figures(s[1:], 3)
		if n != 2 || oh > 14 {
			return false
		}
		om := 0
		if rest := strings.TrimPrefix(s[3:], ":"); rest != "" {
			if om, n = figures(rest, 3); n != 2 || om > 59 || len(rest) != 2 {
				return false
			}
		}
		t.offset = oh*3600 + om*60
		if s[0] == '-' {
			t.offset = -t.offset
		}
		t.hasOffset = true
		return true
	}
	return false
}

// local moves the date to the calendar of the country and returns the time of
// day as an incident holds it, "" if there is none. Midnight without an offset
// or in UTC is how programs write a date that has no time.
func (t *dateTime) local(country string) string {
	if t.seconds < 0 || t.seconds == 0 && t.offset == 0 {
		return ""
	}
	home := incident.OffsetPK
	switch {
	case country == "AF":
		home = incident.OffsetAF
	case country == "PK":
	case !t.hasOffset:
		return "" // whose clock it was is not known
	}
	if t.hasOffset {
		at := t.seconds - t.offset + home
		for at < 0 {
			at += 86400
			t.day--
		}
		for at >= 86400 {
			at -= 86400
			t.day++
		}
		t.seconds, t.offset = at, home
	}
	return fmt.Sprintf("%02d:%02d:%02d+%02d:%02d", t.seconds/3600, t.seconds/60%60, t.seconds%60, home/3600, home/60%60)
}

var monthDays = [13]int{0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func dateExists(year, month, day int) bool {
	if year < 1 || month < 1 || month > 12 || day < 1 {
		return false
	}
	leap := year%4 == 0 && (year%100 != 0 || year%400 == 0)
	return day <= monthDays[month] || month == 2 && day == 29 && leap
}

// dayOf counts the days of a date that exists. It does what incident.NewDay
// does in a tenth of the time, which counts at a million rows.
func dayOf(year, month, day int) incident.Day {
	if month <= 2 {
		year--
		month += 12
	}
	return incident.Day(365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 719469)
}

// parseFigure reads a whole number; "" is not reported.
func parseFigure(s string) (incident.Figure, *problem) {
	if s == "" {
		return incident.Figure{}, nil
	}
	n, used := figures(s, 9)
	if used == len(s) {
		return incident.Known(n), nil
	}
	if used == 9 && strings.Trim(s, "0123456789") == "" {
		return incident.Figure{}, &problem{CodeBadNumber, "it is too large to be a number of people"}
	}
	return incident.Figure{}, &problem{CodeBadNumber, "it is not a whole number from 0 in plain figures"}
}

// parseCoordinate reads decimal degrees up to a limit on both sides of 0.
func parseCoordinate(s string, limit float64, name string) (float64, *problem) {
	f, ok := decimal(s)
	if !ok {
		return 0, &problem{CodeBadCoordinate, "it is not a number in decimal degrees"}
	}
	if f < -limit || f > limit {
		return 0, &problem{CodeCoordinateRange, fmt.Sprintf("a %s lies between -%g and %g", name, limit, limit)}
	}
	return f, nil
}

var powersOf10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// decimal reads a number in plain figures. Up to 15 of them it needs one
// division of two exact numbers, which is rounded as strconv rounds.
func decimal(s string) (float64, bool) {
	mantissa, figures, behind, point := int64(0), 0, 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9:
			if figures++; figures > 15 {
				return slowDecimal(s)
			}
			mantissa = mantissa*10 + int64(c-'0')
			if point {
				behind++
			}
		case c == '.' && !point:
			point = true
		case i == 0 && c == '-':
		default:
			return slowDecimal(s)
		}
	}
	if figures == 0 {
		return 0, false
	}
	f := float64(mantissa) / powersOf10[behind]
	if s[0] == '-' {
		f = -f
	}
	return f, true
}

// slowDecimal leaves the rest to strconv, but for the words and bases that it knows.
func slowDecimal(s string) (float64, bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9, c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func parseBool(s string) (bool, *problem) {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "t":
		return true, nil
	case "", "false", "0", "no", "f":
		return false, nil
	}
	return false, &problem{CodeBadValue, "it is neither true nor false"}
}

// countryCode returns PK or AF for the usual names and codes, "" for others.
func countryCode(s string) string {
	switch s {
	case "Pakistan", "PK":
		return "PK"
	case "Afghanistan", "AF":
		return "AF"
	case "":
		return ""
	}
	switch strings.ToLower(s) {
	case "pakistan", "pk", "pak", "586", "islamic republic of pakistan":
		return "PK"
	case "afghanistan", "af", "afg", "4", "004", "islamic republic of afghanistan", "islamic emirate of afghanistan":
		return "AF"
	}
	return ""
}

// Slug makes a name for a dataset of the name of a file: lower case, without
// folder and known extensions, letters and digits joined by hyphens. It is ""
// if nothing is left.
func Slug(file string) string {
	if i := strings.LastIndexAny(file, `/\`); i >= 0 {
		file = file[i+1:]
	}
	file = strings.ToLower(file)
	for cut := true; cut; {
		cut = false
		for _, ext := range []string{".gz", ".zip", ".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".gpkg", ".geojson", ".json", ".ndjson", ".jsonl", ".geojsonl", ".geojsons"} {
			if strings.HasSuffix(file, ext) {
				file, cut = strings.TrimSuffix(file, ext), true
			}
		}
	}
	return strings.Join(strings.FieldsFunc(file, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }), "-")
}
