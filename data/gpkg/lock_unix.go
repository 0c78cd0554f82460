//go:build unix

package gpkg

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// fileLock is a lock between processes on a file beside the store. The system
// releases it when its process dies, however it dies.
type fileLock struct{ f *os.File }

// tryLock takes the lock; ok is false if another process has it.
func tryLock(path string) (l *fileLock, ok bool, err error) {
	for range 100 {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return nil, false, fmt.Errorf("open the lock file: %w", err)
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			_ = f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, false, nil
			}
			return nil, false, fmt.Errorf("lock %s: %w", path, err)
		}
		// The one who had it may have removed the file in between: then this
		// lock is on a file that nobody else will open.
		mine, err := f.Stat()
		if err == nil {
			if there, err2 := os.Stat(path); err2 == nil && os.SameFile(mine, there) {
				return &fileLock{f}, true, nil
			}
		}
		_ = f.Close()
	}
	return nil, false, nil
}

// release removes the file while the lock is held, then lets go.
func (l *fileLock) release() error {
	return errors.Join(os.Remove(l.f.Name()), l.f.Close())
}

// The bytes of a database that SQLite locks, from PENDING_BYTE on (file format, "The Lock-Byte Page").
const (
	lockFrom  = 0x40000000
	lockBytes = 512
)

// inUse reports whether another process has a store open: in WAL mode each connection holds a shared lock. It looks at the
// locks alone, so that it can be asked of a damaged store.
func inUse(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false, fileError(err)
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: lockFrom, Len: lockBytes}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock); err != nil {
		return false, fmt.Errorf("ask for locks: %w", err)
	}
	return lock.Type != syscall.F_UNLCK, nil
}
