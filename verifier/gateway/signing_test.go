package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/httpd"
	"tegata/internal/pades"
	"tegata/internal/xades"
)

const contract = "一室、二年、月5万円。\nOne room, two years, 50,000 a month.\n"

const contractXML = `<?xml version="1.0" encoding="UTF-8"?>` + "\n<contract xmlns=\"urn:example\"><rent>50000</rent></contract>\n"

// contractPDF is one page with one line of text.
func contractPDF(text string) []byte {
	stream := "BT /F1 12 Tf 20 100 Td (" + text + ") Tj ET"
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream), "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"}
	out := []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	table := "0000000000 65535 f \n"
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", len(out))
		out = fmt.Appendf(out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	return fmt.Appendf(out, "xref\n0 %d\n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table, len(objects)+1, len(out))
}

// paper is a document and the form of its signature.
type paper struct {
	format, media string
	content       []byte
}

func text(s string) paper { return paper{"cades", "text/plain", []byte(s)} }

func papers() []paper {
	return []paper{text(contract), {"cades", "application/pdf", contractPDF("Pay 100 yen")}, {"cades", "text/xml", []byte(contractXML)},
		{"pades", "application/pdf", contractPDF("Pay 100 yen")}, {"xades", "application/xml", []byte(contractXML)}}
}

func shaOf(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// signing makes a request of kind sign out of one.
func (w *world) signing(p paper) func(*ceremony.Request) {
	return func(r *ceremony.Request) {
		r.Purpose, r.Kind, r.Risk = ceremony.Purpose{Code: "move", Sentence: moveSentence}, ceremony.SignDoc, ceremony.R3
		r.Document = &ceremony.Document{Name: "契約書.txt", Format: p.format, MediaType: p.media, SHA256: shaOf(p.content), URL: ceremony.DocumentURL(w.config.Origin, r.ID)}
	}
}

// bring has the portal bring a request and a document.
func (w *world) bring(r ceremony.Request, document []byte) (out ceremony.Started, err error) {
	compact, err := ceremony.SignRequest(w.portal.key, w.portal.chain, r)
	if err != nil {
		return out, err
	}
	body := ceremony.SignStart{Start: ceremony.Start{Request: compact}, Document: document}
	return out, httpd.PostJSON(w.t.Context(), w.client, w.config.Origin+"/api/sign-transactions", body, &out, w.bearer(w.portal, ""))
}

// opened is a transaction that a phone has opened.
func (w *world) opened(p paper, change ...func(*ceremony.Request)) (ceremony.Started, *phone) {
	w.t.Helper()
	started, err := w.bring(w.ask(append([]func(*ceremony.Request){w.signing(p)}, change...)...), p.content)
	if err != nil {
		w.t.Fatal(err)
	}
	return started, w.mustFetch(started.RequestURI)
}

func (p *phone) document(id string) ([]byte, error) {
	body, _, err := httpd.Exchange(p.w.t.Context(), p.w.client, http.MethodGet, p.req.Unverified().Document.URL, nil, httpd.Header{Name: ceremony.PhoneHeader, Value: id})
	return body, err
}

// signed signs content as an element does.
func (p *phone) signed(h *holder, format string, content []byte) []byte {
	p.w.t.Helper()
	var out []byte
	var err error
	switch format {
	case "cades":
		out, err = cms.Sign(h.key, h.sign[0], content, p.w.Now(), true)
	case "pades":
		var draft *pades.Draft
		if draft, err = pades.Prepare(content, pades.Options{At: p.w.Now()}); err == nil {
			var der []byte
			if der, err = cms.SignPAdES(h.key, h.sign[0], draft.Content()); err == nil {
				out, err = draft.Embed(der)
			}
		}
	case "xades":
		out, err = xades.Sign(h.key, content, xades.Options{Form: xades.Enveloped, Certificate: h.sign[0], SigningTime: p.w.Now()})
	}
	if err != nil {
		p.w.t.Fatal(err)
	}
	return out
}

// submit answers with a password and what was signed.
func (p *phone) submit(h *holder, signed [][]byte, change ...func(*ceremony.Answer)) (out ceremony.Taken, err error) {
	p.w.t.Helper()
	change = append([]func(*ceremony.Answer){func(a *ceremony.Answer) {
		a.AMR = []string{"pwd", "swk"}
		for _, s := range signed {
			a.Results = append(a.Results, shaOf(s))
		}
	}}, change...)
	posted := ceremony.Posted{}
	if posted.Answer, err = ceremony.Seal(p.compose(h, change...), p.sealTo); err != nil {
		p.w.t.Fatal(err)
	}
	for _, s := range signed {
		sealed, err := ceremony.SealSigned(s, p.sealTo)
		if err != nil {
			p.w.t.Fatal(err)
		}
		posted.Signed = append(posted.Signed, sealed)
	}
	err = httpd.PostJSON(p.w.t.Context(), p.w.client, p.post, posted, &out, httpd.Header{Name: ceremony.PhoneHeader, Value: p.id})
	return out, err
}

func (w *world) signResult(a actor, started ceremony.Started, code string) (out ceremony.SignResult, err error) {
	err = httpd.GetJSON(w.t.Context(), w.client, w.config.Origin+"/api/sign-transactions/"+started.ResultID+"/result", &out, w.bearer(a, code))
	return out, err
}

func TestSigning(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good := w.holders["good"]
		for _, p := range papers() {
			started, phone := w.opened(p)
			shown, err := phone.document(phone.id)
			if err != nil || !bytes.Equal(shown, p.content) {
				t.Fatalf("%s: the phone got %d bytes, %v", p.format, len(shown), err)
			}
			_, err = phone.document(ceremony.NewID())
			wantCode(t, err, "request-taken")
			if r, err := w.signResult(w.portal, started, ""); err != nil || r.State != ceremony.StateOpened || r.Signature != nil {
				t.Errorf("before the answer: %+v, %v", r, err)
			}
			signed := phone.signed(good, p.format, shown)
			taken, err := phone.submit(good, [][]byte{signed})
			if err != nil {
				t.Fatalf("%s over %s: %v", p.format, p.media, err)
			}
			if again, err := phone.document(phone.id); err == nil {
				t.Errorf("an answered request still gives its document of %d bytes", len(again))
			}
			// Neither a stranger, nor polling, nor the other address gets it.
			_, err = w.signResult(w.bank, started, codeIn(t, taken.Redirect))
			wantCode(t, err, "result-unknown")
			_, err = w.result(w.portal, started, codeIn(t, taken.Redirect))
			wantCode(t, err, "result-unknown")
			if r, err := w.signResult(w.portal, started, ""); err != nil || r.State != ceremony.StateAnswered || r.Signature != nil || r.Verdict != "" {
				t.Errorf("polled: %+v, %v", r, err)
			}
			r, err := w.signResult(w.portal, started, codeIn(t, taken.Redirect))
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != ceremony.Passed || !bytes.Equal(r.Signature, signed) || r.Document.SHA256 != shaOf(p.content) || r.Receipt == "" ||
				!bytes.Contains(r.Signed, []byte(`"kind":"phone-sign"`)) {
				t.Errorf("%s: %+v", p.format, r)
			}
			_, err = w.signResult(w.portal, started, codeIn(t, taken.Redirect))
			wantCode(t, err, "browser-binding-lost")
			// The line broke: the party that had the code fetches it again, and nobody else.
			if again, err := w.signResult(w.portal, started, ""); err != nil || !bytes.Equal(again.Signature, signed) {
				t.Errorf("fetched again: %+v, %v", again, err)
			}
			_, err = w.signResult(w.bank, started, "")
			wantCode(t, err, "result-unknown")
		}
		// A login of the same person tells what was signed.
		login := w.must()
		taken, err := w.mustFetch(login.RequestURI).answer("good")
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.result(w.portal, login, codeIn(t, taken.Redirect))
		if err != nil {
			t.Fatal(err)
		}
		var uses ceremony.Uses
		if err := httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/uses", &uses, w.granted(r.Grants[ceremony.ScopeUses])...); err != nil {
			t.Fatal(err)
		}
		var named int
		for _, u := range uses.Uses {
			if u.Kind == ceremony.SignDoc && u.Document != nil && u.Document.Name == "契約書.txt" && u.Document.SHA256 != "" {
				named++
			}
		}
		if named != len(papers()) {
			t.Errorf("%d of %d documents are in the history", named, len(papers()))
		}
	})
}

func TestDocumentsThatNobodyIsAskedToSign(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	closed := func() []byte { // signed already, as XML
		_, p := w.opened(paper{"xades", "text/xml", []byte(contractXML)})
		return p.signed(w.holders["good"], "xades", []byte(contractXML))
	}()
	for _, c := range []struct {
		name, code string
		paper      paper
		sent       []byte // "=": the document itself
		change     func(*ceremony.Request)
	}{
		{"a digest alone", "document-missing", text(contract), nil, nil},
		{"white space", "document-meaningless", text(" \n\t\u3000\u200b"), []byte("="), nil},
		{"a PDF that draws nothing", "document-meaningless", paper{"pades", "application/pdf", contractPDF(" ")}, []byte("="), nil},
		{"XML without a word", "document-meaningless", paper{"xades", "text/xml", []byte("<a><b/></a>")}, []byte("="), nil},
		{"another document than the hash's", "document-hash", text(contract), []byte(contract + "."), nil},
		{"text in another encoding", "document-unreadable", text("\x82\xa0\x82\xa2"), []byte("="), nil},
		{"XML with a DTD", "document-unreadable", paper{"xades", "text/xml", []byte(`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`)}, []byte("="), nil},
		{"a PDF that is none", "document-unreadable", paper{"pades", "application/pdf", []byte("PDF")}, []byte("="), nil},
		{"what no phone shows", "document-kind", paper{"cades", "application/zip", []byte("PK")}, []byte("="), nil},
		{"a text inside a PDF's signature", "document-kind", paper{"pades", "text/plain", []byte("a")}, []byte("="), nil},
		{"XML that is signed already", "document-closed", paper{"xades", "text/xml", closed}, []byte("="), nil},
		{"larger than 1 MB", "document-too-large", text(strings.Repeat("a", 1<<20+1)), []byte("="), nil},
		{"a document at the party", "wrong-address", text(contract), []byte("="), func(r *ceremony.Request) { r.Document.URL = "http://portal.localhost:8404/d" }},
		{"the document of another request", "wrong-address", text(contract), []byte("="), func(r *ceremony.Request) {
			r.Document.URL = ceremony.DocumentURL(w.config.Origin, ceremony.NewID())
		}},
		{"with the PIN", "request-malformed", text(contract), []byte("="), func(r *ceremony.Request) { r.Risk = ceremony.R2 }},
	} {
		sent := c.sent
		if string(sent) == "=" {
			sent = c.paper.content
		}
		r := w.ask(w.signing(c.paper))
		if c.change != nil {
			c.change(&r)
		}
		_, err := w.bring(r, sent)
		if c.code == "request-malformed" { // our own side does not even sign it
			if err == nil {
				t.Errorf("%s: taken", c.name)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: taken", c.name)
			continue
		}
		wantCode(t, err, c.code)
	}
	started, err := w.start(w.portal, w.ask(w.signing(text(contract))))
	if err == nil {
		t.Errorf("the door without documents took %+v", started)
	} else {
		wantCode(t, err, "document-missing")
	}
	if _, err := w.bring(w.ask(), []byte(contract)); err == nil {
		t.Error("a login with a document was taken")
	} else {
		wantCode(t, err, "kind-not-supported")
	}
}

// What comes with an answer is what was shown, signed by whoever signed the answer.
func TestWhatWasSignedIsWhatWasShown(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	good, neighbour := w.holders["good"], w.holders["neighbour"]
	pdf, xml := paper{"pades", "application/pdf", contractPDF("Pay 100 yen")}, paper{"xades", "text/xml", []byte(contractXML)}
	for _, c := range []struct {
		name, code string
		paper      paper
		signed     func(p *phone) []byte
	}{
		{"another text", "signed-document-invalid", text(contract), func(p *phone) []byte { return p.signed(good, "cades", []byte(contract+"0")) }},
		{"by another person", "signed-document-invalid", text(contract), func(p *phone) []byte { return p.signed(neighbour, "cades", []byte(contract)) }},
		{"no signature at all", "signed-document-invalid", text(contract), func(*phone) []byte { return []byte(contract) }},
		{"another PDF", "signed-other-document", pdf, func(p *phone) []byte { return p.signed(good, "pades", contractPDF("Pay 900 yen")) }},
		{"a PDF that was changed before it was signed", "signed-other-document", pdf, func(p *phone) []byte {
			return p.signed(good, "pades", p.signed(neighbour, "pades", pdf.content))
		}},
		{"another XML document", "signed-other-document", xml, func(p *phone) []byte {
			return p.signed(good, "xades", []byte(strings.Replace(contractXML, "50000", "90000", 1)))
		}},
		{"XML by another person", "signed-document-invalid", xml, func(p *phone) []byte { return p.signed(neighbour, "xades", xml.content) }},
	} {
		started, phone := w.opened(c.paper)
		taken, err := phone.submit(good, [][]byte{c.signed(phone)})
		if err == nil {
			t.Errorf("%s: %+v", c.name, taken)
			continue
		}
		p := wantCode(t, err, c.code)
		redirect, _ := p.Extra["redirect"].(string)
		r, err := w.signResult(w.portal, started, codeIn(t, redirect))
		if err != nil || r.Verdict != ceremony.Failed || r.Code != c.code || r.Signature != nil {
			t.Errorf("%s: the party hears %+v, %v", c.name, r, err)
		}
	}
	// What anybody between can do to an answer changes nothing: the request goes on.
	started, phone := w.opened(text(contract))
	mine := phone.signed(good, "cades", []byte(contract))
	for name, signed := range map[string][][]byte{"without what it names": nil, "with one more": {mine, mine}} {
		_, err := phone.submit(good, signed, func(a *ceremony.Answer) { a.Results = []string{shaOf(mine)} })
		if err == nil {
			t.Errorf("%s: taken", name)
			continue
		}
		wantCode(t, err, "answer-malformed")
	}
	_, err := phone.submit(good, [][]byte{phone.signed(neighbour, "cades", []byte(contract))}, func(a *ceremony.Answer) { a.Results = []string{shaOf(mine)} })
	wantCode(t, err, "answer-malformed")
	_, err = phone.submit(good, nil) // an approval that signs nothing
	wantCode(t, err, "answer-malformed")
	taken, err := phone.submit(good, [][]byte{mine})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := w.signResult(w.portal, started, codeIn(t, taken.Redirect)); err != nil || !bytes.Equal(r.Signature, mine) {
		t.Errorf("%+v, %v", r, err)
	}
}

// Revoked by a move, refused by the holder, on hold: nothing is given, and nothing stays.
func TestWhatIsNotSignedIsErased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, name := range []string{"revoked", "held"} {
			_, phone := w.opened(text(contract))
			h := w.holders[name]
			_, err := phone.submit(h, [][]byte{phone.signed(h, "cades", []byte(contract))})
			wantCode(t, err, "certificate-"+name)
			if content, err := w.config.Store.Document(t.Context(), phone.req.Unverified().ID); err == nil {
				t.Errorf("%s: the document of %d bytes is still there", name, len(content))
			}
		}
		started, phone := w.opened(text(contract), crossing)
		var out ceremony.Taken
		if err := httpd.PostJSON(t.Context(), w.client, phone.post, ceremony.Posted{Decline: ceremony.ReasonUnwanted}, &out, httpd.Header{Name: ceremony.PhoneHeader, Value: phone.id}); err != nil {
			t.Fatal(err)
		}
		if r, err := w.signResult(w.portal, started, ""); err != nil || r.Code != "holder-refused" || r.Signature != nil || r.Verdict != ceremony.Failed {
			t.Errorf("refused: %+v, %v", r, err)
		}
		// Another device: the result is polled, and gone after its time.
		started, phone = w.opened(text(contract), crossing)
		h := w.holders["good"]
		if _, err := phone.submit(h, [][]byte{phone.signed(h, "cades", []byte(contract))}, func(a *ceremony.Answer) { a.Match = started.Match }); err != nil {
			t.Fatal(err)
		}
		if r, err := w.signResult(w.portal, started, ""); err != nil || len(r.Signature) == 0 {
			t.Errorf("from another device: %+v, %v", r, err)
		}
		if err := w.gateway.RunDue(t.Context(), w.Now().Add(5*time.Minute)); err != nil {
			t.Fatal(err)
		}
		_, err := w.signResult(w.portal, started, "")
		wantCode(t, err, "result-erased")
		if s, err := w.config.Store.Signed(t.Context(), phone.req.Unverified().ID); err == nil {
			t.Errorf("%d bytes are still kept", len(s.Signature))
		}
	})
}
