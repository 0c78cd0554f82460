package geo

import (
	"slices"
	"strings"
)

// SenseKind says what a name stands for.
type SenseKind string

// The kinds of sense, in the order in which Lookup prefers them.
const (
	// SenseAmbiguous is a name of the list of ambiguities: several units, or one by default.
	SenseAmbiguous SenseKind = "ambiguous"
	// SenseUnit is a name, variant, slug or P-code of a unit (of several, if they share it).
	SenseUnit SenseKind = "unit"
	// SenseArea is a province, a former territory or a division: larger than a unit.
	SenseArea SenseKind = "area"
	// SenseCountry is Pakistan or Afghanistan.
	SenseCountry SenseKind = "country"
	// SenseCrossing is a border crossing or a pass.
	SenseCrossing SenseKind = "crossing"
	// SenseSeat is the seat of a unit.
	SenseSeat SenseKind = "seat"
)

// Area is a territory larger than the units: a province of Pakistan that is divided into units, a former one such as the
// Federally Administered Tribal Areas, or a division. The units of Afghanistan are provinces themselves.
type Area struct {
	// Name is the English name, Province that of today's province that holds it, Country the ISO 3166-1 alpha-2 code.
	Name, Province, Country string
	// Precision is "province", or "region" for an area that is neither a province nor has known limits.
	Precision string
	// Units are the places in the index of the units that it covers, at least in part, in rising order.
	Units []int
}

// holds says whether a unit is covered.
func (a *Area) holds(unit int) bool {
	_, ok := slices.BinarySearch(a.Units, unit)
	return ok
}

// Sense is what a name stands for. The zero Kind "" means that the name is not known.
type Sense struct {
	// Kind says of what sort the sense is.
	Kind SenseKind
	// Name is the usual English name of what was found.
	Name string
	// Units are the places in the index of all units that may be meant, in rising order; nil for areas and countries.
	Units []int
	// Default is the unit meant where nothing else is said, -1 if that is undecided or the sense has no unit.
	Default int
	// Area is set for areas, Country (ISO 3166-1 alpha-2) for countries and areas.
	Area    *Area
	Country string
	// Crossing is the place in the list of crossings of a crossing of this name, whatever the kind; -1 if there is none.
	Crossing int
	// Score is between 0 and 1: 1 for the whole name as it is listed, less the more was left out or guessed.
	Score float64
	// How says in words what was left out or read out of the name; "" for the whole name.
	How string
	// Note is the remark of the list of ambiguities; "" where there is none.
	Note string
}

// Names finds what a name stands for: units, areas, countries, crossings and seats in any script. It is read-only and safe
// for concurrent use. It compares folded names (see Fold) without spaces, and guesses no spelling.
type Names struct {
	units     []Unit
	crossings []Crossing
	sides     [][]int // of each crossing
	meanings  map[string]*meaning
}

// meaning is all that one key stands for.
type meaning struct {
	units, seats []int
	area         *Area
	country      string
	crossing     int
	ambiguity    *ambiguity
}

type ambiguity struct {
	name  string
	units []int
	def   int
	note  string
}

// countryNames are the names by which the two countries occur in files.
var countryNames = map[string][]string{
	"PK": {"Pakistan", "PK", "PAK", "Islamic Republic of Pakistan", "پاکستان"},
	"AF": {"Afghanistan", "AF", "AFG", "Islamic Republic of Afghanistan", "Islamic Emirate of Afghanistan", "افغانستان"},
}

// countryName is the English name of a country of the region.
func countryName(code string) string {
	if names := countryNames[code]; names != nil {
		return names[0]
	}
	return ""
}

// provinceNames are the names of the two provinces that are divided into units, beside the name the units give.
// North-West Frontier Province was the name until the 18th Amendment of 2010.
var provinceNames = map[string][]string{
	"Khyber Pakhtunkhwa": {
		"KP", "KPK", "PK-KP", "PK5", "Pakhtunkhwa", "Khyber Pakhtunkwa", "Khyber Pakhtoonkhwa", "Khyber Pukhtunkhwa", "Khyber Pukhtoonkhwa",
		"NWFP", "North-West Frontier", "North-West Frontier Province", "Northwest Frontier Province", "خیبر پختونخوا", "خېبر پښتونخوا", "پختونخوا", "پښتونخوا",
	},
	"Balochistan": {"PK-BA", "PK2", "Baluchistan", "Balouchistan", "Beluchistan", "بلوچستان"},
}

// areaNames are areas of names that are no provinces of today. Divisions are not units, and their limits are not in
// the bundle: of them only the province is known.
var areaNames = []struct {
	province, precision string
	names               []string
	units               []string // nil: somewhere in the province
}{
	// Merged with Khyber Pakhtunkhwa by the 25th Amendment of 2018: seven agencies and six Frontier Regions.
	{"Khyber Pakhtunkhwa", "province", []string{
		"Federally Administered Tribal Areas", "FATA", "Federally Administered Tribal Area", "Tribal Areas", "Tribal Districts",
		"Erstwhile Tribal Areas", "Former Tribal Areas", "Erstwhile FATA", "Former FATA", "Ex-FATA", "Merged Districts", "Newly Merged Districts", "Merged Tribal Districts",
		"Newly Merged Tribal Districts", "Frontier Regions", "PK-TA", "فاٹا", "قبائلی علاقہ جات", "قبائلی اضلاع",
	}, []string{
		"pk-kp-bajaur", "pk-kp-mohmand", "pk-kp-khyber", "pk-kp-orakzai", "pk-kp-kurram", "pk-kp-north-waziristan",
		"pk-kp-lower-south-waziristan", "pk-kp-upper-south-waziristan",
		"pk-kp-peshawar", "pk-kp-kohat", "pk-kp-bannu", "pk-kp-lakki-marwat", "pk-kp-dera-ismail-khan", "pk-kp-tank",
	}},
	{"Khyber Pakhtunkhwa", "region", []string{"Malakand Division"}, nil},
	{"Khyber Pakhtunkhwa", "region", []string{"Hazara", "Hazara Division"}, nil},
	{"Khyber Pakhtunkhwa", "region", []string{"Peshawar Division"}, nil},
	{"Khyber Pakhtunkhwa", "region", []string{"Mardan Division"}, nil},
	{"Khyber Pakhtunkhwa", "region", []string{"Kohat Division"}, nil},
	{"Khyber Pakhtunkhwa", "region", []string{"Bannu Division"}, nil},
	{"Khyber Pakhtunkhwa", "region", []string{"Dera Ismail Khan Division", "D.I. Khan Division"}, nil},
	{"Balochistan", "region", []string{"Quetta Division"}, nil},
	{"Balochistan", "region", []string{"Makran", "Makran Division", "Mekran"}, nil},
	{"Balochistan", "region", []string{"Kalat Division"}, nil},
	{"Balochistan", "region", []string{"Nasirabad Division"}, nil},
	{"Balochistan", "region", []string{"Sibi Division"}, nil},
	{"Balochistan", "region", []string{"Zhob Division"}, nil},
	{"Balochistan", "region", []string{"Loralai Division"}, nil},
	{"Balochistan", "region", []string{"Rakhshan Division"}, nil},
}

// genericWords are left out at both ends of a name that is not known with them.
var genericWords = map[string]bool{
	"district": true, "districts": true, "distrcit": true, "distric": true, "disrict": true, "distirct": true, "distt": true, "dist": true,
	"agency": true, "province": true, "tribal": true, "subdivision": true, "fr": true, "the": true, "of": true,
	Fold("ضلع"): true, Fold("ایجنسی"): true, Fold("صوبہ"): true, Fold("ولایت"): true,
}

// genericPairs are generic words written as two.
var genericPairs = map[[2]string]bool{
	{"sub", "division"}: true, {"frontier", "region"}: true, {"frontier", "regions"}: true, {"f", "r"}: true,
}

// NewNames makes the table of names. Units, areas and countries come from the index, crossings and ambiguities as given. A crossing
// or ambiguity that names a unit which the index does not have loses that side: a user's own boundaries may know other units.
func NewNames(x *Index, crossings []Crossing, ambiguities []Ambiguity) *Names {
	n := &Names{units: x.Units(), crossings: crossings, sides: make([][]int, len(crossings)), meanings: map[string]*meaning{}}
	for code, names := range countryNames {
		for _, s := range names {
			n.at(s).country = code
		}
	}
	n.addAreas(x)
	for i := range n.units {
		u := &n.units[i]
		for _, s := range append([]string{u.ID, u.Name, u.NameUR, u.NamePS, u.NameFA, u.PCode}, u.Variants...) {
			if m := n.at(s); m != nil {
				m.units = insert(m.units, i)
			}
		}
		if u.Kind != "district" {
			if m := n.at(u.ISO); m != nil {
				m.units = insert(m.units, i)
			}
		}
		for _, s := range seats(u.Seat) {
			if m := n.at(s); m != nil {
				m.seats = insert(m.seats, i)
			}
		}
	}
	for i, c := range crossings {
		for j := range n.units {
			u := &n.units[j]
			if u.Country == "PK" && u.Name == c.PKDistrict || u.Country == "AF" && u.Name == c.AFProvince {
				n.sides[i] = insert(n.sides[i], j)
			}
		}
		for _, s := range append([]string{c.Name}, c.Variants...) {
			if m := n.at(s); m != nil && m.crossing < 0 {
				m.crossing = i
			}
		}
	}
	for _, a := range ambiguities {
		amb := ambiguity{def: -1, note: a.Note}
		for _, id := range a.Candidates {
			if i, ok := x.ByID(id); ok {
				amb.units = insert(amb.units, i)
			}
		}
		if i, ok := x.ByID(a.Default); ok {
			amb.def, amb.units = i, insert(amb.units, i)
		}
		for _, s := range a.Names {
			if m := n.at(s); m != nil {
				named := amb
				named.name = strings.TrimSpace(s)
				m.ambiguity = &named
			}
		}
	}
	return n
}

// addAreas adds the provinces that the units name, and the areas within them.
func (n *Names) addAreas(x *Index) {
	provinces := map[string]*Area{}
	var order []*Area
	for i, u := range n.units {
		if u.Kind != "district" || u.Province == "" {
			continue
		}
		a := provinces[u.Province]
		if a == nil {
			a = &Area{Name: u.Province, Province: u.Province, Country: u.Country, Precision: "province"}
			provinces[u.Province] = a
			order = append(order, a)
		}
		a.Units = append(a.Units, i)
	}
	for _, a := range order {
		for _, s := range append([]string{a.Name}, provinceNames[a.Name]...) {
			if m := n.at(s); m != nil {
				m.area = a
			}
		}
	}
	for _, an := range areaNames {
		p := provinces[an.province]
		if p == nil {
			continue
		}
		a := &Area{Name: an.names[0], Province: p.Province, Country: p.Country, Precision: an.precision}
		for _, id := range an.units {
			if i, ok := x.ByID(id); ok {
				a.Units = insert(a.Units, i)
			}
		}
		if a.Units == nil {
			a.Units = p.Units
		}
		for _, s := range an.names {
			if m := n.at(s); m != nil {
				m.area = a
			}
		}
	}
}

// at is the meaning to fill for a name, nil for one that folds to nothing.
func (n *Names) at(name string) *meaning {
	k := key(Fold(name))
	if k == "" {
		return nil
	}
	m := n.meanings[k]
	if m == nil {
		m = &meaning{crossing: -1}
		n.meanings[k] = m
	}
	return m
}

// seats reads the names of seats: "Landi Kotal (historic); Jamrud" are two, "Chaghcharan (Firozkoh)" are two as well,
// since a capitalised single word in brackets is another name and not a remark.
func seats(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ";") {
		head, inner := brackets(part)
		out = append(out, head)
		if inner != "" && !strings.Contains(inner, " ") && inner[0] >= 'A' && inner[0] <= 'Z' {
			out = append(out, inner)
		}
	}
	return out
}

// brackets takes "Arghandab district (Kandahar)" apart.
func brackets(s string) (head, inner string) {
	open := strings.IndexByte(s, '(')
	if open < 0 {
		return strings.TrimSpace(s), ""
	}
	head, inner = s[:open], s[open+1:]
	if end := strings.IndexByte(inner, ')'); end >= 0 {
		head += inner[end+1:]
		inner = inner[:end]
	}
	return strings.TrimSpace(head), strings.TrimSpace(inner)
}

// insert puts a number into a rising list of different ones.
func insert(list []int, v int) []int {
	at, found := slices.BinarySearch(list, v)
	if found {
		return list
	}
	return slices.Insert(slices.Clone(list), at, v)
}

// maxNameBytes is how long a string may be to be looked up as a name: a longer one is a sentence.
const maxNameBytes = 200

// Lookup says what a name stands for. It tries the whole name, then without words such as "district" or "agency" at its
// ends, then with what stands in brackets, then its first part before a dash, then its parts around a slash. The zero Kind means
// that the name is not known; a string longer than 200 bytes is not a name.
func (n *Names) Lookup(name string) Sense {
	none := Sense{Default: -1, Crossing: -1}
	if len(name) > maxNameBytes {
		return none
	}
	if s, ok := n.whole(name); ok {
		return s
	}
	if head, inner := brackets(name); inner != "" {
		if s, ok := n.whole(inner + " " + head); ok { // "Dir (Upper)"
			s.Score *= 0.98
			return s
		}
		s, ok := n.whole(head)
		q, known := n.whole(inner)
		switch {
		case ok && known:
			if units := narrow(s.Units, q); len(units) > 0 {
				if s.Default >= 0 && !slices.Contains(units, s.Default) {
					s.Default = -1
				}
				s.Units = units
				if len(units) == 1 {
					s.Default = units[0]
				}
			}
			fallthrough
		case ok:
			s.Score *= 0.9
			s.How = "with " + quote(inner) + " in brackets"
			return s
		case known && q.Kind != SenseSeat && q.Kind != SenseCrossing:
			q.Score *= 0.6
			q.How = "by " + quote(inner) + " in brackets"
			return q
		}
	}
	for _, dash := range []string{" - ", " – ", " — "} {
		for _, part := range strings.Split(name, dash) {
			if len(part) == len(name) {
				break
			}
			if s, ok := n.whole(part); ok {
				s.Score *= 0.9
				s.How = "by its part " + quote(strings.TrimSpace(part))
				return s
			}
		}
	}
	if strings.ContainsRune(name, '/') {
		all := none
		for _, part := range strings.Split(name, "/") {
			s, ok := n.whole(part)
			if !ok || s.Units == nil {
				continue
			}
			if s.Default >= 0 {
				s.Units = []int{s.Default}
			}
			if all.Kind == "" {
				all = s
			} else {
				all.Name += " / " + s.Name
				for _, u := range s.Units {
					all.Units = insert(all.Units, u)
				}
			}
		}
		if all.Kind != "" {
			all.Default, all.Score, all.How = -1, all.Score*0.8, "by its parts around the slash"
			if len(all.Units) == 1 {
				all.Default = all.Units[0]
			}
			return all
		}
	}
	return none
}

// narrow keeps the units that a second sense allows.
func narrow(units []int, by Sense) []int {
	var out []int
	for _, u := range units {
		if by.Area != nil && by.Area.holds(u) || slices.Contains(by.Units, u) {
			out = append(out, u)
		}
	}
	return out
}

// whole looks a name up as it stands, then without generic words.
func (n *Names) whole(name string) (Sense, bool) {
	f := Fold(name)
	if s, ok := n.sense(key(f)); ok {
		return s, true
	}
	words := strings.Fields(f)
	for len(words) > 0 {
		switch {
		case genericWords[words[0]]:
			words = words[1:]
		case genericWords[words[len(words)-1]]:
			words = words[:len(words)-1]
		case len(words) > 1 && genericPairs[[2]string(words[:2])]:
			words = words[2:]
		case len(words) > 1 && genericPairs[[2]string(words[len(words)-2:])]:
			words = words[:len(words)-2]
		default:
			return Sense{}, false
		}
		if s, ok := n.sense(strings.Join(words, "")); ok {
			s.Score *= 0.98
			return s, true
		}
	}
	return Sense{}, false
}

// sense turns the meanings of a key into the one that is preferred.
func (n *Names) sense(k string) (Sense, bool) {
	m := n.meanings[k]
	if k == "" || m == nil {
		return Sense{}, false
	}
	s := Sense{Default: -1, Crossing: m.crossing, Score: 1}
	if a := m.ambiguity; a != nil {
		s.Note = a.note
	}
	switch a := m.ambiguity; {
	case a != nil && len(a.units) > 0:
		s.Kind, s.Name, s.Units, s.Default = SenseAmbiguous, a.name, a.units, a.def
	case len(m.units) > 0:
		s.Kind, s.Units, s.Name = SenseUnit, m.units, n.units[m.units[0]].Name
		if len(m.units) == 1 {
			s.Default = m.units[0]
		}
	case m.area != nil:
		s.Kind, s.Name, s.Area, s.Country = SenseArea, m.area.Name, m.area, m.area.Country
	case m.country != "":
		s.Kind, s.Name, s.Country = SenseCountry, countryName(m.country), m.country
	case m.crossing >= 0:
		s.Kind, s.Name, s.Units = SenseCrossing, n.crossings[m.crossing].Name, n.sides[m.crossing]
		if len(s.Units) == 1 {
			s.Default = s.Units[0]
		}
	case len(m.seats) > 0:
		s.Kind, s.Units, s.Name = SenseSeat, m.seats, n.units[m.seats[0]].Name
		if len(m.seats) == 1 {
			s.Default = m.seats[0]
		}
		s.Score = 0.8
	case a != nil:
		s.Kind, s.Name = SenseAmbiguous, a.name // stands for no unit at all
	default:
		return Sense{}, false
	}
	return s, true
}

func quote(s string) string { return `"` + s + `"` }
