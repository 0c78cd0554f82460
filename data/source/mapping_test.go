package source

import (
	"fmt"
	"strings"
	"testing"

	"sarhad/incident"
)

// mapped reads a table by a mapping and gives its rows in short: dates, numbers, point, claims, or what is wrong.
func mapped(t *testing.T, mapping, table string) []string {
	t.Helper()
	m, err := ReadMapping(strings.NewReader(mapping))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(strings.NewReader(table), Options{File: "f.csv", Mapping: m})
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, row := range readAll(t, r) {
		in := row.Incident
		if is := row.Rejected; is != nil {
			out = append(out, fmt.Sprintf("! %d %s %s [%s]", is.Line, is.Code, is.Column, is.Value))
			continue
		}
		s := in.Start.String()
		if in.End != in.Start {
			s += "/" + in.End.String()
		}
		s += fmt.Sprintf(" %s %s", in.TimePrecision, quantity{low: in.Low, best: in.Best, high: in.High})
		if in.HasPoint {
			s += fmt.Sprintf(" %.4g %.4g", in.Point[0], in.Point[1])
		}
		for _, c := range in.Claims {
			s += fmt.Sprintf(" (%s of %q: %s %q)", c.Quantity, c.About, quantity{c.Low, c.Best, c.High, c.Qualifier}, c.Quote)
		}
		out = append(out, strings.Join(append([]string{s}, in.Warnings...), " "))
	}
	return out
}

// What a mapping says of values, from the file to the incident.
func TestMappedValues(t *testing.T) {
	for name, c := range map[string]struct{ mapping, table, want string }{
		"loose": {"numbers: loose\nfields: {date: d, fatalities: n}", "d,n\n2020-01-01,100+\n2020-01-01,13-22\n2020-01-01,about 30\n2020-01-01,n/a\n2020-01-01,0\n2020-01-01,NaN\n2020-01-01,dozens\n",
			`2020-01-01 day 100 . . (killed of "": 100 . . at_least "100+")|2020-01-01 day 13 . 22|2020-01-01 day . 30 . (killed of "": . 30 . about "about 30")|2020-01-01 day . . .|2020-01-01 day . 0 .|! 7 bad_number n [NaN]|! 8 bad_number n [dozens]`},
		"plain by field": {"numbers: loose\nfields: {date: d, fatalities: {column: n, read: plain}}", "d,n\n2020-01-01,100+\n", "! 2 bad_number n [100+]"},
		"loose by field": {"fields: {date: d, low: {column: l, read: loose}, fatalities: n}", "d,l,n\n2020-01-01,10+,12\n2020-01-01,1,12+\n2020-01-01,1-2,12\n",
			`2020-01-01 day 10 12 . (killed of "": 10 . . at_least "10+")|! 3 bad_number n [12+]|! 4 bad_number l [1-2]`},
		"split": {"numbers: loose\nfields: {date: d, actor1: a, deaths_a: n, deaths_civilians: c}", "d,a,n,c\n2020-01-01,Army,5-8,~3\n",
			`2020-01-01 day . . . (killed of "Army": 5 . 8 "5-8") (killed of "civilians": . 3 . about "~3")`},
		"wounded":       {"numbers: loose\nfields: {date: d, wounded: w}", "d,w\n2020-01-01,3\n2020-01-01,30+\n2020-01-01,\n2020-01-01,n/a\n2020-01-01,x\n", `2020-01-01 day . . . (wounded of "": . 3 . "3")|2020-01-01 day . . . (wounded of "": 30 . . at_least "30+")|2020-01-01 day . . .|2020-01-01 day . . .|! 6 bad_number w [x]`},
		"wounded plain": {"fields: {date: d, wounded: w}", "d,w\n2020-01-01,3\n2020-01-01,30+\n", `2020-01-01 day . . . (wounded of "": . 3 . "3")|! 3 bad_number w [30+]`},
		"no header":     {"fields: {date: d}", "d,wounded,point\n2020-01-01,x,y\n", `2020-01-01 day . . .`},
		"months":        {"fields: {date: d, end_date: e}", "d,e\n2020-02,\n2020,\n2020-02,2020-02-10\n2020-02,2020-02\n2020-02,2020-03\n2020-02-03,2020\n", "2020-02-01/2020-02-29 month . . .|2020-01-01/2020-12-31 year . . .|2020-02-01/2020-02-10 range . . .|2020-02-01/2020-02-29 month . . .|2020-02-01/2020-03-31 range . . .|2020-02-03/2020-12-31 range . . ."},
		"ranges":        {"fields: {date: d, end_date: e}", "d,e\n12-14 Oct 2020,\n12-14 Oct 2020,2020-10-14\n12-14 Oct 2020,2020-10-15\n2020-10-12/2020-10-14,\n", "2020-10-12/2020-10-14 range . . .|2020-10-12/2020-10-14 range . . .|! 4 bad_date e [2020-10-15]|2020-10-12/2020-10-14 range . . ."},
		"no finer":      {"fields: {date: d, time_precision: p}", "d,p\n2020-02,day\n2020-02,year\n2020-02,unknown\n2020-02-01,month\n", "2020-02-01/2020-02-29 month . . .|2020-02-01/2020-02-29 year . . .|2020-02-01/2020-02-29 unknown . . .|2020-02-01 month . . ."},
		"two rules":     {"dates: dmy\nfields: {date: d, end_date: {column: e, read: mdy}}", "d,e\n01/02/2020,02/03/2020\n", "2020-02-01/2020-02-03 range . . ."},
		"excel":         {"fields: {date: {column: d, read: [excel, dmy]}}", "d\n45942\n04/05/2025\n", "2025-10-12 day . . .|2025-05-04 day . . ."},
		"solar":         {"calendar: solar_hijri\nfields: {date: d}", "d\n1404/07/20\n2025-10-12\n", "2025-10-12 day . . .|2025-10-12 day . . ."},
		"two digits":    {"two_digit_years: 1930\nfields: {date: d}", "d\n19-Nov-95\n19-Nov-05\n", "1995-11-19 day . . .|2005-11-19 day . . ."},
		"joined date":   {"fields: {date: {columns: [y, m, d], join: '-'}}", "d,m,y\n12,10,2020\n,10,2020\n,,2020\n12,,2020\n,,\n", "2020-10-12 day . . .|2020-10-01/2020-10-31 month . . .|2020-01-01/2020-12-31 year . . .|! 5 bad_date y [2020-12]"},
		"a weekday":     {"fields: {date: d}", "d\n\"Monday, 12 October 2025\"\n", "2025-10-12 day . . . weekday_mismatch"},
		"point":         {"fields: {date: d, point: {column: p, order: latlon}}", "d,p\n2020-01-01,\"34.01, 71.52\"\n2020-01-01,\n2020-01-01,34.01\n2020-01-01,\"71.52, 134.01\"\n", "2020-01-01 day . . . 71.52 34.01|2020-01-01 day . . .|! 4 bad_coordinate p [34.01]|2020-01-01 day . . . 134 71.52"},
		"point lonlat":  {"numbers: loose\nfields: {date: d, point: {column: p, order: lonlat}}", "d,p,lat\n2020-01-01,\"71.52, 34.01\",x\n2020-01-01,34°0'36″N 71°31'12″E,x\n2020-01-01,n/a,x\n", "2020-01-01 day . . . 71.52 34.01|2020-01-01 day . . . 71.52 34.01|2020-01-01 day . . ."},
		"dms":           {"numbers: loose\nfields: {date: d, lat: a, lon: o}", "d,a,o\n2020-01-01,\"34°0'36\"\"N\",71.52E\n2020-01-01,n/a,-\n2020-01-01,34,-\n2020-01-01,\"34,01\",71\n2020-01-01,34E,71\n", `2020-01-01 day . . . 71.52 34.01|2020-01-01 day . . .|! 4 incomplete_coordinates o [-]|2020-01-01 day . . . 71 34.01|! 6 bad_coordinate a [34E]`},
		"point and lat": {"fields: {date: d, lat: a, point: {column: p, order: latlon}}", "d,a,p\n", "f.csv: the mapping names the field point and latitude or longitude beside it."},
		"no column":     {"fields: {date: {columns: [d, x]}}", "d,a,p\n", `f.csv: the mapping names a column "x" for date; found: d, a, p.`},
		"no longitude":  {"fields: {date: d, lat: a}", "d,a\n", `f.csv: there is a column "a" and none for the other coordinate; found: d, a; expected one of: longitude, lon, lng, long.`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(mapped(t, c.mapping, c.table), "|"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// A quotation mark that is not closed swallows no row, in whatever form its date is written.
func TestStrayQuotesInOtherDates(t *testing.T) {
	for _, dates := range [][3]string{{"19-Nov-95", "20-Nov-95", "21-Nov-95"}, {"۰۴/۰۵/۲۰۲۵", "۰۵/۰۵/۲۰۲۵", "۰۶/۰۵/۲۰۲۵"}, {"Sunday-November 19-1995", "Monday-November 20-1995", "Tuesday-November 21-1995"}} {
		table := fmt.Sprintf("d,w,n\n%s,1,\"x\n%s,2,y\n%s,3,z\"\n", dates[0], dates[1], dates[2])
		got := mapped(t, "two_digit_years: 1930\ndates: dmy\nfields: {date: d, fatalities: w}", table)
		if len(got) != 3 || !strings.HasPrefix(got[0], "! 2 bad_quotes") || !strings.HasSuffix(got[1], ". 2 .") {
			t.Errorf("%s: %q", dates[0], got)
		}
	}
}

// Columns that are joined, in a text and in an id.
func TestMappedColumns(t *testing.T) {
	m, err := ReadMapping(strings.NewReader("fields: {date: d, id: {columns: [d, n], join: /}, location: {columns: [Village, Tehsil], join: ', '}, event_type: {columns: [a, b], values: {x y: Riots}}}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(strings.NewReader("d,n,village,tehsil,a,b,location\n2020-01-01,1,V,T,x,y,l\n2020-01-01,,,T,x,,l\n"), Options{Mapping: m})
	if err != nil {
		t.Fatal(err)
	}
	rows := readAll(t, r)
	a, b := rows[0].Incident, rows[1].Incident
	if a.SourceID != "2020-01-01/1" || b.SourceID != "2020-01-01/" || a.LocationName != "V, T" || b.LocationName != "T" || a.EventType != incident.Riots || b.EventType != "" || b.EventTypeText != "x" {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// Every field of the table can be named, and what a mapping must not say is told in words, with its line.
func TestMappingWords(t *testing.T) {
	for _, name := range fieldNames() {
		text := "fields:\n  " + name + ": X"
		if name == "point" {
			text = "fields: {point: {column: X, order: latlon}}"
		}
		if _, err := ReadMapping(strings.NewReader(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for text, says := range map[string]string{
		"date: D":                                           `line 1: in the mapping "date" is not one of the keys`,
		"fields:\n  date: D\nzahl: x":                       `line 3: in the mapping "zahl"`,
		"fields:\n  date: {colum: D}":                       `line 2: in the field date "colum" is not one of the keys`,
		"fields: {date: D}\ndates: ymd":                     `dates is "ymd" and not dmy or mdy`,
		"fields: {date: D}\ndates: [dmy]":                   "line 2: dates takes a single word",
		"fields: {date: D}\ncalendar: x":                    `calendar is "x" and not gregorian or solar_hijri`,
		"fields: {date: D}\nnumbers: any":                   `numbers is "any" and not plain or loose`,
		"fields: {date: D}\ntwo_digit_years: 30":            "two_digit_years is 30 and not",
		"fields: {date: D}\ntwo_digit_years: x":             `line 2: two_digit_years is "x" and not a year`,
		"fields: {date: D}\ndataset: {accessed: yesterday}": "accessed:",
		"fields: {date: D}\ndataset:\n  license: x":         `line 3: in dataset "license" is not one of the keys`,
		"fields: {date: D, point: P}":                       "needs an order: latlon or lonlat",
		"fields: {date: {column: D, order: latlon}}":        "goes with point",
		"fields: {date: {column: D, columns: [E]}}":         "needs either a column or a value",
		"fields: {date: {columns: E}}":                      "line 1: columns takes a list",
		"fields: {date: {column: E, join: x}}":              "has a join and no columns",
		"fields: {date: {column: E, read: loose}}":          `read: "loose" and not one of dmy, mdy, excel`,
		"fields: {date: {column: E, read: {a: b}}}":         "read takes a single word",
		"fields: {location: {column: E, read: loose}}":      "goes with dates and numbers",
		"fields: {fatalities: {column: E, read: dmy}}":      `read: "dmy" and not one of plain, loose`,
		"fields: {datum: D}":                                `there is no field "datum"; there are: `,
		"fields: {country: {value: PK, values: {a: b}}}":    "a value for every row and a table of values",
		"fields: {date: D}\nfields: {date: E}":              "comes twice",
	} {
		if _, err := ReadMapping(strings.NewReader(text)); incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want one that says %q", text, err, says)
		}
	}
}
