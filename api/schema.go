package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

const (
	mediaSchema = "application/schema+json"
	// relSchema and relQueryables are the relations of links to these documents.
	relSchema     = "http://www.opengis.net/def/rel/ogc/1.0/schema"
	relQueryables = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
)

var (
	formatSchema  = format{names: []string{"json"}, media: mediaSchema, accepts: []string{mediaSchema, mediaJSON}}
	schemaFormats = []format{formatSchema, formatHTML}
)

var (
	borderSides   = words([]incident.BorderSide{incident.SidePK, incident.SideAF, incident.SideStraddles, incident.SideUnknown})
	subEventTypes = func() (list []string) {
		for _, t := range incident.EventTypes {
			list = append(list, words(incident.SubEventTypes[t])...)
		}
		return list
	}()
)

// roles are what OGC API – Features – Part 5 calls the meaning of properties.
var roles = map[string]string{
	"id": "id", "geometry": "primary-geometry", "start_date": "primary-interval-start", "end_date": "primary-interval-end",
}

// jsonSchema turns a schema of the OpenAPI document into one of JSON Schema.
func jsonSchema(schema object, components object) object {
	if ref, ok := schema["$ref"].(string); ok {
		return jsonSchema(components[ref[strings.LastIndexByte(ref, '/')+1:]].(object), components)
	}
	out := object{}
	for k, v := range schema {
		switch k {
		case "nullable", "required", "additionalProperties":
		case "items":
			out[k] = jsonSchema(v.(object), components)
		case "properties":
			members := object{}
			for name, member := range v.(object) {
				members[name] = jsonSchema(member.(object), components)
			}
			out[k] = members
		default:
			out[k] = v
		}
	}
	if schema["nullable"] == true {
		if t, ok := out["type"].(string); ok {
			out["type"] = []string{t, "null"}
		}
	}
	return out
}

// schemaProperty is a property of a schema with its name.
type schemaProperty struct {
	name   string
	schema object
}

// schemaDocument is a JSON Schema of an object with some properties, in their order.
func schemaDocument(id, title, about string, properties []schemaProperty, more bool) object {
	members := object{}
	for i, p := range properties {
		m := maps.Clone(p.schema)
		m["title"] = p.name
		m["x-ogc-propertySeq"] = i + 1
		members[p.name] = m
	}
	return object{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, "type": "object", "title": title, "description": about,
		"properties": members, "additionalProperties": more}
}

// queryables are what filters of a collection can be made of. Only incidents are filtered.
func (s *server) queryables(col *collection, snap *snapshot) []schemaProperty {
	if col.id != incidentsID {
		return nil
	}
	enums := map[string][]string{
		"dataset": snap.names, "country": incident.Countries, "province": s.provinces, "event_type": words(incident.EventTypes), "sub_event_type": subEventTypes,
		"event_class": words(incident.EventClasses), "time_precision": words(incident.TimePrecisions), "location_precision": locationPrecisions, "place_kind": words(incident.PlaceKinds),
		"border_side": borderSides, "verification": verifications,
	}
	var list []schemaProperty
	for _, p := range incident.Properties() {
		schema := object{"type": "string"}
		switch p.Kind {
		case incident.Integer:
			schema["type"] = "integer"
		case incident.Number:
			schema["type"] = "number"
		case incident.Boolean:
			schema["type"] = "boolean"
		case incident.Date:
			schema["format"] = "date"
		}
		if enum := enums[string(p.Name)]; len(enum) > 0 {
			schema["enum"] = enum
		}
		if p.Name == "type_of_violence" {
			schema["enum"] = []int{1, 2, 3}
		}
		if role := roles[string(p.Name)]; role != "" {
			schema["x-ogc-role"] = role
		}
		list = append(list, schemaProperty{string(p.Name), schema})
	}
	for _, l := range incident.Lists() {
		list = append(list, schemaProperty{string(l.Name), arrayOf(typed("string"))})
	}
	return append(list, schemaProperty{string(incident.Geometry), object{"format": "geometry-point", "x-ogc-role": roles["geometry"]}})
}

// returnables are what features of a collection have.
func returnables(col *collection) []schemaProperty {
	components := openapiSchemas()
	geometry := object{"format": "geometry-any", "x-ogc-role": roles["geometry"]}
	properties := placeProperties[col.id]
	if col.id == incidentsID {
		geometry["format"] = "geometry-point"
		schemas := components["incidentProperties"].(object)["properties"].(object)
		properties = nil
		for _, m := range incidentMembers {
			properties = append(properties, schemaProperty{string(m.name), schemas[string(m.name)].(object)})
		}
		properties = append(properties, schemaProperty{"likely_duplicates", schemas["likely_duplicates"].(object)})
	}
	list := []schemaProperty{{"id", object{"type": "string", "x-ogc-role": roles["id"]}}}
	for _, p := range properties {
		if p.name == "id" {
			continue
		}
		schema := jsonSchema(p.schema, components)
		if role := roles[p.name]; role != "" {
			schema["x-ogc-role"] = role
		}
		list = append(list, schemaProperty{p.name, schema})
	}
	return append(list, schemaProperty{"geometry", geometry})
}

// placeProperties are the properties of the fixed collections in their order.
var placeProperties = func() map[string][]schemaProperty {
	text, texts, number, date := nullable(typed("string")), arrayOf(typed("string")), nullable(typed("number")), nullable(object{"type": "string", "format": "date"})
	all := func(schema object, names ...string) (list []schemaProperty) {
		for _, n := range names {
			list = append(list, schemaProperty{n, schema})
		}
		return list
	}
	return map[string][]schemaProperty{
		unitsID: slices.Concat(all(text, "id", "name", "name_ur", "name_ps", "name_fa", "kind", "province", "country", "pcode", "iso"), all(number, "area_km2", "label_lon", "label_lat"),
			all(date, "valid_from", "valid_until"), all(typed("boolean"), "uncertain"), all(texts, "units"), all(typed("boolean"), "part"), all(text, "source", "note")),
		"border":    all(text, "detail", "name", "source"),
		"crossings": slices.Concat(all(text, "name", "name_ur", "name_ps", "name_fa"), all(texts, "variants"), all(number, "accuracy_km"), all(text, "pk_district", "af_province", "note")),
		"periods":   slices.Concat(all(text, "id", "kind", "name"), all(date, "start_date", "end_date"), all(texts, "parties"), all(arrayOf(schemaRef("source")), "sources"), all(text, "note")),
	}
}()

func (s *server) getQueryables(c echo.Context) error {
	return s.schema(c, "queryables", func(col *collection, snap *snapshot) object {
		about := "The properties that filters are made of."
		if col.id != incidentsID {
			about = "This collection takes no filter."
		}
		return schemaDocument(s.base(c.Request())+"/collections/"+col.id+"/queryables", col.title+": queryables", about, s.queryables(col, snap), false)
	})
}

func (s *server) getSchema(c echo.Context) error {
	return s.schema(c, "schema", func(col *collection, _ *snapshot) object {
		return schemaDocument(s.base(c.Request())+"/collections/"+col.id+"/schema", col.title+": schema", "The properties of the features.", returnables(col), false)
	})
}

// schema answers with a JSON Schema or shows it as a table.
func (s *server) schema(c echo.Context, kind string, document func(*collection, *snapshot) object) error {
	col, err := s.collection(c)
	if err != nil {
		return err
	}
	snap, f, err := s.asked(c, schemaFormats)
	if err != nil {
		return err
	}
	doc := document(col, snap)
	setLinks(c.Response().Header(), describedLinks(s, c.Request(), f, schemaFormats))
	if f.media != mediaHTML {
		return s.encoded(c, snap, f, doc)
	}
	if s.fresh(c, snap, f, c.Request().URL.RawQuery) {
		return nil
	}
	type row struct {
		Name, Type string
		Values     []string
	}
	body := struct {
		About string
		Rows  []row
	}{About: doc["description"].(string)}
	members := doc["properties"].(object)
	names := slices.SortedFunc(maps.Keys(members), func(a, b string) int {
		return members[a].(object)["x-ogc-propertySeq"].(int) - members[b].(object)["x-ogc-propertySeq"].(int)
	})
	for _, name := range names {
		m := members[name].(object)
		r := row{Name: name, Type: fmt.Sprint(orElse(m["type"], m["format"]))}
		if m["format"] == "date" {
			r.Type = "date"
		}
		switch enum := m["enum"].(type) {
		case []string:
			r.Values = enum
		case []int:
			for _, v := range enum {
				r.Values = append(r.Values, fmt.Sprint(v))
			}
		case []any:
			for _, v := range enum {
				if v != nil {
					r.Values = append(r.Values, fmt.Sprint(v))
				}
			}
		}
		body.Rows = append(body.Rows, r)
	}
	page := s.sheet(c.Request(), doc["title"].(string), body, crumb{"Collections", "/collections?f=html"}, crumb{col.title, "/collections/" + col.id + "?f=html"},
		crumb{strings.ToUpper(kind[:1]) + kind[1:], "/collections/" + col.id + "/" + kind + "?f=html"})
	return s.html(c, "schema", page)
}

func orElse(v, otherwise any) any {
	if v == nil {
		return otherwise
	}
	return v
}

// describedLinks are self and alternate of a document that has several formats.
func describedLinks(s *server, r *http.Request, f format, formats []format) []link {
	address := s.base(r) + r.URL.EscapedPath()
	var links []link
	for _, o := range formats {
		l := link{Rel: "alternate", Type: o.media, Title: "This document as " + strings.ToUpper(o.names[0]), Href: address + "?f=" + o.names[0]}
		if o.media == f.media {
			l.Rel, l.Title = "self", "This document"
		}
		links = append(links, l)
	}
	return links
}
