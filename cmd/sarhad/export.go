package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sarhad/api"
	"sarhad/data/bundle"
	"sarhad/data/export"
	"sarhad/data/gpkg"
	"sarhad/data/publish"
	"sarhad/geo"
	"sarhad/incident"
)

// The names of the formats of exports.
const (
	formatGeoJSON    = "geojson"
	formatGeoJSONSeq = "geojsonseq"
	formatCSV        = "csv"
	formatKML        = "kml"
	formatGPKG       = "gpkg"
	// formatGeoJSONAll is how the server calls what the command calls geojson, which are its pages.
	formatGeoJSONAll = "geojsonall"
)

// maxPackages is how many GeoPackages a server makes at a time, maxPackageFiles how many there are at a time with those
// that are being sent, each in a temporary file of about its size.
const (
	maxPackages     = 2
	maxPackageFiles = 16
)

// exportFormats are what the server gives out besides pages of GeoJSON.
func exportFormats(crossings []geo.Crossing) []api.ExportFormat {
	encode := api.FeatureEncoder(crossings)
	packages := newPackages()
	return []api.ExportFormat{
		{Name: formatCSV, Media: "text/csv; charset=utf-8", Extension: "csv", HXL: true,
			Write: func(_ context.Context, w io.Writer, info api.ExportInfo, in iter.Seq2[*incident.Incident, error]) error {
				return export.CSV(w, export.Info(info), in)
			}},
		{Name: formatGeoJSONAll, Media: "application/geo+json", Extension: "geojson",
			Write: func(_ context.Context, w io.Writer, info api.ExportInfo, in iter.Seq2[*incident.Incident, error]) error {
				return export.GeoJSON(w, export.Info(info), encode, in)
			}},
		{Name: formatGeoJSONSeq, Media: "application/geo+json-seq", Extension: "geojsonseq",
			Write: func(_ context.Context, w io.Writer, _ api.ExportInfo, in iter.Seq2[*incident.Incident, error]) error {
				return export.GeoJSONSeq(w, encode, true, in)
			}},
		{Name: formatKML, Media: "application/vnd.google-earth.kml+xml", Extension: "kml",
			Write: func(_ context.Context, w io.Writer, info api.ExportInfo, in iter.Seq2[*incident.Incident, error]) error {
				return export.KML(w, export.Info(info), in)
			}},
		{Name: formatGPKG, Media: "application/geopackage+sqlite3", Extension: "gpkg", Changing: true,
			Write: func(ctx context.Context, w io.Writer, info api.ExportInfo, in iter.Seq2[*incident.Incident, error]) error {
				return packages.send(ctx, w, export.Info(info), in)
			}},
	}
}

// packages bounds the work of GeoPackages: the turns to make one, and the files that lie on the disk until they are sent.
type packages struct{ turns, files chan struct{} }

func newPackages() packages {
	return packages{turns: make(chan struct{}, maxPackages), files: make(chan struct{}, maxPackageFiles)}
}

// send makes a GeoPackage in a temporary folder and copies it. The turn to make one ends before that, since a client may
// read as slowly as it likes.
func (p packages) send(ctx context.Context, w io.Writer, info export.Info, incidents iter.Seq2[*incident.Incident, error]) (err error) {
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	endTurn := sync.OnceFunc(func() { <-p.turns })
	defer endTurn()
	select {
	case p.files <- struct{}{}:
		defer func() { <-p.files }()
	default:
		return incident.Errorf(incident.CodeUnavailable, "%d GeoPackages are being sent to others now; try again later, or ask for another format.", cap(p.files))
	}
	dir, err := os.MkdirTemp("", "sarhad-export-")
	if err != nil {
		return fmt.Errorf("make room for a GeoPackage: %w", err)
	}
	defer func() {
		if e := os.RemoveAll(dir); e != nil {
			err = errors.Join(err, fmt.Errorf("remove a temporary GeoPackage: %w", e))
		}
	}()
	path := filepath.Join(dir, "incidents.gpkg")
	if err := writePackage(ctx, path, info, incidents); err != nil {
		return err
	}
	endTurn()
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open a temporary GeoPackage: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(w, struct{ io.Reader }{f}); err != nil { // in parts, each of which may take its time
		return fmt.Errorf("send a GeoPackage: %w", err)
	}
	return nil
}

func writePackage(ctx context.Context, path string, info export.Info, incidents iter.Seq2[*incident.Incident, error]) error {
	return gpkg.Export(ctx, path, packageColumns(), gpkg.ExportInfo{Title: info.Title, Attribution: info.Attribution(), Datasets: info.Datasets,
		Address: info.Address, Now: time.Now()}, incidents)
}

// packageColumns are the columns of every export but the coordinates, which are in the geometry.
func packageColumns() []gpkg.ExportColumn {
	types := map[export.Kind]string{export.Date: "DATE", export.Integer: "INTEGER", export.Number: "DOUBLE", export.Boolean: "BOOLEAN"}
	var columns []gpkg.ExportColumn
	for _, c := range export.Columns() {
		if c.Name == "longitude" || c.Name == "latitude" {
			continue
		}
		t := types[c.Kind]
		if t == "" {
			t = "TEXT"
		}
		columns = append(columns, gpkg.ExportColumn{Name: c.Name, Type: t, Value: c.Value})
	}
	return columns
}

type exportCmd struct {
	storeFlag
	placesFlag
	publishFlag
	Format string `help:"Format of the file: ${enum}." enum:"geojson,geojsonseq,csv,kml,gpkg" required:""`
	Output string `short:"o" help:"The file to write; it is there when it is whole. Standard output without it, which gpkg cannot be written to." placeholder:"FILE" type:"path"`

	BBox          string `name:"bbox" help:"Box around the label point." placeholder:"W,S,E,N"`
	Datetime      string `help:"A day, or two with / between, .. for an open end." placeholder:"FROM/TO"`
	Unit          string `help:"Ids of units, with commas between." placeholder:"ID,…"`
	Province      string `help:"Names of provinces." placeholder:"NAME,…"`
	Country       string `help:"Countries: PK, AF." placeholder:"CODE,…"`
	EventType     string `help:"Event types of ACLED, or none." placeholder:"TYPE,…"`
	SubEventType  string `help:"Sub-event types of ACLED, or none." placeholder:"TYPE,…"`
	Dataset       string `help:"Names of datasets." placeholder:"NAME,…"`
	Actor         string `help:"Words of the name of a side." placeholder:"WORDS"`
	MinFatalities string `help:"The least number of reported deaths." placeholder:"N"`
	Precision     string `help:"How well the place is known." placeholder:"WORD,…"`
	Verification  string `help:"How far the report was checked." placeholder:"WORD,…"`
	BorderKM      string `name:"border-km" help:"Within so many kilometres of the border, perhaps." placeholder:"KM"`
	Words         string `name:"q" help:"Words in the summary, the place or the sides." placeholder:"WORDS"`
	Filter        string `help:"A filter in CQL2, text or JSON." placeholder:"CQL2"`

	HXL             bool `name:"hxl" help:"A row of HXL tags below the header; with csv."`
	BOM             bool `name:"bom" help:"A byte order mark at the beginning, for spreadsheets that do not know UTF-8 without one; with csv."`
	AsPublic        bool `help:"Only what everybody sees: without what is delayed, and with the places of a blur. --delay and --blur ask for it too."`
	IncludeWithheld bool `help:"Also datasets whose terms allow only aggregates to be published. The file is then for you alone."`
}

// values are the filter parameters as the HTTP interface takes them.
func (c *exportCmd) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"bbox": c.BBox, "datetime": c.Datetime, "unit": c.Unit, "province": c.Province, "country": c.Country,
		"event_type": c.EventType, "sub_event_type": c.SubEventType, "dataset": c.Dataset, "actor": c.Actor, "min_fatalities": c.MinFatalities, "precision": c.Precision,
		"verification": c.Verification, "border_km": c.BorderKM, "q": c.Words, "filter": c.Filter} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if strings.HasPrefix(strings.TrimSpace(c.Filter), "{") { // which no text begins with
		v.Set("filter-lang", "cql2-json")
	}
	return v
}

// check says what does not go together.
func (c *exportCmd) check() error {
	toFile := c.Output != "" && c.Output != "-"
	switch {
	case c.Format == formatGPKG && !toFile:
		return errors.New("a GeoPackage is no stream: say with -o where it goes")
	case (c.HXL || c.BOM) && c.Format != formatCSV:
		return errors.New("--hxl and --bom go with --format csv")
	case toFile && sameFile(c.Output, c.Store):
		return errors.New("-o is the store itself; give the export another name")
	}
	return nil
}

// Run implements the command.
func (c *exportCmd) Run(e *env) error {
	if err := c.readRules(); err != nil {
		return usage(e, err)
	}
	if err := c.check(); err != nil {
		fmt.Fprintln(e.stderr, "sarhad:", err)
		return exitError(exitUsage)
	}
	known, err := c.read(e.stderr)
	if err != nil {
		return err
	}
	// Only read, so that a store that is being served can be used.
	st, err := addressOf(c.Store).open(e, storeOptions{readOnly: true})
	if err != nil {
		return err
	}
	defer st.Close()
	var reader incident.Reader = st
	if c.AsPublic || c.least != (incident.Publication{}) {
		reader = publish.New(c.view(st, known), time.Now)
	}
	sel, err := api.Select(e.ctx, api.Config{Reader: reader, Units: known.units, Geocoder: func() *geo.Geocoder { return known.geocoder }}, c.values(), c.IncludeWithheld)
	var wrong *incident.Error
	if errors.As(err, &wrong) && wrong.Code == incident.CodeInvalid && wrong.Parameter != "" {
		fmt.Fprintf(e.stderr, "sarhad: %s\n", wrong.Message)
		if n := len(wrong.Allowed); n > 0 {
			fmt.Fprintf(e.stderr, "  it takes: %s\n", strings.Join(wrong.Allowed, ", "))
		}
		return exitError(exitUsage)
	}
	if err != nil {
		return err
	}
	n := 0
	incidents := func(yield func(*incident.Incident, error) bool) {
		for in, err := range reader.Incidents(e.ctx, incident.Query{Filter: sel.Filter}) {
			if err == nil {
				n++
			}
			if !yield(in, err) {
				return
			}
		}
	}
	info := export.Info{Title: "Incidents", Datasets: sel.Datasets, Withheld: sel.Withheld, Note: bundle.BorderNote, HXL: c.HXL, BOM: c.BOM}
	if c.Output == "" || c.Output == "-" {
		err = c.write(e.ctx, e.stdout, info, known, incidents)
	} else {
		err = c.writeFile(e.ctx, info, known, incidents)
	}
	if e.ctx.Err() != nil {
		fmt.Fprintln(e.stderr, "sarhad: stopped; the file is not written")
		return exitError(exitFailed)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.stderr, "%d incidents exported\n", n)
	if len(sel.Withheld) > 0 {
		fmt.Fprintf(e.stderr, "left out, since their terms allow only aggregates to be published: %s (--include-withheld takes them too)\n", strings.Join(sel.Withheld, ", "))
	}
	return nil
}

func (c *exportCmd) write(ctx context.Context, w io.Writer, info export.Info, known *places, incidents iter.Seq2[*incident.Incident, error]) error {
	if c.Format == formatGeoJSON {
		return export.GeoJSON(w, info, api.FeatureEncoder(known.crossings), incidents)
	}
	if c.Format == formatGeoJSONSeq { // without separators, which most programs do not expect in a file
		return export.GeoJSONSeq(w, api.FeatureEncoder(known.crossings), false, incidents)
	}
	for _, f := range exportFormats(known.crossings) {
		if f.Name == c.Format {
			return f.Write(ctx, w, api.ExportInfo(info), incidents)
		}
	}
	return fmt.Errorf("there is no format %s", c.Format)
}

// writeFile writes to a folder beside the file and moves it to its place when it
// is whole; an older file stays until then.
func (c *exportCmd) writeFile(ctx context.Context, info export.Info, known *places, incidents iter.Seq2[*incident.Incident, error]) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(c.Output), ".sarhad-export-")
	if err != nil {
		return fmt.Errorf("write beside %s: %w", c.Output, err)
	}
	defer func() {
		if e := os.RemoveAll(dir); e != nil {
			err = errors.Join(err, fmt.Errorf("remove a temporary folder: %w", e))
		}
	}()
	path := filepath.Join(dir, "export")
	if c.Format == formatGPKG {
		if err := writePackage(ctx, path, info, incidents); err != nil {
			return err
		}
	} else {
		f, err := os.Create(path)
		if err != nil {
			return fmt.Errorf("write the export: %w", err)
		}
		if err := errors.Join(c.write(ctx, f, info, known, incidents), f.Close()); err != nil {
			return err
		}
	}
	if err := os.Rename(path, c.Output); err != nil {
		return fmt.Errorf("put the export in its place: %w", err)
	}
	return nil
}
