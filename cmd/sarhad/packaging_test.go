package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// What the unit, its file of options, the container and the manual start is what the program takes.
func TestPackagesStartWhatThereIs(t *testing.T) {
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	flags, names := map[string][]string{}, []string{}
	for _, command := range parser.Model.Children {
		names = append(names, command.Name)
		for _, leaf := range append(command.Children, command) {
			for _, f := range leaf.Flags {
				flags[command.Name] = append(flags[command.Name], f.Name)
			}
		}
	}
	called := regexp.MustCompile(`sarhad["']?,? "?(` + strings.Join(names, "|") + `)\b([^;|\n` + "`" + `]*)`)
	flag := regexp.MustCompile(`[\s"=]--([a-z][a-z-]*)`)
	for file, least := range map[string]int{
		"packaging/sarhad.service": 1, "packaging/sarhad.default": 2, "packaging/Dockerfile": 1, "docs/operations.md": 10,
	} {
		text, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		// Options that stand for themselves are those of serve.
		plain := regexp.MustCompile(`(?m)SARHAD_OPTIONS=|With a database and a write token:|^CMD \["`).ReplaceAllString(string(text), "sarhad serve ")
		plain = strings.ReplaceAll(plain, "sarhad serve serve", "sarhad serve")
		found := called.FindAllStringSubmatch(plain, -1)
		if len(found) < least {
			t.Errorf("%s calls the program %d times", file, len(found))
		}
		for _, call := range found {
			for _, f := range flag.FindAllStringSubmatch(call[2], -1) {
				if !slices.Contains(flags[call[1]], f[1]) {
					t.Errorf("%s: sarhad %s has no --%s", file, call[1], f[1])
				}
			}
		}
	}
}
