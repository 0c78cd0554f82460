package postgis

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sarhad/incident"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

type migration struct{ name, sql string }

// migrations are the steps from an empty schema to the present tables, in order;
// there is no way back. The version of a store is the number of steps it has taken.
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

// MigrationStatus tells which version the store at an address has and which one
// this program wants. have is 0 where there is no store. It fails as [Open] does.
func MigrationStatus(ctx context.Context, uri string, opt Options) (have, want int, err error) {
	want = len(migrations)
	conf, err := parse(uri, &opt)
	if err != nil {
		return 0, want, fmt.Errorf("read the version of the store: %w", err)
	}
	c, err := pgx.ConnectConfig(ctx, conf.ConnConfig)
	if err == nil {
		have, err = version(ctx, c, opt.Schema)
		err = errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return 0, want, fmt.Errorf("read the version of the store: %w", domainError(ctx, err))
	}
	return have, want, nil
}

// version reads the version of the store in a schema, 0 for a schema that is missing or empty.
func version(ctx context.Context, c querier, schema string) (n int, err error) {
	tables, ours := 0, false
	if err := c.QueryRow(ctx, "SELECT count(*), coalesce(bool_or(tablename = 'migrations'), false) FROM pg_tables WHERE schemaname = $1", schema).Scan(&tables, &ours); err != nil {
		return 0, fmt.Errorf("look for the tables: %w", err)
	}
	if tables == 0 {
		return 0, nil
	}
	if !ours {
		return 0, incident.Errorf(incident.CodeInvalid, "The schema %s holds tables of another program; it was left as it is.", schema)
	}
	err = c.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+quoted(schema)+".migrations").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the version: %w", err)
	}
	return n, nil
}

func checkVersion(have int) error {
	if have > len(migrations) {
		return incident.Errorf(incident.CodeUnavailable, "The store was written by a newer Sarhad (version %d of its tables; this program knows %d); use that one.", have, len(migrations))
	}
	return nil
}

// addPostGIS adds the extension where it is missing, which needs rights that a user may not have.
func addPostGIS(ctx context.Context, c *pgx.Conn) error {
	there := false
	if err := c.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'postgis')").Scan(&there); err != nil || there {
		return err
	}
	_, err := c.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS postgis")
	var pe *pgconn.PgError
	switch {
	case errors.As(err, &pe) && pe.Code == "23505": // another process was faster
		return nil
	case errors.As(err, &pe):
		return &incident.Error{Code: incident.CodeUnavailable, Message: "The database has no PostGIS and this user cannot add it: install it on the server (Debian: postgresql-15-postgis-3), " +
			"and let an administrator of the database run CREATE EXTENSION postgis.", Err: err}
	}
	return err
}

// migrate takes the steps that are missing in one transaction, one process at a time.
func (s *Store) migrate(ctx context.Context) error {
	w, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer w.release()
	have, err := version(ctx, w.c, s.opt.Schema)
	if err != nil || have == len(migrations) {
		return err
	}
	return w.tx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", keyOf("sarhad migrate "+s.opt.Schema)); err != nil {
			return fmt.Errorf("wait for the right to migrate: %w", err)
		}
		have, err := version(ctx, tx, s.opt.Schema) // again, under the lock
		if err != nil {
			return err
		}
		if err := checkVersion(have); err != nil {
			return err
		}
		if have == 0 {
			s.created = true
			if _, err := tx.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+quoted(s.opt.Schema)+
				"; CREATE TABLE migrations (version int PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL)"); err != nil {
				return fmt.Errorf("create the schema: %w", err)
			}
		}
		for i := have; i < len(migrations); i++ {
			m := migrations[i]
			if _, err := tx.Exec(ctx, m.sql); err != nil {
				return fmt.Errorf("migrate to %s: %w", m.name, err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO migrations VALUES ($1, $2, $3)", i+1, m.name, s.opt.Now().UTC()); err != nil {
				return fmt.Errorf("record the migration %s: %w", m.name, err)
			}
		}
		return nil
	})
}
