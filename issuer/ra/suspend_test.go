package ra_test

import (
	"strconv"
	"testing"
	"time"

	"tegata/internal/secret"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

func TestALockCodeSuspendsAndDoesNothingElse(t *testing.T) {
	w, _, p := registered(t)
	other := w.newPhone(4) // born the same day
	other.enrol(w.issueCard("card-2", resident("twin", "手形　花子", time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC)), 6))
	got, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "198.51.100.7")
	if err != nil || got.State != "held" {
		t.Fatalf("got %+v, %v", got, err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	other.mustBe(status.Good, 0)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: p.code.Groups()}, "198.51.100.7"); err != nil {
		t.Errorf("a second time, with spaces: %v", err)
	}
	if n := count(w.notices(), ra.NoticeSuspended); n != 1 {
		t.Errorf("told %d times", n)
	}
	p.unlocked = w.now
	if _, err := p.checkIn(); err != nil { // the thief's phone is on the line, and that lifts nothing
		t.Fatal(err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	w.pass(30 * day)
	p.mustBe(status.Revoked, status.CessationOfOperation)
}

func TestWrongLockCodesAreLimited(t *testing.T) {
	w, _, p := registered(t)
	try := func(birth string, code secret.LockCode, source string) error {
		var s string
		code.Reveal(func(b []byte) { s = string(b) })
		_, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: birth, LockCode: s}, source)
		return err
	}
	wrong := secret.GenerateLockCode()
	for i := range ra.TriesAllowed {
		got := wantCode(t, try("1980-02-17", wrong, "a"), ra.CodeLockCodeWrong)
		if got.Extra["tries_left"] != ra.TriesAllowed-1-i {
			t.Errorf("after try %d, tries_left is %v", i+1, got.Extra["tries_left"])
		}
		w.now = w.now.Add(time.Minute)
	}
	limited := wantCode(t, try("1980-02-17", p.code, "a"), ra.CodeTooManyTries)
	if limited.Status != 429 || limited.Extra["retry_after"] != int64(55*60+1) {
		t.Errorf("got %+v", limited)
	}
	p.mustBe(status.Good, 0)
	// Who waits does not know whether anybody was born that day.
	for range ra.TriesAllowed {
		wantCode(t, try("1900-01-01", wrong, "a"), ra.CodeLockCodeWrong)
	}
	wantCode(t, try("1900-01-01", wrong, "a"), ra.CodeTooManyTries)
	// The rightful owner elsewhere is not locked out by a stranger.
	if err := try("1980-02-17", p.code, "b"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	w.now = w.now.Add(time.Hour)
	wantCode(t, try("1980-02-17", wrong, "a"), ra.CodeLockCodeWrong) // an hour later
}

// One source cannot walk through the birth dates: its wrong tries are counted
// together too, before anything is compared.
func TestOneSourceCannotWalkTheBirthDates(t *testing.T) {
	w, _, p := registered(t)
	try := func(day int, code, source string) error {
		birth := time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC).AddDate(0, 0, day).Format(time.DateOnly)
		_, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: birth, LockCode: code}, source)
		return err
	}
	var wrong string
	secret.GenerateLockCode().Reveal(func(b []byte) { wrong = string(b) })
	for range ra.TriesPerSource + 5 { // right ones are given back, under both limits
		if err := try(0, digits(p), "a"); err != nil {
			t.Fatal(err)
		}
	}
	for day := range ra.TriesPerSource {
		got := wantCode(t, try(day+1, wrong, "a"), ra.CodeLockCodeWrong)
		if left, want := got.Extra["tries_left"], min(ra.TriesAllowed-1, ra.TriesPerSource-1-day); left != want {
			t.Errorf("after %d tries, tries_left is %v, want %d", day+1, left, want)
		}
		w.now = w.now.Add(time.Minute)
	}
	limited := wantCode(t, try(500, wrong, "a"), ra.CodeTooManyTries)
	if limited.Extra["retry_after"] != int64(40*60+1) {
		t.Errorf("got %+v", limited)
	}
	wantCode(t, try(0, digits(p), "a"), ra.CodeTooManyTries)
	if err := try(0, digits(p), "b"); err != nil {
		t.Errorf("from elsewhere: %v", err)
	}
	w.now = w.now.Add(41 * time.Minute)
	wantCode(t, try(501, wrong, "a"), ra.CodeLockCodeWrong)
}

// A party says where people are who type a lock code there: each has tries of their
// own, and all that it can name have a number of tries together.
func TestThroughAPartyEachSourceHasItsOwnTries(t *testing.T) {
	w, _, p := registered(t)
	var wrong string
	secret.GenerateLockCode().Reveal(func(b []byte) { wrong = string(b) })
	try := func(n int, code, source string) error {
		birth := time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.DateOnly)
		_, err := w.ra.SuspendThrough(t.Context(), "portal", ra.Suspension{BirthDate: birth, LockCode: code, Source: source})
		return err
	}
	for n := range ra.TriesPerSource {
		wantCode(t, try(n+1, wrong, "a"), ra.CodeLockCodeWrong)
	}
	wantCode(t, try(400, wrong, "a"), ra.CodeTooManyTries)
	if err := try(0, digits(p), "b"); err != nil {
		t.Errorf("somebody else at the same party: %v", err)
	}
	for n := range ra.TriesPerParty - ra.TriesPerSource {
		wantCode(t, try(n+1, wrong, "c"+strconv.Itoa(n)), ra.CodeLockCodeWrong)
	}
	wantCode(t, try(1, wrong, "one more"), ra.CodeTooManyTries)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "elsewhere"); err != nil {
		t.Errorf("at the issuer itself: %v", err)
	}
}

func TestASlipOfTheHandCostsNoTry(t *testing.T) {
	w, _, p := registered(t)
	code := []byte(digits(p))
	code[3] = '0' + (code[3]-'0'+1)%10
	for range 20 {
		_, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: string(code)}, "a")
		wantCode(t, err, ra.CodeLockCodeDigit)
	}
	_, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)[:10]}, "a")
	wantCode(t, err, ra.CodeLockCodeFormat)
	_, err = w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "17.2.1980", LockCode: digits(p)}, "a")
	wantCode(t, err, ra.CodeLockCodeFormat)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "a"); err != nil {
		t.Error(err)
	}
}

func TestStoppingRevokesAtOnceAndLeavesAReceipt(t *testing.T) {
	w, c, p := registered(t)
	stop := p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil)
	got, err := w.ra.Stop(t.Context(), stop)
	if err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Revoked, status.CessationOfOperation)
	again, err := w.ra.Stop(t.Context(), stop)
	if err != nil || again != got {
		t.Errorf("answered %+v and then %+v, %v", got, again, err)
	}
	receipt, err := w.ra.Revocation(t.Context(), got.Receipt)
	if err != nil || !receipt.Clear || receipt.Tag != ra.ElementTag(p.element.ID) || receipt.Tag != got.Tag {
		t.Errorf("the receipt shows %+v, %v", receipt, err)
	}
	_, err = w.ra.Revocation(t.Context(), randomID())
	wantCode(t, err, ra.CodeReceiptUnknown)
	// The same element registered once more: the shop must not see green.
	next := w.newPhone(4)
	next.element = p.element
	next.enrol(c)
	if receipt, err = w.ra.Revocation(t.Context(), got.Receipt); err != nil || receipt.Clear {
		t.Errorf("with a good pair on the element the receipt shows %+v, %v", receipt, err)
	}
}
