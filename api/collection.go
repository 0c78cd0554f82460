package api

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

// incidentsID is the collection that the store answers; the others are fixed at the start.
const incidentsID = "incidents"

// collection is a collection of features.
type collection struct {
	id, title, description string
	// The rest describes the fixed collections.
	features []feature
	index    map[string]int // id of a feature → its place in features
	bound    orb.Bound
	hasBound bool
	from, to incident.Day
	dated    bool
	timeless bool // whether temporal extents make no sense
}

// feature is a feature encoded at the start, without its last brace.
type feature struct {
	id       string
	body     []byte
	bound    orb.Bound
	hasBound bool
	from, to incident.Day
	dated    bool
	gone     []window // when another feature stood for it, in order of their starts
	past     bool     // not of today: listed only where datetime asks for it
	aside    bool     // in no list, found only by its id
}

func (col *collection) add(id string, f feature) {
	if col.index == nil {
		col.index = map[string]int{}
	}
	col.index[id] = len(col.features)
	f.id = id
	col.features = append(col.features, f)
	if f.past || f.aside {
		return
	}
	if f.hasBound {
		if col.hasBound {
			col.bound = col.bound.Union(f.bound)
		} else {
			col.bound, col.hasBound = f.bound, true
		}
	}
	if f.dated {
		if !col.dated {
			col.from, col.to, col.dated = f.from, f.to, true
		}
		col.from, col.to = min(col.from, f.from), max(col.to, f.to)
	}
}

func incidentCollection() *collection {
	return &collection{id: incidentsID, title: "Incidents",
		description: "Reported incidents. The geometry is the label point of a report; place_kind says what is really known of where it was."}
}

// appendMember appends a property, null for an empty text.
func appendMember(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendTextOrNull(b, value)
}

func borderCollection(lines []BorderLine) *collection {
	col := &collection{id: "border", title: "Border line", timeless: true,
		description: "The Afghanistan–Pakistan border (Durand Line) at two levels of detail."}
	for i := range lines {
		l := &lines[i]
		b := append([]byte(nil), `{"type":"Feature","id":`...)
		b = appendText(b, l.Detail)
		b = append(b, `,"geometry":`...)
		if len(l.Line) > 0 {
			b = append(b, `{"type":"LineString","coordinates":`...)
			b = append(appendPositions(b, l.Line), '}')
		} else {
			b = append(b, "null"...)
		}
		b = append(b, `,"properties":{"detail":`...)
		b = appendText(b, l.Detail)
		b = appendMember(b, "name", l.Name)
		b = appendMember(b, "source", l.Source)
		b = append(b, '}')
		col.add(l.Detail, feature{body: b, bound: l.Line.Bound(), hasBound: len(l.Line) > 0})
	}
	return col
}

func crossingCollection(crossings []geo.Crossing) *collection {
	col := &collection{id: "crossings", title: "Border crossings", timeless: true,
		description: "Border crossings and passes, with an estimate of how far off each position may be."}
	for i := range crossings {
		x := &crossings[i]
		id := slug(x.Name)
		for n := 2; ; n++ {
			if _, taken := col.index[id]; !taken {
				break
			}
			id = slug(x.Name) + "-" + strconv.Itoa(n)
		}
		b := append([]byte(nil), `{"type":"Feature","id":`...)
		b = appendText(b, id)
		b = append(b, `,"geometry":{"type":"Point","coordinates":`...)
		b = appendPosition(b, x.Point)
		b = append(b, `},"properties":{"name":`...)
		b = appendText(b, x.Name)
		b = appendMember(b, "name_ur", nameOf(x.Names, "ur"))
		b = appendMember(b, "name_ps", nameOf(x.Names, "ps"))
		b = appendMember(b, "name_fa", nameOf(x.Names, "prs"))
		b = append(b, `,"variants":`...)
		b = appendTexts(b, x.Variants)
		b = append(b, `,"accuracy_km":`...)
		b = appendFloat(b, x.AccuracyKM)
		b = appendMember(b, "pk_district", x.PKDistrict)
		b = appendMember(b, "af_province", x.AFProvince)
		b = appendMember(b, "note", x.Note)
		b = append(b, '}')
		col.add(id, feature{body: b, bound: x.Point.Bound(), hasBound: true})
	}
	return col
}

// slug makes an id of a name: small letters and digits of ASCII, joined by hyphens.
func slug(name string) string {
	s := strings.Join(strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
	if s == "" {
		return "crossing"
	}
	return s
}

func periodCollection(periods []incident.Period) *collection {
	col := &collection{id: "periods", title: "Ceasefires and talks",
		description: "Stretches of time that matter for reading the incidents, with the sources that their dates rest on."}
	for i := range periods {
		p := &periods[i]
		to := p.End
		b := append([]byte(nil), `{"type":"Feature","id":`...)
		b = appendText(b, p.ID)
		b = append(b, `,"geometry":null,"properties":{"id":`...)
		b = appendText(b, p.ID)
		b = appendMember(b, "kind", p.Kind)
		b = appendMember(b, "name", p.Name)
		b = append(b, `,"start_date":`...)
		b = appendDay(b, p.Start)
		b = append(b, `,"end_date":`...)
		if p.HasEnd {
			b = appendDay(b, p.End)
		} else {
			b = append(b, "null"...)
			to = incident.MaxDay
		}
		b = append(b, `,"parties":`...)
		b = appendTexts(b, p.Parties)
		b = append(b, `,"sources":`...)
		b = appendSources(b, p.Sources)
		b = appendMember(b, "note", p.Note)
		b = append(b, '}')
		col.add(p.ID, feature{body: b, from: p.Start, to: to, dated: true})
	}
	return col
}

// placeOrder marks the cursors of the fixed collections.
const placeOrder = 0xff

var placeItemParams = []string{"limit", "cursor", "f", "crs", "bbox", "bbox-crs", "datetime"}

// placeItems answers the fixed collections. A feature without a geometry is in
// no box; a feature without a time is in every time (OGC API – Features, 7.15.4).
func (s *server) placeItems(c echo.Context, col *collection) error {
	r := c.Request()
	c.Response().Header().Add("Vary", "Accept")
	p, err := readParams(r, placeItemParams)
	if err != nil {
		return err
	}
	f, err := p.format(r, placeFormats)
	if err != nil {
		return err
	}
	enc := newEncoder(s.places)
	if err := p.view(enc, f); err != nil {
		return err
	}
	limit, err := p.limit(defaultLimit, maxLimit)
	if err != nil {
		return err
	}
	after, err := p.cursor(placeOrder)
	if err != nil {
		return err
	}
	boxes, err := parseBBox(p)
	if err != nil {
		return err
	}
	var when *window // nil for the features of today, whenever they began
	if v, ok := p["datetime"]; ok {
		_, w, err := parseDatetime(paramDatetime, v)
		if err != nil {
			return err
		}
		when = &w
	}
	snap, err := s.snapshot(r.Context())
	if err != nil {
		return err
	}
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	at := s.locator(r, p)
	links := append(at.links(f, placeFormats), s.collectionLink(r, col.id))
	h := c.Response().Header()
	h["Content-Type"] = []string{f.contentType()}
	h["Content-Crs"] = []string{"<" + enc.crs.name() + ">"}
	setLinks(h, links)
	st := newStream(c)
	defer st.close()
	var page *placeTable
	if f.media == mediaHTML {
		page = s.newPlaceTable(r, c, col)
		if st.b, err = page.begin(st.b, links); err != nil {
			return err
		}
	} else {
		st.b = s.appendCollectionHead(st.b, r, col, f, enc.crs)
	}
	matched, n, last := 0, 0, int64(0)
	for i := range col.features {
		ft := &col.features[i]
		if !ft.matches(boxes, when) {
			continue
		}
		matched++
		if n == limit || after != nil && int64(i) <= after.FID {
			continue
		}
		if page != nil {
			if st.b, err = page.row(st.b, ft); err != nil {
				return err
			}
		} else {
			if n > 0 {
				st.b = append(st.b, ',')
			}
			st.b = append(st.b, '\n')
			st.b = append(enc.appendFixed(st.b, ft.body, ft), '}')
		}
		last = int64(i)
		n++
		if done, err := st.spill(); done || err != nil {
			return err
		}
	}
	if n == limit && col.anyAfter(int(last), boxes, when) {
		links = append(links, at.next(f, encodeCursor(placeOrder, incident.Cursor{FID: last})))
	}
	if page != nil {
		if st.b, err = page.end(st.b, matched, n, links); err != nil {
			return err
		}
	} else {
		st.b = appendTail(st.b, matched, n, links)
	}
	return st.end(links)
}

func (col *collection) anyAfter(i int, boxes []orb.Bound, when *window) bool {
	for j := i + 1; j < len(col.features); j++ {
		if col.features[j].matches(boxes, when) {
			return true
		}
	}
	return false
}

func (ft *feature) matches(boxes []orb.Bound, when *window) bool {
	if ft.aside || ft.past && when == nil || ft.dated && when != nil && (ft.from > when.to || ft.to < when.from) {
		return false
	}
	if when != nil && len(ft.gone) > 0 {
		from := when.from // the first day on which nothing else is known to have stood for it
		for _, g := range ft.gone {
			if g.from <= from {
				from = max(from, g.to+1)
			}
		}
		if from > when.to {
			return false
		}
	}
	if len(boxes) == 0 {
		return true
	}
	for _, box := range boxes {
		if ft.hasBound && ft.bound.Intersects(box) {
			return true
		}
	}
	return false
}
