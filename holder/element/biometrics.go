package element

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"time"

	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// Why biometrics do not open the authentication key; the PIN does.
var (
	ErrNoBiometrics  = errors.New("element: no biometrics are enrolled")
	ErrNotOffered    = errors.New("element: there is no page for biometrics")
	ErrBiometricOut  = errors.New("element: biometrics failed too often: the PIN first")
	ErrPINLongAgo    = errors.New("element: the PIN was typed too long ago: the PIN first")
	ErrQuietHours    = errors.New("element: biometrics do not unlock at this hour")
	ErrChallenge     = errors.New("element: the challenge is used up, expired or for another request")
	ErrNotPlatform   = errors.New("element: the credential does not stay on this device")
	ErrNotEnrollable = errors.New("element: the credential is refused")
	ErrHours         = errors.New("element: no day has these hours")
)

const (
	biometricTries = 5
	biometricPIN   = 72 * time.Hour  // after the last PIN
	challengeTime  = time.Minute     // from the nonce to the assertion
	enrolmentTime  = 2 * time.Minute // from the PIN to the new credential
)

// A BiometricError says that an assertion was refused. A try was used for it
// when its challenge was made.
type BiometricError struct {
	TriesLeft int
	Because   error
}

func (e *BiometricError) Error() string {
	return fmt.Sprintf("element: assertion refused, %d tries left: %v", e.TriesLeft, e.Because)
}

// Unwrap is what was wrong with it.
func (e *BiometricError) Unwrap() error { return e.Because }

// biometric is the credential by which the platform's lock speaks for its owner.
// It has no private part and no template: those never leave the platform.
type biometric struct {
	ID        []byte `json:"id"`
	Key       []byte `json:"key"`        // SubjectPublicKeyInfo
	SignCount uint32 `json:"sign_count"` // of the last assertion; stays 0 with an authenticator that does not count
	Tries     int    `json:"tries"`      // left
	At        int64  `json:"at"`         // enrolled
	LastPIN   int64  `json:"last_pin"`   // when the PIN last matched
}

// Quiet are the hours in which biometrics do not unlock, in minutes of the day in
// Japan: from From up to To, over midnight when From is later. Equal: none.
type Quiet struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// DefaultQuiet is the night, until its holder chooses otherwise.
func DefaultQuiet() Quiet { return Quiet{From: 23 * 60, To: 6 * 60} }

// Holds tells whether at lies in the quiet hours.
func (q Quiet) Holds(at time.Time) bool {
	local := at.In(pki.JST)
	m := local.Hour()*60 + local.Minute()
	if q.From <= q.To {
		return q.From <= m && m < q.To
	}
	return m >= q.From || m < q.To
}

func (q Quiet) valid() bool {
	const day = 24 * 60
	return 0 <= q.From && q.From < day && 0 <= q.To && q.To < day
}

// challenged is a nonce on its way. It rests in memory only: one that a restart
// forgets opens nothing, which is what a nonce that was used is worth too.
type challenged struct {
	challenge []byte
	request   string
	until     time.Time
}

// Challenge is what the platform's authenticator is to sign for one unlock.
type Challenge struct {
	Challenge    []byte `json:"challenge"` // SHA-256(nonce ‖ request hash)
	CredentialID []byte `json:"credential"`
	RPID         string `json:"rp"`
	TriesLeft    int    `json:"tries_left"` // after this one
}

// Creation is what the platform's authenticator is to make a credential for.
type Creation struct {
	Challenge []byte
	RPID      string
	User      []byte // a random handle that says nothing about the person
}

// Biometrics is the state of unlocking by the platform's lock.
type Biometrics struct {
	Offered  bool // there is a page by which it could be done
	Enrolled bool
	Since    time.Time
	Tries    int // left before the PIN is needed
	Quiet    Quiet
	Refused  error // why only the PIN unlocks now; nil when biometrics do
}

// Biometrics returns what there is, and whether it unlocks now.
func (e *Element) Biometrics() Biometrics {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := Biometrics{Offered: e.relyingParty() != "", Quiet: e.state.quiet(), Refused: e.biometricsMay()}
	if s := e.state.Biometric; s != nil {
		b.Enrolled, b.Since, b.Tries = true, time.Unix(s.At, 0).UTC(), s.Tries
		if b.Refused == nil && s.Tries == 0 {
			b.Refused = ErrBiometricOut
		}
	}
	return b
}

// relyingParty is the RP ID: the host of the phone's own pages; "" without.
func (e *Element) relyingParty() string {
	u, err := url.Parse(e.config.Origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// biometricsMay says whether an assertion may open the authentication key now,
// but for the tries: the last one is used up by its challenge. The caller holds
// mu. A clock that went back before the last PIN counts as too long ago.
func (e *Element) biometricsMay() error {
	s, now := e.state.Biometric, e.config.Now()
	switch {
	case e.relyingParty() == "":
		return ErrNotOffered
	case !e.hasKeys():
		return ErrNoKeys
	case s == nil:
		return ErrNoBiometrics
	case e.inside.TriesLeft(pki.PhoneAuth) == 0: // a blocked PIN is not opened by a finger
		return &SecretError{Which: PIN}
	case now.Unix() < s.LastPIN || now.Sub(time.Unix(s.LastPIN, 0)) >= biometricPIN:
		return ErrPINLongAgo
	case e.state.quiet().Holds(now):
		return ErrQuietHours
	}
	return nil
}

// BeginBiometrics compares the PIN and begins an enrolment, which
// EnrolBiometrics ends within two minutes. The error is Unlock's, or
// ErrNotOffered.
func (e *Element) BeginBiometrics(pin secret.PIN) (Creation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.relyingParty() == "" {
		return Creation{}, ErrNotOffered
	}
	if err := e.open(PIN, Unlock{PIN: pin}); err != nil {
		return Creation{}, err
	}
	c := Creation{Challenge: make([]byte, 32), RPID: e.relyingParty(), User: make([]byte, 16)}
	rand.Read(c.Challenge)
	rand.Read(c.User)
	e.enrolling = &challenged{challenge: c.Challenge, until: e.config.Now().Add(enrolmentTime)}
	return c, nil
}

// EnrolBiometrics keeps the credential that the platform made. It replaces an
// earlier one. ErrChallenge when no enrolment was begun, or too long ago;
// ErrNotPlatform for a credential that can be copied to, or lies on, another
// device; ErrNotEnrollable for anything else that is wrong with it.
func (e *Element) EnrolBiometrics(a Attestation) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	begun, now := e.enrolling, e.config.Now()
	e.enrolling = nil // one use, whatever comes of it
	if begun == nil || !now.Before(begun.until) {
		return ErrChallenge
	}
	if !e.hasKeys() {
		return ErrNoKeys
	}
	made, err := a.verify(ceremonyOf{challenge: begun.challenge, origin: e.config.Origin, rpID: e.relyingParty()})
	if err != nil {
		return err
	}
	made.Tries, made.At, made.LastPIN = biometricTries, now.Unix(), begun.until.Add(-enrolmentTime).Unix()
	next := e.state
	next.Biometric = &made
	return e.commit(next)
}

// StopBiometrics forgets the credential. It needs no secret: it opens nothing.
func (e *Element) StopBiometrics() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := e.state
	next.forgetBiometric()
	e.asked, e.enrolling = nil, nil
	return e.commit(next)
}

// SetQuiet changes the quiet hours under the PIN, which opens the same key at any
// hour: whoever knows it gains nothing by shortening them. ErrHours, or Unlock's.
func (e *Element) SetQuiet(pin secret.PIN, q Quiet) error {
	if !q.valid() {
		return ErrHours
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.open(PIN, Unlock{PIN: pin}); err != nil {
		return err
	}
	next := e.state
	next.Quiet = &q
	return e.commit(next)
}

// Challenge begins an unlock by biometrics for one request, whose hash is as in
// an answer. The try is counted here, durably, before anybody is asked for a
// finger: what a platform does not recognise it does not tell a page, and a page
// need not tell us. The assertion gives it back. A second challenge takes the
// place of the first.
//
// The error is ErrNotOffered, ErrNoKeys, ErrNoBiometrics, ErrBiometricOut,
// ErrPINLongAgo, ErrQuietHours, or a *SecretError when the PIN is blocked.
func (e *Element) Challenge(request string) (Challenge, error) {
	hash, err := base64.RawURLEncoding.DecodeString(request)
	if err != nil || len(hash) != sha256.Size {
		return Challenge{}, errors.New("element: no hash of a request")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = nil
	if err := e.biometricsMay(); err != nil {
		return Challenge{}, err
	}
	s := *e.state.Biometric
	if s.Tries == 0 {
		return Challenge{}, ErrBiometricOut
	}
	s.Tries--
	next := e.state
	next.Biometric = &s
	next.Counter++
	if err := e.commit(next); err != nil {
		return Challenge{}, err
	}
	var nonce [32]byte
	rand.Read(nonce[:])
	sum := sha256.Sum256(append(nonce[:], hash...))
	e.asked = &challenged{challenge: sum[:], request: request, until: e.config.Now().Add(challengeTime)}
	return Challenge{Challenge: sum[:], CredentialID: s.ID, RPID: e.relyingParty(), TriesLeft: s.Tries}, nil
}

// Touch is the hash by which a person unlocks for its own sake, when nobody asks.
func Touch() string { return jws.Hash("tegata unlock 1: nobody asks") }

// unlockBiometric opens the authentication key for the request of the last
// Challenge. The caller holds mu.
func (e *Element) unlockBiometric(u Unlock) (*Session, error) {
	asked, now := e.asked, e.config.Now()
	e.asked = nil // one use, whatever comes of it
	if err := e.biometricsMay(); err != nil {
		return nil, err
	}
	s := *e.state.Biometric
	switch {
	case asked == nil, asked.request != u.Request, !now.Before(asked.until):
		return nil, &BiometricError{TriesLeft: s.Tries, Because: ErrChallenge}
	}
	count, err := u.Assertion.verify(s, ceremonyOf{challenge: asked.challenge, origin: e.config.Origin, rpID: e.relyingParty()})
	if err != nil {
		return nil, &BiometricError{TriesLeft: s.Tries, Because: err}
	}
	s.SignCount, s.Tries = count, biometricTries
	next := e.state
	next.Biometric, next.LastUnlock = &s, now.Unix()
	if err := e.commit(next); err != nil {
		return nil, err
	}
	return &Session{element: e, which: PIN, user: true, request: u.Request, until: now.Add(sessionTime)}, nil
}

// pinMatched notes in s that the PIN was typed: biometrics may be used again.
func (s *state) pinMatched(at time.Time) {
	if s.Biometric == nil {
		return
	}
	b := *s.Biometric
	b.Tries, b.LastPIN = biometricTries, at.Unix()
	s.Biometric = &b
}

// forgetBiometric forgets the credential; the quiet hours are the holder's and
// stay.
func (s *state) forgetBiometric() { s.Biometric = nil }

func (s state) quiet() Quiet {
	if s.Quiet == nil {
		return DefaultQuiet()
	}
	return *s.Quiet
}
