package ingest

import (
	"fmt"
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/source"
	"sarhad/incident"
)

// What is known of the place follows from the precision, and nothing finer is made up.
func TestLocate(t *testing.T) {
	l := testLocator(t)
	kurram, quetta := orb.Point{70.1, 33.85}, orb.Point{66.99, 30.2}
	type in = incident.Incident
	for name, c := range map[string]struct {
		row  source.Row
		want string
	}{
		"exact":           {source.Row{Incident: in{Point: quetta, HasPoint: true, LocationPrecision: "exact"}}, "exact point pk-ba-quetta PK true PK []"},
		"vicinity":        {source.Row{Incident: in{Point: kurram, HasPoint: true, LocationPrecision: "vicinity_25km"}}, "vicinity_25km circle pk-kp-kurram PK true straddles []"},
		"district label":  {source.Row{Adm2: "Kurram agency", Adm1: "Federally Administered Tribal Areas", Country: "Pakistan", Incident: in{Point: kurram, HasPoint: true, LocationPrecision: "district"}}, "district unit pk-kp-kurram PK true PK []"},
		"names only":      {source.Row{Adm2: "Quetta", Country: "Pakistan"}, "district unit pk-ba-quetta PK true PK []"},
		"province":        {source.Row{Adm1: "Balochistan", Country: "Pakistan"}, "province province  PK false PK []"},
		"afghan":          {source.Row{Adm1: "Kandahar", Country: "Afghanistan"}, "province unit af-kan AF true AF []"},
		"country":         {source.Row{Country: "Afghanistan"}, "country country  AF false unknown []"},
		"nothing":         {source.Row{}, "none none   false unknown []"},
		"ambiguous":       {source.Row{Adm2: "Dir", Adm1: "Khyber Pakhtunkhwa", Country: "Pakistan"}, " units  PK false PK [ambiguous_name]"},
		"zero":            {source.Row{Adm2: "Quetta", Country: "Pakistan", Incident: in{Point: orb.Point{}, HasPoint: true, LocationPrecision: "near"}}, "district unit pk-ba-quetta PK true PK [zero_coordinates]"},
		"mismatch":        {source.Row{Adm2: "Quetta", Country: "Pakistan", Incident: in{Point: kurram, HasPoint: true, LocationPrecision: "exact"}}, "district units  PK true PK [district_mismatch]"},
		"own line":        {source.Row{Incident: in{LocationPrecision: "line"}}, "line border   false straddles []"},
		"ged line":        {source.Row{Adm2: "Orakzai agency", Country: "Pakistan", Incident: in{LocationName: "Upper tehsil", LocationPrecision: "line", LocationPrecisionCode: "5", Point: kurram, HasPoint: true}}, "line unit pk-kp-orakzai PK true PK *"},
		"line of control": {source.Row{Country: "Pakistan", Incident: in{LocationName: "LoC", LocationPrecision: "line", LocationPrecisionCode: "5", Point: orb.Point{74.6, 32.5}, HasPoint: true}}, "line country  PK true unknown []"},
		"ged border":      {source.Row{Adm2: "Bajaur agency", Country: "Pakistan", Incident: in{LocationName: "Afghanistan-Pakistan border (Bajaur Agency)", LocationPrecision: "line", LocationPrecisionCode: "5", Point: orb.Point{71.3, 34.9}, HasPoint: true}}, "line border pk-kp-bajaur PK true straddles *"},
		"acled region":    {source.Row{Adm1: "Balochistan", Adm2: "Quetta", Country: "Pakistan", Incident: in{LocationPrecision: "region", LocationPrecisionCode: "3", Point: quetta, HasPoint: true}}, "region country  PK true unknown []"},
		"sea":             {source.Row{Country: "Pakistan", Incident: in{LocationPrecision: "none", LocationPrecisionCode: "7", Point: orb.Point{66, 24}, HasPoint: true}}, "none none  PK true unknown *"},
		"unit given":      {source.Row{Incident: in{UnitID: "pk-kp-kurram"}}, "district unit pk-kp-kurram PK true PK []"},
		"unknown unit":    {source.Row{Incident: in{UnitID: "pk-xx-nowhere"}}, "none none   false unknown [unknown_unit]"},
		"given none":      {source.Row{Incident: in{LocationName: "Kabul", LocationPrecision: "none", Place: incident.Place{Kind: "none"}}}, "none none   false unknown []"},
		"given point":     {source.Row{Incident: in{Place: incident.Place{Kind: "point"}}}, "none none   false unknown [place_without_point]"},
		"given circle":    {source.Row{Incident: in{Place: incident.Place{Kind: "circle"}, Point: quetta, HasPoint: true, UnitID: "pk-ba-quetta"}}, "vicinity_25km circle pk-ba-quetta PK true PK []"},
		"given unit":      {source.Row{Incident: in{Place: incident.Place{Kind: "unit"}, UnitID: "af-hel"}}, "district unit af-hel AF true AF []"},
		"given province":  {source.Row{Country: "PK", Adm1: "Khyber Pakhtunkhwa", Incident: in{Country: "PK", Place: incident.Place{Kind: "province"}}}, "province province  PK false PK []"},
	} {
		t.Run(name, func(t *testing.T) {
			row := c.row
			if row.Country == "Pakistan" {
				row.Incident.Country = "PK"
			}
			doubts := l.Locate(&row)
			got := &row.Incident
			placeLaws(t, got)
			warnings := fmt.Sprint(got.Warnings)
			if c.want[len(c.want)-1] == '*' {
				warnings = "*"
			}
			s := fmt.Sprintf("%s %s %s %s %v %s %s", got.LocationPrecision, got.Place.Kind, got.UnitID, got.Country, got.HasPoint, got.Border.Side, warnings)
			if name == "ambiguous" {
				s = fmt.Sprintf(" %s %s %s %v %s %s", got.Place.Kind, got.UnitID, got.Country, got.HasPoint, got.Border.Side, warnings)
			}
			if s != c.want {
				t.Errorf("got  %s\nwant %s\n%+v", s, c.want, doubts)
			}
			for _, d := range doubts {
				if d.Code == "" || d.Reason == "" {
					t.Errorf("%+v", d)
				}
			}
		})
	}
}

func TestBorderDistance(t *testing.T) {
	l := testLocator(t)
	at := func(p orb.Point, precision incident.LocationPrecision) incident.BorderDistance {
		row := source.Row{Incident: incident.Incident{Point: p, HasPoint: true, LocationPrecision: precision}}
		l.Locate(&row)
		return row.Incident.Border
	}
	p := orb.Point{71.2, 34.05} // a few kilometres inside Pakistan, by Torkham
	exact := at(p, incident.LocExact)
	if !exact.Known || exact.MinKM != exact.MaxKM || exact.MinKM < 1 || exact.MinKM > 20 || exact.Side != incident.SidePK {
		t.Errorf("%+v", exact)
	}
	settlement, vicinity := at(p, incident.LocSettlement), at(p, incident.LocVicinity)
	if settlement.MaxKM != round(exact.MaxKM+2.5) || settlement.Side != incident.SidePK {
		t.Errorf("%+v", settlement)
	}
	if vicinity.MinKM != 0 || vicinity.MaxKM != round(exact.MaxKM+25) || vicinity.Side != incident.SideStraddles {
		t.Errorf("%+v", vicinity)
	}
}

// A position of the gazetteer is no better than the gazetteer says, also when an export of it is loaded again.
func TestBorderDistanceOfNames(t *testing.T) {
	l := testLocator(t)
	for name, km := range map[string]float64{"Torkham": 1, "Ghulam Khan": 3} {
		row := source.Row{Country: "Pakistan", Incident: incident.Incident{Country: "PK", LocationName: name}}
		l.Locate(&row)
		in := row.Incident
		b := in.Border
		if in.LocationPrecision != incident.LocNear || !b.Known || b.MinKM != 0 || b.MaxKM < km || b.MaxKM > 2*km+1 {
			t.Errorf("%s: %+v %+v", name, in.Place, b)
		}
		again := source.Row{Incident: in}
		l.Locate(&again)
		if again.Incident.Border != b {
			t.Errorf("%s: %+v, loaded again %+v", name, b, again.Incident.Border)
		}
	}
}

// No admin name vanishes without a word, and the words of the source stay.
func TestAdminNames(t *testing.T) {
	l := testLocator(t)
	kurram := orb.Point{70.1, 33.85}
	type in = incident.Incident
	for name, c := range map[string]struct {
		row  source.Row
		want string
	}{
		"unknown district":    {source.Row{Country: "PK", Adm1: "Khyber Pakhtunkhwa", Adm2: "Xyzzy"}, "province|Khyber Pakhtunkhwa|Khyber Pakhtunkhwa|Xyzzy, Khyber Pakhtunkhwa|0|[unknown_name]|district Xyzzy"},
		"unknown province":    {source.Row{Country: "PK", Adm1: "Xyzzy"}, "country||Pakistan|Xyzzy|0|[unknown_name]|province Xyzzy"},
		"both unknown":        {source.Row{Adm1: "Xyz", Adm2: "Xyzzy"}, "none|||Xyzzy, Xyz|0|[unknown_name]|district Xyzzy"},
		"other country":       {source.Row{Country: "AF", Adm2: "Kurram"}, "country||Afghanistan|Kurram|0|[admin_mismatch]| "},
		"foreign":             {source.Row{Country: "India", Adm1: "Punjab", Adm2: "Xyzzy"}, "none|||Xyzzy, Punjab|0|[]|"},
		"known unit":          {source.Row{Country: "PK", Adm1: "Xyzzy", Adm2: "Quetta"}, "unit|Balochistan|Quetta|Quetta, Xyzzy|0|[]|"},
		"Afghan district":     {source.Row{Country: "AF", Adm1: "Kandahar", Adm2: "Spin Boldak"}, "subunit|Kandahar|Spin Boldak|Spin Boldak, Kandahar|0|[]|"},
		"with a point":        {source.Row{Country: "PK", Adm2: "Xyzzy", Incident: in{Point: kurram, HasPoint: true, LocationPrecision: "exact"}}, "point|Khyber Pakhtunkhwa|Kurram|Xyzzy|0|[unknown_name]|district Xyzzy"},
		"own words":           {source.Row{Country: "PK", Adm2: "Xyzzy", Incident: in{LocationName: "a village"}}, "country||a village||0|[unknown_name]|district Xyzzy"},
		"several":             {source.Row{Country: "PK", Adm1: "Khyber Pakhtunkhwa", Adm2: "Kohistan"}, "units|Khyber Pakhtunkhwa|Kohistan|Kohistan, Khyber Pakhtunkhwa|3|[ambiguous_name]| "},
		"contradiction":       {source.Row{Country: "PK", Adm1: "Balochistan", Adm2: "Kurram"}, "country||Kurram|Kurram, Balochistan|1|[admin_mismatch]| "},
		"within one province": {source.Row{Country: "PK", Adm1: "Khyber", Adm2: "Tank"}, "units|Khyber Pakhtunkhwa|Tank|Tank, Khyber|2|[admin_mismatch ambiguous_name]| "},
	} {
		t.Run(name, func(t *testing.T) {
			row := c.row
			row.Adm1Column, row.Adm2Column = "province", "district"
			if len(row.Country) == 2 {
				row.Incident.Country = row.Country
			}
			doubts := l.Locate(&row)
			got := &row.Incident
			placeLaws(t, got)
			doubt := ""
			if len(doubts) > 0 {
				doubt = doubts[0].Column + " "
				if doubts[0].Column != "" {
					doubt += doubts[0].Value
				}
			}
			if s := fmt.Sprintf("%s|%s|%s|%s|%d|%v|%s", got.Place.Kind, got.Province, got.LocationName, got.LocationText, len(got.Candidates), got.Warnings, doubt); s != c.want {
				t.Errorf("got  %s\nwant %s\n%+v", s, c.want, doubts)
			}
		})
	}
}

// A row that names the unit in which it lies settles the side, though the circle reaches over the line.
func TestBorderSide(t *testing.T) {
	l := testLocator(t)
	circle := func(r source.Row) source.Row {
		r.Incident.Point, r.Incident.HasPoint, r.Incident.LocationPrecision = orb.Point{70.1, 33.85}, true, incident.LocVicinity
		return r
	}
	given := circle(source.Row{})
	given.Incident.UnitID, given.Incident.Place.Kind = "pk-kp-kurram", incident.PlaceCircle
	stated := given
	stated.Incident.Border.Side = incident.SideStraddles
	for name, c := range map[string]struct {
		row  source.Row
		want incident.BorderSide
	}{
		"a point alone":  {circle(source.Row{}), incident.SideStraddles},
		"the district":   {circle(source.Row{Country: "Pakistan", Adm1: "FATA", Adm2: "Kurram agency"}), incident.SidePK},
		"the province":   {circle(source.Row{Country: "Pakistan", Adm1: "Khyber Pakhtunkhwa"}), incident.SideStraddles},
		"another":        {circle(source.Row{Country: "Pakistan", Adm2: "Khyber"}), incident.SideStraddles},
		"given":          {given, incident.SidePK},
		"given and said": {stated, incident.SideStraddles},
	} {
		row := c.row
		l.Locate(&row)
		if b := row.Incident.Border; b.Side != c.want || !b.Known || b.MinKM != 0 || b.MaxKM < 25 {
			t.Errorf("%s: %+v, want %s", name, b, c.want)
		}
	}
}

func BenchmarkLocate(b *testing.B) {
	l := testLocator(b)
	r := open(b, synthetic(b, 100_000), "f.csv")
	var rows []source.Row
	for {
		row, err := r.Next()
		if err != nil {
			break
		}
		rows = append(rows, *row)
	}
	n := 0
	for b.Loop() {
		row := rows[n%len(rows)]
		l.Locate(&row)
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

type nowhere struct{}

func BenchmarkRun(b *testing.B) {
	l := testLocator(b)
	text := synthetic(b, 200_000)
	n := 0
	for b.Loop() {
		r, err := Run(b.Context(), Options{Source: open(b, text, "f.csv"), Store: nowhere{}, Locator: l})
		if err != nil {
			b.Fatal(err)
		}
		n += r.Read
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
