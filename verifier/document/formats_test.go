package document_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/cms"
	"tegata/internal/pades"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/internal/xades"
	"tegata/verifier/document"
)

// paper is a PDF of one page that says words.
func paper(words string) []byte {
	stream := "BT /F1 12 Tf 72 720 Td (" + words + ") Tj ET"
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var at []int
	for _, body := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	} {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

// signPDF signs a PDF as of the world's clock.
func (w *world) signPDF(pdf []byte) []byte {
	w.t.Helper()
	d, err := pades.Prepare(pdf, pades.Options{At: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := cms.SignPAdES(w.key, w.cert, d.Content())
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := d.Embed(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// stampPDF puts a document time-stamp over a PDF.
func (w *world) stampPDF(pdf []byte) []byte {
	w.t.Helper()
	d, err := pades.PrepareDocTimeStamp(pdf, pades.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	sum := sha256.Sum256(d.Content())
	_, der, err := w.stamp(w.t.Context(), crypto.SHA256, sum[:])
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := d.Embed(der)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// answers are the OCSP answers for the signer's certificate, as somebody keeps them.
func (w *world) answers() [][]byte {
	w.t.Helper()
	keeper := &document.Keeper{}
	if _, err := (certpath.OCSP{Keep: keeper.Keep}).Status(w.t.Context(), w.cert, w.sign.Cert, w.now); err != nil {
		w.t.Fatal(err)
	}
	return keeper.Answers()
}

func (w *world) one(data, content []byte) document.Result {
	w.t.Helper()
	r := w.checker().Check(w.t.Context(), data, content, w.now)
	if len(r.Signatures) != 1 {
		w.t.Fatalf("%d signatures", len(r.Signatures))
	}
	return r.Signatures[0]
}

// A signed PDF passes, and goes on to pass after its certificate has ended when a
// document time-stamp proves that it was signed before.
func TestASignedPDF(t *testing.T) {
	w := newWorld(t)
	signed := w.signPDF(paper("One room, two years"))
	r := w.one(signed, nil)
	passed(t, r)
	if r.Format != "PAdES" || r.Level != "B-B" || !r.Claimed.Equal(w.now) || !r.Proven.IsZero() {
		t.Errorf("%+v", r)
	}
	stamped := w.stampPDF(signed)
	kept, err := pades.AddDSS(stamped, pades.Evidence{Certificates: [][]byte{w.sign.Cert.Raw}, OCSP: w.answers()})
	if err != nil {
		t.Fatal(err)
	}
	archived := w.stampPDF(kept)
	for level, pdf := range map[string][]byte{"B-T": stamped, "B-LT": kept, "B-LTA": archived} {
		r := w.one(pdf, nil)
		passed(t, r)
		if r.Level != level || r.Proven.IsZero() {
			t.Errorf("%s: %s, proven %v", level, r.Level, r.Proven)
		}
	}
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Revoked, 1)
	says(t, w.one(signed, nil), document.ErrRevokedNoPOE, ceremony.Indeterminate, "REVOKED_NO_POE")
	passed(t, w.one(archived, nil))
	late := w.stampPDF(signed) // after the certificate had ended, it proves nothing
	says(t, w.one(late, nil), document.ErrRevokedNoPOE, ceremony.Indeterminate, "REVOKED_NO_POE")
}

// A document time-stamp is over the file before it and no other.
func TestADocumentTimeStampOverSomethingElse(t *testing.T) {
	w := newWorld(t)
	d, err := pades.PrepareDocTimeStamp(w.signPDF(paper("One room")), pades.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("another document"))
	_, der, err := w.stamp(t.Context(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	pdf, err := d.Embed(der)
	if err != nil {
		t.Fatal(err)
	}
	r := w.one(pdf, nil)
	passed(t, r)
	if !r.Proven.IsZero() || len(r.TimeStamps) != 1 || !errors.Is(r.TimeStamps[0].Problem, document.ErrStampImprint) {
		t.Errorf("proven %v by %+v", r.Proven, r.TimeStamps)
	}
}

func TestTwoPeopleSignOnePDF(t *testing.T) {
	w := newWorld(t)
	first := w.signPDF(paper("One room"))
	w.key = pkitest.Key(t, 4)
	w.cert = w.sign.Issue(t, w.key.Public(), pkitest.Leaf{CN: "second", OCSP: w.url})
	both := w.signPDF(first)
	r := w.checker().Check(t.Context(), both, nil, w.now)
	if len(r.Signatures) != 2 || r.Verdict != ceremony.Passed {
		t.Fatalf("%s of %d: %v", r.Verdict, len(r.Signatures), r.Problem)
	}
	w.revoke(w.cert, certpath.Held, 6)
	if r := w.checker().Check(t.Context(), both, nil, w.now); r.Verdict != ceremony.Indeterminate || r.Signatures[0].Verdict != ceremony.Passed {
		t.Errorf("%s, the first %s", r.Verdict, r.Signatures[0].Verdict)
	}
}

// What is wrong with a PDF or XML signature has its own code.
func TestWhatIsWrongWithPDFAndXML(t *testing.T) {
	w := newWorld(t)
	pdf := w.signPDF(paper("One room, two years"))
	text := []byte("<contract><rent>50000</rent></contract>")
	xml := func(o xades.Options) []byte {
		o.Certificate, o.SigningTime = w.cert, w.now
		out, err := xades.Sign(w.key, text, o)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	enveloped := xml(xades.Options{Form: xades.Enveloped})
	detached := xml(xades.Options{Form: xades.Detached, Name: "contract.xml", MediaType: "text/xml"})
	changed := func(data []byte, old, new string) []byte {
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("no %q to change", old)
		}
		return bytes.Replace(data, []byte(old), []byte(new), 1)
	}
	for _, c := range []struct {
		name          string
		data, content []byte
		want          *problem.Problem
		verdict       ceremony.Verdict
		sub           string
	}{
		{"a PDF without a signature", paper("One room"), nil, document.ErrNoSignature, ceremony.Failed, "FORMAT_FAILURE"},
		{"a PDF whose text was changed", changed(pdf, "two years", "ten years"), nil, document.ErrContentChanged, ceremony.Failed, "HASH_FAILURE"},
		{"a PDF with something behind it", append(bytes.Clone(pdf), "5 0 obj\n<<>>\nendobj\n"...), nil, document.ErrMalformed, ceremony.Failed, "FORMAT_FAILURE"},
		{"a PDF whose byte range leaves a part out", changed(pdf, "/ByteRange [0 ", "/ByteRange [9 "), nil, document.ErrPartly, ceremony.Failed, "FORMAT_FAILURE"},
		{"a PDF signature of an older kind", changed(pdf, "/ETSI.CAdES.detached", "/adbe.pkcs7.detached"), nil, document.ErrPDFKind, ceremony.Failed, "FORMAT_FAILURE"},
		{"a PDF and another document", pdf, paper("Two rooms"), document.ErrContentChanged, ceremony.Failed, "HASH_FAILURE"},
		{"an XML document without a signature", text, nil, document.ErrNoSignature, ceremony.Failed, "FORMAT_FAILURE"},
		{"an XML document whose text was changed", changed(enveloped, "50000", "90000"), nil, document.ErrContentChanged, ceremony.Failed, "HASH_FAILURE"},
		{"a second root's worth beside the signed part", changed(enveloped, "<contract>", "<contract xmlns:x=\"urn:x\">"), nil, document.ErrContentChanged, ceremony.Failed, "HASH_FAILURE"},
		{"an XML document with a DTD", append([]byte("<!DOCTYPE contract>"), enveloped...), nil, document.ErrForbiddenXML, ceremony.Failed, "FORMAT_FAILURE"},
		{"a detached XML signature without its content", detached, nil, document.ErrContentMissing, ceremony.Indeterminate, "SIGNED_DATA_NOT_FOUND"},
		{"a detached XML signature and another content", detached, []byte("<contract/>"), document.ErrContentChanged, ceremony.Failed, "HASH_FAILURE"},
		{"an XML signature with another value", flipped(t, enveloped, "SignatureValue>"), nil, document.ErrSignature, ceremony.Failed, "SIG_CRYPTO_FAILURE"},
	} {
		t.Run(c.name, func(t *testing.T) { says(t, w.one(c.data, c.content), c.want, c.verdict, c.sub) })
	}
	passed(t, w.one(detached, text))
}

// flipped changes the first character of an element's text.
func flipped(t *testing.T, data []byte, after string) []byte {
	t.Helper()
	i := strings.Index(string(data), after)
	if i < 0 {
		t.Fatalf("no %s", after)
	}
	out := bytes.Clone(data)
	for i += len(after); out[i] == '\n'; i++ {
	}
	if out[i] == 'A' {
		out[i] = 'B'
	} else {
		out[i] = 'A'
	}
	return out
}

// A page that is drawn over the one that was signed, in an update that every viewer
// shows, is no matter of the signature's mathematics.
func TestAPDFChangedAfterItWasSigned(t *testing.T) {
	w := newWorld(t)
	pdf := w.signPDF(paper("One room, two years"))
	start := bytes.LastIndex(pdf, []byte("startxref\n"))
	var previous int
	if _, err := fmt.Sscanf(string(pdf[start:]), "startxref\n%d", &previous); err != nil {
		t.Fatal(err)
	}
	stream := "BT /F1 12 Tf 72 720 Td (Two rooms, ten years) Tj ET"
	out := bytes.NewBuffer(bytes.Clone(pdf))
	offset := out.Len()
	fmt.Fprintf(out, "4 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n", len(stream), stream)
	table := out.Len()
	fmt.Fprintf(out, "xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %s /Prev %d >>\nstartxref\n%d\n%%%%EOF\n", offset, lastSize(t, pdf), "1 0 R", previous, table)
	says(t, w.one(out.Bytes(), nil), document.ErrChangedAfter, ceremony.Failed, "FORMAT_FAILURE")
}

func lastSize(t *testing.T, pdf []byte) (size int) {
	t.Helper()
	if _, err := fmt.Sscanf(string(pdf[bytes.LastIndex(pdf, []byte("/Size ")):]), "/Size %d", &size); err != nil {
		t.Fatal(err)
	}
	return size
}

// An XML signature passes at every level, and a login certificate makes none.
func TestASignedXMLDocument(t *testing.T) {
	w := newWorld(t)
	signed, err := xades.Sign(w.key, []byte("<contract><rent>50000</rent></contract>"), xades.Options{Form: xades.Enveloped, Certificate: w.cert, SigningTime: w.now})
	if err != nil {
		t.Fatal(err)
	}
	r := w.one(signed, nil)
	passed(t, r)
	if r.Format != "XAdES" || r.Level != "B-B" || !r.Claimed.Equal(w.now) || r.Kind != pki.PhoneSign {
		t.Errorf("%+v", r)
	}
	stamp := func(ctx context.Context, octets []byte) ([]byte, error) {
		_, der, err := w.stamp(ctx, crypto.SHA256, octets)
		return der, err
	}
	stamped, err := xades.AddSignatureTimeStamp(t.Context(), signed, nil, stamp)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := xades.AddValues(stamped, nil, [][]byte{w.sign.Cert.Raw}, w.answers())
	if err != nil {
		t.Fatal(err)
	}
	archived, err := xades.AddArchiveTimeStamp(t.Context(), kept, nil, stamp)
	if err != nil {
		t.Fatal(err)
	}
	for level, data := range map[string][]byte{"B-T": stamped, "B-LT": kept, "B-LTA": archived} {
		r := w.one(data, nil)
		passed(t, r)
		if r.Level != level || r.Proven.IsZero() {
			t.Errorf("%s: %s, proven %v", level, r.Level, r.Proven)
		}
	}
	w.now = w.now.Add(time.Hour)
	w.revoke(w.cert, certpath.Revoked, 1)
	says(t, w.one(signed, nil), document.ErrRevokedNoPOE, ceremony.Indeterminate, "REVOKED_NO_POE")
	passed(t, w.one(archived, nil))

	login := w.auth.Issue(t, w.key.Public(), pkitest.Leaf{CN: "login", OCSP: w.url})
	byLogin, err := xades.Sign(w.key, []byte("<contract>x</contract>"), xades.Options{Form: xades.Enveloped, Certificate: login, SigningTime: w.now})
	if err != nil {
		t.Fatal(err)
	}
	says(t, w.one(byLogin, nil), document.ErrCertificateKind, ceremony.Failed, "CHAIN_CONSTRAINTS_FAILURE")
}

// PDF and XML are raised like messages; then nobody need be asked about the signer, and
// an archive time-stamp can be renewed.
func TestPDFAndXMLAreRaised(t *testing.T) {
	for _, c := range []struct {
		format string
		sign   func(w *world) (signed, content []byte)
	}{
		{"PAdES", func(w *world) ([]byte, []byte) { return w.signPDF(paper("One room")), nil }},
		{"PAdES by two", func(w *world) ([]byte, []byte) { return w.signPDF(w.signPDF(paper("One room"))), nil }},
		{"XAdES", func(w *world) ([]byte, []byte) { return w.signXML(xades.Enveloped), nil }},
		{"XAdES detached", func(w *world) ([]byte, []byte) { return w.signXML(xades.Detached), contract }},
	} {
		t.Run(c.format, func(t *testing.T) {
			w := newWorld(t)
			data, over := c.sign(w)
			check := func(level document.Level) document.Report {
				t.Helper()
				r := w.checker().Check(t.Context(), data, over, w.now)
				for _, s := range r.Signatures {
					passed(t, s)
					if s.Level != string(level) {
						t.Errorf("%s, want %s", s.Level, level)
					}
				}
				return r
			}
			raise := func(to document.Level) {
				t.Helper()
				before := len(data)
				out, err := w.augmenter().Augment(t.Context(), data, over, to)
				if err != nil {
					t.Fatal(err)
				}
				if data = out; len(data)-before > 40<<10 {
					t.Errorf("%d bytes more", len(data)-before)
				}
			}
			for _, level := range []document.Level{document.LevelT, document.LevelLT, document.LevelLTA} {
				raise(level)
				check(level)
			}
			raise(document.LevelLTA)
			r := check(document.LevelLTA)
			if n := len(r.Signatures[len(r.Signatures)-1].TimeStamps); n != 3 {
				t.Errorf("%d time-stamps, want 3", n)
			}
			changed := bytes.Replace(bytes.Replace(data, []byte("One room"), []byte("Two room"), 1), []byte("50000"), []byte("90000"), 1)
			if over == nil {
				if _, err := w.augmenter().Augment(t.Context(), changed, nil, document.LevelLTA); !errors.Is(err, document.ErrContentChanged) {
					t.Errorf("a document that was changed: %v", err)
				}
			}
			// Long after, nobody knows the signer any more: what is inside says enough, and only
			// the authority of the last time-stamp is asked about.
			w.now = w.cert.NotAfter.Add(24 * time.Hour)
			asked := 0
			later := w.checker()
			later.Status = counting{certpath.OCSP{}, &asked}
			r = later.Check(t.Context(), data, over, w.now)
			for _, s := range r.Signatures {
				passed(t, s)
			}
			if asked != 1 {
				t.Errorf("%d questions", asked)
			}
		})
	}
}

var contract = []byte("<contract><rent>50000</rent></contract>")

func (w *world) signXML(form xades.Form) []byte {
	w.t.Helper()
	o := xades.Options{Form: form, Certificate: w.cert, SigningTime: w.now}
	if form == xades.Detached {
		o.Name, o.MediaType = "contract.xml", "text/xml"
	}
	out, err := xades.Sign(w.key, contract, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}
