package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"

	"sarhad/incident"
)

// The small worlds that random incidents and random filters are drawn from, so
// that they meet often.
var (
	someWords    = []string{"", "", "Kurram", "kurram road", "جھڑپ", "100% sure_", "İstanbul", "a\nb", "ÉCLAIR", "x\x1fy", "nul\x00byte", "O'Brien \"q\" \\", "🚙"}
	someUnits    = []string{"", "pk-kp-kurram", "pk-ba-chagai", "af-kan", "af-hel"}
	someCountry  = []string{"", "PK", "AF", "AF", "PK"}
	someDatasets = []string{"ged", "acled", "field list"}
)

const firstDay = 18000 // 2019-04-14

func word() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(someWords), rapid.SampledFrom(someWords), rapid.StringN(1, 6, 24))
}

func figureGen() *rapid.Generator[incident.Figure] {
	return rapid.Custom(func(t *rapid.T) incident.Figure {
		if !rapid.Bool().Draw(t, "known") {
			return incident.Figure{}
		}
		return incident.Known(rapid.SampledFrom([]int{0, 0, 1, 2, 7, 200, 1 << 40}).Draw(t, "n"))
	})
}

func sliceOf[T any](g *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.Custom(func(t *rapid.T) []T {
		if rapid.IntRange(0, 4).Draw(t, "some") > 0 {
			return nil
		}
		return rapid.SliceOfN(g, 1, 3).Draw(t, "list")
	})
}

func day() *rapid.Generator[incident.Day] {
	return rapid.Custom(func(t *rapid.T) incident.Day {
		switch rapid.IntRange(0, 40).Draw(t, "sort of day") {
		case 0:
			return incident.MinDay
		case 1:
			return incident.MaxDay
		case 2:
			return -200
		}
		return firstDay + incident.Day(rapid.IntRange(0, 60).Draw(t, "day"))
	})
}

// Coordinates stand on a coarse grid, so that edges of boxes are met.
func point() *rapid.Generator[orb.Point] {
	return rapid.Custom(func(t *rapid.T) orb.Point {
		return orb.Point{60 + float64(rapid.IntRange(0, 32).Draw(t, "lon"))/2, 24 + float64(rapid.IntRange(0, 28).Draw(t, "lat"))/2}
	})
}

// Incidents generates an incident in the form that readers of files give: what
// is not known is the zero value. Its FID is 0, its key one of a few dozen.
func Incidents() *rapid.Generator[incident.Incident] {
	return rapid.Custom(func(t *rapid.T) incident.Incident {
		in := incident.Incident{
			Dataset:  rapid.SampledFrom(someDatasets).Draw(t, "dataset"),
			SourceID: fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "source id")),
			Start:    day().Draw(t, "start"),
		}
		in.ID = incident.ID(in.Dataset, in.SourceID)
		in.End = in.Start
		if rapid.IntRange(0, 2).Draw(t, "long") == 0 {
			in.End = max(in.Start, min(incident.MaxDay, in.Start+incident.Day(rapid.SampledFrom([]int{1, 2, 3, 6, 7, 30, 400, 9000}).Draw(t, "length"))))
		}
		w := func(name string) string { return word().Draw(t, name) }
		f := func(name string) incident.Figure { return figureGen().Draw(t, name) }
		in.Time = rapid.SampledFrom([]string{"", "15:04:05+05:00"}).Draw(t, "time")
		in.TimePrecision = rapid.SampledFrom(append(incident.TimePrecisions, "")).Draw(t, "time precision")
		in.EventType = rapid.SampledFrom(append(incident.EventTypes, "", incident.Battles)).Draw(t, "event type")
		in.SubEventType = incident.SubEventType(rapid.SampledFrom([]string{"", "Armed clash", "Attack"}).Draw(t, "sub event type"))
		in.EventClass = rapid.SampledFrom(append(incident.EventClasses, "", incident.ClassOf(in.EventType))).Draw(t, "event class")
		in.TypeOfViolence = incident.TypeOfViolence(rapid.IntRange(0, 3).Draw(t, "type of violence"))
		in.Actor1, in.Actor2, in.AssocActors, in.Dyad = w("actor1"), w("actor2"), sliceOf(word()).Draw(t, "assoc actors"), w("dyad")
		in.Low, in.Best, in.High = f("low"), f("best"), f("high")
		if rapid.IntRange(0, 3).Draw(t, "rare") == 0 {
			in.EventTypeText = w("event type text")
			in.DeathsA, in.DeathsB, in.DeathsCivilians, in.DeathsUnknown = f("a"), f("b"), f("c"), f("u")
			in.Candidates = sliceOf(rapid.SampledFrom(someUnits[1:])).Draw(t, "candidates")
			in.Place.Units = sliceOf(rapid.SampledFrom(someUnits[1:])).Draw(t, "place units")
			in.Warnings = sliceOf(word()).Draw(t, "warnings")
			in.Claims = sliceOf(rapid.Custom(func(t *rapid.T) incident.Claim {
				w := func(name string) string { return word().Draw(t, name) }
				return incident.Claim{Quantity: w("quantity"), About: w("about"), Low: figureGen().Draw(t, "low"), Best: figureGen().Draw(t, "best"),
					High: figureGen().Draw(t, "high"), Qualifier: w("qualifier"), Claimant: w("claimant"), ClaimantRole: w("role"),
					Source: rapid.IntRange(-1, 2).Draw(t, "source"), Quote: w("quote"), Language: w("language")}
			})).Draw(t, "claims")
			in.Sources = sliceOf(rapid.Custom(func(t *rapid.T) incident.Source {
				w := func(name string) string { return word().Draw(t, name) }
				return incident.Source{Publisher: w("publisher"), Title: w("title"), URL: w("url"), Date: w("date"), Language: w("language"), IsParty: rapid.Bool().Draw(t, "party")}
			})).Draw(t, "sources")
		}
		in.Country, in.UnitID = rapid.SampledFrom(someCountry).Draw(t, "country"), rapid.SampledFrom(someUnits).Draw(t, "unit")
		in.Province, in.District, in.PCode = w("province"), w("district"), w("pcode")
		if rapid.IntRange(0, 3).Draw(t, "in its time") == 0 {
			in.UnitThen, in.DistrictThen = rapid.SampledFrom([]string{"", "pk-kp-khyber-agency"}).Draw(t, "unit then"), w("district then")
			in.Subunit = rapid.SampledFrom([]string{"", "pk-kp-khyber-landi-kotal", "af-nan-muhmand-dara"}).Draw(t, "subunit")
		}
		in.LocationName, in.LocationText = w("location name"), w("location text")
		in.LocationPrecision = rapid.SampledFrom(append(incident.LocationPrecisions, "")).Draw(t, "location precision")
		in.LocationPrecisionCode = rapid.SampledFrom([]string{"", "1", "3"}).Draw(t, "precision code")
		if rapid.IntRange(0, 3).Draw(t, "has point") > 0 {
			in.Point, in.HasPoint = point().Draw(t, "point"), true
		}
		in.Place.Kind = rapid.SampledFrom(append(incident.PlaceKinds, "")).Draw(t, "place")
		if in.Place.Kind == incident.PlaceCircle {
			in.Place.RadiusM = rapid.SampledFrom([]float64{0, 0.5, 25000}).Draw(t, "radius")
		}
		if rapid.Bool().Draw(t, "border known") {
			in.Border = incident.BorderDistance{Known: true, MinKM: rapid.SampledFrom([]float64{0, 0.25, 10, 50}).Draw(t, "min km")}
			in.Border.MaxKM = in.Border.MinKM + rapid.SampledFrom([]float64{0, 25}).Draw(t, "max km")
		}
		in.Border.Side = rapid.SampledFrom([]incident.BorderSide{"", incident.SidePK, incident.SideAF, incident.SideStraddles, incident.SideUnknown}).Draw(t, "side")
		in.Verification = rapid.SampledFrom(append(incident.Verifications, "")).Draw(t, "verification")
		in.Clarity = rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "clarity")
		in.Summary = w("summary")
		in.File = rapid.SampledFrom([]string{"", "a.csv", "b.csv"}).Draw(t, "file")
		in.Line = rapid.IntRange(0, 500).Draw(t, "line")
		in.Synthetic = rapid.Bool().Draw(t, "synthetic")
		return in
	})
}

// Filters generates filters of every node, nested up to a depth.
func Filters(depth int) *rapid.Generator[incident.Filter] {
	return rapid.Custom(func(t *rapid.T) incident.Filter {
		if rapid.IntRange(0, 3).Draw(t, "of expressions") == 0 {
			return exprFilter(t, depth)
		}
		most := 12
		if depth > 0 {
			most = 18 // about a third of the nodes are lists or Not
		}
		properties := incident.Properties()
		property := func() incident.Property {
			if rapid.IntRange(0, 30).Draw(t, "unknown property") == 0 {
				return "no_such_property"
			}
			return rapid.SampledFrom(properties).Draw(t, "property").Name
		}
		list := func() []incident.Filter { return rapid.SliceOfN(Filters(depth-1), 0, 3).Draw(t, "parts") }
		switch rapid.IntRange(0, most).Draw(t, "node") {
		case 0, 1:
			a, b := point().Draw(t, "corner"), point().Draw(t, "corner")
			return incident.Box{Bound: orb.MultiPoint{a, b}.Bound()}
		case 2, 3:
			return incident.During{From: day().Draw(t, "from"), To: day().Draw(t, "to")}
		case 4:
			return incident.DuringInstants{From: instant().Draw(t, "from"), To: instant().Draw(t, "to")}
		case 5:
			return incident.IsNull{Property: property()}
		case 6, 7:
			p := property()
			return incident.Compare{Property: p, Op: rapid.SampledFrom([]incident.Op{"=", "<>", "<", "<=", ">", ">=", "~"}).Draw(t, "op"), Value: literal(t, p)}
		case 8:
			p := property()
			return incident.In{Property: p, Values: rapid.SliceOfN(rapid.Map(word(), func(s string) string { return s }), 0, 4).Draw(t, "values")}
		case 9:
			return incident.In{Property: "unit_id", Values: rapid.SliceOfN(rapid.SampledFrom(someUnits), 0, 3).Draw(t, "units")}
		case 10:
			return incident.Like{Property: property(), Pattern: rapid.SampledFrom([]string{"%", "", "%urr%", "_", "k%", "%\n%", "100% s_re_", "2019-0_-%"}).Draw(t, "pattern")}
		case 11:
			w := rapid.SampledFrom([]string{"", "kurram", "KURRAM road", "éclair", "i", "جھڑپ", "nul\x00", "x 🚙"}).Draw(t, "words")
			if rapid.Bool().Draw(t, "actor") {
				return incident.ActorHas{Words: w}
			}
			return incident.TextHas{Words: w}
		case 12:
			return incident.NearBorder{KM: rapid.SampledFrom([]float64{0, 0.25, 9.5, 10, 1000}).Draw(t, "km")}
		case 13, 14:
			return incident.And(list())
		case 15, 16:
			return incident.Or(list())
		default:
			return incident.Not{Of: Filters(depth-1).Draw(t, "of")}
		}
	})
}

// instant draws seconds at the edges of local days, and some beyond all years.
func instant() *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		switch rapid.IntRange(0, 10).Draw(t, "sort of instant") {
		case 0:
			return -1 << 63
		case 1:
			return 1<<63 - 1
		}
		return int64(day().Draw(t, "day"))*86400 + rapid.SampledFrom([]int64{0, -1, -incident.OffsetPK, -incident.OffsetPK - 1, -incident.OffsetAF, -incident.OffsetAF - 1, 40000}).Draw(t, "second")
	})
}

// exprFilter draws a node that stands on expressions, lists or shapes.
func exprFilter(t *rapid.T, depth int) incident.Filter {
	op := rapid.SampledFrom([]incident.Op{"=", "<>", "<", "<=", ">", ">=", "~"})
	most := 8
	if depth > 0 {
		most = 9
	}
	switch rapid.IntRange(0, most).Draw(t, "expression") {
	case 0: // two properties, as they stand
		field := rapid.SampledFrom([]incident.Property{"start_date", "end_date", "actor1", "actor2", "fatalities_low", "fatalities_best", "fatalities_high", "border_km_min", "type_of_violence", "nothing"})
		return incident.CompareExprs{Left: incident.Field{Property: field.Draw(t, "left")}, Op: op.Draw(t, "op"), Right: incident.Field{Property: field.Draw(t, "right")}}
	case 1:
		return incident.CompareExprs{Left: expr(t, 2), Op: op.Draw(t, "op"), Right: expr(t, 2)}
	case 2:
		return incident.InTexts{Of: expr(t, 1), Values: rapid.SliceOfN(word(), 0, 3).Draw(t, "values")}
	case 3:
		return incident.LikeExpr{Of: expr(t, 1), Pattern: rapid.SampledFrom([]string{"%", "", `%urr%`, `100\%%`, `%\_`, "k%"}).Draw(t, "pattern")}
	case 4:
		return incident.IsNullExpr{Of: expr(t, 2)}
	case 5:
		return incident.CompareInstant{Property: rapid.SampledFrom([]incident.Property{"start_date", "end_date", "end_date", "country"}).Draw(t, "date"), Op: op.Draw(t, "op"), At: instant().Draw(t, "instant")}
	case 6:
		return incident.CompareLists{Left: texts(t), Op: rapid.SampledFrom([]incident.SetOp{incident.SetEquals, incident.SetContains, incident.SetContainedBy, incident.SetOverlaps}).Draw(t, "set op"), Right: texts(t)}
	case 7:
		return incident.Spatial{Shape: shape(t), Relation: rapid.SampledFrom([]incident.Relation{incident.Intersects, incident.Disjoint, incident.Equals,
			incident.Touches, incident.Crosses, incident.Within, incident.Contains, incident.Overlaps}).Draw(t, "relation")}
	case 8:
		return incident.NoPoint{}
	default:
		return incident.IsUnknown{Of: Filters(depth-1).Draw(t, "of")}
	}
}

// expr draws an expression, nested up to a depth.
func expr(t *rapid.T, depth int) incident.Expr {
	switch rapid.IntRange(0, 3+min(depth, 1)).Draw(t, "part") {
	case 0, 1:
		p := rapid.SampledFrom(incident.Properties()).Draw(t, "property")
		return incident.Field{Property: p.Name}
	case 2:
		return incident.Literal{Value: literal(t, rapid.SampledFrom(incident.Properties()).Draw(t, "of").Name)}
	case 3:
		p := rapid.SampledFrom([]incident.Property{"actor1", "summary", "district", "fatalities_best"}).Draw(t, "folded")
		return incident.Folded{Of: incident.Field{Property: p}, By: strings.ToLower}
	}
	op := rapid.SampledFrom([]incident.Calculation{"+", "-", "*", "/", "%", "div", "^"}).Draw(t, "calculation")
	return incident.Arithmetic{Op: op, Left: expr(t, depth-1), Right: expr(t, depth-1)}
}

// texts draws a list of texts.
func texts(t *rapid.T) incident.List {
	if rapid.Bool().Draw(t, "a property") {
		return incident.ListField{Property: rapid.SampledFrom([]incident.Property{"assoc_actors", "warnings", "candidates", "place_units", "nothing"}).Draw(t, "list")}
	}
	l := incident.ListLiteral{}
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		l.Of = append(l.Of, incident.Literal{Value: incident.TextValue(rapid.OneOf(word(), rapid.SampledFrom(someUnits)).Draw(t, "element"))})
	}
	return l
}

// shape draws a shape whose edges and corners stand on the grid of the points.
func shape(t *rapid.T) *incident.Shape {
	points := rapid.SliceOfN(point(), 2, 6).Draw(t, "positions")
	ring := orb.Ring(append(slices.Clone(points), points[0]))
	switch rapid.IntRange(0, 5).Draw(t, "shape") {
	case 0:
		return incident.NewShape(points[0])
	case 1:
		return incident.NewShape(orb.MultiPoint(points))
	case 2:
		return incident.NewShape(orb.LineString(points))
	case 3:
		return incident.NewBoxShape(orb.Bound{Min: points[0], Max: points[1]}) // also across the antimeridian
	case 4:
		return incident.NewShape(orb.Collection{orb.LineString(points), orb.Polygon{ring}})
	}
	return incident.NewShape(orb.Polygon{ring})
}

// literal draws a value that a property may well be compared with.
func literal(t *rapid.T, name incident.Property) incident.Value {
	if rapid.IntRange(0, 15).Draw(t, "odd literal") == 0 {
		return rapid.SampledFrom([]incident.Value{{Null: true}, incident.NumberValue(1), incident.TextValue("1"), incident.TextValue("")}).Draw(t, "literal")
	}
	p, _ := incident.LookupProperty(name)
	switch p.Kind {
	case incident.Date:
		return incident.DateValue(day().Draw(t, "day"))
	case incident.Integer, incident.Number:
		return incident.NumberValue(rapid.SampledFrom([]float64{0, 1, 2, 2.5, 10, 25, 200}).Draw(t, "number"))
	}
	switch name {
	case "unit_id":
		return incident.TextValue(rapid.SampledFrom(someUnits).Draw(t, "unit"))
	case "country":
		return incident.TextValue(rapid.SampledFrom(someCountry).Draw(t, "country"))
	case "event_type":
		return incident.TextValue(string(rapid.SampledFrom(incident.EventTypes).Draw(t, "event type")))
	case "dataset":
		return incident.TextValue(rapid.SampledFrom(someDatasets).Draw(t, "dataset"))
	}
	return incident.TextValue(word().Draw(t, "text"))
}

// Plain returns n incidents of one dataset as a large file has them: rows with
// few rare fields, in clusters along a border, over 26 years, every tenth of
// more than a day. The same seed gives the same incidents.
func Plain(n int, seed uint64) []incident.Incident {
	r := rand.New(rand.NewPCG(seed, 1))
	var hot [120]orb.Point
	for i := range hot {
		hot[i] = orb.Point{61 + 15*r.Float64(), 25 + 13*r.Float64()}
	}
	actors := make([]string, 60)
	for i := range actors {
		actors[i] = fmt.Sprintf("Actor %02d of the border region", i)
	}
	kinds := incident.EventTypes
	out := make([]incident.Incident, n)
	for i := range out {
		in := &out[i]
		in.Dataset, in.SourceID = "plain", fmt.Sprint(seed, "-", i)
		in.ID = incident.ID(in.Dataset, in.SourceID)
		in.Start = 10957 + incident.Day(r.IntN(9490))
		in.End = in.Start
		in.TimePrecision = incident.TimeDay
		if i%10 == 0 {
			in.End += incident.Day(1 + r.IntN(6))
			in.TimePrecision = incident.TimeDays2_6
		}
		in.EventType = kinds[r.IntN(len(kinds))]
		in.EventClass = incident.ClassOf(in.EventType)
		in.Actor1, in.Actor2 = actors[r.IntN(60)], actors[r.IntN(60)]
		if k := r.IntN(12); k > 0 {
			in.Best = incident.Known(k - 1)
		}
		f := r.Float64()
		h := int(120 * f * f * f) // some places see far more than others
		u := h % 111
		in.Country = "PK"
		if u%2 == 0 {
			in.Country = "AF"
		}
		in.UnitID, in.Province, in.District = fmt.Sprintf("unit-%03d", u), fmt.Sprintf("Province %d", u%9), fmt.Sprintf("District %d", u)
		in.PCode = fmt.Sprintf("PK%05d", u)
		in.Point, in.HasPoint = orb.Point{hot[h][0] + r.NormFloat64()*0.15, hot[h][1] + r.NormFloat64()*0.15}, true
		in.LocationName = in.District
		in.LocationPrecision, in.Place.Kind = incident.LocSettlement, incident.PlacePoint
		in.Border = incident.BorderDistance{Known: true, MinKM: float64(r.IntN(200)), Side: incident.SidePK}
		in.Border.MaxKM = in.Border.MinKM
		in.Verification = incident.Unverified
		in.Summary = "patrol checkpoint village market road attack clash shelling near the valley"
		in.File, in.Line = "plain.csv", i+2
		in.Synthetic = true
	}
	return out
}
