package main

import (
	"io"
	"path/filepath"
	"sync"
	"testing"

	"sarhad/api"
	"sarhad/incident"
)

// TestSlowReadersOfPackages: who reads a GeoPackage slowly holds up nobody else until too many files lie on the disk.
func TestSlowReadersOfPackages(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	formats := exportFormats(nil)
	write := formats[len(formats)-1].Write
	none := func(func(*incident.Incident, error) bool) {}
	var readers sync.WaitGroup
	var stuck []*io.PipeReader
	for range maxPackageFiles {
		r, w := io.Pipe()
		stuck = append(stuck, r)
		readers.Go(func() { _ = w.CloseWithError(write(t.Context(), w, api.ExportInfo{}, none)) })
		if _, err := r.Read(make([]byte, 1)); err != nil { // it is made, and more of it waits to be read
			t.Fatal(err)
		}
	}
	if err := write(t.Context(), io.Discard, api.ExportInfo{}, none); incident.CodeOf(err) != incident.CodeUnavailable {
		t.Errorf("with %d files on the disk another one gives %v", maxPackageFiles, err)
	}
	if _, err := io.Copy(io.Discard, stuck[0]); err != nil {
		t.Error(err)
	}
	for _, r := range stuck[1:] {
		_ = r.Close()
	}
	readers.Wait()
	if err := write(t.Context(), io.Discard, api.ExportInfo{}, none); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
