package source

import (
	"slices"
	"strings"
)

// hxlTags are the tags of HXL (Humanitarian Exchange Language) that are read,
// without attributes for the language, their attributes sorted.
var hxlTags = map[string]field{
	"#date": fStart, "#date+occurred": fStart, "#date+event": fStart, "#date+start": fStart, "#date+end": fEnd,
	"#geo+lat": fLat, "#geo+lon": fLon, "#geo+lng": fLon, "#geo+coord": fPoint, "#lat_deg": fLat, "#lon_deg": fLon,
	"#country": fCountry, "#country+name": fCountry, "#country+code": fISO, "#country+code+iso3": fISO, "#country+code+v_iso3": fISO, "#country+iso3": fISO,
	"#adm1": fAdm1, "#adm1+name": fAdm1, "#adm2": fAdm2, "#adm2+name": fAdm2,
	"#loc": fLocationName, "#loc+name": fLocationName, "#loc+description": fLocationText,
	"#event": fEventType, "#event+type": fEventType, "#event+name": fEventType, "#event+subtype": fSubEventType,
	"#event+id": fID, "#event+code": fID, "#id": fID, "#meta+id": fID,
	"#group": fActor1, "#group+name": fActor1, "#group+name+1": fActor1, "#group+actor1+name": fActor1, "#group+actor2+name": fActor2,
	"#description": fSummary, "#event+description": fSummary, "#meta+notes": fSummary, "#description+notes": fSummary,
	"#meta+source": fSourceOffice, "#source": fSourceOffice,
}

// hxlField is what a tag means here.
func hxlField(tag string) (field, bool) {
	base, attributes, _ := strings.Cut(strings.Join(strings.Fields(strings.ToLower(tag)), ""), "+")
	var kept []string
	for a := range strings.SplitSeq(attributes, "+") {
		if a != "" && (len(a) != 2 || a == "id" || a == "hh") && !strings.HasPrefix(a, "i_") { // +en and +i_en are languages
			kept = append(kept, a)
		}
	}
	slices.Sort(kept)
	if base == "#affected" {
		return hxlDeaths(kept)
	}
	f, ok := hxlTags[strings.Join(append([]string{base}, kept...), "+")]
	return f, ok
}

// hxlDeaths reads the attributes of a tag of people affected. Any other than
// those here says that it is of a part of them, such as women.
func hxlDeaths(attributes []string) (field, bool) {
	f, dead := fBest, false
	for _, a := range attributes {
		switch a {
		case "killed", "deaths", "dead", "fatalities":
			dead = true
		case "low", "min":
			f = fLow
		case "high", "max":
			f = fHigh
		case "ind", "num", "total", "all", "reported", "best", "est":
		default:
			return 0, false
		}
	}
	return f, dead
}

// tagged gives a meaning to those columns that have none by their header. A
// tag that stands over two columns says nothing: it is not guessed which is meant.
func (d *decoder) tagged(tags []string) {
	if d.layout != tableLayout {
		return // whose columns are all known
	}
	used := make([]bool, len(d.columns))
	for _, i := range d.cols {
		if i >= 0 {
			used[i] = true
		}
	}
	var at [numFields]int
	for i, tag := range tags {
		f, ok := hxlField(tag)
		switch {
		case !ok || i >= len(used) || used[i] || d.cols[f] >= 0 || d.constants[f] != "":
		case at[f] != 0:
			at[f] = -1
		default:
			at[f] = i + 1
		}
	}
	if at[fLat] > 0 || at[fLon] > 0 || d.cols[fLat] >= 0 || d.cols[fLon] >= 0 {
		at[fPoint] = 0 // it says the same again
	}
	for f, i := range at {
		if i > 0 {
			d.cols[f] = i - 1
		}
	}
}
