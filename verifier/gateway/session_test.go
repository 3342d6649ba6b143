package gateway_test

import (
	"context"
	"crypto/x509"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/verifier/gateway"
)

// login is a whole login of a holder's at the portal; it returns the session's name.
func (w *world) login(h string) string {
	w.t.Helper()
	started := w.must()
	taken, err := w.mustFetch(started.RequestURI).answer(h)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.result(w.portal, started, codeIn(w.t, taken.Redirect))
	if err != nil {
		w.t.Fatal(err)
	}
	if !ceremony.ValidID(r.Session) || r.SessionUntil <= w.Now().Unix() {
		w.t.Fatalf("no session in the result: %q until %d", r.Session, r.SessionUntil)
	}
	return r.Session
}

// poll asks for a party's events.
func (w *world) poll(a actor, p ceremony.EventPoll) map[string]string {
	w.t.Helper()
	var out ceremony.Events
	if err := httpd.PostJSON(w.t.Context(), w.client, w.config.Origin+"/v1/events", p, &out, w.bearer(a, "")); err != nil {
		w.t.Fatal(err)
	}
	return out.Sets
}

// now is a poll that does not wait.
func now(ack ...string) ceremony.EventPoll {
	return ceremony.EventPoll{ReturnImmediately: true, Ack: ack}
}

// watching has a gateway watch over its sessions until the test ends.
func watching(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- g.WatchSessions(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// turn changes a holder's certificate, and the gateway hears of it.
func (w *world) turn(h string, s feed.Status) {
	w.t.Helper()
	w.issuer.set("phone-auth", w.holders[h].auth[0], s)
	f := w.follower()
	f.Index, f.Changed = w.config.Feed, w.gateway.Changed
	if _, err := f.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// theEvent is the one event of a poll, with its signature checked.
func (w *world) theEvent(sets map[string]string) ceremony.SecurityEvent {
	w.t.Helper()
	for id, set := range sets {
		m, err := ceremony.ParseSecurityEvent(set)
		if err != nil || len(sets) != 1 {
			w.t.Fatalf("%d events: %v", len(sets), err)
		}
		e, err := m.VerifyWith(w.config.Sign.Signer.Public())
		if err != nil || e.ID != id || e.Issuer != "verifier" || e.Audience != "portal" || !m.Chain()[0].Equal(w.config.Sign.Chain[0]) {
			w.t.Fatalf("%+v: %v", e, err)
		}
		return e
	}
	w.t.Fatal("no event")
	return ceremony.SecurityEvent{}
}

func TestAPartyHearsThatASessionEnds(t *testing.T) {
	for state, want := range map[feed.Status]string{feed.Held: ceremony.CertificateHeld, feed.Revoked: ceremony.CertificateRevoked} {
		t.Run(want, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				watching(t, w.gateway)
				mine, neighbours := w.login("good"), w.login("neighbour")
				if sets := w.poll(w.portal, now()); len(sets) != 0 {
					t.Fatalf("events of good certificates: %v", sets)
				}
				heard := make(chan map[string]string, 1)
				go func() { heard <- w.poll(w.portal, ceremony.EventPoll{}) }() // waits
				time.Sleep(20 * time.Millisecond)                               // the order of the two matters to nothing but what is tried
				w.turn("good", state)
				e := w.theEvent(<-heard)
				if e.Subject.Session.ID != mine || e.Events[ceremony.SessionRevoked].State != want {
					t.Errorf("%+v; mine %s, the neighbour's %s", e, mine, neighbours)
				}
				if sets := w.poll(w.bank, now(e.ID)); len(sets) != 0 { // another party: neither hears nor acknowledges
					t.Errorf("another party's events: %v", sets)
				}
				if again := w.theEvent(w.poll(w.portal, now())); again.ID != e.ID {
					t.Error("an event that was not acknowledged is another one now")
				}
				if sets := w.poll(w.portal, now(e.ID)); len(sets) != 0 {
					t.Errorf("acknowledged, and still there: %v", sets)
				}
				w.turn("good", feed.Good)
				w.turn("good", feed.Held) // the session ended once
				if sets := w.poll(w.portal, now()); len(sets) != 0 {
					t.Errorf("ended twice: %v", sets)
				}
			})
		})
	}
}

// What changes between the look at the status and the verdict's being stored is in no
// later batch.
func TestASessionThatBeganTooLateEndsAtOnce(t *testing.T) {
	w := newWorld(t, sqliteFor(t))
	w.issuer = newIssuer(w)
	w.config.Issuer = w.issuer.server.URL
	f := w.follower()
	if _, err := f.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.config.Feed = f.Index
	source := &lateSource{Feed: certpath.Feed{Index: f.Index, Label: gateway.Labels(w.config.Anchors)}}
	w.config.Status = source
	w.open()
	p := w.mustFetch(w.must().RequestURI)
	source.after = func() { w.turn("good", feed.Held) }
	if _, err := p.answer("good"); err != nil {
		t.Fatal(err)
	}
	w.theEvent(w.poll(w.portal, now()))
}

// lateSource tells a status that was true a moment ago.
type lateSource struct {
	certpath.Feed
	after func()
}

func (s *lateSource) Status(ctx context.Context, c, issuer *x509.Certificate, at time.Time) (certpath.Status, error) {
	out, err := s.Feed.Status(ctx, c, issuer, at)
	if s.after != nil {
		s.after()
		s.after = nil
	}
	return out, err
}

func TestSessionsEndThoughTheVerifierWasAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		mine := w.login("good")
		w.turn("good", feed.Revoked) // nobody watches: killed in that moment
		again, err := gateway.New(w.config)
		if err != nil {
			t.Fatal(err)
		}
		watching(t, again)
		if e := w.theEvent(w.poll(w.portal, ceremony.EventPoll{})); e.Subject.Session.ID != mine {
			t.Errorf("%+v", e)
		}
	})
}

func TestWhatIsTooOldToMatterIsForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		watching(t, w.gateway)
		w.login("good")
		w.turn("good", feed.Held)
		w.theEvent(w.poll(w.portal, ceremony.EventPoll{}))
		w.login("neighbour")
		w.advance(13 * time.Hour)
		if err := w.gateway.RunDue(t.Context(), w.Now()); err != nil {
			t.Fatal(err)
		}
		watched, err := w.config.Store.Watched(t.Context())
		if err != nil || len(watched) != 0 {
			t.Errorf("watched: %v, %v", watched, err)
		}
		events, err := w.config.Store.Events(t.Context(), "portal", 10)
		if err != nil || len(events) != 0 {
			t.Errorf("events: %v, %v", events, err)
		}
	})
}

// What a party could not read is given again: a certificate or a clock may be mended.
func TestAnEventThatCouldNotBeReadIsGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		watching(t, w.gateway)
		w.login("good")
		w.turn("good", feed.Held)
		e := w.theEvent(w.poll(w.portal, ceremony.EventPoll{}))
		unread := ceremony.EventPoll{ReturnImmediately: true, SetErrs: map[string]ceremony.EventError{e.ID: {Err: "invalid_key"}}}
		for range 2 {
			if again := w.theEvent(w.poll(w.portal, unread)); again.ID != e.ID {
				t.Error("another event")
			}
		}
	})
}
