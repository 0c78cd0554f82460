package api

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sarhad/incident"
)

// columnsAnswer is a decoded answer of columns.
type columnsAnswer struct {
	head   columnHeader
	origin incident.Day
	rows   []columnRow
	tables struct {
		Spans         []int
		Wheres, Kinds [][]*int
		Deaths        [][]*float64
	}
	widths [4]int // of the columns of numbers, in the last block
}

type columnRow struct {
	FID      uint32
	Start    uint16
	Lon, Lat float64 // NaN where there is no point
	Code     [4]int  // span, where, kind, deaths
}

func (a *columnsAnswer) day(r columnRow) incident.Day { return a.origin + incident.Day(r.Start) }

func decodeColumns(t testing.TB, b []byte) (a columnsAnswer) {
	t.Helper()
	le := binary.LittleEndian
	if string(b[:4]) != "SRHD" || le.Uint32(b[4:]) != 2 {
		t.Fatalf("the answer begins with %q", b[:8])
	}
	n := int(le.Uint32(b[8:]))
	if (12+n)%4 != 0 {
		t.Errorf("the header ends at %d", 12+n)
	}
	if err := json.Unmarshal(b[12:12+n], &a.head); err != nil {
		t.Fatal(err)
	}
	a.origin = day(a.head.Origin)
	b = b[12+n:]
	take := func(size int) []byte {
		padded := (size + 3) / 4 * 4
		out := b[:size]
		for _, p := range b[size:padded] {
			if p != 0 {
				t.Error("padding is not zero")
			}
		}
		b = b[padded:]
		return out
	}
	for len(b) > 0 {
		n := int(le.Uint32(take(4)))
		if n == 0 || n > 65536 {
			t.Fatalf("a block of %d rows", n)
		}
		size := int(le.Uint32(take(4)))
		if size%4 != 0 {
			t.Errorf("tables of %d bytes", size)
		}
		more := a.tables
		more.Spans, more.Wheres, more.Kinds, more.Deaths = nil, nil, nil, nil
		if err := json.Unmarshal(take(size), &more); err != nil {
			t.Fatal(err)
		}
		a.tables.Spans = append(a.tables.Spans, more.Spans...)
		a.tables.Wheres = append(a.tables.Wheres, more.Wheres...)
		a.tables.Kinds = append(a.tables.Kinds, more.Kinds...)
		a.tables.Deaths = append(a.tables.Deaths, more.Deaths...)
		rows := make([]columnRow, n)
		fid, start := take(4*n), take(2*n)
		high := [2][]byte{take(2 * n), take(2 * n)}
		low := [2][]byte{take(n), take(n)}
		var code [4][]byte
		for i, entries := range [4]int{len(a.tables.Spans), len(a.tables.Wheres), len(a.tables.Kinds), len(a.tables.Deaths)} {
			a.widths[i] = 1
			if entries > 1<<16 {
				a.widths[i] = 4
			} else if entries > 1<<8 {
				a.widths[i] = 2
			}
			code[i] = take(a.widths[i] * n)
		}
		for i := range rows {
			r := &rows[i]
			r.FID, r.Start, r.Lon, r.Lat = le.Uint32(fid[4*i:]), le.Uint16(start[2*i:]), math.NaN(), math.NaN()
			var at [2]int
			for j := range at {
				at[j] = int(le.Uint16(high[j][2*i:]))<<8 | int(low[j][i])
			}
			if at[0] != noPoint || at[1] != noPoint {
				r.Lon = float64(at[0])/(1<<24)*360 - 180
				r.Lat = math.Atan(math.Sinh(math.Pi*(1-2*float64(at[1])/(1<<24)))) * 180 / math.Pi
			}
			for j := range code {
				var v [4]byte
				copy(v[:], code[j][a.widths[j]*i:a.widths[j]*(i+1)])
				r.Code[j] = int(le.Uint32(v[:]))
			}
		}
		a.rows = append(a.rows, rows...)
	}
	return a
}

const columnsURL = "/collections/incidents/columns"

func TestColumnsSayWhatItemsSay(t *testing.T) {
	m := testStore()
	m.rows[3].Start = day("1951-08-20")
	m.rows[3].End = m.rows[3].Start + 900
	h := mustHandler(t, testConfig(m))
	at := func(list []string, i *int) any {
		if i == nil {
			return nil
		}
		return list[*i]
	}
	figure := func(v *float64) any {
		if v == nil {
			return nil
		}
		return *v
	}
	for _, query := range []string{"", "?dataset=ged", "?unit=pk-kp-kurram&datetime=2009-06-01/2009-06-30", "?bbox=0,0,1,1", "?precision=none"} {
		a := decodeColumns(t, do(h, http.MethodGet, columnsURL+query, nil).Body.Bytes())
		more := "?"
		if query != "" {
			more = query + "&"
		}
		items := fetch(t, h, incidentsURL+more+"sortby=-start_date&limit=1000")
		if len(a.rows) != items.NumberMatched || a.head.Count != len(a.rows) {
			t.Fatalf("%s: %d rows, count %d, items %d", query, len(a.rows), a.head.Count, items.NumberMatched)
		}
		for i, r := range a.rows {
			p := items.Features[i].Properties
			where, kind, deaths := a.tables.Wheres[r.Code[1]], a.tables.Kinds[r.Code[2]], a.tables.Deaths[r.Code[3]]
			area := any(nil)
			if where[1] != nil {
				if ar := a.head.Areas[*where[1]]; ar.Province != nil {
					area = *ar.Province
				} else if ar.Country != p["country"] {
					t.Errorf("area %v for %v", ar, p["country"])
				}
			}
			got := []any{float64(r.FID), a.day(r).String(), (a.day(r) + incident.Day(a.tables.Spans[r.Code[0]])).String(), figure(deaths[0]), figure(deaths[1]), figure(deaths[2]),
				at(a.head.Units, where[0]), at(a.head.Datasets, kind[0]), at(a.head.EventTypes, kind[1]), at(a.head.SubEventTypes, kind[2]), at(a.head.Precisions, kind[3]),
				at(a.head.Places, kind[4]), at(a.head.Verifications, kind[5]), area, *kind[6]&2 != 0}
			exp := []any{p["fid"], p["start_date"], p["end_date"], p["fatalities_best"], p["fatalities_low"], p["fatalities_high"], p["unit_id"], p["dataset"], p["event_type"],
				p["sub_event_type"], p["location_precision"], p["place_kind"], p["verification"], p["province"], len(p["claims"].([]any)) > 0}
			if d := cmp.Diff(exp, got); d != "" {
				t.Errorf("%s row %d (-items +columns):\n%s", query, i, d)
			}
			if coarse := incident.TimePrecision(p["time_precision"].(string)).Coarse(); coarse != (*kind[6]&1 != 0) {
				t.Errorf("%s row %d: flags %d", query, i, *kind[6])
			}
			g := items.Features[i].Geometry
			if g == nil {
				if !math.IsNaN(r.Lon) || !math.IsNaN(r.Lat) {
					t.Errorf("%s row %d: %v, %v of no point", query, i, r.Lon, r.Lat)
				}
				continue
			}
			xy := g.Coordinates.([]any)
			if dx, dy := math.Abs(r.Lon-xy[0].(float64)), math.Abs(r.Lat-xy[1].(float64)); !(dx < 1.2e-5) || !(dy < 1.2e-5) { // half a step
				t.Errorf("%s row %d: %v, %v, want %v", query, i, r.Lon, r.Lat, xy)
			}
		}
	}
}

// Poles and the edges of the world are places like any other; no point is mistaken for "none".
func TestUnitSquare(t *testing.T) {
	for _, c := range []struct {
		lon, lat float64
		x, y     uint32
	}{{0, 0, 1 << 23, 1 << 23}, {-180, 90, 0, 0}, {180, -90, noPoint - 1, noPoint - 1}, {180, -86, noPoint - 1, noPoint - 1}} {
		if x, y := unitSquare([2]float64{c.lon, c.lat}); x != c.x || y != c.y {
			t.Errorf("%v, %v is at %d, %d, want %d, %d", c.lon, c.lat, x, y, c.x, c.y)
		}
	}
}

func TestColumnsInBlocksAndKept(t *testing.T) {
	m := many(150_001, 0)
	m.rows[7].Start, m.rows[7].End = day("1899-12-31"), 3 // before everything that the columns say
	h := mustHandler(t, testConfig(m))
	first := do(h, http.MethodGet, columnsURL, nil).Body.Bytes()
	a := decodeColumns(t, first)
	if a.head.Count != 150_000 || len(a.rows) != 150_000 || a.head.BeforeOrigin != 1 || a.head.Origin != "1900-01-01" {
		t.Errorf("count %d, rows %d, %d before %s", a.head.Count, len(a.rows), a.head.BeforeOrigin, a.head.Origin)
	}
	if most := 20 * len(a.rows); len(first) > most {
		t.Errorf("%d bytes, want at most %d", len(first), most)
	}
	for i := range a.rows[1:] {
		if x, y := a.rows[i], a.rows[i+1]; x.Start < y.Start || x.Start == y.Start && x.FID <= y.FID {
			t.Fatalf("rows %d and %d are out of order", i, i+1)
		}
	}
	reads := m.reads.Load()
	if again := do(h, http.MethodGet, columnsURL, nil).Body.Bytes(); !bytes.Equal(first, again) || m.reads.Load() != reads {
		t.Errorf("the second answer is the same: %v; it read the store %d times", bytes.Equal(first, again), m.reads.Load()-reads)
	}
	m.change.Add(1)
	if do(h, http.MethodGet, columnsURL, nil); m.reads.Load() != reads+1 {
		t.Error("a change did not end what was kept")
	}
}

// Tables that outgrow a byte and two bytes lose nothing.
func TestColumnsWithLargeTables(t *testing.T) {
	spec := newColumnSpec(testUnits, nil)
	const rows = 1<<16 + 100
	w := newColumnWriter(&spec, 0, []string{"a"}, rows)
	out, err := columnsHead(columnHeader{Origin: "1970-01-01"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		w.add(&incident.Incident{FID: int64(i), Start: 1, End: incident.Day(1 + i%300), Dataset: "a", Best: incident.Figure{N: i, Known: i != 5}})
		if i == 99 || i == 399 {
			out = w.flush(out)
		}
	}
	a := decodeColumns(t, w.flush(out))
	if want := [4]int{2, 1, 1, 4}; a.widths != want {
		t.Errorf("widths %v, want %v", a.widths, want)
	}
	for i, r := range a.rows {
		best := a.tables.Deaths[r.Code[3]][0]
		if (best == nil) != (i == 5) || best != nil && *best != float64(i) || a.tables.Spans[r.Code[0]] != i%300 || r.FID != uint32(i) {
			t.Fatalf("row %d: %+v", i, r)
		}
	}
}

func TestColumnsWhileTheStoreChanges(t *testing.T) {
	m := many(300, 0)
	var once sync.Once
	m.onRow = func(int) { once.Do(func() { m.change.Add(1); m.rows = m.rows[:250] }) }
	a := decodeColumns(t, do(mustHandler(t, testConfig(m)), http.MethodGet, columnsURL, nil).Body.Bytes())
	if a.head.Count != 250 || len(a.rows) != 250 || a.head.Change != 43 {
		t.Errorf("count %d, rows %d, change %d", a.head.Count, len(a.rows), a.head.Change)
	}
}

func BenchmarkColumns(b *testing.B) {
	m := endlessStore(200_000)
	h := mustHandler(b, testConfig(m))
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{h: http.Header{}}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, columnsURL+"?country=PK", nil))
		b.SetBytes(int64(w.n))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200_000, "ns/row")
}
