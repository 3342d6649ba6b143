package oidc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/store/storetest"
	"tegata/verifier/oidc"
)

// A client that knows OpenID Connect alone asks again, later, about what it had signed.
func TestAClientHasASignatureCheckedByItsOwnToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		id := b.bring(brought())
		out := b.signedBy("hanako", b.pushSign(id))
		login, _ := out["access_token"].(string)
		var signed ceremony.SignResult
		if r := b.call("GET", resultOf(id), login, nil); json.Unmarshal(r.text, &signed) != nil || len(signed.Signature) == 0 {
			t.Fatalf("%d %s", r.status, r.text)
		}
		body := map[string]any{"messages": []map[string]any{{"signed": signed.Signature, "content": []byte(application)}}}
		var verdict struct {
			Verdict    string
			Signatures []struct {
				Status struct{ State string }
			}
		}
		check := func(want, state string) {
			t.Helper()
			r := b.call("POST", "/v1/verify", b.own(), body)
			if err := json.Unmarshal(r.text, &verdict); err != nil || r.status != 200 || verdict.Verdict != want || len(verdict.Signatures) != 1 ||
				verdict.Signatures[0].Status.State != state {
				t.Errorf("%d %s, %v; want %s, %s", r.status, r.text, err, want, state)
			}
		}
		check("passed", "good")
		w.enter("phone-sign", w.holders["hanako"].sign[0], feed.Held)
		w.tell()
		check("indeterminate", "held")

		// A login's token is for its document alone, and a token without its proof for nothing.
		if r := b.call("POST", "/v1/verify", login, body); r.code() != "sign-scope" || r.header.Get("WWW-Authenticate") == "" {
			t.Errorf("by a login's token: %d %s", r.status, r.text)
		}
		own := b.own()
		if r := b.callAs("DPoP", "POST", "/v1/verify", own, b.proof(b.pop, "POST", "/api/sign-transactions", own), body); r.code() != "dpop-proof" {
			t.Errorf("with a proof for elsewhere: %d %s", r.status, r.text)
		}
		if r := b.callAs("Bearer", "POST", "/v1/verify", own, "", body); r.status != 401 {
			t.Errorf("as a bearer: %d %s", r.status, r.text)
		}
	})
}

// Registration for signing is the leave to have any signature checked: one that another
// client had made, too. docs/threats.md says so.
func TestAClientMayHaveAnothersSignatureChecked(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	b := w.signer(t)
	id := b.bring(brought())
	login, _ := b.signedBy("hanako", b.pushSign(id))["access_token"].(string)
	var signed ceremony.SignResult
	if r := b.call("GET", resultOf(id), login, nil); json.Unmarshal(r.text, &signed) != nil || len(signed.Signature) == 0 {
		t.Fatalf("%d %s", r.status, r.text)
	}
	other := w.signer(t, func(c *oidc.Client) { c.ID, c.Sector = "other", "other" })
	other.id = "other"
	body := map[string]any{"messages": []map[string]any{{"signed": signed.Signature, "content": []byte(application)}}}
	if r := other.call("POST", "/v1/verify", other.own(), body); r.status != 200 || !strings.Contains(string(r.text), `"passed"`) {
		t.Errorf("%d %s", r.status, r.text)
	}
}

// Verdicts have a counter of their own: neither they nor documents use up the other's.
func TestTooManyVerdicts(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	b := w.signer(t)
	token, tooMany := b.own(), 0
	for range 260 {
		switch r := b.call("POST", "/v1/verify", token, map[string]any{}); {
		case r.status == 429 && r.code() == "verify-too-many":
			tooMany++
		case r.code() != "verify-messages":
			t.Fatalf("%d %s", r.status, r.text)
		}
	}
	if tooMany == 0 || tooMany > 60 {
		t.Errorf("%d of 260 were too many", tooMany)
	}
	if b.bring(brought()) == "" {
		t.Error("nothing can be signed any more")
	}
}
