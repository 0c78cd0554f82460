package ingest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sarhad/data/bundle"
	"sarhad/data/source"
	"sarhad/incident"
)

func open(tb testing.TB, text, file string) source.Reader {
	tb.Helper()
	r, err := source.Open(strings.NewReader(text), source.Options{File: file})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func synthetic(tb testing.TB, rows int) string {
	tb.Helper()
	var b strings.Builder
	if err := source.Generate(&b, rows, 7); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func balanced(tb testing.TB, r Report) {
	tb.Helper()
	if r.Read != r.New+r.Changed+r.Unchanged+r.Rejected {
		tb.Errorf("the report does not balance: %+v", r)
	}
}

const gedFile = "../../../shared/data/ucdp_ged_pakistan_1989-2021.csv"

func TestRealGED(t *testing.T) {
	text, err := os.ReadFile(gedFile)
	if err != nil {
		t.Skip("SKIPPED: the real GED file is not beside this checkout (../shared/data)")
	}
	store, locator := newMemory(), testLocator(t)
	for _, want := range []string{"6416 6416 0 0 0", "6416 0 0 6416 0"} {
		r, err := Run(t.Context(), Options{Source: open(t, string(text), "ged.csv"), File: "ged.csv", Store: store, Locator: locator})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Read, r.New, r.Changed, r.Unchanged, r.Rejected); got != want || r.Dataset != "ged" || !r.Stored {
			t.Errorf("got %s, want %s: %+v", got, want, r)
		}
		t.Log(r.Warnings, r.Seconds)
	}
	best, kinds, precisions, sides, noUnit := 0, map[incident.PlaceKind]int{}, map[incident.LocationPrecision]int{}, map[incident.BorderSide]int{}, 0
	for _, in := range store.rows {
		best += in.Best.N
		kinds[in.Place.Kind]++
		precisions[in.LocationPrecision]++
		sides[in.Border.Side]++
		if in.UnitID == "" {
			noUnit++
		}
		placeLaws(t, &in)
	}
	t.Log(kinds, precisions, sides, "without a unit:", noUnit)
	if best != 43225 {
		t.Errorf("sum of best %d", best)
	}
	// Codes 1 and 2 keep their points, but for 55 that lie far from the district named with them; a border event is only what says so.
	if kinds[incident.PlacePoint] != 2345-33 || kinds[incident.PlaceCircle] != 2633-22 || kinds[incident.PlaceBorder] < 15 || kinds[incident.PlaceBorder] > 40 {
		t.Errorf("places %v", kinds)
	}
}

// placeLaws hold for every incident that was placed.
func placeLaws(tb testing.TB, in *incident.Incident) {
	tb.Helper()
	bad := ""
	switch in.Place.Kind {
	case incident.PlacePoint, incident.PlaceCircle:
		if !in.HasPoint || !in.LocationPrecision.IsPoint() {
			bad = "a point without coordinates or precision"
		}
	case incident.PlaceSubunit:
		if in.UnitID == "" || in.Subunit == "" || !in.HasPoint {
			bad = "a subunit place without subunit or label"
		}
	case incident.PlaceUnit:
		if in.UnitID == "" || !in.HasPoint {
			bad = "a unit place without unit or label"
		}
	case incident.PlaceUnits:
		if len(in.Place.Units) == 0 {
			bad = "units without units"
		}
	case incident.PlaceProvince:
		if in.Province == "" {
			bad = "a province place without province"
		}
	case incident.PlaceCountry:
		if in.Country == "" {
			bad = "a country place without country"
		}
	case incident.PlaceBorder, incident.PlaceNone:
	default:
		bad = "no kind of place"
	}
	if in.Subunit != "" && in.Place.Kind != incident.PlaceSubunit && in.Place.Kind != incident.PlacePoint {
		bad = "a subunit of a place that is larger"
	}
	if (in.UnitThen == "") != (in.DistrictThen == "") || in.UnitThen != "" && in.UnitID == "" {
		bad = "a unit of the day without a name or without a unit"
	}
	if in.UnitID != "" && (in.Country == "" || in.Province == "") {
		bad = "a unit without country or province"
	}
	if in.Border.Side == "" || in.Border.MinKM < 0 || in.Border.MaxKM < in.Border.MinKM {
		bad = "no range of distances"
	}
	if bad != "" {
		tb.Errorf("%s: %s: %s %+v %+v", in.SourceID, bad, in.LocationPrecision, in.Place, in.Border)
	}
}

// The demo facts come through with places and claims as they are.
func TestDemo(t *testing.T) {
	store := newMemory()
	r, err := Run(t.Context(), Options{Source: open(t, string(bundle.Demo()), "demo.geojson"), File: "demo.geojson", Store: store, Locator: testLocator(t),
		Dataset: &incident.Dataset{Title: "Demo", Sample: true}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Rejected != 0 || r.New == 0 || r.Dataset != "demo" || len(r.Warnings) != 0 {
		t.Errorf("%+v", r)
	}
	if d := store.imports[0].Dataset; !d.Sample || d.Name != "demo" {
		t.Errorf("%+v", d)
	}
	var got []string
	for _, in := range store.rows {
		placeLaws(t, &in)
		got = append(got, fmt.Sprintf("%s %s %s %s units=%d candidates=%d claims=%d %s", in.SourceID, in.LocationPrecision, in.Place.Kind, in.UnitID,
			len(in.Place.Units), len(in.Candidates), len(in.Claims), in.Border.Side))
	}
	slices.Sort(got)
	for _, want := range []string{
		"demo-03 line border  units=0 candidates=0 claims=5 straddles",
		"demo-05 none none  units=0 candidates=0 claims=0 unknown",
		"demo-13-dir region units  units=2 candidates=2 claims=1 PK",
		"demo-13-bahram-chah region units  units=2 candidates=2 claims=1 straddles",
		"demo-13-kurram district unit pk-kp-kurram units=0 candidates=0 claims=1 PK",
		"demo-17 country country  units=0 candidates=0 claims=1 unknown",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("not there: %s", want)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(got, "\n"))
	}
}

// Of 10,000 rows 37 are broken, in all ways: the others load, and each of the 37 is named.
func TestBrokenRows(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(synthetic(t, 10_000), "\n"), "\n")
	type fault struct{ column, value, code string }
	set := func(column int, value string) func(string) string {
		return func(line string) string {
			f := strings.Split(line, ",")
			f[column] = value
			return strings.Join(f, ",")
		}
	}
	kinds := []struct {
		break_ func(string) string
		want   fault
	}{
		{set(1, ""), fault{"event_date", "", source.CodeMissingDate}},
		{set(1, "31/02/2025"), fault{"event_date", "31/02/2025", source.CodeBadDate}},
		{set(1, "04/05/2025"), fault{"event_date", "04/05/2025", source.CodeAmbiguousDate}},
		{set(1, "1820-01-01"), fault{"event_date", "1820-01-01", source.CodeDateOutOfRange}},
		{set(4, "100+"), fault{"fatalities", "100+", source.CodeBadNumber}},
		{set(4, "NaN"), fault{"fatalities", "NaN", source.CodeBadNumber}},
		{set(4, `"1,000"`), fault{"fatalities", "1,000", source.CodeBadNumber}},
		{set(5, "abc"), fault{"latitude", "abc", source.CodeBadCoordinate}},
		{set(5, "95"), fault{"latitude", "95", source.CodeCoordinateRange}},
		{set(6, ""), fault{"longitude", "", source.CodeIncompleteCoordinate}},
		{set(6, "Infinity"), fault{"longitude", "Infinity", source.CodeBadCoordinate}},
		{set(7, `"open`), fault{"notes", `"open`, source.CodeBadQuotes}},
		{set(7, "a\x81b"), fault{"notes", "a\ufffd\\x81b", source.CodeBadEncoding}},
		{set(8, "perhaps"), fault{"synthetic", "perhaps", source.CodeBadValue}},
		{func(s string) string { return s + ",more" }, fault{"", "more", source.CodeWrongFieldCount}},
		{func(s string) string { return s[:strings.LastIndexByte(s, ',')] }, fault{"", "", source.CodeWrongFieldCount}},
	}
	want := map[int]fault{}
	for i := range 37 {
		k := kinds[i%len(kinds)]
		n := 3 + i*269 // line of the file, from 1
		lines[n-1] = k.break_(lines[n-1])
		want[n] = k.want
	}
	text := strings.Join(lines, "\n") + "\n"

	var rejects bytes.Buffer
	store := newMemory()
	r, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), File: "f.csv", Store: store, Rejects: &rejects, Batch: 1000})
	if err != nil {
		t.Fatal(err)
	}
	balanced(t, r)
	if r.Read != 10_000 || r.New != 9963 || r.Rejected != 37 || len(store.rows) != 9963 || len(r.Rejects) != 37 {
		t.Errorf("%+v, %d stored", r, len(store.rows))
	}
	got := map[int]fault{}
	for _, is := range r.Rejects {
		got[is.Line] = fault{is.Column, is.Value, is.Code}
		if is.Reason == "" {
			t.Errorf("line %d has no reason", is.Line)
		}
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(fault{})); d != "" {
		t.Error(d)
	}

	// The file of rejects says the same.
	cr := csv.NewReader(&rejects)
	cr.FieldsPerRecord = -1
	rows, err := cr.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 38 || strings.Join(rows[0][:7], ",") != "file,line,column,value,code,reason,id" {
		t.Fatalf("%d rows of rejects, header %v", len(rows), rows[0])
	}
	for _, row := range rows[1:] {
		var line int
		fmt.Sscan(row[1], &line)
		if w := want[line]; row[0] != "f.csv" || row[2] != w.column || row[4] != w.code || row[5] == "" || row[6] == "" {
			t.Errorf("%q, want %+v", row, w)
		}
	}

	// Strict loads none and still names all.
	store = newMemory()
	r, err = Run(t.Context(), Options{Source: open(t, text, "f.csv"), File: "f.csv", Store: store, Strict: true})
	balanced(t, r)
	if incident.CodeOf(err) != incident.CodeInvalid || len(store.rows) != 0 || len(r.Rejects) != 37 || r.Read != 10_000 || r.Stored || store.aborted != 1 {
		t.Errorf("strict: %v, %d stored, %+v", err, len(store.rows), r)
	}
}

// What was refused loads after mending, and the whole is as if it had never been broken.
func TestMending(t *testing.T) {
	good := "date,notes,fatalities\n2025-10-12,=cmd(),1\n2025-10-13,two,2\n2025-10-14,three,3\n"
	broken := strings.Replace(good, "2025-10-12", "12.10.2025", 1)
	whole, store := newMemory(), newMemory()
	if _, err := Run(t.Context(), Options{Source: open(t, good, "f.csv"), File: "f.csv", Store: whole}); err != nil {
		t.Fatal(err)
	}
	var rejects bytes.Buffer
	if _, err := Run(t.Context(), Options{Source: open(t, broken, "f.csv"), File: "f.csv", Store: store, Rejects: &rejects}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(rejects.String(), ",12.10.2025,=cmd(),1\n") {
		t.Errorf("the columns of the source were touched: %s", rejects.String())
	}
	mended := strings.Replace(rejects.String(), ",12.10.2025,=cmd", ",2025-10-12,=cmd", 1)
	r, err := Run(t.Context(), Options{Source: open(t, mended, "rejects.csv"), File: "rejects.csv", Store: store})
	if err != nil || r.New != 1 || r.Rejected != 0 {
		t.Fatal(r, err)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(whole.rows)), slices.Sorted(maps.Keys(store.rows))); d != "" {
		t.Error(d)
	}
}

// Rows of too few or too many fields are refused again as long as nobody mends
// them, and are of the dataset of their file.
func TestUnmendedRejects(t *testing.T) {
	text := "date,notes,fatalities\n2025-10-12,one\n2025-10-13,two,2,more\n2025-10-14\n2025-10-15,three,x\n"
	for range 3 {
		store := newMemory()
		var rejects bytes.Buffer
		r, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), File: "f.csv", Store: store, Rejects: &rejects})
		if err != nil || r.Rejected != 4 || r.Dataset != "f" || len(store.rows) != 0 {
			t.Fatalf("%v %+v\n%s", err, r, text)
		}
		text = rejects.String()
	}
}

func TestHarmless(t *testing.T) {
	for in, want := range map[string]string{"=1+1": "'=1+1", "+49 x": "'+49 x", "-5": "-5", "@a": "'@a", "a=b": "a=b", "": "", "\tx": "'\tx"} {
		if got := harmless(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestDryRun(t *testing.T) {
	text := synthetic(t, 2500)
	store := newMemory()
	r, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), Store: store, DryRun: true, Batch: 1000})
	balanced(t, r)
	if err != nil || r.New != 2500 || len(store.rows) != 0 || r.Stored || store.finished != 0 {
		t.Errorf("%v %+v", err, r)
	}
}

func TestReload(t *testing.T) {
	text := synthetic(t, 500)
	store := newMemory()
	for _, want := range []string{"500 0 0", "0 0 500"} {
		r, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), Store: store, Batch: 64})
		if got := fmt.Sprint(r.New, r.Changed, r.Unchanged); err != nil || got != want {
			t.Errorf("%v %s, want %s", err, got, want)
		}
	}
	changed := strings.Replace(text, "\n17,", "\n17x,", 1) + strings.Split(text, "\n")[1] + "\n"
	r, err := Run(t.Context(), Options{Source: open(t, changed, "f.csv"), Store: store})
	if got := fmt.Sprint(r.New, r.Changed, r.Unchanged, r.Warnings); err != nil || got != "1 0 500 map[duplicate_row:1]" {
		t.Errorf("%v %s", err, got)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(store.reports[0]), &m); err != nil {
		t.Fatal(err)
	}
	want := []string{"changed", "dataset", "new", "read", "rejected", "seconds", "stored", "unchanged", "warnings"}
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(m))); d != "" || m["stored"] != true {
		t.Error(d, m)
	}
}

// The report keeps examples of every code, however many rows another code has.
func TestReportDetail(t *testing.T) {
	var b strings.Builder
	b.WriteString("date,lat,lon,location\n")
	for range 1500 {
		b.WriteString("2020-01-01,38.7,-9.1,Somewhere\n2020-01-01,x,1,Bad\n")
	}
	b.WriteString("2020-01-01,0,0," + strings.Repeat("Q", 5000) + "\n")
	r, err := Run(t.Context(), Options{Source: open(t, b.String(), "f.csv"), Store: newMemory(), Locator: testLocator(t)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r.Detail())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rejected        int
		Warnings        map[string]int
		Rejects, Doubts []map[string]any
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	codes := map[any]int{}
	for _, d := range got.Doubts {
		codes[d["code"]]++
		if d["line"] == 0.0 || d["reason"] == "" || len(d) != 5 || len(fmt.Sprint(d["value"])) > 210 {
			t.Fatalf("%v", d)
		}
	}
	if got.Rejected != 1500 || len(got.Rejects) != MaxRejectsInReport || got.Warnings["outside_region"] != 1500 || codes["outside_region"] != MaxRejectsInReport || codes["zero_coordinates"] != 1 {
		t.Errorf("%d rejected, %d named, %v, %v", got.Rejected, len(got.Rejects), got.Warnings, codes)
	}
}

// A file that holds an id twice changes nothing the second time.
func TestReloadDuplicates(t *testing.T) {
	text := "id,date,fatalities\n1,2020-01-01,1\n2,2020-01-01,2\n1,2020-01-01,9\n2,2020-01-01,2\n"
	store := newMemory()
	for _, want := range []string{"2 0 1 1", "0 0 3 1"} {
		r, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), Store: store})
		balanced(t, r)
		if got := fmt.Sprint(r.New, r.Changed, r.Unchanged, r.Rejected); err != nil || got != want || r.Rejects[0].Code != source.CodeDuplicateID {
			t.Errorf("%v %s, want %s: %+v", err, got, want, r)
		}
	}
	if in := store.rows[incident.ID("f", "1")]; in.Best.N != 1 {
		t.Errorf("the later row holds: %+v", in)
	}
}

func TestErrors(t *testing.T) {
	text := synthetic(t, 3000)
	store := newMemory()
	store.failAt = 2
	r, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), Store: store, Batch: 100})
	balanced(t, r)
	if !errors.Is(err, errFull) || r.New != 100 || store.aborted != 1 || store.finished != 0 {
		t.Errorf("full disk: %v %+v", err, r)
	}

	store = newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	store.onPut = cancel
	r, err = Run(ctx, Options{Source: open(t, text, "f.csv"), Store: store, Batch: 100})
	balanced(t, r)
	if !errors.Is(err, context.Canceled) || store.finished != 0 || store.aborted != 1 {
		t.Errorf("cancelled: %v %+v", err, r)
	}

	// A source that hangs does not hold Run.
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	pr, pw := io.Pipe()
	defer pw.Close()
	go func() { _, _ = pw.Write([]byte(text[:200_000])) }()
	src, err := source.Open(pr, source.Options{File: "-"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = Run(ctx, Options{Source: src, Store: newMemory()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hanging source: %v", err)
	}

	cut := `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"date":"2020-01-01"}}`
	store = newMemory()
	r, err = Run(t.Context(), Options{Source: open(t, cut, "f.geojson"), Store: store})
	balanced(t, r)
	if incident.CodeOf(err) != incident.CodeInvalid || len(store.rows) != 0 || store.reverted != 1 || store.aborted != 0 {
		t.Errorf("cut file: %v, %d rows stored", err, len(store.rows))
	}

	// Batches that were put before the break are taken back.
	store = newMemory()
	puts := 0
	store.onPut = func() { puts++ }
	var many strings.Builder
	many.WriteString(`{"type":"FeatureCollection","features":[`)
	for i := range 250 {
		fmt.Fprintf(&many, `{"type":"Feature","id":"%d","geometry":null,"properties":{"date":"2020-01-01"}},`, i)
	}
	r, err = Run(t.Context(), Options{Source: open(t, many.String()+"]]", "f.geojson"), Store: store, Batch: 100})
	balanced(t, r)
	if incident.CodeOf(err) != incident.CodeInvalid || puts < 2 || len(store.rows) != 0 || store.reverted != 1 || r.Stored {
		t.Errorf("cut after %d batches: %v, %d rows stored, %+v", puts, err, len(store.rows), r)
	}
}

// Whoever asks for it has all or nothing after any error, and knows the number of the load before anything is stored.
func TestRevertOnError(t *testing.T) {
	text := synthetic(t, 3000)
	store := newMemory()
	store.failAt = 2
	begun := int64(0)
	opt := Options{Source: open(t, text, "f.csv"), Store: store, Batch: 100, RevertOnError: true, Started: func(id int64) error {
		if len(store.rows) > 0 {
			t.Error("rows were stored before the load was known")
		}
		begun = id
		return nil
	}}
	if _, err := Run(t.Context(), opt); !errors.Is(err, errFull) || store.reverted != 1 || len(store.rows) != 0 || begun == 0 {
		t.Errorf("full disk: %v, %d rows, load %d", err, len(store.rows), begun)
	}

	store = newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	store.onPut = cancel
	if _, err := Run(ctx, Options{Source: open(t, text, "f.csv"), Store: store, Batch: 100, RevertOnError: true}); !errors.Is(err, context.Canceled) || store.reverted != 1 || len(store.rows) != 0 {
		t.Errorf("cancelled: %v, %d rows", err, len(store.rows))
	}

	store = newMemory()
	refuse := errors.New("no")
	if _, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), Store: store, Started: func(int64) error { return refuse }}); !errors.Is(err, refuse) || store.aborted != 1 || len(store.rows) != 0 {
		t.Errorf("refused at the start: %v", err)
	}
}

// faulty panics at one row.
type faulty struct{ rows int }

func (f *faulty) Locate(*source.Row) []source.Issue {
	if f.rows++; f.rows == 250 {
		panic("a fault")
	}
	return nil
}

// A fault of the program ends the load and not the program, and nothing stays.
func TestFault(t *testing.T) {
	store := newMemory()
	_, err := Run(t.Context(), Options{Source: open(t, synthetic(t, 1000), "f.csv"), Store: store, Batch: 100, Locator: &faulty{}})
	if incident.CodeOf(err) != incident.CodeInternal || !strings.Contains(err.Error(), "a fault") || store.reverted != 1 || len(store.rows) != 0 {
		t.Errorf("in the reader: %v, %d rows", err, len(store.rows))
	}
	store = newMemory()
	store.onPut = func() { panic("a fault") }
	_, err = Run(t.Context(), Options{Source: open(t, synthetic(t, 1000), "f.csv"), Store: store, Batch: 100})
	if incident.CodeOf(err) != incident.CodeInternal || store.reverted != 1 || len(store.rows) != 0 {
		t.Errorf("in the store: %v, %d rows", err, len(store.rows))
	}
}

// A file that is the whole dataset takes away what it lacks, unless rows of it cannot be read.
func TestReplace(t *testing.T) {
	run := func(text string, replace bool) (Report, *memory, error) {
		t.Helper()
		store := newMemory()
		store.gone = 7
		r, err := Run(t.Context(), Options{Source: open(t, text, "f.csv"), Store: store, Replace: replace})
		balanced(t, r)
		return r, store, err
	}
	good := "id,date\na,2020-01-01\n"
	if r, _, err := run(good, true); err != nil || r.Gone == nil || *r.Gone != 7 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, _, err := run(good, false); err != nil || r.Gone != nil {
		t.Errorf("not asked: %+v, %v", r, err)
	}
	if r, _, err := run(good+"b,nonsense\n", true); err != nil || r.Gone == nil || *r.Gone != 0 || r.Warnings[WarnNotReplaced] != 1 {
		t.Errorf("with a refused row: %+v, %v", r, err)
	}
	if _, store, err := run("id,date\n", true); incident.CodeOf(err) != incident.CodeInvalid || store.finished != 0 {
		t.Errorf("an empty file: %v", err)
	}
}

func TestProgress(t *testing.T) {
	text := synthetic(t, 5000)
	c := NewCounter(strings.NewReader(text))
	src, err := source.Open(c, source.Options{File: "f.csv"})
	if err != nil {
		t.Fatal(err)
	}
	var states []Progress
	var lines, bar, quiet bytes.Buffer
	printers := []*Printer{NewPrinter(&lines, false, false), NewPrinter(&bar, true, false), NewPrinter(&quiet, true, true)}
	if _, err := Run(t.Context(), Options{Source: src, Store: newMemory(), Batch: 100, Bytes: c, Size: int64(len(text)), Progress: func(p Progress) {
		states = append(states, p)
		for _, pr := range printers {
			pr.Print(p)
		}
	}}); err != nil {
		t.Fatal(err)
	}
	last := states[len(states)-1]
	if !last.Done || last.Rows != 5000 || last.Bytes != int64(len(text)) || last.TotalBytes != last.Bytes {
		t.Errorf("%+v", last)
	}
	if !strings.HasPrefix(lines.String(), "5,000 rows, ") || !strings.Contains(bar.String(), "5,000 rows") || quiet.Len() > 0 {
		t.Errorf("%q %q %q", lines.String(), bar.String(), quiet.String())
	}
	p := NewPrinter(&lines, false, false)
	lines.Reset()
	for s := range 5 {
		p.Print(Progress{Rows: int64(s) * 1_000_000, Bytes: int64(s) * 25, TotalBytes: 200, Elapsed: time.Duration(s) * time.Second})
	}
	if want := "2,000,000 rows, 1,000,000 rows/s, 25 %, 6s left\n4,000,000 rows, 1,000,000 rows/s, 50 %, 4s left\n"; lines.String() != want {
		t.Errorf("%q", lines.String())
	}
}
