package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

// sheetOf makes a workbook whose cells are written in XML.
func sheetOf(tb testing.TB, rows string) []byte {
	tb.Helper()
	return rewritten(tb, workbook(tb, [][]any{{"x"}}, false), "xl/worksheets/sheet1.xml", func(s string) string {
		return regexp.MustCompile(`(?s)<sheetData>.*</sheetData>`).ReplaceAllLiteralString(s, "<sheetData>"+rows+"</sheetData>")
	})
}

// outcome gives "id=figure" for good rows and "line:column:code" for refused ones.
func outcome(t *testing.T, file []byte, opt Options) (out []string, r Reader) {
	t.Helper()
	r, err := Open(bytes.NewReader(file), opt)
	if err != nil {
		t.Fatal(err)
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, r
		}
		if err != nil {
			t.Fatal(err)
		}
		if is := row.Rejected; is != nil {
			out = append(out, fmt.Sprintf("%d:%s:%s", is.Line, is.Column, is.Code))
			continue
		}
		out = append(out, fmt.Sprintf("%s=%v", row.Incident.SourceID, row.Incident.Best))
	}
}

const cellsHeader = `<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>date</t></is></c>` +
	`<c r="C1" t="inlineStr"><is><t>fatalities</t></is></c><c r="D1" t="inlineStr"><is><t>notes</t></is></c><c r="E1" t="inlineStr"><is><t>sum</t></is></c></row>`

func cellsRow(n int, id, rest string) string {
	return fmt.Sprintf(`<row r="%d"><c r="A%[1]d" t="inlineStr"><is><t>%[2]s</t></is></c><c r="B%[1]d" t="inlineStr"><is><t>2020-01-02</t></is></c>%[3]s</row>`, n, id, strings.ReplaceAll(rest, "#", fmt.Sprint(n)))
}

func formulaCells() string {
	return cellsHeader +
		cellsRow(2, "with", `<c r="C#"><f>1+2</f><v>3</v></c>`) +
		cellsRow(3, "none", `<c r="C#"><f>1+2</f></c>`) +
		cellsRow(4, "empty", `<c r="C#"><f>1+2</f><v></v></c>`) +
		cellsRow(5, "closed", `<c r="C#"><f>1+2</f><v/></c>`) +
		cellsRow(6, "text", `<c r="C#"><v>1</v></c><c r="D#" t="str"><f>""</f><v></v></c>`) +
		cellsRow(7, "notext", `<c r="C#"><v>1</v></c><c r="D#" t="str"><f>""</f></c>`) +
		cellsRow(8, "unread", `<c r="C#"><v>1</v></c><c r="E#"><f>1</f></c>`) +
		cellsRow(9, "truth", `<c r="C#" t="b"><v>1</v></c>`) +
		`<row r="10"><c r="C10"><f>1</f></c></row>`
}

func TestFormulasAndTruths(t *testing.T) {
	got, _ := outcome(t, sheetOf(t, formulaCells()), Options{File: "a.xlsx"})
	want := []string{"with={3 true}", "3:fatalities:formula_without_value", "4:fatalities:formula_without_value", "5:fatalities:formula_without_value",
		"text={1 true}", "7:notes:formula_without_value", "unread={1 true}", "9:fatalities:bad_number", "10:fatalities:formula_without_value"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// A writer that leaves the work to the spreadsheet program puts 0 for every value.
	zero := rewritten(t, sheetOf(t, cellsHeader+cellsRow(2, "a", `<c r="C#"><f>1+2</f><v>0</v></c>`)+cellsRow(3, "b", `<c r="C#"><v>0</v></c>`)), "xl/workbook.xml", func(s string) string {
		return strings.Replace(s, "</sheets>", `</sheets><calcPr calcId="1" fullCalcOnLoad="1"/>`, 1)
	})
	got, _ = outcome(t, zero, Options{File: "a.xlsx"})
	if diff := cmp.Diff([]string{"2:fatalities:formula_without_value", "b={0 true}"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestLongAndPaddedNumbers(t *testing.T) {
	got, _ := outcome(t, sheetOf(t, cellsHeader+
		strings.ReplaceAll(cellsRow(2, "x", ""), `t="inlineStr"><is><t>x</t></is>`, `><v>1.234567890123E+15</v>`)+
		strings.ReplaceAll(cellsRow(3, "x", ""), `t="inlineStr"><is><t>x</t></is>`, `><v>1.23456789012345E+17</v>`)+
		strings.ReplaceAll(cellsRow(4, "x", ""), `t="inlineStr"><is><t>x</t></is>`, `><v>12345678901234567</v>`)+
		strings.ReplaceAll(cellsRow(5, "x", `<c r="E#"><v>12345678901234567</v></c>`), `t="inlineStr"><is><t>x</t></is>`, `><v>7</v>`)), Options{File: "a.xlsx"})
	if diff := cmp.Diff([]string{"1234567890123000={0 false}", "3:id:bad_value", "4:id:bad_value", "7={0 false}"}, got); diff != "" {
		t.Error(diff)
	}

	f := excelize.NewFile()
	defer f.Close()
	zeros := "00000"
	style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &zeros})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{f.SetSheetRow("Sheet1", "A1", &[]any{"id", "date", "fatalities"}), f.SetSheetRow("Sheet1", "A2", &[]any{12, "2020-01-02", 12}), f.SetCellStyle("Sheet1", "A2", "C2", style)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, _ = outcome(t, b.Bytes(), Options{File: "a.xlsx"})
	if diff := cmp.Diff([]string{"00012={12 true}"}, got); diff != "" {
		t.Error(diff)
	}
}

// sheets makes a workbook of sheets with one column each, whose name may end with "(hidden)".
func sheets(t *testing.T, pairs ...string) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		name, hidden := strings.CutSuffix(pairs[i], "(hidden)")
		_, err := f.NewSheet(name)
		must(err)
		for j, v := range strings.Fields(pairs[i+1]) {
			must(f.SetCellStr(name, fmt.Sprintf("A%d", j+1), v))
		}
		if hidden {
			must(f.SetSheetVisible(name, false))
		}
	}
	f.SetActiveSheet(1)
	must(f.DeleteSheet("Sheet1"))
	var b bytes.Buffer
	must(f.Write(&b))
	return b.Bytes()
}

func TestOtherSheets(t *testing.T) {
	data := "date 2020-01-02 2020-01-03"
	got, r := outcome(t, sheets(t, "Old(hidden)", data+" 2020-01-04", "Data", data, "Empty", "", "More", data, "Gone(hidden)", data), Options{File: "a.xlsx"})
	if len(got) != 2 || len(r.Notes()) != 1 || !strings.Contains(r.Notes()[0], `"Data"`) || !strings.Contains(r.Notes()[0], "too: More.") {
		t.Errorf("%v %q", got, r.Notes())
	}
	_, err := Open(bytes.NewReader(sheets(t, "Cover", "Read me", "Data", data)), Options{File: "a.xlsx"})
	if err == nil || !strings.Contains(err.Error(), "sheet: Data") {
		t.Errorf("got %v, want one that names the other sheet", err)
	}
}
