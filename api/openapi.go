package api

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"sarhad/api/cql2"
	"sarhad/geo"
	"sarhad/incident"
)

// serverPlaceholder stands in the encoded document for the address of the server.
const serverPlaceholder = `"sarhad-server-url"`

// object is a JSON object of the OpenAPI document.
type object = map[string]any

func ref(kind, name string) object { return object{"$ref": "#/components/" + kind + "/" + name} }

func schemaRef(name string) object { return ref("schemas", name) }

func typed(t string) object { return object{"type": t} }

func nullable(schema object) object {
	out := object{"nullable": true}
	for k, v := range schema {
		out[k] = v
	}
	return out
}

func arrayOf(items object) object { return object{"type": "array", "items": items} }

// nullableEnum is a word of a vocabulary or null; OpenAPI 3.0 wants null named among the values too.
func nullableEnum(values []string) object {
	list := make([]any, 0, len(values)+1)
	for _, v := range values {
		list = append(list, v)
	}
	return object{"type": "string", "nullable": true, "enum": append(list, nil)}
}

// closed is an object that has exactly these members.
func closed(members object, optional ...string) object {
	required := []string{}
	for name := range members {
		if !contains(optional, name) {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": members, "required": sorted(required), "additionalProperties": false}
}

func queryParam(name, description string, schema object, list bool) object {
	p := object{"name": name, "in": "query", "description": description, "required": false, "schema": schema}
	if list {
		p["schema"] = object{"type": "array", "items": schema, "minItems": 1}
		p["style"], p["explode"] = "form", false
	}
	return p
}

func pathParam(name, description string, schema object) object {
	return object{"name": name, "in": "path", "required": true, "description": description, "schema": schema}
}

func content(mediaAndSchema ...any) object {
	c := object{}
	for i := 0; i+1 < len(mediaAndSchema); i += 2 {
		c[mediaAndSchema[i].(string)] = object{"schema": mediaAndSchema[i+1]}
	}
	return c
}

// The tags of routes whose answers follow from the incidents.
const (
	tagIncidents = "Incidents"
	tagTiles     = "Tiles"
)

// get describes a route with its answers.
func get(id, summary string, tags []string, parameters []any, ok object) object {
	responses := object{
		"200": object{"description": summary, "content": ok, "headers": object{
			"ETag":       object{"description": "Made from the store's change number and the request.", "schema": typed("string")},
			changeHeader: object{"description": "The change number of the store that the answer is of, if it follows from the incidents. A request with the header " + atLeastHeader + " waits for one.", "schema": typed("integer")}}},
		"304":     object{"description": "The client has this answer already (If-None-Match)."},
		"400":     ref("responses", "Problem"),
		"401":     ref("responses", "Refused"), // of a closed layer without a token, and of any route with one that is not valid
		"403":     ref("responses", "Refused"),
		"404":     ref("responses", "Problem"),
		"406":     ref("responses", "Problem"),
		"default": ref("responses", "Problem"),
	}
	op := object{"operationId": id, "summary": summary, "tags": tags, "responses": responses}
	if slices.Contains(tags, tagIncidents) || slices.Contains(tags, tagTiles) {
		responses["503"] = ref("responses", "Problem")
		parameters = append(parameters[:len(parameters):len(parameters)], ref("parameters", atLeastHeader))
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	return object{"get": op}
}

// openapiDocument describes every route. It is made of the same tables that
// the routes check their parameters with.
func (s *server) openapiDocument() ([]byte, error) {
	param := func(name string) object { return ref("parameters", name) }
	var filters []any
	for _, name := range filterParams {
		filters = append(filters, param(name))
	}
	formatParam := func(formats []format) object {
		var names []string
		for _, f := range formats {
			names = append(names, f.names...)
		}
		return queryParam("f", "The format of the answer; without it the Accept header decides.", object{"type": "string", "enum": names}, false)
	}
	jsonF, pageF := formatParam(jsonFormats), formatParam(pageFormats)
	text := typed("string")

	aggregateOwn := []any{param("by"), formatParam(aggregateFormats),
		queryParam("count", "Whether likely duplicates across datasets count each (all) or once in each group (distinct).", object{"type": "string", "enum": countWords, "default": countAll}, false)}
	if s.Geocoder != nil {
		aggregateOwn = append(aggregateOwn, queryParam("units_on", "The day (YYYY-MM-DD) under whose units to count, if by has unit; today without it.", object{"type": "string", "minLength": 1}, false))
	}

	twoPeriods := []any{
		object{"name": "a", "in": "query", "required": true, "description": "The first period, written as datetime is.", "schema": object{"type": "string", "minLength": 1}},
		object{"name": "b", "in": "query", "required": true, "description": "The second period.", "schema": object{"type": "string", "minLength": 1}},
		object{"name": "by", "in": "query", "required": true, "description": "The key of the rows.", "schema": object{"type": "string", "enum": compareKeys}},
	}
	compareFilters := slices.DeleteFunc(slices.Clone(filters), func(p any) bool { return p.(object)["$ref"] == param(paramDatetime)["$ref"] })

	paths := object{
		"/": get("landing", "The map for browsers, the landing page for programs", []string{"Capabilities"},
			[]any{pageF}, content(mediaJSON, schemaRef("landingPage"), mediaHTML, text)),
		"/api":         get("api", "This document", []string{"Capabilities"}, []any{jsonF}, content(mediaOpenAPI, typed("object"))),
		"/conformance": get("conformance", "The conformance classes that hold", []string{"Capabilities"}, []any{pageF}, content(mediaJSON, schemaRef("confClasses"), mediaHTML, text)),
		"/collections": get("collections", "The collections", []string{"Capabilities"}, []any{pageF}, content(mediaJSON, schemaRef("collections"), mediaHTML, text)),
		"/assets/{file}": get("asset", "A file of the page", []string{"Page"},
			[]any{pathParam("file", "The name of the file", typed("string"))}, content("*/*", object{"type": "string", "format": "binary"})),
		"/collections/incidents/columns": get("columns", "The incidents of a filter as binary columns", []string{tagIncidents},
			filters, content(mediaColumns, object{"type": "string", "format": "binary"})),
		"/collections/incidents/items/{fid}/versions": get("versions", "The history of one incident, the newest version first", []string{tagIncidents},
			[]any{pathParam("fid", "The id of the incident or a row number that it has or had", text),
				queryParam("limit", fmt.Sprintf("How many versions to give, the newest ones; more than %d counts as %d.", maxLimit, maxLimit),
					object{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit}, false), jsonF},
			content(mediaJSON, schemaRef("versions"))),
		"/aggregates": get("aggregates", "Counts and fatalities by up to three keys", []string{tagIncidents},
			append(aggregateOwn, filters...), content(mediaJSON, schemaRef("aggregates"), mediaCSV, typed("string"))),
		"/compare": get("compare", "Counts and fatalities of two periods by one key, and by how much they differ", []string{tagIncidents},
			slices.Concat(twoPeriods, aggregateOwn[1:], compareFilters), content(mediaJSON, schemaRef("comparison"), mediaCSV, text)),
		"/datasets": get("datasets", "What is loaded", []string{tagIncidents}, []any{jsonF}, content(mediaJSON, schemaRef("datasets"))),
		"/healthz":  get("health", "Whether the process runs", []string{"Operations"}, nil, content(mediaJSON, schemaRef("state"))),
		"/readyz":   get("ready", "Whether the server can answer", []string{"Operations"}, nil, content(mediaJSON, schemaRef("state"))),
	}
	for _, col := range s.collections {
		path := "/collections/" + col.id
		paths[path] = get("describe_"+col.id, col.title, []string{"Capabilities"}, []any{pageF}, content(mediaJSON, schemaRef("collection"), mediaHTML, text))
		for _, kind := range []string{"queryables", "schema"} {
			paths[path+"/"+kind] = get(kind+"_"+col.id, col.title+": "+kind+" as JSON Schema", []string{"Capabilities"}, []any{formatParam(schemaFormats)},
				content(mediaSchema, schemaRef("jsonSchema"), mediaHTML, text))
		}
		tag, formats, itemFormats := []string{"Places"}, placeFormats, placeFormats
		parameters := []any{}
		one, many := schemaRef("feature"), schemaRef("featureCollection")
		if col.id == incidentsID {
			tag, formats, itemFormats = []string{tagIncidents}, s.itemFormats, incidentFormats
			parameters = append(append(parameters, param("sortby"), param("properties"), param("skipGeometry"), param(paramHXL)), filters...)
			one, many = schemaRef("incidentOne"), schemaRef("incidentCollection")
		} else {
			parameters = append(parameters, param("bbox"), param("bbox-crs"), param("datetime"))
		}
		parameters = append(parameters, param("limit"), param("cursor"), param("crs"), formatParam(formats))
		itemsContent, itemContent := content(mediaGeoJSON, many, mediaJSONFG, many, mediaHTML, text), content(mediaGeoJSON, one, mediaJSONFG, one, mediaHTML, text)
		if col.id == incidentsID {
			for _, e := range s.Exports {
				if media := bareMedia(e.Media); media == mediaGeoJSON { // pages have it too
					itemsContent[media] = object{"schema": object{"anyOf": []any{many, schemaRef("incidentFile")}}}
				} else {
					itemsContent[media] = object{"schema": object{"type": "string", "format": "binary"}}
				}
			}
		}
		paths[path+"/items"] = get("items_"+col.id, "Features of "+col.title, tag, parameters, itemsContent)
		paths[path+"/items/{fid}"] = get("item_"+col.id, "One feature of "+col.title, tag,
			[]any{pathParam("fid", "The id of the feature; for incidents its row number too", typed("string")), param("crs"), formatParam(itemFormats)}, itemContent)
		for _, p := range []string{path + "/items", path + "/items/{fid}"} {
			headers := paths[p].(object)["get"].(object)["responses"].(object)["200"].(object)["headers"].(object)
			headers["Link"] = object{"description": "The links of the answer, that to the next page only if it is known before the answer is sent.", "schema": text}
			headers["Content-Crs"] = object{"description": "The coordinate reference system, in angle brackets.", "schema": text}
		}
	}

	if s.Geocoder != nil {
		number := typed("number")
		text := object{"type": "string", "minLength": 1, "maxLength": maxPlaceText}
		date := queryParam("date", "The day in whose units to think.", object{"type": "string", "format": "date"}, false)
		near := queryParam("near", "lon,lat: where several places are possible, the one nearest to this point is taken.", object{"type": "array", "items": number, "minItems": 2, "maxItems": 2}, false)
		near["style"], near["explode"] = "form", false
		required := func(p object) object { p["required"] = true; return p }
		paths["/geocode"] = get("geocode", "What is known of a place that is named in words", []string{"Places"}, []any{
			required(queryParam("q", "The name or the phrase, in any script.", text, false)), date,
			queryParam("adm1", "The province, as the source writes it.", text, false),
			queryParam("country", "The country, a name or a code.", text, false), near,
			queryParam("limit", fmt.Sprintf("How many candidates to give; more than %d counts as %d.", maxCandidates, maxCandidates), object{"type": "integer", "minimum": 1, "maximum": maxCandidates, "default": maxCandidates}, false),
			queryParam("lang", "The language of the candidates' local names; without it Urdu for a text in Arabic script, else none.", object{"type": "string", "enum": placeLangs}, false),
			queryParam("complete", "true puts names that begin with the text before what is known of parts of it, unless the whole of it is known.", object{"type": "string", "enum": []string{"true", "false"}}, false),
			jsonF,
		}, content(mediaJSON, schemaRef("place")))
		paths["/reverse"] = get("reverse", "Where a point lies", []string{"Places"}, []any{
			required(queryParam("lon", "The longitude in degrees.", object{"type": "number", "minimum": -180, "maximum": 180}, false)),
			required(queryParam("lat", "The latitude in degrees.", object{"type": "number", "minimum": -90, "maximum": 90}, false)),
			date, jsonF,
		}, content(mediaJSON, schemaRef("reversed")))
	}

	for path, item := range importPaths() {
		paths[path] = item
	}
	for path, item := range tilePaths() {
		paths[path] = item
	}

	doc := object{
		"openapi": "3.0.3",
		"info": object{"title": title, "description": description + " " + s.BorderNote, "version": orDefault(s.Version, "dev"),
			"license": object{"name": "Apache-2.0"}},
		"servers": []any{object{"url": "sarhad-server-url"}},
		"tags":    []any{object{"name": "Capabilities"}, object{"name": tagIncidents}, object{"name": "Places"}, object{"name": tagTiles}, object{"name": "Imports"}, object{"name": "Operations"}, object{"name": "Page"}},
		"paths":   paths,
		// Without a token everybody gets what is open; with one of the scope read all.
		"security": []any{object{}, object{"token": []string{}}},
		"components": object{
			"parameters": s.openapiParameters(),
			"schemas":    openapiSchemas(),
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer",
				"description": "A token made by sarhad token create: with the scope write it loads files and undoes what it loaded, with admin also what others did, with read it sees closed layers and incidents neither delayed nor blurred. What sarhad serve was started with (--write-token) is one with write. A token that is not valid is answered 401 at every address, one without the scope 403."}},
			"responses": object{
				"Problem": object{"description": "What is wrong, in words (RFC 9457)", "content": content(mediaProblem, schemaRef("problem"))},
				"Refused": object{"description": "401: a token is needed, or the one given is not valid. 403: the token does not have the scope, or the terms of the dataset allow no single incidents.",
					"headers": object{"WWW-Authenticate": object{"description": "Bearer; what is wrong with the token, and the scope that is needed.", "schema": text}},
					"content": content(mediaProblem, schemaRef("problem"))},
			},
		},
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("encode OpenAPI document: %w", err)
	}
	return b, nil
}

// importPaths describes what takes files and says what became of them.
func importPaths() object {
	text, boolean := typed("string"), object{"type": "string", "enum": booleans, "default": "false"}
	problem, refused := ref("responses", "Problem"), ref("responses", "Refused")
	op := func(id, summary, status string, answer object, parameters ...any) object {
		o := object{"operationId": id, "summary": summary, "tags": []string{"Imports"}, "security": []any{object{"token": []string{}}},
			"responses": object{status: object{"description": summary, "content": answer},
				"400": problem, "401": refused, "403": refused, "404": problem, "409": problem, "default": problem}}
		if len(parameters) > 0 {
			o["parameters"] = parameters
		}
		return o
	}
	jsonF := queryParam("f", "The format of the answer.", object{"type": "string", "enum": []string{"json"}}, false)
	id := pathParam("id", "The id of the upload, or the number of an import.", text)
	fields := []struct {
		name, about string
		schema      object
	}{
		{"format", "The layout of the file; found out unless given.", text},
		{"dataset", "The name of the dataset; else that of the layout or the file.", text},
		{paramMapping, "A mapping as YAML; a long one only fits into the form.", text},
		{"replace_dataset", "true says that the file is the whole dataset: what is not in it is taken away.", boolean},
		{"strict", "true keeps all out if one row is refused.", boolean},
		{"dry_run", "true stores nothing and says what would change.", boolean},
		{"delay", "How long everybody waits for an incident after its last day, such as 72h or 7d; a longer delay of the dataset holds.", text},
		{"blur", "What everybody sees at most of places; a coarser blur of the dataset holds.", object{"type": "string", "enum": incident.BlurWords()}},
	}
	some := object{"type": "string", "minLength": 1}
	parameters := []any{queryParam("file", "The name of the file.", some, false)}
	form := object{"file": object{"type": "string", "format": "binary", "description": "The file, the last part."}}
	for _, f := range fields {
		form[f.name] = f.schema // may be empty
		if f.schema["enum"] == nil {
			f.schema = some
		}
		parameters = append(parameters, queryParam(f.name, f.about, f.schema, false))
	}
	post := op("upload", "Take a file and load it after those before it", "202", content(mediaJSON, schemaRef("import")), parameters...)
	post["requestBody"] = object{"required": true, "content": object{
		"multipart/form-data":      object{"schema": object{"type": "object", "required": []string{"file"}, "properties": form, "additionalProperties": false}},
		"application/octet-stream": object{"schema": object{"type": "string", "format": "binary"}},
	}}
	responses := post["responses"].(object)
	responses["202"].(object)["headers"] = object{"Location": object{"description": "Where to ask what became of it.", "schema": text}}
	responses["408"], responses["413"], responses["415"], responses["503"] = problem, problem, problem, problem
	return object{
		importsPath: object{"get": op("imports", "Uploads and imports, newest first", "200", content(mediaJSON, schemaRef("imports")), jsonF), "post": post},
		importsPath + "/{id}": object{"get": op("import", "What became of an upload", "200", content(mediaJSON, schemaRef("import")), id, jsonF),
			"delete": op("undo", "Call an upload off, or undo what it did", "200", content(mediaJSON, schemaRef("undone")), id)},
		importsPath + "/{id}/events":  object{"get": op("events", "Server-sent events: progress while it is loaded, end with the job at its end", "200", content(mediaEvents, text), id)},
		importsPath + "/{id}/rejects": object{"get": op("rejects", "The refused rows as CSV, to be mended and loaded again", "200", content(mediaCSV, text), id)},
	}
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (s *server) openapiParameters() object {
	enum := func(values []string) object {
		if len(values) == 0 {
			return object{"type": "string", "minLength": 1}
		}
		return object{"type": "string", "enum": values}
	}
	number := typed("number")
	some := object{"type": "string", "minLength": 1}
	out := object{}
	list := func(p object) object { p["style"], p["explode"] = "form", false; return p }
	for _, p := range []object{
		queryParam("limit", fmt.Sprintf("How many features a page has; more than %d counts as %d. Exports (csv, kml, …) have all of them unless it is given.", maxLimit, maxLimit),
			object{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": defaultLimit}, false),
		queryParam(paramHXL, "1 for a row of HXL tags below the header; with f=csv only.", enum([]string{"1", "0"}), false),
		queryParam("cursor", "The place in the list that a next link goes on from.", some, false),
		list(queryParam("sortby", fmt.Sprintf("Up to %d properties to sort by, each with - before it for the other direction; null comes last, and what is the same is in the order of the store. "+
			"Without it the order is that of the store. Of other orders than start_date and -start_date at most %d incidents may match, and %d bytes of a text count.", maxSortKeys, maxSorted, maxSortText),
			object{"type": "array", "items": object{"type": "string", "pattern": "^[+-]?(" + strings.Join(sortable, "|") + ")$"}, "minItems": 1, "maxItems": maxSortKeys}, false)),
		queryParam("properties", "The properties that features have; without it all.", enum(memberNames), true),
		queryParam("skipGeometry", "true leaves the geometries out.", enum(booleans), false),
		queryParam("crs", "The coordinate reference system of the answer.", object{"type": "string", "enum": crsNames, "default": crs84}, false),
		queryParam(paramFilter, fmt.Sprintf("A filter in CQL2 (OGC 21-065r2), of the queryables of the collection, at most %d bytes of UTF-8.", maxFilter), object{"type": "string", "minLength": 1, "maxLength": maxFilter}, false),
		queryParam(paramFilterLang, "The encoding of the filter.", object{"type": "string", "enum": words(cql2.Langs), "default": string(cql2.Text)}, false),
		queryParam(paramFilterCRS, "The coordinate reference system of the geometries in the filter.", object{"type": "string", "enum": crsNames, "default": crs84}, false),
		{"name": "by", "in": "query", "required": true, "description": "One to three keys.", "style": "form", "explode": false,
			"schema": object{"type": "array", "items": enum(aggregateKeys), "minItems": 1, "maxItems": maxKeys}},
		{"name": "bbox", "in": "query", "required": false, "description": "minlon,minlat,maxlon,maxlat, or six numbers with heights, which are ignored; minlon may be larger than maxlon across the antimeridian. With bbox-crs in the order of its axes.",
			"style": "form", "explode": false, "schema": object{"type": "array", "minItems": 4, "maxItems": 6, "items": number}},
		queryParam("bbox-crs", "The coordinate reference system of bbox.", object{"type": "string", "enum": crsNames, "default": crs84}, false),
		queryParam("datetime", "A day, an RFC 3339 date-time, or two of them with / between, closed at both ends; .. for an open end. Days are compared with local days, date-times with the instants of those days.", some, false),
		queryParam("unit", "Ids of units, of today or former ones; a former one stands for all that lies wholly within it.", enum(s.unitWords()), true),
		queryParam("province", "English names of first-level units.", enum(s.provinces), true),
		queryParam("country", "Countries.", enum(incident.Countries), true),
		queryParam("event_type", "ACLED's event types; none for incidents without one.", enum(eventTypesOrNone), true),
		queryParam("sub_event_type", "ACLED's sub-event types; none for incidents without one.", enum(subEventTypesOrNone), true),
		queryParam("dataset", "Names of datasets.", some, true),
		queryParam("actor", "Words of a name of either side or an associated actor; each must occur, case does not matter.", object{"type": "string", "minLength": 1, "maxLength": maxWordsLength}, false),
		queryParam("min_fatalities", "The least fatalities_best, or where that is not reported the least fatalities_low; incidents without either never pass.", object{"type": "integer", "minimum": 0, "maximum": math.MaxInt32}, false),
		queryParam("precision", "How well the place is known.", enum(locationPrecisions), true),
		queryParam("verification", "How far the report was checked.", enum(verifications), true),
		queryParam("border_km", "Incidents that may lie within so many kilometres of the border.", object{"type": "number", "minimum": 0}, false),
		queryParam("q", "Words in the summary, the location or the sides; each must occur, case does not matter.", object{"type": "string", "minLength": 1, "maxLength": maxWordsLength}, false),
	} {
		out[p["name"].(string)] = p
	}
	out[atLeastHeader] = object{"name": atLeastHeader, "in": "header", "required": false, "schema": object{"type": "integer", "minimum": 0},
		"description": fmt.Sprintf("A change number that %s gave, of an answer or of a load. The answer is of it or a later one: it is waited for up to %d seconds, then the answer is 503.", changeHeader, int(atLeastWait.Seconds()))}
	return out
}

func openapiSchemas() object {
	text, number, integer, boolean := typed("string"), typed("number"), object{"type": "integer"}, typed("boolean")
	day := object{"type": "string", "format": "date"}
	textOrNull, intOrNull, numberOrNull := nullable(text), nullable(integer), nullable(number)
	texts := arrayOf(text)
	source := closed(object{"publisher": textOrNull, "title": textOrNull, "url": textOrNull, "date": textOrNull, "language": textOrNull, "is_party": boolean})
	claim := closed(object{"quantity": textOrNull, "about": textOrNull, "low": intOrNull, "best": intOrNull, "high": intOrNull, "qualifier": textOrNull,
		"claimant": textOrNull, "claimant_role": textOrNull, "source": intOrNull, "quote": textOrNull, "language": textOrNull})
	kinds := words(incident.PlaceKinds)
	precisions := words(incident.TimePrecisions)
	classes := words(incident.EventClasses)

	properties := closed(object{
		"fid": integer, "dataset": textOrNull, "source_id": textOrNull, "start_date": day, "end_date": day, "time": textOrNull,
		"time_precision": nullableEnum(precisions), "event_type": nullableEnum(words(incident.EventTypes)), "sub_event_type": textOrNull,
		"event_type_text": textOrNull, "event_class": nullableEnum(classes), "type_of_violence": intOrNull,
		"type_of_violence_name": nullableEnum([]string{"state-based", "non-state", "one-sided"}), "actor1": textOrNull, "actor2": textOrNull, "assoc_actors": texts,
		"dyad": textOrNull, "fatalities_low": intOrNull, "fatalities_best": intOrNull, "fatalities_high": intOrNull, "deaths_a": intOrNull,
		"deaths_b": intOrNull, "deaths_civilians": intOrNull, "deaths_unknown": intOrNull, "country": nullableEnum(incident.Countries),
		"province": textOrNull, "district": textOrNull, "unit_id": textOrNull, "pcode": textOrNull, "location_name": textOrNull,
		"unit_then": textOrNull, "district_then": textOrNull, "subunit_id": textOrNull, "crossing": textOrNull, "crossing_km": numberOrNull,
		"location_text": textOrNull, "location_precision": nullableEnum(locationPrecisions), "location_precision_code": textOrNull,
		"place_kind": object{"type": "string", "enum": kinds}, "place_units": texts, "place_radius_m": numberOrNull,
		"border_km_min": numberOrNull, "border_km_max": numberOrNull, "border_side": nullableEnum([]string{"PK", "AF", "straddles", "unknown"}),
		"verification": nullableEnum(verifications), "event_clarity": textOrNull, "claims": arrayOf(schemaRef("claim")), "sources": arrayOf(schemaRef("source")),
		"summary": textOrNull, "warnings": texts, "candidates": texts, "file": textOrNull, "line": intOrNull, "synthetic": boolean,
		"likely_duplicates": arrayOf(closed(object{"id": text, "fid": integer, "dataset": text, "reasons": arrayOf(object{"type": "string", "enum": words(incident.LinkReasons)}),
			"distance_km": numberOrNull, "days_apart": object{"type": "integer", "minimum": 0, "maximum": 1}})),
	}, "likely_duplicates")
	geometry := object{"type": "object", "nullable": true, "required": []string{"type", "coordinates"}, "additionalProperties": false,
		"properties": object{"type": object{"type": "string", "enum": []string{"Point", "LineString", "Polygon", "MultiPolygon"}}, "coordinates": object{"type": "array", "items": object{}}}}
	point := object{"type": "object", "nullable": true, "required": []string{"type", "coordinates"}, "additionalProperties": false,
		"properties": object{"type": object{"type": "string", "enum": []string{"Point"}}, "coordinates": object{"type": "array", "items": number, "minItems": 2, "maxItems": 2}}}
	featureType := object{"type": "string", "enum": []string{"Feature"}}
	collectionType := object{"type": "string", "enum": []string{"FeatureCollection"}}
	links := arrayOf(schemaRef("link"))
	count := object{"type": "integer", "minimum": 0}
	// What JSON-FG adds, to any document and to any feature.
	fgNames := []string{"conformsTo", "featureType", "featureSchema", "coordRefSys"}
	withFG := func(members object) object {
		members["conformsTo"], members["featureType"], members["featureSchema"], members["coordRefSys"] = texts, text, text, text
		return members
	}
	list := func(feature string) object {
		return closed(withFG(object{"type": collectionType, "features": arrayOf(schemaRef(feature)), "numberMatched": count, "numberReturned": count, "links": links}), fgNames...)
	}
	end := object{"type": "string", "pattern": `^(\d{4}-\d{2}-\d{2}|\.\.)$`}
	time := object{"type": "object", "additionalProperties": false, "properties": object{"date": day, "interval": object{"type": "array", "items": end, "minItems": 2, "maxItems": 2}}}
	some := object{}
	for k, v := range properties {
		some[k] = v
	}
	delete(some, "required") // with the parameter properties only some are there
	numbers := func(n int) object { return object{"type": "array", "items": number, "minItems": n, "maxItems": n} }
	collection := object{"type": "object", "required": []string{"id", "links"}, "properties": object{"id": text, "title": text, "description": text,
		"attribution": text, "itemType": text, "crs": object{"type": "array", "items": object{"type": "string", "enum": crsNames}}, "storageCrs": text, "links": links, "extent": closed(object{
			"spatial":  closed(object{"bbox": arrayOf(numbers(4)), "crs": text}),
			"temporal": closed(object{"interval": arrayOf(object{"type": "array", "items": nullable(object{"type": "string", "format": "date-time"}), "minItems": 2, "maxItems": 2}), "trs": text}),
		}, "spatial", "temporal")}}
	side := closed(object{"count": nullable(count), "fatalities_low": intOrNull, "fatalities_best": intOrNull, "fatalities_high": intOrNull, "fatalities_unknown": nullable(count),
		"fatalities_low_unknown": nullable(count), "fatalities_high_unknown": nullable(count), "loaded_days": count})
	pair := object{"a": side, "b": side, "change": intOrNull, "ratio": nullable(object{"type": "number", "minimum": 0})}
	comparedPeriod := closed(object{"datetime": text, "from": nullable(day), "to": nullable(day), "days": nullable(count)})
	row := object{"count": count, "fatalities_low": intOrNull, "fatalities_best": intOrNull, "fatalities_high": intOrNull, "fatalities_unknown": count,
		"fatalities_low_unknown": count, "fatalities_high_unknown": count}
	rowOptional := []string{}
	for _, k := range aggregateKeys {
		row[k] = textOrNull
		if k == string(incident.KeyTypeOfViolence) {
			row[k] = intOrNull
		}
		rowOptional = append(rowOptional, k)
		if contains(compareKeys, k) {
			pair[k] = row[k]
		}
	}

	statuses := []string{string(geo.StatusPlaced), string(geo.StatusAmbiguous), string(geo.StatusUnknown)}
	nearby := nullable(closed(object{"name": text, "km": number}))
	candidate := closed(object{"unit_id": textOrNull, "name": text, "place": textOrNull, "local": textOrNull, "kind": text, "subunit_id": textOrNull, "precision": text,
		"score": object{"type": "number", "minimum": 0, "maximum": 1}, "reasons": texts,
		"field": nullableEnum([]string{"text", "place", "adm1", "adm2"}), "span": object{"type": "array", "nullable": true, "items": count, "minItems": 2, "maxItems": 2}, "lon": numberOrNull, "lat": numberOrNull})

	states := words([]incident.JobState{incident.JobWaiting, incident.JobRunning, incident.JobDone, incident.JobFailed, incident.JobUndone})
	moment := nullable(object{"type": "string", "format": "date-time"})
	upload := closed(object{"id": text, "state": object{"type": "string", "enum": states}, "import": intOrNull, "file": text, "format": text, "dataset": textOrNull,
		"replace_dataset": boolean, "strict": boolean, "dry_run": boolean, "who": textOrNull, "ahead": count, "rows": count, "bytes": count, "total_bytes": intOrNull,
		"received": moment, "started": moment, "ended": moment, "report": nullable(typed("object")), "problem": textOrNull, "rejects": boolean, "links": links})

	return object{
		"place": closed(object{"status": object{"type": "string", "enum": statuses}, "unit_id": textOrNull, "name": textOrNull,
			"precision": object{"type": "string", "enum": locationPrecisions}, "lon": numberOrNull, "lat": numberOrNull, "units": texts, "subunit_id": textOrNull,
			"then": textOrNull, "country": textOrNull, "province": textOrNull, "candidates": arrayOf(candidate),
			"warnings":    arrayOf(closed(object{"code": text, "detail": text, "km": number}, "km")),
			"attribution": textOrNull, "links": links}),
		"reversed": closed(object{"status": object{"type": "string", "enum": []string{string(geo.StatusPlaced), string(geo.StatusUnknown)}}, "unit_id": textOrNull, "name": textOrNull,
			"country": textOrNull, "province": textOrNull, "subunit_id": textOrNull, "subunit": textOrNull, "subunit_kind": textOrNull, "then": textOrNull, "then_name": textOrNull,
			"border_km": numberOrNull, "border_side": nullableEnum([]string{"PK", "AF"}), "crossing": nearby, "settlement": nearby, "attribution": textOrNull, "links": links}),
		"problem": object{"type": "object", "required": []string{"type", "title", "status", "detail"}, "additionalProperties": false, "properties": object{
			"type": text, "title": text, "status": integer, "detail": text, "instance": text, "parameter": text, "allowed": texts}},
		"link":        closed(object{"rel": text, "type": text, "title": text, "href": text}, "type", "title"),
		"landingPage": closed(object{"title": text, "description": text, "attribution": text, "border_note": text, "links": links}, "attribution", "border_note"),
		"confClasses": closed(object{"conformsTo": texts}),
		"collection":  collection,
		"collections": closed(object{"links": links, "collections": arrayOf(schemaRef("collection"))}),
		"claim":       claim, "source": source, "incidentProperties": properties,
		"someIncidentProperties": some,
		"incident":               closed(object{"type": featureType, "id": text, "geometry": point, "properties": schemaRef("someIncidentProperties"), "place": geometry, "time": time}, "place", "time"),
		"incidentOne": closed(withFG(object{"type": featureType, "id": text, "geometry": point, "properties": schemaRef("incidentProperties"), "place": geometry, "time": time,
			"links": links}), fgNames...),
		"incidentCollection": list("incident"),
		"incidentFile": closed(object{"type": collectionType, "title": text, "attribution": text, "datasets": arrayOf(typed("object")), "withheld": texts,
			"features": arrayOf(schemaRef("incident")), "numberReturned": count, "links": links}, "title", "withheld", "links"),
		"versions": closed(object{"id": text, "versions": arrayOf(closed(object{"version": object{"type": "integer", "minimum": 1}, "action": object{"type": "string", "enum": versionActions},
			"recorded_from": moment, "recorded_to": moment, "import": closed(object{"id": integer, "file": textOrNull, "dataset": text}),
			"changes": arrayOf(closed(object{"property": object{"type": "string", "enum": append([]string{string(incident.Geometry)}, memberNames...)},
				"old": object{"nullable": true}, "new": object{"nullable": true}})),
			"feature": nullable(object{"allOf": []any{schemaRef("incident")}})})), "numberMatched": count, "numberReturned": count, "links": links}),
		"feature": closed(withFG(object{"type": featureType, "id": text, "geometry": geometry, "properties": typed("object"), "place": geometry, "time": nullable(time), "links": links}),
			append(fgNames, "place", "time", "links")...),
		"jsonSchema": object{"type": "object", "required": []string{"$schema", "$id", "type", "properties"}, "properties": object{"$schema": text, "$id": text, "type": text, "title": text,
			"description": text, "properties": object{"type": "object", "additionalProperties": typed("object")}, "additionalProperties": boolean}, "additionalProperties": false},
		"featureCollection": list("feature"),
		"aggregates":        closed(object{"by": texts, "count": object{"type": "string", "enum": countWords}, "withheld": texts, "note": text, "rows": arrayOf(closed(row, rowOptional...)), "links": links}, "withheld", "note"),
		"comparison": closed(object{"by": object{"type": "string", "enum": compareKeys}, "count": object{"type": "string", "enum": countWords}, "withheld": texts, "note": text,
			"a": comparedPeriod, "b": comparedPeriod, "rows": arrayOf(closed(pair, compareKeys...)), "links": links}, "withheld", "note"),
		"datasets": closed(object{"attribution": text, "places_attribution": textOrNull, "border_note": text, "change": integer, "base_layer": nullable(closed(object{"url": text, "attribution": text})),
			"datasets": arrayOf(closed(object{"name": text, "title": textOrNull, "licence": textOrNull, "attribution": textOrNull, "terms": textOrNull,
				"version": textOrNull, "accessed": nullable(day), "public": object{"type": "string", "enum": []string{"items", "aggregates"}}, "synthetic": boolean, "sample": boolean, "count": count,
				"first_date": nullable(day), "last_date": nullable(day), "bbox": object{"type": "array", "nullable": true, "items": number, "minItems": 4, "maxItems": 4},
				"coverage": arrayOf(closed(object{"country": text, "unit": text, "from": day, "to": day}, "country", "unit"))}))}),
		"state":  closed(object{"status": text}),
		"import": upload, "imports": closed(object{"imports": arrayOf(schemaRef("import")), "max_upload_bytes": count, "links": links}),
		"undone": closed(object{"id": text, "state": object{"type": "string", "enum": []string{string(incident.JobUndone)}}, "restored": count, "removed": count, "kept": count}),
	}
}
