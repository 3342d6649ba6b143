// Package document says whether a signed document may be relied on: one verdict for
// each signature in it, whatever the format.
//
// It owns the order of the checks, the rule by which a time-stamp proves when a
// document was signed, the words of the verdict, and the evidence from which the same
// verdict can be made again. Formats are read by others: CAdES by
// internal/cms, PAdES by internal/pades, XAdES by internal/xades. Paths and status are package certpath's,
// time-stamp tokens package tsp's.
//
// It follows ETSI EN 319 102-1 for the order and the words, and EN 319 122-1, 142-1 and
// 132-1 for the formats. Where a sub-indication of ours stands under another indication than there,
// docs/verdicts.md says why.
//
// # Trust
//
// The document is a stranger's, with all that came along in it. Trusted are the
// anchors, for their kinds only: a signature is a person's when its certificate is of
// a signature authority (card or phone), never of an authentication authority; a time
// is proven when its token's certificate is of the operations authority and for
// time-stamping. When status cannot be learned, nothing passes.
package document

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// Anchor is one authority that is believed, for its kind.
type Anchor struct {
	Kind        pki.Kind
	Certificate *x509.Certificate
}

// Checker checks documents. Its methods may be called at once.
type Checker struct {
	Arc     pki.Arc
	Anchors []Anchor // card-sign and phone-sign; ops for time-stamps
	// Status is asked for the status of certificates now, where what the document
	// carries does not say enough. nil: nobody is asked.
	Status certpath.StatusSource
	// Kept are OCSP answers that somebody kept for this document, beside those in it.
	Kept [][]byte
}

// formats are what is read here.
var formats = []format{cades{}, padesFormat{}, xadesFormat{}}

// format is how a kind of signed document joins in.
type format interface {
	// Is says whether data is of this format, by its first bytes.
	Is(data []byte) bool
	// Read returns the signatures in data, unchecked. content is what a detached
	// signature is over, or nil. An error is a *problem.Problem: see Malformed.
	Read(data, content []byte) ([]Signature, error)
}

// Signature is one signature as its format's reader found it.
type Signature struct {
	Format       string // "CAdES", "PAdES", "XAdES"
	Level        string // what is there, unchecked: "B-B", "B-T", "B-LT", "B-LTA"
	Certificate  *x509.Certificate
	Certificates []*x509.Certificate // all that came along
	OCSP         [][]byte            // answers that came along
	Claimed      time.Time           // when the signer says to have signed; zero: does not say
	// Findings are what the reader found wrong with the document around the
	// signature, such as changes after it. Any of them makes the signature fail.
	Findings []*problem.Problem
	// Verify checks digest and signature: nil, or one of this package's problems
	// (ErrContentMissing, ErrContentChanged, ErrAlgorithm, ErrSignature, …).
	Verify func() error
	// TimeStamps are over the signature or, archive time-stamps, over all of it.
	TimeStamps []TimeStamp
}

// TimeStamp is one time-stamp token of a signature, unchecked.
type TimeStamp struct {
	DER     []byte
	Imprint func(h crypto.Hash) []byte // what it must be over; nil when that cannot be told
	// Covers says whether it also covers another token of the same signature.
	Covers func(token []byte) bool
}

// Result is the verdict on one signature, and what it rests on.
type Result struct {
	Format, Level string
	Verdict       ceremony.Verdict
	SubIndication string           // ETSI EN 319 102-1, tables 5 and 6; empty when passed
	Problem       *problem.Problem // nil when passed

	Certificate *x509.Certificate // of the signer; nil when none was found
	Kind        pki.Kind          // "card-sign" or "phone-sign"; empty when it is neither
	Path        []*x509.Certificate
	Claimed     time.Time // by the signer
	Proven      time.Time // by a time-stamp: the signature existed then; zero when nothing proves it
	Status      certpath.Status
	TimeStamps  []TimeStampResult
}

// TimeStampResult is what was found about one token.
type TimeStampResult struct {
	Time    time.Time
	Problem *problem.Problem // nil: it proves its time
	Path    []*x509.Certificate
	Status  certpath.Status
}

// Report is the verdict on a document.
type Report struct {
	At            time.Time
	Verdict       ceremony.Verdict
	SubIndication string
	Problem       *problem.Problem // of the first signature that did not pass; nil when all did
	Signatures    []Result
}

// Check checks a document as of at. content is what a detached signature is over, nil
// for one with its content inside. The report always has a verdict: passed when every
// signature passed, failed when one failed, indeterminate otherwise.
func (c Checker) Check(ctx context.Context, data, content []byte, at time.Time) Report {
	c = c.asking()
	r := Report{At: at.UTC()}
	signatures, err := c.read(data, content)
	if err != nil {
		r.Signatures = []Result{refused(err)}
	}
	for _, s := range signatures {
		r.Signatures = append(r.Signatures, c.judge(ctx, s, at))
	}
	return r.sum()
}

// sum makes the verdict on the whole of the verdicts on each.
func (r Report) sum() Report {
	r.Verdict = ceremony.Passed
	for _, one := range r.Signatures {
		if one.Verdict == ceremony.Passed || r.Verdict == ceremony.Failed || r.Verdict == one.Verdict {
			continue
		}
		r.Verdict, r.SubIndication, r.Problem = one.Verdict, one.SubIndication, one.Problem
	}
	return r
}

// Together is one report on several: several messages over one content.
func Together(reports ...Report) Report {
	var all Report
	for _, r := range reports {
		all.At = r.At
		all.Signatures = append(all.Signatures, r.Signatures...)
	}
	return all.sum()
}

// maxSignatures bounds the work that one document makes.
const maxSignatures = 32

func (c Checker) read(data, content []byte) ([]Signature, error) {
	for _, f := range formats {
		if !f.Is(data) {
			continue
		}
		found, err := f.Read(data, content)
		switch {
		case err != nil:
			return nil, err
		case len(found) == 0:
			return nil, ErrNoSignature
		case len(found) > maxSignatures:
			return nil, Malformed(fmt.Errorf("document: %d signatures", len(found)))
		}
		return found, nil
	}
	return nil, ErrFormat
}

// refused is the result of what failed before a signature could be looked at.
func refused(err error) Result { return Result{}.because(err) }

// because gives a result its verdict.
func (r Result) because(err error) Result {
	if err == nil {
		r.Verdict, r.SubIndication, r.Problem = ceremony.Passed, "", nil
		return r
	}
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		p = Malformed(err)
	}
	r.Problem = p
	r.Verdict, r.SubIndication = indication(p.Code)
	return r
}

// judge checks one signature in the order of the ceremony's checks: malformed,
// unsupported certificate, another content, signature mismatch, path invalid,
// certificate expired, revoked or on hold, status unknown.
func (c Checker) judge(ctx context.Context, s Signature, at time.Time) Result {
	r := Result{Format: s.Format, Level: s.Level, Certificate: s.Certificate, Claimed: s.Claimed}
	for _, p := range s.Findings {
		return r.because(p)
	}
	if s.Certificate == nil || s.Verify == nil {
		return r.because(Malformed(errors.New("document: a signature without certificate")))
	}
	if c.forAuthentication(s.Certificate) {
		return r.because(ErrCertificateKind)
	}
	if err := s.Verify(); err != nil {
		return r.because(err)
	}
	stamps, proven := c.proof(ctx, s, at)
	r.TimeStamps, r.Proven = stamps, proven
	if proven.IsZero() && r.Level != "" {
		r.Level = "B-B" // whatever else is there proves nothing
	}
	path, kind, err := c.signerPath(s, r.moment(at))
	if path == nil {
		return r.because(err)
	}
	r.Path, r.Kind = path, kind
	if err := r.inTime(err); err != nil {
		return r.because(err)
	}
	r.Status, err = c.status(ctx, question{path: path, carried: s.OCSP, proven: r.Proven}, at)
	return r.because(r.standing(err))
}

// moment is the one as of which the signer's certificate must be good: the proven one
// or, when nothing proves one, now.
func (r Result) moment(at time.Time) time.Time {
	if r.Proven.IsZero() {
		return at
	}
	return r.Proven
}
