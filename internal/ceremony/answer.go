package ceremony

import (
	"crypto"
	"crypto/x509"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/jws"
)

func algs(a ...jose.SignatureAlgorithm) []jose.SignatureAlgorithm { return a }

var (
	answerKind  = jws.Kind{Typ: "tegata-answer+jwt", Algs: algs(jws.PS256, jws.ES384), MaxBytes: 40 << 10}
	releaseKind = jws.Kind{Typ: "tegata-release+jwt", Algs: algs(jws.PS256, jws.ES384), MaxBytes: 16 << 10}
)

// Decision is what the person said.
type Decision string

// The two decisions.
const (
	Approve Decision = "approve"
	Refuse  Decision = "refuse"
)

// Reasons for a refusal, chosen by the person or the phone.
const (
	ReasonNotMe     = "not-me"     // "this was not me"
	ReasonUnwanted  = "unwanted"   // "I do not want this"
	ReasonTooMuch   = "too-much"   // "it asks for too much"
	ReasonNoMatch   = "no-match"   // "none of the numbers is on the screen"
	ReasonPhoneSays = "phone-says" // the phone's own rules: locked function, limit, quiet hours
)

// ValidReason tells whether s is one of the reasons for a refusal.
func ValidReason(s string) bool {
	return slices.Contains([]string{ReasonNotMe, ReasonUnwanted, ReasonTooMuch, ReasonNoMatch, ReasonPhoneSays}, s)
}

// Answer is what the element signs. The element sets IssuedAt, AMR and Counter.
type Answer struct {
	Audience string   `json:"aud"` // the request's aud
	Request  string   `json:"req"` // base64url SHA-256 of the exact request
	Nonce    string   `json:"nonce"`
	IssuedAt int64    `json:"iat"` // seconds since 1970, UTC
	Decision Decision `json:"decision"`
	Reason   string   `json:"reason,omitempty"`  // with refuse
	Granted  []string `json:"granted,omitempty"` // subset of the request's claims
	AMR      []string `json:"amr"`               // RFC 8176: pin, pwd, user, swk, hwk, mfa
	Counter  uint64   `json:"ctr"`
	Match    string   `json:"match,omitempty"`   // the number chosen
	Release  string   `json:"release,omitempty"` // the release JWS, when attributes are granted
	Results  []string `json:"results,omitempty"` // base64url SHA-256 of each CMS, PDF or XML signature that goes with it
}

// SignAnswer checks a and signs it with the element's key.
func SignAnswer(signer crypto.Signer, chain []*x509.Certificate, a Answer) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	return jws.Sign(answerKind, signer, chain, a)
}

// ParseAnswer reads an answer (after Open) and checks its form, not its
// signature.
func ParseAnswer(compact string) (*jws.Message[Answer], error) {
	m, err := jws.Parse[Answer](answerKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

func (a Answer) check() error {
	if !identifier(a.Audience) || !digest(a.Request) || !ValidID(a.Nonce) || a.IssuedAt <= 0 {
		return malformed("aud, req, nonce or iat")
	}
	switch a.Decision {
	case Approve:
		if a.Reason != "" {
			return malformed("a reason without a refusal")
		}
	case Refuse:
		if a.Reason != "" && !ValidReason(a.Reason) || len(a.Granted) > 0 || a.Release != "" || len(a.Results) > 0 {
			return malformed("a refusal gives nothing")
		}
	default:
		return malformed("decision")
	}
	if err := checkClaims(a.Granted); err != nil {
		return err
	}
	if a.Match != "" && !matchNumber(a.Match) {
		return malformed("match")
	}
	if len(a.Results) > MaxDocuments || len(a.Release) > releaseKind.MaxBytes {
		return malformed("results or release")
	}
	for _, r := range a.Results {
		if !digest(r) {
			return malformed("results")
		}
	}
	return checkAMR(a.AMR)
}

// checkAMR wants at least one way of unlocking, and only values of RFC 8176 that
// an element can mean.
func checkAMR(amr []string) error {
	known := []string{"pin", "pwd", "user", "swk", "hwk", "mfa"}
	for i, v := range amr {
		if !slices.Contains(known, v) || slices.Contains(amr[:i], v) {
			return malformed("amr")
		}
	}
	if !slices.Contains(amr, "pin") && !slices.Contains(amr, "pwd") && !slices.Contains(amr, "user") {
		return malformed("amr names no way of unlocking")
	}
	return nil
}

// Answers checks that a answers exactly this request: ErrAudience when audience,
// hash or nonce is of another, malformed when more was granted than asked.
// The match number is not judged here: only the verifier knows it.
func (a Answer) Answers(req *jws.Message[Request]) error {
	r := req.Unverified()
	if a.Audience != r.Audience || a.Request != req.Hash() || a.Nonce != r.Nonce {
		return ErrAudience
	}
	for _, g := range a.Granted {
		if !slices.Contains(r.Claims, g) {
			return malformed("granted more than was asked")
		}
	}
	if (a.Match != "") != (len(r.Match) > 0) && a.Decision == Approve {
		return malformed("match")
	}
	return nil
}

// Release is a holder's consent to hand attributes to a verifier. It names no
// party and no purpose: the issuer need not know where a person goes.
type Release struct {
	Verifier string   `json:"aud"` // id of the verifier
	Claims   []string `json:"claims"`
	Request  string   `json:"req"` // base64url SHA-256 of the request
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"` // at most 10 minutes later
}

// SignRelease checks r and signs it with the element's key.
func SignRelease(signer crypto.Signer, chain []*x509.Certificate, r Release) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	return jws.Sign(releaseKind, signer, chain, r)
}

// ParseRelease reads a release and checks its form, not its signature.
func ParseRelease(compact string) (*jws.Message[Release], error) {
	m, err := jws.Parse[Release](releaseKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

// Fresh checks the release's moment: ErrExpired or ErrNotYet.
func (r Release) Fresh(at time.Time) error { return checkWindow(r.IssuedAt, r.Expires, MaxOnline, at) }

func (r Release) check() error {
	if !identifier(r.Verifier) || !digest(r.Request) || len(r.Claims) == 0 {
		return malformed("release")
	}
	if r.IssuedAt <= 0 || r.Expires <= r.IssuedAt || r.Expires-r.IssuedAt > int64(MaxOnline/time.Second) {
		return malformed("lifetime")
	}
	for _, c := range r.Claims {
		if !slices.Contains(AttributeClaims(), c) {
			return malformed("a release is for name, address, birthdate and gender")
		}
	}
	return checkClaims(r.Claims)
}
