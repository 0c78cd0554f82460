package incident_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// The house stands as docs/architecture.md draws it. Each rule is there so that
// a part can be read, tested and replaced without the others.
func TestImportsKeepToTheHouse(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Doc,GoFiles", "sarhad/...").Output()
	if err != nil {
		t.Fatalf("list the packages: %v", err)
	}
	allowed := map[string][]string{ // what of ours a package may import
		"sarhad/incident":         {},
		"sarhad/geo":              {},
		"sarhad/api":              {"sarhad/incident", "sarhad/geo", "sarhad/api/cql2"},
		"sarhad/api/cql2":         {"sarhad/incident", "sarhad/geo"},
		"sarhad/frontend":         {},
		"sarhad/data/bundle":      {"sarhad/incident", "sarhad/geo"},
		"sarhad/data/gazetteer":   {"sarhad/incident", "sarhad/geo"},
		"sarhad/data/source":      {"sarhad/incident", "sarhad/geo"},
		"sarhad/data/ingest":      {"sarhad/incident", "sarhad/geo", "sarhad/data/source"},
		"sarhad/data/upload":      {"sarhad/incident", "sarhad/data/source", "sarhad/data/ingest"},
		"sarhad/data/gpkg":        {"sarhad/incident", "sarhad/geo"},
		"sarhad/data/postgis":     {"sarhad/incident", "sarhad/geo"},
		"sarhad/data/index":       {"sarhad/incident", "sarhad/geo"},
		"sarhad/data/publish":     {"sarhad/incident", "sarhad/geo"},
		"sarhad/data/export":      {"sarhad/incident"},
		"sarhad/data/replicas":    {"sarhad/incident"},
		"sarhad/data/storetest":   {"sarhad/incident", "sarhad/geo"},
		"sarhad/cmd/sarhad":       nil, // anything
		"sarhad/cmd/sarhad-bench": nil,
		"sarhad/cmd/sarhad-parts": nil,

		"sarhad/data/postgis/pgtest": {},
	}
	echo := "github.com/labstack/echo"
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			ImportPath, Doc string
			Imports         []string
			GoFiles         []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) == 0 {
			continue
		}
		may, known := allowed[p.ImportPath]
		if !known {
			t.Errorf("%s is a room that the house does not have", p.ImportPath)
			continue
		}
		if p.Doc == "" {
			t.Errorf("%s has no package documentation", p.ImportPath)
		}
		for _, imp := range p.Imports {
			if strings.HasPrefix(imp, echo) && p.ImportPath != "sarhad/api" {
				t.Errorf("%s imports echo, which stays inside api", p.ImportPath)
			}
			if may == nil || !strings.HasPrefix(imp, "sarhad/") {
				continue
			}
			ok := false
			for _, m := range may {
				ok = ok || imp == m
			}
			if !ok {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
	}
}
