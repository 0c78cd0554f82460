package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"sarhad/data/gpkg"
	"sarhad/data/index"
)

// loadedMeanwhile is how many incidents are loaded while others are asked for, as a share of those that are there.
const loadedMeanwhile = 0.3

// whileLoading compares how long answers take while another process loads into
// the store with how long they take when nothing happens. It works on a copy.
func whileLoading(w *world, store, dir string, seconds float64) error {
	work := filepath.Join(dir, "loading.gpkg")
	if err := copyStore(w, store, work); err != nil {
		return err
	}
	windows, err := windowsOf(work)
	if err != nil {
		return err
	}
	var urls []string
	for i := range windows.small {
		urls = append(urls, windows.small[i].url(1000))
	}
	ours, err := startChild("ours", work)
	if err != nil {
		return err
	}
	defer ours.stop()
	if err := ours.settled(); err != nil {
		return err
	}
	quiet, err := hammer(ours.addr, urls, seconds, nil)
	if err != nil {
		return err
	}
	rows := int(float64(windows.all) * loadedMeanwhile)
	loader, err := newChild("load", work, rows)
	if err != nil {
		return err
	}
	began := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = loader.cmd.Wait()
	}()
	busy, failed := hammer(ours.addr, urls, 0, done)
	<-done
	if err = errors.Join(err, failed); err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Printf("while %d incidents are loaded beside %d, which took %.0f s; %d answers\n", rows, windows.all, took.Seconds(), len(busy.took))
	// What came is read by the index then; the store answers meanwhile if it is much.
	settled := make(chan error, 1)
	done = make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(time.Second) // until it has seen that all is there
		settled <- ours.settled()
	}()
	after, err := hammer(ours.addr, urls, 0, done)
	if err = errors.Join(err, <-settled); err != nil {
		return err
	}
	for _, at := range []struct {
		name   string
		share  float64
		target string
	}{{"p50", .5, "-"}, {"p99", .99, "at most 5"}} {
		report("while loading, "+at.name, []float64{1000 * busy.at(at.share)}, []float64{1000 * quiet.at(at.share)}, "µs", at.target)
		if len(after.took) > 100 {
			report("then, until the index is there, "+at.name, []float64{1000 * after.at(at.share)}, []float64{1000 * quiet.at(at.share)}, "µs", "-")
		}
	}
	fmt.Printf("%-40s %s\n", "private memory after that", ours.memory())
	return nil
}

// copyStore copies a store and makes the index of the copy.
func copyStore(w *world, from, to string) error {
	st, err := gpkg.Open(context.Background(), from, gpkg.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	if err := errors.Join(st.Backup(context.Background(), to), st.Close()); err != nil {
		return err
	}
	if st, err = w.open(to); err != nil {
		return err
	}
	return errors.Join(index.Save(context.Background(), st, to+"-index"), st.Close())
}

// loadChild loads generated incidents into a store.
func loadChild(store string, rows int) error {
	w, err := newWorld()
	if err != nil {
		return err
	}
	file := store + ".more.csv"
	if err := generate(file, rows, 2); err != nil {
		return err
	}
	fmt.Println("loading")
	_, err = w.ingest(store, file, "meanwhile")
	return err
}
