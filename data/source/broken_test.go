package source

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"sarhad/incident"
)

// broken is a file and what it must give. Small ones lie in testdata/broken,
// beside a manifest; large ones are made where they are needed.
type broken struct {
	name string
	text string
	rows int    // good rows
	bad  string // refused rows, "line:code line:code"
	says string // what the refusal of the whole file says; "" if it is read to its end
}

const brokenHeader = "id,date,fatalities,lat,lon,location,notes\n"

func toUTF16(s string, high, mark bool) string {
	var b []byte
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		if high {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// zipOf packs pairs of names and texts.
func zipOf(tb testing.TB, pairs ...string) string {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err == nil {
			_, err = io.WriteString(f, pairs[i+1])
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// brokenFiles are the corpus.
func brokenFiles(tb testing.TB) []broken {
	const h = brokenHeader
	row := func(id string) string { return id + ",2020-01-02,3,34.1,71.2,A place,words\n" }
	two := h + row("a") + row("b")
	around := func(bad string) string { return h + row("a") + bad + "\n" + row("z") }
	gz := func(s string) string { return string(gzipped(tb, []byte(s))) }
	book := func(rows ...[]any) string { return string(workbook(tb, rows, false)) }
	feature := func(id, geometry, rest string) string {
		return `{"type":"Feature","id":"` + id + `","geometry":` + geometry + `,"properties":{"date":"2020-01-02"` + rest + `}}`
	}
	collection := func(features ...string) string {
		return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",\n") + `]}`
	}
	good := feature("a", `{"type":"Point","coordinates":[71.2,34.1]}`, "")
	object := func(id string) string { return `{"id":"` + id + `","date":"2020-01-02","fatalities":3}` }
	deep := strings.Repeat("[", 100_000)
	return []broken{
		{"bom.csv", "\ufeff" + two, 2, "", ""},
		{"crlf.csv", strings.ReplaceAll(two, "\n", "\r\n"), 2, "", ""},
		{"lone_cr.csv", strings.ReplaceAll(around("m,31/02/2020,1,,,,"), "\n", "\r"), 2, "3:bad_date", ""},
		{"no_last_line_end.csv", strings.TrimSuffix(two, "\n"), 2, "", ""},
		{"utf16le.csv", toUTF16(two, false, true), 2, "", ""},
		{"utf16be.csv", toUTF16(two, true, true), 2, "", ""},
		{"utf16le_no_bom.csv", toUTF16(around("m,31/02/2020,1,,,پشاور,"), false, false), 2, "3:bad_date", ""},
		{"utf16be_no_bom.csv", toUTF16(two, true, false), 2, "", ""},
		{"utf32.csv", "\xff\xfe\x00\x00i\x00\x00\x00", 0, "", "UTF-32"},
		{"windows1252.csv", around("m,2020-01-03,1,,,Caf\xe9,\x93quoted\x94"), 3, "", ""},
		{"windows1256.csv", h + strings.Repeat("m,2020-01-03,1,,,\xc7\xe1\xcf\xe6\xc7\xe1\xce,\xc8\xcd\xed\xd1\n", 3), 3, "", ""},
		{"windows1251.csv", h + strings.Repeat("m,2020-01-03,1,,,\xd1\xee\xe1\xfb\xf2\xe8\xe5,\xe3\xee\xf0\xee\xe4\n", 3), 0, "", "another alphabet"},
		{"bad_byte_in_utf8.csv", around("m,2020-01-03,1,,,پشاور,\nn,2020-01-03,1,,,\xff,"), 3, "4:bad_encoding", ""},
		{"mojibake.csv", around("m,2020-01-03,1,,,Ø§ÙˆÙ„,the peopleâ€™s"), 3, "", ""},
		{"semicolons.csv", strings.ReplaceAll(two, ",", ";"), 2, "", ""},
		{"pipes.csv", strings.ReplaceAll(two, ",", "|"), 2, "", ""},
		{"tabs.tsv", strings.ReplaceAll(two, ",", "\t"), 2, "", ""},
		{"single_quotes.csv", "'id','date','notes'\n'a','2020-01-02','one, ''two'''\n", 1, "", ""},
		{"open_quote.csv", around(`m,2020-01-03,1,,,"open,x`), 2, "3:bad_quotes", ""},
		{"quote_in_field.csv", around(`m,2020-01-03,1,,,a "b" c,x`), 2, "3:bad_quotes", ""},
		{"quote_at_end.csv", h + row("a") + `m,2020-01-03,1,,,,"never closed`, 1, "3:bad_quotes", ""},
		{"lines_in_field.csv", around("m,2020-01-03,1,,,\"two\n\nlines\",x"), 3, "", ""},
		{"few_fields.csv", around("m,2020-01-03,1"), 2, "3:wrong_field_count", ""},
		{"many_fields.csv", around("m,2020-01-03,1,,,,x,y,z"), 2, "3:wrong_field_count", ""},
		{"title.csv", "Attacks; a made-up list, 2020\n\n" + two, 2, "", ""},
		{"no_header.csv", row("a") + row("b"), 0, "", "no header"},
		{"doubled_header.csv", h + two, 0, "", "stands twice (lines 1 and 2)"},
		{"header_again.csv", two + h + row("c"), 3, "4:bad_date", ""},
		{"doubled_column.csv", "id,date,Date\na,2020-01-02,2020-01-02\n", 0, "", `"Date" twice`},
		{"no_date_column.csv", "id,place\na,x\n", 0, "", "no column for the date"},
		{"lat_without_lon.csv", "id,date,lat\na,2020-01-02,34\n", 0, "", "none for the other coordinate"},
		{"header_only.csv", h, 0, "", ""},
		{"empty.csv", "", 0, "", "empty"},
		{"blank.csv", " \n\n\t\n", 0, "", "empty"},
		{"bom_only.csv", "\ufeff", 0, "", "empty"},
		{"duplicate_ids.csv", h + row("a") + row("a") + "a,2020-01-09,1,,,,\n", 2, "4:duplicate_id", ""},
		{"swapped_coordinates.csv", around("m,2020-01-03,1,134.1,71,,"), 2, "3:coordinate_out_of_range", ""},
		{"half_coordinates.csv", around("m,2020-01-03,1,34.1,,,"), 2, "3:incomplete_coordinates", ""},
		{"impossible_date.csv", around("m,31/02/2020,1,,,,"), 2, "3:bad_date", ""},
		{"ambiguous_date.csv", around("m,04/05/2020,1,,,,"), 2, "3:ambiguous_date", ""},
		{"no_date.csv", around("m,,1,,,,"), 2, "3:missing_date", ""},
		{"nan.csv", around("m,2020-01-03,NaN,,,,\nn,2020-01-03,1,NaN,71,,\no,2020-01-03,1,34,Infinity,,"), 2, "3:bad_number 4:bad_coordinate 5:bad_coordinate", ""},
		{"figures.csv", around("m,2020-01-03,100+,,,,\nn,2020-01-03,13-22,,,,\no,2020-01-03,-,,,,\np,2020-01-03,\"1,000\",,,,\nq,2020-01-03,۱۲,,,,\nr,2020-01-03,1\u00a0000,,,,"), 2, "3:bad_number 4:bad_number 5:bad_number 6:bad_number 7:bad_number 8:bad_number", ""},
		{"nul.csv", around("m,2020-01-03,1,,,,a\x00b"), 2, "3:bad_encoding", ""},
		{"formulas.csv", around("m,2020-01-03,1,,,=cmd(),@SUM(1)\nn,2020-01-03,=1+1,,,,"), 3, "4:bad_number", ""},
		{"urdu_emoji.csv", around("m,2020-01-03,1,,,پشاور کے قریب,🎈 ایک"), 3, "", ""},
		{"bidi_marks.csv", around("m,2020-01-03,1,,,\u200fپشاور\u200e,x"), 3, "", ""},
		{"page.csv", "<!DOCTYPE html><html><body>404</body></html>", 0, "", "a page in HTML"},
		{"paper.csv", "%PDF-1.7 x", 0, "", "a PDF"},
		{"old_office.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1xxxxxxxx", 0, "", "old or encrypted Office"},
		{"hxl.csv", "Kod,Ruz,Y,X,Koshta\n#event+id,#date,#geo+lat,#geo+lon,#affected+killed\na,2020-01-02,34,71,2\n", 1, "", ""},
		{"hxl_only.csv", "#event+id,#date,#adm1+name\na,2020-01-02,Balochistan\n", 1, "", ""},
		{"whole.csv.gz", gz(two), 2, "", ""},
		{"cut.csv.gz", gz(two)[:len(gz(two))-9], 0, "", "cut"},
		{"garbage_behind.csv.gz", gz(two) + "garbage behind it", 0, "", "something stands behind the end of the gzip"},
		{"twice.csv.gz", gz(gz(two)), 0, "", "packed twice"},
		{"one.zip", zipOf(tb, "__MACOSX/._a.csv", "x", ".DS_Store", "x", "dir/a.csv", two), 2, "", ""},
		{"with_readme.zip", zipOf(tb, "README.txt", "x", "LICENSE", "x", "list.csv", two, "codebook.pdf", "x"), 2, "", ""},
		{"shapefile.zip", zipOf(tb, "a.shp", "x", "a.dbf", "x"), 0, "", "a shapefile"},
		{"shapefile.shp", "\x00\x00\x27\x0a\x00\x00\x00\x00", 0, "", "a shapefile"},
		{"separators_only.csv", two + ",,,,,,\n , ,,,,,\n,,,,,,\n", 2, "", ""},
		{"several.zip", zipOf(tb, "a.csv", two, "b.csv", two), 0, "", "a.csv, b.csv"},
		{"nothing.zip", zipOf(tb), 0, "", "nothing in it"},
		{"nested.zip", zipOf(tb, "a.zip", zipOf(tb, "a.csv", two)), 0, "", "packed twice"},
		{"cut.zip", zipOf(tb, "a.csv", two)[:100], 0, "", "no whole ZIP"},
		{"sheet.xlsx", book([]any{"id", "date", "lat", "lon"}, []any{"a", "2020-01-02", 34, 71}, []any{"b", "31/02/2020"}), 1, "3:bad_date", ""},
		{"no_date.xlsx", book([]any{"id", "place"}, []any{"a", "x"}), 0, "", "no column for the date"},
		{"cut_sheet.xlsx", string(rewritten(tb, []byte(book([]any{"id", "date"}, []any{"a", "2020-01-02"})), "xl/worksheets/sheet1.xml", func(s string) string { return s[:len(s)-30] })), 0, "", "cut"},
		{"formulas.xlsx", string(sheetOf(tb, formulaCells())), 3, "3:formula_without_value 4:formula_without_value 5:formula_without_value 7:formula_without_value 9:bad_number 10:formula_without_value", ""},
		{"null_geometry.geojson", collection(good, feature("b", "null", "")), 2, "", ""},
		{"collections.geojson", collection(good, feature("b", `{"type":"GeometryCollection","geometries":[]}`, ""), feature("c", `{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[71,34]}]}`, "")), 2, "2:bad_geometry", ""},
		{"lines.geojson", collection(good, feature("b", `{"type":"LineString","coordinates":[[71,34],[72,35]]}`, "")), 1, "2:bad_geometry", ""},
		{"crs.geojson", `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:32642"}},"features":[` + good + `]}`, 0, "", "reference system"},
		{"crs84.geojson", `{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}},"features":[` + good + `]}`, 1, "", ""},
		{"range.geojson", collection(good, feature("b", `{"type":"Point","coordinates":[171.2,95]}`, "")), 1, "2:coordinate_out_of_range", ""},
		{"twice.geojson", collection(good, feature("b", "null", `,"date":"2020-01-03"`)), 1, "2:bad_json", ""},
		{"nan.geojson", collection(good, feature("b", `{"type":"Point","coordinates":[NaN,34]}`, "")), 0, "", "broken at feature 2"},
		{"cut.geojson", collection(good, good)[:250], 0, "", "cut at feature 2"},
		{"text_behind.geojson", collection(good) + "\nand more", 0, "", "after the end"},
		{"no_features.geojson", `{"type":"FeatureCollection"}`, 0, "", "with features is read"},
		{"topology.json", "{\"type\":\"Topology\",\n\"objects\":{}}", 0, "", "no GeoJSON"},
		{"deep.geojson", `{"type":"FeatureCollection","features":[` + good + "," + deep, 0, "", "broken"},
		{"broken_line.ndjson", object("a") + "\n{\"id\":\"b\",\n" + object("c") + "\n", 2, "2:bad_json", ""},
		{"nan.ndjson", object("a") + "\n" + `{"id":"b","date":"2020-01-02","fatalities":NaN}` + "\n", 1, "2:bad_json", ""},
		{"deep.ndjson", object("a") + "\n" + `{"x":` + deep + "\n" + object("c"), 2, "2:bad_json", ""},
		{"separators.geojsons", "\x1e" + good + "\n\x1e{\"type\":\n", 1, "2:bad_json", ""},
		{"list.json", "[" + object("a") + ",7," + object("c") + "]", 2, "2:bad_json", ""},
		{"lists.json", `[["Ref","Day","Dead"],["#event+id","#date","#affected+killed"],["a","2020-01-02",3],["b","2020-01-02",2.5],{"id":"c"},["d"],["e","2020-01-02",null]]`, 2, "4:bad_number 5:bad_json 6:wrong_field_count", ""},
		{"list_cut.json", "[" + object("a") + "," + object("b")[:20], 0, "", "cut"},
		{"list_behind.json", "[" + object("a") + "] []", 0, "", "after the end"},
		{"nothing_in_it.json", "[]", 0, "", "empty"},
		{"no_package.gpkg", "SQLite format 3\x00" + strings.Repeat("x", 500), 0, "", "GeoPackage"},
	}
}

const brokenDir = "testdata/broken"

var manifestColumns = []string{"file", "rows", "refused", "says"}

// TestBrokenCorpus holds the files in testdata/broken against their manifest;
// -update writes both anew. The test of the command runs over the same manifest.
func TestBrokenCorpus(t *testing.T) {
	if *update {
		var m bytes.Buffer
		w := csv.NewWriter(&m)
		_ = w.Write(manifestColumns)
		for _, b := range brokenFiles(t) {
			_ = w.Write([]string{b.name, strconv.Itoa(b.rows), b.bad, b.says})
			if err := os.WriteFile(filepath.Join(brokenDir, b.name), []byte(b.text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		w.Flush()
		if err := os.WriteFile(filepath.Join(brokenDir, "manifest.csv"), m.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(filepath.Join(brokenDir, "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) < 61 {
		t.Errorf("%d files only", len(lines)-1)
	}
	for _, l := range lines[1:] {
		t.Run(l[0], func(t *testing.T) {
			f, err := os.Open(filepath.Join(brokenDir, l[0]))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			rows, _ := strconv.Atoi(l[1])
			check(t, f, Options{File: l[0], Path: f.Name()}, broken{l[0], "", rows, l[2], l[3]})
		})
	}
}

func check(t *testing.T, f io.Reader, opt Options, want broken) {
	t.Helper()
	rows, bad := 0, []string{}
	r, err := Open(f, opt)
	for err == nil {
		var row *Row
		if row, err = r.Next(); err != nil {
			break
		}
		if row.Rejected == nil {
			rows++
			continue
		}
		bad = append(bad, fmt.Sprint(row.Rejected.Line, ":", row.Rejected.Code))
	}
	if want.says != "" {
		if incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), want.says) {
			t.Errorf("got %v, want one that says %q", err, want.says)
		}
		return
	}
	if got := strings.Join(bad, " "); !errors.Is(err, io.EOF) || rows != want.rows || got != want.bad {
		t.Errorf("%d rows, refused %q, %v; want %d, %q", rows, got, err, want.rows, want.bad)
	}
}
