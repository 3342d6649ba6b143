package phone_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/signable"
)

// sheet is one of several documents.
type sheet struct {
	name, format, media string
	content             []byte
}

func threeSheets() []sheet {
	return []sheet{
		{"申込書.txt", "cades", "text/plain", []byte("口座を開く\n")},
		{"約款.pdf", "pades", "application/pdf", onePage()},
		{"申告.xml", "xades", "text/xml", []byte(`<a xmlns="urn:x"><pay to="b">100</pay></a>`)},
	}
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// signingAll makes a request for signatures over what the checkpoint serves from now on.
func (c *checkpoint) signingAll(sheets []sheet) func(*ceremony.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.documents = nil
	for _, s := range sheets {
		c.documents = append(c.documents, s.content)
	}
	return func(q *ceremony.Request) {
		q.Purpose, q.Kind, q.Risk, q.Claims = ceremony.Purpose{Code: "account", Sentence: c.reg.Purposes[2].Sentence}, ceremony.SignDoc, ceremony.R3, nil
		var all []ceremony.Document
		for _, s := range sheets {
			all = append(all, ceremony.Document{Name: s.name, Format: s.format, MediaType: s.media, SHA256: digestOf(s.content)})
		}
		q.PlaceDocuments(c.origin, all...)
	}
}

// agreed is a yes to all that was shown.
func agreed(t *testing.T, a phone.Ask) phone.Reply {
	r := phone.Reply{Shown: a.Shown, Approve: true, Unlock: element.Unlock{Password: password(t, phonePassword)}}
	for _, d := range a.Sign {
		r.Seen = append(r.Seen, d.SHA256)
	}
	return r
}

func TestSeveralDocumentsUnderOnePassword(t *testing.T) {
	w, p, c := registered(t)
	a, err := p.Fetch(t.Context(), c.ask(c.signingAll(threeSheets())))
	w.must(err)
	kinds := []signable.Kind{signable.Text, signable.PDF, signable.XML}
	if len(a.Sign) != 3 || a.NoRoom {
		t.Fatalf("shown %+v", a)
	}
	for i, d := range a.Sign {
		if d.Kind != kinds[i] || d.Name != threeSheets()[i].name || !bytes.Equal(d.Content, threeSheets()[i].content) {
			t.Errorf("document %d: %+v", i+1, d)
		}
	}
	p = w.restart("a") // what was shown waits on, and is signed whatever is served by now
	c.signingAll([]sheet{{content: []byte("x")}, {content: []byte("y")}, {content: []byte("z")}})
	unread := agreed(t, a)
	unread.Seen = unread.Seen[1:]
	if _, err := p.Answer(t.Context(), a.ID, unread); code(err) != "documents-unseen" {
		t.Errorf("with one unread: %v", err)
	}
	out, err := p.Answer(t.Context(), a.ID, agreed(t, a))
	w.must(err)
	if out.Copies != 3 || out.NoRoom {
		t.Errorf("%+v", out)
	}
	if len(c.signed) != 3 || len(c.last().Results) != 3 {
		t.Fatalf("%d signatures arrived", len(c.signed))
	}
	for i, s := range c.signed {
		if c.last().Results[i] != digestOf(s) {
			t.Errorf("the answer does not name signature %d", i+1)
		}
	}
	if _, err := cms.Verify(c.signed[0], threeSheets()[0].content); err != nil {
		t.Error(err)
	}
	if !bytes.HasPrefix(c.signed[1], onePage()) || !bytes.Contains(c.signed[2], []byte("SignatureValue")) {
		t.Error("the signatures are in another order than the documents")
	}
	uses, err := p.Uses(t.Context(), 10)
	w.must(err)
	uses = slices.DeleteFunc(uses, func(u phone.Use) bool { return u.Kind != "sign" })
	if len(uses) != 1 || len(uses[0].Documents) != 3 || uses[0].Documents[1].Name != "約款.pdf" || uses[0].Document != nil {
		t.Errorf("history %+v", uses)
	}
}

func TestSeveralDocumentsThatAreNotShown(t *testing.T) {
	_, p, c := registered(t)
	served := func(change func(all [][]byte)) func() {
		return func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			change(c.documents)
		}
	}
	big := []sheet{{"a.txt", "cades", "text/plain", bytes.Repeat([]byte("a"), 1<<19)}, {"b.txt", "cades", "text/plain", bytes.Repeat([]byte("b"), 1<<19+1)}}
	for _, k := range []struct {
		name, code string
		sheets     []sheet
		then       func()
	}{
		{"one differs from its hash", "document-changed", threeSheets(), served(func(all [][]byte) { all[2] = []byte("<b>1</b>") })},
		{"two swapped", "document-changed", threeSheets(), served(func(all [][]byte) { all[0], all[1] = all[1], all[0] })},
		{"one says nothing", "document-not-shown", append(threeSheets(), sheet{"leer.txt", "cades", "text/plain", []byte(" \n")}), func() {}},
		{"more than 1 MB together", "bad-answer", big, func() {}},
	} {
		link := c.ask(c.signingAll(k.sheets))
		k.then()
		if a, err := p.Fetch(t.Context(), link); code(err) != k.code {
			t.Errorf("%s: %v, shown %+v", k.name, err, a.Sign)
		}
	}
	// A verifier that lets the same document through twice is not believed either: its
	// signed request is malformed to a phone.
	twice := c.request(c.signingAll([]sheet{threeSheets()[0], threeSheets()[0]}))
	if _, err := ceremony.SignRequest(c.partyKey, c.partyChain, twice); err == nil {
		t.Error("a request with the same document twice is signed")
	}
	elsewhere := c.signingAll(threeSheets())
	if a, err := p.Fetch(t.Context(), c.ask(func(q *ceremony.Request) { elsewhere(q); q.Documents[1].URL = "http://127.0.0.1:1/d" })); code(err) != "answer-address" {
		t.Errorf("a document elsewhere: %v, shown %+v", err, a.Sign)
	}
	if list, _, err := p.SignedDocuments(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("kept: %+v, %v", list, err)
	}
}

// On the screen each document has a place and a tick of its own, and nothing is signed
// while one of them is missing.
func TestSeveralDocumentsOnTheScreen(t *testing.T) {
	w, _, c := registered(t)
	s := w.screen(t)
	_, uri, _ := strings.Cut(c.ask(c.signingAll(threeSheets())), "request_uri=")
	s.open("/p/a/request?request_uri=" + url.QueryEscape(uri))
	here := s.path
	s.at(here, "署名する文書は3件あります", `href="#document-1"`, `id="document-1"`, "1 / 3", "口座を開く", `id="document-2"`, "2 / 3", "PDFを開いて読む", `id="document-3"`, "3 / 3", "pay",
		"「約款.pdf」を終わりまで読みました", "署名すると、控えがこのスマホの「署名した書類」に残ります")
	if n := strings.Count(s.body, `type="checkbox" form="answer" name="seen"`); n != 3 || strings.Count(s.body, `type="password"`) != 1 {
		t.Errorf("%d ticks", n)
	}
	for path, want := range map[string]string{"/documents/2": "application/pdf", "/documents/1": "text/html; charset=utf-8", "/documents/4": "text/html; charset=utf-8"} {
		r, err := s.client.Get(s.base + here + path)
		w.must(err)
		r.Body.Close()
		if got := r.Header.Get("Content-Type"); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
	seen := []string{digestOf(threeSheets()[0].content), digestOf(onePage()), digestOf(threeSheets()[2].content)}
	decide := func(n int) {
		form := typed("decision", "approve", "password", phonePassword)
		form["seen"] = seen[:n]
		s.press("/request/"+strings.TrimPrefix(here, "/p/a/request/"), form)
	}
	decide(2)
	s.at(here, "まだ読んでいない文書があります", `value="`+seen[1]+`" required checked`)
	if len(c.signed) != 0 {
		t.Fatal("signed")
	}
	decide(3)
	s.at(here+"/done", "控えを3件、このスマホに残しました")
	if len(c.signed) != 3 {
		t.Errorf("%d signatures arrived", len(c.signed))
	}
	s.open("/p/a/history")
	s.at("/p/a/history", "文書：申込書.txt（cades）", "文書：約款.pdf（pades）", "文書：申告.xml（xades）")
}

// A script answers by the door, as `tegata phone approve` does: it says what it signs by
// the request that it names.
func TestSeveralDocumentsByTheDoor(t *testing.T) {
	w, p, c := registered(t)
	rec := w.atDoor(p, "approve", map[string]string{"request": c.ask(c.signingAll(threeSheets())), "phone_signature_password": phonePassword})
	if rec.Code != 200 || len(c.signed) != 3 {
		t.Errorf("%d %s, %d signatures", rec.Code, rec.Body, len(c.signed))
	}
}
