package geo

import "github.com/paulmach/orb"

// Unit is an administrative unit that incidents are placed in: a district of
// Khyber Pakhtunkhwa or Balochistan, a province of Afghanistan, or one of the
// five context units (the other provinces and territories of Pakistan).
type Unit struct {
	// ID is the slug of the unit, for example "pk-kp-kurram" or "af-kan".
	ID string
	// Name is the English name.
	Name string
	// Kind is "district", "province" or "context".
	Kind string
	// Country is the ISO 3166-1 alpha-2 code, "PK" or "AF".
	Country string
	// Province is the English name of the first-level unit that holds this one;
	// for an Afghan province it is the province itself.
	Province string
	// PCode is the OCHA P-code, ISO the ISO 3166-2 code; "" where there is none.
	PCode, ISO string
	// NameUR, NamePS and NameFA are the Urdu, Pashto and Dari names; "" if unknown.
	NameUR, NamePS, NameFA string
	// Seat is the seat of the administration as the gazetteer writes it, in
	// English: several are separated by ';', remarks stand in brackets; "" if unknown.
	Seat string
	// Variants are other spellings and former names in Latin script.
	Variants []string
	// Label is a point inside the unit, lon, lat, CRS84.
	Label orb.Point
	// AreaKM2 is the official area in square kilometres, 0 if unknown.
	AreaKM2 float64
	// Geometry is the polygon in lon, lat, CRS84.
	Geometry orb.MultiPolygon
}

// Crossing is a border crossing or a pass.
type Crossing struct {
	// Name is the usual English name; Variants are other spellings.
	Name     string
	Variants []string
	// Names are the names in other languages.
	Names []Name
	// Point is its position, lon, lat, CRS84.
	Point orb.Point
	// AccuracyKM is an estimate of how far off the position may be, in kilometres.
	AccuracyKM float64
	// PKDistrict and AFProvince are the English names of the units on both sides.
	PKDistrict, AFProvince string
	// Note is a remark for readers.
	Note string
}

// Ambiguity is a name that belongs to more than one unit, or to none.
type Ambiguity struct {
	// Names are the spellings that share the ambiguity.
	Names []string
	// Candidates are unit IDs; empty means the name stands for no single unit.
	Candidates []string
	// Default is the unit meant where nothing else is said; "" leaves the name undecided.
	Default string
	// Note says why, in words for readers.
	Note string
}
