package main

import (
	"fmt"
	"os"

	"sarhad/data/source"
)

type generateCmd struct {
	Rows int    `help:"How many incidents." required:"" placeholder:"N"`
	Seed uint64 `help:"The same seed gives the same incidents." default:"1"`
	Out  string `short:"o" help:"File to write; standard output if not given." type:"path"`
}

// Run implements the command.
func (c *generateCmd) Run(e *env) error {
	if c.Rows < 0 {
		fmt.Fprintln(e.stderr, "sarhad: --rows takes a number that is not negative")
		return exitError(exitUsage)
	}
	if c.Out == "" {
		return source.Generate(e.stdout, c.Rows, c.Seed)
	}
	f, err := os.Create(c.Out)
	if err != nil {
		return fmt.Errorf("write the incidents: %w", err)
	}
	if err := source.Generate(f, c.Rows, c.Seed); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
