package pki

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// oidSandbox is 2.999.8: the extension by which a trust anchor says that a sandbox
// made it. It is not under the operator's arc: who asks need not know the operator.
var oidSandbox = SandboxArc().under(8)

// sandboxValue is the DER of UTF8String "sandbox".
var sandboxValue = []byte("\x0c\x07sandbox")

// SandboxMark is the extension that every trust anchor of a sandbox carries: its
// authorities and the root of its maker of phones. It is not critical, so that
// every program accepts a sandbox's certificates; only Tegata's own production
// roles refuse them.
func SandboxMark() pkix.Extension {
	return pkix.Extension{Id: append(asn1.ObjectIdentifier{}, oidSandbox...), Value: append([]byte{}, sandboxValue...)}
}

// OfSandbox says whether c is marked as a sandbox's. The mark counts whatever its
// value is: fail closed.
func OfSandbox(c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(oidSandbox) {
			return true
		}
	}
	return false
}
