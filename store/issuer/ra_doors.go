package issuer

import (
	"context"
	"errors"
	"strings"
	"time"

	"tegata/issuer/ra"
	"tegata/store"
)

// Tries implements ra.Tx.
func (x raTx) Tries(ctx context.Context, key [32]byte, since time.Time) (int, time.Time, error) {
	var n, oldest int64
	err := x.QueryRow(ctx, "SELECT COUNT(*), CAST(COALESCE(MIN(at_ms), 0) AS BIGINT) FROM lock_code_try WHERE key = $1 AND at_ms > $2", key, store.Millis(since)).
		Scan(&n, &oldest)
	return int(n), store.Moment(oldest), err
}

// PutTry implements ra.Tx.
func (x raTx) PutTry(ctx context.Context, key [32]byte, id string, at time.Time) error {
	return x.put(ctx, "lock_code_try", "key id at_ms", 3, key, id, store.Millis(at))
}

// DropTry implements ra.Tx.
func (x raTx) DropTry(ctx context.Context, key [32]byte, id string) error {
	_, err := x.Exec(ctx, "DELETE FROM lock_code_try WHERE key = $1 AND id = $2", key, id)
	return err
}

// DropTries implements ra.Tx.
func (x raTx) DropTries(ctx context.Context, before time.Time) error {
	_, err := x.Exec(ctx, "DELETE FROM lock_code_try WHERE at_ms <= $1", store.Millis(before))
	return err
}

// Suspensions implements ra.Tx.
func (x raTx) Suspensions(ctx context.Context, person string, since time.Time) (int, time.Time, error) {
	var n, oldest int64
	err := x.QueryRow(ctx, "SELECT COUNT(*), CAST(COALESCE(MIN(at_ms), 0) AS BIGINT) FROM suspension WHERE person = $1 AND at_ms > $2", person, store.Millis(since)).
		Scan(&n, &oldest)
	return int(n), store.Moment(oldest), err
}

// PutSuspension implements ra.Tx.
func (x raTx) PutSuspension(ctx context.Context, person, id string, way ra.Way, at, forget time.Time) error {
	if _, err := x.Exec(ctx, "DELETE FROM suspension WHERE person = $1 AND at_ms <= $2", person, store.Millis(forget)); err != nil {
		return err
	}
	return x.put(ctx, "suspension", "person id way at_ms", 4, person, id, way, store.Millis(at))
}

// TakeAssertion implements ra.Tx.
func (x raTx) TakeAssertion(ctx context.Context, party, id string, expires, at time.Time) (bool, error) {
	if _, err := x.Exec(ctx, "DELETE FROM assertion WHERE expires_ms < $1", store.Millis(at)); err != nil {
		return false, err
	}
	n, err := x.Exec(ctx, "INSERT INTO assertion (party, id, expires_ms) VALUES ($1, $2, $3) ON CONFLICT (party, id) DO NOTHING", party, id, store.Millis(expires))
	return n == 1, err
}

// PutPairwise implements ra.Tx.
func (x raTx) PutPairwise(ctx context.Context, verifier, pairwise, person string) error {
	return x.put(ctx, "pairwise", "verifier id person", 2, verifier, pairwise, person)
}

// PersonOfPairwise implements ra.Tx.
func (x raTx) PersonOfPairwise(ctx context.Context, verifier, pairwise string) (string, error) {
	return get(scanText, x.QueryRow(ctx, "SELECT person FROM pairwise WHERE verifier = $1 AND id = $2", verifier, pairwise))
}

// PutQuery implements ra.Tx.
func (x raTx) PutQuery(ctx context.Context, person, id string, q ra.Query) error {
	return x.put(ctx, "verifier_query", "person id at_ms verifier what claims refused agent", 2,
		person, id, store.Millis(q.At), q.Verifier, q.What, strings.Join(q.Claims, " "), q.Refused, q.Agent)
}

// QueriesOf implements ra.Tx.
func (x raTx) QueriesOf(ctx context.Context, person string, limit int) ([]ra.Query, error) {
	return list(ctx, x, func(row scanner) (ra.Query, error) {
		var q ra.Query
		var at int64
		var claims string
		err := row.Scan(&at, &q.Verifier, &q.What, &claims, &q.Refused, &q.Agent)
		q.At, q.Claims = store.Moment(at), strings.Fields(claims)
		return q, err
	}, `SELECT at_ms, verifier, what, claims, refused, agent FROM verifier_query WHERE person = $1 AND id IN (
			SELECT id FROM (SELECT id FROM verifier_query WHERE person = $1 AND agent <> '' ORDER BY at_ms DESC, id LIMIT $2) AS agents
			UNION ALL
			SELECT id FROM (SELECT id FROM verifier_query WHERE person = $1 AND agent = '' ORDER BY at_ms DESC, id LIMIT $2) AS others)
		ORDER BY at_ms DESC, id`, person, limit)
}

// PutNotice implements ra.Tx.
func (x raTx) PutNotice(ctx context.Context, person string, n ra.Notice) error {
	if err := x.enqueue(ctx, n); err != nil {
		return err
	}
	return x.put(ctx, "notice", "id person at_ms channel contact kind title_ja body_ja title_en body_en", 1,
		n.ID, person, store.Millis(n.At), n.To.Channel, n.To.Address, n.Kind, n.JA.Title, n.JA.Body, n.EN.Title, n.EN.Body)
}

// Notices implements ra.Tx.
func (x raTx) Notices(ctx context.Context, after string, limit int) ([]ra.Notice, error) {
	var at int64
	err := x.QueryRow(ctx, "SELECT at_ms FROM notice WHERE id = $1", after).Scan(&at)
	if errors.Is(err, store.ErrNotFound) {
		after, err = "", nil
	}
	if err != nil {
		return nil, err
	}
	return list(ctx, x, func(row scanner) (ra.Notice, error) {
		var n ra.Notice
		var at int64
		err := row.Scan(&n.ID, &at, &n.To.Channel, &n.To.Address, &n.Kind, &n.JA.Title, &n.JA.Body, &n.EN.Title, &n.EN.Body)
		n.At = store.Moment(at)
		return n, err
	}, `SELECT id, at_ms, channel, contact, kind, title_ja, body_ja, title_en, body_en FROM notice
		WHERE at_ms > $1 OR at_ms = $1 AND id > $2 ORDER BY at_ms, id LIMIT $3`, at, after, limit)
}
