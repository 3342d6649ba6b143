package ra

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"time"

	"tegata/internal/pki"
	"tegata/internal/receipt"
	"tegata/issuer/status"
)

// Show answers step "show": where the registration stands. It changes nothing,
// so it may be replayed at will.
func (r *RA) Show(ctx context.Context, id, compact string) (Standing, error) {
	at := r.at()
	m, err := parseStep[StepClaims](r, TypeEnrolment, compact, StepShow, id, at)
	if err != nil {
		return Standing{}, err
	}
	e, err := r.enrolment(ctx, id)
	if err != nil {
		return Standing{}, err
	}
	if _, err := follow(m, e.DeviceKey); err != nil {
		return Standing{}, err
	}
	out := Standing{ID: e.ID, State: e.State}
	switch {
	case e.State == StateEnded, e.State != StateRegistered && !at.Before(e.ExpiresAt):
		out.State, out.Ended, out.EndedAt = StateEnded, e.Ended, &e.EndedAt
		if e.State != StateEnded { // the clock's own work has not come by yet
			out.Ended, out.EndedAt = EndedExpired, &e.ExpiresAt
		}
		return out, nil
	case e.State == StateRegistered:
		out.RegisteredAt, out.Holds = &e.RegisteredAt, e.holds()
	default:
		cost := r.lockCost()
		out.Nonce, out.LockCodeSalt, out.LockCodeCost, out.ExpiresAt = e.Nonce, e.LockCodeSalt, &cost, &e.ExpiresAt
	}
	if e.State != StateApplied {
		pair, err := r.pairOf(ctx, e)
		if err != nil {
			return Standing{}, err
		}
		authorities := r.authorities(true)
		out.Certificates, out.Authorities = &pair, &authorities
	}
	return out, nil
}

// holds are the causes of open holds of a registered pair.
func (e EnrolmentRecord) holds() []string {
	var list []string
	for _, h := range []struct {
		cause status.Cause
		since time.Time
	}{{status.Lost, e.LostSince}, {status.Silent, e.SilentSince}, {status.Suspected, e.SuspectedSince}} {
		if !h.since.IsZero() {
			list = append(list, string(h.cause))
		}
	}
	return list
}

// Revocation answers what a receipt shows, from the ledger at this moment, and signs
// it: whoever is shown the answer by somebody else need not take their word for it.
func (r *RA) Revocation(ctx context.Context, number string) (RevocationReceipt, error) {
	out, err := r.revocation(ctx, number, r.at())
	if err != nil {
		return RevocationReceipt{}, err
	}
	chain, signer, err := r.authority.FeedSigner(ctx)
	if err != nil {
		return RevocationReceipt{}, ErrReceiptUnsigned.Because(err)
	}
	out.Signed, err = receipt.Sign(signer, chain, receipt.Revocation{
		Issuer: r.config.URL, ID: out.Receipt, Tag: out.Tag, RevokedAt: out.RevokedAt.Unix(), Clear: out.Clear, At: out.AsOf.Unix(),
	})
	if err != nil {
		return RevocationReceipt{}, ErrReceiptUnsigned.Because(err)
	}
	return out, nil
}

func (r *RA) revocation(ctx context.Context, number string, at time.Time) (RevocationReceipt, error) {
	var out RevocationReceipt
	if !validID(number) {
		return out, ErrReceiptUnknown
	}
	err := r.store.Read(ctx, func(tx Tx) error {
		e, err := tx.EnrolmentByReceipt(ctx, number)
		if errors.Is(err, ErrNotFound) {
			return ErrReceiptUnknown
		}
		if err != nil {
			return err
		}
		out = RevocationReceipt{Receipt: number, Tag: ElementTag(e.Element), RevokedAt: e.EndedAt, Clear: true, AsOf: at}
		others, err := tx.EnrolmentsOnElement(ctx, e.Element)
		if err != nil {
			return err
		}
		for _, other := range append(others, e) {
			for _, c := range other.pairRecords() {
				_, ok, err := alive(ctx, tx, c, at)
				if err != nil {
					return err
				}
				if ok && c.Serial != (pki.Serial{}) {
					out.Clear = false
				}
			}
		}
		return nil
	})
	return out, err
}

// ElementTag is the 8-character name of an element on a revocation receipt,
// which the wiped phone still shows at start.
func ElementTag(element [16]byte) string {
	sum := sha256.Sum256(append([]byte("tegata element tag 1:"), element[:]...))
	return base32.StdEncoding.EncodeToString(sum[:5])
}
