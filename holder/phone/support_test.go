package phone_test

import (
	"errors"
	"testing"
	"time"

	"tegata/holder/phone"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// seen is what an agent of a helpdesk sees by a number.
func (w *town) seen(number string) (ra.SupportView, error) {
	return w.ra.ViewSupport(w.t.Context(), "helpdesk", ra.SupportQuery{Number: number, Agent: "A-01"})
}

func TestASupportNumberTellsWhereThePersonIs(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("hanako")
	if _, err := p.MakeSupportNumber(t.Context()); !errors.Is(err, phone.ErrNoSupport) {
		t.Fatalf("before any application: %v", err)
	}
	away := w.hold(c, p)
	terms := w.ra.Terms().Version
	w.must(p.Apply(t.Context(), password(t, cardPassword), terms, false))
	away()
	made, err := p.MakeSupportNumber(t.Context())
	w.must(err)
	v, err := w.seen(made.Number)
	w.must(err)
	if v.Stage != string(phone.StageApplied) || v.State != ra.StateApplied || v.CanSuspend || len(v.Certificates) != 0 {
		t.Errorf("after the application: %+v", v)
	}
	w.must(p.MakeKeys(t.Context(), pin(t, phonePIN), password(t, phonePassword), secret.Password{}))
	_, err = p.Register(t.Context())
	w.must(err)
	if code := problem.From(p.Unlock(t.Context(), pin(t, "9999"))); code == nil || code.Code != "wrong-phone-pin" {
		t.Fatalf("a wrong PIN: %v", code)
	}
	again, err := p.MakeSupportNumber(t.Context())
	w.must(err)
	if v, err = w.seen(again.Number); err != nil || v.Stage != string(phone.StageRegistered) || v.Error != "wrong-phone-pin" || v.PINTries != 2 || v.PasswordTries != 5 || v.Biometrics != "off" || !v.CanSuspend {
		t.Errorf("registered, after a wrong PIN: %+v, %v", v, err)
	}
	if got, open := p.SupportNumber(); !open || got != again {
		t.Errorf("the phone shows %+v %v", got, open)
	}
	w.now = w.now.Add(10 * time.Minute)
	if _, open := p.SupportNumber(); open {
		t.Error("ten minutes later the phone still shows it")
	}
	if _, err := w.seen(again.Number); problem.From(err).Code != ra.CodeSupportNumber {
		t.Errorf("ten minutes later: %v", err)
	}
	_, err = p.Stop(t.Context())
	w.must(err)
	if _, err := p.MakeSupportNumber(t.Context()); !errors.Is(err, phone.ErrNoSupport) {
		t.Errorf("wiped: %v", err)
	}
}
