//go:build !unix

package index

import "os"

// mapping is a file in memory. Where files are not mapped it is read whole.
type mapping struct{ bytes []byte }

func mapFile(path string) (*mapping, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &mapping{bytes: b}, nil
}
