package index_test

import (
	"context"
	"iter"
	"path/filepath"
	"testing"

	"sarhad/data/gpkg"
	"sarhad/data/index"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// indexed is a store whose questions go through an index that is brought up to
// date before each, so that the suite sees what it has just stored.
type indexed struct {
	incident.Writer
	close func() error
	x     *index.Index
	t     testing.TB
}

func (s indexed) fresh(ctx context.Context) *index.Index {
	if err := s.x.Refresh(context.WithoutCancel(ctx)); err != nil {
		s.t.Error(err)
	}
	return s.x
}

func (s indexed) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return s.fresh(ctx).Incidents(ctx, q)
}
func (s indexed) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	return s.fresh(ctx).Incident(ctx, id)
}
func (s indexed) Count(ctx context.Context, f incident.Filter) (int, error) {
	return s.fresh(ctx).Count(ctx, f)
}
func (s indexed) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	return s.fresh(ctx).Aggregate(ctx, q)
}
func (s indexed) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	return s.fresh(ctx).Datasets(ctx)
}
func (s indexed) Change(ctx context.Context) (int64, error) { return s.fresh(ctx).Change(ctx) }
func (s indexed) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	return s.x.Imports(ctx, dataset)
}
func (s indexed) Import(ctx context.Context, id int64) (incident.ImportInfo, error) {
	return s.x.Import(ctx, id)
}
func (s indexed) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	return s.x.Versions(ctx, id)
}
func (s indexed) Links(ctx context.Context, id string) ([]incident.Link, error) {
	return s.x.Links(ctx, id)
}
func (s indexed) Close() error { return s.close() }

func openIndexed(t testing.TB, opt index.Options) indexed {
	t.Helper()
	st, err := gpkg.Open(t.Context(), filepath.Join(t.TempDir(), "s.gpkg"), gpkg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return indexed{st, st.Close, index.New(st, opt), t}
}

// The contract of stores holds for a store seen through an index, in memory and in a file.
func TestContractInMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) incident.Store { return openIndexed(t, index.Options{MostNew: 30}) })
}

func TestContractInFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T) incident.Store {
		return openIndexed(t, index.Options{File: filepath.Join(t.TempDir(), "s.index"), MostNew: 2000})
	})
}

// What changes is read by itself: the rest is not read again.
func TestOnlyChangesAreRead(t *testing.T) {
	s := openIndexed(t, index.Options{File: filepath.Join(t.TempDir(), "s.index"), MostNew: 1500})
	all := storetest.Plain(3000, 3)
	for i := range all[2000:] {
		all[2000+i].Dataset = "more"
	}
	load := func(name string, batch []incident.Incident) {
		storetest.Load(t, s, incident.Import{Dataset: incident.Dataset{Name: name}, File: "a.csv", Layout: "table"}, 500, batch)
	}
	sized := func(what string, wantAll, wantFresh int) {
		t.Helper()
		if err := s.x.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, fresh := s.x.Size(); n != wantAll || fresh != wantFresh {
			t.Errorf("%s: %d incidents, %d of them fresh, want %d and %d", what, n, fresh, wantAll, wantFresh)
		}
		if n, err := s.x.Count(t.Context(), nil); n != wantAll || err != nil {
			t.Errorf("%s: Count is %d, %v", what, n, err)
		}
	}
	load("plain", all[:2000])
	sized("read whole", 2000, 0)
	load("more", all[2000:])
	sized("new ones", 3000, 1000)
	for i := range 10 {
		all[i*100].Summary = "changed"
	}
	load("plain", all[:2000])
	sized("ten changed", 3000, 1010)
	if _, err := s.RemoveDataset(t.Context(), "more"); err != nil {
		t.Fatal(err)
	}
	sized("a dataset is gone", 2000, 10)
	if err := s.SetDataset(t.Context(), "plain", incident.DatasetChange{Title: new(string)}); err != nil {
		t.Fatal(err)
	}
	sized("a title", 2000, 10)
}
