package verifier

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/verifier/gateway"
)

// PutRequest implements gateway.Store.
func (s *Store) PutRequest(ctx context.Context, by ceremony.Entry, r gateway.Request) error {
	due := r.ExpiresAt.Add(purgeAfter)
	return s.db.Write(ctx, func(tx store.Tx) error {
		if err := enter(ctx, tx, by); err != nil {
			return err
		}
		if err := once(ctx, tx, "nonce", r.Nonce, due); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO request (id, result_id, party, nonce, jws, channel, match_number, return_url,
			issued_at_ms, expires_at_ms, state, due_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', $11) ON CONFLICT (id) DO NOTHING`,
			r.ID, r.ResultID, r.Party, r.Nonce, r.JWS, r.Channel, r.Match, r.ReturnURL,
			r.IssuedAt.UnixMilli(), r.ExpiresAt.UnixMilli(), due.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 {
			return gateway.ErrUsed
		}
		if _, err = tx.Exec(ctx, "INSERT INTO request_result (result_id, id) VALUES ($1, $2)", r.ResultID, r.ID); err != nil {
			return err
		}
		return putDocuments(ctx, tx, r)
	})
}

// Request implements gateway.Store.
func (s *Store) Request(ctx context.Context, id string) (r gateway.Request, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		r, err = request(ctx, tx, id)
		return err
	})
	return r, ours(err)
}

// RequestByResult implements gateway.Store.
func (s *Store) RequestByResult(ctx context.Context, resultID string) (r gateway.Request, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		var id string
		err := tx.QueryRow(ctx, "SELECT id FROM request_result WHERE result_id = $1", resultID).Scan(&id)
		if err != nil {
			return err
		}
		r, err = request(ctx, tx, id)
		return err
	})
	return r, ours(err)
}

func request(ctx context.Context, tx store.Tx, id string) (gateway.Request, error) {
	var r gateway.Request
	var issued, expires int64
	var phone []byte
	var outcome, claims *string
	err := tx.QueryRow(ctx, `SELECT id, result_id, party, nonce, jws, channel, match_number, return_url, issued_at_ms, expires_at_ms,
		state, phone, undecided, outcome, claims, code_until_ms > 0 AND response_code IS NULL FROM request WHERE id = $1`, id).
		Scan(&r.ID, &r.ResultID, &r.Party, &r.Nonce, &r.JWS, &r.Channel, &r.Match, &r.ReturnURL, &issued, &expires,
			&r.State, &phone, &r.Undecided, &outcome, &claims, &r.CodeUsed)
	if err != nil {
		return r, err
	}
	copy(r.Phone[:], phone)
	r.IssuedAt, r.ExpiresAt = time.UnixMilli(issued).UTC(), time.UnixMilli(expires).UTC()
	if outcome == nil {
		return r, nil
	}
	if err := json.Unmarshal([]byte(*outcome), &r.Outcome); err != nil {
		return r, fmt.Errorf("store/verifier: outcome of %s: %w", id, err)
	}
	if claims != nil {
		if err := json.Unmarshal([]byte(*claims), &r.Outcome.Claims); err != nil {
			return r, fmt.Errorf("store/verifier: claims of %s: %w", id, err)
		}
	}
	return r, nil
}

// Open implements gateway.Store.
func (s *Store) Open(ctx context.Context, id string, phone [32]byte, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE request SET state = 'opened', phone = $2, opened_at_ms = $3
			WHERE id = $1 AND (state = 'waiting' OR state = 'opened' AND phone = $2)`, id, phone, at.UnixMilli())
		if err == nil && n == 0 {
			return gateway.ErrUsed
		}
		return err
	})
}

// NoteUndecided implements gateway.Store.
func (s *Store) NoteUndecided(ctx context.Context, id, code string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE request SET undecided = $2 WHERE id = $1 AND state <> 'done'", id, code)
		return err
	})
}

// Finish implements gateway.Store.
func (s *Store) Finish(ctx context.Context, who audit.Actor, o gateway.Outcome) error {
	claims, err := json.Marshal(o.Claims)
	if err != nil {
		return fmt.Errorf("store/verifier: finish %s: %w", o.Request, err)
	}
	if o.Claims == nil {
		claims = []byte("{}")
	}
	kept := o
	kept.Claims, kept.Use, kept.Count, kept.Opening, kept.Signed, kept.ResponseCode, kept.CodeUntil = nil, nil, nil, nil, nil, [32]byte{}, time.Time{} // in columns and tables of their own
	outcome, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("store/verifier: finish %s: %w", o.Request, err)
	}
	var code []byte
	var until int64
	if o.ResponseCode != ([32]byte{}) {
		code, until = o.ResponseCode[:], o.CodeUntil.UnixMilli()
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		// The nonce is used up here: whoever is second finds no row.
		n, err := tx.Exec(ctx, `UPDATE request SET state = 'done', outcome = $2, claims = $3, response_code = $4, code_until_ms = $5,
			undecided = '', due_ms = $6 WHERE id = $1 AND state <> 'done'`,
			o.Request, string(outcome), string(claims), code, until, o.EraseAt.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 {
			_, err := request(ctx, tx, o.Request)
			if err != nil {
				return ours(err)
			}
			return gateway.ErrUsed
		}
		if o.Use != nil {
			if err := count(ctx, tx, o); err != nil {
				return err
			}
			if err := countOpening(ctx, tx, o); err != nil {
				return err
			}
			if err := putUse(ctx, tx, o); err != nil {
				return err
			}
		}
		if err := finishDocuments(ctx, tx, o); err != nil {
			return err
		}
		if o.Session != nil {
			if err := putSession(ctx, tx, *o.Session); err != nil {
				return err
			}
		}
		detail := map[string]string{"verdict": string(o.Verdict), "code": o.Code}
		if o.Use != nil {
			detail["certificate"] = hex.EncodeToString(o.Certificate[:])
		}
		return store.Audit(ctx, tx, o.At, who, "verdict", o.Request, detail)
	})
}

func putUse(ctx context.Context, tx store.Tx, o gateway.Outcome) error {
	details, err := json.Marshal(o.Use)
	if err != nil {
		return fmt.Errorf("store/verifier: use: %w", err)
	}
	countsAs := ""
	if o.Count != nil {
		countsAs = string(o.Count.Category)
	}
	_, err = tx.Exec(ctx, "INSERT INTO holder_use (certificate, at_ms, request, details, receipt, counts_as) VALUES ($1, $2, $3, $4, $5, $6)",
		o.Certificate, o.At.UnixMilli(), o.Request, string(details), o.Receipt, countsAs)
	return err
}

// TakeCode implements gateway.Store.
func (s *Store) TakeCode(ctx context.Context, by ceremony.Entry, id string, code [32]byte, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if err := enter(ctx, tx, by); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "UPDATE request SET response_code = NULL WHERE id = $1 AND response_code = $2 AND code_until_ms > $3",
			id, code, at.UnixMilli())
		if err == nil && n == 0 {
			return gateway.ErrUsed
		}
		return err
	})
}

// RenewCode implements gateway.Store.
func (s *Store) RenewCode(ctx context.Context, id string, code [32]byte, until time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE request SET response_code = $2, code_until_ms = $3 WHERE id = $1 AND response_code IS NOT NULL",
			id, code, until.UnixMilli())
		if err == nil && n == 0 {
			return gateway.ErrUsed
		}
		return err
	})
}

// Uses implements gateway.Store.
func (s *Store) Uses(ctx context.Context, person string, limit int) (uses []ceremony.Use, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		uses = nil
		rows, err := tx.Query(ctx, `SELECT details FROM holder_use
			WHERE certificate IN (SELECT certificate FROM holder WHERE person = $1)
			ORDER BY at_ms DESC, request LIMIT $2`, person, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			var u ceremony.Use
			if err := errors.Join(rows.Scan(&text), json.Unmarshal([]byte(text), &u)); err != nil {
				return fmt.Errorf("store/verifier: use: %w", err)
			}
			uses = append(uses, u)
		}
		return rows.Err()
	})
	return uses, err
}
