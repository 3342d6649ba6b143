package phone_test

import (
	"strings"
	"testing"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/ceremony"
)

// again is another request under the same id, at another address: who asks chose the id,
// and who serves it took it twice.
func (c *checkpoint) again(id string, change func(*ceremony.Request)) string {
	c.w.t.Helper()
	q := c.request(change)
	q.ID, q.ResponseURI = id, c.origin+"/v1/requests/"+id+"/answer"
	compact, err := ceremony.SignRequest(c.partyKey, c.partyChain, q)
	c.w.must(err)
	c.put(id, compact) // which is what it judges by
	return c.put(ceremony.NewID(), compact)
}

func sharing(q *ceremony.Request) {
	q.Kind, q.Risk, q.Claims = ceremony.Consent, ceremony.R2, []string{"name", "address"}
	q.Purpose = ceremony.Purpose{Code: "share", Sentence: ceremony.Text{JA: "渡す", EN: "Share"}}
}

// What a person agrees to is what they saw. A request that took the place of another
// between the look and the press gets no answer, and uses up no try.
func TestARequestThatTookAnothersPlaceIsNotAnswered(t *testing.T) {
	w, p, c := registered(t)
	first, err := p.Fetch(t.Context(), c.ask(nil))
	w.must(err)
	second, err := p.Fetch(t.Context(), c.again(first.ID, sharing))
	w.must(err)
	if second.ID != first.ID || second.Shown == first.Shown {
		t.Fatalf("%s %s, %s %s", first.ID, first.Shown, second.ID, second.Shown)
	}
	for name, r := range map[string]phone.Reply{
		"the PIN for the first":     {Shown: first.Shown, Approve: true, Unlock: withPIN(t, phonePIN)},
		"a wrong PIN for the first": {Shown: first.Shown, Approve: true, Unlock: withPIN(t, "9753")},
		"a refusal of the first":    {Shown: first.Shown, Reason: ceremony.ReasonNotMe},
		"what nobody saw":           {Approve: true, Unlock: withPIN(t, phonePIN)},
	} {
		if _, err := p.Answer(t.Context(), first.ID, r); code(err) != "request-replaced" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := p.Element().Tries(element.PIN); n != 3 || len(c.answers)+len(c.declined) != 0 {
		t.Errorf("%d tries, %d answers, %d refusals", n, len(c.answers), len(c.declined))
	}
	if _, err := p.Answer(t.Context(), second.ID, phone.Reply{Shown: second.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); err != nil {
		t.Error(err)
	}
}

// The same on the screens: the form is bound to what its page showed, not to its address.
func TestAFormIsForWhatItsPageShowed(t *testing.T) {
	w, p, c := registered(t)
	s := w.screen(t)
	s.open(strings.TrimPrefix(c.ask(nil), "http://phone.localhost:8403"))
	s.press("/hold", typed("phone", "a"))
	here := s.path
	id := strings.TrimPrefix(here, "/p/a/request/")
	s.at(here, "ログインする")
	for _, decision := range []string{"approve", "refuse", "not-me"} {
		address, form := s.sent("/request/"+id, typed("decision", decision, "pin", phonePIN))
		_, err := p.Fetch(t.Context(), c.again(id, sharing)) // by a tap, or in another tab
		w.must(err)
		s.take(s.client.PostForm(address, form))
		s.at(here, "依頼の内容が、見ていたものと変わりました。", "渡す", "あと3回入力できます")
		if decision == "approve" { // the page of before is still open somewhere
			s.take(s.client.PostForm(address, form))
			s.at(here, "もう一度入力してください。", "渡す", "あと3回入力できます")
		}
	}
	if len(c.answers)+len(c.declined) != 0 {
		t.Fatalf("%d answers, %d refusals", len(c.answers), len(c.declined))
	}
	s.press("/request/"+id, typed("decision", "approve", "pin", phonePIN))
	s.at(here+"/done", "送りました")
	if len(c.answers) != 1 {
		t.Errorf("%d answers", len(c.answers))
	}
}
