// Package source reads files of incidents: UCDP GED, ACLED, any table with
// known headers, HXL tags or a mapping (separated values, XLSX, JSON), GeoJSON
// and GeoPackages, packed or not.
//
// # Goals
//
//   - Every record of a file comes out as one [Row]: as an incident, or refused
//     with the line, column, value and reason. One broken record costs no other.
//   - Nothing is guessed. A date that can be read two ways, a number with a plus
//     sign behind it or a latitude without a longitude is refused, not repaired.
//   - Null is "not reported": an empty figure never becomes 0.
//   - Memory does not grow with the file, except for some 20 bytes per record (at
//     most 160 MB in all) to notice ids that come twice.
//
// # Non-goals
//
// Placing incidents is left to data/ingest and geo: a row carries the
// coordinates and the names as the source writes them. Nothing is stored and
// nothing is logged here.
package source
