package api

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
	"github.com/paulmach/orb"

	"sarhad/incident"
)

// snapshot is what is known of the datasets at one change number.
type snapshot struct {
	change   int64
	store    int64 // change number that the store had at least
	datasets []incident.DatasetInfo
	names    []string
	withheld []string // datasets whose single incidents may not be shown
	digest   string   // tells states apart that share a change number, such as those of two stores
	loaded   bool     // any incident at all
	bound    orb.Bound
	hasBound bool
}

// extent gives the first start and the last end in some datasets, nil for all.
func (s *snapshot) extent(names []string) (w window, ok bool) {
	for i := range s.datasets {
		d := &s.datasets[i]
		if d.Count == 0 || names != nil && !contains(names, d.Name) {
			continue
		}
		if !ok {
			w, ok = window{d.First, d.Last}, true
			continue
		}
		w.from, w.to = min(w.from, d.First), max(w.to, d.Last)
	}
	return w, ok
}

func contains[T comparable](list []T, s T) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// shown adds to a filter that single incidents of some datasets stay out.
func (s *snapshot) shown(f incident.Filter) incident.Filter {
	if len(s.withheld) == 0 {
		return f
	}
	not := incident.Not{Of: incident.In{Property: "dataset", Values: s.withheld}}
	switch f := f.(type) {
	case nil:
		return not
	case incident.And:
		return append(f[:len(f):len(f)], not)
	}
	return incident.And{f, not}
}

// snapshots keeps the newest snapshot.
type snapshots struct {
	mu     sync.Mutex
	latest *snapshot
}

// snapshot describes the store as it is now. The datasets are read once for
// each change number, by one request while others wait.
func (s *server) snapshot(ctx context.Context) (*snapshot, error) {
	store, err := incident.StoreChange(ctx, s.Reader)
	if err != nil {
		return nil, fmt.Errorf("read change number of the store: %w", err)
	}
	change, err := s.Reader.Change(ctx)
	if err != nil {
		return nil, fmt.Errorf("read change number: %w", err)
	}
	s.snapshots.mu.Lock()
	defer s.snapshots.mu.Unlock()
	if l := s.snapshots.latest; l != nil && l.change == change {
		return l, nil
	}
	datasets, err := s.Reader.Datasets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read datasets: %w", err)
	}
	datasets = slices.Clone(datasets) // the reader may keep its own
	snap := &snapshot{change: change, store: store, datasets: datasets}
	digest := sha256.New()
	_, _ = fmt.Fprintf(digest, "%s\n%s\n", s.Version, s.StoreID)
	for i := range datasets {
		d := &datasets[i]
		snap.names = append(snap.names, d.Name)
		if d.AggregatesOnly {
			snap.withheld = append(snap.withheld, d.Name)
			d.Bound = coarseBound(d.Bound)
		}
		if d.Count > 0 {
			snap.loaded = true
			if d.HasBound {
				if snap.hasBound {
					snap.bound = snap.bound.Union(d.Bound)
				} else {
					snap.bound, snap.hasBound = d.Bound, true
				}
			}
		}
		_, _ = fmt.Fprintf(digest, "%+v\n", *d)
	}
	snap.digest = string(digest.Sum(nil))
	// What was read may already be newer than the number it was read under; then it is used once and not kept.
	if after, err := s.Reader.Change(ctx); err == nil && after == change {
		s.snapshots.latest = snap
	}
	return snap, nil
}

// count counts the incidents of a selection; the answers for one change number are kept.
func (s *server) count(ctx context.Context, snap *snapshot, key string, f incident.Filter) (int, error) {
	if n, ok := s.counts.get(snap.change, key); ok {
		return n, nil
	}
	n, err := s.Reader.Count(ctx, f)
	if err != nil {
		return 0, fmt.Errorf("count incidents: %w", err)
	}
	if after, err := s.Reader.Change(ctx); err == nil && after == snap.change {
		s.counts.put(snap.change, key, n)
	}
	return n, nil
}

// maxCounts is how many counts are kept; each is a few hundred bytes.
const maxCounts = 512

// countCache keeps the counts of the filters used last, for one change number.
type countCache struct {
	mu     sync.Mutex
	change int64
	byKey  map[string]*list.Element
	order  list.List // the one used last is in front
}

type countEntry struct {
	key string
	n   int
}

func (c *countCache) get(change int64, key string) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok || c.change != change {
		return 0, false
	}
	c.order.MoveToFront(e)
	return e.Value.(countEntry).n, true
}

func (c *countCache) put(change int64, key string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil || c.change != change {
		c.change, c.byKey = change, map[string]*list.Element{}
		c.order.Init()
	}
	if e, ok := c.byKey[key]; ok {
		c.order.MoveToFront(e)
		return
	}
	if c.order.Len() >= maxCounts {
		last := c.order.Back()
		delete(c.byKey, last.Value.(countEntry).key)
		c.order.Remove(last)
	}
	c.byKey[key] = c.order.PushFront(countEntry{key, n})
}

// gzipSuffix and zstdSuffix are what the compressor adds to the ETag of a compressed answer.
const (
	gzipSuffix = "-gzip"
	zstdSuffix = "-zstd"
)

// fresh sets the ETag and the caching of an answer that follows from the store
// and the request, and reports whether the client has it already; then 304 is
// written. key holds everything else that the answer depends on. The body is
// never hashed, so a fresh answer costs no more than this.
func (s *server) fresh(c echo.Context, snap *snapshot, f format, key string) bool {
	r := c.Request()
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%d\n%s\n%s\n%s\n%s", snap.digest, snap.change, s.base(r), r.URL.Path, f.media, key)
	sum := h.Sum(make([]byte, 0, sha256.Size))
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	head := c.Response().Header()
	head["Etag"] = []string{tag}
	s.cached(head)
	tellChange(c, snap.store)
	return notModified(c, tag)
}

// notModified answers 304 if the client holds the tag, in any compression.
func notModified(c echo.Context, tag string) bool {
	bare := strings.Trim(tag, `"`)
	for _, line := range c.Request().Header["If-None-Match"] {
		for part := range strings.SplitSeq(line, ",") {
			part = strings.TrimSpace(part)
			held := strings.Trim(strings.TrimPrefix(part, "W/"), `"`)
			if part == "*" || strings.TrimSuffix(strings.TrimSuffix(held, gzipSuffix), zstdSuffix) == bare {
				if part != "*" {
					c.Response().Header()["Etag"] = []string{`"` + held + `"`}
				}
				c.Response().WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}
