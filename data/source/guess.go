package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sarhad/incident"
)

// guessRows is how many rows are looked at to guess what the columns mean.
const guessRows = 1000

// Guess looks at the header and the first 1,000 rows of a file and writes the
// mapping by which it would read it, as YAML to be edited: in comments stand how
// much of each column is read, what would be refused, and which order of day and
// month the rows prove. Nothing else is done with the rows.
//
// It fails with CodeInvalid like [Open] and where no column holds dates. For a
// file whose layout needs no mapping the text says so and maps nothing.
func Guess(r io.Reader, opt Options) (string, error) {
	opt.File = cmp.Or(strings.TrimPrefix(opt.File, "-"), "stdin")
	looked := opt
	looked.Mapping = &Mapping{raw: true, Fields: map[string]MappedField{"date": {Value: "2000-01-01"}}}
	rd, err := Open(r, looked)
	if err != nil {
		return "", err
	}
	if c, ok := rd.(io.Closer); ok {
		defer c.Close()
	}
	g := &guesser{opt: opt, columns: rd.Columns(), taken: map[int]field{}}
	g.cells = make([][]cell, len(g.columns))
	if rd.Layout() == FormatGeoJSON {
		g.from = 3 // id and coordinates are the feature's own
	}
	if l := g.knownLayout(); l != "" {
		return fmt.Sprintf("# %s has the columns of the layout %s and is read without a mapping.\n", opt.File, l), nil
	}
	for g.rows < guessRows {
		row, err := rd.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if len(row.Raw) != len(g.columns) || row.Rejected != nil {
			g.broken++
			continue
		}
		g.rows++
		for i, s := range row.Raw {
			if s = trim(s); s != "" {
				g.cells[i] = append(g.cells[i], cell{strings.Clone(s), row.Line})
			}
		}
	}
	g.assign()
	if _, ok := g.columnOf(fStart); !ok {
		return "", refuse(opt.File, "no column was found that holds dates; found: %s; write a mapping by hand, as docs/mappings.md describes", list(g.columns))
	}
	return g.text(), nil
}

// cell is a value that is not empty.
type cell struct {
	text string
	line int
}

type guesser struct {
	opt     Options
	columns []string
	from    int // the first column that is looked at
	cells   [][]cell
	rows    int
	broken  int // rows whose fields could not be told apart
	// taken are the fields of the columns that were found.
	taken map[int]field
	rule  dateRule
	loose bool
}

// knownLayout is the layout that needs no mapping, "" for a table.
func (g *guesser) knownLayout() string {
	names := map[string]int{}
	for i, c := range g.columns {
		names[fold(c)] = i
	}
	if l, err := chooseLayout(names, g.columns, Options{Format: FormatAuto}); err == nil && l != tableLayout {
		return l.name
	}
	return ""
}

// guessNames are the words of headers in English, Urdu, Persian and Pashto for
// the fields that lists have. Those of tableLayout come before them.
var guessNames = map[field][]string{
	fStart:           {"date", "event date", "incident date", "attack date", "date of attack", "date of incident", "day", "dated", "start date", "from", "تاریخ", "تاریخ حادثه", "نېټه", "نیټه", "د پېښې نېټه"},
	fEnd:             {"end date", "date to", "to date", "until", "تاریخ اختتام", "تاریخ پایان"},
	fTime:            {"time", "time of day", "وقت", "زمان", "ساعت", "وخت"},
	fEventType:       {"type", "event type", "attack type", "incident type", "type of attack", "type of incident", "category", "kind", "nature", "نوعیت", "قسم", "نوع", "نوع حادثه", "ډول"},
	fActor1:          {"actor", "perpetrator", "perpetrators", "group", "armed group", "attacker", "claimed by", "گروہ", "حملہ آور", "گروه", "عامل", "ډله"},
	fActor2:          {"actor 2", "side b"},
	fBest:            {"killed", "deaths", "dead", "fatalities", "total killed", "total deaths", "number killed", "no of killed", "people killed", "ہلاک", "ہلاکتیں", "جاں بحق", "اموات", "کشته", "کشته\u200cها", "کشته شدگان", "تعداد کشته", "مړه", "وژل شوي"},
	fLow:             {"killed min", "min killed", "minimum killed", "deaths min", "minimum", "low"},
	fHigh:            {"killed max", "max killed", "maximum killed", "deaths max", "maximum", "high"},
	fDeathsCivilians: {"civilians killed", "civilian deaths", "civilians"},
	fWounded:         {"wounded", "injured", "total injured", "total wounded", "number injured", "زخمی", "مجروح", "مجروحین", "ټپیان"},
	fCountry:         {"country", "ملک", "کشور", "هیواد"},
	fAdm1:            {"province", "صوبہ", "ولایت", "استان"},
	fAdm2:            {"district", "ضلع", "ولسوالی", "ولسوالۍ", "شهرستان"},
	fLocationName:    {"location", "place", "site", "village", "town", "city", "area", "locality", "مقام", "جگہ", "گاؤں", "محل", "محل حادثه", "ځای", "کلی"},
	fLat:             {"latitude", "lat", "y", "عرض البلد", "عرض جغرافیایی"},
	fLon:             {"longitude", "lon", "lng", "long", "x", "طول البلد", "طول جغرافیایی"},
	fPoint:           {"coordinates", "coordinate", "coords", "gps", "lat long", "lat lon", "latlong", "latitude longitude", "position", "geo", "location", "مختصات", "کوآرڈینیٹس"},
	fSummary:         {"notes", "description", "details", "remarks", "comment", "comments", "summary", "narrative", "تفصیل", "تفصیلات", "توضیحات", "شرح", "خلاصہ"},
	fSourceOffice:    {"source", "sources", "news source", "reference", "ذریعہ", "ماخذ", "منبع", "سرچینه"},
	fID:              {"id", "event id", "incident id", "incident code", "strike id", "attack id", "case id"},
}

// notDates are words of headers whose dates are not those of the incident.
var notDates = []string{"source", "added", "updated", "published", "publication", "entry", "entered", "birth", "created", "modified", "report", "reported", "accessed", "retrieved"}

var headerBlanks = regexp.MustCompile(`[\s_\-/().:*?#,;]+`)

func headerWords(s string) string { return trim(headerBlanks.ReplaceAllString(foldText(s), " ")) }

// nameScore says how well a header names a field, 0 if it does not.
func nameScore(f field, header string) int {
	if f != fPoint && slices.Contains(tableLayout.names[f], fold(header)) {
		return 100
	}
	h := headerWords(header)
	best := 0
	for rank, n := range guessNames[f] {
		n = headerWords(n)
		switch {
		case h == n:
			best = max(best, 90-min(rank, 20))
		case len(n) > 1 && strings.Contains(" "+h+" ", " "+n+" "):
			best = max(best, 60-min(rank, 9)-4*strings.Count(h, " "))
		}
	}
	if best < 90 && (f == fStart || f == fEnd || f == fTime) {
		for _, w := range strings.Fields(h) {
			if slices.Contains(notDates, w) {
				return 0
			}
		}
	}
	return max(best, 0)
}

// share is the part of the cells that a test takes, 0 where there are none.
func share(cells []cell, test func(string) bool) float64 {
	n := 0
	for _, c := range cells {
		if test(c.text) {
			n++
		}
	}
	return float64(n) / float64(max(len(cells), 1))
}

// anyDate reports whether a text may be a date by some mapping; plain numbers are none.
func anyDate(s string) bool {
	if strings.Trim(s, "0123456789.,") == "" && len(s) != 8 && strings.Count(s, ".") != 2 {
		return false
	}
	for _, order := range []dateOrder{orderDMY, orderMDY} {
		if _, p := readDate(s, dateRule{order: order, solar: true, century: 1930}); p == nil {
			return true
		}
	}
	return false
}

func anyNumber(s string) bool { _, p := parseQuantity(s); return p == nil }

// angleBetween tests for an angle in a range of degrees.
func angleBetween(lo, hi float64) func(string) bool {
	return func(s string) bool {
		f, _, p := parseAngle(s)
		return p == nil && f >= lo && f <= hi || isMissing(s)
	}
}

func anyPoint(s string) bool {
	for _, lonFirst := range []bool{false, true} {
		if _, _, p := parsePoint(s, lonFirst, true); p == nil && len(s) > 6 {
			return true
		}
	}
	return false
}

// fits says how much of a column can be read as a field: 1 for texts.
func fits(f field, cells []cell) float64 {
	switch f {
	case fStart, fEnd:
		years := share(cells, func(s string) bool { return len(s) == 4 && anyDateOrYear(s) })
		serials := share(cells, func(s string) bool { _, ok := serialDate(s); return ok })
		return max(share(cells, anyDate), years, serials)
	case fBest, fLow, fHigh, fDeathsCivilians, fWounded:
		return share(cells, anyNumber)
	case fLat:
		return share(cells, angleBetween(-90, 90))
	case fLon:
		return share(cells, angleBetween(-180, 180))
	case fPoint:
		return share(cells, anyPoint)
	case fLocationName:
		return 1 - share(cells, anyPoint)
	case fTime:
		return share(cells, func(s string) bool { t := dateTime{}; return t.clock(s) || t.clock12(s) })
	}
	return 1
}

func anyDateOrYear(s string) bool { _, p := readDate(s, dateRule{solar: true}); return p == nil }

// assign gives each field the column that fits it best.
func (g *guesser) assign() {
	type pair struct {
		score, column int
		f             field
	}
	var pairs []pair
	for i := g.from; i < len(g.columns); i++ {
		if fold(g.columns[i]) == "" {
			continue
		}
		for f := range guessNames {
			score, part := nameScore(f, g.columns[i]), fits(f, g.cells[i])
			if g.from > 0 && slices.Contains(coordFields, f) {
				continue
			}
			switch {
			case len(g.cells[i]) == 0 && score < 90 && f != fStart:
			case score > 0 && (part >= 0.5 || len(g.cells[i]) == 0):
				pairs = append(pairs, pair{score, i, f})
			case f == fStart && share(g.cells[i], anyDate) >= 0.8 && nameScoreIsFree(g.columns[i]), f == fPoint && part >= 0.8:
				pairs = append(pairs, pair{30, i, f})
			case f == fLat && share(g.cells[i], regional(22, 40)) >= 0.9, f == fLon && share(g.cells[i], regional(59, 80)) >= 0.9:
				pairs = append(pairs, pair{20, i, f})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.column, b.column), cmp.Compare(a.f, b.f))
	})
	used := map[field]bool{}
	for _, p := range pairs {
		if _, ok := g.taken[p.column]; !ok && !used[p.f] && (p.f != fID || g.unique(p.column)) {
			g.taken[p.column], used[p.f] = p.f, true
		}
	}
	// A coordinate alone is none, and both in one column are enough.
	for i, f := range g.taken {
		if (f == fLat || f == fLon) && (!used[fLat] || !used[fLon] || used[fPoint]) {
			delete(g.taken, i)
		}
	}
	g.rules()
}

// regional tests for decimal degrees with a fraction, as lists of the region have them.
func regional(lo, hi float64) func(string) bool {
	in := angleBetween(lo, hi)
	return func(s string) bool { return !isMissing(s) && strings.ContainsAny(foldText(s), ".°") && in(s) }
}

// nameScoreIsFree reports whether a header does not say that its dates are others.
func nameScoreIsFree(header string) bool {
	for _, w := range strings.Fields(headerWords(header)) {
		if slices.Contains(notDates, w) {
			return false
		}
	}
	return true
}

func (g *guesser) unique(column int) bool {
	seen := map[string]bool{}
	for _, c := range g.cells[column] {
		if seen[c.text] {
			return false
		}
		seen[c.text] = true
	}
	return len(seen) == g.rows
}

func (g *guesser) columnOf(f field) (int, bool) {
	for i, have := range g.taken {
		if have == f {
			return i, true
		}
	}
	return 0, false
}

// proofs counts the dates that have one reading only, with an example of each, and those with two.
type proofs struct {
	dmy, mdy, both             int
	dmyLike, mdyLike, bothLike cell
}

func (g *guesser) proofs() (p proofs) {
	for _, f := range dateFields {
		i, ok := g.columnOf(f)
		if !ok {
			continue
		}
		for _, c := range g.cells[i] {
			r := g.rule
			r.order = orderDMY
			a, x := readDate(c.text, r)
			r.order = orderMDY
			b, y := readDate(c.text, r)
			note := func(n *int, like *cell) {
				if *n++; *n == 1 {
					*like = c
				}
			}
			switch {
			case x == nil && y != nil:
				note(&p.dmy, &p.dmyLike)
			case x != nil && y == nil:
				note(&p.mdy, &p.mdyLike)
			case x == nil && (a.day != b.day || a.last != b.last):
				note(&p.both, &p.bothLike)
			}
		}
	}
	return p
}

// rules finds what must be said of dates and numbers for most cells to be read.
func (g *guesser) rules() {
	i, _ := g.columnOf(fStart)
	count := func(r dateRule) int {
		n := 0
		for _, c := range g.cells[i] {
			if _, p := readDate(c.text, r); p == nil || p.code == CodeAmbiguousDate {
				n++
			}
		}
		return n
	}
	best := count(g.rule)
	for _, change := range []func(*dateRule){func(r *dateRule) { r.solar = true }, func(r *dateRule) { r.century = 1930 }} {
		r := g.rule
		change(&r)
		if n := count(r); n > best {
			g.rule, best = r, n
		}
	}
	for i, f := range g.taken {
		for _, c := range g.cells[i] {
			switch {
			case slices.Contains(countFields, f):
				if _, p := parseFigure(c.text); p != nil && anyNumber(c.text) {
					g.loose = true
				}
			case f == fLat || f == fLon:
				if _, ok := decimal(c.text); !ok && angleBetween(-180, 180)(c.text) {
					g.loose = true
				}
			case f == fPoint:
				_, _, p := parsePoint(c.text, false, false)
				_, _, q := parsePoint(c.text, true, false)
				if p != nil && q != nil && (anyPoint(c.text) || isMissing(c.text)) {
					g.loose = true
				}
			}
		}
	}
}

// pointOrder finds the order of a column of both coordinates by where the points of the region lie.
func (g *guesser) pointOrder(column int) string {
	count := func(lonFirst bool) (n int) {
		for _, c := range g.cells[column] {
			if x, y, p := parsePoint(c.text, lonFirst, true); p == nil && x > 59 && x < 80 && y > 22 && y < 40 {
				n++
			}
		}
		return n
	}
	if count(true) > count(false) {
		return "lonlat"
	}
	return "latlon"
}

// text writes the mapping.
func (g *guesser) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# A mapping guessed from the header and %s of %s. Read it, mend it, then: sarhad import --map THIS", rows(g.rows), yamlText(g.opt.File))
	if g.broken > 0 {
		line("# Besides, %s would be refused whose fields cannot be told apart.", rows(g.broken))
	}
	line("dataset:")
	line("  name: %s", yamlText(cmp.Or(g.opt.Dataset, Slug(g.opt.File), "my-list")))
	for _, k := range []string{"title", "licence", "attribution", "terms", "version", "accessed"} {
		line("  # %s:", k)
	}
	g.dateLines(line)
	if g.loose {
		line("numbers: loose  # some are not plain: see below")
	}
	line("fields:")
	for i := range g.columns {
		if f, ok := g.taken[i]; ok {
			g.fieldLine(line, i, f)
		}
	}
	if _, ok := g.columnOf(fCountry); !ok {
		line("  # country: {value: PK}  # if all rows are of one country: PK or AF")
	}
	if _, ok := g.columnOf(fID); !ok {
		line("  # id:  # no column of unique ids was found; rows are known by a hash of their cells, so that a changed row is a new one")
	}
	var rest []string
	for i := g.from; i < len(g.columns); i++ {
		if _, ok := g.taken[i]; !ok && g.columns[i] != "" {
			rest = append(rest, strconv.Quote(excerpt(g.columns[i])))
		}
	}
	if len(rest) > 0 {
		line("# Columns that are not used: %s", strings.Join(rest, ", "))
	}
	return b.String()
}

func (g *guesser) dateLines(line func(string, ...any)) {
	p := g.proofs()
	switch {
	case p.dmy > 0 && p.mdy > 0:
		line("# dates: dmy or mdy  # the rows contradict each other: %s in line %d has the day first, %s in line %d the month", quoted(p.dmyLike.text), p.dmyLike.line, quoted(p.mdyLike.text), p.mdyLike.line)
	case p.dmy > 0:
		line("dates: dmy  # proved by %s, such as %s in line %d; %d could be read both ways", rows(p.dmy), quoted(p.dmyLike.text), p.dmyLike.line, p.both)
		g.rule.order = orderDMY
	case p.mdy > 0:
		line("dates: mdy  # proved by %s, such as %s in line %d; %d could be read both ways", rows(p.mdy), quoted(p.mdyLike.text), p.mdyLike.line, p.both)
		g.rule.order = orderMDY
	case p.both > 0:
		line("# dates: dmy or mdy  # say which: %s can be read both ways, such as %s in line %d, and none proves either", rows(p.both), quoted(p.bothLike.text), p.bothLike.line)
	}
	if g.rule.century != 0 {
		line("two_digit_years: %d  # years of two digits lie from %d to %d; check this", g.rule.century, g.rule.century, g.rule.century+99)
	}
	if g.rule.solar {
		line("calendar: solar_hijri")
	}
}

func (g *guesser) fieldLine(line func(string, ...any), i int, f field) {
	name, to := "", yamlText(g.columns[i])
	read := func(string) *problem { return nil }
	rule := g.rule
	switch {
	case f == fPoint:
		order := g.pointOrder(i)
		to = fmt.Sprintf("{column: %s, order: %s}", yamlText(g.columns[i]), order)
		read = func(s string) *problem {
			if g.loose && isMissing(s) {
				return nil
			}
			_, _, p := parsePoint(s, order == "lonlat", g.loose)
			return p
		}
	case slices.Contains(dateFields, f):
		serials := share(g.cells[i], func(s string) bool { _, ok := serialDate(s); return ok })
		if serials >= 0.5 {
			rule.serial = true
			to = fmt.Sprintf("{column: %s, read: excel}", yamlText(g.columns[i]))
		}
		read = func(s string) *problem { _, p := readDate(s, rule); return p }
	case slices.Contains(countFields, f):
		read = func(s string) *problem { _, p := parseFigure(s); return p }
		if g.loose {
			read = func(s string) *problem { _, p := parseQuantity(s); return p }
		}
	case f == fLat || f == fLon:
		limit, what := 90.0, "latitude"
		if f == fLon {
			limit, what = 180, "longitude"
		}
		read = func(s string) *problem {
			if g.loose && isMissing(s) {
				return nil
			}
			if g.loose {
				_, p := parseLooseCoordinate(s, limit, what)
				return p
			}
			_, p := parseCoordinate(s, limit, what)
			return p
		}
	}
	for n, special := range mappingFields {
		if special == f {
			name = n
		}
	}
	if name == "" {
		name = tableLayout.names[f][0]
	}
	var refused []string
	bad := 0
	for _, c := range g.cells[i] {
		if p := read(c.text); p != nil {
			if bad++; len(refused) < 3 {
				refused = append(refused, fmt.Sprintf("%s in line %d (%s)", quoted(c.text), c.line, p.reason))
			}
		}
	}
	note := fmt.Sprintf("%d of %s read, %d empty", len(g.cells[i])-bad, rows(g.rows), g.rows-len(g.cells[i]))
	if bad > 0 {
		note += fmt.Sprintf(", %d refused: %s", bad, strings.Join(refused, "; "))
	}
	line("  %s: %s  # %s", name, to, note)
	if f == fEventType {
		g.eventLines(line, i)
	}
}

// eventLines list the words that are none of ACLED's terms.
func (g *guesser) eventLines(line func(string, ...any), i int) {
	counts := map[string]int{}
	for _, c := range g.cells[i] {
		if _, ok := incident.ParseEventType(c.text); !ok {
			counts[c.text]++
		}
	}
	words := make([]string, 0, len(counts))
	for w := range counts {
		words = append(words, w)
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	if len(words) == 0 {
		return
	}
	line("  #  words that are none of ACLED's event types and are kept as they are: %d. To give them a type: {column: …, values: {word: Explosions/Remote violence}}", len(words))
	for _, w := range words[:min(len(words), 20)] {
		line("  #    %s (%d)", quoted(w), counts[w])
	}
}

func rows(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

// quoted is a value for a comment: on one line and not long.
func quoted(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:39]) + "…"
	}
	return strconv.Quote(s)
}

var plainYAML = regexp.MustCompile(`^\p{L}[\p{L}\p{Mn}\p{N} _().-]*[\p{L}\p{N})]$`)

// yamlText writes a text so that YAML reads it as that.
func yamlText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "nan", "inf":
		return strconv.Quote(s)
	}
	if plainYAML.MatchString(s) {
		return s
	}
	return strconv.Quote(strings.ToValidUTF8(s, "\ufffd"))
}
