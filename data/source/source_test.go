package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarhad/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden is what a file is read as.
type golden struct {
	Layout  string
	Dataset incident.Dataset
	Columns int
	Rows    []Row
}

func readAll(tb testing.TB, r Reader) (rows []Row) {
	tb.Helper()
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			tb.Fatal(err)
		}
		keep := *row
		keep.Raw = slices.Clone(row.Raw) // the row is valid until the next
		rows = append(rows, keep)
	}
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		ext := filepath.Ext(file)
		if ext != ".csv" && ext != ".geojson" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			opt := Options{File: file}
			if m, err := os.Open(strings.TrimSuffix(file, ext) + ".yml"); err == nil {
				if opt.Mapping, err = ReadMapping(m); err != nil {
					t.Fatal(err)
				}
				m.Close()
			}
			r, err := Open(f, opt)
			if err != nil {
				t.Fatal(err)
			}
			g := golden{Layout: r.Layout(), Dataset: r.Dataset(), Columns: len(r.Columns()), Rows: readAll(t, r)}
			for i := range g.Rows {
				g.Rows[i].Raw = nil // the file itself stands beside it
			}
			got, err := json.MarshalIndent(g, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSuffix(file, ext) + ".golden"
			if *update {
				if err := os.WriteFile(want, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.TrimSpace(string(text)), string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

// The order and the case of the columns and the tag row make no difference.
func TestColumnOrder(t *testing.T) {
	var rows [2][]Row
	for i, name := range []string{"ged", "ged_shuffled"} {
		text, err := os.ReadFile("testdata/" + name + ".csv")
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(bytes.NewReader(text), Options{File: "x.csv"})
		if err != nil {
			t.Fatal(err)
		}
		rows[i] = readAll(t, r)
		for j := range rows[i] {
			rows[i][j].Raw, rows[i][j].Line, rows[i][j].Incident.Line = nil, 0, 0
			rows[i][j].Adm1Column, rows[i][j].Adm2Column = "", ""
			for k := range rows[i][j].Issues {
				rows[i][j].Issues[k].Line, rows[i][j].Issues[k].Column = 0, ""
			}
		}
	}
	if d := cmp.Diff(rows[0], rows[1], cmp.AllowUnexported(Issue{})); d != "" {
		t.Error(d)
	}
}

// The facts of shared/data/README.md about the real file.
func TestRealGED(t *testing.T) {
	f, err := os.Open(gedFile)
	if err != nil {
		t.Skip("SKIPPED: the real GED file is not beside this checkout (../shared/data)")
	}
	defer f.Close()
	r, err := Open(f, Options{File: gedFile})
	if err != nil {
		t.Fatal(err)
	}
	if r.Layout() != FormatGED || r.Dataset().Name != "ged" || len(r.Columns()) != 50 {
		t.Fatalf("read as %s, %+v, %d columns", r.Layout(), r.Dataset(), len(r.Columns()))
	}
	var n, rejected, best, box, june, multi, points int
	provinces := map[string]int{}
	ids := map[string]bool{}
	in2009 := incident.And{
		incident.During{From: incident.NewDay(2009, 1, 1), To: incident.NewDay(2009, 12, 31)},
		incident.Box{Bound: boundOf(69, 33, 71.5, 35)},
	}
	for _, row := range readAll(t, r) {
		n++
		in := row.Incident
		if row.Rejected != nil {
			rejected++
		}
		best += in.Best.N
		provinces[row.Adm1] += in.Best.N
		ids[in.ID] = true
		if in.HasPoint {
			points++
		}
		if incident.Matches(in2009, &in) && strings.HasPrefix(in.Start.String(), "2009") {
			box++
		}
		if strings.HasPrefix(in.Start.String(), "2014-06") {
			june++
		}
		if in.End > in.Start {
			multi++
		}
	}
	got := fmt.Sprint(n, rejected, best, box, june, multi, points, len(ids),
		provinces["Federally Administered Tribal Areas"], provinces["Khyber Pakhtunkwa province"], provinces["Balochistan province"])
	if want := "6416 0 43225 269 61 348 6416 6416 24939 8124 3384"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What is refused as a whole, and what the message must say.
func TestRefusedFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"empty":            {"", "empty"},
		"blank":            {" \n\n", "empty"},
		"bom only":         {"\ufeff", "empty"},
		"no date":          {"id,place\n1,x\n", "no column for the date; found: id, place; expected one of: start_date, event_date, date"},
		"doubled":          {"id,date,Date\n1,2020-01-01,2020-01-01\n", `"Date" twice`},
		"lat, longer rows": {"id,date,lat\n1,2020-01-01,34,x,y\n", `column "lat" and none for the other coordinate`},
		"lat without lon":  {"id,date,lat\n1,2020-01-01,34\n", `column "lat" and none for the other coordinate`},
		"lon without lat":  {"id,date,longitude\n1,2020-01-01,34\n", `column "longitude" and none`},
		"utf-16":           {"\xff\xfei\x00d\x00", "found: id;"},
		"zip":              {"PK\x03\x04xxxx", "ZIP"},
		"sqlite":           {"SQLite format 3\x00", "GeoPackage is broken"},
		"json":             {`{"a":1}`, "found: a;"},
		"json list":        {`[1,2]`, "holds no objects"},
		"feature":          {`{"type":"Topology",` + "\n" + `"objects":{}}`, "no GeoJSON"},
		"no features":      {`{"type":"FeatureCollection"}`, "a FeatureCollection with features is read"},
		"crs":              {`{"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"EPSG:32642"}},"features":[]}`, "reference system"},
		"cut json":         {`{"type":"FeatureCollection","features":[{"type":"Fea`, "cut"},
		"deep json":        {`{"type":"FeatureCollection","features":[` + strings.Repeat("[", 100_000), "broken"},
		"cut gzip":         {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03abc", ""},
		"header is binary": {"id,date\x81,x\n1,2,3\n", "header"},
		"header quotes":    {"id,da\"te,x\n1,2,3\n", "header"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(strings.NewReader(c.text), Options{File: "dir/f.csv"})
			if incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "f.csv") {
				t.Errorf("got %v, want one that says %q", err, c.says)
			}
		})
	}
	if _, err := Open(strings.NewReader("x"), Options{Format: "xml"}); incident.CodeOf(err) != incident.CodeInvalid {
		t.Error("a format that does not exist is taken")
	}
}

// Broken in the frame behind rows that were good.
func TestBrokenFrames(t *testing.T) {
	var plainText bytes.Buffer
	if err := Generate(&plainText, 20_000, 3); err != nil {
		t.Fatal(err)
	}
	zipped := gzipped(t, plainText.Bytes())
	feature := `{"type":"Feature","geometry":null,"properties":{"date":"2020-01-01"}}`
	head := `{"type":"FeatureCollection","features":[` + feature
	for name, c := range map[string]struct{ text, says string }{
		"cut gzip":    {string(zipped[:len(zipped)-200]), "cut"},
		"bad crc":     {string(zipped[:len(zipped)-8]) + "12345678", "gzip"},
		"cut json":    {head + `,{"type":"Feat`, "cut at feature 2"},
		"no end":      {head, "cut"},
		"text behind": {head + "]} x", "after the end"},
		"NaN":         {head + `,{"type":"Feature","geometry":null,"properties":{"date":NaN}}]}`, "broken at feature 2"},
		"no comma":    {head + feature + "]}", "broken"},
		"type behind": {`{"features":[` + feature + `],"type":"Topology"}`, "no GeoJSON"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(strings.NewReader(c.text), Options{File: "f"})
			for err == nil {
				_, err = r.Next()
			}
			if incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want one that says %q", err, c.says)
			}
		})
	}
	r, err := Open(bytes.NewReader(zipped), Options{File: "x.csv.gz"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(readAll(t, r)); n != 20_000 || r.Dataset().Name != "synthetic" || !r.Dataset().Synthetic {
		t.Errorf("%d rows of gzip, dataset %+v", n, r.Dataset())
	}
}

// Every way a row can be broken: the code, the column and the value that are named.
func TestRefusedRows(t *testing.T) {
	const header = "id,date,end_date,event_type,fatalities,lat,lon,location_precision,notes\n"
	for row, want := range map[string]string{
		`1,,,Battles,1,34,71,,x`:                                "missing_date date []",
		`1, ,,Battles,1,34,71,,x`:                               "missing_date date []",
		`1,31/02/2025,,,1,34,71,,x`:                             "bad_date date [31/02/2025]",
		`1,2025-02-29,,,1,34,71,,x`:                             "bad_date date [2025-02-29]",
		`1,yesterday,,,1,34,71,,x`:                              "bad_date date [yesterday]",
		`1,45000,,,1,34,71,,x`:                                  "bad_date date [45000]",
		`1,12/10/25,,,1,34,71,,x`:                               "bad_date date [12/10/25]",
		`1,2025-10-12 25:00:00,,,1,34,71,,x`:                    "bad_date date [2025-10-12 25:00:00]",
		`1,04/05/2025,,,1,34,71,,x`:                             "ambiguous_date date [04/05/2025]",
		`1,1899-12-31,,,1,34,71,,x`:                             "date_out_of_range date [1899-12-31]",
		`1,2025-10-12,2025-10-11,,1,34,71,,x`:                   "end_before_start end_date [2025-10-11]",
		`1,2025-10-12,x,,1,34,71,,x`:                            "bad_date end_date [x]",
		`1,2025-10-12,,,100+,34,71,,x`:                          "bad_number fatalities [100+]",
		`1,2025-10-12,,,"1,234",34,71,,x`:                       "bad_number fatalities [1,234]",
		`1,2025-10-12,,,-,34,71,,x`:                             "bad_number fatalities [-]",
		`1,2025-10-12,,,-1,34,71,,x`:                            "bad_number fatalities [-1]",
		`1,2025-10-12,,,NaN,34,71,,x`:                           "bad_number fatalities [NaN]",
		`1,2025-10-12,,,1.5,34,71,,x`:                           "bad_number fatalities [1.5]",
		`1,2025-10-12,,,13-22,34,71,,x`:                         "bad_number fatalities [13-22]",
		"1,2025-10-12,,,1\u00a0000,34,71,,x":                    "bad_number fatalities [1\u00a0000]",
		`1,2025-10-12,,,۱۲,34,71,,x`:                            "bad_number fatalities [۱۲]",
		`1,2025-10-12,,,99999999999999999999,34,71,,x`:          "bad_number fatalities [99999999999999999999]",
		`1,2025-10-12,,,1,NaN,71,,x`:                            "bad_coordinate lat [NaN]",
		`1,2025-10-12,,,1,34,Inf,,x`:                            "bad_coordinate lon [Inf]",
		`1,2025-10-12,,,1,34° N,71,,x`:                          "bad_coordinate lat [34° N]",
		`1,2025-10-12,,,1,0x10,71,,x`:                           "bad_coordinate lat [0x10]",
		`1,2025-10-12,,,1,90.1,71,,x`:                           "coordinate_out_of_range lat [90.1]",
		`1,2025-10-12,,,1,34,-180.5,,x`:                         "coordinate_out_of_range lon [-180.5]",
		`1,2025-10-12,,,1,34,,,x`:                               "incomplete_coordinates lon []",
		`1,2025-10-12,,,1,,71,,x`:                               "incomplete_coordinates lat []",
		`1,2025-10-12,,,1,34,71,2,x`:                            "bad_value location_precision [2]",
		`1,2025-10-12,,,1,34,71,x`:                              "wrong_field_count  []",
		`1,2025-10-12,,,1,34,71,,x,y`:                           "wrong_field_count  [y]",
		`1,2025-10-12,,,1,34,71,,a "word" in it`:                `bad_quotes  []`,
		`1,2025-10-12,,,1,34,71,,"a" b`:                         `bad_quotes  []`,
		`1,2025-10-12,,,1,34,71,,"never closed`:                 `bad_quotes notes ["never closed]`,
		`1,2025-10-12,,,1,34,71,,never opened"`:                 `bad_quotes notes [never opened"]`,
		"1,2025-10-12,,,1,34,71,,caf\x81":                       "bad_encoding notes [caf\ufffd\\x81]",
		"1,2025-10-12,,,1,34,71,,a\x00b":                        "bad_encoding notes [a\x00b]",
		`1,2025-10-12,,,x,99,999,,x`:                            "bad_number fatalities [x]",
		"1,2025-10-12,,,1,34,71,," + strings.Repeat("x", 1<<20): "record_too_long  [1]",
	} {
		// A good row on each side, and a quotation mark further down.
		text := header + "g1,2020-01-01,,,,,,,good\n" + row + "\ng2,2020-01-02,,,,,,,\"go\"\"od\"\n"
		for _, text := range []string{text, strings.ReplaceAll(text, "\n", "\r\n")} {
			r, err := Open(strings.NewReader(text), Options{File: "f.csv"})
			if err != nil {
				t.Fatal(err)
			}
			rows := readAll(t, r)
			if len(rows) != 3 || rows[0].Rejected != nil || rows[2].Rejected != nil || rows[2].Incident.SourceID != "g2" || rows[1].Rejected == nil {
				t.Errorf("%.80q: rows %+v", row, rows)
				continue
			}
			is := rows[1].Rejected
			got := fmt.Sprintf("%s %s [%s]", is.Code, is.Column, is.Value)
			if strings.HasPrefix(want, "record_too_long") {
				got = is.Code + "  [" + rows[1].Raw[0] + "]"
			}
			if got != want || is.Line != 3 || rows[1].Line != 3 || is.Reason == "" {
				t.Errorf("%.80q: got %s in line %d (%s), want %s", row, got, is.Line, is.Reason, want)
			}
		}
	}
}

// A mark that opens in one row and closes in another swallows nothing.
func TestStrayQuotes(t *testing.T) {
	const header = "id,date,location,notes\n"
	for name, c := range map[string]struct{ text, want string }{
		"closed two rows on": {"1,2020-01-01,a,\"open\n2,2020-01-02,b,x\n3,2020-01-03,c,end\"\n4,2020-01-04,d,\n", "2:1! 3:2 4:3! 5:4"},
		"closed in the next": {"1,2020-01-01,a,\"open\n2,2020-01-02,b,end\"\n3,2020-01-03,c,\n", "2:1! 3:2! 4:3"},
		"in the middle":      {"1,2020-01-01,\"a,x\n2,2020-01-02,b,x\n3,2020-01-03,\"c\",x\n", "2:1! 3:2 4:3"},
		"text of two lines":  {"1,2020-01-01,a,\"one\ntwo, three\n\nfour\"\n2,2020-01-02,b,x\n", "2:1 6:2"},
		"broken text":        {"1,2020-01-01,a,\"one\ntwo\" x\n2,2020-01-02,b,x\n", "2:1! 4:2"},
		"at the end":         {"1,2020-01-01,a,x\n2,2020-01-02,b,\"x", "2:1 3:2!"},
		"blank lines":        {"\n1,2020-01-01,a,x\n\n\n2,2020-01-02,b,x", "3:1 6:2"},
		"a doubled one":      {"1,2020-01-01,\"say \"\"x\"\"\",\"\"\n", "2:1"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(strings.NewReader(header+c.text), Options{File: "f.csv"})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range readAll(t, r) {
				s := fmt.Sprintf("%d:%s", row.Line, row.Raw[0])
				if row.Rejected != nil {
					s += "!"
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

// Refused rows, mended, load again and are the same incidents.
func TestMendedRejects(t *testing.T) {
	text := "file,line,column,value,code,reason,date,file,line\n" +
		"my list.csv,7,date,31/02/2025,bad_date,it does not exist,2025-02-28,a,b\n"
	r, err := Open(strings.NewReader(text), Options{File: "rejects.csv"})
	if err != nil {
		t.Fatal(err)
	}
	rows := readAll(t, r)
	if len(rows) != 1 || rows[0].Rejected != nil || r.Dataset().Name != "my-list" || len(r.Columns()) != 3 {
		t.Fatalf("%+v %+v", rows, r.Dataset())
	}
	o, err := Open(strings.NewReader("date,file,line\n2025-02-28,a,b\n"), Options{File: "my list.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := rows[0].Incident.ID, readAll(t, o)[0].Incident.ID; a != b {
		t.Errorf("the mended row is %s, the row in its own file %s", a, b)
	}
}

// The first row of an id holds; the same once more is counted once, other content is refused.
func TestDuplicates(t *testing.T) {
	feature := `{"type":"Feature","id":%s,"geometry":null,"properties":{"date":"2020-01-0%d"}}`
	for name, c := range map[string]struct{ text, want string }{
		"table": {"id,date\n1,2020-01-01\n1,2020-01-02\n1,2020-01-01\n2,x\n2,2020-01-01\n,2020-01-03\n,2020-01-03\n,2020-01-04\n",
			"|!duplicate_id line 2|duplicate_row line 2|!bad_date|||duplicate_row line 7|"},
		"geojson": {`{"type":"FeatureCollection","features":[` + fmt.Sprintf(feature+","+feature+","+feature+","+feature+","+feature, "1", 1, "1", 2, "1", 1, "null", 1, "null", 1) + "]}",
			"|!duplicate_id feature 1|duplicate_row feature 1||duplicate_row feature 4"},
		"refused again": {"file,line,column,value,code,reason,id,date\nf.csv,3,id,1,duplicate_id,why,1,2020-01-01\nf.csv,4,id,1,duplicate_id,why,1b,2020-01-01\n", "!duplicate_id|"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Open(strings.NewReader(c.text), Options{File: "f.csv"})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, row := range readAll(t, r) {
				s := ""
				if len(row.Issues) > 0 {
					s = row.Issues[0].Code + " " + between(row.Issues[0].Reason, "stands in ", ";")
				}
				if row.Rejected != nil {
					s = "!" + row.Rejected.Code + " " + between(row.Rejected.Reason, "", " has the same")
				}
				if len(row.Incident.Warnings) > 0 {
					t.Errorf("line %d: the incident differs by %v", row.Line, row.Incident.Warnings)
				}
				got = append(got, strings.TrimSpace(s))
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("got  %s\nwant %s", s, c.want)
			}
		})
	}
}

// between is what stands between two texts, "" if they are not there.
func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, ok := strings.Cut(s, to)
	if !ok {
		return ""
	}
	return s
}

// A file with the rows of several datasets is loaded as one only if asked.
func TestDatasetNames(t *testing.T) {
	text := "dataset,id,date\na,1,2020-01-01\nb,2,2020-01-01\n"
	for want, opt := range map[string]Options{"a 1": {File: "f.csv"}, "mine 0": {File: "f.csv", Dataset: "mine"}} {
		r, err := Open(strings.NewReader(text), opt)
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, row := range readAll(t, r) {
			if row.Rejected != nil {
				refused++
			}
		}
		if got := fmt.Sprint(r.Dataset().Name, " ", refused); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for file, want := range map[string]string{"a/B c.CSV.gz": "b-c", "-": "stdin", "": "stdin", "فهرست.csv": "فهرست", "x.2024.geojson": "x-2024", ".csv": "table"} {
		r, err := Open(strings.NewReader("date\n2020-01-01\n"), Options{File: file})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Dataset().Name; got != want {
			t.Errorf("%s: dataset %q, want %q", file, got, want)
		}
	}
}

// A mapping of some columns of a file of ACLED reads its codes by its codebook.
func TestMappedACLED(t *testing.T) {
	m, err := ReadMapping(strings.NewReader("fields: {source_id: event_id_cnty}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(strings.NewReader("event_id_cnty,event_date,time_precision,admin1\nPAK1,2020-01-01,2,Balochistan\n"), Options{Mapping: m})
	if err != nil {
		t.Fatal(err)
	}
	row := readAll(t, r)[0]
	if row.Rejected != nil || row.Incident.TimePrecision != incident.TimeWeek || row.Incident.SourceID != "PAK1" || row.Adm1 != "Balochistan" {
		t.Errorf("%+v %+v", row.Rejected, row)
	}
}

// A dataset called acled is on ACLED's terms, whatever it is read as.
func TestACLEDTerms(t *testing.T) {
	mapping := func(text string) *Mapping {
		m, err := ReadMapping(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const collection = `{"type":"FeatureCollection","dataset":{"name":"acled","public":"items"},"features":[]}`
	for name, c := range map[string]struct {
		text string
		opt  Options
		want bool
	}{
		"layout":           {"event_id_cnty,event_date\n", Options{}, true},
		"layout, own name": {"event_id_cnty,event_date\n", Options{Dataset: "mine"}, true},
		"file":             {"id,date\n", Options{File: "ACLED.csv"}, true},
		"option":           {"id,date\n", Options{Dataset: "acled"}, true},
		"row":              {"id,date,dataset\n1,2020-01-01,acled\n", Options{}, true},
		"geojson":          {collection, Options{}, true},
		"mapping":          {"id,date\n", Options{Mapping: mapping("{fields: {date: date}, dataset: {name: acled}}")}, true},
		"public":           {"id,date\n", Options{Mapping: mapping("{fields: {date: date}, dataset: {name: acled, public: items}}")}, false},
		"public geojson":   {collection, Options{Mapping: mapping("{fields: {date: date}, dataset: {public: items}}")}, false},
		"another":          {"id,date\n", Options{File: "acled-like.csv"}, false},
	} {
		r, err := Open(strings.NewReader(c.text), c.opt)
		if err != nil {
			t.Fatal(err)
		}
		if d := r.Dataset(); d.AggregatesOnly != c.want || c.want && d.Terms == "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestMappings(t *testing.T) {
	for text, says := range map[string]string{
		"":                                          "empty",
		"fields: {}":                                "no fields",
		"fields: {date: D}\ndates: ydm":             "dmy or mdy",
		"fields: {datum: D}":                        `no field "datum"`,
		"fields: {date: {col: D}}":                  `"col" is not one of`,
		"fields: {date: {values: {a: b}}}":          "either a column or a value",
		"felder: {date: D}":                         `"felder" is not one of the keys that there are: dataset, dates, fields`,
		"columns:\n  date: D":                       `line 1: in the mapping "columns" is not one of`,
		"fields: {date: D}\ndataset: {x: y}":        `in dataset "x" is not one of the keys that there are: name, title`,
		"fields: [date]":                            "fields is no list of keys",
		"fields: {date: [D]}":                       "the field date is no list of keys",
		"fields: {date: D, date: E}":                `"date" comes twice`,
		"fields: {date: D}\ndataset: {sample: 7}":   "not true or false",
		"just words":                                "the mapping is no list of keys",
		"fields: {date: D}\ndataset: {public: all}": "items or aggregates",
	} {
		if _, err := ReadMapping(strings.NewReader(text)); incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want one that says %q", text, err, says)
		}
	}
	for text, says := range map[string]string{
		"fields: {date: Gone}":             `column "Gone" for date`,
		"fields: {date: D, event_date: D}": "same field twice",
		"fields: {location: D}":            "no column for the date",
		"fields: {date: D, lat: D}":        "none for the other coordinate",
	} {
		m, err := ReadMapping(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(strings.NewReader("D,E\n1,2\n"), Options{File: "f", Mapping: m}); incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want one that says %q", text, err, says)
		}
	}
}

// A mapping adds to the known headers; what it says wins, and a column serves once.
func TestMappingBesideKnownHeaders(t *testing.T) {
	m, err := ReadMapping(strings.NewReader("fields: {date: D, event_type: {column: What, values: {b: Battles}}, country: {value: PK}, summary: Location}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"id,D,date,What,event_type,country,fatalities,lat,lon,location\n7,2020-01-01,1999-09-09,b,Protests,AF,3,34,71,words\n",
		`{"type":"FeatureCollection","features":[{"type":"Feature","id":7,"geometry":{"type":"Point","coordinates":[71,34]},"properties":` +
			`{"D":"2020-01-01","date":"1999-09-09","What":"b","event_type":"Protests","country":"AF","fatalities":3,"location":"words"}}]}`,
	} {
		r, err := Open(strings.NewReader(text), Options{File: "f", Mapping: m})
		if err != nil {
			t.Fatal(err)
		}
		in := readAll(t, r)[0].Incident
		got := fmt.Sprint(in.SourceID, in.Start, in.EventType, in.Country, in.Best, in.Point, in.Summary, in.LocationName)
		if want := "72020-01-01BattlesPK{3 true} [71 34]words"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestGenerate(t *testing.T) {
	var a, b, c bytes.Buffer
	for w, seed := range map[*bytes.Buffer]uint64{&a: 1, &b: 1, &c: 2} {
		if err := Generate(w, 50_000, seed); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) || bytes.Equal(a.Bytes(), c.Bytes()) {
		t.Error("the seed does not decide")
	}
	r, err := Open(&a, Options{File: "x.csv"})
	if err != nil {
		t.Fatal(err)
	}
	late, unknown, deaths, rows := 0, 0, 0, readAll(t, r)
	for _, row := range rows {
		in := &row.Incident
		if row.Rejected != nil || len(row.Issues) > 0 || !in.Synthetic || !in.HasPoint || in.Dataset != "synthetic" ||
			in.Start < incident.NewDay(2000, 1, 1) || in.Start > incident.NewDay(2025, 12, 31) || !boundOf(genWest, genSouth, genEast, genNorth).Contains(in.Point) {
			t.Fatalf("%+v", row)
		}
		if in.Start >= incident.NewDay(2013, 1, 1) {
			late++
		}
		if !in.Best.Known {
			unknown++
		}
		deaths = max(deaths, in.Best.N)
	}
	if len(rows) != 50_000 || late < 35_000 || unknown < 1000 || unknown > 6000 || deaths < 50 {
		t.Errorf("%d rows, %d of them late, %d without a figure, at most %d deaths", len(rows), late, unknown, deaths)
	}
	if err := Generate(io.Discard, -1, 0); incident.CodeOf(err) != incident.CodeInvalid {
		t.Error(err)
	}
}
