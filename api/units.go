package api

import (
	"cmp"
	"slices"

	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

const unitsID = "units"

// unitCollection has the units of today and, where there is a geocoder, the former ones, which datetime asks for. As for
// [geo.Geocoder.Then], a unit of today stands for itself on every day on which no former one is known to have held it. A
// former province above the units has an id, but is in no list.
func unitCollection(units []geo.Unit, geocoder func() *geo.Geocoder) *collection {
	col := &collection{id: unitsID, title: "Administrative units", timeless: true,
		description: "The districts, provinces and territories in which incidents are placed and counted. " +
			"Those of today; with datetime those of that time, as far as former ones are known."}
	var formers []geo.Former
	if geocoder != nil {
		formers = geocoder().Formers()
	}
	byID := map[string]*geo.Unit{}
	since := map[string]int32{}   // the day since which a unit of today is what it is
	gone := map[string][]window{} // when it was part of a former one
	for i := range units {
		byID[units[i].ID] = &units[i]
	}
	for i := range formers {
		f := &formers[i]
		if f.Part || !f.WasUnit() || f.Dates.Until == geo.NoDay || f.Dates == (geo.Span{}) {
			continue
		}
		w := window{incident.MinDay, incident.Day(f.Dates.Until) - 1}
		if f.Dates.From != geo.NoDay {
			w.from = incident.Day(f.Dates.From)
		}
		for _, id := range f.Units {
			gone[id] = append(gone[id], w)
			if was, ok := since[id]; !ok || was < f.Dates.Until {
				since[id] = f.Dates.Until
			}
		}
	}
	for i := range units {
		u := &units[i]
		v := unitView{id: u.ID, name: u.Name, kind: u.Kind, province: u.Province, country: u.Country, nameUR: u.NameUR, namePS: u.NamePS, nameFA: u.NameFA,
			pcode: u.PCode, iso: u.ISO, area: u.AreaKM2, label: u.Label, labelled: true, geometry: u.Geometry, from: geo.NoDay, until: geo.NoDay}
		ft := feature{bound: u.Geometry.Bound(), hasBound: len(u.Geometry) > 0}
		if day, ok := since[u.ID]; ok {
			v.from = day
			ft.gone = gone[u.ID]
			slices.SortFunc(ft.gone, func(a, b window) int { return cmp.Compare(a.from, b.from) })
		}
		ft.body = v.encode()
		col.add(u.ID, ft)
	}
	for i := range formers {
		f := &formers[i]
		v := unitView{id: f.ID, name: f.Name, kind: f.Kind, province: f.Province, country: f.Country, from: f.Dates.From, until: f.Dates.Until,
			units: f.Units, part: f.Part, uncertain: f.Uncertain, source: f.Source, note: f.Note}
		v.nameUR, v.namePS, v.nameFA = nameOf(f.Names, "ur"), nameOf(f.Names, "ps"), nameOf(f.Names, "prs")
		if f.Dates == (geo.Span{}) { // all time, as far as is known
			v.from, v.until = geo.NoDay, geo.NoDay
		}
		ft := feature{past: true, aside: !f.WasUnit(), dated: true, from: incident.MinDay, to: incident.MaxDay}
		if v.from != geo.NoDay {
			ft.from = incident.Day(v.from)
		}
		if v.until != geo.NoDay {
			ft.to = incident.Day(v.until) - 1
		}
		for _, id := range f.Units {
			u := byID[id]
			if u == nil {
				continue
			}
			if !v.labelled {
				v.label, v.labelled = u.Label, true
			}
			if !f.Part { // what part of today's unit it was, nobody drew
				v.geometry = append(v.geometry, u.Geometry...)
			}
		}
		if len(v.geometry) > 0 {
			ft.bound, ft.hasBound = v.geometry.Bound(), true
		}
		ft.body = v.encode()
		if _, taken := col.index[f.ID]; !taken {
			col.add(f.ID, ft)
		}
	}
	return col
}

// placeFeature is an encoded feature of a fixed collection without its last brace, with what is known of it in lists. Subunits are asked for one by one and
// are not kept encoded.
func (s *server) placeFeature(col *collection, id string) ([]byte, *feature, bool) {
	if i, ok := col.index[id]; ok {
		return col.features[i].body, &col.features[i], true
	}
	if col.id != unitsID || s.Geocoder == nil {
		return nil, nil, false
	}
	g := s.Geocoder()
	sub := subunitByID(g, id)
	if sub == nil {
		return nil, nil, false
	}
	v := unitView{id: sub.ID, name: sub.Name, kind: sub.Kind, label: sub.Label, labelled: true, geometry: sub.Geometry,
		from: geo.NoDay, until: geo.NoDay, units: []string{sub.Unit}, part: true}
	v.nameUR, v.namePS, v.nameFA = nameOf(sub.Names, "ur"), nameOf(sub.Names, "ps"), nameOf(sub.Names, "prs")
	if i, ok := g.Index().ByID(sub.Unit); ok {
		u := &g.Index().Units()[i]
		v.province, v.country = u.Province, u.Country
	}
	return v.encode(), nil, true
}

// nameOf is the first name in a language, "" if there is none.
func nameOf(names []geo.Name, lang string) string {
	for _, n := range names {
		if n.Lang == lang {
			return n.Text
		}
	}
	return ""
}

// unitView is a unit, former unit or subunit as the collection shows it.
type unitView struct {
	id, name, kind, province, country string
	nameUR, namePS, nameFA            string
	pcode, iso                        string
	area                              float64 // 0 if not known
	label                             orb.Point
	labelled                          bool
	geometry                          orb.MultiPolygon
	from, until                       int32 // geo.NoDay if not known or open; until is the first day after
	units                             []string
	part, uncertain                   bool
	source, note                      string
}

func (v *unitView) encode() []byte {
	b := append([]byte(nil), `{"type":"Feature","id":`...)
	b = appendText(b, v.id)
	b = append(b, `,"geometry":`...)
	if len(v.geometry) > 0 {
		b = appendMulti(b, appendPolygons(nil, v.geometry))
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"properties":{"id":`...)
	b = appendText(b, v.id)
	for _, t := range [][2]string{{"name", v.name}, {"name_ur", v.nameUR}, {"name_ps", v.namePS}, {"name_fa", v.nameFA}, {"kind", v.kind},
		{"province", v.province}, {"country", v.country}, {"pcode", v.pcode}, {"iso", v.iso}} {
		b = appendMember(b, t[0], t[1])
	}
	b = append(b, `,"area_km2":`...)
	b = appendFloatIf(b, v.area, v.area > 0)
	b = append(b, `,"label_lon":`...)
	b = appendFloatIf(b, v.label[0], v.labelled)
	b = append(b, `,"label_lat":`...)
	b = appendFloatIf(b, v.label[1], v.labelled)
	b = append(b, `,"valid_from":`...)
	b = appendDayIf(b, incident.Day(v.from), v.from != geo.NoDay)
	b = append(b, `,"valid_until":`...)
	b = appendDayIf(b, incident.Day(v.until)-1, v.until != geo.NoDay)
	b = append(b, `,"uncertain":`...)
	b = appendBool(b, v.uncertain)
	b = append(b, `,"units":`...)
	b = appendTexts(b, v.units)
	b = append(b, `,"part":`...)
	b = appendBool(b, v.part)
	b = appendMember(b, "source", v.source)
	b = appendMember(b, "note", v.note)
	return append(b, '}')
}

func appendFloatIf(b []byte, f float64, known bool) []byte {
	if !known {
		return append(b, "null"...)
	}
	return appendFloat(b, f)
}

func appendDayIf(b []byte, d incident.Day, known bool) []byte {
	if !known {
		return append(b, "null"...)
	}
	return appendDay(b, d)
}
