package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/profile"
	portalstore "tegata/store/portal"
	verifierstore "tegata/store/verifier"
)

// initProduction makes what chosen roles need to be served: rooms, keys, databases,
// the issuer's authorities. What is there stays; tables are brought up to date.
func initProduction(ctx context.Context, c console, path string, roles []string) error {
	conf, err := openConfig(path)
	if err != nil {
		return err
	}
	if err := conf.chosen(roles); err != nil {
		return err
	}
	b := standardBuild(c, false)
	b.making = true
	p, err := newProduction(b, conf)
	if err != nil {
		return err
	}
	defer p.Close()
	if slices.Contains(roles, "issuer") {
		if _, err := conf.issuerRules(); err != nil { // before anything is there
			return err
		}
	}
	if err := os.MkdirAll(conf.Data, 0o700); err != nil {
		return usagef("data: %v", err)
	}
	lock, err := durable.Lock(filepath.Join(conf.Data, ".init.lock"))
	if errors.Is(err, durable.ErrInUse) {
		return usagef("another `tegata init` is at work in %s", conf.Data)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, role := range roles {
		make := map[string]func(context.Context, console) error{"issuer": p.makeIssuer, "verifier": p.makeVerifier, "portal": p.makePortal}[role]
		if err := make(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// makeIssuer makes the authorities and prints what others compare them with.
func (p *production) makeIssuer(ctx context.Context, c console) error {
	if _, err := os.Lstat(filepath.Join(p.config.Data, "issuer")); errors.Is(err, fs.ErrNotExist) {
		c.say("issuer: making keys and authorities in %s…", filepath.Join(p.config.Data, "issuer"))
	}
	if err := p.openVouching(ctx); err != nil {
		return err
	}
	for _, a := range p.issuer.ca.Issuers() {
		fmt.Fprintf(c.out, "%s\tsha256:%s\t%s\n", a.Label(), pki.Fingerprint(a.Certificate.Raw), a.Certificate.NotAfter.Format("2006-01-02"))
	}
	if err := p.issuer.room.finish(); err != nil {
		return err
	}
	c.say("Serve it with `tegata serve -config %s issuer`. Whoever relies on it fetches %s/ca/LABEL.cer into a trust folder and compares these fingerprints.",
		p.config.path, p.config.url("issuer"))
	return nil
}

// makeVerifier makes the verifier's keys and the requests for their certificates.
func (p *production) makeVerifier(ctx context.Context, c console) error {
	r, err := p.openRoom(ctx, p.config.Data, "verifier", verifierstore.Schema)
	if err != nil {
		return err
	}
	p.closers = append(p.closers, r)
	if _, err := r.symmetric("sub"); err != nil {
		return err
	}
	party := verifierParty(p.config)
	if err := p.request(c, r, "sign", party); err != nil {
		return err
	}
	party.Encryption = true
	if err := p.request(c, r, "decrypt", party); err != nil {
		return err
	}
	// What came later than the rest is made anew where it is not there, in a room that is
	// older than it too: another key gets another certificate, and no more.
	more := *r
	more.make = true
	if err := p.request(c, &more, tsaLabel, tsaParty(p.config)); err != nil {
		return err
	}
	if p.config.Verifier.OpenID != nil {
		if err := p.request(c, &more, openidID, openidParty(p.config)); err != nil {
			return err
		}
	}
	return r.finish()
}

// makePortal makes the portal's key, the request for its certificate, and what the
// verifier's operator is asked to register.
func (p *production) makePortal(ctx context.Context, c console) error {
	r, err := p.openRoom(ctx, p.config.Data, "portal", portalstore.Schema)
	if err != nil {
		return err
	}
	p.closers = append(p.closers, r)
	if err := p.request(c, r, "sign", portalParty(p.config)); err != nil {
		return err
	}
	registration := portalRegistration(p.config, p.config.Portal.Name)
	text, err := json.MarshalIndent(handedOver(registration), "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(r.dir, "registration.json")
	if err := p.files.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return err
	}
	c.say("portal: have the verifier's operator register it: tegata party register -config FILE -in %s -certificate %s", file, filepath.Join(r.keys.Dir, "sign.pem"))
	return r.finish()
}

// request makes a key, once, and a PKCS#10 request (RFC 2986) for its certificate.
func (p *production) request(c console, r *room, label string, party profile.Party) error {
	open := r.keys.OpenOrMake
	if !r.make {
		open = func(label string, _ func() (crypto.Signer, error)) (crypto.Signer, error) { return r.keys.Open(label) }
	}
	signer, err := open(label, secret.P256)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("the key %s of %s is gone (%s): restore it", label, r.role, r.keys.Dir)
	}
	if err != nil {
		return err
	}
	template := x509.CertificateRequest{Subject: pkix.Name{CommonName: party.ID}}
	for _, name := range append([]string{profile.PartyURN(party.ID)}, party.Origins...) {
		u, err := url.Parse(name)
		if err != nil {
			return err
		}
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &template, signer)
	if err != nil {
		return fmt.Errorf("request for %s: %w", party.ID, err)
	}
	file := filepath.Join(r.keys.Dir, label+".csr")
	if err := p.files.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), 0o644); err != nil {
		return err
	}
	if chain, err := readChain(filepath.Join(r.keys.Dir, label+".pem")); err == nil && len(chain) > 0 {
		c.say("%s: the certificate %s.pem is installed, until %s", r.role, label, chain[0].NotAfter.Format("2006-01-02"))
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	encryption := ""
	if party.Encryption {
		encryption = " -encryption"
	}
	c.say("%s: have the issuer's operator certify it:\n  tegata party certify -config FILE -id %s -role %s -origin %s%s -request %s -out %s", r.role,
		party.ID, party.Role, strings.Join(party.Origins, " -origin "), encryption, file, strings.TrimSuffix(file, ".csr")+".pem")
	return nil
}
