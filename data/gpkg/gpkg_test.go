package gpkg_test

import (
	"path/filepath"
	"testing"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
	"sarhad/incident"
)

func open(t testing.TB, path string, opt gpkg.Options) *gpkg.Store {
	t.Helper()
	s, err := gpkg.Open(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) incident.Store {
		return open(t, filepath.Join(t.TempDir(), "a b?c%.gpkg"), gpkg.Options{})
	})
}
