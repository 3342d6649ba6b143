package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// Amend implements oidc.Developers.
func (o OIDC) Amend(ctx context.Context, who audit.Actor, at time.Time, a oidc.Amendment) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		if err := unchanged(ctx, tx, a.Client.ID, &a.Was); err != nil {
			return err
		}
		if a.Party != nil {
			if err := putParty(ctx, tx, who, at, *a.Party); err != nil {
				return err
			}
		}
		if err := putClient(ctx, tx, who, at, a.Client); err != nil {
			return err
		}
		if a.Contact != nil {
			if err := setContact(ctx, tx, who, at, a.Client.ID, *a.Contact); err != nil {
				return err
			}
		}
		return keepLogos(ctx, tx, a.Client.ID)
	})
}

// standing is the registration of a client as it is in this transaction: nil when there is
// none, or its party has ended.
func standing(ctx context.Context, tx store.Tx, id string) (*oidc.Client, error) {
	var client, party string
	err := tx.QueryRow(ctx, "SELECT c.registration, p.registration FROM oidc_client c JOIN party p ON p.id = c.id WHERE c.id = $1", id).Scan(&client, &party)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c oidc.Client
	var p gateway.Party
	if err := errors.Join(json.Unmarshal([]byte(client), &c), json.Unmarshal([]byte(party), &p)); err != nil {
		return nil, fmt.Errorf("store/verifier: client %s: %w", id, err)
	}
	if p.Ended {
		return nil, nil
	}
	return &c, nil
}

// unchanged returns oidc.ErrChanged unless the registration that stands is the one that was
// read; nil: none. What it reads is part of the transaction, so that nobody changes it before
// the commit.
func unchanged(ctx context.Context, tx store.Tx, id string, was *oidc.Client) error {
	now, err := standing(ctx, tx, id)
	switch {
	case err != nil:
		return err
	case now == nil && was == nil:
		return nil
	case now == nil, was == nil, !now.Equal(*was):
		return oidc.ErrChanged
	}
	return nil
}

// endStanding ends the party of a client that stands, whichever registration that is by now.
// store.ErrNotFound when none does: somebody else ended it first, or it never was.
func endStanding(ctx context.Context, tx store.Tx, who audit.Actor, at time.Time, id string) error {
	now, err := standing(ctx, tx, id)
	if err != nil {
		return err
	}
	if now == nil {
		return store.ErrNotFound
	}
	var text string
	if err := tx.QueryRow(ctx, "SELECT registration FROM party WHERE id = $1", id).Scan(&text); err != nil {
		return err
	}
	var p gateway.Party
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return fmt.Errorf("store/verifier: party %s: %w", id, err)
	}
	p.Ended = true
	return putParty(ctx, tx, who, at, p)
}

// notOver returns oidc.ErrUsed for a client that the operator ended and nobody registered
// again.
func notOver(ctx context.Context, tx store.Tx, id string) error {
	var ended int64
	err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM oidc_application WHERE client = $1 AND state = $2", id, oidc.Ended).Scan(&ended)
	if err != nil || ended == 0 {
		return err
	}
	now, err := standing(ctx, tx, id)
	if err == nil && now == nil {
		return oidc.ErrUsed
	}
	return err
}
