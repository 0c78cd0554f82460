package api

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sarhad/incident"
)

// maxValue is the longest value of a parameter in bytes; all unit ids in one list fit four times.
const maxValue = 8192

// maxFilter is the longest filter; an address with it, escaped, may still fit the header.
const maxFilter = 32 << 10

// params are the parameters of a request, each given once, all known.
type params map[string]string

// listParams take several values between commas.
var listParams = []string{"unit", "province", "country", "event_type", "sub_event_type", "dataset", "precision", "verification", "by", "sortby", "properties"}

// readParams reads the query of a request. Any parameter outside known, given
// twice, empty or not readable is an error.
func readParams(r *http.Request, known []string) (params, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, incident.Errorf(incident.CodeInvalid, "The query of the address cannot be read; %%, & and ; within a value must be escaped.")
	}
	return readValues(values, known)
}

// readValues does the same for parameters that are taken apart already.
func readValues(values url.Values, known []string) (params, error) {
	p := make(params, len(values))
	for name, list := range values {
		if !slices.Contains(known, name) {
			return nil, wrongParameter(strings.ToValidUTF8(name, "\ufffd"), known, "There is no parameter %s here; known are: %s.", quoted(name), listed(known))
		}
		if len(list) > 1 {
			how := "."
			if slices.Contains(listParams, name) {
				how = ", with commas between values."
			}
			return nil, wrongParameter(name, nil, "%s is given %d times; give it once%s", name, len(list), how)
		}
		v := list[0]
		if v == "" {
			return nil, wrongParameter(name, nil, "%s is empty; leave it out instead.", name)
		}
		most := maxValue
		if name == paramFilter {
			most = maxFilter
		}
		if err := checkValue(name, v, most); err != nil {
			return nil, err
		}
		p[name] = v
	}
	return p, nil
}

// checkValue refuses a value that is no readable text. Only mappings and filters have lines.
func checkValue(name, v string, most int) error {
	called := name
	if name == "file" { // the file itself may be much longer
		called = "The name of the file"
	}
	switch {
	case len(v) > most:
		return wrongParameter(name, nil, "%s is longer than %d bytes.", called, most)
	case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool {
		return (r < ' ' || r == 0x7f) && (name != paramMapping && name != paramFilter || !strings.ContainsRune("\t\r\n", r))
	}):
		return wrongParameter(name, nil, "%s is not a text in UTF-8 without control characters, such as line ends.", called)
	}
	return nil
}

// canonical writes the parameters in a fixed order, as a key for caches.
func (p params) canonical(names ...string) string {
	var b strings.Builder
	for _, n := range names {
		if v, ok := p[n]; ok {
			b.WriteString(n)
			b.WriteByte('=')
			b.WriteString(v)
			b.WriteByte(0) // cannot occur in a value
		}
	}
	return b.String()
}

// list splits a value at commas.
func (p params) list(name string) ([]string, error) {
	v, ok := p[name]
	if !ok {
		return nil, nil
	}
	parts := splitList(v)
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" {
			return nil, wrongParameter(name, nil, "%s has an empty value between its commas.", name)
		}
	}
	return parts, nil
}

// splitList splits at commas; one after a backslash belongs to the value, which loses the backslash.
func splitList(v string) []string {
	const kept = "\x00" // in no value: see checkValue
	parts := strings.Split(strings.ReplaceAll(v, `\,`, kept), ",")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], kept, ",")
	}
	return parts
}

// words reads a list whose values are words of a vocabulary, in any case of
// letters, and returns them as the vocabulary writes them.
func (p params) words(name string, allowed []string) ([]string, error) {
	if v, ok := p[name]; ok && strings.Contains(v, ",") && slices.Contains(allowed, v) { // a name with a comma
		return []string{v}, nil
	}
	parts, err := p.list(name)
	if err != nil {
		return nil, err
	}
	for i, part := range parts {
		j := slices.Index(allowed, part)
		if j < 0 {
			j = slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, part) })
		}
		if j < 0 {
			return nil, wrongParameter(name, allowed, "%s does not know %s.", name, quoted(part))
		}
		parts[i] = allowed[j]
	}
	slices.Sort(parts)
	return slices.Compact(parts), nil
}

// The page sizes of items (design §6).
const (
	defaultLimit = 100
	maxLimit     = 10_000
)

// limit reads how many of something to give, initial if the parameter is not there; more than most counts as most.
func (p params) limit(initial, most int) (int, error) {
	v, ok := p["limit"]
	if !ok {
		return initial, nil
	}
	digits := strings.TrimLeft(v, "0")
	if v[0] == '-' || strings.ContainsFunc(v, func(r rune) bool { return r < '0' || r > '9' }) || digits == "" {
		return 0, wrongParameter("limit", nil, "limit is %s; it must be a whole number from 1, and more than %d counts as %d.", quoted(v), most, most)
	}
	if len(digits) > len(strconv.Itoa(most)) {
		return most, nil
	}
	n, err := strconv.Atoi(digits)
	return min(n, most), err
}

// format picks the answer's format from f, then from the Accept header.
// formats are in order of preference; an Accept that fits none is 406.
func (p params) format(r *http.Request, formats []format) (format, error) {
	if v, ok := p["f"]; ok {
		var names []string
		for _, f := range formats {
			for _, n := range f.names {
				if n == v {
					return f, nil
				}
				names = append(names, n)
			}
		}
		return format{}, wrongParameter("f", names, "There is no format %s here; there is: %s.", quoted(v), listed(names))
	}
	accept := r.Header["Accept"]
	if len(accept) == 0 || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == "") {
		return formats[0], nil
	}
	best, bestQ := -1, 0.0
	ranges := parseAccept(strings.Join(accept, ","))
	for i, f := range formats {
		for _, m := range f.accepts {
			if q := acceptQuality(ranges, m); q > bestQ {
				best, bestQ = i, q
			}
		}
	}
	if best < 0 {
		var media []string
		for _, f := range formats {
			media = append(media, f.media)
		}
		return format{}, &httpError{http.StatusNotAcceptable, "The Accept header takes none of: " + listed(media) + ".", media}
	}
	return formats[best], nil
}

// format is a representation of a resource.
type format struct {
	names   []string // values of f
	media   string   // what the answer is declared as
	accepts []string // media types of Accept that get it
}

// contentType is the media type with what readers need to know beside it.
func (f format) contentType() string {
	if f.media == mediaHTML {
		return mediaHTML + "; charset=utf-8"
	}
	return f.media
}

type acceptRange struct {
	media string
	q     float64
}

func parseAccept(header string) []acceptRange {
	var out []acceptRange
	for part := range strings.SplitSeq(header, ",") {
		media, rest, _ := strings.Cut(part, ";")
		a := acceptRange{strings.ToLower(strings.TrimSpace(media)), 1}
		for arg := range strings.SplitSeq(rest, ";") {
			if k, v, ok := strings.Cut(strings.TrimSpace(arg), "="); ok && (k == "q" || k == "Q") {
				q, err := strconv.ParseFloat(v, 64)
				if err != nil || !(q >= 0 && q <= 1) {
					q = 0
				}
				a.q = q
			}
		}
		out = append(out, a)
	}
	return out
}

// acceptQuality gives the quality of a media type by the most specific range that fits.
func acceptQuality(ranges []acceptRange, media string) float64 {
	q, rank := 0.0, 0
	major, _, _ := strings.Cut(media, "/")
	for _, a := range ranges {
		r := 0
		switch a.media {
		case media:
			r = 3
		case major + "/*":
			r = 2
		case "*/*", "*":
			r = 1
		}
		if r > rank {
			q, rank = a.q, r
		}
	}
	return q
}
