package gateway_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

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
	acting := contractPDF("Pay 100 yen", "/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>")
	still := contractPDF("Pay 100 yen", "/OpenAction << /S /GoTo /D [3 0 R /Fit] >>")
	if _, err := w.bring(w.ask(w.signing(paper{"pades", "application/pdf", still})), still); err != nil {
		t.Errorf("a PDF that opens at a page: %v", err)
	}
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
		{"a PDF that runs a script when it opens", "document-unreadable", paper{"pades", "application/pdf", acting}, []byte("="), nil},
		{"the same beside a signature", "document-unreadable", paper{"cades", "application/pdf", acting}, []byte("="), nil},
		{"what no phone shows", "document-kind", paper{"cades", "application/zip", []byte("PK")}, []byte("="), nil},
		{"a text inside a PDF's signature", "document-kind", paper{"pades", "text/plain", []byte("a")}, []byte("="), nil},
		{"XML that is signed already", "document-closed", paper{"xades", "text/xml", closed}, []byte("="), nil},
		{"larger than 1 MB", "document-too-large", text(strings.Repeat("a", 1<<20+1)), []byte("="), nil},
		{"a document at the party", "wrong-address", text(contract), []byte("="), func(r *ceremony.Request) { r.Document.URL = "http://portal.localhost:8404/d" }},
		{"the document of another request", "wrong-address", text(contract), []byte("="), func(r *ceremony.Request) {
			r.Document.URL = ceremony.DocumentURL(w.config.Origin, ceremony.NewID())
		}},
		{"for the sentence of a login", "not-as-registered", text(contract), []byte("="), func(r *ceremony.Request) {
			r.Purpose = ceremony.Purpose{Code: "login", Sentence: loginSentence}
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
	_, before := w.opened(pdf)
	theirs := before.signed(good, "pades", pdf.content)
	for _, c := range []struct {
		name, code string
		paper      paper
		signed     func(p *phone) []byte
	}{
		{"another text", "signed-document-invalid", text(contract), func(p *phone) []byte { return p.signed(good, "cades", []byte(contract+"0")) }},
		{"the document itself, which bears a signature of theirs", "signed-document-invalid", paper{"cades", "application/pdf", theirs}, func(*phone) []byte { return theirs }},
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
			if content, err := w.config.Store.Document(t.Context(), phone.req.Unverified().ID, 1); err == nil {
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
			t.Errorf("%d signatures are still kept", len(s))
		}
	})
}

// A document of exactly 1 MB goes all the way, and other doors take no more than before.
func TestTheLargestDocument(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	p := text(strings.Repeat("約", ceremony.MaxDocument/3) + "a")
	if len(p.content) != ceremony.MaxDocument {
		t.Fatalf("%d bytes", len(p.content))
	}
	started, phone := w.opened(p)
	shown, err := phone.document(phone.id)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := phone.submit(w.holders["good"], [][]byte{phone.signed(w.holders["good"], "cades", shown)})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := w.signResult(w.portal, started, codeIn(t, taken.Redirect)); err != nil || r.Verdict != ceremony.Passed {
		t.Errorf("%v, %v", r.Verdict, err)
	}
	err = httpd.PostJSON(t.Context(), w.client, w.config.Origin+"/v1/requests", ceremony.Start{Request: strings.Repeat("a", 64<<10)}, nil, w.bearer(w.portal, ""))
	wantCode(t, err, "too-large")
	// The largest signed document of all fits into an answer.
	_, phone = w.opened(text(contract))
	_, err = phone.submit(w.holders["good"], [][]byte{make([]byte, ceremony.MaxSigned)})
	wantCode(t, err, "signed-document-invalid")
	err = httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/api/sign-transactions", nil)
	wantCode(t, err, "bad-answer") // by another method: the client says only that
}
