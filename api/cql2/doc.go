// Package cql2 reads filters written in CQL2, the Common Query Language of
// OGC 21-065r2, in its text and its JSON encoding, and turns them into
// [incident.Filter].
//
// Goals: every error names its place and what was expected there; what the
// stores and the index know already (comparisons, lists, boxes, days) comes out
// as the nodes that they know, so that it stays fast; a filter that was read can
// be written again in either encoding and means the same.
//
// Non-goals: functions of one's own, geometries in other than the property
// geometry, conversions between types.
package cql2
