package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"sarhad/data/gpkg"
	"sarhad/data/postgis"
	"sarhad/incident"
)

// store is what commands need of a store, whichever kind it is.
type store interface {
	incident.Archive
	incident.TokenKeeper
	incident.Auditor
	// Created reports whether opening it made it.
	Created() bool
}

// identified is a store that can be told from one that is made anew in its place.
type identified interface {
	Identity(ctx context.Context) (string, error)
}

// identity is what clients keep answers under. A store that is made anew counts
// its changes from 0 again, and what they kept of the old one must not pass for
// it; where the store cannot tell, that ends with this process.
func identity(ctx context.Context, st store) (string, error) {
	if s, ok := st.(identified); ok {
		return s.Identity(ctx)
	}
	return strconv.FormatInt(time.Now().UnixNano(), 36), nil
}

// storeOptions say how a store is opened.
type storeOptions struct {
	// places fill the fixed layers; nil leaves them as they are.
	places *places
	// readOnly opens a store that exists and never writes to it.
	readOnly bool
	// unmapped reads a file piece by piece, in little memory.
	unmapped bool
}

// address says where a store is. Whatever depends on the kind of a store is
// said by the address; nothing else knows which kind it has.
type address interface {
	// String names the store to readers and in logs, without any password.
	String() string
	// there reports whether there is a store, of whatever version.
	there(e *env) (bool, error)
	// open opens the store and makes one if there is none, unless it is only to be read.
	open(e *env, opt storeOptions) (store, error)
	// status tells which version of the tables the store has, 0 if there is none, and which one this program wants.
	status(e *env) (have, want int, err error)
	// backup copies the store into a new file.
	backup(e *env, file string) error
	// restore puts a copy of a backup in the place of the store, over one that is there only with force.
	restore(e *env, file string, force bool) error
	// indexFile is where the index of the store lies, in dir or else where it
	// belongs; "" for nowhere. shared is true if commands that load may save it there.
	indexFile(dir string) (file string, shared bool)
	// uploads is the folder for files that wait to be loaded, "" if one has to be named.
	uploads() string
}

// addressOf reads what --store says.
func addressOf(text string) address {
	if postgis.IsAddress(text) {
		return inDatabase(text)
	}
	return inFile(text)
}

// inFile is the address of a GeoPackage.
type inFile string

func (f inFile) String() string { return string(f) }

func (f inFile) there(*env) (bool, error) {
	_, err := os.Stat(string(f))
	return !errors.Is(err, fs.ErrNotExist), nil // what else is wrong, opening it says
}

func (f inFile) status(e *env) (have, want int, err error) {
	return gpkg.MigrationStatus(e.ctx, string(f))
}

// open says that a store of an older version was brought up to date: what is new cannot be known of its incidents.
func (f inFile) open(e *env, o storeOptions) (store, error) {
	opt := gpkg.Options{ReadOnly: o.readOnly, Unmapped: o.unmapped, Now: time.Now}
	if p := o.places; p != nil {
		opt.Units, opt.Border, opt.Crossings, opt.Boundaries = p.units, p.line, p.crossings, p.boundaries
	}
	if o.readOnly {
		return opened(gpkg.Open(e.ctx, string(f), opt))
	}
	have, want, err := f.status(e)
	if incident.CodeOf(err) == incident.CodeUnavailable {
		return nil, err // such as a locked store, which was waited for
	}
	old := err == nil && have > 0 && have < min(want, 2) // those columns came with version 2; what is wrong with the file, opening it says
	st, err := opened(gpkg.Open(e.ctx, string(f), opt))
	if err == nil && old {
		e.log.Warn("the store was written by an older version and has been brought up to date; its incidents have no unit_then, district_then and subunit_id until their files are imported again", "store", string(f))
	}
	return st, err
}

// opened makes of no store a nil that can be seen as one.
func opened[T store](st T, err error) (store, error) {
	if err != nil {
		return nil, err
	}
	return st, nil
}

func (f inFile) backup(e *env, to string) error {
	st, err := gpkg.Open(e.ctx, string(f), gpkg.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer st.Close()
	return st.Backup(e.ctx, to)
}

func (f inFile) restore(e *env, from string, force bool) error {
	return gpkg.Restore(e.ctx, from, string(f), force)
}

func (f inFile) indexFile(dir string) (string, bool) {
	path, err := filepath.Abs(string(f))
	if err != nil {
		path = string(f)
	}
	if dir == "" {
		return path + "-index", true
	}
	return filepath.Join(dir, hashed16(path)+"-index"), false
}

func (f inFile) uploads() string { return string(f) + "-uploads" }

// inDatabase is the address of a store in PostgreSQL.
type inDatabase string

func (d inDatabase) String() string { return postgis.Shown(string(d)) }

func (d inDatabase) there(e *env) (bool, error) {
	have, _, err := d.status(e)
	return have > 0, err
}

func (d inDatabase) status(e *env) (have, want int, err error) {
	return postgis.MigrationStatus(e.ctx, string(d), postgis.Options{})
}

func (d inDatabase) open(e *env, o storeOptions) (store, error) {
	opt := postgis.Options{ReadOnly: o.readOnly, Now: time.Now}
	if p := o.places; p != nil {
		opt.Units, opt.Border, opt.Crossings, opt.Boundaries = p.units, p.line, p.crossings, p.boundaries
	}
	return opened(postgis.Open(e.ctx, string(d), opt))
}

func (d inDatabase) backup(*env, string) error {
	return incident.Errorf(incident.CodeInvalid, "A store in a database is backed up with the means of PostgreSQL: pg_dump, or pg_basebackup with archived logs.")
}

func (d inDatabase) restore(*env, string, bool) error {
	return incident.Errorf(incident.CodeInvalid, "A store in a database is restored with the means of PostgreSQL: pg_restore, or a base backup with its logs.")
}

func (d inDatabase) indexFile(dir string) (string, bool) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", false
		}
		dir = filepath.Join(cache, "sarhad")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return "", false // it is kept in memory then
		}
	}
	return filepath.Join(dir, hashed16(d.String())+"-index"), false
}

func (d inDatabase) uploads() string { return "" }

// hashed16 names what belongs to a store elsewhere.
func hashed16(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "sarhad-" + hex.EncodeToString(sum[:8])
}

// openExisting opens a store that must be there already and leaves its layers as they are.
func (e *env) openExisting(at string) (store, error) {
	a := addressOf(at)
	there, err := a.there(e)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, noStore(a)
	}
	return a.open(e, storeOptions{})
}

func noStore(a address) error {
	return incident.Errorf(incident.CodeNotFound, "there is no store %s; sarhad serve or sarhad import makes one", a)
}
