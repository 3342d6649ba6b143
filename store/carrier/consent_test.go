package carrier_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/services/carrier"
	"tegata/services/guardian"
	"tegata/services/relying"
)

var (
	kaede   = carrier.Attributes{Name: "佐藤 かえで", Address: hanako.Address, Birthdate: "2010-06-15"}
	forKids = carrier.Choices{Plan: "leaf", Filter: true, Mail: "kaede@mail.example"}
)

// applies has the minor sign a contract, and returns the line and an invitation.
func (w *world) applies() (carrier.Line, string) {
	w.t.Helper()
	d, err := w.Draw(w.t.Context(), "kid", kaede, forKids)
	w.must(err)
	if !d.Minor || !strings.Contains(string(d.Document), "親権者が同意書に署名") || !strings.Contains(string(d.Document), "18歳未満のため必ず") {
		w.t.Fatalf("%s", d.Document)
	}
	w.by = map[string]relying.Verdict{"cms " + d.ID: verdict(w.t, "passed", kaede.Name, "good", newKey), "cms of parent": verdict(w.t, "passed", hanako.Name, "good", oldKey)}
	for range 2 {
		w.must(w.signs("kid", d))
	}
	w.confirms()
	return w.line("kid", d.ID), w.invites(d.ID)
}

// confirms confirms the address to which the last mail went, when that asks for it.
func (w *world) confirms() {
	w.t.Helper()
	all, err := w.store.Outbox(w.t.Context(), "", 100)
	w.must(err)
	_, link, ok := strings.Cut(all[len(all)-1].JA.Body, "http://carrier/mail/")
	if !ok {
		return
	}
	link, _, _ = strings.Cut(link, "\n")
	w.must(w.Confirm(w.t.Context(), link))
}

func (w *world) invites(line string) string {
	w.t.Helper()
	address, err := w.Invite(w.t.Context(), "kid", line)
	w.must(err)
	link, ok := strings.CutPrefix(address, "http://carrier/consent/")
	if !ok {
		w.t.Fatal(address)
	}
	return link
}

// consents has somebody take an invitation, and sign.
func (w *world) consents(link, sub string, who carrier.Attributes) error {
	if err := w.Guardians().Take(w.t.Context(), link, guardian.Person{Sub: sub, Name: who.Name, Address: who.Address, Birthdate: who.Birthdate}); err != nil {
		return err
	}
	d, err := w.DrawConsent(w.t.Context(), link, sub, who)
	if err != nil {
		return err
	}
	return w.Receive(w.t.Context(), sub, d, who, relying.Signed{Verdict: "passed", Sub: sub, Signature: []byte("cms of parent")})
}

// told says whether the last mail is of a kind.
func (w *world) told(kind string) {
	w.t.Helper()
	all, err := w.store.Outbox(w.t.Context(), "", 100)
	w.must(err)
	if last := all[len(all)-1]; last.Kind != kind || last.To.Address != forKids.Mail {
		w.t.Errorf("told %+v", last)
	}
}

func TestAMinorsLineTakesAGuardiansSignature(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l, link := w.applies()
		if l.State != carrier.Awaiting || !l.ActivateAt.Equal(w.now.Add(guardian.Life)) || !l.Counts() {
			t.Fatalf("%+v", l)
		}
		w.passes(time.Hour)
		if l := w.line("kid", l.ID); l.State != carrier.Awaiting {
			t.Fatalf("activated without a consent: %+v", l)
		}
		if _, err := w.Invite(t.Context(), "mum", l.ID); !errors.Is(err, guardian.ErrUnknown) {
			t.Errorf("somebody else invited to it: %v", err)
		}
		w.must(w.Guardians().Take(t.Context(), link, guardian.Person{Sub: "mum", Name: hanako.Name, Address: hanako.Address, Birthdate: hanako.Birthdate}))
		d, err := w.DrawConsent(t.Context(), link, "mum", hanako)
		w.must(err)
		for _, says := range []string{string(l.Document), "私は、下の申し込みをした者の親権者です", "手形モバイル 御中", hanako.Name} {
			if !strings.Contains(string(d.Document), says) {
				t.Errorf("the consent does not say %q", says)
			}
		}
		good := relying.Signed{Verdict: "passed", Sub: "mum", Signature: []byte("cms of parent")}
		moved := hanako
		moved.Address = "大阪府大阪市1"
		for what, err := range map[string]error{
			"by another":     w.Receive(t.Context(), "kid", d, hanako, good),
			"other facts":    w.Receive(t.Context(), "mum", d, moved, good),
			"no facts":       w.Receive(t.Context(), "mum", d, carrier.Attributes{}, good),
			"another's name": w.Receive(t.Context(), "mum", d, hanako, relying.Signed{Verdict: "passed", Sub: "mum", Signature: []byte("cms " + l.ID)}),
		} {
			if !errors.Is(err, guardian.ErrSignature) {
				t.Errorf("%s: %v", what, err)
			}
		}
		var all sync.WaitGroup
		for range 4 { // a double click, and the way back
			all.Go(func() {
				if err := w.Receive(t.Context(), "mum", d, hanako, good); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if l := w.line("kid", l.ID); l.State != carrier.Signed || !l.ActivateAt.Equal(w.now.Add(time.Minute)) {
			t.Fatalf("%+v", l)
		}
		w.passes(time.Minute)
		// The eSIM is the minor's: it is bound to the key that signed the contract.
		if l := w.line("kid", l.ID); l.State != carrier.Active || l.SIM.Certificate != newKey || l.Record.Guardian != carrier.GuardianSameAddress || !l.Choices.Filter {
			t.Errorf("%+v", l)
		}
		w.told("carrier-active")
		if given, err := w.Consents(t.Context(), "mum"); err != nil || len(given) != 1 || given[0].Record.Certificate != oldKey {
			t.Errorf("%+v %v", given, err)
		}
		if err := w.consents(link, "mum", hanako); !errors.Is(err, guardian.ErrSigned) {
			t.Errorf("once more: %v", err)
		}
	})
}

func TestAContractWithoutAGuardianComesToNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l, link := w.applies()
		if err := w.consents(link, "kid", kaede); !errors.Is(err, guardian.ErrSelf) {
			t.Errorf("the minor: %v", err)
		}
		if err := w.consents(link, "brother", carrier.Attributes{Name: "佐藤 一郎", Address: hanako.Address, Birthdate: "2008-11-29"}); !errors.Is(err, guardian.ErrMinor) {
			t.Errorf("a brother of 17: %v", err)
		}
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(guardian.Life)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.passes(guardian.Life)
		if l := w.line("kid", l.ID); l.State != carrier.Stopped || l.Why != guardian.WhyConsent || l.Counts() || !l.Record.RetentionUntil.Equal(carrier.Retention(w.now)) {
			t.Errorf("%+v", l)
		}
		w.told("carrier-unconsented")
		if err := w.consents(link, "mum", hanako); !errors.Is(err, guardian.ErrOver) {
			t.Errorf("too late: %v", err)
		}
		w.now = w.now.AddDate(3, 0, 1)
		w.passes(0)
		if _, err := w.store.ConsentTo(t.Context(), l.ID); !errors.Is(err, guardian.ErrUnknown) {
			t.Errorf("kept for ever: %v", err)
		}
	})
}

func TestTheActivationLooksAtTheGuardianToo(t *testing.T) {
	elsewhere := hanako
	elsewhere.Address = "大阪府大阪市1"
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			who  carrier.Attributes
			says relying.Verdict // of the guardian's signature at the activation
			want string
		}{
			{hanako, verdict(t, "indeterminate", hanako.Name, "held", oldKey), guardian.WhyCertificate},
			{hanako, verdict(t, "passed", hanako.Name, "good", newKey), guardian.WhyCertificate}, // of another certificate
			{elsewhere, verdict(t, "passed", hanako.Name, "good", oldKey), guardian.WhyAddress},
		} {
			l, link := w.applies()
			w.must(w.consents(link, "mum", c.who))
			w.by["cms of parent"] = c.says
			w.passes(time.Minute)
			if l := w.line("kid", l.ID); l.State != carrier.Stopped || l.Why != c.want {
				t.Errorf("%s: %+v", c.want, l)
			}
			w.told("carrier-guardian")
		}
		l, link := w.applies()
		w.must(w.consents(link, "mum", hanako))
		w.by["cms of parent"] = verdict(t, "indeterminate", hanako.Name, "", oldKey)
		w.passes(time.Minute)
		if l := w.line("kid", l.ID); l.State != carrier.Signed {
			t.Errorf("nothing is known of the guardian's: %+v", l)
		}
	})
}
