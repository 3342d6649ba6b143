package xades_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

func at() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

// signer is a person with a certificate of a test authority.
type signer struct {
	key  crypto.Signer
	cert *x509.Certificate
	ca   *pkitest.Authority
}

func person(t testing.TB, key crypto.Signer) signer {
	t.Helper()
	ca := pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 7), at())
	return signer{key, ca.Issue(t, key.Public(), pkitest.Leaf{CN: "signer"}), ca}
}

func p384(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s signer) options(form xades.Form) xades.Options {
	return xades.Options{Form: form, Certificate: s.cert, SigningTime: at(), MediaType: "application/xml", Name: "契約: 1.xml"}
}

func (s signer) sign(t testing.TB, document string, o xades.Options) string {
	t.Helper()
	signed, err := xades.Sign(s.key, []byte(document), o)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

const contract = "<?xml version='1.0' encoding='utf-8'?>\n<?note draft?>\n<契約 xmlns='urn:example:contract' xmlns:t=\"urn:types\" Id='c'>\r\n" +
	"  <甲 >田中</甲><!-- said nothing --><金額 t:unit='t:円' >1000 &amp; <![CDATA[<>]]></金額>\n<印/></契約>\n"

func TestRoundTrip(t *testing.T) {
	canonical := "<?note draft?>\n<契約 xmlns=\"urn:example:contract\" xmlns:t=\"urn:types\" Id=\"c\">\n" +
		"  <甲>田中</甲><金額 t:unit=\"t:円\">1000 &amp; &lt;&gt;</金額>\n<印></印></契約>"
	for name, key := range map[string]crypto.Signer{"RSA": pkitest.Key(t, 0), "P-256": pkitest.ECKey(t), "P-384": p384(t)} {
		who := person(t, key)
		for _, form := range []xades.Form{xades.Enveloped, xades.Enveloping, xades.Detached} {
			t.Run(name+" "+string(form), func(t *testing.T) {
				o := who.options(form)
				o.Others = []*x509.Certificate{who.ca.Cert}
				signed := who.sign(t, contract, o)
				var content []byte
				if form == xades.Detached {
					content = []byte(contract)
				}
				list, err := xades.Signatures([]byte(signed), content)
				if err != nil {
					t.Fatal(err)
				}
				if len(list) != 1 || len(list[0].Contents) != 1 {
					t.Fatalf("got %+v", list)
				}
				s := list[0]
				if s.Form != form || !s.Certificate.Equal(who.cert) || !s.Bound || !s.SigningTime.Equal(at()) || s.Level != xades.LevelB || len(s.Certificates) != 2 {
					t.Errorf("got %+v", s)
				}
				got, media := string(s.Contents[0].Octets), s.Contents[0].MediaType
				if media != "application/xml" {
					t.Errorf("media type %q", media)
				}
				switch form {
				case xades.Enveloped:
					if got != canonical {
						t.Errorf("got  %s\nwant %s", got, canonical)
					}
				case xades.Enveloping:
					if _, inside, _ := strings.Cut(got, ">"); strings.TrimSuffix(inside, "</ds:Object>") != canonical {
						t.Errorf("got %s", got)
					}
				case xades.Detached:
					if got != contract {
						t.Errorf("got %s", got)
					}
				}
			})
		}
	}
}

// Every byte of the document stays as it was; the signature is put in.
func TestTheDocumentIsNotWrittenAnew(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	for _, document := range []string{contract, "<a b='1'   />", "\ufeff<p:a xmlns:p='urn:p' b='2'/><!--x-->\n"} {
		signed := who.sign(t, document, who.options(xades.Enveloped))
		begin, end := strings.Index(signed, "<ds:Signature "), strings.Index(signed, "</ds:Signature>")+len("</ds:Signature>")
		rest := signed[:begin] + signed[end:]
		if rest != document && strings.Replace(strings.Replace(rest, "></p:a>", "/>", 1), "   ></a>", "   />", 1) != document {
			t.Errorf("%q became %q", document, rest)
		}
	}
}

func TestDrafts(t *testing.T) {
	who, other := person(t, pkitest.Key(t, 0)), person(t, pkitest.Key(t, 1))
	draft, err := xades.Prepare([]byte(contract), who.options(xades.Enveloped))
	if err != nil {
		t.Fatal(err)
	}
	input := draft.SigningInput()
	if !bytes.HasPrefix(input, []byte("<ds:SignedInfo xmlns:ds=")) {
		t.Errorf("signing input %s", input)
	}
	sum := sha256.Sum256(input)
	good, err := who.key.Sign(rand.Reader, sum[:], draft.Hash())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.key.Sign(rand.Reader, sum[:], draft.Hash())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := draft.Finish(foreign); !errors.Is(err, xades.ErrSignature) {
		t.Errorf("another key's signature: %v", err)
	}
	input[0] = 'x' // the draft keeps its own
	if _, err := draft.Finish(good); err != nil {
		t.Error(err)
	}
}

func TestNotPrepared(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	signed := who.sign(t, contract, who.options(xades.Enveloped))
	cases := []struct {
		name, document string
		form           xades.Form
		want           error
	}{
		{"a signed document that is to envelop a second signature", signed, xades.Enveloped, xades.ErrSigned},
		{"a document that says nothing", "<a><b/>\n<c>  </c></a>", xades.Enveloped, xades.ErrMeaningless},
		{"the same, enveloped by the signature", "<a><b/></a>", xades.Enveloping, xades.ErrMeaningless},
		{"the same, beside the signature", "<a><b/></a>", xades.Detached, xades.ErrMeaningless},
		{"an empty file", "", xades.Detached, xades.ErrMeaningless},
		{"a document with a DTD", "<!DOCTYPE a><a>1</a>", xades.Enveloped, xades.ErrDTD},
		{"an id twice", `<a Id="x"><b ID="x">1</b></a>`, xades.Enveloped, xades.ErrDuplicateID},
		{"a comment that cuts a text", "<a>1<!-- -->000</a>", xades.Enveloping, xades.ErrComment},
		{"no XML", "%PDF-1.7", xades.Enveloped, xades.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := xades.Prepare([]byte(c.document), who.options(c.form)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	for name, change := range map[string]func(*xades.Options){
		"a name with a folder":  func(o *xades.Options) { o.Name = "../x" },
		"no name":               func(o *xades.Options) { o.Name = "" },
		"no form":               func(o *xades.Options) { o.Form = "" },
		"no certificate":        func(o *xades.Options) { o.Certificate = nil },
		"no signing time":       func(o *xades.Options) { o.SigningTime = time.Time{} },
		"no media type":         func(o *xades.Options) { o.MediaType = "" },
		"too many certificates": func(o *xades.Options) { o.Others = make([]*x509.Certificate, 10) },
	} {
		o := who.options(xades.Detached)
		change(&o)
		if _, err := xades.Prepare([]byte("x"), o); err == nil {
			t.Errorf("%s: prepared", name)
		}
	}
	o := who.options(xades.Detached)
	o.MediaType = "text/plain"
	if _, err := xades.Prepare([]byte("x"), o); err != nil {
		t.Errorf("a plain file: %v", err)
	}
}

// An ECDSA value is r and s side by side and nothing else; keys of other kinds sign
// nothing.
func TestValuesAndKeys(t *testing.T) {
	who := person(t, pkitest.ECKey(t))
	draft, err := xades.Prepare([]byte(contract), who.options(xades.Enveloped))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{
		"nothing":                 nil,
		"r and s, not in DER":     make([]byte, 64),
		"DER with something more": {0x30, 6, 2, 1, 1, 2, 1, 1, 0},
		"a negative number":       {0x30, 6, 2, 1, 0xff, 2, 1, 1},
		"zeros":                   {0x30, 6, 2, 1, 0, 2, 1, 0},
	} {
		if _, err := draft.Finish(value); !errors.Is(err, xades.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	signed := who.sign(t, contract, who.options(xades.Enveloped))
	begin := strings.Index(signed, "<ds:SignatureValue>") + len("<ds:SignatureValue>")
	end := strings.Index(signed, "</ds:SignatureValue>")
	raw, err := base64.StdEncoding.DecodeString(signed[begin:end])
	if err != nil || len(raw) != 64 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	der, err := asn1.Marshal([]*big.Int{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := xades.Signatures([]byte(signed[:begin]+base64.StdEncoding.EncodeToString(der)+signed[end:]), nil); !errors.Is(err, xades.ErrSignature) {
		t.Errorf("a value in DER: %v", err)
	}
	large, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := person(t, large)
	if _, err := xades.Prepare([]byte(contract), other.options(xades.Enveloped)); !errors.Is(err, xades.ErrAlgorithm) {
		t.Errorf("P-521: %v", err)
	}
}

// A second person signs around the first, a third around both.
func TestSignaturesAroundOneAnother(t *testing.T) {
	one, two, three := person(t, pkitest.Key(t, 0)), person(t, pkitest.ECKey(t)), person(t, pkitest.Key(t, 2))
	signed := one.sign(t, contract, one.options(xades.Enveloped))
	signed = two.sign(t, signed, two.options(xades.Enveloping))
	signed = three.sign(t, signed, three.options(xades.Enveloping))
	list, err := xades.Signatures([]byte(signed), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || !list[0].Certificate.Equal(three.cert) || !list[1].Certificate.Equal(two.cert) || !list[2].Certificate.Equal(one.cert) {
		t.Errorf("got %d signatures", len(list))
	}
	for range 2 {
		signed = three.sign(t, signed, three.options(xades.Enveloping))
	}
	if _, err := xades.Signatures([]byte(signed), nil); !errors.Is(err, xades.ErrLimit) {
		t.Errorf("five around one another: %v", err)
	}
}

// Each byte of what is signed matters, and of what the signature rests on.
func TestTampering(t *testing.T) {
	who := person(t, pkitest.ECKey(t))
	for _, form := range []xades.Form{xades.Enveloped, xades.Enveloping, xades.Detached} {
		signed := who.sign(t, contract, who.options(form))
		var content []byte
		if form == xades.Detached {
			content = []byte(contract)
		}
		flipped := 0
		for _, part := range []string{"ds:SignedInfo", "xades:SignedProperties", "ds:SignatureValue", "ds:KeyInfo", "xades:QualifyingProperties"} {
			begin, end := strings.Index(signed, "<"+part), strings.Index(signed, "</"+part+">")+len("</"+part+">")
			for i := begin; i < end; i++ {
				for _, bit := range []byte{1, 1 << (1 + i%7)} {
					forged := []byte(signed)
					forged[i] ^= bit
					flipped++
					if _, err := xades.Signatures(forged, content); err == nil {
						t.Fatalf("%s: byte %d of %s, %q for %q, and nobody noticed: %s", form, i-begin, part, forged[i], signed[i], signed[i-20:i+20])
					}
				}
			}
		}
		if flipped < 5000 {
			t.Fatalf("only %d changes were tried", flipped)
		}
	}
}

// The content too, but for what canonicalisation takes to be the same.
func TestTamperingWithContent(t *testing.T) {
	who := person(t, pkitest.ECKey(t))
	document := `<contract xmlns="urn:example:contract"><party>Tanaka</party><amount unit="yen">1000</amount></contract>`
	signed := who.sign(t, document, who.options(xades.Enveloped))
	end := strings.Index(signed, "<ds:Signature")
	for i := range end {
		for bit := range 8 {
			forged := []byte(signed)
			forged[i] ^= 1 << bit
			if _, err := xades.Signatures(forged, nil); err == nil {
				t.Fatalf("byte %d, %q for %q, and nobody noticed", i, forged[i], signed[i])
			}
		}
	}
}
