package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/verifier/gateway"
)

// openAnchors reads the authorities' certificates that an operator installed: one
// LABEL.cer (DER, or PEM) for each. It refuses a sandbox's, one that is no
// authority's, and a folder in which a kind is missing.
func openAnchors(dir string) ([]gateway.Anchor, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.cer"))
	if err != nil {
		return nil, usagef("trust: %v", err)
	}
	var anchors []gateway.Anchor
	have := map[pki.Kind]bool{}
	for _, file := range files {
		a, err := openAnchor(file)
		if err != nil {
			return nil, usagef("trust: %s: %v", file, err)
		}
		anchors, have[a.Kind] = append(anchors, a), true
	}
	for _, k := range pki.Kinds() {
		if !have[k] {
			return nil, usagef("trust: %s has no certificate of the authority %s (%s.cer); the issuer gives it at /ca/%s.cer", dir, k, k, k)
		}
	}
	return anchors, nil
}

func openAnchor(file string) (gateway.Anchor, error) {
	label := strings.TrimSuffix(filepath.Base(file), ".cer")
	kind, _, err := profile.ParseLabel(label)
	if err != nil {
		return gateway.Anchor{}, err
	}
	c, err := openCertificate(file)
	if err != nil {
		return gateway.Anchor{}, err
	}
	if err := c.CheckSignatureFrom(c); err != nil {
		return gateway.Anchor{}, fmt.Errorf("not the self-signed certificate of an authority: %w", err)
	}
	return gateway.Anchor{Kind: kind, Label: label, Certificate: c}, nil
}

// openCertificate reads one certificate that production is to trust, DER or PEM.
func openCertificate(file string) (*x509.Certificate, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c, err := x509.ParseCertificate(data)
	if err != nil {
		chain, pemErr := pki.ParsePEM(data)
		if pemErr != nil || len(chain) != 1 {
			return nil, errors.New("not one certificate, in DER or PEM")
		}
		c = chain[0]
	}
	if pki.OfSandbox(c) {
		return nil, errors.New("a sandbox's trust anchor: sandbox and production never mix")
	}
	return c, nil
}

// installed is the certificate that an operator put into a party's room: for the
// key that init made there, under the operations authority, for this party, and
// valid. Each failure says what to do.
func (c *config) installed(anchors []gateway.Anchor, now func() time.Time) func(context.Context, *room, string, profile.Party) (identity, error) {
	return func(_ context.Context, r *room, label string, party profile.Party) (identity, error) {
		file := filepath.Join(r.keys.Dir, label+".pem")
		signer, err := r.keys.Open(label)
		if errors.Is(err, fs.ErrNotExist) {
			return identity{}, usagef("the key %s of %s is not in its room; `tegata init -config %s %s` makes it", label, r.role, c.path, r.role)
		}
		if err != nil {
			return identity{}, err
		}
		chain, err := readChain(file)
		if err != nil {
			return identity{}, usagef("%s: %v", file, err)
		}
		if len(chain) == 0 {
			return identity{}, usagef("%s is not there: have the issuer's operator certify %s.csr beside it (`tegata party certify`)", file, label)
		}
		leaf, err := c.checkInstalled(chain, signer, party, anchors, now())
		if err != nil {
			return identity{}, usagef("%s: %v; have the issuer's operator certify %s.csr again", file, err, label)
		}
		return identity{signer, leaf}, nil
	}
}

// checkInstalled returns the path of a party's certificate to its anchor.
func (c *config) checkInstalled(chain []*x509.Certificate, signer crypto.Signer, party profile.Party, anchors []gateway.Anchor, at time.Time) ([]*x509.Certificate, error) {
	if key, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !key.Equal(chain[0].PublicKey) {
		return nil, errors.New("the certificate is not for the key in this room")
	}
	purpose := certpath.ForRole(c.arc, party.Role)
	if party.Encryption {
		purpose = certpath.ForEncryption(c.arc)
	}
	path, err := certpath.Validate(chain[0], chain[1:], opsAuthorities(anchors), purpose, at)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, u := range chain[0].URIs {
		names = append(names, u.String())
	}
	for _, want := range append([]string{profile.PartyURN(party.ID)}, party.Origins...) {
		if !slices.Contains(names, want) {
			return nil, fmt.Errorf("it names %s, and not %s as the configuration says", strings.Join(names, " and "), want)
		}
	}
	return path, nil
}
