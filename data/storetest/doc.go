// Package storetest is the contract of a store: one suite of tests and
// benchmarks that every implementation of [incident.Store] passes, with a slice
// that is searched from front to back as its oracle.
//
// # Goals
//
//   - [Run] asks a store and the slice the same questions about the same random
//     incidents and compares every field of every answer.
//   - [NewNaive] is so simple that it can be believed after reading it; what it
//     shares with the stores (filters, keys) is held by hand-written cases.
//   - [Bench] measures the same work on every store.
//
// # Non-goals
//
// It tests no files, crashes or locks; those differ from store to store.
package storetest
