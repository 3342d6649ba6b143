package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tegata/internal/attest"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/trace"
	"tegata/issuer/profile"
	"tegata/sandbox"
	"tegata/services/street"
	"tegata/verifier/gateway"
)

// neighbourhood is every role of a sandbox in one process: rooms and doors of
// their own, and nothing between them but URLs and keys.
type neighbourhood struct {
	build
	dir      string
	settings settings
	clock    *clock.Clock
	token    httpd.OperatorToken
	secrets  *sandbox.Secrets
	maker    attest.Maker
	sender   *street.Sender
	street   *street.Handler
	progress progress

	doors     map[string]*opening
	listeners []httpd.Listener

	issuer       *issuer
	verifier     *verifier
	municipality *municipalityRole
	cards        *cardsRole
	phones       *phoneRole
	portal       *portalRole
	helpdesk     *helpdeskRole
	pay          *payRole
	bank         *bankRole
	carrier      *carrierRole
	streetRoom   *room

	closers []io.Closer // in the order in which they were opened

	mu        sync.Mutex // guards work and byThemselves
	work      []clock.Work
	answering sync.Mutex // held while a resident who answers by itself is made
	// byThemselves are the residents who answer by themselves and exist by now.
	byThemselves []string
}

// openNeighbourhood reads what the directory holds, takes the ports and builds
// the street, so that the start page can answer before anything else is made.
func (b build) openNeighbourhood(ctx context.Context, dir string, s settings) (*neighbourhood, error) {
	b.making = !s.Made
	n := &neighbourhood{build: b, dir: dir, settings: s, doors: map[string]*opening{}}
	var err error
	if n.token, err = operatorTokenOf(b, dir); err != nil {
		return nil, err
	}
	if n.secrets, err = sandbox.OpenSecrets(filepath.Join(dir, sandboxSecrets), b.files); err != nil {
		return nil, err
	}
	if n.clock, err = n.openClock(); err != nil {
		return nil, err
	}
	if n.byThemselves, err = openAnswering(dir); err != nil {
		return nil, err
	}
	if err := n.listen(ctx); err != nil {
		return nil, err
	}
	if err := n.buildStreet(ctx); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// openClock opens the clock; a sandbox in the making begins years ago, so that
// what takes years in life has taken them.
func (n *neighbourhood) openClock() (*clock.Clock, error) {
	path := filepath.Join(n.dir, clockFile)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) && n.making {
		return clock.Create(path, n.files, time.Now().AddDate(-sandbox.YearsAgo(), 0, 0))
	}
	return clock.Open(path, n.files)
}

// operatorTokenOf reads the operator's token, or draws it.
func operatorTokenOf(b build, dir string) (token httpd.OperatorToken, err error) {
	path := filepath.Join(dir, operatorToken)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && b.making {
		token = httpd.NewOperatorToken()
		token.Reveal(func(text []byte) { err = b.files.WriteFile(path, append(text, '\n'), 0o600) })
		return token, err
	}
	if err != nil {
		return httpd.OperatorToken{}, err
	}
	return httpd.ParseOperatorToken(string(text))
}

// listen takes every port at once: an occupied one is named before anything is
// made.
func (n *neighbourhood) listen(ctx context.Context) error {
	for _, d := range doors() {
		l, err := httpd.Listen(ctx, d.role, n.settings.listenAt(d.role))
		if err != nil {
			return errors.Join(usagef("%v; stop that program, or make another sandbox with `tegata init -data DIR -listen HOST:PORT`", err), n.Close())
		}
		o := &opening{}
		n.doors[d.role] = o
		n.listeners = append(n.listeners, httpd.Listener{Name: d.role, L: l, Handler: o, Log: n.log})
	}
	return nil
}

// open lets callers in to a role that is built.
func (n *neighbourhood) open(role string, h http.Handler) {
	n.doors[role].set(h)
}

// guarded is the handler of a role without pages behind the checks that every door
// has.
func (b build) guarded(at places, role string, m *httpd.Metrics, h http.Handler) http.Handler {
	return httpd.Guard(httpd.GuardOptions{Names: at.names(role), MaxBody: 256 << 10, Log: b.log.With("role", role), Metrics: m}, h)
}

// site is what the sandbox tells a role of the world, as far as it is made.
func (n *neighbourhood) site() site {
	at := site{places: n.settings, base: n.dir, arc: n.settings.operator().Arc, sandbox: true, now: n.clock.Now, sink: n.sink(), openID: openidName}
	if n.issuer == nil {
		return at
	}
	for _, i := range n.issuer.ca.Issuers() {
		at.anchors = append(at.anchors, gateway.Anchor{Kind: i.Kind, Label: i.Label(), Certificate: i.Certificate})
	}
	at.certify = func(ctx context.Context, r *room, label string, party profile.Party) (identity, error) {
		return certify(ctx, n.issuer.ca, r, label, party, n.clock.Now())
	}
	return at
}

// sink is where a role notes what happened: over HTTP at the street. nil when
// nobody looks on.
func (n *neighbourhood) sink() trace.Sink {
	if n.sender == nil {
		return nil
	}
	return n.sender.Sink()
}

// works is all timed work of the roles that are open.
func (n *neighbourhood) works() []clock.Work {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]clock.Work(nil), n.work...)
}

func (n *neighbourhood) addWork(w ...clock.Work) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.work = append(n.work, w...)
}

// run serves until ctx ends. ready is called once everybody is made.
func (n *neighbourhood) run(ctx context.Context, ready func()) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return httpd.Serve(ctx, n.listeners...) })
	group.Go(func() error { return n.sender.Run(ctx) })
	group.Go(func() error {
		follow := func() { group.Go(func() error { return n.follow(ctx) }) }
		if err := n.make(ctx, follow); err != nil {
			if ctx.Err() != nil { // stopped by a person; making goes on next time
				return nil
			}
			n.progress.fail(err)
			return err
		}
		ready()
		return nil
	})
	group.Go(func() error { return keepTime(ctx, n.log, n.clock, n.works) })
	err := group.Wait()
	return errors.Join(err, n.Close())
}

// follow has the verifier follow the issuer, and the portal the verifier, until ctx
// ends.
func (n *neighbourhood) follow(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.verifier.run(ctx) })
	group.Go(func() error {
		if err := n.verifier.wait(ctx); err != nil {
			return nil // it ends before it began
		}
		return n.portal.core.Follow(ctx)
	})
	group.Go(func() error { return n.portal.core.RunPush(ctx, pushEvery) })
	group.Go(func() error { return n.portal.core.RunReports(ctx, reportEvery) })
	return group.Wait()
}

// keepTime does what falls due, once a second while the clock is not being walked.
func keepTime(ctx context.Context, log *slog.Logger, c *clock.Clock, works func() []clock.Work) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := c.AdvanceThrough(ctx, 0, works()...); err != nil && ctx.Err() == nil {
			log.Error("due work failed; it is tried again", "error", err)
		}
	}
}

// Close closes what is open.
func (n *neighbourhood) Close() error {
	var errs []error
	if n.street != nil {
		n.street.Close()
	}
	for _, l := range n.listeners {
		l.L.Close()
	}
	for i := len(n.closers) - 1; i >= 0; i-- {
		errs = append(errs, n.closers[i].Close())
	}
	return errors.Join(errs...)
}

// fullClock is the street's clock: a walk ends when the verifier has heard of the
// new time too.
type fullClock struct{ n *neighbourhood }

func (c fullClock) Now() time.Time        { return c.n.clock.Now() }
func (c fullClock) Offset() time.Duration { return c.n.clock.Offset() }

func (c fullClock) Advance(ctx context.Context, d time.Duration) error {
	if err := c.n.clock.AdvanceThrough(ctx, d, c.n.works()...); err != nil {
		return fmt.Errorf("advance the clock: %w", err)
	}
	if c.n.verifier == nil {
		return nil
	}
	return c.n.verifier.wait(ctx)
}
