package phone_test

import (
	"strings"
	"testing"
	"time"

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
	s.at("/p/a/", "送り先の変更を受け付けました")
	if got := w.addressOf("hanako"); got.NewContact.Address != "hanako@example.jp" || !got.ContactFrom.Equal(w.clock().Add(24*time.Hour)) {
		t.Errorf("the authority has %+v", got)
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	if len(uses) == 0 || uses[0].Kind != "contact" || strings.Contains(uses[0].What.JA+uses[0].Code, "@") {
		t.Errorf("the history says %+v", uses)
	}

	s.open("/p/a/address/keep")
	s.press("/address/keep", typed("pin", cardPIN))
	s.press("/address/keep/read", nil)
	s.at("/p/a/", "送り先の変更を取り消しました")
	if got := w.addressOf("hanako"); !got.ContactFrom.IsZero() {
		t.Errorf("the authority has %+v", got)
	}
	if seen := s.seen.String(); strings.Contains(seen, `value="`+cardPIN) {
		t.Error("a page showed what it must not")
	}
}
