package verifier

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tegata/store"
	"tegata/verifier/oidc"
)

const selectSignTransaction = "SELECT id, client, body_hash, about, used_by, until_ms FROM oidc_sign_transaction WHERE "

func scanSignTransaction(row store.Row) (t oidc.SignTransaction, err error) {
	var body []byte
	var about string
	var until int64
	if err := row.Scan(&t.ID, &t.Client, &body, &about, &t.UsedBy, &until); err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(about), &t.About); err != nil {
		return t, fmt.Errorf("store/verifier: sign transaction: %w", err)
	}
	copy(t.Body[:], body)
	t.Until = time.UnixMilli(until).UTC()
	return t, nil
}

// PutSignTransaction implements oidc.Store.
func (o OIDC) PutSignTransaction(ctx context.Context, t oidc.SignTransaction, content []byte, at time.Time) (kept oidc.SignTransaction, err error) {
	about, err := json.Marshal(t.About)
	if err != nil {
		return kept, fmt.Errorf("store/verifier: sign transaction: %w", err)
	}
	var key []byte // NULL is no key, and unlike every other
	if t.Key != ([32]byte{}) {
		key = t.Key[:]
	}
	again := false
	err = o.s.db.Write(ctx, func(tx store.Tx) error {
		kept, again = t, false
		// A key is free again when its transaction is over.
		if _, err := tx.Exec(ctx, "DELETE FROM oidc_sign_transaction WHERE client = $1 AND key_hash = $2 AND until_ms <= $3", t.Client, key, at.UnixMilli()); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO oidc_sign_transaction (id, client, key_hash, body_hash, about, content, until_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (client, key_hash) DO NOTHING`,
			t.ID, t.Client, key, t.Body, string(about), content, t.Until.UnixMilli())
		if err != nil || n > 0 {
			return err
		}
		again = true
		kept, err = scanSignTransaction(tx.QueryRow(ctx, selectSignTransaction+"client = $1 AND key_hash = $2", t.Client, key))
		return err
	})
	if err == nil && again {
		err = oidc.ErrUsed
	}
	return kept, oidcError(err)
}

// SignTransaction implements oidc.Store.
func (o OIDC) SignTransaction(ctx context.Context, id string, at time.Time) (t oidc.SignTransaction, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) (err error) {
		t, err = scanSignTransaction(tx.QueryRow(ctx, selectSignTransaction+"id = $1 AND until_ms > $2", id, at.UnixMilli()))
		return err
	})
	return t, oidcError(err)
}

// SignContent implements oidc.Store.
func (o OIDC) SignContent(ctx context.Context, id string, at time.Time) (content []byte, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT content FROM oidc_sign_transaction WHERE id = $1 AND used_by = '' AND until_ms > $2", id, at.UnixMilli()).Scan(&content)
	})
	return content, oidcError(err)
}

// HoldSignTransaction implements oidc.Store.
func (o OIDC) HoldSignTransaction(ctx context.Context, id string, until time.Time) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE oidc_sign_transaction SET until_ms = $2 WHERE id = $1 AND used_by = '' AND until_ms < $2", id, until.UnixMilli())
		return err
	})
}

// UseSignTransaction implements oidc.Store.
func (o OIDC) UseSignTransaction(ctx context.Context, id, login string, at, until time.Time) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE oidc_sign_transaction SET used_by = $2, content = $3, until_ms = $4
			WHERE id = $1 AND (used_by = '' AND until_ms > $5 OR used_by = $2)`, id, login, []byte{}, until.UnixMilli(), at.UnixMilli())
		if err == nil && n == 0 {
			return oidc.ErrUsed
		}
		return err
	})
}

// CountAsk implements oidc.Store.
func (o OIDC) CountAsk(ctx context.Context, id string, most int) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE oidc_login SET asks = asks + 1 WHERE id = $1 AND asks < $2", id, most)
		if err == nil && n == 0 {
			return oidc.ErrUsed
		}
		return err
	})
}
