package gateway_test

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/jws"
)

// three are documents of all kinds and formats, of one transaction.
func three() []paper {
	return []paper{text(contract), {"pades", "application/pdf", contractPDF("Pay 100 yen")}, {"xades", "application/xml", []byte(contractXML)}}
}

// signingAll makes a request of kind sign over several documents out of one.
func (w *world) signingAll(papers []paper) func(*ceremony.Request) {
	return func(r *ceremony.Request) {
		r.Purpose, r.Kind, r.Risk = ceremony.Purpose{Code: "move", Sentence: moveSentence}, ceremony.SignDoc, ceremony.R3
		var all []ceremony.Document
		for i, p := range papers {
			all = append(all, ceremony.Document{Name: "文書" + strconv.Itoa(i+1), Format: p.format, MediaType: p.media, SHA256: shaOf(p.content)})
		}
		r.PlaceDocuments(w.config.Origin, all...)
	}
}

func sentOf(papers []paper) (all []ceremony.Brought) {
	for i, p := range papers {
		all = append(all, ceremony.Brought{Document: p.content, Name: "文書" + strconv.Itoa(i+1), MediaType: p.media, Format: p.format})
	}
	return all
}

// bringBody has the portal bring a request with what is in body.
func (w *world) bringBody(r ceremony.Request, body ceremony.SignStart) (out ceremony.Started, err error) {
	w.t.Helper()
	if body.Request, err = jws.Sign(jws.Kind{Typ: "tegata-request+jwt", Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: 24 << 10}, w.portal.key, w.portal.chain, r); err != nil {
		w.t.Fatal(err)
	}
	return out, httpd.PostJSON(w.t.Context(), w.client, w.config.Origin+"/api/sign-transactions", body, &out, w.bearer(w.portal, ""))
}

// openedAll is a transaction over several documents that a phone has opened.
func (w *world) openedAll(papers []paper, change ...func(*ceremony.Request)) (ceremony.Started, *phone) {
	w.t.Helper()
	r := w.ask(append([]func(*ceremony.Request){w.signingAll(papers)}, change...)...)
	started, err := w.bringBody(r, ceremony.SignStart{Documents: sentOf(papers)})
	if err != nil {
		w.t.Fatal(err)
	}
	return started, w.mustFetch(started.RequestURI)
}

// allSigned signs each as an element does.
func (p *phone) allSigned(h *holder, papers []paper) (all [][]byte) {
	for _, d := range papers {
		all = append(all, p.signed(h, d.format, d.content))
	}
	return all
}

func (p *phone) get(url string) ([]byte, error) {
	body, _, err := httpd.Exchange(p.w.t.Context(), p.w.client, http.MethodGet, url, nil, httpd.Header{Name: ceremony.PhoneHeader, Value: p.id})
	return body, err
}

func TestSeveralDocumentsAreSignedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		good, papers := w.holders["good"], three()
		started, phone := w.openedAll(papers)
		all := phone.req.Unverified().Documents
		for i, d := range all {
			if shown, err := phone.get(d.URL); err != nil || !bytes.Equal(shown, papers[i].content) {
				t.Fatalf("document %d: the phone got %d bytes, %v", i+1, len(shown), err)
			}
		}
		for _, n := range []string{"0", "4", "-1", "x"} {
			_, err := phone.get(w.config.Origin + "/v1/requests/" + phone.req.Unverified().ID + "/documents/" + n)
			wantCode(t, err, "document-gone")
		}
		signed := phone.allSigned(good, papers)
		taken, err := phone.submit(good, signed)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := w.signResult(w.portal, started, ""); err != nil || len(r.Documents) != 3 || r.Documents[0].Signature != nil || r.Documents[0].Verdict != "" {
			t.Errorf("polled: %+v, %v", r, err)
		}
		_, err = w.signResult(w.bank, started, codeIn(t, taken.Redirect))
		wantCode(t, err, "result-unknown")
		r, err := w.signResult(w.portal, started, codeIn(t, taken.Redirect))
		if err != nil || r.Verdict != ceremony.Passed || len(r.Documents) != 3 || r.Document != nil || r.Signature != nil {
			t.Fatalf("%+v, %v", r, err)
		}
		for i, d := range r.Documents {
			if d.Name != all[i].Name || d.SHA256 != all[i].SHA256 || !bytes.Equal(d.Signature, signed[i]) || d.Verdict != ceremony.Passed || !bytes.Contains(d.Signed, []byte(`"kind":"phone-sign"`)) {
				t.Errorf("document %d: %+v", i+1, d.UsedDocument)
			}
		}
		// The holder's history names them all, as one use.
		login := w.must()
		taken, err = w.mustFetch(login.RequestURI).answer("good")
		if err != nil {
			t.Fatal(err)
		}
		told, err := w.result(w.portal, login, codeIn(t, taken.Redirect))
		if err != nil {
			t.Fatal(err)
		}
		var uses ceremony.Uses
		if err := httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/uses", &uses, w.granted(told.Grants[ceremony.ScopeUses])...); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(uses.Uses, func(u ceremony.Use) bool { return u.Kind == ceremony.SignDoc })
		if i < 0 || len(uses.Uses[i].Documents) != 3 || uses.Uses[i].Documents[1].Name != "文書2" || uses.Uses[i].Document != nil {
			t.Errorf("history: %+v", uses.Uses)
		}
	})
}

// One wrong signature among several gives the party nothing, and is named.
func TestOneWrongSignatureFailsThemAll(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	good, neighbour, papers := w.holders["good"], w.holders["neighbour"], three()
	texts := []paper{text(contract), text(contract + "2")}
	_, elsewhere := w.openedAll([]paper{text("Another contract.\n"), text("and one more\n")})
	foreign := elsewhere.signed(good, "cades", []byte("Another contract.\n"))
	for _, c := range []struct {
		name, code string
		wrong      int
		papers     []paper
		signed     func(p *phone, all [][]byte) [][]byte
	}{
		{"two texts swapped", "signed-document-invalid", 1, texts, func(_ *phone, all [][]byte) [][]byte { return [][]byte{all[1], all[0]} }},
		{"a PDF and XML swapped", "signed-other-document", 2, papers, func(_ *phone, all [][]byte) [][]byte { return [][]byte{all[0], all[2], all[1]} }},
		{"a signature of another transaction", "signed-document-invalid", 2, texts, func(_ *phone, all [][]byte) [][]byte { return [][]byte{all[0], foreign} }},
		{"the same signature for both", "signed-document-invalid", 2, texts, func(_ *phone, all [][]byte) [][]byte { return [][]byte{all[0], all[0]} }},
		{"the last by another person", "signed-document-invalid", 3, papers, func(p *phone, all [][]byte) [][]byte {
			return [][]byte{all[0], all[1], p.signed(neighbour, "xades", papers[2].content)}
		}},
		{"a PDF that was changed before", "signed-other-document", 2, papers, func(p *phone, all [][]byte) [][]byte {
			return [][]byte{all[0], p.signed(good, "pades", contractPDF("Pay 900 yen")), all[2]}
		}},
	} {
		started, phone := w.openedAll(c.papers)
		taken, err := phone.submit(good, c.signed(phone, phone.allSigned(good, c.papers)))
		if err == nil {
			t.Errorf("%s: %+v", c.name, taken)
			continue
		}
		p := wantCode(t, err, c.code)
		if name := "文書" + strconv.Itoa(c.wrong); p.Extra["document"] != name {
			t.Errorf("%s: the phone is told of %v", c.name, p.Extra["document"])
		}
		redirect, _ := p.Extra["redirect"].(string)
		r, err := w.signResult(w.portal, started, codeIn(t, redirect))
		if err != nil || r.Verdict != ceremony.Failed || r.Code != c.code || len(r.Documents) != len(c.papers) {
			t.Fatalf("%s: the party hears %+v, %v", c.name, r, err)
		}
		for i, d := range r.Documents {
			if want := i+1 == c.wrong; (d.Verdict == ceremony.Failed) != want || d.Verdict == ceremony.Passed || d.Signature != nil || d.Signed != nil {
				t.Errorf("%s: document %d: %+v", c.name, i+1, d)
			}
		}
		if _, err := w.config.Store.Document(t.Context(), phone.req.Unverified().ID, 1); err == nil {
			t.Errorf("%s: a document is still there", c.name)
		}
	}
}

// An answer that lacks a signature, or that lost one on its way, changes nothing.
func TestAnAnswerThatLacksASignature(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	good, papers := w.holders["good"], three()
	started, phone := w.openedAll(papers)
	all := phone.allSigned(good, papers)
	named := func(s [][]byte) func(*ceremony.Answer) {
		return func(a *ceremony.Answer) {
			a.Results = nil
			for _, b := range s {
				a.Results = append(a.Results, shaOf(b))
			}
		}
	}
	for _, c := range []struct {
		name         string
		sent, result [][]byte
	}{
		{"signed without one", all[:2], all[:2]},
		{"one lost on its way", all[:2], all},
		{"one more than there are documents", append(slices.Clone(all), all[0]), append(slices.Clone(all), all[0])},
		{"swapped on its way", [][]byte{all[1], all[0], all[2]}, all},
		{"none", nil, nil},
	} {
		if _, err := phone.submit(good, c.sent, named(c.result)); err == nil {
			t.Errorf("%s: taken", c.name)
		} else {
			wantCode(t, err, "answer-malformed")
		}
	}
	taken, err := phone.submit(good, all)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := phone.submit(good, all); err == nil { // a new answer: the transaction is over
		t.Errorf("answered again: %+v", again)
	}
	if r, err := w.signResult(w.portal, started, codeIn(t, taken.Redirect)); err != nil || r.Verdict != ceremony.Passed {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDocumentsThatDoNotGoTogether(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	texts := func(n int) (all []paper) {
		for i := range n {
			all = append(all, text(contract+strconv.Itoa(i)))
		}
		return all
	}
	big := []paper{text(strings.Repeat("a", ceremony.MaxDocument/2)), text(strings.Repeat("b", ceremony.MaxDocument/2+1))}
	if _, err := w.bringBody(w.ask(w.signingAll(texts(10))), ceremony.SignStart{Documents: sentOf(texts(10))}); err != nil {
		t.Errorf("ten: %v", err)
	}
	bare := sentOf(texts(2))
	for i := range bare {
		bare[i] = ceremony.Brought{Document: bare[i].Document}
	}
	if _, err := w.bringBody(w.ask(w.signingAll(texts(2))), ceremony.SignStart{Documents: bare}); err != nil {
		t.Errorf("bytes alone: %v", err)
	}
	renamed := sentOf(texts(2))
	renamed[1].Name = "別の名前"
	for _, c := range []struct {
		name, code string
		asked      []paper
		sent       ceremony.SignStart
		change     func(*ceremony.Request)
	}{
		{"the same twice", "document-twice", []paper{text(contract), text(contract)}, ceremony.SignStart{Documents: sentOf([]paper{text(contract), text(contract)})}, nil},
		{"one in documents", "request-malformed", texts(2), ceremony.SignStart{Documents: sentOf(texts(1))}, func(r *ceremony.Request) { r.Documents = r.Documents[:1] }},
		{"eleven", "request-malformed", texts(11), ceremony.SignStart{Documents: sentOf(texts(11))}, nil},
		{"one beside several", "request-malformed", texts(2), ceremony.SignStart{Documents: sentOf(texts(2))}, func(r *ceremony.Request) { r.Document = &r.Documents[0] }},
		{"fewer than named", "document-count", texts(3), ceremony.SignStart{Documents: sentOf(texts(2))}, nil},
		{"more than named", "document-count", texts(2), ceremony.SignStart{Documents: sentOf(texts(3))}, nil},
		{"several, and one as well", "document-count", texts(2), ceremony.SignStart{Document: []byte(contract), Documents: sentOf(texts(2))}, nil},
		{"digests alone", "document-missing", texts(2), ceremony.SignStart{}, nil},
		{"one of them a digest alone", "document-missing", texts(2), ceremony.SignStart{Documents: []ceremony.Brought{{Document: texts(1)[0].content}, {}}}, nil},
		{"in another order", "document-hash", texts(2), ceremony.SignStart{Documents: []ceremony.Brought{{Document: texts(2)[1].content}, {Document: texts(2)[0].content}}}, nil},
		{"under another name", "document-hash", texts(2), ceremony.SignStart{Documents: renamed}, nil},
		{"more than 1 MB together", "document-too-large", big, ceremony.SignStart{Documents: sentOf(big)}, nil},
		{"one says nothing", "document-meaningless", []paper{text(contract), text(" ")}, ceremony.SignStart{Documents: sentOf([]paper{text(contract), text(" ")})}, nil},
		{"addresses swapped", "wrong-address", texts(2), ceremony.SignStart{Documents: sentOf(texts(2))}, func(r *ceremony.Request) {
			r.Documents[0].URL, r.Documents[1].URL = r.Documents[1].URL, r.Documents[0].URL
		}},
		{"for a login", "request-malformed", texts(2), ceremony.SignStart{Documents: sentOf(texts(2))}, func(r *ceremony.Request) { r.Kind, r.Risk = ceremony.Login, ceremony.R2 }},
	} {
		r := w.ask(w.signingAll(c.asked))
		if c.change != nil {
			c.change(&r)
		}
		if started, err := w.bringBody(r, c.sent); err == nil {
			t.Errorf("%s: taken: %+v", c.name, started)
		} else {
			wantCode(t, err, c.code)
		}
	}
	// The one of a request for one does not come as several.
	_, err := w.bringBody(w.ask(w.signing(text(contract))), ceremony.SignStart{Documents: sentOf([]paper{text(contract)})})
	wantCode(t, err, "document-count")
}

// The largest answer that there can be is taken: as many signed documents as may be, each
// with all that a signature may add.
func TestTheLargestAnswer(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	var papers []paper
	var signed [][]byte
	for i := range ceremony.MaxDocuments {
		p := text(strings.Repeat(string(rune('a'+i)), ceremony.MaxDocument/ceremony.MaxDocuments))
		papers = append(papers, p)
		signed = append(signed, make([]byte, len(p.content)+(ceremony.MaxSigned-ceremony.MaxDocument)))
	}
	_, phone := w.openedAll(papers)
	_, err := phone.submit(w.holders["good"], signed)
	wantCode(t, err, "signed-document-invalid")
}
