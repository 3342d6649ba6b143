// Package ceremony is the language of agreeing: the request an asking party
// signs, the answer the phone's element signs, the release of personal data, the
// registration that says who asks, the verifier's receipt and grants, and the
// assertion by which one party calls another.
//
// It owns the fields, their strict encoding, and every check that needs nothing
// but the messages themselves and a moment. Paths and status are left to package
// certpath, the order of checks and what is remembered to the verifier's gateway,
// what is shown to a person to the phone.
//
// The request follows the idea of RFC 9101 (JWT-secured authorization request),
// the envelope is RFC 7515 (package jws), the answer's seal is RFC 7516, party
// authentication is RFC 7523 as narrowed by private_key_jwt.
//
// # Trust
//
// A parsed message is a stranger's claim until Verify has checked its signature,
// and still a stranger's until its chain has been validated. A registration is
// what a phone shows to a person: it counts only when signed by the verifier
// whose certificate names the address it came from.
package ceremony

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"tegata/internal/jws"
)

// What can be wrong with a message apart from its envelope (package jws).
var (
	ErrMalformed = jws.ErrMalformed
	// ErrExpired: the message's time is over; asking again helps.
	ErrExpired = errors.New("ceremony: expired")
	// ErrNotYet: the message is from the future by more than the clocks may differ.
	ErrNotYet = errors.New("ceremony: not valid yet")
	// ErrAudience: it is meant for somebody else.
	ErrAudience = errors.New("ceremony: for another audience")
	// ErrOrigin: an address that the verifier's certificate does not name.
	ErrOrigin = errors.New("ceremony: address is not the verifier's")
	// ErrNotRegistered: the party, its key, its purpose or its data is not as registered.
	ErrNotRegistered = errors.New("ceremony: not as registered")
	// ErrTerminal: the terminal is not registered for the party, or not as it says it is.
	ErrTerminal = errors.New("ceremony: not a terminal of the party's")
	// ErrRiskFloor: the request asks below the registered risk class of its purpose.
	ErrRiskFloor = errors.New("ceremony: below the purpose's risk class")
	// ErrChannel: this risk or kind is not allowed over this channel.
	ErrChannel = errors.New("ceremony: channel not allowed for this request")
	// ErrSameDocument: a request names the same document twice. It is malformed too.
	ErrSameDocument = fmt.Errorf("%w: the same document twice", ErrMalformed)
)

// Skew is how far the clocks of two parties may differ.
const Skew = 30 * time.Second

// Text is one sentence or name in both languages.
type Text struct {
	JA string `json:"ja"`
	EN string `json:"en"`
}

func (t Text) check(what string, limit int) error {
	for _, s := range []string{t.JA, t.EN} {
		if s == "" || len(s) > limit {
			return malformed("%s needs 1 to %d bytes in both languages", what, limit)
		}
		if !Showable(s) {
			return malformed("%s holds a control character", what)
		}
	}
	return nil
}

// Showable says whether s holds no control or direction character: one could make the
// screen say something else.
func Showable(s string) bool {
	for _, r := range s {
		if r < 0x20 || r == 0x7F || r >= 0x80 && r < 0xA0 || r >= 0x200B && r <= 0x200F || r >= 0x202A && r <= 0x202E ||
			r >= 0x2060 && r <= 0x206F || r == 0xFEFF {
			return false
		}
	}
	return true
}

// Risk is a risk class: how sure the verifier must be, and with which secret.
type Risk string

// The three classes. R1 and R2 are answered with the authentication
// certificate, R3 with the signature certificate and its password.
const (
	R1 Risk = "R1"
	R2 Risk = "R2"
	R3 Risk = "R3"
)

// Below tells whether r is a weaker class than floor. An unknown class is weaker
// than any.
func (r Risk) Below(floor Risk) bool { return r.rank() < floor.rank() || r.rank() == 0 }

func (r Risk) rank() int {
	switch r {
	case R1:
		return 1
	case R2:
		return 2
	case R3:
		return 3
	}
	return 0
}

// Channel is how a request got from the asking screen to the phone.
type Channel string

// The three ways.
const (
	Same  Channel = "same"  // a link opened on the same device
	Cross Channel = "cross" // a QR code on another screen, with the number match
	Tap   Channel = "tap"   // held to a terminal
)

// What an asking party may want.
type Want string

// The kinds of request.
const (
	Login       Want = "login"
	Consent     Want = "consent"
	SignDoc     Want = "sign"
	IssuePaper  Want = "issue"
	Eligibility Want = "eligibility"
	Write       Want = "write"
)

// Claims that the issuer releases against a holder's signature. Record scopes
// ("record:medication" …) are further claims; they are not the issuer's.
const (
	ClaimName      = "name"
	ClaimAddress   = "address"
	ClaimBirthDate = "birthdate"
	ClaimGender    = "gender"
	ClaimPortrait  = "portrait"
)

// AttributeClaims returns the four claims that a signature certificate carries.
func AttributeClaims() []string {
	return []string{ClaimName, ClaimAddress, ClaimBirthDate, ClaimGender}
}

func knownClaim(s string) bool {
	switch s {
	case ClaimName, ClaimAddress, ClaimBirthDate, ClaimGender, ClaimPortrait:
		return true
	}
	rest, record := strings.CutPrefix(s, "record:")
	return record && identifier(rest)
}

func checkClaims(claims []string) error {
	if len(claims) > 16 {
		return malformed("more than 16 claims")
	}
	seen := map[string]bool{}
	for _, c := range claims {
		if !knownClaim(c) || seen[c] {
			return malformed("a claim that is unknown or named twice")
		}
		seen[c] = true
	}
	return nil
}

// NewID draws 128 random bits, base64url: for jti, nonce and result ids. None begins
// with "-": people hand them to commands, which would take it for a flag.
func NewID() string {
	var b [16]byte
	for {
		rand.Read(b[:])
		if id := base64.RawURLEncoding.EncodeToString(b[:]); id[0] != '-' {
			return id
		}
	}
}

// ValidID tells whether s has the form of NewID: 22 characters of base64url that
// decode to 128 bits, in the one spelling.
func ValidID(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 16 && len(s) == 22
}

// identifier tells whether s is a short name of a party, purpose or terminal.
func identifier(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			return false
		}
	}
	return true
}

// ValidName says whether s can be the id of a party or the code of a purpose: 1 to 64
// letters, digits, "-", "_" and ".".
func ValidName(s string) bool { return identifier(s) }

func digest(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32 && len(s) == 43
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// checkWindow checks iat and exp (seconds since 1970, UTC) as of at.
func checkWindow(iat, exp int64, longest time.Duration, at time.Time) error {
	if iat <= 0 || exp <= iat || exp-iat > int64(longest/time.Second) {
		return malformed("lifetime")
	}
	if time.Unix(iat, 0).After(at.Add(Skew)) {
		return ErrNotYet
	}
	if !at.Before(time.Unix(exp, 0)) {
		return ErrExpired
	}
	return nil
}

// Origin returns the origin of an absolute URL with a host: https, or http on
// loopback (the sandbox). It returns ErrOrigin for anything else, user
// information and fragments included.
func Origin(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(raw, "\\ \t\r\n") || len(raw) > 2048 {
		return "", ErrOrigin
	}
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return "", ErrOrigin
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// At checks that raw lies at one of origins. It returns ErrOrigin otherwise.
func At(raw string, origins ...string) error {
	o, err := Origin(raw)
	if err != nil {
		return err
	}
	for _, allowed := range origins {
		if a, err := Origin(allowed); err == nil && a == o {
			return nil
		}
	}
	return ErrOrigin
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
