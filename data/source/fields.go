package source

import (
	"strings"

	"sarhad/incident"
)

// field is what a column may mean.
type field uint8

const (
	fID field = iota
	fStart
	fEnd
	fTime
	fTimePrecision
	fEventType
	fEventTypeText
	fSubEventType
	fEventClass
	fTypeOfViolence
	fActor1
	fActor2
	fAssoc1
	fAssoc2
	fDyad
	fBest
	fLow
	fHigh
	fDeathsA
	fDeathsB
	fDeathsCivilians
	fDeathsUnknown
	fCountry
	fISO
	fAdm1
	fAdm2
	fUnitID
	fLocationName
	fLocationText
	fPrecision
	fPrecisionCode
	fLat
	fLon
	fPlaceKind
	fPlaceUnits
	fPlaceRadius
	fCandidates
	fVerification
	fClarity
	fClaims
	fSources
	fSourceArticle
	fSourceOffice
	fSourceDate
	fSourceHeadline
	fSummary
	fSynthetic
	fDataset
	fWarnings
	fBorderSide
	fSubunit
	fUnitThen
	// Only a mapping names these: both coordinates in one column, and the
	// number of wounded, which becomes a claim.
	fPoint
	fWounded
	numFields
)

// layout is how a kind of file names and codes things.
type layout struct {
	name    string
	dataset incident.Dataset
	// names are the headers of each field, folded, the best first.
	names [numFields][]string
	// timePrecision and precision read the codes of the layout; nil means that
	// our own words are written.
	timePrecision map[string]incident.TimePrecision
	precision     map[string]incident.LocationPrecision
	dates         dateOrder
	// unread are columns of the codebook that are known, and not read.
	unread []string
	// eventTypes are terms that the layout used before today's.
	eventTypes map[string]legacyType
}

type legacyType struct {
	event incident.EventType
	sub   incident.SubEventType
}

var tableLayout = &layout{name: FormatTable, names: [numFields][]string{
	fID:             {"source_id", "id", "event_id"},
	fStart:          {"start_date", "event_date", "date", "date_start"},
	fEnd:            {"end_date", "date_end"},
	fTime:           {"time"},
	fTimePrecision:  {"time_precision"},
	fEventType:      {"event_type", "type"},
	fEventTypeText:  {"event_type_text"},
	fSubEventType:   {"sub_event_type"},
	fEventClass:     {"event_class"},
	fTypeOfViolence: {"type_of_violence"},
	fActor1:         {"actor1", "actor", "side_a"},
	fActor2:         {"actor2", "side_b"},
	fAssoc1:         {"assoc_actors", "assoc_actor_1"},
	fAssoc2:         {"assoc_actor_2"},
	fDyad:           {"dyad", "dyad_name"},
	// Casualties are killed and wounded, and so no figure of deaths.
	fBest: {"fatalities_best", "fatalities", "best", "killed", "deaths", "dead", "no_killed", "no._killed", "no_of_killed", "number_killed", "people_killed", "total_killed",
		"no_of_deaths", "number_of_deaths", "total_deaths"},
	fLow:             {"fatalities_low", "low"},
	fHigh:            {"fatalities_high", "high"},
	fDeathsA:         {"deaths_a"},
	fDeathsB:         {"deaths_b"},
	fDeathsCivilians: {"deaths_civilians"},
	fDeathsUnknown:   {"deaths_unknown"},
	fCountry:         {"country"},
	fISO:             {"iso3", "iso"},
	fAdm1:            {"province", "admin1", "adm_1", "adm1"},
	fAdm2:            {"district", "admin2", "adm_2", "adm2"},
	fUnitID:          {"unit_id"},
	fLocationName:    {"location_name", "location", "place_name"},
	fLocationText:    {"location_text"},
	fPrecision:       {"location_precision"},
	fPrecisionCode:   {"location_precision_code"},
	fLat:             {"latitude", "lat"},
	fLon:             {"longitude", "lon", "lng", "long"},
	fPlaceKind:       {"place_kind"},
	fPlaceUnits:      {"place_units"},
	fPlaceRadius:     {"place_radius_m"},
	fCandidates:      {"candidates"},
	fVerification:    {"verification"},
	fClarity:         {"event_clarity", "clarity"},
	fClaims:          {"claims"},
	fSources:         {"sources"},
	fSourceOffice:    {"source"},
	fSummary:         {"summary", "notes"},
	fSynthetic:       {"synthetic"},
	fDataset:         {"dataset"},
	fWarnings:        {"warnings"},
	fBorderSide:      {"border_side"},
	fSubunit:         {"subunit_id"},
	fUnitThen:        {"unit_then"},
}}

var gedLayout = &layout{
	name: FormatGED,
	dataset: incident.Dataset{
		Name: "ged", Title: "UCDP Georeferenced Event Dataset", Licence: "CC BY 4.0",
		Attribution: "Sundberg and Melander (2013), UCDP Georeferenced Event Dataset, Uppsala University",
	},
	timePrecision: incident.GEDTimePrecision,
	precision:     incident.GEDLocationPrecision,
	names: [numFields][]string{
		fID: {"id"}, fStart: {"date_start"}, fEnd: {"date_end"}, fTimePrecision: {"date_prec"},
		fTypeOfViolence: {"type_of_violence"}, fActor1: {"side_a"}, fActor2: {"side_b"}, fDyad: {"dyad_name"},
		fBest: {"best", "best_est"}, fLow: {"low", "low_est"}, fHigh: {"high", "high_est"},
		fDeathsA: {"deaths_a"}, fDeathsB: {"deaths_b"}, fDeathsCivilians: {"deaths_civilians"}, fDeathsUnknown: {"deaths_unknown"},
		fCountry: {"country"}, fISO: {"iso3"}, fAdm1: {"adm_1"}, fAdm2: {"adm_2"},
		fLocationName: {"where_coordinates"}, fLocationText: {"where_description"}, fPrecision: {"where_prec"},
		fLat: {"latitude"}, fLon: {"longitude"}, fClarity: {"event_clarity"},
		fSourceArticle: {"source_article"}, fSourceOffice: {"source_office"}, fSourceDate: {"source_date"}, fSourceHeadline: {"source_headline"},
		fSynthetic: {"synthetic"},
	},
	unread: []string{"relid", "year", "active_year", "active_yea", "code_status", "conflict_dset_id", "conflict_new_id", "conflict_id", "conflict_name", "dyad_dset_id",
		"dyad_new_id", "dyad_id", "side_a_dset_id", "side_a_new_id", "side_a_id", "side_b_dset_id", "side_b_new_id", "side_b_id", "number_of_sources", "source_original", "geom_wkt",
		"priogrid_gid", "country_id", "region", "gwnoa", "gwnob", "gwab"},
}

var acledLayout = &layout{
	name: FormatACLED,
	dataset: incident.Dataset{
		Name: "acled", Title: "Armed Conflict Location & Event Data (ACLED)", Attribution: "ACLED, www.acleddata.com",
		Terms: "ACLED's terms of use: single events may not be republished, aggregates may with attribution.", AggregatesOnly: true,
	},
	timePrecision: incident.ACLEDTimePrecision,
	precision:     incident.ACLEDLocationPrecision,
	dates:         orderDMY, // the codebooks of all years: day, month, year
	names: [numFields][]string{
		fID: {"event_id_cnty"}, fStart: {"event_date"}, fTimePrecision: {"time_precision"},
		fEventType: {"event_type"}, fSubEventType: {"sub_event_type"},
		fActor1: {"actor1"}, fActor2: {"actor2"}, fAssoc1: {"assoc_actor_1", "ally_actor_1"}, fAssoc2: {"assoc_actor_2", "ally_actor_2"},
		fBest: {"fatalities"}, fCountry: {"country"}, fISO: {"iso3", "iso"}, fAdm1: {"admin1"}, fAdm2: {"admin2"},
		fLocationName: {"location"}, fPrecision: {"geo_precision", "geo_precis"}, fLat: {"latitude"}, fLon: {"longitude"},
		fSourceOffice: {"source"}, fSummary: {"notes"}, fSynthetic: {"synthetic"},
	},
	unread: []string{"data_id", "event_id_no_cnty", "year", "disorder_type", "inter1", "inter2", "interaction", "civilian_targeting", "region", "admin3", "source_scale",
		"tags", "timestamp", "gwno", "actor1_id", "actor2_id", "population_1km", "population_2km", "population_5km", "population_best"},
	// The event types of the codebooks before 2019 that one of today's stands
	// for. "Riots/Protests" is two of today's and stays as written.
	eventTypes: map[string]legacyType{
		"battle-no change of territory":              {incident.Battles, "Armed clash"},
		"battle-government regains territory":        {incident.Battles, "Government regains territory"},
		"battle-non-state actor overtakes territory": {incident.Battles, "Non-state actor overtakes territory"},
		"remote violence":                            {incident.Explosions, ""},
		"strategic development":                      {incident.Strategic, ""},
		"headquarters or base established":           {incident.Strategic, "Headquarters or base established"},
		"non-violent transfer of territory":          {incident.Strategic, "Non-violent transfer of territory"},
	},
}

// together are fields whose headings may stand side by side, since they do not
// say the same: the first that is known is read.
var together = [numFields]bool{fISO: true, fSummary: true}

// fold brings a header to the form in which names are written here.
func fold(header string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' || r == '\t' {
			return '_'
		}
		return r
	}, strings.ToLower(trim(header)))
}
