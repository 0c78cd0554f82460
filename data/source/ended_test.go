package source

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"sarhad/incident"
)

// TestEnded holds that a reader stops with whoever reads, also where no record ever comes.
func TestEnded(t *testing.T) {
	for name, text := range map[string]string{"lines without anything": "\n", "zeros": "\x00", "rows": "a,2020-01-02\n"} {
		ctx, cancel := context.WithCancel(t.Context())
		reads := 0
		endless := io.MultiReader(strings.NewReader("id,date\nb,2020-01-03\n"), repeat(text, 1<<40))
		r, err := Open(endless, Options{File: "f.csv", Ended: func() error {
			if reads++; reads > 20 {
				cancel()
			}
			return ctx.Err()
		}})
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, context.Canceled) || incident.CodeOf(err) == incident.CodeInvalid {
			t.Errorf("%s: got %v", name, err)
		}
		cancel()
	}
}
