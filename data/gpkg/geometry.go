package gpkg

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"
)

const srsWGS84 = 4326

// appendPoint appends a GeoPackage point (lon, lat, CRS84 axis order, as the
// standard wants for srs 4326): the header without envelope, then little-endian WKB.
func appendPoint(b []byte, p orb.Point) []byte {
	b = append(b, 'G', 'P', 0, 1)
	b = binary.LittleEndian.AppendUint32(b, srsWGS84)
	b = append(b, 1)
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p[0]))
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(p[1]))
}

// geometryBlob writes any other geometry with an envelope.
func geometryBlob(g orb.Geometry) ([]byte, error) {
	body, err := wkb.Marshal(g, binary.LittleEndian)
	if err != nil {
		return nil, fmt.Errorf("encode a %s: %w", g.GeoJSONType(), err)
	}
	bound := g.Bound()
	b := append(make([]byte, 0, 40+len(body)), 'G', 'P', 0, 1|1<<1)
	b = binary.LittleEndian.AppendUint32(b, srsWGS84)
	for _, v := range []float64{bound.Min[0], bound.Max[0], bound.Min[1], bound.Max[1]} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return append(b, body...), nil
}
