package gpkg

import (
	"strconv"
	"testing"

	"sarhad/incident"
)

// foreign is a filter that SQL does not know.
type foreign struct{ incident.Filter }

// More groups than MaxGroups are refused, on each way to the rows; as many, and longer periods, are not.
func TestMaxGroups(t *testing.T) {
	s := newStore(t)
	l, err := s.Begin(t.Context(), incident.Import{Dataset: incident.Dataset{Name: "d"}})
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]incident.Incident, incident.MaxGroups+1)
	for i := range rows {
		day := incident.NewDay(1500, 1, 1) + incident.Day(i)
		rows[i] = incident.Incident{ID: strconv.Itoa(i), Dataset: "d", SourceID: strconv.Itoa(i), Start: day, End: day, Actor1: "Blue Group"}
	}
	if _, err := l.Put(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, f := range []incident.Filter{nil, incident.ActorHas{Words: "blue"}, foreign{incident.ActorHas{Words: "blue"}}} {
		if _, err := s.Aggregate(t.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyDay}, Filter: f}); incident.CodeOf(err) != incident.CodeTooLarge {
			t.Errorf("%v: %v", f, err)
		}
		g, err := s.Aggregate(t.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyWeek, incident.KeyDataset}, Filter: f})
		if err != nil || len(g) < incident.MaxGroups/7 {
			t.Errorf("%v: %d groups of weeks, %v", f, len(g), err)
		}
	}
	last := incident.During{From: rows[1].Start, To: rows[len(rows)-1].Start}
	if g, err := s.Aggregate(t.Context(), incident.AggregateQuery{By: []incident.Key{incident.KeyDay}, Filter: last}); err != nil || len(g) != incident.MaxGroups {
		t.Errorf("%d groups, %v", len(g), err)
	}
}
