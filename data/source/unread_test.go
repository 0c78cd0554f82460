package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUnread holds that no column is left aside without a word.
func TestUnread(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"all.csv", "id,date,notes\na,2020-01-02,x\n", nil},
		{"some.csv", "Ref,date,Injured people,,notes\na,2020-01-02,3,,x\n", []string{"Ref", "Injured people"}},
		{"acled.csv", "event_id_cnty,event_date,tags,region,mine\na,2020-01-02,,,x\n", []string{"mine"}},
		{"a.geojson", `{"type":"FeatureCollection","features":[{"type":"Feature","geometry":null,"properties":{"date":"2020-01-02","ref":1,"notes":"x"}}]}`, []string{"ref"}},
		{"a.ndjson", `{"date":"2020-01-02","ref":1}` + "\n", []string{"ref"}},
	} {
		r, err := Open(strings.NewReader(c.text), Options{File: c.name})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if diff := cmp.Diff(c.want, r.Unread()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if r.Notes() != nil {
			t.Errorf("%s: notes %v", c.name, r.Notes())
		}
		_ = r.Close()
	}
}
