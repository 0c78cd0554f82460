package source

import (
	"bytes"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

func TestCodePages(t *testing.T) {
	for name, c := range map[string]struct {
		page encoding.Encoding
		text string
		want *charmap.Charmap
		bad  bool
	}{
		"Persian":    {charmap.Windows1256, "پشاور، چهار باغ نزديك", charmap.Windows1256, false},
		"one word":   {charmap.Windows1256, "خوست بازار", charmap.Windows1256, false},
		"French":     {charmap.Windows1252, "L'été dernier, des blessés à Peshawar, créée près de là", charmap.Windows1252, false},
		"German":     {charmap.Windows1252, "Straßenüberfall in der Nähe, größer als früher", charmap.Windows1252, false},
		"Russian":    {charmap.Windows1251, "События в городе Пешавар и рядом", nil, true},
		"Greek":      {charmap.Windows1253, "επίθεση στην πόλη κοντά στα σύνορα", nil, true},
		"Hebrew":     {charmap.Windows1255, "אירוע ליד הגבול של פקיסטן", nil, true},
		"Chinese":    {simplifiedchinese.GBK, "白沙瓦附近发生爆炸事件造成多人死亡", nil, true},
		"no letters": {charmap.Windows1252, "plain", nil, false},
	} {
		b, err := c.page.NewEncoder().Bytes([]byte(c.text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b = bytes.Join([][]byte{[]byte("id,date,notes\na,2020-01-02,"), b, []byte("\n")}, nil)
		page, err := codePage(b, true)
		if page != c.want || (err != nil) != c.bad {
			t.Errorf("%s: got %v, %v", name, page, err)
		}
	}
}

// TestGuessedEncoding holds that a guess is said at each row that it matters for.
func TestGuessedEncoding(t *testing.T) {
	text, err := charmap.Windows1256.NewEncoder().String("id,date,location\na,2020-01-02,خوست بازار\nb,2020-01-02,Khost\n")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(bytes.NewReader([]byte(text)), Options{File: "a.csv"})
	if err != nil {
		t.Fatal(err)
	}
	row, err := r.Next()
	if err != nil || row.Incident.LocationName != "خوست بازار" || len(row.Issues) != 1 || row.Issues[0].Code != WarnSuspiciousEncoding {
		t.Errorf("%v %+v", err, row)
	}
	if row, err = r.Next(); err != nil || len(row.Issues) > 0 {
		t.Errorf("%v %+v", err, row)
	}
}
