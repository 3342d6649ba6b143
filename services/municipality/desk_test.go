package municipality_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/problem"
	"tegata/services/municipality"
	"tegata/store"
)

// told demands what the issuer heard after the first card.
func (w *world) heard(t *testing.T, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, w.issuer.told[1:]); d != "" {
		t.Errorf("the issuer heard (-want +got):\n%s", d)
	}
}

func isCode(err error, p *problem.Problem) bool {
	return errors.Is(err, &problem.Problem{Code: p.Code})
}

func withCard(t *testing.T, body func(t *testing.T, w *world, r *municipality.Register)) {
	t.Helper()
	each(t, func(t *testing.T, w *world, r *municipality.Register, _ *store.DB) {
		must(t, add(r, t, hanako()))
		must(t, order(r, t, "hanako", "card-1"))
		body(t, w, r)
	})
}

func shown(t *testing.T, r *municipality.Register) municipality.Entry {
	t.Helper()
	e, err := r.Show(t.Context(), "hanako")
	must(t, err)
	return e
}

func TestAfterAMoveTheSameCardGetsANewSignatureCertificate(t *testing.T) {
	withCard(t, func(t *testing.T, w *world, r *municipality.Register) {
		sign := func(card, id string) error {
			_, err := r.OrderSignature(t.Context(), officer, "hanako", card, id)
			return err
		}
		if err := sign("card-1", "s0"); !isCode(err, municipality.ErrSignatureGood) {
			t.Errorf("while the old one is good: %v", err)
		}
		if err := sign("card-9", "s0"); !isCode(err, municipality.ErrNoCard) {
			t.Errorf("onto no card: %v", err)
		}
		before := w.cards.written["card-1"]["auth"]
		first := w.cards.written["card-1"]["sign"]
		must(t, report(r, t, "hanako", municipality.Report{ID: "e1", Kind: municipality.Moved, Address: "見本県手形市二丁目1番1号"}))
		if e := shown(t, r); !e.Cards[0].SignEnded || e.Events[0].Changed != 1 {
			t.Errorf("after the move: %+v", e)
		}
		for range 2 { // the second time nothing new happens
			must(t, sign("card-1", "s1"))
		}
		w.heard(t, "moved", "signature s1 onto card-1")
		if e := shown(t, r); e.Cards[0].SignEnded || e.Cards[0].State != municipality.CardPersonalised || len(e.Events) != 1 {
			t.Errorf("afterwards: %+v", e)
		}
		if got := w.cards.written["card-1"]; string(got["auth"]) != string(before) || string(got["sign"]) == string(first) {
			t.Error("the card has another authentication certificate, or the old signature certificate")
		}
		if err := order(r, t, "hanako", "s1"); !isCode(err, municipality.ErrCardConflict) {
			t.Errorf("a card under that id: %v", err)
		}
		must(t, report(r, t, "hanako", municipality.Report{ID: "e2", Kind: municipality.CardLost}))
		if err := sign("card-1", "s2"); !isCode(err, municipality.ErrCardNotFitting) {
			t.Errorf("onto a lost card: %v", err)
		}
	})
}

func TestAMoveThatOvertakesTheNewCertificateEndsIt(t *testing.T) {
	withCard(t, func(t *testing.T, w *world, r *municipality.Register) {
		must(t, report(r, t, "hanako", municipality.Report{ID: "e1", Kind: municipality.Moved, Address: "見本県手形市二丁目1番1号"}))
		w.cards.down = true // the order stands at the issuer's answer, or before
		if _, err := r.OrderSignature(t.Context(), officer, "hanako", "card-1", "s1"); err == nil {
			t.Fatal("without the card")
		}
		w.cards.down = false
		w.cards.cut = func(what string) bool { return what == "sign" } // it is written, and nobody hears
		must(t, w.clock.AdvanceThrough(t.Context(), time.Minute, r))
		must(t, report(r, t, "hanako", municipality.Report{ID: "e2", Kind: municipality.Moved, Address: "見本県手形市三丁目1番1号"}))
		w.cards.cut = nil
		must(t, w.clock.AdvanceThrough(t.Context(), time.Hour, r))
		w.heard(t, "moved", "signature s1 onto card-1", "moved")
		if e := shown(t, r); !e.Cards[0].SignEnded || e.Cards[1].State != municipality.CardPersonalised {
			t.Errorf("the card says that its certificate is good: %+v", e.Cards)
		}
		_, err := r.OrderSignature(t.Context(), officer, "hanako", "card-1", "s2")
		must(t, err)
		if e := shown(t, r); e.Cards[0].SignEnded {
			t.Errorf("%+v", e.Cards)
		}
	})
}

func TestACardIsGivenBackAndAPersonLeaves(t *testing.T) {
	withCard(t, func(t *testing.T, w *world, r *municipality.Register) {
		must(t, report(r, t, "hanako", municipality.Report{ID: "e1", Kind: municipality.CardRevoked, Certificate: "card-sign"}))
		again := report(r, t, "hanako", municipality.Report{ID: "e2", Kind: municipality.CardRevoked, Certificate: "card-sign"})
		if !isCode(again, municipality.ErrCardNotFitting) {
			t.Errorf("a second time: %v", again)
		}
		must(t, report(r, t, "hanako", municipality.Report{ID: "e3", Kind: municipality.CardRevoked}))
		if e := shown(t, r); e.Cards[0].State != municipality.CardReturned {
			t.Errorf("%+v", e.Cards)
		}
		if err := report(r, t, "hanako", municipality.Report{ID: "e4", Kind: municipality.CardLost}); !isCode(err, municipality.ErrNoCard) {
			t.Errorf("a returned card is lost: %v", err)
		}
		must(t, order(r, t, "hanako", "card-2"))
		must(t, report(r, t, "hanako", municipality.Report{ID: "e5", Kind: municipality.Emigrated}))
		w.heard(t, "card-revoked card-1 card-sign", "card-revoked card-1", "issued card-2", "emigrated")
		e := shown(t, r)
		if !e.Resident.Emigrated || e.Resident.Died || e.Cards[1].State != municipality.CardReturned {
			t.Errorf("%+v", e)
		}
		if err := order(r, t, "hanako", "card-3"); !isCode(err, municipality.ErrResidentDied) {
			t.Errorf("a card for somebody who left: %v", err)
		}
	})
}

func TestWhatIsPlannedIsToldAtOnceAndDoneOnItsDay(t *testing.T) {
	withCard(t, func(t *testing.T, w *world, r *municipality.Register) {
		// 22 November 2026, 9:00 in Japan.
		moved := municipality.Report{ID: "e1", Kind: municipality.Moved, Address: "見本県手形市二丁目1番1号", On: "2026-12-01"}
		for range 2 {
			e, err := r.Report(t.Context(), officer, "hanako", moved)
			if err != nil || e.State != municipality.EventPlanned || e.On == nil || !e.On.Equal(time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC)) {
				t.Fatalf("%+v %v", e, err)
			}
		}
		w.heard(t, "announced moved 2026-12-01")
		// She changes her name before; the issuer is away when both come.
		renamed := municipality.Report{ID: "e2", Kind: municipality.NameChanged, Name: "関所　花子", Kana: "セキショ　ハナコ", On: "2026-11-30"}
		must(t, report(r, t, "hanako", renamed))
		if e := shown(t, r); e.Resident.Address != hanako().Address || e.Resident.Name != hanako().Name || e.Cards[0].SignEnded {
			t.Errorf("before its day: %+v", e)
		}
		due, ok, err := r.NextDue(t.Context())
		if err != nil || !ok || !due.Equal(time.Date(2026, 11, 29, 15, 0, 0, 0, time.UTC)) {
			t.Errorf("due %v %v %v", due, ok, err)
		}
		w.issuer.down = true
		must(t, w.clock.AdvanceThrough(t.Context(), 10*24*time.Hour, r))
		if e := shown(t, r); e.Resident.Address != moved.Address || e.Resident.Name != renamed.Name || !e.Cards[0].SignEnded {
			t.Errorf("the register waits for the issuer: %+v", e)
		}
		w.issuer.down = false
		must(t, w.clock.AdvanceThrough(t.Context(), time.Hour, r))
		w.heard(t, "announced moved 2026-12-01", "announced name-changed 2026-11-30", "name-changed", "moved")
		if p := w.issuer.people["hanako"].Attributes; p.Address != moved.Address || p.Name != renamed.Name {
			t.Errorf("the issuer's last word: %+v", p)
		}
		// A day that is over is at once.
		must(t, report(r, t, "hanako", municipality.Report{ID: "e3", Kind: municipality.Moved, Address: "見本県手形市三丁目1番1号", On: "2026-11-01"}))
		if e := shown(t, r); e.Resident.Address != "見本県手形市三丁目1番1号" {
			t.Error("a past day is waited for")
		}
		if _, ok, err := r.NextDue(t.Context()); ok || err != nil {
			t.Errorf("work is open: %v", err)
		}
	})
}

func TestWhatIsPlannedCanBeTakenBackOrBecomeImpossible(t *testing.T) {
	withCard(t, func(t *testing.T, w *world, r *municipality.Register) {
		must(t, report(r, t, "hanako", municipality.Report{ID: "e1", Kind: municipality.Emigrated, On: "2026-12-01"}))
		for range 2 {
			e, err := r.Cancel(t.Context(), officer, "hanako", "e1")
			if err != nil || e.State != municipality.EventCancelled {
				t.Fatalf("%+v %v", e, err)
			}
		}
		must(t, report(r, t, "hanako", municipality.Report{ID: "e2", Kind: municipality.CardRevoked, On: "2026-12-02"}))
		must(t, order(r, t, "hanako", "card-2"))
		must(t, report(r, t, "hanako", municipality.Report{ID: "e3", Kind: municipality.Moved, Address: "見本県手形市四丁目1番1号", On: "2026-12-03"}))
		must(t, report(r, t, "hanako", municipality.Report{ID: "e4", Kind: municipality.Died}))
		must(t, w.clock.AdvanceThrough(t.Context(), 20*24*time.Hour, r))
		w.heard(t, "announced emigrated 2026-12-01", "announced emigrated 2026-12-01 cancelled", "announced card-revoked 2026-12-02",
			"issued card-2", "card-renewed card-2", "announced moved 2026-12-03", "died")
		for _, e := range shown(t, r).Events {
			if (e.ID == "e2" || e.ID == "e3") && (e.State != municipality.EventRefused || e.Trouble != "resident-died") {
				t.Errorf("%+v", e)
			}
		}
		if _, err := r.Cancel(t.Context(), officer, "hanako", "e3"); !isCode(err, municipality.ErrNotPlanned) {
			t.Errorf("what is done is taken back: %v", err)
		}
		if _, err := r.Cancel(t.Context(), officer, "hanako", "e9"); !isCode(err, municipality.ErrNotPlanned) {
			t.Errorf("nothing is taken back: %v", err)
		}
	})
}

func TestAPlanThatCannotBeIsRefusedWhenItIsReported(t *testing.T) {
	withCard(t, func(t *testing.T, w *world, r *municipality.Register) {
		for name, in := range map[string]municipality.Report{
			"a death to come":     {Kind: municipality.Died, On: "2026-12-01"},
			"no such day":         {Kind: municipality.Emigrated, On: "2026-02-30"},
			"more than a year":    {Kind: municipality.Emigrated, On: "2028-01-01"},
			"another town":        {Kind: municipality.Moved, Address: "x", Municipality: "13101", On: "2026-12-01"},
			"a card never made":   {Kind: municipality.CardRevoked, Card: "card-7", On: "2026-12-01"},
			"a certificate of no": {Kind: municipality.CardRevoked, Certificate: "card-auth"},
			"an address it lacks": {Kind: municipality.Moved, On: "2026-12-01"},
		} {
			in.ID = "e1"
			if err := report(r, t, "hanako", in); err == nil {
				t.Errorf("%s is planned", name)
			}
		}
		if e := shown(t, r); len(e.Events) != 0 {
			t.Errorf("%+v", e.Events)
		}
	})
}

func TestACardWaitsForItsHolder(t *testing.T) {
	withCard(t, func(t *testing.T, w *world, r *municipality.Register) {
		for range 2 {
			c, err := r.MakeCard(t.Context(), officer, "hanako", "card-2")
			if err != nil || c.State != municipality.CardReady {
				t.Fatalf("%+v %v", c, err)
			}
		}
		w.heard(t, "issued card-2")
		if e := shown(t, r); e.Cards[0].State != municipality.CardPersonalised {
			t.Errorf("the old card ended before the new one was handed over: %+v", e.Cards)
		}
		must(t, report(r, t, "hanako", municipality.Report{ID: "e1", Kind: municipality.CardLost})) // the one in use
		for range 2 {
			c, err := r.HandOver(t.Context(), officer, "hanako", "card-2")
			if err != nil || c.State != municipality.CardPersonalised {
				t.Fatalf("%+v %v", c, err)
			}
		}
		w.heard(t, "issued card-2", "card-lost card-1", "card-renewed card-2")
		for _, card := range []string{"card-1", "card-7"} {
			if _, err := r.HandOver(t.Context(), officer, "hanako", card); !isCode(err, municipality.ErrNoCard) {
				t.Errorf("%s is handed over: %v", card, err)
			}
		}
	})
}
