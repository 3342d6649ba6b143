package ra

import (
	"context"
	"crypto"
	"errors"
	"time"

	"tegata/internal/attest"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/status"
)

// Keys takes step "keys": applied → issued. Both certificates are on hold
// "unregistered". The same two keys sent again get the same certificates,
// whatever was killed in between; other keys are refused.
func (r *RA) Keys(ctx context.Context, id, compact string) (Issued, error) {
	at := r.at()
	m, err := parseStep[KeysClaims](r, TypeEnrolment, compact, StepKeys, id, at)
	if err != nil {
		return Issued{}, err
	}
	defer r.issuing.lock(id)()
	e, err := r.enrolment(ctx, id)
	if err != nil {
		return Issued{}, err
	}
	s, err := follow(m, e.DeviceKey)
	if err != nil {
		return Issued{}, err
	}
	keys, err := requestedKeys(e, s.claims)
	if err != nil {
		return Issued{}, err
	}
	if e.State == StateEnded || !at.Before(e.ExpiresAt) && e.State != StateRegistered {
		return Issued{}, e.endedProblem()
	}
	if again := e.SignKey != [32]byte{}; again && (e.AuthKey != keys.authHash || e.SignKey != keys.signHash) {
		return Issued{}, ErrConflict
	}
	if e.State == StateApplied {
		if e, err = r.acceptKeys(ctx, s, e, keys, at); err != nil {
			return Issued{}, err
		}
	}
	if e.State == StateApplied {
		if e, err = r.issueKeys(ctx, e, keys, at); err != nil {
			return Issued{}, err
		}
		r.trace.Note(ctx, trace.Event{At: at, From: "issuer", To: "phone", Kind: "registration",
			TitleJA: "スマホの2つの鍵を確かめ、証明書を発行しました（まだ停止中）", TitleEN: "Both keys were checked and certified; still on hold",
			Detail: map[string]string{"enrolment": e.ID, "auth": e.AuthSerial.String(), "sign": e.SignSerial.String()}})
	}
	return r.issuedAnswer(ctx, e)
}

// offered are the two keys of step "keys".
type offered struct {
	auth, sign         crypto.PublicKey
	authHash, signHash [32]byte
}

// requestedKeys reads the requests and checks that each is signed by its key.
func requestedKeys(e EnrolmentRecord, c KeysClaims) (offered, error) {
	var k offered
	for _, part := range []struct {
		which string
		proof KeyProof
		key   *crypto.PublicKey
		hash  *[32]byte
	}{{"auth", c.Auth, &k.auth, &k.authHash}, {"sign", c.Sign, &k.sign, &k.signHash}} {
		if part.which == "auth" && e.ReissueOf != "" {
			if len(part.proof.CSR) > 0 {
				return k, ErrCSR.With("which", part.which).Because(errors.New("ra: it was not applied for"))
			}
			continue
		}
		pub, err := attest.ParseCSR(part.proof.CSR)
		if err != nil {
			return k, ErrCSR.With("which", part.which).Because(err)
		}
		if *part.hash, _, err = spkiHash(pub); err != nil {
			return k, ErrCSR.With("which", part.which).Because(err)
		}
		*part.key = pub
	}
	if k.authHash == k.signHash {
		return k, ErrKeyUnsuitable.Because(errors.New("ra: one key for both certificates"))
	}
	return k, nil
}

// acceptKeys judges both keys and records that they are this enrolment's. After
// it, no other pair will be certified under this id.
func (r *RA) acceptKeys(ctx context.Context, s step[KeysClaims], e EnrolmentRecord, keys offered, at time.Time) (EnrolmentRecord, error) {
	var application []byte
	err := r.store.Read(ctx, func(tx Tx) (err error) {
		application, err = tx.Application(ctx, e.ID)
		return err
	})
	if err != nil {
		return e, err
	}
	challenge := KeyChallenge(application, e.Nonce)
	for which, proof := range map[string]KeyProof{"auth": s.claims.Auth, "sign": s.claims.Sign} {
		if len(proof.CSR) == 0 { // requestedKeys let it be left out
			continue
		}
		said, _, err := r.proved(which, proof, challenge, at)
		if err != nil {
			return e, err
		}
		if said.ElementID != e.Element || said.ResetCounter != e.ResetCounter {
			return e, ErrAttestationElement.With("which", which)
		}
	}
	err = r.store.Write(ctx, func(tx Tx) error {
		if e, err = tx.Enrolment(ctx, e.ID); err != nil {
			return err
		}
		again := e.AuthKey == keys.authHash && e.SignKey == keys.signHash
		switch {
		case e.State == StateEnded:
			return e.endedProblem() // replaced in the meantime
		case !again && e.SignKey != [32]byte{}:
			return ErrConflict // another process took another pair in the meantime
		case e.State != StateApplied:
			return nil // another process has issued for these keys in the meantime
		case !again && s.claims.Ctr <= e.Ctr:
			return ErrElementSuspected
		}
		if err := r.cardStillGood(ctx, tx, e, at); err != nil {
			return err
		}
		for _, key := range [][32]byte{keys.authHash, keys.signHash} {
			if key == [32]byte{} {
				continue
			}
			if err := takeKey(ctx, tx, key, e.ID, "ra: a key of another registration"); err != nil {
				return err
			}
		}
		if again {
			return nil
		}
		e.AuthKey, e.SignKey, e.Ctr = keys.authHash, keys.signHash, s.claims.Ctr
		if err := tx.PutEnrolment(ctx, e); err != nil {
			return err
		}
		return tx.Audit(ctx, at, e.actor(), "keys", e.ID, nil)
	})
	return e, err
}

// cardStillGood repeats, at each later step, what was true at the application.
func (r *RA) cardStillGood(ctx context.Context, tx Tx, e EnrolmentRecord, at time.Time) error {
	person, err := tx.Person(ctx, e.Person)
	if err != nil {
		return err
	}
	if person.Died {
		return ErrPersonDied
	}
	_, cert, err := cardOf(ctx, tx, e)
	if err != nil {
		return err
	}
	return cardGood(ctx, tx, cert, at)
}

// issueKeys has both certificates made and records them: applied → issued.
func (r *RA) issueKeys(ctx context.Context, e EnrolmentRecord, keys offered, at time.Time) (EnrolmentRecord, error) {
	var subject profile.Subject
	var notAfter time.Time
	err := r.store.Read(ctx, func(tx Tx) error {
		card, cert, err := cardOf(ctx, tx, e)
		if err != nil {
			return err
		}
		// Both certificates are derived from the card's, and never outlive it.
		subject, err = subjectOf(r.config.Arc, cert.DER, card.Municipality)
		notAfter = cert.NotAfter
		if err != nil || e.ReissueOf == "" {
			return err
		}
		// Nor does one that is issued anew, perhaps by a newer card, outlive the phone.
		base, err := tx.Enrolment(ctx, e.ReissueOf)
		if err == nil && base.NotAfter.Before(notAfter) {
			notAfter = base.NotAfter
		}
		return err
	})
	if err != nil {
		return e, err
	}
	begin := at.Truncate(time.Second)
	list := []ca.Request{
		{Kind: pki.PhoneSign, PublicKey: keys.sign, Holder: e.Holder, NotBefore: begin, NotAfter: notAfter, Hold: status.Unregistered, Subject: subject},
	}
	if e.ReissueOf == "" {
		list = append(list, ca.Request{Kind: pki.PhoneAuth, PublicKey: keys.auth, Holder: e.Holder, NotBefore: begin, NotAfter: notAfter, Hold: status.Unregistered})
	}
	made, err := r.issue(ctx, e.actor(), wanted{subject: e.ID, person: e.Person, phone: true, list: list}, at)
	if err != nil {
		return e, err
	}
	err = r.store.Write(ctx, func(tx Tx) error {
		if e, err = tx.Enrolment(ctx, e.ID); err != nil {
			return err
		}
		switch e.State {
		case StateApplied:
		case StateIssued, StateRegistered:
			return nil // another process was first; its pair stands
		default:
			// Ended while we were signing: what we signed is on hold and must end too.
			return r.revokeRecords(ctx, tx, at, e.actor(), status.CessationOfOperation, made...)
		}
		e.State, e.SignSerial, e.NotAfter = StateIssued, made[0].Serial, notAfter
		if e.ReissueOf == "" {
			e.AuthSerial = made[1].Serial
		}
		e.schedule()
		if err := tx.PutEnrolment(ctx, e); err != nil {
			return err
		}
		return tx.Audit(ctx, at, e.actor(), "issued", e.ID,
			map[string]string{"auth": e.AuthSerial.String(), "sign": e.SignSerial.String()})
	})
	if err == nil && e.State == StateEnded {
		return e, e.endedProblem()
	}
	return e, err
}

// issuedAnswer is the pair of an enrolment that has one.
func (r *RA) issuedAnswer(ctx context.Context, e EnrolmentRecord) (Issued, error) {
	pair, err := r.pairOf(ctx, e)
	if err != nil {
		return Issued{}, err
	}
	return Issued{ID: e.ID, State: StateIssued, Certificates: pair, Authorities: r.authorities(true), ExpiresAt: e.ExpiresAt}, nil
}

func (r *RA) pairOf(ctx context.Context, e EnrolmentRecord) (Certificates, error) {
	var pair Certificates
	err := r.store.Read(ctx, func(tx Tx) error {
		sign, err := tx.Certificate(ctx, pki.PhoneSign, e.SignSerial)
		if err != nil || e.ReissueOf != "" {
			pair = Certificates{Sign: sign.DER}
			return err
		}
		auth, err := tx.Certificate(ctx, pki.PhoneAuth, e.AuthSerial)
		pair = Certificates{Auth: auth.DER, Sign: sign.DER}
		return err
	})
	return pair, err
}
