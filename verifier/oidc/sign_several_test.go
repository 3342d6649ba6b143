package oidc_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ceremony"
	"tegata/internal/pkitest"
)

// broughtThree is what a client sends for a text, a PDF and an XML document at once.
func broughtThree() map[string]any {
	return map[string]any{"purpose": "apply", "documents": []map[string]any{
		{"document": []byte(application), "name": "申込書.txt", "media_type": "text/plain", "format": "cades"},
		{"document": applicationPDF(), "name": "約款.pdf", "media_type": "application/pdf", "format": "pades"},
		{"document": []byte(applicationXML), "name": "申告.xml", "media_type": "application/xml", "format": "xades"},
	}}
}

func TestSeveralDocumentsAreSignedOverOpenIDConnect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		id := b.bring(broughtThree())
		p := w.browser().get(b.pushSign(id))
		for _, says := range []string{"署名する文書（3件）", "申込書.txt", "約款.pdf", "申告.xml", "署名用パスワード"} {
			if !strings.Contains(p.text, says) {
				t.Errorf("the page does not say %q: %s", says, p.text)
			}
		}
		out := b.signedBy("hanako", b.pushSign(id))
		token, _ := out["access_token"].(string)
		r := b.call("GET", resultOf(id), token, nil)
		var result ceremony.SignResult
		if err := json.Unmarshal(r.text, &result); err != nil || r.status != 200 {
			t.Fatalf("%d %s", r.status, r.text)
		}
		if result.Verdict != ceremony.Passed || result.Document != nil || result.Signature != nil || len(result.Documents) != 3 {
			t.Fatalf("%.600s", r.text)
		}
		for i, want := range []string{"申込書.txt", "約款.pdf", "申告.xml"} {
			d := result.Documents[i]
			if d.Name != want || d.Verdict != ceremony.Passed || len(d.Signature) == 0 || !bytes.Contains(d.Signed, []byte(`"kind":"phone-sign"`)) {
				t.Errorf("document %d: %+v", i+1, d.UsedDocument)
			}
		}
		if content, err := w.store.OIDC().SignContent(t.Context(), id, w.Now()); err == nil {
			t.Errorf("%d bytes are still there", len(content))
		}
		// Another person's login gets nothing of it, and a sealed result holds all of it.
		other, _ := b.signedBy("taro", b.pushSign(b.bring(broughtThree())))["access_token"].(string)
		if r := b.call("GET", resultOf(id), other, nil); r.status != 403 || r.code() != "sign-login-other" {
			t.Errorf("another login: %d %s", r.status, r.text)
		}
		key := pkitest.ECKey(t)
		sealed := broughtThree()
		sealed["encrypt"] = jose.JSONWebKey{Key: key.Public(), Algorithm: "ECDH-ES", Use: "enc"}
		id = b.bring(sealed)
		token, _ = b.signedBy("hanako", b.pushSign(id))["access_token"].(string)
		r = b.call("GET", resultOf(id), token, nil)
		m, err := jose.ParseEncryptedCompact(string(r.text), []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatalf("%d %.300s: %v", r.status, r.text, err)
		}
		plain, err := m.Decrypt(key)
		if err != nil || json.Unmarshal(plain, &result) != nil || len(result.Documents) != 3 {
			t.Errorf("%.300s, %v", plain, err)
		}
	})
}

func TestSeveralDocumentsThatAreNotTaken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		documents := func(change func(all []map[string]any) []map[string]any) map[string]any {
			body := broughtThree()
			body["documents"] = change(body["documents"].([]map[string]any))
			return body
		}
		var eleven []map[string]any
		for i := range 11 {
			eleven = append(eleven, map[string]any{"document": []byte(strings.Repeat("a", i+1)), "name": "a.txt", "media_type": "text/plain", "format": "cades"})
		}
		both := broughtThree()
		both["document"] = []byte(application)
		named := broughtThree()
		named["name"] = "a.txt"
		for name, c := range map[string]struct {
			code string
			body map[string]any
		}{
			"the same twice": {"document-twice", documents(func(all []map[string]any) []map[string]any {
				again := map[string]any{"document": all[0]["document"], "name": "b.txt", "media_type": "text/plain", "format": "cades"}
				return append(all, again)
			})},
			"one":                        {"document-count", documents(func(all []map[string]any) []map[string]any { return all[:1] })},
			"none":                       {"document-count", documents(func([]map[string]any) []map[string]any { return []map[string]any{} })},
			"eleven":                     {"document-count", documents(func([]map[string]any) []map[string]any { return eleven })},
			"one beside several":         {"document-count", both},
			"the name of one beside":     {"document-count", named},
			"one without its bytes":      {"document-missing", documents(func(all []map[string]any) []map[string]any { delete(all[1], "document"); return all })},
			"one without a name":         {"request-malformed", documents(func(all []map[string]any) []map[string]any { delete(all[1], "name"); return all })},
			"one that no phone can show": {"document-kind", documents(func(all []map[string]any) []map[string]any { all[2]["media_type"] = "application/zip"; return all })},
			"more than 1 MB together": {"document-too-large", documents(func(all []map[string]any) []map[string]any {
				all[0]["document"] = bytes.Repeat([]byte("a"), ceremony.MaxDocument)
				return all
			})},
		} {
			if r := b.call("POST", "/api/sign-transactions", b.own(), c.body); r.code() != c.code {
				t.Errorf("%s: %d %s", name, r.status, r.text)
			}
		}
		// The same call again is the same transaction; with its documents in another order it
		// is another call.
		send := func(body map[string]any) reply {
			return b.call("POST", "/api/sign-transactions", b.own(), body, "Idempotency-Key", "k")
		}
		first, again := send(broughtThree()), send(broughtThree())
		if first.status != 201 || !bytes.Equal(first.text, again.text) {
			t.Errorf("%s, then %s", first.text, again.text)
		}
		if r := send(documents(func(all []map[string]any) []map[string]any { return []map[string]any{all[1], all[0], all[2]} })); r.code() != "idempotency-key" {
			t.Errorf("in another order: %d %s", r.status, r.text)
		}
	})
}
