package main

import (
	"fmt"

	"sarhad/data/postgis/pgtest"
)

// startServers starts a PostgreSQL and standbys that follow it by streaming. end stops those that were started, also after an
// error. fill, if it is not nil, is called with the first before it is copied.
func startServers(standbys int, fill func(*pgtest.Server) error) (servers []*pgtest.Server, end func(), err error) {
	end = func() {
		for i := len(servers) - 1; i >= 0; i-- {
			servers[i].Stop()
		}
	}
	first, err := pgtest.Start()
	if err != nil {
		return nil, end, fmt.Errorf("start a database: %w", err)
	}
	servers = append(servers, first)
	if fill != nil {
		if err := fill(first); err != nil {
			return servers, end, err
		}
	}
	for range standbys {
		s, err := first.Standby()
		if err != nil {
			return servers, end, fmt.Errorf("start a standby: %w", err)
		}
		servers = append(servers, s)
	}
	return servers, end, nil
}
