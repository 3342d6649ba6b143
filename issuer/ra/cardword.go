package ra

import (
	"bytes"
	"context"
	"errors"
	"time"

	"tegata/internal/cardword"
	"tegata/internal/cms"
	"tegata/internal/pki"
)

// What a card says to the authority; package cardword has its form.
type (
	CardWord    = cardword.Word
	WordPurpose = cardword.Purpose
)

// The purposes that the authority acts on.
const (
	WordSuspend WordPurpose = cardword.Suspend
	WordResume  WordPurpose = cardword.Resume
	WordRevoke  WordPurpose = cardword.Revoke

	WordChangeContact WordPurpose = cardword.ChangeContact
	WordKeepContact   WordPurpose = cardword.KeepContact
)

// parseCardWord checks form, signature and time of a card's word. Whose card it is,
// and whether it is good, only the ledger can tell: see speaker.
func parseCardWord(der []byte, want WordPurpose, at time.Time) (CardWord, *cms.Signed, error) {
	w, signed, err := cardword.Parse(der, want, at)
	switch {
	case errors.Is(err, cardword.ErrSignature):
		err = ErrWordSignature.Because(err)
	case errors.Is(err, cardword.ErrCertificate):
		err = ErrWordCertificate.Because(err)
	case errors.Is(err, cardword.ErrTime):
		err = ErrApplicationTime.With("now", at.Format(time.RFC3339))
	case err != nil:
		err = ErrWordMalformed.Because(err)
	}
	return w, signed, err
}

// speaker finds whose authentication certificate signed the word, and refuses one
// that is not good at this moment. The word's nonce is used up with the transaction: when
// it fails for whatever reason, it is not. See spoken.
func (r *RA) speaker(ctx context.Context, tx Tx, w CardWord, signed *cms.Signed, at time.Time) (PersonRecord, error) {
	cert, err := tx.Certificate(ctx, pki.CardAuth, pki.SerialOf(signed.Certificate))
	if errors.Is(err, ErrNotFound) || err == nil && !bytes.Equal(cert.DER, signed.Certificate.Raw) {
		return PersonRecord{}, ErrWordCertificate
	}
	if err != nil {
		return PersonRecord{}, err
	}
	if err := cardGood(ctx, tx, cert, at); err != nil {
		return PersonRecord{}, err
	}
	owner, err := tx.TakeNonce(ctx, w.Nonce, "word "+w.Nonce, at)
	if err != nil {
		return PersonRecord{}, err
	}
	if owner != "" {
		return PersonRecord{}, ErrApplicationReplayed
	}
	person, err := tx.Person(ctx, cert.Person)
	if err == nil && person.Died {
		err = ErrPersonDied
	}
	return person, err
}

// spoken does what a card's word says, in one transaction. act returns a refusal apart
// from other errors, and only before it has changed anything: with a refusal the word is
// used up too, so that one which came to nothing now does not come true within its hour,
// by whoever keeps it. A message that is refused is made anew, with a new word. (Resume is
// not among these: its word is about one phone, inside a message that this phone signed.)
func (r *RA) spoken(ctx context.Context, w CardWord, signed *cms.Signed, at time.Time, act func(Tx, PersonRecord) (refusal, err error)) error {
	var refusal error
	err := r.store.Write(ctx, func(tx Tx) error {
		refusal = nil
		p, err := r.speaker(ctx, tx, w, signed, at)
		if err != nil {
			return err
		}
		refusal, err = act(tx, p)
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

// about says whether a word is about this registration and its phone.
func about(w CardWord, e EnrolmentRecord) bool {
	return w.Enrolment == e.ID && w.DeviceKeySHA256 == pki.Fingerprint(e.DeviceKey)
}
