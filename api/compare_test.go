package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// TestCompareIsTwoAggregates holds that a comparison has the numbers of /aggregates over each of its periods, and that
// it tells none where the other has no row and nothing is loaded.
func TestCompareIsTwoAggregates(t *testing.T) {
	h := mustHandler(t, testConfig(testStores["naive"](t)))
	type row = map[string]any
	rows := func(address string) []row {
		t.Helper()
		rec := do(h, http.MethodGet, address, nil)
		var got struct{ Rows []row }
		if rec.Code != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), &got) != nil {
			t.Fatalf("%s gives %d: %s", address, rec.Code, rec.Body)
		}
		return got.Rows
	}
	periods := []string{"2009-01-01/2009-05-31", "2009-06-01/2010-01-02", "../2019-12-31", "2025-10-01/2025-10-31", "2020-05-05T00:00:00Z/..", "1900-01-01/1901-01-01"}
	told, notTold := 0, 0
	for _, by := range compareKeys {
		for _, filter := range []string{"", "&country=PK", "&dataset=ged,acled", "&q=exchange", "&units_on=2009-06-01", "&count=distinct"} {
			if by != "unit" && strings.Contains(filter, "units_on") {
				continue
			}
			for _, a := range periods {
				for _, b := range periods {
					// An instant in one of the two leaves a dataset out of both.
					if strings.Contains(a, "T") != strings.Contains(b, "T") {
						continue
					}
					want := map[any][2]row{}
					for side, datetime := range []string{a, b} {
						for _, r := range rows(fmt.Sprintf("/aggregates?by=%s&datetime=%s%s", by, datetime, filter)) {
							pair := want[r[by]]
							pair[side] = r
							want[r[by]] = pair
						}
					}
					address := fmt.Sprintf("/compare?by=%s&a=%s&b=%s%s", by, a, b, filter)
					got := rows(address)
					if len(got) != len(want) {
						t.Errorf("%s has %d rows, want %d", address, len(got), len(want))
					}
					for _, r := range got {
						var counts [2]any
						for i, name := range []string{"a", "b"} {
							side := r[name].(row)
							counts[i] = side["count"]
							loaded := side["loaded_days"].(float64)
							delete(side, "loaded_days")
							if w := want[r[by]][i]; w != nil {
								delete(w, by)
								if !reflect.DeepEqual(side, w) {
									t.Errorf("%s: %v has %v for %s, aggregates %v", address, r[by], side, name, w)
								}
							} else if (loaded > 0) != (counts[i] == 0.0) || (loaded == 0) != (counts[i] == nil) {
								t.Errorf("%s: %v counts %v on %v loaded days", address, r[by], counts[i], loaded)
							}
						}
						if counts[0] == nil || counts[1] == nil {
							notTold++
							if r["change"] != nil || r["ratio"] != nil {
								t.Errorf("%s: a change of what is not known: %v", address, r)
							}
							continue
						}
						told++
						if d := counts[1].(float64) - counts[0].(float64); r["change"] != d || (r["ratio"] == nil) != (counts[0] == 0.0) {
							t.Errorf("%s: %v changes by %v, ratio %v", address, counts, r["change"], r["ratio"])
						}
					}
				}
			}
		}
	}
	if told == 0 || notTold == 0 {
		t.Errorf("%d changes were told, %d were not", told, notTold)
	}
}
