package gazetteer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

var region = orb.Bound{Min: orb.Point{60, 23}, Max: orb.Point{78, 39}}

// line is one of a country dump.
func line(id, name, alternates, lat, lon, class, code, country, population string) string {
	return strings.Join([]string{id, name, name, alternates, lat, lon, class, code, country, "", "03", "", "", "", population, "", "1200", "Asia/Karachi", "2020-01-01"}, "\t")
}

func TestGeoNames(t *testing.T) {
	path := write(t, "PK.txt", strings.Join([]string{
		line("1", "Landi Kotal", "Landikotal,Landi-Kotal,LANDI KOTAL,لنډي کوتل,Ланди-Котал,"+strings.Repeat("x", 300), "34.0988", "71.1411", "P", "PPL", "PK", "33000"),
		line("2", "Khyber Pass", "", "34.09", "71.15", "T", "PASS", "PK", "0"),
		line("3", "Tirah", "Tirah Valley", "33.7", "70.8", "L", "RGN", "PK", "0"),
		line("4", "Somewhere School", "", "34", "71", "S", "SCH", "PK", "0"),
		line("5", "A River", "", "34", "71", "H", "STM", "PK", "0"),
		line("6", "Zaranj", "", "30.9", "61.8", "P", "PPLA", "IR", "0"),
		line("7", "Delhi", "", "28.6", "79.2", "P", "PPLC", "IN", "0"),
		line("8", "No Point", "", "", "71", "P", "PPL", "PK", "0"),
		line("9", "Far", "", "134", "71", "P", "PPL", "PK", "0"),
		"10\ttoo\tfew",
		line("11", "\xff\xfe", "", "34", "71", "P", "PPL", "PK", "0"),
		line("12", "Shalman Fort", "", "34.2", "71.2", "S", "FT", "PK", "0"),
		"",
	}, "\r\n"))
	tab, err := ReadPlaces(path, region)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range tab.Places {
		got = append(got, p.ID+" "+p.Kind)
		if p.Source != "GeoNames PK.txt" || !p.HasPoint {
			t.Errorf("%s is from %q", p.ID, p.Source)
		}
	}
	if want := []string{"gn-1 settlement", "gn-2 pass", "gn-3 area", "gn-6 settlement", "gn-12 locality"}; !slices.Equal(got, want) {
		t.Errorf("the places are %v, want %v", got, want)
	}
	if tab.Layout != "GeoNames" || tab.Lines != 12 || tab.Skipped != 3 || tab.Refused != 4 {
		t.Errorf("%+v", tab.Summary())
	}
	first := tab.Places[0]
	if first.Point != (orb.Point{71.1411, 34.0988}) || first.Population != 33000 {
		t.Errorf("%+v", first)
	}
	// One spelling of the same letters is enough, and other scripts are of no use here.
	var names []string
	for _, n := range first.Names {
		names = append(names, n.Text)
	}
	if want := []string{"Landikotal", "لنډي کوتل"}; !slices.Equal(names, want) {
		t.Errorf("the names are %q, want %q", names, want)
	}
	for i, want := range []string{`PK.txt:8: latitude "": is missing`, `PK.txt:9: latitude "134": is not between -90 and 90`, "PK.txt:10: a line of GeoNames has 19 columns", "PK.txt:11: the line is not in UTF-8"} {
		if i >= len(tab.Issues) || tab.Issues[i].String() != want {
			t.Errorf("issue %d is %v, want %s", i, tab.Issues, want)
		}
	}
}

func TestTables(t *testing.T) {
	for name, text := range map[string]string{
		"comma":     "\ufeffName,LAT,Long,variants,name_ur,kind,population\nSpera Ragha,30.9,67.7,Spira Ragha|Speera,سپیرہ راغہ,village,1200\n",
		"tab":       "name\ty\tx\taliases\turdu\ttype\tpop\nSpera Ragha\t30.9\t67.7\tSpira Ragha, Speera\tسپیرہ راغہ\t\t1200\n",
		"semicolon": "Place;Latitude;Longitude;alternate_names;name_ur;kind;population\n\"Spera Ragha\";30.9;67.7;\"Spira Ragha;Speera\";سپیرہ راغہ;P;1200\n",
	} {
		path := write(t, "my places.csv", text)
		tab, err := ReadPlaces(path, region)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		p := tab.Places[0]
		if p.Name != "Spera Ragha" || p.Kind != "settlement" || p.Point != (orb.Point{67.7, 30.9}) || p.Population != 1200 || p.Source != "my places.csv" || tab.Lines != 1 {
			t.Errorf("%s: %+v", name, p)
		}
		want := []geo.Name{{Text: "Spira Ragha", Source: "my places.csv"}, {Text: "Speera", Source: "my places.csv"}, {Text: "سپیرہ راغہ", Lang: "ur", Source: "my places.csv"}}
		if !slices.Equal(p.Names, want) {
			t.Errorf("%s: the names are %+v", name, p.Names)
		}
	}
}

func TestLinesOfTablesThatAreRefused(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = io.WriteString(w, `name,lat,lon,kind,population
Good,30,67,,
,30,67,,
North,x,67,,
Null,0,0,,
Swapped,67,30,,
Away,50,10,,
Kind,30,67,castle,
People,30,67,,many
Short,30
"Open"quote,30,67,,
Also Good,30.5,67.5,pass,
`)
	w.Close()
	tab, err := ReadPlaces(write(t, "p.csv.gz", z.String()), region)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`p.csv.gz:3: name "": a name has 1 to 100 letters`,
		`p.csv.gz:4: lat "x": is no number of decimal degrees`,
		`p.csv.gz:5: lat "0": the position is 0, 0, which is a blank that became a number`,
		`p.csv.gz:6: lat "67": the position lies outside the region; with longitude and latitude exchanged it would lie inside`,
		`p.csv.gz:7: lat "50": the position lies outside the region`,
		`p.csv.gz:8: kind "castle": is no kind of place: settlement, locality, area or pass`,
		`p.csv.gz:9: population "many": is no number of people`,
		`p.csv.gz:10: the line has 2 columns, the header 5`,
		`p.csv.gz:11: the line cannot be taken apart: extraneous or missing " in quoted-field`,
	}
	for i, w := range want {
		if i >= len(tab.Issues) || tab.Issues[i].String() != w {
			t.Fatalf("issue %d of %v, want %s", i, tab.Issues, w)
		}
	}
	if len(tab.Places) != 2 || tab.Refused != len(want) || tab.Lines != 11 {
		t.Errorf("%s", tab.Summary())
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":       {"", "empty"},
		"header only": {"name,lat,lon\n", "no lines"},
		"no name":     {"district,lat,lon\nKech,26,63\n", "no column of names"},
		"no lat":      {"name,lon\nKech,63\n", "no column of latitudes (lat, latitude, y"},
		"all bad":     {"name,lat,lon\nKech,x,63\n", `x.csv:2: lat "x"`},
		"binary":      {"PK\x03\x04\x00\x00", "no table of text"},
		"open quote":  {"name,lat,lon\nKech,26,63\n\"" + strings.Repeat("open\n", 1<<19), "quotation mark"},
		"broken gzip": {"\x1f\x8bxxxx", "compressed"},
	} {
		if _, err := ReadPlaces(write(t, "x.csv", c.text), region); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "x.csv") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		} else if incident.CodeOf(err) != incident.CodeInvalid {
			t.Errorf("%s: the code is %s", name, incident.CodeOf(err))
		}
	}
	if _, err := ReadPlaces(t.TempDir(), region); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("a folder: %v", err)
	}
}

// A whole country is read and held; the names do not keep the lines that they stood on.
func TestManyPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "AF.txt")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const n = 150_000
	for i := range n {
		fmt.Fprintln(f, line(fmt.Sprint(i), fmt.Sprintf("Kala %d", i), fmt.Sprintf("Kalay %d,Kelay %d", i, i), "34.1", "66.2", "P", "PPL", "AF", "0"))
	}
	f.Close()
	tab, err := ReadPlaces(path, region)
	if err != nil || len(tab.Places) != n || tab.Refused != 0 {
		t.Fatalf("%v, %v", tab, err)
	}
}

func FuzzPlaces(f *testing.F) {
	f.Add("name,lat,lon,variants\nKech,26,63,Turbat|Kej\n")
	f.Add(line("1", "Landi Kotal", "a,b", "34.0988", "71.1411", "P", "PPL", "PK", "33000") + "\n" + "1\t2\n")
	f.Add("name;y;x\n\"open;1;2\n")
	f.Fuzz(func(t *testing.T, text string) {
		tab, err := readPlaces(strings.NewReader(text), "f", region)
		if err != nil {
			return
		}
		if len(tab.Places)+tab.Skipped+tab.Refused != tab.Lines || len(tab.Places) == 0 {
			t.Fatal(tab.Summary())
		}
		for _, p := range tab.Places {
			if geo.Fold(p.Name) == "" && tab.Layout == "table" || !p.HasPoint || p.Kind == "" || p.Source == "" || len(p.Names) > maxNames {
				t.Fatalf("%+v", p)
			}
		}
	})
}
