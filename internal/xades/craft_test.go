package xades_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"tegata/internal/c14n"
)

const (
	exclusive   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	inclusive   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	enveloped   = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
	rsaSHA256   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	sha256URI   = "http://www.w3.org/2001/04/xmlenc#sha256"
	declaration = `xmlns:ds="http://www.w3.org/2000/09/xmldsig#"`
)

// transforms writes ds:Transforms.
func transforms(list ...string) string {
	var b strings.Builder
	for _, uri := range list {
		b.WriteString(`<ds:Transform Algorithm="` + uri + `"/>`)
	}
	return "<ds:Transforms>" + b.String() + "</ds:Transforms>"
}

// refer writes a ds:Reference with the digest of octets.
func refer(attributes, transforms, octets string) string {
	sum := sha256.Sum256([]byte(octets))
	return "<ds:Reference" + attributes + ">" + transforms + `<ds:DigestMethod Algorithm="` + sha256URI + `"/><ds:DigestValue>` +
		base64.StdEncoding.EncodeToString(sum[:]) + "</ds:DigestValue></ds:Reference>"
}

// signedInfo writes ds:SignedInfo.
func signedInfo(method string, references ...string) string {
	return `<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + exclusive + `"/><ds:SignatureMethod Algorithm="` + method + `"/>` +
		strings.Join(references, "") + "</ds:SignedInfo>"
}

// keyInfo writes ds:KeyInfo with certificates.
func keyInfo(signers ...signer) string {
	var b strings.Builder
	for _, s := range signers {
		b.WriteString("<ds:X509Certificate>" + base64.StdEncoding.EncodeToString(s.cert.Raw) + "</ds:X509Certificate>")
	}
	return "<ds:KeyInfo><ds:X509Data>" + b.String() + "</ds:X509Data></ds:KeyInfo>"
}

// craft signs SignedInfo as it is written, whatever it asks for, and returns the
// ds:Signature: attackers have keys and certificates of their own.
func (s signer) craft(t testing.TB, info, rest string) string {
	t.Helper()
	doc, err := c14n.Parse([]byte(`<ds:Signature ` + declaration + ` Id="s">` + info + "</ds:Signature>"))
	if err != nil {
		t.Fatal(err)
	}
	octets, err := c14n.Method{Exclusive: true}.Element(doc.Root.Children[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(octets)
	value, err := rsa.SignPKCS1v15(rand.Reader, s.key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return `<ds:Signature ` + declaration + ` Id="s">` + info + "<ds:SignatureValue>" + base64.StdEncoding.EncodeToString(value) +
		"</ds:SignatureValue>" + rest + "</ds:Signature>"
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
