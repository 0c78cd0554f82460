package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/paulmach/orb"

	"sarhad/data/gpkg"
	"sarhad/data/index"
	"sarhad/incident"
)

// growthFinds is how many incidents a window of growth should find, growthWindows how many windows are asked for.
const growthFinds, growthWindows = 180, 64

func sizesOf(list string) ([]int, error) {
	var sizes []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 10_000 {
			return nil, fmt.Errorf("-sizes takes numbers from 10000 on with commas between them, not %q", s)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// growth compares stores of several sizes under windows that find the same
// number of incidents: once by fewer days, which is what a user does who looks
// at more, and once by smaller boxes of the same days, where the rows of the
// days that lie outside grow with the store.
func growth(w *world, dir string, sizes []int, seconds float64, rounds int) error {
	type server struct {
		size int
		*child
		at []orb.Point // in the middle of the windows
		on []int       // days
	}
	var servers []*server
	for _, size := range sizes {
		store := filepath.Join(dir, fmt.Sprintf("growth-%d.gpkg", size))
		if err := w.make(store, size); err != nil {
			return err
		}
		began := time.Now()
		c, err := startChild("ours", store)
		if err != nil {
			return err
		}
		defer c.stop()
		fmt.Printf("%-40s %.2f s until the first answer, %s\n", fmt.Sprintf("start, %d incidents", size), time.Since(began).Seconds(), c.memory())
		if err := c.settled(); err != nil {
			return err
		}
		s := &server{size: size, child: c}
		if s.at, s.on, err = middles(store); err != nil {
			return err
		}
		servers = append(servers, s)
	}
	for _, by := range []string{"fewer days", "smaller boxes"} {
		urls := make([][]string, len(servers))
		for i, s := range servers {
			days := 30
			if by == "fewer days" {
				days = max(1, int(math.Round(30*1e6/float64(s.size))))
			}
			side, found, err := fit(s.addr, s.at, s.on, days)
			if err != nil {
				return err
			}
			urls[i] = windowURLs(s.at, s.on, days, side)
			fmt.Printf("%-40s %d days, %.2f degrees, %.0f incidents on average\n", fmt.Sprintf("%s: %d incidents", by, s.size), days, side, found)
		}
		paces := make([][]pace, len(servers))
		for range rounds {
			for i, s := range servers {
				p, err := hammer(s.addr, urls[i], seconds, nil)
				if err != nil {
					return err
				}
				paces[i] = append(paces[i], p)
			}
		}
		for i := range servers[1:] {
			what := fmt.Sprintf("%s, %d : %d", by, servers[i+1].size, servers[0].size)
			compare(what+", p50", paces[i+1], paces[0], func(p *pace) float64 { return 1000 * p.at(.5) }, "µs", "less than 2")
			compare(what+", p99", paces[i+1], paces[0], func(p *pace) float64 { return 1000 * p.at(.99) }, "µs", "-")
		}
	}
	for _, s := range servers {
		fmt.Printf("%-40s %s\n", fmt.Sprintf("after this, %d incidents", s.size), s.memory())
	}
	return nil
}

// make makes a store of generated incidents with its index, unless it is there.
func (w *world) make(store string, size int) error {
	if _, err := os.Stat(store); err != nil {
		file := store + ".csv"
		if err := generate(file, size, 1); err != nil {
			return err
		}
		began := time.Now()
		_, err := w.ingest(store, file, "")
		if err = errors.Join(err, os.Remove(file)); err != nil {
			return err
		}
		fmt.Printf("%-40s %.0f s\n", fmt.Sprintf("load, %d incidents", size), time.Since(began).Seconds())
	}
	st, err := w.open(store)
	if err != nil {
		return err
	}
	began := time.Now()
	err = index.Save(context.Background(), st, store+"-index")
	fmt.Printf("%-40s %.0f s\n", fmt.Sprintf("index, %d incidents", size), time.Since(began).Seconds())
	return errors.Join(err, st.Close())
}

// middles are places and days of incidents of a store.
func middles(store string) (at []orb.Point, on []int, err error) {
	st, err := gpkg.Open(context.Background(), store, gpkg.Options{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	defer st.Close()
	n, err := st.Count(context.Background(), nil)
	if err != nil {
		return nil, nil, err
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for len(at) < growthWindows {
		in, err := st.Incident(context.Background(), strconv.Itoa(1+rng.IntN(n)))
		if err != nil {
			return nil, nil, err
		}
		if in.HasPoint {
			at, on = append(at, in.Point), append(on, int(in.Start))
		}
	}
	return at, on, nil
}

// windowURLs asks for boxes and days around the middles, sides in degrees.
func windowURLs(at []orb.Point, on []int, days int, side float64) []string {
	urls := make([]string, len(at))
	for i, p := range at {
		from := incident.Day(on[i] - days/2)
		half := math.Round(side*500) / 1000
		mid := orb.Point{math.Trunc(p[0]*1000) / 1000, math.Trunc(p[1]*1000) / 1000}
		v := window{orb.Bound{Min: orb.Point{mid[0] - half, mid[1] - half}, Max: orb.Point{mid[0] + half, mid[1] + half}}, from, from + incident.Day(days) - 1}
		urls[i] = v.url(10_000)
	}
	return urls
}

// fit finds the side of boxes in which so many days have as many incidents as wanted.
func fit(addr string, at []orb.Point, on []int, days int) (side, found float64, err error) {
	low, high := 0.01, 16.0
	for range 12 {
		side = math.Sqrt(low * high)
		sum := 0
		for _, url := range windowURLs(at, on, days, side) {
			n, err := count(addr, url)
			if err != nil {
				return 0, 0, err
			}
			sum += n
		}
		found = float64(sum) / float64(len(at))
		switch {
		case math.Abs(found-growthFinds) < growthFinds/20:
			return side, found, nil
		case found < growthFinds:
			low = side
		default:
			high = side
		}
	}
	return side, found, nil
}
