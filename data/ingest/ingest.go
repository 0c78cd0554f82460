package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sarhad/data/source"
	"sarhad/incident"
)

// Locator places incidents.
type Locator interface {
	// Locate fills in where the incident of a row was, from its coordinates and
	// the names in the row: unit, names, precision, place and distance to the
	// border. It returns the doubts it has; their codes are in the incident's
	// warnings already. It keeps nothing of the row.
	Locate(row *source.Row) []source.Issue
}

// Options says what to load and how.
type Options struct {
	// Source gives the rows. A Read of the file below it may still be running
	// when Run returns early because its context ended.
	Source source.Reader
	// File is the name of the file without its folder, for the record of the import and the rejects.
	File string
	// Dataset replaces what the source says of the dataset but for its name,
	// nil leaves it.
	Dataset *incident.Dataset
	// Publication is the least that everybody has to do without from before the
	// first row is stored; what the dataset says of itself and is stricter stays.
	// It stays too if the load fails.
	Publication incident.Publication
	// Store is where the incidents go.
	Store incident.Writer
	// Locator places the incidents; nil leaves them unplaced.
	Locator Locator
	// Batch is the number of rows in a transaction, 10,000 if it is 0.
	Batch int
	// Strict stores nothing if any row is refused; DryRun stores nothing at all.
	Strict, DryRun bool
	// Replace says that the file is the whole dataset: what is stored of it and
	// not in the file is taken away, see [WarnNotReplaced].
	Replace bool
	// RevertOnError undoes the batches that were stored after any error, also
	// that of the context, and not only where the file is broken in its frame.
	RevertOnError bool
	// Started is called when the load has begun, with the number of its record,
	// before anything is stored; its error ends the load. nil for none.
	Started func(importID int64) error
	// Origin is what [FindOrigin] gave for the options of Source, nil if nobody
	// asked. Its mapping is kept with the record where Mapping is "".
	Origin *Origin
	// Mapping, Who and Hash are kept with the record of the import; see [incident.Import].
	Mapping, Who string
	Hash         func() string
	// Rejects takes the refused rows as CSV; nil for none. See [Run].
	Rejects io.Writer
	// Progress is called by Run's own goroutine at most every 100 ms and once
	// at the end; nil for none.
	Progress func(Progress)
	// Bytes counts what was read of the file, nil if nobody counts; Size is the
	// size of the file in bytes, 0 if not known.
	Bytes *Counter
	Size  int64
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Progress says how far a load is.
type Progress struct {
	// Rows are those that are stored or refused.
	Rows int64
	// Bytes were read of TotalBytes; TotalBytes is 0 if not known.
	Bytes, TotalBytes int64
	// Elapsed is the time since the start.
	Elapsed time.Duration
	// Done is true the last time.
	Done bool
}

// MaxRejectsInReport is how many refused rows a [Report] keeps, and how many warnings of each code.
const MaxRejectsInReport = 1000

// Report says what became of the rows of a file. Its JSON form is what
// sarhad import --json prints.
type Report struct {
	// Read = New + Changed + Unchanged + Rejected, always. Where nothing was
	// stored (a dry run, or strict and a refused row) New, Changed and
	// Unchanged say what would have become of the rows.
	Read      int `json:"read"`
	New       int `json:"new"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Rejected  int `json:"rejected"`
	// Gone is the number of incidents that were taken away because they are not
	// in the file any more; nil where the dataset is not replaced.
	Gone *int `json:"gone,omitempty"`
	// Stored is true if the rows are in the store for good: false for a dry run,
	// for strict with a refused row, and where Run failed.
	Stored bool `json:"stored"`
	// Warnings counts the warnings of the rows that were taken, by code.
	Warnings map[string]int `json:"warnings"`
	// Dataset is the name of the dataset.
	Dataset string `json:"dataset"`
	// Origin is the import from which the rows come, if the file is one of
	// refused rows and what was loaded was found out by that import; else nil.
	Origin *Origin `json:"origin,omitempty"`
	// Unread are the headings of the columns that nothing is read from, Notes
	// sentences about the file as a whole; see [source.Reader].
	Unread []string `json:"unread,omitempty"`
	Notes  []string `json:"notes,omitempty"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`

	// File and Layout say what was read.
	File   string `json:"-"`
	Layout string `json:"-"`
	// Counts is what lines are of this file: "line", "row", "feature" or
	// "record". Reached is the last that was read, 0 for none.
	Counts  string `json:"-"`
	Reached int    `json:"-"`
	// Whole is true if the file was read to its end, Kept if Run failed and the
	// batches before that stay. Where it failed and neither is true, the counts are
	// those of rows that are not in the store.
	Whole bool `json:"-"`
	Kept  bool `json:"-"`
	// Rejects are the first MaxRejectsInReport refused rows, Doubts as many of
	// the first warnings of each code, in the order of the file; before them stand
	// the doubts that are about the file as a whole, [WarnUnreadColumn], whose Line is 0, and [WarnSharedCoordinates].
	Rejects []source.Issue `json:"-"`
	Doubts  []source.Issue `json:"-"`
}

// Detail is a report with the refused rows and the doubts that it keeps. Its
// JSON form is what sarhad import --report writes.
type Detail struct {
	Report
	// File is the name of the file without its folder, "" for the sum of several.
	File string `json:"file"`
	// Unread are those of the report, never nil.
	Unread []string `json:"unread"`
	// Rejects and Doubts are those of the report, never nil.
	Rejects []Noted `json:"rejects"`
	Doubts  []Noted `json:"doubts"`
}

// Noted is a refused row or a doubt as JSON has it.
type Noted struct {
	// Line is that of the row, 0 for the file as a whole, Column the name of the column at fault, "" for
	// the row as a whole, Value what stands there, cut where it is long.
	Line   int    `json:"line"`
	Column string `json:"column"`
	Value  string `json:"value"`
	// Code is what the report counts it under, Reason a sentence for readers.
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// Detail is the report with what it rests on.
func (r *Report) Detail() Detail {
	noted := func(list []source.Issue) []Noted {
		out := make([]Noted, len(list))
		for i := range list {
			out[i] = Noted{list[i].Line, list[i].Column, list[i].Value, list[i].Code, list[i].Reason}
		}
		return out
	}
	return Detail{*r, r.File, append([]string{}, r.Unread...), noted(r.Rejects), noted(r.Doubts)}
}

// reject is a refused row.
type reject struct {
	issue source.Issue
	raw   []string
}

// batch is what goes from the reader to the writer.
type batch struct {
	good     []incident.Incident
	rejects  []reject
	warnings map[string]int
	doubts   []source.Issue
	whole    []source.Issue // doubts about the file, with the last rows
	reached  int            // line of the last row
	err      error          // that of the source behind these rows, io.EOF at the end
}

func (b *batch) rows() int { return len(b.good) + len(b.rejects) }

func (b *batch) reset() {
	b.good, b.rejects, b.doubts, b.err = b.good[:0], b.rejects[:0], b.doubts[:0], nil
	clear(b.warnings)
}

// WarnNotReplaced is said, with the number of refused rows, where a dataset was to be replaced and
// rows were refused: those may be of incidents that are stored, so nothing is taken away.
const WarnNotReplaced = "not_replaced"

// errStrict is what Run fails with where strict and refused rows meet.
func errStrict(r *Report) error {
	return incident.Errorf(incident.CodeInvalid, "%d of %d rows are refused and strict was asked for: nothing was stored.", r.Rejected, r.Read)
}

// Run loads a file. The report is right as far as it goes even if Run fails.
//
// It fails with CodeInvalid if the file is broken in its frame or, with Strict,
// if any row is refused; with the errors of the store; and with the error of
// the context. Of a file that is broken in its frame nothing stays. After other
// errors what was stored before stays, batch by batch, and the same load goes on
// from there, unless it is strict or a dry run, of which nothing stays, or
// RevertOnError is set. A fault of a reader or a Locator (a panic) is an error with CodeInternal.
//
// Refused rows are written as CSV: [source.RejectColumns], then the columns of
// the source as they stand there, so that the file can be mended and loaded
// again. Of several problems of a row the first is named. A text in our own
// columns that a spreadsheet would run as a formula gets an apostrophe in
// front; the columns of the source are not touched, for they must load again.
func Run(ctx context.Context, opt Options) (Report, error) {
	now := opt.Now
	if now == nil {
		now = time.Now
	}
	start := now()
	ds := opt.Source.Dataset()
	if opt.Dataset != nil {
		name := ds.Name
		ds = *opt.Dataset
		ds.Name = name
	}
	r := Report{Warnings: map[string]int{}, Dataset: ds.Name, File: opt.File, Layout: opt.Source.Layout(),
		Counts: opt.Source.Counts(), Unread: opt.Source.Unread(), Notes: opt.Source.Notes()}
	if o := opt.Origin; o != nil && o.Import != 0 {
		r.Origin = o
		opt.Mapping = cmp.Or(opt.Mapping, o.Mapping)
	}
	err := run(ctx, &opt, ds, &r, func() Progress {
		p := Progress{Rows: int64(r.Read), TotalBytes: opt.Size, Elapsed: now().Sub(start)}
		if opt.Bytes != nil {
			p.Bytes = opt.Bytes.N()
		}
		return p
	})
	r.Seconds = now().Sub(start).Seconds()
	return r, err
}

func run(ctx context.Context, opt *Options, ds incident.Dataset, r *Report, progress func() Progress) (err error) {
	var rejects *rejectWriter
	if opt.Rejects != nil {
		if rejects, err = newRejectWriter(opt.Rejects, opt.File, opt.Source.Columns()); err != nil {
			return err
		}
	}
	old, err := stored(ctx, opt.Store, ds.Name)
	if err != nil {
		return err
	}
	if opt.Dataset == nil && old != nil {
		keepStored(&ds, old, opt.Source.Stated())
	}
	ds.Publication = ds.Stricter(opt.Publication)
	if err := hide(ctx, opt, old); err != nil {
		return err
	}
	load, err := opt.Store.Begin(ctx, incident.Import{Dataset: ds, File: opt.File, Layout: r.Layout, Atomic: opt.Strict || opt.DryRun,
		Replace: opt.Replace, Mapping: opt.Mapping, Who: opt.Who, Hash: opt.Hash})
	if err != nil {
		return fmt.Errorf("begin load: %w", err)
	}
	broken := opt.RevertOnError // then nothing of it may stay
	defer func() {
		if p := recover(); p != nil {
			err, broken = fault(p), true
		}
		if err != nil || opt.DryRun {
			end := load.Abort
			r.Kept = err != nil && !broken && !opt.Strict && !opt.DryRun && r.New+r.Changed > 0
			if broken {
				end = func() error { return load.Revert(context.WithoutCancel(ctx)) }
			}
			if e := end(); e != nil {
				err = errors.Join(err, fmt.Errorf("undo load: %w", e))
				r.Kept = r.New+r.Changed > 0
			}
		}
	}()

	if opt.Started != nil {
		if err := opt.Started(load.ID()); err != nil {
			return err
		}
	}
	readCtx, stop := context.WithCancel(ctx)
	defer stop()
	const depth = 3 // one is filled, one is written, one waits
	full, free := make(chan *batch, depth), make(chan *batch, depth)
	for range depth {
		free <- &batch{warnings: map[string]int{}}
	}
	go read(readCtx, opt, full, free)

	show := func(done bool) {
		if opt.Progress != nil {
			p := progress()
			p.Done = done
			opt.Progress(p)
		}
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			show(false)
		case b := <-full:
			r.Reached = max(r.Reached, b.reached)
			if b.err != nil && !errors.Is(b.err, io.EOF) {
				broken = true // nothing of it is to be believed
				return b.err
			}
			if err := put(ctx, load, r, b, rejects); err != nil {
				return err
			}
			if ended = b.err != nil; ended {
				r.Whole = true
				break
			}
			b.reset()
			free <- b
		}
	}
	if rejects != nil {
		if err := rejects.flush(); err != nil {
			return err
		}
	}
	show(true)
	if opt.Strict && r.Rejected > 0 {
		return errStrict(r)
	}
	if opt.Replace {
		if err := sweep(ctx, load, r); err != nil {
			broken = true
			return err
		}
	}
	if opt.DryRun {
		return nil
	}
	done := *r
	done.Stored = true
	text, err := json.Marshal(&done)
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := load.Finish(ctx, string(text)); err != nil {
		return fmt.Errorf("finish load: %w", err)
	}
	r.Stored = true
	return nil
}

// sweep takes away what is not in the file.
func sweep(ctx context.Context, load incident.Load, r *Report) error {
	n := 0
	switch {
	case r.Rejected > 0:
		r.Warnings[WarnNotReplaced] = r.Rejected
	case r.Read == 0:
		return incident.Errorf(incident.CodeInvalid, "The file has no rows, so it does not replace dataset %q; to remove it use sarhad datasets remove.", r.Dataset)
	default:
		var err error
		if n, err = load.Sweep(ctx); err != nil {
			return fmt.Errorf("take away what is gone: %w", err)
		}
	}
	r.Gone = &n
	return nil
}

// stored finds what a store knows of a dataset, nil for nothing and where it cannot be asked.
func stored(ctx context.Context, w incident.Writer, name string) (*incident.Dataset, error) {
	store, ok := w.(interface {
		Datasets(ctx context.Context) ([]incident.DatasetInfo, error)
	})
	if !ok {
		return nil, nil //nolint:nilnil // nothing is known
	}
	sets, err := store.Datasets(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the datasets of the store: %w", err)
	}
	for i := range sets {
		if sets[i].Name == name {
			return &sets[i].Dataset, nil
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// keepStored takes out of a dataset the texts that are mere defaults where the
// store has others already.
func keepStored(ds, old *incident.Dataset, stated incident.Dataset) {
	for _, t := range []struct {
		text           *string
		stated, stored string
	}{
		{&ds.Title, stated.Title, old.Title}, {&ds.Licence, stated.Licence, old.Licence},
		{&ds.Attribution, stated.Attribution, old.Attribution}, {&ds.Terms, stated.Terms, old.Terms},
	} {
		if t.stated == "" && t.stored != "" {
			*t.text = "" // which leaves what is stored
		}
	}
}

// hide makes the rules of a dataset that is there as strict as the load wants them; of a new one Begin does.
func hide(ctx context.Context, opt *Options, old *incident.Dataset) error {
	if old == nil || opt.DryRun {
		return nil
	}
	p := old.Stricter(opt.Publication)
	if p == old.Publication {
		return nil
	}
	if err := opt.Store.SetDataset(ctx, old.Name, incident.DatasetChange{Delay: &p.Delay, Blur: &p.Blur}); err != nil {
		return fmt.Errorf("delay or blur dataset %s: %w", old.Name, err)
	}
	return nil
}

// put stores a batch and adds it to the report.
func put(ctx context.Context, load incident.Load, r *Report, b *batch, rejects *rejectWriter) error {
	if len(b.good) > 0 {
		res, err := load.Put(ctx, b.good)
		if err != nil {
			return fmt.Errorf("store rows: %w", err)
		}
		if sum := res.New + res.Changed + res.Unchanged; sum != len(b.good) {
			return incident.Errorf(incident.CodeInternal, "The store says that it took %d of %d rows.", sum, len(b.good))
		}
		r.New += res.New
		r.Changed += res.Changed
		r.Unchanged += res.Unchanged
	}
	for _, j := range b.rejects {
		if rejects != nil {
			if err := rejects.write(j); err != nil {
				return err
			}
		}
		if len(r.Rejects) < MaxRejectsInReport {
			j.issue.Value, j.issue.Reason = kept(j.issue.Value, 200), kept(j.issue.Reason, 1000)
			r.Rejects = append(r.Rejects, j.issue)
		}
	}
	r.Rejected += len(b.rejects)
	r.Read += b.rows()
	for code, n := range b.warnings {
		r.Warnings[code] += n
	}
	r.Doubts = append(b.whole, append(r.Doubts, b.doubts...)...)
	return nil
}

// read fills batches until the source ends or the context does.
func read(ctx context.Context, opt *Options, full chan<- *batch, free <-chan *batch) {
	size := opt.Batch
	if size <= 0 {
		size = 10_000
	}
	doubts := map[string]int{}
	seen, lacks := sharing{}, unset{figures: true, points: true}
	defer func() { // a hostile file must not end a server
		if p := recover(); p != nil {
			select {
			case <-ctx.Done():
			case full <- &batch{err: fault(p)}:
			}
		}
	}()
	for {
		var b *batch
		select {
		case <-ctx.Done():
			return
		case b = <-free:
		}
		for b.rows() < size && b.err == nil {
			if b.rows()%256 == 0 && ctx.Err() != nil {
				return
			}
			row, err := opt.Source.Next()
			if err != nil {
				b.err = err
				break
			}
			b.reached = row.Line
			if row.Rejected != nil {
				b.rejects = append(b.rejects, reject{*row.Rejected, slices.Clone(row.Raw)})
				continue
			}
			for _, is := range row.Issues {
				b.warn(is, doubts)
			}
			lacks.see(&row.Incident)
			if opt.Locator != nil {
				seen.add(row)
				for _, is := range opt.Locator.Locate(row) {
					b.warn(is, doubts)
				}
			}
			b.good = append(b.good, row.Incident)
		}
		ended := b.err != nil
		if errors.Is(b.err, io.EOF) {
			if rows, is := seen.doubts(); rows > 0 {
				b.warnings[WarnSharedCoordinates] += rows
				b.whole = is
			}
			if is := lacks.doubts(opt.Source.Unread()); len(is) > 0 {
				b.warnings[WarnUnreadColumn] += len(is)
				b.whole = append(is, b.whole...)
			}
		}
		select {
		case <-ctx.Done():
			return
		case full <- b:
		}
		if ended {
			return
		}
	}
}

// fault is the error for a panic.
func fault(p any) error {
	return &incident.Error{Code: incident.CodeInternal, Message: "The load met a fault of the program, which its log describes; nothing was stored.",
		Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
}

func (b *batch) warn(is source.Issue, doubts map[string]int) {
	b.warnings[is.Code]++
	if doubts[is.Code] < MaxRejectsInReport {
		doubts[is.Code]++
		is.Value, is.Reason = kept(is.Value, 200), kept(is.Reason, 1000)
		b.doubts = append(b.doubts, is)
	}
}

// kept is a copy of the beginning of a text that may be a small part of a large record, or a large one itself.
func kept(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.Clone(s)
}

// Counter counts the bytes that are read through it.
type Counter struct {
	r io.Reader
	n atomic.Int64
}

// NewCounter returns a reader that counts.
func NewCounter(r io.Reader) *Counter { return &Counter{r: r} }

// Read implements [io.Reader].
func (c *Counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// N is the number of bytes read so far. It is safe to call at any time.
func (c *Counter) N() int64 { return c.n.Load() }
