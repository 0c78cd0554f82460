package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"sarhad/incident"
)

// input is a file to load or standard input. It can be opened again and again,
// the latter as long as what was read of it is kept in a copy.
type input struct {
	name, path string // path is "" for standard input
	size       int64  // 0 if not known
	stdin      io.Reader
	copied     *os.File // of standard input, nil if there is none
	copyErr    error    // why the copy is not whole
	opened     bool
}

func (c *importCmd) input(e *env, file string) (*input, error) {
	if file == "-" {
		return &input{name: "standard input", stdin: e.stdin}, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, unnamed(err)
	}
	if info.IsDir() {
		return nil, incident.Errorf(incident.CodeInvalid, "this is a folder; name the files in it")
	}
	return &input{name: filepath.Base(file), path: file, size: info.Size()}, nil
}

// unnamed takes the name of the file out of an error, for a message that begins with it.
func unnamed(err error) error {
	var said *fs.PathError
	if errors.As(err, &said) {
		return said.Err
	}
	return err
}

// open gives a reader of the input from its beginning.
func (in *input) open() (io.ReadCloser, error) {
	if in.path != "" {
		f, err := os.Open(in.path)
		if err != nil {
			return nil, unnamed(err)
		}
		return f, nil
	}
	if !in.opened {
		in.opened = true
		in.copied, in.copyErr = os.CreateTemp("", "sarhad-stdin-*")
		return io.NopCloser(copying{in}), nil
	}
	if in.copyErr == nil {
		_, in.copyErr = in.copied.Seek(0, io.SeekStart)
	}
	if in.copyErr != nil {
		return nil, fmt.Errorf("read standard input again: %w", in.copyErr)
	}
	return io.NopCloser(in.copied), nil
}

// errNotKept is why nobody reads standard input twice that holds one dataset.
var errNotKept = errors.New("no copy of it was kept")

// keep says whether a copy of standard input may be needed; it is let go if not.
func (in *input) keep(needed bool) {
	if needed || in.copied == nil || in.copyErr != nil {
		return
	}
	in.copyErr = errors.Join(errNotKept, in.close())
}

// close removes the copy.
func (in *input) close() error {
	if in == nil || in.copied == nil {
		return nil
	}
	f := in.copied
	in.copied = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// copying reads standard input and copies it. What cannot be copied is read all
// the same: only a second load needs the copy.
type copying struct{ in *input }

func (c copying) Read(p []byte) (int, error) {
	n, err := c.in.stdin.Read(p)
	if c.in.copied != nil && c.in.copyErr == nil {
		_, c.in.copyErr = c.in.copied.Write(p[:n])
	}
	return n, err
}
