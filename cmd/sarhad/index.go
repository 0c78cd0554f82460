package main

import (
	"context"
	"log/slog"

	"sarhad/data/gpkg"
	"sarhad/data/index"
)

// indexFlag says whether questions are answered from an index.
type indexFlag struct {
	NoIndex bool `help:"Answer every question from the store itself. The answers are the same and slower; no STORE-index file is kept."`
}

// openIndex opens the index beside a store, nil if none is wanted.
func (f *indexFlag) openIndex(st *gpkg.Store) *index.Index {
	if f.NoIndex {
		return nil
	}
	return index.New(st, index.Options{File: st.Path() + "-index"})
}

// followStore keeps an index up to date until the context ends.
func followStore(ctx context.Context, x *index.Index, log *slog.Logger) {
	x.Follow(ctx, func(err error) {
		log.Warn("the index is not up to date; the store answers", "error", err)
	})
}
