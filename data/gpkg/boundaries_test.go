package gpkg_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sarhad/data/gpkg"
	"sarhad/incident"
)

// A store keeps to the units that its incidents were placed in.
func TestBoundariesAreNotMixed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.gpkg")
	open := func(b gpkg.Boundaries, opt gpkg.Options) error {
		t.Helper()
		opt.Boundaries = b
		s, err := gpkg.Open(t.Context(), path, opt)
		if err == nil {
			closeStore(t, s)
		}
		return err
	}
	bundled, own, other := gpkg.Boundaries{}, gpkg.Boundaries{File: "own file.geojson", Hash: "abc"}, gpkg.Boundaries{File: "other.gpkg", Hash: "def"}
	// Without incidents any set will do, and the last one counts.
	for _, b := range []gpkg.Boundaries{bundled, other, bundled, own} {
		if err := open(b, options); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
	s, err := gpkg.Open(t.Context(), path, gpkg.Options{Units: options.Units, Boundaries: own})
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Begin(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	in := incident.Incident{ID: incident.ID("plain", "1"), Dataset: "plain", SourceID: "1", LocationPrecision: incident.LocNone, TimePrecision: incident.TimeDay, Verification: incident.Unverified}
	if _, err := l.Put(t.Context(), []incident.Incident{in}); err != nil {
		t.Fatal(err)
	}
	if err := l.Finish(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	renamed := own
	renamed.File = "renamed.geojson"
	for _, b := range []gpkg.Boundaries{own, renamed} {
		if err := open(b, options); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
	for _, b := range []gpkg.Boundaries{bundled, other} {
		err := open(b, options)
		if incident.CodeOf(err) != incident.CodeConflict || !strings.Contains(err.Error(), "own file.geojson") || !strings.Contains(err.Error(), b.String()) {
			t.Errorf("%s: %v", b, err)
		}
	}
	// Who brings no units changes none.
	if err := open(bundled, gpkg.Options{}); err != nil {
		t.Errorf("without units: %v", err)
	}
}
