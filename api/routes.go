package api

import (
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"
)

// route is one method of an address that the server answers. What answers GET
// answers HEAD too, and every address answers OPTIONS.
type route struct {
	method string
	path   string // as echo writes it
	data   bool   // whether pages of other sites may read it
	handle echo.HandlerFunc
}

// The paths of the probes.
const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// isProbe reports whether a path is one that says how the server does.
func isProbe(path string) bool { return path == healthPath || path == readyPath }

// routeTable lists every route; docs/api.md and the OpenAPI document list the
// same, and tests hold them to it.
func (s *server) routeTable() []route {
	const get, post, remove = http.MethodGet, http.MethodPost, http.MethodDelete
	routes := []route{
		{get, "/", false, s.getRoot},
		{get, "/assets/*", false, s.getAsset},
		{get, "/api", true, s.getAPI},
		{get, "/conformance", true, s.getConformance},
		{get, "/collections", true, s.getCollections},
		{get, "/collections/:id", true, s.getCollection},
		{get, "/collections/:id/queryables", true, s.getQueryables},
		{get, "/collections/:id/schema", true, s.getSchema},
		{get, "/collections/:id/items", true, s.limited(s.getItems)},
		{get, "/collections/:id/items/:fid", true, s.getItem},
		{get, "/collections/incidents/items/:fid/versions", true, s.getVersions},
		{get, "/collections/incidents/columns", true, s.limited(s.getColumns)},
		{get, "/collections/:id/tiles", true, s.getTilesets},
		{get, "/collections/:id/tiles/" + tileMatrixSet, true, s.getTileset},
		{get, "/collections/:id/tiles/" + tileMatrixSet + "/:z/:row/:col", true, s.limited(s.getTile)},
		{get, "/tileMatrixSets", true, s.getTileMatrixSets},
		{get, "/tileMatrixSets/" + tileMatrixSet, true, s.getTileMatrixSet},
		{get, "/aggregates", true, s.limited(s.costly(s.getAggregates))},
		{get, "/compare", true, s.limited(s.costly(s.getCompare))},
		{get, "/datasets", true, s.getDatasets},
		{get, healthPath, true, s.getHealth},
		{get, readyPath, true, s.getReady},
		{get, importsPath, false, s.writing(s.getImports)},
		{post, importsPath, false, s.writing(s.postImport)},
		{get, importsPath + "/:id", false, s.writing(s.getImport)},
		{remove, importsPath + "/:id", false, s.writing(s.deleteImport)},
		{get, importsPath + "/:id/events", false, s.writing(s.getImportEvents)},
		{get, importsPath + "/:id/rejects", false, s.writing(s.getImportRejects)},
	}
	if s.Geocoder != nil {
		routes = append(routes, route{get, "/geocode", true, s.getGeocode}, route{get, "/reverse", true, s.getReverse})
	}
	return routes
}

// methods lists what each address answers, in the order of the table.
func methods(routes []route) map[string][]string {
	list := map[string][]string{}
	for _, r := range routes {
		list[r.path] = append(list[r.path], r.method)
		if r.method == http.MethodGet {
			list[r.path] = append(list[r.path], http.MethodHead)
		}
	}
	for path := range list {
		list[path] = append(list[path], http.MethodOptions)
	}
	return list
}

var echoParam = regexp.MustCompile(`:(\w+)`)

// template writes the path of a route as docs/api.md and OpenAPI do.
func (r route) template() string { return templateOf(r.path) }

func templateOf(path string) string { return echoParam.ReplaceAllString(path, "{$1}") }
