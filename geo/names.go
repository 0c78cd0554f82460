package geo

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// SenseKind says what a name stands for.
type SenseKind string

// The kinds of sense, in the order in which Lookup prefers them.
const (
	// SenseAmbiguous is a name of the list of ambiguities: several units, or one by default.
	SenseAmbiguous SenseKind = "ambiguous"
	// SenseUnit is a name, variant, slug or P-code of a unit (of several, if they share it).
	SenseUnit SenseKind = "unit"
	// SenseFormer is a former unit, by a name of its own or by a name that it had on the day of the question.
	SenseFormer SenseKind = "former"
	// SenseArea is a province, a former territory or a division: larger than a unit.
	SenseArea SenseKind = "area"
	// SenseCountry is Pakistan or Afghanistan.
	SenseCountry SenseKind = "country"
	// SenseCrossing is a border crossing or a pass.
	SenseCrossing SenseKind = "crossing"
	// SenseSeat is the seat of a unit.
	SenseSeat SenseKind = "seat"
	// SenseSubunit is a tehsil or a district of Afghanistan.
	SenseSubunit SenseKind = "subunit"
	// SensePlace is a place of the gazetteer: a town, a valley, a pass.
	SensePlace SenseKind = "place"
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
	// Until is the first day (since 1970-01-01) on which a former territory was no more, NoDay for one of today.
	Until int32
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
	// Former is the place in the list of former units, -1 for all other kinds.
	Former int
	// Score is between 0 and 1: 1 for the whole name as it is listed, less the more was left out or guessed.
	Score float64
	// How says in words what was left out or read out of the name; "" for the whole name.
	How string
	// Note is the remark of the list of ambiguities; "" where there is none.
	Note string

	town     bool    // a town is spoken of
	narrowed bool    // the scope left some of the units out
	entries  []entry // the seats, subunits, places and crossings of this name
}

// local says whether a sense is that of a place smaller than a unit.
func (s *Sense) local() bool { return len(s.entries) > 0 && s.Kind != SenseAmbiguous }

// noSense is the answer where a name is not known.
var noSense = Sense{Default: -1, Crossing: -1, Former: -1}

// Names finds what a name stands for: units of today and of their day, areas, countries, crossings, seats, subunits and places, in
// any script. It is read-only and safe for concurrent use. It compares folded names (see Fold) without spaces.
type Names struct {
	units     []Unit
	crossings []Crossing
	sides     [][]int // of each crossing
	subunits  []Subunit
	within    []int // the unit of each subunit
	places    []Place
	lie       [][]int // the units of each place
	formers   []Former
	covers    [][]int // the units of each former unit, rising
	areas     []*Area
	listed    []Name // what entries say of their spelling

	entries   map[string][]entry
	ambiguous map[string]*ambiguity
	alike     map[string][]string // skeleton → keys
	sorted    func() []string     // the keys in order, made when they are first asked for
	below     *Names              // a layer of names that this one adds to, nil for the first
}

// entry is one thing that a key stands for.
type entry struct {
	kind entryKind
	ref  int32 // its place in the list of its kind
	name int32 // its place in listed
}

type entryKind uint8

const (
	isUnit entryKind = iota
	isFormer
	isArea
	isCountry
	isCrossing
	isSeat
	isSubunit
	isPlace
)

// local says whether an entry is smaller than a unit.
func (k entryKind) local() bool { return k >= isCrossing }

var senseOf = [...]SenseKind{SenseUnit, SenseFormer, SenseArea, SenseCountry, SenseCrossing, SenseSeat, SenseSubunit, SensePlace}

type ambiguity struct {
	name  string
	units []int
	def   int
	note  string
}

// scope is what else is known when a name is looked up. The zero scope with NoDay leaves everything open.
type scope struct {
	country string // "" for any
	units   []int  // rising; nil for any
	day     int32
	local   bool // places come before units: "Chitral town"
	// A tehsil or a district is spoken of.
	tehsil, district bool
}

var anywhere = scope{day: NoDay}

// allows says whether a scope leaves a unit possible.
func (n *Names) allows(sc *scope, unit int) bool {
	if sc.country != "" && n.units[unit].Country != sc.country {
		return false
	}
	if sc.units == nil {
		return true
	}
	_, ok := slices.BinarySearch(sc.units, unit)
	return ok
}

// left are the units of a list that a scope leaves possible; the list itself if these are all.
func (n *Names) left(sc *scope, units []int) []int {
	if sc.country == "" && sc.units == nil {
		return units
	}
	for i, u := range units {
		if !n.allows(sc, u) {
			out := slices.Clone(units[:i])
			for _, u := range units[i+1:] {
				if n.allows(sc, u) {
					out = append(out, u)
				}
			}
			return out
		}
	}
	return units
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

// tribal are the units of today that lay in the Federally Administered Tribal Areas, six of them with their Frontier Region only.
var tribal = []string{
	"pk-kp-bajaur", "pk-kp-mohmand", "pk-kp-khyber", "pk-kp-orakzai", "pk-kp-kurram", "pk-kp-north-waziristan",
	"pk-kp-lower-south-waziristan", "pk-kp-upper-south-waziristan",
	"pk-kp-peshawar", "pk-kp-kohat", "pk-kp-bannu", "pk-kp-lakki-marwat", "pk-kp-dera-ismail-khan", "pk-kp-tank",
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
		"Federally Administered Tribal Areas", "FATA", "Federally Administered Tribal Area", "PK-TA", "فاٹا", "Frontier Regions",
	}, tribal},
	{"Khyber Pakhtunkhwa", "province", []string{
		"Tribal Districts", "Tribal Areas", "Erstwhile Tribal Areas", "Former Tribal Areas", "Erstwhile FATA", "Former FATA", "Ex-FATA", "Merged Districts",
		"Newly Merged Districts", "Merged Tribal Districts", "Newly Merged Tribal Districts", "قبائلی علاقہ جات", "قبائلی اضلاع",
	}, tribal},
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

// NewNames makes the table of names. Units, areas and countries come from the index. What names a unit that the index does not
// have loses that part: a user's own boundaries may know other units.
func NewNames(from Sources) *Names {
	x := from.Index
	n := &Names{
		units: x.Units(), crossings: from.Crossings, sides: make([][]int, len(from.Crossings)), subunits: from.Subunits, formers: from.Formers,
		entries: make(map[string][]entry, 4*(len(from.Places)+len(from.Subunits))+2000), ambiguous: map[string]*ambiguity{}, alike: map[string][]string{},
	}
	n.sorted = sync.OnceValue(n.sortKeys)
	for code, names := range countryNames {
		for _, s := range names {
			n.add(isCountry, countryRef(code), Name{Text: s})
		}
	}
	n.addAreas(x)
	for i := range n.units {
		u := &n.units[i]
		for _, s := range append([]string{u.ID, u.Name, u.PCode}, u.Variants...) {
			n.add(isUnit, i, Name{Text: s, Lang: "en"})
		}
		for lang, s := range map[string]string{"ur": u.NameUR, "ps": u.NamePS, "prs": u.NameFA} {
			n.add(isUnit, i, Name{Text: s, Lang: lang})
		}
		if u.Kind != "district" {
			n.add(isUnit, i, Name{Text: u.ISO})
		}
		for _, s := range seats(u.Seat) {
			n.add(isSeat, i, Name{Text: s, Lang: "en"})
		}
	}
	for i, c := range n.crossings {
		for j := range n.units {
			u := &n.units[j]
			if u.Country == "PK" && u.Name == c.PKDistrict || u.Country == "AF" && u.Name == c.AFProvince {
				n.sides[i] = insert(n.sides[i], j)
			}
		}
		n.addAll(isCrossing, i, c.Name, c.Names)
		for _, s := range c.Variants {
			n.add(isCrossing, i, Name{Text: s, Lang: "en"})
		}
	}
	n.within = make([]int, len(n.subunits))
	for i, s := range n.subunits {
		u, ok := x.ByID(s.Unit)
		n.within[i] = u
		if ok {
			n.add(isSubunit, i, Name{Text: s.ID})
			n.addAll(isSubunit, i, s.Name, s.Names)
			if own := skeleton(key(Fold(s.Name))); own != "" && Fold(s.Name) == Fold(n.units[u].Name) {
				for _, name := range s.Names { // its spellings are those of the unit
					if skeleton(key(Fold(name.Text))) == own {
						n.add(isUnit, u, name)
					}
				}
			}
		}
	}
	n.covers = make([][]int, len(n.formers))
	for i, f := range n.formers {
		for _, id := range f.Units {
			if u, ok := x.ByID(id); ok {
				n.covers[i] = insert(n.covers[i], u)
			}
		}
		if n.covers[i] == nil {
			continue
		}
		if f.Kind == "province" {
			n.addFormerProvince(x, i)
			continue
		}
		n.add(isFormer, i, Name{Text: f.ID})
		n.addAll(isFormer, i, f.Name, f.Names)
	}
	n.addPlaces(x, from.Places)
	for _, a := range from.Ambiguities {
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
			if k := key(Fold(s)); k != "" {
				named := amb
				named.name = strings.TrimSpace(s)
				n.ambiguous[k] = &named
				n.like(k)
			}
		}
	}
	return n
}

// with is a layer of places over a table.
func (n *Names) with(x *Index, places []Place) *Names {
	w := *n
	w.below = n
	w.entries, w.ambiguous, w.alike = make(map[string][]entry, len(places)), nil, map[string][]string{}
	w.places, w.lie, w.listed = slices.Clip(n.places), slices.Clip(n.lie), slices.Clip(n.listed)
	w.addPlaces(x, places)
	w.sorted = sync.OnceValue(w.sortKeys)
	return &w
}

func (n *Names) sortKeys() []string { return slices.Sorted(maps.Keys(n.entries)) }

// addPlaces adds places with the units that they lie in.
func (n *Names) addPlaces(x *Index, places []Place) {
	for _, p := range places {
		var units []int
		for _, id := range p.Units {
			if u, ok := x.ByID(id); ok {
				units = insert(units, u)
			}
		}
		if len(p.Units) == 0 && p.HasPoint {
			if u := x.Locate(p.Point); u >= 0 {
				units = []int{u}
			}
		}
		i := len(n.places)
		n.places, n.lie = append(n.places, p), append(n.lie, units)
		if units != nil {
			n.addAll(isPlace, i, p.Name, p.Names)
		}
	}
}

// addAreas adds the provinces that the units name, and the areas within them.
func (n *Names) addAreas(x *Index) {
	provinces := map[string]*Area{}
	for i, u := range n.units {
		if u.Kind != "district" || u.Province == "" {
			continue
		}
		a := provinces[u.Province]
		if a == nil {
			a = &Area{Name: u.Province, Province: u.Province, Country: u.Country, Precision: "province", Until: NoDay}
			provinces[u.Province] = a
			n.areas = append(n.areas, a)
		}
		a.Units = append(a.Units, i)
	}
	for i, a := range n.areas {
		for _, s := range append([]string{a.Name}, provinceNames[a.Name]...) {
			n.add(isArea, i, Name{Text: s})
		}
	}
	for _, an := range areaNames {
		p := provinces[an.province]
		if p == nil {
			continue
		}
		a := &Area{Name: an.names[0], Province: p.Province, Country: p.Country, Precision: an.precision, Until: NoDay}
		for _, id := range an.units {
			if i, ok := x.ByID(id); ok {
				a.Units = insert(a.Units, i)
			}
		}
		if a.Units == nil {
			a.Units = p.Units
		}
		n.addArea(a, an.names)
	}
}

func (n *Names) addArea(a *Area, names []string) {
	n.areas = append(n.areas, a)
	for _, s := range names {
		n.add(isArea, len(n.areas)-1, Name{Text: s})
	}
}

// addFormerProvince adds what was a territory of its own: its name says that it was before it ended, unless it is used of
// today's ("former FATA") or was a name of a whole province.
func (n *Names) addFormerProvince(x *Index, i int) {
	f := &n.formers[i]
	for _, e := range n.entries[key(Fold(f.Name))] {
		if e.kind == isArea {
			if a := n.areas[e.ref]; a.Name != a.Province { // an old name of today's province says no date
				a.Until = f.Dates.Until
			}
			return
		}
	}
	a := &Area{Name: f.Name, Province: f.Province, Country: f.Country, Precision: "province", Units: n.covers[i], Until: f.Dates.Until}
	names := []string{f.Name}
	for _, s := range f.Names {
		names = append(names, s.Text)
	}
	n.addArea(a, names)
}

func (n *Names) addAll(kind entryKind, ref int, name string, more []Name) {
	n.add(kind, ref, Name{Text: name, Lang: "en"})
	for _, s := range more {
		n.add(kind, ref, s)
	}
}

// add lists a name, once for each thing.
func (n *Names) add(kind entryKind, ref int, name Name) {
	k := key(Fold(name.Text))
	if k == "" {
		return
	}
	for _, e := range n.entries[k] {
		if e.kind == kind && int(e.ref) == ref {
			return
		}
	}
	if len(n.entries[k]) >= maxSame {
		return
	}
	if len(n.entries[k]) == 0 {
		n.like(k)
	}
	n.entries[k] = append(n.entries[k], entry{kind, int32(ref), int32(len(n.listed))})
	n.listed = append(n.listed, name)
}

// maxSame is how many things of one name are kept: with so many none of them is found by it any more.
const maxSame = 64

// like lists a key under its skeleton.
func (n *Names) like(k string) {
	if s := skeleton(k); s != "" && !slices.Contains(n.alike[s], k) {
		n.alike[s] = append(n.alike[s], k)
	}
}

// countryCodes are the countries of the region in the order of their places in entries.
var countryCodes = [...]string{"PK", "AF"}

func countryRef(code string) int { return slices.Index(countryCodes[:], code) }

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
func (n *Names) Lookup(name string) Sense { return n.lookup(name, &anywhere) }

func (n *Names) lookup(name string, sc *scope) Sense {
	if len(name) > maxNameBytes {
		return noSense
	}
	if s, ok := n.whole(name, sc); ok {
		return s
	}
	if head, inner := brackets(name); inner != "" {
		if s, ok := n.whole(inner+" "+head, sc); ok { // "Dir (Upper)"
			s.Score *= 0.98
			return s
		}
		s, ok := n.whole(head, sc)
		q, known := n.whole(inner, sc)
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
		case known && (q.Kind == SenseUnit || q.Kind == SenseAmbiguous || q.Kind == SenseArea || q.Kind == SenseCountry):
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
			if s, ok := n.whole(part, sc); ok {
				s.Score *= 0.9
				s.How = "by its part " + quote(strings.TrimSpace(part))
				return s
			}
		}
	}
	if strings.ContainsRune(name, '/') {
		all := noSense
		for _, part := range strings.Split(name, "/") {
			s, ok := n.whole(part, sc)
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
	return noSense
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
func (n *Names) whole(name string, sc *scope) (Sense, bool) {
	f := Fold(name)
	if s, ok := n.sense(key(f), sc); ok {
		return s, true
	}
	words := strings.Fields(f)
	for len(words) > 0 {
		switch {
		case genericWord(words[0]):
			words = words[1:]
		case genericWord(words[len(words)-1]):
			words = words[:len(words)-1]
		case len(words) > 1 && genericPairs[[2]string(words[:2])]:
			words = words[2:]
		case len(words) > 1 && genericPairs[[2]string(words[len(words)-2:])]:
			words = words[:len(words)-2]
		default:
			return noSense, false
		}
		if s, ok := n.sense(strings.Join(words, ""), sc); ok {
			s.Score *= 0.98
			return s, true
		}
	}
	return noSense, false
}

// known says whether a key is listed, in any layer.
func (n *Names) known(k []byte) bool {
	for l := n; l != nil; l = l.below {
		if len(l.entries[string(k)]) > 0 || l.ambiguous[string(k)] != nil {
			return true
		}
	}
	return false
}

// meanings are the entries of a key in all layers.
func (n *Names) meanings(k string) (all []entry, amb *ambiguity) {
	for l := n; l != nil; l = l.below {
		if es := l.entries[k]; all == nil {
			all = es
		} else if es != nil {
			all = append(slices.Clone(es), all...)
		}
		if amb == nil {
			amb = l.ambiguous[k]
		}
	}
	return all, amb
}

// sense turns the meanings of a key into the one that is preferred among those that the scope leaves.
func (n *Names) sense(k string, sc *scope) (Sense, bool) {
	es, amb := n.meanings(k)
	if k == "" || es == nil && amb == nil {
		return noSense, false
	}
	s := noSense
	s.Score = 1
	s.town = sc.local && !sc.tehsil
	if amb != nil {
		s.Note = amb.note
	}
	var known []entry // what tells more of an ambiguous name
	for _, e := range es {
		if e.kind == isCrossing && s.Crossing < 0 {
			s.Crossing = int(e.ref)
		}
		if amb != nil && (e.kind == isCrossing || e.kind == isPlace && !n.places[e.ref].HasPoint || e.kind == isSubunit && !named(es, n.within[e.ref])) {
			known = append(known, e)
		}
	}
	if sc.local {
		// "Chitral town" lies in a Chitral; a town of the name elsewhere is not likelier than the one that gave the district its name.
		in := *sc
		if wide := n.adminUnits(es, amb, sc); wide != nil {
			in.units = wide
		}
		if n.localSense(&s, es, &in) {
			return s, true
		}
	}
	if sc.day != NoDay {
		for _, e := range es {
			f := int(e.ref)
			if e.kind != isFormer || !n.formers[f].Dates.Holds(sc.day) {
				continue
			}
			if amb != nil && len(common(n.covers[f], n.left(sc, amb.units))) < len(n.left(sc, amb.units)) {
				continue // the name is that of something else too, in the other country
			}
			if n.formerSense(&s, f, sc) {
				return s, true
			}
		}
	}
	if amb != nil && len(amb.units) > 0 {
		if units := n.left(sc, amb.units); len(units) > 0 {
			s.Kind, s.Name, s.Units, s.narrowed = SenseAmbiguous, amb.name, units, len(units) < len(amb.units)
			s.Default, s.entries = amb.def, known
			if !slices.Contains(units, amb.def) {
				s.Default = -1
			}
			if len(units) == 1 {
				s.Default = units[0]
			}
			return s, true
		}
	}
	var units []int
	for _, e := range es {
		if e.kind == isUnit {
			if n.allows(sc, int(e.ref)) {
				units = insert(units, int(e.ref))
			} else {
				s.narrowed = true
			}
		}
	}
	if units != nil {
		s.Kind, s.Units, s.Name = SenseUnit, units, n.units[units[0]].Name
		if len(units) == 1 {
			s.Default = units[0]
			if k != key(Fold(s.Name)) && n.units[units[0]].Kind == "district" { // "Lower Kurram" is listed for Kurram, and a tehsil of it
				for i, e := range es {
					if e.kind == isSubunit && n.within[e.ref] == units[0] && k == key(Fold(n.subunits[e.ref].Name)) {
						s.entries = es[i : i+1]
					}
				}
			}
		}
		return s, true
	}
	for _, e := range es {
		if e.kind == isFormer && amb == nil && n.formerSense(&s, int(e.ref), sc) {
			if len(s.Units) > 1 && (sc.day != NoDay || !strings.Contains(k, "agency") && !strings.Contains(k, Fold("ایجنسی"))) {
				s.Kind, s.Former = SenseAmbiguous, -1 // nothing says that it was in its time
			}
			return s, true
		}
	}
	for _, e := range es {
		if e.kind == isArea {
			a := n.areas[e.ref]
			if sc.country == "" || sc.country == a.Country {
				s.Kind, s.Name, s.Area, s.Country = SenseArea, a.Name, a, a.Country
				return s, true
			}
		}
	}
	for _, e := range es {
		if e.kind == isCountry {
			code := countryCodes[e.ref]
			s.Kind, s.Name, s.Country = SenseCountry, countryName(code), code
			return s, true
		}
	}
	if n.localSense(&s, es, sc) {
		return s, true
	}
	if amb != nil && len(amb.units) == 0 {
		s.Kind, s.Name = SenseAmbiguous, amb.name // stands for no unit at all
		return s, true
	}
	return noSense, false
}

// named says whether a unit itself goes by the name: "Kandahar" is the province before it is a district of it.
func named(es []entry, unit int) bool {
	return slices.ContainsFunc(es, func(e entry) bool { return e.kind == isUnit && int(e.ref) == unit })
}

// adminUnits are the units of the names of units among the meanings of a key, nil if there are none.
func (n *Names) adminUnits(es []entry, amb *ambiguity, sc *scope) []int {
	var units []int
	if amb != nil {
		units = n.left(sc, amb.units)
	}
	for _, e := range es {
		if e.kind == isUnit && n.allows(sc, int(e.ref)) {
			units = insert(units, int(e.ref))
		}
	}
	return units
}

// formerSense takes a former unit for the sense, if the scope leaves any of its units.
func (n *Names) formerSense(s *Sense, former int, sc *scope) bool {
	units := n.left(sc, n.covers[former])
	if len(units) == 0 {
		return false
	}
	s.Kind, s.Former, s.Name, s.Units, s.Default = SenseFormer, former, n.formers[former].Name, units, -1
	if len(units) == 1 {
		s.Default = units[0]
	}
	return true
}

// localSense takes the crossings, seats, subunits and places of a key together. A crossing has two sides; another place of the same
// name beside it says nothing new.
func (n *Names) localSense(s *Sense, es []entry, sc *scope) bool {
	best := isPlace + 1
	var units []int
	var locals []entry
	for _, e := range es {
		if !e.kind.local() {
			continue
		}
		for _, u := range n.unitsOf(e) {
			if n.allows(sc, u) {
				units = insert(units, u)
				if len(locals) == 0 || locals[len(locals)-1] != e {
					locals = append(locals, e)
				}
			} else {
				s.narrowed = true
			}
		}
		if len(locals) > 0 && locals[len(locals)-1] == e {
			best = min(best, e.kind)
		}
	}
	if units == nil {
		return false
	}
	if len(units) > 1 || sc.tehsil || sc.district {
		if fewer := n.likelier(locals, sc); len(fewer) < len(locals) {
			locals, units, best = fewer, nil, isPlace
			for _, e := range locals {
				best = min(best, e.kind)
				for _, u := range n.unitsOf(e) {
					if n.allows(sc, u) {
						units = insert(units, u)
					}
				}
			}
		}
	}
	s.Kind, s.Units, s.entries, s.Default = senseOf[best], units, locals, -1
	s.Name = n.nameOf(locals[0])
	if len(units) == 1 {
		s.Default = units[0]
	}
	s.Score = 0.9
	if best == isSeat {
		s.Score = 0.8
	}
	return true
}

// likelier leaves out of several places of one name those that are hardly meant: anything but a tehsil where a tehsil is spoken of, and
// small towns in the rest of Pakistan, of which the gazetteer says little else.
func (n *Names) likelier(locals []entry, sc *scope) []entry {
	keep := func(ok func(entry) bool) {
		if fewer := slices.DeleteFunc(slices.Clone(locals), func(e entry) bool { return !ok(e) }); len(fewer) > 0 {
			locals = fewer
		}
	}
	if sc.tehsil {
		keep(func(e entry) bool { return e.kind == isSubunit && n.subunits[e.ref].Kind == "tehsil" })
	}
	if sc.district {
		keep(func(e entry) bool { return e.kind == isSubunit && n.subunits[e.ref].Kind == "district" })
	}
	keep(func(e entry) bool {
		return e.kind != isPlace || n.units[n.lie[e.ref][0]].Kind != "context" || n.places[e.ref].Population >= 100_000
	})
	return locals
}

// unitsOf are the units of a local entry.
func (n *Names) unitsOf(e entry) []int {
	switch e.kind {
	case isCrossing:
		return n.sides[e.ref]
	case isSubunit:
		return n.within[e.ref : e.ref+1]
	case isPlace:
		return n.lie[e.ref]
	}
	return []int{int(e.ref)}
}

// nameOf is the usual name of what a local entry stands for.
func (n *Names) nameOf(e entry) string {
	switch e.kind {
	case isCrossing:
		return n.crossings[e.ref].Name
	case isSubunit:
		return n.subunits[e.ref].Name
	case isPlace:
		return n.places[e.ref].Name
	}
	return n.listed[e.name].Text
}

func quote(s string) string { return `"` + s + `"` }
