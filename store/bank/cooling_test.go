package bank_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/services/bank"
	"tegata/services/notice"
	"tegata/services/relying"
)

// newcomer is somebody whose account was opened a moment ago.
const newcomer = "s7"

// opens opens a deposit account of the newcomer, and returns its number.
func (w *world) opens(t *testing.T, id string) string {
	t.Helper()
	if err := w.signs(t, id, newcomer); err != nil {
		t.Fatal(err)
	}
	w.reviewed(t, time.Minute)
	a := w.current(t, newcomer)
	if a.State != bank.Opened || !a.CoolUntil.Equal(w.now.Add(8*24*time.Hour)) {
		t.Fatalf("%+v", a)
	}
	return a.Number
}

// letters are those in the outbox of a kind.
func (w *world) letters(t *testing.T, kind string) (all []notice.Notice) {
	t.Helper()
	sent, err := w.store.Outbox(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range sent {
		if n.To.Channel != notice.Post || n.To.Address != "東京都千代田区1　佐藤 花子 様" {
			t.Errorf("sent to %+v", n.To)
		}
		if n.Kind == kind {
			all = append(all, n)
		}
	}
	return all
}

var holdLink = regexp.MustCompile(`http://bank/hold/(\w+)`)

// link is the one in the last letter that tells of an opening.
func (w *world) link(t *testing.T) string {
	t.Helper()
	all := w.letters(t, "bank-opened")
	m := holdLink.FindStringSubmatch(all[len(all)-1].JA.Body)
	if m == nil || !strings.Contains(all[len(all)-1].EN.Body, m[0]) {
		t.Fatalf("no link in %+v", all)
	}
	return m[1]
}

func TestInTheFirstDaysLittleGoesOutAndTheOpeningIsUndone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		account := w.opens(t, "n1")
		l := w.letters(t, "bank-opened")
		if len(l) != 1 || !strings.Contains(l[0].JA.Body, "2026-12-06 10:01") || strings.Contains(l[0].JA.Body+l[0].EN.Body, account) || strings.Contains(l[0].JA.Body, hanako.Name) {
			t.Fatalf("the letter: %+v", l)
		}
		for _, s := range []struct {
			after  time.Duration
			key    string
			amount int64
			want   error
		}{
			{0, "IN", 50_000, nil}, // in it goes without a limit
			{0, "A", -10_001, bank.ErrCooling},
			{0, "A", -6_000, nil},
			{0, "A", -6_000, nil}, // the same once more
			{0, "B", -4_001, bank.ErrCooling},
			{0, "B", -4_000, nil},
			{15 * time.Hour, "C", -10_000, nil}, // after midnight, in Japan
			{0, "D", -1, bank.ErrCooling},
		} {
			w.now = w.now.Add(s.after)
			if err := w.Cash(t.Context(), account, s.key, s.amount); !errors.Is(err, s.want) {
				t.Errorf("%s %d: %v", s.key, s.amount, err)
			}
		}
		if err := w.Undo(t.Context(), "nobody", bank.Deposit); !errors.Is(err, bank.ErrNotFound) {
			t.Errorf("nobody's: %v", err)
		}
		for range 2 {
			if err := w.Undo(t.Context(), newcomer, bank.Deposit); err != nil {
				t.Fatal(err)
			}
		}
		a := w.current(t, newcomer)
		if a.State != bank.Undone || a.ClosedAt.IsZero() || !a.Record.RetentionUntil.Equal(bank.Retention(w.now)) || a.Undoable(w.now) {
			t.Errorf("%+v", a)
		}
		entries, err := w.Entries(t.Context(), account, 10)
		if err != nil || entries[0].Kind != bank.Returned || entries[0].Amount != -30_000 || entries[0].Balance != 0 {
			t.Errorf("%+v %v", entries, err)
		}
		if err := w.Cash(t.Context(), account, "E", 5); err == nil {
			t.Error("money went into an undone account")
		}
		if n := len(w.letters(t, "bank-undone")); n != 1 {
			t.Errorf("%d letters of it", n)
		}
		if err := w.signs(t, "n2", newcomer); err != nil {
			t.Errorf("another application: %v", err)
		}
	})
}

func TestTheFirstDaysEndByThemselves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		account := w.opens(t, "n1")
		link := w.link(t)
		until := w.now.Add(bank.Cooling)
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(until) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		if err := w.Cash(t.Context(), account, "IN", 50_000); err != nil {
			t.Fatal(err)
		}
		w.now = until // nobody has run what is due
		if err := w.Cash(t.Context(), account, "A", -30_000); err != nil {
			t.Errorf("after the last moment: %v", err)
		}
		for what, err := range map[string]error{"undone": w.Undo(t.Context(), newcomer, bank.Deposit), "held": w.Hold(t.Context(), link)} {
			if !errors.Is(err, bank.ErrCooled) {
				t.Errorf("%s too late: %v", what, err)
			}
		}
		w.reviewed(t, 0)
		if a := w.current(t, newcomer); !a.CoolUntil.IsZero() || a.State != bank.Opened {
			t.Errorf("%+v", a)
		}
		if err := w.Hold(t.Context(), link); !errors.Is(err, bank.ErrNotFound) {
			t.Errorf("a link that was forgotten: %v", err)
		}
		w.reviewed(t, 31*24*time.Hour)
		if n := len(w.letters(t, "bank-opened")); n != 0 {
			t.Errorf("%d letters are kept for ever", n)
		}
	})
}

func TestWhoHasTheLetterHoldsAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		account := w.opens(t, "n1")
		first := w.link(t)
		if err := w.Cash(t.Context(), account, "IN", 50_000); err != nil {
			t.Fatal(err)
		}
		if err := w.Hold(t.Context(), "ANOTHER"); !errors.Is(err, bank.ErrNotFound) {
			t.Errorf("by another link: %v", err)
		}
		if _, err := w.DrawRelease(t.Context(), newcomer, hanako, bank.Deposit); !errors.Is(err, bank.ErrMoved) {
			t.Errorf("released what nobody held: %v", err)
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := w.Hold(t.Context(), first); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := len(w.letters(t, "bank-held")); n != 1 {
			t.Errorf("%d letters of one hold", n)
		}
		if err := w.Cash(t.Context(), account, "A", -1); !errors.Is(err, bank.ErrHeld) {
			t.Errorf("money went out of a held account: %v", err)
		}
		if err := w.Cash(t.Context(), account, "IN2", 1); err != nil {
			t.Errorf("money goes in: %v", err)
		}
		if _, err := w.Draw(t.Context(), "b", newcomer, hanako, forSecurities); !errors.Is(err, bank.ErrHeld) {
			t.Errorf("a securities account over it: %v", err)
		}
		w.reviewed(t, 30*24*time.Hour) // a hold does not end by itself
		if err := w.Cash(t.Context(), account, "A", -1); !errors.Is(err, bank.ErrHeld) {
			t.Errorf("the hold ended by itself: %v", err)
		}

		p, err := w.DrawRelease(t.Context(), newcomer, hanako, bank.Deposit)
		if err != nil || !strings.Contains(string(p.Document), account) || !strings.Contains(string(p.Document), "私の意思") {
			t.Fatalf("%s %v", p.Document, err)
		}
		good := relying.Signed{Verdict: "passed", Sub: newcomer, Signature: []byte("cms")}
		moved := hanako
		moved.Address = "大阪府"
		for what, err := range map[string]error{
			"by another":      w.ReceivePaper(t.Context(), p, hanako, relying.Signed{Verdict: "passed", Sub: "s2", Signature: []byte("cms")}),
			"other facts":     w.ReceivePaper(t.Context(), p, moved, good),
			"does not verify": w.receivePaperAs(t, p, good, verdict("failed", hanako.Name, "good")),
			"another's name":  w.receivePaperAs(t, p, good, verdict("passed", "佐藤 太郎", "good")),
		} {
			if !errors.Is(err, bank.ErrSignature) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for range 2 { // what came twice
			if err := w.ReceivePaper(t.Context(), p, hanako, good); err != nil {
				t.Fatal(err)
			}
		}
		if a := w.current(t, newcomer); a.Held() || !a.CoolUntil.Equal(w.now.Add(bank.Cooling)) {
			t.Errorf("%+v", a)
		}
		if err := w.Cash(t.Context(), account, "B", -10_000); err != nil {
			t.Error(err)
		}
		if err := w.Cash(t.Context(), account, "C", -1); !errors.Is(err, bank.ErrCooling) {
			t.Errorf("the days do not begin anew: %v", err)
		}
		// The new letter's link holds, and the old one's does as long.
		if w.link(t) == first {
			t.Error("the new letter has the old link")
		}
		if err := w.Hold(t.Context(), w.link(t)); err != nil {
			t.Error(err)
		}
		if err := w.ReceivePaper(t.Context(), p, hanako, good); err != nil {
			t.Error(err)
		}
		if a := w.current(t, newcomer); !a.Held() {
			t.Error("an old paper released a new hold")
		}
		if papers, err := w.Papers(t.Context(), newcomer); err != nil || len(papers) != 1 || papers[0].ID != p.ID || papers[0].Who != hanako || len(papers[0].Record.SignatureSHA256) != 64 {
			t.Errorf("%+v %v", papers, err)
		}
		if err := w.Undo(t.Context(), newcomer, bank.Deposit); err != nil {
			t.Errorf("undone while it is held: %v", err)
		}
		w.now = w.now.AddDate(7, 0, 1)
		w.reviewed(t, 0)
		if papers, err := w.Papers(t.Context(), newcomer); err != nil || len(papers) != 0 {
			t.Errorf("papers are kept for ever: %+v %v", papers, err)
		}
	})
}

func (w *world) receivePaperAs(t *testing.T, p bank.Paper, s relying.Signed, v relying.Verdict) error {
	old := w.says
	w.says = v
	defer func() { w.says = old }()
	return w.ReceivePaper(t.Context(), p, p.Who, s)
}

// What is undone takes its mandates with it, and what is held lets nothing out by one.
func TestMandatesInTheFirstDays(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		if err := p.Close(t.Context(), "s1", bank.Deposit); err != nil {
			t.Fatal(err)
		}
		if err := p.signs(t, "a2", "s1"); err != nil {
			t.Fatal(err)
		}
		p.reviewed(t, time.Minute)
		account := p.current(t, "s1").Number
		if err := p.Cash(t.Context(), account, "KEY-1", 100_000); err != nil {
			t.Fatal(err)
		}
		p.active(mandateID)
		p.now = p.now.Add(24 * time.Hour) // the mandate's first day is over
		for _, s := range []struct {
			id     int
			amount int64
			code   string
		}{{1, 10_001, "bank-cooling"}, {1, 9_000, ""}, {2, 1_001, "bank-cooling"}} {
			if status, code := p.charges(mandateID, chargeID(s.id), s.amount); code != s.code || (status == 200) != (code == "") {
				t.Errorf("%+v: %d %s", s, status, code)
			}
		}
		if err := p.Cash(t.Context(), account, "KEY-2", -1_001); !errors.Is(err, bank.ErrCooling) {
			t.Errorf("the limit is of all ways together: %v", err)
		}
		second := mandateID + "-2"
		p.asks(second, hanako)
		x, err := p.Consider(t.Context(), second, "s1", hanako)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Hold(t.Context(), p.link(t)); err != nil {
			t.Fatal(err)
		}
		if status, code := p.charges(mandateID, chargeID(3), 1); status != 409 || code != "bank-held" {
			t.Errorf("%d %s", status, code)
		}
		if status, code := p.charges(mandateID, chargeID(1), 9_000); status != 200 {
			t.Errorf("what was taken stays told: %d %s", status, code)
		}
		if _, err := p.Grant(t.Context(), "s1", x, hanako, relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}); !errors.Is(err, bank.ErrHeld) {
			t.Errorf("granted: %v", err)
		}
		if _, err := p.Consider(t.Context(), second, "s1", hanako); !errors.Is(err, bank.ErrHeld) {
			t.Errorf("considered: %v", err)
		}
		if err := p.Decline(t.Context(), second, "s1", hanako); err != nil {
			t.Errorf("declined: %v", err)
		}
		if err := p.Undo(t.Context(), "s1", bank.Deposit); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.told, []string{mandateID}) {
			t.Errorf("told %v", p.told)
		}
	})
}
