// Package index holds the incidents of a store in columns that are sorted by
// time, so that any window of days and places, any filter on the listed
// properties, and any count is answered in micro- to milliseconds.
//
// An [Index] is an [incident.Reader] in front of another: what it cannot
// answer itself (histories, records of imports) it passes on. Its answers are
// those of the reader behind it, for the change number that it gives.
//
// The columns and the incidents themselves lie in one file that is mapped into
// memory, so that they cost no private memory and are there at once when the
// program starts again. What changed since the file was written is kept in a
// second, small set of columns in memory; both are put together in the
// background when that has grown. Nothing that a reader sees is ever changed:
// each change makes a new view, and readers keep the one they began with.
package index
