package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"sarhad/data/ingest"
)

// shownRejects is how many refused rows are printed; the rest is counted and
// stands in the file of --rejects.
const shownRejects = 20

// printReport says in words what became of a file.
func printReport(w io.Writer, r ingest.Report, dryRun bool) {
	head := ""
	switch {
	case dryRun:
		head = "Dry run, nothing was stored. "
	case !r.Stored:
		head = "Nothing was stored. "
	}
	fmt.Fprintf(w, "%s%s as %s into dataset %s: %d read = %d new + %d changed + %d unchanged + %d rejected, in %.1f s\n",
		head, r.File, r.Layout, r.Dataset, r.Read, r.New, r.Changed, r.Unchanged, r.Rejected, r.Seconds)
	if r.Gone != nil {
		fmt.Fprintf(w, "  %d incidents of %s are not in the file: gone\n", *r.Gone, r.Dataset)
	}
	for _, is := range r.Rejects[:min(len(r.Rejects), shownRejects)] {
		fmt.Fprintf(w, "  rejected: line %d, %s %q: %s (%s)\n", is.Line, is.Column, shorten(is.Value), is.Reason, is.Code)
	}
	if more := r.Rejected - shownRejects; more > 0 {
		fmt.Fprintf(w, "  and %d more; --rejects FILE writes all of them\n", more)
	}
	for _, code := range slices.Sorted(maps.Keys(r.Warnings)) {
		fmt.Fprintf(w, "  warning: %s in %d rows", code, r.Warnings[code])
		for _, is := range r.Doubts {
			if is.Code == code {
				fmt.Fprintf(w, "; for example line %d: %s", is.Line, is.Reason)
				break
			}
		}
		fmt.Fprintln(w)
	}
}

// shorten keeps a broken cell from filling the terminal.
func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// sumReports adds up the reports of several files.
func sumReports(reports []ingest.Report) ingest.Report {
	sum := ingest.Report{Warnings: map[string]int{}, Dataset: reports[0].Dataset, Stored: true}
	for _, r := range reports {
		sum.Read += r.Read
		sum.New += r.New
		sum.Changed += r.Changed
		sum.Unchanged += r.Unchanged
		sum.Rejected += r.Rejected
		sum.Seconds += r.Seconds
		sum.Stored = sum.Stored && r.Stored
		for code, n := range r.Warnings {
			sum.Warnings[code] += n
		}
		if r.Dataset != sum.Dataset {
			sum.Dataset = "" // several
		}
	}
	return sum
}
