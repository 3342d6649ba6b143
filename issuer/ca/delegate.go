package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/profile"
)

// Delegates sign in an authority's name what changes all the time: OCSP answers
// and feed batches. Their P-256 keys are sealed beside the authorities'; their
// certificates are short-lived and renewed, with a new key, when one is asked for
// that has little life left, so that a clock that walks years costs nothing.
type delegates struct {
	mu   sync.Mutex // guards held, and makes renewals wait for each other
	held map[string]*delegate
}

type delegate struct {
	cert   *x509.Certificate
	signer crypto.Signer
}

const (
	day               = 24 * time.Hour
	responderRenewal  = 5 * day // renewed when less life is left
	feedLifetime      = 365 * day
	feedRenewal       = 30 * day
	feedParty         = "issuer-feed"
	feedDelegateLabel = "feed"
)

// Responder is the delegated OCSP responder of one authority: its certificate is
// issued by that authority itself (RFC 6960, section 4.2.2.2) and valid now.
func (c *CA) Responder(ctx context.Context, kind pki.Kind, generation int) (*x509.Certificate, crypto.Signer, error) {
	i, err := c.generation(kind, generation)
	if err != nil {
		return nil, nil, err
	}
	return c.delegate(ctx, "responder-"+i.Label(), responderRenewal, profile.ResponderLifetime, i, profile.Responder, profile.Party{})
}

// FeedSigner is the ops certificate of role feed, its authority after it, and its key.
func (c *CA) FeedSigner(ctx context.Context) ([]*x509.Certificate, crypto.Signer, error) {
	i, err := c.current(pki.Ops)
	if err != nil {
		return nil, nil, err
	}
	party := profile.Party{ID: feedParty, Role: pki.RoleFeed, Origins: []string{c.config.Operator.IssuerURL()}}
	cert, signer, err := c.delegate(ctx, feedDelegateLabel, feedRenewal, feedLifetime, i, profile.Holder, party)
	if err != nil {
		return nil, nil, err
	}
	return []*x509.Certificate{cert, i.Certificate}, signer, nil
}

func (c *CA) delegate(ctx context.Context, label string, renewal, life time.Duration, i issuer, purpose profile.Purpose, party profile.Party) (*x509.Certificate, crypto.Signer, error) {
	c.delegates.mu.Lock()
	defer c.delegates.mu.Unlock()
	now := c.config.Now()
	d := c.delegates.held[label]
	if d == nil {
		found, err := c.openDelegate(label)
		if err != nil {
			return nil, nil, err
		}
		d = found
	}
	if d.lives(now, min(renewal, i.Certificate.NotAfter.Sub(now)/2), i) {
		c.delegates.held[label] = d
		return d.cert, d.signer, nil
	}
	renewed, err := c.renewDelegate(ctx, label, now, life, d, i, purpose, party)
	if err != nil {
		if d.lives(now, 0, i) { // not renewed in time, but good for now
			return d.cert, d.signer, nil
		}
		return nil, nil, fmt.Errorf("ca: delegate %s: %w", label, err)
	}
	c.delegates.held[label] = renewed
	return renewed.cert, renewed.signer, nil
}

// lives says whether d's certificate was issued by i and has at least that much
// life left.
func (d *delegate) lives(now time.Time, left time.Duration, i issuer) bool {
	return d.cert != nil && !now.Before(d.cert.NotBefore) && now.Add(left).Before(d.cert.NotAfter) &&
		string(d.cert.AuthorityKeyId) == string(i.Certificate.SubjectKeyId)
}

// openDelegate reads what rests on the disk: nothing, a key alone (its certificate
// was not finished), or both.
func (c *CA) openDelegate(label string) (*delegate, error) {
	signer, err := c.keys().Open(label)
	if errors.Is(err, fs.ErrNotExist) {
		return &delegate{}, nil
	}
	if err != nil {
		return nil, err
	}
	d := &delegate{signer: signer}
	der, err := os.ReadFile(c.delegatePath(label))
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ca: delegate %s: %w", label, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err == nil && samePublicKey(signer.Public(), cert.PublicKey) {
		d.cert = cert
	}
	return d, nil
}

func (c *CA) delegatePath(label string) string { return filepath.Join(c.config.Dir, label+".cer") }

func (c *CA) renewDelegate(ctx context.Context, label string, now time.Time, life time.Duration, old *delegate, i issuer, purpose profile.Purpose, party profile.Party) (*delegate, error) {
	signer := old.signer
	if signer == nil || old.cert != nil { // a key without certificate was begun and not finished
		made, err := c.keys().Replace(label, secret.P256)
		if err != nil {
			return nil, err
		}
		signer = made
	}
	end := now.Add(life)
	if end.After(i.Certificate.NotAfter) {
		end = i.Certificate.NotAfter
	}
	who := audit.System("issuer")
	record, err := c.draw(i, purpose, Request{PublicKey: signer.Public(), Party: party, Holder: label, NotAfter: end})
	if err != nil {
		return nil, err
	}
	draft := &Draft{record: record, issuer: i}
	if err := c.record(ctx, who, draft); err != nil {
		return nil, err
	}
	cert, err := c.Issue(ctx, who, draft)
	if err != nil {
		return nil, err
	}
	if err := c.config.Files.WriteFile(c.delegatePath(label), cert.Raw, 0o644); err != nil {
		return nil, err
	}
	return &delegate{cert, signer}, nil
}
