package xades_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tegata/internal/c14n"
	"tegata/internal/pkitest"
	"tegata/internal/xades"
)

// desk is a directory in which xmlsec1 works.
type desk struct{ xmlsec, dir string }

func newDesk(t *testing.T) desk { return desk{pkitest.Tool(t, "xmlsec1"), t.TempDir()} }

func (d desk) write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run returns what xmlsec1 says, and whether it was content.
func (d desk) run(args ...string) (string, bool) {
	cmd := exec.Command(d.xmlsec, args...)
	cmd.Dir = d.dir // a detached signature refers to a file beside it
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// accepts asks xmlsec1 about a document, signed under a test authority.
func (d desk) accepts(t *testing.T, who signer, document string, ids ...string) (string, bool) {
	t.Helper()
	args := []string{"--verify", "--trusted-pem", d.write(t, "ca.pem", pemOf("CERTIFICATE", who.ca.Cert.Raw)),
		"--verification-time", at().Format("2006-01-02 15:04:05"), "--enabled-key-data", "x509"}
	for _, id := range ids {
		args = append(args, "--id-attr:Id", id)
	}
	return d.run(append(args, d.write(t, "signed.xml", []byte(document)))...)
}

func keys(t *testing.T) map[string]crypto.Signer {
	return map[string]crypto.Signer{"rsa": pkitest.Key(t, 0), "p256": pkitest.ECKey(t), "p384": p384(t)}
}

func TestXMLSecAcceptsOurs(t *testing.T) {
	d := newDesk(t)
	for name, key := range keys(t) {
		who := person(t, key)
		for _, form := range []xades.Form{xades.Enveloped, xades.Enveloping, xades.Detached} {
			t.Run(name+" "+string(form), func(t *testing.T) {
				o := who.options(form)
				o.Name = "contract.xml"
				signed := who.sign(t, contract, o)
				d.write(t, o.Name, []byte(contract))
				if out, ok := d.accepts(t, who, signed); !ok {
					t.Errorf("xmlsec1 refuses: %s", out)
				}
				// It did look: one word changed, and it does not.
				forged := strings.Replace(signed, "田中", "山田", 1)
				if form == xades.Detached {
					forged = signed
					d.write(t, o.Name, []byte(strings.Replace(contract, "田中", "山田", 1)))
				}
				if out, ok := d.accepts(t, who, forged); ok {
					t.Errorf("xmlsec1 accepts a forgery: %s", out)
				}
			})
		}
	}
}

// What others accept after the later levels were added: the signature is the same.
func TestXMLSecAcceptsOurLevels(t *testing.T) {
	d := newDesk(t)
	who := person(t, pkitest.Key(t, 0))
	for _, form := range []xades.Form{xades.Enveloped, xades.Enveloping} {
		raised := raise(t, who, who.sign(t, contract, who.options(form)), nil)
		if out, ok := d.accepts(t, who, raised[len(raised)-1]); !ok {
			t.Errorf("%s: xmlsec1 refuses: %s", form, out)
		}
	}
}

func TestWhatXMLSecWrites(t *testing.T) {
	d := newDesk(t)
	const inclusive11 = "http://www.w3.org/2006/12/xml-c14n11"
	empty := func(attributes, transforms string, digest string) string {
		return "<ds:Reference" + attributes + ">" + transforms + `<ds:DigestMethod Algorithm="` + digest + `"/><ds:DigestValue/></ds:Reference>`
	}
	const sha512 = "http://www.w3.org/2001/04/xmlenc#sha512"
	for name, key := range keys(t) {
		who := person(t, key)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		private, public := d.write(t, name+".key", pemOf("PRIVATE KEY", der)), d.write(t, name+".pem", pemOf("CERTIFICATE", who.cert.Raw))
		method := rsaSHA256
		if _, ec := key.(*ecdsa.PrivateKey); ec {
			method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
		}
		template := func(canonical, reference, rest string) string {
			return "<ds:Signature " + declaration + `><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + canonical + `"/><ds:SignatureMethod Algorithm="` + method +
				`"/>` + reference + "</ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo>" + rest + "</ds:Signature>"
		}
		body := strings.TrimSuffix(strings.TrimSpace(contract), "</契約>")
		body = strings.Replace(body, "<?note draft?>\n", "", 1)
		for _, c := range []struct {
			name, template string
			form           xades.Form
		}{
			{"enveloped", body + template(inclusive, empty(` URI=""`, transforms(enveloped), sha256URI), "") + "</契約>", xades.Enveloped},
			{"enveloped, Canonical XML 1.1", body + template(inclusive11, empty(` URI=""`, transforms(enveloped, inclusive11), sha512), "") + "</契約>", xades.Enveloped},
			{"enveloped, exclusive", `<a xmlns="urn:a" xmlns:b="urn:b"><b:c d="e">日本</b:c>` + template(exclusive, empty(` URI=""`, transforms(enveloped, exclusive), sha256URI), "") + "</a>", xades.Enveloped},
			{"enveloped, with white space", "<a>\n  1\n  " + template(inclusive, "\n  "+empty(` URI=""`, transforms(enveloped), sha256URI)+"\n  ", "\n") + "\n</a>", xades.Enveloped},
			{"enveloping", template(inclusive, empty(` URI="#o"`, "", sha256URI), `<ds:Object Id="o"><a b="1">x</a> y </ds:Object>`), xades.Enveloping},
			{"enveloping two", template(exclusive, empty(` URI="#o"`, "", sha256URI)+empty(` URI="#p"`, transforms(exclusive), sha256URI), `<ds:Object Id="o">1</ds:Object><ds:Object Id="p">2</ds:Object>`), xades.Enveloping},
			{"detached", template(inclusive, empty(` URI="file.bin"`, "", sha256URI), ""), xades.Detached},
		} {
			t.Run(name+" "+c.name, func(t *testing.T) {
				content := []byte("\x00\xff\r\nany bytes")
				d.write(t, "file.bin", content)
				out := filepath.Join(d.dir, "out.xml")
				if said, ok := d.run("--sign", "--privkey-pem", private+","+public, "--output", out, d.write(t, "template.xml", []byte(c.template))); !ok {
					t.Fatalf("xmlsec1: %s", said)
				}
				signed, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				if c.form != xades.Detached {
					content = nil
				}
				list, err := xades.Signatures(signed, content)
				if err != nil {
					t.Fatalf("%v\n%s", err, signed)
				}
				s := list[0]
				if s.Form != c.form || !s.Certificate.Equal(who.cert) || s.Bound {
					t.Errorf("got %+v", s)
				}
				if c.form == xades.Detached && !bytes.Equal(s.Contents[0].Octets, content) {
					t.Errorf("content %q", s.Contents[0].Octets)
				}
			})
		}
	}
}

// The wrapping attacks are attacks: a verifier that is right about the signature,
// and asks no more, accepts them.
func TestWrappingFoolsOthers(t *testing.T) {
	d := newDesk(t)
	who := person(t, pkitest.Key(t, 0))
	for _, w := range wrappings(t, who) {
		out, ok := d.accepts(t, who, w.document, "contract")
		if ok != w.fools {
			t.Errorf("%s: xmlsec1 accepts %v, it was thought %v: %s", w.name, ok, w.fools, out)
		}
	}
}

// An element in its context as others write it: xmlsec1 keeps what it digests.
func TestXMLSecDigestsTheSame(t *testing.T) {
	d := newDesk(t)
	who := person(t, pkitest.Key(t, 0))
	der, err := x509.MarshalPKCS8PrivateKey(who.key)
	if err != nil {
		t.Fatal(err)
	}
	key := d.write(t, "key.pem", pemOf("PRIVATE KEY", der))
	for name, uri := range map[string]string{"1.0": inclusive, "1.1": "http://www.w3.org/2006/12/xml-c14n11", "exclusive": exclusive} {
		for part, fragment := range map[string]string{
			"inherited":  `<b:c Id="x" xml:lang="en"><d e:f="1" xmlns="urn:d"/>&#13;</b:c>`,
			"taken back": `<c Id="x" xmlns=""><b:d xmlns:b="urn:b"/></c>`,
		} {
			document := `<a xmlns="urn:a" xmlns:b="urn:b" xmlns:e="urn:e" xml:lang="ja" xml:space="preserve">` + fragment +
				"<ds:Signature " + declaration + `><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="` + exclusive + `"/><ds:SignatureMethod Algorithm="` + rsaSHA256 +
				`"/><ds:Reference URI="#x">` + transforms(uri) + `<ds:DigestMethod Algorithm="` + sha256URI + `"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature></a>`
			out, ok := d.run("--sign", "--privkey-pem", key, "--store-references", "--print-debug", "--id-attr:Id", "c", "--id-attr:Id", "urn:b:c", "--output", os.DevNull, d.write(t, "in.xml", []byte(document)))
			if !ok {
				t.Fatalf("%s %s: xmlsec1: %s", name, part, out)
			}
			_, digested, _ := strings.Cut(out, "== PreDigest data - start buffer:\n")
			digested, _, found := strings.Cut(digested, "\n== PreDigest data - end buffer")
			doc, err := c14n.Parse([]byte(document))
			if err != nil || !found || doc.Root.Children[0].Local != "c" {
				t.Fatalf("%s %s: %v %s", name, part, err, out)
			}
			m, _ := c14n.MethodOf(uri)
			if got, err := m.Element(doc.Root.Children[0], nil); err != nil || string(got) != digested {
				t.Errorf("%s %s: %v\ngot  %s\nwant %s", name, part, err, got, digested)
			}
		}
	}
}
