package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	_ "crypto/sha256" // crypto.SHA256
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyPeriod is how long one key signs ID Tokens.
const keyPeriod = 90 * 24 * time.Hour

// keyring holds the signing keys of ID Tokens. Each signs for one period; its public
// half is published a period before and a period after, so that whoever caches the
// JWKS never meets a token that it cannot check, and no token outlives its key.
type keyring struct {
	open func(label string) (crypto.Signer, error)
	now  func() time.Time

	mu     sync.Mutex // guards all below
	period int64
	keys   []signingKey // of the period before, this one and the next
}

type signingKey struct {
	id     string
	signer crypto.Signer
}

func newKeyring(open func(string) (crypto.Signer, error), now func() time.Time) *keyring {
	return &keyring{open: open, now: now}
}

// at returns the three keys of the moment.
func (k *keyring) at() ([]signingKey, error) {
	period := k.now().Unix() / int64(keyPeriod/time.Second)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.period == period {
		return k.keys, nil
	}
	var keys []signingKey
	for n := period - 1; n <= period+1; n++ {
		signer, err := k.open(fmt.Sprintf("openid-%d", n))
		if err != nil {
			return nil, fmt.Errorf("oidc: signing key: %w", err)
		}
		public, ok := signer.Public().(*ecdsa.PublicKey)
		if !ok || public.Params().BitSize != 256 {
			return nil, errors.New("oidc: signing key: not on P-256")
		}
		// RFC 7638: the thumbprint names the key, wherever it is published.
		sum, err := (&jose.JSONWebKey{Key: public}).Thumbprint(crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("oidc: signing key: %w", err)
		}
		keys = append(keys, signingKey{base64.RawURLEncoding.EncodeToString(sum), rawSigner{signer}})
	}
	k.period, k.keys = period, keys
	return keys, nil
}

// signing is the key that signs now.
func (k *keyring) signing() (string, crypto.Signer, error) {
	keys, err := k.at()
	if err != nil {
		return "", nil, err
	}
	return keys[1].id, keys[1].signer, nil
}

// set is the JWKS (RFC 7517): public keys only, each for signatures by ES256 only.
func (k *keyring) set() (jose.JSONWebKeySet, error) {
	keys, err := k.at()
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var set jose.JSONWebKeySet
	for _, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.signer.Public(), KeyID: key.id, Algorithm: string(jose.ES256), Use: "sig"})
	}
	return set, nil
}

// verify checks a token that we signed and returns its payload.
func (k *keyring) verify(compact string) ([]byte, error) {
	m, err := jose.ParseSigned(compact, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, err
	}
	set, err := k.set()
	if err != nil {
		return nil, err
	}
	id := m.Signatures[0].Header.KeyID
	i := slices.IndexFunc(set.Keys, func(key jose.JSONWebKey) bool { return key.KeyID == id })
	if i < 0 {
		return nil, errors.New("oidc: no such key")
	}
	return m.Verify(set.Keys[i].Key)
}

// rawSigner signs as JWS wants it: r and s one after the other, each of 32 bytes (RFC
// 7518, section 3.4). A crypto.Signer of ECDSA gives ASN.1, and the library behind the
// protocol passes on what it gets.
type rawSigner struct{ crypto.Signer }

func (s rawSigner) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := s.Signer.Sign(r, digest, opts)
	if err != nil {
		return nil, err
	}
	var v struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 {
		return nil, errors.New("oidc: the signing key gave no ECDSA signature")
	}
	out := make([]byte, 64)
	v.R.FillBytes(out[:32])
	v.S.FillBytes(out[32:])
	return out, nil
}

// payloadSigner makes a rawSigner a jose.OpaqueSigner, for what we sign ourselves.
type payloadSigner struct {
	id string
	crypto.Signer
}

func (s payloadSigner) Public() *jose.JSONWebKey {
	return &jose.JSONWebKey{Key: s.Signer.Public(), KeyID: s.id, Algorithm: string(jose.ES256)}
}

func (s payloadSigner) Algs() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.ES256}
}

func (s payloadSigner) SignPayload(payload []byte, _ jose.SignatureAlgorithm) ([]byte, error) {
	h := crypto.SHA256.New()
	h.Write(payload)
	return s.Sign(rand.Reader, h.Sum(nil), crypto.SHA256)
}
