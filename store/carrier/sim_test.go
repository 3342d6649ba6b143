package carrier_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"tegata/services/carrier"
	"tegata/services/relying"
)

func TestAProfileIsInOnePhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		var wait sync.WaitGroup
		errs, drafts := make([]error, 6), make([]carrier.Draft, 6)
		for i := range drafts {
			var err error
			drafts[i], err = w.DrawInstall(t.Context(), "s1", hanako, l.ID, []string{phone, other}[i%2])
			w.must(err)
		}
		for i := range errs {
			wait.Go(func() { errs[i] = w.signs("s1", drafts[i]) })
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, carrier.ErrInstalled) {
				t.Error(err)
			}
		}
		if won != 3 { // the same phone again changes nothing
			t.Errorf("%d of 6", won)
		}
		if err := w.installs("s1", l.ID, phone); !errors.Is(err, carrier.ErrInstalled) {
			t.Errorf("drawn again: %v", err)
		}
		w.ends("s1", l.ID)
		if err := w.installs("s1", l.ID, phone); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// An eSIM goes into a phone by a signature of the key that it is bound to.
func TestAProfileOfAnotherKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.down = errors.New("no line")
		if err := w.installs("s1", l.ID, phone); err == nil {
			t.Error("the verifier is away, and yet it was put into a phone")
		}
		w.down = nil
		for name, c := range map[string]struct {
			says relying.Verdict
			want error
		}{
			"held":        {verdict(t, "failed", hanako.Name, "held", oldKey), carrier.ErrSignature},
			"revoked":     {verdict(t, "failed", hanako.Name, "revoked", oldKey), carrier.ErrSignature},
			"not known":   {verdict(t, "indeterminate", hanako.Name, "unknown", oldKey), carrier.ErrSignature},
			"another key": {verdict(t, "passed", hanako.Name, "good", newKey), carrier.ErrBound},
		} {
			w.says = c.says
			if err := w.installs("s1", l.ID, phone); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := w.inbox(phone); got != "" {
			t.Errorf("it is there for all that: %s", got)
		}
		old, err := w.DrawInstall(t.Context(), "s1", hanako, l.ID, phone)
		w.must(err)
		// A new one is bound to the key that signs now, whatever became of the first.
		w.says = verdict(t, "passed", hanako.Name, "good", newKey)
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		w.passes(day)
		if err := w.signs("s1", old); !errors.Is(err, carrier.ErrMoved) {
			t.Errorf("a request for the dead one: %v", err)
		}
		d, err := w.DrawInstall(t.Context(), "s1", hanako, l.ID, phone)
		w.must(err)
		for _, said := range []string{l.Number, w.line("s1", l.ID).SIM.ICCID, carrier.TokenOf(phone).Short()} {
			if !strings.Contains(string(d.Document), said) {
				t.Errorf("the request does not say %s:\n%s", said, d.Document)
			}
		}
		for range 2 { // the same signature again changes nothing
			w.must(w.signs("s1", d))
		}
		all, err := w.Changes(t.Context(), "s1")
		if err != nil || len(all) != 2 || all[0].Kind != carrier.Install || all[0].State != carrier.Done || all[0].Record.Certificate != newKey || string(all[0].Signature) == "" {
			t.Errorf("%v %+v", err, all)
		}
	})
}
