package incident

import (
	"fmt"
	"time"
)

// Day is a calendar day, counted from 1970-01-01 (day 0), local to the place of
// the incident and without any zone. Days before 1970 are negative.
type Day int32

// MinDay and MaxDay bound an interval that is open at that end. They are the
// first and the last day that [ParseDay] reads.
const (
	MinDay Day = -719162 // 0001-01-01
	MaxDay Day = 2932896 // 9999-12-31
)

// NewDay returns the day of a proleptic Gregorian date. A day outside its month
// is carried over, as time.Date does.
func NewDay(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDay reads a date written YYYY-MM-DD. It refuses dates that do not exist,
// such as 2025-02-31.
func ParseDay(s string) (Day, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, fmt.Errorf("%q is not a date written YYYY-MM-DD", s)
	}
	var n [3]int
	for i, span := range [3][2]int{{0, 4}, {5, 7}, {8, 10}} {
		for _, c := range []byte(s[span[0]:span[1]]) {
			if c < '0' || c > '9' {
				return 0, fmt.Errorf("%q is not a date written YYYY-MM-DD", s)
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	return CheckedDay(n[0], n[1], n[2])
}

// CheckedDay returns the day of a date, or an error where that date does not
// exist (month 13, 31 February, year 0).
func CheckedDay(year, month, day int) (Day, error) {
	if year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, fmt.Errorf("%04d-%02d-%02d does not exist in the calendar", year, month, day)
	}
	return NewDay(year, time.Month(month), day), nil
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// Time returns midnight UTC of the day, for calendar arithmetic.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Date returns the year, month and day of month.
func (d Day) Date() (year int, month time.Month, day int) { return d.Time().Date() }

// String writes the day as YYYY-MM-DD.
func (d Day) String() string { return string(d.Append(make([]byte, 0, 10))) }

// Append appends the day as YYYY-MM-DD.
func (d Day) Append(b []byte) []byte {
	y, m, day := d.Date()
	return append(b,
		byte('0'+y/1000%10), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+int(m)/10), byte('0'+int(m)%10), '-', byte('0'+day/10), byte('0'+day%10))
}
