package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/paulmach/orb"

	"sarhad/data/bundle"
	"sarhad/data/gazetteer"
	"sarhad/data/gpkg"
	"sarhad/data/ingest"
	"sarhad/data/publish"
	"sarhad/geo"
	"sarhad/incident"
)

// placesFlag is shared by every command that places incidents or names.
type placesFlag struct {
	Boundaries string   `help:"Units in place of the bundled ones: GeoJSON or a GeoPackage, EPSG:4326, with a column of P-codes or names." placeholder:"FILE" type:"existingfile"`
	Gazetteer  []string `help:"More places: a country dump of GeoNames or a table of names and points. Can be given again." placeholder:"FILE" type:"existingfile" sep:"none"`
}

// places is everything that is known of places, bundled or brought by the user.
type places struct {
	units       []geo.Unit
	line        orb.LineString
	crossings   []geo.Crossing
	geocoder    *geo.Geocoder
	boundaries  gpkg.Boundaries
	attribution string // of the units and the border line
	names       string // the attribution of the names of places
}

// maxOwnNames is how many names the files of --gazetteer may have: each takes more than half a kilobyte of memory.
const maxOwnNames = 1_000_000

// read prepares what is known of places; what became of the user's files is said on w.
func (f *placesFlag) read(w io.Writer) (*places, error) {
	s, err := bundle.Sources()
	if err != nil {
		return nil, fmt.Errorf("read the bundled places: %w", err)
	}
	p := &places{crossings: s.Crossings, attribution: bundle.Attribution, names: bundle.PlacesAttribution}
	if p.line, err = bundle.Border(); err != nil {
		return nil, fmt.Errorf("read the bundled border line: %w", err)
	}
	region := s.Index.Bound()
	if f.Boundaries != "" {
		var taken []string // ids that mean something else
		for i := range s.Formers {
			taken = append(taken, s.Formers[i].ID)
		}
		for i := range s.Subunits {
			taken = append(taken, s.Subunits[i].ID)
		}
		b, err := gazetteer.ReadBoundaries(f.Boundaries, s.Index.Units(), taken...)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(w, b.Summary())
		for _, d := range b.Doubts {
			fmt.Fprintf(w, "  warning: %s\n", d)
		}
		if s.Index, err = geo.NewIndex(b.Units); err != nil {
			return nil, fmt.Errorf("index the units of %s: %w", f.Boundaries, err)
		}
		before := len(s.Subunits)
		s.Subunits = b.Subunits(s.Subunits)
		if n := before - len(s.Subunits); n > 0 {
			fmt.Fprintf(w, "%s: %d tehsils and Afghan districts lie in units that are left out, and are left out too\n", b.File, n)
		}
		p.boundaries = gpkg.Boundaries{File: b.File, Hash: b.Hash}
		p.attribution = b.Attribution() + "; border line, tehsils and Afghan districts: geoBoundaries, © OpenStreetMap contributors, ODbL 1.0"
		region = region.Union(s.Index.Bound())
	}
	p.units = s.Index.Units()
	region = region.Pad(0.5)
	s.Places = slices.Clip(s.Places) // what is bundled is shared
	names := 0
	for _, file := range f.Gazetteer {
		t, err := gazetteer.ReadPlaces(file, region)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(w, t.Summary())
		for _, is := range t.Issues {
			fmt.Fprintln(w, "  refused:", is)
		}
		if more := t.Refused - len(t.Issues); more > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
		if names += t.Names; names > maxOwnNames {
			return nil, incident.Errorf(incident.CodeTooLarge, "the files of --gazetteer have more than %d names together; leave out what is not needed", maxOwnNames)
		}
		s.Places = append(s.Places, t.Places...)
		if t.Layout == "GeoNames" {
			continue // credited already
		}
		p.names += "; " + t.File + ", given by the operator"
	}
	if p.geocoder, err = geo.NewGeocoder(s); err != nil {
		return nil, fmt.Errorf("prepare the geocoder: %w", err)
	}
	return p, nil
}

// open opens a store for writing. One that is unmapped is read in little memory.
func (p *places) open(e *env, at address, unmapped bool) (store, error) {
	return at.open(e, storeOptions{places: p, unmapped: unmapped})
}

// locator places the incidents of a dataset, those without coordinates also by what the other datasets of a store teach.
func (p *places) locator(e *env, st incident.Reader, dataset string) ingest.Locator {
	return ingest.NewLocator(p.geocoder, func() []geo.Place {
		// What everybody sees of it will tell where the learned place is: of a blurred dataset nothing is learned.
		seen := publish.Blurred(st, incident.Publication{}, publish.Places{Units: p.units, Border: p.geocoder.Border()})
		learned, err := gazetteer.Learn(e.ctx, seen, p.geocoder, dataset)
		if err != nil && e.ctx.Err() == nil {
			e.log.Warn("no names are learned from what is loaded", "error", err)
		}
		return learned
	})
}

// withStore is a geocoder that knows also what the incidents of a store teach. The store is only read, so that one that
// is being served can be used. One that is not there is an error only if it was asked for.
func (p *places) withStore(e *env, path string, asked bool) (*geo.Geocoder, error) {
	st, err := addressOf(path).open(e, storeOptions{readOnly: true})
	if err != nil {
		if !asked {
			if incident.CodeOf(err) != incident.CodeNotFound {
				fmt.Fprintf(e.stderr, "sarhad: no names are learned from %s: %v\n", path, err)
			}
			return p.geocoder, nil
		}
		return nil, err
	}
	learned, err := gazetteer.Learn(e.ctx, st, p.geocoder, "")
	if err = errors.Join(err, st.Close()); err != nil {
		return nil, err
	}
	if len(learned) == 0 {
		return p.geocoder, nil
	}
	return p.geocoder.With(learned), nil
}
