package main

import (
	"bytes"
	"context"
	"fmt"

	"sarhad/data/bundle"
	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/incident"
)

// loadDemo puts the bundled demo into a store.
func loadDemo(ctx context.Context, st incident.Store, locator ingest.Locator) (ingest.Report, error) {
	src, err := source.Open(bytes.NewReader(bundle.Demo()), source.Options{Format: "geojson", File: "demo.geojson", Dataset: "demo"})
	if err != nil {
		return ingest.Report{}, fmt.Errorf("read the bundled demo: %w", err)
	}
	report, err := ingest.Run(ctx, ingest.Options{Source: src, File: "demo.geojson", Store: st, Locator: locator, Strict: true,
		Dataset: &incident.Dataset{
			Title: "Demo: October and November 2025", Licence: "Facts; wording Apache-2.0", Sample: true,
			Attribution: "One news article of 6 November 2025 and other reports, publishers not recorded; compiled by the Sarhad project",
		},
	})
	if err != nil {
		return report, fmt.Errorf("load the bundled demo: %w", err)
	}
	return report, nil
}

type datasetsCmd struct {
	List   datasetsListCmd   `cmd:"" default:"withargs" help:"List what is loaded."`
	Set    datasetsSetCmd    `cmd:"" help:"Say where a dataset comes from and on what terms."`
	Remove datasetsRemoveCmd `cmd:"" help:"Remove a dataset with all its incidents."`
}

type datasetsListCmd struct {
	storeFlag
}

// Run implements the command.
func (c *datasetsListCmd) Run(e *env) error {
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	sets, err := st.Datasets(e.ctx)
	if err != nil {
		return err
	}
	if len(sets) == 0 {
		_, err := fmt.Fprintln(e.stdout, "Nothing is loaded. Load a file with: sarhad import FILE")
		return err
	}
	for _, d := range sets {
		span := ""
		if d.Count > 0 {
			span = fmt.Sprintf("%s to %s", d.First, d.Last)
		}
		mark := ""
		if d.Synthetic {
			mark = " (synthetic)"
		} else if d.Sample {
			mark = " (sample)"
		}
		if d.AggregatesOnly {
			mark += " (aggregates only)"
		}
		if words := publicationWords(d.Publication); words != "" {
			mark += " (for everybody " + words + ")"
		}
		from := ""
		if d.Version != "" {
			from += ", version " + d.Version
		}
		if d.Accessed != "" {
			from += ", accessed " + d.Accessed
		}
		fmt.Fprintf(e.stdout, "%-20s %9d  %-24s %s%s  %s%s\n", d.Name, d.Count, span, d.Title, mark, d.Licence, from)
	}
	return nil
}

type datasetsRemoveCmd struct {
	storeFlag
	Name string `arg:"" help:"Name of the dataset, as listed."`
}

// Run implements the command.
func (c *datasetsRemoveCmd) Run(e *env) error {
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	defer st.Close()
	n, err := st.RemoveDataset(e.ctx, c.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "Removed %s with %d incidents.\n", c.Name, n)
	return err
}

type backupCmd struct {
	storeFlag
	File string `arg:"" help:"The file to write; it must not exist." type:"path"`
}

// Run implements the command.
func (c *backupCmd) Run(e *env) error {
	a := addressOf(c.Store)
	if there, err := a.there(e); err != nil {
		return err
	} else if !there {
		return noStore(a)
	}
	if err := a.backup(e, c.File); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.stdout, "Wrote", c.File)
	return err
}

type restoreCmd struct {
	storeFlag
	Force bool   `help:"Put it in the place of a store that exists."`
	File  string `arg:"" help:"The backup; it stays as it is." type:"path"`
}

// Run implements the command.
func (c *restoreCmd) Run(e *env) error {
	a := addressOf(c.Store)
	if err := a.restore(e, c.File, c.Force); err != nil {
		return err
	}
	have, want, err := a.status(e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "Restored %s from %s (schema %d, this program knows %d).\n", a, c.File, have, want)
	return err
}

type migrateCmd struct {
	Status migrateStatusCmd `cmd:"" help:"Show the version of the schema."`
	Up     migrateUpCmd     `cmd:"" help:"Bring the schema up to date."`
}

type migrateStatusCmd struct {
	storeFlag
}

// Run implements the command.
func (c *migrateStatusCmd) Run(e *env) error {
	have, want, err := addressOf(c.Store).status(e)
	if err != nil {
		return err
	}
	state := "up to date"
	if have < want {
		state = "run: sarhad migrate up"
	}
	_, err = fmt.Fprintf(e.stdout, "schema %d, this program knows %d: %s\n", have, want, state)
	return err
}

type migrateUpCmd struct {
	storeFlag
}

// Run implements the command; opening a store brings it up to date.
func (c *migrateUpCmd) Run(e *env) error {
	st, err := e.openExisting(c.Store)
	if err != nil {
		return err
	}
	if err := st.Close(); err != nil {
		return err
	}
	return (&migrateStatusCmd{c.storeFlag}).Run(e)
}
