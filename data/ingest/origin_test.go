package ingest

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sarhad/data/gpkg"
	"sarhad/data/source"
	"sarhad/incident"
)

// Mended rows go where the others of their file are, read as those were.
func TestOrigin(t *testing.T) {
	const mapping = "dates: dmy\nfields:\n  date: {column: Tag}\n  summary: {column: Text}\n"
	st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "s.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	// load gives the report and the refused rows.
	load := func(text, file, dataset, mapping string) (Report, string, error) {
		t.Helper()
		opt := source.Options{File: file, Dataset: dataset}
		if mapping != "" {
			if opt.Mapping, err = source.ReadMapping(strings.NewReader(mapping)); err != nil {
				t.Fatal(err)
			}
		}
		origin := FindOrigin(t.Context(), st, &opt)
		src, err := source.Open(strings.NewReader(text), opt)
		if err != nil {
			return Report{}, "", err
		}
		var rejects bytes.Buffer
		r, err := Run(t.Context(), Options{Source: src, File: file, Store: st, Mapping: mapping, Origin: origin, Rejects: &rejects})
		balanced(t, r)
		return r, rejects.String(), err
	}
	r, refused, err := load("Tag;Text\n1.2.2025;a\n32.1.2025;b\n33.1.2025;c\n", "-tat.csv", "foo", mapping)
	if err != nil || r.Dataset != "foo" || r.New != 1 || r.Rejected != 2 || r.Origin != nil {
		t.Fatalf("%v %+v", err, r)
	}
	// Nothing is said: the dataset and the mapping are those of the import, also when only half is mended.
	mend := strings.NewReplacer(",32.1.2025,b", ",3.2.2025,b")
	r, again, err := load(mend.Replace(refused), "r.csv", "", "")
	if err != nil || r.Dataset != "foo" || r.New != 1 || r.Rejected != 1 || r.Origin == nil || *r.Origin != (Origin{1, "-tat.csv", "foo", true, mapping}) {
		t.Fatalf("%v %+v %+v", err, r, r.Origin)
	}
	r, _, err = load(strings.ReplaceAll(again, ",33.1.2025,c", ",4.2.2025,c"), "r2.csv", "", "")
	if err != nil || r.Dataset != "foo" || r.New != 1 || r.Rejected != 0 || r.Origin == nil || r.Origin.Import != 2 {
		t.Fatalf("%v %+v %+v", err, r, r.Origin)
	}
	list, err := st.Imports(t.Context(), "foo")
	if err != nil || len(list) != 3 || slices.ContainsFunc(list, func(i incident.ImportInfo) bool { return i.Mapping != mapping }) {
		t.Errorf("%v %+v", err, list)
	}
	// The dataset is said: that goes before.
	if r, _, err = load(strings.Replace(refused, ",32.1.2025,b", ",2025-02-03,b", 1), "r.csv", "bar", mapping); err != nil || r.Dataset != "bar" || r.Origin != nil {
		t.Errorf("%v %+v", err, r)
	}
	// A file of the same name in another dataset, of which nothing was refused, is not in the way; another is.
	if _, _, err = load("Tag;Text\n1.2.2025;a\n", "-tat.csv", "baz", mapping); err != nil {
		t.Fatal(err)
	}
	if r, _, err = load(refused, "r.csv", "", ""); err != nil || r.Dataset != "foo" {
		t.Errorf("%v %+v", err, r)
	}
	if _, _, err = load("Tag;Text\n1.22.2025;a\n", "-tat.csv", "qux", mapping); err != nil {
		t.Fatal(err)
	}
	_, _, err = load(refused, "r.csv", "", "")
	if incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), "(foo, qux): say which one with --dataset") {
		t.Errorf("ambiguous: %v", err)
	}
	if r, _, err = load(refused, "r.csv", "qux", ""); err != nil || r.Dataset != "qux" || r.Origin == nil || !r.Origin.Mapped || r.Rejected != 2 {
		t.Errorf("%v %+v", err, r)
	}
	// Nothing is known of the file.
	if r, _, err = load("file,line,column,value,code,reason,date\nother.csv,2,date,x,bad_date,y,2025-01-01\n", "r.csv", "", ""); err != nil || r.Dataset != "other" || r.Origin != nil {
		t.Errorf("%v %+v", err, r)
	}
}
