package xades

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"mime"
	"net/url"
	"strings"
	"time"

	"tegata/internal/c14n"
)

// Options say how a document is signed.
type Options struct {
	Form        Form              // required
	Certificate *x509.Certificate // the signer's, required
	Others      []*x509.Certificate
	SigningTime time.Time // required; written in whole seconds

	// MediaType of what is signed; "" is text/xml. Detached needs it.
	MediaType string
	// Name of the file, by which a detached signature refers to it. Without folder.
	Name string

	byID string // refer to the document element by this id; for tests of attacks
}

// A Draft is a signature that lacks nothing but its value. Only Prepare makes one.
type Draft struct {
	options  Options
	document []byte
	doc      *c14n.Document // of document, when it is XML
	suite    suite
	id       string // random, part of every id in the signature
	digests  struct{ content, properties string }
	input    []byte
}

// Prepare makes SignedInfo for a document from its bytes. The document is an XML
// document; for Detached it is any file.
//
// Errors: ErrMalformed, ErrDTD, ErrEntity, ErrLimit, ErrDuplicateID, ErrComment,
// ErrMeaningless, ErrAlgorithm, and ErrSigned for a document that has a signature
// and is to be signed Enveloped: the new signature would break the old one.
// Enveloping puts the second signature around the first.
func Prepare(document []byte, o Options) (*Draft, error) {
	if o.Certificate == nil || o.SigningTime.IsZero() {
		return nil, fmt.Errorf("xades: a signature needs a certificate and a signing time")
	}
	d := &Draft{options: o, document: bytes.Clone(document)}
	if len(o.Others) >= maxCertificates {
		return nil, fmt.Errorf("%w: %d certificates", ErrLimit, len(o.Others)+1)
	}
	var err error
	if d.suite, err = suiteFor(o.Certificate.PublicKey); err != nil {
		return nil, err
	}
	if err := d.accept(); err != nil {
		return nil, err
	}
	var random [16]byte
	rand.Read(random[:])
	d.id = fmt.Sprintf("%x", random)
	return d, d.digest()
}

// accept checks what is to be signed before anything is made from it.
func (d *Draft) accept() error {
	o := &d.options
	if o.MediaType == "" && o.Form != Detached {
		o.MediaType = "text/xml"
	}
	media, _, err := mime.ParseMediaType(o.MediaType)
	if err != nil {
		return fmt.Errorf("xades: media type %q: %w", o.MediaType, err)
	}
	switch o.Form {
	case Enveloped, Enveloping:
	case Detached:
		if !beside(fileReference(o.Name)) || len(o.Name) > 255 {
			return fmt.Errorf("xades: %q is not the name of a file", o.Name)
		}
		if len(d.document) == 0 {
			return ErrMeaningless
		}
		if media != "text/xml" && media != "application/xml" && !strings.HasSuffix(media, "+xml") {
			return nil
		}
	default:
		return fmt.Errorf("xades: no form %q", o.Form)
	}
	if d.doc, err = c14n.Parse(d.document); err != nil {
		return err
	}
	doc, signed := d.doc, false
	doc.Root.Walk(func(n *c14n.Node) bool {
		signed = signed || n.Is(spaceDS, "Signature")
		return !signed
	})
	if signed && o.Form == Enveloped {
		return ErrSigned
	}
	if !meaningful(doc) {
		return ErrMeaningless
	}
	if cut := cutText(doc.Root, nil); cut != nil {
		return fmt.Errorf("%w: in %s", ErrComment, cut.Local)
	}
	_, err = index(doc)
	return err
}

// digest computes the digests of content and properties, and from them the octets
// that are signed.
func (d *Draft) digest() error {
	encode := func(octets []byte, err error) (string, error) {
		return encode64(digest(d.suite.hash, octets)), err
	}
	doc, signature, err := d.parse()
	if err != nil {
		return err
	}
	switch d.options.Form {
	case Detached:
		d.digests.content, err = encode(d.document, nil)
	case Enveloping:
		d.digests.content, err = encode(c14n.Method{}.Element(d.element(signature, "object"), nil))
	default:
		content := c14n.Method{}.Document
		if d.options.byID != "" {
			content = func(doc *c14n.Document, skip *c14n.Node) ([]byte, error) {
				return c14n.Method{}.Element(doc.Root, skip)
			}
		}
		d.digests.content, err = encode(content(doc, signature))
	}
	if err != nil {
		return err
	}
	if d.digests.properties, err = encode(exclusive.Element(d.element(signature, "properties"), nil)); err != nil {
		return err
	}
	if _, signature, err = d.parse(); err != nil {
		return err
	}
	d.input, err = exclusive.Element(signature.Children[0], nil)
	return err
}

// parse reads the document with the signature as it is by now.
func (d *Draft) parse() (*c14n.Document, *c14n.Node, error) {
	doc, err := c14n.Parse(d.write(nil))
	if err != nil {
		return nil, nil, err
	}
	return doc, d.element(doc.Root, "signature"), nil
}

// element finds what we have written by its id.
func (d *Draft) element(from *c14n.Node, part string) (found *c14n.Node) {
	from.Walk(func(n *c14n.Node) bool {
		if id, ok := n.Attr("Id"); ok && id == d.name(part) {
			found = n
		}
		return found == nil
	})
	return found
}

// name is the id of a part of the signature.
func (d *Draft) name(part string) string { return part + "-" + d.id }

// fileReference is the reference to a file beside the signature.
func fileReference(name string) string {
	// RFC 3986, section 4.2: a colon in the first segment would end a scheme.
	return strings.ReplaceAll(url.PathEscape(name), ":", "%3A")
}

// SigningInput is the canonical form of SignedInfo: the octets to sign, with the
// certificate's key, after hashing them with Hash.
func (d *Draft) SigningInput() []byte { return append([]byte(nil), d.input...) }

// Hash is the digest that the signature is made over.
func (d *Draft) Hash() crypto.Hash { return d.suite.hash }

// Finish returns the signed document, or the signature's own document when it is
// Detached. signature is what a crypto.Signer returns: of RSA PKCS #1 v1.5, of EC
// an ASN.1 ECDSA-Sig-Value. ErrSignature when it is not the certificate's key's over
// SigningInput. What is returned is what Signatures accepts.
func (d *Draft) Finish(signature []byte) ([]byte, error) {
	value, err := d.suite.encode(d.options.Certificate.PublicKey, signature)
	if err != nil {
		return nil, err
	}
	signed := d.write(value)
	if _, err := open(signed, d.content()); err != nil {
		return nil, fmt.Errorf("xades: finish: %w", err)
	}
	return signed, nil
}

// content is what Signatures wants beside the document.
func (d *Draft) content() []byte {
	if d.options.Form == Detached {
		return d.document
	}
	return nil
}

// Sign prepares, signs and finishes.
func Sign(signer crypto.Signer, document []byte, o Options) ([]byte, error) {
	d, err := Prepare(document, o)
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(rand.Reader, digest(d.Hash(), d.input), d.Hash())
	if err != nil {
		return nil, fmt.Errorf("xades: sign: %w", err)
	}
	return d.Finish(signature)
}
