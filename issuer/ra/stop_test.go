package ra_test

import (
	"strings"
	"testing"
	"time"

	"tegata/issuer/ra"
	"tegata/issuer/status"
)

// stopBy gives the phone up by a step.
func (p *phone) stopBy(step ra.StepName) (ra.Stopped, error) {
	return p.w.ra.Stop(p.w.t.Context(), p.jws(ra.TypeEnrolment, p.claims(step), nil))
}

// A phone that was wiped without a line left an order behind: it counts weeks later,
// and does what it was signed for and nothing else.
func TestAnOrderToStopArrivesLate(t *testing.T) {
	w, _, p := registered(t)
	p.unlocked = w.now
	order := p.jws(ra.TypeEnrolment, p.claims(ra.StepStopLate), nil)
	w.pass(20 * day)
	first, err := w.ra.Stop(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Revoked, status.CessationOfOperation)
	if again, err := w.ra.Stop(t.Context(), order); err != nil || again != first {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	if r, err := w.ra.Revocation(t.Context(), first.Receipt); err != nil || !r.Clear {
		t.Errorf("the receipt shows %+v, %v", r, err)
	}

	w, _, p = registered(t)
	late := p.jws(ra.TypeEnrolment, p.claims(ra.StepStopLate), nil)
	soon := p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil)
	w.pass(time.Hour)
	_, err = w.ra.Stop(t.Context(), soon)
	wantCode(t, err, ra.CodeStepStale) // only an order that says so may be old
	w.now = w.now.Add(-2 * time.Hour)
	_, err = w.ra.Stop(t.Context(), late)
	wantCode(t, err, ra.CodeStepStale) // nor may it come from the future
	w.now = w.now.Add(ra.StopLateWindow + 3*time.Hour)
	_, err = w.ra.Stop(t.Context(), late)
	wantCode(t, err, ra.CodeStepStale)
	_, err = w.ra.CheckIn(t.Context(), late)
	wantCode(t, err, ra.CodeBadStep)
}

// A phone whose person has a new one gets a receipt all the same.
func TestASupersededPhoneGetsItsReceipt(t *testing.T) {
	w, c, p := registered(t)
	_, err := p.stopBy(ra.StepReceipt)
	wantCode(t, err, ra.CodeStepOutOfOrder) // it is in use: a receipt ends nothing
	p.mustBe(status.Good, 0)
	next := w.newPhone(4)
	next.enrol(c)
	p.mustBe(status.Revoked, status.Superseded)
	_, err = p.stopBy(ra.StepStop)
	wantCode(t, err, ra.CodeEnrolmentEnded)
	got, err := p.stopBy(ra.StepReceipt)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.stopBy(ra.StepReceipt); err != nil || again != got {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	if r, err := w.ra.Revocation(t.Context(), got.Receipt); err != nil || !r.Clear || r.Tag != ra.ElementTag(p.element.ID) {
		t.Errorf("the receipt shows %+v, %v", r, err)
	}
	next.mustBe(status.Good, 0)
	p.mustBe(status.Revoked, status.Superseded) // as before
	// One that was never registered has nothing to show.
	never := w.newPhone(6)
	if err := never.apply(c, false); err != nil {
		t.Fatal(err)
	}
	if _, err := never.stopBy(ra.StepStop); err != nil {
		t.Fatal(err)
	}
}

// The phone is switched off, or sold already: its owner's card ends it for good.
func TestAPhoneIsRevokedByItsOwnersCard(t *testing.T) {
	w, c, p := registered(t)
	say := func(c *card, purpose ra.WordPurpose) (ra.Stopped, error) {
		return w.ra.StopByCard(t.Context(), c.says(p, c.word(nil, purpose)))
	}
	_, err := say(c, ra.WordSuspend)
	wantCode(t, err, ra.CodeWordMalformed) // what was said to suspend never revokes
	other := hanako()
	other.ID = "somebody-else"
	_, err = say(w.issueCard("card-9", other, 6), ra.WordRevoke)
	wantCode(t, err, ra.CodeNoPhone)
	p.mustBe(status.Good, 0)

	word := c.says(p, c.word(nil, ra.WordRevoke))
	got, err := w.ra.StopByCard(t.Context(), word)
	if err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Revoked, status.CessationOfOperation)
	_, err = w.ra.StopByCard(t.Context(), word)
	wantCode(t, err, ra.CodeApplicationReplayed)
	if again, err := say(c, ra.WordRevoke); err != nil || again != got { // its answer was lost
		t.Errorf("said again: %+v, %v", again, err)
	}
	if r, err := w.ra.Revocation(t.Context(), got.Receipt); err != nil || !r.Clear || r.Tag != ra.ElementTag(p.element.ID) {
		t.Errorf("the receipt shows %+v, %v", r, err)
	}
	if n := count(w.notices(), ra.NoticeRevoked); n != 1 {
		t.Errorf("told %d times", n)
	}
	// The old receipt stays the old phone's when there is a new one.
	next := w.newPhone(4)
	next.enrol(c)
	if second, err := say(c, ra.WordRevoke); err != nil || second.Receipt == got.Receipt || second.Tag == got.Tag {
		t.Errorf("the next phone: %+v, %v", second, err)
	}
	next.mustBe(status.Revoked, status.CessationOfOperation)
}

// Whoever has a copy of the element counts on with it; the owner's order, now or late,
// ends both all the same.
func TestACopyKeepsNobodyFromEndingThePhone(t *testing.T) {
	for _, step := range []ra.StepName{ra.StepStop, ra.StepStopLate} {
		w, _, p := registered(t)
		order := p.jws(ra.TypeEnrolment, p.claims(step), nil)
		copied := *p
		for range 3 {
			if _, err := copied.checkIn(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.ra.Stop(t.Context(), order)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		p.mustBe(status.Revoked, status.CessationOfOperation)
		if s, err := p.show(); err != nil || s.Ended != ra.EndedStopped {
			t.Errorf("%s: it stands at %+v, %v", step, s, err)
		}
		if again, err := w.ra.Stop(t.Context(), order); err != nil || again != got {
			t.Errorf("%s: sent again: %+v, %v", step, again, err)
		}
		if trail, err := w.auditTrail(); err != nil || strings.Count(trail, "counter behind") != 1 {
			t.Errorf("%s: the audit records do not say once that the counter was behind: %v", step, err)
		}
	}
}
