package geo

import (
	"slices"
	"strings"
)

// The words that stand beside names and are no part of them, folded. What a word says of the name before or after it
// is its kind.

// wordKind is what a word beside a name says about it.
type wordKind uint8

const (
	wordNone     wordKind = iota
	wordProvince          // "province", "velayat"
	wordDistrict          // "district", "agency", "frontier region"
	wordTehsil            // "tehsil", "sub-division"
	wordTown              // "town", "village", "city"
	wordArea              // "area", "valley", "sector": anything at all
	wordRoad              // "road", "highway": the name is an end of it
	wordFeature           // "river", "dam", "camp": a thing that is called after the place
)

var kindWords = func() map[string]wordKind {
	m := map[string]wordKind{}
	for kind, words := range map[wordKind]string{
		wordProvince: "province provinces prov wilayat velayat welayat ولایت صوبه صوبہ",
		wordDistrict: "district districts distrcit distric disrict distirct distict dsitrict distrct distt dist agency agencies fr woluswali wuleswali uluswali ضلع ولسوالی اولسوالی ایجنسی",
		wordTehsil:   "tehsil tehsils teshil teshsil tahsil thesil taluka taluk subdivision subtehsil تحصیل",
		wordTown:     "town towns village villages city cities suburb suburbs hamlet headquarters headquarter bazaar bazar killi kili killay killey kalay kalai kaley kelay qala basti goth شهر ښار کلی گاوں بازار",
		wordArea:     "area areas areaq region regions locality localities sector sectors valley valleys vicinity union council neighbourhood neighborhood quarter division tribal belt part parts side zone outskirts علاقه علاقه",
		wordRoad:     "road roads highway highways bypass motorway route سرک روډ لار لاره",
		wordFeature: "river stream nullah nala khwar dam canal lake hill hills hilltop mountain mountains peak ridge range pass forest field fields mine mines bridge tunnel " +
			"fort camp camps base post posts checkpost checkposts checkpoint checkpoints picket police station stations airport airbase cantonment cantt garrison outpost " +
			"hospital school college university mosque masjid market chowk colony park terminal border crossing gate shrine madrassa madrasa seminary jail prison plaza hotel street check security railway",
	} {
		for _, w := range strings.Fields(words) {
			m[Fold(w)] = kind
		}
	}
	return m
}()

// linkWords tell how a name stands to what happened. True are those after which a name is only near by.
var linkWords = func() map[string]bool {
	m := map[string]bool{}
	for near, words := range map[bool]string{
		true: "near nearby from toward towards outside beyond bordering adjoining adjacent neighbouring neighboring opposite to leading around between off " +
			"north south east west northeast northwest southeast southwest قریب نزدیک نژدې",
		false: "of in at on inside within the a an and or by with for along via میں کے کی کا سے پر اور په د کې ته له در از به و",
	} {
		for _, w := range strings.Fields(words) {
			m[Fold(w)] = near
		}
	}
	return m
}()

var (
	partWords   = wordSet("north south east west upper lower central")
	bodyWords   = wordSet("militia scouts rifles shura brigade zalmi missile missiles team spokesman spokesperson regiment battalion network pipeline river qalandars gladiators chapter")
	originWords = wordSet("resident residents native hailing belonging born based said told")
	wordsToo    = wordSet("tank hub ziarat swat mustang") // names of units that are words of sentences too, the last for a shrine
	directions  = wordSet("north south east west northeast northwest southeast southwest northern southern eastern western")
	distances   = wordSet("km kms kilometer kilometers kilometre kilometres mile miles")
)

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// plainWords are words of sentences that are never misspelt names, beside those above. They keep fuzzy reading away
// from common English.
var plainWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(
		"km kms kilometer kilometers kilometre kilometres mile miles about after against also army attack attacked before being both bomb blast car center centre central check civilian civilians close closed convoy country day district " +
			"during each east eight eighty eleven empty explosion fifteen fifty fighters first five forces former forty four frontier group great here high hideout highest house houses hundred " +
			"important injured its junction killed last late located location lower main major men metre metres middle militant militants military mid morning most mountainous national nine super trunk " +
			"northern number office officials old one open other others over people pak afghan pakistani place point private raid remote residence security seven several shop shops " +
			"site six sixty small soldiers some somewhere southern special suburban sunday ten thirty this three town troops troubled twelve twenty two under unknown upper vehicle various village " +
			"villages way western which while who women year years agency's district's monday tuesday wednesday thursday friday saturday january february march april may june july august " +
			"september october november december new government political court house party force corps levies khasadar frontier corps taliban isis talib militia general major captain colonel officer " +
			"haji malik maulana mullah mufti sheikh syed commander unidentified limits far distance kilometer border boundary international line control local tribe tribal areas") {
		m[w] = true
	}
	return m
}()

// commonNames are words of Pashto, Balochi, Urdu and Persian for hills, villages, forts and the like. As names they occur in
// many districts: alone they say nothing, beside a district they may.
var commonNames = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields("bagh banda bandai bala bazar chak cheena china chinar darra dara dera dasht dehri deri derai ghar gharai garhi ghundai ghundi gul jabba jabbar kach kandao kandaw kandow kas " +
		"khan khel khwar killa koh kot kotka kotkai kotli landi maidan mandi mela miana miankalay narai narrai narray nawa nawan naway new old pain payan pir pul qala raghza sar sarai serai shah " +
		"shahi shaikhan sheikhan shiekhan sher sipah spin sra sur tall tangi tangai tappa top toi tor tora tut warsak wam wazir wech ziarat zara zarai zor") {
		m[w] = true
	}
	return m
}()

// genericWord says whether a word may be left out at the end of a name that is looked up whole.
func genericWord(w string) bool {
	switch kindWords[w] {
	case wordProvince, wordDistrict, wordTehsil:
		return true
	}
	return w == "tribal" || w == "the" || w == "of"
}

// genericPairs are generic words written as two.
var genericPairs = map[[2]string]bool{
	{"sub", "division"}: true, {"sub", "tehsil"}: true, {"frontier", "region"}: true, {"frontier", "regions"}: true, {"f", "r"}: true,
}

// NameLike says whether there is a word in a string that may be a name: not only numbers and words such as "police station" or
// "near the border".
func NameLike(s string) bool {
	return slices.ContainsFunc(tokens(nil, s), func(t token) bool { return nameLike(&t) })
}

// PlaceName is the name of a place without the words beside it that say what it is: "Datta Khel town" and "Datta Khel area"
// are "Datta Khel". A name that is nothing but such words stays as it is.
func PlaceName(s string) string {
	toks := tokens(nil, s)
	from, to := 0, len(toks)
	for to > from && kindWords[toks[to-1].fold] != wordNone {
		to--
	}
	for from < to && (kindWords[toks[from].fold] == wordTown || kindWords[toks[from].fold] == wordTehsil) {
		from++
	}
	if from == to {
		return strings.TrimSpace(s)
	}
	return s[toks[from].from:toks[to-1].to]
}
