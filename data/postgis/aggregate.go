package postgis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sarhad/incident"
)

// keyColumns are the keys in SQL: texts, or days that are put together to weeks, months and years here.
var keyColumns = map[incident.Key]string{
	incident.KeyUnit: "i.unit_id", incident.KeyProvince: "i.province", incident.KeyCountry: "i.country", incident.KeyDataset: "i.dataset",
	incident.KeyEventType: "i.event_type", incident.KeySubEventType: "i.sub_event_type", incident.KeyTypeOfViolence: "i.type_of_violence::text",
	incident.KeyPrecision: "i.location_precision", incident.KeyVerification: "i.verification", incident.KeyActor: "a.actor",
	incident.KeyDay: "i.start_date", incident.KeyWeek: "i.start_date", incident.KeyMonth: "i.start_date", incident.KeyYear: "i.start_date",
}

// sides makes of each incident one row for each side, as incident.ActorsOf has it.
const sides = ` CROSS JOIN LATERAL unnest(CASE WHEN i.actor1 IS NULL THEN ARRAY[i.actor2] WHEN i.actor2 IS NULL OR i.actor2 = i.actor1 THEN ARRAY[i.actor1]
	ELSE ARRAY[i.actor1, i.actor2] END) AS a (actor)`

// Aggregate implements [incident.Reader]. The server groups by the keys, with
// days for all periods.
func (s *Store) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	if err := incident.CheckKeys(q.By); err != nil {
		return nil, err
	}
	groups := grouper{q: &q, index: map[string]int{}, keys: make([]*string, len(q.By)), under: map[string]*string{}}
	err := s.snapshot(ctx, func(tx pgx.Tx) error { return groups.ask(ctx, tx) })
	if err != nil {
		return nil, fmt.Errorf("count by %v: %w", q.By, domainError(ctx, err))
	}
	slices.SortFunc(groups.groups, func(a, b incident.Group) int { return incident.CompareKeys(a.Keys, b.Keys) })
	return groups.groups, nil
}

// ask asks for the groups and reads them.
func (g *grouper) ask(ctx context.Context, tx pgx.Tx) error {
	ask, err := ask(g.q.Filter)
	if err != nil || ask.never {
		return err
	}
	distinct := false
	if g.q.Distinct {
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM clusters)").Scan(&distinct); err != nil {
			return err
		}
	}
	if ask.rest != nil {
		return g.walk(ctx, tx, distinct)
	}
	n := len(g.q.By)
	columns := make([]string, n)
	places := make([]string, n)
	join := ""
	for k, key := range g.q.By {
		columns[k], places[k] = keyColumns[key], strconv.Itoa(k+1)
		if key == incident.KeyActor {
			join = sides
		}
	}
	keys, also := strings.Join(columns, ", "), ""
	if distinct {
		also = "NOT EXISTS (SELECT 1 FROM clusters AS k WHERE k.fid = i.fid)"
	}
	sql := "SELECT " + keys + ", count(*), sum(i.fatalities_low)::bigint, sum(i.fatalities_best)::bigint, sum(i.fatalities_high)::bigint, count(i.fatalities_best), count(i.fatalities_low), count(i.fatalities_high) FROM " +
		ask.sql(join, also) + " GROUP BY " + strings.Join(places, ", ")
	err = each(ctx, tx, sql, ask.args, func(v [][]byte) (bool, error) {
		at, err := g.read(v)
		if err != nil {
			return false, err
		}
		to := &g.groups[at]
		count, _ := integerOf(v[n])
		to.Count += int(count)
		for i, unknown := range [...]*int{&to.UnknownFatalities, &to.UnknownLow, &to.UnknownHigh} {
			known, _ := integerOf(v[n+4+i])
			*unknown += int(count - known)
		}
		to.Low.Add(figureOf(v[n+1]))
		to.Best.Add(figureOf(v[n+2]))
		to.High.Add(figureOf(v[n+3]))
		return true, nil
	})
	if err != nil || !distinct {
		return err
	}
	// Then the incidents of clusters, cluster by cluster.
	sql = "SELECT " + keys + ", i.fatalities_low, i.fatalities_best, i.fatalities_high, i.location_precision, i.id, k.cluster FROM " +
		ask.sql(join+" JOIN clusters AS k ON k.fid = i.fid", "") + " ORDER BY k.cluster"
	var bests incident.BestOfCluster
	last := int64(0)
	err = each(ctx, tx, sql, ask.args, func(v [][]byte) (bool, error) {
		if cluster, _ := integerOf(v[n+5]); cluster != last {
			bests.Count(g.groups)
			last = cluster
		}
		at, err := g.read(v)
		if err != nil {
			return false, err
		}
		bests.Offer(at, &incident.Incident{Low: figureOf(v[n]), Best: figureOf(v[n+1]), High: figureOf(v[n+2]),
			LocationPrecision: incident.LocationPrecision(v[n+3]), ID: show.Replace(string(v[n+4]))})
		return true, nil
	})
	bests.Count(g.groups)
	return err
}

// walk counts incidents one by one, where a part of the filter is not for SQL.
func (g *grouper) walk(ctx context.Context, tx pgx.Tx, distinct bool) error {
	clusters := map[int64]int64{}
	if distinct {
		members, err := readClusters(ctx, tx)
		if err != nil {
			return err
		}
		for _, m := range members {
			clusters[m.FID] = m.Cluster
		}
	}
	var full error
	bests := map[int64]*incident.BestOfCluster{}
	err := walk(ctx, tx, incident.Query{Filter: g.q.Filter}, func(in *incident.Incident) bool {
		g.q.EachKeys(in, g.keys, func() {
			if full != nil {
				return
			}
			var at int
			if at, full = g.group(); full != nil {
				return
			}
			cluster, ok := clusters[in.FID]
			if !ok {
				g.groups[at].Add(in)
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
		b.Count(g.groups)
	}
	return cmp.Or(full, err)
}

// grouper adds rows up to groups.
type grouper struct {
	q      *incident.AggregateQuery
	keys   []*string // of the row at hand
	id     strings.Builder
	index  map[string]int
	groups []incident.Group
	under  map[string]*string // what the query's Under gave
}

// read finds the group of a row that begins with the values of the keys.
func (g *grouper) read(v [][]byte) (int, error) {
	for k, key := range g.q.By {
		switch {
		case v[k] == nil:
			g.keys[k] = nil
		case key.IsTime():
			p := incident.PeriodOf(key, dayOf(v[k]))
			g.keys[k] = &p
		case key == incident.KeyUnit && g.q.Under != nil:
			u, ok := g.under[string(v[k])]
			if !ok {
				name := g.q.Under(show.Replace(string(v[k])))
				u = &name
				g.under[string(v[k])] = u
			}
			g.keys[k] = u
		default:
			text := show.Replace(string(v[k]))
			g.keys[k] = &text
		}
	}
	return g.group()
}

// group finds the group of the keys at hand. It fails beyond MaxGroups, which
// ends the question; the server cannot count them, as it knows days and not weeks.
func (g *grouper) group() (int, error) {
	g.id.Reset()
	for _, k := range g.keys {
		if k == nil {
			g.id.WriteByte('-')
			continue
		}
		g.id.WriteString(strconv.Itoa(len(*k)))
		g.id.WriteByte(' ')
		g.id.WriteString(*k)
	}
	i, ok := g.index[g.id.String()]
	if !ok {
		i = len(g.groups)
		if i >= incident.MaxGroups {
			return 0, incident.Errorf(incident.CodeTooLarge, "There are more than %d groups; ask for fewer keys, longer periods or a narrower filter.", incident.MaxGroups)
		}
		g.index[g.id.String()] = i
		g.groups = append(g.groups, incident.Group{Keys: slices.Clone(g.keys)})
	}
	return i, nil
}
