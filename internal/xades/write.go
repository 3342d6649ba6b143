package xades

import (
	"encoding/base64"
	"strings"
	"time"

	"tegata/internal/c14n"
)

func encode64(octets []byte) string { return base64.StdEncoding.EncodeToString(octets) }

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// write returns the document with the signature: without value while digests are
// being computed.
func (d *Draft) write(value []byte) []byte {
	var b strings.Builder
	switch d.options.Form {
	case Enveloped:
		d.writeInto(&b, value)
	default:
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
		d.writeSignature(&b, value)
		b.WriteString("\n")
	}
	return []byte(b.String())
}

// writeInto puts the signature at the end of the document element and leaves every
// other byte as it is.
func (d *Draft) writeInto(b *strings.Builder, value []byte) {
	root := d.doc.Root
	if root.ContentEnd < root.End {
		b.Write(d.document[:root.ContentEnd])
		d.writeSignature(b, value)
		b.Write(d.document[root.ContentEnd:])
		return
	}
	b.Write(d.document[:root.End-len("/>")])
	b.WriteString(">")
	d.writeSignature(b, value)
	b.WriteString("</" + root.Name() + ">")
	b.Write(d.document[root.End:])
}

// writeSignature writes ds:Signature (XML Signature 1.1, section 4.2). There is no
// white space in it that would have to stay as it is.
func (d *Draft) writeSignature(b *strings.Builder, value []byte) {
	w := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
		}
	}
	w(`<ds:Signature xmlns:ds="`, spaceDS, `" Id="`, d.name("signature"), `"><ds:SignedInfo>`,
		`<ds:CanonicalizationMethod Algorithm="`, c14n.URIExclusive, `"></ds:CanonicalizationMethod>`,
		`<ds:SignatureMethod Algorithm="`, d.suite.uri, `"></ds:SignatureMethod>`)
	d.writeReference(b, ` Id="`+d.name("reference")+`" URI="`+escape.Replace(d.uri())+`"`, d.transforms(), d.digests.content)
	d.writeReference(b, ` Type="`+typeSignedProperties+`" URI="#`+d.name("properties")+`"`, []string{c14n.URIExclusive}, d.digests.properties)
	w(`</ds:SignedInfo><ds:SignatureValue>`, encode64(value), `</ds:SignatureValue><ds:KeyInfo><ds:X509Data>`)
	w(`<ds:X509Certificate>`, encode64(d.options.Certificate.Raw), `</ds:X509Certificate>`)
	for _, c := range d.options.Others {
		w(`<ds:X509Certificate>`, encode64(c.Raw), `</ds:X509Certificate>`)
	}
	w(`</ds:X509Data></ds:KeyInfo>`)
	if d.options.Form == Enveloping {
		w(`<ds:Object Id="`, d.name("object"), `">`, string(d.doc.Trimmed(d.document)), `</ds:Object>`)
	}
	d.writeProperties(b)
	w(`</ds:Signature>`)
}

// uri is the reference to what is signed.
func (d *Draft) uri() string {
	switch {
	case d.options.Form == Detached:
		return fileReference(d.options.Name)
	case d.options.Form == Enveloping:
		return "#" + d.name("object")
	case d.options.byID != "":
		return "#" + d.options.byID
	}
	return ""
}

// transforms of what is signed. Canonical XML is the inclusive one, so that every
// namespace declaration is signed, used by a name or not.
func (d *Draft) transforms() []string {
	switch {
	case d.options.byID != "":
		return []string{uriEnveloped, c14n.URIExclusive}
	case d.options.Form == Enveloped:
		return []string{uriEnveloped, c14n.URICanonical}
	case d.options.Form == Enveloping:
		return []string{c14n.URICanonical}
	}
	return nil
}

func (d *Draft) writeReference(b *strings.Builder, attributes string, transforms []string, value string) {
	b.WriteString("<ds:Reference" + attributes + ">")
	if len(transforms) > 0 {
		b.WriteString("<ds:Transforms>")
		for _, t := range transforms {
			b.WriteString(`<ds:Transform Algorithm="` + t + `"></ds:Transform>`)
		}
		b.WriteString("</ds:Transforms>")
	}
	b.WriteString(`<ds:DigestMethod Algorithm="` + d.suite.digestURI + `"></ds:DigestMethod><ds:DigestValue>` + value + `</ds:DigestValue></ds:Reference>`)
}

// writeProperties writes the properties that baseline B-B requires (EN 319 132-1,
// section 6.3): SigningTime, SigningCertificateV2, DataObjectFormat.
func (d *Draft) writeProperties(b *strings.Builder) {
	certificate := encode64(digest(digests[d.suite.digestURI], d.options.Certificate.Raw))
	for _, part := range []string{
		`<ds:Object><xades:QualifyingProperties xmlns:xades="`, spaceXAdES, `" Target="#`, d.name("signature"), `">`,
		`<xades:SignedProperties Id="`, d.name("properties"), `"><xades:SignedSignatureProperties><xades:SigningTime>`,
		d.options.SigningTime.UTC().Format(time.RFC3339), `</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest>`,
		`<ds:DigestMethod Algorithm="`, d.suite.digestURI, `"></ds:DigestMethod><ds:DigestValue>`, certificate,
		`</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>`,
		`<xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#`, d.name("reference"), `"><xades:MimeType>`,
		escape.Replace(d.options.MediaType), `</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties>`,
		`</xades:SignedProperties></xades:QualifyingProperties></ds:Object>`,
	} {
		b.WriteString(part)
	}
}
