package certpath

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidSHA1   = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// reasonHold is certificateHold (RFC 5280, section 5.3.1).
const reasonHold = 6

// OCSP asks a responder about one certificate at a time (RFC 6960), with a fresh
// nonce (RFC 9654) that must come back.
type OCSP struct {
	Client *http.Client // nil: http.DefaultClient without redirects
	// URL overrides the address in the certificate's authorityInfoAccess.
	URL string
	// SHA1 asks with the SHA-1 CertID that older responders know; otherwise
	// SHA-256. It names an issuer, nothing rests on its strength.
	SHA1 bool
	// MaxAge is how old thisUpdate may be, whatever nextUpdate says; 0 is 10
	// minutes.
	MaxAge time.Duration
	// UncheckedResponder accepts a delegated responder whose certificate lacks
	// id-pkix-ocsp-nocheck. Off, such an answer is refused: nobody could say whether
	// the responder itself is still good.
	UncheckedResponder bool
	// Keep, optional, is given every answer that was accepted, in DER: see Kept.
	Keep func(der []byte)
}

// Status asks about cert. Every error wraps ErrNoStatus: an answer that is late,
// forged, for another question or unreadable is no answer.
func (o OCSP) Status(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (Status, error) {
	s, err := o.ask(ctx, cert, issuer, at)
	if err != nil {
		return Status{}, fmt.Errorf("%w: ocsp: %w", ErrNoStatus, err)
	}
	return s, nil
}

func (o OCSP) ask(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (Status, error) {
	url := o.URL
	if url == "" {
		if len(cert.OCSPServer) == 0 {
			return Status{}, errors.New("the certificate names no responder")
		}
		url = cert.OCSPServer[0]
	}
	id, err := o.identify(cert, issuer)
	if err != nil {
		return Status{}, err
	}
	nonce := make([]byte, 32) // RFC 9654, section 2.1: at least 32 octets from a client
	rand.Read(nonce)
	der, err := o.post(ctx, url, encodeRequest(id, nonce))
	if err != nil {
		return Status{}, err
	}
	r, err := parseOCSP(der)
	if err != nil {
		return Status{}, err
	}
	if subtle.ConstantTimeCompare(r.nonce, nonce) != 1 {
		return Status{}, errors.New("the nonce did not come back")
	}
	status, err := o.judge(r, id, issuer, at)
	if err == nil && o.Keep != nil {
		o.Keep(der)
	}
	return status, err
}

func (o OCSP) identify(cert, issuer *x509.Certificate) (certID, error) {
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &spki); err != nil {
		return certID{}, err
	}
	if o.SHA1 {
		name, key := sha1.Sum(issuer.RawSubject), sha1.Sum(spki.Key.Bytes)
		return certID{oidSHA1, name[:], key[:], cert.SerialNumber}, nil
	}
	name, key := sha256.Sum256(issuer.RawSubject), sha256.Sum256(spki.Key.Bytes)
	return certID{oidSHA256, name[:], key[:], cert.SerialNumber}, nil
}

// encodeRequest writes an OCSPRequest (RFC 6960, section 4.1.1) for one
// certificate.
func encodeRequest(id certID, nonce []byte) []byte {
	var b cryptobyte.Builder
	seq := func(b *cryptobyte.Builder, f cryptobyte.BuilderContinuation) { b.AddASN1(cbasn1.SEQUENCE, f) }
	seq(&b, func(b *cryptobyte.Builder) { // OCSPRequest
		seq(b, func(b *cryptobyte.Builder) { // TBSRequest
			seq(b, func(b *cryptobyte.Builder) { // requestList
				seq(b, func(b *cryptobyte.Builder) { // Request
					seq(b, func(b *cryptobyte.Builder) { // CertID
						seq(b, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(id.hash)
							b.AddASN1NULL()
						})
						b.AddASN1OctetString(id.nameHash)
						b.AddASN1OctetString(id.keyHash)
						b.AddASN1BigInt(id.serial)
					})
				})
			})
			b.AddASN1(contextTag(2), func(b *cryptobyte.Builder) { // requestExtensions
				seq(b, func(b *cryptobyte.Builder) {
					seq(b, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidOCSPNonce)
						b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
					})
				})
			})
		})
	})
	return b.BytesOrPanic() // nothing above can fail but by a bug
}

func (o OCSP) post(ctx context.Context, url string, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/ocsp-request")
	return read(noRedirects(o.Client), req, maxOCSP)
}

// read sends req and reads a body of at most limit bytes from a 200 answer.
func read(c *http.Client, req *http.Request, limit int64) ([]byte, error) {
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return body, nil
}

// judge checks who signed the answer, that it is about id, and its moments.
func (o OCSP) judge(r *basicResponse, id certID, issuer *x509.Certificate, at time.Time) (Status, error) {
	if err := o.authorized(r, issuer, at); err != nil {
		return Status{}, err
	}
	var found *singleResponse
	for i := range r.answers {
		if r.answers[i].id.equal(id) {
			if found != nil {
				return Status{}, errors.New("two answers about one certificate")
			}
			found = &r.answers[i]
		}
	}
	if found == nil {
		return Status{}, errors.New("no answer about this certificate")
	}
	if err := o.fresh(r, found, at); err != nil {
		return Status{}, err
	}
	return Status{
		State: found.state, Reason: found.reason, Since: found.revokedAt,
		ThisUpdate: found.thisUpdate, Source: "ocsp",
	}, nil
}

// fresh follows RFC 6960, section 4.2.2.1: not before thisUpdate, not after
// nextUpdate; without nextUpdate the responder has newer news all the time, so
// that only an answer made just now counts.
func (o OCSP) fresh(r *basicResponse, s *singleResponse, at time.Time) error {
	longest := o.MaxAge
	if longest == 0 {
		longest = 10 * time.Minute
	}
	end := s.nextUpdate
	if end.IsZero() {
		end = s.thisUpdate.Add(time.Minute)
	}
	if oldest := s.thisUpdate.Add(longest); end.After(oldest) {
		end = oldest
	}
	switch {
	case s.thisUpdate.After(at.Add(clockSkew)):
		return errors.New("the answer is from the future")
	case end.Add(clockSkew).Before(at):
		return errors.New("the answer is stale")
	case r.producedAt.After(at.Add(clockSkew)), r.producedAt.Before(s.thisUpdate.Add(-clockSkew)):
		return errors.New("the answer was produced at an impossible time")
	case !s.nextUpdate.IsZero() && r.producedAt.After(s.nextUpdate):
		return errors.New("the answer was produced after its own end")
	}
	return nil
}

// authorized checks the signature: by the issuer of the certificate itself, or by
// a responder that this issuer named (RFC 6960, section 4.2.2.2): certificate
// issued directly by it, with id-kp-OCSPSigning.
func (o OCSP) authorized(r *basicResponse, issuer *x509.Certificate, at time.Time) error {
	if o.isResponder(r, issuer) && o.signedBy(r, issuer) == nil {
		return nil
	}
	for _, c := range r.certs {
		if c.Equal(issuer) || !o.isResponder(r, c) {
			continue
		}
		if err := o.delegated(c, issuer, at); err != nil {
			return err
		}
		return o.signedBy(r, c)
	}
	return errors.New("not signed by the issuer or a responder of its")
}

func (o OCSP) signedBy(r *basicResponse, c *x509.Certificate) error {
	if err := strong(r.algorithm, c.PublicKey); err != nil {
		return err
	}
	return c.CheckSignature(r.algorithm, r.tbs, r.signature)
}

// isResponder compares the ResponderID with c.
func (o OCSP) isResponder(r *basicResponse, c *x509.Certificate) bool {
	if r.byName != nil {
		return bytes.Equal(r.byName, c.RawSubject)
	}
	var spki struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &spki); err != nil {
		return false
	}
	sum := sha1.Sum(spki.Key.Bytes)
	return bytes.Equal(r.byKey, sum[:])
}

// delegated checks a responder's certificate.
func (o OCSP) delegated(c, issuer *x509.Certificate, at time.Time) error {
	if !bytes.Equal(c.RawIssuer, issuer.RawSubject) || signed(c, issuer) != nil {
		return errors.New("the responder's certificate is not from the issuer")
	}
	if err := extensions(c); err != nil {
		return err
	}
	if uses, err := extUsages(c); err != nil || !slices.ContainsFunc(uses, oidOCSPSigning.Equal) {
		return errors.New("the responder may not sign OCSP answers")
	}
	if at.Before(c.NotBefore.Add(-clockSkew)) || at.After(c.NotAfter) {
		return errors.New("the responder's certificate is not valid at this time")
	}
	if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return errors.New("the responder's key is not for signatures")
	}
	for _, e := range c.Extensions {
		if e.Id.Equal(oidOCSPNoCheck) {
			return nil
		}
	}
	if o.UncheckedResponder {
		return nil
	}
	return errors.New("the responder's certificate has no id-pkix-ocsp-nocheck")
}
