package gpkg

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"sarhad/incident"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

type migration struct{ name, sql string }

// migrations are the steps from an empty file to the present tables, in order.
// The version of a store is the number of steps it has taken: PRAGMA
// user_version belongs to the GeoPackage standard.
var migrations = func() []migration {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted
	if err != nil {
		return nil
	}
	var all []migration
	for _, n := range names {
		b, err := migrationFiles.ReadFile(n)
		if err != nil {
			return nil
		}
		all = append(all, migration{n[len("migrations/"):], string(b)})
	}
	return all
}()

var errReadOnlyFS error = syscall.EROFS

// application_id "GPKG" and user_version 1.3.0, as the standard asks.
const (
	applicationID = 0x47504B47
	userVersion   = 10300
)

// MigrationStatus tells which version the store at a path has and which one
// this program wants. have is 0 for a store that does not exist. It fails with
// CodeInvalid for a file that is no store of Sarhad.
func MigrationStatus(ctx context.Context, path string) (have, want int, err error) {
	want = len(migrations)
	there, empty, err := exists(path)
	if err != nil {
		return 0, want, fmt.Errorf("read the version: %w", fileError(err))
	}
	if !there || empty {
		return 0, want, nil
	}
	if err := checkHeader(path); err != nil {
		return 0, want, fmt.Errorf("read the version of %s: %w", path, err)
	}
	c, err := openConn(path, "ro", false)
	if err == nil {
		have, err = version(ctx, c)
		err = errors.Join(err, c.close())
	}
	if err != nil {
		return 0, want, fmt.Errorf("read the version of %s: %w", path, domainError(err))
	}
	return have, want, nil
}

// version reads the version of a store, 0 for an empty database.
func version(ctx context.Context, c *conn) (int, error) {
	tables, err := c.integer(ctx, "SELECT count(*) FROM sqlite_master")
	if err != nil {
		return 0, err
	}
	app, err := c.integer(ctx, "PRAGMA application_id")
	if err != nil {
		return 0, err
	}
	if tables == 0 && app == 0 {
		return 0, nil
	}
	foreign := incident.Errorf(incident.CodeInvalid, "The file is a database of another program and not a Sarhad store; it was left as it is.")
	if app != applicationID {
		return 0, foreign
	}
	if n, err := c.integer(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('migrations', 'meta', 'incidents')"); err != nil {
		return 0, err
	} else if n != 3 {
		return 0, foreign
	}
	ours, err := c.integer(ctx, "SELECT count(*) FROM meta WHERE key = 'program' AND value = 'sarhad'")
	if err != nil || ours == 0 {
		return 0, foreign
	}
	n, err := c.integer(ctx, "SELECT max(version) FROM migrations")
	return int(n), err
}

func checkVersion(have int) error {
	if have > len(migrations) {
		return incident.Errorf(incident.CodeUnavailable, "The store was written by a newer Sarhad (version %d of its tables; this program knows %d); use that one.", have, len(migrations))
	}
	return nil
}

// migrate takes the steps that are missing in one transaction. created is true
// if there was nothing before.
func migrate(ctx context.Context, c *conn, now time.Time) (created bool, err error) {
	err = c.tx(func() error {
		have, err := version(ctx, c) // again, under the lock: another process may have been faster
		if err != nil {
			return err
		}
		created = have == 0
		if created {
			if err := c.pragmas(fmt.Sprintf("application_id = %d", applicationID), fmt.Sprintf("user_version = %d", userVersion)); err != nil {
				return err
			}
			if err := c.exec(`CREATE TABLE migrations (version INTEGER PRIMARY KEY NOT NULL, name TEXT, applied DATETIME)`); err != nil {
				return fmt.Errorf("create the list of migrations: %w", err)
			}
		}
		for i := have; i < len(migrations); i++ {
			m := migrations[i]
			if err := c.exec(m.sql); err != nil {
				return fmt.Errorf("migrate to %s: %w", m.name, err)
			}
			if err := c.exec("INSERT INTO migrations VALUES (?, ?, ?)", i+1, m.name, timestamp(now)); err != nil {
				return fmt.Errorf("record the migration %s: %w", m.name, err)
			}
		}
		return createIndexes(c)
	})
	return created, err
}

// timestamp writes a moment as the GeoPackage standard wants it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// indexes are the indexes of incidents. They are no migrations, because a load
// into an empty store drops them and builds them at its end.
var indexes = []struct{ name, sql string }{
	{"incidents_id", "CREATE UNIQUE INDEX incidents_id ON incidents (id)"},
	// Box and days are answered from this index alone, and so are counts and
	// sums by unit and period. See docs/decisions/0002.
	{"incidents_start", "CREATE INDEX incidents_start ON incidents (start_date, unit_id, lon, lat, fatalities_low, fatalities_best, fatalities_high)"},
	// Incidents of several days, by the class of their length; see spanOf.
	{"incidents_span", "CREATE INDEX incidents_span ON incidents (span, start_date, end_date, unit_id, lon, lat, fatalities_low, fatalities_best, fatalities_high) WHERE span IS NOT NULL"},
}

// createIndexes makes the indexes that are missing.
func createIndexes(c *conn) error {
	for _, ix := range indexes {
		there, err := c.integer(context.Background(), "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = ?", ix.name)
		if err != nil {
			return fmt.Errorf("look for the index %s: %w", ix.name, err)
		}
		if there > 0 {
			continue
		}
		// Two threads sort; more would take memory and cores from those who read.
		if err := c.pragmas("threads = 2", narrowCache); err != nil {
			return err
		}
		if err := c.exec(ix.sql); err != nil {
			return fmt.Errorf("build the index %s: %w", ix.name, err)
		}
	}
	return nil
}

func dropIndexes(c *conn) error {
	for _, ix := range indexes {
		if err := c.exec("DROP INDEX IF EXISTS " + ix.name); err != nil {
			return fmt.Errorf("drop the index %s: %w", ix.name, err)
		}
	}
	return nil
}
