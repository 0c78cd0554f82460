package api

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// asker makes requests out of our own OpenAPI document.
type asker struct {
	*rand.Rand
	values map[string][]string // what a schema cannot say of a parameter: values that it takes
}

// oneOf picks a value.
func (a *asker) oneOf(list []string) string { return list[a.IntN(len(list))] }

// valid makes a value that a parameter takes as the document says. sure is
// false where the document leaves open what the text must be.
func (a *asker) valid(p *openapi3.Parameter) (value string, sure bool) {
	if list := a.values[p.Name]; list != nil {
		return a.oneOf(list), true
	}
	schema := p.Schema.Value
	if !schema.Type.Is("array") {
		return a.scalar(schema)
	}
	n := int(schema.MinItems)
	if schema.MaxItems != nil {
		n += a.IntN(int(*schema.MaxItems) - n + 1)
	} else {
		n += a.IntN(3)
	}
	var parts []string
	sure = true
	for range max(1, n) {
		v, ok := a.scalar(schema.Items.Value)
		sure = sure && ok && !slices.Contains(parts, v) && !strings.Contains(v, ",")
		parts = append(parts, v)
	}
	return strings.Join(parts, ","), sure
}

func (a *asker) scalar(schema *openapi3.Schema) (string, bool) {
	switch {
	case len(schema.Enum) > 0:
		return fmt.Sprint(schema.Enum[a.IntN(len(schema.Enum))]), true
	case schema.Type.Is("integer"):
		low, high := 0, 100
		if schema.Min != nil {
			low = int(*schema.Min)
		}
		if schema.Max != nil {
			high = int(*schema.Max)
		}
		return strconv.Itoa(low + a.IntN(max(1, high-low+1))), true
	case schema.Type.Is("number"):
		low, high := 0.0, 180.0
		if schema.Min != nil {
			low = *schema.Min
		}
		if schema.Max != nil {
			high = *schema.Max
		}
		return strconv.FormatFloat(low+a.Float64()*(high-low), 'f', a.IntN(8), 64), true
	case schema.Type.Is("boolean"):
		return a.oneOf([]string{"true", "false"}), true
	case strings.HasPrefix(schema.Pattern, "^[+-]?("):
		names := strings.Split(strings.TrimSuffix(strings.TrimPrefix(schema.Pattern, "^[+-]?("), ")$"), "|")
		return a.oneOf([]string{"", "+", "-"}) + a.oneOf(names), true
	case schema.Format == "date":
		return fmt.Sprintf("%04d-%02d-%02d", 1990+a.IntN(40), 1+a.IntN(12), 1+a.IntN(28)), true
	}
	return a.oneOf([]string{"a", "Torkham", "طورخم", "2009", "x'y", "%", "a,b"}), false
}

// odd are values that hardly anything takes.
var odd = []string{"", " ", "0", "-1", "1e9", "1e309", "NaN", "Infinity", "0x10", "٣", "null", "true", "..", "../..", "../../../etc/passwd", "a,,b", ",", "'", "\"", "<script>", "\x00", "\xff\xfe",
	"\n", "%", "%25", "${x}", "2009-13-45", "2009-01-01/2008-01-01", "/", "9999-12-31/..", "-180,-90,180,90,1", "180,90,-180,-90", "1,2,3,4,5,6", "1e300,1,2,3", "NOT", "((((", "a=", "1=1 OR", "geometry",
	strings.Repeat("9", 400), strings.Repeat("a,", 3000), strings.Repeat("(", 9000), strings.Repeat("é", 500), "99999999999999999999", "-9223372036854775808", "AAAAAAAAAAAAAAAAAA", "_gAAAA", "http://www.opengis.net/def/crs/EPSG/0/9999"}

// broken makes a value that a parameter is not likely to take.
func (a *asker) broken(p *openapi3.Parameter) string {
	v, _ := a.valid(p)
	switch a.IntN(4) {
	case 0:
		return v + a.oneOf(odd)
	case 1:
		b := []byte(v)
		for range 1 + a.IntN(3) {
			if len(b) > 0 {
				b[a.IntN(len(b))] = byte(a.IntN(256))
			}
		}
		return string(b)
	case 2:
		return v[:a.IntN(len(v)+1)]
	}
	return a.oneOf(odd)
}

// fuzzRequests is how many requests are made.
const fuzzRequests = 6000

// Whatever is asked, in the words of our own document or in words near to them,
// is never answered with a fault of the server and always as the document says;
// what the document allows of one parameter alone is taken.
func TestOpenAPIFuzz(t *testing.T) {
	s := mustServer(t, testConfig(testStore()))
	h, err := s.handler()
	if err != nil {
		t.Fatal(err)
	}
	check := newChecker(t, s)
	doc, err := openapi3.NewLoader().LoadFromData(bytes.Replace(s.openapi, []byte(serverPlaceholder), []byte(`"http://sarhad.test"`), 1))
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		path string
		op   *openapi3.Operation
	}
	var operations []operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		if op := doc.Paths.Value(path).Get; op != nil && !strings.HasPrefix(path, importsPath) && path != "/assets/{file}" {
			operations = append(operations, operation{path, op})
		}
	}
	ids := []string{"1", "2", "9", "0", "-1", testIncidents()[3].ID, "af-hel", "pk-fata", "coarse", "torkham", "doha", "none", "%2e%2e", "a b", strings.Repeat("x", 300)}
	a := &asker{Rand: rand.New(rand.NewPCG(6, 5000)), values: map[string][]string{
		"datetime": {"2009-03-01", "2009-01-01/2009-12-31", "../2010-01-01", "2009-03-01T00:00:00Z/.."},
		"bbox":     {"60,20,80,40", "71,34,71.5,34.5", "60,20,0,80,40,9", "170,-10,-170,10"},
		"filter":   {"fatalities_best > 1", "event_type IN ('Battles','Riots') AND NOT country IS NULL", "S_INTERSECTS(geometry, BBOX(60,20,80,40))", "T_AFTER(start_date, DATE('2009-06-01'))"},
		"fid":      ids, "q": {"Torkham", "fire"}, "actor": {"ttp"}, "date": {"2009-05-01"}, "near": {"71,34"}, "units_on": {"2009-06-30", "today"}, "adm1": {"Khyber Pakhtunkhwa"},
		"dataset": {"ged", "demo", "acled,ged"}, atLeastHeader: {"0", "42"}, // testStore is at 42
	}}
	accepts := []string{"", "", "*/*", "application/json", "text/html,*/*;q=0.1", "application/vnd.ogc.fg+json;q=0.9, application/geo+json;q=0.2", "image/png", "q=;;,,/", "text/csv"}
	statuses := map[int]int{}
	for n := range fuzzRequests {
		o := operations[n%len(operations)]
		path, query, header := o.path, url.Values{}, map[string]string{}
		lone := n%3 == 0 // at most one parameter that need not be there, as the document allows it
		sure := lone
		var optional []*openapi3.Parameter
		for _, ref := range o.op.Parameters {
			p := ref.Value
			switch {
			case p.In == openapi3.ParameterInPath:
				v, _ := a.valid(p)
				if !lone && a.IntN(4) == 0 {
					v = a.broken(p)
				}
				path = strings.Replace(path, "{"+p.Name+"}", url.PathEscape(v), 1)
			case p.In == openapi3.ParameterInHeader:
				if v, _ := a.valid(p); a.IntN(20) == 0 {
					header[p.Name] = v
				}
			case p.Required:
				v, ok := a.valid(p)
				query.Set(p.Name, v)
				sure = sure && ok
			default:
				optional = append(optional, p)
			}
		}
		if lone && len(optional) > 0 {
			p := optional[a.IntN(len(optional))]
			v, ok := a.valid(p)
			query.Set(p.Name, v)
			sure = sure && ok && !slices.Contains([]string{"units_on", "bbox-crs", "filter-lang", "filter-crs", "hxl", "cursor"}, p.Name) // which go with others
		} else if !lone {
			for _, p := range optional {
				switch a.IntN(12) {
				case 0, 1:
					v, _ := a.valid(p)
					query.Set(p.Name, v)
				case 2:
					query.Set(p.Name, a.broken(p))
				case 3:
					if a.IntN(10) == 0 {
						query[p.Name] = []string{"1", "2"}
					}
				}
			}
			if a.IntN(40) == 0 {
				query.Set(a.oneOf(odd), a.oneOf(odd))
			}
		}
		address := path
		if len(query) > 0 {
			address += "?" + query.Encode()
		}
		if !lone && a.IntN(50) == 0 {
			address += a.oneOf([]string{"&", "%", "&&a", ";b=1", "&limit", "&%zz=1"})
			if !strings.Contains(address, "?") {
				address = path
			}
		}
		if accept := a.oneOf(accepts); accept != "" && !lone {
			header["Accept"] = accept
		}
		rec := do(h, http.MethodGet, address, header)
		statuses[rec.Code]++
		if rec.Code >= 500 {
			t.Errorf("%s gives %d: %s", address, rec.Code, cut(rec.Body.String()))
		}
		if sure && rec.Code == http.StatusBadRequest {
			t.Errorf("%s is what the document allows and gives 400: %s", address, cut(rec.Body.String()))
		}
		check.answer(t, http.MethodGet, address, rec)
		if t.Failed() && n > 200 {
			break // enough to begin with
		}
	}
	t.Log(statuses)
	if statuses[http.StatusOK] < fuzzRequests/4 || statuses[http.StatusBadRequest] < fuzzRequests/10 {
		t.Errorf("the requests are of one kind only: %v", statuses)
	}
}
