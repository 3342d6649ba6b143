package ra_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/issuer/ra"
	"tegata/issuer/status"
)

const day = 24 * time.Hour

// registered is a person with a card and a registered phone.
func registered(t *testing.T) (*world, *card, *phone) {
	t.Helper()
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	p.enrol(c)
	return w, c, p
}

func TestAnApplicationNotRegisteredWithinADayEnds(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	if err := p.apply(c, false); err != nil {
		t.Fatal(err)
	}
	if err := p.keys(); err != nil {
		t.Fatal(err)
	}
	w.pass(day - time.Minute)
	p.mustBe(status.Held, status.CertificateHold, status.Unregistered)
	heldSince := p.pair()[0].Since
	w.pass(time.Minute)
	p.mustBe(status.Revoked, status.CessationOfOperation)
	// No signature made while it was on hold may look valid later.
	if e := p.pair()[0]; !e.Since.Equal(heldSince) {
		t.Errorf("revoked as of %v, want the beginning of the hold %v", e.Since, heldSince)
	}
	if got := w.notices(); !slices.Contains(got, ra.NoticeExpired) {
		t.Errorf("told %v", got)
	}
	s, err := p.show()
	if err != nil || s.State != ra.StateEnded || s.Ended != ra.EndedExpired {
		t.Errorf("it stands at %+v, %v", s, err)
	}
	// The person is free to apply again, without being asked about an open one.
	if err := w.newPhone(4).apply(c, false); err != nil {
		t.Error(err)
	}
}

func TestAPhoneThatNobodyUsesIsHeldAndThenRevoked(t *testing.T) {
	w, _, p := registered(t)
	w.pass(20*day - time.Hour)
	if got := w.notices(); slices.Contains(got, ra.NoticeSilentSoon) {
		t.Errorf("warned too early: %v", got)
	}
	w.pass(2 * time.Hour)
	w.pass(7 * day)
	if got := count(w.notices(), ra.NoticeSilentSoon); got != 2 {
		t.Errorf("warned %d times before the hold, want on days 20 and 27", got)
	}
	p.mustBe(status.Good, 0)
	w.pass(3 * day)
	p.mustBe(status.Held, status.CertificateHold, status.Silent)
	w.pass(29 * day)
	p.mustBe(status.Held, status.CertificateHold, status.Silent)
	if got := count(w.notices(), ra.NoticeHeldStill); got != 3 {
		t.Errorf("told %d times of the hold, want on days 1, 14 and 27", got)
	}
	w.pass(day)
	p.mustBe(status.Revoked, status.CessationOfOperation)
	if got := count(w.notices(), ra.NoticeRevoked); got != 1 {
		t.Errorf("told %d times of the end", got)
	}
	_, err := p.checkIn()
	if got := wantCode(t, err, ra.CodeEnrolmentEnded); got.Extra["ended"] != string(ra.EndedSilent) {
		t.Errorf("the phone was told %v", got.Extra)
	}
	w.pass(3650 * day)
	if got := count(w.notices(), ra.NoticeRevoked); got != 1 {
		t.Errorf("told %d times of the end", got)
	}
}

// A stolen phone that is switched on is used every day, and not unlocked: what its owner
// is told of the end is true of it too.
func TestTheEndOfASilenceIsToldTruly(t *testing.T) {
	w, _, p := registered(t)
	for range 12 {
		w.pass(10 * day)
		p.checkIn()
	}
	p.mustBe(status.Revoked, status.CessationOfOperation)
	out, err := w.ra.Outbox(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	last := out.Notices[len(out.Notices)-1]
	if last.Kind != ra.NoticeRevoked || !strings.Contains(last.JA.Body, "か、120日以上") || !strings.Contains(last.EN.Body, "or not unlocked for 120") {
		t.Errorf("told %+v", last)
	}
}

// Of two holds the earlier was lifted: what is told of the other is how long that one
// has lasted.
func TestANoticeOfAHoldSaysItsTrueAge(t *testing.T) {
	w, _, p := registered(t)
	w.pass(31 * day) // silent since day 30
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
		t.Fatal(err)
	}
	w.pass(12 * day)
	p.unlocked = w.now
	if got, err := p.checkIn(); err != nil || !slices.Equal(got.Holds, []string{"lost"}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	w.pass(time.Hour)
	out, err := w.ra.Outbox(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(out.Notices, func(n ra.Notice) bool { return strings.Contains(n.JA.Body, "一時停止から12日") }) {
		t.Errorf("told %+v", out.Notices)
	}
}

// live lets time pass in which the phone is used: unlocked and checked in with every
// ten days.
func (p *phone) live(d time.Duration) {
	p.w.t.Helper()
	for ; d > 0; d -= 10 * day {
		p.w.pass(min(d, 10*day))
		p.unlocked = p.w.now
		if _, err := p.checkIn(); err != nil {
			p.w.t.Fatal(err)
		}
	}
}

func count(all []ra.NoticeKind, k ra.NoticeKind) int {
	n := 0
	for _, x := range all {
		if x == k {
			n++
		}
	}
	return n
}

func TestCheckInsKeepALeaseAndUnlocksKeepIt(t *testing.T) {
	w, _, p := registered(t)
	// A stolen phone that is switched on checks in for months, and nobody unlocks it.
	for range 8 {
		w.pass(10 * day)
		if _, err := p.checkIn(); err != nil {
			t.Fatal(err)
		}
	}
	p.mustBe(status.Good, 0)
	if got := count(w.notices(), ra.NoticeSilentSoon); got != 1 {
		t.Errorf("warned %d times, want once, ten days before", got)
	}
	w.pass(9 * day)
	p.checkIn()
	w.pass(day)
	p.mustBe(status.Held, status.CertificateHold, status.Silent) // 90 days
	got, err := p.checkIn()
	if err != nil || !slices.Contains(got.Holds, "silent") {
		t.Fatalf("a check-in without an unlock answered %+v, %v", got, err)
	}
	w.pass(day)
	p.unlocked = w.now
	w.now = w.now.Add(time.Minute)
	if got, err = p.checkIn(); err != nil || len(got.Holds) != 0 {
		t.Fatalf("unlock and check-in answered %+v, %v", got, err)
	}
	p.mustBe(status.Good, 0)
	if got := count(w.notices(), ra.NoticeResumed); got != 1 {
		t.Errorf("told %d times that it resumed", got)
	}
	w.pass(29 * day)
	p.mustBe(status.Good, 0)
}

func TestACopyOfAnElementIsNoticed(t *testing.T) {
	w, _, p := registered(t)
	if _, err := p.checkIn(); err != nil {
		t.Fatal(err)
	}
	clone := *p // everything put back together: no software notices that alone
	w.now = w.now.Add(time.Hour)
	first := p.checkInClaims()
	message := p.jws(ra.TypeCheckIn, first, nil)
	a, err := w.ra.CheckIn(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	b, err := w.ra.CheckIn(t.Context(), message) // the line broke and the phone sends it again
	if err != nil || !b.At.Equal(a.At) || len(b.Holds) != 0 {
		t.Fatalf("the same check-in again answered %+v, %v; first %+v", b, err, a)
	}
	p.mustBe(status.Good, 0)
	got, err := clone.checkIn()
	if err != nil || !slices.Contains(got.Holds, "suspected") {
		t.Fatalf("the copy's check-in answered %+v, %v", got, err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Suspected)
	if got, err = p.checkIn(); err != nil || !slices.Contains(got.Holds, "suspected") {
		t.Fatalf("a good check-in lifted the suspicion: %+v, %v", got, err)
	}
	if n := count(w.notices(), ra.NoticeSuspected); n != 1 {
		t.Errorf("told %d times", n)
	}
	w.pass(30 * day)
	p.mustBe(status.Revoked, status.CessationOfOperation)
}

func TestCheckInsThatAreRefusedOrHeld(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(p *phone, c *ra.CheckInClaims)
		code ra.Code
		hold status.Cause
		gone bool
	}{
		{name: "signed for another issuer", do: func(p *phone, c *ra.CheckInClaims) { c.Aud = "x" }, code: ra.CodeStepAudience},
		{name: "an enrolment's step", do: func(p *phone, c *ra.CheckInClaims) { c.Step = ra.StepShow }, code: ra.CodeStepMismatch},
		{name: "old", do: func(p *phone, c *ra.CheckInClaims) { c.IAT -= 3600 }, code: ra.CodeStepStale},
		{name: "a counter beyond all reason", do: func(p *phone, c *ra.CheckInClaims) { c.Ctr = 1 << 63 }, code: ra.CodeBadStep},
		{name: "the counter of the registration", do: func(p *phone, c *ra.CheckInClaims) { c.Ctr-- }, hold: status.Suspected},
		{name: "a reset counter that went back", do: func(p *phone, c *ra.CheckInClaims) { c.ResetCounter-- }, hold: status.Suspected},
		{name: "a reset counter that moved", do: func(p *phone, c *ra.CheckInClaims) { c.ResetCounter++ }, gone: true},
		{name: "a system that is no longer the maker's", do: func(p *phone, c *ra.CheckInClaims) { c.VerifiedBoot = "self-signed" }, hold: status.Suspected},
		{name: "an open boot loader", do: func(p *phone, c *ra.CheckInClaims) { c.DeviceLocked = new(false) }, hold: status.Suspected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			c := w.issueCard("card-1", hanako(), 0)
			p := w.newPhone(2)
			p.element.ResetCounter = 3
			p.enrol(c)
			claims := p.checkInClaims()
			tt.do(p, &claims)
			_, err := p.sendCheckIn(claims)
			switch {
			case tt.code != "":
				wantCode(t, err, tt.code)
				p.mustBe(status.Good, 0)
			case err != nil:
				t.Fatal(err)
			case tt.gone:
				p.mustBe(status.Revoked, status.CessationOfOperation)
			default:
				p.mustBe(status.Held, status.CertificateHold, tt.hold)
			}
		})
	}
}

func TestAnElementServesOnePerson(t *testing.T) {
	t.Run("registered by somebody else, the older pair ends", func(t *testing.T) {
		w, _, p := registered(t)
		other := w.newPhone(4)
		other.element = p.element
		d := w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1970, 5, 5, 0, 0, 0, 0, time.UTC)), 6)
		if err := other.apply(d, false); err != nil {
			t.Fatal(err)
		}
		p.mustBe(status.Good, 0)
		if err := other.keys(); err != nil {
			t.Fatal(err)
		}
		if err := other.register(); err != nil {
			t.Fatal(err)
		}
		p.mustBe(status.Revoked, status.CessationOfOperation)
		other.mustBe(status.Good, 0)
		if n := count(w.notices(), ra.NoticeElementMoved); n != 1 {
			t.Errorf("the first person was told %d times", n)
		}
	})
	t.Run("applied for after a reset, the older pair ends at once", func(t *testing.T) {
		w, c, p := registered(t)
		again := w.newPhone(4)
		again.element = p.element
		again.element.ResetCounter++
		if err := again.apply(c, false); err != nil {
			t.Fatal(err)
		}
		p.mustBe(status.Revoked, status.CessationOfOperation)
	})
}
