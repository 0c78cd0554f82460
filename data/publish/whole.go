package publish

import (
	"context"
	"iter"

	"sarhad/incident"
)

// Whole is the store as those see it who may see all of it. It asks a fast
// reader that blurs, as an index over a view does, as long as that blurs nothing, and else the store.
type Whole struct{ fast, store incident.Reader }

var _ incident.RowReader = (*Whole)(nil)

// NewWhole makes one of a reader over a [Blurred] view and the store below it.
func NewWhole(fast, store incident.Reader) *Whole { return &Whole{fast, store} }

// reader picks the one that answers.
func (w *Whole) reader(ctx context.Context) incident.Reader {
	list, err := w.fast.Datasets(ctx)
	if err != nil {
		return w.store
	}
	for i := range list {
		if list[i].Blur != "" {
			return w.store
		}
	}
	return w.fast
}

// Incidents implements [incident.Reader].
func (w *Whole) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return w.reader(ctx).Incidents(ctx, q)
}

// Rows implements [incident.RowReader].
func (w *Whole) Rows(ctx context.Context, f incident.Filter, do func(*incident.Row) bool) error {
	return incident.Rows(ctx, w.reader(ctx), f, do)
}

// Incident implements [incident.Reader].
func (w *Whole) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	return w.reader(ctx).Incident(ctx, id)
}

// Count implements [incident.Reader].
func (w *Whole) Count(ctx context.Context, f incident.Filter) (int, error) {
	return w.reader(ctx).Count(ctx, f)
}

// Aggregate implements [incident.Reader].
func (w *Whole) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	return w.reader(ctx).Aggregate(ctx, q)
}

// Datasets implements [incident.Reader].
func (w *Whole) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	return w.reader(ctx).Datasets(ctx)
}

// Change implements [incident.Reader].
func (w *Whole) Change(ctx context.Context) (int64, error) { return w.reader(ctx).Change(ctx) }

// Imports implements [incident.Reader].
func (w *Whole) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	return w.store.Imports(ctx, dataset)
}

// Import implements [incident.Reader].
func (w *Whole) Import(ctx context.Context, id int64) (incident.ImportInfo, error) {
	return w.store.Import(ctx, id)
}

// Versions implements [incident.Reader].
func (w *Whole) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	return w.store.Versions(ctx, id)
}

// Links implements [incident.Reader].
func (w *Whole) Links(ctx context.Context, id string) ([]incident.Link, error) {
	return w.store.Links(ctx, id)
}
