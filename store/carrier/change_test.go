package carrier_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/services/carrier"
)

const (
	day   = 24 * time.Hour
	phone = "what the old phone has"
	other = "what the new phone has"
)

// AT-B05.
func TestANewESIMWaitsADayAndTheOldOneDies(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.installs("s1", l.ID, phone))
		w.reads("s1", "h@mail.example")
		w.says = verdict(t, "passed", hanako.Name, "good", newKey)
		d, err := w.DrawChange(t.Context(), "s1", hanako, l.ID, carrier.Reissue)
		w.must(err)
		for range 2 { // the same signature again changes nothing
			w.must(w.signs("s1", d))
		}
		if got := w.inbox(phone); got != "installed: asked welcome" {
			t.Errorf("the old SIM: %s", got)
		}
		if kinds, _ := w.mails("h@mail.example"); kinds != "confirm asked" {
			t.Errorf("the mail: %s", kinds)
		}
		if err := w.asks("s1", l.ID, carrier.PortOut); !errors.Is(err, carrier.ErrWaiting) {
			t.Errorf("a second change: %v", err)
		}
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(day)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.passes(day - time.Second)
		if l = w.line("s1", l.ID); l.Change.State != carrier.Waiting || l.SIM.Certificate != oldKey || l.SIM.State != carrier.Installed {
			t.Fatalf("before the day is over: %+v", l)
		}
		w.passes(time.Second)
		if l = w.line("s1", l.ID); l.Change.State != carrier.Done || l.SIM.Certificate != newKey || l.SIM.State != carrier.Ready || l.Number != "070-0000-0001" {
			t.Fatalf("after it: %+v", l)
		}
		if got := w.inbox(phone); got != "dead: done asked welcome" {
			t.Errorf("the old SIM: %s", got)
		}
		w.must(w.installs("s1", l.ID, other))
		if got := w.inbox(other); got != "installed: welcome" {
			t.Errorf("the new SIM: %s", got)
		}
		if kinds, _ := w.mails("h@mail.example"); kinds != "confirm asked done" {
			t.Errorf("the mail: %s", kinds)
		}
		// A dead SIM stops nothing any more.
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		if err := w.VetoBySIM(t.Context(), phone, w.line("s1", l.ID).Change.ID); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("the dead SIM: %v", err)
		}
	})
}

// AT-B05.
func TestAVetoStopsIt(t *testing.T) {
	for _, k := range []carrier.Kind{carrier.Reissue, carrier.PortOut, carrier.EndLine} {
		for by, stop := range map[string]func(*world, carrier.Line) error{
			carrier.BySIM: func(w *world, l carrier.Line) error { return w.VetoBySIM(w.t.Context(), phone, l.Change.ID) },
			carrier.ByMail: func(w *world, l carrier.Line) error {
				_, link := w.mails("h@mail.example")
				return w.VetoByLink(w.t.Context(), link)
			},
			carrier.ByPerson: func(w *world, l carrier.Line) error { return w.Withdraw(w.t.Context(), "s1", l.ID, l.Change.ID) },
		} {
			t.Run(string(k)+" by "+by, func(t *testing.T) {
				each(t, func(t *testing.T, w *world) {
					l := w.has("s1", leaf)
					w.must(w.installs("s1", l.ID, phone))
					w.reads("s1", "h@mail.example")
					w.must(w.asks("s1", l.ID, k))
					l = w.line("s1", l.ID)
					w.passes(day - time.Second)
					for range 2 { // the second press changes nothing
						w.must(stop(w, l))
					}
					l = w.line("s1", l.ID)
					if l.Waits() || l.Change.By != by || l.SIM.State != carrier.Installed {
						t.Fatalf("%+v", l)
					}
					w.passes(2 * day)
					if l = w.line("s1", l.ID); l.SIM.State != carrier.Installed || l.SIM.Certificate != oldKey || l.Port.Reservation != "" || l.Change.State == carrier.Done || l.State != carrier.Active {
						t.Errorf("it was done for all that: %+v", l)
					}
					if kinds, _ := w.mails("h@mail.example"); kinds != "confirm asked vetoed" {
						t.Errorf("mail: %s", kinds)
					}
					w.must(w.asks("s1", l.ID, k)) // it may be asked for again
					l = w.line("s1", l.ID)
					w.passes(day)
					if err := stop(w, l); !errors.Is(err, carrier.ErrMoved) && !errors.Is(err, carrier.ErrNotFound) {
						t.Errorf("too late: %v", err)
					}
				})
			})
		}
	}
}

func TestWhoCannotStopIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.installs("s1", l.ID, phone))
		mine := w.has("s2", leaf)
		w.must(w.installs("s2", mine.ID, other))
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		id := w.line("s1", l.ID).Change.ID
		for name, err := range map[string]error{
			"another line's SIM":        w.VetoBySIM(t.Context(), other, id),
			"a phone without any":       w.VetoBySIM(t.Context(), "", id),
			"another person":            w.Withdraw(t.Context(), "s2", l.ID, id),
			"the person, another line":  w.Withdraw(t.Context(), "s1", mine.ID, id),
			"a link that was made up":   w.VetoByLink(t.Context(), "AAAA"),
			"asked for by a stranger":   w.asks("s2", l.ID, carrier.Reissue),
			"ended by a stranger":       w.asks("s2", l.ID, carrier.EndLine),
			"frozen by a stranger":      w.Freeze(t.Context(), "s2", l.ID),
			"installed by a stranger":   w.installs("s2", l.ID, other),
			"no such change, by a SIM":  w.VetoBySIM(t.Context(), phone, "x"),
			"no such address to verify": w.Confirm(t.Context(), "x"),
		} {
			if !errors.Is(err, carrier.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !w.line("s1", l.ID).Waits() {
			t.Error("it does not wait any more")
		}
	})
}

// Whoever lost the phone that signed has a day to suspend it.
func TestACertificateThatIsHeldBeforeAChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.installs("s1", l.ID, phone))
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		w.down = errors.New("no line")
		w.passes(day)
		w.down, w.says = nil, verdict(t, "failed", hanako.Name, "held", oldKey)
		if !w.line("s1", l.ID).Waits() {
			t.Fatal("decided without knowing")
		}
		w.passes(time.Minute)
		if l = w.line("s1", l.ID); l.Change.State != carrier.Halted || l.SIM.State != carrier.Installed {
			t.Errorf("%+v", l)
		}
		if got := w.inbox(phone); got != "installed: stopped asked welcome" {
			t.Errorf("%s", got)
		}
	})
}

// The verifier may hear late of who stopped a phone in time.
func TestNewsFromBeforeTheDayWasOverDecidesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		due := w.line("s1", l.ID).Change.DueAt
		w.says = verdictAsOf(t, "passed", hanako.Name, "good", oldKey, due.Add(-time.Second).Format(time.RFC3339))
		w.passes(day)
		if l = w.line("s1", l.ID); !l.Waits() || !l.Change.DueAt.Equal(due) {
			t.Fatalf("done on old news: %+v", l.Change)
		}
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(5*time.Second)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.says = verdictAsOf(t, "failed", hanako.Name, "held", oldKey, due.Add(time.Second).Format(time.RFC3339))
		w.passes(5 * time.Second)
		if l = w.line("s1", l.ID); l.Change.State != carrier.Halted {
			t.Errorf("%+v", l.Change)
		}
	})
}

// Ending a line kills its SIM and gives its number up: it is told and waits as a move does.
func TestTheEndOfALineWaitsADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.installs("s1", l.ID, phone))
		w.reads("s1", "h@mail.example")
		d, err := w.DrawChange(t.Context(), "s1", hanako, l.ID, carrier.EndLine)
		w.must(err)
		for _, said := range []string{"解約申込書", l.Number, "解約金：0円", "24時間", "元には戻せません"} {
			if !strings.Contains(string(d.Document), said) {
				t.Errorf("the request does not say %s:\n%s", said, d.Document)
			}
		}
		for range 2 {
			w.must(w.signs("s1", d))
		}
		w.passes(day - time.Second)
		if l = w.line("s1", l.ID); l.State != carrier.Active || l.SIM.State != carrier.Installed || !l.Waits() {
			t.Fatalf("before the day is over: %+v", l)
		}
		w.passes(time.Second)
		if l = w.line("s1", l.ID); l.State != carrier.Ended || l.SIM.ICCID != "" || !l.Record.RetentionUntil.Equal(w.now.AddDate(3, 0, 0)) {
			t.Errorf("after it: %+v", l)
		}
		if got := w.inbox(phone); got != "dead: done asked welcome" {
			t.Errorf("the SIM: %s", got)
		}
		if kinds, _ := w.mails("h@mail.example"); kinds != "confirm asked ended" {
			t.Errorf("the mail: %s", kinds)
		}
		if err := w.asks("s1", l.ID, carrier.EndLine); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("ended twice: %v", err)
		}
	})
}

func TestFreezing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.installs("s1", l.ID, phone))
		if err := w.asks("s1", l.ID, carrier.Unfreeze); !errors.Is(err, carrier.ErrNotFrozen) {
			t.Errorf("lifted what is not there: %v", err)
		}
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		for range 2 {
			w.must(w.Freeze(t.Context(), "s1", l.ID))
		}
		if l = w.line("s1", l.ID); !l.Frozen || l.Waits() || l.Change.State != carrier.Withdrawn {
			t.Fatalf("%+v", l)
		}
		for _, k := range []carrier.Kind{carrier.Reissue, carrier.PortOut} {
			if err := w.asks("s1", l.ID, k); !errors.Is(err, carrier.ErrFrozen) {
				t.Errorf("%s: %v", k, err)
			}
		}
		// Nor is it ended: that gives up the number which the freeze is to keep.
		if err := w.asks("s1", l.ID, carrier.EndLine); !errors.Is(err, carrier.ErrEndFrozen) {
			t.Errorf("ended while frozen: %v", err)
		}
		w.must(w.asks("s1", l.ID, carrier.Unfreeze))
		w.must(w.VetoBySIM(t.Context(), phone, w.line("s1", l.ID).Change.ID))
		w.passes(day)
		if !w.line("s1", l.ID).Frozen {
			t.Error("lifted after a veto")
		}
		w.must(w.asks("s1", l.ID, carrier.Unfreeze))
		w.passes(day)
		if l = w.line("s1", l.ID); l.Frozen || l.Change.State != carrier.Done {
			t.Errorf("%+v", l)
		}
		if got := w.inbox(phone); got != "installed: done asked vetoed asked frozen withdrawn asked welcome" {
			t.Errorf("%s", got)
		}
	})
}

func TestTakingANumberElsewhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l, data := w.has("s1", leaf), w.has("s1", carrier.Choices{Plan: "spring"})
		if err := w.asks("s1", data.ID, carrier.PortOut); !errors.Is(err, carrier.ErrNotPortable) {
			t.Errorf("a data line: %v", err)
		}
		w.must(w.asks("s1", l.ID, carrier.PortOut))
		w.passes(day)
		l = w.line("s1", l.ID)
		if len(l.Port.Reservation) != 10 || !l.Port.Until.Equal(w.now.Add(15*day)) || l.State != carrier.Active {
			t.Errorf("%+v", l)
		}
		w.must(w.Freeze(t.Context(), "s1", l.ID))
		if l = w.line("s1", l.ID); l.Port.Reservation != "" {
			t.Error("a frozen line may still be taken")
		}
	})
}

func TestOneChangeWaitsWhoeverAsksAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.reads("s1", "h@mail.example")
		drafts := make([]carrier.Draft, 4)
		for i := range drafts {
			var err error
			drafts[i], err = w.DrawChange(t.Context(), "s1", hanako, l.ID, []carrier.Kind{carrier.Reissue, carrier.PortOut}[i%2])
			w.must(err)
		}
		var wait sync.WaitGroup
		errs := make([]error, len(drafts))
		for i := range errs {
			wait.Go(func() { errs[i] = w.signs("s1", drafts[i]) })
		}
		wait.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, carrier.ErrWaiting) {
				t.Error(err)
			}
		}
		all, err := w.Changes(t.Context(), "s1")
		if kinds, _ := w.mails("h@mail.example"); won != 1 || len(all) != 1 || err != nil || kinds != "confirm asked" {
			t.Errorf("%d of 4, %d changes, mail %s, %v", won, len(all), kinds, err)
		}
	})
}

func TestARaceOfVetoAndDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := w.has("s1", leaf)
		w.must(w.installs("s1", l.ID, phone))
		w.must(w.asks("s1", l.ID, carrier.Reissue))
		id := w.line("s1", l.ID).Change.ID
		w.now = w.now.Add(day)
		var wait sync.WaitGroup
		var veto, due error
		wait.Go(func() { veto = w.VetoBySIM(t.Context(), phone, id) })
		wait.Go(func() { due = w.RunDue(t.Context(), w.now) })
		wait.Wait()
		w.must(due)
		l = w.line("s1", l.ID)
		if stopped := veto == nil; stopped != (l.Change.State == carrier.Vetoed) || stopped == (l.SIM.State == carrier.Ready) {
			t.Errorf("%v, and yet %+v", veto, l)
		}
	})
}

func TestAddresses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.SetAddress(t.Context(), "s1", "h@mail.example"); !errors.Is(err, carrier.ErrNotFound) {
			t.Errorf("somebody without a line: %v", err)
		}
		l := w.has("s1", carrier.Choices{Plan: "leaf", Mail: "first@mail.example"})
		w.must(w.Freeze(t.Context(), "s1", l.ID))
		kinds, link := w.mails("first@mail.example")
		if kinds != "confirm" {
			t.Errorf("an address that nobody confirmed was told: %s", kinds)
		}
		w.must(w.Confirm(t.Context(), link))
		w.must(w.Confirm(t.Context(), link))
		w.must(w.SetAddress(t.Context(), "s1", "second@mail.example"))
		if err := w.SetAddress(t.Context(), "s1", "third@mail.example"); !errors.Is(err, carrier.ErrSoon) {
			t.Errorf("mailed without a limit: %v", err)
		}
		_, link = w.mails("second@mail.example")
		w.must(w.Confirm(t.Context(), link))
		w.must(w.asks("s1", l.ID, carrier.Unfreeze)) // in the week both are told
		w.passes(day)
		w.passes(5 * day)
		w.must(w.asks("s1", l.ID, carrier.EndLine))
		w.passes(day)
		if kinds, _ := w.mails("first@mail.example"); kinds != "confirm address asked done asked" {
			t.Errorf("the first: %s", kinds)
		}
		if kinds, _ := w.mails("second@mail.example"); kinds != "confirm asked done asked ended" {
			t.Errorf("the second: %s", kinds)
		}
		w.passes(30 * day)
		if all, err := w.store.Outbox(t.Context(), "", 10); err != nil || len(all) != 0 {
			t.Errorf("mail is kept: %v %v", all, err)
		}
	})
}
