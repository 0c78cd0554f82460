package source

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"sarhad/incident"
)

// Mapping says what the columns of a table mean, for headers that are not known
// by themselves. Its YAML form is
//
//	dataset:                 # all of it optional
//	  name: my-list          # else the dataset is named after the file
//	  title: My list
//	  licence: CC BY 4.0
//	  attribution: Name of the compiler
//	  terms: May be shared.
//	  public: items          # or aggregates: single rows are not republished
//	  synthetic: false
//	  sample: true           # a choice of reports, not a full record
//	dates: dmy               # order in 04/05/2025: dmy or mdy; without it such dates are refused
//	fields:
//	  date: Date of attack   # our field: their column (case does not matter)
//	  location: {column: Place}
//	  country: {value: PK}   # the same for every row
//	  event_type: {column: Kind, values: {bombing: Explosions/Remote violence}}
//
// Fields have the names of the properties in GeoJSON or of the known headers.
type Mapping struct {
	// Dataset describes what the rows belong to.
	Dataset MappedDataset `yaml:"dataset"`
	// Dates is "dmy", "mdy" or "": the order of dates in figures that do not begin with the year.
	Dates string `yaml:"dates"`
	// Fields maps our fields to columns.
	Fields map[string]MappedField `yaml:"fields"`
}

// MappedDataset describes a dataset in a mapping.
type MappedDataset struct {
	Name        string `yaml:"name"`
	Title       string `yaml:"title"`
	Licence     string `yaml:"licence"`
	Attribution string `yaml:"attribution"`
	Terms       string `yaml:"terms"`
	// Public is "items" (or "") or "aggregates".
	Public    string `yaml:"public"`
	Synthetic bool   `yaml:"synthetic"`
	Sample    bool   `yaml:"sample"`
}

// MappedField is where a field comes from: a column or a constant.
type MappedField struct {
	// Column is the header of the column; "" if Value holds for every row.
	Column string `yaml:"column"`
	// Value is a constant.
	Value string `yaml:"value"`
	// Values replaces values of the column; those it does not hold stay.
	Values map[string]string `yaml:"values"`
}

// UnmarshalYAML reads the name of a column or the long form.
func (m *MappedField) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		m.Column = n.Value
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; k != "column" && k != "value" && k != "values" {
			return fmt.Errorf("line %d: %q is not one of column, value, values", n.Content[i].Line, k)
		}
	}
	type plain MappedField
	return n.Decode((*plain)(m))
}

// ReadMapping reads a mapping in YAML. It fails with CodeInvalid.
func ReadMapping(r io.Reader) (*Mapping, error) {
	wrong := func(err error) error {
		return &incident.Error{Code: incident.CodeInvalid, Message: "The mapping cannot be read", Parameter: "map", Err: err}
	}
	m := &Mapping{}
	dec := yaml.NewDecoder(io.LimitReader(r, 1<<20))
	dec.KnownFields(true)
	if err := dec.Decode(m); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return nil, wrong(err)
	}
	if len(m.Fields) == 0 {
		return nil, wrong(errors.New("it maps no fields"))
	}
	if !slices.Contains([]string{"", "dmy", "mdy"}, m.Dates) {
		return nil, wrong(fmt.Errorf("dates is %q and not dmy or mdy", m.Dates))
	}
	if !slices.Contains([]string{"", "items", "aggregates"}, m.Dataset.Public) {
		return nil, wrong(fmt.Errorf("public is %q and not items or aggregates", m.Dataset.Public))
	}
	for name, f := range m.Fields {
		if _, ok := fieldOf(name); !ok {
			return nil, wrong(fmt.Errorf("there is no field %q; there are: %s", name, strings.Join(fieldNames(), ", ")))
		}
		if (f.Column == "") == (f.Value == "") {
			return nil, wrong(fmt.Errorf("the field %q needs either a column or a value", name))
		}
	}
	return m, nil
}

// fieldOf finds a field by any of the headers that are known for it.
func fieldOf(name string) (field, bool) {
	name = fold(name)
	for f, names := range tableLayout.names {
		if slices.Contains(names, name) {
			return field(f), true
		}
	}
	return 0, false
}

func fieldNames() []string {
	var out []string
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
	d.dataset = incident.Dataset{
		Name: m.Dataset.Name, Title: m.Dataset.Title, Licence: m.Dataset.Licence, Attribution: m.Dataset.Attribution,
		Terms: m.Dataset.Terms, AggregatesOnly: m.Dataset.Public == "aggregates", Synthetic: m.Dataset.Synthetic, Sample: m.Dataset.Sample,
	}
	d.named = m.Dataset.Name != ""
	switch m.Dates {
	case "dmy":
		d.dates = orderDMY
	case "mdy":
		d.dates = orderMDY
	}
}

// apply resolves the fields to columns of a table.
func (m *Mapping) apply(d *decoder, names map[string]int, file string) error {
	m.setup(d)
	taken := map[field]string{}
	for name, mf := range m.Fields {
		f, ok := fieldOf(name)
		if !ok {
			return refuse(file, "the mapping names a field %q that does not exist", name)
		}
		if other, ok := taken[f]; ok {
			return refuse(file, "the mapping names the same field twice: %s and %s", min(name, other), max(name, other))
		}
		taken[f] = name
		if mf.Column == "" {
			d.constants[f] = mf.Value
			continue
		}
		i, ok := names[fold(mf.Column)]
		if !ok {
			return refuse(file, "the mapping names a column %q for %s; found: %s", mf.Column, name, list(d.columns))
		}
		d.cols[f], d.values[f] = i, mf.Values
	}
	return nil
}
