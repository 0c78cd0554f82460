package postgis_test

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/paulmach/orb"

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

// A window of some days is asked for by one statement whatever its values are, so that a connection keeps few plans; one of
// many days, or with other conditions, is planned for its values.
func TestStatementsOfWindows(t *testing.T) {
	box := func(x float64) incident.Filter {
		return incident.Box{Bound: orb.Bound{Min: orb.Point{x, 30}, Max: orb.Point{x + 1, 31}}}
	}
	days := func(n incident.Day) incident.Filter { return incident.During{From: 12000, To: 11999 + n} }
	sql := func(limit int, parts ...incident.Filter) string {
		t.Helper()
		text, args, err := postgis.Statement(incident.Query{Filter: incident.And(parts), Limit: limit})
		if err != nil || text == "" {
			t.Fatal(text, err)
		}
		for n := range args {
			if !strings.Contains(text, fmt.Sprintf("$%d", n+1)) {
				t.Errorf("$%d is not in %s", n+1, text)
			}
		}
		return text
	}
	one := sql(10, days(31), box(60))
	if two := sql(1000, days(1), box(70)); one != two {
		t.Errorf("one window is asked for by\n%s\nand another by\n%s", one, two)
	}
	for name, other := range map[string]string{
		"many days": sql(10, days(32), box(60)), "a dataset": sql(10, days(31), box(60), incident.In{Property: "dataset", Values: []string{"a"}}), "no days": sql(10, box(60)),
	} {
		if !strings.HasSuffix(other, " LIMIT 10") {
			t.Errorf("%s: the planner does not see the limit: %s", name, other)
		}
	}
	if text, args, err := postgis.Statement(incident.Query{Filter: incident.During{From: incident.MaxDay + 1, To: incident.MaxDay + 2}}); text != "" || args != nil || err != nil {
		t.Errorf("nothing is asked for by %q %v, %v", text, args, err)
	}
}
