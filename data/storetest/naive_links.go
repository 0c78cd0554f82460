package storetest

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// naiveLink is a candidate that was paired.
type naiveLink struct {
	a, b    *incident.Incident
	points  int
	reasons []incident.LinkReason
	days    int
	km      incident.LinkDistance
}

// links compares every incident with every other, as the words of
// [incident.Linker] say it and with none of its code. The caller holds the lock.
func (s *naive) links() []naiveLink {
	s.linksMu.Lock()
	defer s.linksMu.Unlock()
	if s.linksOf == 0 || s.linksOf != s.change {
		s.found, s.linksOf = s.findLinks(), s.change
	}
	return s.found
}

func (s *naive) findLinks() []naiveLink {
	linkable := func(in *incident.Incident) bool {
		d, ok := s.datasets[in.Dataset]
		return ok && !d.Synthetic && !d.Sample && !in.Synthetic
	}
	var all []naiveLink
	for i := range s.rows {
		for j := range s.rows {
			a, b := &s.rows[i], &s.rows[j]
			if a.Dataset < b.Dataset && linkable(a) && linkable(b) {
				if l, ok := candidate(a, b); ok {
					all = append(all, l)
				}
			}
		}
	}
	slices.SortFunc(all, func(x, y naiveLink) int {
		return cmp.Or(-cmp.Compare(x.points, y.points), cmp.Compare(x.a.Dataset, y.a.Dataset), cmp.Compare(x.b.Dataset, y.b.Dataset),
			cmp.Compare(x.a.ID, y.a.ID), cmp.Compare(x.b.ID, y.b.ID))
	})
	taken := map[[2]string]bool{} // an incident and the dataset that it has a partner in
	return slices.DeleteFunc(all, func(l naiveLink) bool {
		x, y := [2]string{l.a.ID, l.b.Dataset}, [2]string{l.b.ID, l.a.Dataset}
		if taken[x] || taken[y] {
			return true
		}
		taken[x], taken[y] = true, true
		return false
	})
}

func candidate(a, b *incident.Incident) (l naiveLink, ok bool) {
	l.a, l.b = a, b
	for _, in := range []*incident.Incident{a, b} {
		if in.End > in.Start+1 || slices.Contains([]incident.TimePrecision{"week", "month", "year"}, in.TimePrecision) {
			return l, false
		}
	}
	gap := max(a.Start-b.End, b.Start-a.End, 0)
	if gap > 1 {
		return l, false
	}
	l.days = int(gap)
	if gap == 0 {
		l.points, l.reasons = 40, append(l.reasons, "same_day")
	} else {
		l.reasons = append(l.reasons, "day_apart")
	}

	toDistrict := func(in *incident.Incident) bool {
		return slices.Contains([]incident.LocationPrecision{"exact", "near", "settlement", "vicinity_25km", "tehsil", "district"}, in.LocationPrecision)
	}
	toPoint := func(in *incident.Incident) bool {
		return in.HasPoint && slices.Contains([]incident.LocationPrecision{"exact", "near", "settlement"}, in.LocationPrecision)
	}
	unit := a.UnitID != "" && a.UnitID == b.UnitID && toDistrict(a) && toDistrict(b)
	near := false
	if toPoint(a) && toPoint(b) {
		l.km = incident.LinkDistance{KM: chord(a.Point, b.Point), Known: true}
		near = l.km.KM <= 5
		switch {
		case near:
			l.points += 40 - 4*int(math.Floor(l.km.KM))
		case unit && l.km.KM <= 25:
			l.points += 5
		default:
			return l, false
		}
	} else {
		both := a.Subunit != "" && b.Subunit != ""
		if !unit || both && a.Subunit != b.Subunit && a.Country == "AF" && b.Country == "AF" {
			return l, false
		}
		if both && a.Subunit == b.Subunit {
			l.points += 20
		} else {
			l.points += 10
		}
	}
	if unit {
		l.reasons = append(l.reasons, "same_unit")
	}
	if near {
		l.reasons = append(l.reasons, "within_5_km")
	}

	event, violence := a.EventType != "" && a.EventType == b.EventType, a.TypeOfViolence != 0 && a.TypeOfViolence == b.TypeOfViolence
	if event {
		l.points, l.reasons = l.points+10, append(l.reasons, "same_event_type")
	}
	if violence {
		l.points, l.reasons = l.points+10, append(l.reasons, "same_type_of_violence")
	}
	fits := func(violence incident.TypeOfViolence, event incident.EventType) bool {
		switch event {
		case "Battles":
			return violence == 1 || violence == 2
		case "Explosions/Remote violence":
			return violence >= 1 && violence <= 3
		}
		return event == "Violence against civilians" && violence == 3
	}
	compatible := !event && !violence && (a.TypeOfViolence == 0 && fits(b.TypeOfViolence, a.EventType) || b.TypeOfViolence == 0 && fits(a.TypeOfViolence, b.EventType))
	if compatible {
		l.points, l.reasons = l.points+5, append(l.reasons, "compatible_type")
	}
	switch {
	case !a.Best.Known || !b.Best.Known:
		l.points += 10
	case a.Best.N == b.Best.N && a.Best.N > 0:
		l.points, l.reasons = l.points+30, append(l.reasons, "same_fatalities")
	}
	for _, w := range append(incident.ActorWords(a.Actor1), incident.ActorWords(a.Actor2)...) {
		if slices.Contains(incident.ActorWords(b.Actor1), w) || slices.Contains(incident.ActorWords(b.Actor2), w) {
			l.points, l.reasons = l.points+20, append(l.reasons, "shared_actor")
			break
		}
	}
	return l, event || violence || compatible
}

// chord is the distance of two points in kilometres, by the straight line through the earth.
func chord(a, b orb.Point) float64 {
	at := func(p orb.Point) [3]float64 {
		lon, lat := p[0]*math.Pi/180, p[1]*math.Pi/180
		return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
	}
	p, q := at(a), at(b)
	return 2 * 6371.0088 * math.Asin(min(1, math.Hypot(math.Hypot(p[0]-q[0], p[1]-q[1]), p[2]-q[2])/2))
}

// clusters gives the cluster of each incident that is in one, by ID.
func (s *naive) clusters() map[string]int {
	of := map[string]int{}
	members := map[int][]*incident.Incident{}
	for n, l := range s.links() {
		var mine []*incident.Incident
		for _, in := range []*incident.Incident{l.a, l.b} {
			if c, ok := of[in.ID]; ok {
				mine = append(mine, members[c]...)
			} else {
				mine = append(mine, in)
			}
		}
		sets := map[string]bool{}
		for _, in := range mine {
			sets[in.Dataset] = true
		}
		if len(sets) < len(mine) { // two of one dataset, or one cluster already
			continue
		}
		members[n+1] = mine
		for _, in := range mine {
			of[in.ID] = n + 1
		}
	}
	return of
}

// Links follows the incidents as they are, also while a load runs.
func (s *naive) Links(ctx context.Context, id string) ([]incident.Link, error) {
	in, err := s.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []incident.Link
	for _, l := range s.links() {
		other := l.b
		switch in.ID {
		case l.a.ID:
		case l.b.ID:
			other = l.a
		default:
			continue
		}
		out = append(out, incident.Link{ID: other.ID, FID: other.FID, Dataset: other.Dataset, Reasons: l.reasons, Days: l.days, KM: l.km})
	}
	slices.SortFunc(out, func(a, b incident.Link) int { return cmp.Compare(a.Dataset, b.Dataset) })
	return out, nil
}

// distinct leaves out of the groups of a question those that another incident
// of their cluster stands for there.
func (s *naive) distinct(members []member) []member {
	s.mu.RLock()
	cluster := s.clusters()
	s.mu.RUnlock()
	best := map[string]*incident.Incident{}
	key := func(m member) string { return strconv.Itoa(cluster[m.in.ID]) + " " + m.group }
	for _, m := range members {
		if b := best[key(m)]; cluster[m.in.ID] != 0 && (b == nil || incident.Better(m.in, b)) {
			best[key(m)] = m.in
		}
	}
	return slices.DeleteFunc(members, func(m member) bool { return cluster[m.in.ID] != 0 && best[key(m)] != m.in })
}
