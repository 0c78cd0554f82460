package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Every command and option is in the README, so that none is added in silence.
func TestReadmeNamesEveryOption(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	err = kong.Visit(parser.Model, func(n kong.Visitable, next kong.Next) error {
		switch n := n.(type) {
		case *kong.Flag:
			if n.Name != "help" && !strings.Contains(string(text), "--"+n.Name) {
				t.Errorf("the README does not name --%s", n.Name)
			}
		case *kong.Node:
			if n.Type == kong.CommandNode && !strings.Contains(string(text), n.Name) {
				t.Errorf("the README does not name the command %s", n.Path())
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}
