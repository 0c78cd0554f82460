package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

// The pages for browsers show the same as the JSON: headings, lists and tables
// with links, in plain HTML without scripts. What comes from data is escaped by
// html/template; only http and https addresses become links.

// pagePolicy lets these pages load nothing at all; their style is in them.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// pageStyle is the style of all pages: one column, either colour scheme, wide tables that scroll by themselves.
const pageStyle = `body{font:1rem/1.5 system-ui,sans-serif;margin:1rem auto;max-width:75rem;padding:0 1rem;color:#1b1b1b;background:#fff}a{color:#0b57a4}table{border-collapse:collapse;width:100%}th,td{text-align:start;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #ccc}th[scope=row]{white-space:nowrap}nav ol{list-style:none;display:flex;flex-wrap:wrap;gap:.5rem;padding:0}nav li+li::before{content:"› "}dt{font-weight:600}dd{margin:0 0 .5rem 1.5rem;overflow-wrap:anywhere}.wide{overflow-x:auto}footer{margin-top:2rem;color:#555}@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}a{color:#8ab8ff}th,td{border-color:#444}footer{color:#aaa}}` //nolint:misspell // CSS has its own English

// crumb is a step of the way to a page.
type crumb struct{ Name, Href string }

// sheet is what all pages have.
type sheet struct {
	Title string
	Note  string // what boundaries and names do not imply
	Way   []crumb
	Links []link // alternate and so on, for the head
	Body  any
}

var pages = template.Must(template.New("").Funcs(template.FuncMap{"address": isAddress, "last": func(i int, list []crumb) bool { return i == len(list)-1 }}).Parse(`
{{define "head"}}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}} – Sarhad</title>{{range .Links}}
<link rel="{{.Rel}}" type="{{.Type}}" href="{{.Href}}">{{end}}
<style>` + pageStyle + `</style></head>
<body><nav aria-label="Where you are"><ol>{{$way := .Way}}{{range $i, $c := .Way}}<li><a href="{{.Href}}"{{if last $i $way}} aria-current="page"{{end}}>{{.Name}}</a></li>{{end}}</ol></nav>
<main><h1>{{.Title}}</h1>
{{end}}
{{define "foot"}}</main><footer><p>{{.Note}}</p></footer></body></html>
{{end}}
{{define "links"}}<ul>{{range .}}<li><a href="{{.Href}}">{{or .Title .Rel}}</a>{{if .Type}} ({{.Type}}){{end}}</li>{{end}}</ul>{{end}}
{{define "landing"}}{{template "head" .}}<p>{{.Body.Description}}</p>{{with .Body.Attribution}}<p>{{.}}</p>{{end}}<h2>Links</h2>{{template "links" .Body.Links}}{{template "foot" .}}{{end}}
{{define "conformance"}}{{template "head" .}}<ul>{{range .Body}}<li><code>{{.}}</code></li>{{end}}</ul>{{template "foot" .}}{{end}}
{{define "collections"}}{{template "head" .}}{{range .Body}}<h2><a href="{{.Href}}">{{.Title}}</a></h2><p>{{.Description}}</p>{{end}}{{template "foot" .}}{{end}}
{{define "collection"}}{{template "head" .}}{{with .Body}}<p>{{.Description}}</p>{{with .Attribution}}<p>{{.}}</p>{{end}}
<dl><dt>Coordinate reference systems</dt>{{range .CRS}}<dd><code>{{.}}</code></dd>{{end}}
{{with .Extent}}{{with .Spatial}}<dt>Where (west, south, east, north)</dt>{{range .BBox}}<dd>{{range $i, $n := .}}{{if $i}}, {{end}}{{$n}}{{end}}</dd>{{end}}{{end}}
{{with .Temporal}}<dt>When</dt>{{range .Interval}}<dd>{{range $i, $t := .}}{{if $i}} to {{end}}{{if $t}}{{$t}}{{else}}open{{end}}{{end}}</dd>{{end}}{{end}}{{end}}</dl>
<h2>Links</h2>{{template "links" .Links}}{{end}}{{template "foot" .}}{{end}}
{{define "schema"}}{{template "head" .}}<div class="wide"><table><caption>{{.Body.About}}</caption><thead><tr><th scope="col">Property</th><th scope="col">Type</th><th scope="col">Values</th></tr></thead><tbody>
{{range .Body.Rows}}<tr><th scope="row"><code>{{.Name}}</code></th><td>{{.Type}}</td><td>{{range $i, $v := .Values}}{{if $i}}, {{end}}{{$v}}{{end}}</td></tr>
{{end}}</tbody></table></div>{{template "foot" .}}{{end}}
{{define "table"}}{{template "head" .}}<p>{{.Body.About}}</p><div class="wide"><table><caption>{{.Title}}</caption><thead><tr>{{range .Body.Columns}}<th scope="col">{{.}}</th>{{end}}</tr></thead><tbody>
{{end}}
{{define "row"}}<tr><th scope="row"><a href="{{.Href}}">{{.Name}}</a></th>{{range .Cells}}<td dir="auto">{{.}}</td>{{end}}</tr>
{{end}}
{{define "tail"}}</tbody></table></div><p>{{.Body.Returned}} of {{.Body.Matched}}.{{range .Links}}{{if eq .Rel "next"}} <a rel="next" href="{{.Href}}">Next page</a>{{end}}{{end}}</p>
<h2>The same as data</h2>{{template "links" .Body.Data}}{{template "foot" .}}{{end}}
{{define "value"}}{{if .List}}<ul>{{range .List}}<li>{{template "value" .}}</li>{{end}}</ul>{{else if .Members}}<dl>{{range .Members}}<dt>{{.Name}}</dt><dd>{{template "value" .Value}}</dd>{{end}}</dl>{{else if address .Text}}<a rel="nofollow noreferrer" href="{{.Text}}">{{.Text}}</a>{{else}}<span dir="auto">{{.Text}}</span>{{end}}{{end}}
{{define "feature"}}{{template "head" .}}{{template "value" .Body.Feature}}<h2>Links</h2>{{template "links" .Body.Links}}{{template "foot" .}}{{end}}
`))

func isAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// sheet prepares a page with the way to it.
func (s *server) sheet(r *http.Request, title string, body any, way ...crumb) sheet {
	base := s.base(r)
	steps := []crumb{{"Sarhad", base + "/?f=html"}}
	for _, c := range way {
		steps = append(steps, crumb{c.Name, base + c.Href})
	}
	return sheet{Title: title, Note: s.BorderNote, Way: steps, Body: body}
}

// html answers with a page.
func (s *server) html(c echo.Context, name string, page sheet) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, page); err != nil {
		return fmt.Errorf("write page %s: %w", name, err)
	}
	c.Response().Header().Set("Content-Security-Policy", pagePolicy)
	return s.send(c, formatHTML.contentType(), b.Bytes())
}

// appender appends what is written.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) { a.b = append(a.b, p...); return len(p), nil }

func appendPage(b []byte, name string, data any) ([]byte, error) {
	a := appender{b}
	if err := pages.ExecuteTemplate(&a, name, data); err != nil {
		return a.b, fmt.Errorf("write page %s: %w", name, err)
	}
	return a.b, nil
}

// table is a page of features, a row each.
type table struct {
	page  sheet
	items string // the address of the items
}

type tableBody struct {
	About             string
	Columns           []string
	Matched, Returned int
	Data              []link
}

type tableRow struct {
	Name, Href string
	Cells      []string
}

func (s *server) newTable(r *http.Request, c echo.Context, col *collection, columns []string) table {
	c.Response().Header().Set("Content-Security-Policy", pagePolicy)
	items := s.base(r) + "/collections/" + col.id + "/items"
	return table{items: items, page: s.sheet(r, col.title, tableBody{About: col.description, Columns: columns}, crumb{"Collections", "/collections?f=html"},
		crumb{col.title, "/collections/" + col.id + "?f=html"}, crumb{"Items", "/collections/" + col.id + "/items?f=html"})}
}

func (t *table) begin(b []byte, links []link) ([]byte, error) {
	t.page.Links = links
	return appendPage(b, "table", t.page)
}

func (t *table) end(b []byte, matched, returned int, links []link) ([]byte, error) {
	t.page.Links = links
	body := tableBody{Matched: matched, Returned: returned}
	for _, l := range links {
		if l.Rel == "alternate" {
			body.Data = append(body.Data, link{Rel: l.Rel, Title: l.Type, Href: l.Href})
		}
	}
	t.page.Body = body
	return appendPage(b, "tail", t.page)
}

// itemHref is the page of one feature.
func (t *table) itemHref(id string) string {
	return t.items + "/" + template.URLQueryEscaper(id) + "?f=html"
}

// incidentTable is a page of incidents.
type incidentTable struct{ table }

// tableFields are what the rows show.
var tableFields = []incident.Property{"end_date", "event_type", "sub_event_type", "country", "province", "district", "location_name", "location_precision",
	"actor1", "actor2", "fatalities_low", "fatalities_best", "fatalities_high", "summary", "dataset", "synthetic"}

func (s *server) newIncidentTable(r *http.Request, c echo.Context) *incidentTable {
	return &incidentTable{s.newTable(r, c, s.byID[incidentsID], []string{"Date", "Event", "Place", "How well known", "Actors", "Killed", "Summary", "Dataset"})}
}

// maxCell is how much of a summary a row shows, in characters.
const maxCell = 200

func (t *incidentTable) row(b []byte, in *incident.Incident) ([]byte, error) {
	date := in.Start.String()
	if in.End != in.Start {
		date += " to " + in.End.String()
	}
	dataset := in.Dataset
	if in.Synthetic {
		dataset += " (synthetic)"
	}
	summary := []rune(in.Summary)
	if len(summary) > maxCell {
		summary = append(summary[:maxCell:maxCell], '…')
	}
	return appendPage(b, "row", tableRow{Name: date, Href: t.itemHref(in.ID), Cells: []string{
		joined(": ", string(in.EventType), string(in.SubEventType)), joined(", ", in.LocationName, in.District, in.Province, in.Country), string(in.LocationPrecision),
		joined("; ", in.Actor1, in.Actor2), killed(in), string(summary), dataset}})
}

// joined joins the texts that there are, each once.
func joined(separator string, texts ...string) string {
	var list []string
	for _, t := range texts {
		if t != "" && !contains(list, t) {
			list = append(list, t)
		}
	}
	return strings.Join(list, separator)
}

// killed says the reported deaths in words: one figure or a range, never a zero for what nobody reported.
func killed(in *incident.Incident) string {
	switch {
	case in.Best.Known:
		return fmt.Sprint(in.Best.N)
	case in.Low.Known && in.High.Known:
		return fmt.Sprintf("%d to %d", in.Low.N, in.High.N)
	case in.Low.Known:
		return fmt.Sprintf("at least %d", in.Low.N)
	case in.High.Known:
		return fmt.Sprintf("at most %d", in.High.N)
	}
	return "not reported"
}

// placeTable is a page of features of a fixed collection.
type placeTable struct {
	table
	columns []string
}

// placeColumns are the properties that the rows show.
var placeColumns = map[string][]string{
	unitsID:     {"name", "kind", "province", "country", "valid_from", "valid_until"},
	"border":    {"name", "source"},
	"crossings": {"name", "pk_district", "af_province", "accuracy_km", "note"},
	"periods":   {"name", "kind", "start_date", "end_date", "note"},
}

func (s *server) newPlaceTable(r *http.Request, c echo.Context, col *collection) *placeTable {
	columns := placeColumns[col.id]
	return &placeTable{s.newTable(r, c, col, append([]string{"id"}, columns...)), columns}
}

func (t *placeTable) row(b []byte, ft *feature) ([]byte, error) {
	_, to := geometryIn(ft.body)
	var properties map[string]any
	if err := json.Unmarshal(ft.body[to+len(`,"properties":`):], &properties); err != nil {
		return b, fmt.Errorf("read the properties of a feature: %w", err)
	}
	row := tableRow{Name: ft.id, Href: t.itemHref(ft.id)}
	for _, name := range t.columns {
		cell := ""
		if v := properties[name]; v != nil {
			cell = fmt.Sprint(v)
		}
		row.Cells = append(row.Cells, cell)
	}
	return appendPage(b, "row", row)
}

// value is a JSON value to be shown: a text, a list or members.
type value struct {
	Text    string
	List    []value
	Members []namedValue
}

type namedValue struct {
	Name  string
	Value value
}

// readValue reads a JSON value with its members in their order. A geometry is
// shown as its type, and with its position if it is a point.
func readValue(dec *json.Decoder) (value, error) {
	token, err := dec.Token()
	if err != nil {
		return value{}, err
	}
	switch t := token.(type) {
	case nil:
		return value{Text: "not reported"}, nil
	case json.Delim:
		var v value
		for dec.More() {
			if t == '[' {
				item, err := readValue(dec)
				if err != nil {
					return v, err
				}
				v.List = append(v.List, item)
				continue
			}
			name, err := dec.Token()
			if err != nil {
				return v, err
			}
			item, err := readValue(dec)
			if err != nil {
				return v, err
			}
			v.Members = append(v.Members, namedValue{fmt.Sprint(name), item})
		}
		if _, err := dec.Token(); err != nil { // the end
			return v, err
		}
		if v.List == nil && v.Members == nil {
			v.Text = "none"
		}
		return v.geometry(), nil
	}
	return value{Text: fmt.Sprint(token)}, nil
}

// geometry shortens a geometry, whose positions nobody reads by the thousand.
func (v value) geometry() value {
	if len(v.Members) != 2 || v.Members[0].Name != "type" || v.Members[1].Name != "coordinates" {
		return v
	}
	text := v.Members[0].Value.Text
	if at := v.Members[1].Value.List; text == "Point" && len(at) == 2 {
		text += " " + at[0].Text + ", " + at[1].Text
	}
	return value{Text: text}
}

// featurePage shows one feature, from its JSON.
func (s *server) featurePage(c echo.Context, col *collection, body []byte, links []link) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	all, err := readValue(dec)
	if err != nil {
		return fmt.Errorf("read a feature for its page: %w", err)
	}
	var shown value
	id := ""
	for _, m := range all.Members {
		switch m.Name {
		case "type", "links", "conformsTo":
		case "id":
			id = m.Value.Text
		default:
			shown.Members = append(shown.Members, m)
		}
	}
	page := s.sheet(c.Request(), col.title+": "+id, struct {
		Feature value
		Links   []link
	}{shown, links}, crumb{"Collections", "/collections?f=html"}, crumb{col.title, "/collections/" + col.id + "?f=html"},
		crumb{"Items", "/collections/" + col.id + "/items?f=html"})
	page.Links = links
	return s.html(c, "feature", page)
}
