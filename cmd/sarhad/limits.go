package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sarhad/api"
)

// limitFlag says how much clients may take of a server.
type limitFlag struct {
	RateLimit      requestRate     `help:"Requests that each client address may send for long, for example 50/s or 600/m; off for none. Unless given: off on loopback, else 100/s." placeholder:"N/s"`
	TrustedProxy   []addressPrefix `help:"Address or network of a proxy whose X-Forwarded-For is believed; may be repeated." placeholder:"CIDR"`
	MaxConnections int             `help:"Connections that may be open; beyond that the one that waits longest is closed." default:"1000" placeholder:"N"`
	MaxCostly      int             `help:"Counts (/aggregates) made at a time, and four times as many exports; 0 for four to a core." default:"0" placeholder:"N"`
	HeaderTimeout  time.Duration   `help:"Time for the head of a request." default:"10s" placeholder:"TIME"`
	ReadTimeout    time.Duration   `help:"Time in which 64 bytes a second of a body have to come." default:"1m" placeholder:"TIME"`
	WriteTimeout   time.Duration   `help:"Time for a client to read a piece (64 kB) of an answer." default:"1m" placeholder:"TIME"`
	IdleTimeout    time.Duration   `help:"Time that a connection may wait for its next request." default:"2m" placeholder:"TIME"`
	AnswerTimeout  time.Duration   `help:"Time to work on an answer before its first piece is ready, and between pieces." default:"30s" placeholder:"TIME"`
}

// defaultRate is the limit where others than this machine can ask, in requests a second.
const defaultRate = 100

// limits checks what is given; listen decides whether the rate is limited unless it is said.
func (f *limitFlag) limits(listen string) (api.Limits, error) {
	l := api.Limits{HeaderTimeout: f.HeaderTimeout, ReadTimeout: f.ReadTimeout, WriteTimeout: f.WriteTimeout, IdleTimeout: f.IdleTimeout, AnswerTimeout: f.AnswerTimeout,
		Connections: f.MaxConnections, Costly: f.MaxCostly, Rate: f.RateLimit.perSecond}
	for name, d := range map[string]time.Duration{"--header-timeout": f.HeaderTimeout, "--read-timeout": f.ReadTimeout, "--write-timeout": f.WriteTimeout, "--idle-timeout": f.IdleTimeout, "--answer-timeout": f.AnswerTimeout} {
		if d <= 0 {
			return l, fmt.Errorf("%s takes a time above 0, for example 30s", name)
		}
	}
	switch {
	case f.AnswerTimeout >= f.WriteTimeout:
		return l, errors.New("--answer-timeout is to be less than --write-timeout, so that there is time to say that it is over")
	case f.MaxConnections < 1:
		return l, errors.New("--max-connections takes a number from 1 on")
	case f.MaxCostly < 0:
		return l, errors.New("--max-costly takes a number that is not negative")
	}
	if !f.RateLimit.given && !onLoopback(listen) {
		l.Rate = defaultRate
	}
	for _, p := range f.TrustedProxy {
		l.Proxies = append(l.Proxies, p.Prefix)
	}
	return l, nil
}

// onLoopback reports whether only this machine can reach an address.
func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// requestRate is a number of requests for a time, written like "50/s".
type requestRate struct {
	perSecond float64
	given     bool
}

// UnmarshalText reads a rate; off or 0 is none.
func (r *requestRate) UnmarshalText(text []byte) error {
	s := strings.ToLower(strings.TrimSpace(string(text)))
	r.given = true
	if s == "off" || s == "0" {
		return nil
	}
	number, unit, _ := strings.Cut(s, "/")
	seconds := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || seconds == 0 || !(n/seconds >= 1e-3 && n <= 1e9) {
		return fmt.Errorf("%q is not a rate; write 50/s, 600/m or off", s)
	}
	r.perSecond = n / seconds
	return nil
}

// addressPrefix is a network, or one address.
type addressPrefix struct{ netip.Prefix }

// UnmarshalText reads a network like 10.0.0.0/8 or an address.
func (p *addressPrefix) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		p.Prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is not a network; write 10.0.0.0/8 or 127.0.0.1", s)
	}
	p.Prefix = prefix.Masked()
	return nil
}
