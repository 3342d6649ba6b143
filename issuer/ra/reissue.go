package ra

import (
	"bytes"
	"context"
	"errors"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/status"
)

// A signature certificate ends alone when the person moved or a lost phone was
// found, and one whose password is forgotten is of no use. A new one comes the way of a registration (application by the card, key
// with attestation, on hold until the phone has it), under an id of its own that
// names the registration it is for and ends when that has taken it over.

// admitReissue demands the registered phone itself, on no hold, and, unless
// its password is forgotten, without a signature certificate that could still be used.
func (r *RA) admitReissue(ctx context.Context, tx Tx, e *EnrolmentRecord, person PersonRecord, renew bool, at time.Time) error {
	if person.Phone == "" {
		return ErrReissueElsewhere
	}
	base, err := tx.Enrolment(ctx, person.Phone)
	if err != nil {
		return err
	}
	e.ReissueOf, e.Renews = base.ID, renew
	return r.checkReissue(ctx, tx, *e, base, at)
}

// checkReissue is true at the application and must still be true when the new
// certificate becomes good.
func (r *RA) checkReissue(ctx context.Context, tx Tx, e, base EnrolmentRecord, at time.Time) error {
	if base.State != StateRegistered || !bytes.Equal(base.DeviceKey, e.DeviceKey) || base.Element != e.Element || base.ResetCounter != e.ResetCounter {
		return ErrReissueElsewhere
	}
	if len(base.holds()) > 0 {
		return ErrReissueNotNeeded.Because(errors.New("ra: the phone is on hold; resume it first"))
	}
	_, usable, err := alive(ctx, tx, CertificateRecord{Kind: pki.PhoneSign, Serial: base.SignSerial}, at)
	if err != nil {
		return err
	}
	if usable && !e.Renews {
		return ErrReissueNotNeeded
	}
	return nil
}

// takeOver makes the certificate that e brought the registered phone's: it becomes
// good, belongs to that registration from now on, and e ends.
func (r *RA) takeOver(ctx context.Context, tx Tx, e *EnrolmentRecord, c RegisterClaims, at time.Time) error {
	who := e.actor()
	base, err := tx.Enrolment(ctx, e.ReissueOf)
	if err != nil {
		return err
	}
	if err := r.checkReissue(ctx, tx, *e, base, at); err != nil {
		return err
	}
	if err := r.setHold(ctx, tx, at, who, *e, status.Lift, status.Unregistered); err != nil {
		return err
	}
	cert, err := tx.Certificate(ctx, pki.PhoneSign, e.SignSerial)
	if err != nil {
		return err
	}
	entry, err := tx.Status(ctx, pki.PhoneSign, e.SignSerial)
	if err != nil {
		return err
	}
	if entry.Status != status.Good { // revoked behind our back, by a rule we do not know of
		return ErrStepOutOfOrder.Because(errors.New("ra: the issued certificate is " + string(entry.Status)))
	}
	// The one whose password is forgotten ends in the moment in which this one is good:
	// nobody signs by two, and nobody is without.
	if err := r.revokeRecords(ctx, tx, at, who, status.Superseded, CertificateRecord{Kind: pki.PhoneSign, Serial: base.SignSerial}); err != nil {
		return err
	}
	cert.Subject = base.ID // whatever ends the phone ends this one too
	if err := tx.PutCertificate(ctx, cert); err != nil {
		return err
	}
	// A check-in may have overtaken this message: the counter never goes back.
	base.SignKey, base.SignSerial, base.Ctr = e.SignKey, e.SignSerial, max(base.Ctr, c.Ctr)
	if err := tx.PutEnrolment(ctx, base); err != nil {
		return err
	}
	e.State, e.Ended, e.EndedAt, e.RegisteredAt, e.Done, e.Ctr = StateEnded, EndedReissued, at, at, at, c.Ctr
	e.schedule()
	if err := tx.PutEnrolment(ctx, *e); err != nil {
		return err
	}
	person, err := tx.Person(ctx, e.Person)
	if err != nil {
		return err
	}
	person.Open = ""
	if err := tx.PutPerson(ctx, person); err != nil {
		return err
	}
	if err := r.notify(ctx, tx, at, person, notice{kind: NoticeReissued, phone: base.phone(), until: cert.NotAfter}); err != nil {
		return err
	}
	return tx.Audit(ctx, at, who, "reissue", e.ID, map[string]string{"registration": base.ID, "sign": e.SignSerial.String()})
}
