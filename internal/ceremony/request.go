package ceremony

import (
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"tegata/internal/jws"
)

var requestKind = jws.Kind{Typ: "tegata-request+jwt", Algs: algs(jws.ES256), MaxBytes: 24 << 10}

// Longest lifetimes of a request, and of the QR code that carries one.
const (
	MaxOnline   = 10 * time.Minute
	MaxTerminal = 120 * time.Second
	MaxQR       = 60 * time.Second // from iat until the phone has fetched it
)

// Request is what an asking party wants of a person. Times are seconds since
// 1970, UTC.
type Request struct {
	Issuer      string     `json:"iss"`                    // registered id of the asking party
	Audience    string     `json:"aud"`                    // id of the verifier
	OnBehalfOf  string     `json:"on_behalf_of,omitempty"` // the relying party an OpenID Provider asks for
	ID          string     `json:"jti"`                    // 128 bits
	Nonce       string     `json:"nonce"`                  // 128 bits
	IssuedAt    int64      `json:"iat"`
	Expires     int64      `json:"exp"`
	Purpose     Purpose    `json:"purpose"`
	Kind        Want       `json:"kind"`
	Risk        Risk       `json:"risk"`
	Claims      []string   `json:"claims,omitempty"`
	Write       []Line     `json:"write,omitempty"`
	Document    *Document  `json:"document,omitempty"`  // of kind sign: the one
	Documents   []Document `json:"documents,omitempty"` // or several, 2 to MaxDocuments; see ToSign
	Terminal    *Terminal  `json:"terminal,omitempty"`
	SessionKey  *PublicJWK `json:"session_key,omitempty"`
	Channel     Channel    `json:"channel"`
	Match       []string   `json:"match,omitempty"` // three 2-digit numbers, when the channel is cross
	ResponseURI string     `json:"response_uri"`
}

// Purpose is why: a registered code and its registered sentence.
type Purpose struct {
	Code     string `json:"code"`
	Sentence Text   `json:"sentence"`
}

// Line is one line of what will be written or paid, as the phone shows it.
type Line struct {
	Label Text `json:"label"`
	Value Text `json:"value"`
}

// PublicJWK is a P-256 public key (RFC 7517; RFC 7518, section 6.2).
type PublicJWK struct {
	KTY string `json:"kty"`
	CRV string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

func (k PublicJWK) check() error {
	x, errX := base64.RawURLEncoding.Strict().DecodeString(k.X)
	y, errY := base64.RawURLEncoding.Strict().DecodeString(k.Y)
	if k.KTY != "EC" || k.CRV != "P-256" || errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return malformed("session_key is not a P-256 key")
	}
	// RFC 7518, section 6.2.1: the point must be on the curve.
	if _, err := ecdh.P256().NewPublicKey(slices.Concat([]byte{4}, x, y)); err != nil {
		return malformed("session_key is not on P-256")
	}
	return nil
}

// SignRequest checks r and signs it with the asking party's registered key.
func SignRequest(signer crypto.Signer, chain []*x509.Certificate, r Request) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	return jws.Sign(requestKind, signer, chain, r)
}

// ParseRequest reads a request and checks its form. Neither the signature nor
// the moment is checked: see Verify of the result, and Request.Fresh.
func ParseRequest(compact string) (*jws.Message[Request], error) {
	m, err := jws.Parse[Request](requestKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

// KeptRequest reads a request that this party has checked and kept.
func KeptRequest(compact string) (*jws.Message[Request], error) {
	return jws.Kept[Request](requestKind, compact)
}

// Fresh checks the request's moment: ErrExpired, ErrNotYet, or malformed when it
// lives longer than requests may.
func (r Request) Fresh(at time.Time) error {
	return checkWindow(r.IssuedAt, r.Expires, r.lifetime(), at)
}

func (r Request) lifetime() time.Duration {
	if r.Terminal != nil || r.Channel == Tap {
		return MaxTerminal
	}
	return MaxOnline
}

// check looks at everything that can be seen without a clock or a registration.
func (r Request) check() error {
	if !identifier(r.Issuer) || !identifier(r.Audience) || r.OnBehalfOf != "" && !identifier(r.OnBehalfOf) {
		return malformed("iss, aud or on_behalf_of")
	}
	if !ValidID(r.ID) || !ValidID(r.Nonce) || r.ID == r.Nonce {
		return malformed("jti and nonce are two different values of 128 bits")
	}
	if r.IssuedAt <= 0 || r.Expires <= r.IssuedAt || r.Expires-r.IssuedAt > int64(r.lifetime()/time.Second) {
		return malformed("lifetime")
	}
	if !identifier(r.Purpose.Code) {
		return malformed("purpose code")
	}
	if err := r.Purpose.Sentence.check("purpose", 400); err != nil {
		return err
	}
	if r.Risk.rank() == 0 {
		return malformed("risk")
	}
	if err := checkClaims(r.Claims); err != nil {
		return err
	}
	if err := r.checkKind(); err != nil {
		return err
	}
	if err := r.checkChannel(); err != nil {
		return err
	}
	if r.Terminal != nil {
		if err := r.Terminal.check(); err != nil {
			return err
		}
	}
	if r.SessionKey != nil {
		if err := r.SessionKey.check(); err != nil {
			return err
		}
	}
	if _, err := Origin(r.ResponseURI); err != nil {
		return malformed("response_uri")
	}
	return nil
}

// checkKind checks that the parts fit what is wanted.
func (r Request) checkKind() error {
	switch r.Kind {
	case Login, Consent, SignDoc, IssuePaper, Eligibility, Write:
	default:
		return malformed("kind")
	}
	if (r.Kind == Write) != (len(r.Write) > 0) || len(r.Write) > 20 {
		return malformed("write lines are for write, 1 to 20 of them")
	}
	if r.Kind == SignDoc && r.Risk != R3 {
		return malformed("sign is answered with the signature certificate: R3")
	}
	for _, l := range r.Write {
		if err := l.Label.check("label", 100); err != nil {
			return err
		}
		if err := l.Value.check("value", 400); err != nil {
			return err
		}
	}
	return r.checkDocuments()
}

// checkChannel checks the channel and its numbers, and what a channel may carry:
// over another device only what the phone shows (sign, write) or an R1–R2
// session; R3 paper by tap only.
func (r Request) checkChannel() error {
	switch r.Channel {
	case Same, Tap:
		if len(r.Match) != 0 {
			return malformed("match numbers are for requests that cross devices")
		}
	case Cross:
		if len(r.Match) != 3 {
			return malformed("a request that crosses devices carries three numbers")
		}
		for i, n := range r.Match {
			if !matchNumber(n) || slices.Contains(r.Match[:i], n) {
				return malformed("match numbers are three distinct 2-digit numbers")
			}
		}
	default:
		return malformed("channel")
	}
	if r.Channel == Tap && r.Terminal == nil {
		return malformed("a tap has a terminal")
	}
	if r.Channel == Same && r.Terminal != nil {
		return malformed("a terminal is not the phone's own device")
	}
	if r.Risk == R3 && r.Channel == Cross && r.Kind != SignDoc && r.Kind != Write {
		return ErrChannel
	}
	if r.Kind == IssuePaper && r.Risk == R3 && r.Channel != Tap {
		return ErrChannel
	}
	return nil
}

// DrawMatch draws the three distinct numbers of a request that crosses devices. Which
// of them is right is the verifier's choice, which the request does not tell.
func DrawMatch() []string {
	var numbers []string
	for len(numbers) < 3 {
		var b [1]byte
		rand.Read(b[:])
		if n := fmt.Sprintf("%02d", b[0]%100); b[0] < 200 && !slices.Contains(numbers, n) { // 200 = 2 · 100: each number equally likely
			numbers = append(numbers, n)
		}
	}
	return numbers
}

func matchNumber(s string) bool {
	return len(s) == 2 && s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9'
}
