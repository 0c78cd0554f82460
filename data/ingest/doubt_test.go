package ingest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/source"
	"sarhad/geo"
	"sarhad/incident"
)

func at(lon, lat float64, precision incident.LocationPrecision) incident.Incident {
	return incident.Incident{Start: 17000, Point: orb.Point{lon, lat}, HasPoint: true, LocationPrecision: precision}
}

// brief is what the rules decide about a row.
func brief(in *incident.Incident) string {
	s := fmt.Sprintf("%s %s", in.LocationPrecision, in.Place.Kind)
	for _, f := range []string{in.UnitID, in.UnitThen, in.DistrictThen, in.Subunit, strings.Join(in.Place.Units, "+"), strings.Join(in.Candidates, "+"), strings.Join(in.Warnings, "+")} {
		s += "|" + f
	}
	return s
}

func locate(tb testing.TB, l Locator, row source.Row) (*incident.Incident, []source.Issue) {
	tb.Helper()
	in := row.Incident
	row.Incident.Country = map[string]string{"Pakistan": "PK", "Afghanistan": "AF"}[row.Country]
	doubts := l.Locate(&row)
	placeLaws(tb, &row.Incident)
	if in.HasPoint && in.Point != (orb.Point{}) && (!row.Incident.HasPoint || row.Incident.Point != in.Point) {
		tb.Errorf("the point was moved from %v to %v", in.Point, row.Incident.Point)
	}
	return &row.Incident, doubts
}

// Names and coordinates that contradict each other: both stay on record, and the farther apart they are the less is claimed.
func TestDoubts(t *testing.T) {
	l := testLocator(t)
	sui := at(62.049546, 25.648076, incident.LocExact) // which lies in Gwadar
	for name, c := range map[string]struct {
		row          source.Row
		want, reason string
	}{
		"500 km apart": {source.Row{Country: "Pakistan", Adm1: "Balochistan", Adm2: "Dera Bugti", Incident: sui},
			"district units|||||pk-ba-gwadar+pk-ba-dera-bugti|pk-ba-gwadar+pk-ba-dera-bugti|district_mismatch", "716.6 km outside Dera Bugti"},
		"a circle 500 km away": {source.Row{Country: "Pakistan", Adm2: "Dera Bugti", Incident: at(62.049546, 25.648076, incident.LocVicinity)},
			"district units|||||pk-ba-gwadar+pk-ba-dera-bugti|pk-ba-gwadar+pk-ba-dera-bugti|district_mismatch", "km outside"},
		"in a province of the other country": {source.Row{Country: "Pakistan", Adm2: "Quetta", Incident: at(65.7, 31.6, incident.LocExact)},
			"province units|||||af-kan+pk-ba-quetta|af-kan+pk-ba-quetta|district_mismatch+country_mismatch", "in Kandahar, in the other country"},
		"a former unit far away": {source.Row{Country: "Pakistan", Adm2: "South Waziristan", Incident: sui},
			"district units|||||pk-ba-gwadar+pk-kp-lower-south-waziristan+pk-kp-upper-south-waziristan|pk-ba-gwadar+pk-kp-south-waziristan|district_mismatch", "km outside"},
		"17 km apart": {source.Row{Country: "Pakistan", Adm2: "Bajaur", Incident: at(71.938726, 34.613448, incident.LocExact)},
			"exact point|pk-kp-malakand|||pk-kp-malakand-swat-ranizai|||district_mismatch", "17.0 km outside"},
		"another province": {source.Row{Country: "Pakistan", Adm1: "Khyber Pakhtunkhwa", Incident: sui},
			"exact point|pk-ba-gwadar|||pk-ba-gwadar-suntsar|||district_mismatch", "km outside"},
		"the middle of a district": {source.Row{Country: "Pakistan", Adm2: "Dera Bugti", Incident: at(62.049546, 25.648076, incident.LocDistrict)},
			"district unit|pk-ba-dera-bugti||||||district_mismatch", "km outside"},
		"exchanged": {source.Row{Country: "Pakistan", Adm2: "Quetta", Incident: at(30.2, 66.99, incident.LocExact)},
			"district unit|pk-ba-quetta||||||swapped_coordinates", "and then in Quetta, which is named"},
		"exchanged, nothing named": {source.Row{Country: "Pakistan", Incident: at(30.2, 66.99, incident.LocExact)},
			"country country|||||||swapped_coordinates", "lies in the region only if the two are exchanged"},
		"far away": {source.Row{Country: "Pakistan", Incident: at(-9.1, 38.7, incident.LocExact)},
			"country country|||||||outside_region", "outside the region"},
		"far away, no country": {source.Row{Incident: at(-9.1, 38.7, incident.LocVicinity)},
			"none none|||||||outside_region", "outside the region"},
		"far away, a province named": {source.Row{Country: "Pakistan", Adm1: "Balochistan", Incident: at(-9.1, 38.7, incident.LocExact)},
			"province province|||||||outside_region", "outside the region"},
		"Delhi": {source.Row{Country: "Pakistan", Incident: at(77.2, 28.6, incident.LocExact)},
			"country country|||||||outside_region", "in none of the units that are known here"},
		"Iranshahr, a crossing named": {source.Row{Country: "Pakistan", Incident: named(at(60.69, 27.2, incident.LocExact), "Torkham")},
			"district unit|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency||||outside_region", "in none of the units that are known here"},
		"Iranshahr, the unit given": {source.Row{Incident: inUnit(at(60.69, 27.2, incident.LocExact), "pk-ba-kech")},
			"district unit|pk-ba-kech||||||district_mismatch+outside_region", "in none of the units that are known here"},
		"exchanged, the unit given": {source.Row{Incident: inUnit(at(26, 63, incident.LocExact), "pk-ba-kech")},
			"district unit|pk-ba-kech||||||swapped_coordinates", "only if the two are exchanged"},
		"a circle that reaches in": {source.Row{Country: "Pakistan", Incident: at(62.33, 24.95, incident.LocVicinity)},
			"vicinity_25km circle|||||||country_mismatch", "16.0 km outside the units of that country that are known here"},
		"the other country, 10 km": {source.Row{Country: "Pakistan", Adm1: "Khyber Pakhtunkhwa", Adm2: "Khyber", Incident: at(70.4, 34.3, incident.LocExact)},
			"exact point|af-nan|||af-nan-chaparhar|||district_mismatch+country_mismatch", "in Nangarhar, in the other country"},
		"a tehsil by its point": {source.Row{Country: "Pakistan", Adm2: "Khyber", Incident: at(71.15, 34.1, incident.LocTehsil)},
			"tehsil subunit|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency|pk-kp-khyber-landi-kotal|||", ""},
		"a tehsil by its name": {source.Row{Country: "Pakistan", Adm2: "Khyber", Incident: named(at(71.15, 34.1, incident.LocTehsil), "Landi Kotal")},
			"tehsil subunit|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency|pk-kp-khyber-landi-kotal|||", ""},
		"a tehsil for a district": {source.Row{Country: "Pakistan", Adm1: "Khyber", Adm2: "Landi Kotal", Incident: at(71.15, 34.1, incident.LocTehsil)},
			"tehsil subunit|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency|pk-kp-khyber-landi-kotal|||", ""},
		"a tehsil 500 km away": {source.Row{Country: "Pakistan", Adm1: "Khyber Pakhtunkhwa", Adm2: "Khyber", Incident: at(67, 30.2, incident.LocTehsil)},
			"district units|||||pk-ba-quetta+pk-kp-khyber|pk-ba-quetta+pk-kp-khyber|district_mismatch", "km outside Khyber"},
		"a vicinity by its name": {source.Row{Country: "Pakistan", Incident: named(incident.Incident{Start: 17000, LocationPrecision: incident.LocVicinity}, "Torkham")},
			"vicinity_25km circle|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency||||", ""},
		"a vicinity by its name, 0, 0": {source.Row{Country: "Pakistan", Incident: named(at(0, 0, incident.LocVicinity), "Torkham")},
			"vicinity_25km circle|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency||||zero_coordinates", "0, 0"},
		"near a town": {source.Row{Country: "Pakistan", Incident: named(incident.Incident{Start: 17000, LocationPrecision: incident.LocNear}, "Peshawar city")},
			"near point|pk-kp-peshawar|||pk-kp-peshawar-peshawar-i|||", ""},
		"zero": {source.Row{Country: "Pakistan", Adm2: "Quetta", Incident: at(0, 0, incident.LocExact)},
			"district unit|pk-ba-quetta||||||zero_coordinates", "0, 0"},
		"the country's middle, unsaid": {source.Row{Country: "Pakistan", PrecisionAssumed: true, Incident: at(69.3451, 30.3753, incident.LocNear)},
			"country country|||||||label_coordinates", "label point of Pakistan, and stand for all of it"},
		"the country's middle, a district named": {source.Row{Country: "Pakistan", Adm2: "Quetta", PrecisionAssumed: true, Incident: at(70, 30, incident.LocNear)},
			"district unit|pk-ba-quetta||||||label_coordinates", "label point of Pakistan"},
		"the country's middle, a place named": {source.Row{Country: "Pakistan", PrecisionAssumed: true, Incident: named(at(70, 30, incident.LocNear), "Torkham")},
			"", "label point of Pakistan"},
		"the country's middle, nothing named": {source.Row{PrecisionAssumed: true, Incident: at(67.709953, 33.93911, incident.LocNear)},
			"country country|||||||label_coordinates", "label point of Afghanistan"},
		"the country's middle, said to be exact": {source.Row{Country: "Afghanistan", Incident: at(65, 33, incident.LocExact)},
			"exact point|af-hel|||af-hel-baghran|||label_coordinates", "the source says that they are exact"},
		"the country's middle, said to be the country": {source.Row{Country: "Afghanistan", Incident: at(65, 33, incident.LocCountry)},
			"country country|||||||", ""},
		"300 m beside it": {source.Row{Country: "Afghanistan", PrecisionAssumed: true, Incident: at(65.003, 33, incident.LocNear)},
			"near point|af-hel|||af-hel-baghran|||", ""},
	} {
		in, doubts := locate(t, l, c.row)
		if got := brief(in); c.want != "" && got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
		reasons := ""
		for _, d := range doubts {
			reasons += d.Reason + "\n"
		}
		if (c.reason == "") != (reasons == "") || !strings.Contains(reasons, c.reason) {
			t.Errorf("%s: reasons %q, want %q", name, reasons, c.reason)
		}
		if strings.HasPrefix(name, "the country's middle, a") && in.Place.Kind == incident.PlacePoint {
			t.Errorf("%s: %s", name, brief(in))
		}
	}
}

func named(in incident.Incident, place string) incident.Incident {
	in.LocationName = place
	return in
}

func inUnit(in incident.Incident, id string) incident.Incident {
	in.UnitID = id
	return in
}

// The middle of a province that is divided into units stands for the province.
func TestMiddleOfProvince(t *testing.T) {
	l := testLocator(t)
	var middles int
	for _, cell := range l.(*geoLocator).labels.cells {
		for _, x := range cell {
			if x.province == "" {
				continue
			}
			middles++
			in, doubts := locate(t, l, source.Row{PrecisionAssumed: true, Incident: at(x.point[0], x.point[1], incident.LocNear)})
			if len(doubts) != 1 || in.Place.Kind != incident.PlaceProvince || in.Province != x.of || in.Country != "PK" || in.UnitID != "" {
				t.Errorf("%s: %s %+v", x.of, brief(in), doubts)
			}
		}
	}
	if middles < 2 {
		t.Error("no province has a middle")
	}
}

// The label point of every unit is known as such, and a point whose precision nobody stated becomes no pin there.
func TestLabelsOfUnits(t *testing.T) {
	l := testLocator(t)
	units := testGeocoder(t).Index().Units()
	for i := range units {
		u := &units[i]
		want := incident.LocDistrict
		if u.Kind != "district" {
			want = incident.LocProvince
		}
		for _, stated := range []bool{false, true} {
			in, doubts := locate(t, l, source.Row{PrecisionAssumed: !stated, Incident: at(u.Label[0], u.Label[1], incident.LocNear)})
			if len(doubts) != 1 || doubts[0].Code != WarnLabelCoordinates || in.UnitID != u.ID {
				t.Errorf("%s: %s %+v", u.ID, brief(in), doubts)
			}
			if stated != (in.Place.Kind == incident.PlacePoint) || !stated && (in.LocationPrecision != want || in.Place.Kind != incident.PlaceUnit) {
				t.Errorf("%s, stated %v: %s", u.ID, stated, brief(in))
			}
		}
	}
	if d := flatKM(orb.Point{70, 34}, orb.Point{70, 35}); math.Abs(d-111.195) > 0.01 {
		t.Error(d)
	}
}

func TestSharedCoordinates(t *testing.T) {
	row := func(lon float64, name string) string { return "2020-01-01,33.5," + fmt.Sprint(lon) + "," + name + "\n" }
	var b strings.Builder
	b.WriteString("date,lat,lon,location\n")
	for i := range 60 {
		b.WriteString(row(70.5, []string{"Alpha", "Beta", "Gamma", "Delta"}[i%4])) // four names
		b.WriteString(row(70.6, "Epsilon"))                                        // a town that sees much
		b.WriteString(row(70.7, []string{"Miran Shah", "miran-shah", "MIRANSHAH"}[i%3]))
		if i < 40 {
			b.WriteString(row(70.8, fmt.Sprint("Zeta ", i))) // too few
		}
	}
	store := newMemory()
	r, err := Run(t.Context(), Options{Source: open(t, b.String(), "f.csv"), Store: store, Locator: testLocator(t)})
	if err != nil {
		t.Fatal(err)
	}
	if r.Warnings[WarnSharedCoordinates] != 60 || len(r.Doubts) == 0 || r.Doubts[0].Code != WarnSharedCoordinates {
		t.Fatalf("%v %+v", r.Warnings, r.Doubts[:min(3, len(r.Doubts))])
	}
	d := r.Doubts[0]
	if !strings.HasSuffix(d.Reason, "on the lines 2, 6, 10, 14, 18, 22, 26, 30, 34, 38") {
		t.Error(d.Reason)
	}
	if d.Line != 2 || d.Value != "70.5, 33.5" || !strings.Contains(d.Reason, "60 rows") || !strings.Contains(d.Reason, "Beta") {
		t.Errorf("%+v", d)
	}
	for _, in := range store.rows {
		if strings.Contains(fmt.Sprint(in.Warnings), WarnSharedCoordinates) {
			t.Errorf("%+v", in.Warnings) // any of them may be the right one
		}
	}
}

// However many points a file has, the memory is bounded and a point that is shared by many is not forgotten.
func TestSharingIsBounded(t *testing.T) {
	s := sharing{}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20 * maxSpots {
		in := at(60+15*r.Float64(), 25+10*r.Float64(), incident.LocNear)
		if i%500 == 0 {
			in.Point, in.LocationName = orb.Point{70, 30}, fmt.Sprint("Place ", i%7000)
		}
		s.add(&source.Row{Line: i, Incident: in})
		if len(s) > maxSpots {
			t.Fatal(len(s))
		}
	}
	rows, doubts := s.doubts()
	if len(doubts) != 1 || rows < 20*maxSpots/500-50 {
		t.Errorf("%d %+v", rows, doubts)
	}
}

// A list without coordinates is placed by what another dataset knows, and says so.
func TestLearnedNames(t *testing.T) {
	calls := 0
	l := NewLocator(testGeocoder(t), func() []geo.Place {
		calls++
		return []geo.Place{{ID: "learned-1", Name: "Qwzzarabad", Kind: "learned", Units: []string{"pk-ba-chagai"}, Point: orb.Point{64.5, 28.9}, HasPoint: true, Source: "ged", Count: 12}}
	})
	named := func(place string) source.Row {
		return source.Row{Country: "Pakistan", Incident: incident.Incident{Start: 17000, LocationName: place}}
	}
	if in, _ := locate(t, l, named("Quetta")); in.UnitID != "pk-ba-quetta" || calls != 0 {
		t.Errorf("%s, asked %d times", brief(in), calls)
	}
	row := named("Qwzzarabad")
	row.Incident.Point, row.Incident.HasPoint, row.Incident.LocationPrecision = orb.Point{66.99, 30.2}, true, incident.LocExact
	if in, _ := locate(t, l, row); in.UnitID != "pk-ba-quetta" || calls != 0 {
		t.Errorf("%s, asked %d times", brief(in), calls)
	}
	for range 2 {
		in, doubts := locate(t, l, named("Qwzzarabad"))
		if in.UnitID != "pk-ba-chagai" || in.Place.Kind == incident.PlacePoint && in.LocationPrecision == incident.LocExact {
			t.Error(brief(in))
		}
		if len(doubts) != 1 || doubts[0].Code != WarnLearnedPlace || !strings.Contains(doubts[0].Reason, "ged") || !strings.Contains(doubts[0].Reason, "12") {
			t.Errorf("%+v", doubts)
		}
	}
	row = named("Qwzzarabad")
	row.Incident.LocationPrecision = incident.LocVicinity
	if in, _ := locate(t, l, row); in.Place.Kind != incident.PlaceCircle || in.Place.RadiusM != 25000 {
		t.Errorf("finer than the source says: %s", brief(in))
	}
	row = named("Qwzzarabad")
	row.Incident.LocationPrecision = incident.LocCountry
	if in, _ := locate(t, l, row); in.Place.Kind != incident.PlaceCountry {
		t.Errorf("the source's word does not stand: %s", brief(in))
	}
	if in, _ := locate(t, l, named("Xqyzzy")); in.UnitID != "" || calls != 1 {
		t.Errorf("%s, asked %d times", brief(in), calls)
	}
}
