package source_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"sarhad/data/gpkg"
	"sarhad/data/source"
	"sarhad/data/storetest"
	"sarhad/incident"
)

func read(tb testing.TB, r source.Reader) (rows []source.Row) {
	tb.Helper()
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			tb.Fatal(err)
		}
		rows = append(rows, *row)
	}
}

// A GeoPackage that Sarhad wrote gives the same incidents again, from its path and as a stream.
func TestOwnGeoPackage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?#%41.gpkg") // the path goes into a URI
	st, err := gpkg.Open(t.Context(), path, gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []incident.Incident
	for i, in := range storetest.Plain(200, 7) {
		in.Dataset, in.SourceID = "mine", fmt.Sprint("s", i)
		in.ID = incident.ID(in.Dataset, in.SourceID)
		in.Synthetic = false
		in.Start = max(in.Start, incident.NewDay(1950, 1, 1))
		in.End = max(in.Start, in.End)
		in.TimePrecision, in.Verification, in.EventClass = incident.TimeDay, incident.Disputed, incident.ClassOf(in.EventType)
		in.Country, in.Province, in.District = "PK", "A province", "A district"
		in.Time = ""
		switch i % 4 {
		case 0:
			in.AssocActors, in.EventTypeText = []string{"Green; Group", "Red"}, "words"
			in.DeathsA, in.DeathsUnknown = incident.Known(0), incident.Known(3)
			in.Sources = []incident.Source{{Publisher: "Made-up Agency", Title: "Invented; \"x\"", URL: "https://example.org/", IsParty: true}}
			in.Claims = []incident.Claim{{Quantity: "killed", Best: incident.Known(2), Claimant: "Blue", Source: 0}, {Quantity: "killed", Source: -1}}
		case 1:
			in.HasPoint, in.Point = false, [2]float64{}
			in.LocationPrecision = incident.LocDistrict
			in.Place = incident.Place{Kind: "units", Units: []string{"pk-kp-kurram", "pk-kp-khyber"}}
			in.Candidates, in.Warnings = []string{"pk-kp-kurram"}, []string{"district_mismatch"}
			in.UnitThen, in.Subunit = "pk-fata", "x"
		case 2:
			in.End = in.Start + 3
			in.TimePrecision = incident.TimeRange
			in.Summary = "ایک 🎈\nline"
		}
		if in.HasPoint && in.LocationPrecision == "" {
			in.LocationPrecision = incident.LocNear
		}
		all = append(all, in)
	}
	storetest.Load(t, st, incident.Import{Dataset: incident.Dataset{Name: "mine", Title: "My list", Licence: "CC BY 4.0", Terms: "Kind.", AggregatesOnly: true}, File: "x.csv"}, 100, all)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]source.Options{"path": {Path: path}, "stream": {}} {
		t.Run(name, func(t *testing.T) {
			opt.File = "a.gpkg"
			r, err := source.Open(bytes.NewReader(text), opt)
			if err != nil {
				t.Fatal(err)
			}
			if d := r.Dataset(); r.Layout() != source.FormatGPKG || d.Name != "mine" || d.Title != "My list" || d.Licence != "CC BY 4.0" || d.Terms != "Kind." || !d.AggregatesOnly {
				t.Errorf("layout %s, dataset %+v", r.Layout(), d)
			}
			rows := read(t, r)
			if len(rows) != len(all) {
				t.Fatalf("%d rows of %d", len(rows), len(all))
			}
			for i, row := range rows {
				if row.Rejected != nil {
					t.Fatalf("%+v", row.Rejected)
				}
				got, want := row.Incident, all[i]
				got.Province, got.District = row.Adm1, row.Adm2
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(incident.Incident{}, "FID", "File", "Line", "Border", "PCode", "DistrictThen")); d != "" {
					t.Fatalf("row %d: %s", i, d)
				}
			}
			if left, _ := filepath.Glob(path + "-*"); len(left) > 0 {
				t.Errorf("reading leaves %v", left)
			}
		})
	}
}

// A layer that another program wrote.
func TestOtherGeoPackages(t *testing.T) {
	const point = "x'4750000100000000" + "0101000000" + "0000000000C05140" + "0000000000004140'" // 71 34
	const line = "x'4750000100000000" + "0102000000" + "00000000'"
	for name, c := range map[string]struct{ sql, sheet, want string }{
		"points":     {"CREATE TABLE p (fid INTEGER PRIMARY KEY, geom POINT, id TEXT, date DATE, fatalities INT); INSERT INTO p VALUES (3, " + point + ", 'a', '2020-01-01', 2), (5, NULL, 'b', '2020-01-02', NULL), (6, " + line + ", 'c', '2020-01-03', NULL), (7, x'00', 'd', '2020-01-04', 0)", "", "3 a [71 34]|5 b [0 0]|6 bad_geometry|7 bad_geometry"},
		"no date":    {"CREATE TABLE p (fid INTEGER PRIMARY KEY, geom POINT, id TEXT)", "", "no column for the date"},
		"projected":  {"CREATE TABLE p (fid INTEGER PRIMARY KEY, geom POINT, date DATE); UPDATE gpkg_geometry_columns SET srs_id = 32642", "", "reference system"},
		"no layer":   {"DELETE FROM gpkg_contents", "", "no layer of features"},
		"no package": {"DROP TABLE gpkg_contents", "", "no GeoPackage"},
		"two layers": {"INSERT INTO gpkg_contents VALUES ('q', 'features'); INSERT INTO gpkg_geometry_columns VALUES ('q', 'g', 4326)", "", "several layers"},
		"sheet":      {"CREATE TABLE q (fid INTEGER PRIMARY KEY, g POINT, date TEXT, id TEXT); INSERT INTO q VALUES (1, NULL, '2020-01-01', 'x'); INSERT INTO gpkg_contents VALUES ('q', 'features'); INSERT INTO gpkg_geometry_columns VALUES ('q', 'g', 4326)", "Q", "1 x [0 0]"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "o.gpkg")
			db, err := sql.Open("sqlite3", path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Exec("CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT); CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INT);" +
				"CREATE TABLE gpkg_spatial_ref_sys (srs_id INT, organization TEXT, organization_coordsys_id INT); INSERT INTO gpkg_spatial_ref_sys VALUES (32642, 'EPSG', 32642);" +
				"INSERT INTO gpkg_contents VALUES ('p', 'features'); INSERT INTO gpkg_geometry_columns VALUES ('p', 'geom', 4326);" + c.sql); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			opt := source.Options{File: "o.gpkg", Path: path}
			if c.sheet != "" {
				opt.Mapping = &source.Mapping{Sheet: c.sheet}
			}
			r, err := source.Open(f, opt)
			if err != nil {
				if incident.CodeOf(err) != incident.CodeInvalid || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			var got []string
			for _, row := range read(t, r) {
				if row.Rejected != nil {
					got = append(got, fmt.Sprint(row.Line, " ", row.Rejected.Code))
					continue
				}
				got = append(got, fmt.Sprint(row.Line, " ", row.Incident.SourceID, " ", row.Incident.Point))
			}
			if s := strings.Join(got, "|"); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}
