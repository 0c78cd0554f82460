package source

// Origin is what the file was loaded as from which a file of refused rows comes.
type Origin struct {
	// Dataset is the name of its dataset, "" to find it out as for any other file.
	Dataset string
	// Mapping is the mapping by which it was read, nil if none was.
	Mapping *Mapping
}

// origin asks what a file of refused rows is to be read by, as far as the
// options do not say it. header is its first record.
func (t *tableReader) origin(header []string, opt *Options) error {
	named := opt.Dataset != "" || opt.Mapping != nil && opt.Mapping.Dataset.Name != ""
	if opt.Origin == nil || named && opt.Mapping != nil {
		return nil
	}
	t.recs.expect(len(header), -1)
	t.look()
	row := t.next.fields
	if len(row) == 0 || trim(row[0]) == "" {
		return nil
	}
	dataset := ""
	for i := len(rejectColumns); i < min(len(row), len(header)); i++ {
		if fold(header[i]) == "dataset" {
			dataset = trim(row[i])
		}
	}
	of, err := opt.Origin(trim(row[0]), dataset)
	if err != nil {
		return err
	}
	if !named {
		opt.Dataset = of.Dataset
	}
	if opt.Mapping == nil && (opt.Format == FormatAuto || opt.Format == FormatTable) {
		opt.Mapping = of.Mapping
	}
	return nil
}
