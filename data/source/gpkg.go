package source

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	_ "github.com/mattn/go-sqlite3" // the driver

	"sarhad/incident"
)

// gpkgRows gives the features of one layer of a GeoPackage as the fields of a table.
type gpkgRows struct {
	db     *sql.DB
	rows   *sql.Rows
	header []string
	begun  bool
	// geometry is the index of the column of the geometry among those that are
	// read, negative where the coordinates stand in columns of their own, 0 if
	// there is none; behind the columns stand a longitude and a latitude of it.
	geometry int
	// extra is the index of the column in which Sarhad keeps what few incidents have, -1 if there is none.
	extra  int
	values []any
	number int
	fields []string
}

// layer is a table of features.
type layer struct {
	table, geometry string
	srs             int
	columns         []string
}

// extraColumns are the members of Sarhad's column extra, under the names that a table has for them.
var extraColumns = []string{"event_type_text", "deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "candidates", "place_units", "claims", "sources", "warnings"}

func openGPKG(in *input, opt Options) (Reader, error) {
	if _, _, err := in.seekable(); err != nil {
		return nil, err
	}
	if info, err := os.Stat(in.disk + "-wal"); err == nil && info.Size() > 0 {
		return nil, refuse(in.file, "the GeoPackage is open in another program, which has not written all of it yet (there is a file %s-wal); close it there, or make a copy with the program", filepath.Base(in.disk))
	}
	// Immutable: nothing is locked and nothing is written beside it. The path goes into a URI.
	path, err := filepath.Abs(in.disk)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", in.file, err)
	}
	uri := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: "mode=ro&immutable=1&_query_only=1&_mutex=no&_cache_size=-16000&_trusted_schema=0&_cell_size_check=1"}
	db, err := sql.Open("sqlite3", uri.String())
	if err != nil {
		return nil, frame(in.file, fmt.Errorf("open the GeoPackage: %w", err))
	}
	in.onClose(db.Close)
	db.SetMaxOpenConns(2) // the features are read while something else is asked
	broken := func(err error) error {
		return frame(in.file, fmt.Errorf("the GeoPackage is broken: %w", err))
	}
	ctx := context.Background()
	l, err := findLayer(ctx, db, in.file, sheetName(opt))
	if said := (*incident.Error)(nil); errors.As(err, &said) {
		return nil, err
	} else if err != nil {
		return nil, broken(err)
	}
	g := &gpkgRows{db: db, extra: -1}
	// The plus takes the declared type away, of which the driver would make times and truths.
	selected := []string{"rowid"}
	ours := slices.Contains(l.columns, "content_hash") && slices.Contains(l.columns, "extra") && slices.Contains(l.columns, "place_kind")
	for _, c := range l.columns {
		switch {
		case c == l.geometry:
			g.geometry = len(selected)
		case ours && c == "extra":
			g.extra = len(selected)
		case ours && (c == "lon" || c == "lat" || c == "span" || c == "content_hash" || c == "import_id" || c == "line" || c == "file"):
			continue // the store's own
		default:
			g.header = append(g.header, c)
		}
		selected = append(selected, "+"+quoteName(c))
	}
	if g.extra >= 0 {
		g.header = append(g.header, extraColumns...)
	}
	if g.geometry > 0 {
		// A point layer with columns for the coordinates keeps them beside the geometry.
		lon, lat := "longitude", "latitude"
		if !slices.ContainsFunc(g.header, func(h string) bool { return slices.Contains(coordinateNames, fold(h)) }) {
			g.header = append(g.header, lon, lat)
		} else {
			g.geometry = -g.geometry // known, but not read
		}
	}
	stmt := "SELECT " + strings.Join(selected, ", ") + " FROM " + quoteName(l.table) + " ORDER BY rowid"
	g.rows, err = db.QueryContext(ctx, stmt) //nolint:sqlclosecheck,rowserrcheck // closed with the input; next looks at Err
	if err != nil {
		return nil, broken(err)
	}
	in.onClose(g.rows.Close)
	g.values = make([]any, len(selected))
	rd, err := openTable(in, g, opt)
	if err != nil {
		return nil, err
	}
	t, ok := rd.(*tableReader)
	if !ok {
		return rd, nil
	}
	t.format = FormatGPKG
	if ours || t.own != nil {
		t.describe(ctx, db, opt)
	}
	return t, nil
}

var coordinateNames = slices.Concat(tableLayout.names[fLat], tableLayout.names[fLon])

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// describe takes what a store of Sarhad says of the dataset.
func (t *tableReader) describe(ctx context.Context, db *sql.DB, opt Options) {
	d := incident.Dataset{Name: t.dataset.Name}
	if t.next != nil && t.next.err == nil && opt.Dataset != "" {
		t.raw = t.next.fields
		d.Name = t.get(fDataset) // the name that the file has for it
	}
	// A file without the table says nothing: then the name is all that is known. Old stores know no versions.
	for _, more := range []string{"ifnull(version, ''), ifnull(accessed, '')", "'', ''"} {
		if err := db.QueryRowContext(ctx, `SELECT ifnull(title, ''), ifnull(licence, ''), ifnull(attribution, ''), ifnull(terms, ''), +aggregates_only, +synthetic, +sample, `+
			more+` FROM datasets WHERE name = ?`, d.Name).
			Scan(&d.Title, &d.Licence, &d.Attribution, &d.Terms, &d.AggregatesOnly, &d.Synthetic, &d.Sample, &d.Version, &d.Accessed); err == nil {
			break
		}
	}
	if d.Title == "" || t.stated.Title != "" {
		return
	}
	d.Name = t.stated.Name
	t.stated = d
	name := t.dataset.Name
	d.AggregatesOnly = d.AggregatesOnly || t.dataset.AggregatesOnly && !t.republished
	t.dataset = d
	t.dataset.Name = name
}

// findLayer finds the table of the features: the one that is wanted, else
// incidents, else the only one.
func findLayer(ctx context.Context, db *sql.DB, file, want string) (layer, error) {
	var all []layer
	rows, err := db.QueryContext(ctx, `SELECT c.table_name, g.column_name, g.srs_id FROM gpkg_contents AS c
		JOIN gpkg_geometry_columns AS g ON g.table_name = c.table_name WHERE c.data_type = 'features' ORDER BY c.table_name LIMIT 1000`)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") {
			return layer{}, refuse(file, "the file is an SQLite file and no GeoPackage")
		}
		return layer{}, fmt.Errorf("read the list of layers: %w", err)
	}
	defer func() { _ = rows.Close() }() // what was read is looked at below
	for rows.Next() {
		var l layer
		if err := rows.Scan(&l.table, &l.geometry, &l.srs); err != nil {
			return layer{}, fmt.Errorf("read the list of layers: %w", err)
		}
		all = append(all, l)
	}
	if err := rows.Err(); err != nil {
		return layer{}, fmt.Errorf("read the list of layers: %w", err)
	}
	if err := rows.Close(); err != nil {
		return layer{}, fmt.Errorf("read the list of layers: %w", err)
	}
	var names []string
	var found *layer
	for i := range all {
		l := &all[i]
		names = append(names, l.table)
		if strings.EqualFold(l.table, want) || want == "" && (l.table == "incidents" || len(all) == 1) {
			found = l
		}
	}
	switch {
	case len(all) == 0:
		return layer{}, refuse(file, "the GeoPackage has no layer of features")
	case found == nil && want != "":
		return layer{}, refuse(file, "the GeoPackage has no layer %q; there are: %s", want, excerpt(strings.Join(names, ", ")))
	case found == nil:
		return layer{}, refuse(file, "the GeoPackage has several layers (%s); say which in a mapping (sheet: %s)", excerpt(strings.Join(names, ", ")), names[0])
	case found.srs != 4326:
		// Spatial systems have numbers of the file's own; what counts is what they stand for.
		var org string
		var id int
		if err := db.QueryRowContext(ctx, `SELECT upper(organization), organization_coordsys_id FROM gpkg_spatial_ref_sys WHERE srs_id = ?`, found.srs).Scan(&org, &id); err != nil ||
			(org != "EPSG" || id != 4326) && (org != "OGC" || id != 84) {
			return layer{}, refuse(file, "the layer %s is in another reference system (%s %d); save it in EPSG:4326", found.table, org, id)
		}
	}
	// No rows are read: the names of the columns are all that is wanted.
	head, err := db.QueryContext(ctx, "SELECT * FROM "+quoteName(found.table)+" LIMIT 0")
	if err != nil {
		return layer{}, fmt.Errorf("read the columns of %s: %w", found.table, err)
	}
	defer func() { _ = head.Close() }() // it has no rows
	found.columns, err = head.Columns()
	if err = errors.Join(err, head.Err()); err != nil {
		return layer{}, fmt.Errorf("read the columns of %s: %w", found.table, err)
	}
	return *found, nil
}

func (g *gpkgRows) record() (int, []string) { return g.number, g.fields }
func (g *gpkgRows) expect(int, int)         {}
func (g *gpkgRows) behind() string          { return fmt.Sprintf("behind feature %d", g.number) }

func (g *gpkgRows) next() (*Issue, error) {
	if !g.begun {
		g.begun, g.fields = true, slices.Clone(g.header)
		return nil, nil
	}
	if !g.rows.Next() {
		if err := g.rows.Err(); err != nil {
			return nil, fmt.Errorf("the GeoPackage is broken: %w", err)
		}
		return nil, io.EOF
	}
	to := make([]any, len(g.values))
	for i := range to {
		to[i] = &g.values[i]
	}
	if err := g.rows.Scan(to...); err != nil {
		return nil, fmt.Errorf("read a feature: %w", err)
	}
	id, _ := g.values[0].(int64)
	g.number = int(id)
	g.fields = make([]string, 0, len(g.header))
	var problem *Issue
	wrong := func(code, value, reason string) {
		if problem == nil {
			problem = &Issue{Code: code, Value: value, Reason: reason, field: len(g.fields) + 1}
		}
	}
	size := 0
	for i, v := range g.values {
		if i == 0 || i == g.geometry || i == -g.geometry || i == g.extra {
			continue
		}
		s := ""
		switch v := v.(type) {
		case nil:
		case int64:
			s = strconv.FormatInt(v, 10)
		case float64:
			s = strconv.FormatFloat(v, 'f', -1, 64)
		case string:
			s = v
		case []byte:
			wrong(CodeBadValue, "", "it holds bytes where text is expected")
		default:
			s = fmt.Sprint(v)
		}
		if g.extra >= 0 && g.header[len(g.fields)] == "assoc_actors" && s != "" {
			b, err := json.Marshal(strings.Split(s, "\n"))
			if err == nil {
				s = string(b)
			}
		}
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			wrong(CodeBadEncoding, s, "it is not text in UTF-8")
		}
		size += len(s)
		g.fields = append(g.fields, s)
	}
	if g.extra >= 0 {
		text, _ := g.values[g.extra].(string)
		members := map[string]json.RawMessage{}
		if text != "" && json.Unmarshal([]byte(text), &members) != nil {
			wrong(CodeBadValue, text, "the column extra holds no JSON")
		}
		if actors := plain(members["assoc_actors"]); actors != "" {
			g.fields[slices.Index(g.header, "assoc_actors")] = actors
		}
		for _, name := range extraColumns {
			g.fields = append(g.fields, plain(members[name]))
		}
		size += len(text)
	}
	if size > maxRecord {
		wrong(CodeTooLong, "", "the record is longer than 1 MB")
	}
	if g.geometry > 0 {
		lon, lat, p := geoPackagePoint(g.values[g.geometry])
		if p != nil {
			wrong(p.code, "", p.reason)
		}
		g.fields = append(g.fields, lon, lat)
	}
	return problem, nil
}

// geoPackagePoint reads a geometry in the form of the GeoPackage standard:
// its header, then WKB. Null and an empty point are no point.
func geoPackagePoint(v any) (lon, lat string, p *problem) {
	b, ok := v.([]byte)
	bad := &problem{CodeBadGeometry, "it is no geometry as GeoPackages hold it"}
	switch {
	case v == nil:
		return "", "", nil
	case !ok || len(b) < 8 || b[0] != 'G' || b[1] != 'P':
		return "", "", bad
	case b[3]&0x20 != 0:
		return "", "", &problem{CodeBadGeometry, "an extended geometry is not read"}
	case b[3]&0x10 != 0:
		return "", "", nil // empty
	}
	envelope, ok := map[byte]int{0: 0, 1: 32, 2: 48, 3: 48, 4: 64}[b[3]>>1&7]
	if !ok || len(b) < 8+envelope+5 {
		return "", "", bad
	}
	b = b[8+envelope:]
	for range 2 {
		var order binary.ByteOrder = binary.BigEndian
		if b[0] == 1 {
			order = binary.LittleEndian
		}
		kind := order.Uint32(b[1:])
		names := map[uint32]string{2: "LineString", 3: "Polygon", 4: "MultiPoint", 5: "MultiLineString", 6: "MultiPolygon", 7: "GeometryCollection"}
		switch kind = kind & 0x0fffffff % 1000; {
		case kind == 1 && len(b) >= 21:
			x, y := math.Float64frombits(order.Uint64(b[5:])), math.Float64frombits(order.Uint64(b[13:]))
			if math.IsNaN(x) && math.IsNaN(y) {
				return "", "", nil // the standard's empty point
			}
			return strconv.FormatFloat(x, 'f', -1, 64), strconv.FormatFloat(y, 'f', -1, 64), nil
		case kind == 4 && len(b) >= 9+21 && order.Uint32(b[5:]) == 1:
			b = b[9:] // a MultiPoint of one point is that point
			continue
		case names[kind] != "":
			return "", "", &problem{CodeBadGeometry, fmt.Sprintf("a %s is not read; an incident has a Point or null", names[kind])}
		}
		break
	}
	return "", "", bad
}
