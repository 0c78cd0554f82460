package gazetteer

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
	orbgeo "github.com/paulmach/orb/geo"

	"sarhad/geo"
	"sarhad/incident"
)

// The limits of what is learned.
const (
	maxKeys       = 200_000
	maxSpots      = 256       // different points of one name
	maxAllSpots   = 1_000_000 // of all names together
	learnedWords  = 3
	learnedLength = 60 // bytes
	// spreadKM is how far the points of one name may lie from their median for it to be the name of one place.
	spreadKM = 10.0
	// vicinityKM is how far off a point may be that was given as "within 25 km".
	vicinityKM = 25.0
	// settledShare is the share of the incidents of a name that settles its unit against others near by.
	settledShare = 0.9
	// spotDegrees is the size within which points count as one, about a kilometre.
	spotDegrees = 0.01
)

// untrusted are the warnings with which an incident teaches no name: its names and its point contradict each other, the
// point stands for something larger or for many places, or it was itself placed by a learned name. The last three are
// those of package ingest.
var untrusted = []string{geo.WarnDistrictMismatch, geo.WarnCountryMismatch, geo.WarnSwappedCoordinates, geo.WarnZeroCoordinates,
	geo.WarnOutsideRegion, geo.WarnInvalidCoordinates, geo.WarnAdminMismatch, "label_coordinates", "shared_coordinates", "learned_place"}

// Learn gives the places that the incidents of a store teach: a name under which trusted incidents lie at one spot. It
// leaves the dataset except out ("" for none), so that a dataset is not placed by itself, and always those of which only
// counts may be shown: a row placed by one would carry the point of a withheld incident. Trusted is an incident
// that is not synthetic, has a point as good as a settlement or better, and none of the warnings that put point or
// place in doubt; a point that is good to 25 km teaches a name that no better point does, and its accuracy is said to be
// no better. The name is LocationName and, if it has at most three words, LocationText, without words such as "village".
//
// All points of a name must lie within 10 km of their median. If the points in each of several units do so by themselves,
// each is a place of its own and the name stays ambiguous, but for the few (one in ten) that lie across a boundary within
// 25 km of all others and count for nothing; a name that is scattered otherwise, or is that of a unit,
// province or country, teaches nothing. At most 200,000 names are held, those met first.
func Learn(ctx context.Context, r incident.Reader, g *geo.Geocoder, except string) ([]geo.Place, error) {
	sets, err := r.Datasets(ctx)
	if err != nil {
		return nil, fmt.Errorf("learn names: %w", err)
	}
	l := &learner{index: g.Index(), names: g.Names(), keys: map[string]*lesson{}, units: map[string]int32{}, datasets: map[string]int{}, read: map[string]reading{}}
	for _, d := range sets {
		if d.Name != except && !d.AggregatesOnly && !d.Synthetic {
			l.datasets[d.Name] = len(l.order)
			l.order = append(l.order, d.Name)
		}
	}
	if len(l.order) == 0 {
		return nil, nil
	}
	precise := make([]string, 0, 4)
	for _, p := range incident.LocationPrecisions {
		if p.IsPoint() {
			precise = append(precise, string(p))
		}
	}
	for in, err := range r.Incidents(ctx, incident.Query{Filter: incident.In{Property: "location_precision", Values: precise}}) {
		if err != nil {
			return nil, fmt.Errorf("learn names: %w", err)
		}
		l.take(in)
	}
	return l.places(), nil
}

type learner struct {
	index    *geo.Index
	names    *geo.Names
	datasets map[string]int // those that teach
	order    []string
	units    map[string]int32
	keys     map[string]*lesson
	spots    int
	read     map[string]reading // of names as they are written, which come again and again
}

// reading is a name without the words beside it, and its key.
type reading struct{ short, key string }

// maxRead is how many names as they are written are kept.
const maxRead = 1 << 16

// of reads a name; the zero reading is none that can be learned.
func (l *learner) of(name string) reading {
	if name == "" || len(name) > learnedLength {
		return reading{}
	}
	r, ok := l.read[name]
	if !ok {
		if len(l.read) == maxRead {
			clear(l.read)
		}
		name = strings.Clone(name)
		r.short = geo.PlaceName(name)
		r.key = geo.Fold(r.short)
		l.read[name] = r
	}
	return r
}

// lesson is what is known of one name.
type lesson struct {
	name  string // as it was first written; "" for a name that teaches nothing
	spots []spot
	wide  bool // it has more spots than are kept
}

// spot is one or several incidents of a dataset at about one point.
type spot struct {
	p       orb.Point
	unit    int32
	dataset int32
	count   int32
	rough   bool
}

func (l *learner) take(in *incident.Incident) {
	dataset, ok := l.datasets[in.Dataset]
	if !ok || !in.HasPoint || in.Synthetic || !in.LocationPrecision.IsPoint() || in.Place.Kind != incident.PlacePoint && in.Place.Kind != incident.PlaceCircle {
		return
	}
	for _, w := range in.Warnings {
		if slices.Contains(untrusted, w) {
			return
		}
	}
	unit := l.unit(in)
	if unit < 0 {
		return
	}
	s := spot{in.Point, unit, int32(dataset), 1, in.LocationPrecision == incident.LocVicinity}
	name := l.of(in.LocationName)
	l.teach(in.LocationName, name, s)
	if t := in.LocationText; t != "" && len(t) <= learnedLength && len(strings.Fields(t)) <= learnedWords {
		if words := l.of(t); words.key != name.key {
			l.teach(t, words, s)
		}
	}
}

// unit is the unit that an incident was placed in, -1 if it is none of the index.
func (l *learner) unit(in *incident.Incident) int32 {
	if in.UnitID == "" {
		return -1
	}
	u, ok := l.units[in.UnitID]
	if !ok {
		u = -1
		if i, there := l.index.ByID(in.UnitID); there {
			u = int32(i)
		}
		l.units[strings.Clone(in.UnitID)] = u
	}
	return u
}

// teach takes in what an incident says of a name.
func (l *learner) teach(name string, r reading, s spot) {
	if len(r.key) < 3 {
		return
	}
	le := l.keys[r.key]
	if le == nil {
		if len(l.keys) == maxKeys {
			return
		}
		le = &lesson{}
		if l.free(r.short) && l.free(name) && geo.NameLike(r.short) {
			le.name = r.short
		}
		l.keys[r.key] = le
	}
	if le.name == "" || le.wide {
		return
	}
	for i := range le.spots {
		o := &le.spots[i]
		if o.unit == s.unit && o.dataset == s.dataset && o.rough == s.rough &&
			math.Abs(o.p[0]-s.p[0]) < spotDegrees && math.Abs(o.p[1]-s.p[1]) < spotDegrees {
			o.count++
			return
		}
	}
	if len(le.spots) == maxSpots || l.spots == maxAllSpots {
		l.spots -= len(le.spots)
		le.wide, le.spots = true, nil
		return
	}
	le.spots = append(le.spots, s)
	l.spots++
}

// free says whether a name is not that of a unit, a province or a country already.
func (l *learner) free(name string) bool {
	switch s := l.names.Lookup(name); s.Kind {
	case geo.SenseUnit, geo.SenseAmbiguous, geo.SenseArea, geo.SenseCountry, geo.SenseFormer:
		return s.Score < 0.9 // a likeness is not the name
	}
	return true
}

// places makes places of what was taken in, in the order of their keys.
func (l *learner) places() []geo.Place {
	keys := make([]string, 0, len(l.keys))
	for k, le := range l.keys {
		if len(le.spots) > 0 {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var out []geo.Place
	for _, k := range keys {
		out = l.lesson(out, k, l.keys[k])
	}
	return out
}

func (l *learner) lesson(out []geo.Place, k string, le *lesson) []geo.Place {
	spots := le.spots
	rough := !slices.ContainsFunc(spots, func(s spot) bool { return !s.rough })
	if !rough {
		spots = slices.DeleteFunc(spots, func(s spot) bool { return s.rough })
	}
	spots = settle(spots)
	slices.SortStableFunc(spots, func(a, b spot) int { return cmp.Compare(a.unit, b.unit) })
	at := len(out)
	for len(spots) > 0 {
		n := 1
		for n < len(spots) && spots[n].unit == spots[0].unit {
			n++
		}
		middle, spread := median(spots[:n])
		if spread > spreadKM {
			return out[:at] // to leave out only this unit would make the name look surer than it is
		}
		accuracy := max(1, spread)
		if rough {
			accuracy = max(vicinityKM, spread)
		}
		unit := l.index.Units()[spots[0].unit].ID
		count, from := l.from(spots[:n])
		out = append(out, geo.Place{
			ID: learnedID(k, unit), Name: le.name, Kind: "learned", Units: []string{unit}, Point: middle, HasPoint: true,
			AccuracyKM: math.Round(accuracy*10) / 10, Source: from, Count: count,
		})
		spots = spots[n:]
	}
	return out
}

// settle leaves out what lies across a boundary near by, if nearly all incidents of a name lie in one unit: that is one
// place, of which a few were put a little beside it. What lies farther off may be another place of the name, and stays.
func settle(spots []spot) []spot {
	counts := map[int32]int{}
	total := 0
	for _, s := range spots {
		counts[s.unit] += int(s.count)
		total += int(s.count)
	}
	for unit, n := range counts {
		if n == total || float64(n) < settledShare*float64(total) {
			continue
		}
		main := slices.DeleteFunc(slices.Clone(spots), func(s spot) bool { return s.unit != unit })
		middle, _ := median(main)
		if !slices.ContainsFunc(spots, func(s spot) bool { return orbgeo.DistanceHaversine(middle, s.p) > vicinityKM*1000 }) {
			return main
		}
	}
	return spots
}

// from says how many incidents of which datasets there are.
func (l *learner) from(spots []spot) (int, string) {
	count := 0
	var sets []int32
	for _, s := range spots {
		count += int(s.count)
		if !slices.Contains(sets, s.dataset) {
			sets = append(sets, s.dataset)
		}
	}
	slices.Sort(sets)
	names := make([]string, len(sets))
	for i, d := range sets {
		names[i] = l.order[d]
	}
	word := "incidents"
	if count == 1 {
		word = "incident"
	}
	return count, fmt.Sprintf("%s (%d %s)", strings.Join(names, ", "), count, word)
}

func learnedID(key, unit string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key + "\x00" + unit)) // never fails
	return "learned-" + strconv.FormatUint(h.Sum64(), 36)
}

// median is the middle of points by longitude and by latitude, each weighed by its incidents, and how far the farthest
// of them is from there, in kilometres.
func median(spots []spot) (orb.Point, float64) {
	var p orb.Point
	for axis := range p {
		byAxis := slices.Clone(spots)
		slices.SortFunc(byAxis, func(a, b spot) int { return cmp.Compare(a.p[axis], b.p[axis]) })
		total := 0
		for _, s := range byAxis {
			total += int(s.count)
		}
		half := 0
		for _, s := range byAxis {
			if half += int(s.count); 2*half >= total {
				p[axis] = s.p[axis]
				break
			}
		}
	}
	spread := 0.0
	for _, s := range spots {
		spread = max(spread, orbgeo.DistanceHaversine(p, s.p)/1000)
	}
	return p, spread
}
