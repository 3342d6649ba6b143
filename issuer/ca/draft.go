package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/issuer/profile"
	"tegata/issuer/status"
)

// Request asks for one certificate.
type Request struct {
	// Ref makes the request repeatable: a second Prepare under the same Ref finds
	// the first one's draft or certificate instead of making another. It is the
	// caller's, for example "enrolment ID auth". Empty: each Prepare is new.
	Ref       string
	Kind      pki.Kind
	PublicKey crypto.PublicKey // the caller has checked that the holder has the private key
	Subject   profile.Subject  // persons
	Party     profile.Party    // ops
	Holder    string           // random id of the holder, or the party's id
	NotBefore time.Time        // zero: now
	NotAfter  time.Time        // inclusive; for a phone never beyond the card's certificate
	Hold      status.Cause     // issued on hold; empty: issued good
}

// A Draft is permission to sign one certificate: it passed its profile's checks
// and it is recorded. Only Prepare makes one; Issue uses it up.
type Draft struct {
	record Record
	issuer issuer
	used   atomic.Bool
}

// Serial is the recorded serial number.
func (d *Draft) Serial() pki.Serial { return d.record.Serial }

// Issued says that the certificate was issued by an earlier Issue of the same Ref:
// Issue will return that one.
func (d *Draft) Issued() bool { return d.record.DER != nil }

// maxBackdate is how far before now a certificate may begin.
const maxBackdate = time.Hour

// Prepare makes the certificate that r asks for, all but its signature, checks it
// and records it. When it returns nil the draft is durable. It returns a
// *profile.LintError or another error of package profile when no profile allows
// the certificate, and ErrRefUsed when r.Ref was used with another key or kind.
func (c *CA) Prepare(ctx context.Context, who audit.Actor, r Request) (*Draft, error) {
	i, err := c.current(r.Kind)
	if err != nil {
		return nil, err
	}
	return c.prepare(ctx, who, i, profile.Holder, r)
}

func (c *CA) prepare(ctx context.Context, who audit.Actor, i issuer, purpose profile.Purpose, r Request) (*Draft, error) {
	if err := c.config.Ledger.Steady(); err != nil {
		return nil, fmt.Errorf("ca: prepare: %w", err)
	}
	now := c.config.Now().UTC().Truncate(time.Second)
	begin := r.NotBefore.UTC().Truncate(time.Second)
	if r.NotBefore.IsZero() {
		begin = now
	}
	if begin.Before(now.Add(-maxBackdate)) {
		return nil, fmt.Errorf("ca: prepare: the certificate would begin %s, more than %s ago", begin.Format(time.RFC3339), maxBackdate)
	}
	if r.Hold != "" && !validCause(r.Hold) {
		return nil, fmt.Errorf("ca: prepare: no hold has the cause %.20q", r.Hold)
	}
	draft := profile.Certificate{
		Kind: i.Kind, Purpose: purpose, Serial: pki.RandomSerial(), Issuer: i.Issuer, PublicKey: r.PublicKey,
		NotBefore: begin, NotAfter: r.NotAfter.UTC().Truncate(time.Second), Subject: r.Subject, Party: r.Party,
	}
	tbs, err := c.config.Operator.TBS(draft)
	if err != nil {
		return nil, fmt.Errorf("ca: prepare: %w", err)
	}
	if err := c.linter.Check(c.config.Operator, tbs, draft); err != nil {
		return nil, fmt.Errorf("ca: prepare: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(r.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("ca: prepare: %w", err)
	}
	record := Record{
		Serial: draft.Serial, Kind: i.Kind, Generation: i.Generation, Purpose: purpose, Partition: draft.Partition(),
		Holder: r.Holder, Ref: r.Ref, KeySHA256: sha256.Sum256(spki),
		NotBefore: draft.NotBefore, NotAfter: draft.NotAfter, TBS: tbs, Hold: r.Hold, PreparedAt: now,
	}
	earlier, found, err := c.config.Store.RecordDraft(ctx, who, record)
	if err != nil {
		return nil, fmt.Errorf("ca: record draft: %w", err)
	}
	if found {
		return c.resume(record, earlier)
	}
	return &Draft{record: record, issuer: i}, nil
}

// resume gives the earlier draft of the same reference.
func (c *CA) resume(asked, earlier Record) (*Draft, error) {
	if earlier.Kind != asked.Kind || earlier.Purpose != asked.Purpose || earlier.KeySHA256 != asked.KeySHA256 || earlier.Holder != asked.Holder {
		return nil, fmt.Errorf("%w: %.60q", ErrRefUsed, asked.Ref)
	}
	i, err := c.generation(earlier.Kind, earlier.Generation)
	if err != nil {
		return nil, err
	}
	return &Draft{record: earlier, issuer: i}, nil
}

func validCause(cause status.Cause) bool {
	for _, c := range status.Causes() {
		if c == cause {
			return true
		}
	}
	return false
}

// Issue signs a draft and enters it into the ledger. A certificate is returned
// only when the ledger holds it as issued; the signature of a step that failed is
// forgotten with the error. ErrDraftUsed at a second call with the same draft;
// after any other error, Prepare with the same Ref goes on.
func (c *CA) Issue(ctx context.Context, who audit.Actor, d *Draft) (*x509.Certificate, error) {
	if d == nil || d.used.Swap(true) {
		return nil, ErrDraftUsed
	}
	if d.Issued() {
		return parse(d.record.DER)
	}
	if err := c.config.Ledger.Steady(); err != nil {
		return nil, fmt.Errorf("ca: issue: %w", err)
	}
	der, err := d.issuer.sign(d.record.TBS)
	if err != nil {
		return nil, err
	}
	err = c.config.Ledger.Enter(ctx, who, d.record.Serial, der, d.record.Hold)
	if errors.Is(err, status.ErrEntered) { // somebody else used the same reference at the same moment
		return c.Certificate(ctx, d.record.Serial)
	}
	if err != nil {
		return nil, fmt.Errorf("ca: issue: %w", err)
	}
	cert, err := parse(der)
	if err == nil {
		c.note(ctx, d, cert)
	}
	return cert, err
}

func parse(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(bytes.Clone(der))
	if err != nil {
		return nil, fmt.Errorf("ca: the recorded certificate does not parse: %w", err)
	}
	return cert, nil
}

// Certificate finds an issued certificate by its serial number. ErrNotRecorded
// when none was issued under it.
func (c *CA) Certificate(ctx context.Context, serial pki.Serial) (*x509.Certificate, error) {
	r, err := c.config.Store.FindRecord(ctx, serial)
	if err != nil {
		return nil, fmt.Errorf("ca: certificate %s: %w", serial, err)
	}
	if r.DER == nil {
		return nil, fmt.Errorf("ca: certificate %s: %w", serial, ErrNotRecorded)
	}
	return parse(r.DER)
}

// CertificatesOf lists the issued certificates of a holder, the oldest first.
func (c *CA) CertificatesOf(ctx context.Context, holder string) ([]*x509.Certificate, error) {
	records, err := c.config.Store.RecordsOf(ctx, holder)
	if err != nil {
		return nil, fmt.Errorf("ca: certificates of %s: %w", holder, err)
	}
	var list []*x509.Certificate
	for _, r := range records {
		if r.DER == nil {
			continue
		}
		cert, err := parse(r.DER)
		if err != nil {
			return nil, err
		}
		list = append(list, cert)
	}
	return list, nil
}

func (c *CA) note(ctx context.Context, d *Draft, cert *x509.Certificate) {
	c.config.Trace.Note(ctx, trace.Event{
		At: c.config.Now(), From: "issuer", Kind: "certificate",
		TitleJA: "認証局が証明書を発行しました", TitleEN: "The authority issued a certificate",
		Detail: map[string]string{"authority": d.issuer.Label(), "serial": d.record.Serial.String(), "not_after": cert.NotAfter.Format(time.RFC3339)},
		PEM:    string(pki.EncodePEM(cert.Raw)),
		Check:  "openssl verify -partial_chain -trusted " + d.issuer.Label() + ".pem certificate.pem",
	})
}
