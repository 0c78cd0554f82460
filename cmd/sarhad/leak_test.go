package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"sarhad/incident"
)

// What must be seen nowhere: the coordinates of a blurred incident and of a delayed one, cut to three decimals, every word that
// says where they were, and what who guesses the row or has the file knows it by.
const secretList = `id,event_date,latitude,longitude,event_type,actor,location,notes,source
secret-1-Qarmizabad,2025-10-05,33.873519,70.108437,Battles,Group A,Qarmizabad Hamlet,Fighting at Qarmizabad near the Zirgul spring,Gazette
open-far,2025-10-06,34.012345,71.512345,Battles,Group B,Somewhere,Another report,Gazette
`

var secrets = []string{"33.873", "33.874", "70.108", "33873", "70108", "qarmizabad", "zirgul", "33°52", "70°06", "31.217", "65.914", "65.915", "31217", "65914", "tangobala", "marwarid",
	incident.ID("hidden", "secret-1-Qarmizabad"), incident.ID("hidden", "open-far"), "secret.csv"}

// finer is the same to four decimals.
var finer = []string{"33.8735", "70.1084", "qarmizabad", "zirgul", "31.2178", "65.9145", "tangobala", "marwarid",
	incident.ID("hidden", "secret-1-Qarmizabad"), incident.ID("hidden", "open-far"), "secret.csv"}

func delayedList(day string) string {
	return "id,event_date,latitude,longitude,event_type,actor,location,notes\nlate-Tangobala," + day + ",31.217846,65.914528,Battles,Marwarid Front,Tangobala Village,Clash at Tangobala\n" +
		"early,2025-10-01,31.6,65.7,Battles,Group C,Kandahar,Old report\n"
}

// Nothing that is delayed or blurred is told by any route, in any format, by a filter or by an export for everybody.
func TestNothingLeaks(t *testing.T) {
	for _, index := range []string{"index", "no index"} {
		for _, blur := range []string{"grid:0.1", "district"} {
			t.Run(index+" "+blur, func(t *testing.T) {
				testLeaks(t, filepath.Join(t.TempDir(), "s.gpkg"), blur, index == "index")
			})
		}
	}
}

func testLeaks(t *testing.T, store, blur string, index bool) {
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := program(t.Context(), t, args...)
		var out bytes.Buffer
		cmd.Stdout = &out
		var said bytes.Buffer
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, said.String())
		}
		return strings.TrimSpace(out.String())
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run("import", "--store", store, "--quiet", "--dataset", "hidden", file("secret.csv", secretList))
	run("import", "--store", store, "--quiet", "--dataset", "late", file("late.csv", delayedList(time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly))))
	args := []string{"--store", store, "--no-demo", "--index-dir", dir}
	if !index {
		args = append(args, "--no-index")
	}
	base := serve(t, args...)
	// The rules are made while the server runs: what it had kept of before must go.
	if body := fetch(t, base+"/collections/incidents/items", ""); !strings.Contains(body, "Qarmizabad") || !strings.Contains(body, "Tangobala") {
		t.Fatalf("before the rules: %s", body)
	}
	run("datasets", "set", "hidden", "--store", store, "--blur", blur)
	run("datasets", "set", "late", "--store", store, "--delay", "30d")
	read := run("token", "create", "--store", store, "--scope", "read")
	for deadline := time.Now().Add(5 * time.Second); strings.Contains(fetch(t, base+"/collections/incidents/items", ""), "Qarmizabad"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("after five seconds the rules do not hold")
		}
	}
	learned := func() bool {
		return strings.Contains(fetch(t, base+"/geocode?q=Qarmizabad+Hamlet", ""), "33.87") || strings.Contains(fetch(t, base+"/geocode?q=Tangobala+Village", ""), "31.21")
	}
	for deadline := time.Now().Add(5 * time.Second); learned(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("names that were learned before are still known")
		}
	}

	tried := 0
	search := func(what, text string) {
		t.Helper()
		tried++
		low := strings.ToLower(text)
		list := secrets
		if strings.Contains(what, "/units/") || strings.Contains(what, "/border/") || strings.Contains(what, "jsonfg") || strings.Contains(what, "/items/") {
			list = finer // there are outlines with thousands of corners, some of which have three decimals in common with anything
		}
		for _, s := range list {
			if i := strings.Index(low, s); i >= 0 {
				t.Errorf("%s tells %q: …%s…", what, s, low[max(0, i-60):min(len(low), i+60)])
			}
		}
	}
	for _, path := range leakPaths(t, base) {
		search(path, fetch(t, base+path, ""))
	}
	if tried < 60 {
		t.Errorf("only %d answers were searched", tried)
	}
	for _, format := range []string{"geojson", "geojsonseq", "csv", "kml", "gpkg"} {
		out := filepath.Join(dir, "out."+format)
		run("export", "--store", store, "--as-public", "--format", format, "-o", out)
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		search("export --as-public --format "+format, string(text))
		run("export", "--store", store, "--format", format, "-o", out+".all")
		if text, err = os.ReadFile(out + ".all"); err != nil || !bytes.Contains(text, []byte("Qarmizabad")) || !bytes.Contains(text, []byte("Tangobala")) {
			t.Errorf("export --format %s of everything lacks something: %v", format, err)
		}
	}

	// A true id of what is blurred is like one that is not there, and who may read has it.
	for _, id := range []string{incident.ID("hidden", "secret-1-Qarmizabad"), incident.ID("hidden", "open-far")} {
		for _, rest := range []string{"", "/versions"} {
			address := base + "/collections/incidents/items/" + id + rest
			if body := fetch(t, address, ""); !strings.Contains(body, `"status":404`) {
				t.Errorf("%s: %s", address, body)
			}
			if body := fetch(t, address, read); !strings.Contains(body, `"id":"`+id) {
				t.Errorf("%s with a token: %s", address, body)
			}
		}
		var c struct{ NumberMatched int }
		if get(t, base+"/collections/incidents/items?filter=id%3D%27"+id+"%27", &c); c.NumberMatched != 0 {
			t.Errorf("%s is found", id)
		}
	}

	// Who may read sees it all, and has it from no cache that others use.
	body := fetch(t, base+"/collections/incidents/items", read)
	for _, s := range []string{"33.873519", "Qarmizabad", "31.217846", "Tangobala"} {
		if !strings.Contains(body, s) {
			t.Errorf("who may read does not see %q", s)
		}
	}

	// Halving a box finds the middle of the cell or the unit, and nothing else.
	west, south, east, north := 60.0, 29.0, 76.0, 38.0
	holds := func(w, s, e, n float64) bool {
		var c struct{ NumberMatched int }
		get(t, fmt.Sprintf("%s/collections/incidents/items?dataset=hidden&actor=Group%%20A&bbox=%v,%v,%v,%v&limit=1", base, w, s, e, n), &c)
		return c.NumberMatched > 0
	}
	for range 24 {
		if mid := (west + east) / 2; holds(west, south, mid, north) {
			east = mid
		} else {
			west = mid
		}
		if mid := (south + north) / 2; holds(west, south, east, mid) {
			north = mid
		} else {
			south = mid
		}
	}
	var one struct {
		Features []struct {
			Geometry   struct{ Coordinates [2]float64 }
			Properties map[string]any
		}
	}
	get(t, base+"/collections/incidents/items?dataset=hidden&actor=Group%20A", &one)
	if len(one.Features) != 1 {
		t.Fatalf("%d features", len(one.Features))
	}
	shown := one.Features[0].Geometry.Coordinates
	if near(shown[0], west) > 1e-4 || near(shown[1], south) > 1e-4 || near(west, 70.108437) < 0.01 {
		t.Errorf("halving found %v, %v; shown is %v", west, south, shown)
	}
	p := one.Features[0].Properties
	if blur == "district" && (p["location_precision"] != "district" || p["place_kind"] != "unit" || p["unit_id"] == nil) ||
		blur != "district" && (shown != [2]float64{70.15, 33.85} || p["place_kind"] != "circle" || p["place_radius_m"].(float64) < 7000) {
		t.Errorf("shown at %v as %v", shown, p)
	}
	// No question about the truth is answered with yes.
	for _, q := range []string{"q=Qarmizabad", "q=zirgul", "actor=Marwarid", "filter=" + "location_name%20LIKE%20%27Qarm%25%27",
		"filter=S_INTERSECTS(geometry,POLYGON((70.1%2033.87,70.12%2033.87,70.12%2033.88,70.1%2033.88,70.1%2033.87)))", "bbox=65.9,31.2,65.95,31.25",
		"filter=source_id%20%3D%20%27late-Tangobala%27", "filter=source_id%20LIKE%20%27secret%25%27"} {
		var c struct{ NumberMatched int }
		if get(t, base+"/collections/incidents/items?"+q, &c); c.NumberMatched != 0 {
			t.Errorf("%s finds %d", q, c.NumberMatched)
		}
	}
	// The tiles of all zooms have nobody where it was. A tile of zoom 14 is smaller than the distance to what is shown.
	for _, tile := range []struct{ row, col int }{{tileRow(33.873519, 14), tileCol(70.108437, 14)}, {tileRow(31.217846, 14), tileCol(65.914528, 14)}} {
		raw := fetch(t, fmt.Sprintf("%s/collections/incidents/tiles/WebMercatorQuad/14/%d/%d", base, tile.row, tile.col), "")
		if strings.Contains(raw, "incidents") || strings.Contains(raw, "unplaced") { // the names of the layers
			t.Errorf("the tile at %v has something", tile)
		}
	}
}

func tileCol(lon float64, z int) int { return int((lon + 180) / 360 * math.Exp2(float64(z))) }

func tileRow(lat float64, z int) int {
	return int((1 - math.Asinh(math.Tan(lat*math.Pi/180))/math.Pi) / 2 * math.Exp2(float64(z)))
}

func near(a, b float64) float64 { return max(a-b, b-a) }

// leakPaths are all addresses for reading that the server describes, with the parameters that change what is told.
func leakPaths(t *testing.T, base string) []string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	get(t, base+"/api", &doc)
	var hidden struct{ Features []struct{ ID any } }
	get(t, base+"/collections/incidents/items?dataset=hidden", &hidden)
	ids := []string{"1", "2", "3", "4", "5"} // of the delayed one too
	for _, f := range hidden.Features {
		ids = append(ids, fmt.Sprint(f.ID))
	}
	var paths []string
	for path, methods := range doc.Paths {
		if methods["get"] == nil || strings.HasPrefix(path, "/imports") || strings.HasPrefix(path, "/assets") {
			continue
		}
		switch {
		case strings.Contains(path, "{fid}"):
			for _, id := range ids {
				for _, f := range []string{"", "?f=jsonfg", "?f=html"} {
					paths = append(paths, strings.ReplaceAll(path, "{fid}", id)+f)
				}
			}
		case strings.Contains(path, "{z}"):
			for z := range 15 {
				for _, p := range [][2]float64{{33.873519, 70.108437}, {33.85, 70.15}, {31.217846, 65.914528}} {
					paths = append(paths, strings.NewReplacer("{z}", strconv.Itoa(z), "{row}", strconv.Itoa(tileRow(p[0], z)), "{col}", strconv.Itoa(tileCol(p[1], z))).Replace(path))
				}
			}
		case path == "/aggregates":
			for _, by := range []string{"unit", "province", "country", "dataset", "event_type", "precision", "verification", "actor", "day", "month", "unit,precision,day"} {
				for _, more := range []string{"", "&f=csv", "&count=distinct"} {
					paths = append(paths, path+"?by="+by+more)
				}
			}
		case path == "/geocode":
			for _, q := range []string{"Qarmizabad+Hamlet", "Tangobala+Village"} { // which the answer repeats, but not where it is
				paths = append(paths, path+"?q="+q)
			}
		case path == "/reverse":
			paths = append(paths, path+"?lon=70.15&lat=33.85")
		case path == "/compare":
			paths = append(paths, path+"?by=unit&a=2025-10-01/2025-10-31&b=2025-01-01/2030-01-01")
		case strings.HasSuffix(path, "/items"):
			for _, f := range []string{"geojson", "jsonfg", "html", "csv", "kml", "gpkg", "geojsonseq"} {
				paths = append(paths, path+"?f="+f, path+"?sortby=-start_date&limit=1&f="+f)
			}
			paths = append(paths, path+"?crs=http://www.opengis.net/def/crs/EPSG/0/4326", path+"?sortby=location_name,border_km_min")
		default:
			paths = append(paths, path, path+"?f=html", path+"?f=json")
		}
	}
	return paths
}

var echoed = regexp.MustCompile(`(?i)(qarmizabad\+hamlet|tangobala\+village|"(query|text|q|instance)":"[^"]*")`)

// fetch gives the body of an answer, unpacked and with tiles as text, without what it repeats of the question.
func fetch(t *testing.T, url, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= 500 {
		t.Errorf("%s: %d %s", url, resp.StatusCode, body)
	}
	if bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			t.Fatal(err)
		}
	}
	if token == "" && strings.Contains(url, "/geocode") {
		return echoed.ReplaceAllString(string(body), "")
	}
	return string(body)
}
