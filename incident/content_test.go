package incident_test

import (
	"context"
	"iter"
	"reflect"
	"slices"
	"testing"

	"sarhad/incident"
)

// some is a reader of a few incidents.
type some struct {
	incident.Reader
	list []incident.Incident
	sets []incident.DatasetInfo
}

func (s some) Incidents(context.Context, incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		for i := range s.list {
			if !yield(&s.list[i], nil) {
				return
			}
		}
	}
}

func (s some) Datasets(context.Context) ([]incident.DatasetInfo, error) { return s.sets, nil }

func content(t *testing.T, s some) string {
	t.Helper()
	c, err := incident.ContentOf(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c.Hash()
}

// Every field of an incident and of a dataset counts, but for those that say where it stands.
func TestContent(t *testing.T) {
	full := incident.Incident{ID: "a", HasPoint: true, Border: incident.BorderDistance{Known: true},
		Claims: []incident.Claim{{}}, Sources: []incident.Source{{}}}
	base := some{list: []incident.Incident{full, {ID: "b"}}, sets: []incident.DatasetInfo{{Dataset: incident.Dataset{Name: "d"}}}}
	was := content(t, base)
	var each func(path string, v reflect.Value)
	changed := 0
	each = func(path string, v reflect.Value) {
		if slices.Contains([]string{".FID", ".File", ".Line"}, path) {
			return
		}
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				each(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
			return
		case reflect.Array:
			for i := range v.Len() {
				each(path, v.Index(i))
			}
			return
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Struct {
				each(path, v.Index(0))
				return
			}
			v.Set(reflect.ValueOf([]string{"x"}).Convert(v.Type()))
		case reflect.String:
			v.SetString("x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Float64:
			v.SetFloat(1.5)
		case reflect.Int, reflect.Int32, reflect.Int64:
			v.SetInt(7)
		default:
			t.Fatalf("%s is of a kind that this test does not know", path)
		}
		if content(t, base) == was {
			t.Errorf("%s does not count", path)
		}
		changed++
		v.Set(old)
	}
	each("", reflect.ValueOf(&base.list[0]).Elem())
	each("", reflect.ValueOf(&base.sets[0].Dataset).Elem())
	if changed < 60 {
		t.Errorf("only %d fields were changed", changed)
	}
	base.list[0].FID, base.list[0].File, base.list[0].Line = 9, "f", 3
	slices.Reverse(base.list)
	if content(t, base) != was {
		t.Error("the order, the row number or the file count")
	}
	if content(t, some{}) == was {
		t.Error("nothing has the same content")
	}
}
