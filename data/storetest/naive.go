package storetest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// NewNaive returns a store that keeps incidents in a slice and answers every
// question by looking at all of them. It is the oracle of the suite.
func NewNaive() incident.Store {
	return &naive{datasets: map[string]incident.Dataset{}, public: map[string]bool{}, history: map[string][]entry{}, loading: make(chan struct{}, 1)}
}

type naive struct {
	loading chan struct{}

	mu       sync.RWMutex
	rows     []incident.Incident // by FID
	nextFID  int64
	change   int64
	datasets map[string]incident.Dataset
	public   map[string]bool    // datasets of which the operator said whether they are public
	history  map[string][]entry // by ID, the present one too
	imports  []incident.ImportInfo

	linksMu sync.Mutex
	linksOf int64 // the change number of found, 0 for none
	found   []naiveLink
}

// clone copies an incident with its slices.
func clone(in *incident.Incident) incident.Incident {
	c := *in
	c.AssocActors = slices.Clone(in.AssocActors)
	c.Candidates = slices.Clone(in.Candidates)
	c.Place.Units = slices.Clone(in.Place.Units)
	c.Claims = slices.Clone(in.Claims)
	c.Sources = slices.Clone(in.Sources)
	c.Warnings = slices.Clone(in.Warnings)
	return c
}

// matching returns the incidents that a filter is true for, by FID. What is
// stored is never changed in its slices, so the copies may share them.
func (s *naive) matching(f incident.Filter) []incident.Incident {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []incident.Incident
	for i := range s.rows {
		if incident.Matches(f, &s.rows[i]) {
			out = append(out, s.rows[i])
		}
	}
	return out
}

func (s *naive) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		rows := s.matching(q.Filter)
		at := func(in *incident.Incident) incident.Cursor { return incident.Cursor{FID: in.FID, Start: in.Start} }
		slices.SortFunc(rows, func(a, b incident.Incident) int {
			if q.Order.Less(at(&a), at(&b)) {
				return -1
			}
			return 1
		})
		n := 0
		for i := range rows {
			if err := ctx.Err(); err != nil {
				yield(nil, err)
				return
			}
			if q.After != nil && !q.Order.Less(*q.After, at(&rows[i])) {
				continue
			}
			if !yield(&rows[i], nil) {
				return
			}
			if n++; n == q.Limit {
				return
			}
		}
	}
}

func (s *naive) Incident(_ context.Context, id string) (*incident.Incident, error) {
	fid, err := strconv.ParseUint(id, 10, 63)
	for _, in := range s.matching(nil) {
		if err == nil && in.FID == int64(fid) || err != nil && in.ID == id {
			return &in, nil
		}
	}
	return nil, incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
}

func (s *naive) Count(ctx context.Context, f incident.Filter) (int, error) {
	return len(s.matching(f)), ctx.Err()
}

// member is an incident in one of the groups that it counts in.
type member struct {
	in    *incident.Incident
	keys  []*string
	group string
}

func (s *naive) Aggregate(_ context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	if len(q.By) < 1 || len(q.By) > 3 {
		return nil, incident.Errorf(incident.CodeInvalid, "Counts are grouped by one to three keys.")
	}
	for i, k := range q.By {
		if !slices.Contains(incident.Keys, k) || slices.Contains(q.By[:i], k) {
			return nil, incident.Errorf(incident.CodeInvalid, "Counts cannot be grouped by %q.", k)
		}
	}
	var members []member
	rows := s.matching(q.Filter)
	for i := range rows {
		keys := make([]*string, len(q.By))
		q.EachKeys(&rows[i], keys, func() {
			id := ""
			for _, v := range keys {
				if v == nil {
					id += "null "
				} else {
					id += fmt.Sprintf("%q ", *v)
				}
			}
			members = append(members, member{&rows[i], slices.Clone(keys), id})
		})
	}
	if q.Distinct {
		members = s.distinct(members)
	}
	groups := map[string]*incident.Group{}
	for _, m := range members {
		if groups[m.group] == nil {
			if len(groups) >= incident.MaxGroups {
				return nil, incident.Errorf(incident.CodeTooLarge, "There are more than %d groups.", incident.MaxGroups)
			}
			groups[m.group] = &incident.Group{Keys: m.keys}
		}
		groups[m.group].Add(m.in)
	}
	var out []incident.Group
	for _, g := range groups {
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b incident.Group) int { return incident.CompareKeys(a.Keys, b.Keys) })
	return out, nil
}

func (s *naive) Datasets(context.Context) ([]incident.DatasetInfo, error) {
	s.mu.RLock()
	names := slices.Sorted(maps.Keys(s.datasets))
	var out []incident.DatasetInfo
	for _, n := range names {
		out = append(out, incident.DatasetInfo{Dataset: s.datasets[n]})
	}
	s.mu.RUnlock()
	for i := range out {
		d := &out[i]
		placed := 0
		byCountry := map[string]int{}
		byUnit := map[string]incident.Coverage{}
		for _, in := range s.matching(incident.Compare{Property: "dataset", Op: incident.Eq, Value: incident.TextValue(d.Name)}) {
			if d.Count == 0 {
				d.First, d.Last = in.Start, in.End
			}
			d.Count++
			d.First, d.Last = min(d.First, in.Start), max(d.Last, in.End)
			if in.HasPoint {
				if !d.HasBound {
					d.Bound, d.HasBound = orb.Bound{Min: in.Point, Max: in.Point}, true
				}
				d.Bound = d.Bound.Extend(in.Point)
			}
			if in.UnitID == "" {
				continue
			}
			placed++
			byCountry[in.Country]++
			c, ok := byUnit[in.UnitID]
			if !ok {
				c = incident.Coverage{Unit: in.UnitID, From: in.Start, To: in.End}
			}
			c.From, c.To = min(c.From, in.Start), max(c.To, in.End)
			byUnit[in.UnitID] = c
		}
		if d.Sample {
			for _, u := range slices.Sorted(maps.Keys(byUnit)) {
				d.Coverage = append(d.Coverage, byUnit[u])
			}
			continue
		}
		for _, country := range slices.Sorted(maps.Keys(byCountry)) {
			if country != "" && 20*byCountry[country] >= placed {
				d.Coverage = append(d.Coverage, incident.Coverage{Country: country, From: d.First, To: d.Last})
			}
		}
	}
	return out, nil
}

func (s *naive) Change(context.Context) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.change, nil
}

func (s *naive) Close() error { return nil }

func (s *naive) Begin(ctx context.Context, imp incident.Import) (incident.Load, error) {
	if imp.Dataset.Name == "" {
		return nil, incident.Errorf(incident.CodeInvalid, "A load needs the name of its dataset.")
	}
	select {
	case s.loading <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l := &naiveLoad{s: s, imp: imp, seen: map[string]bool{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	l.id = int64(len(s.imports)) + 1
	record := incident.ImportInfo{ID: l.id, Dataset: imp.Dataset.Name, File: imp.File, Layout: imp.Layout, Mapping: imp.Mapping, Who: imp.Who, State: incident.ImportRunning}
	if imp.Atomic {
		// An atomic load works on a copy that takes the place of the store at the end.
		l.work = &naive{rows: slices.Clone(s.rows), nextFID: s.nextFID, change: s.change, datasets: maps.Clone(s.datasets), public: s.public,
			history: maps.Clone(s.history), imports: slices.Clone(s.imports)}
	} else {
		l.work = s
	}
	l.work.imports = append(l.work.imports, record)
	return l, nil
}

type naiveLoad struct {
	s, work *naive
	imp     incident.Import
	id      int64
	seen    map[string]bool
	ended   bool
}

// register writes the dataset and reports whether that changed anything.
func (l *naiveLoad) register() bool {
	old, there := l.work.datasets[l.imp.Dataset.Name]
	d := l.imp.Dataset
	d.Title = cmp.Or(d.Title, old.Title)
	d.Licence = cmp.Or(d.Licence, old.Licence)
	d.Attribution = cmp.Or(d.Attribution, old.Attribution)
	d.Terms = cmp.Or(d.Terms, old.Terms)
	d.Version = cmp.Or(d.Version, old.Version)
	d.Accessed = cmp.Or(d.Accessed, old.Accessed)
	d.AggregatesOnly = d.AggregatesOnly && !l.work.public[d.Name] || old.AggregatesOnly
	d.Synthetic = d.Synthetic || old.Synthetic
	d.Sample = d.Sample || old.Sample
	if there { // only the operator changes it
		d.Publication = old.Publication
	}
	l.work.datasets[d.Name] = d
	return !there || d != old
}

func (l *naiveLoad) Put(_ context.Context, batch []incident.Incident) (r incident.PutResult, err error) {
	if l.ended {
		return r, incident.Errorf(incident.CodeConflict, "The load has ended.")
	}
	w := l.work
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range batch {
		if in.ID == "" || in.Dataset == "" || in.End < in.Start {
			return r, incident.Errorf(incident.CodeInvalid, "Incident %q cannot be stored.", in.SourceID)
		}
	}
	visible := l.register()
	for i := range batch {
		in := clone(&batch[i])
		l.seen[in.ID] = true
		at := slices.IndexFunc(w.rows, func(o incident.Incident) bool { return o.ID == in.ID })
		if at < 0 {
			w.nextFID++
			in.FID = w.nextFID
			w.rows = append(w.rows, in)
			w.add(in.ID, entry{in: in, imp: l.id})
			r.New++
			continue
		}
		in.FID = w.rows[at].FID
		if same(&w.rows[at], &in) {
			r.Unchanged++
			continue
		}
		w.rows[at] = in
		w.add(in.ID, entry{in: in, imp: l.id})
		r.Changed++
	}
	record := &w.imports[l.id-1]
	record.New += r.New
	record.Changed += r.Changed
	record.Unchanged += r.Unchanged
	if visible || r.New+r.Changed > 0 {
		w.change++
	}
	return r, nil
}

// same reports whether nothing but the file and the line differ.
func same(a, b *incident.Incident) bool {
	x, y := clone(a), clone(b)
	x.File, x.Line, y.File, y.Line = "", 0, "", 0
	return fmt.Sprintf("%#v", x) == fmt.Sprintf("%#v", y)
}

func (l *naiveLoad) Finish(_ context.Context, report string) error {
	if l.ended {
		return incident.Errorf(incident.CodeConflict, "The load has ended.")
	}
	l.work.mu.Lock()
	if l.register() {
		l.work.change++
	}
	record := &l.work.imports[l.id-1]
	record.State, record.Report = incident.ImportDone, report
	if l.imp.Hash != nil {
		record.Hash = l.imp.Hash()
	}
	l.work.mu.Unlock()
	if l.imp.Atomic {
		l.s.mu.Lock()
		l.s.rows, l.s.nextFID, l.s.change, l.s.datasets = l.work.rows, l.work.nextFID, l.work.change, l.work.datasets
		l.s.history, l.s.imports = l.work.history, l.work.imports
		l.s.mu.Unlock()
	}
	return l.end()
}

func (l *naiveLoad) Abort() error {
	if l.ended {
		return nil
	}
	if !l.imp.Atomic {
		l.s.mu.Lock()
		l.s.imports[l.id-1].State = incident.ImportFailed
		l.s.mu.Unlock()
	}
	return l.end()
}

func (l *naiveLoad) end() error {
	l.ended = true
	<-l.s.loading
	return nil
}

func (s *naive) RemoveDataset(_ context.Context, name string) (int, error) {
	s.loading <- struct{}{}
	defer func() { <-s.loading }()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.datasets[name]; !ok {
		return 0, incident.Errorf(incident.CodeNotFound, "There is no dataset %q.", name)
	}
	before := len(s.rows)
	s.rows = slices.DeleteFunc(s.rows, func(in incident.Incident) bool { return in.Dataset == name })
	delete(s.datasets, name)
	delete(s.public, name)
	for id, h := range s.history {
		if h[0].in.Dataset == name {
			delete(s.history, id)
		}
	}
	for i := range s.imports {
		if s.imports[i].Dataset == name {
			s.imports[i].State = incident.ImportUndone
		}
	}
	s.change++
	return before - len(s.rows), nil
}
