package gazetteer

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/geo"
	"sarhad/incident"
)

// The limits of a table of places.
const (
	maxTableBytes = 500 << 20
	maxTableLines = 2_000_000
	maxLine       = 1 << 20
	maxPlaces     = 500_000
	maxAllNames   = 1_000_000 // of all places
	maxNameLength = 100
	maxNames      = 24 // of one place beside its own
	keptIssues    = 20
)

// Issue is a line of a table that was refused.
type Issue struct {
	// File is the name of the file without its folder, Line the number of the line, counted from 1.
	File string
	Line int
	// Column is the name of the column at fault, "" for the line as a whole, Value what stands there.
	Column, Value string
	// Reason says why, in words for readers.
	Reason string
}

// String is the issue in one line.
func (i Issue) String() string {
	s := fmt.Sprintf("%s:%d: ", i.File, i.Line)
	if i.Column != "" {
		s += fmt.Sprintf("%s %q: ", i.Column, clip(i.Value))
	}
	return s + i.Reason
}

// Table is what was read from a table of places.
type Table struct {
	// File is the name of the file without its folder, Layout "GeoNames" or "table".
	File, Layout string
	// Places are the places, in the order of the file.
	Places []geo.Place
	// Lines is the number of lines below the header, Skipped how many of them are places of a kind or country that is not
	// used, Refused how many could not be read. Lines = len(Places) + Skipped + Refused.
	Lines, Skipped, Refused int
	// Names is the number of names of all places.
	Names int
	// Issues are the first 20 refused lines.
	Issues []Issue
}

// Summary says in a sentence what was read.
func (t *Table) Summary() string {
	s := fmt.Sprintf("%s as %s: %d lines, %d used", t.File, t.Layout, t.Lines, len(t.Places))
	if t.Skipped > 0 {
		s += fmt.Sprintf(", %d of other kinds or countries", t.Skipped)
	}
	if t.Refused > 0 {
		s += fmt.Sprintf(", %d refused", t.Refused)
	}
	return s
}

// ReadPlaces reads places from a country dump of GeoNames (PK.txt, AF.txt: 19 columns without a header) or from a table
// in CSV or TSV with a header: a name, latitude and longitude in decimal degrees (WGS 84) and, if there are such columns,
// further names, kind, population and id. A file that is compressed with gzip is read as it is.
//
// Of GeoNames it takes settlements (class P), regions and localities (L), valleys, mountains, plains and passes (T),
// third-level and smaller units (ADM3, ADM4, ADM5, ADMD, as areas), crossroads, and forts, camps, dams, airfields and
// border posts (S); of these the ones of Pakistan and Afghanistan, and any other within region (lon, lat, CRS84). A
// place of a table outside region is refused.
//
// Lines that cannot be read are counted and the first of them named. It fails with CodeInvalid for a file without one
// usable line and with CodeTooLarge beyond 500 MB, 2 million lines,
// 500,000 places or 1 million names.
func ReadPlaces(path string, region orb.Bound) (*Table, error) {
	t, err := openPlaces(path, region)
	if err != nil {
		return nil, fmt.Errorf("read places from %s: %w", filepath.Base(path), err)
	}
	return t, nil
}

func openPlaces(path string, region orb.Bound) (*Table, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if head, _ := in.Peek(2); string(head) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, incident.Errorf(incident.CodeInvalid, "the file is not compressed as its beginning says")
		}
		return readPlaces(z, filepath.Base(path), region)
	}
	return readPlaces(in, filepath.Base(path), region)
}

// placeReader reads one table.
type placeReader struct {
	Table
	region orb.Bound
	source string
}

func readPlaces(r io.Reader, file string, region orb.Bound) (*Table, error) {
	p := &placeReader{Table: Table{File: file}, region: region}
	in := bufio.NewReaderSize(&capped{r: r, left: maxTableBytes}, 64<<10)
	head, err := in.Peek(16 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, readError(err)
	}
	if strings.HasPrefix(string(head), "\ufeff") {
		_, _ = in.Discard(3) // it was peeked
		head = head[3:]
	}
	first, _, _ := strings.Cut(string(head), "\n")
	if strings.ContainsRune(first, 0) {
		return nil, incident.Errorf(incident.CodeInvalid, "this is no table of text in UTF-8")
	}
	if isGeoNames(first) {
		p.Layout, p.source = "GeoNames", "GeoNames "+file
		err = p.geoNames(in)
	} else {
		p.Layout, p.source = "table", file
		err = p.table(in, first)
	}
	if err != nil {
		return nil, err
	}
	if len(p.Places) == 0 {
		why := "it has no lines"
		switch {
		case len(p.Issues) > 0:
			why = "the first that was refused: " + p.Issues[0].String()
		case p.Skipped > 0:
			why = "all are of other kinds or countries"
		}
		return nil, incident.Errorf(incident.CodeInvalid, "there is no line with a place that can be used; %s", why)
	}
	return &p.Table, nil
}

// capped fails beyond a limit instead of ending.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, incident.Errorf(incident.CodeTooLarge, "the file has more than %d MB", maxTableBytes>>20)
	}
	n, err := c.r.Read(b[:min(int64(len(b)), c.left)])
	c.left -= int64(n)
	return n, err
}

// readError gives an error of the file itself a code.
func readError(err error) error {
	var own *incident.Error
	if errors.As(err, &own) {
		return own
	}
	return fmt.Errorf("read the file: %w", err)
}

func (p *placeReader) refuse(line int, column, value, format string, args ...any) {
	p.Refused++
	if len(p.Issues) < keptIssues {
		p.Issues = append(p.Issues, Issue{p.File, line, column, strings.Clone(value), fmt.Sprintf(format, args...)})
	}
}

func (p *placeReader) count() error {
	if p.Lines++; p.Lines > maxTableLines {
		return incident.Errorf(incident.CodeTooLarge, "there are more than %d lines in it", maxTableLines)
	}
	return nil
}

func (p *placeReader) add(place geo.Place) error {
	if len(p.Places) == maxPlaces {
		return incident.Errorf(incident.CodeTooLarge, "there are more than %d places in it; leave out what is not needed", maxPlaces)
	}
	if p.Names += 1 + len(place.Names); p.Names > maxAllNames {
		return incident.Errorf(incident.CodeTooLarge, "there are more than %d names in it; leave out what is not needed", maxAllNames)
	}
	p.Places = append(p.Places, place)
	return nil
}

// degrees reads a coordinate in decimal degrees.
func degrees(s string, limit float64) (float64, string) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	switch {
	case strings.TrimSpace(s) == "":
		return 0, "is missing"
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return 0, "is no number of decimal degrees"
	case math.Abs(v) > limit:
		return 0, fmt.Sprintf("is not between -%g and %g", limit, limit)
	}
	return v, ""
}

// point reads and checks a position; false means that the line was refused.
func (p *placeReader) point(line int, latColumn, lat, lonColumn, lon string) (orb.Point, bool) {
	y, why := degrees(lat, 90)
	if why != "" {
		p.refuse(line, latColumn, lat, "%s", why)
		return orb.Point{}, false
	}
	x, why := degrees(lon, 180)
	if why != "" {
		p.refuse(line, lonColumn, lon, "%s", why)
		return orb.Point{}, false
	}
	if x == 0 && y == 0 {
		p.refuse(line, latColumn, lat, "the position is 0, 0, which is a blank that became a number")
		return orb.Point{}, false
	}
	return orb.Point{x, y}, true
}

// names adds names that are not there yet in another spelling of the same letters, at most maxNames.
func (p *placeReader) names(of string, lists ...langName) []geo.Name {
	var out []geo.Name
	var seen [maxNames + 1]string
	seen[0] = geo.Fold(of)
	n := 1
	for _, l := range lists {
		s := strings.TrimSpace(l.text)
		if s == "" || len(s) > 2*maxNameLength || !readable(s) {
			continue
		}
		k := geo.Fold(s)
		if k == "" || slices.Contains(seen[:n], k) {
			continue
		}
		seen[n] = k
		n++
		out = append(out, geo.Name{Text: strings.Clone(s), Lang: l.lang, Source: p.source})
		if n > maxNames {
			break
		}
	}
	return slices.Clip(out)
}

type langName struct{ text, lang string }

// readable says whether a name is in Latin or Arabic letters, the scripts that incidents of the region are written in.
func readable(s string) bool {
	letters := false
	for _, r := range s {
		if unicode.IsLetter(r) {
			if !unicode.In(r, unicode.Latin, unicode.Arabic) {
				return false
			}
			letters = true
		}
	}
	return letters
}

// isGeoNames says whether a line is one of a country dump.
func isGeoNames(line string) bool {
	c := strings.Split(strings.TrimSuffix(line, "\r"), "\t")
	if len(c) != 19 {
		return false
	}
	_, err := strconv.ParseUint(c[0], 10, 64)
	_, lat := degrees(c[4], 90)
	return err == nil && lat == "" && len(c[6]) == 1
}

// kindOf is the kind of place that a feature of GeoNames is, "" for what is not used.
func kindOf(class, code string) string {
	switch class {
	case "P":
		if code == "PPLX" { // a part of a town
			return "locality"
		}
		return "settlement"
	case "L":
		switch code {
		case "LCTY", "MILB", "RNGA", "INDS":
			return "locality"
		}
		return "area"
	case "T":
		switch code {
		case "PASS", "GAP":
			return "pass"
		case "VAL", "VALS", "VALX", "VALG", "MT", "MTS", "RDGE", "PLN", "PLAT", "DSRT":
			return "area"
		}
	case "A":
		switch code {
		case "ADM3", "ADM4", "ADM5", "ADMD":
			return "area"
		}
	case "R":
		if code == "RDJCT" {
			return "locality"
		}
	case "S":
		switch code {
		case "FT", "CMP", "CMPRF", "CMPL", "DAM", "AIRB", "AIRF", "AIRP", "PSTB", "PSTC", "PSTP", "INSM", "BDG", "MN", "MNQ":
			return "locality"
		}
	}
	return ""
}

func (p *placeReader) geoNames(in *bufio.Reader) error {
	sc := bufio.NewScanner(in)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	c := make([]string, 0, 19)
	for n := 1; sc.Scan(); n++ {
		if len(sc.Bytes()) == 0 {
			continue
		}
		if err := p.count(); err != nil {
			return err
		}
		line := sc.Text()
		if !utf8.ValidString(line) {
			p.refuse(n, "", "", "the line is not in UTF-8")
			continue
		}
		c = c[:0]
		for part := range strings.SplitSeq(strings.TrimSuffix(line, "\r"), "\t") {
			if c = append(c, part); len(c) > 19 {
				break
			}
		}
		if len(c) != 19 {
			p.refuse(n, "", "", "a line of GeoNames has 19 columns")
			continue
		}
		kind := kindOf(c[6], c[7])
		if kind == "" {
			p.Skipped++
			continue
		}
		if strings.TrimSpace(c[1]) == "" || len(c[1]) > 2*maxNameLength {
			p.refuse(n, "name", c[1], "a name has 1 to %d letters", maxNameLength)
			continue
		}
		at, ok := p.point(n, "latitude", c[4], "longitude", c[5])
		if !ok {
			continue
		}
		if c[8] != "PK" && c[8] != "AF" && !p.region.Contains(at) {
			p.Skipped++
			continue
		}
		if _, err := strconv.ParseUint(c[0], 10, 64); err != nil {
			p.refuse(n, "geonameid", c[0], "is no number")
			continue
		}
		more := []langName{{c[2], ""}}
		for s := range strings.SplitSeq(c[3], ",") {
			more = append(more, langName{s, ""})
		}
		population, _ := strconv.Atoi(c[14]) // not known is 0
		place := geo.Place{ID: "gn-" + c[0], Name: strings.Clone(strings.TrimSpace(c[1])), Kind: kind, Population: max(0, population), Source: p.source}
		place.Names = p.names(place.Name, more...)
		place.Point, place.HasPoint = at, true
		if err := p.add(place); err != nil {
			return err
		}
	}
	if err := sc.Err(); errors.Is(err, bufio.ErrTooLong) {
		return incident.Errorf(incident.CodeInvalid, "line %d is longer than %d MB", p.Lines+1, maxLine>>20)
	} else if err != nil {
		return readError(err)
	}
	return nil
}

// The headers by which the columns of a table are known, folded. Of names in a language the language stands beside.
var (
	tableName = []string{"name", "place", "placename", "location", "locationname", "settlement", "town", "village", "nameen"}
	tableLat  = []string{"lat", "latitude", "y", "latwgs84", "ycoord"}
	tableLon  = []string{"lon", "lng", "long", "longitude", "x", "lonwgs84", "xcoord"}
	tableKind = []string{"kind", "type", "featureclass"}
	tablePop  = []string{"population", "pop"}
	tableID   = []string{"id", "placeid", "geonameid"}
	tableAlt  = map[string]string{"alternatenames": "", "alternatename": "", "alternativenames": "", "altnames": "", "variants": "", "aliases": "",
		"asciiname": "", "nameur": "ur", "nameurdu": "ur", "urdu": "ur", "nameps": "ps", "namepashto": "ps", "pashto": "ps",
		"namefa": "prs", "nameprs": "prs", "namedari": "prs", "dari": "prs"}
)

// tableKinds are the words for kinds; any other is a settlement if it is said to be a town, else refused.
var tableKinds = map[string]string{"": "settlement", "settlement": "settlement", "town": "settlement", "village": "settlement", "city": "settlement",
	"hamlet": "settlement", "p": "settlement", "locality": "locality", "quarter": "locality", "neighbourhood": "locality", "neighborhood": "locality",
	"suburb": "locality", "post": "locality", "camp": "locality", "s": "locality", "area": "area", "valley": "area", "region": "area", "tribe": "area",
	"mountain": "area", "l": "area", "pass": "pass"}

// recordLimit keeps one record with an open quote from filling the memory.
type recordLimit struct {
	r    io.Reader
	left int
}

func (l *recordLimit) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, incident.Errorf(incident.CodeInvalid, "a line is longer than %d MB: is a quotation mark left open?", maxLine>>20)
	}
	n, err := l.r.Read(b)
	l.left -= n
	return n, err
}

func (p *placeReader) table(in *bufio.Reader, first string) error {
	limit := &recordLimit{in, maxLine}
	r := csv.NewReader(limit)
	r.Comma = separator(first)
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return incident.Errorf(incident.CodeInvalid, "the file is empty")
	}
	if err != nil {
		return tableError(err)
	}
	header = slices.Clone(header)
	folded := make([]string, len(header))
	for i, h := range header {
		folded[i] = foldColumn(h)
	}
	find := func(names []string) int {
		for _, n := range names {
			if i := slices.Index(folded, n); i >= 0 {
				return i
			}
		}
		return -1
	}
	name, lat, lon := find(tableName), find(tableLat), find(tableLon)
	for _, want := range []struct {
		what  string
		at    int
		names []string
	}{{"names", name, tableName}, {"latitudes", lat, tableLat}, {"longitudes", lon, tableLon}} {
		if want.at < 0 {
			return incident.Errorf(incident.CodeInvalid, "there is no column of %s (%s); the columns are %s", want.what, strings.Join(want.names, ", "), clip(strings.Join(header, ", ")))
		}
	}
	kind, pop, id := find(tableKind), find(tablePop), find(tableID)
	type alt struct {
		at   int
		lang string
	}
	var alts []alt
	for i, f := range folded {
		if lang, ok := tableAlt[f]; ok {
			alts = append(alts, alt{i, lang})
		}
	}
	for {
		limit.left = maxLine
		c, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var bad *csv.ParseError
		switch {
		case errors.As(err, &bad):
			if err := p.count(); err != nil {
				return err
			}
			p.refuse(bad.StartLine, "", "", "the line cannot be taken apart: %v", bad.Err)
			continue
		case err != nil:
			return tableError(err)
		}
		if len(c) == 1 && strings.TrimSpace(c[0]) == "" {
			continue
		}
		if err := p.count(); err != nil {
			return err
		}
		line, _ := r.FieldPos(0)
		if len(c) != len(header) {
			p.refuse(line, "", "", "the line has %d columns, the header %d", len(c), len(header))
			continue
		}
		if i := slices.IndexFunc(c, func(s string) bool { return !utf8.ValidString(s) }); i >= 0 {
			p.refuse(line, header[i], c[i], "is not in UTF-8")
			continue
		}
		place := geo.Place{Name: strings.Clone(strings.TrimSpace(c[name])), Kind: "settlement", Source: p.source, HasPoint: true}
		if utf8.RuneCountInString(place.Name) > maxNameLength || geo.Fold(place.Name) == "" {
			p.refuse(line, header[name], c[name], "a name has 1 to %d letters", maxNameLength)
			continue
		}
		var ok bool
		if place.Point, ok = p.point(line, header[lat], c[lat], header[lon], c[lon]); !ok {
			continue
		}
		if !p.region.Contains(place.Point) {
			why := "the position lies outside the region"
			if p.region.Contains(orb.Point{place.Point[1], place.Point[0]}) {
				why += "; with longitude and latitude exchanged it would lie inside"
			}
			p.refuse(line, header[lat], c[lat], "%s", why)
			continue
		}
		if kind >= 0 {
			if place.Kind, ok = tableKinds[geo.Fold(c[kind])]; !ok {
				p.refuse(line, header[kind], c[kind], "is no kind of place: settlement, locality, area or pass")
				continue
			}
		}
		if pop >= 0 && strings.TrimSpace(c[pop]) != "" {
			n, err := strconv.Atoi(strings.TrimSpace(c[pop]))
			if err != nil || n < 0 {
				p.refuse(line, header[pop], c[pop], "is no number of people")
				continue
			}
			place.Population = n
		}
		place.ID = fmt.Sprintf("%s:%d", p.File, line)
		if id >= 0 && strings.TrimSpace(c[id]) != "" {
			place.ID = p.File + ":" + strings.TrimSpace(c[id])
		}
		var more []langName
		for _, a := range alts {
			for s := range strings.FieldsFuncSeq(c[a.at], func(r rune) bool { return r == '|' || r == ';' || r == ',' || r == '،' }) {
				more = append(more, langName{s, a.lang})
			}
		}
		place.Names = p.names(place.Name, more...)
		if err := p.add(place); err != nil {
			return err
		}
	}
}

func tableError(err error) error {
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		return incident.Errorf(incident.CodeInvalid, "line %d cannot be taken apart: %v", bad.StartLine, bad.Err)
	}
	return readError(err)
}

// separator is the sign that is most frequent in the header.
func separator(header string) rune {
	best, most := ',', 0
	for _, r := range []rune{',', '\t', ';', '|'} {
		if n := strings.Count(header, string(r)); n > most {
			best, most = r, n
		}
	}
	return best
}
