package source

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// What a packed file may unpack to. Text packs to a tenth, seldom to a
// hundredth; deflate ends at a thousandth, which only a bomb reaches.
const (
	maxRatio    = 200
	ratioFrom   = 64 << 20 // bytes unpacked before the ratio is looked at
	maxUnpacked = 64 << 30
	// maxSpool is the most that is laid on disk of a stream that has to be read out of order.
	maxSpool = 4 << 30
)

var (
	errBomb  = fmt.Errorf("it unpacks to more than %d times its size", maxRatio)
	errLarge = errors.New("it is larger than what is read")
)

// input is a file on its way to a reader, and what has to be closed and
// removed after it.
type input struct {
	file    string        // for messages
	disk    string        // where the bytes of r lie as they are, "" if only r has them
	r       *bufio.Reader // the bytes, from the beginning
	ended   func() error  // see [Options]
	closers []func() error
	notes   []string // what whoever loads the file should read
	guessed bool     // the encoding is that of Arabic letters by how often they come
	sheets  []string // further sheets of a workbook that hold cells
}

func (in *input) onClose(f func() error) { in.closers = append(in.closers, f) }

// Close gives back what is held, once; temporary files are removed.
func (in *input) Close() error {
	var err error
	for i := len(in.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, in.closers[i]())
	}
	in.closers = nil
	if err != nil {
		return fmt.Errorf("close %s: %w", in.file, err)
	}
	return nil
}

// end closes the input behind its last record or where it breaks; err is what Next says.
func (in *input) end(err error) error {
	if closing := in.Close(); closing != nil {
		return errors.Join(err, closing)
	}
	return err
}

// seekable lays the input on disk, if it is not there yet, and opens it.
func (in *input) seekable() (*os.File, int64, error) {
	if in.disk == "" {
		f, err := os.CreateTemp("", "sarhad-spool-")
		if err != nil {
			return nil, 0, fmt.Errorf("make room for %s: %w", in.file, err)
		}
		name := f.Name()
		in.onClose(func() error { return os.Remove(name) })
		n, err := io.Copy(f, io.LimitReader(in.r, maxSpool+1))
		if err == nil && n > maxSpool {
			err = errLarge
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return nil, 0, frame(in.file, err)
		}
		in.disk = name
	}
	f, err := os.Open(in.disk)
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", in.file, err)
	}
	in.onClose(f.Close)
	info, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("look at %s: %w", in.file, err)
	}
	return f, info.Size(), nil
}

// endable is a reader that stops when whoever reads has ended.
type endable struct {
	r     io.Reader
	ended func() error
}

// endedError is the end of whoever reads, which is no fault of the file.
type endedError struct{ err error }

func (e *endedError) Error() string { return e.err.Error() }
func (e *endedError) Unwrap() error { return e.err }

func (e *endable) Read(p []byte) (int, error) {
	if err := e.ended(); err != nil {
		return 0, &endedError{err}
	}
	return e.r.Read(p)
}

// unpacked puts what an archive unpacks to in the place of the archive.
func (in *input) unpacked(r io.Reader) {
	if in.ended != nil {
		r = &endable{r: r, ended: in.ended}
	}
	in.r = bufio.NewReaderSize(r, 64<<10)
	in.disk = ""
}

// inflated stops what unpacks to too much.
type inflated struct {
	r      io.Reader
	packed func() int64 // bytes read so far of what is packed
	n      int64
}

func (f *inflated) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	f.n += int64(n)
	if f.n > maxUnpacked || f.n > ratioFrom && f.n/maxRatio > f.packed() {
		return n, errBomb
	}
	return n, err
}

// counted counts what is read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// The kinds of bytes that are told by how they begin.
type kind uint8

const (
	kindText kind = iota
	kindGzip
	kindZip
	kindSQLite
)

// kindOf tells what an input is by its first bytes.
func (in *input) kindOf() (kind, error) {
	head, err := in.r.Peek(16)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, frame(in.file, err)
	}
	for _, b := range []struct{ magic, what string }{
		{"%PDF", "a PDF"}, {"{\\rtf", "a document in RTF"}, {"PAR1", "a Parquet file; save it as CSV"},
		{"\xd0\xcf\x11\xe0", "an old or encrypted Office file; save it as XLSX or CSV, without a password"},
		{"BZh", "packed with bzip2; use gzip or zip"}, {"\xfd7zXZ\x00", "packed with xz; use gzip or zip"},
		{"7z\xbc\xaf\x27\x1c", "a 7z archive; use gzip or zip"}, {"Rar!", "a RAR archive; use gzip or zip"},
		{"\x28\xb5\x2f\xfd", "packed with zstd; use gzip or zip"}, {"PK\x05\x06", "a ZIP archive with nothing in it"},
		{"\x00\x00\x27\x0a", "part of a shapefile; save it as GeoPackage or GeoJSON"},
	} {
		if bytes.HasPrefix(head, []byte(b.magic)) {
			return 0, refuse(in.file, "the file is %s", b.what)
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return kindGzip, nil
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return kindZip, nil
	case bytes.HasPrefix(head, []byte("SQLite format 3")):
		return kindSQLite, nil
	}
	return kindText, nil
}

// gunzip puts the unpacked bytes in the place of the packed ones.
func (in *input) gunzip() error {
	c := &counted{r: in.r}
	zr, err := gzip.NewReader(c)
	if err != nil {
		return frame(in.file, err)
	}
	in.unpacked(&inflated{r: &members{r: zr}, packed: func() int64 { return c.n }})
	return nil
}

var errBehindGzip = errors.New("something stands behind the end of the gzip file (its first part is whole); pack it anew")

// members tells what is broken from what only has something behind its end.
type members struct {
	r    io.Reader
	some bool
}

func (m *members) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.some = m.some || n > 0
	if m.some && errors.Is(err, gzip.ErrHeader) {
		err = errBehindGzip
	}
	return n, err
}

// unzip puts the one file of an archive in its place. For a workbook it does
// nothing and reports true.
func (in *input) unzip() (workbook bool, err error) {
	f, size, err := in.seekable()
	if err != nil {
		return false, err
	}
	zr, err := zip.NewReader(f, size)
	if err != nil {
		return false, frame(in.file, err)
	}
	var data []*zip.File
	var names []string
	for _, e := range zr.File {
		name := strings.ReplaceAll(e.Name, `\`, "/")
		base := path.Base(name)
		if strings.EqualFold(path.Ext(base), ".shp") {
			return false, refuse(in.file, "the archive holds a shapefile (%s); save it as GeoPackage or GeoJSON", excerpt(base))
		}
		switch {
		case strings.EqualFold(name, "xl/workbook.xml"):
			return true, nil
		case name == "mimetype":
			return false, refuse(in.file, "the file is an OpenDocument file; save it as XLSX or CSV")
		case strings.HasSuffix(name, "/"), strings.HasPrefix(name, "__MACOSX/"), strings.HasPrefix(base, "."), base == "Thumbs.db", base == "desktop.ini":
		default:
			data, names = append(data, e), append(names, base)
		}
	}
	if len(data) > 1 {
		// A text about the data lies beside them.
		of := -1
		for i, name := range names {
			if readable(name) && of >= 0 {
				of = -1
				break
			} else if readable(name) {
				of = i
			}
		}
		if of >= 0 {
			data, names = data[of:of+1], names[of:of+1]
			in.notes = append(in.notes, fmt.Sprintf("Of the archive only %s is read.", excerpt(names[0])))
		}
	}
	switch {
	case len(data) == 0:
		return false, refuse(in.file, "the archive holds no file")
	case len(data) > 1:
		const shown = 8
		more := ""
		if len(names) > shown {
			more = fmt.Sprintf(" and %d more", len(names)-shown)
			names = names[:shown]
		}
		return false, refuse(in.file, "the archive holds %d files (%s%s) and only one is read; unpack it and name the one", len(data), excerpt(strings.Join(names, ", ")), more)
	case data[0].Flags&1 != 0:
		return false, refuse(in.file, "%s in the archive is locked with a password", names[0])
	}
	r, err := data[0].Open()
	if err != nil {
		return false, frame(in.file, err)
	}
	in.onClose(r.Close)
	packed := min(int64(data[0].CompressedSize64), size)
	in.unpacked(&inflated{r: r, packed: func() int64 { return packed }})
	return false, nil
}

// readable reports whether a file in an archive holds data by its name.
func readable(name string) bool {
	name = strings.ToLower(name)
	for _, about := range []string{"readme", "licence", "license", "copying"} {
		if strings.HasPrefix(name, about) {
			return false
		}
	}
	return slices.Contains([]string{".csv", ".tsv", ".xlsx", ".geojson", ".json", ".ndjson", ".jsonl", ".geojsonl", ".geojsons", ".geojsonseq", ".gpkg"}, path.Ext(name))
}

// unpack takes gzip and zip away. It reports what is left: text, a workbook
// (kindZip) or SQLite. One level is taken away: an archive in an archive is refused.
func (in *input) unpack() (kind, error) {
	for level := 0; ; level++ {
		k, err := in.kindOf()
		if err != nil || k == kindText || k == kindSQLite {
			return k, err
		}
		if k == kindGzip {
			if level > 0 {
				return 0, refuse(in.file, "the file is packed twice; unpack it once")
			}
			if err := in.gunzip(); err != nil {
				return 0, err
			}
			continue
		}
		workbook, err := in.unzip()
		if err != nil || workbook {
			return kindZip, err
		}
		if level > 0 {
			return 0, refuse(in.file, "the file is packed twice; unpack it once")
		}
	}
}
