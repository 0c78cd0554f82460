package geo

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

// A small world: two degrees of districts in the west of Khyber Pakhtunkhwa's stead, a context province, Afghan provinces.
//
//	     69      70      71      72      73      74
//	33   | af-pka | lower | upper | tank  | punjab|
//	32   | af-zab | kalat | quetta| khyber| gap   |
//	31
func smallWorld(t testing.TB) *Geocoder {
	t.Helper()
	unit := func(id, name, kind, country, province string, west, south float64, variants ...string) Unit {
		return Unit{
			ID: id, Name: name, Kind: kind, Country: country, Province: province, Variants: variants,
			Label: orb.Point{west + .5, south + .5}, Geometry: box(west, south, west+1, south+1),
		}
	}
	const kp, ba = "Khyber Pakhtunkhwa", "Balochistan"
	units := []Unit{
		unit("af-pka", "Paktika", "province", "AF", "Paktika", 69, 32),
		unit("pk-kp-lower-south-waziristan", "Lower South Waziristan", "district", "PK", kp, 70, 32, "Wana"),
		unit("pk-kp-upper-south-waziristan", "Upper South Waziristan", "district", "PK", kp, 71, 32),
		unit("pk-kp-tank", "Tank", "district", "PK", kp, 72, 32, "FR Tank", "Jandola"),
		unit("pk-pb", "Punjab", "context", "PK", "Punjab", 73, 32),
		unit("af-zab", "Zabul", "province", "AF", "Zabul", 69, 31),
		unit("pk-ba-kalat", "Kalat", "district", "PK", ba, 70, 31),
		unit("pk-ba-quetta", "Quetta", "district", "PK", ba, 71, 31),
		unit("pk-kp-khyber", "Khyber", "district", "PK", kp, 72, 31, "Khyber Agency"),
	}
	units[5].Seat = "Qalat"
	units[8].Seat = "Landi Kotal (historic); Jamrud"
	units[0].Seat = "Sharan (Sharana)"
	units[8].NameUR, units[8].PCode, units[0].ISO = "خیبر", "PK513", "AF-PKA"
	b, err := NewBorder(orb.LineString{{70, 31}, {70, 33}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGeocoder(Sources{
		Index: mustIndex(t, units),
		Crossings: []Crossing{
			{Name: "Angoor Adda", Variants: []string{"Angur Ada"}, Point: orb.Point{70, 32.5}, AccuracyKM: 2, PKDistrict: "Lower South Waziristan", AFProvince: "Paktika"},
			{Name: "Far Pass", Point: orb.Point{70, 32.9}, AccuracyKM: 8, PKDistrict: "Lower South Waziristan", AFProvince: "Paktika"},
		},
		Ambiguities: []Ambiguity{
			{Names: []string{"South Waziristan"}, Candidates: []string{"pk-kp-lower-south-waziristan", "pk-kp-upper-south-waziristan"}, Note: "One district until 2022."},
			{Names: []string{"Kalat", "Qalat"}, Candidates: []string{"pk-ba-kalat", "af-zab"}},
			{Names: []string{"Angoor Adda", "Angur Ada"}, Candidates: []string{"pk-kp-lower-south-waziristan", "af-pka"}},
			{Names: []string{"FATA", "tribal districts"}},
			{Names: []string{"Nowhereland"}},
			{Names: []string{"Old Tank"}, Candidates: []string{"pk-kp-tank", "not-here"}, Default: "pk-kp-tank"},
		},
		Border: b,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// codes are the warnings of a match, and the distance of the first that has one.
func codes(m Match) string {
	var out []string
	for _, w := range m.Warnings {
		s := w.Code
		if w.KM > 0 {
			s += fmt.Sprintf(" %.0f km", w.KM)
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestGeocode(t *testing.T) {
	g := smallWorld(t)
	at := func(lon, lat float64, r Request) Request {
		r.Point, r.HasPoint = orb.Point{lon, lat}, true
		return r
	}
	const lower, upper = "pk-kp-lower-south-waziristan", "pk-kp-upper-south-waziristan"
	for _, c := range []struct {
		name string
		in   Request
		want string // status unit precision country province, then warnings
		warn string
		cand string
	}{
		// Points.
		{"nothing", Request{}, "unknown - none - -", "", ""},
		{"point", at(72.5, 32.5, Request{}), "placed pk-kp-tank exact PK Khyber Pakhtunkhwa", "", ""},
		{"point with precision", at(72.5, 32.5, Request{Precision: "vicinity_25km"}), "placed pk-kp-tank vicinity_25km PK Khyber Pakhtunkhwa", "", ""},
		{"point of a district", at(72.5, 32.5, Request{Precision: "district"}), "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", ""},
		{"point of a province", at(72.5, 32.5, Request{Precision: "province"}), "unknown - province PK Khyber Pakhtunkhwa", "", ""},
		{"point of an Afghan province", at(69.5, 32.5, Request{Precision: "province"}), "placed af-pka province AF Paktika", "", ""},
		{"point of a country", at(69.5, 32.5, Request{Precision: "country"}), "unknown - country AF -", "", ""},
		{"point of a line", at(69.5, 32.5, Request{Precision: "line"}), "unknown - line - -", "", ""},
		{"zero", at(0, 0, Request{}), "unknown - none - -", "zero_coordinates", ""},
		{"zero with a name", at(0, 0, Request{Adm2: "Tank"}), "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "zero_coordinates", "pk-kp-tank"},
		{"not a number", at(math.NaN(), 32, Request{}), "unknown - none - -", "invalid_coordinates", ""},
		{"not on earth", at(72, 132, Request{Adm2: "Tank"}), "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "invalid_coordinates", "pk-kp-tank"},
		{"swapped", at(32.5, 72.5, Request{}), "unknown - exact - -", "swapped_coordinates", ""},
		{"outside", at(10, 50, Request{}), "unknown - exact - -", "outside_region", ""},
		{"outside the units, inside the box", at(73.5, 31.5, Request{}), "unknown - exact - -", "", ""},

		// Names.
		{"district", Request{Adm2: "Tank district"}, "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"agency", Request{Adm1: "FATA", Adm2: "khyber AGENCY"}, "placed pk-kp-khyber district PK Khyber Pakhtunkhwa", "", "pk-kp-khyber"},
		{"frontier region", Request{Adm1: "Federally Administered Tribal Areas", Adm2: "FR Tank - Jandola"}, "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"frontier region, not listed", Request{Adm2: "Frontier Region Khyber"}, "placed pk-kp-khyber district PK Khyber Pakhtunkhwa", "", "pk-kp-khyber"},
		{"sub-division", Request{Adm2: "Sub-Division Tank"}, "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"misspelt kind", Request{Adm2: "Quetta Distrcit"}, "placed pk-ba-quetta district PK Balochistan", "", "pk-ba-quetta"},
		{"Urdu", Request{Adm2: "ضلع خيبر"}, "placed pk-kp-khyber district PK Khyber Pakhtunkhwa", "", "pk-kp-khyber"},
		{"P-code", Request{Adm2: "PK513"}, "placed pk-kp-khyber district PK Khyber Pakhtunkhwa", "", "pk-kp-khyber"},
		{"ISO", Request{Adm1: "AF-PKA"}, "placed af-pka province AF Paktika", "", "af-pka"},
		{"slug", Request{Adm2: "pk-kp-khyber"}, "placed pk-kp-khyber district PK Khyber Pakhtunkhwa", "", "pk-kp-khyber"},
		{"province of Afghanistan", Request{Country: "Afghanistan", Adm1: "Paktika province"}, "placed af-pka province AF Paktika", "", "af-pka"},
		{"district of Afghanistan", Request{Country: "Afghanistan", Adm1: "Paktika province", Adm2: "Barmal district"}, "placed af-pka province AF Paktika", "", "af-pka"},
		{"province in brackets", Request{Country: "Afghanistan", Adm2: "Nawa district (Zabul)"}, "placed af-zab province AF Zabul", "", "af-zab"},
		{"name in two countries, one in brackets", Request{Adm2: "Qalat (Balochistan)"}, "placed pk-ba-kalat district PK Balochistan", "", "pk-ba-kalat"},
		{"district of Punjab", Request{Adm1: "Punjab province", Adm2: "Lahore district"}, "placed pk-pb province PK Punjab", "", "pk-pb"},
		{"province", Request{Adm1: "Khyber Pakhtunkwa province"}, "unknown - province PK Khyber Pakhtunkhwa", "", ""},
		{"old province", Request{Country: "Pakistan", Adm1: "N.W.F.P."}, "unknown - province PK Khyber Pakhtunkhwa", "", ""},
		{"tribal areas", Request{Adm1: "FATA"}, "unknown - province PK Khyber Pakhtunkhwa", "", ""},
		{"tribal areas in the second column", Request{Adm1: "KP", Adm2: "Tribal Districts"}, "unknown - province PK Khyber Pakhtunkhwa", "", ""},
		{"division", Request{Adm1: "Malakand Division"}, "unknown - region PK Khyber Pakhtunkhwa", "", ""},
		{"country", Request{Country: "Pakistan"}, "unknown - country PK -", "", ""},
		{"country in adm1", Request{Adm1: "افغانستان"}, "unknown - country AF -", "", ""},
		{"both countries", Request{Country: "Pakistan / Afghanistan", Adm2: "Tank"}, "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"unknown district", Request{Country: "Pakistan", Adm1: "Balochistan", Adm2: "Atlantis"}, "unknown - province PK Balochistan", "", ""},
		{"stands for no unit", Request{Adm2: "Nowhereland"}, "unknown - region - -", "", ""},
		{"foreign", Request{Country: "India", Adm1: "Punjab"}, "unknown - none - -", "", ""},
		{"coarser precision of the source", Request{Adm2: "Tank", Precision: "province"}, "placed pk-kp-tank province PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"default", Request{Adm2: "Old Tank"}, "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},

		// Ambiguous names.
		{"former district", Request{Adm1: "FATA", Adm2: "South Waziristan"}, "ambiguous - district PK Khyber Pakhtunkhwa", "", lower + " " + upper},
		{"former district in adm1", Request{Adm1: "South Waziristan Agency"}, "ambiguous - district PK Khyber Pakhtunkhwa", "", lower + " " + upper},
		{"former district and a town", Request{Adm2: "South Waziristan", Place: "Wana"}, "placed " + lower + " district PK Khyber Pakhtunkhwa", "", lower},
		{"two countries", Request{Adm2: "Kalat district"}, "ambiguous - province - -", "", "pk-ba-kalat af-zab"},
		{"two countries, one given", Request{Country: "PAK", Adm2: "Qalat"}, "placed pk-ba-kalat district PK Balochistan", "", "pk-ba-kalat"},
		{"two countries, a province given", Request{Adm1: "Balochistan province", Adm2: "Kalat district"}, "placed pk-ba-kalat district PK Balochistan", "", "pk-ba-kalat"},
		{"two by a slash", Request{Adm2: "Tank / Khyber"}, "ambiguous - district PK Khyber Pakhtunkhwa", "", "pk-kp-tank pk-kp-khyber"},

		// Places.
		{"town", Request{Place: "Jandola"}, "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"seat", Request{Text: "Landi Kotal"}, "placed pk-kp-khyber district PK Khyber Pakhtunkhwa", "", "pk-kp-khyber"},
		{"seat in brackets", Request{Text: "Sharana"}, "placed af-pka province AF Paktika", "", "af-pka"},
		{"seat in the district column", Request{Adm2: "Landi Kotal"}, "unknown - none - -", "", ""},
		{"crossing", Request{Place: "Far Pass"}, "ambiguous - vicinity_25km - -", "", "af-pka " + lower},
		{"crossing with a country", Request{Country: "Pakistan", Place: "Far Pass"}, "placed " + lower + " vicinity_25km PK Khyber Pakhtunkhwa", "", lower},
		{"ambiguous crossing", Request{Text: "Angoor Adda"}, "ambiguous - near - -", "", "af-pka " + lower},
		{"ambiguous crossing with a province", Request{Adm1: "Paktika", Text: "Angur Ada"}, "placed af-pka near AF Paktika", "", "af-pka"},
		{"a sentence", Request{Text: "somewhere near Tank"}, "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"text after an unknown place", Request{Place: "Checkpost 4", Text: "Quetta"}, "placed pk-ba-quetta district PK Balochistan", "", "pk-ba-quetta"},

		// Names that contradict each other.
		{"district of another province", Request{Adm1: "Balochistan", Adm2: "Tank"}, "ambiguous - district PK -", "admin_mismatch", "pk-kp-tank"},
		{"district of another province, with a point", at(72.5, 32.5, Request{Adm1: "Balochistan", Adm2: "Tank"}), "placed pk-kp-tank exact PK Khyber Pakhtunkhwa", "admin_mismatch", "pk-kp-tank"},
		{"province of another country", Request{Country: "Afghanistan", Adm1: "Punjab"}, "unknown - country AF -", "admin_mismatch", ""},
		{"two districts", Request{Adm1: "Khyber", Adm2: "Tank"}, "ambiguous - district PK Khyber Pakhtunkhwa", "admin_mismatch", "pk-kp-khyber pk-kp-tank"},
		{"district elsewhere under a context province", Request{Adm1: "Punjab", Adm2: "Tank"}, "placed pk-pb province PK Punjab", "admin_mismatch", "pk-pb"},

		// Points and names.
		{"agree", at(72.5, 32.5, Request{Adm2: "Tank", Precision: "near"}), "placed pk-kp-tank near PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"agree, district known", at(72.5, 32.5, Request{Adm2: "Tank", Precision: "district"}), "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"a little beside", at(71.99, 32.5, Request{Adm2: "Tank", Precision: "near"}), "placed pk-kp-tank near PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
		{"disagree, point good", at(71.5, 32.5, Request{Adm2: "Tank", Precision: "near"}), "placed " + upper + " near PK Khyber Pakhtunkhwa", "district_mismatch 47 km", upper + " pk-kp-tank"},
		{"disagree, point coarse", at(71.5, 32.5, Request{Adm2: "Tank", Precision: "district"}), "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "district_mismatch 47 km", "pk-kp-tank"},
		{"one of two", at(71.5, 32.5, Request{Adm2: "South Waziristan", Precision: "exact"}), "placed " + upper + " exact PK Khyber Pakhtunkhwa", "", upper + " " + lower},
		{"one of two, point coarse", at(71.5, 32.5, Request{Adm2: "South Waziristan", Precision: "district"}), "ambiguous - district PK Khyber Pakhtunkhwa", "", lower + " " + upper},
		{"a little beside one of two", at(72.01, 32.5, Request{Adm2: "South Waziristan", Precision: "exact"}), "placed " + upper + " exact PK Khyber Pakhtunkhwa", "", upper + " " + lower},
		{"none of two", at(72.5, 32.5, Request{Adm2: "South Waziristan", Precision: "exact"}), "placed pk-kp-tank exact PK Khyber Pakhtunkhwa", "district_mismatch 47 km", "pk-kp-tank " + lower + " " + upper},
		{"tribal areas", at(72.5, 31.5, Request{Adm1: "FATA", Precision: "near"}), "placed pk-kp-khyber near PK Khyber Pakhtunkhwa", "", ""},
		{"not the tribal areas", at(71.5, 31.5, Request{Adm1: "FATA", Precision: "near"}), "placed pk-ba-quetta near PK Balochistan", "district_mismatch 47 km", ""},
		{"province, point coarse", at(72.5, 31.5, Request{Adm1: "KP", Precision: "province"}), "unknown - province PK Khyber Pakhtunkhwa", "", ""},
		{"province, point coarse and outside", at(71.5, 31.5, Request{Adm1: "KP", Precision: "province"}), "unknown - province PK Khyber Pakhtunkhwa", "district_mismatch 47 km", ""},
		{"Afghan province, point good", at(69.5, 32.5, Request{Adm1: "Paktika", Adm2: "Barmal"}), "placed af-pka exact AF Paktika", "", "af-pka"},
		{"other country", at(69.5, 32.5, Request{Country: "Pakistan", Precision: "exact"}), "placed af-pka exact AF Paktika", "country_mismatch 47 km", ""},
		{"other country, a little", at(69.99, 32.5, Request{Country: "Pakistan", Precision: "exact"}), "placed " + lower + " exact PK Khyber Pakhtunkhwa", "", ""},
		{"beside all units, with its country", at(68.99, 32.5, Request{Country: "Afghanistan"}), "placed af-pka exact AF Paktika", "", ""},
		{"beside all units, without", at(68.99, 32.5, Request{}), "unknown - exact - -", "", ""},
		{"far away, with a name", at(10, 50, Request{Adm2: "Tank", Precision: "exact"}), "placed pk-kp-tank district PK Khyber Pakhtunkhwa", "outside_region", "pk-kp-tank"},
		{"foreign country", at(72.5, 32.5, Request{Country: "India", Precision: "exact"}), "placed pk-kp-tank exact PK Khyber Pakhtunkhwa", "country_mismatch", ""},
		{"foreign country, point coarse", at(72.5, 32.5, Request{Country: "India", Precision: "country"}), "unknown - country - -", "country_mismatch", ""},
		{"line in a district", at(72.5, 32.5, Request{Adm2: "Tank", Precision: "line"}), "placed pk-kp-tank line PK Khyber Pakhtunkhwa", "", "pk-kp-tank"},
	} {
		m := g.Geocode(c.in)
		dash := func(s string) string {
			if s == "" {
				return "-"
			}
			return s
		}
		got := strings.Join([]string{string(m.Status), dash(m.UnitID), m.Precision, dash(m.Country), dash(m.Province)}, " ")
		var cands []string
		for _, k := range m.Candidates {
			cands = append(cands, k.UnitID)
			if len(k.Reasons) == 0 {
				t.Errorf("%s: candidate %s has no reason", c.name, k.UnitID)
			}
		}
		sort := func(s string) string { f := strings.Fields(s); slices.Sort(f); return strings.Join(f, " ") }
		if got != c.want || codes(m) != c.warn || sort(strings.Join(cands, " ")) != sort(c.cand) {
			t.Errorf("%s:\n  got  %s [%s] {%s}\n  want %s [%s] {%s}\n  %+v", c.name, got, codes(m), strings.Join(cands, " "), c.want, c.warn, c.cand, m)
		}
		if len(cands) > 0 && m.Unit >= 0 && cands[0] != m.UnitID {
			t.Errorf("%s: the chosen unit is not the first candidate: %v", c.name, cands)
		}
		matchLaws(t, g, c.in, m)
	}
}

// matchLaws are what must hold for every answer.
func matchLaws(t interface {
	Helper()
	Fatalf(string, ...any)
}, g *Geocoder, r Request, m Match) {
	t.Helper()
	units := g.Index().Units()
	if (m.Status == StatusPlaced) != (m.UnitID != "") || m.Unit >= len(units) {
		t.Fatalf("%+v: status %s with unit %q", r, m.Status, m.UnitID)
	}
	if m.Unit >= 0 {
		u := units[m.Unit]
		if m.UnitID != u.ID || m.Country != u.Country || m.Province != u.Province || m.Name == "" {
			t.Fatalf("%+v: %+v does not fit its unit", r, m)
		}
	} else if f, ok := g.Former(m.UnitID); m.UnitID != "" && (!ok || len(m.Units) == 0 || m.Name != f.Name) {
		t.Fatalf("%+v: %q is neither a unit nor a former one: %+v", r, m.UnitID, m)
	}
	if m.Status == StatusAmbiguous && len(m.Candidates) == 0 {
		t.Fatalf("%+v: ambiguous without candidates", r)
	}
	if r.HasPoint && m.HasPoint && usable(r.Point) && r.Point != (orb.Point{}) && m.Point != r.Point {
		t.Fatalf("%+v: the point was moved to %v", r, m.Point)
	}
	for _, c := range m.Candidates {
		_, ok := g.Index().ByID(c.UnitID)
		if _, was := g.Former(c.UnitID); !ok && !was || !(c.Score >= 0 && c.Score <= 1) || c.Span[0] < 0 || c.Span[1] < c.Span[0] {
			t.Fatalf("%+v: candidate %+v", r, c)
		}
	}
	if m.Precision == "" {
		t.Fatalf("%+v: no precision", r)
	}
}

// TestGeocodeParted has a name that covered the new unit until a certain year.
func TestGeocodeParted(t *testing.T) {
	const from2023 = 19358
	g, err := NewGeocoder(Sources{Index: mustIndex(t, []Unit{
		{ID: "pk-ba-lasbela", Name: "Lasbela", Kind: "district", Country: "PK", Province: "Balochistan", Geometry: box(66, 25, 66.5, 26)},
		{ID: "pk-ba-hub", Name: "Hub", Kind: "district", Country: "PK", Province: "Balochistan", Geometry: box(66.5, 25, 67, 26)},
	}), Formers: []Former{{
		ID: "pk-ba-lasbela-until-2022", Name: "Lasbela", Kind: "district", Country: "PK", Province: "Balochistan", Dates: Span{NoDay, from2023},
		Units: []string{"pk-ba-hub", "pk-ba-lasbela"}, Now: "pk-ba-lasbela", Source: "a notification",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	const then = "pk-ba-lasbela-until-2022"
	r := Request{Adm2: "Lasbela district", Point: orb.Point{66.8, 25.5}, HasPoint: true, Precision: "exact"}
	for _, c := range []struct {
		day       int32
		precision string
		unit      string
		then      string
		warn      string
	}{
		{NoDay, "exact", "pk-ba-hub", "", ""},
		{from2023 - 1, "exact", "pk-ba-hub", then, ""},
		{from2023, "exact", "pk-ba-hub", "", "district_mismatch 30 km"},
		{12000, "district", then, "", ""},
		{from2023, "district", "pk-ba-lasbela", "", "district_mismatch 30 km"},
	} {
		r.HasDay, r.Day, r.Precision = c.day != NoDay, c.day, c.precision
		m := g.Geocode(r)
		if m.UnitID != c.unit || m.Then != c.then || codes(m) != c.warn || m.Status != StatusPlaced {
			t.Errorf("%+v: %+v", c, m)
		}
		if c.unit == then && (m.Unit != -1 || len(m.Units) != 2 || m.Name != "Lasbela") {
			t.Errorf("%+v: a former unit has the units of today that cover it: %+v", c, m)
		}
		matchLaws(t, g, r, m)
	}
}

func TestGeocodePoint(t *testing.T) {
	g := smallWorld(t)
	if m := g.Geocode(Request{Text: "Angur Ada"}); !m.HasPoint || m.Point != (orb.Point{70, 32.5}) || m.Name != "Angoor Adda" {
		t.Errorf("a crossing has its own point: %+v", m)
	}
	if m := g.Geocode(Request{Adm2: "Tank"}); m.HasPoint || m.Point != (orb.Point{72.5, 32.5}) {
		t.Errorf("a unit known by name has its label point and no position: %+v", m)
	}
	if _, err := NewGeocoder(Sources{}); err == nil {
		t.Error("a geocoder without an index was made")
	}
	if g.Border().DistanceKM(orb.Point{70, 32}) > 1e-6 || g.Names().Lookup("Tank").Kind != SenseUnit || !g.Region().Contains(orb.Point{70, 32}) {
		t.Error("border, names or region are not what was given")
	}
}

func TestGeocodeReadsAtOnce(t *testing.T) {
	g := smallWorld(t)
	var wait sync.WaitGroup
	for w := range 8 {
		wait.Go(func() {
			for i := range 3 * maxReadings / 8 { // more names than are kept
				m := g.Geocode(Request{Adm2: "Tank", Place: strconv.Itoa(w*1e6 + i), Point: orb.Point{72.5, 32.5}, HasPoint: i%2 == 0})
				if m.UnitID != "pk-kp-tank" {
					t.Errorf("placed in %q", m.UnitID)
				}
			}
		})
	}
	wait.Wait()
	if len(g.readings) > maxReadings {
		t.Errorf("%d readings are kept", len(g.readings))
	}
}

func TestGeocodeLaws(t *testing.T) {
	g := smallWorld(t)
	words := []string{
		"", "Pakistan", "Afghanistan", "India", "KP", "FATA", "Balochistan province", "Punjab", "Tank district", "FR Tank - Jandola", "South Waziristan",
		"Kalat", "Paktika", "Khyber", "Angoor Adda", "Far Pass", "Wana", "Landi Kotal", "Tank / Khyber", "Nawa (Zabul)", "Nowhereland", "Atlantis", "district", "(", "/",
	}
	precisions := []string{"", "exact", "near", "settlement", "vicinity_25km", "tehsil", "district", "province", "line", "region", "country", "none", "odd"}
	word := rapid.SampledFrom(words)
	rapid.Check(t, func(t *rapid.T) {
		r := Request{
			Country: word.Draw(t, "country"), Adm1: word.Draw(t, "adm1"), Adm2: word.Draw(t, "adm2"), Place: word.Draw(t, "place"), Text: word.Draw(t, "text"),
			Precision: rapid.SampledFrom(precisions).Draw(t, "precision"), HasPoint: rapid.Bool().Draw(t, "has"),
			Point: orb.Point{rapid.Float64Range(67, 75).Draw(t, "lon"), rapid.Float64Range(29, 35).Draw(t, "lat")},
		}
		m := g.Geocode(r)
		matchLaws(t, g, r, m)
		// A point in a unit, and nothing else said: the unit.
		if u := g.Index().Locate(r.Point); u >= 0 {
			if m := g.Geocode(Request{Point: r.Point, HasPoint: true}); m.Unit != u || m.Precision != "exact" {
				t.Fatalf("point of unit %d: %+v", u, m)
			}
		}
		// Asked twice, answered alike.
		if a := g.Geocode(r); a.Unit != m.Unit || a.Status != m.Status || len(a.Warnings) != len(m.Warnings) || len(a.Candidates) != len(m.Candidates) {
			t.Fatalf("%+v: two answers, %+v and %+v", r, m, a)
		}
	})
}

func FuzzGeocode(f *testing.F) {
	g := smallWorld(f)
	f.Add("Pakistan", "FATA", "FR Tank - Jandola", "Wana", "Angoor Adda", "near", 71.5, 32.5, true)
	f.Add("", "", "((", "/", "Dir (Upper", "line", math.NaN(), 0.0, true)
	f.Add("\xff", " - ", "Tank / Kalat", ")(", "ضلع خیبر", "", 0.0, 0.0, false)
	f.Fuzz(func(t *testing.T, country, adm1, adm2, place, text, precision string, lon, lat float64, has bool) {
		r := Request{Country: country, Adm1: adm1, Adm2: adm2, Place: place, Text: text, Precision: precision, Point: orb.Point{lon, lat}, HasPoint: has}
		matchLaws(t, g, r, g.Geocode(r))
	})
}

// ---- with the reference data ----

func readCSV(t testing.TB, path ...string) []map[string]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(referenceFile(t, path...), []byte("\ufeff"))))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, v := range row {
			if i < len(rows[0]) {
				m[rows[0][i]] = v
			}
		}
		out = append(out, m)
	}
	return out
}

func number(s string) float64 {
	f, _ := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return f
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '|' })
}

func referenceGeocoder(t testing.TB) *Geocoder {
	t.Helper()
	_, geometries := referenceGeometries(t)
	var units []Unit
	for _, r := range readCSV(t, "reference", "gazetteer.csv") {
		kind, _, context := strings.Cut(r["kind"], " (context)")
		if context {
			kind = "context"
		}
		units = append(units, Unit{
			ID: r["id"], Name: r["name"], Kind: kind, Country: r["country"], Province: r["province"], PCode: r["ocha_pcode"], ISO: r["iso_3166_2"],
			NameUR: r["name_ur"], NamePS: r["name_ps"], NameFA: r["name_fa"], Seat: r["headquarters"], Variants: list(r["variants"]),
			Label: orb.Point{number(r["label_lon"]), number(r["label_lat"])}, Geometry: geometries[r["id"]],
		})
	}
	var crossings []Crossing
	for _, r := range readCSV(t, "reference", "crossings.csv") {
		crossings = append(crossings, Crossing{
			Name: r["name"], Variants: list(r["variants"]), Point: orb.Point{number(r["lon"]), number(r["lat"])},
			AccuracyKM: number(r["accuracy_km"]), PKDistrict: r["pk_district"], AFProvince: r["af_province"], Note: r["note"],
		})
	}
	g, err := NewGeocoder(Sources{Index: mustIndex(t, units), Crossings: crossings, Ambiguities: referenceAmbiguities(t), Border: referenceBorder(t)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func referenceAmbiguities(t testing.TB) []Ambiguity {
	t.Helper()
	var out []Ambiguity
	for _, r := range readCSV(t, "reference", "ambiguous.csv") {
		out = append(out, Ambiguity{Names: strings.Split(r["name"], " / "), Candidates: list(r["candidates"]), Default: r["default"], Note: r["note"]})
	}
	return out
}

func TestReferenceLabels(t *testing.T) {
	g := referenceGeocoder(t)
	for i, u := range g.Index().Units() {
		if got := g.Index().Locate(u.Label); got != i {
			t.Errorf("the label point of %s lies in %d", u.ID, got)
		}
	}
}

// TestReferenceNames looks up every name and variant, in every script and in the forms that files use.
func TestReferenceNames(t *testing.T) {
	g := referenceGeocoder(t)
	names, ambiguous := 0, map[string]bool{}
	for i, u := range g.Index().Units() {
		forms := append([]string{u.ID, u.Name, u.NameUR, u.NamePS, u.NameFA, u.PCode}, u.Variants...)
		for _, f := range forms {
			if f == "" {
				continue
			}
			for _, form := range []string{f, strings.ToUpper(f), " " + f + " district", f + " Agency", "District " + f, strings.ReplaceAll(f, "ی", "ي")} {
				names++
				s := g.Names().Lookup(form)
				if !slices.Contains(s.Units, i) {
					t.Errorf("%q should mean %s: %+v", form, u.ID, s)
				}
				if s.Default != i {
					ambiguous[f+" → "+u.ID] = true
				}
				m := g.Geocode(Request{Country: u.Country, Adm1: u.Province, Adm2: form})
				if m.Unit != i && s.Default == i {
					t.Errorf("%s, %s, %q: %+v", u.Country, u.Province, form, m)
				}
			}
		}
	}
	t.Logf("%d forms of names; left open: %d %v", names, len(ambiguous), ambiguous)
}

func TestReferenceAmbiguities(t *testing.T) {
	g := referenceGeocoder(t)
	for _, a := range referenceAmbiguities(t) {
		for _, name := range a.Names {
			for _, r := range []Request{{Adm2: name}, {Adm2: name + " district"}, {Place: name}, {Text: name}} {
				m := g.Geocode(r)
				if m.UnitID != a.Default {
					t.Errorf("%+v: placed in %q, the default is %q", r, m.UnitID, a.Default)
				}
				if a.Default == "" && len(a.Candidates) > 0 && (m.Status != StatusAmbiguous || len(m.Candidates) != len(a.Candidates)) {
					t.Errorf("%+v: %s with %d candidates, not %d", r, m.Status, len(m.Candidates), len(a.Candidates))
				}
			}
			for _, country := range []string{"PK", "AF"} {
				var left []string
				for _, id := range a.Candidates {
					if strings.HasPrefix(id, strings.ToLower(country)+"-") {
						left = append(left, id)
					}
				}
				if m := g.Geocode(Request{Country: country, Adm2: name}); len(left) == 1 && m.UnitID != left[0] {
					t.Errorf("%s %q leaves %v: %+v", country, name, left, m)
				}
			}
		}
	}
}

// gedPrecision is where_prec of UCDP GED in our words (codebook; 7 is sea and air).
var gedPrecision = map[string]string{"1": "exact", "2": "vicinity_25km", "3": "district", "4": "province", "5": "line", "6": "country", "7": "none"}

// gedDay reads the start of a date in either form of the file.
func gedDay(s string) int32 {
	s, _, _ = strings.Cut(s, " ")
	for _, layout := range []string{"2006-01-02", "1/2/2006"} {
		if d, err := time.Parse(layout, s); err == nil {
			return int32(d.Unix() / 86400)
		}
	}
	return 0
}

// TestGEDFile measures the names of a real file against its own coordinates, and lists its warnings.
func TestGEDFile(t *testing.T) {
	g := referenceGeocoder(t)
	count := map[string]int{}
	rows, wrong := 0, map[string]int{}
	placed, warned := map[string]int{}, map[string]int{}
	for _, r := range readCSV(t, "data", "ucdp_ged_pakistan_1989-2021.csv") {
		if strings.HasPrefix(r["country"], "#") {
			continue
		}
		p := orb.Point{number(r["longitude"]), number(r["latitude"])}
		full := g.Geocode(Request{
			Country: r["country"], Adm1: r["adm_1"], Adm2: r["adm_2"], Place: r["where_coordinates"], Text: r["where_description"],
			Point: p, HasPoint: true, Precision: gedPrecision[r["where_prec"]], Day: gedDay(r["date_start"]), HasDay: true,
		})
		placed[string(full.Status)+" "+full.Precision]++
		for _, w := range full.Warnings {
			warned[w.Code]++
		}
		if !strings.HasPrefix(r["adm_1"], "Khyber") && !strings.HasPrefix(r["adm_1"], "Fed") && !strings.HasPrefix(r["adm_1"], "Baloch") || r["adm_2"] == "" {
			continue
		}
		rows++
		m := g.Geocode(Request{Country: r["country"], Adm1: r["adm_1"], Adm2: r["adm_2"]})
		at := g.Index().Locate(p)
		switch {
		case m.Status == StatusAmbiguous:
			count["ambiguous"]++
			if slices.ContainsFunc(m.Candidates, func(c Candidate) bool { return at >= 0 && c.UnitID == g.Index().Units()[at].ID }) {
				count["ambiguous, the point lies in a candidate"]++
			}
		case m.Status == StatusUnknown:
			count["unknown"]++
			t.Errorf("%s, %s is unknown", r["adm_1"], r["adm_2"])
		case m.Unit == at:
			count["placed, the point lies in it"]++
		case g.Index().DistanceKM(m.Unit, p) <= ToleranceKM:
			count["placed, the point lies at most 2 km beside it"]++
		default:
			count["placed, the point lies elsewhere"]++
			other := "no unit"
			if at >= 0 {
				other = g.Index().Units()[at].ID
			}
			wrong[r["adm_2"]+" → "+other]++
		}
	}
	t.Logf("names alone, %d rows with adm_1 and adm_2 of the three: %v", rows, count)
	t.Logf("named and located differently: %v", wrong)
	t.Logf("all rows with point: %v, warnings %v", placed, warned)
	if agree := count["placed, the point lies in it"] + count["placed, the point lies at most 2 km beside it"] + count["ambiguous, the point lies in a candidate"]; float64(agree) < 0.93*float64(rows) {
		t.Errorf("names and points agree for only %d of %d rows", agree, rows)
	}
}

func BenchmarkGeocode(b *testing.B) {
	g := referenceGeocoder(b)
	points := randomPoints(1<<14, g.Index().Bound())
	names := []Request{
		{Country: "Pakistan", Adm1: "Federally Administered Tribal Areas", Adm2: "Khyber agency"},
		{Country: "Pakistan", Adm1: "Khyber Pakhtunkwa province", Adm2: "Swat district"},
		{Country: "Pakistan", Adm1: "Balochistan province", Adm2: "Kech district"},
		{Country: "Afghanistan", Adm1: "Kandahar province", Adm2: "Maywand district"},
	}
	run := func(name string, request func(i int) Request) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				g.Geocode(request(i))
				i++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
	run("point", func(i int) Request { return Request{Point: points[i&(1<<14-1)], HasPoint: true} })
	run("names", func(i int) Request { return names[i&3] })
	run("agreeing", func(i int) Request {
		r := names[i&3]
		u, _ := g.Index().ByID([]string{"pk-kp-khyber", "pk-kp-swat", "pk-ba-kech", "af-kan"}[i&3])
		r.Point, r.HasPoint, r.Precision = g.Index().Units()[u].Label, true, "near"
		return r
	})
	run("disagreeing", func(i int) Request {
		r := names[i&3]
		r.Point, r.HasPoint, r.Precision = points[i&(1<<14-1)], true, "near"
		return r
	})
	run("unseen", func(i int) Request {
		r := names[i&3]
		r.Place, r.Text = strconv.Itoa(i), "a phrase of some words that nobody has written before"
		return r
	})
}

func BenchmarkNewGeocoder(b *testing.B) {
	g := referenceGeocoder(b)
	ambiguities := referenceAmbiguities(b)
	for b.Loop() {
		if _, err := NewGeocoder(Sources{Index: g.Index(), Crossings: g.names.crossings, Ambiguities: ambiguities}); err != nil {
			b.Fatal(err)
		}
	}
}
