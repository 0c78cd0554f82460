package source

// Counts implements [Reader].
func (t *tableReader) Counts() string {
	switch recs := t.recs.(type) {
	case *xlsxRows:
		return "row"
	case *gpkgRows:
		return "feature"
	case *jsonTable:
		return countsOf(recs.src.itemSource, "record")
	}
	return "line"
}

// Counts implements [Reader].
func (g *geojsonReader) Counts() string {
	if g.items != nil {
		return countsOf(g.items.itemSource, "feature")
	}
	return "feature"
}

// countsOf is what JSON values are numbered by: their lines, if each has one, else as they are called.
func countsOf(items itemSource, called string) string {
	if j, ok := items.(*jsonLines); ok && !j.separator {
		return "line"
	}
	return called
}
