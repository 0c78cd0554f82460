package api

// tilePaths describes the tiles of each collection and their scheme.
func tilePaths() object {
	text, integer, number := typed("string"), typed("integer"), typed("number")
	list := arrayOf(closed(object{"rel": text, "type": text, "title": text, "href": text, "templated": typed("boolean")}, "type", "title", "templated"))
	point := object{"type": "array", "items": number, "minItems": 2, "maxItems": 2}
	item := object{"title": text, "dataType": object{"type": "string", "enum": []string{"vector"}}, "crs": text, "tileMatrixSetURI": text, "links": list}
	set := object{"description": text, "attribution": text,
		"tileMatrixSetLimits": arrayOf(closed(object{"tileMatrix": text, "minTileRow": integer, "maxTileRow": integer, "minTileCol": integer, "maxTileCol": integer})),
		"boundingBox":         closed(object{"lowerLeft": point, "upperRight": point, "crs": text}),
		"layers": arrayOf(closed(object{"id": text, "description": text, "dataType": text, "geometryDimension": object{"type": "integer", "minimum": 0, "maximum": 2},
			"minTileMatrix": text, "maxTileMatrix": text, "propertiesSchema": typed("object")}))}
	for name, schema := range item {
		set[name] = schema
	}
	tileset := closed(set, "attribution")
	tileJSON := closed(object{"tilejson": text, "name": text, "description": text, "attribution": text, "scheme": text, "tiles": arrayOf(text), "minzoom": integer, "maxzoom": integer,
		"bounds": object{"type": "array", "items": number, "minItems": 4, "maxItems": 4},
		"vector_layers": arrayOf(closed(object{"id": text, "description": text, "minzoom": integer, "maxzoom": integer,
			"fields": object{"type": "object", "additionalProperties": text}}))}, "attribution")
	tilesets := closed(object{"links": list, "tilesets": arrayOf(closed(item))})
	scheme := object{"id": text, "title": text, "uri": text, "crs": text}
	matrix := closed(object{"id": text, "scaleDenominator": number, "cellSize": number, "cornerOfOrigin": text, "pointOfOrigin": point,
		"tileWidth": integer, "tileHeight": integer, "matrixWidth": integer, "matrixHeight": integer})
	one, many := object{"orderedAxes": arrayOf(text), "wellKnownScaleSet": text, "tileMatrices": arrayOf(matrix)}, object{"links": list}
	for name, schema := range scheme {
		one[name], many[name] = schema, schema
	}

	tags := []string{tagTiles}
	format := func(formats ...string) object {
		return queryParam("f", "The format of the answer.", object{"type": "string", "enum": formats}, false)
	}
	paths := object{
		"/tileMatrixSets":                  get("tileMatrixSets", "The tiling schemes", tags, []any{format("json")}, content(mediaJSON, closed(object{"links": list, "tileMatrixSets": arrayOf(closed(many))}))),
		"/tileMatrixSets/" + tileMatrixSet: get("tileMatrixSet", "The tiling scheme of all tiles", tags, []any{format("json")}, content(mediaJSON, closed(one))),
	}
	for _, id := range tiledCollections {
		path := "/collections/" + id + "/tiles"
		with := func(formats ...string) []any {
			parameters := []any{format(formats...)}
			if id == incidentsID {
				for _, name := range filterParams {
					parameters = append(parameters, ref("parameters", name))
				}
			}
			return parameters
		}
		paths[path] = get("tilesets_"+id, "The tilesets of a collection; filters go on to the addresses in the answer", tags, with("json"), content(mediaJSON, tilesets))
		paths[path+"/"+tileMatrixSet] = get("tileset_"+id, "The tiles of a collection: their address, layers and properties; filters go on to the addresses in the answer", tags,
			with("json", "tilejson"), content(mediaJSON, tileset, mediaTileJSON, tileJSON))
		place := func(name, description string, most int) object {
			return pathParam(name, description, object{"type": "integer", "minimum": 0, "maximum": most})
		}
		one := get("tile_"+id, "A vector tile; 404 outside the matrix", tags,
			append([]any{place("z", "The zoom.", maxTileZoom), place("row", "The row, 0 in the north.", 1<<maxTileZoom-1), place("col", "The column, 0 in the west.", 1<<maxTileZoom-1)}, with("mvt")...),
			content(mediaMVT, object{"type": "string", "format": "binary"}))
		responses := one["get"].(object)["responses"].(object)
		responses["204"] = object{"description": "There is nothing in the tile."}
		if id == incidentsID {
			responses["413"] = ref("responses", "Problem")
		}
		paths[path+"/"+tileMatrixSet+"/{z}/{row}/{col}"] = one
	}
	return paths
}
