package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sarhad/data/replicas"
	"sarhad/incident"
)

// readFlag says where a server reads.
type readFlag struct {
	ReadStore []string `help:"Read from this replica of the database, and only write to --store. Can be given again; they take turns, and one that fails or lags behind is left out." placeholder:"postgres://…" sep:"none"`
}

// openReader opens the replicas of a store, if there are any, and gives what
// answers questions: they or the store. end closes them.
func (f *readFlag) openReader(e *env, st store) (reader incident.Reader, end func(), err error) {
	if len(f.ReadStore) == 0 {
		return st, func() {}, nil
	}
	primary, ok := st.(replicas.Source)
	if !ok {
		return nil, nil, incident.Errorf(incident.CodeInvalid, "--read-store goes with a database as --store: a file has no replicas")
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(e.ctx))
	var running sync.WaitGroup
	var copies []replicas.Copy
	var opened []store
	end = func() {
		stop()
		running.Wait()
		for _, st := range opened {
			_ = st.Close() // it was only read
		}
	}
	for _, text := range f.ReadStore {
		at := addressOf(text)
		st, err := openReplica(e, at)
		if err != nil {
			end()
			return nil, nil, fmt.Errorf("open the replica %s: %w", at, err)
		}
		opened = append(opened, st)
		source, ok := st.(replicas.Source)
		if !ok {
			end()
			return nil, nil, incident.Errorf(incident.CodeInvalid, "--read-store takes a replica of the database of --store; %s is none", at)
		}
		copies = append(copies, replicas.Copy{Source: source, Name: at.String()})
	}
	r := replicas.New(primary, copies, e.log)
	running.Go(func() { r.Run(ctx) })
	return r, end, nil
}

// replicaTime is how long a replica may take to get tables that were just made.
const replicaTime = 10 * time.Second

// openReplica opens a replica, which may be a little behind.
func openReplica(e *env, at address) (store, error) {
	for end := time.Now().Add(replicaTime); ; {
		st, err := at.open(e, storeOptions{readOnly: true})
		code := incident.CodeOf(err)
		if code != incident.CodeNotFound && code != incident.CodeUnavailable || time.Now().After(end) {
			return st, err
		}
		select {
		case <-e.ctx.Done():
			return nil, e.ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
