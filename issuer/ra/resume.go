package ra

import (
	"context"
	"errors"
	"time"

	"tegata/internal/attest"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/issuer/status"
)

// Resume takes step "resume", POST /v1/resumptions: the person holds the card to
// the phone that was lost, or is suspected, and is found to be in their hand. The
// authentication certificate returns with the same serial number; the signature
// certificate is revoked as of the beginning of the hold, and may be issued anew
// (an application for "phone-sign" alone). A silence is not lifted here: an unlock
// and a check-in do that. The very same message again gets the same answer.
func (r *RA) Resume(ctx context.Context, compact string) (Resumed, error) {
	at := r.at()
	answer, err := ofRegistered(ctx, r, compact, StepResume, at, func(tx Tx, e *EnrolmentRecord, c ResumeClaims) (Resumed, error) {
		return r.resume(ctx, tx, e, c, at)
	})
	if err != nil {
		return Resumed{}, err
	}
	r.trace.Note(ctx, trace.Event{At: at, From: "phone", To: "issuer", Kind: "status",
		TitleJA: "カードで確かめて、スマホの利用を再開しました", TitleEN: "With the card, a phone was resumed",
		Detail: map[string]string{"enrolment": answer.ID}})
	return answer, nil
}

func (r *RA) resume(ctx context.Context, tx Tx, e *EnrolmentRecord, c ResumeClaims, at time.Time) (Resumed, error) {
	word, signed, err := parseCardWord(c.Word, WordResume, at)
	if err != nil {
		return Resumed{}, err
	}
	person, err := r.speaker(ctx, tx, word, signed, at)
	switch {
	case err != nil:
		return Resumed{}, err
	case person.ID != e.Person || person.Phone != e.ID:
		return Resumed{}, ErrWordCertificate.Because(errors.New("ra: another person's card"))
	case !about(word, *e):
		return Resumed{}, ErrDeviceKeyMismatch
	case c.ResetCounter != uint64(e.ResetCounter):
		return Resumed{}, ErrElementSuspected
	case c.VerifiedBoot != attest.BootVerified.String() || c.DeviceLocked == nil || !*c.DeviceLocked:
		return Resumed{}, ErrAttestationBoot.With("which", "device")
	case e.LostSince.IsZero() && e.SuspectedSince.IsZero():
		return Resumed{}, ErrNothingToResume
	}
	who := e.actor()
	since := e.heldSince()
	// Whoever had the phone may have learned the password: the key that it opened ends,
	// as of the beginning of the hold.
	sign := CertificateRecord{Kind: pki.PhoneSign, Serial: e.SignSerial}
	if err := r.revokeRecords(ctx, tx, at, who, status.Superseded, sign); err != nil {
		return Resumed{}, err
	}
	for cause, open := range map[status.Cause]*time.Time{status.Lost: &e.LostSince, status.Suspected: &e.SuspectedSince} {
		if open.IsZero() {
			continue
		}
		if err := r.setHold(ctx, tx, at, who, *e, status.Lift, cause); err != nil {
			return Resumed{}, err
		}
		*open = time.Time{}
		if err := tx.Audit(ctx, at, who, "resume", e.ID, map[string]string{"cause": string(cause)}); err != nil {
			return Resumed{}, err
		}
	}
	// A key that was on its way into the phone meanwhile ends too.
	if err := r.endReissue(ctx, tx, at, who, *e, EndedFound, status.Superseded); err != nil {
		return Resumed{}, err
	}
	// A restored element counts from where it was; this word came from the phone in the
	// person's hand, so its counter is the one that counts from now on.
	e.Ctr, e.ForkCtr, e.LastCheckIn = c.Ctr, 0, at
	e.schedule()
	if err := tx.PutEnrolment(ctx, *e); err != nil {
		return Resumed{}, err
	}
	if err := r.tell(ctx, tx, at, *e, notice{kind: NoticeFound, phone: e.phone()}); err != nil {
		return Resumed{}, err
	}
	return Resumed{ID: e.ID, Holds: e.holds(), HeldSince: since, ResumedAt: at, Reissue: true}, nil
}
