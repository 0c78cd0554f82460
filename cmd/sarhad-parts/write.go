package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// list is docs/licences.md.
func (p *parts) list() []byte {
	var b bytes.Buffer
	b.WriteString(`# Licences of what Sarhad is made of

Sarhad itself is Apache-2.0. This page is written by ` + "`make licences`" + ` from the Go modules that are compiled in, the npm packages that are
in the built page, and what tests and builds use. ` + "`make check`" + ` fails when it is not true any more, and when a licence is not known or is not among
these: in the program ` + strings.Join(shipped, ", ") + ` (for a font ` + strings.Join(fonts, ", ") + `), in tests and builds also MPL-2.0. A release carries
the texts in ` + "`THIRD_PARTY_LICENSES`" + `.

The bundled data have licences of their own: [data/bundle/SOURCES.md](../data/bundle/SOURCES.md).

## In the program

| part | version | licence |
|---|---|---|
`)
	fmt.Fprintf(&b, "| %s | that of the build | %s |\n", p.toolkit.name, p.toolkit.licence)
	table := func(list []part) {
		for _, one := range list {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", one.name, one.version, one.licence)
		}
	}
	table(p.program)
	b.WriteString("\n## In the page that it carries\n\n| part | version | licence |\n|---|---|---|\n")
	table(p.page)
	b.WriteString("\n## In tests and builds only\n\n| Go module | version | licence |\n|---|---|---|\n")
	table(p.goTools)
	byLicence := map[string][]string{}
	for _, one := range p.npm {
		byLicence[one.licence] = append(byLicence[one.licence], one.name+" "+one.version)
	}
	b.WriteString("\n| licence | npm packages |\n|---|---|\n")
	for _, l := range slices.Sorted(maps.Keys(byLicence)) {
		fmt.Fprintf(&b, "| %s | %s |\n", l, strings.Join(slices.Compact(byLicence[l]), ", "))
	}
	return b.Bytes()
}

// texts are the licences and notices of everything that is handed on, each text once under the names of its parts.
func (p *parts) texts() []byte {
	var b bytes.Buffer
	b.WriteString("Sarhad is made of the parts below, on these terms. The bundled data have licences of their own: SOURCES.md.\n")
	var order []string
	owners := map[string][]string{}
	for _, list := range [][]part{{p.toolkit}, p.program, p.page} {
		for _, one := range list {
			for _, t := range one.texts {
				content := strings.TrimSpace(strings.ReplaceAll(t.content, "\r\n", "\n"))
				if owners[content] == nil {
					order = append(order, content)
				}
				owners[content] = append(owners[content], strings.TrimSpace(one.name+" "+one.version)+" ("+t.file+")")
			}
		}
	}
	for _, content := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(owners[content], "\n"), content)
	}
	return b.Bytes()
}

// The bill of materials has only what there is to say of each part; the names are those of CycloneDX 1.6.
type (
	bom struct {
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Serial       string       `json:"serialNumber"`
		Version      int          `json:"version"`
		Metadata     bomMetadata  `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	bomMetadata struct {
		Timestamp  string     `json:"timestamp"`
		Component  component  `json:"component"`
		Properties []property `json:"properties"`
	}
	component struct {
		Type     string    `json:"type"`
		Ref      string    `json:"bom-ref"`
		Name     string    `json:"name"`
		Version  string    `json:"version,omitempty"`
		Hashes   []hash    `json:"hashes,omitempty"`
		Licences []licence `json:"licenses"`
		PURL     string    `json:"purl,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	licence struct {
		Expression string `json:"expression"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn,omitempty"`
	}
)

func (p part) component(kind string) component {
	c := component{Type: kind, Ref: p.purl, Name: p.name, Version: p.version, PURL: p.purl, Licences: []licence{{p.licence}}}
	if p.sha512 != "" {
		c.Hashes = []hash{{"SHA-512", p.sha512}}
	}
	return c
}

// bill is the bill of materials of a built program. What is compiled in, the program says itself; a module of it that
// the repository does not know is an error. The same program, version and time give the same bytes.
func (p *parts) bill(program, version string, epoch int64) ([]byte, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read what the program is made of: %w", err)
	}
	raw, err := os.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	known := map[string]part{}
	var list []component
	toolkit := p.toolkit
	toolkit.version = strings.TrimPrefix(info.GoVersion, "go")
	toolkit.purl = "pkg:golang/std@" + toolkit.version
	list = append(list, toolkit.component("library"))
	for _, one := range p.program {
		known[one.name] = one
		if one.name == "SQLite" {
			list = append(list, one.component("library"))
		}
	}
	for _, m := range info.Deps {
		one, ok := known[m.Path]
		if !ok || one.version != m.Version {
			return nil, fmt.Errorf("the program has %s %s, which the repository does not: build it again", m.Path, m.Version)
		}
		list = append(list, one.component("library"))
	}
	for _, one := range p.page {
		list = append(list, one.component("library"))
	}
	sum := sha256.Sum256(raw)
	own := component{
		Type: "application", Ref: "pkg:generic/sarhad@" + version, PURL: "pkg:generic/sarhad@" + version, Name: "sarhad", Version: version,
		Licences: []licence{{"Apache-2.0"}}, Hashes: []hash{{"SHA-256", fmt.Sprintf("%x", sum)}},
	}
	id := slices.Clone(sum[:16]) // a UUID of version 8 (RFC 9562): the same for the same program
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	doc := bom{
		Format: "CycloneDX", Spec: "1.6", Version: 1, Components: list,
		Serial: fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]),
		Metadata: bomMetadata{
			Timestamp: time.Unix(epoch, 0).UTC().Format(time.RFC3339), Component: own,
			Properties: []property{{"sarhad:data", "the bundled data and their licences are listed in SOURCES.md"}},
		},
		Dependencies: []dependency{{Ref: own.Ref}},
	}
	for _, s := range info.Settings { // with what it was built
		if strings.HasPrefix(s.Key, "GO") || strings.HasPrefix(s.Key, "CGO_") || s.Key == "-tags" {
			doc.Metadata.Properties = append(doc.Metadata.Properties, property{"sarhad:build:" + s.Key, s.Value})
		}
	}
	for _, c := range list {
		doc.Dependencies[0].On = append(doc.Dependencies[0].On, c.Ref)
	}
	out, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the bill of materials: %w", err)
	}
	return append(out, '\n'), nil
}
