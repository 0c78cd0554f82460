// Command sarhad-parts says what the program is made of. It holds the licence of every Go module and
// npm package against those that may be used, and writes docs/licences.md, the texts that go out with a
// release and its bill of materials. It reads the module cache and the repository, never the network.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// listFile is where the list stands in the repository.
const listFile = "docs/licences.md"

type cli struct {
	Check checkCmd `cmd:"" help:"Fail if a licence may not be used or docs/licences.md is not true."`
	List  listCmd  `cmd:"" help:"Write docs/licences.md."`
	Texts textsCmd `cmd:"" help:"Print the licence texts of everything that is in the program."`
	SBOM  sbomCmd  `cmd:"" name:"sbom" help:"Print the bill of materials of a built program, CycloneDX 1.6 as JSON."`
}

func main() {
	k := kong.Parse(&cli{}, kong.Name("sarhad-parts"), kong.BindTo(os.Stdout, (*io.Writer)(nil)),
		kong.Description("What the program is made of, and on what terms. Run it in the root of the repository."))
	k.FatalIfErrorf(k.Run())
}

type checkCmd struct{}

// Run implements the command.
func (checkCmd) Run() error {
	all, err := collect(".")
	if err != nil {
		return err
	}
	if err := all.judge(); err != nil {
		return err
	}
	have, err := os.ReadFile(listFile)
	if err != nil {
		return fmt.Errorf("read the list of licences: %w", err)
	}
	if !bytes.Equal(have, all.list()) {
		return fmt.Errorf("%s does not say what the program is made of now: run make licences and look at the difference", listFile)
	}
	return nil
}

type listCmd struct{}

// Run implements the command.
func (listCmd) Run() error {
	all, err := collect(".")
	if err != nil {
		return err
	}
	if err := os.WriteFile(listFile, all.list(), 0o644); err != nil {
		return fmt.Errorf("write the list of licences: %w", err)
	}
	return all.judge()
}

type textsCmd struct{}

// Run implements the command.
func (textsCmd) Run(out io.Writer) error {
	all, err := collect(".")
	if err != nil {
		return err
	}
	if err := all.judge(); err != nil {
		return err
	}
	_, err = out.Write(all.texts())
	return err
}

type sbomCmd struct {
	Program string `arg:"" help:"The built program." type:"existingfile"`
	Version string `help:"Its version." required:""`
	Epoch   int64  `help:"When it was made, in seconds since 1970: the time of the commit." required:""`
}

// Run implements the command.
func (c *sbomCmd) Run(out io.Writer) error {
	all, err := collect(".")
	if err != nil {
		return err
	}
	doc, err := all.bill(c.Program, c.Version, c.Epoch)
	if err != nil {
		return err
	}
	_, err = out.Write(doc)
	return err
}
