package source

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"sarhad/incident"
)

// workbook writes a workbook of one sheet; dates get the style of their type.
func workbook(tb testing.TB, rows [][]any, date1904 bool) []byte {
	tb.Helper()
	f := excelize.NewFile()
	defer f.Close()
	must := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	must(f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &date1904}))
	w, err := f.NewStreamWriter("Sheet1")
	must(err)
	for i, row := range rows {
		if row != nil {
			must(w.SetRow(fmt.Sprintf("A%d", i+1), row))
		}
	}
	must(w.Flush())
	var b bytes.Buffer
	must(f.Write(&b))
	return b.Bytes()
}

// rewritten changes one part of a workbook.
func rewritten(tb testing.TB, book []byte, part string, change func(string) string) []byte {
	tb.Helper()
	zr, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	zw := zip.NewWriter(&out)
	for _, e := range zr.File {
		r, err := e.Open()
		if err != nil {
			tb.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		if e.Name == part {
			text = []byte(change(string(text)))
		}
		w, err := zw.Create(e.Name)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			tb.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestXLSX(t *testing.T) {
	day := time.Date(2019, 11, 3, 0, 0, 0, 0, time.UTC)
	rows := [][]any{
		{"Attacks of a made-up year"}, nil,
		{"id", "date", "fatalities", "lat", "lon", "notes"},
		{"a1", day, 12, 34.1, 71.25, "text, with \"marks\"\nand lines"},
		{"a2", "2019-11-04", 0, 34, 71, "=cmd()"},
		{"a3", "04/05/2019", 1, nil, nil, ""},
		nil,
		{"a4", day.Add(14*time.Hour + 30*time.Minute), day, 34.00000000000001, 71, "ایک"},
		{"a5", day},
		{"a6", day, 1, 2, 3, "x", "too many"},
	}
	for _, system := range []bool{false, true} {
		t.Run(fmt.Sprint(system), func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			r, err := Open(bytes.NewReader(workbook(t, rows, system)), Options{File: "f.xlsx"})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range readAll(t, r) {
				in := &row.Incident
				s := fmt.Sprint(row.Line, in.SourceID, " ", in.Start, in.Best, in.Point, in.Summary)
				if row.Rejected != nil {
					s = fmt.Sprint(row.Line, row.Raw[0], " ", row.Rejected.Code, " ", row.Rejected.Value)
				}
				got = append(got, s)
			}
			want := []string{
				"4a1 2019-11-03 {12 true} [71.25 34.1]text, with \"marks\"\nand lines",
				"5a2 2019-11-04 {0 true} [71 34]=cmd()",
				"6a3 ambiguous_date 04/05/2019",
				"8a4 bad_number 2019-11-03", // a figure that Excel made a date of is no figure
				"9a5 2019-11-03 {0 false} [0 0]",
				"10a6 wrong_field_count too many",
			}
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if r.Layout() != FormatTable || r.Dataset().Name != "f" {
				t.Errorf("layout %s, dataset %s", r.Layout(), r.Dataset().Name)
			}
			if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
				t.Errorf("temporary files stay: %v %v", files, err)
			}
		})
	}
}

func TestBrokenXLSX(t *testing.T) {
	book := workbook(t, [][]any{{"id", "date"}, {"1", "2020-01-01"}, {"2", "2020-01-02"}, {"3", "2020-01-03"}}, false)
	const sheet = "xl/worksheets/sheet1.xml"
	for name, c := range map[string]struct {
		book []byte
		says string
	}{
		"cut":         {book[:len(book)/2], "ZIP"},
		"cut sheet":   {rewritten(t, book, sheet, func(s string) string { return s[:strings.Index(s, `<row r="3"`)+20] }), "cut"},
		"no end":      {rewritten(t, book, sheet, func(s string) string { return strings.TrimSuffix(strings.TrimSpace(s), "</worksheet>") }), "cut"},
		"rows back":   {rewritten(t, book, sheet, func(s string) string { return strings.Replace(s, `<row r="3"`, `<row r="1"`, 1) }), "row 1 stands below"},
		"no workbook": {rewritten(t, book, "xl/_rels/workbook.xml.rels", func(string) string { return "" }), "broken"},
		"no date":     {workbook(t, [][]any{{"id", "place"}, {"1", "x"}}, false), "no column for the date"},
		"empty":       {workbook(t, nil, false), "empty"},
		"huge row": {rewritten(t, book, sheet, func(s string) string {
			return strings.Replace(s, "<row ", "<row x=\""+strings.Repeat("y", 9<<20)+"\" ", 1)
		}), "longer than 1 MB"},
		"many columns": {rewritten(t, book, sheet, func(s string) string { return strings.Replace(s, `r="B2"`, `r="ZZZZZ2"`, 1) }), "more columns"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(bytes.NewReader(c.book), Options{File: "f.xlsx"})
			for err == nil {
				_, err = r.Next()
			}
			if incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want one that says %q", err, c.says)
			}
		})
	}
}

// Texts that are shared by cells and break off refuse the workbook.
func TestCutStrings(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range [][]any{{"id", "date"}, {"a", "2020-01-02"}} {
		if err := f.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if got := summary(t, b.String(), Options{File: "f.xlsx"}); got != "table 2:a" {
		t.Error(got)
	}
	cut := rewritten(t, b.Bytes(), "xl/sharedStrings.xml", func(s string) string { return s[:strings.LastIndex(s, "<si>")] })
	if got := summary(t, string(cut), Options{File: "f.xlsx"}); !strings.Contains(got, "cut") {
		t.Error(got)
	}
}

func TestDateStyles(t *testing.T) {
	for format, want := range map[string]dateKind{
		"dd/mm/yyyy": aDate, "[$-409]d-mmm-yy;@": aDate, `0.00" days"`: noDate, "#,##0": noDate, "General": noDate, "hh:mm": aTime,
		"[h]:mm:ss": aTime, `[Red]0.0`: noDate, `mmm`: aDate, `0\d`: noDate, "yyyy": aDate, "0.0E+00": noDate, "@": noDate,
	} {
		if got := dateStyle(164, &format); got != want {
			t.Errorf("%s: %d, want %d", format, got, want)
		}
	}
	for id, want := range map[int]dateKind{0: noDate, 1: noDate, 10: noDate, 14: aDate, 17: aDate, 20: aTime, 22: aDate, 37: noDate, 47: aTime, 49: noDate} {
		if got := dateStyle(id, nil); got != want {
			t.Errorf("%d: %d, want %d", id, got, want)
		}
	}
}

// Of several sheets the first is read, unless the mapping names another.
func TestSheets(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	for i, name := range []string{"Sheet1", "Zweite"} {
		if i > 0 {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.SetSheetRow(name, "A1", &[]any{"id", "date"}); err != nil {
			t.Fatal(err)
		}
		if err := f.SetSheetRow(name, "A2", &[]any{name, "2020-01-01"}); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m    *Mapping
		want string
	}{{nil, "Sheet1"}, {&Mapping{Sheet: "zweite"}, "Zweite"}, {&Mapping{Sheet: "Dritte"}, `no sheet "Dritte"; there are: Sheet1, Zweite`}} {
		r, err := Open(bytes.NewReader(b.Bytes()), Options{File: "f.xlsx", Mapping: c.m})
		if err != nil {
			if !regexp.MustCompile(c.want).MatchString(err.Error()) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			continue
		}
		if got := readAll(t, r)[0].Incident.SourceID; got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func BenchmarkXLSX(b *testing.B) {
	rows := [][]any{{"id", "event_date", "event_type", "actor", "fatalities", "latitude", "longitude", "notes"}}
	for i := range 50_000 {
		rows = append(rows, []any{i, "2020-01-02", "Battles", "Blue Group", i % 9, 34.123, 71.456, fmt.Sprint("An invented note of the usual length, number ", i)})
	}
	book := workbook(b, rows, false)
	b.SetBytes(int64(len(book)))
	n := 0
	for b.Loop() {
		n += drain(b, book, Options{File: "b.xlsx"})
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
