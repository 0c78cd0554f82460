package source

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// dms is an angle in degrees, or degrees, minutes and seconds; the letter of the
// half of the globe may stand before or behind.
var dms = regexp.MustCompile(`^([NSEW])? ?([-+]?)(\d{1,3}(?:[.,]\d+)?)(?:( ?[°º:] ?| )(?:(\d{1,2}(?:[.,]\d+)?)(?:( ?[':] ?| )(?:(\d{1,2}(?:[.,]\d+)?) ?(?:"|'')?)?)?)?)? ?([NSEW])?$`)

// The signs that stand for minutes, seconds and minus.
var dmsSigns = strings.NewReplacer("′", "'", "’", "'", "‘", "'", "´", "'", "`", "'", "″", `"`, "”", `"`, "“", `"`, "−", "-", "–", "-", "˚", "°", "٫", ".")

var errAngle = &problem{CodeBadCoordinate, `it is not an angle in a form that is read (such as 33.69, 33.69N, 33°41'24"N)`}

// parseAngle reads degrees in any of the forms of docs/mappings.md. half is the
// letter N, S, E or W, 0 if there is none.
func parseAngle(s string) (deg float64, half byte, p *problem) {
	if f, ok := decimal(s); ok {
		return f, 0, nil
	}
	if len(s) > 60 {
		return 0, 0, errAngle
	}
	text := strings.ToUpper(strings.Join(strings.Fields(foldText(dmsSigns.Replace(s))), " "))
	m := dms.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, errAngle
	}
	for _, h := range []string{m[1], m[8]} {
		if h != "" {
			if half != 0 {
				return 0, 0, errAngle
			}
			half = h[0]
		}
	}
	marked := half != 0 || strings.ContainsAny(m[4], "°º:")
	if m[5] != "" && !marked {
		return 0, 0, errAngle // two numbers may be anything
	}
	scale, ended := 1.0, false
	for i, g := range []string{m[3], m[5], m[7]} {
		if g == "" {
			continue
		}
		f, ok := decimal(strings.Replace(g, ",", ".", 1))
		if !ok || i > 0 && f >= 60 {
			return 0, 0, &problem{CodeBadCoordinate, "minutes and seconds lie below 60"}
		}
		if ended {
			return 0, 0, errAngle // a fraction, and more behind it
		}
		ended = f != math.Trunc(f)
		if i > 0 {
			scale *= 60
		}
		deg += f / scale
	}
	if m[2] != "" && half != 0 {
		return 0, 0, &problem{CodeBadCoordinate, "it has a sign and a letter; which of them holds is not clear"}
	}
	if m[2] == "-" || half == 'S' || half == 'W' {
		deg = -deg
	}
	return deg, half, nil
}

// inRange refuses what lies beyond the globe.
func inRange(f, limit float64, name string) *problem {
	if f < -limit || f > limit {
		return &problem{CodeCoordinateRange, fmt.Sprintf("a %s lies between -%g and %g", name, limit, limit)}
	}
	return nil
}

// parseLooseCoordinate reads a latitude (limit 90) or a longitude (limit 180).
func parseLooseCoordinate(s string, limit float64, name string) (float64, *problem) {
	f, half, p := parseAngle(s)
	if p != nil {
		return 0, p
	}
	if half != 0 && (half == 'N' || half == 'S') != (limit == 90) {
		return 0, &problem{CodeBadCoordinate, fmt.Sprintf("%c does not belong to a %s", half, name)}
	}
	return f, inRange(f, limit, name)
}

var wktPoint = regexp.MustCompile(`^(?i)point\s*\(\s*(\S+)\s+(\S+)\s*\)$`)

var errPoint = &problem{CodeBadCoordinate, "it is not a pair of coordinates (such as 34.01, 71.52)"}

// parsePoint reads both coordinates from one cell. lonFirst is the order that
// the mapping says; letters and WKT say it themselves.
func parsePoint(s string, lonFirst, loose bool) (lon, lat float64, p *problem) {
	var a, b string
	if m := wktPoint.FindStringSubmatch(s); m != nil {
		a, b, lonFirst = m[1], m[2], true
	} else if a, b = halves(trim(strings.Trim(s, "()[] "))); b == "" {
		return 0, 0, errPoint
	}
	read := func(s string) (float64, byte, *problem) {
		if loose {
			return parseAngle(s)
		}
		f, ok := decimal(s)
		if !ok {
			return 0, 0, &problem{CodeBadCoordinate, "it is not a pair of numbers in decimal degrees; degrees, minutes and seconds are read where the mapping says numbers: loose"}
		}
		return f, 0, nil
	}
	x, halfX, p := read(a)
	if p != nil {
		return 0, 0, p
	}
	y, halfY, p := read(b)
	if p != nil {
		return 0, 0, p
	}
	eastX, eastY := halfX == 'E' || halfX == 'W', halfY == 'E' || halfY == 'W'
	switch {
	case halfX != 0 && halfY != 0 && eastX == eastY, halfX != 0 && halfY == 0 && eastX != lonFirst, halfY != 0 && halfX == 0 && eastY == lonFirst:
		return 0, 0, &problem{CodeBadCoordinate, "the letters N, S, E, W do not fit the order of the mapping"}
	case halfX != 0 && halfY != 0:
		lonFirst = eastX
	}
	if !lonFirst {
		x, y = y, x
	}
	if p = inRange(y, 90, "latitude"); p == nil {
		p = inRange(x, 180, "longitude")
	} else if x >= -90 && x <= 90 {
		p = &problem{p.code, p.reason + "; perhaps the longitude stands first (order: lonlat)"}
	}
	return x, y, p
}

// halves cuts a pair in two; b is "" where there is not one place to cut.
func halves(s string) (a, b string) {
	s = strings.ReplaceAll(s, "،", ",")
	for _, sep := range []string{";", "|", "/", ", ", ","} {
		if strings.Count(s, sep) == 1 {
			if sep == "," && strings.Contains(s, " ") && !strings.ContainsAny(s, "NSEWnsew°") {
				break // "34,01 71.52": a decimal comma
			}
			a, b, _ = strings.Cut(s, sep)
			return trim(a), trim(b)
		}
	}
	if f := strings.Fields(s); len(f) == 2 && !strings.HasSuffix(f[0], ",") {
		return f[0], f[1]
	}
	// 34°0'36"N 71°31'12"E: behind the letter, or before the second one.
	if i := strings.IndexAny(s, "NSEWnsew"); i > 0 {
		return trim(s[:i+1]), trim(strings.TrimLeft(s[i+1:], ", "))
	} else if i == 0 {
		if j := strings.IndexAny(s[1:], "NSEWnsew"); j > 0 {
			return trim(strings.TrimRight(s[:j+1], ", ")), trim(s[j+1:])
		}
	}
	return "", ""
}
