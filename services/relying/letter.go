package relying

import (
	"crypto/ecdsa"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ErrLetter: what came is no letter of its sender to its receiver, or too old.
var ErrLetter = errors.New("relying: not a letter of this sender to this receiver")

// letterLife is for how long a letter may be read.
const letterLife = time.Minute

// Letter is what one party says to another, signed: a JWT (RFC 7519) with the member body.
// It can come twice within its minute: its receiver acts once by what the body names.
type Letter struct {
	Type string // typ (RFC 8725, section 3.11): what it is about
	From string // iss
	To   string // aud
}

// Seal signs a letter with a key on P-256.
func (l Letter) Seal(key *ecdsa.PrivateKey, kid string, body any) (string, error) {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(l.Type))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	if err != nil {
		return "", fmt.Errorf("relying: letter: %w", err)
	}
	now := time.Now()
	return jwt.Signed(signer).Claims(map[string]any{"iss": l.From, "aud": l.To, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(letterLife).Unix(), "body": body}).Serialize()
}

// Open reads a letter by the sender's published keys into body. ErrLetter.
func (l Letter) Open(keys jose.JSONWebKeySet, text string, body any) error {
	m, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLetter, err)
	}
	header := m.Headers[0]
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != l.Type {
		return fmt.Errorf("%w: typ", ErrLetter)
	}
	named := keys.Key(header.KeyID)
	if len(named) != 1 || !named[0].IsPublic() {
		return fmt.Errorf("%w: kid", ErrLetter)
	}
	var claims struct {
		jwt.Claims
		Body json.RawMessage `json:"body"`
	}
	if err := m.Claims(named[0], &claims); err != nil {
		return fmt.Errorf("%w: %w", ErrLetter, err)
	}
	now := time.Now()
	if claims.Expiry == nil || claims.IssuedAt == nil || claims.Expiry.Time().Sub(claims.IssuedAt.Time()) > letterLife {
		return fmt.Errorf("%w: without an end", ErrLetter)
	}
	if err := claims.Validate(jwt.Expected{Issuer: l.From, AnyAudience: jwt.Audience{l.To}, Time: now}); err != nil {
		return fmt.Errorf("%w: %w", ErrLetter, err)
	}
	if err := json.Unmarshal(claims.Body, body); err != nil {
		return fmt.Errorf("%w: %w", ErrLetter, err)
	}
	return nil
}

// SenderOf is whom a letter says that it is from, which nobody has checked: it tells by
// whose keys to open it. "" for no letter.
func SenderOf(text string) string {
	m, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return ""
	}
	var claims jwt.Claims
	if m.UnsafeClaimsWithoutVerification(&claims) != nil {
		return ""
	}
	return claims.Issuer
}
