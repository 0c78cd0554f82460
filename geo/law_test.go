package geo

import (
	"encoding/binary"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/planar"
	"pgregory.net/rapid"
)

// lawSources is a world of eight units with all that a geocoder can know: each unit has a northern and a southern subunit.
func lawSources(t testing.TB) Sources {
	t.Helper()
	const kp, ba = "Khyber Pakhtunkhwa", "Balochistan"
	var units []Unit
	var subunits []Subunit
	unit := func(id, name, kind, country, province, ur string, west, south float64, below [2]string, variants ...string) {
		units = append(units, Unit{
			ID: id, Name: name, Kind: kind, Country: country, Province: province, NameUR: ur, Variants: variants,
			Label: orb.Point{west + .5, south + .5}, Geometry: box(west, south, west+1, south+1),
		})
		sub := "tehsil"
		if country == "AF" {
			sub = "district"
		}
		for i, name := range below {
			y := south + .5*float64(i)
			subunits = append(subunits, Subunit{
				ID: id + "-" + strings.ReplaceAll(Fold(name), " ", "-"), Name: name, Kind: sub, Unit: id,
				Label: orb.Point{west + .5, y + .25}, Geometry: box(west, y, west+1, y+.5),
			})
		}
	}
	unit("af-pka", "Paktika", "province", "AF", "Paktika", "پکتیکا", 69, 32, [2]string{"Barmal", "Gomal"})
	unit("pk-kp-lower-south-waziristan", "Lower South Waziristan", "district", "PK", kp, "", 70, 32, [2]string{"Wana", "Birmal"})
	unit("pk-kp-upper-south-waziristan", "Upper South Waziristan", "district", "PK", kp, "", 71, 32, [2]string{"Ladha", "Makin"})
	unit("pk-kp-tank", "Tank", "district", "PK", kp, "ٹانک", 72, 32, [2]string{"Jandola", "Tank"}, "FR Tank")
	unit("pk-kp-khyber", "Khyber", "district", "PK", kp, "خیبر", 72, 33, [2]string{"Bara", "Landi Kotal"}, "Khyber Agency")
	unit("af-zab", "Zabul", "province", "AF", "Zabul", "", 69, 31, [2]string{"Arghandab", "Qalat"})
	unit("pk-ba-kalat", "Kalat", "district", "PK", ba, "قلات", 70, 31, [2]string{"Mangochar", "Kalat"})
	unit("pk-ba-quetta", "Quetta", "district", "PK", ba, "کوئٹہ", 71, 31, [2]string{"Panjpai", "Quetta City"})
	units[4].Seat = "Landi Kotal"
	border, err := NewBorder(orb.LineString{{70, 31}, {70.1, 31.7}, {69.9, 32.4}, {70, 33}})
	if err != nil {
		t.Fatal(err)
	}
	lower, upper := "pk-kp-lower-south-waziristan", "pk-kp-upper-south-waziristan"
	return Sources{
		Index: mustIndex(t, units), Subunits: subunits, Border: border,
		Places: []Place{
			{ID: "a", Name: "Kuchlak", Kind: "settlement", Point: orb.Point{71.2, 31.3}, HasPoint: true, Population: 90_000, Subunit: "pk-ba-quetta-panjpai", Source: "a list"},
			{ID: "b", Name: "Spin Tangi", Kind: "pass", Units: []string{"pk-ba-kalat", "pk-ba-quetta"}, Source: "a list"},
			{ID: "c", Name: "Azam Warsak", Kind: "locality", Units: []string{lower}, Names: []Name{{Text: "اعظم ورسک", Lang: "ur"}}, Source: "a list"},
			{ID: "d", Name: "Sararogha", Kind: "settlement", Point: orb.Point{71.6, 32.6}, HasPoint: true, AccuracyKM: 2, Source: "a list"},
			{ID: "e", Name: "Spin Tangi", Kind: "settlement", Point: orb.Point{72.3, 33.3}, HasPoint: true, Source: "another list"},
		},
		Crossings: []Crossing{
			{Name: "Angoor Adda", Variants: []string{"Angur Ada"}, Point: orb.Point{70, 32.5}, AccuracyKM: 2, PKDistrict: "Lower South Waziristan", AFProvince: "Paktika"},
			{Name: "Far Pass", Point: orb.Point{70, 32.9}, AccuracyKM: 8, PKDistrict: "Lower South Waziristan", AFProvince: "Paktika"},
		},
		Ambiguities: []Ambiguity{
			{Names: []string{"South Waziristan"}, Candidates: []string{lower, upper}, Note: "One district until 2022."},
			{Names: []string{"Kalat", "Qalat"}, Candidates: []string{"pk-ba-kalat", "af-zab"}},
			{Names: []string{"FATA", "tribal districts"}},
			{Names: []string{"Old Tank"}, Candidates: []string{"pk-kp-tank"}, Default: "pk-kp-tank"},
		},
		Formers: []Former{
			{ID: "pk-kp-south-waziristan", Name: "South Waziristan", Kind: "district", Country: "PK", Province: kp, Dates: Span{NoDay, 19000}, Units: []string{lower, upper}, Names: []Name{{Text: "South Waziristan Agency"}, {Text: "جنوبی وزیرستان"}}, Source: "a notification"},
			{ID: "pk-kp-fr-tank", Name: "Frontier Region Tank", Kind: "frontier_region", Country: "PK", Province: kp, Dates: Span{NoDay, 17682}, Units: []string{"pk-kp-tank"}, Part: true, Names: []Name{{Text: "FR Tank"}}, Source: "an act"},
			{ID: "pk-kp-khyber-agency", Name: "Khyber Agency", Kind: "agency", Country: "PK", Province: kp, Dates: Span{NoDay, 17682}, Units: []string{"pk-kp-khyber"}, Now: "pk-kp-khyber", Source: "an act"},
			{ID: "pk-ba-kalat-until-2017", Name: "Kalat", Kind: "district", Country: "PK", Province: ba, Dates: Span{8000, 17379}, Units: []string{"pk-ba-kalat", "pk-ba-quetta"}, Now: "pk-ba-kalat", Source: "a notification"},
			{ID: "pk-fata", Name: "Federally Administered Tribal Areas", Kind: "province", Country: "PK", Province: kp, Dates: Span{1300, 17682}, Units: []string{lower, upper, "pk-kp-tank", "pk-kp-khyber"}, Part: true, Names: []Name{{Text: "FATA"}}, Source: "an act"},
		},
	}
}

func lawWorld(t testing.TB) *Geocoder {
	t.Helper()
	g, err := NewGeocoder(lawSources(t))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// namesOf are all names of a world as they are written.
func namesOf(g *Geocoder) []string {
	var out []string
	for _, n := range g.names.listed {
		out = append(out, n.Text)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// requests draws requests of real names, the words of sentences, and noise.
func requests(g *Geocoder) *rapid.Generator[Request] {
	names := rapid.SampledFrom(namesOf(g))
	word := rapid.OneOf(
		names, names, names,
		rapid.SampledFrom([]string{
			"near", "in", "of", "and", "to", "the", "between", "12 km north of", "about 300 miles from", "road", "district", "tehsil", "agency", "town", "valley", "border",
			"A bomb exploded", "militants", "Tankk", "Quetta's", "khybr agency", "Sararoga", "کے علاقے میں", "په", "Pak-Afghan border", "Fort", "Khel", "Atlantis", "TANK", "hub",
		}),
		rapid.StringN(0, 6, 20),
	)
	phrase := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 8).Draw(t, "words") {
			b.WriteString(word.Draw(t, "word"))
			b.WriteString(rapid.SampledFrom([]string{" ", " ", " ", ", ", "-", ". ", " (", ") ", "/", "\n", ""}).Draw(t, "between"))
		}
		if rapid.IntRange(0, 9).Draw(t, "capitals") == 0 {
			return strings.ToUpper(b.String())
		}
		return b.String()
	})
	column := rapid.OneOf(rapid.Just(""), rapid.Just(""), names, word)
	return rapid.Custom(func(t *rapid.T) Request {
		point := func(what string) orb.Point {
			return orb.Point{rapid.Float64Range(68, 74).Draw(t, what+" lon"), rapid.Float64Range(30, 35).Draw(t, what+" lat")}
		}
		return Request{
			Country: rapid.SampledFrom([]string{"", "", "", "Pakistan", "AF", "India"}).Draw(t, "country"), Adm1: column.Draw(t, "adm1"), Adm2: column.Draw(t, "adm2"),
			Place: phrase.Draw(t, "place"), Text: phrase.Draw(t, "text"), HasDay: rapid.Bool().Draw(t, "dated"), Day: rapid.Int32Range(0, 20_000).Draw(t, "day"),
			HasPoint: rapid.IntRange(0, 3).Draw(t, "has point") == 0, Point: point("point"), HasNear: rapid.IntRange(0, 3).Draw(t, "has near") == 0, Near: point("near"),
			Precision: rapid.SampledFrom([]string{"", "", "exact", "district", "province", "country"}).Draw(t, "precision"),
		}
	})
}

// phraseLaws are what must hold for every answer beside matchLaws: a candidate says on which words it rests.
func phraseLaws(t interface {
	Helper()
	Fatalf(string, ...any)
}, g *Geocoder, r Request, m Match) {
	t.Helper()
	matchLaws(t, g, r, m)
	for _, c := range m.Candidates {
		field, ok := map[string]string{"": "", "adm1": r.Adm1, "adm2": r.Adm2, "place": r.Place, "text": r.Text}[c.Field]
		from, to := c.Span[0], c.Span[1]
		if !ok || to > len(field) || c.Field == "" && to > 0 || c.Field != "" && from == to {
			t.Fatalf("%+v: candidate %+v rests on nothing of its field", r, c)
		}
		if !begins(field, from) || !begins(field, to) {
			t.Fatalf("%+v: the span %v of %q begins or ends within a letter", r, c.Span, field)
		}
		if len(c.Reasons) == 0 || c.Name == "" || c.Precision == "" {
			t.Fatalf("%+v: candidate %+v without a reason, a name or a precision", r, c)
		}
		if c.Subunit != "" && !strings.HasPrefix(c.Subunit, c.UnitID+"-") {
			t.Fatalf("%+v: candidate %+v lies in a subunit of another unit", r, c)
		}
	}
	if m.Subunit != "" && !strings.HasPrefix(m.Subunit, m.UnitID+"-") {
		t.Fatalf("%+v: subunit %q of %q", r, m.Subunit, m.UnitID)
	}
	if m.Then != "" {
		if _, ok := g.Former(m.Then); !ok {
			t.Fatalf("%+v: %q was no unit", r, m.Then)
		}
	}
}

// begins says whether a letter begins at a byte of a string, or the string ends there. A byte that is not UTF-8 is a letter of its own.
func begins(s string, at int) bool {
	for i := range s {
		if i >= at {
			return i == at
		}
	}
	return at == len(s)
}

func TestPhraseLaws(t *testing.T) {
	g := lawWorld(t)
	with := g.With(nil)
	rapid.Check(t, func(t *rapid.T) {
		r := requests(g).Draw(t, "request")
		m := g.Geocode(r)
		phraseLaws(t, g, r, m)
		if again := with.Geocode(r); !reflect.DeepEqual(m, again) {
			t.Fatalf("%+v: with no more places\n%+v\nnot\n%+v", r, again, m)
		}
	})
}

// TestWithIsALayer has a place that a user adds: it is found in the new geocoder and not in the old one.
func TestWithIsALayer(t *testing.T) {
	g := lawWorld(t)
	w := g.With([]Place{{ID: "u", Name: "Newtown Kalay", Kind: "settlement", Point: orb.Point{71.5, 31.5}, HasPoint: true, Source: "mine"}})
	if m := w.Geocode(Request{Text: "Newtown Kalay"}); m.UnitID != "pk-ba-quetta" || m.Name != "Newtown Kalay" {
		t.Errorf("the added place: %+v", m)
	}
	if m := g.Geocode(Request{Text: "Newtown Kalay"}); m.Status != StatusUnknown {
		t.Errorf("the geocoder below has changed: %+v", m)
	}
	if len(w.Places()) != len(g.Places())+1 {
		t.Errorf("%d places, were %d", len(w.Places()), len(g.Places()))
	}
	m, n := g.Geocode(Request{Text: "Landi Kotal"}), w.Geocode(Request{Text: "Landi Kotal"})
	if !reflect.DeepEqual(m, n) || m.UnitID != "pk-kp-khyber" {
		t.Errorf("%+v is not %+v", n, m)
	}
}

// TestPhrasesAtOnce asks a fresh geocoder from many sides: the answers are those of one that is asked in turn.
func TestPhrasesAtOnce(t *testing.T) {
	g, fresh := lawWorld(t), lawWorld(t)
	var asked []Request
	var want []Match
	gen := requests(g)
	said := map[Status]int{}
	for i := range 400 {
		r := gen.Example(i)
		asked, want = append(asked, r), append(want, g.Geocode(r))
		said[want[i].Status]++
	}
	if said[StatusPlaced] < 20 || said[StatusAmbiguous] < 5 || said[StatusUnknown] < 20 {
		t.Errorf("requests that are drawn are answered so: %v; they test too little", said)
	}
	var wait sync.WaitGroup
	for w := range 8 {
		wait.Go(func() {
			for i := range asked {
				i = (i + 50*w) % len(asked)
				if m := fresh.Geocode(asked[i]); !reflect.DeepEqual(m, want[i]) {
					t.Errorf("%+v:\n%+v\nnot\n%+v", asked[i], m, want[i])
					return
				}
				fresh.Reverse(asked[i].Point, asked[i].Day)
				fresh.Complete("ka", 3)
			}
		})
	}
	wait.Wait()
}

func TestReverseLaws(t *testing.T) {
	g := lawWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		p := orb.Point{rapid.Float64Range(68.5, 73.5).Draw(t, "lon"), rapid.Float64Range(30.5, 34.5).Draw(t, "lat")}
		day := rapid.Int32Range(0, 20_000).Draw(t, "day")
		r := g.Reverse(p, day)
		if r.Unit != g.index.Locate(p) {
			t.Fatalf("%v lies in %d, Reverse says %d", p, g.index.Locate(p), r.Unit)
		}
		if r.Unit >= 0 {
			u := &g.index.units[r.Unit]
			i := slices.IndexFunc(g.subunits, func(s Subunit) bool { return s.ID == r.Subunit })
			if i < 0 || g.subunits[i].Unit != u.ID || !planar.MultiPolygonContains(g.subunits[i].Geometry, p) {
				t.Fatalf("%v of %s lies in the subunit %q", p, u.ID, r.Subunit)
			}
			if r.Side != u.Country || r.Then != g.Then(u.ID, day) {
				t.Fatalf("%v: %+v", p, r)
			}
			if m := g.Geocode(Request{Point: p, HasPoint: true, Day: day, HasDay: true}); m.Unit != r.Unit || m.Then != r.Then || m.UnitID != u.ID {
				t.Fatalf("%v: Geocode says %+v, Reverse %+v", p, m, r)
			}
		} else if r.Side != "" || r.Subunit != "" || r.Then != "" {
			t.Fatalf("%v lies in no unit: %+v", p, r)
		}
		if r.BorderKM < 0 || r.BorderKM != g.border.DistanceKM(p) {
			t.Fatalf("%v: %v km to the border", p, r.BorderKM)
		}
		for i := range g.names.crossings {
			if d := haversineKM(p, g.names.crossings[i].Point); d < r.CrossingKM {
				t.Fatalf("%v: %s is nearer than %s", p, g.names.crossings[i].Name, r.Crossing.Name)
			}
		}
		for i := range g.places {
			pl := &g.places[i]
			if d := haversineKM(p, pl.Point); pl.HasPoint && pl.Kind == "settlement" && d <= nearbyKM && (r.Place == nil || d < r.PlaceKM) {
				t.Fatalf("%v: %s lies %v km away, the nearest is %+v", p, pl.Name, d, r.Place)
			}
		}
		if r.Place != nil && (r.PlaceKM > nearbyKM || r.Place.Kind != "settlement") {
			t.Fatalf("%v: %+v is no settlement near by", p, r.Place)
		}
	})
	if r := g.Reverse(orb.Point{math.NaN(), 32}, NoDay); r.Unit != -1 || !math.IsNaN(r.BorderKM) || r.Crossing != nil {
		t.Errorf("a point that is not on earth: %+v", r)
	}
}

// TestBorderSymmetry: the distance from a point to the line is that from the line to the point, nothing on the line, and changes by no
// more than the way between two points.
func TestBorderSymmetry(t *testing.T) {
	point := rapid.Custom(func(t *rapid.T) orb.Point {
		return orb.Point{rapid.Float64Range(60, 76).Draw(t, "lon"), rapid.Float64Range(23, 39).Draw(t, "lat")}
	})
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SliceOfN(point, 2, 30).Draw(t, "line")
		b, err := NewBorder(line)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range line {
			if d := b.DistanceKM(v); d < 0 || d > 1e-6 {
				t.Fatalf("%v is a point of the line and %v km away from it", v, d)
			}
		}
		p, q := point.Draw(t, "p"), point.Draw(t, "q")
		at, d := b.Nearest(p)
		if back := haversineKM(at, p); d != b.DistanceKM(p) || math.Abs(back-d) > 1e-9 || d < 0 {
			t.Fatalf("%v km from %v to the line, %v back", d, p, back)
		}
		if on := b.DistanceKM(at); on > 1e-6 {
			t.Fatalf("the nearest point %v lies %v km off the line", at, on)
		}
		e := b.DistanceKM(q)
		if way := haversineKM(p, q); math.Abs(d-e) > way+0.01*max(d, e)+1e-9 {
			t.Fatalf("%v km and %v km from the line, but %v km from each other: %v, %v", d, e, way, p, q)
		}
	})
}

func TestFoldOfNames(t *testing.T) {
	g := lawWorld(t)
	for _, s := range namesOf(g) {
		k := key(Fold(s))
		for _, form := range []string{
			strings.ToUpper(s), strings.ToLower(s), "  " + s + "\t", strings.ReplaceAll(s, " ", "-"), strings.ReplaceAll(s, " ", "\u200c"), strings.ReplaceAll(s, " ", "\u00a0"),
			strings.NewReplacer("ی", "ي", "ک", "ك").Replace(s), Fold(s), k,
		} {
			if got := key(Fold(form)); got != k {
				t.Errorf("%q folds to %q, %q to %q", form, got, s, k)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if got, want := key(Fold(a+" "+b)), key(Fold(a))+key(Fold(b)); got != want {
			t.Fatalf("%q and %q fold to %q together, to %q apart", a, b, got, want)
		}
		if strings.ContainsAny(key(Fold(a)), " -'()/,ABC") {
			t.Fatalf("the key of %q is %q", a, key(Fold(a)))
		}
	})
}

// plainDistance is the twin of distance: the whole table, nothing left out.
func plainDistance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func TestDistanceLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[a-d]{0,14}`).Draw(t, "a")
		b := rapid.StringMatching(`[a-d]{0,14}`).Draw(t, "b")
		limit := rapid.IntRange(0, 5).Draw(t, "limit")
		want, got, back := plainDistance(a, b), distance(a, b, limit), distance(b, a, limit)
		if want <= limit && (got != want || back != want) || want > limit && (got <= limit || back <= limit) || (got == 0) != (a == b) {
			t.Fatalf("distance(%q, %q, %d) = %d, want %d; back %d", a, b, limit, got, want, back)
		}
		if len(a) > 1 {
			i := rapid.IntRange(0, len(a)-2).Draw(t, "i")
			swapped := a[:i] + a[i+1:i+2] + a[i:i+1] + a[i+2:]
			if d := distance(a, swapped, 3); d > 1 || (d == 0) != (a == swapped) {
				t.Fatalf("%q and %q differ by %d", a, swapped, d)
			}
		}
	})
	if d := distance("tank", strings.Repeat("tank", 20), 2); d != 3 {
		t.Errorf("a long key differs by %d, want more than is asked for", d)
	}
}

func TestSkeletonLaws(t *testing.T) {
	for a, b := range map[string]string{"chenagai": "chinagi", "quetta": "qetta", "miranshah": "miramsha", "wazir": "vazeer", "hub": "hab"} {
		if same := skeleton(a) == skeleton(b); same != (a != "miranshah") {
			t.Errorf("%q is %q, %q is %q", a, skeleton(a), b, skeleton(b))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-z]{1,16}`).Draw(t, "s")
		k := skeleton(s)
		if len(k) > len(s) || k == "" || skeleton(k) != k {
			t.Fatalf("the skeleton of %q is %q, and of that %q", s, k, skeleton(k))
		}
		i := rapid.IntRange(1, len(s)).Draw(t, "i")
		more := s[:i] + rapid.SampledFrom([]string{"a", "e", "i", "o", "u", "h", "y"}).Draw(t, "letter") + s[i:]
		if skeleton(more) != k {
			t.Fatalf("%q is %q, %q is %q", s, k, more, skeleton(more))
		}
		twice := s[:i] + s[i-1:]
		if skeleton(twice) != k {
			t.Fatalf("%q is %q, %q is %q", s, k, twice, skeleton(twice))
		}
		if skeleton(s+"خیبر") != "" || skeleton(s+"1") != "" {
			t.Fatal("only Latin letters have a skeleton")
		}
	})
}

// completeLaws are what must hold for what is offered for a beginning.
func completeLaws(t interface {
	Helper()
	Fatalf(string, ...any)
}, g *Geocoder, prefix string, limit int) {
	t.Helper()
	out := g.Complete(prefix, limit)
	k := key(Fold(prefix))
	if len(out) > max(0, limit) || k == "" && out != nil {
		t.Fatalf("%d places for %q, at most %d are asked for", len(out), prefix, limit)
	}
	for i, c := range out {
		if len(c.Reasons) != 1 || c.Name == "" || c.Kind == "" || c.Precision == "" || c.Span != [2]int{0, len(prefix)} || c.Score <= 0 || c.Score > 1 || i > 0 && c.Score >= out[i-1].Score {
			t.Fatalf("%q offers %+v", prefix, c)
		}
		name := strings.TrimSuffix(strings.TrimPrefix(c.Reasons[0], `"`), `" begins so`)
		if !strings.HasPrefix(key(Fold(name)), k) {
			t.Fatalf("%q offers %q, which does not begin so", prefix, name)
		}
		_, unit := g.Index().ByID(c.UnitID)
		_, former := g.Former(c.UnitID)
		if above := c.Kind == "province" || c.Kind == "area" || c.Kind == "country"; above != (c.UnitID == "") || !above && !unit && !former {
			t.Fatalf("%q offers %+v", prefix, c)
		}
	}
}

func TestCompleteLaws(t *testing.T) {
	g := lawWorld(t)
	w := g.With([]Place{{ID: "u", Name: "Kalat Bazar", Kind: "settlement", Point: orb.Point{71.5, 31.5}, HasPoint: true}})
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.SampledFrom(namesOf(g)), rapid.String()).Draw(t, "name")
		runes := []rune(name)
		prefix := string(runes[:rapid.IntRange(0, len(runes)).Draw(t, "n")])
		limit := rapid.IntRange(-1, 30).Draw(t, "limit")
		completeLaws(t, g, prefix, limit)
		completeLaws(t, w, prefix, limit)
	})
	for _, name := range namesOf(g) {
		if key(Fold(name)) != "" && len(g.Complete(name, 50)) == 0 {
			t.Errorf("nothing begins with %q", name)
		}
	}
}

// FuzzPhrase asks for any bytes as the name of a place and as a text, with columns, days and points beside them.
func FuzzPhrase(f *testing.F) {
	g := lawWorld(f)
	f.Add("", "A bomb exploded 12 km north of Tank, near Spin Tangi.", int32(15_000), 71.0, 32.0)
	f.Add("Angoor Adda", "SOUTH WAZIRISTAN AGENCY", int32(15_000), 69.0, 32.0)
	f.Add("Qalat (Zabul)", "between Kalat and Quetta", int32(-1), math.NaN(), 0.0)
	f.Add("خیبر", "کوئٹہ کے علاقے میں دھماکہ", int32(19_500), 72.0, 33.0)
	f.Add("Tank-Wana road", "the Pak-Afghan border", int32(0), 0.0, 0.0)
	f.Add("\xff\xfe Tank", "Tank\xff, \xd8", int32(math.MaxInt32), 71.0, 31.0)
	f.Add("خ\xb1\x8c\xdbب\xd8", "کوئٹہ\x81", int32(19_244), 72.0, 33.0)
	f.Add("9 km off Far Pas", "Sararoga's sub-division; Azam Warsakk", int32(math.MinInt32), 71.0, 31.0)
	f.Add("FATA", "in Kala't ' ’ `'s", int32(17_000), 181.0, 91.0)
	f.Fuzz(func(t *testing.T, place, text string, day int32, lon, lat float64) {
		for _, r := range []Request{
			{Place: place, Text: text},
			{Text: text, Day: day, HasDay: true},
			{Adm1: "Balochistan", Place: place, Text: text, Near: orb.Point{lon, lat}, HasNear: true},
			{Country: "AF", Adm2: place, Text: text, Day: day, HasDay: true, Point: orb.Point{lon, lat}, HasPoint: true, Precision: "district"},
		} {
			phraseLaws(t, g, r, g.Geocode(r))
		}
	})
}

// FuzzComplete asks for what begins with any bytes.
func FuzzComplete(f *testing.F) {
	g := lawWorld(f)
	w := g.With([]Place{{ID: "u", Name: "Kalat Bazar", Kind: "settlement", Point: orb.Point{71.5, 31.5}, HasPoint: true}})
	for _, s := range []string{"", "k", "Ka", "D.I.", "خی", "\xff", "ß", "-", "tank "} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, prefix string, limit int) {
		completeLaws(t, g, prefix, limit)
		completeLaws(t, w, prefix, limit)
	})
}

// FuzzPolygons makes units of arbitrary rings: four bytes are a corner, on a grid of a hundredth of a degree that goes beyond the earth.
// A refusal is fine, a panic or an answer that contradicts another is not.
func FuzzPolygons(f *testing.F) {
	square := []byte{0, 0, 0, 0, 10, 0, 0, 0, 10, 0, 10, 0, 0, 0, 10, 0, 0, 0, 0, 0}
	f.Add(square, uint8(5), 69.0, 30.0)
	f.Add(append(slices.Clone(square), square...), uint8(5), 60.05, 20.05)
	f.Add([]byte{0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0}, uint8(3), 60.0, 20.0)
	f.Add([]byte{0, 0, 0, 0, 10, 0, 10, 0, 10, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0}, uint8(5), 60.05, 20.05) // crosses itself
	f.Add([]byte{255, 255, 255, 255, 0, 128, 1, 0}, uint8(2), math.Inf(1), math.NaN())
	f.Fuzz(func(t *testing.T, data []byte, ring uint8, lon, lat float64) {
		if len(data) > 4096 {
			t.Skip("small polygons are enough")
		}
		var units []Unit
		var corners orb.Ring
		for i := 0; i+4 <= len(data); i += 4 {
			x, y := int16(binary.LittleEndian.Uint16(data[i:])), int16(binary.LittleEndian.Uint16(data[i+2:]))
			p := orb.Point{60 + float64(x)/100, 20 + float64(y)/100}
			switch {
			case x == math.MinInt16:
				p[0] = math.Inf(int(y))
			case y == math.MinInt16:
				p[1] = math.NaN()
			}
			if corners = append(corners, p); len(corners) >= int(ring%16) {
				units = append(units, Unit{ID: "u" + strconv.Itoa(len(units)), Geometry: orb.MultiPolygon{{corners}}})
				corners = nil
			}
		}
		x, err := NewIndex(units)
		if err != nil {
			return
		}
		for _, p := range append(orb.Ring{{lon, lat}, {60, 20}, {60.05, 20.05}}, corners...) {
			at := x.Locate(p)
			if at < -1 || at >= len(units) {
				t.Fatalf("%v lies in unit %d of %d", p, at, len(units))
			}
			for i := range units {
				if d := x.DistanceKM(i, p); d < 0 || math.IsNaN(d) || at == i && d != 0 {
					t.Fatalf("%v km from %v to unit %d, the point lies in %d", d, p, i, at)
				}
			}
			if near, d := x.Nearest(p, 1000); near < -1 || near >= len(units) || d < 0 || near >= 0 && d > 1000 {
				t.Fatalf("unit %d is the nearest of %d, %v km away", near, len(units), d)
			}
		}
		g, err := NewGeocoder(Sources{Index: x})
		if err != nil {
			t.Fatal(err)
		}
		r := Request{Point: orb.Point{lon, lat}, HasPoint: true}
		if m := g.Geocode(r); m.Unit >= len(units) || g.Reverse(r.Point, NoDay).Unit != m.Unit {
			t.Fatalf("%+v: %+v", r, m)
		}
	})
}
