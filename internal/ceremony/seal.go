package ceremony

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/jws"
)

// ErrNotForUs: a sealed answer that our key does not open.
var ErrNotForUs = errors.New("ceremony: not sealed to this key")

// A sealing is a kind of JWE: what its header says, and how large it may be.
type sealing struct {
	typ, cty string
	plain    int // bytes
	compact  int // bytes
}

// maxSealedSigned is a signed document in base64url, and what is around it.
const maxSealedSigned = 4*(MaxSigned/3+1) + 4<<10

var (
	sealedAnswer = sealing{"tegata-answer+jwe", answerKind.Typ, answerKind.MaxBytes, 60 << 10} // a body of 64 KiB holds it
	sealedSigned = sealing{"tegata-signed+jwe", "octet-stream", MaxSigned, maxSealedSigned}
)

// Seal encrypts an answer to the verifier's certified key (RFC 7516; ECDH-ES on
// P-256 with A256GCM), so that neither a relaying terminal nor the asking party
// reads it. to is the leaf of VerifierInfo.EncX5C, already validated.
func Seal(answer string, to *x509.Certificate) (string, error) {
	return sealedAnswer.seal([]byte(answer), to)
}

// SealSigned encrypts what goes with an answer of kind sign, as Seal does: name and
// address of the signer are in its certificate.
func SealSigned(signed []byte, to *x509.Certificate) (string, error) {
	return sealedSigned.seal(signed, to)
}

func (s sealing) seal(plain []byte, to *x509.Certificate) (string, error) {
	key, err := encryptionKey(to)
	if err != nil {
		return "", err
	}
	e, err := jose.NewEncrypter(jose.A256GCM,
		jose.Recipient{Algorithm: jose.ECDH_ES, Key: key, KeyID: KeyID(to)},
		(&jose.EncrypterOptions{}).WithType(jose.ContentType(s.typ)).WithContentType(jose.ContentType(s.cty)))
	if err != nil {
		return "", fmt.Errorf("ceremony: seal: %w", err)
	}
	object, err := e.Encrypt(plain)
	if err != nil {
		return "", fmt.Errorf("ceremony: seal: %w", err)
	}
	return object.CompactSerialize()
}

// sealedHeader is everything the header may hold. No `zip` (RFC 7516, section
// 4.1.3): compressed plaintext could hide how large it is. No `crit`.
type sealedHeader struct {
	Alg string    `json:"alg"`
	Enc string    `json:"enc"`
	Typ string    `json:"typ"`
	Cty string    `json:"cty"`
	KID string    `json:"kid"`
	EPK PublicJWK `json:"epk"`
}

// Open decrypts a sealed answer with the key of certificate to. It returns
// ErrMalformed when it is not a sealed answer and ErrNotForUs when it is for
// another key.
func Open(sealed string, key *ecdsa.PrivateKey, to *x509.Certificate) (string, error) {
	plain, err := sealedAnswer.open(sealed, key, to)
	return string(plain), err
}

// OpenSigned decrypts what SealSigned sealed. Its errors are Open's.
func OpenSigned(sealed string, key *ecdsa.PrivateKey, to *x509.Certificate) ([]byte, error) {
	return sealedSigned.open(sealed, key, to)
}

func (s sealing) open(sealed string, key *ecdsa.PrivateKey, to *x509.Certificate) ([]byte, error) {
	if len(sealed) > s.compact || strings.Count(sealed, ".") != 4 {
		return nil, malformed("not %s", s.typ)
	}
	var h sealedHeader
	protected, _, _ := strings.Cut(sealed, ".")
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(protected)
	if err != nil || jws.Decode(decoded, &h) != nil || h.Typ != s.typ || h.Cty != s.cty || h.EPK.check() != nil {
		return nil, malformed("not %s", s.typ)
	}
	object, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, malformed("not %s", s.typ)
	}
	if h.KID != KeyID(to) {
		return nil, ErrNotForUs
	}
	plain, err := object.Decrypt(key)
	if err != nil {
		return nil, ErrNotForUs
	}
	if len(plain) > s.plain {
		return nil, malformed("too large")
	}
	return plain, nil
}

// encryptionKey takes the key out of a verifier's encryption certificate.
func encryptionKey(c *x509.Certificate) (*ecdsa.PublicKey, error) {
	key, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: the encryption key is not P-256", jws.ErrAlgorithm)
	}
	// RFC 5280, section 4.2.1.3: keyAgreement is for such a key, and nothing else is.
	if c.KeyUsage != x509.KeyUsageKeyAgreement {
		return nil, malformed("the encryption certificate is not for key agreement")
	}
	return key, nil
}
