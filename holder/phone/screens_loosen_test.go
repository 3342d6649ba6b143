package phone_test

import (
	"net/url"
	"strings"
	"testing"

	"tegata/internal/ceremony"
)

// What the card confirms is what was on the page that its PIN was typed on: a change that
// another site, or a second tab, opens in between is neither confirmed by that form nor
// by the card that is then held.
func TestTheCardConfirmsWhatWasRead(t *testing.T) {
	w := newTown(t)
	c, _ := w.hanako(), w.phone("a")
	from := ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Private}, Daily: []ceremony.DailyLimit{{Of: ceremony.Tax, Uses: 3}}}
	propose := func(to ceremony.Rules) ceremony.RulesProposal {
		to.Version = 2
		return ceremony.RulesProposal{ID: ceremony.NewID(), Verifier: "verifier", From: from, To: to, ExpiresAt: w.clock().Unix() + 600}
	}
	read := propose(ceremony.Rules{Locked: from.Locked})     // the limit ends
	foreign := propose(ceremony.Rules{Daily: from.Daily})    // the lock ends
	changed := propose(ceremony.Rules{Daily: read.To.Daily}) // under the id of what was read, both do
	changed.ID = read.ID
	k, origin := w.keeper(read)
	w.config.Verifiers = []string{origin}
	p := w.restart("a")
	s := w.screen(t)
	openedAs := func(s *screen, p ceremony.RulesProposal) {
		t.Helper()
		k.proposal = p
		s.open("/p/a/loosen?" + url.Values{"change": {origin + "/v1/rules/proposals/" + p.ID}}.Encode())
		s.at("/p/a/loosen/card", "この内容に変えます")
	}
	other := *s // a tab of its own

	for name, p := range map[string]ceremony.RulesProposal{"another change": foreign, "other rules under the same id": changed} {
		openedAs(s, read)
		openedAs(&other, p)
		s.press("/loosen/card", typed("pin", cardPIN)) // of the page that was read
		s.at("/p/a/loosen/card", "別の変更が開かれたので、何も変えていません。", "番号： loosen-other-change", "「会社やお店のサービス」を、また使えるようにします。")
		s.open("/p/a/loosen/card/tap") // no PIN waits for a card
		s.at("/p/a/loosen/card")
		if len(k.words) != 0 {
			t.Fatalf("%s: the card said %+v", name, k.words)
		}
	}
	// A form without the fields, such as one that another page made up.
	openedAs(s, read)
	s.take(s.client.PostForm(s.base+"/p/a/loosen/card", typed("pin", cardPIN)))
	s.at("/p/a/loosen/card", "番号： loosen-other-change")

	// Opened between the PIN and the card: what was read is what is signed.
	openedAs(s, read)
	s.press("/loosen/card", typed("pin", cardPIN))
	s.at("/p/a/loosen/card/tap", "2 / 2")
	openedAs(&other, foreign)
	defer w.hold(c, p)()
	waitFor(t, p.Tapped)
	s.open("/p/a/loosen/card/tap")
	s.at("/p/a/loosen/card/tap", "このカードは、あと3回まちがえられます。") // of the PIN, which was typed
	s.press("/loosen/card/read", nil)
	s.at("/p/a/", "制限をゆるめました。")
	if len(k.words) != 1 || k.words[0].RulesSHA256 != read.To.Hash() || k.asked[0].Proposal != read.ID {
		t.Fatalf("the card said %+v for %+v", k.words, k.asked)
	}
	// The other one is still to be confirmed, or not.
	s.open("/p/a/loosen/card")
	s.at("/p/a/loosen/card", "「会社やお店のサービス」を、また使えるようにします。")
	s.press("/loosen/card", typed("pin", cardPIN))
	s.press("/loosen/card/read", nil)
	s.at("/p/a/", "制限をゆるめました。")
	if len(k.words) != 2 || k.words[1].RulesSHA256 != foreign.To.Hash() {
		t.Errorf("the card said %+v", k.words)
	}
	s.open("/p/a/loosen/card") // gone back to
	s.at("/p/a/", "制限をゆるめました。")
	if strings.Contains(s.seen.String(), `value="`+cardPIN) {
		t.Error("the card's PIN came back")
	}
}
