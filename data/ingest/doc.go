// Package ingest loads a file of incidents into a store: read, normalise,
// geocode, write.
//
// # Goals
//
//   - The report always balances: read = new + changed + unchanged + rejected,
//     in a dry run too, and every refused row is named with its reason.
//   - Reading and placing run in one goroutine and writing in another, with a
//     fixed number of batches between them, so that memory does not grow with the file.
//   - No place is invented: what the precision of the source does not carry
//     becomes a unit, a province, the border, a country or nothing, never a pin.
//
// # Non-goals
//
// It reads no file format (data/source does), opens no files and prints
// nothing by itself; a [Printer] shows progress to those who want it. It merges
// no incidents: two datasets that tell of one event stay two incidents.
package ingest
