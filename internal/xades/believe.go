package xades

import (
	"crypto/subtle"
	"crypto/x509"
	"fmt"

	"tegata/internal/c14n"
)

const maxCertificates = 10 // in KeyInfo

// readKeyInfo returns the certificates of KeyInfo (XML Signature 1.1, section 4.5).
// Whatever else it may hold names a key without saying whose it is (KeyValue,
// KeyName), or sends us to fetch one (RetrievalMethod).
func readKeyInfo(n *c14n.Node) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	c, err := children(n)
	if err != nil {
		return nil, err
	}
	for data := c.next(spaceDS, "X509Data"); data != nil; data = c.next(spaceDS, "X509Data") {
		parts, err := children(data)
		if err != nil {
			return nil, err
		}
		for _, part := range parts.rest {
			if !part.Is(spaceDS, "X509Certificate") {
				continue // names and identifiers of a certificate that we have or do not have
			}
			if len(list) == maxCertificates {
				return nil, fmt.Errorf("%w: more than %d certificates", ErrLimit, maxCertificates)
			}
			cert, err := readCertificate(part)
			if err != nil {
				return nil, err
			}
			list = append(list, cert)
		}
	}
	switch {
	case len(c.rest) > 0:
		return nil, fmt.Errorf("%w: %s", ErrKeyInfo, c.rest[0].Local)
	case len(list) == 0:
		return nil, fmt.Errorf("%w: no X509Certificate", ErrKeyInfo)
	}
	return list, nil
}

func readCertificate(n *c14n.Node) (*x509.Certificate, error) {
	der, err := binary(n)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, malformed(n, err.Error())
	}
	return cert, nil
}

// believe finds the signer's certificate and checks the signature over SignedInfo.
// Only then is anything done that SignedInfo asks for.
func (r *reading) believe() error {
	input, err := r.info.method.Element(r.info.node, nil)
	if err != nil {
		return err
	}
	if r.properties != nil {
		return r.believeNamed(input)
	}
	for _, c := range r.signed.Certificates {
		if r.info.algorithm.verify(c.PublicKey, input, r.info.value) != nil {
			continue
		}
		if r.signed.Certificate != nil && !r.signed.Certificate.Equal(c) {
			return fmt.Errorf("%w: two certificates of the key, and none is named", ErrCertificate)
		}
		r.signed.Certificate = c
	}
	if r.signed.Certificate == nil {
		return ErrSignature
	}
	return nil
}

// believeNamed takes the certificate that SigningCertificateV2 names by its digest
// and no other (EN 319 132-1, section 5.2.2).
func (r *reading) believeNamed(input []byte) error {
	named := r.properties.certificate
	for _, c := range r.signed.Certificates {
		if subtle.ConstantTimeCompare(digest(named.hash, c.Raw), named.value) == 1 {
			r.signed.Certificate, r.signed.Bound = c, true
			return r.info.algorithm.verify(c.PublicKey, input, r.info.value)
		}
	}
	return fmt.Errorf("%w: the one that is named is not there", ErrCertificate)
}
