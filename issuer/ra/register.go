package ra

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/trace"
	"tegata/issuer/status"
)

// Register takes step "register": issued → registered. In one transaction the
// new pair becomes good, the old phone's is superseded, whoever else had this
// element loses it, and the holder is told.
func (r *RA) Register(ctx context.Context, id, compact string) (Registered, error) {
	at := r.at()
	m, err := parseStep[RegisterClaims](r, TypeEnrolment, compact, StepRegister, id, at)
	if err != nil {
		return Registered{}, err
	}
	e, err := r.enrolment(ctx, id)
	if err != nil {
		return Registered{}, err
	}
	s, err := follow(m, e.DeviceKey)
	if err != nil {
		return Registered{}, err
	}
	var answer Registered
	err = r.store.Write(ctx, func(tx Tx) error {
		e, err := tx.Enrolment(ctx, id)
		if err != nil {
			return err
		}
		if err := r.checkRegistration(ctx, tx, e, s.claims, at); err != nil {
			return err
		}
		switch {
		case e.State == StateIssued && e.ReissueOf != "":
			if err := r.takeOver(ctx, tx, &e, s.claims, at); err != nil {
				return err
			}
		case e.State == StateIssued:
			if err := r.register(ctx, tx, &e, s.claims, at); err != nil {
				return err
			}
		}
		answer = Registered{ID: e.ID, State: StateRegistered, RegisteredAt: e.RegisteredAt}
		return nil
	})
	if err != nil {
		return Registered{}, err
	}
	r.trace.Note(ctx, trace.Event{At: at, From: "phone", To: "issuer", Kind: "registration",
		TitleJA: "登録が完了し、2つの証明書が有効になりました", TitleEN: "Registered: both certificates are good from now on",
		Detail: map[string]string{"enrolment": id, "state": string(StateRegistered)}})
	return answer, nil
}

// checkRegistration refuses whatever is not exactly the registration of the
// pair that was issued. For a registered enrolment it refuses other content
// under the same id.
func (r *RA) checkRegistration(ctx context.Context, tx Tx, e EnrolmentRecord, c RegisterClaims, at time.Time) error {
	switch {
	case e.State == StateApplied:
		return ErrStepOutOfOrder.With("state", string(e.State))
	case e.Ended == EndedReissued: // sent again
	case e.State == StateEnded, e.State == StateIssued && !at.Before(e.ExpiresAt):
		return e.endedProblem()
	}
	sign, err := tx.Certificate(ctx, pki.PhoneSign, e.SignSerial)
	if err != nil {
		return err
	}
	if c.SignSHA256 != pki.Fingerprint(sign.DER) {
		return ErrCertificatesMismatch
	}
	if e.ReissueOf == "" {
		auth, err := tx.Certificate(ctx, pki.PhoneAuth, e.AuthSerial)
		if err != nil {
			return err
		}
		if c.AuthSHA256 != pki.Fingerprint(auth.DER) {
			return ErrCertificatesMismatch
		}
		if err := r.checkLockCode(e, c.LockCodeVerifier); err != nil {
			return err
		}
	}
	if e.Ended == EndedReissued {
		return nil
	}
	if e.State == StateRegistered {
		if !sameVerifier(e.LockCodeVerifier, c.LockCodeVerifier) {
			return ErrConflict
		}
		return nil
	}
	if c.Ctr <= e.Ctr {
		return ErrElementSuspected
	}
	return r.cardStillGood(ctx, tx, e, at)
}

// checkLockCode demands the salt and cost that step "apply" answered with.
func (r *RA) checkLockCode(e EnrolmentRecord, v secret.Verifier) error {
	cost := r.config.LockCost
	if !bytes.Equal(v.Salt, e.LockCodeSalt) || len(v.Hash) != 32 ||
		v.TimeCost != cost.Time || v.MemoryKiB != cost.MemoryKiB || v.Threads != cost.Threads {
		return ErrLockCodeVerifier
	}
	return nil
}

func sameVerifier(a, b secret.Verifier) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

func (r *RA) register(ctx context.Context, tx Tx, e *EnrolmentRecord, c RegisterClaims, at time.Time) error {
	who := e.actor()
	person, err := tx.Person(ctx, e.Person)
	if err != nil {
		return err
	}
	replaced := ""
	if person.Phone != "" {
		old, err := tx.Enrolment(ctx, person.Phone)
		if err != nil {
			return err
		}
		replaced = old.phone()
		if err := r.end(ctx, tx, at, who, &old, EndedSuperseded, status.Superseded); err != nil {
			return err
		}
	}
	if err := r.takeElement(ctx, tx, at, who, *e); err != nil {
		return err
	}
	if err := r.setHold(ctx, tx, at, who, *e, status.Lift, status.Unregistered); err != nil {
		return err
	}
	for _, cert := range e.pairRecords() { // revoked behind our back, by a rule we do not know of
		entry, err := tx.Status(ctx, cert.Kind, cert.Serial)
		if err != nil {
			return err
		}
		if entry.Status != status.Good {
			return ErrStepOutOfOrder.Because(errors.New("ra: the issued pair is " + string(entry.Status)))
		}
	}
	e.State, e.RegisteredAt, e.LockCodeVerifier, e.Ctr = StateRegistered, at, c.LockCodeVerifier, c.Ctr
	e.LastCheckIn, e.LastUnlock, e.Done = at, at, at // both secrets were set, and typed, for this
	e.schedule()
	if err := tx.PutEnrolment(ctx, *e); err != nil {
		return err
	}
	if person, err = tx.Person(ctx, e.Person); err != nil {
		return err
	}
	person.Phone, person.Open = e.ID, ""
	if err := tx.PutPerson(ctx, person); err != nil {
		return err
	}
	if err := r.notify(ctx, tx, at, person, notice{kind: NoticeRegistered, phone: e.phone(), replaced: replaced, until: e.NotAfter}); err != nil {
		return err
	}
	return tx.Audit(ctx, at, who, "register", e.ID, nil)
}

// takeElement ends whatever else lives on the element that is being registered.
func (r *RA) takeElement(ctx context.Context, tx Tx, at time.Time, who audit.Actor, e EnrolmentRecord) error {
	return r.endOnElement(ctx, tx, at, who, e, func(EnrolmentRecord) bool { return true })
}
