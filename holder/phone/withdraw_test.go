package phone_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/holder/reader/handover"
	"tegata/internal/ceremony"
	"tegata/internal/pki"
)

// agreedAlone is a phone that has no network any more, and has signed a yes to what the
// terminal handed over: it waits for a second tap.
func agreedAlone(t *testing.T) (w *town, p *phone.Phone, c *checkpoint, at *counter, uri string, a phone.Ask) {
	t.Helper()
	w, p, c, at, uri, a = askedAlone(t)
	if out, err := p.Answer(t.Context(), a.ID, yesTo(t, a)); err != nil || !out.Carry {
		t.Fatalf("%+v, %v", out, err)
	}
	return w, p, c, at, uri, a
}

// askedAlone is a phone that lost its network after a terminal had handed a request over.
func askedAlone(t *testing.T) (w *town, p *phone.Phone, c *checkpoint, at *counter, uri string, a phone.Ask) {
	t.Helper()
	w, p, c = registered(t)
	at = w.counter(c, "till-1", pki.RoleTerminal)
	uri = at.charge()
	w.must(p.Present(t.Context(), at.slot.Addr()))
	w.must(at.handOver(uri))
	h := handed(t, p)
	w.must(h.Err)
	a, err := p.Asked(t.Context(), h.Ask)
	w.must(err)
	waits(t, "the terminal lets go", func() bool { return p.PresentedAt() == "" })
	off := false
	w.must(p.Set(t.Context(), phone.Change{Network: &off}))
	return w, p, c, at, uri, a
}

func yesTo(t *testing.T, a phone.Ask) phone.Reply {
	return phone.Reply{Shown: a.Shown, Approve: true, Unlock: element.Unlock{Password: password(t, phonePassword)}}
}

// What was agreed to without a network is taken back without one, and with no secret: no
// terminal gets it any more, also from a phone that was killed, and the verifier hears the
// refusal as soon as there is a network.
func TestAYesThatWaitsIsTakenBack(t *testing.T) {
	w, p, c, at, uri, a := agreedAlone(t)
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Reason: "whatever"}); !errors.Is(err, phone.ErrReason) {
		t.Errorf("a reason that is none: %v", err)
	}
	out, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Reason: ceremony.ReasonNotMe})
	if err != nil || !out.Withdrawn || out.Carry || out.Approved {
		t.Fatalf("%+v, %v", out, err)
	}
	for _, when := range []string{"at once", "killed and started anew"} {
		w.must(p.Present(t.Context(), at.slot.Addr()))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if got, err := handover.Answer(ctx, at.slot, uri); len(got) > 0 || !errors.Is(err, handover.ErrNotTaken) {
			t.Errorf("%s, the yes is given all the same: %q, %v", when, got, err)
		}
		cancel()
		if _, err := p.Answer(t.Context(), a.ID, yesTo(t, a)); !errors.Is(err, phone.ErrWithdrawn) {
			t.Errorf("%s, agreed to again: %v", when, err)
		}
		if _, err := p.Fetch(t.Context(), uri); !errors.Is(err, phone.ErrWithdrawn) {
			t.Errorf("%s, shown again: %v", when, err)
		}
		if l, err := p.Look(t.Context()); err != nil || len(l.Waiting) != 0 {
			t.Errorf("%s, it waits: %+v, %v", when, l.Waiting, err)
		}
		uses, err := p.Uses(t.Context(), 1)
		if err != nil || uses[0].Result != phone.ResultWithdrawn || uses[0].Code != ceremony.ReasonNotMe || len(uses[0].Data) != 0 {
			t.Errorf("%s, the history says %+v, %v", when, uses, err)
		}
		p = w.restart("a")
	}
	s := w.screen(t)
	s.open("/p/a/history")
	s.at("/p/a/history", "断ることにしました（相手には未送信）")
	if len(c.answers) != 0 || len(c.declined) != 0 {
		t.Fatalf("answers %v, refusals %v", c.answers, c.declined)
	}
	on := true
	w.must(p.Set(t.Context(), phone.Change{Network: &on}))
	if len(c.answers) != 0 || !slices.Equal(c.declined, []string{ceremony.ReasonNotMe}) {
		t.Errorf("answers %v, refusals %v", c.answers, c.declined)
	}
	if uses, err := p.Uses(t.Context(), 1); err != nil || uses[0].Result != phone.ResultRefused || uses[0].Code != ceremony.ReasonNotMe {
		t.Errorf("the history says %+v, %v", uses, err)
	}
	if _, err := p.Asked(t.Context(), a.ID); !errors.Is(err, phone.ErrNoRequest) {
		t.Errorf("it is not over: %v", err)
	}
}

// On the page the refusal is one press, and says what it is worth.
func TestTheScreenTakesBackAYes(t *testing.T) {
	w, _, _, _, _, a := agreedAlone(t)
	s := w.screen(t)
	s.open("/p/a/request/" + a.ID)
	s.press("/p/a/request/"+a.ID, url.Values{"decision": {"refuse"}})
	s.at("/p/a/request/"+a.ID+"/done", "断ることにしました", "もう端末に渡しません", "すでに受け取っていたとき")
	s.open("/p/a/request/" + a.ID) // gone back to
	s.at("/p/a/request/"+a.ID+"/done", "断ることにしました")
	if strings.Contains(s.body, "何も渡していません") {
		t.Error("it promises what nobody knows")
	}
}

// Without a network until the request is over there is nobody to tell, and the history keeps
// saying so.
func TestATakenBackYesLapses(t *testing.T) {
	w, p, c, _, _, a := agreedAlone(t)
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown}); err != nil {
		t.Fatal(err)
	}
	w.pass(ceremony.MaxOnline)
	on := true
	w.must(p.Set(t.Context(), phone.Change{Network: &on}))
	if len(c.answers) != 0 || len(c.declined) != 0 {
		t.Errorf("answers %v, refusals %v", c.answers, c.declined)
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	if !slices.ContainsFunc(uses, func(u phone.Use) bool { return u.Result == phone.ResultWithdrawn }) {
		t.Errorf("the history says %+v", uses)
	}
	if _, err := p.Asked(t.Context(), a.ID); !errors.Is(err, phone.ErrNoRequest) {
		t.Errorf("it is still kept: %v", err)
	}
}

// A verifier that is away is told later, by the phone's own clock.
func TestATakenBackYesIsToldLater(t *testing.T) {
	w, p, c, _, _, a := agreedAlone(t)
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown}); err != nil {
		t.Fatal(err)
	}
	away, usual := &cutLine{next: w.config.Client.Transport}, *w.config.Client
	usual.Transport = away
	w.config.Client = &usual
	away.cut.Store(true)
	p = w.restart("a")
	on := true
	w.must(p.Set(t.Context(), phone.Change{Network: &on}))
	if len(c.declined) != 0 {
		t.Fatalf("refusals %v", c.declined)
	}
	away.cut.Store(false)
	w.must(w.phones.RunDue(t.Context(), w.clock())) // too early
	if len(c.declined) != 0 {
		t.Errorf("without a pause: %v", c.declined)
	}
	w.pass(time.Minute)
	w.must(w.phones.RunDue(t.Context(), w.clock()))
	if !slices.Equal(c.declined, []string{ceremony.ReasonUnwanted}) || len(c.answers) != 0 {
		t.Errorf("refusals %v, answers %v", c.declined, c.answers)
	}
}
