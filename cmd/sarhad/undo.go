package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"sarhad/incident"
)

type undoCmd struct {
	storeFlag
	List bool  `help:"List the imports with their numbers and undo nothing."`
	JSON bool  `help:"Print JSON on standard output, with --list one import a line."`
	ID   int64 `arg:"" optional:"" help:"Number of the import, as listed."`
}

// importLine is a record of an import as --list --json prints it.
type importLine struct {
	ID        int64           `json:"id"`
	Dataset   string          `json:"dataset"`
	File      string          `json:"file"`
	Layout    string          `json:"layout"`
	SHA256    *string         `json:"sha256"`
	Mapping   *string         `json:"mapping"`
	Who       *string         `json:"who"`
	State     string          `json:"state"`
	Started   time.Time       `json:"started"`
	Ended     *time.Time      `json:"ended"`
	New       int             `json:"new"`
	Changed   int             `json:"changed"`
	Unchanged int             `json:"unchanged"`
	Gone      int             `json:"gone"`
	Report    json.RawMessage `json:"report"`
}

// Run implements the command.
func (c *undoCmd) Run(e *env) error {
	if (c.ID == 0) != c.List {
		fmt.Fprintln(e.stderr, "sarhad: undo takes either the number of an import or --list")
		return exitError(exitUsage)
	}
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	if c.List {
		list, err := st.Imports(e.ctx, "")
		if err != nil {
			return err
		}
		return c.print(e.stdout, list)
	}
	imp, err := st.Import(e.ctx, c.ID)
	if err != nil {
		return err
	}
	r, err := st.Undo(e.ctx, c.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		_, err = fmt.Fprintf(e.stdout, "{\"import\":%d,\"restored\":%d,\"removed\":%d,\"kept\":%d}\n", c.ID, r.Restored, r.Removed, r.Kept)
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "Undid import %d of %s into %s: %d incidents restored, %d removed, %d kept as a later import left them.\n", c.ID, imp.File, imp.Dataset, r.Restored, r.Removed, r.Kept)
	return err
}

func (c *undoCmd) print(w io.Writer, list []incident.ImportInfo) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range list {
		imp := &list[i]
		var err error
		if c.JSON {
			line := importLine{ID: imp.ID, Dataset: imp.Dataset, File: imp.File, Layout: imp.Layout, SHA256: known(imp.Hash), Mapping: known(imp.Mapping), Who: known(imp.Who),
				State: string(imp.State), Started: imp.Started, New: imp.New, Changed: imp.Changed, Unchanged: imp.Unchanged, Gone: imp.Gone}
			if !imp.Ended.IsZero() {
				line.Ended = &imp.Ended
			}
			if json.Valid([]byte(imp.Report)) {
				line.Report = json.RawMessage(imp.Report)
			}
			err = enc.Encode(line)
		} else {
			_, err = fmt.Fprintf(w, "%5d  %-7s  %s  %-16s %s: %d new, %d changed, %d unchanged, %d gone%s\n", imp.ID, imp.State, imp.Started.Format("2006-01-02 15:04"),
				imp.Dataset, imp.File, imp.New, imp.Changed, imp.Unchanged, imp.Gone, by(imp.Who))
		}
		if err != nil {
			return fmt.Errorf("print the imports: %w", err)
		}
	}
	if len(list) == 0 && !c.JSON {
		_, err := fmt.Fprintln(w, "Nothing was ever imported.")
		return err
	}
	return nil
}

func by(who string) string {
	if who == "" {
		return ""
	}
	return ", by " + who
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// userName is the name of who runs the program, "" if the system does not know.
func userName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return cmp.Or(u.Username, u.Name)
}

// hashed reads through to a file and takes its SHA-256 on the way. The function
// reads what a reader of the file left, as one does that finds its own way in
// it, and gives the hash of the whole, "" if the file cannot be read to its end.
func hashed(file io.Reader) (io.Reader, func() string) {
	h := sha256.New()
	through := io.TeeReader(file, h)
	return through, func() string {
		if _, err := io.Copy(io.Discard, through); err != nil {
			return ""
		}
		return hex.EncodeToString(h.Sum(nil))
	}
}

type datasetsSetCmd struct {
	storeFlag
	Name            string  `arg:"" help:"Name of the dataset, as listed."`
	Public          *string `help:"What is given out: items, or only aggregates. No import changes it afterwards." enum:"items,aggregates" placeholder:"items|aggregates"`
	Title           *string `help:"Title for readers." placeholder:"TEXT"`
	Licence         *string `help:"Licence of the data." placeholder:"TEXT"`
	Attribution     *string `help:"Whom to name." placeholder:"TEXT"`
	Terms           *string `help:"Terms of use." placeholder:"TEXT"`
	UpstreamVersion *string `help:"What the publisher calls what is loaded." placeholder:"TEXT"`
	Accessed        *string `help:"Day on which it was fetched." placeholder:"YYYY-MM-DD"`
	Delay           *string `help:"How long everybody waits for an incident after its last day has ended: 72h, 7d, none." placeholder:"TIME"`
	Blur            *string `help:"What everybody sees instead of its places: none, district, or cells of a grid such as grid:0.1." placeholder:"KIND"`
}

// Run implements the command.
func (c *datasetsSetCmd) Run(e *env) error {
	change := incident.DatasetChange{Title: c.Title, Licence: c.Licence, Attribution: c.Attribution, Terms: c.Terms, Version: c.UpstreamVersion, Accessed: c.Accessed}
	if c.Public != nil {
		only := *c.Public == "aggregates"
		change.AggregatesOnly = &only
	}
	p, err := readPublication(c.Delay, c.Blur)
	if err != nil {
		return usage(e, err)
	}
	if c.Delay != nil {
		change.Delay = &p.Delay
	}
	if c.Blur != nil {
		change.Blur = &p.Blur
	}
	if change == (incident.DatasetChange{}) {
		fmt.Fprintln(e.stderr, "sarhad: datasets set needs something to set, such as --licence; see sarhad datasets set --help")
		return exitError(exitUsage)
	}
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.SetDataset(e.ctx, c.Name, change); err != nil {
		return err
	}
	sets, err := st.Datasets(e.ctx)
	if err != nil {
		return err
	}
	for i := range sets {
		if d := &sets[i]; d.Name == c.Name {
			public := "items"
			if d.AggregatesOnly {
				public = "aggregates"
			}
			parts := []string{}
			for _, p := range [][2]string{{"title", d.Title}, {"licence", d.Licence}, {"attribution", d.Attribution}, {"terms", d.Terms}, {"upstream version", d.Version}, {"accessed", d.Accessed}, {"public", public}, {"for everybody", publicationWords(d.Publication)}} {
				if p[1] != "" {
					parts = append(parts, fmt.Sprintf("%s: %s", p[0], p[1]))
				}
			}
			_, err = fmt.Fprintf(e.stdout, "%s\n  %s\n", d.Name, strings.Join(parts, "\n  "))
		}
	}
	return err
}
