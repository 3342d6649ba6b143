package ra

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"tegata/internal/attest"
	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/issuer/status"
)

// minAge is from when on a person may register a phone.
const minAge = 15

// Apply takes step "apply": none → applied. Sent again it gets the same answer;
// with another application or device key under the same id it is refused.
func (r *RA) Apply(ctx context.Context, compact string) (Applied, error) {
	at := r.at()
	m, err := parseStep[ApplyClaims](r, TypeEnrolment, compact, StepApply, "", at)
	if err != nil {
		return Applied{}, err
	}
	s, err := first(m)
	if err != nil {
		return Applied{}, err
	}
	keyHash, keyDER, err := spkiHash(s.key)
	if err != nil {
		return Applied{}, err
	}
	fresh := EnrolmentRecord{
		ID: s.claims.ID, Holder: randomID(), State: StateApplied,
		ApplicationSHA256: sha256.Sum256(s.claims.Application), DeviceKey: keyDER, Ctr: s.claims.Ctr,
		Nonce: randomBytes(32), LockCodeSalt: randomBytes(16),
		AppliedAt: at, ExpiresAt: at.Add(OpenFor), Done: at,
	}
	known, err := r.enrolment(ctx, fresh.ID)
	if err == nil {
		return r.appliedAnswer(known, fresh)
	}
	if !errors.Is(err, ErrUnknownEnrolment) {
		return Applied{}, err
	}
	said, _, err := r.attested("device", rawChain(s.chain), DeviceKeyChallenge(fresh.ID), attest.P256, at)
	if err != nil {
		return Applied{}, err
	}
	fresh.Element, fresh.ResetCounter = said.ElementID, said.ResetCounter
	fresh.Manufacturer, fresh.Brand, fresh.Model = said.Manufacturer, said.Brand, said.Model
	if len(s.claims.AuthCertificate) > 0 {
		return Applied{}, r.whyNot(ctx, s.claims, at)
	}
	a, err := r.application(s.claims, keyHash, at)
	if err != nil {
		return Applied{}, err
	}
	var answer Applied
	err = r.store.Write(ctx, func(tx Tx) error {
		known, err := tx.Enrolment(ctx, fresh.ID)
		if err == nil { // the same message twice at once: the other was first
			answer, err = r.appliedAnswer(known, fresh)
			return err
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		e := fresh
		if err := r.admit(ctx, tx, &e, a, s.claims, at); err != nil {
			return err
		}
		answer, err = r.appliedAnswer(e, e)
		return err
	})
	if err != nil {
		return Applied{}, err
	}
	r.trace.Note(ctx, trace.Event{At: at, From: "phone", To: "issuer", Kind: "registration",
		TitleJA: "カードで署名した利用申請を受け付けました", TitleEN: "An application signed by the card was taken",
		Detail: map[string]string{"enrolment": fresh.ID, "phone": fresh.Manufacturer + " " + fresh.Model}})
	return answer, nil
}

// appliedAnswer answers from what is kept, if it is what now came.
func (r *RA) appliedAnswer(kept, came EnrolmentRecord) (Applied, error) {
	if kept.ApplicationSHA256 != came.ApplicationSHA256 || string(kept.DeviceKey) != string(came.DeviceKey) {
		return Applied{}, ErrConflict
	}
	if kept.State == StateEnded {
		return Applied{}, kept.endedProblem()
	}
	return Applied{
		ID: kept.ID, State: StateApplied, Nonce: kept.Nonce,
		LockCodeSalt: kept.LockCodeSalt, LockCodeCost: r.lockCost(), ExpiresAt: kept.ExpiresAt,
	}, nil
}

func (r *RA) lockCost() LockCost {
	c := r.config.LockCost
	return LockCost{TimeCost: c.Time, MemoryKiB: c.MemoryKiB, Threads: c.Threads}
}

// endedProblem refuses any further step of an ended enrolment, with the reason.
// One whose day is over has expired, whether or not the clock's own work has
// come by yet.
func (e EnrolmentRecord) endedProblem() error {
	why, when := e.Ended, e.EndedAt
	if e.State != StateEnded {
		why, when = EndedExpired, e.ExpiresAt
	}
	return ErrEnrolmentEnded.With("ended", string(why)).With("ended_at", when.Format(time.RFC3339))
}

// admit decides whether this person may begin with this phone, and records it.
func (r *RA) admit(ctx context.Context, tx Tx, e *EnrolmentRecord, a applied, c ApplyClaims, at time.Time) error {
	cert, err := a.signer(ctx, tx)
	if err != nil {
		return err
	}
	owner, err := tx.TakeNonce(ctx, a.content.Nonce, e.ID, at)
	if err != nil {
		return err
	}
	if owner != "" && owner != e.ID {
		return ErrApplicationReplayed
	}
	person, err := tx.Person(ctx, cert.Person)
	if err != nil {
		return err
	}
	if person.Died {
		return ErrPersonDied
	}
	if err := cardGood(ctx, tx, cert, at); err != nil {
		return err
	}
	attributes, err := pki.ParseAttributes(r.config.Arc, a.signed.Certificate)
	if err != nil {
		return ErrApplicationCertificate.Because(err)
	}
	birth, err := attributes.Birth()
	if err != nil {
		return ErrApplicationCertificate.Because(err)
	}
	if pki.Age(birth, at) < minAge {
		return ErrUnder15
	}
	e.Person, e.Card, e.BirthDate = person.ID, cert.Subject, birth.Format(time.DateOnly)
	e.NotAfter = cert.NotAfter
	who := e.actor()
	if a.reissue {
		if err := r.admitReissue(ctx, tx, e, person, c.Renew, at); err != nil {
			return err
		}
	}

	if person.Open != "" {
		open, err := tx.Enrolment(ctx, person.Open)
		if err != nil {
			return err
		}
		why := EndedReplaced
		switch {
		case !at.Before(open.ExpiresAt):
			why = EndedExpired // the clock's own work has not come by yet
		case !c.Replace:
			return ErrOpenApplication.
				With("open_since", open.AppliedAt.Format(time.RFC3339)).With("open_model", open.phone())
		}
		if err := r.end(ctx, tx, at, who, &open, why, status.Superseded); err != nil {
			return err
		}
	}
	if err := r.resetElements(ctx, tx, at, who, *e); err != nil {
		return err
	}
	if person, err = tx.Person(ctx, person.ID); err != nil { // end may have changed it
		return err
	}
	person.Open = e.ID
	if err := tx.PutPerson(ctx, person); err != nil {
		return err
	}
	e.schedule()
	if err := tx.PutEnrolment(ctx, *e); err != nil {
		return err
	}
	if err := tx.KeepApplication(ctx, e.ID, c.Application); err != nil {
		return err
	}
	if err := r.notify(ctx, tx, at, person, notice{kind: NoticeApplied, phone: e.phone(), until: e.ExpiresAt}); err != nil {
		return err
	}
	return tx.Audit(ctx, at, who, "apply", e.ID, map[string]string{"card": e.Card, "terms": a.content.TermsVersion})
}

// resetElements ends what lived on this element before it was reset: an
// attested reset counter above the kept one proves that those keys are gone.
func (r *RA) resetElements(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e EnrolmentRecord) error {
	return r.endOnElement(ctx, tx, at, who, e, func(old EnrolmentRecord) bool { return old.ResetCounter < e.ResetCounter })
}

// endOnElement ends those of the other enrolments on e's element that which picks.
func (r *RA) endOnElement(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e EnrolmentRecord, which func(EnrolmentRecord) bool) error {
	others, err := tx.EnrolmentsOnElement(ctx, e.Element)
	if err != nil {
		return err
	}
	for _, old := range others {
		if old, err = tx.Enrolment(ctx, old.ID); err != nil { // a phone that ended took its open re-issue with it
			return err
		}
		if old.ID == e.ID || old.State == StateEnded || !which(old) {
			continue
		}
		if err := r.endWithPhone(ctx, tx, at, who, &old, EndedElement, status.CessationOfOperation); err != nil {
			return err
		}
	}
	return nil
}

// enrolment reads one, ErrUnknownEnrolment when there is none.
func (r *RA) enrolment(ctx context.Context, id string) (EnrolmentRecord, error) {
	var e EnrolmentRecord
	err := r.store.Read(ctx, func(tx Tx) (err error) {
		e, err = tx.Enrolment(ctx, id)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return e, ErrUnknownEnrolment
	}
	return e, err
}

// actor is the holder, by the random id of this enrolment.
func (e EnrolmentRecord) actor() audit.Actor {
	return audit.Actor{Party: "phone", Kind: "person", ID: e.Holder}
}

func (e EnrolmentRecord) phone() string { return e.Manufacturer + " " + e.Model }
