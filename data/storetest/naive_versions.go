package storetest

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"sarhad/incident"
)

// entry is what an import made of an incident: the incident, or its end.
type entry struct {
	in    incident.Incident
	gone  bool
	imp   int64
	until int64 // 0 for the present one and for an end
}

// add puts an entry at the end of a history.
func (s *naive) add(id string, e entry) {
	h := slices.Clone(s.history[id]) // a copy, since that of an atomic load shares what is before it
	if n := len(h); n > 0 && !h[n-1].gone {
		h[n-1].until = s.change + 1
	}
	s.history[id] = append(h, e)
}

func (s *naive) Imports(_ context.Context, dataset string) ([]incident.ImportInfo, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []incident.ImportInfo
	for _, imp := range s.imports {
		if dataset == "" || imp.Dataset == dataset {
			out = append(out, imp)
		}
	}
	slices.Reverse(out)
	return out, nil
}

func (s *naive) Import(_ context.Context, id int64) (incident.ImportInfo, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if id < 1 || id > int64(len(s.imports)) {
		return incident.ImportInfo{}, incident.Errorf(incident.CodeNotFound, "There is no import %d.", id)
	}
	return s.imports[id-1], nil
}

func (s *naive) Versions(_ context.Context, id string) ([]incident.Version, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if fid, err := strconv.ParseUint(id, 10, 63); err == nil {
		for name, h := range s.history {
			if slices.ContainsFunc(h, func(e entry) bool { return e.in.FID == int64(fid) }) {
				id = name
			}
		}
	}
	var out []incident.Version
	for _, e := range slices.Backward(s.history[id]) {
		v := incident.Version{Import: s.imports[e.imp-1], Until: e.until}
		if !e.gone {
			in := clone(&e.in)
			v.Incident = &in
		}
		out = append(out, v)
	}
	if out == nil {
		return nil, incident.Errorf(incident.CodeNotFound, "There is no incident %q.", id)
	}
	return out, nil
}

func (s *naive) SetDataset(_ context.Context, name string, change incident.DatasetChange) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.datasets[name]
	if !ok {
		return incident.Errorf(incident.CodeNotFound, "There is no dataset %q.", name)
	}
	for to, from := range map[*string]*string{&d.Title: change.Title, &d.Licence: change.Licence, &d.Attribution: change.Attribution,
		&d.Terms: change.Terms, &d.Version: change.Version, &d.Accessed: change.Accessed} {
		if from != nil {
			*to = *from
		}
	}
	if change.AggregatesOnly != nil {
		d.AggregatesOnly = *change.AggregatesOnly
		s.public[name] = true
	}
	if change.Delay != nil {
		d.Delay = *change.Delay
	}
	if change.Blur != nil {
		d.Blur = *change.Blur
	}
	s.datasets[name] = d
	s.change++
	return nil
}

func (s *naive) Undo(_ context.Context, id int64) (incident.UndoResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case id < 1 || id > int64(len(s.imports)):
		return incident.UndoResult{}, incident.Errorf(incident.CodeNotFound, "There is no import %d.", id)
	case s.imports[id-1].State == incident.ImportRunning:
		return incident.UndoResult{}, incident.Errorf(incident.CodeConflict, "Import %d is running.", id)
	case s.imports[id-1].State == incident.ImportUndone:
		return incident.UndoResult{}, incident.Errorf(incident.CodeConflict, "Import %d was undone before.", id)
	}
	return s.takeBack(id, incident.ImportUndone), nil
}

func (s *naive) takeBack(id int64, state incident.ImportState) (r incident.UndoResult) {
	by := func(e entry) bool { return e.imp == id }
	for key, h := range s.history {
		if !slices.ContainsFunc(h, by) {
			continue
		}
		last := h[len(h)-1]
		h = slices.DeleteFunc(slices.Clone(h), by)
		for len(h) > 0 && h[0].gone {
			h = h[1:]
		}
		s.history[key] = h
		if len(h) == 0 {
			delete(s.history, key)
		}
		if !by(last) {
			r.Kept++
			continue
		}
		s.rows = slices.DeleteFunc(slices.Clone(s.rows), func(in incident.Incident) bool { return in.ID == key })
		switch back := len(h) > 0 && !h[len(h)-1].gone; {
		case back:
			h[len(h)-1].until = 0
			s.rows = append(s.rows, h[len(h)-1].in)
			r.Restored++
		case last.gone:
			r.Kept++
		default:
			r.Removed++
		}
	}
	slices.SortFunc(s.rows, func(a, b incident.Incident) int { return cmp.Compare(a.FID, b.FID) })
	imp := &s.imports[id-1]
	imp.State = state
	left := slices.ContainsFunc(s.imports, func(o incident.ImportInfo) bool {
		return o.Dataset == imp.Dataset && o.State == incident.ImportDone
	})
	for _, h := range s.history {
		left = left || h[0].in.Dataset == imp.Dataset
	}
	if !left {
		delete(s.datasets, imp.Dataset)
		delete(s.public, imp.Dataset)
	}
	s.change++
	return r
}

func (l *naiveLoad) ID() int64 { return l.id }

func (l *naiveLoad) Sweep(context.Context) (int, error) {
	switch {
	case l.ended:
		return 0, incident.Errorf(incident.CodeConflict, "The load has ended.")
	case !l.imp.Replace:
		return 0, incident.Errorf(incident.CodeInvalid, "The load does not replace its dataset.")
	}
	w := l.work
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	rows := slices.Clone(w.rows)
	for _, in := range rows {
		if in.Dataset != l.imp.Dataset.Name || l.seen[in.ID] {
			continue
		}
		n++
		w.add(in.ID, entry{gone: true, imp: l.id})
		w.rows = slices.DeleteFunc(slices.Clone(w.rows), func(o incident.Incident) bool { return o.ID == in.ID })
	}
	w.imports[l.id-1].Gone += n
	if n > 0 {
		w.change++
	}
	return n, nil
}

func (l *naiveLoad) Revert(context.Context) error {
	if l.ended {
		return nil
	}
	if !l.imp.Atomic {
		l.s.mu.Lock()
		l.s.takeBack(l.id, incident.ImportFailed)
		imp := &l.s.imports[l.id-1]
		imp.New, imp.Changed, imp.Unchanged, imp.Gone = 0, 0, 0, 0
		l.s.mu.Unlock()
	}
	return l.end()
}
