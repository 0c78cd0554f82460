package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sarhad/data/ingest"
	"sarhad/data/upload"
	"sarhad/incident"
)

// uploadFlag says whether and how files are taken over HTTP.
type uploadFlag struct {
	WriteToken string   `help:"Take files over HTTP from those who show this token. Better given in the environment, where other users do not see it." env:"SARHAD_WRITE_TOKEN" placeholder:"TOKEN"`
	UploadDir  string   `help:"Folder for files that wait to be loaded; beside the store unless given. It outlives the server." placeholder:"DIR" type:"path"`
	MaxUpload  byteSize `help:"Largest file to take over HTTP: a number of MB, or with kB, MB, GB, KiB, MiB or GiB." default:"2GB" placeholder:"SIZE"`
}

// minToken is the shortest token in characters: nobody guesses 64 random bits over HTTP.
const minToken = 16

// check refuses a token that could be guessed or cannot stand in a header, which
// it never shows, and finds the folder for what waits.
func (f *uploadFlag) check(at address) error {
	if f.UploadDir == "" {
		f.UploadDir = at.uploads()
	}
	t := f.WriteToken
	if t == "" {
		return nil
	}
	if f.UploadDir == "" {
		return errors.New("files that are taken over HTTP wait in a folder, and a database has none: give one with --upload-dir")
	}
	var wrong string
	switch {
	case len(t) < minToken:
		wrong = fmt.Sprintf("is shorter than %d characters", minToken)
	case len(t) > 1024:
		wrong = "is longer than 1024 characters"
	case strings.ContainsFunc(t, func(r rune) bool { return r <= ' ' || r > '~' }):
		wrong = "has spaces or other than ASCII characters"
	default:
		return nil
	}
	return fmt.Errorf("the write token (--write-token or SARHAD_WRITE_TOKEN) %s; make one with: openssl rand -hex 16", wrong)
}

// byteSize is a number of bytes, written like "2GB".
type byteSize int64

var byteUnits = map[string]float64{"": 1e6, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}

// UnmarshalText reads a size. A bare number counts MB.
func (b *byteSize) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, known := byteUnits[strings.ToUpper(s[len(digits):])]
	n, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	size := n * unit
	if err != nil || !known || !(size >= 1 && size <= 1<<50) || size != math.Trunc(size) {
		return fmt.Errorf("%q is not a size; write 500MB or 2GB", s)
	}
	*b = byteSize(size)
	return nil
}

// uploads takes files over HTTP while the server runs.
type uploads struct {
	queue *upload.Queue
	stop  context.CancelFunc
	runs  sync.WaitGroup
}

// startUploads opens the queue beside a store and begins to load what waits in
// it; nil while nobody may write. A load that a server did not finish goes on,
// and one is done when shows has it.
func (c *serveCmd) startUploads(e *env, st store, shows incident.Reader, known *places) (*uploads, error) {
	if c.WriteToken == "" {
		list, err := st.Tokens(e.ctx)
		if err != nil {
			return nil, err
		}
		now := time.Now()
		if c.UploadDir == "" || !slices.ContainsFunc(list, func(t incident.Token) bool { return t.Valid(now) && t.Scope.Allows(incident.ScopeWrite) }) {
			return nil, nil //nolint:nilnil // none is wanted
		}
	}
	q, err := upload.Open(e.ctx, upload.Options{Dir: c.UploadDir, Store: st, Shows: shows, MaxBytes: int64(c.MaxUpload), Log: e.log,
		Locator: func(dataset string) ingest.Locator { return known.locator(e, c.view(st, known), dataset) }})
	if err != nil {
		return nil, err
	}
	u := &uploads{queue: q}
	// Its own context: the load at hand ends when the server takes nothing more.
	ctx, stop := context.WithCancel(context.WithoutCancel(e.ctx))
	u.stop = stop
	u.runs.Go(func() { q.Run(ctx) })
	return u, nil
}

// end takes the load at hand back, which waits for the next start, and lets go of the spool.
func (u *uploads) end() error {
	if u == nil {
		return nil
	}
	u.stop()
	u.runs.Wait()
	return u.queue.Close()
}

// loader is the queue as the interface knows it, nil if there is none.
func (u *uploads) loader() incident.Loader {
	if u == nil {
		return nil
	}
	return u.queue
}
