package incident

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
)

// Archive is a store that can be copied as a whole, with the history of every
// incident, and that can become such a copy.
type Archive interface {
	Store
	// Holdings tells what the store holds besides incidents. It fails with
	// CodeConflict while a load is running.
	Holdings(ctx context.Context) (Holdings, error)
	// Entries gives, in one state of the store, the entries of all histories: first
	// those of the past with a number greater than past, by their numbers, then the
	// present ones with a FID greater than fid, by their FIDs. An entry is valid until the next.
	Entries(ctx context.Context, past, fid int64) iter.Seq2[*Entry, error]
	// Restore begins to fill the store, or goes on where it was broken off. It
	// fails with CodeConflict if the store holds anything else than a part of this very copy.
	Restore(ctx context.Context, h Holdings) (Restore, error)
}

// Entry is one entry in the history of an incident: what one import made of it.
type Entry struct {
	// Number orders what is past and is 0 for what is present.
	Number int64
	// Incident is the incident with the FID that it has or had; where the import
	// took it away only ID and Dataset are there.
	Incident Incident
	// Gone says that the import took the incident away.
	Gone bool
	// Import is the number of the import that wrote the entry.
	Import int64
	// Until is the change number with which the next entry took its place, 0 where there was none.
	Until int64
}

// Holdings is what a store holds besides incidents and their history.
type Holdings struct {
	// Change is the change number, NextFID the FID that the next new incident will have.
	Change, NextFID int64
	// Boundaries is what the store notes of the set of units that its incidents
	// were placed in, as it notes it; "" for the bundled ones.
	Boundaries string
	// Datasets are the datasets by name; Imports the records of loads, oldest first.
	Datasets []HeldDataset
	Imports  []ImportInfo
}

// HeldDataset is a dataset with what only its store knows.
type HeldDataset struct {
	Dataset
	// Settled says that the operator said whether it is public, which no load changes.
	Settled bool
}

// Mark tells the holdings of one state of one store from any other, so that a copy that was broken off is known again.
func (h *Holdings) Mark() string {
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%d %d %q %+v\n", h.Change, h.NextFID, h.Boundaries, h.Datasets)
	for i := range h.Imports {
		m := &h.Imports[i]
		_, _ = fmt.Fprintf(sum, "%d %q %q %s %d %d %d %d\n", m.ID, m.Dataset, m.State, m.Started.UTC(), m.New, m.Changed, m.Unchanged, m.Gone)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// HoldingsOf makes holdings of what a reader gives; settled tells of each dataset by its name.
func HoldingsOf(ctx context.Context, r Reader, settled map[string]bool) (h Holdings, err error) {
	infos, err := r.Datasets(ctx)
	if err != nil {
		return h, err
	}
	for i := range infos {
		h.Datasets = append(h.Datasets, HeldDataset{Dataset: infos[i].Dataset, Settled: settled[infos[i].Name]})
	}
	imports, err := r.Imports(ctx, "")
	if err != nil {
		return h, err
	}
	for i := len(imports) - 1; i >= 0; i-- {
		if imports[i].State == ImportRunning {
			return h, Errorf(CodeConflict, "A load is running on this store; it can be copied when that has ended.")
		}
		h.Imports = append(h.Imports, imports[i])
	}
	return h, nil
}

// Restore fills a store with a copy of another. Meanwhile readers see a part of it, and nobody can load.
type Restore interface {
	// Done tells where to go on: the greatest number of a past entry and the greatest FID of a present one that are there.
	Done() (past, fid int64)
	// Put stores entries in the order of [Archive.Entries], in one transaction. It keeps nothing of the slice.
	Put(ctx context.Context, entries []Entry) error
	// Finish makes up sums, indexes and links and ends the copy.
	Finish(ctx context.Context) error
	// Close lets go of the store. What was put stays, and Restore goes on from there. After Finish it does nothing.
	Close() error
}

// ErrNotACopy is what [Archive.Restore] fails with for a store that holds something else.
var ErrNotACopy error = Errorf(CodeConflict, "The store to copy to holds something already; copy to a new one.")

// copyBatch is how many entries are copied in one transaction.
const copyBatch = 5000

// Copy makes of an empty store a copy of another, or goes on with one that was
// broken off. said, if it is not nil, is told after each batch how many entries
// this call has copied. It fails with CodeConflict for a store that holds something
// else, and if the store to copy from changed meanwhile: then nothing but a new copy helps.
func Copy(ctx context.Context, from, to Archive, said func(entries int)) error {
	h, err := from.Holdings(ctx)
	if err != nil {
		return fmt.Errorf("copy a store: %w", err)
	}
	r, err := to.Restore(ctx, h)
	if err != nil {
		return fmt.Errorf("copy a store: %w", err)
	}
	if err := copyEntries(ctx, from, r, h.Change, said); err != nil {
		_ = r.Close() // what was put stays; why it ended is said already
		return fmt.Errorf("copy a store: %w", err)
	}
	return nil
}

func copyEntries(ctx context.Context, from Archive, r Restore, change int64, said func(entries int)) error {
	batch, n := make([]Entry, 0, copyBatch), 0
	put := func() error {
		if err := r.Put(ctx, batch); err != nil {
			return err
		}
		n += len(batch)
		batch = batch[:0]
		if said != nil {
			said(n)
		}
		return nil
	}
	past, fid := r.Done()
	for e, err := range from.Entries(ctx, past, fid) {
		if err != nil {
			return err
		}
		if batch = append(batch, *e); len(batch) == copyBatch {
			if err := put(); err != nil {
				return err
			}
		}
	}
	if len(batch) > 0 {
		if err := put(); err != nil {
			return err
		}
	}
	now, err := from.Change(ctx)
	if err != nil {
		return err
	}
	if now != change {
		return Errorf(CodeConflict, "The store changed while it was copied. Copy it again to a new one, and let nobody load meanwhile.")
	}
	return r.Finish(ctx)
}
