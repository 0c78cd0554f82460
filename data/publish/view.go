package publish

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/paulmach/orb"
	orbgeo "github.com/paulmach/orb/geo"

	"sarhad/incident"
)

// kilometres is the distance of two points.
func kilometres(a, b orb.Point) float64 { return orbgeo.DistanceHaversine(a, b) / 1000 }

// View shows another reader with the places of some datasets blurred. Its
// answers are right and, where something is blurred, slow: an index over it is fast.
type View struct {
	base     incident.Reader
	least    incident.Publication
	blurrer  *blurrer
	mu       sync.Mutex
	change   int64
	known    bool
	datasets []incident.DatasetInfo
	ids      *publicIDs // nil until they are needed
}

// Blurred makes a view of a reader. Incidents are blurred only of an
// [incident.SecretKeeper], whose secret makes their ids; of another, questions
// about them fail with CodeUnavailable. What the datasets say of themselves holds,
// and of every one at least what least says. Where base is an
// [incident.Waiter], so is the view.
func Blurred(base incident.Reader, least incident.Publication, places Places) incident.Reader {
	v := &View{base: base, least: least, blurrer: newBlurrer(places)}
	if w, ok := base.(incident.Waiter); ok {
		return &waitingView{v, w}
	}
	return v
}

// waitingView is a view of a reader that is told of changes.
type waitingView struct {
	*View
	waiter incident.Waiter
}

// Wait implements [incident.Waiter].
func (v *waitingView) Wait(ctx context.Context, after int64) (int64, error) {
	return v.waiter.Wait(ctx, after)
}

var (
	_ incident.Journal   = (*View)(nil)
	_ incident.Clusterer = (*View)(nil)
)

// Datasets implements [incident.Reader]. Each has the rules that hold for it.
// The extent of a blurred one is not known here; see [Public].
func (v *View) Datasets(ctx context.Context) ([]incident.DatasetInfo, error) {
	change, err := v.base.Change(ctx)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	list, hit := v.datasets, v.known && v.change == change
	v.mu.Unlock()
	if hit {
		return slices.Clone(list), nil
	}
	list, err = v.base.Datasets(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		d := &list[i]
		d.Publication = d.Stricter(v.least)
		if d.Blur != "" {
			d.Bound, d.HasBound = orb.Bound{}, false
		}
	}
	if after, err := v.base.Change(ctx); err == nil && after == change {
		v.mu.Lock()
		v.datasets, v.change, v.known = slices.Clone(list), change, true
		v.mu.Unlock()
	}
	return list, nil
}

// Kind tells views apart that show other places or ids of the same store: an index that was saved of one is none of another.
func (v *View) Kind(ctx context.Context) (string, error) {
	ids, err := v.publicIDs(ctx)
	if err != nil {
		return "", err
	}
	return v.blurrer.kind + " " + ids.kind(), nil
}

// publicIDs gives what makes the ids of blurred incidents.
func (v *View) publicIDs(ctx context.Context) (*publicIDs, error) {
	v.mu.Lock()
	ids := v.ids
	v.mu.Unlock()
	if ids != nil {
		return ids, nil
	}
	keeper, ok := v.base.(incident.SecretKeeper)
	if !ok {
		return nil, incident.Errorf(incident.CodeUnavailable, "The store has no secret, and without one nothing of it can be blurred.")
	}
	secret, err := keeper.Secret(ctx)
	if err != nil {
		return nil, err
	}
	if ids, err = newPublicIDs(secret); err != nil {
		return nil, err
	}
	v.mu.Lock()
	v.ids = ids
	v.mu.Unlock()
	return ids, nil
}

// rules are how the datasets are blurred.
type rules struct {
	by    map[string]incident.Blur // of all that are known
	names []string                 // of those that are blurred
	ids   *publicIDs               // nil if none is
}

func (v *View) rules(ctx context.Context) (rules, error) {
	list, err := v.Datasets(ctx)
	if err != nil {
		return rules{}, fmt.Errorf("read what is blurred: %w", err)
	}
	r := rules{by: make(map[string]incident.Blur, len(list))}
	for i := range list {
		r.by[list[i].Name] = list[i].Blur
		if list[i].Blur != "" {
			r.names = append(r.names, list[i].Name)
		}
	}
	if len(r.names) > 0 {
		r.ids, err = v.publicIDs(ctx)
	}
	return r, err
}

// truth is the name under which the base knows what a question names: a row
// number or a true id as it is, and the true id for a public one.
func (r *rules) truth(id string) (name string, public bool) {
	if r.ids != nil {
		if name, ok := r.ids.truth(id); ok {
			return name, true
		}
	}
	return id, false
}

// mayName reports whether an id may name an incident of a dataset: a blurred one
// is known by its public id and its row number, another by its true id and its row number.
func (r *rules) mayName(id string, public bool, dataset string) bool {
	if blurred := r.by[dataset] != ""; public || !blurred {
		return public == blurred
	}
	_, err := strconv.ParseInt(id, 10, 64)
	return err == nil
}

func both(f, g incident.Filter) incident.Filter {
	if f == nil {
		return g
	}
	return incident.And{f, g}
}

// in and out choose the datasets that are blurred, and the others.
func (r *rules) in() incident.Filter { return incident.In{Property: "dataset", Values: r.names} }
func (r *rules) out(f incident.Filter) incident.Filter {
	return both(f, incident.Not{Of: r.in()})
}

// wider is what the base is asked for a filter: all that is blurred, on the
// days that the filter is about, which no blur changes, and of the rest what it is true for.
func (r *rules) wider(f incident.Filter) incident.Filter {
	if f == nil {
		return nil
	}
	all := incident.And{incident.Or{r.in(), r.out(f)}}
	return append(all, days(f)...)
}

func days(f incident.Filter) (list []incident.Filter) {
	switch f := f.(type) {
	case incident.During:
		return []incident.Filter{f}
	case incident.And:
		for _, part := range f {
			list = append(list, days(part)...)
		}
	}
	return list
}

// Incidents implements [incident.Reader].
func (v *View) Incidents(ctx context.Context, q incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		r, err := v.rules(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		ask := q
		ask.Borrow = nil // what is lent is of the true incident
		if len(r.names) > 0 {
			ask.Filter, ask.Fields, ask.Limit = r.wider(q.Filter), nil, 0
		}
		left := q.Limit
		for in, err := range v.base.Incidents(ctx, ask) {
			if err != nil {
				yield(nil, err)
				return
			}
			by, known := r.by[in.Dataset]
			if !known { // it came since the rules were read
				if r, err = v.rules(ctx); err != nil {
					yield(nil, err)
					return
				}
				by = r.by[in.Dataset]
			}
			if by != "" {
				shown := *in
				v.blurrer.blur(&shown, by, r.ids)
				if in = &shown; !incident.Matches(q.Filter, in) {
					continue
				}
			}
			if !yield(in, nil) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// blurredOnly gives those that are blurred and match.
func (v *View) blurredOnly(ctx context.Context, r *rules, f incident.Filter, do func(*incident.Incident) error) error {
	for in, err := range v.base.Incidents(ctx, incident.Query{Filter: append(incident.And{r.in()}, days(f)...)}) {
		if err != nil {
			return err
		}
		shown := *in
		v.blurrer.blur(&shown, r.by[in.Dataset], r.ids)
		if incident.Matches(f, &shown) {
			if err := do(&shown); err != nil {
				return err
			}
		}
	}
	return nil
}

// Incident implements [incident.Reader].
func (v *View) Incident(ctx context.Context, id string) (*incident.Incident, error) {
	r, err := v.rules(ctx)
	if err != nil {
		return nil, err
	}
	name, public := r.truth(id)
	in, err := v.base.Incident(ctx, name)
	if err != nil {
		return nil, hidden(err, id)
	}
	if r, err = v.rules(ctx); err != nil { // of now, so that its dataset is among them
		return nil, err
	}
	if !r.mayName(id, public, in.Dataset) {
		return nil, notThere(id)
	}
	if by := r.by[in.Dataset]; by != "" {
		shown := *in
		v.blurrer.blur(&shown, by, r.ids)
		return &shown, nil
	}
	return in, nil
}

// Count implements [incident.Reader].
func (v *View) Count(ctx context.Context, f incident.Filter) (int, error) {
	r, err := v.rules(ctx)
	if err != nil {
		return 0, err
	}
	if len(r.names) == 0 {
		return v.base.Count(ctx, f)
	}
	n, err := v.base.Count(ctx, r.out(f))
	if err == nil {
		err = v.blurredOnly(ctx, &r, f, func(*incident.Incident) error { n++; return nil })
	}
	return n, err
}

// Aggregate implements [incident.Reader]. What is blurred is in no cluster of likely duplicates.
func (v *View) Aggregate(ctx context.Context, q incident.AggregateQuery) ([]incident.Group, error) {
	r, err := v.rules(ctx)
	if err != nil {
		return nil, err
	}
	if len(r.names) == 0 {
		return v.base.Aggregate(ctx, q)
	}
	rest := q
	rest.Filter = r.out(q.Filter)
	groups, err := v.base.Aggregate(ctx, rest)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(groups))
	for i := range groups {
		at[name(groups[i].Keys)] = i
	}
	keys := make([]*string, len(q.By))
	if err := v.blurredOnly(ctx, &r, q.Filter, func(in *incident.Incident) error {
		q.EachKeys(in, keys, func() {
			i, there := at[name(keys)]
			if !there {
				i = len(groups)
				at[name(keys)] = i
				groups = append(groups, incident.Group{Keys: clonedKeys(keys)})
			}
			groups[i].Add(in)
		})
		if len(groups) > incident.MaxGroups {
			return incident.Errorf(incident.CodeTooLarge, "There are more than %d groups; ask for fewer keys or narrow the filter.", incident.MaxGroups)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(groups, func(a, b incident.Group) int { return incident.CompareKeys(a.Keys, b.Keys) })
	return groups, nil
}

func name(keys []*string) string {
	var b strings.Builder
	for _, k := range keys {
		if k == nil {
			b.WriteString("null ")
		} else {
			fmt.Fprintf(&b, "%q ", *k)
		}
	}
	return b.String()
}

// clonedKeys are keys whose texts are not those of an incident that goes.
func clonedKeys(keys []*string) []*string {
	out := make([]*string, len(keys))
	for i, k := range keys {
		if k != nil {
			s := strings.Clone(*k)
			out[i] = &s
		}
	}
	return out
}

// Change implements [incident.Reader].
func (v *View) Change(ctx context.Context) (int64, error) { return v.base.Change(ctx) }

// Imports implements [incident.Reader].
func (v *View) Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error) {
	list, err := v.base.Imports(ctx, dataset)
	if err != nil {
		return nil, err
	}
	r, err := v.rules(ctx)
	for i := range list {
		r.clean(&list[i])
	}
	return list, err
}

// clean takes away what tells of rows of a blurred dataset: a report quotes them, a file may be named after their place, and its hash tells who guesses it that he is right.
func (r *rules) clean(imp *incident.ImportInfo) {
	if by, known := r.by[imp.Dataset]; by != "" || !known {
		imp.Report, imp.Who, imp.File, imp.Hash, imp.Mapping = "", "", "", "", ""
	}
}

// Import implements [incident.Reader].
func (v *View) Import(ctx context.Context, id int64) (incident.ImportInfo, error) {
	imp, err := v.base.Import(ctx, id)
	if err != nil {
		return imp, err
	}
	r, err := v.rules(ctx)
	r.clean(&imp)
	return imp, err
}

// hidden says that there is no incident without the name that the base has for it.
func hidden(err error, id string) error {
	if incident.CodeOf(err) == incident.CodeNotFound {
		return notThere(id)
	}
	return err
}

// Versions implements [incident.Reader].
func (v *View) Versions(ctx context.Context, id string) ([]incident.Version, error) {
	r, err := v.rules(ctx)
	if err != nil {
		return nil, err
	}
	name, public := r.truth(id)
	list, err := v.base.Versions(ctx, name)
	if err != nil {
		return nil, hidden(err, id)
	}
	if r, err = v.rules(ctx); err != nil {
		return nil, err
	}
	if len(list) > 0 && !r.mayName(id, public, list[0].Import.Dataset) {
		return nil, notThere(id)
	}
	for i := range list {
		r.clean(&list[i].Import)
		if in := list[i].Incident; in != nil && r.by[in.Dataset] != "" {
			shown := *in
			v.blurrer.blur(&shown, r.by[in.Dataset], r.ids)
			list[i].Incident = &shown
		}
	}
	return list, nil
}

// Links implements [incident.Reader]. A blurred incident has none: what is likely the same event elsewhere would tell its place.
func (v *View) Links(ctx context.Context, id string) ([]incident.Link, error) {
	in, err := v.Incident(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := v.rules(ctx)
	if err != nil || r.by[in.Dataset] != "" {
		return nil, err
	}
	list, err := v.base.Links(ctx, id)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(l incident.Link) bool { return r.by[l.Dataset] != "" }), nil
}

// Touched implements [incident.Journal]; it knows nothing if the base does not.
func (v *View) Touched(ctx context.Context, since int64) ([]incident.FIDRange, bool, error) {
	if j, ok := v.base.(incident.Journal); ok {
		return j.Touched(ctx, since)
	}
	return nil, false, nil
}

// Commits implements [incident.Journal].
func (v *View) Commits() int64 {
	if j, ok := v.base.(incident.Journal); ok {
		return j.Commits()
	}
	return 0
}

// Clusters implements [incident.Clusterer]. What is blurred is in none. The
// change number is one that never was if the base has no clusters.
func (v *View) Clusters(ctx context.Context) (int64, []incident.Member, error) {
	c, ok := v.base.(incident.Clusterer)
	if !ok {
		return -1, nil, nil
	}
	change, members, err := c.Clusters(ctx)
	if err != nil || len(members) == 0 {
		return change, members, err
	}
	r, err := v.rules(ctx)
	if err != nil || len(r.names) == 0 {
		return change, members, err
	}
	blurred := map[int64]bool{}
	if err := incident.Rows(ctx, v.base, r.in(), func(row *incident.Row) bool {
		blurred[row.FID] = true
		return true
	}); err != nil {
		return 0, nil, err
	}
	return change, slices.DeleteFunc(members, func(m incident.Member) bool { return blurred[m.FID] }), nil
}
