package carrier_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/services/carrier"
	"tegata/services/relying"
)

var leaf = carrier.Choices{Plan: "leaf"}

func TestALineIsTakenOutAndEnded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, err := w.contracts("s1", leaf)
		w.must(err)
		w.passes(30 * time.Second)
		if l := w.line("s1", id); l.State != carrier.Signed || l.Number != "" {
			t.Fatalf("too early: %+v", l)
		}
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(30*time.Second)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.passes(30 * time.Second)
		l := w.line("s1", id)
		if l.State != carrier.Active || l.Number != "070-0000-0001" || l.Record.StatusAtCheck != "good" || !l.Record.CheckedAt.Equal(w.now) || !l.Record.RetentionUntil.IsZero() ||
			l.Record.Method != carrier.MethodSignature || l.Record.Issuer != "phone-sign" || len(l.Record.SignatureSHA256) != 64 || l.Record.Verifier == "" || l.Attributes != hanako {
			t.Fatalf("%+v", l)
		}
		if l.SIM.State != carrier.Ready || l.SIM.Certificate != oldKey || l.SIM.ICCID != "8999900000000000014" {
			t.Errorf("the profile is not bound to the key that signed: %+v", l.SIM)
		}
		if _, err := w.Line(t.Context(), "s2", id); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("somebody else's line: %v", err)
		}
		w.ends("s1", id)
		l = w.line("s1", id)
		if l.State != carrier.Ended || !l.Record.RetentionUntil.Equal(w.now.AddDate(3, 0, 0)) || l.SIM.ICCID != "" {
			t.Errorf("%+v", l)
		}
		w.passes(3*366*24*time.Hour + time.Hour)
		if all, err := w.Lines(t.Context(), "s1"); err != nil || len(all) != 0 {
			t.Errorf("kept too long: %v %v", all, err)
		}
		if _, ok, err := w.NextDue(t.Context()); ok || err != nil {
			t.Errorf("something is due for ever: %v %v", ok, err)
		}
		if l := w.has("s1", carrier.Choices{Plan: "spring"}); l.Number != "020-0000-0002" {
			t.Errorf("a data line after that: %s", l.Number)
		}
	})
}

func TestWhoMayTakeOutALine(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct {
			name, birth string
			choices     carrier.Choices
			want        error
		}{
			{"the day before the 15th birthday", "2011-11-29", leaf, carrier.ErrTooYoung},
			{"the 15th birthday, without the filter", "2011-11-28", leaf, carrier.ErrFilter},
			{"the 15th birthday, with the filter", "2011-11-28", carrier.Choices{Plan: "leaf", Filter: true}, nil},
			{"the day before the 18th birthday, without the filter", "2008-11-29", leaf, carrier.ErrFilter},
			{"the 18th birthday", "2008-11-28", leaf, nil},
			{"no such plan", "1990-02-03", carrier.Choices{Plan: "free"}, carrier.ErrChoices},
			{"no mail address", "1990-02-03", carrier.Choices{Plan: "leaf", Mail: "花子"}, carrier.ErrAddress},
			{"two mail addresses", "1990-02-03", carrier.Choices{Plan: "leaf", Mail: "a@b.example, c@d.example"}, carrier.ErrAddress},
		} {
			who := hanako
			who.Birthdate = c.birth
			if _, err := w.Draw(t.Context(), "s1", who, c.choices); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		for _, who := range []carrier.Attributes{{Address: "a", Birthdate: "1990-02-03"}, {Name: "n", Birthdate: "1990-02-03"}, {Name: "n", Address: "a"}} {
			if _, err := w.Draw(t.Context(), "s1", who, leaf); !errors.Is(err, carrier.ErrClaims) {
				t.Errorf("%+v: %v", who, err)
			}
		}
		d, err := w.Draw(t.Context(), "s1", hanako, carrier.Choices{Plan: "leaf", Filter: true, Mail: "a@b.example"})
		w.must(err)
		for _, said := range []string{"佐藤 花子", "東京都千代田区1", "1990-02-03", "このは 3GB", "990円", "解約金：0円", "MNP）：できます", "フィルタリング：利用します\n", "a@b.example", "24時間"} {
			if !strings.Contains(string(d.Document), said) {
				t.Errorf("the contract does not say %s:\n%s", said, d.Document)
			}
		}
	})
}

func TestWhatIsNotTheSignatureOfWhoLoggedIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, err := w.Draw(t.Context(), "s1", hanako, leaf)
		w.must(err)
		good := relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}
		for _, c := range []struct {
			name string
			s    relying.Signed
			says relying.Verdict
		}{
			{"the provider's verdict failed", relying.Signed{Verdict: "failed", Sub: "s1"}, w.says},
			{"another sub signed", relying.Signed{Verdict: "passed", Sub: "s2"}, w.says},
			{"our own verdict failed", good, verdict(t, "failed", hanako.Name, "good", oldKey)},
			{"our own verdict is open", good, verdict(t, "indeterminate", hanako.Name, "", oldKey)},
			{"the certificate has another name", good, verdict(t, "passed", "鈴木 一郎", "good", oldKey)},
			{"no certificate is named", good, verdict(t, "passed", hanako.Name, "good", "")},
		} {
			w.says = c.says
			if err := w.Receive(t.Context(), "s1", d, carrier.Attributes{}, c.s); !errors.Is(err, carrier.ErrSignature) {
				t.Errorf("%s: %v", c.name, err)
			}
			w.says = verdict(t, "passed", hanako.Name, "good", oldKey)
		}
		w.down = errors.New("no line")
		if err := w.Receive(t.Context(), "s1", d, carrier.Attributes{}, good); err == nil || errors.Is(err, carrier.ErrSignature) {
			t.Errorf("the verifier is away: %v", err)
		}
		if all, err := w.Lines(t.Context(), "s1"); err != nil || len(all) != 0 {
			t.Errorf("something was stored: %v %v", all, err)
		}
	})
}

func TestASecondSignatureOfOneContractChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, err := w.Draw(t.Context(), "s1", hanako, carrier.Choices{Plan: "leaf", Mail: "a@b.example"})
		w.must(err)
		for range 3 {
			w.must(w.signs("s1", d))
		}
		w.passes(time.Minute)
		w.must(w.signs("s1", d))
		all, err := w.Lines(t.Context(), "s1")
		if err != nil || len(all) != 1 || all[0].State != carrier.Active {
			t.Errorf("%v %+v", err, all)
		}
		if kinds, _ := w.mails("a@b.example"); kinds != "confirm" {
			t.Errorf("mail: %s", kinds)
		}
	})
}

func TestFiveLinesAPersonWhoeverAsksAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var wait sync.WaitGroup
		errs := make([]error, 8)
		drafts := make([]carrier.Draft, len(errs))
		for i := range errs {
			var err error
			drafts[i], err = w.Draw(t.Context(), "s1", hanako, leaf)
			w.must(err)
		}
		for i := range errs {
			wait.Go(func() { errs[i] = w.signs("s1", drafts[i]) })
		}
		wait.Wait()
		refused := 0
		for _, err := range errs {
			if errors.Is(err, carrier.ErrTooMany) {
				refused++
			} else if err != nil {
				t.Error(err)
			}
		}
		n, err := w.Count(t.Context(), "s1")
		if n != carrier.MaxLines || refused != 3 || err != nil {
			t.Fatalf("%d lines, %d refused, %v", n, refused, err)
		}
		if err := w.May(t.Context(), "s1", hanako); !errors.Is(err, carrier.ErrTooMany) {
			t.Errorf("a sixth: %v", err)
		}
		w.must(w.May(t.Context(), "s2", hanako)) // a namesake is another person
		w.passes(time.Minute)
		w.ends("s1", drafts[slot(errs)].ID)
		if _, err := w.contracts("s1", leaf); err != nil {
			t.Errorf("one in place of the one that ended: %v", err)
		}
	})
}

// slot is where the first was taken.
func slot(errs []error) int {
	for i, err := range errs {
		if err == nil {
			return i
		}
	}
	return 0
}

func TestACertificateThatIsHeldBeforeTheActivation(t *testing.T) {
	for _, status := range []string{"held", "revoked"} {
		each(t, func(t *testing.T, w *world) {
			id, err := w.contracts("s1", leaf)
			w.must(err)
			w.says = verdict(t, "failed", hanako.Name, status, oldKey)
			w.passes(time.Minute)
			l := w.line("s1", id)
			if l.State != carrier.Stopped || l.Why != carrier.WhyCertificate || l.Number != "" || l.SIM.ICCID != "" || l.Record.StatusAtCheck != status || l.Record.RetentionUntil.IsZero() {
				t.Errorf("%s: %+v", status, l)
			}
			if n, err := w.Count(t.Context(), "s1"); n != 0 || err != nil {
				t.Errorf("%d lines, %v", n, err)
			}
		})
	}
}

func TestAStatusThatIsNotKnownIsAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, err := w.contracts("s1", leaf)
		w.must(err)
		w.down = errors.New("no line")
		w.passes(time.Minute)
		w.down, w.says = nil, verdict(t, "indeterminate", hanako.Name, "unknown", oldKey)
		w.passes(time.Minute)
		if l := w.line("s1", id); l.State != carrier.Signed {
			t.Fatalf("decided without knowing: %+v", l)
		}
		w.says = verdict(t, "passed", hanako.Name, "good", oldKey)
		w.passes(30 * time.Second)
		if l := w.line("s1", id); l.State != carrier.Signed {
			t.Errorf("asked again too early: %+v", l)
		}
		w.passes(30 * time.Second)
		if l := w.line("s1", id); l.State != carrier.Active {
			t.Errorf("%+v", l)
		}
	})
}

func TestWhoGaveUpIsCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.GaveUp(t.Context()))
		w.must(w.GaveUp(t.Context()))
		if all, err := w.store.Counts(t.Context()); err != nil || all["gave-up"] != 2 || len(all) != 1 {
			t.Errorf("%v %v", all, err)
		}
	})
}
