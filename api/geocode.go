package api

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

// PlaceAnswer is what is known of a place, as JSON: the answer of /geocode and of the command `sarhad geocode`. What is not
// known is null or an empty list.
type PlaceAnswer struct {
	// Status is "placed", "ambiguous" or "unknown"; it is "placed" exactly when UnitID is not null.
	Status geo.Status `json:"status"`
	// UnitID is the ID of the unit or former unit, Name that of what is known: a unit, a crossing, a province or a country.
	UnitID *string `json:"unit_id"`
	Name   *string `json:"name"`
	// Precision is how well the place is known, "none" if not at all.
	Precision string `json:"precision"`
	// Lon and Lat are a known position in degrees (CRS84), null unless Precision is exact, near, settlement or vicinity_25km:
	// the point at which a unit or something as large is labelled is not a position.
	Lon *float64 `json:"lon"`
	Lat *float64 `json:"lat"`
	// Units are the IDs of the units of today that cover a former unit; empty for a unit of today.
	Units []string `json:"units"`
	// SubunitID is the ID of the tehsil or Afghan district, Then that of the former unit that the unit was on the day asked for.
	SubunitID *string `json:"subunit_id"`
	Then      *string `json:"then"`
	// Country is "PK" or "AF", Province the English name; both may be known without a unit.
	Country  *string `json:"country"`
	Province *string `json:"province"`
	// Candidates are the readings that the words allow, the best first; Warnings the doubts.
	Candidates []PlaceCandidate `json:"candidates"`
	Warnings   []PlaceWarning   `json:"warnings"`
}

// PlaceCandidate is one reading of a name, as JSON.
type PlaceCandidate struct {
	// UnitID and Name are those of the unit; UnitID is null for a province or a country, of which Name is the name.
	UnitID *string `json:"unit_id"`
	Name   string  `json:"name"`
	// Place is the name of the town, crossing or other place that the words stand for, null for the unit itself; Kind says
	// what that is: "unit", "subunit", "former", "province", "country", "crossing", "seat", "settlement", "locality", "area",
	// "pass" or "learned".
	Place *string `json:"place"`
	Kind  string  `json:"kind"`
	// Local is the name of the place or unit in the language asked for, null if none was or it has none.
	Local *string `json:"local"`
	// SubunitID is the ID of the tehsil or Afghan district, null if not known.
	SubunitID *string `json:"subunit_id"`
	Precision string  `json:"precision"`
	// Score is between 0 and 1, to put candidates in order; it is not a probability.
	Score float64 `json:"score"`
	// Reasons are sentences for readers.
	Reasons []string `json:"reasons"`
	// Field says in which field of the question the words stand that the candidate rests on most: "text" (q of /geocode),
	// "place", "adm1" or "adm2"; null where it rests on no words. Span is the part of that field, from and to (not included),
	// counted in Unicode code points.
	Field *string `json:"field"`
	Span  *[2]int `json:"span"`
	// Lon and Lat are the position of the place in degrees (CRS84), null if it has none that is known.
	Lon *float64 `json:"lon"`
	Lat *float64 `json:"lat"`
}

// PlaceWarning is a doubt about a place, as JSON.
type PlaceWarning struct {
	// Code is one of the codes of package geo, Detail a sentence for readers.
	Code   string `json:"code"`
	Detail string `json:"detail"`
	// KM is the distance in kilometres of which the warning speaks, left out where it speaks of none.
	KM *float64 `json:"km,omitempty"`
}

// NewPlaceAnswer writes what a geocoder answered to a request as JSON has it.
func NewPlaceAnswer(r *geo.Request, m geo.Match) PlaceAnswer {
	a := PlaceAnswer{
		Status: m.Status, UnitID: orNull(m.UnitID), Name: orNull(m.Name), Precision: m.Precision, Units: m.Units,
		SubunitID: orNull(m.Subunit), Then: orNull(m.Then), Country: orNull(m.Country), Province: orNull(m.Province),
		Candidates: newPlaceCandidates(r, m.Candidates), Warnings: make([]PlaceWarning, len(m.Warnings)),
	}
	if a.Units == nil {
		a.Units = []string{}
	}
	if m.HasPoint && incident.LocationPrecision(m.Precision).IsPoint() {
		a.Lon, a.Lat = orNoNumber(m.Point[0]), orNoNumber(m.Point[1])
	}
	for i, w := range m.Warnings {
		a.Warnings[i] = PlaceWarning{Code: w.Code, Detail: w.Detail}
		if w.KM != 0 {
			a.Warnings[i].KM = orNoNumber(w.KM)
		}
	}
	return a
}

// newPlaceCandidates is never nil.
func newPlaceCandidates(r *geo.Request, list []geo.Candidate) []PlaceCandidate {
	out := make([]PlaceCandidate, len(list))
	for i, c := range list {
		out[i] = PlaceCandidate{UnitID: orNull(c.UnitID), Name: c.Name, Place: orNull(c.Place), Kind: c.Kind, SubunitID: orNull(c.Subunit),
			Precision: c.Precision, Score: c.Score, Reasons: c.Reasons}
		if out[i].Span = codePoints(fieldOf(r, c.Field), c.Span); out[i].Span != nil {
			out[i].Field = orNull(c.Field)
		}
		if out[i].Reasons == nil {
			out[i].Reasons = []string{}
		}
		if c.HasPoint {
			out[i].Lon, out[i].Lat = orNoNumber(c.Point[0]), orNoNumber(c.Point[1])
		}
	}
	return out
}

// fieldOf is a field of a request by the name that candidates give it, "" for none.
func fieldOf(r *geo.Request, name string) string {
	switch name {
	case "text":
		return r.Text
	case "place":
		return r.Place
	case "adm1":
		return r.Adm1
	case "adm2":
		return r.Adm2
	}
	return ""
}

// codePoints turns the byte offsets of a part of a text into those of its code points; nil for an empty part and for one
// that is not of this text.
func codePoints(text string, span [2]int) *[2]int {
	from, to := span[0], span[1]
	if from < 0 || from >= to || to > len(text) {
		return nil
	}
	start := utf8.RuneCountInString(text[:from])
	return &[2]int{start, start + utf8.RuneCountInString(text[from:to])}
}

// orNoNumber is nil for what JSON has no number for.
func orNoNumber(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// The limits of a question to the geocoder.
const (
	maxPlaceText  = 500 // characters of q, adm1 and country
	maxCandidates = 50
)

var (
	geocodeParams = []string{"q", "date", "adm1", "country", "near", "limit", "lang", "complete", "f"}
	placeLangs    = []string{"en", "ur", "ps", "prs", "fa"}
)

// placeResult is the answer of /geocode.
type placeResult struct {
	PlaceAnswer
	Attribution *string `json:"attribution"`
	Links       []link  `json:"links"`
}

func (s *server) getGeocode(c echo.Context) error {
	r := c.Request()
	p, err := s.placeParams(c, geocodeParams)
	if err != nil {
		return err
	}
	for _, name := range []string{"q", "adm1", "country"} {
		if n := utf8.RuneCountInString(p[name]); n > maxPlaceText {
			return wrongParameter(name, nil, "%s has %d characters; at most %d are read.", name, n, maxPlaceText)
		}
	}
	if strings.TrimSpace(p["q"]) == "" {
		return wrongParameter("q", nil, "q is missing: the name or the phrase to find, for example q=Torkham.")
	}
	req := geo.Request{Text: p["q"], Adm1: p["adm1"], Country: p["country"]}
	if req.Day, req.HasDay, err = p.day("date"); err != nil {
		return err
	}
	if req.Near, req.HasNear, err = p.position("near"); err != nil {
		return err
	}
	limit, err := p.limit(maxCandidates, maxCandidates)
	if err != nil {
		return err
	}
	lang, err := p.word("lang", placeLangs)
	if err != nil {
		return err
	}
	complete, err := p.word("complete", []string{"true", "false"})
	if err != nil {
		return err
	}
	g := s.Geocoder()
	m := g.Geocode(req)
	candidates := m.Candidates
	if complete == "true" && !wholeKnown(p["q"], candidates) {
		begun := g.Complete(p["q"], limit)
		for i := range begun {
			begun[i].Field = "text"
		}
		candidates = append(begun, candidates...)
	}
	if len(candidates) > limit {
		candidates = candidates[:limit]
	}
	m.Candidates = candidates
	a := placeResult{PlaceAnswer: NewPlaceAnswer(&req, m), Attribution: s.placeAttribution(),
		Links: s.itemLinks(r, p, formatJSON, jsonFormats)}
	if lang == "" && arabicScript(p["q"]) {
		lang = "ur"
	}
	if lang != "" && lang != "en" {
		for i := range a.Candidates {
			a.Candidates[i].Local = orNull(s.localName(g, &m.Candidates[i], lang))
		}
	}
	return s.plainJSON(c, a)
}

// wholeKnown says whether a candidate rests on the whole of the text of a question.
func wholeKnown(text string, candidates []geo.Candidate) bool {
	for _, c := range candidates {
		from, to := c.Span[0], c.Span[1]
		if c.Field == "text" && from < to && to <= len(text) && strings.TrimSpace(text[:from]) == "" && strings.TrimSpace(text[to:]) == "" {
			return true
		}
	}
	return false
}

// placeParams reads the parameters of a route that asks the geocoder.
func (s *server) placeParams(c echo.Context, known []string) (params, error) {
	p, err := readParams(c.Request(), known)
	if err != nil {
		return nil, err
	}
	if _, err := p.format(c.Request(), jsonFormats); err != nil {
		return nil, err
	}
	return p, nil
}

// placeAttribution credits the units and the names of places, both of which an answer about a place rests on.
func (s *server) placeAttribution() *string {
	if s.Attribution == "" || s.PlacesAttribution == "" {
		return orNull(s.Attribution + s.PlacesAttribution)
	}
	return orNull(s.Attribution + "; " + s.PlacesAttribution)
}

// plainJSON answers a value that does not follow from the store alone: names are learned while the server runs, and no
// number counts that, so the answer has no ETag.
func (s *server) plainJSON(c echo.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	s.cached(c.Response().Header())
	return s.send(c, mediaJSON, append(b, '\n'))
}

// day reads a calendar day as days since 1970-01-01.
func (p params) day(name string) (day int32, ok bool, err error) {
	v, ok := p[name]
	if !ok {
		return geo.NoDay, false, nil
	}
	d, err := incident.ParseDay(v)
	if err != nil {
		return geo.NoDay, false, wrongParameter(name, nil, "%s is %s; it must be a day, YYYY-MM-DD.", name, quoted(v))
	}
	return int32(d), true, nil
}

// position reads lon,lat in degrees.
func (p params) position(name string) (at orb.Point, ok bool, err error) {
	v, ok := p[name]
	if !ok {
		return at, false, nil
	}
	lon, lat, comma := strings.Cut(v, ",")
	if !comma {
		return at, false, wrongParameter(name, nil, "%s is %s; it must be lon,lat.", name, quoted(v))
	}
	at, err = position(name, strings.TrimSpace(lon), name, strings.TrimSpace(lat))
	return at, err == nil, err
}

// position reads two numbers as a place on earth.
func position(lonName, lon, latName, lat string) (at orb.Point, err error) {
	if at[0], err = parseNumber(lon); err != nil || math.Abs(at[0]) > 180 {
		return at, wrongParameter(lonName, nil, "%s has the longitude %s; it must be a number from -180 to 180.", lonName, quoted(lon))
	}
	if at[1], err = parseNumber(lat); err != nil || math.Abs(at[1]) > 90 {
		return at, wrongParameter(latName, nil, "%s has the latitude %s; it must be a number from -90 to 90.", latName, quoted(lat))
	}
	return at, nil
}

// word reads one word of a vocabulary, "" if the parameter is not there.
func (p params) word(name string, allowed []string) (string, error) {
	v, ok := p[name]
	if ok && !slices.Contains(allowed, v) {
		return "", wrongParameter(name, allowed, "%s does not know %s.", name, quoted(v))
	}
	return v, nil
}

// arabicScript says whether most letters of a text are of the Arabic script.
func arabicScript(text string) bool {
	n := 0
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Arabic, r):
			n++
		case unicode.IsLetter(r):
			n--
		}
	}
	return n > 0
}

// localName is what a candidate is called in a language; where that language has no name for it, one in the same script.
// It is "" if there is none.
func (s *server) localName(g *geo.Geocoder, c *geo.Candidate, lang string) string {
	if c.Place == "" {
		i, ok := g.Index().ByID(c.UnitID)
		if !ok {
			if f, ok := g.Former(c.UnitID); ok {
				return nameIn(f.Names, lang)
			}
			return ""
		}
		u := &g.Index().Units()[i]
		return nameIn([]geo.Name{{Text: u.NameUR, Lang: "ur"}, {Text: u.NamePS, Lang: "ps"}, {Text: u.NameFA, Lang: "prs"}}, lang)
	}
	switch c.Kind {
	case "crossing":
		for i := range s.Crossings {
			if x := &s.Crossings[i]; x.Name == c.Place {
				return nameIn(x.Names, lang)
			}
		}
	case "subunit":
		for i := range g.Subunits() {
			if x := &g.Subunits()[i]; x.ID == c.Subunit {
				return nameIn(x.Names, lang)
			}
		}
	default:
		for i := range g.Places() {
			if x := &g.Places()[i]; x.Name == c.Place && (!c.HasPoint || x.Point == c.Point) {
				return nameIn(x.Names, lang)
			}
		}
	}
	return ""
}

// nameIn picks the name in a language. Dari and Persian stand for each other; Urdu, Pashto and Dari names may stand in for
// each other, since people who read one of them can read the letters of the others.
func nameIn(names []geo.Name, lang string) string {
	if lang == "fa" {
		lang = "prs"
	}
	other := ""
	for _, n := range names {
		if n.Text == "" || !arabicScript(n.Text) {
			continue
		}
		if n.Lang == lang || lang == "prs" && n.Lang == "fa" {
			return n.Text
		}
		if other == "" {
			other = n.Text
		}
	}
	return other
}
