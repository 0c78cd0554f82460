package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"sarhad/data/index"
	"sarhad/incident"
)

// indexFlag says whether questions are answered from an index.
type indexFlag struct {
	NoIndex  bool   `help:"Answer every question from the store itself. The answers are the same and slower; no STORE-index file is kept."`
	IndexDir string `help:"Folder for the index, which may be lost at any time; beside the store unless given, for a database the cache of the user." placeholder:"DIR" type:"existingdir"`
}

// openIndex opens the index beside a store, nil if none is wanted.
func (f *indexFlag) openIndex(st incident.Reader, at address) *index.Index {
	if f.NoIndex {
		return nil
	}
	file, _ := at.indexFile(f.IndexDir)
	return index.New(st, index.Options{File: file})
}

// A load is worth a new index if it changed so many incidents and so large a
// part of the store. A server catches up with less by itself, and saving the
// index, which takes longer the more the store holds, is then a fair part of
// the whole load.
const (
	indexFrom = 10_000
	indexPart = 10 // one in so many
)

// saveIndex saves the index after large loads, so that a server that is started
// then need not make it, and says so. Nothing depends on it: if it cannot be
// saved, that is a warning.
func saveIndex(e *env, w io.Writer, st incident.Reader, at address, loads []outcome) {
	file, shared := at.indexFile("")
	if !shared {
		return // the servers of a database may be anywhere
	}
	touched := 0
	for _, l := range loads {
		if l.Stored {
			touched += l.New + l.Changed
			if l.Gone != nil {
				touched += *l.Gone
			}
		}
	}
	if touched < indexFrom {
		return
	}
	began := time.Now()
	err := func() error {
		sets, err := st.Datasets(e.ctx)
		if err != nil {
			return err
		}
		all := 0
		for _, d := range sets {
			if d.Blur != "" {
				return nil // a server shows other places than the store has
			}
			all += d.Count
		}
		if touched*indexPart < all {
			return nil
		}
		if err := index.Save(e.ctx, st, file); err != nil {
			return err
		}
		fmt.Fprintf(w, "Index saved beside the store in %.1f s\n", time.Since(began).Seconds())
		return nil
	}()
	if err != nil {
		fmt.Fprintf(w, "warning: the index was not saved, and a server makes it when it starts: %v\n", err)
	}
}

// followStore keeps an index up to date until the context ends.
func followStore(ctx context.Context, x *index.Index, log *slog.Logger, ready *readiness) {
	x.Follow(ctx, func(err error) {
		ready.indexed.Store(true) // it may never be, and the store answers
		log.Warn("the index is not up to date; the store answers", "error", err)
	})
}
