package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Listener is one door: an open port and what answers there.
type Listener struct {
	Name    string // the role, for messages
	L       net.Listener
	Handler http.Handler // behind Guard already
	Log     *slog.Logger // of the server itself; may be nil
}

// Listen opens addr for the role name. An occupied port is said to be one.
func Listen(ctx context.Context, name, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("httpd: the port %s of %s is in use by another program: %w", addr, name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("httpd: listen for %s: %w", name, err)
	}
	return l, nil
}

// graceful is how long answers under way may take after the end was asked for.
const graceful = 5 * time.Second

type closingKey struct{}

// Closing is closed when the server stops taking requests: what waits for news (the
// change feed) answers then. Outside a server it is nil and never closes.
func Closing(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(closingKey{}).(chan struct{})
	return c
}

// Serve answers on all listeners until ctx ends or one of them fails, then lets
// what is under way finish for five seconds. It closes the listeners, and at once the
// connections on which nothing was asked yet. The end of ctx is no error.
func Serve(ctx context.Context, listeners ...Listener) error {
	closing := make(chan struct{})
	base := context.WithValue(context.WithoutCancel(ctx), closingKey{}, closing)
	group, ctx := errgroup.WithContext(ctx)
	var servers []*http.Server
	ahead := unused{conns: map[net.Conn]bool{}}
	for _, l := range listeners {
		s := &http.Server{
			Handler:           l.Handler,
			ReadHeaderTimeout: 5 * time.Second,
			ReadTimeout:       30 * time.Second,
			WriteTimeout:      60 * time.Second, // streams push their own deadline on
			IdleTimeout:       120 * time.Second,
			MaxHeaderBytes:    32 << 10,
			BaseContext:       func(net.Listener) context.Context { return base },
			ConnState:         ahead.note,
			ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		}
		if l.Log != nil {
			s.ErrorLog = slog.NewLogLogger(l.Log.Handler(), slog.LevelWarn)
		}
		servers = append(servers, s)
		group.Go(func() error {
			if err := s.Serve(erasing{l.L}); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("httpd: serve %s: %w", l.Name, err)
			}
			return nil
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		close(closing)
		end, cancel := context.WithTimeout(base, graceful)
		defer cancel()
		time.AfterFunc(onItsWay, ahead.close)
		var ends errgroup.Group
		for _, s := range servers {
			ends.Go(func() error {
				if s.Shutdown(end) != nil {
					s.Close() // five seconds were not enough; clients repeat under the same id
				}
				return nil
			})
		}
		return ends.Wait()
	})
	return group.Wait()
}

// onItsWay is how long after the end was asked for a first request may still arrive on
// a connection.
const onItsWay = 100 * time.Millisecond

// unused are the connections on which nothing was asked yet. Browsers and clients open
// some ahead; Server.Shutdown would wait five seconds for each to ask.
type unused struct {
	mu    sync.Mutex // guards what follows
	conns map[net.Conn]bool
	over  bool
}

// note is for http.Server.ConnState.
func (u *unused) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.conns, c)
	case u.over:
		c.Close()
	default:
		u.conns[c] = true
	}
}

// close closes them, and those to come.
func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = true
	for c := range u.conns {
		c.Close()
	}
}
