package geo

import (
	"cmp"
	"slices"
	"strings"
)

// maxCompletions is how many names with a beginning are looked at: those of one letter are too many to be of use.
const maxCompletions = 2000

// Complete are the places whose names begin with a string, the best first, at most limit: what a search box offers while
// somebody types. Whole names come before longer ones, then units, provinces, crossings, tehsils and towns, larger towns
// before smaller ones. A province or country has no UnitID and the Kind "province", "area" or "country". Score only puts them in order.
func (g *Geocoder) Complete(prefix string, limit int) []Candidate {
	k := key(Fold(prefix))
	if k == "" || limit <= 0 {
		return nil
	}
	type found struct {
		entry
		whole  bool
		people int
		name   string // the spelling that was found
	}
	var all []found
	at := map[entry]int{} // without the spelling
	n := g.names
	for l := n; l != nil; l = l.below {
		keys := l.sorted()
		from, _ := slices.BinarySearch(keys, k)
		for _, other := range keys[from:min(len(keys), from+maxCompletions)] {
			if !strings.HasPrefix(other, k) {
				break
			}
			for _, e := range l.entries[other] {
				f := found{entry: e, whole: other == k, name: n.listed[e.name].Text}
				if e.kind == isPlace {
					f.people = n.places[e.ref].Population
				}
				id := entry{kind: e.kind, ref: e.ref}
				if i, ok := at[id]; ok {
					if f.whole && !all[i].whole {
						all[i] = f
					}
					continue
				}
				at[id] = len(all)
				all = append(all, f)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b found) int {
		if a.whole != b.whole {
			if a.whole {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(b.people, a.people), cmp.Compare(len(a.name), len(b.name)), cmp.Compare(a.name, b.name))
	})
	var out []Candidate
	q := &reader{g: g, n: n}
	for _, f := range all {
		c := Candidate{Precision: "none", Reasons: []string{quote(f.name) + " begins so"}, Span: [2]int{0, len(prefix)}}
		switch f.kind {
		case isCountry:
			c.Kind, c.Name, c.Precision = "country", countryName(countryCodes[f.ref]), "country"
		case isArea:
			a := n.areas[f.ref]
			c.Kind, c.Name, c.Precision = "area", a.Name, a.Precision
			if a.Name == a.Province {
				c.Kind = "province"
			}
		case isFormer:
			former := &n.formers[f.ref]
			c.Kind, c.UnitID, c.Name, c.Precision = "former", former.ID, former.Name, "district"
		case isUnit:
			c = g.candidate(int(f.ref), 0, c.Reasons...)
			c.Kind, c.Span = "unit", [2]int{0, len(prefix)}
		default:
			s := Sense{entries: []entry{f.entry}}
			units := n.unitsOf(f.entry)
			if len(units) == 0 {
				continue
			}
			span := c.Span
			for _, u := range units {
				c = g.candidate(u, 0, quote(f.name)+" begins so")
				c.Span = span
				q.detail(&c, s, u)
				if f.kind == isSeat {
					c.Kind = "seat"
				}
				if u != units[len(units)-1] {
					out = append(out, c)
				}
			}
		}
		out = append(out, c)
		if len(out) >= limit {
			break
		}
	}
	out = out[:min(limit, len(out))]
	for i := range out {
		out[i].Score = 1 - float64(i)/float64(len(out)+1)
	}
	return out
}
