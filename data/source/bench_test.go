package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
)

func drain(tb testing.TB, data []byte, opt Options) (n int) {
	tb.Helper()
	r, err := Open(bytes.NewReader(data), opt)
	if err != nil {
		tb.Fatal(err)
	}
	for {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
}

func BenchmarkTable(b *testing.B) {
	var buf bytes.Buffer
	if err := Generate(&buf, 100_000, 1); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n += drain(b, buf.Bytes(), Options{File: "b.csv"})
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkRecords(b *testing.B) {
	var buf bytes.Buffer
	if err := Generate(&buf, 100_000, 1); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(buf.Len()))
	n := 0
	for b.Loop() {
		recs := newRecords(bytes.NewReader(buf.Bytes()), dialect{',', '\n', '"'})
		for {
			if _, err := recs.next(); err != nil {
				break
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		if err := Generate(io.Discard, 100_000, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "rows/s")
}

const gedFile = "../../../shared/data/ucdp_ged_pakistan_1989-2021.csv"

func BenchmarkGED(b *testing.B) {
	data, err := os.ReadFile(gedFile)
	if err != nil {
		b.Skip("the GED file is not on this machine")
	}
	b.SetBytes(int64(len(data)))
	n := 0
	for b.Loop() {
		n += drain(b, data, Options{File: "ged.csv"})
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkGeoJSON(b *testing.B) {
	var buf bytes.Buffer
	buf.WriteString(`{"type":"FeatureCollection","features":[`)
	for i := range 20_000 {
		if i > 0 {
			buf.WriteByte(',')
		}
		fmt.Fprintf(&buf, `{"type":"Feature","id":%d,"geometry":{"type":"Point","coordinates":[71.1,34.1]},"properties":{"event_date":"2025-10-12","event_type":"Battles","actor":"Blue Group","fatalities":3,"notes":"An invented note of the usual length, with some words in it"}}`, i)
	}
	buf.WriteString("]}")
	b.SetBytes(int64(buf.Len()))
	n := 0
	for b.Loop() {
		n += drain(b, buf.Bytes(), Options{File: "b.geojson"})
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
