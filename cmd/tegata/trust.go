package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/issuer/profile"
	"tegata/verifier/document"
)

// trust is which authorities a command believes, and what time it is for them.
type trust struct {
	remote   *remote
	dir, arc *string
	now      func() time.Time
}

// openTrust reads -trust, or takes the running neighbourhood's word for it. A
// sandbox's authorities bring its clock.
func (t *trust) open(ctx context.Context) (arc pki.Arc, anchors []document.Anchor, err error) {
	if arc, err = pki.ParseArc(*t.arc); err != nil {
		return nil, nil, usagef("%v", err)
	}
	if *t.dir != "" {
		anchors, err = readAnchors(*t.dir)
	} else {
		anchors, err = t.neighbours(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	t.now = time.Now
	for _, a := range anchors {
		if !pki.OfSandbox(a.Certificate) {
			return arc, anchors, nil
		}
	}
	offset := t.sandboxOffset(ctx)
	t.now = func() time.Time { return time.Now().Add(offset) }
	return arc, anchors, nil
}

// sandboxOffset is how far a running sandbox's clock is ahead; none when none runs.
func (t *trust) sandboxOffset(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	var clock struct {
		Now    time.Time `json:"now"`
		Offset string    `json:"offset"`
	}
	if t.remote.services == nil && t.remote.locate(ctx) != nil {
		return 0
	}
	if t.remote.get(ctx, "street", "/clock", &clock) != nil {
		return 0
	}
	offset, err := time.ParseDuration(clock.Offset)
	if err != nil {
		return 0
	}
	return offset
}

// readAnchors reads a folder of LABEL.cer, DER or PEM, as production's trust folders
// are. One signature authority is enough.
func readAnchors(dir string) ([]document.Anchor, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.cer"))
	if err != nil {
		return nil, usagef("-trust: %v", err)
	}
	var anchors []document.Anchor
	for _, file := range files {
		kind, _, err := profile.ParseLabel(strings.TrimSuffix(filepath.Base(file), ".cer"))
		if err != nil {
			return nil, usagef("-trust: %s: %v", file, err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, usagef("-trust: %v", err)
		}
		c, err := oneCertificate(data)
		if err != nil {
			return nil, usagef("-trust: %s: %v", file, err)
		}
		anchors = append(anchors, document.Anchor{Kind: kind, Certificate: c})
	}
	for _, a := range anchors {
		if a.Kind.Signature() {
			return anchors, nil
		}
	}
	return nil, usagef("-trust: %s has no certificate of a signature authority (card-sign.cer, phone-sign.cer); the issuer gives them at /ca/LABEL.cer", dir)
}

// oneCertificate reads DER, or PEM with one certificate.
func oneCertificate(data []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(data)
	if err == nil {
		return c, nil
	}
	chain, err := pki.ParsePEM(data)
	if err != nil || len(chain) != 1 {
		return nil, errors.New("not one certificate, in DER or PEM")
	}
	return chain[0], nil
}

// neighbours fetches the authorities of the running neighbourhood, generation by
// generation.
func (t *trust) neighbours(ctx context.Context) ([]document.Anchor, error) {
	if err := t.remote.locate(ctx); err != nil {
		return nil, err
	}
	issuer, err := t.remote.url("issuer", "")
	if err != nil {
		return nil, err
	}
	t.remote.c.say("認証局の証明書は、発行者の言うものを使います。 / The authorities' certificates are those that the issuer tells; install them with -trust.")
	var anchors []document.Anchor
	for _, k := range []pki.Kind{pki.CardSign, pki.PhoneSign, pki.Ops} {
		for generation := 1; ; generation++ {
			der, _, err := httpd.Exchange(ctx, t.remote.client, http.MethodGet, issuer+"/ca/"+profile.Label(k, generation)+".cer", nil)
			if p, ok := errors.AsType[*problem.Problem](err); ok && p.Code != httpd.Unreachable.Code && generation > 1 {
				break // there is no further generation
			}
			if err != nil {
				return nil, err
			}
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, fmt.Errorf("the issuer's certificate of %s: %w", k, err)
			}
			anchors = append(anchors, document.Anchor{Kind: k, Certificate: c})
		}
	}
	return anchors, nil
}
