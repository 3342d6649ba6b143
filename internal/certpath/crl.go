package certpath

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/pki"
)

// ErrRollback: a CRL older than one that was seen before.
var ErrRollback = errors.New("certpath: the CRL is older than one seen before")

// Marks remembers, over restarts, the highest number seen under a name, so that
// nobody can put an older list or feed in front of us.
type Marks interface {
	// Mark returns the highest number kept under name, 0 when there is none.
	Mark(ctx context.Context, name string) (uint64, error)
	// RaiseMark keeps n under name durably, unless a higher one is there.
	RaiseMark(ctx context.Context, name string, n uint64) error
}

// CRL reads the partition that a certificate names (RFC 5280, section 5). Lists
// are kept until Refresh has passed, and never used after their nextUpdate. It is
// safe for concurrent use.
//
// The roles of this program follow the feed. This is for a gateway of somebody who is
// given none (gateway.Config.Feed nil), behind OCSP by InOrder: package gateway's tests
// run it so, and hold our CRLs against a reading that is not their maker's.
type CRL struct {
	Client *http.Client // nil: http.DefaultClient without redirects
	// Locate overrides the address in the certificate's CRL distribution point.
	Locate func(cert *x509.Certificate) string
	// Refresh is how long a list is used before it is fetched again; 0 is a minute.
	Refresh time.Duration
	// Marks keeps CRL numbers over restarts; nil keeps them in memory only.
	Marks Marks

	mu    sync.Mutex // guards lists and seen
	lists map[string]*list
	seen  map[string]*big.Int
}

// list is one checked CRL.
type list struct {
	crl     *x509.RevocationList
	revoked map[string]x509.RevocationListEntry
	fetched time.Time
}

// Status looks cert up in its partition. Every error wraps ErrNoStatus. A CRL
// cannot say Unknown: a certificate that is not listed is Good.
func (c *CRL) Status(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (Status, error) {
	l, err := c.current(ctx, cert, issuer, at)
	if err != nil {
		return Status{}, fmt.Errorf("%w: crl: %w", ErrNoStatus, err)
	}
	s := Status{State: Good, ThisUpdate: l.crl.ThisUpdate, Source: "crl"}
	e, listed := l.revoked[string(cert.SerialNumber.Bytes())]
	if !listed {
		return s, nil
	}
	s.State, s.Reason, s.Since = Revoked, e.ReasonCode, e.RevocationTime
	if e.ReasonCode == reasonHold {
		s.State = Held
	}
	return s, nil
}

func (c *CRL) current(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (*list, error) {
	url := c.locate(cert)
	if url == "" {
		return nil, errors.New("the certificate names no CRL")
	}
	refresh := c.Refresh
	if refresh == 0 {
		refresh = time.Minute
	}
	name := pki.Fingerprint(issuer.Raw) + " " + url
	c.mu.Lock()
	l := c.lists[name]
	c.mu.Unlock()
	if l != nil && !at.Before(l.fetched) && at.Sub(l.fetched) < refresh && !l.crl.NextUpdate.Before(at) {
		return l, nil
	}
	der, err := c.get(ctx, url)
	if err != nil {
		return nil, err
	}
	if l, err = checkCRL(der, cert, issuer, at); err != nil {
		return nil, err
	}
	l.fetched = at
	return l, c.keep(ctx, name, l)
}

// keep stores l unless its number is lower than one seen before under name.
// RFC 5280, section 5.2.3: numbers increase monotonically.
func (c *CRL) keep(ctx context.Context, name string, l *list) error {
	if c.Marks != nil {
		if !l.crl.Number.IsUint64() {
			return errors.New("the CRL number is too large")
		}
		highest, err := c.Marks.Mark(ctx, "crl "+name)
		if err != nil {
			return err
		}
		if l.crl.Number.Uint64() < highest {
			return ErrRollback
		}
		if l.crl.Number.Uint64() > highest {
			if err := c.Marks.RaiseMark(ctx, "crl "+name, l.crl.Number.Uint64()); err != nil {
				return err
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.seen[name]; old != nil && l.crl.Number.Cmp(old) < 0 {
		return ErrRollback
	}
	if c.lists == nil {
		c.lists, c.seen = map[string]*list{}, map[string]*big.Int{}
	}
	c.lists[name], c.seen[name] = l, l.crl.Number
	return nil
}

func (c *CRL) locate(cert *x509.Certificate) string {
	if c.Locate != nil {
		return c.Locate(cert)
	}
	for _, u := range cert.CRLDistributionPoints {
		if strings.HasPrefix(u, "http://") || strings.HasPrefix(u, "https://") {
			return u
		}
	}
	return ""
}

func (c *CRL) get(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return read(noRedirects(c.Client), req, maxCRL)
}

// checkCRL checks a list against the certificate it is to speak about (RFC 5280,
// section 6.3.3).
func checkCRL(der []byte, cert, issuer *x509.Certificate, at time.Time) (*list, error) {
	crl, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, errors.New("malformed CRL")
	}
	// Section 6.3.3 (b), (f), (g): from the issuer, whose key may sign CRLs.
	if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) || !bytes.Equal(crl.AuthorityKeyId, issuer.SubjectKeyId) {
		return nil, errors.New("the CRL is of another issuer")
	}
	if issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return nil, errors.New("the issuer may not sign CRLs")
	}
	if err := strong(crl.SignatureAlgorithm, issuer.PublicKey); err != nil {
		return nil, err
	}
	if err := issuer.CheckSignature(crl.SignatureAlgorithm, crl.RawTBSRevocationList, crl.Signature); err != nil {
		return nil, errors.New("the CRL's signature does not fit")
	}
	if crl.ThisUpdate.After(at.Add(clockSkew)) {
		return nil, errors.New("the CRL is from the future")
	}
	// Section 5.1.2.5: nextUpdate is always there; afterwards the list says nothing.
	if crl.NextUpdate.IsZero() || crl.NextUpdate.Before(at) {
		return nil, errors.New("the CRL is stale")
	}
	if crl.Number == nil {
		return nil, errors.New("the CRL has no number")
	}
	for _, e := range crl.Extensions {
		switch {
		case e.Id.Equal(oidIssuingPoint):
			if err := covers(e.Value, cert); err != nil {
				return nil, err
			}
		case e.Critical && !e.Id.Equal(oidCRLNumber) && !e.Id.Equal(oidAuthorityKeyID):
			// Section 5.2: an unknown critical extension (a delta CRL's too) makes the list
			// unusable for saying that a certificate is good.
			return nil, fmt.Errorf("%w: critical %s in a CRL", ErrExtension, e.Id)
		}
	}
	return index(crl)
}

// index makes the list searchable, and refuses entries it could misread.
func index(crl *x509.RevocationList) (*list, error) {
	l := &list{crl: crl, revoked: make(map[string]x509.RevocationListEntry, len(crl.RevokedCertificateEntries))}
	for _, e := range crl.RevokedCertificateEntries {
		for _, x := range e.Extensions {
			// Section 5.3: as with lists. certificateIssuer (indirect CRLs) is one of them.
			if x.Critical && !x.Id.Equal(oidReasonCode) && !x.Id.Equal(oidInvalidityDate) {
				return nil, fmt.Errorf("%w: critical %s in a CRL entry", ErrExtension, x.Id)
			}
		}
		l.revoked[string(e.SerialNumber.Bytes())] = e
	}
	return l, nil
}

// covers reads issuingDistributionPoint (section 5.2.5) and checks that the list
// is complete for cert: its partition, all reasons, end entities, one issuer.
func covers(value []byte, cert *x509.Certificate) error {
	var idp, point, full cryptobyte.String
	var has bool
	in := cryptobyte.String(value)
	bad := errors.New("malformed issuing distribution point")
	if !in.ReadASN1(&idp, cbasn1.SEQUENCE) || !in.Empty() || !idp.ReadOptionalASN1(&point, &has, contextTag(0)) {
		return bad
	}
	if has {
		if !point.ReadASN1(&full, contextTag(0)) || !point.Empty() { // nameRelativeToCRLIssuer is not used here
			return bad
		}
		names, err := generalNames(full)
		if err != nil {
			return bad
		}
		// Section 6.3.3 (b)(2)(i): one of the names is among those of the certificate's
		// distribution point.
		own, err := pointsOf(cert)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(names, func(n string) bool { return slices.Contains(own, n) }) {
			return errors.New("the CRL is of another partition")
		}
	}
	for !idp.Empty() {
		var flag cryptobyte.String
		var tag cbasn1.Tag
		if !idp.ReadAnyASN1(&flag, &tag) {
			return bad
		}
		onlyUser := tag == cbasn1.Tag(1).ContextSpecific()
		onlyCA := tag == cbasn1.Tag(2).ContextSpecific()
		if onlyUser && !cert.IsCA || onlyCA && cert.IsCA {
			if len(flag) != 1 || flag[0] != 0xFF { // DER: TRUE, or absent
				return bad
			}
			continue
		}
		// onlySomeReasons, indirectCRL, onlyContainsAttributeCerts, or not our sort.
		return errors.New("the CRL does not cover this certificate")
	}
	return nil
}

// generalNames reads GeneralNames as their DER, for comparing.
func generalNames(in cryptobyte.String) ([]string, error) {
	var names []string
	for !in.Empty() {
		var name cryptobyte.String
		var tag cbasn1.Tag
		if !in.ReadAnyASN1Element(&name, &tag) || len(names) == 16 {
			return nil, errors.New("malformed names")
		}
		names = append(names, string(name))
	}
	return names, nil
}

var oidCRLPoints = asn1.ObjectIdentifier{2, 5, 29, 31}

// pointsOf reads the names of the certificate's own distribution points.
func pointsOf(cert *x509.Certificate) ([]string, error) {
	bad := errors.New("malformed CRL distribution points")
	var names []string
	for _, e := range cert.Extensions {
		if !e.Id.Equal(oidCRLPoints) {
			continue
		}
		in := cryptobyte.String(e.Value)
		var list cryptobyte.String
		if !in.ReadASN1(&list, cbasn1.SEQUENCE) || !in.Empty() {
			return nil, bad
		}
		for !list.Empty() {
			var one, point, full cryptobyte.String
			var has bool
			if !list.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadOptionalASN1(&point, &has, contextTag(0)) {
				return nil, bad
			}
			// reasons or cRLIssuer: the list would be incomplete or indirect.
			if !has || !one.Empty() || !point.ReadASN1(&full, contextTag(0)) {
				continue
			}
			more, err := generalNames(full)
			if err != nil {
				return nil, bad
			}
			names = append(names, more...)
		}
	}
	return names, nil
}
