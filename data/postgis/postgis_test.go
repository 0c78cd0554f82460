package postgis_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// One server for all tests; each store has a schema of its own.
var (
	server    *pgtest.Server
	serverErr error
	schemas   atomic.Int64
)

func TestMain(m *testing.M) {
	server, serverErr = pgtest.Start()
	code := m.Run()
	if serverErr == nil {
		server.Stop()
	}
	os.Exit(code)
}

func newSchema() string { return fmt.Sprintf("sarhad_%d", schemas.Add(1)) }

func open(t testing.TB, opt postgis.Options) *postgis.Store {
	t.Helper()
	pgtest.Check(t, serverErr)
	if opt.Schema == "" {
		opt.Schema = newSchema()
	}
	s, err := postgis.Open(t.Context(), server.URI(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) incident.Store { return open(t, postgis.Options{}) })
}
