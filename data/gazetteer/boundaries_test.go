package gazetteer

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"
	"github.com/paulmach/orb/planar"

	"sarhad/data/bundle"
	"sarhad/geo"
	"sarhad/incident"
)

func bundled(t testing.TB) []geo.Unit {
	t.Helper()
	units, err := bundle.Units()
	if err != nil {
		t.Fatal(err)
	}
	return units
}

func unitByID(t testing.TB, units []geo.Unit, id string) geo.Unit {
	t.Helper()
	i := slices.IndexFunc(units, func(u geo.Unit) bool { return u.ID == id })
	if i < 0 {
		t.Fatalf("there is no unit %s", id)
	}
	return units[i]
}

// write writes a file into a new folder.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// feat writes a feature with a geometry in GeoJSON and properties in pairs.
func feat(t testing.TB, geometry any, pairs ...string) string {
	t.Helper()
	props := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		props[pairs[i]] = pairs[i+1]
	}
	kind := "MultiPolygon"
	if _, ok := geometry.(orb.Polygon); ok {
		kind = "Polygon"
	}
	b, err := json.Marshal(map[string]any{"type": "Feature", "properties": props, "geometry": map[string]any{"type": kind, "coordinates": geometry}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func collection(features ...string) string {
	return `{"type":"FeatureCollection","features":[` + strings.Join(features, ",") + `]}`
}

// square is a square around a point, clockwise on purpose: it must be turned.
func square(lon, lat, half float64) orb.Polygon {
	return orb.Polygon{{{lon - half, lat - half}, {lon - half, lat + half}, {lon + half, lat + half}, {lon + half, lat - half}, {lon - half, lat - half}}}
}

func TestBoundariesMatchByIDCodeAndName(t *testing.T) {
	units := bundled(t)
	kurram, kech, kabul := unitByID(t, units, "pk-kp-kurram"), unitByID(t, units, "pk-ba-kech"), unitByID(t, units, "af-kab")
	path := write(t, "own.geojson", collection(
		feat(t, kurram.Geometry, "unit_id", "pk-kp-kurram", "name", "Something else"),
		feat(t, square(63, 26, 0.2), "ADM2_PCODE", kech.PCode, "ADM2_EN", "Turbat"),
		feat(t, kabul.Geometry, "shapeName", "KABUL Province", "shapeGroup", "AFG"),
		feat(t, square(71.46, 34.8, 0.1), "NAME_2", "Bajaur  Agency", "NAME_1", "F.A.T.A."),
		feat(t, square(69.2, 34.5, 0.05), "ADM2_EN", "Kabul", "ADM1_EN", "Kabul", "ADM2_PCODE", kabul.PCode+"01"),
		feat(t, square(68, 30, 0.1), "name", "New Place", "country", "Pakistan", "province", "balochistan"),
	))
	b, err := ReadBoundaries(path, units)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, u := range b.Units {
		ids = append(ids, u.ID)
	}
	if want := []string{"pk-kp-kurram", "pk-ba-kech", "af-kab", "pk-kp-bajaur", "af-kabul", "pk-new-place"}; !slices.Equal(ids, want) {
		t.Fatalf("the units are %v, want %v", ids, want)
	}
	if b.Matched != 4 || b.New != 2 || len(b.Left) != len(units)-4 || slices.Contains(b.Left, "af-kab") {
		t.Errorf("matched %d, new %d, left out %d", b.Matched, b.New, len(b.Left))
	}
	if u := b.Units[0]; u.Name != "Kurram" || u.Seat != kurram.Seat || u.NameUR != kurram.NameUR || u.Label != kurram.Label {
		t.Errorf("Kurram did not keep its names and label: %+v", u.Name)
	}
	if u := b.Units[1]; u.Name != "Kech" || !planar.MultiPolygonContains(u.Geometry, u.Label) || u.Geometry[0][0].Orientation() != orb.CCW {
		t.Errorf("Kech: label %v, ring %v", u.Label, u.Geometry)
	}
	if u := b.Units[4]; u.Kind != "district" || u.Country != "AF" || u.Province != "Kabul" {
		t.Errorf("the district of Kabul is %s in %s, %s", u.Kind, u.Province, u.Country)
	}
	if u := b.Units[5]; u.Kind != "district" || u.Country != "PK" || u.Province != "Balochistan" {
		t.Errorf("the new unit is %s in %s, %s", u.Kind, u.Province, u.Country)
	}
	for _, want := range []string{"4 of 111 bundled units matched", "2 new", "107 left out"} {
		if !strings.Contains(b.Summary(), want) {
			t.Errorf("the summary does not say %q: %s", want, b.Summary())
		}
	}
	if b.Attribution() != "Boundaries: own.geojson, given by the operator" || len(b.Hash) != 64 {
		t.Errorf("%q, hash %q", b.Attribution(), b.Hash)
	}
	subs := b.Subunits([]geo.Subunit{{ID: "a", Unit: "pk-ba-kech"}, {ID: "b", Unit: "pk-ba-gwadar"}})
	if len(subs) != 1 || subs[0].ID != "a" {
		t.Errorf("the subunits are %v", subs)
	}
	if _, err := geo.NewIndex(b.Units); err != nil {
		t.Error(err)
	}
	if unitByID(t, units, "pk-ba-kech").Label != kech.Label || len(unitByID(t, units, "pk-ba-kech").Geometry) != len(kech.Geometry) {
		t.Error("a bundled unit was changed")
	}
}

// What the program gives out as units is the same set when it comes back.
func TestBoundariesOfOurOwnUnits(t *testing.T) {
	units := bundled(t)
	for _, columns := range []string{"id", "pcode", "name"} {
		var fs []string
		for _, u := range units {
			props := []string{"country", u.Country, "province", u.Province}
			switch columns {
			case "id":
				props = append(props, "id", u.ID)
			case "pcode":
				if props = append(props, "pcode", u.PCode); u.PCode == "" {
					props = append(props, "name", u.Name)
				}
			case "name":
				props = append(props, "name", u.Name)
			}
			fs = append(fs, feat(t, u.Geometry, props...))
		}
		b, err := ReadBoundaries(write(t, "units.json", collection(fs...)), units)
		if err != nil {
			t.Fatalf("by %s: %v", columns, err)
		}
		if b.Matched != len(units) || b.New != 0 || len(b.Left) != 0 {
			t.Errorf("by %s: %s", columns, b.Summary())
		}
		for i := range b.Units {
			if b.Units[i].ID != units[i].ID {
				t.Errorf("by %s: %s became %s", columns, units[i].ID, b.Units[i].ID)
			}
		}
	}
}

func TestBoundariesThatAreRefused(t *testing.T) {
	units := bundled(t)
	coordinates := func(c string) string {
		return collection(`{"type":"Feature","properties":{"name":"Kech"},"geometry":{"type":"Polygon","coordinates":` + c + `}}`)
	}
	for name, c := range map[string]struct{ text, want string }{
		"not JSON":         {"name,lat,lon\n", "neither a GeoJSON"},
		"cut off":          {collection(feat(t, square(63, 26, 1), "name", "Kech"))[:60], "ends in the middle"},
		"no collection":    {`{"type":"Feature","features":[]}`, "no GeoJSON FeatureCollection"},
		"empty":            {collection(), "no features"},
		"more after it":    {collection(feat(t, square(63, 26, 1), "name", "Kech")) + "x", "follows"},
		"another CRS":      {`{"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::3857"}},` + collection()[1:], "EPSG::3857"},
		"a point":          {collection(`{"type":"Feature","properties":{"name":"Kech"},"geometry":{"type":"Point","coordinates":[63,26]}}`), "feature 1 is a Point"},
		"no geometry":      {collection(`{"type":"Feature","properties":{"name":"Kech"},"geometry":null}`), "feature 1 has no geometry"},
		"no name":          {collection(feat(t, square(63, 26, 1), "area", "5")), "feature 1 has neither a name nor a P-code; its columns are area"},
		"three points":     {coordinates(`[[[63,26],[64,26],[63,26]]]`), "a ring of 3 points"},
		"not closed":       {coordinates(`[[[63,26],[64,26],[64,27],[63,27]]]`), "not closed"},
		"not on earth":     {coordinates(`[[[63,26],[64,26],[64,97],[63,26]]]`), "not on earth"},
		"a null":           {coordinates(`[[[63,26],[null,26],[64,27],[63,26]]]`), "no position"},
		"a null position":  {coordinates(`[[[63,26],null,[64,27],[63,26]]]`), "null"},
		"one number":       {coordinates(`[[[63,26],[64],[64,27],[63,26]]]`), "no position"},
		"no area":          {coordinates(`[[[63,26],[64,26],[63,26],[63,26]]]`), "without an area"},
		"an empty polygon": {coordinates(`[]`), "without a ring"},
		"twice": {collection(feat(t, square(63, 26, 1), "name", "Kech"), feat(t, square(63, 26, 1), "name", "Kech District")),
			"feature 1 (Kech) and feature 2 (Kech District) are both Kech"},
		"elsewhere":       {collection(feat(t, square(10, 50, 1), "name", "Anywhere")), "outside Pakistan and Afghanistan"},
		"between":         {collection(feat(t, square(76.5, 24, 0.2), "name", "Anywhere")), "names no country"},
		"another country": {collection(feat(t, square(60, 30, 1), "name", "Sistan", "country", "IR")), `is in "IR"`},
	} {
		_, err := ReadBoundaries(write(t, "bad.geojson", c.text), units)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.geojson") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
			continue
		}
		if code := incident.CodeOf(err); code != incident.CodeInvalid {
			t.Errorf("%s: the code is %s", name, code)
		}
	}
	if _, err := ReadBoundaries(filepath.Join(t.TempDir(), "none.geojson"), units); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	many := strings.Repeat(feat(t, square(63, 26, 1), "name", "Kech")+",", maxFeatures)
	if _, err := ReadBoundaries(write(t, "many.geojson", collection(many+feat(t, square(63, 26, 1), "name", "Kech"))), units); incident.CodeOf(err) != incident.CodeTooLarge {
		t.Errorf("too many features: %v", err)
	}
}

// A name alone does not make a small or far polygon the unit of that name.
func TestBoundariesOfTheSameNameElsewhere(t *testing.T) {
	units := bundled(t)
	b, err := ReadBoundaries(write(t, "a.geojson", collection(
		feat(t, square(69.2, 34.5, 0.02), "shapeName", "Kabul", "shapeGroup", "AFG"), // a city, not the province
		feat(t, square(71.5, 34, 0.1), "name", "Kech"),                               // far from Kech
	)), units)
	if err != nil {
		t.Fatal(err)
	}
	if b.Matched != 0 || b.Units[0].ID != "af-kabul" || b.Units[1].ID != "pk-kech" {
		t.Errorf("%s: %s, %s", b.Summary(), b.Units[0].ID, b.Units[1].ID)
	}
}

// The Frontier Regions go by the names of districts, and are none of them.
func TestBoundariesOfPartsOfUnits(t *testing.T) {
	units := bundled(t)
	bannu := unitByID(t, units, "pk-kp-bannu")
	part := feat(t, square(bannu.Label[0], bannu.Label[1], 0.03), "name", "FR Bannu", "country", "PK")
	whole := feat(t, bannu.Geometry, "name", "Bannu", "country", "PK")
	same := feat(t, bannu.Geometry, "name", "FR Bannu", "country", "PK")
	for name, c := range map[string]struct {
		features []string
		want     []string
	}{
		"the part alone":         {[]string{part}, []string{"pk-fr-bannu"}},
		"the part first":         {[]string{part, whole}, []string{"pk-fr-bannu", "pk-kp-bannu"}},
		"the part last":          {[]string{whole, part}, []string{"pk-kp-bannu", "pk-fr-bannu"}},
		"a variant of the whole": {[]string{same}, []string{"pk-kp-bannu"}},
		"the name before it":     {[]string{same, whole}, []string{"pk-fr-bannu", "pk-kp-bannu"}},
	} {
		b, err := ReadBoundaries(write(t, "a.geojson", collection(c.features...)), units)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var ids []string
		for _, u := range b.Units {
			ids = append(ids, u.ID)
		}
		if !slices.Equal(ids, c.want) || b.Matched+len(b.Left) != len(units) {
			t.Errorf("%s: %v, want %v; %s", name, ids, c.want, b.Summary())
		}
	}
}

func TestLabelPointIsInside(t *testing.T) {
	shapes := map[string]orb.MultiPolygon{
		"a horseshoe": {{{{0, 0}, {9, 0}, {9, 9}, {8, 9}, {8, 1}, {1, 1}, {1, 9}, {0, 9}, {0, 0}}}},
		"a ring":      {{square(5, 5, 3)[0], square(5, 5, 2)[0]}},
		"two parts":   {square(0, 0, 1), square(9, 9, 2)},
	}
	for name, mp := range shapes {
		if p := labelPoint(mp); !planar.MultiPolygonContains(mp, p) {
			t.Errorf("%s: %v is outside", name, p)
		}
	}
	for _, u := range bundled(t) {
		if p := labelPoint(u.Geometry); !planar.MultiPolygonContains(u.Geometry, p) {
			t.Errorf("%s: %v is outside", u.ID, p)
		}
	}
}

// layer is a table of a GeoPackage in a test.
type layer struct {
	name string
	srs  int
	rows []gpkgRow
}

type gpkgRow struct {
	name, pcode string
	blob        []byte
}

func blobOf(t testing.TB, g orb.Geometry, srs int32) []byte {
	t.Helper()
	b := []byte{'G', 'P', 0, 1, 0, 0, 0, 0}
	binary.LittleEndian.PutUint32(b[4:], uint32(srs))
	raw, err := wkb.Marshal(g, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, raw...)
}

// geoPackage writes one with the tables that a reader needs.
func geoPackage(t testing.TB, layers ...layer) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own file?.gpkg")
	db := sql.OpenDB(connector{"file:" + strings.ReplaceAll(path, "?", "%3f")})
	defer db.Close()
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := db.ExecContext(context.Background(), q, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT);
		CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER);
		CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER);
		INSERT INTO gpkg_spatial_ref_sys VALUES (4326, 'EPSG', 4326), (32642, 'EPSG', 32642)`)
	for _, l := range layers {
		exec(`CREATE TABLE ` + quoteName(l.name) + ` (fid INTEGER PRIMARY KEY, "Geom" BLOB, "ADM2_EN" TEXT, "ADM2_PCODE" TEXT)`)
		exec(`INSERT INTO gpkg_contents VALUES (?, 'features')`, l.name)
		exec(`INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'MULTIPOLYGON', ?)`, l.name, l.srs)
		for _, r := range l.rows {
			exec(`INSERT INTO `+quoteName(l.name)+` ("Geom", "ADM2_EN", "ADM2_PCODE") VALUES (?, ?, ?)`, r.blob, r.name, r.pcode)
		}
	}
	return path
}

func TestBoundariesFromGeoPackage(t *testing.T) {
	units := bundled(t)
	kech, kurram := unitByID(t, units, "pk-ba-kech"), unitByID(t, units, "pk-kp-kurram")
	path := geoPackage(t, layer{`dist"ricts`, 4326, []gpkgRow{{"Turbat", kech.PCode, blobOf(t, square(63, 26, 0.3), 4326)}, {"Kurram", "", blobOf(t, kurram.Geometry, 4326)}}})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadBoundaries(path, units)
	if err != nil {
		t.Fatal(err)
	}
	if b.Matched != 2 || b.New != 0 || b.Units[0].ID != "pk-ba-kech" || b.Units[1].ID != "pk-kp-kurram" {
		t.Errorf("%s: %v, %v", b.Summary(), b.Units[0].ID, b.Units[1].ID)
	}
	if !planar.MultiPolygonContains(b.Units[0].Geometry, orb.Point{63, 26}) || b.File != "own file?.gpkg" {
		t.Errorf("%s: %v", b.File, b.Units[0].Geometry)
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed: %v", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("something was written beside it: %v", entries)
	}
}

func TestGeoPackagesThatAreRefused(t *testing.T) {
	units := bundled(t)
	good := blobOf(t, square(63, 26, 0.3), 4326)
	one := func(blob []byte) string {
		return geoPackage(t, layer{"districts", 4326, []gpkgRow{{"Kech", "", blob}}})
	}
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge[8+5:], math.MaxUint32) // rings
	nan := bytes.Clone(good)
	binary.LittleEndian.PutUint64(nan[8+5+4+4+16:], math.Float64bits(math.NaN()))
	for name, c := range map[string]struct{ path, want string }{
		"several layers":   {geoPackage(t, layer{"adm1", 4326, nil}, layer{"adm2", 4326, nil}), "adm1, adm2"},
		"no layer":         {geoPackage(t), "no layer of features"},
		"another CRS":      {geoPackage(t, layer{"districts", 32642, nil}), "EPSG:32642"},
		"CRS of a feature": {one(blobOf(t, square(63, 26, 0.3), 32642)), "feature 1 is not in EPSG:4326"},
		"no geometry":      {one(nil), "feature 1 has no geometry"},
		"no blob":          {one([]byte("GP")), "none of a GeoPackage"},
		"cut off":          {one(good[:60]), "cannot be read"},
		"huge":             {one(huge), "cannot be read"},
		"not a number":     {one(nan), "not a number"},
		"a point":          {one(blobOf(t, orb.Point{63, 26}, 4326)), "feature 1 is a Point"},
		"broken":           {write(t, "b.gpkg", "SQLite format 3\x00 and then nothing that is one"), "GeoPackage"},
	} {
		if _, err := ReadBoundaries(c.path, units); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	path := one(good)
	if err := os.WriteFile(path+"-wal", []byte("changes"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBoundaries(path, units); err == nil || !strings.Contains(err.Error(), "-wal") {
		t.Errorf("with changes in a log: %v", err)
	}
}

func FuzzGeoJSON(f *testing.F) {
	f.Add(collection(feat(f, square(63, 26, 1), "name", "Kech")))
	f.Add(collection(feat(f, orb.MultiPolygon{square(63, 26, 1), square(66, 26, 1)}, "pcode", "PK203", "country", "PK")))
	f.Add(`{"type":"FeatureCollection","crs":null,"features":[{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[63,26,5],[64,26],[64,27],[63,26,5]]]}}]}`)
	units := bundled(f)
	f.Fuzz(func(t *testing.T, text string) {
		features, err := readGeoJSON(strings.NewReader(text))
		if err != nil {
			return
		}
		b, err := match(features, units, nil)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, u := range b.Units {
			if seen[u.ID] || u.Name == "" || u.Country != "PK" && u.Country != "AF" {
				t.Fatalf("unit %q %q in %q", u.ID, u.Name, u.Country)
			}
			seen[u.ID] = true
			if !(math.Abs(u.Label[0]) <= 180 && math.Abs(u.Label[1]) <= 90) {
				t.Fatalf("the label of %s is %v", u.ID, u.Label)
			}
		}
		if b.Matched+b.New != len(features) || b.Matched+len(b.Left) != len(units) {
			t.Fatal(fmt.Sprint(b.Summary(), len(features)))
		}
	})
}
