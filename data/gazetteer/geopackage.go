package gazetteer

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"
	"github.com/paulmach/orb"
	"github.com/twpayne/go-geom"
	"github.com/twpayne/go-geom/encoding/wkb"
	"github.com/twpayne/go-geom/encoding/wkbcommon"

	"sarhad/incident"
)

// A count in a WKB of a few bytes must not take memory that the blob cannot fill: points of a ring, rings, polygons.
func init() { wkbcommon.MaxGeometryElements = [4]int{0, 1_000_000, 50_000, 50_000} }

// readTime is how long a file may be read: a view in it can be a query without an end.
const readTime = time.Minute

// connector opens one file, read-only and as one that nobody changes.
type connector struct{ dsn string }

func (c connector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(c.dsn)
	if s, ok := conn.(*sqlite3.SQLiteConn); ok {
		s.SetLimit(sqlite3.SQLITE_LIMIT_LENGTH, maxBoundaryBytes)
		s.SetLimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
	}
	return conn, err
}

// readGeoPackage reads the one feature table of a GeoPackage.
func readGeoPackage(path string) (features []feature, err error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// The file is not written to, not even a log beside it; so a log that is there could not be read either.
	if info, err := os.Stat(abs + "-wal"); err == nil && info.Size() > 0 {
		return nil, incident.Errorf(incident.CodeInvalid, "another program has it open or left changes in %s; close it there first", filepath.Base(abs)+"-wal")
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: abs}).EscapedPath(), RawQuery: "mode=ro&immutable=1"}
	db := sql.OpenDB(connector{u.String()})
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(context.Background(), readTime)
	defer cancel()
	for _, pragma := range []string{"trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"} {
		if _, err := db.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
			return nil, brokenFile(err)
		}
	}
	table, column, err := featureTable(ctx, db)
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, "SELECT * FROM "+quoteName(table)+" LIMIT "+strconv.Itoa(maxFeatures+1))
	if err != nil {
		return nil, brokenFile(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, brokenFile(err)
	}
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	vertices := 0
	for rows.Next() {
		if len(features) == maxFeatures {
			return nil, errTooManyFeatures()
		}
		if err := rows.Scan(into...); err != nil {
			return nil, brokenFile(err)
		}
		f := feature{number: len(features) + 1, values: map[string]string{}}
		for i, c := range columns {
			if strings.EqualFold(c, column) {
				blob, ok := values[i].([]byte)
				if !ok {
					return nil, featureError(f.number, "has no geometry")
				}
				if f.geometry, err = readBlob(f.number, blob, &vertices); err != nil {
					return nil, err
				}
				continue
			}
			switch v := values[i].(type) {
			case string:
				f.values[foldColumn(c)] = strings.TrimSpace(v)
			case int64:
				f.values[foldColumn(c)] = strconv.FormatInt(v, 10)
			}
		}
		features = append(features, f)
	}
	if err := rows.Err(); err != nil {
		return nil, brokenFile(err)
	}
	return features, nil
}

func brokenFile(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return incident.Errorf(incident.CodeTooLarge, "reading it took longer than %s", readTime)
	}
	return &incident.Error{Code: incident.CodeInvalid, Message: "the GeoPackage cannot be read", Err: err}
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// featureTable finds the one table with polygons in EPSG:4326.
func featureTable(ctx context.Context, db *sql.DB) (table, column string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT g.table_name, g.column_name, upper(s.organization), s.organization_coordsys_id
		FROM gpkg_contents c JOIN gpkg_geometry_columns g ON g.table_name = c.table_name
		LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id
		WHERE c.data_type = 'features' ORDER BY g.table_name LIMIT 100`)
	if err != nil {
		return "", "", incident.Errorf(incident.CodeInvalid, "this is an SQLite database, but no GeoPackage")
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var tables []string
	var org sql.NullString
	var number sql.NullInt64
	for rows.Next() {
		if err := rows.Scan(&table, &column, &org, &number); err != nil {
			return "", "", brokenFile(err)
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		return "", "", brokenFile(err)
	}
	switch {
	case len(tables) == 0:
		return "", "", incident.Errorf(incident.CodeInvalid, "there is no layer of features in the GeoPackage")
	case len(tables) > 1:
		return "", "", incident.Errorf(incident.CodeInvalid, "there are several layers in the GeoPackage (%s); write the one that is meant into a file of its own", strings.Join(tables, ", "))
	case org.String != "EPSG" || number.Int64 != 4326:
		return "", "", incident.Errorf(incident.CodeInvalid, "the layer %s is not in EPSG:4326 but in %s:%d; transform it first", table, org.String, number.Int64)
	}
	return table, column, nil
}

// wkbNames are the kinds of geometries that are no units, by their numbers in WKB.
var wkbNames = map[uint32]string{1: "Point", 2: "LineString", 4: "MultiPoint", 5: "MultiLineString", 7: "GeometryCollection"}

// checkWKB says why a WKB is no polygon nor several, "" if it is. What reads it would follow collections within
// collections as deep as they go, also within what says it is a MultiPolygon.
func checkWKB(b []byte) string {
	const broken = "has a geometry that cannot be read: it ends too early"
	count := func() (uint32, binary.ByteOrder, bool) { // the kind, from the head of a geometry
		if len(b) < 5 || b[0] > 1 {
			return 0, nil, false
		}
		var order binary.ByteOrder = binary.BigEndian
		if b[0] == 1 {
			order = binary.LittleEndian
		}
		kind := order.Uint32(b[1:])
		b = b[5:]
		return kind, order, true
	}
	number := func(order binary.ByteOrder) (int, bool) {
		if len(b) < 4 {
			return 0, false
		}
		n := order.Uint32(b)
		b = b[4:]
		return int(n), true
	}
	polygon := func(kind uint32, order binary.ByteOrder) bool {
		size := 8 * (2 + int(kind/1000+1)/2) // Z and M add one each, ZM both
		rings, ok := number(order)
		for i := 0; ok && i < rings; i++ {
			var points int
			if points, ok = number(order); ok {
				if ok = points <= len(b)/size; ok {
					b = b[points*size:]
				}
			}
		}
		return ok
	}
	kind, order, ok := count()
	switch {
	case !ok:
		return broken
	case kind%1000 == 3 && kind < 4000:
		if !polygon(kind, order) {
			return broken
		}
		return ""
	case kind%1000 != 6 || kind >= 4000:
		if name := wkbNames[kind%1000]; name != "" && kind < 4000 {
			return "is a " + name + "; a unit is a Polygon or a MultiPolygon"
		}
		return fmt.Sprintf("has a geometry of an unknown kind, %d", kind)
	}
	n, ok := number(order)
	for i := 0; ok && i < n; i++ {
		var in uint32
		if in, order, ok = count(); ok && (in%1000 != 3 || in >= 4000) {
			return "is a MultiPolygon that holds what is no polygon"
		}
		ok = ok && polygon(in, order)
	}
	if !ok {
		return broken
	}
	return ""
}

// readBlob reads a geometry as GeoPackage writes it: a head, then WKB.
func readBlob(number int, blob []byte, vertices *int) (orb.MultiPolygon, error) {
	bad := func(format string, args ...any) (orb.MultiPolygon, error) {
		return nil, featureError(number, fmt.Sprintf(format, args...))
	}
	if len(blob) < 8 || blob[0] != 'G' || blob[1] != 'P' {
		return bad("has a geometry that is none of a GeoPackage")
	}
	flags := blob[3]
	var order binary.ByteOrder = binary.BigEndian
	if flags&1 == 1 {
		order = binary.LittleEndian
	}
	envelope, ok := map[byte]int{0: 0, 1: 32, 2: 48, 3: 48, 4: 64}[flags>>1&7]
	if !ok || len(blob) < 8+envelope {
		return bad("has a geometry with a broken head")
	}
	if srs := int32(order.Uint32(blob[4:])); srs != 4326 {
		return bad("is not in EPSG:4326 but in srs_id %d", srs)
	}
	if flags>>4&1 == 1 {
		return bad("has an empty geometry")
	}
	if reason := checkWKB(blob[8+envelope:]); reason != "" {
		return bad("%s", reason)
	}
	g, err := wkb.Unmarshal(blob[8+envelope:])
	if err != nil {
		return bad("has a geometry that cannot be read: %v", err)
	}
	var polygons []*geom.Polygon
	switch g := g.(type) {
	case *geom.Polygon:
		polygons = append(polygons, g)
	case *geom.MultiPolygon:
		for i := range g.NumPolygons() {
			polygons = append(polygons, g.Polygon(i))
		}
	default:
		return bad("is a %s; a unit is a Polygon or a MultiPolygon", strings.TrimPrefix(fmt.Sprintf("%T", g), "*geom."))
	}
	if len(polygons) == 0 {
		return bad("has no polygon")
	}
	var mp orb.MultiPolygon
	for _, p := range polygons {
		rings := make([][]orb.Point, p.NumLinearRings())
		for i := range rings {
			flat, stride := p.LinearRing(i).FlatCoords(), p.Stride()
			for j := 0; j+1 < len(flat); j += stride {
				if math.IsNaN(flat[j]) || math.IsNaN(flat[j+1]) {
					return bad("has a point that is not a number")
				}
				rings[i] = append(rings[i], orb.Point{flat[j], flat[j+1]})
			}
		}
		var reason string
		if mp, reason = addPolygon(mp, rings, vertices); reason != "" {
			return nil, featureError(number, reason)
		}
	}
	return mp, nil
}
