package postgis_test

import (
	"testing"
	"time"

	"sarhad/data/postgis"
	"sarhad/data/storetest"
)

func TestCopy(t *testing.T) {
	opt := postgis.Options{Now: func() time.Time { return time.Unix(1_790_000_000, 0) }}
	from, to := open(t, opt), open(t, opt)
	defer from.Close()
	defer to.Close()
	storetest.History(t, from)
	storetest.TestCopy(t, from, to)
}
