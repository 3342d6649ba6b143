package xades_test

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

func TestAttacksOnProperties(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	signed := who.sign(t, "<a>1</a>", who.options(xades.Enveloped))
	cut := func(from, begin, end string) string { // the first of from, from begin to end
		at := strings.Index(from, begin)
		return from[at : at+strings.Index(from[at:], end)+len(end)]
	}
	object := cut(signed, "<ds:Object>", "</ds:Object>")
	reference := cut(signed, `<ds:Reference Type=`, "</ds:Reference>")
	change := func(old, new string) string {
		if !strings.Contains(signed, old) {
			t.Fatalf("%s is not there", old)
		}
		return strings.Replace(signed, old, new, 1)
	}
	// What the signer signs and means badly, instead of what somebody changes.
	const uri = `http://uri.etsi.org/01903/v1.3.2#`
	crafted := func(inside, reference string) string {
		properties := `<xades:SignedProperties xmlns:xades="` + uri + `" Id="p">` + inside + "</xades:SignedProperties>"
		content := refer(` Id="r" URI=""`, transforms(enveloped), "<a>1</a>")
		octets := strings.ReplaceAll(properties, `<ds:DigestMethod`, `<ds:DigestMethod `+declaration)
		octets = strings.ReplaceAll(strings.ReplaceAll(octets, `<ds:DigestValue`, `<ds:DigestValue `+declaration), `#sha256"/>`, `#sha256"></ds:DigestMethod>`)
		to := refer(` Type="http://uri.etsi.org/01903#SignedProperties"`+reference, transforms(exclusive), octets)
		return "<a>1" + who.craft(t, signedInfo(rsaSHA256, content, to), keyInfo(who)+
			`<ds:Object><xades:QualifyingProperties xmlns:xades="`+uri+`" Target="#s">`+properties+`</xades:QualifyingProperties></ds:Object>`) + "</a>"
	}
	sum := sha256.Sum256(who.cert.Raw)
	named := `<xades:CertDigest><ds:DigestMethod Algorithm="` + sha256URI + `"/><ds:DigestValue>` + base64.StdEncoding.EncodeToString(sum[:]) + "</ds:DigestValue></xades:CertDigest>"
	signatureProperties := func(inside string) string {
		return "<xades:SignedSignatureProperties>" + inside + "</xades:SignedSignatureProperties>"
	}
	certificate := "<xades:SigningCertificateV2><xades:Cert>" + named + "</xades:Cert></xades:SigningCertificateV2>"
	const moment, role = "<xades:SigningTime>2026-11-22T18:30:00.5+09:00</xades:SigningTime>", "<xades:SignerRoleV2></xades:SignerRoleV2>"
	format := func(reference string) string {
		return `<xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="` + reference + `"><xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat></xades:SignedDataObjectProperties>`
	}
	good := signatureProperties(moment + certificate + role)
	const here = ` URI="#p"`
	list, err := xades.Signatures([]byte(crafted(good+format("#r"), here)), nil)
	if err != nil || !list[0].Bound || list[0].Level != xades.LevelB || list[0].Contents[0].MediaType != "text/xml" || !slices.Equal(list[0].NotEvaluated, []string{"SignerRoleV2"}) ||
		!list[0].SigningTime.Equal(at().Add(time.Second/2)) {
		t.Fatalf("%+v, %v", list, err) // what the attacks differ from
	}
	if list, err = xades.Signatures([]byte(crafted(signatureProperties(certificate), here)), nil); err != nil || list[0].Level != xades.NoLevel {
		t.Errorf("without a signing time: %+v, %v", list, err)
	}
	for _, a := range []attack{
		{"properties taken away", change(object, ""), "", xades.ErrSignedProperties},
		{"properties twice", change(object, object+strings.ReplaceAll(object, ` Id="`, ` Id="x`)), "", xades.ErrSignedProperties},
		{"properties of another signature", change(`Target="#`, `Target="#x`), "", xades.ErrSignedProperties},
		{"properties that are elsewhere", change(object, `<ds:Object><xades:QualifyingPropertiesReference xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" URI="http://127.0.0.1/"/></ds:Object>`), "", xades.ErrRemote},
		{"properties with something beside them", change("<ds:Object>", "<ds:Object>x"), "", xades.ErrMalformed},
		{"another time", change("2026-11-22T09:30:00Z", "2026-11-21T09:30:00Z"), "", xades.ErrSignedProperties},
		{"the reference to the properties taken away", change(reference, ""), "", xades.ErrSignedProperties},
		{"no certificate named", crafted(signatureProperties(moment), here), "", xades.ErrNoSigningCertificate},
		{"no properties in them", crafted("", here), "", xades.ErrNoSigningCertificate},
		{"a certificate named twice", crafted(signatureProperties(certificate+certificate), here), "", xades.ErrMalformed},
		{"a time twice", crafted(signatureProperties(moment+moment+certificate), here), "", xades.ErrMalformed},
		{"a time without its zone", crafted(strings.Replace(good, "+09:00", "", 1), here), "", xades.ErrMalformed},
		{"a certificate that is elsewhere", crafted(strings.Replace(good, "<xades:Cert>", `<xades:Cert URI="http://127.0.0.1/">`, 1), here), "", xades.ErrRemote},
		{"a certificate named by SHA-1", crafted(strings.Replace(good, sha256URI, "http://www.w3.org/2000/09/xmldsig#sha1", 1), here), "", xades.ErrWeakDigest},
		{"a format for nothing", crafted(good+format("#x"), here), "", xades.ErrNoTarget},
		{"a format for the properties", crafted(good+format("#p"), here), "", xades.ErrNoTarget},
		{"a reference to something else than the properties", crafted(good, ` URI="#s"`), "", xades.ErrSignedProperties},
		{"a reference to the document for the properties", crafted(good, ` URI=""`), "", xades.ErrSignedProperties},
		{"a reference for the properties to elsewhere", crafted(good, ` URI="x"`), "", xades.ErrTransform},
		{"properties referred to twice", strings.Replace(signed, reference, reference+reference, 1), "", xades.ErrSignedProperties},
	} {
		a.run(t)
	}
}
