package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sarhad/api/cql2"
)

type cql2Cmd struct {
	Parse string `help:"The filter, in the text or the JSON encoding; - reads standard input." required:"" placeholder:"TEXT"`
	JSON  bool   `name:"json" help:"Print the JSON encoding instead of the text encoding."`
}

// Run implements the command.
func (c *cql2Cmd) Run(e *env) error {
	source := c.Parse
	if source == "-" {
		b, err := io.ReadAll(io.LimitReader(e.stdin, cql2.MaxBytes+2)) // and a line break
		if err != nil {
			return fmt.Errorf("read the filter: %w", err)
		}
		source = strings.TrimRight(string(b), "\r\n")
	}
	lang := cql2.Text
	if strings.HasPrefix(strings.TrimSpace(source), "{") { // which no text begins with
		lang = cql2.JSON
	}
	x, err := cql2.Read(source, lang)
	if err == nil {
		_, err = x.Filter(cql2.Options{})
	}
	var wrong *cql2.Error
	switch {
	case errors.As(err, &wrong):
		printWrong(e.stderr, source, wrong)
		return exitError(exitFailed)
	case err != nil:
		return err
	case c.JSON:
		_, err = fmt.Fprintf(e.stdout, "%s\n", x.JSON())
	default:
		_, err = fmt.Fprintln(e.stdout, x.Text())
	}
	return err
}

// printWrong prints an error of a filter with the line that it is in and a caret under the place.
func printWrong(w io.Writer, source string, wrong *cql2.Error) {
	fmt.Fprintf(w, "%d:%d: %s\n", wrong.Line, wrong.Column, wrong.Message)
	const before, after = 60, 40 // characters around the place
	line := []rune(strings.TrimRight(strings.Split(source, "\n")[wrong.Line-1], "\r"))
	at := min(wrong.Column-1, len(line))
	from, to := max(0, at-before), min(len(line), at+after)
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(line[from:at]))
	fmt.Fprintf(w, "  %s\n  %s^\n", string(line[from:to]), pad)
	if len(wrong.Allowed) > 0 {
		fmt.Fprintf(w, "  allowed: %s\n", strings.Join(wrong.Allowed, ", "))
	}
}
