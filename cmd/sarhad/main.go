// Command sarhad loads incident files for the Pakistan–Afghanistan border
// region into a store and serves them as a map and as GeoJSON layers.
//
// Only here are flags and the environment read and the process ended.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"sarhad/incident"
)

// version is set by the linker; see the Makefile.
var version = "development"

// The exit codes, as the README lists them.
const (
	exitOK       = 0
	exitFailed   = 1 // nothing changed because of an error
	exitUsage    = 2
	exitRejected = 3 // some rows were rejected, the rest is in
)

type cli struct {
	Serve    serveCmd    `cmd:"" help:"Serve the map and the layers of a store."`
	Import   importCmd   `cmd:"" help:"Load incident files into a store."`
	Export   exportCmd   `cmd:"" help:"Write what is loaded, or a part of it, as CSV, GeoJSON, KML or GeoPackage."`
	Geocode  geocodeCmd  `cmd:"" help:"Say what is known of a place: names, phrases and points."`
	CQL2     cql2Cmd     `cmd:"" name:"cql2" help:"Check a filter in CQL2 and print it as it was understood."`
	Generate generateCmd `cmd:"" help:"Write made-up incidents, the same for the same seed, every row marked synthetic."`
	Datasets datasetsCmd `cmd:"" help:"List what is loaded, say on what terms, or remove a dataset."`
	Undo     undoCmd     `cmd:"" help:"Take an import back, or list the imports."`
	Token    tokenCmd    `cmd:"" help:"Make, list and revoke tokens for those who write over HTTP or see what is closed."`
	Audit    auditCmd    `cmd:"" help:"Print who wrote what."`
	Copy     copyCmd     `cmd:"" help:"Copy a store with all its history to another, of whichever kind."`
	Backup   backupCmd   `cmd:"" help:"Copy a store into one file, also while it is being served."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup in the place of a store that no server uses."`
	Migrate  migrateCmd  `cmd:"" help:"Show or bring up to date the schema of a store."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// storeFlag is shared by every command that opens a store.
type storeFlag struct {
	Store string `help:"The store: a GeoPackage file, or postgres://user@host/database." default:"sarhad.gpkg" env:"SARHAD_STORE" placeholder:"FILE.gpkg"`
}

// env is what commands get from outside, so that tests can put their own in place.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
}

// exitError ends the program with a code of its own; its message has been printed already.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c,
		kong.Name("sarhad"),
		kong.Description("Incidents of the Pakistan–Afghanistan border region: load files, see them on a map, fetch them as layers. Not for targeting."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }), // --help ends here
	)
	if err != nil {
		fmt.Fprintln(stderr, "sarhad:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "sarhad: %v\nTry: sarhad --help\n", err)
		return exitUsage
	}
	err = kctx.Run(&env{ctx: incident.WithActor(ctx, incident.CommandLine), stdin: stdin, stdout: stdout, stderr: stderr, log: slog.New(slog.NewTextHandler(stderr, nil))})
	var code exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "sarhad: stopped; whole batches that were loaded stay, and the same command goes on from there")
		return exitFailed
	default:
		fmt.Fprintln(stderr, "sarhad:", err)
		var e *incident.Error
		if errors.As(err, &e) && e.Parameter != "" && len(e.Allowed) > 0 {
			fmt.Fprintf(stderr, "  %s takes: %v\n", e.Parameter, e.Allowed)
		}
		return exitFailed
	}
}

type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	_, err := fmt.Fprintln(e.stdout, "sarhad", version)
	return err
}
