package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"sarhad/data/gazetteer"
	"sarhad/geo"
	"sarhad/incident"
)

// learnEvery is how often at most the names are learned anew while a store changes.
const learnEvery = 5 * time.Second

// liveGeocoder is a geocoder that keeps up with the names that the incidents of a store teach.
type liveGeocoder struct {
	base *geo.Geocoder
	now  atomic.Pointer[geo.Geocoder]
}

func newLiveGeocoder(base *geo.Geocoder) *liveGeocoder {
	l := &liveGeocoder{base: base}
	l.now.Store(base)
	return l
}

// get is the geocoder of the moment.
func (l *liveGeocoder) get() *geo.Geocoder { return l.now.Load() }

// follow learns the names anew whenever the store has changed, one time after the other, until the context ends. After
// one that took long it rests longer, so that learning takes at most a tenth of the time while a large file is loaded.
func (l *liveGeocoder) follow(ctx context.Context, st incident.Reader, log *slog.Logger, every time.Duration) {
	seen, rules := int64(-1), ""
	for {
		began := time.Now()
		if now, err := rulesOf(ctx, st); err != nil || now != rules {
			l.now.Store(l.base) // what was learned before may be delayed or blurred now
			rules, seen = now, -1
		}
		change, err := st.Change(ctx)
		if err == nil && change != seen {
			var learned []geo.Place
			if learned, err = gazetteer.Learn(ctx, st, l.base, ""); err == nil {
				seen = change
				if now, err := rulesOf(ctx, st); err != nil || now != rules {
					seen = -1 // they may be from before a rule
				} else if len(learned) == 0 {
					l.now.Store(l.base)
				} else {
					l.now.Store(l.base.With(learned))
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("the names that incidents teach are those of before", "error", err)
		}
		for until := time.Now().Add(max(every, 10*time.Since(began))); ; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(min(rulesEvery, time.Until(until))):
			}
			if now, err := rulesOf(ctx, st); !time.Now().Before(until) || err != nil || now != rules {
				break
			}
		}
	}
}

// rulesEvery is how often it is looked whether something is delayed or blurred that was not.
const rulesEvery = 200 * time.Millisecond

// rulesOf tells apart what everybody sees of the datasets.
func rulesOf(ctx context.Context, st incident.Reader) (string, error) {
	sets, err := st.Datasets(ctx)
	if err != nil {
		return "", err
	}
	s := ""
	for i := range sets {
		if d := &sets[i]; d.Publication != (incident.Publication{}) {
			s += fmt.Sprintf("%q %v\n", d.Name, d.Publication)
		}
	}
	return s, nil
}
