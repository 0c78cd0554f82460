package gazetteer

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"

	"sarhad/data/bundle"
	"sarhad/incident"
)

func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if incident.CodeOf(err) != incident.CodeInvalid {
		t.Fatalf("the error is %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in %v", w, err)
		}
	}
}

// A feature that says it is a unit and lies elsewhere is an error that names it.
func TestBoundariesElsewhere(t *testing.T) {
	units := bundled(t)
	kech := unitByID(t, units, "pk-ba-kech")
	_, err := ReadBoundaries(write(t, "far.geojson", collection(feat(t, square(71, 34, 0.2), "ADM2_PCODE", kech.PCode, "ADM2_EN", "Somewhere"))), units)
	refused(t, err, "feature 1 (Somewhere)", "Kech (pk-ba-kech)", "km away")
	_, err = ReadBoundaries(write(t, "id.geojson", collection(feat(t, square(26, 63, 0.2), "id", "pk-ba-kech"))), units)
	refused(t, err, "feature 1", "Kech", "exchanged")
	_, err = ReadBoundaries(write(t, "turned.geojson", collection(feat(t, square(26, 63, 0.2), "name", "Kech", "country", "PK"))), units)
	refused(t, err, "feature 1 (Kech)", "outside Pakistan and Afghanistan", "exchanged")
	b, err := ReadBoundaries(write(t, "near.geojson", collection(feat(t, square(63.2, 26.2, 0.2), "ADM2_PCODE", kech.PCode))), units)
	if err != nil || b.Matched != 1 || b.Doubts != nil {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestBoundariesDoubts(t *testing.T) {
	units := bundled(t)
	bow := orb.Polygon{{{66, 28}, {67, 29}, {67, 28}, {66, 28.9}, {66, 28}}}
	b, err := ReadBoundaries(write(t, "odd.geojson", collection(
		feat(t, square(63, 26, 0.4), "name", "One"), feat(t, square(63.2, 26, 0.4), "name", "Two"), feat(t, square(63.8, 26, 0.2), "name", "Three"), feat(t, bow, "name", "Bow"))), units)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.Doubts, "\n"); !strings.Contains(got, "feature 4 (Bow) crosses itself") || !strings.Contains(got, "feature 1 (One) and feature 2 (Two) overlap") || strings.Contains(got, "Three") {
		t.Error(got)
	}
	// What is bundled has none, and is looked at in no time.
	var features []feature
	for i := range units {
		features = append(features, feature{number: i + 1, geometry: units[i].Geometry})
	}
	start := time.Now()
	if got := doubtful(features, make([]described, len(features)), units); got != nil || time.Since(start) > 10*time.Second {
		t.Errorf("%v in %s", got, time.Since(start))
	}
	// Edges that all lie beside each other end the search.
	var comb orb.Ring
	for i := range 100_000 {
		comb = append(comb, orb.Point{60 + float64(i%2)*10, 30 + float64(i)*1e-5})
	}
	pairs := 1_000_000
	if _, found := selfCrossing(orb.MultiPolygon{{append(comb, comb[0])}}, &pairs); found || pairs >= 0 {
		t.Errorf("found %v, %d pairs are left", found, pairs)
	}
}

// The id of a former unit or a subunit means something else.
func TestBoundariesTakenIDs(t *testing.T) {
	sources, err := bundle.Sources()
	if err != nil {
		t.Fatal(err)
	}
	var taken []string
	for i := range sources.Formers {
		taken = append(taken, sources.Formers[i].ID)
	}
	b, err := ReadBoundaries(write(t, "fata.geojson", collection(feat(t, square(70, 33, 0.1), "name", "FATA", "country", "PK"))), bundled(t), taken...)
	if err != nil || b.Units[0].ID != "pk-fata-2" {
		t.Errorf("%+v, %v", b, err)
	}
}

// A pipe is refused at once, and not waited for.
func TestPipesAreRefused(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := exec.CommandContext(t.Context(), "mkfifo", pipe).Run(); err != nil {
		t.Skip("SKIPPED: no pipe can be made:", err)
	}
	for _, path := range []string{pipe, os.DevNull} {
		_, err := ReadBoundaries(path, bundled(t))
		refused(t, err, "a pipe or a device")
		_, err = ReadPlaces(path, orb.Bound{})
		refused(t, err, "a pipe or a device")
	}
}

// Collections within collections are not followed.
func TestWKBKinds(t *testing.T) {
	head := func(kind, n uint32) []byte {
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32([]byte{1}, kind), n)
	}
	var deep []byte
	for range 1_000_000 {
		deep = append(deep, head(7, 1)...)
	}
	whole, err := wkb.Marshal(orb.MultiPolygon{square(63, 26, 1), square(66, 26, 1)})
	if err != nil {
		t.Fatal(err)
	}
	one, err := wkb.Marshal(square(63, 26, 1))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		wkb  []byte
		want string
	}{
		"a polygon":                 {one, ""},
		"several":                   {whole, ""},
		"collections":               {deep, "is a GeometryCollection"},
		"collections among several": {append(head(6, 1), deep...), "holds what is no polygon"},
		"cut":                       {whole[:len(whole)-1], "ends too early"},
		"too many":                  {head(6, 1<<31), "ends too early"},
		"too many rings":            {head(3, 1<<31), "ends too early"},
		"unknown":                   {head(99, 1), "unknown kind"},
		"nothing":                   {nil, "ends too early"},
	} {
		if got := checkWKB(c.wkb); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for end := range whole {
		if checkWKB(whole[:end]) == "" {
			t.Fatalf("%d of %d bytes are a geometry", end, len(whole))
		}
	}
}

func TestTooManyNames(t *testing.T) {
	var b strings.Builder
	b.WriteString("name,lat,lon,variants\n")
	for i := range maxAllNames/20 + 1 {
		b.WriteString("Place ")
		b.WriteString(letters(i, 0))
		b.WriteString(",30,67,")
		for n := range 20 {
			b.WriteString(letters(i, n+1))
			b.WriteByte('|')
		}
		b.WriteByte('\n')
	}
	_, err := ReadPlaces(write(t, "many.csv", b.String()), orb.Bound{Min: orb.Point{60, 20}, Max: orb.Point{80, 40}})
	if incident.CodeOf(err) != incident.CodeTooLarge || !strings.Contains(err.Error(), "names") {
		t.Error(err)
	}
}

// letters is a name that no other two numbers have.
func letters(a, b int) string {
	s := []byte{'z'}
	for n := a*32 + b + 1; n > 0; n /= 16 {
		s = append(s, "bcdfghjklmnpqrst"[n%16])
	}
	return string(append(s, "am"...))
}
