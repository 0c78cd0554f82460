package index

import (
	"context"
	"math"
	"slices"
	"sort"

	"github.com/paulmach/orb"

	"sarhad/incident"
)

// A segment lists its rows once more by where they are, so that a small box
// over a long time does not look at all that happened meanwhile: by the tile of
// zoom 7 of the web map. A tile of a higher zoom lies within one of them.

const (
	tileSide = 1 << 7
	allTiles = tileSide * tileSide
)

// tileRows holds the rows that have a point: those of tile i, in their order, from at[i] to at[i+1] of rows.
type tileRows struct{ at, rows []uint32 }

// tileEdges are the latitudes at which the rows of tiles begin, from the north.
var tileEdges = func() (edges [tileSide]float64) {
	for row := range edges {
		edges[row] = math.Atan(math.Sinh(math.Pi*(1-2*float64(row)/tileSide))) * 180 / math.Pi
	}
	return edges
}()

// tileColumn and tileRow give the place of a longitude and a latitude among the
// tiles. The outermost tiles also hold what lies beyond them. A larger longitude
// never has a smaller column, nor a larger latitude a larger row.
func tileColumn(lon float64) int {
	const width = 360.0 / tileSide
	column := int(max(0, min((lon+180)/width, tileSide-1)))
	if lon < float64(column)*width-180 { // the sum was rounded up to the next edge
		column--
	}
	return max(0, column)
}

func tileRow(lat float64) int {
	return max(0, sort.Search(tileSide, func(row int) bool { return tileEdges[row] < lat })-1)
}

// noTile stands for a row without a point.
const noTile = math.MaxUint16

// tileOf gives the tile of a point, noTile for NaN.
func tileOf(lon, lat float64) uint16 {
	if lon != lon {
		return noTile
	}
	return uint16(tileRow(lat)*tileSide + tileColumn(lon))
}

// listTiles makes the lists for rows whose tiles are known.
func listTiles(of []uint16) tileRows {
	t := tileRows{at: make([]uint32, allTiles+1)}
	for _, tile := range of {
		if tile != noTile {
			t.at[tile+1]++
		}
	}
	for i := range allTiles {
		t.at[i+1] += t.at[i]
	}
	t.rows = make([]uint32, t.at[allTiles])
	next := slices.Clone(t.at)
	for row, tile := range of {
		if tile != noTile {
			t.rows[next[tile]] = uint32(row)
			next[tile]++
		}
	}
	return t
}

// mostTiles is the most tiles of a box that are looked into one by one.
const mostTiles = 16

// near gives what the tiles that a box touches hold of the rows from lo to hi,
// and how many rows that are. ok is false where that is no gain.
func (s *segment) near(box orb.Bound, lo, hi int) (lists [][]uint32, n int, ok bool) {
	west, east, north, south := tileColumn(box.Min[0]), tileColumn(box.Max[0]), tileRow(box.Max[1]), tileRow(box.Min[1])
	if !(box.Min[0] <= box.Max[0] && box.Min[1] <= box.Max[1]) {
		return nil, 0, true
	}
	if (east-west+1)*(south-north+1) > mostTiles {
		return nil, 0, false
	}
	for row := north; row <= south; row++ {
		for column := west; column <= east; column++ {
			at := row*tileSide + column
			list := s.byTile.rows[s.byTile.at[at]:s.byTile.at[at+1]]
			from, _ := slices.BinarySearch(list, uint32(lo))
			to, _ := slices.BinarySearch(list[from:], uint32(hi))
			if to > 0 {
				lists, n = append(lists, list[from:from+to]), n+to
			}
		}
	}
	const gain = 4 // to go through a list costs more for each row than to go through columns
	return lists, n, n <= (hi-lo)/gain
}

// near is the same for a plan; ok is false for one without a box.
func (p *plan) near(lo, hi int) (lists [][]uint32, n int, ok bool) {
	if !p.hasBox {
		return nil, 0, false
	}
	return p.s.near(p.box, lo, hi)
}

// collectLists appends the rows of some lists that match, in their order.
func (p *plan) collectLists(ctx context.Context, rows []uint32, lists [][]uint32) ([]uint32, error) {
	for _, list := range lists {
		for portion := range slices.Chunk(list, p.portion()) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			rows = p.collect(rows, portion)
		}
	}
	slices.Sort(rows)
	return rows, nil
}

// rowBatch gathers rows and gives them on, some at a time.
type rowBatch struct {
	do      func(*incident.Row) bool
	stopped bool
	s       *segment
	n       int
	rows    [32]uint32
	out     [32]incident.Row
}

// add takes a row. It returns false when no more are wanted.
func (b *rowBatch) add(s *segment, row uint32) bool {
	if b.n == len(b.rows) || b.s != s {
		b.flush()
	}
	b.s, b.rows[b.n] = s, row
	b.n++
	return !b.stopped
}

// flush gives on what was gathered.
func (b *rowBatch) flush() {
	if b.n == 0 || b.stopped {
		return
	}
	b.s.fill(b.out[:b.n], b.rows[:b.n])
	for i := range b.out[:b.n] {
		if b.stopped = !b.do(&b.out[i]); b.stopped {
			break
		}
	}
	b.n = 0
}
