package incident

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Publication is how much of a dataset everybody sees; holders of a token with
// [ScopeRead] see all of it. The zero value hides nothing.
type Publication struct {
	// Delay is how long an incident stays hidden after its last day has ended, in whole hours.
	Delay time.Duration
	// Blur is what its place becomes.
	Blur Blur
}

// Blur is what everybody sees instead of the places of incidents: "" for the
// places themselves, [BlurDistrict], or "grid:" and a width in degrees.
type Blur string

// BlurDistrict shows the district or Afghan province and nothing finer.
const BlurDistrict Blur = "district"

// GridBlurs are the widths of cells that [ParseBlur] takes, in degrees of longitude and of latitude. Each divides 1, so
// that the cells of all of them begin at whole degrees.
var GridBlurs = []float64{0.05, 0.1, 0.2, 0.25, 0.5, 1}

const gridPrefix = "grid:"

// BlurWords lists what [ParseBlur] takes.
func BlurWords() []string {
	list := []string{"none", string(BlurDistrict)}
	for _, g := range GridBlurs {
		list = append(list, string(gridBlur(g)))
	}
	return list
}

func gridBlur(degrees float64) Blur {
	return Blur(gridPrefix + strconv.FormatFloat(degrees, 'f', -1, 64))
}

// ParseBlur reads "none", "district" or, for example, "grid:0.1". It fails with CodeInvalid.
func ParseBlur(s string) (Blur, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "", "none":
		return "", nil
	case string(BlurDistrict):
		return BlurDistrict, nil
	}
	if width, ok := strings.CutPrefix(s, gridPrefix); ok {
		if w, err := strconv.ParseFloat(width, 64); err == nil {
			for _, g := range GridBlurs {
				if math.Abs(w-g) < 1e-9 {
					return gridBlur(g), nil
				}
			}
		}
	}
	e := Errorf(CodeInvalid, "%q is no blur; it is one of %s.", s, strings.Join(BlurWords(), ", "))
	e.Parameter, e.Allowed = "blur", BlurWords()
	return "", e
}

// Grid gives the width of the cells in degrees, 0 for a blur without cells.
func (b Blur) Grid() float64 {
	width, ok := strings.CutPrefix(string(b), gridPrefix)
	if !ok {
		return 0
	}
	w, err := strconv.ParseFloat(width, 64)
	if err != nil {
		return 0
	}
	return w
}

// maxDelay is the longest delay: ten years.
const maxDelay = 3653 * 24 * time.Hour

// ParseDelay reads a number of whole hours or days, such as "72h" or "7d", and "0" or "none" for no delay. It fails with CodeInvalid.
func ParseDelay(s string) (time.Duration, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || s == "0" || s == "none" {
		return 0, nil
	}
	unit := time.Hour
	digits, ok := strings.CutSuffix(s, "h")
	if !ok {
		unit = 24 * time.Hour
		digits, ok = strings.CutSuffix(s, "d")
	}
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 0 || time.Duration(n) > maxDelay/unit {
		e := Errorf(CodeInvalid, "%q is no delay; write hours or days, such as 72h or 7d, at most ten years.", s)
		e.Parameter = "delay"
		return 0, e
	}
	return time.Duration(n) * unit, nil
}

// FormatDelay writes a delay as [ParseDelay] reads it: in days if they are whole.
func FormatDelay(d time.Duration) string {
	switch {
	case d == 0:
		return "none"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return fmt.Sprintf("%dh", d/time.Hour)
}

// Stricter gives of two rules the longer delay and the coarser blur: a district
// before a grid, a wide grid before a narrow one.
func (p Publication) Stricter(q Publication) Publication {
	p.Delay = max(p.Delay, q.Delay)
	if p.Blur != BlurDistrict && (q.Blur == BlurDistrict || q.Blur.Grid() > p.Blur.Grid()) {
		p.Blur = q.Blur
	}
	return p
}
