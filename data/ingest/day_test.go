package ingest

import (
	"testing"

	"github.com/paulmach/orb"

	"sarhad/data/source"
	"sarhad/incident"
)

// An incident keeps the name of its day, and a tehsil where one is known.
func TestUnitsOfTheDay(t *testing.T) {
	l := testLocator(t)
	day := func(s string) incident.Day {
		d, err := incident.ParseDay(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	on := func(s string) incident.Incident { return incident.Incident{Start: day(s)} }
	point := func(s string, lon, lat float64) incident.Incident {
		in := at(lon, lat, incident.LocExact)
		in.Start = day(s)
		return in
	}
	circle := func(s string, lon, lat float64) incident.Incident {
		in := point(s, lon, lat)
		in.LocationPrecision = incident.LocVicinity
		return in
	}
	given := func(in incident.Incident, kind incident.PlaceKind, unit, then, sub string) incident.Incident {
		in.UnitID, in.UnitThen, in.Subunit, in.Place.Kind = unit, then, sub, kind
		return in
	}
	const waziristan = "pk-kp-lower-south-waziristan+pk-kp-upper-south-waziristan"
	for name, c := range map[string]struct {
		row  source.Row
		want string
		side incident.BorderSide
	}{
		"one area then":       {source.Row{Country: "Pakistan", Adm1: "FATA", Adm2: "South Waziristan", Incident: on("2009-03-01")}, "district units|pk-kp-south-waziristan||||" + waziristan + "||", "PK"},
		"two districts now":   {source.Row{Country: "Pakistan", Adm2: "South Waziristan", Incident: on("2024-03-01")}, "district units|||||" + waziristan + "|" + waziristan + "|ambiguous_name", "PK"},
		"a point in it":       {source.Row{Country: "Pakistan", Adm1: "FATA", Adm2: "South Waziristan", Incident: point("2009-03-01", 69.58, 32.3)}, "exact point|pk-kp-lower-south-waziristan|pk-kp-south-waziristan|South Waziristan|pk-kp-lower-south-waziristan-wana|||", "PK"},
		"a circle around it":  {source.Row{Country: "Pakistan", Adm1: "FATA", Adm2: "South Waziristan", Incident: circle("2009-03-01", 69.58, 32.3)}, "vicinity_25km circle|pk-kp-lower-south-waziristan|pk-kp-south-waziristan|South Waziristan||||", "PK"},
		"an agency":           {source.Row{Country: "Pakistan", Adm2: "Khyber Agency", Incident: on("2009-03-01")}, "district unit|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency||||", "PK"},
		"a district now":      {source.Row{Country: "Pakistan", Adm2: "Khyber", Incident: on("2024-03-01")}, "district unit|pk-kp-khyber||||||", "PK"},
		"a frontier region":   {source.Row{Country: "Pakistan", Adm1: "FATA", Adm2: "FR Bannu", Incident: on("2009-03-01")}, "district unit|pk-kp-bannu|pk-kp-fr-bannu|Frontier Region Bannu||||", "PK"},
		"an Afghan district":  {source.Row{Country: "Afghanistan", Adm1: "Nangarhar", Adm2: "Achin", Incident: on("2015-03-01")}, "district subunit|af-nan|||af-nan-achin|||", "AF"},
		"a crossing's name":   {source.Row{Country: "Afghanistan", Adm1: "Kandahar", Adm2: "Spin Boldak", Incident: on("2015-03-01")}, "", "AF"},
		"given former":        {source.Row{Incident: given(on("2009-03-01"), "", "pk-kp-south-waziristan", "", "")}, "district units|pk-kp-south-waziristan||||" + waziristan + "||", "PK"},
		"given as units":      {source.Row{Incident: given(on("2009-03-01"), incident.PlaceUnits, "pk-kp-south-waziristan", "", "")}, "region units|pk-kp-south-waziristan||||" + waziristan + "||", "PK"},
		"given as unit":       {source.Row{Incident: given(on("2009-03-01"), incident.PlaceUnit, "pk-kp-south-waziristan", "", "")}, "region units|pk-kp-south-waziristan||||" + waziristan + "||", "PK"},
		"given tehsil":        {source.Row{Incident: given(on("2024-03-01"), incident.PlaceSubunit, "", "", "af-nan-achin")}, "tehsil subunit|af-nan|||af-nan-achin|||", "AF"},
		"given tehsil alone":  {source.Row{Incident: given(on("2024-03-01"), "", "", "", "pk-kp-khyber-landi-kotal")}, "tehsil subunit|pk-kp-khyber|||pk-kp-khyber-landi-kotal|||", "PK"},
		"no such tehsil":      {source.Row{Incident: given(on("2024-03-01"), incident.PlaceSubunit, "pk-kp-khyber", "", "pk-kp-khyber-nowhere")}, "district unit|pk-kp-khyber||||||unknown_unit", "PK"},
		"tehsil of another":   {source.Row{Incident: given(on("2024-03-01"), incident.PlaceSubunit, "pk-kp-kurram", "", "pk-kp-khyber-landi-kotal")}, "district unit|pk-kp-kurram||||||unknown_unit", "PK"},
		"given frontier":      {source.Row{Incident: given(on("2009-03-01"), incident.PlaceUnit, "pk-kp-bannu", "pk-kp-fr-bannu", "")}, "district unit|pk-kp-bannu|pk-kp-fr-bannu|Frontier Region Bannu||||", "PK"},
		"given wrong then":    {source.Row{Incident: given(on("2009-03-01"), incident.PlaceUnit, "pk-kp-khyber", "pk-kp-fr-bannu", "")}, "district unit|pk-kp-khyber|pk-kp-khyber-agency|Khyber Agency||||", "PK"},
		"given point, former": {source.Row{Incident: given(point("2009-03-01", 69.58, 32.3), incident.PlacePoint, "pk-kp-south-waziristan", "", "")}, "exact point|pk-kp-south-waziristan||||||", "PK"},
	} {
		in, _ := locate(t, l, c.row)
		if got := brief(in); c.want != "" && got != c.want || in.Border.Side != c.side {
			t.Errorf("%s:\ngot  %s %s\nwant %s %s", name, got, in.Border.Side, c.want, c.side)
		}
		if in.Place.Kind == incident.PlacePoint && !c.row.Incident.HasPoint {
			t.Errorf("%s: a pin where only a name of a district is known: %s", name, brief(in))
		}
		if in.UnitID == "pk-kp-south-waziristan" && (in.District != "South Waziristan" || in.PCode != "" || in.HasPoint != c.row.Incident.HasPoint) {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

// The range of distances of a tehsil lies within that of its unit, and both hold for points in it.
func TestBorderRangeOfSubunits(t *testing.T) {
	g := testGeocoder(t)
	l := NewLocator(g, nil)
	for i, s := range g.Subunits() {
		if i%29 != 0 {
			continue
		}
		of := func(kind incident.PlaceKind) incident.BorderDistance {
			in, _ := locate(t, l, source.Row{Incident: incident.Incident{UnitID: s.Unit, Subunit: s.ID, Place: incident.Place{Kind: kind}}})
			if in.Place.Kind != kind || kind == incident.PlaceSubunit && in.Point != s.Label {
				t.Errorf("%s: %s at %v", s.ID, brief(in), in.Point)
			}
			return in.Border
		}
		sub, unit := of(incident.PlaceSubunit), of(incident.PlaceUnit)
		const tolerance = 1.0 // the outlines are simplified each for itself
		if !sub.Known || sub.MinKM < unit.MinKM-tolerance || sub.MaxKM > unit.MaxKM+tolerance || sub.MaxKM < sub.MinKM {
			t.Errorf("%s: %+v in %+v", s.ID, sub, unit)
		}
		if d := g.Border().DistanceKM(s.Label); d < sub.MinKM-tolerance || d > sub.MaxKM+tolerance {
			t.Errorf("%s: its label lies %.1f km away, which is not in %+v", s.ID, d, sub)
		}
	}
}

// The nearest part of an outline need not be a corner.
func TestMeasureAlongEdges(t *testing.T) {
	l := NewLocator(testGeocoder(t), nil).(*geoLocator)
	line := l.border
	// A thin needle laid across the line at Torkham: its corners are far from it, its edges cross it.
	needle := orb.MultiPolygon{{{{70.5, 34.12}, {71.7, 34.12}, {71.7, 34.1201}, {70.5, 34.1201}, {70.5, 34.12}}}}
	corner := min(line.DistanceKM(needle[0][0][0]), line.DistanceKM(needle[0][0][1]))
	least, most := l.measure(needle)
	if corner < 5 || least > 0.3 || most < corner {
		t.Errorf("corners at %.1f km, edges from %.2f to %.1f km", corner, least, most)
	}
}
