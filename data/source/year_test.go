package source

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestYearMismatch(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"event_id_cnty,event_date,year,event_type\nPAK1,12 October 2025,2025,Battles\nPAK2,12 October 2025,2024,Battles\nPAK3,12 October 2025,,Battles\n", 1},
		{"id,date_start,date_end,type_of_violence,year\n1,2020-12-30,2021-01-02,1,2021\n2,2020-12-30,2021-01-02,1,2020\n3,2020-12-30,2021-01-02,1,2019\n", 1},
		{"id,date,year\n1,2020-12-30,1999\n", 0}, // of any table nobody knows what its year is
	} {
		r, err := Open(strings.NewReader(c.text), Options{File: "f.csv"})
		if err != nil {
			t.Fatal(err)
		}
		if got := mismatches(t, r); got != c.want {
			t.Errorf("%d warnings, want %d: %s", got, c.want, c.text)
		}
	}
	f, err := os.Open("../../../shared/data/ucdp_ged_pakistan_1989-2021.csv")
	if err != nil {
		t.Skip("the file of UCDP is not beside this checkout")
	}
	defer f.Close()
	r, err := Open(f, Options{File: "ged.csv"})
	if err != nil {
		t.Fatal(err)
	}
	if got := mismatches(t, r); got != 0 {
		t.Errorf("%d rows of UCDP's own file are warned of", got)
	}
}

func mismatches(t *testing.T, r Reader) (n int) {
	t.Helper()
	for {
		row, err := r.Next()
		if err != nil {
			return n
		}
		if slices.Contains(row.Incident.Warnings, WarnYearMismatch) {
			n++
			if is := row.Issues[len(row.Issues)-1]; is.Code != WarnYearMismatch || is.Column != "year" || is.Line == 0 {
				t.Errorf("%+v", is)
			}
		}
	}
}
