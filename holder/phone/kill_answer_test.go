package phone_test

import (
	"testing"

	"tegata/holder/phone"
	"tegata/internal/ceremony"
)

// A phone that is killed at any write of an answer signs nothing twice and sends nothing
// that is not whole, and its person has each copy once.
func TestKilledWhileSigning(t *testing.T) {
	w, card, dsn := killTown(t)
	c := newCheckpoint(w)
	w.config.Verifiers = []string{c.origin}
	w.must(w.phones.Close())
	w.phones = phone.New(w.config)
	p := w.phone("a")
	w.enrol(card, p)
	order := childOrder{Dir: w.dir, DSN: dsn, Issuer: w.issuer, Now: w.clock(), Phone: "a", Do: "answer"}
	killed, before := 0, 0
	for at := 1; ; at += 2 {
		a, err := p.Fetch(t.Context(), c.ask(c.signingAll(threeSheets())))
		w.must(err)
		order.DieAt, order.Ask, order.Shown, order.Seen = at, a.ID, a.Shown, agreed(t, a).Seen
		w.must(w.phones.Close())
		_, died := w.run(order, card)
		w.phones = phone.New(w.config)
		p, err = w.phones.Find(t.Context(), "a")
		w.must(err)
		if len(c.posted[a.ID]) == 0 {
			before++
		}
		if _, err := p.Asked(t.Context(), a.ID); err == nil { // the person goes on
			_, err := p.Answer(t.Context(), a.ID, agreed(t, a))
			w.must(err)
		} else if code(err) != "no-such-request" {
			t.Fatalf("moment %d: %v", at, err)
		}
		all := c.posted[a.ID]
		if len(all) == 0 {
			t.Fatalf("moment %d: nothing arrived", at)
		}
		for _, sent := range all {
			if len(sent.Signed) != 3 || sent.Answer != all[0].Answer || sent.Signed[0] != all[0].Signed[0] {
				t.Fatalf("moment %d: two answers to one request, or one with %d signatures", at, len(sent.Signed))
			}
		}
		list, _ := kept(t, p)
		if len(list) != 3 || list[0].ID != a.ID+"-01" || list[0].Unsure {
			t.Fatalf("moment %d: kept %+v", at, list)
		}
		w.must(p.EraseAllSigned(t.Context()))
		uses, err := p.Uses(t.Context(), 1000)
		w.must(err)
		approved := 0
		for _, u := range uses {
			if u.Kind == string(ceremony.SignDoc) && u.Result == phone.ResultApproved {
				approved++
			}
		}
		if approved != (at+1)/2 {
			t.Fatalf("moment %d: %d approved in the history", at, approved)
		}
		if !died {
			break
		}
		killed++
	}
	t.Logf("killed at %d moments, %d before anything was sent", killed, before)
	if killed < 8 || before < 4 || killed == before {
		t.Error("too few moments")
	}
}
