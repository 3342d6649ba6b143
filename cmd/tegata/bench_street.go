package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tegata/internal/clock"
	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/sandbox"
)

// benchStreet is a neighbourhood with one resident, made and run as `up` does, but
// without a trace: production has none. Issuer and verifier stand behind
// stopwatches.
type benchStreet struct {
	n        *neighbourhood
	resident sandbox.Person
	client   *http.Client
	phones   int    // made so far
	phone    string // the last one that was registered
	lockCode string // of that one

	issuer, verifier *stopwatch

	stop  context.CancelFunc
	ended chan error
}

func (b *bench) openStreet(ctx context.Context) (*benchStreet, error) {
	if b.street != nil {
		return b.street, nil
	}
	dir, err := b.folder("street")
	if err != nil {
		return nil, err
	}
	listen, err := benchPorts(ctx)
	if err != nil {
		return nil, err
	}
	s, err := createSettings(dir, listen)
	if err != nil {
		return nil, err
	}
	if _, err := clock.Create(filepath.Join(dir, clockFile), durable.Files{}, time.Now()); err != nil {
		return nil, err
	}
	n, err := b.build.openNeighbourhood(ctx, dir, s)
	if err != nil {
		return nil, err
	}
	n.sender = nil // nobody looks on
	st := &benchStreet{n: n, client: httpd.Client(30 * time.Second), ended: make(chan error, 1),
		issuer:   &stopwatch{keep: "POST /v1/enrolments", commits: func() int { return b.commits.of("issuer") }},
		verifier: &stopwatch{commits: func() int { return b.commits.of("verifier") }},
	}
	ctx, st.stop = context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return httpd.Serve(ctx, n.listeners...) })
	made := make(chan error, 1)
	group.Go(func() error {
		err := st.make(ctx, func() { group.Go(func() error { return n.follow(ctx) }) })
		made <- err
		return err
	})
	go func() { st.ended <- errors.Join(group.Wait(), n.Close()) }()
	b.street = st
	return st, <-made
}

// make makes the resident and her card, and puts the stopwatches before the doors.
func (s *benchStreet) make(ctx context.Context, follow func()) error {
	n := s.n
	if err := n.buildVouchers(ctx); err != nil {
		return err
	}
	if err := n.buildRest(ctx); err != nil {
		return err
	}
	follow()
	if err := n.verifier.wait(ctx); err != nil {
		return err
	}
	_, people, err := sandbox.People()
	if err != nil {
		return err
	}
	for _, p := range people {
		if p.First {
			s.resident = p
		}
	}
	maker := sandbox.Maker{Municipality: n.settings.machine("municipality"), Token: n.token, Client: s.client}
	if err := maker.Person(ctx, s.resident); err != nil {
		return err
	}
	n.open("issuer", s.issuer.before(n.guarded(n.settings, "issuer", n.issuer.metrics, n.issuer.sandboxRoutes(n.token))))
	n.open("verifier", s.verifier.before(n.verifier.doors(n.settings, func(h http.Handler) http.Handler { return n.settings.ownName("verifier", h) },
		n.guardedDocuments(n.settings, n.verifier.metrics, n.verifier.routes()))))
	return nil
}

func (s *benchStreet) close() error {
	s.stop()
	err := <-s.ended
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// post calls a role's door with the operator's token.
func (s *benchStreet) post(ctx context.Context, role, path string, in, out any) error {
	return httpd.PostJSON(ctx, s.client, s.n.settings.machine(role)+path, in, out, s.n.token.Bearer())
}

// holdCard holds the resident's card to a reader until away is called.
func (s *benchStreet) holdCard(ctx context.Context, reader string) (away func() error, err error) {
	tap := "/v1/cards/" + s.resident.ID + "/tap"
	if err := s.post(ctx, "cards", tap, map[string]string{"reader": reader}, nil); err != nil {
		return nil, err
	}
	return func() error {
		_, _, err := httpd.Exchange(ctx, s.client, http.MethodDelete, s.n.settings.machine("cards")+tap, nil, s.n.token.Bearer())
		return err
	}, nil
}

// benchPorts finds ports for all roles beside each other.
func benchPorts(ctx context.Context) (string, error) {
	for range 100 {
		l, err := httpd.Listen(ctx, "bench", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		base := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if base > 65535-20 || !allFree(ctx, base) {
			continue
		}
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(base)), nil
	}
	return "", errors.New("bench: no free ports beside each other on 127.0.0.1")
}

func allFree(ctx context.Context, base int) bool {
	for _, d := range doors() {
		l, err := httpd.Listen(ctx, d.role, net.JoinHostPort("127.0.0.1", strconv.Itoa(base+d.offset)))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// A stopwatch adds up how long a role's handlers work, by method and path, and what
// they use meanwhile. One call is made at a time, so that hardly anybody else works.
type stopwatch struct {
	keep    string     // bodies of calls that begin with this are kept; "" keeps none
	commits func() int // of the role's database so far

	mu     sync.Mutex // guards all below
	laps   []lap
	bodies [][]byte
}

type lap struct {
	call      string // "POST /v1/requests"
	took      time.Duration
	processor time.Duration // of the whole process
	allocated float64       // KiB, likewise; exact only in the mean of many
	commits   int           // of the role's database
}

// begin notes where the counters stand, and returns what they went on by.
func (s *stopwatch) begin(call string) func() lap {
	commits, allocated, processor, began := s.commits(), allocatedKiB(), processorTime(), time.Now()
	return func() lap {
		return lap{call, time.Since(began), processorTime() - processor, allocatedKiB() - allocated, s.commits() - commits}
	}
}

// plus adds up laps.
func (l lap) plus(m lap) lap {
	return lap{l.call, l.took + m.took, l.processor + m.processor, l.allocated + m.allocated, l.commits + m.commits}
}

// without takes away what another role did within.
func (l lap) without(m lap) lap {
	return lap{l.call, l.took - m.took, l.processor - m.processor, l.allocated - m.allocated, l.commits}
}

// allocatedKiB is what this process has allocated so far. Unlike ReadMemStats it
// stops nobody.
func allocatedKiB() float64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return float64(sample[0].Value.Uint64()) / 1024
}

func (s *stopwatch) before(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := r.Method + " " + r.URL.Path
		var body []byte
		if s.keep != "" && strings.HasPrefix(call, s.keep) {
			var err error
			if body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, 256<<10)); err != nil {
				httpd.WriteProblem(w, r, err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		end := s.begin(call)
		h.ServeHTTP(w, r)
		l := end()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.laps = append(s.laps, l)
		if body != nil {
			s.bodies = append(s.bodies, body)
		}
	})
}

// forget begins again at zero.
func (s *stopwatch) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.laps, s.bodies = nil, nil
}

// kept returns the bodies and forgets them.
func (s *stopwatch) kept() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.bodies = nil }()
	return s.bodies
}

// read returns the sum of the calls that begin with one of prefixes, and begins
// again at zero. An answer may be with its asker a moment before its handler ends,
// so it waits until there are as many as expected.
func (s *stopwatch) read(ctx context.Context, calls int, prefixes ...string) (lap, error) {
	for deadline := time.Now().Add(2 * time.Second); ; {
		sum, n := s.sum(prefixes)
		switch {
		case n == calls:
			s.forget()
			return sum, nil
		case n > calls || time.Now().After(deadline):
			return lap{}, fmt.Errorf("bench: %d calls of %s, not %d", n, strings.Join(prefixes, ", "), calls)
		}
		select {
		case <-ctx.Done():
			return lap{}, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

func (s *stopwatch) sum(prefixes []string) (sum lap, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.laps {
		for _, p := range prefixes {
			if strings.HasPrefix(l.call, p) {
				sum = sum.plus(l)
				n++
			}
		}
	}
	return sum, n
}
