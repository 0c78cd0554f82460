package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/paulmach/orb"

	"sarhad/api"
	"sarhad/geo"
	"sarhad/incident"
)

type geocodeCmd struct {
	placesFlag
	Store     string   `help:"Names that the incidents of this store teach are known too; sarhad.gpkg if there is one." placeholder:"FILE.gpkg"`
	NoLearned bool     `help:"Use no store."`
	JSON      bool     `help:"Print one JSON object a line."`
	Stdin     bool     `help:"Read one JSON object a line: any of country, adm1, adm2, place, text, date, lon, lat, precision. Answer in JSON, in the same order."`
	Date      string   `help:"The day that is meant, where the question names none: old names then mean what they meant." placeholder:"YYYY-MM-DD"`
	Adm1      string   `name:"adm1" help:"The province that is meant, where the question names none." placeholder:"NAME"`
	Near      string   `help:"Of several candidates take the one nearest to this point." placeholder:"LON,LAT"`
	Text      []string `arg:"" optional:"" help:"Names or phrases, each a question of its own."`
}

// Run implements the command.
func (c *geocodeCmd) Run(e *env) error {
	base, err := c.base()
	if err != nil {
		fmt.Fprintln(e.stderr, "sarhad:", err)
		return exitError(exitUsage)
	}
	known, err := c.read(e.stderr)
	if err != nil {
		return err
	}
	g := known.geocoder
	if !c.NoLearned {
		path := c.Store
		if path == "" {
			path = "sarhad.gpkg"
		}
		if g, err = known.withStore(e, path, c.Store != ""); err != nil {
			return err
		}
	}
	a := answerer{g: g, base: base, w: bufio.NewWriterSize(e.stdout, 64<<10)}
	a.enc = json.NewEncoder(a.w)
	a.enc.SetEscapeHTML(false)
	if c.Stdin {
		return a.lines(e)
	}
	for i, text := range c.Text {
		r := base
		r.Text = text
		if c.JSON {
			if err := a.json(&r); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(a.w)
		}
		printPlace(a.w, text, g.Geocode(r))
	}
	return a.flush()
}

// base reads what the options say of every question.
func (c *geocodeCmd) base() (geo.Request, error) {
	r := geo.Request{Adm1: c.Adm1}
	switch {
	case c.Stdin && len(c.Text) > 0:
		return r, errors.New("give names as arguments or --stdin, not both")
	case !c.Stdin && len(c.Text) == 0:
		return r, errors.New("give a name or a phrase, or --stdin")
	case c.NoLearned && c.Store != "":
		return r, errors.New("--no-learned and --store contradict each other")
	}
	if c.Date != "" {
		if err := setDay(&r, c.Date); err != nil {
			return r, fmt.Errorf("--date %w", err)
		}
	}
	if c.Near != "" {
		lon, lat, comma := strings.Cut(c.Near, ",")
		x, errX := number(lon)
		y, errY := number(lat)
		if !comma || errX != nil || errY != nil || math.Abs(x) > 180 || math.Abs(y) > 90 {
			return r, fmt.Errorf("--near takes LON,LAT in degrees, for example 71.1,34.1; %q is not that", c.Near)
		}
		r.Near, r.HasNear = orb.Point{x, y}, true
	}
	return r, nil
}

func setDay(r *geo.Request, s string) error {
	d, err := incident.ParseDay(s)
	if err != nil {
		return fmt.Errorf("takes a day, YYYY-MM-DD; %q is none", s)
	}
	r.Day, r.HasDay = int32(d), true
	return nil
}

func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
		err = strconv.ErrRange
	}
	return v, err
}

// answerer answers questions in JSON, one object a line.
type answerer struct {
	g    *geo.Geocoder
	base geo.Request
	w    *bufio.Writer
	enc  *json.Encoder
}

func (a *answerer) json(r *geo.Request) error {
	return a.encode(api.NewPlaceAnswer(r, a.g.Geocode(*r)))
}

func (a *answerer) encode(v any) error {
	if err := a.enc.Encode(v); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

func (a *answerer) flush() error {
	if err := a.w.Flush(); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// The members that a question may have, and how long a line may be.
var questionMembers = []string{"country", "adm1", "adm2", "place", "text", "date", "lon", "lat", "precision"}

const maxQuestion = 1 << 20

// question is a line of --stdin. null and "" are the same as nothing.
type question struct {
	Country   string     `json:"country"`
	Adm1      string     `json:"adm1"`
	Adm2      string     `json:"adm2"`
	Place     string     `json:"place"`
	Text      string     `json:"text"`
	Date      string     `json:"date"`
	Lon       coordinate `json:"lon"`
	Lat       coordinate `json:"lat"`
	Precision string     `json:"precision"`
}

// coordinate is a number of degrees, as a number or as text.
type coordinate struct {
	v   float64
	set bool
}

// UnmarshalJSON reads a number, a number as text, or null or "" for none.
func (c *coordinate) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" || s == `""` {
		return nil
	}
	if len(b) > 1 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	v, err := number(s)
	if err != nil {
		return badCoordinate(strings.TrimSpace(string(b)))
	}
	c.v, c.set = v, true
	return nil
}

type badCoordinate string

func (s badCoordinate) Error() string {
	return fmt.Sprintf("lon and lat are numbers of degrees; %s is none", shorten(string(s)))
}

// lines answers line by line. An answer is held back only as long as another whole question is there already, so that
// a program may ask one and wait.
func (a *answerer) lines(e *env) error {
	// A pipe in between, so that Ctrl-C is heard while nothing comes in.
	pr, pw := io.Pipe()
	defer pr.Close()
	defer context.AfterFunc(e.ctx, func() { pw.CloseWithError(e.ctx.Err()) })()
	go func() {
		_, err := io.Copy(pw, bufio.NewReaderSize(e.stdin, 256<<10))
		pw.CloseWithError(err)
	}()
	in := bufio.NewReaderSize(pr, 256<<10)
	var long []byte
	for n := 1; ; n++ {
		if e.ctx.Err() != nil { // a pipe that is full of questions does not say so
			return errors.Join(a.flush(), e.ctx.Err())
		}
		if waiting, _ := in.Peek(in.Buffered()); bytes.IndexByte(waiting, '\n') < 0 {
			if err := a.flush(); err != nil {
				return err
			}
		}
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long[:0], line...)
			for errors.Is(err, bufio.ErrBufferFull) {
				line, err = in.ReadSlice('\n')
				if len(long) <= maxQuestion { // what is longer is read over
					long = append(long, line...)
				}
			}
			line = long
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(a.flush(), fmt.Errorf("read the questions: %w", err))
		}
		if line = bytes.TrimSpace(line); n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) > 0 {
			if err := a.line(n, line); err != nil {
				return err
			}
		}
		if err != nil {
			return a.flush()
		}
	}
}

// lineError stands in the place of an answer.
type lineError struct {
	Error struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Line   int    `json:"line"`
	} `json:"error"`
}

func (a *answerer) line(n int, line []byte) error {
	r, err := a.read(line)
	if err != nil {
		var out lineError
		out.Error.Code, out.Error.Detail, out.Error.Line = string(incident.CodeOf(err)), err.Error(), n
		return a.encode(out)
	}
	return a.json(&r)
}

// read reads a question.
func (a *answerer) read(line []byte) (geo.Request, error) {
	r := a.base
	bad := func(format string, args ...any) (geo.Request, error) {
		return r, incident.Errorf(incident.CodeInvalid, format, args...)
	}
	if len(line) > maxQuestion {
		return r, incident.Errorf(incident.CodeTooLarge, "the line is longer than %d bytes", maxQuestion)
	}
	if !utf8.Valid(line) {
		return bad("the line is not in UTF-8")
	}
	if line[0] != '{' {
		return bad("the line is no JSON object")
	}
	var q question
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		var wrong *json.UnmarshalTypeError
		var degrees badCoordinate
		switch {
		case errors.As(err, &degrees):
			return bad("%s", degrees)
		case errors.As(err, &wrong):
			return bad("%s takes a text in quotation marks, not a JSON %s", wrong.Field, wrong.Value)
		case strings.HasPrefix(err.Error(), "json: unknown field "):
			return bad("there is no member %s; there are %s", strings.TrimPrefix(err.Error(), "json: unknown field "), strings.Join(questionMembers, ", "))
		}
		return bad("the line is no JSON object: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if len(bytes.TrimSpace(line[dec.InputOffset():])) > 0 {
		return bad("something follows the JSON object on its line")
	}
	if q.Lon.set != q.Lat.set {
		return bad("lon and lat go together; one of them is missing")
	}
	r.Country, r.Adm2, r.Place, r.Text = q.Country, q.Adm2, q.Place, q.Text
	if q.Adm1 != "" {
		r.Adm1 = q.Adm1
	}
	if q.Date != "" {
		if err := setDay(&r, q.Date); err != nil {
			return bad("date %s", err)
		}
	}
	if q.Lon.set {
		r.Point, r.HasPoint = orb.Point{q.Lon.v, q.Lat.v}, true
	}
	if q.Precision != "" && !slices.Contains(incident.LocationPrecisions, incident.LocationPrecision(q.Precision)) {
		return bad("precision %q is none of %v", shorten(q.Precision), incident.LocationPrecisions)
	}
	r.Precision = q.Precision
	return r, nil
}

// printPlace says in words what is known of a place.
func printPlace(w io.Writer, text string, m geo.Match) {
	fmt.Fprintln(w, text)
	switch m.Status {
	case geo.StatusPlaced:
		fmt.Fprintf(w, "  placed: %s", strings.Join(where(&m), ", "))
	case geo.StatusAmbiguous:
		fmt.Fprint(w, "  ambiguous")
		if w2 := where(&m); len(w2) > 0 {
			fmt.Fprintf(w, ": %s", strings.Join(w2, ", "))
		}
	default:
		fmt.Fprint(w, "  cannot be placed in a unit")
		if w2 := where(&m); len(w2) > 0 {
			fmt.Fprintf(w, "; known is %s", strings.Join(w2, ", "))
		}
	}
	fmt.Fprintf(w, "; known to: %s", m.Precision)
	if m.HasPoint {
		fmt.Fprintf(w, "; lon %g, lat %g", m.Point[0], m.Point[1])
	}
	fmt.Fprintln(w)
	if len(m.Units) > 0 {
		fmt.Fprintf(w, "  today: %s\n", strings.Join(m.Units, ", "))
	}
	if m.Then != "" {
		fmt.Fprintf(w, "  on that day: %s\n", m.Then)
	}
	for i := range m.Candidates {
		c := &m.Candidates[i]
		lead := "candidate"
		if m.Status == geo.StatusPlaced {
			lead = "or"
			if c.UnitID == m.UnitID {
				lead = "because"
			}
		}
		name := c.Name
		if c.Place != "" {
			name = c.Place + ", " + c.Name
		}
		fmt.Fprintf(w, "  %s: %s (%s), %.2f: %s\n", lead, name, c.UnitID, c.Score, strings.Join(c.Reasons, "; "))
	}
	for _, d := range m.Warnings {
		fmt.Fprintf(w, "  warning: %s: %s\n", d.Code, d.Detail)
	}
}

// where are the parts of a place from the smallest to the largest, each once.
func where(m *geo.Match) []string {
	var out []string
	name := m.Name
	if name != "" && m.UnitID != "" {
		name += " (" + m.UnitID + ")"
	}
	for _, s := range []string{name, m.Province, map[string]string{"PK": "Pakistan", "AF": "Afghanistan"}[m.Country]} {
		if s != "" && !slices.Contains(out, s) && (s != m.Name || s == name) {
			out = append(out, s)
		}
	}
	return out
}
