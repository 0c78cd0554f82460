// Package upload keeps files that were sent to a server and loads them one
// after the other. [Queue] implements [incident.Loader].
//
// A file is written into a folder, the spool, and only then counted as
// received: what breaks off on the way leaves nothing. Beside it lies what is
// known of it, so that a server that is stopped or killed goes on where it was:
// a load that was cut off is undone and begun anew. One process works with a
// spool at a time; others may look.
//
// A load is all or nothing but for rows that are refused: what is called off,
// broken or shut down leaves nothing in the store.
package upload
