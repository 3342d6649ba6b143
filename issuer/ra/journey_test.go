package ra_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

func TestAPersonRegistersAPhone(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, began)
		c := w.issueCard("card-1", hanako(), 0)
		if e := w.status(c.issued.Certificates.Sign, pki.CardSign); e.Status != status.Good {
			t.Fatalf("the card's certificate is %s", e.Status)
		}
		if want := time.Date(2031, 2, 17, 14, 59, 59, 0, time.UTC); !c.issued.NotAfter.Equal(want) {
			t.Errorf("the card is valid until %v, want the fifth birthday %v", c.issued.NotAfter, want)
		}
		p := w.newPhone(2)
		if err := p.apply(c, false); err != nil {
			t.Fatal(err)
		}
		if p.applied.State != ra.StateApplied || !p.applied.ExpiresAt.Equal(w.now.Add(24*time.Hour)) {
			t.Errorf("got %+v", p.applied)
		}
		if err := p.keys(); err != nil {
			t.Fatal(err)
		}
		p.mustBe(status.Held, status.CertificateHold, status.Unregistered)
		if err := p.register(); err != nil {
			t.Fatal(err)
		}
		p.mustBe(status.Good, 0)

		auth, err := x509.ParseCertificate(p.issued.Certificates.Auth)
		if err != nil {
			t.Fatal(err)
		}
		sign, err := x509.ParseCertificate(p.issued.Certificates.Sign)
		if err != nil {
			t.Fatal(err)
		}
		cardSign, err := x509.ParseCertificate(c.issued.Certificates.Sign)
		if err != nil {
			t.Fatal(err)
		}
		for _, cert := range []*x509.Certificate{auth, sign} {
			if cert.NotAfter.After(cardSign.NotAfter) {
				t.Errorf("valid until %v, longer than the card (%v)", cert.NotAfter, cardSign.NotAfter)
			}
		}
		got, err := pki.ParseAttributes(pki.SandboxArc(), sign)
		if err != nil || got != c.person.Attributes {
			t.Errorf("the signature certificate says %+v, %v", got, err)
		}
		if _, err := pki.ParseAttributes(pki.SandboxArc(), auth); err == nil {
			t.Error("the authentication certificate says something about the person")
		}
		shown, err := p.show()
		if err != nil || shown.State != ra.StateRegistered || shown.Certificates == nil || !bytes.Equal(shown.Certificates.Auth, p.issued.Certificates.Auth) {
			t.Errorf("it stands at %+v, %v", shown, err)
		}
		if got := w.notices(); len(got) != 2 || got[0] != ra.NoticeApplied || got[1] != ra.NoticeRegistered {
			t.Errorf("told %v", got)
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Every message sent again, in any later state, gets the answer it got first.
func TestEveryMessageSentAgainGetsTheSameAnswer(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	same := func(name string, first, again any) {
		t.Helper()
		a, _ := json.Marshal(first)
		b, _ := json.Marshal(again)
		if !bytes.Equal(a, b) {
			t.Errorf("%s answered\n%s\nand then\n%s", name, a, b)
		}
	}
	ctx := t.Context()
	apply := p.applyStep(c, false)
	applied, err := w.ra.Apply(ctx, apply)
	if err != nil {
		t.Fatal(err)
	}
	p.applied = applied
	claims := p.keyClaims()
	keys := p.jws(ra.TypeEnrolment, claims, nil)
	issued, err := w.ra.Keys(ctx, p.id, keys)
	if err != nil {
		t.Fatal(err)
	}
	p.issued = issued
	register := p.jws(ra.TypeEnrolment, p.registerClaims(), nil)
	registered, err := w.ra.Register(ctx, p.id, register)
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(3 * time.Minute)
	for _, message := range []struct {
		name  string
		first any
		again func() (any, error)
	}{
		{"apply", applied, func() (any, error) { return w.ra.Apply(ctx, apply) }},
		{"apply, signed anew by the same device key", applied, func() (any, error) { return w.ra.Apply(ctx, p.applyStep(c, false)) }},
		{"keys", issued, func() (any, error) { return w.ra.Keys(ctx, p.id, keys) }},
		{"keys, with a fresh attestation of the same keys", issued, func() (any, error) {
			return w.ra.Keys(ctx, p.id, p.jws(ra.TypeEnrolment, p.keyClaims(), nil))
		}},
		{"register", registered, func() (any, error) { return w.ra.Register(ctx, p.id, register) }},
	} {
		again, err := message.again()
		if err != nil {
			t.Errorf("%s: %v", message.name, err)
			continue
		}
		same(message.name, message.first, again)
	}
	p.mustBe(status.Good, 0)
	again, err := w.ra.IssueCard(ctx, "city", c.issuance())
	if err != nil {
		t.Fatal(err)
	}
	same("card issuance", c.issued, again)
	if got := w.notices(); len(got) != 2 {
		t.Errorf("messages sent again told the person again: %v", got)
	}
}

func TestANewPhoneEndsTheOldOne(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	old := w.newPhone(2)
	old.enrol(c)
	w.now = w.now.Add(time.Hour)
	fresh := w.newPhone(4)
	if err := fresh.apply(c, false); err != nil {
		t.Fatal(err)
	}
	if err := fresh.keys(); err != nil {
		t.Fatal(err)
	}
	old.mustBe(status.Good, 0) // until then the old phone works
	w.now = w.now.Add(time.Minute)
	if err := fresh.register(); err != nil {
		t.Fatal(err)
	}
	fresh.mustBe(status.Good, 0)
	old.mustBe(status.Revoked, status.Superseded)
	if _, err := old.checkIn(); wantCode(t, err, ra.CodeEnrolmentEnded).Extra["ended"] != string(ra.EndedSuperseded) {
		t.Errorf("the old phone was told %v", err)
	}
	shown, err := old.show()
	if err != nil || shown.State != ra.StateEnded || shown.Ended != ra.EndedSuperseded {
		t.Errorf("the old phone stands at %+v, %v", shown, err)
	}
	changes := 0
	// One transaction: no answer may show two good pairs, or none.
	recorded, err := w.store.StatusChanges(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recorded {
		if r.At.Equal(recorded[len(recorded)-1].At) {
			changes++
		}
	}
	if changes != 4 {
		t.Errorf("%d changes at the moment of registration, want 4", changes)
	}
}

func TestASecondApplicationAsksFirst(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	first := w.newPhone(2)
	if err := first.apply(c, false); err != nil {
		t.Fatal(err)
	}
	if err := first.keys(); err != nil {
		t.Fatal(err)
	}
	second := w.newPhone(4)
	open := wantCode(t, second.apply(c, false), ra.CodeOpenApplication)
	if open.Status != 409 || open.Kind != "your-turn" || open.Extra["open_model"] != "Tegata Tegata One" {
		t.Errorf("asked with %+v", open)
	}
	if s, err := first.show(); err != nil || s.State != ra.StateIssued {
		t.Errorf("asking changed the open one: %+v, %v", s, err)
	}
	if err := second.apply(c, true); err != nil {
		t.Fatal(err)
	}
	first.mustBe(status.Revoked, status.Superseded)
	if got := wantCode(t, first.register(), ra.CodeEnrolmentEnded); got.Extra["ended"] != string(ra.EndedReplaced) {
		t.Errorf("the older one was told %v", got.Extra)
	}
	if err := second.keys(); err != nil {
		t.Fatal(err)
	}
	if err := second.register(); err != nil {
		t.Fatal(err)
	}
	second.mustBe(status.Good, 0)
}
