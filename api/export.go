package api

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"sarhad/geo"
	"sarhad/incident"
)

// ExportFormat is a form in which the whole result of a filter is given out.
type ExportFormat struct {
	// Name is the value of f, Media the media type, Extension that of the file, without a dot.
	Name, Media, Extension string
	// HXL is true if the format takes the parameter hxl.
	HXL bool
	// Changing is true if the same incidents may be written as other bytes, as in
	// files that hold the time at which they were made; such an answer has a weak ETag.
	Changing bool
	// Write writes the incidents, which it goes through once. It stops when the
	// context ends. What it fails with before it has written anything is told to
	// the client; later the connection breaks.
	Write func(ctx context.Context, w io.Writer, info ExportInfo, incidents iter.Seq2[*incident.Incident, error]) error
}

// ExportInfo describes an export to those who get it.
type ExportInfo struct {
	// Title is for readers.
	Title string
	// Datasets are those whose incidents may be in it, with their terms.
	Datasets []incident.Dataset
	// Withheld names the datasets that are left out because their terms allow only aggregates.
	Withheld []string
	// Address is where the same can be had again.
	Address string
	// Note says what boundaries and names do not imply.
	Note string
	// HXL asks for a row of HXL tags, BOM for a byte order mark; both are for CSV.
	HXL, BOM bool
}

const paramHXL = "hxl"

// withheldHeader names the datasets that an answer leaves out.
const withheldHeader = "Sarhad-Withheld"

// itemFormats are the formats of the items of incidents.
func itemFormats(exports []ExportFormat) []format {
	formats := slices.Clone(incidentFormats)
	for _, e := range exports {
		formats = append(formats, format{names: []string{e.Name}, media: e.Media, accepts: []string{bareMedia(e.Media)}})
	}
	return formats
}

// export is the export of a format, nil if it is none.
func (s *server) export(f format) *ExportFormat {
	for i := range s.Exports {
		if s.Exports[i].Name == f.names[0] {
			return &s.Exports[i]
		}
	}
	return nil
}

// hxl reads the parameter of that name, which only some formats take.
func (p params) hxl(e *ExportFormat) (bool, error) {
	v, ok := p[paramHXL]
	switch {
	case !ok:
		return false, nil
	case e == nil || !e.HXL:
		return false, wrongParameter(paramHXL, nil, "hxl goes with f=csv only.")
	case v == "1" || v == "0":
		return v == "1", nil
	}
	return false, wrongParameter(paramHXL, []string{"1", "0"}, "hxl does not know %s.", quoted(v))
}

// exportLimit is how many incidents an export has: as many as there are, unless limit is given.
func (p params) exportLimit() (int, error) { return p.limit(0, math.MaxInt32) }

// sendExport answers with all incidents of a filter.
func (s *server) sendExport(c echo.Context, p params, f format, e *ExportFormat, q incident.Query, snap *snapshot, sel selection) error {
	r := c.Request()
	hxl, err := p.hxl(e)
	if err != nil {
		return err
	}
	if q.Limit, err = p.exportLimit(); err != nil {
		return err
	}
	info := ExportInfo{Title: "Incidents", Address: s.address(r, p), Note: s.BorderNote, HXL: hxl}
	info.Datasets, info.Withheld = snap.sources(sel.datasets)
	if s.fresh(c, snap, f, r.URL.RawQuery) {
		return nil
	}
	h := c.Response().Header()
	nameWithheld(h, info.Withheld)
	if e.Changing {
		h["Etag"] = []string{"W/" + h["Etag"][0]}
	}
	own := map[string]string{
		"Content-Type":        e.Media,
		"Content-Disposition": `attachment; filename="` + exportName(p) + "." + e.Extension + `"`,
		"Link": "<" + info.Address + `>; rel="self"; type="` + bareMedia(e.Media) + `", <` + s.base(r) +
			`/datasets>; rel="describedby"; type="application/json"; title="licence, attribution and terms of each dataset"`,
	}
	for name, value := range own {
		h.Set(name, value)
	}
	if r.Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	ctx := r.Context()
	leave, err := s.exportTurns.take(ctx)
	if err == nil {
		defer leave()
		err = e.Write(ctx, patientWriter{c}, info, renewing(c, s.Reader.Incidents(ctx, q)))
	}
	if err != nil && !c.Response().Committed {
		for name := range own { // those of the answer that it is not
			h.Del(name)
		}
	}
	return err
}

// renewEvery is after how many incidents an export says that it gets further.
const renewEvery = 256

// renewing says of an export that it gets further, since some are sent only when they are whole.
func renewing(c echo.Context, in iter.Seq2[*incident.Incident, error]) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		n := 0
		for one, err := range in {
			if n++; n%renewEvery == 0 {
				renew(c)
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

// sources are the datasets of a selection: those whose incidents may be given out, and the names of the others.
func (s *snapshot) sources(names []string) (open []incident.Dataset, withheld []string) {
	for i := range s.datasets {
		d := &s.datasets[i].Dataset
		switch {
		case names != nil && !contains(names, d.Name):
		case d.AggregatesOnly:
			withheld = append(withheld, d.Name)
		default:
			open = append(open, *d)
		}
	}
	return open, withheld
}

var notInNames = regexp.MustCompile(`[^a-z0-9.]+`)

// exportName names the file of an export after what it holds.
func exportName(p params) string {
	name := "sarhad-incidents"
	for _, k := range []string{"dataset", "country", "province", "unit", "event_type", "datetime"} {
		v := strings.ReplaceAll(p[k], "..", "open")
		if k != "datetime" && strings.Contains(v, ",") {
			v = "some-" + strings.ReplaceAll(k, "_", "-") + "s"
		}
		if v = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(v), "-"), "-."); v != "" && len(v) <= 60 {
			name += "-" + v
		}
	}
	return name
}

// escapedList writes names into a header, which holds nothing but ASCII: joined by commas, each escaped as in an address.
func escapedList(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = url.PathEscape(n)
	}
	return strings.Join(out, ", ")
}

func bareMedia(media string) string {
	bare, _, _ := strings.Cut(media, ";")
	return bare
}

// exportLinks are the exports of what a request asks for, without the page that it is at.
func (s *server) exportLinks(at *locator) []link {
	links := make([]link, 0, len(s.Exports))
	for _, e := range s.Exports {
		links = append(links, link{Rel: "alternate", Type: bareMedia(e.Media), Title: "all of it", Href: at.with("f", e.Name, "limit", "", "cursor", "")})
	}
	return links
}

// Selection is what parameters choose.
type Selection struct {
	// Filter chooses the incidents; nil chooses all.
	Filter incident.Filter
	// Datasets are those whose incidents it may give, Withheld the names of those
	// that are left out because their terms allow only aggregates.
	Datasets []incident.Dataset
	Withheld []string
}

// Select reads the filter parameters of /collections/incidents/items from
// values and means by them what the interface means. Of the configuration it
// needs Reader, Units and Geocoder. With all, datasets whose terms allow only
// aggregates are not left out. It fails with CodeInvalid, naming the parameter.
func Select(ctx context.Context, c Config, values url.Values, all bool) (Selection, error) {
	s := &server{Config: c}
	s.unitIDs, s.provinces = unitNames(c.Units)
	p, err := readValues(values, filterParams)
	if err != nil {
		return Selection{}, err
	}
	snap, sel, err := s.selected(ctx, p)
	if err != nil {
		return Selection{}, err
	}
	if all {
		open := *snap
		open.datasets = slices.Clone(snap.datasets)
		for i := range open.datasets {
			open.datasets[i].AggregatesOnly = false
		}
		open.withheld = nil
		out := Selection{Filter: sel.filter}
		out.Datasets, _ = open.sources(sel.datasets)
		for i := range out.Datasets { // what they are stays said
			j := slices.IndexFunc(snap.datasets, func(d incident.DatasetInfo) bool { return d.Name == out.Datasets[i].Name })
			out.Datasets[i].AggregatesOnly = snap.datasets[j].AggregatesOnly
		}
		return out, nil
	}
	out := Selection{Filter: snap.shown(sel.filter)}
	out.Datasets, out.Withheld = snap.sources(sel.datasets)
	return out, nil
}

// unitNames lists the ids and the provinces of units in the order of the alphabet.
func unitNames(units []geo.Unit) (ids, provinces []string) {
	for i := range units {
		ids = append(ids, units[i].ID)
		if !slices.Contains(provinces, units[i].Province) {
			provinces = append(provinces, units[i].Province)
		}
	}
	slices.Sort(ids)
	slices.Sort(provinces)
	return ids, provinces
}

// FeatureEncoder gives what appends an incident as the GeoJSON feature that the
// interface answers with, without place and time of JSON-FG. Crossings are those
// of which the nearest is named.
func FeatureEncoder(crossings []geo.Crossing) func(b []byte, in *incident.Incident) []byte {
	p := newPlaces(nil, nil, nil, crossings)
	encoders := sync.Pool{New: func() any { return newEncoder(p) }}
	return func(b []byte, in *incident.Incident) []byte {
		e := encoders.Get().(*encoder)
		defer encoders.Put(e)
		return append(e.append(b, in), '}')
	}
}

// checkExports refuses formats that could not be told apart or written.
func checkExports(exports []ExportFormat) error {
	names := map[string]bool{}
	for _, f := range incidentFormats {
		for _, n := range f.names {
			names[n] = true
		}
	}
	for i := range exports {
		e := &exports[i]
		if e.Write == nil || cmp.Or(e.Name, e.Media, e.Extension) == "" || names[e.Name] {
			return fmt.Errorf("api: the export format %q is not whole or comes twice", e.Name)
		}
		names[e.Name] = true
	}
	return nil
}
