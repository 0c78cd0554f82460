// Package gazetteer reads the places that a user brings: boundaries that take
// the place of the bundled units, tables of names and points, and the names
// that incidents already loaded were placed under.
//
// # Goals
//
//   - What the user gives is taken as it is or refused with file, feature or
//     line and reason; nothing is repaired in silence.
//   - Every place says where it is from, so that the reason of an answer can.
//   - Files are not trusted: size, number of features, vertices and length of a
//     line have limits, and a GeoPackage is opened read-only.
//
// # Non-goals
//
// It decides no place: package geo does. It reads no shapefiles and does not
// transform coordinates: everything is lon, lat in CRS84 (WGS 84).
package gazetteer
