package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

// Ctrl-C ends a command that waits for questions; what was answered is out.
func TestGeocodeStopsWhileItWaits(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	in, questions := io.Pipe()
	answers, out := io.Pipe()
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"geocode", "--no-learned", "--stdin"}, in, out, io.Discard) }()
	if _, err := io.WriteString(questions, "{\"adm2\":\"Kech\"}\n{\"adm"); err != nil {
		t.Fatal(err)
	}
	var first struct{ Unit_id string }
	if err := json.NewDecoder(answers).Decode(&first); err != nil || first.Unit_id != "pk-ba-kech" {
		t.Fatalf("%+v, %v", first, err)
	}
	stop()
	select {
	case c := <-code:
		if c != exitFailed {
			t.Errorf("the exit code is %d", c)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits on")
	}
}

// A line beyond the limit is answered like any other that is broken, and the next one is read.
func TestGeocodeLongLine(t *testing.T) {
	in := `{"text":"` + strings.Repeat("Kech ", 300_000) + "\"}\n{\"adm2\":\"Kech\"}\n" + `{"text":"` + strings.Repeat("x ", 200_000) + `"}`
	var out, said bytes.Buffer
	if c := run(t.Context(), []string{"geocode", "--no-learned", "--stdin"}, strings.NewReader(in), &out, &said); c != exitOK {
		t.Fatalf("exit code %d: %s", c, said.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"code":"too_large"`) || !strings.Contains(lines[0], `"line":1`) ||
		!strings.Contains(lines[1], `"unit_id":"pk-ba-kech"`) || !strings.Contains(lines[2], `"status":`) {
		t.Errorf("the answers are %.300q", lines)
	}
}

// The span of a candidate counts the characters of the field that it rests on.
func TestGeocodeField(t *testing.T) {
	in := `{"adm1":"Balochistan","adm2":"Kech"}` + "\n" + `{"adm1":"Khyber Pakhtunkhwa","text":"at طورخم"}`
	var out, said bytes.Buffer
	if c := run(t.Context(), []string{"geocode", "--no-learned", "--stdin"}, strings.NewReader(in), &out, &said); c != exitOK {
		t.Fatalf("exit code %d: %s", c, said.String())
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{`"field":"adm2","span":[0,4]`, `"field":"text","span":[3,8]`} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("there is no %s in %s", want, lines[i])
		}
	}
}
