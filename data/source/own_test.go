package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"sarhad/incident"
)

// ownRow writes a row of an export, where only some columns are filled.
func ownRow(values map[string]string) string {
	fields := make([]string, len(ownNames))
	for i, n := range ownNames {
		v := values[n]
		switch {
		case v == "" && n == "dataset":
			v = "one"
		case v == "" && n == "start_date" || v == "" && n == "end_date":
			v = "2020-01-02"
		}
		fields[i] = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
	}
	return strings.Join(fields, ",") + "\r\n"
}

var ownHeader = strings.Join(ownNames, ",") + "\r\n"

func readOwn(t *testing.T, text string, opt Options) (r Reader, rows []Row) {
	t.Helper()
	r, err := Open(strings.NewReader(text), opt)
	if err != nil {
		t.Fatal(err)
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r, rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, *row)
	}
}

func TestOwnIsReadToTheLetter(t *testing.T) {
	values := map[string]string{"source_id": " 1 ", "summary": "'=1+1", "actor1": "'plain", "location_name": " x\n", "assoc_actors": `["a;b",""]`, "candidates": "u1; u2", "province": "Anything",
		"district": "Here", "pcode": "P1", "district_then": "Then", "border_km_min": "0", "border_km_max": "2.5", "border_side": "unknown", "sub_event_type": "Attack", "place_kind": "circle", "place_radius_m": "0"}
	_, rows := readOwn(t, ownHeader+ownRow(values), Options{File: "x.csv"})
	if len(rows) != 1 || rows[0].Rejected != nil {
		t.Fatalf("%+v", rows)
	}
	in := &rows[0].Incident
	if in.SourceID != " 1 " || in.Summary != "=1+1" || in.Actor1 != "'plain" || in.LocationName != " x\n" || !slices.Equal(in.AssocActors, []string{"a;b", ""}) || !slices.Equal(in.Candidates, []string{"u1", "u2"}) {
		t.Errorf("%+v", in)
	}
	if in.Province != "Anything" || in.District != "Here" || in.PCode != "P1" || in.DistrictThen != "Then" || in.Border != (incident.BorderDistance{Known: true, MaxKM: 2.5, Side: incident.SideUnknown}) {
		t.Errorf("%+v", in)
	}
	if in.EventType != "" || in.SubEventType != "Attack" || in.Verification != "" || in.TimePrecision != "" || in.LocationPrecision != "" {
		t.Errorf("something is inferred: %+v", in)
	}
	if rows[0].Raw[slices.Index(ownNames, "summary")] != "'=1+1" {
		t.Error("the row for a file of refused rows is not as it stands in the file")
	}
	// A table that lacks one of the columns is any table.
	short := strings.Replace(ownHeader, "candidates,", "candidate_list,", 1)
	_, rows = readOwn(t, short+ownRow(values), Options{File: "x.csv"})
	if in := &rows[0].Incident; in.SourceID != "1" || in.Summary != "'=1+1" || in.Verification != incident.Unverified || in.PCode != "" {
		t.Errorf("%+v", in)
	}
}

// What somebody changed in an export is judged as in any table.
func TestOwnIsChecked(t *testing.T) {
	for column, c := range map[string]struct{ value, code string }{
		"border_km_min": {"near", CodeBadNumber}, "start_date": {"2020-02-31", CodeBadDate}, "fatalities_best": {"many", CodeBadNumber}, "verification": {"sure", CodeBadValue},
		"claims": {"[", CodeBadValue}, "assoc_actors": {"[", CodeBadValue}, "time": {"noon", CodeBadDate}, "place_radius_m": {"-1", CodeBadNumber}, "type_of_violence": {"4", CodeBadValue},
	} {
		_, rows := readOwn(t, ownHeader+ownRow(map[string]string{"source_id": "1", column: c.value}), Options{File: "x.csv"})
		if is := rows[0].Rejected; is == nil || is.Code != c.code || is.Column != column {
			t.Errorf("%s %q: %+v, want %s", column, c.value, is, c.code)
		}
	}
	_, rows := readOwn(t, ownHeader+ownRow(map[string]string{"source_id": "1", "event_type": "Shoot-out"}), Options{File: "x.csv"})
	if in := &rows[0].Incident; in.EventTypeText != "Shoot-out" || in.EventType != "" || !slices.Contains(in.Warnings, WarnUnknownEventType) {
		t.Errorf("%+v", in)
	}
}

// Of several datasets one is read; the rest is named, however many rows that is.
func TestSeveralDatasets(t *testing.T) {
	var b strings.Builder
	b.WriteString(ownHeader)
	b.WriteString(ownRow(map[string]string{"source_id": "1"}))
	for i := range 3000 {
		b.WriteString(ownRow(map[string]string{"source_id": fmt.Sprint(i), "dataset": "two"}))
	}
	b.WriteString(ownRow(map[string]string{"source_id": "2"}))
	b.WriteString(ownRow(map[string]string{"source_id": "1", "dataset": "three"}))
	of := &Several{}
	if r, rows := readOwn(t, b.String(), Options{File: "x.csv", Several: of}); len(rows) != 2 || r.Dataset().Name != "one" || !slices.Equal(of.Others, []string{"two", "three"}) {
		t.Errorf("%d rows of %s, others %v", len(rows), r.Dataset().Name, of.Others)
	}
	if r, rows := readOwn(t, b.String(), Options{File: "x.csv", Several: &Several{Want: "three"}}); len(rows) != 1 || rows[0].Incident.Dataset != "three" || r.Dataset().Name != "three" {
		t.Errorf("%d rows of %s", len(rows), r.Dataset().Name)
	}
	_, rows := readOwn(t, b.String(), Options{File: "x.csv"})
	refused := 0
	for i := range rows {
		if is := rows[i].Rejected; is != nil && is.Code == CodeOtherDataset {
			refused++
		}
	}
	if len(rows) != 3003 || refused != 3001 {
		t.Errorf("without asking for it %d of %d rows are refused", refused, len(rows))
	}
	if _, rows := readOwn(t, b.String(), Options{File: "x.csv", Dataset: "mine", Several: &Several{}}); len(rows) != 3003 || rows[5].Incident.Dataset != "mine" {
		t.Errorf("as one dataset: %d rows", len(rows))
	}
}
