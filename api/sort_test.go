package api

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// naiveOrder sorts the shown incidents of the test store by some properties.
func naiveOrder(rows []incident.Incident, sortby string) []string {
	list := slices.Clone(rows)
	slices.SortStableFunc(list, func(a, b incident.Incident) int {
		for part := range strings.SplitSeq(sortby, ",") {
			name, down := strings.CutPrefix(part, "-")
			info, _ := incident.LookupProperty(incident.Property(name))
			x, y := info.Get(&a), info.Get(&b)
			switch {
			case x.Null && y.Null:
				continue
			case x.Null:
				return 1
			case y.Null:
				return -1
			}
			order := cmp.Compare(x.Number, y.Number)
			if info.Kind == incident.Text || info.Kind == incident.Date {
				order = strings.Compare(x.Text, y.Text)
			}
			if down {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return cmp.Compare(a.FID, b.FID)
	})
	var ids []string
	for _, in := range list {
		if in.Dataset != "acled" {
			ids = append(ids, in.ID)
		}
	}
	return ids
}

// Every order gives every incident once, whatever the size of the pages, and null comes last.
func TestSortedPages(t *testing.T) {
	m := testStore()
	long := strings.Repeat("سرحد", 100)
	m.rows[1].Summary, m.rows[2].Summary = long+"a", long+"b" // the same within what counts
	h := mustHandler(t, testConfig(m))
	orders := []string{"-fatalities_best,country,-start_date"}
	for _, p := range incident.Properties() {
		orders = append(orders, string(p.Name), "-"+string(p.Name), "-"+string(p.Name)+",country", "event_type,"+string(p.Name))
	}
	for _, sortby := range orders {
		if strings.Count(sortby, "country") > 1 || strings.Count(sortby, "event_type") > 1 && !strings.Contains(sortby, "sub_") {
			continue
		}
		want := naiveOrder(m.rows, sortby)
		if strings.TrimPrefix(sortby, "-") == "start_date" { // the store's own order, in which ties are turned too
			continue
		}
		if strings.Contains(sortby, "summary") { // ties are in the order of the store
			i, j := slices.Index(want, m.rows[1].ID), slices.Index(want, m.rows[2].ID)
			if strings.HasPrefix(sortby, "-summary") && i > j {
				want[i], want[j] = want[j], want[i]
			}
		}
		for _, limit := range []int{1, 3, 8, 100} {
			next := fmt.Sprintf("%s?limit=%d&sortby=%s", incidentsURL, limit, sortby)
			var got []string
			for pages := 0; next != "" && pages < 12; pages++ {
				f := fetch(t, h, next)
				if f.NumberMatched != 8 {
					t.Errorf("%s: numberMatched is %d", next, f.NumberMatched)
				}
				for _, ft := range f.Features {
					got = append(got, ft.ID)
				}
				next = strings.TrimPrefix(f.link("next"), "http://sarhad.test")
			}
			if !slices.Equal(got, want) {
				t.Errorf("sortby=%s in pages of %d gives\n%v, want\n%v", sortby, limit, got, want)
			}
		}
	}
}

// What goes, comes or changes while somebody pages does not double or hide the rest.
func TestSortedPagesWhileLoading(t *testing.T) {
	m := many(500, 10)
	for i := range m.rows {
		m.rows[i].Best = incident.Known(i % 50)
	}
	h := mustHandler(t, testConfig(m))
	seen := map[string]int{}
	next := incidentsURL + "?limit=40&sortby=-fatalities_best,source_id"
	for page := 0; next != ""; page++ {
		f := fetch(t, h, next)
		for _, ft := range f.Features {
			seen[ft.ID]++
		}
		next = strings.TrimPrefix(f.link("next"), "http://sarhad.test")
		switch page {
		case 2: // the last of the page goes, and so does one that is still to come
			last := f.Features[len(f.Features)-1].ID
			m.rows = slices.DeleteFunc(m.rows, func(in incident.Incident) bool { return in.ID == last || in.ID == "i0" })
			m.change.Add(1)
		case 4: // one comes before the place
			in := testIncidents()[0]
			in.FID, in.ID, in.Best = 9001, "early", incident.Known(1000)
			m.rows = append(m.rows, in)
			m.change.Add(1)
		case 5: // one comes after it
			in := testIncidents()[0]
			in.FID, in.ID, in.Best = 9002, "late", incident.Known(0)
			m.rows = append(m.rows, in)
			m.change.Add(1)
		}
	}
	if len(seen) != 500 || seen["late"] != 1 || seen["early"] != 0 || seen["i0"] != 0 {
		t.Errorf("%d incidents were seen; late %d, early %d, i0 %d", len(seen), seen["late"], seen["early"], seen["i0"])
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was seen %d times", id, n)
		}
	}
}

// What goes between being sorted and being fetched is made up for.
func TestSortedPageIsFilledUp(t *testing.T) {
	m := testStore()
	s := mustServer(t, testConfig(&vanishing{memory: m, gone: map[string]bool{"2": true, "3": true}}))
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	f := fetch(t, h, incidentsURL+"?limit=3&sortby=fatalities_best")
	if len(f.Features) != 3 || f.link("next") == "" {
		t.Errorf("a page of 3 of which two went has %d features and the next page %q", len(f.Features), f.link("next"))
	}
}

func TestTooManyToSort(t *testing.T) {
	m := testStore()
	h := mustHandler(t, testConfig(&vanishing{memory: m, count: maxSorted + 1}))
	rec := do(h, http.MethodGet, incidentsURL+"?sortby=country", nil)
	if rec.Code != http.StatusBadRequest || !strings.Contains(rec.Body.String(), "narrow the filter") {
		t.Errorf("gives %d: %s", rec.Code, rec.Body)
	}
	if rec := do(h, http.MethodGet, incidentsURL+"?sortby=-start_date", nil); rec.Code != http.StatusOK {
		t.Errorf("sortby=-start_date gives %d", rec.Code)
	}
}

func TestSortCursors(t *testing.T) {
	by := sorting{keys: []sortKey{{property: property(t, "summary")}, {property: property(t, "fatalities_best"), down: true}}}
	r := rank{fid: 17, keys: [maxSortKeys]incident.Value{{Text: strings.Repeat("x", maxSortText)}, {Null: true}}}
	cursor := by.encode(&r)
	if back, err := by.place(params{"cursor": cursor}); err != nil || by.compare(back, &r) != 0 {
		t.Errorf("a cursor comes back as %+v, %v", back, err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(raw) { // every piece of one is refused, and nothing panics
		if _, err := by.place(params{"cursor": base64.RawURLEncoding.EncodeToString(raw[:cut])}); err == nil {
			t.Errorf("the first %d bytes of a cursor were taken", cut)
		}
	}
	other := sorting{keys: by.keys[:1]}
	if _, err := other.place(params{"cursor": cursor}); err == nil || !strings.Contains(err.Error(), "another order") {
		t.Errorf("a cursor of another order gives %v", err)
	}
}

func property(t testing.TB, name incident.Property) incident.PropertyInfo {
	t.Helper()
	p, ok := incident.LookupProperty(name)
	if !ok {
		t.Fatalf("there is no property %s", name)
	}
	return p
}

func TestMercator(t *testing.T) {
	for _, c := range []struct{ lonLat, metres orb.Point }{
		{orb.Point{71.1, 34.1}, orb.Point{7914815.795, 4042237.5}}, // as GDAL has it
		{orb.Point{0, 0}, orb.Point{0, 0}},
		{orb.Point{180, 0}, orb.Point{20037508.343, 0}},
	} {
		if got := toMercator(c.lonLat); math.Abs(got[0]-c.metres[0]) > 0.0011 || math.Abs(got[1]-c.metres[1]) > 0.0011 {
			t.Errorf("%v is at %v, want %v", c.lonLat, got, c.metres)
		}
		if back := fromMercator(toMercator(c.lonLat)); math.Abs(back[0]-c.lonLat[0]) > 1e-8 || math.Abs(back[1]-c.lonLat[1]) > 1e-8 {
			t.Errorf("%v comes back as %v", c.lonLat, back)
		}
	}
	for _, pole := range []orb.Point{{0, 90}, {0, -90}} {
		if got := toMercator(pole); math.IsInf(got[1], 0) || math.IsNaN(got[1]) {
			t.Errorf("a pole is at %v", got)
		}
	}
}

func TestRewriteLeavesTheRestAlone(t *testing.T) {
	four := otherCRS[0]
	for in, want := range map[string]string{
		`null`: `null`,
		`{"type":"Point","coordinates":[1,-2.5]}`:                              `{"type":"Point","coordinates":[-2.5,1]}`,
		`{"type":"MultiPolygon","coordinates":[[[[1,2],[3,4e-7]]],[[[5,6]]]]}`: `{"type":"MultiPolygon","coordinates":[[[[2,1],[4e-07,3]]],[[[6,5]]]]}`,
	} {
		if got := string(four.rewrite([]byte("before"+in), len("before"))); got != "before"+want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
}

// Links are in the header too; that to the next page as long as the answer is short.
func TestLinkHeader(t *testing.T) {
	h := mustHandler(t, testConfig(many(2000, 400)))
	short, long := do(h, http.MethodGet, incidentsURL+"?limit=5", nil), do(h, http.MethodGet, incidentsURL+"?limit=1000", nil)
	for _, part := range []string{`rel="self"; type="application/geo+json"`, `rel="alternate"; type="text/html"`, `rel="collection"`} {
		if !strings.Contains(short.Header().Get("Link"), part) || !strings.Contains(long.Header().Get("Link"), part) {
			t.Errorf("no %s in %q", part, short.Header().Get("Link"))
		}
	}
	f := fetch(t, h, incidentsURL+"?limit=5")
	if next := f.link("next"); !strings.Contains(short.Header().Get("Link"), "<"+next+`>; rel="next"`) {
		t.Errorf("no %s in %q", next, short.Header().Get("Link"))
	}
	if long.Body.Len() < firstChunk || strings.Contains(long.Header().Get("Link"), `rel="next"`) {
		t.Errorf("%d bytes have %q", long.Body.Len(), long.Header().Get("Link"))
	}
	wordy := do(h, http.MethodGet, incidentsURL+"?limit=5&filter="+url.QueryEscape("country IN ('PK',"+strings.Repeat("'Afghanistan',", 250)+"'AF')"), nil)
	if l := wordy.Header().Get("Link"); wordy.Code != http.StatusOK || len(l) > maxLinkHeader || !strings.HasPrefix(l, "<http") || !strings.Contains(l, `rel="next"`) {
		t.Errorf("a long filter gives %d with %d bytes of links: %.200s", wordy.Code, len(l), l)
	}
	if crs := short.Header().Get("Content-Crs"); crs != "<"+crs84+">" {
		t.Errorf("Content-Crs is %q", crs)
	}
}

// Chosen properties reach the store as a hint, with what they are made of.
func TestFieldsAreAskedFor(t *testing.T) {
	e := newEncoder(newPlaces(nil, nil, nil, nil))
	if err := (params{"properties": "type_of_violence_name,crossing_km,fid"}).view(e, formatGeoJSON); err != nil {
		t.Fatal(err)
	}
	if want := []incident.Property{"fid", "type_of_violence", "place_kind"}; !slices.Equal(e.fields, want) {
		t.Errorf("asked for %v, want %v", e.fields, want)
	}
	if e := newEncoder(e.places); e.fields != nil {
		t.Errorf("everything is %v", e.fields)
	}
}

func TestAFeatureAllocatesNothing(t *testing.T) {
	rows := testIncidents()
	e := newEncoder(newPlaces(nil, nil, nil, testCrossings))
	b := make([]byte, 0, 1<<16)
	if n := testing.AllocsPerRun(100, func() {
		for i := range rows[:3] {
			b = e.append(b[:0], &rows[i])
		}
	}); n > 0 {
		t.Errorf("three features allocate %v times", n)
	}
}

// BenchmarkPage measures a page of chosen properties, as the comparison with other servers asks for it.
func BenchmarkPage(b *testing.B) {
	h := mustHandler(b, testConfig(endlessStore(182)))
	w := &discard{h: http.Header{}}
	r := httptest.NewRequest(http.MethodGet, incidentsURL+"?limit=1000&bbox=70,33,72,35&datetime=2009-01-01/2009-12-31&properties=start_date,end_date,event_type,actor1,actor2,fatalities_best,district,location_precision,source_id,summary", nil)
	b.ReportAllocs()
	for b.Loop() {
		w.n = 0
		clear(w.h)
		h.ServeHTTP(w, r)
	}
	b.SetBytes(int64(w.n))
}
