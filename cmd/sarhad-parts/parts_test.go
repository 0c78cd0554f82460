package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const root = "../.."

func TestTextsAreToldApart(t *testing.T) {
	mit := "Copyright (c) 2020 Someone\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy of this software and associated documentation"
	twoClauses := "Redistribution and use in source and binary forms, with or without\n// modification, are permitted provided that: 1. … 2. …"
	for name, c := range map[string]struct{ text, want string }{
		"MIT":                    {mit, "MIT"},
		"two clauses":            {twoClauses, "BSD-2-Clause"},
		"three clauses":          {twoClauses + "\n * Neither the name of the holder", "BSD-3-Clause"},
		"four clauses":           {twoClauses + "\n3. All advertising materials mentioning features", "BSD-4-Clause"},
		"two in one file":        {mit + "\n\n" + twoClauses, "BSD-2-Clause AND MIT"},
		"copyleft in passing":    {mit + "\nparts are under the GNU General Public License", "GPL AND MIT"},
		"lesser":                 {"GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3", "LGPL"},
		"an addition":            {mit + "\n\"Commons Clause\" License Condition v1.0", "Commons-Clause AND MIT"},
		"MPL names others":       {"Mozilla Public License Version 2.0 … the GNU General Public License, Version 2.0, the GNU Lesser General Public License", "MPL-2.0"},
		"for research only":      {"Free for non-commercial use.", "non-commercial"},
		"somebody's own words":   {"You may use this.", unknown},
		"nothing":                {"", unknown},
		"a font, free of charge": {"SIL OPEN FONT LICENSE Version 1.1 … Permission is hereby granted, free of charge, to any person obtaining a copy of the Font Software", "OFL-1.1"},
	} {
		if got := strings.Join(classify(c.text), " AND "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOneSideOfAnOrIsEnough(t *testing.T) {
	for expression, want := range map[string]bool{
		"MIT": true, "MIT OR GPL-3.0-only": true, "(MIT OR Apache-2.0)": true, "MIT AND ISC": true,
		"MIT AND GPL": false, "MPL-2.0": false, "OFL-1.1": false, "": false, unknown: false, "SEE LICENSE IN FILE": false,
	} {
		if got := permits(expression, shipped); got != want {
			t.Errorf("permits(%q) = %v", expression, got)
		}
	}
	if !permits("MPL-2.0", tools) {
		t.Error("tests may use what is under MPL-2.0")
	}
}

func TestWhatMayNotBeUsedIsNamed(t *testing.T) {
	p := parts{
		toolkit: part{name: "Go", licence: "BSD-3-Clause", allowed: shipped},
		program: []part{{name: "fine", licence: "MIT", allowed: shipped}, {name: "example.org/left", version: "v1.0.0", licence: "GPL", allowed: shipped}},
		npm:     []part{{name: "nobody-knows", version: "2.0.0", licence: unknown, allowed: tools}},
	}
	err := p.judge()
	if err == nil || !strings.Contains(err.Error(), "example.org/left v1.0.0: the licence GPL") || !strings.Contains(err.Error(), "nobody-knows 2.0.0: the licence unknown") {
		t.Errorf("judged: %v", err)
	}
	if strings.Contains(err.Error(), "fine") {
		t.Errorf("what may be used is named too: %v", err)
	}
}

// The repository as it is: everything may be used, the list is true, and no part goes out without its words.
func TestWhatTheProgramIsMadeOf(t *testing.T) {
	p, err := collect(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.judge(); err != nil {
		t.Error(err)
	}
	have, err := os.ReadFile(root + "/" + listFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, p.list()) {
		t.Errorf("%s is not true: run make licences", listFile)
	}
	texts := string(p.texts())
	for _, list := range [][]part{{p.toolkit}, p.program, p.page} {
		for _, one := range list {
			if len(one.texts) == 0 || !strings.Contains(texts, one.name) {
				t.Errorf("%s has no text", one.name)
			}
		}
	}
	for _, name := range []string{"github.com/mattn/go-sqlite3", "SQLite", "leaflet", "Go standard library"} {
		if !strings.Contains(texts, name) {
			t.Errorf("%s is missing", name)
		}
	}
	build, err := os.ReadFile(root + "/frontend/src/fonts/build.sh")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(build), "noto-sans-arabic@"+fontVersion) {
		t.Errorf("the font is not made from version %s any more", fontVersion)
	}
}

// This very test is a program made of known modules.
func TestBillOfMaterials(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := collect(root)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := p.bill(self, "v1.2.3", 1_700_000_000)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.bill(self, "v1.2.3", 1_700_000_000)
	if err != nil || !bytes.Equal(raw, again) {
		t.Errorf("the second bill is another one: %v", err)
	}
	var doc bom
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Metadata.Timestamp != "2023-11-14T22:13:20Z" || doc.Metadata.Component.Version != "v1.2.3" || len(doc.Serial) != len("urn:uuid:")+36 {
		t.Errorf("metadata: %+v, serial %s", doc.Metadata, doc.Serial)
	}
	seen := map[string]bool{}
	for _, c := range doc.Components {
		if seen[c.Ref] || c.Version == "" || len(c.Licences) != 1 || c.Licences[0].Expression == "" {
			t.Errorf("component %+v", c)
		}
		seen[c.Ref] = true
	}
	for _, part := range []string{"pkg:golang/std@", "pkg:golang/github.com/alecthomas/kong@", "pkg:generic/sqlite@", "pkg:npm/leaflet@"} {
		if !strings.Contains(string(raw), part) {
			t.Errorf("%s… is not in the bill", part)
		}
	}
	if len(doc.Dependencies) != 1 || len(doc.Dependencies[0].On) != len(doc.Components) {
		t.Errorf("%d of %d components are depended on", len(doc.Dependencies[0].On), len(doc.Components))
	}
	for i := range p.program { // a program that was built from other versions
		p.program[i].version += "-other"
	}
	if _, err := p.bill(self, "v1.2.3", 0); err == nil {
		t.Error("a program of other modules has a bill")
	}
}
