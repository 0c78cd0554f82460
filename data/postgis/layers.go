package postgis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"

	"sarhad/geo"
	"sarhad/incident"
)

// fill holds the store to one set of units and writes the fixed layers that differ from what is there. Whoever brings
// no units leaves all as it is.
func (w *writer) fill(ctx context.Context) error {
	if len(w.s.opt.Units) == 0 {
		return nil
	}
	return w.tx(ctx, func(tx pgx.Tx) error {
		if err := w.keepBoundaries(ctx, tx); err != nil {
			return err
		}
		for _, l := range w.s.layers() {
			if err := l.write(ctx, tx); err != nil {
				return fmt.Errorf("write the layer %s: %w", l.name, err)
			}
		}
		return nil
	})
}

// keepBoundaries refuses another set of units than the one that incidents were placed in; see [geo.Boundaries].
func (w *writer) keepBoundaries(ctx context.Context, tx pgx.Tx) error {
	var text *string
	var some bool
	if err := tx.QueryRow(ctx, "SELECT boundaries, EXISTS (SELECT 1 FROM incidents) FROM state FOR UPDATE").Scan(&text, &some); err != nil {
		return fmt.Errorf("look for the boundaries: %w", err)
	}
	var have geo.Boundaries
	have.Hash, have.File, _ = strings.Cut(shown(text), " ")
	want := w.s.opt.Boundaries
	if have.Hash == want.Hash {
		return nil
	}
	if some {
		return &incident.Error{Code: incident.CodeConflict, Message: have.Clash(want)}
	}
	if _, err := tx.Exec(ctx, "UPDATE state SET boundaries = $1", stored(want.Hash+" "+want.File)); err != nil {
		return fmt.Errorf("write the boundaries: %w", err)
	}
	return nil
}

// layer is a table of fixed features.
type layer struct {
	name string
	rows [][]any // the geometry, then the values of the columns in order
}

// layers are what the options bring.
func (s *Store) layers() []layer {
	units, border, crossings := layer{name: "units"}, layer{name: "border"}, layer{name: "crossings"}
	for _, u := range s.opt.Units {
		units.rows = append(units.rows, []any{orb.Geometry(u.Geometry), u.ID, u.Name, u.Kind, stored(u.Country), stored(u.Province), stored(u.PCode), stored(u.ISO),
			stored(u.NameUR), stored(u.NamePS), stored(u.NameFA), u.Label[0], u.Label[1], u.AreaKM2})
	}
	if len(s.opt.Border) > 0 {
		border.rows = append(border.rows, []any{orb.Geometry(s.opt.Border), "Afghanistan–Pakistan border (Durand Line)"})
	}
	for _, c := range s.opt.Crossings {
		crossings.rows = append(crossings.rows, []any{orb.Geometry(c.Point), c.Name, stored(c.PKDistrict), stored(c.AFProvince), c.AccuracyKM, stored(c.Note)})
	}
	return []layer{units, border, crossings}
}

// write replaces the rows of the table unless they are there already. The caller holds the lock on state.
func (l *layer) write(ctx context.Context, tx pgx.Tx) error {
	if len(l.rows) == 0 {
		return nil
	}
	h := sha256.New()
	for _, row := range l.rows {
		g, ok := row[0].(orb.Geometry)
		if !ok {
			return errors.New("a row has no geometry")
		}
		b, err := wkb.Marshal(g)
		if err != nil {
			return err
		}
		row[0] = b
		_, _ = fmt.Fprintf(h, "%x", b)
		for _, v := range row[1:] {
			if p, ok := v.(*string); ok {
				v = shown(p)
			}
			_, _ = fmt.Fprintf(h, " %q", fmt.Sprint(v))
		}
	}
	hash := hex.EncodeToString(h.Sum(nil)[:16])
	var have string
	err := tx.QueryRow(ctx, "SELECT hash FROM layers WHERE name = $1", l.name).Scan(&have)
	if have == hash || err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM "+l.name); err != nil {
		return err
	}
	marks := ""
	for i := range l.rows[0][1:] {
		marks += fmt.Sprintf(", $%d", i+3)
	}
	for i, row := range l.rows {
		if _, err := tx.Exec(ctx, "INSERT INTO "+l.name+" VALUES ($1, ST_GeomFromWKB($2, 4326)"+marks+")", append([]any{i + 1}, row...)...); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO layers (name, hash) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET hash = excluded.hash", l.name, hash)
	return err
}
