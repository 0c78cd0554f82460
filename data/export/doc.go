// Package export writes incidents in the formats that other programs read:
// CSV, GeoJSON, newline-delimited GeoJSON (GeoJSONSeq) and KML. All are written
// as they are read from a store, so that memory does not grow with their number.
//
// Goals
//
//   - Nothing is lost that a format can carry: what is read back in is the same
//     incident, to the last field but file, line and row number. docs/exports.md
//     says what a format cannot carry.
//   - A pin stands only where a point is known, also in KML.
//   - Where the incidents come from, and on what terms, travels with them.
//
// Non-goals
//
//   - The GeoPackage, which package gpkg writes, with the columns of this one.
//   - The form of a GeoJSON feature, which is that of the caller.
package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"sarhad/incident"
)

// Info describes an export. Its zero value says nothing and is allowed.
type Info struct {
	// Title is for readers, "" for "Incidents".
	Title string
	// Datasets are those whose incidents may be in it, with their terms.
	Datasets []incident.Dataset
	// Withheld names the datasets that were left out because their terms allow only aggregates.
	Withheld []string
	// Address is where the same can be had again, "" if nowhere.
	Address string
	// Note is what has to be said of boundaries and names.
	Note string
	// HXL asks for a row of HXL tags below the header of a CSV, BOM for the
	// byte order mark by which some spreadsheets know UTF-8.
	HXL, BOM bool
}

// Attribution says in lines where the incidents come from, on what terms, and
// what was left out. It is never empty: not even of nothing is nothing known.
func (i *Info) Attribution() string {
	var b strings.Builder
	for k := range i.Datasets {
		d := &i.Datasets[k]
		b.WriteString(d.Name)
		for _, t := range []struct{ before, text string }{
			{": ", d.Title}, {", version ", d.Version}, {", accessed ", d.Accessed}, {". ", d.Attribution}, {". Licence: ", d.Licence}, {". ", d.Terms},
		} {
			if t.text != "" && t.text != d.Name {
				b.WriteString(t.before)
				b.WriteString(strings.TrimRight(t.text, "."))
			}
		}
		b.WriteString(".")
		if d.Synthetic {
			b.WriteString(" Made up: nothing in it happened.")
		}
		if d.Sample {
			b.WriteString(" A choice of reports, no full record.")
		}
		b.WriteString("\n")
	}
	if len(i.Datasets) == 0 {
		b.WriteString("Nothing is loaded, so there is nobody to name.\n")
	}
	if len(i.Withheld) > 0 {
		fmt.Fprintf(&b, "Left out, since their terms allow only aggregates: %s.\n", strings.Join(i.Withheld, ", "))
	}
	if i.Note != "" {
		b.WriteString(i.Note + "\n")
	}
	return b.String()
}

// chunk is how much is put together before it is written.
const chunk = 64 << 10

// stream writes what appendOne makes of each incident, and flushes at the end.
// An error of the incidents leaves what was not yet written unwritten.
func stream(w *bufio.Writer, incidents iter.Seq2[*incident.Incident, error], appendOne func([]byte, *incident.Incident) []byte) error {
	var b []byte
	for in, err := range incidents {
		if err != nil {
			return err
		}
		b = appendOne(b[:0], in)
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("write an incident: %w", err)
		}
	}
	return nil
}

func flush(w *bufio.Writer) error {
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	return nil
}

// Encoder appends an incident as a whole GeoJSON feature.
type Encoder func(b []byte, in *incident.Incident) []byte

// GeoJSONSeq writes one feature a line. With separators each stands behind a
// record separator, as RFC 8142 wants it; without, as most programs do it.
func GeoJSONSeq(w io.Writer, encode Encoder, separators bool, incidents iter.Seq2[*incident.Incident, error]) error {
	bw := bufio.NewWriterSize(w, chunk)
	err := stream(bw, incidents, func(b []byte, in *incident.Incident) []byte {
		if separators {
			b = append(b, 0x1e)
		}
		return append(encode(b, in), '\n')
	})
	if err != nil {
		return err
	}
	return flush(bw)
}

var errNoEncoder = errors.New("export: there is nothing to write features with")
