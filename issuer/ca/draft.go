package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

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
	return one(c.PrepareAll(ctx, who, r))
}

// PrepareAll prepares certificates that are wanted together: they are checked side by
// side and recorded at once, all or none.
func (c *CA) PrepareAll(ctx context.Context, who audit.Actor, requests ...Request) ([]*Draft, error) {
	drafts := make([]*Draft, len(requests))
	for n, r := range requests {
		i, err := c.current(r.Kind)
		if err != nil {
			return nil, err
		}
		drafts[n] = &Draft{issuer: i}
	}
	err := beside(len(requests), func(n int) (err error) {
		drafts[n].record, err = c.draw(drafts[n].issuer, profile.Holder, requests[n])
		return err
	})
	if err != nil {
		return nil, err
	}
	return drafts, c.record(ctx, who, drafts...)
}

// one is the only element of a list.
func one[T any](list []T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}

// beside does n pieces of work side by side, the last of them on the caller's
// goroutine, where a panic of any of them comes out too.
func beside(n int, work func(int) error) error {
	faults := make([]any, n)
	var group errgroup.Group
	for i := range n - 1 {
		group.Go(func() error {
			defer func() { faults[i] = recover() }()
			return work(i)
		})
	}
	err := work(n - 1)
	err = errors.Join(err, group.Wait())
	for _, fault := range faults {
		if fault != nil {
			panic(fault)
		}
	}
	return err
}

// draw makes the record of a draft that its profile allows.
func (c *CA) draw(i issuer, purpose profile.Purpose, r Request) (Record, error) {
	if err := c.config.Ledger.Steady(); err != nil {
		return Record{}, fmt.Errorf("ca: prepare: %w", err)
	}
	now := c.config.Now().UTC().Truncate(time.Second)
	begin := r.NotBefore.UTC().Truncate(time.Second)
	if r.NotBefore.IsZero() {
		begin = now
	}
	if begin.Before(now.Add(-maxBackdate)) {
		return Record{}, fmt.Errorf("ca: prepare: the certificate would begin %s, more than %s ago", begin.Format(time.RFC3339), maxBackdate)
	}
	if r.Hold != "" && !validCause(r.Hold) {
		return Record{}, fmt.Errorf("ca: prepare: no hold has the cause %.20q", r.Hold)
	}
	draft := profile.Certificate{
		Kind: i.Kind, Purpose: purpose, Serial: pki.RandomSerial(), Issuer: i.Issuer, PublicKey: r.PublicKey,
		NotBefore: begin, NotAfter: r.NotAfter.UTC().Truncate(time.Second), Subject: r.Subject, Party: r.Party,
	}
	tbs, err := c.config.Operator.TBS(draft)
	if err != nil {
		return Record{}, fmt.Errorf("ca: prepare: %w", err)
	}
	if err := c.linter.Check(c.config.Operator, tbs, draft); err != nil {
		return Record{}, fmt.Errorf("ca: prepare: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(r.PublicKey)
	if err != nil {
		return Record{}, fmt.Errorf("ca: prepare: %w", err)
	}
	return Record{
		Serial: draft.Serial, Kind: i.Kind, Generation: i.Generation, Purpose: purpose, Partition: draft.Partition(),
		Holder: r.Holder, Ref: r.Ref, KeySHA256: sha256.Sum256(spki),
		NotBefore: draft.NotBefore, NotAfter: draft.NotAfter, TBS: tbs, Hold: r.Hold, PreparedAt: now,
	}, nil
}

// record records drafts that were just drawn. Where there was an earlier one of the
// same reference, that takes the draft's place.
func (c *CA) record(ctx context.Context, who audit.Actor, drafts ...*Draft) error {
	drawn := make([]Record, len(drafts))
	for n, d := range drafts {
		drawn[n] = d.record
	}
	stands, err := c.config.Store.RecordDrafts(ctx, who, drawn...)
	if err != nil {
		return fmt.Errorf("ca: record draft: %w", err)
	}
	for n, d := range drafts {
		if stands[n].Serial == d.record.Serial {
			continue
		}
		if err := c.resume(d, stands[n]); err != nil {
			return err
		}
	}
	return nil
}

// resume makes d the earlier draft of the same reference.
func (c *CA) resume(d *Draft, earlier Record) error {
	asked := d.record
	if earlier.Kind != asked.Kind || earlier.Purpose != asked.Purpose || earlier.KeySHA256 != asked.KeySHA256 || earlier.Holder != asked.Holder {
		return fmt.Errorf("%w: %.60q", ErrRefUsed, asked.Ref)
	}
	i, err := c.generation(earlier.Kind, earlier.Generation)
	d.record, d.issuer = earlier, i
	return err
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
	return one(c.IssueAll(ctx, who, d))
}

// IssueAll issues drafts that are wanted together: they are signed side by side and
// entered at once, all or none.
func (c *CA) IssueAll(ctx context.Context, who audit.Actor, drafts ...*Draft) ([]*x509.Certificate, error) {
	for _, d := range drafts {
		if d == nil || d.used.Swap(true) {
			return nil, ErrDraftUsed
		}
	}
	list := make([]*x509.Certificate, len(drafts))
	signed := make([]status.Issued, len(drafts))
	err := beside(len(drafts), func(n int) (err error) {
		signed[n], list[n], err = c.signDraft(drafts[n])
		return err
	})
	if err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(signed, func(s status.Issued) bool { return s.DER == nil })
	if len(fresh) == 0 {
		return list, nil
	}
	err = c.config.Ledger.Enter(ctx, who, fresh...)
	if errors.Is(err, status.ErrEntered) { // somebody else used the same reference at the same moment
		return c.enterEach(ctx, who, drafts, fresh)
	}
	if err != nil {
		return nil, fmt.Errorf("ca: issue: %w", err)
	}
	for n, d := range drafts {
		if !d.Issued() {
			c.note(ctx, d, list[n])
		}
	}
	return list, nil
}

// signDraft signs a draft that was not issued, and finds the certificate of one that
// was; there is nothing to enter then.
func (c *CA) signDraft(d *Draft) (status.Issued, *x509.Certificate, error) {
	if d.Issued() {
		cert, err := parse(d.record.DER)
		return status.Issued{}, cert, err
	}
	if err := c.config.Ledger.Steady(); err != nil {
		return status.Issued{}, nil, fmt.Errorf("ca: issue: %w", err)
	}
	der, err := d.issuer.sign(d.record.TBS)
	if err != nil {
		return status.Issued{}, nil, err
	}
	cert, err := parse(der)
	return status.Issued{Serial: d.record.Serial, DER: der, Hold: d.record.Hold}, cert, err
}

// enterEach enters what somebody else has entered a part of, and returns what stands
// issued for each draft.
func (c *CA) enterEach(ctx context.Context, who audit.Actor, drafts []*Draft, fresh []status.Issued) ([]*x509.Certificate, error) {
	for _, s := range fresh {
		if err := c.config.Ledger.Enter(ctx, who, s); err != nil && !errors.Is(err, status.ErrEntered) {
			return nil, fmt.Errorf("ca: issue: %w", err)
		}
	}
	var list []*x509.Certificate
	for _, d := range drafts {
		cert, err := c.Certificate(ctx, d.Serial())
		if err != nil {
			return nil, err
		}
		list = append(list, cert)
	}
	return list, nil
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
