package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

const testToken = "test-token-of-some-length"

// uploader is a server that takes files.
type uploader struct {
	t     *testing.T
	base  string
	cmd   *exec.Cmd
	said  *bytes.Buffer // standard error, whole once the server was stopped
	ended chan struct{}
}

// startUploader starts the program as its users do, with the token in the environment.
func startUploader(t *testing.T, store string, args ...string) *uploader {
	t.Helper()
	u := &uploader{t: t, said: &bytes.Buffer{}, ended: make(chan struct{})}
	u.cmd = program(context.Background(), t, append([]string{"serve", "--listen", "127.0.0.1:0", "--store", store, "--no-demo"}, args...)...)
	u.cmd.Env = append(u.cmd.Env, "SARHAD_WRITE_TOKEN="+testToken)
	stderr, err := u.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan string, 1)
	go func() {
		defer close(u.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(u.said, lines.Text())
			if m := servedAt.FindStringSubmatch(lines.Text()); m != nil {
				listening <- "http://" + m[1]
			}
		}
		close(listening)
	}()
	t.Cleanup(func() { u.stop() })
	if u.base = <-listening; u.base == "" {
		t.Fatalf("the server did not say where it listens: %s", u.said)
	}
	return u
}

// stop ends the server by a signal and gives what it said.
func (u *uploader) stop() string {
	u.t.Helper()
	if u.cmd != nil {
		_ = u.cmd.Process.Signal(os.Interrupt)
		<-u.ended
		if err := u.cmd.Wait(); err != nil {
			u.t.Errorf("the server did not stop cleanly: %v\n%s", err, u.said)
		}
		u.cmd = nil
	}
	return u.said.String()
}

// in makes a test the one that the server's troubles are those of, until it ends.
func (u *uploader) in(t *testing.T) {
	whole := u.t
	u.t = t
	t.Cleanup(func() { u.t = whole })
}

// ask sends a request with the token and gives the status and the body.
func (u *uploader) ask(method, path, media string, body io.Reader) (int, http.Header, string) {
	u.t.Helper()
	r, err := http.NewRequest(method, u.base+path, body)
	if err != nil {
		u.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		u.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		u.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

type job struct {
	ID, State, File string
	Import          *int64
	Dataset, Who    *string
	Problem         *string
	Rejects         bool
	Report          *struct{ Read, New, Changed, Unchanged, Rejected int }
}

// send uploads a body as it is and gives its job.
func (u *uploader) send(query string, body []byte) job {
	u.t.Helper()
	status, head, answer := u.ask(http.MethodPost, "/imports?"+query, "application/octet-stream", bytes.NewReader(body))
	return u.accepted(status, head, answer)
}

// sendForm uploads a form; fields are name and value in turn.
func (u *uploader) sendForm(file string, body []byte, fields ...string) job {
	u.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1])
	}
	p, _ := w.CreateFormFile("file", file)
	_, _ = p.Write(body)
	_ = w.Close()
	status, head, answer := u.ask(http.MethodPost, "/imports", w.FormDataContentType(), &b)
	return u.accepted(status, head, answer)
}

func (u *uploader) accepted(status int, head http.Header, answer string) (j job) {
	u.t.Helper()
	if err := json.Unmarshal([]byte(answer), &j); err != nil || status != http.StatusAccepted || head.Get("Location") != "/imports/"+j.ID {
		u.t.Fatalf("%d, %v: %s", status, err, answer)
	}
	return j
}

// end reads the events of an upload to their end and gives the job as it is then.
func (u *uploader) end(id string) (j job) {
	u.t.Helper()
	status, head, body := u.ask(http.MethodGet, "/imports/"+id+"/events", "", nil)
	if status != http.StatusOK || head.Get("Content-Type") != "text/event-stream" {
		u.t.Fatalf("%d: %s", status, body)
	}
	events := strings.Split(strings.TrimSpace(body), "\n\n")
	last, ok := strings.CutPrefix(events[len(events)-1], "event: end\ndata: ")
	if err := json.Unmarshal([]byte(last), &j); err != nil || !ok {
		u.t.Fatalf("the last event is %s: %v", events[len(events)-1], err)
	}
	return j
}

// done waits for an upload that is to end well and gives its counts.
func (u *uploader) done(id string) (j job, counts string) {
	u.t.Helper()
	j = u.end(id)
	if j.State != "done" || j.Report == nil || j.Import == nil {
		u.t.Fatalf("%+v, problem %v", j, str(j.Problem))
	}
	return j, fmt.Sprintf("%d=%d+%d+%d+%d", j.Report.Read, j.Report.New, j.Report.Changed, j.Report.Unchanged, j.Report.Rejected)
}

func str(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// counts gives the number of incidents of each dataset.
func (u *uploader) counts() map[string]int {
	u.t.Helper()
	var d datasets
	if resp := get(u.t, u.base+"/datasets", &d); resp.StatusCode != http.StatusOK {
		u.t.Fatalf("/datasets gives %s", resp.Status)
	}
	n := map[string]int{}
	for _, d := range d.Datasets {
		n[d.Name] = d.Count
	}
	return n
}

// table makes a list of rows, without a date where bad names the number.
func table(rows int, bad ...int) []byte {
	var b bytes.Buffer
	b.WriteString("id,event_date,latitude,longitude,fatalities\n")
	for i := range rows {
		day := "2024-03-05"
		for _, n := range bad {
			if n == i {
				day = ""
			}
		}
		fmt.Fprintf(&b, "%d,%s,34.1,71.1,2\n", i, day)
	}
	return b.Bytes()
}

func gzipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipped(t *testing.T, name string, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func workbook(t *testing.T, rows [][]any) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", "A"+strconv.Itoa(i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Every way to send a file ends with its rows in the store, refused rows load
// again after mending, and both ways of undoing put all back.
func TestUploads(t *testing.T) {
	store := filepath.Join(t.TempDir(), "s.gpkg")
	u := startUploader(t, store)

	t.Run("kinds", func(t *testing.T) {
		u.in(t)
		book := workbook(t, [][]any{{"id", "event_date", "latitude", "longitude", "fatalities"}, {1, "2024-03-05", 34.1, 71.1, 2}, {2, "2024-03-06", 34.1, 71.1, 3}})
		for name, send := range map[string]func() job{
			"raw":   func() job { return u.send("file=raw.csv&dataset=raw", table(2)) },
			"form":  func() job { return u.sendForm("form.csv", table(2), "dataset", "form", "strict", "true") },
			"gzip":  func() job { return u.send("file=x.csv.gz&dataset=gzip", gzipped(t, table(2))) },
			"zip":   func() job { return u.sendForm("x.zip", zipped(t, "x.csv", table(2)), "dataset", "zip") },
			"xlsx":  func() job { return u.sendForm("فهرست.xlsx", book, "dataset", "xlsx") },
			"named": func() job { return u.sendForm("../../named.csv", table(2)) },
			"mapping": func() job {
				return u.sendForm("m.csv", []byte("No;Day;y;x\n1;05/03/2024;34.1;71.1\n2;06/03/2024;34.1;71.1\n"), "dataset", "mapping",
					"mapping", "dates: dmy\nfields:\n  id: No\n  date: Day\n  latitude: y\n  longitude: x\n")
			},
		} {
			j := send()
			ended, counts := u.done(j.ID)
			if counts != "2=2+0+0+0" || str(ended.Dataset) != name || !strings.HasPrefix(str(ended.Who), "write token of the server") {
				t.Errorf("%s: %s into %s by %s", name, counts, str(ended.Dataset), str(ended.Who))
			}
			if n := u.counts()[name]; n != 2 {
				t.Errorf("%s: %d incidents", name, n)
			}
			if status, _, body := u.ask(http.MethodDelete, "/imports/"+j.ID, "", nil); status != http.StatusOK || !strings.Contains(body, `"removed":2`) {
				t.Errorf("%s: undo gives %d: %s", name, status, body)
			}
			if n := u.counts()[name]; n != 0 {
				t.Errorf("%s: %d incidents after the undo", name, n)
			}
			if status, _, _ := u.ask(http.MethodDelete, "/imports/"+j.ID, "", nil); status != http.StatusConflict {
				t.Errorf("%s: a second undo gives %d", name, status)
			}
		}
	})

	t.Run("hidden", func(t *testing.T) {
		u.in(t)
		j := u.send("file=secret.csv&dataset=secret&blur=district&delay=3653d", table(2))
		if _, counts := u.done(j.ID); counts != "2=2+0+0+0" || u.counts()["secret"] != 0 {
			t.Errorf("%s, %v", counts, u.counts())
		}
		if status, _, body := u.ask(http.MethodPost, "/imports?file=x.csv&blur=fog", "application/octet-stream", bytes.NewReader(table(1))); status != http.StatusBadRequest || !strings.Contains(body, "grid:0.1") {
			t.Errorf("%d: %s", status, body)
		}
	})

	t.Run("two at once", func(t *testing.T) {
		u.in(t)
		var jobs [2]job
		var wg sync.WaitGroup
		for i := range jobs {
			wg.Go(func() { jobs[i] = u.send("file=two.csv&dataset=two"+strconv.Itoa(i), table(3000)) })
		}
		wg.Wait()
		for i := range jobs {
			if _, counts := u.done(jobs[i].ID); counts != "3000=3000+0+0+0" || u.counts()["two"+strconv.Itoa(i)] != 3000 {
				t.Errorf("%d: %s, %v", i, counts, u.counts())
			}
		}
		again := u.send("file=two.csv&dataset=two0", table(3000))
		if _, counts := u.done(again.ID); counts != "3000=0+0+3000+0" {
			t.Errorf("the same again: %s", counts)
		}
	})

	t.Run("rejects", func(t *testing.T) {
		u.in(t)
		j := u.send("file=list.csv&dataset=list", table(5, 1, 3))
		ended, counts := u.done(j.ID)
		if counts != "5=3+0+0+2" || !ended.Rejects {
			t.Fatalf("%s, %+v", counts, ended)
		}
		status, head, rejects := u.ask(http.MethodGet, "/imports/"+j.ID+"/rejects", "", nil)
		if status != http.StatusOK || head.Get("Content-Disposition") != "attachment; filename=list-rejects.csv" || strings.Count(rejects, "missing_date") != 2 {
			t.Fatalf("%d, %v: %s", status, head, rejects)
		}
		// The cells of the date are empty: every row ends with id, date, latitude, longitude and fatalities.
		mended := regexp.MustCompile(`(?m)(,[13]),(,34\.1,71\.1,2)$`).ReplaceAllString(rejects, "$1,2024-03-07$2")
		again := u.send("file=list-rejects.csv&dataset=list", []byte(mended))
		if _, counts := u.done(again.ID); counts != "2=2+0+0+0" || u.counts()["list"] != 5 {
			t.Errorf("mended: %s, %v", counts, u.counts())
		}
		if status, _, _ := u.ask(http.MethodGet, "/imports/"+again.ID+"/rejects", "", nil); status != http.StatusNotFound {
			t.Errorf("rejects of a clean load: %d", status)
		}
		// The command line undoes what came over HTTP.
		if out, err := program(t.Context(), t, "undo", strconv.FormatInt(*ended.Import, 10), "--store", store).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if _, _, body := u.ask(http.MethodGet, "/imports/"+j.ID, "", nil); !strings.Contains(body, `"state":"undone"`) {
			t.Errorf("after the undo: %s", body)
		}
		for end := time.Now().Add(time.Second); u.counts()["list"] != 2; time.Sleep(10 * time.Millisecond) { // what another process did is shown within a second
			if time.Now().After(end) {
				t.Fatalf("%d incidents after the undo", u.counts()["list"])
			}
		}
	})

	t.Run("strict and dry", func(t *testing.T) {
		u.in(t)
		if j := u.end(u.send("file=list.csv&dataset=strict&strict=true", table(5, 1)).ID); j.State != "failed" || str(j.Problem) == "null" {
			t.Errorf("strict: %+v", j)
		}
		if j := u.end(u.send("file=list.csv&dataset=dry&dry_run=true", table(5)).ID); j.State != "done" || j.Report == nil || j.Report.New != 5 {
			t.Errorf("dry run: %+v", j)
		}
		if n := u.counts(); n["strict"]+n["dry"] != 0 {
			t.Errorf("stored: %v", n)
		}
	})

	t.Run("broken", func(t *testing.T) {
		u.in(t)
		cut := gzipped(t, table(3000))
		for name, body := range map[string][]byte{"cut.csv.gz": cut[:len(cut)/2], "nothing.csv": []byte("\n"), "junk.csv": {0, 1, 2, 3}} {
			if j := u.end(u.send("dataset=broken&file="+name, body).ID); j.State != "failed" || str(j.Problem) == "null" {
				t.Errorf("%s: %+v", name, j)
			}
		}
		if n := u.counts()["broken"]; n != 0 {
			t.Errorf("%d incidents are stored", n)
		}
	})

	t.Run("command line beside", func(t *testing.T) {
		u.in(t)
		file := filepath.Join(t.TempDir(), "beside.csv")
		if err := os.WriteFile(file, table(7), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := program(t.Context(), t, "import", "--store", store, "-q", file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for deadline := time.Now().Add(time.Second); u.counts()["beside"] != 7; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("after a second: %v", u.counts())
			}
		}
		made, err := program(t.Context(), t, "token", "create", "--store", store, "--scope", "admin").Output()
		if err != nil {
			t.Fatal(err)
		}
		asAdmin := func(method, path string) (int, []byte) {
			req, err := http.NewRequestWithContext(t.Context(), method, u.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(made)))
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, body
		}
		var list struct{ Imports []job }
		_, body := asAdmin(http.MethodGet, "/imports")
		if err := json.Unmarshal(body, &list); err != nil || len(list.Imports) == 0 || list.Imports[0].File != "beside.csv" || list.Imports[0].ID != strconv.FormatInt(*list.Imports[0].Import, 10) {
			t.Fatalf("%v: %s", err, body)
		}
		// Who may write neither sees nor undoes what others did; a token that is made while the server runs holds at once.
		path := "/imports/" + list.Imports[0].ID
		if status, _, body := u.ask(http.MethodGet, "/imports", "", nil); status != http.StatusOK || strings.Contains(body, "beside") {
			t.Errorf("%d: %s", status, body)
		}
		for _, r := range []string{http.MethodGet + " " + path, http.MethodGet + " " + path + "/events", http.MethodDelete + " " + path} {
			method, path, _ := strings.Cut(r, " ")
			if status, _, body := u.ask(method, path, "", nil); status != http.StatusForbidden || strings.Contains(body, "beside") || u.counts()["beside"] != 7 {
				t.Errorf("%s: %d: %s", r, status, body)
			}
		}
		if status, body := asAdmin(http.MethodDelete, path); status != http.StatusOK || u.counts()["beside"] != 0 {
			t.Errorf("an admin undoes it: %d %s", status, body)
		}
	})

	if said := u.stop(); strings.Contains(said, testToken) || strings.Contains(said, "ERROR") {
		t.Errorf("the server said: %s", said)
	}
}

// What is refused, cut off or hostile leaves nothing and is no fault of the server.
func TestUploadsRefused(t *testing.T) {
	store := filepath.Join(t.TempDir(), "s.gpkg")
	u := startUploader(t, store, "--max-upload", "1MB")
	for name, tc := range map[string]struct {
		query, media, body string
		status             int
	}{
		"too large":      {"", "text/csv", strings.Repeat("x", 1_000_001), http.StatusRequestEntityTooLarge},
		"format":         {"format=xyz", "text/csv", "x", http.StatusBadRequest},
		"dataset":        {"dataset=a%2Cb", "text/csv", "x", http.StatusBadRequest},
		"mapping":        {"mapping=%5B%5B", "text/csv", "x", http.StatusBadRequest},
		"mapping bomb":   {"mapping=" + bomb, "text/csv", "x", http.StatusBadRequest},
		"no boundary":    {"", "multipart/form-data", "x", http.StatusUnsupportedMediaType},
		"broken form":    {"", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx", http.StatusBadRequest},
		"empty":          {"", "text/csv", "", http.StatusBadRequest},
		"unknown option": {"force=true", "text/csv", "x", http.StatusBadRequest},
	} {
		if status, head, body := u.ask(http.MethodPost, "/imports?"+tc.query, tc.media, strings.NewReader(tc.body)); status != tc.status || head.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d, %s", name, status, body)
		}
	}
	for auth, want := range map[string]int{"": http.StatusUnauthorized, "Bearer " + testToken + "x": http.StatusUnauthorized} {
		r, err := http.NewRequest(http.MethodPost, u.base+"/imports", bytes.NewReader(table(2)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", auth)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q gives %d", auth, resp.StatusCode)
		}
	}
	// A connection that breaks half-way, and one that sends chunks without end.
	for _, request := range []string{"Content-Length: 900000\r\n\r\n" + string(table(1000)), "Transfer-Encoding: chunked\r\n\r\n400\r\n" + strings.Repeat("x", 0x400)} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(u.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Fprintf(conn, "POST /imports?dataset=half HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s", testToken, request)
		time.Sleep(100 * time.Millisecond) // so that the server is in the midst of it
		_ = conn.Close()
	}
	if status, _, body := u.ask(http.MethodPost, "/imports?dataset=endless", "text/csv", io.LimitReader(endless{}, 1<<30)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("without end: %d %s", status, body)
	}
	time.Sleep(100 * time.Millisecond)
	var list struct{ Imports []job }
	_, _, body := u.ask(http.MethodGet, "/imports", "", nil)
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Imports) != 0 || len(u.counts()) != 0 {
		t.Errorf("%v: %s, %v", err, body, u.counts())
	}
	if said := u.stop(); strings.Contains(said, "ERROR") || strings.Contains(said, testToken) {
		t.Errorf("the server said: %s", said)
	}
	left, err := filepath.Glob(store + "-uploads/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if info, err := os.Stat(f); err == nil && info.Size() > 0 {
			t.Errorf("%s is left with %d bytes", filepath.Base(f), info.Size())
		}
	}
}

// bomb is a mapping that is a few bytes and, taken at its word, millions of values.
const bomb = "a:%20%26a%20%5B1,1,1,1,1,1,1,1,1%5D%0Ab:%20%26b%20%5B*a,*a,*a,*a,*a,*a,*a,*a,*a%5D%0Ac:%20%26c%20%5B*b,*b,*b,*b,*b,*b,*b,*b,*b%5D%0A" +
	"d:%20%26d%20%5B*c,*c,*c,*c,*c,*c,*c,*c,*c%5D%0Ae:%20%26e%20%5B*d,*d,*d,*d,*d,*d,*d,*d,*d%5D%0Af:%20%26f%20%5B*e,*e,*e,*e,*e,*e,*e,*e,*e%5D%0Ag:%20%5B*f,*f,*f,*f,*f,*f,*f,*f,*f%5D"

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// A server that is stopped in the midst of a load takes it back, and the next one loads it whole.
func TestUploadGoesOnAfterStop(t *testing.T) {
	store := filepath.Join(t.TempDir(), "s.gpkg")
	const rows = 150_000
	u := startUploader(t, store)
	j := u.send("file=long.csv&dataset=long", table(rows))
	for range 500 {
		if _, _, body := u.ask(http.MethodGet, "/imports/"+j.ID, "", nil); strings.Contains(body, `"state":"running"`) && !strings.Contains(body, `"rows":0,`) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if said := u.stop(); strings.Contains(said, "ERROR") {
		t.Errorf("the server said: %s", said)
	}
	u = startUploader(t, store)
	if _, counts := u.done(j.ID); counts != fmt.Sprintf("%d=%d+0+0+0", rows, rows) || u.counts()["long"] != rows {
		t.Errorf("%s, %v", counts, u.counts())
	}
}

// A token that could be guessed, or a size that is none, is wrong usage, and the token is never shown.
func TestUploadFlags(t *testing.T) {
	for _, args := range [][]string{{"--write-token", "short-secret"}, {"--write-token", "secret with spaces in it"}, {"--max-upload", "much"}, {"--max-upload", "0"}, {"--max-upload", "-1MB"}, {"--max-upload", "1e30GB"}, {"--max-upload", "NaN"}} {
		cmd := program(t.Context(), t, append([]string{"serve", "--store", filepath.Join(t.TempDir(), "s.gpkg"), "--listen", "127.0.0.1:0"}, args...)...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != exitUsage || strings.Contains(string(out), "secret") || args[0] == "--write-token" && !strings.Contains(string(out), "openssl rand -hex 16") {
			t.Errorf("%v: exit %d: %s", args, cmd.ProcessState.ExitCode(), out)
		}
	}
	for text, want := range map[string]byteSize{"500": 500e6, "2GB": 2e9, "1 GiB": 1 << 30, "1.5mb": 1_500_000, "3kB": 3000} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s is %d, %v", text, b, err)
		}
	}
}
