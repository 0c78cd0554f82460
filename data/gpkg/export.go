package gpkg

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// ExportColumn is a column of the layer of incidents in an exported file.
type ExportColumn struct {
	// Name is that of the column, and Type one of the GeoPackage standard: TEXT, DATE, INTEGER, DOUBLE, BOOLEAN.
	Name, Type string
	// Value gives nil, a string, an int64, a float64 or a bool.
	Value func(*incident.Incident) any
}

// ExportInfo describes an exported file.
type ExportInfo struct {
	// Title and Attribution are for readers; the attribution is plain text of several lines.
	Title, Attribution string
	// Datasets are those whose incidents may be in it.
	Datasets []incident.Dataset
	// Address is where the same can be had again, "" if nowhere.
	Address string
	// Now is the moment that the file is said to be made at.
	Now time.Time
}

var (
	//go:embed export.sql
	exportSQL string
	//go:embed export_triggers.sql
	triggersSQL string
)

// exportBatch is how many rows go to SQLite between two looks at the context.
const exportBatch = 256

// Export writes incidents to a GeoPackage 1.3 at a path where there is no file
// yet. It has a layer incidents with the columns after fid and geom, in their
// order, and an R*Tree; a table datasets; and the attribution as metadata. The
// geometry is the label point, as in a store. It is a file to be read by
// others, and no store. It fails with CodeConflict if there is a file, and
// leaves none when it fails.
func Export(ctx context.Context, path string, columns []ExportColumn, info ExportInfo, incidents iter.Seq2[*incident.Incident, error]) (err error) {
	there, _, err := exists(path)
	if err != nil {
		return fmt.Errorf("export: %w", fileError(err))
	}
	if there {
		return incident.Errorf(incident.CodeConflict, "%s exists already; an export never writes over a file.", path)
	}
	c, err := openConn(path, "rwc", false)
	if err != nil {
		return fmt.Errorf("export to %s: %w", path, domainError(err))
	}
	defer func() {
		if err = errors.Join(err, c.close()); err != nil {
			err = fmt.Errorf("export to %s: %w", path, domainError(errors.Join(err, removed(path))))
		}
	}()
	// Nobody else has the file, and of a program that dies nothing is wanted: no journal, no waiting for the disk.
	if err := c.pragmas("page_size = 4096", fmt.Sprintf("application_id = %d", applicationID), fmt.Sprintf("user_version = %d", userVersion),
		"journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -8000"); err != nil {
		return err
	}
	if err := c.exec("BEGIN"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	e := &exporter{conn: c, columns: columns, now: timestamp(info.Now)}
	if err := e.begin(&info); err != nil {
		return err
	}
	if err := e.rows(ctx, incidents); err != nil {
		return err
	}
	if err := e.end(); err != nil {
		return err
	}
	if err := c.exec("COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what was begun: %w", err)
	}
	return nil
}

type exporter struct {
	conn    *conn
	columns []ExportColumn
	now     string
	bound   orb.Bound
	located bool
}

// begin makes the tables and writes what stands beside the incidents.
func (e *exporter) begin(info *ExportInfo) error {
	if err := e.conn.exec(exportSQL); err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	var b strings.Builder
	b.WriteString("CREATE TABLE incidents (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT")
	for _, c := range e.columns {
		b.WriteString(`, "` + strings.ReplaceAll(c.Name, `"`, `""`) + `" ` + c.Type)
	}
	b.WriteString(")")
	if err := e.conn.exec(b.String()); err != nil {
		return fmt.Errorf("create the layer: %w", err)
	}
	title := info.Title
	if title == "" {
		title = "Incidents"
	}
	for _, s := range []struct {
		sql    string
		values []any
	}{
		{"INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) VALUES ('incidents', 'features', 'incidents', ?, ?, 4326), ('datasets', 'attributes', 'datasets', 'Datasets and their terms', ?, NULL)",
			[]any{title + "; the point is a label point, place_kind says what is known of the place", e.now, e.now}},
		{"INSERT INTO gpkg_geometry_columns VALUES ('incidents', 'geom', 'POINT', 4326, 0, 0)", nil},
		{"INSERT INTO gpkg_metadata (id, md_scope, md_standard_uri, mime_type, metadata) VALUES (1, 'dataset', ?, 'text/plain', ?)",
			[]any{"http://www.geopackage.org/spec/", attributionText(info)}},
		{"INSERT INTO gpkg_metadata_reference VALUES ('geopackage', NULL, NULL, NULL, ?, 1, NULL)", []any{e.now}},
	} {
		if err := e.conn.exec(s.sql, s.values...); err != nil {
			return fmt.Errorf("describe the file: %w", err)
		}
	}
	for i := range info.Datasets {
		d := &info.Datasets[i]
		if err := e.conn.exec("INSERT INTO datasets (name, title, licence, attribution, terms, version, accessed, aggregates_only, synthetic, sample) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			d.Name, text(d.Title), text(d.Licence), text(d.Attribution), text(d.Terms), text(d.Version), text(d.Accessed), d.AggregatesOnly, d.Synthetic, d.Sample); err != nil {
			return fmt.Errorf("write the datasets: %w", err)
		}
	}
	return nil
}

func attributionText(info *ExportInfo) string {
	s := info.Attribution
	if info.Address != "" {
		s += "Source: " + info.Address + "\n"
	}
	return s
}

// rows writes the incidents.
func (e *exporter) rows(ctx context.Context, incidents iter.Seq2[*incident.Incident, error]) error {
	insert := "INSERT INTO incidents VALUES (?, ?" + strings.Repeat(", ?", len(e.columns)) + ")"
	args, node := bind(make([]any, len(e.columns)+2)...), bind(make([]any, 5)...)
	geom := make([]byte, 0, 32)
	n := 0
	for in, err := range incidents {
		if err != nil {
			return err
		}
		if n%exportBatch == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		n++
		args[0].Value, args[1].Value = int64(n), nil
		if in.HasPoint {
			geom = appendPoint(geom[:0], in.Point)
			args[1].Value = geom
			if !e.located {
				e.located, e.bound = true, in.Point.Bound()
			}
			e.bound = e.bound.Extend(in.Point)
		}
		for i := range e.columns {
			args[i+2].Value = e.columns[i].Value(in)
			if b, ok := args[i+2].Value.(bool); ok {
				args[i+2].Value = integerOf(b)
			}
		}
		if err := e.conn.run(insert, args); err != nil {
			return fmt.Errorf("write incident %s: %w", in.ID, err)
		}
		if !in.HasPoint {
			continue
		}
		node[0].Value = int64(n)
		node[1].Value, node[2].Value, node[3].Value, node[4].Value = in.Point[0], in.Point[0], in.Point[1], in.Point[1]
		if err := e.conn.run("INSERT INTO rtree_incidents_geom VALUES (?, ?, ?, ?, ?)", node); err != nil {
			return fmt.Errorf("index incident %s: %w", in.ID, err)
		}
	}
	return nil
}

func integerOf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// end makes the triggers of the index and writes the extent.
func (e *exporter) end() error {
	if err := e.conn.exec(triggersSQL); err != nil {
		return fmt.Errorf("create the triggers: %w", err)
	}
	if !e.located {
		return nil
	}
	if err := e.conn.exec("UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = 'incidents'",
		e.bound.Min[0], e.bound.Min[1], e.bound.Max[0], e.bound.Max[1]); err != nil {
		return fmt.Errorf("write the extent: %w", err)
	}
	return nil
}
