package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/google/go-cmp/cmp"

	"sarhad/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

// scenario is one request with what its answer must and must not be.
type scenario struct {
	name   string // names the golden file too
	method string // GET if empty
	url    string
	header map[string]string
	status int // 200 if 0
	has    []string
	hasNot []string
	media  string
	golden bool
	change func(*Config) // another configuration than the usual
}

// withPart has an incident that is known to have been in a former unit that was a part of a unit of today.
func withPart(c *Config) {
	m := testStore()
	for i := range m.rows {
		if in := &m.rows[i]; in.UnitID == "pk-kp-kurram" {
			in.UnitThen = "pk-kp-fr-kurram"
			break
		}
	}
	c.Reader = m
}

// withBytes has a text that is no UTF-8, which no reader of files lets through.
func withBytes(c *Config) {
	m := testStore()
	m.rows[0].Summary = "a \xff\xfe b"
	c.Reader = m
}

var incidentsURL = "/collections/incidents/items"

var scenarios = []scenario{
	// The page and the descriptions.
	{name: "page", url: "/", header: map[string]string{"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, media: "text/html; charset=utf-8", has: []string{"<!doctype html>"}},
	{name: "page-state", url: "/?from=2025-10-01&lang=ur", header: map[string]string{"Accept": "text/html"}, media: "text/html; charset=utf-8"},
	{name: "landing-any", url: "/", header: map[string]string{"Accept": "*/*"}, media: mediaJSON},
	{name: "landing", url: "/", header: map[string]string{"Accept": "application/json"}, golden: true, media: mediaJSON},
	{name: "landing-f", url: "/?f=json", media: mediaJSON},
	{name: "landing-unknown", url: "/?f=json&x=1", status: 400, has: []string{`"parameter":"x"`, `"allowed":["f"]`}},
	{name: "landing-nopage", url: "/", media: mediaJSON, change: func(c *Config) { c.Page = nil }, hasNot: []string{"The map"}},
	{name: "landing-html", url: "/?f=html", golden: true, media: "text/html; charset=utf-8", hasNot: []string{"<script"}},
	{name: "landing-html-nopage", url: "/", header: map[string]string{"Accept": "text/html"}, media: "text/html; charset=utf-8", change: func(c *Config) { c.Page = nil }, hasNot: []string{"The map"}},
	{name: "landing-public", url: "/?f=json", has: []string{`"https://example.org/sarhad/collections"`}, hasNot: []string{"http://sarhad.test"},
		change: func(c *Config) { c.PublicURL = "https://example.org/sarhad/" }},
	{name: "landing-forwarded", url: "/?f=json", header: map[string]string{"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https"}, hasNot: []string{"evil", "https://sarhad"}},
	{name: "asset", url: "/assets/index-abc123.js", media: "text/javascript; charset=utf-8", has: []string{"console.log"}},
	{name: "asset-folder", url: "/assets/fonts/inter.woff2", media: "font/woff2"},
	{name: "asset-none", url: "/assets/none.js", status: 404},
	{name: "asset-dir", url: "/assets/fonts", status: 404, hasNot: []string{"inter"}},
	{name: "asset-escape", url: "/assets/..%2Fsecret.txt", status: 404, hasNot: []string{"not an asset"}},
	{name: "asset-escape2", url: "/assets/%2e%2e/secret.txt", status: 404, hasNot: []string{"not an asset"}},
	{name: "conformance", url: "/conformance", golden: true},
	{name: "collections", url: "/collections", golden: true},
	{name: "collection", url: "/collections/incidents", has: []string{`"itemType":"feature"`}},
	{name: "collection-none", url: "/collections/none", status: 404, golden: true},
	{name: "collections-html", url: "/collections?f=html", media: "text/html; charset=utf-8", has: []string{`<a href="http://sarhad.test/collections/units?f=html">`, "<h1>Collections</h1>"}, hasNot: []string{"<script"}},
	{name: "collections-browser", url: "/collections", header: map[string]string{"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, media: "text/html; charset=utf-8"},
	{name: "collections-quality", url: "/collections", header: map[string]string{"Accept": "text/html;q=0.2, application/json;q=0.5"}, media: mediaJSON},
	{name: "collections-odd-accept", url: "/collections", header: map[string]string{"Accept": "image/png"}, media: mediaJSON},
	{name: "collections-f-wrong", url: "/collections?f=xml", status: 400, has: []string{`"allowed":["json","html"]`}},
	{name: "collection-html", url: "/collections/incidents?f=html", golden: true, hasNot: []string{"<script"}},
	{name: "conformance-html", url: "/conformance?f=html", has: []string{"<code>http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html</code>"}},

	// Schemas.
	{name: "queryables", url: "/collections/incidents/queryables", golden: true, media: mediaSchema},
	{name: "queryables-html", url: "/collections/incidents/queryables?f=html", has: []string{"<code>start_date</code>", "<td>date</td>", "settlement"}},
	{name: "queryables-none", url: "/collections/units/queryables", has: []string{`"properties":{}`, `"additionalProperties":false`}},
	{name: "queryables-parameter", url: "/collections/incidents/queryables?limit=1", status: 400},
	{name: "queryables-no-collection", url: "/collections/none/queryables", status: 404},
	{name: "schema", url: "/collections/incidents/schema", golden: true, media: mediaSchema, header: map[string]string{"Accept": "application/schema+json"}},
	{name: "schema-units", url: "/collections/units/schema", has: []string{`"valid_until"`, `"x-ogc-role":"primary-geometry"`}},
	{name: "schema-html", url: "/collections/periods/schema?f=html", has: []string{"<code>parties</code>"}}, {name: "datasets", url: "/datasets", golden: true},
	{name: "healthz", url: "/healthz", golden: true},
	{name: "readyz", url: "/readyz", golden: true},
	{name: "health-parameter", url: "/healthz?x=1", status: 400},
	{name: "not-found", url: "/nothing/here", status: 404, golden: true},
	{name: "method", method: "POST", url: "/datasets", status: 405, golden: true},
	{name: "method-delete", method: "DELETE", url: incidentsURL, status: 405},

	// Incidents.
	{name: "items", url: incidentsURL + "?limit=2", golden: true, media: mediaGeoJSON, has: []string{`"rel":"next"`, `"numberMatched":8`}},
	{name: "items-all", url: incidentsURL, hasNot: []string{`"rel":"next"`, "withheld by its terms", `"acled"`, "<script", "NaN", "place\":{"},
		has: []string{`\u003c/script\u003e`, `\u2028`, "سرحد", `"numberMatched":8`}},
	{name: "items-no-utf8", url: incidentsURL, has: []string{`a \ufffd\ufffd b`}, change: withBytes},
	{name: "items-json", url: incidentsURL + "?limit=1", header: map[string]string{"Accept": "application/json"}, media: mediaGeoJSON},
	{name: "items-browser", url: incidentsURL + "?limit=2", header: map[string]string{"Accept": "text/html,*/*;q=0.8"}, media: "text/html; charset=utf-8", golden: true, has: []string{`rel="next"`, "2 of 8."}},
	{name: "items-quality", url: incidentsURL + "?limit=1", header: map[string]string{"Accept": "text/html;q=0.8,*/*"}, media: mediaGeoJSON},
	{name: "items-html", url: incidentsURL + "?f=html", media: "text/html; charset=utf-8", hasNot: []string{"<script", "withheld by its terms", "NaN"}, has: []string{"not reported", "8 of 8."}},
	{name: "item-html", url: incidentsURL + "/1?f=html", media: "text/html; charset=utf-8", golden: true},
	{name: "item-html-hostile", url: incidentsURL + "/8?f=html", hasNot: []string{"<script"}, has: []string{"&lt;/script&gt;", "MultiPolygon"}},
	{name: "item-html-claims", url: incidentsURL + "/4?f=html", has: []string{`<a rel="nofollow noreferrer" href="https://example.org/1">`, "over 200"}},
	{name: "units-html", url: "/collections/units/items?f=html&limit=2", golden: true},
	{name: "unit-html", url: "/collections/units/items/af-hel?f=html", has: []string{"هلمند", "MultiPolygon"}},
	{name: "periods-html", url: "/collections/periods/items?f=html", has: []string{"2 of 2."}},

	// What is given of them.
	{name: "properties", url: incidentsURL + "?limit=2&properties=fatalities_best,start_date,crossing_km", golden: true},
	{name: "properties-order", url: incidentsURL + "?limit=1&properties=start_date,id,dataset", has: []string{`"properties":{"dataset":"ged","start_date":"2009-03-01"}`}},
	{name: "properties-id", url: incidentsURL + "?limit=1&properties=id", has: []string{`"properties":{}`}},
	{name: "properties-unknown", url: incidentsURL + "?properties=colour", status: 400, golden: true},
	{name: "properties-fg", url: incidentsURL + "?limit=4&properties=fid&f=jsonfg", has: []string{`"properties":{"fid":4}`, `"place":{"type":"MultiPolygon"`, `"interval":["2009-12-31","2010-01-02"]`}},
	{name: "properties-html", url: incidentsURL + "?properties=fid&f=html", status: 400},
	{name: "properties-units", url: "/collections/units/items?properties=name", status: 400},
	{name: "skip-geometry", url: incidentsURL + "?limit=2&skipGeometry=true", has: []string{`"geometry":null`}, hasNot: []string{"coordinates"}},
	{name: "skip-geometry-false", url: incidentsURL + "?limit=1&skipGeometry=false", has: []string{"coordinates"}},
	{name: "skip-geometry-wrong", url: incidentsURL + "?skipGeometry=1", status: 400, has: []string{`"allowed":["true","false"]`}},

	// Orders.
	{name: "sortby-fatalities", url: incidentsURL + "?sortby=-fatalities_best&limit=1", has: []string{`"fatalities_best":70000`, `"rel":"next"`}},
	{name: "sortby-space", url: incidentsURL + "?sortby=+fatalities_best,-start_date&limit=1", has: []string{`"fatalities_best":0`}},
	{name: "sortby-date-first", url: incidentsURL + "?sortby=-start_date,source_id&limit=1", has: []string{`"source_id":"5"`}},
	{name: "sortby-four", url: incidentsURL + "?sortby=country,province,district,unit_id", status: 400},
	{name: "sortby-doubled", url: incidentsURL + "?sortby=country,-country", status: 400},
	{name: "sortby-hole", url: incidentsURL + "?sortby=country,,district", status: 400},
	{name: "sortby-cursor-of-another", url: incidentsURL + "?sortby=country&cursor=AAAAAAAAAAAAAAAAAA", status: 400},
	{name: "sortby-units", url: "/collections/units/items?sortby=name", status: 400},

	// Coordinate reference systems.
	{name: "crs84", url: incidentsURL + "/1?crs=http://www.opengis.net/def/crs/OGC/1.3/CRS84", has: []string{`"coordinates":[71.1,34.1]`}},
	{name: "crs-4326", url: incidentsURL + "?limit=1&crs=http://www.opengis.net/def/crs/EPSG/0/4326", has: []string{`"coordinates":[34.1,71.1]`}},
	{name: "crs-3857", url: incidentsURL + "/1?crs=http://www.opengis.net/def/crs/EPSG/0/3857", has: []string{`"geometry":{"type":"Point","coordinates":[7914815.795,4042237.5]}`}},
	{name: "crs-fg", url: incidentsURL + "?limit=3&f=jsonfg&crs=http://www.opengis.net/def/crs/EPSG/0/4326", golden: true},
	{name: "crs-fg-item", url: incidentsURL + "/1?f=jsonfg&crs=http://www.opengis.net/def/crs/EPSG/0/4326", golden: true},
	{name: "crs-unit", url: "/collections/units/items/af-hel?crs=http://www.opengis.net/def/crs/EPSG/0/4326", has: []string{`"coordinates":[[[[31,63],[31,64],[32,64],[32,63],[31,63]]]]`}},
	{name: "crs-border", url: "/collections/border/items?crs=http://www.opengis.net/def/crs/EPSG/0/4326", has: []string{`[[29.8,60.9],[31.25,66.5],[34.1,71.1]]`}},
	{name: "crs-wrong", url: incidentsURL + "?crs=EPSG:4326", status: 400, golden: true},
	{name: "bbox-4326", url: incidentsURL + "?bbox=34,71,34.1,71.1&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4326", has: []string{`"numberMatched":1`}},
	{name: "bbox-4326-swapped", url: incidentsURL + "?bbox=71,34,71.1,34.1&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4326", has: []string{`"numberMatched":0`}},
	{name: "bbox-4326-heights", url: incidentsURL + "?bbox=34,71,-5,34.1,71.1,9000&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/4326", has: []string{`"numberMatched":1`}},
	{name: "bbox-3857", url: incidentsURL + "?bbox=7914815,4042237,7914817,4042239&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/3857", has: []string{`"numberMatched":1`}},
	{name: "bbox-3857-units", url: "/collections/units/items?bbox=7030000,3250000,7030001,3250001&bbox-crs=http://www.opengis.net/def/crs/EPSG/0/3857", has: []string{`"numberMatched":1`, "pk-ba-chagai"}},

	// CQL2; the language itself is tested in api/cql2.
	{name: "filter", url: incidentsURL + "?filter=fatalities_best%20%3E%3D%202%20AND%20event_type%3D%27Battles%27", has: []string{`"numberMatched":2`}},
	{name: "filter-and", url: incidentsURL + "?filter=fatalities_best%20%3E%3D%202&unit=pk-kp-kurram", has: []string{`"numberMatched":1`}},
	{name: "filter-json", url: incidentsURL + "?filter-lang=cql2-json&filter=" + url.QueryEscape(`{"op":"isNull","args":[{"property":"fatalities_best"}]}`), has: []string{`"numberMatched":5`}},
	{name: "filter-crs", url: incidentsURL + "?filter-crs=http://www.opengis.net/def/crs/EPSG/0/4326&filter=" + url.QueryEscape("S_INTERSECTS(geometry, BBOX(34, 71, 34.2, 71.2))"), has: []string{`"numberMatched":1`}},
	{name: "filter-lines", url: incidentsURL + "?filter=" + url.QueryEscape("country = 'PK'\n\tAND\r\nfatalities_best > 0"), has: []string{`"numberMatched":2`}},
	{name: "filter-withheld", url: incidentsURL + "?filter=dataset%3D%27acled%27", has: []string{`"numberMatched":0`}, hasNot: []string{"withheld by"}},
	{name: "filter-wrong", url: incidentsURL + "?filter=colour%3D1", status: 400, has: []string{`"parameter":"filter"`, "fatalities_best"}},
	{name: "filter-cut", url: incidentsURL + "?filter=fatalities_best%20%3E", status: 400, has: []string{"1:18"}},
	{name: "filter-lang-wrong", url: incidentsURL + "?filter=1%3D1&filter-lang=sql", status: 400, has: []string{`"allowed":["cql2-text","cql2-json"]`}},
	{name: "filter-lang-alone", url: incidentsURL + "?filter-lang=cql2-text", status: 400, has: []string{`"parameter":"filter-lang"`}},
	{name: "filter-crs-wrong", url: incidentsURL + "?filter=1%3D1&filter-crs=EPSG:3857", status: 400},
	{name: "filter-long", url: incidentsURL + "?filter=" + strings.Repeat("1", maxFilter+1), status: 400},
	{name: "filter-units", url: "/collections/units/items?filter=1%3D1", status: 400, has: []string{`"parameter":"filter"`}},
	{name: "filter-aggregates", url: "/aggregates?by=country&filter=fatalities_best%20%3E%3D%202", has: []string{`"country":"PK","count":2`}},
	{name: "filter-columns", url: "/collections/incidents/columns?filter=fatalities_best%20%3E%3D%202", has: []string{`"count":2`}}, {name: "items-fg", url: incidentsURL + "?limit=4&f=jsonfg", golden: true, media: mediaJSONFG},
	{name: "items-fg-accept", url: incidentsURL + "?limit=1", header: map[string]string{"Accept": "application/vnd.ogc.fg+json, application/json;q=0.5"}, media: mediaJSONFG},
	{name: "items-406", url: incidentsURL, header: map[string]string{"Accept": "image/png"}, status: 406, golden: true},
	{name: "items-f-csv", url: incidentsURL + "?f=csv", status: 400, golden: true},
	{name: "items-newest", url: incidentsURL + "?sortby=-start_date&limit=1", has: []string{`"source_id":"5"`}},
	{name: "items-oldest", url: incidentsURL + "?sortby=%2Bstart_date&limit=1", has: []string{`"source_id":"59553"`}},
	{name: "items-unknown-parameter", url: incidentsURL + "?colour=red", status: 400, golden: true},
	{name: "items-twice", url: incidentsURL + "?limit=1&limit=2", status: 400, has: []string{`"parameter":"limit"`}},
	{name: "items-empty-parameter", url: incidentsURL + "?q=", status: 400, has: []string{`"parameter":"q"`}},
	{name: "items-bad-escape", url: incidentsURL + "?q=%zz", status: 400},
	{name: "items-bad-utf8", url: incidentsURL + "?q=%ff", status: 400},
	{name: "limit-0", url: incidentsURL + "?limit=0", status: 400, golden: true},
	{name: "limit-negative", url: incidentsURL + "?limit=-1", status: 400},
	{name: "limit-word", url: incidentsURL + "?limit=ten", status: 400},
	{name: "limit-huge", url: incidentsURL + "?limit=99999999999999999999", has: []string{`"numberReturned":8`}},
	{name: "limit-capped", url: incidentsURL + "?limit=10001", has: []string{`"numberReturned":8`}},
	{name: "cursor-wrong", url: incidentsURL + "?cursor=abc", status: 400, has: []string{`"parameter":"cursor"`}},
	{name: "cursor-other-order", url: incidentsURL + "?sortby=start_date&cursor=AAAAAAAAAAAAAAAAAA", status: 400},
	{name: "sortby-wrong", url: incidentsURL + "?sortby=name", status: 400, has: []string{`"allowed":["id","dataset"`}},

	// bbox
	{name: "bbox", url: incidentsURL + "?bbox=71,34,71.1,34.1", has: []string{`"numberMatched":1`, `"59553"`}},
	{name: "bbox-none", url: incidentsURL + "?bbox=0,0,1,1", has: []string{`"numberMatched":0`, `"features":[`}},
	{name: "bbox-world", url: incidentsURL + "?bbox=-180,-90,180,90", has: []string{`"numberMatched":3`}, hasNot: []string{`"geometry":null`}},
	{name: "bbox-heights", url: incidentsURL + "?bbox=71,34,-5,71.1,34.1,9000", has: []string{`"numberMatched":1`}},
	{name: "bbox-antimeridian", url: incidentsURL + "?bbox=70.3,33,-170,35", has: []string{`"numberMatched":2`}},
	{name: "bbox-upside-down", url: incidentsURL + "?bbox=71,35,72,34", status: 400, golden: true},
	{name: "bbox-three", url: incidentsURL + "?bbox=1,2,3", status: 400},
	{name: "bbox-nan", url: incidentsURL + "?bbox=NaN,2,3,4", status: 400},
	{name: "bbox-inf", url: incidentsURL + "?bbox=-Inf,2,3,4", status: 400},
	{name: "bbox-hex", url: incidentsURL + "?bbox=0x1p4,2,30,4", status: 400},
	{name: "bbox-crs", url: incidentsURL + "?bbox=71,34,71.1,34.1&bbox-crs=http://www.opengis.net/def/crs/OGC/1.3/CRS84", has: []string{`"numberMatched":1`}},
	{name: "bbox-crs-wrong", url: incidentsURL + "?bbox-crs=EPSG:3857", status: 400},

	// datetime
	{name: "datetime-day", url: incidentsURL + "?datetime=2010-01-02", has: []string{`"numberMatched":1`}},
	{name: "datetime-range-last-day", url: incidentsURL + "?datetime=2025-10-01/2025-10-12&unit=pk-kp-khyber", has: []string{`"numberMatched":0`}},
	{name: "datetime-closed", url: incidentsURL + "?datetime=2009-01-01/2009-12-31", has: []string{`"numberMatched":3`}},
	{name: "datetime-open", url: incidentsURL + "?datetime=../2009-03-01", has: []string{`"numberMatched":1`}},
	{name: "datetime-open-empty", url: incidentsURL + "?datetime=2025-10-17/", has: []string{`"numberMatched":2`}},
	{name: "datetime-wide", url: incidentsURL + "?datetime=0001-01-01/9999-12-31", has: []string{`"numberMatched":8`}},
	{name: "datetime-both-open", url: incidentsURL + "?datetime=../..", has: []string{`"numberMatched":8`}},
	{name: "datetime-instant-before", url: incidentsURL + "?datetime=2009-02-28T18:59:59Z&dataset=ged", has: []string{`"numberMatched":0`}},
	{name: "datetime-instant", url: incidentsURL + "?datetime=2009-02-28T19:00:00.5Z&dataset=ged", has: []string{`"numberMatched":1`}},
	{name: "datetime-instant-offset", url: incidentsURL + "?datetime=2009-03-01T00:00:00+05:00&dataset=ged", has: []string{`"numberMatched":1`}},
	{name: "datetime-mixed", url: incidentsURL + "?datetime=2025-10-13/2025-10-16t19:00:00z", has: []string{`"numberMatched":3`}},
	{name: "datetime-gdal", url: incidentsURL + "?datetime=2025-10-17T/..", has: []string{`"numberMatched":2`}},
	{name: "datetime-backwards", url: incidentsURL + "?datetime=2010-01-02/2010-01-01", status: 400, golden: true},
	{name: "datetime-no-such-day", url: incidentsURL + "?datetime=2009-02-30", status: 400},
	{name: "datetime-no-zone", url: incidentsURL + "?datetime=2009-02-28T18:59:59", status: 400},
	{name: "datetime-three", url: incidentsURL + "?datetime=2009-01-01/2009-01-02/2009-01-03", status: 400},
	{name: "datetime-word", url: incidentsURL + "?datetime=yesterday", status: 400},
	{name: "datetime-leap-second", url: incidentsURL + "?datetime=2009-02-28T18:59:00Z/2016-12-31T23:59:60Z&dataset=ged", has: []string{`"numberMatched":3`}},
	{name: "datetime-leap-second-offset", url: incidentsURL + "?datetime=2017-01-01T04:59:60.5%2B05:00/..", has: []string{`"numberMatched":5`}},
	{name: "datetime-no-leap-second", url: incidentsURL + "?datetime=2016-12-31T23:58:60Z", status: 400, has: []string{"2016-12-31T23:58:60Z"}},
	{name: "datetime-second-61", url: incidentsURL + "?datetime=2016-12-31T23:59:61Z", status: 400},
	{name: "datetime-dots", url: incidentsURL + "?datetime=..", status: 400},

	// The other filters.
	{name: "unit", url: incidentsURL + "?unit=pk-kp-kurram", has: []string{`"numberMatched":2`}, hasNot: []string{`"location_name":"Torkham"`}},
	{name: "unit-part", url: incidentsURL + "?unit=pk-kp-fr-kurram", has: []string{`"numberMatched":1`, `"unit_then":"pk-kp-fr-kurram"`}, change: withPart},
	{name: "unit-part-and-other", url: incidentsURL + "?unit=pk-kp-fr-kurram,pk-kp-khyber", has: []string{`"numberMatched":2`}, change: withPart},
	{name: "unit-list", url: incidentsURL + "?unit=pk-kp-kurram,pk-kp-khyber", has: []string{`"numberMatched":3`}},
	{name: "unit-unknown", url: incidentsURL + "?unit=pk-kp-nowhere", status: 400, golden: true},
	{name: "province", url: incidentsURL + "?province=khyber%20pakhtunkhwa", has: []string{`"numberMatched":4`}},
	{name: "country", url: incidentsURL + "?country=AF", has: []string{`"numberMatched":1`}},
	{name: "country-wrong", url: incidentsURL + "?country=IN", status: 400, has: []string{`"allowed":["PK","AF"]`}},
	{name: "event-type", url: incidentsURL + "?event_type=Explosions/Remote%20violence", has: []string{`"numberMatched":2`}, hasNot: []string{`"Battles"`}},
	{name: "event-type-none", url: incidentsURL + "?event_type=none", has: []string{`"numberMatched":2`}, hasNot: []string{`"Battles"`}},
	{name: "event-type-or-none", url: incidentsURL + "?event_type=none,battles", has: []string{`"numberMatched":6`}},
	{name: "event-type-wrong", url: incidentsURL + "?event_type=War", status: 400, golden: true},
	{name: "sub-event-type", url: incidentsURL + "?sub_event_type=armed%20clash", has: []string{`"numberMatched":1`, `"sub_event_type":"Armed clash"`}},
	{name: "sub-event-type-none", url: incidentsURL + "?sub_event_type=none", has: []string{`"numberMatched":7`}, hasNot: []string{"Armed clash"}},
	{name: "sub-event-type-or-none", url: incidentsURL + "?sub_event_type=none,Armed%20clash,Attack", has: []string{`"numberMatched":8`}},
	{name: "sub-event-type-and-type", url: incidentsURL + "?sub_event_type=none&event_type=Battles", has: []string{`"numberMatched":3`}},
	{name: "sub-event-type-wrong", url: incidentsURL + "?sub_event_type=Battles", status: 400, has: []string{`"parameter":"sub_event_type"`, `"allowed":["Government regains territory"`, `"none"]`}},
	{name: "aggregate-sub-event-type", url: "/aggregates?by=event_type&sub_event_type=Armed%20clash", has: []string{`"event_type":"Battles","count":`}, hasNot: []string{"Explosions"}},
	{name: "dataset", url: incidentsURL + "?dataset=demo", has: []string{`"numberMatched":5`}},
	{name: "dataset-withheld", url: incidentsURL + "?dataset=acled", has: []string{`"numberMatched":0`}, hasNot: []string{"withheld by"}},
	{name: "dataset-unknown", url: incidentsURL + "?dataset=none", status: 400, has: []string{`"allowed":["acled","demo","ged"]`}},
	{name: "q-400-letters", url: incidentsURL + "?q=" + url.QueryEscape(strings.Repeat("س", 400)), has: []string{`"numberMatched":0`}},
	{name: "q-401-letters", url: incidentsURL + "?q=" + strings.Repeat("x", 401), status: 400, has: []string{"400 characters"}},
	{name: "actor", url: incidentsURL + "?actor=frontier+CORPS", has: []string{`"numberMatched":1`}},
	{name: "q", url: incidentsURL + "?q=exchange", has: []string{`"numberMatched":1`}},
	{name: "q-space", url: incidentsURL + "?q=%20", status: 400},
	{name: "min-fatalities", url: incidentsURL + "?min_fatalities=2", has: []string{`"numberMatched":2`}},
	{name: "min-fatalities-0", url: incidentsURL + "?min_fatalities=0", has: []string{`"numberMatched":3`}},
	{name: "min-fatalities-large", url: incidentsURL + "?min_fatalities=99999999999999999999", status: 400, has: []string{"from 0 to 2147483647"}},
	{name: "min-fatalities-wrong", url: incidentsURL + "?min_fatalities=-1", status: 400},
	{name: "precision-none", url: incidentsURL + "?precision=none,line", has: []string{`"numberMatched":2`}},
	{name: "precision-wrong", url: incidentsURL + "?precision=3", status: 400},
	{name: "verification", url: incidentsURL + "?verification=disputed", has: []string{`"numberMatched":2`}},
	{name: "border-km", url: incidentsURL + "?border_km=4.9", has: []string{`"numberMatched":2`}},
	{name: "border-km-wrong", url: incidentsURL + "?border_km=-1", status: 400},
	{name: "and", url: incidentsURL + "?unit=pk-kp-kurram&datetime=2009-06-15&bbox=70,33,71,34&min_fatalities=1", has: []string{`"numberMatched":1`}},
	{name: "list-hole", url: incidentsURL + "?unit=pk-kp-kurram,,", status: 400},

	// Single features.
	{name: "item", url: incidentsURL + "/1", golden: true},
	{name: "item-id", url: incidentsURL + "/I1", status: 404, golden: true, hasNot: []string{"table"}},
	{name: "item-zero", url: incidentsURL + "/01", status: 404},
	{name: "item-circle", url: incidentsURL + "/2", golden: true},
	{name: "item-units", url: incidentsURL + "/4", golden: true},
	{name: "item-border", url: incidentsURL + "/5", has: []string{`"place":{"type":"LineString","coordinates":[[60.9,29.8],[66.5,31.25],[71.1,34.1]]}`, `"time":{"date":"2025-10-12"}`}},
	{name: "item-country", url: incidentsURL + "/6", has: []string{`"place":{"type":"MultiPolygon","coordinates":[[[[63,31]`, `[[[68,32]`, `"geometry":null`}},
	{name: "item-none", url: incidentsURL + "/7", has: []string{`"place":null`, `"place_kind":"none"`, `"time":"18:00:00+05:00"`}},
	{name: "item-province", url: incidentsURL + "/8", golden: true, hasNot: []string{"<script"}},
	{name: "item-withheld", url: incidentsURL + "/9", status: 403, golden: true, hasNot: []string{"32.9"}},
	{name: "item-fg", url: incidentsURL + "/1?f=jsonfg", media: mediaJSONFG, has: []string{`"featureType":"incidents"`}, hasNot: []string{"conformsTo"}},
	{name: "unit-fg", url: "/collections/units/items/af-hel?f=jsonfg", media: mediaJSONFG, has: []string{"json-fg-1/0.3/conf/core"}},
	{name: "item-parameter", url: incidentsURL + "/1?bbox=1,2,3,4", status: 400},

	// Histories; of one with several versions in versions_test.go.
	{name: "versions", url: incidentsURL + "/1/versions", golden: true, media: mediaJSON},
	{name: "versions-id", url: incidentsURL + "/" + incident.ID("ged", "59553") + "/versions", has: []string{`"numberMatched":1,"numberReturned":1`}},
	{name: "versions-hostile", url: incidentsURL + "/8/versions?f=json", hasNot: []string{"<script"}, has: []string{`\u003c/script\u003e`}},
	{name: "versions-withheld", url: incidentsURL + "/9/versions", status: 403, golden: true, hasNot: []string{"32.9"}},
	{name: "versions-withheld-id", url: incidentsURL + "/" + incident.ID("acled", "PAK1") + "/versions", status: 403},
	{name: "versions-none", url: incidentsURL + "/I1/versions", status: 404, golden: true},
	{name: "versions-zero", url: incidentsURL + "/01/versions", status: 404},
	{name: "versions-huge", url: incidentsURL + "/99999999999999999999/versions", status: 404},
	{name: "versions-parameter", url: incidentsURL + "/1/versions?crs=x", status: 400, has: []string{`"allowed":["limit","f"]`}},
	{name: "versions-f", url: incidentsURL + "/1/versions?f=csv", status: 400, has: []string{`"parameter":"f"`, `"allowed":["json"]`}},
	{name: "versions-limit", url: incidentsURL + "/1/versions?limit=0", status: 400},
	{name: "versions-406", url: incidentsURL + "/1/versions", header: map[string]string{"Accept": "text/csv"}, status: 406},
	{name: "versions-of-units", url: "/collections/units/items/af-hel/versions", status: 404},
	{name: "versions-post", method: "POST", url: incidentsURL + "/1/versions", status: 405},

	// Places.
	{name: "units", url: "/collections/units/items?limit=2", golden: true, media: mediaGeoJSON},
	{name: "units-bbox", url: "/collections/units/items?bbox=63.2,28.1,63.3,28.2", has: []string{`"numberMatched":1`, "pk-ba-chagai"}},
	{name: "units-datetime", url: "/collections/units/items?datetime=2009-01-01", has: []string{`"numberMatched":5`}, hasNot: []string{`"id":"pk-kp-kurram"`}},
	{name: "units-filter", url: "/collections/units/items?unit=pk-kp-kurram", status: 400},
	{name: "units-f", url: "/collections/units/items?f=csv", status: 400},
	{name: "units-fg", url: "/collections/units/items?f=jsonfg&limit=1", media: mediaJSONFG, has: []string{`"place":null,"time":null`, `"featureType":"units"`}},
	{name: "units-fg-crs", url: "/collections/units/items/pk-kp-upper-agency?f=jsonfg&crs=http://www.opengis.net/def/crs/EPSG/0/4326", golden: true},
	{name: "periods-fg", url: "/collections/periods/items?f=jsonfg", has: []string{`"time":{"interval":["2025-10-19",".."]}`, `"time":{"interval":["2025-10-18","2025-10-19"]}`}},
	{name: "units-datetime-then", url: "/collections/units/items?datetime=2009-01-01/2009-12-31", has: []string{`"numberMatched":5`, `"pk-kp-upper-agency"`, `"pk-kp-fr-kurram"`, `"valid_until":"2010-06-30"`},
		hasNot: []string{`"id":"pk-kp-kurram"`, `"pk-fata"`}},
	{name: "units-datetime-while-changing", url: "/collections/units/items?datetime=2010-06-30/2010-07-01", has: []string{`"numberMatched":7`}},
	// Before and after the former units that are known, and on no day between, today's stands for itself.
	{name: "units-datetime-before", url: "/collections/units/items?datetime=1979-12-31&bbox=63,28,64,29", has: []string{`"numberMatched":1`, `"id":"pk-ba-chagai"`, `"valid_from":"1996-01-01"`}},
	{name: "units-datetime-two-formers", url: "/collections/units/items?datetime=1980-01-01/1995-12-31&bbox=63,28,64,29", has: []string{`"numberMatched":2`, `"pk-ba-old-chagai"`, `"pk-ba-older-chagai"`}},
	{name: "units-datetime-after", url: "/collections/units/items?datetime=1995-12-31/1996-01-01&bbox=63,28,64,29", has: []string{`"numberMatched":2`, `"id":"pk-ba-chagai"`, `"pk-ba-old-chagai"`}},
	{name: "units-datetime-bbox", url: "/collections/units/items?datetime=2009-01-01&bbox=71.2,34.2,71.3,34.3", has: []string{`"numberMatched":1`, `"pk-kp-upper-agency"`}},
	{name: "unit-former", url: "/collections/units/items/pk-kp-upper-agency", golden: true},
	{name: "unit-former-part", url: "/collections/units/items/pk-kp-fr-kurram", has: []string{`"geometry":null`, `"part":true`, `"units":["pk-kp-kurram"]`}},
	{name: "unit-former-province", url: "/collections/units/items/pk-fata", has: []string{`"kind":"province"`}},
	{name: "unit-subunit", url: "/collections/units/items/pk-kp-khyber-landi-kotal", has: []string{`"kind":"tehsil"`, `"name":"Landi Kotal"`, `"units":["pk-kp-khyber"]`, `[71,34]`}},
	{name: "unit-subunit-without", url: "/collections/units/items/pk-kp-khyber-landi-kotal", status: 404, change: func(c *Config) { c.Geocoder = nil }},
	{name: "unit-one", url: "/collections/units/items/af-hel", golden: true},
	{name: "unit-none", url: "/collections/units/items/af-xxx", status: 404},
	{name: "border", url: "/collections/border/items", golden: true},
	{name: "crossings", url: "/collections/crossings/items", golden: true},
	{name: "crossing", url: "/collections/crossings/items/angoor-adda", has: []string{"Angur Ada"}},
	{name: "periods", url: "/collections/periods/items", golden: true},
	{name: "periods-datetime", url: "/collections/periods/items?datetime=2025-10-20/..", has: []string{`"numberMatched":1`, "ceasefire-2025"}, hasNot: []string{"doha"}},
	{name: "periods-bbox", url: "/collections/periods/items?bbox=60,20,80,40", has: []string{`"numberMatched":0`}},

	// Aggregates.
	{name: "aggregates-unit", url: "/aggregates?by=unit", golden: true, has: []string{"af-pka"}},
	{name: "aggregates-two", url: "/aggregates?by=unit,month&dataset=ged", golden: true},
	{name: "aggregates-month", url: "/aggregates?by=month&dataset=ged", golden: true},
	{name: "aggregates-window", url: "/aggregates?by=month&datetime=2009-04-01/2009-06-30", golden: true},
	{name: "aggregates-wide", url: "/aggregates?by=year&datetime=1900-01-01/2100-01-01", golden: true},
	{name: "aggregates-week", url: "/aggregates?by=week&dataset=ged&datetime=2009-12-20/2010-01-10", golden: true},
	{name: "aggregates-outside", url: "/aggregates?by=month&datetime=1900-01-01/1900-12-31", has: []string{"\"rows\":[\n]"}},
	{name: "aggregates-violence", url: "/aggregates?by=type_of_violence", has: []string{`{"type_of_violence":null,`, `{"type_of_violence":1,`}},
	{name: "aggregates-csv", url: "/aggregates?by=province,type_of_violence&f=csv", golden: true, media: "text/csv; charset=utf-8; header=present"},
	{name: "aggregates-accept-csv", url: "/aggregates?by=country", header: map[string]string{"Accept": "text/csv"}, media: "text/csv; charset=utf-8; header=present"},
	{name: "aggregates-no-by", url: "/aggregates", status: 400, has: []string{`"parameter":"by"`}},
	{name: "aggregates-four", url: "/aggregates?by=unit,month,day,year", status: 400},
	{name: "aggregates-twice", url: "/aggregates?by=unit,unit", status: 400},
	{name: "aggregates-unknown", url: "/aggregates?by=colour", status: 400, golden: true},
	{name: "aggregates-limit", url: "/aggregates?by=unit&limit=1", status: 400},

	// Two periods.
	{name: "compare-unit", url: "/compare?a=2009-01-01/2009-12-31&b=2010-01-01/2010-12-31&by=unit", golden: true, media: mediaJSON},
	{name: "compare-country", url: "/compare?a=2009-03-01/2009-05-31&b=2009-06-01/2009-06-30&by=country&country=PK", golden: true,
		has: []string{`{"country":"PK","a":{"count":1,`, `"change":0,"ratio":1}`}},
	{name: "compare-loaded", url: "/compare?a=2008-01-01/2008-12-31&b=2009-01-01/2009-12-31&by=province&dataset=ged", golden: true,
		has: []string{`"a":{"count":null,"fatalities_low":null,"fatalities_best":null,"fatalities_high":null,"fatalities_unknown":null,"fatalities_low_unknown":null,"fatalities_high_unknown":null,"loaded_days":0}`, `"change":null,"ratio":null`}},
	{name: "compare-asked-place", url: "/compare?a=2020-05-05&b=2025-10-13&by=event_type&country=AF", has: []string{`{"event_type":"Explosions/Remote violence","a":{"count":0,`, `{"event_type":"Protests","a":{"count":1,`, `"b":{"count":null,`}},
	{name: "compare-zero", url: "/compare?a=2009-04-01/2009-05-31&b=2009-06-01/2009-06-30&by=unit&dataset=ged",
		has: []string{`"a":{"count":0,"fatalities_low":null,"fatalities_best":null,"fatalities_high":null,"fatalities_unknown":0,"fatalities_low_unknown":0,"fatalities_high_unknown":0,"loaded_days":61}`, `"change":1,"ratio":null`}},
	{name: "compare-open", url: "/compare?a=../2009-12-30&b=2009-12-31/..&by=dataset&dataset=ged", has: []string{`"from":"2009-03-01","to":"2009-12-30","days":305`, `"from":"2009-12-31","to":"2010-01-02","days":3`}},
	{name: "compare-open-nothing", url: "/compare?a=../1900-01-01&b=../..&by=event_type&dataset=ged", has: []string{`"a":{"datetime":"../1900-01-01","from":null,"to":null,"days":null}`}},
	{name: "compare-no-by", url: "/compare?a=2009-01-01&b=2009-01-02", status: 400, has: []string{`"parameter":"by"`}},
	{name: "compare-csv", url: "/compare?a=2009-01-01/2009-12-31&b=2008-01-01/2008-12-31&by=type_of_violence&f=csv", golden: true, media: "text/csv; charset=utf-8; header=present"},
	{name: "compare-violence", url: "/compare?a=2009-03-01&b=2009-12-31/2010-01-02&by=type_of_violence", has: []string{`{"type_of_violence":1,"a":`, `{"type_of_violence":3,`}},
	{name: "compare-units-on", url: "/compare?a=2009-01-01/2009-12-31&b=2010-01-01/2010-12-31&by=unit&units_on=2009-06-01&count=distinct", has: []string{`{"unit":"pk-kp-upper-agency",`, `"count":"distinct"`}},
	{name: "compare-withheld", url: "/compare?a=2020-05-05T00:00:00Z/..&b=2020-01-01/2020-12-31&by=dataset", has: []string{`"withheld":["acled"]`}, hasNot: []string{`"dataset":"acled"`}},
	{name: "compare-counted", url: "/compare?a=2020-05-05&b=2020-05-06&by=dataset", has: []string{`{"dataset":"acled","a":{"count":1,`}, hasNot: []string{"withheld"}},
	{name: "compare-no-b", url: "/compare?a=2009-01-01&by=unit", status: 400, golden: true},
	{name: "compare-wrong-b", url: "/compare?a=2009-01-01&b=yesterday&by=unit", status: 400, has: []string{`"parameter":"b"`, "b has"}},
	{name: "compare-backwards", url: "/compare?a=2009-01-02/2009-01-01&b=2009-01-01&by=unit", status: 400, has: []string{`"parameter":"a"`, "a ends before it begins."}},
	{name: "compare-dots", url: "/compare?a=..&b=2009-01-01&by=unit", status: 400, has: []string{`"parameter":"a"`}},
	{name: "compare-month", url: "/compare?a=2009-01-01&b=2009-01-02&by=month", status: 400, golden: true},
	{name: "compare-two-keys", url: "/compare?a=2009-01-01&b=2009-01-02&by=unit,country", status: 400, has: []string{`"parameter":"by"`}},
	{name: "compare-datetime", url: "/compare?a=2009-01-01&b=2009-01-02&by=unit&datetime=2009-01-01", status: 400, has: []string{`"parameter":"datetime"`}},
	{name: "compare-f", url: "/compare?a=2009-01-01&b=2009-01-02&by=unit&f=html", status: 400, has: []string{`"allowed":["json","csv"]`}},

	// Names and points.
	{name: "geocode", url: "/geocode?q=Torkham", media: mediaJSON, has: []string{`"status":"placed"`, `"unit_id":"pk-kp-khyber"`, `"lon":71.09,"lat":34.12`, `"field":"text","span":[0,7]`, `"attribution":"Boundaries: test; Places: test"`, `"href":"http://sarhad.test/geocode?q=Torkham"`}},
	{name: "geocode-406", url: "/geocode?q=Torkham", header: map[string]string{"Accept": "image/png"}, status: 406},
	{name: "geocode-limit-0", url: "/geocode?q=Torkham&limit=0", status: 400, has: []string{"from 1, and more than 50 counts as 50"}},
	{name: "geocode-limit-many", url: "/geocode?q=Torkham&limit=51"},
	{name: "geocode-twice", url: "/geocode?q=Torkham&q=Chaman", status: 400, has: []string{"give it once."}, hasNot: []string{"commas"}},
	{name: "unit-twice", url: incidentsURL + "?unit=pk-kp-kurram&unit=pk-kp-khyber", status: 400, has: []string{"give it once, with commas between values."}},
	{name: "reverse-406", url: "/reverse?lon=71.2&lat=34.2", header: map[string]string{"Accept": "image/png"}, status: 406},
	{name: "geocode-local", url: "/geocode?q=%D8%B7%D9%88%D8%B1%D8%AE%D9%85", has: []string{`"status":"placed"`, `"lon":71.09`}},
	{name: "geocode-lang", url: "/geocode?q=Kurram&lang=ps", has: []string{`"local":"کرم"`, `"unit_id":"pk-kp-kurram"`, `"lon":null`}},
	{name: "geocode-english", url: "/geocode?q=Kurram", has: []string{`"local":null`}},
	{name: "geocode-ambiguous", url: "/geocode?q=Bahram%20Chah", has: []string{`"status":"ambiguous"`, `"unit_id":null`, `"unit_id":"af-hel"`, `"unit_id":"pk-ba-chagai"`, `"lon":null`}},
	{name: "geocode-ambiguous-country", url: "/geocode?q=Bahram%20Chah&country=AF", has: []string{`"status":"placed"`, `"unit_id":"af-hel"`}},
	{name: "geocode-near", url: "/geocode?q=Bahram%20Chah&near=63.5,31&limit=1", has: []string{`"status":"placed","unit_id":"af-hel"`, "the nearest to the place"}, hasNot: []string{`"unit_id":"pk-ba-chagai"`}},
	{name: "geocode-near-other", url: "/geocode?q=Bahram%20Chah&near=63.5,28&limit=1", has: []string{`"status":"placed","unit_id":"pk-ba-chagai"`}, hasNot: []string{`"unit_id":"af-hel"`}},
	{name: "geocode-unknown", url: "/geocode?q=Nowhere%20at%20all", has: []string{`"status":"unknown"`, `"precision":"none"`, `"candidates":[]`, `"warnings":[]`}},
	{name: "geocode-complete-none", url: "/geocode?q=Nowhe&complete=true", has: []string{`"status":"unknown"`, `"candidates":[]`}},
	{name: "geocode-complete", url: "/geocode?q=Kurr&complete=true", has: []string{`"unit_id":"pk-kp-kurram"`, `"span":[0,4]`}},
	{name: "geocode-complete-province", url: "/geocode?q=Khyber%20Pakh&complete=true", has: []string{`"candidates":[{"unit_id":null,"name":"Khyber Pakhtunkhwa"`}},
	{name: "geocode-complete-whole", url: "/geocode?q=Khyber&complete=true", has: []string{`"unit_id":"pk-kp-khyber"`}, hasNot: []string{"begins so"}},
	{name: "geocode-date", url: "/geocode?q=Kurram&date=2009-05-01", has: []string{`"unit_id":"pk-kp-kurram"`}},
	{name: "geocode-no-q", url: "/geocode", status: 400, has: []string{`"parameter":"q"`}},
	{name: "geocode-blank", url: "/geocode?q=%20%20", status: 400},
	{name: "geocode-long", url: "/geocode?q=" + strings.Repeat("a", 501), status: 400, has: []string{`"parameter":"q"`}},
	{name: "geocode-longest", url: "/geocode?q=" + strings.Repeat("%D8%B7", 500)},
	{name: "geocode-parameter", url: "/geocode?q=Torkham&colour=red", status: 400, golden: true},
	{name: "geocode-date-wrong", url: "/geocode?q=Torkham&date=2009", status: 400, has: []string{`"parameter":"date"`}},
	{name: "geocode-near-wrong", url: "/geocode?q=Torkham&near=34", status: 400, has: []string{`"parameter":"near"`}},
	{name: "geocode-near-outside", url: "/geocode?q=Torkham&near=200,34", status: 400},
	{name: "geocode-lang-wrong", url: "/geocode?q=Torkham&lang=de", status: 400, has: []string{`"allowed":["en","ur","ps","prs","fa"]`}},
	{name: "geocode-complete-wrong", url: "/geocode?q=Torkham&complete=yes", status: 400},
	{name: "geocode-limit-wrong", url: "/geocode?q=Torkham&limit=0", status: 400},
	{name: "geocode-without", url: "/geocode?q=Torkham", status: 404, change: func(c *Config) { c.Geocoder = nil }},
	{name: "reverse", url: "/reverse?lon=71.2&lat=34.2&date=2009-05-01", golden: true, media: mediaJSON},
	{name: "reverse-today", url: "/reverse?lon=71.2&lat=34.2", has: []string{`"then":null`, `"unit_id":"pk-kp-khyber"`}},
	{name: "reverse-no-unit", url: "/reverse?lon=72.1&lat=34.5", has: []string{`"status":"unknown"`, `"unit_id":null`, `"border_side":null`}, hasNot: []string{`"border_km":null`}},
	{name: "reverse-far", url: "/reverse?lon=-9.1&lat=38.7", golden: true},
	{name: "reverse-no-lat", url: "/reverse?lon=71", status: 400, has: []string{`"parameter":"lat"`}},
	{name: "reverse-nan", url: "/reverse?lon=NaN&lat=34", status: 400, has: []string{`"parameter":"lon"`}},
	{name: "reverse-hex", url: "/reverse?lon=0x4p4&lat=34", status: 400},
	{name: "reverse-swapped", url: "/reverse?lon=34&lat=171", status: 400, has: []string{`"parameter":"lat"`}},
	{name: "reverse-parameter", url: "/reverse?lon=71&lat=34&q=x", status: 400, has: []string{`"allowed":["lon","lat","date","f"]`}},
	{name: "reverse-date-wrong", url: "/reverse?lon=71&lat=34&date=1.5.2009", status: 400},
	{name: "reverse-without", url: "/reverse?lon=71&lat=34", status: 404, change: func(c *Config) { c.Geocoder = nil }},

	// Columns.
	{name: "columns-parameter", url: "/collections/incidents/columns?limit=3", status: 400},
	{name: "columns", url: "/collections/incidents/columns", media: mediaColumns, has: []string{"SRHD", `"count":8`, `"withheld":["acled"]`}},
	{name: "columns-post", method: "POST", url: "/collections/incidents/columns", status: 405},
}

func TestScenarios(t *testing.T) {
	for name, open := range testStores {
		t.Run(name, func(t *testing.T) { runScenarios(t, open) })
	}
}

// stable takes out of an answer what differs from store to store.
func stable(body string) string {
	body = changeNumber.ReplaceAllString(body, `"change":N}`)
	return recorded.ReplaceAllString(body, `"recorded_$1$2":"T"`) // the naive store has no clock
}

var (
	changeNumber = regexp.MustCompile(`"change":\d+}`)
	recorded     = regexp.MustCompile(`"recorded_(from|to)":"[-0-9T:]+Z"|"recorded_(from)":null`)
)

func runScenarios(t *testing.T, open func(testing.TB) incident.Reader) {
	usual := mustServer(t, testConfig(open(t)))
	check := newChecker(t, usual)
	names := map[string]bool{}
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			if names[sc.name] {
				t.Fatal("the name is taken")
			}
			names[sc.name] = true
			s := usual
			if sc.change != nil {
				c := testConfig(open(t))
				sc.change(&c)
				s = mustServer(t, c)
			}
			h, err := s.handler()
			if err != nil {
				t.Fatal(err)
			}
			method := sc.method
			if method == "" {
				method = http.MethodGet
			}
			rec := do(h, method, sc.url, sc.header)
			status := sc.status
			if status == 0 {
				status = http.StatusOK
			}
			body := rec.Body.String()
			if rec.Code != status {
				t.Fatalf("%s gives %d, want %d:\n%s", sc.url, rec.Code, status, body)
			}
			media := rec.Header().Get("Content-Type")
			if sc.media != "" && media != sc.media {
				t.Errorf("Content-Type is %q, want %q", media, sc.media)
			}
			if status >= 400 && media != mediaProblem {
				t.Errorf("Content-Type of an error is %q", media)
			}
			if strings.Contains(media, "json") && !json.Valid(rec.Body.Bytes()) {
				t.Errorf("the answer is not JSON:\n%s", body)
			}
			for _, part := range sc.has {
				if !strings.Contains(body, part) {
					t.Errorf("%q is not in the answer:\n%s", part, cut(body))
				}
			}
			for _, part := range sc.hasNot {
				if strings.Contains(body, part) {
					t.Errorf("%q is in the answer:\n%s", part, cut(body))
				}
			}
			if rec.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("X-Content-Type-Options is missing")
			}
			check.answer(t, method, sc.url, rec)
			if sc.golden {
				golden(t, sc.name, fmt.Sprintf("%d %s\n\n%s", rec.Code, media, stable(body)))
			}
			if method == http.MethodGet {
				head := do(h, http.MethodHead, sc.url, sc.header)
				if head.Code != status || head.Body.Len() > 0 || head.Header().Get("ETag") != rec.Header().Get("ETag") {
					t.Errorf("HEAD gives %d with %d bytes and ETag %s, GET %d and %s", head.Code, head.Body.Len(), head.Header().Get("ETag"), status, rec.Header().Get("ETag"))
				}
			}
		})
	}
}

func cut(s string) string {
	if len(s) > 3000 {
		return s[:3000] + "…"
	}
	return s
}

func do(h http.Handler, method, url string, header map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, nil)
	r.Host = "sarhad.test"
	for k, v := range header {
		r.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run go test ./api -update", err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, d)
	}
}

// checker holds answers against our own OpenAPI document.
type checker struct{ router routers.Router }

func newChecker(t testing.TB, s *server) *checker {
	t.Helper()
	for _, m := range []string{mediaGeoJSON, mediaJSONFG, mediaSchema, mediaProblem, "application/vnd.oai.openapi+json"} {
		openapi3filter.RegisterBodyDecoder(m, openapi3filter.JSONBodyDecoder)
	}
	openapi3filter.RegisterBodyDecoder("text/html", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder("text/csv", openapi3filter.PlainBodyDecoder)
	openapi3filter.RegisterBodyDecoder(mediaEvents, openapi3filter.PlainBodyDecoder)
	doc, err := openapi3.NewLoader().LoadFromData(bytes.Replace(s.openapi, []byte(serverPlaceholder), []byte(`"http://sarhad.test"`), 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &checker{router}
}

// answer checks an answer; one of a route that the document does not have can only be a problem.
func (ch *checker) answer(t testing.TB, method, url string, rec *httptest.ResponseRecorder) {
	t.Helper()
	if strings.HasPrefix(url, "/assets/") { // a path that OpenAPI cannot say, and no JSON
		return
	}
	r := httptest.NewRequest(method, "http://sarhad.test"+url, nil)
	route, vars, err := ch.router.FindRoute(r)
	if err != nil {
		if rec.Code < 400 {
			t.Errorf("the OpenAPI document does not have %s %s: %v", method, url, err)
		}
		return
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: vars, Route: route},
		Status:                 rec.Code, Header: rec.Header(), Body: io.NopCloser(bytes.NewReader(rec.Body.Bytes())),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s does not fit the OpenAPI document: %s", method, url, cut(err.Error()))
	}
}
