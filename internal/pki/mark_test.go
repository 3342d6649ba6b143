package pki_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"

	"tegata/internal/pki"
)

func TestOnlyWhatIsMarkedIsOfASandbox(t *testing.T) {
	if !pki.OfSandbox(&x509.Certificate{Extensions: []pkix.Extension{pki.SandboxMark()}}) {
		t.Error("a marked certificate was not seen to be one")
	}
	if pki.OfSandbox(&x509.Certificate{Extensions: []pkix.Extension{{Id: pki.SandboxArc().ElementExtension()}}}) {
		t.Error("another extension under 2.999 was taken for the mark")
	}
	changed := pki.SandboxMark()
	changed.Value = []byte("\x0c\x0aproduction")
	if !pki.OfSandbox(&x509.Certificate{Extensions: []pkix.Extension{changed}}) {
		t.Error("a mark with another value was taken for none")
	}
	if pki.SandboxMark().Critical {
		t.Error("a critical mark would make every other program refuse a sandbox's certificates")
	}
}
