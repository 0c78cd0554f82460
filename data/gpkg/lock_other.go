//go:build !unix

package gpkg

// fileLock does nothing where the system has no lock that ends with its
// process: there only loads of one process wait for each other, and loads of
// two are kept apart batch by batch by SQLite itself.
type fileLock struct{}

func tryLock(string) (*fileLock, bool, error) { return &fileLock{}, true, nil }

func (*fileLock) release() error { return nil }

// inUse knows nothing where locks cannot be looked at.
func inUse(string) (bool, error) { return false, nil }
