package api

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"sarhad/incident"
)

// memory is a store for tests: a slice and nothing clever.
type memory struct {
	rows     []incident.Incident
	datasets []incident.DatasetInfo
	links    map[string][]incident.Link
	change   atomic.Int64
	reads    atomic.Int64 // calls of Incidents
	counts   atomic.Int64 // calls of Count
	failAt   int          // Incidents fails before this row, counted from 1; 0 never
	onRow    func(n int)  // called before each row that is given
	panics   bool
}

var errBroken = incident.Errorf(incident.CodeInternal, "disk at /secret/path is broken")

func (m *memory) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		m.reads.Add(1)
		if m.panics {
			panic("secret of the store")
		}
		var list []*incident.Incident
		for i := range m.rows {
			in := &m.rows[i]
			if incident.Matches(q.Filter, in) && (q.After == nil || q.Order.Less(*q.After, at(in))) {
				list = append(list, in)
			}
		}
		slices.SortFunc(list, func(a, b *incident.Incident) int {
			switch {
			case q.Order.Less(at(a), at(b)):
				return -1
			case q.Order.Less(at(b), at(a)):
				return 1
			}
			return 0
		})
		for i, in := range list {
			if q.Limit > 0 && i == q.Limit {
				return
			}
			if m.onRow != nil {
				m.onRow(i + 1)
			}
			if i+1 == m.failAt {
				yield(nil, errBroken)
				return
			}
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if !yield(in, nil) {
				return
			}
		}
	}
}

func at(in *incident.Incident) incident.Cursor {
	return incident.Cursor{FID: in.FID, Start: in.Start}
}

func (m *memory) Incident(_ context.Context, id string) (*incident.Incident, error) {
	for i := range m.rows {
		if m.rows[i].ID == id || strconv.FormatInt(m.rows[i].FID, 10) == id {
			return &m.rows[i], nil
		}
	}
	return nil, incident.Errorf(incident.CodeNotFound, "no row in table incidents")
}

func (m *memory) Count(_ context.Context, f incident.Filter) (int, error) {
	m.counts.Add(1)
	n := 0
	for i := range m.rows {
		if incident.Matches(f, &m.rows[i]) {
			n++
		}
	}
	return n, nil
}

func (m *memory) Aggregate(_ context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	var groups []*incident.Group
	for i := range m.rows {
		in := &m.rows[i]
		if !incident.Matches(q.Filter, in) {
			continue
		}
		keys := make([]*string, len(q.By))
		q.EachKeys(in, keys, func() {
			j := slices.IndexFunc(groups, func(g *incident.Group) bool { return incident.CompareKeys(g.Keys, keys) == 0 })
			if j < 0 {
				j = len(groups)
				groups = append(groups, &incident.Group{Keys: slices.Clone(keys)})
			}
			groups[j].Add(in)
		})
	}
	slices.SortFunc(groups, func(a, b *incident.Group) int { return incident.CompareKeys(a.Keys, b.Keys) })
	var out []incident.Group
	for _, g := range groups {
		out = append(out, *g)
	}
	return out, nil
}

func (m *memory) Datasets(context.Context) ([]incident.DatasetInfo, error) {
	out := slices.Clone(m.datasets)
	for i := range out {
		d := &out[i]
		for j := range m.rows {
			in := &m.rows[j]
			if in.Dataset != d.Name {
				continue
			}
			if d.Count == 0 {
				d.First, d.Last = in.Start, in.End
			}
			d.Count++
			d.First, d.Last = min(d.First, in.Start), max(d.Last, in.End)
			if in.HasPoint {
				if !d.HasBound {
					d.Bound, d.HasBound = in.Point.Bound(), true
				}
				d.Bound = d.Bound.Extend(in.Point)
			}
		}
	}
	return out, nil
}

// Imports and Import know nothing: the slice has no history.
func (m *memory) Imports(context.Context, string) ([]incident.ImportInfo, error) { return nil, nil }

func (m *memory) Import(context.Context, int64) (incident.ImportInfo, error) {
	return incident.ImportInfo{}, incident.Errorf(incident.CodeNotFound, "There is no such import.")
}

// Versions gives one version of each incident, as [fill] loads it.
func (m *memory) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	in, err := m.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	imp := incident.ImportInfo{ID: 1 + int64(slices.Index(fillOrder, in.Dataset)), Dataset: in.Dataset, State: incident.ImportDone, Started: time.Unix(1, 0)}
	return []incident.Version{{Incident: in, Import: imp}}, nil
}

// Links gives those that a test has set, by ID.
func (m *memory) Links(ctx context.Context, id string) ([]incident.Link, error) {
	in, err := m.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	return m.links[in.ID], nil
}

func (m *memory) Change(context.Context) (int64, error) { return m.change.Load(), nil }

// vanishing is a store in which some incidents, by their FID, go between being
// listed and being fetched, and of which a count can be made up.
type vanishing struct {
	*memory
	gone  map[string]bool
	count int
}

func (v *vanishing) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	if v.gone[id] {
		delete(v.gone, id)
		for i := range v.rows {
			if strconv.FormatInt(v.rows[i].FID, 10) == id {
				v.rows = slices.Delete(v.rows, i, i+1)
				break
			}
		}
	}
	return v.memory.Incident(ctx, id)
}

func (v *vanishing) Count(ctx context.Context, f incident.Filter) (int, error) {
	if v.count > 0 {
		return v.count, nil
	}
	return v.memory.Count(ctx, f)
}
