package pay

import (
	"testing"
	"time"

	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
)

func TestEveryStringIsThereAndUsed(t *testing.T) {
	h, err := NewHandler(Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	html, err := pagesFS()
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, html, ".")
	for _, l := range ui.Langs() {
		for _, why := range append(bankReasons, WhyLetter, WhyBank, WhyNoCode, WhyOther) {
			if !h.site.Words().Has(l, "why."+why) {
				t.Errorf("%s: why.%s is not said", l, why)
			}
		}
		for code := range bankCodes {
			if !h.site.Words().Has(l, "why."+code) {
				t.Errorf("%s: why.%s is not said", l, code)
			}
		}
		for _, err := range []error{ErrStopped, ErrNight, ErrAmount, ErrPayOnce, ErrPayDay, ErrChargeOnce, ErrChargeDay, ErrFirstDay, ErrBalance, ErrFunds, ErrMandateOver, ErrLedger, ErrTooYoung} {
			if code := codeOf(err); !h.site.Words().Has(l, "why."+code) {
				t.Errorf("%s: why.%s is not said", l, code)
			}
		}
	}
}

// samples are all pages, in the states that they have.
func samples() []uitest.Page {
	now := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	bank := ui.Text{JA: "手形銀行", EN: "Tegata Bank"}
	who := Attributes{Name: "手形　花子", Address: "見本県手形市一丁目2番3号", Birthdate: "1980-02-17", Gender: "female"}
	w := Wallet{ID: "w1", Holder: who, Balance: 12_300, OpenedAt: now, Record: Record{Method: MethodSignature, Issuer: "phone-sign", SignatureSHA256: "ab", VerifiedAt: now, Verifier: "http://verifier"}}
	stopped, closed, night := w, w, w
	stopped.StoppedAt, closed.ClosedAt, night.NightOpen = now, now, true
	l, _ := LimitsOf(who, now)
	m := func(state MandateState, change func(*Mandate)) Mandate {
		m := Mandate{ID: "m-" + string(state), State: state, LimitOnce: 5000, LimitDay: 10_000, AskedAt: now, GrantedAt: now, FirstUntil: now.Add(24 * time.Hour), FirstLimit: 10_000, ValidTo: now.AddDate(1, 0, 0), Told: true}
		if state == MandateActive || state == MandateEnded {
			m.Account, m.Evidence = "•••0001", "0123456789abcdef"
		}
		if change != nil {
			change(&m)
		}
		return m
	}
	mandates := []Mandate{
		m(MandateActive, nil), m(MandateActive, func(m *Mandate) { m.FirstUntil = now }), m(MandateActive, func(m *Mandate) { m.ValidTo = now }), m(MandateAsked, nil),
		m(MandateRefused, func(m *Mandate) { m.Why = WhyHolder }), m(MandateLapsed, nil), m(MandateEnded, func(m *Mandate) { m.EndedBy, m.EndedAt = ByBank, now }),
		m(MandateEnded, func(m *Mandate) { m.EndedBy, m.EndedAt, m.Told = ByWallet, now, false }),
	}
	notices := []Notice{{At: now, Kind: "opened"}, {At: now, Kind: "charge", Amount: 3000, What: "•••0001"}, {At: now, Kind: "payment-refused", Amount: 300, What: "茶屋", Why: ErrNight.Code}}
	d := Draft{ID: "d1", Who: who, Document: Terms("d1", now, who, l)}
	base := page{Who: who, W: &w, Limits: l, Bank: bank, Now: now, In: true, All: mandates, Notices: notices, Amounts: []int64{1000, 3000}, Days: []int64{10_000}, Once: "x", Chosen: 3000,
		Entries: []Entry{{Seq: 1, At: now, Kind: EntryCharge, Amount: 3000, Balance: 3000, What: "•••0001"}}, Draft: &d, Link: "http://bank.localhost/x"}
	with := func(name, file string, change func(*page)) uitest.Page {
		p := base
		if change != nil {
			change(&p)
		}
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: p}}
	}
	trouble := ui.TroubleOf(nil, ErrChargeOnce)
	pages := []uitest.Page{
		with("start", "start", func(p *page) { p.In = false }), with("start, logged in", "start", nil), with("go", "go", nil), with("to the bank", "tobank", nil),
		with("home", "home", nil), with("home, none", "home", func(p *page) { p.W = nil }), with("home, failed", "home", func(p *page) { p.W, p.Trouble = nil, trouble }),
		with("home, taking", "home", func(p *page) { p.W, p.Taking = nil, true }), with("home, closed", "home", func(p *page) { p.W = &closed }),
		with("home, stopped", "home", func(p *page) { p.W = &stopped }), with("home, waiting", "home", func(p *page) { p.Waiting = []Charge{{ID: "c1", Amount: 500}} }),
		with("terms", "terms", nil), with("accounts", "accounts", nil), with("accounts, none", "accounts", func(p *page) { p.All = nil }),
		with("link", "link", nil), with("link, wrong", "link", func(p *page) { p.Trouble = trouble }), with("charge", "charge", nil),
		with("charge, wrong", "charge", func(p *page) { p.Trouble = trouble }), with("charge, none", "charge", func(p *page) { p.All = nil }),
		with("history", "history", nil), with("history, none", "history", func(p *page) { p.Entries = nil }), with("settings", "settings", nil),
		with("settings, stopped", "settings", func(p *page) { p.W = &stopped }), with("settings, night", "settings", func(p *page) { p.W = &night }),
		with("received", "received", nil), with("close", "close", nil),
	}
	for i := range mandates {
		pages = append(pages, with("account "+string(mandates[i].State)+string(rune('a'+i)), "account", func(p *page) { p.M = &mandates[i] }))
	}
	for _, s := range []ChargeState{ChargeAsked, ChargeDone, ChargeRefused} {
		pages = append(pages, with("charged "+string(s), "charged", func(p *page) {
			p.C = &Charge{ID: "c1", Amount: 3000, State: s, AskedAt: now}
			if s == ChargeRefused {
				p.Trouble = ui.TroubleOf(nil, &BankRefusal{"bank-charge-funds"})
			}
		}))
	}
	return pages
}

// tillSamples are the pages of a till.
func tillSamples() []uitest.Page {
	shop := Shop{ID: "asahi", Name: ui.Text{JA: "お茶処あさひ", EN: "Asahi Tea House"}, Address: ui.Text{JA: "見本県手形市本町1番", EN: "1 Honcho, Tegata"}}
	page := func(name, file string, p tillPage) uitest.Page {
		p.Shop = shop
		if file != "tills" && file != "enter" {
			p.Form = "x"
		}
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: p}}
	}
	pages := []uitest.Page{page("tills", "tills", tillPage{Shops: []Shop{shop}}), page("till", "till", tillPage{Once: "x"}), page("till, wrong", "till", tillPage{Trouble: ui.TroubleOf(nil, ErrAmount)}),
		page("enter", "enter", tillPage{Hold: "http://street.localhost/offers"}), page("enter, wrong", "enter", tillPage{Trouble: ui.TroubleOf(nil, ErrTillCode.With("tries_left", 3))}),
		page("enter, locked", "enter", tillPage{Trouble: ui.TroubleOf(nil, ErrTillLocked)}), page("sales, none", "sales", tillPage{})}
	now := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	sales := []Sale{{ID: "s1", Amount: 1200, State: SalePaid, AskedAt: now}, {ID: "s2", Amount: 1200, State: SalePaid, AskedAt: now, Refunded: 200}, {ID: "s3", Amount: 300, State: SalePaid, AskedAt: now, Refunded: 300},
		{ID: "s4", Amount: 300, State: SaleOver, AskedAt: now}, {ID: "s5", Amount: 300, State: SaleAsked, AskedAt: now}}
	pages = append(pages, page("sales", "sales", tillPage{Sales: sales, Paid: 2700, Back: 500}),
		page("refund", "refund", tillPage{Sale: &sales[0], Once: "x"}), page("refund, part", "refund", tillPage{Sale: &sales[1], Once: "x", Trouble: ui.TroubleOf(nil, ErrRefundOver)}),
		page("sale, refunded whole", "sale", tillPage{Sale: &sales[2], Refunds: []Refund{{ID: "f2", Sale: "s3", Amount: 300, At: now}}}),
		page("sale, refunded", "sale", tillPage{Sale: &sales[1], Refunds: []Refund{{ID: "f1", Sale: "s2", Amount: 200, At: now}}}))
	for _, hint := range []string{"", "taken", "no-phone", "again", "carried", "not-carried"} {
		pages = append(pages, page("sale, asked "+hint, "sale", tillPage{Sale: &Sale{ID: "s1", Amount: 1200, State: SaleAsked}, Hint: hint, Hold: "http://street.localhost/hold"}))
	}
	pages = append(pages, page("sale, paid", "sale", tillPage{Sale: &Sale{ID: "s1", Amount: 1200, State: SalePaid}}))
	for _, why := range []string{WhyDeclined, WhyNotProven, WhyWallet, WhyUnanswered, WhyCancelled, WhyVerifier} {
		pages = append(pages, page("sale, "+why, "sale", tillPage{Sale: &Sale{ID: "s1", Amount: 1200, State: SaleOver, Why: why}}))
	}
	return pages
}

func TestEveryPageRenders(t *testing.T) {
	h, err := NewHandler(Options{Now: time.Now, Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Pages(t, h.site, append(samples(), tillSamples()...))
	uitest.Says(t, h.site, samples(), "account activea", map[ui.Lang][]string{ui.JA: {"はじめの24時間は、合わせて10,000円までです。"}, ui.EN: {"¥10,000 in all"}})
}

func TestLookAtThePages(t *testing.T) {
	h, err := NewHandler(Options{Now: time.Now, Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Preview(t, h.site, append(samples(), tillSamples()...))
}
