package profile

import (
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidCRLNumber       = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidIssuingDistrPnt = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// point adds a DistributionPointName: the partition's URI and its directory name,
// so that a verifier finds it both on the web and in a directory. RFC 5280,
// section 6.3.3 (b)(2): certificate and CRL must share one of the names; here
// they share both.
func (o Operator) point(b *cryptobyte.Builder, i Issuer, partition string) error {
	name, err := o.PartitionName(i.Kind, i.Label(), partition)
	if err != nil {
		return fmt.Errorf("profile: partition: %w", err)
	}
	b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { // distributionPoint
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { // fullName
			addURI(b, o.CRLURL(i.Label(), partition))
			b.AddASN1(cbasn1.Tag(4).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(name) })
		})
	})
	return nil
}

// distributionPoints is the cRLDistributionPoints of c (RFC 5280, section 4.2.1.13).
func (o Operator) distributionPoints(c Certificate) (extension, error) {
	var err error
	value := build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { err = o.point(b, c.Issuer, c.Partition()) })
		})
	})
	return extension{oidCRLDistribution, false, value}, err
}

// CRLExtensions adds the crlExtensions of a CRL of i: authority key identifier,
// CRL number and, for a partition, the critical issuing distribution point
// (RFC 5280, section 5.2). An empty partition is the whole authority.
func (o Operator) CRLExtensions(b *cryptobyte.Builder, i Issuer, partition string, number int64) error {
	var err error
	b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			authorityKeyID(i.Certificate.SubjectKeyId).add(b)
			extension{oidCRLNumber, false, build(func(b *cryptobyte.Builder) { b.AddASN1BigInt(big.NewInt(number)) })}.add(b)
			if partition == "" {
				return
			}
			// RFC 5280, section 5.2.5: the extension is critical.
			extension{oidIssuingDistrPnt, true, build(func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { err = o.point(b, i, partition) })
			})}.add(b)
		})
	})
	return err
}

// AddAlgorithm adds a's AlgorithmIdentifier.
func (a Algorithm) AddAlgorithm(b *cryptobyte.Builder) { a.algorithmIdentifier(b) }
