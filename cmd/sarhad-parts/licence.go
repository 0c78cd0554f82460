package main

import (
	"regexp"
	"slices"
	"strings"
)

// unknown stands for a text that is none of the known licences; it is never allowed.
const unknown = "unknown"

// shipped are the licences, as SPDX identifiers, of what may be in the program: they ask for a notice and for nothing else.
var shipped = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "blessing"}

// fonts may be in the page under this one too: it holds for the font alone.
var fonts = []string{"OFL-1.1"}

// tools may also be used by tests and builds, of which nothing is handed on.
var tools = append([]string{"MPL-2.0"}, shipped...)

// phrases tell licences by words that their texts cannot do without. Those that must not be overlooked
// (copyleft and its additions) are here to be named.
var phrases = []struct{ words, id string }{
	{"apache license version 2.0, january 2004", "Apache-2.0"},
	{"licensed under the apache license, version 2.0", "Apache-2.0"},
	{"permission is hereby granted, free of charge, to any person obtaining a copy of this software", "MIT"},
	{"purpose with or without fee is hereby granted, provided that the above copyright notice", "ISC"},
	{"purpose with or without fee is hereby granted. the software is provided", "0BSD"},
	{"in place of a legal notice, here is a blessing", "blessing"},
	{"sil open font license version 1.1", "OFL-1.1"},
	{"mozilla public license version 2.0", "MPL-2.0"},
	{"mozilla public license, version 2.0", "MPL-2.0"},
	{"eclipse public license", "EPL"},
	{"gnu affero general public license", "AGPL"},
	{"gnu lesser general public license", "LGPL"},
	{"gnu library general public license", "LGPL"},
	{"gnu general public license", "GPL"},
	{"server side public license", "SSPL"},
	{"business source license", "BUSL"},
	{"commons clause", "Commons-Clause"},
	{"creative commons", "CC"},
	{"non-commercial", "non-commercial"},
	{"noncommercial", "non-commercial"},
}

const bsd = "redistribution and use in source and binary forms, with or without modification, are permitted"

// notLetters are line ends, comment signs, ornaments and quotation marks of all kinds.
var notLetters = regexp.MustCompile("[\\s*#/;\"'“”‘’`()]+")

// classify returns the SPDX identifiers of the licences in a text, sorted, or "unknown".
func classify(text string) []string {
	text = strings.TrimSpace(notLetters.ReplaceAllString(strings.ToLower(text), " "))
	var ids []string
	for _, p := range phrases {
		if strings.Contains(text, strings.TrimSpace(notLetters.ReplaceAllString(p.words, " "))) {
			ids = append(ids, p.id)
		}
	}
	if slices.Contains(ids, "MPL-2.0") { // it names the GNU licences as those a work may be combined with
		ids = slices.DeleteFunc(ids, func(id string) bool { return strings.HasSuffix(id, "GPL") })
	}
	for _, one := range strings.Split(text, bsd)[1:] {
		switch {
		case strings.Contains(one, "advertising materials"):
			ids = append(ids, "BSD-4-Clause")
		case strings.Contains(one, "neither the name"), strings.Contains(one, "may not be used to endorse"):
			ids = append(ids, "BSD-3-Clause")
		default:
			ids = append(ids, "BSD-2-Clause")
		}
	}
	if len(ids) == 0 {
		return []string{unknown}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// permits tells whether an SPDX expression ("MIT OR Apache-2.0") may be used where those licences may: one side of
// an OR is enough, each side of an AND is needed. An empty one permits nothing.
func permits(expression string, allowed []string) bool {
	expression = strings.Trim(expression, "()")
	if either := strings.Split(expression, " OR "); len(either) > 1 {
		return slices.ContainsFunc(either, func(e string) bool { return permits(e, allowed) })
	}
	for _, one := range strings.Split(expression, " AND ") {
		if !slices.Contains(allowed, strings.Trim(one, "()")) {
			return false
		}
	}
	return true
}
