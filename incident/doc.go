// Package incident is the domain of Sarhad: what an incident is, the words it
// is described in, how incidents are asked for, and what a store promises.
//
// # Goals
//
//   - One meaning for each field, whatever the source called it: precision is a
//     word and never a bare number, since ACLED's 3 and UCDP's 3 differ.
//   - Null is "not reported" and 0 is "reported none". The two never mix.
//   - A question is a value ([Query]) that a slice, a GeoPackage and PostGIS
//     answer alike; [Filter] evaluates itself, so that every store can be held
//     against the plain loop.
//
// # Non-goals
//
// No SQL, HTTP, JSON tags, files or clocks: those live with the stores, the
// interface and the readers. No admin units either; a unit is known by its ID.
package incident
