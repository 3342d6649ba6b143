package phone_test

import (
	"bytes"
	"io"
	"net/url"
	"strings"
	"testing"
)

// A text and an XML document are on the page in full, and nothing of them is mark-up; a
// PDF goes to the browser's own viewer, from an address that gives it nothing.
func TestADocumentOnTheScreen(t *testing.T) {
	w, _, c := registered(t)
	s := w.screen(t)
	ask := func(format, media string, content []byte) {
		t.Helper()
		link := c.ask(c.signing(format, media, content))
		_, uri, _ := strings.Cut(link, "request_uri=")
		s.open("/p/a/request?request_uri=" + url.QueryEscape(uri))
	}
	ask("cades", "text/plain", []byte("払う\u202E001\n<script src=\"x\"></script>\n"))
	s.at(s.path, "署名する文書", "契約書", "払う[U+202E]001\n<script src=\"x\"></script>\n", "署名の対象は、下の枠の中のすべてです")
	if strings.Contains(s.body, "<script src=\"x\">") {
		t.Error("the document is part of the page")
	}
	here := s.path
	s.open(here + "/document")
	s.at(here+"/document", "no-such-document") // a text is on the page and nowhere else
	ask("xades", "text/xml", []byte(`<申請><金額 単位="円">100</金額><!--下書き--></申請>`))
	s.at(s.path, "金額", "単位", "注釈（署名の対象ではありません）")

	ask("pades", "application/pdf", onePage())
	s.at(s.path, "PDFを開いて読む", "1ページ")
	r, err := s.client.Get(s.base + s.path + "/document")
	w.must(err)
	defer r.Body.Close()
	got, err := io.ReadAll(r.Body)
	w.must(err)
	if !bytes.Equal(got, onePage()) {
		t.Errorf("%d bytes of another PDF", len(got))
	}
	for name, want := range map[string]string{"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store"} {
		if r.Header.Get(name) != want {
			t.Errorf("%s: %q", name, r.Header.Get(name))
		}
	}
	policy := r.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; ") || strings.Contains(policy, "script-src") || strings.Contains(policy, "connect-src") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("policy %q", policy)
	}
	if d := r.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "inline; ") {
		t.Errorf("disposition %q", d)
	}
	s.press("/request/"+strings.TrimPrefix(s.path, "/p/a/request/"), typed("decision", "approve", "password", "WRONG123"))
	s.at(s.path, "署名用パスワードが違います", "署名する文書") // asked again, beside the document
	s.press("/request/"+strings.TrimPrefix(s.path, "/p/a/request/"), typed("decision", "approve", "password", phonePassword))
	s.open("/p/a/history")
	s.at("/p/a/history", "文書：契約書（pades）", "SHA-256")
}
