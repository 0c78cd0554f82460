// Package postgis is the store of Sarhad that many machines share: tables in a
// schema of a PostgreSQL database with PostGIS.
//
// # Goals
//
//   - It implements [incident.Store] and answers every query exactly as the
//     plain loop over the incidents would; data/storetest holds it to that, as it
//     holds the embedded store.
//   - What SQL can say exactly is asked in SQL; of the rest SQL leaves out what
//     cannot match, and Go tests what is left.
//   - Whatever dies (this program, a connection, the server) leaves whole
//     batches. The next opening or load makes up what was put off.
//   - Answers are streamed: nothing grows with their size.
//
// # Non-goals
//
// It draws nothing and knows no HTTP, no file layouts and no embedded store. It
// is not for a pooler in transaction mode: locks and notices belong to sessions.
package postgis
