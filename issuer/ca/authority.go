package ca

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/issuer/status"
)

// Rekey begins a new generation of an authority: a new key and certificate under
// the same name. Certificates of earlier generations stay valid; new ones are
// issued under the new key.
func (c *CA) Rekey(ctx context.Context, who audit.Actor, kind pki.Kind) (*x509.Certificate, error) {
	i, err := c.current(kind)
	if err != nil {
		return nil, err
	}
	if err := c.found(ctx, who, kind, i.Generation+1); err != nil {
		return nil, err
	}
	return c.Authority(kind), nil
}

// found makes one generation of an authority: key, draft, record, signature,
// ledger, in this order. Interrupted anywhere, it goes on with the same key.
func (c *CA) found(ctx context.Context, who audit.Actor, kind pki.Kind, generation int) error {
	label := profile.Label(kind, generation)
	algorithm := c.config.algorithm(kind)
	signer, err := c.keys().OpenOrMake(label, func() (crypto.Signer, error) { return generate(algorithm) })
	if err != nil {
		return err
	}
	self := issuer{profile.Issuer{Kind: kind, Generation: generation, Algorithm: algorithm}, signer}
	cert, err := c.selfSigned(ctx, who, self)
	if err != nil {
		return fmt.Errorf("ca: found %s: %w", label, err)
	}
	record := AuthorityRecord{Kind: kind, Generation: generation, Algorithm: algorithm, DER: cert.Raw}
	if err := c.config.Store.KeepAuthority(ctx, who, c.config.Now(), record); err != nil {
		return fmt.Errorf("ca: found %s: %w", label, err)
	}
	self.Certificate = cert
	c.add(self)
	return nil
}

func (c *CA) selfSigned(ctx context.Context, who audit.Actor, self issuer) (*x509.Certificate, error) {
	if err := c.config.Ledger.Steady(); err != nil {
		return nil, err
	}
	begin := c.config.Now().UTC().Truncate(time.Second)
	draft := profile.Certificate{
		Kind: self.Kind, Purpose: profile.Authority, Serial: pki.RandomSerial(), Issuer: self.Issuer,
		PublicKey: self.signer.Public(), NotBefore: begin, NotAfter: begin.Add(profile.AuthorityLifetime),
	}
	tbs, err := c.config.Operator.TBS(draft)
	if err != nil {
		return nil, err
	}
	if err := c.linter.Check(c.config.Operator, tbs, draft); err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(draft.PublicKey)
	if err != nil {
		return nil, err
	}
	record := Record{
		Serial: draft.Serial, Kind: self.Kind, Generation: self.Generation, Purpose: profile.Authority,
		Partition: draft.Partition(), Holder: "authority " + self.Label(), Ref: "authority " + self.Label(),
		KeySHA256: sha256.Sum256(spki), NotBefore: begin, NotAfter: draft.NotAfter, TBS: tbs, PreparedAt: begin,
	}
	stands, err := c.config.Store.RecordDrafts(ctx, who, record)
	if err != nil {
		return nil, err
	}
	if stands[0].KeySHA256 != record.KeySHA256 {
		return nil, errors.New("its key file is not the one that was recorded")
	}
	if record = stands[0]; record.DER != nil {
		return parse(record.DER)
	}
	der, err := self.sign(record.TBS)
	if err != nil {
		return nil, err
	}
	cert, err := parse(der)
	if err != nil {
		return nil, err
	}
	if err := cert.CheckSignature(self.Algorithm.X509(), cert.RawTBSCertificate, cert.Signature); err != nil {
		return nil, err
	}
	err = c.config.Ledger.Enter(ctx, who, status.Issued{Serial: record.Serial, DER: der})
	if errors.Is(err, status.ErrEntered) {
		return c.Certificate(ctx, record.Serial)
	}
	if err != nil {
		return nil, err
	}
	return cert, nil
}
