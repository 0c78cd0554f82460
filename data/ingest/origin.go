package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"sarhad/data/source"
	"sarhad/incident"
)

// Origin is the import from which a file of refused rows comes: what is mended
// is loaded into its dataset and read by its mapping where nothing else is said.
type Origin struct {
	// Import is the number of its record, File the name of its file, Dataset that of its dataset.
	Import  int64  `json:"import"`
	File    string `json:"file"`
	Dataset string `json:"dataset"`
	// Mapped is true if the mapping of that import is used; Mapping is that mapping, "" if not.
	Mapped  bool   `json:"mapped"`
	Mapping string `json:"-"`
}

// FindOrigin lets a file of refused rows be read as the file was from which
// they come, by the records of a store: it sets the Origin of the options, which
// must be complete otherwise. What it gives is filled in when the file is
// opened; its Import is 0 for any other file and where no record is found.
// Where files of that name went into several datasets, a row that names one of
// them decides, else the file is refused with CodeInvalid.
func FindOrigin(ctx context.Context, store interface {
	Imports(ctx context.Context, dataset string) ([]incident.ImportInfo, error)
}, opt *source.Options) *Origin {
	found := &Origin{}
	asked := *opt
	opt.Origin = func(file, dataset string) (source.Origin, error) {
		records, err := store.Imports(ctx, asked.Dataset)
		if err != nil {
			return source.Origin{}, fmt.Errorf("look for the import of the refused rows: %w", err)
		}
		return found.among(records, file, dataset, &asked)
	}
	return found
}

// among finds the origin among records.
func (o *Origin) among(records []incident.ImportInfo, file, dataset string, asked *source.Options) (of source.Origin, err error) {
	if s, cut := strings.CutPrefix(file, "'"); cut && harmless(s) == file {
		file = s
	}
	var last *incident.ImportInfo
	var names []string
	for i := range records {
		r := &records[i]
		if r.File != file || r.State == incident.ImportUndone || !refusedAny(r) {
			continue
		}
		if !slices.Contains(names, r.Dataset) {
			names = append(names, r.Dataset)
		}
		if last == nil || r.ID > last.ID {
			last = r
		}
	}
	switch {
	case last == nil:
		return of, nil
	case len(names) > 1 && slices.Contains(names, dataset):
		for i := range records {
			if r := &records[i]; r.File == file && r.Dataset == dataset && r.State != incident.ImportUndone && refusedAny(r) && (last.Dataset != dataset || r.ID > last.ID) {
				last = r
			}
		}
	case len(names) > 1:
		slices.Sort(names)
		return of, &incident.Error{Code: incident.CodeInvalid, Parameter: "dataset", Allowed: names,
			Message: fmt.Sprintf("These are rows refused of %s, and files of that name were loaded into several datasets (%s): say which one with --dataset.", file, strings.Join(names, ", "))}
	}
	o.Import, o.File, o.Dataset = last.ID, file, last.Dataset
	of.Dataset = last.Dataset
	if last.Mapping != "" && asked.Mapping == nil && (asked.Format == "" || asked.Format == source.FormatAuto || asked.Format == source.FormatTable) {
		if of.Mapping, err = source.ReadMapping(strings.NewReader(last.Mapping)); err != nil {
			return of, fmt.Errorf("read the mapping of import %d: %w", last.ID, err)
		}
		o.Mapped, o.Mapping = true, last.Mapping
	}
	return of, nil
}

// refusedAny reports whether rows were refused in an import, as far as its record tells.
func refusedAny(r *incident.ImportInfo) bool {
	var report struct{ Rejected int }
	return json.Unmarshal([]byte(r.Report), &report) != nil || report.Rejected > 0
}
