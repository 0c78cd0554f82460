package source

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"

	"sarhad/incident"
)

// The box that generated incidents lie in, in degrees, and their days.
const (
	genWest, genSouth, genEast, genNorth = 60.5, 24.5, 77.0, 38.5
	genSpots, genNear                    = 120, 88
)

// genPath is a rough walk along the region (lon, lat), typed by hand. It is no boundary.
var genPath = [][2]float64{{60.9, 29.8}, {62.4, 29.4}, {64.2, 29.5}, {66.2, 29.9}, {66.5, 31.0}, {68.1, 31.7},
	{69.2, 32.1}, {69.6, 33.0}, {70.2, 33.5}, {70.1, 34.0}, {71.1, 34.3}, {71.6, 35.2}, {71.4, 36.2}}

var genShares = [...]int{24, 46, 63, 85, 91, 100} // per cent, summed up, of incident.EventTypes

var genWords = []string{"convoy", "patrol", "checkpoint", "village", "market", "road", "reported", "near", "the", "crossing",
	"post", "valley", "ridge", "night", "morning", "fire", "exchange", "elders", "jirga", "traders", "trucks", "closed",
	"reopened", "families", "police", "station", "made-up", "invented", "nobody", "harmed", "hills", "bridge"}

// Generate writes synthetic incidents as a table in CSV, every one marked as
// such: id, event_date, event_type, actor, fatalities, latitude, longitude,
// notes, synthetic. The same rows and seed give the same bytes. They gather at
// 120 hot spots, most within 80 km of a line through the region, on days from
// 2000 to 2025, more of them late. It fails with CodeInvalid for less than 0 rows.
func Generate(w io.Writer, rows int, seed uint64) error {
	if rows < 0 {
		return incident.Errorf(incident.CodeInvalid, "The number of rows is %d and must not be below 0.", rows)
	}
	rng := rand.New(rand.NewPCG(seed, 0x5a7bad))
	type spot struct{ lon, lat, spread float64 }
	var spots [genSpots]spot
	var weights [genSpots]float64
	near, far := 0.0, 0.0
	for i := range spots {
		s := spot{genWest + 0.5 + rng.Float64()*(genEast-genWest-1), genSouth + 0.5 + rng.Float64()*(genNorth-genSouth-1), 0.03 + 0.2*rng.Float64()}
		weights[i] = math.Pow(1-rng.Float64(), -0.8) // Pareto: a few places have most of the incidents
		if i < genNear {
			k := rng.IntN(len(genPath) - 1)
			a, b, t := genPath[k], genPath[k+1], rng.Float64()
			angle, km := 2*math.Pi*rng.Float64(), 60*rng.Float64()
			s.lat = a[1] + t*(b[1]-a[1]) + km*math.Sin(angle)/111
			s.lon = a[0] + t*(b[0]-a[0]) + km*math.Cos(angle)/(111*math.Cos(s.lat*math.Pi/180))
			s.spread = 0.02 + 0.08*rng.Float64()
			near += weights[i]
		} else {
			far += weights[i]
		}
		spots[i] = s
	}
	// Three quarters near the line, and a table of 4096 slots to draw a spot in one step.
	var slots [4096]uint8
	n, sum := 0, 0.0
	for i := range spots {
		if i < genNear {
			sum += weights[i] / near * 0.75
		} else {
			sum += weights[i] / far * 0.25
		}
		for ; n < len(slots) && float64(n) < sum*float64(len(slots)); n++ {
			slots[n] = uint8(i)
		}
	}
	for ; n < len(slots); n++ {
		slots[n] = genSpots - 1
	}

	first, last := incident.NewDay(2000, 1, 1), incident.NewDay(2025, 12, 31)
	dates := make([]string, last-first+1)
	for i := range dates {
		dates[i] = (first + incident.Day(i)).String()
	}

	bw := bufio.NewWriterSize(w, 1<<20)
	if _, err := bw.WriteString("id,event_date,event_type,actor,fatalities,latitude,longitude,notes,synthetic\n"); err != nil {
		return fmt.Errorf("write synthetic incidents: %w", err)
	}
	var b []byte
	for i := range rows {
		s := &spots[slots[rng.Uint32()%uint32(len(slots))]]
		lon := min(max(s.lon+s.spread*rng.NormFloat64(), genWest), genEast)
		lat := min(max(s.lat+s.spread*rng.NormFloat64(), genSouth), genNorth)
		u := rng.Float64()
		day := int(math.Sqrt(u) * float64(len(dates)))
		percent, kind := int(rng.Uint32()%100), 0
		for percent >= genShares[kind] {
			kind++
		}
		actor := int(rng.Uint32()%8) * int(1+rng.Uint32()%8)

		b = strconv.AppendInt(b[:0], int64(i+1), 10)
		b = append(append(b, ','), dates[min(day, len(dates)-1)]...)
		b = append(append(b, ','), incident.EventTypes[kind]...)
		b = append(b, ",Actor "...)
		b = append(b, byte('0'+actor/10), byte('0'+actor%10), ',')
		if r := rng.Uint32() % 100; r >= 6 { // 6 in 100 are not reported
			deaths := 0
			if kind < 3 && r >= 40 {
				deaths = min(int(math.Pow(1-rng.Float64(), -0.7)), 500)
			}
			b = strconv.AppendInt(b, int64(deaths), 10)
		}
		b = appendMicro(append(b, ','), lat)
		b = appendMicro(append(b, ','), lon)
		b = append(b, ",Synthetic:"...)
		bits := rng.Uint64()
		for range 4 + bits%9 {
			bits = bits>>5 | bits<<59
			b = append(append(b, ' '), genWords[bits%uint64(len(genWords))]...)
		}
		b = append(b, ",true\n"...)
		if _, err := bw.Write(b); err != nil {
			return fmt.Errorf("write synthetic incidents: %w", err)
		}
	}
	if err := bw.Flush(); err != nil {
		return fmt.Errorf("write synthetic incidents: %w", err)
	}
	return nil
}

// appendMicro writes positive degrees with five digits.
func appendMicro(b []byte, v float64) []byte {
	n := int64(v*1e5 + 0.5)
	b = append(strconv.AppendInt(b, n/100000, 10), '.')
	for div := int64(10000); div > 0; div /= 10 {
		b = append(b, byte('0'+n/div%10))
	}
	return b
}
