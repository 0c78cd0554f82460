package gpkg

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/paulmach/orb"
)

// fillLayers writes the fixed layers when they differ from what the file has.
func (s *Store) fillLayers(ctx context.Context) error {
	o := s.opt
	if err := s.fillLayer(ctx, "units", len(o.Units), func(add func(orb.Geometry, ...any) error) error {
		for _, u := range o.Units {
			if err := add(u.Geometry, u.ID, u.Name, u.Kind, text(u.Country), text(u.Province), text(u.PCode), text(u.ISO),
				text(u.NameUR), text(u.NamePS), text(u.NameFA), u.Label[0], u.Label[1], u.AreaKM2); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	if err := s.fillLayer(ctx, "border", len(o.Border), func(add func(orb.Geometry, ...any) error) error {
		return add(o.Border, "Afghanistan–Pakistan border (Durand Line)")
	}); err != nil {
		return err
	}
	return s.fillLayer(ctx, "crossings", len(o.Crossings), func(add func(orb.Geometry, ...any) error) error {
		for _, c := range o.Crossings {
			if err := add(c.Point, c.Name, text(c.PKDistrict), text(c.AFProvince), c.AccuracyKM, text(c.Note)); err != nil {
				return err
			}
		}
		return nil
	})
}

// fillLayer fills one layer; rows calls add for each feature with the values
// of its columns in order. n = 0 leaves the layer alone.
func (s *Store) fillLayer(ctx context.Context, table string, n int, rows func(add func(orb.Geometry, ...any) error) error) error {
	if n == 0 {
		return nil
	}
	// The features are written out first: their hash tells if anything is to be done.
	type feature []any
	var features []feature
	h := sha256.New()
	var bound orb.Bound
	if err := rows(func(g orb.Geometry, values ...any) error {
		blob, err := geometryBlob(g)
		if err != nil {
			return err
		}
		if len(features) == 0 {
			bound = g.Bound()
		}
		bound = bound.Union(g.Bound())
		features = append(features, append(feature{blob}, values...))
		_, err = fmt.Fprintf(h, "%x %q\n", blob, fmt.Sprint(values...))
		return err
	}); err != nil {
		return fmt.Errorf("prepare the layer %s: %w", table, err)
	}
	hash := fmt.Sprintf("%x", h.Sum(nil)[:16])
	key := "layer_" + table
	row, err := s.writer.one(ctx, "SELECT value FROM meta WHERE key = ?", key)
	if err != nil {
		return fmt.Errorf("look for the layer %s: %w", table, err)
	}
	if row != nil && row[0] == hash {
		return nil
	}
	marks := ""
	for range features[0] {
		marks += ", ?"
	}
	err = s.writer.tx(func() error {
		if err := s.writer.exec("DELETE FROM " + table); err != nil {
			return err
		}
		for i, f := range features {
			if err := s.writer.exec("INSERT INTO "+table+" VALUES (?"+marks+")", append([]any{i + 1}, f...)...); err != nil {
				return err
			}
		}
		if err := s.setExtent(table, bound, true); err != nil {
			return err
		}
		return s.writer.exec("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, hash)
	})
	if err != nil {
		return fmt.Errorf("write the layer %s: %w", table, err)
	}
	return nil
}

// setExtent writes the extent of a layer and the moment of its change.
func (s *Store) setExtent(table string, b orb.Bound, known bool) error {
	values := []any{nil, nil, nil, nil, timestamp(s.opt.Now()), table}
	if known {
		values[0], values[1], values[2], values[3] = b.Min[0], b.Min[1], b.Max[0], b.Max[1]
	}
	return s.writer.exec("UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?, last_change = ? WHERE table_name = ?", values...)
}
