package issuer_test

import (
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
	"tegata/store/storetest"
)

// Another process answers as if no change took longer than the allowance from its
// date to its commit. So a change that cannot commit in time must not commit at all.
func TestAChangeThatWaitsTooLongIsGivenUp(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, err := store.Create(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if err := db.Migrate(t.Context(), issuer.Schema); err != nil {
			t.Fatal(err)
		}
		i := issuertest.NewOn(t, db)
		serial := pki.SerialOf(i.Issue(t, pki.PhoneAuth, 0, ""))

		other, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { other.Close() })
		ledger, err := status.OpenLedger(t.Context(), issuer.New(other), i.Clock.Now, status.Shared(200*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		held, release, ended := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			ended <- db.Write(t.Context(), func(tx store.Tx) error {
				if _, err := tx.Exec(t.Context(), "UPDATE store_audit_head SET seq = seq WHERE one = 1"); err != nil {
					return err
				}
				close(held)
				<-release
				return nil
			})
		}()
		<-held
		time.AfterFunc(400*time.Millisecond, func() { close(release) })
		revoke := status.Change{Kind: pki.PhoneAuth, Serial: serial, Op: status.Revoke, Reason: status.KeyCompromise}
		if err := ledger.Apply(t.Context(), issuertest.Who, revoke); err == nil {
			t.Error("the change was made after the allowance")
		}
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if e, err := i.Ledger.State(t.Context(), pki.PhoneAuth, serial); err != nil || e.Status != status.Good {
			t.Errorf("the certificate is %v, %v: the change that was given up was written", e.Status, err)
		}
		if err := ledger.Apply(t.Context(), issuertest.Who, revoke); err != nil {
			t.Errorf("repeated: %v", err)
		}
	})
}
