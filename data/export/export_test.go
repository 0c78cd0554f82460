package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/data/storetest"
	"sarhad/incident"
)

func sequence(list []incident.Incident) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		for i := range list {
			in := list[i] // valid until the next step only
			if !yield(&in, nil) {
				return
			}
			in = incident.Incident{}
		}
	}
}

func encode(b []byte, in *incident.Incident) []byte {
	return append(b, fmt.Sprintf(`{"type":"Feature","id":%q,"geometry":null,"properties":{"x":%q}}`, in.ID, "a")...)
}

// world has a place of every kind and texts that break carelessly written files.
func world() []incident.Incident {
	var list []incident.Incident
	for i, k := range incident.PlaceKinds {
		in := incident.Incident{Dataset: "ged", SourceID: fmt.Sprint(i), Start: 18000, End: 18000 + incident.Day(i%2), EventType: incident.EventTypes[i%6],
			Country: "PK", Province: "Khyber Pakhtunkhwa", District: "Kurram", UnitID: "pk-kp-kurram", Subunit: "pk-kp-kurram-upper",
			Point: orb.Point{70.25, 33.75}, HasPoint: true, Place: incident.Place{Kind: k}, Summary: "=cmd|' /C calc'!A0 <b>\"x\"</b> & \x01\r\n سرحد"}
		if k == incident.PlaceCircle {
			in.Place.RadiusM = 25000
		}
		in.ID = incident.ID(in.Dataset, in.SourceID)
		list = append(list, in)
	}
	return list
}

var testInfo = Info{Datasets: []incident.Dataset{{Name: "ged", Title: "UCDP GED", Licence: "CC BY 4.0", Attribution: "Sundberg & Melander", Version: "25.1"}},
	Withheld: []string{"acled"}, Note: "No endorsement.", Address: "http://h/items?a=1&f=x"}

func TestHarmlessIsUndone(t *testing.T) {
	for s, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+1": "'+1", "-2": "'-2", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\nx": "'\nx", " =1": "' =1",
		"'=1": "''=1", "''+": "'''+", "'Abd": "'Abd", "' =1": "'' =1", "＝1": "'＝1", "1-2": "1-2", "a=b": "a=b", "'": "'", "''": "''", "\ufeff=1": "'\ufeff=1",
	} {
		if got := Harmless(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("'=+-@\t\r\n a＝\u00a0"))).Draw(t, "text")
		h := Harmless(s)
		if Unharm(h) != s {
			t.Fatalf("%q becomes %q and comes back as %q", s, h, Unharm(h))
		}
		if first := strings.TrimLeft(h, " \u00a0"); first != "" && strings.ContainsAny(first[:1], "=+-@") {
			t.Fatalf("%q is not harmless", h)
		}
	})
}

func TestCSV(t *testing.T) {
	info := testInfo
	info.HXL = true
	var b bytes.Buffer
	if err := CSV(&b, info, sequence(world())); err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bytes.NewReader(b.Bytes()))
	all, err := r.ReadAll()
	if err != nil || len(all) != 2+len(world()) {
		t.Fatal(len(all), err)
	}
	names, tags := map[string]int{}, map[string]bool{}
	for i, n := range all[0] {
		names[n] = i
		tag := all[1][i]
		if !strings.HasPrefix(tag, "#") || tags[tag] {
			t.Errorf("the tag of %s is %q", n, tag)
		}
		tags[tag] = true
	}
	if len(names) != len(columns) {
		t.Error("a column comes twice")
	}
	row := all[2]
	if got := row[names["summary"]]; !strings.HasPrefix(got, "'=cmd") {
		t.Errorf("a formula is not made harmless: %q", got)
	}
	if row[names["longitude"]] != "70.25" || row[names["fatalities_best"]] != "" || row[names["place_kind"]] != "point" || row[names["start_date"]] != "2019-04-14" {
		t.Errorf("%q", row)
	}
	if !bytes.Contains(b.Bytes(), []byte("\r\n")) || !bytes.HasPrefix(b.Bytes(), []byte("id,dataset,source_id,")) {
		t.Errorf("%.60q", b.Bytes())
	}
	info = Info{BOM: true}
	b.Reset()
	if err := CSV(&b, info, sequence(nil)); err != nil || b.String() != "\ufeff"+strings.Join(all[0], ",")+"\r\n" {
		t.Errorf("%v %.80q", err, b.String())
	}
}

func TestJoinList(t *testing.T) {
	for want, l := range map[string][]string{
		"": nil, "a": {"a"}, "a; b": {"a", "b"}, `["a;b"]`: {"a;b"}, `["","b"]`: {"", "b"}, `[" a"]`: {" a"}, `["[x"]`: {"[x"}, "a, b; c": {"a, b", "c"},
	} {
		if got := JoinList(l); got != want {
			t.Errorf("%q becomes %s, want %s", l, got, want)
		}
	}
}

func TestGeoJSON(t *testing.T) {
	var b bytes.Buffer
	if err := GeoJSON(&b, testInfo, encode, sequence(world())); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Type, Attribution string
		Datasets          []dataset
		Withheld          []string
		Links             []link
		Features          []struct{ ID string }
		NumberReturned    int
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	if got.Type != "FeatureCollection" || len(got.Features) != 9 || got.NumberReturned != 9 || got.Datasets[0].Licence != "CC BY 4.0" || got.Datasets[0].Public != "items" ||
		got.Withheld[0] != "acled" || got.Links[0].Href != testInfo.Address || !strings.Contains(got.Attribution, "Sundberg & Melander") || !strings.Contains(got.Attribution, "acled") {
		t.Errorf("%+v", got)
	}
	b.Reset()
	if err := GeoJSON(&b, Info{}, encode, sequence(nil)); err != nil || !json.Valid(b.Bytes()) {
		t.Errorf("%v %s", err, b.Bytes())
	}
	b.Reset()
	if err := GeoJSONSeq(&b, encode, true, sequence(world())); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(b.String(), "\x1e")
	if len(parts) != 10 || parts[0] != "" {
		t.Errorf("%d parts", len(parts))
	}
	for _, p := range parts[1:] {
		if !json.Valid([]byte(p)) || !strings.HasSuffix(p, "}\n") {
			t.Errorf("%q", p)
		}
	}
}

// kmlFile is what a reader makes of a document.
type kmlFile struct {
	XMLName  xml.Name `xml:"http://www.opengis.net/kml/2.2 kml"`
	Document struct {
		About   string     `xml:"description"`
		Styles  []kmlStyle `xml:"Style"`
		Folders []struct {
			Name       string      `xml:"name"`
			Placemarks []placeMark `xml:"Placemark"`
		} `xml:"Folder"`
	}
}

type kmlStyle struct {
	ID    string `xml:"id,attr"`
	Color string `xml:"IconStyle>color"`
}

type placeMark struct {
	Name     string `xml:"name"`
	About    string `xml:"description"`
	Begin    string `xml:"TimeSpan>begin"`
	End      string `xml:"TimeSpan>end"`
	StyleURL string `xml:"styleUrl"`
	Data     []struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value"`
	} `xml:"ExtendedData>Data"`
	Point   string `xml:"Point>coordinates"`
	Polygon string `xml:"Polygon>outerBoundaryIs>LinearRing>coordinates"`
}

func (p *placeMark) value(name string) string {
	for _, d := range p.Data {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

func TestKML(t *testing.T) {
	var b bytes.Buffer
	if err := KML(&b, testInfo, sequence(world())); err != nil {
		t.Fatal(err)
	}
	var f kmlFile
	if err := xml.Unmarshal(b.Bytes(), &f); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	d := &f.Document
	if !strings.Contains(d.About, "CC BY 4.0") || !strings.Contains(d.About, "acled") || !strings.Contains(d.About, "No endorsement.") {
		t.Errorf("the document does not say whose it is: %s", d.About)
	}
	styles := map[string]string{}
	for _, s := range d.Styles {
		styles["#"+s.ID] = s.Color
	}
	if styles["#battles"] != "ff173bc2" { // aabbggrr
		t.Errorf("battles are %s", styles["#battles"])
	}
	if len(d.Folders) != len(incident.PlaceKinds) {
		t.Fatalf("%d folders", len(d.Folders))
	}
	want := world()
	for i, k := range incident.PlaceKinds {
		folder := d.Folders[i]
		if folder.Name != folders[k] || len(folder.Placemarks) != 1 {
			t.Fatalf("folder %d is %s with %d", i, folder.Name, len(folder.Placemarks))
		}
		p, in := folder.Placemarks[0], want[i]
		if (p.Point != "") != (k == incident.PlacePoint) || (p.Polygon != "") != (k == incident.PlaceCircle) {
			t.Errorf("%s: point %q, polygon %.40q", k, p.Point, p.Polygon)
		}
		if p.Begin != in.Start.String() || p.End != in.End.String() || styles[p.StyleURL] == "" {
			t.Errorf("%s: %s to %s, style %s", k, p.Begin, p.End, p.StyleURL)
		}
		if p.value("id") != in.ID || p.value("longitude") != "70.25" || p.value("source_id") != in.SourceID || p.value("unit_id") != "pk-kp-kurram" {
			t.Errorf("%s: %+v", k, p.Data)
		}
		if strings.Contains(p.About, "<b>") || !strings.Contains(p.About, "&lt;b&gt;") {
			t.Errorf("%s: markup of a summary lives: %s", k, p.About)
		}
		if p.Name != string(in.EventType)+", Kurram" {
			t.Errorf("name %q", p.Name)
		}
	}
	if got := d.Folders[0].Placemarks[0].Point; got != "70.25,33.75" {
		t.Errorf("the point is %s", got)
	}
	if got := d.Folders[3].Placemarks[0].About; !strings.Contains(got, "somewhere in Kurram; no point is known") {
		t.Error(got)
	}
	b.Reset()
	if err := KML(&b, Info{}, sequence(nil)); err != nil || xml.Unmarshal(b.Bytes(), &f) != nil {
		t.Errorf("an empty one: %v %s", err, b.Bytes())
	}
}

// GDAL reads every placemark, with its place and its days.
func TestGDALReadsKML(t *testing.T) {
	storetest.NeedGDAL(t, "ogr2ogr")
	file := filepath.Join(t.TempDir(), "x.kml")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(KML(f, testInfo, sequence(world())), f.Close()); err != nil {
		t.Fatal(err)
	}
	for i, k := range incident.PlaceKinds {
		var errs bytes.Buffer
		cmd := exec.Command("ogr2ogr", "-f", "GeoJSON", "/vsistdout/", file, folders[k])
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v %s", k, err, errs.String())
		}
		var c struct {
			Features []struct {
				Geometry   *struct{ Type string }
				Properties map[string]any
			}
		}
		if err := json.Unmarshal(out, &c); err != nil || len(c.Features) != 1 {
			t.Fatalf("%s: %v %s", k, err, out)
		}
		got, want := "", map[incident.PlaceKind]string{incident.PlacePoint: "Point", incident.PlaceCircle: "Polygon"}[k]
		if g := c.Features[0].Geometry; g != nil {
			got = g.Type
		}
		p := c.Features[0].Properties
		if got != want || p["id"] != world()[i].ID && p["Name"] == nil || !strings.HasPrefix(fmt.Sprint(p["begin"]), "2019-04-14") && !strings.HasPrefix(fmt.Sprint(p["begin"]), "2019/04/14") {
			t.Errorf("%s: %s, want %q: %v", k, got, want, p)
		}
	}
}

// What a store fails with ends the export, and no whole file is left.
func TestErrorsPass(t *testing.T) {
	broken := errors.New("broken")
	failing := func(yield func(*incident.Incident, error) bool) {
		list := world()
		for range 20_000 {
			for i := range list {
				if !yield(&list[i], nil) {
					return
				}
			}
		}
		yield(nil, broken)
	}
	t.Setenv("TMPDIR", t.TempDir())
	for name, write := range writers {
		if err := write(io.Discard, failing); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if err := write(full{}, failing); !errors.Is(err, errFull) {
			t.Errorf("%s to a full disk: %v", name, err)
		}
		if err := write(full{}, sequence(world())); !errors.Is(err, errFull) {
			t.Errorf("%s to a full disk: %v", name, err)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var writers = map[string]func(io.Writer, iter.Seq2[*incident.Incident, error]) error{
	"csv": func(w io.Writer, s iter.Seq2[*incident.Incident, error]) error { return CSV(w, testInfo, s) },
	"geojson": func(w io.Writer, s iter.Seq2[*incident.Incident, error]) error {
		return GeoJSON(w, testInfo, encode, s)
	},
	"seq": func(w io.Writer, s iter.Seq2[*incident.Incident, error]) error { return GeoJSONSeq(w, encode, true, s) },
	"kml": func(w io.Writer, s iter.Seq2[*incident.Incident, error]) error { return KML(w, testInfo, s) },
}

// The memory in use does not grow with the number of incidents.
func TestMemoryIsFlat(t *testing.T) {
	rows := 200_000
	if testing.Short() {
		rows = 20_000
	}
	some := storetest.Plain(1000, 1)
	for i := range some {
		some[i].Place.Kind = incident.PlaceKinds[i%len(incident.PlaceKinds)]
	}
	for name, write := range writers {
		n := rows
		if name == "kml" {
			n /= 10 // as flat, and thirty times slower
		}
		var most uint64
		many := func(yield func(*incident.Incident, error) bool) {
			for i := range n {
				if i%(n/10) == n/20 {
					runtime.GC()
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
				if !yield(&some[i%len(some)], nil) {
					return
				}
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if err := write(io.Discard, many); err != nil {
			t.Fatal(err)
		}
		if grown := int64(most) - int64(m.HeapAlloc); grown > 16<<20 {
			t.Errorf("%s: the heap grows by %d bytes", name, grown)
		}
	}
}

// docs/exports.md lists the columns as they are.
func TestColumnsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/exports.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "`id dataset")
	listed, _, _ := strings.Cut(rest, "`")
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	if got := strings.Fields("id dataset" + listed); !slices.Equal(got, names) {
		t.Errorf("docs/exports.md has the columns %v\nwant %v", got, names)
	}
}
