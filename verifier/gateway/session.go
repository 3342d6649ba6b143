package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// Limits of what is told about sessions.
const (
	sessionLife = 12 * time.Hour   // the longest that a party may keep a session on one login
	lookAgain   = 30 * time.Second // every watched certificate is looked up this often, whatever the feed said
	pollWait    = 10 * time.Second // an empty answer to a poll at the latest after this
	pollLook    = time.Second      // another instance over the same store may have ended a session
	maxEvents   = 100              // in one answer
)

// Session is a login for which its party may have kept a session.
type Session struct {
	ID          string // told to the party in its result
	Party       string
	Certificate CertificateName // that answered
	Until       time.Time       // nobody keeps it longer
}

// CertificateName names a certificate as the change feed does.
type CertificateName struct {
	Authority string // "phone-auth", "phone-auth-2"
	Serial    string // lower-case hex
}

// Event is one signed event that waits for its party.
type Event struct {
	ID    string // jti
	SET   string // compact JWS
	Until time.Time
}

// A watch is what may have changed since the sessions were last looked at.
type watch struct {
	mu    sync.Mutex // guards all below
	named map[CertificateName]bool
	all   bool
	wake  chan struct{} // holds one call
	bell  chan struct{} // closed, and replaced, when there is an event
}

func newWatch() *watch {
	return &watch{named: map[CertificateName]bool{}, all: true, wake: make(chan struct{}, 1), bell: make(chan struct{})}
}

// Changed takes note of a batch of the feed: sessions that stand on certificates
// which are no longer good end. It does not wait.
func (g *Gateway) Changed(b feed.Batch) {
	w := g.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if b.Snapshot && !b.More {
		w.all = true
	}
	for _, e := range b.Entries {
		if !b.Snapshot && e.Status != feed.Good {
			w.named[CertificateName{e.Authority, e.Serial}] = true
		}
	}
	if w.all || len(w.named) > 0 {
		w.call()
	}
}

func (w *watch) call() {
	select {
	case w.wake <- struct{}{}:
	default: // called already
	}
}

// take empties the watch; put gives back what could not be done.
func (w *watch) take() (all bool, named map[CertificateName]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all, named = w.all, w.named
	w.all, w.named = false, map[CertificateName]bool{}
	return all, named
}

func (w *watch) put(all bool, named map[CertificateName]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = w.all || all
	for n := range named {
		w.named[n] = true
	}
}

// ring tells everybody who waits for events.
func (w *watch) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.bell)
	w.bell = make(chan struct{})
}

func (w *watch) next() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.bell
}

// WatchSessions ends the sessions of certificates that are no longer good, until ctx
// ends: at once when the feed says so, and every lookAgain for what it did not say.
// What fails is tried again.
func (g *Gateway) WatchSessions(ctx context.Context) error {
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		var later <-chan time.Time
		all, named := g.watch.take()
		if err := g.endSessions(ctx, all, named); err != nil && ctx.Err() == nil {
			g.c.Log.WarnContext(ctx, "sessions of certificates that are no longer good have not ended yet", "error", err)
			g.watch.put(all, named)
			later = time.After(time.Second)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-g.watch.wake:
		case <-later:
		case <-tick.C:
			g.watch.put(true, nil)
		}
	}
}

func (g *Gateway) endSessions(ctx context.Context, all bool, named map[CertificateName]bool) error {
	if all {
		watched, err := g.c.Store.Watched(ctx)
		if err != nil {
			return err
		}
		for _, n := range watched {
			named[n] = true
		}
	}
	var errs []error
	for n := range named {
		errs = append(errs, g.endSessionsOf(ctx, n))
	}
	return errors.Join(errs...)
}

// endSessionsOf ends the sessions that stand on a certificate, if that is no longer
// good. A status that cannot be learned ends nothing: a party that hears nothing for
// too long asks no more of this verifier anyway.
func (g *Gateway) endSessionsOf(ctx context.Context, n CertificateName) error {
	at := g.c.Now()
	sessions, err := g.c.Store.SessionsOf(ctx, n)
	if err != nil || len(sessions) == 0 {
		return err
	}
	state, err := g.stateOf(n, at)
	if err != nil || state == "" {
		return err
	}
	for _, s := range sessions {
		event := ceremony.NewSecurityEvent(g.c.ID, s.Party, s.ID, state, at)
		set, err := ceremony.SignSecurityEvent(g.c.Sign.Signer, g.c.Sign.Chain, event)
		if err != nil {
			return fmt.Errorf("gateway: session: %w", err)
		}
		err = g.c.Store.EndSession(ctx, s, Event{event.ID, set, s.Until}, at)
		if errors.Is(err, ErrUsed) {
			continue // another instance was first
		}
		if err != nil {
			return fmt.Errorf("gateway: session: %w", err)
		}
		g.c.Log.InfoContext(ctx, "session ended", "party", s.Party, "certificate", state)
		g.watch.ring()
	}
	return nil
}

// stateOf is why a certificate ends sessions; empty when it does not.
func (g *Gateway) stateOf(n CertificateName, at time.Time) (string, error) {
	e, _, known, err := g.c.Feed.Lookup(n.Authority, n.Serial, at)
	switch {
	case err != nil:
		return "", fmt.Errorf("gateway: session: %w", err)
	case !known:
		return "", nil // expired, and no longer in the feed
	case e.Status == feed.Held:
		return ceremony.CertificateHeld, nil
	case e.Status == feed.Revoked:
		return ceremony.CertificateRevoked, nil
	}
	return "", nil
}

// session is what a passed login opens, or nil: without a feed there is nothing that
// could say when it must end.
func (g *Gateway) session(a *attempt) *Session {
	login := a.asked.Kind == ceremony.Login || a.asked.Kind == ceremony.Consent && a.asked.OnBehalfOf != ""
	if g.c.Feed == nil || !login {
		return nil
	}
	authority, ok := Labels(g.c.Anchors)(a.path[1])
	if !ok {
		return nil
	}
	s := &Session{ID: ceremony.NewID(), Party: a.request.Party, Until: a.at.Add(sessionLife),
		Certificate: CertificateName{authority, pki.SerialOf(a.leaf).String()}}
	if a.request.Channel != ceremony.Same { // the screen is another's: a terminal's is everybody's
		s.Until = a.at.Add(crossSession)
	}
	return s
}

// ErrSessionOver is a session whose time is over, or that its certificate has ended.
var ErrSessionOver = problem.NewRefused(403, "session-over",
	"このログインは終わっています。", "もう一度ログインしてください。",
	"This login is over.", "Log in again.")

// Standing says whether a session of a party's still stands at a moment: nil, or
// ErrSessionOver. Any other error decided nothing: the status could not be learned.
func (g *Gateway) Standing(ctx context.Context, party, id string, at time.Time) error {
	s, err := g.c.Store.Session(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && (s.Party != party || !at.Before(s.Until)):
		return ErrSessionOver
	case err != nil:
		return fmt.Errorf("gateway: session: %w", err)
	}
	state, err := g.stateOf(s.Certificate, at)
	switch {
	case err != nil:
		return ErrStatusUnavailable.Because(err)
	case state != "":
		return ErrSessionOver
	}
	return nil
}

// Events answers a party's poll: what it acknowledges is forgotten, and what waits for
// it is given, at once or when there is something. What it could not read is given
// again until its time is over (RFC 8936 leaves that to us): a session that must end is
// not forgotten because of a certificate or a clock.
func (g *Gateway) Events(ctx context.Context, caller ceremony.Caller, p ceremony.EventPoll) (ceremony.Events, error) {
	limit := maxEvents
	if p.MaxEvents != nil {
		limit = max(0, min(limit, *p.MaxEvents))
	}
	for _, e := range p.SetErrs {
		g.c.Log.WarnContext(ctx, "a party could not read an event", "party", caller.Party, "error", e.Err)
	}
	if len(p.Ack) > 0 {
		if err := g.c.Store.DropEvents(ctx, caller.Party, p.Ack); err != nil {
			return ceremony.Events{}, fmt.Errorf("gateway: events: %w", err)
		}
	}
	if limit == 0 {
		return ceremony.Events{Sets: map[string]string{}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, pollWait)
	defer cancel()
	look := time.NewTicker(pollLook)
	defer look.Stop()
	for {
		bell := g.watch.next() // before looking: nothing is missed in between
		waiting, err := g.c.Store.Events(ctx, caller.Party, limit+1)
		if err != nil && ctx.Err() == nil {
			return ceremony.Events{}, fmt.Errorf("gateway: events: %w", err)
		}
		if len(waiting) > 0 || p.ReturnImmediately || ctx.Err() != nil {
			out := ceremony.Events{Sets: map[string]string{}, More: len(waiting) > limit}
			for _, e := range waiting[:min(limit, len(waiting))] {
				out.Sets[e.ID] = e.SET
			}
			return out, nil
		}
		select {
		case <-ctx.Done():
		case <-bell:
		case <-look.C:
		}
	}
}
