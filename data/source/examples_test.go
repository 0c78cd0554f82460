package source

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The examples of docs/mappings.md are files here, and what is said of their rows is what comes out.
func TestExamplesOfTheDocs(t *testing.T) {
	docs, err := os.ReadFile("../../docs/mappings.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"attacks": `1997-03-03 day 10 . 12 71.5 34 (wounded of "": 30 . . at_least "30+")|` +
			`2003-11-14 day 100 . . 73.1 33.6 (killed of "": 100 . . at_least "100+") (wounded of "": 200 . . at_least "200+")|` +
			`2010-06-09 day 15 . 22 67 30.2 (killed of "": . 15 . about "about 15")|` +
			`2011-06-08 day . . 3 weekday_mismatch|` +
			`! 6 bad_date Date [Friday-February 30-2012]`,
		"strikes": `2010-12-25 day 13 . 22 70.1 33|2011-04-05 day . 4 . 70.1 32.97|2011-10-30 day . 5 . (killed of "": . 5 . about "~5")|` +
			`! 5 bad_coordinate Coordinates [32.9]|! 6 bad_number Total killed [several]`,
		"urdu": `2025-05-04 day . 3 .|2025-06-25 day . 1200 .|2025-10-12 day . . .|! 5 bad_date تاریخ [۳۱/۰۲/۲۰۲۵]|! 6 missing_date تاریخ []`,
	} {
		mapping, err := os.ReadFile("testdata/mapped_" + name + ".yml")
		if err != nil {
			t.Fatal(err)
		}
		table, err := os.ReadFile("testdata/mapped_" + name + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(mapped(t, string(mapping), string(table)), "|"); got != want {
			t.Errorf("%s: got  %s\nwant %s", name, got, want)
		}
		if !strings.Contains(string(docs), string(mapping)) {
			t.Errorf("docs/mappings.md does not show testdata/mapped_%s.yml as it is", name)
		}
	}
}

// A guess of the examples is a mapping that reads them, and says what it saw.
func TestGuess(t *testing.T) {
	for name, says := range map[string][]string{
		"attacks": {"  date: Date", "location_name: Location", "fatalities_low: Killed Min", "fatalities_high: Killed Max", "numbers: loose", `"Friday-February 30-2012" in line 6`, "latitude: Latitude"},
		"strikes": {"dates: mdy  # proved by 2 rows, such as \"12/25/2010\" in line 2", "point: {column: Coordinates, order: latlon}", "fatalities_best: Total killed", "source_id: Strike ID", `"several" in line 6`, "province: Province"},
		"urdu":    {"dates: dmy  # proved by 1 row, such as \"۲۵/۰۶/۲۰۲۵\" in line 3", "calendar: solar_hijri", "start_date: تاریخ", "location_name: مقام", "district: ضلع", "province: صوبہ", "event_type: نوعیت", "fatalities_best: ہلاک", "summary: تفصیل", `"جلوس" (2)`},
	} {
		table, err := os.ReadFile("testdata/mapped_" + name + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		text, err := Guess(bytes.NewReader(table), Options{File: "mapped_" + name + ".csv"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range says {
			if !strings.Contains(text, strings.ReplaceAll(s, "  date: Date", "  start_date: Date")) {
				t.Errorf("%s: the guess does not say %q:\n%s", name, s, text)
			}
		}
		rows := strings.Join(mapped(t, text, string(table)), "|")
		if n := strings.Count(rows, "!"); n > 2 {
			t.Errorf("%s: read by the guess %d rows are refused: %s", name, n, rows)
		}
	}
}

// What the rows prove of their dates, and what they do not.
func TestGuessedDates(t *testing.T) {
	for text, says := range map[string]string{
		"date,n\n04/05/2025,1\n13/05/2025,1\n":                    "dates: dmy  # proved by 1 row, such as \"13/05/2025\" in line 3; 1 could be read both ways",
		"date,n\n04/05/2025,1\n05/05/2025,1\n":                    "# dates: dmy or mdy  # say which: 1 row can be read both ways, such as \"04/05/2025\" in line 2, and none proves either",
		"date,n\n04/13/2025,1\n13/05/2025,1\n":                    "the rows contradict each other: \"13/05/2025\" in line 3",
		"when it was,n\n2025-10-12,1\n2025-10-13,1\n":             "start_date: when it was  # 2 of 2 rows read, 0 empty",
		"Date added,Date\n2025-10-12,2024-01-01\n":                "start_date: Date  #",
		"date\n19-Nov-95\n20-Nov-95\n":                            "two_digit_years: 1930",
		"date\n45942\n45943\n":                                    "start_date: {column: date, read: excel}",
		"date,a,b\n2025-10-12,34.01,71.52\n":                      `latitude: "a"`,
		"date,place\n2025-10-12,\"34.01, 71.52\"\n":               "point: {column: place, order: latlon}",
		"date,geo\n2025-10-12,\"71.52, 34.01\"\n":                 "order: lonlat",
		"date,\"no: 'x' #\"\n2025-10-12,a\n":                      `# Columns that are not used: "no: 'x' #"`,
		"date,place\n2025-10-12,a\nx,b\n":                         `1 refused: "x" in line 3`,
		"نېټه,ځای,مړه\n۲۰۲۵-۱۰-۱۲,کلی,۳\n":                        "fatalities_best: مړه",
		"id,date_start,type_of_violence,best\n1,2020-01-01,1,2\n": "layout ged and is read without a mapping",
	} {
		got, err := Guess(strings.NewReader(text), Options{File: "f.csv"})
		if err != nil || !strings.Contains(got, says) {
			t.Errorf("%q: %v\n%s\nwant one that says %q", text, err, got, says)
		}
	}
	if _, err := Guess(strings.NewReader("a,b\n1,2\n"), Options{File: "f.csv"}); err == nil || !strings.Contains(err.Error(), "no column was found that holds dates") {
		t.Errorf("without dates: %v", err)
	}
}

// Whatever a file holds, a guess is a mapping.
func FuzzGuess(f *testing.F) {
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("\"da\nte\",\"a: {b\",yes\n2020-01-01,\"x\ny\",1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := Guess(bytes.NewReader(data), Options{File: "f.csv"})
		if err != nil || strings.Contains(text, "without a mapping") {
			return
		}
		m, err := ReadMapping(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if _, err := Open(bytes.NewReader(data), Options{File: "f.csv", Mapping: m}); err != nil && !strings.Contains(err.Error(), "the other coordinate") {
			t.Fatalf("%v\n%s", err, text)
		}
	})
}
