package gpkg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sarhad/incident"
)

// Restore puts a copy of a backup in the place of a store. The copy is checked before anything is touched, and it takes
// that place in one step. The index beside the store goes, as it is that of another state. It fails with CodeConflict if
// there is something and force is false, with CodeUnavailable if a process has the store open or a load runs, and with
// CodeInvalid if the backup is damaged or no store. A backup of an older version is brought up to date when it is opened.
func Restore(ctx context.Context, from, to string, force bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore %s: %w", from, domainError(err))
		}
	}()
	if to, err = filepath.Abs(to); err != nil {
		return fmt.Errorf("find the store: %w", err)
	}
	there, empty, err := exists(to)
	if err != nil {
		return fileError(err)
	}
	if fromThere, nothing, err := exists(from); err != nil {
		return fileError(err)
	} else if !fromThere || nothing {
		return incident.Errorf(incident.CodeNotFound, "There is no backup %s.", from)
	}
	mode := fs.FileMode(0)
	if there && !empty {
		a, err1 := os.Stat(from)
		b, err2 := os.Stat(to)
		if err := errors.Join(err1, err2); err != nil {
			return fileError(err)
		}
		if os.SameFile(a, b) {
			return incident.Errorf(incident.CodeConflict, "%s is the store itself.", from)
		}
		if !force {
			return incident.Errorf(incident.CodeConflict, "%s exists already; with --force the backup takes its place.", to)
		}
		mode = b.Mode().Perm()
	}
	lock, ok, err := tryLock(to + "-load")
	if err != nil {
		return fileError(err)
	}
	if !ok {
		return incident.Errorf(incident.CodeUnavailable, "Another load is running on this store; try again when it has ended.")
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	if there {
		if used, err := inUse(to); err != nil {
			return fmt.Errorf("see who uses the store: %w", err)
		} else if used {
			return incident.Errorf(incident.CodeUnavailable, "%s is open in another process; stop the server first.", to)
		}
	}
	temp := filepath.Join(filepath.Dir(to), "."+filepath.Base(to)+"-restore")
	if err := removed(temp); err != nil { // what a killed one left; the lock is held
		return fileError(err)
	}
	if err := copyChecked(ctx, from, temp); err != nil {
		return errors.Join(err, removed(temp))
	}
	if mode != 0 {
		if err := os.Chmod(temp, mode); err != nil {
			return errors.Join(fmt.Errorf("give the copy its mode: %w", err), removed(temp))
		}
	}
	for _, part := range []string{"-wal", "-shm", "-journal", "-index"} { // a log of the old file would be played into the new one
		if err := removed(to + part); err != nil {
			return errors.Join(err, removed(temp))
		}
	}
	if err := os.Rename(temp, to); err != nil {
		return errors.Join(fmt.Errorf("put the copy in its place: %w", err), removed(temp))
	}
	return synced(filepath.Dir(to))
}

// copyChecked writes a compact copy of a store of this or an older version and reads all of it again.
func copyChecked(ctx context.Context, from, to string) (err error) {
	if err := checkHeader(from); err != nil {
		return err
	}
	_, err = os.Stat(from + "-wal")
	c, err := openConn(from, "ro", errors.Is(err, fs.ErrNotExist)) // a folder of backups may not be written
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	have, err := version(ctx, c)
	if err == nil && have == 0 {
		err = incident.Errorf(incident.CodeInvalid, "The file is not a Sarhad store: it holds nothing.")
	}
	if err == nil {
		err = checkVersion(have)
	}
	if err == nil {
		err = whole(ctx, c)
	}
	if err == nil {
		_, err = c.one(ctx, "VACUUM INTO ?", to)
	}
	if err != nil {
		return err
	}
	return verify(ctx, to)
}

// verify reads all of a copy that was just written and waits until the disk has it.
func verify(ctx context.Context, path string) error {
	c, err := openConn(path, "ro", true)
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	if err := errors.Join(whole(ctx, c), c.close()); err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	return synced(path)
}

// whole fails with CodeInvalid if pages, indexes or tables do not agree.
func whole(ctx context.Context, c *conn) error {
	row, err := c.one(ctx, "PRAGMA integrity_check(1)")
	if err != nil {
		return err
	}
	if found := fmt.Sprintf("%s", row[0]); found != "ok" {
		return &incident.Error{Code: incident.CodeInvalid, Message: "The file is damaged; take another backup.", Err: errors.New(found)}
	}
	return nil
}

// synced waits until the disk has a file or the names in a folder.
func synced(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open to write out: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write out: %w", err)
	}
	return nil
}
