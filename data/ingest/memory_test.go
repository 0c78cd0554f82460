package ingest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarhad/data/bundle"
	"sarhad/geo"
	"sarhad/incident"
)

// memory is the least that a Writer can be.
type memory struct {
	rows     map[string]incident.Incident
	imports  []incident.Import
	reports  []string
	finished int
	aborted  int
	failAt   int // the number of the Put that fails, 0 for none
	onPut    func()
	reverted int
	gone     int // what Sweep says
}

func newMemory() *memory { return &memory{rows: map[string]incident.Incident{}} }

type memoryLoad struct {
	m      *memory
	before map[string]incident.Incident // nil unless atomic
	start  map[string]incident.Incident
	puts   int
}

func (m *memory) Begin(_ context.Context, imp incident.Import) (incident.Load, error) {
	m.imports = append(m.imports, imp)
	l := &memoryLoad{m: m, start: maps.Clone(m.rows)}
	if imp.Atomic {
		l.before = maps.Clone(m.rows)
	}
	return l, nil
}

func (m *memory) RemoveDataset(context.Context, string) (int, error) { return 0, nil }
func (m *memory) SetDataset(context.Context, string, incident.DatasetChange) error {
	return nil
}
func (m *memory) Undo(context.Context, int64) (incident.UndoResult, error) {
	return incident.UndoResult{}, nil
}

var errFull = errors.New("the disk is full")

func (l *memoryLoad) Put(_ context.Context, batch []incident.Incident) (r incident.PutResult, err error) {
	l.puts++
	if l.m.onPut != nil {
		l.m.onPut()
	}
	if l.puts == l.m.failAt {
		return r, errFull
	}
	for _, in := range batch {
		in.AssocActors, in.Candidates, in.Warnings = slices.Clone(in.AssocActors), slices.Clone(in.Candidates), slices.Clone(in.Warnings)
		old, ok := l.m.rows[in.ID]
		l.m.rows[in.ID] = in
		in.File, in.Line, old.File, old.Line = "", 0, "", 0
		switch {
		case !ok:
			r.New++
		case cmp.Equal(old, in):
			r.Unchanged++
		default:
			r.Changed++
		}
	}
	return r, nil
}

func (l *memoryLoad) Finish(_ context.Context, report string) error {
	l.m.finished++
	l.m.reports = append(l.m.reports, report)
	return nil
}

func (l *memoryLoad) Abort() error {
	l.m.aborted++
	if l.before != nil {
		l.m.rows = l.before
	}
	return nil
}

func (l *memoryLoad) ID() int64 { return 1 }

func (l *memoryLoad) Sweep(context.Context) (int, error) { return l.m.gone, nil }

func (l *memoryLoad) Revert(context.Context) error {
	l.m.reverted++
	l.m.rows = l.start
	return nil
}

func testLocator(tb testing.TB) Locator {
	tb.Helper()
	return NewLocator(testGeocoder(tb), nil)
}

// testGeocoder knows all that the program has with it.
func testGeocoder(tb testing.TB) *geo.Geocoder {
	tb.Helper()
	from, err := bundle.Sources()
	if err != nil {
		tb.Fatal(err)
	}
	g, err := geo.NewGeocoder(from)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// A store that keeps nothing, to measure what comes before it.
func (nowhere) Begin(context.Context, incident.Import) (incident.Load, error) { return nowhere{}, nil }
func (nowhere) RemoveDataset(context.Context, string) (int, error)            { return 0, nil }
func (nowhere) Finish(context.Context, string) error                          { return nil }
func (nowhere) Abort() error                                                  { return nil }
func (nowhere) Revert(context.Context) error                                  { return nil }
func (nowhere) Sweep(context.Context) (int, error)                            { return 0, nil }
func (nowhere) ID() int64                                                     { return 1 }
func (nowhere) SetDataset(context.Context, string, incident.DatasetChange) error {
	return nil
}
func (nowhere) Undo(context.Context, int64) (incident.UndoResult, error) {
	return incident.UndoResult{}, nil
}
func (nowhere) Put(_ context.Context, b []incident.Incident) (incident.PutResult, error) {
	return incident.PutResult{New: len(b)}, nil
}
