package document

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/tsp"
)

// Level is how long a signature can be checked (ETSI EN 319 122-1, 6.1).
type Level string

// The levels beyond B-B.
const (
	LevelT   Level = "B-T"   // a time-stamp proves when it was signed
	LevelLT  Level = "B-LT"  // what is needed to check it is inside
	LevelLTA Level = "B-LTA" // and a time-stamp is over all of it
)

// maxAdded is how much a document may grow by one call of Augment, in bytes.
const maxAdded = 40 << 10

// Augmenter adds to signatures what lets them be checked later.
type Augmenter struct {
	Checker Checker
	// Stamp asks a time-stamp authority (RFC 3161), as tsp.Client.Stamp does.
	Stamp func(ctx context.Context, h crypto.Hash, digest []byte) (*tsp.Token, []byte, error)
	// OCSP is where status is learned; what it answers goes into the signature.
	OCSP certpath.OCSP
	// Now is the time, asked for anew when an answer has to be of a later moment.
	Now func() time.Time
	// Wait sleeps; nil: time.Sleep, as far as ctx lets it.
	Wait func(ctx context.Context, d time.Duration) error
}

// Augment brings a signed document to a level, from whatever level it has: what is
// there already stays. It refuses, with the verdict's problem, a document that does not
// pass: to add to it would give it a look that it does not deserve. It never adds more
// than 40 KB.
//
// A document that is B-LTA already gets one more archive time-stamp, after what is
// needed to check the one before was put into it.
func (a Augmenter) Augment(ctx context.Context, data, content []byte, to Level) ([]byte, error) {
	report := a.Checker.Check(ctx, data, content, a.Now())
	if report.Problem != nil {
		return nil, report.Problem
	}
	var out []byte
	var err error
	switch report.Signatures[0].Format {
	case "PAdES":
		out, err = a.raise(ctx, inPDF{a}, data, content, report, to)
	case "XAdES":
		out, err = a.raise(ctx, inXML{a, content}, data, content, report, to)
	default:
		out, err = a.message(ctx, data, content, report, to)
	}
	if err != nil {
		return nil, err
	}
	if len(out)-len(data) > maxAdded {
		return nil, fmt.Errorf("document: the signature would grow by %d bytes", len(out)-len(data))
	}
	return out, nil
}

// message raises a CMS message.
func (a Augmenter) message(ctx context.Context, der, content []byte, report Report, to Level) ([]byte, error) {
	m, err := cms.Verify(der, content)
	if err != nil {
		return nil, FromCMS(err)
	}
	if report.Signatures[0].Proven.IsZero() { // what may be there proves nothing
		if err := a.stamp(ctx, m); err != nil {
			return nil, err
		}
	}
	if to != LevelT {
		if err := a.validationData(ctx, m, report.Signatures[0].Path); err != nil {
			return nil, err
		}
	}
	if to == LevelLTA {
		if err := a.archive(ctx, m); err != nil {
			return nil, err
		}
	}
	return m.Marshal()
}

// stamp adds a signature-time-stamp.
func (a Augmenter) stamp(ctx context.Context, m *cms.Signed) error {
	_, der, err := a.Stamp(ctx, crypto.SHA256, m.SignatureImprint(crypto.SHA256))
	if err != nil {
		return err
	}
	return m.AddSignatureTimeStamp(der)
}

// validationData adds certificates and OCSP answers: the signer's to the signature,
// each time-stamp authority's to its token. Tokens under an archive time-stamp stay as
// they are.
func (a Augmenter) validationData(ctx context.Context, m *cms.Signed, path []*x509.Certificate) error {
	archives := m.ArchiveTimeStamps()
	tokens := archives
	if len(archives) == 0 {
		tokens = m.SignatureTimeStamps()
	}
	var proven time.Time
	for _, der := range slices.Clone(tokens) {
		token, err := cms.VerifyTSTInfo(der)
		if err != nil {
			return FromCMS(err)
		}
		carried, err := token.ValidationData()
		if err != nil {
			return FromCMS(err)
		}
		info, err := tsp.ParseInfo(token.Content)
		if err != nil {
			return ErrStampMalformed.Because(err)
		}
		when := info.Proven()
		if when.After(proven) {
			proven = when
		}
		if len(carried.OCSP) > 0 {
			continue
		}
		chain, err := certpath.Validate(token.Certificate, token.Certificates, a.Checker.anchors(pki.Ops), certpath.ForRole(a.Checker.Arc, pki.RoleTSA), a.Now())
		if err != nil {
			return ErrStampAuthority.Because(err)
		}
		data, err := a.collect(ctx, chain, when)
		if err != nil {
			return err
		}
		if err := token.AddValidationData(data); err != nil {
			return err
		}
		with, err := token.Marshal()
		if err != nil {
			return err
		}
		if err := m.ReplaceTimeStamp(der, with); err != nil {
			return err
		}
	}
	if len(archives) > 0 {
		return nil
	}
	carried, err := m.ValidationData()
	if err != nil || len(carried.OCSP) > 0 {
		return FromCMS(err)
	}
	data, err := a.collect(ctx, path, proven)
	if err != nil {
		return err
	}
	return m.AddValidationData(data)
}

// triesForStatus is how often a responder is asked that is behind the time-stamp.
const triesForStatus = 6

// collect is what the message carries about path's first certificate: those above it,
// and an answer as revocation-values take it.
func (a Augmenter) collect(ctx context.Context, path []*x509.Certificate, moment time.Time) (cms.ValidationData, error) {
	answer, err := a.answer(ctx, path, moment)
	if err != nil {
		return cms.ValidationData{}, err
	}
	basic, err := certpath.BasicOCSP(answer)
	if err != nil {
		return cms.ValidationData{}, ErrStatusUnavailable.Because(err)
	}
	return cms.ValidationData{Certificates: path[1:], OCSP: [][]byte{basic}}, nil
}

// answer asks for the status of path's first certificate until the answer is of moment or
// later: one from before a time-stamp says nothing about it.
func (a Augmenter) answer(ctx context.Context, path []*x509.Certificate, moment time.Time) ([]byte, error) {
	var kept []byte
	ocsp := a.OCSP
	ocsp.Keep = func(der []byte) { kept = bytes.Clone(der) }
	for range triesForStatus {
		s, err := ocsp.Status(ctx, path[0], path[1], a.Now())
		switch {
		case err != nil:
			return nil, ErrStatusUnavailable.Because(err)
		case s.State != certpath.Good:
			return nil, ErrStatusUnavailable.Because(fmt.Errorf("document: the certificate is %s by now", s.State))
		case !s.ThisUpdate.Before(moment):
			return kept, nil
		}
		if err := a.wait(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	return nil, ErrStatusUnavailable.Because(errors.New("document: the responder is behind the time-stamp"))
}

func (a Augmenter) wait(ctx context.Context, d time.Duration) error {
	if a.Wait != nil {
		return a.Wait(ctx, d)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// archive adds an archive-time-stamp-v3 over everything.
func (a Augmenter) archive(ctx context.Context, m *cms.Signed) error {
	index, err := m.HashIndex(crypto.SHA256)
	if err != nil {
		return err
	}
	imprint, err := m.ArchiveImprint(crypto.SHA256, index)
	if err != nil {
		return err
	}
	_, der, err := a.Stamp(ctx, crypto.SHA256, imprint)
	if err != nil {
		return err
	}
	return m.AddArchiveTimeStamp(der, index)
}
