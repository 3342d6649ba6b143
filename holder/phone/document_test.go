package phone_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/pades"
	"tegata/internal/signable"
	"tegata/internal/xades"
)

// sign makes a request for a signature over what the checkpoint serves as document.
func (c *checkpoint) signing(format, media string, document []byte) func(*ceremony.Request) {
	c.document = document
	sum := sha256.Sum256(document)
	return func(q *ceremony.Request) {
		q.Purpose, q.Kind, q.Risk, q.Claims = ceremony.Purpose{Code: "account", Sentence: c.reg.Purposes[2].Sentence}, ceremony.SignDoc, ceremony.R3, nil
		q.Document = &ceremony.Document{Name: "契約書", Format: format, MediaType: media, SHA256: base64.RawURLEncoding.EncodeToString(sum[:]), URL: ceremony.DocumentURL(c.origin, q.ID)}
	}
}

// onePage is a PDF with a line of text.
func onePage() []byte {
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R >>", "<< /Length 25 >>\nstream\nBT 20 100 Td (Pay) Tj ET \nendstream"}
	out, table := []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"), "0000000000 65535 f \n"
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", len(out))
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	return fmt.Appendf(out, "xref\n0 5\n%strailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", table, len(out))
}

func TestWhatIsShownIsWhatIsSigned(t *testing.T) {
	w, p, c := registered(t)
	xml := []byte(`<a xmlns="urn:x"><pay to="b">100</pay></a>`)
	for _, d := range []struct {
		format, media string
		content       []byte
		kind          signable.Kind
		shown         func(d *phone.Document) bool
		holds         func(signed []byte) error
	}{
		{"cades", "text/plain", []byte("払う\u202E001\r\n"), signable.Text,
			func(d *phone.Document) bool { return d.Text == "払う[U+202E]001\n" },
			func(signed []byte) error {
				_, err := cms.Verify(signed, []byte("払う\u202E001\r\n"))
				return err
			}},
		{"xades", "text/xml", xml, signable.XML,
			func(d *phone.Document) bool {
				return slices.ContainsFunc(d.Lines, func(l xades.Line) bool { return l.Label == "pay" && l.Value == "100" })
			},
			func(signed []byte) error { _, err := xades.Signatures(signed, nil); return err }},
		{"pades", "application/pdf", onePage(), signable.PDF,
			func(d *phone.Document) bool { return d.Pages == 1 && bytes.Equal(d.Content, onePage()) },
			func(signed []byte) error {
				if !bytes.HasPrefix(signed, onePage()) {
					return fmt.Errorf("not an update of the PDF")
				}
				all, err := pades.Signatures(signed)
				if err != nil {
					return err
				}
				_, err = cms.VerifyPAdES(all[0].CMS, all[0].Content)
				return err
			}},
	} {
		a, err := p.Fetch(t.Context(), c.ask(c.signing(d.format, d.media, d.content)))
		w.must(err)
		if a.Secret != element.Password || len(a.Sign) != 1 || a.Sign[0].Kind != d.kind || a.Sign[0].Size != len(d.content) || !d.shown(a.Sign[0]) {
			t.Fatalf("%s: shown %+v", d.format, a.Sign)
		}
		p = w.restart("a") // what was shown waits on
		// The verifier serves something else by now: what was shown is signed.
		c.mu.Lock()
		c.document = []byte("something else")
		c.mu.Unlock()
		if _, err := p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: withPIN(t, phonePIN)}); code(err) != "secret-form" {
			t.Errorf("%s with the PIN: %v", d.format, err)
		}
		_, err = p.Answer(t.Context(), a.ID, phone.Reply{Shown: a.Shown, Approve: true, Unlock: element.Unlock{Password: password(t, phonePassword)}})
		w.must(err)
		signed, answer := c.signed[len(c.signed)-1], c.last()
		sum := sha256.Sum256(signed)
		if !slices.Equal(answer.Results, []string{base64.RawURLEncoding.EncodeToString(sum[:])}) {
			t.Errorf("%s: the answer names %v", d.format, answer.Results)
		}
		if err := d.holds(signed); err != nil {
			t.Errorf("%s: %v", d.format, err)
		}
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	uses = slices.DeleteFunc(uses, func(u phone.Use) bool { return u.Kind != "sign" })
	if len(uses) != 3 {
		t.Fatalf("%d signatures are in the history", len(uses))
	}
	if u := uses[0]; u.Document == nil || u.Document.Name != "契約書" || u.Document.Format != "pades" || u.Result != phone.ResultApproved {
		t.Errorf("history %+v", u)
	}
}

func TestWhatIsNotSignedOnAPhone(t *testing.T) {
	w, p, c := registered(t)
	text := []byte("a promise")
	good := c.signing("cades", "text/plain", text)
	for _, k := range []struct {
		name, code string
		ask        func(*ceremony.Request)
		served     []byte
	}{
		{"another document than the request names", "document-changed", good, []byte("another promise")},
		{"nothing to read", "document-not-shown", c.signing("cades", "text/plain", []byte(" \n")), []byte(" \n")},
		{"what cannot be shown", "document-not-shown", c.signing("cades", "image/png", text), text},
		{"more than 1 MB", "bad-answer", good, []byte(strings.Repeat("a", 1<<20+1))},
		{"a document elsewhere", "answer-address", func(q *ceremony.Request) { good(q); q.Document.URL = "http://127.0.0.1:1/d" }, text},
	} {
		c.mu.Lock()
		c.document = k.served
		c.mu.Unlock()
		if a, err := p.Fetch(t.Context(), c.ask(k.ask)); code(err) != k.code {
			t.Errorf("%s: %v, shown %+v", k.name, err, a.Sign)
		}
	}
	// A document that is moved elsewhere is not followed.
	elsewhere := "http://" + w.serve(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		t.Error("the phone followed")
		rw.Write(text)
	}))
	c.mu.Lock()
	c.moved = elsewhere
	c.mu.Unlock()
	if _, err := p.Fetch(t.Context(), c.ask(good)); code(err) != "bad-answer" {
		t.Errorf("moved: %v", err)
	}
}
