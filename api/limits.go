package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"
)

// Limits bound what clients can take of a server. A field that is 0 has its default.
type Limits struct {
	// HeaderTimeout is how long the head of a request may take, 10 seconds by default.
	HeaderTimeout time.Duration
	// ReadTimeout is how long a body may take for each 64 bytes of its seconds: in a minute, the default, 3,840 bytes have to come.
	ReadTimeout time.Duration
	// WriteTimeout is how long a client may take to read a piece of an answer (about 64 kB), a minute by default.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may wait for its next request, 2 minutes by default.
	IdleTimeout time.Duration
	// AnswerTimeout is how long an answer may be worked on before any of it is ready, and again after each piece, 30
	// seconds by default. Then it ends with 503 or breaks off. It is to be less than WriteTimeout.
	AnswerTimeout time.Duration
	// Connections is how many may be open at a time, 1,000 by default. Beyond that the one that waits longest for a
	// request is closed, and if all are being answered a new one is refused.
	Connections int
	// Costly is how many costly answers (aggregates) are made at a time, by default four for each core and at
	// least 8. Four times as many exports may be sent at a time. Who waits for a turn longer than 5 seconds gets 503.
	Costly int
	// Rate is how many requests a second each client address may send for long; for a while it may be four times as many. 0 is
	// no limit. Of IPv6 the first 64 bits are the address.
	Rate float64
	// Proxies are the addresses whose X-Forwarded-For is believed when a client is told by its address.
	Proxies []netip.Prefix
}

func (l Limits) withDefaults() Limits {
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, 10*time.Second)
	l.ReadTimeout = cmp.Or(l.ReadTimeout, time.Minute)
	l.WriteTimeout = cmp.Or(l.WriteTimeout, defaultWriteTimeout)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 2*time.Minute)
	l.AnswerTimeout = cmp.Or(l.AnswerTimeout, 30*time.Second)
	l.Connections = cmp.Or(l.Connections, 1000)
	l.Costly = cmp.Or(l.Costly, max(8, 4*runtime.GOMAXPROCS(0)))
	return l
}

const (
	defaultWriteTimeout = time.Minute
	maxHeaderBytes      = 128 << 10 // a filter of maxFilter, each byte escaped as three, and 32 kB of all else
	leastBodyRate       = 64        // bytes a second of a body
	burstSeconds        = 4         // of Limits.Rate may be sent at once
	exportsPerCostly    = 4
)

// NewServer makes an HTTP server around a handler of [New], with limits for slow clients, large headers and many
// connections. What it refuses is counted where the handler counts. The address and the log of errors are left to the caller.
func NewServer(h http.Handler, l Limits) *http.Server {
	l = l.withDefaults()
	var m *metrics
	if own, ok := h.(*counted); ok {
		m = own.metrics
	}
	conns := newConnections(l.Connections, m)
	return &http.Server{
		Handler:           conns.busy(h),
		ConnState:         conns.state,
		ConnContext:       conns.context,
		ReadHeaderTimeout: l.HeaderTimeout,
		ReadTimeout:       l.ReadTimeout,
		WriteTimeout:      l.WriteTimeout,
		IdleTimeout:       l.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

// counted is a handler whose server counts with it.
type counted struct {
	http.Handler
	metrics *metrics
}

// busyError refuses a request that may come again later.
type busyError struct {
	status int
	detail string
	after  time.Duration // when it is worth trying again
}

func (e *busyError) Error() string { return e.detail }

// why is the limit, as the metric says it.
func (e *busyError) why() string {
	if e.status == http.StatusTooManyRequests {
		return refusedRate
	}
	return refusedCostly
}

// retryAfter writes a time for the header of that name: whole seconds, at least one.
func retryAfter(d time.Duration) string {
	return fmt.Sprint(max(1, int(math.Ceil(d.Seconds()))))
}

// allowWrite gives the next write its full time, and the work on what comes after it too.
func allowWrite(c echo.Context) {
	renew(c)
	d := defaultWriteTimeout
	if srv, ok := c.Request().Context().Value(http.ServerContextKey).(*http.Server); ok && srv.WriteTimeout > 0 {
		d = srv.WriteTimeout
	}
	// A deadline is a matter of the machine's clock, whatever s.Now says. A recorder in tests has none.
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(d))
}

const keyWork = "sarhad.work"

// work ends an answer that gets no further.
type work struct {
	timer *time.Timer
	limit time.Duration
}

// renew says that an answer got further.
func renew(c echo.Context) {
	if w, ok := c.Get(keyWork).(*work); ok {
		w.timer.Reset(w.limit)
	}
}

// limited ends the work on an answer of which nothing comes for too long.
func (s *server) limited(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		ctx, cancel := context.WithCancelCause(r.Context())
		w := &work{limit: s.limits.AnswerTimeout}
		w.timer = time.AfterFunc(w.limit, func() { cancel(context.DeadlineExceeded) })
		defer func() {
			w.timer.Stop()
			cancel(nil)
			c.SetRequest(r) // whose context still says whether the client is there
		}()
		c.Set(keyWork, w)
		c.SetRequest(r.WithContext(ctx))
		err := next(c)
		if err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			return fmt.Errorf("answer in %v: %w", w.limit, context.DeadlineExceeded) // whatever the store made of it
		}
		return err
	}
}

// costlyWait is how long a costly answer waits for its turn.
const costlyWait = 5 * time.Second

// turns bound how many answers of a kind are made at a time.
type turns struct {
	slots chan struct{}
	wait  time.Duration
	what  string // for the message
}

func newTurns(n int, what string) *turns {
	return &turns{make(chan struct{}, n), costlyWait, what}
}

// take waits for a turn, which leave ends.
func (t *turns) take(ctx context.Context) (leave func(), err error) {
	leave = func() { <-t.slots }
	select {
	case t.slots <- struct{}{}:
		return leave, nil
	default:
	}
	timer := time.NewTimer(t.wait)
	defer timer.Stop()
	select {
	case t.slots <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, &busyError{http.StatusServiceUnavailable, fmt.Sprintf("%d %s are being made for others now; try again later.", cap(t.slots), t.what), costlyWait}
	}
}

// costly gives an answer to GET its turn.
func (s *server) costly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().Method != http.MethodGet {
			return next(c)
		}
		leave, err := s.answerTurns.take(c.Request().Context())
		if err != nil {
			return err
		}
		defer leave()
		return next(c)
	}
}

// clientAddress is the address of who sent a request, not valid if there is none. Behind trusted proxies it is the last one
// in X-Forwarded-For that is not theirs.
func (s *server) clientAddress(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	if len(s.limits.Proxies) == 0 || !s.isProxy(addr) {
		return addr
	}
	given := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, text := range slices.Backward(given) {
		next, err := netip.ParseAddr(strings.TrimSpace(text))
		if err != nil {
			break // what stands before it was written by who knows whom
		}
		addr = next.Unmap().WithZone("")
		if !s.isProxy(addr) {
			break
		}
	}
	return addr
}

func (s *server) isProxy(a netip.Addr) bool {
	return slices.ContainsFunc(s.limits.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// maxBuckets is how many addresses are told apart, each for about 200 bytes; of more, those not seen for longest begin anew.
const maxBuckets = 20_000

// buckets hold a token bucket for each client address.
type buckets struct {
	rate  rate.Limit
	burst int

	mu       sync.Mutex
	now, old map[netip.Addr]*rate.Limiter // old has those that were not seen since now was begun
}

// newBuckets gives nil for no limit.
func newBuckets(perSecond float64) *buckets {
	if perSecond <= 0 {
		return nil
	}
	return &buckets{rate: rate.Limit(perSecond), burst: max(1, int(math.Ceil(burstSeconds*perSecond))), now: map[netip.Addr]*rate.Limiter{}}
}

// take gives 0 if a request may be answered, else after how long the next may come.
func (b *buckets) take(addr netip.Addr, at time.Time) time.Duration {
	if addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			addr = p.Addr()
		}
	}
	b.mu.Lock()
	l := b.now[addr]
	if l == nil {
		if l = b.old[addr]; l == nil {
			l = rate.NewLimiter(b.rate, b.burst)
		}
		if len(b.now) >= maxBuckets/2 {
			b.now, b.old = map[netip.Addr]*rate.Limiter{}, b.now
		}
		b.now[addr] = l
	}
	b.mu.Unlock()
	if l.AllowN(at, 1) {
		return 0
	}
	return time.Duration((1 - l.TokensAt(at)) / float64(b.rate) * float64(time.Second))
}

// admit refuses a client that asks too often. Probes are always answered.
func (s *server) admit(c echo.Context) error {
	if s.buckets == nil || isProbe(c.Path()) {
		return nil
	}
	wait := s.buckets.take(s.clientAddress(c.Request()), s.Now())
	if wait == 0 {
		return nil
	}
	return &busyError{http.StatusTooManyRequests, fmt.Sprintf("Too many requests from one address: at most %g a second are answered for long.", s.limits.Rate), wait}
}
