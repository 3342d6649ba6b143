package phone_test

import (
	"net/http"
	"testing"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/cardword"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// keeper is a verifier as far as it keeps a holder's limits.
type keeper struct {
	proposal ceremony.RulesProposal
	words    []cardword.Word
	asked    []ceremony.Loosening
}

// keeper is a keeper behind a listener, and its origin.
func (w *town) keeper(p ceremony.RulesProposal) (*keeper, string) {
	k := &keeper{proposal: p}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(rw http.ResponseWriter, r *http.Request) {
		httpd.WriteJSON(rw, 200, map[string]string{"verifier": "verifier"})
	})
	mux.HandleFunc("GET /v1/rules/proposals/{id}", func(rw http.ResponseWriter, r *http.Request) { httpd.WriteJSON(rw, 200, k.proposal) })
	mux.HandleFunc("POST /v1/rules/loosenings", func(rw http.ResponseWriter, r *http.Request) {
		var body ceremony.Loosening
		if err := httpd.ReadJSON(rw, r, &body); err != nil {
			httpd.WriteProblem(rw, r, err)
			return
		}
		word, signed, err := cardword.Parse(body.Word, cardword.LowerRules, w.clock())
		if err != nil || signed.Certificate == nil {
			w.t.Errorf("the card's word: %v", err)
		}
		k.words, k.asked = append(k.words, word), append(k.asked, body)
		httpd.WriteJSON(rw, 200, ceremony.Loosened{Version: 2})
	})
	return k, "http://" + w.serve(mux)
}

func TestLooseningWithTheCard(t *testing.T) {
	w := newTown(t)
	c, p := w.hanako(), w.phone("a") // nothing is registered on it: any phone will do
	from, to := ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Private}}, ceremony.Rules{Version: 2, Daily: []ceremony.DailyLimit{{Uses: 3}}}
	id := ceremony.NewID()
	k, origin := w.keeper(ceremony.RulesProposal{ID: id, Verifier: "verifier", From: from, To: to, ExpiresAt: w.clock().Unix() + 60})
	w.config.Verifiers = []string{origin}
	p = w.restart("a")
	link := "http://phone.localhost:8403/open?rules=" + origin + "/v1/rules/proposals/" + id
	for bad, want := range map[string]string{
		"nonsense": "loosen-link", origin + "/r/" + id: "loosen-link", origin + "/v1/rules/proposals/x?y=z": "loosen-link",
		"http://127.0.0.1:1/v1/rules/proposals/" + id: "request-elsewhere",
	} {
		if _, err := p.LooseningOf(t.Context(), bad); code(err) != want {
			t.Errorf("%s: %v", bad, err)
		}
	}
	l, err := p.LooseningOf(t.Context(), link)
	w.must(err)
	if l.Every() || len(l.Changes) != 2 || !l.Changes[0].Looser || l.Changes[0].What != ceremony.DiffLock || l.Changes[1].Looser {
		t.Errorf("shown %+v", l)
	}
	if got := code(p.Loosen(t.Context(), pin(t, cardPIN), l)); got != "no-card-held" {
		t.Errorf("without the card: %s", got)
	}
	defer w.hold(c, p)()
	if got := code(p.Loosen(t.Context(), pin(t, "9999"), l)); got != "wrong-card-pin" || len(k.words) != 0 {
		t.Errorf("a wrong PIN: %s, %d words", got, len(k.words))
	}
	// What the verifier says meanwhile changes nothing of what was shown and signed.
	k.proposal.To = ceremony.Rules{Version: 2}
	w.must(p.Loosen(t.Context(), pin(t, cardPIN), l))
	if word := k.words[0]; word.RulesSHA256 != to.Hash() || word.Verifier != "verifier" || k.asked[0].Proposal != id {
		t.Errorf("said %+v about %s", word, k.asked[0].Proposal)
	}
	if uses, err := p.Uses(t.Context(), 1); err != nil || uses[0].Kind != phone.UseLoosened || uses[0].Result != phone.ResultDone {
		t.Errorf("%+v, %v", uses, err)
	}
	k.proposal.Done = true
	if _, err := p.LooseningOf(t.Context(), link); code(err) != "loosen-done" {
		t.Errorf("done already: %v", err)
	}

	every, err := p.LooseningOf(t.Context(), "")
	w.must(err)
	w.must(p.Loosen(t.Context(), pin(t, cardPIN), every))
	if word := k.words[1]; !every.Every() || word.RulesSHA256 != (ceremony.Rules{}).Hash() || k.asked[1].Proposal != "" {
		t.Errorf("every limit: %+v", word)
	}
}

// A class that its holder raised is refused once; then the phone asks for what was
// demanded, until that is not wanted any more.
func TestADemandIsRemembered(t *testing.T) {
	w, p, c := registered(t)
	refuse := func(code string, needs string) {
		t.Helper()
		a, err := p.Fetch(t.Context(), c.ask(nil))
		w.must(err)
		said := problem.NewRefused(403, code, "だめです。", "やり直してください。", "No.", "Try again.").With("verdict", "failed").With("needs", needs)
		c.set(func(rw http.ResponseWriter, r *http.Request) bool { httpd.WriteProblem(rw, r, said); return true })
		defer c.set(nil)
		unlock := withPIN(t, phonePIN)
		if a.Secret == element.Password {
			unlock = element.Unlock{Password: password(t, phonePassword)}
		}
		if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: unlock}); problem.From(err).Code != code {
			t.Fatal(err)
		}
	}
	shown := func(secret element.Which, noLock bool) phone.Ask {
		t.Helper()
		p = w.restart("a")
		a, err := p.Fetch(t.Context(), c.ask(nil))
		w.must(err)
		if a.Secret != secret || a.NoLock != noLock {
			t.Errorf("asks for %s, no lock %t", a.Secret, a.NoLock)
		}
		return a
	}
	shown(element.PIN, false)
	refuse("risk-raised", "pin")
	a := shown(element.PIN, true)
	if _, err := p.Challenge(t.Context(), a.ID); code(err) != phone.ErrPINChosen.Code {
		t.Errorf("the screen lock: %v", err)
	}
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); err != nil {
		t.Error(err)
	}
	refuse("risk-raised", "password")
	a = shown(element.Password, true)
	if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); code(err) != "secret-form" {
		t.Errorf("the PIN where the password was chosen: %v", err)
	}
	refuse("risk-raised", "a prize") // nonsense teaches nothing
	shown(element.Password, true)
	refuse("risk-not-met", "")
	shown(element.PIN, false)
	// Another purpose of the same party is another matter.
	refuse("risk-raised", "password")
	other, err := p.Fetch(t.Context(), c.ask(func(q *ceremony.Request) {
		q.Purpose, q.Kind, q.Risk = ceremony.Purpose{Code: "share", Sentence: c.reg.Purposes[1].Sentence}, ceremony.Consent, ceremony.R2
	}))
	w.must(err)
	if other.Secret != element.PIN || other.NoLock {
		t.Errorf("%+v", other)
	}
}
