package gpkg

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sarhad/incident"
)

// Links are found again only around the days on which something changed, with
// the same outcome as if all of them were found anew. Incidents are paired the
// most points first, so a pair that is formed or broken can break or form others
// next to it, and those others, day by day. But the pairs follow from one
// condition: of each candidate that is no pair, one side has a pair that goes
// before it. No candidate joins incidents that start more than LinkDays days
// apart. So where, around what changed, there are LinkDays days on which all
// incidents have the pairs that they had, nothing beyond these days can be
// another: the condition holds on either side of them.
const (
	// reaches are the days around a change that are looked at; if nothing has come to rest there, all is found anew.
	firstReach, lastReach = 24, 96
	// maxChangedDays is on how many days a load may have changed something for the links to be found only around these.
	maxChangedDays = 120
)

// stretch is a range of days.
type stretch struct{ from, to incident.Day }

func (s stretch) has(d incident.Day) bool { return d >= s.from && d <= s.to }

// stretches puts together days that are at most so many days apart.
func stretches(days []incident.Day, apart incident.Day) []stretch {
	days = slices.Sorted(slices.Values(days))
	var out []stretch
	for _, d := range days {
		if n := len(out); n > 0 && d-out[n-1].to <= apart {
			out[n-1].to = d
			continue
		}
		out = append(out, stretch{d, d})
	}
	return out
}

// relinkDays finds the links around some days, on which all changed rows start or started. It reports false, with nothing
// done, if that would not be less than to find them all.
func relinkDays(ctx context.Context, c *conn, names []string, days []incident.Day) (done bool, err error) {
	if len(days) > maxChangedDays {
		return false, nil
	}
	var all []relinked
	for reach := incident.Day(firstReach); ; reach *= 2 {
		if reach > lastReach {
			return false, nil
		}
		all = all[:0]
		for _, changed := range stretches(days, 2*reach) {
			r, settled, err := relinkAround(ctx, c, names, changed, reach)
			if err != nil {
				return false, err
			}
			if !settled {
				break
			}
			all = append(all, r)
		}
		if len(all) == len(stretches(days, 2*reach)) {
			break
		}
	}
	onDay := map[incident.Day]bool{}
	for _, d := range days {
		onDay[d] = true
	}
	whole := relinked{old: map[int64]storedLink{}, day: map[int64]incident.Day{}}
	for _, r := range all { // together, since an incident may have gone from one stretch to another
		maps.Copy(whole.old, r.old)
		maps.Copy(whole.day, r.day)
		whole.now = append(whole.now, r.now...)
	}
	if err := whole.write(ctx, c, names, onDay); err != nil {
		return false, err
	}
	return true, nil
}

// relinked are the links of a stretch of days, as they were and as they are.
type relinked struct {
	old map[int64]storedLink // by the number of the row
	now []incident.Pair
	day map[int64]incident.Day // of the incidents that are in one of them
}

type storedLink struct {
	a, b    int64
	reasons string
	days    int64
	km      incident.LinkDistance
}

// relinkAround pairs what starts around a stretch of days with changes. It reports false if it does not come to rest
// within reach of them.
func relinkAround(ctx context.Context, c *conn, names []string, changed stretch, reach incident.Day) (r relinked, settled bool, err error) {
	read := stretch{changed.from - reach, changed.to + reach}
	linker := incident.NewLinker(0)
	day := map[int64]incident.Day{}
	if err := addRows(ctx, c, linker, names, func(in *incident.Incident) { day[in.FID] = in.Start }, func(q *compiler) {
		q.sql(" AND i.start_date BETWEEN ? AND ?", dayText(read.from), dayText(read.to))
	}); err != nil {
		return r, false, err
	}
	pairs, _ := linker.Links()
	old, err := linksBetween(ctx, c, read)
	if err != nil {
		return r, false, err
	}
	// A day is at rest if all its incidents have the partners that they had.
	had, have := map[[2]int64]bool{}, map[[2]int64]bool{}
	for _, l := range old {
		had[[2]int64{l.a, l.b}] = true
	}
	for _, p := range pairs {
		have[[2]int64{p.A, p.B}] = true
	}
	restless := map[incident.Day]bool{}
	differ := func(x, y map[[2]int64]bool) {
		for p := range x {
			if !y[p] {
				for _, fid := range p {
					if d, ok := day[fid]; ok {
						restless[d] = true
					}
				}
			}
		}
	}
	differ(had, have)
	differ(have, had)
	// The days at rest begin so far from the change that nothing of it is among the candidates of their incidents, and
	// end so far from what was not read that all their candidates are there.
	const gap = incident.LinkDays
	within := stretch{read.from - 1, read.to + 1} // what lies between the days at rest
	for from := changed.from - gap; from-2*gap >= read.from && within.from < read.from; from-- {
		if atRest(restless, stretch{from - gap, from - 1}) {
			within.from = from
		}
	}
	for to := changed.to + gap; to+2*gap <= read.to && within.to > read.to; to++ {
		if atRest(restless, stretch{to + 1, to + gap}) {
			within.to = to
		}
	}
	if within.from < read.from || within.to > read.to {
		return r, false, nil
	}
	r = relinked{old: map[int64]storedLink{}, day: day}
	inside := func(a, b int64) bool {
		x, okA := day[a]
		y, okB := day[b]
		return okA && within.has(x) || okB && within.has(y)
	}
	for fid, l := range old {
		// A link of what is no incident to link any more has lost a side, which was on a day with a change.
		_, okA := day[l.a]
		_, okB := day[l.b]
		if inside(l.a, l.b) || !okA && !okB {
			r.old[fid] = l
		}
	}
	for _, p := range pairs {
		if inside(p.A, p.B) {
			r.now = append(r.now, p)
		}
	}
	return r, true, nil
}

func atRest(restless map[incident.Day]bool, days stretch) bool {
	for d := days.from; d <= days.to; d++ {
		if restless[d] {
			return false
		}
	}
	return true
}

// linksBetween reads the links of which a side starts in a stretch of days, by the number of the row.
func linksBetween(ctx context.Context, c *conn, days stretch) (map[int64]storedLink, error) {
	out := map[int64]storedLink{}
	for _, side := range []string{"a_fid", "b_fid"} {
		if err := c.each(ctx, "SELECT l.fid, l.a_fid, l.b_fid, l.reasons, l.days, l.km FROM incidents AS i CROSS JOIN links AS l ON l."+side+" = i.fid WHERE i.start_date BETWEEN ? AND ?",
			bind(dayText(days.from), dayText(days.to)), func(v []driver.Value) error {
				var l storedLink
				fid, _ := v[0].(int64)
				l.a, _ = v[1].(int64)
				l.b, _ = v[2].(int64)
				l.reasons, _ = v[3].(string)
				l.days, _ = v[4].(int64)
				l.km.KM, l.km.Known = v[5].(float64)
				out[fid] = l
				return nil
			}); err != nil {
			return nil, fmt.Errorf("read links: %w", err)
		}
	}
	return out, nil
}

// write stores what is another than it was. Clusters are made anew of whatever hangs together with a link that came, went
// or has a side that changed, which it did on one of some days.
func (r *relinked) write(ctx context.Context, c *conn, names []string, changed map[incident.Day]bool) error {
	kept := map[storedLink]int64{}
	seeds := map[int64]bool{}
	seed := func(a, b int64, anyway bool) {
		if anyway || changed[r.day[a]] || changed[r.day[b]] {
			seeds[a], seeds[b] = true, true
		}
	}
	for fid, l := range r.old {
		kept[l] = fid
		seed(l.a, l.b, false)
	}
	added := r.now[:0:0]
	for _, p := range r.now {
		l := storedLink{p.A, p.B, reasonWords(p.Reasons), int64(p.Days), p.KM}
		_, old := kept[l]
		delete(kept, l)
		if !old {
			added = append(added, p)
		}
		seed(p.A, p.B, !old)
	}
	for l, fid := range kept { // those that are left are no links any more
		seed(l.a, l.b, true)
		if err := c.exec("DELETE FROM links WHERE fid = ?", fid); err != nil {
			return fmt.Errorf("remove a link: %w", err)
		}
	}
	if len(seeds) == 0 {
		return nil
	}
	if err := writeLinks(c, added, nil); err != nil {
		return fmt.Errorf("write links: %w", err)
	}
	if err := recluster(ctx, c, names, seeds); err != nil {
		return fmt.Errorf("find clusters: %w", err)
	}
	return grow(c)
}

// recluster makes anew the clusters of some incidents and of all that links join to them.
func recluster(ctx context.Context, c *conn, names []string, seeds map[int64]bool) error {
	met := maps.Clone(seeds)
	pairs := map[[2]int64]bool{}
	for edge := slices.Collect(maps.Keys(seeds)); len(edge) > 0; {
		list, err := json.Marshal(edge)
		if err != nil {
			return fmt.Errorf("name rows: %w", err)
		}
		edge = edge[:0]
		for _, side := range []string{"a_fid", "b_fid"} {
			if err := c.each(ctx, "SELECT l.a_fid, l.b_fid FROM json_each(?) AS j CROSS JOIN links AS l ON l."+side+" = j.value", bind(string(list)), func(v []driver.Value) error {
				var p [2]int64
				for i := range p {
					if p[i], _ = v[i].(int64); !met[p[i]] {
						met[p[i]] = true
						edge = append(edge, p[i])
					}
				}
				pairs[p] = true
				return nil
			}); err != nil {
				return err
			}
		}
	}
	list, err := json.Marshal(slices.Sorted(maps.Keys(met)))
	if err != nil {
		return fmt.Errorf("name rows: %w", err)
	}
	linker := incident.NewLinker(len(met))
	if err := addRows(ctx, c, linker, names, nil, func(q *compiler) {
		q.sql(" AND i.fid IN (SELECT value FROM json_each(?))", string(list))
	}); err != nil {
		return err
	}
	var known []incident.Pair
	for p := range pairs {
		known = append(known, incident.Pair{A: p[0], B: p[1]})
	}
	if err := c.exec("DELETE FROM clusters WHERE fid IN (SELECT value FROM json_each(?))", string(list)); err != nil {
		return err
	}
	return writeLinks(c, nil, linker.Clusters(known))
}

// reasonWords are reasons as they are stored.
func reasonWords(reasons []incident.LinkReason) string {
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}
