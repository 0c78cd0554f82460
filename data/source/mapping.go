package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"sarhad/incident"
)

// Mapping says what the columns of a table mean, for headers that are not known
// by themselves. docs/mappings.md describes its YAML form, of which this is a part:
//
//	dataset: {name: my-list, title: My list, licence: CC BY 4.0}
//	sheet: Incidents         # of a workbook; else the first
//	dates: dmy               # order in 04/05/2025: dmy or mdy; without it such dates are refused
//	two_digit_years: 1930    # 95 is 1995, 29 is 2029; without it such years are refused
//	calendar: solar_hijri    # converts 1404/07/20
//	numbers: loose           # 100+, 13-22, about 30, 1,234, n/a and 33°41'24"N are read
//	fields:
//	  date: Date of attack   # our field: their column (case does not matter)
//	  location: {columns: [Village, Tehsil], join: ", "}
//	  country: {value: PK}   # the same for every row
//	  event_type: {column: Kind, values: {bombing: Explosions/Remote violence}}
//	  end_date: {column: Until, read: excel}
//	  point: {column: Coordinates, order: latlon}
//
// Fields have the names of the properties in GeoJSON or of the known headers.
// Known headers that the mapping does not name are read as without it.
type Mapping struct {
	// Dataset describes what the rows belong to.
	Dataset MappedDataset `yaml:"dataset"`
	// Sheet is the name of the sheet of a workbook; "" is the first.
	Sheet string `yaml:"sheet"`
	// Dates is "dmy", "mdy" or "": the order of dates in figures that do not begin with the year.
	Dates string `yaml:"dates"`
	// TwoDigitYears is the first of the hundred years in which years of two
	// digits lie; 0 refuses them.
	TwoDigitYears int `yaml:"two_digit_years"`
	// Calendar is "gregorian", "solar_hijri" or "", which is gregorian. With
	// solar_hijri the years 1244 to 1472 are converted, later ones stay.
	Calendar string `yaml:"calendar"`
	// Numbers is "plain", "loose" or "", which is plain: whether numbers and
	// coordinates are read in the forms that people write.
	Numbers string `yaml:"numbers"`
	// Fields maps our fields to columns.
	Fields map[string]MappedField `yaml:"fields"`

	// raw is true where columns are looked at, not incidents: known headers mean nothing.
	raw bool
}

// MappedDataset describes a dataset in a mapping.
type MappedDataset struct {
	Name        string `yaml:"name"`
	Title       string `yaml:"title"`
	Licence     string `yaml:"licence"`
	Attribution string `yaml:"attribution"`
	Terms       string `yaml:"terms"`
	// Version is the version of the publisher, "" if there is none.
	Version string `yaml:"version"`
	// Accessed is the day on which the file was fetched, YYYY-MM-DD, "" if not said.
	Accessed string `yaml:"accessed"`
	// Public is "items" or "aggregates"; "" is items, but aggregates for a dataset called acled.
	Public    string `yaml:"public"`
	Synthetic bool   `yaml:"synthetic"`
	Sample    bool   `yaml:"sample"`
}

// MappedField is where a field comes from: a column, several, or a constant.
type MappedField struct {
	// Column is the header of the column; "" if Columns or Value say more.
	Column string `yaml:"column"`
	// Columns are the headers of several columns, whose texts are joined by Join.
	// Those that are empty are left out, but in an id.
	Columns []string `yaml:"columns"`
	// Join stands between the texts of Columns; nil is a blank.
	Join *string `yaml:"join"`
	// Value is a constant.
	Value string `yaml:"value"`
	// Values replaces values of the column; those it does not hold stay.
	Values map[string]string `yaml:"values"`
	// Read says how this field is read, over what holds for the file: dmy, mdy,
	// excel, gregorian, solar_hijri for a date; plain, loose for numbers.
	Read []string `yaml:"-"`
	// Order is "latlon" or "lonlat", of the field point only.
	Order string `yaml:"order"`
}

// mappingFields are the names of the fields that no header has by itself: both
// coordinates in one column, and the number of wounded.
var mappingFields = map[string]field{"point": fPoint, "wounded": fWounded}

// The words of [MappedField.Read], and what they are for.
var (
	readDates   = []string{"dmy", "mdy", "excel", "gregorian", "solar_hijri"}
	readNumbers = []string{"plain", "loose"}
	dateFields  = []field{fStart, fEnd}
	countFields = []field{fBest, fLow, fHigh, fDeathsA, fDeathsB, fDeathsCivilians, fDeathsUnknown, fWounded}
	coordFields = []field{fLat, fLon, fPoint}
)

// UnmarshalYAML reads the name of a column or the long form.
func (m *MappedField) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		m.Column = n.Value
		return nil
	}
	type plain MappedField
	if err := n.Decode((*plain)(m)); err != nil {
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v := resolve(n.Content[i+1])
		switch {
		case n.Content[i].Value != "read":
		case v.Kind == yaml.ScalarNode:
			m.Read = []string{v.Value}
		default:
			if err := v.Decode(&m.Read); err != nil {
				return err
			}
		}
	}
	return nil
}

// means reports whether the mapping says what columns mean. One that names only
// the sheet, the dataset or how dates are written leaves that to the headings.
func (m *Mapping) means() bool { return m != nil && (m.raw || len(m.Fields) > 0) }

// ReadMapping reads a mapping in YAML. It fails with CodeInvalid.
func ReadMapping(r io.Reader) (*Mapping, error) {
	wrong := func(err error) error {
		return &incident.Error{Code: incident.CodeInvalid, Message: fmt.Sprintf("The mapping cannot be read: %s.", strings.TrimSuffix(err.Error(), ".")), Parameter: "map"}
	}
	var n yaml.Node
	if err := yaml.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&n); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, wrong(err)
	}
	if err := checkMapping(&n); err != nil {
		return nil, wrong(err)
	}
	m := &Mapping{}
	if err := n.Decode(m); err != nil {
		return nil, wrong(err)
	}
	if len(m.Fields) == 0 && m.Dataset == (MappedDataset{}) && m.Sheet == "" && m.Dates == "" && m.TwoDigitYears == 0 && m.Calendar == "" && m.Numbers == "" {
		return nil, wrong(errors.New("it maps no fields and says nothing else"))
	}
	if err := m.check(); err != nil {
		return nil, wrong(err)
	}
	return m, nil
}

// check refuses words that do not exist and fields that lack something.
func (m *Mapping) check() error {
	for _, w := range []struct {
		key, value string
		allowed    []string
	}{
		{"dates", m.Dates, []string{"dmy", "mdy"}}, {"calendar", m.Calendar, []string{"gregorian", "solar_hijri"}}, {"numbers", m.Numbers, readNumbers},
		{"public", m.Dataset.Public, []string{"items", "aggregates"}},
	} {
		if w.value != "" && !slices.Contains(w.allowed, w.value) {
			return fmt.Errorf("%s is %q and not %s", w.key, w.value, strings.Join(w.allowed, " or "))
		}
	}
	if m.TwoDigitYears != 0 && (m.TwoDigitYears < 1900 || m.TwoDigitYears > 2000) {
		return fmt.Errorf("two_digit_years is %d and not the first of the hundred years, from 1900 to 2000", m.TwoDigitYears)
	}
	if a := m.Dataset.Accessed; a != "" {
		if _, err := incident.ParseDay(a); err != nil {
			return fmt.Errorf("accessed: %w", err)
		}
	}
	names := make([]string, 0, len(m.Fields))
	for name := range m.Fields {
		names = append(names, name)
	}
	slices.Sort(names) // the same message each time
	for _, name := range names {
		mf := m.Fields[name]
		if err := mf.check(name); err != nil {
			return err
		}
	}
	return nil
}

func (mf *MappedField) check(name string) error {
	f, ok := fieldOf(name)
	if !ok {
		return fmt.Errorf("there is no field %q; there are: %s", name, strings.Join(fieldNames(), ", "))
	}
	ways := 0
	for _, given := range []bool{mf.Column != "", len(mf.Columns) > 0, mf.Value != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return fmt.Errorf("the field %q needs either a column or a value", name)
	case mf.Join != nil && len(mf.Columns) == 0:
		return fmt.Errorf("the field %q has a join and no columns", name)
	case mf.Values != nil && mf.Value != "":
		return fmt.Errorf("the field %q has a value for every row and a table of values", name)
	case f == fPoint && mf.Order != "latlon" && mf.Order != "lonlat":
		return errors.New("the field point needs an order: latlon or lonlat")
	case f != fPoint && mf.Order != "":
		return fmt.Errorf("the field %q has an order, which goes with point", name)
	}
	allowed := []string(nil)
	switch {
	case slices.Contains(dateFields, f):
		allowed = readDates
	case slices.Contains(countFields, f), slices.Contains(coordFields, f):
		allowed = readNumbers
	}
	for _, w := range mf.Read {
		if allowed == nil {
			return fmt.Errorf("the field %q has read: %s, which goes with dates and numbers", name, w)
		}
		if !slices.Contains(allowed, w) {
			return fmt.Errorf("the field %q has read: %q and not one of %s", name, w, strings.Join(allowed, ", "))
		}
	}
	return nil
}

// The keys of a mapping and of its dataset; those of a field are in mappedKeys.
var (
	mappingKeys = []string{"dataset", "dates", "fields", "sheet", "two_digit_years", "calendar", "numbers"}
	datasetKeys = []string{"name", "title", "licence", "attribution", "terms", "version", "accessed", "public", "synthetic", "sample"}
	mappedKeys  = []string{"column", "columns", "join", "value", "values", "read", "order"}
)

// checkMapping says in plain words what does not fit: the decoder would speak of our types.
func checkMapping(doc *yaml.Node) error {
	top := doc
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		top = doc.Content[0]
	}
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return errors.New("it is empty")
	}
	if err := checkKeys(top, "the mapping", mappingKeys); err != nil {
		return err
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		v := resolve(top.Content[i+1])
		var err error
		switch key := top.Content[i].Value; key {
		case "sheet", "dates", "calendar", "numbers":
			err = checkScalar(v, key)
		case "two_digit_years":
			if err = checkScalar(v, key); err == nil && v.Tag != "!!int" && v.Tag != "!!null" {
				err = fmt.Errorf("line %d: two_digit_years is %q and not a year", v.Line, v.Value)
			}
		case "dataset":
			if err = checkKeys(v, "dataset", datasetKeys); err != nil {
				break
			}
			for j := 0; j+1 < len(v.Content) && err == nil; j += 2 {
				name, value := v.Content[j].Value, resolve(v.Content[j+1])
				if err = checkScalar(value, name); err == nil && (name == "synthetic" || name == "sample") && value.Tag != "!!bool" && value.Tag != "!!null" {
					err = fmt.Errorf("line %d: %s is %q and not true or false", value.Line, name, value.Value)
				}
			}
		case "fields":
			if err = checkKeys(v, "fields", nil); err != nil {
				break
			}
			for j := 0; j+1 < len(v.Content) && err == nil; j += 2 {
				err = checkField(v.Content[j].Value, resolve(v.Content[j+1]))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func checkField(name string, n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		return nil
	}
	if err := checkKeys(n, "the field "+name, mappedKeys); err != nil {
		return err
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i].Value, resolve(n.Content[i+1])
		if (key == "columns" || key == "read") && v.Kind == yaml.SequenceNode {
			for _, item := range v.Content {
				if err := checkScalar(resolve(item), key); err != nil {
					return err
				}
			}
			continue
		}
		if key == "columns" {
			return fmt.Errorf("line %d: columns takes a list, such as [Village, Tehsil]", v.Line)
		}
		if key != "values" {
			if err := checkScalar(v, key); err != nil {
				return err
			}
			continue
		}
		if err := checkKeys(v, "values", nil); err != nil {
			return err
		}
		for j := 1; j < len(v.Content); j += 2 {
			if err := checkScalar(resolve(v.Content[j]), v.Content[j-1].Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

// checkKeys refuses what is no list of keys with values, and keys that do not exist; nil allows any.
func checkKeys(n *yaml.Node, where string, allowed []string) error {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s is no list of keys with values, such as \"key: value\"", n.Line, where)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if allowed != nil && !slices.Contains(allowed, k.Value) {
			return fmt.Errorf("line %d: in %s %q is not one of the keys that there are: %s", k.Line, where, k.Value, strings.Join(allowed, ", "))
		}
		for j := 0; j < i; j += 2 {
			if n.Content[j].Value == k.Value {
				return fmt.Errorf("line %d: in %s the key %q comes twice", k.Line, where, k.Value)
			}
		}
	}
	return nil
}

func checkScalar(n *yaml.Node, key string) error {
	if n.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: %s takes a single word or text", n.Line, key)
	}
	return nil
}

// fieldOf finds a field by any of the headers that are known for it.
func fieldOf(name string) (field, bool) {
	name = fold(name)
	if f, ok := mappingFields[name]; ok {
		return f, true
	}
	for f, names := range tableLayout.names {
		if slices.Contains(names, name) {
			return field(f), true
		}
	}
	return 0, false
}

func fieldNames() []string {
	var out []string
	for name := range mappingFields {
		out = append(out, name)
	}
	for _, names := range tableLayout.names {
		if len(names) > 0 {
			out = append(out, names[0])
		}
	}
	slices.Sort(out)
	return out
}

// setup puts what holds for the whole file into a decoder.
func (m *Mapping) setup(d *decoder) {
	from, to := &m.Dataset, &d.stated
	to.Name, to.Title = cmp.Or(from.Name, to.Name), cmp.Or(from.Title, to.Title)
	to.Licence, to.Attribution, to.Terms = cmp.Or(from.Licence, to.Licence), cmp.Or(from.Attribution, to.Attribution), cmp.Or(from.Terms, to.Terms)
	to.Version, to.Accessed = cmp.Or(from.Version, to.Version), cmp.Or(from.Accessed, to.Accessed)
	if from.Public != "" {
		to.AggregatesOnly = from.Public == "aggregates"
	}
	to.Synthetic, to.Sample = to.Synthetic || from.Synthetic, to.Sample || from.Sample
	d.mapped = true
	d.republished = from.Public == "items"
	// What a layout says of its dataset holds where the mapping says nothing.
	of := d.dataset
	d.dataset = d.stated
	d.dataset.Name, d.dataset.Title = cmp.Or(d.stated.Name, of.Name), cmp.Or(d.stated.Title, of.Title)
	d.dataset.Licence, d.dataset.Attribution, d.dataset.Terms = cmp.Or(d.stated.Licence, of.Licence), cmp.Or(d.stated.Attribution, of.Attribution), cmp.Or(d.stated.Terms, of.Terms)
	if from.Public == "" {
		d.dataset.AggregatesOnly = d.stated.AggregatesOnly || of.AggregatesOnly
	}
	d.named = from.Name != ""
	for i := range d.dates {
		d.dates[i].century = m.TwoDigitYears
		if m.Dates != "" {
			d.dates[i].read(m.Dates)
		}
		d.dates[i].read(m.Calendar)
	}
	for _, f := range slices.Concat(countFields, coordFields) {
		d.loose[f] = m.Numbers == "loose"
	}
	for name, mf := range m.Fields {
		f, _ := fieldOf(name)
		for _, w := range mf.Read {
			switch f {
			case fStart, fEnd:
				d.dates[f-fStart].read(w)
			default:
				d.loose[f] = w == "loose"
			}
		}
		if f == fPoint {
			d.lonFirst = mf.Order == "lonlat"
		}
	}
}

// read puts a word of a mapping into a rule.
func (r *dateRule) read(word string) {
	switch word {
	case "dmy":
		r.order = orderDMY
	case "mdy":
		r.order = orderMDY
	case "excel":
		r.serial = true
	case "gregorian", "solar_hijri":
		r.solar = word == "solar_hijri"
	}
}

// apply resolves the fields to columns of a table.
func (m *Mapping) apply(d *decoder, names map[string]int, file string) error {
	m.setup(d)
	taken := map[field]string{}
	var parts []int // columns that are joined
	for name, mf := range m.Fields {
		f, ok := fieldOf(name)
		if !ok {
			return refuse(file, "the mapping names a field %q that does not exist", name)
		}
		if other, ok := taken[f]; ok {
			return refuse(file, "the mapping names the same field twice: %s and %s", min(name, other), max(name, other))
		}
		taken[f] = name
		if mf.Value != "" {
			d.constants[f] = mf.Value
			continue
		}
		j := &joined{sep: " ", gaps: f == fID}
		if mf.Join != nil {
			j.sep = *mf.Join
		}
		for _, c := range mf.headers() {
			i, ok := names[fold(c)]
			if !ok {
				return refuse(file, "the mapping names a column %q for %s; found: %s", c, name, list(d.columns))
			}
			j.columns = append(j.columns, i)
		}
		d.cols[f], d.values[f] = j.columns[0], mf.Values
		if len(mf.Columns) > 0 {
			d.joined[f] = j
			parts = append(parts, j.columns...)
		}
	}
	if m.raw {
		return nil
	}
	_, point := taken[fPoint]
	_, lat := taken[fLat]
	_, lon := taken[fLon]
	if point && (lat || lon) {
		return refuse(file, "the mapping names the field point and latitude or longitude beside it")
	}
	used := make([]bool, len(d.columns)) // by the mapping, for whatever field
	for _, i := range d.cols {
		if i >= 0 {
			used[i] = true
		}
	}
	for _, i := range parts {
		used[i] = true
	}
	d.known(names, func(f field, column int) bool {
		_, ok := taken[f]
		return !ok && !used[column] && (!point || f != fLat && f != fLon)
	})
	_, acled := names["event_id_cnty"]
	if i := d.cols[fTimePrecision]; acled && d.layout == tableLayout && i >= 0 && !used[i] {
		// ACLED has codes under a header of ours.
		words := map[string]string{}
		for code, w := range incident.ACLEDTimePrecision {
			words[code] = string(w)
		}
		d.values[fTimePrecision] = words
	}
	return nil
}

// headers are the columns that a field is read from.
func (mf *MappedField) headers() []string {
	if len(mf.Columns) > 0 {
		return mf.Columns
	}
	return []string{mf.Column}
}
