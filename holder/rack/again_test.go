package rack_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"

	"tegata/holder/rack"
	"tegata/internal/httpd"
)

func TestANewSignatureCertificateIsWrittenOntoTheSameCard(t *testing.T) {
	r := newRack(t)
	operator := httpd.NewOperatorToken()
	door, token := r.Routes(operator), revealed(operator)
	ask := func(order string) []byte {
		t.Helper()
		code, body := call(t, door, token, "POST", "/v1/cards/hanako/signature-key", map[string]string{"order": order})
		if code != http.StatusOK {
			t.Fatalf("a new key: %d %v", code, body)
		}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			CSR []byte `json:"sign_csr"`
		}
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatal(err)
		}
		return out.CSR
	}
	refused := func(what, path string, body any, code string) {
		t.Helper()
		if status, out := call(t, door, token, "POST", path, body); status < 400 || out["code"] != code {
			t.Errorf("%s: %d %v, want %s", what, status, out, code)
		}
	}
	refused("no card", "/v1/cards/hanako/signature-key", map[string]string{"order": "1"}, "no-such-card")
	blank, err := r.Make("hanako", "99001")
	if err != nil {
		t.Fatal(err)
	}
	refused("a blank card", "/v1/cards/hanako/signature-key", map[string]string{"order": "1"}, "card-blank")
	var papers rack.Papers
	papers.Auth, papers.AuthAuthority = certify(t, blank.AuthCSR)
	papers.Sign, papers.SignAuthority = certify(t, blank.SignCSR)
	if err := r.Personalise("hanako", papers); err != nil {
		t.Fatal(err)
	}

	first := ask("order-1")
	if again := ask("order-1"); !publicKey(t, again).Equal(publicKey(t, first)) {
		t.Error("asked again, another key")
	}
	if publicKey(t, first).Equal(publicKey(t, blank.SignCSR)) {
		t.Error("the old key again")
	}
	second := ask("order-2")
	if publicKey(t, second).Equal(publicKey(t, first)) {
		t.Error("another order, the same key")
	}
	var fresh, stale rack.Papers
	fresh.Sign, fresh.SignAuthority = certify(t, second)
	stale.Sign, stale.SignAuthority = certify(t, first)
	refused("a certificate of a key that is gone", "/v1/cards/hanako/signature", stale, "card-signature-key")
	for range 2 { // sent again after a lost answer
		if code, body := call(t, door, token, "POST", "/v1/cards/hanako/signature", fresh); code != http.StatusOK {
			t.Fatalf("written: %d %v", code, body)
		}
	}
	refused("when no key waits", "/v1/cards/hanako/signature", stale, "card-signature-key")
	refused("an authentication certificate too", "/v1/cards/hanako/signature", papers, "card-signature-key")
	// What is in the card now: the first pair's authentication certificate, the new signature certificate.
	if err := r.Personalise("hanako", rack.Papers{Auth: papers.Auth, Sign: fresh.Sign}); err != nil {
		t.Errorf("the card holds something else: %v", err)
	}
	if bytes.Equal(papers.Sign, fresh.Sign) {
		t.Error(base64.StdEncoding.EncodeToString(fresh.Sign))
	}
}
