package municipality_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/durable"
	"tegata/internal/problem"
	"tegata/services/municipality"
	"tegata/store"
	town "tegata/store/municipality"
	"tegata/store/storetest"
)

// killed is what the hook throws: nothing of the register catches it, so the
// process is gone as far as its database can tell.
type killed struct{}

// tale is one resident's story as the desk would repeat it until all is done, and what
// must be true then.
type tale struct {
	life    func(t *testing.T, r *municipality.Register) error
	settled func(t *testing.T, w *world, r *municipality.Register, db *store.DB) error
}

func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func life(t *testing.T, r *municipality.Register) error {
	return inOrder(
		func() error { return add(r, t, hanako()) },
		func() error { return order(r, t, "hanako", "card-1") },
		func() error {
			return report(r, t, "hanako", municipality.Report{ID: "e1", Kind: municipality.Moved, Municipality: "99002", Address: "見本県関所町字森2番地"})
		},
		func() error { return order(r, t, "hanako", "card-2") },
		func() error {
			return report(r, t, "hanako", municipality.Report{ID: "e2", Kind: municipality.CardLost})
		},
	)
}

// renewals: a signature certificate onto the same card, a report that is taken back, and
// a card that waits for its holder.
func renewals(t *testing.T, r *municipality.Register) error {
	ctx := t.Context()
	return inOrder(
		func() error { return add(r, t, hanako()) },
		func() error { return order(r, t, "hanako", "card-1") },
		func() error {
			return report(r, t, "hanako", municipality.Report{ID: "e1", Kind: municipality.Moved, Address: "見本県手形市二丁目1番1号"})
		},
		func() error {
			_, err := r.OrderSignature(ctx, officer, "hanako", "card-1", "s1")
			return err
		},
		func() error {
			return report(r, t, "hanako", municipality.Report{ID: "e2", Kind: municipality.Emigrated, On: "2027-04-01"})
		},
		func() error {
			_, err := r.Cancel(ctx, officer, "hanako", "e2")
			return err
		},
		func() error {
			_, err := r.MakeCard(ctx, officer, "hanako", "card-2")
			return err
		},
		func() error {
			_, err := r.HandOver(ctx, officer, "hanako", "card-2")
			return err
		},
	)
}

// renewed checks that everything happened, once, in order.
func renewed(t *testing.T, w *world, r *municipality.Register, db *store.DB) error {
	want := []string{"issued card-1", "moved", "signature s1 onto card-1", "announced emigrated 2027-04-01",
		"announced emigrated 2027-04-01 cancelled", "issued card-2", "card-renewed card-2"}
	if d := cmp.Diff(w.issuer.told, want); d != "" {
		return errors.New("what the issuer heard: " + d)
	}
	e, err := r.Show(t.Context(), "hanako")
	if err != nil {
		return err
	}
	if e.Cards[0].State != municipality.CardReplaced || e.Cards[0].SignEnded || len(e.Cards) != 3 || e.Resident.Emigrated {
		return fmt.Errorf("it stands at %+v", e)
	}
	if at, ok, err := r.NextDue(t.Context()); ok || err != nil {
		return fmt.Errorf("work is open, due %s: %v", at, err)
	}
	return db.CheckAudit(t.Context())
}

// untilKilled runs the story and says whether it was ended from outside.
func untilKilled(t *testing.T, life func(*testing.T, *municipality.Register) error, r *municipality.Register) (gone bool, err error) {
	defer func() {
		if f := recover(); f != nil {
			if _, ok := f.(killed); !ok {
				panic(f)
			}
			gone = true
		}
	}()
	return false, life(t, r)
}

// TestKilledAnywhereNothingIsLostOrDoneTwice ends the process before and after
// every commit, and breaks every line to the other parties after they acted; the
// register is opened again, its due work runs, the desk repeats what it asked, and
// in the end all is as if nothing had happened.
func TestKilledAnywhereNothingIsLostOrDoneTwice(t *testing.T) {
	t.Run("cards and reports", func(t *testing.T) { killedIn(t, tale{life, settled}) })
	t.Run("renewals", func(t *testing.T) { killedIn(t, tale{renewals, renewed}) })
}

func killedIn(t *testing.T, told tale) {
	t.Helper()
	matrix := func(t *testing.T, step int, fresh func(testing.TB) string) {
		points, err := story(t, told, fresh(t), -1) // a dry run counts the points
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d points, every %d.", points, step)
		for n := 0; n < points; n += step {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				if _, err := story(t, told, fresh(t), n); err != nil {
					t.Error(err)
				}
			})
		}
	}
	t.Run("sqlite", func(t *testing.T) { matrix(t, 1, storetest.SQLite) })
	if server := os.Getenv("PGTEST"); server != "" {
		t.Run("postgres", func(t *testing.T) {
			matrix(t, 5, func(t testing.TB) string { return storetest.Postgres(t, server) })
		})
	}
}

// story runs the life, ended at point n, to its end and checks it. It returns how
// many points it passed.
func story(t *testing.T, told tale, dsn string, n int) (points int, err error) {
	w := newWorld(t)
	var passed atomic.Int64 // the parties count in their servers' goroutines
	reached := func() bool { return passed.Add(1)-1 == int64(n) }
	hook := store.WithHook(func(m durable.Moment) {
		if reached() {
			panic(killed{})
		}
	})
	w.issuer.cut = func(string) bool { return reached() }
	w.cards.cut = func(string) bool { return reached() }

	db, err := store.Create(t.Context(), dsn)
	if err != nil {
		return 0, err
	}
	if err := db.Migrate(t.Context(), town.Schema); err != nil {
		return 0, err
	}
	db.Close()
	for range 4 {
		db, err := store.Open(t.Context(), dsn, hook)
		if err != nil {
			return 0, err
		}
		r := municipality.New(town.New(db), w.conf)
		gone, err := false, w.clock.AdvanceThrough(t.Context(), time.Hour, r)
		if err == nil {
			gone, err = untilKilled(t, told.life, r)
		}
		unreachable := errors.Is(err, &problem.Problem{Code: "unreachable"})
		if err != nil && !unreachable {
			return 0, err
		}
		if !gone && !unreachable {
			// An event that could not be told at once is still due.
			if err := w.clock.AdvanceThrough(t.Context(), time.Hour, r); err != nil {
				return 0, err
			}
			defer db.Close()
			return int(passed.Load()), told.settled(t, w, r, db)
		}
		if err := db.Close(); err != nil {
			return 0, err
		}
	}
	return 0, errors.New("the story does not come to its end")
}

// settled checks that everything happened, once, in order.
func settled(t *testing.T, w *world, r *municipality.Register, db *store.DB) error {
	if d := cmp.Diff(w.issuer.told, []string{"issued card-1", "moved", "issued card-2", "card-renewed card-2", "card-lost card-2"}); d != "" {
		return errors.New("what the issuer heard: " + d)
	}
	for _, card := range []string{"card-1", "card-2"} {
		if !slices.Equal(w.cards.written[card]["auth"], w.issuer.issuances[card].auth) || w.cards.written[card]["sign"] == nil {
			return fmt.Errorf("%s does not hold what was issued for it", card)
		}
	}
	e, err := r.Show(t.Context(), "hanako")
	if err != nil {
		return err
	}
	if got := w.issuer.people["hanako"].Attributes.Address; got != e.Resident.Address {
		return fmt.Errorf("the issuer knows the address %q, the register %q", got, e.Resident.Address)
	}
	if e.Cards[0].State != municipality.CardReplaced || e.Cards[1].State != municipality.CardPersonalised || !e.Cards[1].Lost || len(e.Cards) != 2 {
		return fmt.Errorf("cards: %+v", e.Cards)
	}
	for _, event := range e.Events {
		if event.State != municipality.EventDelivered {
			return fmt.Errorf("event: %+v", event)
		}
	}
	if at, ok, err := r.NextDue(t.Context()); ok || err != nil {
		return fmt.Errorf("work is open, due %s: %v", at, err)
	}
	return db.CheckAudit(t.Context())
}
