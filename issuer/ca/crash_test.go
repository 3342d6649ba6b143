package ca_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
	"tegata/store/storetest"
)

// crash is what a hook panics with: the process ends there.
type crash struct{ at durable.Moment }

// crashing runs f and says whether it ended in a crash.
func crashing(f func() error) (crashed bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
			crashed = true
		}
	}()
	return false, f()
}

// A process that ends before or after any commit of an issue leaves nothing signed
// that is not recorded, and goes on to exactly one certificate.
func TestAnIssueThatIsCutOffGoesOn(t *testing.T) {
	points := 0
	for n := 1; ; n++ {
		dsn := storetest.SQLite(t)
		seen, fatal := 0, 0
		hook := func(m durable.Moment) {
			if fatal == 0 {
				return
			}
			if seen++; seen == fatal {
				panic(crash{m})
			}
		}
		db, err := store.Create(t.Context(), dsn, store.WithHook(hook))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), issuer.Schema); err != nil {
			t.Fatal(err)
		}
		i := issuertest.Prepare(t, db, "http://127.0.0.1:8401")
		if i.CA, err = ca.Create(t.Context(), i.Config); err != nil {
			t.Fatal(err)
		}
		request := i.Request(t, pki.PhoneSign, 0)
		request.Ref, request.Hold = "enrolment 1 sign", status.Unregistered

		fatal = n
		crashed, err := crashing(func() error {
			draft, err := i.CA.Prepare(t.Context(), issuertest.Who, request)
			if err != nil {
				return err
			}
			_, err = i.CA.Issue(t.Context(), issuertest.Who, draft)
			return err
		})
		fatal = 0
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		checkGoesOn(t, fmt.Sprintf("crash %d", n), dsn, i, request)
		if !crashed {
			break
		}
		points++
	}
	if points != 4 { // before and after the commit of the draft, and of the entry
		t.Errorf("%d points of crash, not 4: has the order of steps changed?", points)
	}
	t.Logf("%d points of crash", points)
}

// checkGoesOn opens what was left, asks again, and checks the whole invariant.
func checkGoesOn(t *testing.T, name, dsn string, i *issuertest.Issuer, request ca.Request) {
	t.Helper()
	db, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	again := i.Config
	keeper := issuer.New(db)
	if again.Ledger, err = status.OpenLedger(t.Context(), keeper, i.Clock.Now); err != nil {
		t.Fatal(err)
	}
	again.Store = keeper
	opened, err := ca.Open(t.Context(), again)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	draft, err := opened.Prepare(t.Context(), issuertest.Who, request)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	cert, err := opened.Issue(t.Context(), issuertest.Who, draft)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	records, err := keeper.RecordsOf(t.Context(), request.Holder)
	if err != nil || len(records) != 1 || records[0].DER == nil {
		t.Errorf("%s: %d records, %v", name, len(records), err)
	}
	state, err := again.Ledger.State(t.Context(), pki.PhoneSign, pki.SerialOf(cert))
	if err != nil || state.Status != status.Held {
		t.Errorf("%s: state %+v, %v", name, state, err)
	}
	if err := db.CheckAudit(t.Context()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// A creation that is cut off at any file or commit goes on with the same keys.
func TestACreationThatIsCutOffGoesOn(t *testing.T) {
	for n := 1; n < 200; n++ {
		dsn := storetest.SQLite(t)
		seen, fatal := 0, n
		hook := func(m durable.Moment) {
			if seen++; seen == fatal {
				panic(crash{m})
			}
		}
		db, err := store.Create(t.Context(), dsn, store.WithHook(hook))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), issuer.Schema); err != nil {
			t.Fatal(err)
		}
		i := issuertest.Prepare(t, db, "http://127.0.0.1:8401")
		i.Config.Files = durable.Files{Hook: hook}
		crashed, err := crashing(func() error {
			_, err := ca.Create(t.Context(), i.Config)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		fatal = 0
		if crashed {
			_, err = ca.Create(t.Context(), i.Config)
			if err != nil && !errors.Is(err, ca.ErrExists) {
				t.Fatalf("crash %d: %v", n, err)
			}
		}
		opened, err := ca.Open(t.Context(), i.Config)
		if err != nil || len(opened.Issuers()) != len(pki.Kinds()) {
			t.Fatalf("crash %d: %v", n, err)
		}
		db.Close()
		if !crashed {
			t.Logf("%d points of crash", n-1)
			return
		}
	}
	t.Error("there is no end to the points of crash")
}

// failing is a store in which one step fails, and which says what was recorded
// when a signature was made.
type failing struct {
	*issuer.Store
	fail string
}

var errDisk = errors.New("no space left on device")

func (f failing) RecordDrafts(ctx context.Context, who audit.Actor, drafts ...ca.Record) ([]ca.Record, error) {
	if f.fail == "record" {
		return nil, errDisk
	}
	return f.Store.RecordDrafts(ctx, who, drafts...)
}

func (f failing) EnterCertificates(ctx context.Context, who audit.Actor, issued ...status.Issued) error {
	if f.fail == "enter before" {
		return errDisk
	}
	err := f.Store.EnterCertificates(ctx, who, issued...)
	if f.fail == "enter after" { // committed, and the line to the database was lost
		return errDisk
	}
	return err
}

func TestAStepThatFailsHandsNothingOut(t *testing.T) {
	for _, step := range []string{"record", "enter before", "enter after"} {
		t.Run(step, func(t *testing.T) {
			i := issuertest.New(t)
			bad := failing{i.Store, step}
			ledger, err := status.OpenLedger(t.Context(), bad, i.Clock.Now)
			if err != nil {
				t.Fatal(err)
			}
			config := i.Config
			config.Store, config.Ledger = bad, ledger
			broken, err := ca.Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			request := i.Request(t, pki.PhoneAuth, 0)
			request.Ref = "enrolment 1 auth"
			draft, err := broken.Prepare(t.Context(), issuertest.Who, request)
			if step == "record" {
				if !errors.Is(err, errDisk) || draft != nil {
					t.Fatalf("a draft without a record: %v", err)
				}
			} else if cert, err := broken.Issue(t.Context(), issuertest.Who, draft); !errors.Is(err, errDisk) || cert != nil {
				t.Fatalf("handed out although it was not entered: %v", err)
			}

			whole, err := ca.Open(t.Context(), i.Config) // the disk has space again
			if err != nil {
				t.Fatal(err)
			}
			if draft, err = whole.Prepare(t.Context(), issuertest.Who, request); err != nil {
				t.Fatal(err)
			}
			if _, err := whole.Issue(t.Context(), issuertest.Who, draft); err != nil {
				t.Fatal(err)
			}
			if records, err := i.Store.RecordsOf(t.Context(), "holder"); err != nil || len(records) != 1 {
				t.Errorf("%d records, %v", len(records), err)
			}
		})
	}
}

// Nothing is signed that is not recorded: the signing key itself looks.
func TestTheRecordIsThereWhenTheKeySigns(t *testing.T) {
	i := issuertest.New(t)
	draft, err := i.CA.Prepare(t.Context(), issuertest.Who, i.Request(t, pki.CardSign, 0))
	if err != nil {
		t.Fatal(err)
	}
	other, err := store.Open(t.Context(), i.DSN) // as another process would see it
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	record, err := issuer.New(other).FindRecord(t.Context(), draft.Serial())
	if err != nil || len(record.TBS) == 0 || record.DER != nil {
		t.Fatalf("before signing: %+v, %v", record, err)
	}
	if _, err := i.Ledger.State(t.Context(), pki.CardSign, draft.Serial()); !errors.Is(err, status.ErrUnknown) {
		t.Errorf("a draft has a state: %v", err)
	}
	cert, err := i.CA.Issue(t.Context(), issuertest.Who, draft)
	if err != nil {
		t.Fatal(err)
	}
	if string(cert.RawTBSCertificate) != string(record.TBS) {
		t.Error("what was signed is not what was recorded")
	}
}

func TestManyIssueAtOnce(t *testing.T) {
	i := issuertest.New(t)
	const people = 8
	done := make(chan error, people)
	for n := range people {
		go func() {
			request := i.Request(t, pki.PhoneAuth, n)
			draft, err := i.CA.Prepare(t.Context(), issuertest.Who, request)
			if err == nil {
				_, err = i.CA.Issue(t.Context(), issuertest.Who, draft)
			}
			done <- err
		}()
	}
	for range people {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("they wait for each other")
		}
	}
}
