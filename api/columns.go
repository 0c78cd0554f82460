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
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sarhad/geo"
	"sarhad/incident"
)

const (
	mediaColumns   = "application/octet-stream"
	columnsMagic   = "SRHD"
	columnsVersion = 1
	// blockRows is how many rows a block holds at most.
	blockRows = 65_536
	// rowBytes is what a row takes in a block.
	rowBytes = 4 + 2 + 2 + 4 + 4 + 3*2 + 8
	// maxColumnCache is the largest answer that is kept, two million rows.
	maxColumnCache = 64 << 20
	// noIndex stands for "none" in a column of indexes.
	noIndex = 255
	// maxIndexed is how many values such a column can name.
	maxIndexed = 255
	// lastDay is the last start that the column of days can say (2149-06-05).
	lastDay = 65_534
	// unknownFigure and largeFigure are the two reserved figures.
	unknownFigure = 65_535
	largeFigure   = 65_534
)

// columnSpec holds the tables that the columns of indexes refer to.
type columnSpec struct {
	units      []string
	areas      []columnArea
	unit       map[string]uint8
	area       map[[2]string]uint8 // country, province
	types      map[incident.EventType]uint8
	precisions map[incident.LocationPrecision]uint8
	places     map[incident.PlaceKind]uint8
	verified   map[incident.Verification]uint8
}

type columnArea struct {
	Country  string  `json:"country"`
	Province *string `json:"province"`
}

type columnHeader struct {
	Count         int          `json:"count"`
	Change        int64        `json:"change"`
	Units         []string     `json:"units"`
	EventTypes    []string     `json:"event_types"`
	Precisions    []string     `json:"precisions"`
	Places        []string     `json:"places"`
	Datasets      []string     `json:"datasets"`
	Areas         []columnArea `json:"areas"`
	Verifications []string     `json:"verifications"`
	First         *string      `json:"first"`
	Last          *string      `json:"last"`
	Before1970    int          `json:"before_1970"`
	Withheld      []string     `json:"withheld"`
}

// newColumnSpec makes the tables of units of today and, behind them, former ones, as far as there are numbers left.
func newColumnSpec(units []geo.Unit, formers []geo.Former) (columnSpec, error) {
	spec := columnSpec{
		units: []string{}, areas: []columnArea{}, unit: map[string]uint8{}, area: map[[2]string]uint8{},
		types: indexed(incident.EventTypes), precisions: indexed(incident.LocationPrecisions),
		places: indexed(incident.PlaceKinds), verified: indexed(incident.Verifications),
	}
	spec.precisions[""] = spec.precisions[incident.LocNone]
	spec.places[""] = spec.places[incident.PlaceNone]
	addArea := func(country, province string) {
		k := [2]string{country, province}
		if _, ok := spec.area[k]; ok || country == "" {
			return
		}
		spec.area[k] = uint8(len(spec.areas))
		a := columnArea{Country: country}
		if province != "" {
			a.Province = &province
		}
		spec.areas = append(spec.areas, a)
	}
	for _, c := range incident.Countries {
		addArea(c, "")
	}
	if len(units) > maxIndexed {
		return spec, fmt.Errorf("api: %d units are more than the %d that the columns can name", len(units), maxIndexed)
	}
	for i := range units {
		spec.unit[units[i].ID] = uint8(i)
		spec.units = append(spec.units, units[i].ID)
		addArea(units[i].Country, units[i].Province)
	}
	for i := range formers {
		if f := &formers[i]; f.WasUnit() && len(spec.units) < maxIndexed {
			spec.unit[f.ID] = uint8(len(spec.units))
			spec.units = append(spec.units, f.ID)
		}
	}
	if len(spec.areas) > maxIndexed {
		return spec, fmt.Errorf("api: %d areas are more than the %d that the columns can name", len(spec.areas), maxIndexed)
	}
	return spec, nil
}

func indexed[T comparable](list []T) map[T]uint8 {
	m := make(map[T]uint8, len(list))
	for i, v := range list {
		m[v] = uint8(i)
	}
	return m
}

// block is up to blockRows rows, a slice for each column in the order of the format.
type block struct {
	n          int
	fid        []uint32
	start      []uint16
	span       []uint16
	lon, lat   []float32
	figures    [3][]uint16
	unit, kind []uint8
	precision  []uint8
	place      []uint8
	dataset    []uint8
	area       []uint8
	verified   []uint8
	flags      []uint8
}

func newBlock(rows int) *block {
	b := &block{fid: make([]uint32, rows), start: make([]uint16, rows), span: make([]uint16, rows), lon: make([]float32, rows), lat: make([]float32, rows)}
	for i := range b.figures {
		b.figures[i] = make([]uint16, rows)
	}
	for _, c := range b.bytes() {
		*c = make([]uint8, rows)
	}
	return b
}

// bytes lists the columns of one byte in their order.
func (b *block) bytes() [8]*[]uint8 {
	return [8]*[]uint8{&b.unit, &b.kind, &b.precision, &b.place, &b.dataset, &b.area, &b.verified, &b.flags}
}

// flagCoarseDate and flagClaims are the bits of the last column.
const (
	flagCoarseDate = 1
	flagClaims     = 2
)

func (b *block) add(spec *columnSpec, datasets map[string]uint8, in *incident.Incident) {
	i := b.n
	b.n++
	b.fid[i] = uint32(min(in.FID, math.MaxUint32))
	b.start[i] = uint16(min(in.Start, lastDay))
	b.span[i] = uint16(max(0, min(in.End-in.Start, math.MaxUint16)))
	b.lon[i], b.lat[i] = float32(math.NaN()), float32(math.NaN())
	if in.HasPoint {
		b.lon[i], b.lat[i] = float32(in.Point[0]), float32(in.Point[1])
	}
	for j, f := range [3]incident.Figure{in.Best, in.Low, in.High} {
		switch {
		case !f.Known:
			b.figures[j][i] = unknownFigure
		default:
			b.figures[j][i] = uint16(max(0, min(f.N, largeFigure)))
		}
	}
	b.unit[i] = lookup(spec.unit, in.UnitID)
	b.kind[i] = lookup(spec.types, in.EventType)
	b.precision[i] = lookup(spec.precisions, in.LocationPrecision)
	b.place[i] = lookup(spec.places, in.Place.Kind)
	b.dataset[i] = lookup(datasets, in.Dataset)
	b.area[i] = noIndex
	if a, ok := spec.area[[2]string{in.Country, in.Province}]; ok {
		b.area[i] = a
	} else if a, ok := spec.area[[2]string{in.Country, ""}]; ok {
		b.area[i] = a
	}
	b.verified[i] = lookup(spec.verified, in.Verification)
	b.flags[i] = 0
	if in.TimePrecision.Coarse() {
		b.flags[i] |= flagCoarseDate
	}
	if len(in.Claims) > 0 {
		b.flags[i] |= flagClaims
	}
}

func lookup[K comparable](m map[K]uint8, k K) uint8 {
	if i, ok := m[k]; ok {
		return i
	}
	return noIndex
}

func (b *block) append(out []byte) []byte {
	le := binary.LittleEndian
	pad := func() {
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
	}
	out = slices.Grow(out, 4+b.n*rowBytes+16*4)
	out = le.AppendUint32(out, uint32(b.n))
	for _, v := range b.fid[:b.n] {
		out = le.AppendUint32(out, v)
	}
	for _, column := range [][]uint16{b.start, b.span} {
		for _, v := range column[:b.n] {
			out = le.AppendUint16(out, v)
		}
		pad()
	}
	for _, column := range [][]float32{b.lon, b.lat} {
		for _, v := range column[:b.n] {
			out = le.AppendUint32(out, math.Float32bits(v))
		}
	}
	for _, column := range b.figures {
		for _, v := range column[:b.n] {
			out = le.AppendUint16(out, v)
		}
		pad()
	}
	for _, column := range b.bytes() {
		out = append(out, (*column)[:b.n]...)
		pad()
	}
	return out
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

// startIn compares the first day, where 1970 divides what the columns can say.
func startIn(f incident.Filter, op incident.Op) incident.Filter {
	edge := incident.Compare{Property: "start_date", Op: op, Value: incident.DateValue(0)}
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
				_, err := c.Response().Write(body)
				return err
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
	head := columnHeader{Change: snap.change, Units: s.columns.units, EventTypes: words(incident.EventTypes), Precisions: locationPrecisions,
		Places: words(incident.PlaceKinds), Datasets: notNil(snap.names), Areas: s.columns.areas, Verifications: verifications, Withheld: notNil(snap.withheld)}
	if w, ok := snap.extent(nil); ok {
		first, last := w.from.String(), w.to.String()
		head.First, head.Last = &first, &last
		if w.from < 0 { // only then is there anything to leave out
			if head.Before1970, err = s.count(ctx, snap, "before_1970\n"+sel.key, startIn(filter, incident.Lt)); err != nil {
				return false, err
			}
			filter = startIn(filter, incident.Ge)
		}
	}
	head.Count = count - head.Before1970
	datasets := make(map[string]uint8, len(snap.names))
	for i, name := range snap.names {
		if i < maxIndexed {
			datasets[name] = uint8(i)
		}
	}

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
	b := newBlock(max(1, min(blockRows, head.Count)))
	rows := 0
	for in, err := range s.Reader.Incidents(ctx, incident.Query{Filter: filter, Order: incident.ByStartRev}) {
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
		b.add(&s.columns, datasets, in)
		if b.n == len(b.fid) {
			st.b = b.append(st.b)
			b.n = 0
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
	if b.n > 0 {
		st.b = b.append(st.b)
	}
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
