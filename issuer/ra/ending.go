package ra

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/status"
)

// end ends an enrolment or a registered phone: what is left of its
// certificates is revoked, the person is free for another phone and is told,
// all in tx. reason is one of RFC 5280, section 5.3.1.
func (r *RA) end(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e *EnrolmentRecord, why EndReason, reason int) error {
	was := e.State
	if was == StateRegistered {
		if err := r.endReissue(ctx, tx, at, who, *e, why, reason); err != nil {
			return err
		}
	}
	person, err := r.finish(ctx, tx, at, who, e, why, reason)
	if err != nil {
		return err
	}
	if kind := endNotice(why, was); kind != "" {
		return r.notify(ctx, tx, at, person, notice{kind: kind, phone: e.phone(), why: why})
	}
	return nil
}

// endReissue ends the open application, if there is one, that was to bring the
// registered phone e a new signature certificate. What the person is told of the
// phone says enough.
func (r *RA) endReissue(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e EnrolmentRecord, why EndReason, reason int) error {
	person, err := tx.Person(ctx, e.Person)
	if err != nil || person.Open == "" {
		return err
	}
	open, err := tx.Enrolment(ctx, person.Open)
	if err != nil || open.ReissueOf != e.ID {
		return err
	}
	_, err = r.finish(ctx, tx, at, who, &open, why, reason)
	return err
}

// endWithPhone is end, but says nothing of a re-issue: what ends it is told of its phone.
func (r *RA) endWithPhone(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e *EnrolmentRecord, why EndReason, reason int) error {
	if e.ReissueOf == "" {
		return r.end(ctx, tx, at, who, e, why, reason)
	}
	_, err := r.finish(ctx, tx, at, who, e, why, reason)
	return err
}

// finish is end without a word to the person, whose record it returns.
func (r *RA) finish(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e *EnrolmentRecord, why EndReason, reason int) (PersonRecord, error) {
	certs, err := tx.CertificatesFor(ctx, e.ID)
	if err != nil {
		return PersonRecord{}, err
	}
	if why != EndedValidity {
		if err := r.revokeRecords(ctx, tx, at, who, reason, certs...); err != nil {
			return PersonRecord{}, err
		}
	}
	was := e.State
	e.State, e.Ended, e.EndedAt, e.Done = StateEnded, why, at, at
	e.schedule()
	if err := tx.PutEnrolment(ctx, *e); err != nil {
		return PersonRecord{}, err
	}
	person, err := tx.Person(ctx, e.Person)
	if err != nil {
		return person, err
	}
	if person.Open == e.ID {
		person.Open = ""
	}
	if person.Phone == e.ID {
		person.Phone = ""
	}
	if err := tx.PutPerson(ctx, person); err != nil {
		return person, err
	}
	return person, tx.Audit(ctx, at, who, "end", e.ID, map[string]string{"why": string(why), "was": string(was)})
}

// endNotice is what the person is told; nobody is written to about a death, and who
// emigrated is told of card and phone at once.
func endNotice(why EndReason, was State) NoticeKind {
	switch {
	case why == EndedDied, why == EndedEmigrated:
		return ""
	case why == EndedExpired:
		return NoticeExpired
	case why == EndedReplaced:
		return NoticeReplaced
	case why == EndedElement:
		return NoticeElementMoved
	case was != StateRegistered:
		return NoticeExpired
	}
	return NoticeRevoked
}

// revokeRecords revokes those of certs that were issued, are not yet revoked
// and have not expired.
func (r *RA) revokeRecords(ctx context.Context, tx Tx, at time.Time, who audit.Actor, reason int, certs ...CertificateRecord) error {
	changes, err := revocations(ctx, tx, at, reason, certs)
	if err != nil || len(changes) == 0 {
		return err
	}
	return tx.Change(ctx, at, who, changes...)
}

func revocations(ctx context.Context, tx Tx, at time.Time, reason int, certs []CertificateRecord) ([]status.Change, error) {
	var changes []status.Change
	for _, c := range certs {
		entry, ok, err := alive(ctx, tx, c, at)
		if err != nil {
			return nil, err
		}
		if ok {
			changes = append(changes, status.Change{Kind: entry.Kind, Serial: entry.Serial, Op: status.Revoke, Reason: reason, At: at})
		}
	}
	return changes, nil
}

// alive finds a certificate's entry when it can still change: it was issued, is
// not revoked and has not expired.
func alive(ctx context.Context, tx Tx, c CertificateRecord, at time.Time) (status.Entry, bool, error) {
	if c.Serial == (pki.Serial{}) {
		return status.Entry{}, false, nil
	}
	entry, err := tx.Status(ctx, c.Kind, c.Serial)
	if errors.Is(err, status.ErrUnknown) { // prepared, and never signed
		return entry, false, nil
	}
	if err != nil {
		return entry, false, err
	}
	return entry, entry.Status != status.Revoked && !at.After(entry.NotAfter), nil
}

// pairRecords names the registered pair of e.
func (e EnrolmentRecord) pairRecords() []CertificateRecord {
	return []CertificateRecord{
		{Kind: pki.PhoneAuth, Serial: e.AuthSerial}, {Kind: pki.PhoneSign, Serial: e.SignSerial},
	}
}

// setHold opens or lifts one hold of the registered pair, as far as it is alive.
func (r *RA) setHold(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e EnrolmentRecord, op status.Op, cause status.Cause) error {
	var changes []status.Change
	for _, c := range e.pairRecords() {
		entry, ok, err := alive(ctx, tx, c, at)
		if err != nil {
			return err
		}
		if ok {
			changes = append(changes, status.Change{Kind: entry.Kind, Serial: entry.Serial, Op: op, Cause: cause, At: at})
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return tx.Change(ctx, at, who, changes...)
}
