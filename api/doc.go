// Package api serves incidents and places over HTTP: OGC API – Features and
// Tiles, aggregates, binary columns for the page, the page itself, and imports for
// those who hold the write token.
//
// # Goals
//
//   - docs/api.md is the contract; routes.go is the one table of every route.
//   - Answers stream. Memory does not grow with the number of features, and a
//     client that goes away stops the work.
//   - A wrong or an unknown parameter is 400 and names itself and what would be
//     taken. Bad input never gives a 5xx, and no answer shows internals.
//   - problem.go is the only place where an error of the domain becomes HTTP.
//   - Terms are honoured: single incidents of a dataset that allows only
//     aggregates are in no answer but /aggregates.
//
// # Non-goals
//
// No SQL, no files, no clocks of its own, no knowledge of which store answers:
// there are an [incident.Reader] and an [incident.Loader] and nothing else. Nothing but this package knows echo.
package api
