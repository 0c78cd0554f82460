package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"golang.org/x/term"

	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/incident"
)

type importCmd struct {
	storeFlag
	placesFlag
	Format         string `help:"Layout of the files: ${enum}." enum:"auto,ged,acled,table,geojson,gpkg" default:"auto"`
	Map            string `help:"Mapping file that names the columns of a table." placeholder:"map.yml" type:"existingfile"`
	Dataset        string `help:"Name of the dataset; else that of the layout or the file." placeholder:"NAME"`
	Delay          string `help:"Let everybody wait for an incident after its last day has ended, from before the first row is stored: 72h, 7d. A longer delay of the dataset holds." placeholder:"TIME"`
	Blur           string `help:"Show everybody only districts, or cells of a grid: district, grid:0.1. A coarser blur of the dataset holds." placeholder:"KIND"`
	Guess          bool   `help:"Print the mapping by which each file would be read, to be edited; load nothing."`
	ReplaceDataset bool   `help:"The file is the whole dataset: incidents that are not in it are taken away, until an undo."`
	DryRun         bool   `help:"Show what would change and change nothing."`
	Strict         bool   `help:"All or nothing: one rejected row keeps the whole file out."`
	Report         string `help:"Write the report as JSON, with the lines and reasons of warnings and rejected rows." placeholder:"report.json" type:"path"`
	Rejects        string `help:"Write the rejected rows as CSV; it loads again after mending." placeholder:"rejects.csv" type:"path"`
	JSON           bool   `help:"Print the report as JSON on standard output."`
	Quiet          bool   `short:"q" help:"No progress and no warnings."`
	NoIndex        bool   `help:"Do not save the index beside the store after a large load; a server then makes it when it starts."`

	mappingText string
	hidden      incident.Publication

	Files []string `arg:"" name:"file" help:"Files to load; - is standard input, gzip and zip are unpacked."`
}

// Run implements the command.
func (c *importCmd) Run(e *env) error {
	if c.Guess {
		return c.guess(e)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		// With what SQLite and the program itself take, 250 MB for a file of any size.
		debug.SetMemoryLimit(170 << 20)
	}
	if err := c.keepApart(); err != nil {
		fmt.Fprintln(e.stderr, "sarhad:", err)
		return exitError(exitUsage)
	}
	if c.ReplaceDataset && len(c.Files) > 1 {
		fmt.Fprintln(e.stderr, "sarhad: --replace-dataset takes one file: each would take away what the one before it brought")
		return exitError(exitUsage)
	}
	var err error
	if c.hidden, err = readPublication(&c.Delay, &c.Blur); err != nil {
		return usage(e, err)
	}
	var mapping *source.Mapping
	if c.Map != "" {
		text, err := os.ReadFile(c.Map)
		if err != nil {
			return fmt.Errorf("read the mapping: %w", err)
		}
		c.mappingText = string(text)
		mapping, err = source.ReadMapping(bytes.NewReader(text))
		if err != nil {
			return fmt.Errorf("%s: %w", c.Map, err)
		}
	}
	said := e.stderr
	if c.Quiet {
		said = io.Discard
	}
	known, err := c.read(said)
	if err != nil {
		return err
	}
	at := addressOf(c.Store)
	there, err := at.there(e)
	if err != nil {
		return err
	}
	if !there && c.DryRun {
		// A dry run makes no store; what would be new is tried on an empty one elsewhere.
		dir, err := os.MkdirTemp("", "sarhad-dry-run-")
		if err != nil {
			return fmt.Errorf("make room for a dry run: %w", err)
		}
		defer os.RemoveAll(dir)
		at = inFile(filepath.Join(dir, "empty.gpkg"))
	}
	st, err := known.open(e, at, true)
	if err != nil {
		return err
	}
	defer st.Close()

	loads, err := c.loadAll(e, mapping, st, known)
	if err != nil {
		return err
	}
	if err := c.write(e, loads); err != nil {
		return err
	}
	if !c.NoIndex {
		saveIndex(e, said, st, at, loads)
	}
	failed, rejected := 0, 0
	for _, l := range loads {
		rejected += l.Rejected
		if l.err != nil {
			failed++
		}
	}
	switch {
	case failed > 0:
		return exitError(exitFailed)
	case rejected > 0 && c.Strict:
		return exitError(exitFailed)
	case rejected > 0:
		return exitError(exitRejected)
	}
	return nil
}

// loadAll loads one input after the other and says what becomes of each. It
// fails only if the whole is broken off.
func (c *importCmd) loadAll(e *env, mapping *source.Mapping, st incident.Store, known *places) (loads []outcome, err error) {
	for _, file := range c.Files {
		in, err := c.input(e, file)
		// An export of ours may hold several datasets: each is a load of its own.
		parts := []string{""}
		for i := 0; i < len(parts); i++ {
			of := &source.Several{Want: parts[i]}
			l := outcome{err: err}
			if err == nil {
				l.Report, l.err = c.load(e, in, mapping, st, known, rejectsFile(c.Rejects, len(loads)), of)
			}
			if l.err != nil && e.ctx.Err() != nil {
				return nil, errors.Join(e.ctx.Err(), in.close())
			}
			if l.File == "" {
				l.File = filepath.Base(file)
			}
			if l.Stored {
				if change, err := st.Change(e.ctx); err == nil {
					l.change = change
				}
			}
			l.say(e.stderr, file, c.Quiet, c.DryRun)
			loads = append(loads, l.settled())
			if i == 0 {
				parts = append(parts, of.Others...)
			}
		}
		if err := in.close(); err != nil {
			return nil, fmt.Errorf("remove the copy of standard input: %w", err)
		}
	}
	return loads, nil
}

// guess prints a mapping for each file. It is an error if none can be made of any.
func (c *importCmd) guess(e *env) error {
	failed := false
	for i, file := range c.Files {
		text, err := c.guessFile(e, file)
		if err != nil {
			failed = true
			fmt.Fprintf(e.stderr, "sarhad: %s: %v\n", file, err)
			continue
		}
		if i > 0 {
			text = "---\n" + text
		}
		if _, err := io.WriteString(e.stdout, text); err != nil {
			return fmt.Errorf("print the mapping: %w", err)
		}
	}
	if failed {
		return exitError(exitFailed)
	}
	return nil
}

func (c *importCmd) guessFile(e *env, file string) (string, error) {
	from, err := c.input(e, file)
	if err != nil {
		return "", err
	}
	in, err := from.open()
	if err != nil {
		return "", err
	}
	defer in.Close()
	from.keep(false)
	name := from.name
	if file == "-" {
		name = ""
	}
	return source.Guess(in, source.Options{File: name, Path: from.path, Dataset: c.Dataset, Ended: e.ctx.Err})
}

// load loads an input, or one dataset of it.
func (c *importCmd) load(e *env, from *input, mapping *source.Mapping, st incident.Store, known *places, rejects string, of *source.Several) (report ingest.Report, err error) {
	in, err := from.open()
	if err != nil {
		return report, err
	}
	defer in.Close()
	through, hash := hashed(in)
	counted := ingest.NewCounter(through)
	how := source.Options{Format: c.Format, File: from.name, Path: from.path, Dataset: c.Dataset, Mapping: mapping, Several: of, Ended: e.ctx.Err}
	origin := ingest.FindOrigin(e.ctx, st, &how)
	src, err := source.Open(counted, how)
	if err != nil {
		return ingest.Report{}, err
	}
	defer src.Close()
	from.keep(slices.Contains(src.Columns(), "dataset") && slices.Contains(src.Columns(), "source_id"))
	opt := ingest.Options{
		Source: src, File: from.name, Store: st, Locator: known.locator(e, st, src.Dataset().Name), Origin: origin,
		Publication: c.hidden, Replace: c.ReplaceDataset, Mapping: c.mappingText, Who: userName(), Hash: hash,
		Strict: c.Strict, DryRun: c.DryRun, Bytes: counted, Size: from.size,
		Progress: ingest.NewPrinter(e.stderr, isTerminal(e.stderr), c.Quiet).Print,
	}
	if rejects != "" {
		// Written beside it and renamed at the end, so that a load that fails early leaves an older file as it was.
		f, err := os.CreateTemp(filepath.Dir(rejects), ".sarhad-rejects-*")
		if err != nil {
			return report, fmt.Errorf("nothing was loaded, since the rejected rows cannot be written: %w", err)
		}
		written := &firstError{w: f}
		opt.Rejects = written
		defer func() {
			e := f.Close()
			if e == nil && written.err == nil && report.Read > 0 {
				e = errors.Join(os.Chmod(f.Name(), 0o644), os.Rename(f.Name(), rejects))
			} else {
				e = errors.Join(e, os.Remove(f.Name()))
			}
			if e != nil {
				err = errors.Join(err, fmt.Errorf("write the rejected rows: %w", e))
			}
		}()
	}
	return ingest.Run(e.ctx, opt)
}

// rejectsFile names the file for the rejected rows of the nth load: each has
// columns of its own, so each gets a file of its own, "rejects-2.csv" for the second.
func rejectsFile(name string, n int) string {
	if name == "" || n == 0 {
		return name
	}
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n+1, ext)
}

// keepApart refuses to write over what is read: a mended file of rejects is
// loaded with the same command that wrote it.
func (c *importCmd) keepApart() error {
	type named struct{ what, path string }
	written := []named{{"--report", c.Report}}
	read := []named{{"--store", c.Store}, {"--boundaries", c.Boundaries}, {"--map", c.Map}}
	for _, f := range c.Gazetteer {
		read = append(read, named{"--gazetteer", f})
	}
	for i, f := range c.Files {
		read = append(read, named{"the input", f})
		written = append(written, named{"--rejects", rejectsFile(c.Rejects, i)})
	}
	for i, w := range written {
		if w.path == "" {
			continue
		}
		if dir := filepath.Dir(w.path); i < 2 {
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				return fmt.Errorf("%s %s: there is no folder %s; nothing was loaded", w.what, w.path, dir)
			}
		}
		for _, r := range append(read, written[:i]...) {
			if r.path != "" && sameFile(w.path, r.path) {
				return fmt.Errorf("%s %s is the same file as %s; give it another name", w.what, w.path, r.what)
			}
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB)
	}
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// write puts the reports where they were asked for: one line for each load
// and, for several, their sum on the last.
func (c *importCmd) write(e *env, loads []outcome) error {
	var lines, details bytes.Buffer
	short, long := json.NewEncoder(&lines), json.NewEncoder(&details)
	short.SetEscapeHTML(false)
	long.SetEscapeHTML(false)
	for i := range loads {
		l := &loads[i]
		failed := ""
		if l.err != nil {
			failed = l.err.Error()
		}
		err := errors.Join(short.Encode(loadLine{l.Report, l.File, l.change, failed}), long.Encode(loadDetail{l.Detail(), failed}))
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if len(loads) > 1 {
		sum, failed := sumLoads(loads)
		if err := errors.Join(short.Encode(sumLine{sum, failed}), long.Encode(sumDetail{sum.Detail(), failed})); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if c.Report != "" {
		if err := replaceFile(c.Report, details.Bytes()); err != nil {
			return fmt.Errorf("write the report, while what was loaded stays: %w", err)
		}
	}
	if c.JSON {
		if _, err := e.stdout.Write(lines.Bytes()); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	return nil
}

// firstError passes on what is written and keeps the first error.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if f.err == nil {
		f.err = err
	}
	return n, err
}

// replaceFile writes a file beside another and gives it the other's name when it is whole.
func replaceFile(path string, text []byte) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, text, 0o644) // a pipe or a device
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sarhad-report-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
