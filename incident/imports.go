package incident

import "time"

// Import describes a load.
type Import struct {
	// Dataset is what the incidents belong to. A dataset that exists keeps the
	// fields that are empty here.
	Dataset Dataset
	// File is the name of the file without its folder, Layout what it was read as.
	File, Layout string
	// Mapping is the mapping by which it was read, as YAML, "" if none was.
	Mapping string
	// Who is the user on whose behalf it is loaded, "" if not known.
	Who string
	// Hash gives the SHA-256 of the file in hexadecimal digits. It is called
	// once, when the load is finished; nil means that nobody knows it.
	Hash func() string
	// Atomic asks for one transaction over all batches, so that Abort leaves nothing behind.
	Atomic bool
	// Replace says that the file is the whole dataset, so that [Load.Sweep] may
	// take away what is not in it.
	Replace bool
}

// ImportState says how far a load came.
type ImportState string

// The states of imports.
const (
	// ImportRunning is a load that is at work, or was cut off a moment ago and nobody has noticed.
	ImportRunning ImportState = "running"
	// ImportDone is a load that was finished.
	ImportDone ImportState = "done"
	// ImportFailed is a load that was not: of one that was cut off the batches
	// that were put stay, of a broken file nothing does.
	ImportFailed ImportState = "failed"
	// ImportUndone is a load that was undone or whose dataset was removed.
	ImportUndone ImportState = "undone"
)

// ImportInfo is the record of a load.
type ImportInfo struct {
	// ID counts from 1 in the order in which loads began.
	ID int64
	// Dataset is the name of the dataset; File, Layout, Mapping and Who are those of [Import].
	Dataset, File, Layout, Mapping, Who string
	// Hash is the SHA-256 of the file in hexadecimal digits, "" if not known.
	Hash string
	// State says how far it came.
	State ImportState
	// Started and Ended are moments in UTC; Ended is zero while it runs.
	Started, Ended time.Time
	// New, Changed and Unchanged count the incidents that were put, Gone those that Sweep took away.
	New, Changed, Unchanged, Gone int
	// Report is what was given to [Load.Finish], "" for a load that was not finished.
	Report string
}

// Version is an incident as one import left it.
type Version struct {
	// Incident is the incident as it was or is; nil where the import took it away.
	Incident *Incident
	// Import is the record of the import that wrote it.
	Import ImportInfo
	// Until is the change number with which the next version took its place, 0
	// for the present one and where the import took the incident away.
	Until int64
}

// UndoResult counts what became of the incidents that an import had written.
type UndoResult struct {
	// Restored have the version from before the import again, Removed had none and are gone.
	Restored, Removed int
	// Kept were written again or taken away by a later import and stay as that left them.
	Kept int
}

// DatasetChange is what [Writer.SetDataset] changes; what is nil stays.
type DatasetChange struct {
	Title, Licence, Attribution, Terms, Version, Accessed *string
	// AggregatesOnly is the operator's word: once it is set, no load changes it.
	AggregatesOnly *bool
	// Delay and Blur are those of [Publication].
	Delay *time.Duration
	Blur  *Blur
}
