package index

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"sarhad/incident"
)

// clusters are the incidents of a view that are in a cluster of likely duplicates.
type clusters struct {
	members []clustered // cluster by cluster
	skip    []rowSet    // of each segment: what is in a cluster, and what is not there any more
}

type clustered struct {
	cluster int64
	seg     int
	row     uint32
}

// clusterCache keeps the clusters of a view once they were asked for.
type clusterCache struct {
	mu sync.Mutex
	of *clusters
}

// clusters gives the clusters of a view, nil if the store cannot give them or has gone on since.
func (x *Index) clusters(ctx context.Context, v *view) (*clusters, error) {
	base, ok := x.base.(incident.Clusterer)
	if !ok {
		return nil, nil
	}
	v.clusters.mu.Lock()
	defer v.clusters.mu.Unlock()
	if v.clusters.of != nil {
		return v.clusters.of, nil
	}
	if now, err := base.Change(ctx); err != nil || now != v.change {
		return nil, err
	}
	// A change of the links is a change of the store, so those of one number are those of the view.
	change, members, err := base.Clusters(ctx)
	if err != nil || change != v.change {
		return nil, err
	}
	v.clusters.of = newClusters(v, members)
	return v.clusters.of, nil
}

func newClusters(v *view, members []incident.Member) *clusters {
	c := &clusters{}
	for i, s := range v.segments() {
		skip := make(rowSet, (s.rows()+63)/64)
		if i == 0 {
			copy(skip, v.dead)
		}
		for _, m := range members {
			if row, ok := s.find(m.FID); ok && !skip.has(row) {
				skip[row>>6] |= 1 << (row & 63)
				c.members = append(c.members, clustered{m.Cluster, i, row})
			}
		}
		c.skip = append(c.skip, skip)
	}
	slices.SortFunc(c.members, func(a, b clustered) int { return cmp.Compare(a.cluster, b.cluster) })
	return c
}

// tally counts of each cluster one incident in each group: of those that match, the one that is better than the others.
func (c *clusters) tally(ctx context.Context, parts []part, t *tally) error {
	chosen := map[uint64]clustered{} // of the cluster at hand, by group
	as := &shape{want: hasID, tables: fromKind}
	better := func(a, b clustered) bool {
		var x, y incident.Incident
		parts[a.seg].s.incident(a.row, &x, as)
		parts[b.seg].s.incident(b.row, &y, as)
		return incident.Better(&x, &y)
	}
	for i, m := range c.members {
		if i%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if p := &parts[m.seg]; p.p.inDays(m.row) && p.p.matches(m.row) {
			p.groupsOf(m.row, func(g uint64) {
				if other, ok := chosen[g]; !ok || better(m, other) {
					chosen[g] = m
				}
			})
		}
		if i+1 < len(c.members) && c.members[i+1].cluster == m.cluster {
			continue
		}
		for g, m := range chosen {
			t.at(g).add(parts[m.seg].s, m.row)
		}
		clear(chosen)
		if len(t.rare) > incident.MaxGroups {
			return errGroups
		}
	}
	return nil
}
