package api

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

const (
	mediaColumns   = "application/octet-stream"
	columnsMagic   = "SRHD"
	columnsVersion = 2
	// blockRows is how many rows a block holds at most; the first block holds
	// fewer, so that there is something to draw at once.
	blockRows, firstRows = 65_536, 16_384
	// rowBytes is about what a row takes: its place in the tables takes more
	// only where these have more than 65,536 entries.
	rowBytes = 20
	// maxColumnCache is the largest answer that is kept, some three million rows.
	maxColumnCache = 64 << 20
	// noPoint stands for both coordinates of an incident without a point.
	noPoint = 1<<24 - 1
	// lastStart is the last start that the column can say, in days after the origin.
	lastStart = math.MaxUint16
)

// firstOrigin is the earliest day that starts are counted from.
var firstOrigin = incident.NewDay(1900, time.January, 1)

// columnFields is what the columns look at.
var columnFields = []incident.Property{"fid", "start_date", "end_date", "fatalities_best", "fatalities_low", "fatalities_high", "unit_id", "country", "province",
	"event_type", "sub_event_type", "location_precision", "place_kind", "dataset", "verification", "time_precision", "claims"}

// columnSpec holds the lists that the tables of the columns refer to.
type columnSpec struct {
	units      []string
	areas      []columnArea
	unit       map[string]int
	area       map[[2]string]int // country, province
	types      map[incident.EventType]int
	subtypes   map[incident.SubEventType]int
	precisions map[incident.LocationPrecision]int
	places     map[incident.PlaceKind]int
	verified   map[incident.Verification]int
}

type columnArea struct {
	Country  string  `json:"country"`
	Province *string `json:"province"`
}

type columnHeader struct {
	Count         int          `json:"count"`
	Change        int64        `json:"change"`
	Origin        string       `json:"origin"`
	Units         []string     `json:"units"`
	EventTypes    []string     `json:"event_types"`
	SubEventTypes []string     `json:"sub_event_types"`
	Precisions    []string     `json:"precisions"`
	Places        []string     `json:"places"`
	Datasets      []string     `json:"datasets"`
	Areas         []columnArea `json:"areas"`
	Verifications []string     `json:"verifications"`
	First         *string      `json:"first"`
	Last          *string      `json:"last"`
	BeforeOrigin  int          `json:"before_origin"`
	Withheld      []string     `json:"withheld"`
}

// newColumnSpec makes the lists of units of today and, behind them, former ones, and of areas.
func newColumnSpec(units []geo.Unit, formers []geo.Former) columnSpec {
	spec := columnSpec{
		units: []string{}, areas: []columnArea{}, unit: map[string]int{}, area: map[[2]string]int{},
		types: indexed(incident.EventTypes), subtypes: map[incident.SubEventType]int{}, precisions: indexed(incident.LocationPrecisions),
		places: indexed(incident.PlaceKinds), verified: indexed(incident.Verifications),
	}
	for i, word := range subEventTypes {
		spec.subtypes[incident.SubEventType(word)] = i
	}
	spec.precisions[""] = spec.precisions[incident.LocNone]
	spec.places[""] = spec.places[incident.PlaceNone]
	addArea := func(country, province string) {
		k := [2]string{country, province}
		if _, ok := spec.area[k]; ok || country == "" {
			return
		}
		spec.area[k] = len(spec.areas)
		a := columnArea{Country: country}
		if province != "" {
			a.Province = &province
		}
		spec.areas = append(spec.areas, a)
	}
	addUnit := func(id string) {
		spec.unit[id] = len(spec.units)
		spec.units = append(spec.units, id)
	}
	for _, c := range incident.Countries {
		addArea(c, "")
	}
	for i := range units {
		addUnit(units[i].ID)
		addArea(units[i].Country, units[i].Province)
	}
	for i := range formers {
		if f := &formers[i]; f.WasUnit() {
			addUnit(f.ID)
		}
	}
	return spec
}

func indexed[T comparable](list []T) map[T]int {
	m := make(map[T]int, len(list))
	for i, v := range list {
		m[v] = i
	}
	return m
}

// rowWhere, rowKind and rowDeaths are entries of the tables of columns.
// Figures are -1 where none is reported.
type (
	rowWhere struct{ unit, country, province string }
	rowKind  struct {
		dataset      string
		eventType    incident.EventType
		subtype      incident.SubEventType
		precision    incident.LocationPrecision
		place        incident.PlaceKind
		verification incident.Verification
		flags        int
	}
	rowDeaths struct{ best, low, high int }
)

func (k rowWhere) clone() rowWhere {
	return rowWhere{strings.Clone(k.unit), strings.Clone(k.country), strings.Clone(k.province)}
}

func (k rowKind) clone() rowKind {
	return rowKind{strings.Clone(k.dataset), incident.EventType(strings.Clone(string(k.eventType))), incident.SubEventType(strings.Clone(string(k.subtype))),
		incident.LocationPrecision(strings.Clone(string(k.precision))), incident.PlaceKind(strings.Clone(string(k.place))),
		incident.Verification(strings.Clone(string(k.verification))), k.flags}
}

// The bits of flags.
const (
	flagCoarseDate = 1
	flagClaims     = 2
)

// codes numbers the values of a column in the order in which they come.
type codes[K comparable] struct {
	keep   func(K) K // copies a value that was only lent
	of     map[K]uint32
	all    []K
	sent   int // so many of all are in blocks already
	rows   []uint32
	recent [1 << 9]struct {
		k    K
		code uint32
		ok   bool
	}
}

func newCodes[K comparable](rows int, keep func(K) K) *codes[K] {
	return &codes[K]{keep: keep, of: map[K]uint32{}, rows: make([]uint32, 0, rows)}
}

// add takes a value and a number that differs between most values: values met
// lately are found by it, since hashing whole ones costs more than all else.
func (c *codes[K]) add(k K, hash int) {
	r := &c.recent[hash&(len(c.recent)-1)]
	if !r.ok || r.k != k {
		code, ok := c.of[k]
		if !ok {
			code = uint32(len(c.all))
			kept := c.keep(k)
			c.of[kept] = code
			c.all = append(c.all, kept)
		}
		r.k, r.code, r.ok = c.all[code], code, true
	}
	c.rows = append(c.rows, r.code)
}

// hashOf tells most words apart by their length and three of their letters.
func hashOf(word string) int {
	n := len(word)
	if n == 0 {
		return 0
	}
	return n + 5*int(word[n-1]) + 11*int(word[n/2]) + 17*int(word[n/3])
}

// appendRows writes the column in one, two or four bytes a row, as its table needs.
func (c *codes[K]) appendRows(out []byte) []byte {
	for _, v := range c.rows {
		switch {
		case len(c.all) <= 1<<8:
			out = append(out, uint8(v))
		case len(c.all) <= 1<<16:
			out = binary.LittleEndian.AppendUint16(out, uint16(v))
		default:
			out = binary.LittleEndian.AppendUint32(out, v)
		}
	}
	c.rows = c.rows[:0]
	return pad4(out)
}

// appendTable writes a member of the tables with what was added since the last block.
func appendTable[K comparable](out []byte, name string, c *codes[K], entry func([]byte, K) []byte) []byte {
	added := c.all[c.sent:]
	if len(added) == 0 {
		return out
	}
	if out[len(out)-1] != '{' {
		out = append(out, ',')
	}
	out = append(strconv.AppendQuote(out, name), ":["...)
	for i, k := range added {
		if i > 0 {
			out = append(out, ',')
		}
		out = entry(out, k)
	}
	c.sent = len(c.all)
	return append(out, ']')
}

// appendNumbers writes a list in which null stands for what is below 0.
func appendNumbers(out []byte, list ...int) []byte {
	out = append(out, '[')
	for i, n := range list {
		if i > 0 {
			out = append(out, ',')
		}
		if n < 0 {
			out = append(out, "null"...)
		} else {
			out = strconv.AppendInt(out, int64(n), 10)
		}
	}
	return append(out, ']')
}

func pad4(out []byte) []byte {
	for len(out)%4 != 0 {
		out = append(out, 0)
	}
	return out
}

// columnWriter encodes rows, a block at a time.
type columnWriter struct {
	spec     *columnSpec
	origin   incident.Day
	datasets map[string]int
	fid      []uint32
	start    []uint16
	xy       [2][]uint32
	span     *codes[int]
	where    *codes[rowWhere]
	kind     *codes[rowKind]
	deaths   *codes[rowDeaths]
}

// newColumnWriter makes a writer with room for blocks of so many rows.
func newColumnWriter(spec *columnSpec, origin incident.Day, datasets []string, rows int) *columnWriter {
	w := &columnWriter{spec: spec, origin: origin, datasets: indexed(datasets), fid: make([]uint32, 0, rows), start: make([]uint16, 0, rows),
		xy: [2][]uint32{make([]uint32, 0, rows), make([]uint32, 0, rows)}, span: newCodes(rows, func(days int) int { return days }), where: newCodes(rows, rowWhere.clone),
		kind: newCodes(rows, rowKind.clone), deaths: newCodes(rows, func(d rowDeaths) rowDeaths { return d })}
	w.span.of[0], w.span.all = 0, []int{0} // number 0 is one day
	return w
}

func (w *columnWriter) add(in *incident.Incident) {
	w.fid = append(w.fid, uint32(min(in.FID, math.MaxUint32)))
	w.start = append(w.start, uint16(min(in.Start-w.origin, lastStart)))
	x, y := uint32(noPoint), uint32(noPoint)
	if in.HasPoint {
		x, y = unitSquare(in.Point)
	}
	w.xy[0], w.xy[1] = append(w.xy[0], x), append(w.xy[1], y)
	span := max(0, int(in.End-in.Start))
	w.span.add(span, span)
	w.where.add(rowWhere{in.UnitID, in.Country, in.Province}, hashOf(in.UnitID)+hashOf(in.Province)+hashOf(in.Country))
	kind := rowKind{in.Dataset, in.EventType, in.SubEventType, in.LocationPrecision, in.Place.Kind, in.Verification, 0}
	if in.TimePrecision.Coarse() {
		kind.flags |= flagCoarseDate
	}
	if len(in.Claims) > 0 {
		kind.flags |= flagClaims
	}
	w.kind.add(kind, kind.flags+hashOf(kind.dataset)+3*hashOf(string(kind.eventType))+5*hashOf(string(kind.subtype))+7*hashOf(string(kind.precision))+
		hashOf(string(kind.place))+hashOf(string(kind.verification)))
	deaths := rowDeaths{figureOf(in.Best), figureOf(in.Low), figureOf(in.High)}
	w.deaths.add(deaths, deaths.best+19*deaths.low+31*deaths.high)
}

// The entries of the tables are written in numbers of the lists of the header,
// below 0 where a list has no such value.

func (w *columnWriter) appendWhere(out []byte, k rowWhere) []byte {
	area := lookup(w.spec.area, [2]string{k.country, k.province})
	if area < 0 {
		area = lookup(w.spec.area, [2]string{k.country, ""})
	}
	return appendNumbers(out, lookup(w.spec.unit, k.unit), area)
}

func (w *columnWriter) appendKind(out []byte, k rowKind) []byte {
	return appendNumbers(out, lookup(w.datasets, k.dataset), lookup(w.spec.types, k.eventType), lookup(w.spec.subtypes, k.subtype),
		lookup(w.spec.precisions, k.precision), lookup(w.spec.places, k.place), lookup(w.spec.verified, k.verification), k.flags)
}

func figureOf(f incident.Figure) int {
	if !f.Known {
		return -1
	}
	return max(0, f.N)
}

// unitSquare gives the place of a point in the square of the map in steps of
// 2^-24: 2.4 m on the equator and less elsewhere.
func unitSquare(p orb.Point) (x, y uint32) {
	fx, fy := mercator(p)
	step := func(v float64) uint32 { return uint32(min(max(math.Round(v*(1<<24)), 0), noPoint-1)) }
	return step(fx), step(fy)
}

func lookup[K comparable](m map[K]int, k K) int {
	if i, ok := m[k]; ok {
		return i
	}
	return -1
}

// flush appends what was added since the last time as a block.
func (w *columnWriter) flush(out []byte) []byte {
	le := binary.LittleEndian
	n := len(w.fid)
	if n == 0 {
		return out
	}
	out = slices.Grow(out, n*rowBytes+1<<12)
	out = le.AppendUint32(out, uint32(n))
	size := len(out)
	out = append(le.AppendUint32(out, 0), '{')
	out = appendTable(out, "spans", w.span, func(b []byte, days int) []byte { return strconv.AppendInt(b, int64(days), 10) })
	out = appendTable(out, "wheres", w.where, w.appendWhere)
	out = appendTable(out, "kinds", w.kind, w.appendKind)
	out = appendTable(out, "deaths", w.deaths, func(b []byte, d rowDeaths) []byte { return appendNumbers(b, d.best, d.low, d.high) })
	out = append(out, '}')
	for len(out)%4 != 0 {
		out = append(out, ' ')
	}
	le.PutUint32(out[size:], uint32(len(out)-size-4))
	for _, v := range w.fid {
		out = le.AppendUint32(out, v)
	}
	for _, v := range w.start {
		out = le.AppendUint16(out, v)
	}
	out = pad4(out)
	for _, column := range w.xy {
		for _, v := range column {
			out = le.AppendUint16(out, uint16(v>>8))
		}
		out = pad4(out)
	}
	for _, column := range w.xy {
		for _, v := range column {
			out = append(out, uint8(v))
		}
		out = pad4(out)
	}
	w.fid, w.start, w.xy = w.fid[:0], w.start[:0], [2][]uint32{w.xy[0][:0], w.xy[1][:0]}
	out = w.span.appendRows(out)
	out = w.where.appendRows(out)
	out = w.kind.appendRows(out)
	return w.deaths.appendRows(out)
}

// columnCache keeps the columns of everything for one change number.
type columnCache struct {
	turn   chan struct{} // holds one
	mu     sync.Mutex
	change int64
	digest string
	body   []byte
}

// columnPatience is how long a request waits for another to make the same
// answer; a client that reads slowly must not hold up everyone.
const columnPatience = 10 * time.Second

// enter waits for the turn to make the answer, or goes on without it after
// columnPatience. leave gives the turn up and may be called twice.
func (c *columnCache) enter(ctx context.Context) (leave func(), err error) {
	patience := time.NewTimer(columnPatience)
	defer patience.Stop()
	select {
	case c.turn <- struct{}{}:
		return sync.OnceFunc(func() { <-c.turn }), nil
	case <-patience.C:
		return func() {}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for columns: %w", ctx.Err())
	}
}

func (c *columnCache) get(snap *snapshot) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.change != snap.change || c.digest != snap.digest {
		c.body = nil
	}
	return c.body
}

func (c *columnCache) put(snap *snapshot, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change, c.digest, c.body = snap.change, snap.digest, body
}

// startIn compares the first day with the origin, which divides what the columns can say.
func startIn(f incident.Filter, op incident.Op, origin incident.Day) incident.Filter {
	edge := incident.Compare{Property: "start_date", Op: op, Value: incident.DateValue(origin)}
	if f == nil {
		return edge
	}
	return incident.And{f, edge}
}

// consistentTries is how often the count and the rows are read anew when a
// change came between them.
const consistentTries = 5

func (s *server) getColumns(c echo.Context) error {
	r := c.Request()
	ctx := r.Context()
	p, err := readParams(r, filterParams)
	if err != nil {
		return err
	}
	var leave func()
	for try := 1; ; try++ {
		snap, sel, err := s.selected(ctx, p)
		if err != nil {
			return err
		}
		nameWithheld(c.Response().Header(), snap.leftOut(sel))
		if s.fresh(c, snap, format{media: mediaColumns}, sel.key) {
			return nil
		}
		c.Response().Header()["Content-Type"] = []string{mediaColumns}
		if r.Method == http.MethodHead {
			c.Response().WriteHeader(http.StatusOK)
			return nil
		}
		// One answer over everything is made at a time and kept: whoever asks
		// meanwhile waits for it instead of making the same once more in memory.
		if sel.key == "" {
			if leave == nil {
				if leave, err = s.columnCache.enter(ctx); err != nil {
					return err
				}
				defer leave()
			}
			if body := s.columnCache.get(snap); body != nil {
				leave()
				c.Response().Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
				return writeLong(c, body)
			}
		}
		done, err := s.streamColumns(c, snap, sel, try < consistentTries)
		if done || err != nil {
			return err
		}
	}
}

// streamColumns writes the answer. It reports false, with nothing written, if
// the store changed between counting and reading and mayRetry is true.
func (s *server) streamColumns(c echo.Context, snap *snapshot, sel selection, mayRetry bool) (bool, error) {
	ctx := c.Request().Context()
	filter := snap.shown(sel.filter)
	count, err := s.count(ctx, snap, sel.key, filter)
	if err != nil {
		return false, err
	}
	head := columnHeader{Change: snap.change, Units: s.columns.units, EventTypes: words(incident.EventTypes), SubEventTypes: subEventTypes, Precisions: locationPrecisions,
		Places: words(incident.PlaceKinds), Datasets: notNil(snap.names), Areas: s.columns.areas, Verifications: verifications, Withheld: notNil(snap.withheld)}
	var origin incident.Day // 1970, unless there is something before
	if w, ok := snap.extent(nil); ok {
		first, last := w.from.String(), w.to.String()
		head.First, head.Last = &first, &last
		origin = min(origin, max(w.from, firstOrigin))
		if w.from < origin { // only then is there anything to leave out
			if head.BeforeOrigin, err = s.count(ctx, snap, "before_origin\n"+sel.key, startIn(filter, incident.Lt, origin)); err != nil {
				return false, err
			}
			filter = startIn(filter, incident.Ge, origin)
		}
	}
	head.Count = count - head.BeforeOrigin
	head.Origin = origin.String()

	st := &stream{c: c} // without a pooled buffer, since blocks are larger than chunks
	if st.b, err = columnsHead(head); err != nil {
		return false, err
	}
	var kept []byte
	keep := sel.key == "" && head.Count*rowBytes < maxColumnCache-1<<20
	send := func() error {
		if keep {
			kept = append(kept, st.b...)
		}
		return st.flush()
	}
	b := newColumnWriter(&s.columns, origin, snap.names, min(blockRows, head.Count))
	rows, full := 0, firstRows
	for in, err := range s.Reader.Incidents(ctx, incident.Query{Filter: filter, Order: incident.ByStartRev, Fields: columnFields, Borrow: new(incident.Lent)}) {
		if err != nil {
			return true, err
		}
		if rows == 0 && mayRetry { // the store has fixed what it will give once it gave one
			if now, err := s.Reader.Change(ctx); err != nil || now != snap.change {
				return false, err
			}
		}
		rows++
		if rows > head.Count { // more came in since they were counted
			break
		}
		b.add(in)
		if len(b.fid) == full {
			st.b = b.flush(st.b)
			full = blockRows
			if err := send(); err != nil {
				return true, err
			}
		}
	}
	if rows != head.Count {
		if mayRetry && !c.Response().Committed {
			return false, nil
		}
		return true, incident.Errorf(incident.CodeUnavailable, "The store changed while it was read; ask again.")
	}
	st.b = b.flush(st.b)
	if err := send(); err != nil {
		return true, err
	}
	if keep {
		if now, err := s.Reader.Change(ctx); err == nil && now == snap.change {
			s.columnCache.put(snap, kept)
		}
	}
	return true, nil
}

func columnsHead(h columnHeader) ([]byte, error) {
	header, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode header of columns: %w", err)
	}
	for (len(columnsMagic)+8+len(header))%4 != 0 {
		header = append(header, ' ')
	}
	out := append([]byte(nil), columnsMagic...)
	out = binary.LittleEndian.AppendUint32(out, columnsVersion)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(header)))
	return append(out, header...), nil
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
