package element

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/holder/apdu"
	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/xades"
)

// An Unlock is one secret, typed once for one request: the PIN for the
// authentication key, or the password for the signature key; or, in place of the
// PIN alone, an assertion of the platform's lock.
type Unlock struct {
	PIN       secret.PIN
	Password  secret.Password
	Assertion *Assertion
	Request   string // hash of the request that the assertion's challenge was for
}

// Which names the secret that is set; the PIN when both are.
func (u Unlock) Which() Which {
	if u.PIN.IsZero() && !u.Password.IsZero() {
		return Password
	}
	return PIN
}

// sessionTime is how long a typed secret opens a key.
const sessionTime = time.Minute

// A Session is a key that was unlocked for one request. It ends with the answer,
// with Close, or after a minute.
type Session struct {
	element *Element
	which   Which
	user    bool // the platform's lock, in place of the PIN
	until   time.Time
	request string   // the one it was used for, once known
	results []string // hashes of the documents signed under it
	closed  bool
}

// Unlock compares a secret, or verifies an assertion; the try is counted before.
// The error is a *SecretError when it was wrong or is blocked, ErrNoKeys when
// there is nothing to open; for an assertion a *BiometricError, or what Challenge
// returns.
func (e *Element) Unlock(u Unlock) (*Session, error) {
	which := u.Which()
	e.mu.Lock()
	defer e.mu.Unlock()
	if u.Assertion != nil {
		return e.unlockBiometric(u)
	}
	if err := e.open(which, u); err != nil {
		return nil, err
	}
	return &Session{element: e, which: which, until: e.config.Now().Add(sessionTime)}, nil
}

// open compares a secret and notes that its owner is here.
func (e *Element) open(which Which, u Unlock) error {
	if !e.hasKeys() {
		return ErrNoKeys
	}
	if err := e.compare(which, u); err != nil {
		return err
	}
	now := e.config.Now()
	next := e.state
	next.LastUnlock = now.Unix()
	if which == PIN {
		next.pinMatched(now)
	}
	return e.commit(next)
}

// compare is VERIFY. The raised counter is written together with the lowered
// number of tries, before anything is compared.
func (e *Element) compare(which Which, u Unlock) error {
	left := e.inside.TriesLeft(which.kind())
	if left == 0 {
		return &SecretError{Which: which}
	}
	before := e.state.Counter
	e.state.Counter++
	var err error
	if which == Password {
		err = e.inside.VerifySignPassword(u.Password)
	} else {
		err = e.inside.VerifyAuthPIN(u.PIN)
	}
	if err == nil {
		return nil
	}
	if wrong := (*apdu.PINError)(nil); errors.As(err, &wrong) {
		return &SecretError{Which: which, TriesLeft: wrong.TriesLeft, Compared: true}
	}
	if errors.Is(err, secret.ErrFormat) { // nothing was compared or written
		e.state.Counter = before
	}
	return fmt.Errorf("element: unlock: %w", err)
}

// Which is the secret that was typed, or that biometrics stand for.
func (s *Session) Which() Which { return s.which }

// Close ends the session.
func (s *Session) Close() {
	s.element.mu.Lock()
	defer s.element.mu.Unlock()
	s.closed = true
}

// use checks that the session still stands and is for this request; the caller
// holds the element's mu.
func (s *Session) use(request string) error {
	if s.closed || s.element.config.Now().After(s.until) {
		return ErrSession
	}
	if request != "" {
		if s.request != "" && s.request != request {
			return ErrSession
		}
		s.request = request
	}
	return nil
}

// Release signs the holder's consent to hand attributes to a verifier, for the
// request of this session. The element sets IssuedAt.
func (s *Session) Release(r ceremony.Release) (string, error) {
	e := s.element
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := s.use(r.Request); err != nil {
		return "", err
	}
	chain, err := e.chain(s.which.kind())
	if err != nil {
		return "", err
	}
	if err := e.raise(); err != nil {
		return "", err
	}
	signer, err := e.inside.Signer(s.which.kind())
	if err != nil {
		return "", fmt.Errorf("element: %w", err)
	}
	r.IssuedAt = e.config.Now().Unix()
	return ceremony.SignRelease(signer, chain, r)
}

// CMS signs content with the signature key (CAdES B-B) and remembers the hash
// for the answer. ErrWrongKind under the PIN. The content is what the person was
// shown: whoever calls this has shown it.
func (s *Session) CMS(content []byte, detached bool) ([]byte, error) {
	return s.document(func(signer crypto.Signer, chain []*x509.Certificate, at time.Time) ([]byte, error) {
		return cms.Sign(signer, chain[0], content, at, detached, chain[1:]...)
	})
}

// PDF signs a PDF with the signature key (PAdES B-B), as CMS does. The element makes
// the byte range itself: nobody hands it a digest.
func (s *Session) PDF(content []byte) ([]byte, error) {
	return s.document(func(signer crypto.Signer, chain []*x509.Certificate, at time.Time) ([]byte, error) {
		draft, err := pades.Prepare(content, pades.Options{At: at})
		if err != nil {
			return nil, err
		}
		der, err := cms.SignPAdES(signer, chain[0], draft.Content(), chain[1:]...)
		if err != nil {
			return nil, err
		}
		return draft.Embed(der)
	})
}

// XML signs an XML document with the signature key (XAdES B-B, enveloped), as CMS does.
// The element makes SignedInfo itself.
func (s *Session) XML(content []byte) ([]byte, error) {
	return s.document(func(signer crypto.Signer, chain []*x509.Certificate, at time.Time) ([]byte, error) {
		return xades.Sign(signer, content, xades.Options{Form: xades.Enveloped, Certificate: chain[0], Others: chain[1:], SigningTime: at})
	})
}

// document has sign make one signature over a document, and remembers its hash.
func (s *Session) document(sign func(crypto.Signer, []*x509.Certificate, time.Time) ([]byte, error)) ([]byte, error) {
	e := s.element
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.which != Password {
		return nil, ErrWrongKind
	}
	if err := s.use(""); err != nil {
		return nil, err
	}
	chain, err := e.chain(pki.PhoneSign)
	if err != nil {
		return nil, err
	}
	if err := e.raise(); err != nil {
		return nil, err
	}
	signer, err := e.inside.Signer(pki.PhoneSign)
	if err != nil {
		return nil, fmt.Errorf("element: %w", err)
	}
	signed, err := sign(signer, chain, e.config.Now())
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(signed)
	s.results = append(s.results, base64.RawURLEncoding.EncodeToString(sum[:]))
	return signed, nil
}

// Answer signs the answer to one request and ends the session. The element sets
// IssuedAt, AMR, Counter, and the hashes of what it signed under this session.
func (s *Session) Answer(a ceremony.Answer) (string, error) {
	e := s.element
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := s.use(a.Request); err != nil {
		return "", err
	}
	chain, err := e.chain(s.which.kind())
	if err != nil {
		return "", err
	}
	if err := e.raise(); err != nil {
		return "", err
	}
	signer, err := e.inside.Signer(s.which.kind())
	if err != nil {
		return "", fmt.Errorf("element: %w", err)
	}
	a.IssuedAt, a.Counter, a.AMR = e.config.Now().Unix(), e.state.Counter, s.amr()
	if a.Decision == ceremony.Approve {
		a.Results = slices.Clone(s.results)
	}
	compact, err := ceremony.SignAnswer(signer, chain, a)
	if err != nil {
		return "", err
	}
	s.closed = true
	return compact, nil
}

// amr says how it was unlocked (RFC 8176): what the person knows, or whom the
// platform recognised, with a key in software, which makes two factors. "user",
// not "fpt" or "face": a page does not learn which it was, and it may have been
// the platform's own lock.
func (s *Session) amr() []string {
	switch {
	case s.user:
		return []string{"user", "swk", "mfa"}
	case s.which == Password:
		return []string{"pwd", "swk", "mfa"}
	}
	return []string{"pin", "swk", "mfa"}
}

// chain is the certificate of a kind and its authority's.
func (e *Element) chain(kind pki.Kind) ([]*x509.Certificate, error) {
	certificate, authority := e.inside.Certificate(kind), e.inside.Authority(kind)
	if certificate == nil || authority == nil {
		return nil, ErrNoKeys
	}
	return parseChain([][]byte{certificate, authority})
}
