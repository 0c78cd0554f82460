package api

import (
	"container/list"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// connections bound how many clients are connected. A connection that is not being answered costs a few kilobytes and
// waits for its client: when there are too many, the one that has waited longest gives way, so that those who hold many and
// say nothing, or say it slowly, keep nobody out.
type connections struct {
	max     int
	metrics *metrics

	mu      sync.Mutex
	all     map[net.Conn]*connection
	waiting list.List // of *connection, the one that waits longest is in front
}

type connection struct {
	conn net.Conn
	at   *list.Element // in waiting; nil while a request is answered
}

type connectionKey struct{}

func newConnections(most int, m *metrics) *connections {
	return &connections{max: most, metrics: m, all: map[net.Conn]*connection{}}
}

// state is told by the server what becomes of a connection.
func (l *connections) state(conn net.Conn, to http.ConnState) {
	switch to {
	case http.StateNew:
		l.enter(conn)
	case http.StateClosed, http.StateHijacked:
		l.leave(conn)
	}
}

func (l *connections) enter(conn net.Conn) {
	l.mu.Lock()
	var away net.Conn
	refused := false
	if len(l.all) >= l.max {
		if oldest := l.waiting.Front(); oldest != nil {
			away = oldest.Value.(*connection).conn
			l.remove(away)
		} else {
			refused = true
		}
	}
	if !refused {
		one := &connection{conn: conn}
		one.at = l.waiting.PushBack(one)
		l.all[conn] = one
	}
	l.mu.Unlock()
	if away != nil {
		_ = away.Close() // it may be closed already
	}
	if refused {
		l.metrics.refuse(refusedConnections)
		refuse(conn)
	}
}

// refuse tells a client that there is no room for it, if it listens.
func refuse(conn net.Conn) {
	const body = `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"Too many connections are being answered now; try again later."}` + "\n"
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = io.WriteString(conn, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: "+mediaProblem+"\r\nContent-Length: "+strconv.Itoa(len(body))+
		"\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"+body)
	_ = conn.Close()
}

func (l *connections) leave(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remove(conn)
}

func (l *connections) remove(conn net.Conn) {
	one := l.all[conn]
	if one == nil {
		return
	}
	delete(l.all, conn)
	if one.at != nil {
		l.waiting.Remove(one.at)
		one.at = nil
	}
}

// context makes the connection known to its requests. It is called before the connection is told to be new.
func (l *connections) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// busy keeps the connection of a request from giving way while it is answered.
func (l *connections) busy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _ := r.Context().Value(connectionKey{}).(net.Conn)
		l.mu.Lock()
		one := l.all[conn]
		if one == nil { // it gave way already
			l.mu.Unlock()
			next.ServeHTTP(w, r)
			return
		}
		if one.at != nil {
			l.waiting.Remove(one.at)
			one.at = nil
		}
		l.mu.Unlock()
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.all[one.conn] == one {
				one.at = l.waiting.PushBack(one)
			}
		}()
		next.ServeHTTP(w, r)
	})
}
