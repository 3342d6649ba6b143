package ra

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/jws"
)

// maxStep bounds a step: two attestation chains of four certificates, two
// requests, and base64 twice.
const maxStep = 96 << 10 // bytes

// maxCounter keeps counters in the 63 bits of a column.
const maxCounter = 1 << 62

func stepKind(typ string) jws.Kind {
	return jws.Kind{Typ: typ, Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: maxStep, Bare: true}
}

// claims is any of the claim types of messages.go.
type claims interface{ common() StepClaims }

func (c StepClaims) common() StepClaims { return c }

// A step is a message whose signature has been checked.
type step[T claims] struct {
	claims T
	hash   [32]byte            // of the exact compact form
	key    *ecdsa.PublicKey    // that signed it
	chain  []*x509.Certificate // x5c, parsed and not validated; nil when absent
}

// parseStep reads a compact JWS and checks everything but whose key it is:
// form, audience, step, id and clock. The signature is not checked yet.
func parseStep[T claims](r *RA, typ, compact string, want StepName, id string, at time.Time) (*jws.Message[T], error) {
	m, err := jws.Parse[T](stepKind(typ), compact)
	if err != nil {
		return nil, ErrBadStep.Because(err)
	}
	c := m.Unverified().common()
	switch {
	case c.Aud != r.config.URL:
		return nil, ErrStepAudience
	case c.Step != want:
		return nil, ErrStepMismatch
	case c.Ctr > maxCounter:
		return nil, ErrBadStep.Because(errors.New("ra: no element counts that far"))
	case !validID(c.ID):
		return nil, ErrEnrolmentID
	case id != "" && c.ID != id:
		return nil, ErrStepMismatch
	}
	iat := time.Unix(c.IAT, 0)
	if iat.Before(at.Add(-want.window())) || iat.After(at.Add(StepWindow)) {
		return nil, ErrStepStale.With("now", at.Format(time.RFC3339))
	}
	return m, nil
}

// first verifies a message that brings its own key: x5c's leaf signs it.
func first[T claims](m *jws.Message[T]) (step[T], error) {
	if len(m.Chain()) == 0 {
		return step[T]{}, ErrBadStep.Because(errors.New("ra: the first step has no x5c"))
	}
	key, ok := m.Chain()[0].PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return step[T]{}, ErrBadStep
	}
	return verify(m, key)
}

// follow verifies a later message with the device key kept from the first.
func follow[T claims](m *jws.Message[T], deviceKey []byte) (step[T], error) {
	pub, err := x509.ParsePKIXPublicKey(deviceKey)
	if err != nil {
		return step[T]{}, err
	}
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok {
		return step[T]{}, errors.New("ra: a device key is on P-256")
	}
	return verify(m, key)
}

func verify[T claims](m *jws.Message[T], key *ecdsa.PublicKey) (step[T], error) {
	if key.Curve != elliptic.P256() {
		return step[T]{}, ErrBadStep
	}
	c, err := m.VerifyWith(key)
	if err != nil {
		return step[T]{}, ErrStepSignature.Because(err)
	}
	return step[T]{claims: c, hash: sha256.Sum256([]byte(m.Raw())), key: key, chain: m.Chain()}, nil
}

// validID says whether id is 128 bits in base64url, in their one spelling.
func validID(id string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(id)
	return err == nil && len(b) == 16 && base64.RawURLEncoding.EncodeToString(b) == id
}

func rawChain(chain []*x509.Certificate) [][]byte {
	out := make([][]byte, len(chain))
	for i, c := range chain {
		out[i] = c.Raw
	}
	return out
}
