package storetest

import (
	"testing"

	"sarhad/incident"
)

// The oracle passes its own suite: the hand-written cases hold it, the
// comparisons with itself only show that it is deterministic.
func TestNaive(t *testing.T) {
	Run(t, func(*testing.T) incident.Store { return NewNaive() })
}
