package ra

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/trace"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
)

// Authority is what the registration authority needs of package ca.
type Authority interface {
	PrepareAll(ctx context.Context, who audit.Actor, requests ...ca.Request) ([]*ca.Draft, error)
	IssueAll(ctx context.Context, who audit.Actor, drafts ...*ca.Draft) ([]*x509.Certificate, error)
	Authority(kind pki.Kind) *x509.Certificate // that issues now
	Issuers() []profile.Issuer                 // all generations of all authorities
	// FeedSigner is the key that says what the ledger says, in the issuer's name; the
	// chain is leaf first.
	FeedSigner(ctx context.Context) ([]*x509.Certificate, crypto.Signer, error)
}

// Config is what an operator decides.
type Config struct {
	// URL is the issuer's, exactly as phones and verifiers write it into aud.
	URL string
	// Arc is the operator's; the element extension stands under it.
	Arc pki.Arc
	// Policy says which phones are accepted.
	Policy Policy
	// Terms is what an applicant agrees to. An application under another
	// version is refused.
	Terms Terms
	// Key is 32 secret bytes: pairwise ids are HMACs under it. Losing it gives
	// every person a new id at every verifier.
	Key []byte
	// LockCost is what a lock code's verifier must cost to try.
	LockCost secret.Cost
}

// RA is the registration authority. Its methods may be called by many
// goroutines and by several processes over one store.
type RA struct {
	config    Config
	store     Store
	authority Authority
	now       func() time.Time
	log       *slog.Logger
	trace     trace.Sink

	// issuing keeps two copies of one message from issuing at once in this
	// process; between processes the store decides.
	issuing keyedMutex
	// comparing has room for each lock code that is being compared.
	comparing chan struct{}
}

// Options are what RA can do without.
type Options struct {
	Log   *slog.Logger // nil: none
	Trace trace.Sink   // nil: none
}

// New makes a registration authority. It returns an error when the
// configuration contradicts itself.
func New(config Config, store Store, authority Authority, now func() time.Time, opt Options) (*RA, error) {
	switch {
	case config.URL == "":
		return nil, errors.New("ra: configuration: the issuer's url is missing")
	case len(config.Key) != 32:
		return nil, fmt.Errorf("ra: configuration: the pairwise key has %d bytes, not 32", len(config.Key))
	case config.Terms.Version == "":
		return nil, errors.New("ra: configuration: the terms have no version")
	case len(config.Policy.Roots) == 0:
		return nil, errors.New("ra: configuration: no maker's root: every phone would be refused")
	case config.LockCost == (secret.Cost{}):
		return nil, errors.New("ra: configuration: the cost of a lock code is missing")
	}
	r := &RA{config: config, store: store, authority: authority, now: now, log: opt.Log, trace: opt.Trace,
		comparing: make(chan struct{}, comparisons)}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

// Terms returns what an applicant agrees to now.
func (r *RA) Terms() Terms { return r.config.Terms }

// at is the clock of one request: UTC, whole milliseconds, as the store keeps it.
func (r *RA) at() time.Time { return r.now().UTC().Truncate(time.Millisecond) }

// pairwise is the id of a person for one verifier.
func (r *RA) pairwise(verifier, person string) string {
	return base64.RawURLEncoding.EncodeToString(r.mac("pairwise", verifier, person))
}

// mac is an HMAC-SHA-256 over the parts, each with its length before it.
func (r *RA) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, r.config.Key)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return h.Sum(nil)
}

// pair is the DER of both authorities that issue for phones or cards.
func (r *RA) authorities(phone bool) Certificates {
	auth, sign := pki.CardAuth, pki.CardSign
	if phone {
		auth, sign = pki.PhoneAuth, pki.PhoneSign
	}
	return Certificates{Auth: r.authority.Authority(auth).Raw, Sign: r.authority.Authority(sign).Raw}
}

// randomID is 128 random bits, base64url.
func randomID() string { return ceremony.NewID() }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}

// spkiHash is the SHA-256 of a key's SubjectPublicKeyInfo.
func spkiHash(pub crypto.PublicKey) ([32]byte, []byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return [32]byte{}, nil, fmt.Errorf("ra: public key: %w", err)
	}
	return sha256.Sum256(der), der, nil
}

// keyedMutex is a mutex for each key in use.
type keyedMutex struct {
	mu   sync.Mutex // guards held
	held map[string]*keyed
}

type keyed struct {
	mu      sync.Mutex
	waiters int
}

// lock waits for the key and returns what gives it back.
func (k *keyedMutex) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*keyed{}
	}
	e := k.held[key]
	if e == nil {
		e = &keyed{}
		k.held[key] = e
	}
	e.waiters++
	k.mu.Unlock()
	e.mu.Lock()
	return func() {
		e.mu.Unlock()
		k.mu.Lock()
		if e.waiters--; e.waiters == 0 {
			delete(k.held, key)
		}
		k.mu.Unlock()
	}
}
