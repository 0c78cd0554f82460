package main

import (
	"errors"
	"fmt"
	"strings"

	"sarhad/data/publish"
	"sarhad/incident"
)

// readPublication reads the options --delay and --blur; nil is one that was not given.
func readPublication(delay, blur *string) (p incident.Publication, err error) {
	if delay != nil {
		if p.Delay, err = incident.ParseDelay(*delay); err != nil {
			return p, fmt.Errorf("--delay: %w", err)
		}
	}
	if blur != nil {
		if p.Blur, err = incident.ParseBlur(*blur); err != nil {
			return p, fmt.Errorf("--blur: %w", err)
		}
	}
	return p, nil
}

// publishFlag is what everybody sees at most, whatever the datasets say of themselves.
type publishFlag struct {
	Delay string `help:"Show incidents of every dataset only so long after their last day has ended: 72h, 7d. A longer delay of a dataset holds." placeholder:"TIME"`
	Blur  string `help:"Show of every dataset only districts, or cells of a grid: district, grid:0.1. A coarser blur of a dataset holds." placeholder:"KIND"`

	least incident.Publication
}

// readRules reads the options.
func (f *publishFlag) readRules() (err error) {
	f.least, err = readPublication(&f.Delay, &f.Blur)
	return err
}

// view shows a store with the places that everybody sees.
func (f *publishFlag) view(st incident.Reader, known *places) incident.Reader {
	return publish.Blurred(st, f.least, publish.Places{Units: known.units, Border: known.geocoder.Border()})
}

// usage prints what is wrong with the options.
func usage(e *env, err error) error {
	fmt.Fprintln(e.stderr, "sarhad:", err)
	var wrong *incident.Error
	if errors.As(err, &wrong) && len(wrong.Allowed) > 0 {
		fmt.Fprintf(e.stderr, "  it takes: %s\n", strings.Join(wrong.Allowed, ", "))
	}
	return exitError(exitUsage)
}

// publicationWords says what everybody sees of a dataset, "" for all of it.
func publicationWords(p incident.Publication) string {
	var words []string
	if p.Delay > 0 {
		words = append(words, "delayed by "+incident.FormatDelay(p.Delay))
	}
	if p.Blur != "" {
		words = append(words, "blurred to "+string(p.Blur))
	}
	return strings.Join(words, ", ")
}
