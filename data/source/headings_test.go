package source

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTwoHeadings holds that no heading wins over another that means the same.
func TestTwoHeadings(t *testing.T) {
	for name, c := range map[string]struct{ file, text, mapping, want string }{
		"dates":            {"a.csv", "id,date,event_date\na,2020-01-02,2020-01-03\n", "", `"event_date" and "date"`},
		"deaths":           {"a.csv", "id,date,Killed,Deaths\na,2020-01-02,1,2\n", "", `"Killed" and "Deaths"`},
		"mapped":           {"a.csv", "id,date,Killed,Deaths\na,2020-01-02,1,2\n", "fields: {fatalities: deaths}", ""},
		"others mapped":    {"a.csv", "id,date,Killed,Deaths\na,2020-01-02,1,2\n", "fields: {date: date}", `"Killed" and "Deaths"`},
		"summary, notes":   {"a.csv", "id,date,summary,notes\na,2020-01-02,x,y\n", "", ""},
		"killed, wounded":  {"a.csv", "id,date,killed,casualties\na,2020-01-02,2,9\n", "", ""},
		"objects":          {"a.json", `[{"date":"2020-01-02","killed":1,"deaths":2}]`, "", `"killed" and "deaths"`},
		"features":         {"a.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"date":"2020-01-02","event_date":"2020-01-03"}}]}`, "", `"date" and "event_date"`},
		"mapped features":  {"a.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"date":"2020-01-02","event_date":"2020-01-03","killed":2}}]}`, "fields: {date: date}", ""},
		"ACLED and others": {"a.csv", "event_id_cnty,event_date,date,fatalities,deaths\na,2020-01-02,x,2,x\n", "", ""},
	} {
		opt := Options{File: c.file}
		if c.mapping != "" {
			m, err := ReadMapping(strings.NewReader(c.mapping))
			if err != nil {
				t.Fatal(err)
			}
			opt.Mapping = m
		}
		r, err := Open(strings.NewReader(c.text), opt)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want one that names %s", name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		row, err := r.Next()
		if err != nil || row.Rejected != nil {
			t.Errorf("%s: %v %+v", name, err, row)
		} else if b := row.Incident.Best; b.Known && b.N != 2 {
			t.Errorf("%s: %d killed, want 2", name, b.N)
		}
	}
}

func TestHXLDeathsAndPoints(t *testing.T) {
	const head = "a,b,c,d\n"
	for name, c := range map[string]struct {
		tags, row string
		best      int
		point     [2]float64
		unread    []string
	}{
		"a point":        {"#date,#affected+killed,#geo+coord,#x", `2020-01-02,3,"34.1, 71.2",x`, 3, [2]float64{71.2, 34.1}, []string{"d"}},
		"point and lat":  {"#date,#geo+lat,#geo+lon,#geo+coord", `2020-01-02,34,71,"1, 2"`, -1, [2]float64{71, 34}, []string{"d"}},
		"parts":          {"#date,#affected+killed+f,#affected+killed+m,#affected+killed+children", "2020-01-02,1,2,3", -1, [2]float64{}, []string{"b", "c", "d"}},
		"parts and all":  {"#date,#affected+killed+f,#affected+killed+ind+en,#affected+injured", "2020-01-02,1,2,3", 2, [2]float64{}, []string{"b", "d"}},
		"households":     {"#date,#affected+killed+hh,#affected,#x", "2020-01-02,1,2,3", -1, [2]float64{}, []string{"b", "c", "d"}},
		"twice the same": {"#date,#affected+killed,#affected+killed,#x", "2020-01-02,1,2,3", -1, [2]float64{}, []string{"b", "c", "d"}},
	} {
		r, err := Open(strings.NewReader(head+c.tags+"\n"+c.row+"\n"), Options{File: "a.csv"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.unread, r.Unread()); diff != "" {
			t.Errorf("%s: unread %s", name, diff)
		}
		row, err := r.Next()
		if err != nil || row.Rejected != nil {
			t.Errorf("%s: %v %+v", name, err, row.Rejected)
			continue
		}
		best := -1
		if row.Incident.Best.Known {
			best = row.Incident.Best.N
		}
		if best != c.best || row.Incident.Point != c.point {
			t.Errorf("%s: %d killed at %v, want %d at %v", name, best, row.Incident.Point, c.best, c.point)
		}
	}
}

// TestMappingWithoutFields holds that a mapping may say nothing of the columns.
func TestMappingWithoutFields(t *testing.T) {
	m, err := ReadMapping(strings.NewReader("sheet: More\ndataset: {name: mine}\ndates: dmy"))
	if err != nil {
		t.Fatal(err)
	}
	got, r := outcome(t, sheets(t, "Data", "date 2020-01-02", "More", "date 04/05/2020 05/05/2020"), Options{File: "a.xlsx", Mapping: m})
	if len(got) != 2 || r.Dataset().Name != "mine" || r.Notes() != nil {
		t.Errorf("%v %+v %q", got, r.Dataset(), r.Notes())
	}
	// The layout is recognised as without it.
	m, err = ReadMapping(strings.NewReader("dataset: {version: '7'}"))
	if err != nil {
		t.Fatal(err)
	}
	r, err = Open(strings.NewReader("event_id_cnty,event_date,time_precision,geo_precision\na,02 January 2020,2,1\n"), Options{File: "a.csv", Mapping: m})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next()
	if d := r.Dataset(); err != nil || row.Rejected != nil || r.Layout() != FormatACLED || d.Name != "acled" || !d.AggregatesOnly || d.Version != "7" || row.Incident.TimePrecision != "week" {
		t.Errorf("%v %+v %s %+v", err, row, r.Layout(), d)
	}
	if _, err = r.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// TestRowIdentity holds that a row without an id stays the same if its columns change places.
func TestRowIdentity(t *testing.T) {
	ids := map[string]bool{}
	for _, text := range []string{"date,notes,place\n2020-01-02,x,y\n", "place,date,notes\ny,2020-01-02,x\n", "Place,Date,Notes,more\n y ,2020-01-02,x,\n"} {
		r, err := Open(strings.NewReader(text), Options{File: "a.csv"})
		if err != nil {
			t.Fatal(err)
		}
		row, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		ids[row.Incident.SourceID] = true
	}
	if len(ids) != 1 {
		t.Errorf("ids %v, want one", ids)
	}
	r, err := Open(strings.NewReader("date,notes,place\n2020-01-02,y,x\n"), Options{File: "a.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if row, err := r.Next(); err != nil || ids[row.Incident.SourceID] {
		t.Errorf("%v: the same id for other content", err)
	}
}
