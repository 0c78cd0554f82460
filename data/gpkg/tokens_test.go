package gpkg_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"sarhad/data/storetest"
)

// Whoever has the file and SQLite can add to the audit log but not change it unseen.
func TestAuditIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gpkg")
	s := open(t, path, options)
	storetest.Load(t, s, plain, 10, storetest.Plain(3, 1))
	closeStore(t, s)
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, q := range []string{
		"UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE fid = 1",
		"REPLACE INTO audit (fid, at, action, object) VALUES (1, '2026-01-01T00:00:00.000Z', 'x', 'y')",
		"INSERT INTO audit (fid, at, action, object) VALUES (1, '2026-01-01T00:00:00.000Z', 'x', 'y') ON CONFLICT (fid) DO UPDATE SET who = 'nobody'",
	} {
		if _, err := db.ExecContext(t.Context(), q); err == nil || !strings.Contains(err.Error(), "only added to") {
			t.Errorf("%s: %v", q, err)
		}
	}
	if got := query(t, path, "SELECT count(*) || max(action) FROM audit"); got != "2import finished" {
		t.Errorf("the log is %q", got)
	}
}
