package source

import (
	"fmt"
	"slices"
	"strconv"
)

// WarnYearMismatch is a row of UCDP or ACLED whose column year holds another
// year than its date: one of the two was changed by hand or by a spreadsheet.
const WarnYearMismatch = "year_mismatch"

// checkYear warns of a year in which the incident neither begins nor ends.
func (t *tableReader) checkYear() {
	if t.year == 0 {
		t.year = -1
		if t.layout == gedLayout || t.layout == acledLayout {
			if i := slices.IndexFunc(t.columns, func(c string) bool { return fold(c) == "year" }); i >= 0 {
				t.year = i + 1
			}
		}
	}
	in := &t.row.Incident
	if t.year < 0 || t.row.Rejected != nil {
		return
	}
	stated := trim(t.raw[t.year-1])
	year, err := strconv.Atoi(stated)
	if err != nil { // empty, or no number, which nothing is read from
		return
	}
	from, to := in.Start.Time().Year(), in.End.Time().Year()
	if year == from || year == to {
		return
	}
	t.row.Issues = append(t.row.Issues, Issue{Line: t.row.Line, Column: t.columns[t.year-1], Value: excerpt(stated), Code: WarnYearMismatch,
		Reason: fmt.Sprintf("the column says %d, and the date is %s; the date is taken", year, in.Start)})
	in.Warnings = append(in.Warnings, WarnYearMismatch)
}
