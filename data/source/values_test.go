package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/incident"
)

func boundOf(w, s, e, n float64) orb.Bound {
	return orb.Bound{Min: orb.Point{w, s}, Max: orb.Point{e, n}}
}

func gzipped(tb testing.TB, text []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func TestDates(t *testing.T) {
	for text, want := range map[string]string{
		"2025-10-12": "2025-10-12", "2025/10/12": "2025-10-12", "2025-1-2": "2025-01-02", "2024-02-29": "2024-02-29",
		"1990-10-04 00:00:00.000": "1990-10-04", "2025-10-12T00:00:00Z": "2025-10-12", "2025-10-12 00:00": "2025-10-12",
		"04 March 2019": "2019-03-04", "4 Mar 2019": "2019-03-04", "04-March-2021": "2021-03-04", "1 sept 2020": "2020-09-01",
		"25/12/2015": "2015-12-25", "12/25/2015": "2015-12-25", "05/05/2025": "2025-05-05", "25.12.2015": "2015-12-25",
		"2025-10-12T21:00:00Z":      "2025-10-13 02:00:00+05:00",
		"2025-10-12T01:30:00+09:00": "2025-10-11 21:30:00+05:00",
		"2025-10-12 14:30:00":       "2025-10-12 14:30:00+05:00",
		"2025-10-12T14:30:00+05:00": "2025-10-12 14:30:00+05:00",
		"04/05/2025":                CodeAmbiguousDate, "4.5.2025": CodeAmbiguousDate, "31/02/2025": CodeBadDate, "31/13/2025": CodeBadDate,
		"0000-01-01": CodeBadDate, "2025-13-01": CodeBadDate, "2025-10-12x": CodeBadDate, "2025-10-12 1": CodeBadDate, "2025": CodeBadDate,
		"1899-12-31": CodeDateOutOfRange, "12025-01-01": CodeBadDate, "2025-10-12T10:00:60": CodeBadDate, "04 Brumaire 2019": CodeBadDate,
		"2025-10": CodeBadDate, "2025-10/12": CodeBadDate, "1/2": CodeBadDate, "2025-10-12T10:00:00+15:00": CodeBadDate, "NaN": CodeBadDate,
	} {
		d, p := parseDate(text, orderNone)
		clock := d.local("PK")
		got := strings.TrimSpace(d.day.String() + " " + clock)
		if p != nil {
			got = p.code
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for order, want := range map[dateOrder]string{orderDMY: "2025-05-04", orderMDY: "2025-04-05"} {
		if d, p := parseDate("04/05/2025", order); p != nil || d.day.String() != want {
			t.Errorf("order %d: %v %v", order, d.day, p)
		}
	}
	if d, p := parseDate("25/12/2025", orderMDY); p == nil {
		t.Errorf("month 25 is read as %v", d.day)
	}
}

// dayOf is a shorter way to what the domain says.
func TestDayOf(t *testing.T) {
	for d := incident.NewDay(1899, 1, 1); d < incident.NewDay(2110, 1, 1); d++ {
		y, m, day := d.Date()
		if got := dayOf(y, int(m), day); got != d || !dateExists(y, int(m), day) {
			t.Fatalf("%v: %d, not %d", d, got, d)
		}
	}
}

// decimal reads what strconv reads, to the last bit.
func TestDecimalTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.StringMatching(`[-+]?[0-9]{0,4}\.?[0-9]{0,16}`), rapid.StringMatching(`-?[0-9]{1,3}\.[0-9]{1,7}(e-?[0-9])?`)).Draw(t, "number")
		want, err := strconv.ParseFloat(s, 64)
		if got, ok := decimal(s); ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%q: %v %v, strconv says %v %v", s, got, ok, want, err)
		}
	})
	for _, s := range []string{"", ".", "-", "NaN", "inf", "0x1p4", "1_0", "1e", "1.2.3", "--1"} {
		if f, ok := decimal(s); ok {
			t.Errorf("%q is read as %v", s, f)
		}
	}
}

// What encoding/csv reads, records reads alike.
func TestRecordsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "columns")
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.StringMatching(`[a-z ,";\n]{0,8}|\p{L}{0,4}`), n, n), 1, 20).Draw(t, "rows")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		if err := w.WriteAll(rows); err != nil {
			t.Fatal(err)
		}
		want, err := csv.NewReader(bytes.NewReader(b.Bytes())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		want = slices.DeleteFunc(want, func(row []string) bool { return strings.Join(row, "") == "" }) // lines of separators are no records
		if len(want) == 0 {
			want = nil
		}
		s := newRecords(&stutter{r: bytes.NewReader(b.Bytes())}, dialect{',', '\n', '"'})
		s.buf = make([]byte, 8) // so that every edge is met
		s.want = n
		var got [][]string
		for {
			problem, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if problem != nil {
				t.Fatalf("%q: %+v", b.String(), problem)
			}
			row := make([]string, len(s.fields))
			for i, f := range s.fields {
				row[i] = strings.ReplaceAll(f, "\r\n", "\n") // encoding/csv does that to texts
			}
			got = append(got, row)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%q\n%s", b.String(), d)
		}
	})
}

// stutter reads a few bytes at a time.
type stutter struct{ r io.Reader }

func (s *stutter) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 3)]) }

// laws hold for whatever file is opened.
func laws(t *testing.T, data []byte, opt Options) {
	opt.File = "fuzz"
	r, err := Open(bytes.NewReader(data), opt)
	if err != nil {
		if incident.CodeOf(err) != incident.CodeInvalid {
			t.Fatalf("code %s: %v", incident.CodeOf(err), err)
		}
		return
	}
	line := 0
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			if incident.CodeOf(err) != incident.CodeInvalid {
				t.Fatalf("code %s: %v", incident.CodeOf(err), err)
			}
			return
		}
		if row.Line <= line {
			t.Fatalf("line %d follows line %d", row.Line, line)
		}
		line = row.Line
		in := &row.Incident
		switch {
		case row.Rejected != nil:
			if row.Rejected.Code == "" || row.Rejected.Reason == "" || row.Rejected.Line != line {
				t.Fatalf("%+v", row.Rejected)
			}
		case in.ID == "" || in.SourceID == "" || in.Start > in.End || in.Start < firstDay || in.TimePrecision == "" ||
			in.Best.N < 0 || in.HasPoint && !boundOf(-180, -90, 180, 90).Contains(in.Point):
			t.Fatalf("%+v", in)
		}
	}
}

func fuzz(f *testing.F, ext string, opt Options, more ...string) {
	files, err := filepath.Glob("testdata/*" + ext)
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range more {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { laws(t, data, opt) })
}

func FuzzTable(f *testing.F) {
	fuzz(f, "table.csv", Options{Format: FormatTable}, "id,date\n1,\"\n2,2020-01-01\n", "date\r2020-01-01\r", "date;x\n\"a\"b;\n", "\"date\n\",x\n1,2\n", "date,\n,\n")
}

func FuzzGED(f *testing.F) { fuzz(f, "ged*.csv", Options{Format: FormatGED}) }

func FuzzACLED(f *testing.F) { fuzz(f, "acled*.csv", Options{Format: FormatACLED}) }

func FuzzGeoJSON(f *testing.F) {
	fuzz(f, ".geojson", Options{Format: FormatGeoJSON}, `{"features":[1,{},{"type":"Feature","properties":[]}]}`, `{"features":[{"type":"Feature","geometry":{"type":"Point","coordinates":["1",2]},"properties":{"date":1}}]}`)
}

func FuzzAuto(f *testing.F) { fuzz(f, "*", Options{}) }

func FuzzMapping(f *testing.F) {
	f.Add([]byte("fields: {date: D, lat: {column: a, values: {b: c}}}"))
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ReadMapping(bytes.NewReader(data)); err == nil && m == nil {
			t.Fatal("neither a mapping nor an error")
		}
	})
}
