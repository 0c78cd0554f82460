// Package publish shows of a store what everybody may see of it.
//
// Goals: a dataset may be delayed, so that an incident appears only some time
// after its last day has ended, and blurred, so that its places are those of
// districts or of the cells of a fixed grid ([incident.Publication]). Every
// question is answered from incidents that are blurred already: whoever narrows
// a box, a distance or a word step by step finds the cell and nothing finer.
// What is blurred follows from the unit or the cell alone and is never random,
// so that two answers cannot be averaged.
//
// Non-goals: hiding that a dataset exists, or who took part and how many were killed.
package publish
