package api

import (
	"regexp"

	"github.com/labstack/echo/v4"
)

// route is an address that the server answers. All answer GET, HEAD and OPTIONS.
type route struct {
	path   string // as echo writes it
	data   bool   // whether pages of other sites may read it
	handle echo.HandlerFunc
}

// routeTable lists every route; docs/api.md and the OpenAPI document list the
// same, and tests hold them to it.
func (s *server) routeTable() []route {
	routes := []route{
		{"/", false, s.getRoot},
		{"/assets/*", false, s.getAsset},
		{"/api", true, s.getAPI},
		{"/conformance", true, s.getConformance},
		{"/collections", true, s.getCollections},
		{"/collections/:id", true, s.getCollection},
		{"/collections/:id/items", true, s.getItems},
		{"/collections/:id/items/:fid", true, s.getItem},
		{"/collections/incidents/columns", true, s.getColumns},
		{"/aggregates", true, s.getAggregates},
		{"/datasets", true, s.getDatasets},
		{"/healthz", true, s.getHealth},
		{"/readyz", true, s.getReady},
	}
	if s.Geocoder != nil {
		routes = append(routes, route{"/geocode", true, s.getGeocode}, route{"/reverse", true, s.getReverse})
	}
	return routes
}

var echoParam = regexp.MustCompile(`:(\w+)`)

// template writes the path of a route as docs/api.md and OpenAPI do.
func (r route) template() string { return echoParam.ReplaceAllString(r.path, "{$1}") }
