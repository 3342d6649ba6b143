package desk_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"tegata/holder/card"
	"tegata/holder/card/cardtest"
	"tegata/holder/reader"
	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/services/desk"
)

// office is a desk, one card, and what a test says of both.
type office struct {
	t      *testing.T
	now    time.Time
	desk   *desk.Desk
	slot   *reader.Reader
	made   *cardtest.Made
	pad    *reader.KeyPad
	state  certpath.State
	down   bool              // the status source does not answer
	roster map[string]string // person → staff
	asked  int               // how often somebody asked whose a card is
}

func (o *office) Status(context.Context, *x509.Certificate, *x509.Certificate, time.Time) (certpath.Status, error) {
	if o.down {
		return certpath.Status{}, certpath.ErrNoStatus
	}
	return certpath.Status{State: o.state}, nil
}

func (o *office) Staff(_ context.Context, person string) (desk.Staff, error) {
	if id := o.roster[person]; id != "" {
		return desk.Staff{ID: id}, nil
	}
	return desk.Staff{}, desk.ErrNotStaff
}

// newOffice has the card certified by kind's authority of which the desk knows known.
func newOffice(t *testing.T, change func(*pkitest.Leaf)) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), state: certpath.Good, roster: map[string]string{"jiro": "A-01"}}
	authority := pkitest.NewAuthority(t, pki.CardAuth, pkitest.Key(t, 2), o.now)
	var leaf pkitest.Leaf
	if change != nil {
		change(&leaf)
	}
	o.made = cardtest.Blank(t, cardtest.Options{Under15: true})
	cert := authority.Issue(t, pkitest.Key(t, 0).Public(), leaf)
	if err := o.made.Card.Personalise(card.Personalisation{AuthPIN: o.made.PIN,
		Certificates: map[pki.Kind][]byte{pki.CardAuth: cert.Raw}, Authorities: map[pki.Kind][]byte{pki.CardAuth: authority.Cert.Raw}}); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.slot, err = reader.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.slot.Close() })
	o.desk, err = desk.New(desk.Config{Name: "office:1", Origin: "http://office.localhost", Reader: o.slot, Arc: pki.SandboxArc(),
		Roots: []*x509.Certificate{authority.Cert}, Status: o, Roster: o, Now: func() time.Time { return o.now },
		Whose: func(context.Context, []byte) (string, error) { o.asked++; return "jiro", nil }})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// put puts the card to the reader, and returns what takes it away.
func (o *office) put() (take func()) {
	o.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	o.pad = reader.WithKeyPad(o.made.Card)
	done := make(chan error, 1)
	go func() { done <- reader.Insert(ctx, o.slot.Addr(), o.pad) }()
	limit, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	tap, err := o.slot.Wait(limit)
	if err != nil {
		o.t.Fatal(err)
	}
	taken := false
	take = func() {
		if taken {
			return
		}
		taken = true
		cancel()
		<-done
		<-tap.Removed()
	}
	o.t.Cleanup(take)
	return take
}

func (o *office) begin(earlier string) string {
	o.t.Helper()
	token, err := o.desk.Begin(earlier)
	if err != nil {
		o.t.Fatal(err)
	}
	return token
}

func (o *office) step(token string, want desk.State) desk.Progress {
	o.t.Helper()
	p, err := o.desk.Step(o.t.Context(), token)
	if err != nil || p.State != want {
		o.t.Fatalf("%+v, %v; want %s", p, err, want)
	}
	return p
}

// number is what a waiting browser shows.
func (o *office) number(token string) string {
	o.t.Helper()
	p, err := o.desk.Step(o.t.Context(), token)
	if err != nil || len(p.Number) != 2 {
		o.t.Fatalf("%+v, %v", p, err)
	}
	return p.Number
}

// enter is somebody signing in.
func (o *office) enter() (token string, take func()) {
	o.t.Helper()
	token = o.begin("")
	o.step(token, desk.StatePut)
	take = o.put()
	o.step(token, desk.StatePIN)
	o.pad.Type(o.number(token), o.made.PIN)
	o.step(token, desk.StateIn)
	return token, take
}

func (o *office) refused(err error, want *problem.Problem) {
	o.t.Helper()
	if !errors.Is(err, want) {
		o.t.Fatalf("got %v, want %s", err, want.Code)
	}
}

func TestASessionLivesWhileTheCardLiesThere(t *testing.T) {
	o := newOffice(t, nil)
	token, take := o.enter()
	staff, err := o.desk.Signed(t.Context(), token)
	if err != nil || staff.ID != "A-01" {
		t.Fatalf("%+v, %v", staff, err)
	}
	_, err = o.desk.Signed(t.Context(), "another browser")
	o.refused(err, desk.ErrNotSignedIn)
	_, err = o.desk.Signed(t.Context(), "")
	o.refused(err, desk.ErrNotSignedIn)
	_, err = o.desk.Begin("another browser") // nobody takes over
	o.refused(err, desk.ErrTaken)
	if _, err := o.desk.Signed(t.Context(), token); err != nil {
		t.Fatalf("after another browser tried: %v", err)
	}
	take()
	_, err = o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrCardTaken)
	o.put() // the card comes back, and opens nothing by itself
	_, err = o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrCardTaken)
	_, err = o.desk.Signed(t.Context(), "another browser")
	o.refused(err, desk.ErrNotSignedIn)
}

func TestASessionEndsWithoutAPress(t *testing.T) {
	o := newOffice(t, nil)
	token, _ := o.enter()
	for range 3 {
		o.now = o.now.Add(desk.IdleTime - time.Minute)
		if _, err := o.desk.Signed(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	o.now = o.now.Add(desk.IdleTime - time.Minute)
	if _, err := o.desk.Peek(t.Context(), token); err != nil { // a page that asks by itself is no press
		t.Fatal(err)
	}
	o.now = o.now.Add(time.Minute)
	_, err := o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrIdle)
}

func TestACardThatLayThereMustBePutAnew(t *testing.T) {
	o := newOffice(t, nil)
	take := o.put()
	token := o.begin("")
	o.pad.Type(o.number(token), o.made.PIN)
	o.step(token, desk.StateTake)
	take()
	o.step(token, desk.StatePut)
	o.put()
	o.step(token, desk.StatePIN) // what was typed before is gone with the card
	o.pad.Type(o.number(token), o.made.PIN)
	o.step(token, desk.StateIn)
}

func TestAnEntryLastsTwoMinutes(t *testing.T) {
	o := newOffice(t, nil)
	token := o.begin("")
	again := o.begin(token) // pressed once more
	_, err := o.desk.Step(t.Context(), token)
	o.refused(err, desk.ErrNotSignedIn)
	o.step(again, desk.StatePut)
	_, err = o.desk.Step(t.Context(), "another browser")
	o.refused(err, desk.ErrNotSignedIn)
	o.now = o.now.Add(desk.EntryTime)
	_, err = o.desk.Step(t.Context(), again)
	o.refused(err, desk.ErrEntryOver)
	o.begin("")
}

func TestAWrongPINIsSaidWithTheTriesLeft(t *testing.T) {
	o := newOffice(t, nil)
	token := o.begin("")
	o.put()
	for left := 2; left > 0; left-- {
		o.pad.Type(o.number(token), cardtest.PIN(t, "0000"))
		p := o.step(token, desk.StatePIN)
		if got := problem.From(p.Wrong).Extra["tries_left"]; got != left {
			t.Errorf("tries left: %v, want %d", got, left)
		}
		if p = o.step(token, desk.StatePIN); p.Wrong == nil {
			t.Error("what was wrong is forgotten")
		}
	}
	o.pad.Type(o.number(token), cardtest.PIN(t, "0000"))
	_, err := o.desk.Step(t.Context(), token)
	o.refused(err, desk.ErrPINBlocked)
}

func TestNobodyGetsInWhoIsNotChecked(t *testing.T) {
	for name, c := range map[string]struct {
		leaf   func(*pkitest.Leaf)
		office func(*office)
		want   *problem.Problem
	}{
		"not on the roster":     {nil, func(o *office) { o.roster = nil }, desk.ErrNotStaff},
		"on hold":               {nil, func(o *office) { o.state = certpath.Held }, desk.ErrCardBad},
		"revoked":               {nil, func(o *office) { o.state = certpath.Revoked }, desk.ErrCardBad},
		"unknown":               {nil, func(o *office) { o.state = certpath.Unknown }, desk.ErrCardUnchecked},
		"no status":             {nil, func(o *office) { o.down = true }, desk.ErrCardUnchecked},
		"expired":               {func(l *pkitest.Leaf) { l.NotAfter = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }, nil, desk.ErrCardBad},
		"a certificate to sign": {func(l *pkitest.Leaf) { l.Policy = pki.SandboxArc().Policy(pki.CardSign) }, nil, desk.ErrNoCard},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, c.leaf)
			if c.office != nil {
				c.office(o)
			}
			token := o.begin("")
			take := o.put()
			o.pad.Type(o.number(token), o.made.PIN)
			p, err := o.desk.Step(t.Context(), token)
			if c.want == desk.ErrCardUnchecked { // nothing was decided: the card may be put again
				o.refused(p.Wrong, c.want)
				o.pad.Type(p.Number, o.made.PIN)
				o.step(token, desk.StateTake)
				take()
				o.step(token, desk.StatePut)
				o.put()
				o.state, o.down = certpath.Good, false
				o.pad.Type(p.Number, o.made.PIN)
				o.step(token, desk.StateIn)
				return
			}
			o.refused(err, c.want)
			_, err = o.desk.Step(t.Context(), token)
			o.refused(err, c.want)
			_, err = o.desk.Signed(t.Context(), token)
			o.refused(err, desk.ErrNotSignedIn)
		})
	}
}

func TestASessionIsCheckedAgain(t *testing.T) {
	o := newOffice(t, nil)
	token, _ := o.enter()
	o.now = o.now.Add(6 * time.Minute)
	o.down = true
	_, err := o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrCardUnchecked)
	o.down = false
	if _, err := o.desk.Signed(t.Context(), token); err != nil { // nothing was decided
		t.Fatal(err)
	}
	o.now = o.now.Add(6 * time.Minute)
	o.state = certpath.Held
	_, err = o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrCardBad)
	o.state = certpath.Good
	_, err = o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrCardBad) // it stays ended
}

func TestWhoIsStruckOffTheRosterIsOutAtOnce(t *testing.T) {
	o := newOffice(t, nil)
	token, _ := o.enter()
	o.roster = nil
	_, err := o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrNotStaff)
}

func TestLeavingEndsASession(t *testing.T) {
	o := newOffice(t, nil)
	token, _ := o.enter()
	o.desk.Leave("another browser")
	if _, err := o.desk.Signed(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	o.desk.Leave(token)
	_, err := o.desk.Signed(t.Context(), token)
	o.refused(err, desk.ErrNotSignedIn)
	o.step(o.begin(""), desk.StateTake) // and the card must be put anew
}

func TestAReaderWithoutAKeyPadLetsNobodyIn(t *testing.T) {
	o := newOffice(t, nil)
	token := o.begin("")
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- reader.Insert(ctx, o.slot.Addr(), o.made.Card) }()
	t.Cleanup(func() { cancel(); <-done })
	if _, err := o.slot.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.refused(o.step(token, desk.StateTake).Wrong, desk.ErrNoKeyPad)
}
