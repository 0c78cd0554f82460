package api

import (
	"math"
	"strconv"

	"sarhad/incident"
)

// appendFeature appends an incident as a GeoJSON feature, up to but without
// the last brace. It allocates nothing of its own. Of places it asks for the nearest crossing.
func appendFeature(b []byte, in *incident.Incident, p *places) []byte {
	b = append(b, `{"type":"Feature","id":`...)
	b = appendText(b, in.ID)
	if in.HasPoint {
		b = append(b, `,"geometry":{"type":"Point","coordinates":`...)
		b = appendPosition(b, in.Point)
		b = append(b, `},"properties":{"fid":`...)
	} else {
		b = append(b, `,"geometry":null,"properties":{"fid":`...)
	}
	b = strconv.AppendInt(b, in.FID, 10)
	b = append(b, `,"dataset":`...)
	b = appendTextOrNull(b, in.Dataset)
	b = append(b, `,"source_id":`...)
	b = appendTextOrNull(b, in.SourceID)
	b = append(b, `,"start_date":`...)
	at := len(b)
	b = appendDay(b, in.Start)
	first := len(b) - at
	b = append(b, `,"end_date":`...)
	if in.End == in.Start { // nearly always; a date costs as much as ten texts
		b = append(b, b[at:at+first]...)
	} else {
		b = appendDay(b, in.End)
	}
	b = append(b, `,"time":`...)
	b = appendTextOrNull(b, in.Time)
	b = append(b, `,"time_precision":`...)
	b = appendTextOrNull(b, string(in.TimePrecision))
	b = append(b, `,"event_type":`...)
	b = appendTextOrNull(b, string(in.EventType))
	b = append(b, `,"sub_event_type":`...)
	b = appendTextOrNull(b, string(in.SubEventType))
	b = append(b, `,"event_type_text":`...)
	b = appendTextOrNull(b, in.EventTypeText)
	b = append(b, `,"event_class":`...)
	b = appendTextOrNull(b, string(in.EventClass))
	b = append(b, `,"type_of_violence":`...)
	if in.TypeOfViolence == 0 {
		b = append(b, `null,"type_of_violence_name":`...)
	} else {
		b = strconv.AppendInt(b, int64(in.TypeOfViolence), 10)
		b = append(b, `,"type_of_violence_name":`...)
	}
	b = appendTextOrNull(b, in.TypeOfViolence.Name())
	b = append(b, `,"actor1":`...)
	b = appendTextOrNull(b, in.Actor1)
	b = append(b, `,"actor2":`...)
	b = appendTextOrNull(b, in.Actor2)
	b = append(b, `,"assoc_actors":`...)
	b = appendTexts(b, in.AssocActors)
	b = append(b, `,"dyad":`...)
	b = appendTextOrNull(b, in.Dyad)
	b = append(b, `,"fatalities_low":`...)
	b = appendFigure(b, in.Low)
	b = append(b, `,"fatalities_best":`...)
	b = appendFigure(b, in.Best)
	b = append(b, `,"fatalities_high":`...)
	b = appendFigure(b, in.High)
	b = append(b, `,"deaths_a":`...)
	b = appendFigure(b, in.DeathsA)
	b = append(b, `,"deaths_b":`...)
	b = appendFigure(b, in.DeathsB)
	b = append(b, `,"deaths_civilians":`...)
	b = appendFigure(b, in.DeathsCivilians)
	b = append(b, `,"deaths_unknown":`...)
	b = appendFigure(b, in.DeathsUnknown)
	b = append(b, `,"country":`...)
	b = appendTextOrNull(b, in.Country)
	b = append(b, `,"province":`...)
	b = appendTextOrNull(b, in.Province)
	b = append(b, `,"district":`...)
	b = appendTextOrNull(b, in.District)
	b = append(b, `,"unit_id":`...)
	b = appendTextOrNull(b, in.UnitID)
	b = append(b, `,"unit_then":`...)
	b = appendTextOrNull(b, in.UnitThen)
	b = append(b, `,"district_then":`...)
	b = appendTextOrNull(b, in.DistrictThen)
	b = append(b, `,"subunit_id":`...)
	b = appendTextOrNull(b, in.Subunit)
	b = append(b, `,"pcode":`...)
	b = appendTextOrNull(b, in.PCode)
	b = append(b, `,"location_name":`...)
	b = appendTextOrNull(b, in.LocationName)
	b = append(b, `,"location_text":`...)
	b = appendTextOrNull(b, in.LocationText)
	b = append(b, `,"location_precision":`...)
	b = appendTextOrNull(b, string(in.LocationPrecision))
	b = append(b, `,"location_precision_code":`...)
	b = appendTextOrNull(b, in.LocationPrecisionCode)
	b = append(b, `,"place_kind":`...)
	b = appendText(b, string(placeKind(in)))
	b = append(b, `,"place_units":`...)
	b = appendTexts(b, in.Place.Units)
	b = append(b, `,"place_radius_m":`...)
	if in.Place.Kind == incident.PlaceCircle {
		b = appendFloat(b, in.Place.RadiusM)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"border_km_min":`...)
	if in.Border.Known {
		b = appendFloat(b, in.Border.MinKM)
		b = append(b, `,"border_km_max":`...)
		b = appendFloat(b, in.Border.MaxKM)
	} else {
		b = append(b, `null,"border_km_max":null`...)
	}
	b = append(b, `,"border_side":`...)
	b = appendTextOrNull(b, string(in.Border.Side))
	if name, km, ok := p.crossing(in); ok {
		b = append(b, `,"crossing":`...)
		b = appendText(b, name)
		b = append(b, `,"crossing_km":`...)
		b = appendFloat(b, km)
	} else {
		b = append(b, `,"crossing":null,"crossing_km":null`...)
	}
	b = append(b, `,"verification":`...)
	b = appendTextOrNull(b, string(in.Verification))
	b = append(b, `,"event_clarity":`...)
	b = appendTextOrNull(b, in.Clarity)
	b = append(b, `,"claims":`...)
	b = appendClaims(b, in.Claims)
	b = append(b, `,"sources":`...)
	b = appendSources(b, in.Sources)
	b = append(b, `,"summary":`...)
	b = appendTextOrNull(b, in.Summary)
	b = append(b, `,"warnings":`...)
	b = appendTexts(b, in.Warnings)
	b = append(b, `,"candidates":`...)
	b = appendTexts(b, in.Candidates)
	b = append(b, `,"file":`...)
	b = appendTextOrNull(b, in.File)
	b = append(b, `,"line":`...)
	if in.Line > 0 {
		b = strconv.AppendInt(b, int64(in.Line), 10)
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"synthetic":`...)
	b = appendBool(b, in.Synthetic)
	return append(b, '}')
}

// appendDuplicates appends to the properties of a feature, which have just
// been ended, what is likely the same event. Of datasets whose single incidents
// may not be shown there is nothing, and without any the property is absent.
func appendDuplicates(b []byte, links []incident.Link, withheld []string) []byte {
	n := 0
	for i := range links {
		l := &links[i]
		if contains(withheld, l.Dataset) {
			continue
		}
		if n++; n == 1 {
			b = append(b[:len(b)-1], `,"likely_duplicates":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = appendText(b, l.ID)
		b = append(b, `,"fid":`...)
		b = strconv.AppendInt(b, l.FID, 10)
		b = append(b, `,"dataset":`...)
		b = appendText(b, l.Dataset)
		b = append(b, `,"reasons":`...)
		b = appendTexts(b, words(l.Reasons))
		b = append(b, `,"distance_km":`...)
		if l.KM.Known {
			b = appendFloat(b, math.Round(l.KM.KM*10)/10)
		} else {
			b = append(b, "null"...)
		}
		b = append(b, `,"days_apart":`...)
		b = strconv.AppendInt(b, int64(l.Days), 10)
		b = append(b, '}')
	}
	if n > 0 {
		b = append(b, "]}"...)
	}
	return b
}

func placeKind(in *incident.Incident) incident.PlaceKind {
	if in.Place.Kind == "" {
		return incident.PlaceNone
	}
	return in.Place.Kind
}

func appendClaims(b []byte, claims []incident.Claim) []byte {
	b = append(b, '[')
	for i := range claims {
		c := &claims[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"quantity":`...)
		b = appendTextOrNull(b, c.Quantity)
		b = append(b, `,"about":`...)
		b = appendTextOrNull(b, c.About)
		b = append(b, `,"low":`...)
		b = appendFigure(b, c.Low)
		b = append(b, `,"best":`...)
		b = appendFigure(b, c.Best)
		b = append(b, `,"high":`...)
		b = appendFigure(b, c.High)
		b = append(b, `,"qualifier":`...)
		b = appendTextOrNull(b, c.Qualifier)
		b = append(b, `,"claimant":`...)
		b = appendTextOrNull(b, c.Claimant)
		b = append(b, `,"claimant_role":`...)
		b = appendTextOrNull(b, c.ClaimantRole)
		b = append(b, `,"source":`...)
		if c.Source >= 0 {
			b = strconv.AppendInt(b, int64(c.Source), 10)
		} else {
			b = append(b, "null"...)
		}
		b = append(b, `,"quote":`...)
		b = appendTextOrNull(b, c.Quote)
		b = append(b, `,"language":`...)
		b = appendTextOrNull(b, c.Language)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendSources(b []byte, sources []incident.Source) []byte {
	b = append(b, '[')
	for i := range sources {
		s := &sources[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"publisher":`...)
		b = appendTextOrNull(b, s.Publisher)
		b = append(b, `,"title":`...)
		b = appendTextOrNull(b, s.Title)
		b = append(b, `,"url":`...)
		b = appendTextOrNull(b, s.URL)
		b = append(b, `,"date":`...)
		b = appendTextOrNull(b, s.Date)
		b = append(b, `,"language":`...)
		b = appendTextOrNull(b, s.Language)
		b = append(b, `,"is_party":`...)
		b = appendBool(b, s.IsParty)
		b = append(b, '}')
	}
	return append(b, ']')
}
