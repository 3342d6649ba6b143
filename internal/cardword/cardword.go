// Package cardword is what a person says with the card in hand: a short statement
// that the card's authentication key signs under its PIN of four digits.
//
// It owns the statement's fields, their one encoding, and every check that needs
// nothing but the message and a moment. Whose card it is, whether its certificate is
// good, and that a word counts once, is for whoever acts on it: the registration
// authority (suspend, resume, the second channel's address) and the verifier (a holder's rules).
//
// The envelope is CMS SignedData (RFC 5652) with its content inside, package cms.
//
// # Trust
//
// A word that Parse returned was signed by the key of the certificate beside it, and
// that is all: the certificate may be anybody's.
package cardword

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/cms"
	"tegata/internal/jws"
	"tegata/internal/pki"
)

// Purpose is what a word is about.
type Purpose string

// The purposes. A word to suspend or to revoke names no phone: the person's is meant.
const (
	Suspend    Purpose = "suspend"
	Revoke     Purpose = "revoke" // for good
	Resume     Purpose = "resume"
	LowerRules Purpose = "lower-rules" // at a verifier: these rules shall be the holder's

	ChangeContact Purpose = "change-contact" // notices shall reach the person at this address
	KeepContact   Purpose = "keep-contact"   // and not at the one that was to come
)

// How far a word's time may be from the clock of whoever acts on it.
const (
	MaxAge   = time.Hour
	MaxAhead = 10 * time.Minute
)

// Word is the content. Its encoding is canonical: the members in this order, which is
// that of their names, without spaces, and nothing else.
type Word struct {
	CertificateSHA256 string  `json:"certificate_sha256"`          // lower-case hex, of the card's authentication certificate (DER)
	ContactSHA256     string  `json:"contact_sha256,omitempty"`    // change-contact: ContactHash of the new address
	DeviceKeySHA256   string  `json:"device_key_sha256,omitempty"` // resume: of the phone to which the card is held
	Enrolment         string  `json:"enrolment,omitempty"`         // resume: its registration
	Nonce             string  `json:"nonce"`                       // 128 random bits, base64url without padding; used once
	Purpose           Purpose `json:"purpose"`
	RulesSHA256       string  `json:"rules_sha256,omitempty"` // lower-rules: ceremony.Rules.Hash of what shall hold
	Time              string  `json:"time"`                   // RFC 3339, UTC, whole seconds
	Verifier          string  `json:"verifier,omitempty"`     // lower-rules: whose rules; an issuer's are its own
}

// What can be wrong with a word.
var (
	ErrMalformed   = errors.New("cardword: malformed")
	ErrSignature   = errors.New("cardword: signature")
	ErrCertificate = errors.New("cardword: the content names another certificate than the signer's")
	ErrTime        = errors.New("cardword: too old, or from the future")
)

// Canonical returns the one encoding of w that Parse accepts.
func (w Word) Canonical() []byte {
	b, err := json.Marshal(w)
	if err != nil { // strings only: cannot fail
		panic("cardword: " + err.Error())
	}
	return b
}

// Parse checks form, purpose, signature and time of a word.
//
// Errors: ErrMalformed, ErrSignature, ErrCertificate, ErrTime.
func Parse(der []byte, want Purpose, at time.Time) (Word, *cms.Signed, error) {
	signed, err := cms.Verify(der, nil)
	switch {
	case errors.Is(err, cms.ErrSignature), errors.Is(err, cms.ErrContent), errors.Is(err, cms.ErrCertificate):
		return Word{}, nil, fmt.Errorf("%w: %w", ErrSignature, err)
	case err != nil:
		return Word{}, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var w Word
	if err := jws.Decode(signed.Content, &w); err != nil {
		return w, nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	when, err := time.Parse(time.RFC3339, w.Time)
	switch {
	case !bytes.Equal(w.Canonical(), signed.Content):
		return w, nil, fmt.Errorf("%w: the content is not canonical", ErrMalformed)
	case err != nil || when.UTC().Format(time.RFC3339) != w.Time:
		return w, nil, fmt.Errorf("%w: the time is not RFC 3339 in UTC", ErrMalformed)
	case !nonce(w.Nonce) || w.Purpose != want:
		return w, nil, fmt.Errorf("%w: another purpose, or no nonce of 128 bits", ErrMalformed)
	case !w.namesItsOwn():
		return w, nil, fmt.Errorf("%w: it names what its purpose does not", ErrMalformed)
	case w.CertificateSHA256 != pki.Fingerprint(signed.Certificate.Raw):
		return w, nil, ErrCertificate
	case when.Before(at.Add(-MaxAge)) || when.After(at.Add(MaxAhead)):
		return w, nil, ErrTime
	}
	return w, signed, nil
}

// namesItsOwn tells whether w names what its purpose is about, and nothing else.
func (w Word) namesItsOwn() bool {
	phone := w.Enrolment != "" || w.DeviceKeySHA256 != ""
	rules := w.RulesSHA256 != "" || w.Verifier != ""
	contact := w.ContactSHA256 != ""
	switch w.Purpose {
	case Resume: // which phone, and whether at all, is for the authority to compare
		return !rules && !contact
	case LowerRules:
		return w.RulesSHA256 != "" && w.Verifier != "" && !phone && !contact
	case ChangeContact:
		return contact && !phone && !rules
	}
	return !phone && !rules && !contact
}

// ContactHash is how a word names an address of the second channel: lower-case hex of
// the SHA-256 over both, each with its length before it.
func ContactHash(channel, address string) string {
	h := sha256.New()
	for _, part := range []string{channel, address} {
		fmt.Fprintf(h, "%d:%s,", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// nonce tells whether s is 128 bits of base64url in the one spelling.
func nonce(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 16
}
