package index

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"sarhad/incident"
)

// words knows in which incidents a word occurs. A word is what stands between
// white space, in lower case: a term that is searched has no white space, so it
// occurs in a text exactly if it is a part of one of its words.
//
// The incidents of a word are places in byFID, since the rows are sorted only
// when all words are known; each place is written as its distance from the one before.
type words struct {
	text  []byte   // the words, each behind and before a line end
	at    []uint64 // where each begins in text
	lists []byte   // the lists one after the other
	ends  []uint64 // where the list of each word ends

	mu    sync.Mutex
	found map[string]rowSet // the terms asked for last
	order []string
}

// wordBuilder collects the words of incidents in the order of fid.
type wordBuilder struct {
	byWord map[string]*wordList
	n      uint32 // incidents so far
	// putAside takes parts of long lists and says where they are; nil keeps them here.
	putAside func(list []byte) (at int64, err error)
}

type wordList struct {
	last  uint32 // the place of the last incident, plus 1
	list  []byte
	aside []run // what of the list was put aside before
}

// asideFrom is how long a list has to be for a part of it to be put aside.
const asideFrom = 1 << 10

func (b *wordBuilder) add(in *incident.Incident) error {
	text := strings.ToLower(incident.SearchText(in.Summary, in.LocationName, in.LocationText, in.Actor1, in.Actor2))
	b.n++
	for w := range strings.FieldsSeq(text) {
		l := b.byWord[w]
		if l == nil {
			l = &wordList{}
			b.byWord[strings.Clone(w)] = l
		}
		if l.last != b.n {
			l.list = binary.AppendUvarint(l.list, uint64(b.n-l.last))
			l.last = b.n
		}
		if len(l.list) >= asideFrom && b.putAside != nil {
			at, err := b.putAside(l.list)
			if err != nil {
				return err
			}
			l.aside = append(l.aside, run{at, at + int64(len(l.list))})
			l.list = l.list[:0]
		}
	}
	return nil
}

// sorted gives the words in their order, so that the same incidents give the
// same file: their text, where each begins in it, where its list ends, and the lists.
func (b *wordBuilder) sorted() (text []byte, at, ends []uint64, lists []*wordList) {
	all := slices.Sorted(maps.Keys(b.byWord))
	at, ends, lists = make([]uint64, 0, len(all)), make([]uint64, 0, len(all)), make([]*wordList, 0, len(all))
	text = append(text, '\n')
	end := uint64(0)
	for _, word := range all {
		at = append(at, uint64(len(text)))
		text = append(append(text, word...), '\n')
		l := b.byWord[word]
		lists = append(lists, l)
		end += uint64(len(l.list))
		for _, r := range l.aside {
			end += uint64(r.to - r.from)
		}
		ends = append(ends, end)
	}
	return text, at, ends, lists
}

// writeTo writes the list whole.
func (l *wordList) writeTo(w io.Writer, aside io.ReaderAt) error {
	for _, r := range l.aside {
		if _, err := io.Copy(w, io.NewSectionReader(aside, r.from, r.to-r.from)); err != nil {
			return fmt.Errorf("copy a list of words: %w", err)
		}
	}
	_, err := w.Write(l.list)
	return err
}

// finish gives the words; nothing was put aside.
func (b *wordBuilder) finish() *words {
	w := new(words)
	var lists []*wordList
	w.text, w.at, w.ends, lists = b.sorted()
	for _, l := range lists {
		w.lists = append(w.lists, l.list...)
	}
	return w
}

// keptTerms is how many terms are remembered: a page of a list asks again for
// what the page before it asked. Each takes a bit for each incident.
const keptTerms = 16

// containing gives the rows in which a term occurs. The term is in lower case and has no white space.
func (s *segment) containing(term string) rowSet {
	w := s.words
	w.mu.Lock()
	defer w.mu.Unlock()
	if set, ok := w.found[term]; ok {
		return set
	}
	set := make(rowSet, (s.rows()+63)/64)
	text := stringOf(w.text)
	for at := 0; ; {
		i := strings.Index(text[at:], term)
		if i < 0 {
			break
		}
		word, ok := slices.BinarySearch(w.at, uint64(at+i))
		if !ok {
			word-- // it begins before
		}
		w.each(word, func(place uint32) {
			row := s.byFID[place]
			set[row>>6] |= 1 << (row & 63)
		})
		if word+1 == len(w.at) {
			break
		}
		at = int(w.at[word+1])
	}
	if w.found == nil {
		w.found = map[string]rowSet{}
	}
	if len(w.order) == keptTerms {
		delete(w.found, w.order[0])
		w.order = w.order[1:]
	}
	w.found[term] = set
	w.order = append(w.order, term)
	return set
}

// each gives the places of the incidents that a word occurs in.
func (w *words) each(word int, do func(place uint32)) {
	from := uint64(0)
	if word > 0 {
		from = w.ends[word-1]
	}
	list := w.lists[from:w.ends[word]]
	place := uint64(0)
	for len(list) > 0 {
		if c := list[0]; c < 0x80 { // nearly always
			place += uint64(c)
			list = list[1:]
		} else {
			d, n := binary.Uvarint(list)
			place += d
			list = list[max(n, 1):]
		}
		do(uint32(place - 1))
	}
}

// textHas gives the rows that all words of a search occur in, nil for all rows.
func (s *segment) textHas(search string) (set rowSet) {
	for i, term := range strings.Fields(strings.ToLower(search)) {
		of := s.containing(term)
		if i == 0 {
			set = slices.Clone(of)
			continue
		}
		for k := range set {
			set[k] &= of[k]
		}
	}
	return set
}
