//go:build unix

package upload

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// dirLock says that a process works with the spool. The system takes it back
// when the process dies, however it dies.
type dirLock struct{ f *os.File }

// tryLock takes the lock; ok is false if another process has it. The file stays
// when the lock goes: one that is removed might be locked by two.
func tryLock(path string) (l *dirLock, ok bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("open the lock of the spool: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("lock the spool: %w", err)
	}
	return &dirLock{f}, true, nil
}

func (l *dirLock) release() error { return l.f.Close() }
