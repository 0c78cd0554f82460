package index

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// saver writes the file of a segment. It takes incidents in the order of fid
// and, however many they are, little memory: the records are sorted by time in
// portions, which are put together in the end, and columns are taken from the
// heads of the records. Only the order of fid (4 bytes an incident) and the
// words and tables are held whole.
type saver struct {
	path string
	b    builder // of one row at a time
	rows int
	low  orb.Point // the least coordinates, and the greatest
	high orb.Point
	// temp holds what was put aside: sorted portions of records, and between
	// them parts of the lists of words.
	temp     *os.File
	aside    *bufio.Writer
	at       int64
	runs     []run
	portion  []byte
	keys     []runKey
	portions int // of how many bytes
}

// run is a portion put aside: records in their order, each behind its place in the order of fid.
type run struct{ from, to int64 }

// runKey sorts by first day and then by place.
type runKey struct {
	key  uint64
	from int
}

const (
	// portionSize is how many bytes of records are sorted at a time.
	portionSize = 16 << 20
	// leftOver is how old a temporary file is that belongs to nobody any more.
	leftOver = time.Hour
)

// errNoFile says that the file cannot be made.
var errNoFile = errors.New("the file of the index cannot be made")

// createTemp makes a file beside another. Each process that writes an index
// has files of its own; what one left that was killed is removed.
func createTemp(path string) (*os.File, error) {
	pattern := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"-")
	left, _ := filepath.Glob(pattern + "*") // an odd name only means that nothing is removed
	for _, name := range left {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > leftOver {
			_ = os.Remove(name)
		}
	}
	return os.CreateTemp(filepath.Dir(path), filepath.Base(pattern)+"*")
}

func newSaver(path string) (*saver, error) {
	f, err := createTemp(path)
	if err != nil {
		return nil, errors.Join(errNoFile, err)
	}
	v := &saver{path: path, b: *newBuilder(), temp: f, aside: bufio.NewWriterSize(f, 1<<20), portions: portionSize,
		low: orb.Point{math.NaN(), math.NaN()}, high: orb.Point{math.NaN(), math.NaN()}}
	v.b.words.putAside = func(list []byte) (int64, error) {
		from := v.at
		return from, v.put(list)
	}
	return v, nil
}

// discard gives up what was put aside.
func (v *saver) discard() {
	_ = v.temp.Close()
	_ = os.Remove(v.temp.Name())
}

func (v *saver) put(b []byte) error {
	v.at += int64(len(b))
	if _, err := v.aside.Write(b); err != nil {
		return fmt.Errorf("put records aside: %w", err)
	}
	return nil
}

func (v *saver) add(in *incident.Incident) error {
	if v.rows >= maxRows {
		return errFull
	}
	v.b.again()
	if err := v.b.add(in); err != nil {
		return err
	}
	v.keys = append(v.keys, runKey{uint64(uint32(in.Start)^1<<31)<<32 | uint64(v.rows), len(v.portion)})
	v.portion = append(v.portion, v.b.s.records...)
	v.rows++
	if in.HasPoint {
		if v.low[0] != v.low[0] { // the first
			v.low, v.high = in.Point, in.Point
		}
		for i, x := range in.Point {
			v.low[i], v.high[i] = min(v.low[i], x), max(v.high[i], x)
		}
	}
	if len(v.portion) < v.portions {
		return nil
	}
	return v.endRun()
}

// endRun sorts a portion and puts it aside.
func (v *saver) endRun() error {
	slices.SortFunc(v.keys, func(a, b runKey) int { return cmp.Compare(a.key, b.key) })
	from := v.at
	var place [4]byte
	for _, k := range v.keys {
		binary.LittleEndian.PutUint32(place[:], uint32(k.key))
		if err := errors.Join(v.put(place[:]), v.put(v.portion[k.from:k.from+recordSize(v.portion[k.from:])])); err != nil {
			return err
		}
	}
	v.runs = append(v.runs, run{from, v.at})
	v.keys, v.portion = v.keys[:0], v.portion[:0]
	return nil
}

// sorted gives all records in the order of the rows with their places in the order of fid.
func (v *saver) sorted(do func(place uint32, rec []byte) error) error {
	var open runReaders
	for _, r := range v.runs {
		rr := &runReader{r: bufio.NewReaderSize(io.NewSectionReader(v.temp, r.from, r.to-r.from), 128<<10)}
		if more, err := rr.next(); err != nil {
			return err
		} else if more {
			open = append(open, rr)
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		rr := open[0]
		if err := do(uint32(rr.key), rr.rec); err != nil {
			return err
		}
		more, err := rr.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&open, 0)
		} else {
			heap.Pop(&open)
		}
	}
	return nil
}

// runReader reads a portion.
type runReader struct {
	r   *bufio.Reader
	key uint64
	rec []byte
}

// next reads the next record, false at the end.
func (r *runReader) next() (bool, error) {
	head, err := r.r.Peek(4 + recordHead)
	if errors.Is(err, io.EOF) && len(head) == 0 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what was put aside: %w", err)
	}
	le := binary.LittleEndian
	r.key = uint64(le.Uint32(head[4+headStart:])^1<<31)<<32 | uint64(le.Uint32(head))
	r.rec = slices.Grow(r.rec[:0], recordSize(head[4:]))[:recordSize(head[4:])]
	_, _ = r.r.Discard(4) // it was just seen
	if _, err := io.ReadFull(r.r, r.rec); err != nil {
		return false, fmt.Errorf("read what was put aside: %w", err)
	}
	return true, nil
}

// runReaders is a heap of portions.
type runReaders []*runReader

func (h runReaders) Len() int           { return len(h) }
func (h runReaders) Less(i, j int) bool { return h[i].key < h[j].key }
func (h runReaders) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *runReaders) Push(any)          {} // none is added
func (h *runReaders) Pop() any {
	old := *h
	*h = old[:len(old)-1]
	return old[len(old)-1]
}

// A column takes its values from the head of each record, as they stand there,
// and from what is written behind a copy of it: the cell and the offset.
const (
	behindCell   = recordHead
	behindOffset = recordHead + 2
	behindEnd    = recordHead + 10
)

// savedColumns are the columns in the order of their parts.
var savedColumns = []struct{ part, from, size int }{
	{partStart, headStart, 4}, {partEnd, headEnd, 4}, {partFID, headFID, 8}, {partLon, headLon, 8}, {partLat, headLat, 8}, {partCell, behindCell, 2},
	{partKind, headKind, 4}, {partPlace, headPlace, 4}, {partParty, headParty, 4}, {partLow, headLow, 4}, {partBest, headBest, 4},
	{partHigh, headHigh, 4}, {partBorder, headBorder, 8}, {partOffset, behindOffset, 8},
}

// finish writes the file, maps it and gives it its name.
func (v *saver) finish(st stamp) (*segment, error) {
	if err := errors.Join(v.endRun(), v.aside.Flush()); err != nil {
		return nil, err
	}
	f, err := createTemp(v.path)
	if err != nil {
		return nil, fmt.Errorf("create the file of the index: %w", err)
	}
	err = v.write(f, st)
	err = errors.Join(err, f.Chmod(modeBeside(v.path)), f.Sync(), f.Close())
	// The name is given when all is on the disk: after a power cut a file is
	// whole or not there. By then another process may have given it to its own.
	var s *segment
	if err == nil {
		s, _, err = openFile(f.Name())
	}
	if err == nil {
		err = os.Rename(f.Name(), v.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return nil, fmt.Errorf("write the file of the index: %w", err)
	}
	return s, nil
}

// modeBeside gives who may read the store that an index lies beside, or nobody
// else if there is no such file: the index holds all that the store does.
func modeBeside(path string) os.FileMode {
	const private = 0o600
	st, err := os.Stat(strings.TrimSuffix(path, "-index"))
	if err != nil || !st.Mode().IsRegular() {
		return private
	}
	return st.Mode().Perm()&0o666 | private
}

func (v *saver) write(f *os.File, st stamp) error {
	v.keys, v.portion = nil, nil
	g := gridOf([]float64{v.low[0], v.high[0]}, []float64{v.low[1], v.high[1]})
	t := trailer{Order: byteOrder, Rows: uint64(v.rows), Stamp: st, Grid: g}
	copy(t.Magic[:], fileMagic)
	at := uint64(0)
	// begin gives a writer of the next part, which begins at a multiple of 8.
	begin := func(part int, size uint64) *bufio.Writer {
		at = (at + 7) &^ 7
		t.Parts[part] = [2]uint64{at, size}
		w := bufio.NewWriterSize(io.NewOffsetWriter(f, int64(at)), 64<<10)
		at += size
		return w
	}
	n := uint64(v.rows)
	records := begin(partRecords, v.b.size)
	var columns []*bufio.Writer
	for _, c := range savedColumns {
		columns = append(columns, begin(c.part, n*uint64(c.size)))
	}
	byFID := make([]uint32, v.rows)
	var long []uint64 // rows of several days with their class before them
	tiles := make([]uint16, 0, v.rows)
	row, offset := uint32(0), uint64(0)
	var head [behindEnd]byte
	le := binary.LittleEndian
	err := v.sorted(func(place uint32, rec []byte) error {
		byFID[place] = row
		_, err := records.Write(rec)
		copy(head[:], rec[:recordHead])
		lon, lat := math.Float64frombits(le.Uint64(rec[headLon:])), math.Float64frombits(le.Uint64(rec[headLat:]))
		le.PutUint16(head[behindCell:], g.cell(lon, lat))
		tiles = append(tiles, tileOf(lon, lat))
		le.PutUint64(head[behindOffset:], offset)
		for i, c := range savedColumns {
			_, e := columns[i].Write(head[c.from : c.from+c.size])
			err = cmp.Or(err, e)
		}
		if start, end := int32(le.Uint32(rec[headStart:])), int32(le.Uint32(rec[headEnd:])); end > start {
			long = append(long, uint64(longClass(start, end))<<32|uint64(row))
		}
		row++
		offset += uint64(len(rec))
		return err
	})
	err = errors.Join(err, records.Flush())
	for _, c := range columns {
		err = errors.Join(err, c.Flush())
	}
	if err != nil {
		return err
	}
	part := func(part int, b []byte) error {
		w := begin(part, uint64(len(b)))
		_, err := w.Write(b)
		return errors.Join(err, w.Flush())
	}
	rows, longAt := longRows(long)
	byTile := listTiles(tiles)
	text, wordAt, ends, all := v.b.words.sorted()
	tables := appendTables(nil, &v.b.s)
	t.Tables = crc32.ChecksumIEEE(tables)
	err = errors.Join(part(partByFID, bytesOf(byFID)), part(partLong, bytesOf(rows)), part(partLongAt, bytesOf(longAt[:])),
		part(partTileRows, bytesOf(byTile.rows)), part(partTileAt, bytesOf(byTile.at)),
		part(partWords, text), part(partWordAt, bytesOf(wordAt)))
	size := uint64(0)
	if len(ends) > 0 {
		size = ends[len(ends)-1]
	}
	lists := begin(partLists, size)
	for _, l := range all {
		err = errors.Join(err, l.writeTo(lists, v.temp))
	}
	if err = errors.Join(err, lists.Flush(), part(partListEnd, bytesOf(ends)), part(partTables, tables)); err != nil {
		return err
	}
	end, err := binary.Append(nil, le, &t)
	if err != nil {
		return err
	}
	le.PutUint32(end[len(end)-12:], crc32.ChecksumIEEE(end[:len(end)-12]))
	_, err = io.Copy(io.NewOffsetWriter(f, int64(at)), bytes.NewReader(end))
	return err
}

// longClass is the class of a row of several days in [segment.longAt].
func longClass(start, end int32) int { return bits.Len64(uint64(int64(end) - int64(start))) }

// longRows sorts rows of several days, each behind its class, and says where the classes begin.
func longRows(long []uint64) (rows []uint32, at [longClasses + 1]int) {
	slices.Sort(long)
	for _, l := range long {
		rows = append(rows, uint32(l))
		at[l>>32+1]++
	}
	for k := range longClasses {
		at[k+1] += at[k]
	}
	return rows, at
}
