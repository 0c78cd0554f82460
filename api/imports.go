package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"sarhad/incident"
)

const (
	importsPath = "/imports"
	mediaEvents = "text/event-stream"
	// heartbeatEvery keeps proxies from taking a silent stream of events for a dead one.
	heartbeatEvery = 15 * time.Second
)

func isImportsPath(p string) bool { return p == importsPath || strings.HasPrefix(p, importsPath+"/") }

// jobAnswer is an upload as clients see it.
type jobAnswer struct {
	ID         string          `json:"id"`
	State      string          `json:"state"`
	Import     *int64          `json:"import"`
	File       string          `json:"file"`
	Format     string          `json:"format"`
	Dataset    *string         `json:"dataset"`
	Replace    bool            `json:"replace_dataset"`
	Strict     bool            `json:"strict"`
	DryRun     bool            `json:"dry_run"`
	Who        *string         `json:"who"`
	Ahead      int             `json:"ahead"`
	Rows       int64           `json:"rows"`
	Bytes      int64           `json:"bytes"`
	TotalBytes *int64          `json:"total_bytes"`
	Received   *string         `json:"received"`
	Started    *string         `json:"started"`
	Ended      *string         `json:"ended"`
	Report     json.RawMessage `json:"report"`
	Problem    *string         `json:"problem"`
	Rejects    bool            `json:"rejects"`
	Links      []link          `json:"links"`
}

func (s *server) jobAnswer(r *http.Request, j *incident.Job) jobAnswer {
	self := s.base(r) + importsPath + "/" + url.PathEscape(j.ID)
	a := jobAnswer{ID: j.ID, State: string(j.State), Import: positive(j.ImportID), File: j.File, Format: orDefault(j.Format, "auto"), Dataset: orNull(j.Dataset),
		Replace: j.Replace, Strict: j.Strict, DryRun: j.DryRun, Who: orNull(j.Who), Ahead: j.Ahead, Rows: j.Rows, Bytes: j.Bytes, TotalBytes: positive(j.TotalBytes),
		Received: instant(j.Received), Started: instant(j.Started), Ended: instant(j.Ended), Problem: orNull(j.Problem), Rejects: j.Rejects,
		Links: []link{{Rel: "self", Type: mediaJSON, Href: self}, {Rel: "events", Type: mediaEvents, Href: self + "/events"}}}
	if j.Rejects {
		a.Links = append(a.Links, link{Rel: "rejects", Type: mediaCSV, Href: self + "/rejects"})
	}
	if json.Valid([]byte(j.Report)) {
		a.Report = json.RawMessage(j.Report)
	}
	return a
}

func positive(n int64) *int64 {
	if n <= 0 {
		return nil
	}
	return &n
}

func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return orNull(t.UTC().Format(time.RFC3339Nano))
}

// answer writes a value as JSON. What led to it may have taken longer than a
// write is given at the start of a request.
func (s *server) answer(c echo.Context, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	allowWrite(c)
	if status != http.StatusOK {
		c.Response().Header()["Content-Type"] = []string{mediaJSON}
		c.Response().WriteHeader(status)
	}
	return s.send(c, mediaJSON, append(b, '\n'))
}

var importID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// importRequest reads the id of the path and refuses parameters that are not known.
func importRequest(c echo.Context, known ...string) (string, error) {
	p, err := readParams(c.Request(), known)
	if err != nil {
		return "", err
	}
	if _, ok := p["f"]; ok {
		if _, err := p.format(c.Request(), jsonFormats); err != nil {
			return "", err
		}
	}
	id := c.Param("id")
	if !importID.MatchString(id) {
		return "", incident.Errorf(incident.CodeNotFound, "There is no import %s.", quoted(strings.ToValidUTF8(id, "\ufffd")))
	}
	return id, nil
}

func (s *server) getImports(c echo.Context) error {
	p, err := readParams(c.Request(), []string{"f"})
	if err != nil {
		return err
	}
	if _, ok := p["f"]; ok {
		if _, err := p.format(c.Request(), jsonFormats); err != nil {
			return err
		}
	}
	jobs, err := s.Loader.Jobs(c.Request().Context())
	if err != nil {
		return fmt.Errorf("list the imports: %w", err)
	}
	answer := struct {
		Imports   []jobAnswer `json:"imports"`
		MaxUpload int64       `json:"max_upload_bytes"`
		Links     []link      `json:"links"`
	}{[]jobAnswer{}, s.Loader.MaxUpload(), []link{{Rel: "self", Type: mediaJSON, Href: s.base(c.Request()) + importsPath}}}
	for i := range jobs {
		if !owns(c, &jobs[i]) {
			continue
		}
		jobs[i].Report = ""
		answer.Imports = append(answer.Imports, s.jobAnswer(c.Request(), &jobs[i]))
	}
	s.tellWritten(c)
	return s.answer(c, http.StatusOK, answer)
}

func (s *server) getImport(c echo.Context) error {
	_, job, err := s.ownImport(c, "f")
	if err != nil {
		return err
	}
	s.tellWritten(c)
	return s.answer(c, http.StatusOK, s.jobAnswer(c.Request(), &job))
}

// ownImport finds the import of a request that only its owner and an admin may make; id is what the request calls it.
func (s *server) ownImport(c echo.Context, known ...string) (id string, job incident.Job, err error) {
	if id, err = importRequest(c, known...); err != nil {
		return id, job, err
	}
	if job, err = s.Loader.Job(c.Request().Context(), id); err != nil {
		return id, job, fmt.Errorf("look up an import: %w", err)
	}
	if !owns(c, &job) {
		err = refused(c, incident.ScopeAdmin)
	}
	return id, job, err
}

func (s *server) deleteImport(c echo.Context) error {
	id, _, err := s.ownImport(c)
	if err != nil {
		return err
	}
	undone, err := s.Loader.Cancel(c.Request().Context(), id)
	allowWrite(c)
	if err != nil {
		return fmt.Errorf("undo an import: %w", err)
	}
	s.tellWritten(c)
	return s.answer(c, http.StatusOK, struct {
		ID       string `json:"id"`
		State    string `json:"state"`
		Restored int    `json:"restored"`
		Removed  int    `json:"removed"`
		Kept     int    `json:"kept"`
	}{id, string(incident.JobUndone), undone.Restored, undone.Removed, undone.Kept})
}

func (s *server) getImportRejects(c echo.Context) error {
	id, job, err := s.ownImport(c)
	if err != nil {
		return err
	}
	rows, err := s.Loader.Rejects(c.Request().Context(), id)
	if err != nil {
		return fmt.Errorf("open the refused rows: %w", err)
	}
	defer rows.Close()
	h := c.Response().Header()
	h["Content-Type"] = []string{mediaCSV + "; charset=utf-8"}
	h["Content-Disposition"] = []string{mime.FormatMediaType("attachment", map[string]string{"filename": rejectsName(&job)})}
	if c.Request().Method == http.MethodHead {
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	_, err = io.Copy(patientWriter{c}, rows)
	if err != nil {
		return fmt.Errorf("send the refused rows: %w", err)
	}
	return nil
}

// patientWriter gives every write its full time, however long the whole takes.
type patientWriter struct{ c echo.Context }

func (w patientWriter) Write(p []byte) (int, error) {
	allowWrite(w.c)
	return w.c.Response().Write(p)
}

// rejectsName names the file of the refused rows after the one they come from.
func rejectsName(job *incident.Job) string {
	name, err := fileName(job.File)
	if err != nil || job.File == "" {
		name = "import-" + job.ID
	}
	for _, ext := range []string{".gz", ".zip"} {
		name = strings.TrimSuffix(name, ext)
	}
	return strings.TrimSuffix(name, path.Ext(name)) + "-rejects.csv"
}

// events is a stream of server-sent events.
type events struct {
	c     echo.Context
	mu    sync.Mutex // the heartbeat writes too
	begun bool
}

// head sets the headers of the stream.
func (e *events) head() {
	h := e.c.Response().Header()
	h["Content-Type"] = []string{mediaEvents}
	h["X-Accel-Buffering"] = []string{"no"} // nginx would collect events before it passes them on
}

func (e *events) write(b []byte) error {
	allowWrite(e.c)
	if _, err := e.c.Response().Write(b); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	if err := http.NewResponseController(e.c.Response()).Flush(); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	return nil
}

// send writes one event.
func (e *events) send(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode an event: %w", err)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, data) // JSON as encoded has no line ends
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.begun {
		e.head()
		e.begun = true
	}
	return e.write(b.Bytes())
}

// beat says that the stream lives.
func (e *events) beat() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.begun {
		return nil
	}
	return e.write([]byte(":\n\n"))
}

func (s *server) getImportEvents(c echo.Context) error {
	id, _, err := s.ownImport(c)
	if err != nil {
		return err
	}
	stream := &events{c: c}
	ctx, stop := context.WithCancel(c.Request().Context())
	if c.Request().Method == http.MethodHead {
		defer stop()
		stream.head()
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	var beating sync.WaitGroup
	beating.Go(func() {
		tick := time.NewTicker(s.heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.Closing:
				stop()
			case <-tick.C:
				if stream.beat() != nil { // nobody listens
					stop()
				}
			}
		}
	})
	defer beating.Wait()
	defer stop()
	for job, err := range s.Loader.Watch(ctx, id) {
		if ctx.Err() != nil {
			break // the client is gone or the server stops; it is no fault, and no end of the upload
		}
		if err != nil {
			return fmt.Errorf("watch an import: %w", err)
		}
		if job.State.Ended() {
			if whole, err := s.Loader.Job(ctx, id); err == nil {
				job = whole
			}
			return stream.send("end", s.jobAnswer(c.Request(), &job))
		}
		job.Report = ""
		if err := stream.send("progress", s.jobAnswer(c.Request(), &job)); err != nil {
			break // the client is gone
		}
	}
	if !stream.begun {
		return errClosing()
	}
	return nil
}

// postImport takes a file. It is refused before a byte of it is read where the
// head of the request says enough.
func (s *server) postImport(c echo.Context) error {
	r := c.Request()
	p, err := readParams(r, uploadParams)
	if err != nil {
		return err
	}
	if p == nil {
		p = params{}
	}
	if !hasBody(r) {
		return incident.Errorf(incident.CodeInvalid, "The request has no body; send the file as the body or as the part file of a form.")
	}
	most := s.Loader.MaxUpload()
	body := &uploadBody{r: r.Body, left: most, most: most, head: -1, patience: s.patience, control: http.NewResponseController(c.Response())}
	boundary, err := formBoundary(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if boundary != "" {
		body.left += maxForm
	}
	if r.ContentLength > body.left {
		return tooLarge(most)
	}
	var file io.Reader = body
	if boundary != "" {
		if file, err = readForm(body, boundary, p); err != nil {
			return orBody(body, err)
		}
	}
	u, err := uploadOf(p)
	if err != nil {
		return err
	}
	u.Who = callerOf(c).who
	defer s.endWithServer(body)()
	job, err := s.Loader.Submit(r.Context(), u, file)
	if err != nil {
		return orBody(body, fmt.Errorf("take an upload: %w", err))
	}
	// The path alone, so that it holds whatever a proxy makes of scheme and host.
	prefix := ""
	if u, err := url.Parse(s.PublicURL); err == nil {
		prefix = u.EscapedPath()
	}
	c.Response().Header()["Location"] = []string{prefix + importsPath + "/" + url.PathEscape(job.ID)}
	job.Report = ""
	return s.answer(c, http.StatusAccepted, s.jobAnswer(r, &job))
}

// endWithServer gives an upload up when the server stops, which need not wait
// for what will not be taken. The function that it returns ends the watch.
func (s *server) endWithServer(body *uploadBody) func() {
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-over:
		case <-s.Closing:
			body.closing.Store(true)
			_ = body.control.SetReadDeadline(time.Unix(1, 0)) // wakes a read that waits; net/http knows no other way
		}
	})
	return func() {
		close(over)
		watching.Wait()
	}
}

// orBody gives what was wrong with the body, if that is why err came to be.
func orBody(body *uploadBody, err error) error {
	if body.err != nil {
		return body.err
	}
	return err
}

// uploadOf makes of the parameters what the loader is told.
func uploadOf(p params) (incident.Upload, error) {
	u := incident.Upload{Format: p["format"], Dataset: p["dataset"], Mapping: p[paramMapping]}
	var err error
	if u.File, err = fileName(p["file"]); err != nil {
		return u, err
	}
	for name, to := range map[string]*bool{"replace_dataset": &u.Replace, "strict": &u.Strict, "dry_run": &u.DryRun} {
		v, ok := p[name]
		if ok && !slices.Contains(booleans, v) {
			return u, wrongParameter(name, booleans, "%s is %s; it is true or false.", name, quoted(v))
		}
		*to = v == "true"
	}
	if v := p["delay"]; v != "" {
		if u.Publication.Delay, err = incident.ParseDelay(v); err != nil {
			return u, err
		}
	}
	if v := p["blur"]; v != "" {
		u.Publication.Blur, err = incident.ParseBlur(v)
	}
	return u, err
}
