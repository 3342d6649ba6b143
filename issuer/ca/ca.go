// Package ca is the certification authority: it prepares, checks, records and
// signs certificates, and signs CRLs for package status.
//
// It owns the keys of the five authorities and of their delegates (OCSP
// responders, the change feed), as sealed PKCS#8 files, and the order of the
// steps: nothing is signed that was not recorded durably first, and nothing is
// handed out that the ledger does not hold as issued. Who deserves a certificate
// is decided in package ra, what it contains in package profile, and whether it
// is still good in package status.
//
// The standards are RFC 5280 and, for the key files, RFC 5958.
//
// # Trust
//
// Callers are trusted with who gets a certificate and with nothing else: what a
// profile does not allow cannot be drafted. The store is trusted to keep what it
// was given. Whoever has both the key files and the sealing key is the authority;
// in production the keys are kept in hardware.
package ca

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"tegata/internal/audit"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/trace"
	"tegata/issuer/profile"
	"tegata/issuer/status"
)

// Config is what a CA is built from.
type Config struct {
	Operator profile.Operator // fixed by Create; Open refuses another
	Dir      string           // sealed key files; made by Create with mode 0700
	Sealer   *secret.Sealer
	Store    Store
	Ledger   *status.Ledger
	Now      func() time.Time
	Files    durable.Files // the zero value works
	Trace    trace.Sink    // the sandbox's; nil in production
	// Algorithms of authorities that do not have today's default,
	// RSA-2048 with SHA-256. Used by Create and Rekey.
	Algorithms map[pki.Kind]profile.Algorithm
}

func (c Config) algorithm(k pki.Kind) profile.Algorithm {
	return cmp.Or(c.Algorithms[k], profile.RSA2048SHA256)
}

// Store keeps what the CA must not forget.
type Store interface {
	// Authorities lists all generations of all authorities.
	Authorities(ctx context.Context) ([]AuthorityRecord, error)
	// KeepAuthority durably adds one. An authority of that kind and generation
	// with another certificate is an error.
	KeepAuthority(ctx context.Context, who audit.Actor, at time.Time, a AuthorityRecord) error

	// RecordDrafts durably records drafts before it returns, all or none, and returns
	// what stands recorded for each: the draft itself or, when its Ref was recorded
	// before, the earlier one with another serial number; nothing is written for that.
	// ErrSerialUsed when a serial number was ever recorded.
	RecordDrafts(ctx context.Context, who audit.Actor, drafts ...Record) ([]Record, error)
	// FindRecord returns what was recorded under a serial number. ErrNotRecorded.
	FindRecord(ctx context.Context, serial pki.Serial) (Record, error)
	// RecordsOf lists what was recorded for a holder, the oldest first.
	RecordsOf(ctx context.Context, holder string) ([]Record, error)
}

// AuthorityRecord is one generation of an authority.
type AuthorityRecord struct {
	Kind       pki.Kind
	Generation int
	Algorithm  profile.Algorithm
	DER        []byte
}

// Record is one draft and what became of it.
type Record struct {
	Serial     pki.Serial
	Kind       pki.Kind
	Generation int
	Purpose    profile.Purpose
	Partition  string
	Holder     string
	Ref        string // empty: none
	KeySHA256  [32]byte
	NotBefore  time.Time
	NotAfter   time.Time
	TBS        []byte
	DER        []byte // nil until issued
	Hold       status.Cause
	PreparedAt time.Time
}

// Errors that callers may branch on.
var (
	ErrSerialUsed  = errors.New("ca: the serial number was recorded before")
	ErrNotRecorded = errors.New("ca: no draft was recorded under that serial number")
	ErrDraftUsed   = errors.New("ca: the draft was used before")
	ErrRefUsed     = errors.New("ca: the reference belongs to another request")
	ErrExists      = errors.New("ca: the authorities are there already")
	ErrOtherSide   = errors.New("ca: a sandbox's authority in production, or the reverse; the two never mix")
	ErrMissing     = errors.New("ca: an authority is missing; init makes them, opening does not")
)

// CA is the certification authority. Its methods may be called by many goroutines.
type CA struct {
	config Config
	linter *profile.Linter

	mu        sync.RWMutex // guards issuers and listed
	issuers   []issuer
	listed    []profile.Issuer // in the order of the kinds; replaced, never changed
	delegates delegates
}

// issuer is one generation of an authority with its key.
type issuer struct {
	profile.Issuer
	signer crypto.Signer
}

// Create makes the five authorities: keys, self-signed certificates, records. It
// continues a creation that was interrupted. ErrExists when nothing was missing.
func Create(ctx context.Context, config Config) (*CA, error) {
	c, err := build(config)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("ca: create: %w", err)
	}
	if err := c.keepOperator(); err != nil {
		return nil, err
	}
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	made := 0
	for _, k := range pki.Kinds() {
		if _, err := c.current(k); err == nil {
			continue
		}
		if err := c.found(ctx, audit.System("issuer"), k, 1); err != nil {
			return nil, err
		}
		made++
	}
	if made == 0 {
		return nil, ErrExists
	}
	return c, nil
}

// Open finds what Create made and makes nothing. ErrMissing when an authority is
// not there; ErrOtherOperator, naming both, when what the configuration says of the
// operator or of an algorithm has changed.
func Open(ctx context.Context, config Config) (*CA, error) {
	c, err := build(config)
	if err != nil {
		return nil, err
	}
	if err := c.checkOperator(); err != nil {
		return nil, err
	}
	if err := c.load(ctx); err != nil {
		return nil, err
	}
	for _, k := range pki.Kinds() {
		i, err := c.current(k)
		if err != nil {
			return nil, err
		}
		if err := c.checkAlgorithm(i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func build(config Config) (*CA, error) {
	if err := config.Operator.Check(); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if config.Store == nil || config.Ledger == nil || config.Sealer == nil || config.Now == nil || config.Dir == "" {
		return nil, errors.New("ca: a CA needs a directory, a sealer, a store, a ledger and a clock")
	}
	linter, err := profile.NewLinter()
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return &CA{config: config, linter: linter, delegates: delegates{held: map[string]*delegate{}}}, nil
}

// load reads certificates and keys of all generations.
func (c *CA) load(ctx context.Context) error {
	records, err := c.config.Store.Authorities(ctx)
	if err != nil {
		return fmt.Errorf("ca: authorities: %w", err)
	}
	for _, r := range records {
		cert, err := x509.ParseCertificate(r.DER)
		if err != nil {
			return fmt.Errorf("ca: authority %s: %w", profile.Label(r.Kind, r.Generation), err)
		}
		i := profile.Issuer{Kind: r.Kind, Generation: r.Generation, Algorithm: r.Algorithm, Certificate: cert}
		name, err := c.config.Operator.AuthorityName(r.Kind)
		if err != nil {
			return fmt.Errorf("ca: %w", err)
		}
		if !bytes.Equal(name, cert.RawSubject) {
			return fmt.Errorf("ca: authority %s is called %q, not what the configuration says (%q, %q): names are fixed when authorities are made",
				i.Label(), cert.Subject, c.config.Operator.Organization, c.config.Operator.Unit)
		}
		if pki.OfSandbox(cert) != c.config.Operator.Sandbox {
			return fmt.Errorf("%w: authority %s", ErrOtherSide, i.Label())
		}
		signer, err := c.keys().Open(i.Label())
		if err != nil {
			return err
		}
		if !samePublicKey(signer.Public(), cert.PublicKey) {
			return fmt.Errorf("ca: the key file of %s is not that of its certificate", i.Label())
		}
		c.add(issuer{i, signer})
	}
	return nil
}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// current is the newest generation of an authority. ErrMissing.
func (c *CA) current(k pki.Kind) (issuer, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var newest issuer
	for _, i := range c.issuers {
		if i.Kind == k && i.Generation > newest.Generation {
			newest = i
		}
	}
	if newest.Generation == 0 {
		return issuer{}, fmt.Errorf("%w: %s", ErrMissing, k)
	}
	return newest, nil
}

// generation is one generation of an authority. ErrMissing.
func (c *CA) generation(k pki.Kind, n int) (issuer, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, i := range c.issuers {
		if i.Kind == k && i.Generation == n {
			return i, nil
		}
	}
	return issuer{}, fmt.Errorf("%w: %s", ErrMissing, profile.Label(k, n))
}

// Authority is the certificate under which new certificates of kind are issued;
// nil for a kind that is none.
func (c *CA) Authority(kind pki.Kind) *x509.Certificate {
	i, err := c.current(kind)
	if err != nil {
		return nil
	}
	return i.Certificate
}

// add takes in one generation.
func (c *CA) add(i issuer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.issuers = append(c.issuers, i)
	c.listed = nil
	for _, k := range pki.Kinds() {
		for _, i := range c.issuers { // of one kind, they stand in the order they were made
			if i.Kind == k {
				c.listed = append(c.listed, i.Issuer)
			}
		}
	}
}

// Issuers lists all generations of all authorities, in the order of the kinds. The
// list is shared with other callers.
func (c *CA) Issuers() []profile.Issuer {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Clip(c.listed)
}

// Bundle is all authorities as PEM.
func (c *CA) Bundle() []byte {
	var text []byte
	for _, i := range c.Issuers() {
		text = append(text, pki.EncodePEM(i.Certificate.Raw)...)
	}
	return text
}

// Operator is whose CA this is.
func (c *CA) Operator() profile.Operator { return c.config.Operator }
