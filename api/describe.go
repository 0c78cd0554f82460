package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"

	"sarhad/incident"
)

// conformsTo is exactly what the tests hold us to.
var conformsTo = []string{
	"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
	"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
	"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
	"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
	"http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
	"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
	"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
	"http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
	"http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/schemas",
	"http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/core-roles-features",
	"http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/returnables-and-receivables",
	"http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/queryables",
	"http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
	"http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
	"http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
	"http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
	"http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison",
	"http://www.opengis.net/spec/cql2/1.0/conf/accent-insensitive-comparison",
	"http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
	"http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
	"http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions",
	"http://www.opengis.net/spec/cql2/1.0/conf/temporal-functions",
	"http://www.opengis.net/spec/cql2/1.0/conf/array-functions",
	"http://www.opengis.net/spec/cql2/1.0/conf/property-property",
	"http://www.opengis.net/spec/cql2/1.0/conf/arithmetic",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
	"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
}

const (
	mediaOpenAPI = "application/vnd.oai.openapi+json;version=3.0"
	title        = "Sarhad"
	description  = "Incidents in the Pakistan–Afghanistan border region, by place and time."
)

// json answers a value as JSON, fresh or 304.
func (s *server) json(c echo.Context, snap *snapshot, v any) error {
	return s.encoded(c, snap, formatJSON, v)
}

// encoded does the same for other media types that are JSON.
func (s *server) encoded(c echo.Context, snap *snapshot, f format, v any) error {
	if s.fresh(c, snap, f, c.Request().URL.RawQuery) {
		return nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return s.send(c, f.media, b.Bytes())
}

// shown answers a description as JSON or as a page. Its links are the answer's own and those of its header.
func (s *server) shown(c echo.Context, snap *snapshot, f format, v any, template string, page func() sheet) error {
	setLinks(c.Response().Header(), describedLinks(s, c.Request(), f, pageFormats))
	if f.media != mediaHTML {
		return s.encoded(c, snap, f, v)
	}
	if s.fresh(c, snap, f, c.Request().URL.RawQuery) {
		return nil
	}
	p := page()
	p.Links = describedLinks(s, c.Request(), f, pageFormats)
	return s.html(c, template, p)
}

// asked reads the parameters of a description that has several formats. What
// fits none of them gets the first, unless it says so in f.
func (s *server) asked(c echo.Context, formats []format) (*snapshot, format, error) {
	c.Response().Header().Add("Vary", "Accept")
	p, err := readParams(c.Request(), []string{"f"})
	if err != nil {
		return nil, format{}, err
	}
	f, err := p.format(c.Request(), formats)
	var unacceptable *httpError
	if errors.As(err, &unacceptable) {
		f, err = formats[0], nil
	}
	if err != nil {
		return nil, f, err
	}
	snap, err := s.snapshot(c.Request().Context())
	return snap, f, err
}

// described reads the parameters of a description and the state of the store.
func (s *server) described(c echo.Context) (*snapshot, error) {
	p, err := readParams(c.Request(), []string{"f"})
	if err != nil {
		return nil, err
	}
	if _, ok := p["f"]; ok { // what has only one format is given whatever Accept says
		if _, err := p.format(c.Request(), jsonFormats); err != nil {
			return nil, err
		}
	}
	return s.snapshot(c.Request().Context())
}

type landingPage struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	Attribution string `json:"attribution,omitempty"`
	BorderNote  string `json:"border_note,omitempty"`
	Links       []link `json:"links"`
}

func (s *server) landing(c echo.Context, f format) error {
	snap, err := s.snapshot(c.Request().Context())
	if err != nil {
		return err
	}
	base := s.base(c.Request())
	links := []link{
		{Rel: "self", Type: mediaJSON, Title: "This document", Href: base + "/?f=json"},
		{Rel: "alternate", Type: mediaHTML, Title: "This document as HTML", Href: base + "/?f=html"},
		{Rel: "service-desc", Type: mediaOpenAPI, Title: "The interface as OpenAPI 3.0", Href: base + "/api"},
		{Rel: "conformance", Type: mediaJSON, Title: "Conformance classes", Href: base + "/conformance"},
		{Rel: "data", Type: mediaJSON, Title: "Collections", Href: base + "/collections"},
		{Rel: relTilingSchemes, Type: mediaJSON, Title: "Tiling schemes", Href: base + "/tileMatrixSets"},
	}
	if f.media == mediaHTML {
		links[0], links[1] = link{Rel: "self", Type: mediaHTML, Title: "This document", Href: base + "/?f=html"},
			link{Rel: "alternate", Type: mediaJSON, Title: "This document as JSON", Href: base + "/?f=json"}
	}
	if s.page != nil {
		links = append(links, link{Rel: "related", Type: mediaHTML, Title: "The map", Href: base + "/"})
	}
	page := landingPage{title, description, s.Attribution, s.BorderNote, links}
	return s.shown(c, snap, f, page, "landing", func() sheet { return s.sheet(c.Request(), title, page) })
}

func (s *server) getAPI(c echo.Context) error {
	snap, err := s.described(c)
	if err != nil {
		return err
	}
	if s.fresh(c, snap, format{media: mediaOpenAPI}, "") {
		return nil
	}
	base, err := json.Marshal(s.base(c.Request()))
	if err != nil {
		return fmt.Errorf("encode address: %w", err)
	}
	return s.send(c, mediaOpenAPI, bytes.Replace(s.openapi, []byte(serverPlaceholder), base, 1))
}

func (s *server) getConformance(c echo.Context) error {
	snap, f, err := s.asked(c, pageFormats)
	if err != nil {
		return err
	}
	return s.shown(c, snap, f, struct {
		ConformsTo []string `json:"conformsTo"`
	}{conformsTo}, "conformance", func() sheet {
		return s.sheet(c.Request(), "Conformance", conformsTo, crumb{"Conformance", "/conformance?f=html"})
	})
}

type spatialExtent struct {
	BBox [][4]float64 `json:"bbox"`
	CRS  string       `json:"crs"`
}

type temporalExtent struct {
	Interval [][2]*string `json:"interval"`
	TRS      string       `json:"trs"`
}

type extent struct {
	Spatial  *spatialExtent  `json:"spatial,omitempty"`
	Temporal *temporalExtent `json:"temporal,omitempty"`
}

type collectionDescription struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Attribution string   `json:"attribution,omitempty"`
	ItemType    string   `json:"itemType"`
	CRS         []string `json:"crs"`
	StorageCRS  string   `json:"storageCrs"`
	Extent      *extent  `json:"extent,omitempty"`
	Links       []link   `json:"links"`
}

func (s *server) describe(r *http.Request, col *collection, snap *snapshot) collectionDescription {
	base := s.base(r) + "/collections/" + col.id
	d := collectionDescription{ID: col.id, Title: col.title, Description: col.description, ItemType: "feature", CRS: crsNames, StorageCRS: crs84}
	formats := placeFormats
	ext := extent{}
	if col.id == incidentsID {
		formats = incidentFormats
		if snap.hasBound {
			ext.Spatial = spatial(snap.bound)
		}
		ext.Temporal = temporal(snap.extent(nil))
	} else {
		d.Attribution = s.Attribution
		if col.hasBound {
			ext.Spatial = spatial(col.bound)
		}
		if !col.timeless {
			ext.Temporal = temporal(window{col.from, col.to}, col.dated)
		}
	}
	if ext != (extent{}) {
		d.Extent = &ext
	}
	d.Links = []link{{Rel: "self", Type: mediaJSON, Href: base}, {Rel: "alternate", Type: mediaHTML, Title: "This document as HTML", Href: base + "?f=html"},
		{Rel: relSchema, Type: mediaSchema, Title: "Schema of the features", Href: base + "/schema"}}
	if col.id == incidentsID {
		d.Links = append(d.Links, link{Rel: relQueryables, Type: mediaSchema, Title: "What filters are made of", Href: base + "/queryables"})
	}
	for _, f := range formats {
		href := base + "/items"
		if f.media != formats[0].media {
			href += "?f=" + f.names[0]
		}
		d.Links = append(d.Links, link{Rel: "items", Type: f.media, Title: col.title, Href: href})
	}
	if contains(tiledCollections, col.id) {
		d.Links = append(d.Links, link{Rel: relTilesets, Type: mediaJSON, Title: "Vector tiles", Href: base + "/tiles"})
	}
	return d
}

func spatial(b orb.Bound) *spatialExtent {
	return &spatialExtent{[][4]float64{{b.Min[0], b.Min[1], b.Max[0], b.Max[1]}}, crs84}
}

// temporal writes a range of days as the instants OGC asks for; an end that is not known is null.
func temporal(w window, ok bool) *temporalExtent {
	t := &temporalExtent{[][2]*string{{}}, "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"}
	if ok {
		from := w.from.Time().Format(time.RFC3339)
		t.Interval[0][0] = &from
		if w.to < incident.MaxDay {
			to := w.to.Time().Add(24*time.Hour - time.Second).Format(time.RFC3339)
			t.Interval[0][1] = &to
		}
	}
	return t
}

func (s *server) getCollections(c echo.Context) error {
	snap, f, err := s.asked(c, pageFormats)
	if err != nil {
		return err
	}
	base := s.base(c.Request())
	answer := struct {
		Links       []link                  `json:"links"`
		Collections []collectionDescription `json:"collections"`
	}{Links: append(describedLinks(s, c.Request(), f, pageFormats),
		link{Rel: "describedby", Type: mediaJSON, Title: "Licence, attribution and terms of each dataset", Href: base + "/datasets"})}
	type item struct{ Title, Description, Href string }
	var items []item
	for _, col := range s.collections {
		answer.Collections = append(answer.Collections, s.describe(c.Request(), col, snap))
		items = append(items, item{col.title, col.description, base + "/collections/" + col.id + "?f=html"})
	}
	return s.shown(c, snap, f, answer, "collections", func() sheet {
		return s.sheet(c.Request(), "Collections", items, crumb{"Collections", "/collections?f=html"})
	})
}

func (s *server) getCollection(c echo.Context) error {
	col, err := s.collection(c)
	if err != nil {
		return err
	}
	snap, f, err := s.asked(c, pageFormats)
	if err != nil {
		return err
	}
	d := s.describe(c.Request(), col, snap)
	return s.shown(c, snap, f, d, "collection", func() sheet {
		return s.sheet(c.Request(), col.title, d, crumb{"Collections", "/collections?f=html"}, crumb{col.title, "/collections/" + col.id + "?f=html"})
	})
}

type datasetDescription struct {
	Name        string                `json:"name"`
	Title       *string               `json:"title"`
	Licence     *string               `json:"licence"`
	Attribution *string               `json:"attribution"`
	Terms       *string               `json:"terms"`
	Version     *string               `json:"version"`
	Accessed    *string               `json:"accessed"`
	Public      string                `json:"public"`
	Synthetic   bool                  `json:"synthetic"`
	Sample      bool                  `json:"sample"`
	Count       int                   `json:"count"`
	FirstDate   *string               `json:"first_date"`
	LastDate    *string               `json:"last_date"`
	BBox        *[4]float64           `json:"bbox"`
	Coverage    []coverageDescription `json:"coverage"`
}

type coverageDescription struct {
	Country string `json:"country,omitempty"`
	Unit    string `json:"unit,omitempty"`
	From    string `json:"from"`
	To      string `json:"to"`
}

type baseLayerDescription struct {
	URL         string `json:"url"`
	Attribution string `json:"attribution"`
}

func (s *server) getDatasets(c echo.Context) error {
	snap, err := s.described(c)
	if err != nil {
		return err
	}
	answer := struct {
		Datasets          []datasetDescription  `json:"datasets"`
		Attribution       string                `json:"attribution"`
		PlacesAttribution *string               `json:"places_attribution"`
		BorderNote        string                `json:"border_note"`
		BaseLayer         *baseLayerDescription `json:"base_layer"`
		Change            int64                 `json:"change"`
	}{Datasets: []datasetDescription{}, Attribution: s.Attribution, PlacesAttribution: orNull(s.PlacesAttribution), BorderNote: s.BorderNote, Change: snap.change}
	if s.BaseLayer != nil {
		answer.BaseLayer = &baseLayerDescription{s.BaseLayer.URL, s.BaseLayer.Attribution}
	}
	for i := range snap.datasets {
		d := &snap.datasets[i]
		o := datasetDescription{Name: d.Name, Title: orNull(d.Title), Licence: orNull(d.Licence), Attribution: orNull(d.Attribution), Terms: orNull(d.Terms),
			Version: orNull(d.Version), Accessed: orNull(d.Accessed),
			Public: "items", Synthetic: d.Synthetic, Sample: d.Sample, Count: d.Count, Coverage: []coverageDescription{}}
		if d.AggregatesOnly {
			o.Public = "aggregates"
		}
		if d.Count > 0 {
			o.FirstDate, o.LastDate = orNull(d.First.String()), orNull(d.Last.String())
			if d.HasBound {
				o.BBox = &[4]float64{d.Bound.Min[0], d.Bound.Min[1], d.Bound.Max[0], d.Bound.Max[1]}
			}
		}
		for _, v := range d.Coverage {
			o.Coverage = append(o.Coverage, coverageDescription{v.Country, v.Unit, v.From.String(), v.To.String()})
		}
		answer.Datasets = append(answer.Datasets, o)
	}
	return s.json(c, snap, answer)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *server) getHealth(c echo.Context) error {
	return s.state(c, "ok")
}

func (s *server) getReady(c echo.Context) error {
	ctx := c.Request().Context()
	var err error
	if s.Ready != nil {
		err = s.Ready(ctx)
	} else {
		_, err = s.Reader.Change(ctx)
	}
	if err != nil {
		return &incident.Error{Code: incident.CodeUnavailable, Message: "The server is not ready.", Err: err}
	}
	return s.state(c, "ready")
}

func (s *server) state(c echo.Context, word string) error {
	if _, err := readParams(c.Request(), nil); err != nil {
		return err
	}
	c.Response().Header()["Cache-Control"] = []string{"no-store"}
	return s.send(c, mediaJSON, []byte(`{"status":"`+word+"\"}\n"))
}
