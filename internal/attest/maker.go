package attest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"

	"tegata/internal/pki"
)

// Lifetimes of the maker's certificates.
const (
	rootYears  = 30
	batchYears = 20
	leafYears  = 20
)

// A Maker makes phones: it holds the root key of a chain of attestations. The
// sandbox has one of its own; its root carries the sandbox's mark, so that nothing
// but a sandbox trusts it.
type Maker struct {
	Root *x509.Certificate
	Key  crypto.Signer
}

// NewMaker draws a root key and signs its certificate. name stands in every
// attestation, so a maker of software phones says so in it.
func NewMaker(name string, at time.Time) (Maker, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return Maker{}, fmt.Errorf("attest: root key: %w", err)
	}
	return NewMakerWithKey(key, name, at)
}

// NewMakerWithKey is NewMaker with a key that is kept elsewhere.
func NewMakerWithKey(key crypto.Signer, name string, at time.Time) (Maker, error) {
	at = at.UTC().Truncate(time.Second)
	tmpl := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name, Organization: []string{name}},
		NotBefore: at, NotAfter: at.AddDate(rootYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, IsCA: true, BasicConstraintsValid: true,
		MaxPathLen: 1, SubjectKeyId: keyID(key.Public()), ExtraExtensions: []pkix.Extension{pki.SandboxMark()},
	}
	cert, err := create(tmpl, tmpl, key.Public(), key)
	if err != nil {
		return Maker{}, err
	}
	return Maker{Root: cert, Key: key}, nil
}

// A Batch is the attestation key that a maker puts into every phone of one
// model. It signs attestations and nothing else.
type Batch struct {
	Key   *ecdsa.PrivateKey
	Chain [][]byte // its certificate, then the root
}

// NewBatch draws a batch key for a model and has the root certify it.
func (m Maker) NewBatch(model string, at time.Time) (Batch, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Batch{}, fmt.Errorf("attest: batch key: %w", err)
	}
	at = at.UTC().Truncate(time.Second)
	tmpl := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "batch key of " + model, Organization: m.Root.Subject.Organization},
		NotBefore: at, NotAfter: earlier(at.AddDate(batchYears, 0, 0), m.Root.NotAfter),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		SubjectKeyId: keyID(key.Public()),
	}
	cert, err := create(tmpl, m.Root, key.Public(), m.Key)
	if err != nil {
		return Batch{}, err
	}
	return Batch{Key: key, Chain: [][]byte{cert.Raw, m.Root.Raw}}, nil
}

// A Hardware is what a phone knows about itself when it attests a key.
type Hardware struct {
	Level        SecurityLevel
	Brand        string
	Manufacturer string
	Model        string
	Locked       bool // the boot loader
	Boot         BootState
	Exportable   bool // a phone that lets keys out, for tests of those who must refuse it
}

// Attest signs a certificate over pub that describes it as a signing key
// generated in hardware with challenge, and returns the chain, leaf first.
// elementOID is <arc>.7; with none the element is left out, as on a real phone.
func (b Batch) Attest(pub crypto.PublicKey, challenge []byte, hw Hardware, elementOID asn1.ObjectIdentifier, el Element, at time.Time) ([][]byte, error) {
	batch, err := x509.ParseCertificate(b.Chain[0])
	if err != nil {
		return nil, fmt.Errorf("attest: batch certificate: %w", err)
	}
	desc, err := describe(pub, challenge, hw, at)
	if err != nil {
		return nil, err
	}
	value, err := desc.Marshal()
	if err != nil {
		return nil, err
	}
	exts := []pkix.Extension{{Id: KeyDescriptionOID(), Value: value}}
	if len(elementOID) > 0 {
		v, err := el.Marshal()
		if err != nil {
			return nil, err
		}
		exts = append(exts, pkix.Extension{Id: elementOID, Value: v})
	}
	at = at.UTC().Truncate(time.Second)
	tmpl := &x509.Certificate{
		// As on a phone: every key has the same subject.
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Android Keystore Key"},
		// Freshness is the challenge's; clocks of phones are not to be trusted.
		NotBefore: batch.NotBefore, NotAfter: earlier(at.AddDate(leafYears, 0, 0), batch.NotAfter),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: exts,
	}
	leaf, err := create(tmpl, batch, pub, b.Key)
	if err != nil {
		return nil, err
	}
	return append([][]byte{leaf.Raw}, b.Chain...), nil
}

// describe fills a KeyDescription for a signing key.
func describe(pub crypto.PublicKey, challenge []byte, hw Hardware, at time.Time) (KeyDescription, error) {
	list := AuthorizationList{
		Purpose: []int{PurposeSign}, Digest: []int{DigestSHA256},
		Origin: new(int(OriginGenerated)), Exportable: hw.Exportable,
		OSVersion: new(160000), OSPatchLevel: new(202610),
		Brand: hw.Brand, Device: hw.Model, Product: hw.Model, Manufacturer: hw.Manufacturer, Model: hw.Model,
	}
	switch k := pub.(type) {
	case *rsa.PublicKey:
		list.Algorithm, list.KeySize, list.RSAExponent = new(AlgorithmRSA), new(k.N.BitLen()), new(k.E)
		list.Padding = []int{PaddingPSS, PaddingPKCS1v5Sign}
	case *ecdsa.PublicKey:
		list.Algorithm, list.KeySize, list.ECCurve = new(AlgorithmEC), new(k.Curve.Params().BitSize), new(CurveP256)
		list.NoAuthRequired = true // the device key works without a PIN
	default:
		return KeyDescription{}, fmt.Errorf("%w: %T", ErrKeyType, pub)
	}
	bootKey := sha256.Sum256([]byte("boot key of " + hw.Manufacturer))
	bootHash := sha256.Sum256([]byte("boot image of " + hw.Model))
	list.RootOfTrust = &RootOfTrust{
		VerifiedBootKey: bootKey[:], DeviceLocked: hw.Locked, VerifiedBoot: hw.Boot, VerifiedBootHash: bootHash[:],
	}
	d := KeyDescription{
		Version: 400, AttestationLevel: hw.Level, KeyMintVersion: 400, KeyMintLevel: hw.Level,
		Challenge: challenge, UniqueID: []byte{}, Hardware: list,
		Software: AuthorizationList{Created: new(int(at.UnixMilli()))},
	}
	if hw.Level == Software {
		// Without hardware the whole list is the operating system's word.
		d.Software, d.Hardware = list, AuthorizationList{}
		d.Software.Created = new(int(at.UnixMilli()))
	}
	return d, nil
}

func create(tmpl, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("attest: sign certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// serial draws a positive serial number of 128 bits (RFC 5280, 4.1.2.2).
func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

// keyID is RFC 5280, 4.2.1.2, method (1); SHA-1 names a key here and protects
// nothing.
func keyID(pub crypto.PublicKey) []byte {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil // CreateCertificate refuses the key itself
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil
	}
	sum := sha1.Sum(info.Key.Bytes)
	return sum[:]
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
