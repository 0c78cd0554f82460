package source

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sarhad/incident"
)

// WarnWeekday is a date beside which a day of the week is written that it was not.
const WarnWeekday = "weekday_mismatch"

// dateRule says how the dates of a column are read. The zero value reads what
// has one reading only.
type dateRule struct {
	order dateOrder
	// serial reads numbers as the days that Excel counts.
	serial bool
	// solar converts dates of the Solar Hijri calendar, which are refused else.
	solar bool
	// century is the first of the hundred years in which years of two digits
	// lie; 0 refuses them.
	century int
}

// span is the days that a date means: one, or those of a month, a year or a range.
type span struct {
	dateTime
	last incident.Day
	// until is the instant at which a range ends that is written with times, whose day last is.
	until *dateTime
	// precision is month or year where no more is said, else "".
	precision incident.TimePrecision
	// weekday says how the day of the week that is written contradicts the date, "" if it does not.
	weekday string
}

// lastDay is the latest day that is taken.
var lastDay = incident.NewDay(2099, 12, 31)

// readDate reads a date in any of the forms of docs/mappings.md. The forms that
// programs write are read by parseDate, in a tenth of the time.
func readDate(s string, r dateRule) (span, *problem) {
	if r.serial {
		if sp, ok := serialDate(s); ok {
			return sp, nil
		}
	}
	t, p := parseDate(s, r.order)
	if p == nil {
		return span{dateTime: t, last: t.day}, nil
	}
	sp, q := spanOf(s, r)
	if q == errDate {
		q = p
	}
	return sp, q
}

// The numbers of days that are taken for dates of Excel: 1927-05-18 to
// 2099-12-31. Smaller ones may as well be a year.
const firstSerial, endSerial = 10_000, 73_051

// serialDate reads the days since 1899-12-30 that Excel counts; the fraction is the time of day.
func serialDate(s string) (span, bool) {
	for i := range len(s) {
		if c := s[i]; c != '.' && (c < '0' || c > '9') {
			return span{}, false
		}
	}
	f, ok := decimal(s)
	if !ok || f < firstSerial || f >= endSerial {
		return span{}, false
	}
	whole, part := math.Modf(f)
	t := dateTime{day: dayOf(1899, 12, 30) + incident.Day(whole), seconds: -1}
	if sec := int(math.Round(part * 86400)); sec > 0 {
		t.day += incident.Day(sec / 86400) // 0.999999 is the next midnight
		t.seconds = sec % 86400
	}
	return span{dateTime: t, last: t.day}, t.day <= lastDay
}

// dateToken is a number or the name of a month. Its kind is d (one or two
// figures), y (four), c (eight) or M; of a weekday it is W.
type dateToken struct {
	kind byte
	n    int
	sun  bool // the month is one of the Solar Hijri calendar
}

// ymd is a date of either calendar; d is 0 for a whole month, m for a whole year.
type ymd struct{ y, m, d int }

const rangeSep = '~' // stands between two dates and nowhere else

func spanOf(s string, r dateRule) (span, *problem) {
	if len(s) > 120 {
		return span{}, errDate
	}
	text := foldText(s)
	if strings.Count(text, ":") > 1 {
		if sp, ok := timedRange(text, r); ok {
			return sp, nil
		}
	}
	text, clock := splitClock(text)
	tokens, seps, p := dateTokens(text, r)
	if p != nil {
		return span{}, p
	}
	tokens, seps, weekday := withoutWeekdays(tokens, seps)
	d := dateForm{rule: r, tokens: tokens, seps: seps, weekday: weekday}
	for _, t := range tokens {
		d.kinds += string(t.kind)
	}
	from, to, p := d.match()
	if p != nil {
		return span{}, p
	}
	sp, p := d.days(from, to)
	if p != nil {
		return span{}, p
	}
	if clock != "" && !sp.clock(strings.ToUpper(clock)) && !sp.clock12(clock) {
		return span{}, errTime
	}
	return sp, nil
}

var errTime = &problem{CodeBadDate, "what follows the date is not a time such as 14:30:00 or 14:30:00+05:00"}

// timedRange reads two dates of which each may have a time.
func timedRange(text string, r dateRule) (span, bool) {
	for _, sep := range []string{"/", " - ", " to ", " until ", "-"} {
		for i := 0; ; {
			j := strings.Index(text[i:], sep)
			if j < 0 {
				break
			}
			i += j
			a, p := parseDate(trim(text[:i]), r.order)
			b, q := parseDate(trim(text[i+len(sep):]), r.order)
			if p == nil && q == nil && a.day <= b.day {
				return span{dateTime: a, last: b.day, until: &b}, true
			}
			i += len(sep)
		}
	}
	return span{}, false
}

// splitClock cuts the time of day from what stands before it.
func splitClock(s string) (date, clock string) {
	i := strings.IndexByte(s, ':')
	if i < 0 {
		return s, ""
	}
	for i > 0 && s[i-1]-'0' <= 9 {
		i--
	}
	date = s[:i]
	if n := len(date); n > 1 && date[n-1] == 't' && date[n-2]-'0' <= 9 {
		date = date[:n-1]
	}
	return strings.TrimRight(date, " ,"), s[i:]
}

// clock12 reads h:mm[:ss] with am or pm behind it, and a single figure for the hour.
func (t *dateTime) clock12(s string) bool {
	s = strings.ToLower(strings.ReplaceAll(s, ".", ""))
	half := ""
	for _, h := range []string{"am", "pm"} {
		if rest, ok := strings.CutSuffix(s, h); ok {
			s, half = strings.TrimRight(rest, " "), h
		}
	}
	if half == "" {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "hrs"), "hours")
	}
	if s = trim(s); len(s) > 1 && s[1] == ':' {
		s = "0" + s
	}
	c := dateTime{day: t.day, seconds: -1}
	if !c.clock(s) || half != "" && (c.hasOffset || c.seconds/3600 > 12 || c.seconds < 3600) {
		return false
	}
	switch hour := c.seconds / 3600; {
	case half == "pm" && hour < 12:
		c.seconds += 12 * 3600
	case half == "am" && hour == 12:
		c.seconds -= 12 * 3600
	}
	*t = c
	return true
}

// dateTokens takes a date apart into numbers and months and what stands between them.
func dateTokens(text string, r dateRule) (tokens []dateToken, seps []byte, p *problem) {
	run := ""     // what stands since the last token
	word := false // a word of a range is in it
	soft := false // the last token is a word, behind which a full stop is one of an abbreviation
	add := func(t dateToken) {
		if len(tokens) > 0 {
			seps = append(seps, separator(run, word, soft || t.kind == 'M' || t.kind == 'W'))
		} else if strings.Trim(run, " ,") != "" || word {
			p = errDate
		}
		tokens = append(tokens, t)
		run, word, soft = "", false, t.kind == 'M' || t.kind == 'W'
	}
	for text != "" && p == nil {
		c, size := utf8.DecodeRuneInString(text)
		switch {
		case c >= '0' && c <= '9':
			n, used := figures(text, 9)
			kind, ok := map[int]byte{1: 'd', 2: 'd', 4: 'y', 8: 'c'}[used]
			if !ok {
				return nil, nil, errDate
			}
			text = text[used:]
			add(dateToken{kind: kind, n: n})
			if kind == 'd' {
				for _, suffix := range []string{"st", "nd", "rd", "th"} {
					if rest, ok := strings.CutPrefix(text, suffix); ok && (rest == "" || !isWordByte(rest)) {
						text, soft = rest, true
					}
				}
			}
		case unicode.IsLetter(c):
			end := strings.IndexFunc(text, func(c rune) bool { return !unicode.IsLetter(c) })
			if end < 0 {
				end = len(text)
			}
			w := text[:end]
			text = text[end:]
			switch {
			case dateWords[w].kind != 0:
				add(dateWords[w])
			case slices.Contains(rangeWords, w):
				word = true
			case slices.Contains(ignoredWords, w):
				run += " "
			case slices.Contains(solarWords, w) && len(tokens) > 0:
				if !r.solar {
					return nil, nil, solarProblem(text)
				}
				run += " "
			default:
				return nil, nil, errDate
			}
		case strings.ContainsRune(" ,./-", c):
			run += string(c)
			text = text[size:]
		default:
			return nil, nil, errDate
		}
		if len(tokens) > 12 {
			return nil, nil, errDate
		}
	}
	if strings.Trim(run, " ,.") != "" || word || len(tokens) == 0 {
		return nil, nil, errDate
	}
	return tokens, seps, p
}

func isWordByte(s string) bool {
	c, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(c)
}

// separator brings what stands between two tokens to one byte, 0 for what stands in no date.
func separator(run string, word, soft bool) byte {
	marks := strings.Map(func(c rune) rune {
		if c == ' ' || c == ',' || c == '.' && soft {
			return -1
		}
		return c
	}, run)
	switch {
	case word && marks == "", marks == "-" && strings.HasPrefix(run, " ") || marks == "-" && strings.HasSuffix(run, " "):
		return rangeSep
	case marks == "":
		return ' '
	case marks == ".-":
		return '-'
	case len(marks) == 1 && !word:
		return marks[0]
	}
	return 0
}

// withoutWeekdays takes the days of the week out. weekday is the only one from 1
// (Monday), 0 if there is none or several.
func withoutWeekdays(tokens []dateToken, seps []byte) (t []dateToken, s []byte, weekday int) {
	count := 0
	pending := byte(0)
	for i, tok := range tokens {
		if i > 0 && (pending == 0 || pending == ' ' || seps[i-1] == rangeSep) {
			pending = seps[i-1]
		}
		if tok.kind == 'W' {
			count++
			weekday = tok.n
			continue
		}
		if len(t) > 0 {
			s = append(s, pending)
		}
		t, pending = append(t, tok), 0
	}
	if count != 1 {
		weekday = 0
	}
	return t, s, weekday
}

// dateForm is a date taken apart.
type dateForm struct {
	rule    dateRule
	kinds   string
	tokens  []dateToken
	seps    []byte
	weekday int
}

func (d *dateForm) n(i int) int { return d.tokens[i].n }

// joins reports whether a range may run over separator i.
func (d *dateForm) joins(i int) bool {
	return d.seps[i] == rangeSep || d.seps[i] == '-' || d.seps[i] == '/'
}

// plainSeps reports whether no separator but the ith is one of a range or unknown; -1 allows none.
func (d *dateForm) plainSeps(except int) bool {
	for i, s := range d.seps {
		if i != except && (s == rangeSep || s == 0) {
			return false
		}
	}
	return true
}

// match finds the form. A range that it may run over is the separator behind the
// figures that only one of both ends has.
func (d *dateForm) match() (from, to ymd, p *problem) {
	one := func(y, m, day int) (ymd, ymd, *problem) { return ymd{y, m, day}, ymd{y, m, day}, nil }
	none := func() (ymd, ymd, *problem) { return ymd{}, ymd{}, errDate }
	at := map[string]int{ // the separator over which the range runs
		"ddMy": 0, "Mddy": 1, "dMdMy": 1, "MdMdy": 1, "dMydMy": 2, "MdyMdy": 2, "yMdyMd": 2, "MMy": 0, "MyMy": 1,
		"yddydd": 2, "ddyddy": 2, "ydyd": 1, "yy": 0, "cc": 0, "ddddy": 1, "dddy": 0,
	}
	k := -1
	if i, ok := at[d.kinds]; ok {
		if k = i; !d.joins(i) {
			return none()
		}
	} else if d.kinds == "Mdy" {
		k = 1 // "November 19 - 1995"
	}
	if !d.plainSeps(k) {
		return none()
	}
	n := d.n
	switch d.kinds {
	case "dMy":
		return one(n(2), n(1), n(0))
	case "Mdy":
		return one(n(2), n(0), n(1))
	case "yMd":
		return one(n(0), n(1), n(2))
	case "My":
		return one(n(1), n(0), 0)
	case "yM":
		return one(n(0), n(1), 0)
	case "dMd", "Mdd":
		y, p := d.year(n(2))
		if p != nil {
			return ymd{}, ymd{}, p
		}
		if d.kinds == "dMd" {
			return one(y, n(1), n(0))
		}
		return one(y, n(0), n(1))
	case "Md":
		if d.rule.century == 0 || n(1) <= 31 {
			return ymd{}, ymd{}, &problem{CodeBadDate, "it has no year in four figures"}
		}
		y, p := d.year(n(1))
		return ymd{y, n(0), 0}, ymd{y, n(0), 0}, p
	case "dM", "dd":
		return ymd{}, ymd{}, &problem{CodeBadDate, "it has no year in four figures"}
	case "ydd":
		if d.seps[0] != d.seps[1] {
			return none()
		}
		return one(n(0), n(1), n(2))
	case "ddy", "ddd":
		if d.seps[0] != d.seps[1] {
			return none()
		}
		return d.figuresOnly()
	case "c":
		return one(n(0)/10000, n(0)/100%100, n(0)%100)
	case "cc":
		return ymd{n(0) / 10000, n(0) / 100 % 100, n(0) % 100}, ymd{n(1) / 10000, n(1) / 100 % 100, n(1) % 100}, nil
	case "y":
		return one(n(0), 0, 0)
	case "yd":
		if d.seps[0] == '.' {
			return none() // as well a number
		}
		return one(n(0), n(1), 0)
	case "dy":
		if d.seps[0] == '.' {
			return none()
		}
		return one(n(1), n(0), 0)
	case "ddMy":
		return ymd{n(3), n(2), n(0)}, ymd{n(3), n(2), n(1)}, nil
	case "Mddy":
		return ymd{n(3), n(0), n(1)}, ymd{n(3), n(0), n(2)}, nil
	case "dMdMy":
		return ymd{n(4), n(1), n(0)}, ymd{n(4), n(3), n(2)}, nil
	case "MdMdy":
		return ymd{n(4), n(0), n(1)}, ymd{n(4), n(2), n(3)}, nil
	case "dMydMy":
		return ymd{n(2), n(1), n(0)}, ymd{n(5), n(4), n(3)}, nil
	case "MdyMdy":
		return ymd{n(2), n(0), n(1)}, ymd{n(5), n(3), n(4)}, nil
	case "yMdyMd":
		return ymd{n(0), n(1), n(2)}, ymd{n(3), n(4), n(5)}, nil
	case "MMy":
		return ymd{n(2), n(0), 0}, ymd{n(2), n(1), 0}, nil
	case "MyMy":
		return ymd{n(1), n(0), 0}, ymd{n(3), n(2), 0}, nil
	case "yddydd":
		return ymd{n(0), n(1), n(2)}, ymd{n(3), n(4), n(5)}, nil
	case "ydyd":
		return ymd{n(0), n(1), 0}, ymd{n(2), n(3), 0}, nil
	case "yy":
		return ymd{n(0), 0, 0}, ymd{n(1), 0, 0}, nil
	case "ddyddy":
		return d.either(ymd{n(2), n(1), n(0)}, ymd{n(5), n(4), n(3)})
	case "ddddy":
		return d.either(ymd{n(4), n(1), n(0)}, ymd{n(4), n(3), n(2)})
	case "dddy":
		if d.rule.order == orderMDY || d.seps[1] == '-' || d.seps[1] == ' ' || d.seps[2] != d.seps[1] || d.seps[0] == d.seps[1] {
			return none()
		}
		return ymd{n(3), n(2), n(0)}, ymd{n(3), n(2), n(1)}, nil // the days are those that differ
	}
	return none()
}

// year puts a year of two digits into its century.
func (d *dateForm) year(n int) (int, *problem) {
	if d.rule.century == 0 {
		return 0, &problem{CodeBadDate, "its year has two figures; say in a mapping in which hundred years it lies (two_digit_years: 1930 for 1930 to 2029)"}
	}
	y := d.rule.century - d.rule.century%100 + n
	if y < d.rule.century {
		y += 100
	}
	return y, nil
}

// figuresOnly reads a date that ends with its year, by its order.
func (d *dateForm) figuresOnly() (from, to ymd, p *problem) {
	y := d.n(2)
	if d.kinds == "ddd" {
		if y, p = d.year(y); p != nil {
			return from, to, p
		}
	}
	x := ymd{y, d.n(1), d.n(0)}
	return d.either(x, x)
}

// either chooses between a reading with the day first, which is given, and the
// one with the month first. Without an order that is said, the one that exists,
// runs forward and has the day of the week that is written is taken.
func (d *dateForm) either(from, to ymd) (ymd, ymd, *problem) {
	other := [2]ymd{{from.y, from.d, from.m}, {to.y, to.d, to.m}}
	switch d.rule.order {
	case orderDMY:
		return from, to, nil
	case orderMDY:
		return other[0], other[1], nil
	}
	a, p := d.days(from, to)
	b, q := d.days(other[0], other[1])
	switch {
	case p == nil && q == nil && from != other[0] && d.weekday != 0 && (a.weekday == "") != (b.weekday == ""):
		if a.weekday == "" {
			return from, to, nil
		}
		return other[0], other[1], nil
	case p == nil && q == nil && (from != other[0] || to != other[1]):
		return from, to, &problem{CodeAmbiguousDate, fmt.Sprintf("it may be %s or %s; say which in a mapping (dates: dmy or mdy)", a, b)}
	case p != nil && q == nil:
		return other[0], other[1], nil
	}
	return from, to, nil // the problem of this one is told
}

// String writes the first day, or the first and the last.
func (s span) String() string {
	if s.last == s.day {
		return s.day.String()
	}
	return s.day.String() + "/" + s.last.String()
}

// days turns both ends into days.
func (d *dateForm) days(from, to ymd) (span, *problem) {
	first, lastOfFirst, p := d.calendar(from)
	if p != nil {
		return span{}, p
	}
	_, last, p := d.calendar(to)
	if p != nil {
		return span{}, p
	}
	if first < firstDay {
		return span{}, errEarly
	}
	if last > lastDay {
		return span{}, errLate
	}
	if last < first || to != from && last < lastOfFirst {
		return span{}, &problem{CodeEndBeforeStart, "the range ends before it starts"}
	}
	s := span{dateTime: dateTime{day: first, seconds: -1}, last: last}
	switch {
	case from != to || from.d != 0:
	case from.m != 0:
		s.precision = incident.TimeMonth
	default:
		s.precision = incident.TimeYear
	}
	if first == last && d.weekday != 0 {
		if is := int((first+3)%7+7)%7 + 1; is != d.weekday { // 1970-01-01 was a Thursday
			s.weekday = fmt.Sprintf("%s was a %s", first, weekdays[is-1])
		}
	}
	return s, nil
}

var (
	errEarly = &problem{CodeDateOutOfRange, "it lies before 1900-01-01"}
	errLate  = &problem{CodeDateOutOfRange, "it lies after 2099-12-31"}
)

// calendar gives the first and the last day of a date, a month or a year.
func (d *dateForm) calendar(x ymd) (first, last incident.Day, p *problem) {
	sun := x.y >= 1200 && x.y < 1500
	for _, t := range d.tokens {
		if t.sun != sun && t.kind == 'M' {
			if t.sun && !d.rule.solar {
				return 0, 0, solarProblem("")
			}
			if t.sun || d.rule.solar {
				return 0, 0, &problem{CodeBadDate, "the month belongs to one calendar and the year to another"}
			}
		}
	}
	exists, day := dateExists, dayOf
	if sun {
		if !d.rule.solar {
			return 0, 0, solarProblem(fmt.Sprint(x.y))
		}
		exists, day = solarExists, dayOfSolar
	}
	lo, hi := x, x
	if d.kinds == "y" || d.kinds == "yy" {
		lo.m, hi.m = 1, 12
	}
	if x.d == 0 && d.wholeMonths() {
		lo.d, hi.d = 1, 31
		for hi.d > 28 && !exists(hi.y, hi.m, hi.d) {
			hi.d--
		}
	}
	if !exists(lo.y, lo.m, lo.d) || !exists(hi.y, hi.m, hi.d) {
		return 0, 0, &problem{CodeBadDate, fmt.Sprintf("%04d-%02d-%02d does not exist in the calendar", x.y, x.m, x.d)}
	}
	return day(lo.y, lo.m, lo.d), day(hi.y, hi.m, hi.d), nil
}

// wholeMonths reports whether the form has no day, so that a day 0 is none that is written.
func (d *dateForm) wholeMonths() bool {
	switch d.kinds {
	case "My", "yM", "y", "yd", "dy", "MMy", "MyMy", "ydyd", "yy", "Md":
		return true
	}
	return false
}

func solarProblem(year string) *problem {
	what := "it is"
	if year = trim(year); len(year) == 4 {
		what = "the year " + year + " is"
	}
	return &problem{CodeBadDate, what + " one of the Solar Hijri calendar, it seems; a mapping with calendar: solar_hijri converts it (dates of the lunar calendar are not read)"}
}

// solarLeap reports whether a year of the Solar Hijri calendar has 366 days. The
// cycle of 33 years agrees with the equinox, which decides, from 1244 to 1472 (1865 to 2093).
func solarLeap(year int) bool {
	switch year % 33 {
	case 1, 5, 9, 13, 17, 22, 26, 30:
		return true
	}
	return false
}

func solarExists(year, month, day int) bool {
	if year < 1244 || year > 1472 || month < 1 || month > 12 || day < 1 {
		return false
	}
	switch {
	case month <= 6:
		return day <= 31
	case month <= 11 || solarLeap(year):
		return day <= 30
	}
	return day <= 29
}

// dayOfSolar gives the day of a Solar Hijri date that exists. It counts from 1
// Hamal (Farvardin) 1404, which was 2025-03-21. Afghanistan's months before 1957
// had other lengths, so that a day may differ there by two.
func dayOfSolar(year, month, day int) incident.Day {
	n := 0
	for y := year; y < 1404; y++ {
		n -= 365
		if solarLeap(y) {
			n--
		}
	}
	for y := 1404; y < year; y++ {
		n += 365
		if solarLeap(y) {
			n++
		}
	}
	n += 31*min(month-1, 6) + 30*max(month-7, 0) + day - 1
	return dayOf(2025, 3, 21) + incident.Day(n)
}

var weekdays = [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

var (
	rangeWords = []string{"to", "until", "till", "through", "thru", "تا", "سی"} // سے, folded
	// ignoredWords mark a year of the common era.
	ignoredWords = []string{"of", "ء", "م", "میلادی", "عیسوی", "ad", "ce"}
	solarWords   = []string{"ش", "ه", "هش", "هجری", "شمسی"}
)

// monthNames are the months as they are written in the region, in the order of
// the calendar: Urdu, Dari and Pashto, Persian. English stands in months.
var monthNames = []string{
	"جنوری فروری مارچ اپریل مئی جون جولائی اگست ستمبر اکتوبر نومبر دسمبر",
	"جنوری فبروری مارچ اپریل می جون جولای اگست سپتمبر اکتوبر نومبر دسمبر",
	"جنوري فبروري مارچ اپرېل مې جون جولای اګست سپټمبر اکتوبر نوومبر ډسمبر",
	"ژانویه فوریه مارس آوریل مه ژوئن ژوئیه اوت سپتامبر اکتبر نوامبر دسامبر",
}

// solarMonthNames are those of Afghanistan in Dari and Pashto, of Iran, and in Latin letters.
var solarMonthNames = []string{
	"حمل ثور جوزا سرطان اسد سنبله میزان عقرب قوس جدی دلو حوت",
	"وری غویی غبرګولی چنګاښ زمری وږی تله لړم لیندۍ مرغومی سلواغه کب",
	"فروردین اردیبهشت خرداد تیر مرداد شهریور مهر آبان آذر دی بهمن اسفند",
	"hamal sawr jawza saratan asad sunbula mizan aqrab qaws jadi dalw hut",
	"hamal saur jauza saratan asad sonbola mizan aqrab qaus jadi dalwa hoot",
}

// weekdayNames are the days of the week from Monday.
var weekdayNames = []string{
	"monday tuesday wednesday thursday friday saturday sunday", "mon tue wed thu fri sat sun", "mon tues weds thurs fri sat sun", "mon tue wed thur fri sat sun",
	"پیر منگل بدھ جمعرات جمعہ ہفتہ اتوار", "دوشنبه سهشنبه چهارشنبه پنجشنبه جمعه شنبه یکشنبه",
}

// dateWords are the names of months and weekdays, folded.
var dateWords = func() map[string]dateToken {
	out := map[string]dateToken{"sept": {kind: 'M', n: 9}}
	for i, name := range months {
		out[name], out[name[:3]] = dateToken{kind: 'M', n: i + 1}, dateToken{kind: 'M', n: i + 1}
	}
	put := func(lists []string, kind byte, sun bool) {
		for _, l := range lists {
			for i, name := range strings.Fields(l) {
				name = foldText(name)
				if _, ok := out[name]; !ok {
					out[name] = dateToken{kind: kind, n: i + 1, sun: sun}
				}
			}
		}
	}
	put(weekdayNames, 'W', false)
	put(monthNames, 'M', false)
	put(solarMonthNames, 'M', true)
	return out
}()

// foldText brings a date or a number to one form: small letters, figures of
// other scripts as 0 to 9, one sort of blanks, dashes and commas, the letters
// of Urdu, Pashto and Persian that are written in several ways as one.
func foldText(s string) string {
	return trim(strings.Map(func(c rune) rune {
		switch {
		case c < 0x80:
			if c == '(' || c == ')' || c == '\t' || c == '\n' || c == '\r' {
				return ' '
			}
			return unicode.ToLower(c)
		case unicode.Is(unicode.Zs, c):
			return ' '
		case unicode.Is(unicode.Cf, c), unicode.Is(unicode.Mn, c), c == 'ـ': // marks of direction, vowels
			return -1
		case unicode.Is(unicode.Nd, c):
			return digit(c)
		}
		if f, ok := folded[c]; ok {
			return f
		}
		return unicode.ToLower(c)
	}, s))
}

var folded = map[rune]rune{
	'‐': '-', '‑': '-', '‒': '-', '–': '-', '—': '-', '−': '-', '،': ',', '۔': '.',
	'ي': 'ی', 'ى': 'ی', 'ې': 'ی', 'ۍ': 'ی', 'ئ': 'ی', 'ے': 'ی', 'ك': 'ک', 'ګ': 'گ', 'ډ': 'د', 'ټ': 'ت',
	'أ': 'ا', 'إ': 'ا', 'آ': 'ا', 'ؤ': 'و', 'ہ': 'ه', 'ھ': 'ه', 'ة': 'ه', 'ۀ': 'ه', 'ۂ': 'ه',
}

// digit gives the figure 0 to 9 of a decimal digit of any script. In Unicode
// those of a script stand together, from 0, and start at a code that ends in 0 or 6.
func digit(c rune) rune {
	for _, zero := range []rune{'٠', '۰', '०', '০', '੦', '૦', '０'} {
		if c >= zero && c <= zero+9 {
			return '0' + c - zero
		}
	}
	return c
}
