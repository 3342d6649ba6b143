package phone

import (
	"context"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/ra"
)

// statusWait is how long whoever looks at a phone waits for the authority.
const statusWait = 2 * time.Second

// LookNow is Look with the states of the certificates as they are now: between two
// check-ins another phone may have been registered, or the lock code used. It waits
// for the status source for two seconds at most. Without an answer the states are
// those of StatesAt, and StatesAsked is false: a phone may say "good as of", never
// "good" when it does not know.
func (p *Phone) LookNow(ctx context.Context) (Look, error) {
	l, err := p.Look(ctx)
	if err != nil || !l.Power || !l.Network || l.StatesAt.IsZero() || p.phones.c.Status == nil {
		return l, err
	}
	asking, cancel := context.WithTimeout(ctx, p.phones.c.StatusWait)
	defer cancel()
	states, err := p.states(asking, l.Now)
	if err != nil {
		p.phones.c.Log.InfoContext(ctx, "status not learned", "phone", p.id, "error", err)
		return l, nil // it is said on the page, with the moment of what is known
	}
	// The status source says neither why a certificate is on hold nor what ended it.
	if slices.ContainsFunc(l.Certificates, func(c Certificate) bool { return c.State != "good" || states[c.Serial].State != certpath.Good }) {
		if err := p.learn(asking, endedAlone(l.Certificates, states)); err != nil {
			p.phones.c.Log.InfoContext(ctx, "standing not learned", "phone", p.id, "code", problem.From(err).Code)
		} else if l, err = p.Look(ctx); err != nil {
			return l, err
		}
	}
	for i := range l.Certificates {
		c := &l.Certificates[i]
		s, asked := states[c.Serial]
		if !asked || c.State == "expired" {
			continue
		}
		c.Since = s.Since
		if s.State == certpath.Revoked {
			c.Reason = s.Reason
		}
		if c.State == string(s.State) {
			continue
		}
		c.State = string(s.State)
		if s.State != certpath.Held {
			c.Causes = nil
		}
	}
	l.StatesAt, l.StatesAsked = l.Now, true
	return l, nil
}

// endedAlone tells of an enrolment whether its signature certificate is revoked and its
// authentication certificate is not, by what the status source just said.
func endedAlone(certificates []Certificate, states map[string]certpath.Status) func(*Enrolment) bool {
	var auth certpath.State
	ended := ""
	for _, c := range certificates {
		switch s := states[c.Serial]; {
		case c.Kind == pki.PhoneAuth:
			auth = s.State
		case s.State == certpath.Revoked:
			ended = c.PEM
		}
	}
	return func(e *Enrolment) bool {
		return ended != "" && auth != certpath.Revoked && e.Certificates != nil && ended == string(pki.EncodePEM(e.Certificates.Sign))
	}
}

// states asks for the certificates in the element at once, by their serial numbers.
// An error says that not all of them are known.
func (p *Phone) states(ctx context.Context, at time.Time) (map[string]certpath.Status, error) {
	var (
		mu     sync.Mutex // guards states and failed
		states = map[string]certpath.Status{}
		failed error
		all    sync.WaitGroup
	)
	for _, kind := range []pki.Kind{pki.PhoneAuth, pki.PhoneSign} {
		all.Go(func() {
			serial, status, err := p.stateOf(ctx, kind, at)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			states[serial] = status
		})
	}
	all.Wait()
	return states, failed
}

func (p *Phone) stateOf(ctx context.Context, kind pki.Kind, at time.Time) (serial string, status certpath.Status, err error) {
	der, issuer := p.element.Certificate(kind)
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return "", status, err
	}
	authority, err := x509.ParseCertificate(issuer)
	if err != nil {
		return "", status, err
	}
	status, err = p.phones.c.Status.Status(ctx, c, authority, at)
	if err == nil && status.State == certpath.Unknown {
		err = certpath.ErrNoStatus
	}
	return serialOf(c), status, err
}

// learn asks the authority where the registration in use stands, and keeps what it
// did not know about holds and its end. While another step is under way it asks
// nothing: that step learns it too, and whoever looks does not wait for it.
func (p *Phone) learn(ctx context.Context, signEnded func(*Enrolment) bool) error {
	if !p.work.TryLock() {
		return problem.Busy
	}
	defer p.work.Unlock()
	_, live, _, err := p.enrolments(ctx)
	if err != nil || live == nil {
		return err
	}
	s, err := p.standing(ctx, live.ID)
	if err != nil {
		return err
	}
	if s.State == ra.StateEnded {
		if err := p.gone(ctx, live, string(s.Ended), ra.ErrEnrolmentEnded); problem.From(err).Code != ra.CodeEnrolmentEnded {
			return err
		}
		return nil
	}
	// Nobody said why the signature certificate ended alone: its holder moved, changed
	// names, or gave the card's up. Another can be applied for.
	alone := !live.SignEnded && signEnded(live)
	if slices.Equal(live.Holds, s.Holds) && !alone {
		return nil
	}
	live.SignEnded = live.SignEnded || alone
	live.Holds, live.HoldsAt = s.Holds, p.now()
	return p.keep(ctx, live)
}

// statesAt is as of when the phone knows what it knows of the pair.
func (e *Enrolment) statesAt() time.Time {
	if e.HoldsAt.After(e.LastCheckIn) {
		return e.HoldsAt
	}
	return e.LastCheckIn
}
