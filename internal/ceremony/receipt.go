package ceremony

import (
	"crypto"
	"crypto/x509"
	"slices"
	"time"

	"tegata/internal/jws"
)

var (
	receiptKind = jws.Kind{Typ: "tegata-receipt+jwt", Algs: algs(jws.ES256), MaxBytes: 16 << 10}
	grantKind   = jws.Kind{Typ: "tegata-grant+jwt", Algs: algs(jws.ES256), MaxBytes: 16 << 10}
)

// Verdict is one of the three words of ETSI EN 319 102-1, section 5.1.3.
type Verdict string

// The three verdicts.
const (
	Passed        Verdict = "passed"
	Failed        Verdict = "failed"
	Indeterminate Verdict = "indeterminate"
)

// Receipt is the gateway's signed record of one verdict. It is evidence and
// opens nothing.
type Receipt struct {
	Issuer        string  `json:"iss"` // the verifier
	Party         string  `json:"aud"` // the asking party
	ID            string  `json:"jti"`
	Request       string  `json:"req"`    // base64url SHA-256
	Answer        string  `json:"answer"` // base64url SHA-256 of the answer JWS
	Verdict       Verdict `json:"verdict"`
	SubIndication string  `json:"sub_indication,omitempty"` // ETSI EN 319 102-1, table 5 and 6
	Code          string  `json:"code,omitempty"`           // ours, when not passed
	StatusSource  string  `json:"status_source"`            // feed, ocsp or crl
	ThisUpdate    int64   `json:"this_update"`              // of the status, seconds since 1970
	At            int64   `json:"iat"`
}

// SignReceipt signs r with the verifier's receipt key.
func SignReceipt(signer crypto.Signer, chain []*x509.Certificate, r Receipt) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	return jws.Sign(receiptKind, signer, chain, r)
}

// ParseReceipt reads a receipt and checks its form, not its signature.
func ParseReceipt(compact string) (*jws.Message[Receipt], error) {
	m, err := jws.Parse[Receipt](receiptKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

func (r Receipt) check() error {
	if !identifier(r.Issuer) || !identifier(r.Party) || !ValidID(r.ID) || !digest(r.Request) || !digest(r.Answer) || r.At <= 0 {
		return malformed("receipt")
	}
	if r.Verdict != Passed && r.Verdict != Failed && r.Verdict != Indeterminate {
		return malformed("verdict")
	}
	if (r.Verdict == Passed) != (r.Code == "") {
		return malformed("a passed verdict has no code, another has one")
	}
	return nil
}

// How long a grant opens something: five minutes for what is read, as long as a
// session for what can do nothing but suspend, raise the holder's own rules, or end what
// was given.
const (
	MaxGrant        = 5 * time.Minute
	MaxSessionGrant = time.Hour
)

// Scopes of grants.
const (
	ScopeCertificates = "certificates" // at the issuer: GET /v1/holders/{pairwise}/certificates
	ScopeUses         = "uses"         // at the verifier: GET /v1/uses
	ScopeSuspend      = "suspend"      // at the issuer: POST /v1/suspensions, while it lasts
	ScopeRules        = "rules"        // at the verifier: /v1/rules, while it lasts
	ScopeTrust        = "trust"        // at the issuer: /v1/trust/…, and POST /v1/suspensions for who asked this person to, while it lasts
	ScopeNotices      = "notices"      // at the issuer: POST /v1/notice-watches, while it lasts
	ScopeLinks        = "links"        // at the verifier: /v1/links, while it lasts
)

// Scopes lists all scopes.
func Scopes() []string {
	return []string{ScopeCertificates, ScopeUses, ScopeSuspend, ScopeRules, ScopeTrust, ScopeNotices, ScopeLinks}
}

// LongestGrant is how long a grant of a scope may last.
func LongestGrant(scope string) time.Duration {
	switch scope {
	case ScopeSuspend, ScopeRules, ScopeTrust, ScopeNotices, ScopeLinks:
		return MaxSessionGrant
	}
	return MaxGrant
}

// Grant lets one party do one thing for the person who has just logged in there: read,
// once and within five minutes, or suspend the phone or raise the rules, within the hour.
type Grant struct {
	Issuer   string `json:"iss"`   // the verifier
	Audience string `json:"aud"`   // who answers to it: issuer or verifier
	Party    string `json:"azp"`   // who may use it, with its own client assertion
	Subject  string `json:"sub"`   // the person, pairwise to the verifier
	Scope    string `json:"scope"` // one of the scopes
	Login    string `json:"login"` // base64url SHA-256 of the request of that login
	ID       string `json:"jti"`   // used up on first use where the scope is for reading
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// GrantHeader carries a grant beside the party's client assertion.
const GrantHeader = "Tegata-Grant"

// SignGrant signs g with the verifier's key.
func SignGrant(signer crypto.Signer, chain []*x509.Certificate, g Grant) (string, error) {
	if err := g.check(); err != nil {
		return "", err
	}
	return jws.Sign(grantKind, signer, chain, g)
}

// ParseGrant reads a grant and checks its form, not its signature.
func ParseGrant(compact string) (*jws.Message[Grant], error) {
	m, err := jws.Parse[Grant](grantKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

// For checks that the grant is for this audience, party, scope and moment:
// ErrAudience, ErrExpired or ErrNotYet. That it is used once is the caller's to
// remember, by ID until Expires.
func (g Grant) For(audience, party, scope string, at time.Time) error {
	if g.Audience != audience || g.Party != party || g.Scope != scope {
		return ErrAudience
	}
	return checkWindow(g.IssuedAt, g.Expires, LongestGrant(scope), at)
}

func (g Grant) check() error {
	if !identifier(g.Issuer) || g.Audience == "" || len(g.Audience) > 200 || !identifier(g.Party) || g.Subject == "" || len(g.Subject) > 200 ||
		!ValidID(g.ID) || !digest(g.Login) {
		return malformed("grant")
	}
	if !slices.Contains(Scopes(), g.Scope) {
		return malformed("scope")
	}
	if g.IssuedAt <= 0 || g.Expires <= g.IssuedAt || g.Expires-g.IssuedAt > int64(LongestGrant(g.Scope)/time.Second) {
		return malformed("lifetime")
	}
	return nil
}
