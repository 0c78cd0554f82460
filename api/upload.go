package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sarhad/incident"
)

const paramMapping = "mapping"

// uploadParams are the parameters of POST /imports and the fields of its form; in the form file is the file itself.
var (
	uploadParams = []string{"file", "format", "dataset", paramMapping, "replace_dataset", "strict", "dry_run", "delay", "blur"}
	booleans     = []string{"true", "false"}
)

// The limits of a form, in bytes but for maxParts. What stands around the file
// can have no more than maxForm.
const (
	maxParts    = 20
	maxField    = 1 << 10
	maxMapping  = 1 << 20
	maxPartHead = 16 << 10
	maxForm     = maxMapping + maxParts*(maxPartHead+maxField)
	maxFileName = 255
)

// uploadBody is the body of an upload. It keeps the time limit of the
// connection away as long as bytes come, and it remembers what was wrong with
// it, since a reader of the file only knows that it could not read.
type uploadBody struct {
	r        io.Reader
	left     int64 // bytes that may still come
	most     int64 // what a file may have, for the message
	head     int64 // bytes that the head of a part may still have, negative outside of one
	patience time.Duration
	renewed  time.Time
	came     int64 // bytes since then
	control  *http.ResponseController
	closing  atomic.Bool // whether the server stops
	err      error       // the reason, as the client is told, nil while all is well
}

func (b *uploadBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if now := time.Now(); b.renewed.IsZero() || now.Sub(b.renewed) > b.patience/60 && b.came >= b.least() {
		_ = b.control.SetReadDeadline(now.Add(b.patience)) // a recorder in tests has none
		b.renewed, b.came = now, 0
	}
	switch {
	case b.closing.Load(): // after the renewal, which may have undone what woke the read
		return 0, b.fail(errClosing())
	case b.head == 0:
		return 0, b.fail(incident.Errorf(incident.CodeInvalid, "The head of a part of the form is longer than %d bytes.", maxPartHead))
	case b.head > 0 && int64(len(p)) > b.head:
		p = p[:b.head]
	}
	if int64(len(p)) > b.left+1 { // one more, to see that there is more
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.came += int64(n)
	if b.head > 0 {
		b.head -= int64(n)
	}
	if b.left -= int64(n); b.left < 0 {
		return 0, b.fail(tooLarge(b.most))
	}
	switch {
	case err == nil, err == io.EOF: //nolint:errorlint // net/http wraps what is none
		return n, err
	case b.closing.Load():
		return n, b.fail(errClosing())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return n, b.fail(&httpError{http.StatusRequestTimeout, fmt.Sprintf("Fewer than %d bytes came in %.0f seconds; the upload was given up and nothing of it is kept.", b.least(), b.patience.Seconds()), nil})
	}
	return n, b.fail(&httpError{http.StatusBadRequest, "The upload broke off before its end; nothing of it is kept.", nil})
}

// least is how many bytes have to come within the patience: a client that sends one now and then would never end.
func (b *uploadBody) least() int64 { return max(1, int64(b.patience.Seconds()*leastBodyRate)) }

// fail remembers why nothing more can be read.
func (b *uploadBody) fail(err error) error {
	if b.err == nil {
		b.err = err
	}
	return b.err
}

func errClosing() error {
	return &httpError{http.StatusServiceUnavailable, "The server is about to stop; try again later.", nil}
}

func tooLarge(most int64) error {
	return incident.Errorf(incident.CodeTooLarge, "The file is larger than %s, the most that this server takes; pack it with gzip, divide it, or load it with sarhad import.", bytesInWords(most))
}

func bytesInWords(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"GB", 1e9}, {"GiB", 1 << 30}, {"MB", 1e6}, {"MiB", 1 << 20}, {"kB", 1e3}} {
		if n >= u.size && n%u.size == 0 {
			return fmt.Sprintf("%d %s (%d bytes)", n/u.size, u.name, n)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// formBoundary gives the boundary of a form, "" for a body that is the file itself.
func formBoundary(contentType string) (string, error) {
	media, args, err := mime.ParseMediaType(contentType)
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "multipart/") {
		return "", nil
	}
	if err != nil || media != "multipart/form-data" || args["boundary"] == "" {
		return "", &httpError{http.StatusUnsupportedMediaType, "A body in parts must be multipart/form-data with a boundary; anything else is taken as the file itself.",
			[]string{"multipart/form-data", "application/octet-stream"}}
	}
	return args["boundary"], nil
}

// readForm reads the fields of a form into p and returns the file, which is the
// last part. The file is not kept here, so what comes after it cannot count.
func readForm(body *uploadBody, boundary string, p params) (io.Reader, error) {
	parts := multipart.NewReader(body, boundary)
	for range maxParts {
		part, err := nextPart(body, parts)
		if err == io.EOF { //nolint:errorlint // wrapped, it is a form that breaks off
			return nil, wrongParameter("file", nil, "The form has no part named file.")
		}
		if err != nil {
			return nil, err
		}
		name := part.FormName()
		if name == "file" {
			if _, ok := p["file"]; !ok { // the query goes first
				p["file"] = part.FileName()
			}
			return &lastPart{body, parts, part, body.most}, nil
		}
		if !slices.Contains(uploadParams, name) {
			return nil, wrongParameter(strings.ToValidUTF8(name, "\ufffd"), uploadParams, "There is no field %s here; known are: %s.", quoted(name), listed(uploadParams))
		}
		most := maxField
		if name == paramMapping {
			most = maxMapping
		}
		value, err := io.ReadAll(io.LimitReader(part, int64(most)+1))
		if err != nil {
			return nil, brokenForm(body)
		}
		if len(value) == 0 {
			continue // a form sends what was left empty
		}
		if _, ok := p[name]; ok {
			return nil, wrongParameter(name, nil, "%s is given twice; give it once.", name)
		}
		if err := checkValue(name, string(value), most); err != nil {
			return nil, err
		}
		p[name] = string(value)
	}
	return nil, incident.Errorf(incident.CodeInvalid, "The form has more than %d parts.", maxParts)
}

// nextPart reads the head of a part, which may not be long. After the last it gives the bare io.EOF.
func nextPart(body *uploadBody, parts *multipart.Reader) (*multipart.Part, error) {
	body.head = maxPartHead
	part, err := parts.NextRawPart()
	body.head = -1
	if err != nil && err != io.EOF { //nolint:errorlint // wrapped, it is a form that breaks off
		return nil, brokenForm(body)
	}
	return part, err
}

// brokenForm is the error for a form that cannot be read.
func brokenForm(body *uploadBody) error {
	return body.fail(incident.Errorf(incident.CodeInvalid, "The form cannot be read: it breaks off or is not multipart/form-data with the boundary that its header names."))
}

// lastPart reads the file of a form. Its end is the end only if nothing follows.
type lastPart struct {
	body  *uploadBody
	parts *multipart.Reader
	file  *multipart.Part
	left  int64 // bytes that may still come
}

func (l *lastPart) Read(p []byte) (int, error) {
	n, err := l.file.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, l.body.fail(tooLarge(l.body.most))
	}
	switch {
	case err == nil:
		return n, nil
	case err != io.EOF: //nolint:errorlint // as nextPart
		return n, brokenForm(l.body)
	}
	next, err := nextPart(l.body, l.parts)
	if err != nil {
		return n, err
	}
	return n, l.body.fail(incident.Errorf(incident.CodeInvalid, "The part %s comes after the file; the file is the last part, so that the fields are known before it.", quoted(next.FormName())))
}

// fileName makes of what a client calls a file the name that is kept: no
// folders, no marks that turn the direction of a text, "upload" if nothing is left.
func fileName(name string) (string, error) {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if err := checkValue("file", name, maxFileName); err != nil {
		return "", err
	}
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029 || r == 0x200e || r == 0x200f || r == 0x61c || r == 0xfeff {
			return -1
		}
		return r
	}, name))
	if strings.Trim(name, ".") == "" {
		return "upload", nil
	}
	return name, nil
}
