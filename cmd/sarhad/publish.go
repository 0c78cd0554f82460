package main

import (
	"errors"
	"fmt"
	"strings"

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
