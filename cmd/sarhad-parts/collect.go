package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A part is a module, a package, a library or a font that somebody else wrote.
type part struct {
	name, version string
	licence       string // an SPDX expression
	allowed       []string
	purl          string
	sha512        string // of the packed npm package, in hex; empty where it is not known
	texts         []text // licences and notices
}

// A text is one licence or notice file.
type text struct {
	file    string // as it is called inside the part, with slashes
	content string
}

// parts are all of them by what becomes of them, each list sorted by name.
type parts struct {
	program []part // compiled in
	page    []part // in the built page
	goTools []part // Go modules of tests
	npm     []part // npm packages of building and testing the page, and what others need that is in the page
	toolkit part   // Go's own library; its version is that of whoever builds
}

// collect reads what a Linux build of the repository in dir is made of.
func collect(dir string) (*parts, error) {
	var p parts
	program, err := modules(dir, "./cmd/sarhad")
	if err != nil {
		return nil, err
	}
	tests, err := modules(dir, "-test", "./...")
	if err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(tests)) {
		m := tests[path]
		if _, in := program[path]; in {
			continue
		}
		m.allowed = tools
		p.goTools = append(p.goTools, m.part)
	}
	for _, path := range slices.Sorted(maps.Keys(program)) {
		m := program[path]
		p.program = append(p.program, m.part)
		if path == "github.com/mattn/go-sqlite3" {
			s, err := sqlite(m.dir)
			if err != nil {
				return nil, err
			}
			p.program = append(p.program, s)
		}
	}
	if p.toolkit, err = toolkit(dir); err != nil {
		return nil, err
	}
	if err := p.readPage(dir); err != nil {
		return nil, err
	}
	return &p, nil
}

type module struct {
	part
	dir string
}

// modules lists the modules of others that packages are built from, with the licences in them. Only files on the way from a
// package that is used to the root of its module count: what is not used may have other terms.
func modules(dir string, args ...string) (map[string]*module, error) {
	out, err := goTool(dir, append([]string{"list", "-deps", "-json=Dir,Module,Standard"}, args...)...)
	if err != nil {
		return nil, err
	}
	found := map[string]*module{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			Dir      string
			Standard bool
			Module   *struct {
				Path, Version, Dir string
				Main               bool
				Replace            *struct{ Path, Version string }
			}
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		if pkg.Standard || pkg.Module == nil || pkg.Module.Main {
			continue
		}
		m := found[pkg.Module.Path]
		if m == nil {
			m = &module{dir: pkg.Module.Dir, part: part{
				name: pkg.Module.Path, version: pkg.Module.Version, allowed: shipped,
				purl: "pkg:golang/" + pkg.Module.Path + "@" + pkg.Module.Version,
			}}
			found[pkg.Module.Path] = m
		}
		if pkg.Module.Replace != nil {
			return nil, fmt.Errorf("%s is replaced in go.mod: the list of licences cannot say by what", pkg.Module.Path)
		}
		for at := pkg.Dir; ; at = filepath.Dir(at) {
			if err := m.addTexts(at); err != nil {
				return nil, err
			}
			if at == m.dir || len(at) <= len(m.dir) {
				break
			}
		}
	}
	for _, m := range found {
		slices.SortFunc(m.texts, func(a, b text) int { return cmp.Compare(a.file, b.file) })
		var ids []string
		for _, t := range m.texts {
			if !noticeFile.MatchString(filepath.Base(t.file)) {
				ids = append(ids, classify(t.content)...)
			}
		}
		if len(ids) == 0 {
			ids = []string{unknown}
		}
		slices.Sort(ids)
		m.licence = strings.Join(slices.Compact(ids), " AND ")
	}
	return found, nil
}

var (
	licenceFile = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|copyright|notice)([.-].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|copyright)`)
	sourceFile  = regexp.MustCompile(`(?i)\.(go|html|json|js)$`)
)

func (m *module) addTexts(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("look for licences: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) || sourceFile.MatchString(e.Name()) {
			continue
		}
		name, err := filepath.Rel(m.dir, filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("name a licence: %w", err)
		}
		name = filepath.ToSlash(name)
		if slices.ContainsFunc(m.texts, func(t text) bool { return t.file == name }) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("read a licence: %w", err)
		}
		m.texts = append(m.texts, text{name, string(content)})
	}
	return nil
}

var (
	sqliteVersion  = regexp.MustCompile(`#define SQLITE_VERSION\s+"([0-9.]+)"`)
	sqliteBlessing = regexp.MustCompile(`(?s)The author disclaims copyright.*?taking more than you give\.`)
)

// sqlite is the C library inside the module that lies in dir.
func sqlite(dir string) (part, error) {
	header, err := os.ReadFile(filepath.Join(dir, "sqlite3-binding.h"))
	if err != nil {
		return part{}, fmt.Errorf("read which SQLite is used: %w", err)
	}
	version, blessing := sqliteVersion.FindSubmatch(header), sqliteBlessing.Find(header)
	if version == nil || blessing == nil {
		return part{}, errors.New("the header of SQLite does not say its version and its terms")
	}
	words := strings.ReplaceAll(string(blessing), "\n**", "\n")
	return part{
		name: "SQLite", version: string(version[1]), licence: strings.Join(classify(words), " AND "), allowed: shipped,
		purl: "pkg:generic/sqlite@" + string(version[1]), texts: []text{{"sqlite3.h", words + "\n"}},
	}, nil
}

// toolkit is Go's own library, of the Go that runs this.
func toolkit(dir string) (part, error) {
	root, err := goTool(dir, "env", "GOROOT")
	if err != nil {
		return part{}, err
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "LICENSE"))
	if err != nil {
		return part{}, fmt.Errorf("read the licence of Go: %w", err)
	}
	return part{name: "Go standard library", licence: strings.Join(classify(string(content)), " AND "), allowed: shipped,
		texts: []text{{"LICENSE", string(content)}}}, nil
}

// goTool runs go as it would be run to build for Linux, so that the answer is the same on every machine.
func goTool(dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1", "GOWORK=off")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out, nil
}

// pageHeading is how the build of the page heads the licence of a package that it took in.
var pageHeading = regexp.MustCompile(`(?m)^## (\S+) - (\S+) \((.+)\)\n`)

// readPage reads what is in the built page (frontend/dist/licences.md, written when it is built), and from the lock
// file what its building and testing needs.
func (p *parts) readPage(dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "frontend/package-lock.json"))
	if err != nil {
		return fmt.Errorf("read which npm packages are used: %w", err)
	}
	var lock struct {
		Packages map[string]struct {
			Version, License, Integrity string
			Dev                         bool
		}
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		return fmt.Errorf("read package-lock.json: %w", err)
	}
	built, err := os.ReadFile(filepath.Join(dir, "frontend/dist/licences.md"))
	if err != nil {
		return fmt.Errorf("read what is in the page: %w", err)
	}
	heads := pageHeading.FindAllStringSubmatchIndex(string(built), -1)
	inPage := map[string]bool{}
	for i, h := range heads {
		end := len(built)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		name, version := string(built[h[2]:h[3]]), string(built[h[4]:h[5]])
		locked, ok := lock.Packages["node_modules/"+name]
		if !ok || locked.Version != version {
			return fmt.Errorf("the built page has %s %s, package-lock.json has %q: run make web", name, version, locked.Version)
		}
		words := strings.TrimSpace(string(built[h[1]:end])) + "\n"
		found := strings.Join(classify(words), " AND ")
		if !permits(locked.License, strings.Split(found, " AND ")) {
			return fmt.Errorf("%s says that its licence is %s, and its text is %s", name, locked.License, found)
		}
		n := npmPart(name, version, locked.License, locked.Integrity)
		n.allowed, n.texts = shipped, []text{{"LICENSE", words}}
		p.page = append(p.page, n)
		inPage[name] = true
	}
	if len(p.page) == 0 {
		return errors.New("frontend/dist/licences.md names no package: run make web")
	}
	for path, l := range lock.Packages {
		at := strings.LastIndex(path, "node_modules/")
		if at < 0 || inPage[path[at+len("node_modules/"):]] {
			continue
		}
		n := npmPart(path[at+len("node_modules/"):], l.Version, l.License, l.Integrity)
		if n.allowed = tools; !l.Dev {
			n.allowed = shipped
		}
		p.npm = append(p.npm, n)
	}
	slices.SortFunc(p.npm, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
	})
	font, err := os.ReadFile(filepath.Join(dir, "frontend/src/fonts/OFL.txt"))
	if err != nil {
		return fmt.Errorf("read the licence of the font: %w", err)
	}
	p.page = append(p.page, part{
		name: "Noto Sans Arabic, in part", version: fontVersion, licence: strings.Join(classify(string(font)), " AND "), allowed: fonts,
		purl: "pkg:npm/%40fontsource-variable/noto-sans-arabic@" + fontVersion, texts: []text{{"OFL.txt", string(font)}},
	})
	return nil
}

// fontVersion is that of the package which frontend/src/fonts/build.sh reads; a test holds the two together.
const fontVersion = "5.3.0"

func npmPart(name, version, licence, integrity string) part {
	p := part{name: name, version: version, licence: cmp.Or(licence, unknown), purl: "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + version}
	if sum, ok := strings.CutPrefix(integrity, "sha512-"); ok {
		if raw, err := base64.StdEncoding.DecodeString(sum); err == nil {
			p.sha512 = hex.EncodeToString(raw)
		}
	}
	return p
}

// judge says which parts may not be used under their licence, all of them at once.
func (p *parts) judge() error {
	var errs []error
	for _, list := range [][]part{{p.toolkit}, p.program, p.page, p.goTools, p.npm} {
		for _, one := range list {
			if !permits(one.licence, one.allowed) {
				errs = append(errs, fmt.Errorf("%s %s: the licence %s is not among %s", one.name, one.version, one.licence, strings.Join(one.allowed, ", ")))
			}
		}
	}
	return errors.Join(errs...)
}
