package geo

// Crossings are the crossings and passes of the border, in the order given. They are shared: read them, do not change them.
func (g *Geocoder) Crossings() []Crossing { return g.names.crossings }
