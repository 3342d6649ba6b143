package ra

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/issuer/status"
)

// Stop takes step "stop" (利用停止, スマホを手放す): both certificates are revoked
// before the phone wipes its element. Sent again it gets the same receipt.
//
// Step "stop-late" is the same from a phone that had to wipe itself first, because it
// could not reach us: its order was signed before and may be months old. Step "receipt"
// ends nothing: a phone whose pair ended another way, by a new phone that took over for
// example, gets the receipt that a shop wants to see.
//
// A counter that is behind refuses no order: what it shows is that a copy of the element
// went on, and whoever has the copy must not be able to keep the owner from ending it.
// All that an order can do is end.
func (r *RA) Stop(ctx context.Context, compact string) (Stopped, error) {
	at := r.at()
	s, e, err := r.stopStep(ctx, compact, at)
	if err != nil {
		return Stopped{}, err
	}
	err = r.store.Write(ctx, func(tx Tx) error {
		if e, err = tx.Enrolment(ctx, e.ID); err != nil {
			return err
		}
		switch ended := e.State == StateEnded; {
		case ended && e.Receipt != "":
			return nil
		case ended && !e.RegisteredAt.IsZero() && s.claims.Step != StepStop:
			return r.numberEnded(ctx, tx, at, e.actor(), &e)
		case ended:
			return e.endedProblem()
		case s.claims.Step == StepReceipt:
			return ErrStepOutOfOrder.With("state", string(e.State))
		}
		if s.claims.Ctr <= e.Ctr {
			if err := r.noteBehind(ctx, tx, at, e, s.claims); err != nil {
				return err
			}
		}
		e.Receipt, e.Ctr = randomID(), max(e.Ctr, s.claims.Ctr)
		return r.end(ctx, tx, at, e.actor(), &e, EndedStopped, status.CessationOfOperation)
	})
	if err != nil {
		return Stopped{}, err
	}
	return Stopped{Receipt: e.Receipt, Tag: ElementTag(e.Element), RevokedAt: e.EndedAt}, nil
}

// noteBehind records, for who looks into it later, that an order was older than another
// word from its element.
func (r *RA) noteBehind(ctx context.Context, tx Tx, at time.Time, e EnrolmentRecord, c StepClaims) error {
	return tx.Audit(ctx, at, e.actor(), "counter behind", e.ID, map[string]string{
		"step": string(c.Step), "ctr": strconv.FormatUint(c.Ctr, 10), "seen": strconv.FormatUint(e.Ctr, 10),
	})
}

// numberEnded gives a phone that ended another way its receipt: nothing is left to end,
// and a number is all that is new.
func (r *RA) numberEnded(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e *EnrolmentRecord) error {
	e.Receipt = randomID()
	if err := tx.PutEnrolment(ctx, *e); err != nil {
		return err
	}
	return tx.Audit(ctx, at, who, "receipt", e.ID, nil)
}

// StopByCard revokes the phone of whoever's card says so, for good: the phone may be
// switched off, broken, or sold already. Said again, with another word, it gets the same
// receipt, and so does a phone that ended another way. ErrNoPhone when there never was one.
func (r *RA) StopByCard(ctx context.Context, der []byte) (Stopped, error) {
	at := r.at()
	word, signed, err := parseCardWord(der, WordRevoke, at)
	if err != nil {
		return Stopped{}, err
	}
	var e EnrolmentRecord
	err = r.spoken(ctx, word, signed, at, func(tx Tx, person PersonRecord) (refusal, err error) {
		who := audit.Actor{Party: "card", Kind: "person", ID: person.ID}
		if e, err = lastPhone(ctx, tx, person); err != nil {
			return withoutPhone(err)
		}
		switch {
		case e.State == StateRegistered:
			e.Receipt = randomID()
			return nil, r.end(ctx, tx, at, who, &e, EndedStopped, status.CessationOfOperation)
		case e.Receipt == "":
			return nil, r.numberEnded(ctx, tx, at, who, &e)
		}
		return nil, nil
	})
	if err != nil {
		return Stopped{}, err
	}
	r.trace.Note(ctx, trace.Event{At: at, From: "phone", To: "issuer", Kind: "status",
		TitleJA: "カードの届け出で、スマホの電子証明書を失効させました", TitleEN: "A phone was revoked by its owner's card"})
	return Stopped{Receipt: e.Receipt, Tag: ElementTag(e.Element), RevokedAt: e.EndedAt}, nil
}

// lastPhone is the person's registered phone, or the last that they had. ErrNoPhone.
func lastPhone(ctx context.Context, tx Tx, person PersonRecord) (e EnrolmentRecord, err error) {
	if person.Phone != "" {
		return tx.Enrolment(ctx, person.Phone)
	}
	certs, err := tx.CertificatesOf(ctx, person.ID) // newest first
	if err != nil {
		return e, err
	}
	for _, c := range certs {
		if c.Kind != pki.PhoneAuth {
			continue
		}
		if e, err = tx.Enrolment(ctx, c.Subject); err != nil {
			return e, err
		}
		if !e.RegisteredAt.IsZero() {
			return e, nil
		}
	}
	return e, ErrNoPhone
}

// stopStep reads a step by which a phone is given up, and checks that it is its phone's.
func (r *RA) stopStep(ctx context.Context, compact string, at time.Time) (s step[StepClaims], e EnrolmentRecord, err error) {
	for _, want := range []StepName{StepStop, StepStopLate, StepReceipt} {
		m, err := parseStep[StepClaims](r, TypeEnrolment, compact, want, "", at)
		if errors.Is(err, ErrStepMismatch) {
			continue
		}
		if err != nil {
			return s, e, err
		}
		if e, err = r.enrolment(ctx, m.Unverified().ID); err != nil {
			return s, e, err
		}
		s, err = follow(m, e.DeviceKey)
		return s, e, err
	}
	return s, e, ErrStepMismatch
}
