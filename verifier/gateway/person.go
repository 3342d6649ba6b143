package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// knowPerson finds the person behind the answer's certificate. An error is a problem
// of kind could-not-check, and leaves the person empty.
func (g *Gateway) knowPerson(ctx context.Context, a *attempt) (err error) {
	a.person, err = g.personOf(ctx, a.leaf, a.at)
	return err
}

// personOf finds the person behind a certificate: asked once per certificate, then
// remembered.
func (g *Gateway) personOf(ctx context.Context, leaf *x509.Certificate, at time.Time) (string, error) {
	fingerprint := sha256.Sum256(leaf.Raw)
	person, err := g.c.Store.Person(ctx, fingerprint)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return person, err
	}
	if g.c.Issuer == "" {
		// Nobody links certificates for us: the certificate is all we know of the person.
		person = "certificate:" + base64.RawURLEncoding.EncodeToString(fingerprint[:])
	} else {
		var answer ceremony.Linkage
		query := ceremony.LinkageQuery{Certificate: base64.StdEncoding.EncodeToString(leaf.Raw)}
		if err := g.askIssuer(ctx, "/v1/verifier/linkage", query, &answer, at); err != nil {
			return "", ErrLinkage.Because(err)
		}
		if answer.Person == "" || len(answer.Person) > 200 {
			return "", ErrLinkage.Because(errors.New("gateway: the issuer named nobody"))
		}
		person = answer.Person
	}
	if err := g.c.Store.PutPerson(ctx, fingerprint, person, at); err != nil {
		return "", err
	}
	return person, nil
}

// fetchAttributes asks the issuer for what the holder released.
func (g *Gateway) fetchAttributes(ctx context.Context, a *attempt) error {
	a.given = map[string]string{}
	if a.release == nil {
		return nil
	}
	var answer ceremony.Attributes
	err := g.askIssuer(ctx, "/v1/verifier/attributes", ceremony.AttributesQuery{Release: a.release.Raw()}, &answer, a.at)
	if p, ok := errors.AsType[*problem.Problem](err); ok && p.Kind == problem.Refused {
		return ErrAttributes.Because(err)
	}
	if err != nil {
		return ErrLinkage.Because(err)
	}
	if answer.Person != a.person {
		return ErrLinkage.Because(errors.New("gateway: the attributes are of another person than the certificate"))
	}
	for _, c := range a.release.Unverified().Claims {
		v, ok := answer.Claims[c]
		if !ok || v == "" || len(v) > 4096 {
			return ErrLinkage.Because(errors.New("gateway: a released claim is missing"))
		}
		a.given[c] = v
	}
	return nil
}

// askIssuer calls the registered-verifier API with a fresh assertion.
func (g *Gateway) askIssuer(ctx context.Context, path string, in, out any, at time.Time) error {
	assertion, err := ceremony.SignClientAssertion(g.c.Sign.Signer, g.c.Sign.Chain, ceremony.NewClientAssertion(g.c.ID, g.c.IssuerAudience, at))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return httpd.PostJSON(ctx, g.c.Client, g.c.Issuer+path, in, out, httpd.Bearer(assertion))
}

// sub is how one sector knows a person: sub = HMAC-SHA-256(key, sector ‖ id). The
// zero byte between them keeps two pairs from reading the same.
func (g *Gateway) sub(sector, person string) string {
	h := hmac.New(sha256.New, g.c.SubKey)
	h.Write([]byte(sector))
	h.Write([]byte{0})
	h.Write([]byte(person))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
