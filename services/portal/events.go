package portal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// silence is how long the portal goes on believing in its sessions when the verifier
// says nothing.
const silence = 60 * time.Second

// hearing is how the portal stands with the verifier's events.
type hearing struct {
	mu    sync.Mutex // guards all below
	heard time.Time  // the last answer
	ack   []string   // events taken in, which the verifier shall not send again
	errs  map[string]ceremony.EventError
}

// EndedSession is a session that a certificate's state has ended.
type EndedSession struct {
	ID  string // the verifier's name for it
	Why string // ceremony.CertificateHeld or CertificateRevoked
}

// Follow ends sessions as the verifier tells (RFC 8936, with waiting), until ctx
// ends: a session does not outlive the certificate that opened it. Failures are
// logged and tried again; meanwhile SessionOf asks by itself.
func (p *Portal) Follow(ctx context.Context) error {
	const shortest, longest = 200 * time.Millisecond, 5 * time.Second
	pause := shortest
	for ctx.Err() == nil {
		began := p.at()
		more, err := p.listen(ctx, false)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			p.log.WarnContext(ctx, "events", "error", err)
			pause = min(2*pause, longest)
		case more, p.at().Sub(began) > time.Second: // it waited for us
			pause = shortest
			continue
		default:
			pause = shortest
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// listen asks the verifier once and carries out what it says. more says that there
// were events.
func (p *Portal) listen(ctx context.Context, immediately bool) (more bool, err error) {
	at := p.at()
	header, err := p.bearer(p.config.VerifierID, "")
	if err != nil {
		return false, fmt.Errorf("portal: events: %w", err)
	}
	ack, errs := p.hearing.take()
	var out ceremony.Events
	err = httpd.PostJSON(ctx, p.listener, p.config.Verifier+"/v1/events",
		ceremony.EventPoll{ReturnImmediately: immediately, Ack: ack, SetErrs: errs}, &out, header)
	if err != nil {
		p.hearing.put(ack, errs)
		return false, err
	}
	var ended []EndedSession
	ack, errs = nil, map[string]ceremony.EventError{}
	for id, set := range out.Sets {
		e, err := p.readEvent(set, id)
		if err != nil {
			p.log.ErrorContext(ctx, "an event could not be read", "error", err)
			errs[id] = ceremony.EventError{Err: "invalid_request", Description: "not an event of this verifier's for this party"}
			continue
		}
		ended, ack = append(ended, e), append(ack, id)
	}
	if len(ended) > 0 {
		if err := p.store.EndSessions(ctx, p.who(""), ended, at); err != nil {
			return false, fmt.Errorf("portal: events: %w", err)
		}
	}
	p.hearing.put(ack, errs)
	if len(errs) > 0 { // somebody's session must end, and we do not know whose
		return false, errUnreadable
	}
	if !out.More {
		p.hearing.set(at)
	}
	return len(out.Sets) > 0, nil
}

// errUnreadable is an event that cannot be read: until it can be, or its time is over,
// nothing is heard of the verifier.
var errUnreadable = errors.New("portal: an event could not be read")

// readEvent checks an event: the verifier's signature and path, and that it is for us.
func (p *Portal) readEvent(set, id string) (EndedSession, error) {
	m, err := ceremony.ParseSecurityEvent(set)
	if err != nil {
		return EndedSession{}, err
	}
	e, err := m.Verify()
	if err != nil {
		return EndedSession{}, err
	}
	if who, ok := ceremony.PartyOf(m.Chain()[0]); !ok || who != p.config.VerifierID || e.Issuer != who || e.Audience != p.config.Party || e.ID != id {
		return EndedSession{}, errors.New("portal: an event of another verifier's, or for another party")
	}
	if err := p.config.Verified(m.Chain(), p.at()); err != nil {
		return EndedSession{}, err
	}
	return EndedSession{e.Subject.Session.ID, e.Events[ceremony.SessionRevoked].State}, nil
}

func (h *hearing) take() ([]string, map[string]ceremony.EventError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ack, errs := h.ack, h.errs
	h.ack, h.errs = nil, nil
	return ack, errs
}

func (h *hearing) put(ack []string, errs map[string]ceremony.EventError) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ack = append(h.ack, ack...)
	for id, e := range errs {
		if h.errs == nil {
			h.errs = map[string]ceremony.EventError{}
		}
		h.errs[id] = e
	}
}

func (h *hearing) set(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at.After(h.heard) {
		h.heard = at
	}
}

// fresh says whether what was heard is recent enough.
func (h *hearing) fresh(at time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return at.Sub(h.heard) <= silence && h.heard.Sub(at) <= silence
}
