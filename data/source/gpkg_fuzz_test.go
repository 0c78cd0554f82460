package source

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"sarhad/incident"
)

// smallGeoPackage is a layer of two points in pages of 512 bytes, so that fuzzing reaches all of them.
func smallGeoPackage(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "f.gpkg")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		tb.Fatal(err)
	}
	_, err = db.Exec(`PRAGMA page_size = 512; PRAGMA application_id = 1196444487;
		CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, srs_id INTEGER);
		CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER, z INTEGER, m INTEGER);
		CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT, organization_coordsys_id INTEGER, definition TEXT);
		CREATE TABLE f (fid INTEGER PRIMARY KEY, geom POINT, id TEXT, event_date TEXT, event_type TEXT, fatalities INTEGER);
		INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, '');
		INSERT INTO gpkg_contents VALUES ('f', 'features', 4326);
		INSERT INTO gpkg_geometry_columns VALUES ('f', 'geom', 'POINT', 4326, 0, 0);
		INSERT INTO f VALUES (1, x'47500001e61000000101000000000000000000c051400000000000004140', 'a', '2020-01-02', 'Battles', 3), (2, NULL, 'b', '2020-01-03', NULL, NULL)`)
	if err = errors.Join(err, db.Close()); err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// A layer whose table lacks the column of its geometry keeps all other columns in their places.
func TestGeoPackageWithoutItsGeometry(t *testing.T) {
	text := bytes.Replace(smallGeoPackage(t), []byte("fid INTEGER PRIMARY KEY, geom POINT"), []byte("fid INTEGER PRIMARY KEY, geok POINT"), 1)
	if rows, err := readGeoPackage(t, text, true); rows != 2 || !errors.Is(err, io.EOF) {
		t.Fatalf("%d rows, %v", rows, err)
	}
}

// FuzzGeoPackage reads a whole file, from its path and as a stream.
func FuzzGeoPackage(f *testing.F) {
	seed := smallGeoPackage(f)
	if rows, err := readGeoPackage(f, seed, true); rows != 2 || !errors.Is(err, io.EOF) {
		f.Fatalf("the seed has %d rows: %v", rows, err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := readGeoPackage(t, text, true)
		if !errors.Is(err, io.EOF) && incident.CodeOf(err) != incident.CodeInvalid {
			t.Fatalf("%v", err)
		}
		if again, _ := readGeoPackage(t, text, false); again != rows {
			t.Fatalf("%d rows from the path, %d from the stream", rows, again)
		}
	})
}

func readGeoPackage(tb testing.TB, text []byte, onDisk bool) (rows int, err error) {
	tb.Helper()
	opt, r := Options{File: "f.gpkg"}, io.Reader(bytes.NewReader(text))
	if onDisk {
		opt.Path = filepath.Join(tb.TempDir(), "f.gpkg")
		if err := os.WriteFile(opt.Path, text, 0o600); err != nil {
			tb.Fatal(err)
		}
		file, err := os.Open(opt.Path)
		if err != nil {
			tb.Fatal(err)
		}
		defer file.Close()
		r = file
	}
	rd, err := Open(r, opt)
	for err == nil {
		if _, err = rd.Next(); err == nil { // a row, taken or refused
			if rows++; rows > 1<<20 {
				tb.Fatal("it does not end")
			}
		}
	}
	return rows, err
}
