package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sarhad/data/ingest"
	"sarhad/incident"
)

// shownRejects is how many refused rows are printed; the rest is counted and
// stands in the file of --rejects.
const shownRejects = 20

// outcome is a load and why it failed, nil if it did not.
type outcome struct {
	ingest.Report
	err    error
	change int64 // of the store when it had ended, 0 if nothing was stored or nobody knows
}

// The lines of --json and --report. Error is "" where a load did not fail; Failed
// counts those that did.
type (
	loadLine struct {
		ingest.Report
		File   string `json:"file"`
		Change int64  `json:"change,omitempty"` // with which all of it is seen
		Error  string `json:"error,omitempty"`
	}
	loadDetail struct {
		ingest.Detail
		Error string `json:"error,omitempty"`
	}
	sumLine struct {
		ingest.Report
		Failed int `json:"failed"`
	}
	sumDetail struct {
		ingest.Detail
		Failed int `json:"failed"`
	}
)

// nothing reports whether a load failed and nothing of what it counted is in the store or would have been.
func (l *outcome) nothing() bool { return l.err != nil && !l.Kept && !l.Whole }

// settled is what is reported: of a load that failed and left nothing, no counts.
func (l *outcome) settled() outcome {
	if !l.nothing() {
		return *l
	}
	return outcome{Report: ingest.Report{Warnings: map[string]int{}, Dataset: l.Dataset, File: l.File, Layout: l.Layout, Seconds: l.Seconds}, err: l.err}
}

// say tells in words what became of a file.
func (l *outcome) say(w io.Writer, file string, quiet, dryRun bool) {
	if l.err != nil {
		fmt.Fprintf(w, "sarhad: %s: %s\n", file, l.failure())
	}
	if !quiet && !l.nothing() {
		printReport(w, l.Report, dryRun)
	}
}

// failure says why a load failed, how far it came and what is left of it.
func (l *outcome) failure() string {
	why := strings.ReplaceAll(l.err.Error(), l.File+": ", "") // with which the message begins
	why = strings.TrimPrefix(why, fmt.Sprintf("behind %s %d: ", l.Counts, l.Reached))
	if l.Reached == 0 || l.Whole {
		return why
	}
	then := "then it failed"
	if incident.CodeOf(l.err) == incident.CodeInvalid {
		then = "then broken"
	}
	left := "nothing was stored"
	if l.Kept {
		left = "what was stored before stays, and the same command goes on from there"
	}
	return fmt.Sprintf("read up to %s %d, %s: %s; %s", l.Counts, l.Reached, then, strings.TrimSuffix(why, "."), left)
}

// printReport says in words what became of the rows of a file.
func printReport(w io.Writer, r ingest.Report, dryRun bool) {
	head := ""
	switch {
	case dryRun:
		head = "Dry run, nothing was stored. "
	case r.Kept:
		head = "Stored in part. "
	case !r.Stored:
		head = "Nothing was stored. "
	}
	fmt.Fprintf(w, "%s%s as %s into dataset %s: %d read = %d new + %d changed + %d unchanged + %d rejected, in %.1f s\n",
		head, r.File, r.Layout, r.Dataset, r.Read, r.New, r.Changed, r.Unchanged, r.Rejected, r.Seconds)
	if o := r.Origin; o != nil {
		as := ""
		if o.Mapped {
			as = ", read by its mapping"
		}
		fmt.Fprintf(w, "  rows refused of %s in import %d: taken into its dataset %s%s\n", o.File, o.Import, r.Dataset, as)
	}
	if len(r.Unread) > 0 {
		fmt.Fprintf(w, "  not read: %s\n", columns(r.Unread))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", n)
	}
	if n := r.Warnings[ingest.WarnNotReplaced]; n > 0 {
		fmt.Fprintf(w, "  nothing was taken away, because %s refused\n", rowsWere(n))
	} else if r.Gone != nil {
		fmt.Fprintf(w, "  %d incidents of %s are not in the file: gone\n", *r.Gone, r.Dataset)
	}
	for _, is := range r.Rejects[:min(len(r.Rejects), shownRejects)] {
		fmt.Fprintf(w, "  rejected: %s %d, %s %q: %s (%s)\n", r.Counts, is.Line, is.Column, shorten(is.Value), is.Reason, is.Code)
	}
	if more := r.Rejected - shownRejects; more > 0 {
		fmt.Fprintf(w, "  and %d more; --rejects FILE writes all of them\n", more)
	}
	for _, code := range slices.Sorted(maps.Keys(r.Warnings)) {
		if code == ingest.WarnNotReplaced {
			continue // said above
		}
		if code == ingest.WarnUnreadColumn {
			for _, is := range r.Doubts {
				if is.Code == code {
					fmt.Fprintf(w, "  warning: %s: %s\n", code, is.Reason)
				}
			}
			continue
		}
		fmt.Fprintf(w, "  warning: %s in %d rows", code, r.Warnings[code])
		for _, is := range r.Doubts {
			if is.Code == code {
				fmt.Fprintf(w, "; for example %s %d: %s", r.Counts, is.Line, is.Reason)
				break
			}
		}
		fmt.Fprintln(w)
	}
}

func rowsWere(n int) string {
	if n == 1 {
		return "1 row was"
	}
	return fmt.Sprintf("%d rows were", n)
}

// columns lists headings; of very many the first.
func columns(names []string) string {
	const shown = 30
	short := make([]string, 0, min(len(names), shown))
	for _, n := range names[:min(len(names), shown)] {
		short = append(short, shorten(n))
	}
	s := strings.Join(short, ", ")
	if more := len(names) - shown; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

// shorten keeps a broken cell from filling the terminal.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// sumLoads adds up the loads of several inputs that did not fail or that left
// something, and counts those that failed. Stored is true if anything was stored.
func sumLoads(loads []outcome) (sum ingest.Report, failed int) {
	sum = ingest.Report{Warnings: map[string]int{}}
	several := false
	for _, l := range loads {
		if sum.Seconds += l.Seconds; l.err != nil {
			failed++
		}
		if l.err != nil && !l.Kept {
			continue
		}
		sum.Read += l.Read
		sum.New += l.New
		sum.Changed += l.Changed
		sum.Unchanged += l.Unchanged
		sum.Rejected += l.Rejected
		sum.Stored = sum.Stored || l.Stored || l.Kept
		for code, n := range l.Warnings {
			sum.Warnings[code] += n
		}
		several = several || sum.Dataset != "" && sum.Dataset != l.Dataset
		sum.Dataset = l.Dataset
	}
	if several {
		sum.Dataset = ""
	}
	return sum, failed
}
