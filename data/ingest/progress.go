package ingest

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Printer shows progress: a bar on a terminal, a line every two seconds
// elsewhere. It is not safe for concurrent use.
type Printer struct {
	w    io.Writer
	bar  *progressbar.ProgressBar
	tty  bool
	last time.Duration
}

// NewPrinter returns a printer to w, which is a terminal or not, or nil if
// quiet; the method Print of a nil printer prints nothing.
func NewPrinter(w io.Writer, terminal, quiet bool) *Printer {
	if quiet {
		return nil
	}
	return &Printer{w: w, tty: terminal}
}

// Print shows one state. It is meant for [Options.Progress]. Errors of the
// writer are left out: a load does not fail because nobody watches it.
func (p *Printer) Print(s Progress) {
	if p == nil {
		return
	}
	if p.tty {
		p.drawBar(s)
		return
	}
	if !s.Done && s.Elapsed-p.last < 2*time.Second {
		return
	}
	p.last = s.Elapsed
	line := fmt.Sprintf("%s rows, %s rows/s", grouped(s.Rows), grouped(rate(s)))
	if s.Done {
		line += fmt.Sprintf(", %.1f s", s.Elapsed.Seconds())
	} else if left, ok := remaining(s); ok {
		line += fmt.Sprintf(", %d %%, %s left", 100*s.Bytes/s.TotalBytes, left)
	}
	_, _ = fmt.Fprintln(p.w, line)
}

func (p *Printer) drawBar(s Progress) {
	if p.bar == nil {
		total := s.TotalBytes
		if total <= 0 {
			total = -1
		}
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(30), progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(90*time.Millisecond), progressbar.OptionUseANSICodes(true))
	}
	p.bar.Describe(fmt.Sprintf("%s rows, %s rows/s", grouped(s.Rows), grouped(rate(s))))
	n := s.Bytes
	if s.TotalBytes > 0 {
		n = min(n, s.TotalBytes)
	}
	_ = p.bar.Set64(n)
	if s.Done {
		_ = p.bar.Finish()
		_, _ = fmt.Fprintln(p.w)
	}
}

// rate is the number of rows in a second, on average.
func rate(s Progress) int64 {
	if s.Elapsed <= 0 {
		return 0
	}
	return int64(float64(s.Rows) / s.Elapsed.Seconds())
}

// remaining estimates the time left from the bytes that were read.
func remaining(s Progress) (time.Duration, bool) {
	if s.TotalBytes <= 0 || s.Bytes <= 0 || s.Bytes > s.TotalBytes {
		return 0, false
	}
	left := time.Duration(float64(s.Elapsed) * float64(s.TotalBytes-s.Bytes) / float64(s.Bytes))
	return left.Round(time.Second), true
}

// grouped writes a number with commas.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
