package incident

import (
	"cmp"
	"slices"

	"github.com/paulmach/orb"
)

// DatasetPlace is what a dataset has in one unit, or without one in one country.
// Stores keep these, so that nothing has to be counted to describe a dataset.
type DatasetPlace struct {
	// Country and Unit are as in [Incident]; "" for none.
	Country, Unit string
	// Count is the number of incidents; the other fields mean nothing while it is 0.
	Count int
	// First and Last are the first start and the last end.
	First, Last Day
	// Bound is the extent of the label points in lon, lat, CRS84; meaningful if HasBound.
	Bound    orb.Bound
	HasBound bool
}

// Merge adds what another place has; Country and Unit stay.
func (p *DatasetPlace) Merge(q DatasetPlace) {
	if p.Count == 0 {
		p.First, p.Last, p.Bound, p.HasBound = q.First, q.Last, q.Bound, q.HasBound
	}
	p.Count += q.Count
	p.First, p.Last = min(p.First, q.First), max(p.Last, q.Last)
	if q.HasBound {
		if !p.HasBound {
			p.Bound, p.HasBound = q.Bound, true
		}
		p.Bound = p.Bound.Union(q.Bound)
	}
}

// coverageShare is the least share of a dataset's placed incidents that lets a
// country count as covered: GED's Pakistan file has a few incidents across the
// border, and their absence elsewhere in Afghanistan says nothing.
const coverageShare = 0.05

// Sum fills in all fields but Dataset from the places of the dataset. Without any they stay zero.
func (d *DatasetInfo) Sum(places []DatasetPlace) {
	if len(places) == 0 {
		return
	}
	var all DatasetPlace
	placed := 0
	countries := map[string]int{}
	units := map[string]*DatasetPlace{}
	for _, p := range places {
		all.Merge(p)
		if p.Unit == "" {
			continue
		}
		placed += p.Count
		countries[p.Country] += p.Count
		if units[p.Unit] == nil {
			units[p.Unit] = &DatasetPlace{}
		}
		units[p.Unit].Merge(p)
	}
	d.Count, d.First, d.Last, d.Bound, d.HasBound = all.Count, all.First, all.Last, all.Bound, all.HasBound
	if d.Sample {
		for unit, p := range units {
			d.Coverage = append(d.Coverage, Coverage{Unit: unit, From: p.First, To: p.Last})
		}
		slices.SortFunc(d.Coverage, func(a, b Coverage) int { return cmp.Compare(a.Unit, b.Unit) })
		return
	}
	for country, n := range countries {
		if country != "" && float64(n) >= coverageShare*float64(placed) {
			d.Coverage = append(d.Coverage, Coverage{Country: country, From: all.First, To: all.Last})
		}
	}
	slices.SortFunc(d.Coverage, func(a, b Coverage) int { return cmp.Compare(a.Country, b.Country) })
}
