package oidc_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/verifier/oidc"
)

// A result that is sealed to the client: by a key sent along, or by one registered.
func TestASignatureIsSealedToItsParty(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := pkitest.ECKey(t)
		b := w.signer(t, func(c *oidc.Client) {
			var set jose.JSONWebKeySet
			if err := json.Unmarshal(c.JWKS, &set); err != nil {
				t.Fatal(err)
			}
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: "seal", Algorithm: "ECDH-ES", Use: "enc"})
			text, err := json.Marshal(set)
			if err != nil {
				t.Fatal(err)
			}
			c.JWKS = text
		})
		for _, encrypt := range []any{map[string]any{"kid": "seal"}, jose.JSONWebKey{Key: key.Public(), KeyID: "mine", Algorithm: "ECDH-ES+A256KW"}} {
			body := brought()
			body["encrypt"] = encrypt
			id := b.bring(body)
			out := b.signedBy("hanako", b.pushSign(id))
			token, _ := out["access_token"].(string)
			r := b.call("GET", resultOf(id), token, nil)
			if r.status != 200 || r.header.Get("Content-Type") != "application/jose" || r.header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %v %s", r.status, r.header, r.text)
			}
			m, err := jose.ParseEncryptedCompact(string(r.text), []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
			if err != nil {
				t.Fatal(err)
			}
			text, err := m.Decrypt(key)
			var result ceremony.SignResult
			if err != nil || json.Unmarshal(text, &result) != nil || result.Verdict != ceremony.Passed || len(result.Signature) == 0 {
				t.Errorf("%v: %.300s", err, text)
			}
			if _, err := m.Decrypt(pkitest.ECKey(t)); err == nil {
				t.Error("another key opens it")
			}
			// A refusal is a problem in clear, which holds nothing.
			if r := b.call("GET", resultOf(id), b.own(), nil); r.code() != "sign-login-needed" {
				t.Errorf("%d %s", r.status, r.text)
			}
		}
		// That key proves nothing.
		other := *b
		other.key, other.kid = key, "seal"
		if status, out, _ := w.post("/par", other.authenticated(b.request()), "", ""); status != 401 {
			t.Errorf("the sealing key authenticates: %d %v", status, out)
		}
	})
}

// On another device: the phone shows the document there, and the number is on the screen.
func TestADocumentIsSignedOnAnotherDevice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		id := b.bring(brought())
		v := w.browser()
		p := v.get(b.pushSign(id))
		p = v.post(p.at.Path+"/ask", url.Values{"with": {"other"}})
		if !strings.HasSuffix(p.at.Path, "/wait") || !strings.Contains(p.text, "署名用パスワードを入れる") {
			t.Fatalf("at %s: %s", p.at, p.text)
		}
		number := numberOn(t, p)
		if _, err := w.answer(w.requestIn(p), "taro", func(a *ceremony.Answer) { a.Match = number }); err != nil {
			t.Fatal(err)
		}
		status, out := b.redeem(w.arrived(v.get(p.at.String())).Get("code"), b.proof(b.pop, "POST", "/token", ""))
		token, _ := out["access_token"].(string)
		if status != 200 || out["refresh_token"] != nil {
			t.Fatalf("%d %v", status, out)
		}
		var result ceremony.SignResult
		if r := b.call("GET", resultOf(id), token, nil); json.Unmarshal(r.text, &result) != nil || result.Verdict != ceremony.Passed || result.Channel != ceremony.Cross {
			t.Errorf("%d %.300s", r.status, r.text)
		}
		// Five minutes after the answer it is erased: the token of then would open nothing.
		w.advance(4*time.Minute + 50*time.Second)
		if r := b.call("GET", resultOf(id), token, nil); r.status != 200 {
			t.Errorf("in time: %d %.300s", r.status, r.text)
		}
		w.advance(11 * time.Second)
		if r := b.call("GET", resultOf(id), token, nil); r.status == 200 || r.code() != "access-token" && r.code() != "result-erased" {
			t.Errorf("after five minutes: %d %.300s", r.status, r.text)
		}
	})
}

// Two logins over one document: the first signature is the one.
func TestADocumentIsSignedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		id := b.bring(brought())
		first, second := w.browser(), w.browser()
		p, q := first.get(b.pushSign(id)), second.get(b.pushSign(id))
		p = first.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
		q = second.post(q.at.Path+"/ask", url.Values{"with": {"this"}})
		one, err := w.answer(w.requestIn(p), "hanako")
		if err != nil {
			t.Fatal(err)
		}
		two, err := w.answer(w.requestIn(q), "taro")
		if err != nil {
			t.Fatal(err)
		}
		if to := w.arrived(first.get(one)); to.Get("code") == "" {
			t.Errorf("%v", to)
		}
		if to := w.arrived(second.get(two)); to.Get("error") != "access_denied" || to.Has("code") {
			t.Errorf("%v", to)
		}
	})
}

// A refusal gives nothing, and the document may be asked about again.
func TestADocumentThatIsNotSigned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		id := b.bring(brought())
		v := w.browser()
		p := v.get(b.pushSign(id))
		if p = v.post(p.at.Path+"/refuse", nil); w.arrived(p).Get("error") != "access_denied" {
			t.Errorf("%v", p.away)
		}
		_, out := b.redeem(b.code(), b.proof(b.pop, "POST", "/token", ""))
		token, _ := out["access_token"].(string)
		if r := b.call("GET", resultOf(id), token, nil); r.code() != "sign-login-other" {
			t.Errorf("%d %s", r.status, r.text)
		}
		// The PIN is not the password: the phone's answer does not pass.
		p = v.get(b.pushSign(id))
		p = v.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
		if _, err := w.answer(w.requestIn(p), "hanako", func(a *ceremony.Answer) { a.AMR = []string{"pin", "swk"} }); err == nil {
			t.Error("signed by PIN")
		}
		b.signedBy("hanako", b.pushSign(id))
	})
}

// R3 without a document: the password, on the same device, for the strict profile.
func TestALoginInTheHighestClass(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.broker(t)
		for scope, given := range map[string]string{"openid": "", "openid name": "手形 花子"} {
			address := b.push("acr_values", w.origin+"/acr/r3", "scope", scope)
			v := w.browser()
			p := v.get(address)
			if !strings.Contains(p.text, "署名用パスワード") || strings.Contains(p.text, `value="other"`) {
				t.Errorf("the page offers another device, or says PIN: %s", p.text)
			}
			// Who asks for another device all the same is asked on this one.
			p = v.post(p.at.Path+"/ask", url.Values{"with": {"other"}})
			if !strings.HasSuffix(p.at.Path, "/phone") {
				t.Fatalf("at %s", p.at)
			}
			redirect, err := w.answer(w.requestIn(p), "hanako")
			if err != nil {
				t.Fatal(err)
			}
			status, out := b.redeem(w.arrived(v.get(redirect)).Get("code"), b.proof(b.pop, "POST", "/token", ""))
			claims := idClaims(t, out)
			if status != 200 || claims.ACR != w.origin+"/acr/r3" || strings.Join(claims.AMR, " ") != "pwd swk" {
				t.Errorf("%s: %d %+v", scope, status, claims)
			}
			token, _ := out["access_token"].(string)
			if got := b.callAs("DPoP", "GET", "/userinfo", token, b.proof(b.pop, "GET", "/userinfo", token), nil); got.status != 200 || strings.Contains(string(got.text), "手形") != (given != "") {
				t.Errorf("%s: %d %s", scope, got.status, got.text)
			}
			if refresh, _ := out["refresh_token"].(string); refresh == "" {
				t.Error("no refresh token")
			}
		}
	})
}

// Two people sign one document, one after the other, each in a transaction of their own:
// the second PDF holds both signatures, and of a text each has a signature beside it.
func TestTwoPeopleSignOneDocument(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		sign := func(name string, content []byte, format, media string) ceremony.SignResult {
			body := brought()
			body["document"], body["format"], body["media_type"] = content, format, media
			id := b.bring(body)
			out := b.signedBy(name, b.pushSign(id))
			token, _ := out["access_token"].(string)
			var result ceremony.SignResult
			if r := b.call("GET", resultOf(id), token, nil); json.Unmarshal(r.text, &result) != nil || result.Verdict != ceremony.Passed {
				t.Fatalf("%s, %s: %d %.300s", name, format, r.status, r.text)
			}
			return result
		}
		first := sign("hanako", applicationPDF(), "pades", "application/pdf")
		second := sign("taro", first.Signature, "pades", "application/pdf")
		var both struct {
			Signatures []struct {
				Verdict ceremony.Verdict `json:"verdict"`
				Signer  struct {
					Serial string `json:"serial"`
				} `json:"signer"`
			} `json:"signatures"`
		}
		if err := json.Unmarshal(second.Signed, &both); err != nil || len(both.Signatures) != 2 || !bytes.HasPrefix(second.Signature, first.Signature) {
			t.Fatalf("%v: %s", err, second.Signed)
		}
		for i, name := range []string{"hanako", "taro"} {
			if s := both.Signatures[i]; s.Verdict != ceremony.Passed || s.Signer.Serial != pki.SerialOf(w.holders[name].sign[0]).String() {
				t.Errorf("signature %d: %+v", i+1, s)
			}
		}
		one, two := sign("hanako", []byte(application), "cades", "text/plain"), sign("taro", []byte(application), "cades", "text/plain")
		if one.Sub == two.Sub || bytes.Equal(one.Signature, two.Signature) || one.Document.SHA256 != two.Document.SHA256 {
			t.Error("the two signatures are not two people's over one text")
		}
	})
}
