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
	incident.KeySubEventType: "sub_event_type", incident.KeyVerification: "verification", incident.KeyDay: "start_date", incident.KeyWeek: "start_date",
	incident.KeyMonth: "start_date", incident.KeyYear: "start_date",
}

// Aggregate implements [incident.Reader]. SQLite groups by day, since the
// index is sorted by day; the days are put together to weeks, months and years
// here, which costs less than a function call for each incident.
func (s *Store) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	if err := incident.CheckKeys(q.By); err != nil {
		return nil, err
	}
	groups := grouper{by: q.By, underFunc: q.Under, index: map[string]int{}, keys: make([]*string, len(q.By))}
	err := s.withReader(ctx, func(c *conn) (err error) {
		ask, err := ask(q.Filter)
		if err != nil || ask.never {
			return err
		}
		// Each way to the rows is grouped by itself, and all are put together here;
		// the transaction lets them see one state.
		if err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.rollback()) }()
		distinct := q.Distinct
		if distinct {
			n, err := c.integer(ctx, "SELECT count(*) FROM (SELECT 1 FROM clusters LIMIT 1)")
			if err != nil {
				return err
			}
			distinct = n > 0
		}
		if ask.rest != nil || slices.Contains(q.By, incident.KeyActor) {
			return s.walkGroups(ctx, c, q, &groups, distinct)
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
			", count(*), sum(i.fatalities_low), sum(i.fatalities_best), sum(i.fatalities_high), count(i.fatalities_best), count(i.fatalities_low), count(i.fatalities_high)"
		ways := ask.all()
		if distinct {
			ways = ask.parts(ask.also("NOT EXISTS (SELECT 1 FROM clusters AS k WHERE k.fid = i.fid)"))
		}
		for _, p := range ways {
			if err := c.each(ctx, p.sql(sums)+" GROUP BY "+names, bind(p.args...), func(v []driver.Value) error {
				return groups.add(v, n, position)
			}); err != nil {
				return err
			}
		}
		if distinct {
			return addClusters(ctx, c, &ask, &groups, columns, position)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count by %v: %w", q.By, domainError(err))
	}
	return groups.sorted(), nil
}

// walkGroups counts incidents one by one, where a part of the filter is not for
// SQLite or an incident counts in several groups.
func (s *Store) walkGroups(ctx context.Context, c *conn, q incident.AggregateQuery, groups *grouper, distinct bool) error {
	clusters := map[int64]int64{}
	if distinct {
		if err := c.each(ctx, "SELECT fid, cluster FROM clusters", nil, func(v []driver.Value) error {
			fid, _ := v[0].(int64)
			clusters[fid], _ = v[1].(int64)
			return nil
		}); err != nil {
			return err
		}
	}
	var full error
	bests := map[int64]*incident.BestOfCluster{}
	err := s.walk(ctx, c, incident.Query{Filter: q.Filter}, func(in *incident.Incident) bool {
		q.EachKeys(in, groups.keys, func() {
			if full != nil {
				return
			}
			var at int
			if at, full = groups.group(); full != nil {
				return
			}
			cluster, ok := clusters[in.FID]
			if !ok {
				groups.groups[at].Add(in)
				return
			}
			if bests[cluster] == nil {
				bests[cluster] = &incident.BestOfCluster{}
			}
			bests[cluster].Offer(at, in)
		})
		return full == nil
	})
	for _, b := range bests {
		b.Count(groups.groups)
	}
	return cmp.Or(full, err)
}

// addClusters counts the incidents of clusters, cluster by cluster. columns are
// those of the keys, and position says which column each key stands in.
func addClusters(ctx context.Context, c *conn, ask *question, groups *grouper, columns []string, position []int) error {
	parts := ask.parts(ask.also(""))
	for i := range parts {
		parts[i].from += " CROSS JOIN clusters AS k ON k.fid = i.fid"
	}
	n := len(columns)
	sql, args := union(strings.ReplaceAll(strings.Join(columns, ", "), "i.start_date", "+i.start_date")+
		", i.fatalities_low, i.fatalities_best, i.fatalities_high, i.location_precision, i.id, k.cluster", parts)
	var bests incident.BestOfCluster
	last := int64(0)
	err := c.each(ctx, sql+" ORDER BY "+strconv.Itoa(n+6), bind(args...), func(v []driver.Value) error {
		if cluster, _ := v[n+5].(int64); cluster != last {
			bests.Count(groups.groups)
			last = cluster
		}
		if err := groups.read(v, position); err != nil {
			return err
		}
		at, err := groups.group()
		if err != nil {
			return err
		}
		in := incident.Incident{Low: stored(v[n]), Best: stored(v[n+1]), High: stored(v[n+2])}
		precision, _ := v[n+3].(string)
		in.LocationPrecision = incident.LocationPrecision(precision)
		in.ID, _ = v[n+4].(string)
		bests.Offer(at, &in)
		return nil
	})
	if err != nil {
		return err
	}
	bests.Count(groups.groups)
	return nil
}

// grouper adds rows up to groups.
type grouper struct {
	by        []incident.Key
	underFunc func(string) string // nil for the units as they are
	under     map[string]*string  // what it gave
	keys      []*string           // of the row at hand
	id        []byte
	index     map[string]int
	groups    []incident.Group
	// The period of the last day met: days come in order.
	lastDay string
	periods [4]*string
}

// group finds the group of the keys at hand. It fails beyond MaxGroups, which
// ends the question: SQLite gives its groups one by one and holds no more. A
// LIMIT would not do, since it counts days where weeks are asked for.
func (g *grouper) group() (int, error) {
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
			return 0, incident.Errorf(incident.CodeTooLarge, "There are more than %d groups; ask for fewer keys, longer periods or a narrower filter.", incident.MaxGroups)
		}
		g.index[string(g.id)] = i
		g.groups = append(g.groups, incident.Group{Keys: slices.Clone(g.keys)})
	}
	return i, nil
}

// read takes the keys of a row; position says which column each stands in.
func (g *grouper) read(v []driver.Value, position []int) error {
	for k, key := range g.by {
		switch x := v[position[k]].(type) {
		case nil:
			g.keys[k] = nil
		case int64:
			t := strconv.FormatInt(x, 10)
			g.keys[k] = &t
		case string:
			switch {
			case key.IsTime():
				g.keys[k] = g.period(key, x)
			case key == incident.KeyUnit && g.underFunc != nil:
				g.keys[k] = g.underOf(x)
			default:
				g.keys[k] = &x
			}
		default:
			return fmt.Errorf("read a group: a key is a %T", x)
		}
	}
	return nil
}

// underOf gives the unit that a unit is counted under.
func (g *grouper) underOf(unit string) *string {
	if g.under == nil {
		g.under = map[string]*string{}
	}
	u, ok := g.under[unit]
	if !ok {
		name := g.underFunc(unit)
		u = &name
		g.under[unit] = u
	}
	return u
}

// add adds a row of n key columns and the sums.
func (g *grouper) add(v []driver.Value, n int, position []int) error {
	if err := g.read(v, position); err != nil {
		return err
	}
	at, err := g.group()
	if err != nil {
		return err
	}
	to := &g.groups[at]
	count, _ := v[n].(int64)
	to.Count += int(count)
	for i, unknown := range [...]*int{&to.UnknownFatalities, &to.UnknownLow, &to.UnknownHigh} {
		known, _ := v[n+4+i].(int64)
		*unknown += int(count - known)
	}
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
	slices.SortFunc(g.groups, func(a, b incident.Group) int { return incident.CompareKeys(a.Keys, b.Keys) })
	return g.groups
}
