package source

import (
	"bytes"
	"encoding/csv"
	"os"
	"slices"
	"strings"
	"testing"
)

// UCDP's releases differ in their columns: the yearly ones have 49, HDX adds
// iso3 and a row of tags, early ones have best_est, low_est and high_est, and
// candidate releases may come with other separators or as a workbook.
func TestGEDReleases(t *testing.T) {
	text, err := os.ReadFile("testdata/ged.csv")
	if err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if isTagRow(table[1]) {
		table = slices.Delete(table, 1, 2)
	}
	written := func(change func(header []string) (rename map[string]string, drop []string)) string {
		rename, drop := change(table[0])
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		for i, row := range table {
			var out []string
			for j, v := range row {
				if slices.Contains(drop, table[0][j]) {
					continue
				}
				if n, ok := rename[v]; ok && i == 0 {
					v = n
				}
				out = append(out, v)
			}
			_ = w.Write(out)
		}
		w.Flush()
		return b.String()
	}
	ids := func(text string) (out []string, layout string) {
		r, err := Open(strings.NewReader(text), Options{File: "GEDEvent_v23_0_4.csv"})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range readAll(t, r) {
			out = append(out, row.Incident.ID+row.Incident.Start.String()+row.Incident.Actor1+strings.Repeat("+", row.Incident.Best.N))
		}
		return out, r.Layout()
	}
	want, _ := ids(string(text))
	for name, change := range map[string]func([]string) (map[string]string, []string){
		"yearly": func([]string) (map[string]string, []string) { return nil, []string{"iso3"} },
		"early": func([]string) (map[string]string, []string) {
			return map[string]string{"best": "best_est", "low": "low_est", "high": "high_est"}, []string{"iso3", "source_headline", "event_clarity", "code_status"}
		},
		"upper case": func(h []string) (map[string]string, []string) {
			m := map[string]string{}
			for _, c := range h {
				m[c] = strings.ToUpper(c)
			}
			return m, nil
		},
	} {
		if got, layout := ids(written(change)); layout != FormatGED || !slices.Equal(got, want) {
			t.Errorf("%s: read as %s:\n%v\nwant\n%v", name, layout, got, want)
		}
	}
}

func TestHXLTags(t *testing.T) {
	for tag, want := range map[string]field{
		"#date": fStart, "#date +start": fStart, "#date+end": fEnd, "#geo+lat": fLat, "#Geo+Lon": fLon, "#adm1+name+en": fAdm1, "#adm2+name": fAdm2,
		"#event+type": fEventType, "#affected+killed": fBest, "#country+name+i_en": fCountry, "#description": fSummary,
	} {
		if f, ok := hxlField(tag); !ok || f != want {
			t.Errorf("%s: %d %v, want %d", tag, f, ok, want)
		}
	}
	// A part of the killed, codes and dates of something else are none of our fields.
	for _, tag := range []string{"#affected+killed+f", "#adm1+code", "#date+reported", "#geo", "", "#"} {
		if f, ok := hxlField(tag); ok {
			t.Errorf("%s is taken as %d", tag, f)
		}
	}
	// A tag over two columns means neither.
	got := summary(t, "a,b,c\n#date,#date,#event+id\n2020-01-01,2020-01-02,x\n", Options{File: "f.csv"})
	if !strings.Contains(got, "no column for the date") {
		t.Error(got)
	}
	got = summary(t, "kod,b,c\n#event+id,#date,#affected+killed\nx,2020-01-02,3\ny,2020-01-02,many\n", Options{File: "f.csv"})
	if got != "table 3:x 4:bad_number" {
		t.Error(got)
	}
}

func TestEncodings(t *testing.T) {
	for text, want := range map[string]bool{
		"the peopleâ€™s": true, "Ø§ÙˆÙ„": true, "cafÃ©": true, "lost \ufffd letter": true, "control \u0085": true,
		"café": false, "Ünal, Ça, Éa": false, "پشاور": false, "“quoted”": false, "à la": false, "": false, "Straße 3 §": false,
	} {
		if got := suspicious(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	// Far below the first MB a letter decides as well as at the top.
	head := "id,date,notes\n" + strings.Repeat("a,x,plain\n", 200_000)
	r, err := Open(strings.NewReader(head+"b,2020-01-02,caf\xe9\n"), Options{File: "f.csv"})
	if err != nil {
		t.Fatal(err)
	}
	rows := readAll(t, r)
	if last := rows[len(rows)-1]; last.Rejected != nil || last.Incident.Summary != "café" || last.Line != 200_002 {
		t.Errorf("%+v", last)
	}
	r, err = Open(strings.NewReader("id,date,notes\na,2020-01-02,Ø§ÙˆÙ„\n"), Options{File: "f.csv"})
	if err != nil {
		t.Fatal(err)
	}
	row := readAll(t, r)[0]
	if row.Rejected != nil || len(row.Issues) != 1 || row.Issues[0].Code != WarnSuspiciousEncoding || row.Issues[0].Column != "notes" || row.Incident.Summary != "Ø§ÙˆÙ„" {
		t.Errorf("%+v", row)
	}
}

func TestDialects(t *testing.T) {
	for text, want := range map[string]dialect{
		"a,b\n1,2\n":                           {',', '\n', '"'},
		"a;b\n1,5;2,5\n3,5;4,5\n":              {';', '\n', '"'},
		"a\tb,c\n1\t2\n":                       {'\t', '\n', '"'},
		"a|b|c\r1|2|3\r":                       {'|', '\r', '"'},
		"Title, of a list, 2020\na;b;c\n1;2;3": {';', '\n', '"'},
		"'a','b'\n'1','it''s'\n":               {',', '\n', '\''},
		"date\n2020-01-01\n":                   {',', '\n', '"'},
		"a,b\n1,x; y; z\n2,x; y\n":             {',', '\n', '"'},
	} {
		if got := dialectOf([]byte(text)); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
