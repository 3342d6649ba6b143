package xades_test

import (
	"errors"
	"strings"
	"testing"

	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

// wrapping is a signed document rearranged so that its signature still holds while
// the document says something else: the classes XSW1 to XSW8 of SAML, with a
// contract in the place of the response or assertion.
type wrapping struct {
	name, document string
	want           error
	fools          bool // xmlsec1, which resolves the reference wherever its id is, says OK
}

// wrappings makes all of them from one document.
func wrappings(t testing.TB, who signer) []wrapping {
	t.Helper()
	const honest = `<contract Id="c"><amount>1000</amount></contract>`
	signed := who.sign(t, honest, xades.ByID(who.options(xades.Enveloped), "c")) // O: as it was signed
	if _, err := xades.Signatures([]byte(signed), nil); err != nil {
		t.Fatal(err)
	}
	const begin = `<contract Id="evil"><amount>1000000</amount>`
	const end = `</contract>`
	from, to := strings.Index(signed, "<ds:Signature"), strings.Index(signed, "</ds:Signature>")
	open := signed[from:to] // the signature without its end tag
	const closing = "</ds:Signature>"
	signature := open + closing
	return []wrapping{
		{"XSW1 the original inside the signature of the forged document",
			begin + open + honest + closing + end, xades.ErrMalformed, false},
		{"XSW2 the original beside the signature of the forged document",
			begin + honest + signature + end, xades.ErrTarget, true},
		{"XSW3 the forged part before the signed one",
			"<envelope>" + begin + end + signed + "</envelope>", xades.ErrPlace, true},
		{"XSW4 the signed part inside the forged one",
			begin + signed + end, xades.ErrPlace, true},
		{"XSW5 the forged part with the signature, the original at the end",
			"<envelope>" + begin + signature + end + honest + "</envelope>", xades.ErrPlace, true},
		{"XSW6 the forged part with the signature, and the original in that",
			"<envelope>" + begin + open + honest + closing + end + "</envelope>", xades.ErrPlace, false},
		{"XSW7 the forged part in an extension before the signed one",
			"<envelope><Extensions>" + begin + end + "</Extensions>" + signed + "</envelope>", xades.ErrPlace, true},
		{"XSW8 the original in an Object of the forged document's signature",
			begin + open + "<ds:Object>" + honest + "</ds:Object>" + closing + end, xades.ErrTarget, false},
		{"a forged document with the id of the original",
			strings.Replace(begin, "evil", "c", 1) + honest + signature + end, xades.ErrDuplicateID, false},
		{"the same in another spelling of id",
			strings.Replace(begin, `Id="evil"`, `ID="c"`, 1) + honest + signature + end, xades.ErrDuplicateID, true},
		{"the same with xml:id",
			strings.Replace(begin, `Id="evil"`, `xml:id="c"`, 1) + honest + signature + end, xades.ErrDuplicateID, false},
		{"an Object with other words beside the signed document",
			strings.Replace(signed, closing, "<ds:Object><amount>1000000</amount></ds:Object>"+closing, 1), xades.ErrUnsigned, true},
		{"a style sheet before the signed element",
			`<?xml-stylesheet href="evil.xsl"?>` + signed, xades.ErrUnsigned, true},
	}
}

func TestSignatureWrapping(t *testing.T) {
	for _, w := range wrappings(t, person(t, pkitest.Key(t, 0))) {
		t.Run(w.name, func(t *testing.T) {
			if list, err := xades.Signatures([]byte(w.document), nil); !errors.Is(err, w.want) {
				t.Errorf("got %v %+v, want %v", err, list, w.want)
			}
		})
	}
}

// The same with an enveloping signature: what it holds is signed, what is around
// it would only look so.
func TestWrappingAnEnvelopingSignature(t *testing.T) {
	who := person(t, pkitest.Key(t, 0))
	signed := who.sign(t, "<amount>1000</amount>", who.options(xades.Enveloping))
	signature := signed[strings.Index(signed, "<ds:Signature"):]
	object := signature[strings.Index(signature, "<ds:Object Id="):]
	object = object[:strings.Index(object, "</ds:Object>")+len("</ds:Object>")]
	evil := strings.Replace(object, "1000", "1000000", 1)
	nameless := "<ds:Object" + evil[strings.Index(evil, ">"):]
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"a document around it":          {"<contract><amount>1000000</amount>" + signature + "</contract>", xades.ErrTarget},
		"another object, with the id":   {strings.Replace(signature, object, evil+object, 1), xades.ErrDuplicateID},
		"another object, without an id": {strings.Replace(signature, object, nameless+object, 1), xades.ErrUnsigned},
		"the object moved into another": {strings.Replace(signature, object, "<ds:Object>"+nameless+object+"</ds:Object>", 1), xades.ErrTarget},
		"an instruction before it":      {"<?xml-stylesheet href='evil.xsl'?>" + signature, xades.ErrUnsigned},
		"the object changed":            {strings.Replace(signature, object, evil, 1), xades.ErrContent},
	} {
		t.Run(name, func(t *testing.T) {
			if list, err := xades.Signatures([]byte(c.document), nil); !errors.Is(err, c.want) {
				t.Errorf("got %v %+v, want %v", err, list, c.want)
			}
		})
	}
}
