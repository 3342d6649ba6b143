package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store/issuer/issuertest"
)

// follower is a verifier's copy of the feed.
type follower struct {
	*feed.Index
	i *issuertest.Issuer
}

// follow begins to follow. The feed's own certificate is issued before: it is a
// change too.
func follow(t *testing.T, i *issuertest.Issuer) follower {
	t.Helper()
	if _, _, err := i.CA.FeedSigner(t.Context()); err != nil {
		t.Fatal(err)
	}
	return follower{feed.NewIndex(i.URL, 0), i}
}

// next takes one batch in and checks that the feed's own key signed it.
func (f follower) next(t *testing.T) feed.Batch {
	t.Helper()
	after, prev := f.Position()
	compact, err := f.i.Handler.Feed.Next(t.Context(), int64(after), prev)
	if err != nil {
		t.Fatal(err)
	}
	return f.take(t, compact)
}

func (f follower) take(t *testing.T, compact string) feed.Batch {
	t.Helper()
	m, err := feed.Parse(compact)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := m.Verify()
	if err != nil {
		t.Fatal(err)
	}
	leaf := m.Chain()[0]
	if err := leaf.CheckSignatureFrom(f.i.CA.Authority(pki.Ops)); err != nil {
		t.Fatal(err)
	}
	if len(leaf.UnknownExtKeyUsage) != 1 || !leaf.UnknownExtKeyUsage[0].Equal(pki.SandboxArc().Role(pki.RoleFeed)) {
		t.Fatal("the signer is not of role feed")
	}
	if err := f.Apply(m, f.i.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	return batch
}

func (f follower) expect(t *testing.T, name string, kind pki.Kind, serial pki.Serial, want feed.Status) feed.Entry {
	t.Helper()
	e, _, ok, err := f.Lookup(string(kind), serial.String(), f.i.Clock.Now())
	if err != nil || ok != (want != "") || e.Status != want {
		t.Errorf("%s: %+v, known %t, %v", name, e, ok, err)
	}
	return e
}

// A follower waits for news for half a minute; the end of the server does not wait for it.
func TestAWaitingFollowerIsAnsweredWhenTheServerEnds(t *testing.T) {
	i := issuertest.New(t)
	f := follow(t, i)
	f.next(t)
	i.Handler.Feed = status.NewFeed(i.Ledger, i.Store, i.CA, func(context.Context, string, time.Time) error { return nil })
	l, err := httpd.Listen(t.Context(), "issuer", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan struct{})
	routes := i.Handler.Routes(nil)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(waiting)
		routes.ServeHTTP(w, r)
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpd.Serve(ctx, httpd.Listener{Name: "issuer", L: l, Handler: handler}) }()
	answered := make(chan string, 1)
	after, prev := f.Position()
	go func() {
		body, _, err := httpd.Exchange(t.Context(), httpd.Client(20*time.Second), http.MethodGet,
			fmt.Sprintf("http://%s/v1/status/changes?after=%d&prev=%s", l.Addr(), after, prev), nil)
		if err != nil {
			t.Error(err)
		}
		answered <- string(body)
	}()
	<-waiting
	began := time.Now()
	stop()
	if b := f.take(t, <-answered); len(b.Entries) != 0 {
		t.Errorf("nothing happened, and it was told %+v", b)
	}
	if err := <-ended; err != nil || time.Since(began) > 3*time.Second {
		t.Errorf("the server ended after %s, %v", time.Since(began), err)
	}
}

func TestTheFeedTellsTheLedger(t *testing.T) {
	i := issuertest.New(t)
	good, held := pki.SerialOf(i.Issue(t, pki.PhoneAuth, 0, "")), pki.SerialOf(i.Issue(t, pki.PhoneSign, 1, status.Unregistered))
	f := follow(t, i)
	if b := f.next(t); !b.Snapshot || b.More || b.Issuer != i.URL {
		t.Errorf("the beginning is %+v", b)
	}
	if e := f.expect(t, "good", pki.PhoneAuth, good, feed.Good); e.GoodMS != i.Clock.Now().UnixMilli() {
		t.Errorf("good since %d", e.GoodMS)
	}
	if e := f.expect(t, "held", pki.PhoneSign, held, feed.Held); e.Reason != status.CertificateHold || e.GoodMS != 0 {
		t.Errorf("held: %+v", e)
	}
	f.expect(t, "never issued", pki.PhoneAuth, pki.RandomSerial(), "")

	i.Clock.Walk(30 * time.Second)
	i.Apply(t, status.Change{Kind: pki.PhoneSign, Serial: held, Op: status.Lift, Cause: status.Unregistered},
		status.Change{Kind: pki.PhoneAuth, Serial: good, Op: status.Revoke, Reason: status.Superseded})
	if b := f.next(t); b.Snapshot || len(b.Entries) != 2 || b.AtMS != i.Clock.Now().UnixMilli() {
		t.Errorf("the changes are %+v", b)
	}
	if e := f.expect(t, "resumed", pki.PhoneSign, held, feed.Good); e.GoodMS != i.Clock.Now().UnixMilli() {
		t.Errorf("good since %d: the moment a pair became good is what cooling-off counts from", e.GoodMS)
	}
	if e := f.expect(t, "revoked", pki.PhoneAuth, good, feed.Revoked); e.Reason != status.Superseded || e.AtMS != i.Clock.Now().UnixMilli() {
		t.Errorf("revoked: %+v", e)
	}
	i.Clock.Walk(61 * time.Second)
	if _, _, _, err := f.Lookup("phone-auth", good.String(), i.Clock.Now()); !errors.Is(err, feed.ErrStale) {
		t.Errorf("silence for a minute: %v", err)
	}
}

func TestAChangeIsToldAtOnce(t *testing.T) {
	i := issuertest.New(t)
	serial := pki.SerialOf(i.Issue(t, pki.PhoneAuth, 0, ""))
	f := follow(t, i)
	f.next(t)
	after, prev := f.Position()
	got := make(chan string, 1)
	go func() {
		compact, err := i.Handler.Feed.Next(t.Context(), int64(after), prev)
		if err != nil {
			t.Error(err)
		}
		got <- compact
	}()
	time.Sleep(50 * time.Millisecond) // it waits
	began := time.Now()
	i.Apply(t, status.Change{Kind: pki.PhoneAuth, Serial: serial, Op: status.Open, Cause: status.Lost})
	f.take(t, <-got)
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	f.expect(t, "lost", pki.PhoneAuth, serial, feed.Held)
}

func TestPositionsThatAreNone(t *testing.T) {
	i := issuertest.New(t)
	if _, err := i.Handler.Feed.Next(t.Context(), 999999, jws.Hash("x")); err == nil {
		t.Error("the future was told")
	}
}

// What one process told a follower, another may be asked to continue before it has
// read it; and so may the same one, since a commit can be seen before it returns.
func TestAPositionThatAnotherProcessToldIsOne(t *testing.T) {
	i := issuertest.New(t)
	f := follow(t, i)
	f.next(t)
	_, other, _ := second(t, i)
	i.Issue(t, pki.PhoneAuth, 0, "")
	f.next(t)
	after, prev := f.Position()
	if seq, _ := other.Changed(); int64(after) <= seq {
		t.Fatalf("the other process knows %d already", seq)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := status.NewFeed(other, i.Store, i.CA, nil).Next(ctx, int64(after), prev)
	if !errors.Is(err, context.DeadlineExceeded) { // it waits for news
		t.Errorf("got %v", err)
	}
}

func TestOnlyFollowersAreAdmitted(t *testing.T) {
	i := issuertest.New(t)
	ask := func(admit status.Admit, query string) *http.Response {
		server := httptest.NewServer(status.NewHandler(i.Ledger, i.Store, i.CA, admit).Routes(nil))
		defer server.Close()
		request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/v1/status/changes"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer x")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		io.Copy(io.Discard, response.Body)
		return response
	}
	known := func(_ context.Context, authorization string, _ time.Time) error {
		if authorization != "Bearer x" {
			return errors.New("who is that?")
		}
		return nil
	}
	refuses := func(context.Context, string, time.Time) error { return errors.New("no") }
	if r := ask(nil, "?after=0"); r.StatusCode != 401 {
		t.Errorf("nobody is admitted, and yet: %s", r.Status)
	}
	if r := ask(refuses, "?after=0"); r.StatusCode != 401 {
		t.Errorf("a stranger: %s", r.Status)
	}
	if r := ask(known, "?after=0"); r.StatusCode != 200 || r.Header.Get("Content-Type") != feed.MediaType {
		t.Errorf("a follower: %s, %s", r.Status, r.Header.Get("Content-Type"))
	}
	for _, query := range []string{"", "?after=-1", "?after=x", "?after=0&prev=abc", "?after=3"} {
		if r := ask(known, query); r.StatusCode != 400 {
			t.Errorf("%q: %s", query, r.Status)
		}
	}
	if r := ask(known, "?after=99999&prev="+jws.Hash("x")); r.StatusCode != 409 {
		t.Errorf("a position that is none: %s", r.Status)
	}
}
