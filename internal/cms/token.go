package cms

import (
	"crypto"
	"crypto/x509"
)

// SignTSTInfo signs the DER of a TSTInfo as a time-stamp token (RFC 3161, 2.4.2):
// SignedData of content type id-ct-TSTInfo, with content-type, message-digest and
// signing-certificate-v2 (RFC 5816, 2.2.1) as signed attributes. certs are what the
// token carries, nothing when the requester did not ask for certificates.
//
// An error is the signer's, wrapped, or about a key of another kind.
func SignTSTInfo(signer crypto.Signer, cert *x509.Certificate, info []byte, certs ...*x509.Certificate) ([]byte, error) {
	m, err := signMessage(signer, cert, info, oidTSTInfo, nil)
	if err != nil {
		return nil, err
	}
	m.carry(certs)
	return m.marshal()
}

// VerifyTSTInfo reads a time-stamp token and checks its signature; Content of the
// result is the TSTInfo. candidates may be the signer's certificate when the token
// does not carry it. SigningTime is the one in the token, if there is one: the moment
// that counts is in the TSTInfo.
//
// Errors: those of Verify.
func VerifyTSTInfo(der []byte, candidates ...*x509.Certificate) (*Signed, error) {
	s, err := parse(der, token(), candidates)
	if err != nil {
		return nil, err
	}
	if err := s.Verify(nil); err != nil {
		return nil, err
	}
	return s, nil
}
