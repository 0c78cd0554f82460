package export

import (
	"encoding/json"
	"strconv"
	"strings"

	"sarhad/incident"
)

// Kind is what a column holds.
type Kind int

// The kinds of columns.
const (
	Text    Kind = iota
	Date         // YYYY-MM-DD
	Integer      // a whole number
	Number       // a number
	Boolean      // true or false
	List         // texts; see [JoinList]
	JSON         // a JSON list of objects
)

// Column is a column of the tables that are written.
type Column struct {
	// Name is that of the GeoJSON property where there is one.
	Name string
	Kind Kind
	// HXL is the tag of the Humanitarian Exchange Language, "" for none.
	HXL string
	// Value gives nil, a string, an int64, a float64 or a bool.
	Value func(*incident.Incident) any
}

func text(name, hxl string, get func(*incident.Incident) string) Column {
	return Column{name, Text, hxl, func(in *incident.Incident) any {
		if s := get(in); s != "" {
			return s
		}
		return nil
	}}
}

func figure(name, hxl string, get func(*incident.Incident) incident.Figure) Column {
	return Column{name, Integer, hxl, func(in *incident.Incident) any {
		if f := get(in); f.Known {
			return int64(f.N)
		}
		return nil
	}}
}

func list(name, hxl string, get func(*incident.Incident) []string) Column {
	return Column{name, List, hxl, func(in *incident.Incident) any {
		if s := JoinList(get(in)); s != "" {
			return s
		}
		return nil
	}}
}

func number(name, hxl string, get func(*incident.Incident) (float64, bool)) Column {
	return Column{name, Number, hxl, func(in *incident.Incident) any {
		if f, ok := get(in); ok {
			return f
		}
		return nil
	}}
}

// Positions of columns that are written in other ways too.
const (
	colLon = "longitude"
	colLat = "latitude"
)

var columns = []Column{
	text("id", "#event+id+sarhad", func(in *incident.Incident) string { return in.ID }),
	text("dataset", "#meta+dataset", func(in *incident.Incident) string { return in.Dataset }),
	text("source_id", "#event+id", func(in *incident.Incident) string { return in.SourceID }),
	{"start_date", Date, "#date+start", func(in *incident.Incident) any { return in.Start.String() }},
	{"end_date", Date, "#date+end", func(in *incident.Incident) any { return in.End.String() }},
	text("time", "#date+time", func(in *incident.Incident) string { return in.Time }),
	text("time_precision", "#date+precision", func(in *incident.Incident) string { return string(in.TimePrecision) }),
	text("event_type", "#event+type", func(in *incident.Incident) string { return string(in.EventType) }),
	text("sub_event_type", "#event+subtype", func(in *incident.Incident) string { return string(in.SubEventType) }),
	text("event_type_text", "#event+type+text", func(in *incident.Incident) string { return in.EventTypeText }),
	text("event_class", "#event+class", func(in *incident.Incident) string { return string(in.EventClass) }),
	{"type_of_violence", Integer, "#event+violence+code", func(in *incident.Incident) any {
		if in.TypeOfViolence == 0 {
			return nil
		}
		return int64(in.TypeOfViolence)
	}},
	text("type_of_violence_name", "#event+violence+name", func(in *incident.Incident) string { return in.TypeOfViolence.Name() }),
	text("actor1", "#group+actor1+name", func(in *incident.Incident) string { return in.Actor1 }),
	text("actor2", "#group+actor2+name", func(in *incident.Incident) string { return in.Actor2 }),
	list("assoc_actors", "#group+associated+list", func(in *incident.Incident) []string { return in.AssocActors }),
	text("dyad", "#group+dyad", func(in *incident.Incident) string { return in.Dyad }),
	figure("fatalities_low", "#affected+killed+low", func(in *incident.Incident) incident.Figure { return in.Low }),
	figure("fatalities_best", "#affected+killed", func(in *incident.Incident) incident.Figure { return in.Best }),
	figure("fatalities_high", "#affected+high+killed", func(in *incident.Incident) incident.Figure { return in.High }),
	figure("deaths_a", "#affected+killed+side_a", func(in *incident.Incident) incident.Figure { return in.DeathsA }),
	figure("deaths_b", "#affected+killed+side_b", func(in *incident.Incident) incident.Figure { return in.DeathsB }),
	figure("deaths_civilians", "#affected+civilians+killed", func(in *incident.Incident) incident.Figure { return in.DeathsCivilians }),
	figure("deaths_unknown", "#affected+killed+unknown", func(in *incident.Incident) incident.Figure { return in.DeathsUnknown }),
	text("country", "#country+code+v_iso2", func(in *incident.Incident) string { return in.Country }),
	text("province", "#adm1+name", func(in *incident.Incident) string { return in.Province }),
	text("district", "#adm2+name", func(in *incident.Incident) string { return in.District }),
	text("unit_id", "#loc+unit+code", func(in *incident.Incident) string { return in.UnitID }),
	text("unit_then", "#loc+former+unit+code", func(in *incident.Incident) string { return in.UnitThen }),
	text("district_then", "#loc+former+unit+name", func(in *incident.Incident) string { return in.DistrictThen }),
	text("subunit_id", "#loc+subunit+code", func(in *incident.Incident) string { return in.Subunit }),
	text("pcode", "#loc+code+v_pcode", func(in *incident.Incident) string { return in.PCode }),
	text("location_name", "#loc+name", func(in *incident.Incident) string { return in.LocationName }),
	text("location_text", "#loc+description", func(in *incident.Incident) string { return in.LocationText }),
	text("location_precision", "#loc+precision", func(in *incident.Incident) string { return string(in.LocationPrecision) }),
	text("location_precision_code", "#loc+code+precision", func(in *incident.Incident) string { return in.LocationPrecisionCode }),
	number(colLon, "#geo+lon", func(in *incident.Incident) (float64, bool) { return in.Point[0], in.HasPoint }),
	number(colLat, "#geo+lat", func(in *incident.Incident) (float64, bool) { return in.Point[1], in.HasPoint }),
	text("place_kind", "#loc+kind", func(in *incident.Incident) string { return string(placeKind(in)) }),
	list("place_units", "#loc+list+units", func(in *incident.Incident) []string { return in.Place.Units }),
	number("place_radius_m", "#loc+radius+m", func(in *incident.Incident) (float64, bool) {
		return in.Place.RadiusM, in.Place.Kind == incident.PlaceCircle
	}),
	number("border_km_min", "#indicator+border+km+min+num", func(in *incident.Incident) (float64, bool) { return in.Border.MinKM, in.Border.Known }),
	number("border_km_max", "#indicator+border+km+max+num", func(in *incident.Incident) (float64, bool) { return in.Border.MaxKM, in.Border.Known }),
	text("border_side", "#loc+border+side", func(in *incident.Incident) string { return string(in.Border.Side) }),
	text("verification", "#status+verification", func(in *incident.Incident) string { return string(in.Verification) }),
	text("event_clarity", "#event+clarity", func(in *incident.Incident) string { return in.Clarity }),
	{"claims", JSON, "#meta+claims+json", func(in *incident.Incident) any { return claims(in.Claims) }},
	{"sources", JSON, "#meta+json+sources", func(in *incident.Incident) any { return sources(in.Sources) }},
	text("summary", "#description", func(in *incident.Incident) string { return in.Summary }),
	list("warnings", "#meta+list+warnings", func(in *incident.Incident) []string { return in.Warnings }),
	list("candidates", "#loc+candidates+list", func(in *incident.Incident) []string { return in.Candidates }),
	text("file", "#meta+file", func(in *incident.Incident) string { return in.File }),
	{"line", Integer, "#meta+line", func(in *incident.Incident) any {
		if in.Line <= 0 {
			return nil
		}
		return int64(in.Line)
	}},
	{"synthetic", Boolean, "#meta+synthetic", func(in *incident.Incident) any { return in.Synthetic }},
}

// Columns lists the columns in the order of the CSV. The list must not be changed.
func Columns() []Column { return columns }

func placeKind(in *incident.Incident) incident.PlaceKind {
	if in.Place.Kind == "" {
		return incident.PlaceNone
	}
	return in.Place.Kind
}

// JoinList writes a list of texts as one: joined by a semicolon and a blank, or,
// where that could not be taken apart again, as a JSON list. No texts are "".
func JoinList(l []string) string {
	if len(l) == 0 {
		return ""
	}
	plain := l[0] != "" && l[0][0] != '['
	for _, s := range l {
		plain = plain && s != "" && strings.TrimSpace(s) == s && !strings.Contains(s, ";")
	}
	if plain {
		return strings.Join(l, "; ")
	}
	return marshal(l)
}

// marshal writes JSON as it is read, without the escapes that HTML wants.
func marshal(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // texts, numbers and truths, and a builder never fails
	return strings.TrimSuffix(b.String(), "\n")
}

type claim struct {
	Quantity     string `json:"quantity,omitempty"`
	About        string `json:"about,omitempty"`
	Low          *int   `json:"low,omitempty"`
	Best         *int   `json:"best,omitempty"`
	High         *int   `json:"high,omitempty"`
	Qualifier    string `json:"qualifier,omitempty"`
	Claimant     string `json:"claimant,omitempty"`
	ClaimantRole string `json:"claimant_role,omitempty"`
	Source       *int   `json:"source,omitempty"`
	Quote        string `json:"quote,omitempty"`
	Language     string `json:"language,omitempty"`
}

func pointer(f incident.Figure) *int {
	if !f.Known {
		return nil
	}
	return &f.N
}

func claims(l []incident.Claim) any {
	if len(l) == 0 {
		return nil
	}
	out := make([]claim, len(l))
	for i := range l {
		c := &l[i]
		out[i] = claim{Quantity: c.Quantity, About: c.About, Low: pointer(c.Low), Best: pointer(c.Best), High: pointer(c.High), Qualifier: c.Qualifier,
			Claimant: c.Claimant, ClaimantRole: c.ClaimantRole, Quote: c.Quote, Language: c.Language}
		if c.Source >= 0 {
			out[i].Source = &c.Source
		}
	}
	return marshal(out)
}

type source struct {
	Publisher string `json:"publisher,omitempty"`
	Title     string `json:"title,omitempty"`
	URL       string `json:"url,omitempty"`
	Date      string `json:"date,omitempty"`
	Language  string `json:"language,omitempty"`
	IsParty   bool   `json:"is_party,omitempty"`
}

func sources(l []incident.Source) any {
	if len(l) == 0 {
		return nil
	}
	out := make([]source, len(l))
	for i := range l {
		out[i] = source(l[i])
	}
	return marshal(out)
}

// appendValue appends a value as plain text, nothing for nil.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(b, v...)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return b
}
