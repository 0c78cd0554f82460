package storetest

import (
	"os"
	"os/exec"
	"testing"
)

// NeedGDAL skips a test where a program of GDAL is missing. In CI, where a
// skipped test would go unseen, it fails it.
func NeedGDAL(t testing.TB, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if _, err := exec.LookPath(name); err == nil {
			continue
		}
		if os.Getenv("CI") != "" { //nolint:forbidigo // only tests call this
			t.Fatalf("%s is not installed (Debian: gdal-bin)", name)
		}
		t.Skipf("SKIPPED: %s is not installed (Debian: gdal-bin)", name)
	}
}
