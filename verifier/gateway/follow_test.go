package gateway_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"tegata/internal/feed"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/verifier/gateway"
)

// follower follows the world's issuer.
func (w *world) follower() *gateway.Follower {
	w.t.Helper()
	f := &gateway.Follower{
		ID: "verifier", URL: w.issuer.server.URL, Audience: w.issuer.server.URL, Feed: w.issuer.server.URL, Arc: pki.SandboxArc(),
		Anchors: w.config.Anchors, Sign: w.config.Sign, Client: w.client, Marks: w.config.Store, Now: w.Now, Log: slog.New(slog.DiscardHandler),
	}
	if err := f.Begin(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return f
}

func TestARevocationIsSeenWithTheNextBatch(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	p := w.mustFetch(w.must().RequestURI)
	w.issuer.set("phone-auth", w.holders["good"].auth[0], feed.Held)
	w.refresh()
	_, err := p.answer("good")
	wantCode(t, err, "certificate-held")
	w.issuer.set("phone-auth", w.holders["good"].auth[0], feed.Good)
	w.refresh()
	if _, err := w.mustFetch(w.must().RequestURI).answer("good"); err != nil {
		t.Errorf("after the hold was lifted: %v", err)
	}
	w.issuer.set("ops", w.portal.chain[0], feed.Revoked)
	w.refresh()
	_, err = w.start(w.portal, w.ask())
	wantCode(t, err, "party-certificate")
}

func TestAFeedThatMisbehaves(t *testing.T) {
	newFeedWorld := func(t *testing.T) (*world, *gateway.Follower) {
		w := inFeed(t, sqliteFor(t))
		f := w.follower()
		f.Index = w.config.Feed
		return w, f
	}
	t.Run("signed by somebody who is not the feed", func(t *testing.T) {
		w, f := newFeedWorld(t)
		w.issuer.feedKey = w.portal
		if _, err := f.Step(t.Context()); err == nil {
			t.Error("a party's key signed the feed")
		}
	})
	t.Run("signed by a feed key that was revoked", func(t *testing.T) {
		w, f := newFeedWorld(t)
		w.issuer.set("ops", w.issuer.feedKey.chain[0], feed.Revoked)
		if _, err := f.Step(t.Context()); err != nil { // the batch that says so
			t.Fatal(err)
		}
		w.issuer.set("phone-auth", w.holders["revoked"].auth[0], feed.Good)
		if _, err := f.Step(t.Context()); err == nil {
			t.Error("a revoked key went on")
		}
		w.advance(61 * time.Second)
		if h := f.Index.Health(w.Now()); h.Fresh {
			t.Error("fresh without news")
		}
	})
	t.Run("an issuer whose ledger stepped back, over a restart too", func(t *testing.T) {
		w, f := newFeedWorld(t)
		old := len(w.issuer.log)
		w.issuer.set("phone-auth", w.holders["good"].auth[0], feed.Revoked)
		if _, err := f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.issuer.seq, w.issuer.log = uint64(old), w.issuer.log[:old] // a backup was put back
		delete(w.issuer.last, pki.SerialOf(w.holders["good"].auth[0]).String())
		for range 3 {
			if _, err := f.Step(t.Context()); err == nil {
				t.Error("the older ledger was believed")
			}
		}
		restarted := w.follower()
		if _, err := restarted.Step(t.Context()); !errors.Is(err, feed.ErrBack) {
			t.Errorf("after a restart: %v", err)
		}
	})
	t.Run("begins again when the issuer knows no such position", func(t *testing.T) {
		w, f := newFeedWorld(t)
		w.issuer.set("phone-auth", w.holders["good"].auth[0], feed.Held)
		w.issuer.set("phone-auth", w.holders["good"].auth[0], feed.Good)
		if _, err := f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		at, prev := f.Index.Position()
		f.Index.Restart()
		if _, err := f.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if again, hash := f.Index.Position(); again != at || hash == prev {
			t.Errorf("position %d, %s", again, hash)
		}
		if w.config.Feed.Health(w.Now()).Seq != at {
			t.Error("the gateway's index is another one")
		}
	})
}

func TestTheFollowerRunsUntilItIsTold(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	f := w.follower()
	f.Index = w.config.Feed
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	w.issuer.set("phone-auth", w.holders["good"].auth[0], feed.Revoked)
	deadline := time.After(5 * time.Second)
	for f.Index.Health(w.Now()).Seq != w.issuer.sequence() {
		select {
		case <-deadline:
			t.Fatal("the change did not arrive")
		case <-time.After(10 * time.Millisecond):
		}
	}
	w.issuer.setDown(true) // failures do not end it
	time.Sleep(300 * time.Millisecond)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAClockThatWasMovedOnIsNoticedAtOnce(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	f := w.follower()
	f.Index = w.config.Feed
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	f.Client = &http.Client{Transport: slow{}} // an issuer with nothing new to say
	var warned bytes.Buffer
	f.Log = slog.New(slog.NewTextHandler(&warned, &slog.HandlerOptions{Level: slog.LevelWarn}))
	go func() { ended <- f.Run(ctx) }()
	time.Sleep(100 * time.Millisecond)
	w.advance(31 * 24 * time.Hour)
	deadline := time.After(5 * time.Second)
	for !f.Index.Health(w.Now()).Fresh {
		select {
		case <-deadline:
			t.Fatal("the feed is still stale")
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if warned.Len() > 0 {
		t.Errorf("a moved clock is nothing to warn of: %s", &warned)
	}
}

// slow holds back every batch but the first of a snapshot.
type slow struct{}

func (slow) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.FormValue("prev") != "" {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return http.DefaultTransport.RoundTrip(r)
}

func (i *issuer) sequence() uint64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.seq
}

func TestTheHealthPage(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	status := func() int {
		resp, err := http.Get(w.config.Origin + "/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if status() != 200 || w.gateway.Ready(t.Context()) != nil {
		t.Error("not ready with a fresh feed")
	}
	w.advance(61 * time.Second)
	if status() != 503 || !errors.Is(w.gateway.Ready(t.Context()), feed.ErrStale) {
		t.Error("ready with a stale feed")
	}
}

func TestAConfigurationThatNoPhoneWouldAccept(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	key := pkitest.ECKey(t)
	for name, change := range map[string]func(*gateway.Config){
		"a certificate of another key":  func(c *gateway.Config) { c.Sign.Signer = key },
		"another party's certificate":   func(c *gateway.Config) { c.Sign = gateway.Key{Signer: w.portal.key, Chain: w.portal.chain} },
		"an origin it does not name":    func(c *gateway.Config) { c.Origin = "http://verifier.localhost:1" },
		"an encryption key that signs":  func(c *gateway.Config) { c.Decrypt.Chain = c.Sign.Chain },
		"a short key for sub":           func(c *gateway.Config) { c.SubKey = []byte("short") },
		"no status":                     func(c *gateway.Config) { c.Status = nil },
		"a certificate of no authority": func(c *gateway.Config) { c.Anchors = c.Anchors[1:] },
		"a role that is not a verifier's": func(c *gateway.Config) {
			c.Sign = gateway.Key{Signer: key, Chain: []*x509.Certificate{w.ops.Party(t, key.Public(), "verifier", pki.RoleParty, pkitest.Leaf{URIs: []string{c.Origin}})}}
		},
	} {
		c := w.config
		change(&c)
		if _, err := gateway.New(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
