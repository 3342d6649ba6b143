package phone_test

import (
	"strings"
	"testing"
	"time"

	"tegata/internal/ui"
	"tegata/issuer/ra"
)

// addressOf is where the authority would send a notice to a person.
func (w *town) addressOf(id string) (p ra.PersonRecord) {
	w.t.Helper()
	w.must(w.people.Read(w.t.Context(), func(tx ra.Tx) (err error) { p, err = tx.Person(w.t.Context(), id); return err }))
	return p
}

// The form that the card's PIN is typed on says which address that is: one that a second
// tab enters in between is not confirmed by it.
func TestTheCardConfirmsTheAddressThatWasRead(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a")
	s := w.screen(t)
	enter := func(s *screen, address string) {
		t.Helper()
		s.open("/p/a/address")
		s.press("/address", typed("address", address))
	}
	other := *s
	enter(s, "nobody")
	s.at("/p/a/address", "@ の入ったメールアドレス")
	s.open("/p/a/address/card") // nothing was entered
	s.at("/p/a/address")
	enter(s, " hanako@example.jp ")
	s.at("/p/a/address/card", "hanako@example.jp", "24時間後に変わります")
	enter(&other, "thief@example.jp")
	s.press("/address/card", typed("pin", cardPIN))
	s.at("/p/a/address/card", "別のアドレスが入力されたので", "thief@example.jp")

	enter(s, "hanako@example.jp")
	s.press("/address/card", typed("pin", cardPIN))
	s.at("/p/a/address/card/tap", "2 / 2")
	enter(&other, "thief@example.jp")
	defer w.hold(c, p)()
	waitFor(t, p.Tapped)
	s.open("/p/a/address/card/tap")
	s.press("/address/card/read", nil)
	s.at("/p/a/", "送り先の変更を受け付けました。"+ui.DateTime(ui.JA, w.clock().Add(24*time.Hour))+" に変わります。")
	if got := w.addressOf("hanako"); got.NewContact.Address != "hanako@example.jp" || !got.ContactFrom.Equal(w.clock().Add(24*time.Hour)) {
		t.Errorf("the authority has %+v", got)
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	if len(uses) == 0 || uses[0].Kind != "contact" || strings.Contains(uses[0].What.JA+uses[0].Code, "@") {
		t.Errorf("the history says %+v", uses)
	}

	// The same again, some hours later, takes effect when it did.
	from := w.clock().Add(24 * time.Hour)
	w.pass(5 * time.Hour)
	confirm := func(address string) {
		t.Helper()
		enter(s, address)
		s.press("/address/card", typed("pin", cardPIN))
		s.press("/address/card/read", nil)
	}
	confirm("hanako@example.jp")
	s.at("/p/a/", ui.DateTime(ui.JA, from)+" に変わります。")

	s.open("/p/a/address/keep")
	s.press("/address/keep", typed("pin", cardPIN))
	s.press("/address/keep/read", nil)
	s.at("/p/a/", "送り先の変更を取り消しました")
	if got := w.addressOf("hanako"); !got.ContactFrom.IsZero() {
		t.Errorf("the authority has %+v", got)
	}
	// The present address takes a change back as well; without one, the card has said it for
	// nothing, and no page says that it did not.
	confirm("hanako@example.jp")
	w.pass(24 * time.Hour)
	confirm("thief@example.jp")
	confirm("hanako@example.jp")
	s.at("/p/a/", "送り先の変更を取り消しました")
	confirm("hanako@example.jp")
	s.at("/p/a/address/card/tap", "もうその送り先に届いています")
	if strings.Contains(s.body, "証明書は使われていません") {
		t.Error("the card has signed, and the page says that nothing was used")
	}
	if seen := s.seen.String(); strings.Contains(seen, `value="`+cardPIN) {
		t.Error("a page showed what it must not")
	}
}
