package certpath

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tegata/internal/feed"
	"tegata/internal/pki"
)

// State is what is known about a certificate (RFC 6960, section 2.2). Held is
// revoked with reason certificateHold: it may become good again.
type State string

// The four states.
const (
	Good    State = "good"
	Held    State = "held"
	Revoked State = "revoked"
	Unknown State = "unknown" // the source answers, and does not know the certificate
)

// Status is the answer of a source about one certificate.
type Status struct {
	State      State
	Reason     int       // RFC 5280, section 5.3.1, when held or revoked
	Since      time.Time // when held or revoked
	GoodSince  time.Time // the moment the pair became good; zero when the source does not say
	ThisUpdate time.Time // of which moment the answer is
	Source     string    // "feed", "ocsp" or "crl"
}

// ErrNoStatus: status could not be learned now, or not reliably. The caller
// decides that this is a refusal; nothing here is ever softer.
var ErrNoStatus = errors.New("certpath: status could not be learned")

// A StatusSource tells whether cert, issued by issuer, is good as of at. cert must
// have been validated. Every error wraps ErrNoStatus.
type StatusSource interface {
	Status(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (Status, error)
}

// InOrder asks one source after the other until one knows: an error or Unknown
// moves on to the next. The last word counts. For those who have no feed: see CRL.
func InOrder(sources ...StatusSource) StatusSource { return inOrder(sources) }

type inOrder []StatusSource

func (s inOrder) Status(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (Status, error) {
	status, err := Status{}, ErrNoStatus
	for _, source := range s {
		status, err = source.Status(ctx, cert, issuer, at)
		if err == nil && status.State != Unknown {
			return status, nil
		}
	}
	return status, err
}

// Feed answers from a follower's copy of the change feed.
type Feed struct {
	Index *feed.Index
	// Label returns the name by which the feed calls an authority.
	Label func(issuer *x509.Certificate) (string, bool)
}

// Status looks cert up. ErrNoStatus when the feed is older than a minute.
func (f Feed) Status(_ context.Context, cert, issuer *x509.Certificate, at time.Time) (Status, error) {
	label, ok := f.Label(issuer)
	if !ok {
		return Status{}, fmt.Errorf("%w: the feed does not cover this authority", ErrNoStatus)
	}
	e, asOf, known, err := f.Index.Lookup(label, pki.SerialOf(cert).String(), at)
	if err != nil {
		return Status{}, fmt.Errorf("%w: %w", ErrNoStatus, err)
	}
	s := Status{State: Unknown, ThisUpdate: asOf, Source: "feed"}
	if !known {
		return s, nil
	}
	if e.GoodMS > 0 {
		s.GoodSince = time.UnixMilli(e.GoodMS).UTC()
	}
	switch e.Status {
	case feed.Good:
		s.State = Good
		return s, nil
	case feed.Held:
		s.State = Held
	case feed.Revoked:
		s.State = Revoked
	}
	s.Reason, s.Since = e.Reason, time.UnixMilli(e.AtMS).UTC()
	return s, nil
}

// Fetch limits. A source's Client has no redirects and a time-out of its own;
// these hold whatever it allows.
const (
	fetchTimeout = 5 * time.Second
	maxOCSP      = 64 << 10 // bytes
	maxCRL       = 16 << 20 // bytes
	clockSkew    = 30 * time.Second
)

// noRedirects returns a copy of c that follows no redirect: status comes from the
// address in the certificate or not at all.
func noRedirects(c *http.Client) *http.Client {
	d := *http.DefaultClient
	if c != nil {
		d = *c
	}
	d.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &d
}
