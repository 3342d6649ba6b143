package carrier_test

import (
	"errors"
	"testing"
	"time"

	"tegata/internal/durable"
	"tegata/services/carrier"
	"tegata/store"
	carrierstore "tegata/store/carrier"
	"tegata/store/storetest"
)

// crash is what a hook panics with: the process ends there.
type crash struct{}

// crashing runs f and says whether it ended in a crash.
func crashing(f func() error) (crashed bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != (crash{}) {
				panic(r)
			}
			crashed = true
		}
	}()
	return false, f()
}

// A process that ends before or after any commit of a line's life leaves nothing done that is
// not told, and nothing told that is not done; what is repeated after it is done once.
func TestALineWhoseProcessIsCutOffGoesOn(t *testing.T) {
	points := 0
	for fatal := 1; ; fatal++ {
		dsn, seen, armed := storetest.SQLite(t), 0, true
		hook := func(durable.Moment) {
			if seen++; armed && seen == fatal {
				panic(crash{})
			}
		}
		armed = false
		db, err := store.Create(t.Context(), dsn, store.WithHook(hook))
		if err == nil {
			err = db.Migrate(t.Context(), carrierstore.Schema)
		}
		if err != nil {
			t.Fatal(err)
		}
		armed, seen = true, 0
		w := newWorld(t, db)
		crashes := 0
		for _, step := range life(w) {
			crashed, err := crashing(step)
			if crashed {
				crashes++
				armed = false
				w.must(db.Close())
				if db, err = store.Open(t.Context(), dsn); err != nil {
					t.Fatal(err)
				}
				w.over(db)
				err = step()
			}
			w.must(err)
		}
		if crashes == 0 {
			break
		}
		points++
		all, err := w.Lines(t.Context(), "s1")
		kinds, _ := w.mails("h@mail.example")
		if err != nil || len(all) != 1 {
			t.Fatalf("cut off at %d: %d lines, %v", fatal, len(all), err)
		}
		if l := all[0]; l.Number != "070-0000-0001" || l.SIM.Certificate != newKey || l.SIM.State != carrier.Installed || l.Change.State != carrier.Done ||
			w.inbox(phone) != "dead: done asked welcome" || w.inbox(other) != "installed: welcome" || kinds != "confirm active asked done" {
			t.Fatalf("cut off at %d: %s %+v %s; %s; %s; %s", fatal, l.Number, l.SIM, l.Change.State, w.inbox(phone), w.inbox(other), kinds)
		}
		w.must(db.Close())
	}
	if points < 12 {
		t.Errorf("only %d points were tried", points)
	}
}

// life is a line's, each step such that its person may do it again.
func life(w *world) []func() error {
	ctx := w.t.Context()
	var contract, request, first, second carrier.Draft
	line := func() string { return contract.ID }
	return []func() error{
		func() (err error) {
			if contract.ID == "" {
				contract, err = w.Draw(ctx, "s1", hanako, carrier.Choices{Plan: "leaf", Mail: "h@mail.example"})
			}
			return errors.Join(err, w.signs("s1", contract))
		},
		func() error {
			_, link := w.mails("h@mail.example")
			return w.Confirm(ctx, link)
		},
		func() error { w.now = contractDue; return w.RunDue(ctx, w.now) },
		func() (err error) {
			if first.ID == "" {
				first, err = w.DrawInstall(ctx, "s1", hanako, line(), phone)
			}
			return errors.Join(err, w.signs("s1", first))
		},
		func() (err error) {
			w.says = verdict(w.t, "passed", hanako.Name, "good", newKey)
			if request.ID == "" {
				request, err = w.DrawChange(ctx, "s1", hanako, line(), carrier.Reissue)
			}
			return errors.Join(err, w.signs("s1", request))
		},
		func() error { w.now = contractDue.Add(day); return w.RunDue(ctx, w.now) },
		func() (err error) {
			if second.ID == "" {
				second, err = w.DrawInstall(ctx, "s1", hanako, line(), other)
			}
			return errors.Join(err, w.signs("s1", second))
		},
	}
}

// contractDue is when the contract of a world is due.
var contractDue = time.Date(2026, 11, 28, 1, 1, 0, 0, time.UTC)
