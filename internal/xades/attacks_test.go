package xades_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

// attack is a document that must be refused, and for which reason.
type attack struct {
	name, document, content string
	want                    error
}

func (a attack) run(t *testing.T) {
	t.Helper()
	t.Run(a.name, func(t *testing.T) {
		var content []byte
		if a.content != "" {
			content = []byte(a.content)
		}
		if list, err := xades.Signatures([]byte(a.document), content); !errors.Is(err, a.want) {
			t.Errorf("got %v %+v, want %v", err, list, a.want)
		}
	})
}

func TestAttacksOnTheReader(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	signed := who.sign(t, "<a>1000</a>", who.options(xades.Enveloped))
	const bomb = `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`
	for _, a := range []attack{
		{"entity expansion", bomb + strings.Replace(signed, "1000", "&c;", 1), "", xades.ErrDTD},
		{"an external entity", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(signed, "1000", "&x;", 1), "", xades.ErrDTD},
		{"an entity without a DTD", strings.Replace(signed, "1000", "&x;", 1), "", xades.ErrEntity},
		{"a default attribute from a DTD", `<!DOCTYPE a [<!ATTLIST a Id ID "c">]>` + signed, "", xades.ErrDTD},
		{"a comment that cuts a value", strings.Replace(signed, "1000", "1<!-- -->000", 1), "", xades.ErrComment},
		{"a comment before a value", strings.Replace(signed, "1000", "<!-- -->1000", 1), "", xades.ErrComment},
		{"a comment in SignedInfo", strings.Replace(signed, "<ds:SignedInfo>", "<ds:SignedInfo><!-- -->", 1), "", xades.ErrMalformed},
		{"a comment in a digest", strings.Replace(signed, "<ds:DigestValue>", "<ds:DigestValue><!-- -->", 1), "", xades.ErrMalformed},
		{"a prefix bound to another namespace at the top", strings.Replace(signed, "<a>", "<a xmlns:t='urn:evil'>", 1), "", xades.ErrContent},
		{"no signature", "<a>1000</a>", "", xades.ErrNoSignature},
		{"a signature of another namespace", `<a>1000<Signature xmlns="urn:x"/></a>`, "", xades.ErrNoSignature},
		{"two signatures side by side", strings.Replace(signed, "</a>", signature(signed)+"</a>", 1), "", xades.ErrDuplicateID},
		{"content that nothing refers to", signed, "1000", xades.ErrUnsigned},
	} {
		a.run(t)
	}
}

// signature cuts the ds:Signature out.
func signature(signed string) string {
	from, to := strings.Index(signed, "<ds:Signature"), strings.Index(signed, "</ds:Signature>")
	return signed[from : to+len("</ds:Signature>")]
}

func TestAttacksByReference(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.Path) }))
	defer server.Close()
	sign := func(references ...string) string {
		return who.craft(t, signedInfo(rsaSHA256, references...), keyInfo(who))
	}
	in := func(references ...string) string { return `<a Id="c"><b Id="b">1</b>` + sign(references...) + "</a>" }
	const object = `<ds:Object ` + declaration + ` Id="o">1</ds:Object>`
	objects := func(references ...string) string {
		return who.craft(t, signedInfo(rsaSHA256, references...), keyInfo(who)+`<ds:Object Id="o">1</ds:Object>`)
	}
	whole := transforms(enveloped)
	const octets = `<a Id="c"><b Id="b">1</b></a>`
	if _, err := xades.Signatures([]byte(in(refer(` URI=""`, whole, octets))), nil); err != nil {
		t.Fatal(err) // what the attacks differ from
	}
	for _, a := range []attack{
		{"to a server", in(refer(` URI="`+server.URL+`/ssrf"`, "", "")), "", xades.ErrRemote},
		{"to a server, with content given", sign(refer(` URI="`+server.URL+`/ssrf"`, "", "x")), "x", xades.ErrRemote},
		{"to a server without a scheme", sign(refer(` URI="//127.0.0.1/x"`, "", "x")), "x", xades.ErrRemote},
		{"to a file", sign(refer(` URI="file:///etc/hostname"`, "", "x")), "x", xades.ErrRemote},
		{"to a file by its path", sign(refer(` URI="/etc/hostname"`, "", "x")), "x", xades.ErrRemote},
		{"to a folder above", sign(refer(` URI="../x"`, "", "x")), "x", xades.ErrRemote},
		{"to a folder above, escaped", sign(refer(` URI="..%2Fx"`, "", "x")), "x", xades.ErrRemote},
		{"to two contents beside", sign(refer(` URI="x"`, "", "x"), refer(` URI="y"`, "", "x")), "x", xades.ErrRemote},
		{"to content that is not given", sign(refer(` URI="x"`, "", "x")), "", xades.ErrNoContent},
		{"to content beside, from inside a document", in(refer(` URI="x"`, "", "x")), "x", xades.ErrUnsigned},
		{"to nothing", in(refer(` URI="#nobody"`, whole, octets)), "", xades.ErrNoTarget},
		{"to an empty id", in(refer(` URI="#"`, whole, octets)), "", xades.ErrNoTarget},
		{"to a sibling", in(refer(` URI="#b"`, "", `<b Id="b">1</b>`)), "", xades.ErrTarget},
		{"to the whole and a sibling", in(refer(` URI=""`, whole, octets), refer(` URI="#b"`, "", `<b Id="b">1</b>`)), "", xades.ErrTarget},
		{"to the whole twice", in(refer(` URI=""`, whole, octets), refer(` URI="#c"`, whole, octets)), "", xades.ErrTarget},
		{"to the signature itself", sign(refer(` URI=""`, whole, "")), "", xades.ErrTarget},
		{"by XPointer to the root", in(refer(` URI="#xpointer(/)"`, whole, octets)), "", xades.ErrTarget},
		{"by XPointer to an id", in(refer(` URI="#xpointer(id('b'))"`, "", `<b Id="b">1</b>`)), "", xades.ErrTarget},
		{"to a manifest", in(refer(` URI="" Type="http://www.w3.org/2000/09/xmldsig#Manifest"`, whole, octets)), "", xades.ErrTarget},
		{"to an object twice", objects(refer(` URI="#o"`, "", object), refer(` URI="#o"`, "", object)), "", xades.ErrTarget},
		{"to an object as if it were around the signature", objects(refer(` URI="#o"`, whole, object)), "", xades.ErrTransform},
		{"to an object and to what is beside", objects(refer(` URI="#o"`, "", object), refer(` URI="x"`, "", "x")), "x", xades.ErrTarget},
		{"to nothing at all, with an object", objects(), "", xades.ErrUnsigned},
		{"to nothing at all", in(), "", xades.ErrUnsigned},
		{"more than anybody needs", in(strings.Repeat(refer(` URI=""`, whole, octets), 9)), "", xades.ErrLimit},
		{"to properties that are not there", in(refer(` URI=""`, whole, octets), refer(` URI="#b" Type="http://uri.etsi.org/01903#SignedProperties"`, "", "")), "", xades.ErrSignedProperties},
	} {
		a.run(t)
	}
	if len(asked) > 0 {
		t.Errorf("the server was asked for %q", asked)
	}
}

func TestAttacksByTransform(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	const octets = `<a><b>1</b></a>`
	in := func(transforms string) string {
		return "<a><b>1</b>" + who.craft(t, signedInfo(rsaSHA256, refer(` URI=""`, transforms, octets)), keyInfo(who)) + "</a>"
	}
	with := func(algorithm, inside string) string {
		return "<ds:Transforms>" + `<ds:Transform Algorithm="` + enveloped + `"/><ds:Transform Algorithm="` + algorithm + `">` + inside + "</ds:Transform></ds:Transforms>"
	}
	const xslt = `<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"><x:template match="/"><x:for-each select="//*//*//*"/></x:template></x:stylesheet>`
	prefixes := func(list string) string {
		return `<e:InclusiveNamespaces xmlns:e="` + exclusive + `" PrefixList="` + list + `"/>`
	}
	for _, a := range []attack{
		{"XPath", in(with("http://www.w3.org/TR/1999/REC-xpath-19991116", "<ds:XPath>count(//*//*//*) > 0</ds:XPath>")), "", xades.ErrTransform},
		{"XPath Filter 2", in(with("http://www.w3.org/2002/06/xmldsig-filter2", "")), "", xades.ErrTransform},
		{"XSLT", in(with("http://www.w3.org/TR/1999/REC-xslt-19991116", xslt)), "", xades.ErrTransform},
		{"base64", in(with("http://www.w3.org/2000/09/xmldsig#base64", "")), "", xades.ErrTransform},
		{"decryption", in(with("http://www.w3.org/2002/07/decrypt#XML", "")), "", xades.ErrTransform},
		{"a thousand", in(transforms(strings.Split(strings.Repeat(enveloped+" ", 1000), " ")...)), "", xades.ErrTransform},
		{"the same twice", in(transforms(enveloped, enveloped)), "", xades.ErrTransform},
		{"canonicalisation before enveloped-signature", in(transforms(inclusive, enveloped)), "", xades.ErrTransform},
		{"canonicalisation twice", in(transforms(exclusive, inclusive)), "", xades.ErrTransform},
		{"none at all", in("<ds:Transforms/>"), "", xades.ErrTransform},
		{"no enveloped-signature", in(transforms(inclusive)), "", xades.ErrTransform},
		{"enveloped-signature with something inside", in(strings.Replace(transforms(enveloped), "/>", ">x</ds:Transform>", 1)), "", xades.ErrTransform},
		{"a long list of prefixes", in(with(exclusive, prefixes("a b c d e f g h i"))), "", xades.ErrTransform},
		{"canonicalisation with something inside", in(with(inclusive, prefixes("a"))), "", xades.ErrTransform},
		{"of content beside", who.craft(t, signedInfo(rsaSHA256, refer(` URI="x"`, transforms(inclusive), "<a></a>")), keyInfo(who)), "<a/>", xades.ErrTransform},
	} {
		a.run(t)
	}
	for _, good := range []string{transforms(enveloped), transforms(enveloped, inclusive), with(exclusive, prefixes("#default a")), transforms(enveloped, exclusive+"WithComments")} {
		if _, err := xades.Signatures([]byte(in(good)), nil); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// A prefix inside a value is signed only when its declaration is.
func TestNamespaceInjection(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	const octets = `<amount t="p:yen">1</amount>`
	sign := who.craft(t, signedInfo(rsaSHA256, refer(` URI=""`, transforms(enveloped, exclusive), octets)), keyInfo(who))
	in := func(declarations string) string {
		return "<amount" + declarations + ` t="p:yen">1` + sign + "</amount>"
	}
	for _, a := range []attack{
		{"a declaration that was not there", in(` xmlns:p="urn:evil"`), "", xades.ErrNamespace},
		{"a declaration that was there and is not signed either", in(` xmlns:p="urn:currency"`), "", xades.ErrNamespace},
		{"a default namespace", in(` xmlns="urn:evil"`), "", xades.ErrContent},
	} {
		a.run(t)
	}
	if _, err := xades.Signatures([]byte(in("")), nil); err != nil {
		t.Errorf("without: %v", err)
	}
}

func TestAttacksOnKeyAndAlgorithm(t *testing.T) {
	who, other := person(t, pkitest.Key(t, 0)), person(t, pkitest.Key(t, 1))
	again := signer{who.key, who.ca.Issue(t, who.key.Public(), pkitest.Leaf{CN: "somebody else"}), who.ca}
	small := signer{key: who.key, cert: who.cert}
	const octets = "<a>1</a>"
	reference := refer(` URI=""`, transforms(enveloped), octets)
	in := func(info, key string) string { return "<a>1" + who.craft(t, info, key) + "</a>" }
	good := signedInfo(rsaSHA256, reference)
	bound := who.sign(t, octets, who.options(xades.Enveloped))
	swap := func(by signer) string { return strings.Replace(bound, keyInfo(small)[12:], keyInfo(by)[12:], 1) }
	const ds, more = "http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/04/xmldsig-more#"
	for _, a := range []attack{
		{"HMAC with a public key for a secret", in(signedInfo(more+"hmac-sha256", reference), keyInfo(who)), "", xades.ErrHMAC},
		{"HMAC with SHA-1", in(signedInfo(ds+"hmac-sha1", reference), keyInfo(who)), "", xades.ErrHMAC},
		{"an HMAC cut to nothing", in(strings.Replace(signedInfo(more+"hmac-sha256", reference), `hmac-sha256"/>`, `hmac-sha256"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>`, 1), keyInfo(who)), "", xades.ErrHMAC},
		{"RSA with SHA-1", in(signedInfo(ds+"rsa-sha1", reference), keyInfo(who)), "", xades.ErrWeakDigest},
		{"RSA with MD5", in(signedInfo(more+"rsa-md5", reference), keyInfo(who)), "", xades.ErrWeakDigest},
		{"DSA", in(signedInfo(ds+"dsa-sha256", reference), keyInfo(who)), "", xades.ErrAlgorithm},
		{"no algorithm", in(signedInfo("", reference), keyInfo(who)), "", xades.ErrAlgorithm},
		{"an algorithm with parameters", in(strings.Replace(good, `rsa-sha256"/>`, `rsa-sha256">x</ds:SignatureMethod>`, 1), keyInfo(who)), "", xades.ErrAlgorithm},
		{"ECDSA with an RSA key", in(signedInfo(more+"ecdsa-sha256", reference), keyInfo(who)), "", xades.ErrSignature},
		{"a digest of SHA-1", in(strings.Replace(good, sha256URI, ds+"sha1", 1), keyInfo(who)), "", xades.ErrWeakDigest},
		{"an unknown digest", in(strings.Replace(good, sha256URI, "urn:crc32", 1), keyInfo(who)), "", xades.ErrAlgorithm},
		{"an unknown canonicalisation", in(strings.Replace(good, exclusive, "http://www.w3.org/TR/1999/REC-xslt-19991116", 1), keyInfo(who)), "", xades.ErrAlgorithm},
		{"somebody else's certificate", in(good, keyInfo(other)), "", xades.ErrSignature},
		{"two certificates of the key", in(good, keyInfo(who, again)), "", xades.ErrCertificate},
		{"no key", in(good, ""), "", xades.ErrKeyInfo},
		{"an empty KeyInfo", in(good, "<ds:KeyInfo/>"), "", xades.ErrKeyInfo},
		{"a bare key", in(good, "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"), "", xades.ErrKeyInfo},
		{"a bare key beside a certificate", in(good, strings.Replace(keyInfo(who), "</ds:KeyInfo>", "<ds:KeyValue/></ds:KeyInfo>", 1)), "", xades.ErrKeyInfo},
		{"a key to fetch", in(good, `<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1/key"/></ds:KeyInfo>`), "", xades.ErrKeyInfo},
		{"a certificate of the same key for the one that is named", swap(again), "", xades.ErrCertificate},
		{"somebody else's certificate for the one that is named", swap(other), "", xades.ErrCertificate},
		{"eleven certificates", in(good, keyInfo(who, who, who, who, who, who, who, who, who, who, who)), "", xades.ErrLimit},
	} {
		a.run(t)
	}
	list, err := xades.Signatures([]byte(in(good, keyInfo(other, who))), nil)
	if err != nil || len(list) != 1 || !list[0].Certificate.Equal(who.cert) || list[0].Bound || list[0].Level != xades.NoLevel || !list[0].SigningTime.IsZero() {
		t.Errorf("plain XML Signature: %+v, %v", list, err)
	}
}
