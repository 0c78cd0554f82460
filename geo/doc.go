// Package geo knows places: the administrative units that incidents are counted in, the names by which sources call
// them, and the border line. It turns what a source says of a place (coordinates, names of provinces and districts, the
// name of a town or crossing) into one unit, into the units that remain possible, or into an honest "not known".
//
// # Goals
//
//   - A point finds its unit in tens of nanoseconds, with the answer of the whole polygon: see Index.
//   - Every spelling of a name in the gazetteer, in Latin or Arabic script, finds its unit or its ambiguity: see Fold and Names.
//   - Names and coordinates that disagree give a warning with the distance, and neither is changed: see Geocoder and ToleranceKM.
//   - Every candidate carries reasons that a person can read.
//   - All types are read-only after they are made and safe for concurrent use.
//
// # Non-goals
//
//   - No guessing: a name that is not listed is unknown, and a name that several units share stays undecided until a
//     country, a province, a place or a precise point leaves one of them.
//   - No pin where only a district is known: Match.HasPoint says whether a position is known.
//   - No files, incidents, SQL or HTTP: who calls this package brings units, crossings and ambiguities with him.
//   - No overlay or repair of polygons, no projections, no date line, no poles.
//   - No statement on sovereignty: a border is a line with a source, a side of it is geometry.
//
// All coordinates are longitude, then latitude, in degrees (CRS84); all distances are kilometres on a sphere of radius
// 6371.0088 km, good to about 1 %. A place in the list of units is an int, and -1 is none.
package geo
