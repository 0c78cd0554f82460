package ingest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestUnreadColumns(t *testing.T) {
	for _, c := range []struct {
		text           string
		unread, warned []string
	}{
		{"date,Casualties,Remarks\n2025-01-01,3,x\n", []string{"Casualties", "Remarks"}, []string{"Casualties"}},
		{"date,Total killed (all),GPS X,Exact Place,Ylang\n2025-01-01,3,x,y,z\n", []string{"Total killed (all)", "GPS X", "Exact Place", "Ylang"}, []string{"Total killed (all)", "GPS X"}},
		{"date,fatalities,latitude,longitude,Casualties,x\n2025-01-01,,,,3,1\n2025-01-01,3,34,71,3,1\n", []string{"Casualties", "x"}, nil},
		{"date,fatalities,Casualties\n2025-01-01,,3\n", []string{"Casualties"}, []string{"Casualties"}},
		{"date,fatalities\n2025-01-01,3\n", nil, nil},
	} {
		r, err := Run(t.Context(), Options{Source: open(t, c.text, "f.csv"), Store: newMemory()})
		if err != nil {
			t.Fatal(err)
		}
		var warned []string
		for _, d := range r.Doubts {
			if d.Code != WarnUnreadColumn || d.Line != 0 || d.Reason == "" {
				t.Errorf("%+v", d)
			}
			warned = append(warned, d.Column)
		}
		if !slices.Equal(r.Unread, c.unread) || !slices.Equal(warned, c.warned) || r.Warnings[WarnUnreadColumn] != len(c.warned) {
			t.Errorf("%s: unread %q, warned of %q, %v", c.text, r.Unread, warned, r.Warnings)
		}
		short, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		long, err := json.Marshal(r.Detail())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(short), "unread\":") != (len(c.unread) > 0) || !strings.Contains(string(long), `"unread":[`) {
			t.Errorf("%s\n%s", short, long)
		}
	}
}

// How far a broken file was read is known, and whether something of it stays.
func TestReached(t *testing.T) {
	text := `[{"date":"2025-01-01"},{"date":"2025-01-02"},{"date":"2025-01-03"},`
	r, err := Run(t.Context(), Options{Source: open(t, text, "f.json"), Store: newMemory(), Batch: 2})
	if err == nil || r.Reached != 3 || r.Counts != "record" || r.Kept {
		t.Errorf("%v %+v", err, r)
	}
	store := newMemory()
	store.failAt = 2
	r, err = Run(t.Context(), Options{Source: open(t, synthetic(t, 300), "f.csv"), Store: store, Batch: 100})
	if err == nil || !r.Kept || r.New != 100 || r.Counts != "line" {
		t.Errorf("%v %+v", err, r)
	}
}
