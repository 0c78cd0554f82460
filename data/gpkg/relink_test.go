package gpkg_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/storetest"
	"sarhad/incident"
)

// busyYear are incidents of one dataset that crowd each other: many on each day, in two units and within a few kilometres.
func busyYear(r *rand.Rand, dataset string, n int) []incident.Incident {
	list := make([]incident.Incident, n)
	for i := range list {
		start := incident.Day(15000 + r.IntN(yearDays))
		id := fmt.Sprint(i)
		in := incident.Incident{Dataset: dataset, SourceID: id, ID: incident.ID(dataset, id), Start: start, End: start + incident.Day(r.IntN(2)),
			EventType: []incident.EventType{"", incident.Battles, incident.Explosions}[r.IntN(3)], TypeOfViolence: incident.TypeOfViolence(r.IntN(3)),
			Country: "PK", UnitID: []string{"pk-kp-kurram", "pk-kp-hangu"}[r.IntN(2)], LocationPrecision: incident.LocSettlement,
			Point: orb.Point{70 + 0.1*r.Float64(), 33.5 + 0.1*r.Float64()}, HasPoint: true, Place: incident.Place{Kind: incident.PlacePoint}, Best: incident.Known(r.IntN(4)),
			Actor1: []string{"", "Xyz group", "abc"}[r.IntN(3)]}
		if r.IntN(6) == 0 {
			in.LocationPrecision, in.HasPoint, in.Point, in.Place = incident.LocDistrict, false, orb.Point{}, incident.Place{Kind: incident.PlaceUnit}
		}
		list[i] = in
	}
	return list
}

const (
	yearDays    = 150 // of a short year
	allLinks    = "SELECT group_concat(t, ' ') FROM (SELECT x.id || '-' || y.id || l.reasons || l.days || coalesce(l.km, '') AS t FROM links AS l JOIN incidents AS x ON x.fid = l.a_fid JOIN incidents AS y ON y.fid = l.b_fid ORDER BY 1)"
	allClusters = "SELECT group_concat(t, ' ') FROM (SELECT fid || '-' || cluster AS t FROM clusters ORDER BY fid)"
)

// Links that are found only around what a load changed are those that are found anew.
func TestRelinkDays(t *testing.T) {
	for name, sets := range map[string][]string{"two datasets": {"a", "b"}, "three datasets": {"a", "b", "c"}} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(11, uint64(len(sets))))
			path := filepath.Join(t.TempDir(), "s.gpkg")
			s := open(t, path, options)
			defer func() { closeStore(t, s) }()
			for _, set := range sets {
				storetest.Load(t, s, importOf(set), 5000, busyYear(r, set, 1500))
			}
			kept, moved := 0, 0
			for step := range 12 {
				set := sets[r.IntN(len(sets))]
				// Rows of three days: some are new, some come from any day of the year.
				batch := busyYear(r, set, 1+r.IntN(20))
				days := []incident.Day{15000 + incident.Day(r.IntN(yearDays)), 15000 + incident.Day(r.IntN(yearDays))}
				for i := range batch {
					if r.IntN(3) > 0 {
						id := fmt.Sprint(r.IntN(1500), "-", step*r.IntN(2))
						batch[i].SourceID, batch[i].ID = id, incident.ID(set, id)
					} else {
						moved++
					}
					if step%3 > 0 {
						length := batch[i].End - batch[i].Start
						batch[i].Start = days[r.IntN(2)] + incident.Day(r.IntN(2))
						batch[i].End = batch[i].Start + length
					}
					if r.IntN(9) == 0 {
						batch[i].TimePrecision = incident.TimeMonth
					}
				}
				before := query(t, path, "SELECT max(fid) FROM links")
				storetest.Load(t, s, importOf(set), 100, batch)
				links, clusters := query(t, path, allLinks), query(t, path, allClusters)
				if query(t, path, "SELECT count(*) > 0 FROM links WHERE fid < "+before) == "1" {
					kept++
				}
				closeStore(t, s)
				query(t, path, "DELETE FROM meta WHERE key = 'linked'")
				s = open(t, path, options)
				if anew := query(t, path, allLinks); anew != links {
					t.Fatalf("step %d: links\n%s\nwant\n%s", step, differing(links, anew), differing(anew, links))
				}
				if anew := query(t, path, allClusters); anew != clusters {
					t.Fatalf("step %d: clusters\n%s\nwant\n%s", step, differing(clusters, anew), differing(anew, clusters))
				}
			}
			if kept < 8 || moved == 0 {
				t.Errorf("only %d loads left links as they were; %d rows moved", kept, moved)
			}
		})
	}
}

// differing are the words of a that are not in b.
func differing(a, b string) string {
	in := map[string]bool{}
	for _, w := range strings.Split(b, " i") {
		in[w] = true
	}
	var out []string
	for _, w := range strings.Split(a, " i") {
		if !in[w] {
			out = append(out, w)
		}
	}
	return strings.Join(out, "\n")
}
