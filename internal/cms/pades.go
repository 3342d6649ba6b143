package cms

import (
	"crypto"
	"crypto/x509"
)

// SignPAdES signs content, the bytes that a PDF signature's ByteRange covers, for
// its Contents (ETSI EN 319 142-1, 6.3): a detached message whose signed attributes
// are content-type, message-digest and signing-certificate-v2, and never
// signing-time, since a PDF tells the claimed time in M. Algorithms and
// certificates are as with Sign.
//
// An error is the signer's, wrapped, or about a key of another kind.
func SignPAdES(signer crypto.Signer, cert *x509.Certificate, content []byte, others ...*x509.Certificate) ([]byte, error) {
	m, err := signMessage(signer, cert, content, oidData, nil)
	if err != nil {
		return nil, err
	}
	m.carry(append([]*x509.Certificate{cert}, others...))
	m.content = nil
	return m.marshal()
}

// ParsePAdES reads the message of a PDF signature without checking any signature.
// der is the message alone: the zeros that fill Contents belong to the PDF.
//
// Errors: those of Parse, and ErrSigningTime; ErrMalformed too for a message that
// carries a content of its own.
func ParsePAdES(der []byte) (*Signed, error) {
	s, err := parse(der, pades(), nil)
	if err != nil {
		return nil, err
	}
	if !s.Detached {
		return nil, malformed("a PDF signature with a content of its own")
	}
	return s, nil
}

// VerifyPAdES reads the message of a PDF signature and checks it against content,
// the bytes that the ByteRange covers. SigningTime of the result is zero.
//
// Errors: those of ParsePAdES, and ErrNoContent (content is nil), ErrContent,
// ErrSignature.
func VerifyPAdES(der, content []byte) (*Signed, error) {
	s, err := ParsePAdES(der)
	if err != nil {
		return nil, err
	}
	if err := s.Verify(content); err != nil {
		return nil, err
	}
	return s, nil
}
