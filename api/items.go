package api

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

const (
	mediaJSON    = "application/json"
	mediaGeoJSON = "application/geo+json"
	mediaJSONFG  = "application/vnd.ogc.fg+json"
	// jsonFGCore is the conformance class that a JSON-FG document declares.
	jsonFGCore = "http://www.opengis.net/spec/json-fg-1/0.3/conf/core"
)

var (
	formatGeoJSON = format{names: []string{"geojson", "json"}, media: mediaGeoJSON, accepts: []string{mediaGeoJSON, mediaJSON}}
	formatJSONFG  = format{names: []string{"jsonfg"}, media: mediaJSONFG, accepts: []string{mediaJSONFG}}
	formatJSON    = format{names: []string{"json"}, media: mediaJSON, accepts: []string{mediaJSON}}

	incidentFormats = []format{formatGeoJSON, formatJSONFG}
	placeFormats    = []format{formatGeoJSON}
	jsonFormats     = []format{formatJSON}
)

// sortParam and the others belong to pages of items only.
var incidentItemParams = append(append([]string{"limit", "cursor", "sortby", "f"}, filterParams...), paramHXL)

// chunkSize is how much of an answer is put together before it is sent.
const chunkSize = 64 << 10

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

// spill sends the buffer once it has grown to a chunk.
func (st *stream) spill() error {
	if len(st.b) < chunkSize {
		return nil
	}
	return st.flush()
}

// flush sends the buffer. Each chunk has a time of its own, so that a long
// answer may take long but a client that stands still does not hold the store.
func (st *stream) flush() error {
	if st.sent {
		// An error only means that the connection has no deadlines, as in tests. A
		// deadline is a matter of the machine's clock, whatever s.Now says.
		_ = http.NewResponseController(st.c.Response()).SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	st.sent = true
	_, err := st.c.Response().Write(st.b)
	st.b = st.b[:0]
	return err
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
	order, err := p.order()
	if err != nil {
		return err
	}
	after, err := p.cursor(byte(order))
	if err != nil {
		return err
	}
	snap, sel, err := s.selected(ctx, p)
	if err != nil {
		return err
	}
	if e := s.export(f); e != nil {
		return s.sendExport(c, p, f, e, incident.Query{Filter: snap.shown(sel.filter), Order: order, After: after}, snap, sel)
	}
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	c.Response().Header()["Content-Type"] = []string{f.media}
	if r.Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}

	filter := snap.shown(sel.filter)
	fg := f.media == mediaJSONFG
	st := newStream(c)
	defer st.close()
	if fg {
		st.b = append(st.b, `{"type":"FeatureCollection","conformsTo":["`+jsonFGCore+`"],"features":[`...)
	} else {
		st.b = append(st.b, `{"type":"FeatureCollection","features":[`...)
	}
	n, more := 0, false
	var last incident.Cursor
	for in, err := range s.Reader.Incidents(ctx, incident.Query{Filter: filter, Order: order, After: after, Limit: limit + 1}) {
		if err != nil {
			return err
		}
		if n == limit {
			more = true
			break
		}
		if n > 0 {
			st.b = append(st.b, ',')
		}
		st.b = append(st.b, '\n')
		st.b = appendFeature(st.b, in, s.places)
		if fg {
			st.b = append(st.b, `,"place":`...)
			st.b = s.places.appendPlace(st.b, in)
			st.b = append(st.b, `,"time":`...)
			st.b = appendTime(st.b, in)
		}
		st.b = append(st.b, '}')
		last = incident.Cursor{FID: in.FID, Start: in.Start}
		n++
		if err := st.spill(); err != nil {
			return err
		}
	}
	matched := n
	if more || after != nil {
		if matched, err = s.count(ctx, snap, sel.key, filter); err != nil {
			return err
		}
	}
	links := append(s.itemLinks(r, p, f, incidentFormats), s.exportLinks(r, p)...)
	if more {
		links = append(links, s.nextLink(r, p, f, encodeCursor(byte(order), last)))
	}
	st.b = appendTail(st.b, matched, n, append(links, s.collectionLink(r, incidentsID)))
	return st.flush()
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

func (p params) order() (incident.Order, error) {
	switch strings.TrimSpace(p["sortby"]) { // a + that nobody escaped arrives as a space
	case "":
		if _, ok := p["sortby"]; !ok {
			return incident.ByFID, nil
		}
	case "start_date", "+start_date":
		return incident.ByStart, nil
	case "-start_date":
		return incident.ByStartRev, nil
	}
	return 0, wrongParameter("sortby", []string{"start_date", "-start_date"}, "sortby does not know %s.", quoted(p["sortby"]))
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
	v := make(url.Values, len(p)+1)
	for name, value := range p {
		v[name] = []string{value}
	}
	for i := 0; i+1 < len(change); i += 2 {
		if change[i+1] == "" {
			delete(v, change[i])
		} else {
			v[change[i]] = []string{change[i+1]}
		}
	}
	to := s.base(r) + r.URL.EscapedPath()
	if len(v) > 0 {
		to += "?" + v.Encode()
	}
	return to
}

// itemLinks are self and, for every other format, alternate.
func (s *server) itemLinks(r *http.Request, p params, f format, formats []format) []link {
	links := []link{{Rel: "self", Type: f.media, Href: s.address(r, p)}}
	for _, o := range formats {
		if o.media != f.media {
			links = append(links, link{Rel: "alternate", Type: o.media, Href: s.address(r, p, "f", o.names[0])})
		}
	}
	return links
}

func (s *server) nextLink(r *http.Request, p params, f format, cursor string) link {
	return link{Rel: "next", Type: f.media, Href: s.address(r, p, "cursor", cursor)}
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
	p, err := readParams(r, []string{"f"})
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
	snap, err := s.snapshot(ctx)
	if err != nil {
		return err
	}
	fid := c.Param("fid")
	st := newStream(c)
	defer st.close()
	if col.id == incidentsID {
		in, err := s.Reader.Incident(ctx, fid)
		if incident.CodeOf(err) == incident.CodeNotFound {
			return incident.Errorf(incident.CodeNotFound, "There is no incident %s.", quoted(fid))
		}
		if err != nil {
			return err
		}
		if contains(snap.withheld, in.Dataset) {
			return &httpError{http.StatusForbidden, "The terms of the dataset " + quoted(in.Dataset) + " allow only aggregates of its incidents.", nil}
		}
		links, err := s.Reader.Links(ctx, strconv.FormatInt(in.FID, 10))
		if err != nil && incident.CodeOf(err) != incident.CodeNotFound { // it may have gone meanwhile
			return err
		}
		st.b = appendFeature(st.b, in, s.places)
		st.b = appendDuplicates(st.b, links, snap.withheld)
		st.b = append(st.b, `,"place":`...)
		st.b = s.places.appendPlace(st.b, in)
		st.b = append(st.b, `,"time":`...)
		st.b = appendTime(st.b, in)
		if f.media == mediaJSONFG {
			st.b = append(st.b, `,"conformsTo":["`+jsonFGCore+`"]`...)
		}
	} else {
		body, ok := s.placeFeature(col, fid)
		if !ok {
			return incident.Errorf(incident.CodeNotFound, "There is no feature %s in %s.", quoted(fid), col.id)
		}
		st.b = append(st.b, body...)
	}
	st.b = append(st.b, ',')
	st.b = appendLinks(st.b, append(s.itemLinks(r, p, f, formats), s.collectionLink(r, col.id)))
	st.b = append(st.b, "}\n"...)
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	return s.send(c, f.media, st.b)
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
	_, err := c.Response().Write(body)
	return err
}
