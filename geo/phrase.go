package geo

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word of a phrase.
type token struct {
	from, to int // bytes
	fold     string
	capital  bool // it begins with a capital, or with a letter of a script that has none
	breaks   bool // a comma, a bracket, an end of a sentence or of a line stands before it
	hyphen   bool // a hyphen stands before it
	number   bool
	caseless bool // of a script without capitals: every word may be a name, and none says that it is one
}

// tokens takes a phrase apart into words: letters, digits and the signs inside words.
func tokens(out []token, s string) []token {
	breaks, hyphen := true, false
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !wordRune(r) {
			switch r {
			case '&':
				out = append(out, token{from: i, to: i + size, fold: "and"})
			case ' ', '\t', '\u00a0', '\'', '’', '`', '"':
			case '-', '‐', '‑':
				hyphen = true
			case '.':
				// "D. I. Khan" goes on, a sentence ends.
				if n := len(out); n == 0 || out[n-1].to != i || out[n-1].to-out[n-1].from > 2 {
					breaks = true
				}
			default:
				breaks = true
			}
			i += size
			continue
		}
		from := i
		t := token{from: from, capital: unicode.IsUpper(r) || !unicode.IsLower(r), breaks: breaks, hyphen: hyphen, number: unicode.IsDigit(r),
			caseless: !unicode.IsUpper(r) && !unicode.IsLower(r)}
		for i < len(s) {
			r, size = utf8.DecodeRuneInString(s[i:])
			if !wordRune(r) && !unicode.Is(unicode.Mn, r) && r != '\u200c' && r != 'ـ' &&
				(r != '\'' && r != '’' && r != '`' || i+size >= len(s) || !wordRune(rune(s[i+size]))) {
				break
			}
			i += size
		}
		t.to = i
		word := s[from:i]
		if len(word) > 2 && (strings.HasSuffix(word, "'s") || strings.HasSuffix(word, "’s")) {
			word = strings.TrimRight(word[:len(word)-1], "'’")
		}
		if t.fold = key(Fold(word)); t.fold != "" {
			out = append(out, t)
			breaks, hyphen = false, false
		}
	}
	return out
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// mention is a name found in a phrase.
type mention struct {
	from, to int // tokens
	field    int // the phrase it is in: 0 the place, 1 the text
	span     [2]int
	words    string // as written
	sense    Sense
	kind     wordKind // what the words beside it say of it
	weak     bool     // near, a road to it, kilometres from it
	called   bool     // a body or a thing that is called after it, or where somebody came from: of no use
	km       float64  // kilometres from it, 0 if none are said
	inside   bool     // part of a longer name that is not known
	compound bool     // the same, with a word such as "fort" or "hill" in a language of the region
	common   bool     // a word that is a name in many places
	sure     bool     // of a fuzzy name: one letter only
	fuzzy    string   // the name as which it is read, "" if it is written as listed
}

func (m *mention) admin() bool {
	switch m.sense.Kind {
	case SenseUnit, SenseAmbiguous, SenseFormer, SenseArea, SenseCountry:
		return true
	}
	return false
}

// whole says whether a mention stands for a place in which it happened, as it is written.
func (m *mention) whole() bool { return !m.weak && !m.inside && m.fuzzy == "" }

const (
	// maxPhraseBytes is how much of a text is read: a paragraph. What comes after says what happened, not where.
	maxPhraseBytes = 4000
	maxNameWords   = 6
	minNameBytes   = 3
)

// mentions finds the names in a phrase: the longest first, from left to right, none inside another. It also counts the names
// that no list knows.
func (n *Names) mentions(out []mention, field int, s string, sc *scope) (found []mention, strangers, words int) {
	if len(s) > maxPhraseBytes {
		s = strings.ToValidUTF8(s[:maxPhraseBytes], "")
	}
	var buf [48]token
	toks := tokens(buf[:0], s)
	small := !slices.ContainsFunc(toks, func(t token) bool { return t.capital && !t.number }) // all in small letters
	first := len(out)
	if len(toks) == 1 && len(toks[0].fold) < minNameBytes {
		// In a sentence two letters are no name, alone they may be one: "GB".
		if sense, ok := n.sense(toks[0].fold, sc); ok {
			t := &toks[0]
			return append(out, mention{to: 1, field: field, span: [2]int{t.from, t.to}, words: s[t.from:t.to], sense: sense}), 0, 1
		}
	}
	var kbuf [96]byte
	for i := 0; i < len(toks); {
		m, ok := n.mentionAt(toks, i, s, small, kbuf[:0], sc)
		if !ok {
			i++
			continue
		}
		if nameGoesOn(toks, m.to, m.to, false) {
			// "Khyber Pakthunkhwa" is not Khyber.
			if longer, ok := n.misspelt(toks, m.from, m.to+1, s, sc); ok {
				m = longer
			}
		}
		m.field = field
		out = append(out, m)
		i = m.to
	}
	for i := first; i < len(out); i++ {
		if other, ok := n.twin(toks, &out[i], s, sc); ok {
			other.field = field
			out = slices.Insert(out, i, other)
			i++
		}
	}
	plural := wordNone // "Bajaur, Kurram and Mohmand districts": of all three
	for i := len(out) - 1; i > first; i-- {
		last, m := &out[i], &out[i-1]
		if last.to < len(toks) && kindWords[toks[last.to].fold] == last.kind && (strings.HasSuffix(toks[last.to].fold, "s") || strings.HasSuffix(toks[last.to].fold, "ies")) {
			plural = last.kind
		}
		if m.kind != wordNone || m.to != last.from && (m.to+1 != last.from || toks[m.to].fold != "and") {
			plural = wordNone
		}
		if plural != wordNone {
			m.kind = plural
		}
	}
	for i := first; i < len(out); i++ {
		out[i].surroundings(toks, s, out[first:], i-first)
	}
	out, strangers = n.guess(out, first, field, toks, s, small, sc)
	return out, strangers, len(toks)
}

// twin is the first of two names that share their second word: "North and South Waziristan".
func (n *Names) twin(toks []token, m *mention, s string, sc *scope) (mention, bool) {
	i := m.from - 2
	if i < 0 || m.to-m.from < 2 || toks[m.from-1].fold != "and" || !partWords[toks[m.from].fold] || !partWords[toks[i].fold] || toks[m.from].breaks {
		return mention{}, false
	}
	k := toks[i].fold
	for _, t := range toks[m.from+1 : m.to] {
		k += t.fold
	}
	sense, ok := n.sense(k, sc)
	if !ok {
		return mention{}, false
	}
	return mention{from: i, to: i + 1, span: [2]int{toks[i].from, toks[i].to}, words: s[toks[i].from:toks[i].to], sense: sense, kind: m.kind}, true
}

// mentionAt is the longest name that begins at a token.
func (n *Names) mentionAt(toks []token, i int, s string, small bool, k []byte, sc *scope) (mention, bool) {
	last := i
	for last+1 < len(toks) && last+1-i < maxNameWords && !toks[last+1].breaks {
		last++
	}
	if _, link := linkWords[toks[i].fold]; link && (last == i || !partWords[toks[i].fold]) {
		return mention{}, false
	}
	if !toks[i].capital && !small && (i+1 >= len(toks) || !toks[i+1].capital) {
		return mention{}, false
	}
	for j := last; j >= i; j-- {
		k = k[:0]
		for _, t := range toks[i : j+1] {
			k = append(k, t.fold...)
		}
		if len(k) < minNameBytes || !n.known(k) {
			continue
		}
		if j == i && (kindWords[toks[i].fold] != wordNone || plainWords[toks[i].fold] || !toks[i].capital && !small) {
			return mention{}, false
		}
		if _, link := linkWords[toks[j].fold]; link {
			continue // "Kot and"
		}
		m := mention{from: i, to: j + 1, span: [2]int{toks[i].from, toks[j].to}, words: s[toks[i].from:toks[j].to]}
		m.kind = kindBeside(toks, i, j+1)
		if j == i && wordsToo[toks[i].fold] && (m.kind == wordNone || m.kind == wordFeature) && !standsAsName(toks, i) {
			return mention{}, false
		}
		in := *sc
		in.local, in.tehsil, in.district = m.kind == wordTown || m.kind == wordTehsil, m.kind == wordTehsil, m.kind == wordDistrict
		sense, ok := n.sense(string(k), &in)
		if !ok {
			continue
		}
		if m.kind == wordTehsil && sense.Kind != SenseSubunit && !sense.local() {
			if other, ok := n.misspelt(toks, i, j+1, s, &in); ok && other.sense.Kind == SenseSubunit {
				return other, true // "Tehsil Momand" is no district of Mohmand
			}
		}
		m.sense, m.common = sense, j == i && commonNames[toks[i].fold]
		return m, true
	}
	return mention{}, false
}

// standsAsName says whether a name that is a word of sentences too stands where a name does: alone, after "in" or "near", or between commas.
func standsAsName(toks []token, i int) bool {
	if toks[i].breaks && (i+1 == len(toks) || toks[i+1].breaks) {
		return true
	}
	if i+2 < len(toks) && toks[i].capital && toks[i+1].fold == "and" && toks[i+2].capital {
		return true
	}
	if i == 0 || !toks[i].capital {
		return false
	}
	_, link := linkWords[toks[i-1].fold]
	return link && toks[i-1].fold != "the" && toks[i-1].fold != "a" || toks[i].hyphen || i+1 < len(toks) && toks[i+1].hyphen
}

// kindBeside is what a word within a name says of it, else the word after, else the word before.
func kindBeside(toks []token, from, to int) wordKind {
	if to-from > 1 { // "Bajaur Agency" is a name as a whole
		for _, t := range []*token{&toks[to-1], &toks[from]} {
			if k := kindWords[t.fold]; k == wordDistrict || k == wordTehsil || k == wordProvince {
				return k
			}
		}
	}
	after := wordNone
	if to < len(toks) && !toks[to].breaks {
		if after = kindWords[toks[to].fold]; after != wordNone && after != wordArea && after != wordFeature {
			return after
		}
		if to+1 < len(toks) && !toks[to+1].breaks && genericPairs[[2]string{toks[to].fold, toks[to+1].fold}] {
			return wordTehsil
		}
	}
	if from > 0 && !toks[from].breaks {
		k := kindWords[toks[from-1].fold]
		if k == wordDistrict || k == wordTehsil || k == wordTown || k == wordProvince {
			return k
		}
	}
	return after
}

// surroundings looks at what stands beside a mention.
func (m *mention) surroundings(toks []token, s string, all []mention, at int) {
	if m.to < len(toks) {
		if m.from == 0 && dateline(s[toks[m.to-1].to:]) {
			m.weak = true
		}
		if toks[m.to].hyphen && (toks[m.to].fold == "based" || toks[m.to].fold == "bound") {
			m.weak, m.called = true, true
		}
		for i := m.to; i < len(toks) && i < m.to+3 && !toks[i].breaks; i++ {
			if _, link := linkWords[toks[i].fold]; link {
				break
			}
			if bodyWords[toks[i].fold] {
				m.weak, m.called = true, true // "Quetta Shura", "Zhob Militia"
			}
		}
	}
	// "Tank-Wana Road", "Thal Mir Ali road", "Bannu to Kohat road": all ends of it.
	end := m.to
	for next := at; ; next++ {
		if road := end; road < len(toks) && !toks[road].breaks {
			if plainWords[toks[road].fold] && road+1 < len(toks) {
				road++ // "national highway"
			}
			m.weak = m.weak || kindWords[toks[road].fold] == wordRoad
		}
		joint := end
		if joint < len(toks) && !toks[joint].breaks && toks[joint].fold == "to" {
			joint++
		}
		if next+1 >= len(all) || all[next+1].from != joint || joint < len(toks) && toks[joint].breaks {
			break
		}
		end = all[next+1].to
	}
	// "20 km west of X", "near X", but "in the north of X".
	direction, in, from := false, false, false
	for i := m.from - 1; i >= 0 && i >= m.from-6 && !toks[i+1].breaks; i-- {
		w := toks[i].fold
		if at > 0 && i < all[at-1].to && all[at-1].sense.Kind != SenseCountry {
			break
		}
		if kindWords[w] != wordNone || toks[i].number || w == "afghanistan" || w == "pakistan" {
			continue // "near village X", "from Afghanistan's Nangarhar"
		}
		if originWords[w] {
			m.weak, m.called = true, true // "a resident of X"
			break
		}
		near, link := linkWords[w]
		if !link && !plainWords[w] {
			break
		}
		switch {
		case directions[w]:
			direction = true
		case w == "in" || w == "at" || w == "within" || w == "inside":
			in = true
		default:
			m.weak = m.weak || near
			from = from || w == "from"
		}
		if in && i+1 < m.from-1 {
			break
		}
	}
	if direction && !in {
		m.weak = true
	}
	if m.weak {
		m.km = kmBefore(toks, m.from)
	}
	if from && m.km == 0 {
		m.called = true // where something came from is not where it was
	}
	if m.from > 0 && at > 0 && all[at-1].to == m.from-1 && all[at-1].weak && toks[m.from-1].fold == "and" {
		m.weak = true // "between X and Y"
	}
	short := len(toks) < 4 // a name, not a sentence: "Khar kamar"
	before := m.kind == wordNone && (at == 0 || all[at-1].to < m.from || all[at-1].common) && nameGoesOn(toks, m.from-1, m.from, false)
	after := (at+1 >= len(all) || all[at+1].from > m.to || all[at+1].common) && nameGoesOn(toks, m.to, m.to, short)
	m.inside = before || after
	m.compound = before && commonNames[toks[m.from-1].fold] || after && commonNames[toks[m.to].fold]
}

// dateline says whether what follows a name shows that the report was written there: "MIRANSHAH: …", "PESHAWAR, March 3 – …".
func dateline(rest string) bool {
	end := strings.IndexAny(rest, ":–—")
	return end == 0 || end > 0 && end <= 24 && (strings.HasPrefix(rest, ",") || strings.TrimSpace(rest[:end]) == "")
}

// kmBefore is the distance that is given before a word: "750 kilometres (460 miles) south of X", "three km off X". One that is written
// as a word counts as 10 km.
func kmBefore(toks []token, at int) float64 {
	far := 0.0
	for i := at - 1; i >= 0 && i >= at-10; i-- {
		if !distances[toks[i].fold] {
			continue
		}
		km := 10.0
		if i > 0 && toks[i-1].number {
			n, _ := strconv.ParseFloat(toks[i-1].fold, 64)
			km = n
			if strings.HasPrefix(toks[i].fold, "mile") {
				km *= 1.609
			}
		}
		far = max(far, km)
	}
	return far
}

// nameGoesOn says whether the word at i, without a break before the word at joint, is a part of a name that is not known.
func nameGoesOn(toks []token, i, joint int, small bool) bool {
	if i < 0 || i >= len(toks) || joint >= len(toks) || toks[joint].breaks {
		return false
	}
	t := &toks[i]
	if _, link := linkWords[t.fold]; link || t.caseless || !t.capital && !small || t.number || kindWords[t.fold] != wordNone || plainWords[t.fold] {
		return false
	}
	return true
}

// guess reads words that no list knows as misspelt names.
func (n *Names) guess(out []mention, first, field int, toks []token, s string, small bool, sc *scope) (all []mention, strangers int) {
	taken := func(i int) bool {
		return slices.ContainsFunc(out[first:], func(m mention) bool { return i >= m.from && i < m.to })
	}
	exact := len(out)
	for i := 0; i < len(toks); {
		from := i
		for i < len(toks) && (i == from || !toks[i].breaks) && (nameGoesOn(toks, i, i, false) || small && nameLike(&toks[i]) || i == from && nameLike(&toks[i]) && toks[i].capital) && !taken(i) {
			i++
		}
		if i == from {
			i++
			continue
		}
		m, ok := mention{}, false
		if from > 0 && !toks[from].breaks && partWords[toks[from-1].fold] && toks[from-1].capital && !taken(from-1) {
			m, ok = n.misspelt(toks, from-1, i, s, sc) // "North Wazirstan"
		}
		if !ok {
			m, ok = n.misspelt(toks, from, i, s, sc)
		}
		if !ok {
			strangers++
			continue
		}
		m.field = field
		out = append(out, m)
	}
	for i := exact; i < len(out); i++ {
		m := &out[i]
		m.surroundings(toks, s, []mention{*m}, 0)
	}
	return out, strangers
}

// nameLike says whether a word may be a misspelt name.
func nameLike(t *token) bool {
	_, link := linkWords[t.fold]
	return !link && !t.number && kindWords[t.fold] == wordNone && !plainWords[t.fold]
}

// misspelt reads all of a run of words as one name with some letters wrong.
func (n *Names) misspelt(toks []token, from, to int, s string, sc *scope) (mention, bool) {
	var b strings.Builder
	for _, t := range toks[from:to] {
		b.WriteString(t.fold)
	}
	k := b.String()
	keys, letters := n.similar(k)
	if keys == nil || to == from+1 && commonNames[k] {
		return mention{}, false
	}
	m := mention{from: from, to: to, span: [2]int{toks[from].from, toks[to-1].to}, words: s[toks[from].from:toks[to-1].to]}
	m.kind, m.sure = kindBeside(toks, from, to), letters == 1
	in := *sc
	in.local, in.tehsil = m.kind == wordTown || m.kind == wordTehsil, m.kind == wordTehsil
	var found []Sense
	for _, other := range keys {
		if sense, ok := n.sense(other, &in); ok {
			found = append(found, sense)
		}
	}
	if len(found) == 0 {
		return mention{}, false
	}
	slices.SortStableFunc(found, func(a, b Sense) int { return cmp.Compare(len(a.entries), len(b.entries)) }) // units before what lies in them
	m.sense, m.fuzzy = found[0], found[0].Name
	several := false
	for _, other := range found[1:] {
		if m.kind == wordDistrict && len(found[0].entries) == 0 && len(other.entries) > 0 {
			continue // a district is spoken of
		}
		if slices.Equal(other.Units, found[0].Units) {
			continue
		}
		several = true
		m.sense.Kind = SensePlace // two names that it may be: of use only beside something surer
		m.sense.Area, m.sense.Country, m.sense.Former = nil, "", -1
		m.sense.entries = append(slices.Clone(m.sense.entries), other.entries...)
		m.fuzzy += " or " + other.Name
		for _, u := range other.Units {
			m.sense.Units = insert(m.sense.Units, u)
		}
	}
	if several {
		m.sense.Default = -1
	}
	m.sense.Score *= 0.7
	return m, true
}

// similar are the listed keys from which a key differs least, by at most the letters that its length allows.
func (n *Names) similar(k string) (keys []string, letters int) {
	limit := slack(len(k))
	if limit == 0 {
		return nil, 0
	}
	sk := skeleton(k)
	if len(sk) < 2 {
		return nil, 0
	}
	for l := n; l != nil; l = l.below {
		for _, other := range l.alike[sk] {
			if d := distance(k, other, limit); d < limit {
				keys, limit = []string{other}, d
			} else if d == limit {
				keys = append(keys, other)
			}
		}
	}
	return keys, limit
}
