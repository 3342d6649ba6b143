package xades_test

import (
	"strings"
	"testing"

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
	crafted := func(properties string) string {
		const uri = `http://uri.etsi.org/01903/v1.3.2#`
		content := refer(` Id="r" URI=""`, transforms(enveloped), "<a>1</a>")
		open := `<xades:SignedProperties xmlns:xades="` + uri + `"`
		octets := open + strings.TrimPrefix(properties, "<xades:SignedProperties")
		to := refer(` Type="http://uri.etsi.org/01903#SignedProperties" URI="#p"`, transforms(exclusive), octets)
		return "<a>1" + who.craft(t, signedInfo(rsaSHA256, content, to), keyInfo(who)+
			`<ds:Object><xades:QualifyingProperties xmlns:xades="`+uri+`" Target="#s">`+properties+`</xades:QualifyingProperties></ds:Object>`) + "</a>"
	}
	for _, a := range []attack{
		{"properties taken away", change(object, ""), "", xades.ErrSignedProperties},
		{"properties twice", change(object, object+strings.ReplaceAll(object, ` Id="`, ` Id="x`)), "", xades.ErrSignedProperties},
		{"properties of another signature", change(`Target="#`, `Target="#x`), "", xades.ErrSignedProperties},
		{"properties that are elsewhere", change(object, `<ds:Object><xades:QualifyingPropertiesReference xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" URI="http://127.0.0.1/"/></ds:Object>`), "", xades.ErrRemote},
		{"properties with something beside them", change("<ds:Object>", "<ds:Object>x"), "", xades.ErrMalformed},
		{"another time", change("2026-11-22T09:30:00Z", "2026-11-21T09:30:00Z"), "", xades.ErrSignedProperties},
		{"the reference to the properties taken away", change(reference, ""), "", xades.ErrSignedProperties},
		{"no certificate named", crafted(`<xades:SignedProperties Id="p"><xades:SignedSignatureProperties></xades:SignedSignatureProperties></xades:SignedProperties>`), "", xades.ErrNoSigningCertificate},
		{"no properties in them", crafted(`<xades:SignedProperties Id="p"></xades:SignedProperties>`), "", xades.ErrNoSigningCertificate},
	} {
		a.run(t)
	}
}
