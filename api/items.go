package api

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

const (
	mediaJSON    = "application/json"
	mediaGeoJSON = "application/geo+json"
	mediaJSONFG  = "application/vnd.ogc.fg+json"
	// jsonFGCore and jsonFGTypes are the conformance classes that a JSON-FG document declares where they hold.
	jsonFGCore  = "http://www.opengis.net/spec/json-fg-1/0.3/conf/core"
	jsonFGTypes = "http://www.opengis.net/spec/json-fg-1/0.3/conf/types-schemas"
)

var (
	formatGeoJSON = format{names: []string{"geojson", "json"}, media: mediaGeoJSON, accepts: []string{mediaGeoJSON, mediaJSON}}
	formatJSONFG  = format{names: []string{"jsonfg"}, media: mediaJSONFG, accepts: []string{mediaJSONFG}}
	formatJSON    = format{names: []string{"json"}, media: mediaJSON, accepts: []string{mediaJSON}}

	incidentFormats = []format{formatGeoJSON, formatJSONFG, formatHTML}
	placeFormats    = []format{formatGeoJSON, formatJSONFG, formatHTML}
	jsonFormats     = []format{formatJSON}
	pageFormats     = []format{formatJSON, formatHTML}
)

// incidentItemParams are what pages of incidents take.
var incidentItemParams = append([]string{"limit", "cursor", "sortby", "f", "crs", "properties", "skipGeometry", paramHXL}, filterParams...)

// chunkSize is how much of an answer is put together before it is sent;
// firstChunk is that for its beginning, so that what is not longer has its
// length and all of its links in the header.
const (
	chunkSize  = 128 << 10
	firstChunk = 512 << 10
)

// buffers keeps the chunks of finished answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, chunkSize+8<<10); return &b }}

// stream is an answer on its way out.
type stream struct {
	c    echo.Context
	b    []byte
	pool *[]byte
	sent bool
}

func newStream(c echo.Context) *stream {
	p := buffers.Get().(*[]byte)
	return &stream{c: c, b: (*p)[:0], pool: p}
}

// spill sends the buffer once it has grown to a chunk. Of an answer to HEAD that is all there is.
func (st *stream) spill() (done bool, err error) {
	if len(st.b) < chunkSize || !st.sent && len(st.b) < firstChunk {
		return false, nil
	}
	return st.c.Request().Method == http.MethodHead, st.flush()
}

// flush sends the buffer. Each chunk has a time of its own, so that a long
// answer may take long but a client that stands still does not hold the store.
func (st *stream) flush() error {
	if st.sent {
		allowWrite(st.c)
	}
	st.sent = true
	if st.c.Request().Method == http.MethodHead {
		st.c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	err := writeLong(st.c, st.b)
	st.b = st.b[:0]
	return err
}

// end sends the rest of an answer. Of one that was not begun yet the header
// gets the length and all links, also those to the next page.
func (st *stream) end(links []link) error {
	if !st.sent {
		h := st.c.Response().Header()
		h["Content-Length"] = []string{strconv.Itoa(len(st.b))}
		setLinks(h, links)
	}
	return st.flush()
}

// setLinks writes links into a header.
func setLinks(h http.Header, links []link) {
	if text := headerLinks(links); text != "" {
		h["Link"] = []string{text}
	}
}

// maxLinkHeader bounds the header with links in bytes: an address with a long
// filter comes back in each of them, and clients and proxies have limits.
const maxLinkHeader = 6 << 10

// headerLinks writes links as a header (RFC 8288), that to the next page first,
// and leaves out those for which there is no room.
func headerLinks(links []link) string {
	var most [2 << 10]byte
	b := most[:0]
	for _, next := range []bool{true, false} {
		for i := range links {
			l := &links[i]
			if (l.Rel == "next") != next || len(b)+len(l.Href)+len(l.Rel)+len(l.Type)+len(`, <>; rel=""; type=""`) > maxLinkHeader {
				continue
			}
			if len(b) > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, '<'), l.Href...)
			b = append(append(b, `>; rel="`...), l.Rel...)
			if l.Type != "" {
				b = append(append(b, `"; type="`...), l.Type...)
			}
			b = append(b, '"')
		}
	}
	return string(b)
}

// close gives the buffer back.
func (st *stream) close() {
	if cap(st.b) <= 16*chunkSize { // one huge feature must not stay for ever
		*st.pool = st.b[:0]
		buffers.Put(st.pool)
	}
}

func (s *server) collection(c echo.Context) (*collection, error) {
	id := c.Param("id")
	if col, ok := s.byID[id]; ok {
		return col, nil
	}
	var ids []string
	for _, col := range s.collections {
		ids = append(ids, col.id)
	}
	return nil, &httpError{http.StatusNotFound, "There is no collection " + quoted(id) + "; there is: " + listed(ids) + ".", ids}
}

func (s *server) getItems(c echo.Context) error {
	col, err := s.collection(c)
	if err != nil {
		return err
	}
	if col.id == incidentsID {
		return s.incidentItems(c)
	}
	return s.placeItems(c, col)
}

func (s *server) incidentItems(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	c.Response().Header().Add("Vary", "Accept")
	p, err := readParams(r, incidentItemParams)
	if err != nil {
		return err
	}
	f, err := p.format(r, s.itemFormats)
	if err != nil {
		return err
	}
	if _, err := p.hxl(s.export(f)); err != nil {
		return err
	}
	limit, err := p.limit(defaultLimit, maxLimit)
	if err != nil {
		return err
	}
	by, err := p.sorting()
	if err != nil {
		return err
	}
	var after *incident.Cursor
	var afterRank *rank
	if by.keys == nil {
		after, err = p.cursor(byte(by.order))
	} else {
		afterRank, err = by.place(p)
	}
	if err != nil {
		return err
	}
	enc := newEncoder(s.places)
	if err := p.view(enc, f); err != nil {
		return err
	}
	snap, sel, err := s.selected(ctx, p)
	if err != nil {
		return err
	}
	filter := snap.shown(sel.filter)
	if e := s.export(f); e != nil {
		if err := p.onlyForPages(by, f); err != nil {
			return err
		}
		return s.sendExport(c, p, f, e, incident.Query{Filter: filter, Order: by.order, After: after}, snap, sel)
	}
	if by.keys != nil {
		n, err := s.count(ctx, snap, sel.key, filter)
		if err != nil {
			return err
		}
		if n > maxSorted {
			return tooManyToSort()
		}
	}
	nameWithheld(c.Response().Header(), snap.leftOut(sel))
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	at := s.locator(r, p)
	links := append(at.links(f, incidentFormats), s.exportLinks(at)...)
	links = append(links, s.collectionLink(r, incidentsID))
	h := c.Response().Header()
	h["Content-Type"] = []string{f.contentType()}
	h["Content-Crs"] = []string{"<" + enc.crs.name() + ">"}
	setLinks(h, links)

	st := newStream(c)
	defer st.close()
	var page *incidentTable
	if f.media == mediaHTML {
		page = s.newIncidentTable(r, c)
		if st.b, err = page.begin(st.b, links); err != nil {
			return err
		}
	} else {
		st.b = s.appendCollectionHead(st.b, r, s.byID[incidentsID], f, enc.crs)
	}
	n, more := 0, false
	var last incident.Cursor
	var lastRank rank
	q := incident.Query{Filter: filter, Order: by.order, After: after, Limit: limit + 1, Fields: enc.fields, Borrow: &enc.lent}
	rows := s.Reader.Incidents(ctx, q)
	if by.keys != nil {
		rows = s.sorted(ctx, q, by, afterRank)
	}
	for in, err := range rows {
		if err != nil {
			return err
		}
		if n == limit {
			more = true
			break
		}
		if page != nil {
			if st.b, err = page.row(st.b, in); err != nil {
				return err
			}
		} else {
			if n > 0 {
				st.b = append(st.b, ',')
			}
			st.b = append(st.b, '\n')
			st.b = enc.append(st.b, in)
			st.b = append(st.b, '}')
		}
		if n++; n == limit {
			last = incident.Cursor{FID: in.FID, Start: in.Start}
			lastRank = by.rank(in) // a page ends only once another incident came
			for i := range by.keys {
				lastRank.keys[i].Text = strings.Clone(lastRank.keys[i].Text)
			}
		}
		if done, err := st.spill(); done || err != nil {
			return err
		}
	}
	matched := n
	if more || after != nil || afterRank != nil {
		if matched, err = s.count(ctx, snap, sel.key, filter); err != nil {
			return err
		}
	}
	if more {
		cursor := encodeCursor(byte(by.order), last)
		if by.keys != nil {
			cursor = by.encode(&lastRank)
		}
		links = append(links, at.next(f, cursor))
	}
	if page != nil {
		st.b, err = page.end(st.b, matched, n, links)
		if err != nil {
			return err
		}
	} else {
		st.b = appendTail(st.b, matched, n, links)
	}
	return st.end(links)
}

// view reads what is to be seen of the incidents that were chosen.
func (p params) view(e *encoder, f format) error {
	c, err := p.crs("crs")
	if err != nil {
		return err
	}
	e.crs, e.fg = c, f.media == mediaJSONFG
	if v, ok := p["skipGeometry"]; ok {
		if !contains(booleans, v) {
			return wrongParameter("skipGeometry", booleans, "skipGeometry does not know %s.", quoted(v))
		}
		e.bare = v == "true"
	}
	if f.media == mediaHTML {
		e.fields = tableFields
	}
	if _, ok := p["properties"]; !ok {
		return nil
	}
	names, err := p.list("properties")
	if err != nil {
		return err
	}
	list := make([]incident.Property, len(names))
	for i, n := range names {
		if n != "id" && !contains(memberNames, n) { // the id is always there
			return wrongParameter("properties", memberNames, "properties does not know %s.", quoted(n))
		}
		list[i] = incident.Property(n)
	}
	if f.media == mediaHTML {
		return wrongParameter("properties", nil, "properties does not go with f=html.")
	}
	e.only(list)
	if e.fg {
		e.ask("end_date", "place_kind", "place_units", "place_radius_m", "unit_id", "subunit_id", "country", "province")
	}
	return nil
}

// onlyForPages refuses what an export of everything does not take.
func (p params) onlyForPages(by sorting, f format) error {
	if by.keys != nil {
		return wrongParameter("sortby", []string{"start_date", "-start_date"}, "With f=%s sortby is start_date or -start_date.", f.names[0])
	}
	for _, name := range []string{"crs", "properties", "skipGeometry"} {
		if _, ok := p[name]; ok {
			return wrongParameter(name, nil, "%s does not go with f=%s.", name, f.names[0])
		}
	}
	return nil
}

// memberNames are the names of the properties of incidents.
var memberNames = func() []string {
	var names []string
	for _, m := range incidentMembers {
		names = append(names, string(m.name))
	}
	return names
}()

// appendCollectionHead begins a FeatureCollection up to its features.
func (s *server) appendCollectionHead(b []byte, r *http.Request, col *collection, f format, in *crs) []byte {
	b = append(b, `{"type":"FeatureCollection",`...)
	if f.media == mediaJSONFG {
		b = s.appendFGHead(b, r, col, in)
	}
	return append(b, `"features":[`...)
}

// appendFGHead appends what JSON-FG says of a document.
func (s *server) appendFGHead(b []byte, r *http.Request, col *collection, in *crs) []byte {
	if col.id != incidentsID { // their place is in CRS84 too, where the standard has null
		b = append(b, `"conformsTo":["`+jsonFGCore+`","`+jsonFGTypes+`"],`...)
	}
	b = append(b, `"featureType":`...)
	b = appendText(b, col.id)
	b = append(b, `,"featureSchema":`...)
	b = appendText(b, s.base(r)+"/collections/"+col.id+"/schema")
	b = append(b, ',')
	if in != nil {
		b = append(b, `"coordRefSys":`...)
		b = append(appendText(b, in.uri), ',')
	}
	return b
}

// appendTail ends a FeatureCollection. The numbers come last because only then
// are they known without asking the store twice.
func appendTail(b []byte, matched, returned int, links []link) []byte {
	b = append(b, "\n],\"numberMatched\":"...)
	b = strconv.AppendInt(b, int64(matched), 10)
	b = append(b, `,"numberReturned":`...)
	b = strconv.AppendInt(b, int64(returned), 10)
	b = append(b, ',')
	return append(appendLinks(b, links), "}\n"...)
}

const cursorSize = 1 + 8 + 4

// encodeCursor packs the place of the last feature of a page: the order, the row number and the day.
func encodeCursor(order byte, c incident.Cursor) string {
	var b [cursorSize]byte
	b[0] = order
	binary.BigEndian.PutUint64(b[1:], uint64(c.FID))
	binary.BigEndian.PutUint32(b[9:], uint32(c.Start))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// cursor reads the parameter of a next link, nil if there is none.
func (p params) cursor(order byte) (*incident.Cursor, error) {
	v, ok := p["cursor"]
	if !ok {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil || len(b) != cursorSize {
		return nil, wrongParameter("cursor", nil, "cursor is not one of ours; take it from a next link.")
	}
	if b[0] != order {
		return nil, wrongParameter("cursor", nil, "cursor belongs to another order of the list; take it from a next link.")
	}
	return &incident.Cursor{FID: int64(binary.BigEndian.Uint64(b[1:])), Start: incident.Day(binary.BigEndian.Uint32(b[9:]))}, nil
}

// address is the address of the request with some parameters changed; "" takes one away.
func (s *server) address(r *http.Request, p params, change ...string) string {
	return s.locator(r, p).with(change...)
}

// locator makes addresses out of that of a request. An answer has up to ten, so
// that the parameters are put in order and escaped only once.
type locator struct {
	path  string
	pairs []pair // in the order of the names
	size  int
}

// pair is a parameter with its escaped form.
type pair struct{ name, text string }

func newPair(name, value string) pair {
	return pair{name, url.QueryEscape(name) + "=" + url.QueryEscape(value)}
}

func (s *server) locator(r *http.Request, p params) *locator {
	l := &locator{path: s.base(r) + r.URL.EscapedPath(), pairs: make([]pair, 0, len(p))}
	l.size = len(l.path)
	for name, value := range p {
		l.pairs = append(l.pairs, newPair(name, value))
		l.size += len(l.pairs[len(l.pairs)-1].text) + 1
	}
	slices.SortFunc(l.pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return l
}

// with is the address with some parameters changed; "" takes one away. They are given as name, value and so on.
func (l *locator) with(change ...string) string {
	var b strings.Builder
	size := l.size
	for _, text := range change {
		size += len(text) + 8 // most need no escapes
	}
	b.Grow(size)
	b.WriteString(l.path)
	separator := byte('?')
	before := func() {
		b.WriteByte(separator)
		separator = '&'
	}
	// put writes those of the changes that stand between two names; "" ends nothing.
	put := func(from, to string) {
		for {
			next := -1
			for i := 0; i+1 < len(change); i += 2 {
				if n := change[i]; n > from && (to == "" || n <= to) && (next < 0 || n < change[next]) {
					next = i
				}
			}
			if next < 0 {
				return
			}
			if from = change[next]; change[next+1] != "" {
				before()
				b.WriteString(url.QueryEscape(from))
				b.WriteByte('=')
				b.WriteString(url.QueryEscape(change[next+1]))
			}
		}
	}
	from := ""
	for i := range l.pairs {
		p := &l.pairs[i]
		put(from, p.name)
		if from = p.name; !changed(change, p.name) {
			before()
			b.WriteString(p.text)
		}
	}
	put(from, "")
	return b.String()
}

// changed reports whether a name is among names and values.
func changed(change []string, name string) bool {
	for i := 0; i+1 < len(change); i += 2 {
		if change[i] == name {
			return true
		}
	}
	return false
}

// itemLinks are self and, for every other format, alternate.
func (s *server) itemLinks(r *http.Request, p params, f format, formats []format) []link {
	return s.locator(r, p).links(f, formats)
}

// links are self and, for every other format, alternate.
func (l *locator) links(f format, formats []format) []link {
	links := make([]link, 0, 16) // the exports, next and collection are still to come
	links = append(links, link{Rel: "self", Type: f.media, Href: l.with()})
	for _, o := range formats {
		if o.media != f.media {
			links = append(links, link{Rel: "alternate", Type: o.media, Href: l.with("f", o.names[0])})
		}
	}
	return links
}

func (l *locator) next(f format, cursor string) link {
	return link{Rel: "next", Type: f.media, Href: l.with("cursor", cursor)}
}

func (s *server) collectionLink(r *http.Request, id string) link {
	return link{Rel: "collection", Type: mediaJSON, Href: s.base(r) + "/collections/" + id}
}

func (s *server) getItem(c echo.Context) error {
	col, err := s.collection(c)
	if err != nil {
		return err
	}
	r := c.Request()
	ctx := r.Context()
	c.Response().Header().Add("Vary", "Accept")
	p, err := readParams(r, itemParams)
	if err != nil {
		return err
	}
	formats := placeFormats
	if col.id == incidentsID {
		formats = incidentFormats
	}
	f, err := p.format(r, formats)
	if err != nil {
		return err
	}
	enc := newEncoder(s.places)
	if err := p.view(enc, f); err != nil {
		return err
	}
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	links := append(s.itemLinks(r, p, f, formats), s.collectionLink(r, col.id))
	fid := c.Param("fid")
	st := newStream(c)
	defer st.close()
	if f.media == mediaJSONFG {
		st.b = append(st.b, '{')
		st.b = s.appendFGHead(st.b, r, col, enc.crs)
	}
	at := len(st.b)
	if col.id == incidentsID {
		if strings.HasPrefix(fid, "0") { // no id begins so, and a row number has one address
			return incident.Errorf(incident.CodeNotFound, "There is no incident %s.", quoted(fid))
		}
		in, err := s.Reader.Incident(ctx, fid)
		if incident.CodeOf(err) == incident.CodeNotFound {
			return incident.Errorf(incident.CodeNotFound, "There is no incident %s.", quoted(fid))
		}
		if err != nil {
			return err
		}
		if contains(snap.withheld, in.Dataset) {
			return onlyAggregates(in.Dataset)
		}
		duplicates, err := s.Reader.Links(ctx, strconv.FormatInt(in.FID, 10))
		if err != nil && incident.CodeOf(err) != incident.CodeNotFound { // it may have gone meanwhile
			return err
		}
		fg := enc.fg
		enc.fg = false
		before := enc.crs
		if fg {
			enc.crs = nil
		}
		st.b = enc.append(st.b, in)
		enc.crs = before
		st.b = appendDuplicates(st.b, duplicates, snap.withheld)
		st.b = enc.appendPlaceAndTime(st.b, in)
		links = append(links, link{Rel: "version-history", Type: mediaJSON, Href: s.base(r) + "/collections/" + incidentsID + "/items/" + in.ID + "/versions"})
	} else {
		body, ft, ok := s.placeFeature(col, fid)
		if !ok {
			return incident.Errorf(incident.CodeNotFound, "There is no feature %s in %s.", quoted(fid), col.id)
		}
		st.b = enc.appendFixed(st.b, body, ft)
	}
	if at > 0 { // after the head the members of the feature, not a feature of its own
		copy(st.b[at:], st.b[at+1:])
		st.b = st.b[:len(st.b)-1]
	}
	st.b = append(st.b, ',')
	st.b = appendLinks(st.b, links)
	st.b = append(st.b, "}\n"...)
	h := c.Response().Header()
	h["Content-Crs"] = []string{"<" + enc.crs.name() + ">"}
	setLinks(h, links)
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	if f.media == mediaHTML {
		return s.featurePage(c, col, st.b, links)
	}
	return s.send(c, f.media, st.b)
}

// itemParams are what one feature takes.
var itemParams = []string{"f", "crs"}

// appendFixed appends a feature of a fixed collection without its last brace.
// ft is nil for what is in no list.
func (e *encoder) appendFixed(b, body []byte, ft *feature) []byte {
	if !e.fg {
		return e.crs.rewriteFeature(b, body)
	}
	b = append(b, body...)
	b = append(b, `,"place":`...)
	if e.crs == nil {
		b = append(b, "null"...) // it is in geometry
	} else {
		at := len(b)
		b = append(b, geometryOf(body)...)
		b = e.crs.rewrite(b, at)
	}
	b = append(b, `,"time":`...)
	if ft == nil || !ft.dated {
		return append(b, "null"...)
	}
	end := func(d, open incident.Day) {
		if d == open {
			b = append(b, `".."`...)
		} else {
			b = appendDay(b, d)
		}
	}
	b = append(b, `{"interval":[`...)
	end(ft.from, incident.MinDay)
	b = append(b, ',')
	end(ft.to, incident.MaxDay)
	return append(b, "]}"...)
}

// send writes a whole answer.
func (s *server) send(c echo.Context, media string, body []byte) error {
	h := c.Response().Header()
	h["Content-Type"] = []string{media}
	if c.Request().Method == http.MethodHead {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	return writeLong(c, body)
}

// writeLong writes a body in chunks, each with a time of its own: who reads slowly gets all of it.
func writeLong(c echo.Context, body []byte) error {
	for len(body) > chunkSize {
		if _, err := c.Response().Write(body[:chunkSize]); err != nil {
			return err
		}
		body = body[chunkSize:]
		allowWrite(c)
	}
	_, err := c.Response().Write(body)
	return err
}
