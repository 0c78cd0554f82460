package bundle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

// Where names and places of the bundle are from, as geo.Name and geo.Place say it.
const (
	sourceGeoNames      = "GeoNames"
	sourceGeoBoundaries = "geoBoundaries"
	sourceSarhad        = "Sarhad"
)

// languages are those that a name may be in; "" stands for not known.
var languages = []string{"", "en", "ur", "ps", "prs"}

// Subunits returns the tehsils of Khyber Pakhtunkhwa and Balochistan and the
// districts of Afghanistan, in the order of Units and then by ID. Geometry is in
// lon, lat, CRS84, within about 250 m of its source; together the subunits are a
// coverage, which follows the edges of the units as closely as that. The error is
// non-nil only if the embedded files are broken.
func Subunits() ([]geo.Subunit, error) { return subunits() }

// Places returns the settlements of GeoNames, and then the settlements,
// localities, areas and passes compiled for this project, most of which have no
// point. A settlement of both lists is there once, with the names of both. Show
// PlacesAttribution with the former.
func Places() ([]geo.Place, error) { return places() }

// Formers returns the units that are no more, or that were larger.
func Formers() ([]geo.Former, error) { return formers() }

// Sources returns all that a geocoder is made of, with the index of the units and
// the border line made ready. The caller may replace parts of its copy.
func Sources() (geo.Sources, error) { return sources() }

func makeSources() (geo.Sources, error) {
	var s geo.Sources
	var errs [7]error
	// The index takes as long as all the rest.
	var wait sync.WaitGroup
	wait.Go(func() {
		var us []geo.Unit
		if us, errs[0] = Units(); errs[0] == nil {
			s.Index, errs[0] = geo.NewIndex(us)
		}
	})
	var line orb.LineString
	if line, errs[1] = Border(); errs[1] == nil {
		s.Border, errs[1] = geo.NewBorder(line)
	}
	s.Subunits, errs[2] = Subunits()
	s.Places, errs[3] = Places()
	s.Crossings, errs[4] = Crossings()
	s.Ambiguities, errs[5] = Ambiguities()
	s.Formers, errs[6] = Formers()
	wait.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return geo.Sources{}, err
	}
	return s, nil
}

func parseSubunits() ([]geo.Subunit, error) {
	var out []geo.Subunit
	at := map[string]int{}
	err := features("subunits.geojson", func(f feature) error {
		p := f.Properties
		s := geo.Subunit{ID: f.ID, Name: p.Name, Kind: p.Kind, Unit: p.Unit, Label: p.Label}
		for _, n := range p.Names {
			s.Names = append(s.Names, geo.Name{Text: n, Lang: "en", Source: sourceGeoBoundaries})
		}
		var err error
		s.Geometry, err = f.multiPolygon()
		at[s.ID] = len(out)
		out = append(out, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	_, err = rows("subunit-names.csv", func(r row) struct{} {
		i, ok := at[r.get("subunit")]
		if !ok {
			r.fail(fmt.Errorf("no subunit %q", r.get("subunit")))
			return struct{}{}
		}
		out[i].Names = append(out[i].Names, r.names("names", sourceSarhad)...)
		return struct{}{}
	})
	return out, err
}

func parsePlaces() ([]geo.Place, error) {
	settlements, err := rows("places.csv", func(r row) geo.Place {
		p := r.place(sourceGeoNames)
		p.Units = r.list("unit", "|")
		p.Population = int(r.number("population"))
		return p
	})
	if err != nil {
		return nil, err
	}
	others, err := rows("localities.csv", func(r row) geo.Place {
		p := r.place(sourceSarhad)
		p.Units = r.list("units", "|")
		return p
	})
	if err != nil {
		return nil, err
	}
	return joined(settlements, others), nil
}

// joined is both lists without the settlements of the second that the first has
// too: of one name in one unit, with a point there and none here. Those give it
// their names, so that a town is one candidate and keeps its point.
func joined(known, others []geo.Place) []geo.Place {
	type key struct{ unit, name string }
	at := map[key]int{}
	add := func(i int, name string) {
		k := key{known[i].Units[0], geo.Fold(name)}
		if j, ok := at[k]; ok && j != i {
			i = -1 // two towns of one name
		}
		at[k] = i
	}
	for i := range known {
		if len(known[i].Units) != 1 {
			continue
		}
		add(i, known[i].Name)
		for _, n := range known[i].Names {
			add(i, n.Text)
		}
	}
	out := slices.Clip(known)
	for _, p := range others {
		i := -1
		if p.Kind == "settlement" && !p.HasPoint && len(p.Units) == 1 {
			if j, ok := at[key{p.Units[0], geo.Fold(p.Name)}]; ok {
				i = j
			}
		}
		if i < 0 {
			out = append(out, p)
			continue
		}
		for _, n := range append([]geo.Name{{Text: p.Name, Lang: "en", Source: p.Source}}, p.Names...) {
			if n.Text != out[i].Name && !slices.ContainsFunc(out[i].Names, func(o geo.Name) bool { return o.Text == n.Text && o.Lang == n.Lang }) {
				out[i].Names = append(out[i].Names, n)
			}
		}
	}
	return out
}

// place reads the columns that both files of places have.
func (r row) place(source string) geo.Place {
	p := geo.Place{
		ID:         r.get("id"),
		Name:       r.get("name"),
		Kind:       r.get("kind"),
		Subunit:    r.get("subunit"),
		AccuracyKM: r.number("accuracy_km"),
		Names:      r.names("names", source),
		Source:     source,
	}
	switch lon, lat := r.get("lon"), r.get("lat"); {
	case lon != "" && lat != "":
		p.Point, p.HasPoint = orb.Point{r.number("lon"), r.number("lat")}, true
	case lon != "" || lat != "":
		r.fail(errors.New("one of lon and lat is missing"))
	}
	if p.ID == "" || p.Name == "" {
		r.fail(errors.New("no id or no name"))
	}
	if !slices.Contains([]string{"settlement", "locality", "area", "pass"}, p.Kind) {
		r.fail(fmt.Errorf("column kind: %q is no kind of place", p.Kind))
	}
	return p
}

func parseFormers() ([]geo.Former, error) {
	return rows("former.csv", func(r row) geo.Former {
		return geo.Former{
			ID:        r.get("id"),
			Name:      r.get("name"),
			Kind:      r.get("kind"),
			Country:   r.get("country"),
			Province:  r.get("province"),
			Dates:     geo.Span{From: r.day("from"), Until: r.day("until")},
			Uncertain: r.truth("uncertain"),
			Units:     r.list("units", "|"),
			Part:      r.truth("part"),
			Now:       r.get("now"),
			Names:     r.names("names", sourceSarhad),
			Source:    r.get("source"),
			Note:      r.get("note"),
		}
	})
}

// names reads a list lang:text|lang:text, in which an empty lang is one that is
// not known.
func (r row) names(column, source string) []geo.Name {
	var out []geo.Name
	for _, s := range r.list(column, "|") {
		lang, text, ok := strings.Cut(s, ":")
		text = strings.TrimSpace(text)
		if !ok || text == "" || !slices.Contains(languages, lang) {
			r.fail(fmt.Errorf("column %s: %q is not a language and a name", column, s))
			continue
		}
		out = append(out, geo.Name{Text: text, Lang: lang, Source: source})
	}
	return out
}

// localNames reads lists of names from columns that are called name_ and the language.
func (r row) localNames(columns ...string) []geo.Name {
	var out []geo.Name
	for _, column := range columns {
		for _, text := range r.list(column, "|") {
			out = append(out, geo.Name{Text: text, Lang: strings.TrimPrefix(column, "name_"), Source: sourceSarhad})
		}
	}
	return out
}

// day reads a day as days since 1970-01-01; an empty field is geo.NoDay.
func (r row) day(column string) int32 {
	s := r.get(column)
	if s == "" {
		return geo.NoDay
	}
	d, err := incident.ParseDay(s)
	if err != nil {
		r.fail(fmt.Errorf("column %s: %w", column, err))
	}
	return int32(d)
}

func (r row) truth(column string) bool {
	switch s := r.get(column); s {
	case "true":
		return true
	case "false":
	default:
		r.fail(fmt.Errorf("column %s: %q is neither true nor false", column, s))
	}
	return false
}
