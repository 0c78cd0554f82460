// Package gpkg is the embedded store of Sarhad: one SQLite file that is a valid
// OGC GeoPackage 1.3, so that what is stored can be looked at with GDAL and QGIS.
//
// # Goals
//
//   - It implements [incident.Store] and answers every query exactly as the
//     plain loop over the incidents would; data/storetest holds it to that.
//   - A process that is killed leaves a sound store with whole batches. What
//     was put off (indexes, sums) is made up by the next opening or load.
//   - A million incidents load at a third of the speed of bare inserts or
//     better, and a small window of them is read as fast as bare SQL reads it.
//   - Memory stays modest: small caches per connection, files mapped, nothing
//     that grows with the answer.
//
// # Non-goals
//
// It draws nothing, knows no HTTP and no file layouts, and keeps no spatial
// index: see docs/decisions/0002. It is not for editing with a desktop GIS
// while a server has it open; give QGIS a backup or an export.
package gpkg
