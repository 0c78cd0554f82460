// Package frontend holds the built map page, so that the one binary serves it.
//
// The page's source is TypeScript under src; dist is what `npm run build` makes of it and is
// committed, so that building the binary needs no Node.
package frontend

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist returns the built page: index.html and, below assets, files whose names carry a hash
// of their content, so that they may be cached for ever. Paths are relative and use slashes.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails only on an invalid path, and this one is a constant.
		return dist
	}
	return sub
}
