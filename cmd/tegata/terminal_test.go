package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/sandbox"
	"tegata/verifier/gateway"
)

// terminal is the least that a counter needs: a key and certificate of its own, a
// registration, and the ceremony over HTTP. It has no field for a secret.
type terminal struct {
	who      identity
	id       string
	place    ceremony.Terminal
	verifier string
	now      func() time.Time
	t        *testing.T
}

// openTerminal certifies and registers a terminal, as its operator would.
func openTerminal(ctx context.Context, t *testing.T, n *neighbourhood, id, place string) (*terminal, error) {
	at := n.site()
	room, err := n.openRoom(ctx, at.base, id, nil)
	if err != nil {
		return nil, err
	}
	origin := "http://" + id + ".localhost:1" // it has no pages
	who, err := at.certify(ctx, room, "sign", profile.Party{ID: id, Role: pki.RoleParty, Origins: []string{origin}})
	if err != nil {
		return nil, err
	}
	name, address := ceremony.Text{JA: place, EN: id}, ceremony.Text{JA: "手形市本町1", EN: "1 Honcho, Tegata"}
	counter, err := at.certify(ctx, room, "terminal", profile.Party{ID: id + "-1", Role: pki.RoleTerminal, Origins: []string{origin}})
	if err != nil {
		return nil, err
	}
	err = n.verifier.gateway.Register(ctx, audit.System(verifierID), gateway.Party{ID: id, Name: name, Mark: "店", Origins: []string{origin},
		ReturnURLs: []string{origin + "/return"}, Keys: []string{ceremony.KeyID(who.chain[0])},
		Terminals: []ceremony.RegisteredTerminal{{ID: id + "-1", Place: name, Address: address, Key: ceremony.KeyID(counter.chain[0])}},
		Purposes:  []ceremony.RegisteredPurpose{{Code: "counter", Sentence: ceremony.Text{JA: "窓口で本人を確かめます。", EN: "Show at a counter who you are."}, RiskFloor: ceremony.R1}}})
	return &terminal{who: who, id: id, verifier: n.settings.machine("verifier"), now: n.clock.Now, t: t,
		place: ceremony.Terminal{ID: id + "-1", Place: name, Address: address, X5C: base64.StdEncoding.EncodeToString(counter.chain[0].Raw)}}, err
}

// ask shows a new request at the counter: the link in its QR code and the number
// beside it.
func (c *terminal) ask(ctx context.Context, change ...func(*ceremony.Request)) (ceremony.Started, error) {
	at := c.now()
	id := ceremony.NewID()
	q := ceremony.Request{
		Issuer: c.id, Audience: verifierID, ID: id, Nonce: ceremony.NewID(), IssuedAt: at.Unix(), Expires: at.Add(ceremony.MaxTerminal).Unix(),
		Purpose: ceremony.Purpose{Code: "counter", Sentence: ceremony.Text{JA: "窓口で本人を確かめます。", EN: "Show at a counter who you are."}},
		Kind:    ceremony.Login, Risk: ceremony.R1, Terminal: &c.place, Channel: ceremony.Cross, Match: []string{"17", "42", "88"},
		ResponseURI: c.verifier + "/v1/requests/" + id + "/answer"}
	for _, f := range change {
		f(&q)
	}
	compact, err := ceremony.SignRequest(c.who.signer, c.who.chain, q)
	if err != nil {
		return ceremony.Started{}, err
	}
	header, err := c.bearer()
	if err != nil {
		return ceremony.Started{}, err
	}
	var out ceremony.Started
	err = httpd.PostJSON(ctx, httpd.Client(10*time.Second), c.verifier+"/v1/requests", ceremony.Start{Request: compact}, &out, header)
	return out, err
}

// sees is what the counter is told of a request.
func (c *terminal) sees(ctx context.Context, s ceremony.Started) (ceremony.Result, error) {
	header, err := c.bearer()
	if err != nil {
		return ceremony.Result{}, err
	}
	var out ceremony.Result
	err = httpd.GetJSON(ctx, httpd.Client(10*time.Second), c.verifier+"/v1/requests/"+s.ResultID, &out, header)
	return out, err
}

func (c *terminal) bearer() (httpd.Header, error) {
	compact, err := ceremony.SignClientAssertion(c.who.signer, c.who.chain, ceremony.NewClientAssertion(c.id, verifierID, c.now()))
	return httpd.Bearer(compact), err
}

// counters is a town with two terminals, and the resident with a registered phone.
type counters struct {
	town
	kiosk, clinic *terminal
	phone, portal string // pages
	lockCode      string
}

// atCounters makes them, and runs body while the town is up.
func atCounters(t *testing.T, body func(context.Context, *counters) error) {
	t.Helper()
	c := &counters{town: town{dir: filepath.Join(t.TempDir(), "data"), listen: freePorts(t, 23400), keys: poolKeys(t),
		own: sandbox.PhoneSecrets{PhoneAuthPIN: "7294", PhoneSignaturePassword: "TEGATA2026"}}}
	c.make(t, nil, func(ctx context.Context, n *neighbourhood) (err error) {
		if c.kiosk, err = openTerminal(ctx, t, n, "kiosk", "手形ストア本町店"); err != nil {
			return err
		}
		if c.clinic, err = openTerminal(ctx, t, n, "clinic", "手形クリニック"); err != nil {
			return err
		}
		c.phone, c.portal = n.settings.page("phone")+"/p/"+newPhone, n.settings.page("portal")
		_, said, err := c.terminal(ctx, c.dir, marshal(c.theirs()), "phone", "enrol", newPhone, "-card", resident)
		if err != nil {
			return err
		}
		if c.lockCode, err = found(said, `lock code: ([\d ]+)`); err != nil {
			return err
		}
		return body(ctx, c)
	})
}

// shows opens what a counter shows with the phone; the page, and where it is.
func (c *counters) shows(ctx context.Context, at *terminal) (ceremony.Started, *browser, string, error) {
	s, err := at.ask(ctx)
	if err != nil {
		return s, nil, "", err
	}
	b := newBrowser()
	page, err := b.open(ctx, c.phone+"/request?"+url.Values{"request_uri": {s.RequestURI}}.Encode())
	return s, b, page, err
}

// approve types a PIN on the page of a request, and picks the number. What the phone
// refuses is no error: its page is what matters.
func approveOn(ctx context.Context, b *browser, s ceremony.Started, pin string) (string, error) {
	page, err := b.sendOnce(ctx, b.url, url.Values{"decision": {"approve"}, "pin": {pin}, "match": {s.Match}})
	if b.status >= 400 && b.status < 500 {
		err = nil
	}
	return page, err
}

// AT-L01: lost abroad. With the lock code, on a borrowed phone, everything stops; the
// counters and the portal refuse with the right words.
func TestLostAbroadNoCounterTakesThePhone(t *testing.T) {
	atCounters(t, func(ctx context.Context, c *counters) error {
		s, b, page, err := c.shows(ctx, c.kiosk)
		if err != nil {
			return err
		}
		if !strings.Contains(words(page), "手形ストア本町店") || !strings.Contains(words(page), "手形市本町1") {
			t.Errorf("the phone does not say where it is: %s", words(page))
		}
		if _, err := approveOn(ctx, b, s, c.own.PhoneAuthPIN); err != nil {
			return err
		}
		if r, err := c.kiosk.sees(ctx, s); err != nil || r.Verdict != ceremony.Passed {
			return fmt.Errorf("before the loss the counter sees %+v, %w", r, err)
		}

		borrowed := newBrowser()
		if page, err = borrowed.open(ctx, c.portal+"/lost"); err != nil {
			return err
		}
		_, people, err := sandbox.People()
		if err != nil {
			return err
		}
		birth := ""
		for _, p := range people {
			if p.ID == resident {
				birth = p.Birth
			}
		}
		if page, err = borrowed.send(ctx, c.portal+"/lost", url.Values{"birth_date": {birth}, "lock_code": {c.lockCode}}); err != nil {
			return err
		}
		if !strings.Contains(page, "スマホを一時停止しました") {
			t.Fatalf("the borrowed phone is not told: %s", words(page))
		}
		for _, counter := range []*terminal{c.kiosk, c.clinic} {
			s, b, _, err := c.shows(ctx, counter)
			if err != nil {
				return err
			}
			if page, err = approveOn(ctx, b, s, c.own.PhoneAuthPIN); err != nil {
				return err
			}
			if !strings.Contains(words(page), "一時停止中") {
				t.Errorf("%s: the phone says %s", counter.id, words(page))
			}
			if r, err := counter.sees(ctx, s); err != nil || r.Verdict == ceremony.Passed || r.Code != "certificate-held" || r.Sub != "" || len(r.Claims) > 0 {
				t.Errorf("%s sees %+v, %v", counter.id, r, err)
			}
		}
		b = newBrowser()
		link, _, err := b.beginLogin(ctx, c.portal, false)
		if err != nil {
			return err
		}
		page, err = b.sendOnce(ctx, c.phone+"/request?"+strings.SplitN(link, "?", 2)[1], url.Values{"decision": {"approve"}, "pin": {c.own.PhoneAuthPIN}})
		if b.status < 400 || !strings.Contains(words(page), "一時停止中") {
			t.Errorf("the portal: status %d, %v, %s", b.status, err, words(page))
		}
		return nil
	})
}

// AT-L09: three wrong PINs in all, at a kiosk, a clinic and the portal, lock the
// authentication certificate; before the third the phone warns.
func TestWrongPINsAddUpOverAllCounters(t *testing.T) {
	atCounters(t, func(ctx context.Context, c *counters) error {
		for i, counter := range []*terminal{c.kiosk, c.clinic} {
			s, b, page, err := c.shows(ctx, counter)
			if err != nil {
				return err
			}
			left := 3 - i
			if want := fmt.Sprintf("あと%d回", left); !strings.Contains(words(page), want) {
				t.Errorf("before try %d the phone does not say %s: %s", i+1, want, words(page))
			}
			if page, err = approveOn(ctx, b, s, "8351"); err != nil {
				return err
			}
			if r, err := counter.sees(ctx, s); err != nil || r.State == ceremony.StateDone {
				t.Errorf("%s has a verdict after a wrong PIN: %+v, %v", counter.id, r, err)
			}
			if i == 1 && !strings.Contains(words(page), "あと1回") {
				t.Errorf("before the last try the phone does not warn: %s", words(page))
			}
		}
		b := newBrowser()
		link, _, err := b.beginLogin(ctx, c.portal, false)
		if err != nil {
			return err
		}
		page, err := b.sendOnce(ctx, c.phone+"/request?"+strings.SplitN(link, "?", 2)[1], url.Values{"decision": {"approve"}, "pin": {"8351"}})
		if err != nil {
			return err
		}
		if !strings.Contains(words(page), "phone-pin-blocked") || !strings.Contains(words(page), "暗証番号を設定し直せます") {
			t.Errorf("after the third the phone says %s", words(page))
		}
		// The right one opens nothing any more, wherever it is typed.
		s, err := c.kiosk.ask(ctx)
		if err != nil {
			return err
		}
		var refusal *exitError
		if _, err := c.tegata(ctx, c.dir, marshal(c.theirs()), "phone", "approve", newPhone, "-request", s.RequestURI, "-match", s.Match, "-secrets", "-"); !errors.As(err, &refusal) {
			t.Errorf("the right PIN after three wrong ones: %v", err)
		}
		if r, err := c.kiosk.sees(ctx, s); err != nil || r.State == ceremony.StateDone {
			t.Errorf("the counter sees %+v, %v", r, err)
		}
		return nil
	})
}
