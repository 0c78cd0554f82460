package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"sarhad/incident"
)

type geojsonReader struct {
	*decoder
	in      *input
	limit   *limitedReader
	dec     *json.Decoder
	items   *ahead // instead of dec, for features that stand in no collection
	mapping *Mapping
	// targets says which fields a property fills, and how well its name fits: 0 is best.
	targets map[string][]target
	vals    [numFields]string
	rank    [numFields]int
	names   [numFields]string
	number  int
	first   *feature
	ended   error // what follows the features that were read
	rawOf   map[string]int
	within  bool     // a list within an object
	source  []string // the columns
	ours    bool     // the first feature is one of our own exports
}

type target struct {
	field field
	rank  int
}

type feature struct {
	ID, Geometry json.RawMessage
	Props        map[string]json.RawMessage

	whole json.RawMessage
	wrong *Issue // why it is no feature, nil if it is one
}

// limitedReader stops a value from growing without end.
type limitedReader struct {
	r    io.Reader
	left int64
}

var errTooLong = errors.New("a record is longer than 1 MB")

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

// reset allows the next value. The decoder reads ahead, at most what it needed
// for the last value once more.
func (l *limitedReader) reset() { l.left = 2*maxRecord + 64<<10 }

// collection are the members beside the features.
type collection struct {
	kind string
	// list is true if it is no collection and a list of objects begins here.
	list    bool
	dataset describedSet
	// datasets are those of an export of several.
	datasets []describedSet
}

// describedSet is a dataset as the members of a collection describe it.
type describedSet struct {
	Name, Title, Licence, Attribution, Terms, Version, Accessed, Public string
	Synthetic, Sample                                                   bool
}

func (s *describedSet) set() incident.Dataset {
	return incident.Dataset{Name: s.Name, Title: s.Title, Licence: s.Licence, Attribution: s.Attribution, Terms: s.Terms, Version: s.Version, Accessed: s.Accessed,
		AggregatesOnly: s.Public == "aggregates", Synthetic: s.Synthetic, Sample: s.Sample}
}

// openGeoJSON reads features; c is what stands before them.
func openGeoJSON(g *geojsonReader, c *collection, opt Options) (Reader, error) {
	for i := range g.cols {
		g.cols[i] = i
	}
	var err error
	g.stated = c.dataset.set()
	g.dataset = g.stated
	if opt.Mapping != nil {
		opt.Mapping.setup(g.decoder)
	}
	if err := g.target(opt); err != nil {
		return nil, err
	}
	if g.first, err = g.feature(); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	g.ended = err
	g.source = []string{"id", "longitude", "latitude", geometryColumn, recordColumn}
	if g.first != nil {
		for _, k := range keys(g.first.whole) {
			if !slices.Contains(g.source, k) {
				g.source = append(g.source, k)
			}
		}
		g.fill(g.first)
		g.recognise(g.first)
		g.ours = g.own != nil
		if two := g.twoFor(); two[0] != "" {
			return nil, refuse(opt.File, "two properties mean the same here: %q and %q; take one out, or say in a mapping which is which", two[0], two[1])
		}
	}
	g.rawOf = map[string]int{}
	for i, k := range g.source {
		if k != geometryColumn && k != recordColumn {
			g.rawOf[k] = i
		}
	}
	g.columns = g.names[:]
	g.raw = g.vals[:]
	g.oneOf(c.datasets, opt)
	g.nameBy(opt, g.get)
	return g, nil
}

// members reads members of the collection until the features begin.
func (g *geojsonReader) members(c *collection) (found bool, err error) {
	for g.dec.More() {
		g.limit.reset()
		key, err := g.dec.Token()
		if err != nil {
			return false, g.frame(err)
		}
		if key == "features" {
			t, err := g.dec.Token()
			if err != nil {
				return false, g.frame(err)
			}
			if t != json.Delim('[') {
				return false, refuse(g.file, "the member features is not a list")
			}
			return true, nil
		}
		if name, ok := key.(string); ok && c.kind == "" && !g.within && slices.Contains(listMembers, name) {
			t, err := g.dec.Token()
			if err != nil {
				return false, g.frame(err)
			}
			if c.list = t == json.Delim('['); c.list {
				g.within = true
				return false, nil
			}
			if _, ok := t.(json.Delim); ok {
				return false, refuse(g.file, "the member %s holds no list of records", name)
			}
			continue
		}
		var v json.RawMessage
		if err := g.dec.Decode(&v); err != nil {
			return false, g.frame(err)
		}
		switch key {
		case "type":
			if err := json.Unmarshal(v, &c.kind); err != nil || c.kind != "FeatureCollection" {
				return false, refuse(g.file, "the file is JSON of type %s and no GeoJSON FeatureCollection", excerpt(string(v)))
			}
		case "crs":
			if !lonLat(v) {
				return false, refuse(g.file, "the file has coordinates in another reference system (crs %s); GeoJSON is in lon, lat (CRS84)", excerpt(string(v)))
			}
		case "datasets":
			_ = json.Unmarshal(v, &c.datasets)
		case "dataset":
			_ = json.Unmarshal(v, &c.dataset) // a foreign member: what does not fit is not ours
		}
	}
	_, err = g.dec.Token()
	if err != nil {
		return false, g.frame(err)
	}
	return false, nil
}

// lonLat reports whether a crs member of old GeoJSON stands for lon, lat.
func lonLat(v json.RawMessage) bool {
	if string(v) == "null" {
		return true
	}
	var crs struct {
		Properties struct {
			Name string `json:"name"`
		} `json:"properties"`
	}
	if json.Unmarshal(v, &crs) != nil {
		return false
	}
	name := strings.ToUpper(crs.Properties.Name)
	return name == "EPSG:4326" || strings.HasPrefix(name, "URN:OGC:DEF:CRS:") && (strings.HasSuffix(name, ":CRS84") || strings.HasPrefix(name, "URN:OGC:DEF:CRS:EPSG:") && strings.HasSuffix(name, ":4326")) ||
		strings.HasSuffix(name, "OPENGIS.NET/DEF/CRS/OGC/1.3/CRS84")
}

// frame says where the file breaks.
func (g *geojsonReader) frame(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	what := "the JSON is broken"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		what = "the file is cut"
	case errors.Is(err, errTooLong):
		what = "a record is longer than 1 MB"
	}
	return &incident.Error{Code: incident.CodeInvalid,
		Message: fmt.Sprintf("%s: %s at feature %d, byte %d", g.file, what, g.number+1, g.dec.InputOffset()), Err: err}
}

// target resolves names of properties to fields.
func (g *geojsonReader) target(opt Options) error {
	g.targets = map[string][]target{}
	var fields map[string]MappedField
	if opt.Mapping != nil {
		fields = opt.Mapping.Fields
	}
	var taken [numFields]bool
	for name, mf := range fields {
		f, ok := fieldOf(name)
		if !ok {
			return refuse(opt.File, "the mapping names a field %q that does not exist", name)
		}
		taken[f] = true
		if len(mf.Columns) > 0 {
			return refuse(opt.File, "the mapping joins columns for %s, which goes with tables", name)
		}
		if mf.Column == "" {
			g.constants[f] = mf.Value
			continue
		}
		n := fold(mf.Column)
		g.targets[n] = append(g.targets[n], target{f, 0})
		g.values[f] = mf.Values
	}
	byMapping := make(map[string]bool, len(g.targets))
	for n := range g.targets {
		byMapping[n] = true
	}
	for f, names := range tableLayout.names {
		for rank, n := range names {
			if !taken[f] && !byMapping[n] {
				g.targets[n] = append(g.targets[n], target{field(f), rank})
			}
		}
	}
	return nil
}

// feature reads the next feature, io.EOF behind the last.
func (g *geojsonReader) feature() (*feature, error) {
	f := &feature{}
	if g.items != nil {
		it, err := g.items.item()
		if err != nil {
			return nil, err
		}
		g.number, f.wrong = it.number, it.problem
		f.whole = bytes.Clone(it.raw)
		if f.wrong == nil {
			f.parse()
		}
		return f, nil
	}
	if !g.dec.More() {
		if err := g.end(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	g.limit.reset()
	if err := g.dec.Decode(&f.whole); err != nil {
		return nil, g.frame(err)
	}
	g.number++
	it := item{raw: f.whole}
	if it.check(true); it.problem != nil {
		f.wrong = it.problem
		return f, nil
	}
	f.parse()
	return f, nil
}

// parse takes a feature apart, which is a valid object.
func (f *feature) parse() {
	kind := ""
	eachMember(f.whole, func(key string, value []byte) bool {
		switch key {
		case "type":
			kind = plain(value)
		case "id":
			f.ID = value
		case "geometry":
			f.Geometry = value
		case "crs":
			if !lonLat(value) {
				f.wrong = &Issue{Code: CodeBadGeometry, Reason: "it is in another reference system; GeoJSON is in lon, lat (CRS84)"}
			}
		case "properties":
			if value[0] != '{' && string(value) != "null" {
				f.wrong = &Issue{Code: CodeBadGeometry, Reason: "its properties are no JSON object"}
			}
			f.Props = map[string]json.RawMessage{}
			eachMember(value, func(key string, value []byte) bool {
				f.Props[key] = value
				return true
			})
		}
		return true
	})
	if kind != "Feature" {
		f.wrong = &Issue{Code: CodeBadGeometry, Reason: "it is no GeoJSON feature"}
	}
}

// end reads what follows the features.
func (g *geojsonReader) end() error {
	if _, err := g.dec.Token(); err != nil { // ]
		return g.frame(err)
	}
	var c collection
	if again, err := g.members(&c); err != nil {
		return err
	} else if again {
		return refuse(g.file, "the member features comes twice")
	}
	return g.nothing()
}

// nothing holds that nothing follows the JSON.
func (g *geojsonReader) nothing() error {
	g.limit.reset()
	if _, err := g.dec.Token(); !errors.Is(err, io.EOF) {
		return refuse(g.file, "there is text after the end of the JSON, at byte %d", g.dec.InputOffset())
	}
	return nil
}

// keys lists the keys of the properties of a feature in order.
func keys(whole json.RawMessage) (out []string) {
	eachMember(whole, func(key string, value []byte) bool {
		if key == "properties" {
			eachMember(value, func(key string, _ []byte) bool {
				out = append(out, key)
				return true
			})
		}
		return true
	})
	return out
}

// plain turns a value of JSON into the text of a field: "" for null, the text of
// a string, and the JSON of anything else.
func plain(v json.RawMessage) string {
	v = bytes.TrimSpace(v)
	switch {
	case len(v) == 0 || string(v) == "null":
		return ""
	case v[0] == '"':
		if bytes.IndexByte(v, '\\') < 0 && utf8.Valid(v) {
			return string(v[1 : len(v)-1])
		}
		var s string
		if json.Unmarshal(v, &s) == nil {
			return s
		}
	case v[0] == '[' && string(v) == "[]":
		return ""
	}
	if i := bytes.IndexByte(v, '.'); i > 0 && (v[0] == '-' || v[0]-'0' <= 9) && len(bytes.Trim(v[i+1:], "0")) == 0 {
		v = v[:i] // 12.0, as some programs write a whole number
	}
	return string(v)
}

// fill puts a feature into vals. It returns a problem of the geometry.
func (g *geojsonReader) fill(f *feature) *problem {
	clear(g.vals[:])
	for i := range g.rank {
		g.rank[i] = 1 << 20
	}
	for i, n := range g.layout.names {
		g.names[i] = ""
		if len(n) > 0 {
			g.names[i] = n[0]
		}
	}
	set := func(t target, name, value string) {
		if value != "" && t.rank < g.rank[t.field] {
			g.vals[t.field], g.rank[t.field], g.names[t.field] = value, t.rank, name
		}
	}
	for k, v := range f.Props {
		for _, t := range g.targets[fold(k)] {
			set(t, k, plain(v))
		}
	}
	for f, v := range g.constants {
		set(target{field(f), 0}, "", v)
	}
	set(target{fID, 1 << 10}, "id", plain(f.ID))
	lon, lat, p := position(f.Geometry)
	if lon != "" || lat != "" {
		set(target{fLon, -1}, "geometry", lon)
		set(target{fLat, -1}, "geometry", lat)
	}
	return p
}

// position reads a geometry: a point or none. A collection or a MultiPoint
// that holds nothing but one point is that point.
func position(v json.RawMessage) (lon, lat string, p *problem) {
	for range 3 {
		if v = bytes.TrimSpace(v); len(v) == 0 || string(v) == "null" {
			return "", "", nil
		}
		var geometry struct {
			Type        string            `json:"type"`
			Coordinates json.RawMessage   `json:"coordinates"`
			Geometries  []json.RawMessage `json:"geometries"`
		}
		if err := json.Unmarshal(v, &geometry); err != nil {
			return "", "", &problem{CodeBadGeometry, "it is no GeoJSON geometry"}
		}
		switch geometry.Type {
		case "GeometryCollection":
			if n := len(geometry.Geometries); n != 1 {
				return "", "", &problem{CodeBadGeometry, fmt.Sprintf("a GeometryCollection of %d geometries is not read; an incident has a Point or null", n)}
			}
			v = geometry.Geometries[0]
			continue
		case "MultiPoint":
			var points []json.RawMessage
			if err := json.Unmarshal(geometry.Coordinates, &points); err != nil || len(points) != 1 {
				return "", "", &problem{CodeBadGeometry, fmt.Sprintf("a MultiPoint of %d points is not read; an incident has a Point or null", len(points))}
			}
			geometry.Coordinates = points[0]
		case "Point":
		default:
			return "", "", &problem{CodeBadGeometry, fmt.Sprintf("a %s is not read; an incident has a Point or null", excerpt(geometry.Type))}
		}
		var c []json.Number
		if err := json.Unmarshal(geometry.Coordinates, &c); err != nil || len(c) < 2 {
			return "", "", &problem{CodeBadCoordinate, "a Point has a longitude and a latitude, as numbers"}
		}
		return c[0].String(), c[1].String(), nil
	}
	return "", "", &problem{CodeBadGeometry, "collections within collections are not read"}
}

// recognise tells a feature of ours by its properties.
func (g *geojsonReader) recognise(f *feature) {
	g.own = nil
	if g.mapping.means() || !isOwn(func(name string) bool { _, ok := f.Props[name]; return ok }) {
		return
	}
	g.own = func(name string) string { return plain(f.Props[name]) }
}

// oneOf takes what an export of several datasets says of the one that is read.
func (g *geojsonReader) oneOf(sets []describedSet, opt Options) {
	if g.own == nil || g.stated.Name != "" || opt.Mapping.means() {
		return
	}
	want := g.get(fDataset)
	if opt.Several != nil && opt.Several.Want != "" {
		want = opt.Several.Want
	}
	for i := range sets {
		if sets[i].Name == want {
			g.stated = sets[i].set()
			g.dataset = g.stated
		}
	}
}

// twoFor gives two properties of the first feature that are known for one field.
func (g *geojsonReader) twoFor() (two [2]string) {
	if g.ours {
		return two
	}
	var of [numFields]string
	for _, k := range keys(g.first.whole) {
		for _, t := range g.targets[fold(k)] {
			if of[t.field] != "" && of[t.field] != k && !together[t.field] {
				return [2]string{of[t.field], k}
			}
			of[t.field] = k
		}
	}
	return two
}

// Layout implements [Reader].
func (g *geojsonReader) Layout() string { return FormatGeoJSON }

// Dataset implements [Reader].
func (g *geojsonReader) Dataset() incident.Dataset { return g.dataset }

// Stated implements [Reader].
func (g *geojsonReader) Stated() incident.Dataset { return g.stated }

// Columns implements [Reader].
func (g *geojsonReader) Columns() []string { return slices.Clone(g.source) }

// Unread implements [Reader].
func (g *geojsonReader) Unread() []string {
	if g.ours {
		return nil
	}
	var out []string
	for _, k := range g.source[min(5, len(g.source)):] {
		if len(g.targets[fold(k)]) == 0 {
			out = append(out, k)
		}
	}
	return out
}

// Notes implements [Reader].
func (g *geojsonReader) Notes() []string { return slices.Clone(g.in.notes) }

// Next implements [Reader].
func (g *geojsonReader) Next() (*Row, error) {
	for {
		row, err := g.read()
		if err != nil {
			return nil, g.in.end(err)
		}
		if row != nil {
			return row, nil
		}
	}
}

// read gives the next feature, nil for one that is passed over.
func (g *geojsonReader) read() (*Row, error) {
	f := g.first
	g.first = nil
	if f == nil {
		if g.ended != nil {
			return nil, g.ended
		}
		var err error
		if f, err = g.feature(); err != nil {
			g.ended = err
			return nil, err
		}
	}
	raw := make([]string, len(g.source))
	for k, v := range f.Props {
		if i, ok := g.rawOf[k]; ok {
			raw[i] = plain(v)
		}
	}
	if raw[0] == "" {
		raw[0] = plain(f.ID)
	}
	bad := g.fill(f)
	g.recognise(f)
	if g.vals[fLon] != "" || g.vals[fLat] != "" {
		raw[1], raw[2] = g.vals[fLon], g.vals[fLat]
	}
	g.begin(g.number, raw)
	g.raw = g.vals[:]
	if f.wrong != nil {
		is := *f.wrong
		clear(raw)
		raw[4] = shown(string(f.whole))
		is.Value = string(f.whole[:min(len(f.whole), 400)])
		g.reject(is)
		return &g.row, nil
	}
	for i, v := range raw {
		if strings.IndexByte(v, 0) >= 0 {
			g.reject(Issue{Column: g.source[i], Value: v, Code: CodeBadEncoding, Reason: "the feature holds a NUL byte"})
		}
	}
	if g.passesOver() {
		return nil, nil
	}
	if bad != nil {
		raw[3] = string(f.Geometry)
		g.reject(Issue{Column: "geometry", Value: string(f.Geometry[:min(len(f.Geometry), 400)]), Code: bad.code, Reason: bad.reason})
	}
	g.whole = f.whole
	if g.in.guessed {
		g.checkGuess(g.source, raw)
	} else {
		g.checkEncoding(g.source, raw)
	}
	g.decode(func() []byte { return identityOf(f) })
	return &g.row, nil
}

// identityOf brings geometry and properties to a form that does not depend on
// white space or the order of members.
func identityOf(f *feature) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, f.Geometry) // it was parsed before
	for _, k := range slices.Sorted(maps.Keys(f.Props)) {
		b.WriteByte(0x1f)
		b.WriteString(k)
		b.WriteByte(0x1e)
		_ = json.Compact(&b, f.Props[k])
	}
	return b.Bytes()
}

// Close implements [Reader].
func (g *geojsonReader) Close() error { return g.in.Close() }
