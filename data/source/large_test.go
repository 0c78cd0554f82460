package source

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// repeat gives a text n times, without holding it.
func repeat(text string, n int64) io.Reader {
	pr, pw := io.Pipe()
	go func() {
		block := []byte(strings.Repeat(text, 64<<10/len(text)))
		for left := n * int64(len(text)); left > 0; left -= int64(len(block)) {
			if _, err := pw.Write(block[:min(left, int64(len(block)))]); err != nil {
				return // nobody reads any more
			}
		}
		pw.Close()
	}()
	return pr
}

// largeFiles makes those broken files that are too large to be kept.
func largeFiles(t *testing.T) map[string]struct {
	r    func() io.Reader
	want broken
} {
	t.Helper()
	const mb = 1 << 20
	bomb := func(pack func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		w := pack(&b)
		_, err := io.Copy(w, io.MultiReader(strings.NewReader(brokenHeader), repeat("x", 200*mb)))
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gz := bomb(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	var zipped bytes.Buffer
	zw := zip.NewWriter(&zipped)
	w, err := zw.Create("a.csv")
	if err == nil {
		_, err = io.Copy(w, io.MultiReader(strings.NewReader(brokenHeader), repeat("x", 200*mb)))
	}
	if err == nil {
		err = zw.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	book := rewritten(t, workbook(t, [][]any{{"id", "date"}, {"a", "2020-01-02"}}, false), "xl/worksheets/sheet1.xml", func(s string) string {
		return strings.Replace(s, "<sheetData>", "<sheetData>"+strings.Repeat(" ", 100*mb), 1)
	})
	row := "a,2020-01-02,3,34.1,71.2,A place,words\n"
	type file = struct {
		r    func() io.Reader
		want broken
	}
	of := func(b []byte) func() io.Reader { return func() io.Reader { return bytes.NewReader(b) } }
	return map[string]file{
		"gzip bomb": {of(gz), broken{says: "200 times its size"}},
		"zip bomb":  {of(zipped.Bytes()), broken{says: "200 times its size"}},
		"xlsx bomb": {of(book), broken{says: "200 times its size"}},
		"a line of 100 MB": {func() io.Reader {
			return io.MultiReader(strings.NewReader(brokenHeader+row), repeat("x", 100*mb), strings.NewReader("\nb,2020-01-02,,,,,\n"))
		}, broken{rows: 2, bad: "3:record_too_long"}},
		"a field of 100 MB": {func() io.Reader {
			return io.MultiReader(strings.NewReader(brokenHeader+row+"b,2020-01-02,,,,,\""), repeat("x", 100*mb), strings.NewReader("\"\nc,2020-01-02,,,,,\n"))
		}, broken{rows: 2, bad: "3:record_too_long"}},
		"a feature of 100 MB": {func() io.Reader {
			return io.MultiReader(strings.NewReader(`{"type":"FeatureCollection","features":[{"type":"Feature","x":"`), repeat("x", 100*mb), strings.NewReader(`"}]}`))
		}, broken{says: "longer than 1 MB"}},
		"no line end": {func() io.Reader { return repeat("\x00", 1<<40) }, broken{says: "no line end in 200 MB"}},
		"no line end of JSON": {func() io.Reader {
			return io.MultiReader(strings.NewReader("{\"date\":\"2020-01-02\"}\n{"), repeat("x", 1<<40))
		}, broken{says: "no line end in 200 MB"}},
		"100 MB of blanks":  {func() io.Reader { return repeat(" ", 100*mb) }, broken{says: ""}},
		"100 MB deep":       {func() io.Reader { return repeat("[", 100*mb) }, broken{says: "broken"}},
		"100 MB of objects": {func() io.Reader { return repeat(`{"a":`, 20*mb) }, broken{says: ""}},
	}
}

// What is too large is refused in little memory.
func TestLargeFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("makes files of 100 MB")
	}
	t.Setenv("TMPDIR", t.TempDir())
	for name, c := range largeFiles(t) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			if c.want.says == "" && c.want.rows == 0 {
				r, err := Open(c.r(), Options{File: "f"})
				for err == nil {
					_, err = r.Next()
				}
				if len(fmt.Sprint(err)) > 1000 {
					t.Errorf("%.2000v", err)
				}
			} else {
				check(t, c.r(), Options{File: "f"}, c.want)
			}
			runtime.ReadMemStats(&after)
			if grown := int64(after.Sys) - int64(before.Sys); grown > 100<<20 {
				t.Errorf("memory grows by %d MB", grown>>20)
			}
		})
	}
	if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) > 0 {
		t.Errorf("temporary files stay: %v %v", files, err)
	}
}
