package index

import (
	"maps"
	"slices"
	"sync"
	"time"

	"sarhad/incident"
)

// keyer numbers the values of one key. The numbers follow the order of the
// values, with null as the first, so that groups come out sorted.
type keyer struct {
	key incident.Key
	// values are those of a key that is in a table; codes gives for each segment the number of each of its entries.
	values []*string
	codes  [][]uint32
	// sides gives for the key of actors the numbers of each entry, the second noSide if there is one only.
	sides [][][2]uint32
	// first and periods are the range of a key of time; names are made when they are asked for.
	first, periods int
	names          []*string
}

const noSide = 1<<32 - 1

// tableOf says where the values of a key are.
func tableOf(k incident.Key) source {
	switch {
	case k.IsTime():
		return fromColumns
	case k == incident.KeyActor:
		return fromParty
	case k == incident.KeyUnit || k == incident.KeyProvince || k == incident.KeyCountry:
		return fromPlace
	}
	return fromKind
}

// keyers keeps the keys of a view that were asked for, as they are in the tables.
type keyers struct {
	mu sync.Mutex
	of map[incident.Key]*keyer
}

// keyer numbers the values of a key of a query; the days bound the starts that are counted.
func (v *view) keyer(q *incident.AggregateQuery, k incident.Key, first, last incident.Day) *keyer {
	if k.IsTime() {
		from := periodOf(k, first)
		return &keyer{key: k, first: from, periods: max(periodOf(k, last)-from+1, 0)}
	}
	v.keys.mu.Lock()
	y := v.keys.of[k]
	if y == nil {
		if y = newKeyer(k, v.segments()); v.keys.of == nil {
			v.keys.of = map[incident.Key]*keyer{}
		}
		v.keys.of[k] = y
	}
	v.keys.mu.Unlock()
	if k == incident.KeyUnit && q.Under != nil {
		return y.under(q.Under)
	}
	return y
}

// valuesOf gives the values of a key for each entry of a table, a nil for none.
func valuesOf[T any](table []T, put func(*T, *incident.Incident), value func(*incident.Incident) []*string) [][]*string {
	out := make([][]*string, len(table))
	var in incident.Incident
	for i := range table {
		put(&table[i], &in)
		out[i] = value(&in)
	}
	return out
}

// newKeyer numbers the values of a key that is in a table.
func newKeyer(k incident.Key, segments []*segment) *keyer {
	value := func(in *incident.Incident) []*string { return []*string{incident.KeyOf(k, in)} }
	var entries [][][]*string // of each segment, of each entry: its values
	known := map[string]*string{}
	for _, s := range segments {
		var v [][]*string
		switch tableOf(k) {
		case fromPlace:
			v = valuesOf(s.places, (*incident.RowPlace).Put, value)
		case fromParty:
			v = valuesOf(s.parties, (*party).put, incident.ActorsOf)
		default:
			v = valuesOf(s.kinds, (*incident.RowKind).Put, value)
		}
		entries = append(entries, v)
		for _, of := range v {
			for _, t := range of {
				if t != nil {
					known[*t] = t
				}
			}
		}
	}
	y := &keyer{key: k}
	number := y.number(known)
	for _, v := range entries {
		codes, sides := make([]uint32, len(v)), make([][2]uint32, 0)
		for i, of := range v {
			pair := [2]uint32{0, noSide}
			for side, t := range of {
				if t != nil {
					pair[side] = number[*t]
				}
			}
			if codes[i] = pair[0]; k == incident.KeyActor {
				sides = append(sides, pair)
			}
		}
		y.codes, y.sides = append(y.codes, codes), append(y.sides, sides)
	}
	return y
}

// number sets the values to those that are known, and gives their numbers.
func (y *keyer) number(known map[string]*string) map[string]uint32 {
	y.values = append(make([]*string, 0, len(known)+1), nil)
	number := make(map[string]uint32, len(known))
	for _, text := range slices.Sorted(maps.Keys(known)) {
		number[text] = uint32(len(y.values))
		y.values = append(y.values, known[text])
	}
	return number
}

// under gives the key with other values in place of its own, nearly always the same.
func (y *keyer) under(of func(string) string) *keyer {
	names := make([]string, len(y.values))
	same := true
	for i, v := range y.values[1:] {
		names[i+1] = of(*v)
		same = same && names[i+1] == *v
	}
	if same {
		return y
	}
	known := make(map[string]*string, len(names))
	for i := range names[1:] {
		known[names[i+1]] = &names[i+1]
	}
	other := &keyer{key: y.key}
	number := other.number(known)
	for _, own := range y.codes {
		codes := make([]uint32, len(own))
		for i, c := range own {
			if c != 0 {
				codes[i] = number[names[c]]
			}
		}
		other.codes = append(other.codes, codes)
	}
	return other
}

func (y *keyer) size() int {
	if y.key.IsTime() {
		return y.periods
	}
	return len(y.values)
}

// value is the value of a number.
func (y *keyer) value(n int) *string {
	if !y.key.IsTime() {
		return y.values[n]
	}
	if y.names == nil {
		y.names = make([]*string, min(y.periods, maxDense))
	}
	if n < len(y.names) && y.names[n] != nil {
		return y.names[n]
	}
	text := incident.PeriodOf(y.key, firstDay(y.key, y.first+n))
	if n < len(y.names) {
		y.names[n] = &text
	}
	return &text
}

// periodOf numbers the periods of a key of time.
func periodOf(k incident.Key, d incident.Day) int {
	switch k {
	case incident.KeyDay:
		return int(d)
	case incident.KeyWeek: // day -3 was a Monday
		return floorDiv(int(d)+3, 7)
	}
	y, m, _ := d.Date()
	if k == incident.KeyMonth {
		return y*12 + int(m) - 1
	}
	return y
}

// firstDay is the first day of a numbered period.
func firstDay(k incident.Key, n int) incident.Day {
	switch k {
	case incident.KeyDay:
		return incident.Day(n)
	case incident.KeyWeek:
		return incident.Day(n*7 - 3)
	case incident.KeyMonth:
		year := floorDiv(n, 12)
		return incident.NewDay(year, time.Month(n-year*12+1), 1)
	}
	return incident.NewDay(n, time.January, 1)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
