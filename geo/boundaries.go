package geo

import "fmt"

// Boundaries says which set of units incidents are placed in. The zero value stands for the bundled units, whatever
// their version.
type Boundaries struct {
	// File is the name of the file they were read from, for readers; Hash tells its content from that of any other.
	File, Hash string
}

// String names the set for readers.
func (b Boundaries) String() string {
	if b.Hash == "" {
		return "the bundled boundaries"
	}
	return fmt.Sprintf("the boundaries of %s (SHA-256 %.12s…)", b.File, b.Hash)
}

// Clash says, as a sentence for the user, that incidents were placed in this set and not in another.
func (b Boundaries) Clash(other Boundaries) string {
	way := "load its files into a new store to place them in others"
	if b.Hash != "" {
		way = "give it with --boundaries, or " + way
	}
	return fmt.Sprintf("The incidents of this store were placed in %s, not in %s; %s.", b, other, way)
}
