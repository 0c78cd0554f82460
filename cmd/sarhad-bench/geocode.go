package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"sarhad/data/bundle"
	"sarhad/data/gazetteer"
	"sarhad/data/ingest"
	"sarhad/data/source"
	"sarhad/geo"
	"sarhad/incident"
)

// sample is a place as a file writes it, with what is known of it otherwise.
type sample struct {
	id                                string
	country, adm1, adm2, place, words string
	point                             orb.Point
	precision                         string
}

// named are the units that a pair of admin names may be placed in, as somebody who knows them reads them.
type named map[[2]string][]string

// tally counts answers.
type tally struct {
	right, wrong, ambiguous, unknown int
	wrongs, opens, unknowns          map[string]int
}

func (t *tally) of(n int) string {
	if n == 0 {
		return "no rows"
	}
	share := func(k int) float64 { return 100 * float64(k) / float64(n) }
	return fmt.Sprintf("%5d rows: right %5.1f %%  wrong %4.1f %%  ambiguous %4.1f %%  unknown %4.1f %%", n, share(t.right), share(t.wrong), share(t.ambiguous), share(t.unknown))
}

func (t *tally) rows() int { return t.right + t.wrong + t.ambiguous + t.unknown }

// add judges an answer. Truth are units: that of the named district and that which holds the coordinates. A former unit is right
// if the truth lies in it.
func (t *tally) add(m geo.Match, truth []string, what string) {
	if t.wrongs == nil {
		t.wrongs, t.opens, t.unknowns = map[string]int{}, map[string]int{}, map[string]int{}
	}
	switch {
	case m.Status == geo.StatusAmbiguous:
		t.ambiguous++
		t.opens[what]++
	case m.Status == geo.StatusUnknown:
		t.unknown++
		t.unknowns[what]++
	case slices.Contains(truth, m.UnitID), slices.ContainsFunc(m.Units, func(u string) bool { return slices.Contains(truth, u) }):
		t.right++
	default:
		t.wrong++
		t.wrongs[fmt.Sprintf("%s → %s, not %s", what, m.UnitID, strings.Join(truth, " or "))]++
	}
}

func printed(title string, of map[string]int) {
	if len(of) == 0 {
		return
	}
	fmt.Printf("  %s:\n", title)
	keys := make([]string, 0, len(of))
	for k := range of {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Printf("    %3d  %s\n", of[k], k)
	}
}

// ours says whether a sample lies in a part of the region whose districts or provinces are units.
func (s *sample) ours() bool {
	for _, p := range []string{"Khyber", "Federally", "Balochistan"} {
		if strings.HasPrefix(s.adm1, p) {
			return true
		}
	}
	return strings.HasPrefix(s.country, "Afghanistan")
}

// truths are the units that a sample may be placed in: those of the named district, and that which holds the coordinates.
func truths(g *geo.Geocoder, known named, s *sample) []string {
	out := slices.Clone(known[[2]string{s.adm1, s.adm2}])
	if u := g.Index().Locate(s.point); u >= 0 && !slices.Contains(out, g.Index().Units()[u].ID) {
		out = append(out, g.Index().Units()[u].ID)
	}
	return out
}

// geocoding prints how well and how fast places are found.
func geocoding(verbose bool) error {
	began := time.Now()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	from, err := bundle.Sources()
	if err != nil {
		return fmt.Errorf("read the bundled places: %w", err)
	}
	g, err := geo.NewGeocoder(from)
	if err != nil {
		return fmt.Errorf("prepare the geocoder: %w", err)
	}
	ready := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	fmt.Printf("ready in %.0f ms (wanted 150), %.0f MB (wanted 60)\n", float64(ready.Microseconds())/1000, float64(after.HeapAlloc-before.HeapAlloc)/1e6)

	if err := ownTables(g, verbose); err != nil {
		return err
	}

	const shared = "../shared/data"
	dev, err := samples(filepath.Join(shared, "geocode_dev.csv"))
	if err != nil {
		return err
	}
	if dev == nil {
		fmt.Println("SKIPPED: ../shared/data/geocode_dev.csv is not there; the figures of real files are not measured")
		return nil
	}
	known, err := adminTable("cmd/sarhad-bench/testdata/admin.csv")
	if err != nil {
		return err
	}
	loaded, err := incidents(g, filepath.Join(shared, "ucdp_ged_pakistan_1989-2021.csv"))
	if err != nil {
		return err
	}
	var admin, free, learned tally
	for i := range dev {
		s := &dev[i]
		if s.ours() && s.adm2 != "" {
			truth := known[[2]string{s.adm1, s.adm2}]
			if truth == nil {
				truth = truths(g, known, s)
			}
			admin.add(g.Geocode(geo.Request{Country: s.country, Adm1: s.adm1, Adm2: s.adm2}), truth, s.country+" | "+s.adm1+" | "+s.adm2)
		}
		if s.free() {
			free.add(g.Geocode(geo.Request{Place: s.place, Text: s.words}), truths(g, known, s), s.place+" | "+s.words)
			taught, err := learn(g, loaded, s)
			if err != nil {
				return err
			}
			learned.add(taught.Geocode(geo.Request{Place: s.place, Text: s.words}), truths(g, known, s), s.place+" | "+s.words)
		}
	}
	fmt.Println("names of admin units alone      ", admin.of(admin.rows()))
	fmt.Println("free text, bundled names        ", free.of(free.rows()))
	fmt.Println("free text, with learned names   ", learned.of(learned.rows()))
	all, err := samples(filepath.Join(shared, "ucdp_ged_pakistan_1989-2021.csv"))
	if err != nil {
		return err
	}
	var bare, folds tally
	if all != nil {
		if err := everyText(g, known, all, loaded, &bare, &folds); err != nil {
			return err
		}
		fmt.Println("all texts of GED, bundled names ", bare.of(bare.rows()))
		fmt.Println("all texts of GED, learned from nine tenths", folds.of(folds.rows()))
	}
	if verbose {
		printed("admin wrong", admin.wrongs)
		printed("admin ambiguous", admin.opens)
		printed("admin unknown", admin.unknowns)
		printed("text wrong", free.wrongs)
		printed("text ambiguous", free.opens)
		printed("text unknown", free.unknowns)
		printed("learned wrong", learned.wrongs)
		printed("learned ambiguous", learned.opens)
		printed("learned unknown", learned.unknowns)
		printed("all texts, wrong with bundled names", bare.wrongs)
		printed("all texts, wrong with learned names", folds.wrongs)
	}

	names := make([]geo.Request, 0, len(dev))
	phrases := make([]geo.Request, 0, len(dev))
	for _, s := range dev {
		names = append(names, geo.Request{Country: s.country, Adm1: s.adm1, Adm2: s.adm2})
		phrases = append(phrases, geo.Request{Text: s.place + ", " + s.words})
	}
	fmt.Printf("structured names %.0f/s (wanted 200,000)\n", rate(g, names, 300_000))
	for i := range phrases {
		phrases[i].Text += " "
	}
	n := 0
	began = time.Now()
	for time.Since(began) < 2*time.Second {
		for i := range phrases {
			r := phrases[i]
			r.Text += strconv.Itoa(n) // never seen before
			g.Geocode(r)
			n++
		}
	}
	fmt.Printf("phrases never seen before %.0f/s (wanted 20,000)\n", float64(n)/time.Since(began).Seconds())
	return nil
}

// ownTables judges every name of the gazetteer and the project's own table of names and phrases.
func ownTables(g *geo.Geocoder, verbose bool) error {
	asked, missed := 0, map[string]int{}
	for _, u := range g.Index().Units() {
		for _, name := range append([]string{u.ID, u.PCode, u.Name, u.NameUR, u.NamePS, u.NameFA}, u.Variants...) {
			if name == "" {
				continue
			}
			for _, r := range []geo.Request{{Adm2: name}, {Text: name}, {Country: u.Country, Adm1: u.Province, Adm2: name}} {
				asked++
				m := g.Geocode(r)
				if m.UnitID != u.ID && !slices.Contains(m.Units, u.ID) && !slices.ContainsFunc(m.Candidates, func(c geo.Candidate) bool { return c.UnitID == u.ID }) {
					missed[fmt.Sprintf("%+v", r)]++
				}
			}
		}
	}
	fmt.Printf("names of gazetteer.csv, every script: %d questions, %d do not find their unit or its ambiguity\n", asked, len(missed))

	f, err := os.Open("data/bundle/testdata/phrases.csv")
	if err != nil {
		return fmt.Errorf("open our own table: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return fmt.Errorf("read our own table: %w", err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	right, wrong := 0, map[string]int{}
	for _, row := range rows[1:] {
		get := func(name string) string { return row[column[name]] }
		r := geo.Request{Country: get("country"), Adm1: get("adm1"), Adm2: get("adm2"), Place: get("place"), Text: get("text")}
		if d, err := incident.ParseDay(get("date")); err == nil {
			r.Day, r.HasDay = int32(d), true
		}
		if m := g.Geocode(r); string(m.Status) == get("status") && m.UnitID == get("unit") {
			right++
		} else {
			wrong[fmt.Sprintf("%s → %s %s, not %s %s", strings.Trim(strings.Join(row[:6], "|"), "|"), m.Status, m.UnitID, get("status"), get("unit"))]++
		}
	}
	fmt.Printf("our own table of names and phrases: %d rows, %d as an expert would answer\n", len(rows)-1, right)
	if verbose {
		printed("names that miss", missed)
		printed("our own table, wrong", wrong)
	}
	return nil
}

func rate(g *geo.Geocoder, rs []geo.Request, n int) float64 {
	began := time.Now()
	for i := range n {
		g.Geocode(rs[i%len(rs)])
	}
	return float64(n) / time.Since(began).Seconds()
}

// free says whether a sample is one of those whose words are measured: a place known to the district at least.
func (s *sample) free() bool {
	return s.ours() && !strings.HasPrefix(s.country, "Afghanistan") && s.place+s.words != "" && (s.precision == "1" || s.precision == "2" || s.precision == "3")
}

// samples reads a table of places, nil if there is none.
func samples(path string) ([]sample, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open samples: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	var out []sample
	for _, row := range rows[1:] {
		get := func(name string) string {
			if i, ok := column[name]; ok && i < len(row) {
				return row[i]
			}
			return ""
		}
		number := func(name string) float64 { v, _ := strconv.ParseFloat(get(name), 64); return v }
		out = append(out, sample{
			id: get("id"), country: get("country"), adm1: get("adm_1"), adm2: get("adm_2"), place: get("where_coordinates"), words: get("where_description"),
			point: orb.Point{number("longitude"), number("latitude")}, precision: get("where_prec"),
		})
	}
	return out, nil
}

// adminTable reads the units of pairs of admin names.
func adminTable(path string) (named, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the table of admin names: %w", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the table of admin names: %w", err)
	}
	out := named{}
	for _, row := range rows[1:] {
		out[[2]string{row[1], row[2]}] = strings.Split(row[3], "|")
	}
	return out, nil
}

// everyText judges each different description of a file once: with the bundled names, and with what the other nine tenths of
// the descriptions teach.
func everyText(g *geo.Geocoder, known named, all []sample, loaded []incident.Incident, bare, folds *tally) error {
	const tenths = 10
	seen := map[[2]string]int{} // to its tenth
	var distinct [tenths][]*sample
	for i := range all {
		s := &all[i]
		k := [2]string{s.place, s.words}
		if _, ok := seen[k]; ok || !s.free() {
			continue
		}
		seen[k] = len(seen) % tenths
		distinct[seen[k]] = append(distinct[seen[k]], s)
	}
	for tenth, list := range distinct {
		rest := memory{list: slices.DeleteFunc(slices.Clone(loaded), func(in incident.Incident) bool {
			at, ok := seen[[2]string{in.LocationName, in.LocationText}]
			return ok && at == tenth
		})}
		places, err := gazetteer.Learn(context.Background(), rest, g, "")
		if err != nil {
			return fmt.Errorf("learn names: %w", err)
		}
		taught := g.With(places)
		for _, s := range list {
			r, truth, what := geo.Request{Place: s.place, Text: s.words}, truths(g, known, s), s.place+" | "+s.words
			bare.add(g.Geocode(r), truth, what)
			folds.add(taught.Geocode(r), truth, what)
		}
	}
	return nil
}

// memory is a store of incidents that only learning reads.
type memory struct {
	incident.Reader
	list []incident.Incident
	but  *sample // these words are left out, nil for none
}

func (m memory) Datasets(context.Context) ([]incident.DatasetInfo, error) {
	return []incident.DatasetInfo{{Dataset: incident.Dataset{Name: "ged"}}}, nil
}

func (m memory) Incidents(context.Context, incident.Query) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		for i := range m.list {
			in := &m.list[i]
			if m.but != nil && in.LocationName == m.but.place && in.LocationText == m.but.words {
				continue
			}
			if !yield(in, nil) {
				return
			}
		}
	}
}

// learn is the geocoder with the names that all incidents teach but those with the words of a sample.
func learn(g *geo.Geocoder, list []incident.Incident, but *sample) (*geo.Geocoder, error) {
	places, err := gazetteer.Learn(context.Background(), memory{list: list, but: but}, g, "")
	if err != nil {
		return nil, err
	}
	return g.With(places), nil
}

// incidents reads and places the incidents of a file.
func incidents(g *geo.Geocoder, path string) ([]incident.Incident, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open incidents: %w", err)
	}
	defer f.Close()
	src, err := source.Open(f, source.Options{File: filepath.Base(path)})
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	locator := ingest.NewLocator(g, nil)
	var out []incident.Incident
	for {
		row, err := src.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read incidents: %w", err)
		}
		if row.Rejected == nil {
			locator.Locate(row)
			out = append(out, row.Incident)
		}
	}
}
