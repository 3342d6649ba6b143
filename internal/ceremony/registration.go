package ceremony

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/internal/jws"
)

var registrationKind = jws.Kind{Typ: "tegata-registration+jwt", Algs: algs(jws.ES256), MaxBytes: 64 << 10}

// MaxRegistration is how long a signed registration may be shown.
const MaxRegistration = 24 * time.Hour

// Registration is what a verifier says about an asking party: what the phone
// shows comes from here and from the signed request, never from a page.
type Registration struct {
	Party         string              `json:"id"`
	Name          Text                `json:"name"`
	Mark          string              `json:"mark"`           // a drawn mark's name, or 1 to 4 characters or an emoji; large beside the name
	Logo          string              `json:"logo,omitempty"` // base64url SHA-256 of its picture, see CheckLogo
	Purposes      []RegisteredPurpose `json:"purposes"`
	Origins       []string            `json:"origins"`
	ReturnURLs    []string            `json:"return_urls"`        // where a same-device answer sends the browser
	VerifiedSince string              `json:"verified_since"`     // YYYY-MM-DD
	Keys          []string            `json:"keys"`               // base64url SHA-256 of each registered key's SubjectPublicKeyInfo
	AsksFor       []string            `json:"asks_for,omitempty"` // ids it may name in on_behalf_of
	Through       string              `json:"through,omitempty"`  // id of the provider that asks for it; then it may have no keys
	// Terminal is the one that was asked about (TerminalParameter), when it is the
	// party's: a chain of shops has thousands, and a phone stands at one.
	Terminal *RegisteredTerminal `json:"terminal,omitempty"`
	Verifier VerifierInfo        `json:"verifier"`
	IssuedAt int64               `json:"iat"`
	Expires  int64               `json:"exp"`
}

// RegisteredPurpose is one thing a party may ask for.
type RegisteredPurpose struct {
	Code      string   `json:"code"`
	Sentence  Text     `json:"sentence"`
	RiskFloor Risk     `json:"risk_floor"`
	Claims    []string `json:"claims,omitempty"`   // the most it may ask for
	Category  Category `json:"category,omitempty"` // by which holders lock and limit; "" is private
	// OpensAccount: what is signed for it opens an account, a line or the like, of which
	// verifiers allow a person only so many in a time, over all parties. R3 alone.
	OpensAccount bool `json:"opens_account,omitempty"`
}

// VerifierInfo is who vouches for the registration, and the key that answers are
// sealed to.
type VerifierInfo struct {
	ID     string   `json:"id"`
	Origin string   `json:"origin"`
	EncX5C []string `json:"enc_x5c"` // base64 of DER, leaf first
}

// SignRegistration checks r and signs it with the verifier's key.
func SignRegistration(signer crypto.Signer, chain []*x509.Certificate, r Registration) (string, error) {
	if err := r.Check(); err != nil {
		return "", err
	}
	return jws.Sign(registrationKind, signer, chain, r)
}

// ParseRegistration reads a registration and checks its form, not its signature.
func ParseRegistration(compact string) (*jws.Message[Registration], error) {
	m, err := jws.Parse[Registration](registrationKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().Check(); err != nil {
		return nil, err
	}
	return m, nil
}

// Fresh checks the registration's moment: ErrExpired or ErrNotYet.
func (r Registration) Fresh(at time.Time) error {
	return checkWindow(r.IssuedAt, r.Expires, MaxRegistration, at)
}

// Check looks at the form of r.
func (r Registration) Check() error {
	if !identifier(r.Party) || !identifier(r.Verifier.ID) {
		return malformed("id")
	}
	if err := r.Name.check("name", 200); err != nil {
		return err
	}
	if r.Mark == "" || len(r.Mark) > 32 || strings.ContainsAny(r.Mark, "\r\n<>&") {
		return malformed("mark")
	}
	if r.Logo != "" && !digest(r.Logo) {
		return malformed("logo")
	}
	if _, err := time.Parse(time.DateOnly, r.VerifiedSince); err != nil {
		return malformed("verified_since")
	}
	if len(r.Purposes) == 0 || len(r.Purposes) > 64 || len(r.Origins) > 16 || len(r.ReturnURLs) > 16 || len(r.AsksFor) > 256 {
		return malformed("too few or too many entries")
	}
	codes := map[string]bool{}
	for _, p := range r.Purposes {
		if !identifier(p.Code) || codes[p.Code] || p.RiskFloor.rank() == 0 || p.Category != "" && p.Category != p.Category.Or() ||
			p.OpensAccount && p.RiskFloor != R3 {
			return malformed("purpose")
		}
		codes[p.Code] = true
		if err := p.Sentence.check("purpose", 400); err != nil {
			return err
		}
		if err := checkClaims(p.Claims); err != nil {
			return err
		}
	}
	// A party without keys asks for nothing by itself: another one, named here, does.
	if len(r.Keys) == 0 && r.Through == "" || len(r.Keys) > 8 || r.Through != "" && !identifier(r.Through) {
		return malformed("keys")
	}
	for _, k := range r.Keys {
		if !digest(k) {
			return malformed("keys")
		}
	}
	for _, o := range r.Origins {
		if origin, err := Origin(o); err != nil || origin != o {
			return malformed("origin")
		}
	}
	for _, u := range r.ReturnURLs {
		// The code is appended as a parameter; a return address lies at an origin of the party.
		if parsed, err := url.Parse(u); err != nil || parsed.RawQuery != "" || At(u, r.Origins...) != nil {
			return malformed("return_urls")
		}
	}
	for _, id := range r.AsksFor {
		if !identifier(id) {
			return malformed("asks_for")
		}
	}
	if r.Terminal != nil {
		if err := r.Terminal.Check(); err != nil {
			return err
		}
	}
	if o, err := Origin(r.Verifier.Origin); err != nil || o != r.Verifier.Origin {
		return malformed("verifier origin")
	}
	if _, err := r.Verifier.EncryptionChain(); err != nil {
		return err
	}
	if r.IssuedAt <= 0 || r.Expires <= r.IssuedAt || r.Expires-r.IssuedAt > int64(MaxRegistration/time.Second) {
		return malformed("lifetime")
	}
	return nil
}

// EncryptionChain parses the verifier's encryption certificate and what is above
// it. The chain is not validated.
func (v VerifierInfo) EncryptionChain() ([]*x509.Certificate, error) {
	if len(v.EncX5C) == 0 || len(v.EncX5C) > 3 {
		return nil, malformed("enc_x5c")
	}
	var chain []*x509.Certificate
	for _, s := range v.EncX5C {
		der, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil {
			return nil, malformed("enc_x5c")
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, malformed("enc_x5c")
		}
		chain = append(chain, c)
	}
	if _, err := encryptionKey(chain[0]); err != nil {
		return nil, err
	}
	return chain, nil
}

// Purpose finds a registered purpose by its code.
func (r Registration) Purpose(code string) (RegisteredPurpose, bool) {
	i := slices.IndexFunc(r.Purposes, func(p RegisteredPurpose) bool { return p.Code == code })
	if i < 0 {
		return RegisteredPurpose{}, false
	}
	return r.Purposes[i], true
}

// Allows checks a request against the registration of its asking party, as
// gateway and phone both do: ErrNotRegistered when party, key, purpose, sentence,
// claims or the party asked for differ, or a document is to be signed for a purpose whose
// floor is not R3; ErrTerminal when it names another terminal than r does; ErrRiskFloor when the request's class is
// below the purpose's; ErrAudience when it is for another verifier; ErrOrigin when
// its addresses are not the verifier's. The request's signature, path and moment
// are checked by the caller.
//
// on is the registration of the party that on_behalf_of names, and nil when it names
// none: the purpose is then that party's, not the asking one's, and either of the two
// registrations names the other.
func (r Registration) Allows(req *jws.Message[Request], on *Registration) error {
	q := req.Unverified()
	if q.Issuer != r.Party || len(req.Chain()) == 0 || !slices.Contains(r.Keys, KeyID(req.Chain()[0])) {
		return ErrNotRegistered
	}
	if id, ok := PartyOf(req.Chain()[0]); !ok || id != q.Issuer {
		return ErrNotRegistered
	}
	if q.Audience != r.Verifier.ID {
		return ErrAudience
	}
	whose := r
	if (q.OnBehalfOf != "") != (on != nil) {
		return ErrNotRegistered
	}
	if on != nil {
		if on.Party != q.OnBehalfOf || on.Verifier.ID != r.Verifier.ID || on.Through != r.Party && !slices.Contains(r.AsksFor, on.Party) {
			return ErrNotRegistered
		}
		whose = *on
	}
	p, ok := whose.Purpose(q.Purpose.Code)
	if !ok || p.Sentence != q.Purpose.Sentence {
		return ErrNotRegistered
	}
	for _, c := range q.Claims {
		if !slices.Contains(p.Claims, c) {
			return ErrNotRegistered
		}
	}
	// The terminal is whose that asks, also when it asks on behalf of another party.
	if q.Terminal != nil && (r.Terminal == nil || !r.Terminal.is(*q.Terminal)) {
		return ErrTerminal
	}
	if q.Risk.Below(p.RiskFloor) {
		return ErrRiskFloor
	}
	// A signature lasts: it is never asked for with the sentence of a purpose that is
	// registered for less.
	if q.Kind == SignDoc && p.RiskFloor != R3 {
		return ErrNotRegistered
	}
	if err := At(q.ResponseURI, r.Verifier.Origin); err != nil {
		return err
	}
	for _, d := range q.ToSign() {
		if err := At(d.URL, r.Verifier.Origin); err != nil {
			return err
		}
	}
	return nil
}

// KeyID returns the base64url SHA-256 of a certificate's SubjectPublicKeyInfo.
func KeyID(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// partyURN is the prefix of the URI by which an ops certificate names its party.
const partyURN = "urn:tegata:party:"

// PartyOf returns the party id that an ops certificate names in its
// subjectAltName. Exactly one is allowed.
func PartyOf(c *x509.Certificate) (string, bool) {
	found := ""
	for _, u := range c.URIs {
		if id, ok := strings.CutPrefix(u.String(), partyURN); ok {
			if found != "" || !identifier(id) {
				return "", false
			}
			found = id
		}
	}
	return found, found != ""
}

// OriginsOf returns the origins that a verifier's ops certificate names.
func OriginsOf(c *x509.Certificate) []string {
	var origins []string
	for _, u := range c.URIs {
		if o, err := Origin(u.String()); err == nil && o == u.String() {
			origins = append(origins, o)
		}
	}
	return origins
}
