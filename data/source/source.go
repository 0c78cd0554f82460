package source

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"

	"sarhad/incident"
)

// The names of the layouts.
const (
	FormatAuto    = "auto"
	FormatGED     = "ged"
	FormatACLED   = "acled"
	FormatTable   = "table"
	FormatGeoJSON = "geojson"
	FormatGPKG    = "gpkg"
)

// Formats lists what Options.Format takes.
var Formats = []string{FormatAuto, FormatGED, FormatACLED, FormatTable, FormatGeoJSON, FormatGPKG}

// The codes of problems that refuse a row.
const (
	CodeMissingDate          = "missing_date"
	CodeBadDate              = "bad_date"
	CodeAmbiguousDate        = "ambiguous_date"
	CodeDateOutOfRange       = "date_out_of_range"
	CodeEndBeforeStart       = "end_before_start"
	CodeBadNumber            = "bad_number"
	CodeBadCoordinate        = "bad_coordinate"
	CodeCoordinateRange      = "coordinate_out_of_range"
	CodeIncompleteCoordinate = "incomplete_coordinates"
	CodeBadGeometry          = "bad_geometry"
	CodeBadValue             = "bad_value"
	CodeOtherDataset         = "other_dataset"
	CodeWrongFieldCount      = "wrong_field_count"
	CodeBadQuotes            = "bad_quotes"
	CodeBadEncoding          = "bad_encoding"
	CodeTooLong              = "record_too_long"
	// CodeDuplicateID is the id of an earlier record of the file with other
	// content: the first one holds.
	CodeDuplicateID = "duplicate_id"
)

// The codes of warnings, with which a row is taken.
const (
	WarnUnknownEventType    = "unknown_event_type"
	WarnUnknownSubEventType = "unknown_sub_event_type"
	WarnTypesDisagree       = "event_types_disagree"
	WarnLowAboveBest        = "low_above_best"
	// WarnDuplicateRow is a record that stands in the file already. It is in the
	// report only: the incident is the same and stays as it is.
	WarnDuplicateRow = "duplicate_row"
)

// Options says how to read a file.
type Options struct {
	// Format is one of [Formats]; "" is auto.
	Format string
	// File is the name of the file for messages and for the name of the
	// dataset; a folder before it is left out. "" or "-" is standard input.
	File string
	// Dataset names the dataset; "" leaves it to the layout and the file.
	Dataset string
	// Mapping says what the columns mean; nil for known headers. It makes a
	// table of a file of separated values, whatever its headers.
	Mapping *Mapping
	// Path is where the file lies, if it is on disk and read from its beginning;
	// "" for a stream. Formats that are not read in order (zip, XLSX,
	// GeoPackage) are read from there, else from a temporary copy.
	Path string
	// Ended is asked at every read, and its error ends the reading: the Err of
	// the context of whoever loads. nil never ends.
	Ended func() error
	// Several allows a file that Sarhad exported to hold several datasets; nil
	// refuses the rows of all but one.
	Several *Several
	// Origin is asked about a table that begins with [RejectColumns] what the
	// file was loaded as from which its rows come; nil asks nobody. file is the
	// name in the first row, dataset what a column of that name says there, "" if
	// there is none. What Dataset and Mapping say goes before. Its error refuses the file.
	Origin func(file, dataset string) (Origin, error)
}

// Reader reads the records of one file in order. It is not safe for concurrent use.
type Reader interface {
	// Layout is what the file was read as: one of [Formats] but auto.
	Layout() string
	// Dataset describes what the file belongs to, as far as layout, file or mapping say.
	Dataset() incident.Dataset
	// Stated are those texts of Dataset that the file or the mapping gives; the
	// others are defaults of the layout or the name.
	Stated() incident.Dataset
	// Columns are the columns of the source in order. For GeoJSON they are id,
	// longitude, latitude, geometry, record and the properties of the first
	// feature; behind the members of JSON objects stands record. Both are empty but
	// in rows that were refused: record holds the JSON of one that could not be
	// taken apart, geometry one that is no point.
	Columns() []string
	// Unread are the headings that nothing is read from, in order: an analyst
	// should know that they were left aside. It is final once the file is open,
	// and nil if all are read. The columns of UCDP's and ACLED's codebooks that
	// Sarhad has no place for are known and not named, nor are those of exports
	// of ours; for GeoJSON it looks at the properties of the first feature.
	Unread() []string
	// Notes are sentences about the file as a whole that whoever loads it should
	// read, such as that a workbook has further sheets; nil if there are none.
	Notes() []string
	// Counts is what the Line of a row counts: "line", "row" (of a sheet), "feature" or "record".
	Counts() string
	// Next gives the next record, valid until the next call. It ends with
	// io.EOF. Another error means that the file is broken in its frame (cut,
	// or no JSON from there on) and has CodeInvalid.
	Next() (*Row, error)
	// Close gives back what the file holds open and removes temporary copies.
	// Next does so by itself when it ends; a second call does nothing.
	Close() error
}

// Row is one record.
type Row struct {
	// Line is the line on which the record starts, as a text editor counts; for
	// GeoJSON the number of the feature from 1.
	Line int
	// Raw are the fields as they stand in the source. Of a row whose fields
	// could not be told apart they are the best that can be said.
	Raw []string
	// Incident is the incident, without the unit it lies in: Point is set if
	// the source gives coordinates, UnitID, Subunit, UnitThen, Place and the side of the border only if it gives those.
	Incident incident.Incident
	// Country, Adm1 and Adm2 are names of admin units as the source writes them.
	Country, Adm1, Adm2 string
	// PrecisionAssumed is true if the source gives coordinates and not how good
	// they are, so that the precision of the incident is our word.
	PrecisionAssumed bool
	// Adm1Column and Adm2Column are the columns of these names, for messages.
	Adm1Column, Adm2Column string
	// Rejected is the first problem that refuses the row, nil for a good row.
	Rejected *Issue
	// Issues are warnings; for a refused row also its further problems.
	Issues []Issue
}

// Issue is something wrong or doubtful with a row.
type Issue struct {
	// Line is that of the row.
	Line int
	// Column is the name of the column at fault, "" if it is the whole row.
	Column string
	// Value is what stands there, cut after 200 bytes.
	Value string
	// Code is one of the codes above; Reason says it in words.
	Code, Reason string

	field int // index of the column + 1, before Column is filled in
}

// Open recognises the layout of a file and returns its reader. Gzip and zip are
// unpacked; UTF-8, UTF-16 and Windows-1252 are told apart. It fails with CodeInvalid if the file
// as a whole cannot be read: empty, without a header, with doubled columns,
// without a column for the date, with a latitude but no longitude.
func Open(r io.Reader, opt Options) (Reader, error) {
	switch opt.Format {
	case "":
		opt.Format = FormatAuto
	case FormatAuto, FormatGED, FormatACLED, FormatTable, FormatGeoJSON, FormatGPKG:
	default:
		return nil, &incident.Error{Code: incident.CodeInvalid, Message: fmt.Sprintf("There is no format %q.", opt.Format), Parameter: "format", Allowed: Formats}
	}
	if i := strings.LastIndexAny(opt.File, `/\`); i >= 0 {
		opt.File = opt.File[i+1:]
	}
	if opt.File == "" || opt.File == "-" {
		opt.File = "stdin"
	}
	if opt.Ended != nil {
		r = &endable{r: r, ended: opt.Ended}
	}
	in := &input{file: opt.File, r: bufio.NewReaderSize(r, 64<<10), ended: opt.Ended}
	if info, err := os.Stat(opt.Path); opt.Path != "" && err == nil && info.Mode().IsRegular() {
		in.disk = opt.Path
	}
	rd, err := open(in, opt)
	if err != nil {
		return nil, in.end(err)
	}
	return rd, nil
}

func open(in *input, opt Options) (Reader, error) {
	k, err := in.unpack()
	if err != nil {
		return nil, err
	}
	switch {
	case k == kindZip && (opt.Format == FormatGeoJSON || opt.Format == FormatGPKG):
		return nil, refuse(opt.File, "the file is a workbook (XLSX), which cannot be read as %s", opt.Format)
	case k == kindZip:
		rows, err := openXLSX(in, opt)
		if err != nil {
			return nil, err
		}
		rd, err := openTable(in, rows, opt)
		var said *incident.Error
		if len(in.sheets) > 0 && errors.As(err, &said) {
			said.Message += fmt.Sprintf(" The workbook has other sheets that hold cells: %s; a mapping may name the one to read (sheet: %s).",
				excerpt(strings.Join(in.sheets, ", ")), excerpt(in.sheets[0]))
		}
		return rd, err
	case k == kindSQLite && opt.Format != FormatAuto && opt.Format != FormatGPKG && opt.Format != FormatTable:
		return nil, refuse(opt.File, "the file is a GeoPackage, which cannot be read as %s", opt.Format)
	case k == kindSQLite:
		return openGPKG(in, opt)
	}
	if opt.Format == FormatGPKG {
		return nil, refuse(opt.File, "the file is no GeoPackage")
	}
	br, err := toUTF8(in)
	if err != nil {
		return nil, err
	}
	sniff, err := br.Peek(sniffSize)
	if err != nil && !errors.Is(err, io.EOF) && len(sniff) == 0 {
		return nil, frame(opt.File, err)
	}
	text := bytes.TrimLeft(sniff, " \t\r\n")
	if len(text) == 0 && len(sniff) < sniffSize {
		return nil, refuse(opt.File, "the file is empty")
	}
	if what := describe(text); what != "" {
		return nil, refuse(opt.File, "%s", what)
	}
	json := bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) || bytes.HasPrefix(text, []byte{0x1e})
	if json && bytes.IndexByte(sniff, '\n') < 0 && len(sniff) == sniffSize {
		sniff, _ = br.Peek(maxRecord) // to tell one long record from a document; what ends it is met again
	}
	if json || opt.Format == FormatGeoJSON {
		return openJSON(in, br, sniff, opt)
	}
	return openTable(in, newRecords(br, dialectOf(sniff)), opt)
}

// refuse returns an error for a file as a whole.
func refuse(file, format string, args ...any) error {
	return incident.Errorf(incident.CodeInvalid, "%s: %s.", file, fmt.Sprintf(format, args...))
}

// frame returns an error for a file that breaks off or cannot be read.
func frame(file string, err error) error {
	if said := (*incident.Error)(nil); errors.As(err, &said) {
		return err
	}
	if ended := (*endedError)(nil); errors.As(err, &ended) {
		return fmt.Errorf("read %s: %w", file, ended.err)
	}
	what := "the file cannot be read to its end"
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		what = "the file is cut: it ends in the middle"
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		what = "the file is no whole gzip file"
	case errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm), errors.Is(err, zip.ErrChecksum):
		what = "the file is no whole ZIP archive"
	case errors.Is(err, errBomb):
		what = "the file is not read, since " + errBomb.Error()
	case errors.Is(err, errLarge):
		what = "the file is not read, since " + errLarge.Error()
	case errors.Is(err, errEndless):
		what = "the file is not read: " + errEndless.Error()
	case errors.Is(err, errBehindGzip):
		what = errBehindGzip.Error()
	case errors.Is(err, errTooLong):
		what = errTooLong.Error()
	}
	if place := (*placedError)(nil); errors.As(err, &place) {
		what += ", " + place.where
		err = place.err // the place is said
	}
	for _, said := range []error{errBomb, errLarge, errEndless, errBehindGzip, errTooLong} {
		if errors.Is(err, said) {
			err = nil // so is the cause
			break
		}
	}
	return &incident.Error{Code: incident.CodeInvalid, Message: file + ": " + what, Err: err}
}

// placedError says where in the file something broke.
type placedError struct {
	where string
	err   error
}

func (e *placedError) Error() string { return e.where + ": " + e.err.Error() }
func (e *placedError) Unwrap() error { return e.err }
