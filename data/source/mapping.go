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
// by themselves. Its YAML form is
//
//	dataset:                 # all of it optional
//	  name: my-list          # else the dataset is named after the file
//	  title: My list
//	  licence: CC BY 4.0
//	  attribution: Name of the compiler
//	  terms: May be shared.
//	  public: items          # or aggregates: single rows are not republished (the default for a dataset called acled)
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
// Known headers that the mapping does not name are read as without it.
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
	// Public is "items" or "aggregates"; "" is items, but aggregates for a dataset called acled.
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
	type plain MappedField
	return n.Decode((*plain)(m))
}

// ReadMapping reads a mapping in YAML. It fails with CodeInvalid.
func ReadMapping(r io.Reader) (*Mapping, error) {
	wrong := func(err error) error {
		return &incident.Error{Code: incident.CodeInvalid, Message: "The mapping cannot be read", Parameter: "map", Err: err}
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

// The keys of a mapping and of its dataset; those of a field are in mappedKeys.
var (
	mappingKeys = []string{"dataset", "dates", "fields"}
	datasetKeys = []string{"name", "title", "licence", "attribution", "terms", "public", "synthetic", "sample"}
	mappedKeys  = []string{"column", "value", "values"}
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
		switch top.Content[i].Value {
		case "dates":
			err = checkScalar(v, "dates")
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
	from, to := &m.Dataset, &d.stated
	to.Name, to.Title = cmp.Or(from.Name, to.Name), cmp.Or(from.Title, to.Title)
	to.Licence, to.Attribution, to.Terms = cmp.Or(from.Licence, to.Licence), cmp.Or(from.Attribution, to.Attribution), cmp.Or(from.Terms, to.Terms)
	if from.Public != "" {
		to.AggregatesOnly = from.Public == "aggregates"
	}
	to.Synthetic, to.Sample = to.Synthetic || from.Synthetic, to.Sample || from.Sample
	d.republished = from.Public == "items"
	d.dataset = d.stated
	d.named = from.Name != ""
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
	used := make([]bool, len(d.columns)) // by the mapping, for whatever field
	for _, i := range d.cols {
		if i >= 0 {
			used[i] = true
		}
	}
	d.known(names, func(f field, column int) bool {
		_, ok := taken[f]
		return !ok && !used[column]
	})
	_, acled := names["event_id_cnty"]
	if i := d.cols[fTimePrecision]; acled && i >= 0 && !used[i] {
		// ACLED has codes under a header of ours.
		words := map[string]string{}
		for code, w := range incident.ACLEDTimePrecision {
			words[code] = string(w)
		}
		d.values[fTimePrecision] = words
	}
	return nil
}
