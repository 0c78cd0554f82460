package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarhad/data/gpkg"
	"sarhad/data/index"
)

// A large load saves the index, which a server then takes as it is. A small one does not.
func TestImportSavesIndex(t *testing.T) {
	dir := t.TempDir()
	store, large, small := filepath.Join(dir, "s.gpkg"), filepath.Join(dir, "large.csv"), filepath.Join(dir, "small.csv")
	call := func(args ...string) string {
		t.Helper()
		var out, said strings.Builder
		if code := run(t.Context(), args, strings.NewReader(""), &out, &said); code != exitOK {
			t.Fatalf("sarhad %v: exit %d: %s", args, code, said.String())
		}
		return said.String()
	}
	call("generate", "--rows", "10500", "-o", large)
	call("generate", "--rows", "300", "--seed", "9", "-o", small)
	const saved, failed = "Index saved", "the index was not saved"

	call("import", "--store", store, small)
	if said := call("import", "--store", store, "--no-index", large); strings.Contains(said, saved) {
		t.Errorf("with --no-index: %s", said)
	}
	if _, err := os.Stat(store + "-index"); !os.IsNotExist(err) {
		t.Errorf("with --no-index and after a small load there is an index: %v", err)
	}

	if said := call("import", "--store", store, "--dataset", "again", large); strings.Count(said, saved) != 1 {
		t.Errorf("a large load says %q", said)
	}
	file, err := os.Stat(store + "-index")
	if err != nil {
		t.Fatal(err)
	}
	st, err := gpkg.Open(t.Context(), store, gpkg.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	x := index.New(st, index.Options{File: store + "-index"})
	if err := x.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, fresh := x.Size(); n != 21_000 || fresh != 0 {
		t.Errorf("the index holds %d incidents and %d fresh ones, want 21,000 and none", n, fresh)
	}
	if now, err := os.Stat(store + "-index"); err != nil || !os.SameFile(file, now) {
		t.Errorf("a server does not take the file as it is: %v", err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	// Nothing of it keeps a load from being one.
	if err := os.Remove(store + "-index"); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(store+"-index", "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if said := call("import", "--store", store, "--dataset", "third", large); !strings.Contains(said, failed) || strings.Contains(said, saved) {
		t.Errorf("an index that cannot be saved: %q", said)
	}
	if said := call("import", "--store", store, "--dataset", "third", "--quiet", large); said != "" {
		t.Errorf("with --quiet: %q", said)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}
