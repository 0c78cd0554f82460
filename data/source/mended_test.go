package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

// rejectsOf writes the refused rows of a file as a load does, and gives the columns and rows.
func rejectsOf(t *testing.T, name, text string) [][]string {
	t.Helper()
	r, err := Open(strings.NewReader(text), Options{File: name})
	if err != nil {
		t.Fatal(err)
	}
	out := [][]string{append(RejectColumns(), r.Columns()...)}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if is := row.Rejected; is != nil {
			out = append(out, append([]string{name, strconv.Itoa(is.Line), is.Column, is.Value, is.Code, is.Reason}, row.Raw...))
		}
	}
}

// again loads refused rows and gives the code of the first, or its incident.
func again(t *testing.T, rows [][]string) *Row {
	t.Helper()
	var b bytes.Buffer
	if err := csv.NewWriter(&b).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	r, err := Open(&b, Options{File: "rejects.csv"})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if u := r.Unread(); u != nil {
		t.Errorf("unread %q", u)
	}
	return row
}

// TestMended holds that what could not be taken apart is refused again as it
// is, and taken when it is mended.
func TestMended(t *testing.T) {
	long := strings.Repeat("x", 1000)
	feature := func(geometry string) string {
		return `{"type":"Feature","id":"b","geometry":` + geometry + `,"properties":{"date":"2020-01-02","fatalities":3}}`
	}
	point := `{"type":"Point","coordinates":[71.2,34.1]}`
	for name, c := range map[string]struct {
		file, text, code string
		column           string // that is mended
		from, to         string
		lon              float64
	}{
		"a line of JSON": {"a.ndjson", `{"id":"a","date":"2020-01-02","fatalities":1,"notes":""}` + "\n" + `{"id":"b","date":"2020-01-02","fatalities":3 "notes":"` + long + `"}` + "\n",
			CodeBadJSON, "record", `3 "`, `3, "`, 0},
		"JSON with bytes": {"a.ndjson", `{"id":"a","date":"2020-01-02","fatalities":1,"notes":"é"}` + "\n" + `{"id":"b","date":"2020-01-02","fatalities":3,"notes":"Caf` + "\xe9" + `"}` + "\n",
			CodeBadEncoding, "record", "\ufffd\\xe9", "é", 0},
		"a line": {"a.geojson", `{"type":"FeatureCollection","features":[` + feature(point) + "," + feature(`{"type":"LineString","coordinates":[[71,34],[72,35]]}`) + `]}`,
			CodeBadGeometry, "geometry", `"LineString","coordinates":[[71,34],[72,35]]`, `"Point","coordinates":[71,34]`, 71},
		"a broken feature": {"a.geojsonl", feature(point) + "\n" + strings.Replace(feature(point), "3}", "3,}", 1) + "\n", CodeBadJSON, "record", "3,}", "3}", 71.2},
		"a byte":           {"a.csv", "id,date,fatalities,notes,geometry\na,2020-01-02,1,éééé,\nb,2020-01-02,3,Caf\xe9 \xff,x\n", CodeBadEncoding, "notes", "\ufffd\\xe9 \ufffd\\xff", "Café", 0},
	} {
		rows := rejectsOf(t, c.file, c.text)
		if len(rows) != 2 {
			t.Errorf("%s: %d rows", name, len(rows)-1)
			continue
		}
		if row := again(t, rows); row.Rejected == nil || row.Rejected.Code != c.code {
			t.Errorf("%s: not mended: %+v, want %s", name, row.Rejected, c.code)
		}
		done := 0
		for i, column := range rows[0] {
			if i >= len(rejectColumns) && column == c.column {
				if !strings.Contains(rows[1][i], c.from) {
					t.Errorf("%s: %s holds %q and not %q", name, column, rows[1][i], c.from)
				}
				rows[1][i] = strings.Replace(rows[1][i], c.from, c.to, 1)
				done++
			}
		}
		row := again(t, rows)
		if in := row.Incident; done != 1 || row.Rejected != nil || in.SourceID != "b" || in.Best.N != 3 || in.Point[0] != c.lon {
			t.Errorf("%s: mended in %d columns: %+v %+v", name, done, row.Rejected, in)
		}
	}
}
