package main

import (
	"errors"
	"fmt"
	"io"

	"sarhad/incident"
)

type copyCmd struct {
	Quiet bool   `short:"q" help:"No progress."`
	From  string `arg:"" help:"The store to copy: a GeoPackage file, or postgres://user@host/database."`
	To    string `arg:"" help:"The store to make of it. It must not hold anything but a part of this copy."`
}

// Run implements the command.
func (c *copyCmd) Run(e *env) error {
	a, b := addressOf(c.From), addressOf(c.To)
	if a == b || sameFile(c.From, c.To) {
		fmt.Fprintln(e.stderr, "sarhad: a store cannot be copied to itself")
		return exitError(exitUsage)
	}
	from, err := a.open(e, storeOptions{readOnly: true})
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := b.open(e, storeOptions{})
	if err != nil {
		return err
	}
	defer to.Close()
	said := io.Discard
	if !c.Quiet {
		said = e.stderr
	}
	err = incident.Copy(e.ctx, from, to, func(n int) {
		if n%100_000 == 0 {
			fmt.Fprintf(said, "%d copied\n", n)
		}
	})
	done := errors.Is(err, incident.ErrNotACopy) // perhaps it is the copy, and the command was given once more
	if err != nil && !done {
		return err
	}
	x, err2 := incident.ContentOf(e.ctx, from)
	if err2 != nil {
		return err2
	}
	y, err2 := incident.ContentOf(e.ctx, to)
	if err2 != nil {
		return err2
	}
	if done && x != y {
		return err
	}
	fmt.Fprintf(e.stdout, "%s: %s\n%s: %s\n", a, &x, b, &y)
	if x != y {
		return incident.Errorf(incident.CodeInternal, "The copy differs from the store; do not use it.")
	}
	return nil
}
