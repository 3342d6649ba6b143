package ra_test

import (
	"slices"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

func TestRegisterEvents(t *testing.T) {
	cardState := func(w *world, c *card, want ...status.Status) {
		t.Helper()
		got := []status.Status{w.status(c.issued.Certificates.Auth, pki.CardAuth).Status, w.status(c.issued.Certificates.Sign, pki.CardSign).Status}
		if !slices.Equal(got, want) {
			t.Errorf("the card's certificates are %v, want %v", got, want)
		}
	}
	must := func(t *testing.T, c *card, kind ra.EventKind, changed int) {
		t.Helper()
		done, err := c.event(kind)
		if err != nil || done.Changed != changed {
			t.Fatalf("%s: %+v, %v; want %d changed", kind, done, err, changed)
		}
	}
	t.Run("moved: signature certificates end, authentication stays", func(t *testing.T) {
		w, c, p := registered(t)
		must(t, c, ra.EventMoved, 2)
		cardState(w, c, status.Good, status.Revoked)
		auth, sign := p.pair()[0], p.pair()[1]
		if auth.Status != status.Good || sign.Status != status.Revoked || sign.Reason != status.AffiliationChanged {
			t.Errorf("the phone's are %s and %s (%d)", auth.Status, sign.Status, sign.Reason)
		}
		if _, err := p.checkIn(); err != nil {
			t.Errorf("the phone's lease ended: %v", err)
		}
		if n := count(w.notices(), ra.NoticeSignEnded); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
	t.Run("died: everything ends, nobody is written to", func(t *testing.T) {
		w, c, p := registered(t)
		before := len(w.notices())
		must(t, c, ra.EventDied, 4)
		cardState(w, c, status.Revoked, status.Revoked)
		p.mustBe(status.Revoked, status.CessationOfOperation)
		if n := len(w.notices()); n != before {
			t.Errorf("%d notices were sent", n-before)
		}
		_, err := c.event(ra.EventMoved)
		wantCode(t, err, ra.CodeEventNotApplicable)
	})
	t.Run("card lost and found: the phone goes on", func(t *testing.T) {
		w, c, p := registered(t)
		_, err := c.event(ra.EventCardFound)
		wantCode(t, err, ra.CodeEventNotApplicable)
		must(t, c, ra.EventCardLost, 2)
		cardState(w, c, status.Held, status.Held)
		p.mustBe(status.Good, 0)
		must(t, c, ra.EventCardFound, 2)
		cardState(w, c, status.Good, status.Good)
	})
	t.Run("card renewed: the old card and the phone end when the new one is activated", func(t *testing.T) {
		w, c, p := registered(t)
		_, err := c.event(ra.EventCardRenewed)
		wantCode(t, err, ra.CodeEventNotApplicable)
		fresh := w.issueCard("card-2", hanako(), 4)
		cardState(w, c, status.Good, status.Good)
		must(t, fresh, ra.EventCardRenewed, 4)
		cardState(w, c, status.Revoked, status.Revoked)
		cardState(w, fresh, status.Good, status.Good)
		p.mustBe(status.Revoked, status.Superseded)
		q := w.newPhone(6)
		q.enrol(fresh)
		q.mustBe(status.Good, 0)
	})
	t.Run("card renewed: a phone with the new card that got a signature certificate by the old one ends", func(t *testing.T) {
		w := newWorld(t)
		old := w.issueCard("card-1", hanako(), 0)
		fresh := w.issueCard("card-2", hanako(), 2)
		p := w.newPhone(4)
		p.enrol(fresh)
		if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := p.sendResume(p.resumeClaims(old.says(p, old.word(p, ra.WordResume)))); err != nil {
			t.Fatal(err)
		}
		q := p.reissue(old, 6)
		must(t, fresh, ra.EventCardRenewed, 4)
		if auth, sign := p.pair()[0], w.status(q.issued.Certificates.Sign, pki.PhoneSign); auth.Reason != status.Superseded || sign.Reason != status.Superseded {
			t.Errorf("got %+v, %+v", auth, sign)
		}
	})
	t.Run("card revoked: the phone's same certificates end with it", func(t *testing.T) {
		w, c, p := registered(t)
		fresh := w.issueCard("card-2", hanako(), 4)
		must(t, fresh, ra.EventCardRevoked, 2) // the one that was not handed over, and no phone hangs on
		p.mustBe(status.Good, 0)
		_, err := fresh.event(ra.EventCardRevoked)
		wantCode(t, err, ra.CodeEventNotApplicable)
		ev := ra.RegisterEvent{ID: "ev-1", Person: c.person.ID, Kind: ra.EventCardRevoked, Card: c.id}
		if done, err := w.ra.RegisterEvent(t.Context(), "city", ev); err != nil || done.Changed != 4 {
			t.Fatalf("%+v, %v; want 4 changed", done, err)
		}
		cardState(w, c, status.Revoked, status.Revoked)
		p.mustBe(status.Revoked, status.CessationOfOperation)
		ev = ra.RegisterEvent{ID: "ev-2", Person: c.person.ID, Kind: ra.EventCardRevoked, Certificate: pki.PhoneSign}
		_, err = w.ra.RegisterEvent(t.Context(), "city", ev)
		wantCode(t, err, ra.CodeBadRequest)
	})
	t.Run("card revoked: a signature certificate follows the card that it came from", func(t *testing.T) {
		w, _, p := found(t)
		newer := w.issueCard("card-2", hanako(), 6)
		q := p.reissue(newer, 4)
		must(t, newer, ra.EventCardRevoked, 3)
		if auth, sign := p.pair()[0], w.status(q.issued.Certificates.Sign, pki.PhoneSign); auth.Status != status.Good || sign.Status != status.Revoked {
			t.Errorf("the phone's are %s and %s", auth.Status, sign.Status)
		}
	})
	t.Run("card revoked: an open application ends", func(t *testing.T) {
		w := newWorld(t)
		c := w.issueCard("card-1", hanako(), 0)
		p := w.newPhone(2)
		if err := p.apply(c, false); err != nil {
			t.Fatal(err)
		}
		must(t, c, ra.EventCardRevoked, 2)
		wantCode(t, p.keys(), ra.CodeEnrolmentEnded)
	})
	t.Run("sent again, an event changes nothing and answers the same", func(t *testing.T) {
		w, c, _ := registered(t)
		ev := ra.RegisterEvent{ID: "ev-1", Person: c.person.ID, Kind: ra.EventCardLost}
		first, err := w.ra.RegisterEvent(t.Context(), "city", ev)
		if err != nil {
			t.Fatal(err)
		}
		must(t, c, ra.EventCardFound, 2)
		w.now = w.now.Add(time.Hour)
		again, err := w.ra.RegisterEvent(t.Context(), "city", ev)
		if err != nil || again != first {
			t.Errorf("answered %+v and then %+v, %v", first, again, err)
		}
		cardState(w, c, status.Good, status.Good)
		ev.Kind = ra.EventDied
		_, err = w.ra.RegisterEvent(t.Context(), "city", ev)
		wantCode(t, err, ra.CodeEventConflict)
	})
	t.Run("events that do not make sense are refused", func(t *testing.T) {
		w, c, _ := registered(t)
		a := c.person.Attributes
		for name, ev := range map[string]ra.RegisterEvent{
			ra.CodeUnknownPerson: {ID: "e1", Person: "nobody", Kind: ra.EventDied},
			ra.CodeUnknownCard:   {ID: "e2", Person: c.person.ID, Kind: ra.EventCardLost, Card: "card-9"},
			ra.CodeBadRequest:    {ID: "e3", Person: c.person.ID, Kind: ra.EventMoved},
		} {
			_, err := w.ra.RegisterEvent(t.Context(), "city", ev)
			wantCode(t, err, name)
		}
		for _, ev := range []ra.RegisterEvent{
			{ID: "", Person: c.person.ID, Kind: ra.EventDied},
			{ID: "e", Person: c.person.ID, Kind: "eaten"},
			{ID: "e", Person: c.person.ID, Kind: ra.EventDied, Attributes: &a},
			{ID: "e", Person: c.person.ID, Kind: ra.EventMoved, Attributes: &pki.Attributes{}},
			{ID: "e", Person: c.person.ID, Kind: ra.EventMoved, Attributes: &a, Municipality: &ra.Municipality{Code: "1"}},
		} {
			_, err := w.ra.RegisterEvent(t.Context(), "city", ev)
			wantCode(t, err, ra.CodeBadRequest)
		}
	})
}

func TestCardIssuancesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	other := &card{w: w, id: "card-2", person: hanako(), auth: c.auth, sign: c.sign}
	_, err := w.ra.IssueCard(t.Context(), "city", other.issuance())
	wantCode(t, err, ra.CodeKeyUnsuitable)
	changed := c.issuance()
	changed.Person.Contact.Address = "elsewhere"
	_, err = w.ra.IssueCard(t.Context(), "city", changed)
	wantCode(t, err, ra.CodeIssuanceConflict)
	for name, change := range map[string]func(*ra.CardIssuance){
		"id":                  func(i *ra.CardIssuance) { i.ID = "a b" },
		"person.id":           func(i *ra.CardIssuance) { i.Person.ID = "" },
		"person.attributes":   func(i *ra.CardIssuance) { i.Person.Attributes.Name = "" },
		"person.municipality": func(i *ra.CardIssuance) { i.Person.Municipality.Code = "x" },
		"person.contact":      func(i *ra.CardIssuance) { i.Person.Contact = ra.Contact{} },
	} {
		i := c.issuance()
		i.ID = "card-3"
		change(&i)
		_, err := w.ra.IssueCard(t.Context(), "city", i)
		if got := wantCode(t, err, ra.CodeBadRequest); got.Extra["field"] != name {
			t.Errorf("a wrong %s was called a wrong %v", name, got.Extra["field"])
		}
	}
	i := c.issuance()
	i.ID, i.AuthCSR = "card-4", []byte("x")
	_, err = w.ra.IssueCard(t.Context(), "city", i)
	wantCode(t, err, ra.CodeCSR)
	moved := (&card{w: w, id: "card-5", person: hanako(), auth: w.newPhone(4).auth, sign: w.newPhone(4).sign}).issuance()
	moved.Person.Attributes.Sex = "1"
	_, err = w.ra.IssueCard(t.Context(), "city", moved)
	wantCode(t, err, ra.CodeEventNotApplicable)
}

// A new address of the second channel tells the old one, and takes effect after a day.
func TestANewContactWaitsADay(t *testing.T) {
	w, _, p := registered(t)
	i := (&card{w: w, id: "card-2", person: hanako(), auth: w.newPhone(4).auth, sign: w.newPhone(4).sign}).issuance()
	i.Person.Contact.Address = "new"
	if _, err := w.ra.IssueCard(t.Context(), "city", i); err != nil {
		t.Fatal(err)
	}
	to := func(kind ra.NoticeKind) []string {
		out, err := w.ra.Outbox(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, n := range out.Notices {
			if n.Kind == kind {
				list = append(list, n.To.Address)
			}
		}
		return list
	}
	if got := to(ra.NoticeContact); !slices.Equal(got, []string{"hanako"}) {
		t.Errorf("the change was told to %v", got)
	}
	w.now = w.now.Add(23 * time.Hour)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "a"); err != nil {
		t.Fatal(err)
	}
	if got := to(ra.NoticeSuspended); !slices.Equal(got, []string{"hanako"}) {
		t.Errorf("within the day, told %v", got)
	}
	w.pass(2 * day)
	if got := to(ra.NoticeHeldStill); !slices.Equal(got, []string{"new"}) {
		t.Errorf("after the day, told %v", got)
	}
}

func digits(p *phone) string {
	var s string
	p.code.Reveal(func(b []byte) { s = string(b) })
	return s
}
