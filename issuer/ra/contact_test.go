package ra_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/internal/cardword"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

var newAddress = ra.Contact{Channel: ra.ChannelMail, Address: "hanako@example.jp"}

// toContact is a card's word that notices shall go to an address.
func (c *card) toContact(p *phone, to ra.Contact) ra.ContactChange {
	w := c.word(nil, ra.WordChangeContact)
	w.ContactSHA256 = cardword.ContactHash(to.Channel, to.Address)
	return ra.ContactChange{Word: c.says(p, w), Contact: to}
}

func (c *card) keepContact(p *phone) error {
	_, err := p.w.ra.KeepContact(p.w.t.Context(), c.says(p, c.word(nil, ra.WordKeepContact)))
	return err
}

// contactOf is what the store has of a person's address.
func (w *world) contactOf(id string) ra.PersonRecord {
	w.t.Helper()
	var p ra.PersonRecord
	if err := w.store.Read(w.t.Context(), func(tx ra.Tx) (err error) { p, err = tx.Person(w.t.Context(), id); return err }); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// hasAddress makes an address, to which a mail can be sent, the present one of a person.
func (w *world) hasAddress(id string) (at ra.Contact, err error) {
	at = ra.Contact{Channel: ra.ChannelMail, Address: "present@example.jp"}
	return at, w.store.Write(w.t.Context(), func(tx ra.Tx) error {
		p, err := tx.Person(w.t.Context(), id)
		if err != nil {
			return err
		}
		p.Contact = at
		return tx.PutPerson(w.t.Context(), p)
	})
}

// told lists kind and address of the notices from the nth on.
func (w *world) told(n int) (out []string) {
	for _, m := range w.mails()[n:] {
		out = append(out, string(m.Kind)+" "+m.To.Address)
	}
	return out
}

// heardSoFar is how many notices there are; whatever comes later is of a later moment.
func (w *world) heardSoFar() int {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	return len(w.mails())
}

// mails are all notices, oldest first.
func (w *world) mails() []ra.Notice {
	w.t.Helper()
	out, err := w.ra.Outbox(w.t.Context(), "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Notices
}

func TestTheAddressChangesWithTheCardAndADay(t *testing.T) {
	w, c, p := registered(t)
	old := c.person.Contact.Address
	n := w.heardSoFar()
	got, err := w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress))
	if err != nil || !got.From.Equal(w.now.Add(24*time.Hour)) {
		t.Fatalf("%+v, %v", got, err)
	}
	w.now = w.now.Add(time.Hour)
	again, err := w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress))
	if err != nil || !again.From.Equal(got.From) {
		t.Errorf("said again: %+v, %v", again, err)
	}
	if told := w.told(n); strings.Join(told, ",") != "contact "+old {
		t.Errorf("told %q", told)
	}
	w.pass(22*time.Hour + 59*time.Minute)
	if at := w.contactOf(c.person.ID); at.Contact != c.person.Contact {
		t.Errorf("before its time: %+v", at)
	}
	w.pass(time.Minute)
	if told := w.told(n); strings.Join(told, ",") != "contact "+old+",contact-new "+newAddress.Address {
		t.Errorf("told %q", told)
	}
	if at := w.contactOf(c.person.ID); at.Contact != newAddress || at.NewContact != (ra.Contact{}) || !at.ContactFrom.IsZero() {
		t.Errorf("kept %+v", at)
	}
	_, err = w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress))
	wantCode(t, err, ra.CodeContactSame)
	for _, m := range w.mails() {
		if s := m.JA.Title + m.JA.Body + m.EN.Title + m.EN.Body; strings.Contains(s, newAddress.Address) || strings.Contains(s, old) {
			t.Errorf("a notice says an address: %+v", m)
		}
	}
}

func TestTheCardTakesAChangeOfAddressBack(t *testing.T) {
	w, c, p := registered(t)
	wantCode(t, c.keepContact(p), ra.CodeNoContactChange)
	n := w.heardSoFar()
	change := c.toContact(p, newAddress)
	if _, err := w.ra.ChangeContact(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(23 * time.Hour)
	if err := c.keepContact(p); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.keepContact(p), ra.CodeNoContactChange)
	w.pass(48 * time.Hour)
	old := c.person.Contact.Address
	if told := w.told(n); strings.Join(told, ",") != "contact "+old+",contact-kept "+old {
		t.Errorf("told %q", told)
	}
	if _, err := w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress)); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(24 * time.Hour) // the clock's work has not come to it yet
	wantCode(t, c.keepContact(p), ra.CodeNoContactChange)
}

// Whoever answers the warning by entering the address that they have always had, instead of
// taking the change back, means the same.
func TestThePresentAddressTakesAChangeBack(t *testing.T) {
	w, c, p := registered(t)
	old, err := w.hasAddress(c.person.ID)
	if err != nil {
		t.Fatal(err)
	}
	n := w.heardSoFar()
	if _, err := w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress)); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(23 * time.Hour)
	got, err := w.ra.ChangeContact(t.Context(), c.toContact(p, old))
	if err != nil || !got.From.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	_, err = w.ra.ChangeContact(t.Context(), c.toContact(p, old)) // nothing waits any more
	wantCode(t, err, ra.CodeContactSame)
	w.pass(48 * time.Hour)
	if told := w.told(n); strings.Join(told, ",") != "contact "+old.Address+",contact-kept "+old.Address {
		t.Errorf("told %q", told)
	}
	if at := w.contactOf(c.person.ID); at.Contact != old || at.NewContact != (ra.Contact{}) || !at.ContactFrom.IsZero() {
		t.Errorf("kept %+v", at)
	}
	if err := w.db.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// A word that came to nothing does not come true later in its hour.
func TestARefusedWordIsUsedUp(t *testing.T) {
	w, c, p := registered(t)
	present, err := w.hasAddress(c.person.ID)
	if err != nil {
		t.Fatal(err)
	}
	keep, same := c.says(p, c.word(nil, ra.WordKeepContact)), c.toContact(p, present)
	for _, want := range []string{ra.CodeNoContactChange, ra.CodeApplicationReplayed} {
		_, err := w.ra.KeepContact(t.Context(), keep)
		wantCode(t, err, want)
	}
	_, err = w.ra.ChangeContact(t.Context(), same)
	wantCode(t, err, ra.CodeContactSame)
	if _, err := w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress)); err != nil {
		t.Fatal(err)
	}
	_, err = w.ra.KeepContact(t.Context(), keep)
	wantCode(t, err, ra.CodeApplicationReplayed)
	_, err = w.ra.ChangeContact(t.Context(), same)
	wantCode(t, err, ra.CodeApplicationReplayed)
	if got := w.contactOf(c.person.ID); got.NewContact != newAddress {
		t.Errorf("a word that was refused took effect: %+v", got)
	}
}

// Neither does one about a phone that there is not.
func TestAWordAboutNoPhoneIsUsedUp(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	p := w.newPhone(2)
	suspend, revoke := c.says(p, c.word(nil, ra.WordSuspend)), c.says(p, c.word(nil, ra.WordRevoke))
	for _, want := range []string{ra.CodeNoPhone, ra.CodeApplicationReplayed} {
		_, err := w.ra.Suspend(t.Context(), ra.Suspension{Word: suspend}, "")
		wantCode(t, err, want)
		_, err = w.ra.StopByCard(t.Context(), revoke)
		wantCode(t, err, want)
	}
}

func TestNobodyElseChangesTheAddress(t *testing.T) {
	w, c, p := registered(t)
	change := c.toContact(p, newAddress)
	other := w.issueCard("card-2", resident("twin", "手形　花子", time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC)), 6)
	for name, row := range map[string]struct {
		c    ra.ContactChange
		code string
	}{
		"no word":              {ra.ContactChange{Contact: newAddress}, ra.CodeWordMalformed},
		"another address":      {ra.ContactChange{Word: change.Word, Contact: ra.Contact{Channel: ra.ChannelMail, Address: "thief@example.jp"}}, ra.CodeWordMalformed},
		"a word to suspend":    {ra.ContactChange{Word: c.says(p, c.word(nil, ra.WordSuspend)), Contact: newAddress}, ra.CodeWordMalformed},
		"an address of none":   {c.toContact(p, ra.Contact{Channel: ra.ChannelMail, Address: "hanako"}), ra.CodeContactForm},
		"two addresses":        {c.toContact(p, ra.Contact{Channel: ra.ChannelMail, Address: "a@example.jp,b@example.jp"}), ra.CodeContactForm},
		"another channel":      {c.toContact(p, ra.Contact{Channel: "mailbox", Address: "hanako"}), ra.CodeContactForm},
		"a line in it":         {c.toContact(p, ra.Contact{Channel: ra.ChannelMail, Address: "a@example.jp\r\nBcc: b@example.jp"}), ra.CodeContactForm},
		"a name before it":     {c.toContact(p, ra.Contact{Channel: ra.ChannelMail, Address: "A <a@example.jp>"}), ra.CodeContactForm},
		"more than a mail has": {c.toContact(p, ra.Contact{Channel: ra.ChannelMail, Address: strings.Repeat("a", 250) + "@b.jp"}), ra.CodeContactForm},
	} {
		_, err := w.ra.ChangeContact(t.Context(), row.c)
		if got := problem.From(err); err == nil || got.Code != row.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.ra.ChangeContact(t.Context(), other.toContact(p, newAddress)); err != nil { // their own
		t.Fatal(err)
	}
	if got := w.contactOf(c.person.ID); !got.ContactFrom.IsZero() {
		t.Errorf("somebody's card changed another's address: %+v", got)
	}
	if _, err := w.ra.ChangeContact(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	_, err := w.ra.ChangeContact(t.Context(), change)
	wantCode(t, err, ra.CodeApplicationReplayed)
	if _, err := c.event(ra.EventCardLost); err != nil {
		t.Fatal(err)
	}
	wantCode(t, c.keepContact(p), ra.CodeCardHeld)
}

// A card made later brings the register's address. When that is what the register said
// before, what the card said since stands.
func TestANewCardDoesNotBringAnOldAddressBack(t *testing.T) {
	w, c, p := registered(t)
	if _, err := w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress)); err != nil {
		t.Fatal(err)
	}
	w.pass(25 * time.Hour)
	w.issueCard("card-2", c.person, 6)
	w.pass(25 * time.Hour)
	if got := w.contactOf(c.person.ID); got.Contact != newAddress {
		t.Errorf("the register's old word changed the address: %+v", got)
	}
	moved := c.person
	moved.Contact = ra.Contact{Channel: ra.ChannelMail, Address: "desk@example.jp"}
	w.issueCard("card-3", moved, 4)
	if got := w.contactOf(c.person.ID); got.Contact != newAddress || got.NewContact != moved.Contact {
		t.Errorf("the register's new word: %+v", got)
	}
	w.pass(25 * time.Hour)
	if got := w.contactOf(c.person.ID); got.Contact != moved.Contact {
		t.Errorf("the register's new word, a day later: %+v", got)
	}
}

// Wherever it is killed, the change is either not made, or made with all that belongs to
// it: nothing is half there, and the next run of the clock makes it.
func TestAChangeOfAddressSurvivesEveryKill(t *testing.T) {
	w, c, p := registered(t)
	n := w.heardSoFar()
	if _, err := w.ra.ChangeContact(t.Context(), c.toContact(p, newAddress)); err != nil {
		t.Fatal(err)
	}
	due, ok, err := w.ra.NextDue(t.Context())
	if err != nil || !ok || due.After(w.now.Add(24*time.Hour)) {
		t.Fatalf("next due %v %v %v", due, ok, err)
	}
	w.now = w.now.Add(24 * time.Hour)
	cutting := &cut{Store: w.store}
	dying, err := w.another(cutting)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		when string
		told int
	}{{"before its commit", "before", 1}, {"after it", "after", 2}, {"never", "", 2}} {
		cutting.when = row.when
		if err := dying.RunDue(t.Context(), w.now); (err == nil) != (row.when == "") {
			t.Fatalf("killed %s: %v", row.name, err)
		}
		at := w.contactOf(c.person.ID)
		if told := w.told(n); len(told) != row.told || (at.Contact == newAddress) != (row.told == 2) || at.ContactFrom.IsZero() != (row.told == 2) {
			t.Errorf("killed %s: %+v, told %q", row.name, at, told)
		}
	}
}

// another is a registration authority of its own over a store.
func (w *world) another(s ra.Store) (*ra.RA, error) {
	return ra.New(ra.Config{
		URL: issuerURL, Arc: pki.SandboxArc(), Policy: w.policy, Terms: ra.Terms{Version: "2026-11", JA: "規約", EN: "Terms"},
		Key: w.key, LockCost: secret.TestCost(),
	}, s, w.ca, func() time.Time { return w.now }, ra.Options{})
}

var errKilled = errors.New("killed")

// cut is a store whose process dies around a write.
type cut struct {
	ra.Store
	when string // "before" its commit, or "after"
}

func (c *cut) Write(ctx context.Context, f func(ra.Tx) error) error {
	err := c.Store.Write(ctx, func(tx ra.Tx) error {
		if err := f(tx); err != nil || c.when != "before" {
			return err
		}
		return errKilled
	})
	if err == nil && c.when == "after" {
		return errKilled
	}
	return err
}
