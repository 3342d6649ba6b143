package ra_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// life is a person in a world of their own: a card and a phone that was registered
// with it.
type life struct {
	t *testing.T
	w *world
	c *card
	p *phone
}

// lifeIn begins one in an empty database.
func lifeIn(t *testing.T, db *store.DB) life {
	t.Helper()
	l := life{t: t, w: worldOn(t, db, began)}
	l.c = l.w.issueCard("card-1", hanako(), 0)
	l.p = l.w.newPhone(2)
	l.p.enrol(l.c)
	return l
}

// mustBeWhole checks the audit chain.
func (l life) mustBeWhole() {
	l.t.Helper()
	if err := l.w.db.CheckAudit(l.t.Context()); err != nil {
		l.t.Error(err)
	}
}

func (l life) event(kind ra.EventKind) {
	l.t.Helper()
	if _, err := l.c.event(kind); err != nil {
		l.t.Fatal(err)
	}
}

func (l life) suspend() {
	l.t.Helper()
	if _, err := l.w.ra.Suspend(l.t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(l.p)}, "198.51.100.7"); err != nil {
		l.t.Fatal(err)
	}
}

func (l life) resume() ra.Resumed {
	l.t.Helper()
	got, err := l.p.sendResume(l.p.resumeClaims(l.c.says(l.p, l.c.word(l.p, ra.WordResume))))
	if err != nil {
		l.t.Fatal(err)
	}
	return got
}

// are demands the state of both certificates: "good", "held", or "revoked" with its
// reason.
func (l life) are(auth, sign string) {
	l.t.Helper()
	for i, want := range []string{auth, sign} {
		if got := inWords(l.p.pair()[i]); got != want {
			l.t.Errorf("the %s certificate is %s, want %s", []string{"authentication", "signature"}[i], got, want)
		}
	}
}

var reasons = map[int]string{status.AffiliationChanged: "affiliationChanged", status.Superseded: "superseded",
	status.CessationOfOperation: "cessationOfOperation", status.KeyCompromise: "keyCompromise"}

func inWords(e status.Entry) string {
	switch e.Status {
	case status.Revoked:
		return "revoked " + reasons[e.Reason]
	case status.Held:
		var causes []string
		for _, h := range e.Holds {
			causes = append(causes, string(h.Cause))
		}
		slices.Sort(causes)
		return "held " + strings.Join(causes, "+")
	}
	return string(e.Status)
}

// told are the notices of a kind, each as the days that passed since a moment.
func (l life) told(kind ra.NoticeKind, since time.Time) string {
	l.t.Helper()
	out, err := l.w.ra.Outbox(l.t.Context(), "", 1000)
	if err != nil {
		l.t.Fatal(err)
	}
	var days []string
	for _, n := range out.Notices {
		if n.Kind == kind {
			days = append(days, fmt.Sprint(int(n.At.Sub(since)/day)))
		}
	}
	return strings.Join(days, " ")
}

func (l life) mustTell(kind ra.NoticeKind, since time.Time, days string) {
	l.t.Helper()
	if got := l.told(kind, since); got != days {
		l.t.Errorf("%s was told on days %q, want %q", kind, got, days)
	}
}

// rows are the rows of the table in docs/lifecycle.md, by their first column.
var rows = []struct {
	event string
	does  func(l life)
}{
	{"name, address, birth date or sex changed", func(l life) {
		l.event(ra.EventMoved)
		l.are("good", "revoked affiliationChanged")
		l.mustTell(ra.NoticeSignEnded, l.w.now, "0")
		// Re-issue: onto the same card, then with it into the same phone.
		if err := l.c.moved().reissue("sign-2", 4); err != nil {
			l.t.Fatal(err)
		}
		l.mustTell(ra.NoticeCardSign, l.w.now, "0")
		q := l.p.reissue(l.c, 6)
		l.are("good", "revoked affiliationChanged")
		if e := l.w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Good {
			l.t.Errorf("the new one is %s", e.Status)
		}
	}},
	{"death, emigration", func(l life) {
		emigrant := life{l.t, l.w, l.w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1970, 5, 5, 0, 0, 0, 0, time.UTC)), 4), l.w.newPhone(6)}
		emigrant.p.enrol(emigrant.c)
		emigrant.event(ra.EventEmigrated)
		emigrant.are("revoked cessationOfOperation", "revoked cessationOfOperation")
		l.are("good", "good")
		l.mustTell(ra.NoticeEmigrated, l.w.now, "0")

		before := len(l.w.notices())
		l.event(ra.EventDied)
		l.are("revoked cessationOfOperation", "revoked cessationOfOperation")
		if n := len(l.w.notices()); n != before {
			l.t.Errorf("%d notices were sent to nobody", n-before)
		}
	}},
	{"card renewed", func(l life) {
		newer := l.w.issueCard("card-2", l.c.person, 4)
		l.are("good", "good") // until it is activated
		l.mustTell(ra.NoticeNewCard, l.w.now, "0")
		if _, err := newer.event(ra.EventCardRenewed); err != nil {
			l.t.Fatal(err)
		}
		l.are("revoked superseded", "revoked superseded")
		l.mustTell(ra.NoticeRevoked, l.w.now, "0")
		l.w.newPhone(6).enrol(newer)
	}},
	{"card's certificate revoked or expired", func(l life) {
		for _, kind := range []pki.Kind{pki.CardSign, ""} { // that one alone, and then what is left
			ev := ra.RegisterEvent{ID: randomID(), Person: l.c.person.ID, Kind: ra.EventCardRevoked, Certificate: kind}
			if done, err := l.w.ra.RegisterEvent(l.t.Context(), "city", ev); err != nil || done.Changed != 2 {
				l.t.Fatalf("%s revoked: %+v, %v", kind, done, err)
			}
			if kind == pki.CardSign {
				l.are("good", "revoked cessationOfOperation")
			}
		}
		l.are("revoked cessationOfOperation", "revoked cessationOfOperation")
		l.mustTell(ra.NoticeCardRevoked, l.w.now, "0 0")
		if s, err := l.p.show(); err != nil || s.Ended != ra.EndedCard {
			l.t.Errorf("a phone with nothing left stands at %+v, %v", s, err)
		}

		// Another card expires, and the phone's certificates in the same second.
		second := l.w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1970, 5, 5, 0, 0, 0, 0, time.UTC)), 4)
		p := l.w.newPhone(6)
		p.enrol(second)
		end := second.issued.NotAfter
		p.live(end.Sub(l.w.now) - time.Minute)
		p.mustBe(status.Good, 0)
		for _, e := range p.pair() {
			if !e.NotAfter.Equal(end) {
				l.t.Errorf("the card ends at %v, a certificate of the phone at %v", end, e.NotAfter)
			}
		}
		l.mustTell(ra.NoticeEndsSoon, end.Add(-100*day), "10 70 97") // 90, 30 and 3 days before
		l.w.pass(time.Hour)
		if s, err := p.show(); err != nil || s.Ended != ra.EndedValidity {
			l.t.Errorf("it stands at %+v, %v", s, err)
		}
	}},
	{"new phone registered", func(l life) {
		q := l.w.newPhone(4)
		q.enrol(l.c)
		l.are("revoked superseded", "revoked superseded")
		q.mustBe(status.Good, 0)
		l.mustTell(ra.NoticeRegistered, l.w.now, "0 0")
	}},
	{"holder stops [利用停止]", func(l life) {
		if _, err := l.w.ra.Stop(l.t.Context(), l.p.jws(ra.TypeEnrolment, l.p.claims(ra.StepStop), nil)); err != nil {
			l.t.Fatal(err)
		}
		l.are("revoked cessationOfOperation", "revoked cessationOfOperation")
	}},
	{"lost [紛失]", func(l life) {
		l.suspend()
		l.are("held lost", "held lost")
		l.mustTell(ra.NoticeSuspended, l.w.now, "0")
	}},
	{"signature password forgotten [署名用パスワードを忘れた] (needs card + its password)", func(l life) {
		q := l.p.again(4)
		for _, step := range []func() error{func() error { return q.applyToRenew(l.c) }, q.signKey} {
			if err := step(); err != nil {
				l.t.Fatal(err)
			}
		}
		l.are("good", "good") // until the new one is in the phone
		if err := q.takeOver(); err != nil {
			l.t.Fatal(err)
		}
		l.are("good", "revoked superseded")
		if e := l.w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Good {
			l.t.Errorf("the one with the new key is %s", e.Status)
		}
		l.mustTell(ra.NoticeReissued, l.w.now, "0")
	}},
	{"found [見つかった] (needs card + its PIN on that phone)", func(l life) {
		l.suspend()
		since := l.p.pair()[1].Since
		l.w.pass(3 * day)
		serial := l.p.pair()[0].Serial
		if got := l.resume(); !got.Reissue {
			l.t.Errorf("got %+v", got)
		}
		l.are("good", "revoked superseded")
		if got := l.p.pair(); got[0].Serial != serial || !got[1].Since.Equal(since) {
			l.t.Errorf("the pair is %+v", got)
		}
		q := l.p.reissue(l.c, 4)
		if e := l.w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Good {
			l.t.Errorf("the one with the new key is %s", e.Status)
		}
		l.are("good", "revoked superseded")
		l.mustTell(ra.NoticeReissued, l.w.now, "0")
	}},
	{"on hold 30 days", func(l life) {
		began := l.w.now
		l.suspend()
		since := l.p.pair()[0].Since
		l.w.pass(30*day - time.Minute)
		l.are("held lost", "held lost")
		l.mustTell(ra.NoticeHeldStill, began, "1 14 27")
		l.w.pass(time.Minute)
		l.are("revoked cessationOfOperation", "revoked cessationOfOperation")
		for _, e := range l.p.pair() {
			if !e.Since.Equal(since) {
				l.t.Errorf("revoked as of %v, held since %v", e.Since, since)
			}
		}
		l.mustTell(ra.NoticeRevoked, began, "30")
	}},
	{"no check-in 30 days, or no PIN or biometric unlock 90 days", func(l life) {
		began := l.w.now
		l.w.pass(30*day - time.Minute)
		l.are("good", "good")
		l.mustTell(ra.NoticeSilentSoon, began, "20 27")
		l.w.pass(time.Minute)
		l.are("held silent", "held silent")
		l.mustTell(ra.NoticeSilent, began, "30")
		l.p.live(10 * day)
		l.are("good", "good")
		began = l.w.now
		for range 17 { // checked in with, and not unlocked
			l.w.pass(5 * day)
			if _, err := l.p.checkIn(); err != nil {
				l.t.Fatal(err)
			}
		}
		l.w.pass(5*day - time.Minute)
		l.are("good", "good")
		l.mustTell(ra.NoticeSilentSoon, began, "-20 -13 80 87")
		l.w.pass(time.Minute)
		l.are("held silent", "held silent")
	}},
	{"no check-in 60 days, or no unlock 120 days", func(l life) {
		q := l.w.newPhone(6)
		q.enrol(l.w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1970, 5, 5, 0, 0, 0, 0, time.UTC)), 4))
		pass := func(days int) { // the second phone checks in and is not unlocked
			l.t.Helper()
			for range days / 5 {
				l.w.pass(5 * day)
				if _, err := q.checkIn(); err != nil {
					l.t.Fatal(err)
				}
			}
		}
		pass(55)
		l.w.pass(5*day - time.Minute)
		l.are("held silent", "held silent")
		l.w.pass(time.Minute)
		l.are("revoked cessationOfOperation", "revoked cessationOfOperation")
		q.mustBe(status.Good, 0)
		pass(55)
		l.w.pass(5*day - time.Minute)
		q.mustBe(status.Held, status.CertificateHold, status.Silent)
		l.w.pass(time.Minute)
		q.mustBe(status.Revoked, status.CessationOfOperation)
	}},
	{"same element registered by somebody else, or its reset counter moved", func(l life) {
		taro := l.w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1970, 5, 5, 0, 0, 0, 0, time.UTC)), 4)
		q := l.w.newPhone(6)
		q.element = l.p.element
		q.enrol(taro)
		l.are("revoked cessationOfOperation", "revoked cessationOfOperation")
		q.mustBe(status.Good, 0)
		q.element.ResetCounter++
		if got, err := q.checkIn(); err != nil || got.State != ra.StateEnded {
			l.t.Errorf("after a reset it is answered %+v, %v", got, err)
		}
		q.mustBe(status.Revoked, status.CessationOfOperation)
		l.mustTell(ra.NoticeElementMoved, l.w.now, "0 0")

		keys := manyKeys(l.t)[12:]
		twoCopies(l, taro, l.w.newPhoneWith(keys[0], keys[1]))
	}},
}

func TestEachRowOfTheStateTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/lifecycle.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "| event | authentication certificate | signature certificate | reason |\n|---|---|---|---|\n")
	if !ok {
		t.Fatal("the table is not in docs/lifecycle.md")
	}
	var listed []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 6 {
			listed = append(listed, strings.TrimSpace(cells[1]))
		} else {
			break
		}
	}
	var tested []string
	for _, row := range rows {
		tested = append(tested, row.event)
		t.Run(row.event, func(t *testing.T) {
			storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
				l := lifeIn(t, db)
				row.does(l)
				l.mustBeWhole()
			})
		})
	}
	if !slices.Equal(tested, listed) {
		t.Errorf("the table has the rows\n%q\ntested are\n%q", listed, tested)
	}
}
