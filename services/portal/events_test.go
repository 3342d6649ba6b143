package portal_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/services/portal"
)

// loggedIn is the cookie of somebody whose session the verifier calls by id.
func (w *world) loggedIn(t *testing.T, id string) string {
	t.Helper()
	browser, _, err := w.Begin(t.Context(), ceremony.Same)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.code, w.result = ceremony.NewID(), passed(ceremony.Same)
	w.result.Session = id
	code := w.code
	w.mu.Unlock()
	session, err := w.Return(t.Context(), browser, code)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// tell has an event wait for the portal.
func (w *world) tell(t *testing.T, k verifierKey, change func(*ceremony.SecurityEvent), session, state string) string {
	t.Helper()
	e := ceremony.NewSecurityEvent("verifier", "portal", session, state, w.now)
	if change != nil {
		change(&e)
	}
	set, err := ceremony.SignSecurityEvent(k.key, []*x509.Certificate{k.cert}, e)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sets[e.ID] = set
	return e.ID
}

// hear lets the portal go on until the verifier has nothing left to say.
func (w *world) hear(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Follow(ctx) }()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		w.mu.Lock()
		left := len(w.sets)
		w.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the portal does not take its events in")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func (w *world) wantSession(t *testing.T, cookie string, want error) {
	t.Helper()
	if _, _, err := w.SessionOf(t.Context(), cookie); !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestASessionEndsWithItsCertificate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		held, revoked, other := ceremony.NewID(), ceremony.NewID(), ceremony.NewID()
		one, two, three := w.loggedIn(t, held), w.loggedIn(t, revoked), w.loggedIn(t, other)
		w.tell(t, w.verifier, nil, held, ceremony.CertificateHeld)
		w.tell(t, w.verifier, nil, revoked, ceremony.CertificateRevoked)
		w.hear(t)
		w.wantSession(t, one, portal.ErrSessionHeld)
		w.wantSession(t, two, portal.ErrSessionRevoked)
		w.wantSession(t, three, nil)
		if _, err := w.Suspend(t.Context(), one); !errors.Is(err, portal.ErrSessionHeld) {
			t.Errorf("what the session could do is still there: %v", err)
		}
		w.now = w.now.Add(2 * time.Hour)
		w.wantSession(t, one, portal.ErrNotLoggedIn) // its time would be over anyway
	})
}

func TestASessionOfAnEventThatCameFirstNeverBegins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ceremony.NewID()
		w.tell(t, w.verifier, nil, id, ceremony.CertificateHeld)
		w.hear(t)
		w.wantSession(t, w.loggedIn(t, id), portal.ErrSessionHeld)
	})
}

func TestWithoutWordFromTheVerifierNothingIsShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := ceremony.NewID()
		cookie := w.loggedIn(t, id)
		w.wantSession(t, cookie, nil)
		w.now = w.now.Add(61 * time.Second)
		w.silent = true
		_, _, err := w.SessionOf(t.Context(), cookie)
		if !errors.Is(err, portal.ErrSessionUnchecked) || problem.From(err).Kind != problem.CouldNotCheck {
			t.Errorf("after a minute of silence: %v", err)
		}
		w.silent = false
		w.wantSession(t, cookie, nil) // asked at once
		w.now = w.now.Add(59 * time.Second)
		w.silent = true
		w.wantSession(t, cookie, nil)
		w.silent = false
		w.tell(t, w.verifier, nil, id, ceremony.CertificateHeld)
		w.now = w.now.Add(2 * time.Second)
		w.wantSession(t, cookie, portal.ErrSessionHeld) // learned by asking
	})
}

// An event that is not the verifier's for us ends no session. But perhaps it was one, and
// cannot be read: nothing is shown until it can be.
func TestAnEventThatCannotBeReadEndsNothingAndShowsNothing(t *testing.T) {
	stranger := func(k verifierKey) verifierKey { k.key = pkitest.ECKey(t); return k }
	for name, wrong := range map[string]struct {
		signed func(verifierKey) verifierKey
		change func(*ceremony.SecurityEvent)
	}{
		"signed by another key": {signed: stranger},
		"for another party":     {change: func(e *ceremony.SecurityEvent) { e.Audience = "bank" }},
		"of another verifier":   {change: func(e *ceremony.SecurityEvent) { e.Issuer = "other" }},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				id := ceremony.NewID()
				cookie := w.loggedIn(t, id)
				w.wantSession(t, cookie, nil)
				by := w.verifier
				if wrong.signed != nil {
					by = wrong.signed(by)
				}
				event := w.tell(t, by, wrong.change, id, ceremony.CertificateHeld)
				w.now = w.now.Add(61 * time.Second)
				for range 2 {
					w.wantSession(t, cookie, portal.ErrSessionUnchecked)
				}
				if last := w.polls[len(w.polls)-1]; last.SetErrs[event].Err == "" {
					t.Errorf("the verifier is not told what could not be read: %+v", last)
				}
				delete(w.sets, event)
				w.tell(t, w.verifier, nil, id, ceremony.CertificateHeld)
				w.wantSession(t, cookie, portal.ErrSessionHeld)
			})
		})
	}
}
