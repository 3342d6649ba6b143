package ra

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"tegata/internal/cms"
	"tegata/internal/jws"
	"tegata/internal/pki"
)

// WordPurpose is what a card's word is about.
type WordPurpose string

// The purposes. A word to suspend names no phone: the person's is meant.
const (
	WordSuspend WordPurpose = "suspend"
	WordResume  WordPurpose = "resume"
)

// A CardWord is what the person says with the card in hand: the content of a CMS
// SignedData by the card's authentication key, unlocked by its PIN. Its encoding
// is canonical, as an Application's.
type CardWord struct {
	CertificateSHA256 string      `json:"certificate_sha256"`          // lower-case hex, of the card's authentication certificate (DER)
	DeviceKeySHA256   string      `json:"device_key_sha256,omitempty"` // resume: of the phone to which the card is held
	Enrolment         string      `json:"enrolment,omitempty"`         // resume: its registration
	Nonce             string      `json:"nonce"`                       // 128 random bits, base64url without padding; used once
	Purpose           WordPurpose `json:"purpose"`
	Time              string      `json:"time"` // RFC 3339, UTC, whole seconds
}

// Canonical returns the one encoding of w that the authority accepts.
func (w CardWord) Canonical() []byte {
	b, err := json.Marshal(w)
	if err != nil { // strings only: cannot fail
		panic("ra: card word: " + err.Error())
	}
	return b
}

// parseCardWord checks form, signature and time of a card's word. Whose card it is,
// and whether it is good, only the ledger can tell: see speaker.
func parseCardWord(der []byte, want WordPurpose, at time.Time) (CardWord, *cms.Signed, error) {
	signed, err := cms.Verify(der, nil)
	switch {
	case errors.Is(err, cms.ErrSignature), errors.Is(err, cms.ErrContent), errors.Is(err, cms.ErrCertificate):
		return CardWord{}, nil, ErrWordSignature.Because(err)
	case err != nil:
		return CardWord{}, nil, ErrWordMalformed.Because(err)
	}
	var w CardWord
	if err := jws.Decode(signed.Content, &w); err != nil {
		return w, nil, ErrWordMalformed.Because(err)
	}
	when, err := time.Parse(time.RFC3339, w.Time)
	switch {
	case !bytes.Equal(w.Canonical(), signed.Content):
		return w, nil, ErrWordMalformed.Because(errors.New("ra: the content is not canonical"))
	case err != nil || when.UTC().Format(time.RFC3339) != w.Time:
		return w, nil, ErrWordMalformed.Because(errors.New("ra: the time is not RFC 3339 in UTC"))
	case !validID(w.Nonce) || w.Purpose != want:
		return w, nil, ErrWordMalformed.Because(errors.New("ra: another purpose, or no nonce of 128 bits"))
	case w.CertificateSHA256 != pki.Fingerprint(signed.Certificate.Raw):
		return w, nil, ErrWordCertificate.Because(errors.New("ra: the content names another certificate than the signer's"))
	case when.Before(at.Add(-ApplicationWindow)) || when.After(at.Add(StepWindow)):
		return w, nil, ErrApplicationTime.With("now", at.Format(time.RFC3339))
	}
	return w, signed, nil
}

// speaker finds whose authentication certificate signed the word, and refuses one
// that is not good at this moment. The word's nonce is used up.
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

// about says whether the word is about this registration and its phone.
func (w CardWord) about(e EnrolmentRecord) bool {
	return w.Enrolment == e.ID && w.DeviceKeySHA256 == pki.Fingerprint(e.DeviceKey)
}
