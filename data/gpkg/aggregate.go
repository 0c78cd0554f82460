package gpkg

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sarhad/incident"
)

var keyColumns = map[incident.Key]string{
	incident.KeyUnit: "unit_id", incident.KeyProvince: "province", incident.KeyCountry: "country", incident.KeyDataset: "dataset",
	incident.KeyEventType: "event_type", incident.KeyTypeOfViolence: "type_of_violence", incident.KeyPrecision: "location_precision",
	incident.KeyVerification: "verification", incident.KeyDay: "start_date", incident.KeyWeek: "start_date",
	incident.KeyMonth: "start_date", incident.KeyYear: "start_date",
}

// Aggregate implements [incident.Reader]. SQLite groups by day, since the
// index is sorted by day; the days are put together to weeks, months and years
// here, which costs less than a function call for each incident.
func (s *Store) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	if err := checkKeys(q.By); err != nil {
		return nil, err
	}
	groups := grouper{by: q.By, index: map[string]int{}, keys: make([]*string, len(q.By))}
	err := s.withReader(ctx, func(c *conn) error {
		ask, err := ask(q.Filter)
		if err != nil || ask.never {
			return err
		}
		if ask.rest != nil {
			var full error
			err := s.walk(ctx, c, incident.Query{Filter: q.Filter}, func(in *incident.Incident) bool {
				for k, key := range q.By {
					groups.keys[k] = incident.KeyOf(key, in)
				}
				var g *incident.Group
				if g, full = groups.group(); full != nil {
					return false
				}
				g.Add(in)
				return true
			})
			return cmp.Or(full, err)
		}
		// The day stands in front, as in the index, so that SQLite need not sort.
		var columns []string
		for _, k := range q.By {
			if col := "i." + keyColumns[k]; !slices.Contains(columns, col) {
				if k.IsTime() {
					columns = slices.Insert(columns, 0, col)
				} else {
					columns = append(columns, col)
				}
			}
		}
		position := make([]int, len(q.By))
		for k, key := range q.By {
			position[k] = slices.Index(columns, "i."+keyColumns[key])
		}
		n := len(columns)
		names := strings.Join(columns, ", ")
		// "+start_date" has no declared type; of a date the driver would make a time.
		sums := strings.ReplaceAll(names, "i.start_date", "+i.start_date") +
			", count(*), sum(i.fatalities_low), sum(i.fatalities_best), sum(i.fatalities_high), count(i.fatalities_best)"
		// Each way to the rows is grouped by itself, in the order of its index, and
		// both are put together here; the transaction lets them see one state.
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		for _, p := range ask.all() {
			if err := c.each(ctx, p.sql(sums)+" GROUP BY "+names, bind(p.args...), func(v []driver.Value) error {
				return groups.add(v, n, position)
			}); err != nil {
				return errors.Join(err, c.rollback())
			}
		}
		return c.exec("COMMIT")
	})
	if err != nil {
		return nil, fmt.Errorf("count by %v: %w", q.By, domainError(err))
	}
	return groups.sorted(), nil
}

func checkKeys(by []incident.Key) error {
	if len(by) < 1 || len(by) > 3 {
		return incident.Errorf(incident.CodeInvalid, "Counts are grouped by one to three keys, not %d.", len(by))
	}
	for i, k := range by {
		if !slices.Contains(incident.Keys, k) {
			e := incident.Errorf(incident.CodeInvalid, "Counts cannot be grouped by %q.", k)
			for _, a := range incident.Keys {
				e.Allowed = append(e.Allowed, string(a))
			}
			return e
		}
		if slices.Contains(by[:i], k) {
			return incident.Errorf(incident.CodeInvalid, "Counts cannot be grouped by %q twice.", k)
		}
	}
	return nil
}

// grouper adds rows up to groups.
type grouper struct {
	by     []incident.Key
	keys   []*string // of the row at hand
	id     []byte
	index  map[string]int
	groups []incident.Group
	// The period of the last day met: days come in order.
	lastDay string
	periods [4]*string
}

// group finds the group of the keys at hand. It fails beyond MaxGroups, which
// ends the question: SQLite gives its groups one by one and holds no more. A
// LIMIT would not do, since it counts days where weeks are asked for.
func (g *grouper) group() (*incident.Group, error) {
	g.id = g.id[:0]
	for _, k := range g.keys {
		if k == nil {
			g.id = append(g.id, 0)
			continue
		}
		g.id = append(g.id, 1)
		g.id = binary.AppendUvarint(g.id, uint64(len(*k)))
		g.id = append(g.id, *k...)
	}
	i, ok := g.index[string(g.id)]
	if !ok {
		i = len(g.groups)
		if i >= incident.MaxGroups {
			return nil, incident.Errorf(incident.CodeTooLarge, "There are more than %d groups; ask for fewer keys, longer periods or a narrower filter.", incident.MaxGroups)
		}
		g.index[string(g.id)] = i
		g.groups = append(g.groups, incident.Group{Keys: slices.Clone(g.keys)})
	}
	return &g.groups[i], nil
}

// add adds a row of n key columns and the sums; position says which column each key stands in.
func (g *grouper) add(v []driver.Value, n int, position []int) error {
	for k, key := range g.by {
		switch x := v[position[k]].(type) {
		case nil:
			g.keys[k] = nil
		case int64:
			t := strconv.FormatInt(x, 10)
			g.keys[k] = &t
		case string:
			if key.IsTime() {
				g.keys[k] = g.period(key, x)
			} else {
				g.keys[k] = &x
			}
		default:
			return fmt.Errorf("read a group: a key is a %T", x)
		}
	}
	to, err := g.group()
	if err != nil {
		return err
	}
	count, _ := v[n].(int64)
	known, _ := v[n+4].(int64)
	to.Count += int(count)
	to.UnknownFatalities += int(count - known)
	to.Low.Add(stored(v[n+1]))
	to.Best.Add(stored(v[n+2]))
	to.High.Add(stored(v[n+3]))
	return nil
}

func (g *grouper) period(k incident.Key, day string) *string {
	if day != g.lastDay {
		g.lastDay, g.periods = day, [4]*string{}
	}
	at := slices.Index([]incident.Key{incident.KeyDay, incident.KeyWeek, incident.KeyMonth, incident.KeyYear}, k)
	if g.periods[at] == nil {
		p := incident.PeriodOf(k, dayOf(day))
		g.periods[at] = &p
	}
	return g.periods[at]
}

// sorted gives the groups sorted by their keys, null first.
func (g *grouper) sorted() []incident.Group {
	slices.SortFunc(g.groups, func(a, b incident.Group) int {
		for k := range a.Keys {
			x, y := a.Keys[k], b.Keys[k]
			switch {
			case x == nil && y == nil:
			case x == nil:
				return -1
			case y == nil:
				return 1
			default:
				if c := cmp.Compare(*x, *y); c != 0 {
					return c
				}
			}
		}
		return 0
	})
	return g.groups
}
