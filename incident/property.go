package incident

import "cmp"

// Kind is the kind of value that a property has.
type Kind int

// The kinds of values.
const (
	Text Kind = iota
	Integer
	Number
	Date
	Boolean
)

// Value is the value of a property or a literal it is compared with.
// Exactly one of Text and Number is meaningful: Number for the kinds Integer,
// Number and Boolean (0, 1), Text for the others (dates as YYYY-MM-DD).
type Value struct {
	Kind   Kind
	Null   bool
	Text   string
	Number float64
}

// TextValue returns a text; an empty text is null, since no field of an incident is a known empty text.
func TextValue(s string) Value { return Value{Kind: Text, Text: s, Null: s == ""} }

// NumberValue returns a number.
func NumberValue(n float64) Value { return Value{Kind: Number, Number: n} }

// FigureValue returns a figure, null where it is not reported.
func FigureValue(f Figure) Value {
	return Value{Kind: Integer, Number: float64(f.N), Null: !f.Known}
}

// DateValue returns a day.
func DateValue(d Day) Value { return Value{Kind: Date, Text: d.String()} }

func (v Value) numeric() bool { return v.Kind == Integer || v.Kind == Number || v.Kind == Boolean }

// compare orders two values of one nature; comparable is false for a null or for a text against a number.
func (v Value) compare(w Value) (order int, comparable bool) {
	switch {
	case v.Null || w.Null || v.numeric() != w.numeric():
		return 0, false
	case v.numeric():
		return cmp.Compare(v.Number, w.Number), true
	default:
		return cmp.Compare(v.Text, w.Text), true
	}
}

// Property is the name of a field of an incident as it stands in GeoJSON.
type Property string

// PropertyInfo describes a property that can be filtered on.
type PropertyInfo struct {
	Name Property
	Kind Kind
	// Get reads the property.
	Get func(*Incident) Value
}

var properties = []PropertyInfo{
	{"id", Text, func(in *Incident) Value { return TextValue(in.ID) }},
	{"dataset", Text, func(in *Incident) Value { return TextValue(in.Dataset) }},
	{"source_id", Text, func(in *Incident) Value { return TextValue(in.SourceID) }},
	{"start_date", Date, func(in *Incident) Value { return DateValue(in.Start) }},
	{"end_date", Date, func(in *Incident) Value { return DateValue(in.End) }},
	{"time_precision", Text, func(in *Incident) Value { return TextValue(string(in.TimePrecision)) }},
	{"event_type", Text, func(in *Incident) Value { return TextValue(string(in.EventType)) }},
	{"sub_event_type", Text, func(in *Incident) Value { return TextValue(string(in.SubEventType)) }},
	{"event_class", Text, func(in *Incident) Value { return TextValue(string(in.EventClass)) }},
	{"type_of_violence", Integer, func(in *Incident) Value {
		return Value{Kind: Integer, Number: float64(in.TypeOfViolence), Null: in.TypeOfViolence == 0}
	}},
	{"actor1", Text, func(in *Incident) Value { return TextValue(in.Actor1) }},
	{"actor2", Text, func(in *Incident) Value { return TextValue(in.Actor2) }},
	{"fatalities_low", Integer, func(in *Incident) Value { return FigureValue(in.Low) }},
	{"fatalities_best", Integer, func(in *Incident) Value { return FigureValue(in.Best) }},
	{"fatalities_high", Integer, func(in *Incident) Value { return FigureValue(in.High) }},
	{"country", Text, func(in *Incident) Value { return TextValue(in.Country) }},
	{"province", Text, func(in *Incident) Value { return TextValue(in.Province) }},
	{"district", Text, func(in *Incident) Value { return TextValue(in.District) }},
	{"unit_id", Text, func(in *Incident) Value { return TextValue(in.UnitID) }},
	{"unit_then", Text, func(in *Incident) Value { return TextValue(in.UnitThen) }},
	{"district_then", Text, func(in *Incident) Value { return TextValue(in.DistrictThen) }},
	{"subunit_id", Text, func(in *Incident) Value { return TextValue(in.Subunit) }},
	{"location_name", Text, func(in *Incident) Value { return TextValue(in.LocationName) }},
	{"location_precision", Text, func(in *Incident) Value { return TextValue(string(in.LocationPrecision)) }},
	{"place_kind", Text, func(in *Incident) Value { return TextValue(string(in.Place.Kind)) }},
	{"border_km_min", Number, func(in *Incident) Value {
		return Value{Kind: Number, Number: in.Border.MinKM, Null: !in.Border.Known}
	}},
	{"border_km_max", Number, func(in *Incident) Value {
		return Value{Kind: Number, Number: in.Border.MaxKM, Null: !in.Border.Known}
	}},
	{"border_side", Text, func(in *Incident) Value { return TextValue(string(in.Border.Side)) }},
	{"verification", Text, func(in *Incident) Value { return TextValue(string(in.Verification)) }},
	{"summary", Text, func(in *Incident) Value { return TextValue(in.Summary) }},
}

var propertyByName = func() map[Property]PropertyInfo {
	m := make(map[Property]PropertyInfo, len(properties))
	for _, p := range properties {
		m[p.Name] = p
	}
	return m
}()

// Properties lists the properties that can be filtered on.
func Properties() []PropertyInfo { return properties }

// LookupProperty finds a property by its name.
func LookupProperty(name Property) (PropertyInfo, bool) {
	p, ok := propertyByName[name]
	return p, ok
}

// Geometry is the name of the label point among the properties of a filter. It
// is none of [Properties]: conditions on it are [Box] and [Spatial].
const Geometry Property = "geometry"

// ListInfo describes a property with any number of texts. One without any is an
// empty list, never null.
type ListInfo struct {
	Name Property
	// Get reads the list, which must not be changed.
	Get func(*Incident) []string
}

var lists = []ListInfo{
	{"assoc_actors", func(in *Incident) []string { return in.AssocActors }},
	{"candidates", func(in *Incident) []string { return in.Candidates }},
	{"place_units", func(in *Incident) []string { return in.Place.Units }},
	{"warnings", func(in *Incident) []string { return in.Warnings }},
}

// Lists lists the properties that are lists of texts. They are none of
// [Properties]: conditions on them are [CompareLists].
func Lists() []ListInfo { return lists }

// LookupList finds a list by its name.
func LookupList(name Property) (ListInfo, bool) {
	for _, l := range lists {
		if l.Name == name {
			return l, true
		}
	}
	return ListInfo{}, false
}
