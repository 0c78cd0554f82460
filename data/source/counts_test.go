package source

import (
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	const feature = `{"type":"Feature","geometry":null,"properties":{"date":"2025-01-01"}}`
	for text, want := range map[string]string{
		"date\n2025-01-01\n":                                        "line",
		`[{"date":"2025-01-01"},{"date":"2025-01-02"}]`:             "record",
		`{"data":[{"date":"2025-01-01"}]}`:                          "record",
		"{\"date\":\"2025-01-01\"}\n{\"date\":\"2025-01-02\"}\n":    "line",
		`{"type":"FeatureCollection","features":[` + feature + `]}`: "feature",
		"[" + feature + "," + feature + "]":                         "feature",
		feature + "\n" + feature + "\n":                             "line",
		"\x1e" + feature + "\n\x1e" + feature + "\n":                "feature",
	} {
		r, err := Open(strings.NewReader(text), Options{File: "f"})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := r.Counts(); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
