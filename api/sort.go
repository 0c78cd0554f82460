package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"sarhad/incident"
)

// The limits of sorting by anything but the start date, which the store cannot do.
const (
	// maxSorted is how many incidents may match.
	maxSorted = 200_000
	// maxSortKeys is how many properties the order may be made of.
	maxSortKeys = 3
	// maxSortText is how many bytes of a text count, so that a cursor is never longer than an address may be.
	maxSortText = 200
)

// sortKey is one property that incidents are sorted by.
type sortKey struct {
	property incident.PropertyInfo
	down     bool
}

// sorting is the order of a page. Without keys it is one that the store has.
type sorting struct {
	order incident.Order
	keys  []sortKey
}

// sorting reads sortby.
func (p params) sorting() (sorting, error) {
	v, ok := p["sortby"]
	if !ok {
		return sorting{}, nil
	}
	parts, err := p.list("sortby")
	if err != nil {
		return sorting{}, err
	}
	if len(parts) > maxSortKeys {
		return sorting{}, wrongParameter("sortby", nil, "sortby has %d properties; it takes at most %d.", len(parts), maxSortKeys)
	}
	var keys []sortKey
	for _, part := range parts { // a + that nobody escaped arrived as a space and is gone
		name, down := strings.CutPrefix(part, "-")
		if !down {
			name = strings.TrimPrefix(part, "+")
		}
		info, ok := incident.LookupProperty(incident.Property(name))
		if !ok {
			return sorting{}, wrongParameter("sortby", sortable, "sortby does not know %s.", quoted(v))
		}
		if slices.ContainsFunc(keys, func(k sortKey) bool { return k.property.Name == info.Name }) {
			return sorting{}, wrongParameter("sortby", nil, "sortby has %s twice.", name)
		}
		keys = append(keys, sortKey{info, down})
	}
	if len(keys) == 1 && keys[0].property.Name == "start_date" {
		if keys[0].down {
			return sorting{order: incident.ByStartRev}, nil
		}
		return sorting{order: incident.ByStart}, nil
	}
	return sorting{keys: keys}, nil
}

// sortable are the properties that sortby takes.
var sortable = func() []string {
	var names []string
	for _, p := range incident.Properties() {
		names = append(names, string(p.Name))
	}
	return names
}()

// rank is what an incident is sorted by: null comes last, whatever the
// direction, and incidents that are the same are in the order of the store.
type rank struct {
	fid  int64
	keys [maxSortKeys]incident.Value
}

func (s *sorting) compare(a, b *rank) int {
	for i := range s.keys {
		x, y := &a.keys[i], &b.keys[i]
		if x.Null || y.Null {
			if x.Null != y.Null {
				if x.Null {
					return 1
				}
				return -1
			}
			continue
		}
		order := cmp.Or(cmp.Compare(x.Number, y.Number), cmp.Compare(x.Text, y.Text))
		if s.keys[i].down {
			order = -order
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(a.fid, b.fid)
}

// rank reads the keys of an incident; its texts are not copied.
func (s *sorting) rank(in *incident.Incident) rank {
	r := rank{fid: in.FID}
	for i := range s.keys {
		v := s.keys[i].property.Get(in)
		if len(v.Text) > maxSortText {
			v.Text = v.Text[:maxSortText]
		}
		if v.Null {
			v = incident.Value{Null: true}
		}
		r.keys[i] = v
	}
	return r
}

// sorted gives a page of incidents in an order that the store does not have.
// All that match are looked at, but only the keys of a page are kept.
func (s *server) sorted(ctx context.Context, q incident.Query, by sorting, after *rank) iter.Seq2[*incident.Incident, error] {
	return func(yield func(*incident.Incident, error) bool) {
		for q.Limit > 0 {
			page, err := s.ranked(ctx, q, by, after)
			if err != nil {
				yield(nil, err)
				return
			}
			whole := len(page) == q.Limit
			for i := range page {
				after = &page[i]
				in, err := s.Reader.Incident(ctx, strconv.FormatInt(page[i].fid, 10))
				if incident.CodeOf(err) == incident.CodeNotFound {
					continue // it went meanwhile; the next round makes up for it
				}
				if !yield(in, err) || err != nil {
					return
				}
				q.Limit--
			}
			if !whole {
				return
			}
		}
	}
}

// ranked finds the first of an order, after a place in it, as many as the limit of the query.
func (s *server) ranked(ctx context.Context, q incident.Query, by sorting, after *rank) ([]rank, error) {
	fields := []incident.Property{}
	for _, k := range by.keys {
		fields = append(fields, k.property.Name)
	}
	compare := func(a, b rank) int { return by.compare(&a, &b) }
	var page []rank
	var worst *rank // of a whole page; what comes after it is not on it
	looked := 0
	for in, err := range s.Reader.Incidents(ctx, incident.Query{Filter: q.Filter, Fields: fields}) {
		if err != nil {
			return nil, err
		}
		if looked++; looked > maxSorted {
			return nil, tooManyToSort()
		}
		r := by.rank(in)
		if after != nil && by.compare(&r, after) <= 0 || worst != nil && by.compare(&r, worst) > 0 {
			continue
		}
		for i := range by.keys {
			r.keys[i].Text = strings.Clone(r.keys[i].Text) // the incident is only lent
		}
		page = append(page, r)
		if len(page) >= 2*q.Limit {
			slices.SortFunc(page, compare)
			clear(page[q.Limit:])
			page = page[:q.Limit]
			last := page[q.Limit-1]
			worst = &last
		}
	}
	slices.SortFunc(page, compare)
	return page[:min(len(page), q.Limit)], nil
}

func tooManyToSort() error {
	return wrongParameter("sortby", []string{"start_date", "-start_date"},
		"More than %d incidents match, which is too many for this order; narrow the filter, for example by datetime, or sort by start_date.", maxSorted)
}

// mark stands for the properties that are sorted by, so that a cursor is not used with others.
func (s *sorting) mark() uint32 {
	var b strings.Builder
	for _, k := range s.keys {
		b.WriteString(strconv.FormatBool(k.down))
		b.WriteString(string(k.property.Name))
	}
	return crc32.ChecksumIEEE([]byte(b.String()))
}

// sortedOrder marks the cursors of orders that the store does not have. Of each
// key there is a byte that says what follows: nothing, a number or a text.
const (
	sortedOrder  = 0xfe
	cursorNull   = 0
	cursorNumber = 1
	cursorText   = 2
)

// encode packs the last of a page.
func (s *sorting) encode(r *rank) string {
	b := []byte{sortedOrder}
	b = binary.BigEndian.AppendUint32(b, s.mark())
	b = binary.BigEndian.AppendUint64(b, uint64(r.fid))
	for i := range s.keys {
		switch v := &r.keys[i]; {
		case v.Null:
			b = append(b, cursorNull)
		case v.Text != "":
			b = append(append(b, cursorText, byte(len(v.Text))), v.Text...)
		default:
			b = binary.BigEndian.AppendUint64(append(b, cursorNumber), math.Float64bits(v.Number))
		}
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// place reads the cursor of a next link, nil if there is none.
func (s *sorting) place(p params) (*rank, error) {
	v, ok := p["cursor"]
	if !ok {
		return nil, nil
	}
	notOurs := wrongParameter("cursor", nil, "cursor is not one of ours; take it from a next link.")
	b, err := base64.RawURLEncoding.DecodeString(v)
	if err != nil || len(b) < 1+4+8 || b[0] != sortedOrder {
		return nil, notOurs
	}
	if binary.BigEndian.Uint32(b[1:]) != s.mark() {
		return nil, wrongParameter("cursor", nil, "cursor belongs to another order of the list; take it from a next link.")
	}
	r := &rank{fid: int64(binary.BigEndian.Uint64(b[5:]))}
	in := bytes.NewBuffer(b[13:])
	for i := range s.keys {
		kind, err := in.ReadByte()
		if err != nil {
			return nil, notOurs
		}
		value := &r.keys[i]
		switch kind {
		case cursorNull:
			value.Null = true
		case cursorNumber:
			n := in.Next(8)
			if len(n) < 8 {
				return nil, notOurs
			}
			value.Number = math.Float64frombits(binary.BigEndian.Uint64(n))
		case cursorText:
			size, err := in.ReadByte()
			if err != nil || in.Len() < int(size) {
				return nil, notOurs
			}
			value.Text = string(in.Next(int(size)))
		default:
			return nil, notOurs
		}
	}
	if in.Len() > 0 {
		return nil, notOurs
	}
	return r, nil
}
