package carrier_test

import (
	"errors"
	"testing"
	"time"

	"tegata/services/carrier"
	"tegata/services/guardian"
)

func TestAMinorTakesTheirContractBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l, link := w.applies()
		if err := w.WithdrawLine(t.Context(), "mum", l.ID); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("somebody else: %v", err)
		}
		for range 2 {
			w.must(w.WithdrawLine(t.Context(), "kid", l.ID))
		}
		if l := w.line("kid", l.ID); l.State != carrier.Stopped || l.Why != guardian.WhyWithdrawn || l.Counts() || !l.Record.RetentionUntil.Equal(carrier.Retention(w.now)) {
			t.Errorf("%+v", l)
		}
		w.told("carrier-withdrawn")
		if err := w.consents(link, "mum", hanako); !errors.Is(err, guardian.ErrOver) {
			t.Errorf("the guardian hears: %v", err)
		}
		l, link = w.applies()
		w.must(w.consents(link, "mum", hanako))
		if err := w.WithdrawLine(t.Context(), "kid", l.ID); !errors.Is(err, carrier.ErrMoved) {
			t.Errorf("after the consent: %v", err)
		}
		w.passes(time.Minute)
		if l := w.line("kid", l.ID); l.State != carrier.Active {
			t.Errorf("%+v", l)
		}
	})
}
