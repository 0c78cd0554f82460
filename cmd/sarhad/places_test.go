package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"sarhad/data/storetest"
	"sarhad/geo"
	"sarhad/incident"
)

const ownUnits = `{"type":"FeatureCollection","features":[
{"type":"Feature","properties":{"name":"Kech"},"geometry":{"type":"Polygon","coordinates":[[[62.5,25.5],[63.5,25.5],[63.5,26.5],[62.5,26.5],[62.5,25.5]]]}},
{"type":"Feature","properties":{"name":"Nowhere Dale"},"geometry":{"type":"Polygon","coordinates":[[[64.5,27.5],[65.5,27.5],[65.5,28.5],[64.5,28.5],[64.5,27.5]]]}}]}`

// The map and the API show the user's units as the user's, and know no others.
func TestServeOwnBoundaries(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "own.geojson")
	if err := os.WriteFile(file, []byte(ownUnits), 0o600); err != nil {
		t.Fatal(err)
	}
	base := serve(t, "--store", filepath.Join(dir, "s.gpkg"), "--boundaries", file)
	var units struct {
		Features []struct{ ID string }
	}
	get(t, base+"/collections/units/items?limit=1000", &units)
	if len(units.Features) != 2 || units.Features[0].ID != "pk-ba-kech" || units.Features[1].ID != "pk-nowhere-dale" {
		t.Errorf("the units are %+v", units)
	}
	var d datasets
	get(t, base+"/datasets", &d)
	if !strings.HasPrefix(d.Attribution, "Boundaries: own.geojson, given by the operator") || strings.Contains(d.Attribution, "Pathways") {
		t.Errorf("the attribution is %q", d.Attribution)
	}
	if len(d.Datasets) != 1 || d.Datasets[0].Count < 16 {
		t.Errorf("the demo was not loaded whole: %+v", d.Datasets)
	}
	var items struct {
		Features []struct {
			Properties struct{ Unit_id *string }
		}
	}
	get(t, base+"/collections/incidents/items?limit=1000", &items)
	for _, f := range items.Features {
		if u := f.Properties.Unit_id; u != nil && *u != "pk-ba-kech" && *u != "pk-nowhere-dale" {
			t.Errorf("an incident of the demo lies in %s, which is no unit here", *u)
		}
	}
}

// A server learns the names of what is loaded beside it, and forgets them with it.
func TestLiveGeocoder(t *testing.T) {
	known, err := (&placesFlag{}).read(t.Output())
	if err != nil {
		t.Fatal(err)
	}
	st := storetest.NewNaive()
	live := newLiveGeocoder(known.geocoder)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		live.follow(ctx, st, slog.New(slog.DiscardHandler), time.Millisecond)
		close(ended)
	}()
	defer func() {
		stop()
		<-ended
	}()
	await := func(want string) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			m := live.get().Geocode(geo.Request{Text: "Qwirtay Bvula"})
			if m.UnitID == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("the unit is %q, want %q", m.UnitID, want)
			}
		}
	}
	await("")
	load := func(set incident.Dataset, id string) {
		t.Helper()
		l, err := st.Begin(t.Context(), incident.Import{Dataset: set})
		if err != nil {
			t.Fatal(err)
		}
		in := incident.Incident{ID: incident.ID(set.Name, id), Dataset: set.Name, SourceID: id, LocationName: "Qwirtay Bvula", UnitID: "pk-kp-kurram", Country: "PK",
			Point: orb.Point{70.11, 33.81}, HasPoint: true, LocationPrecision: incident.LocExact, Place: incident.Place{Kind: incident.PlacePoint}}
		if _, err := l.Put(t.Context(), []incident.Incident{in}); err != nil {
			t.Fatal(err)
		}
		if err := l.Finish(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	load(incident.Dataset{Name: "open"}, "1")
	await("pk-kp-kurram")
	if _, err := st.RemoveDataset(t.Context(), "open"); err != nil {
		t.Fatal(err)
	}
	await("")
}
