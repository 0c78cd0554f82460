package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"
)

const (
	mediaTileJSON = "application/vnd.mapbox.tile+json"
	// tileMatrixSetURI is what the scheme is registered as.
	tileMatrixSetURI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/" + tileMatrixSet

	relTilesets      = "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector"
	relTilingScheme  = "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme"
	relTilingSchemes = "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"

	// registeredZooms is how many matrices the registered scheme has; we give tiles of fewer.
	registeredZooms = 25
	// mercatorEdge is half the width of the square of the tiles in metres.
	mercatorEdge = 6378137 * math.Pi
	// pixelMetres is the size of a pixel that scales are meant for.
	pixelMetres = 0.28e-3
	tilePixels  = 256
	// mercatorLat is the latitude of the northern edge of the square.
	mercatorLat = 85.0511287798066
)

var (
	formatTileJSON = format{names: []string{"tilejson"}, media: mediaTileJSON, accepts: []string{mediaTileJSON}}
	tilesetFormats = []format{formatJSON, formatTileJSON}
)

// tileLink is a link that may have variables.
type tileLink struct {
	link
	Templated bool `json:"templated,omitempty"`
}

func links(list ...link) []tileLink {
	out := make([]tileLink, len(list))
	for i, l := range list {
		out[i].link = l
	}
	return out
}

// tileLayer describes a layer of the tiles of a collection.
type tileLayer struct {
	id, description string
	dimension       int // of the geometries
	min, max        int // the zooms with it
	fields          []tileField
}

type tileField struct{ name, kind, description string } // kind is a type of JSON schema

// fields pairs the keys of a layer, in their order, with types and descriptions.
func fields(keys []string, described ...[2]string) []tileField {
	out := make([]tileField, len(keys))
	for i, k := range keys {
		out[i] = tileField{k, described[i][0], described[i][1]}
	}
	return out
}

var tallyFields = [][2]string{{"integer", "How many incidents."}, {"integer", "The sum of the low figures that were reported; not there if none was."},
	{"integer", "The same of the best figures."}, {"integer", "The same of the high figures."}, {"integer", "How many incidents have no best figure."}}

var incidentFields = fields(incidentKeys, [2]string{"string", "The first day."}, [2]string{"string", "The last day."},
	[2]string{"integer", "The low figure of deaths; not there if not reported."}, [2]string{"integer", "The best figure; not there if not reported."},
	[2]string{"integer", "The high figure; not there if not reported."}, [2]string{"string", "The event type."}, [2]string{"integer", "1 state-based, 2 non-state, 3 one-sided."},
	[2]string{"string", "How well the place is known."}, [2]string{"string", "point, or circle: somewhere around the point; none where the coordinates are no place."}, [2]string{"string", "The dataset."},
	[2]string{"string", "How far the report was checked."}, [2]string{"boolean", "Whether it was made up to try the program."})

func clusterFields() []tileField {
	list := fields(tallyKeys, tallyFields...)
	for _, name := range clusterKeys[len(tallyKeys):] {
		list = append(list, tileField{name, "integer", "How many incidents are of this event type; not there if none is."})
	}
	return list
}

// tileLayers are the layers of each collection.
var tileLayers = map[string][]tileLayer{
	incidentsID: {
		{"incidents", "Each incident of which a point or a circle around one is known, once, unclustered. The id of a feature is the fid of the incident.", 0, unclusteredZoom, maxTileZoom,
			incidentFields},
		{"unplaced", "Incidents with coordinates of the source that lie outside all that is known here, which are no place: for whoever wants to see what the source says.", 0, unclusteredZoom, maxTileZoom,
			incidentFields},
		{"clusters", "The same incidents counted in 8 × 8 cells of a tile, each cell at the mean of their positions.", 0, minTileZoom, unclusteredZoom - 1, clusterFields()},
		{"badges", "All incidents of the filter of which no more is known than a tehsil, unit, province, country or the border, counted at a point that stands for that place.", 0, minTileZoom, maxTileZoom,
			fields(badgeKeys, append(tallyFields[:len(tallyFields):len(tallyFields)], [2]string{"string", "The sort of place that is known."}, [2]string{"string", "The id of the unit."},
				[2]string{"string", "The id of the tehsil or Afghan district."}, [2]string{"string", "The name of the place."}, [2]string{"string", "The province."}, [2]string{"string", "The country."})...)},
	},
	unitsID: {{unitsID, "The units of today, simplified for the zoom.", 2, minTileZoom, maxTileZoom,
		fields(unitTileKeys, [2]string{"string", "The id of the unit."}, [2]string{"string", "The English name."}, [2]string{"string", "The country."}, [2]string{"string", "The province."})}},
	borderID: {{borderID, "The border line, simplified for the zoom.", 1, minTileZoom, maxTileZoom,
		fields(borderTileKeys, [2]string{"string", "Which of the lines it is."}, [2]string{"string", "The name."}, [2]string{"string", "The origin of the line."})}},
}

// tilesetParams reads the parameters of a request about the tiles of a
// collection: those of the tiles, which addresses in the answer keep.
func (s *server) tilesetParams(c echo.Context, col *collection, formats []format) (*snapshot, format, string, error) {
	r := c.Request()
	known := placeTileParams
	if col.id == incidentsID {
		known = incidentTileParams
	}
	p, err := readParams(r, known)
	if err != nil {
		return nil, format{}, "", err
	}
	f := formats[0]
	if _, ok := p["f"]; ok || len(formats) > 1 {
		if f, err = p.format(r, formats); err != nil {
			return nil, format{}, "", err
		}
	}
	snap, _, err := s.selected(r.Context(), p)
	if err != nil {
		return nil, format{}, "", err
	}
	query := url.Values{}
	for name, value := range p {
		if name != "f" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return snap, f, "", nil
	}
	return snap, f, "?" + query.Encode(), nil
}

type tilesetItem struct {
	Title    string     `json:"title"`
	DataType string     `json:"dataType"`
	CRS      string     `json:"crs"`
	URI      string     `json:"tileMatrixSetURI"`
	Links    []tileLink `json:"links"`
}

func (s *server) tilesetItem(col *collection, to ...tileLink) tilesetItem {
	return tilesetItem{Title: col.title, DataType: "vector", CRS: crs3857, URI: tileMatrixSetURI, Links: to}
}

func (s *server) schemeLink(r *http.Request) link {
	return link{Rel: relTilingScheme, Type: mediaJSON, Title: tileMatrixSet, Href: s.base(r) + "/tileMatrixSets/" + tileMatrixSet}
}

// getTilesets lists the tilesets of a collection.
func (s *server) getTilesets(c echo.Context) error {
	col, err := s.tiled(c)
	if err != nil {
		return err
	}
	snap, _, query, err := s.tilesetParams(c, col, jsonFormats)
	if err != nil {
		return err
	}
	r := c.Request()
	here := s.base(r) + "/collections/" + col.id + "/tiles"
	return s.json(c, snap, struct {
		Links    []tileLink    `json:"links"`
		Tilesets []tilesetItem `json:"tilesets"`
	}{links(link{Rel: "self", Type: mediaJSON, Href: here + query}, s.collectionLink(r, col.id)),
		[]tilesetItem{s.tilesetItem(col, links(link{Rel: "self", Type: mediaJSON, Title: tileMatrixSet, Href: here + "/" + tileMatrixSet + query}, s.schemeLink(r))...)}})
}

type tileLimits struct {
	Matrix string `json:"tileMatrix"`
	MinRow int    `json:"minTileRow"`
	MaxRow int    `json:"maxTileRow"`
	MinCol int    `json:"minTileCol"`
	MaxCol int    `json:"maxTileCol"`
}

type layerDescription struct {
	ID          string `json:"id"`
	Description string `json:"description"`
	DataType    string `json:"dataType"`
	Dimension   int    `json:"geometryDimension"`
	Min         string `json:"minTileMatrix"`
	Max         string `json:"maxTileMatrix"`
	Schema      object `json:"propertiesSchema"`
}

type boundingBox struct {
	LowerLeft  orb.Point `json:"lowerLeft"`
	UpperRight orb.Point `json:"upperRight"`
	CRS        string    `json:"crs"`
}

// getTileset describes the tiles of a collection, as OGC or as TileJSON.
func (s *server) getTileset(c echo.Context) error {
	c.Response().Header().Add("Vary", "Accept")
	col, err := s.tiled(c)
	if err != nil {
		return err
	}
	snap, f, query, err := s.tilesetParams(c, col, tilesetFormats)
	if err != nil {
		return err
	}
	r := c.Request()
	here := s.base(r) + "/collections/" + col.id + "/tiles/" + tileMatrixSet
	layers := tileLayers[col.id]
	if f.media == mediaTileJSON {
		return s.tileJSON(c, snap, col, here+"/{z}/{y}/{x}"+query)
	}
	other := "?f=tilejson"
	if query != "" {
		other = query + "&f=tilejson"
	}
	to := append(links(link{Rel: "self", Type: mediaJSON, Href: here + query}, link{Rel: "alternate", Type: mediaTileJSON, Href: here + other},
		s.schemeLink(r), link{Rel: "geodata", Type: mediaJSON, Href: s.base(r) + "/collections/" + col.id}),
		tileLink{link{Rel: "item", Type: mediaMVT, Title: "Mapbox vector tiles", Href: here + "/{tileMatrix}/{tileRow}/{tileCol}" + query}, true})
	var limits []tileLimits
	for z := minTileZoom; z <= maxTileZoom; z++ {
		limits = append(limits, tileLimits{Matrix: strconv.Itoa(z), MaxRow: 1<<z - 1, MaxCol: 1<<z - 1})
	}
	var described []layerDescription
	for _, l := range layers {
		properties := object{}
		for _, field := range l.fields {
			properties[field.name] = object{"type": field.kind, "description": field.description}
		}
		described = append(described, layerDescription{l.id, l.description, "vector", l.dimension, strconv.Itoa(l.min), strconv.Itoa(l.max),
			object{"type": "object", "properties": properties}})
	}
	box := s.tileBounds(snap, col)
	return s.json(c, snap, struct {
		tilesetItem
		Description string             `json:"description"`
		Attribution string             `json:"attribution,omitempty"`
		Limits      []tileLimits       `json:"tileMatrixSetLimits"`
		Box         boundingBox        `json:"boundingBox"`
		Layers      []layerDescription `json:"layers"`
	}{s.tilesetItem(col, to...), col.description, s.tileAttribution(snap, col), limits, boundingBox{box.Min, box.Max, crs84}, described})
}

// tileJSON answers TileJSON 3.0.
func (s *server) tileJSON(c echo.Context, snap *snapshot, col *collection, address string) error {
	type layer struct {
		ID          string            `json:"id"`
		Description string            `json:"description"`
		Min         int               `json:"minzoom"`
		Max         int               `json:"maxzoom"`
		Fields      map[string]string `json:"fields"`
	}
	var layers []layer
	for _, l := range tileLayers[col.id] {
		named := map[string]string{}
		for _, field := range l.fields {
			named[field.name] = field.description
		}
		layers = append(layers, layer{l.id, l.description, l.min, l.max, named})
	}
	box := s.tileBounds(snap, col)
	return s.jsonAs(c, snap, formatTileJSON, struct {
		Version     string     `json:"tilejson"`
		Name        string     `json:"name"`
		Description string     `json:"description"`
		Attribution string     `json:"attribution,omitempty"`
		Scheme      string     `json:"scheme"`
		Tiles       []string   `json:"tiles"`
		Min         int        `json:"minzoom"`
		Max         int        `json:"maxzoom"`
		Bounds      [4]float64 `json:"bounds"`
		Layers      []layer    `json:"vector_layers"`
	}{"3.0.0", col.title, col.description, s.tileAttribution(snap, col), "xyz", []string{address}, minTileZoom, maxTileZoom,
		[4]float64{box.Min[0], box.Min[1], box.Max[0], box.Max[1]}, layers})
}

// tileBounds are where tiles of a collection may have features: incidents at
// their points and, if they are known only coarsely, within the units.
func (s *server) tileBounds(snap *snapshot, col *collection) orb.Bound {
	world := orb.Bound{Min: orb.Point{-180, -mercatorLat}, Max: orb.Point{180, mercatorLat}}
	box, known := col.bound, col.hasBound
	if col.id == incidentsID {
		units := s.byID[unitsID]
		box, known = units.bound, units.hasBound
		if snap.hasBound && known {
			box = box.Union(snap.bound)
		}
	}
	if !known {
		return world
	}
	return orb.Bound{Min: orb.Point{max(box.Min[0], -180), max(box.Min[1], -mercatorLat)}, Max: orb.Point{min(box.Max[0], 180), min(box.Max[1], mercatorLat)}}
}

// tileAttribution is the line that the origin of what tiles show asks for, in
// plain text: that of the boundaries, and for incidents that of each dataset.
func (s *server) tileAttribution(snap *snapshot, col *collection) string {
	var lines []string
	if col.id == incidentsID {
		for i := range snap.datasets {
			d := &snap.datasets[i]
			if d.Attribution != "" && d.Count > 0 && !d.AggregatesOnly && !contains(lines, d.Attribution) {
				lines = append(lines, d.Attribution)
			}
		}
	}
	if s.Attribution != "" {
		lines = append(lines, s.Attribution)
	}
	return strings.Join(append(lines, s.BorderNote), " · ")
}

// getTileMatrixSets lists the tiling schemes.
func (s *server) getTileMatrixSets(c echo.Context) error {
	snap, err := s.described(c)
	if err != nil {
		return err
	}
	r := c.Request()
	self := s.schemeLink(r)
	self.Rel, self.Title = "self", ""
	type scheme struct {
		ID    string     `json:"id"`
		Title string     `json:"title"`
		URI   string     `json:"uri"`
		CRS   string     `json:"crs"`
		Links []tileLink `json:"links"`
	}
	return s.json(c, snap, struct {
		Links []tileLink `json:"links"`
		Sets  []scheme   `json:"tileMatrixSets"`
	}{links(link{Rel: "self", Type: mediaJSON, Href: s.base(r) + "/tileMatrixSets"}),
		[]scheme{{tileMatrixSet, tileSchemeTitle, tileMatrixSetURI, crs3857, links(self)}}})
}

const tileSchemeTitle = "Google Maps Compatible for the World"

// getTileMatrixSet gives the tiling scheme as it is registered.
func (s *server) getTileMatrixSet(c echo.Context) error {
	snap, err := s.described(c)
	if err != nil {
		return err
	}
	type matrix struct {
		ID      string    `json:"id"`
		Scale   float64   `json:"scaleDenominator"`
		Cell    float64   `json:"cellSize"`
		Corner  string    `json:"cornerOfOrigin"`
		Origin  orb.Point `json:"pointOfOrigin"`
		Width   int       `json:"tileWidth"`
		Height  int       `json:"tileHeight"`
		Columns int       `json:"matrixWidth"`
		Rows    int       `json:"matrixHeight"`
	}
	var matrices []matrix
	for z := range registeredZooms {
		n := 1 << z
		cell := 2 * mercatorEdge / tilePixels / float64(n)
		matrices = append(matrices, matrix{strconv.Itoa(z), cell / pixelMetres, cell, "topLeft", orb.Point{-mercatorEdge, mercatorEdge}, tilePixels, tilePixels, n, n})
	}
	return s.json(c, snap, struct {
		ID       string   `json:"id"`
		Title    string   `json:"title"`
		URI      string   `json:"uri"`
		CRS      string   `json:"crs"`
		Axes     []string `json:"orderedAxes"`
		Scales   string   `json:"wellKnownScaleSet"`
		Matrices []matrix `json:"tileMatrices"`
	}{tileMatrixSet, tileSchemeTitle, tileMatrixSetURI, crs3857, []string{"X", "Y"}, "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible", matrices})
}

// jsonAs answers a value as a kind of JSON, fresh or 304.
func (s *server) jsonAs(c echo.Context, snap *snapshot, f format, v any) error {
	if s.fresh(c, snap, f, c.Request().URL.RawQuery) {
		return nil
	}
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return s.send(c, f.media, append(body, '\n'))
}
