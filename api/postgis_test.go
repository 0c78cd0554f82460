//go:build unix

package api

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/incident"
)

// One PostgreSQL for all tests, started by the first that needs it; each store has a schema of its own.
var (
	database        = sync.OnceValues(pgtest.Start)
	databaseStarted atomic.Bool
	schemas         atomic.Int64
)

func TestMain(m *testing.M) {
	code := m.Run()
	if databaseStarted.Load() {
		if s, err := database(); err == nil {
			s.Stop()
		}
	}
	os.Exit(code)
}

func openPostGIS(t testing.TB) incident.Store {
	t.Helper()
	databaseStarted.Store(true)
	s, err := database()
	pgtest.Check(t, err)
	st, err := postgis.Open(t.Context(), s.URI(), postgis.Options{Schema: fmt.Sprintf("api_%d", schemas.Add(1))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

func init() {
	testStores["postgis"] = func(t testing.TB) incident.Reader { return fill(t, openPostGIS(t)) }
}
