package issuer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/status"
	"tegata/store"
)

// ApplyChanges implements status.Store.
func (s *Store) ApplyChanges(ctx context.Context, who audit.Actor, changes ...status.Change) error {
	return s.write(ctx, func(tx *ledgerTx) error { return tx.apply(ctx, who, changes...) })
}

// apply makes changes as part of tx: the rule is status.Decide, the date
// status.DateOf. An error leaves the transaction to be undone by its caller.
func (tx *ledgerTx) apply(ctx context.Context, who audit.Actor, changes ...status.Change) error {
	tx.relied = true
	for _, c := range changes {
		e, err := tx.entry(ctx, c.Kind, c.Serial)
		if err != nil {
			return err
		}
		at := status.DateOf(c.At, tx.begun)
		next, changed, err := status.Decide(e, c, at)
		if err != nil {
			return err
		}
		if !changed {
			continue
		}
		if err := tx.keep(ctx, e, next, at, nil); err != nil {
			return err
		}
		detail := map[string]string{"authority": e.Label(), "was": string(e.Status), "is": string(next.Status)}
		if c.Op == status.Revoke {
			detail["reason"] = strconv.Itoa(c.Reason)
			if !c.Invalid.IsZero() {
				detail["invalid_ms"] = strconv.FormatInt(store.Millis(c.Invalid), 10)
			}
		} else {
			detail["cause"] = string(c.Cause)
		}
		if err := store.Audit(ctx, tx, at, who, "status."+string(c.Op), c.Serial.String(), detail); err != nil {
			return err
		}
	}
	return nil
}

// EnterCertificates implements status.Store.
func (s *Store) EnterCertificates(ctx context.Context, who audit.Actor, issued ...status.Issued) error {
	return s.write(ctx, func(tx *ledgerTx) error {
		for _, c := range issued {
			if err := tx.enter(ctx, who, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *ledgerTx) enter(ctx context.Context, who audit.Actor, c status.Issued) error {
	tx.relied = true
	var e status.Entry
	var was, holder string
	var notAfter int64
	err := tx.QueryRow(ctx, "SELECT authority, generation, crl_partition, holder, not_after_ms, status FROM certificate WHERE serial = $1", c.Serial).
		Scan(&e.Kind, &e.Generation, &e.Partition, &holder, &notAfter, &was)
	if errors.Is(err, store.ErrNotFound) {
		return status.ErrUnknown
	}
	if err != nil {
		return err
	}
	if was != prepared {
		return status.ErrEntered
	}
	at := tx.begun
	e.Serial, e.NotAfter = c.Serial, store.Moment(notAfter)
	e = issued(e, c.Hold, at)
	if err := tx.keep(ctx, status.Entry{Status: prepared}, e, at, c.DER); err != nil {
		return err
	}
	return store.Audit(ctx, tx, at, who, "certificate.issue", c.Serial.String(), map[string]string{
		"authority": e.Label(), "holder": holder, "hold": string(c.Hold), "sha256": pki.Fingerprint(c.DER)})
}

// issued is the first entry of a certificate, on hold when there is a cause.
func issued(e status.Entry, hold status.Cause, at time.Time) status.Entry {
	e.Status, e.GoodSince = status.Good, at
	if hold != "" {
		e.Status, e.Reason, e.Since, e.GoodSince = status.Held, status.CertificateHold, at, time.Time{}
		e.Holds = []status.Hold{{Cause: hold, Since: at}}
	}
	return e
}

// prepared is the state of a draft's row, which is no entry of the ledger.
const prepared = "prepared"

// keep writes one new state and everything that shows it: the certificate's row,
// its open holds, the history, and the mark of the CRLs it appears in. der is the
// certificate when a draft becomes one.
func (tx *ledgerTx) keep(ctx context.Context, before, e status.Entry, at time.Time, der []byte) error {
	tx.touched = true
	var seq int64
	if err := tx.QueryRow(ctx, "UPDATE status_head SET seq = seq + 1 WHERE one = 1 RETURNING seq").Scan(&seq); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE certificate SET status = $1, reason = $2, since_ms = $3, invalid_ms = $4, good_since_ms = $5,
		changed_seq = $6, changed_at_ms = $7, certificate = COALESCE($8, certificate), tbs = NULL WHERE serial = $9 AND status = $10`,
		e.Status, e.Reason, store.Millis(e.Since), store.Millis(e.Invalid), store.Millis(e.GoodSince), seq, store.Millis(at), der, e.Serial, before.Status)
	if err != nil {
		return err
	}
	if n != 1 {
		return errors.New("store/issuer: the certificate changed inside a transaction")
	}
	if err := tx.keepHolds(ctx, before, e); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO status_change (seq, at_ms, serial, authority, generation, crl_partition, not_after_ms,
		status, reason, since_ms, invalid_ms, good_since_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		seq, store.Millis(at), e.Serial, e.Kind, e.Generation, e.Partition, store.Millis(e.NotAfter),
		e.Status, e.Reason, store.Millis(e.Since), store.Millis(e.Invalid), store.Millis(e.GoodSince))
	if err != nil {
		return err
	}
	shown := seq
	if before.Status == prepared && e.Status == status.Good {
		shown = 0 // no CRL looks different; but from now on there is one
	}
	_, err = tx.Exec(ctx, `INSERT INTO crl_scope (authority, generation, crl_partition, changed_seq, changed_at_ms)
		VALUES ($1, $2, $3, $4, $5), ($1, $2, '', $4, $5)
		ON CONFLICT (authority, generation, crl_partition) DO UPDATE SET changed_seq = excluded.changed_seq,
		changed_at_ms = CASE WHEN excluded.changed_at_ms > crl_scope.changed_at_ms THEN excluded.changed_at_ms ELSE crl_scope.changed_at_ms END
		WHERE excluded.changed_seq > crl_scope.changed_seq`, e.Kind, e.Generation, e.Partition, shown, store.Millis(at))
	return err
}

func (tx *ledgerTx) keepHolds(ctx context.Context, before, e status.Entry) error {
	for _, h := range before.Holds {
		if !holds(e, h.Cause) {
			if _, err := tx.Exec(ctx, "DELETE FROM hold WHERE serial = $1 AND cause = $2", e.Serial, h.Cause); err != nil {
				return err
			}
		}
	}
	for _, h := range e.Holds {
		if !holds(before, h.Cause) {
			if _, err := tx.Exec(ctx, "INSERT INTO hold (serial, cause, opened_at_ms) VALUES ($1, $2, $3)", e.Serial, h.Cause, store.Millis(h.Since)); err != nil {
				return err
			}
		}
	}
	return nil
}

func holds(e status.Entry, cause status.Cause) bool {
	for _, h := range e.Holds {
		if h.Cause == cause {
			return true
		}
	}
	return false
}

// StatusEntry implements status.Store.
func (s *Store) StatusEntry(ctx context.Context, kind pki.Kind, serial pki.Serial) (e status.Entry, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		e, err = entry(ctx, tx, kind, serial)
		return err
	})
	return e, err
}

// entry is the state of an issued certificate as tx sees it. status.ErrUnknown.
func (tx *ledgerTx) entry(ctx context.Context, kind pki.Kind, serial pki.Serial) (status.Entry, error) {
	return entry(ctx, tx.Tx, kind, serial)
}

func entry(ctx context.Context, tx store.Tx, kind pki.Kind, serial pki.Serial) (status.Entry, error) {
	r, err := scanEntry(tx.QueryRow(ctx, `SELECT `+entryColumns+` FROM certificate
		WHERE serial = $1 AND authority = $2 AND status <> 'prepared'`, serial, kind))
	if errors.Is(err, store.ErrNotFound) {
		return status.Entry{}, status.ErrUnknown
	}
	if err != nil {
		return status.Entry{}, err
	}
	rows, err := tx.Query(ctx, "SELECT cause, opened_at_ms FROM hold WHERE serial = $1 ORDER BY opened_at_ms, cause", serial)
	if err != nil {
		return status.Entry{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var h status.Hold
		var since int64
		if err := rows.Scan(&h.Cause, &since); err != nil {
			return status.Entry{}, err
		}
		h.Since = store.Moment(since)
		r.Holds = append(r.Holds, h)
	}
	return r.Entry, rows.Err()
}
