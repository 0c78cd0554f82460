package source

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"sarhad/incident"
)

// Files that Sarhad itself has written are read to the letter: they were read,
// placed and judged once, and what comes back must be what went out. They are
// known by their columns or properties, which no other file has all of
// (docs/exports.md). Whatever somebody changed in them since is read as in any
// other table.

// ownNames are the columns of an export that are needed to read it to the letter.
var ownNames = []string{"dataset", "source_id", "start_date", "end_date", "time", "time_precision", "event_type", "sub_event_type", "event_type_text",
	"event_class", "type_of_violence", "actor1", "actor2", "assoc_actors", "dyad", "fatalities_low", "fatalities_best", "fatalities_high", "deaths_a",
	"deaths_b", "deaths_civilians", "deaths_unknown", "country", "province", "district", "unit_id", "unit_then", "district_then", "subunit_id", "pcode",
	"location_name", "location_text", "location_precision", "location_precision_code", "place_kind", "place_units", "place_radius_m", "border_km_min",
	"border_km_max", "border_side", "verification", "event_clarity", "claims", "sources", "summary", "warnings", "candidates", "synthetic"}

// isOwn reports whether columns or properties, which has knows, are those of an export.
func isOwn(has func(name string) bool) bool {
	for _, n := range ownNames {
		if !has(n) {
			return false
		}
	}
	return true
}

// verbatim are the fields whose texts are taken with the blanks around them.
var verbatim = func() (v [numFields]bool) {
	for _, f := range []field{fID, fEventTypeText, fActor1, fActor2, fDyad, fAdm1, fAdm2, fUnitID, fUnitThen, fSubunit, fLocationName, fLocationText,
		fPrecisionCode, fClarity, fSummary, fAssoc1, fPlaceUnits, fCandidates, fDataset} {
		v[f] = true
	}
	return v
}()

// Several lets an export hold incidents of several datasets, of which a reader
// gives those of one. The others can be read from the same file again.
type Several struct {
	// Want is the dataset to read; "" is that of the first row.
	Want string
	// Others are the other datasets that were met so far, in the order of the file.
	Others []string
}

// passesOver reports whether the row that was begun belongs to another dataset
// than the one that is read, and notes that.
func (d *decoder) passesOver() bool {
	if d.own == nil || d.several == nil || d.named {
		return false
	}
	name := d.get(fDataset)
	if name == "" || name == d.dataset.Name {
		return false
	}
	if !slices.Contains(d.several.Others, name) {
		d.several.Others = append(d.several.Others, strings.Clone(name))
	}
	return true
}

// ownDate reads a day as an export writes it; ok is false for anything else.
func (d *decoder) ownDate(f field) (span, bool) {
	if d.own == nil {
		return span{}, false
	}
	day, err := incident.ParseDay(d.get(f))
	return span{dateTime: dateTime{day: day, seconds: -1}, last: day}, err == nil
}

// ownPlace takes what other files do not say, or what is found anew for them.
func (d *decoder) ownPlace(in *incident.Incident) {
	in.Province, in.District = d.get(fAdm1), d.get(fAdm2)
	in.DistrictThen, in.PCode = d.own("district_then"), d.own("pcode")
	in.Border = incident.BorderDistance{}
	for _, km := range []struct {
		name string
		to   *float64
	}{{"border_km_min", &in.Border.MinKM}, {"border_km_max", &in.Border.MaxKM}} {
		s := trim(d.own(km.name))
		if s == "" {
			continue
		}
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f >= 0 && f < 1e6) {
			d.reject(Issue{Column: km.name, Value: s, Code: CodeBadNumber, Reason: "it is not a number of kilometres"})
			return
		}
		*km.to, in.Border.Known = f, true
	}
	if s := incident.BorderSide(trim(d.own("border_side"))); s == incident.SideUnknown || slices.Contains(borderSides, s) {
		in.Border.Side = s
	}
}

// ownList takes a list apart that an export joined: a JSON list, or texts with a semicolon and a blank between.
func ownList(s string) ([]string, bool) {
	if s == "" {
		return nil, true
	}
	if s[0] == '[' {
		var l []string
		return l, json.Unmarshal([]byte(s), &l) == nil
	}
	l := strings.Split(s, ";")
	for i := range l {
		l[i] = trim(l[i])
	}
	return slices.DeleteFunc(l, func(s string) bool { return s == "" }), true
}

// unharmed are the fields of a row without the apostrophes that an export puts in
// front of texts that a spreadsheet would run. The row itself stays as it is.
func unharmed(fields []string) []string {
	var out []string
	for i, s := range fields {
		if strings.HasPrefix(s, "'") && runsAsFormula(s) {
			if out == nil {
				out = slices.Clone(fields)
			}
			out[i] = s[1:]
		}
	}
	if out == nil {
		return fields
	}
	return out
}

// runsAsFormula is what data/export asks before it puts an apostrophe in front; a test of cmd/sarhad holds the two together.
func runsAsFormula(s string) bool {
	s = strings.TrimLeft(s, "'")
	if s != "" && strings.ContainsRune("\t\r\n", rune(s[0])) {
		return true
	}
	for _, r := range strings.TrimLeft(s, " '\u00a0\ufeff") {
		return strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫", r)
	}
	return false
}
