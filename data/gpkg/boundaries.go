package gpkg

import (
	"context"
	"fmt"
	"strings"

	"sarhad/geo"
	"sarhad/incident"
)

// Boundaries says which set of units a store places its incidents in.
type Boundaries = geo.Boundaries

// keepBoundaries holds a store to one set of units: incidents that were placed in one set and those placed in another
// would be counted together under the same names. A store without incidents takes the new set.
func (s *Store) keepBoundaries(ctx context.Context) error {
	if len(s.opt.Units) == 0 {
		return nil // opened by somebody who brings no units
	}
	var have Boundaries
	row, err := s.writer.one(ctx, "SELECT value FROM meta WHERE key = 'boundaries'")
	if err != nil {
		return fmt.Errorf("look for the boundaries: %w", err)
	}
	if row != nil {
		value, _ := row[0].(string)
		have.Hash, have.File, _ = strings.Cut(value, " ")
	}
	want := s.opt.Boundaries
	if have.Hash == want.Hash {
		return nil
	}
	n, err := s.writer.integer(ctx, "SELECT EXISTS (SELECT 1 FROM incidents)")
	if err != nil {
		return fmt.Errorf("look for incidents: %w", err)
	}
	if n > 0 {
		return &incident.Error{Code: incident.CodeConflict, Message: have.Clash(want)}
	}
	if err := s.writer.exec("INSERT INTO meta (key, value) VALUES ('boundaries', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", want.Hash+" "+want.File); err != nil {
		return fmt.Errorf("write the boundaries: %w", err)
	}
	return nil
}
