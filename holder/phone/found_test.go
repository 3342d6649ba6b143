package phone_test

import (
	"testing"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// registered is a phone registered with hanako's card, and what suspends it.
func (w *town) suspend(code secret.LockCode) {
	w.t.Helper()
	_, err := w.ra.Suspend(w.t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: code.Groups()}, "x")
	w.must(err)
}

func TestLostFoundAndSignedAgain(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("hanako")
	lock := w.enrol(c, p)
	state := func(n int) string {
		t.Helper()
		l, err := p.Look(t.Context())
		w.must(err)
		return l.Certificates[n].State
	}
	auth, _ := p.Element().Certificate(pki.PhoneAuth)
	w.suspend(lock)
	w.must(p.CheckIn(t.Context()))
	if state(0) != "held" {
		t.Fatalf("lost: %s", state(0))
	}

	// Without the card, with a wrong PIN, and then right.
	if got := code(p.Found(t.Context(), pin(t, cardPIN))); got != "no-card-held" {
		t.Errorf("without the card: %s", got)
	}
	away := w.hold(c, p)
	err := p.Found(t.Context(), pin(t, "9999"))
	if got := problem.From(err); got.Code != "wrong-card-pin" || got.Extra["tries_left"] != 2 {
		t.Errorf("a wrong PIN of the card: %v", err)
	}
	w.must(p.Found(t.Context(), pin(t, cardPIN)))
	if state(0) != "good" {
		t.Errorf("found: %s", state(0))
	}
	if now, _ := p.Element().Certificate(pki.PhoneAuth); string(now) != string(auth) {
		t.Error("the authentication certificate is another one")
	}
	if got := code(p.Found(t.Context(), pin(t, cardPIN))); got != ra.CodeNothingToResume {
		t.Errorf("found twice: %s", got)
	}

	// A new signature certificate, with the card's password and a new one of the phone's.
	terms := w.ra.Terms().Version
	w.must(p.ApplyForSign(t.Context(), password(t, cardPassword), terms, false))
	away()
	if l, err := p.Look(t.Context()); err != nil || l.Stage != phone.StageReissue {
		t.Errorf("applied: %+v, %v", l.Stage, err)
	}
	if got := code(p.MakeKeys(t.Context(), pin(t, phonePIN), password(t, "OTHERPW99"), secret.Password{})); got != phone.ErrNothingOpen.Code {
		t.Errorf("a pair where a signature key was applied for: %s", got)
	}
	p = w.restart("hanako")
	w.must(p.MakeSignKey(t.Context(), password(t, "NEWWORD77"), secret.Password{}))
	l, err := p.Look(t.Context())
	w.must(err)
	if l.Stage != phone.StageRegistered || l.Certificates[1].State != "good" {
		t.Errorf("re-issued: %s %+v", l.Stage, l.Certificates[1].State)
	}
	for old, want := range map[string]bool{phonePassword: false, "NEWWORD77": true} {
		s, err := p.Element().Unlock(element.Unlock{Password: password(t, old)})
		if (err == nil) != want {
			t.Errorf("password %s: %v", map[bool]string{true: "new", false: "old"}[want], err)
		}
		if err == nil {
			s.Close()
		}
	}
	w.now = w.now.Add(time.Minute)
	w.must(p.CheckIn(t.Context()))
}

func TestFoundNeedsTheRightCard(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("hanako")
	lock := w.enrol(c, p)
	w.suspend(lock)
	w.cardKeys = 6
	child := w.card("ken", resident("ken", "手形　健", time.Date(2015, 5, 5, 0, 0, 0, 0, time.UTC)), false)
	away := w.hold(child, p)
	defer away()
	if got := code(p.Found(t.Context(), pin(t, cardPIN))); got != ra.CodeWordCertificate {
		t.Errorf("another person's card: %s", got)
	}
	stranger := w.phone("stranger")
	if got := code(stranger.Found(t.Context(), pin(t, cardPIN))); got != phone.ErrNotRegistered.Code {
		t.Errorf("a phone that was never registered: %s", got)
	}
}
