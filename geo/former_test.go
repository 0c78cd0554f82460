package geo

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// date is a day of the calendar in days since 1970-01-01, NoDay for "".
func date(t testing.TB, s string) int32 {
	t.Helper()
	if s == "" {
		return NoDay
	}
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return int32(d.Unix() / 86400)
}

// tableOf is one table of data/bundle, by column.
func tableOf(t testing.TB, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "data", "bundle", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	out := make([]map[string]string, 0, len(rows))
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, column := range rows[0] {
			m[column] = row[i]
		}
		out = append(out, m)
	}
	return out
}

// tableFormers are the former units of former.csv.
func tableFormers(t testing.TB) []Former {
	t.Helper()
	var out []Former
	for _, r := range tableOf(t, "former.csv") {
		uncertain, err := strconv.ParseBool(r["uncertain"])
		if err != nil {
			t.Fatalf("%s: uncertain is %q", r["id"], r["uncertain"])
		}
		part, err := strconv.ParseBool(r["part"])
		if err != nil {
			t.Fatalf("%s: part is %q", r["id"], r["part"])
		}
		out = append(out, Former{ID: r["id"], Name: r["name"], Kind: r["kind"], Country: r["country"], Province: r["province"],
			Dates: Span{date(t, r["from"]), date(t, r["until"])}, Uncertain: uncertain, Units: list(r["units"]), Part: part, Now: r["now"],
			Source: r["source"], Note: r["note"]})
	}
	return out
}

// formerWorld is a geocoder with the units given as squares in a row, and these former units.
func formerWorld(t testing.TB, ids []string, formers []Former) *Geocoder {
	t.Helper()
	units := make([]Unit, len(ids))
	for i, id := range ids {
		x := 60 + float64(i)*0.125
		units[i] = Unit{ID: id, Name: id, Kind: "district", Country: "PK", Geometry: box(x, 30, x+0.125, 31)}
	}
	g, err := NewGeocoder(Sources{Index: mustIndex(t, units), Formers: formers})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func tableWorld(t testing.TB) (g *Geocoder, ids []string) {
	t.Helper()
	for _, r := range tableOf(t, "gazetteer.csv") {
		ids = append(ids, r["id"])
	}
	return formerWorld(t, ids, tableFormers(t)), ids
}

func TestThen(t *testing.T) {
	g, _ := tableWorld(t)
	for _, c := range []struct{ unit, day, want string }{
		{"pk-kp-lower-south-waziristan", "2009-06-30", "pk-kp-south-waziristan"},
		{"pk-kp-upper-south-waziristan", "2022-10-12", "pk-kp-south-waziristan"},
		{"pk-kp-upper-south-waziristan", "2022-10-13", ""},
		{"pk-kp-khyber", "2018-05-30", "pk-kp-khyber-agency"},
		{"pk-kp-khyber", "2018-05-31", ""},
		{"pk-kp-khyber", "", ""},
		{"pk-kp-kolai-palas", "2013-01-01", "pk-kp-kohistan"},
		{"pk-kp-kolai-palas", "2014-01-15", "pk-kp-lower-kohistan-until-2017"},
		{"pk-kp-kolai-palas", "2017-08-25", ""},
		{"pk-kp-upper-kohistan", "2014-01-15", ""},
		{"pk-ba-usta-muhammad", "1987-06-30", "pk-ba-nasirabad-until-1987"},
		{"pk-ba-usta-muhammad", "2010-01-01", "pk-ba-jaffarabad-until-2013"},
		{"pk-ba-sohbatpur", "2015-01-01", ""},
		{"pk-ba-usta-muhammad", "2015-01-01", "pk-ba-jaffarabad-until-2022"},
		{"pk-ba-kachhi", "2000-01-01", "pk-ba-bolan"},
		{"pk-ba-kachhi", "2015-01-01", ""}, // Lehri held a part of it
		{"pk-kp-bannu", "2009-06-30", ""},  // the Frontier Region was a part of it
		{"pk-kp-swat", "2009-06-30", ""},   // North-West Frontier Province was no unit
		{"af-pan", "2004-04-12", "af-par-until-2004"},
		{"af-pan", "2004-04-13", ""},
		{"af-nur", "1985-01-01", ""}, // of two provinces
		{"pk-gb", "2005-01-01", "pk-northern-areas"},
		{"pk-kp-nowhere", "2005-01-01", ""},
	} {
		if got := g.Then(c.unit, date(t, c.day)); got != c.want {
			t.Errorf("%s on %s was in %q, want %q", c.unit, c.day, got, c.want)
		}
	}
}

func TestUnder(t *testing.T) {
	g, _ := tableWorld(t)
	for _, c := range []struct{ id, day, want string }{
		{"pk-kp-south-waziristan", "2009-06-30", "pk-kp-south-waziristan"},
		{"pk-kp-lower-south-waziristan", "2009-06-30", "pk-kp-south-waziristan"},
		{"pk-kp-south-waziristan", "2024-01-01", "pk-kp-south-waziristan"}, // cannot be split
		{"pk-kp-south-waziristan", "", "pk-kp-south-waziristan"},
		{"pk-kp-lower-south-waziristan", "", "pk-kp-lower-south-waziristan"},
		{"pk-kp-khyber-agency", "", "pk-kp-khyber"},
		{"pk-kp-khyber-agency", "2024-01-01", "pk-kp-khyber"},
		{"pk-kp-khyber", "2009-06-30", "pk-kp-khyber-agency"},
		{"pk-kp-lower-kohistan-until-2017", "2009-06-30", "pk-kp-kohistan"},
		{"pk-kp-kohistan", "2016-01-01", "pk-kp-kohistan"},
		{"pk-ba-jaffarabad-until-2022", "2013-04-30", "pk-ba-jaffarabad-until-2013"},
		{"pk-kp-fr-bannu", "2009-06-30", "pk-kp-fr-bannu"}, // stood beside the district
		{"pk-kp-fr-bannu", "2024-01-01", "pk-kp-bannu"},
		{"pk-kp-fr-bannu", "", "pk-kp-bannu"},
		{"pk-ba-lehri", "", "pk-ba-lehri"},
		{"pk-fata", "2009-06-30", "pk-fata"},
		{"pk-fata", "", "pk-fata"},
		{"pk-kp-nowhere", "2009-06-30", "pk-kp-nowhere"},
	} {
		if got := g.Under(c.id, date(t, c.day)); got != c.want {
			t.Errorf("%s under %q is %s, want %s", c.id, c.day, got, c.want)
		}
	}
}

func TestCovers(t *testing.T) {
	g, _ := tableWorld(t)
	for _, c := range []struct {
		unit, id string
		want     bool
	}{
		{"pk-kp-south-waziristan", "pk-kp-south-waziristan", true},
		{"pk-kp-south-waziristan", "pk-kp-lower-south-waziristan", true},
		{"pk-kp-lower-south-waziristan", "pk-kp-south-waziristan", false},
		{"pk-kp-kohistan", "pk-kp-lower-kohistan-until-2017", true},
		{"pk-kp-lower-kohistan-until-2017", "pk-kp-kohistan", false},
		{"pk-kp-khyber", "pk-kp-khyber", true},
		{"pk-kp-khyber", "pk-kp-khyber-agency", true},
		{"pk-kp-khyber", "pk-kp-kurram", false},
		{"pk-kp-bannu", "pk-kp-fr-bannu", true},
		{"pk-kp-fr-bannu", "pk-kp-bannu", false},
		{"pk-kp-fr-bannu", "pk-kp-fr-bannu", true},
		{"pk-ba-lehri", "pk-ba-sibi", false},
		{"pk-kp-nowhere", "pk-kp-nowhere", true},
		{"pk-kp-nowhere", "pk-kp-khyber", false},
	} {
		if got := g.Covers(c.unit, c.id); got != c.want {
			t.Errorf("%s covers %s is %v, want %v", c.unit, c.id, got, c.want)
		}
	}
}

// Spans without an end, and the span that is all time, are what they say.
func TestFormerSpans(t *testing.T) {
	g := formerWorld(t, []string{"a", "b", "c"}, []Former{
		{ID: "open", Units: []string{"a"}, Dates: Span{NoDay, 100}},
		{ID: "since", Units: []string{"a"}, Dates: Span{100, NoDay}},
		{ID: "always", Units: []string{"b"}},
		{ID: "above", Kind: "province", Units: []string{"a", "b"}},
		{ID: "none", Dates: Span{0, 100}},
	})
	for _, c := range []struct {
		unit string
		day  int32
		want string
	}{
		{"a", NoDay + 1, "open"}, {"a", 99, "open"}, {"a", 100, "since"}, {"a", 1 << 30, "since"},
		{"b", -1 << 30, "always"}, {"b", 1 << 30, "always"}, {"c", 0, ""}, {"a", NoDay, ""},
	} {
		if got := g.Then(c.unit, c.day); got != c.want {
			t.Errorf("%s on day %d was in %q, want %q", c.unit, c.day, got, c.want)
		}
	}
	if g.Under("none", 50) != "none" || g.Covers("none", "a") || g.Covers("a", "none") {
		t.Error("a former unit without units is somewhere")
	}
	if f, ok := g.Former("open"); !ok || f.Dates.Until != 100 {
		t.Errorf("the former unit is %v, %v", f, ok)
	}
	if _, ok := g.Former("a"); ok || len(g.Formers()) != 4 {
		t.Error("a unit of today is a former one, or a former unit of units that nobody knows was kept")
	}
}

// Whatever the table, right or wrong, the answers agree with it and with each other.
func TestFormerLaws(t *testing.T) {
	units := []string{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(rt *rapid.T) {
		day := rapid.OneOf(rapid.Int32Range(-3, 12), rapid.Just(int32(NoDay)))
		var formers []Former
		for i := range rapid.IntRange(0, 6).Draw(rt, "formers") {
			formers = append(formers, Former{ID: fmt.Sprintf("f%d", i), Kind: rapid.SampledFrom([]string{"district", "province"}).Draw(rt, "kind"),
				Now: rapid.SampledFrom([]string{"", "a"}).Draw(rt, "now"), Part: rapid.Bool().Draw(rt, "part"),
				Dates: Span{day.Draw(rt, "from"), day.Draw(rt, "until")}, Units: rapid.SliceOfNDistinct(rapid.SampledFrom(units), 0, 4, rapid.ID).Draw(rt, "units")})
		}
		g := formerWorld(t, units, formers)
		ids := slices.Clone(units)
		for _, f := range formers {
			ids = append(ids, f.ID)
		}
		for _, id := range ids {
			d := day.Draw(rt, "day")
			under := g.Under(id, d)
			if again := g.Under(under, d); again != under {
				rt.Fatalf("%s under %d is %s, and that is %s: %+v", id, d, under, again, formers)
			}
			if f, ok := g.Former(under); ok && under != id && !g.Covers(under, id) {
				rt.Fatalf("%s is counted under %+v, which does not hold it", id, f)
			}
			then := g.Then(id, d)
			if then == "" {
				continue
			}
			f, ok := g.Former(then)
			if !ok || d == NoDay || !f.Dates.Holds(d) || !slices.Contains(f.Units, id) || f.Part {
				rt.Fatalf("%s on %d was in %+v", id, d, f)
			}
		}
	})
}

// On every day the units of that day cover all units of today, each once.
func TestFormerTable(t *testing.T) {
	g, ids := tableWorld(t)
	kinds := []string{"agency", "district", "frontier_region", "province"}
	var days []int32
	seen := map[string]bool{}
	for _, f := range g.Formers() {
		if seen[f.ID] || slices.Contains(ids, f.ID) {
			t.Errorf("%s is there twice", f.ID)
		}
		seen[f.ID] = true
		if !slices.Contains(kinds, f.Kind) || f.Name == "" || f.Province == "" || f.Source == "" || len(f.Units) == 0 || f.Country != "PK" && f.Country != "AF" {
			t.Errorf("%s lacks something: %+v", f.ID, f)
		}
		if f.Uncertain && f.Note == "" {
			t.Errorf("%s does not say what is uncertain", f.ID)
		}
		if f.Dates.Until == NoDay || f.Dates.From != NoDay && f.Dates.From >= f.Dates.Until {
			t.Errorf("%s was from %d until %d", f.ID, f.Dates.From, f.Dates.Until)
		}
		for _, u := range append(f.Units, f.Now) {
			if u != "" && !slices.Contains(ids, u) {
				t.Errorf("%s names the unit %s", f.ID, u)
			}
		}
		if f.Now != "" && !slices.Contains(f.Units, f.Now) {
			t.Errorf("%s goes on in %s, which it did not cover", f.ID, f.Now)
		}
		for _, d := range []int32{f.Dates.From, f.Dates.Until} {
			if d != NoDay {
				days = append(days, d-1, d)
			}
		}
	}
	slices.Sort(days)
	for _, d := range slices.Compact(days) {
		in := map[string]string{} // unit of today → unit of the day
		for i := range g.Formers() {
			if f := &g.Formers()[i]; f.WasUnit() && !f.Part && f.Dates.Holds(d) {
				for _, u := range f.Units {
					if other, ok := in[u]; ok {
						t.Errorf("on day %d %s was in %s and in %s", d, u, other, f.ID)
					}
					in[u] = f.ID
				}
			}
		}
		for _, u := range ids {
			want, ok := in[u]
			if !ok {
				want = u
			}
			if got := g.Under(u, d); got != want {
				t.Errorf("on day %d %s is counted under %s, want %s", d, u, got, want)
			}
		}
	}
}

// The page for readers has every row of the table, with its days.
func TestFormerPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "admin-history.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(page), "\n")
	for _, r := range tableOf(t, "former.csv") {
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "| ") && strings.Contains(l, "<br>`"+r["id"]+"` |") })
		if i < 0 {
			t.Errorf("docs/admin-history.md lacks %s", r["id"])
			continue
		}
		sure := "yes"
		if r["uncertain"] == "true" {
			sure = "no"
		}
		if want := fmt.Sprintf("| %s | %s | %s |", cmp.Or(r["from"], "–"), r["until"], sure); !strings.Contains(lines[i], want) {
			t.Errorf("docs/admin-history.md has %s, not with %s", r["id"], want)
		}
	}
}

func TestThenDoesNotAllocate(t *testing.T) {
	g, ids := tableWorld(t)
	d := date(t, "2009-06-30")
	if n := testing.AllocsPerRun(10, func() {
		for _, id := range ids {
			g.Then(id, d)
			g.Under(id, d)
		}
	}); n != 0 {
		t.Errorf("a look at every unit allocates %v times", n)
	}
}

func BenchmarkThen(b *testing.B) {
	g, ids := tableWorld(b)
	d := date(b, "2009-06-30")
	for i := 0; b.Loop(); i++ {
		g.Then(ids[i%len(ids)], d)
	}
}
