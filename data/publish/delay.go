package publish

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"sarhad/incident"
)

// Public shows of a reader, a [Blurred] view or an index over one, what is not
// delayed any more. Where nothing is delayed or blurred it gives every question on.
type Public struct {
	base incident.Reader
	now  func() time.Time
	mu   sync.Mutex
	last *horizon
}

var (
	_ incident.RowReader    = (*Public)(nil)
	_ incident.StoreChanger = (*Public)(nil)
)

// New makes a reader of what everybody may see now. base is one whose datasets
// have the rules that hold for them, now the clock.
func New(base incident.Reader, now func() time.Time) *Public {
	return &Public{base: base, now: now}
}

// horizon is what is to be seen on some day. It is never changed.
type horizon struct {
	change   int64 // of the base
	days     []day // of the delays that occur
	sum      int64 // of the days, which grows when one does
	datasets []incident.DatasetInfo
	visible  incident.Filter         // nil for everything
	before   map[string]incident.Day // of a delayed dataset: all that ended earlier is to be seen
	known    map[string]bool

	mu    sync.Mutex
	infos []incident.DatasetInfo // with what is to be seen of each, once it was asked for
}

type day struct {
	delay  time.Duration
	before incident.Day
}

// horizon finds what is to be seen now.
func (p *Public) horizon(ctx context.Context) (*horizon, error) {
	change, err := p.base.Change(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	last := p.last
	p.mu.Unlock()
	now := p.now()
	if last != nil && last.change == change && last.holds(now) {
		return last, nil
	}
	list, err := p.base.Datasets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what is delayed: %w", err)
	}
	h := newHorizon(change, list, now)
	if after, err := p.base.Change(ctx); err == nil && after == change {
		p.mu.Lock()
		p.last = h
		p.mu.Unlock()
	}
	return h, nil
}

// lastDay is the day before which everything has ended so long ago. A day ends
// in Afghanistan half an hour after it does in Pakistan; the later end holds for both.
func lastDay(now time.Time, delay time.Duration) incident.Day {
	_, day := incident.LocalDay(now.Add(-delay).Unix())
	return day
}

func (h *horizon) holds(now time.Time) bool {
	for _, d := range h.days {
		if lastDay(now, d.delay) != d.before {
			return false
		}
	}
	return true
}

func newHorizon(change int64, list []incident.DatasetInfo, now time.Time) *horizon {
	h := &horizon{change: change, datasets: list, before: map[string]incident.Day{}, known: map[string]bool{}}
	var open []string
	names := map[time.Duration][]string{}
	for i := range list {
		d := &list[i]
		h.known[d.Name] = true
		if d.Delay <= 0 {
			open = append(open, d.Name)
			continue
		}
		if names[d.Delay] == nil {
			h.days = append(h.days, day{d.Delay, lastDay(now, d.Delay)})
			h.sum += int64(lastDay(now, d.Delay))
		}
		names[d.Delay] = append(names[d.Delay], d.Name)
		h.before[d.Name] = lastDay(now, d.Delay)
	}
	if len(h.days) == 0 {
		return h
	}
	// What is of no dataset that is known is not to be seen.
	any := incident.Or{incident.In{Property: "dataset", Values: open}}
	for _, d := range h.days {
		any = append(any, incident.And{incident.In{Property: "dataset", Values: names[d.delay]},
			incident.Compare{Property: "end_date", Op: incident.Lt, Value: incident.DateValue(d.before)}})
	}
	h.visible = any
	return h
}

// shows reports whether an incident is to be seen.
func (h *horizon) shows(in *incident.Incident) bool {
	before, delayed := h.before[in.Dataset]
	return !delayed && (h.known[in.Dataset] || len(h.days) == 0) || delayed && in.End < before
}

// only adds to a filter that nothing else is seen.
func (h *horizon) only(f incident.Filter) incident.Filter {
	if h.visible == nil {
		return f
	}
	if and, ok := f.(incident.And); ok {
		return append(and[:len(and):len(and)], h.visible)
	}
	return both(f, h.visible)
}

// Incidents implements [incident.Reader].
func (p *Public) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		h, err := p.horizon(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		q.Filter = h.only(q.Filter)
		p.base.Incidents(ctx, q)(yield)
	}
}

// Rows implements [incident.RowReader].
func (p *Public) Rows(ctx context.Context, f incident.Filter, do func(*incident.Row) bool) error {
	h, err := p.horizon(ctx)
	if err != nil {
		return err
	}
	return incident.Rows(ctx, p.base, h.only(f), do)
}

// Incident implements [incident.Reader].
func (p *Public) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	in, err := p.base.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	h, err := p.horizon(ctx)
	if err != nil {
		return nil, err
	}
	if !h.shows(in) {
		return nil, notThere(id)
	}
	return in, nil
}

// Count implements [incident.Reader].
func (p *Public) Count(ctx context.Context, f incident.Filter) (int, error) {
	h, err := p.horizon(ctx)
	if err != nil {
		return 0, err
	}
	return p.base.Count(ctx, h.only(f))
}

// Aggregate implements [incident.Reader].
func (p *Public) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	h, err := p.horizon(ctx)
	if err != nil {
		return nil, err
	}
	q.Filter = h.only(q.Filter)
	return p.base.Aggregate(ctx, q)
}

// Datasets implements [incident.Reader]. Number, days, extent and coverage of
// what is delayed or blurred are those of what is to be seen.
func (p *Public) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	h, err := p.horizon(ctx)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.infos == nil {
		infos, err := p.count(ctx, h)
		if err != nil {
			return nil, err
		}
		h.infos = infos
	}
	return slices.Clone(h.infos), nil
}

func (p *Public) count(ctx context.Context, h *horizon) ([]incident.DatasetInfo, error) {
	infos := slices.Clone(h.datasets)
	var names []string
	for i := range infos {
		d := &infos[i]
		if d.Publication == (incident.Publication{}) {
			continue
		}
		names = append(names, d.Name)
		*d = incident.DatasetInfo{Dataset: d.Dataset}
	}
	if len(names) == 0 {
		return infos, nil
	}
	type where struct{ dataset, country, unit string }
	places := map[where]*incident.DatasetPlace{}
	var kind *incident.RowKind
	var place *incident.RowPlace
	var at *incident.DatasetPlace
	err := incident.Rows(ctx, p.base, h.only(incident.In{Property: "dataset", Values: names}), func(row *incident.Row) bool {
		if at == nil || row.Kind != kind || row.Place != place {
			kind, place = row.Kind, row.Place
			k := where{kind.Dataset, place.Country, place.UnitID}
			if at = places[k]; at == nil {
				at = &incident.DatasetPlace{Country: k.country, Unit: k.unit}
				places[k] = at
			}
		}
		one := incident.DatasetPlace{Count: 1, First: row.Start, Last: row.End}
		if row.HasPoint {
			one.Bound, one.HasBound = row.Point.Bound(), true
		}
		at.Merge(one)
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("count what is to be seen: %w", err)
	}
	for i := range infos {
		d := &infos[i]
		if !slices.Contains(names, d.Name) {
			continue
		}
		var its []incident.DatasetPlace
		for k, v := range places {
			if k.dataset == d.Name {
				its = append(its, *v)
			}
		}
		d.Sum(its)
	}
	return infos, nil
}

// Change implements [incident.Reader]. It also grows when a day ends that shows
// more of a delayed dataset, and is then greater than that of the store.
func (p *Public) Change(ctx context.Context) (int64, error) {
	h, err := p.horizon(ctx)
	if err != nil {
		return 0, err
	}
	return h.change + h.sum, nil
}

// StoreChange implements [incident.StoreChanger].
func (p *Public) StoreChange(ctx context.Context) (int64, error) { return p.base.Change(ctx) }

// Imports implements [incident.Reader].
func (p *Public) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	list, err := p.base.Imports(ctx, dataset)
	if err != nil {
		return nil, err
	}
	h, err := p.horizon(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		h.clean(&list[i])
	}
	return list, nil
}

// clean takes away what tells of rows of a delayed dataset.
func (h *horizon) clean(imp *incident.ImportInfo) {
	if _, delayed := h.before[imp.Dataset]; delayed {
		imp.Report, imp.Who = "", ""
	}
}

// Import implements [incident.Reader].
func (p *Public) Import(ctx context.Context, id int64) (incident.ImportInfo, error) {
	imp, err := p.base.Import(ctx, id)
	if err != nil {
		return imp, err
	}
	h, err := p.horizon(ctx)
	if err != nil {
		return incident.ImportInfo{}, err
	}
	h.clean(&imp)
	return imp, nil
}

// Versions implements [incident.Reader]. An incident that is not to be seen has no history either.
func (p *Public) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	list, err := p.base.Versions(ctx, id)
	if err != nil {
		return nil, err
	}
	h, err := p.horizon(ctx)
	if err != nil {
		return nil, err
	}
	if len(list) > 0 && list[0].Incident != nil && !h.shows(list[0].Incident) {
		return nil, notThere(id)
	}
	seen := false
	list = slices.DeleteFunc(list, func(v incident.Version) bool {
		if v.Incident != nil && !h.shows(v.Incident) {
			return true
		}
		seen = seen || v.Incident != nil
		return false
	})
	if !seen {
		return nil, notThere(id)
	}
	for i := range list {
		h.clean(&list[i].Import)
	}
	return list, nil
}

// Links implements [incident.Reader].
func (p *Public) Links(ctx context.Context, id string) ([]incident.Link, error) {
	if _, err := p.Incident(ctx, id); err != nil {
		return nil, err
	}
	list, err := p.base.Links(ctx, id)
	if err != nil {
		return nil, err
	}
	h, err := p.horizon(ctx)
	if err != nil {
		return nil, err
	}
	var seen []incident.Link
	for _, l := range list {
		if _, delayed := h.before[l.Dataset]; delayed {
			if _, err := p.Incident(ctx, l.ID); incident.CodeOf(err) == incident.CodeNotFound {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		seen = append(seen, l)
	}
	return seen, nil
}
