package issuer

import (
	"context"
	"time"

	"tegata/issuer/ra"
	"tegata/store"
)

const trustColumns = "id holder trusted label shown code_hash state invited_ms since_ms"

func scanTrust(row scanner) (ra.TrustRecord, error) {
	var t ra.TrustRecord
	var hash []byte
	var invited, since int64
	if err := row.Scan(&t.ID, &t.Holder, &t.Trusted, &t.Label, &t.Shown, &hash, &t.State, &invited, &since); err != nil {
		return t, err
	}
	t.Invited, t.Since = store.Moment(invited), store.Moment(since)
	return t, fill(t.CodeHash[:], hash)
}

func selectTrust(where string) string {
	return "SELECT " + columns(trustColumns) + " FROM trust WHERE " + where
}

// Trust implements ra.Tx.
func (x raTx) Trust(ctx context.Context, id string) (ra.TrustRecord, error) {
	return get(scanTrust, x.QueryRow(ctx, selectTrust("id = $1"), id))
}

// PutTrust implements ra.Tx.
func (x raTx) PutTrust(ctx context.Context, t ra.TrustRecord) error {
	return x.put(ctx, "trust", trustColumns, 1, t.ID, t.Holder, t.Trusted, t.Label, t.Shown, t.CodeHash, t.State, store.Millis(t.Invited), store.Millis(t.Since))
}

// TrustsOf implements ra.Tx.
func (x raTx) TrustsOf(ctx context.Context, person string) ([]ra.TrustRecord, error) {
	return list(ctx, x, scanTrust, selectTrust("(holder = $1 OR trusted = $1) AND state <> 'ended' ORDER BY invited_ms, id"), person)
}

// TrustByCode implements ra.Tx.
func (x raTx) TrustByCode(ctx context.Context, hash [32]byte) (ra.TrustRecord, error) {
	return get(scanTrust, x.QueryRow(ctx, selectTrust("code_hash = $1 AND state <> 'ended'"), hash))
}

// PutNoticeWatch implements ra.Tx.
func (x raTx) PutNoticeWatch(ctx context.Context, party, pairwise, person string, since time.Time) error {
	if since.IsZero() {
		_, err := x.Exec(ctx, "DELETE FROM notice_watch WHERE party = $1 AND pairwise = $2", party, pairwise)
		return err
	}
	_, err := x.Exec(ctx, `INSERT INTO notice_watch (party, pairwise, person, since_ms) VALUES ($1, $2, $3, $4)
		ON CONFLICT (party, pairwise) DO NOTHING`, party, pairwise, person, store.Millis(since))
	return err
}

// Noticed implements ra.Tx.
func (x raTx) Noticed(ctx context.Context, party string, since time.Time, limit int) ([]ra.Noted, error) {
	return list(ctx, x, func(row scanner) (ra.Noted, error) {
		var n ra.Noted
		var at int64
		err := row.Scan(&n.ID, &n.Holder, &at)
		n.At = store.Moment(at)
		return n, err
	}, `SELECT n.id, w.pairwise, n.at_ms FROM notice n JOIN notice_watch w ON w.person = n.person
		WHERE w.party = $1 AND n.at_ms >= $2 AND n.at_ms >= w.since_ms ORDER BY n.at_ms, n.id LIMIT $3`, party, store.Millis(since), limit)
}
