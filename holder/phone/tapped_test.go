package phone_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/pki"
)

// The address of a till's request, read off it and mailed to somebody, is shown and answered
// nowhere; and the phone that opened it is still the one that can be held to the till.
func TestATillsRequestThatCameByALinkIsNotShown(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	uri := at.charge()
	link := "http://phone.localhost/open?request_uri=" + uri
	for name, open := range map[string]func() (phone.Ask, error){
		"the link":           func() (phone.Ask, error) { return p.Fetch(t.Context(), link) },
		"what the QR held":   func() (phone.Ask, error) { return p.Fetch(t.Context(), uri) },
		"said to be awaited": func() (phone.Ask, error) { return p.FetchElsewhere(t.Context(), link) },
	} {
		if a, err := open(); !errors.Is(err, phone.ErrNotTapped) || a.ID != "" {
			t.Errorf("%s: shown %+v, %v", name, a, err)
		}
	}
	s := w.screen(t)
	s.open("/p/a/request?request_uri=" + uri)
	s.at("/p/a/request", "端末にかざして受け取る依頼です。", "証明書は使われていません。", "request-not-tapped", `href="/p/a/present?anew=1"`)
	s.open("/p/a/")
	if strings.Contains(s.body, "/p/a/request/") {
		t.Error("the first page leads to it")
	}
	if l, err := p.Look(t.Context()); err != nil || len(l.Waiting) != 0 {
		t.Errorf("waiting %+v, %v", l.Waiting, err)
	}
	if uses, err := p.Uses(t.Context(), 1); err != nil || uses[0].Kind != phone.UseRequest || uses[0].Code != "request-not-tapped" {
		t.Errorf("the history says %+v, %v", uses, err)
	}
	if len(c.answers) != 0 || len(c.declined) != 0 || p.Element().Tries(element.Password) != 5 {
		t.Errorf("answers %v, refusals %v", c.answers, c.declined)
	}

	p = w.restart("a")
	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(uri))
	h := handed(t, p)
	w.must(h.Err)
	again, err := p.Fetch(t.Context(), link) // now by the link too: the terminal gave it
	if err != nil || again.ID != h.Ask {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := p.Answer(t.Context(), again.ID, phone.Reply{Shown: again.Shown, Approve: true, Unlock: element.Unlock{Password: password(t, phonePassword)}}); err != nil {
		t.Error(err)
	}
	if len(c.answers) != 1 {
		t.Errorf("answers %v", c.answers)
	}

	// One tap is for one request: the next one's address is a link again.
	if _, err := p.Fetch(t.Context(), at.charge()); !errors.Is(err, phone.ErrNotTapped) {
		t.Errorf("after a tap: %v", err)
	}
}

// What was handed over and could not be checked at once is looked at later by the same
// phone, started anew, and needs no other tap.
func TestWhatWasTappedMayBeCheckedLater(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	away, usual := &cutLine{next: w.config.Client.Transport}, *w.config.Client
	usual.Transport = away
	w.config.Client = &usual
	p = w.restart("a")
	away.cut.Store(true)
	uri := at.charge()
	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(uri))
	if h := handed(t, p); code(h.Err) != "unreachable" {
		t.Fatalf("%+v", h)
	}
	away.cut.Store(false)
	p = w.restart("a")
	if a, err := p.Fetch(t.Context(), uri); err != nil || a.Place != at.where.Place {
		t.Errorf("%+v, %v", a, err)
	}
}

// cutLine is a network that somebody can cut.
type cutLine struct {
	next http.RoundTripper
	cut  atomic.Bool
}

func (l *cutLine) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.cut.Load() {
		return nil, errors.New("the line is cut")
	}
	return l.next.RoundTrip(r)
}

// A terminal of another verifier: the person is asked where it leads, as with any link, and
// the tap is not forgotten over that.
func TestATapThatLeadsElsewhereStaysATap(t *testing.T) {
	w, p, c := registered(t)
	at := w.counter(c, "till-1", pki.RoleTerminal)
	w.config.Verifiers = nil
	p = w.restart("a")
	uri := at.charge()
	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(uri))
	if h := handed(t, p); !errors.Is(h.Err, phone.ErrElsewhere) {
		t.Fatalf("%+v", h)
	}
	if a, err := p.FetchElsewhere(t.Context(), uri); err != nil || a.Place != at.where.Place {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := p.FetchElsewhere(t.Context(), at.charge()); !errors.Is(err, phone.ErrNotTapped) {
		t.Errorf("another one, by its link: %v", err)
	}
}
