package issuer_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/issuer/issuertest"
	"tegata/store/storetest"
)

// TestALedgerChangedByHandIsNoticed changes each table that says what became of a
// certificate, in each way that somebody with the database could, and undoes it.
func TestALedgerChangedByHandIsNoticed(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		i := issuertest.NewOn(t, db)
		issue := func(n int, hold status.Cause) *x509.Certificate { return i.Issue(t, pki.PhoneSign, n, hold) }
		good, held, revoked, other := issue(0, ""), issue(1, status.Lost), issue(2, ""), issue(3, status.Unregistered)
		change := func(c *x509.Certificate, op status.Op, cause status.Cause, reason int, invalid time.Time) {
			t.Helper()
			i.Clock.Walk(1500 * time.Millisecond)
			i.Apply(t, status.Change{Kind: pki.PhoneSign, Serial: pki.SerialOf(c), Op: op, Cause: cause, Reason: reason, Invalid: invalid})
		}
		change(held, status.Open, status.Silent, 0, time.Time{})
		change(other, status.Lift, status.Unregistered, 0, time.Time{})
		change(other, status.Open, status.Suspected, 0, time.Time{})
		change(other, status.Revoke, "", status.Superseded, time.Time{})
		change(revoked, status.Revoke, "", status.KeyCompromise, issuertest.Start.Add(-time.Hour))
		if err := i.Store.CheckLedger(t.Context()); err != nil {
			t.Fatalf("a ledger that nobody touched: %v", err)
		}
		of := func(c *x509.Certificate) pki.Serial { return pki.SerialOf(c) }
		for _, c := range []struct {
			name, sql string
			serial    pki.Serial // of the certificate that is changed
			named     bool       // the break names it
			want      string
		}{
			{"a revoked certificate is good again", "UPDATE certificate SET status = 'good', reason = 0 WHERE serial = $1", of(revoked), true, "the status is good; the records say revoked"},
			{"a good one is revoked", "UPDATE certificate SET status = 'revoked' WHERE serial = $1", of(good), true, "the records say good"},
			{"for another reason", "UPDATE certificate SET reason = 4 WHERE serial = $1", of(revoked), true, "the reason is 4; the records say 1"},
			{"a day later", "UPDATE certificate SET since_ms = since_ms + 86400000 WHERE serial = $1", of(revoked), true, "the moment of the end or hold"},
			{"not invalid before", "UPDATE certificate SET invalid_ms = 0 WHERE serial = $1", of(revoked), true, "the invalidity date is 0"},
			{"good since always", "UPDATE certificate SET good_since_ms = 1 WHERE serial = $1", of(good), true, "the moment of becoming good"},
			{"in another partition's list", "UPDATE certificate SET crl_partition = '99' WHERE serial = $1", of(revoked), true, "names another partition"},
			{"valid for longer in the lists", "UPDATE certificate SET not_after_ms = not_after_ms - 86400000 WHERE serial = $1", of(revoked), true, "ends at another time"},
			{"another's", "UPDATE certificate SET holder = 'somebody' WHERE serial = $1", of(good), true, "another holder's"},
			{"another authority's", "UPDATE certificate SET authority = 'card-sign' WHERE serial = $1", of(good), true, "the authority"},
			{"another certificate", "UPDATE certificate SET certificate = (SELECT certificate FROM certificate WHERE status = 'held') WHERE serial = $1", of(good), true, "of another serial number"},
			{"no certificate any more", "UPDATE certificate SET certificate = NULL, status = 'prepared' WHERE serial = $1", of(good), true, "prepared"},
			{"a change that nobody made", "UPDATE certificate SET changed_seq = changed_seq + 1 WHERE serial = $1", of(good), true, "the number of the last change"},
			{"no such row", "DELETE FROM certificate WHERE serial = $1", of(revoked), true, "its row is missing"},
			{"no such row, on hold", "DELETE FROM certificate WHERE serial = $1", of(held), true, "it has a hold and no row"},
			{"a hold less", "DELETE FROM hold WHERE serial = $1 AND cause = 'lost'", of(held), true, `open holds are ["silent`},
			{"a hold more", "INSERT INTO hold (serial, cause, opened_at_ms) VALUES ($1, 'lost', 1)", of(good), true, `open holds are ["lost since 1"]`},
			{"a hold of another day", "UPDATE hold SET opened_at_ms = 1 WHERE serial = $1 AND cause = 'silent'", of(held), true, "silent since 1"},
			{"history says good", "UPDATE status_change SET status = 'good' WHERE serial = $1 AND status = 'revoked'", of(revoked), true, "in the history the status is good"},
			{"history says another day", "UPDATE status_change SET since_ms = 1 WHERE serial = $1 AND status = 'revoked'", of(revoked), true, "in the history the moment of the end"},
			{"history says valid for longer", "UPDATE status_change SET not_after_ms = 1 WHERE serial = $1", of(revoked), true, "in the history the end"},
			{"history is silent", "DELETE FROM status_change WHERE serial = $1 AND status = 'revoked'", of(revoked), true, "is missing"},
			{"history of another", "UPDATE status_change SET serial = $1 WHERE status = 'revoked'", of(good), false, "in the history the serial number"},
			{"history goes on", `INSERT INTO status_change SELECT seq + 1, at_ms, serial, authority, generation, crl_partition, not_after_ms, 'good', 0, 0, 0, good_since_ms
				FROM status_change WHERE serial = $1 AND status = 'revoked'`, of(revoked), true, "no record tells of it"},
			{"the head is ahead", "UPDATE status_head SET seq = seq + 1 WHERE (SELECT COUNT(*) FROM certificate WHERE serial = $1) = 1", of(good), false, "at the head"},
		} {
			t.Run(c.name, func(t *testing.T) {
				undo := errors.New("undo")
				var err error
				wrote := db.Write(t.Context(), func(tx store.Tx) error {
					n, wrong := tx.Exec(t.Context(), c.sql, c.serial)
					if wrong != nil || n == 0 {
						t.Errorf("%s: %d rows, %v", c.sql, n, wrong)
						return undo
					}
					err = issuer.CheckLedgerIn(t.Context(), tx, "issuer")
					return undo
				})
				if !errors.Is(wrote, undo) {
					t.Fatal(wrote)
				}
				brk, ok := errors.AsType[*issuer.LedgerBreak](err)
				if !ok || !strings.Contains(err.Error(), c.want) || c.named != strings.Contains(brk.Where, c.serial.String()) {
					t.Errorf("got %v, want %q and certificate %s named: %t", err, c.want, c.serial, c.named)
				}
			})
		}
		// A row that comes out of nowhere: the good certificate's under another number.
		err := db.Write(t.Context(), func(tx store.Tx) error {
			stranger := pki.RandomSerial()
			if _, err := tx.Exec(t.Context(), `INSERT INTO certificate (serial, authority, generation, purpose, crl_partition, holder, reference, key_sha256,
				not_before_ms, not_after_ms, first_hold, tbs, certificate, prepared_at_ms, status)
				SELECT $1, authority, generation, purpose, crl_partition, holder, '', key_sha256, not_before_ms, not_after_ms, first_hold, certificate, NULL, prepared_at_ms, 'prepared'
				FROM certificate WHERE serial = $2`, stranger, of(good)); err != nil {
				return err
			}
			err := issuer.CheckLedgerIn(t.Context(), tx, "issuer")
			if err == nil || !strings.Contains(err.Error(), stranger.String()+": no record tells of it") {
				t.Errorf("a row out of nowhere: %v", err)
			}
			return context.Canceled
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := i.Store.CheckLedger(t.Context()); err != nil {
			t.Errorf("everything was undone: %v", err)
		}
	})
}
