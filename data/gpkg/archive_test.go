package gpkg_test

import (
	"path/filepath"
	"testing"
	"time"

	"sarhad/data/gpkg"
	"sarhad/data/storetest"
)

func TestCopy(t *testing.T) {
	opt := gpkg.Options{Now: func() time.Time { return time.Unix(1_790_000_000, 0) }}
	from, to := open(t, filepath.Join(t.TempDir(), "from.gpkg"), opt), open(t, filepath.Join(t.TempDir(), "to.gpkg"), opt)
	defer from.Close()
	defer to.Close()
	storetest.History(t, from)
	storetest.TestCopy(t, from, to)
}
