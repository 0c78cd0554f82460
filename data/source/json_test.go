package source

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarhad/incident"
)

// summary reads a file to one word for each row, or to its error.
func summary(tb testing.TB, text string, opt Options) string {
	tb.Helper()
	r, err := Open(strings.NewReader(text), opt)
	if err != nil {
		return "! " + err.Error()
	}
	defer r.Close()
	out := []string{r.Layout()}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(out, " ")
		}
		if err != nil {
			return strings.Join(out, " ") + " ! " + err.Error()
		}
		s := fmt.Sprint(row.Line, ":", row.Incident.SourceID)
		if row.Rejected != nil {
			s = fmt.Sprint(row.Line, ":", row.Rejected.Code)
		}
		out = append(out, s)
	}
}

func TestJSON(t *testing.T) {
	const feature = `{"type":"Feature","id":"%s","geometry":null,"properties":{"date":"2020-01-01"}}`
	f := func(id string) string { return fmt.Sprintf(feature, id) }
	deep := strings.Repeat("[", 100_000)
	collection := func(geometry string) string {
		return `{"type":"FeatureCollection","features":[{"type":"Feature","id":"a","geometry":` + geometry + `,"properties":{"date":"2020-01-01"}}]}`
	}
	for name, c := range map[string]struct {
		file, text, want string
	}{
		"list":            {"f.json", `[{"id":"a","date":"2020-01-01"},{"date":"2020-01-02","id":"b","x":{"y":[1,"]"]}}]`, "table 1:a 2:b"},
		"list behind":     {"f.json", `[{"id":"a","date":"2020-01-01"}] x`, "after the end"},
		"list cut":        {"f.json", `[{"id":"a","date":"2020-01-01"},{"id":`, "cut"},
		"list of others":  {"f.json", `[{"id":"a","date":"2020-01-01"},7,{"id":"a","id":"b","date":"2020-01-01"}]`, "table 1:a 2:bad_json 3:bad_json"},
		"list, deep":      {"f.json", `[{"id":"a","date":"2020-01-01"},` + deep, "broken"},
		"list, empty":     {"f.json", `[]`, "empty"},
		"list, features":  {"f.json", "[" + f("a") + "," + f("b") + "]", "geojson 1:a 2:b"},
		"answer":          {"f.json", `{"status":200,"data":[{"event_id_cnty":"PAK1","event_date":"2020-01-01"}],"count":1}`, "acled 1:PAK1"},
		"answer behind":   {"f.json", "{\n" + `"data":[{"id":"a","date":"2020-01-01"}]} {}`, "after the end"},
		"lines":           {"f.json", "{\"id\":\"a\",\"date\":\"2020-01-01\"}\r\n\n{\"id\":\"b\",\"date\":\"2020-01-01\"}", "table 1:a 3:b"},
		"broken line":     {"f.json", "{\"id\":\"a\",\"date\":\"2020-01-01\"}\n{\"id\":\"b\",\"da\n{\"id\":\"c\",\"date\":\"2020-01-01\"}\n", "table 1:a 2:bad_json 3:c"},
		"first broken":    {"f.json", "{\"id\":\"a\",\"da\n{\"id\":\"b\",\"date\":\"2020-01-01\"}\n", "table 1:bad_json 2:b"},
		"NaN line":        {"f.ndjson", "{\"id\":\"a\",\"date\":\"2020-01-01\"}\n{\"id\":\"b\",\"date\":\"2020-01-01\",\"lat\":NaN}\n", "table 1:a 2:bad_json"},
		"deep line":       {"f.ndjson", "{\"id\":\"a\",\"date\":\"2020-01-01\"}\n" + deep + "\n{\"x\":" + deep + "\n", "table 1:a 2:bad_json 3:bad_json"},
		"long line":       {"f.ndjson", "{\"id\":\"a\",\"date\":\"2020-01-01\"}\n" + strings.Repeat("x", 3<<20) + "\n{\"id\":\"b\",\"date\":\"2020-01-01\"}", "table 1:a 2:record_too_long 3:b"},
		"bytes":           {"f.ndjson", "{\"id\":\"a\",\"date\":\"2020-01-01\"}\n{\"id\":\"\xff\xc3\",\"date\":\"\u06f1\u06f2\u06f3\u06f4\"}\n", "table 1:a 2:bad_encoding"},
		"NUL":             {"f.ndjson", `{"id":"a","date":"2020-01-01","notes":"x\u0000"}`, "table 1:bad_encoding"},
		"late member":     {"f.ndjson", strings.Repeat(`{"date":"2020-01-01"}`+"\n", 1000) + `{"date":"2020-01-02","fatalities":3,"x":1}`, "1001:bad_json"},
		"features":        {"f.json", f("a") + "\n" + f("b") + "\n{\"type\":\"Fea\n" + f("c"), "geojson 1:a 2:b 3:bad_json 4:c"},
		"separators":      {"f.json", "\x1e" + f("a") + "\n\x1e{\n" + f("b")[1:] + "\n\x1e{\"x\n", "geojson 1:a 2:b 3:bad_json"},
		"one feature":     {"f.json", f("a"), "geojson 1:a"},
		"doubled member":  {"f.json", strings.Replace(collection("null"), `"date"`, `"date":"1999-01-01","date"`, 1), "geojson 1:bad_json"},
		"collection of 1": {"f.json", collection(`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[71,34]}]}`), "geojson 1:a"},
		"collection of 2": {"f.json", collection(`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[71,34]},null]}`), "geojson 1:bad_geometry"},
		"multi of 1":      {"f.json", collection(`{"type":"MultiPoint","coordinates":[[71,34]]}`), "geojson 1:a"},
		"multi of 2":      {"f.json", collection(`{"type":"MultiPoint","coordinates":[[71,34],[1,2]]}`), "geojson 1:bad_geometry"},
		"collections":     {"f.json", collection(strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 5) + strings.Repeat("]}", 5)), "geojson 1:bad_geometry"},
		"crs84":           {"f.json", `{"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS84"}},` + collection("null")[1:], "geojson 1:a"},
		"crs 43261":       {"f.json", `{"crs":{"type":"name","properties":{"name":"EPSG:43261"}},` + collection("null")[1:], "reference system"},
		"crs behind":      {"f.json", strings.TrimSuffix(collection("null"), "}") + `,"crs":{"properties":{"name":"EPSG:3857"}}}`, "reference system"},
	} {
		t.Run(name, func(t *testing.T) {
			got := summary(t, c.text, Options{File: c.file})
			if !strings.Contains(got, c.want) || strings.HasPrefix(c.want, "table ") && got != c.want {
				t.Errorf("got %.300s, want %s", got, c.want)
			}
		})
	}
}

// The members that the scanner finds are those of encoding/json.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, `{ "a\u0022" : [1,{"b":"]"}] ,"c":null}`, `{"a":-1.5e3,"b":"\\"}`, `{"":{}}`, `[1]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return
		}
		got := map[string]json.RawMessage{}
		eachMember(text, func(key string, value []byte) bool {
			if !json.Valid(value) {
				t.Fatalf("%q: %q is no value", text, value)
			}
			got[key] = value
			return true
		})
		for k, v := range want {
			g, ok := got[k]
			if !ok && strings.ContainsRune(k, '\ufffd') {
				continue // the key was no UTF-8, and is refused before
			}
			if string(g) != string(v) {
				t.Fatalf("%q: %q is %q, want %q", text, k, g, v)
			}
		}
	})
}

// fuzzReader gives a reader whatever comes: it may refuse rows or the file, and nothing else.
// The seeds are the files of the corpus that match the patterns.
func fuzzReader(f *testing.F, file string, patterns ...string) {
	for _, p := range patterns {
		names, err := filepath.Glob(filepath.Join(brokenDir, p))
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			if len(text) < 20_000 {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		t.Setenv("TMPDIR", t.TempDir())
		r, err := Open(bytes.NewReader(text), Options{File: file})
		for n := 0; err == nil; n++ {
			var row *Row
			if row, err = r.Next(); err != nil {
				break
			}
			if row.Rejected == nil && (row.Incident.ID == "" || row.Incident.Start > row.Incident.End) || row.Rejected != nil && (row.Rejected.Code == "" || row.Rejected.Reason == "") {
				t.Fatalf("row %d: %+v", n, row)
			}
			if n > 1<<20 {
				t.Fatal("it does not end")
			}
		}
		if !errors.Is(err, io.EOF) && incident.CodeOf(err) != incident.CodeInvalid {
			t.Fatalf("%v", err)
		}
		if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
			t.Fatalf("temporary files stay: %v %v", files, err)
		}
	})
}

func FuzzJSON(f *testing.F)     { fuzzReader(f, "f.json", "*.json", "*.geojson*", "*.ndjson") }
func FuzzNDJSON(f *testing.F)   { fuzzReader(f, "f.ndjson", "*.json", "*.geojson*", "*.ndjson") }
func FuzzEncoding(f *testing.F) { fuzzReader(f, "f.csv", "*.csv", "*.tsv") }
func FuzzPacked(f *testing.F)   { fuzzReader(f, "f.zip", "*.gz", "*.zip") }
func FuzzXLSX(f *testing.F)     { fuzzReader(f, "f.xlsx", "*.xlsx") }

// FuzzSheet walks the XML of a sheet, which fuzzing does not reach within a ZIP archive.
func FuzzSheet(f *testing.F) {
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1" s="2"><v>1</v></c><!-- > --><c t="s"/></row><row/></sheetData></worksheet>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &sheetCells{r: bufio.NewReader(bytes.NewReader(text))}
		for last := 0; ; last = s.number {
			if err := s.row(); err != nil {
				return
			}
			if s.number <= last {
				t.Fatalf("row %d comes after row %d", s.number, last)
			}
		}
	})
}

// FuzzPoint reads the geometry of a GeoPackage.
func FuzzPoint(f *testing.F) {
	f.Add([]byte("GP\x00\x01\xe6\x10\x00\x00\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x51\x40\x00\x00\x00\x00\x00\x00\x41\x40"))
	f.Add([]byte("GP\x00\x01\xe6\x10\x00\x00\x01\x04\x00\x00\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if lon, lat, p := geoPackagePoint(b); p == nil && (lon == "") != (lat == "") {
			t.Fatalf("%q: half a point", b)
		}
	})
}
