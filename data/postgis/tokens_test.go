package postgis_test

import (
	"strings"
	"testing"

	"sarhad/data/postgis"
	"sarhad/data/postgis/pgtest"
	"sarhad/data/storetest"
	"sarhad/incident"
)

// Whoever may write to the tables can add to the audit log but not change it.
func TestAuditIsKept(t *testing.T) {
	pgtest.Check(t, serverErr)
	schema := newSchema()
	s := open(t, postgis.Options{Schema: schema})
	defer s.Close()
	storetest.Load(t, s, incident.Import{Dataset: incident.Dataset{Name: "plain"}}, 10, storetest.Plain(3, 1))
	c := sql(t, schema)
	for _, q := range []string{
		"UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "TRUNCATE audit",
		"INSERT INTO audit (id, at, action, object) OVERRIDING SYSTEM VALUE VALUES (1, now(), 'x', 'y') ON CONFLICT (id) DO UPDATE SET who = 'nobody'",
	} {
		if _, err := c.Exec(t.Context(), q); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: %v", q, err)
		}
	}
}
